/*
 * The taxes of a run: each account's charge lines of a period are evaluated together, accounts one after the
 * other; the register is kept, lines are worked out again when somebody walks them.
 */
#include "pipeline/taxes.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

const char *toll_taxes_currency(const struct toll_taxes *taxes, uint32_t account)
{
    return toll_book_string(taxes->book, taxes->book->accounts[account].currency);
}

const char *toll_taxes_kind_text(enum toll_charge_line_kind kind)
{
    static const char *const texts[] = {"charge", "service", "account", "period", "usage"};
    return texts[kind];
}

const struct toll_tuple_row *toll_taxes_tuple_of(const struct toll_taxes *taxes,
                                                 const struct toll_taxes_source *source)
{
    const struct toll_run_tables *run = &taxes->files.tables;
    return source->kind != TOLL_FROM_USAGE ? NULL : &run->tuples[taxes->bucket_tuples[source->index]];
}

const char *toll_taxes_product(const struct toll_taxes *taxes, const struct toll_taxes_source *source)
{
    static const char *const of_periods[] = {
        "period:already_billed", "period:attempts", "period:maximum_spend", "period:minimum_spend",
        "period:no_ani",         "period:tier_fee", "period:short_calls"};
    if (source->product != 0)
        return toll_tax_string(taxes->tables, taxes->tables->products[source->product]);
    if (source->kind != TOLL_FROM_PERIOD)
        return "";
    for (size_t i = 0; i < sizeof of_periods / sizeof *of_periods; i++) /* no table needs to name these */
        if (strcmp(of_periods[i] + strlen("period:"), taxes->files.tables.periods[source->index].kind) == 0)
            return of_periods[i];
    return "";
}

/* ---- the register ---- */

static bool keep_rows(struct toll_taxes *taxes)
{
    const struct toll_tax_account *account = &taxes->account;
    if (!toll_tax_grow((void **)&taxes->rows, &taxes->row_room, taxes->row_count + account->row_count,
                       sizeof *taxes->rows))
        return false;
    for (uint32_t i = 0; i < account->row_count; i++) {
        const struct toll_tax_row *from = &account->rows[i];
        struct toll_taxes_row *row = &taxes->rows[taxes->row_count++];
        *row = (struct toll_taxes_row){.task = (uint32_t)taxes->task,
                                       .site = taxes->sites[from->site],
                                       .tone = from->tone,
                                       .lines = from->lines,
                                       .cents = from->cents};
        for (unsigned k = 0; k < TOLL_TAX_MEASURES; k++) {
            const struct toll_tax_sum *sum = &from->measure[k];
            row->measure[k].fixed = sum->fixed;
            if (sum->rest != NULL && !toll_tax_sum_add_rational(&row->measure[k], sum->rest, &taxes->arena))
                return false;
        }
    }
    return true;
}

static int evaluate_all(struct toll_taxes *taxes, struct toll_error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < taxes->task_count; i++) {
        rc = toll_taxes_evaluate(taxes, i, error);
        if (rc == 0 && !(keep_rows(taxes) && toll_taxes_sum_task(taxes)))
            rc = toll_error_set(error, TOLL_ENOMEM, "out of memory for the taxes of a run");
    }
    if (rc == 0 && !toll_taxes_finish_sums(taxes))
        rc = toll_error_set(error, TOLL_ENOMEM, "out of memory for the taxes of a run");
    return rc;
}

/* ---- open and close ---- */

