/* The tables that a run of a taxed book has besides: docs/TAX.md section 2. */
#include "segment/run_tables.h"

#include <stddef.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const struct toll_arrow_field tuple_fields[] = {
    {"id", TOLL_ARROW_INT32, 0},          {"book", TOLL_ARROW_INT32, 0},
    {"period", TOLL_ARROW_UTF8, 0},       {"from", TOLL_ARROW_UTF8, 0},
    {"area", TOLL_ARROW_UTF8, 0},         {"resolved", TOLL_ARROW_UTF8, 0},
    {"reason", TOLL_ARROW_UTF8, 0},       {"tax_services", TOLL_ARROW_UTF8, 0},
    {"split_line", TOLL_ARROW_INT32, 0},  {"service", TOLL_ARROW_UTF8, 0},
    {"jurisdiction", TOLL_ARROW_UTF8, 0}, {"customer_class", TOLL_ARROW_UTF8, 0},
    {"sale", TOLL_ARROW_UTF8, 0},         {"seller", TOLL_ARROW_UTF8, 0},
    {"exemptions", TOLL_ARROW_UTF8, 0},   {"origin", TOLL_ARROW_UTF8, 0},
    {"two_of_three", TOLL_ARROW_UTF8, 0},
};
static const uint16_t tuple_offsets[COUNT(tuple_fields)] = {
    offsetof(struct toll_tuple_row, id),           offsetof(struct toll_tuple_row, book),
    offsetof(struct toll_tuple_row, period),       offsetof(struct toll_tuple_row, from),
    offsetof(struct toll_tuple_row, area),         offsetof(struct toll_tuple_row, resolved),
    offsetof(struct toll_tuple_row, reason),       offsetof(struct toll_tuple_row, tax_services),
    offsetof(struct toll_tuple_row, split_line),   offsetof(struct toll_tuple_row, service),
    offsetof(struct toll_tuple_row, jurisdiction), offsetof(struct toll_tuple_row, customer_class),
    offsetof(struct toll_tuple_row, sale),         offsetof(struct toll_tuple_row, seller),
    offsetof(struct toll_tuple_row, exemptions),   offsetof(struct toll_tuple_row, origin),
    offsetof(struct toll_tuple_row, two_of_three),
};
const struct toll_run_table toll_run_tuples = {
    "tuples.arrow",
    {"tuples/1", tuple_fields, COUNT(tuple_fields)},
    tuple_offsets,
    sizeof(struct toll_tuple_row),
};

static const struct toll_arrow_field component_fields[] = {
    {"tuple", TOLL_ARROW_INT32, 0},
    {"tax", TOLL_ARROW_UTF8, 0},
    {"tax_jurisdiction", TOLL_ARROW_UTF8, 0},
    {"level", TOLL_ARROW_UTF8, 0},
    {"category", TOLL_ARROW_UTF8, 0},
    {"name", TOLL_ARROW_UTF8, 0},
    {"kind", TOLL_ARROW_UTF8, 0},
    {"billable", TOLL_ARROW_INT32, 0},
    {"surcharge", TOLL_ARROW_INT32, 0},
    {"late", TOLL_ARROW_INT32, 0},
    {"rate", TOLL_ARROW_UTF8, 0},
    {"base", TOLL_ARROW_UTF8, 0},
    {"exempt", TOLL_ARROW_UTF8, 0},
    {"per_charge", TOLL_ARROW_UTF8, 0},
    {"per_minute", TOLL_ARROW_UTF8, 0},
    {"taxed", TOLL_ARROW_UTF8, 0},
    {"taxed_per_minute", TOLL_ARROW_UTF8, 0},
    {"certificate", TOLL_ARROW_UTF8, 0},
    {"source", TOLL_ARROW_UTF8, 0},
    {"as_of", TOLL_ARROW_UTF8, 0},
    {"line", TOLL_ARROW_INT32, 0},
};
static const uint16_t component_offsets[COUNT(component_fields)] = {
    offsetof(struct toll_component_row, tuple),
    offsetof(struct toll_component_row, tax),
    offsetof(struct toll_component_row, tax_jurisdiction),
    offsetof(struct toll_component_row, level),
    offsetof(struct toll_component_row, category),
    offsetof(struct toll_component_row, name),
    offsetof(struct toll_component_row, kind),
    offsetof(struct toll_component_row, billable),
    offsetof(struct toll_component_row, surcharge),
    offsetof(struct toll_component_row, late),
    offsetof(struct toll_component_row, rate),
    offsetof(struct toll_component_row, base),
    offsetof(struct toll_component_row, exempt),
    offsetof(struct toll_component_row, per_charge),
    offsetof(struct toll_component_row, per_minute),
    offsetof(struct toll_component_row, taxed),
    offsetof(struct toll_component_row, taxed_per_minute),
    offsetof(struct toll_component_row, certificate),
    offsetof(struct toll_component_row, source),
    offsetof(struct toll_component_row, as_of),
    offsetof(struct toll_component_row, line),
};
const struct toll_run_table toll_run_components = {
    "components.arrow",
    {"components/1", component_fields, COUNT(component_fields)},
    component_offsets,
    sizeof(struct toll_component_row),
};

