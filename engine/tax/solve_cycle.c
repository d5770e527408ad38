/*
 * Taxes that stand on each other, solved together. The unknowns are the sums T of each of the cycle's taxes,
 * as all that a tax adds to another's base is its sum:
 *
 *   T(t) = sum over its components c of t of  w(c) (outside(c) + sum of T(u) over the u in on_taxes of c)
 *
 * with w = rate x taxed. The matrix 1 - W has no positive element beside its diagonal; such a system has a
 * solution that repeated taxing comes to if and only if elimination without exchange of rows meets positive
 * pivots only.
 */
#include "tax/solve.h"

#include <stdlib.h>

struct cycle {
    const uint32_t *places;
    uint32_t count;
    uint32_t *unknown; /* by component: 1 + the number of its tax in the cycle; 0: not in it */
    uint32_t taxes;
    uint32_t *place_of; /* of each tax: its first component */
    uint32_t columns;
    struct toll_rational *matrix; /* [taxes][taxes] */
    struct toll_rational *right;  /* [taxes][columns] */
};

static bool cycle_alloc(struct cycle *cycle, uint32_t components, uint32_t columns)
{
    cycle->columns = columns;
    cycle->unknown = calloc(components, sizeof *cycle->unknown);
    cycle->place_of = calloc(cycle->count, sizeof *cycle->place_of);
    return cycle->unknown != NULL && cycle->place_of != NULL;
}

static bool cycle_alloc_system(struct cycle *cycle)
{
    const size_t n = cycle->taxes;

    cycle->matrix = calloc(n * n, sizeof *cycle->matrix);
    cycle->right = calloc(n * cycle->columns, sizeof *cycle->right);
    if (cycle->matrix == NULL || cycle->right == NULL)
        return false;
    for (size_t i = 0; i < n * n; i++)
        toll_rational_of(&cycle->matrix[i], i / n == i % n, 1);
    for (size_t i = 0; i < n * cycle->columns; i++)
        toll_rational_zero(&cycle->right[i]);
    return true;
}

static void cycle_free(struct cycle *cycle)
{
    free(cycle->unknown);
    free(cycle->place_of);
    free(cycle->matrix);
    free(cycle->right);
}

static void number_taxes(const struct toll_tax_solving *s, struct cycle *cycle)
{
    const struct toll_tax_component *components = s->list->components;

    for (uint32_t i = 0; i < cycle->count; i++) {
        const uint32_t place = cycle->places[i];
        uint32_t t = 0;
        while (t < cycle->taxes && components[cycle->place_of[t]].tax != components[place].tax)
            t++;
        if (t == cycle->taxes)
            cycle->place_of[cycle->taxes++] = place;
        else if (place < cycle->place_of[t])
            cycle->place_of[t] = place;
        cycle->unknown[place] = t + 1;
    }
}

/* What the component adds to the equation of its tax. */
static bool cycle_add(const struct toll_tax_solving *s, struct cycle *cycle, struct toll_tax_columns *row,
                      uint32_t place)
{
    const struct toll_tax_series *series = toll_tax_series_at(s, place);
    const uint32_t t = cycle->unknown[place] - 1;
    struct toll_rational weight, product;

    toll_tax_columns_clear(row);
    if (!toll_tax_outside(s, row, place, cycle->unknown))
        return false;
    toll_tax_rate(s, place, &weight);
    if (!toll_tax_take_exempt(s, place, &weight))
        return false;
    for (uint32_t i = 0; i < row->count; i++) {
        struct toll_rational *right = &cycle->right[(size_t)t * cycle->columns + row->used[i]];
        if (!toll_rational_multiply(&product, &weight, &row->column[row->used[i]]) ||
            !toll_rational_add(right, right, &product))
            return false;
    }
    for (uint32_t i = 0; i < series->on_count; i++) {
        const struct toll_tax_range range = toll_tax_on(s, place, i);
        uint32_t u = 0;
        for (uint32_t j = range.first; j < range.end && u == 0; j++)
            u = cycle->unknown[j];
        if (u != 0) {
            struct toll_rational *element = &cycle->matrix[(size_t)t * cycle->taxes + u - 1];
            if (!toll_rational_subtract(element, element, &weight))
                return false;
        }
    }
    return true;
}

