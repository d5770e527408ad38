/*
 * Keys come apart into partitions by some of their bits, so that the table of a partition stays in the
 * caches, and threads each have their own. A group (carrier, key) is one slot of an open-addressing table:
 * the first record of the group, and whether rows with different starts were seen. So a key that is the same
 * on every row of a file costs no more than others. The keys of the dataset come last: straight from its
 * parts past the tables of all partitions, or, where these would take too much memory, put aside on disk by
 * partition, too.
 */
#include "ingest/keys.h"

#include "base/check.h"
#include "base/error.h"
#include "base/large.h"
#include "ingest/work.h"

#include <stdlib.h>
#include <string.h>

#define AHEAD 12 /* records whose slots are on their way */
#define DIFFERS UINT64_C(1)
#define SLOTS_MIN 64u
#define LARGE_BYTES ((size_t)4 << 20) /* from here on the size of pages counts */
#define PIECE_RECORDS 8192u           /* of a run that are read at a time */
#define NO_CARRIER UINT32_MAX
#define KEY_COLUMNS                                                                          \
    (TOLL_CDR_COLUMN_BIT(TOLL_CDR_START) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_KIND) |              \
     TOLL_CDR_COLUMN_BIT(TOLL_CDR_CARRIER) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_RECORD_KEY_HIGH) | \
     TOLL_CDR_COLUMN_BIT(TOLL_CDR_RECORD_KEY_LOW))

struct table {
    struct toll_key_record *slots; /* meta 0: free; DIFFERS in meta */
    uint64_t slot_count, used;
    struct toll_marks marks; /* unsorted */
};

struct search {
    struct toll_gather *gather;
    const struct toll_dataset *dataset;
    struct table tables[TOLL_KEY_PARTITIONS];
    struct toll_marks *part_marks; /* by part of the dataset */
    struct toll_key_run *old_runs; /* the dataset's keys on disk, if they had to go there */
    size_t old_run_count;
    bool keep_tables;
    uint64_t rows_typical; /* of a partition */
};

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory while looking for conflicts");
}

/* -- the table -- */

static inline uint64_t slot_of(const struct table *table, uint64_t key_low, uint32_t carrier)
{
    uint64_t spread = (key_low << 8) ^ carrier * UINT64_C(0x9e3779b97f4a7c15);

    return (uint64_t)((unsigned __int128)spread * table->slot_count >> 64);
}

static inline struct toll_key_record *find(const struct table *table, uint64_t key_high, uint64_t key_low,
                                           uint32_t carrier)
{
    uint64_t at = slot_of(table, key_low, carrier);

    for (;;) {
        struct toll_key_record *slot = &table->slots[at];
        uint64_t meta = __atomic_load_n(&slot->meta, __ATOMIC_RELAXED); /* others may set DIFFERS */

        if (meta == 0 ||
            (slot->key_low == key_low && slot->key_high == key_high && toll_key_carrier(meta) == carrier))
            return slot;
        at = at + 1 == table->slot_count ? 0 : at + 1;
    }
}

static bool make_slots(struct table *table, uint64_t count)
{
    size_t bytes = (size_t)count * sizeof *table->slots;

    table->slot_count = count;
    table->slots = bytes < LARGE_BYTES ? malloc(bytes) : toll_large_alloc(bytes);
    if (table->slots != NULL)
        memset(table->slots, 0, bytes);
    return table->slots != NULL;
}

static bool grow(struct search *search, struct table *table)
{
    struct table larger = *table;

    if (!make_slots(&larger, 2 * table->slot_count))
        return false;
    toll_memory_take(&search->gather->memory, (size_t)table->slot_count * sizeof *table->slots);
    for (uint64_t i = 0; i < table->slot_count; i++) {
        const struct toll_key_record *slot = &table->slots[i];

        if (slot->meta != 0)
            *find(&larger, slot->key_high, slot->key_low, toll_key_carrier(slot->meta)) = *slot;
    }
    free(table->slots);
    *table = larger;
    return true;
}

static void free_slots(struct search *search, struct table *table)
{
    if (table->slots != NULL)
        toll_memory_give_back(&search->gather->memory, (size_t)table->slot_count * sizeof *table->slots);
    free(table->slots);
    table->slots = NULL;
}

