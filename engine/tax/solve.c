/*
 * What each component is of a charge. Components stand on those of the taxes in their on_taxes; taken in an
 * order in which what is stood on comes first (Tarjan's strongly connected components), each is a sum: of the
 * charge, the minutes and the taxes of sources. Those of a cycle are solved together. Its unknowns are the
 * sums T of each of its taxes, as all that a tax adds to another's base is its sum:
 *
 *   T(t) = sum over its components c of t of  w(c) (outside(c) + sum of T(u) over the u in on_taxes of c)
 *
 * with w = rate x taxed. The matrix 1 - W has no positive element beside its diagonal; such a system has a
 * solution that repeated taxing comes to if and only if elimination without exchange of rows meets positive
 * pivots only.
 */
#include "tax/apply.h"

#include <stdlib.h>
#include <string.h>

const struct toll_rational toll_tax_zero = {.q_count = 1, .word = {1}};

#define NOT_SEEN UINT32_MAX
enum { CHARGE, MINUTES, SOURCES }; /* columns of a sum: SOURCES + i is the source i */

struct row { /* a sum that is being made: the columns in use, and their coefficients */
    struct toll_rational *column;
    uint32_t *used;
    uint32_t count;
    bool *is_used;
};
struct solving {
    const struct toll_tax_tables *tables;
    struct toll_arena *arena;
    struct toll_tax_list *list;
    struct toll_error *error;
    uint32_t *seen, *low, *stack, *path, *next_on, *next_place; /* by component, or stacks of them */
    uint32_t *order;
    uint32_t clock, stack_count, path_count, order_count;
    uint32_t *column_of, *source_of; /* column of a source by place, and back */
    uint32_t source_count;
    struct row row;
    void *memory;
};

static const struct toll_tax_series *series_of(const struct solving *s, uint32_t place)
{
    return &s->tables->series[s->list->components[place].series];
}

static const struct toll_tax *tax_of(const struct solving *s, uint32_t place)
{
    return &s->tables->taxes[s->list->components[place].tax];
}

static int out_of_memory(const struct solving *s)
{
    return toll_error_set(s->error, TOLL_ENOMEM, "out of memory while solving taxes");
}

static int too_wide(const struct solving *s, uint32_t place)
{
    return toll_tax_too_wide(s->tables, s->list->components[place].tax, s->error);
}

int toll_tax_too_wide(const struct toll_tax_tables *tables, int32_t tax, struct toll_error *error)
{
    return toll_error_set(
        error, TOLL_EDATA,
        "taxes.csv:%u: tax \"%s\" has an exact share of a charge that needs more than %d bits;"
        " give its rate, or those of the taxes that it stands on, fewer decimals",
        tables->taxes[tax].line, toll_tax_string(tables, tables->taxes[tax].tax), TOLL_WIDE_BITS);
}

static int no_solution(const struct solving *s, uint32_t place)
{
    const struct toll_tax_series *series = series_of(s, place);

    return toll_error_set(s->error, TOLL_EDATA,
                          "taxes.csv:%u: tax \"%s\" stands on itself, with others or alone, and there is no"
                          " solution: together they take all of a charge, or one has brackets, a cap or a"
                          " threshold; take a tax out of on_taxes",
                          s->tables->brackets[series->bracket_first].line,
                          toll_tax_string(s->tables, tax_of(s, place)->tax));
}

struct toll_tax_range toll_tax_range_of(const struct toll_tax_list *list, int32_t tax)
{
    uint32_t low = 0, high = list->count, end;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (list->components[middle].tax < tax)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < list->count && list->components[end].tax == tax;)
        end++;
    return (struct toll_tax_range){low, end};
}

/* The components that the i-th tax of on_taxes adds: none of what is not billed. */
static struct toll_tax_range on_of(const struct solving *s, uint32_t place, uint32_t i)
{
    const int32_t tax = s->tables->ids[series_of(s, place)->on_first + i];

    if (s->tables->taxes[tax].billable == 0)
        return (struct toll_tax_range){0, 0};
    return toll_tax_range_of(s->list, tax);
}

/* ---- sums ---- */

static struct toll_rational *column(struct row *row, uint32_t c)
{
    if (!row->is_used[c]) {
        row->is_used[c] = true;
        row->used[row->count++] = c;
        toll_rational_zero(&row->column[c]);
    }
    return &row->column[c];
}

static void row_clear(struct row *row)
{
    for (uint32_t i = 0; i < row->count; i++)
        row->is_used[row->used[i]] = false;
    row->count = 0;
}

static bool row_add(struct row *row, uint32_t c, const struct toll_rational *value)
{
    if (toll_rational_is_zero(value))
        return true;
    struct toll_rational *sum = column(row, c);
    return toll_rational_add(sum, sum, value);
}

