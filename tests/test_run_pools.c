/* The tables of pools and counts: there and back, and what cannot be is found. */
#include "segment/run_checks.h"
#include "segment/run_tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* 600 s a month that live on for one: 100 of January, in February 500 of January's rest and 200 of its own.
 */
static const struct toll_pool_period_row pools[] = {
    {1, "b", "number", "acme", "", "+12125550100", "", "s", "2026-01-01", 600, 0, 100, 500, 0, 0, 0},
    {1, "b", "number", "acme", "", "+12125550100", "", "s", "2026-02-01", 600, 500, 700, 400, 0, 0, 0},
    {4, "c", "pool", "", "", "", "fleet", "byte", "2026-02-15", 10, 0, 10, 0, 0, 3, 1771156800000},
    {9, "d", "site", "acme", "", "", "", "message", "2026-02-01", 5, 0, 0, 0, 5, 0, 0},
};
static const struct toll_pool_draw_row draws[] = {
    {1, "2026-01-01", "2026-01-01", 100},
    {1, "2026-02-01", "2026-01-01", 500},
    {1, "2026-02-01", "2026-02-01", 200},
    {4, "2026-02-15", "2026-02-15", 10},
};
static const struct toll_tier_count_row counts[] = {
    {"t", "acme", "", "", "2026-01-01", 100, 500, 7, 0, -2},
    {"t", "acme", "", "", "2026-02-01", 0, 0, 7, 93, 0},
    {"t", "acme", "hq", "", "2026-01-01", 1, -5, 0, 0, 0},
};

struct rows {
    struct toll_pool_period_row pools[COUNT(pools)];
    struct toll_pool_draw_row draws[COUNT(draws)];
    struct toll_tier_count_row counts[COUNT(counts)];
    struct toll_run_tables tables;
};

static void fill(struct rows *rows)
{
    memcpy(rows->pools, pools, sizeof pools);
    memcpy(rows->draws, draws, sizeof draws);
    memcpy(rows->counts, counts, sizeof counts);
    rows->tables = (struct toll_run_tables){.pools = rows->pools,
                                            .pool_count = COUNT(pools),
                                            .draws = rows->draws,
                                            .draw_count = COUNT(draws),
                                            .counts = rows->counts,
                                            .count_count = COUNT(counts)};
}

static bool all_good(const struct rows *rows)
{
    bool no_memory = false;

    return toll_run_pools_good(&rows->tables) && toll_run_draws_good(&rows->tables) &&
           toll_run_counts_good(&rows->tables) && toll_run_draws_add_up(&rows->tables, &no_memory) &&
           !no_memory;
}

static void test_what_cannot_be(void **state)
{
    struct rows rows;
    (void)state;
    fill(&rows);
    assert_true(all_good(&rows));
#define WRONG(member, value)           \
    do {                               \
        fill(&rows);                   \
        rows.member = (value);         \
        assert_false(all_good(&rows)); \
    } while (0)
    WRONG(pools[0].id, 0);
    WRONG(pools[1].id, 2);
    WRONG(pools[2].id, 1);
    WRONG(pools[0].bundle, "");
    WRONG(pools[1].bundle, "x");
    WRONG(pools[1].number, "+12125550101");
    WRONG(pools[0].scope, "trunk");
    WRONG(pools[2].account, "acme");
    WRONG(pools[2].pool, "");
    WRONG(pools[3].account, "");
    WRONG(pools[3].number, "+12125550100");
    WRONG(pools[3].unit, "minute");
    WRONG(pools[1].period, "2026-01-01");
    WRONG(pools[0].period, "2026-13-01");
    WRONG(pools[0].used, 101);
    WRONG(pools[0].granted, 601);
    WRONG(pools[1].rolled_in, 499);
    WRONG(pools[1].rolled_out, 401);
    WRONG(pools[3].expired, -5);
    WRONG(pools[2].over, -1);
    WRONG(draws[0].units, 0);
    WRONG(draws[0].units, 99);
    WRONG(draws[0].id, 2);
    WRONG(draws[1].lot, "2026-03-01");
    WRONG(draws[2].lot, "2026-01-01");
    WRONG(draws[3].period, "2026-03-15");
    WRONG(tables.draw_count, 3);
    WRONG(tables.pool_count, 2);
    WRONG(counts[0].tiers, "");
    WRONG(counts[0].account, "");
    WRONG(counts[1].period, "2026-01-01");
    WRONG(counts[2].site, "");
    WRONG(counts[0].units, -1);
    WRONG(counts[0].fee, -1);
    WRONG(counts[1].minimum, -1);
    WRONG(counts[0].maximum, 2);
    /* A lot that gave more than it had, although each period's sum is right. */
    fill(&rows);
    rows.draws[1].units = 501;
    rows.draws[2].units = 199;
    assert_false(all_good(&rows));
#undef WRONG
}

static void test_finding(void **state)
{
    struct rows rows;
    (void)state;
    fill(&rows);
    for (size_t i = 0; i < COUNT(pools); i++)
        assert_ptr_equal(toll_run_pool_find(&rows.tables, pools[i].id, pools[i].period), &rows.pools[i]);
    assert_null(toll_run_pool_find(&rows.tables, 1, "2026-03-01"));
    assert_null(toll_run_pool_find(&rows.tables, 2, "2026-01-01"));
    for (size_t i = 0; i < COUNT(counts); i++)
        assert_ptr_equal(toll_tier_count_find(rows.counts, COUNT(counts), &counts[i]), &rows.counts[i]);
    struct toll_tier_count_row other = counts[2];
    other.number = "+1";
    assert_null(toll_tier_count_find(rows.counts, COUNT(counts), &other));
}

static void *again(const struct toll_run_table *table, const void *rows, int64_t count,
                   struct toll_arena *arena)
{
    struct toll_arrow_memory memory;
    void *out;
    int64_t rows_out;
    assert_int_equal(toll_run_table_encode(table, rows, count, &memory, NULL), 0);
    assert_int_equal(
        toll_run_table_decode(table, table->file, memory.bytes, memory.size, arena, &out, &rows_out, NULL),
        0);
    assert_int_equal(rows_out, count);
    free(memory.bytes);
    return out;
}

static void test_there_and_back(void **state)
{
    struct toll_arena arena = {0};
    (void)state;
    struct toll_pool_period_row *pool = again(&toll_run_pools, pools, COUNT(pools), &arena);
    struct toll_pool_draw_row *draw = again(&toll_run_pool_draws, draws, COUNT(draws), &arena);
    struct toll_tier_count_row *count = again(&toll_run_tier_counts, counts, COUNT(counts), &arena);
    assert_string_equal(pool[2].pool, "fleet");
    assert_string_equal(pool[0].number, "+12125550100");
    assert_string_equal(pool[3].unit, "message");
    assert_true(pool[1].granted == 600 && pool[1].rolled_in == 500 && pool[1].used == 700);
    assert_true(pool[1].rolled_out == 400 && pool[3].expired == 5 && pool[2].over == 3);
    assert_true(pool[2].exhausted == 1771156800000);
    assert_true(draw[1].id == 1 && draw[1].units == 500);
    assert_string_equal(draw[1].period, "2026-02-01");
    assert_string_equal(draw[1].lot, "2026-01-01");
    assert_string_equal(count[2].site, "hq");
    assert_true(count[0].units == 100 && count[0].spend == 500 && count[0].fee == 7);
    assert_true(count[1].minimum == 93 && count[0].maximum == -2);
    free(pool);
    free(draw);
    free(count);
    toll_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_cannot_be),
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
