/*
 * Sorting. Rows are spread over days, by counting where days do not ascend. What comes in order, or nearly
 * so, is sorted by insertion; else by four radix passes over the top 44 bits of (ms of the day, record key),
 * after which almost every row is in place and one insertion pass ends it.
 */
#include "ingest/order.h"

#include "base/check.h"
#include "base/checksum.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS 11
#define BUCKETS (1u << DIGIT_BITS)
#define FIRST_SHIFT 20 /* 64 - 4 * 11 */
#define PASSES 4
#define SMALL 512 /* below this radix passes do not pay */
#define MOVES 6   /* by a row, beyond which they do */

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory while sorting rows");
}

void toll_ordered_free(struct toll_ordered *ordered)
{
    for (size_t i = 0; i < ordered->slice_count; i++)
        toll_use_free(&ordered->slices[i].use);
    free(ordered->slices);
    toll_chunk_free(&ordered->chunk);
    free(ordered);
}

const struct toll_day_slice *toll_ordered_day(const struct toll_ordered *ordered, int64_t day)
{
    _Static_assert(offsetof(struct toll_day_slice, day) == 0, "the search reads it there");
    const size_t at = toll_day_place(ordered->slices, sizeof *ordered->slices, ordered->slice_count, day);

    return at < ordered->slice_count ? &ordered->slices[at] : NULL;
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

static bool add_slice(struct toll_ordered *ordered, int64_t day, size_t count)
{
    if ((ordered->slice_count & (ordered->slice_count - 1)) == 0) { /* full: room doubles */
        size_t room = ordered->slice_count == 0 ? 1 : 2 * ordered->slice_count;
        struct toll_day_slice *larger = realloc(ordered->slices, room * sizeof *larger);

        if (larger == NULL)
            return false;
        ordered->slices = larger;
    }
    ordered->slices[ordered->slice_count++] =
        (struct toll_day_slice){.day = day, .count = count, .chunk = &ordered->chunk};
    return true;
}

static inline struct toll_slice_row entry_of(const struct toll_columns *columns, size_t i, toll_ms day_start)
{
    return (struct toll_slice_row){.order = toll_order(columns->start[i], columns->key_high[i], day_start),
                                   .row = (uint32_t)i};
}

/* Rows whose days ascend, as most files have them. False: they do not. */
static bool days_in_order(struct toll_ordered *ordered, struct toll_slice_row *entries, bool *fits)
{
    const struct toll_columns *columns = ordered->chunk.columns;
    struct day_cursor cursor = {INT64_MIN, 1, 0};
    int64_t day = INT64_MIN;
    size_t from = 0;

    for (size_t i = 0; i < columns->count; i++) {
        if (cursor_day(&cursor, columns->start[i]) != day) {
            if (cursor.day < day)
                return false;
            if (i > 0 && !add_slice(ordered, day, i - from)) {
                *fits = false;
                return true;
            }
            day = cursor.day;
            from = i;
        }
        entries[i] = entry_of(columns, i, cursor.from);
    }
    if (columns->count > 0)
        *fits = add_slice(ordered, day, columns->count - from);
    return true;
}

/* Any other: counted, then spread. */
static bool spread_days(struct toll_ordered *ordered, struct toll_slice_row *entries)
{
    const struct toll_chunk *chunk = &ordered->chunk;
    const struct toll_columns *columns = chunk->columns;
    struct day_cursor cursor = {INT64_MIN, 1, 0};
    int64_t first = toll_day_of_ms(chunk->first_start), last = toll_day_of_ms(chunk->last_start);
    size_t span = (size_t)(last - first) + 1, place = 0;
    size_t *places = calloc(span, sizeof *places);
    bool fits = places != NULL;

    ordered->slice_count = 0;
    for (size_t i = 0; fits && i < chunk->row_count; i++)
        places[cursor_day(&cursor, columns->start[i]) - first]++;
    for (size_t d = 0; fits && d < span; d++) {
        size_t count = places[d];

        if (count > 0)
            fits = add_slice(ordered, first + (int64_t)d, count);
        places[d] = place;
        place += count;
    }
    for (size_t i = 0; fits && i < chunk->row_count; i++) {
        int64_t day = cursor_day(&cursor, columns->start[i]);

        entries[places[day - first]++] = entry_of(columns, i, cursor.from);
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

static bool note_new_name(struct notes *notes, enum toll_name name, uint32_t id)
{
    struct toll_use *use = notes->use;
    uint32_t count = use->name_counts[name];

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

/* The names of one column: ids of all rows of the chunk. */
static bool note_names(struct notes *notes, enum toll_name name, const uint32_t *ids,
                       const struct toll_slice_row *entries, size_t count)
{
    const uint32_t *seen = notes->seen[name];
    bool fits = true;

    for (size_t i = 0; fits && i < count; i++) {
        const uint32_t id = ids[entries[i].row];

        if (__builtin_expect(id != 0 && seen[id] != notes->slice, 0))
            fits = note_new_name(notes, name, id);
    }
    return fits;
}

static bool note_all_names(struct notes *notes, const struct toll_columns *columns,
                           struct toll_day_slice *slice, const struct toll_slice_row *entries)
{
    static const enum toll_name names[] = {[TOLL_NARROW_TRUNK] = TOLL_NAME_TRUNK,
                                           [TOLL_NARROW_HINT] = TOLL_NAME_HINT,
                                           [TOLL_NARROW_CALLTYPE] = TOLL_NAME_CALLTYPE};
    uint32_t differs = 0;
    bool fits = true;

    slice->one_carrier = columns->carrier[entries[0].row];
    for (size_t i = 0; i < slice->count; i++)
        differs |= columns->carrier[entries[i].row] ^ slice->one_carrier;
    slice->several_carriers = differs != 0;
    fits = note_names(notes, TOLL_NAME_CARRIER, columns->carrier, entries, differs != 0 ? slice->count : 1);
    for (int n = 0; n <= TOLL_NARROW_CALLTYPE; n++) {
        if (columns->any_narrow[n] != 0)
            fits = fits && note_names(notes, names[n], columns->narrow[n], entries, slice->count);
    }
    return fits;
}

/* Of a slice: each optional value or-ed (no value depends on what its bits mean), and bytes of texts. */
struct values {
    uint64_t wide[TOLL_EXTRA_WIDE];
    uint32_t narrow[TOLL_EXTRA_NARROW];
};

static void note_values(const struct toll_columns *columns, const struct toll_slice_row *entries,
                        size_t count, struct values *values, uint64_t text_bytes[TOLL_ROW_TEXTS])
{
    for (int w = 0; w < TOLL_EXTRA_WIDE; w++) {
        for (size_t i = 0; columns->any_wide[w] != 0 && i < count; i++)
            values->wide[w] |= columns->wide[w][entries[i].row];
    }
    for (int w = 0; w < TOLL_EXTRA_NARROW; w++) {
        for (size_t i = 0; columns->any_narrow[w] != 0 && i < count; i++)
            values->narrow[w] |= columns->narrow[w][entries[i].row];
    }
    for (int t = 0; t < TOLL_ROW_TEXTS; t++) {
        const uint32_t *at = columns->texts[t].at;

        for (size_t i = 0; columns->texts[t].bytes != 0 && i < count; i++)
            text_bytes[t] += at[entries[i].row + 1] - at[entries[i].row];
    }
}

/* The only slice of a chunk has what the chunk has. */
static void take_values(const struct toll_columns *columns, struct values *values,
                        uint64_t text_bytes[TOLL_ROW_TEXTS])
{
    memcpy(values->wide, columns->any_wide, sizeof values->wide);
    memcpy(values->narrow, columns->any_narrow, sizeof values->narrow);
    for (int t = 0; t < TOLL_ROW_TEXTS; t++)
        text_bytes[t] = columns->texts[t].bytes;
}

static bool note_slice(struct notes *notes, const struct toll_columns *columns, struct toll_day_slice *slice,
                       const struct toll_slice_row *entries, uint64_t text_bytes[TOLL_ROW_TEXTS])
{
    struct values values = {0};

    if (slice->count == columns->count)
        take_values(columns, &values, text_bytes);
    else
        note_values(columns, entries, slice->count, &values, text_bytes);
    memcpy(&slice->use.any, values.wide, sizeof values.wide);
    memcpy((char *)&slice->use.any + sizeof values.wide, values.narrow, sizeof values.narrow);
    return note_all_names(notes, columns, slice, entries);
}

static bool note_uses(struct toll_ordered *ordered, const struct toll_slice_row *entries,
                      uint64_t (*text_bytes)[TOLL_ROW_TEXTS])
{
    struct notes notes = {0};
    size_t from = 0;
    bool fits = true;

    for (int d = 0; d < TOLL_NAME_SOURCE; d++) {
        notes.seen[d] = calloc((size_t)ordered->chunk.lexicon->strings[d].count + 1, sizeof *notes.seen[d]);
        fits &= notes.seen[d] != NULL;
    }
    for (size_t i = 0; fits && i < ordered->slice_count; i++) {
        notes.slice = (uint32_t)i + 1;
        notes.use = &ordered->slices[i].use;
        fits = note_slice(&notes, ordered->chunk.columns, &ordered->slices[i], entries + from, text_bytes[i]);
        from += ordered->slices[i].count;
    }
    for (int d = 0; d < TOLL_NAME_SOURCE; d++)
        free(notes.seen[d]);
    return fits;
}

/* -- sorting -- */

/* Where the keys lie of what is sorted: in a chunk's columns, or in packed ones. */
struct keys {
    const struct toll_columns *columns; /* NULL: in slices */
    const struct toll_day_slice *const *slices;
};

static int compare_keys(const struct keys *keys, const struct toll_slice_row *a,
                        const struct toll_slice_row *b)
{
    const struct toll_columns *columns = keys->columns;
    const bool packed = columns == NULL;
    const struct toll_day_slice *x = packed ? keys->slices[a->slice] : NULL,
                                *y = packed ? keys->slices[b->slice] : NULL;
    uint64_t xh = (packed ? x->key_high : columns->key_high)[a->row],
             yh = (packed ? y->key_high : columns->key_high)[b->row],
             xl = (packed ? x->key_low : columns->key_low)[a->row],
             yl = (packed ? y->key_low : columns->key_low)[b->row];

    if (xh != yh)
        return xh < yh ? -1 : 1;
    return (xl > yl) - (xl < yl);
}

static inline bool is_before(const struct keys *keys, const struct toll_slice_row *a,
                             const struct toll_slice_row *b)
{
    if (__builtin_expect(a->order != b->order, 1))
        return a->order < b->order;
    return compare_keys(keys, a, b) < 0;
}

/* Insertion sort that gives up, its work half done, after `moves`. True: sorted. */
static bool insert_all(struct toll_slice_row *entries, size_t count, size_t moves, const struct keys *keys)
{
    for (size_t i = 1; i < count; i++) {
        struct toll_slice_row entry = entries[i];
        size_t k = i;

        if (entries[i - 1].order < entry.order)
            continue;
        for (; k > 0 && moves > 0 && is_before(keys, &entry, &entries[k - 1]); k--, moves--)
            entries[k] = entries[k - 1];
        entries[k] = entry;
        if (moves == 0)
            return false;
    }
    return true;
}

static void pass(const struct toll_slice_row *from, struct toll_slice_row *to, size_t count, unsigned shift,
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

static bool radix(struct toll_slice_row *entries, size_t count, const struct keys *keys)
{
    struct toll_slice_row *other = malloc(count * sizeof *other);
    size_t(*counts)[BUCKETS] = calloc(PASSES, sizeof *counts);
    bool fits = other != NULL && counts != NULL;

    for (size_t i = 0; fits && i < count; i++) {
        for (unsigned p = 0; p < PASSES; p++)
            counts[p][entries[i].order >> (FIRST_SHIFT + p * DIGIT_BITS) & (BUCKETS - 1)]++;
    }
    _Static_assert(PASSES % 2 == 0, "the last pass ends where the first began");
    for (unsigned p = 0; fits && p < PASSES; p++)
        pass(p % 2 == 0 ? entries : other, p % 2 == 0 ? other : entries, count, FIRST_SHIFT + p * DIGIT_BITS,
             counts[p]);
    if (fits)
        (void)insert_all(entries, count, SIZE_MAX, keys);
    free(other);
    free(counts);
    return fits;
}

static int compare_void(const void *a, const void *b, void *context)
{
    return is_before(context, a, b) ? -1 : is_before(context, b, a);
}

/* -- a chunk -- */

uint32_t toll_key_carrier_print(const char *carrier, size_t bytes)
{
    return (uint32_t)toll_hash(carrier, bytes).low;
}

static bool make_carrier_prints(struct toll_ordered *ordered, struct toll_pool *pool)
{
    const struct toll_strings *names = &ordered->chunk.lexicon->strings[TOLL_NAME_CARRIER];
    const uint32_t first = ordered->slice_count == 0 ? 0 : ordered->slices[0].one_carrier;
    uint32_t *prints = &ordered->one_print;
    bool one = true;

    for (size_t i = 0; i < ordered->slice_count; i++)
        one &= !ordered->slices[i].several_carriers && ordered->slices[i].one_carrier == first;
    if (!one)
        prints = ordered->carrier_prints = toll_pool_alloc(pool, ((size_t)names->count + 1) * sizeof *prints);
    if (prints == NULL)
        return false;
    for (uint32_t id = one ? first : 0; id <= (one ? first : names->count); id++) {
        size_t bytes = 0;
        const char *text = id == 0 ? "" : toll_strings_text(names, id, &bytes);

        prints[one ? 0 : id] = toll_key_carrier_print(text, bytes);
    }
    return true;
}

static void put_prints(struct toll_ordered *ordered)
{
    uint32_t at[TOLL_KEY_PARTITIONS];

    memset(ordered->print_at, 0, sizeof ordered->print_at);
    for (size_t s = 0; s < ordered->slice_count; s++) {
        for (size_t i = 0; i < ordered->slices[s].count; i++)
            ordered->print_at[toll_key_partition(ordered->slices[s].key_low[i]) + 1]++;
    }
    for (unsigned p = 0; p < TOLL_KEY_PARTITIONS; p++) {
        at[p] = ordered->print_at[p];
        ordered->print_at[p + 1] += ordered->print_at[p];
    }
    for (size_t s = 0; s < ordered->slice_count; s++) {
        const struct toll_day_slice *slice = &ordered->slices[s];

        for (size_t i = 0; i < slice->count; i++)
            ordered->prints[at[toll_key_partition(slice->key_low[i])]++] =
                toll_ordered_print(ordered, slice, i);
    }
}

/* What comes in no order at all is left to the day's sort, but for what is worth radix passes here. */
static bool sort_slice(struct toll_slice_row *entries, size_t count, const struct toll_columns *columns)
{
    const struct keys keys = {.columns = columns};

    return insert_all(entries, count, MOVES * count, &keys) || count < SMALL || radix(entries, count, &keys);
}

static int pack_slices(struct toll_ordered *ordered, struct toll_slice_row *entries,
                       uint64_t (*text_bytes)[TOLL_ROW_TEXTS], struct toll_pool *pool,
                       struct toll_sha256_walk *walk, struct toll_error *error)
{
    const size_t rows = ordered->chunk.row_count;
    size_t bytes = 0, from = 0;
    char *memory;

    for (size_t i = 0; i < ordered->slice_count; i++)
        bytes += toll_slice_bytes(&ordered->slices[i], text_bytes[i]);
    memory = toll_pool_alloc(pool, bytes + rows * sizeof *ordered->prints);
    if (memory == NULL || !make_carrier_prints(ordered, pool))
        return no_memory(error);
    ordered->prints = (uint32_t *)(void *)(memory + bytes);
    ordered->bytes = bytes + rows * sizeof *ordered->prints;
    if (ordered->carrier_prints != NULL)
        ordered->bytes += ((size_t)ordered->chunk.lexicon->strings[TOLL_NAME_CARRIER].count + 1) *
                          sizeof *ordered->carrier_prints;
    for (size_t i = 0; i < ordered->slice_count; i++) {
        struct toll_day_slice *slice = &ordered->slices[i];

        if (!sort_slice(entries + from, slice->count, ordered->chunk.columns))
            return no_memory(error);
        toll_slice_pack(slice, entries + from, memory, text_bytes[i], walk);
        memory += toll_slice_bytes(slice, text_bytes[i]);
        from += slice->count;
    }
    put_prints(ordered);
    return 0;
}

int toll_ordered_make(struct toll_ordered *ordered, struct toll_pool *pool, struct toll_sha256_walk *walk,
                      struct toll_error *error)
{
    struct toll_chunk *chunk = &ordered->chunk;
    struct toll_slice_row *entries;
    uint64_t(*text_bytes)[TOLL_ROW_TEXTS] = NULL;
    bool fits = true;
    int code = 0;

    TOLL_ASSERT(chunk->row_count <= UINT32_MAX);
    if (chunk->lexicon->strings[TOLL_NAME_CARRIER].count >> TOLL_KEY_CARRIER_BITS != 0)
        return toll_error_set(error, TOLL_EDATA,
                              "more than a million carriers; does the spec map a wrong column to `carrier`?");
    entries = malloc((chunk->row_count + 1) * sizeof *entries);
    if (entries == NULL)
        return no_memory(error);
    if (!days_in_order(ordered, entries, &fits))
        fits = spread_days(ordered, entries);
    if (fits)
        text_bytes = calloc(ordered->slice_count + 1, sizeof *text_bytes);
    if (text_bytes == NULL || !note_uses(ordered, entries, text_bytes))
        code = no_memory(error);
    if (code == 0)
        code = pack_slices(ordered, entries, text_bytes, pool, walk, error);
    toll_chunk_drop_rows(chunk);
    ordered->bytes += sizeof *ordered + ordered->slice_count * sizeof *ordered->slices + chunk->store.bytes;
    free(text_bytes);
    free(entries);
    return code;
}

/* -- a day -- */

int toll_day_rows_compare(const struct toll_day_rows *rows, const struct toll_slice_row *a,
                          const struct toll_slice_row *b)
{
    const struct keys keys = {.slices = rows->slices};

    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return compare_keys(&keys, a, b);
}

int toll_day_rows_sort(struct toll_day_rows *rows, struct toll_error *error)
{
    struct keys keys = {.slices = rows->slices};

    if (insert_all(rows->entries, rows->count, MOVES * rows->count, &keys))
        return 0;
    if (rows->count < SMALL) {
        qsort_r(rows->entries, rows->count, sizeof *rows->entries, compare_void, &keys);
        return 0;
    }
    return radix(rows->entries, rows->count, &keys) ? 0 : no_memory(error);
}

void toll_day_rows_free(struct toll_day_rows *rows)
{
    free(rows->slices);
    free(rows->entries);
    memset(rows, 0, sizeof *rows);
}
