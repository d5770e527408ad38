#include "segment/run_tables.h"

#include "base/error.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const struct toll_arrow_field account_fields[] = {
    {"id", TOLL_ARROW_INT32, 0},
    {"account", TOLL_ARROW_UTF8, 0},
    {"name", TOLL_ARROW_UTF8, 0},
    {"currency", TOLL_ARROW_UTF8, 0},
};
static const uint16_t account_offsets[COUNT(account_fields)] = {
    offsetof(struct toll_account_row, id),
    offsetof(struct toll_account_row, account),
    offsetof(struct toll_account_row, name),
    offsetof(struct toll_account_row, currency),
};
const struct toll_run_table toll_run_accounts = {
    "accounts.arrow",
    {"accounts/1", account_fields, COUNT(account_fields)},
    account_offsets,
    sizeof(struct toll_account_row),
};

/* What many rows say alike is a word of a dictionary. */
#define WORD TOLL_ARROW_DICTIONARY_INT32
#define FEW TOLL_ARROW_DICTIONARY_UINT16
static const struct toll_arrow_field price_fields[] = {
    {"id", TOLL_ARROW_INT32, 0},
    {"kind", FEW, 0},
    {"plan", WORD, 0},
    {"deck", WORD, 0},
    {"prefix", WORD, 0},
    {"destination", WORD, 0},
    {"band", WORD, 0},
    {"unit", FEW, 0},
    {"rate", TOLL_ARROW_INT64, 8},
    {"per_units", TOLL_ARROW_INT64, 0},
    {"connect_fee", TOLL_ARROW_INT64, 8},
    {"file", WORD, 0},
    {"line", TOLL_ARROW_INT32, 0},
    {"step", TOLL_ARROW_INT32, 0},
    {"column", FEW, 0},
};
static const uint16_t price_offsets[COUNT(price_fields)] = {
    offsetof(struct toll_price_row, id),          offsetof(struct toll_price_row, kind),
    offsetof(struct toll_price_row, plan),        offsetof(struct toll_price_row, deck),
    offsetof(struct toll_price_row, prefix),      offsetof(struct toll_price_row, destination),
    offsetof(struct toll_price_row, band),        offsetof(struct toll_price_row, unit),
    offsetof(struct toll_price_row, rate),        offsetof(struct toll_price_row, per_units),
    offsetof(struct toll_price_row, connect_fee), offsetof(struct toll_price_row, file),
    offsetof(struct toll_price_row, line),        offsetof(struct toll_price_row, step),
    offsetof(struct toll_price_row, column),
};
const struct toll_run_table toll_run_prices = {
    "prices.arrow",
    {"prices/3", price_fields, COUNT(price_fields)},
    price_offsets,
    sizeof(struct toll_price_row),
};

/* The same in two files: rows of 20 bytes for most books. */
static const struct toll_arrow_field price_row_fields[] = {
    {"id", TOLL_ARROW_INT32, 0}, {"terms", TOLL_ARROW_INT32, 0}, {"prefix", WORD, 0},
    {"destination", WORD, 0},    {"rate", TOLL_ARROW_INT64, 8},  {"line", TOLL_ARROW_INT32, 0},
};
static const uint16_t price_row_offsets[COUNT(price_row_fields)] = {
    offsetof(struct toll_price_row, id),     offsetof(struct toll_price_row, terms),
    offsetof(struct toll_price_row, prefix), offsetof(struct toll_price_row, destination),
    offsetof(struct toll_price_row, rate),   offsetof(struct toll_price_row, line),
};
static const enum toll_arrow_type price_row_narrow[COUNT(price_row_fields)] = {
    TOLL_ARROW_INT32, TOLL_ARROW_UINT16, WORD, FEW, TOLL_ARROW_INT32, TOLL_ARROW_INT32,
};
static const struct toll_run_table price_rows = {
    "prices.arrow",
    {"prices/4", price_row_fields, COUNT(price_row_fields)},
    price_row_offsets,
    sizeof(struct toll_price_row),
};
static const struct toll_arrow_field price_term_fields[] = {
    {"terms", TOLL_ARROW_INT32, 0},
    {"kind", FEW, 0},
    {"plan", WORD, 0},
    {"deck", WORD, 0},
    {"band", WORD, 0},
    {"unit", FEW, 0},
    {"per_units", TOLL_ARROW_INT64, 0},
    {"connect_fee", TOLL_ARROW_INT64, 8},
    {"file", WORD, 0},
    {"step", TOLL_ARROW_INT32, 0},
    {"column", FEW, 0},
};
static const uint16_t price_term_offsets[COUNT(price_term_fields)] = {
    offsetof(struct toll_price_row, terms),     offsetof(struct toll_price_row, kind),
    offsetof(struct toll_price_row, plan),      offsetof(struct toll_price_row, deck),
    offsetof(struct toll_price_row, band),      offsetof(struct toll_price_row, unit),
    offsetof(struct toll_price_row, per_units), offsetof(struct toll_price_row, connect_fee),
    offsetof(struct toll_price_row, file),      offsetof(struct toll_price_row, step),
    offsetof(struct toll_price_row, column),
};
static const struct toll_run_table price_terms = {
    "price_terms.arrow",
    {"price_terms/1", price_term_fields, COUNT(price_term_fields)},
    price_term_offsets,
    sizeof(struct toll_price_row),
};
const struct toll_run_packed toll_run_packed_prices = {&price_rows, price_row_narrow, &toll_run_prices,
                                                       &price_terms, 1};
