/* assignments.csv: which plan a subject has, and when. */
#include "ratetable/number_ranges.h"
#include "ratetable/owners.h"
#include "ratetable/sort.h"
#include "ratetable/subjects.h"

enum { SUBJECT, PLAN, SIDE, FROM, TO, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {[SUBJECT] = {"subject", true},
                                                          [PLAN] = {"plan", true},
                                                          [SIDE] = {"side", false},
                                                          [FROM] = {"from", false},
                                                          [TO] = {"to", false}};

static int read_row(struct toll_build *build, const struct toll_table *table,
                    struct toll_number_ranges *numbers)
{
    static const char *const sides[] = {"sell", "buy"};
    const struct toll_cell *cell, *plan;
    struct toll_assignment row = {.line = (uint32_t)toll_table_line(table)}, *place;
    struct toll_subject subject = {0};
    int side = 0, found = 0;

    if (toll_cell_name(table, SUBJECT, &cell))
        found = toll_subject_read(build, table, cell, TOLL_SUBJECT_NUMBER, &subject);
    if (found < 0)
        return found;
    bool good = found == 1;
    row.column = (uint32_t)cell->column;
    row.level = subject.level;
    row.subject = subject.id;
    if (good && subject.level == TOLL_LEVEL_NUMBER) {
        if (!toll_number_ranges_make(build, numbers))
            return toll_build_memory(build);
        good = toll_number_subject(table, cell, subject.name, numbers, &row.subject);
    }
    good = toll_cell_name(table, PLAN, &plan) &&
           toll_cell_reference(build, table, PLAN, "plan", "plans.csv", &build->plans, &row.plan) && good;
    good = toll_cell_choice(table, SIDE, sides, 2, 0, &side) && good;
    good = toll_cell_period(table, FROM, TO, false, &row.from, &row.until) && good;
    if (!good)
        return 0;
    row.plan_column = (uint32_t)plan->column;
    row.buy = side == 1;
    if (row.buy && row.level != TOLL_LEVEL_TRUNK && row.level != TOLL_LEVEL_CARRIER &&
        row.level != TOLL_LEVEL_DEFAULT) {
        toll_cell_finding(table, cell, TOLL_ERROR,
                          "\"%.60s\" is nobody who is bought from; side buy has default, trunk:NAME or "
                          "carrier:NAME",
                          cell->text);
        return 0;
    }
    if (subject.zone != NULL) {
        row.from = toll_local_to_utc(subject.zone, row.from);
        row.until = toll_local_to_utc(subject.zone, row.until);
    }
    place = TOLL_BUFFER_ADD(&build->assignments, struct toll_assignment);
    if (place == NULL)
        return toll_build_memory(build);
    *place = row;
    return 0;
}

static int compare_subjects(const struct toll_assignment *a, const struct toll_assignment *b)
{
    if (a->buy != b->buy)
        return a->buy ? 1 : -1;
    if (a->level != b->level)
        return a->level < b->level ? -1 : 1;
    return a->subject < b->subject ? -1 : a->subject > b->subject;
}

static int compare_times(const void *left, const void *right)
{
    const struct toll_assignment *a = left, *b = right;

    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

/* Side, level and subject as one key: in its order assignments are sorted. */
static uint64_t key_of(bool buy, int level, uint64_t subject)
{
    return (uint64_t)buy << 63 | (uint64_t)level << 60 | subject;
}

/* By (buy, level, subject, from, line), and the keys beside the rows: they are what is searched. Most
 * subjects have one row. */
static bool sort_assignments(struct toll_buffer *assignments, struct toll_buffer *keys)
{
    const size_t count = assignments->count;
    struct toll_assignment *rows = assignments->data, *sorted;
    struct toll_sort_pair *order = malloc((count + 1) * sizeof(*order));
    bool good = order != NULL;

    for (size_t i = 0; i < count && good; i++) {
        order[i] =
            (struct toll_sort_pair){key_of(rows[i].buy, rows[i].level, rows[i].subject), (uint32_t)i, 0};
    }
    good = good && toll_sort_pairs(order, count);
    sorted = good ? malloc((count + 1) * sizeof(*sorted)) : NULL;
    for (size_t i = 0; i < count && sorted != NULL; i++) {
        if (i + 16 < count)
            __builtin_prefetch(&rows[order[i + 16].index]);
        sorted[i] = rows[order[i].index];
    }
    for (size_t i = 0, end; i < count && sorted != NULL; i = end) {
        for (end = i + 1; end < count && order[end].key == order[i].key;)
            end++;
        if (end - i > 1)
            qsort(&sorted[i], end - i, sizeof(*sorted), compare_times);
    }
    keys->count = 0;
    uint64_t *const key = sorted != NULL ? toll_buffer_add(keys, sizeof(*key), count) : NULL;
    for (size_t i = 0; i < count && key != NULL; i++)
        key[i] = order[i].key;
    free(order);
    if (key == NULL) {
        free(sorted);
        return false;
    }
    free(rows);
    assignments->data = sorted;
    assignments->capacity = count + 1;
    return true;
}

static void check_overlaps(struct toll_build *build, const char *path)
{
    const struct toll_assignment *rows = build->assignments.data, *longest = rows;

    for (size_t i = 1; i < build->assignments.count; i++) {
        const bool same = compare_subjects(longest, &rows[i]) == 0;
        if (same && rows[i].from < longest->until) {
            const struct toll_assignment *later = rows[i].line > longest->line ? &rows[i] : longest;
            toll_finding(build->findings, TOLL_ERROR, path, later->line, later->column,
                         "subject: it has a plan in line %u too, and the dates overlap",
                         later == longest ? rows[i].line : longest->line);
        }
        if (!same || rows[i].until > longest->until)
            longest = &rows[i];
    }
}

/* A plan is what we sell by, or what we buy by: its rules are read differently. */
static int check_sides(struct toll_build *build, const char *path)
{
    struct toll_plan *plans = build->sections[TOLL_SECTION_PLANS].data;
    const size_t plan_count = build->sections[TOLL_SECTION_PLANS].count;
    uint32_t *sold = calloc(plan_count, sizeof(*sold)); /* the first line on the side sell */

    if (sold == NULL)
        return toll_build_memory(build);
    /* Side sell comes first in the order. */
    for (size_t i = 0; i < build->assignments.count; i++) {
        const struct toll_assignment *row = TOLL_BUFFER_AT(&build->assignments, struct toll_assignment, i);
        if (!row->buy && (sold[row->plan] == 0 || row->line < sold[row->plan]))
            sold[row->plan] = row->line;
        if (!row->buy)
            continue;
        plans[row->plan].buy = 1;
        if (sold[row->plan] > 0)
            toll_finding(build->findings, TOLL_ERROR, path, row->line, row->plan_column,
                         "plan: a plan is either sold or bought by, and line %u sells by this one; make a "
                         "plan of its own for the cost",
                         sold[row->plan]);
    }
    free(sold);
    return 0;
}

int toll_build_assignments(struct toll_build *build)
{
    struct toll_number_ranges numbers = {.made = false};
    struct toll_source *source = NULL;
    struct toll_table *table;
    int code;

    build->findings->masks_numbers = true;
    code = toll_build_table(build, "assignments.csv", columns, COLUMNS, &table);
    build->findings->masks_numbers = false;
    if (code != 0 || table == NULL)
        return code;
    code = toll_build_source(build, "assignments.csv", &source);
    build->findings->masks_numbers = true;
    while (code == 0 && toll_table_next(table) == 1)
        code = read_row(build, table, &numbers);
    build->findings->masks_numbers = false;
    toll_table_close(table);
    toll_number_ranges_free(&numbers);
    if (code == 0 && build->assignments.count > 0) {
        if (!sort_assignments(&build->assignments, &build->assignment_keys))
            return toll_build_memory(build);
        check_overlaps(build, source->path);
        code = check_sides(build, source->path);
    }
    return code;
}

const struct toll_assignment *toll_assignments_of(const struct toll_build *build,
                                                  enum toll_assignment_level level, uint64_t subject,
                                                  bool buy, size_t *count)
{
    const struct toll_assignment *rows = build->assignments.data;
    const uint64_t *keys = build->assignment_keys.data, wanted = key_of(buy, (int)level, subject);
    size_t low = 0, high = build->assignment_keys.count, end;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (keys[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < build->assignment_keys.count && keys[end] == wanted;)
        end++;
    *count = end - low;
    return end > low ? &rows[low] : NULL;
}
