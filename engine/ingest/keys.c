/*
 * Keys come apart into partitions by some of their bits, so that the table of a partition stays in the
 * caches, and threads each have their own.
 *
 * Of rows in memory only prints of 32 bits go through the tables: a row whose print was there before is a
 * suspect, as is a row of the dataset whose print is there. There are few, and their keys are compared. Where
 * rows had to go to disk all keys are compared, and those of the dataset put aside on disk, too.
 *
 * Comparing, a group (carrier, key) is one slot of an open-addressing table: the first record of the group,
 * and whether rows with different starts were seen. So a key that is the same on every row of a file costs no
 * more than others.
 */
#include "ingest/keys.h"

#include "base/ask.h"
#include "base/check.h"
#include "base/error.h"
#include "base/large.h"
#include "ingest/work.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD 12 /* records whose slots are on their way */
#define DIFFERS UINT64_C(1)
#define SUSPECT 1u
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

/* The prints of a partition. */
struct filter {
    uint32_t *slots; /* 0: free; its last bit: suspect */
    uint64_t slot_count;
    _Atomic uint64_t suspects; /* slots that are */
};

struct suspects {
    pthread_mutex_t lock;
    struct toll_key_record
        *records; /* of old rows: the last bit of meta says that the row is marked already */
    size_t count, room;
};

struct search {
    struct toll_gather *gather;
    const struct toll_dataset *dataset;
    struct filter filters[TOLL_KEY_PARTITIONS];
    struct suspects suspects[TOLL_KEY_PARTITIONS];
    struct suspects *part_suspects; /* by part of the dataset */
    uint8_t *chunk_suspect;         /* by chunk: some of its rows are suspects */
    struct table tables[TOLL_KEY_PARTITIONS];
    struct toll_key_run *old_runs; /* the dataset's keys on disk, if they had to go there */
    size_t old_run_count;
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

