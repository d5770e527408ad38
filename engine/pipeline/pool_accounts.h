/*
 * Pools of the book behind the names that a run's table of pools has, and whose closing time a pool has
 * (docs/RATING.md section 14): its account's, or of a named pool that of one of those that draw on it, for
 * they all have the same.
 */
#ifndef TOLL_PIPELINE_POOL_ACCOUNTS_H
#define TOLL_PIPELINE_POOL_ACCOUNTS_H

#include "base/error.h"
#include "base/strings.h"
#include "book/book.h"
#include "segment/run.h"

/* Names of the book's bundles, by which their ids are found; false: out of memory. toll_strings_free. */
bool toll_bundle_names(const struct toll_book *book, struct toll_strings *bundles);
/* The pool of a row, of scope site, account or pool; 0 if the book has none. bundle: the row's, an id. */
uint32_t toll_pool_named(const struct toll_book *book, uint32_t bundle,
                         const struct toll_pool_period_row *row);

/* By pool of the book (calloc'ed) the first account that may draw on it; 0: none, as with those of trunks and
 * carriers. NULL: out of memory. */
int32_t *toll_pool_accounts(const struct toll_book *book);

/* The same for rows. */
struct toll_pool_payers {
    const struct toll_book *book;
    const struct toll_strings *names; /* of the accounts: toll_account_names; borrowed */
    struct toll_strings bundles;
    int32_t *accounts;
};
int toll_pool_payers_make(struct toll_pool_payers *payers, const struct toll_book *book,
                          const struct toll_strings *names, struct toll_error *error);
void toll_pool_payers_free(struct toll_pool_payers *payers); /* safe on a zeroed struct */
/* An account's id; 0: nobody's, or the book does not have it any more. */
uint32_t toll_pool_payer(const struct toll_pool_payers *payers, const struct toll_pool_period_row *row);

#endif
