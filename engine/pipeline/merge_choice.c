/*
 * A merged run of which not only suspense was chosen: what the chosen lines had is taken out of the earlier
 * run's tables. An account's lines are all its own, so its buckets, pools and counts go whole; where a pool
 * is others', too, or a day cuts a period, nobody could tell what is whose, and it is refused.
 */
#include "pipeline/after.h"
#include "pipeline/merge.h"
#include "pipeline/pool_accounts.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define REMEDY "rate all again"

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for what is rated again");
}

/* ---- accounts ---- */

static bool is_named(const struct toll_merge_choice *choice, const char *account)
{
    for (size_t i = 0; i < choice->account_count; i++)
        if (strcmp(choice->accounts[i], account) == 0)
            return true;
    return false;
}

/* A name that nobody has is a slip of the pen. */
static int check_names(const struct toll_merge *merge, struct toll_error *error)
{
    const struct toll_run_tables *old = &merge->old.tables;
    for (size_t i = 0; i < merge->choice->account_count; i++) {
        bool known = false;
        for (int64_t id = 1; id < old->account_count && !known; id++)
            known = strcmp(old->accounts[id].account, merge->choice->accounts[i]) == 0;
        if (!known)
            return toll_error_set(error, TOLL_EUSAGE, "%s has no line of account %s; is it spelt so?",
                                  merge->old.path, merge->choice->accounts[i]);
    }
    return 0;
}

static int choose_accounts(struct toll_merge *merge, struct toll_error *error)
{
    const struct toll_run_tables *old = &merge->old.tables;
    if (merge->choice->account_count == 0)
        return 0;
    const int rc = check_names(merge, error);
    if (rc != 0)
        return rc;
    merge->chosen = calloc((size_t)old->account_count + 1, 1);
    if (merge->chosen == NULL)
        return no_memory(error);
    for (int64_t id = 1; id < old->account_count; id++)
        merge->chosen[id] = is_named(merge->choice, old->accounts[id].account);
    return 0;
}

static int list_own_accounts(struct toll_merge *merge, const struct toll_book *book, struct toll_error *error)
{
    const int64_t count = merge->old.tables.account_count;
    merge->own_accounts = calloc((size_t)count + 1, sizeof *merge->own_accounts);
    if (merge->own_accounts == NULL)
        return no_memory(error);
    for (int32_t id = 1; id < count; id++)
        merge->own_accounts[id] = -id;
    for (uint32_t id = 1; id < book->account_count; id++)
        if (merge->account_ids[id] < count)
            merge->own_accounts[merge->account_ids[id]] = (int32_t)id;
    return 0;
}

/* ---- pools ---- */

static int shared(const struct toll_merge *merge, const char *account, const char *other, const char *how,
                  struct toll_error *error)
{
    return toll_error_set(error, TOLL_EUSAGE,
                          "%s: account %s is rated again and %s is not, but they %s; name both, or " REMEDY,
                          merge->old.path, account, other, how);
}

/* By account of a book: is it chosen? */
static uint8_t *chosen_of(const struct toll_merge *merge, const struct toll_book *book)
{
    uint8_t *chosen = calloc(book->account_count + 1u, 1);
    for (uint32_t i = 1; chosen != NULL && i < book->account_count; i++)
        chosen[i] = is_named(merge->choice, toll_book_string(book, book->accounts[i].account));
    return chosen;
}

static const char *account_name(const struct toll_book *book, uint32_t account)
{
    return toll_book_string(book, book->accounts[account].account);
}

/* Each pool's accounts are all chosen, or none is. members: by pool, 1 + chosen of those that draw on it, 0:
 * nobody does. */
