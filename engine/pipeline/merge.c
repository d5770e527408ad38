/* The earlier run of a merged one: opened, compared with what is to be rated, and its ids joined with the new
 * book's. */
#include "pipeline/merge.h"

#include "base/check.h"
#include "base/error.h"
#include "base/strings.h"
#include "pipeline/rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening ---- */

static bool same_day(const char *given, const char *own)
{
    int64_t a, b;
    return given == NULL ||
           (toll_day_parse(given, strlen(given), &a) && toll_day_parse(own, strlen(own), &b) && a == b);
}

static int check_days(const struct toll_merge *merge, const char *from_day, const char *to_day,
                      struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &merge->old.manifest;
    if (same_day(from_day, manifest->from_day) && same_day(to_day, manifest->to_day))
        return 0;
    const char *from = manifest->from_day, *to = manifest->to_day;
    return toll_error_set(error, TOLL_EUSAGE,
                          "%s rated %s%s%s%s%s, and a run that keeps its lines has the same days; leave out "
                          "the days",
                          merge->old.path, *from || *to ? "the days" : "all days", *from ? " from " : "",
                          from, *to ? " to " : "", to);
}

/* The parts of the earlier run as they are in the dataset now. */
static int find_parts(struct toll_merge *merge, const struct toll_dataset *dataset, size_t *first,
                      size_t *last, struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &merge->old.manifest;
    if (!toll_hash_equal(dataset->cdr_hash, manifest->cdr_hash))
        return toll_error_set(error, TOLL_EDATA,
                              "%s is not the dataset that %s rated (other cdr_hash: it was imported into "
                              "since, or it is another); name the right one, or rate all of it without "
                              "the earlier run",
                              dataset->path, merge->old.path);
    if (!toll_parts_of_run(dataset, manifest, first, last))
        return toll_error_set(error, TOLL_EDATA, "%s: a day that %s rated is not there any more as it was",
                              dataset->path, merge->old.path);
    return 0;
}

int toll_merge_open(struct toll_merge *merge, const struct toll_io *io, const char *path,
                    const struct toll_merge_choice *choice, const struct toll_dataset *dataset,
                    const char *from_day, const char *to_day, size_t *first, size_t *last,
                    struct toll_error *error)
{
    int rc = toll_run_files_open(&merge->old, io, path, error);
    merge->open = rc == 0;
    merge->choice = choice;
    if (rc == 0 && merge->old.manifest.has_after)
        rc =
            toll_error_set(error, TOLL_EUSAGE,
                           "%s goes on behind a closed run, so what it has in suspense is rated once more by "
                           "going on from there again: rate with --after and the same state",
                           path);
    if (rc == 0)
        rc = check_days(merge, from_day, to_day, error);
    if (rc == 0)
        rc = find_parts(merge, dataset, first, last, error);
    return rc;
}

int toll_merge_lines_open(const struct toll_merge *merge, size_t part, unsigned optional,
                          enum toll_read_path how, struct toll_lines **out, struct toll_error *error)
{
    const struct toll_run_files *old = &merge->old;
    const int rc = toll_run_lines_open(old, part, how, out, error);
    if (rc != 0 || (toll_lines_optional(*out) & TOLL_LINES_OPTIONAL & ~optional) == 0)
        return rc;
    char name[TOLL_RUN_PART_NAME_BYTES];
    toll_run_part_name(&old->manifest.parts[part], name);
    toll_lines_close(*out);
    *out = NULL;
    return toll_run_differs(old, name, error);
}

void toll_merge_close(struct toll_merge *merge)
{
    if (merge->open)
        toll_run_files_close(&merge->old);
    free(merge->accounts);
    free(merge->books);
    free(merge->account_ids);
    free(merge->cost_places);
    free(merge->own_accounts);
    free(merge->chosen);
    free(merge->own_buckets);
    free(merge->kept.pools);
    free(merge->kept.draws);
    free(merge->kept.counts);
    free(merge->given_back);
    memset(merge, 0, sizeof *merge);
}

/* ---- ids ---- */

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the accounts of both books");
}

/* An account whose currency is another now is another row: what is kept stays in the old one. */
static uint32_t account_key(struct toll_strings *keys, const char *account, const char *currency)
{
    char *text = NULL;
    const int bytes = asprintf(&text, "%s%c%s", account, 0, currency);
    if (bytes < 0)
        return 0;
    const uint32_t key = toll_strings_add(keys, text, (size_t)bytes);
    free(text);
    return key;
}

