/*
 * Kernels that read columns of text (simd/fields.h): what each takes and leaves by hand, and every twin
 * against the portable one, on fields of good, odd and hostile values, up to a page that nobody may touch.
 */
#include "base/digits.h"
#include "kernel_guard.h"
#include "random.h"
#include "simd/kernels.h"
#include "simd/padded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ROWS 141u
#define TYPE_NUMBER 1
#define TYPE_SHORT 2
#define TYPE_OTHER 5

static uint64_t random_state = 0x6669656c6473;

static uint32_t pick(uint32_t below)
{
    return (uint32_t)(random_next(&random_state) % below);
}

struct column {
    struct guarded memory;
    char *text;
    uint32_t begin[ROWS], bytes[ROWS];
    size_t rows;
};

static struct toll_field_column of(const struct column *column)
{
    return (struct toll_field_column){column->text, column->begin, column->bytes};
}

/* So many texts, one after the other; behind the last there is only the padding. */
static void fill(struct column *column, const char *const *texts, size_t count)
{
    size_t bytes = TOLL_FIELD_PADDING, at = 0;

    for (size_t r = 0; r < count; r++)
        bytes += strlen(texts[r]) + 1;
    column->memory = guarded_make(bytes);
    column->text = (char *)column->memory.end - bytes;
    memset(column->text, ',', bytes);
    for (size_t r = 0; r < count; r++) {
        column->begin[r] = (uint32_t)at;
        column->bytes[r] = (uint32_t)strlen(texts[r]);
        memcpy(column->text + at, texts[r], column->bytes[r]);
        at += column->bytes[r] + 1;
    }
    column->rows = count;
}

static const struct toll_field_kernels *kernels(size_t i)
{
    unsigned masks[3] = {0};
    const size_t count = 1 + twin_masks(masks + 1);

    return i < count ? toll_kernels_select(masks[i])->fields : NULL;
}

/* -- by hand -- */

static void test_clocks(void **state)
{
    static const char *const texts[] = {"00:00:00", "23:59:59", "99:10:01", "00:60:00", "00:00:60",
                                        "1:02:03",  "12:34:5x", "12-34-56", "01:02:03 "};
    struct column column;

    (void)state;
    fill(&column, texts, 9);
    for (size_t k = 0; kernels(k) != NULL; k++) {
        const struct toll_field_column in = of(&column);
        uint32_t seconds[9], rest[9];

        assert_int_equal(kernels(k)->clocks(&in, 9, seconds, rest), 6);
        assert_int_equal(seconds[0], 0);
        assert_int_equal(seconds[1], 86399);
        assert_int_equal(seconds[2], 99 * 3600 + 601);
        for (uint32_t i = 0; i < 6; i++)
            assert_int_equal(rest[i], 3 + i);
    }
    guarded_free(&column.memory);
}

static void test_integers(void **state)
{
    static const char *const texts[] = {"0", "7", "123456", "000012", "1234567", "", "-1", "12a", " 5"};
    static const uint32_t want[] = {0, 7000, 123456000, 12000};
    struct column column;

    (void)state;
    fill(&column, texts, 9);
    for (size_t k = 0; kernels(k) != NULL; k++) {
        const struct toll_field_column in = of(&column);
        uint32_t value[9], rest[9];

        assert_int_equal(kernels(k)->integers(&in, 6, 1000, 9, value, rest), 5);
        assert_memory_equal(value, want, sizeof want);
        assert_int_equal(rest[0], 4);
    }
    guarded_free(&column.memory);
}

static void test_decimals(void **state)
{
    static const char *const texts[] = {"0.128766", "12345678", "1.5",  "123456.7", "0",         ".5",
                                        "5.",       "1.2.3",    "-1.5", "1,5",      "0.1234567", ""};
    static const int64_t want[] = {12876600, INT64_C(1234567800000000), 150000000, INT64_C(12345670000000),
                                   0};
    struct column column;

    (void)state;
    fill(&column, texts, 12);
    for (size_t k = 0; kernels(k) != NULL; k++) {
        const struct toll_field_column in = of(&column);
        int64_t value[12];
        uint32_t rest[12];

        assert_int_equal(kernels(k)->decimals(&in, 12, value, rest), 7);
        assert_memory_equal(value, want, sizeof want);
        assert_int_equal(rest[0], 5);
    }
    guarded_free(&column.memory);
}

