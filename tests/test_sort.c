/* The radix sort beside qsort, on keys of every shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "ratetable/prefix_cell.h"
#include "ratetable/sort.h"

static int compare(const void *left, const void *right)
{
    const struct toll_sort_pair *a = left, *b = right;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index; /* stable */
}

static void sorts_as_qsort(void **state)
{
    static const uint64_t masks[] = {
        UINT64_MAX,        0,           0xFF, UINT64_C(0x7FF) << 22, 3, UINT64_C(0xFFFFFFFF) << 32,
        UINT64_C(1) << 63, 0xFFFFFFFFF, 0x801};
    uint64_t seed = 3;

    (void)state;
    for (size_t turn = 0; turn < 300; turn++) {
        const size_t count = turn < 20 ? turn : random_next(&seed) % 3000;
        const uint64_t mask = masks[turn % (sizeof(masks) / sizeof(masks[0]))], base = random_next(&seed);
        struct toll_sort_pair *pairs = calloc(count + 1, sizeof(*pairs));
        struct toll_sort_pair *expected = calloc(count + 1, sizeof(*expected));
        assert_true(pairs != NULL && expected != NULL);
        for (size_t i = 0; i < count; i++)
            pairs[i] = (struct toll_sort_pair){(base & ~mask) | (random_next(&seed) & mask), (uint32_t)i, 0};
        memcpy(expected, pairs, count * sizeof(*pairs));
        qsort(expected, count, sizeof(*expected), compare);
        assert_true(toll_sort_pairs(pairs, count));
        assert_memory_equal(pairs, expected, count * sizeof(*pairs));
        free(pairs);
        free(expected);
    }
}

/* Numbers as values and as nibbles: digits of the printed value, one by one. */
static void numbers_from_values(void **state)
{
    uint64_t seed = 4, power = 1;

    (void)state;
    for (unsigned digits = 1; digits <= 15; digits++) {
        power *= 10;
        for (int i = 0; i < 2000; i++) {
            const uint64_t value = i == 0 ? 0 : i == 1 ? power - 1 : random_next(&seed) % power;
            uint64_t expected = UINT64_MAX, rest = value;
            for (unsigned k = 0; k < digits; k++, rest /= 10)
                expected = expected >> 4 | (rest % 10) << 60;
            assert_true(toll_number_from_value(value, digits) == expected);
            assert_true(toll_number_value(expected) == value);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_as_qsort),
        cmocka_unit_test(numbers_from_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
