/*
 * Rows of taxes.csv that differ in their brackets only are one series. Series of one tax and jurisdiction
 * must be told apart by what they are for, or by their dates; the same one must not leave out a day.
 */
#include "ratetable/tax_rows.h"

#include <stdlib.h>

/* -- cells that go with some kinds only -- */

static bool check_kind(const struct toll_tax_rows *rows, struct toll_tax_row *row, int kind)
{
    static const int only_rate[] = {TOLL_TAX_CELL_BASE, TOLL_TAX_CELL_ON};
    const bool rate = kind == TOLL_TAX_RATE;
    const int needed = rate ? TOLL_TAX_CELL_RATE : TOLL_TAX_CELL_AMOUNT;
    const int other = rate ? TOLL_TAX_CELL_AMOUNT : TOLL_TAX_CELL_RATE;
    bool good = true;

    if (!toll_tax_row_has(row, needed)) {
        toll_tax_row_finding(rows, row, needed,
                             "a tax of kind %s needs it in every row; write 0 where nothing is due",
                             rate ? "rate" : "per_minute, per_line, per_account or fixed");
        good = false;
    }
    if (toll_tax_row_has(row, other)) {
        toll_tax_row_finding(rows, row, other, "this is %s kind rate; leave the cell empty",
                             rate ? "not for" : "for");
        good = false;
    }
    for (size_t i = 0; i < 2 && !rate; i++) {
        if (toll_tax_row_has(row, only_rate[i])) {
            toll_tax_row_finding(rows, row, only_rate[i], "this is for kind rate only; leave the cell empty");
            good = false;
        }
    }
    return good;
}

/* Brackets and threshold of other kinds than rate count lines or minutes, and so does the cap of per_line. */
static bool set_quantities(const struct toll_tax_rows *rows, struct toll_tax_row *row, int kind)
{
    static const int cells[] = {TOLL_TAX_CELL_BRACKET_FROM, TOLL_TAX_CELL_BRACKET_TO, TOLL_TAX_CELL_THRESHOLD,
                                TOLL_TAX_CELL_CAP};
    const int64_t scale = TOLL_MONEY_UNIT / TOLL_TAX_QUANTITY_ONE;
    const size_t count = kind == TOLL_TAX_RATE ? 0 : kind == TOLL_TAX_PER_LINE ? 4 : 3;
    bool good = true;

    for (size_t i = 0; i < count; i++) {
        int64_t *value = &row->values[cells[i]];
        if (*value % scale != 0) {
            toll_tax_row_finding(rows, row, cells[i],
                                 "this is a number of lines, minutes or charges here, with "
                                 "at most 6 decimals");
            good = false;
        }
        *value /= scale;
    }
    return good;
}

static bool check_kinds(struct toll_tax_rows *rows)
{
    const struct toll_tax *taxes = rows->build->sections[TOLL_SECTION_TAXES].data;
    bool good = true;

    for (size_t i = 0; i < rows->rows.count; i++) {
        struct toll_tax_row *row = TOLL_BUFFER_AT(&rows->rows, struct toll_tax_row, i);
        good = check_kind(rows, row, taxes[row->tax].kind) && good;
        good = set_quantities(rows, row, taxes[row->tax].kind) && good;
    }
    return good;
}

/* -- rows to series -- */

static int64_t bracket_from(const struct toll_tax_row *row)
{
    return row->values[TOLL_TAX_CELL_BRACKET_FROM];
}

static struct toll_tax_row *member(const struct toll_tax_rows *rows, uint32_t at)
{
    return TOLL_BUFFER_AT(&rows->rows, struct toll_tax_row, *TOLL_BUFFER_AT(&rows->members, uint32_t, at));
}

