/* Rows of the embedded tables of which the image keeps no lines: found again by what stands in them. */
#include "pipeline/explain_entries.h"

#include "ratetable/prefix_cell.h"

#include <string.h>
#include <strings.h>

enum { FIELDS = 64, CELLS = 4 };

struct search {
    const char *file;
    const char *columns[CELLS];
    /* 0: not this row; else how good it is. Cells of columns that the table has not are empty. */
    unsigned (*score)(const void *wanted, const struct toll_csv_field *cells);
    const void *wanted;
};

static bool cell_is(const struct toll_csv_field *field, const char *text)
{
    return field->bytes == strlen(text) && strncasecmp(field->text, text, field->bytes) == 0;
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

/* The line of the best row, of equals the first; 0 none. */
static uint32_t find_best(const struct toll_book *book, const struct search *search, unsigned *best)
{
    struct toll_csv_field fields[FIELDS], cells[CELLS];
    uint32_t places[CELLS], count, line = 0;
    struct toll_csv csv;
    size_t bytes;
    *best = 0;
    const char *data = source_named(book, search->file, &bytes);
    if (data == NULL)
        return 0;
    toll_csv_open(&csv, data, bytes, ',', false, true);
    if (toll_csv_next(&csv, fields, FIELDS, &count) != 1)
        return 0;
    for (unsigned c = 0; c < CELLS; c++) {
        places[c] = FIELDS;
        for (uint32_t i = 0; search->columns[c] != NULL && i < count && i < FIELDS; i++)
            places[c] = cell_is(&fields[i], search->columns[c]) ? i : places[c];
    }
    while (toll_csv_next(&csv, fields, FIELDS, &count) == 1) {
        if (count > FIELDS)
            continue;
        for (unsigned c = 0; c < CELLS; c++)
            cells[c] = places[c] < count ? fields[places[c]] : (struct toll_csv_field){.text = ""};
        const unsigned score = search->score(search->wanted, cells);
        if (score > *best) {
            *best = score;
            line = (uint32_t)csv.row_line;
        }
    }
    return line;
}

/* ---- numbers.csv ---- */

struct wanted_number {
    const char *number, *account;
};

/* "12125550100", "+1212..", "first-last", "hint:V" */
static bool cell_holds(const struct toll_csv_field *field, const char *wanted)
{
    char cell[128];
    if (field->bytes >= sizeof cell)
        return false;
    cell[toll_csv_unquote(field, cell)] = 0;
    char *first = cell[0] == '+' ? cell + 1 : cell;
    char *dash = wanted[0] >= '0' && wanted[0] <= '9' ? strchr(first, '-') : NULL;
    if (dash == NULL)
        return strcmp(first, wanted) == 0;
    *dash++ = 0;
    dash += *dash == '+';
    return strlen(first) == strlen(wanted) && strcmp(first, wanted) <= 0 && strcmp(wanted, dash) <= 0;
}

static unsigned score_number(const void *context, const struct toll_csv_field *cells)
{
    const struct wanted_number *wanted = context;
    if (!cell_holds(&cells[0], wanted->number))
        return 0;
    return wanted->account == NULL || cell_is(&cells[1], wanted->account) ? 2 : 1;
}

uint32_t toll_explain_number_line(const struct toll_book *book, const char *number, const char *account)
{
    const struct wanted_number wanted = {number, account};
    const struct search search = {"numbers.csv", {"number", "account"}, score_number, &wanted};
    unsigned best;
    return find_best(book, &search, &best);
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
    const struct search search = {"npanxx.csv", {"prefix"}, score_prefix, &number};
    return find_best(book, &search, digits);
}

/* ---- local_areas.csv ---- */

struct wanted_pair {
    const char *from, *to, *from_state, *to_state;
};

static unsigned score_pair(const void *context, const struct toll_csv_field *cells)
{
    const struct wanted_pair *wanted = context;
    const bool states = (cells[2].bytes == 0 || cell_is(&cells[2], wanted->from_state)) &&
                        (cells[3].bytes == 0 || cell_is(&cells[3], wanted->to_state));
    return states && cell_is(&cells[0], wanted->from) && cell_is(&cells[1], wanted->to);
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
    const struct search search = {"local_areas.csv",
                                  {"from_ratecenter", "to_ratecenter", "from_state", "to_state"},
                                  score_pair,
                                  &wanted};
    unsigned best;
    return find_best(book, &search, &best);
}
