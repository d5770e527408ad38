/*
 * What both runs charge by account, site and currency, and what moved: old and delta must be new, and the
 * sums those of both manifests. That is our proof that no changed line was overlooked; where it does not
 * hold, nothing is published.
 */
#include "pipeline/delta.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

struct toll_delta_sums_of *toll_delta_sums_at(struct toll_delta_maker *maker, uint32_t payer)
{
    if (payer >= maker->sum_room) {
        const uint32_t room = 2 * payer + 64;
        struct toll_delta_sums_of *grown = realloc(maker->sums, room * sizeof *grown);
        if (grown == NULL)
            return NULL;
        memset(grown + maker->sum_room, 0, (room - maker->sum_room) * sizeof *grown);
        maker->sums = grown;
        maker->sum_room = room;
    }
    return &maker->sums[payer];
}

struct toll_delta_reasons_of *toll_delta_reasons_at(struct toll_delta_maker *maker, uint32_t payer)
{
    struct toll_delta_sums_of *sums = toll_delta_sums_at(maker, payer);
    if (sums == NULL)
        return NULL;
    if (sums->reasons == 0) {
        if (maker->reason_count == maker->reason_room) {
            const int32_t room = 2 * maker->reason_room + 64;
            struct toll_delta_reasons_of *grown = realloc(maker->reasons, (size_t)room * sizeof *grown);
            if (grown == NULL)
                return NULL;
            maker->reasons = grown;
            maker->reason_room = room;
        }
        memset(&maker->reasons[maker->reason_count], 0, sizeof *maker->reasons);
        sums->reasons = ++maker->reason_count;
    }
    return &maker->reasons[sums->reasons - 1];
}

/* ---- what the runs say ---- */

static struct toll_delta_sums_of *sums_of(struct toll_delta_maker *maker,
                                          const struct toll_account_row *account, const char *site)
{
    const uint32_t payer = toll_delta_payer_of(maker, account->account, site, account->currency);
    return payer == 0 ? NULL : toll_delta_sums_at(maker, payer);
}

/* The new run's, where both have the same tables. */
static bool add_likewise(struct toll_delta_maker *maker)
{
    const struct toll_run_tables *before = &maker->sides[TOLL_DELTA_OLD].run.tables,
                                 *after = &maker->sides[TOLL_DELTA_NEW].run.tables;
    if (before->accounts != after->accounts || before->buckets != after->buckets ||
        before->periods != after->periods)
        return false;
    for (uint32_t id = 0; id < maker->sum_room; id++) {
        struct toll_delta_sums_of *sums = &maker->sums[id];
        sums->rows[TOLL_DELTA_NEW] = sums->rows[TOLL_DELTA_OLD];
        sums->charge[TOLL_DELTA_NEW] = sums->charge[TOLL_DELTA_OLD];
        sums->periods[TOLL_DELTA_NEW] = sums->periods[TOLL_DELTA_OLD];
    }
    return true;
}

static int add_run(struct toll_delta_maker *maker, unsigned s, struct toll_error *error)
{
    const struct toll_run_tables *tables = &maker->sides[s].run.tables;
    struct toll_delta_sums_of *sums = NULL;
    if (s == TOLL_DELTA_NEW && add_likewise(maker))
        return 0;
    for (int64_t i = 0; i < tables->bucket_count; i++) {
        const struct toll_bucket_row *row = &tables->buckets[i];
        /* Those of one account and site follow each other. */
        if (sums == NULL || row->account != row[-1].account || strcmp(row->site, row[-1].site) != 0)
            sums = sums_of(maker, &tables->accounts[row->account], row->site);
        if (sums == NULL)
            return toll_delta_no_memory(error);
        sums->rows[s] += row->count;
        sums->charge[s] += row->charge;
    }
    for (int64_t i = 0; i < tables->period_count; i++) {
        const struct toll_period_row *row = &tables->periods[i];
        sums = sums_of(maker, &tables->accounts[row->account], "");
        if (sums == NULL)
            return toll_delta_no_memory(error);
        sums->periods[s] += row->charge;
    }
    return 0;
}

/* ---- checks ---- */

static int not_new(const struct toll_delta_maker *maker, const struct toll_delta_payer *payer,
                   const char *what, struct toll_error *error)
{
    return toll_error_set(
        error, TOLL_EDATA,
        "%s and %s: account '%s', site '%s': the %s of the old run and of the changed lines "
        "are not those of the new run: verify both runs, and rate the damaged one again",
        maker->sides[0].run.path, maker->sides[1].run.path, payer->account_text, payer->site, what);
}