/* Adds the tax of a component that is known by now. */
static bool row_add_tax(const struct solving *s, struct row *row, uint32_t place)
{
    const struct toll_tax_component *component = &s->list->components[place];

    if (component->source) {
        struct toll_rational one;
        toll_rational_of(&one, 1, 1);
        return row_add(row, s->column_of[place], &one);
    }
    bool fits = row_add(row, CHARGE, component->per_charge) && row_add(row, MINUTES, component->per_minute);
    for (uint32_t i = 0; fits && i < component->term_count; i++)
        fits = row_add(row, s->column_of[component->terms[i].source], component->terms[i].tax);
    return fits;
}

static bool stands_on_late(const struct solving *s, uint32_t place)
{
    for (uint32_t i = 0; i < series_of(s, place)->on_count; i++) {
        const struct toll_tax_range range = on_of(s, place, i);
        for (uint32_t j = range.first; j < range.end; j++) {
            if (s->list->components[j].late)
                return true;
        }
    }
    return false;
}

static void rate_of(const struct solving *s, uint32_t place, struct toll_rational *out)
{
    const bool rate = tax_of(s, place)->kind == TOLL_TAX_RATE;

    toll_rational_of(out, s->tables->brackets[series_of(s, place)->bracket_first].rate,
                     rate ? TOLL_TAX_ONE : TOLL_MONEY_UNIT);
}

static bool times_taxed(const struct solving *s, uint32_t place, struct toll_rational *value)
{
    const int32_t exempt = s->list->components[place].exempt;
    struct toll_rational taxed;

    if (exempt == 0)
        return true;
    toll_rational_of(&taxed, TOLL_TAX_PERCENT_ONE - exempt, TOLL_TAX_PERCENT_ONE);
    return toll_rational_multiply(value, value, &taxed);
}

/* Keeps value and, where it is a tax that is a sum, value x rate. */
static int keep(const struct solving *s, uint32_t place, const struct toll_rational *rate,
                const struct toll_rational *value, const struct toll_rational **taxed,
                const struct toll_rational **tax)
{
    struct toll_rational product;

    *tax = &toll_tax_zero;
    *taxed = toll_rational_is_zero(value) ? &toll_tax_zero : toll_rational_keep(value, s->arena);
    if (*taxed == NULL)
        return out_of_memory(s);
    if (s->list->components[place].bracketed || toll_rational_is_zero(value))
        return 0;
    if (!toll_rational_multiply(&product, rate, value))
        return too_wide(s, place);
    *tax = toll_rational_is_zero(&product) ? &toll_tax_zero : toll_rational_keep(&product, s->arena);
    return *tax == NULL ? out_of_memory(s) : 0;
}

static int by_source(const void *left, const void *right)
{
    const struct toll_tax_term *a = left, *b = right;

    return (a->source > b->source) - (a->source < b->source);
}

/* The row is the base of the component: what is taxed of it, and the tax. */
static int finish(const struct solving *s, struct row *row, uint32_t place)
{
    struct toll_tax_component *component = &s->list->components[place];
    struct toll_tax_term *terms = NULL;
    struct toll_rational rate;
    uint32_t term_count = 0;
    int code = 0;

    for (uint32_t i = 0; i < row->count; i++)
        term_count += row->used[i] >= SOURCES;
    if (term_count > 0) {
        terms = toll_arena_alloc(s->arena, term_count * sizeof *terms);
        if (terms == NULL)
            return out_of_memory(s);
        component->terms = terms;
    }
    rate_of(s, place, &rate);
    for (uint32_t i = 0; i < row->count && code == 0; i++) {
        const uint32_t c = row->used[i];
        struct toll_rational *value = &row->column[c];

        if (!times_taxed(s, place, value))
            return too_wide(s, place);
        if (c == CHARGE) {
            code = keep(s, place, &rate, value, &component->taxed_per_charge, &component->per_charge);
        } else if (c == MINUTES) {
            code = keep(s, place, &rate, value, &component->taxed_per_minute, &component->per_minute);
        } else {
            struct toll_tax_term *term = &terms[component->term_count++];
            term->source = s->source_of[c - SOURCES];
            code = keep(s, place, &rate, value, &term->taxed, &term->tax);
        }
    }
    if (component->term_count > 1)
        qsort(terms, component->term_count, sizeof *terms, by_source);
    return code;
}

/* ---- one component ---- */

static void becomes_source(struct solving *s, uint32_t place)
{
    s->list->components[place].source = true;
    s->column_of[place] = SOURCES + s->source_count;
    s->source_of[s->source_count++] = place;
}

