/*
 * The Arrow room on its own: files in memory. What our writer writes is read back; whatever else is refused
 * and never followed out of the buffer (run this under ASan and UBSan).
 */
#include "arrow/arrow.h"
#include "arrow/flat.h"
#include "base/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct toll_arrow_field all_fields[] = {
    {"i32", TOLL_ARROW_INT32, 0},
    {"money", TOLL_ARROW_INT64, 8},
    {"text", TOLL_ARROW_UTF8, 0},
    {"u8", TOLL_ARROW_UINT8, 0},
    {"word", TOLL_ARROW_DICTIONARY_INT32, 0},
    {"u16", TOLL_ARROW_UINT16, 0},
    {"u64", TOLL_ARROW_UINT64, 0},
    {"when", TOLL_ARROW_TIMESTAMP_MS, 0},
    {"small", TOLL_ARROW_DICTIONARY_UINT16, 0},
    {"more", TOLL_ARROW_UTF8, 0},
};
static const struct toll_arrow_schema all = {"all/1", all_fields, 10};
static const struct toll_arrow_schema thin = {"thin/1", all_fields, 1};
static const char *const words[] = {"", "alpha", "beta\xC3\xA4", "gamma"};
static const struct toll_arrow_dictionary dictionaries[] = {{words, 4}, {words, 1}};

/* Byte i of every column's values is f(i), the texts are slices of it. */
struct rows {
    struct toll_arrow_column columns[TOLL_ARROW_COLUMNS];
    uint8_t *values;
    int64_t *offsets;
};

static void rows_make(struct rows *rows, int64_t count)
{
    size_t bytes = ((size_t)count + 1) * 8;
    rows->values = malloc(bytes);
    rows->offsets = malloc(((size_t)count + 1) * sizeof *rows->offsets);
    assert_non_null(rows->values);
    assert_non_null(rows->offsets);
    for (size_t i = 0; i < bytes; i++)
        rows->values[i] = (uint8_t)('a' + (i * 7 + i / 100) % 26);
    for (int64_t i = 0; i <= count; i++)
        rows->offsets[i] = i * 3 + i % 5 / 2; /* texts of 1 to 4 bytes */
    for (unsigned c = 0; c < TOLL_ARROW_COLUMNS; c++)
        rows->columns[c] =
            (struct toll_arrow_column){rows->values, (const char *)rows->values, rows->offsets};
}

static void rows_free(struct rows *rows)
{
    free(rows->values);
    free(rows->offsets);
}

struct made {
    struct toll_arrow_memory memory;
    struct toll_hash128 digest;
};

static struct made make(const struct toll_arrow_schema *schema, int64_t count)
{
    struct made made = {0};
    struct rows rows;
    const struct toll_arrow_sink sink = {toll_arrow_memory_write, &made.memory};
    struct toll_error error;
    int64_t bytes;
    rows_make(&rows, count);
    if (toll_arrow_write(schema, count, rows.columns, dictionaries, &sink, &bytes, &made.digest, &error))
        fail_msg("%s", error.text);
    assert_int_equal(bytes, made.memory.size);
    rows_free(&rows);
    return made;
}

static int read_memory(void *context, void *buffer, size_t bytes, int64_t offset, struct toll_error *error)
{
    (void)error;
    memcpy(buffer, (const uint8_t *)context + offset, bytes);
    return 0;
}

/* Opens and checks every buffer; reads by function when `pieces`. */
static int read_all(const uint8_t *bytes, size_t size, const struct toll_hash128 *digest, bool pieces)
{
    const struct toll_arrow_source source = {.name = "test",
                                             .bytes = pieces ? NULL : bytes,
                                             .size = (int64_t)size,
                                             .read_at = read_memory,
                                             .context = (void *)(uintptr_t)bytes};
    struct toll_arrow_file *file;
    int rc = toll_arrow_open(&source, digest, &file, NULL);
    for (int64_t i = 0; rc == 0 && i < file->batches; i++) {
        for (unsigned b = 0; rc == 0 && b < file->buffers; b++)
            rc = toll_arrow_check(file, i, 0, b, bytes + toll_arrow_place(file, i, b)->offset, NULL);
    }
    toll_arrow_close(file);
    return rc;
}

