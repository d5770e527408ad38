/*
 * A delta's files: what is written is read again, one flipped bit anywhere is found, and tables or lines that
 * contradict each other are refused although every checksum is right.
 */
#include "segment/delta.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the above before it */
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#define DAY 20514 /* 2026-03-02 */
#define MONEY INT64_C(100000000)

/* All that a delta is made of; a test changes something and writes it. */
struct parts {
    struct toll_delta_line_row lines[3];
    struct toll_delta_payer_row payers[2];
    struct toll_price_row prices[2];
    struct toll_delta_pool_row pools[1];
    struct toll_tuple_row tuples[1];
    struct toll_delta_sum_row sums[2];
    struct toll_delta_reason_row reasons[3];
    struct toll_delta_tax_row taxes[2];
    struct toll_adjusting_row adjusting[1];
    struct toll_adjusting_tax_row adjusting_taxes[1];
    struct toll_delta_total totals[1];
    struct toll_delta_manifest manifest;
};

/* Three calls: one at another rate and dearer by 1.50 on cost, one that appeared, one that vanished. */
static void make(struct parts *parts)
{
    *parts = (struct parts){
        .lines = {{.key_high = 1,
                   .key_low = 2,
                   .reasons = 1u << TOLL_DELTA_RATE | 1u << TOLL_DELTA_COST,
                   .before = {.row = 0,
                              .day = DAY,
                              .payer = 1,
                              .price = 1,
                              .billed = 60,
                              .charge = 2 * MONEY,
                              .cost = MONEY},
                   .after = {.row = 0,
                             .day = DAY,
                             .payer = 1,
                             .price = 2,
                             .pool = 1,
                             .tuple = 1,
                             .billed = 60,
                             .charge = 3 * MONEY,
                             .cost = 5 * MONEY / 2}},
                  {.key_low = 7,
                   .reasons = 1u << TOLL_DELTA_APPEARED,
                   .before = {.row = -1},
                   .after = {.row = 1, .day = DAY, .payer = 2, .price = 1, .charge = 4 * MONEY}},
                  {.key_low = 9,
                   .reasons = 1u << TOLL_DELTA_VANISHED,
                   .before = {.row = 5, .day = DAY, .payer = 2, .price = 1, .charge = MONEY},
                   .after = {.row = -1}}},
        .payers = {{1, "acme", "Acme", "", "USD"}, {2, "acme", "Acme", "hall", "USD"}},
        .prices = {{.id = 1,
                    .kind = "deck",
                    .plan = "",
                    .deck = "d",
                    .prefix = "1",
                    .destination = "",
                    .band = "",
                    .unit = "s",
                    .rate = 1,
                    .per_units = 60,
                    .file = "decks/d.csv",
                    .line = 2,
                    .column = "rate"},
                   {.id = 2,
                    .kind = "deck",
                    .plan = "",
                    .deck = "d",
                    .prefix = "1",
                    .destination = "",
                    .band = "",
                    .unit = "s",
                    .rate = 2,
                    .per_units = 60,
                    .file = "decks/d.csv",
                    .line = 2,
                    .column = "rate"}},
        .pools = {{1, "b", "account", "acme", "", "", ""}},
        .tuples = {{.id = 1, .period = "2026-03-01", .from = "2026-03-01", .service = "voice"}},
        .sums = {{"acme", "Acme", "", "USD", 1, 1, 1, 2 * MONEY, 3 * MONEY, 10, 10, MONEY, 5 * MONEY / 2},
                 {"acme", "Acme", "hall", "USD", 2, 1, 1, MONEY, 4 * MONEY, 0, 0, 0, 0}},
        .reasons = {{0, "rate", 1, MONEY, 3 * MONEY / 2},
                    {1, "appeared", 1, 4 * MONEY, 0},
                    {1, "vanished", 1, -MONEY, 0}},
        .taxes = {{"2026-03-01", "acme", "", "USD", "US", "federal", "fusf", "FUSF", 1, 10, 12},
                  {"2026-03-01", "acme", "", "USD", "US-NY", "state", "sales", "Sales", 0, 5, 0}},
        .adjusting = {{1, "acme", "Acme", "", "USD", "2026-03-01", "rate", "telecom", "debit", "due", 1,
                       2 * MONEY, 3 * MONEY}},
        .adjusting_taxes = {{"acme", "", "USD", "2026-03-01", "2026-04", "US", "federal", "fusf", "FUSF", 1,
                             "due", 10, 12}},
        .totals = {{.currency = "USD",
                    .old_rows = 2,
                    .new_rows = 2,
                    .old_charge = 3 * MONEY,
                    .new_charge = 7 * MONEY,
                    .old_periods = 10,
                    .new_periods = 10,
                    .old_cost = MONEY,
                    .new_cost = 5 * MONEY / 2}},
        .manifest = {.old_rows = 6,
                     .new_rows = 6,
                     .changed = 3,
                     .old_has_cost = true,
                     .new_has_cost = true,
                     .total_count = 1,
                     .has_closed = true,
                     .closed_until = DAY + 1,
                     .approve_above = INT64_MAX,
                     .back_bill_days = -1,
                     .today = "2026-04-10"},
    };
    parts->manifest.reason_rows[TOLL_DELTA_RATE] = 1;
    parts->manifest.reason_rows[TOLL_DELTA_APPEARED] = 1;
    parts->manifest.reason_rows[TOLL_DELTA_VANISHED] = 1;
}

