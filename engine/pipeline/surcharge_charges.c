/* From counts to charges: which come to something, in the order in which a run has them. */
#include "pipeline/surcharges.h"

#include "base/error.h"
#include "rating/surcharge.h"

#include <stdlib.h>
#include <string.h>

static int by_business_key(const void *a, const void *b)
{
    const struct toll_period_charge_entry *x = a, *y = b;
    int order = strcmp(x->period, y->period);
    if (order == 0)
        order = strcmp(x->account, y->account);
    if (order == 0)
        order = strcmp(x->row.site, y->row.site);
    if (order == 0)
        order = strcmp(x->row.number, y->row.number);
    if (order == 0)
        order = strcmp(x->row.tiers, y->row.tiers);
    if (order == 0)
        order = strcmp(x->row.kind, y->row.kind);
    return order != 0 ? order : (x->row.line > y->row.line) - (x->row.line < y->row.line);
}

/* 0, and nothing if no call is charged. */
static int charge_sum(const struct toll_book *book, const struct toll_surcharge_sum *sum,
                      struct toll_period_charge_entry *entry, size_t *count, struct toll_error *error)
{
    const struct toll_surcharge *surcharge = &book->surcharges[sum->row];
    const struct toll_account *account = &book->accounts[sum->account];
    const char *kind = toll_surcharge_measure_name((unsigned)surcharge->measure);
    const bool of_site = surcharge->level == TOLL_LEVEL_SITE;
    *entry = (struct toll_period_charge_entry){
        .row = {.account = sum->account,
                .site = of_site ? toll_book_string(book, book->sites[surcharge->subject].site) : "",
                .number = "",
                .tiers = "",
                .kind = kind,
                .calls = sum->calls,
                .counted = sum->counted,
                .amount = surcharge->amount,
                .file = toll_book_string(book, surcharge->file),
                .line = (int32_t)surcharge->line},
        .account = toll_book_string(book, account->account)};
    toll_day_format(sum->day, entry->period);
    if (!toll_surcharge_charge(surcharge, book->decimals, book->rounding, sum->calls, sum->counted,
                               &entry->row.charged, &entry->row.charge))
        return toll_error_set(error, TOLL_EDATA,
                              "the surcharge of account %s on %s, %s line %u, is more than 92 billion %s; "
                              "correct its amount",
                              entry->account, kind, entry->row.file, surcharge->line,
                              toll_book_string(book, account->currency));
    *count += entry->row.charged > 0;
    return 0;
}

int toll_surcharges_charge(struct toll_surcharge_counts *counts, const struct toll_book *book,
                           struct toll_period_charges *out, struct toll_error *error)
{
    size_t places, sums = 0;
    int rc = 0;
    *out = (struct toll_period_charges){0};
    if (counts == NULL)
        return 0;
    const struct toll_surcharge_sum *sum = toll_surcharge_sums(counts, &places);
    for (size_t i = 0; sum != NULL && i < places; i++)
        sums += sum[i].row != 0;
    struct toll_period_charge_entry *entries = malloc((sums + 1) * sizeof *entries);
    if (sum == NULL || entries == NULL)
        rc = toll_error_set(error, TOLL_ENOMEM, "out of memory for counting calls for surcharges");
    for (size_t i = 0; rc == 0 && i < places; i++)
        if (sum[i].row != 0)
            rc = charge_sum(book, &sum[i], &entries[out->count], &out->count, error);
    if (rc != 0 || out->count == 0) {
        free(entries);
        out->count = 0;
        return rc;
    }
    out->entries = entries;
    toll_period_charges_sort(out);
    return 0;
}

void toll_period_charges_sort(struct toll_period_charges *charges)
{
    if (charges->count > 0)
        qsort(charges->entries, charges->count, sizeof *charges->entries, by_business_key);
    for (size_t i = 0; i < charges->count; i++)
        charges->entries[i].row.period = charges->entries[i].period;
}

void toll_period_charges_free(struct toll_period_charges *charges)
{
    free(charges->entries);
    *charges = (struct toll_period_charges){0};
}
