/*
 * tollmill ledger: a run and the deltas posted after it; what each adds, and what they come to.
 */
#include "options.h"
#include "print.h"
#include "tollmill_delta.h"

#include <stdio.h>
#include <string.h>

enum { TEXT, CSV };

struct wanted {
    const char *post, *account;
    int format, csv_safe;
};

static void decimal_of(struct toll_sum sum, char text[TOLL_MONEY_TEXT])
{
    toll_sum_to_text(sum, text);
}

static void cents_text(int64_t cents, char text[TOLL_MONEY_TEXT])
{
    const uint64_t size = cents < 0 ? -(uint64_t)cents : (uint64_t)cents;
    snprintf(text, TOLL_MONEY_TEXT, "%s%llu.%02u", cents < 0 ? "-" : "", (unsigned long long)(size / 100),
             (unsigned)(size % 100));
}

static bool is_wanted(const struct wanted *wanted, const struct toll_ledger_amount *amount)
{
    return !wanted->account || strcmp(amount->account, wanted->account) == 0;
}

/* The next amount that is wanted, from *at on. */
static bool next_amount(const struct toll_ledger *ledger, const struct wanted *wanted, int64_t *at,
                        struct toll_ledger_amount *out)
{
    while (toll_ledger_amount(ledger, *at, out)) {
        ++*at;
        if (is_wanted(wanted, out))
            return true;
    }
    return false;
}

/* ---- text: entries, each with what it adds by currency ---- */

#define CURRENCIES_MOST 64

struct by_currency {
    char currency[16];
    struct toll_sum charge, due, running;
    int64_t due_tax_cents;
    bool any;
};

static struct by_currency *currency_of(struct by_currency list[CURRENCIES_MOST], const char *currency)
{
    for (int i = 0; i < CURRENCIES_MOST; i++) {
        if (list[i].currency[0] == 0)
            snprintf(list[i].currency, sizeof list[i].currency, "%s", currency);
        if (strcmp(list[i].currency, currency) == 0)
            return &list[i];
    }
    return &list[CURRENCIES_MOST - 1];
}

static void sum_entry(const struct toll_ledger *ledger, const struct wanted *wanted, int64_t seq,
                      struct by_currency list[CURRENCIES_MOST])
{
    struct toll_ledger_amount amount;
    for (int i = 0; i < CURRENCIES_MOST; i++) {
        list[i].charge = list[i].due = (struct toll_sum){0};
        list[i].due_tax_cents = 0;
        list[i].any = false;
    }
    for (int64_t at = 0; next_amount(ledger, wanted, &at, &amount);) {
        struct by_currency *sum = currency_of(list, amount.currency);
        if (amount.seq != seq)
            continue;
        sum->any = true;
        cmd_sum_join(&sum->charge, amount.charge);
        cmd_sum_join(&sum->due, amount.due);
        cmd_sum_join(&sum->running, amount.charge);
        sum->due_tax_cents += amount.due_tax_cents;
    }
}

static void print_entry(struct cmd_table *table, const struct toll_ledger_entry *entry,
                        const struct by_currency *sum)
{
    char seq[24], changed[32], decimal[TOLL_MONEY_TEXT], charge[64], running[64], due[64], tax[64];
    snprintf(seq, sizeof seq, "%lld", (long long)entry->seq);
    cmd_thousands(entry->changed, changed, sizeof changed);
    decimal_of(sum->charge, decimal);
    cmd_money_text(decimal, charge, sizeof charge);
    decimal_of(sum->running, decimal);
    cmd_money_text(decimal, running, sizeof running);
    decimal_of(sum->due, decimal);
    cmd_money_text(decimal, due, sizeof due);
    cents_text(sum->due_tax_cents, decimal);
    cmd_money_text(decimal, tax, sizeof tax);
    cmd_table_row(table, (const char *const[]){seq, entry->original ? "run" : "delta", entry->posted,
                                               entry->original ? "" : changed, charge, running,
                                               entry->original ? "" : due, entry->original ? "" : tax,
                                               sum->currency});
}

/* It moved nothing, and is there all the same. */
static void print_unmoved(struct cmd_table *table, const struct toll_ledger_entry *entry)
{
    char seq[24], changed[32];
    snprintf(seq, sizeof seq, "%lld", (long long)entry->seq);
    cmd_thousands(entry->changed, changed, sizeof changed);
    cmd_table_row(table, (const char *const[]){seq, entry->original ? "run" : "delta", entry->posted,
                                               entry->original ? "" : changed, "", "", "", "", ""});
}

