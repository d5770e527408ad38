/* Number rules: what providers write, to packed digits and a type. */
#include "ingest/numbers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const none_words[] = {"anonymous", "withheld"};
static const char *const plus[] = {"+"};
static const char *const many[] = {"000", "011", "00", "+"};

#define RULES(...)                                                                                        \
    (struct toll_number_rules)                                                                            \
    {                                                                                                     \
        .name = "t", .rules = (const struct toll_number_rule[]){__VA_ARGS__},                             \
        .count = sizeof((const struct toll_number_rule[]){__VA_ARGS__}) / sizeof(struct toll_number_rule) \
    }
#define NONE                                                               \
    {                                                                      \
        .kind = TOLL_RULE_NONE_WORDS, .words = none_words, .word_count = 2 \
    }
#define PLUS                                                            \
    {                                                                   \
        .kind = TOLL_RULE_INTERNATIONAL, .words = plus, .word_count = 1 \
    }
#define MANY                                                            \
    {                                                                   \
        .kind = TOLL_RULE_INTERNATIONAL, .words = many, .word_count = 4 \
    }
#define SHORT                                        \
    {                                                \
        .kind = TOLL_RULE_SHORT, .low = 1, .high = 6 \
    }
#define BARE                                         \
    {                                                \
        .kind = TOLL_RULE_BARE, .low = 7, .high = 15 \
    }

static void check(struct toll_number_rules rules, const char *text, enum toll_number_type type,
                  const char *digits)
{
    char plain[TOLL_DIGITS_TEXT_BYTES];
    char *copy = malloc(strlen(text) + 1); /* exactly as long as it is, so that a read behind it is seen */
    uint64_t packed = 1;
    enum toll_number_type got;

    memcpy(copy, text, strlen(text) + 1);
    toll_number_rules_finish(&rules);
    got = toll_number_parse(&rules, copy, strlen(text), &packed);
    toll_digits_text(packed, plain);
    if (got != type || strcmp(plain, digits) != 0)
        fail_msg("\"%s\": type %d digits \"%s\", expected %d \"%s\"", text, (int)got, plain, (int)type,
                 digits);
    free(copy);
}

/* The rules of data/providers/tollmill.yaml. */
static void test_plain(void **state)
{
    struct toll_number_rules plain = RULES(NONE, PLUS, SHORT, BARE);

    (void)state;
    check(plain, "+12125551234", TOLL_NUMBER_E164, "12125551234");
    check(plain, "12125551234", TOLL_NUMBER_E164, "12125551234");
    check(plain, " +12125551234 ", TOLL_NUMBER_E164, "12125551234");
    check(plain, "+1234567", TOLL_NUMBER_E164, "1234567");
    check(plain, "1234567", TOLL_NUMBER_E164, "1234567");
    check(plain, "+123456789012345", TOLL_NUMBER_E164, "123456789012345");
    check(plain, "+12345678", TOLL_NUMBER_E164, "12345678");
    check(plain, "+123456789", TOLL_NUMBER_E164, "123456789");
    check(plain, "+123456", TOLL_NUMBER_INVALID, "");
    check(plain, "+1234567890123456", TOLL_NUMBER_INVALID, "");
    check(plain, "+", TOLL_NUMBER_INVALID, "");
    check(plain, "911", TOLL_NUMBER_SHORT, "911");
    check(plain, "*67", TOLL_NUMBER_SHORT, "*67");
    check(plain, "#31#", TOLL_NUMBER_SHORT, "#31#");
    check(plain, "123456", TOLL_NUMBER_SHORT, "123456");
    check(plain, "", TOLL_NUMBER_NONE, "");
    check(plain, "  ", TOLL_NUMBER_NONE, "");
    check(plain, "Anonymous", TOLL_NUMBER_NONE, "");
    check(plain, "WITHHELD", TOLL_NUMBER_NONE, "");
    check(plain, "alice", TOLL_NUMBER_OTHER, "");
    check(plain, "+1212555123a", TOLL_NUMBER_OTHER, "");
    check(plain, "+1212555/234", TOLL_NUMBER_OTHER, "");
    check(plain, "+1212555:234", TOLL_NUMBER_OTHER, "");
    check(plain, "1234567890123456", TOLL_NUMBER_OTHER, "");
    check(plain, "sip:+12125551234@host", TOLL_NUMBER_OTHER, "");
    check(plain, "\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9", TOLL_NUMBER_OTHER, "");
}

static void test_prefixes(void **state)
{
    struct toll_number_rules dialled =
        RULES(NONE, {.kind = TOLL_RULE_SIP}, MANY, {.kind = TOLL_RULE_EXTENSION, .low = 2, .high = 6}, SHORT,
              {.kind = TOLL_RULE_NANP});

    (void)state;
    check(dialled, "00034688886392", TOLL_NUMBER_E164, "34688886392");
    check(dialled, "0034688886392", TOLL_NUMBER_E164, "34688886392");
    check(dialled, "+34688886392", TOLL_NUMBER_E164, "34688886392");
    check(dialled, "01134688886392", TOLL_NUMBER_E164, "34688886392");
    check(dialled, "2125551234", TOLL_NUMBER_E164, "12125551234");
    check(dialled, "12125551234", TOLL_NUMBER_E164, "12125551234");
    check(dialled, "1125551234", TOLL_NUMBER_OTHER, "");  /* no area code begins with 1 */
    check(dialled, "2121551234", TOLL_NUMBER_OTHER, "");  /* nor an exchange */
    check(dialled, "22125551234", TOLL_NUMBER_OTHER, ""); /* 11 digits, but no 1 */
    check(dialled, "9007", TOLL_NUMBER_EXTENSION, "9007");
    check(dialled, "*98", TOLL_NUMBER_SHORT, "*98");
    check(dialled, "sip:2125551234@pbx.example;user=phone", TOLL_NUMBER_E164, "12125551234");
    check(dialled, "SIP:alice@pbx.example", TOLL_NUMBER_OTHER, "");
    check(dialled, "tel:+34688886392", TOLL_NUMBER_E164, "34688886392");
    check(dialled, "sip:@pbx.example", TOLL_NUMBER_OTHER, "");
    check(dialled, "0012", TOLL_NUMBER_INVALID, "");
}

