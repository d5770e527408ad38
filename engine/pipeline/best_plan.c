/*
 * The best plan for each account, from a what-if that has a book with everybody on it for each plan. A plan
 * is offered if nothing that is rated now would wait on it: a call in suspense costs nothing, and would make
 * the plan look cheap; and if its decks are in the account's currency.
 */
#include "base/error.h"
#include "base/money.h"
#include "tollmill_impact.h"
#include "tollmill_segment.h"

#include <stdlib.h>
#include <string.h>

struct maker {
    const struct toll_impact *impact;
    int first, count;
    bool *doubtful; /* by plan: which account's calls wait newly cannot be told from how many do */
    struct toll_best_plan_row *rows;
    struct toll_best_offer *offers;
    struct toll_best_plan_total *totals;
    const char **plans;
    size_t row_count, total_count;
};

struct owned {
    struct toll_best_plan_row *rows;
    struct toll_best_offer *offers;
    struct toll_best_plan_total *totals;
    const char **plans;
};

static toll_total total_of(struct toll_sum sum)
{
    return (toll_total)(((unsigned __int128)(uint64_t)sum.high << 64) | sum.low);
}

static struct toll_sum sum_of(toll_total total)
{
    return (struct toll_sum){.low = (uint64_t)total, .high = (int64_t)(total >> 64)};
}

static void join(struct toll_sum *sum, struct toll_sum other)
{
    *sum = sum_of(total_of(*sum) + total_of(other));
}

/* Rows of one account are together: how many calls wait in a book, in all of its currencies. */
static int64_t suspense_of(const struct toll_impact_row *rows, size_t count, int book)
{
    int64_t suspense = 0;

    for (size_t i = 0; i < count; i++)
        suspense += rows[i].books[book].suspense;
    return suspense;
}

static size_t rows_of_account(const struct toll_impact_table *table, size_t at)
{
    size_t end = at + 1;

    while (end < table->count && strcmp(table->rows[end].key, table->rows[at].key) == 0)
        end++;
    return end - at;
}

/* A plan may clear one call of an account and lose another: then as many wait as before. Calls that wait
 * newly are counted over all accounts, too; more than the accounts show means that it happened somewhere. */
static void find_doubts(struct maker *maker)
{
    const struct toll_impact_table *table = &maker->impact->tables[TOLL_BY_ACCOUNT];

    for (int plan = 0; plan < maker->count; plan++) {
        const int book = maker->first + plan;
        int64_t seen = 0, newly = 0;
        for (size_t at = 0, rows; at < table->count; at += rows) {
            rows = rows_of_account(table, at);
            const int64_t more =
                suspense_of(&table->rows[at], rows, book) - suspense_of(&table->rows[at], rows, 0);
            seen += more > 0 ? more : 0;
        }
        for (size_t i = 0; i < maker->impact->status_move_count; i++) {
            const struct toll_impact_status_move *move = &maker->impact->status_moves[i];
            if (move->book == book && move->base_status < TOLL_SUSPENSE_FIRST &&
                move->status >= TOLL_SUSPENSE_FIRST)
                newly += move->rows;
        }
        maker->doubtful[plan] = newly > seen;
    }
}

static toll_total margin_of(const struct toll_best_offer *offer)
{
    return total_of(offer->charge) - total_of(offer->cost);
}

static void choose(struct toll_best_plan_row *row, int plan_count, bool has_cost)
{
    const struct toll_best_offer *offers = row->offers;

    row->cheapest = row->most_profitable = -1;
    for (int plan = 0; plan < plan_count; plan++) {
        if (!offers[plan].offered)
            continue;
        if (row->cheapest < 0 || total_of(offers[plan].charge) < total_of(offers[row->cheapest].charge))
            row->cheapest = plan;
        if (has_cost &&
            (row->most_profitable < 0 || margin_of(&offers[plan]) > margin_of(&offers[row->most_profitable])))
            row->most_profitable = plan;
    }
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(left, *(const char *const *)right);
}

/* The book of the plan could not put the account on it. */
static bool is_left_out(const struct toll_impact_book *book, const char *account)
{
    return book->not_moved_count > 0 && bsearch(account, book->not_moved, book->not_moved_count,
                                                sizeof(*book->not_moved), compare_names) != NULL;
}

/* One account in one currency; `all` are its rows in every currency. */
static void add_row(struct maker *maker, const struct toll_impact_row *in, const struct toll_impact_row *all,
                    size_t all_count, bool has_cost)
{
    struct toll_best_plan_row *row = &maker->rows[maker->row_count];
    struct toll_best_offer *offers = &maker->offers[maker->row_count * (size_t)maker->count];
    const int64_t waiting = suspense_of(all, all_count, 0);

    *row = (struct toll_best_plan_row){.account = in->key,
                                       .name = in->name,
                                       .currency = in->currency,
                                       .charge = toll_measure_charge(&in->books[0]),
                                       .cost = in->books[0].cost,
                                       .offers = offers};
    for (int plan = 0; plan < maker->count; plan++) {
        const struct toll_measure *measure = &in->books[maker->first + plan];
        const int64_t suspense = suspense_of(all, all_count, maker->first + plan);
        if (is_left_out(&maker->impact->books[maker->first + plan], in->key)) {
            offers[plan] = (struct toll_best_offer){.other_currency = true};
            continue;
        }
        offers[plan] = (struct toll_best_offer){.charge = toll_measure_charge(measure),
                                                .cost = measure->cost,
                                                .suspense = suspense,
                                                .offered = suspense <= waiting &&
                                                           (suspense == 0 || !maker->doubtful[plan])};
    }
    choose(row, maker->count, has_cost);
    maker->row_count++;
}

