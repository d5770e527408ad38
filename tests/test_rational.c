/*
 * Exact fractions: the table that rational_cases.py makes with Python's, values by hand, and the laws of
 * arithmetic on random fractions with every result reduced.
 */
#include "base/arena.h"
#include "random.h"
#include "tax/rational.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint16_t read_hex(const char *text, size_t length, uint64_t *word)
{
    uint16_t count = 0;

    while (length > 0) {
        const size_t take = length < 16 ? length : 16;
        char digits[17] = {0};
        memcpy(digits, text + length - take, take);
        word[count++] = strtoull(digits, NULL, 16);
        length -= take;
    }
    while (count > 0 && word[count - 1] == 0)
        count--;
    return count;
}

static void read_number(const char *text, struct toll_rational *out)
{
    const bool negative = *text == '-';
    const char *p = text + negative, *slash = strchr(p, '/');

    memset(out, 0xA5, sizeof *out);
    out->negative = negative;
    out->p_count = read_hex(p, (size_t)(slash - p), out->word);
    out->q_count = read_hex(slash + 1, strlen(slash + 1), out->word + out->p_count);
}

static bool same(const struct toll_rational *a, const struct toll_rational *b)
{
    return a->p_count == b->p_count && a->q_count == b->q_count && a->negative == b->negative &&
           memcmp(a->word, b->word, sizeof *a->word * ((size_t)a->p_count + a->q_count)) == 0;
}

typedef bool operation(struct toll_rational *out, const struct toll_rational *a,
                       const struct toll_rational *b);
static const struct {
    const char *name;
    operation *run;
} operations[] = {{"add", toll_rational_add},
                  {"subtract", toll_rational_subtract},
                  {"multiply", toll_rational_multiply},
                  {"divide", toll_rational_divide}};

static void check_operation(operation *run, const char *a_text, const char *b_text, const char *expected)
{
    struct toll_rational a, b, right, got;
    const bool fits = strcmp(expected, "no") != 0;

    read_number(a_text, &a);
    read_number(b_text, &b);
    memset(&got, 0x5A, sizeof got);
    assert_int_equal(run(&got, &a, &b), fits);
    struct toll_rational in_place_a, in_place_b; /* results may be operands */
    memcpy(&in_place_a, &a, sizeof a);
    memcpy(&in_place_b, &b, sizeof b);
    assert_int_equal(run(&in_place_a, &in_place_a, &b), fits);
    assert_int_equal(run(&in_place_b, &a, &in_place_b), fits);
    if (fits) {
        read_number(expected, &right);
        assert_true(same(&got, &right));
        assert_true(same(&in_place_a, &right));
        assert_true(same(&in_place_b, &right));
    } else {
        assert_true(same(&in_place_a, &a));
        assert_true(same(&in_place_b, &b));
    }
}

static void check_whole(const char *how, const char *value, const char *decimals, const char *expected)
{
    static const char *const roundings[] = {"half_up", "half_even", "up", "down"};
    struct toll_rational a;
    int64_t got = 0;
    bool fits = false, known = false;

    read_number(value, &a);
    for (int i = 0; i < 4; i++) {
        if (strcmp(how, roundings[i]) == 0) {
            fits = toll_rational_round(&a, atoi(decimals), (enum toll_rounding)i, &got);
            known = true;
        }
    }
    if (!known)
        fits = strcmp(how, "floor") == 0 ? toll_rational_floor(&a, atoi(decimals), &got)
                                         : toll_rational_exact(&a, atoi(decimals), &got);
    assert_int_equal(fits, strcmp(expected, "no") != 0);
    if (fits)
        assert_int_equal(got, strtoll(expected, NULL, 10));
}

static void check_case(const char *op, const char *a_text, const char *b_text, const char *expected)
{
    struct toll_rational a, b;

    for (size_t i = 0; i < 4; i++) {
        if (strcmp(op, operations[i].name) == 0) {
            check_operation(operations[i].run, a_text, b_text, expected);
            return;
        }
    }
    if (strcmp(op, "compare") == 0) {
        read_number(a_text, &a);
        read_number(b_text, &b);
        assert_int_equal(toll_rational_compare(&a, &b), atoi(expected));
    } else if (strcmp(op, "text") == 0) {
        char text[TOLL_RATIONAL_TEXT_BYTES];
        read_number(a_text, &a);
        assert_int_equal(toll_rational_text(&a, text), strlen(expected));
        assert_string_equal(text, expected);
        assert_true(toll_rational_parse(&b, expected));
        assert_true(same(&a, &b));
    } else {
        check_whole(op, a_text, b_text, expected);
    }
}

static void test_table(void **state)
{
    (void)state;
    FILE *file = fopen(TOLL_SOURCE_DIR "/tests/rational_cases.txt", "r");
    static char op[16], a[1600], b[1600], expected[1600];
    int cases = 0;

    assert_non_null(file);
    while (fscanf(file, "%15s %1599s %1599s %1599s", op, a, b, expected) == 4) {
        check_case(op, a, b, expected);
        cases++;
    }
    fclose(file);
    assert_true(cases > 1500);
}

static void assert_text(const struct toll_rational *a, const char *expected)
{
    char text[TOLL_RATIONAL_TEXT_BYTES];

    toll_rational_text(a, text);
    assert_string_equal(text, expected);
}

