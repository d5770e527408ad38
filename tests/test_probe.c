/* The number probe: every kernel against a plain list, on full and empty maps, collisions and any row count.
 */
#include "base/cpu.h"
#include "random.h"
#include "simd/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t random_state = 0x70726f6265;

static uint64_t next_random(void)
{
    return random_next(&random_state);
}

static uint64_t number(uint64_t i)
{
    uint64_t digits = UINT64_C(0x1212) << 48 | UINT64_C(0xFFFFF);
    for (int place = 20; place < 48; place += 4, i /= 10)
        digits |= (i % 10) << place;
    return digits;
}

static void insert(struct toll_number_slot *slots, uint64_t capacity, uint64_t key, uint32_t owner)
{
    uint64_t slot = toll_number_first_slot(key, capacity);
    while (slots[slot].key != 0)
        slot = (slot + 1) % capacity;
    slots[slot] = (struct toll_number_slot){.key = key, .owner = owner};
}

/* The slots as lines, `extra` more than they need; in memory of that size, so that a sanitizer sees a read
 * beyond. */
static struct toll_number_line *lines_of(const struct toll_number_slot *slots, uint64_t capacity,
                                         uint64_t line_count)
{
    struct toll_number_line *lines = aligned_alloc(64, (line_count + 1) * sizeof *lines);
    assert_non_null(lines);
    memset(lines, 0, (line_count + 1) * sizeof *lines);
    toll_number_lines_fill(lines + 1, line_count, slots, capacity);
    return lines;
}

/* Numbers 0..count-1 are there with owner 1 + i; the map has exactly `capacity` slots and `line_count` lines.
 */
static void check_map(const struct toll_kernels *kernels, uint64_t count, uint64_t capacity,
                      uint64_t line_count, size_t rows)
{
    struct toll_number_slot *slots = calloc(capacity, sizeof *slots);
    uint64_t *keys = calloc(rows + 1, sizeof *keys);
    uint32_t *owners = malloc((rows + 1) * sizeof *owners);
    for (uint64_t i = 0; i < count; i++)
        insert(slots, capacity, number(i), (uint32_t)i + 1);
    for (size_t i = 0; i < rows; i++)
        keys[i] = next_random() % 8 == 0 ? 0 : number(next_random() % (count * 2 + 1));
    owners[rows] = 0xABCD;
    struct toll_number_line *memory = lines_of(slots, capacity, line_count), *lines = memory + 1;
    kernels->probe(lines, line_count, keys, rows, owners);
    for (size_t i = 0; i < rows; i++) {
        uint32_t want = 0;
        for (uint64_t k = 0; k < count && keys[i] != 0; k++)
            want = number(k) == keys[i] ? (uint32_t)k + 1 : want;
        assert_int_equal(owners[i], want);
        assert_int_equal(toll_probe_one(lines, line_count, keys[i]), want);
    }
    assert_int_equal(owners[rows], 0xABCD);
    free(memory);
    free(slots);
    free(keys);
    free(owners);
}

static void check_maps(const struct toll_kernels *kernels)
{
    static const size_t rows[] = {0, 1, 31, 32, 33, 64, 1000};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        check_map(kernels, 0, 1, 1, rows[r]);
        check_map(kernels, 1, 2, 1, rows[r]);
        check_map(kernels, 4, 6, 1, rows[r]);
        check_map(kernels, 100, 145, toll_number_lines(100), rows[r]);
        check_map(kernels, 99, 101, 20, rows[r]); /* one empty place: every walk goes on, round the end */
        check_map(kernels, 1000, 1451, 210, rows[r]);
        check_map(kernels, 1000, 1451, toll_number_lines(1000), rows[r]);
    }
}

/* With every set of features that this processor has. */
static void test_maps(void **state)
{
    (void)state;
    const unsigned features = toll_cpu_features();
    check_maps(toll_kernels_select(0));
    check_maps(toll_kernels_select(features & TOLL_CPU_AVX2));
    check_maps(toll_kernels_select(features));
}

static void test_no_slots(void **state)
{
    (void)state;
    const uint64_t keys[] = {0, number(1), UINT64_MAX};
    uint32_t owners[] = {7, 7, 7};
    toll_kernels_select(0)->probe(NULL, 0, keys, 3, owners);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(owners[i], 0);
        assert_int_equal(toll_probe_one(NULL, 0, keys[i]), 0);
    }
}

static void test_dated_owner_passes_through(void **state)
{
    (void)state;
    struct toll_number_slot slots[3] = {{0}};
    insert(slots, 3, number(5), TOLL_OWNER_DATED | 9);
    struct toll_number_line *memory = lines_of(slots, 3, 2);
    assert_true(toll_probe_one(memory + 1, 2, number(5)) == (TOLL_OWNER_DATED | 9));
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_no_slots),
        cmocka_unit_test(test_dated_owner_passes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
