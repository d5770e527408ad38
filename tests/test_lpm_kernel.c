/* The LPM kernel: every kernel against a plain search for the longest prefix, over tries built by the
 * ratetable room. */
#include "base/cpu.h"
#include "base/digits.h"
#include "random.h"
#include "ratetable/lpm.h"
#include "simd/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t random_state = 0x6c706d;

static uint64_t next_random(void)
{
    return random_next(&random_state);
}

enum { DECKS = 3, PREFIXES = 600 };

struct deck {
    char prefix[PREFIXES][16];
    unsigned digits[PREFIXES];
    unsigned count;
    bool everything;
};

/* Digits from few values, so that prefixes nest and numbers meet them. */
static void random_digits(char *text, unsigned count)
{
    const bool nanp = next_random() % 2 == 0;
    for (unsigned i = 0; i < count; i++)
        text[i] =
            (char)('0' + (i == 0 ? (nanp ? 1 : 2 + next_random() % 2) : next_random() % (i < 8 ? 3 : 10)));
    text[count] = 0;
}

static bool has_prefix(const struct deck *deck, const char *text)
{
    for (unsigned i = 0; i < deck->count; i++)
        if (strcmp(deck->prefix[i], text) == 0)
            return true;
    return false;
}

static void random_deck(struct deck *deck, bool everything)
{
    memset(deck, 0, sizeof *deck);
    deck->everything = everything;
    for (unsigned digits = 1; digits <= 15; digits++) /* ascending, as the builder wants them */
        for (unsigned i = 0; i < PREFIXES / 15; i++) {
            char text[17];
            random_digits(text, digits);
            if (has_prefix(deck, text))
                continue;
            memcpy(deck->prefix[deck->count], text, digits + 1);
            deck->digits[deck->count++] = digits;
        }
}

static void build(const struct deck *deck, struct toll_buffer *words, struct toll_lpm *table)
{
    struct toll_lpm_builder builder = {0};
    uint32_t shorter;
    uint64_t packed = 0;
    assert_true(toll_lpm_begin(&builder));
    if (deck->everything)
        assert_true(toll_lpm_insert(&builder, 0, 0, 9999, &shorter));
    for (unsigned i = 0; i < deck->count; i++) {
        assert_true(toll_digits_pack(deck->prefix[i], deck->digits[i], &packed));
        assert_true(toll_lpm_insert(&builder, packed, deck->digits[i], i + 1, &shorter));
    }
    assert_true(toll_lpm_finish(&builder, words, table));
    toll_lpm_end(&builder);
}

static uint32_t naive(const struct deck *deck, const char *number)
{
    uint32_t best = deck->everything ? 9999 : 0;
    unsigned longest = 0;
    for (unsigned i = 0; i < deck->count; i++)
        if (deck->digits[i] > longest && strncmp(deck->prefix[i], number, deck->digits[i]) == 0) {
            longest = deck->digits[i];
            best = i + 1;
        }
    return best;
}

static void test_random_tries(void **state)
{
    (void)state;
    enum { ROWS = 3001 };
    static struct deck decks[DECKS + 1];
    static char text[ROWS][17];
    static uint64_t keys[ROWS];
    static uint32_t which[ROWS], values[ROWS + 1];
    struct toll_buffer words = {0};
    struct toll_lpm tables[DECKS + 1] = {{0}};
    for (unsigned d = 1; d <= DECKS; d++) {
        random_deck(&decks[d], d == 2);
        build(&decks[d], &words, &tables[d]);
    }
    for (size_t i = 0; i < ROWS; i++) {
        const unsigned digits = 7 + (unsigned)(next_random() % 9);
        random_digits(text[i], digits);
        assert_true(toll_digits_pack(text[i], digits, &keys[i]));
        which[i] = (uint32_t)(next_random() % (DECKS + 1));
    }
    const unsigned features = toll_cpu_features(), sets[] = {0, features & TOLL_CPU_AVX2, features};
    static const size_t counts[] = {ROWS, 0, 1, 31, 32, 33};
    for (size_t c = 0; c < 3 * sizeof counts / sizeof *counts; c++) {
        const struct toll_kernels *kernels = toll_kernels_select(sets[c % 3]);
        const size_t rows = counts[c / 3];
        memset(values, 0x77, sizeof values);
        kernels->lpm(tables, words.data, 0, which, keys, rows, values);
        for (size_t i = 0; i < rows; i++) {
            const uint32_t want = which[i] == 0 ? 0 : naive(&decks[which[i]], text[i]);
            assert_int_equal(values[i], want);
            if (which[i] != 0)
                assert_int_equal(toll_lpm_one(&tables[which[i]], words.data, keys[i]), want);
        }
        assert_int_equal(values[rows], 0x77777777);
    }
    free(words.data);
}

/* Numbers that no import writes must not be read out of bounds; what they give does not matter, but is the
 * same whoever looks. */
static void test_hostile_numbers(void **state)
{
    (void)state;
    static struct deck deck;
    struct toll_buffer words = {0};
    struct toll_lpm tables[2] = {{0}};
    random_deck(&deck, false);
    build(&deck, &words, &tables[1]);
    /* A copy without spare room behind it, for the sanitizer. */
    uint32_t *exact = malloc(words.count * sizeof *exact);
    memcpy(exact, words.data, words.count * sizeof *exact);
    for (int i = 0; i < 20000; i++) {
        uint64_t key = next_random();
        const uint32_t one = 1;
        uint32_t value;
        if (i % 3 == 0)
            key =
                (key & UINT64_C(0x0fff000fffffffff)) | UINT64_C(0x1000fff000000000); /* exchange beyond 999 */
        const uint32_t want = toll_lpm_one(&tables[1], exact, key);
        toll_kernels_select(i % 2 == 0 ? 0 : toll_cpu_features())
            ->lpm(tables, exact, 0, &one, &key, 1, &value);
        assert_int_equal(value, want);
        assert_true((value & TOLL_LPM_NODE) == 0);
    }
    free(exact);
    free(words.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_tries),
        cmocka_unit_test(test_hostile_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
