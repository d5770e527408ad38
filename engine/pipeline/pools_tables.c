/* The tables of pools: what each was given, what was drawn on it and what became of the rest, worked out from
 * the lots' sizes and the list of draws; and the proof that nothing got lost. */
#include "pipeline/pools_data.h"

#include "base/check.h"
#include "base/error.h"
#include "rating/pool_lots.h"

#include <stdlib.h>
#include <string.h>

#define MONTHS_MOST 1200 /* of a run: a hundred years are a wrong date */

const char *toll_pools_scope_name(unsigned scope)
{
    static const char *const names[TOLL_SCOPES] = {"number", "site", "account", "pool"};
    return scope < TOLL_SCOPES ? names[scope] : "";
}

static const char *unit_name(unsigned unit)
{
    static const char *const names[TOLL_UNITS] = {"s", "message", "byte", "event"};
    return unit < TOLL_UNITS ? names[unit] : "";
}

const char *toll_pools_day_text(struct toll_pools *pools, int64_t day)
{
    char text[TOLL_TIME_TEXT_BYTES];
    const uint32_t id = toll_strings_add(&pools->days, text, toll_day_format(day, text));
    if (id == 0)
        toll_pools_no_memory(pools);
    return id == 0 ? "" : toll_strings_text(&pools->days, id, NULL);
}

static const char *month_text(struct toll_pools *pools, uint32_t pool, int64_t month)
{
    const int first_day = (int)(pools->facts[pool].clock % TOLL_CLOCK_DAYS);
    return toll_pools_day_text(pools, toll_cycle_first_day(first_day, month));
}

/* ---- one pool ---- */

/* A period of a pool, and the lot of the same month. */
struct month {
    int64_t month, last; /* and the last period in which the lot can be drawn on */
    int64_t size, left;  /* of the lot: at first, and at the end of the period that is looked at */
    int64_t drawn;       /* in the period, by the list of draws */
    int64_t used, over;  /* by the list of periods */
    toll_ms exhausted;
    bool kept; /* an earlier run lists it */
};

/* Work space, used again for each pool. */
struct table {
    struct toll_pools *pools;
    struct month *months;
    struct toll_pool_draw *draws;
    size_t month_count, month_capacity, draw_count, draw_capacity;
};

static bool add_month(struct table *table, int64_t month)
{
    if (table->month_count > 0 && table->months[table->month_count - 1].month == month)
        return true;
    if (table->month_count == table->month_capacity) {
        const size_t capacity = table->month_capacity * 2 + 16;
        struct month *months = realloc(table->months, capacity * sizeof *months);
        if (months == NULL) {
            toll_pools_no_memory(table->pools);
            return false;
        }
        table->months = months;
        table->month_capacity = capacity;
    }
    table->months[table->month_count++] = (struct month){.month = month};
    return true;
}

static int by_month(const void *a, const void *b)
{
    const struct month *x = a, *y = b;
    return (x->month > y->month) - (x->month < y->month);
}

static struct month *find_month(struct table *table, int64_t month)
{
    const struct month key = {.month = month};
    struct month *found = bsearch(&key, table->months, table->month_count, sizeof key, by_month);
    TOLL_ASSERT(found != NULL);
    return found;
}

static int by_period_and_lot(const void *a, const void *b)
{
    const struct toll_pool_draw *x = a, *y = b;
    const int order = (x->month > y->month) - (x->month < y->month);
    return order != 0 ? order : (x->lot > y->lot) - (x->lot < y->lot);
}

/* The pool's draws by period and lot, each pair once. */
static bool gather_draws(struct table *table, const struct toll_pool_facts *facts)
{
    size_t joined = 0;
    table->draw_count = 0;
    for (uint32_t i = facts->draws; i != 0;) {
        const struct toll_pool_draw *draw = TOLL_POOL_ITEM(table->pools->draws, struct toll_pool_draw, i);
        if (table->draw_count == table->draw_capacity) {
            const size_t capacity = table->draw_capacity * 2 + 16;
            struct toll_pool_draw *draws = realloc(table->draws, capacity * sizeof *draws);
            if (draws == NULL) {
                toll_pools_no_memory(table->pools);
                return false;
            }
            table->draws = draws;
            table->draw_capacity = capacity;
        }
        table->draws[table->draw_count++] = *draw;
        i = draw->next;
    }
    if (table->draw_count > 1)
        qsort(table->draws, table->draw_count, sizeof *table->draws, by_period_and_lot);
    for (size_t i = 0; i < table->draw_count; i++) {
        if (joined > 0 && by_period_and_lot(&table->draws[joined - 1], &table->draws[i]) == 0)
            table->draws[joined - 1].units += table->draws[i].units;
        else
            table->draws[joined++] = table->draws[i];
    }
    table->draw_count = joined;
    return true;
}