/* Kinds other than rate stand on nothing. */
static int solve_amount(struct solving *s, uint32_t place)
{
    struct toll_tax_component *component = &s->list->components[place];
    struct toll_rational amount;

    if (component->bracketed)
        return 0;
    rate_of(s, place, &amount);
    if (!times_taxed(s, place, &amount))
        return too_wide(s, place);
    const struct toll_rational *kept = toll_rational_keep(&amount, s->arena);
    if (kept == NULL)
        return out_of_memory(s);
    if (tax_of(s, place)->kind == TOLL_TAX_PER_MINUTE)
        component->per_minute = kept;
    else
        component->per_unit = kept;
    return 0;
}

/* Base of what is not in the cycle: place's own, and the taxes that it stands on but those of `cycle` (by
 * component; 0: none, and no component is numbered so). */
static bool outside(const struct solving *s, struct row *row, uint32_t place, const uint32_t *cycle)
{
    const struct toll_tax_series *series = series_of(s, place);
    bool fits = row_add(row, CHARGE, s->list->components[place].base);

    for (uint32_t i = 0; fits && i < series->on_count; i++) {
        const struct toll_tax_range range = on_of(s, place, i);
        for (uint32_t j = range.first; fits && j < range.end; j++)
            fits = (cycle != NULL && cycle[j] != 0) || row_add_tax(s, row, j);
    }
    return fits;
}

static int solve_one(struct solving *s, uint32_t place)
{
    struct toll_tax_component *component = &s->list->components[place];

    component->late = component->bracketed || stands_on_late(s, place);
    if (tax_of(s, place)->kind != TOLL_TAX_RATE)
        return solve_amount(s, place);
    row_clear(&s->row);
    if (!outside(s, &s->row, place, NULL))
        return too_wide(s, place);
    return finish(s, &s->row, place);
}

/* ---- a cycle ---- */

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

