/*
 * plan: accounts are on one plan all the time; `*`: all that have the currency of its decks. Their own
 * assignments go, and those of their sites and numbers; each gets one that has no dates. A number that
 * belongs to somebody else at other times keeps for that time what it has: its assignment is cut to when the
 * other owns it, whose clock both dates are read on.
 */
#include "base/digits.h"
#include "book/sources.h"
#include "ratetable/prefix_cell.h"

#include <stdio.h>

#define TIME_BYTES 32

/* A row of numbers.csv of a telephone number. */
struct owned_numbers {
    uint64_t first, count; /* as integers, of `digits` digits */
    unsigned digits;
    bool ours; /* the account is one of those on the plan */
    toll_ms from, until;
    size_t place;   /* in the table */
    uint64_t reach; /* behind the last number of this row and of those before it with as many digits */
};

struct plan_edit {
    struct toll_sources *sources;
    const struct toll_change *change;
    struct toll_error *error;
    struct toll_strings accounts;         /* on the plan from now on */
    struct toll_strings sites;            /* theirs */
    struct toll_buffer numbers;           /* struct owned_numbers */
    int subject, plan, side, from, until; /* columns of assignments.csv */
};

static int no_memory(struct plan_edit *edit)
{
    return toll_error_set(edit->error, TOLL_ENOMEM, "out of memory while a book is changed");
}

static bool has(const struct toll_strings *names, const char *text)
{
    return toll_strings_find(names, text, strlen(text)) != 0;
}

static int check_plan(struct plan_edit *edit)
{
    struct toll_strings plans = {0};
    int code = 0;

    if (!toll_sources_names(edit->sources, "plans.csv", "plan", &plans))
        code = no_memory(edit);
    else if (!has(&plans, edit->change->name))
        code = toll_sources_unknown(edit->change, "plan", edit->change->name, &plans, edit->error);
    toll_strings_free(&plans);
    return code;
}

/* ---- whose ---- */

/* A currency's cell: empty is the book's. */
static const char *currency_of(const struct plan_edit *edit, const char *cell)
{
    return cell[0] != 0 ? cell : edit->sources->currency;
}

/* The decks that the plan's rules name. */
static int read_decks(struct plan_edit *edit, struct toll_strings *decks)
{
    struct toll_table_edit *table;
    int code = toll_sources_edit(edit->sources, "plan_rules.csv", &table, edit->error);

    if (code != 0)
        return code;
    const int plan = toll_table_edit_column(table, "plan"), deck = toll_table_edit_column(table, "deck");
    while (code == 0 && toll_table_edit_next(table) == 1) {
        const char *name = toll_table_edit_cell(table, deck);
        if (name[0] != 0 && strcmp(toll_table_edit_cell(table, plan), edit->change->name) == 0 &&
            toll_strings_add(decks, name, strlen(name)) == 0)
            code = no_memory(edit);
    }
    toll_table_edit_free(table);
    return code;
}

/* The currencies that an account on the plan must have: one, none where no deck prices, or several, which no
 * account has. */
static int read_currencies(struct plan_edit *edit, struct toll_strings *currencies)
{
    struct toll_strings decks = {0};
    struct toll_table_edit *table = NULL;
    int code = read_decks(edit, &decks);
    uint32_t left = decks.count;

    if (code == 0)
        code = toll_sources_edit(edit->sources, "decks.csv", &table, edit->error);
    const int deck = code == 0 ? toll_table_edit_column(table, "deck") : -1;
    const int currency = code == 0 ? toll_table_edit_column(table, "currency") : -1;
    while (code == 0 && toll_table_edit_next(table) == 1) {
        const char *text;
        if (!has(&decks, toll_table_edit_cell(table, deck)))
            continue;
        left--;
        text = currency_of(edit, toll_table_edit_cell(table, currency));
        if (toll_strings_add(currencies, text, strlen(text)) == 0)
            code = no_memory(edit);
    }
    toll_table_edit_free(table);
    toll_strings_free(&decks);
    if (code == 0 && left > 0 &&
        toll_strings_add(currencies, edit->sources->currency, strlen(edit->sources->currency)) == 0)
        code = no_memory(edit);
    return code;
}

