/* The taxes of a book in a what-if: the register of what was rated, from tables as a run would have them. */
#include "pipeline/taxes.h"
#include "pipeline/whatif.h"

#include "base/error.h"

#include <stdlib.h>

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

static int find(struct toll_whatif_side *side, struct toll_run_files *files, struct toll_error *error)
{
    struct toll_taxes *taxes = NULL;
    int rc = toll_taxes_open_tables(side->book, files, side->after.open ? &side->after.state : NULL, &taxes,
                                    error);
    if (rc == 0)
        rc = toll_impact_taxes_of(taxes, &side->tax_texts, &side->taxes, &side->tax_count, error);
    toll_taxes_close(taxes);
    return rc;
}

int toll_whatif_find_taxes(const struct toll_whatif *whatif, struct toll_whatif_side *side,
                           struct toll_error *error)
{
    const struct toll_tally *tally = side->tally;
    struct toll_tuple_tables tuples = {0};
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
    files.tables.accounts = account_rows(side->book);
    files.tables.periods = period_rows(&tally->periods);
    int rc = files.tables.accounts == NULL || files.tables.periods == NULL
                 ? toll_error_set(error, TOLL_ENOMEM, "out of memory for the taxes of a book")
                 : toll_bucket_rows_make(side->book, tally, NULL, &files.tables.buckets,
                                         &files.tables.bucket_count, error);
    if (rc == 0)
        rc = toll_tuple_tables_make(&tuples, side->tuples, tally, error);
    if (rc == 0) {
        files.tables.tuples = tuples.tuples;
        files.tables.tuple_count = tuples.tuple_count;
        files.tables.components = tuples.components;
        files.tables.component_count = tuples.component_count;
        rc = find(side, &files, error);
    }
    toll_tuple_tables_free(&tuples);
    free(files.tables.buckets);
    free(files.tables.periods);
    free(files.tables.accounts);
    return rc;
}