#undef WORD
#undef FEW

static const struct toll_arrow_field bucket_fields[] = {
    {"account", TOLL_ARROW_INT32, 0}, {"site", TOLL_ARROW_UTF8, 0},   {"tuple", TOLL_ARROW_INT32, 0},
    {"count", TOLL_ARROW_INT64, 0},   {"units", TOLL_ARROW_INT64, 0}, {"charge", TOLL_ARROW_INT64, 8},
};
static const uint16_t bucket_offsets[COUNT(bucket_fields)] = {
    offsetof(struct toll_bucket_row, account), offsetof(struct toll_bucket_row, site),
    offsetof(struct toll_bucket_row, tuple),   offsetof(struct toll_bucket_row, count),
    offsetof(struct toll_bucket_row, units),   offsetof(struct toll_bucket_row, charge),
};
const struct toll_run_table toll_run_buckets = {
    "buckets.arrow",
    {"buckets/1", bucket_fields, COUNT(bucket_fields)},
    bucket_offsets,
    sizeof(struct toll_bucket_row),
};

static const struct toll_arrow_field period_fields[] = {
    {"period", TOLL_ARROW_UTF8, 0},  {"account", TOLL_ARROW_INT32, 0}, {"site", TOLL_ARROW_UTF8, 0},
    {"number", TOLL_ARROW_UTF8, 0},  {"tiers", TOLL_ARROW_UTF8, 0},    {"kind", TOLL_ARROW_UTF8, 0},
    {"calls", TOLL_ARROW_INT64, 0},  {"counted", TOLL_ARROW_INT64, 0}, {"charged", TOLL_ARROW_INT64, 0},
    {"amount", TOLL_ARROW_INT64, 8}, {"charge", TOLL_ARROW_INT64, 8},  {"file", TOLL_ARROW_UTF8, 0},
    {"line", TOLL_ARROW_INT32, 0},
};
static const uint16_t period_offsets[COUNT(period_fields)] = {
    offsetof(struct toll_period_row, period),  offsetof(struct toll_period_row, account),
    offsetof(struct toll_period_row, site),    offsetof(struct toll_period_row, number),
    offsetof(struct toll_period_row, tiers),   offsetof(struct toll_period_row, kind),
    offsetof(struct toll_period_row, calls),   offsetof(struct toll_period_row, counted),
    offsetof(struct toll_period_row, charged), offsetof(struct toll_period_row, amount),
    offsetof(struct toll_period_row, charge),  offsetof(struct toll_period_row, file),
    offsetof(struct toll_period_row, line),
};
const struct toll_run_table toll_run_periods = {
    "period_charges.arrow",
    {"period_charges/2", period_fields, COUNT(period_fields)},
    period_offsets,
    sizeof(struct toll_period_row),
};

