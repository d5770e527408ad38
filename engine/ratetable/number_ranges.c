/* The numbers of numbers.csv as ranges in order: rows are not sorted yet when other tables name numbers. */
#include "ratetable/number_ranges.h"

#include "base/digits.h"
#include "ratetable/owners.h"
#include "ratetable/prefix_cell.h"

static int compare_ranges(const void *left, const void *right)
{
    const struct toll_prefix_range *a = left, *b = right;

    return a->first < b->first ? -1 : a->first > b->first;
}

bool toll_number_ranges_make(struct toll_build *build, struct toll_number_ranges *numbers)
{
    struct toll_prefix_range *ranges;
    size_t kept = 0;

    for (size_t i = 0; i < build->number_rows.count; i++) {
        const struct toll_number_row *row = TOLL_BUFFER_AT(&build->number_rows, struct toll_number_row, i);
        ranges = TOLL_BUFFER_ADD(&numbers->ranges, struct toll_prefix_range);
        if (ranges == NULL)
            return false;
        *ranges = (struct toll_prefix_range){row->first, row->count};
    }
    if (numbers->ranges.count == 0)
        return true;
    ranges = numbers->ranges.data;
    qsort(ranges, numbers->ranges.count, sizeof(*ranges), compare_ranges);
    for (size_t i = 1; i < numbers->ranges.count; i++) {
        struct toll_prefix_range *last = &ranges[kept];
        if (ranges[i].first > last->first + last->count)
            ranges[++kept] = ranges[i];
        else if (ranges[i].first + ranges[i].count > last->first + last->count)
            last->count = ranges[i].first + ranges[i].count - last->first;
    }
    numbers->ranges.count = kept + 1;
    return true;
}

void toll_number_ranges_free(struct toll_number_ranges *numbers)
{
    toll_buffer_free(&numbers->ranges);
}

static bool ranges_have(const struct toll_number_ranges *numbers, uint64_t number)
{
    size_t low = 0, high = numbers->ranges.count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct toll_prefix_range *range =
            TOLL_BUFFER_AT(&numbers->ranges, struct toll_prefix_range, middle);
        if (number < range->first)
            high = middle;
        else if (number - range->first < range->count)
            return true;
        else
            low = middle + 1;
    }
    return false;
}

bool toll_number_subject(const struct toll_table *table, const struct toll_cell *cell, const char *text,
                         const struct toll_number_ranges *numbers, uint64_t *subject)
{
    uint64_t packed;
    char masked[TOLL_DIGITS_TEXT_BYTES];

    if (!toll_prefix_parse(text, strlen(text), 1, &packed)) {
        toll_cell_finding(table, cell, TOLL_ERROR, "\"%.60s\" is no number; write number:12125551234",
                          cell->text);
        return false;
    }
    *subject = toll_digits_count(packed) * TOLL_NUMBER_LENGTH + toll_number_value(packed);
    if (ranges_have(numbers, *subject))
        return true;
    toll_digits_masked(packed, masked);
    toll_cell_finding(table, cell, TOLL_ERROR, "the number %s is unknown: numbers.csv does not have it",
                      masked);
    return false;
}
