/*
 * The kernel that writes requests for pools: the twin against the portable one, for all small counts, all
 * arrays at one end of memory that must not be left; and the portable one by hand.
 */
#include "kernel_guard.h"
#include "random.h"
#include "simd/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#define ROWS_MAX 300
#define OWNERS 50
#define BUNDLES 9

static uint64_t random_state = 0x61736b;

static uint32_t pick(uint32_t below)
{
    return (uint32_t)(random_next(&random_state) % below);
}

struct pool {
    struct guarded memory[40];
    size_t used;
    bool at_end;
};

static void *take(struct pool *pool, size_t bytes)
{
    struct guarded *memory = &pool->memory[pool->used++];
    assert_true(pool->used <= 40);
    if (memory->map == NULL)
        *memory = guarded_make(8192);
    return pool->at_end ? memory->end - bytes : memory->begin;
}

static struct toll_draw_requests take_requests(struct pool *pool, size_t rows)
{
    return (struct toll_draw_requests){
        .start = take(pool, rows * 8),
        .bundle = take(pool, rows * 4),
        .pool = take(pool, rows * 4),
        .billed = take(pool, rows * 4),
        .terms = take(pool, rows * 4),
        .bucket = take(pool, rows * 4),
        .row = take(pool, rows * 2),
        .key = take(pool, rows),
        .flags = take(pool, rows),
    };
}

static void assert_same(const struct toll_draw_requests *a, const struct toll_draw_requests *b, size_t count)
{
    assert_memory_equal(a->start, b->start, count * 8);
    assert_memory_equal(a->bundle, b->bundle, count * 4);
    assert_memory_equal(a->pool, b->pool, count * 4);
    assert_memory_equal(a->billed, b->billed, count * 4);
    assert_memory_equal(a->terms, b->terms, count * 4);
    assert_memory_equal(a->bucket, b->bucket, count * 4);
    assert_memory_equal(a->row, b->row, count * 2);
    assert_memory_equal(a->key, b->key, count);
    assert_memory_equal(a->flags, b->flags, count);
}

/* Every third row or so is listed; `simple`: of simple owners only. */
static void check(toll_ask_pools_kernel *twin, size_t rows, bool simple, struct pool *pool)
{
    pool->used = 0;
    uint32_t listed[ROWS_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < rows; i++)
        if (pick(3) == 0)
            listed[count++] = i;
    uint32_t *list = take(pool, count * 4), *terms = take(pool, rows * 4), *bucket = take(pool, rows * 4),
             *owner = take(pool, rows * 4), *places = take(pool, rows * 4),
             *bundle_keys = take(pool, BUNDLES * 32);
    int64_t *start = take(pool, rows * 8);
    int32_t *billed = take(pool, rows * 4);
    uint8_t *call_keys = take(pool, count);
    struct toll_draw_owner *owners = take(pool, OWNERS * sizeof *owners);
    memcpy(list, listed, count * 4);
    for (size_t i = 0; i < rows; i++) {
        terms[i] = simple || pick(9) != 0 ? 1 + pick(1000) : 0;
        bucket[i] = pick(1u << 31);
        owner[i] = pick(OWNERS);
        places[i] = pick(65536);
        start[i] = (int64_t)random_next(&random_state);
        billed[i] = simple || pick(9) != 0 ? 1 + (int32_t)pick(INT32_MAX) : (int32_t)pick(2) - 1;
    }
    for (size_t k = 0; k < count; k++)
        call_keys[k] = (uint8_t)pick(250);
    for (size_t i = 0; i < OWNERS; i++)
        owners[i] = simple || pick(5) != 0 ? (struct toll_draw_owner){1 + pick(BUNDLES - 1), pick(UINT32_MAX)}
                                           : (struct toll_draw_owner){0, 0};
    for (size_t i = 0; i < BUNDLES * 8; i++)
        bundle_keys[i] = i < 8 ? 0 : (uint32_t)random_next(&random_state);
    const size_t at = pick(5);
    const struct toll_draw_requests a = take_requests(pool, at + count), b = take_requests(pool, at + count);
    for (int gathered = 0; gathered < 2; gathered++) {
        const struct toll_ask_pools_in in = {
            list,       call_keys, start,  billed,      terms,
            bucket,     owner,     owners, bundle_keys, gathered ? places : NULL,
            pick(60000)};
        struct toll_draw_requests from_a = a, from_b = b;
        size_t full_a, full_b;
        const size_t end = toll_ask_pools_scalar(&in, count, &a, at, &full_a);
        assert_int_equal(twin(&in, count, &b, at, &full_b), end);
        assert_int_equal(full_a, full_b);
        assert_true(end >= at && end <= at + count);
        from_a.start += at, from_a.bundle += at, from_a.pool += at, from_a.billed += at, from_a.terms += at;
        from_a.bucket += at, from_a.row += at, from_a.key += at, from_a.flags += at;
        from_b.start += at, from_b.bundle += at, from_b.pool += at, from_b.billed += at, from_b.terms += at;
        from_b.bucket += at, from_b.row += at, from_b.key += at, from_b.flags += at;
        assert_same(&from_a, &from_b, end - at);
    }
}

