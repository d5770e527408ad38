/* Telephone numbers as packed BCD; a number's hex print is its digits, so expectations can be read off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the headers it needs */
#include <cmocka.h>
#include <string.h>

#include "base/digits.h"

static uint64_t pack(const char *text)
{
    uint64_t digits = 1;

    assert_true(toll_digits_pack(text, strlen(text), &digits));
    return digits;
}

static void packs(void **state)
{
    (void)state;
    assert_true(pack("12125551234") == UINT64_C(0x12125551234fffff));
    assert_true(pack("0") == UINT64_C(0x0fffffffffffffff));
    assert_true(pack("7") == UINT64_C(0x7fffffffffffffff));
    assert_true(pack("*31#") == UINT64_C(0xa31bffffffffffff));
    assert_true(pack("123456789012345") == UINT64_C(0x123456789012345f));
    assert_true(pack("000000000000000") == UINT64_C(0x000000000000000f));
}

static void refuses(void **state)
{
    static const char *const bad[] = {"", "1234567890123456", "+1", "12 3", "12a", "1-2", "/", ":", "12\xc3"};
    uint64_t digits = 42;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(toll_digits_pack(bad[i], strlen(bad[i]), &digits));
    assert_false(toll_digits_pack("1\0", 2, &digits));
    assert_true(digits == 42);
}

static void counts_and_prints(void **state)
{
    char buffer[TOLL_DIGITS_TEXT_BYTES];

    (void)state;
    assert_int_equal(toll_digits_count(0), 0);
    assert_int_equal(toll_digits_count(pack("7")), 1);
    assert_int_equal(toll_digits_count(pack("0")), 1);
    assert_int_equal(toll_digits_count(pack("12125551234")), 11);
    assert_int_equal(toll_digits_count(pack("123456789012345")), 15);
    assert_int_equal(toll_digits_count(UINT64_MAX), 0);
    assert_int_equal(toll_digits_text(0, buffer), 0);
    assert_string_equal(buffer, "");
    assert_int_equal(toll_digits_text(pack("*31#0797"), buffer), 8);
    assert_string_equal(buffer, "*31#0797");
    assert_int_equal(toll_digits_text(pack("999999999999999"), buffer), 15);
    assert_string_equal(buffer, "999999999999999");
    /* Not a number of ours, yet it must fit. */
    assert_int_equal(toll_digits_text(UINT64_C(0x1cdef00000000000), buffer), 16);
    assert_string_equal(buffer, "1????00000000000");
}

static void masks(void **state)
{
    static const char *const cases[][2] = {
        {"12125551234", "1212xxxxx34"},
        {"123456789", "1234xxx89"},
        {"12345678", "1xxxxxxx"},
        {"123456", "1xxxxx"},
        {"12345", "1xxxx"},
        {"911", "9xx"},
        {"7", "7"},
        {"123456789012345", "1234xxxxxxxxx45"},
    };
    char buffer[TOLL_DIGITS_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(toll_digits_masked(pack(cases[i][0]), buffer), strlen(cases[i][0]));
        assert_string_equal(buffer, cases[i][1]);
    }
    assert_int_equal(toll_digits_masked(0, buffer), 0);
    assert_string_equal(buffer, "");
}

static void masks_within(void **state)
{
    static const struct {
        const char *text;
        bool quoted_only;
        const char *masked;
    } cases[] = {
        {"12125550100,acme,2026-03-01", false, "1212xxxxx00,acme,2026-03-01"},
        {"+1212555-1234567", false, "+1xxxxxx-1xxxxxx"},
        {"line 12125550100: \"+12125550100x\" is no number of 7 to 15 digits", true,
         "line 12125550100: \"+1212xxxxx00x\" is no number of 7 to 15 digits"},
        {"\"a\"12125550100\" ends", true, "\"a\"1212xxxxx00\" ends"},
        {"no quote 12125550100", true, "no quote 12125550100"},
        {"\"12125550100", true, "\"12125550100"},
        {"", true, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[100];

        strcpy(text, cases[i].text);
        toll_digits_mask_within(text, 7, cases[i].quoted_only);
        assert_string_equal(text, cases[i].masked);
    }
}

static void compares_prefixes(void **state)
{
    uint64_t number = pack("12125551234");

    (void)state;
    assert_true(toll_digits_has_prefix(number, pack("1212"), 4));
    assert_false(toll_digits_has_prefix(number, pack("1213"), 4));
    assert_true(toll_digits_has_prefix(number, pack("1213"), 3));
    assert_true(toll_digits_has_prefix(number, 0, 0));
    assert_true(toll_digits_has_prefix(number, number, 11));
    assert_false(toll_digits_has_prefix(pack("12"), pack("121"), 3));
}

static void next_number(void **state)
{
    (void)state;
    assert_true(toll_digits_next(pack("1000")) == pack("1001"));
    assert_true(toll_digits_next(pack("1009")) == pack("1010"));
    assert_true(toll_digits_next(pack("1999")) == pack("2000"));
    assert_true(toll_digits_next(pack("123456789012345")) == pack("123456789012346"));
    assert_true(toll_digits_next(pack("0")) == pack("1"));
    assert_true(toll_digits_next(pack("999")) == 0);
    assert_true(toll_digits_next(0) == 0);
    assert_true(toll_digits_next(pack("12#")) == 0);
    assert_true(toll_digits_next(pack("*99")) == 0);
    assert_true(toll_digits_next(pack("*98")) == pack("*99"));
}

static void three_digits(void **state)
{
    (void)state;
    assert_int_equal(toll_digits_three(0x000), 0);
    assert_int_equal(toll_digits_three(0x212), 212);
    assert_int_equal(toll_digits_three(0x999), 999);
    assert_int_equal(toll_digits_three(0x010), 10);
    for (uint32_t nibbles = 0; nibbles <= 0xfff; nibbles++)
        assert_true(toll_digits_three(nibbles) < 1666);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs),       cmocka_unit_test(refuses),      cmocka_unit_test(counts_and_prints),
        cmocka_unit_test(masks),       cmocka_unit_test(masks_within), cmocka_unit_test(compares_prefixes),
        cmocka_unit_test(next_number), cmocka_unit_test(three_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
