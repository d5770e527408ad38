/* Periods that end and begin, and the lots that are there in each. */
#include "pipeline/pools_data.h"

#include "base/check.h"
#include "base/error.h"
#include "rating/pool_lots.h"

#include <string.h>

/* ---- clocks ---- */

uint32_t toll_pools_clock_of(uint32_t zone, int32_t first_day)
{
    return zone * TOLL_CLOCK_DAYS + (first_day == 0 ? 1u : (uint32_t)first_day);
}

static int64_t local_day(const struct toll_zone *zone, toll_ms at)
{
    return toll_day_of_ms(at + toll_zone_offset(zone, at, NULL, NULL) * INT64_C(1000));
}

/* An instant within the years that have periods. */
static toll_ms within_years(toll_ms at)
{
    const toll_ms earliest = INT64_C(-62135596800000) + 40 * TOLL_DAY_MS;
    const toll_ms latest = INT64_C(253402300800000) - 40 * TOLL_DAY_MS;
    return at < earliest ? earliest : at > latest ? latest : at;
}

static void find_days(const struct toll_pools *pools, uint32_t index, struct toll_pool_clock *clock)
{
    const struct toll_zone *zone = pools->book->zones[index / TOLL_CLOCK_DAYS];
    const int day = (int)(index % TOLL_CLOCK_DAYS);
    const toll_ms first =
        within_years(pools->before != NULL ? pools->before->begun_first : pools->span.first);
    const int64_t utc = pools->before != NULL ? pools->before->begun : toll_day_of_ms(first);
    const toll_ms last = within_years(pools->span.last);
    const int64_t local_first = local_day(zone, first), local_last = local_day(zone, last);
    const int64_t first_day = utc > local_first ? utc : local_first;
    const int64_t last_day = toll_day_of_ms(last) < local_last ? toll_day_of_ms(last) : local_last;
    clock->begun = toll_cycle_month_of_day(day, toll_day_of_ms(within_years(first_day * TOLL_DAY_MS)));
    clock->last = pools->span.rows == 0 || last_day < first_day ? clock->begun - 1
                                                                : toll_cycle_month_of_day(day, last_day);
    clock->known = true;
}

const struct toll_pool_clock *toll_pools_clock(struct toll_pools *pools, uint32_t index)
{
    struct toll_pool_clock *clock = &pools->clocks[index];
    if (!clock->known)
        find_days(pools, index, clock);
    return clock;
}

struct toll_cycle toll_pools_cycle(struct toll_pools *pools, uint32_t index, toll_ms at)
{
    struct toll_cycle *cycle = &pools->clocks[index].cycle;
    if (at < cycle->from || at >= cycle->until)
        *cycle = toll_cycle_at(pools->book->zones[index / TOLL_CLOCK_DAYS], (int)(index % TOLL_CLOCK_DAYS),
                               within_years(at));
    return *cycle;
}

struct toll_cycle toll_pools_month(const struct toll_pools *pools, uint32_t clock, int64_t month)
{
    return toll_cycle_of_month(pools->book->zones[clock / TOLL_CLOCK_DAYS], (int)(clock % TOLL_CLOCK_DAYS),
                               month);
}

static const struct toll_cycle *kept_month(struct toll_pools *pools, uint32_t clock, int64_t month)
{
    struct toll_cycle *kept = &pools->clocks[clock].months[(uint64_t)month % TOLL_CLOCK_MONTHS];
    if (kept->month != month || kept->until == 0)
        *kept = toll_pools_month(pools, clock, month);
    return kept;
}

/* ---- periods that may not be cut ---- */

int32_t toll_pools_closing(const struct toll_pools *pools, uint32_t pool)
{
    if (pools->facts[pool].account != 0 || pools->closing == NULL || pool >= pools->book->pool_count)
        return pools->facts[pool].account;
    return pools->closing[pool];
}

void toll_pools_check_cut(struct toll_pools *pools, const struct toll_cycle *cycle, int32_t account,
                          const char *what, const char *name)
{
    const struct toll_pools_before *before = pools->before;
    char period[TOLL_TIME_TEXT_BYTES];
    toll_ms from = cycle->from;
    if (before != NULL && before->closed == NULL)
        return; /* the earlier run had those days */
    if (before != NULL && before->closed[account] > from)
        from = before->closed[account];
    if (from >= pools->span.earlier_until || pools->failed != 0)
        return;
    toll_day_format(cycle->day, period);
    pools->failed = toll_error_set(
        &pools->failure, TOLL_EDATA,
        "the period from %s of %s %s has begun before the run, and the dataset has calls of those days: rate "
        "--from %s or earlier, close what came before and rate --after it, or begin from nothing with "
        "--cut-periods",
        period, what, name, period);
}

