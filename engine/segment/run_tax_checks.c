/* Rows of tuples and components by themselves, and lines and buckets against them. */
#include "segment/run_checks.h"

#include "base/time.h"

#include <string.h>

static bool day_of(const char *text, int64_t *day)
{
    return strlen(text) == 10 && toll_day_parse(text, 10, day);
}

static bool tuple_good(const struct toll_tuple_row *row, int64_t books)
{
    int64_t period, from;
    return row->id >= 1 && row->book >= 0 && row->book < books && day_of(row->period, &period) &&
           day_of(row->from, &from) && from >= period && from < period + TOLL_PERIOD_DAYS_MAX &&
           row->split_line >= 0 && row->service[0] != 0 && row->jurisdiction[0] != 0 &&
           (row->area[0] == 0 || row->resolved[0] != 0);
}

bool toll_run_tuples_good(const struct toll_run_files *run)
{
    const struct toll_run_tables *tables = &run->tables;
    const struct toll_run_manifest *manifest = &run->manifest;
    const int64_t books = manifest->book_count == 0 ? 1 : (int64_t)manifest->book_count;
    for (int64_t i = 0; i < tables->tuple_count; i++) {
        const struct toll_tuple_row *row = &tables->tuples[i];
        if (!tuple_good(row, books) || (i > 0 && row->id <= row[-1].id))
            return false;
        if (manifest->book_count > 0 &&
            (row->id <= manifest->books[row->book].tuple_shift ||
             (row->book + 1 < books && row->id > manifest->books[row->book + 1].tuple_shift)))
            return false;
    }
    return true;
}

static int component_order(const struct toll_component_row *a, const struct toll_component_row *b)
{
    if (a->tuple != b->tuple)
        return a->tuple < b->tuple ? -1 : 1;
    const int taxes = strcmp(a->tax, b->tax);
    if (taxes != 0)
        return taxes;
    const int places = strcmp(a->tax_jurisdiction, b->tax_jurisdiction);
    return places != 0 ? places : (a->line > b->line) - (a->line < b->line);
}

bool toll_run_components_good(const struct toll_run_tables *tables)
{
    int64_t tuple = 0;
    for (int64_t i = 0; i < tables->component_count; i++) {
        const struct toll_component_row *row = &tables->components[i];
        while (tuple < tables->tuple_count && tables->tuples[tuple].id < row->tuple)
            tuple++;
        if (tuple == tables->tuple_count || tables->tuples[tuple].id != row->tuple || row->tax[0] == 0 ||
            row->tax_jurisdiction[0] == 0 || row->line < 1 || (i > 0 && component_order(row - 1, row) >= 0))
            return false;
    }
    return true;
}

const struct toll_tuple_row *toll_run_tuple_find(const struct toll_run_tables *tables, int32_t id)
{
    int64_t low = 0, high = tables->tuple_count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (tables->tuples[middle].id == id)
            return &tables->tuples[middle];
        if (tables->tuples[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