static struct toll_best_plan_total *total_for(struct maker *maker, const char *currency)
{
    for (size_t i = 0; i < maker->total_count; i++) {
        if (strcmp(maker->totals[i].currency, currency) == 0)
            return &maker->totals[i];
    }
    maker->totals[maker->total_count] = (struct toll_best_plan_total){.currency = currency};
    return &maker->totals[maker->total_count++];
}

/* What an account pays that takes `plan`; -1: it stays. */
static void add_choice(const struct toll_best_plan_row *row, int plan, struct toll_sum *charge,
                       struct toll_sum *cost)
{
    join(charge, plan >= 0 ? row->offers[plan].charge : row->charge);
    join(cost, plan >= 0 ? row->offers[plan].cost : row->cost);
}

static int compare_totals(const void *left, const void *right)
{
    const struct toll_best_plan_total *a = left, *b = right;

    return strcmp(a->currency, b->currency);
}

static void add_totals(struct maker *maker)
{
    for (size_t i = 0; i < maker->row_count; i++) {
        const struct toll_best_plan_row *row = &maker->rows[i];
        struct toll_best_plan_total *total = total_for(maker, row->currency);
        total->accounts++;
        total->without += row->cheapest < 0;
        join(&total->charge, row->charge);
        join(&total->cost, row->cost);
        add_choice(row, row->cheapest, &total->cheapest, &total->cheapest_cost);
        add_choice(row, row->most_profitable, &total->most_profitable, &total->most_profitable_cost);
    }
    if (maker->total_count > 0)
        qsort(maker->totals, maker->total_count, sizeof(*maker->totals), compare_totals);
}

/* Nothing in any of the books: an account that has a row for another reason. */
static bool is_empty(const struct maker *maker, const struct toll_impact_row *row)
{
    for (int book = 0; book < maker->impact->book_count; book++) {
        const struct toll_measure *measure = &row->books[book];
        if (measure->rows != 0 || total_of(measure->periods) != 0)
            return false;
    }
    return true;
}

/* A row of calls that wait alone has no money, and stands beside one that has. */
static bool has_money(const struct toll_impact_row *row, int book_count)
{
    for (int book = 0; book < book_count; book++) {
        const struct toll_measure *measure = &row->books[book];
        if (measure->rows > measure->suspense || total_of(measure->periods) != 0)
            return true;
    }
    return false;
}

int toll_best_plans_make(struct toll_best_plans *out, const struct toll_impact *impact, int first,
                         const char *const *plans, int count, struct toll_error *error)
{
    const struct toll_impact_table *table = &impact->tables[TOLL_BY_ACCOUNT];
    struct maker maker = {.impact = impact, .first = first, .count = count};
    struct owned *owned = calloc(1, sizeof(*owned));

    memset(out, 0, sizeof(*out));
    maker.doubtful = calloc((size_t)count + 1, sizeof(*maker.doubtful));
    maker.rows = calloc(table->count + 1, sizeof(*maker.rows));
    maker.offers = calloc((table->count + 1) * (size_t)count + 1, sizeof(*maker.offers));
    maker.totals = calloc(table->count + 1, sizeof(*maker.totals));
    maker.plans = calloc((size_t)count + 1, sizeof(*maker.plans));
    if (owned == NULL || maker.doubtful == NULL || maker.rows == NULL || maker.offers == NULL ||
        maker.totals == NULL || maker.plans == NULL) {
        free(owned);
        free(maker.doubtful);
        free(maker.rows);
        free(maker.offers);
        free(maker.totals);
        free(maker.plans);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the best plans");
    }
    *owned = (struct owned){maker.rows, maker.offers, maker.totals, maker.plans};
    for (int plan = 0; plan < count; plan++) {
        maker.plans[plan] = plans[plan];
        out->has_cost = out->has_cost || impact->books[first + plan].has_cost;
    }
    find_doubts(&maker);
    for (size_t at = 0, rows; at < table->count; at += rows) {
        const struct toll_impact_row *all = &table->rows[at];
        bool any = false;
        rows = rows_of_account(table, at);
        for (size_t i = 0; i < rows && all->key[0] != 0; i++) {
            if (has_money(&all[i], impact->book_count)) {
                add_row(&maker, &all[i], all, rows, out->has_cost);
                any = true;
            }
        }
        if (!any && all->key[0] != 0 && !is_empty(&maker, all))
            add_row(&maker, all, all, rows, out->has_cost);
    }
    add_totals(&maker);
    free(maker.doubtful);
    out->plan_count = count;
    out->plans = maker.plans;
    out->rows = maker.rows;
    out->count = maker.row_count;
    out->totals = maker.totals;
    out->total_count = maker.total_count;
    out->owned = owned;
    return 0;
}

void toll_best_plans_free(struct toll_best_plans *best)
{
    struct owned *owned = best->owned;

    if (owned != NULL) {
        free(owned->rows);
        free(owned->offers);
        free(owned->totals);
        free(owned->plans);
        free(owned);
    }
    memset(best, 0, sizeof(*best));
}
