/* subscriptions.csv: who has which bundle, how many times, and when. */
#include "ratetable/subscriptions.h"

#include "ratetable/number_ranges.h"

enum { SUBJECT, BUNDLE, POOL, TIMES, FROM, TO, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {
    [SUBJECT] = {"subject", true}, [BUNDLE] = {"bundle", true}, [POOL] = {"pool", false},
    [TIMES] = {"times", false},    [FROM] = {"from", false},    [TO] = {"to", false}};

#define TIMES_MAX 1000000

/* 1 and the row's level and subject, 0 after a finding, negative: the run ends. */
static int read_subject(struct toll_build *build, const struct toll_table *table,
                        const struct toll_number_ranges *numbers, struct toll_subject *subject,
                        struct toll_subscription *row)
{
    const struct toll_cell *cell;
    int found;

    if (!toll_cell_name(table, SUBJECT, &cell))
        return 0;
    row->column = (uint32_t)cell->column;
    found = toll_subject_read(build, table, cell, TOLL_SUBJECT_NUMBER | TOLL_SUBJECT_PLAN, subject);
    if (found != 1)
        return found;
    row->level = subject->level;
    row->subject = subject->id;
    return subject->level != TOLL_LEVEL_NUMBER ||
           toll_number_subject(table, cell, subject->name, numbers, &row->subject);
}

/* False after a finding; row->bundle stays 0 where the bundle's own row was refused. */
static bool read_bundle(struct toll_build *build, const struct toll_table *table,
                        struct toll_subscription *row)
{
    const struct toll_cell *cell;
    int32_t name = 0;

    if (!toll_cell_name(table, BUNDLE, &cell) ||
        !toll_cell_reference(build, table, BUNDLE, "bundle", "bundles.csv", &build->bundles, &name))
        return false;
    row->bundle = *TOLL_BUFFER_AT(&build->bundle_ids, uint32_t, name);
    return true;
}

/* 1 good, 0 after a finding, negative without memory. */
static int read_pool(struct toll_build *build, const struct toll_table *table,
                     const struct toll_bundle *bundle, struct toll_subscription *row)
{
    const struct toll_cell *cell = toll_table_cell(table, POOL);

    if (bundle->scope == TOLL_SCOPE_POOL && cell->bytes == 0) {
        toll_cell_finding(table, cell, TOLL_ERROR, "a bundle of scope pool needs the name of a pool");
        return 0;
    }
    if (bundle->scope != TOLL_SCOPE_POOL && cell->bytes > 0) {
        toll_cell_finding(table, cell, TOLL_ERROR,
                          "\"%.60s\": only a bundle of scope pool has a named one; leave the cell empty",
                          cell->text);
        return 0;
    }
    if (bundle->scope != TOLL_SCOPE_POOL && toll_subscription_costs(row)) {
        toll_cell_finding(table, toll_table_cell(table, SUBJECT), TOLL_ERROR,
                          "a carrier or a trunk can only have a bundle of scope pool");
        return 0;
    }
    if (cell->bytes == 0)
        return 1;
    row->pool = toll_strings_add(&build->pool_names.strings, cell->text, cell->bytes);
    return row->pool > 0 ? 1 : toll_build_memory(build);
}

/* 1 good, 0 after a finding, negative without memory. */
static int read_times(struct toll_build *build, const struct toll_table *table,
                      const struct toll_bundle *bundle, struct toll_subscription *row)
{
    static const char count[] = "count:";
    const struct toll_cell *cell = toll_table_cell(table, TIMES);
    const size_t skip = sizeof(count) - 1;
    int64_t times;

    row->units = bundle->quantity;
    if (strncmp(cell->text, count, skip) == 0 && cell->text[skip] != 0) {
        if (toll_subscription_costs(row) ||
            (bundle->scope == TOLL_SCOPE_POOL &&
             (row->level == TOLL_LEVEL_PLAN || row->level == TOLL_LEVEL_DEFAULT))) {
            toll_cell_finding(
                table, cell, TOLL_ERROR,
                "\"%.60s\": a named pool counts the services of a number, a site or an account; "
                "name one as subject",
                cell->text);
            return 0;
        }
        row->type = toll_strings_add(&build->service_types.strings, cell->text + skip, cell->bytes - skip);
        return row->type > 0 ? 1 : toll_build_memory(build);
    }
    if (!toll_cell_int(table, TIMES, 1, TIMES_MAX, 1, &times))
        return 0;
    if (bundle->quantity > TOLL_UNITS_MAX / times) {
        toll_cell_finding(table, cell, TOLL_ERROR,
                          "\"%.40s\": so many times the bundle's quantity is more than 10^15", cell->text);
        return 0;
    }
    row->units = bundle->quantity * times;
    return 1;
}

static int read_row(struct toll_build *build, const struct toll_table *table, uint32_t file,
                    const struct toll_number_ranges *numbers)
{
    struct toll_subscription row = {.file = file, .line = (uint32_t)toll_table_line(table)}, *place;
    struct toll_subject subject = {0};
    int subject_found = read_subject(build, table, numbers, &subject, &row), found = 1;

    if (subject_found < 0)
        return subject_found;
    bool good = read_bundle(build, table, &row) && subject_found == 1;
    if (good && row.bundle > 0) {
        found = read_pool(build, table, toll_build_bundle(build, row.bundle), &row);
        if (found == 1)
            found = read_times(build, table, toll_build_bundle(build, row.bundle), &row);
        if (found < 0)
            return found;
    }
    good = toll_cell_period(table, FROM, TO, false, &row.from, &row.until) && good && found == 1;
    if (!good || row.bundle == 0)
        return 0;
    if (subject.zone != NULL) {
        row.from = toll_local_to_utc(subject.zone, row.from);
        row.until = toll_local_to_utc(subject.zone, row.until);
        if (!toll_cell_instants(table, TO, row.from, row.until))
            return 0;
    }
    place = TOLL_BUFFER_ADD(&build->subscriptions, struct toll_subscription);
    if (place == NULL)
        return toll_build_memory(build);
    *place = row;
    return 0;
}

/* ---- order ---- */

static int compare_rows(const void *left, const void *right)
{
    const struct toll_subscription *a = left, *b = right;

    if (a->level != b->level)
        return a->level < b->level ? -1 : 1;
    if (a->subject != b->subject)
        return a->subject < b->subject ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

const struct toll_subscription *toll_subscriptions_of(const struct toll_build *build, int32_t level,
                                                      uint64_t subject, size_t *count)
{
    const struct toll_subscription *rows = build->subscriptions.data;
    const struct toll_subscription wanted = {.level = level, .subject = subject};
    size_t low = 0, high = build->subscriptions.count, end;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare_rows(&rows[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low;
         end < build->subscriptions.count && rows[end].level == level && rows[end].subject == subject;)
        end++;
    *count = end - low;
    return end > low ? &rows[low] : NULL;
}

struct pool_name {
    const char *text;
    uint32_t id;
};

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const struct pool_name *)left)->text, ((const struct pool_name *)right)->text);
}

