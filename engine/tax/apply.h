/* Inside of toll_tax_components: which series apply (apply.c), then what each is of a charge (solve.c). */
#ifndef TOLL_TAX_APPLY_H
#define TOLL_TAX_APPLY_H

#include "tax/index.h"

/* Fills the list but for what solve.c works out: fractions other than `base`, terms, late, order. */
int toll_tax_apply(const struct toll_tax_index *index, const struct toll_tax_facts *facts,
                   struct toll_arena *arena, struct toll_tax_list *out, struct toll_error *error);
int toll_tax_solve(const struct toll_tax_tables *tables, struct toll_arena *arena, struct toll_tax_list *list,
                   struct toll_error *error);

extern const struct toll_rational toll_tax_zero;

/* The components of `tax`, which stand side by side. */
struct toll_tax_range {
    uint32_t first, end;
};
struct toll_tax_range toll_tax_range_of(const struct toll_tax_list *list, int32_t tax);

int toll_tax_too_wide(const struct toll_tax_tables *tables, int32_t tax, struct toll_error *error);

#endif
