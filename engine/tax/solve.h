/*
 * Inside of toll_tax_solve: the order in which components are known and what one is (solve.c), sums of
 * columns (solve_sums.c), cycles (solve_cycle.c).
 */
#ifndef TOLL_TAX_SOLVE_H
#define TOLL_TAX_SOLVE_H

#include "tax/apply.h"

enum {
    TOLL_COLUMN_CHARGE,
    TOLL_COLUMN_MINUTES,
    TOLL_COLUMN_SOURCES
}; /* columns of a sum: TOLL_COLUMN_SOURCES + i is the source i */

struct toll_tax_columns { /* a sum that is being made: the columns in use, and their coefficients */
    struct toll_rational *column;
    uint32_t *used;
    uint32_t count;
    bool *is_used;
};
struct toll_tax_solving {
    const struct toll_tax_tables *tables;
    struct toll_arena *arena;
    struct toll_tax_list *list;
    struct toll_error *error;
    uint32_t *seen, *low, *stack, *path, *next_on, *next_place; /* by component, or stacks of them */
    uint32_t *order;
    uint32_t clock, stack_count, path_count, order_count;
    uint32_t *column_of, *source_of; /* column of a source by place, and back */
    uint32_t source_count;
    struct toll_tax_columns row;
    void *memory;
};

/* Of the component at a place. */
const struct toll_tax_series *toll_tax_series_at(const struct toll_tax_solving *s, uint32_t place);
const struct toll_tax *toll_tax_at(const struct toll_tax_solving *s, uint32_t place);
/* The components that the i-th tax of on_taxes adds: none of what is not billed. */
struct toll_tax_range toll_tax_on(const struct toll_tax_solving *s, uint32_t place, uint32_t i);
bool toll_tax_on_late(const struct toll_tax_solving *s, uint32_t place);
/* Its rate or amount; and what of a value its exemption leaves (false: does not fit). */
void toll_tax_rate(const struct toll_tax_solving *s, uint32_t place, struct toll_rational *out);
bool toll_tax_take_exempt(const struct toll_tax_solving *s, uint32_t place, struct toll_rational *value);

/* Errors, set and returned. */
int toll_tax_no_memory(const struct toll_tax_solving *s);
int toll_tax_wide_at(const struct toll_tax_solving *s, uint32_t place);
int toll_tax_no_solution(const struct toll_tax_solving *s, uint32_t place);

void toll_tax_columns_clear(struct toll_tax_columns *row);
bool toll_tax_columns_add(struct toll_tax_columns *row, uint32_t c, const struct toll_rational *value);
/* Base of what is not in the cycle: place's own, and the taxes that it stands on but those of `cycle` (by
 * component, 0: not in it; NULL: there is none). False: does not fit. */
bool toll_tax_outside(const struct toll_tax_solving *s, struct toll_tax_columns *row, uint32_t place,
                      const uint32_t *cycle);
/* The row is the base of the component: what is taxed of it, and the tax. */
int toll_tax_finish(const struct toll_tax_solving *s, struct toll_tax_columns *row, uint32_t place);

/* The components of a cycle: all that they stand on besides is known. */
int toll_tax_solve_cycle(struct toll_tax_solving *s, const uint32_t *places, uint32_t count);

#endif
