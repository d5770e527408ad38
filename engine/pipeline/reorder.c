/*
 * --late reorder: the billing periods in which a late call lies are opened again, with all closed ones after
 * them, for its account and those that share pools or counts with it; what was charged for them is taken off.
 */
#include "pipeline/after.h"
#include "pipeline/cost.h"
#include "pipeline/pool_accounts.h"
#include "pipeline/rate.h"

#include "base/cycle.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

struct reorder {
    struct toll_after *after;
    const struct toll_rater *rater;
    const struct toll_book *book;
    uint32_t *group; /* by account: a parent in its group, in the end its first account */
    toll_ms *open;   /* by account: from when on it is open again; TOLL_MS_MAX: not at all */
    toll_ms latest;
    struct toll_strings names;
};

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for putting late calls in order");
}

/* ---- who goes along ---- */

static uint32_t head_of(const struct reorder *reorder, uint32_t account)
{
    while (reorder->group[account] != account)
        account = reorder->group[account];
    return account;
}

static void join(struct reorder *reorder, uint32_t a, uint32_t b)
{
    a = head_of(reorder, a);
    b = head_of(reorder, b);
    reorder->group[a < b ? b : a] = a < b ? a : b;
}

static bool parents_count(const struct toll_book *book)
{
    for (uint32_t i = 1; i < book->tiers_count; i++)
        if (book->tiers[i].scope == TOLL_SCOPE_POOL)
            return true;
    return false;
}

static int make_groups(struct reorder *reorder, struct toll_error *error)
{
    const struct toll_book *book = reorder->book;
    uint32_t *first = calloc(book->pool_count + 1u, sizeof *first); /* account by pool */
    if (first == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < book->account_count; i++)
        reorder->group[i] = i;
    for (uint32_t i = 1; i < book->owner_count; i++) {
        const struct toll_owner *owner = &book->owners[i];
        for (uint32_t k = 0; k < owner->pool_count; k++) {
            const uint32_t pool = book->entitlements[owner->pool_first + k].pool;
            if (pool == 0 || owner->account == 0)
                continue;
            if (first[pool] != 0)
                join(reorder, first[pool], (uint32_t)owner->account);
            first[pool] = (uint32_t)owner->account;
        }
    }
    for (uint32_t i = 1; parents_count(book) && i < book->account_count; i++)
        if (book->accounts[i].parent != 0)
            join(reorder, (uint32_t)book->accounts[i].parent, i);
    free(first);
    return 0;
}

/* ---- late calls ---- */

/* A call that is not closed, before its account's closing time. */
static void see_late(struct reorder *reorder, uint32_t account, toll_ms start)
{
    const uint32_t head = head_of(reorder, account);
    const struct toll_account *row = &reorder->book->accounts[account];
    if (account == 0 || start >= reorder->after->closed[account])
        return;
    const toll_ms from = toll_cycle_at(reorder->book->zones[row->zone], row->cycle_day, start).from;
    if (from < reorder->open[head])
        reorder->open[head] = from;
}

/* A closed call of a period that is open again. */
static void open_row(struct reorder *reorder, uint64_t *bits, int64_t row, uint32_t account, toll_ms start)
{
    if (account == 0 || start < reorder->after->closed[account])
        return;
    bits[row / 64] &= ~(UINT64_C(1) << row % 64);
    reorder->after->rows.rows--;
    reorder->after->opened_rows++;
}

/* Of a closed call whoever would pay, also where its row is in conflict by now. */
static uint32_t payer_of(const struct reorder *reorder, const struct toll_part_map *map,
                         const struct toll_cdr_batch *batch, int64_t i, bool closed)
{
    struct toll_row row;
    struct toll_payer payer;
    toll_row_read(reorder->rater, map, batch, i, &row);
    if (!closed && (row.kind & TOLL_KIND_CONFLICT) != 0)
        return 0;
    toll_payer_find(reorder->rater, &row, &payer);
    return (uint32_t)reorder->book->owners[payer.owner].account;
}

static int do_part(struct reorder *reorder, const struct toll_job_part *job, uint64_t *bits, bool opening,
                   struct toll_error *error)
{
    const uint32_t columns = reorder->rater->columns;
    int rc = 0;
    for (int64_t b = 0; rc == 0 && b < toll_cdr_part_batches(job->part); b++) {
        struct toll_cdr_batch batch;
        rc = toll_cdr_part_batch(job->part, b, columns, NULL, &batch, error);
        for (int64_t i = 0; rc == 0 && i < batch.rows; i++) {
            const int64_t row = b * TOLL_BATCH_ROWS + i;
            const toll_ms start = batch.start[i];
            if (start >= reorder->latest || toll_closed_row(bits, row) != opening)
                continue;
            const uint32_t account = payer_of(reorder, &job->lanes[0].map, &batch, i, opening);
            if (opening)
                open_row(reorder, bits, row, account, start);
            else
                see_late(reorder, account, start);
        }
    }
    return rc;
}

