/*
 * The doubts of a deck's versions: without a row, without a time, without a change, or begun in time that is
 * closed. A version changes something if a row of it costs other than what was in force for its key and band
 * just before, or if a row ends at its beginning that no other follows.
 */
#include "ratetable/doubts.h"

struct checker {
    struct toll_build *build;
    const struct toll_deck_build *deck;
    const struct toll_deck_rows *rows;
    const struct toll_deck_row *in_force;
    size_t in_force_count;
    bool *has_rows, *effect, *change; /* by version */
};

static void doubt(const struct checker *checker, const struct toll_deck_version *version, const char *name,
                  const char *text)
{
    /* Of a deck that nobody wrote down its file is all there is. */
    toll_doubt(checker->build, name,
               version->line > 0 ? toll_doubt_path(checker->build, version->asked_in) : version->source->path,
               version->line, version->column, "the deck \"%.60s\": %s", checker->deck->name, text);
}

static bool same_prices(const struct checker *checker, int32_t a, int32_t b)
{
    const uint32_t *terms = checker->build->sections[TOLL_SECTION_PRICE_TERMS].data;
    const size_t columns = checker->deck->by_jurisdiction ? TOLL_RATE_COLUMNS : 1;

    return memcmp(&terms[a], &terms[b], columns * sizeof(*terms)) == 0;
}

static bool same_place(const struct toll_deck_row *a, const struct toll_deck_row *b)
{
    return a->band == b->band && a->step == b->step;
}

/* The row of a group that ends where `row` begins, or (behind) begins where it ends; NULL none. */
static const struct toll_deck_row *neighbour(const struct toll_deck_row *group, size_t count,
                                             const struct toll_deck_row *row, bool behind)
{
    for (size_t i = 0; i < count; i++) {
        if (same_place(&group[i], row) &&
            (behind ? group[i].from == row->until : group[i].until == row->from))
            return &group[i];
    }
    return NULL;
}

static void mark_group(const struct checker *checker, const struct toll_deck_row *group, size_t count)
{
    const struct toll_deck_rows *rows = checker->rows;

    for (size_t i = 0; i < count; i++) {
        const struct toll_deck_row *row = &group[i];
        const struct toll_deck_row *before =
            count <= TOLL_DOUBT_ROWS_MAX ? neighbour(group, count, row, false) : NULL;
        checker->effect[row->version] = true;
        if (before == NULL || !same_prices(checker, before->price, row->price))
            checker->change[row->version] = true;
        if (row->until == TOLL_MS_MAX || count > TOLL_DOUBT_ROWS_MAX ||
            neighbour(group, count, row, true) != NULL)
            continue;
        for (size_t v = 0; v < rows->version_count; v++)
            checker->change[v] = checker->change[v] || rows->versions[v].effective == row->until;
    }
}

static void mark(const struct checker *checker)
{
    const struct toll_deck_rows *rows = checker->rows;

    for (size_t i = 0; i < rows->rows.count; i++)
        checker->has_rows[TOLL_BUFFER_AT(&rows->rows, struct toll_deck_row, i)->version] = true;
    for (size_t first = 0, end; first < checker->in_force_count; first = end) {
        for (end = first + 1; end < checker->in_force_count; end++) {
            if (checker->in_force[end].key != checker->in_force[first].key)
                break;
        }
        mark_group(checker, &checker->in_force[first], end - first);
    }
}

static void report(const struct checker *checker)
{
    const struct toll_deck_rows *rows = checker->rows;
    const struct toll_doubts *doubts = checker->build->doubts;
    const struct toll_deck_version *newest = &rows->versions[rows->version_count - 1];

    for (size_t i = 0; i < rows->version_count; i++) {
        const struct toll_deck_version *version = &rows->versions[i];
        if (!checker->has_rows[i])
            doubt(checker, version, "empty_version",
                  version->amend ? "its file has no row, so it amends nothing"
                                 : "its file has no row: from its time on nothing has a price");
        else if (!checker->effect[i])
            doubt(checker, version, "hidden_version",
                  "no row of this version is ever in force: other versions, or the rows' own dates, leave it "
                  "no time");
        else if (!checker->change[i] && version->effective != TOLL_MS_MIN)
            doubt(checker, version, "same_version",
                  "this version changes no price: its rows say what was in force before it; is it the file "
                  "that was meant?");
    }
    if (doubts->has_closed && newest->effective != TOLL_MS_MIN &&
        newest->effective < toll_local_to_utc(checker->deck->zone, doubts->closed_until))
        doubt(checker, newest, "past_version",
              "its newest version begins in closed time: if it is new in this book, calls that are billed "
              "already would get another price when they are rated again");
}

int toll_doubts_versions(struct toll_build *build, int32_t deck_id, const struct toll_deck_rows *rows)
{
    struct checker checker = {.build = build,
                              .deck =
                                  TOLL_BUFFER_AT(&build->deck_builds, struct toll_deck_build, deck_id - 1),
                              .rows = rows,
                              .in_force = rows->in_force.data,
                              .in_force_count = rows->in_force.count,
                              .has_rows = calloc(rows->version_count, sizeof(bool)),
                              .effect = calloc(rows->version_count, sizeof(bool)),
                              .change = calloc(rows->version_count, sizeof(bool))};
    const bool good = checker.has_rows != NULL && checker.effect != NULL && checker.change != NULL;

    if (good) {
        mark(&checker);
        report(&checker);
    }
    free(checker.has_rows);
    free(checker.effect);
    free(checker.change);
    return good ? 0 : toll_build_memory(build);
}
