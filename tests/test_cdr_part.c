/* Parts of a dataset: what is written is read back, by us and by pyarrow, and what is damaged is found. */
#include "base/money.h"
#include "mmap_cdr/columns.h"
#include "part_fixture.h"
#include "text/json.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define DAY 20513 /* 2026-03-01 */

struct folder {
    char path[64];
    int fd;
};

static int folder_make(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    assert_non_null(folder);
    strcpy(folder->path, "/tmp/toll_part_XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY);
    assert_true(folder->fd >= 0);
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

static uint8_t *slurp(const struct folder *folder, const char *name, size_t *bytes)
{
    struct toll_file file;
    assert_int_equal(toll_file_open(&file, toll_io_system(), folder->fd, name, TOLL_READ_PREAD, NULL), 0);
    uint8_t *data = malloc((size_t)file.size + 1);
    assert_non_null(data);
    assert_int_equal(toll_file_read(&file, data, (size_t)file.size, 0, NULL), 0);
    *bytes = (size_t)file.size;
    toll_file_close(&file);
    return data;
}

static void write_part(const struct folder *folder, const char *name, const struct part_fixture *fixture,
                       struct toll_file_seal *part, struct toll_file_seal *text)
{
    struct toll_error error = {0};
    int rc = toll_cdr_part_write(toll_io_system(), folder->fd, name, &fixture->data, part, text, &error);
    if (rc)
        fail_msg("%s", error.text);
}

static void compare_batch(const struct part_fixture *fixture, const struct toll_cdr_batch *batch)
{
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++) {
        size_t width = toll_arrow_width(toll_cdr_columns[c].field.type);
        const uint8_t *want = toll_cdr_batch_column(&fixture->data.columns, c);
        const uint8_t *have = toll_cdr_batch_column(batch, c);
        assert_int_equal(want != NULL, have != NULL);
        if (want)
            assert_memory_equal(want + (size_t)batch->first_row * width, have, (size_t)batch->rows * width);
    }
}

static void compare_text(const struct toll_text_view *view, const char *data, const int64_t *offset,
                         int64_t row)
{
    assert_int_equal(view->bytes, offset[row + 1] - offset[row]);
    if (view->bytes)
        assert_memory_equal(view->data, data + offset[row], view->bytes);
}

static void read_back(const struct folder *folder, const char *name, const struct part_fixture *fixture,
                      const struct toll_file_seal *part_seal, const struct toll_file_seal *text_seal,
                      enum toll_read_path how)
{
    struct toll_error error = {0};
    struct toll_cdr_part *part;
    struct toll_cdr_text *text;
    const struct toll_io *io = toll_io_system();
    int rc = toll_cdr_part_open(io, folder->fd, folder->path, name, part_seal, how, &part, &error);
    if (rc)
        fail_msg("%s", error.text);
    assert_int_equal(toll_cdr_part_rows(part), fixture->data.columns.rows);
    size_t room = toll_cdr_batch_buffer_bytes(part, TOLL_CDR_ALL_COLUMNS);
    assert_int_equal(room > 0, how != TOLL_READ_MMAP);
    void *buffer = room ? aligned_alloc(4096, room) : NULL;
    int64_t rows = 0;
    for (int64_t i = 0; i < toll_cdr_part_batches(part); i++) {
        struct toll_cdr_batch batch;
        rc = toll_cdr_part_batch(part, i, TOLL_CDR_ALL_COLUMNS, buffer, &batch, &error);
        if (rc)
            fail_msg("%s", error.text);
        assert_int_equal(batch.first_row, rows);
        compare_batch(fixture, &batch);
        rows += batch.rows;
        /* Some columns only, with a gap between them. */
        rc = toll_cdr_part_batch(part, i,
                                 TOLL_CDR_COLUMN_BIT(TOLL_CDR_START) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_KIND),
                                 buffer, &batch, &error);
        assert_int_equal(rc, 0);
        assert_null(batch.caller);
        assert_memory_equal(batch.kind, fixture->data.columns.kind + batch.first_row, (size_t)batch.rows * 2);
    }
    assert_int_equal(rows, fixture->data.columns.rows);
    struct toll_cdr_dictionary carrier = toll_cdr_part_dictionary(part, TOLL_CDR_CARRIER);
    assert_int_equal(carrier.count, fixture->data.carrier.count);
    for (uint32_t i = 0; i < carrier.count; i++)
        assert_string_equal(carrier.entries[i], fixture->data.carrier.entries[i]);
    free(buffer);
    toll_cdr_part_close(part);

    rc = toll_cdr_text_open(io, folder->fd, folder->path, name, text_seal, how, &text, &error);
    if (rc)
        fail_msg("%s", error.text);
    for (int64_t i = 0; i < rows; i++) {
        struct toll_text_view id, caller, callee;
        assert_int_equal(toll_cdr_text_row(text, i, &id, &caller, &callee, &error), 0);
        compare_text(&id, fixture->data.record_id_data, fixture->data.record_id_offset, i);
        compare_text(&caller, fixture->data.caller_text_data, fixture->data.caller_text_offset, i);
        compare_text(&callee, fixture->data.callee_text_data, fixture->data.callee_text_offset, i);
    }
    assert_int_equal(toll_cdr_text_verify(text, &error), 0);
    toll_cdr_text_close(text);
}

