/* What the closed calls have drawn and counted. */
#include "pipeline/close.h"
#include "pipeline/pool_accounts.h"

#include "base/cpu.h"
#include "base/cycle.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static toll_ms begins(const struct toll_book *book, uint32_t account, const char *period)
{
    toll_ms at;
    int64_t day = 0;
    toll_day_parse(period, strlen(period), &day);
    toll_zone_to_utc(book->zones[account == 0 ? 0 : book->accounts[account].zone], day * TOLL_DAY_MS,
                     TOLL_FOLD_FIRST, &at);
    return at;
}

/* Periods that begin before the closing time; the others have no closed call. */
static int take(struct toll_closing *closing, const struct toll_pool_tables *tables, struct toll_error *error)
{
    const struct toll_book *book = closing->book;
    closing->periods = calloc((size_t)tables->period_count + 1, sizeof *closing->periods);
    closing->draws = calloc((size_t)tables->draw_count + 1, sizeof *closing->draws);
    closing->tier_counts = calloc((size_t)tables->count_count + 1, sizeof *closing->tier_counts);
    if (closing->periods == NULL || closing->draws == NULL || closing->tier_counts == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the pools that are closed");
    struct toll_pool_payers payers;
    const int rc = toll_pool_payers_make(&payers, book, &closing->names, error);
    if (rc != 0)
        return rc;
    int64_t draw = 0;
    uint32_t account = 0;
    for (int64_t i = 0; i < tables->period_count; i++) {
        const struct toll_pool_period_row *row = &tables->periods[i];
        if (i == 0 || row->id != row[-1].id)
            account = toll_pool_payer(&payers, row);
        const bool keep = begins(book, account, row->period) < closing->closed[account];
        if (keep)
            closing->periods[closing->period_count++] = *row;
        for (; draw < tables->draw_count && tables->draws[draw].id == row->id &&
               strcmp(tables->draws[draw].period, row->period) == 0;
             draw++)
            if (keep)
                closing->draws[closing->draw_count++] = tables->draws[draw];
    }
    toll_pool_payers_free(&payers);
    for (int64_t i = 0; i < tables->count_count; i++) {
        const struct toll_tier_count_row *row = &tables->counts[i];
        account = toll_account_named(&closing->names, row->account);
        if (begins(book, account, row->period) < closing->closed[account])
            closing->tier_counts[closing->tier_count_count++] = *row;
    }
    return 0;
}

/* A merged run has lines of several books: what they drew stands in its tables, if nothing open drew, too. */
static int take_merged(struct toll_closing *closing, struct toll_error *error)
{
    const struct toll_run_tables *run = &closing->run.tables;
    const struct toll_pool_tables tables = {.periods = run->pools,
                                            .period_count = run->pool_count,
                                            .draws = run->draws,
                                            .draw_count = run->draw_count,
                                            .counts = run->counts,
                                            .count_count = run->count_count};
    if (closing->open_rows && (run->pool_count > 0 || run->count_count > 0))
        return toll_error_set(
            error, TOLL_EDATA,
            "%s keeps lines of an older book and has calls that stay open, and what pools and "
            "tiers have after the closed ones alone is not known; rate all of it by one book and "
            "close that run",
            closing->run.path);
    return take(closing, &tables, error);
}

/* A run with --late reorder began with less than its state: the same is found again. */
static int reordered(struct toll_closing *closing, struct toll_error *error)
{
    struct toll_after *after = &closing->after;
    struct toll_rater rater = {0};
    unsigned features = 0;
    after->state = closing->before; /* borrowed: it is not `open` */
    int rc = toll_after_join(after, closing->book, &closing->dataset, closing->first, closing->last, error);
    if (rc == 0)
        rc = toll_simd_features(TOLL_SIMD_AUTO, toll_cpu_features(), &features, error);
    if (rc == 0)
        rc = toll_rater_init(&rater, closing->book, features, error);
    if (rc == 0)
        rc = toll_after_reorder(after, &rater, &closing->dataset, closing->first, closing->last, error);
    toll_rater_free(&rater);
    return rc;
}

int toll_closing_find_tables(struct toll_closing *closing, struct toll_error *error)
{
    const struct toll_book *book = closing->book;
    const struct toll_state *old = &closing->before;
    struct toll_pools_before before = {
        .periods = old->pools,
        .period_count = old->pool_count,
        .draws = old->draws,
        .draw_count = old->draw_count,
        .counts = old->counts,
        .count_count = old->count_count,
        .begun = old->begun,
        .begun_first = old->begun_first,
        .closed = closing->earlier,
    };
    const toll_ms end = closing->latest - 1;
    const struct toll_run_span span = {
        .first = closing->first_start,
        .last = closing->last_start < end ? closing->last_start : end,
        .rows = closing->run.manifest.rows,
        .earlier_until = TOLL_MS_MIN,
    };
    struct toll_pool_tables tables = {0};
    if (closing->run.manifest.book_count > 0)
        return take_merged(closing, error);
    if (closing->run.manifest.reorder) {
        const int rc = reordered(closing, error);
        if (rc != 0)
            return rc;
        before = closing->after.before;
    }
    if (book->bundle_count <= 1 && book->tiers_count <= 1) {
        tables = (struct toll_pool_tables){before.periods,    before.period_count, before.draws,
                                           before.draw_count, before.counts,       before.count_count};
        return take(closing, &tables, error);
    }
    const struct toll_rated_again again = {
        .io = closing->io,
        .book = book,
        .dataset = &closing->dataset,
        .first = closing->first,
        .last = closing->last,
        .others = closing->others,
        .span = &span,
        .before = closing->has_before ? &before : NULL,
        .threads = closing->options->threads,
        .progress = &closing->options->progress,
    };
    const int rc = toll_rate_again(&again, &closing->pools, &tables, error);
    return rc != 0 ? rc : take(closing, &tables, error);
}
