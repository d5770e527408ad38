/* What a delta must satisfy by itself: ids, order, and that old + delta = new in every sum. */
#include "base/money.h"
#include "segment/delta_files.h"

#include <string.h>

/* ---- tables ---- */

static bool ids_good(const struct toll_delta_tables *tables)
{
    for (int64_t i = 0; i < tables->payer_count; i++)
        if (tables->payers[i].id != i + 1)
            return false;
    for (int64_t i = 0; i < tables->price_count; i++)
        if (tables->prices[i].id != i + 1)
            return false;
    for (int64_t i = 0; i < tables->pool_count; i++)
        if (tables->pools[i].id != i + 1)
            return false;
    for (int64_t i = 0; i < tables->tuple_count; i++)
        if (tables->tuples[i].id != i + 1)
            return false;
    return true;
}

static int compare_sums(const struct toll_delta_sum_row *a, const struct toll_delta_sum_row *b)
{
    int order = strcmp(a->account, b->account);
    if (order == 0)
        order = strcmp(a->site, b->site);
    return order != 0 ? order : strcmp(a->currency, b->currency);
}

static int compare_taxes(const struct toll_delta_tax_row *a, const struct toll_delta_tax_row *b)
{
    const char *const x[] = {a->period,           a->account, a->site, a->currency,
                             a->tax_jurisdiction, a->level,   a->tax,  a->name};
    const char *const y[] = {b->period,           b->account, b->site, b->currency,
                             b->tax_jurisdiction, b->level,   b->tax,  b->name};
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
        const int order = strcmp(x[i], y[i]);
        if (order != 0)
            return order;
    }
    return a->billable - b->billable;
}

/* As an amount of money they must fit, too. */
static bool cents_good(int64_t cents)
{
    const int64_t most = INT64_MAX / (TOLL_MONEY_UNIT / 100);
    return cents >= -most && cents <= most;
}

static const char *taxes_fault(const struct toll_delta_tables *tables)
{
    for (int64_t i = 0; i < tables->tax_count; i++) {
        const struct toll_delta_tax_row *row = &tables->taxes[i];
        if (row->billable < 0 || row->billable > 1 || row->old_cents == row->new_cents ||
            !cents_good(row->old_cents) || !cents_good(row->new_cents))
            return "a row of taxes.arrow is impossible";
        if (i > 0 && compare_taxes(row - 1, row) >= 0)
            return "taxes.arrow is not in order";
    }
    return NULL;
}

static bool one_of(const char *text, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(text, *list) == 0)
            return true;
    return false;
}

static const char *adjusting_fault(const struct toll_delta_manifest *manifest,
                                   const struct toll_delta_tables *tables)
{
    static const char *const statuses[] = {"due", "waived", "below_minimum", "too_old", "to_approve", NULL};
    if (!manifest->has_closed && tables->adjusting_count + tables->adjusting_tax_count > 0)
        return "it has adjusting.arrow or adjusting_taxes.arrow although nothing was billed";
    for (int64_t i = 0; i < tables->adjusting_count; i++) {
        const struct toll_adjusting_row *row = &tables->adjusting[i];
        const char *kind = row->new_charge > row->old_charge ? "debit" : "credit";
        if (row->id != i + 1 || row->calls < 0 || row->new_charge == row->old_charge ||
            strcmp(row->kind, kind) != 0 || !one_of(row->status, statuses))
            return "a row of adjusting.arrow is impossible";
    }
    for (int64_t i = 0; i < tables->adjusting_tax_count; i++) {
        const struct toll_adjusting_tax_row *row = &tables->adjusting_taxes[i];
        if (row->billable < 0 || row->billable > 1 || !one_of(row->status, statuses) ||
            !cents_good(row->old_cents) || !cents_good(row->new_cents))
            return "a row of adjusting_taxes.arrow is impossible";
    }
    return NULL;
}

/* ---- sums ---- */

struct difference {
    toll_total lines, charge, cost;
};

static void add_total(struct toll_delta_total *total, const struct toll_delta_sum_row *sum)
{
    total->old_rows += sum->old_rows;
    total->new_rows += sum->new_rows;
    total->old_charge += sum->old_charge;
    total->new_charge += sum->new_charge;
    total->old_periods += sum->old_periods;
    total->new_periods += sum->new_periods;
    total->old_cost += sum->old_cost;
    total->new_cost += sum->new_cost;
}

static bool totals_equal(const struct toll_delta_total *a, const struct toll_delta_total *b)
{
    return a->old_rows == b->old_rows && a->new_rows == b->new_rows && a->old_charge == b->old_charge &&
           a->new_charge == b->new_charge && a->old_periods == b->old_periods &&
           a->new_periods == b->new_periods && a->old_cost == b->old_cost && a->new_cost == b->new_cost;
}