static void test_round_trip(void **state)
{
    const struct folder *folder = *state;
    const int64_t sizes[] = {0, 1, 7, 4096, 65535, 65536, 65537, 140000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int optional = 0; optional < (sizes[i] ? 2 : 1); optional++) {
            struct part_fixture fixture;
            struct toll_file_seal part, text;
            char name[64];
            snprintf(name, sizeof name, "p%zu.%d", i, optional);
            part_fixture_make(&fixture, DAY, sizes[i], optional);
            write_part(folder, name, &fixture, &part, &text);
            read_back(folder, name, &fixture, &part, &text, TOLL_READ_MMAP);
            read_back(folder, name, &fixture, &part, &text, TOLL_READ_PREAD);
            read_back(folder, name, &fixture, &part, &text, TOLL_READ_RING);
            part_fixture_free(&fixture);
        }
    }
}

static void test_same_rows_same_bytes(void **state)
{
    const struct folder *folder = *state;
    struct part_fixture fixture;
    struct toll_file_seal part[2], text[2];
    size_t bytes[2];
    part_fixture_make(&fixture, DAY, 70000, true);
    write_part(folder, "a", &fixture, &part[0], &text[0]);
    write_part(folder, "b", &fixture, &part[1], &text[1]);
    uint8_t *a = slurp(folder, "a.arrow", &bytes[0]), *b = slurp(folder, "b.arrow", &bytes[1]);
    assert_int_equal(bytes[0], bytes[1]);
    assert_int_equal(bytes[0], part[0].bytes);
    assert_memory_equal(a, b, bytes[0]);
    assert_true(toll_hash_equal(part[0].digest, part[1].digest));
    free(a);
    free(b);
    part_fixture_free(&fixture);
}

/* A batch piece by piece, of so many rows each. */
static int check_pieces(const struct toll_cdr_part *part, int64_t index, int64_t piece_rows,
                        struct toll_error *error)
{
    struct toll_cdr_reading reading;
    struct toll_cdr_checking checking;
    struct toll_cdr_batch batch;
    toll_cdr_part_batch_begin(part, index, TOLL_CDR_ALL_COLUMNS, NULL, NULL, &reading);
    int rc = toll_cdr_part_batch_wait(&reading, &batch, error);
    toll_cdr_checking_begin(&checking, &reading, toll_hash_add);
    for (int64_t row = 0; rc == 0 && row < batch.rows; row += piece_rows) {
        const int64_t left = batch.rows - row;
        rc = toll_cdr_checking_rows(&checking, &batch, left < piece_rows ? left : piece_rows, error);
    }
    return rc;
}

