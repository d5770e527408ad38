/*
 * Sums in the HTML report of a delta: by account, by reason, by tax.
 */
#include "html_delta.h"

#include <stdio.h>
#include <stdlib.h>

enum { ACCOUNTS_MOST = 1000, TAXES_MOST = 300, SHOWN = 12 };

static cmd_html_wide side_charge(const struct toll_delta_side *side)
{
    return cmd_html_of(side->charge) + cmd_html_of(side->periods);
}

/* ---- accounts ---- */

/* Sums ascend by account, site, currency: those of an account stand together. */
bool cmd_html_payers_collect(struct cmd_html_changes *changes)
{
    struct toll_delta_sum sum;
    const size_t most = (size_t)changes->facts.sums;
    changes->payers = calloc(most > 0 ? most : 1, sizeof *changes->payers);
    if (!changes->payers)
        return false;
    size_t first = 0;
    for (int64_t i = 0; toll_delta_sum(changes->delta, i, &sum); i++) {
        if (first < changes->payer_count && strcmp(changes->payers[first].account, sum.account) != 0)
            first = changes->payer_count;
        size_t at = first;
        while (at < changes->payer_count && strcmp(changes->payers[at].currency, sum.currency) != 0)
            at++;
        struct cmd_html_payer *payer = &changes->payers[at];
        if (at == changes->payer_count) {
            changes->payer_count++;
            payer->account = sum.account;
            payer->name = sum.account_name;
            payer->currency = sum.currency;
        }
        payer->lines += sum.lines;
        payer->before += side_charge(&sum.before);
        payer->after += side_charge(&sum.after);
        for (int r = 0; r < TOLL_DELTA_REASONS; r++)
            payer->reason_rows[r] += sum.reason_rows[r];
    }
    return true;
}

static int by_move(const void *a, const void *b)
{
    const struct cmd_html_payer *x = *(struct cmd_html_payer *const *)a,
                                *y = *(struct cmd_html_payer *const *)b;
    const cmd_html_wide p = cmd_html_magnitude(x->after - x->before),
                        q = cmd_html_magnitude(y->after - y->before);
    if (p != q)
        return p < q ? 1 : -1;
    return x < y ? -1 : x > y;
}

static const char *main_reason(const struct cmd_html_payer *payer)
{
    int most = 0;
    for (int r = 1; r < TOLL_DELTA_REASONS; r++)
        if (payer->reason_rows[r] > payer->reason_rows[most])
            most = r;
    return payer->reason_rows[most] > 0 ? toll_delta_reason_name((enum toll_delta_reason)most) : "";
}

static void mark_linked(struct cmd_html_changes *changes)
{
    for (size_t p = 0; p < changes->payer_count; p++)
        for (size_t i = 0; i < changes->line_count && !changes->payers[p].linked; i++)
            changes->payers[p].linked = strcmp(changes->lines[i].account, changes->payers[p].account) == 0;
}

static void put_payer(struct cmd_html_changes *changes, const struct cmd_html_payer *payer,
                      cmd_html_wide most)
{
    struct cmd_html *html = &changes->html;
    const char *account = payer->account[0] ? payer->account : "no account";
    size_t first = (size_t)(payer - changes->payers);
    char in[16], found[32];
    while (first > 0 && strcmp(changes->payers[first - 1].account, payer->account) == 0)
        first--; /* lines are found by the first of an account's currencies */
    snprintf(found, sizeof found, "a%zu", first);
    snprintf(in, sizeof in, "c%d", cmd_html_class(payer->before, payer->after));
    cmd_html_row_begin(html, strcmp(payer->currency, changes->currency) == 0 ? in : "");
    if (payer->linked)
        cmd_html_cell_link(html, account, "lines-table", found);
    else
        cmd_html_cell_name(html, account);
    cmd_html_cell_name(html, payer->name);
    cmd_html_cell_name(html, payer->currency);
    cmd_html_cell_count(html, payer->lines, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, payer->before, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, payer->after, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, payer->after - payer->before, CMD_HTML_SIGNED);
    cmd_html_cell_percent(html, payer->before, payer->after);
    cmd_html_cell_move(html, payer->after - payer->before, most);
    cmd_html_cell_word(html, main_reason(payer));
    cmd_html_row_end(html);
}

static cmd_html_wide most_of(struct cmd_html_payer *const *payers, size_t count, const char *currency)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(payers[i]->currency, currency) == 0)
            return cmd_html_magnitude(payers[i]->after - payers[i]->before);
    return 0;
}

