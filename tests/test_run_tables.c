/* prices.arrow, the one small table that may be large: what its dictionaries are, that neither threads nor
 * where rows come from change a byte, and what is not believed of one. */
#include "segment/run_tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 400000 /* six batches and a part */

static const struct toll_price_row few[] = {
    {3, "deck", "", "intl", "44", "UK", "", "s", 5, 60, 0, "decks/intl.csv", 2, 0, "rate"},
    {5, "deck", "", "intl", "4477", "UK mobile", "peak", "s", 6, 60, 1, "decks/intl.csv", 3, 60, "rate"},
    {9, "flat", "basic", NULL, "", "", "", "call", 7, 1, 0, "plan_rules.csv", 4, 0, ""},
    {11, "deck", "", "intl", "12125", "UK", "", "s", -8, 1, 0, "decks/intl.csv", 5, 0, "rate"},
};

static struct toll_arrow_file *open_table(const struct toll_arrow_memory *memory)
{
    const struct toll_arrow_source source = {
        .name = "prices.arrow", .bytes = memory->bytes, .size = (int64_t)memory->size};
    struct toll_arrow_file *file;
    assert_int_equal(toll_arrow_open(&source, NULL, &file, NULL), 0);
    return file;
}

/* "" first, the others sorted bytewise and each once: 12125 before 44, UK before UK mobile. */
static void test_dictionaries(void **state)
{
    static const char *const wanted[] = {
        ",deck,flat",    ",basic", ",intl",   ",12125,44,4477",
        ",UK,UK mobile", ",peak",  ",call,s", ",decks/intl.csv,plan_rules.csv",
        ",rate"};
    struct toll_arrow_memory memory;
    (void)state;
    assert_int_equal(toll_run_table_encode(&toll_run_prices, few, 4, &memory, NULL), 0);
    struct toll_arrow_file *file = open_table(&memory);
    assert_int_equal(file->dictionaries, sizeof wanted / sizeof *wanted);
    for (unsigned d = 0; d < file->dictionaries; d++) {
        char text[200] = "";
        for (uint32_t i = 0; i < file->dictionary[d].count; i++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i == 0 ? "" : ",",
                     file->dictionary[d].entries[i]);
        assert_string_equal(text, wanted[d]);
    }
    const uint8_t *places = memory.bytes + toll_arrow_place(file, 0, file->first_buffer[4])->offset;
    assert_memory_equal(places, ((const int32_t[]){2, 3, 0, 1}), 4 * sizeof(int32_t));
    toll_arrow_close(file);
    free(memory.bytes);
}

static void assert_rows_equal(const struct toll_price_row *a, const struct toll_price_row *b)
{
    assert_int_equal(a->id, b->id);
    assert_string_equal(a->kind, b->kind);
    assert_string_equal(a->plan, b->plan);
    assert_string_equal(a->deck == NULL ? "" : a->deck, b->deck);
    assert_string_equal(a->prefix, b->prefix);
    assert_string_equal(a->destination, b->destination);
    assert_string_equal(a->band, b->band);
    assert_string_equal(a->unit, b->unit);
    assert_int_equal(a->rate, b->rate);
    assert_int_equal(a->per_units, b->per_units);
    assert_int_equal(a->connect_fee, b->connect_fee);
    assert_string_equal(a->file, b->file);
    assert_int_equal(a->line, b->line);
    assert_int_equal(a->step, b->step);
    assert_string_equal(a->column, b->column);
}

/* Texts of many rows: some the same bytes, some the same text elsewhere. */
static char prefixes[2][5000][8];

static void make_many(const void *context, int64_t first, int64_t count, void *out)
{
    struct toll_price_row *rows = out;
    (void)context;
    for (int64_t i = first; i < first + count; i++)
        *rows++ = (struct toll_price_row){.id = (int32_t)i + 1,
                                          .kind = i % 7 == 0 ? "flat" : "deck",
                                          .plan = "",
                                          .deck = prefixes[0][i % 16],
                                          .prefix = prefixes[i % 2][i * 31 % 5000],
                                          .destination = i % 3 == 0 ? "" : "a place with a long name",
                                          .band = i % 5 == 0 ? "a place with a long enough name" : "b",
                                          .unit = "s",
                                          .rate = i * 1000003,
                                          .per_units = 60,
                                          .file = "d.csv",
                                          .line = (int32_t)i,
                                          .column = "rate"};
}

