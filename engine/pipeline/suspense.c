/*
 * An open-addressing table over a dense array of entries, pruned to about the smallest TOLL_SUSPENSE_LINES
 * when it is full. From the first pruning on, whatever lies above the limit that this gave is turned away at
 * the door, by all workers: the smallest of some rows are no smaller than those of all.
 */
#include "pipeline/suspense.h"

#include "base/check.h"
#include "base/error.h"
#include "base/large.h"
#include "pipeline/hot.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES (2 * TOLL_SUSPENSE_LINES) /* pruned when reached, so that it is rare */
#define SLOTS TOLL_SUSPENSE_SLOTS         /* load below 0.4 */

/* A slot holds 1 + the index of its entry and, above, bits of its hash: so a walk over others' slots does not
 * touch their entries, which lie in far memory. */
#define INDEX_BITS 18
#define INDEX_MASK ((1u << INDEX_BITS) - 1)
_Static_assert(ENTRIES < INDEX_MASK, "1 + index fits");

#define AHEAD 16 /* entries whose slot is on its way */

/* Of so many entries a sample, so large that a limit which one pass finds keeps enough of them, and hardly
 * more. */
#define SAMPLE 2048
#define SAMPLE_MARGIN 128 /* some five times what chance makes of it */

static const struct toll_suspense_order no_limit = {UINT64_MAX, UINT64_MAX};

static inline struct toll_suspense_order entry_order(const struct toll_suspense_entry *entry)
{
    return toll_suspense_order_of(entry->status, entry->account, entry->what);
}

/* ---- what all workers know ---- */

void toll_suspense_limit_clear(struct toll_suspense_limit *limit)
{
    atomic_store_explicit(&limit->first, no_limit.first, memory_order_relaxed);
    atomic_store_explicit(&limit->what, no_limit.what, memory_order_relaxed);
}

void toll_suspense_limit_init(struct toll_suspense_limit *limit)
{
    TOLL_ASSERT(pthread_mutex_init(&limit->mutex, NULL) == 0);
    toll_suspense_limit_clear(limit);
}

void toll_suspense_limit_free(struct toll_suspense_limit *limit)
{
    pthread_mutex_destroy(&limit->mutex);
}

/* It falls, and `what` is written before `first` and read behind it: so whoever reads a `what` that is newer
 * than its `first` has a limit that is too high, never one that is too low. */
void toll_suspense_begin(struct toll_suspense *suspense)
{
    if (suspense->shared == NULL)
        return;
    struct toll_suspense_order known;
    known.first = atomic_load_explicit(&suspense->shared->first, memory_order_acquire);
    known.what = atomic_load_explicit(&suspense->shared->what, memory_order_acquire);
    if (toll_suspense_is_above(suspense->limit, known))
        suspense->limit = known;
}

static void tell_limit(const struct toll_suspense *suspense)
{
    struct toll_suspense_limit *shared = suspense->shared;
    if (shared == NULL)
        return;
    pthread_mutex_lock(&shared->mutex);
    const struct toll_suspense_order known = {atomic_load_explicit(&shared->first, memory_order_relaxed),
                                              atomic_load_explicit(&shared->what, memory_order_relaxed)};
    if (toll_suspense_is_above(known, suspense->limit)) {
        atomic_store_explicit(&shared->what, suspense->limit.what, memory_order_release);
        atomic_store_explicit(&shared->first, suspense->limit.first, memory_order_release);
    }
    pthread_mutex_unlock(&shared->mutex);
}

/* ---- memory ---- */

size_t toll_suspense_bytes(void)
{
    return toll_large_bytes(ENTRIES * sizeof(struct toll_suspense_entry)) +
           toll_large_bytes(SLOTS * sizeof *((struct toll_suspense *)NULL)->slots);
}

