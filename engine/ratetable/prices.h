/* Price rows: an id for each, its arithmetic (stored once for equal ones) and where it came from. */
#ifndef TOLL_RATETABLE_PRICES_H
#define TOLL_RATETABLE_PRICES_H

#include "ratetable/build.h"

/* True when 64-bit arithmetic cannot overflow for billed < 2^26: the definition of toll_terms.small. Mark-up
 * multiplies two amounts of money and always takes the wide path. */
static inline bool toll_terms_are_small(const struct toll_terms *terms)
{
    const int64_t fee = INT64_C(1) << 50;

    return terms->action != TOLL_ACTION_MARKUP && terms->rate >= 0 && terms->rate < INT64_C(1) << 36 &&
           terms->connect_fee >= 0 && terms->connect_fee < fee && terms->minimum_charge < fee &&
           (terms->maximum_charge == INT64_MAX || terms->maximum_charge < fee) &&
           (uint64_t)(uint32_t)terms->per * terms->quantum < UINT64_C(1) << 40;
}

static inline uint32_t toll_quantum(int decimals)
{
    uint32_t quantum = 1;

    for (; decimals < TOLL_MONEY_DECIMALS; decimals++)
        quantum *= 10;
    return quantum;
}

/* The place of a record among those of its section from `first` on; it is added if it is new. False: out of
 * memory. */
bool toll_distinct_find(struct toll_distinct *distinct, struct toll_buffer *records, size_t first,
                        const void *record, size_t record_bytes, uint32_t *place);

/* What follows are the prices of the next deck. */
void toll_prices_next_deck(struct toll_build *build);
/* The origin of a price of the deck at hand. */
struct toll_origin *toll_build_origin(const struct toll_build *build, int32_t price);
const struct toll_origin_group *toll_build_origin_group(const struct toll_build *build, int32_t price);

/* Price ids 0 (none) and 1 (emergency). */
int toll_prices_begin(struct toll_build *build);
/* Appends a price row; terms->small is set here. Ids are given in call order. */
int toll_price_add(struct toll_build *build, struct toll_terms *terms, const struct toll_price_origin *origin,
                   int32_t *price);
/* The same in two steps, for a row whose terms are known only when the whole file is: until it is settled,
 * the price keeps `mark`, which means nothing to anybody else. */
int toll_price_reserve(struct toll_build *build, const struct toll_price_origin *origin, uint32_t mark,
                       int32_t *price);
int toll_price_settle(struct toll_build *build, struct toll_terms *terms, int32_t price);
/* Prices whose terms are sought later, in their order: for the rows of a file. Zero-initialised; after the
 * last row all of them are settled. */
#define TOLL_PENDING_PRICES 16u
struct toll_pending_prices {
    uint32_t count;
    uint32_t hash[TOLL_PENDING_PRICES];
    int32_t price[TOLL_PENDING_PRICES];
    struct toll_terms terms[TOLL_PENDING_PRICES];
};
int toll_price_settle_later(struct toll_build *build, struct toll_pending_prices *pending,
                            struct toll_terms *terms, int32_t price);
int toll_price_settle_pending(struct toll_build *build, struct toll_pending_prices *pending);

/* What rows of a sheet share that differ in the rate alone, and price rows of such. */
struct toll_price_mould {
    struct toll_terms terms; /* small if the rate is */
    uint64_t hash;           /* of all but the rate and the fee beside it */
    uint32_t group;          /* of the price that was made last */
};
void toll_price_mould_take(const struct toll_build *build, struct toll_price_mould *mould,
                           const struct toll_terms *terms);
/* The terms of such a row will be sought soon. */
void toll_price_mould_soon(const struct toll_build *build, const struct toll_price_mould *mould,
                           toll_money rate);
int toll_price_mould_add(struct toll_build *build, const struct toll_price_mould *mould, toll_money rate,
                         const struct toll_origin *origin /* but for the group */, int32_t *price);
/* Room for the terms of so many rows, as far as that is sensible and there is memory. */
void toll_prices_wish(struct toll_build *build, size_t rows);

/* Does an entry with such a row have calls walked (toll_entry.walk_per)? Under boundary split one band is
 * enough: the call may leave it. */
static inline bool toll_row_walks(bool split, int32_t band, int32_t step)
{
    return step > 0 || (split && band > 0);
}

/* What a walked key may have, so that no call takes long: a walk visits all rows at every change of the rate,
 * and meets a change a minute at worst. Monthly versions of ten years with 16 bands and 5 steps are 9,600
 * rows; a minimum of seconds is no longer than a call's milliseconds have room for. */
#define TOLL_WALKED_ROWS_MAX 10000u
#define TOLL_WALKED_MINIMUM_S_MAX (INT32_MAX / 1000)

/* The least common multiple of two numbers from 1 on; 0 if it is 2^31 or more, or if `a` is 0 already. */
static inline uint32_t toll_common_per(uint32_t a, uint32_t b)
{
    uint32_t x = a, y = b;

    while (y != 0) {
        const uint32_t rest = x % y;
        x = y;
        y = rest;
    }
    const uint64_t common = a == 0 ? 0 : (uint64_t)(a / x) * b;
    return common < UINT64_C(1) << 31 ? (uint32_t)common : 0;
}

#endif
