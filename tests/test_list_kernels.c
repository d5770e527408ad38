/*
 * The kernels that list rows: every twin against the portable one, for all small row counts, all arrays at
 * one end of memory that must not be left; and the portable one by hand.
 */
#include "base/cpu.h"
#include "kernel_guard.h"
#include "random.h"
#include "ratetable/layout.h"
#include "simd/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#define ROWS_MAX 300
#define IDS 40

static uint64_t random_state = 0x6c69737473;

static uint32_t pick(uint32_t below)
{
    return (uint32_t)(random_next(&random_state) % below);
}

/* ---- arrays ---- */

struct pool {
    struct guarded memory[48];
    size_t used;
    bool at_end;
};

static void *take(struct pool *pool, size_t bytes)
{
    struct guarded *memory = &pool->memory[pool->used++];
    assert_true(pool->used <= 48);
    if (memory->map == NULL)
        *memory = guarded_make(65536);
    return pool->at_end ? memory->end - bytes : memory->begin;
}

static uint16_t any_kind(void)
{
    const uint16_t plain = TOLL_CALL_CALLER_E164 | TOLL_CALL_CALLEE_E164 | TOLL_CALL_ANSWERED;
    return (uint16_t)(pick(3) != 0 ? plain | (pick(2) != 0 ? TOLL_CALL_IN : 0) | (pick(4) == 0 ? 0x8000 : 0)
                                   : pick(65536));
}

#define LISTS 7
#define OWNERS 1000

struct lists {
    size_t count[LISTS];
    uint32_t *list[LISTS];
    uint64_t *numbers;
    uint8_t *call_keys;
};

struct columns {
    uint16_t *kind;
    uint8_t *status, *class_jurisdiction;
    uint32_t *bucket, *trunks, *hints, *owner, *owners, *keys;
    uint64_t *charged, *caller, *callee, *exchanges;
    int32_t *trunk, *hint;
};

static void run(const struct toll_list_kernels *kernels, const struct columns *c, size_t rows,
                struct pool *pool, struct lists *out)
{
    const struct toll_other_payers_in all = {c->charged, c->trunk, c->hint, c->trunks, c->hints, c->kind},
                                      none = {.kind = c->kind};
    const struct toll_far_ends_in far = {c->caller, c->callee,   c->kind, c->class_jurisdiction,
                                         c->bucket, c->exchanges};
    const struct toll_may_draw_in draws = {c->kind,  c->status, c->class_jurisdiction,
                                           c->owner, c->owners, c->keys};
    for (size_t i = 0; i < LISTS; i++)
        out->list[i] = take(pool, rows * sizeof(uint32_t));
    out->call_keys = take(pool, rows);
    out->numbers = take(pool, rows * sizeof(uint64_t));
    out->count[0] = kernels->other_payers(&all, rows, out->list[0]);
    out->count[1] = kernels->other_payers(&none, rows, out->list[1]);
    out->count[2] = kernels->far_ends(&far, rows, out->list[2], out->numbers);
    out->count[3] = kernels->counted(c->kind, c->status, c->bucket, 0x8000000fu, rows, out->list[3]);
    out->count[4] = kernels->other_kinds(c->kind, TOLL_CALL_SERVICE, TOLL_CALL_VOICE, rows, out->list[4]);
    out->count[5] = kernels->other_kinds(c->kind, TOLL_CALL_LEG, 0, rows, out->list[5]);
    out->count[6] = kernels->may_draw(&draws, rows, out->list[6], out->call_keys);
}

