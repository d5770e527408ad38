/*
 * The taxes of a book that is rated, and of all that are repriced beside it: they share accounts, tuples and
 * whatever is taxed besides usage, so tables as a run would have them are made once, and only the charges of
 * buckets are each book's own.
 */
#include "pipeline/taxes.h"
#include "pipeline/whatif.h"

#include "base/error.h"
#include "ingest/work.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the taxes of a book");
}

/* ---- what a run would have ---- */

/* As accounts.arrow has them. */
static struct toll_account_row *account_rows(const struct toll_book *book)
{
    struct toll_account_row *rows = calloc(book->account_count + 1u, sizeof *rows);
    if (rows == NULL)
        return NULL;
    rows[0] = (struct toll_account_row){.account = "", .name = "", .currency = ""};
    for (uint32_t id = 1; id < book->account_count; id++)
        rows[id] = (struct toll_account_row){
            .id = (int32_t)id,
            .account = toll_book_string(book, book->accounts[id].account),
            .name = toll_book_string(book, book->accounts[id].name),
            .currency = toll_book_string(book, book->accounts[id].currency),
        };
    return rows;
}

static struct toll_period_row *period_rows(const struct toll_period_charges *periods)
{
    struct toll_period_row *rows = calloc(periods->count + 1, sizeof *rows);
    for (size_t i = 0; rows != NULL && i < periods->count; i++)
        rows[i] = periods->entries[i].row;
    return rows;
}

/* Slots with a tuple, those of an account together. */
struct buckets {
    struct toll_bucket_row *rows;
    const int64_t **moves; /* by row; NULL: nothing moves */
    int64_t count;
};

static bool counts(const struct toll_tally *tally, const struct toll_book *book, size_t slot)
{
    return tally->buckets[slot].rows != 0 && toll_tally_slot_bucket(tally, book, slot) != 0;
}

/* first[account]: where its rows begin. */
static int64_t place_accounts(const struct toll_tally *tally, const struct toll_book *book, int64_t *first)
{
    const size_t slots = toll_tally_slots(tally, book);
    int64_t before = 0;
    for (size_t slot = book->bucket_count; slot < slots; slot++)
        if (counts(tally, book, slot))
            first[book->buckets[toll_tally_slot_bucket(tally, book, slot)].account]++;
    for (uint32_t account = 0; account < book->account_count; account++) {
        const int64_t some = first[account];
        first[account] = before;
        before += some;
    }
    return before;
}

static int too_much(const struct toll_book *book, int32_t id, struct toll_error *error)
{
    const struct toll_account *account = &book->accounts[id];
    return toll_error_set(error, TOLL_EDATA,
                          "the charges of account %s at one site add up to more than 92 billion %s; take "
                          "fewer days at a time",
                          toll_book_string(book, account->account),
                          toll_book_string(book, account->currency));
}

static int fill_buckets(const struct toll_tally *tally, const struct toll_book *book,
                        const struct toll_moves *moves, int64_t *next, struct buckets *out,
                        struct toll_error *error)
{
    const size_t slots = toll_tally_slots(tally, book);
    for (size_t slot = book->bucket_count; slot < slots; slot++) {
        const struct toll_tally_bucket *bucket = &tally->buckets[slot];
        if (!counts(tally, book, slot))
            continue;
        const struct toll_bucket_key *key = &book->buckets[toll_tally_slot_bucket(tally, book, slot)];
        const int64_t at = next[key->account]++;
        const int64_t *move = out->moves[at] = moves == NULL ? NULL : toll_moves_of(moves, slot);
        struct toll_bucket_row *row = &out->rows[at];
        *row = (struct toll_bucket_row){
            .account = key->account,
            .site = key->site == 0 ? "" : toll_book_string(book, book->sites[key->site].site),
            .tuple = toll_tally_slot_tuple(tally, book, slot),
            .count = bucket->rows,
            .units = bucket->units,
        };
        bool fits = toll_money_narrow(toll_tally_charge(bucket), &row->charge);
        for (size_t k = 0; fits && move != NULL && k < moves->stride; k++) {
            toll_money charge;
            fits = !__builtin_add_overflow(row->charge, move[k], &charge);
        }
        if (!fits)
            return too_much(book, key->account, error);
    }
    return 0;
}