static int do_parts(struct reorder *reorder, const struct toll_dataset *dataset, size_t first, size_t last,
                    bool opening, struct toll_error *error)
{
    int rc = 0;
    for (size_t i = first; rc == 0 && i < last; i++) {
        uint64_t *bits = reorder->after->rows.bits[i - first];
        struct toll_part_set set;
        struct toll_strings texts = {0};
        if (dataset->parts[i].first_start >= reorder->latest || (opening && bits == NULL))
            continue;
        rc = toll_part_set_open(&set, reorder->rater, 1, dataset, i, i + 1, TOLL_READ_MMAP, 0, &texts, error);
        if (rc == 0) {
            rc = do_part(reorder, &set.parts[0], bits, opening, error);
            toll_part_set_close(&set);
        }
        toll_strings_free(&texts);
    }
    return rc;
}

/* ---- what remains of the state ---- */

static int64_t day_of(const char *text)
{
    int64_t day = 0;
    toll_day_parse(text, strlen(text), &day);
    return day;
}

/* Does a period begin behind the time from which on the account is open again? halved: it begins before, and
 * its rows have calls behind it, too. */
static bool is_open(const struct reorder *reorder, uint32_t account, int64_t first_day, int64_t next_day,
                    bool *halved)
{
    const struct toll_account *row = &reorder->book->accounts[account];
    const struct toll_zone *zone = reorder->book->zones[account == 0 ? 0 : row->zone];
    const toll_ms open = reorder->open[head_of(reorder, account)];
    toll_ms from, until;
    toll_zone_to_utc(zone, first_day * TOLL_DAY_MS, TOLL_FOLD_FIRST, &from);
    toll_zone_to_utc(zone, next_day * TOLL_DAY_MS, TOLL_FOLD_FIRST, &until);
    *halved |= account != 0 && from < open && until > open;
    return account != 0 && from >= open;
}

/* The first day of the next period, of one that begins on this day or, where the month has no such day, on
 * its last one. */
static int64_t next_of(int64_t first_day, int cycle_day)
{
    int year, month, day;
    toll_civil_from_days(first_day, &year, &month, &day);
    const int64_t months = (int64_t)year * 12 + month - 1;
    if (cycle_day == 0 || toll_cycle_first_day(cycle_day, months) != first_day)
        cycle_day = day;
    return toll_cycle_first_day(cycle_day, months + 1);
}

/* The day on which a bundle's periods begin; 0: the same each month. An anchor of 29 to 31 cannot be told
 * from a period's first day. */
static int anchor_of(const struct toll_pool_payers *payers, const char *name)
{
    const uint32_t bundle = toll_strings_find(&payers->bundles, name, strlen(name));
    const int anchor = bundle == 0 ? 0 : payers->book->bundles[bundle].anchor_day;
    return anchor == TOLL_ANCHOR_CYCLE ? 0 : anchor;
}

static int halved_period(const char *what, const char *name, struct toll_error *error)
{
    return toll_error_set(
        error, TOLL_EDATA,
        "late calls cannot be put in order: a period of %s %s does not begin with the billing "
        "periods, and is half closed; use --late append",
        what, name);
}

/* Of calls that are rated again the cost would draw again on what carriers give; whose calls drew there is
 * not known any more. */
static int check_costs(const struct reorder *reorder, const struct toll_pool_period_row *row,
                       struct toll_error *error)
{
    if (reorder->after->opened_rows == 0 || (row->used == 0 && row->over == 0))
        return 0;
    return toll_error_set(
        error, TOLL_EDATA,
        "late calls cannot be put in order: closed calls have drawn on bundle %s, pool %s, which "
        "is a carrier's or a trunk's (or no customer's any more); use --late append",
        row->bundle, row->pool);
}

