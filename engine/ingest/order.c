/*
 * Sorting. Rows are spread over days, by counting where days do not ascend; a day is sorted by four radix
 * passes over the top 44 bits of (ms of the day, record key), after which almost every entry is in place and
 * one insertion pass ends it. A day that comes in order, or nearly so, only takes the insertion pass.
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

void toll_use_free(struct toll_use *use)
{
    for (int d = 0; d < TOLL_NAME_SOURCE; d++)
        free(use->names[d]);
    memset(use, 0, sizeof *use);
}

void toll_ordered_free(struct toll_ordered *ordered)
{
    for (size_t i = 0; i < ordered->slice_count; i++)
        toll_use_free(&ordered->slices[i].use);
    free(ordered->slices);
    free(ordered->entries);
    free(ordered->keys);
    toll_chunk_free(&ordered->chunk);
    free(ordered);
}

/* -- by day -- */

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

static bool add_slice(struct toll_ordered *ordered, int64_t day, size_t at, size_t count)
{
    if ((ordered->slice_count & (ordered->slice_count - 1)) == 0) { /* full: room doubles */
        size_t room = ordered->slice_count == 0 ? 1 : 2 * ordered->slice_count;
        struct toll_day_slice *larger = realloc(ordered->slices, room * sizeof *larger);

        if (larger == NULL)
            return false;
        ordered->slices = larger;
    }
    ordered->slices[ordered->slice_count++] =
        (struct toll_day_slice){.day = day, .entries = ordered->entries + at, .count = count};
    return true;
}

/* What the first look at all rows tells. */
struct look {
    bool no_memory;
    bool plain; /* one carrier, no optional values */
};

/* Rows whose days ascend, as most files have them. False: they do not. */
static bool days_in_order(struct toll_ordered *ordered, struct look *look)
{
    const struct toll_chunk *chunk = &ordered->chunk;
    const uint32_t carrier = chunk->row_count == 0 ? 0 : chunk->rows[0].carrier;
    bool plain = true;
    struct day_cursor cursor = {INT64_MIN, 1, 0};
    int64_t day = INT64_MIN;
    size_t from = 0;

    for (size_t i = 0; i < chunk->row_count; i++) {
        struct toll_row *row = &chunk->rows[i];

        if (cursor_day(&cursor, row->start) != day) {
            if (cursor.day < day)
                return false;
            if (i > 0 && !add_slice(ordered, day, from, i - from)) {
                look->no_memory = true;
                return true;
            }
            day = cursor.day;
            from = i;
        }
        ordered->entries[i] = (struct toll_entry){toll_entry_order(row, cursor.from), row};
        plain &= row->extra == NULL && row->carrier == carrier;
    }
    if (chunk->row_count > 0)
        look->no_memory = !add_slice(ordered, day, from, chunk->row_count - from);
    look->plain = plain;
    return true;
}

/* Any other: counted, then spread. */
static bool spread_days(struct toll_ordered *ordered)
{
    const struct toll_chunk *chunk = &ordered->chunk;
    struct day_cursor cursor = {INT64_MIN, 1, 0};
    int64_t first = toll_day_of_ms(chunk->first_start), last = toll_day_of_ms(chunk->last_start);
    size_t span = (size_t)(last - first) + 1, place = 0;
    size_t *places = calloc(span, sizeof *places);
    bool fits = places != NULL;

    ordered->slice_count = 0;
    for (size_t i = 0; fits && i < chunk->row_count; i++)
        places[cursor_day(&cursor, chunk->rows[i].start) - first]++;
    for (size_t d = 0; fits && d < span; d++) {
        size_t count = places[d];

        if (count > 0)
            fits = add_slice(ordered, first + (int64_t)d, place, count);
        places[d] = place;
        place += count;
    }
    for (size_t i = 0; fits && i < chunk->row_count; i++) {
        struct toll_row *row = &chunk->rows[i];
        int64_t day = cursor_day(&cursor, row->start);

        ordered->entries[places[day - first]++] =
            (struct toll_entry){toll_entry_order(row, cursor.from), row};
    }
    free(places);
    return fits;
}

/* -- what a day uses -- */

struct notes {
    uint32_t *seen[TOLL_NAME_SOURCE]; /* by id: the slice that noted it last, plus one */
    uint32_t slice;
    struct toll_use *use;
};

static inline bool note_name(struct notes *notes, enum toll_name name, uint32_t id)
{
    struct toll_use *use = notes->use;
    uint32_t count = use->name_counts[name];

    if (id == 0 || notes->seen[name][id] == notes->slice)
        return true;
    notes->seen[name][id] = notes->slice;
    if ((count & (count - 1)) == 0) {
        uint32_t *larger = realloc(use->names[name], (count == 0 ? 1 : 2 * (size_t)count) * sizeof *larger);

        if (larger == NULL)
            return false;
        use->names[name] = larger;
    }
    use->names[name][use->name_counts[name]++] = id;
    return true;
}