static const struct toll_arrow_field pool_fields[] = {
    {"id", TOLL_ARROW_INT32, 0},         {"bundle", TOLL_ARROW_UTF8, 0},     {"scope", TOLL_ARROW_UTF8, 0},
    {"account", TOLL_ARROW_UTF8, 0},     {"site", TOLL_ARROW_UTF8, 0},       {"number", TOLL_ARROW_UTF8, 0},
    {"pool", TOLL_ARROW_UTF8, 0},        {"unit", TOLL_ARROW_UTF8, 0},       {"period", TOLL_ARROW_UTF8, 0},
    {"granted", TOLL_ARROW_INT64, 0},    {"rolled_in", TOLL_ARROW_INT64, 0}, {"used", TOLL_ARROW_INT64, 0},
    {"rolled_out", TOLL_ARROW_INT64, 0}, {"expired", TOLL_ARROW_INT64, 0},   {"over", TOLL_ARROW_INT64, 0},
    {"exhausted", TOLL_ARROW_INT64, 0},
};
static const uint16_t pool_offsets[COUNT(pool_fields)] = {
    offsetof(struct toll_pool_period_row, id),         offsetof(struct toll_pool_period_row, bundle),
    offsetof(struct toll_pool_period_row, scope),      offsetof(struct toll_pool_period_row, account),
    offsetof(struct toll_pool_period_row, site),       offsetof(struct toll_pool_period_row, number),
    offsetof(struct toll_pool_period_row, pool),       offsetof(struct toll_pool_period_row, unit),
    offsetof(struct toll_pool_period_row, period),     offsetof(struct toll_pool_period_row, granted),
    offsetof(struct toll_pool_period_row, rolled_in),  offsetof(struct toll_pool_period_row, used),
    offsetof(struct toll_pool_period_row, rolled_out), offsetof(struct toll_pool_period_row, expired),
    offsetof(struct toll_pool_period_row, over),       offsetof(struct toll_pool_period_row, exhausted),
};
const struct toll_run_table toll_run_pools = {
    "pools.arrow",
    {"pools/1", pool_fields, COUNT(pool_fields)},
    pool_offsets,
    sizeof(struct toll_pool_period_row),
};

static const struct toll_arrow_field pool_draw_fields[] = {
    {"id", TOLL_ARROW_INT32, 0},
    {"period", TOLL_ARROW_UTF8, 0},
    {"lot", TOLL_ARROW_UTF8, 0},
    {"units", TOLL_ARROW_INT64, 0},
};
static const uint16_t pool_draw_offsets[COUNT(pool_draw_fields)] = {
    offsetof(struct toll_pool_draw_row, id),
    offsetof(struct toll_pool_draw_row, period),
    offsetof(struct toll_pool_draw_row, lot),
    offsetof(struct toll_pool_draw_row, units),
};
const struct toll_run_table toll_run_pool_draws = {
    "pool_draws.arrow",
    {"pool_draws/1", pool_draw_fields, COUNT(pool_draw_fields)},
    pool_draw_offsets,
    sizeof(struct toll_pool_draw_row),
};

static const struct toll_arrow_field tier_count_fields[] = {
    {"tiers", TOLL_ARROW_UTF8, 0},    {"account", TOLL_ARROW_UTF8, 0}, {"site", TOLL_ARROW_UTF8, 0},
    {"number", TOLL_ARROW_UTF8, 0},   {"period", TOLL_ARROW_UTF8, 0},  {"units", TOLL_ARROW_INT64, 0},
    {"spend", TOLL_ARROW_INT64, 8},   {"fee", TOLL_ARROW_INT64, 8},    {"minimum", TOLL_ARROW_INT64, 8},
    {"maximum", TOLL_ARROW_INT64, 8},
};
static const uint16_t tier_count_offsets[COUNT(tier_count_fields)] = {
    offsetof(struct toll_tier_count_row, tiers),   offsetof(struct toll_tier_count_row, account),
    offsetof(struct toll_tier_count_row, site),    offsetof(struct toll_tier_count_row, number),
    offsetof(struct toll_tier_count_row, period),  offsetof(struct toll_tier_count_row, units),
    offsetof(struct toll_tier_count_row, spend),   offsetof(struct toll_tier_count_row, fee),
    offsetof(struct toll_tier_count_row, minimum), offsetof(struct toll_tier_count_row, maximum),
};
const struct toll_run_table toll_run_tier_counts = {
    "tier_counts.arrow",
    {"tier_counts/1", tier_count_fields, COUNT(tier_count_fields)},
    tier_count_offsets,
    sizeof(struct toll_tier_count_row),
};

/* ---- reading ---- */

static int wrong_text(const struct toll_arrow_file *file, struct toll_error *error)
{
    return toll_error_set(error, TOLL_EDATA, "%s: its texts are damaged; rate again", file->name);
}

