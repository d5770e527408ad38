/*
 * The number map, many rows at once. What costs is waiting: for slots that lie in far caches, and for
 * branches that nobody can predict ("is it the first slot or the third?"). So a group's first slots are
 * requested before the first is looked at; two slots of each are compared without a branch, which answers
 * three quarters; then four more of the rest; and only then slot by slot.
 */
#include "simd/kernels.h"

#define GROUP_ROWS 64
#define FIRST_WINDOW 2
#define SECOND_WINDOW 4

static inline uint32_t walk(const struct toll_number_slot *slots, uint64_t capacity, uint64_t key,
                            uint64_t slot)
{
    while (slots[slot].key != key && slots[slot].key != 0)
        slot = slot + 1 == capacity ? 0 : slot + 1;
    return slots[slot].key == key && key != 0 ? slots[slot].owner : 0;
}

uint32_t toll_probe_one(const struct toll_number_slot *slots, uint64_t capacity, uint64_t key)
{
    return capacity == 0 || key == 0 ? 0 : walk(slots, capacity, key, toll_number_first_slot(key, capacity));
}

/* A group's rows that are not answered, and the slot where each goes on. */
struct waiting {
    uint64_t slot[GROUP_ROWS];
    uint32_t row[GROUP_ROWS];
};

/* Looks at `window` slots of each; returns how many still wait. */
static inline __attribute__((always_inline)) size_t
look(const struct toll_number_slot *restrict slots, uint64_t capacity, const uint64_t *restrict keys,
     uint32_t *restrict owners, struct waiting *restrict waiting, size_t count, unsigned window)
{
    size_t still = 0;
    for (size_t k = 0; k < count; k++) {
        const uint32_t row = waiting->row[k];
        const uint64_t slot = waiting->slot[k];
        const uint64_t key = keys[row];
        const struct toll_number_slot *at = &slots[slot];
        uint32_t owner = 0, done = 0;
        if (__builtin_expect(slot + window > capacity, 0)) { /* round the end of the map */
            owners[row] = walk(slots, capacity, key, slot == capacity ? 0 : slot);
            continue;
        }
        /* A key never lies behind an empty slot of its own walk, and an empty slot's owner is 0. */
        for (unsigned j = 0; j < window; j++) {
            const uint32_t hit = at[j].key == key, empty = at[j].key == 0;
            owner |= at[j].owner & (0u - hit);
            done |= hit | empty;
        }
        owners[row] = owner;
        waiting->row[still] = row;
        waiting->slot[still] = slot + window;
        still += !done;
    }
    return still;
}

void toll_probe_scalar(const struct toll_number_slot *restrict slots, uint64_t capacity,
                       const uint64_t *restrict keys, size_t rows, uint32_t *restrict owners)
{
    if (capacity == 0) {
        for (size_t i = 0; i < rows; i++)
            owners[i] = 0;
        return;
    }
    for (size_t base = 0; base < rows; base += GROUP_ROWS) {
        size_t count = rows - base < GROUP_ROWS ? rows - base : GROUP_ROWS;
        struct waiting waiting;
        for (size_t i = 0; i < count; i++) {
            const uint64_t slot = toll_number_first_slot(keys[base + i], capacity);
            waiting.row[i] = (uint32_t)(base + i);
            waiting.slot[i] = slot;
            __builtin_prefetch(&slots[slot]);
            __builtin_prefetch(&slots[slot] + FIRST_WINDOW - 1);
        }
        count = look(slots, capacity, keys, owners, &waiting, count, FIRST_WINDOW);
        count = look(slots, capacity, keys, owners, &waiting, count, SECOND_WINDOW);
        for (size_t k = 0; k < count; k++) {
            const uint64_t slot = waiting.slot[k];
            owners[waiting.row[k]] = walk(slots, capacity, keys[waiting.row[k]], slot == capacity ? 0 : slot);
        }
    }
}