/* What lines are made of; files, books and book are there. */
static int open_lines(struct toll_taxes *taxes, struct toll_error *error)
{
    const char *path = taxes->files.path;
    int rc = 0;
    taxes->tables = &taxes->book->tax;
    taxes->tuple_recipes = (uint32_t)taxes->files.tables.tuple_count;
    taxes->account_seen = calloc(taxes->book->account_count + (size_t)1, 1);
    if (taxes->account_seen == NULL || !toll_taxes_text_make(taxes))
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", path);
    if (rc == 0 && !taxes->tables->taxed)
        rc = toll_error_set(error, TOLL_EUSAGE,
                            "%s: the book that rated it has no taxes.csv; add one and rate again", path);
    if (rc == 0)
        rc = toll_tax_index_build(taxes->tables, &taxes->arena, &taxes->index, error);
    if (rc == 0)
        rc = toll_taxes_index(taxes, error);
    if (rc == 0)
        rc = toll_taxes_list_tasks(taxes, error);
    taxes->task = taxes->task_count;
    return rc;
}

static int open_rest(struct toll_taxes *taxes, struct toll_error *error)
{
    int rc = open_lines(taxes, error);
    if (rc == 0)
        rc = evaluate_all(taxes, error);
    if (rc == 0 && !toll_taxes_list_stale(taxes))
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", taxes->files.path);
    return rc;
}

static int end_open(struct toll_taxes *taxes, int rc, struct toll_taxes **out)
{
    if (rc != 0) {
        toll_taxes_close(taxes);
        return rc;
    }
    toll_taxes_rewind(taxes);
    *out = taxes;
    return 0;
}

int toll_taxes_open_with(const struct toll_io *io, const char *run_path,
                         const struct toll_tax_options *options, struct toll_taxes **out,
                         struct toll_error *error)
{
    struct toll_taxes *taxes = calloc(1, sizeof *taxes);
    *out = NULL;
    if (taxes == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", run_path);
    int rc = toll_run_files_open_lean(&taxes->files, io, run_path, error);
    taxes->files_open = rc == 0;
    if (rc == 0)
        rc = toll_run_files_read_taxes(&taxes->files, error); /* no tax asks for a price row */
    if (rc == 0)
        rc = toll_reader_books_open(&taxes->books, &taxes->files, error);
    taxes->books_open = rc == 0;
    taxes->report_period = options == NULL ? NULL : options->report_period;
    if (rc == 0) {
        taxes->book = toll_reader_book_own(&taxes->books)->book;
        rc = open_rest(taxes, error);
    }
    return end_open(taxes, rc, out);
}

int toll_taxes_open_lines(const struct toll_book *book, const struct toll_run_files *files,
                          const struct toll_state *state, struct toll_taxes **out, struct toll_error *error)
{
    struct toll_taxes *taxes = calloc(1, sizeof *taxes);
    *out = NULL;
    if (taxes == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", files->path);
    taxes->files = *files;
    taxes->book = book;
    taxes->state = state;
    return end_open(taxes, open_lines(taxes, error), out);
}

int toll_taxes_open(const char *run_path, const struct toll_tax_options *options, struct toll_taxes **out,
                    struct toll_error *error)
{
    return toll_taxes_open_with(toll_io_system(), run_path, options, out, error);
}

void toll_taxes_close(struct toll_taxes *taxes)
{
    if (taxes == NULL)
        return;
    toll_taxes_index_free(taxes);
    toll_taxes_sums_free(&taxes->suspense);
    toll_taxes_sums_free(&taxes->coverage);
    toll_taxes_sums_free(&taxes->occurs);
    toll_taxes_sums_free(&taxes->by_currency);
    toll_strings_free(&taxes->recipe_keys);
    toll_strings_free(&taxes->exemption_sets);
    toll_tax_ledger_free(&taxes->ledger);
    toll_tax_account_free(&taxes->account);
    void *const lists[] = {taxes->recipes, taxes->lines,        taxes->sources, taxes->counted, taxes->sites,
                           taxes->totals,  taxes->account_seen, taxes->rows,    taxes->usage,   taxes->text,
                           taxes->key,     taxes->stale,        taxes->moves};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        free(lists[i]);
    toll_arena_free(&taxes->task_arena);
    toll_arena_free(&taxes->arena);
    if (taxes->books_open)
        toll_reader_books_close(&taxes->books);
    if (taxes->files_open)
        toll_run_files_close(&taxes->files);
    free(taxes);
}