static int add_account(struct plan_edit *edit, const struct toll_strings *currencies, const char *name,
                       const char *currency)
{
    const bool fits = currencies->count == 0 || (currencies->count == 1 && has(currencies, currency));
    struct toll_strings *to = fits ? &edit->accounts : &edit->sources->not_moved;

    return toll_strings_add(to, name, strlen(name)) != 0 ? 0 : no_memory(edit);
}

/* "*" */
static int read_all_accounts(struct plan_edit *edit)
{
    struct toll_strings currencies = {0};
    struct toll_table_edit *table = NULL;
    int code = read_currencies(edit, &currencies);

    if (code == 0)
        code = toll_sources_edit(edit->sources, "accounts.csv", &table, edit->error);
    const int account = code == 0 ? toll_table_edit_column(table, "account") : -1;
    const int currency = code == 0 ? toll_table_edit_column(table, "currency") : -1;
    while (code == 0 && toll_table_edit_next(table) == 1) {
        const char *name = toll_table_edit_cell(table, account);
        if (name[0] != 0)
            code = add_account(edit, &currencies, name,
                               currency_of(edit, toll_table_edit_cell(table, currency)));
    }
    if (code == 0 && edit->accounts.count == 0)
        code = edit->sources->not_moved.count == 0
                   ? toll_change_error(edit->change, edit->error, "the book has no accounts")
                   : toll_change_error(edit->change, edit->error,
                                       "no account has the currency of all decks of the plan (%s%s)",
                                       toll_strings_text(&currencies, 1, NULL),
                                       currencies.count > 1 ? ", ..." : "");
    toll_table_edit_free(table);
    toll_strings_free(&currencies);
    return code;
}

/* "A, B" or "*". */
static int read_accounts(struct plan_edit *edit)
{
    struct toll_strings all = {0};
    const char *at = edit->change->accounts;
    char name[TOLL_CHANGE_NAME_BYTES];
    int code = 0;

    if (strcmp(at, "*") == 0)
        return read_all_accounts(edit);
    if (!toll_sources_names(edit->sources, "accounts.csv", "account", &all))
        code = no_memory(edit);
    while (code == 0 && (at = toll_change_next_name(at, name)) != NULL) {
        if (!has(&all, name))
            code = toll_sources_unknown(edit->change, "account", name, &all, edit->error);
        else if (toll_strings_add(&edit->accounts, name, strlen(name)) == 0)
            code = no_memory(edit);
    }
    toll_strings_free(&all);
    return code;
}

/* Whom an earlier part of the change left where they were, and this one moves. */
static int drop_moved(struct plan_edit *edit)
{
    struct toll_strings *all = &edit->sources->not_moved, left = {0};
    int code = 0;

    for (uint32_t id = 1; id <= all->count && code == 0; id++) {
        const char *name = toll_strings_text(all, id, NULL);
        if (!has(&edit->accounts, name) && toll_strings_add(&left, name, strlen(name)) == 0)
            code = no_memory(edit);
    }
    toll_strings_free(all);
    *all = left;
    return code;
}

static int read_sites(struct plan_edit *edit)
{
    struct toll_table_edit *table;
    int code = toll_sources_edit(edit->sources, "sites.csv", &table, edit->error);

    if (code != 0)
        return code;
    const int site = toll_table_edit_column(table, "site"),
              account = toll_table_edit_column(table, "account");
    while (code == 0 && toll_table_edit_next(table) == 1) {
        const char *name = toll_table_edit_cell(table, site);
        if (has(&edit->accounts, toll_table_edit_cell(table, account)) &&
            toll_strings_add(&edit->sites, name, strlen(name)) == 0)
            code = no_memory(edit);
    }
    toll_table_edit_free(table);
    return code;
}

/* A cell's local time. What is no time was refused when the base was compiled, or will be. */
static toll_ms local_time(const char *cell, toll_ms otherwise)
{
    toll_ms local = otherwise;
    bool has_offset;
    int32_t offset_s;

    if (cell[0] == 0 || !toll_iso_parse(cell, strlen(cell), &local, &has_offset, &offset_s))
        return otherwise;
    return local;
}

