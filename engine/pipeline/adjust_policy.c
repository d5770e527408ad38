/*
 * What becomes of adjusting lines and taxes (docs/RERATE.md section 3). A line alone is waived or too old;
 * its taxes go with it. What is still open is summed up by account and currency, and the sum decides.
 */
#include "pipeline/adjust_rows.h"

#include "base/error.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

#define CENT (TOLL_MONEY_UNIT / 100)

static bool same_period(const struct toll_adjusting_tax_row *tax, const struct toll_adjusting_row *row)
{
    return strcmp(tax->account, row->account) == 0 && strcmp(tax->site, row->site) == 0 &&
           strcmp(tax->currency, row->currency) == 0 && strcmp(tax->period, row->period) == 0;
}

static int compare_places(const struct toll_adjusting_tax_row *tax, const struct toll_adjusting_row *row)
{
    int order = strcmp(tax->account, row->account);
    if (order == 0)
        order = strcmp(tax->site, row->site);
    if (order == 0)
        order = strcmp(tax->currency, row->currency);
    return order != 0 ? order : strcmp(tax->period, row->period);
}

/* Has the account's period ended before what may still be billed? */
static bool period_too_old(struct toll_adjust *adjust, const struct toll_adjusting_tax_row *tax)
{
    const struct toll_adjust_account *account = toll_adjust_account_of(adjust, TOLL_ADJUST_NEW, tax->account);
    int64_t day = 0;
    toll_ms until = 0;
    if (account == NULL || !toll_day_parse(tax->period, strlen(tax->period), &day))
        return false;
    toll_adjust_period_closed(account, day, &until);
    return toll_day_of_ms(until - 1) < adjust->oldest_day;
}

/* Of taxes beside which no line is adjusted: the same as of a line. */
static const char *alone(struct toll_adjust *adjust, const struct toll_adjusting_tax_row *tax)
{
    if (tax->new_cents < tax->old_cents)
        return "";
    return adjust->policy->credits_only ? "waived" : period_too_old(adjust, tax) ? "too_old" : "";
}

/* Lines [*at ...) of the tax's account, site, currency and period, which lie together, as taxes do. */
static const char *beside(struct toll_adjust *adjust, const struct toll_adjusting_tax_row *tax, int64_t *at)
{
    const struct toll_adjusting_row *rows = adjust->rows;
    while (*at < adjust->row_count && compare_places(tax, &rows[*at]) > 0)
        ++*at;
    if (*at == adjust->row_count || !same_period(tax, &rows[*at]))
        return alone(adjust, tax);
    const char *status = rows[*at].status;
    for (int64_t i = *at; i < adjust->row_count && same_period(tax, &rows[i]); i++)
        if (strcmp(rows[i].status, status) != 0)
            return "to_approve"; /* they are of lines that are billed and of others: nobody can tell */
    return status;
}

static bool approved(const struct toll_adjust_policy *policy, const char *account)
{
    for (size_t i = 0; i < policy->approved_count; i++)
        if (strcmp(policy->approved[i], account) == 0)
            return true;
    return false;
}

/* What is open of an account and currency. */
struct open_sum {
    const char *account, *currency;
    toll_total sum;
    const char *status;
};

static int compare_open(const void *a, const void *b)
{
    const struct open_sum *x = a, *y = b;
    const int order = strcmp(x->account, y->account);
    return order != 0 ? order : strcmp(x->currency, y->currency);
}

static struct open_sum *find_open(struct open_sum *sums, size_t count, const char *account,
                                  const char *currency)
{
    const struct open_sum key = {.account = account, .currency = currency};
    return bsearch(&key, sums, count, sizeof *sums, compare_open);
}

static size_t sum_open(const struct toll_adjust *adjust, struct open_sum *sums)
{
    size_t count = 0, joined = 0;
    for (int64_t i = 0; i < adjust->row_count; i++) {
        const struct toll_adjusting_row *row = &adjust->rows[i];
        const bool open = row->status[0] == 0;
        sums[count++] = (struct open_sum){row->account, row->currency,
                                          open ? (toll_total)row->new_charge - row->old_charge : 0, ""};
    }
    for (int64_t i = 0; i < adjust->tax_count; i++) {
        const struct toll_adjusting_tax_row *row = &adjust->taxes[i];
        const bool open = row->status[0] == 0 && row->billable != 0;
        sums[count++] = (struct open_sum){
            row->account, row->currency, open ? ((toll_total)row->new_cents - row->old_cents) * CENT : 0, ""};
    }
    qsort(sums, count, sizeof *sums, compare_open);
    for (size_t i = 0; i < count; i++) {
        if (joined > 0 && compare_open(&sums[joined - 1], &sums[i]) == 0)
            sums[joined - 1].sum += sums[i].sum;
        else
            sums[joined++] = sums[i];
    }
    return joined;
}

int toll_adjust_decide(struct toll_adjust *adjust, struct toll_error *error)
{
    const struct toll_adjust_policy *policy = adjust->policy;
    struct open_sum *sums = calloc((size_t)(adjust->row_count + adjust->tax_count) + 1, sizeof *sums);
    int64_t at = 0;
    if (sums == NULL)
        return toll_adjust_no_memory(error);
    for (int64_t i = 0; i < adjust->tax_count; i++)
        adjust->taxes[i].status = beside(adjust, &adjust->taxes[i], &at);
    const size_t count = sum_open(adjust, sums);
    for (size_t i = 0; i < count; i++) {
        const toll_total size = sums[i].sum < 0 ? -sums[i].sum : sums[i].sum;
        sums[i].status = size < policy->minimum ? "below_minimum"
                         : size > policy->approve_above && !approved(policy, sums[i].account) ? "to_approve"
                                                                                              : "due";
    }
    for (int64_t i = 0; i < adjust->row_count; i++) {
        struct toll_adjusting_row *row = &adjust->rows[i];
        if (row->status[0] == 0)
            row->status = find_open(sums, count, row->account, row->currency)->status;
    }
    for (int64_t i = 0; i < adjust->tax_count; i++) {
        struct toll_adjusting_tax_row *row = &adjust->taxes[i];
        if (row->status[0] == 0)
            row->status = find_open(sums, count, row->account, row->currency)->status;
        else if (strcmp(row->status, "to_approve") == 0 && approved(policy, row->account))
            row->status = "due";
    }
    free(sums);
    return 0;
}
