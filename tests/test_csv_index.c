/*
 * The index of CSV text: every kernel against a model that goes byte by byte by the text of simd/csv_index.h,
 * on random, quoted and hostile text of every length, at both ends of memory that must not be left.
 */
#include "kernel_guard.h"
#include "random.h"
#include "simd/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#define BYTES_MAX 3000

static uint64_t random_state = 0x637376;

static uint32_t pick(uint32_t below)
{
    return (uint32_t)(random_next(&random_state) % below);
}

struct memory {
    uint32_t stops[BYTES_MAX + TOLL_CSV_INDEX_SPARE], row_stops[BYTES_MAX + TOLL_CSV_INDEX_SPARE];
    struct toll_csv_quoted quoted[BYTES_MAX];
};
static struct memory model_memory, kernel_memory;

static struct toll_csv_index index_in(struct memory *memory)
{
    return (struct toll_csv_index){
        .stops = memory->stops, .row_stops = memory->row_stops, .quoted = memory->quoted};
}

static void model(const char *text, size_t bytes, char separator, char line_end, bool multiline,
                  struct toll_csv_index *out)
{
    bool inside = false;
    uint32_t quotes = 0;

    out->stop_count = out->row_count = out->quoted_count = 0;
    out->has_nul = false;
    for (size_t i = 0; i < bytes; i++) {
        const bool ends = text[i] == line_end && !(multiline && inside);

        out->has_nul |= text[i] == 0;
        if (text[i] == '"') {
            inside = !inside;
            quotes++;
        }
        if (ends || (text[i] == separator && !inside))
            out->stops[out->stop_count++] = (uint32_t)i;
        if (!ends && i + 1 < bytes)
            continue;
        if (quotes > 0)
            out->quoted[out->quoted_count++] = (struct toll_csv_quoted){(uint32_t)out->row_count, quotes};
        quotes = 0;
        if (ends) {
            out->row_stops[out->row_count++] = (uint32_t)out->stop_count - 1;
            inside = false;
        }
    }
}

static void check(toll_csv_index_kernel *kernel, const char *text, size_t bytes, char separator,
                  char line_end, bool multiline)
{
    struct toll_csv_index want = index_in(&model_memory), got = index_in(&kernel_memory);

    model(text, bytes, separator, line_end, multiline, &want);
    memset(&kernel_memory, 0xee, sizeof kernel_memory);
    kernel(text, bytes, separator, line_end, multiline, &got);
    assert_int_equal(got.stop_count, want.stop_count);
    assert_int_equal(got.row_count, want.row_count);
    assert_int_equal(got.quoted_count, want.quoted_count);
    assert_int_equal(got.has_nul, want.has_nul);
    assert_memory_equal(got.stops, want.stops, want.stop_count * sizeof *want.stops);
    assert_memory_equal(got.row_stops, want.row_stops, want.row_count * sizeof *want.row_stops);
    for (size_t i = 0; i < want.quoted_count; i++) {
        assert_int_equal(got.quoted[i].row, want.quoted[i].row);
        assert_int_equal(got.quoted[i].quotes, want.quoted[i].quotes);
    }
}

static void check_all(const char *text, size_t bytes)
{
    static const char separators[] = ",;\tx";
    static const char line_ends[] = "\n\r";
    unsigned masks[2];
    const size_t count = twin_masks(masks);
    struct guarded memory = guarded_make(bytes);
    char *ends[2] = {(char *)memory.begin, (char *)memory.end - bytes};
    const char separator = separators[pick(4)], line_end = line_ends[pick(8) == 0];

    for (int e = 0; e < 2; e++) {
        memcpy(ends[e], text, bytes);
        for (int multiline = 0; multiline < 2; multiline++) {
            check(toll_csv_index_scalar, ends[e], bytes, separator, line_end, multiline != 0);
            for (size_t i = 0; i < count; i++)
                check(toll_kernels_select(masks[i])->csv_index, ends[e], bytes, separator, line_end,
                      multiline != 0);
        }
    }
    guarded_free(&memory);
}

static void fill(char *text, size_t bytes, const char *letters)
{
    const uint32_t many = (uint32_t)strlen(letters) + 1; /* its NUL is one of them */

    for (size_t i = 0; i < bytes; i++)
        text[i] = letters[pick(pick(50) == 0 ? many : many - 1)];
}

static void test_every_length(void **state)
{
    char text[300];

    (void)state;
    for (size_t bytes = 0; bytes < 300; bytes++) {
        fill(text, bytes, "abcx0123,,;\t\n\r\"");
        check_all(text, bytes);
    }
}

static void test_random(void **state)
{
    static const char *const letters[] = {"abcdefgh0123456789,,,\n",
                                          "abcdefghijklmnopqrstuvwxyz0123456789,,\n\"",
                                          ",",
                                          "\n",
                                          "\"",
                                          "\"\n",
                                          "\",",
                                          ",\n",
                                          "a\"bcdefghijklm,\r\n",
                                          "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz,"};
    static char text[BYTES_MAX];

    (void)state;
    for (unsigned turn = 0; turn < 400; turn++) {
        const size_t bytes = pick(BYTES_MAX);
        fill(text, bytes, letters[pick(sizeof letters / sizeof *letters)]);
        check_all(text, bytes);
    }
}

/* By hand: a row with a quoted separator, one with a quote left open, one after it. */
static void test_by_hand(void **state)
{
    static const char text[] = "a,\"b,c\"\nd,\"e\nf,g\n";
    struct toll_csv_index got = index_in(&kernel_memory);

    (void)state;
    toll_csv_index_scalar(text, sizeof text - 1, ',', '\n', false, &got);
    assert_int_equal(got.row_count, 3);
    assert_int_equal(got.stop_count, 6);
    const uint32_t stops[] = {1, 7, 9, 12, 14, 16};
    assert_memory_equal(got.stops, stops, sizeof stops);
    assert_int_equal(got.row_stops[1], 3);
    assert_int_equal(got.quoted_count, 2);
    assert_int_equal(got.quoted[1].row, 1);
    assert_int_equal(got.quoted[1].quotes, 1);
    toll_csv_index_scalar(text, sizeof text - 1, ',', '\n', true, &got);
    assert_int_equal(got.row_count, 1); /* the open quote holds the rest */
    assert_int_equal(got.quoted[1].row, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
