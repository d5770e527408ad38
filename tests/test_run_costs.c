/* Costs of a run: written, read back, and every sum or line of theirs that is wrong is found by verify. */
#include "segment/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY 20513 /* 2026-03-01 */
#define ROWS 500
#define EACH (ROWS / 5)
#define UNIT INT64_C(100000000)

/*
 * Of five rows: sold to account 1 for 0.05 USD and bought for 0.03; to account 2 for 0.02 EUR, bought for
 * 0.03; nobody's, bought for 0.01 in the book's USD; of account 1, bought free; of account 2, of unknown
 * cost.
 */
enum mistake {
    NONE,
    COST_TOO_LOW,
    ACCOUNTLESS,
    OTHER_CURRENCY,
    STATUS_ROWS,
    UNKNOWN_PRICE,
    WITHOUT_PRICE,
    FREE_WITH_COST,
    MISTAKES
};
static const char *const found_as[MISTAKES] = {
    [COST_TOO_LOW] = "its lines' costs do not sum to those of the manifest",
    [ACCOUNTLESS] = "its lines' costs do not sum to those of the manifest",
    [OTHER_CURRENCY] = "its lines' costs do not sum to those of the manifest",
    [STATUS_ROWS] = "other numbers of rows by cost status",
    [UNKNOWN_PRICE] = "row 100: the price of its cost is not in prices.arrow",
    [WITHOUT_PRICE] = "row 100: its cost is rated, but has no price",
    [FREE_WITH_COST] = "row 103: its cost is not rated, but there is one",
};

static void write_lines(struct toll_run_writer *writer, struct toll_run_part *part, enum mistake mistake)
{
    static const int32_t accounts[] = {1, 2, 0, 1, 2}, prices[] = {7, 7, 0, 7, 7},
                         cost_prices[] = {9, 9, 9, 9, 0};
    static const int64_t charges[] = {UNIT / 20, UNIT / 50, 0, UNIT / 20, UNIT / 50},
                         costs[] = {3 * UNIT / 100, 3 * UNIT / 100, UNIT / 100, 0, 0};
    static const uint8_t statuses[] = {TOLL_RATED, TOLL_RATED, TOLL_SUSPENSE_NO_ACCOUNT, TOLL_RATED,
                                       TOLL_RATED},
                         cost_statuses[] = {TOLL_RATED, TOLL_RATED, TOLL_RATED, TOLL_ZERO_FREE,
                                            TOLL_SUSPENSE_NO_FX};
    struct toll_lines_writer *lines;
    struct toll_error error;
    size_t at[TOLL_LINE_COLUMNS_MOST];
    char name[TOLL_RUN_PART_NAME_BYTES];
    toll_run_part_name(part, name);
    assert_int_equal(toll_lines_create(toll_io_system(), toll_run_directory(writer), name, ROWS,
                                       TOLL_LINES_COST, &lines, &error),
                     0);
    uint8_t *block = calloc(1, toll_lines_batch_layout(ROWS, TOLL_LINES_COST, at));
    assert_non_null(block);
    int32_t *cost_price = (int32_t *)(void *)(block + at[TOLL_LINE_COST_PRICE]);
    int64_t *cost = (int64_t *)(void *)(block + at[TOLL_LINE_COST]);
    for (size_t i = 0; i < ROWS; i++) {
        ((int32_t *)(void *)(block + at[TOLL_LINE_ACCOUNT]))[i] = accounts[i % 5];
        ((int32_t *)(void *)(block + at[TOLL_LINE_PRICE]))[i] = prices[i % 5];
        ((int64_t *)(void *)(block + at[TOLL_LINE_CHARGE]))[i] = charges[i % 5];
        block[at[TOLL_LINE_STATUS] + i] = statuses[i % 5];
        cost_price[i] = cost_prices[i % 5];
        cost[i] = costs[i % 5];
        block[at[TOLL_LINE_COST_STATUS] + i] = cost_statuses[i % 5];
    }
    if (mistake == UNKNOWN_PRICE)
        cost_price[100] = 8;
    if (mistake == WITHOUT_PRICE)
        cost_price[100] = 0;
    if (mistake == FREE_WITH_COST)
        cost[103] = 1;
    assert_int_equal(toll_lines_write(lines, 0, block, &error), 0);
    assert_int_equal(toll_lines_finish(lines, &part->seal, &error), 0);
    free(block);
}