/* The run's periods, those in which calls drew, those of earlier runs, and those of all lots drawn on. */
static bool gather_months(struct table *table, const struct toll_pool_facts *facts,
                          const struct toll_pool_clock *clock)
{
    struct toll_pools *pools = table->pools;
    bool good = true;
    table->month_count = 0;
    for (int64_t month = clock->begun; good && month <= clock->last; month++)
        good = add_month(table, month);
    for (uint32_t i = facts->periods; good && i != 0;) {
        const struct toll_pool_month *period = TOLL_POOL_ITEM(pools->periods, struct toll_pool_month, i);
        if (period->month < clock->begun || period->month > clock->last)
            good = add_month(table, period->month);
        i = period->next;
    }
    for (size_t i = 0; good && i < table->draw_count; i++)
        if (table->draws[i].lot < clock->begun || table->draws[i].lot > clock->last)
            good = add_month(table, table->draws[i].lot);
    if (!good)
        return false;
    size_t joined = 0;
    qsort(table->months, table->month_count, sizeof *table->months, by_month);
    for (size_t i = 0; i < table->month_count; i++)
        if (joined == 0 || table->months[joined - 1].month != table->months[i].month)
            table->months[joined++] = table->months[i];
    table->month_count = joined;
    return true;
}

static void fill_months(struct table *table, uint32_t pool, const struct toll_pool_clock *clock)
{
    struct toll_pools *pools = table->pools;
    const struct toll_pool_facts *facts = &pools->facts[pool];
    const int rollover = pools->book->bundles[facts->bundle].rollover_periods;
    for (size_t i = 0; i < table->month_count; i++) {
        struct month *month = &table->months[i];
        month->size = month->left = toll_pools_lot(pools, pool, month->month);
        month->last = toll_lot_last(month->month, clock->begun, rollover);
    }
    for (uint32_t i = facts->periods; i != 0;) {
        const struct toll_pool_month *period = TOLL_POOL_ITEM(pools->periods, struct toll_pool_month, i);
        struct month *month = find_month(table, period->month);
        month->used += period->used;
        month->over += period->over;
        /* newest first: the last call that left nothing */
        month->exhausted = month->exhausted != 0 ? month->exhausted : period->exhausted;
        month->kept = month->kept || i < pools->before_periods;
        i = period->next;
    }
    for (size_t i = 0; i < table->draw_count; i++) {
        /* Where a closed run had a longer rollover, its lots lived on. */
        struct month *lot = find_month(table, table->draws[i].lot);
        lot->last = table->draws[i].month > lot->last ? table->draws[i].month : lot->last;
        find_month(table, table->draws[i].month)->drawn += table->draws[i].units;
    }
}

/* ---- rows ---- */

static bool name_row(struct toll_pools *pools, uint32_t pool, struct toll_pool_period_row *row)
{
    const struct toll_book *book = pools->book;
    const struct toll_pool_facts *facts = &pools->facts[pool];
    const struct toll_bundle *bundle = &book->bundles[facts->bundle];
    const struct toll_pool *of_book = pool < book->pool_count ? &book->pools[pool] : NULL;
    *row = (struct toll_pool_period_row){
        .bundle = toll_book_string(book, bundle->bundle),
        .scope = toll_pools_scope_name(bundle->scope),
        .account = facts->account == 0 ? "" : toll_book_string(book, book->accounts[facts->account].account),
        .site = of_book == NULL || of_book->site == 0
                    ? ""
                    : toll_book_string(book, book->sites[of_book->site].site),
        .number = of_book == NULL ? toll_pools_number_text(pools, facts->number) : "",
        .pool = of_book == NULL ? "" : toll_book_string(book, of_book->name),
        .unit = unit_name(bundle->unit),
    };
    return row->number != NULL;
}

/* What lots have left that can be drawn on in `period`, of those before table->months[end]. */
static int64_t left_for(const struct table *table, size_t begin, size_t end, int64_t period)
{
    int64_t units = 0;
    for (size_t i = begin; i < end; i++)
        units += table->months[i].last >= period ? table->months[i].left : 0;
    return units;
}

