/* Exact decimals: every expectation is written out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the headers it needs */
#include <cmocka.h>
#include <string.h>

#include "base/money.h"
#include "random.h"

#define UNTOUCHED INT64_C(77)

static void parses_decimals(void **state)
{
    static const struct {
        const char *text;
        int decimals, code;
        int64_t value;
    } cases[] = {
        {"0", 8, 0, 0},
        {"-0", 8, 0, 0},
        {"1", 8, 0, 100000000},
        {"-12.5", 8, 0, -1250000000},
        {"+.5", 8, 0, 50000000},
        {"7.", 8, 0, 700000000},
        {"0.00000001", 8, 0, 1},
        {"0.0000000100000000000000000000", 8, 0, 1},
        {"000000000000000000000000000000012", 0, 0, 12},
        {"12.0", 0, 0, 12},
        {"0.123456789012345678", 18, 0, INT64_C(123456789012345678)},
        {"92233720368.54775807", 8, 0, INT64_MAX},
        {"-92233720368.54775808", 8, 0, INT64_MIN},
        {"9223372036854775807", 0, 0, INT64_MAX},
        {"-9223372036854775808", 0, 0, INT64_MIN},
        {"", 8, -1, UNTOUCHED},
        {".", 8, -1, UNTOUCHED},
        {"-", 8, -1, UNTOUCHED},
        {"-.", 8, -1, UNTOUCHED},
        {"--1", 8, -1, UNTOUCHED},
        {"1.2.3", 8, -1, UNTOUCHED},
        {"1e3", 8, -1, UNTOUCHED},
        {"1,000", 8, -1, UNTOUCHED},
        {" 1", 8, -1, UNTOUCHED},
        {"1 ", 8, -1, UNTOUCHED},
        {"0x1", 8, -1, UNTOUCHED},
        {"99999999999999999999x", 8, -1, UNTOUCHED},
        {"0.000000001", 8, -2, UNTOUCHED},
        {"0.5", 0, -2, UNTOUCHED},
        {"92233720368.54775808", 8, -3, UNTOUCHED},
        {"-92233720368.54775809", 8, -3, UNTOUCHED},
        {"92233720369", 8, -3, UNTOUCHED},
        {"18446744073709551616", 0, -3, UNTOUCHED},
        {"99999999999999999999999999999999", 0, -3, UNTOUCHED},
        {"10", 18, -3, UNTOUCHED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = UNTOUCHED;

        print_message("%s\n", cases[i].text);
        assert_int_equal(toll_decimal_parse(cases[i].text, strlen(cases[i].text), cases[i].decimals, &value),
                         cases[i].code);
        assert_true(value == cases[i].value);
    }
}

static void parses_money_of_a_given_length(void **state)
{
    toll_money money = 0;

    (void)state;
    assert_int_equal(toll_money_parse("1.25rest", 4, &money), 0);
    assert_int_equal(money, 125000000);
    assert_int_equal(toll_money_parse("x", 0, &money), -1);
}

static void formats(void **state)
{
    static const struct {
        int64_t value;
        int decimals;
        const char *text;
    } cases[] = {
        {0, 8, "0.00000000"},
        {1, 8, "0.00000001"},
        {-1, 8, "-0.00000001"},
        {-1250000000, 8, "-12.50000000"},
        {100000000, 8, "1.00000000"},
        {12345, 0, "12345"},
        {0, 0, "0"},
        {-7, 0, "-7"},
        {12345, 2, "123.45"},
        {5, 1, "0.5"},
        {INT64_MAX, 8, "92233720368.54775807"},
        {INT64_MIN, 8, "-92233720368.54775808"},
        {1, 18, "0.000000000000000001"},
    };
    char buffer[TOLL_TOTAL_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(toll_total_format(cases[i].value, cases[i].decimals, buffer), strlen(cases[i].text));
        assert_string_equal(buffer, cases[i].text);
    }
    assert_int_equal(toll_money_format(-50000000, buffer), 11);
    assert_string_equal(buffer, "-0.50000000");
}

static void formats_totals_beyond_64_bits(void **state)
{
    toll_total ten_to_19 = (toll_total)1000000000 * 1000000000 * 10;
    toll_total minimum = -((((toll_total)1 << 126) - 1) * 2 + 1) - 1;
    char buffer[TOLL_TOTAL_TEXT_BYTES];

    (void)state;
    toll_total_format(ten_to_19 * 2 + 5, 8, buffer); /* above 2^64 = 18,446,744,073,709,551,616 */
    assert_string_equal(buffer, "200000000000.00000005");
    toll_total_format(-ten_to_19 * 100, 0, buffer);
    assert_string_equal(buffer, "-1000000000000000000000");
    toll_total_format(minimum, 0, buffer); /* -2^127 */
    assert_string_equal(buffer, "-170141183460469231731687303715884105728");
    toll_total_format(minimum, 18, buffer);
    assert_string_equal(buffer, "-170141183460469231731.687303715884105728");
}

static void narrows(void **state)
{
    toll_money money = UNTOUCHED;

    (void)state;
    assert_false(toll_money_narrow((toll_total)INT64_MAX + 1, &money));
    assert_false(toll_money_narrow((toll_total)INT64_MIN - 1, &money));
    assert_int_equal(money, UNTOUCHED);
    assert_true(toll_money_narrow(INT64_MAX, &money));
    assert_true(money == INT64_MAX);
    assert_true(toll_money_narrow(INT64_MIN, &money));
    assert_true(money == INT64_MIN);
}

static void rounds(void **state)
{
    static const struct {
        int numerator, denominator, half_up, half_even, up, down;
    } cases[] = {
        {0, 3, 0, 0, 0, 0},      {6, 3, 2, 2, 2, 2},      {1, 3, 0, 0, 1, 0},          {2, 3, 1, 1, 1, 0},
        {1, 2, 1, 0, 1, 0},      {3, 2, 2, 2, 2, 1},      {5, 2, 3, 2, 3, 2},          {-1, 2, -1, 0, -1, 0},
        {-3, 2, -2, -2, -2, -1}, {-5, 2, -3, -2, -3, -2}, {-1, 3, 0, 0, -1, 0},        {-2, 3, -1, -1, -1, 0},
        {-6, 3, -2, -2, -2, -2}, {7, 1, 7, 7, 7, 7},      {49, 100, 0, 0, 1, 0},       {51, 100, 1, 1, 1, 0},
        {250, 100, 3, 2, 3, 2},  {350, 100, 4, 4, 4, 3},  {-250, 100, -3, -2, -3, -2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int n = cases[i].numerator, d = cases[i].denominator;

        print_message("%d/%d\n", n, d);
        assert_true(toll_round_ratio(n, d, TOLL_HALF_UP) == cases[i].half_up);
        assert_true(toll_round_ratio(n, d, TOLL_HALF_EVEN) == cases[i].half_even);
        assert_true(toll_round_ratio(n, d, TOLL_UP) == cases[i].up);
        assert_true(toll_round_ratio(n, d, TOLL_DOWN) == cases[i].down);
    }
}

static void rounds_at_the_limits(void **state)
{
    toll_total maximum = (((toll_total)1 << 126) - 1) * 2 + 1, minimum = -maximum - 1;
    toll_total two_to_126 = (toll_total)1 << 126;

    (void)state;
    assert_true(toll_round_ratio(minimum, 1, TOLL_HALF_UP) == minimum);
    assert_true(toll_round_ratio(maximum, 1, TOLL_UP) == maximum);
    assert_true(toll_round_ratio(maximum, 2, TOLL_DOWN) == two_to_126 - 1);
    assert_true(toll_round_ratio(maximum, 2, TOLL_HALF_UP) == two_to_126);
    assert_true(toll_round_ratio(maximum - 1, maximum, TOLL_HALF_UP) == 1);
    assert_true(toll_round_ratio(1, maximum, TOLL_HALF_UP) == 0);
    assert_true(toll_round_ratio(1, maximum, TOLL_UP) == 1);
    assert_true(toll_round_ratio(minimum, maximum, TOLL_UP) == -2);
    assert_true(toll_round_ratio(minimum, maximum, TOLL_HALF_EVEN) == -1);
    /* A 64-bit numerator over a larger denominator, and the other way round. */
    assert_true(toll_round_ratio(5, (toll_total)1 << 80, TOLL_UP) == 1);
    assert_true(toll_round_ratio((toll_total)3 << 79, (toll_total)1 << 80, TOLL_HALF_EVEN) == 2);
    assert_true(toll_round_ratio((toll_total)1 << 80, 1 << 10, TOLL_HALF_EVEN) == (toll_total)1 << 70);
}

/* A sign takes the long way, which has been there for longer. */
static void short_texts_parse_as_signed_ones(void **state)
{
    static const char letters[] = "0123456789012345..- x";
    uint64_t seed = 1;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        char text[16] = "+";
        const size_t bytes = random_next(&seed) % 13;
        const int decimals = (int)(random_next(&seed) % 10);
        int64_t plain = UNTOUCHED, long_way = UNTOUCHED;

        for (size_t k = 0; k < bytes; k++)
            text[1 + k] = letters[random_next(&seed) % (sizeof(letters) - 1 - 3 * (i % 2))];
        if (text[1] == '-')
            continue;
        assert_int_equal(toll_decimal_parse(text + 1, bytes, decimals, &plain),
                         toll_decimal_parse(text, bytes + 1, decimals, &long_way));
        assert_true(plain == long_way);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_decimals),
        cmocka_unit_test(short_texts_parse_as_signed_ones),
        cmocka_unit_test(parses_money_of_a_given_length),
        cmocka_unit_test(formats),
        cmocka_unit_test(formats_totals_beyond_64_bits),
        cmocka_unit_test(narrows),
        cmocka_unit_test(rounds),
        cmocka_unit_test(rounds_at_the_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