        if (slot->meta == 0 || (slot->key_low == key_low && slot->key_high == key_high &&
                                toll_key_carrier(slot->meta) == carrier))
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

/* A row of the dataset; the last bit of its meta: it is a conflict already. */
static inline bool look_up(struct table *table, const struct toll_key_record *old)
{
    const uint64_t meta = old->meta & ~DIFFERS;
    struct toll_key_record *slot = find(table, old->key_high, old->key_low, toll_key_carrier(meta));
    struct toll_key_record record = *old;

    if (slot->meta == 0 || (slot->meta & ~DIFFERS) == meta)
        return true;
    if ((slot->meta & DIFFERS) == 0 && !add_mark(&table->marks, slot, false))
        return false;
    slot->meta |= DIFFERS;
    record.meta = meta;
    return old->meta != meta || add_mark(&table->marks, &record, true);
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
        if (!look_up(table, &records[i]))
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

/* A partition of what is on disk. */
static int partition_job(void *context, size_t index, struct toll_error *error)
{
    struct search *search = context;
    const struct toll_gather *gather = search->gather;
    struct table *table = &search->tables[index];
    const unsigned partition = (unsigned)index;
    uint64_t rows = 0;
    int code = 0;

    for (size_t i = 0; i < gather->key_run_count; i++)
        rows += gather->key_runs[i].at[partition + 1] - gather->key_runs[i].at[partition];
    if (!begin_table(search, table, rows))
        return no_memory(error);
    for (size_t i = 0; code == 0 && i < gather->key_run_count; i++)
        code = each_piece(search, &gather->key_runs[i], partition, table, take_new, error);
    for (size_t i = 0; code == 0 && i < search->old_run_count; i++)
        code = each_piece(search, &search->old_runs[i], partition, table, take_old, error);
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

static inline uint64_t old_meta(const struct toll_cdr_batch *batch, int64_t row, uint32_t carrier)
{
    return toll_key_meta(batch->start[row], carrier) | ((batch->kind[row] & TOLL_KIND_CONFLICT) != 0);
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

static int take_aside(struct search *search, void *context, const struct toll_cdr_batch *batch,
                      const uint32_t *carriers, struct toll_error *error)
{
    int code = 0;

    (void)search;
    for (int64_t i = 0; code == 0 && i < batch->rows; i++) {
        const uint32_t carrier = carriers[batch->carrier[i]];

        if (carrier != NO_CARRIER)
            code = toll_key_writer_add(context, batch->record_key_high[i], batch->record_key_low[i],
                                       old_meta(batch, i, carrier), error);
    }
    return code;
}

static int put_dataset_aside(struct search *search, struct toll_error *error)
{
    struct toll_gather *gather = search->gather;
    struct toll_key_writer writer;
    int code = toll_key_writer_open(&writer, &gather->spill, &gather->memory, true, error);

    for (size_t i = 0; code == 0 && i < search->dataset->part_count; i++)
        code = each_batch(search, i, take_aside, &writer, error);
    return toll_key_writer_close(&writer, code, &search->old_runs, &search->old_run_count, error);
}

/* Rows went to disk: all keys go there, and are compared partition by partition. */
static int search_disk(struct search *search, struct toll_error *error)
{
    struct toll_gather *gather = search->gather;
    int code = toll_gather_put_keys_aside(gather, error);

    if (code == 0)
        code = put_dataset_aside(search, error);
    if (code == 0)
        code = toll_work_run(gather->threads, TOLL_KEY_PARTITIONS, partition_job, NULL, search, error);
    return code;
}

/* -- prints -- */

/* The slot of a print, or where it would be. */
static inline uint32_t *find_print(const struct filter *filter, uint32_t print)
{
    uint64_t at = (uint64_t)print * filter->slot_count >> 32;

    for (;;) {
        uint32_t *slot = &filter->slots[at];
        uint32_t there = __atomic_load_n(slot, __ATOMIC_RELAXED); /* others may set SUSPECT */

        if (there == 0 || (there & ~SUSPECT) == print)
            return slot;
        at = at + 1 == filter->slot_count ? 0 : at + 1;
    }
}

static inline void suspect(struct filter *filter, uint32_t *slot)
{
    if ((__atomic_load_n(slot, __ATOMIC_RELAXED) & SUSPECT) == 0 &&
        (__atomic_fetch_or(slot, SUSPECT, __ATOMIC_RELAXED) & SUSPECT) == 0)
        atomic_fetch_add_explicit(&filter->suspects, 1, memory_order_relaxed);
}

static void drop_filter(struct search *search, struct filter *filter)
{
    if (filter->slots != NULL)
        toll_memory_give_back(&search->gather->memory, filter->slot_count * sizeof *filter->slots);
    free(filter->slots);
    filter->slots = NULL;
}

/* A chunk has few prints of a partition: where they are comes first, then they. */
static TOLL_ASK void ask_ahead(const struct toll_gather *gather, size_t chunk, size_t partition)
{
    const struct toll_ordered *next;

    if (chunk + 2 * AHEAD < gather->held_count)
        __builtin_prefetch(&gather->held[chunk + 2 * AHEAD]->print_at[partition]);
    if (chunk + AHEAD >= gather->held_count)
        return;
    next = gather->held[chunk + AHEAD];
    for (uint32_t k = next->print_at[partition]; k < next->print_at[partition + 1]; k += 16)
        __builtin_prefetch(&next->prints[k]);
}

static int filter_job(void *context, size_t index, struct toll_error *error)
{
    struct search *search = context;
    const struct toll_gather *gather = search->gather;
    struct filter *filter = &search->filters[index];
    uint64_t rows = 0;

    for (size_t i = 0; i < gather->held_count; i++)
        rows += gather->held[i]->print_at[index + 1] - gather->held[i]->print_at[index];
    filter->slot_count = 2 * rows + SLOTS_MIN;
    filter->slots = malloc(filter->slot_count * sizeof *filter->slots);
    if (filter->slots == NULL)
        return no_memory(error);
    memset(filter->slots, 0, filter->slot_count * sizeof *filter->slots);
    toll_memory_take(&search->gather->memory, filter->slot_count * sizeof *filter->slots);
    for (size_t i = 0; i < gather->held_count; i++) {
        const struct toll_ordered *ordered = gather->held[i];

        ask_ahead(gather, i, index);
        for (uint32_t k = ordered->print_at[index]; k < ordered->print_at[index + 1]; k++) {
            uint32_t *slot = find_print(filter, ordered->prints[k]);

            if (*slot == 0)
                *slot = ordered->prints[k];
            else
                suspect(filter, slot);
        }
    }
    if (search->dataset->part_count == 0 && atomic_load(&filter->suspects) == 0)
        drop_filter(search, filter); /* its memory serves the next partition */
    return 0;
}

static bool add_suspect(struct search *search, struct suspects *suspects,
                        const struct toll_key_record *record)
{
    if (suspects->count == suspects->room) {
        size_t room = suspects->room + suspects->room / 2 + 256;
        struct toll_key_record *larger = realloc(suspects->records, room * sizeof *larger);

        if (larger == NULL)
            return false;
        toll_memory_take(&search->gather->memory, (room - suspects->room) * sizeof *larger);
        suspects->records = larger;
        suspects->room = room;
    }
    suspects->records[suspects->count++] = *record;
    return true;
}

static int filter_batch(struct search *search, void *context, const struct toll_cdr_batch *batch,
                        const uint32_t *carriers, struct toll_error *error)
{
    struct suspects *suspects = context;
    const struct toll_strings *names = &search->gather->names->strings[TOLL_NAME_CARRIER];
    uint32_t known = NO_CARRIER, carrier_print = 0;

    for (int64_t i = 0; i < batch->rows; i++) {
        const uint32_t carrier = carriers[batch->carrier[i]];
        const uint64_t low = batch->record_key_low[i], high = batch->record_key_high[i];
        struct filter *filter = &search->filters[toll_key_partition(low)];
        uint32_t *slot;

        if (carrier == NO_CARRIER)
            continue;
        if (carrier != known) {
            size_t bytes = 0;
            const char *text = carrier == 0 ? "" : toll_strings_text(names, carrier, &bytes);

            carrier_print = toll_key_carrier_print(text, bytes);
            known = carrier;
        }
        slot = find_print(filter, toll_key_print(high, carrier_print));
        if (__atomic_load_n(slot, __ATOMIC_RELAXED) == 0)
            continue;
        suspect(filter, slot);
        if (!add_suspect(search, suspects, &(struct toll_key_record){high, low, old_meta(batch, i, carrier)}))
            return no_memory(error);
    }
    return 0;
}

static int filter_part_job(void *context, size_t index, struct toll_error *error)
{
    struct search *search = context;

    return each_batch(search, index, filter_batch, &search->part_suspects[index], error);
}

/* Chunks with suspects: nearly all have none, and their rows are not looked at. */
static int flag_job(void *context, size_t index, struct toll_error *error)
{
    struct search *search = context;
    const struct toll_gather *gather = search->gather;
    const struct filter *filter = &search->filters[index];

    (void)error;
    if (atomic_load_explicit(&filter->suspects, memory_order_relaxed) == 0)
        return 0;
    for (size_t i = 0; i < gather->held_count; i++) {
        const struct toll_ordered *ordered = gather->held[i];

        for (uint32_t k = ordered->print_at[index]; k < ordered->print_at[index + 1]; k++) {
            if ((*find_print(filter, ordered->prints[k]) & SUSPECT) != 0) {
                __atomic_store_n(&search->chunk_suspect[i], 1, __ATOMIC_RELAXED);
                break;
            }
        }
    }
    return 0;
}

/* The suspects of a chunk, whose keys are wanted now. */
static int suspects_job(void *context, size_t index, struct toll_error *error)
{
    struct search *search = context;
    const struct toll_ordered *ordered = search->gather->held[index];
    const uint32_t *map = ordered->chunk.maps[TOLL_NAME_CARRIER];

    if (search->chunk_suspect[index] == 0)
        return 0;
    for (size_t s = 0; s < ordered->slice_count; s++) {
        const struct toll_day_slice *slice = &ordered->slices[s];

        for (size_t i = 0; i < slice->count; i++) {
            const unsigned partition = toll_key_partition(slice->key_low[i]);
            const struct filter *filter = &search->filters[partition];
            struct suspects *suspects = &search->suspects[partition];
            uint32_t carrier;
            bool fits;

            if (atomic_load_explicit(&filter->suspects, memory_order_relaxed) == 0 ||
                (*find_print(filter, toll_ordered_print(ordered, slice, i)) & SUSPECT) == 0)
                continue;
            carrier = toll_slice_carrier(slice, i);
            pthread_mutex_lock(&suspects->lock);
            fits =
                add_suspect(search, suspects,
                            &(struct toll_key_record){slice->key_high[i], slice->key_low[i],
                                                      toll_key_meta(toll_slice_start(slice, i),
                                                                    map == NULL ? carrier : map[carrier])});
            pthread_mutex_unlock(&suspects->lock);
            if (!fits)
                return no_memory(error);
        }
    }
    return 0;
}

static void free_suspects(struct search *search, struct suspects *suspects)
{
    toll_memory_give_back(&search->gather->memory, suspects->room * sizeof *suspects->records);
    free(suspects->records);
    suspects->records = NULL;
    suspects->count = suspects->room = 0;
}

static int compare_job(void *context, size_t index, struct toll_error *error)
{
    struct search *search = context;
    struct suspects *suspects = &search->suspects[index];
    struct table *table = &search->tables[index];

    drop_filter(search, &search->filters[index]);
    if (!begin_table(search, table, suspects->count) ||
        !take_new(search, table, suspects->records, suspects->count))
        return no_memory(error);
    free_suspects(search, suspects); /* all rows may be suspects: what one partition took serves the next */
    return 0;
}

static int search_memory(struct search *search, struct toll_error *error)
{
    const struct toll_gather *gather = search->gather;
    const size_t part_count = search->dataset->part_count;
    uint64_t suspects = 0;
    int code = toll_work_run(gather->threads, TOLL_KEY_PARTITIONS, filter_job, NULL, search, error);

    if (code == 0)
        code = toll_work_run(gather->threads, part_count, filter_part_job, NULL, search, error);
    for (unsigned p = 0; p < TOLL_KEY_PARTITIONS; p++)
        suspects += atomic_load(&search->filters[p].suspects);
    if (code != 0 || suspects == 0)
        return code;
    search->chunk_suspect = calloc(gather->held_count + 1, 1);
    if (search->chunk_suspect == NULL)
        return no_memory(error);
    code = toll_work_run(gather->threads, TOLL_KEY_PARTITIONS, flag_job, NULL, search, error);
    if (code == 0)
        code = toll_work_run(gather->threads, gather->held_count, suspects_job, NULL, search, error);
    if (code == 0)
        code = toll_work_run(gather->threads, TOLL_KEY_PARTITIONS, compare_job, NULL, search, error);
    for (size_t i = 0; code == 0 && i < part_count; i++) {
        const struct suspects *old = &search->part_suspects[i];

        for (size_t k = 0; code == 0 && k < old->count; k++) {
            if (!look_up(&search->tables[toll_key_partition(old->records[k].key_low)], &old->records[k]))
                code = no_memory(error);
        }
    }
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
    marks->marks = malloc((count + 1) * sizeof *marks->marks);
    if (marks->marks == NULL)
        return no_memory(error);
    toll_memory_take(&search->gather->memory, 2 * count * sizeof *marks->marks);
    for (unsigned p = 0; p < TOLL_KEY_PARTITIONS; p++) {
        const struct toll_marks *from = &search->tables[p].marks;

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
        drop_filter(search, &search->filters[p]);
        free_suspects(search, &search->suspects[p]);
        pthread_mutex_destroy(&search->suspects[p].lock);
        free_slots(search, &search->tables[p]);
        free(search->tables[p].marks.marks);
    }
    for (size_t i = 0; search->part_suspects != NULL && i < search->dataset->part_count; i++)
        free_suspects(search, &search->part_suspects[i]);
    free(search->part_suspects);
    free(search->chunk_suspect);
    free(search->old_runs);
    free(search);
}

int toll_keys_find_conflicts(struct toll_gather *gather, const struct toll_dataset *dataset,
                             struct toll_marks *marks, struct toll_error *error)
{
    struct search *search;
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
    for (unsigned p = 0; p < TOLL_KEY_PARTITIONS; p++)
        pthread_mutex_init(&search->suspects[p].lock, NULL);
    search->part_suspects = calloc(dataset->part_count + 1, sizeof *search->part_suspects);
    if (search->part_suspects == NULL)
        code = no_memory(error);
    if (code == 0)
        code = gather->run_count > 0 ? search_disk(search, error) : search_memory(search, error);
    if (code == 0)
        code = collect_marks(search, marks, error);
    free_search(search);
    return code;
}
