/* one_day_gap in numbers.csv and assignments.csv: `to` is the first day that no longer counts, and who writes
 * the last one that does leaves a day to nobody. */
#include "ratetable/doubts.h"
#include "ratetable/owners.h"

/* A dated row of numbers.csv: of a number or a range (kind -1), or of a trunk or hint. */
struct dated {
    uint64_t what, count;
    struct toll_row_date dates;
    uint32_t line, column;
    int32_t kind;
};

static int compare(const void *left, const void *right)
{
    const struct dated *a = left, *b = right;

    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->what != b->what)
        return a->what < b->what ? -1 : 1;
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    if (a->dates.from != b->dates.from)
        return a->dates.from < b->dates.from ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static void report(struct toll_build *build, const char *path, uint32_t line, uint32_t column,
                   uint32_t before)
{
    toll_doubt(build, "one_day_gap", path, line, column,
               "line %u ends a day before this row begins: \"to\" is the first day that no longer counts, so "
               "nothing is in force on that day; if that is not meant, write this row's \"from\" there",
               before);
}

static bool collect(const struct toll_build *build, struct toll_buffer *rows)
{
    struct dated *place;

    for (size_t i = 0; i < build->number_rows.count; i++) {
        const struct toll_number_row *row = TOLL_BUFFER_AT(&build->number_rows, struct toll_number_row, i);
        if (row->dates == 0)
            continue;
        place = TOLL_BUFFER_ADD(rows, struct dated);
        if (place == NULL)
            return false;
        *place = (struct dated){
            row->first, row->count,  *TOLL_BUFFER_AT(&build->row_dates, struct toll_row_date, row->dates),
            row->line,  row->column, -1};
    }
    for (size_t i = 0; i < build->named_rows.count; i++) {
        const struct toll_named_row *row = TOLL_BUFFER_AT(&build->named_rows, struct toll_named_row, i);
        place = TOLL_BUFFER_ADD(rows, struct dated);
        if (place == NULL)
            return false;
        *place = (struct dated){row->name, 1, row->dates, row->line, row->column, row->kind};
    }
    return true;
}

static int check_numbers(struct toll_build *build)
{
    const char *path = toll_doubt_path(build, "numbers.csv");
    struct toll_buffer rows = {0};
    const bool good = collect(build, &rows);
    const struct dated *at;

    if (good && rows.count > 0)
        qsort(rows.data, rows.count, sizeof(struct dated), compare);
    at = rows.data;
    for (size_t i = 1; i < rows.count && good; i++) {
        if (at[i].kind == at[i - 1].kind && at[i].what == at[i - 1].what && at[i].count == at[i - 1].count &&
            toll_is_day_gap(at[i - 1].dates.until, at[i].dates.from))
            report(build, path, at[i].line, at[i].column, at[i - 1].line);
    }
    toll_buffer_free(&rows);
    return good ? 0 : toll_build_memory(build);
}

int toll_doubts_dates(struct toll_build *build)
{
    const struct toll_assignment *rows = build->assignments.data; /* by subject and time */

    for (size_t i = 1; i < build->assignments.count; i++) {
        if (rows[i].buy == rows[i - 1].buy && rows[i].level == rows[i - 1].level &&
            rows[i].subject == rows[i - 1].subject && toll_is_day_gap(rows[i - 1].until, rows[i].from))
            report(build, toll_doubt_path(build, "assignments.csv"), rows[i].line, rows[i].column,
                   rows[i - 1].line);
    }
    return check_numbers(build);
}
