/*
 * toll_explain: one row rated again by the run's own book. The answer is compared with the stored line, so
 * that an explanation never explains something else.
 */
#include "base/arena.h"
#include "base/error.h"
#include "pipeline/draws.h"
#include "pipeline/explain_entries.h"

#include <stdlib.h>
#include <string.h>

static struct toll_drawn_line stored_line(const struct toll_reader_row *at)
{
    const struct toll_line_batch *lines = at->lines;
    const int64_t i = at->index;
    return (struct toll_drawn_line){
        .status = lines->status[i],
        .price = lines->price[i] == 0 ? 0 : lines->price[i] - at->price_shift,
        .billed = lines->billed[i],
        .included = lines->included == NULL ? 0 : lines->included[i],
        .charge = lines->charge[i],
    };
}

static bool same_as_stored(const struct toll_explainer *explainer, const struct toll_reader_row *at,
                           const struct toll_drawn_line *stored)
{
    const struct toll_row_answer *answer = explainer->answer;
    const struct toll_book *book = explainer->book;
    const char *account = toll_book_string(book, book->accounts[answer->account].account);
    if (strcmp(account, explainer->line->account) != 0 ||
        ((unsigned)answer->class_ << 4 | (unsigned)answer->jurisdiction) !=
            at->lines->class_jurisdiction[at->index])
        return false;
    if (toll_explain_may_draw(explainer))
        return (stored->status == TOLL_SUSPENSE_OVERFLOW || answer->price == stored->price) &&
               toll_explain_drawn(explainer, stored);
    return answer->status == stored->status && answer->price == stored->price &&
           answer->billed == stored->billed && answer->charge == stored->charge;
}

int toll_explain(const char *run_path, const char *dataset_path, const char *day, int64_t row, bool unmask,
                 struct toll_explanation *out, struct toll_error *error)
{
    return toll_explain_with(toll_io_system(), run_path, dataset_path, day, row, unmask, out, error);
}

/* The batch's account hints and trunks by name, also those that the book does not know. */
static const char *dictionary_text(const struct toll_reader_row *at, enum toll_cdr_column column,
                                   const int32_t *ids)
{
    if (ids == NULL || ids[at->index] <= 0)
        return "";
    const struct toll_cdr_dictionary dictionary = toll_cdr_part_dictionary(at->part, column);
    return (uint32_t)ids[at->index] < dictionary.count ? dictionary.entries[ids[at->index]] : "";
}

static struct toll_explain_stored_cost stored_cost(const struct toll_reader_row *at)
{
    const struct toll_line_batch *lines = at->lines;
    if (lines->cost == NULL)
        return (struct toll_explain_stored_cost){.there = false};
    const int32_t price = lines->cost_price[at->index];
    return (struct toll_explain_stored_cost){
        .there = true,
        .status = lines->cost_status[at->index],
        .cost = lines->cost[at->index],
        .price = price == 0 ? 0 : price - at->price_shift,
    };
}

static int rated_otherwise(const struct toll_reader_row *at, const char *what, struct toll_error *error)
{
    return toll_error_set(error, TOLL_EBUG,
                          "%s:%lld %s otherwise by another version; rate again with this one", at->day,
                          (long long)at->day_row, what);
}

static void explain_steps(struct toll_explainer *explainer, const struct toll_reader_row *at,
                          const struct toll_drawn_line *stored)
{
    if (at->kept)
        toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "book", "", 0,
                         "kept from an earlier run: rated by that run's book, %s", explainer->book->name);
    explainer->part = TOLL_EXPLAIN_RATING;
    if (stored->status == TOLL_ZERO_CLOSED) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "closed", "", 0,
                         "the account's period was closed before this run: the call was billed by the run "
                         "that was closed; explain it there");
        return;
    }
    toll_explain_decisions(explainer);
    if (toll_explain_may_draw(explainer))
        toll_explain_draws(explainer, stored);
}

static int explain_row(struct toll_explainer *explainer, struct toll_run *run,
                       const struct toll_reader_row *at, struct toll_error *error)
{
    const struct toll_drawn_line stored = stored_line(at);
    const struct toll_explain_stored_cost cost = stored_cost(at);
    const struct toll_explain_taxed taxed = {&toll_run_inside(run)->tables, explainer->line->tuple,
                                             stored.charge, stored.billed};
    if (stored.status != TOLL_ZERO_CLOSED && !same_as_stored(explainer, at, &stored))
        return rated_otherwise(at, "was rated", error);
    explainer->included = stored.included;
    toll_explain_fill(explainer, &stored);
    toll_explain_facts(explainer);
    explain_steps(explainer, at, &stored);
    const int rc = toll_explain_taxes(explainer, &taxed, error);
    if (rc != 0)
        return rc;
    if (!toll_explain_cost(explainer, &cost))
        return rated_otherwise(at, "had its cost found", error);
    toll_explain_result(explainer, &stored);
    toll_explain_taxes_result(explainer, &taxed);
    toll_explain_cost_result(explainer, &cost);
    return explainer->failed ? toll_error_set(error, TOLL_ENOMEM, "out of memory") : 0;
}

