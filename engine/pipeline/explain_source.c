/* Rows of the embedded tables of which the image keeps no lines: found again by what stands in them. */
#include "pipeline/explain_entries.h"

#include "ratetable/prefix_cell.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FIELDS = 64, CELLS = TOLL_EXPLAIN_CELLS };

bool toll_explain_cell_is(const struct toll_csv_field *field, const char *text)
{
    return field->bytes == strlen(text) && strncasecmp(field->text, text, field->bytes) == 0;
}

const char *toll_explain_cell(const struct toll_csv_field *field, char *text, size_t room)
{
    text[0] = 0;
    if (field->bytes < room)
        text[toll_csv_unquote(field, text)] = 0;
    return text;
}

static const char *source_named(const struct toll_book *book, const char *file, size_t *bytes)
{
    for (uint32_t i = 0; i < toll_book_source_count(book); i++) {
        const char *data;
        if (strcmp(toll_book_source(book, i, &data, bytes), file) == 0)
            return data;
    }
    return NULL;
}

void toll_explain_table(const struct toll_book *book, const char *file, const char *const columns[],
                        toll_explain_row_function *told, void *context)
{
    struct toll_csv_field fields[FIELDS], cells[CELLS];
    uint32_t places[CELLS], count, columns_count = 0;
    struct toll_csv csv;
    size_t bytes;
    const char *data = source_named(book, file, &bytes);
    if (data == NULL)
        return;
    toll_csv_open(&csv, data, bytes, ',', false, true);
    if (toll_csv_next(&csv, fields, FIELDS, &count) != 1)
        return;
    for (; columns_count < CELLS && columns[columns_count] != NULL; columns_count++) {
        places[columns_count] = FIELDS;
        for (uint32_t i = 0; i < count && i < FIELDS; i++)
            if (toll_explain_cell_is(&fields[i], columns[columns_count]))
                places[columns_count] = i;
    }
    while (toll_csv_next(&csv, fields, FIELDS, &count) == 1) {
        if (count > FIELDS)
            continue;
        for (unsigned c = 0; c < columns_count; c++)
            cells[c] = places[c] < count ? fields[places[c]] : (struct toll_csv_field){.text = ""};
        if (!told(context, (uint32_t)csv.row_line, cells))
            return;
    }
}

/* ---- the best row of a table ---- */

struct search {
    /* 0: not this row; else how good it is */
    unsigned (*score)(const void *wanted, const struct toll_csv_field *cells);
    const void *wanted;
    unsigned best;
    uint32_t line;
};

static bool score_row(void *context, uint32_t line, const struct toll_csv_field *cells)
{
    struct search *search = context;
    const unsigned score = search->score(search->wanted, cells);
    if (score > search->best) {
        search->best = score;
        search->line = line;
    }
    return true;
}

/* Its line, of equals the first; 0 none. */
static uint32_t find_best(const struct toll_book *book, const char *file, const char *const columns[],
                          struct search search)
{
    toll_explain_table(book, file, columns, score_row, &search);
    return search.line;
}

/* ---- dates ---- */

static bool instant(const struct toll_zone *zone, const struct toll_csv_field *cell, toll_ms otherwise,
                    toll_ms *out)
{
    char text[64];
    toll_ms local;
    bool has_offset;
    int32_t offset;
    *out = otherwise;
    if (cell->bytes == 0)
        return true;
    toll_explain_cell(cell, text, sizeof text);
    return toll_iso_parse(text, strlen(text), &local, &has_offset, &offset) &&
           toll_zone_to_utc(zone, local, TOLL_FOLD_FIRST, out);
}

enum toll_explain_time toll_explain_in_force(const struct toll_zone *zone, const struct toll_csv_field *from,
                                             const struct toll_csv_field *to, toll_ms at)
{
    toll_ms begins, ends;
    if (!instant(zone, from, TOLL_MS_MIN, &begins) || !instant(zone, to, TOLL_MS_MAX, &ends))
        return TOLL_EXPLAIN_IN_FORCE;
    return at < begins ? TOLL_EXPLAIN_NOT_YET : at >= ends ? TOLL_EXPLAIN_ENDED : TOLL_EXPLAIN_IN_FORCE;
}

const struct toll_zone *toll_explain_account_zone(const struct toll_book *book, const char *account)
{
    for (uint32_t i = 1; i < book->account_count; i++)
        if (strcmp(toll_book_string(book, book->accounts[i].account), account) == 0)
            return book->zones[book->accounts[i].zone];
    return book->zones[0];
}

const char *toll_explain_when(const struct toll_zone *zone, toll_ms at, char text[TOLL_EXPLAIN_WHEN_BYTES])
{
    const toll_ms local = at + INT64_C(1000) * toll_zone_offset(zone, at, NULL, NULL);
    char clock[TOLL_TIME_TEXT_BYTES];
    toll_ms_format(local, clock);
    clock[10] = 0;
    clock[19] = 0;
    if (local % TOLL_DAY_MS == 0)
        snprintf(text, TOLL_EXPLAIN_WHEN_BYTES, "%.10s", clock);
    else
        snprintf(text, TOLL_EXPLAIN_WHEN_BYTES, "%.10s %.8s", clock, clock + 11);
    return text;
}