/* Numbers the series by their first rows, and lists the rows of each. */
static bool make_members(struct toll_tax_rows *rows)
{
    struct toll_strings keys = {0};
    const uint32_t count = (uint32_t)rows->rows.count;
    uint32_t *first, *members;
    bool good = true;

    for (uint32_t i = 0; i < count && good; i++) {
        struct toll_tax_row *row = TOLL_BUFFER_AT(&rows->rows, struct toll_tax_row, i);
        const int32_t key[] = {(int32_t)row->tax,     row->jurisdiction, row->level, (int32_t)row->services,
                               (int32_t)row->classes, row->sale,         row->from,  row->until};
        row->series = toll_strings_add(&keys, (const char *)key, sizeof(key));
        good = row->series > 0;
    }
    first = good ? toll_buffer_add(&rows->series, sizeof(*first), keys.count + 2) : NULL;
    members = good ? toll_buffer_add(&rows->members, sizeof(*members), count) : NULL;
    good = first != NULL && members != NULL;
    if (good) {
        for (uint32_t i = 0; i < count; i++)
            first[TOLL_BUFFER_AT(&rows->rows, struct toll_tax_row, i)->series + 1]++;
        for (uint32_t i = 1; i <= keys.count + 1; i++)
            first[i] += first[i - 1];
        for (uint32_t i = 0; i < count; i++)
            members[first[TOLL_BUFFER_AT(&rows->rows, struct toll_tax_row, i)->series]++] = i;
        for (uint32_t i = keys.count + 1; i > 0; i--)
            first[i] = first[i - 1];
        rows->series.count = keys.count + 2;
    }
    toll_strings_free(&keys);
    return good;
}

struct by_from {
    int64_t from;
    uint32_t row, line;
};

