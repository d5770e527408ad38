/* The twins of toll_hash against it: every length up to three times the longest special case, then whole
 * columns, each at both ends of memory that must not be left. */
#include "base/checksum.h"
#include "kernel_guard.h"
#include "random.h"
#include "simd/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SHORT_MAX 3200u   /* of XXH3: 240 bytes, then blocks of 1,024 */
#define TOTAL_MAX 524288u /* a column of 64-bit numbers */

static void check(toll_hash_kernel *twin, const struct guarded *memory, size_t bytes)
{
    const uint8_t *ends[] = {memory->begin, memory->end - bytes};
    for (size_t i = 0; i < 2; i++)
        assert_true(toll_hash_equal(twin(ends[i], bytes), toll_hash(ends[i], bytes)));
}

static void test_twins(void **state)
{
    (void)state;
    unsigned masks[2];
    const size_t count = twin_masks(masks);
    struct guarded memory = guarded_make(TOTAL_MAX);
    uint64_t random = 19;
    for (uint8_t *at = memory.begin; at < memory.end; at += 8) {
        const uint64_t value = random_next(&random);
        memcpy(at, &value, sizeof value);
    }
    for (size_t i = 0; i < count; i++) {
        toll_hash_kernel *twin = toll_kernels_select(masks[i])->hash;
        assert_true(twin != toll_hash);
        for (size_t bytes = 0; bytes < SHORT_MAX; bytes++)
            check(twin, &memory, bytes);
        for (size_t bytes = SHORT_MAX; bytes < TOTAL_MAX; bytes += bytes / 3 + 1)
            check(twin, &memory, bytes);
    }
    guarded_free(&memory);
}

/* In pieces, of any length. */
static void test_pieces(void **state)
{
    (void)state;
    static uint8_t bytes[100000];
    uint64_t random = 23;
    unsigned masks[2];
    const size_t count = twin_masks(masks);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)random_next(&random);
    for (size_t i = 0; i <= count; i++) {
        toll_hash_add_kernel *add = i == count ? toll_hash_add : toll_kernels_select(masks[i])->hash_add;
        for (size_t round = 0; round < 200; round++) {
            const size_t most = round % 4 == 0 ? 300 : 5000, total = random_next(&random) % sizeof bytes;
            struct toll_hash_state hash;
            toll_hash_begin(&hash);
            for (size_t at = 0; at < total;) {
                const size_t left = total - at, piece = random_next(&random) % most;
                add(&hash, bytes + at, piece < left ? piece : left);
                at += piece < left ? piece : left;
            }
            assert_true(toll_hash_equal(toll_hash_end(&hash), toll_hash(bytes, total)));
        }
    }
}

/* The value of no bytes at all, as xxHash's own documents have it for seed 0. */
static void test_value(void **state)
{
    (void)state;
    char text[TOLL_HASH_TEXT_BYTES];
    toll_hash_text(toll_hash("", 0), text);
    assert_string_equal(text, "99aa06d3014798d86001c324468d497f");
}

/* SHA-256 in pieces, some of them walked block by block, is that of the whole. */
static void test_sha256_walk(void **state)
{
    (void)state;
    static uint8_t bytes[5000];
    uint64_t random = 29;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)random_next(&random);
    for (size_t round = 0; round < 2000; round++) {
        const size_t total = random_next(&random) % sizeof bytes;
        struct toll_sha256_hasher *hasher = toll_sha256_create();
        uint8_t want[TOLL_SHA256_BYTES], got[TOLL_SHA256_BYTES];
        assert_non_null(hasher);
        for (size_t at = 0, piece; at < total; at += piece) {
            piece = random_next(&random) % (round % 2 == 0 ? 200 : 2000);
            piece = piece < total - at ? piece : total - at;
            if (random_next(&random) % 4 == 0) {
                toll_sha256_update(hasher, bytes + at, piece);
                continue;
            }
            struct toll_sha256_walk walk;
            toll_sha256_walk_begin(&walk, hasher, bytes + at, piece, toll_sha256_is_fast() && round % 8 != 0);
            for (size_t steps = random_next(&random) % 40; steps > 0; steps--)
                toll_sha256_walk_step(&walk);
            toll_sha256_walk_end(&walk);
        }
        toll_sha256_digest(hasher, got);
        toll_sha256(bytes, total, want);
        assert_memory_equal(got, want, sizeof want);
        toll_sha256_destroy(hasher);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_twins), cmocka_unit_test(test_pieces),
                                       cmocka_unit_test(test_sha256_walk), cmocka_unit_test(test_value)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
