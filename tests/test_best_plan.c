/* The best plan for each account, on an impact that is written down here: who is offered what, ties, margins.
 */
#include "tollmill_impact.h"
#include "tollmill_segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PLANS 3
#define BOOKS (2 + PLANS) /* the base, a book that is none of the plans, and the plans */

static struct toll_sum money(int64_t amount)
{
    return (struct toll_sum){.low = (uint64_t)amount, .high = amount < 0 ? -1 : 0};
}

static int64_t amount(struct toll_sum sum)
{
    return (int64_t)sum.low;
}

/* An account's lines in one book: calls, of which so many wait; charge, period charges, cost. */
static struct toll_measure lines(int64_t rows, int64_t suspense, int64_t charge, int64_t periods,
                                 int64_t cost)
{
    return (struct toll_measure){.rows = rows,
                                 .rated = rows - suspense,
                                 .suspense = suspense,
                                 .charge = money(charge),
                                 .periods = money(periods),
                                 .cost = money(cost)};
}

static const char *const plans[PLANS] = {"p", "q", "r"};

static struct toll_best_plans make(const struct toll_impact_row *rows, size_t count, bool has_cost,
                                   const struct toll_impact_status_move *moves, size_t move_count)
{
    struct toll_impact_book books[BOOKS] = {0};
    struct toll_impact impact = {.book_count = BOOKS,
                                 .books = books,
                                 .status_moves = moves,
                                 .status_move_count = move_count,
                                 .tables[TOLL_BY_ACCOUNT] = {rows, count}};
    struct toll_best_plans best;

    for (int i = 0; i < BOOKS; i++)
        books[i] = (struct toll_impact_book){.name = "", .has_cost = has_cost};
    assert_int_equal(toll_best_plans_make(&best, &impact, 2, plans, PLANS, NULL), 0);
    return best;
}

static void the_cheapest_and_the_most_profitable(void **state)
{
    /* a: q is cheapest with its period charge; p and r are equal in margin, p is named first.
     * b: q and r are equal, q is named first; r leaves most. */
    const struct toll_measure a[BOOKS] = {lines(4, 0, 900, 100, 300), lines(4, 0, 1, 0, 0),
                                          lines(4, 0, 1200, 0, 300), lines(4, 0, 500, 450, 300),
                                          lines(4, 0, 1000, 300, 400)};
    const struct toll_measure b[BOOKS] = {lines(2, 0, 50, 0, 10), lines(2, 0, 1, 0, 0),
                                          lines(2, 0, 70, 0, 40), lines(2, 0, 60, 0, 30),
                                          lines(2, 0, 60, 0, 20)};
    const struct toll_impact_row rows[] = {{"a", "Acme", "USD", NULL, a}, {"b", "", "USD", NULL, b}};
    struct toll_best_plans best = make(rows, 2, true, NULL, 0);

    (void)state;
    assert_int_equal(best.count, 2);
    assert_string_equal(best.rows[0].account, "a");
    assert_string_equal(best.rows[0].name, "Acme");
    assert_int_equal(amount(best.rows[0].charge), 1000);
    assert_int_equal(best.rows[0].cheapest, 1);
    assert_int_equal(amount(best.rows[0].offers[1].charge), 950);
    assert_int_equal(best.rows[0].most_profitable, 0);
    assert_int_equal(best.rows[1].cheapest, 1);
    assert_int_equal(best.rows[1].most_profitable, 2);
    assert_true(best.has_cost);
    assert_int_equal(best.total_count, 1);
    assert_int_equal(best.totals[0].accounts, 2);
    assert_int_equal(best.totals[0].without, 0);
    assert_int_equal(amount(best.totals[0].charge), 1050);
    assert_int_equal(amount(best.totals[0].cost), 310);
    assert_int_equal(amount(best.totals[0].cheapest), 950 + 60);
    assert_int_equal(amount(best.totals[0].cheapest_cost), 300 + 30);
    assert_int_equal(amount(best.totals[0].most_profitable), 1200 + 60);
    assert_int_equal(amount(best.totals[0].most_profitable_cost), 300 + 20);
    toll_best_plans_free(&best);
    best = make(rows, 2, false, NULL, 0);
    assert_int_equal(best.rows[0].most_profitable, -1);
    assert_int_equal(best.rows[0].cheapest, 1);
    toll_best_plans_free(&best);
}

