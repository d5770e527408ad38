/* The public reader of a delta (tollmill_delta.h): its tables by index, its lines day by day. */
#include "segment/delta.h"

#include "base/error.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

struct toll_delta {
    struct toll_delta_files files;
    size_t day; /* the one that is open; day_count: none */
    int64_t row;
    struct toll_delta_line_row *rows;
    char old_day[TOLL_TIME_TEXT_BYTES], new_day[TOLL_TIME_TEXT_BYTES];
    int64_t *first_reasons; /* of each sum, in reasons */
};

static int list_reasons(struct toll_delta *delta, struct toll_error *error)
{
    const struct toll_delta_tables *tables = &delta->files.tables;
    delta->first_reasons = calloc((size_t)tables->sum_count + 1, sizeof *delta->first_reasons);
    if (delta->first_reasons == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", delta->files.path);
    for (int64_t i = 0, at = 0; i <= tables->sum_count; i++) {
        while (at < tables->reason_count && tables->reasons[at].sum < i)
            at++;
        delta->first_reasons[i] = at;
    }
    return 0;
}

int toll_delta_open(const char *path, struct toll_delta **out, struct toll_error *error)
{
    struct toll_delta *delta = calloc(1, sizeof *delta);
    *out = NULL;
    if (delta == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", path);
    int rc = toll_delta_files_open(&delta->files, toll_io_system(), path, error);
    if (rc == 0)
        rc = list_reasons(delta, error);
    if (rc != 0) {
        toll_delta_close(delta);
        return rc;
    }
    toll_delta_rewind(delta);
    *out = delta;
    return 0;
}

void toll_delta_close(struct toll_delta *delta)
{
    if (delta == NULL)
        return;
    free(delta->rows);
    free(delta->first_reasons);
    toll_delta_files_close(&delta->files);
    free(delta);
}

void toll_delta_facts(const struct toll_delta *delta, struct toll_delta_facts *out)
{
    const struct toll_delta_manifest *manifest = &delta->files.manifest;
    const struct toll_delta_tables *tables = &delta->files.tables;
    memset(out, 0, sizeof *out);
    toll_hash_text(delta->files.digest, out->digest);
    toll_hash_text(manifest->old_run, out->old_run);
    toll_hash_text(manifest->new_run, out->new_run);
    toll_hash_text(manifest->old_book, out->old_book);
    toll_hash_text(manifest->new_book, out->new_book);
    toll_hash_text(manifest->old_cdrs, out->old_cdrs);
    toll_hash_text(manifest->new_cdrs, out->new_cdrs);
    out->old_rows = manifest->old_rows;
    out->new_rows = manifest->new_rows;
    out->changed = manifest->changed;
    memcpy(out->reason_rows, manifest->reason_rows, sizeof out->reason_rows);
    out->sums = tables->sum_count;
    out->taxes = tables->tax_count;
    out->adjusting = tables->adjusting_count;
    out->adjusting_taxes = tables->adjusting_tax_count;
    out->days = (int64_t)manifest->day_count;
    out->has_closed = manifest->has_closed;
    out->policy.approve_above = INT64_MAX;
    out->policy.back_bill_days = -1;
    if (!manifest->has_closed)
        return;
    toll_day_format(manifest->closed_until, out->closed_until);
    strncpy(out->report_period, manifest->report_period, sizeof out->report_period - 1);
    strncpy(out->today, manifest->today, sizeof out->today - 1);
    out->policy.credits_only = manifest->credits_only;
    out->policy.minimum = manifest->minimum;
    out->policy.approve_above = manifest->approve_above;
    out->policy.back_bill_days = manifest->back_bill_days;
}

/* ---- lines ---- */

void toll_delta_rewind(struct toll_delta *delta)
{
    free(delta->rows);
    delta->rows = NULL;
    delta->day = 0;
    delta->row = 0;
}

static void fill_price(const struct toll_delta_tables *tables, int32_t id, struct toll_delta_state *out)
{
    out->price_kind = out->plan = out->deck = out->prefix = out->destination = out->band = out->price_file =
        "";
    if (id == 0)
        return;
    const struct toll_price_row *price = &tables->prices[id - 1];
    out->price_kind = price->kind;
    out->plan = price->plan;
    out->deck = price->deck;
    out->prefix = price->prefix;
    out->destination = price->destination;
    out->band = price->band;
    out->price_file = price->file;
    out->price_line = price->line;
    out->rate = price->rate;
    out->per_units = price->per_units;
    out->connect_fee = price->connect_fee;
}

static void fill_state(const struct toll_delta_tables *tables, const struct toll_delta_side_row *row,
                       bool has_cost, const char *day, struct toll_delta_state *out)
{
    memset(out, 0, sizeof *out);
    out->day = out->account = out->site = out->currency = out->pool_bundle = "";
    out->row = row->row;
    fill_price(tables, row->row < 0 ? 0 : row->price, out);
    if (row->row < 0)
        return;
    const struct toll_delta_payer_row *payer = &tables->payers[row->payer - 1];
    out->day = day;
    out->status = row->status;
    out->class_ = row->class_jurisdiction >> 4;
    out->jurisdiction = row->class_jurisdiction & 15;
    out->account = payer->account;
    out->site = payer->site;
    out->currency = payer->currency;
    out->billed = row->billed;
    out->included = row->included;
    out->charge = row->charge;
    out->has_cost = has_cost && toll_cost_takes_part(row->cost_status);
    out->cost_status = row->cost_status;
    out->cost = row->cost;
    if (row->pool != 0)
        out->pool_bundle = tables->pools[row->pool - 1].bundle;
}

int toll_delta_next(struct toll_delta *delta, struct toll_delta_line *line, struct toll_error *error)
{
    const struct toll_delta_manifest *manifest = &delta->files.manifest;
    if (delta->rows != NULL && delta->row == manifest->days[delta->day].rows) {
        free(delta->rows);
        delta->rows = NULL;
        delta->day++;
        delta->row = 0;
    }
    if (delta->day == manifest->day_count)
        return 0;
    if (delta->rows == NULL) {
        const int rc = toll_delta_files_lines(&delta->files, delta->day, &delta->rows, error);
        if (rc != 0)
            return rc;
        toll_day_format(manifest->days[delta->day].day, delta->new_day);
    }
    const struct toll_delta_line_row *row = &delta->rows[delta->row++];
    if (row->before.row >= 0)
        toll_day_format(row->before.day, delta->old_day);
    line->record_key[0] = row->key_high;
    line->record_key[1] = row->key_low;
    line->reasons = row->reasons;
    line->reason = (enum toll_delta_reason)__builtin_ctz(row->reasons);
    line->closed = row->closed != 0;
    fill_state(&delta->files.tables, &row->before, manifest->old_has_cost, delta->old_day, &line->before);
    fill_state(&delta->files.tables, &row->after, manifest->new_has_cost, delta->new_day, &line->after);
    return 1;
}

/* ---- tables ---- */

static struct toll_sum sum_from(int64_t money)
{
    struct toll_sum sum = {0};
    toll_sum_add(&sum, money);
    return sum;
}

bool toll_delta_sum(const struct toll_delta *delta, int64_t index, struct toll_delta_sum *out)
{
    const struct toll_delta_tables *tables = &delta->files.tables;
    if (index < 0 || index >= tables->sum_count)
        return false;
    const struct toll_delta_sum_row *row = &tables->sums[index];
    *out = (struct toll_delta_sum){
        .account = row->account,
        .account_name = row->name,
        .site = row->site,
        .currency = row->currency,
        .lines = row->lines,
        .before = {row->old_rows, sum_from(row->old_charge), sum_from(row->old_periods),
                   sum_from(row->old_cost)},
        .after = {row->new_rows, sum_from(row->new_charge), sum_from(row->new_periods),
                  sum_from(row->new_cost)},
    };
    for (int64_t i = delta->first_reasons[index]; i < delta->first_reasons[index + 1]; i++)
        for (unsigned reason = 0; reason < TOLL_DELTA_REASONS; reason++)
            if (strcmp(tables->reasons[i].reason, toll_delta_reason_name(reason)) == 0) {
                out->reason_rows[reason] = tables->reasons[i].lines;
                out->reason_charge[reason] = sum_from(tables->reasons[i].charge);
            }
    return true;
}

bool toll_delta_tax(const struct toll_delta *delta, int64_t index, struct toll_delta_tax *out)
{
    const struct toll_delta_tables *tables = &delta->files.tables;
    if (index < 0 || index >= tables->tax_count)
        return false;
    const struct toll_delta_tax_row *row = &tables->taxes[index];
    *out = (struct toll_delta_tax){
        .period = row->period,
        .account = row->account,
        .site = row->site,
        .currency = row->currency,
        .tax_jurisdiction = row->tax_jurisdiction,
        .level = row->level,
        .tax = row->tax,
        .name = row->name,
        .billable = row->billable != 0,
        .before_cents = row->old_cents,
        .after_cents = row->new_cents,
    };
    return true;
}

bool toll_delta_adjusting(const struct toll_delta *delta, int64_t index, struct toll_adjusting_line *out)
{
    const struct toll_delta_tables *tables = &delta->files.tables;
    if (index < 0 || index >= tables->adjusting_count)
        return false;
    const struct toll_adjusting_row *row = &tables->adjusting[index];
    *out = (struct toll_adjusting_line){
        .id = row->id,
        .account = row->account,
        .account_name = row->name,
        .site = row->site,
        .currency = row->currency,
        .period = row->period,
        .reason = row->reason,
        .tax_services = row->tax_services,
        .kind = row->kind,
        .status = row->status,
        .calls = row->calls,
        .before = row->old_charge,
        .after = row->new_charge,
    };
    return true;
}

bool toll_delta_adjusting_tax(const struct toll_delta *delta, int64_t index, struct toll_adjusting_tax *out)
{
    const struct toll_delta_tables *tables = &delta->files.tables;
    if (index < 0 || index >= tables->adjusting_tax_count)
        return false;
    const struct toll_adjusting_tax_row *row = &tables->adjusting_taxes[index];
    *out = (struct toll_adjusting_tax){
        .account = row->account,
        .site = row->site,
        .currency = row->currency,
        .period = row->period,
        .report_period = row->report_period,
        .tax_jurisdiction = row->tax_jurisdiction,
        .level = row->level,
        .tax = row->tax,
        .name = row->name,
        .status = row->status,
        .billable = row->billable != 0,
        .before_cents = row->old_cents,
        .after_cents = row->new_cents,
    };
    return true;
}
