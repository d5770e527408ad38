/*
 * Taxes of adjusting lines: what the new run's register has for billing periods that were billed already,
 * less what the old one's has. Both rate with the rates of the calls' own dates, so no rate of today comes
 * in.
 */
#include "pipeline/adjust_rows.h"

#include "base/error.h"
#include "pipeline/taxes.h"

#include <stdlib.h>
#include <string.h>

struct tax_list {
    struct toll_adjust *adjust;
    struct toll_strings keys;
    struct toll_adjusting_tax_row *rows; /* by id of the key */
    size_t room;
};

static int compare_rows(const void *a, const void *b)
{
    const struct toll_adjusting_tax_row *x = a, *y = b;
    const char *const left[] = {x->account,          x->site,  x->currency, x->period,
                                x->tax_jurisdiction, x->level, x->tax,      x->name};
    const char *const right[] = {y->account,          y->site,  y->currency, y->period,
                                 y->tax_jurisdiction, y->level, y->tax,      y->name};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        const int order = strcmp(left[i], right[i]);
        if (order != 0)
            return order;
    }
    return x->billable - y->billable;
}

/* Copies the texts of a register's row. False: out of memory. */
static bool keep_row(struct toll_adjust *adjust, const struct toll_tax_register_row *from,
                     struct toll_adjusting_tax_row *row)
{
    const char **const to[] = {&row->account,          &row->site,  &row->currency, &row->period,
                               &row->tax_jurisdiction, &row->level, &row->tax,      &row->name};
    const char *const texts[] = {from->account,          from->site,  from->currency, from->period,
                                 from->tax_jurisdiction, from->level, from->tax,      from->name};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        const uint32_t id = toll_strings_add(&adjust->texts, texts[i], strlen(texts[i]));
        if (id == 0)
            return false;
        *to[i] = toll_strings_text(&adjust->texts, id, NULL);
    }
    row->billable = from->billable;
    row->report_period = adjust->report_period;
    row->status = "";
    return true;
}

/* The row for a register's row; NULL: out of memory. */
static struct toll_adjusting_tax_row *row_of(struct tax_list *list, const struct toll_tax_register_row *from)
{
    struct toll_adjusting_tax_row row;
    memset(&row, 0, sizeof row); /* compared as bytes, padding too */
    if (!keep_row(list->adjust, from, &row))
        return NULL;
    /* Equal texts are one text of the table, so that their places tell them apart. */
    const uint32_t id = toll_strings_add(&list->keys, (const char *)&row, sizeof row);
    if (id == 0)
        return NULL;
    if (id >= list->room) {
        const size_t room = (size_t)id * 2 + 64;
        struct toll_adjusting_tax_row *grown = realloc(list->rows, room * sizeof *grown);
        if (grown == NULL)
            return NULL;
        memset(grown + list->room, 0, (room - list->room) * sizeof *grown);
        list->rows = grown;
        list->room = room;
    }
    if (list->rows[id].account == NULL)
        list->rows[id] = row;
    return &list->rows[id];
}

static int add_cents(int64_t *cents, const struct toll_tax_register_row *row, struct toll_error *error)
{
    if (!__builtin_add_overflow(*cents, row->tax_cents, cents))
        return 0;
    return toll_error_set(error, TOLL_EDATA,
                          "account %s: the tax that is adjusted of period %s is more than an amount can hold",
                          row->account, row->period);
}

static int add_register(struct tax_list *list, enum toll_adjust_run run, struct toll_error *error)
{
    struct toll_adjust *adjust = list->adjust;
    const struct toll_tax_options options = {0};
    struct toll_tax_register_row row;
    struct toll_taxes *taxes;
    int rc = toll_taxes_open_with(
        adjust->io, run == TOLL_ADJUST_OLD ? adjust->runs.old_run_path : adjust->runs.new_run_path, &options,
        &taxes, error);
    for (int64_t i = 0; rc == 0 && toll_taxes_register(taxes, i, &row); i++) {
        const struct toll_adjust_account *account = toll_adjust_account_of(adjust, run, row.account);
        int64_t day = 0;
        toll_ms until;
        if (account == NULL) {
            rc = toll_adjust_no_memory(error);
            break;
        }
        if (!toll_day_parse(row.period, strlen(row.period), &day) ||
            !toll_adjust_period_closed(account, day, &until))
            continue;
        struct toll_adjusting_tax_row *sum = row_of(list, &row);
        if (sum == NULL)
            rc = toll_adjust_no_memory(error);
        else
            rc = add_cents(run == TOLL_ADJUST_OLD ? &sum->old_cents : &sum->new_cents, &row, error);
    }
    toll_taxes_close(taxes);
    return rc;
}

int toll_adjust_list_taxes(struct toll_adjust *adjust, struct toll_error *error)
{
    struct tax_list list = {.adjust = adjust};
    int rc = add_register(&list, TOLL_ADJUST_OLD, error);
    if (rc == 0)
        rc = add_register(&list, TOLL_ADJUST_NEW, error);
    adjust->taxes = calloc((size_t)list.keys.count + 1, sizeof *adjust->taxes);
    if (rc == 0 && adjust->taxes == NULL)
        rc = toll_adjust_no_memory(error);
    for (size_t id = 1; rc == 0 && id <= list.keys.count; id++)
        if (list.rows[id].old_cents != list.rows[id].new_cents)
            adjust->taxes[adjust->tax_count++] = list.rows[id];
    if (rc == 0)
        qsort(adjust->taxes, (size_t)adjust->tax_count, sizeof *adjust->taxes, compare_rows);
    free(list.rows);
    toll_strings_free(&list.keys);
    return rc;
}