void cmd_html_payers(struct cmd_html_changes *changes)
{
    struct cmd_html *html = &changes->html;
    struct cmd_html_payer **touched = malloc((changes->payer_count + 1) * sizeof *touched);
    int64_t in_class[TOLL_IMPACT_CLASSES] = {0};
    size_t count = 0;
    bool named = false;
    html->failed |= !touched;
    for (size_t i = 0; touched && i < changes->payer_count; i++) {
        struct cmd_html_payer *payer = &changes->payers[i];
        if (strcmp(payer->currency, changes->currency) == 0 && (payer->before != 0 || payer->after != 0))
            in_class[cmd_html_class(payer->before, payer->after)]++;
        if (payer->lines > 0 || payer->before != payer->after)
            touched[count++] = payer;
        named |= payer->name[0] != '\0' && strcmp(payer->name, payer->account) != 0;
    }
    if (count > 0) {
        const struct cmd_html_column columns[] = {{.head = "Account"},
                                                  {.head = "Name", .skip = !named},
                                                  {.head = "Currency", .skip = !changes->several},
                                                  {.head = "Lines changed", .cells = CMD_HTML_NUMBER},
                                                  {.head = "Before", .cells = CMD_HTML_NUMBER},
                                                  {.head = "Now", .cells = CMD_HTML_NUMBER},
                                                  {.head = "Change", .cells = CMD_HTML_NUMBER},
                                                  {.head = "Percent", .cells = CMD_HTML_NUMBER},
                                                  {.head = "less | more", .cells = CMD_HTML_BAR},
                                                  {.head = "Mostly"}};
        const size_t shown = count < ACCOUNTS_MOST ? count : ACCOUNTS_MOST;
        qsort(touched, count, sizeof *touched, by_move);
        mark_linked(changes);
        cmd_html_section_begin(html, "whom", "Whom it hurts");
        cmd_html_spread(html, in_class, "accounts");
        cmd_html_table_begin(html, "accounts", "Accounts, by how much their bill moves", columns, 10, -1,
                             SHOWN);
        for (size_t i = 0; i < shown; i++)
            put_payer(changes, touched[i], most_of(touched, count, touched[i]->currency));
        cmd_html_table_end(html, shown, count, "tollmill delta DELTA --format csv --what sums");
        cmd_html_section_end(html);
    }
    free(touched);
}

/* ---- reasons ---- */

const char *cmd_html_reason_text(enum toll_delta_reason reason)
{
    static const char *const texts[TOLL_DELTA_REASONS] = {
        [TOLL_DELTA_APPEARED] = "the call is only in the new run",
        [TOLL_DELTA_VANISHED] = "the call is only in the old run",
        [TOLL_DELTA_CDR] = "the call detail record itself is another",
        [TOLL_DELTA_WAS_SUSPENSE] = "was held back, and is not now",
        [TOLL_DELTA_NOW_SUSPENSE] = "is held back now",
        [TOLL_DELTA_PAYER] = "another account, site or number pays",
        [TOLL_DELTA_JURISDICTION] = "another class or jurisdiction",
        [TOLL_DELTA_PLAN] = "another plan, deck or rule",
        [TOLL_DELTA_PREFIX] = "another prefix of the same deck",
        [TOLL_DELTA_BAND] = "another band or step of the same prefix",
        [TOLL_DELTA_RATE] = "the same place at another price",
        [TOLL_DELTA_BUNDLE] = "bundles gave more or less",
        [TOLL_DELTA_STATUS] = "rated, free, unanswered in another way",
        [TOLL_DELTA_COST] = "only what it costs us",
        [TOLL_DELTA_TAX] = "only its taxes"};
    return texts[reason];
}