static void test_round_trip(void **state)
{
    (void)state;
    const int64_t counts[] = {0, 1, 1000, 65536, 65537, 131072, 150000};
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        struct made made = make(&all, counts[k]), again = make(&all, counts[k]);
        struct toll_arrow_source source = {
            .name = "test", .bytes = made.memory.bytes, .size = (int64_t)made.memory.size};
        struct toll_arrow_file *file;
        struct toll_error error;
        assert_int_equal(made.memory.size, again.memory.size);
        assert_memory_equal(made.memory.bytes, again.memory.bytes, made.memory.size);
        if (toll_arrow_open(&source, &made.digest, &file, &error))
            fail_msg("%s", error.text);
        assert_int_equal(file->rows, counts[k]);
        assert_int_equal(file->batches, (counts[k] + 65535) / 65536);
        assert_int_equal(file->buffers, 12);
        assert_int_equal(toll_arrow_expect(file, &all, NULL), 0);
        assert_int_equal(toll_arrow_expect(file, &thin, NULL), TOLL_EDATA);
        assert_int_equal(file->dictionary[0].count, 4);
        assert_string_equal(file->dictionary[0].entries[2], words[2]);
        assert_int_equal(file->dictionary[1].count, 1);
        for (int64_t i = 0; i < file->batches; i++) {
            const struct toll_arrow_place *offsets = toll_arrow_place(file, i, file->first_buffer[9]);
            const struct toll_arrow_place *text = toll_arrow_place(file, i, file->first_buffer[9] + 1);
            assert_int_equal(offsets->offset % 4096, 0);
            assert_int_equal(text->offset % 4096, 0);
            assert_true(
                toll_arrow_text_valid((const int32_t *)(const void *)(made.memory.bytes + offsets->offset),
                                      toll_arrow_batch_rows(counts[k], i), text->bytes));
        }
        toll_arrow_close(file);
        assert_int_equal(read_all(made.memory.bytes, made.memory.size, &made.digest, true), 0);
        free(made.memory.bytes);
        free(again.memory.bytes);
    }
}