static struct toll_field_day some_day(void)
{
    char padded[16] = "2025-10-01T";
    struct toll_field_day day = {.head_bytes = 11,
                                 .bytes = 20,
                                 .clock_at = 11,
                                 .zulu = true,
                                 .local_ms = INT64_C(1759276800000),
                                 .until = INT64_C(1759276800000) + 72000000,
                                 .offset_ms = -3600000};

    toll_padded_words(padded, 11, &day.head, &day.tail);
    return day;
}

static void test_times(void **state)
{
    static const char *const texts[] = {
        "2025-10-01T00:00:00Z", "2025-10-01T19:59:59Z", "2025-10-01T20:00:00Z",
        "2025-10-02T00:00:00Z", "2025-10-01T10:00:00",  "2025-10-01T10:00:00z",
        "2025-10-01T1:000:00Z", "2025-10-01 10:00:00Z", ""};
    const struct toll_field_day day = some_day();
    struct column column;

    (void)state;
    fill(&column, texts, 9);
    for (size_t k = 0; kernels(k) != NULL; k++) {
        const struct toll_field_column in = of(&column);
        int64_t utc[9];
        uint32_t rest[9];

        assert_int_equal(kernels(k)->times(&day, &in, NULL, 9, utc, rest), 7);
        assert_int_equal(rest[0], 2);
        assert_true(utc[0] == INT64_C(1759280400000));
        assert_true(utc[1] == INT64_C(1759280400000) + 71999000);
    }
    guarded_free(&column.memory);
}

/* No offset ends at midnight, so that only the clock itself says that the day does. */
static void test_midnight(void **state)
{
    static const char *const texts[] = {"2025-10-01T23:59:59Z", "2025-10-01T24:00:00Z",
                                        "2025-10-01T23:59:60Z", "2025-10-01T25:00:00Z",
                                        "2025-10-01T00:00:00Z"};
    struct toll_field_day day = some_day();
    struct column column;

    (void)state;
    day.until += INT64_C(7) * 86400000;
    fill(&column, texts, 5);
    for (size_t k = 0; kernels(k) != NULL; k++) {
        const struct toll_field_column in = of(&column);
        int64_t utc[5];
        uint32_t rest[5];

        assert_int_equal(kernels(k)->times(&day, &in, NULL, 5, utc, rest), 3);
        for (uint32_t i = 0; i < 3; i++)
            assert_int_equal(rest[i], 1 + i);
        assert_true(utc[0] == INT64_C(1759280400000) + 86399000);
    }
    guarded_free(&column.memory);
}

static struct toll_digit_rules some_rules(void)
{
    struct toll_digit_rules rules = {.least = 7,
                                     .alone = true,
                                     .plus = true,
                                     .plus_type = TYPE_NUMBER,
                                     .other_type = TYPE_OTHER,
                                     .count = 6};