static int compare_from(const void *left, const void *right)
{
    const struct by_from *a = left, *b = right;

    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static bool sort_members(struct toll_tax_rows *rows, uint32_t first, uint32_t last)
{
    struct by_from *order;

    if (last - first < 2)
        return true;
    order = calloc(last - first, sizeof(*order));
    if (order == NULL)
        return false;
    for (uint32_t i = first; i < last; i++)
        order[i - first] =
            (struct by_from){bracket_from(member(rows, i)), *TOLL_BUFFER_AT(&rows->members, uint32_t, i),
                             member(rows, i)->line};
    qsort(order, last - first, sizeof(*order), compare_from);
    for (uint32_t i = first; i < last; i++)
        *TOLL_BUFFER_AT(&rows->members, uint32_t, i) = order[i - first].row;
    free(order);
    return true;
}

/* What all rows of a series have in common; false after a finding. */
static bool check_common(const struct toll_tax_rows *rows, uint32_t first, uint32_t last)
{
    static const int cells[] = {TOLL_TAX_CELL_BASE, TOLL_TAX_CELL_CAP, TOLL_TAX_CELL_THRESHOLD};
    const struct toll_tax_row *one = member(rows, first);

    for (uint32_t i = first + 1; i < last; i++) {
        const struct toll_tax_row *row = member(rows, i);
        for (size_t c = 0; c < sizeof(cells) / sizeof(cells[0]); c++) {
            if (row->values[cells[c]] != one->values[cells[c]] ||
                (cells[c] == TOLL_TAX_CELL_CAP &&
                 toll_tax_row_has(row, cells[c]) != toll_tax_row_has(one, cells[c]))) {
                toll_tax_row_finding(rows, row, cells[c],
                                     "line %u says otherwise, and is a bracket of the same series; say the "
                                     "same in all of them",
                                     one->line);
                return false;
            }
        }
        if (row->on != one->on) {
            toll_tax_row_finding(
                rows, row, TOLL_TAX_CELL_ON,
                "line %u says otherwise, and is a bracket of the same series; say the same in "
                "all of them",
                one->line);
            return false;
        }
    }
    return true;
}

static bool check_brackets(const struct toll_tax_rows *rows, uint32_t first, uint32_t last)
{
    for (uint32_t i = first; i < last; i++) {
        const struct toll_tax_row *row = member(rows, i), *before = i > first ? member(rows, i - 1) : NULL;
        const bool ends = toll_tax_row_has(row, TOLL_TAX_CELL_BRACKET_TO);
        if (before == NULL ? bracket_from(row) != 0 : bracket_from(row) == bracket_from(before)) {
            if (before == NULL)
                toll_tax_row_finding(
                    rows, row, TOLL_TAX_CELL_BRACKET_FROM,
                    "no bracket of this series begins at 0; what is due on the first of it?");
            else
                toll_tax_row_finding(rows, row, TOLL_TAX_CELL_BRACKET_FROM,
                                     "line %u is for the same jurisdiction, tax services, classes, sale and "
                                     "dates, from the same value on; take one out",
                                     before->line);
            return false;
        }
        if (before != NULL && before->values[TOLL_TAX_CELL_BRACKET_TO] != bracket_from(row)) {
            toll_tax_row_finding(
                rows, row, TOLL_TAX_CELL_BRACKET_FROM,
                "the bracket before, line %u, does not end where this one begins; write there "
                "as bracket_to what is bracket_from here",
                before->line);
            return false;
        }
        if (ends && row->values[TOLL_TAX_CELL_BRACKET_TO] <= bracket_from(row)) {
            toll_tax_row_finding(rows, row, TOLL_TAX_CELL_BRACKET_TO,
                                 "this bracket ends where it begins, or before");
            return false;
        }
        if (ends && i + 1 == last) {
            toll_tax_row_finding(rows, row, TOLL_TAX_CELL_BRACKET_TO,
                                 "the last bracket of a series has no end: what is due beyond it? Leave the "
                                 "cell empty, or add a row");
            return false;
        }
    }
    return true;
}

static int add_series(struct toll_tax_rows *rows, uint32_t first, uint32_t last)
{
    struct toll_build *build = rows->build;
    const struct toll_tax_row *one = member(rows, first);
    const int amount = toll_tax_row_has(one, TOLL_TAX_CELL_RATE) ? TOLL_TAX_CELL_RATE : TOLL_TAX_CELL_AMOUNT;
    struct toll_tax_series *place = TOLL_BUILD_ADD(build, TAX_SERIES, struct toll_tax_series);
    struct toll_tax *tax = TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_TAXES], struct toll_tax, one->tax);
    const struct toll_list_place services = toll_tax_list_place(build, one->services);
    const struct toll_list_place classes = toll_tax_list_place(build, one->classes);
    const struct toll_list_place on =
        one->on > 0 ? toll_tax_list_place(build, one->on) : (struct toll_list_place){0, 0};

    if (place == NULL)
        return toll_build_memory(build);
    *place = (struct toll_tax_series){
        .tax = (int32_t)one->tax,
        .jurisdiction = one->jurisdiction,
        .level = one->level,
        .from = one->from,
        .until = one->until,
        .service_first = services.first,
        .service_count = services.count,
        .class_first = classes.first,
        .class_count = classes.count,
        .on_first = on.first,
        .on_count = on.count,
        .bracket_first = (uint32_t)build->sections[TOLL_SECTION_TAX_BRACKETS].count,
        .bracket_count = last - first,
        .threshold = one->values[TOLL_TAX_CELL_THRESHOLD],
        .cap = toll_tax_row_has(one, TOLL_TAX_CELL_CAP) ? one->values[TOLL_TAX_CELL_CAP] : INT64_MAX,
        .sale = one->sale,
        .base = (uint8_t)one->values[TOLL_TAX_CELL_BASE]};
    place->late = last - first > 1 || place->threshold > 0 || place->cap != INT64_MAX;
    if (tax->series_count++ == 0)
        tax->series_first = (uint32_t)build->sections[TOLL_SECTION_TAX_SERIES].count - 1;
    for (uint32_t i = first; i < last; i++) {
        const struct toll_tax_row *row = member(rows, i);
        struct toll_tax_bracket *bracket = TOLL_BUILD_ADD(build, TAX_BRACKETS, struct toll_tax_bracket);
        if (bracket == NULL)
            return toll_build_memory(build);
        *bracket = (struct toll_tax_bracket){.from = bracket_from(row),
                                             .rate = row->values[amount],
                                             .source = row->source,
                                             .line = row->line,
                                             .as_of = row->as_of,
                                             .cadence = row->cadence};
    }
    return 0;
}

int toll_tax_make_series(struct toll_tax_rows *rows)
{
    const uint32_t *first;
    bool good = true;
    int code = 0;

    if (!check_kinds(rows))
        return 0;
    if (!make_members(rows))
        return toll_build_memory(rows->build);
    first = rows->series.data;
    for (uint32_t s = 1; s + 1 < rows->series.count && code == 0; s++) {
        if (!sort_members(rows, first[s], first[s + 1]))
            return toll_build_memory(rows->build);
        good = check_common(rows, first[s], first[s + 1]) && check_brackets(rows, first[s], first[s + 1]) &&
               good;
        code = add_series(rows, first[s], first[s + 1]);
    }
    if (code != 0)
        return code;
    code = toll_tax_check_dates(rows);
    return code != 0 || !good ? code : toll_tax_check_cycles(rows);
}