/* 0 when the part opens and every column of every batch passes; as a whole and in pieces the same is said. */
static int read_all_bytes(const uint8_t *bytes, size_t size, const struct toll_file_seal *seal)
{
    struct toll_cdr_part *part;
    struct toll_cdr_batch batch;
    struct toll_error whole = {.text = ""}, pieces = {.text = ""};
    int rc = toll_cdr_part_open_bytes(bytes, size, "part", seal, &part, NULL);
    for (int64_t i = 0; rc == 0 && i < toll_cdr_part_batches(part); i++) {
        rc = toll_cdr_part_batch(part, i, TOLL_CDR_ALL_COLUMNS, NULL, &batch, &whole);
        assert_int_equal(check_pieces(part, i, size < 20000 ? 2 : 1000, &pieces), rc);
        assert_string_equal(pieces.text, whole.text);
    }
    toll_cdr_part_close(part);
    return rc;
}

static int read_all_text(const uint8_t *bytes, size_t size, const struct toll_file_seal *seal)
{
    struct toll_cdr_text *text;
    int rc = toll_cdr_text_open_bytes(bytes, size, "text", seal, &text, NULL);
    if (rc == 0)
        rc = toll_cdr_text_verify(text, NULL);
    toll_cdr_text_close(text);
    return rc;
}

static void flip_all(uint8_t *bytes, size_t size, const struct toll_file_seal *seal,
                     int (*read)(const uint8_t *, size_t, const struct toll_file_seal *))
{
    assert_int_equal(read(bytes, size, seal), 0);
    for (size_t i = 0; i < size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1u << bit);
            if (read(bytes, size, seal) != TOLL_EDATA)
                fail_msg("bit %u of byte %zu of %zu flipped and not found", bit, i, size);
            bytes[i] ^= (uint8_t)(1u << bit);
        }
    }
}

static void test_every_flipped_bit_is_found(void **state)
{
    const struct folder *folder = *state;
    struct part_fixture fixture;
    struct toll_file_seal part, text;
    size_t size;
    part_fixture_make(&fixture, DAY, 3, false);
    write_part(folder, "flip", &fixture, &part, &text);
    uint8_t *bytes = slurp(folder, "flip.arrow", &size);
    flip_all(bytes, size, &part, read_all_bytes);
    free(bytes);
    bytes = slurp(folder, "flip.text.arrow", &size);
    flip_all(bytes, size, &text, read_all_text);
    free(bytes);
    part_fixture_free(&fixture);
}

static void test_wrong_seal_and_size(void **state)
{
    const struct folder *folder = *state;
    struct part_fixture fixture;
    struct toll_file_seal part, text;
    struct toll_cdr_part *opened;
    struct toll_error error;
    const struct toll_io *io = toll_io_system();
    part_fixture_make(&fixture, DAY, 100, false);
    write_part(folder, "seal", &fixture, &part, &text);
    part.bytes++;
    assert_int_equal(
        toll_cdr_part_open(io, folder->fd, folder->path, "seal", &part, TOLL_READ_MMAP, &opened, &error),
        TOLL_EDATA);
    assert_non_null(strstr(error.text, "seal.arrow"));
    part.bytes--;
    part.digest.low ^= 1;
    assert_int_equal(
        toll_cdr_part_open(io, folder->fd, folder->path, "seal", &part, TOLL_READ_PREAD, &opened, &error),
        TOLL_EDATA);
    assert_null(opened);
    assert_int_equal(
        toll_cdr_part_open(io, folder->fd, folder->path, "none", &part, TOLL_READ_MMAP, &opened, &error),
        TOLL_ENOINPUT);
    assert_int_equal(toll_cdr_part_write(io, folder->fd, "seal", &fixture.data, &part, &text, &error),
                     TOLL_ECREATE);
    part_fixture_free(&fixture);
}

