/* Exact numbers of texts: what is read, and what is no number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "pipeline/exact.h"

static void reads(const char *text, const char *value)
{
    struct toll_rational number;
    char out[TOLL_RATIONAL_TEXT_BYTES];

    if (!toll_exact_parse(text, &number))
        fail_msg("%s is refused", text);
    toll_rational_text(&number, out);
    assert_string_equal(out, value);
}

static void test_read(void **state)
{
    (void)state;
    reads("0", "0");
    reads("-0.00", "0");
    reads("12.50", "12.5");
    reads("-0.005", "-0.005");
    reads("7.", "7");
    reads(".5", "0.5");
    reads("35.099999999999994", "35.099999999999994");
    reads("1E-05", "0.00001");
    reads("1.25e3", "1250");
    reads("1.2345678901234567E-08", "0.000000012345678901234567");
    reads("123456789012345678901234567890.123456789", "123456789012345678901234567890.123456789");
    reads("50000/19381", "50000/19381");
    reads("2/4", "0.5");
    reads("-1/3", "-1/3");
}

static void test_refused(void **state)
{
    static const char *const bad[] = {"",      ".",    "-",    "+1",    "1,5", "1.2.3", "1e",
                                      "1e+",   "e5",   "1e61", "1e-61", "1/0", "1/",    "/2",
                                      "1/2/3", "0x10", " 1",   "1 ",    "NaN", "--1",   "1e1.5"};
    char digits[400];
    struct toll_rational number;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (toll_exact_parse(bad[i], &number))
            fail_msg("\"%s\" is read", bad[i]);
    memset(digits, '9', sizeof(digits) - 1);
    digits[sizeof(digits) - 1] = '\0';
    assert_false(toll_exact_parse(digits, &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