    rules.rules[0] = (struct toll_digit_rule){.kind = TOLL_DIGITS_NOTHING};
    rules.rules[1] = (struct toll_digit_rule){
        .kind = TOLL_DIGITS_INTERNATIONAL, .type = TYPE_NUMBER, .otherwise = 4, .prefix_digits = 3};
    rules.rules[2] = (struct toll_digit_rule){.kind = TOLL_DIGITS_NANP, .type = TYPE_NUMBER};
    rules.rules[3] = (struct toll_digit_rule){.kind = TOLL_DIGITS_NATIONAL,
                                              .type = TYPE_NUMBER,
                                              .low = 9,
                                              .high = 9,
                                              .prefix_digits = 1,
                                              .country_digits = 2};
    rules.rules[4] = (struct toll_digit_rule){.kind = TOLL_DIGITS_EQUAL, .type = TYPE_SHORT};
    rules.rules[5] =
        (struct toll_digit_rule){.kind = TOLL_DIGITS_COUNT, .type = TYPE_SHORT, .low = 4, .high = 6};
    assert_true(toll_digits_pack("0000000000", 10, &rules.rules[0].prefix));
    assert_true(toll_digits_pack("011", 3, &rules.rules[1].prefix));
    assert_true(toll_digits_pack("0", 1, &rules.rules[3].prefix));
    assert_true(toll_digits_pack("44", 2, &rules.rules[3].country));
    assert_true(toll_digits_pack("911", 3, &rules.rules[4].prefix));
    return rules;
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t digits;
        int type; /* -1: one of the rest */
        int same;
    } cases[] = {{"+12125550100", UINT64_C(0x12125550100fffff), TYPE_NUMBER, 1},
                 {"12125550100", UINT64_C(0x12125550100fffff), TYPE_NUMBER, 1},
                 {"2125550100", UINT64_C(0x12125550100fffff), TYPE_NUMBER, 0},
                 {"01144207946000", UINT64_C(0x44207946000fffff), TYPE_NUMBER, 0},
                 {"011123456", 0, 4, 0},
                 {"020794600", 0, TYPE_OTHER, 0}, /* eight digits behind the 0 */
                 {"0123456789", UINT64_C(0x44123456789fffff), TYPE_NUMBER, 0},
                 {"0000000000", 0, 0, 0},
                 {"911", UINT64_C(0x911fffffffffffff), TYPE_SHORT, 1},
                 {"4321", UINT64_C(0x4321ffffffffffff), TYPE_SHORT, 1},
                 {"123456789012345", 0, TYPE_OTHER, 0},
                 {"+123456789012345", UINT64_C(0x123456789012345f), TYPE_NUMBER, 1},
                 {"1234567890123456", 0, -1, 0},
                 {"+123456", 0, -1, 0},
                 {"+", 0, -1, 0},
                 {"", 0, -1, 0},
                 {"212555010O", 0, -1, 0}};
    enum { COUNT = sizeof cases / sizeof *cases };
    const struct toll_digit_rules rules = some_rules();
    const char *texts[COUNT];
    struct column column;

    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        texts[i] = cases[i].text;
    fill(&column, texts, COUNT);
    for (size_t k = 0; kernels(k) != NULL; k++) {
        const struct toll_field_column in = of(&column);
        uint64_t digits[COUNT];
        uint8_t type[COUNT], same[COUNT];
        uint32_t rest[COUNT];
        size_t left = kernels(k)->numbers(&rules, &in, COUNT, digits, type, same, rest), next = 0;

        for (uint32_t i = 0; i < COUNT; i++) {
            if (cases[i].type < 0) {
                assert_true(next < left && rest[next] == i);
                next++;
                continue;
            }
            assert_true(digits[i] == cases[i].digits);
            assert_int_equal(type[i], cases[i].type);
            assert_int_equal(same[i], cases[i].same);
        }
        assert_int_equal(next, left);
    }
    guarded_free(&column.memory);
}

/* -- twins -- */

static char made[ROWS][40];

static void make_text(char *to)
{
    static const char odd[] = "0123456789+-:. ZTa\x80\xff";
    static const char *const good[] = {"2025-10-01T10:11:12Z",
                                       "2025-10-01T10:11:12",
                                       "out",
                                       "in",
                                       "exactly16bytes!!",
                                       "seventeen bytes!!",
                                       "00:01:02",
                                       "911",
                                       "0000000000",
                                       "01144"};
    unsigned length = pick(21);
    const unsigned what = pick(6);

    if (what == 0) {
        strcpy(to, good[pick(10)]);
        if (pick(3) == 0 && to[0] != 0)
            to[pick((uint32_t)strlen(to))] = odd[pick(sizeof odd - 1)];
        return;
    }
    if (what == 1) {
        snprintf(to, 40, "%02u:%02u:%02u", pick(30), pick(65), pick(65));
        return;
    }
    if (what == 2) {
        snprintf(to, 40, "%u.%u", pick(2000), pick(pick(2) ? 10 : 1000000));
        return;
    }
    for (unsigned i = 0; i < length; i++)
        to[i] = what == 3 ? odd[pick(sizeof odd - 1)] : (char)('0' + pick(10));
    to[length] = 0;
    if (what == 4 && length > 0)
        to[0] = '+';
}

#define SAME(type, want, got)                                                         \
    do {                                                                              \
        for (size_t r_ = 0, n_ = 0; r_ < rows; r_++) {                                \
            if (n_ < left && rest[0][n_] == r_)                                       \
                n_++;                                                                 \
            else                                                                      \
                assert_true(((const type *)(want))[r_] == ((const type *)(got))[r_]); \
        }                                                                             \
    } while (0)

static void same_rest(size_t left, size_t other, uint32_t rest[2][ROWS])
{
    assert_int_equal(left, other);
    assert_memory_equal(rest[0], rest[1], left * sizeof rest[0][0]);
}

