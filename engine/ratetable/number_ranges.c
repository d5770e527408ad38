/* The numbers of numbers.csv as ranges in order: rows are not sorted yet when other tables name numbers. */
#include "ratetable/number_ranges.h"

#include "base/digits.h"
#include "base/large.h"
#include "ratetable/owners.h"
#include "ratetable/prefix_cell.h"
#include "ratetable/sort.h"

bool toll_number_ranges_make(struct toll_build *build, struct toll_number_ranges *numbers)
{
    const struct toll_number_row *rows = build->number_rows.data;
    const size_t count = build->number_rows.count;
    struct toll_sort_pair *order;
    struct toll_prefix_range *last = NULL;

    if (numbers->made)
        return true;
    order = toll_large_array((count + 1) * sizeof(*order));
    if (order == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        order[i] = (struct toll_sort_pair){rows[i].first, (uint32_t)i, 0};
    numbers->made = toll_sort_pairs(order, count);
    for (size_t i = 0; i < count && numbers->made; i++) {
        const struct toll_number_row *row = &rows[order[i].index];
        if (last != NULL && row->first <= last->first + last->count) {
            if (row->first + row->count > last->first + last->count)
                last->count = row->first + row->count - last->first;
            continue;
        }
        last = TOLL_BUFFER_ADD(&numbers->ranges, struct toll_prefix_range);
        if (last != NULL)
            *last = (struct toll_prefix_range){row->first, row->count};
        numbers->made = last != NULL;
    }
    free(order);
    return numbers->made;
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