static bool add_mark(struct toll_marks *marks, const struct toll_key_record *record, bool old)
{
    if (marks->count == marks->capacity) {
        size_t capacity = 2 * marks->capacity + 64;
        struct toll_mark *larger = realloc(marks->marks, capacity * sizeof *larger);

        if (larger == NULL)
            return false;
        marks->marks = larger;
        marks->capacity = capacity;
    }
    marks->marks[marks->count++] = (struct toll_mark){.start = toll_key_start(record->meta),
                                                      .key_high = record->key_high,
                                                      .key_low = record->key_low,
                                                      .carrier = toll_key_carrier(record->meta),
                                                      .old = old};
    return true;
}

/* Rows of a group that have the first row's start share its mark. */
static bool add_record(struct search *search, struct table *table, const struct toll_key_record *record)
{
    struct toll_key_record *slot;

    if (table->used >= table->slot_count - table->slot_count / 4 && !grow(search, table))
        return false;
    slot = find(table, record->key_high, record->key_low, toll_key_carrier(record->meta));
    if (slot->meta == 0) {
        *slot = *record;
        table->used++;
        return true;
    }
    if ((slot->meta | DIFFERS) == (record->meta | DIFFERS))
        return true;
    if ((slot->meta & DIFFERS) == 0 && !add_mark(&table->marks, slot, false))
        return false;
    slot->meta |= DIFFERS;
    return add_mark(&table->marks, record, false);
}

/* A row of the dataset; marked: it is a conflict already. Several threads may look at one table. */
static inline bool look_up(struct table *table, struct toll_marks *marks, uint64_t key_high, uint64_t key_low,
                           uint64_t meta, bool marked)
{
    struct toll_key_record *slot = find(table, key_high, key_low, toll_key_carrier(meta)), record;
    uint64_t known = __atomic_load_n(&slot->meta, __ATOMIC_RELAXED);

    if (known == 0 || (known | DIFFERS) == (meta | DIFFERS))
        return true;
    record = (struct toll_key_record){key_high, key_low, known & ~DIFFERS};
    if ((__atomic_fetch_or(&slot->meta, DIFFERS, __ATOMIC_RELAXED) & DIFFERS) == 0 &&
        !add_mark(marks, &record, false))
        return false;
    record.meta = meta & ~DIFFERS;
    return marked || add_mark(marks, &record, true);
}

/* -- new rows -- */

static uint64_t rows_of(const struct search *search, unsigned partition)
{
    const struct toll_gather *gather = search->gather;
    uint64_t rows = 0;

    for (size_t i = 0; i < gather->held_count; i++)
        rows += gather->held[i]->key_at[partition + 1] - gather->held[i]->key_at[partition];
    for (size_t i = 0; i < gather->run_count; i++)
        rows += gather->runs[i].keys.at[partition + 1] - gather->runs[i].keys.at[partition];
    return rows;
}

static bool add_held(struct search *search, struct table *table, unsigned partition)
{
    const struct toll_gather *gather = search->gather;

    for (size_t i = 0; i < gather->held_count; i++) {
        const struct toll_ordered *ordered = gather->held[i];
        const uint32_t *map = ordered->chunk.maps[TOLL_NAME_CARRIER];
        const uint32_t end = ordered->key_at[partition + 1];

        for (uint32_t k = ordered->key_at[partition]; k < end; k++) {
            struct toll_key_record record = ordered->keys[k];

            if (map != NULL)
                record.meta = toll_key_meta(toll_key_start(record.meta), map[toll_key_carrier(record.meta)]);
            if (map == NULL && k + AHEAD < end)
                __builtin_prefetch(&table->slots[slot_of(table, ordered->keys[k + AHEAD].key_low,
                                                         toll_key_carrier(ordered->keys[k + AHEAD].meta))],
                                   1);
            if (!add_record(search, table, &record))
                return false;
        }
    }
    return true;
}

/* Records of one partition of a run, piece by piece. */
static int each_piece(struct search *search, const struct toll_key_run *run, unsigned partition,
                      struct table *table,
                      bool (*take)(struct search *search, struct table *table,
                                   const struct toll_key_record *records, size_t count),
                      struct toll_error *error)
{
    const struct toll_spill *spill = &search->gather->spill;
    struct toll_key_record *records = malloc(PIECE_RECORDS * sizeof *records);
    struct toll_hasher *hasher = toll_hasher_create();
    int code = records == NULL || hasher == NULL ? no_memory(error) : 0;

