/*
 * surcharges.csv: what short calls, attempts and calls without a caller's number cost beyond a share of all.
 * Rows are read before carriers get the ids that the image has (a row may name one nobody named before) and
 * stored after.
 */
#include "ratetable/subjects.h"

enum { SUBJECT, MEASURE, AMOUNT, SHORT_S, THRESHOLD, APPLY, FROM, TO, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {[SUBJECT] = {"subject", true},
                                                          [MEASURE] = {"measure", true},
                                                          [AMOUNT] = {"amount", true},
                                                          [SHORT_S] = {"short_s", false},
                                                          [THRESHOLD] = {"threshold_percent", false},
                                                          [APPLY] = {"apply", false},
                                                          [FROM] = {"from", false},
                                                          [TO] = {"to", false}};

/* A row with the place of its subject; carrier and trunk ids are the temporary ones. */
struct read_row {
    struct toll_surcharge record;
    uint32_t column;
};

static const char *const measures[TOLL_SURCHARGE_MEASURES] = {
    [TOLL_SHORT_CALLS] = "short_calls", [TOLL_ATTEMPTS] = "attempts", [TOLL_NO_ANI] = "no_ani"};

#define THRESHOLD_DECIMALS 6           /* of toll_surcharge.threshold */
#define SHORT_S_MAX (INT32_MAX / 1000) /* a call's duration has as many bits */

static bool read_measure(const struct toll_table *table, int *measure)
{
    const struct toll_cell *cell;

    return toll_cell_name(table, MEASURE, &cell) &&
           toll_cell_choice(table, MEASURE, measures, TOLL_SURCHARGE_MEASURES, 0, measure);
}

static bool read_amount(const struct toll_table *table, toll_money *amount)
{
    const struct toll_cell *cell;

    if (!toll_cell_name(table, AMOUNT, &cell) || !toll_cell_money(table, AMOUNT, 0, amount))
        return false;
    if (*amount < 0)
        toll_cell_finding(table, cell, TOLL_ERROR, "\"%.40s\" is negative", cell->text);
    return *amount >= 0;
}

static bool read_threshold(const struct toll_table *table, int32_t *threshold)
{
    const struct toll_cell *cell = toll_table_cell(table, THRESHOLD);
    int64_t value = 0;

    if (cell->bytes == 0 || (toll_decimal_parse(cell->text, cell->bytes, THRESHOLD_DECIMALS, &value) == 0 &&
                             value >= 0 && value <= TOLL_THRESHOLD_ALL)) {
        *threshold = (int32_t)value;
        return true;
    }
    toll_cell_finding(table, cell, TOLL_ERROR,
                      "\"%.40s\" is not a percentage from 0 to 100 with at most %d decimals", cell->text,
                      THRESHOLD_DECIMALS);
    return false;
}

static bool read_short(const struct toll_table *table, int measure, int32_t *short_ms)
{
    const struct toll_cell *cell = toll_table_cell(table, SHORT_S);
    int64_t seconds;

    if (!toll_cell_int(table, SHORT_S, 0, SHORT_S_MAX, 0, &seconds))
        return false;
    *short_ms = (int32_t)(seconds * 1000);
    if ((cell->bytes > 0) == (measure == TOLL_SHORT_CALLS))
        return true;
    if (measure == TOLL_SHORT_CALLS)
        toll_cell_finding(table, toll_table_cell(table, MEASURE), TOLL_ERROR,
                          "short_calls needs short_s: how many seconds a short call has at most");
    else
        toll_cell_finding(table, cell, TOLL_ERROR,
                          "\"%.40s\": only the measure short_calls has short_s; leave the cell empty",
                          cell->text);
    return false;
}

static int read_row(struct toll_build *build, const struct toll_table *table,
                    const struct toll_source *source)
{
    static const char *const applies[] = {"excess", "all"};
    struct toll_surcharge row = {.file = source->text, .line = (uint32_t)toll_table_line(table)};
    struct read_row *place;
    const struct toll_cell *cell;
    struct toll_subject subject;
    int measure = 0, apply = 0, found = 0;

    if (toll_cell_name(table, SUBJECT, &cell))
        found = toll_subject_read(build, table, cell, 0, &subject);
    if (found < 0)
        return found;
    bool good = found == 1;
    good = read_measure(table, &measure) && read_short(table, measure, &row.short_ms) && good;
    good = read_amount(table, &row.amount) && good;
    good = read_threshold(table, &row.threshold) && good;
    good = toll_cell_choice(table, APPLY, applies, 2, 0, &apply) && good;
    good = toll_cell_period(table, FROM, TO, false, &row.from, &row.until) && good;
    if (!good)
        return 0;
    row.level = subject.level;
    row.subject = subject.id;
    row.measure = measure;
    row.all = apply == 1;
    row.from = toll_local_to_utc(subject.zone, row.from);
    row.until = toll_local_to_utc(subject.zone, row.until);
    place = TOLL_BUFFER_ADD(&build->surcharge_rows, struct read_row);
    if (place == NULL)
        return toll_build_memory(build);
    *place = (struct read_row){row, (uint32_t)cell->column};
    return 0;
}

/* ---- order ---- */

static int compare_kinds(const struct toll_surcharge *a, const struct toll_surcharge *b)
{
    if (a->level != b->level)
        return a->level < b->level ? -1 : 1;
    if (a->subject != b->subject)
        return a->subject < b->subject ? -1 : 1;
    return (a->measure > b->measure) - (a->measure < b->measure);
}

static int compare_rows(const void *left, const void *right)
{
    const struct toll_surcharge *a = &((const struct read_row *)left)->record;
    const struct toll_surcharge *b = &((const struct read_row *)right)->record;
    const int kinds = compare_kinds(a, b);

    if (kinds != 0)
        return kinds;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static void check_overlaps(struct toll_build *build, const char *path)
{
    const struct read_row *rows = build->surcharge_rows.data, *longest = rows;

    for (size_t i = 1; i < build->surcharge_rows.count; i++) {
        const bool same = compare_kinds(&longest->record, &rows[i].record) == 0;
        if (same && rows[i].record.from < longest->record.until) {
            const bool later = rows[i].record.line > longest->record.line;
            const struct read_row *second = later ? &rows[i] : longest, *first = later ? longest : &rows[i];
            toll_finding(build->findings, TOLL_ERROR, path, second->record.line, second->column,
                         "subject: it has a surcharge on %s in line %u too, and the dates overlap",
                         measures[second->record.measure], first->record.line);
        }
        if (!same || rows[i].record.until > longest->record.until)
            longest = &rows[i];
    }
}

static void sort_rows(struct toll_buffer *rows)
{
    if (rows->count > 0)
        qsort(rows->data, rows->count, sizeof(struct read_row), compare_rows);
}

/* ---- the stages ---- */

int toll_build_surcharge_rows(struct toll_build *build)
{
    struct toll_source *source = NULL;
    struct toll_table *table;
    int code;

    build->findings->masks_numbers = true; /* a subject or a wrong cell may be one */
    code = toll_build_table(build, "surcharges.csv", columns, COLUMNS, &table);
    if (code == 0 && table != NULL) {
        code = toll_build_source(build, "surcharges.csv", &source);
        while (code == 0 && toll_table_next(table) == 1)
            code = read_row(build, table, source);
        toll_table_close(table);
    }
    build->findings->masks_numbers = false;
    if (code == 0 && source != NULL) {
        sort_rows(&build->surcharge_rows);
        check_overlaps(build, source->path);
    }
    return code;
}

int toll_build_surcharges(struct toll_build *build)
{
    struct read_row *rows = build->surcharge_rows.data;
    const size_t count = build->surcharge_rows.count;
    struct toll_surcharge *place;

    if (count == 0 || build->findings->errors > 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        struct toll_surcharge *row = &rows[i].record;
        if (row->level == TOLL_LEVEL_TRUNK)
            row->subject = *TOLL_BUFFER_AT(&build->trunk_ids, uint32_t, row->subject);
        else if (row->level == TOLL_LEVEL_CARRIER)
            row->subject = *TOLL_BUFFER_AT(&build->carrier_ids, uint32_t, row->subject);
    }
    sort_rows(&build->surcharge_rows);
    place = toll_buffer_add(&build->sections[TOLL_SECTION_SURCHARGES], sizeof(*place), count + 1);
    if (place == NULL)
        return toll_build_memory(build);
    for (size_t i = 0; i < count; i++)
        place[1 + i] = rows[i].record;
    return 0;
}
