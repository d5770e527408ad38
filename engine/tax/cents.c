/*
 * Cents: each sum is rounded once; its items get their own amounts cut down, and the cents that are left go
 * one by one to those with the largest rest, among equals to the earlier (docs/TAX.md section 5). So whatever
 * is added up of them agrees to the cent.
 */
#include "tax/account_memory.h"

#include <stdlib.h>

/* An item and what its cents left over. */
struct rest {
    uint32_t item;
    toll_total fixed;
    const struct toll_rational *exact; /* instead, if not NULL */
};

static bool sort_by_group(struct toll_tax_account *account)
{
    struct toll_tax_account_memory *memory = account->memory;
    uint32_t before = 0;
    if (!toll_tax_room(account, (void **)&memory->sorted, &memory->sorted_room, account->item_count + 1,
                       sizeof *memory->sorted))
        return false;
    for (uint32_t i = 0; i < memory->group_count; i++) {
        memory->groups[i].first = before;
        before += memory->groups[i].count;
        memory->groups[i].count = 0;
    }
    for (size_t i = 0; i < account->item_count; i++) {
        struct toll_tax_group *group = &memory->groups[account->items[i].group];
        memory->sorted[group->first + group->count++] = (uint32_t)i;
    }
    return true;
}

/* Larger rests first, then earlier items. */
static inline bool goes_before(const struct rest *x, const struct rest *y)
{
    if (x->exact != NULL) {
        const int order = toll_rational_compare(x->exact, y->exact);
        return order != 0 ? order > 0 : x->item < y->item;
    }
    return x->fixed != y->fixed ? x->fixed > y->fixed : x->item < y->item;
}

static inline void swap(struct rest *x, struct rest *y)
{
    const struct rest kept = *x;
    *x = *y;
    *y = kept;
}

/* Moves the `wanted` that go before all others to the front, in no order among themselves. */
static void choose(struct rest *rests, uint32_t count, uint32_t wanted)
{
    uint32_t low = 0, high = count;
    while (low < wanted && wanted < high) {
        swap(&rests[low], &rests[low + (high - low) / 2]);
        uint32_t edge = low;
        for (uint32_t i = low + 1; i < high; i++)
            if (goes_before(&rests[i], &rests[low]))
                swap(&rests[++edge], &rests[i]);
        swap(&rests[low], &rests[edge]);
        if (edge < wanted)
            low = edge + 1;
        else
            high = edge;
    }
}

/* What an item is beyond its cents, as a fraction in the arena. */
static const struct toll_rational *exact_rest(struct toll_tax_account *account,
                                              const struct toll_tax_sum *sum, int64_t *cents)
{
    struct toll_rational value, cut;
    if (!toll_tax_sum_rational(sum, &value) || !toll_rational_floor(&value, 2, cents))
        return NULL;
    toll_rational_of(&cut, *cents, 100);
    if (!toll_rational_subtract(&value, &value, &cut))
        return NULL;
    const struct toll_rational *kept = toll_rational_keep(&value, &account->arena);
    account->memory->no_memory = account->memory->no_memory || kept == NULL;
    return kept;
}

/* Cuts the items of a group; their sum. */
static bool cut(struct toll_tax_account *account, const struct toll_tax_group *group, struct rest *rests,
                int64_t *sum)
{
    const bool exact = group->sum.rest != NULL;
    *sum = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        const uint32_t index = account->memory->sorted[group->first + i];
        struct toll_tax_item *item = &account->items[index];
        rests[i] = (struct rest){.item = index};
        if (exact)
            rests[i].exact = exact_rest(account, &item->measure[TOLL_TAX_EXACT], &item->cents);
        else
            item->cents = toll_tax_fixed_floor(item->measure[TOLL_TAX_EXACT].fixed, &rests[i].fixed);
        if ((exact && rests[i].exact == NULL) || __builtin_add_overflow(*sum, item->cents, sum))
            return false;
    }
    return true;
}

bool toll_tax_give_cents(struct toll_tax_account *account, const struct toll_tax_tables *tables)
{
    struct toll_tax_account_memory *memory = account->memory;
    if (!sort_by_group(account) || !toll_tax_room(account, (void **)&memory->rests, &memory->rest_room,
                                                  account->item_count + 1, sizeof(struct rest)))
        return false;
    for (uint32_t i = 0; i < memory->group_count; i++) {
        const struct toll_tax_group *group = &memory->groups[i];
        const struct toll_tax *tax = &tables->taxes[group->tax];
        struct rest *rests = memory->rests;
        int64_t cents, given;
        if (!toll_tax_sum_cents(&group->sum, (enum toll_rounding)tax->rounding, &cents) ||
            !cut(account, group, rests, &given))
            return false;
        const uint32_t left = (uint32_t)(cents - given); /* less than the items with a rest */
        choose(rests, group->count, left);
        for (uint32_t k = 0; k < left; k++)
            account->items[rests[k].item].cents++;
    }
    for (size_t i = 0; i < account->item_count; i++)
        account->rows[account->items[i].row].cents += account->items[i].cents;
    return true;
}