static const char *totals_fault(const struct toll_delta_manifest *manifest,
                                const struct toll_delta_tables *tables)
{
    struct toll_delta_total totals[TOLL_RUN_TOTALS] = {{0}};
    for (int64_t i = 0; i < tables->sum_count; i++) {
        int k = 0;
        while (k < manifest->total_count &&
               strcmp(manifest->totals[k].currency, tables->sums[i].currency) != 0)
            k++;
        if (k == manifest->total_count)
            return "a currency of sums.arrow has no total";
        add_total(&totals[k], &tables->sums[i]);
    }
    for (int k = 0; k < manifest->total_count; k++)
        if (!totals_equal(&totals[k], &manifest->totals[k]))
            return "sums.arrow does not add up to the totals";
    return NULL;
}

static const char *sums_fault(const struct toll_delta_tables *tables)
{
    int64_t at = 0;
    for (int64_t i = 0; i < tables->sum_count; i++) {
        const struct toll_delta_sum_row *sum = &tables->sums[i];
        struct difference moved = {0};
        if (sum->lines < 0 || sum->old_rows < 0 || sum->new_rows < 0)
            return "a row of sums.arrow is impossible";
        if (i > 0 && compare_sums(sum - 1, sum) >= 0)
            return "sums.arrow is not in order";
        for (unsigned last = 0; at < tables->reason_count && tables->reasons[at].sum == i; at++) {
            const struct toll_delta_reason_row *row = &tables->reasons[at];
            const unsigned reason = toll_delta_reason_of(row->reason);
            if (reason == TOLL_DELTA_REASONS || reason < last || row->lines < 1)
                return "a row of reasons.arrow is impossible";
            last = reason + 1;
            moved.lines += row->lines;
            moved.charge += row->charge;
            moved.cost += row->cost;
        }
        if (moved.lines != sum->lines || sum->old_charge + moved.charge != sum->new_charge ||
            sum->old_cost + moved.cost != sum->new_cost)
            return "old and delta are not new in sums.arrow";
    }
    return at == tables->reason_count ? NULL : "reasons.arrow is not in order";
}

const char *toll_delta_fault(const struct toll_delta_manifest *manifest,
                             const struct toll_delta_tables *tables)
{
    toll_total rows = 0, reasons = 0;
    for (size_t i = 0; i < manifest->day_count; i++)
        rows += manifest->days[i].rows;
    for (unsigned i = 0; i < TOLL_DELTA_REASONS; i++)
        reasons += manifest->reason_rows[i];
    if (rows != manifest->changed || reasons != manifest->changed)
        return "its days or its reasons have other lines than it";
    if (!ids_good(tables))
        return "the ids of a table are wrong";
    const char *fault = sums_fault(tables);
    if (!fault)
        fault = totals_fault(manifest, tables);
    if (!fault)
        fault = taxes_fault(tables);
    return fault ? fault : adjusting_fault(manifest, tables);
}

/* ---- lines ---- */

static bool id_good(int32_t id, int64_t count)
{
    return id >= 0 && id <= count;
}

static bool status_good(unsigned status)
{
    return status < TOLL_STATUS_COUNT && toll_status_name(status)[0] != 0;
}

static bool side_good(const struct toll_delta_tables *tables, const struct toll_delta_side_row *side)
{
    static const struct toll_delta_side_row none = {.row = -1};
    if (side->row < 0)
        return side->row == -1 && side->charge == 0 && side->cost == 0 && side->day == none.day &&
               (side->payer | side->price | side->pool | side->tuple | side->cost_price | side->billed |
                side->included | side->status | side->class_jurisdiction | side->cost_status) == 0;
    return side->payer >= 1 && id_good(side->payer, tables->payer_count) &&
           id_good(side->price, tables->price_count) && id_good(side->pool, tables->pool_count) &&
           id_good(side->tuple, tables->tuple_count) && id_good(side->cost_price, tables->price_count) &&
           side->billed >= 0 && side->included >= 0 && status_good(side->status) &&
           status_good(side->cost_status) && side->class_jurisdiction >> 4 < TOLL_CLASSES &&
           (side->class_jurisdiction & 15) < TOLL_CALL_JURISDICTIONS;
}

const char *toll_delta_line_fault(const struct toll_delta_manifest *manifest,
                                  const struct toll_delta_tables *tables,
                                  const struct toll_delta_line_row *row, int64_t day)
{
    const unsigned appeared = 1u << TOLL_DELTA_APPEARED, vanished = 1u << TOLL_DELTA_VANISHED;
    if (row->reasons == 0 || row->reasons >= 1u << TOLL_DELTA_REASONS || row->closed > 1 ||
        (row->closed && !manifest->has_closed))
        return "its reasons are impossible";
    if ((row->before.row < 0) != (row->reasons == appeared) ||
        (row->after.row < 0) != (row->reasons == vanished) ||
        ((row->reasons & (appeared | vanished)) != 0 && row->before.row >= 0 && row->after.row >= 0))
        return "what it has of old and new is not what its reasons say";
    if (row->after.row < 0 && row->before.day != day)
        return "it is among the lines of another day";
    return side_good(tables, &row->before) && side_good(tables, &row->after)
               ? NULL
               : "a value or an id is out of its range";
}
