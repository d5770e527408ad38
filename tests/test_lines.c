/* Rated lines: any order of writing gives the same bytes, they read back, and damage is found. */
#include "mmap_cdr/arrow_file.h"
#include "segment/lines.h"
#include "tollmill_segment.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct folder {
    char path[64];
    int fd;
};

static int folder_make(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    assert_non_null(folder);
    strcpy(folder->path, "/tmp/toll_lines_XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY);
    assert_true(folder->fd >= 0);
    assert_int_equal(mkdirat(folder->fd, "lines", 0750), 0);
    *state = folder;
    return 0;
}

static int folder_remove(void **state)
{
    struct folder *folder = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder->path);
    close(folder->fd);
    int rc = system(command);
    free(folder);
    return rc;
}

/* The value of a column at a row of the file. */
static int64_t line_value(unsigned column, int64_t row)
{
    static const uint8_t statuses[] = {TOLL_RATED, TOLL_ZERO_FREE, TOLL_SUSPENSE_NO_RATE, TOLL_RATED,
                                       TOLL_RATED};
    switch (column) {
    case 0:
        return row % 65536; /* the greatest that is narrow among them */
    case 1:
        return 1 + row % 1000;
    case 2:
        return 65535 - row % 3601;
    case 3:
        return (row % 97 - 48) * INT64_C(123456789012);
    case 4:
        return row % 2;
    case 5:
        return statuses[row % 5];
    case 6:
        return (row % TOLL_CLASSES) << 4 | row % TOLL_CALL_JURISDICTIONS;
    case TOLL_LINE_INCLUDED:
        return row % 61;
    case TOLL_LINE_POOL:
        return row % 61 == 0 ? 0 : 1 + row % 5000;
    case TOLL_LINE_COST:
        return (row % 89 - 2) * INT64_C(9876543210);
    case TOLL_LINE_COST_PRICE:
        return row % 777;
    case TOLL_LINE_COST_STATUS:
        return row % 3 == 0 ? TOLL_SUSPENSE_NO_FX : row % 10;
    default:
        return row % 3;
    }
}

static const size_t wide[TOLL_LINE_COLUMNS_MOST] = {4, 4, 4, 8, 4, 1, 1, 4, 4, 8, 4, 1, 1};

static size_t width_of(unsigned optional, unsigned column)
{
    return (optional >> 8 >> column & 1) != 0 ? 2 : wide[column];
}

static bool has_column(unsigned optional, unsigned column)
{
    return column < 7 || (column < 9 ? optional & 1 : column < 12 ? optional & 2 : optional & 4) != 0;
}

static uint8_t *make_block(int64_t first, int64_t rows, unsigned optional)
{
    size_t offsets[TOLL_LINE_COLUMNS_MOST], bytes = toll_lines_batch_layout(rows, optional, offsets);
    uint8_t *block = aligned_alloc(4096, bytes);
    assert_non_null(block);
    memset(block, 0xA5, bytes); /* what the writer must clear */
    for (unsigned c = 0; c < TOLL_LINE_COLUMNS_MOST; c++) {
        assert_int_equal(offsets[c] % 4096, 0);
        assert_int_equal(offsets[c] != 0, has_column(optional, c));
        if (!has_column(optional, c))
            continue;
        const size_t width = width_of(optional, c);
        for (int64_t i = 0; i < rows; i++) {
            int64_t value = line_value(c, first + i);
            memcpy(block + offsets[c] + (size_t)i * width, &value, width);
        }
    }
    return block;
}

static void write_batch(struct toll_lines_writer *writer, int64_t rows, int64_t index, unsigned optional)
{
    struct toll_error error;
    int64_t first = index * TOLL_BATCH_ROWS, count = rows - first;
    uint8_t *block = make_block(first, count < TOLL_BATCH_ROWS ? count : TOLL_BATCH_ROWS, optional);
    if (toll_lines_write(writer, index, block, &error))
        fail_msg("%s", error.text);
    free(block);
}

enum order { FORWARDS, BACKWARDS, BY_TWO };

struct half {
    struct toll_lines_writer *writer;
    int64_t rows, batches, from;
    unsigned optional;
};

static void *write_half(void *context)
{
    const struct half *half = context;
    for (int64_t i = half->from; i < half->batches; i += 2)
        write_batch(half->writer, half->rows, i, half->optional);
    return NULL;
}