static int by_number(const void *left, const void *right)
{
    const struct owned_numbers *a = left, *b = right;

    if (a->digits != b->digits)
        return a->digits < b->digits ? -1 : 1;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

/* So that the rows of a number are found without looking at all. */
static void sort_numbers(struct plan_edit *edit)
{
    struct owned_numbers *rows = edit->numbers.data;

    if (edit->numbers.count > 0)
        qsort(rows, edit->numbers.count, sizeof(*rows), by_number);
    for (size_t i = 0; i < edit->numbers.count; i++) {
        const uint64_t end = rows[i].first + rows[i].count;
        const bool goes_on = i > 0 && rows[i - 1].digits == rows[i].digits && rows[i - 1].reach > end;
        rows[i].reach = goes_on ? rows[i - 1].reach : end;
    }
}

static int read_numbers(struct plan_edit *edit)
{
    struct toll_table_edit *table;
    int code = toll_sources_edit(edit->sources, "numbers.csv", &table, edit->error);

    if (code != 0)
        return code;
    const int number = toll_table_edit_column(table, "number");
    const int account = toll_table_edit_column(table, "account");
    const int from = toll_table_edit_column(table, "from"), until = toll_table_edit_column(table, "to");
    while (code == 0 && toll_table_edit_next(table) == 1) {
        const char *cell = toll_table_edit_cell(table, number);
        struct toll_prefix_range range;
        if (toll_range_parse(cell, strlen(cell), 1, &range) != NULL)
            continue; /* a trunk or a hint */
        struct owned_numbers *row = TOLL_BUFFER_ADD(&edit->numbers, struct owned_numbers);
        if (row == NULL)
            code = no_memory(edit);
        else
            *row =
                (struct owned_numbers){.first = toll_number_value(range.first),
                                       .count = range.count,
                                       .digits = toll_digits_count(range.first),
                                       .ours = has(&edit->accounts, toll_table_edit_cell(table, account)),
                                       .from = local_time(toll_table_edit_cell(table, from), TOLL_MS_MIN),
                                       .until = local_time(toll_table_edit_cell(table, until), TOLL_MS_MAX),
                                       .place = edit->numbers.count};
    }
    sort_numbers(edit);
    toll_table_edit_free(table);
    return code;
}

static bool covers(const struct owned_numbers *row, uint64_t number, unsigned digits)
{
    return number - row->first < row->count && row->digits == digits;
}

/* Rows from *first to before *end may be the number's. */
static void rows_of(const struct plan_edit *edit, uint64_t number, unsigned digits, size_t *first,
                    size_t *end)
{
    const struct owned_numbers *rows = edit->numbers.data;
    size_t low = 0, high = edit->numbers.count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (rows[middle].digits < digits || (rows[middle].digits == digits && rows[middle].first <= number))
            low = middle + 1;
        else
            high = middle;
    }
    *first = *end = low;
    while (*first > 0 && rows[*first - 1].digits == digits && rows[*first - 1].reach > number)
        --*first;
}

/* "2026-03-01 09:30:00.000", or nothing for what has no end. */
static const char *time_text(toll_ms local, char text[TIME_BYTES])
{
    char iso[32];

    text[0] = 0;
    if (local == TOLL_MS_MIN || local == TOLL_MS_MAX)
        return text;
    toll_ms_format(local, iso); /* "2026-03-01T09:30:00.000Z" */
    snprintf(text, TIME_BYTES, "%.10s %.12s", iso, iso + 11);
    return text;
}

static bool append(struct plan_edit *edit, struct toll_table_edit *table, const char *subject,
                   const char *plan, const char *from, const char *until)
{
    const int count = toll_table_edit_columns(table);
    const char **cells = calloc((size_t)count, sizeof(*cells));
    bool good = cells != NULL;

    if (good) {
        cells[edit->subject] = subject;
        cells[edit->plan] = plan;
        if (edit->from >= 0)
            cells[edit->from] = from;
        if (edit->until >= 0)
            cells[edit->until] = until;
        good = toll_table_edit_append(table, cells, count);
    }
    free(cells);
    return good;
}

