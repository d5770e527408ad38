/*
 * What accounts owe, without a register: by the charges of the tables and, beside them, by those of other
 * books for the same usage. Accounts are shared out to threads so that those with the same tuples are one's:
 * each solves its own.
 */
#include "pipeline/taxes.h"

#include "base/error.h"
#include "ingest/work.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_OF_A_THREAD 4096 /* for fewer another one is not worth its tables */

struct work {
    const struct toll_book *book;
    const struct toll_run_files *files;
    const struct toll_state *state;
    const struct toll_taxes_moves *moves;
    int64_t *cents;
    uint32_t *share_of; /* by account of the book */
    unsigned shares;
};

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the taxes of a book");
}

/* ---- shares ---- */

struct weighed {
    uint32_t account;
    int32_t tuple; /* of its first bucket */
    int64_t weight;
};

static int by_tuple(const void *a, const void *b)
{
    const struct weighed *x = a, *y = b;
    const int order = (x->tuple > y->tuple) - (x->tuple < y->tuple);
    return order != 0 ? order : (x->account > y->account) - (x->account < y->account);
}

/* Ids of the tables' accounts are the book's. */
static struct weighed *weigh(const struct work *work)
{
    const struct toll_run_tables *tables = &work->files->tables;
    const uint32_t count = work->book->account_count;
    struct weighed *list = calloc(count + (size_t)1, sizeof *list);
    for (uint32_t i = 0; list != NULL && i < count; i++)
        list[i] = (struct weighed){.account = i, .weight = 1};
    for (int64_t i = 0; list != NULL && i < tables->bucket_count; i++) {
        struct weighed *one = &list[tables->buckets[i].account];
        one->tuple = one->tuple == 0 ? tables->buckets[i].tuple : one->tuple;
        one->weight++;
    }
    if (list != NULL && count > 1)
        qsort(list, count, sizeof *list, by_tuple);
    return list;
}

static bool share_out(struct work *work)
{
    const uint32_t count = work->book->account_count;
    const int64_t all = count + work->files->tables.bucket_count;
    struct weighed *list = weigh(work);
    int64_t before = 0;
    work->share_of = calloc(count + (size_t)1, sizeof *work->share_of);
    const bool good = list != NULL && work->share_of != NULL;
    for (uint32_t i = 0; good && i < count; i++) {
        work->share_of[list[i].account] = (uint32_t)(before * work->shares / all);
        before += list[i].weight;
    }
    free(list);
    return good;
}

/* ---- one share ---- */

static int evaluate(const struct work *work, struct toll_taxes *taxes, size_t share, struct toll_error *error)
{
    const size_t width = 1 + (size_t)work->moves->books;
    int64_t cents[1 + TOLL_TAX_BOOKS_MAX];
    int rc = 0;
    for (size_t task = 0; rc == 0 && task < taxes->task_count; task++) {
        const uint32_t account = taxes->tasks[task].account;
        if (work->share_of[account] != share)
            continue;
        rc = toll_taxes_cents_of(taxes, task, work->moves->of_bucket, work->moves->books, cents, error);
        for (size_t k = 0; rc == 0 && k < width; k++)
            work->cents[account * width + k] += cents[k];
    }
    return rc;
}

static int do_share(void *context, size_t share, struct toll_error *error)
{
    const struct work *work = context;
    struct toll_taxes *taxes = NULL;
    int rc = toll_taxes_open_lines(work->book, work->files, work->state, &taxes, error);
    if (rc == 0)
        rc = evaluate(work, taxes, share, error);
    toll_taxes_close(taxes);
    return rc;
}

int toll_taxes_cents(const struct toll_book *book, const struct toll_run_files *files,
                     const struct toll_state *state, const struct toll_taxes_moves *moves, unsigned threads,
                     int64_t *cents, struct toll_error *error)
{
    struct work work = {
        .book = book, .files = files, .state = state, .moves = moves, .cents = cents, .shares = 1};
    const int64_t worth = 1 + files->tables.bucket_count / BUCKETS_OF_A_THREAD;
    if (threads > 1)
        work.shares = worth < threads ? (unsigned)worth : threads;
    const int rc = share_out(&work) ? toll_work_run(work.shares, work.shares, do_share, NULL, &work, error)
                                    : no_memory(error);
    free(work.share_of);
    return rc;
}