static void print_text(struct cmd *cmd, const struct toll_ledger *ledger, const struct wanted *wanted)
{
    static const enum cmd_align align[] = {CMD_RIGHT, CMD_LEFT,  CMD_LEFT,  CMD_RIGHT, CMD_RIGHT,
                                           CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_LEFT};
    struct by_currency list[CURRENCIES_MOST] = {0};
    struct toll_ledger_entry entry;
    struct cmd_table table;
    cmd_table_begin(&table, 9, align);
    cmd_table_row(&table, (const char *const[]){"entry", "of", "digest", "changed", "adds", "sum", "due",
                                                "due tax", "currency"});
    for (int64_t i = 0; toll_ledger_entry(ledger, i, &entry); i++) {
        bool any = false;
        sum_entry(ledger, wanted, entry.seq, list);
        for (int k = 0; k < CURRENCIES_MOST; k++) {
            if (!list[k].currency[0] || !(list[k].any || entry.original))
                continue;
            print_entry(&table, &entry, &list[k]);
            any = true;
        }
        if (!any && !wanted->account)
            print_unmoved(&table, &entry);
    }
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

/* ---- for programs ---- */

static void print_csv(struct cmd *cmd, const struct toll_ledger *ledger, const struct wanted *wanted)
{
    struct toll_ledger_amount amount, last = {.account = "", .currency = ""};
    struct toll_sum running = {0};
    const bool safe = wanted->csv_safe == 0;
    cmd_put_text(&cmd->out, "account,entry,adds,sum,due,due_tax,currency\n");
    for (int64_t at = 0; next_amount(ledger, wanted, &at, &amount); last = amount) {
        char adds[TOLL_MONEY_TEXT], sum[TOLL_MONEY_TEXT], due[TOLL_MONEY_TEXT], tax[TOLL_MONEY_TEXT];
        if (strcmp(last.account, amount.account) != 0 || strcmp(last.currency, amount.currency) != 0)
            running = (struct toll_sum){0};
        cmd_sum_join(&running, amount.charge);
        decimal_of(amount.charge, adds);
        decimal_of(running, sum);
        decimal_of(amount.due, due);
        cents_text(amount.due_tax_cents, tax);
        cmd_csv_text(&cmd->out, amount.account, safe);
        cmd_put_format(&cmd->out, ",%lld,%s,%s,%s,%s,", (long long)amount.seq, adds, sum, due, tax);
        cmd_csv_text(&cmd->out, amount.currency, safe);
        cmd_put_char(&cmd->out, '\n');
    }
}

static void json_entries(struct cmd_json *json, const struct toll_ledger *ledger)
{
    struct toll_ledger_entry entry;
    cmd_json_open(json, "entries", '[');
    for (int64_t i = 0; toll_ledger_entry(ledger, i, &entry); i++) {
        cmd_json_open(json, NULL, '{');
        cmd_json_integer(json, "entry", entry.seq);
        cmd_json_text(json, "kind", entry.original ? "run" : "delta");
        cmd_json_text(json, "posted", entry.posted);
        cmd_json_text(json, "run", entry.run);
        cmd_json_integer(json, "changed", entry.changed);
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
}

/* By account and currency; `sum` is the last run's charge. */
static void json_amounts(struct cmd_json *json, const struct toll_ledger *ledger, const struct wanted *wanted)
{
    struct toll_ledger_amount amount, next;
    int64_t at = 0;
    cmd_json_open(json, "amounts", '[');
    bool more = next_amount(ledger, wanted, &at, &next);
    while (more) {
        struct toll_sum sum = {0};
        char text[TOLL_MONEY_TEXT];
        amount = next;
        cmd_json_open(json, NULL, '{');
        cmd_json_text(json, "account", amount.account);
        cmd_json_text(json, "currency", amount.currency);
        cmd_json_open(json, "entries", '[');
        for (;
             more && strcmp(next.account, amount.account) == 0 && strcmp(next.currency, amount.currency) == 0;
             more = next_amount(ledger, wanted, &at, &next)) {
            cmd_sum_join(&sum, next.charge);
            cmd_json_open(json, NULL, '{');
            cmd_json_integer(json, "entry", next.seq);
            decimal_of(next.charge, text);
            cmd_json_text(json, "adds", text);
            decimal_of(next.due, text);
            cmd_json_text(json, "due", text);
            cents_text(next.due_tax_cents, text);
            cmd_json_text(json, "due_tax", text);
            cmd_json_close(json, '}');
        }
        cmd_json_close(json, ']');
        decimal_of(sum, text);
        cmd_json_text(json, "sum", text);
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
}

static void print_json(struct cmd *cmd, const struct toll_ledger *ledger, const struct wanted *wanted,
                       const char *path, int64_t posted)
{
    struct cmd_json json;
    cmd_json_begin(&json, &cmd->out, "ledger");
    cmd_json_text(&json, "ledger", path);
    if (wanted->post)
        cmd_json_integer(&json, "posted", posted);
    json_entries(&json, ledger);
    json_amounts(&json, ledger, wanted);
    cmd_json_end(&json);
}

static bool has_account(const struct toll_ledger *ledger, const struct wanted *wanted)
{
    struct toll_ledger_amount amount;
    int64_t at = 0;
    return !wanted->account || next_amount(ledger, wanted, &at, &amount);
}

int cmd_ledger(struct cmd *cmd, int argc, char **argv)
{
    static const char *const formats[] = {"text", "csv", NULL};
    static const char *const safes[] = {"excel", "raw", NULL};
    struct wanted wanted = {0};
    const struct cmd_option options[] = {
        {.kind = CMD_TEXT,
         .name = "post",
         .value = "PATH",
         .help = "a run, which begins the ledger, or a delta that starts from its last run",
         .target = &wanted.post},
        {.kind = CMD_TEXT,
         .name = "account",
         .value = "A",
         .help = "only this account's amounts",
         .target = &wanted.account},
        {.kind = CMD_CHOICE,
         .name = "format",
         .value = "text|csv",
         .help = "csv: every account and entry (default: text, summed up by currency)",
         .target = &wanted.format,
         .choices = formats},
        {.kind = CMD_CHOICE,
         .name = "csv-safe",
         .value = "excel|raw",
         .help = "excel (default): ' before texts that a spreadsheet would run as formulas; raw: as they are",
         .target = &wanted.csv_safe,
         .choices = safes},
    };
    const struct cmd_usage usage = {
        .about =
            "Keeps a run and the deltas of its re-ratings apart, and in order: the original, what each\n"
            "delta adds, and their sum, which is the last run's charge. A delta that does not start from\n"
            "the ledger's last run is refused, so that nothing is booked twice. Entries are never changed.",
        .examples = "  tollmill ledger ledgers/2026-03 --post runs/2026-03\n"
                    "  tollmill ledger ledgers/2026-03 --post runs/2026-03b.delta\n"
                    "  tollmill ledger ledgers/2026-03 --account acme\n"
                    "  tollmill ledger ledgers/2026-03 --json | jq '.amounts[] | [.account, .sum]'\n",
        .operands = "LEDGER",
        .operands_min = 1,
        .operands_max = 1,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    int operands;
    const int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    struct toll_error error = {0};
    struct toll_ledger *ledger;
    struct toll_ledger_entry first;
    int64_t posted = 0;
    if (wanted.format == CSV && cmd->json)
        return cmd_fail_text(cmd, CMD_USAGE, "--json and --format csv are two formats; leave one out");
    if (wanted.post && wanted.account)
        return cmd_fail_text(cmd, CMD_USAGE,
                             "--post posts for all accounts; --account shows one: say one of them");
    if (wanted.post && cmd_output_outside(argv[1], &error) < 0)
        return cmd_fail(cmd, &error);
    if (wanted.post && toll_ledger_post(argv[1], wanted.post, &posted, &error) < 0)
        return cmd_fail(cmd, &error);
    if (toll_ledger_open(argv[1], &ledger, &error) < 0)
        return cmd_fail(cmd, &error);
    const bool found = has_account(ledger, &wanted);
    if (!found)
        snprintf(error.text, sizeof error.text, "%s: has nothing of account %s", argv[1], wanted.account);
    else if (cmd->json)
        print_json(cmd, ledger, &wanted, argv[1], posted);
    else if (wanted.format == CSV)
        print_csv(cmd, ledger, &wanted);
    else if (!cmd->quiet && !toll_ledger_entry(ledger, 0, &first))
        cmd_put_format(&cmd->out, "%s has no entries yet; --post RUN begins the ledger\n", argv[1]);
    else if (!cmd->quiet)
        print_text(cmd, ledger, &wanted);
    toll_ledger_close(ledger);
    return found ? CMD_OK : cmd_fail_text(cmd, CMD_NOINPUT, "%s", error.text);
}