static int check_pools(const struct toll_merge *merge, const struct toll_book *book, const uint8_t *chosen,
                       uint8_t *members, struct toll_error *error)
{
    uint32_t *first = calloc(book->pool_count + 1u, sizeof *first);
    int rc = first == NULL ? no_memory(error) : 0;
    for (uint32_t i = 1; rc == 0 && i < book->owner_count; i++) {
        const struct toll_owner *owner = &book->owners[i];
        const uint32_t account = (uint32_t)owner->account;
        for (uint32_t k = 0; rc == 0 && account != 0 && k < owner->pool_count; k++) {
            const uint32_t pool = book->entitlements[owner->pool_first + k].pool;
            if (pool == 0)
                continue;
            if (first[pool] == 0)
                first[pool] = account;
            members[pool] = (uint8_t)(1 + chosen[account]);
            if (chosen[first[pool]] == chosen[account])
                continue;
            const uint32_t in = chosen[account] ? account : first[pool];
            const uint32_t out = chosen[account] ? first[pool] : account;
            rc = shared(merge, account_name(book, in), account_name(book, out), "share a pool", error);
        }
    }
    free(first);
    return rc;
}

/* Tiers of scope pool count for the parent. */
static int check_parents(const struct toll_merge *merge, const struct toll_book *book, const uint8_t *chosen,
                         struct toll_error *error)
{
    bool counts = false;
    for (uint32_t i = 1; i < book->tiers_count; i++)
        counts |= book->tiers[i].scope == TOLL_SCOPE_POOL;
    for (uint32_t i = 1; counts && i < book->account_count; i++) {
        const uint32_t parent = (uint32_t)book->accounts[i].parent;
        if (parent != 0 && chosen[parent] != chosen[i])
            return shared(merge, account_name(book, chosen[i] ? i : parent),
                          account_name(book, chosen[i] ? parent : i), "count for the same tiers", error);
    }
    return 0;
}

/* Marks the pools of the old tables that are given back: those of chosen accounts, and the named ones on
 * which chosen accounts draw. known: also those that belong to others. */
static int mark_pools(struct toll_merge *merge, const struct toll_book *book, uint8_t *known,
                      struct toll_error *error)
{
    const struct toll_run_tables *old = &merge->old.tables;
    struct toll_strings bundles = {0};
    uint8_t *chosen = chosen_of(merge, book), *members = calloc(book->pool_count + 1u, 1);
    int rc = chosen == NULL || members == NULL || !toll_bundle_names(book, &bundles) ? no_memory(error) : 0;
    if (rc == 0)
        rc = check_pools(merge, book, chosen, members, error);
    if (rc == 0)
        rc = check_parents(merge, book, chosen, error);
    for (int64_t i = 0; rc == 0 && i < old->pool_count; i++) {
        const struct toll_pool_period_row *row = &old->pools[i];
        if (row->account[0] != 0) {
            known[row->id] = 1;
            merge->given_back[row->id] |= is_named(merge->choice, row->account);
            continue;
        }
        const uint32_t bundle = toll_strings_find(&bundles, row->bundle, strlen(row->bundle));
        const uint32_t pool = bundle == 0 ? 0 : toll_pool_named(book, bundle, row);
        known[row->id] |= pool != 0 && members[pool] != 0;
        merge->given_back[row->id] |= pool != 0 && members[pool] == 2;
    }
    toll_strings_free(&bundles);
    free(chosen);
    free(members);
    return rc;
}