static void put(struct parts *parts, const char *path)
{
    struct toll_delta_writer *writer;
    struct toll_error error;
    parts->manifest.totals = parts->totals;
    if (toll_delta_create(toll_io_system(), path, &writer, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(toll_delta_add_lines(writer, DAY, parts->lines, sizeof *parts->lines, 3, &error), 0);
    assert_int_equal(toll_delta_add_payers(writer, parts->payers, 2, &error), 0);
    assert_int_equal(toll_delta_add_prices(writer, parts->prices, 2, &error), 0);
    assert_int_equal(toll_delta_add_pools(writer, parts->pools, 1, &error), 0);
    assert_int_equal(toll_delta_add_tuples(writer, parts->tuples, 1, &error), 0);
    assert_int_equal(toll_delta_add_sums(writer, parts->sums, 2, &error), 0);
    assert_int_equal(toll_delta_add_reasons(writer, parts->reasons, 3, &error), 0);
    assert_int_equal(toll_delta_add_taxes(writer, parts->taxes, 2, &error), 0);
    assert_int_equal(toll_delta_add_adjusting(writer, parts->adjusting, 1, &error), 0);
    assert_int_equal(toll_delta_add_adjusting_taxes(writer, parts->adjusting_taxes, 1, &error), 0);
    if (toll_delta_publish(writer, &parts->manifest, &error) != 0)
        fail_msg("%s", error.text);
    toll_delta_abandon(writer);
}

/* 0, or what opening or verifying says. */
static int read_again(const char *path, struct toll_error *error)
{
    struct toll_delta_files delta;
    int rc = toll_delta_files_open(&delta, toll_io_system(), path, error);
    if (rc == 0)
        rc = toll_delta_files_verify(&delta, error);
    toll_delta_files_close(&delta);
    return rc;
}

struct world {
    char folder[64];
    char path[80];
};

static int begin(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->folder, "/tmp/tollmill-delta-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->path, sizeof world->path, "%s/d", world->folder);
    *state = world;
    return 0;
}

static int end(void **state)
{
    struct world *world = *state;
    assert_int_equal(toll_remove_tree(toll_io_system(), AT_FDCWD, world->folder, NULL), 0);
    free(world);
    return 0;
}

static void test_what_is_written_is_read(void **state)
{
    struct world *world = *state;
    struct parts parts;
    struct toll_delta *delta;
    struct toll_delta_line line;
    struct toll_delta_sum sum;
    struct toll_delta_tax tax;
    struct toll_adjusting_line adjusting;
    struct toll_error error;
    make(&parts);
    put(&parts, world->path);
    if (read_again(world->path, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(toll_delta_open(world->path, &delta, &error), 0);
    assert_int_equal(toll_delta_next(delta, &line, &error), 1);
    assert_int_equal(line.reason, TOLL_DELTA_RATE);
    assert_int_equal(line.record_key[0], 1);
    assert_string_equal(line.before.account, "acme");
    assert_int_equal(line.before.rate, 1);
    assert_int_equal(line.after.rate, 2);
    assert_string_equal(line.after.pool_bundle, "b");
    assert_int_equal(line.after.charge, 3 * MONEY);
    assert_int_equal(toll_delta_next(delta, &line, &error), 1);
    assert_int_equal(line.before.row, -1);
    assert_string_equal(line.before.day, "");
    assert_string_equal(line.after.day, "2026-03-02");
    assert_string_equal(line.after.site, "hall");
    assert_int_equal(toll_delta_next(delta, &line, &error), 1);
    assert_int_equal(line.reason, TOLL_DELTA_VANISHED);
    assert_string_equal(line.before.day, "2026-03-02");
    assert_int_equal(line.before.row, 5);
    assert_int_equal(line.after.row, -1);
    assert_int_equal(toll_delta_next(delta, &line, &error), 0);
    assert_true(toll_delta_sum(delta, 1, &sum));
    assert_int_equal(sum.lines, 2);
    assert_int_equal(sum.reason_rows[TOLL_DELTA_APPEARED], 1);
    assert_int_equal(sum.reason_charge[TOLL_DELTA_VANISHED].low, (uint64_t)-MONEY);
    assert_int_equal(sum.reason_charge[TOLL_DELTA_VANISHED].high, -1);
    assert_false(toll_delta_sum(delta, 2, &sum));
    assert_true(toll_delta_tax(delta, 1, &tax));
    assert_int_equal(tax.before_cents, 5);
    assert_true(toll_delta_adjusting(delta, 0, &adjusting));
    assert_string_equal(adjusting.tax_services, "telecom");
    toll_delta_close(delta);
}

/* ---- flipped bits ---- */

static void flip(const char *path, off_t at, unsigned bit)
{
    unsigned char byte;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= (unsigned char)(1u << bit);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void flip_all(const char *delta, const char *path)
{
    struct stat facts;
    struct toll_error error;
    assert_int_equal(stat(path, &facts), 0);
    const off_t step = facts.st_size / 150 + 1;
    for (off_t at = 0; at < facts.st_size; at += step) {
        const unsigned bit = (unsigned)at * 7 % 8;
        flip(path, at, bit);
        if (read_again(delta, &error) != TOLL_EDATA)
            fail_msg("%s: byte %lld, bit %u: was believed", path, (long long)at, bit);
        flip(path, at, bit);
    }
}

static void test_flipped_bits(void **state)
{
    static const char *const files[] = {
        "delta.json",  "adjusting.arrow", "adjusting_taxes.arrow", "payers.arrow",
        "pools.arrow", "prices.arrow",    "reasons.arrow",         "sums.arrow",
        "taxes.arrow", "tuples.arrow",    "lines/2026-03-02.arrow"};
    struct world *world = *state;
    struct parts parts;
    struct toll_error error;
    char path[160];
    make(&parts);
    put(&parts, world->path);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", world->path, files[i]);
        flip_all(world->path, path);
        char away[170];
        snprintf(away, sizeof away, "%s.away", path);
        assert_int_equal(rename(path, away), 0);
        assert_int_equal(read_again(world->path, &error), i == 0 ? TOLL_ENOINPUT : TOLL_EDATA);
        assert_int_equal(rename(away, path), 0);
    }
    assert_int_equal(read_again(world->path, &error), 0);
}

/* ---- what contradicts itself ---- */

#define CASE(name, change)                \
    static void name(struct parts *parts) \
    {                                     \
        change;                           \
    }
CASE(wrong_new_charge, parts->sums[0].new_charge++)
CASE(wrong_old_cost, parts->sums[0].old_cost--)
CASE(wrong_total, parts->totals[0].old_charge++)
CASE(wrong_total_rows, parts->totals[0].new_rows++)
CASE(other_currency, parts->totals[0].currency = "EUR")
CASE(sums_not_in_order, parts->sums[1].site = "")
CASE(wrong_lines, parts->sums[1].lines = 3)
CASE(wrong_reason, parts->reasons[0].reason = "because")
CASE(reasons_not_in_order, parts->reasons[2].reason = "appeared")
CASE(reason_of_no_sum, parts->reasons[2].sum = 2)
CASE(reason_without_lines, (parts->reasons[0].lines = 0, parts->sums[0].lines = 0))
CASE(wrong_changed, parts->manifest.changed = 4)
CASE(wrong_reason_rows,
     (parts->manifest.reason_rows[TOLL_DELTA_RATE] = 0, parts->manifest.reason_rows[TOLL_DELTA_TAX] = 1))
CASE(payer_id, parts->payers[1].id = 3)
CASE(price_id, parts->prices[0].id = 0)
CASE(tax_flag, parts->taxes[0].billable = 2)
CASE(tax_that_did_not_move, parts->taxes[0].new_cents = 10)
CASE(taxes_not_in_order, parts->taxes[1].tax_jurisdiction = "UA")
CASE(tax_of_too_many_cents, parts->taxes[0].new_cents = INT64_MAX / 100)
CASE(adjusting_tax_of_too_many_cents, parts->adjusting_taxes[0].old_cents = INT64_MIN)
CASE(adjusting_kind, parts->adjusting[0].kind = "gift")
CASE(adjusting_status, parts->adjusting_taxes[0].status = "paid")
CASE(line_payer, parts->lines[0].after.payer = 3)
CASE(line_no_payer, parts->lines[0].before.payer = 0)
CASE(line_price, parts->lines[0].after.price = -1)
CASE(line_cost_price, parts->lines[0].after.cost_price = 3)
CASE(line_pool, parts->lines[0].after.pool = 2)
CASE(line_tuple, parts->lines[0].after.tuple = 2)
CASE(line_status, parts->lines[0].after.status = 11)
CASE(line_cost_status, parts->lines[0].after.cost_status = 32)
CASE(line_class, parts->lines[0].after.class_jurisdiction = 0x50)
CASE(line_billed, parts->lines[0].after.billed = -1)
CASE(line_row, parts->lines[1].before.row = -2)
CASE(line_absent_charge, parts->lines[1].before.charge = 1)
CASE(line_without_reason, parts->lines[0].reasons = 0)
CASE(line_unknown_reason, parts->lines[0].reasons = 1u << 15 | 1u << TOLL_DELTA_RATE)
CASE(line_appeared_of_both, parts->lines[0].reasons = 1u << TOLL_DELTA_APPEARED)
CASE(line_closed, parts->lines[0].closed = 2)
CASE(line_charge, parts->lines[0].after.charge++)
CASE(line_moved, parts->lines[0].after.payer = 2)
CASE(line_other_reason, parts->lines[0].reasons = 1u << TOLL_DELTA_COST)
CASE(line_day, parts->lines[2].before.day = DAY - 1)

static void test_contradictions(void **state)
{
    static void (*const cases[])(struct parts *) = {wrong_new_charge,
                                                    wrong_old_cost,
                                                    wrong_total,
                                                    wrong_total_rows,
                                                    other_currency,
                                                    sums_not_in_order,
                                                    wrong_lines,
                                                    wrong_reason,
                                                    reasons_not_in_order,
                                                    reason_of_no_sum,
                                                    reason_without_lines,
                                                    wrong_changed,
                                                    wrong_reason_rows,
                                                    payer_id,
                                                    price_id,
                                                    tax_flag,
                                                    tax_that_did_not_move,
                                                    taxes_not_in_order,
                                                    tax_of_too_many_cents,
                                                    adjusting_tax_of_too_many_cents,
                                                    adjusting_kind,
                                                    adjusting_status,
                                                    line_payer,
                                                    line_no_payer,
                                                    line_price,
                                                    line_cost_price,
                                                    line_pool,
                                                    line_tuple,
                                                    line_status,
                                                    line_cost_status,
                                                    line_class,
                                                    line_billed,
                                                    line_row,
                                                    line_absent_charge,
                                                    line_without_reason,
                                                    line_unknown_reason,
                                                    line_appeared_of_both,
                                                    line_closed,
                                                    line_charge,
                                                    line_moved,
                                                    line_other_reason,
                                                    line_day};
    struct world *world = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parts parts;
        struct toll_error error;
        char path[96];
        make(&parts);
        cases[i](&parts);
        snprintf(path, sizeof path, "%s%zu", world->path, i);
        put(&parts, path);
        if (read_again(path, &error) != TOLL_EDATA)
            fail_msg("case %zu was believed", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_written_is_read, begin, end),
        cmocka_unit_test_setup_teardown(test_flipped_bits, begin, end),
        cmocka_unit_test_setup_teardown(test_contradictions, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
