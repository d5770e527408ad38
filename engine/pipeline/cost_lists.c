/*
 * What the cost of a call may draw on: the bundles of its trunk, of its carrier, or of both together. Both
 * together are one list in the order of drawing, in which a pool that both may draw on stands once.
 */
#include "pipeline/cost.h"

#include <stdlib.h>
#include <string.h>

struct pair_list {
    uint64_t key; /* trunk << 32 | carrier */
    struct toll_cost_list list;
};
struct toll_cost_lists {
    struct toll_cost_list *by_trunk, *by_carrier; /* by 1 + index; [0] is empty */
    struct pair_list *pairs;                      /* ascending; trunks and carriers that have one each */
    uint32_t pair_count;
    struct toll_entitlement *all;
    uint32_t count, room;
};

static bool make_room(struct toll_cost_lists *lists, uint32_t more)
{
    if (lists->count + more <= lists->room)
        return true;
    const uint32_t room = 2 * (lists->count + more);
    struct toll_entitlement *all = realloc(lists->all, room * sizeof *all);
    if (all == NULL)
        return false;
    lists->all = all;
    lists->room = room;
    return true;
}

static bool add_named(struct toll_cost_lists *lists, const struct toll_book *book, enum toll_named_kind kind,
                      struct toll_cost_list *out)
{
    for (uint32_t i = 0; i < book->named_count[kind]; i++) {
        const struct toll_named *named = &book->named[kind][i];
        if (named->pool_count == 0)
            continue;
        if (!make_room(lists, named->pool_count))
            return false;
        memcpy(&lists->all[lists->count], &book->entitlements[named->pool_first],
               named->pool_count * sizeof *lists->all);
        out[1 + i] = (struct toll_cost_list){lists->count, named->pool_count};
        lists->count += named->pool_count;
    }
    return true;
}

/* ---- both together ---- */

static int by_drawing(const void *a, const void *b)
{
    const struct toll_entitlement *x = a, *y = b;
    if (x->bundle != y->bundle)
        return x->bundle < y->bundle ? -1 : 1;
    if (x->pool != y->pool) /* pools are sorted by their names */
        return x->pool < y->pool ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

static bool join(struct toll_cost_lists *lists, struct toll_cost_list one, struct toll_cost_list two,
                 struct toll_cost_list *out)
{
    if (!make_room(lists, one.count + two.count))
        return false;
    struct toll_entitlement *rows = &lists->all[lists->count];
    memcpy(rows, &lists->all[one.first], one.count * sizeof *rows);
    memcpy(rows + one.count, &lists->all[two.first], two.count * sizeof *rows);
    qsort(rows, one.count + two.count, sizeof *rows, by_drawing);
    uint32_t kept = 0;
    for (uint32_t i = 1; i < one.count + two.count; i++) {
        struct toll_entitlement *last = &rows[kept];
        if (rows[i].bundle != last->bundle || rows[i].pool != last->pool || rows[i].from > last->until)
            rows[++kept] = rows[i];
        else if (rows[i].until > last->until)
            last->until = rows[i].until;
    }
    *out = (struct toll_cost_list){lists->count, kept + 1};
    lists->count += kept + 1;
    return true;
}

static bool join_all(struct toll_cost_lists *lists, const struct toll_book *book)
{
    const uint32_t trunks = book->named_count[TOLL_NAMED_TRUNK],
                   carriers = book->named_count[TOLL_NAMED_CARRIER];
    uint32_t entitled = 0;
    for (uint32_t trunk = 1; trunk <= trunks; trunk++)
        entitled += lists->by_trunk[trunk].count > 0;
    lists->pairs = calloc((size_t)entitled * carriers + 1, sizeof *lists->pairs);
    if (lists->pairs == NULL)
        return false;
    for (uint32_t trunk = 1; trunk <= trunks; trunk++)
        for (uint32_t carrier = 1; carrier <= carriers; carrier++) {
            const uint32_t own = toll_trunk_carrier(book, trunk);
            struct toll_cost_list list;
            if (lists->by_trunk[trunk].count == 0 || lists->by_carrier[carrier].count == 0 ||
                (own != 0 && own != carrier))
                continue;
            if (!join(lists, lists->by_trunk[trunk], lists->by_carrier[carrier], &list))
                return false;
            lists->pairs[lists->pair_count++] =
                (struct pair_list){.key = (uint64_t)trunk << 32 | carrier, .list = list};
        }
    return true;
}

/* ---- all ---- */

bool toll_cost_lists_make(struct toll_cost_rules *rules)
{
    const struct toll_book *book = rules->book;
    struct toll_cost_lists *lists = rules->lists = calloc(1, sizeof *lists);
    if (lists == NULL)
        return false;
    lists->by_trunk = calloc(book->named_count[TOLL_NAMED_TRUNK] + 1u, sizeof *lists->by_trunk);
    lists->by_carrier = calloc(book->named_count[TOLL_NAMED_CARRIER] + 1u, sizeof *lists->by_carrier);
    if (lists->by_trunk == NULL || lists->by_carrier == NULL ||
        !add_named(lists, book, TOLL_NAMED_TRUNK, lists->by_trunk) ||
        !add_named(lists, book, TOLL_NAMED_CARRIER, lists->by_carrier) || !join_all(lists, book))
        return false;
    rules->entitlements = lists->all;
    return true;
}

void toll_cost_lists_free(struct toll_cost_rules *rules)
{
    struct toll_cost_lists *lists = rules->lists;
    if (lists == NULL)
        return;
    free(lists->by_trunk);
    free(lists->by_carrier);
    free(lists->pairs);
    free(lists->all);
    free(lists);
    rules->lists = NULL;
    rules->entitlements = NULL;
}

struct toll_cost_list toll_cost_list_of(const struct toll_cost_rules *rules, uint32_t trunk, uint32_t carrier)
{
    const struct toll_cost_lists *lists = rules->lists;
    const struct toll_cost_list one = lists->by_trunk[trunk], two = lists->by_carrier[carrier];
    if (one.count == 0 || two.count == 0)
        return one.count == 0 ? two : one;
    const uint64_t key = (uint64_t)trunk << 32 | carrier;
    uint32_t low = 0, high = lists->pair_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (lists->pairs[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return lists->pairs[low].list; /* there is one: both have lists, and the carrier is the trunk's */
}