/* By the new book and by the old one, each as it sees whose they are. */
static int give_back_pools(struct toll_merge *merge, const struct toll_book *book, struct toll_error *error)
{
    const struct toll_run_tables *old = &merge->old.tables;
    struct toll_blob image = {0};
    struct toll_book *before = NULL;
    merge->pool_count = old->pool_count == 0 ? 1 : old->pools[old->pool_count - 1].id + 1;
    merge->given_back = calloc((size_t)merge->pool_count, 1);
    uint8_t *known = calloc((size_t)merge->pool_count, 1);
    int rc = merge->given_back == NULL || known == NULL ? no_memory(error) : 0;
    if (rc == 0)
        rc = toll_run_files_read(&merge->old, "book.image", &image, error);
    if (rc == 0)
        rc = toll_book_open_bytes((const uint8_t *)image.data, image.size, "book.image", &before, error);
    if (rc == 0)
        rc = mark_pools(merge, before, known, error);
    if (rc == 0)
        rc = mark_pools(merge, book, known, error);
    for (int64_t i = 0; rc == 0 && merge->old.manifest.has_cost && i < old->pool_count; i++)
        if (!known[old->pools[i].id] && (old->pools[i].used != 0 || old->pools[i].over != 0))
            rc = toll_error_set(
                error, TOLL_EUSAGE,
                "%s: costs have drawn on bundle %s, which is a carrier's or a trunk's, and what "
                "the chosen calls drew there is not known; " REMEDY,
                merge->old.path, old->pools[i].bundle);
    toll_book_close(before);
    toll_blob_free(&image);
    free(known);
    return rc;
}

/* The old tables without what is given back. */
static int keep_tables(struct toll_merge *merge, struct toll_error *error)
{
    const struct toll_run_tables *old = &merge->old.tables;
    struct toll_run_tables *kept = &merge->kept;
    kept->pools = calloc((size_t)old->pool_count + 1, sizeof *kept->pools);
    kept->draws = calloc((size_t)old->draw_count + 1, sizeof *kept->draws);
    kept->counts = calloc((size_t)old->count_count + 1, sizeof *kept->counts);
    if (kept->pools == NULL || kept->draws == NULL || kept->counts == NULL)
        return no_memory(error);
    for (int64_t i = 0; i < old->pool_count; i++)
        if (merge->given_back == NULL || !merge->given_back[old->pools[i].id])
            kept->pools[kept->pool_count++] = old->pools[i];
    for (int64_t i = 0; i < old->draw_count; i++)
        if (merge->given_back == NULL || !merge->given_back[old->draws[i].id])
            kept->draws[kept->draw_count++] = old->draws[i];
    for (int64_t i = 0; i < old->count_count; i++)
        if (merge->given_back == NULL || !is_named(merge->choice, old->counts[i].account))
            kept->counts[kept->count_count++] = old->counts[i];
    return 0;
}

/* ---- buckets ---- */

static int compare_buckets(const struct toll_bucket_row *a, const struct toll_bucket_row *b)
{
    if (a->account != b->account)
        return a->account < b->account ? -1 : 1;
    const int sites = strcmp(a->site, b->site);
    return sites != 0 ? sites : (a->tuple > b->tuple) - (a->tuple < b->tuple);
}

static int differs(const struct toll_merge *merge, struct toll_error *error)
{
    return toll_error_set(error, TOLL_EDATA,
                          "%s: the chosen lines are not those that its buckets count; " REMEDY,
                          merge->old.path);
}

/* Both lists are in the order of buckets. */
static int take_buckets(struct toll_merge *merge, struct toll_error *error)
{
    const struct toll_merge_choice *choice = merge->choice;
    const struct toll_run_tables *old = &merge->old.tables;
    struct toll_bucket_row *rows = calloc((size_t)old->bucket_count + 1, sizeof *rows);
    int64_t count = 0, at = 0;
    merge->own_buckets = rows;
    if (rows == NULL)
        return no_memory(error);
    for (int64_t i = 0; i < old->bucket_count; i++) {
        struct toll_bucket_row row = old->buckets[i];
        if (choice->taken == NULL && merge->chosen != NULL && merge->chosen[row.account])
            continue;
        if (at < choice->taken_count && compare_buckets(&row, &choice->taken[at]) == 0) {
            row.count -= choice->taken[at].count;
            row.units -= choice->taken[at].units;
            row.charge -= choice->taken[at].charge;
            at++;
        }
        if (row.count < 0 || (row.count == 0 && (row.charge != 0 || row.units != 0)))
            return differs(merge, error);
        if (row.count > 0)
            rows[count++] = row;
    }
    merge->buckets = rows;
    merge->bucket_count = count;
    return at < choice->taken_count ? differs(merge, error) : 0;
}