static void check(const struct toll_list_kernels *twin, size_t rows, struct pool *pool)
{
    pool->used = 0;
    const struct columns c = {
        .kind = take(pool, rows * 2),
        .status = take(pool, rows),
        .class_jurisdiction = take(pool, rows),
        .bucket = take(pool, rows * 4),
        .trunks = take(pool, IDS * 4),
        .hints = take(pool, IDS * 4),
        .owner = take(pool, rows * 4),
        .owners = take(pool, (OWNERS + 31) / 32 * 4),
        .keys = take(pool, TOLL_CALL_KEYS / 8),
        .charged = take(pool, rows * 8),
        .caller = take(pool, rows * 8),
        .callee = take(pool, rows * 8),
        .exchanges = take(pool, TOLL_EXCHANGES / 8),
        .trunk = take(pool, rows * 4),
        .hint = take(pool, rows * 4),
    };
    for (size_t i = 0; i < TOLL_EXCHANGES / 64; i++)
        c.exchanges[i] = random_next(&random_state);
    for (size_t i = 0; i < (OWNERS + 31) / 32; i++)
        c.owners[i] = (uint32_t)random_next(&random_state);
    for (size_t i = 0; i < TOLL_CALL_KEYS / 32; i++)
        c.keys[i] = (uint32_t)random_next(&random_state) | (uint32_t)random_next(&random_state);
    for (uint32_t i = 0; i < IDS; i++) {
        c.trunks[i] = i == 0 || pick(2) == 0 ? 0 : pick(9);
        c.hints[i] = i == 0 || pick(2) == 0 ? 0 : 1u << 31;
    }
    for (size_t i = 0; i < rows; i++) {
        c.kind[i] = any_kind();
        c.status[i] = (uint8_t)(pick(2) == 0 ? 0 : pick(2) == 0 ? pick(40) : pick(256));
        c.owner[i] = pick(OWNERS);
        c.class_jurisdiction[i] = (uint8_t)(pick(2) == 0 ? pick(16) : pick(256));
        c.bucket[i] = pick(4) == 0 ? 0 : pick(1u << 31);
        c.charged[i] = pick(8) == 0 ? random_next(&random_state) : 0;
        c.caller[i] = random_next(&random_state);
        c.callee[i] = random_next(&random_state);
        c.trunk[i] = pick(3) == 0 ? (int32_t)pick(IDS) : 0;
        c.hint[i] = pick(8) == 0 ? (int32_t)pick(IDS) : 0;
    }
    struct lists one, other;
    run(&toll_lists_scalar, &c, rows, pool, &one);
    run(twin, &c, rows, pool, &other);
    for (size_t i = 0; i < LISTS; i++) {
        assert_int_equal(one.count[i], other.count[i]);
        assert_memory_equal(one.list[i], other.list[i], one.count[i] * sizeof(uint32_t));
    }
    assert_memory_equal(one.numbers, other.numbers, one.count[2] * sizeof(uint64_t));
    assert_memory_equal(one.call_keys, other.call_keys, one.count[6]);
}

static void test_twins(void **state)
{
    (void)state;
    struct pool pool = {.used = 0};
    unsigned masks[2];
    const size_t count = twin_masks(masks);
    for (size_t m = 0; m < count; m++)
        for (size_t rows = 0; rows <= ROWS_MAX; rows += rows < 50 ? 1 : 47)
            for (int end = 0; end < 2; end++) {
                pool.at_end = end != 0;
                check(toll_kernels_select(masks[m])->lists, rows, &pool);
            }
    for (size_t i = 0; i < 48 && pool.memory[i].map != NULL; i++)
        guarded_free(&pool.memory[i]);
}

/* ---- by hand ---- */

#define ENDS (TOLL_CALL_CALLER_E164 | TOLL_CALL_CALLEE_E164)

