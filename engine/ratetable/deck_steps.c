/*
 * Rows that change their rate within the call. A step's empty per_s and increment_s mean those of the row
 * with step 0 of the same key, band and file whose time covers its own; so they are settled when all rows of
 * a key are known. And what walking a call needs: one multiple of all per_s, so that sums stay exact.
 */
#include "ratetable/deck_reader.h"
#include "ratetable/prices.h"

#include <stdlib.h>

static int compare_for_steps(const void *left, const void *right)
{
    const struct toll_deck_row *a = left, *b = right;

    if (a->version != b->version)
        return a->version < b->version ? -1 : 1;
    if (a->band != b->band)
        return a->band < b->band ? -1 : 1;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if ((a->step > 0) != (b->step > 0))
        return a->step > 0 ? 1 : -1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static const struct toll_terms *terms_of(const struct toll_build *build, int32_t price)
{
    const uint32_t index = *TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_PRICE_TERMS], uint32_t, price);

    return TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_TERMS], struct toll_terms, index);
}

/* Gives a step's prices their terms; first: the price of its first row, 0 if it is never in force. */
static int settle(struct toll_build *build, const struct toll_deck_rows *rows,
                  const struct toll_deck_row *step, int32_t first)
{
    const int32_t deck = rows->versions[step->version].deck;
    const unsigned count =
        TOLL_BUFFER_AT(&build->deck_builds, struct toll_deck_build, deck - 1)->by_jurisdiction
            ? TOLL_RATE_COLUMNS
            : 1;
    int code = 0;

    for (int32_t price = step->price; code == 0 && price < step->price + (int32_t)count; price++) {
        const uint32_t mark = *TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_PRICE_TERMS], uint32_t, price);
        struct toll_terms terms = *TOLL_BUFFER_AT(&rows->steps, struct toll_terms, mark);
        if (terms.per == 0)
            terms.per = first > 0 ? terms_of(build, first)->per : 60;
        if (terms.increment == 0)
            terms.increment = first > 0 ? terms_of(build, first)->increment : 1;
        terms.initial = terms.increment;
        code = toll_price_settle(build, &terms, price);
    }
    return code;
}

static void report_first(const struct toll_build *build, const struct toll_deck_rows *rows,
                         const struct toll_deck_row *step, bool several)
{
    const struct toll_source *source = rows->versions[step->version].source;

    toll_finding(build->findings, TOLL_ERROR, source->path, step->line, step->column,
                 several
                     ? "the key \"%.60s\" has several rows with step_from_s 0 in this file that cover the "
                       "time of its step %d; keep one of them"
                     : "the key \"%.60s\" has no row with step_from_s 0 in this file that covers the time "
                       "of its step %d (and has the same band); add one",
                 toll_deck_key_text(build, step->price), step->step);
}

int toll_deck_steps_settle(struct toll_build *build, const struct toll_deck_rows *rows,
                           struct toll_buffer *group)
{
    struct toll_deck_row *const row = group->data;
    const struct toll_deck_row *longest = NULL, *second = NULL; /* first rows so far, by their end */
    int code = 0;

    qsort(row, group->count, sizeof(*row), compare_for_steps);
    for (size_t i = 0; i < group->count && code == 0; i++) {
        const bool never = row[i].from >= row[i].until;
        if (i > 0 && (row[i].version != row[i - 1].version || row[i].band != row[i - 1].band))
            longest = second = NULL;
        if (row[i].step == 0 && !never) {
            const bool longer = longest == NULL || row[i].until > longest->until;
            if (longer || second == NULL || row[i].until > second->until)
                second = longer ? longest : &row[i];
            longest = longer ? &row[i] : longest;
        } else if (row[i].step > 0) {
            const bool covered = longest != NULL && longest->until >= row[i].until;
            const bool twice = second != NULL && second->until >= row[i].until;
            if (!never && (!covered || twice))
                report_first(build, rows, &row[i], twice);
            code = settle(build, rows, &row[i], !never && covered ? longest->price : 0);
        }
    }
    return code;
}

/* A finding at a row of a walked key. */
static void report_walk(struct toll_build *build, const struct toll_deck_rows *rows,
                        const struct toll_deck_row *row, const char *problem)
{
    toll_finding(build->findings, TOLL_ERROR, rows->versions[row->version].source->path, row->line,
                 row->column, "the key \"%.60s\": %s", toll_deck_key_text(build, row->price), problem);
}

uint32_t toll_deck_walk_per(struct toll_build *build, const struct toll_deck_rows *rows, bool split,
                            const struct toll_deck_row *group, size_t count)
{
    uint32_t common = 1;
    bool walked = false;

    for (size_t i = 0; i < count; i++)
        walked = walked || toll_row_walks(split, group[i].band, group[i].step);
    if (walked && count > TOLL_WALKED_ROWS_MAX)
        report_walk(build, rows, &group[TOLL_WALKED_ROWS_MAX],
                    "it has more than 10000 rows with steps, or with bands under boundary split; the call's "
                    "price would be sought among all of them at every change, so take old ones out");
    for (size_t i = 0; walked && i < count; i++) {
        const struct toll_terms *terms = terms_of(build, group[i].price);
        if (split && terms->minimum_units > TOLL_WALKED_MINIMUM_S_MAX)
            report_walk(build, rows, &group[i],
                        "minimum_s is above 2147483, longer than a call can be; under boundary split the "
                        "bands of all that time would count");
        common = toll_common_per(common, (uint32_t)terms->per);
        if (common != 0)
            continue;
        report_walk(build, rows, &group[i],
                    "the least common multiple of the per_s of its rows is 2147483648 or more here; use "
                    "values that divide each other, like 1, 6 and 60");
        return 0;
    }
    return walked ? common : 0;
}