/* row -= factor x pivot row, from column `first` on */
static bool eliminate(struct toll_rational *row, const struct toll_rational *pivot,
                      const struct toll_rational *factor, uint32_t first, uint32_t count)
{
    struct toll_rational product;

    for (uint32_t c = first; c < count; c++) {
        if (!toll_rational_is_zero(&pivot[c]) && (!toll_rational_multiply(&product, factor, &pivot[c]) ||
                                                  !toll_rational_subtract(&row[c], &row[c], &product)))
            return false;
    }
    return true;
}

/* Gauss and Jordan: `right` becomes the solution. 1: a number does not fit, -1: none that makes sense. */
static int cycle_solve(struct cycle *cycle, uint32_t *failed)
{
    const uint32_t n = cycle->taxes, columns = cycle->columns;

    for (uint32_t t = 0; t < n; t++) {
        struct toll_rational *row = &cycle->matrix[(size_t)t * n],
                             *right = &cycle->right[(size_t)t * columns];
        struct toll_rational pivot;

        *failed = t;
        toll_rational_copy(&pivot, &row[t]);
        if (toll_rational_is_zero(&pivot) || pivot.negative)
            return -1;
        for (uint32_t c = t; c < n; c++) {
            if (!toll_rational_divide(&row[c], &row[c], &pivot))
                return 1;
        }
        for (uint32_t c = 0; c < columns; c++) {
            if (!toll_rational_divide(&right[c], &right[c], &pivot))
                return 1;
        }
        for (uint32_t other = 0; other < n; other++) {
            struct toll_rational factor;
            toll_rational_copy(&factor, &cycle->matrix[(size_t)other * n + t]);
            if (other != t && !toll_rational_is_zero(&factor) &&
                (!eliminate(&cycle->matrix[(size_t)other * n], row, &factor, t, n) ||
                 !eliminate(&cycle->right[(size_t)other * columns], right, &factor, 0, columns)))
                return 1;
        }
    }
    return 0;
}

/* Base of a component of a solved cycle: what is outside, and the sums of the taxes that it names. */
static bool inside(const struct toll_tax_solving *s, const struct cycle *cycle, struct toll_tax_columns *row,
                   uint32_t place)
{
    const struct toll_tax_series *series = toll_tax_series_at(s, place);

    toll_tax_columns_clear(row);
    if (!toll_tax_outside(s, row, place, cycle->unknown))
        return false;
    for (uint32_t i = 0; i < series->on_count; i++) {
        const struct toll_tax_range range = toll_tax_on(s, place, i);
        uint32_t u = 0;
        for (uint32_t j = range.first; j < range.end && u == 0; j++)
            u = cycle->unknown[j];
        for (uint32_t c = 0; u != 0 && c < cycle->columns; c++) {
            if (!toll_tax_columns_add(row, c, &cycle->right[(size_t)(u - 1) * cycle->columns + c]))
                return false;
        }
    }
    return true;
}

static int solve_system(struct toll_tax_solving *s, struct cycle *cycle)
{
    uint32_t failed = 0;

    number_taxes(s, cycle);
    if (!cycle_alloc_system(cycle))
        return toll_tax_no_memory(s);
    for (uint32_t i = 0; i < cycle->count; i++) {
        if (!cycle_add(s, cycle, &s->row, cycle->places[i]))
            return toll_tax_wide_at(s, cycle->places[i]);
    }
    const int failure = cycle_solve(cycle, &failed);
    if (failure != 0)
        return failure < 0 ? toll_tax_no_solution(s, cycle->place_of[failed])
                           : toll_tax_wide_at(s, cycle->place_of[failed]);
    for (uint32_t i = 0; i < cycle->count; i++) {
        if (!inside(s, cycle, &s->row, cycle->places[i]))
            return toll_tax_wide_at(s, cycle->places[i]);
        const int code = toll_tax_finish(s, &s->row, cycle->places[i]);
        if (code != 0)
            return code;
    }
    return 0;
}

int toll_tax_solve_cycle(struct toll_tax_solving *s, const uint32_t *places, uint32_t count)
{
    struct cycle cycle = {.places = places, .count = count};
    bool late = false;
    int code;

    for (uint32_t i = 0; i < count; i++) {
        if (s->list->components[places[i]].source)
            return toll_tax_no_solution(s, places[i]);
        late = late || toll_tax_on_late(s, places[i]);
    }
    for (uint32_t i = 0; i < count; i++)
        s->list->components[places[i]].late = late;
    code = cycle_alloc(&cycle, s->list->count, TOLL_COLUMN_SOURCES + s->source_count)
               ? solve_system(s, &cycle)
               : toll_tax_no_memory(s);
    cycle_free(&cycle);
    return code;
}