static void a_plan_that_leaves_calls_waiting_is_not_offered(void **state)
{
    /* Calls of an account that wait have no currency: a row of its own. a has one that waits with all; on q
     * one more does. b: every plan loses a call, so it stays. "" is nobody. */
    const struct toll_measure nobody[BOOKS] = {lines(9, 9, 0, 0, 0), lines(9, 9, 0, 0, 0),
                                               lines(9, 9, 0, 0, 0), lines(9, 9, 0, 0, 0),
                                               lines(9, 9, 0, 0, 0)};
    const struct toll_measure waits[BOOKS] = {lines(1, 1, 0, 0, 0), lines(1, 1, 0, 0, 0),
                                              lines(1, 1, 0, 0, 0), lines(2, 2, 0, 0, 0),
                                              lines(0, 0, 0, 0, 0)};
    const struct toll_measure a[BOOKS] = {lines(3, 0, 30, 0, 0), lines(3, 0, 30, 0, 0), lines(3, 0, 20, 0, 0),
                                          lines(2, 0, 10, 0, 0), lines(4, 0, 25, 0, 0)};
    const struct toll_measure b[BOOKS] = {lines(3, 0, 7, 0, 0), lines(3, 0, 7, 0, 0), lines(3, 1, 5, 0, 0),
                                          lines(3, 1, 5, 0, 0), lines(3, 3, 0, 0, 0)};
    const struct toll_impact_row rows[] = {{"", "", "", NULL, nobody},
                                           {"a", "", "", NULL, waits},
                                           {"a", "", "USD", NULL, a},
                                           {"b", "", "USD", NULL, b}};
    const struct toll_impact_status_move moves[] = {{.book = 2,
                                                     .base_status = TOLL_RATED,
                                                     .status = TOLL_SUSPENSE_NO_PREFIX,
                                                     .rows = 1,
                                                     .currency = "USD"},
                                                    {.book = 3,
                                                     .base_status = TOLL_RATED,
                                                     .status = TOLL_SUSPENSE_NO_PREFIX,
                                                     .rows = 2,
                                                     .currency = "USD"},
                                                    {.book = 4,
                                                     .base_status = TOLL_RATED,
                                                     .status = TOLL_SUSPENSE_NO_PREFIX,
                                                     .rows = 3,
                                                     .currency = "USD"},
                                                    {.book = 4,
                                                     .base_status = TOLL_SUSPENSE_NO_RULE,
                                                     .status = TOLL_RATED,
                                                     .rows = 1,
                                                     .currency = "USD"}};
    struct toll_best_plans best = make(rows, 4, false, moves, 4);

    (void)state;
    assert_int_equal(best.count, 2);
    assert_string_equal(best.rows[0].currency, "USD");
    assert_true(best.rows[0].offers[0].offered);
    assert_false(best.rows[0].offers[1].offered);
    assert_int_equal(best.rows[0].offers[1].suspense, 2);
    assert_true(best.rows[0].offers[2].offered);
    assert_int_equal(best.rows[0].cheapest, 0);
    assert_int_equal(best.rows[1].cheapest, -1);
    assert_int_equal(best.totals[0].without, 1);
    assert_int_equal(amount(best.totals[0].cheapest), 20 + 7); /* b stays as it is */
    toll_best_plans_free(&best);

    /* One call of somebody's was cleared by p and another one lost: as many wait as before, so whoever has
     * one that waits may be the one. */
    const struct toll_impact_status_move doubt[] = {{.book = 2,
                                                     .base_status = TOLL_RATED,
                                                     .status = TOLL_SUSPENSE_NO_PREFIX,
                                                     .rows = 2,
                                                     .currency = "USD"}};
    best = make(rows, 4, false, doubt, 1);
    assert_false(best.rows[0].offers[0].offered);
    assert_int_equal(best.rows[0].cheapest, 2);
    toll_best_plans_free(&best);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cheapest_and_the_most_profitable),
        cmocka_unit_test(a_plan_that_leaves_calls_waiting_is_not_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
