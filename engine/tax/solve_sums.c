/*
 * Sums of charge, minutes and the taxes of sources: how a base is added up, and what tax and taxed part of it
 * are kept of a component.
 */
#include "tax/solve.h"

#include <stdlib.h>

static struct toll_rational *column(struct toll_tax_columns *row, uint32_t c)
{
    if (!row->is_used[c]) {
        row->is_used[c] = true;
        row->used[row->count++] = c;
        toll_rational_zero(&row->column[c]);
    }
    return &row->column[c];
}

void toll_tax_columns_clear(struct toll_tax_columns *row)
{
    for (uint32_t i = 0; i < row->count; i++)
        row->is_used[row->used[i]] = false;
    row->count = 0;
}

bool toll_tax_columns_add(struct toll_tax_columns *row, uint32_t c, const struct toll_rational *value)
{
    if (toll_rational_is_zero(value))
        return true;
    struct toll_rational *sum = column(row, c);
    return toll_rational_add(sum, sum, value);
}

/* Adds the tax of a component that is known by now. */
static bool add_tax(const struct toll_tax_solving *s, struct toll_tax_columns *row, uint32_t place)
{
    const struct toll_tax_component *component = &s->list->components[place];

    if (component->source) {
        struct toll_rational one;
        toll_rational_of(&one, 1, 1);
        return toll_tax_columns_add(row, s->column_of[place], &one);
    }
    bool fits = toll_tax_columns_add(row, TOLL_COLUMN_CHARGE, component->per_charge) &&
                toll_tax_columns_add(row, TOLL_COLUMN_MINUTES, component->per_minute);
    for (uint32_t i = 0; fits && i < component->term_count; i++)
        fits = toll_tax_columns_add(row, s->column_of[component->terms[i].source], component->terms[i].tax);
    return fits;
}

bool toll_tax_on_late(const struct toll_tax_solving *s, uint32_t place)
{
    for (uint32_t i = 0; i < toll_tax_series_at(s, place)->on_count; i++) {
        const struct toll_tax_range range = toll_tax_on(s, place, i);
        for (uint32_t j = range.first; j < range.end; j++) {
            if (s->list->components[j].late)
                return true;
        }
    }
    return false;
}

void toll_tax_rate(const struct toll_tax_solving *s, uint32_t place, struct toll_rational *out)
{
    const bool rate = toll_tax_at(s, place)->kind == TOLL_TAX_RATE;

    toll_rational_of(out, s->tables->brackets[toll_tax_series_at(s, place)->bracket_first].rate,
                     rate ? TOLL_TAX_ONE : TOLL_MONEY_UNIT);
}

bool toll_tax_take_exempt(const struct toll_tax_solving *s, uint32_t place, struct toll_rational *value)
{
    const int32_t exempt = s->list->components[place].exempt;
    struct toll_rational taxed;

    if (exempt == 0)
        return true;
    toll_rational_of(&taxed, TOLL_TAX_PERCENT_ONE - exempt, TOLL_TAX_PERCENT_ONE);
    return toll_rational_multiply(value, value, &taxed);
}

/* Keeps value and, where it is a tax that is a sum, value x rate. */
static int keep(const struct toll_tax_solving *s, uint32_t place, const struct toll_rational *rate,
                const struct toll_rational *value, const struct toll_rational **taxed,
                const struct toll_rational **tax)
{
    struct toll_rational product;

    *tax = &toll_tax_zero;
    *taxed = toll_rational_is_zero(value) ? &toll_tax_zero : toll_rational_keep(value, s->arena);
    if (*taxed == NULL)
        return toll_tax_no_memory(s);
    if (s->list->components[place].bracketed || toll_rational_is_zero(value))
        return 0;
    if (!toll_rational_multiply(&product, rate, value))
        return toll_tax_wide_at(s, place);
    *tax = toll_rational_is_zero(&product) ? &toll_tax_zero : toll_rational_keep(&product, s->arena);
    return *tax == NULL ? toll_tax_no_memory(s) : 0;
}

static int by_source(const void *left, const void *right)
{
    const struct toll_tax_term *a = left, *b = right;

    return (a->source > b->source) - (a->source < b->source);
}

int toll_tax_finish(const struct toll_tax_solving *s, struct toll_tax_columns *row, uint32_t place)
{
    struct toll_tax_component *component = &s->list->components[place];
    struct toll_tax_term *terms = NULL;
    struct toll_rational rate;
    uint32_t term_count = 0;
    int code = 0;

    for (uint32_t i = 0; i < row->count; i++)
        term_count += row->used[i] >= TOLL_COLUMN_SOURCES;
    if (term_count > 0) {
        terms = toll_arena_alloc(s->arena, term_count * sizeof *terms);
        if (terms == NULL)
            return toll_tax_no_memory(s);
        component->terms = terms;
    }
    toll_tax_rate(s, place, &rate);
    for (uint32_t i = 0; i < row->count && code == 0; i++) {
        const uint32_t c = row->used[i];
        struct toll_rational *value = &row->column[c];

        if (!toll_tax_take_exempt(s, place, value))
            return toll_tax_wide_at(s, place);
        if (c == TOLL_COLUMN_CHARGE) {
            code = keep(s, place, &rate, value, &component->taxed_per_charge, &component->per_charge);
        } else if (c == TOLL_COLUMN_MINUTES) {
            code = keep(s, place, &rate, value, &component->taxed_per_minute, &component->per_minute);
        } else {
            struct toll_tax_term *term = &terms[component->term_count++];
            term->source = s->source_of[c - TOLL_COLUMN_SOURCES];
            code = keep(s, place, &rate, value, &term->taxed, &term->tax);
        }
    }
    if (component->term_count > 1)
        qsort(terms, component->term_count, sizeof *terms, by_source);
    return code;
}

bool toll_tax_outside(const struct toll_tax_solving *s, struct toll_tax_columns *row, uint32_t place,
                      const uint32_t *cycle)
{
    const struct toll_tax_series *series = toll_tax_series_at(s, place);
    bool fits = toll_tax_columns_add(row, TOLL_COLUMN_CHARGE, s->list->components[place].base);

    for (uint32_t i = 0; fits && i < series->on_count; i++) {
        const struct toll_tax_range range = toll_tax_on(s, place, i);
        for (uint32_t j = range.first; fits && j < range.end; j++)
            fits = (cycle != NULL && cycle[j] != 0) || add_tax(s, row, j);
    }
    return fits;
}
