/* The table of CDR columns: what part files call them and how they are stored. Row order is enum
 * toll_cdr_column. */
#ifndef TOLL_MMAP_CDR_COLUMNS_H
#define TOLL_MMAP_CDR_COLUMNS_H

#include "arrow/arrow.h"
#include "mmap_cdr/part.h"

#define TOLL_CDR_SCHEMA "cdr/1"
#define TOLL_CDR_TEXT_SCHEMA "cdr.text/1"
#define TOLL_CDR_TEXT_COLUMNS 3

struct toll_cdr_column_spec {
    struct toll_arrow_field field;
    bool always;      /* in every part */
    uint16_t pointer; /* offset of its pointer in struct toll_cdr_batch */
};

extern const struct toll_cdr_column_spec toll_cdr_columns[TOLL_CDR_COLUMNS];
extern const struct toll_arrow_schema toll_cdr_text_schema;

/* A batch's pointer for a column. */
const void *toll_cdr_batch_column(const struct toll_cdr_batch *batch, unsigned column);
void toll_cdr_batch_set_column(struct toll_cdr_batch *batch, unsigned column, const void *values);

#endif
