/*
 * tollmill reconcile RUN --provider-charge: our charge against the one the provider put on the same record.
 *
 * Both sides are exact decimals; a line is equal or it is not. What cannot be compared (suspense, no provider
 * charge, the other party's leg of a record) is counted apart, so that every row of the run is in exactly one
 * of the counts.
 */
#include "options.h"
#include "print.h"
#include "runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURRENCIES_MOST 64

struct totals {
    char currency[8];
    int64_t lines, different;
    struct toll_sum ours, theirs;
};

struct difference {
    char day[16], caller[24], callee[24], account[64], destination[64];
    int64_t row, ours, theirs;
    unsigned status;
};

struct reconcile {
    struct toll_run_facts facts;
    int64_t rows, equal, different, no_provider_charge, suspense, suspense_with_charge, other_party;
    struct totals totals[CURRENCIES_MOST];
    int total_count;
    struct toll_sum suspense_theirs; /* charged by the provider, not rated by us */
    struct difference *first;        /* the first `top` differences */
    size_t first_count, top;
    struct cmd_output *csv; /* all differences, or NULL */
};

static const char csv_header[] =
    "finding,day,row,record_id,status,reason,account,number,service,start,duration_ms,caller,callee,"
    "destination,deck,prefix,billed,charge,provider_charge,difference,currency\n";

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static struct totals *totals_of(struct reconcile *reconcile, const struct toll_line *line)
{
    const char *currency = or_empty(line->currency);
    if (reconcile->facts.total_count ==
        1) /* an unanswered call of nobody we know has no currency of its own */
        currency = reconcile->facts.totals[0].currency;
    for (int i = 0; i < reconcile->total_count; i++)
        if (strcmp(reconcile->totals[i].currency, currency) == 0)
            return &reconcile->totals[i];
    if (reconcile->total_count == CURRENCIES_MOST)
        return NULL;
    struct totals *totals = &reconcile->totals[reconcile->total_count++];
    snprintf(totals->currency, sizeof totals->currency, "%s", currency);
    return totals;
}

static void csv_text(struct cmd_output *out, const char *text)
{
    cmd_csv_cell(out, or_empty(text));
    cmd_put_char(out, ',');
}

/* Made for people, so always safe for a spreadsheet. */
static void csv_name(struct cmd_output *out, const char *text)
{
    cmd_csv_text(out, text, true);
    cmd_put_char(out, ',');
}

static void csv_party(struct cmd_output *out, const char *text)
{
    cmd_csv_party(out, text, true);
    cmd_put_char(out, ',');
}

static void csv_line(struct cmd_output *out, const char *finding, const struct toll_line *line)
{
    char text[TOLL_MONEY_TEXT];
    bool rated = line->status < TOLL_SUSPENSE_FIRST;
    csv_text(out, finding);
    csv_text(out, line->day);
    cmd_put_integer(out, line->row);
    cmd_put_char(out, ',');
    csv_name(out, line->record_id);
    csv_text(out, toll_status_name(line->status));
    csv_text(out, toll_status_reason(line->status));
    csv_name(out, line->account);
    csv_party(out, line->number);
    csv_text(out, line->service);
    toll_time_to_text(line->start_ms, text);
    csv_text(out, text);
    cmd_put_integer(out, line->duration_ms);
    cmd_put_char(out, ',');
    csv_party(out, line->caller);
    csv_party(out, line->callee);
    csv_name(out, line->destination);
    csv_name(out, line->deck);
    csv_name(out, line->prefix);
    cmd_put_integer(out, line->billed);
    cmd_put_char(out, ',');
    if (rated)
        toll_money_to_text(line->charge, text);
    csv_text(out, rated ? text : "");
    toll_money_to_text(line->provider_charge, text);
    csv_text(out, text);
    if (rated) {
        struct toll_sum difference = {0}, theirs = {0};
        toll_sum_add(&difference, line->charge);
        toll_sum_add(&theirs, line->provider_charge);
        toll_sum_to_text(cmd_sum_minus(difference, theirs), text);
    }
    csv_text(out, rated ? text : "");
    cmd_csv_cell(out, or_empty(line->currency));
    cmd_put_char(out, '\n');
}

static void keep_first(struct reconcile *reconcile, const struct toll_line *line)
{
    if (reconcile->first_count == reconcile->top)
        return;
    struct difference *difference = &reconcile->first[reconcile->first_count++];
    memset(difference, 0, sizeof *difference);
    snprintf(difference->day, sizeof difference->day, "%s", or_empty(line->day));
    snprintf(difference->account, sizeof difference->account, "%s", or_empty(line->account));
    snprintf(difference->destination, sizeof difference->destination, "%s", or_empty(line->destination));
    cmd_mask(line->caller, difference->caller, sizeof difference->caller);
    cmd_mask(line->callee, difference->callee, sizeof difference->callee);
    difference->row = line->row;
    difference->ours = line->charge;
    difference->theirs = line->provider_charge;
    difference->status = line->status;
}

