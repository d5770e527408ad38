/* Inside of toll_tax_index (index.c): rows of tables by what they are looked up by. */
#ifndef TOLL_TAX_INDEX_H
#define TOLL_TAX_INDEX_H

#include "tax/components.h"

struct toll_tax_lists { /* list k: rows[first[k] .. first[k + 1]) */
    const uint32_t *first, *rows;
};
struct toll_tax_rows {
    const uint32_t *rows;
    uint32_t count;
};
struct toll_tax_index {
    const struct toll_tax_tables *tables;
    struct toll_tax_lists of_jurisdiction, of_level; /* series */
    struct toll_tax_lists of_product;                /* splits; 0: any product */
    struct toll_tax_lists of_account, of_site;       /* exemptions; those of an account are not by site */
    size_t accounts, sites;                          /* how many lists these have */
};
struct toll_tax_rows toll_tax_rows_of(const struct toll_tax_lists *lists, size_t key);

#endif
