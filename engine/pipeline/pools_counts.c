/* What tiers count: units and spend of a number, site or account in a period. */
#include "pipeline/pools_data.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

static uint32_t place_of(const struct toll_counter *key, uint32_t mask)
{
    const uint64_t ids =
        (uint64_t)(uint32_t)key->account << 32 ^ (uint64_t)key->tiers << 20 ^ (uint32_t)key->site;
    return (uint32_t)((key->number ^ ids * UINT64_C(0xD6E8FEB86659FD93)) * TOLL_NUMBER_HASH >> 32) & mask;
}

static bool same_key(const struct toll_counter *a, const struct toll_counter *b)
{
    return a->number == b->number && a->tiers == b->tiers && a->account == b->account && a->site == b->site;
}

static bool grow(struct toll_pools *pools)
{
    const uint32_t mask = pools->counter_mask * 2 + 1;
    uint32_t *slots = mask > pools->counter_mask ? calloc(mask + (size_t)1, sizeof *slots) : NULL;
    if (slots == NULL) {
        toll_pools_no_memory(pools);
        return false;
    }
    for (uint32_t i = 1; i < pools->counters.count; i++) {
        uint32_t at = place_of(TOLL_POOL_ITEM(pools->counters, struct toll_counter, i), mask);
        while (slots[at] != 0)
            at = (at + 1) & mask;
        slots[at] = i;
    }
    free(pools->counter_slots);
    pools->counter_slots = slots;
    pools->counter_mask = mask;
    return true;
}

uint32_t toll_pools_counter(struct toll_pools *pools, uint32_t tiers_id, int32_t account, int32_t site,
                            uint64_t number)
{
    const int32_t parent = pools->book->accounts[account].parent;
    const bool with_parent = pools->book->tiers[tiers_id].scope == TOLL_SCOPE_POOL && parent != 0;
    return toll_pools_counter_of(pools, tiers_id, with_parent ? parent : account, site, number);
}

uint32_t toll_pools_counter_of(struct toll_pools *pools, uint32_t tiers_id, int32_t account, int32_t site,
                               uint64_t number)
{
    const struct toll_tiers *tiers = &pools->book->tiers[tiers_id];
    const struct toll_account *record = &pools->book->accounts[account];
    const struct toll_counter key = {
        .number = tiers->scope == TOLL_SCOPE_NUMBER ? number : 0,
        .until = TOLL_MS_MIN,
        .tiers = tiers_id,
        .account = account,
        .site = tiers->scope == TOLL_SCOPE_SITE ? site : 0,
        .clock = toll_pools_clock_of(record->zone, tiers->period == TOLL_TIER_ANCHOR ? record->cycle_day : 1),
    };
    uint32_t at = place_of(&key, pools->counter_mask);
    for (; pools->counter_slots[at] != 0; at = (at + 1) & pools->counter_mask) {
        const uint32_t index = pools->counter_slots[at];
        if (same_key(TOLL_POOL_ITEM(pools->counters, struct toll_counter, index), &key))
            return index;
    }
    if (pools->counters.count >= pools->counter_mask / 2) {
        if (!grow(pools))
            return 0;
        at = place_of(&key, pools->counter_mask);
        while (pools->counter_slots[at] != 0)
            at = (at + 1) & pools->counter_mask;
    }
    struct toll_counter *counter = toll_pools_append(pools, &pools->counters, sizeof *counter);
    if (counter == NULL)
        return 0;
    *counter = key;
    return pools->counter_slots[at] = pools->counters.count - 1;
}

uint32_t toll_pools_count_slot(struct toll_pools *pools, uint32_t index, int64_t month)
{
    const struct toll_counter *counter = TOLL_POOL_ITEM(pools->counters, struct toll_counter, index);
    for (uint32_t i = counter->slots; i != 0;) {
        const struct toll_count_slot *slot = TOLL_POOL_ITEM(pools->count_slots, struct toll_count_slot, i);
        if (slot->month == month)
            return i;
        i = slot->next;
    }
    struct toll_count_slot *slot = toll_pools_append(pools, &pools->count_slots, sizeof *slot);
    if (slot == NULL)
        return 0;
    *slot = (struct toll_count_slot){.next = counter->slots, .counter = index, .month = (int32_t)month};
    const uint32_t made = pools->count_slots.count - 1;
    TOLL_POOL_ITEM(pools->counters, struct toll_counter, index)->slots = made;
    return made;
}

static void turn(struct toll_pools *pools, uint32_t index, toll_ms start)
{
    struct toll_counter *counter = TOLL_POOL_ITEM(pools->counters, struct toll_counter, index);
    const struct toll_cycle cycle = toll_pools_cycle(pools, counter->clock, start);
    toll_pools_check_cut(pools, &cycle, counter->account, "tiers",
                         toll_book_string(pools->book, pools->book->tiers[counter->tiers].name));
    counter->until = cycle.until;
    counter->slot = toll_pools_count_slot(pools, index, cycle.month);
}

int64_t toll_pools_count(struct toll_pools *pools, uint32_t tiers, const struct toll_pool_call *call,
                         int64_t units, uint32_t *slot_index)
{
    const struct toll_owner *owner = &pools->book->owners[call->owner];
    *slot_index = 0;
    if (pools->book->tiers[tiers].period == TOLL_TIER_CALL)
        return 0;
    const uint32_t index = toll_pools_counter(pools, tiers, owner->account, owner->site, call->number);
    if (index == 0)
        return 0;
    const struct toll_counter *counter = TOLL_POOL_ITEM(pools->counters, struct toll_counter, index);
    if (call->start >= counter->until)
        turn(pools, index, call->start);
    *slot_index = counter->slot;
    if (counter->slot == 0)
        return 0; /* no memory */
    struct toll_count_slot *slot = TOLL_POOL_ITEM(pools->count_slots, struct toll_count_slot, counter->slot);
    const int64_t before = slot->units;
    slot->touched = true;
    if (__builtin_add_overflow(slot->units, units, &slot->units))
        slot->units = INT64_MAX - (INT64_C(1) << 31); /* 2^63 units, by hostile data only */
    return before;
}

int64_t toll_pools_volume(const struct toll_pools *pools, uint32_t slot)
{
    return slot == 0 ? 0 : TOLL_POOL_ITEM(pools->count_slots, struct toll_count_slot, slot)->volume;
}

void toll_pools_spend(struct toll_pools *pools, uint32_t slot, toll_money charge)
{
    if (slot != 0)
        TOLL_POOL_ITEM(pools->count_slots, struct toll_count_slot, slot)->spend += charge;
}