static int join_accounts(struct toll_merge *merge, const struct toll_book *book, struct toll_error *error)
{
    const struct toll_run_tables *old = &merge->old.tables;
    const size_t most = (size_t)old->account_count + book->account_count + 1;
    struct toll_strings keys = {0};
    int64_t *place_of = calloc(most, sizeof *place_of); /* in accounts, by key */
    merge->accounts = calloc(most, sizeof *merge->accounts);
    merge->account_ids = calloc(book->account_count + 1u, sizeof *merge->account_ids);
    bool fits = place_of != NULL && merge->accounts != NULL && merge->account_ids != NULL;
    int32_t last_id = 0;
    for (int64_t id = 1; fits && id < old->account_count; id++) {
        const struct toll_account_row *row = &old->accounts[id];
        if (row->account[0] == 0)
            continue;
        const uint32_t key = account_key(&keys, row->account, row->currency);
        fits = key != 0;
        place_of[key] = merge->account_count;
        merge->accounts[merge->account_count++] = *row;
        last_id = row->id;
    }
    for (uint32_t id = 1; fits && id < book->account_count; id++) {
        const struct toll_account *account = &book->accounts[id];
        struct toll_account_row row = {.account = toll_book_string(book, account->account),
                                       .name = toll_book_string(book, account->name),
                                       .currency = toll_book_string(book, account->currency)};
        const uint32_t known = keys.count, key = account_key(&keys, row.account, row.currency);
        fits = key != 0;
        if (keys.count > known) {
            row.id = ++last_id;
            place_of[key] = merge->account_count;
            merge->accounts[merge->account_count++] = row;
        }
        merge->accounts[place_of[key]].name = row.name; /* the newest one */
        merge->account_ids[id] = merge->accounts[place_of[key]].id;
    }
    toll_strings_free(&keys);
    free(place_of);
    return fits ? 0 : no_memory(error);
}

static int join_books(struct toll_merge *merge, const struct toll_book *book, struct toll_error *error)
{
    const struct toll_run_manifest *old = &merge->old.manifest;
    const struct toll_run_tables *tables = &merge->old.tables;
    const int64_t shift = tables->price_count == 0 ? 0 : tables->prices[tables->price_count - 1].id;
    const size_t old_count = old->book_count == 0 ? 1 : old->book_count;
    if (old_count == TOLL_RUN_BOOKS || shift + book->price_count > INT32_MAX)
        return toll_error_set(error, TOLL_EDATA,
                              "%s holds the lines of %zu books, and there is no room for one more; rate all "
                              "of the dataset, without an earlier run",
                              merge->old.path, old_count);
    merge->books = calloc(old_count + 1, sizeof *merge->books);
    if (merge->books == NULL)
        return no_memory(error);
    if (old->book_count == 0)
        merge->books[0] =
            (struct toll_run_book){.book_hash = old->book_hash, .tzdata_hash = old->tzdata_hash};
    else
        memcpy(merge->books, old->books, old_count * sizeof *merge->books);
    merge->books[old_count] = (struct toll_run_book){
        .book_hash = book->book_hash,
        .tzdata_hash = book->tzdata_hash,
        .price_shift = (int32_t)shift,
        .tuple_shift = tables->tuple_count == 0 ? 0 : tables->tuples[tables->tuple_count - 1].id};
    merge->book_count = old_count + 1;
    return 0;
}

/* What kept lines without account cost is in the old book's currency: the first of the old run's costs, see
 * toll_cost_totals. */
static int join_costs(struct toll_merge *merge, struct toll_error *error)
{
    const struct toll_run_manifest *old = &merge->old.manifest;
    const int64_t accounts = merge->old.tables.account_count;
    merge->cost_places = calloc((size_t)accounts + 1, 1);
    if (merge->cost_places == NULL)
        return no_memory(error);
    for (int64_t id = 1; id < accounts; id++)
        for (int k = 0; k < old->cost_count; k++)
            if (strcmp(old->costs[k].currency, merge->old.tables.accounts[id].currency) == 0)
                merge->cost_places[id] = (uint8_t)k;
    return 0;
}

int toll_merge_join(struct toll_merge *merge, const struct toll_book *book, struct toll_error *error)
{
    int rc = join_accounts(merge, book, error);
    if (rc == 0)
        rc = join_books(merge, book, error);
    if (rc == 0)
        rc = join_costs(merge, error);
    return rc != 0 ? rc : toll_merge_choose(merge, book, error);
}

/* ---- sums ---- */

int toll_merge_check(const struct toll_merge *merge, struct toll_tally *tally, struct toll_error *error)
{
    const struct toll_run_manifest *old = &merge->old.manifest;
    const bool all = merge->choice == NULL;
    if (all ? tally->kept_rows != old->rows - old->suspense : tally->rows != old->rows)
        return toll_error_set(error, TOLL_EDATA,
                              "%s: its manifest has other numbers of rows by status than its lines; rate "
                              "again without it",
                              merge->old.path);
    tally->billed_s += old->billed_s - tally->dropped_billed_s;
    return 0;
}

int toll_merge_totals(const struct toll_merge *merge, const struct toll_tally *tally,
                      const struct toll_book *book, struct toll_currency_total *totals, int room)
{
    const struct toll_run_tables *old = &merge->old.tables;
    int count = toll_tally_totals(tally, book, totals, room);
    for (int64_t i = 0; count >= 0 && i < merge->bucket_count; i++) {
        const struct toll_bucket_row *row = &merge->buckets[i];
        count = toll_currency_total_add(totals, count, room, old->accounts[row->account].currency,
                                        row->charge, 0);
    }
    return count;
}