/* false: more currencies than there is room for */
static bool compare(struct reconcile *reconcile, const struct toll_line *line)
{
    reconcile->rows++;
    if (line->status >= TOLL_SUSPENSE_FIRST) {
        reconcile->suspense++;
        if (line->has_provider_charge) {
            reconcile->suspense_with_charge++;
            toll_sum_add(&reconcile->suspense_theirs, line->provider_charge);
            if (reconcile->csv)
                csv_line(reconcile->csv, "suspense", line);
        }
        return true;
    }
    if (line->status == TOLL_ZERO_OTHER_PARTY) { /* the record's charge belongs to its other leg */
        reconcile->other_party++;
        return true;
    }
    if (!line->has_provider_charge) {
        reconcile->no_provider_charge++;
        return true;
    }
    struct totals *totals = totals_of(reconcile, line);
    if (!totals)
        return false;
    totals->lines++;
    toll_sum_add(&totals->ours, line->charge);
    toll_sum_add(&totals->theirs, line->provider_charge);
    if (line->charge == line->provider_charge) {
        reconcile->equal++;
        return true;
    }
    reconcile->different++;
    totals->different++;
    keep_first(reconcile, line);
    if (reconcile->csv)
        csv_line(reconcile->csv, "different", line);
    return true;
}

static int walk(struct cmd *cmd, struct reconcile *reconcile, struct toll_run *run)
{
    struct toll_error error = {0};
    struct toll_line line;
    struct toll_progress progress = cmd_progress_begin(cmd);
    toll_run_facts(run, &reconcile->facts);
    if (reconcile->csv)
        cmd_put_text(reconcile->csv, csv_header);
    int more;
    while ((more = toll_run_next(run, &line, &error)) > 0) {
        if (!compare(reconcile, &line))
            return cmd_fail_text(cmd, CMD_DATA, "the run has more than %d currencies", CURRENCIES_MOST);
        if ((reconcile->rows & 0xFFFF) == 0)
            progress.tick(progress.context, "comparing", reconcile->rows, reconcile->facts.rows, "rows");
    }
    return more < 0 ? cmd_fail(cmd, &error) : CMD_GO;
}

/* ---- what came out ---- */

struct total_texts {
    char ours[TOLL_MONEY_TEXT], theirs[TOLL_MONEY_TEXT], difference[TOLL_MONEY_TEXT], percent[24];
    bool over; /* beyond one percent */
};

static void total_texts(const struct totals *totals, struct total_texts *texts)
{
    struct toll_sum difference = cmd_sum_minus(totals->ours, totals->theirs);
    toll_sum_to_text(totals->ours, texts->ours);
    toll_sum_to_text(totals->theirs, texts->theirs);
    toll_sum_to_text(difference, texts->difference);
    cmd_percent_text(difference, totals->theirs, texts->percent, sizeof texts->percent);
    /* Exactly: 100 x |difference| > |theirs|; doubling and adding stays in integers. */
    struct toll_sum zero = {0}, size = difference, bound = totals->theirs, hundred = {0};
    if (cmd_sum_compare(size, zero) < 0)
        size = cmd_sum_minus(zero, size);
    if (cmd_sum_compare(bound, zero) < 0)
        bound = cmd_sum_minus(zero, bound);
    for (int i = 0; i < 100; i++)
        cmd_sum_join(&hundred, size);
    texts->over = cmd_sum_compare(hundred, bound) > 0;
}

static void print_differences(struct cmd *cmd, const struct reconcile *reconcile)
{
    static const enum cmd_align align[] = {CMD_LEFT, CMD_LEFT,  CMD_LEFT,  CMD_LEFT,
                                           CMD_LEFT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT};
    static const char *const header[] = {"day:row",     "account", "caller",   "callee",
                                         "destination", "ours",    "provider", "difference"};
    struct cmd_table table;
    if (reconcile->first_count == 0)
        return;
    cmd_table_begin(&table, 8, align);
    cmd_table_row(&table, header);
    for (size_t i = 0; i < reconcile->first_count; i++) {
        const struct difference *difference = &reconcile->first[i];
        char where[48], ours[TOLL_MONEY_TEXT], theirs[TOLL_MONEY_TEXT], apart[TOLL_MONEY_TEXT];
        struct toll_sum a = {0}, b = {0};
        toll_sum_add(&a, difference->ours);
        toll_sum_add(&b, difference->theirs);
        snprintf(where, sizeof where, "%s:%lld", difference->day, (long long)difference->row);
        toll_money_to_text(difference->ours, ours);
        toll_money_to_text(difference->theirs, theirs);
        toll_sum_to_text(cmd_sum_minus(a, b), apart);
        const char *const cells[] = {where,
                                     difference->account,
                                     difference->caller,
                                     difference->callee,
                                     difference->destination,
                                     ours,
                                     theirs,
                                     apart};
        cmd_table_row(&table, cells);
    }
    cmd_put_char(&cmd->out, '\n');
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
    if (reconcile->different > (int64_t)reconcile->first_count)
        cmd_put_format(&cmd->out, "... and %lld more; --top N shows more, -o FILE writes all\n",
                       (long long)(reconcile->different - (int64_t)reconcile->first_count));
}