static void write_lines(const struct folder *folder, const char *name, int64_t rows, enum order order,
                        unsigned optional, struct toll_file_seal *seal)
{
    struct toll_lines_writer *writer;
    struct toll_error error;
    int64_t batches = (rows + TOLL_BATCH_ROWS - 1) / TOLL_BATCH_ROWS;
    if (toll_lines_create(toll_io_system(), folder->fd, name, rows, optional, &writer, &error))
        fail_msg("%s", error.text);
    if (order == BY_TWO) {
        struct half halves[2] = {{writer, rows, batches, 0, optional}, {writer, rows, batches, 1, optional}};
        pthread_t threads[2];
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, write_half, &halves[i]), 0);
        for (int i = 0; i < 2; i++)
            pthread_join(threads[i], NULL);
    }
    for (int64_t i = 0; order != BY_TWO && i < batches; i++)
        write_batch(writer, rows, order == FORWARDS ? i : batches - 1 - i, optional);
    if (toll_lines_finish(writer, seal, &error))
        fail_msg("%s", error.text);
}

static uint8_t *slurp(const struct folder *folder, const char *name, size_t *bytes)
{
    struct toll_file file;
    char path[128];
    snprintf(path, sizeof path, "lines/%s.arrow", name);
    assert_int_equal(toll_file_open(&file, toll_io_system(), folder->fd, path, TOLL_READ_PREAD, NULL), 0);
    uint8_t *data = malloc((size_t)file.size + 1);
    assert_non_null(data);
    assert_int_equal(toll_file_read(&file, data, (size_t)file.size, 0, NULL), 0);
    *bytes = (size_t)file.size;
    toll_file_close(&file);
    return data;
}

static void compare_batch(const struct toll_line_batch *batch, int64_t first, unsigned optional)
{
    assert_int_equal(batch->pool != NULL, (optional & TOLL_LINES_POOL) != 0);
    assert_int_equal(batch->included != NULL, (optional & TOLL_LINES_POOL) != 0);
    assert_int_equal(batch->cost != NULL, (optional & TOLL_LINES_COST) != 0);
    assert_int_equal(batch->book != NULL, (optional & TOLL_LINES_BOOK) != 0);
    for (int64_t i = 0; i < batch->rows; i++) {
        const int64_t row = first + i;
        const int64_t have[TOLL_LINE_COLUMNS_MOST] = {batch->account[i],
                                                      batch->price[i],
                                                      batch->billed[i],
                                                      batch->charge[i],
                                                      batch->tuple[i],
                                                      batch->status[i],
                                                      batch->class_jurisdiction[i],
                                                      batch->pool ? batch->included[i] : 0,
                                                      batch->pool ? batch->pool[i] : 0,
                                                      batch->cost ? batch->cost[i] : 0,
                                                      batch->cost ? batch->cost_price[i] : 0,
                                                      batch->cost ? batch->cost_status[i] : 0,
                                                      batch->book ? batch->book[i] : 0};
        for (unsigned c = 0; c < TOLL_LINE_COLUMNS_MOST; c++)
            if (has_column(optional, c))
                assert_int_equal(have[c], line_value(c, row));
    }
}

static void read_back(const struct folder *folder, const char *name, int64_t rows, unsigned optional,
                      const struct toll_file_seal *seal, enum toll_read_path how)
{
    struct toll_lines *lines;
    struct toll_error error;
    if (toll_lines_open(toll_io_system(), folder->fd, folder->path, name, seal, how, &lines, &error))
        fail_msg("%s", error.text);
    assert_int_equal(toll_lines_rows(lines), rows);
    assert_int_equal(toll_lines_optional(lines), optional);
    size_t room = toll_lines_buffer_bytes(lines);
    void *buffer = room ? aligned_alloc(4096, room) : NULL;
    int64_t first = 0;
    for (int64_t i = 0; i < toll_lines_batches(lines); i++) {
        struct toll_line_batch batch;
        if (toll_lines_batch(lines, i, buffer, &batch, &error))
            fail_msg("%s", error.text);
        compare_batch(&batch, first, optional);
        first += batch.rows;
    }
    assert_int_equal(first, rows);
    free(buffer);
    toll_lines_close(lines);
}

static void test_round_trip(void **state)
{
    const struct folder *folder = *state;
    const int64_t sizes[] = {0, 1, 100, 65536, 65537, 200000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct toll_file_seal seal;
        char name[32];
        const unsigned optional = (unsigned)i % 2 * TOLL_LINES_COST;
        snprintf(name, sizeof name, "day%zu", i);
        write_lines(folder, name, sizes[i], FORWARDS, optional, &seal);
        read_back(folder, name, sizes[i], optional, &seal, TOLL_READ_MMAP);
        read_back(folder, name, sizes[i], optional, &seal, TOLL_READ_PREAD);
    }
}

static void test_columns_that_not_every_run_has(void **state)
{
    const struct folder *folder = *state;
    for (unsigned optional = 0; optional <= TOLL_LINES_OPTIONAL; optional++) {
        struct toll_file_seal seal;
        char name[32];
        snprintf(name, sizeof name, "with%u", optional);
        write_lines(folder, name, 70000, FORWARDS, optional, &seal);
        read_back(folder, name, 70000, optional, &seal, TOLL_READ_PREAD);
    }
}

