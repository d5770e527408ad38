/* Whom it hurts: each book's accounts against the base's, their winners, losers, percentiles and classes. */
#include "pipeline/impact_tables.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

static const int percentiles[TOLL_IMPACT_PERCENTILES] = {5, 25, 50, 75, 95};

struct changes { /* of a book and currency */
    toll_total *differences;
    int64_t *percents; /* of accounts with a base that is not 0 */
    size_t count, percent_count;
};

static int by_total(const void *a, const void *b)
{
    const toll_total *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_percent(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Is |difference| more than so many hundredths of a percent of |base|? */
static bool beyond(toll_total base, toll_total difference, int64_t bp)
{
    const toll_total whole = base < 0 ? -base : base, change = difference < 0 ? -difference : difference;
    const toll_total most = (toll_total)1 << 110, limit = bp < 1 ? 1 : bp;
    if (whole > most / limit * 8192 || change > most) /* beyond any money there is */
        return change / limit > whole / 10000;
    return change * 10000 > whole * bp;
}

bool toll_impact_beyond(struct toll_sum base, struct toll_sum other, int64_t bp)
{
    const toll_total was = toll_sum_total(base), difference = toll_sum_total(other) - was;
    return difference != 0 && (was == 0 || beyond(was, difference, bp));
}

/* 0 below -50 % ... 12 above 50 %; each holds the limit that is farther from 0. 13: from 0. */
static int class_of(toll_total base, toll_total difference)
{
    static const int64_t limits[] = {5000, 2500, 1000, 500, 100, 0};
    if (difference == 0)
        return 6;
    if (base == 0)
        return 13;
    int steps = 0; /* how many limits are not passed */
    while (steps < 5 && !beyond(base, difference, limits[steps]))
        steps++;
    return difference < 0 ? steps : 12 - steps;
}

int toll_impact_class(struct toll_sum base, struct toll_sum other)
{
    return class_of(toll_sum_total(base), toll_sum_total(other) - toll_sum_total(base));
}

static void add_account(const struct toll_impact_maker *maker, struct toll_impact_accounts *to,
                        struct changes *changes, const struct toll_measure *base,
                        const struct toll_measure *other)
{
    const struct toll_sum from = toll_measure_charge(base), charge = toll_measure_charge(other);
    const toll_total was = toll_sum_total(from), is = toll_sum_total(charge), difference = is - was;
    to->winners += difference < 0;
    to->losers += difference > 0;
    to->same += difference == 0;
    toll_sum_join(difference < 0 ? &to->won : &to->lost, difference);
    to->moved += difference != 0 && (was == 0 || beyond(was, difference, maker->wishes->moved_by_bp));
    to->in_class[class_of(was, difference)]++;
    changes->differences[changes->count++] = difference;
    changes->percent_count += toll_impact_percent(from, charge, &changes->percents[changes->percent_count]);
    if (maker->sides[0].about.has_cost && maker->sides[to->book].about.has_cost)
        to->to_a_loss += was >= toll_sum_total(base->cost) && is < toll_sum_total(other->cost);
}

/* The value at place ceil(p / 100 * n), ascending. */
static size_t nearest_rank(int percentile, size_t count)
{
    return ((size_t)percentile * count + 99) / 100 - 1;
}

static void rank(struct toll_impact_accounts *to, struct changes *changes)
{
    qsort(changes->differences, changes->count, sizeof *changes->differences, by_total);
    qsort(changes->percents, changes->percent_count, sizeof *changes->percents, by_percent);
    to->has_percentile_bp = changes->percent_count > 0;
    for (int p = 0; p < TOLL_IMPACT_PERCENTILES; p++) {
        if (changes->count > 0)
            to->percentile[p] =
                toll_sum_of(changes->differences[nearest_rank(percentiles[p], changes->count)]);
        if (changes->percent_count == 0)
            continue;
        const int64_t bp = changes->percents[nearest_rank(percentiles[p], changes->percent_count)];
        to->percentile_bp[p] = bp;
    }
}

static bool is_there(const struct toll_measure *measure)
{
    return measure->rows != 0 || toll_sum_total(measure->periods) != 0;
}

/* False: none of its accounts has this currency. */
static bool fill(const struct toll_impact_maker *maker, int book, const char *currency,
                 struct changes *changes, struct toll_impact_accounts *to)
{
    const struct toll_impact_table *accounts = &maker->out->tables[TOLL_BY_ACCOUNT];
    *to = (struct toll_impact_accounts){.book = book, .currency = currency};
    changes->count = changes->percent_count = 0;
    for (size_t i = 0; i < accounts->count; i++) {
        const struct toll_impact_row *row = &accounts->rows[i];
        if (row->currency == currency && *row->key != 0 &&
            (is_there(&row->books[0]) || is_there(&row->books[book])))
            add_account(maker, to, changes, &row->books[0], &row->books[book]);
    }
    rank(to, changes);
    return changes->count > 0;
}

bool toll_impact_fill_accounts(struct toll_impact_maker *maker)
{
    const size_t room = maker->out->tables[TOLL_BY_ACCOUNT].count + 1;
    const size_t currencies = maker->shape->currency_count;
    struct toll_impact_accounts *list = calloc((size_t)maker->shape->count * currencies, sizeof *list);
    struct changes changes = {.differences = malloc(room * sizeof *changes.differences),
                              .percents = malloc(room * sizeof *changes.percents)};
    const bool good = list != NULL && changes.differences != NULL && changes.percents != NULL;
    size_t count = 0;
    for (int book = 1; good && book < maker->shape->count; book++)
        for (size_t c = 0; c < currencies; c++)
            count += fill(maker, book, maker->currencies[c], &changes, &list[count]);
    free(changes.differences);
    free(changes.percents);
    maker->owned->accounts = list;
    maker->out->accounts = list;
    maker->out->account_count = count;
    return good;
}