static int scatter_text(const struct toll_arrow_file *file, const uint8_t *bytes, int64_t batch,
                        unsigned column, char *members, size_t row_bytes, struct toll_arena *arena,
                        struct toll_error *error)
{
    unsigned b = file->first_buffer[column];
    const int32_t *offsets =
        (const int32_t *)(const void *)(bytes + toll_arrow_place(file, batch, b)->offset);
    const struct toll_arrow_place *place = toll_arrow_place(file, batch, b + 1);
    const char *text = (const char *)bytes + place->offset;
    int64_t rows = toll_arrow_batch_rows(file->rows, batch);
    int rc = toll_arrow_check(file, batch, column, b, offsets, error);
    if (rc == 0)
        rc = toll_arrow_check(file, batch, column, b + 1, text, error);
    if (rc == 0 && !toll_arrow_text_valid(offsets, rows, place->bytes))
        rc = wrong_text(file, error);
    for (int64_t i = 0; rc == 0 && i < rows; i++) {
        size_t length = (size_t)(offsets[i + 1] - offsets[i]);
        if (length && memchr(text + offsets[i], 0, length))
            return wrong_text(file, error);
        const char *copy = toll_arena_copy(arena, text + offsets[i], length);
        if (!copy)
            return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", file->name);
        memcpy(members + (size_t)i * row_bytes, &copy, sizeof copy);
    }
    return rc;
}

static int scatter_words(const struct toll_arrow_file *file, const uint8_t *bytes, int64_t batch,
                         unsigned column, const struct toll_arrow_dictionary *words, char *members,
                         size_t row_bytes, struct toll_error *error)
{
    const unsigned b = file->first_buffer[column];
    const uint8_t *values = bytes + toll_arrow_place(file, batch, b)->offset;
    const size_t width = toll_arrow_width(file->schema.fields[column].type);
    const int64_t rows = toll_arrow_batch_rows(file->rows, batch);
    int rc = toll_arrow_check(file, batch, column, b, values, error);
    for (int64_t i = 0; rc == 0 && i < rows; i++) {
        uint32_t word = 0;
        memcpy(&word, values + (size_t)i * width, width);
        if (word >= words->count)
            return wrong_text(file, error);
        memcpy(members + (size_t)i * row_bytes, &words->entries[word], sizeof words->entries[word]);
    }
    return rc;
}

/* The words of the file's dictionaries, which the rows share, in the arena. */
static int keep_words(const struct toll_arrow_file *file, struct toll_arena *arena,
                      struct toll_arrow_dictionary *words, struct toll_error *error)
{
    for (unsigned d = 0; d < file->dictionaries; d++) {
        const struct toll_arrow_dictionary *from = &file->dictionary[d];
        const char **entries = toll_arena_alloc(arena, (from->count + (size_t)1) * sizeof *entries);
        for (uint32_t i = 0; entries != NULL && i < from->count; i++) {
            entries[i] = toll_arena_copy(arena, from->entries[i], strlen(from->entries[i]));
            if (entries[i] == NULL)
                entries = NULL;
        }
        if (entries == NULL)
            return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", file->name);
        words[d] = (struct toll_arrow_dictionary){entries, from->count};
    }
    return 0;
}

static void scatter_narrow(const uint8_t *values, enum toll_arrow_type type, int64_t rows, char *members,
                           size_t row_bytes)
{
    for (int64_t i = 0; i < rows; i++, members += row_bytes) {
        if (type == TOLL_ARROW_UINT16) {
            const int32_t value = ((const uint16_t *)(const void *)values)[i];
            memcpy(members, &value, sizeof value);
        } else {
            const int64_t value = ((const int32_t *)(const void *)values)[i];
            memcpy(members, &value, sizeof value);
        }
    }
}

static int scatter(const struct toll_run_table *table, const struct toll_arrow_file *file,
                   const uint8_t *bytes, int64_t batch, const struct toll_arrow_dictionary *words, char *rows,
                   struct toll_arena *arena, struct toll_error *error)
{
    unsigned dictionary = 0;
    int rc = 0;
    for (unsigned c = 0; rc == 0 && c < table->schema.count; c++) {
        char *members = rows + table->offsets[c];
        enum toll_arrow_type type = file->schema.fields[c].type;
        if (type == TOLL_ARROW_UTF8) {
            rc = scatter_text(file, bytes, batch, c, members, table->row_bytes, arena, error);
            continue;
        }
        if (toll_arrow_is_dictionary(type)) {
            rc = scatter_words(file, bytes, batch, c, &words[dictionary++], members, table->row_bytes, error);
            continue;
        }
        const uint8_t *values = bytes + toll_arrow_place(file, batch, file->first_buffer[c])->offset;
        size_t width = toll_arrow_width(type);
        const int64_t count = toll_arrow_batch_rows(file->rows, batch);
        rc = toll_arrow_check(file, batch, c, file->first_buffer[c], values, error);
        if (rc == 0 && type != table->schema.fields[c].type)
            scatter_narrow(values, type, count, members, table->row_bytes);
        else
            for (int64_t i = 0; rc == 0 && i < count; i++)
                memcpy(members + (size_t)i * table->row_bytes, values + (size_t)i * width, width);
    }
    return rc;
}