    for (uint64_t at = run->at[partition]; code == 0 && at < run->at[partition + 1];) {
        uint64_t count = run->at[partition + 1] - at;

        count = count < PIECE_RECORDS ? count : PIECE_RECORDS;
        code = toll_spill_read(spill, records, (size_t)count * sizeof *records,
                               run->offset + (int64_t)(at * sizeof *records), error);
        if (code != 0)
            break;
        toll_hasher_update(hasher, records, (size_t)count * sizeof *records);
        if (!take(search, table, records, (size_t)count))
            code = no_memory(error);
        at += count;
    }
    if (code == 0 && !toll_hash_equal(toll_hasher_digest(hasher), run->hash[partition]))
        code = toll_spill_damaged(spill, error);
    toll_hasher_destroy(hasher);
    free(records);
    return code;
}

static bool take_new(struct search *search, struct table *table, const struct toll_key_record *records,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            __builtin_prefetch(&table->slots[slot_of(table, records[i + AHEAD].key_low,
                                                     toll_key_carrier(records[i + AHEAD].meta))],
                               1);
        if (!add_record(search, table, &records[i]))
            return false;
    }
    return true;
}

static bool take_old(struct search *search, struct table *table, const struct toll_key_record *records,
                     size_t count)
{
    (void)search;
    for (size_t i = 0; i < count; i++) {
        if (!look_up(table, &table->marks, records[i].key_high, records[i].key_low, records[i].meta,
                     (records[i].meta & 1) != 0))
            return false;
    }
    return true;
}

/* Keys that crowd in one partition are mostly the same. */
static bool begin_table(struct search *search, struct table *table, uint64_t rows)
{
    uint64_t expected = rows > 4 * search->rows_typical + SLOTS_MIN ? search->rows_typical : rows;

    if (!make_slots(table, expected + expected / 2 + SLOTS_MIN))
        return false;
    toll_memory_take(&search->gather->memory, (size_t)table->slot_count * sizeof *table->slots);
    return true;
}

static int partition_job(void *context, size_t index, struct toll_error *error)
{
    struct search *search = context;
    const struct toll_gather *gather = search->gather;
    struct table *table = &search->tables[index];
    const unsigned partition = (unsigned)index;
    int code = 0;

    if (!begin_table(search, table, rows_of(search, partition)) || !add_held(search, table, partition))
        return no_memory(error);
    for (size_t i = 0; code == 0 && i < gather->run_count; i++)
        code = each_piece(search, &gather->runs[i].keys, partition, table, take_new, error);
    for (size_t i = 0; code == 0 && i < search->old_run_count; i++)
        code = each_piece(search, &search->old_runs[i], partition, table, take_old, error);
    if (!search->keep_tables)
        free_slots(search, table);
    return code;
}

/* -- rows of the dataset -- */

/* The import's ids of a part's carriers. */
static uint32_t *map_carriers(const struct toll_cdr_part *part, const struct toll_row_names *names)
{
    struct toll_cdr_dictionary dictionary = toll_cdr_part_dictionary(part, TOLL_CDR_CARRIER);
    uint32_t *map = calloc((size_t)dictionary.count + 1, sizeof *map);

    for (uint32_t i = 1; map != NULL && i < dictionary.count; i++) {
        map[i] = toll_strings_find(&names->strings[TOLL_NAME_CARRIER], dictionary.entries[i],
                                   strlen(dictionary.entries[i]));
        if (map[i] == 0)
            map[i] = NO_CARRIER;
    }
    return map;
}

typedef int batch_taker(struct search *search, void *context, const struct toll_cdr_batch *batch,
                        const uint32_t *carriers, struct toll_error *error);

static int each_batch(struct search *search, size_t index, batch_taker *take, void *context,
                      struct toll_error *error)
{
    struct toll_memory *memory = &search->gather->memory;
    struct toll_cdr_part *part = NULL;
    uint32_t *carriers = NULL;
    void *buffer = NULL;
    size_t bytes;
    int code = toll_dataset_part_open(search->dataset, index, TOLL_READ_PREAD, &part, error);

    if (code != 0)
        return code;
    bytes = toll_cdr_batch_buffer_bytes(part, KEY_COLUMNS);
    toll_memory_take(memory, bytes);
    buffer = aligned_alloc(4096, (bytes + 4096) & ~(size_t)4095);
    carriers = map_carriers(part, search->gather->names);
    if (buffer == NULL || carriers == NULL)
        code = no_memory(error);
    for (int64_t b = 0; code == 0 && b < toll_cdr_part_batches(part); b++) {
        struct toll_cdr_batch batch;

        code = toll_cdr_part_batch(part, b, KEY_COLUMNS, buffer, &batch, error);
        if (code == 0)
            code = take(search, context, &batch, carriers, error);
    }
    free(carriers);
    free(buffer);
    toll_memory_give_back(memory, bytes);
    toll_cdr_part_close(part);
    return code;
}

