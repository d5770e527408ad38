/*
 * The registers of both runs side by side. Rows that are the same in both are left out; so where the runs are
 * the same in all that taxes depend on, no register is worked out.
 */
#include "pipeline/delta.h"

#include "base/error.h"
#include "tollmill_tax.h"

#include <stdlib.h>
#include <string.h>

struct rows {
    struct toll_delta_tax_row *list;
    int64_t count, room;
    struct toll_arena arena;
};

static const char *keep(struct rows *rows, const char *text, bool *fits)
{
    const char *copy = toll_arena_copy(&rows->arena, text, strlen(text));
    *fits &= copy != NULL;
    return copy;
}

static bool add_row(struct rows *rows, const struct toll_tax_register_row *from, bool old)
{
    bool fits = true;
    if (rows->count == rows->room) {
        const int64_t room = 2 * rows->room + 256;
        struct toll_delta_tax_row *grown = realloc(rows->list, (size_t)room * sizeof *grown);
        if (grown == NULL)
            return false;
        rows->list = grown;
        rows->room = room;
    }
    rows->list[rows->count++] = (struct toll_delta_tax_row){
        .period = keep(rows, from->period, &fits),
        .account = keep(rows, from->account, &fits),
        .site = keep(rows, from->site, &fits),
        .currency = keep(rows, from->currency, &fits),
        .tax_jurisdiction = keep(rows, from->tax_jurisdiction, &fits),
        .level = keep(rows, from->level, &fits),
        .tax = keep(rows, from->tax, &fits),
        .name = keep(rows, from->name, &fits),
        .billable = from->billable,
        .old_cents = old ? from->tax_cents : 0,
        .new_cents = old ? 0 : from->tax_cents,
    };
    return fits;
}

struct reading {
    const char *path;
    bool old;
    struct rows rows;
    int rc;
    struct toll_error error;
};

static void *read_register(void *argument)
{
    struct reading *reading = argument;
    struct toll_taxes *taxes;
    struct toll_tax_register_row row;
    reading->rc = toll_taxes_open(reading->path, &(struct toll_tax_options){0}, &taxes, &reading->error);
    if (reading->rc != 0)
        return NULL;
    for (int64_t i = 0; reading->rc == 0 && toll_taxes_register(taxes, i, &row); i++)
        if (!add_row(&reading->rows, &row, reading->old))
            reading->rc = toll_delta_no_memory(&reading->error);
    toll_taxes_close(taxes);
    return NULL;
}

/* Those of the second behind those of the first. */
static bool append_rows(struct rows *rows, const struct rows *more)
{
    const size_t count = (size_t)(rows->count + more->count);
    struct toll_delta_tax_row *grown = realloc(rows->list, (count + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    if (more->count > 0)
        memcpy(grown + rows->count, more->list, (size_t)more->count * sizeof *grown);
    rows->list = grown;
    rows->count = rows->room = (int64_t)count;
    return true;
}

static int read_both(const struct toll_delta_maker *maker, struct reading readings[TOLL_DELTA_SIDES],
                     struct toll_error *error)
{
    pthread_t thread;
    const bool beside = maker->threads > 1 && pthread_create(&thread, NULL, read_register, &readings[1]) == 0;
    read_register(&readings[0]);
    if (beside)
        pthread_join(thread, NULL);
    else
        read_register(&readings[1]);
    for (unsigned s = 0; s < TOLL_DELTA_SIDES; s++)
        if (readings[s].rc != 0)
            return toll_error_set(error, readings[s].rc, "%s", readings[s].error.text);
    return append_rows(&readings[0].rows, &readings[1].rows) ? 0 : toll_delta_no_memory(error);
}

static int by_names(const void *a, const void *b)
{
    const struct toll_delta_tax_row *p = a, *q = b;
    const char *const x[] = {p->period,           p->account, p->site, p->currency,
                             p->tax_jurisdiction, p->level,   p->tax,  p->name};
    const char *const y[] = {q->period,           q->account, q->site, q->currency,
                             q->tax_jurisdiction, q->level,   q->tax,  q->name};
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
        const int order = strcmp(x[i], y[i]);
        if (order != 0)
            return order;
    }
    return p->billable - q->billable;
}

/* Rows of one key become one; those that did not move go. */
static int join_rows(struct rows *rows, struct toll_error *error)
{
    int64_t kept = 0;
    for (int64_t i = 0, end; i < rows->count; i = end) {
        struct toll_delta_tax_row sum = rows->list[i];
        for (end = i + 1; end < rows->count && by_names(&sum, &rows->list[end]) == 0; end++)
            if (__builtin_add_overflow(sum.old_cents, rows->list[end].old_cents, &sum.old_cents) ||
                __builtin_add_overflow(sum.new_cents, rows->list[end].new_cents, &sum.new_cents))
                return toll_error_set(error, TOLL_EDATA, "account '%s': its taxes are out of range",
                                      sum.account);
        if (sum.old_cents != sum.new_cents)
            rows->list[kept++] = sum;
    }
    rows->count = kept;
    return 0;
}

int toll_delta_taxes_add(struct toll_delta_maker *maker, struct toll_error *error)
{
    struct reading readings[TOLL_DELTA_SIDES] = {{.path = maker->options->old_run_path, .old = true},
                                                 {.path = maker->options->new_run_path}};
    struct rows *rows = &readings[0].rows;
    for (unsigned s = 0; s < TOLL_DELTA_SIDES; s++)
        if (!toll_run_files_have(&maker->sides[s].run, "tuples.arrow"))
            return 0;
    const struct toll_run_manifest *before = &maker->sides[0].run.manifest,
                                   *after = &maker->sides[1].run.manifest;
    if (maker->same_files && before->first_start == after->first_start &&
        before->last_start == after->last_start)
        return 0;
    int rc = read_both(maker, readings, error);
    if (rc == 0 && rows->count > 0) {
        qsort(rows->list, (size_t)rows->count, sizeof *rows->list, by_names);
        rc = join_rows(rows, error);
    }
    maker->result->moved |= rows->count > 0;
    if (rc == 0)
        rc = toll_delta_add_taxes(maker->writer, rows->list, rows->count, error);
    for (unsigned s = 0; s < TOLL_DELTA_SIDES; s++) {
        free(readings[s].rows.list);
        toll_arena_free(&readings[s].rows.arena);
    }
    return rc;
}