/* Cut short while it is open, whatever the way it is read: an error that says so, and no signal. */
static void test_file_that_shrinks(void **state)
{
    const struct folder *folder = *state;
    const struct toll_io *io = toll_io_system();
    void *buffer = NULL;
    for (int how = TOLL_READ_MMAP; how <= TOLL_READ_RING; how++) {
        struct part_fixture fixture;
        struct toll_file_seal seal, text;
        struct toll_cdr_part *part;
        struct toll_cdr_batch batch;
        struct toll_error error;
        char name[32], file[48];
        snprintf(name, sizeof name, "short%d", how);
        snprintf(file, sizeof file, "%s.arrow", name);
        part_fixture_make(&fixture, DAY, 70000, false);
        write_part(folder, name, &fixture, &seal, &text);
        assert_int_equal(toll_cdr_part_open(io, folder->fd, folder->path, name, &seal, how, &part, &error),
                         0);
        buffer = aligned_alloc(4096, toll_cdr_columns_bytes(TOLL_CDR_ALL_COLUMNS));
        assert_non_null(buffer);
        assert_int_equal(toll_cdr_part_batch(part, 0, TOLL_CDR_ALL_COLUMNS, buffer, &batch, &error), 0);
        int fd = openat(folder->fd, file, O_WRONLY);
        assert_int_equal(ftruncate(fd, seal.bytes / 8192 * 4096), 0);
        close(fd);
        if (how != TOLL_READ_MMAP || madvise(buffer, 4096, 22 /* MADV_POPULATE_READ */) == 0) {
            assert_int_equal(toll_cdr_part_batch(part, 1, TOLL_CDR_ALL_COLUMNS, buffer, &batch, &error),
                             TOLL_EDATA);
            assert_non_null(strstr(error.text, file));
            assert_non_null(strstr(error.text, "ends at byte"));
        }
        free(buffer);
        toll_cdr_part_close(part);
        part_fixture_free(&fixture);
    }
}

static void test_ids_and_durations_out_of_range(void **state)
{
    const struct folder *folder = *state;
    for (int kind = 0; kind < 4; kind++) {
        struct part_fixture fixture;
        struct toll_file_seal part, text;
        size_t size;
        char name[16], file[32];
        part_fixture_make(&fixture, DAY, 70000, true);
        if (kind == 0)
            ((uint16_t *)(uintptr_t)fixture.data.columns.carrier)[69999] = 3;
        else if (kind == 1)
            ((int32_t *)(uintptr_t)fixture.data.columns.trunk)[10] = -1;
        else if (kind == 2)
            ((int32_t *)(uintptr_t)fixture.data.columns.calltype)[66000] = 4;
        else
            ((int32_t *)(uintptr_t)fixture.data.columns.duration_ms)[0] = -1;
        snprintf(name, sizeof name, "range%u", (unsigned)kind % 10);
        snprintf(file, sizeof file, "%s.arrow", name);
        write_part(folder, name, &fixture, &part, &text);
        uint8_t *bytes = slurp(folder, file, &size);
        assert_int_equal(read_all_bytes(bytes, size, &part), TOLL_EDATA);
        free(bytes);
        part_fixture_free(&fixture);
    }
}

/* ---- against pyarrow ---- */

static const char *type_text(enum toll_arrow_type type)
{
    static const char *const texts[] = {"int32",
                                        "int64",
                                        "uint8",
                                        "uint16",
                                        "uint64",
                                        "timestamp[ms, tz=UTC]",
                                        "dictionary<values=string, indices=int32, ordered=0>",
                                        "dictionary<values=string, indices=uint16, ordered=0>",
                                        "string"};
    return texts[type];
}

static const struct toll_cdr_dictionary *fixture_dictionary(const struct part_fixture *fixture,
                                                            unsigned column)
{
    switch (column) {
    case TOLL_CDR_CARRIER:
        return &fixture->data.carrier;
    case TOLL_CDR_TRUNK:
        return &fixture->data.trunk;
    case TOLL_CDR_HINT:
        return &fixture->data.hint;
    case TOLL_CDR_CALLTYPE:
        return &fixture->data.calltype;
    case TOLL_CDR_SOURCE_FILE:
        return &fixture->data.source_file;
    default:
        return NULL;
    }
}

static toll_total value_at(const void *values, enum toll_arrow_type type, int64_t row)
{
    switch (type) {
    case TOLL_ARROW_INT32:
    case TOLL_ARROW_DICTIONARY_INT32:
        return ((const int32_t *)values)[row];
    case TOLL_ARROW_UINT16:
    case TOLL_ARROW_DICTIONARY_UINT16:
        return ((const uint16_t *)values)[row];
    case TOLL_ARROW_UINT64:
        return ((const uint64_t *)values)[row];
    case TOLL_ARROW_INT64:
    case TOLL_ARROW_TIMESTAMP_MS:
        return ((const int64_t *)values)[row];
    default:
        return 0;
    }
}