int toll_suspense_init(struct toll_suspense *suspense, struct toll_error *error)
{
    memset(suspense, 0, sizeof *suspense);
    suspense->limit = no_limit;
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
    suspense->limit = no_limit;
}

/* ---- the smallest ---- */

static int compare_orders(struct toll_suspense_order a, struct toll_suspense_order b)
{
    return (int)toll_suspense_is_above(a, b) - (int)toll_suspense_is_above(b, a);
}

static int compare(const struct toll_suspense_entry *a, const struct toll_suspense_entry *b)
{
    return compare_orders(entry_order(a), entry_order(b));
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

static int by_order(const void *a, const void *b)
{
    const struct toll_suspense_order *x = a, *y = b;
    return compare_orders(*x, *y);
}

/* A limit below which lie at least TOLL_SUSPENSE_LINES of the entries, unless chance is very much against
 * it. */
static struct toll_suspense_order guess_limit(const struct toll_suspense_entry *entries, size_t count)
{
    struct toll_suspense_order sample[SAMPLE];
    for (size_t i = 0; i < SAMPLE; i++)
        sample[i] = entry_order(&entries[i * count / SAMPLE]);
    qsort(sample, SAMPLE, sizeof *sample, by_order);
    const size_t wanted = TOLL_SUSPENSE_LINES * (size_t)SAMPLE / count + SAMPLE_MARGIN;
    return wanted < SAMPLE ? sample[wanted] : no_limit;
}

static size_t count_within(const struct toll_suspense_entry *entries, size_t count,
                           struct toll_suspense_order limit)
{
    size_t within = 0;
    for (size_t i = 0; i < count; i++)
        within += !toll_suspense_is_above(entry_order(&entries[i]), limit);
    return within;
}

static size_t keep_within(struct toll_suspense_entry *entries, size_t count, struct toll_suspense_order limit)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        entries[kept] = entries[i];
        kept += !toll_suspense_is_above(entry_order(&entries[i]), limit);
    }
    return kept;
}

/* ---- the table ---- */

static uint64_t entry_hash(const struct toll_suspense_entry *entry)
{
    return toll_suspense_hash(entry->status, entry->account, entry->what);
}

static inline uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32) & ~(SLOTS - 1) & ~INDEX_MASK;
}

