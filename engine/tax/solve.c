/*
 * What each component is of a charge. Components stand on those of the taxes in their on_taxes; taken in an
 * order in which what is stood on comes first (Tarjan's strongly connected components), each is a sum: of the
 * charge, the minutes and the taxes of sources.
 */
#include "tax/solve.h"

#include <stdlib.h>
#include <string.h>

#define NOT_SEEN UINT32_MAX

const struct toll_rational toll_tax_zero = {.q_count = 1, .word = {1}};

const struct toll_tax_series *toll_tax_series_at(const struct toll_tax_solving *s, uint32_t place)
{
    return &s->tables->series[s->list->components[place].series];
}

const struct toll_tax *toll_tax_at(const struct toll_tax_solving *s, uint32_t place)
{
    return &s->tables->taxes[s->list->components[place].tax];
}

int toll_tax_no_memory(const struct toll_tax_solving *s)
{
    return toll_error_set(s->error, TOLL_ENOMEM, "out of memory while solving taxes");
}

int toll_tax_wide_at(const struct toll_tax_solving *s, uint32_t place)
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

int toll_tax_no_solution(const struct toll_tax_solving *s, uint32_t place)
{
    const struct toll_tax_series *series = toll_tax_series_at(s, place);

    return toll_error_set(s->error, TOLL_EDATA,
                          "taxes.csv:%u: tax \"%s\" stands on itself, with others or alone, and there is no"
                          " solution: together they take all of a charge, or one has brackets, a cap or a"
                          " threshold; take a tax out of on_taxes",
                          s->tables->brackets[series->bracket_first].line,
                          toll_tax_string(s->tables, toll_tax_at(s, place)->tax));
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

struct toll_tax_range toll_tax_on(const struct toll_tax_solving *s, uint32_t place, uint32_t i)
{
    const int32_t tax = s->tables->ids[toll_tax_series_at(s, place)->on_first + i];

    if (s->tables->taxes[tax].billable == 0)
        return (struct toll_tax_range){0, 0};
    return toll_tax_range_of(s->list, tax);
}

/* ---- one component ---- */

static void becomes_source(struct toll_tax_solving *s, uint32_t place)
{
    s->list->components[place].source = true;
    s->column_of[place] = TOLL_COLUMN_SOURCES + s->source_count;
    s->source_of[s->source_count++] = place;
}

/* Kinds other than rate stand on nothing. */
static int solve_amount(struct toll_tax_solving *s, uint32_t place)
{
    struct toll_tax_component *component = &s->list->components[place];
    struct toll_rational amount;

    if (component->bracketed)
        return 0;
    toll_tax_rate(s, place, &amount);
    if (!toll_tax_take_exempt(s, place, &amount))
        return toll_tax_wide_at(s, place);
    const struct toll_rational *kept = toll_rational_keep(&amount, s->arena);
    if (kept == NULL)
        return toll_tax_no_memory(s);
    if (toll_tax_at(s, place)->kind == TOLL_TAX_PER_MINUTE)
        component->per_minute = kept;
    else
        component->per_unit = kept;
    return 0;
}

static int solve_one(struct toll_tax_solving *s, uint32_t place)
{
    struct toll_tax_component *component = &s->list->components[place];

    component->late = component->bracketed || toll_tax_on_late(s, place);
    if (toll_tax_at(s, place)->kind != TOLL_TAX_RATE)
        return solve_amount(s, place);
    toll_tax_columns_clear(&s->row);
    if (!toll_tax_outside(s, &s->row, place, NULL))
        return toll_tax_wide_at(s, place);
    return toll_tax_finish(s, &s->row, place);
}

/* ---- order ---- */

static void enter(struct toll_tax_solving *s, uint32_t place)
{
    s->seen[place] = s->low[place] = s->clock++;
    s->stack[s->stack_count++] = place;
    s->path[s->path_count++] = place;
    s->next_on[place] = s->next_place[place] = 0;
}

static bool names_itself(const struct toll_tax_solving *s, uint32_t place)
{
    for (uint32_t i = 0; i < toll_tax_series_at(s, place)->on_count; i++) {
        const struct toll_tax_range range = toll_tax_on(s, place, i);
        if (place >= range.first && place < range.end)
            return true;
    }
    return false;
}

/* All that `place` stands on is known: it, and what it is in a cycle with, leaves the stack. */
static int leave(struct toll_tax_solving *s, uint32_t place)
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
                                                 : toll_tax_solve_cycle(s, s->order + first, count);
}

/* The next component that `place` stands on; NOT_SEEN past the last. */
static uint32_t next_of(struct toll_tax_solving *s, uint32_t place)
{
    while (s->next_on[place] < toll_tax_series_at(s, place)->on_count) {
        const struct toll_tax_range range = toll_tax_on(s, place, s->next_on[place]);
        if (s->next_place[place] < range.end - range.first)
            return range.first + s->next_place[place]++;
        s->next_on[place]++;
        s->next_place[place] = 0;
    }
    return NOT_SEEN;
}

static int walk(struct toll_tax_solving *s, uint32_t from)
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

static void prepare(struct toll_tax_solving *s)
{
    for (uint32_t i = 0; i < s->list->count; i++) {
        struct toll_tax_component *component = &s->list->components[i];
        const struct toll_tax_series *series = toll_tax_series_at(s, i);
        const int kind = toll_tax_at(s, i)->kind;

        component->per_charge = component->per_minute = component->per_unit = &toll_tax_zero;
        component->taxed_per_charge = component->taxed_per_minute = &toll_tax_zero;
        component->bracketed =
            series->bracket_count > 1 || series->threshold != 0 || series->cap != INT64_MAX;
        if (component->bracketed || (kind != TOLL_TAX_RATE && kind != TOLL_TAX_PER_MINUTE))
            becomes_source(s, i);
        s->seen[i] = NOT_SEEN;
    }
}

static bool alloc(struct toll_tax_solving *s)
{
    const size_t n = s->list->count, columns = n + TOLL_COLUMN_SOURCES;

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
    struct toll_tax_solving s = {.tables = tables, .arena = arena, .list = list, .error = error};
    int code = 0;

    if (!alloc(&s)) {
        code = toll_tax_no_memory(&s);
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