/* ---- lots ---- */

static int64_t drawn_on(const struct toll_pools *pools, const struct toll_pool_facts *facts, int64_t lot)
{
    int64_t units = 0;
    for (uint32_t i = facts->draws; i != 0;) {
        const struct toll_pool_draw *draw = TOLL_POOL_ITEM(pools->draws, struct toll_pool_draw, i);
        units += draw->lot == lot ? draw->units : 0;
        i = draw->next;
    }
    return units;
}

static int64_t size_by_book(struct toll_pools *pools, const struct toll_pool_facts *facts, int64_t month)
{
    const struct toll_bundle *bundle = &pools->book->bundles[facts->bundle];
    struct toll_size_place *place =
        &pools->sizes[(facts->grant_first * 31u + facts->clock + (uint32_t)month) % TOLL_SIZE_PLACES];
    if (place->month == month && place->grant_first == facts->grant_first &&
        place->grant_count == facts->grant_count && place->clock == facts->clock &&
        place->bundle == facts->bundle)
        return place->units;
    const struct toll_cycle *cycle = kept_month(pools, facts->clock, month);
    int64_t units;
    if (!toll_lot_size(&pools->book->grants[facts->grant_first], facts->grant_count, bundle->prorate != 0,
                       pools->book->zones[facts->clock / TOLL_CLOCK_DAYS], cycle, &units) &&
        pools->failed == 0)
        pools->failed = toll_error_set(&pools->failure, TOLL_EBOOK,
                                       "%s:%u: more than 2^57 units in one pool of bundle %s; give fewer",
                                       toll_book_string(pools->book, bundle->file), bundle->line,
                                       toll_book_string(pools->book, bundle->bundle));
    *place = (struct toll_size_place){
        .grant_first = facts->grant_first,
        .grant_count = facts->grant_count,
        .clock = facts->clock,
        .bundle = facts->bundle,
        .month = month,
        .units = units,
    };
    return units;
}

int64_t toll_pools_lot(struct toll_pools *pools, uint32_t pool, int64_t month)
{
    const struct toll_pool_facts *facts = &pools->facts[pool];
    for (uint32_t i = facts->periods; i != 0;) {
        const struct toll_pool_month *period = TOLL_POOL_ITEM(pools->periods, struct toll_pool_month, i);
        if (period->month == month && period->granted >= 0)
            return period->granted;
        i = period->next;
    }
    /* What closed calls have drawn they had, whatever the book says now. */
    const int64_t units = facts->grant_count == 0 ? 0 : size_by_book(pools, facts, month);
    const int64_t drawn = facts->draws == 0 ? 0 : drawn_on(pools, facts, month);
    return units > drawn ? units : drawn;
}

static int64_t lot_left(struct toll_pools *pools, uint32_t pool, int64_t month)
{
    const struct toll_pool_facts *facts = &pools->facts[pool];
    const int64_t drawn = facts->draws == 0 ? 0 : drawn_on(pools, facts, month);
    const int64_t units = toll_pools_lot(pools, pool, month);
    return units > drawn ? units - drawn : 0;
}

/* ---- taps ---- */

void toll_pools_open_tap(struct toll_pools *pools, uint32_t pool)
{
    struct toll_pool_hot *hot = toll_pool_at(pools, pool);
    struct toll_pool_tap *tap = toll_pool_tap_at(pools, pool);
    const struct toll_bundle *bundle = &pools->book->bundles[pools->facts[pool].bundle];
    if (hot->lot_left > 0 && hot->id != 0) {
        hot->poured = tap->left = hot->lot_left < INT32_MAX ? (uint32_t)hot->lot_left : INT32_MAX;
        tap->id = hot->id;
    } else if (hot->lot_left == 0 && hot->rest_left == 0 && bundle->at_limit == TOLL_LIMIT_OVERAGE) {
        tap->left = TOLL_POOL_DRY;
    }
}

void toll_pools_shut_tap(struct toll_pools *pools, uint32_t pool)
{
    struct toll_pool_hot *hot = toll_pool_at(pools, pool);
    struct toll_pool_tap *tap = toll_pool_tap_at(pools, pool);
    const int64_t drawn = tap->id == 0 ? 0 : (int64_t)hot->poured - tap->left;
    hot->lot_left -= drawn;
    hot->taken += drawn;
    hot->used += drawn;
    hot->poured = tap->left = 0;
    tap->id = 0;
}

/* ---- turning ---- */

