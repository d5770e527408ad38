/*
 * An open-addressing table over a dense array of entries, pruned to the smallest TOLL_SUSPENSE_LINES when it
 * is full. From the first pruning on, whatever lies above the largest that stayed is turned away at the door.
 */
#include "pipeline/suspense.h"

#include "base/check.h"
#include "base/error.h"
#include "pipeline/hot.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES (2 * TOLL_SUSPENSE_LINES) /* pruned when reached, so pruning costs little a row */
#define SLOTS (1u << 19)                  /* load below 0.4 */

/* A slot holds 1 + the index of its entry and, above, bits of its hash: so a walk over others' slots does not
 * touch their entries, which lie in far memory. */
#define INDEX_BITS 18
#define INDEX_MASK ((1u << INDEX_BITS) - 1)
_Static_assert(ENTRIES < INDEX_MASK, "1 + index fits");

int toll_suspense_init(struct toll_suspense *suspense, struct toll_error *error)
{
    memset(suspense, 0, sizeof *suspense);
    suspense->entries = toll_hot_alloc(ENTRIES * sizeof *suspense->entries);
    suspense->slots = toll_hot_alloc(SLOTS * sizeof *suspense->slots);
    if (suspense->entries != NULL && suspense->slots != NULL) {
        memset(suspense->slots, 0, SLOTS * sizeof *suspense->slots);
        return 0;
    }
    toll_suspense_free(suspense);
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the summary of suspense rows");
}

void toll_suspense_free(struct toll_suspense *suspense)
{
    free(suspense->entries);
    free(suspense->slots);
    memset(suspense, 0, sizeof *suspense);
}

void toll_suspense_clear(struct toll_suspense *suspense)
{
    if (suspense->count > 0)
        memset(suspense->slots, 0, SLOTS * sizeof *suspense->slots);
    suspense->count = 0;
    suspense->rows = 0;
    suspense->pruned = false;
}

static int compare(const struct toll_suspense_entry *a, const struct toll_suspense_entry *b)
{
    if (a->status != b->status)
        return a->status < b->status ? -1 : 1;
    if (a->account != b->account)
        return a->account < b->account ? -1 : 1;
    return (a->what > b->what) - (a->what < b->what);
}

/* Orders entries so that the smallest `keep` come first, in any order (Hoare's selection, in place). */
static void select_smallest(struct toll_suspense_entry *entries, size_t count, size_t keep)
{
    size_t low = 0, high = count;
    while (high - low > 1 && keep > low && keep < high) {
        const struct toll_suspense_entry pivot = entries[low + (high - low) / 2];
        size_t i = low, j = high - 1;
        for (;;) {
            while (compare(&entries[i], &pivot) < 0)
                i++;
            while (compare(&entries[j], &pivot) > 0)
                j--;
            if (i >= j)
                break;
            const struct toll_suspense_entry swap = entries[i];
            entries[i++] = entries[j];
            entries[j--] = swap;
        }
        /* [low, j] is at most the pivot, [i, high) at least. */
        if (keep <= i)
            high = i == high ? high - 1 : i;
        else
            low = i;
    }
}

static uint64_t hash_of(uint32_t status, int32_t account, uint64_t what)
{
    return (what ^ (uint64_t)status << 56 ^ (uint64_t)(uint32_t)account << 17) * 0x9E3779B97F4A7C15u;
}

static inline uint32_t first_slot(uint64_t hash)
{
    return (uint32_t)(hash >> 32) & (SLOTS - 1);
}

static inline uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32) & ~(SLOTS - 1) & ~INDEX_MASK;
}

static uint32_t *slot_of(const struct toll_suspense *suspense, uint64_t hash, uint32_t status,
                         int32_t account, uint64_t what)
{
    for (uint32_t slot = first_slot(hash);; slot = (slot + 1) & (SLOTS - 1)) {
        const uint32_t found = suspense->slots[slot];
        if (found == 0)
            return &suspense->slots[slot];
        if ((found & ~INDEX_MASK) != tag_of(hash))
            continue;
        const struct toll_suspense_entry *entry = &suspense->entries[(found & INDEX_MASK) - 1];
        if (entry->what == what && entry->account == account && entry->status == status)
            return &suspense->slots[slot];
    }
}

