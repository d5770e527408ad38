/* Pools of numbers: made when a call first draws on one, found by number, account and bundle. */
#include "pipeline/pools_data.h"

#include "base/check.h"
#include "base/digits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t place_of(uint64_t number, uint32_t seat, uint32_t mask)
{
    return (uint32_t)((number ^ (uint64_t)seat << 1) * TOLL_NUMBER_HASH >> 32) & mask;
}

static bool grow(struct toll_pools *pools)
{
    const uint32_t mask = pools->slot_mask * 2 + 1;
    struct toll_pool_slot *slots = mask > pools->slot_mask ? calloc(mask + (size_t)1, sizeof *slots) : NULL;
    if (slots == NULL) {
        toll_pools_no_memory(pools);
        return false;
    }
    for (uint32_t i = 0; i <= pools->slot_mask; i++) {
        const struct toll_pool_slot *slot = &pools->slots[i];
        if (slot->number == 0)
            continue;
        uint32_t at = place_of(slot->number, slot->seat, mask);
        while (slots[at].number != 0)
            at = (at + 1) & mask;
        slots[at] = *slot;
    }
    free(pools->slots);
    pools->slots = slots;
    pools->slot_mask = mask;
    return true;
}

uint32_t toll_pools_number(struct toll_pools *pools, uint32_t bundle, int32_t account, uint64_t number,
                           uint32_t grant_first, uint32_t grant_count)
{
    const uint32_t seat = (uint32_t)account * pools->number_bundles + pools->bundle_ranks[bundle];
    uint32_t at = place_of(number, seat, pools->slot_mask);
    for (; pools->slots[at].number != 0; at = (at + 1) & pools->slot_mask)
        if (pools->slots[at].number == number && pools->slots[at].seat == seat)
            return pools->slots[at].pool;
    /* Half of the slots are empty: the pools of the book are counted, too. */
    if (pools->pool_count >= pools->slot_mask / 2) {
        if (!grow(pools))
            return 0;
        at = place_of(number, seat, pools->slot_mask);
        while (pools->slots[at].number != 0)
            at = (at + 1) & pools->slot_mask;
    }
    const uint32_t pool = toll_pools_new(pools);
    if (pool == 0)
        return 0;
    const struct toll_account *record = &pools->book->accounts[account];
    const int32_t anchor = pools->book->bundles[bundle].anchor_day;
    pools->slots[at] = (struct toll_pool_slot){.number = number, .seat = seat, .pool = pool};
    pools->facts[pool] = (struct toll_pool_facts){
        .number = number,
        .bundle = bundle,
        .account = account,
        .grant_first = grant_first,
        .grant_count = grant_count,
        .clock = toll_pools_clock_of(record->zone, anchor == TOLL_ANCHOR_CYCLE ? record->cycle_day : anchor),
    };
    return pool;
}

void toll_pools_look(const struct toll_pools *pools, const struct toll_pool_call *call)
{
    const struct toll_entitlement *entitlement =
        &(call->list == NULL ? pools->book->entitlements : call->list)[call->first];
    if (entitlement->pool != 0) {
        __builtin_prefetch(toll_pool_tap_at(pools, entitlement->pool), 1);
        return;
    }
    const uint32_t seat = (uint32_t)pools->book->owners[call->owner].account * pools->number_bundles +
                          pools->bundle_ranks[entitlement->bundle];
    __builtin_prefetch(&pools->slots[place_of(call->number, seat, pools->slot_mask)]);
}

void toll_pools_look_closer(const struct toll_pools *pools, const struct toll_pool_call *call)
{
    const struct toll_entitlement *entitlement =
        &(call->list == NULL ? pools->book->entitlements : call->list)[call->first];
    if (entitlement->pool != 0)
        return;
    const uint32_t seat = (uint32_t)pools->book->owners[call->owner].account * pools->number_bundles +
                          pools->bundle_ranks[entitlement->bundle];
    const struct toll_pool_slot *slot = &pools->slots[place_of(call->number, seat, pools->slot_mask)];
    if (slot->number != 0)
        __builtin_prefetch(toll_pool_tap_at(pools, slot->pool), 1);
}

/* ---- texts ---- */

static const char *const named_words[] = {[TOLL_NAMED_TRUNK] = "trunk:", [TOLL_NAMED_HINT] = "hint:"};

const char *toll_pools_number_text(struct toll_pools *pools, uint64_t number)
{
    const char *word = "+", *rest;
    char digits[TOLL_DIGITS_TEXT_BYTES];
    if ((number & TOLL_POOL_NAMED) == TOLL_POOL_NAMED) {
        const unsigned kind = (unsigned)(number >> 32) & 3;
        TOLL_ASSERT(kind <= TOLL_NAMED_HINT && (uint32_t)number < pools->book->named_count[kind]);
        word = named_words[kind];
        rest = toll_book_string(pools->book, pools->book->named[kind][(uint32_t)number].text);
    } else {
        toll_digits_text(number, digits);
        rest = digits;
    }
    const size_t begin = strlen(word), bytes = strlen(rest);
    char *text = toll_arena_alloc(&pools->arena, begin + bytes + 1);
    if (text == NULL) {
        toll_pools_no_memory(pools);
        return NULL;
    }
    memcpy(text, word, begin);
    memcpy(text + begin, rest, bytes);
    return text;
}

uint64_t toll_pools_number_read(const struct toll_pools *pools, const char *text)
{
    uint64_t number = 0;
    if (text[0] == '+')
        return toll_digits_pack(text + 1, strlen(text + 1), &number) ? number : 0;
    for (unsigned kind = TOLL_NAMED_TRUNK; kind <= TOLL_NAMED_HINT; kind++) {
        const size_t begin = strlen(named_words[kind]);
        if (strncmp(text, named_words[kind], begin) != 0)
            continue;
        const struct toll_named *named =
            toll_book_named(pools->book, (enum toll_named_kind)kind, text + begin, strlen(text + begin));
        return named == NULL ? 0
                             : toll_pool_named_number((enum toll_named_kind)kind,
                                                      (uint32_t)(named - pools->book->named[kind]));
    }
    return 0;
}

uint32_t toll_pools_owner_field(const struct toll_pools *pools, uint64_t number)
{
    const struct toll_book *book = pools->book;
    if ((number & TOLL_POOL_NAMED) == TOLL_POOL_NAMED)
        return book->named[number >> 32 & 3][(uint32_t)number].owner;
    if (book->number_capacity == 0)
        return 0;
    uint64_t at = toll_number_first_slot(number, book->number_capacity);
    for (; book->numbers[at].key != 0; at = at + 1 == book->number_capacity ? 0 : at + 1)
        if (book->numbers[at].key == number)
            return book->numbers[at].owner;
    return 0;
}