static int keep_pools(struct reorder *reorder, const struct toll_pool_payers *payers,
                      struct toll_error *error)
{
    struct toll_after *after = reorder->after;
    struct toll_pools_before *before = &after->before;
    int64_t draw = 0, periods = 0, draws = 0;
    uint32_t account = 0;
    after->periods = calloc((size_t)before->period_count + 1, sizeof *after->periods);
    after->draws = calloc((size_t)before->draw_count + 1, sizeof *after->draws);
    if (after->periods == NULL || after->draws == NULL)
        return no_memory(error);
    for (int64_t i = 0; i < before->period_count; i++) {
        const struct toll_pool_period_row *row = &before->periods[i];
        const int64_t day = day_of(row->period);
        bool halved = false;
        if (i == 0 || row->id != row[-1].id)
            account = toll_pool_payer(payers, row);
        const bool open =
            is_open(reorder, account, day, next_of(day, anchor_of(payers, row->bundle)), &halved);
        const int rc = account == 0 && row->account[0] == 0 ? check_costs(reorder, row, error) : 0;
        if (halved || rc != 0)
            return rc != 0 ? rc : halved_period("bundle", row->bundle, error);
        if (!open)
            after->periods[periods++] = *row;
        for (; draw < before->draw_count && before->draws[draw].id == row->id &&
               strcmp(before->draws[draw].period, row->period) == 0;
             draw++)
            if (!open)
                after->draws[draws++] = before->draws[draw];
    }
    before->periods = after->periods;
    before->period_count = periods;
    before->draws = after->draws;
    before->draw_count = draws;
    return 0;
}

static int keep_counts(struct reorder *reorder, struct toll_error *error)
{
    struct toll_after *after = reorder->after;
    struct toll_pools_before *before = &after->before;
    int64_t counts = 0;
    after->counts = calloc((size_t)before->count_count + 1, sizeof *after->counts);
    if (after->counts == NULL)
        return no_memory(error);
    for (int64_t i = 0; i < before->count_count; i++) {
        const struct toll_tier_count_row *row = &before->counts[i];
        const int64_t day = day_of(row->period);
        bool halved = false;
        const bool open = is_open(reorder, toll_account_named(&reorder->names, row->account), day,
                                  next_of(day, 0), &halved);
        if (halved)
            return halved_period("tiers", row->tiers, error);
        if (!open)
            after->counts[counts++] = *row;
    }
    before->counts = after->counts;
    before->count_count = counts;
    return 0;
}

static int list_again(struct reorder *reorder, struct toll_error *error)
{
    struct toll_after *after = reorder->after;
    const struct toll_state *state = &after->state;
    after->again = calloc((size_t)state->charge_count + 1, sizeof *after->again);
    if (after->again == NULL)
        return no_memory(error);
    for (int64_t i = 0; i < state->charge_count; i++) {
        const struct toll_state_charge *row = &state->charges[i];
        const int64_t day = day_of(row->period);
        bool halved = false;
        if (is_open(reorder, toll_account_named(&reorder->names, row->account), day, next_of(day, 0),
                    &halved))
            after->again[after->again_count++] = *row;
    }
    return 0;
}

int toll_after_reorder(struct toll_after *after, const struct toll_rater *rater,
                       const struct toll_dataset *dataset, size_t first, size_t last,
                       struct toll_error *error)
{
    const struct toll_book *book = rater->book;
    struct reorder reorder = {.after = after,
                              .rater = rater,
                              .book = book,
                              .group = calloc(book->account_count + 1u, sizeof *reorder.group),
                              .open = calloc(book->account_count + 1u, sizeof *reorder.open),
                              .latest = TOLL_MS_MIN};
    struct toll_pool_payers payers = {0};
    int rc = reorder.group == NULL || reorder.open == NULL ? no_memory(error) : 0;
    if (rc == 0 && rater->cost != NULL && rater->cost->entitlements != NULL)
        rc =
            toll_error_set(error, TOLL_EBOOK,
                           "late calls cannot be put in order: carriers or trunks have bundles, on which the "
                           "costs of all accounts' calls draw; use --late append");
    for (uint32_t i = 0; rc == 0 && i < book->account_count; i++) {
        reorder.open[i] = TOLL_MS_MAX;
        if (after->closed[i] > reorder.latest)
            reorder.latest = after->closed[i];
    }
    if (rc == 0)
        rc = toll_account_names(book, &reorder.names, error);
    if (rc == 0)
        rc = make_groups(&reorder, error);
    if (rc == 0)
        rc = do_parts(&reorder, dataset, first, last, false, error);
    for (uint32_t i = 1; rc == 0 && i < book->account_count; i++) {
        const toll_ms open = reorder.open[head_of(&reorder, i)];
        if (open < after->closed[i])
            after->closed[i] = open;
    }
    if (rc == 0)
        rc = do_parts(&reorder, dataset, first, last, true, error);
    if (rc == 0)
        rc = toll_pool_payers_make(&payers, book, &reorder.names, error);
    if (rc == 0)
        rc = keep_pools(&reorder, &payers, error);
    toll_pool_payers_free(&payers);
    if (rc == 0)
        rc = keep_counts(&reorder, error);
    if (rc == 0)
        rc = list_again(&reorder, error);
    toll_strings_free(&reorder.names);
    free(reorder.group);
    free(reorder.open);
    return rc;
}
