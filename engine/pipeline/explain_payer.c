/* Who pays (docs/RATING.md section 4): every candidate, known or not; where nobody is known, what in the book
 * comes near. */
#include "pipeline/explain_entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *account_name(const struct toll_explainer *explainer, int32_t account)
{
    return toll_book_string(explainer->book, explainer->book->accounts[account].account);
}

/* ---- near misses ---- */

enum { NEAR_SHOWN = 3, NEIGHBOURS = 100 };

/* At most one character added, lost, changed or swapped with its neighbour, letter case apart. */
static bool nearly_equal(const char *a, const char *b)
{
    size_t a_bytes = strlen(a), b_bytes = strlen(b), head = 0, tail = 0;
    while (head < a_bytes && head < b_bytes && strncasecmp(a + head, b + head, 1) == 0)
        head++;
    while (tail < a_bytes - head && tail < b_bytes - head &&
           strncasecmp(a + a_bytes - tail - 1, b + b_bytes - tail - 1, 1) == 0)
        tail++;
    const size_t a_rest = a_bytes - head - tail, b_rest = b_bytes - head - tail;
    return (a_rest <= 1 && b_rest <= 1) ||
           (a_rest == 2 && b_rest == 2 && a[head] == b[head + 1] && a[head + 1] == b[head]);
}

struct near {
    struct toll_explainer *explainer;
    const char *what, *wanted, *file; /* digits, or "trunk:V"; in trunks.csv "V" */
    bool digits;
    int count;
};

/* "12125550100-12125550199": how far behind its end or before its beginning a number lies; 0: it is no range,
 * or of another length, or the number lies in it. */
static int64_t away(const char *first, const char *wanted)
{
    const char *dash = strchr(first, '-');
    if (dash == NULL || (size_t)(dash - first) != strlen(wanted) || strlen(wanted) > TOLL_DIGITS_MAX)
        return 0;
    const int64_t low = strtoll(first, NULL, 10), number = strtoll(wanted, NULL, 10);
    const int64_t high = strtoll(dash + 1 + (dash[1] == '+'), NULL, 10);
    return number < low ? number - low : number > high ? number - high : 0;
}

/* cell: a number, a range or "hint:V". */
static bool is_near(const char *cell, const char *wanted, bool digits)
{
    char first[128];
    snprintf(first, sizeof first, "%s", cell);
    char *dash = digits ? strchr(first, '-') : NULL;
    if (dash == NULL)
        return nearly_equal(first, wanted);
    *dash = 0;
    return nearly_equal(first, wanted) || nearly_equal(dash + 1 + (dash[1] == '+'), wanted);
}

static bool near_row(void *context, uint32_t line, const struct toll_csv_field *cells)
{
    struct near *near = context;
    char cell[128], account[TOLL_EXPLAIN_TEXT_BYTES];
    toll_explain_cell(&cells[0], cell, sizeof cell);
    toll_explain_cell(&cells[1], account, sizeof account);
    const char *first = cell[0] == '+' ? cell + 1 : cell;
    const int64_t behind = near->digits ? away(first, near->wanted) : 0;
    if (behind != 0 && behind >= -NEIGHBOURS && behind <= NEIGHBOURS)
        toll_explain_add(near->explainer, TOLL_EXPLAIN_MISS, "near", "numbers.csv", line,
                         "the %s lies %lld %s a range of account %s", near->what,
                         (long long)(behind < 0 ? -behind : behind),
                         behind < 0 ? "before the first of" : "behind the last of", account);
    else if (first[0] != 0 && account[0] != 0 && is_near(first, near->wanted, near->digits))
        toll_explain_add(near->explainer, TOLL_EXPLAIN_MISS, "near", near->file, line,
                         "the %s is almost one of account %s", near->what, account);
    else
        return true;
    return ++near->count < NEAR_SHOWN;
}

static void explain_near(struct toll_explainer *explainer, const char *what, const char *wanted)
{
    static const char *const columns[] = {"number", "account", NULL};
    static const char *const trunk_columns[] = {"trunk", "account", NULL};
    struct near near = {.explainer = explainer,
                        .what = what,
                        .wanted = wanted,
                        .file = "numbers.csv",
                        .digits = wanted[0] >= '0' && wanted[0] <= '9'};
    toll_explain_table(explainer->book, near.file, columns, near_row, &near);
    if (strncmp(wanted, "trunk:", 6) != 0)
        return;
    near.wanted = wanted + 6;
    near.file = "trunks.csv";
    toll_explain_table(explainer->book, near.file, trunk_columns, near_row, &near);
}

/* ---- candidates ---- */

