/* Exchange: docs/RATING.md section 15. The rate of the latest date that is not after the call's local one. */
#include "pipeline/cost.h"

#define FAR_MS (INT64_C(1) << 60) /* instants of hostile data, of which no zone knows anything */

toll_ms toll_local_ms(const struct toll_book *book, toll_ms at)
{
    at = at < -FAR_MS ? -FAR_MS : at > FAR_MS ? FAR_MS : at;
    return at + toll_zone_offset(book->zones[0], at, NULL, NULL) * INT64_C(1000);
}

/* The local day of an instant in the book's zone. The cursor is one of decks, whose entry 0 no deck has: its
 * band is the day. */
static int32_t local_day(const struct toll_book *book, struct toll_band_cursor *cursor, toll_ms at)
{
    if (at >= cursor->from && at < cursor->until)
        return cursor->band;
    at = at < -FAR_MS ? -FAR_MS : at > FAR_MS ? FAR_MS : at;
    toll_ms from, until;
    const toll_ms offset_ms = toll_zone_offset(book->zones[0], at, &from, &until) * INT64_C(1000);
    const int64_t day = toll_day_of_ms(at + offset_ms);
    const toll_ms midnight = day * TOLL_DAY_MS - offset_ms;
    cursor->from = midnight > from ? midnight : from;
    cursor->until = midnight + TOLL_DAY_MS < until ? midnight + TOLL_DAY_MS : until;
    cursor->band = day < INT32_MIN ? INT32_MIN : day > INT32_MAX ? INT32_MAX : (int32_t)day;
    return cursor->band;
}

const struct toll_fx *toll_fx_find(const struct toll_cost_rules *rules, struct toll_band_cursor *cursor,
                                   uint32_t from, uint32_t to, toll_ms at)
{
    const struct toll_fx_pair pair = rules->pairs[from * rules->currency_count + to];
    if (pair.count == 0)
        return NULL;
    const struct toll_fx *rows = &rules->book->fx[pair.first];
    const int32_t day = local_day(rules->book, cursor, at);
    uint32_t low = 0, high = pair.count; /* rows before low are not after the day */
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (rows[middle].day <= day)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : &rows[low - 1];
}

bool toll_fx_convert(toll_money *money, int64_t rate)
{
    const toll_money value = *money;
    const int64_t half = TOLL_MONEY_UNIT / 2;
    int64_t product;
    if (!__builtin_mul_overflow(value, rate, &product) && product <= INT64_MAX - half &&
        product >= INT64_MIN + half) { /* nearly always */
        *money = (product + (product < 0 ? -half : half)) / TOLL_MONEY_UNIT;
        return true;
    }
    return toll_money_narrow(toll_round_ratio((toll_total)value * rate, TOLL_MONEY_UNIT, TOLL_HALF_UP),
                             money);
}