/* ---- all of it ---- */

/* What was charged, drawn or counted by the period. */
static bool by_period(const struct toll_merge *merge, const struct toll_book *book)
{
    const struct toll_run_tables *old = &merge->old.tables;
    return book->bundle_count > 1 || book->tiers_count > 1 || book->surcharge_count > 1 ||
           old->pool_count > 0 || old->count_count > 0 || old->period_count > 0;
}

static int take_out(struct toll_merge *merge, const struct toll_book *book, struct toll_error *error)
{
    const struct toll_merge_choice *choice = merge->choice;
    const bool days = choice->from_day != INT64_MIN || choice->to_day != INT64_MAX;
    if (days && by_period(merge, book))
        return toll_error_set(error, TOLL_EUSAGE,
                              "%s: days would cut periods of bundles, tiers or surcharges in two; " REMEDY
                              ", or the accounts in question",
                              merge->old.path);
    const int rc = merge->chosen == NULL || !by_period(merge, book) ? 0 : give_back_pools(merge, book, error);
    return rc != 0 ? rc : take_buckets(merge, error);
}

int toll_merge_choose(struct toll_merge *merge, const struct toll_book *book, struct toll_error *error)
{
    merge->buckets = merge->old.tables.buckets;
    merge->bucket_count = merge->old.tables.bucket_count;
    int rc = list_own_accounts(merge, book, error);
    if (rc == 0 && merge->choice != NULL)
        rc = choose_accounts(merge, error);
    if (rc == 0 && toll_merge_choice_drops(merge->choice))
        rc = take_out(merge, book, error);
    return rc != 0 ? rc : keep_tables(merge, error);
}

/* ---- period charges ---- */

static bool same_texts(const struct toll_period_row *a, const struct toll_period_row *b)
{
    return strcmp(a->period, b->period) == 0 && strcmp(a->site, b->site) == 0 &&
           strcmp(a->number, b->number) == 0 && strcmp(a->tiers, b->tiers) == 0 &&
           strcmp(a->kind, b->kind) == 0;
}

static int would_change(const struct toll_merge *merge, int32_t account, struct toll_error *error)
{
    const char *name = "";
    for (int64_t i = 0; i < merge->account_count; i++)
        if (merge->accounts[i].id == account)
            name = merge->accounts[i].account;
    return toll_error_set(
        error, TOLL_EUSAGE,
        "%s: period charges of account %s, which is not rated again, would be others by the "
        "new book; name it, too, or " REMEDY,
        merge->old.path, name);
}

/* Charges of accounts that are not chosen, in their order: ids of both are the merged run's. */
static bool is_kept(const struct toll_merge *merge, int32_t account)
{
    return account >= merge->old.tables.account_count || !merge->chosen[account];
}

int toll_merge_check_periods(const struct toll_merge *merge, const struct toll_period_charges *charges,
                             struct toll_error *error)
{
    const struct toll_run_tables *old = &merge->old.tables;
    int64_t at = 0;
    if (merge->chosen == NULL)
        return 0;
    for (size_t i = 0; i < charges->count; i++) {
        const struct toll_period_row *row = &charges->entries[i].row;
        const int32_t account = merge->account_ids[row->account];
        if (!is_kept(merge, account))
            continue;
        while (at < old->period_count && !is_kept(merge, old->periods[at].account))
            at++;
        const struct toll_period_row *was = at < old->period_count ? &old->periods[at++] : NULL;
        if (was == NULL || was->account != account || !same_texts(was, row) || was->charge != row->charge)
            return would_change(merge, account, error);
    }
    while (at < old->period_count && !is_kept(merge, old->periods[at].account))
        at++;
    return at < old->period_count ? would_change(merge, old->periods[at].account, error) : 0;
}
