/* components.arrow: what each tuple that lines have is taxed with, worked out once and written in words. */
#ifndef TOLL_PIPELINE_COMPONENT_ROWS_H
#define TOLL_PIPELINE_COMPONENT_ROWS_H

#include "base/strings.h"
#include "pipeline/tuples.h"
#include "segment/run.h"

/* A tuple's facts as toll_tax_components takes them. `facts` and `book` are borrowed. Only where the reason
 * is TOLL_TAX_TAXED. */
enum toll_tax_reason toll_tuple_reason(const struct toll_tuple_facts *facts);
void toll_tuple_tax_facts(const struct toll_book *book, const struct toll_tuple_facts *facts,
                          struct toll_tax_facts *out);

struct toll_component_range { /* of rows */
    uint32_t first, count;
};
struct toll_component_ref {
    int32_t tuple;
    uint32_t row;
};
struct toll_component_rows {
    const struct toll_tax_index *index;
    const struct toll_tax_tables *tables;
    struct toll_component_ref *refs; /* in the order in which tuples were added */
    int64_t count, room;
    struct toll_component_row *rows; /* each once, of the first tuple that has it */
    uint32_t row_count, row_room;
    struct toll_arena arena;     /* of the rows' texts */
    struct toll_arena fractions; /* of the last tuples */
    struct toll_strings numbers; /* texts of fractions, each once */
    /* Few tuples have components that no tuple before them had: by id of what applies to them. */
    struct toll_strings applied;
    struct toll_component_range *ranges;
    size_t range_room;
    char *key;
    size_t key_room;
    const char **rates, **as_of; /* by series; NULL: not needed yet */
};
/* index and tables are borrowed. */
int toll_component_rows_init(struct toll_component_rows *rows, const struct toll_tax_index *index,
                             const struct toll_tax_tables *tables, struct toll_error *error);
void toll_component_rows_free(struct toll_component_rows *rows); /* safe on a zeroed struct */
/* The components of a tuple, with its id in the run. *reason: TOLL_TAX_TAXED, or TOLL_TAX_NO_SELLER, and then
 * there are none. */
int toll_component_rows_add(struct toll_component_rows *rows, int32_t tuple,
                            const struct toll_tax_facts *facts, enum toll_tax_reason *reason,
                            struct toll_error *error);
/* So many of all, from the first-th on. */
void toll_component_rows_copy(const struct toll_component_rows *rows, int64_t first, int64_t count,
                              struct toll_component_row *out);
/* The series' first row in taxes.csv: its brackets are in order of what they are for. */
const struct toll_tax_bracket *toll_component_first_row(const struct toll_tax_tables *tables,
                                                        uint32_t series);
/* A scaled whole number without trailing zeros; room for TOLL_TOTAL_TEXT_BYTES. Returns text. */
const char *toll_component_number(int64_t scaled, int decimals, char *text);

#endif