static void test_twins(void **state)
{
    (void)state;
    struct pool pool = {.used = 0};
    unsigned masks[2];
    const size_t count = twin_masks(masks);
    for (size_t m = 0; m < count; m++)
        for (size_t rows = 1; rows <= ROWS_MAX; rows += rows < 100 ? 1 : 47)
            for (int way = 0; way < 4; way++) {
                pool.at_end = way % 2 != 0;
                check(toll_kernels_select(masks[m])->ask_pools, rows, way >= 2, &pool);
            }
    for (size_t i = 0; i < 40 && pool.memory[i].map != NULL; i++)
        guarded_free(&pool.memory[i]);
}

/* Rows 1, 2, 4, 5 and 6 of a block that begins at row 1000: one draws; the bundle is not for one; of the
 * others one has no simple owner, one no terms and one no units. */
static void test_by_hand(void **state)
{
    (void)state;
    const uint32_t list[] = {1, 2, 4, 5, 6}, terms[] = {9, 3, 3, 9, 3, 0, 3},
                   bucket[] = {9, 11, 12, 9, 14, 15, 16}, owner[] = {0, 1, 1, 0, 2, 1, 1};
    const uint8_t call_keys[] = {40, 41, 40, 40, 40};
    const int64_t start[] = {9, 100, 200, 9, 400, 500, 600};
    const int32_t billed[] = {9, 60, 60, 9, 60, 60, 0};
    const struct toll_draw_owner owners[] = {{0, 0}, {2, 77}, {0, 0}};
    uint32_t bundle_keys[3 * 8] = {0};
    bundle_keys[2 * 8 + 1] = 1u << (40 - 32);
    int64_t starts[5];
    uint32_t bundles[5], pools[5], termss[5], buckets[5];
    int32_t billeds[5];
    uint16_t row[5];
    uint8_t keys[5], flags[5];
    const struct toll_draw_requests to = {starts, bundles, pools, billeds, termss, buckets, row, keys, flags};
    const struct toll_ask_pools_in in = {list,  call_keys, start,       billed, terms, bucket,
                                         owner, owners,    bundle_keys, NULL,   1000};
    size_t full;
    assert_int_equal(toll_ask_pools_scalar(&in, 5, &to, 0, &full), 4);
    assert_int_equal(full, 3);
    assert_true(starts[0] == 100 && bundles[0] == 2 && pools[0] == 77 && billeds[0] == 60 && termss[0] == 3 &&
                buckets[0] == 11 && row[0] == 1001 && keys[0] == 40 && flags[0] == 0);
    for (uint32_t i = 1; i < 4; i++)
        assert_true(bundles[i] == 0 && pools[i] == i + 1 && row[i] == 1000 + list[i + 1] &&
                    flags[i] == TOLL_DRAW_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_twins), cmocka_unit_test(test_by_hand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