static int rank_pools(struct toll_build *build)
{
    const uint32_t count = build->pool_names.strings.count;
    struct pool_name *names = calloc(count + 1u, sizeof(*names));
    uint32_t *ranks = toll_buffer_add(&build->pool_ranks, sizeof(*ranks), count);

    if (names == NULL || ranks == NULL) {
        free(names);
        return toll_build_memory(build);
    }
    for (uint32_t i = 0; i < count; i++)
        names[i] = (struct pool_name){toll_strings_text(&build->pool_names.strings, i + 1, NULL), i};
    qsort(names, count, sizeof(*names), compare_names);
    for (uint32_t i = 0; i < count; i++)
        ranks[names[i].id] = i + 1;
    free(names);
    return 0;
}

int toll_build_subscriptions(struct toll_build *build)
{
    struct toll_number_ranges numbers = {.ranges = {0}};
    struct toll_source *source;
    struct toll_table *table;
    int code;

    build->findings->masks_numbers = true;
    code = toll_build_table(build, "subscriptions.csv", columns, COLUMNS, &table);
    if (code == 0 && table != NULL) {
        code = toll_build_source(build, "subscriptions.csv", &source);
        if (code == 0 && !toll_number_ranges_make(build, &numbers))
            code = toll_build_memory(build);
        while (code == 0 && toll_table_next(table) == 1)
            code = read_row(build, table, source->text, &numbers);
        toll_table_close(table);
    }
    build->findings->masks_numbers = false;
    toll_number_ranges_free(&numbers);
    if (code == 0 && build->subscriptions.count > 0)
        qsort(build->subscriptions.data, build->subscriptions.count, sizeof(struct toll_subscription),
              compare_rows);
    return code == 0 ? rank_pools(build) : code;
}
