/* assignments.csv: which plan a subject has, and when. */
#include "base/digits.h"
#include "ratetable/owners.h"
#include "ratetable/prefix_cell.h"
#include "ratetable/subjects.h"

enum { SUBJECT, PLAN, SIDE, FROM, TO, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {[SUBJECT] = {"subject", true},
                                                          [PLAN] = {"plan", true},
                                                          [SIDE] = {"side", false},
                                                          [FROM] = {"from", false},
                                                          [TO] = {"to", false}};

/* Has numbers.csv this number? Sorted rows are not there yet, so this builds its own order once. */
struct number_ranges {
    struct toll_buffer
        ranges; /* struct toll_prefix_range with `first` as TOLL_NUMBER_LENGTH values, disjoint */
};

static int compare_ranges(const void *left, const void *right)
{
    const struct toll_prefix_range *a = left, *b = right;

    return a->first < b->first ? -1 : a->first > b->first;
}

static bool ranges_make(struct toll_build *build, struct number_ranges *numbers)
{
    struct toll_prefix_range *ranges;
    size_t kept = 0;

    for (size_t i = 0; i < build->number_rows.count; i++) {
        const struct toll_number_row *row = TOLL_BUFFER_AT(&build->number_rows, struct toll_number_row, i);
        ranges = TOLL_BUFFER_ADD(&numbers->ranges, struct toll_prefix_range);
        if (ranges == NULL)
            return false;
        *ranges = (struct toll_prefix_range){row->first, row->count};
    }
    if (numbers->ranges.count == 0)
        return true;
    ranges = numbers->ranges.data;
    qsort(ranges, numbers->ranges.count, sizeof(*ranges), compare_ranges);
    for (size_t i = 1; i < numbers->ranges.count; i++) {
        struct toll_prefix_range *last = &ranges[kept];
        if (ranges[i].first > last->first + last->count)
            ranges[++kept] = ranges[i];
        else if (ranges[i].first + ranges[i].count > last->first + last->count)
            last->count = ranges[i].first + ranges[i].count - last->first;
    }
    numbers->ranges.count = kept + 1;
    return true;
}

static bool ranges_have(const struct number_ranges *numbers, uint64_t number)
{
    size_t low = 0, high = numbers->ranges.count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct toll_prefix_range *range =
            TOLL_BUFFER_AT(&numbers->ranges, struct toll_prefix_range, middle);
        if (number < range->first)
            high = middle;
        else if (number - range->first < range->count)
            return true;
        else
            low = middle + 1;
    }
    return false;
}

/* As toll_assignment.subject; false after a finding. */
static bool subject_number(const struct toll_table *table, const struct toll_cell *cell, const char *text,
                           const struct number_ranges *numbers, struct toll_assignment *row)
{
    uint64_t packed;
    char masked[TOLL_DIGITS_TEXT_BYTES];

    if (!toll_prefix_parse(text, strlen(text), 1, &packed)) {
        toll_cell_finding(table, cell, TOLL_ERROR, "\"%.60s\" is no number; write number:12125551234",
                          cell->text);
        return false;
    }
    row->subject = toll_digits_count(packed) * TOLL_NUMBER_LENGTH + toll_number_value(packed);
    if (ranges_have(numbers, row->subject))
        return true;
    toll_digits_masked(packed, masked);
    toll_cell_finding(table, cell, TOLL_ERROR, "the number %s is unknown: numbers.csv does not have it",
                      masked);
    return false;
}

static int read_row(struct toll_build *build, const struct toll_table *table,
                    const struct number_ranges *numbers)
{
    static const char *const sides[] = {"sell", "buy"};
    const struct toll_cell *cell, *plan;
    struct toll_assignment row = {.line = (uint32_t)toll_table_line(table)}, *place;
    struct toll_subject subject = {0};
    int side = 0, found = 0;

    if (toll_cell_name(table, SUBJECT, &cell))
        found = toll_subject_read(build, table, cell, true, &subject);
    if (found < 0)
        return found;
    bool good = found == 1;
    row.column = (uint32_t)cell->column;
    row.level = (int32_t)subject.level;
    row.subject = subject.id;
    if (good && subject.level == TOLL_LEVEL_NUMBER)
        good = subject_number(table, cell, subject.name, numbers, &row);
    good = toll_cell_name(table, PLAN, &plan) &&
           toll_cell_reference(build, table, PLAN, "plan", "plans.csv", &build->plans, &row.plan) && good;
    good = toll_cell_choice(table, SIDE, sides, 2, 0, &side) && good;
    good = toll_cell_period(table, FROM, TO, false, &row.from, &row.until) && good;
    if (!good)
        return 0;
    row.buy = side == 1;
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

static int compare_assignments(const void *left, const void *right)
{
    const struct toll_assignment *a = left, *b = right;
    const int subject = compare_subjects(a, b);

    if (subject != 0)
        return subject;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
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

int toll_build_assignments(struct toll_build *build)
{
    struct number_ranges numbers = {.ranges = {0}};
    struct toll_source *source = NULL;
    struct toll_table *table;
    int code;

    build->findings->masks_numbers = true;
    code = toll_build_table(build, "assignments.csv", columns, COLUMNS, &table);
    build->findings->masks_numbers = false;
    if (code != 0 || table == NULL)
        return code;
    code = toll_build_source(build, "assignments.csv", &source);
    if (code == 0 && !ranges_make(build, &numbers))
        code = toll_build_memory(build);
    build->findings->masks_numbers = true;
    while (code == 0 && toll_table_next(table) == 1)
        code = read_row(build, table, &numbers);
    build->findings->masks_numbers = false;
    toll_table_close(table);
    toll_buffer_free(&numbers.ranges);
    if (code == 0 && build->assignments.count > 0) {
        qsort(build->assignments.data, build->assignments.count, sizeof(struct toll_assignment),
              compare_assignments);
        check_overlaps(build, source->path);
    }
    return code;
}

const struct toll_assignment *toll_assignments_of(const struct toll_build *build,
                                                  enum toll_assignment_level level, uint64_t subject,
                                                  size_t *count)
{
    const struct toll_assignment *rows = build->assignments.data;
    const struct toll_assignment wanted = {.level = level, .subject = subject};
    size_t low = 0, high = build->assignments.count, end;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare_subjects(&rows[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < build->assignments.count && compare_subjects(&rows[end], &wanted) == 0;)
        end++;
    *count = end - low;
    return end > low ? &rows[low] : NULL;
}
