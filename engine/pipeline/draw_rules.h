/*
 * Which lines may draw on bundles or are priced by tiers, derived once from the book: constant while it
 * rates. Read by any number of threads.
 */
#ifndef TOLL_PIPELINE_DRAW_RULES_H
#define TOLL_PIPELINE_DRAW_RULES_H

#include "book/book.h"
#include "pipeline/hot.h"
#include "simd/draws.h"

#include <stdlib.h>

struct toll_draw_rules {
    const uint32_t *entitled;    /* a bit by owner: it has entitlements */
    const uint32_t *keys;        /* a bit by toll_call_key: some bundle is for such calls */
    const uint32_t *bundle_keys; /* [bundle * 8 + key / 32]: a bit by key */
    const struct toll_draw_owner *owners;
    const uint32_t *tiers; /* by price id below tiers_end: the tiers that price such a line, 0 none */
    uint32_t tiers_end;    /* 0: the book has no tiers */
    bool by_used;          /* some bundle has debit used */
    bool by_number;        /* some bundle or tiers have scope number */
    bool by_destination;   /* some bundle is for some destinations only */
    bool cost;             /* some trunk or carrier has a bundle: costs draw */
    bool volume;           /* some tiers need the units of whole periods: all rows are to be counted before */
    struct toll_hot hot;
};

/* *out is NULL when the book has neither bundles nor tiers. */
int toll_draw_rules_make(const struct toll_book *book, struct toll_draw_rules **out,
                         struct toll_error *error);
void toll_draw_rules_free(struct toll_draw_rules *rules); /* NULL allowed */

static inline uint32_t toll_draw_tiers(const struct toll_draw_rules *rules, uint32_t price)
{
    return price < rules->tiers_end ? rules->tiers[price] : 0;
}

/* May a call draw on an entitlement, as far as subscription, bundle and rules say? */
static inline bool toll_entitlement_fits(const struct toll_book *book,
                                         const struct toll_entitlement *entitlement, toll_ms start,
                                         uint32_t key, uint32_t destination)
{
    const struct toll_bundle *bundle = &book->bundles[entitlement->bundle];
    if (start < entitlement->from || start >= entitlement->until ||
        (bundle->keys[key >> 6] >> (key & 63) & 1) == 0)
        return false;
    if (bundle->destination_count == 0)
        return true;
    const uint32_t *destinations = book->bundle_destinations + bundle->destination_first;
    uint32_t low = 0, high = bundle->destination_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (destinations[middle] < destination)
            low = middle + 1;
        else
            high = middle;
    }
    return low < bundle->destination_count && destinations[low] == destination;
}

#endif