static void dump_column(struct toll_json *json, const struct part_fixture *fixture, unsigned column)
{
    enum toll_arrow_type type = toll_cdr_columns[column].field.type;
    const void *values = toll_cdr_batch_column(&fixture->data.columns, column);
    const struct toll_cdr_dictionary *dictionary = fixture_dictionary(fixture, column);
    char sum[TOLL_TOTAL_TEXT_BYTES], first[128], last[128];
    int64_t rows = fixture->data.columns.rows;
    toll_total total = 0;
    for (int64_t i = 0; i < rows; i++) {
        toll_total value = value_at(values, type, i);
        if (dictionary) {
            snprintf(i == 0 ? first : last, sizeof first, "%s", dictionary->entries[(int)value]);
            value = (toll_total)strlen(dictionary->entries[(int)value]);
        } else {
            toll_total_format(value, 0, i == 0 ? first : last);
        }
        total += value;
    }
    toll_total_format(total, 0, sum);
    toll_json_open_map(json, NULL);
    toll_json_string(json, "name", toll_cdr_columns[column].field.name);
    toll_json_string(json, "type", type_text(type));
    toll_json_string(json, "scale", toll_cdr_columns[column].field.scale ? "8" : "");
    toll_json_string(json, "sum", sum);
    toll_json_string(json, "first", first);
    toll_json_string(json, "last", last);
    toll_json_close_map(json);
}

static void dump_part(struct toll_json *json, const struct part_fixture *fixture)
{
    toll_json_open_map(json, NULL);
    toll_json_open_map(json, "py.arrow");
    toll_json_string(json, "schema", "cdr/1");
    toll_json_int(json, "rows", fixture->data.columns.rows);
    toll_json_int(json, "batches", (fixture->data.columns.rows + TOLL_BATCH_ROWS - 1) / TOLL_BATCH_ROWS);
    toll_json_open_list(json, "columns");
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++)
        dump_column(json, fixture, c);
    toll_json_close_list(json);
    toll_json_close_map(json);
    toll_json_close_map(json);
    assert_true(toll_json_finish(json));
}

static char *run_reader(const struct folder *folder, const char *file, int *status)
{
    char command[512];
    char *out = calloc(1, 1 << 20);
    assert_non_null(out);
    snprintf(command, sizeof command, "python3 '%s/tests/arrow_reader.py' '%s/%s'", TOLL_SOURCE_DIR,
             folder->path, file);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t bytes = fread(out, 1, (1 << 20) - 1, pipe);
    (void)bytes;
    *status = WEXITSTATUS(pclose(pipe));
    return out;
}

static void test_pyarrow_reads_the_same(void **state)
{
    const struct folder *folder = *state;
    struct part_fixture fixture;
    struct toll_file_seal part, text;
    struct toll_json json;
    int status;
    part_fixture_make(&fixture, DAY, 140001, true);
    write_part(folder, "py", &fixture, &part, &text);
    char *out = run_reader(folder, "py.arrow", &status);
    if (status == 0) {
        toll_json_init(&json);
        dump_part(&json, &fixture);
        assert_string_equal(out, json.text);
        toll_json_free(&json);
        free(out);
        out = run_reader(folder, "py.text.arrow", &status);
        assert_non_null(strstr(out, "\"schema\": \"cdr.text/1\",\n    \"rows\": 140001,"));
        assert_int_equal(status, 0);
        free(out);
        struct part_fixture empty;
        part_fixture_make(&empty, DAY, 0, false);
        write_part(folder, "py0", &empty, &part, &text);
        out = run_reader(folder, "py0.arrow", &status);
        assert_int_equal(status, 0);
        assert_non_null(strstr(out, "\"rows\": 0,"));
        part_fixture_free(&empty);
    }
    free(out);
    part_fixture_free(&fixture);
    if (status == 77 || status == 127)
        skip();
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_same_rows_same_bytes, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_every_flipped_bit_is_found, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_wrong_seal_and_size, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_file_that_shrinks, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_ids_and_durations_out_of_range, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_pyarrow_reads_the_same, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
