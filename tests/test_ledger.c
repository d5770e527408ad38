/*
 * What a delta has as old must be what a ledger's entries add up to: whatever else is posted would leave a
 * ledger that nobody can open. And adjusting lines that contradict themselves never come to be due.
 */
#include "segment/ledger.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above before it */
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MONEY INT64_C(100000000)

static const struct toll_hash128 first_run = {1, 2}, second_run = {3, 4};

struct world {
    char folder[64], ledger[80], delta[80];
};

static int begin(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->folder, "/tmp/tollmill-ledger-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->ledger, sizeof world->ledger, "%s/l", world->folder);
    snprintf(world->delta, sizeof world->delta, "%s/d", world->folder);
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

static void write_file(const char *folder, const char *name, const void *data, size_t bytes)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* A ledger of one entry, the first run's, as posting it would make it. */
static void begin_ledger(const struct world *world, const struct toll_ledger_row *rows, int64_t count)
{
    struct toll_arrow_memory memory = {0};
    struct toll_json json = {0};
    struct toll_error error;
    char entry[96];
    snprintf(entry, sizeof entry, "%s/0000001", world->ledger);
    assert_int_equal(mkdir(world->ledger, 0755), 0);
    assert_int_equal(mkdir(entry, 0755), 0);
    assert_int_equal(toll_run_table_encode(&toll_ledger_amounts, rows, count, &memory, &error), 0);
    toll_json_init(&json);
    toll_json_open_map(&json, NULL);
    toll_json_string(&json, "schema", TOLL_LEDGER_SCHEMA);
    toll_json_int(&json, "seq", 1);
    toll_json_string(&json, "kind", "run");
    toll_manifest_put_hash(&json, "posted", first_run);
    toll_manifest_put_hash(&json, "run", first_run);
    toll_json_int(&json, "changed", 0);
    toll_json_int(&json, "amounts_bytes", (int64_t)memory.size);
    toll_manifest_put_hash(&json, "amounts_xxh3", toll_hash(memory.bytes, memory.size));
    assert_int_equal(toll_manifest_finish(&json, TOLL_LEDGER_MANIFEST, &error), 0);
    write_file(entry, TOLL_LEDGER_AMOUNTS, memory.bytes, memory.size);
    write_file(entry, TOLL_LEDGER_MANIFEST, json.text, json.bytes);
    toll_json_free(&json);
    free(memory.bytes);
}

/* Of acme 3.00 of lines and 1.00 of periods become 3.00 and 2.00; beta stays at 5.00. */
static void put_delta(const char *path, const struct toll_adjusting_row *adjusting, bool has_closed)
{
    const struct toll_delta_sum_row sums[] = {
        {"acme", "Acme", "", "USD", 0, 1, 1, 3 * MONEY, 3 * MONEY, MONEY, 2 * MONEY, 0, 0},
        {"beta", "Beta", "", "USD", 0, 1, 1, 5 * MONEY, 5 * MONEY, 0, 0, 0, 0},
    };
    struct toll_delta_total total = {.currency = "USD",
                                     .old_rows = 2,
                                     .new_rows = 2,
                                     .old_charge = 8 * MONEY,
                                     .new_charge = 8 * MONEY,
                                     .old_periods = MONEY,
                                     .new_periods = 2 * MONEY};
    const struct toll_delta_manifest manifest = {.old_run = first_run,
                                                 .new_run = second_run,
                                                 .old_rows = 2,
                                                 .new_rows = 2,
                                                 .totals = &total,
                                                 .total_count = 1,
                                                 .has_closed = has_closed,
                                                 .closed_until = 20514,
                                                 .approve_above = INT64_MAX,
                                                 .back_bill_days = -1,
                                                 .today = "2026-04-10"};
    struct toll_delta_writer *writer;
    struct toll_error error;
    assert_int_equal(toll_delta_create(toll_io_system(), path, &writer, &error), 0);
    assert_int_equal(toll_delta_add_sums(writer, sums, 2, &error), 0);
    assert_int_equal(toll_delta_add_adjusting(writer, adjusting, adjusting != NULL, &error), 0);
    assert_int_equal(toll_delta_publish(writer, &manifest, &error), 0);
    toll_delta_abandon(writer);
}

/* Posts the delta; whatever becomes of it, the ledger can be opened afterwards, and has so many entries. */
static void post(const struct world *world, int code, const char *word, int64_t entries)
{
    struct toll_error error = {0};
    struct toll_ledger *ledger;
    int64_t seq = 0;
    const int rc = toll_ledger_post(world->ledger, world->delta, &seq, &error);
    if (rc != code || strstr(error.text, word) == NULL)
        fail_msg("%d: %s", rc, error.text);
    if (toll_ledger_open(world->ledger, &ledger, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(ledger->entry_count, entries);
    toll_ledger_close(ledger);
}

static void test_a_delta_that_goes_on_is_posted(void **state)
{
    const struct toll_ledger_row rows[] = {{"acme", "USD", 0, 4 * MONEY, 0, 0},
                                           {"beta", "USD", 0, 5 * MONEY, 0, 0}};
    struct world *world = *state;
    struct toll_ledger_amount amount;
    struct toll_ledger *ledger;
    struct toll_error error;
    begin_ledger(world, rows, 2);
    put_delta(world->delta, NULL, false);
    post(world, 0, "", 2);
    assert_int_equal(toll_ledger_open(world->ledger, &ledger, &error), 0);
    assert_true(toll_ledger_amount(ledger, 1, &amount));
    assert_string_equal(amount.account, "acme");
    assert_int_equal(amount.seq, 2);
    assert_int_equal(amount.charge.low, MONEY);
    toll_ledger_close(ledger);
}

static void test_a_delta_of_other_charges_is_refused(void **state)
{
    static const struct toll_ledger_row others[][3] = {
        {{"acme", "USD", 0, 4 * MONEY + 1, 0, 0}, {"beta", "USD", 0, 5 * MONEY, 0, 0}},
        {{"acme", "USD", 0, 4 * MONEY, 0, 0}, {"beta", "USD", 0, 5 * MONEY - 1, 0, 0}}, /* it does not move */
        {{"acme", "EUR", 0, 4 * MONEY, 0, 0}, {"beta", "USD", 0, 5 * MONEY, 0, 0}},
        {{"acme", "USD", 0, 4 * MONEY, 0, 0}},
        {{"beta", "USD", 0, 5 * MONEY, 0, 0}},
        {{"acme", "USD", 0, 4 * MONEY, 0, 0},
         {"beta", "USD", 0, 5 * MONEY, 0, 0},
         {"zeta", "USD", 0, 1, 0, 0}},
        {{NULL}},
    };
    static const char *const blamed[] = {"account acme", "account beta", "account acme", "account beta",
                                         "account acme", "account zeta", "account acme"};
    struct world *world = *state;
    put_delta(world->delta, NULL, false);
    for (size_t i = 0; i < sizeof blamed / sizeof *blamed; i++) {
        int64_t count = 0;
        snprintf(world->ledger, sizeof world->ledger, "%s/l%zu", world->folder, i);
        while (count < 3 && others[i][count].account != NULL)
            count++;
        begin_ledger(world, others[i], count);
        post(world, TOLL_EDATA, blamed[i], 1);
    }
}

static void test_adjusting_lines_that_contradict_themselves(void **state)
{
    const struct toll_adjusting_row good = {1,  "acme",  "Acme", "", "USD", "2026-03-01", "period",
                                            "", "debit", "due",  0,  MONEY, 2 * MONEY};
    const struct toll_ledger_row rows[] = {{"acme", "USD", 0, 4 * MONEY, 0, 0},
                                           {"beta", "USD", 0, 5 * MONEY, 0, 0}};
    struct toll_adjusting_row bad[3] = {good, good, good};
    struct world *world = *state;
    begin_ledger(world, rows, 2);
    bad[0].kind = "credit";
    bad[1].new_charge = MONEY; /* nothing to adjust */
    bad[2].old_charge = 3 * MONEY;
    for (unsigned i = 0; i < 3; i++) {
        snprintf(world->delta, sizeof world->delta, "%s/d%u", world->folder, i);
        put_delta(world->delta, &bad[i], true);
        post(world, TOLL_EDATA, "adjusting.arrow", 1);
    }
    snprintf(world->delta, sizeof world->delta, "%s/open", world->folder);
    put_delta(world->delta, &good, false); /* without a state nothing was billed */
    post(world, TOLL_EDATA, "adjusting.arrow", 1);
    snprintf(world->delta, sizeof world->delta, "%s/good", world->folder);
    put_delta(world->delta, &good, true);
    post(world, 0, "", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_delta_that_goes_on_is_posted, begin, end),
        cmocka_unit_test_setup_teardown(test_a_delta_of_other_charges_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_adjusting_lines_that_contradict_themselves, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