static uint32_t *slot_of(const struct toll_suspense *suspense, uint64_t hash, uint32_t status,
                         int32_t account, uint64_t what)
{
    for (uint32_t slot = toll_suspense_slot(hash);; slot = (slot + 1) & (SLOTS - 1)) {
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

void toll_suspense_look(const struct toll_suspense *suspense, uint32_t status, int32_t account, uint64_t what)
{
    const uint32_t found =
        suspense->slots[toll_suspense_slot(toll_suspense_hash(status, account, what))] & INDEX_MASK;
    __builtin_prefetch(&suspense->entries[found == 0 ? suspense->count : found - 1], 1);
}

static void fill_slots(struct toll_suspense *suspense)
{
    const struct toll_suspense_entry *entries = suspense->entries;
    memset(suspense->slots, 0, SLOTS * sizeof *suspense->slots);
    for (uint32_t i = 0; i < suspense->count; i++) {
        const uint32_t later = i + AHEAD < suspense->count ? i + AHEAD : i;
        const uint64_t hash = entry_hash(&entries[i]);
        uint32_t slot = toll_suspense_slot(hash);
        __builtin_prefetch(&suspense->slots[toll_suspense_slot(entry_hash(&entries[later]))], 1);
        while (suspense->slots[slot] != 0)
            slot = (slot + 1) & (SLOTS - 1);
        suspense->slots[slot] = tag_of(hash) | (i + 1);
    }
}

/* Exactly the smallest; more entries than these. */
static void keep_smallest(struct toll_suspense *suspense)
{
    struct toll_suspense_order largest = {0};
    select_smallest(suspense->entries, suspense->count, TOLL_SUSPENSE_LINES);
    suspense->count = TOLL_SUSPENSE_LINES;
    for (uint32_t i = 0; i < suspense->count; i++) {
        const struct toll_suspense_order order = entry_order(&suspense->entries[i]);
        if (toll_suspense_is_above(order, largest))
            largest = order;
    }
    suspense->limit = largest;
}

/* Makes room for half as many entries as there may be, or nearly. */
static void prune(struct toll_suspense *suspense)
{
    toll_suspense_begin(suspense);
    suspense->count = (uint32_t)keep_within(suspense->entries, suspense->count, suspense->limit);
    if (suspense->count > ENTRIES / 4 * 3) {
        const struct toll_suspense_order limit = guess_limit(suspense->entries, suspense->count);
        const size_t within = count_within(suspense->entries, suspense->count, limit);
        if (within >= TOLL_SUSPENSE_LINES && within <= ENTRIES / 8 * 5) {
            suspense->count = (uint32_t)keep_within(suspense->entries, suspense->count, limit);
            suspense->limit = limit;
        } else {
            keep_smallest(suspense);
        }
        tell_limit(suspense);
    }
    fill_slots(suspense);
}

static bool before(uint32_t part, int64_t row, uint32_t other_part, int64_t other_row)
{
    return part < other_part || (part == other_part && row < other_row);
}

/* A new entry's place, all but its key still to be written; NULL when it is turned away. */
static struct toll_suspense_entry *make_entry(struct toll_suspense *suspense, uint64_t hash, uint32_t *slot,
                                              uint32_t status, int32_t account, uint64_t what)
{
    if (suspense->count == ENTRIES) {
        prune(suspense);
        if (toll_suspense_is_above(toll_suspense_order_of(status, account, what), suspense->limit))
            return NULL;
        slot = slot_of(suspense, hash, status, account, what);
        TOLL_ASSERT(*slot == 0);
    }
    struct toll_suspense_entry *entry = &suspense->entries[suspense->count++];
    *slot = tag_of(hash) | suspense->count;
    entry->what = what;
    entry->account = account;
    entry->status = status;
    return entry;
}

static void add_entry(struct toll_suspense *suspense, const struct toll_suspense_entry *add)
{
    if (toll_suspense_is_above(entry_order(add), suspense->limit))
        return;
    const uint64_t hash = entry_hash(add);
    uint32_t *slot = slot_of(suspense, hash, add->status, add->account, add->what);
    if (*slot == 0) {
        struct toll_suspense_entry *made =
            make_entry(suspense, hash, slot, add->status, add->account, add->what);
        if (made != NULL)
            *made = *add;
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

/* The same of one row, without a struct that would be written in pieces and read as a whole. */
void toll_suspense_add(struct toll_suspense *suspense, uint32_t status, int32_t account, uint64_t what,
                       uint32_t part, int64_t row)
{
    suspense->rows++;
    if (toll_suspense_is_above(toll_suspense_order_of(status, account, what), suspense->limit))
        return;
    const uint64_t hash = toll_suspense_hash(status, account, what);
    uint32_t *slot = slot_of(suspense, hash, status, account, what);
    if (*slot == 0) {
        struct toll_suspense_entry *made = make_entry(suspense, hash, slot, status, account, what);
        if (made == NULL)
            return;
        made->rows = 1;
        made->first_part = made->last_part = part;
        made->first_row = made->last_row = row;
        return;
    }
    struct toll_suspense_entry *entry = &suspense->entries[(*slot & INDEX_MASK) - 1];
    entry->rows++;
    if (before(part, row, entry->first_part, entry->first_row)) {
        entry->first_part = part;
        entry->first_row = row;
    }
    if (before(entry->last_part, entry->last_row, part, row)) {
        entry->last_part = part;
        entry->last_row = row;
    }
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
        keep_smallest(suspense);
    qsort(suspense->entries, suspense->count, sizeof *suspense->entries, by_key);
}