static int check_payer(const struct toll_delta_maker *maker, uint32_t id, struct toll_error *error)
{
    const struct toll_delta_payer *payer = &maker->payers[id];
    const struct toll_delta_sums_of *sums = &maker->sums[id];
    if (sums->rows[0] + sums->moved_rows != sums->rows[1])
        return not_new(maker, payer, "lines", error);
    if (sums->charge[0] + sums->moved_charge != sums->charge[1])
        return not_new(maker, payer, "charges", error);
    if (sums->cost[0] + sums->moved_cost != sums->cost[1])
        return not_new(maker, payer, "costs", error);
    return 0;
}

static int wrong_total(const struct toll_delta_run *side, const char *what, const char *currency,
                       struct toll_error *error)
{
    return toll_error_set(
        error, TOLL_EDATA,
        "%s: the %s of its accounts in %s are not those of run.json: verify it, and rate it "
        "again",
        side->run.path, what, currency);
}

static const struct toll_delta_total *total_of(const struct toll_delta_manifest *manifest,
                                               const char *currency)
{
    static const struct toll_delta_total none;
    for (int i = 0; i < manifest->total_count; i++)
        if (strcmp(manifest->totals[i].currency, currency) == 0)
            return &manifest->totals[i];
    return &none;
}

static int check_run(const struct toll_delta_run *side, const struct toll_delta_manifest *manifest, bool old,
                     struct toll_error *error)
{
    const struct toll_run_manifest *run = &side->run.manifest;
    toll_total charges = 0, costs = 0, run_charges = 0, run_costs = 0;
    for (int i = 0; i < run->total_count; i++) {
        const struct toll_delta_total *total = total_of(manifest, run->totals[i].currency);
        run_charges += run->totals[i].charge;
        if (run->totals[i].charge !=
            (old ? total->old_charge + total->old_periods : total->new_charge + total->new_periods))
            return wrong_total(side, "charges", run->totals[i].currency, error);
    }
    for (int i = 0; i < run->cost_count; i++) {
        const struct toll_delta_total *total = total_of(manifest, run->costs[i].currency);
        run_costs += run->costs[i].cost;
        if (run->costs[i].cost != (old ? total->old_cost : total->new_cost))
            return wrong_total(side, "costs", run->costs[i].currency, error);
    }
    for (int i = 0; i < manifest->total_count; i++) {
        const struct toll_delta_total *total = &manifest->totals[i];
        charges += old ? total->old_charge + total->old_periods : total->new_charge + total->new_periods;
        costs += old ? total->old_cost : total->new_cost;
    }
    return charges != run_charges ? wrong_total(side, "charges", "all currencies", error)
           : costs != run_costs   ? wrong_total(side, "costs", "all currencies", error)
                                  : 0;
}

/* ---- rows ---- */

static int by_names(const void *a, const void *b, void *context)
{
    const struct toll_delta_maker *maker = context;
    const struct toll_delta_payer *x = &maker->payers[*(const uint32_t *)a],
                                  *y = &maker->payers[*(const uint32_t *)b];
    int order = strcmp(x->account_text, y->account_text);
    if (order == 0)
        order = strcmp(x->site, y->site);
    return order != 0 ? order : strcmp(x->currency, y->currency);
}

static bool is_empty(const struct toll_delta_sums_of *sums)
{
    return sums->lines == 0 && (sums->rows[0] | sums->rows[1]) == 0 && sums->charge[0] == 0 &&
           sums->charge[1] == 0 && sums->periods[0] == 0 && sums->periods[1] == 0 && sums->cost[0] == 0 &&
           sums->cost[1] == 0;
}

/* Ids of the payers that have sums, in order of their names. NULL: no memory. */
static uint32_t *list_payers(struct toll_delta_maker *maker, size_t *count)
{
    uint32_t *list = malloc((maker->payer_count + 1u) * sizeof *list);
    *count = 0;
    for (uint32_t id = 1; list != NULL && id <= maker->payer_count; id++)
        if (id < maker->sum_room && !is_empty(&maker->sums[id]))
            list[(*count)++] = id;
    if (list != NULL && *count > 0)
        qsort_r(list, *count, sizeof *list, by_names, maker);
    return list;
}

static bool narrow(const struct toll_delta_sums_of *sums, struct toll_delta_sum_row *row)
{
    return toll_money_narrow(sums->charge[0], &row->old_charge) &&
           toll_money_narrow(sums->charge[1], &row->new_charge) &&
           toll_money_narrow(sums->periods[0], &row->old_periods) &&
           toll_money_narrow(sums->periods[1], &row->new_periods) &&
           toll_money_narrow(sums->cost[0], &row->old_cost) &&
           toll_money_narrow(sums->cost[1], &row->new_cost);
}