static void make_run(const char *path, enum mistake mistake)
{
    struct toll_run_writer *writer;
    struct toll_error error;
    const struct toll_account_row accounts[] = {{1, "acme", "", "USD"}, {2, "berlin", "", "EUR"}};
    const struct toll_price_row prices[] = {
        {7, "deck", "", "us", "1", "", "", "s", UNIT / 20, 60, 0, "decks/us.csv", 2, 0, "rate", 0},
        {9, "deck", "", "v", "1", "", "", "s", UNIT / 50, 60, 0, "decks/v.csv", 2, 0, "rate", 0}};
    const struct toll_bucket_row buckets[] = {{1, "", 0, 2 * EACH, 0, 2 * EACH * (UNIT / 20)},
                                              {2, "", 0, 2 * EACH, 0, 2 * EACH * (UNIT / 50)}};
    struct toll_run_part part = {.day = DAY, .rows = ROWS, .cdr_seal = {1000, {1, 2}}};
    struct toll_run_manifest manifest = {
        .rows = ROWS,
        .rated = 4 * EACH,
        .suspense = EACH,
        .currency = "EUR",
        .totals = {{"EUR", 2 * EACH * (UNIT / 50)}, {"USD", 2 * EACH * (UNIT / 20)}},
        .total_count = 2,
        .has_cost = true,
        .costs = {{"USD", EACH * (UNIT / 25)}, {"EUR", EACH * (3 * UNIT / 100)}},
        .cost_count = 2,
        .parts = &part,
        .part_count = 1,
        .from_day = "",
        .to_day = ""};
    manifest.status_rows[TOLL_RATED] = 4 * EACH;
    manifest.status_rows[TOLL_SUSPENSE_NO_ACCOUNT] = EACH;
    manifest.cost_rows[TOLL_RATED] = 3 * EACH;
    manifest.cost_rows[TOLL_ZERO_FREE] = manifest.cost_rows[TOLL_SUSPENSE_NO_FX] = EACH;
    if (mistake == COST_TOO_LOW)
        manifest.costs[1].cost--;
    if (mistake == ACCOUNTLESS)
        manifest.costs[0].cost -= EACH * (UNIT / 100);
    if (mistake == OTHER_CURRENCY) { /* the sum of both is right */
        manifest.costs[0].cost += 5;
        manifest.costs[1].cost -= 5;
    }
    if (mistake == STATUS_ROWS) {
        manifest.cost_rows[TOLL_RATED]++;
        manifest.cost_rows[TOLL_ZERO_FREE]--;
    }
    assert_int_equal(toll_run_create(toll_io_system(), path, &writer, &error), 0);
    write_lines(writer, &part, mistake);
    assert_int_equal(toll_run_add_file(writer, "suspense.csv", "day,row\n", 8, &error), 0);
    assert_int_equal(toll_run_add_file(writer, "book.image", "the book", 8, &error), 0);
    assert_int_equal(toll_run_add_accounts(writer, accounts, 2, &error), 0);
    assert_int_equal(toll_run_add_prices(writer, prices, 2, &error), 0);
    assert_int_equal(toll_run_add_buckets(writer, buckets, 2, &error), 0);
    if (toll_run_publish(writer, &manifest, "{}\n", &error) != 0)
        fail_msg("%s", error.text);
    toll_run_abandon(writer);
}

static void test_costs(void **state)
{
    char folder[] = "/tmp/toll_run_costs_XXXXXX", path[64], command[96];
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (int mistake = NONE; mistake < MISTAKES; mistake++) {
        struct toll_run_files run;
        struct toll_error error;
        snprintf(path, sizeof path, "%s/%d", folder, mistake);
        make_run(path, (enum mistake)mistake);
        if (toll_run_files_open(&run, toll_io_system(), path, &error) != 0)
            fail_msg("%s", error.text);
        assert_true(run.manifest.has_cost && run.manifest.cost_count == 2);
        assert_string_equal(run.manifest.costs[0].currency, "USD");
        assert_int_equal(run.manifest.cost_rows[TOLL_SUSPENSE_NO_FX], EACH);
        const int rc = toll_run_verify(&run, &error);
        if (mistake == NONE)
            assert_int_equal(rc, 0);
        else if (rc != TOLL_EDATA || strstr(error.text, found_as[mistake]) == NULL)
            fail_msg("mistake %d: %d, %s", mistake, rc, rc == 0 ? "not found" : error.text);
        toll_run_files_close(&run);
    }
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_costs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