static int look_up_batch(struct search *search, void *context, const struct toll_cdr_batch *batch,
                         const uint32_t *carriers, struct toll_error *error)
{
    const uint64_t *lows = batch->record_key_low;

    for (int64_t i = 0; i < batch->rows; i++) {
        uint32_t carrier = carriers[batch->carrier[i]];

        if (i + AHEAD < batch->rows) {
            struct table *later = &search->tables[toll_key_partition(lows[i + AHEAD])];

            __builtin_prefetch(
                &later->slots[slot_of(later, lows[i + AHEAD], carriers[batch->carrier[i + AHEAD]])]);
        }
        if (carrier == NO_CARRIER)
            continue;
        if (!look_up(&search->tables[toll_key_partition(lows[i])], context, batch->record_key_high[i],
                     lows[i], toll_key_meta(batch->start[i], carrier),
                     (batch->kind[i] & TOLL_KIND_CONFLICT) != 0))
            return no_memory(error);
    }
    return 0;
}

static int part_job(void *context, size_t index, struct toll_error *error)
{
    struct search *search = context;

    return each_batch(search, index, look_up_batch, &search->part_marks[index], error);
}

/* Keys of the dataset that wait to be put aside, as they come and by partition. */
struct waiting {
    struct toll_key_record *records, *spread;
    size_t count, room;
};

static int put_aside(struct search *search, struct waiting *waiting, struct toll_error *error)
{
    struct toll_spill *spill = &search->gather->spill;
    struct toll_key_run *runs = realloc(search->old_runs, (search->old_run_count + 1) * sizeof *runs);
    struct toll_key_run *run;
    uint64_t at[TOLL_KEY_PARTITIONS];

    if (runs == NULL)
        return no_memory(error);
    search->old_runs = runs;
    run = &runs[search->old_run_count++];
    *run = (struct toll_key_run){
        .offset = toll_spill_reserve(spill, waiting->count * sizeof *waiting->records), .old = true};
    for (size_t i = 0; i < waiting->count; i++)
        run->at[toll_key_partition(waiting->records[i].key_low) + 1]++;
    for (unsigned p = 0; p < TOLL_KEY_PARTITIONS; p++) {
        at[p] = run->at[p];
        run->at[p + 1] += run->at[p];
    }
    for (size_t i = 0; i < waiting->count; i++)
        waiting->spread[at[toll_key_partition(waiting->records[i].key_low)]++] = waiting->records[i];
    for (unsigned p = 0; p < TOLL_KEY_PARTITIONS; p++)
        run->hash[p] = toll_hash(waiting->spread + run->at[p],
                                 (size_t)(run->at[p + 1] - run->at[p]) * sizeof *waiting->spread);
    waiting->count = 0;
    return toll_spill_write(spill, waiting->spread,
                            (size_t)run->at[TOLL_KEY_PARTITIONS] * sizeof *waiting->spread, run->offset,
                            error);
}

static int take_aside(struct search *search, void *context, const struct toll_cdr_batch *batch,
                      const uint32_t *carriers, struct toll_error *error)
{
    struct waiting *waiting = context;

    if (waiting->count + (size_t)batch->rows > waiting->room) {
        int code = put_aside(search, waiting, error);

        if (code != 0)
            return code;
    }
    for (int64_t i = 0; i < batch->rows; i++) {
        uint32_t carrier = carriers[batch->carrier[i]];

        if (carrier == NO_CARRIER)
            continue;
        waiting->records[waiting->count++] = (struct toll_key_record){
            batch->record_key_high[i], batch->record_key_low[i],
            toll_key_meta(batch->start[i], carrier) | ((batch->kind[i] & TOLL_KIND_CONFLICT) != 0)};
    }
    return 0;
}