static void print_human(struct cmd *cmd, const struct reconcile *reconcile, const char *run)
{
    static const enum cmd_align align[] = {CMD_LEFT, CMD_RIGHT};
    const struct {
        const char *name;
        int64_t count;
    } counts[] = {
        {"rows", reconcile->rows},
        {"equal", reconcile->equal},
        {"different", reconcile->different},
        {"without provider charge", reconcile->no_provider_charge},
        {"in suspense", reconcile->suspense},
        {"other party's", reconcile->other_party},
    };
    struct cmd_table table;
    cmd_table_begin(&table, 2, align);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        char text[32];
        if (counts[i].count == 0 && i == 5)
            continue;
        cmd_thousands(counts[i].count, text, sizeof text);
        cmd_table_row(&table, (const char *const[]){counts[i].name, text});
    }
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
    for (int i = 0; i < reconcile->total_count; i++) {
        struct total_texts texts;
        char ours[64], theirs[64], difference[64];
        total_texts(&reconcile->totals[i], &texts);
        cmd_money_text(texts.ours, ours, sizeof ours);
        cmd_money_text(texts.theirs, theirs, sizeof theirs);
        cmd_money_text(texts.difference, difference, sizeof difference);
        cmd_put_format(&cmd->out, "%s: ours %s, provider %s, difference %s%s%s%s%s\n",
                       reconcile->totals[i].currency, ours, theirs, difference, texts.percent[0] ? " (" : "",
                       texts.percent, texts.percent[0] ? " %)" : "",
                       texts.over ? "  over 1 %: look into it" : "");
    }
    if (reconcile->suspense_with_charge > 0) {
        char decimal[TOLL_MONEY_TEXT], money[64];
        toll_sum_to_text(reconcile->suspense_theirs, decimal);
        cmd_money_text(decimal, money, sizeof money);
        cmd_put_format(&cmd->out, "in suspense the provider charged %s\n", money);
    }
    print_differences(cmd, reconcile);
    if (reconcile->first_count > 0)
        cmd_put_format(&cmd->out, "Next: tollmill explain %s %s:%lld\n", run, reconcile->first[0].day,
                       (long long)reconcile->first[0].row);
}

static void print_json(struct cmd *cmd, const struct reconcile *reconcile, const char *run, const char *file)
{
    struct cmd_json json;
    char text[TOLL_MONEY_TEXT];
    struct total_texts texts;
    struct totals none = {0};
    cmd_json_begin(&json, &cmd->out, "reconcile");
    cmd_json_text(&json, "run", run);
    cmd_json_integer(&json, "rows", reconcile->rows);
    cmd_json_integer(&json, "compared", reconcile->equal + reconcile->different);
    cmd_json_integer(&json, "equal", reconcile->equal);
    cmd_json_integer(&json, "different", reconcile->different);
    cmd_json_integer(&json, "no_provider_charge", reconcile->no_provider_charge);
    cmd_json_integer(&json, "suspense", reconcile->suspense);
    cmd_json_integer(&json, "other_party", reconcile->other_party);
    if (reconcile->total_count <= 1) {
        total_texts(reconcile->total_count ? &reconcile->totals[0] : &none, &texts);
        cmd_json_text(&json, "charge", texts.ours);
        cmd_json_text(&json, "provider_charge", texts.theirs);
        cmd_json_text(&json, "difference", texts.difference);
        cmd_json_text(&json, "variance_percent", texts.percent[0] ? texts.percent : NULL);
    }
    cmd_json_open(&json, "totals", '[');
    for (int i = 0; i < reconcile->total_count; i++) {
        const struct totals *totals = &reconcile->totals[i];
        total_texts(totals, &texts);
        cmd_json_open(&json, NULL, '{');
        cmd_json_text(&json, "currency", totals->currency);
        cmd_json_integer(&json, "lines", totals->lines);
        cmd_json_integer(&json, "different", totals->different);
        cmd_json_text(&json, "charge", texts.ours);
        cmd_json_text(&json, "provider_charge", texts.theirs);
        cmd_json_text(&json, "difference", texts.difference);
        cmd_json_text(&json, "variance_percent", texts.percent[0] ? texts.percent : NULL);
        cmd_json_bool(&json, "over_one_percent", texts.over);
        cmd_json_close(&json, '}');
    }
    cmd_json_close(&json, ']');
    toll_sum_to_text(reconcile->suspense_theirs, text);
    cmd_json_text(&json, "suspense_provider_charge", text);
    cmd_json_open(&json, "differences", '[');
    for (size_t i = 0; i < reconcile->first_count; i++) {
        const struct difference *difference = &reconcile->first[i];
        cmd_json_open(&json, NULL, '{');
        cmd_json_text(&json, "day", difference->day);
        cmd_json_integer(&json, "row", difference->row);
        cmd_json_text(&json, "status", toll_status_name(difference->status));
        cmd_json_text(&json, "account", difference->account);
        cmd_json_text(&json, "caller", difference->caller);
        cmd_json_text(&json, "callee", difference->callee);
        cmd_json_text(&json, "destination", difference->destination);
        toll_money_to_text(difference->ours, text);
        cmd_json_text(&json, "charge", text);
        toll_money_to_text(difference->theirs, text);
        cmd_json_text(&json, "provider_charge", text);
        cmd_json_close(&json, '}');
    }
    cmd_json_close(&json, ']');
    cmd_json_text(&json, "file", file);
    cmd_json_end(&json);
}

