/*
 * Taxes on taxes. Circles are found as the strongly connected parts of "names in on_taxes" (Tarjan 1972, with
 * a stack of its own); parts come out after all that they stand on, so that being late spreads in the same
 * order.
 */
#include "ratetable/tax_rows.h"

#include <stdlib.h>

struct frame {
    uint32_t tax, series, on; /* where its walk over what it names stands */
};

struct walk {
    struct toll_tax_rows *rows;
    const struct toll_tax *taxes;
    struct toll_tax_series *series;
    const int32_t *ids;
    uint32_t *number, *low, *part; /* by tax; part 0: not yet known */
    bool *late;
    uint32_t *stack;
    struct frame *frames;
    uint32_t numbers, parts, stacked;
};

static const struct toll_tax_row *row_of(const struct walk *walk, uint32_t series)
{
    const uint32_t *first = walk->rows->series.data, *members = walk->rows->members.data;

    return TOLL_BUFFER_AT(&walk->rows->rows, struct toll_tax_row, members[first[series + 1]]);
}

static const char *text(const struct walk *walk, uint32_t offset)
{
    return (const char *)walk->rows->build->sections[TOLL_SECTION_STRINGS].data + offset;
}

static void report(const struct walk *walk, uint32_t series, int cell, uint32_t on, uint32_t count)
{
    const struct toll_tax_row *row = row_of(walk, series);

    if (count > 0)
        toll_tax_row_finding(
            walk->rows, row, cell,
            "a cycle without a solution: this tax stands on \"%.60s\", and that again on this "
            "one; the rate times %u (that many taxes of the cycle it names) is 1 or more",
            text(walk, walk->taxes[on].tax), count);
    else
        toll_tax_row_finding(
            walk->rows, row, cell,
            "a cycle without a solution: this tax and \"%.60s\" stand on each other, and this "
            "row has brackets, a cap or a threshold; taxes of a cycle have one rate",
            text(walk, walk->taxes[on].tax));
}

/* A tax of a cycle; `on`: one that it stands on within it. */
static void check_tax(const struct walk *walk, uint32_t tax)
{
    const struct toll_tax_bracket *brackets = walk->rows->build->sections[TOLL_SECTION_TAX_BRACKETS].data;
    const uint32_t end = walk->taxes[tax].series_first + walk->taxes[tax].series_count;
    uint32_t inside = 0;

    for (uint32_t s = walk->taxes[tax].series_first; s < end; s++) {
        const struct toll_tax_series *series = &walk->series[s];
        uint32_t count = 0;
        for (uint32_t i = 0; i < series->on_count; i++) {
            const uint32_t on = (uint32_t)walk->ids[series->on_first + i];
            if (walk->part[on] == walk->part[tax]) {
                inside = on;
                count++;
            }
        }
        if (count > 0 && (toll_total)brackets[series->bracket_first].rate * count >= TOLL_TAX_ONE)
            report(walk, s, TOLL_TAX_CELL_RATE, inside, count);
    }
    for (uint32_t s = walk->taxes[tax].series_first; s < end && inside > 0; s++) {
        const struct toll_tax_series *series = &walk->series[s];
        if (series->bracket_count > 1 || series->threshold > 0 || series->cap != INT64_MAX)
            report(walk, s, -1, inside, 0);
    }
}

/* What is not billable is in no other tax's base. */
static bool spreads(const struct walk *walk, int32_t on)
{
    return walk->late[on] && walk->taxes[on].billable == 1;
}

/* The taxes of a part, that are on top of the stack from `first` on: all that they stand on is known. */
static void close_part(struct walk *walk, uint32_t first)
{
    bool late = false;

    for (uint32_t k = first; k < walk->stacked; k++) {
        const struct toll_tax *tax = &walk->taxes[walk->stack[k]];
        for (uint32_t s = tax->series_first; s < tax->series_first + tax->series_count; s++) {
            late = late || walk->series[s].late;
            for (uint32_t i = 0; i < walk->series[s].on_count; i++)
                late = late || spreads(walk, walk->ids[walk->series[s].on_first + i]);
        }
    }
    for (uint32_t k = first; k < walk->stacked; k++) {
        walk->late[walk->stack[k]] = late;
        check_tax(walk, walk->stack[k]);
    }
    walk->stacked = first;
}

