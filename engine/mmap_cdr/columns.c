#include "mmap_cdr/columns.h"

#include <stddef.h>
#include <string.h>

_Static_assert(TOLL_BATCH_ROWS == TOLL_ARROW_BATCH_ROWS, "one batch is one record batch");
_Static_assert(TOLL_CDR_COLUMNS <= TOLL_ARROW_COLUMNS, "a part's columns fit an Arrow file");

#define COLUMN(name, type, scale, always)                                                \
    {                                                                                    \
        {#name, TOLL_ARROW_##type, scale}, always, offsetof(struct toll_cdr_batch, name) \
    }

const struct toll_cdr_column_spec toll_cdr_columns[TOLL_CDR_COLUMNS] = {
    [TOLL_CDR_START] = COLUMN(start, TIMESTAMP_MS, 0, true),
    [TOLL_CDR_DURATION_MS] = COLUMN(duration_ms, INT32, 0, true),
    [TOLL_CDR_CALLER] = COLUMN(caller, UINT64, 0, true),
    [TOLL_CDR_CALLEE] = COLUMN(callee, UINT64, 0, true),
    [TOLL_CDR_KIND] = COLUMN(kind, UINT16, 0, true),
    [TOLL_CDR_CARRIER] = COLUMN(carrier, DICTIONARY_UINT16, 0, true),
    [TOLL_CDR_CHARGED] = COLUMN(charged, UINT64, 0, false),
    [TOLL_CDR_LRN_CALLER] = COLUMN(lrn_caller, UINT64, 0, false),
    [TOLL_CDR_LRN_CALLEE] = COLUMN(lrn_callee, UINT64, 0, false),
    [TOLL_CDR_RING_TO] = COLUMN(ring_to, UINT64, 0, false),
    [TOLL_CDR_TRUNK] = COLUMN(trunk, DICTIONARY_INT32, 0, false),
    [TOLL_CDR_HINT] = COLUMN(hint, DICTIONARY_INT32, 0, false),
    [TOLL_CDR_CALLTYPE] = COLUMN(calltype, DICTIONARY_INT32, 0, false),
    [TOLL_CDR_QUANTITY] = COLUMN(quantity, INT64, 0, false),
    [TOLL_CDR_SETUP_MS] = COLUMN(setup_ms, INT32, 0, false),
    [TOLL_CDR_PROVIDER_CHARGE] = COLUMN(provider_charge, INT64, 8, false),
    [TOLL_CDR_PROVIDER_TAX] = COLUMN(provider_tax, INT64, 8, false),
    [TOLL_CDR_CARRIER_BILLED_MS] = COLUMN(carrier_billed_ms, INT32, 0, false),
    [TOLL_CDR_RECORD_KEY_HIGH] = COLUMN(record_key_high, UINT64, 0, true),
    [TOLL_CDR_RECORD_KEY_LOW] = COLUMN(record_key_low, UINT64, 0, true),
    [TOLL_CDR_SOURCE_FILE] = COLUMN(source_file, DICTIONARY_INT32, 0, true),
    [TOLL_CDR_SOURCE_ROW] = COLUMN(source_row, INT32, 0, true),
};

static const struct toll_arrow_field text_fields[TOLL_CDR_TEXT_COLUMNS] = {
    {"record_id", TOLL_ARROW_UTF8, 0},
    {"caller_dialled", TOLL_ARROW_UTF8, 0},
    {"callee_dialled", TOLL_ARROW_UTF8, 0},
};

const struct toll_arrow_schema toll_cdr_text_schema = {TOLL_CDR_TEXT_SCHEMA, text_fields,
                                                       TOLL_CDR_TEXT_COLUMNS};

/* The pointers have different types, so they are copied as bytes. */
const void *toll_cdr_batch_column(const struct toll_cdr_batch *batch, unsigned column)
{
    const void *values;
    memcpy(&values, (const char *)batch + toll_cdr_columns[column].pointer, sizeof values);
    return values;
}

void toll_cdr_batch_set_column(struct toll_cdr_batch *batch, unsigned column, const void *values)
{
    memcpy((char *)batch + toll_cdr_columns[column].pointer, &values, sizeof values);
}
