/*
 * One open-addressing table of the new rows' keys: a group (carrier, key) is one slot, which knows its first
 * row and whether rows with different starts were seen. So a key that is the same on every row of a file
 * costs no more than others. Then all keys of the dataset stream past it. Slots are fetched ahead: the table
 * is larger than any cache.
 */
#include "ingest/keys.h"

#include "base/error.h"
#include "ingest/huge.h"

#include <stdlib.h>
#include <string.h>

#define AHEAD 16 /* rows whose slots are on their way */
#define SLOTS_MIN 64
#define DIFFERS 0x80000000u /* in a slot's tag: the group has rows with different starts */
#define NO_CARRIER UINT32_MAX
#define KEY_COLUMNS                                                                          \
    (TOLL_CDR_COLUMN_BIT(TOLL_CDR_START) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_KIND) |              \
     TOLL_CDR_COLUMN_BIT(TOLL_CDR_CARRIER) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_RECORD_KEY_HIGH) | \
     TOLL_CDR_COLUMN_BIT(TOLL_CDR_RECORD_KEY_LOW))

struct slot {
    uint32_t tag;   /* 31 bits of the key, and DIFFERS */
    uint32_t entry; /* of the group's first row, plus one; 0: free */
};

struct table {
    struct slot *slots;
    size_t mask;
    const struct toll_entry *entries;
};

static inline size_t slot_of(const struct table *table, uint64_t key_low, uint32_t carrier)
{
    return (size_t)(key_low ^ carrier * UINT64_C(0x9e3779b97f4a7c15)) & table->mask;
}

static inline uint32_t tag_of(uint64_t key_high)
{
    return (uint32_t)(key_high >> 33);
}

/* The group's slot, or the free one where it belongs. */
static inline struct slot *find(const struct table *table, uint64_t key_high, uint64_t key_low,
                                uint32_t carrier)
{
    size_t at = slot_of(table, key_low, carrier);

    for (;; at = (at + 1) & table->mask) {
        struct slot *slot = &table->slots[at];
        const struct toll_row *row;

        if (slot->entry == 0)
            return slot;
        if ((slot->tag & ~DIFFERS) != tag_of(key_high))
            continue;
        row = table->entries[slot->entry - 1].row;
        if (row->key_high == key_high && row->key_low == key_low && row->carrier == carrier)
            return slot;
    }
}

static void differ(const struct table *table, struct slot *slot)
{
    slot->tag |= DIFFERS;
    table->entries[slot->entry - 1].row->kind |= TOLL_KIND_CONFLICT;
}

/* Rows of a group that have the first row's start are marked by the merge, together with it. */
static void add_new_rows(struct table *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct toll_row *row = table->entries[i].row;
        struct slot *slot;

        if (i + AHEAD < count) {
            const struct toll_row *later = table->entries[i + AHEAD].row;
            __builtin_prefetch(&table->slots[slot_of(table, later->key_low, later->carrier)], 1);
        }
        slot = find(table, row->key_high, row->key_low, row->carrier);
        if (slot->entry == 0) {
            slot->tag = tag_of(row->key_high);
            slot->entry = (uint32_t)i + 1;
        } else if (table->entries[slot->entry - 1].row->start != row->start) {
            differ(table, slot);
            row->kind |= TOLL_KIND_CONFLICT;
        } else if (slot->tag & DIFFERS) {
            row->kind |= TOLL_KIND_CONFLICT;
        }
    }
}

static int add_mark(struct toll_marks *marks, size_t part, int64_t row, struct toll_error *error)
{
    if (marks->count == marks->capacity) {
        size_t capacity = 2 * marks->capacity + 64;
        struct toll_mark *larger = realloc(marks->marks, capacity * sizeof *larger);

        if (larger == NULL)
            return toll_error_set(error, TOLL_ENOMEM, "out of memory while looking for conflicts");
        marks->marks = larger;
        marks->capacity = capacity;
    }
    marks->marks[marks->count++] = (struct toll_mark){part, row};
    return 0;
}

static int look_up_batch(const struct table *table, const struct toll_cdr_batch *batch,
                         const uint32_t *carriers, size_t part, struct toll_marks *marks,
                         struct toll_error *error)
{
    for (int64_t i = 0; i < batch->rows; i++) {
        uint32_t carrier = carriers[batch->carrier[i]];
        struct slot *slot;
        int code;

        if (i + AHEAD < batch->rows)
            __builtin_prefetch(&table->slots[slot_of(table, batch->record_key_low[i + AHEAD],
                                                     carriers[batch->carrier[i + AHEAD]])]);
        if (carrier == NO_CARRIER)
            continue;
        slot = find(table, batch->record_key_high[i], batch->record_key_low[i], carrier);
        if (slot->entry == 0)
            continue;
        if (table->entries[slot->entry - 1].row->start != batch->start[i])
            differ(table, slot);
        else if ((slot->tag & DIFFERS) == 0)
            continue;
        if (batch->kind[i] & TOLL_KIND_CONFLICT)
            continue;
        code = add_mark(marks, part, batch->first_row + i, error);
        if (code != 0)
            return code;
    }
    return 0;
}

/* The run's ids of a part's carriers. */
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

static int look_up_part(const struct table *table, const struct toll_dataset *dataset, size_t index,
                        const struct toll_row_names *names, struct toll_marks *marks,
                        struct toll_error *error)
{
    struct toll_cdr_part *part = NULL;
    uint32_t *carriers = NULL;
    void *buffer = NULL;
    size_t bytes;
    int code = toll_dataset_part_open(dataset, index, TOLL_READ_PREAD, &part, error);

    if (code != 0)
        return code;
    bytes = toll_cdr_batch_buffer_bytes(part, KEY_COLUMNS);
    buffer = aligned_alloc(4096, (bytes + 4095) & ~(size_t)4095);
    carriers = map_carriers(part, names);
    if ((buffer == NULL && bytes > 0) || carriers == NULL)
        code = toll_error_set(error, TOLL_ENOMEM, "out of memory while looking for conflicts");
    for (int64_t b = 0; code == 0 && b < toll_cdr_part_batches(part); b++) {
        struct toll_cdr_batch batch;

        code = toll_cdr_part_batch(part, b, KEY_COLUMNS, buffer, &batch, error);
        if (code == 0)
            code = look_up_batch(table, &batch, carriers, index, marks, error);
    }
    free(carriers);
    free(buffer);
    toll_cdr_part_close(part);
    return code;
}

int toll_keys_find_conflicts(const struct toll_dataset *dataset, const struct toll_days *days,
                             const struct toll_row_names *names, struct toll_marks *marks,
                             struct toll_error *error)
{
    struct table table = {.entries = days->entries};
    size_t slots = SLOTS_MIN;
    int code = 0;

    memset(marks, 0, sizeof *marks);
    if (days->entry_count == 0)
        return 0;
    while (slots < days->entry_count + days->entry_count / 4)
        slots *= 2;
    table.slots = toll_huge_alloc(slots * sizeof *table.slots);
    if (table.slots == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory while looking for conflicts");
    memset(table.slots, 0, slots * sizeof *table.slots);
    table.mask = slots - 1;
    add_new_rows(&table, days->entry_count);
    for (size_t i = 0; code == 0 && i < dataset->part_count; i++)
        code = look_up_part(&table, dataset, i, names, marks, error);
    free(table.slots);
    return code;
}