static void write_rows(struct table *table, uint32_t pool, struct toll_pool_period_row row)
{
    struct toll_pools *pools = table->pools;
    size_t oldest = 0, draw = 0;
    int64_t rolled = 0;
    for (size_t i = 0; i < table->month_count; i++) {
        struct month *month = &table->months[i];
        while (oldest < i && table->months[oldest].last < month->month)
            oldest++;
        row.rolled_in = left_for(table, oldest, i, month->month);
        TOLL_ASSERT(i == 0 || table->months[i - 1].month + 1 != month->month || row.rolled_in == rolled);
        const int64_t there = left_for(table, oldest, i + 1, month->month);
        for (; draw < table->draw_count && table->draws[draw].month == month->month; draw++) {
            struct month *lot = find_month(table, table->draws[draw].lot);
            lot->left -= table->draws[draw].units;
            TOLL_ASSERT(lot->left >= 0 && lot->month <= month->month);
        }
        rolled = row.rolled_out = left_for(table, oldest, i + 1, month->month + 1);
        row.granted = month->size;
        row.used = month->used;
        row.expired = left_for(table, oldest, i + 1, month->month) - row.rolled_out;
        row.over = month->over;
        row.exhausted = there == row.used ? month->exhausted : 0;
        TOLL_ASSERT(row.used == month->drawn && there == row.granted + row.rolled_in);
        TOLL_ASSERT(row.granted + row.rolled_in == row.used + row.rolled_out + row.expired);
        if (!month->kept && row.granted == 0 && row.rolled_in == 0 && row.over == 0)
            continue;
        row.period = month_text(pools, pool, month->month);
        struct toll_pool_period_row *place = toll_pools_append(pools, &pools->period_rows, sizeof *place);
        if (place != NULL)
            *place = row;
    }
    TOLL_ASSERT(draw == table->draw_count);
    for (size_t i = 0; i < table->draw_count; i++) {
        struct toll_pool_draw_row *place = toll_pools_append(pools, &pools->draw_rows, sizeof *place);
        if (place != NULL)
            *place = (struct toll_pool_draw_row){.id = row.id,
                                                 .period = month_text(pools, pool, table->draws[i].month),
                                                 .lot = month_text(pools, pool, table->draws[i].lot),
                                                 .units = table->draws[i].units};
    }
}

static int too_long(const struct toll_pools *pools, struct toll_error *error)
{
    char first[TOLL_TIME_TEXT_BYTES], last[TOLL_TIME_TEXT_BYTES];
    toll_day_format(toll_day_of_ms(pools->span.first), first);
    toll_day_format(toll_day_of_ms(pools->span.last), last);
    return toll_error_set(error, TOLL_EDATA,
                          "the run reaches from %s to %s, more than a hundred years of periods of pools and "
                          "tiers; leave out wrong dates with --from and --to",
                          first, last);
}

/* id 0: only if it has a lot in a period of the run, with the next id. */
static int list_pool(struct table *table, uint32_t pool, int32_t id, struct toll_error *error)
{
    struct toll_pools *pools = table->pools;
    const struct toll_pool_facts *facts = &pools->facts[pool];
    const struct toll_pool_clock *clock = toll_pools_clock(pools, facts->clock);
    struct toll_pool_period_row row;
    if (clock->last - clock->begun >= MONTHS_MOST)
        return too_long(pools, error);
    if (!gather_draws(table, facts) || !gather_months(table, facts, clock))
        return toll_pools_state(pools, error);
    fill_months(table, pool, clock);
    bool any = id != 0 || toll_pool_at(pools, pool)->id != 0;
    for (size_t i = 0; i < table->month_count; i++)
        any = any || table->months[i].size > 0;
    if (!any)
        return 0;
    if (id == 0) {
        uint32_t *place = toll_pools_append(pools, &pools->by_id, sizeof *place);
        if (place != NULL)
            *place = pool;
        toll_pool_at(pools, pool)->id = id = (int32_t)(pools->by_id.count - 1);
    }
    if (name_row(pools, pool, &row)) {
        row.id = id;
        write_rows(table, pool, row);
    }
    return toll_pools_state(pools, error);
}

/* ---- all pools ---- */

/* One of an earlier run that the book does not know: as it was. */
static void carry_along(struct toll_pools *pools, int32_t id, int64_t first)
{
    const struct toll_pools_before *before = pools->before;
    for (int64_t i = first; i < before->period_count && before->periods[i].id == id; i++) {
        struct toll_pool_period_row *row = toll_pools_append(pools, &pools->period_rows, sizeof *row);
        if (row != NULL)
            *row = before->periods[i];
    }
    int64_t low = 0, high = before->draw_count; /* ascending ids */
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (before->draws[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < before->draw_count && before->draws[low].id == id; low++) {
        struct toll_pool_draw_row *row = toll_pools_append(pools, &pools->draw_rows, sizeof *row);
        if (row != NULL)
            *row = before->draws[low];
    }
}

int toll_pools_list_periods(struct toll_pools *pools, struct toll_error *error)
{
    struct table table = {.pools = pools};
    int rc = 0;
    for (uint32_t i = 1; i < pools->pool_count; i++)
        toll_pools_settle(pools, i);
    rc = toll_pools_state(pools, error); /* draws that there was no memory for are no rows */
    const uint32_t ids = pools->by_id.count;
    for (uint32_t id = 1; rc == 0 && id < ids; id++) {
        const uint32_t pool = *TOLL_POOL_ITEM(pools->by_id, uint32_t, id);
        if ((pool & TOLL_POOL_FOREIGN) != 0)
            carry_along(pools, (int32_t)id, pool & ~TOLL_POOL_FOREIGN);
        else if (pool != 0)
            rc = list_pool(&table, pool, (int32_t)id, error);
    }
    for (uint32_t i = 1; rc == 0 && i < pools->book->pool_count; i++)
        if (toll_pool_at(pools, i)->id <= 0)
            rc = list_pool(&table, i, 0, error);
    free(table.months);
    free(table.draws);
    return rc != 0 ? rc : toll_pools_state(pools, error);
}