/* ---- numbers.csv ---- */

/* "12125550100", "+1212..", "first-last", "hint:V" */
static bool cell_holds(const char *cell, const char *wanted)
{
    char first[128], *last;
    snprintf(first, sizeof first, "%s", cell[0] == '+' ? cell + 1 : cell);
    last = wanted[0] >= '0' && wanted[0] <= '9' ? strchr(first, '-') : NULL;
    if (last == NULL)
        return strcmp(first, wanted) == 0;
    *last++ = 0;
    last += *last == '+';
    return strlen(first) == strlen(wanted) && strcmp(first, wanted) <= 0 && strcmp(wanted, last) <= 0;
}

struct number_search {
    const struct toll_book *book;
    const char *wanted;
    toll_ms at;
    struct toll_explain_number_row *best;
};

static bool number_row(void *context, uint32_t line, const struct toll_csv_field *cells)
{
    struct number_search *search = context;
    struct toll_explain_number_row row = {.line = line};
    char cell[128];
    if (!cell_holds(toll_explain_cell(&cells[0], cell, sizeof cell), search->wanted))
        return true;
    toll_explain_cell(&cells[1], row.account, sizeof row.account);
    row.time = toll_explain_in_force(toll_explain_account_zone(search->book, row.account), &cells[2],
                                     &cells[3], search->at);
    *search->best = row;
    return row.time != TOLL_EXPLAIN_IN_FORCE;
}

bool toll_explain_number_find(const struct toll_book *book, const char *wanted, toll_ms at,
                              struct toll_explain_number_row *row)
{
    static const char *const columns[] = {"number", "account", "from", "to", NULL};
    struct number_search search = {book, wanted, at, row};
    *row = (struct toll_explain_number_row){0};
    toll_explain_table(book, "numbers.csv", columns, number_row, &search);
    return row->line != 0;
}

/* ---- trunks.csv ---- */

static unsigned score_trunk(const void *wanted, const struct toll_csv_field *cells)
{
    char cell[256];
    return strcmp(toll_explain_cell(&cells[0], cell, sizeof cell), wanted) == 0 &&
           (cells[1].bytes == 0 || toll_explain_cell_is(&cells[1], "sell"));
}

uint32_t toll_explain_trunk_line(const struct toll_book *book, const char *trunk)
{
    static const char *const columns[] = {"trunk", "side", NULL};
    return find_best(book, "trunks.csv", columns, (struct search){score_trunk, trunk, 0, 0});
}

/* ---- npanxx.csv ---- */

/* Digits of the longest prefix among the cell's that the number begins with. */
static unsigned score_prefix(const void *wanted, const struct toll_csv_field *cells)
{
    const uint64_t number = *(const uint64_t *)wanted;
    const char *text = cells[0].text, *const end = text + cells[0].bytes;
    unsigned longest = 0;
    while (text < end) {
        const char *semicolon = memchr(text, ';', (size_t)(end - text));
        const char *stop = semicolon != NULL ? semicolon : end;
        struct toll_prefix_range range;
        if (toll_range_parse(text, (size_t)(stop - text), 1, &range) == NULL) {
            const unsigned digits = toll_digits_count(range.first);
            const uint64_t own =
                digits < 16 ? number | UINT64_MAX >> 4 * digits : number; /* the number's first digits */
            if (digits <= toll_digits_count(number) && own >= range.first &&
                toll_number_value(own) - toll_number_value(range.first) < range.count)
                longest = digits > longest ? digits : longest;
        }
        text = stop + 1;
    }
    return longest;
}

uint32_t toll_explain_place_line(const struct toll_book *book, uint64_t number, unsigned *digits)
{
    static const char *const columns[] = {"prefix", NULL};
    struct search search = {score_prefix, &number, 0, 0};
    toll_explain_table(book, "npanxx.csv", columns, score_row, &search);
    *digits = search.best;
    return search.line;
}

/* ---- local_areas.csv ---- */

struct wanted_pair {
    const char *from, *to, *from_state, *to_state;
};

static unsigned score_pair(const void *context, const struct toll_csv_field *cells)
{
    const struct wanted_pair *wanted = context;
    const bool states = (cells[2].bytes == 0 || toll_explain_cell_is(&cells[2], wanted->from_state)) &&
                        (cells[3].bytes == 0 || toll_explain_cell_is(&cells[3], wanted->to_state));
    return states && toll_explain_cell_is(&cells[0], wanted->from) &&
           toll_explain_cell_is(&cells[1], wanted->to);
}

uint32_t toll_explain_local_line(const struct toll_book *book, const struct toll_end *from,
                                 const struct toll_end *to)
{
    const struct wanted_pair wanted = {
        toll_book_string(book, book->ratecenter_names[from->ratecenter]),
        toll_book_string(book, book->ratecenter_names[to->ratecenter]),
        toll_book_string(book, book->state_names[from->state]),
        toll_book_string(book, book->state_names[to->state]),
    };
    static const char *const columns[] = {"from_ratecenter", "to_ratecenter", "from_state", "to_state", NULL};
    return find_best(book, "local_areas.csv", columns, (struct search){score_pair, &wanted, 0, 0});
}
