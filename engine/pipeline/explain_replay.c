/* What bundles had left, and tiers had counted, before a row of a run: the lines before it that drew on a
 * bundle or were priced by tiers draw once more, from the run's first one on. Only of a run that began with
 * nothing; of others (--after, --only-suspense) it is not known here. */
#include "pipeline/draws.h"
#include "pipeline/explain_entries.h"

#include <string.h>

/* Do lines of other accounts draw on what this one draws on? */
static bool is_shared(const struct toll_book *book, const struct toll_row_answer *answer)
{
    const struct toll_owner *owner = &book->owners[answer->payer.owner];
    const uint32_t tiers = book->rules[answer->rule].tiers;
    bool shared = tiers != 0 && book->tiers[tiers].scope == TOLL_SCOPE_POOL;
    for (uint32_t i = owner->pool_first; i < owner->pool_first + owner->pool_count; i++)
        shared |= book->bundles[book->entitlements[i].bundle].scope == TOLL_SCOPE_POOL;
    return shared;
}

static bool is_before(const struct toll_reader_row *at, const char *day, int64_t row)
{
    const int order = strcmp(at->day, day);
    return order < 0 || (order == 0 && at->day_row < row);
}

/* Draws for all such lines before a row; day NULL: for all there are. */
static int pass(struct toll_run *run, struct toll_band_cursor *cursors, struct toll_pools *pools,
                int32_t account, const char *day, int64_t row, bool first, struct toll_error *error)
{
    struct toll_reader_row at;
    int more;
    toll_run_rewind(run);
    while ((more = toll_run_next_drawn(run, account, &at, error)) > 0) {
        struct toll_row_answer answer;
        struct toll_drawn_line line;
        if (day != NULL && !is_before(&at, day, row))
            return 0;
        toll_row_rate(at.rater, cursors, &at.row, NULL, &answer);
        toll_row_draw(at.rater, cursors, pools, &at.row, &answer, first, &line);
    }
    return more;
}

static int first_start(struct toll_run *run, toll_ms *start, struct toll_error *error)
{
    struct toll_reader_row at;
    toll_run_rewind(run);
    const int more = toll_run_next_row(run, &at, error);
    *start = more > 0 ? at.row.start : 0;
    return more < 0 ? more : 0;
}

int toll_explain_replay(struct toll_run *run, struct toll_band_cursor *cursors, const char *day, int64_t row,
                        int32_t account, const struct toll_row *call, const struct toll_row_answer *answer,
                        struct toll_pools **out, struct toll_error *error)
{
    const struct toll_rater *rater = toll_run_rater(run);
    const struct toll_run_manifest *manifest = &toll_run_inside(run)->manifest;
    const int32_t whose = is_shared(rater->book, answer) ? 0 : account;
    struct toll_run_span span = {.last = call->start, .rows = manifest->rows, .earlier_until = TOLL_MS_MIN};
    *out = NULL;
    if (manifest->has_after || manifest->book_count != 0)
        return 0;
    int rc = first_start(run, &span.first, error);
    if (rc == 0)
        rc = toll_pools_make(rater->book, &span, NULL, out, error);
    if (rc == 0 && rater->draws != NULL && rater->draws->volume) {
        rc = pass(run, cursors, *out, whose, NULL, 0, true, error);
        if (rc == 0)
            toll_pools_second_pass(*out);
    }
    if (rc == 0)
        rc = pass(run, cursors, *out, whose, day, row, false, error);
    if (rc == 0)
        rc = toll_pools_state(*out, error);
    if (rc != 0) {
        toll_pools_free(*out);
        *out = NULL;
    }
    return rc;
}