static void test_by_hand(void **state)
{
    (void)state;
    static uint64_t exchanges[TOLL_EXCHANGES / 64];
    const uint16_t kind[] = {ENDS, ENDS | TOLL_CALL_IN, 1, ENDS | TOLL_CALL_LEG | TOLL_CALL_IN,
                             TOLL_CALL_CALLER_E164};
    const uint64_t ours = UINT64_C(0x12125550100fffff), other = UINT64_C(0x13105550100fffff);
    const uint64_t caller[] = {other, ours, ours, other, ours}, callee[] = {ours, other, ours, ours, ours};
    const uint64_t charged[] = {0, ours, 0, ours, 0};
    const int32_t trunk[] = {1, 0, 2, 2, 0};
    const uint32_t trunks[] = {0, 0, 7}, bucket[] = {1, 2, 3, 0, 5};
    const uint8_t status[] = {0, 0, 1, 0, 200}, class_[] = {0x03, 0x02, 0x02, 0x12, 0x02};
    uint32_t list[5];
    uint64_t numbers[5];
    const uint32_t bit = toll_exchange_bit(ours);
    exchanges[bit / 64] |= UINT64_C(1) << bit % 64;
    assert_int_not_equal(bit, toll_exchange_bit(other));

    const struct toll_other_payers_in payers = {charged, trunk, NULL, trunks, NULL, kind};
    assert_int_equal(toll_lists_scalar.other_payers(&payers, 5, list), 2); /* trunk 1 is nobody's */
    assert_int_equal(list[0], 1);
    assert_int_equal(list[1], 2);
    const struct toll_far_ends_in far = {caller, callee, kind, class_, bucket, exchanges};
    assert_int_equal(toll_lists_scalar.far_ends(&far, 5, list, numbers), 2);
    assert_int_equal(list[0], 0);
    assert_int_equal(list[1], 1);
    assert_true(numbers[0] == ours && numbers[1] == ours);
    assert_int_equal(toll_lists_scalar.counted(kind, status, bucket, 1u << 0, 5, list), 1);
    assert_int_equal(list[0], 0);
    assert_int_equal(toll_lists_scalar.other_kinds(kind, TOLL_CALL_SERVICE, TOLL_CALL_VOICE, 5, list), 1);
    assert_int_equal(list[0], 2);
}

static void test_may_draw_by_hand(void **state)
{
    (void)state;
    /* an interstate call, a credit of it, one in suspense, one of an owner without bundles, one that comes
     * in, one of the last owner, one within the state */
    const uint16_t out = TOLL_CALL_VOICE | TOLL_CALL_ANSWERED, in = out | TOLL_CALL_IN;
    const uint16_t kind[] = {out, out | TOLL_CALL_CREDIT, out, out, in, out, out};
    const uint8_t status[] = {0, 0, 128, 0, 0, 0, 0}, class_[] = {3, 3, 3, 3, 3, 3, 2};
    const uint32_t owner[] = {33, 33, 33, 34, 33, 63, 33}, owners[] = {0, 1u << 1 | 1u << 31};
    const uint32_t keys[TOLL_CALL_KEYS / 32] = {1u << 3};
    uint32_t list[7];
    uint8_t call_keys[7];
    const struct toll_may_draw_in draws = {kind, status, class_, owner, owners, keys};
    assert_int_equal(toll_lists_scalar.may_draw(&draws, 7, list, call_keys), 2);
    assert_int_equal(list[0], 0);
    assert_int_equal(list[1], 5);
    assert_int_equal(call_keys[0], 3);
    assert_int_equal(call_keys[1], 3);
}

/* A call's key is that of its chain of rules. */
static void test_keys(void **state)
{
    (void)state;
    for (unsigned service = 0; service < 5; service++)
        for (unsigned direction = 0; direction < 2; direction++)
            for (unsigned call = 0; call < 25; call++)
                assert_int_equal(
                    toll_call_key(service | (direction != 0 ? TOLL_CALL_IN : 0), call / 5 << 4 | call % 5),
                    toll_chain_key(service, direction, call / 5, call % 5));
    assert_true(toll_call_key(0xffff, 0xff) < TOLL_CALL_KEYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_twins), cmocka_unit_test(test_by_hand),
                                       cmocka_unit_test(test_may_draw_by_hand), cmocka_unit_test(test_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
