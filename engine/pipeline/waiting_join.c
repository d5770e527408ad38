/*
 * Groups that one row clears although their keys differ: numbers of one block of a hundred, which numbers.csv
 * can have as a range, and prefixes that differ in their last digit, which their common one covers. A shorter
 * prefix takes nothing from longer ones that the deck has.
 */
#include "pipeline/waiting.h"

#include <stdlib.h>
#include <string.h>

#define RANGE_LEAST 10   /* numbers of a block: fewer are a row each */
#define PREFIXES_LEAST 2 /* siblings */

/* ---- what may be joined lies side by side ---- */

static bool is_number(const struct toll_waiting_group *group)
{
    return group->key.status == TOLL_SUSPENSE_NO_ACCOUNT && group->key.a == TOLL_WAITING_NEAR;
}

static bool is_prefix(const struct toll_waiting_group *group)
{
    return group->key.status == TOLL_SUSPENSE_NO_PREFIX && group->key.what != 0;
}

/* By kind, then digits; a prefix comes after all that begin with it. */
static int by_what(const void *a, const void *b)
{
    const struct toll_waiting_key *x = &((const struct toll_waiting_group *)a)->key;
    const struct toll_waiting_key *y = &((const struct toll_waiting_group *)b)->key;
    if (x->status != y->status)
        return x->status < y->status ? -1 : 1;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return (x->what > y->what) - (x->what < y->what);
}

/* The same, those of fewer digits first: siblings have as many. */
static int by_digits(const void *a, const void *b)
{
    const struct toll_waiting_key *x = &((const struct toll_waiting_group *)a)->key;
    const struct toll_waiting_key *y = &((const struct toll_waiting_group *)b)->key;
    const unsigned x_digits = toll_digits_count(x->what), y_digits = toll_digits_count(y->what);
    if (x->status == y->status && x->a == y->a && x_digits != y_digits)
        return x_digits < y_digits ? -1 : 1;
    return by_what(a, b);
}

static bool seen_before(const struct toll_waiting_group *a, const struct toll_waiting_group *b)
{
    const int days = strcmp(a->day, b->day);
    return days < 0 || (days == 0 && a->day_row < b->day_row);
}

static struct toll_waiting_group sum_of(const struct toll_waiting_group *groups, size_t count)
{
    struct toll_waiting_group sum = groups[0];
    for (size_t i = 1; i < count; i++) {
        sum.rows += groups[i].rows;
        if (seen_before(&groups[i], &sum)) {
            memcpy(sum.day, groups[i].day, sizeof sum.day);
            sum.day_row = groups[i].day_row;
            sum.start = groups[i].start;
        }
    }
    return sum;
}

/* ---- numbers ---- */

/* Is no number of the range in numbers.csv, now or ever? */
static bool range_free(const struct toll_rater *rater, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number != 0; number = toll_digits_next(number)) {
        if (toll_probe_one(rater->numbers, rater->number_lines, number) != 0)
            return false;
        if (number == last)
            return true;
    }
    return false;
}

static size_t block_end(const struct toll_waiting *waiting, size_t first)
{
    const struct toll_waiting_group *groups = waiting->groups;
    const uint64_t number = groups[first].key.what;
    const unsigned digits = toll_digits_count(number);
    size_t end = first + 1;
    while (end < waiting->count && is_number(&groups[end]) &&
           toll_digits_count(groups[end].key.what) == digits &&
           toll_digits_has_prefix(groups[end].key.what, number, digits - 2))
        end++;
    return end;
}

static void join_numbers(struct toll_waiting *waiting)
{
    struct toll_waiting_group *groups = waiting->groups;
    size_t kept = 0, end;
    for (size_t i = 0; i < waiting->count; i = end) {
        end = is_number(&groups[i]) ? block_end(waiting, i) : i + 1;
        const uint64_t last = groups[end - 1].key.what;
        if (end - i >= RANGE_LEAST && range_free(waiting->rater, groups[i].key.what, last)) {
            struct toll_waiting_group range = sum_of(&groups[i], end - i);
            range.last = last;
            groups[kept++] = range;
            continue;
        }
        memmove(&groups[kept], &groups[i], (end - i) * sizeof *groups);
        kept += end - i;
    }
    waiting->count = kept;
}

/* ---- prefixes ---- */

static uint64_t parent_of(uint64_t prefix)
{
    return prefix | UINT64_MAX >> 4 * (toll_digits_count(prefix) - 1);
}

/* Prefixes of so many digits become their common one of a digit less. */
static void join_siblings(struct toll_waiting *waiting, unsigned digits)
{
    struct toll_waiting_group *groups = waiting->groups;
    size_t kept = 0, end;
    for (size_t i = 0; i < waiting->count; i = end) {
        const uint64_t prefix = groups[i].key.what;
        end = i + 1;
        if (is_prefix(&groups[i]) && toll_digits_count(prefix) == digits &&
            digits > toll_waiting_least_digits(prefix)) {
            while (end < waiting->count && is_prefix(&groups[end]) && groups[end].key.a == groups[i].key.a &&
                   toll_digits_count(groups[end].key.what) == digits &&
                   parent_of(groups[end].key.what) == parent_of(prefix))
                end++;
        }
        if (end - i < PREFIXES_LEAST) {
            memmove(&groups[kept], &groups[i], (end - i) * sizeof *groups);
            kept += end - i;
            continue;
        }
        groups[kept] = sum_of(&groups[i], end - i);
        groups[kept++].key.what = parent_of(prefix);
    }
    waiting->count = kept;
}

/* A row clears what lies below its prefix, too. */
static void join_below(struct toll_waiting *waiting)
{
    struct toll_waiting_group *groups = waiting->groups;
    size_t kept = waiting->count; /* from here on to the end */
    for (size_t i = waiting->count; i-- > 0;) {
        const struct toll_waiting_group *above = &groups[kept];
        if (kept < waiting->count && is_prefix(&groups[i]) && is_prefix(above) &&
            groups[i].key.a == above->key.a &&
            toll_digits_has_prefix(groups[i].key.what, above->key.what, toll_digits_count(above->key.what))) {
            const struct toll_waiting_group both[] = {*above, groups[i]};
            groups[kept] = sum_of(both, 2);
        } else {
            groups[--kept] = groups[i];
        }
    }
    waiting->count -= kept;
    memmove(groups, groups + kept, waiting->count * sizeof *groups);
}

void toll_waiting_join(struct toll_waiting *waiting)
{
    if (waiting->count < 2)
        return;
    qsort(waiting->groups, waiting->count, sizeof *waiting->groups, by_digits);
    join_numbers(waiting);
    for (unsigned digits = TOLL_DIGITS_MAX; digits > 1; digits--) {
        const size_t count = waiting->count;
        join_siblings(waiting, digits);
        if (waiting->count < count)
            qsort(waiting->groups, waiting->count, sizeof *waiting->groups, by_digits);
    }
    qsort(waiting->groups, waiting->count, sizeof *waiting->groups, by_what);
    join_below(waiting);
}