static int make_buckets(const struct toll_tally *tally, const struct toll_book *book,
                        const struct toll_moves *moves, struct buckets *out, struct toll_error *error)
{
    int64_t *first = calloc(book->account_count + (size_t)1, sizeof *first);
    int rc = first == NULL ? no_memory(error) : 0;
    if (rc == 0) {
        out->count = place_accounts(tally, book, first);
        out->rows = calloc((size_t)out->count + 1, sizeof *out->rows);
        out->moves = calloc((size_t)out->count + 1, sizeof *out->moves);
        rc = out->rows == NULL || out->moves == NULL ? no_memory(error)
                                                     : fill_buckets(tally, book, moves, first, out, error);
    }
    free(first);
    return rc;
}

/* ---- what it comes to ---- */

/* cents: of each account, `width` behind each other. */
static int list_taxes(struct toll_whatif_side *side, const struct toll_book *book, const int64_t *cents,
                      size_t width, struct toll_error *error)
{
    size_t count = 0;
    for (uint32_t id = 1; id < book->account_count; id++)
        count += cents[id * width] != 0;
    side->taxes = calloc(count + 1, sizeof *side->taxes);
    if (side->taxes == NULL)
        return no_memory(error);
    for (uint32_t id = 1; id < book->account_count; id++)
        if (cents[id * width] != 0)
            side->taxes[side->tax_count++] = (struct toll_impact_tax){
                .account = toll_book_string(book, book->accounts[id].account),
                .currency = toll_book_string(book, book->accounts[id].currency),
                .cents = cents[id * width],
            };
    return 0;
}

static int find(struct toll_whatif *whatif, struct toll_whatif_side *side, const struct toll_run_files *files,
                const struct toll_taxes_moves *moves, struct toll_error *error)
{
    const struct toll_book *book = side->book;
    const size_t width = 1 + (size_t)moves->books;
    int64_t *cents = calloc((book->account_count + (size_t)1) * width, sizeof *cents);
    int rc = cents == NULL
                 ? no_memory(error)
                 : toll_taxes_cents(book, files, side->after.open ? &side->after.state : NULL, moves,
                                    toll_work_threads(whatif->options->threads), cents, error);
    if (rc == 0)
        rc = list_taxes(side, book, cents, width, error);
    for (unsigned i = 1; rc == 0 && moves->books > 0 && i < whatif->count; i++)
        if (whatif->books[i].lane < 0)
            rc = list_taxes(&whatif->books[i], book, cents + 1 + whatif->books[i].column, width, error);
    free(cents);
    return rc;
}

bool toll_whatif_merge_moves(struct toll_whatif *whatif)
{
    struct toll_moves *moves = &whatif->of_worker[0].moves;
    struct toll_tally *sum = toll_workers_tally(&whatif->workers, 0, 0);
    bool fit = true;
    for (unsigned i = 1; fit && moves->sums != NULL && i < whatif->memory.threads; i++)
        fit = toll_moves_merge(moves, sum, &whatif->of_worker[i].moves,
                               toll_workers_tally(&whatif->workers, i, 0), whatif->books[0].book);
    return fit;
}

int toll_whatif_find_taxes(struct toll_whatif *whatif, struct toll_whatif_side *side,
                           struct toll_error *error)
{
    const struct toll_tally *tally = side->tally;
    const bool moved = side->lane == 0 && whatif->repricing != NULL;
    struct toll_tuple_rows tuples = {0};
    struct buckets buckets = {0};
    struct toll_run_files files = {
        .io = whatif->io,
        .path = side->name,
        .manifest = {.rows = whatif->span.rows,
                     .has_starts = whatif->span.rows > 0,
                     .first_start = whatif->span.first,
                     .last_start = whatif->span.last},
        .tables = {.account_count = side->book->account_count, .period_count = (int64_t)tally->periods.count},
    };
    if (side->tuples == NULL)
        return 0;
    int rc = make_buckets(tally, side->book, moved ? &whatif->of_worker[0].moves : NULL, &buckets, error);
    if (rc == 0)
        rc = toll_tuple_rows_make(&tuples, side->tuples, tally, error);
    files.tables.buckets = buckets.rows;
    files.tables.bucket_count = buckets.count;
    files.tables.tuples = tuples.tuples;
    files.tables.tuple_count = tuples.tuple_count;
    files.tables.accounts = account_rows(side->book);
    files.tables.periods = period_rows(&tally->periods);
    if (rc == 0 && (files.tables.accounts == NULL || files.tables.periods == NULL))
        rc = no_memory(error);
    if (rc == 0) {
        const struct toll_taxes_moves moves = {buckets.moves, moved ? whatif->repriced_count : 0};
        rc = find(whatif, side, &files, &moves, error);
    }
    toll_tuple_rows_free(&tuples);
    free(buckets.moves);
    free(buckets.rows);
    free(files.tables.periods);
    free(files.tables.accounts);
    return rc;
}