static void check_twin(const struct column *column, size_t rows, const struct toll_field_kernels *twin)
{
    const struct toll_field_kernels *want = &toll_fields_scalar;
    const struct toll_digit_rules rules = some_rules();
    const struct toll_field_day day = some_day();
    struct toll_field_words words = {.count = 3, .empty = 7, .bytes = {3, 2, 16}, .value = {0, 1, 2}};
    static uint64_t wide[2][ROWS];
    static uint32_t narrow[2][ROWS], rest[2][ROWS];
    static uint8_t bytes[4][ROWS];
    const struct toll_field_column in = of(column);
    size_t left;

    toll_padded_words("out             ", 3, &words.head[0], &words.tail[0]);
    toll_padded_words("in              ", 2, &words.head[1], &words.tail[1]);
    toll_padded_words("exactly16bytes!!", 16, &words.head[2], &words.tail[2]);
    left = want->clocks(&in, rows, narrow[0], rest[0]);
    same_rest(left, twin->clocks(&in, rows, narrow[1], rest[1]), rest);
    SAME(uint32_t, narrow[0], narrow[1]);
    left = want->times(&day, &in, NULL, rows, (int64_t *)wide[0], rest[0]);
    same_rest(left, twin->times(&day, &in, NULL, rows, (int64_t *)wide[1], rest[1]), rest);
    SAME(uint64_t, wide[0], wide[1]);
    for (unsigned digits = 1; digits <= 8; digits += 7) {
        left = want->integers(&in, digits, 10, rows, narrow[0], rest[0]);
        same_rest(left, twin->integers(&in, digits, 10, rows, narrow[1], rest[1]), rest);
        SAME(uint32_t, narrow[0], narrow[1]);
    }
    left = want->decimals(&in, rows, (int64_t *)wide[0], rest[0]);
    same_rest(left, twin->decimals(&in, rows, (int64_t *)wide[1], rest[1]), rest);
    SAME(uint64_t, wide[0], wide[1]);
    for (words.count = 2; words.count <= 3; words.count++) {
        left = want->words(&words, &in, rows, (int8_t *)bytes[0], rest[0]);
        same_rest(left, twin->words(&words, &in, rows, (int8_t *)bytes[1], rest[1]), rest);
        SAME(uint8_t, bytes[0], bytes[1]);
    }
    left = want->numbers(&rules, &in, rows, wide[0], bytes[0], bytes[1], rest[0]);
    same_rest(left, twin->numbers(&rules, &in, rows, wide[1], bytes[2], bytes[3], rest[1]), rest);
    SAME(uint64_t, wide[0], wide[1]);
    SAME(uint8_t, bytes[0], bytes[2]);
    SAME(uint8_t, bytes[1], bytes[3]);
}

static void test_twins(void **state)
{
    const char *texts[ROWS];

    (void)state;
    for (unsigned turn = 0; turn < 300; turn++) {
        const size_t rows = turn % 2 == 0 ? ROWS - 13 : pick(ROWS + 1);
        struct column column;

        for (size_t r = 0; r < rows; r++) {
            make_text(made[r]);
            texts[r] = made[r];
        }
        fill(&column, texts, rows);
        for (size_t k = 1; kernels(k) != NULL; k++)
            check_twin(&column, rows, kernels(k));
        guarded_free(&column.memory);
    }
}

static void test_spans(void **state)
{
    static uint32_t stops[1000], first[ROWS], row_begin[ROWS], begin[ROWS], bytes[ROWS];

    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        stops[i] = (i == 0 ? 0 : stops[i - 1]) + 1 + pick(20);
    for (uint32_t r = 0; r < ROWS; r++) {
        first[r] = 5 * r;
        row_begin[r] = r == 0 ? 0 : stops[5 * r - 1] + 1;
    }
    for (size_t k = 0; kernels(k) != NULL; k++) {
        for (unsigned c = 0; c < 5; c++) {
            kernels(k)->spans(stops, first, row_begin, c, ROWS, begin, bytes);
            for (uint32_t r = 0; r < ROWS; r++) {
                assert_int_equal(begin[r], c == 0 ? row_begin[r] : stops[5 * r + c - 1] + 1);
                assert_int_equal(begin[r] + bytes[r], stops[5 * r + c]);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clocks), cmocka_unit_test(test_integers), cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_times),  cmocka_unit_test(test_midnight), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_twins),  cmocka_unit_test(test_spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