static void number_taxes(const struct solving *s, struct cycle *cycle)
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
static bool cycle_add(const struct solving *s, struct cycle *cycle, struct row *row, uint32_t place)
{
    const struct toll_tax_series *series = series_of(s, place);
    const uint32_t t = cycle->unknown[place] - 1;
    struct toll_rational weight, product;

    row_clear(row);
    if (!outside(s, row, place, cycle->unknown))
        return false;
    rate_of(s, place, &weight);
    if (!times_taxed(s, place, &weight))
        return false;
    for (uint32_t i = 0; i < row->count; i++) {
        struct toll_rational *right = &cycle->right[(size_t)t * cycle->columns + row->used[i]];
        if (!toll_rational_multiply(&product, &weight, &row->column[row->used[i]]) ||
            !toll_rational_add(right, right, &product))
            return false;
    }
    for (uint32_t i = 0; i < series->on_count; i++) {
        const struct toll_tax_range range = on_of(s, place, i);
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
static bool inside(const struct solving *s, const struct cycle *cycle, struct row *row, uint32_t place)
{
    const struct toll_tax_series *series = series_of(s, place);

    row_clear(row);
    if (!outside(s, row, place, cycle->unknown))
        return false;
    for (uint32_t i = 0; i < series->on_count; i++) {
        const struct toll_tax_range range = on_of(s, place, i);
        uint32_t u = 0;
        for (uint32_t j = range.first; j < range.end && u == 0; j++)
            u = cycle->unknown[j];
        for (uint32_t c = 0; u != 0 && c < cycle->columns; c++) {
            if (!row_add(row, c, &cycle->right[(size_t)(u - 1) * cycle->columns + c]))
                return false;
        }
    }
    return true;
}

static int solve_system(struct solving *s, struct cycle *cycle)
{
    uint32_t failed = 0;

    number_taxes(s, cycle);
    if (!cycle_alloc_system(cycle))
        return out_of_memory(s);
    for (uint32_t i = 0; i < cycle->count; i++) {
        if (!cycle_add(s, cycle, &s->row, cycle->places[i]))
            return too_wide(s, cycle->places[i]);
    }
    const int failure = cycle_solve(cycle, &failed);
    if (failure != 0)
        return failure < 0 ? no_solution(s, cycle->place_of[failed]) : too_wide(s, cycle->place_of[failed]);
    for (uint32_t i = 0; i < cycle->count; i++) {
        if (!inside(s, cycle, &s->row, cycle->places[i]))
            return too_wide(s, cycle->places[i]);
        const int code = finish(s, &s->row, cycle->places[i]);
        if (code != 0)
            return code;
    }
    return 0;
}

static int solve_cycle(struct solving *s, const uint32_t *places, uint32_t count)
{
    struct cycle cycle = {.places = places, .count = count};
    bool late = false;
    int code;

    for (uint32_t i = 0; i < count; i++) {
        if (s->list->components[places[i]].source)
            return no_solution(s, places[i]);
        late = late || stands_on_late(s, places[i]);
    }
    for (uint32_t i = 0; i < count; i++)
        s->list->components[places[i]].late = late;
    code = cycle_alloc(&cycle, s->list->count, SOURCES + s->source_count) ? solve_system(s, &cycle)
                                                                          : out_of_memory(s);
    cycle_free(&cycle);
    return code;
}

/* ---- order ---- */

static void enter(struct solving *s, uint32_t place)
{
    s->seen[place] = s->low[place] = s->clock++;
    s->stack[s->stack_count++] = place;
    s->path[s->path_count++] = place;
    s->next_on[place] = s->next_place[place] = 0;
}

static bool names_itself(const struct solving *s, uint32_t place)
{
    for (uint32_t i = 0; i < series_of(s, place)->on_count; i++) {
        const struct toll_tax_range range = on_of(s, place, i);
        if (place >= range.first && place < range.end)
            return true;
    }
    return false;
}

/* All that `place` stands on is known: it, and what it is in a cycle with, leaves the stack. */
static int leave(struct solving *s, uint32_t place)
{
    const uint32_t first = s->order_count;
    uint32_t one;

    if (s->low[place] != s->seen[place])
        return 0;
    do {
        one = s->stack[--s->stack_count];
        s->low[one] = NOT_SEEN; /* off the stack */
        s->order[s->order_count++] = one;
    } while (one != place);
    const uint32_t count = s->order_count - first;
    return count == 1 && !names_itself(s, place) ? solve_one(s, place)
                                                 : solve_cycle(s, s->order + first, count);
}

/* The next component that `place` stands on; NOT_SEEN past the last. */
static uint32_t next_of(struct solving *s, uint32_t place)
{
    while (s->next_on[place] < series_of(s, place)->on_count) {
        const struct toll_tax_range range = on_of(s, place, s->next_on[place]);
        if (s->next_place[place] < range.end - range.first)
            return range.first + s->next_place[place]++;
        s->next_on[place]++;
        s->next_place[place] = 0;
    }
    return NOT_SEEN;
}

static int walk(struct solving *s, uint32_t from)
{
    enter(s, from);
    while (s->path_count > 0) {
        const uint32_t place = s->path[s->path_count - 1], on = next_of(s, place);

        if (on == NOT_SEEN) {
            const uint32_t low = s->low[place];
            const int code = leave(s, place);
            if (code != 0)
                return code;
            s->path_count--;
            if (s->path_count > 0 && low < s->low[s->path[s->path_count - 1]])
                s->low[s->path[s->path_count - 1]] = low;
        } else if (s->seen[on] == NOT_SEEN) {
            enter(s, on);
        } else if (s->low[on] != NOT_SEEN && s->seen[on] < s->low[place]) {
            s->low[place] = s->seen[on];
        }
    }
    return 0;
}

static void prepare(struct solving *s)
{
    for (uint32_t i = 0; i < s->list->count; i++) {
        struct toll_tax_component *component = &s->list->components[i];
        const struct toll_tax_series *series = series_of(s, i);
        const int kind = tax_of(s, i)->kind;

        component->per_charge = component->per_minute = component->per_unit = &toll_tax_zero;
        component->taxed_per_charge = component->taxed_per_minute = &toll_tax_zero;
        component->bracketed =
            series->bracket_count > 1 || series->threshold != 0 || series->cap != INT64_MAX;
        if (component->bracketed || (kind != TOLL_TAX_RATE && kind != TOLL_TAX_PER_MINUTE))
            becomes_source(s, i);
        s->seen[i] = NOT_SEEN;
    }
}

static bool alloc(struct solving *s)
{
    const size_t n = s->list->count, columns = n + SOURCES;

    s->order = toll_arena_alloc(s->arena, (n + 1) * sizeof *s->order);
    s->memory = malloc(columns * (sizeof *s->row.column + sizeof *s->row.used + 8 * sizeof *s->seen +
                                  sizeof *s->row.is_used));
    if (s->order == NULL || s->memory == NULL)
        return false;
    s->row.column = s->memory;
    uint32_t *words = (uint32_t *)(s->row.column + columns);
    uint32_t **arrays[] = {&s->seen,       &s->low,       &s->stack,     &s->path,    &s->next_on,
                           &s->next_place, &s->column_of, &s->source_of, &s->row.used};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        *arrays[i] = words + i * columns;
    s->row.is_used = (bool *)(words + 9 * columns);
    memset(s->row.is_used, 0, columns * sizeof *s->row.is_used);
    return true;
}

int toll_tax_solve(const struct toll_tax_tables *tables, struct toll_arena *arena, struct toll_tax_list *list,
                   struct toll_error *error)
{
    struct solving s = {.tables = tables, .arena = arena, .list = list, .error = error};
    int code = 0;

    if (!alloc(&s)) {
        code = out_of_memory(&s);
    } else {
        prepare(&s);
        for (uint32_t i = 0; i < list->count && code == 0; i++) {
            if (s.seen[i] == NOT_SEEN)
                code = walk(&s, i);
        }
        list->order = s.order;
    }
    free(s.memory);
    return code;
}
