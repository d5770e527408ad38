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

struct toll_component_rows {
    const struct toll_tax_index *index;
    const struct toll_tax_tables *tables;
    struct toll_component_row *rows; /* ascending by tuple as they were added */
    int64_t count, room;
    struct toll_arena arena;     /* of the rows' texts */
    struct toll_arena fractions; /* of the last tuples */
    struct toll_strings numbers; /* texts of fractions, each once */
    const char **rates, **as_of; /* by series; NULL: not needed yet */
};
/* index and tables are borrowed. */
int toll_component_rows_init(struct toll_component_rows *rows, const struct toll_tax_index *index,
                             const struct toll_tax_tables *tables, struct toll_error *error);
/* Room for so many, in large pages; before the first. False: out of memory. */
bool toll_component_rows_reserve(struct toll_component_rows *rows, int64_t room);
void toll_component_rows_free(struct toll_component_rows *rows); /* safe on a zeroed struct */
/* The components of a tuple, with its id in the run. *reason: TOLL_TAX_TAXED, or TOLL_TAX_NO_SELLER, and then
 * there are none. */
int toll_component_rows_add(struct toll_component_rows *rows, int32_t tuple,
                            const struct toll_tax_facts *facts, enum toll_tax_reason *reason,
                            struct toll_error *error);
/* The series' first row in taxes.csv: its brackets are in order of what they are for. */
const struct toll_tax_bracket *toll_component_first_row(const struct toll_tax_tables *tables,
                                                        uint32_t series);
/* A scaled whole number without trailing zeros; room for TOLL_TOTAL_TEXT_BYTES. Returns text. */
const char *toll_component_number(int64_t scaled, int decimals, char *text);

#endif
