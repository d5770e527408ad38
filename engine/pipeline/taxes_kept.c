/*
 * What a merged run keeps of older books is taxed by its own book. Where that cannot be right, nothing is
 * taxed: an account that is not there any more, or is in another currency, and usage that a book without
 * taxes charged.
 */
#include "pipeline/taxes.h"

#include "base/error.h"

#include <string.h>

static int check_account(const struct toll_taxes *taxes, int32_t id, struct toll_error *error)
{
    const struct toll_account_row *row = &taxes->files.tables.accounts[id];
    const int32_t account = taxes->account_of_run[id];
    if (account == 0)
        return toll_error_set(error, TOLL_EDATA,
                              "%s: account %s is of an older book, the run's own does not have it, so that "
                              "nobody knows its taxes; add it to accounts.csv and rate again",
                              taxes->files.path, row->account);
    const char *currency = toll_taxes_currency(taxes, (uint32_t)account);
    if (strcmp(currency, row->currency) != 0)
        return toll_error_set(
            error, TOLL_EDATA,
            "%s: account %s has charges in %s, by an older book, and is in %s now: its taxes "
            "are no sum of both; rate all of it without the earlier run",
            taxes->files.path, row->account, row->currency, currency);
    return 0;
}

int toll_taxes_check_kept(const struct toll_taxes *taxes, struct toll_error *error)
{
    const struct toll_run_tables *run = &taxes->files.tables;
    int rc = 0;
    for (int64_t i = 0; rc == 0 && i < run->bucket_count; i++) {
        const struct toll_bucket_row *bucket = &run->buckets[i];
        if (bucket->tuple != 0)
            rc = check_account(taxes, bucket->account, error);
        else if (bucket->charge != 0)
            rc = toll_error_set(error, TOLL_EDATA,
                                "%s: usage of account %s was charged by an older book, which had no "
                                "taxes.csv, so that nobody knows its taxes; rate all of it without the "
                                "earlier run",
                                taxes->files.path, run->accounts[bucket->account].account);
    }
    for (int64_t i = 0; rc == 0 && i < run->period_count; i++)
        rc = run->periods[i].account == 0 ? 0 : check_account(taxes, run->periods[i].account, error);
    return rc;
}