static void note_draw(struct toll_pools *pools, uint32_t pool)
{
    struct toll_pool_hot *hot = toll_pool_at(pools, pool);
    if (hot->taken == 0)
        return;
    struct toll_pool_draw *draw = toll_pools_append(pools, &pools->draws, sizeof *draw);
    if (draw == NULL)
        return;
    *draw = (struct toll_pool_draw){
        .next = pools->facts[pool].draws, .month = hot->month, .lot = hot->lot, .units = hot->taken};
    pools->facts[pool].draws = pools->draws.count - 1;
    hot->taken = 0;
}

void toll_pools_settle(struct toll_pools *pools, uint32_t pool)
{
    struct toll_pool_hot *hot = toll_pool_at(pools, pool);
    struct toll_pool_facts *facts = &pools->facts[pool];
    toll_pools_shut_tap(pools, pool);
    note_draw(pools, pool);
    if (hot->used == 0 && hot->over == 0)
        return;
    struct toll_pool_month *period = toll_pools_append(pools, &pools->periods, sizeof *period);
    if (period == NULL)
        return;
    *period = (struct toll_pool_month){
        .next = facts->periods,
        .month = hot->month,
        .used = hot->used,
        .over = hot->over,
        .exhausted = facts->exhausted,
        .granted = -1,
    };
    facts->periods = pools->periods.count - 1;
    hot->used = hot->over = 0;
    facts->exhausted = 0;
}

static int64_t *place_of_lot(const struct toll_pools *pools, const struct toll_pool_facts *facts,
                             int64_t month)
{
    return &facts->lots[month % (pools->book->bundles[facts->bundle].rollover_periods + 1)];
}

void toll_pools_next_lot(struct toll_pools *pools, uint32_t pool)
{
    struct toll_pool_hot *hot = toll_pool_at(pools, pool);
    const struct toll_pool_facts *facts = &pools->facts[pool];
    note_draw(pools, pool);
    *place_of_lot(pools, facts, hot->lot) = 0;
    do
        hot->lot_left = *place_of_lot(pools, facts, ++hot->lot);
    while (hot->lot_left == 0);
    hot->rest_left -= hot->lot_left;
    TOLL_DCHECK(hot->rest_left >= 0 && hot->lot <= hot->month);
}

/* Those of the lots that were never looked at get what they have. */
static bool open_lots(struct toll_pools *pools, uint32_t pool, int64_t oldest, int64_t month)
{
    struct toll_pool_facts *facts = &pools->facts[pool];
    const size_t places = pools->book->bundles[facts->bundle].rollover_periods + 1u;
    if (facts->lots == NULL) {
        facts->lots = toll_arena_alloc(&pools->arena, places * sizeof *facts->lots);
        if (facts->lots == NULL) {
            toll_pools_no_memory(pools);
            return false;
        }
    }
    for (int64_t lot = oldest > facts->opened ? oldest : facts->opened + 1; lot <= month; lot++)
        *place_of_lot(pools, facts, lot) = lot_left(pools, pool, lot);
    facts->opened = (int32_t)month;
    return true;
}

void toll_pools_turn(struct toll_pools *pools, uint32_t pool, toll_ms start)
{
    struct toll_pool_hot *hot = toll_pool_at(pools, pool);
    struct toll_pool_facts *facts = &pools->facts[pool];
    const struct toll_bundle *bundle = &pools->book->bundles[facts->bundle];
    const struct toll_cycle cycle = toll_pools_cycle(pools, facts->clock, start);
    const int64_t begun = toll_pools_clock(pools, facts->clock)->begun;
    const int64_t oldest = toll_lot_oldest(cycle.month, begun, bundle->rollover_periods);
    toll_pools_settle(pools, pool);
    if (facts->lots != NULL && facts->opened == hot->month && hot->month != 0)
        *place_of_lot(pools, facts, hot->lot) = hot->lot_left;
    toll_pools_check_cut(pools, &cycle, toll_pools_closing(pools, pool), "bundle",
                         toll_book_string(pools->book, bundle->bundle));
    toll_pool_tap_at(pools, pool)->until = cycle.until;
    hot->month = hot->lot = (int32_t)cycle.month;
    hot->rest_left = 0;
    if (bundle->rollover_periods == 0) {
        hot->lot_left = lot_left(pools, pool, cycle.month);
        return;
    }
    hot->lot_left = 0;
    if (!open_lots(pools, pool, oldest, cycle.month))
        return;
    for (int64_t lot = cycle.month; lot >= oldest; lot--) {
        const int64_t left = *place_of_lot(pools, facts, lot);
        if (left == 0)
            continue;
        hot->rest_left += hot->lot_left;
        hot->lot_left = left;
        hot->lot = (int32_t)lot;
    }
}