static const unsigned narrow_columns[] = {TOLL_LINE_ACCOUNT,   TOLL_LINE_PRICE, TOLL_LINE_BILLED,
                                          TOLL_LINE_TUPLE,     TOLL_LINE_POOL,  TOLL_LINE_INCLUDED,
                                          TOLL_LINE_COST_PRICE};

/* Each by itself, then all of them. */
static void test_narrow_columns(void **state)
{
    const struct folder *folder = *state;
    const size_t count = sizeof narrow_columns / sizeof *narrow_columns;
    for (size_t i = 0; i <= count; i++) {
        const unsigned narrow = i == count ? TOLL_LINES_NARROW_MOST : TOLL_LINES_NARROW(narrow_columns[i]);
        struct toll_file_seal seal;
        char name[32];
        snprintf(name, sizeof name, "narrow%zu", i);
        write_lines(folder, name, 65599, BACKWARDS, TOLL_LINES_OPTIONAL | narrow, &seal);
        read_back(folder, name, 65599, TOLL_LINES_OPTIONAL | narrow, &seal, TOLL_READ_MMAP);
        read_back(folder, name, 65599, TOLL_LINES_OPTIONAL | narrow, &seal, TOLL_READ_PREAD);
    }
}

static int read_all(const uint8_t *bytes, size_t size, const struct toll_file_seal *seal);

/* Files of earlier versions have another name of their layout, and no narrow column. */
static void test_older_layout(void **state)
{
    const struct folder *folder = *state;
    for (int narrow = 0; narrow < 2; narrow++) {
        const unsigned optional = TOLL_LINES_POOL | (narrow ? TOLL_LINES_NARROW(TOLL_LINE_POOL) : 0);
        struct toll_file_seal seal;
        size_t size, found = 0;
        write_lines(folder, narrow ? "n" : "w", 1000, FORWARDS, optional, &seal);
        uint8_t *bytes = slurp(folder, narrow ? "n" : "w", &size);
        for (size_t i = 0; i + 7 <= size; i++) {
            if (memcmp(&bytes[i], "lines/2", 7) != 0)
                continue;
            bytes[i + 6] = '1';
            found++;
        }
        assert_int_equal(found, 2); /* head and footer */
        assert_int_equal(read_all(bytes, size, NULL), narrow ? TOLL_EDATA : 0);
        free(bytes);
    }
}

static void test_order_of_writing_does_not_matter(void **state)
{
    const struct folder *folder = *state;
    static const char *const names[] = {"a", "b", "c"};
    struct toll_file_seal seals[3];
    uint8_t *bytes[3];
    size_t sizes[3];
    for (int i = 0; i < 3; i++) {
        write_lines(folder, names[i], 400001, (enum order)i, TOLL_LINES_POOL, &seals[i]);
        bytes[i] = slurp(folder, names[i], &sizes[i]);
        assert_int_equal(sizes[i], sizes[0]);
        assert_int_equal(seals[i].bytes, (int64_t)sizes[0]);
        assert_memory_equal(bytes[i], bytes[0], sizes[0]);
        assert_true(toll_hash_equal(seals[i].digest, seals[0].digest));
    }
    for (int i = 0; i < 3; i++)
        free(bytes[i]);
}

/* No more than 27 bytes a line, metadata and padding included. */
static void test_size(void **state)
{
    const struct folder *folder = *state;
    struct toll_file_seal seal;
    write_lines(folder, "size", 655360, FORWARDS, 0, &seal);
    assert_true(seal.bytes < INT64_C(655360) * 27);
    /* a month with bundles whose prices and tuples are many: 26, and metadata */
    write_lines(folder, "month", 655360, FORWARDS,
                TOLL_LINES_POOL | TOLL_LINES_NARROW(TOLL_LINE_ACCOUNT) | TOLL_LINES_NARROW(TOLL_LINE_BILLED) |
                    TOLL_LINES_NARROW(TOLL_LINE_INCLUDED) | TOLL_LINES_NARROW(TOLL_LINE_POOL),
                &seal);
    assert_true(seal.bytes < INT64_C(655360) * 261 / 10);
}

static int read_all(const uint8_t *bytes, size_t size, const struct toll_file_seal *seal)
{
    struct toll_lines *lines;
    struct toll_line_batch batch;
    _Alignas(4096) static uint8_t room[7 * 4 * TOLL_BATCH_ROWS]; /* once for all flipped bits */
    assert_true(toll_lines_buffer_most(TOLL_LINES_OPTIONAL, true) <= sizeof room);
    int rc = toll_lines_open_bytes(bytes, size, "lines", seal, &lines, NULL);
    for (int64_t i = 0; rc == 0 && i < toll_lines_batches(lines); i++)
        rc = toll_lines_batch(lines, i, room, &batch, NULL);
    toll_lines_close(lines);
    return rc;
}

