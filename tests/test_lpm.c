/* The prefix trie against a plain search: by hand for its corners, then random decks with millions of
 * lookups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "random.h"
#include "ratetable/lpm.h"

static uint64_t random_state = 20261121;

static uint64_t next_random(void)
{
    return random_next(&random_state);
}

struct trie {
    struct toll_lpm lpm;
    struct toll_buffer words;
};

struct prefix {
    char text[16];
    uint32_t value, shorter;
};

static uint64_t packed(const char *text)
{
    uint64_t digits = UINT64_MAX;

    if (*text != 0)
        assert_true(toll_digits_pack(text, strlen(text), &digits));
    return digits;
}

static int by_length(const void *left, const void *right)
{
    const struct prefix *a = left, *b = right;
    const size_t a_length = strlen(a->text), b_length = strlen(b->text);

    return a_length != b_length ? (a_length < b_length ? -1 : 1) : strcmp(a->text, b->text);
}

static void trie_make(struct trie *trie, struct prefix *prefixes, size_t count)
{
    struct toll_lpm_builder builder;

    memset(trie, 0, sizeof(*trie));
    /* Another trie before this one: no index may be relative to 0. */
    assert_non_null(toll_buffer_add(&trie->words, sizeof(uint32_t), 1234));
    memset(trie->words.data, 0xFF, 1234 * sizeof(uint32_t));
    qsort(prefixes, count, sizeof(*prefixes), by_length);
    assert_true(toll_lpm_begin(&builder));
    for (size_t i = 0; i < count; i++)
        assert_true(toll_lpm_insert(&builder, packed(prefixes[i].text), (unsigned)strlen(prefixes[i].text),
                                    prefixes[i].value, &prefixes[i].shorter));
    assert_true(toll_lpm_finish(&builder, &trie->words, &trie->lpm));
    toll_lpm_end(&builder);
    /* Nodes are cache lines. */
    assert_int_equal(trie->lpm.nodes % 16, 0);
}

static uint32_t find(const struct trie *trie, const char *number)
{
    return toll_lpm_find(&trie->lpm, trie->words.data, packed(number));
}

/* The value of the longest of the prefixes (sorted by length) that the text begins with, below a length. */
static uint32_t naive(const struct prefix *prefixes, size_t count, const char *text, size_t below)
{
    uint32_t value = 0;

    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(prefixes[i].text);
        if (length < below && strncmp(prefixes[i].text, text, length) == 0)
            value = prefixes[i].value;
    }
    return value;
}

static void by_hand(void **state)
{
    struct prefix prefixes[] = {{"1", 1, 0},           {"1264", 2, 0},   {"12", 3, 0},
                                {"1201555", 4, 0},     {"120155", 5, 0}, {"12015550", 6, 0},
                                {"12015550100", 7, 0}, {"44", 8, 0},     {"4420", 9, 0},
                                {"447", 10, 0},        {"4479", 11, 0},  {"447900000000000", 12, 0},
                                {"1201", 13, 0},       {"7", 14, 0}};
    struct trie trie;
    (void)state;

    trie_make(&trie, prefixes, sizeof(prefixes) / sizeof(prefixes[0]));
    assert_int_equal(find(&trie, "13105550100"), 1);
    assert_int_equal(find(&trie, "12645550100"), 2);
    assert_int_equal(find(&trie, "12125550100"), 3);
    assert_int_equal(find(&trie, "12015560100"), 5);
    assert_int_equal(find(&trie, "12015551100"), 4);
    assert_int_equal(find(&trie, "12015550101"), 6);
    assert_int_equal(find(&trie, "12015550100"), 7);
    assert_int_equal(find(&trie, "120155501001234"), 7);
    assert_int_equal(find(&trie, "1201555"), 4);
    assert_int_equal(find(&trie, "12014440100"), 13);
    assert_int_equal(find(&trie, "442079460000"), 9);
    assert_int_equal(find(&trie, "443000000000"), 8);
    assert_int_equal(find(&trie, "447800000000"), 10);
    assert_int_equal(find(&trie, "447900000000"), 11);
    assert_int_equal(find(&trie, "447900000000000"), 12);
    assert_int_equal(find(&trie, "447900000000001"), 11);
    assert_int_equal(find(&trie, "74951234567"), 14);
    assert_int_equal(find(&trie, "33123456789"), 0);
    assert_int_equal(find(&trie, "2125550"), 0);
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (strcmp(prefixes[i].text, "4479") == 0)
            assert_int_equal(prefixes[i].shorter, 10);
        if (strcmp(prefixes[i].text, "12015550100") == 0)
            assert_int_equal(prefixes[i].shorter, 6);
        if (strcmp(prefixes[i].text, "44") == 0)
            assert_int_equal(prefixes[i].shorter, 0);
    }
    toll_buffer_free(&trie.words);
}