void cmd_html_reasons(struct cmd_html_changes *changes)
{
    struct cmd_html *html = &changes->html;
    cmd_html_wide money[TOLL_DELTA_REASONS] = {0}, most = 0;
    struct toll_delta_sum sum;
    int sorted[TOLL_DELTA_REASONS];
    for (int64_t i = 0; toll_delta_sum(changes->delta, i, &sum); i++)
        for (int r = 0; r < TOLL_DELTA_REASONS && strcmp(sum.currency, changes->currency) == 0; r++)
            money[r] += cmd_html_of(sum.reason_charge[r]);
    for (int r = 0; r < TOLL_DELTA_REASONS; r++) {
        int at = r;
        for (; at > 0 && cmd_html_magnitude(money[sorted[at - 1]]) < cmd_html_magnitude(money[r]); at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = r;
        most = cmd_html_magnitude(money[r]) > most ? cmd_html_magnitude(money[r]) : most;
    }
    const struct cmd_html_column columns[] = {{.head = "Reason"},
                                              {.head = "What it means"},
                                              {.head = "Lines", .cells = CMD_HTML_NUMBER},
                                              {.head = "Change", .cells = CMD_HTML_NUMBER},
                                              {.head = "less | more", .cells = CMD_HTML_BAR}};
    if (changes->facts.changed == 0)
        return;
    cmd_html_section_begin(html, "why", "What drives it");
    cmd_html_table_begin(html, "reasons", "Changed lines by the first reason that is true", columns, 5, -1,
                         0);
    for (int i = 0; i < TOLL_DELTA_REASONS; i++) {
        const enum toll_delta_reason reason = (enum toll_delta_reason)sorted[i];
        if (changes->facts.reason_rows[reason] == 0)
            continue;
        cmd_html_row_begin(html, "");
        cmd_html_cell_word(html, toll_delta_reason_name(reason));
        cmd_html_cell_name(html, cmd_html_reason_text(reason));
        cmd_html_cell_count(html, changes->facts.reason_rows[reason], CMD_HTML_PLAIN);
        cmd_html_cell_money(html, money[reason], CMD_HTML_SIGNED);
        cmd_html_cell_move(html, money[reason], most);
        cmd_html_row_end(html);
    }
    cmd_html_table_end(html, 0, 0, NULL);
    cmd_html_section_end(html);
}

/* ---- taxes ---- */

static int by_names(const void *a, const void *b)
{
    const struct toll_delta_tax *x = a, *y = b;
    int order = strcmp(x->tax_jurisdiction, y->tax_jurisdiction);
    order = order ? order : strcmp(x->tax, y->tax);
    order = order ? order : strcmp(x->currency, y->currency);
    return order ? order : x->billable - y->billable;
}

/* Of all accounts and periods together; into the array itself. */
static size_t merge_taxes(struct toll_delta_tax *taxes, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && by_names(&taxes[kept - 1], &taxes[i]) == 0) {
            taxes[kept - 1].before_cents += taxes[i].before_cents;
            taxes[kept - 1].after_cents += taxes[i].after_cents;
        } else {
            taxes[kept++] = taxes[i];
        }
    }
    return kept;
}

void cmd_html_taxes(struct cmd_html_changes *changes)
{
    struct cmd_html *html = &changes->html;
    const size_t all = (size_t)changes->facts.taxes;
    struct toll_delta_tax *taxes = all > 0 ? malloc(all * sizeof *taxes) : NULL;
    size_t count = 0, shown = 0;
    html->failed |= all > 0 && !taxes;
    while (taxes && count < all && toll_delta_tax(changes->delta, (int64_t)count, &taxes[count]))
        count++;
    if (count > 0) {
        qsort(taxes, count, sizeof *taxes, by_names);
        count = merge_taxes(taxes, count);
        const struct cmd_html_column columns[] = {{.head = "Jurisdiction"},
                                                  {.head = "Tax"},
                                                  {.head = "Name"},
                                                  {.head = "Billed to"},
                                                  {.head = "Currency", .skip = !changes->several},
                                                  {.head = "Before", .cells = CMD_HTML_NUMBER},
                                                  {.head = "Now", .cells = CMD_HTML_NUMBER},
                                                  {.head = "Change", .cells = CMD_HTML_NUMBER}};
        cmd_html_section_begin(html, "taxes", "Taxes");
        cmd_html_table_begin(html, "taxes-table", "By tax, all accounts and periods where it changed",
                             columns, 8, -1, SHOWN);
        for (size_t i = 0; i < count && shown < TAXES_MOST; i++, shown++) {
            const cmd_html_wide was = (cmd_html_wide)taxes[i].before_cents * 1000000,
                                is = (cmd_html_wide)taxes[i].after_cents * 1000000;
            cmd_html_row_begin(html, "");
            cmd_html_cell_name(html, taxes[i].tax_jurisdiction);
            cmd_html_cell_name(html, taxes[i].tax);
            cmd_html_cell_name(html, taxes[i].name);
            cmd_html_cell_name(html, taxes[i].billable ? "customer" : "us");
            cmd_html_cell_name(html, taxes[i].currency);
            cmd_html_cell_money(html, was, CMD_HTML_PLAIN);
            cmd_html_cell_money(html, is, CMD_HTML_PLAIN);
            cmd_html_cell_money(html, is - was, CMD_HTML_SIGNED);
            cmd_html_row_end(html);
        }
        cmd_html_table_end(html, shown, count, "tollmill delta DELTA --format csv --what taxes");
        cmd_html_section_end(html);
    }
    free(taxes);
}
