/* Pools are sorted by these names, and each owner's list is read once, however many pools are asked for. */
#include "pipeline/pool_accounts.h"

#include "pipeline/after.h"

#include <stdlib.h>
#include <string.h>

bool toll_bundle_names(const struct toll_book *book, struct toll_strings *bundles)
{
    for (uint32_t i = 1; i < book->bundle_count; i++) {
        const char *name = toll_book_string(book, book->bundles[i].bundle);
        const uint32_t id = toll_strings_add(bundles, name, strlen(name));
        if (id == 0 || id > i) /* names are unique, so that ids are equal */
            return false;
    }
    return true;
}

static int compare(const struct toll_book *book, const struct toll_pool *pool, uint32_t bundle,
                   const struct toll_pool_period_row *row)
{
    if (pool->bundle != bundle)
        return pool->bundle < bundle ? -1 : 1;
    const char *account =
        pool->account == 0 ? "" : toll_book_string(book, book->accounts[pool->account].account);
    int order = strcmp(account, row->account);
    if (order == 0)
        order =
            strcmp(pool->site == 0 ? "" : toll_book_string(book, book->sites[pool->site].site), row->site);
    return order != 0 ? order : strcmp(toll_book_string(book, pool->name), row->pool);
}

uint32_t toll_pool_named(const struct toll_book *book, uint32_t bundle,
                         const struct toll_pool_period_row *row)
{
    uint32_t low = 1, high = book->pool_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = compare(book, &book->pools[middle], bundle, row);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

int32_t *toll_pool_accounts(const struct toll_book *book)
{
    int32_t *accounts = calloc(book->pool_count + (size_t)1, sizeof *accounts);
    for (uint32_t i = 1; accounts != NULL && i < book->owner_count; i++) {
        const struct toll_owner *owner = &book->owners[i];
        for (uint32_t k = 0; k < owner->pool_count; k++) {
            const uint32_t pool = book->entitlements[owner->pool_first + k].pool;
            if (pool != 0 && accounts[pool] == 0)
                accounts[pool] = owner->account;
        }
    }
    return accounts;
}

int toll_pool_payers_make(struct toll_pool_payers *payers, const struct toll_book *book,
                          const struct toll_strings *names, struct toll_error *error)
{
    *payers = (struct toll_pool_payers){.book = book, .names = names, .accounts = toll_pool_accounts(book)};
    if (payers->accounts != NULL && toll_bundle_names(book, &payers->bundles))
        return 0;
    toll_pool_payers_free(payers);
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the accounts of pools");
}

void toll_pool_payers_free(struct toll_pool_payers *payers)
{
    toll_strings_free(&payers->bundles);
    free(payers->accounts);
    *payers = (struct toll_pool_payers){0};
}

uint32_t toll_pool_payer(const struct toll_pool_payers *payers, const struct toll_pool_period_row *row)
{
    if (row->account[0] != 0)
        return toll_account_named(payers->names, row->account);
    const uint32_t bundle = toll_strings_find(&payers->bundles, row->bundle, strlen(row->bundle));
    const uint32_t pool = bundle == 0 ? 0 : toll_pool_named(payers->book, bundle, row);
    return pool == 0 ? 0 : (uint32_t)payers->accounts[pool];
}