/* Of a small file with every type: every bit. */
static void test_every_flipped_bit_is_found(void **state)
{
    (void)state;
    struct made made = make(&all, 3);
    uint8_t *bytes = made.memory.bytes;
    for (size_t i = 0; i < made.memory.size * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        if (read_all(bytes, made.memory.size, &made.digest, i % 3 == 0) != TOLL_EDATA)
            fail_msg("bit %zu of byte %zu flipped and not found", i % 8, i / 8);
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(read_all(bytes, made.memory.size, &made.digest, false), 0);
    free(bytes);
}

/* A copy of exactly that size, so that one byte too far is seen. */
static int read_exact(const uint8_t *bytes, size_t size, const struct toll_hash128 *digest, bool pieces)
{
    uint8_t *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    int rc = read_all(copy, size, digest, pieces);
    free(copy);
    return rc;
}

static void test_truncation(void **state)
{
    (void)state;
    struct made made = make(&all, 100);
    for (size_t size = 0; size < made.memory.size;
         size += size < 200 || size + 200 > made.memory.size ? 1 : 509)
        assert_int_equal(read_exact(made.memory.bytes, size, &made.digest, size % 2), TOLL_EDATA);
    free(made.memory.bytes);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Without a digest to hold it against, metadata is changed at random: it may be accepted, but must never be
 * followed out of the file, and what is accepted must keep to the layout. */
static void test_garbage_in_metadata(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252;
    struct made made = make(&all, 70000);
    const size_t size = made.memory.size;
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    memcpy(bytes, made.memory.bytes, size);
    int refused = 0;
    for (int round = 0; round < 40000; round++) {
        size_t at[4];
        int changes = 1 + (int)(next_random(&seed) % 4);
        for (int k = 0; k < changes; k++) {
            /* Head, first message, tail. */
            const size_t regions[3] = {next_random(&seed) % 4096, 4096 + next_random(&seed) % 1400,
                                       size - 1 - next_random(&seed) % 6000};
            at[k] = regions[next_random(&seed) % 3];
            bytes[at[k]] = (uint8_t)(next_random(&seed) >> (next_random(&seed) % 32));
        }
        struct toll_arrow_source source = {.name = "garbage",
                                           .bytes = round % 2 ? bytes : NULL,
                                           .size = (int64_t)size,
                                           .read_at = read_memory,
                                           .context = bytes};
        struct toll_arrow_file *file;
        int rc = toll_arrow_open(&source, NULL, &file, NULL);
        refused += rc != 0;
        assert_true(rc == 0 || rc == TOLL_EDATA);
        for (int64_t i = 0; rc == 0 && i < file->batches * file->buffers; i++)
            assert_true(file->places[i].offset >= 0 &&
                        file->places[i].offset + (int64_t)toll_arrow_pad(file->places[i].bytes) <=
                            (int64_t)size);
        toll_arrow_close(file);
        for (int k = 0; k < changes; k++)
            bytes[at[k]] = made.memory.bytes[at[k]];
    }
    assert_true(refused > 10000);
    free(bytes);
    free(made.memory.bytes);
}

static void test_random_bytes(void **state)
{
    (void)state;
    uint64_t seed = 42;
    uint8_t bytes[20000];
    for (int round = 0; round < 3000; round++) {
        size_t size = next_random(&seed) % sizeof bytes;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)next_random(&seed);
        /* With the marks right, so that more than the first test is reached. */
        if (size > 5000) {
            uint32_t footer = (uint32_t)(next_random(&seed) % 4000 & ~7u);
            memcpy(bytes, "ARROW1\0", 8);
            memcpy(bytes + size - 10, &footer, 4);
            memcpy(bytes + size - 6, "ARROW1", 6);
        }
        assert_int_equal(read_exact(bytes, size, NULL, round % 2), TOLL_EDATA);
    }
}

static void test_flat_round_trip(void **state)
{
    (void)state;
    uint8_t bytes[256] = {0};
    size_t size = 0;
    for (int pass = 0; pass < 2; pass++) {
        struct toll_flat flat;
        toll_flat_begin(&flat, pass ? bytes : NULL, sizeof bytes);
        struct toll_flat_table root = toll_flat_table(&flat, (const uint8_t[]){1, 8, 4, 0, 2, 4}, 6);
        toll_flat_set(&flat, &root, 0, 7, 1);
        toll_flat_set(&flat, &root, 1, UINT64_C(0x123456789ABCDEF0), 8);
        toll_flat_link(&flat, &root, 2, toll_flat_string(&flat, "hello", 5));
        toll_flat_set(&flat, &root, 4, 0xBEEF, 2);
        size_t vector = toll_flat_vector(&flat, 2, 16);
        toll_flat_link(&flat, &root, 5, vector);
        toll_flat_vector_set(&flat, vector, 24, 99);
        assert_true(!pass || flat.size == size);
        size = flat.size;
    }
    struct toll_flat_reader reader = {.bytes = bytes, .size = size};
    struct toll_flat_ref root = toll_flat_read_root(&reader);
    assert_int_equal(toll_flat_read(&reader, &root, 0, 1, 0), 7);
    assert_true(toll_flat_read(&reader, &root, 1, 8, 0) == UINT64_C(0x123456789ABCDEF0));
    assert_int_equal(toll_flat_read(&reader, &root, 3, 4, 1234), 1234);
    assert_int_equal(toll_flat_read(&reader, &root, 4, 2, 0), 0xBEEF);
    assert_int_equal(toll_flat_read(&reader, &root, 7, 2, 5), 5);
    struct toll_flat_span text = toll_flat_read_string(&reader, &root, 2);
    assert_int_equal(text.count, 5);
    assert_memory_equal(bytes + text.position, "hello", 5);
    struct toll_flat_span vector = toll_flat_read_vector(&reader, &root, 5, 16);
    assert_int_equal(vector.count, 2);
    assert_int_equal(vector.position % 8, 0);
    assert_int_equal(toll_flat_read_at(&reader, &vector, 24), 99);
    assert_false(reader.bad);
    toll_flat_read_vector(&reader, &root, 5, 1000);
    assert_true(reader.bad);
    assert_int_equal(toll_flat_read(&reader, &root, 0, 1, 55), 55);
}

static void test_text_over_2_gib_is_refused(void **state)
{
    (void)state;
    const int64_t bytes[2] = {INT64_C(1) << 31, 0};
    struct toll_arrow_plan plan = {0};
    struct toll_error error;
    assert_int_equal(toll_arrow_plan_make(&plan, &all, 10, bytes, &error), TOLL_EDATA);
    toll_arrow_plan_free(&plan);
}

/* The widest file: its batch metadata need more than one page, which is the next multiple. */
static void test_wide(void **state)
{
    (void)state;
    struct toll_arrow_field fields[TOLL_ARROW_COLUMNS];
    char names[TOLL_ARROW_COLUMNS][8];
    for (unsigned c = 0; c < TOLL_ARROW_COLUMNS; c++) {
        snprintf(names[c], sizeof names[c], "c%u", c);
        fields[c] = (struct toll_arrow_field){names[c], TOLL_ARROW_UTF8, 0};
    }
    const struct toll_arrow_schema wide = {"wide/1", fields, TOLL_ARROW_COLUMNS};
    struct made made = make(&wide, 66000);
    assert_int_equal(read_all(made.memory.bytes, made.memory.size, &made.digest, false), 0);
    free(made.memory.bytes);
}

static int fail_write(void *context, const void *data, size_t bytes, int64_t offset, struct toll_error *error)
{
    int *left = context;
    (void)data, (void)bytes, (void)offset, (void)error;
    return (*left)-- > 0 ? 0 : TOLL_EIO;
}

static void test_failing_sink(void **state)
{
    (void)state;
    struct rows rows;
    struct toll_hash128 digest;
    int64_t bytes;
    rows_make(&rows, 70000);
    for (int writes = 0;; writes++) {
        int left = writes;
        const struct toll_arrow_sink sink = {fail_write, &left};
        int rc = toll_arrow_write(&all, 70000, rows.columns, dictionaries, &sink, &bytes, &digest, NULL);
        if (rc == 0)
            break;
        assert_int_equal(rc, TOLL_EIO);
    }
    rows_free(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flat_round_trip),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_flipped_bit_is_found),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_garbage_in_metadata),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_text_over_2_gib_is_refused),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_failing_sink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