/* The table's columns, each in its own or its narrow type. */
static int expect(const struct toll_arrow_file *file, const struct toll_run_table *table,
                  const enum toll_arrow_type *narrow, struct toll_error *error)
{
    struct toll_arrow_field fields[TOLL_ARROW_COLUMNS];
    struct toll_arrow_schema schema = {table->schema.name, fields, table->schema.count};
    for (unsigned c = 0; c < schema.count; c++) {
        fields[c] = table->schema.fields[c];
        if (narrow != NULL && c < file->schema.count && file->schema.fields[c].type == narrow[c])
            fields[c].type = narrow[c];
    }
    return toll_arrow_expect(file, &schema, error);
}

/* plain: NULL, or another table of the same rows that the file may be. */
static int decode(const struct toll_run_table *table, const enum toll_arrow_type *narrow,
                  const struct toll_run_table *plain, const char *name, const void *bytes, size_t size,
                  struct toll_arena *arena, void **rows, int64_t *count, struct toll_error *error)
{
    const struct toll_arrow_source source = {.name = name, .bytes = bytes, .size = (int64_t)size};
    struct toll_arrow_dictionary words[TOLL_ARROW_COLUMNS];
    struct toll_arrow_file *file;
    char *out = NULL;
    *rows = NULL;
    *count = 0;
    int rc = toll_arrow_open(&source, NULL, &file, error);
    if (rc == 0 && plain != NULL && strcmp(file->schema.name, plain->schema.name) == 0) {
        table = plain;
        narrow = NULL;
    }
    if (rc == 0)
        rc = expect(file, table, narrow, error);
    if (rc == 0 && !(out = calloc((size_t)file->rows + 1, table->row_bytes)))
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    if (rc == 0)
        rc = keep_words(file, arena, words, error);
    for (int64_t i = 0; rc == 0 && i < file->batches; i++)
        rc = scatter(table, file, bytes, i, words,
                     out + (size_t)(i * TOLL_ARROW_BATCH_ROWS) * table->row_bytes, arena, error);
    if (rc == 0) {
        *rows = out;
        *count = file->rows;
    } else {
        free(out);
    }
    toll_arrow_close(file);
    return rc;
}

int toll_run_table_decode(const struct toll_run_table *table, const char *name, const void *bytes,
                          size_t size, struct toll_arena *arena, void **rows, int64_t *count,
                          struct toll_error *error)
{
    return decode(table, NULL, NULL, name, bytes, size, arena, rows, count, error);
}

static void put_terms(const struct toll_price_row *terms, struct toll_price_row *row)
{
    row->kind = terms->kind;
    row->plan = terms->plan;
    row->deck = terms->deck;
    row->band = terms->band;
    row->unit = terms->unit;
    row->per_units = terms->per_units;
    row->connect_fee = terms->connect_fee;
    row->file = terms->file;
    row->step = terms->step;
    row->column = terms->column;
    row->terms = 0;
}

int toll_run_packed_decode(const struct toll_run_packed *packed, const char *name, const void *bytes,
                           size_t size, struct toll_arena *arena, void **rows, int64_t *count,
                           struct toll_error *error)
{
    return decode(packed->table, packed->narrow, packed->plain, name, bytes, size, arena, rows, count, error);
}

int toll_run_prices_join(const char *name, struct toll_price_row *rows, int64_t count,
                         const struct toll_price_row *terms, int64_t term_count, struct toll_error *error)
{
    for (int64_t i = 0; i < term_count; i++)
        if (terms[i].terms != i + 1)
            return toll_error_set(error, TOLL_EDATA, "%s: the ids of its terms are wrong; rate again", name);
    for (int64_t i = 0; i < count; i++) {
        if (rows[i].terms < 1 || rows[i].terms > term_count)
            return toll_error_set(error, TOLL_EDATA,
                                  "%s: row %lld has terms that price_terms.arrow does not have; rate again",
                                  name, (long long)i);
        put_terms(&terms[rows[i].terms - 1], &rows[i]);
    }
    return 0;
}