/* What bundles had left and tiers had counted, where a line may have drawn. */
static int find_turns(struct toll_explainer *explainer, struct toll_run *run, const char *day, int64_t row,
                      const struct toll_drawn_line *stored, int32_t account, struct toll_explain_turns *turns,
                      struct toll_error *error)
{
    struct toll_pools *pools = NULL;
    struct toll_drawn_line line;
    if (stored->status == TOLL_ZERO_CLOSED || !toll_explain_may_draw(explainer))
        return 0;
    const int rc = toll_explain_replay(run, explainer->cursors, day, row, account, explainer->row,
                                       explainer->answer, &pools, error);
    /* Something else than the stored line: then it is not said what there was before. */
    if (pools != NULL && toll_explain_turns_make(explainer, pools, turns, &line) &&
        line.status == stored->status && line.billed == stored->billed && line.included == stored->included &&
        line.charge == stored->charge)
        explainer->turns = turns;
    toll_pools_free(pools);
    return rc;
}

static int explain_found(const struct toll_explainer *with, struct toll_run *run, const char *day,
                         int64_t row, struct toll_error *error)
{
    struct toll_explainer own = *with, *explainer = &own; /* it learns what lies here */
    struct toll_explain_turns turns = {0};
    struct toll_reader_row at;
    struct toll_line line;
    int rc = toll_run_seek(run, day, row, &at, error);
    if (rc != 0)
        return rc;
    const struct toll_drawn_line stored = stored_line(&at);
    const struct toll_row call = at.row;
    struct toll_row_answer answer;
    toll_row_rate(at.rater, explainer->cursors, &call, NULL, &answer);
    explainer->row = &call;
    explainer->answer = &answer;
    rc = find_turns(explainer, run, day, row, &stored, at.lines->account[at.index], &turns, error);
    if (rc == 0)
        rc = toll_run_line(run, day, row, &line, error);
    if (rc == 0)
        rc = toll_run_seek(run, day, row, &at, error);
    if (rc == 0) {
        explainer->row = &at.row; /* its call types are of the part that is open now */
        explainer->line = &line;
        explainer->trunk = dictionary_text(&at, TOLL_CDR_TRUNK, at.batch->trunk);
        explainer->hint = dictionary_text(&at, TOLL_CDR_HINT, at.batch->hint);
        rc = explain_row(explainer, run, &at, error);
    }
    toll_explain_turns_free(&turns);
    return rc;
}

static int explain_run(struct toll_run *run, const char *day, int64_t row, bool unmask,
                       struct toll_explanation *out, struct toll_error *error)
{
    struct toll_reader_row at;
    int rc = toll_run_seek(run, day, row, &at, error);
    if (rc != 0)
        return rc;
    struct toll_explainer explainer = {
        .rater = at.rater,
        .book = at.rater->book,
        .unmask = unmask,
        .out = out,
        .cursors = calloc((size_t)at.rater->book->deck_count + 1, sizeof *explainer.cursors)};
    if (explainer.cursors == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    rc = explain_found(&explainer, run, day, row, error);
    free(explainer.cursors);
    return rc;
}

int toll_explain_with(const struct toll_io *io, const char *run_path, const char *dataset_path,
                      const char *day, int64_t row, bool unmask, struct toll_explanation *out,
                      struct toll_error *error)
{
    struct toll_run *run = NULL;
    memset(out, 0, sizeof *out);
    if (dataset_path == NULL)
        return toll_error_set(error, TOLL_EUSAGE, "explain needs the dataset that %s rated", run_path);
    int rc = toll_run_open_with(io, run_path, dataset_path, &run, error);
    if (rc != 0)
        return rc;
    rc = explain_run(run, day, row, unmask, out, error);
    toll_run_close(run);
    if (rc != 0)
        toll_explanation_free(out);
    return rc;
}

void toll_explanation_free(struct toll_explanation *explanation)
{
    if (explanation->owned != NULL)
        toll_arena_free(explanation->owned);
    free(explanation->owned);
    free(explanation->entries);
    memset(explanation, 0, sizeof *explanation);
}