static void test_threads(void **state)
{
    const struct toll_run_rows made = {.make = make_many};
    struct toll_price_row *rows = calloc(MANY, sizeof *rows), *again;
    struct toll_arrow_memory one, other;
    struct toll_arena arena = {0};
    int64_t count;
    (void)state;
    for (int i = 0; i < 5000; i++)
        for (int k = 0; k < 2; k++)
            snprintf(prefixes[k][i], sizeof prefixes[k][i], "%d", 1000 + i * 7);
    make_many(NULL, 0, MANY, rows);
    assert_int_equal(toll_run_table_encode(&toll_run_prices, rows, MANY, &one, NULL), 0);
    for (unsigned threads = 1; threads <= 5; threads += 2) {
        assert_int_equal(toll_run_table_encode_by(&toll_run_prices, &made, MANY, threads, &other, NULL), 0);
        assert_int_equal(one.size, other.size);
        assert_true(memcmp(one.bytes, other.bytes, one.size) == 0);
        free(other.bytes);
    }
    assert_int_equal(toll_run_table_decode(&toll_run_prices, "prices.arrow", one.bytes, one.size, &arena,
                                           (void **)&again, &count, NULL),
                     0);
    assert_int_equal(count, MANY);
    for (int64_t i = 0; i < MANY; i += i % 65536 == 0 ? 1 : 13)
        assert_rows_equal(&rows[i], &again[i]);
    toll_arena_free(&arena);
    free(again);
    free(one.bytes);
    free(rows);
}

/* As a file by somebody else could be: a row names a word that is not there. */
static void test_wrong_word(void **state)
{
    static const int32_t zeros[2], wrong[2] = {0, 2};
    static const int64_t money[2];
    const char *const entries[] = {"", "44"};
    const struct toll_arrow_schema *schema = &toll_run_prices.schema;
    struct toll_arrow_dictionary dictionaries[TOLL_ARROW_COLUMNS];
    struct toll_arrow_column columns[TOLL_ARROW_COLUMNS] = {0};
    (void)state;
    for (unsigned c = 0; c < TOLL_ARROW_COLUMNS; c++)
        dictionaries[c] = (struct toll_arrow_dictionary){entries, 2};
    for (unsigned bad = 0; bad <= schema->count; bad++) {
        struct toll_arrow_memory memory = {0};
        const struct toll_arrow_sink sink = {toll_arrow_memory_write, &memory};
        struct toll_arena arena = {0};
        struct toll_hash128 digest;
        int64_t bytes, count;
        void *rows;
        for (unsigned c = 0; c < schema->count; c++)
            columns[c].values = toll_arrow_width(schema->fields[c].type) == 8 ? (const void *)money : zeros;
        const bool word = bad < schema->count && toll_arrow_is_dictionary(schema->fields[bad].type);
        if (word)
            columns[bad].values =
                schema->fields[bad].type == TOLL_ARROW_DICTIONARY_INT32 ? (const void *)wrong : wrong + 1;
        assert_int_equal(toll_arrow_write(schema, 2, columns, dictionaries, &sink, &bytes, &digest, NULL), 0);
        assert_int_equal(toll_run_table_decode(&toll_run_prices, "prices.arrow", memory.bytes, memory.size,
                                               &arena, &rows, &count, NULL),
                         word ? TOLL_EDATA : 0);
        toll_arena_free(&arena);
        free(rows);
        free(memory.bytes);
    }
}

static char kinds[70000][8];
static void make_kinds(const void *context, int64_t first, int64_t count, void *out)
{
    struct toll_price_row *rows = out;
    (void)context;
    for (int64_t i = 0; i < count; i++) {
        snprintf(kinds[first + i], sizeof kinds[first + i], "%lld", (long long)(first + i));
        rows[i] = (struct toll_price_row){.id = 1, .kind = kinds[first + i]};
    }
}

static void test_too_many_words(void **state)
{
    const struct toll_run_rows rows = {.make = make_kinds};
    struct toll_arrow_memory memory;
    struct toll_error error;
    (void)state;
    assert_int_equal(toll_run_table_encode_by(&toll_run_prices, &rows, 70000, 1, &memory, &error),
                     TOLL_EDATA);
    assert_non_null(strstr(error.text, "column kind has 70001 words"));
    assert_null(memory.bytes);
    assert_int_equal(toll_run_table_encode_by(&toll_run_prices, &rows, 65534, 1, &memory, &error), 0);
    free(memory.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dictionaries),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_wrong_word),
        cmocka_unit_test(test_too_many_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
