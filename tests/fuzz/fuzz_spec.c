/* A mapping spec: bytes to struct. What is accepted refers only to columns, rules and words that are there.
 */
#include "fuzz.h"
#include "ingest/limits.h"
#include "ingest/spec.h"
#include "memory_io.h"

static void check_field(const struct toll_spec *spec, const struct toll_spec_field *field)
{
    TOLL_ASSERT(field->column_count <= 2 && field->type < TOLL_VALUES);
    for (unsigned i = 0; i < field->column_count; i++)
        TOLL_ASSERT(field->columns[i] >= 0 && field->columns[i] < spec->column_count);
    TOLL_ASSERT(field->format_count <= TOLL_TIME_FORMATS_MAX);
    TOLL_ASSERT(field->type != TOLL_VALUE_TIME || field->format_count > 0);
    TOLL_ASSERT(field->type != TOLL_VALUE_NUMBER || field->rules != NULL);
}

static void check_spec(const struct toll_spec *spec)
{
    TOLL_ASSERT(spec->zone != NULL && spec->provider != NULL && spec->version != NULL);
    TOLL_ASSERT(spec->column_count > 0 && spec->column_count <= TOLL_INGEST_COLUMNS_MAX);
    TOLL_ASSERT(spec->separator != '"' && spec->separator != '\n' && spec->separator != 0);
    TOLL_ASSERT((spec->header == TOLL_HEADER_NONE) == (spec->names == NULL));
    for (int i = 0; i < TOLL_TARGETS; i++) {
        if (spec->fields[i].mapped)
            check_field(spec, &spec->fields[i]);
    }
    for (int i = 0; i < spec->key_count; i++)
        TOLL_ASSERT(spec->key_columns[i] >= 0 && spec->key_columns[i] < spec->column_count);
    for (size_t i = 0; i < spec->probe_count; i++)
        TOLL_ASSERT(spec->probes[i].column >= 0 && spec->probes[i].column < spec->column_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_findings told = {0, 0};
    const struct toll_reporter reporter = {fuzz_report, &told};
    struct memory_io memory;
    struct toll_findings findings;
    struct toll_error error;
    struct toll_spec spec;
    memory_io_init(&memory);
    toll_findings_init(&findings, &reporter);
    const int code =
        toll_spec_parse(&spec, &memory.io, "s.yaml", (const char *)data, size, &findings, &error);
    if (code == 0) {
        TOLL_ASSERT(told.errors == 0);
        check_spec(&spec);
    } else {
        TOLL_ASSERT(code == TOLL_EBOOK && told.errors > 0);
        fuzz_check_error(code, &error);
    }
    toll_spec_free(&spec);
    TOLL_ASSERT(memory.open == 0);
    return 0;
}