/* wanted: as in numbers.csv; shown: as the user may see it. */
static void explain_candidate(struct toll_explainer *explainer, const char *what, const char *wanted,
                              const char *shown, uint32_t owner)
{
    const struct toll_book *book = explainer->book;
    struct toll_explain_number_row row;
    const bool is_trunk = strncmp(wanted, "trunk:", 6) == 0;
    const bool there = toll_explain_number_find(book, wanted, explainer->row->start, &row);
    if (owner != 0) {
        const uint32_t trunk = there || !is_trunk ? 0 : toll_explain_trunk_line(book, wanted + 6);
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "payer", there ? "numbers.csv" : "trunks.csv",
                         there ? row.line : trunk, "the %s %s belongs to account %s", what, shown,
                         account_name(explainer, book->owners[owner].account));
        return;
    }
    if (there && row.time != TOLL_EXPLAIN_IN_FORCE)
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "payer", "numbers.csv", row.line,
                         "the %s %s is not in force at the call's start: account %s %s", what, shown,
                         row.account, row.time == TOLL_EXPLAIN_ENDED ? "had it until then" : "gets it later");
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "payer", "", 0,
                         is_trunk ? "the %s %s has no account in trunks.csv or numbers.csv"
                                  : "the %s %s is not in numbers.csv",
                         what, shown);
}

static void explain_number(struct toll_explainer *explainer, const char *what, uint64_t number,
                           uint32_t owner, bool nobody)
{
    char wanted[TOLL_DIGITS_TEXT_BYTES], shown[TOLL_EXPLAIN_NUMBER_BYTES];
    toll_digits_text(number, wanted);
    explain_candidate(explainer, what, wanted,
                      toll_explain_number(explainer, number, TOLL_NUMBER_E164, shown), owner);
    if (nobody)
        explain_near(explainer, what, wanted);
}

/* text: of the record, also where the book does not know it. */
static void explain_named(struct toll_explainer *explainer, enum toll_named_kind kind, const char *text,
                          uint32_t owner, bool nobody)
{
    const char *what = kind == TOLL_NAMED_TRUNK ? "trunk" : "account hint";
    char wanted[TOLL_EXPLAIN_TEXT_BYTES], shown[TOLL_EXPLAIN_TEXT_BYTES];
    snprintf(wanted, sizeof wanted, "%s:%s", kind == TOLL_NAMED_TRUNK ? "trunk" : "hint", text);
    explain_candidate(explainer, what, wanted, toll_explain_prefix(explainer, text, shown), owner);
    if (nobody)
        explain_near(explainer, what, wanted);
}

static void explain_decision(struct toll_explainer *explainer)
{
    static const char *const kinds[] = {"", "charged number", "trunk", "account hint", "near end"};
    const struct toll_book *book = explainer->book;
    const struct toll_payer *payer = &explainer->answer->payer;
    if (payer->conflict) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "payer", "", 0,
                         "they name different accounts: nobody is charged until somebody decides");
        return;
    }
    if (payer->other_party) {
        toll_explain_add(
            explainer, TOLL_EXPLAIN_STEP, "payer", "", 0,
            "nobody on this leg; the other leg of the record has a payer, so this one is the other "
            "party's and costs nothing");
        return;
    }
    if (payer->owner == 0) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "payer", "", 0,
                         "nobody: add the number, trunk or hint to numbers.csv with its account");
        return;
    }
    const struct toll_account *account = &book->accounts[explainer->answer->account];
    const int32_t site = book->owners[payer->owner].site;
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "account", toll_book_string(book, account->file),
                     account->line, "account %s pays, by the %s%s%s%s",
                     toll_book_string(book, account->account), kinds[payer->kind], site == 0 ? "" : "; site ",
                     site == 0 ? "" : toll_book_string(book, book->sites[site].site),
                     payer->site != payer->kind ? ", that of the near end" : "");
}

void toll_explain_payer(struct toll_explainer *explainer)
{
    const struct toll_row *row = explainer->row;
    const struct toll_payer *payer = &explainer->answer->payer;
    const uint64_t near = toll_row_near_end(row);
    const char *near_name =
        (row->kind & TOLL_KIND_IN) != 0 ? "near end (the callee)" : "near end (the caller)";
    const bool in_leg = (row->kind & TOLL_KIND_LEG) != 0 && (row->kind & TOLL_KIND_IN) != 0;
    const bool nobody = payer->kind == TOLL_PAYER_NOBODY && !payer->conflict && !payer->other_party;
    const bool trunk = explainer->trunk[0] != 0, hint = explainer->hint[0] != 0;
    if (in_leg && (row->charged != 0 || trunk || hint))
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "payer", "", 0,
                         "the charged number, trunk and account hint are the outgoing leg's");
    if (row->charged != 0 && !in_leg)
        explain_number(explainer, "charged number", row->charged, payer->charged, nobody);
    if (trunk && !in_leg)
        explain_named(explainer, TOLL_NAMED_TRUNK, explainer->trunk, payer->trunk, nobody);
    if (hint && !in_leg)
        explain_named(explainer, TOLL_NAMED_HINT, explainer->hint, payer->hint, nobody);
    if (near != 0)
        explain_number(explainer, near_name, near, payer->near, nobody);
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "payer", "", 0, "the %s is no E.164 number",
                         near_name);
    explain_decision(explainer);
}