/* 911 is never an extension. */
static void test_codes(void **state)
{
    static const char *const codes[] = {"911", "988", "*67"};
    struct toll_number_rules pbx = RULES({.kind = TOLL_RULE_SHORT, .words = codes, .word_count = 3},
                                         {.kind = TOLL_RULE_EXTENSION, .low = 2, .high = 6});

    (void)state;
    check(pbx, "911", TOLL_NUMBER_SHORT, "911");
    check(pbx, "*67", TOLL_NUMBER_SHORT, "*67");
    check(pbx, "912", TOLL_NUMBER_EXTENSION, "912");
    check(pbx, "9110", TOLL_NUMBER_EXTENSION, "9110");
    check(pbx, "*68", TOLL_NUMBER_OTHER, "");
}

static void test_national(void **state)
{
    struct toll_number_rules uk =
        RULES(MANY, {.kind = TOLL_RULE_NATIONAL, .trunk = "0", .country = "44", .low = 9, .high = 10},
              {.kind = TOLL_RULE_NATIONAL, .trunk = "", .country = "44", .low = 10, .high = 10},
              {.kind = TOLL_RULE_BARE, .low = 11, .high = 15});

    (void)state;
    check(uk, "01650333333", TOLL_NUMBER_E164, "441650333333");
    check(uk, "1650333333", TOLL_NUMBER_E164, "441650333333");
    check(uk, "20999999999", TOLL_NUMBER_E164, "20999999999");
    check(uk, "16503x3333", TOLL_NUMBER_OTHER, "");
    check(uk, "165033333", TOLL_NUMBER_OTHER, "");
}

static void test_strip(void **state)
{
    struct toll_number_rules strip =
        RULES({.kind = TOLL_RULE_STRIP, .trunk = " ()-."}, PLUS, {.kind = TOLL_RULE_NANP});
    char longest[200];

    (void)state;
    check(strip, "(212) 555-1234", TOLL_NUMBER_E164, "12125551234");
    check(strip, "+1 212.555.1234", TOLL_NUMBER_E164, "12125551234");
    check(strip, "--", TOLL_NUMBER_OTHER, "");
    memset(longest, '-', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    check(strip, longest, TOLL_NUMBER_OTHER, "");
}

/* The short way for "+digits" may only be taken when no rule before it wants such a text. */
static void test_short_way(void **state)
{
    static const char *const plus_word[] = {"+12125551234"};
    struct toll_number_rules hidden =
        RULES({.kind = TOLL_RULE_NONE_WORDS, .words = plus_word, .word_count = 1}, PLUS);
    struct toll_number_rules open = RULES(NONE, SHORT, PLUS);

    (void)state;
    toll_number_rules_finish(&hidden);
    toll_number_rules_finish(&open);
    assert_false(hidden.plus_is_e164);
    assert_true(open.plus_is_e164);
    check(hidden, "+12125551234", TOLL_NUMBER_NONE, "");
    check(hidden, "+12125551235", TOLL_NUMBER_E164, "12125551235");
}

/* Every length, every wrong character at every place: the packing eight at a time against the plain one. */
static void test_packing(void **state)
{
    struct toll_number_rules rules = RULES(PLUS);

    (void)state;
    toll_number_rules_finish(&rules);
    for (size_t length = 7; length <= 15; length++) {
        char text[17] = "+";
        uint64_t packed, expected;

        for (size_t i = 0; i < length; i++)
            text[1 + i] = (char)('0' + (i * 7 + length) % 10);
        assert_true(toll_digits_pack(text + 1, length, &expected));
        assert_int_equal(toll_number_parse(&rules, text, length + 1, &packed), TOLL_NUMBER_E164);
        assert_true(packed == expected);
        for (size_t i = 0; i < length; i++) {
            char kept = text[1 + i];

            for (int c = 1; c < 256; c++) {
                enum toll_number_type type;

                text[1 + i] = (char)c;
                type = toll_number_parse(&rules, text, length + 1, &packed);
                if (c >= '0' && c <= '9')
                    assert_int_equal(type, TOLL_NUMBER_E164);
                else if (!(c == ' ' || c == '\t'))
                    assert_int_equal(type, TOLL_NUMBER_OTHER);
            }
            text[1 + i] = kept;
        }
    }
}

static void test_same_text(void **state)
{
    uint64_t digits;

    (void)state;
    assert_true(toll_digits_pack("12125551234", 11, &digits));
    assert_true(toll_number_same_text(digits, "+12125551234", 12));
    assert_true(toll_number_same_text(digits, "12125551234", 11));
    assert_false(toll_number_same_text(digits, "2125551234", 10));
    assert_false(toll_number_same_text(digits, "01112125551234", 14));
    assert_true(toll_number_same_text(0, "", 0));
    assert_false(toll_number_same_text(0, "alice", 5));
    assert_true(toll_digits_pack("*67", 3, &digits));
    assert_true(toll_number_same_text(digits, "*67", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),     cmocka_unit_test(test_prefixes),  cmocka_unit_test(test_national),
        cmocka_unit_test(test_strip),     cmocka_unit_test(test_short_way), cmocka_unit_test(test_packing),
        cmocka_unit_test(test_same_text), cmocka_unit_test(test_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
