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
    {3, "deck", "", "intl", "44", "UK", "", "s", 5, 60, 0, "decks/intl.csv", 2, 0, "rate", 0},
    {5, "deck", "", "intl", "4477", "UK mobile", "peak", "s", 6, 60, 1, "decks/intl.csv", 3, 60, "rate", 0},
    {9, "flat", "basic", NULL, "", "", "", "call", 7, 1, 0, "plan_rules.csv", 4, 0, "", 0},
    {11, "deck", "", "intl", "12125", "UK", "", "s", -8, 1, 0, "decks/intl.csv", 5, 0, "rate", 0},
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

/* ---- in two files ---- */

static const struct toll_run_packed *const packed = &toll_run_packed_prices;

static void assert_types(const struct toll_arrow_memory *memory, enum toll_arrow_type terms,
                         enum toll_arrow_type destination, enum toll_arrow_type rate)
{
    struct toll_arrow_file *file = open_table(memory);
    assert_int_equal(file->schema.count, 6);
    assert_int_equal(file->schema.fields[1].type, terms);
    assert_int_equal(file->schema.fields[3].type, destination);
    assert_int_equal(file->schema.fields[4].type, rate);
    toll_arrow_close(file);
}

/* By hand: flat sorts behind deck, 60 units behind 1, a fee of 1 in another band. */
static void test_terms(void **state)
{
    struct toll_arrow_memory memory, terms;
    const struct toll_run_rows rows = {.rows = few};
    struct toll_price_row *listed, *again;
    struct toll_arena arena = {0};
    int64_t count;
    (void)state;
    assert_int_equal(toll_run_packed_encode(packed, &rows, 4, 1, &memory, &terms, NULL), 0);
    assert_types(&memory, TOLL_ARROW_UINT16, TOLL_ARROW_DICTIONARY_UINT16, TOLL_ARROW_INT32);
    struct toll_arrow_file *file = open_table(&memory);
    const uint8_t *ids = memory.bytes + toll_arrow_place(file, 0, file->first_buffer[1])->offset;
    assert_memory_equal(ids, ((const uint16_t[]){2, 3, 4, 1}), 4 * sizeof(uint16_t));
    toll_arrow_close(file);
    assert_int_equal(toll_run_table_decode(packed->terms, "t", terms.bytes, terms.size, &arena,
                                           (void **)&listed, &count, NULL),
                     0);
    assert_int_equal(count, 4);
    assert_string_equal(listed[0].deck, "intl");
    assert_int_equal(listed[0].per_units, 1);
    assert_string_equal(listed[2].band, "peak");
    assert_int_equal(listed[2].connect_fee, 1);
    assert_string_equal(listed[3].plan, "basic");
    assert_int_equal(
        toll_run_packed_decode(packed, "p", memory.bytes, memory.size, &arena, (void **)&again, &count, NULL),
        0);
    assert_int_equal(count, 4);
    assert_int_equal(toll_run_prices_join("p", again, 4, listed, 3, NULL), TOLL_EDATA);
    free(again);
    assert_int_equal(
        toll_run_packed_decode(packed, "p", memory.bytes, memory.size, &arena, (void **)&again, &count, NULL),
        0);
    assert_int_equal(toll_run_prices_join("p", again, 4, listed, 4, NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_rows_equal(&few[i], &again[i]);
    listed[1].terms = 3;
    assert_int_equal(toll_run_prices_join("p", again, 4, listed, 4, NULL), TOLL_EDATA);
    free(again);
    free(listed);
    free(memory.bytes);
    free(terms.bytes);
    toll_arena_free(&arena);
}

struct odd { /* which row has what does not fit into narrow columns */
    int64_t wide_rate, terms, destinations;
};

static void make_odd(const void *context, int64_t first, int64_t count, void *out)
{
    const struct odd *odd = context;
    struct toll_price_row *rows = out;
    make_many(NULL, first, count, out);
    for (int64_t i = first; i < first + count; i++, rows++) {
        rows->rate = i == odd->wide_rate ? -((int64_t)1 << 31) - 1 : i % 2 == 0 ? -((int64_t)1 << 31) : i;
        rows->connect_fee = i % odd->terms;
        rows->kind = "deck";
        rows->band = "";
        rows->deck = prefixes[i % 2][0]; /* one text at two places */
        rows->destination = i % odd->destinations < 5000 ? prefixes[0][i % odd->destinations] : "";
    }
}

/* Whatever is narrow: the same for any number of threads, and what was put in comes out. */
static void assert_odd(const struct odd *odd, enum toll_arrow_type terms_type, enum toll_arrow_type rate_type)
{
    const struct toll_run_rows made = {.make = make_odd, .context = odd};
    struct toll_price_row *rows = calloc(MANY, sizeof *rows), *listed, *again;
    struct toll_arrow_memory memory[2], terms[2];
    struct toll_arena arena = {0};
    int64_t count;
    make_odd(odd, 0, MANY, rows);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(
            toll_run_packed_encode(packed, &made, MANY, i == 0 ? 1 : 3, &memory[i], &terms[i], NULL), 0);
    assert_types(&memory[0], terms_type, TOLL_ARROW_DICTIONARY_UINT16, rate_type);
    assert_int_equal(memory[0].size, memory[1].size);
    assert_true(memcmp(memory[0].bytes, memory[1].bytes, memory[0].size) == 0);
    assert_int_equal(terms[0].size, terms[1].size);
    assert_true(memcmp(terms[0].bytes, terms[1].bytes, terms[0].size) == 0);
    assert_int_equal(toll_run_table_decode(packed->terms, "t", terms[0].bytes, terms[0].size, &arena,
                                           (void **)&listed, &count, NULL),
                     0);
    assert_int_equal(count, odd->terms);
    assert_int_equal(toll_run_packed_decode(packed, "p", memory[0].bytes, memory[0].size, &arena,
                                            (void **)&again, &count, NULL),
                     0);
    assert_int_equal(count, MANY);
    assert_int_equal(toll_run_prices_join("p", again, MANY, listed, odd->terms, NULL), 0);
    for (int64_t i = 0; i < MANY; i += i % 65536 == 0 ? 1 : 13)
        assert_rows_equal(&rows[i], &again[i]);
    for (unsigned i = 0; i < 2; i++) {
        free(memory[i].bytes);
        free(terms[i].bytes);
    }
    toll_arena_free(&arena);
    free(listed);
    free(again);
    free(rows);
}

static void test_widths(void **state)
{
    (void)state;
    assert_odd(&(struct odd){-1, 3, 100}, TOLL_ARROW_UINT16, TOLL_ARROW_INT32);
    assert_odd(&(struct odd){MANY - 1, 65535, 100}, TOLL_ARROW_UINT16, TOLL_ARROW_INT64);
    assert_odd(&(struct odd){0, 65536, 5000}, TOLL_ARROW_INT32, TOLL_ARROW_INT64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dictionaries), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_wrong_word),   cmocka_unit_test(test_too_many_words),
        cmocka_unit_test(test_terms),        cmocka_unit_test(test_widths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