/* docs/TAX.md 8.2: e = 0.025 x 100 / (1 - 0.03095). */
static void test_by_hand(void **state)
{
    (void)state;
    struct toll_rational a, b;
    int64_t n;

    toll_rational_of(&a, 250, 100);
    assert_text(&a, "2.5");
    toll_rational_of(&b, 96905, 100000);
    assert_true(toll_rational_divide(&a, &a, &b));
    assert_text(&a, "50000/19381");
    assert_true(toll_rational_round(&a, 2, TOLL_HALF_UP, &n));
    assert_int_equal(n, 258);
    toll_rational_of(&a, INT64_MIN, 1);
    assert_text(&a, "-9223372036854775808");
    assert_true(toll_rational_exact(&a, 0, &n));
    assert_true(n == INT64_MIN);
    toll_rational_of_total(&a, -((toll_total)1 << 100), 1000);
    assert_text(&a, "-1267650600228229401496703205.376");
    toll_rational_of(&a, 0, 7);
    assert_text(&a, "0");
    assert_true(toll_rational_is_zero(&a));
    toll_rational_of(&a, -1, 200);
    assert_true(toll_rational_round(&a, 2, TOLL_HALF_UP, &n));
    assert_int_equal(n, -1);
    assert_true(toll_rational_floor(&a, 2, &n));
    assert_int_equal(n, -1);
}

static void test_parse(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "-",  ".5", "5.", "1..2",  "1.2.3",
                                      "1/0", "1/", "/2", "x",  "1/2/3", "1e5"};
    char wide[1500];
    struct toll_rational a;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(toll_rational_parse(&a, bad[i]));
    assert_true(toll_rational_parse(&a, "-006.2500"));
    assert_text(&a, "-6.25");
    assert_true(toll_rational_parse(&a, "-0"));
    assert_text(&a, "0");
    assert_true(toll_rational_parse(&a, "6/8"));
    assert_text(&a, "0.75");
    memset(wide, '1', sizeof wide); /* more than 1,024 bits, then more than any such text */
    wide[400] = 0;
    assert_false(toll_rational_parse(&a, wide));
    wide[400] = '1';
    wide[sizeof wide - 1] = 0;
    assert_false(toll_rational_parse(&a, wide));
}

static void random_number(uint64_t *seed, struct toll_rational *out)
{
    struct toll_rational by;
    const int64_t d = (int64_t)(random_next(seed) >> (1 + random_next(seed) % 62)) + 1;

    toll_rational_of(out, (int64_t)random_next(seed) >> random_next(seed) % 64, d);
    for (int i = (int)(random_next(seed) % 4); i > 0; i--) {
        toll_rational_of(&by, (int64_t)(random_next(seed) >> 1) | 1, (int64_t)(random_next(seed) >> 1) | 1);
        assert_true(toll_rational_multiply(out, out, &by));
    }
}

/* (a + b) - b = a, (a x b) / b = a, a (b + c) = ab + ac, and what is 0 is known to be. */
static void test_laws(void **state)
{
    (void)state;
    uint64_t seed = 20260301;
    struct toll_rational a, b, c, x, y, z;

    for (int i = 0; i < 20000; i++) {
        random_number(&seed, &a);
        random_number(&seed, &b);
        random_number(&seed, &c);
        assert_true(toll_rational_add(&x, &a, &b) && toll_rational_subtract(&x, &x, &b));
        assert_true(same(&x, &a));
        if (!toll_rational_is_zero(&b)) {
            assert_true(toll_rational_multiply(&x, &a, &b) && toll_rational_divide(&x, &x, &b));
            assert_true(same(&x, &a));
        }
        assert_true(toll_rational_add(&x, &b, &c) && toll_rational_multiply(&x, &a, &x));
        assert_true(toll_rational_multiply(&y, &a, &b) && toll_rational_multiply(&z, &a, &c));
        assert_true(toll_rational_add(&y, &y, &z));
        assert_true(same(&x, &y));
        assert_int_equal(toll_rational_compare(&x, &y), 0);
        assert_true(toll_rational_subtract(&z, &x, &y));
        assert_true(toll_rational_is_zero(&z));
        assert_int_equal(toll_rational_compare(&a, &b), -toll_rational_compare(&b, &a));
        assert_true(toll_rational_subtract(&z, &a, &b));
        assert_int_equal(toll_rational_compare(&a, &b), toll_rational_is_zero(&z) ? 0 : z.negative ? -1 : 1);
    }
}

static void test_kept(void **state)
{
    (void)state;
    struct toll_arena arena = {0};
    struct toll_rational a, copy;

    toll_rational_of(&a, -7, 1000);
    const struct toll_rational *kept = toll_rational_keep(&a, &arena);
    assert_non_null(kept);
    toll_rational_copy(&copy, kept);
    assert_true(same(&a, &copy));
    assert_true(toll_rational_add(&copy, kept, kept));
    assert_text(&copy, "-0.014");
    toll_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table), cmocka_unit_test(test_by_hand), cmocka_unit_test(test_parse),
        cmocka_unit_test(test_laws),  cmocka_unit_test(test_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