static int too_much(const struct toll_delta_payer *payer, struct toll_error *error)
{
    return toll_error_set(error, TOLL_EDATA,
                          "account '%s': its money passes 92 billion %s; compare fewer days",
                          payer->account_text, payer->currency);
}

static int add_total(struct toll_delta_manifest *manifest, const char *currency,
                     const struct toll_delta_sums_of *sums, struct toll_error *error)
{
    int place = 0;
    while (place < manifest->total_count && strcmp(manifest->totals[place].currency, currency) < 0)
        place++;
    if (place == manifest->total_count || strcmp(manifest->totals[place].currency, currency) != 0) {
        if (manifest->total_count == TOLL_RUN_TOTALS)
            return toll_error_set(error, TOLL_EDATA, "both runs together have more than %d currencies",
                                  TOLL_RUN_TOTALS);
        memmove(&manifest->totals[place + 1], &manifest->totals[place],
                (size_t)(manifest->total_count - place) * sizeof *manifest->totals);
        manifest->totals[place] = (struct toll_delta_total){.currency = currency};
        manifest->total_count++;
    }
    struct toll_delta_total *total = &manifest->totals[place];
    total->old_rows += sums->rows[0];
    total->new_rows += sums->rows[1];
    total->old_charge += sums->charge[0];
    total->new_charge += sums->charge[1];
    total->old_periods += sums->periods[0];
    total->new_periods += sums->periods[1];
    total->old_cost += sums->cost[0];
    total->new_cost += sums->cost[1];
    return 0;
}

/* Of one payer: its sum, and its reasons behind the others. */
static int fill_rows(struct toll_delta_maker *maker, uint32_t id, int64_t place,
                     struct toll_delta_sum_row *sum, struct toll_delta_reason_row *reasons, int64_t *count,
                     struct toll_error *error)
{
    const struct toll_delta_payer *payer = &maker->payers[id];
    const struct toll_delta_sums_of *sums = &maker->sums[id];
    *sum = (struct toll_delta_sum_row){.account = payer->account_text,
                                       .name = toll_delta_name(maker, payer->account),
                                       .site = payer->site,
                                       .currency = payer->currency,
                                       .lines = sums->lines,
                                       .old_rows = sums->rows[0],
                                       .new_rows = sums->rows[1]};
    if (!narrow(sums, sum))
        return too_much(payer, error);
    for (unsigned reason = 0; sums->reasons != 0 && reason < TOLL_DELTA_REASONS; reason++) {
        const struct toll_delta_reasons_of *of = &maker->reasons[sums->reasons - 1];
        struct toll_delta_reason_row *row = &reasons[*count];
        if (of->lines[reason] == 0 && of->charge[reason] == 0 && of->cost[reason] == 0)
            continue;
        *row = (struct toll_delta_reason_row){
            .sum = place, .reason = toll_delta_reason_name(reason), .lines = of->lines[reason]};
        if (!toll_money_narrow(of->charge[reason], &row->charge) ||
            !toll_money_narrow(of->cost[reason], &row->cost))
            return too_much(payer, error);
        ++*count;
    }
    return 0;
}

int toll_delta_sums(struct toll_delta_maker *maker, struct toll_delta_manifest *manifest,
                    struct toll_error *error)
{
    struct toll_delta_sum_row *rows = NULL;
    struct toll_delta_reason_row *reasons = NULL;
    int64_t reason_count = 0;
    size_t count = 0;
    uint32_t *payers = NULL;
    int rc = add_run(maker, 0, error);
    if (rc == 0)
        rc = add_run(maker, 1, error);
    if (rc == 0) {
        payers = list_payers(maker, &count);
        rows = malloc((count + 1) * sizeof *rows);
        reasons = malloc(((size_t)maker->reason_count * TOLL_DELTA_REASONS + 1) * sizeof *reasons);
        if (payers == NULL || rows == NULL || reasons == NULL)
            rc = toll_delta_no_memory(error);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = check_payer(maker, payers[i], error);
        if (rc == 0)
            rc = fill_rows(maker, payers[i], (int64_t)i, &rows[i], reasons, &reason_count, error);
        maker->result->moved |= rc == 0 && rows[i].old_periods != rows[i].new_periods;
        if (rc == 0)
            rc = add_total(manifest, maker->payers[payers[i]].currency, &maker->sums[payers[i]], error);
    }
    if (rc == 0)
        rc = check_run(&maker->sides[0], manifest, true, error);
    if (rc == 0)
        rc = check_run(&maker->sides[1], manifest, false, error);
    if (rc == 0)
        rc = toll_delta_add_sums(maker->writer, rows, (int64_t)count, error);
    if (rc == 0)
        rc = toll_delta_add_reasons(maker->writer, reasons, reason_count, error);
    free(payers);
    free(rows);
    free(reasons);
    return rc;
}