static void test_every_flipped_bit_is_found(void **state)
{
    const struct folder *folder = *state;
    struct toll_file_seal seal;
    size_t size;
    write_lines(folder, "flip", 5, FORWARDS,
                TOLL_LINES_OPTIONAL | TOLL_LINES_NARROW(TOLL_LINE_BILLED) | TOLL_LINES_NARROW(TOLL_LINE_POOL),
                &seal);
    uint8_t *bytes = slurp(folder, "flip", &size);
    assert_int_equal(read_all(bytes, size, &seal), 0);
    for (size_t i = 0; i < size * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        if (read_all(bytes, size, &seal) != TOLL_EDATA)
            fail_msg("bit %zu of byte %zu flipped and not found", i % 8, i / 8);
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    free(bytes);
}

static void test_values_that_cannot_be(void **state)
{
    const struct folder *folder = *state;
    static const struct {
        unsigned column;
        int64_t value;
    } wrong[] = {{0, -1},
                 {1, -5},
                 {2, -1},
                 {4, INT32_MIN},
                 {5, 10},
                 {5, 15},
                 {5, 32},
                 {5, 255},
                 {6, 0x50},
                 {6, 0x05},
                 {TOLL_LINE_INCLUDED, -1},
                 {TOLL_LINE_POOL, -2},
                 {TOLL_LINE_COST_PRICE, -1},
                 {TOLL_LINE_COST_STATUS, 10},
                 {TOLL_LINE_COST_STATUS, 32}};
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
        struct toll_lines_writer *writer;
        struct toll_file_seal seal;
        size_t offsets[TOLL_LINE_COLUMNS_MOST], size;
        char name[16];
        snprintf(name, sizeof name, "w%zu", k);
        assert_int_equal(
            toll_lines_create(toll_io_system(), folder->fd, name, 1000, TOLL_LINES_OPTIONAL, &writer, NULL),
            0);
        uint8_t *block = make_block(0, 1000, TOLL_LINES_OPTIONAL);
        toll_lines_batch_layout(1000, TOLL_LINES_OPTIONAL, offsets);
        memcpy(block + offsets[wrong[k].column] + 999 * wide[wrong[k].column], &wrong[k].value,
               wide[wrong[k].column]);
        assert_int_equal(toll_lines_write(writer, 0, block, NULL), 0);
        assert_int_equal(toll_lines_finish(writer, &seal, NULL), 0);
        uint8_t *bytes = slurp(folder, name, &size);
        assert_int_equal(read_all(bytes, size, &seal), TOLL_EDATA);
        free(bytes);
        free(block);
    }
}

static void test_abandon(void **state)
{
    const struct folder *folder = *state;
    struct toll_lines_writer *writer;
    struct toll_error error;
    assert_int_equal(toll_lines_create(toll_io_system(), folder->fd, "gone", 70000, 0, &writer, &error), 0);
    write_batch(writer, 70000, 1, 0);
    toll_lines_abandon(writer);
    assert_int_equal(toll_lines_create(toll_io_system(), folder->fd, "gone", 70000, 0, &writer, &error),
                     TOLL_ECREATE);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(toll_status_name(TOLL_RATED), "rated");
    assert_string_equal(toll_status_reason(TOLL_RATED), "");
    assert_string_equal(toll_status_name(TOLL_ZERO_OTHER_PARTY), "other_party");
    assert_string_equal(toll_status_name(TOLL_RATED_FAIR_USE), "rated");
    assert_string_equal(toll_status_reason(TOLL_RATED_FAIR_USE), "fair_use");
    assert_string_equal(toll_status_reason(TOLL_SUSPENSE_POOL_LIMIT), "pool_limit");
    assert_string_equal(toll_status_name(TOLL_SUSPENSE_CONFLICT), "conflict");
    assert_string_equal(toll_status_reason(TOLL_SUSPENSE_NO_BAND), "no_band");
    for (unsigned i = 0; i < 300; i++) {
        bool exists = i <= TOLL_ZERO_COMPARE_FEED || (i >= TOLL_SUSPENSE_FIRST && i < TOLL_STATUS_COUNT);
        assert_int_equal(*toll_status_name(i) != 0, exists);
        assert_int_equal(*toll_status_reason(i) != 0, exists && i != TOLL_RATED);
        assert_int_equal(*toll_class_name(i) != 0, i < TOLL_CLASSES);
        assert_int_equal(*toll_call_jurisdiction_name(i) != 0, i < TOLL_CALL_JURISDICTIONS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_columns_that_not_every_run_has, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_narrow_columns, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_older_layout, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_order_of_writing_does_not_matter, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_size, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_every_flipped_bit_is_found, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_values_that_cannot_be, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_abandon, folder_make, folder_remove),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