static void enter(struct walk *walk, uint32_t tax, struct frame *frame)
{
    *frame = (struct frame){tax, walk->taxes[tax].series_first, 0};
    walk->number[tax] = walk->low[tax] = ++walk->numbers;
    walk->stack[walk->stacked++] = tax;
}

/* The next tax that a frame's tax names; 0 at the end. */
static uint32_t next_on(const struct walk *walk, struct frame *frame)
{
    const uint32_t end = walk->taxes[frame->tax].series_first + walk->taxes[frame->tax].series_count;

    for (; frame->series < end; frame->series++, frame->on = 0) {
        const struct toll_tax_series *series = &walk->series[frame->series];
        if (frame->on < series->on_count)
            return (uint32_t)walk->ids[series->on_first + frame->on++];
    }
    return 0;
}

static void leave(struct walk *walk, uint32_t tax)
{
    uint32_t first = walk->stacked;

    if (walk->low[tax] != walk->number[tax])
        return;
    walk->parts++;
    do
        walk->part[walk->stack[--first]] = walk->parts;
    while (walk->stack[first] != tax);
    close_part(walk, first);
}

static void walk_from(struct walk *walk, uint32_t start)
{
    uint32_t depth = 0;

    enter(walk, start, &walk->frames[depth++]);
    while (depth > 0) {
        struct frame *frame = &walk->frames[depth - 1];
        const uint32_t on = next_on(walk, frame), tax = frame->tax;
        if (on == 0) {
            leave(walk, tax);
            depth--;
            if (depth > 0 && walk->low[tax] < walk->low[walk->frames[depth - 1].tax])
                walk->low[walk->frames[depth - 1].tax] = walk->low[tax];
        } else if (walk->number[on] == 0) {
            enter(walk, on, &walk->frames[depth++]);
        } else if (walk->part[on] == 0 && walk->number[on] < walk->low[tax]) {
            walk->low[tax] = walk->number[on];
        }
    }
}

int toll_tax_check_cycles(struct toll_tax_rows *rows)
{
    struct toll_buffer *sections = rows->build->sections;
    const size_t count = sections[TOLL_SECTION_TAXES].count;
    struct walk walk = {.rows = rows,
                        .taxes = sections[TOLL_SECTION_TAXES].data,
                        .series = sections[TOLL_SECTION_TAX_SERIES].data,
                        .ids = sections[TOLL_SECTION_TAX_IDS].data,
                        .number = calloc(count, sizeof(uint32_t)),
                        .low = calloc(count, sizeof(uint32_t)),
                        .part = calloc(count, sizeof(uint32_t)),
                        .late = calloc(count, sizeof(bool)),
                        .stack = calloc(count, sizeof(uint32_t)),
                        .frames = calloc(count, sizeof(struct frame))};
    const bool good = walk.number != NULL && walk.low != NULL && walk.part != NULL && walk.late != NULL &&
                      walk.stack != NULL && walk.frames != NULL;

    for (uint32_t tax = 1; tax < count && good; tax++) {
        if (walk.number[tax] == 0)
            walk_from(&walk, tax);
    }
    for (size_t s = 0; s < sections[TOLL_SECTION_TAX_SERIES].count && good; s++) {
        struct toll_tax_series *series = &walk.series[s];
        for (uint32_t i = 0; i < series->on_count; i++)
            series->late = series->late || spreads(&walk, walk.ids[series->on_first + i]);
    }
    free(walk.number);
    free(walk.low);
    free(walk.part);
    free(walk.late);
    free(walk.stack);
    free(walk.frames);
    return good ? 0 : toll_build_memory(rows->build);
}