static int put_dataset_aside(struct search *search, struct toll_error *error)
{
    struct toll_gather *gather = search->gather;
    struct waiting waiting = {.room = gather->memory.limit / 8 / sizeof *waiting.records};
    int code = 0;

    if (waiting.room < TOLL_BATCH_ROWS)
        waiting.room = TOLL_BATCH_ROWS;
    waiting.records = malloc(waiting.room * sizeof *waiting.records);
    waiting.spread = malloc(waiting.room * sizeof *waiting.spread);
    toll_memory_take(&gather->memory, 2 * waiting.room * sizeof *waiting.records);
    if (waiting.records == NULL || waiting.spread == NULL)
        code = no_memory(error);
    if (code == 0 && gather->spill.io == NULL)
        code = toll_spill_open(&gather->spill, gather->io, gather->dataset_path, error);
    for (size_t i = 0; code == 0 && i < search->dataset->part_count; i++)
        code = each_batch(search, i, take_aside, &waiting, error);
    if (code == 0 && waiting.count > 0)
        code = put_aside(search, &waiting, error);
    toll_memory_give_back(&gather->memory, 2 * waiting.room * sizeof *waiting.records);
    free(waiting.records);
    free(waiting.spread);
    return code;
}

/* -- marks -- */

static int compare_marks(const void *a, const void *b)
{
    const struct toll_mark *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->key_high != y->key_high)
        return x->key_high < y->key_high ? -1 : 1;
    if (x->key_low != y->key_low)
        return x->key_low < y->key_low ? -1 : 1;
    return (x->carrier > y->carrier) - (x->carrier < y->carrier);
}

static int collect_marks(struct search *search, struct toll_marks *marks, struct toll_error *error)
{
    size_t count = 0, kept = 0;

    for (unsigned p = 0; p < TOLL_KEY_PARTITIONS; p++)
        count += search->tables[p].marks.count;
    for (size_t i = 0; i < search->dataset->part_count; i++)
        count += search->part_marks[i].count;
    marks->marks = malloc((count + 1) * sizeof *marks->marks);
    if (marks->marks == NULL)
        return no_memory(error);
    toll_memory_take(&search->gather->memory, 2 * count * sizeof *marks->marks);
    for (size_t i = 0; i < TOLL_KEY_PARTITIONS + search->dataset->part_count; i++) {
        const struct toll_marks *from =
            i < TOLL_KEY_PARTITIONS ? &search->tables[i].marks : &search->part_marks[i - TOLL_KEY_PARTITIONS];

        if (from->count > 0)
            memcpy(marks->marks + marks->count, from->marks, from->count * sizeof *marks->marks);
        marks->count += from->count;
    }
    qsort(marks->marks, marks->count, sizeof *marks->marks, compare_marks);
    for (size_t i = 0; i < marks->count; i++) {
        if (kept > 0 && compare_marks(&marks->marks[kept - 1], &marks->marks[i]) == 0)
            marks->marks[kept - 1].old |= marks->marks[i].old;
        else
            marks->marks[kept++] = marks->marks[i];
    }
    marks->count = kept;
    return 0;
}

static void free_search(struct search *search)
{
    for (unsigned p = 0; p < TOLL_KEY_PARTITIONS; p++) {
        free_slots(search, &search->tables[p]);
        free(search->tables[p].marks.marks);
    }
    for (size_t i = 0; search->part_marks != NULL && i < search->dataset->part_count; i++)
        free(search->part_marks[i].marks);
    free(search->part_marks);
    free(search->old_runs);
    free(search);
}

int toll_keys_find_conflicts(struct toll_gather *gather, const struct toll_dataset *dataset,
                             struct toll_marks *marks, struct toll_error *error)
{
    struct search *search;
    size_t bytes = (size_t)gather->rows * sizeof(struct toll_key_record) * 3 / 2;
    int code = 0;

    memset(marks, 0, sizeof *marks);
    if (gather->rows == 0)
        return 0;
    search = calloc(1, sizeof *search);
    if (search == NULL)
        return no_memory(error);
    search->gather = gather;
    search->dataset = dataset;
    search->rows_typical = (uint64_t)gather->rows / TOLL_KEY_PARTITIONS + 1;
    search->keep_tables = dataset->part_count > 0 && bytes <= gather->memory.limit / 4;
    search->part_marks = calloc(dataset->part_count + 1, sizeof *search->part_marks);
    if (search->part_marks == NULL)
        code = no_memory(error);
    if (code == 0 && dataset->part_count > 0 && !search->keep_tables)
        code = put_dataset_aside(search, error);
    if (code == 0)
        code = toll_work_run(gather->threads, TOLL_KEY_PARTITIONS, partition_job, NULL, search, error);
    if (code == 0 && search->keep_tables)
        code = toll_work_run(gather->threads, dataset->part_count, part_job, NULL, search, error);
    if (code == 0)
        code = collect_marks(search, marks, error);
    free_search(search);
    return code;
}
