/*
 * Sorting. Rows are spread over days by counting; a day is sorted by four radix passes over the top 44 bits
 * of (ms of the day, record key), after which almost every entry is in place and one insertion pass ends it.
 * A day that comes in order, or nearly so, only takes the insertion pass.
 */
#include "ingest/order.h"

#include "base/check.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS 11
#define BUCKETS (1u << DIGIT_BITS)
#define FIRST_SHIFT 20 /* 64 - 4 * 11 */
#define PASSES 4
#define SMALL 512 /* below this a comparison sort wins */

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory while sorting rows");
}

static void day_bounds(const struct toll_chunk *const *chunks, size_t chunk_count, int64_t *first,
                       int64_t *last, size_t *rows)
{
    *rows = 0;
    *first = *last = 0;
    for (size_t i = 0; i < chunk_count; i++) {
        int64_t from, to;

        if (chunks[i]->row_count == 0)
            continue;
        from = toll_day_of_ms(chunks[i]->first_start);
        to = toll_day_of_ms(chunks[i]->last_start);
        *first = *rows == 0 || from < *first ? from : *first;
        *last = *rows == 0 || to > *last ? to : *last;
        *rows += chunks[i]->row_count;
    }
}

/* Day of each row by comparing with the bounds of the previous row's: consecutive rows rarely change day. */
struct day_cursor {
    int64_t day;
    toll_ms from, until;
};

static inline int64_t cursor_day(struct day_cursor *cursor, toll_ms start)
{
    if (start < cursor->from || start >= cursor->until) {
        cursor->day = toll_day_of_ms(start);
        cursor->from = cursor->day * TOLL_DAY_MS;
        cursor->until = cursor->from + TOLL_DAY_MS;
    }
    return cursor->day;
}

int toll_days_make(struct toll_days *days, const struct toll_chunk *const *chunks, size_t chunk_count,
                   struct toll_error *error)
{
    int64_t first, last;
    size_t rows, place = 0, span;
    size_t *places;
    struct day_cursor cursor = {0, 1, 0};

    memset(days, 0, sizeof *days);
    day_bounds(chunks, chunk_count, &first, &last, &rows);
    if (rows == 0)
        return 0;
    span = (size_t)(last - first) + 1;
    places = calloc(span, sizeof *places);
    days->days = calloc(span, sizeof *days->days);
    days->entries = malloc(rows * sizeof *days->entries);
    if (places == NULL || days->days == NULL || days->entries == NULL) {
        free(places);
        toll_days_free(days);
        return no_memory(error);
    }
    for (size_t c = 0; c < chunk_count; c++) {
        size_t count = chunks[c]->row_count;

        if (count > 0 &&
            cursor_day(&cursor, chunks[c]->first_start) == toll_day_of_ms(chunks[c]->last_start)) {
            places[cursor.day - first] += count;
            continue;
        }
        for (size_t i = 0; i < count; i++)
            places[cursor_day(&cursor, chunks[c]->rows[i].start) - first]++;
    }
    for (size_t d = 0; d < span; d++) {
        size_t count = places[d];

        if (count > 0)
            days->days[days->count++] =
                (struct toll_day_rows){first + (int64_t)d, days->entries + place, count};
        places[d] = place;
        place += count;
    }
    for (size_t c = 0; c < chunk_count; c++) {
        for (size_t i = 0; i < chunks[c]->row_count; i++) {
            struct toll_row *row = &chunks[c]->rows[i];
            int64_t day = cursor_day(&cursor, row->start);

            toll_chunk_place_row(chunks[c], row);
            days->entries[places[day - first]++] =
                (struct toll_entry){toll_entry_order(row, cursor.from), row};
        }
    }
    days->entry_count = rows;
    free(places);
    return 0;
}

void toll_days_free(struct toll_days *days)
{
    free(days->days);
    free(days->entries);
    memset(days, 0, sizeof *days);
}

static int compare_void(const void *a, const void *b)
{
    return toll_entry_compare(a, b);
}

static void pass(const struct toll_entry *from, struct toll_entry *to, size_t count, unsigned shift,
                 size_t *at)
{
    size_t place = 0;

    for (unsigned b = 0; b < BUCKETS; b++) {
        size_t here = at[b];
        at[b] = place;
        place += here;
    }
    for (size_t i = 0; i < count; i++)
        to[at[from[i].order >> shift & (BUCKETS - 1)]++] = from[i];
}

/* Insertion sort that gives up, its work half done, after `moves`. True: sorted. */
static bool insert_all(struct toll_entry *entries, size_t count, size_t moves)
{
    for (size_t i = 1; i < count; i++) {
        struct toll_entry entry = entries[i];
        size_t k = i;

        if (entries[i - 1].order < entry.order)
            continue;
        for (; k > 0 && moves > 0 && toll_entry_compare(&entries[k - 1], &entry) > 0; k--, moves--)
            entries[k] = entries[k - 1];
        entries[k] = entry;
        if (moves == 0)
            return false;
    }
    return true;
}

int toll_entries_sort(struct toll_entry *entries, size_t count, struct toll_error *error)
{
    struct toll_entry *other;
    size_t(*counts)[BUCKETS];

    if (count < 2)
        return 0;
    if (count < SMALL) {
        qsort(entries, count, sizeof *entries, compare_void);
        return 0;
    }
    if (insert_all(entries, count, count / 4)) /* came in order, as most files do */
        return 0;
    other = malloc(count * sizeof *other);
    counts = calloc(PASSES, sizeof *counts);
    if (other == NULL || counts == NULL) {
        free(other);
        free(counts);
        return no_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        for (unsigned p = 0; p < PASSES; p++)
            counts[p][entries[i].order >> (FIRST_SHIFT + p * DIGIT_BITS) & (BUCKETS - 1)]++;
    }
    _Static_assert(PASSES % 2 == 0, "the last pass ends where the first began");
    for (unsigned p = 0; p < PASSES; p++)
        pass(p % 2 == 0 ? entries : other, p % 2 == 0 ? other : entries, count, FIRST_SHIFT + p * DIGIT_BITS,
             counts[p]);
    (void)insert_all(entries, count, SIZE_MAX);
    free(other);
    free(counts);
    return 0;
}