/* The same with words for texts: of a month some 36 and 44 bytes a row. */
#define WORD TOLL_ARROW_DICTIONARY_INT32
#define FEW TOLL_ARROW_DICTIONARY_UINT16
static const struct toll_arrow_field packed_tuple_fields[] = {
    {"id", TOLL_ARROW_INT32, 0},
    {"book", TOLL_ARROW_INT32, 0},
    {"period", WORD, 0},
    {"from", WORD, 0},
    {"area", WORD, 0},
    {"resolved", WORD, 0},
    {"reason", WORD, 0},
    {"tax_services", WORD, 0},
    {"split_line", TOLL_ARROW_INT32, 0},
    {"service", WORD, 0},
    {"jurisdiction", WORD, 0},
    {"customer_class", WORD, 0},
    {"sale", WORD, 0},
    {"seller", WORD, 0},
    {"exemptions", WORD, 0},
    {"origin", WORD, 0},
    {"two_of_three", WORD, 0},
};
static const enum toll_arrow_type tuple_narrow[COUNT(packed_tuple_fields)] = {
    TOLL_ARROW_INT32,
    TOLL_ARROW_UINT16,
    FEW,
    FEW,
    FEW,
    FEW,
    FEW,
    FEW,
    TOLL_ARROW_UINT16,
    FEW,
    FEW,
    FEW,
    FEW,
    FEW,
    FEW,
    FEW,
    FEW,
};
static const struct toll_run_table packed_tuples = {
    "tuples.arrow",
    {"tuples/2", packed_tuple_fields, COUNT(packed_tuple_fields)},
    tuple_offsets,
    sizeof(struct toll_tuple_row),
};
const struct toll_run_packed toll_run_packed_tuples = {&packed_tuples, tuple_narrow, &toll_run_tuples, NULL,
                                                       0};

static const struct toll_arrow_field packed_component_fields[] = {
    {"tuple", TOLL_ARROW_INT32, 0},
    {"tax", WORD, 0},
    {"tax_jurisdiction", WORD, 0},
    {"level", WORD, 0},
    {"category", WORD, 0},
    {"name", WORD, 0},
    {"kind", WORD, 0},
    {"billable", TOLL_ARROW_INT32, 0},
    {"surcharge", TOLL_ARROW_INT32, 0},
    {"late", TOLL_ARROW_INT32, 0},
    {"rate", WORD, 0},
    {"base", WORD, 0},
    {"exempt", WORD, 0},
    {"per_charge", WORD, 0},
    {"per_minute", WORD, 0},
    {"taxed", WORD, 0},
    {"taxed_per_minute", WORD, 0},
    {"certificate", WORD, 0},
    {"source", WORD, 0},
    {"as_of", WORD, 0},
    {"line", TOLL_ARROW_INT32, 0},
};
static const enum toll_arrow_type component_narrow[COUNT(packed_component_fields)] = {
    TOLL_ARROW_INT32,
    FEW,
    FEW,
    FEW,
    FEW,
    FEW,
    FEW,
    TOLL_ARROW_UINT16,
    TOLL_ARROW_UINT16,
    TOLL_ARROW_UINT16,
    FEW,
    FEW,
    FEW,
    FEW,
    FEW,
    FEW,
    FEW,
    FEW,
    FEW,
    FEW,
    TOLL_ARROW_UINT16,
};
static const struct toll_run_table packed_components = {
    "components.arrow",
    {"components/2", packed_component_fields, COUNT(packed_component_fields)},
    component_offsets,
    sizeof(struct toll_component_row),
};
const struct toll_run_packed toll_run_packed_components = {&packed_components, component_narrow,
                                                           &toll_run_components, NULL, 0};