static void everything(void **state)
{
    struct prefix prefixes[] = {{"", 5, 0}, {"1201", 6, 0}, {"49", 7, 0}};
    struct trie trie;
    (void)state;

    trie_make(&trie, prefixes, 3);
    assert_int_equal(trie.lpm.everything, 5);
    assert_int_equal(find(&trie, "12015550100"), 6);
    assert_int_equal(find(&trie, "12025550100"), 5);
    assert_int_equal(find(&trie, "4930123456"), 7);
    assert_int_equal(find(&trie, "4830123456"), 5);
    assert_int_equal(prefixes[1].shorter, 5);
    assert_int_equal(prefixes[2].shorter, 5);
    toll_buffer_free(&trie.words);
    trie_make(&trie, prefixes, 0);
    assert_int_equal(find(&trie, "12015550100"), 0);
    assert_int_equal(trie.lpm.everything, 0);
    toll_buffer_free(&trie.words);
}

/* Digits from few values, so that prefixes nest and numbers meet them. */
static void random_text(char *text, unsigned digits, unsigned spread)
{
    static const char first[] = "1114472359";

    for (unsigned i = 0; i < digits; i++)
        text[i] = i == 0 ? first[next_random() % 10] : "0123456789"[next_random() % spread];
    text[digits] = 0;
}

static int by_text(const void *left, const void *right)
{
    return strcmp(((const struct prefix *)left)->text, ((const struct prefix *)right)->text);
}

#define LOOKUPS_EACH 4000
#define DECKS 300

static void random_decks(void **state)
{
    struct prefix *prefixes = calloc(600, sizeof(*prefixes));
    size_t lookups = 0, hits = 0;
    (void)state;

    for (unsigned deck = 0; deck < DECKS; deck++) {
        const unsigned spread = deck % 3 == 0 ? 2 : deck % 3 == 1 ? 4 : 10;
        size_t wanted = 1 + next_random() % 300, count = 0;
        struct trie trie;
        for (size_t i = 0; i < wanted; i++)
            random_text(prefixes[i].text,
                        (unsigned)(deck % 5 == 0 ? next_random() % 16 : 1 + next_random() % 15), spread);
        qsort(prefixes, wanted, sizeof(*prefixes), by_text);
        for (size_t i = 0; i < wanted; i++) {
            if (i == 0 || strcmp(prefixes[i].text, prefixes[count - 1].text) != 0)
                prefixes[count++] = prefixes[i];
        }
        for (size_t i = 0; i < count; i++)
            prefixes[i].value = (uint32_t)i + 1 + (i % 7 == 0 ? TOLL_LPM_ENTRY : 0);
        trie_make(&trie, prefixes, count);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(prefixes[i].shorter,
                             naive(prefixes, count, prefixes[i].text, strlen(prefixes[i].text)));
        for (unsigned i = 0; i < LOOKUPS_EACH; i++) {
            const unsigned digits = 7 + (unsigned)(next_random() % 9);
            char number[16];
            uint32_t expected;
            random_text(number, digits, spread);
            if (i % 2 == 0) { /* one that begins with a prefix */
                const struct prefix *prefix = &prefixes[next_random() % count];
                const size_t length = strlen(prefix->text);
                memcpy(number, prefix->text, length < digits ? length : digits);
            }
            expected = naive(prefixes, count, number, 16);
            hits += expected != 0;
            lookups++;
            if (find(&trie, number) != expected)
                fail_msg("deck %u number %s: %u, not %u", deck, number, find(&trie, number), expected);
        }
        toll_buffer_free(&trie.words);
    }
    assert_true(lookups >= 1000000 && hits > lookups / 3);
    free(prefixes);
}

/* Whatever 64 bits a damaged file gives, a lookup stays within the words (the sanitizer looks on). */
static void damaged_numbers(void **state)
{
    struct prefix prefixes[] = {
        {"1201", 1, 0},   {"1201555", 2, 0},         {"12015559", 3, 0},       {"4", 4, 0},
        {"447911", 5, 0}, {"111111111111111", 6, 0}, {"222222222222222", 7, 0}};
    struct trie trie;
    void *exact;
    (void)state;

    trie_make(&trie, prefixes, 7);
    /* Exactly as many words as there are. */
    exact = malloc(trie.words.count * sizeof(uint32_t));
    memcpy(exact, trie.words.data, trie.words.count * sizeof(uint32_t));
    for (unsigned i = 0; i < 1000000; i++) {
        uint64_t number = next_random();
        if (i % 2 == 0)
            number = (number & UINT64_C(0x0000FFFFFFFFFFF0)) | UINT64_C(0x120100000000000F);
        else
            number |= 0xF;
        assert_true((toll_lpm_find(&trie.lpm, exact, number) & TOLL_LPM_NODE) == 0);
    }
    free(exact);
    toll_buffer_free(&trie.words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(everything),
        cmocka_unit_test(random_decks),
        cmocka_unit_test(damaged_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