static bool note_extra(struct notes *notes, const struct toll_row_extra *extra)
{
    struct toll_row_extra *any = &notes->use->any;

    any->charged |= extra->charged;
    any->lrn_caller |= extra->lrn_caller;
    any->lrn_callee |= extra->lrn_callee;
    any->ring_to |= extra->ring_to;
    any->quantity |= extra->quantity;
    any->provider_charge |= extra->provider_charge;
    any->provider_tax |= extra->provider_tax;
    any->setup_ms |= extra->setup_ms;
    any->carrier_billed_ms |= extra->carrier_billed_ms;
    any->trunk |= extra->trunk;
    any->hint |= extra->hint;
    any->calltype |= extra->calltype;
    return note_name(notes, TOLL_NAME_TRUNK, extra->trunk) && note_name(notes, TOLL_NAME_HINT, extra->hint) &&
           note_name(notes, TOLL_NAME_CALLTYPE, extra->calltype);
}

static bool note_slice(struct notes *notes, const struct toll_day_slice *slice, bool plain)
{
    const size_t looked_at = plain ? 1 : slice->count;
    uint32_t carrier = 0;
    bool fits = true;

    for (size_t i = 0; fits && i < looked_at; i++) {
        const struct toll_row *row = slice->entries[i].row;

        if (row->carrier != carrier) {
            carrier = row->carrier;
            fits = note_name(notes, TOLL_NAME_CARRIER, carrier);
        }
        if (row->extra != NULL)
            fits &= note_extra(notes, row->extra);
    }
    return fits;
}

static bool note_uses(struct toll_ordered *ordered, bool plain)
{
    struct notes notes = {0};
    bool fits = true;

    for (int d = 0; d < TOLL_NAME_SOURCE; d++) {
        notes.seen[d] = calloc((size_t)ordered->chunk.strings[d].count + 1, sizeof *notes.seen[d]);
        fits &= notes.seen[d] != NULL;
    }
    for (size_t i = 0; fits && i < ordered->slice_count; i++) {
        notes.slice = (uint32_t)i + 1;
        notes.use = &ordered->slices[i].use;
        fits = note_slice(&notes, &ordered->slices[i], plain);
    }
    for (int d = 0; d < TOLL_NAME_SOURCE; d++)
        free(notes.seen[d]);
    return fits;
}

/* -- keys -- */

static void put_keys_aside(struct toll_ordered *ordered, uint32_t index)
{
    const struct toll_chunk *chunk = &ordered->chunk;
    uint32_t at[TOLL_KEY_PARTITIONS];

    memset(ordered->key_at, 0, sizeof ordered->key_at);
    for (size_t i = 0; i < chunk->row_count; i++)
        ordered->key_at[toll_key_partition(chunk->rows[i].key_low) + 1]++;
    for (unsigned p = 0; p < TOLL_KEY_PARTITIONS; p++) {
        at[p] = ordered->key_at[p];
        ordered->key_at[p + 1] += ordered->key_at[p];
    }
    for (size_t i = 0; i < chunk->row_count; i++) {
        struct toll_row *row = &chunk->rows[i];

        row->source = index;
        ordered->keys[at[toll_key_partition(row->key_low)]++] =
            (struct toll_key_record){row->key_high, row->key_low, toll_key_meta(row->start, row->carrier)};
    }
}

static size_t bytes_of(const struct toll_ordered *ordered)
{
    const struct toll_chunk *chunk = &ordered->chunk;

    return sizeof *ordered + chunk->row_capacity * sizeof *chunk->rows + chunk->store.bytes +
           chunk->row_count * (sizeof *ordered->entries + sizeof *ordered->keys) +
           ordered->slice_count * sizeof *ordered->slices;
}

int toll_ordered_make(struct toll_ordered *ordered, uint32_t index, struct toll_error *error)
{
    struct toll_chunk *chunk = &ordered->chunk;
    struct look look = {0};

    TOLL_ASSERT(chunk->row_count <= UINT32_MAX);
    if (chunk->strings[TOLL_NAME_CARRIER].count >> TOLL_KEY_CARRIER_BITS != 0)
        return toll_error_set(error, TOLL_EDATA,
                              "more than a million carriers; does the spec map a wrong column to `carrier`?");
    ordered->entries = malloc((chunk->row_count + 1) * sizeof *ordered->entries);
    ordered->keys = malloc((chunk->row_count + 1) * sizeof *ordered->keys);
    if (ordered->entries == NULL || ordered->keys == NULL)
        return no_memory(error);
    if (!days_in_order(ordered, &look))
        look.no_memory = !spread_days(ordered);
    if (look.no_memory || !note_uses(ordered, look.plain))
        return no_memory(error);
    put_keys_aside(ordered, index);
    ordered->bytes = bytes_of(ordered);
    return 0;
}

/* -- within a day -- */

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