/* The exit code of what was found, with a word on stderr why. */
static int verdict(struct cmd *cmd, const struct reconcile *reconcile)
{
    if (reconcile->rows > 0 && reconcile->equal + reconcile->different == 0) {
        cmd_note(cmd, "no rated line has a provider charge: nothing could be compared");
        return CMD_FINDINGS;
    }
    return reconcile->different > 0 || reconcile->suspense > 0 ? CMD_FINDINGS : CMD_OK;
}

static int work(struct cmd *cmd, struct reconcile *reconcile, struct toll_run *run, const char *run_path,
                const char *file)
{
    struct cmd_output csv = {.fd = -1};
    struct toll_error error = {0};
    int code = CMD_GO;
    if (file && cmd_output_to_file(&csv, file, &error) < 0)
        code = cmd_fail(cmd, &error);
    reconcile->csv = file ? &csv : NULL;
    if (code == CMD_GO)
        code = walk(cmd, reconcile, run);
    if (code == CMD_GO && file && cmd_output_commit(&csv, &error) < 0)
        code = cmd_fail(cmd, &error);
    cmd_output_close(&csv);
    if (code != CMD_GO)
        return code;
    if (cmd->json)
        print_json(cmd, reconcile, run_path, file);
    else
        print_human(cmd, reconcile, run_path);
    return verdict(cmd, reconcile);
}

int cmd_reconcile(struct cmd *cmd, int argc, char **argv)
{
    const char *cdrs = NULL, *file = NULL;
    bool provider_charge = false;
    int64_t top = 20;
    const struct cmd_option options[] = {
        {.kind = CMD_FLAG,
         .name = "provider-charge",
         .help = "compare with the provider's charge on each record",
         .target = &provider_charge,
         .required = true},
        {.kind = CMD_TEXT,
         .name = "output",
         .letter = 'o',
         .value = "FILE",
         .help = "write all differences as CSV, numbers in full (mode 0640)",
         .target = &file},
        {.kind = CMD_NUMBER,
         .name = "top",
         .value = "N",
         .help = "differences to show (default: 20)",
         .target = &top,
         .minimum = 0,
         .maximum = 1000000},
        CMD_OPTION_CDRS(cdrs),
    };
    const struct cmd_usage usage = {
        .about =
            "Compares our charge with the one on the provider's record, line by line and in total, to the\n"
            "last of eight places. A zero-rated line counts as 0. Exit 0 when all are equal, 1 when any\n"
            "differs or could not be rated. Telephone numbers are masked, except in -o FILE.",
        .examples = "  tollmill reconcile runs/2026-03 --provider-charge\n"
                    "  tollmill reconcile runs/2026-03 --provider-charge --top 5 -o differences.csv\n"
                    "  tollmill reconcile runs/2026-03 --provider-charge --json | jq .different\n",
        .operands = "RUN",
        .operands_min = 1,
        .operands_max = 1,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    int operands;
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    struct reconcile *reconcile = calloc(1, sizeof *reconcile);
    struct difference *first = calloc((size_t)top + 1, sizeof *first);
    struct toll_run *run = NULL;
    if (!reconcile || !first)
        code = cmd_fail_text(cmd, CMD_BUG, "out of memory");
    if (code == CMD_GO)
        code = cmd_run_open(cmd, argv[1], cdrs, &run);
    if (code == CMD_GO) {
        reconcile->first = first;
        reconcile->top = (size_t)top;
        code = work(cmd, reconcile, run, argv[1], file);
        toll_run_close(run);
    }
    free(first);
    free(reconcile);
    return code;
}