/* An assignment of a number that is ours at some time. */
static int cut_number(struct plan_edit *edit, struct toll_table_edit *table, const char *text)
{
    const struct owned_numbers *rows = edit->numbers.data;
    const toll_ms from = local_time(toll_table_edit_cell(table, edit->from), TOLL_MS_MIN);
    const toll_ms until = local_time(toll_table_edit_cell(table, edit->until), TOLL_MS_MAX);
    uint64_t packed;
    size_t first, end_row;
    bool ours = false;

    if (!toll_prefix_parse(text, strlen(text), 1, &packed))
        return 0;
    const uint64_t number = toll_number_value(packed);
    const unsigned digits = toll_digits_count(packed);
    rows_of(edit, number, digits, &first, &end_row);
    for (size_t i = first; i < end_row; i++)
        ours = ours || (rows[i].ours && covers(&rows[i], number, digits));
    if (!ours)
        return 0;
    for (size_t i = first; i < end_row; i++) {
        const toll_ms low = from > rows[i].from ? from : rows[i].from;
        const toll_ms high = until < rows[i].until ? until : rows[i].until;
        char begin[TIME_BYTES], end[TIME_BYTES];
        if (!rows[i].ours && covers(&rows[i], number, digits) && low < high &&
            !append(edit, table, toll_table_edit_cell(table, edit->subject),
                    toll_table_edit_cell(table, edit->plan), time_text(low, begin), time_text(high, end)))
            return no_memory(edit);
    }
    toll_table_edit_drop(table);
    return 0;
}

static int edit_row(struct plan_edit *edit, struct toll_table_edit *table)
{
    const char *subject = toll_table_edit_cell(table, edit->subject);
    const char *side = toll_table_edit_cell(table, edit->side);

    if (side[0] != 0 && strcasecmp(side, "sell") != 0)
        return 0;
    if (strncmp(subject, "number:", 7) == 0)
        return cut_number(edit, table, subject + 7);
    if ((strncmp(subject, "account:", 8) == 0 && has(&edit->accounts, subject + 8)) ||
        (strncmp(subject, "site:", 5) == 0 && has(&edit->sites, subject + 5)))
        toll_table_edit_drop(table);
    return 0;
}

static bool find_columns(struct plan_edit *edit, struct toll_table_edit *table)
{
    edit->subject = toll_table_edit_column(table, "subject");
    edit->plan = toll_table_edit_column(table, "plan");
    if (edit->subject < 0)
        edit->subject = toll_table_edit_add_column(table, "subject");
    if (edit->plan < 0)
        edit->plan = toll_table_edit_add_column(table, "plan");
    edit->side = toll_table_edit_column(table, "side");
    edit->from = toll_table_edit_column(table, "from");
    edit->until = toll_table_edit_column(table, "to");
    /* What a number keeps may need dates. */
    for (size_t i = 0; i < edit->numbers.count && (edit->from < 0 || edit->until < 0); i++) {
        const struct owned_numbers *row = TOLL_BUFFER_AT(&edit->numbers, struct owned_numbers, i);
        if (row->from == TOLL_MS_MIN && row->until == TOLL_MS_MAX)
            continue;
        edit->from = edit->from < 0 ? toll_table_edit_add_column(table, "from") : edit->from;
        edit->until = edit->until < 0 ? toll_table_edit_add_column(table, "to") : edit->until;
        if (edit->from < 0 || edit->until < 0)
            return false;
    }
    return edit->subject >= 0 && edit->plan >= 0;
}

static int edit_assignments(struct plan_edit *edit)
{
    struct toll_table_edit *table;
    int code = toll_sources_edit(edit->sources, "assignments.csv", &table, edit->error);

    if (code != 0)
        return code;
    if (!find_columns(edit, table))
        code = no_memory(edit);
    while (code == 0 && toll_table_edit_next(table) == 1)
        code = edit_row(edit, table);
    for (uint32_t id = 1; id <= edit->accounts.count && code == 0; id++) {
        char subject[300];
        snprintf(subject, sizeof(subject), "account:%.280s", toll_strings_text(&edit->accounts, id, NULL));
        if (!append(edit, table, subject, edit->change->name, NULL, NULL))
            code = no_memory(edit);
    }
    return toll_sources_store(edit->sources, "assignments.csv", table, code, edit->error);
}

int toll_change_plan(struct toll_sources *sources, const struct toll_change *change, struct toll_error *error)
{
    struct plan_edit edit = {.sources = sources, .change = change, .error = error};
    int code = check_plan(&edit);

    if (code == 0)
        code = read_accounts(&edit);
    if (code == 0)
        code = drop_moved(&edit);
    if (code == 0)
        code = read_sites(&edit);
    if (code == 0)
        code = read_numbers(&edit);
    if (code == 0)
        code = edit_assignments(&edit);
    toll_strings_free(&edit.accounts);
    toll_strings_free(&edit.sites);
    toll_buffer_free(&edit.numbers);
    return code;
}
