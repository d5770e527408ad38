/* The tables of a delta (see run_tables.h), and its lines as columns. */
#include "segment/delta_files.h"

#include <stddef.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define TEXT(name)               \
    {                            \
        name, TOLL_ARROW_UTF8, 0 \
    }
#define INT32(name)               \
    {                             \
        name, TOLL_ARROW_INT32, 0 \
    }
#define INT64(name)               \
    {                             \
        name, TOLL_ARROW_INT64, 0 \
    }
#define MONEY(name)               \
    {                             \
        name, TOLL_ARROW_INT64, 8 \
    }
#define TABLE(name, row, file, schema)          \
    static const struct toll_run_table name = { \
        file, {schema, name##_fields, COUNT(name##_fields)}, name##_offsets, sizeof(row)}

static const struct toll_arrow_field payers_fields[] = {INT32("id"), TEXT("account"), TEXT("name"),
                                                        TEXT("site"), TEXT("currency")};
#define AT(member) offsetof(struct toll_delta_payer_row, member)
static const uint16_t payers_offsets[] = {AT(id), AT(account), AT(name), AT(site), AT(currency)};
#undef AT
TABLE(payers, struct toll_delta_payer_row, "payers.arrow", "delta_payers/1");

static const struct toll_arrow_field pools_fields[] = {
    INT32("id"), TEXT("bundle"), TEXT("scope"), TEXT("account"), TEXT("site"), TEXT("number"), TEXT("pool")};
#define AT(member) offsetof(struct toll_delta_pool_row, member)
static const uint16_t pools_offsets[] = {AT(id),   AT(bundle), AT(scope), AT(account),
                                         AT(site), AT(number), AT(pool)};
#undef AT
TABLE(pools, struct toll_delta_pool_row, "pools.arrow", "delta_pools/1");

static const struct toll_arrow_field sums_fields[] = {
    TEXT("account"),      TEXT("name"),      TEXT("site"),        TEXT("currency"),    INT64("lines"),
    INT64("old_rows"),    INT64("new_rows"), MONEY("old_charge"), MONEY("new_charge"), MONEY("old_periods"),
    MONEY("new_periods"), MONEY("old_cost"), MONEY("new_cost"),
};
#define AT(member) offsetof(struct toll_delta_sum_row, member)
static const uint16_t sums_offsets[] = {
    AT(account),     AT(name),     AT(site),       AT(currency),   AT(lines),
    AT(old_rows),    AT(new_rows), AT(old_charge), AT(new_charge), AT(old_periods),
    AT(new_periods), AT(old_cost), AT(new_cost),
};
#undef AT
TABLE(sums, struct toll_delta_sum_row, "sums.arrow", "delta_sums/1");

static const struct toll_arrow_field reasons_fields[] = {INT64("sum"), TEXT("reason"), INT64("lines"),
                                                         MONEY("charge"), MONEY("cost")};
#define AT(member) offsetof(struct toll_delta_reason_row, member)
static const uint16_t reasons_offsets[] = {AT(sum), AT(reason), AT(lines), AT(charge), AT(cost)};
#undef AT
TABLE(reasons, struct toll_delta_reason_row, "reasons.arrow", "delta_reasons/1");

static const struct toll_arrow_field taxes_fields[] = {
    TEXT("period"),           TEXT("account"),    TEXT("site"),       TEXT("currency"),
    TEXT("tax_jurisdiction"), TEXT("level"),      TEXT("tax"),        TEXT("name"),
    INT32("billable"),        INT64("old_cents"), INT64("new_cents"),
};
#define AT(member) offsetof(struct toll_delta_tax_row, member)
static const uint16_t taxes_offsets[] = {
    AT(period), AT(account), AT(site),     AT(currency),  AT(tax_jurisdiction), AT(level),
    AT(tax),    AT(name),    AT(billable), AT(old_cents), AT(new_cents),
};
#undef AT
TABLE(taxes, struct toll_delta_tax_row, "taxes.arrow", "delta_taxes/1");

static const struct toll_arrow_field adjusting_fields[] = {
    INT64("id"),    TEXT("account"),     TEXT("name"),         TEXT("site"), TEXT("currency"),
    TEXT("period"), TEXT("reason"),      TEXT("tax_services"), TEXT("kind"), TEXT("status"),
    INT64("calls"), MONEY("old_charge"), MONEY("new_charge"),
};
#define AT(member) offsetof(struct toll_adjusting_row, member)
static const uint16_t adjusting_offsets[] = {
    AT(id),           AT(account), AT(name),   AT(site),  AT(currency),   AT(period),     AT(reason),
    AT(tax_services), AT(kind),    AT(status), AT(calls), AT(old_charge), AT(new_charge),
};
#undef AT
TABLE(adjusting, struct toll_adjusting_row, "adjusting.arrow", "adjusting/1");

static const struct toll_arrow_field adjusting_taxes_fields[] = {
    TEXT("account"),          TEXT("site"),       TEXT("currency"),   TEXT("period"), TEXT("report_period"),
    TEXT("tax_jurisdiction"), TEXT("level"),      TEXT("tax"),        TEXT("name"),   INT32("billable"),
    TEXT("status"),           INT64("old_cents"), INT64("new_cents"),
};
#define AT(member) offsetof(struct toll_adjusting_tax_row, member)
static const uint16_t adjusting_taxes_offsets[] = {
    AT(account), AT(site), AT(currency), AT(period), AT(report_period), AT(tax_jurisdiction), AT(level),
    AT(tax),     AT(name), AT(billable), AT(status), AT(old_cents),     AT(new_cents),
};
#undef AT
TABLE(adjusting_taxes, struct toll_adjusting_tax_row, "adjusting_taxes.arrow", "adjusting_taxes/1");

#define PLACE(rows, count) offsetof(struct toll_delta_tables, rows), offsetof(struct toll_delta_tables, count)
const struct toll_delta_table toll_delta_tables[TOLL_DELTA_FILES] = {
    [TOLL_DELTA_ADJUSTING] = {&adjusting, PLACE(adjusting, adjusting_count)},
    [TOLL_DELTA_ADJUSTING_TAXES] = {&adjusting_taxes, PLACE(adjusting_taxes, adjusting_tax_count)},
    [TOLL_DELTA_PAYERS] = {&payers, PLACE(payers, payer_count)},
    [TOLL_DELTA_POOLS] = {&pools, PLACE(pools, pool_count)},
    [TOLL_DELTA_PRICES] = {&toll_run_prices, PLACE(prices, price_count)},
    [TOLL_DELTA_REASON_SUMS] = {&reasons, PLACE(reasons, reason_count)},
    [TOLL_DELTA_SUMS] = {&sums, PLACE(sums, sum_count)},
    [TOLL_DELTA_TAXES] = {&taxes, PLACE(taxes, tax_count)},
    [TOLL_DELTA_TUPLES] = {&toll_run_tuples, PLACE(tuples, tuple_count)},
};

/* ---- lines ---- */

#define SIDE(side)                                                                                   \
    {side "_row", TOLL_ARROW_INT64, 0}, {side "_charge", TOLL_ARROW_INT64, 8},                       \
        {side "_cost", TOLL_ARROW_INT64, 8}, INT32(side "_payer"), INT32(side "_price"),             \
        INT32(side "_pool"), INT32(side "_tuple"), INT32(side "_cost_price"), INT32(side "_billed"), \
        INT32(side "_included"), {side "_status", TOLL_ARROW_UINT8, 0},                              \
        {side "_class", TOLL_ARROW_UINT8, 0},                                                        \
    {                                                                                                \
        side "_cost_status", TOLL_ARROW_UINT8, 0                                                     \
    }

static const struct toll_arrow_field line_fields[] = {
    {"record_key_high", TOLL_ARROW_UINT64, 0},
    {"record_key_low", TOLL_ARROW_UINT64, 0},
    {"reasons", TOLL_ARROW_UINT16, 0},
    {"closed", TOLL_ARROW_UINT8, 0},
    INT32("old_day"),
    SIDE("old"),
    SIDE("new"),
};
_Static_assert(COUNT(line_fields) == TOLL_DELTA_LINE_COLUMNS, "all of them");
const struct toll_arrow_schema toll_delta_line_schema = {"delta_lines/1", line_fields, COUNT(line_fields)};

#define AT(member) offsetof(struct toll_delta_line_row, member)
#define SIDE_AT(side)                                                                             \
    AT(side.row), AT(side.charge), AT(side.cost), AT(side.payer), AT(side.price), AT(side.pool),  \
        AT(side.tuple), AT(side.cost_price), AT(side.billed), AT(side.included), AT(side.status), \
        AT(side.class_jurisdiction), AT(side.cost_status)
static const uint16_t line_offsets[] = {AT(key_high),   AT(key_low),     AT(reasons),   AT(closed),
                                        AT(before.day), SIDE_AT(before), SIDE_AT(after)};
_Static_assert(COUNT(line_offsets) == TOLL_DELTA_LINE_COLUMNS, "all of them");

#define BLOCK_ROWS 512 /* that stay in the cache while their columns are taken one after the other */

#define GATHER(bits)                                                                      \
    static void gather_##bits(const char *restrict members, size_t stride, int64_t count, \
                              uint##bits##_t *restrict column)                            \
    {                                                                                     \
        for (int64_t i = 0; i < count; i++)                                               \
            memcpy(&column[i], members + (size_t)i * stride, sizeof *column);             \
    }
GATHER(8)
GATHER(16)
GATHER(32)
GATHER(64)

static void gather(const char *members, size_t stride, int64_t count, size_t width, char *column)
{
    switch (width) {
    case 1:
        gather_8(members, stride, count, (void *)column);
        break;
    case 2:
        gather_16(members, stride, count, (void *)column);
        break;
    case 4:
        gather_32(members, stride, count, (void *)column);
        break;
    default:
        gather_64(members, stride, count, (void *)column);
    }
}

void toll_delta_lines_to_columns(const struct toll_delta_line_row *rows, size_t stride, int64_t count,
                                 void *const columns[TOLL_DELTA_LINE_COLUMNS])
{
    for (int64_t first = 0; first < count; first += BLOCK_ROWS) {
        const int64_t some = count - first < BLOCK_ROWS ? count - first : BLOCK_ROWS;
        const char *members = (const char *)rows + (size_t)first * stride;
        for (unsigned c = 0; c < TOLL_DELTA_LINE_COLUMNS; c++) {
            const size_t width = toll_arrow_width(line_fields[c].type);
            gather(members + line_offsets[c], stride, some, width,
                   (char *)columns[c] + (size_t)first * width);
        }
    }
}

void toll_delta_lines_from_columns(const void *const columns[TOLL_DELTA_LINE_COLUMNS], int64_t count,
                                   int64_t day, struct toll_delta_line_row *rows)
{
    memset(rows, 0, (size_t)count * sizeof *rows);
    for (unsigned c = 0; c < TOLL_DELTA_LINE_COLUMNS; c++) {
        const size_t width = toll_arrow_width(line_fields[c].type);
        char *members = (char *)rows + line_offsets[c];
        for (int64_t i = 0; i < count; i++)
            memcpy(members + (size_t)i * sizeof *rows, (const char *)columns[c] + (size_t)i * width, width);
    }
    for (int64_t i = 0; i < count; i++)
        rows[i].after.day = rows[i].after.row < 0 ? 0 : (int32_t)day;
}
