/* What an account owes: expectations by hand, and whole numbers against fractions. */
#include "tax/account.h"
#include "tax/account_memory.h"
#include "tax_tables.h"

#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PER_MONEY INT64_C(1000000) /* 1e-14 in 1e-8 */
#define CENT (TOLL_MONEY_UNIT / 100)

struct fixture {
    struct tax_world *world;
    const struct toll_tax_index *index;
    struct toll_arena arena;
    struct toll_tax_ledger ledger;
    struct toll_tax_account account;
    int32_t state;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->world = tax_world_create();
    f->state = tax_jurisdiction(f->world, "TX", TOLL_TAX_STATE, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    toll_tax_account_free(&f->account);
    toll_tax_ledger_free(&f->ledger);
    toll_arena_free(&f->arena);
    free(f->world);
    free(f);
    return 0;
}

static void recipe(struct fixture *f, unsigned kinds, struct toll_tax_recipe *out)
{
    const struct toll_tax_set place = {&f->state, 1};
    const struct toll_tax_facts facts = {.place = place,
                                         .origin = place,
                                         .two_of_three = place,
                                         .customer_class = "",
                                         .seller = "",
                                         .kinds = kinds};
    if (f->index == NULL)
        assert_int_equal(toll_tax_index_build(&f->world->tables, &f->arena, &f->index, NULL), 0);
    assert_int_equal(
        toll_tax_recipe_make(&f->world->tables, f->index, &facts, &f->ledger, &f->arena, out, NULL), 0);
}

static void evaluate(struct fixture *f, const struct toll_tax_charge_line *lines, size_t count,
                     uint32_t sites)
{
    assert_int_equal(
        toll_tax_account_evaluate(&f->account, &f->world->tables, &f->ledger, lines, count, sites, NULL), 0);
}

static const char *text(const struct toll_tax_sum *sum)
{
    static char out[TOLL_RATIONAL_TEXT_BYTES];
    assert_true(toll_tax_sum_text(sum, out));
    return out;
}

/* ---- sums ---- */

static void test_cents_are_cut_towards_minus_infinity(void **state)
{
    (void)state;
    /* The unit is 1/60 of 1e-26: a cent has 6e25 of them. */
    const toll_total cent = (toll_total)60000000000000 * 1000000000000;
    const struct {
        toll_total fixed;
        int64_t cents;
        toll_total rest;
    } cases[] = {{0, 0, 0},
                 {cent, 1, 0},
                 {cent - 1, 0, cent - 1},
                 {-1, -1, cent - 1},
                 {-cent, -1, 0},
                 {-cent - 1, -2, cent - 1},
                 {12345 * cent + 7, 12345, 7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        toll_total rest;
        assert_int_equal(toll_tax_fixed_floor(cases[i].fixed, &rest), cases[i].cents);
        assert_true(rest == cases[i].rest);
    }
}

static void test_sums_join_both_kinds(void **state)
{
    struct toll_arena arena = {0};
    struct toll_tax_sum sum = {0};
    struct toll_rational third;
    int64_t cents;
    (void)state;
    toll_rational_of(&third, 1, 3);
    assert_true(toll_tax_sum_add_fixed(&sum, (toll_total)60 * 1000000000 * 1000000000 * 50000000)); /* 0.5 */
    assert_true(toll_tax_sum_add_rational(&sum, &third, &arena));
    assert_string_equal(text(&sum), "5/6");
    assert_true(toll_tax_sum_cents(&sum, TOLL_HALF_UP, &cents));
    assert_int_equal(cents, 83);
    assert_true(toll_tax_sum_cents(&sum, TOLL_UP, &cents));
    assert_int_equal(cents, 84);
    toll_arena_free(&arena);
}

static void test_texts_of_whole_numbers(void **state)
{
    /* The unit is 1/60 of 1e-26. */
    const toll_total one = (toll_total)60 * 1000000000 * 1000000000 * 100000000;
    const struct {
        toll_total fixed;
        const char *text;
    } cases[] = {{0, "0"},
                 {one, "1"},
                 {-one, "-1"},
                 {one / 100 * 210, "2.1"},
                 {-one / 10, "-0.1"},
                 {12000 * one, "12000"},
                 {60, "0.00000000000000000000000001"},
                 {3, "0.0000000000000000000000000005"},
                 {one / 3, "1/3"},
                 {-1, "-1/6000000000000000000000000000"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct toll_tax_sum sum = {.fixed = cases[i].fixed};
        assert_string_equal(text(&sum), cases[i].text);
    }
}

/* ---- brackets, threshold, cap ---- */

static void expect_curve(struct fixture *f, const struct toll_tax_series *series, int64_t n, int64_t d,
                         const char *tax, const char *base)
{
    struct toll_rational x, taxed, owed;
    char out[TOLL_RATIONAL_TEXT_BYTES];
    toll_rational_of(&x, n, d);
    assert_true(toll_tax_curve(&f->world->tables, series, &x, &owed, &taxed));
    toll_rational_text(&owed, out);
    assert_string_equal(out, tax);
    toll_rational_text(&taxed, out);
    assert_string_equal(out, base);
}

static void add_bracket(struct fixture *f, struct toll_tax_series *series, int64_t from, int64_t rate)
{
    f->world->brackets[f->world->tables.bracket_count++] =
        (struct toll_tax_bracket){.from = from, .rate = rate};
    series->bracket_count++;
}

/* 10 % to 100, 5 % to 200, then 1 %; the first 20 are free, and never more than 16. */
static void test_a_curve_of_money(void **state)
{
    struct fixture *f = *state;
    struct toll_tax *tax = tax_of(f->world, "t", TOLL_TAX_RATE);
    struct toll_tax_series *series = tax_row(f->world, tax, f->state, 0, TOLL_TAX_ONE / 10);
    add_bracket(f, series, 100 * TOLL_MONEY_UNIT, TOLL_TAX_ONE / 20);
    add_bracket(f, series, 200 * TOLL_MONEY_UNIT, TOLL_TAX_ONE / 100);
    series->threshold = 20 * TOLL_MONEY_UNIT;
    series->cap = 16 * TOLL_MONEY_UNIT;
    expect_curve(f, series, 0, 1, "0", "0");
    expect_curve(f, series, 20, 1, "0", "0");
    expect_curve(f, series, 61, 3, "1/30", "1/3"); /* a third above the threshold */
    expect_curve(f, series, 120, 1, "10", "100");  /* the first bracket, whole */
    expect_curve(f, series, 130, 1, "10.5", "110");
    expect_curve(f, series, 320, 1, "16", "300"); /* 10 + 5 + 1 */
    expect_curve(f, series, 1000, 1, "16", "980");
    expect_curve(f, series, -130, 1, "-10.5", "-110");
}

/* 0.50 a line, above 3 lines, up to 10. */
static void test_a_curve_of_lines(void **state)
{
    struct fixture *f = *state;
    struct toll_tax *tax = tax_of(f->world, "t", TOLL_TAX_PER_LINE);
    struct toll_tax_series *series = tax_row(f->world, tax, f->state, 0, TOLL_MONEY_UNIT / 2);
    series->threshold = 3 * TOLL_TAX_QUANTITY_ONE;
    series->cap = 10 * TOLL_TAX_QUANTITY_ONE;
    expect_curve(f, series, 2, 1, "0", "0");
    expect_curve(f, series, 7, 2, "0.25", "0.5");
    expect_curve(f, series, 12, 1, "3.5", "7");
}

/* ---- lines that count ---- */

static void add_basis(struct tax_world *w, struct toll_tax *tax, const char *type, int64_t weight)
{
    static struct toll_tax_line_basis rows[64];
    w->tables.line_bases = rows;
    if (tax->basis_count++ == 0)
        tax->basis_first = w->tables.line_basis_count;
    rows[w->tables.line_basis_count++] =
        (struct toll_tax_line_basis){.type = tax_text(w, type), .weight = weight};
}

static void test_counted_lines(void **state)
{
    struct fixture *f = *state;
    struct toll_tax *tax = tax_of(f->world, "t", TOLL_TAX_PER_LINE);
    const struct toll_tax_tables *tables = &f->world->tables;
    toll_total n;
    int64_t d;
    f->world->tables.line_basis_count = 0;
    add_basis(f->world, tax, "pri", 24 * TOLL_TAX_QUANTITY_ONE);
    add_basis(f->world, tax, "seat", TOLL_TAX_QUANTITY_ONE / 2);
    const struct toll_tax_inventory half_month = {"pri", 2, 15, 30, true}, seats = {"seat", 3, 30, 30, true},
                                    fax = {"fax", 9, 30, 30, true};
    assert_true(toll_tax_count(tables, tax, &half_month, &n, &d));
    assert_true(n == 48 * TOLL_TAX_QUANTITY_ONE * d);
    assert_true(toll_tax_count(tables, tax, &seats, &n, &d));
    assert_true(n == 3 * TOLL_TAX_QUANTITY_ONE / 2 * d);
    assert_false(toll_tax_count(tables, tax, &fax, &n, &d));
    tax->part_month = TOLL_TAX_MONTH_PRORATED;
    assert_true(toll_tax_count(tables, tax, &half_month, &n, &d));
    assert_true(n * 2 == 48 * TOLL_TAX_QUANTITY_ONE * d);
    tax->part_month = TOLL_TAX_MONTH_NONE;
    assert_false(toll_tax_count(tables, tax, &half_month, &n, &d));
    assert_true(toll_tax_count(tables, tax, &seats, &n, &d));
    /* The location counts whatever the row's type is, and is not a part of a month. */
    add_basis(f->world, tax, "location", 5 * TOLL_TAX_QUANTITY_ONE);
    assert_true(toll_tax_count(tables, tax, &fax, &n, &d));
    assert_true(n == 5 * TOLL_TAX_QUANTITY_ONE * d);
    assert_true(toll_tax_count(tables, tax, &half_month, &n, &d));
    assert_true(n == 5 * TOLL_TAX_QUANTITY_ONE * d);
    tax->part_month = TOLL_TAX_MONTH_PRORATED;
    assert_true(toll_tax_count(tables, tax, &half_month, &n, &d));
    assert_true(n == (24 + 5) * TOLL_TAX_QUANTITY_ONE * d);
}

/* ---- an account ---- */

/* 5 % of 0.10, 0.30, 0.10 and 0.02: 0.005, 0.015, 0.005 and 0.001 are 0.026, half up 0.03. The second has a
 * cent; of the two left one goes to the first and one to the second, which have the same rest as the third.
 */
static void test_cents_go_to_the_largest_rest(void **state)
{
    struct fixture *f = *state;
    struct toll_tax_recipe taxed;
    static const int64_t charges[] = {10, 30, 10, 2}, cents[] = {1, 2, 0, 0};
    struct toll_tax_charge_line lines[4] = {0};
    tax_row(f->world, tax_of(f->world, "t", TOLL_TAX_RATE), f->state, 0, TOLL_TAX_ONE / 20);
    recipe(f, TOLL_TAX_KINDS_VOICE, &taxed);
    for (size_t i = 0; i < 4; i++) {
        lines[i].recipe = &taxed;
        lines[i].site = i % 2;
        lines[i].charge = (toll_total)charges[i] * CENT * PER_MONEY;
    }
    evaluate(f, lines, 4, 2);
    assert_int_equal(f->account.item_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(f->account.items[i].cents, cents[i]);
    assert_int_equal(f->account.row_count, 2);
    assert_int_equal(f->account.rows[0].site, 0);
    assert_int_equal(f->account.rows[0].cents, 1);
    assert_int_equal(f->account.rows[0].lines, 2);
    assert_string_equal(text(&f->account.rows[0].measure[TOLL_TAX_EXACT]), "0.01");
    assert_int_equal(f->account.rows[1].cents, 2);
    assert_string_equal(text(&f->account.rows[1].measure[TOLL_TAX_TAXED_BASE]), "0.32");
}

/* What is charged is more than whole numbers can hold: 80 billion at 400 %, 200 times. */
static void test_sums_that_do_not_fit_are_fractions(void **state)
{
    struct fixture *f = *state;
    struct toll_tax_recipe taxed;
    struct toll_tax_charge_line lines[200] = {0};
    tax_row(f->world, tax_of(f->world, "t", TOLL_TAX_RATE), f->state, 0, 4 * TOLL_TAX_ONE);
    recipe(f, TOLL_TAX_KINDS_VOICE, &taxed);
    for (size_t i = 0; i < 200; i++) {
        lines[i].recipe = &taxed;
        lines[i].charge = (toll_total)80000000 * TOLL_MONEY_UNIT * PER_MONEY * (i < 100 ? 1 : 1000);
    }
    evaluate(f, lines, 200, 1);
    /* 100 x 80 million + 100 x 80 billion = 8,008,000,000,000, times 4 */
    assert_string_equal(text(&f->account.rows[0].measure[TOLL_TAX_EXACT]), "32032000000000");
    assert_int_equal(f->account.rows[0].cents, INT64_C(3203200000000000));
}

/* Random lines as whole numbers and the same as fractions: nothing differs. */
static void test_whole_numbers_and_fractions_agree(void **state)
{
    struct fixture *f = *state;
    enum { LINES = 60, TURNS = 40 };
    struct toll_tax_recipe recipes[2];
    static struct toll_tax_charge_line lines[LINES];
    static struct toll_rational exact[LINES];
    static struct toll_tax_row rows[64];
    struct toll_tax *first = tax_of(f->world, "a", TOLL_TAX_RATE), *minute;
    tax_row(f->world, first, f->state, 0, INT64_C(62500000000));
    struct toll_tax *second = tax_of(f->world, "b", TOLL_TAX_RATE);
    tax_on(f->world, tax_row(f->world, second, f->state, 0, INT64_C(5950000001)), first);
    second->rounding = TOLL_DOWN;
    minute = tax_of(f->world, "c", TOLL_TAX_PER_MINUTE);
    tax_row(f->world, minute, f->state, 0, 400001);
    minute->round_scope = TOLL_TAX_ROUND_INVOICE_LINE;
    struct toll_tax *fourth = tax_of(f->world, "d", TOLL_TAX_RATE);
    tax_row(f->world, fourth, f->state, 0, INT64_C(333333333333));
    fourth->round_scope = TOLL_TAX_ROUND_LINE;
    fourth->rounding = TOLL_HALF_EVEN;
    recipe(f, TOLL_TAX_KINDS_VOICE, &recipes[0]);
    recipe(f, TOLL_TAX_KINDS_PLAIN, &recipes[1]);
    assert_true(recipes[0].parts[0].fast && recipes[0].parts[1].fast);
    uint64_t random = 11;
    for (int turn = 0; turn < TURNS; turn++) {
        for (size_t i = 0; i < LINES; i++) {
            const int64_t charge = (int64_t)(random_next(&random) % 20000000000) - 5000000000;
            lines[i] = (struct toll_tax_charge_line){.recipe = &recipes[random_next(&random) % 2],
                                                     .site = (uint32_t)(random_next(&random) % 4),
                                                     .charge = (toll_total)charge * PER_MONEY};
            if (lines[i].recipe == &recipes[0])
                lines[i].seconds = (int64_t)(random_next(&random) % 5000);
            toll_rational_of(&exact[i], charge, TOLL_MONEY_UNIT);
        }
        evaluate(f, lines, LINES, 4);
        const uint32_t count = f->account.row_count;
        assert_in_range(count, 1, 64);
        memcpy(rows, f->account.rows, count * sizeof *rows);
        for (uint32_t i = 0; i < count; i++)
            assert_null(rows[i].measure[TOLL_TAX_EXACT].rest);
        for (size_t i = 0; i < LINES; i++)
            lines[i].net = &exact[i];
        evaluate(f, lines, LINES, 4);
        assert_int_equal(f->account.row_count, count);
        for (uint32_t i = 0; i < count; i++) {
            char whole[TOLL_RATIONAL_TEXT_BYTES];
            const struct toll_tax_row *row = &f->account.rows[i];
            assert_int_equal(row->cents, rows[i].cents);
            assert_int_equal(row->tone, rows[i].tone);
            assert_int_equal(row->lines, rows[i].lines);
            for (unsigned k = 0; k < TOLL_TAX_MEASURES; k++) {
                strcpy(whole, text(&rows[i].measure[k]));
                assert_string_equal(whole, text(&row->measure[k]));
            }
        }
    }
}

/* ---- with the charges of several books ---- */

/* 3.6 % that stands on itself is 9/241 of the charge; half up to a cent. On 10.00 and 2.41 together
 * 0.4634..., 46 cents; with 0.31 more on the first 0.4750..., 48; with 1.21 less on the second 0.4182..., 42.
 */
static void test_books_beside_each_other_by_hand(void **state)
{
    struct fixture *f = *state;
    struct toll_tax_recipe taxed;
    struct toll_tax_charge_line lines[2] = {0};
    static const int64_t first[] = {31 * CENT, 0, 0}, second[] = {0, -121 * CENT, 0};
    const int64_t *const of_line[] = {first, second};
    const struct toll_tax_beside beside = {of_line, 3};
    int64_t cents[4];
    struct toll_tax *tax = tax_of(f->world, "t", TOLL_TAX_RATE);
    tax_on(f->world, tax_row(f->world, tax, f->state, 0, INT64_C(36000000000)), tax);
    tax_row(f->world, tax_of(f->world, "nobody's", TOLL_TAX_RATE), f->state, 0, TOLL_TAX_ONE / 2);
    f->world->taxes[2].billable = 0;
    recipe(f, TOLL_TAX_KINDS_VOICE, &taxed);
    for (size_t i = 0; i < 2; i++)
        lines[i] = (struct toll_tax_charge_line){
            .recipe = &taxed, .charge = (toll_total)(i == 0 ? 1000 : 241) * CENT * PER_MONEY};
    assert_int_equal(
        toll_tax_account_cents(&f->account, &f->world->tables, &f->ledger, lines, 2, 1, &beside, cents, NULL),
        0);
    assert_int_equal(cents[0], 46);
    assert_int_equal(cents[1], 48);
    assert_int_equal(cents[2], 42);
    assert_int_equal(cents[3], 46);
    assert_true(lines[0].charge == (toll_total)1000 * CENT * PER_MONEY);
}

/* Every tax that can be, by each of three books, against an evaluation of its charges alone; with `late`
 * there is one with a threshold, which must be evaluated book by book. */
static void books_agree(struct fixture *f, bool late)
{
    enum { LINES = 40, BOOKS = 3, TURNS = 60 };
    static struct toll_tax_charge_line lines[LINES];
    static int64_t moves[LINES][BOOKS];
    static const int64_t *of_line[LINES];
    struct toll_tax_recipe recipes[2];
    uint64_t random = 5;
    struct toll_tax *self = tax_of(f->world, "a", TOLL_TAX_RATE);
    tax_on(f->world, tax_row(f->world, self, f->state, 0, INT64_C(36000000000)), self);
    struct toll_tax *plain = tax_of(f->world, "b", TOLL_TAX_RATE);
    tax_row(f->world, plain, f->state, 0, INT64_C(76600000000));
    plain->rounding = TOLL_UP;
    plain->round_scope = TOLL_TAX_ROUND_LINE;
    struct toll_tax *minute = tax_of(f->world, "c", TOLL_TAX_PER_MINUTE);
    tax_row(f->world, minute, f->state, 0, 400001);
    struct toll_tax *on = tax_of(f->world, "d", TOLL_TAX_RATE);
    struct toll_tax_series *on_row = tax_row(f->world, on, f->state, 0, INT64_C(71000000000));
    tax_on(f->world, on_row, minute);
    tax_on(f->world, on_row, on);
    on->round_scope = TOLL_TAX_ROUND_INVOICE_LINE;
    on->rounding = TOLL_HALF_EVEN;
    tax_row(f->world, tax_of(f->world, "e", TOLL_TAX_RATE), f->state, 0, TOLL_TAX_ONE / 3);
    f->world->taxes[5].billable = 0;
    if (late)
        tax_row(f->world, tax_of(f->world, "f", TOLL_TAX_RATE), f->state, 0, TOLL_TAX_ONE / 10)->threshold =
            50 * TOLL_MONEY_UNIT;
    recipe(f, TOLL_TAX_KINDS_VOICE, &recipes[0]);
    recipe(f, TOLL_TAX_KINDS_PLAIN, &recipes[1]);
    for (int turn = 0; turn < TURNS; turn++) {
        int64_t cents[1 + BOOKS];
        for (size_t i = 0; i < LINES; i++) {
            lines[i] = (struct toll_tax_charge_line){
                .recipe = random_next(&random) % 9 == 0 ? NULL : &recipes[i % 2],
                .site = (uint32_t)(random_next(&random) % 4),
                .charge = (toll_total)(random_next(&random) % 20000000000) * PER_MONEY};
            if (lines[i].recipe == &recipes[0])
                lines[i].seconds = (int64_t)(random_next(&random) % 5000);
            for (size_t k = 0; k < BOOKS; k++)
                moves[i][k] = k == 1 ? 0 : (int64_t)(random_next(&random) % 2000000000) - 500000000;
            of_line[i] = random_next(&random) % 3 == 0 ? NULL : moves[i];
        }
        const struct toll_tax_beside beside = {of_line, BOOKS};
        assert_int_equal(toll_tax_account_cents(&f->account, &f->world->tables, &f->ledger, lines, LINES, 4,
                                                &beside, cents, NULL),
                         0);
        for (size_t k = 0; k <= BOOKS; k++) {
            struct toll_tax_charge_line own[LINES];
            int64_t wanted = 0;
            for (size_t i = 0; i < LINES; i++) {
                own[i] = lines[i];
                own[i].charge += k == 0 || of_line[i] == NULL ? 0 : (toll_total)moves[i][k - 1] * PER_MONEY;
            }
            evaluate(f, own, LINES, 4);
            for (uint32_t i = 0; i < f->account.row_count; i++) {
                const struct toll_tax_tone *tone = &f->ledger.list[f->account.rows[i].tone];
                wanted += f->world->taxes[tone->tax].billable ? f->account.rows[i].cents : 0;
            }
            assert_int_equal(cents[k], wanted);
        }
    }
}

static void test_books_beside_each_other_agree(void **state)
{
    books_agree(*state, false);
}

static void test_books_with_late_taxes_agree(void **state)
{
    books_agree(*state, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cents_are_cut_towards_minus_infinity),
        cmocka_unit_test(test_sums_join_both_kinds),
        cmocka_unit_test(test_texts_of_whole_numbers),
        cmocka_unit_test_setup_teardown(test_a_curve_of_money, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_curve_of_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counted_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cents_go_to_the_largest_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sums_that_do_not_fit_are_fractions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whole_numbers_and_fractions_agree, setup, teardown),
        cmocka_unit_test_setup_teardown(test_books_beside_each_other_by_hand, setup, teardown),
        cmocka_unit_test_setup_teardown(test_books_beside_each_other_agree, setup, teardown),
        cmocka_unit_test_setup_teardown(test_books_with_late_taxes_agree, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