/* Status, account and what as one number of the same order: compared without a branch. */
static inline unsigned __int128 order_of(uint32_t status, int32_t account, uint64_t what)
{
    const uint64_t first = (uint64_t)status << 32 | ((uint32_t)account ^ UINT32_C(0x80000000));
    return (unsigned __int128)first << 64 | what;
}

bool toll_suspense_expect(struct toll_suspense *suspense, uint32_t status, int32_t account, uint64_t what)
{
    const struct toll_suspense_entry *largest = &suspense->largest;
    const bool above =
        order_of(status, account, what) > order_of(largest->status, largest->account, largest->what);
    const bool turned_away = suspense->pruned & above;
    suspense->rows += turned_away;
    __builtin_prefetch(&suspense->slots[turned_away ? 0 : first_slot(hash_of(status, account, what))]);
    return !turned_away;
}

static void prune(struct toll_suspense *suspense)
{
    if (suspense->count > TOLL_SUSPENSE_LINES) {
        select_smallest(suspense->entries, suspense->count, TOLL_SUSPENSE_LINES);
        suspense->count = TOLL_SUSPENSE_LINES;
    }
    memset(suspense->slots, 0, SLOTS * sizeof *suspense->slots);
    suspense->largest = suspense->entries[0];
    for (uint32_t i = 0; i < suspense->count; i++) {
        const struct toll_suspense_entry *entry = &suspense->entries[i];
        const uint64_t hash = hash_of(entry->status, entry->account, entry->what);
        *slot_of(suspense, hash, entry->status, entry->account, entry->what) = tag_of(hash) | (i + 1);
        if (compare(entry, &suspense->largest) > 0)
            suspense->largest = *entry;
    }
    suspense->pruned = true;
}

static bool before(uint32_t part, int64_t row, uint32_t other_part, int64_t other_row)
{
    return part < other_part || (part == other_part && row < other_row);
}

static void add_entry(struct toll_suspense *suspense, const struct toll_suspense_entry *add)
{
    if (suspense->pruned && compare(add, &suspense->largest) > 0)
        return;
    const uint64_t hash = hash_of(add->status, add->account, add->what);
    uint32_t *slot = slot_of(suspense, hash, add->status, add->account, add->what);
    if (*slot == 0) {
        if (suspense->count == ENTRIES) {
            prune(suspense);
            if (compare(add, &suspense->largest) > 0)
                return;
            slot = slot_of(suspense, hash, add->status, add->account, add->what);
            TOLL_ASSERT(*slot == 0);
        }
        suspense->entries[suspense->count++] = *add;
        *slot = tag_of(hash) | suspense->count;
        return;
    }
    struct toll_suspense_entry *entry = &suspense->entries[(*slot & INDEX_MASK) - 1];
    entry->rows += add->rows;
    if (before(add->first_part, add->first_row, entry->first_part, entry->first_row)) {
        entry->first_part = add->first_part;
        entry->first_row = add->first_row;
    }
    if (before(entry->last_part, entry->last_row, add->last_part, add->last_row)) {
        entry->last_part = add->last_part;
        entry->last_row = add->last_row;
    }
}

void toll_suspense_add(struct toll_suspense *suspense, uint32_t status, int32_t account, uint64_t what,
                       uint32_t part, int64_t row)
{
    const struct toll_suspense_entry entry = {
        .what = what,
        .account = account,
        .status = status,
        .rows = 1,
        .first_part = part,
        .last_part = part,
        .first_row = row,
        .last_row = row,
    };
    suspense->rows++;
    add_entry(suspense, &entry);
}

void toll_suspense_merge(struct toll_suspense *suspense, const struct toll_suspense *from)
{
    suspense->rows += from->rows;
    for (uint32_t i = 0; i < from->count; i++)
        add_entry(suspense, &from->entries[i]);
}

static int by_key(const void *a, const void *b)
{
    return compare(a, b);
}

void toll_suspense_finish(struct toll_suspense *suspense)
{
    if (suspense->count > TOLL_SUSPENSE_LINES)
        prune(suspense);
    qsort(suspense->entries, suspense->count, sizeof *suspense->entries, by_key);
}
