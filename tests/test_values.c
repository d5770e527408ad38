/* Single values: the short ways give what the long way gives, and words are remembered as themselves. */
#include "ingest/memo.h"
#include "ingest/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct toll_value value_of(const char *text)
{
    return (struct toll_value){text, strlen(text)};
}

static void test_seconds(void **state)
{
    static const struct {
        const char *text;
        int code;
        int32_t ms;
    } cases[] = {{"0", 0, 0},
                 {"60", 0, 60000},
                 {"153.180", 0, 153180},
                 {"1.5", 0, 1500},
                 {"1.05", 0, 1050},
                 {"0.001", 0, 1},
                 {"1.0001", 0, 1001},
                 {"999999.999", 0, 999999999},
                 {"2147483", 0, 2147483000},
                 {"2147484", -1, 0},
                 {"00000001.5", 0, 1500},
                 {"+1.5", 0, 1500},
                 {".5", 0, 500},
                 {"5.", 0, 5000},
                 {"", -1, 0},
                 {".", -1, 0},
                 {"1.5.5", -1, 0},
                 {"1:30", -1, 0},
                 {"1.5x", -1, 0},
                 {"-1", -2, 0},
                 {"99999999999999999999", -1, 0},
                 {"4294967296", -1, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t ms = 0;
        int code = toll_value_duration(TOLL_VALUE_SECONDS, value_of(cases[i].text), &ms);

        if (code != cases[i].code || (code == 0 && ms != cases[i].ms))
            fail_msg("%s: %d, %d ms", cases[i].text, code, ms);
    }
}

static void test_money(void **state)
{
    static const char *const texts[] = {"0",
                                        "1",
                                        "0.5",
                                        "0.09494",
                                        "12.34567891",
                                        "12.345678912",
                                        "",
                                        ".",
                                        "1.",
                                        ".5",
                                        "-0.25",
                                        "+3.1",
                                        "1e5",
                                        "1,5",
                                        "999999999",
                                        "999999999.99999999",
                                        "4294967296.5",
                                        "1234567890",
                                        "92233720368.54775807",
                                        "92233720368.54775808",
                                        "0000000000001.5",
                                        "1.2.3",
                                        "1.000000000",
                                        "7 "};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        toll_money wanted = 0, got = 0;
        bool good = toll_money_parse(texts[i], strlen(texts[i]), &wanted) == 0;

        if (toll_value_money(value_of(texts[i]), TOLL_MONEY_UNIT, &got) != good || (good && got != wanted))
            fail_msg("%s: %lld", texts[i], (long long)got);
    }
}

/* All words of one to 16 letters of two: each is found as itself, whatever came between. */
static void test_memo(void **state)
{
    static struct toll_memo memo[16];
    uint32_t found = 0;

    (void)state;
    for (uint32_t bytes = 1; bytes <= TOLL_MEMO_BYTES_MAX; bytes++) {
        for (uint32_t bits = 0; bits < UINT32_C(1) << bytes; bits++) {
            struct toll_memo *place;
            char text[TOLL_MEMO_BYTES_MAX];

            for (uint32_t i = 0; i < bytes; i++)
                text[i] = (bits >> i & 1) != 0 ? 'y' : 'n';
            assert_false(toll_memo_find(memo, 4, text, bytes, &place));
            place->value = bits;
            assert_true(toll_memo_find(memo, 4, text, bytes, &place));
            assert_int_equal(place->value, bits);
            found++;
        }
    }
    assert_int_equal(found, (1u << 17) - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_seconds), cmocka_unit_test(test_money),
                                       cmocka_unit_test(test_memo)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
