/* What closed runs charged an account for each billing period: lines, and charges of the periods. */
#include "pipeline/close.h"

#include "base/cycle.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static struct toll_closing_charge *find(struct toll_closing *closing, uint32_t account, toll_ms at,
                                        struct toll_error *error)
{
    for (size_t i = closing->charge_of[account]; i != 0; i = closing->charges[i - 1].next) {
        struct toll_closing_charge *one = &closing->charges[i - 1];
        if (at >= one->from && at < one->until)
            return one;
    }
    if (closing->charge_count == closing->charge_room) {
        const size_t room = 2 * closing->charge_room + 1024;
        struct toll_closing_charge *grown = realloc(closing->charges, room * sizeof *grown);
        if (grown == NULL) {
            toll_error_set(error, TOLL_ENOMEM, "out of memory for what was charged");
            return NULL;
        }
        closing->charges = grown;
        closing->charge_room = room;
    }
    const struct toll_account *row = &closing->book->accounts[account];
    const struct toll_cycle cycle = toll_cycle_at(closing->book->zones[row->zone], row->cycle_day, at);
    struct toll_closing_charge *one = &closing->charges[closing->charge_count++];
    *one = (struct toll_closing_charge){.account = account,
                                        .day = cycle.day,
                                        .from = cycle.from,
                                        .until = cycle.until,
                                        .next = closing->charge_of[account]};
    closing->charge_of[account] = closing->charge_count;
    return one;
}

int toll_closing_charge(struct toll_closing *closing, uint32_t account, toll_ms at, toll_total charge,
                        struct toll_error *error)
{
    struct toll_closing_charge *one = find(closing, account, at, error);
    if (one == NULL)
        return TOLL_ENOMEM;
    one->charge += charge;
    return 0;
}

/* Local midnight of a first day; a period of tiers may begin within a billing period. */
static toll_ms begins(const struct toll_closing *closing, uint32_t account, const char *period)
{
    toll_ms at;
    int64_t day = 0;
    toll_day_parse(period, strlen(period), &day);
    toll_zone_to_utc(closing->book->zones[closing->book->accounts[account].zone], day * TOLL_DAY_MS,
                     TOLL_FOLD_FIRST, &at);
    return at;
}

int toll_closing_list_charges(struct toll_closing *closing, struct toll_error *error)
{
    const struct toll_run_tables *tables = &closing->run.tables;
    int rc = 0;
    for (int64_t i = 0; rc == 0 && i < tables->period_count; i++) {
        const struct toll_period_row *row = &tables->periods[i];
        const uint32_t account = closing->account_ids[row->account];
        const toll_ms at = account == 0 ? 0 : begins(closing, account, row->period);
        if (account != 0 && at < closing->closed[account])
            rc = toll_closing_charge(closing, account, at, row->charge, error);
    }
    for (int64_t i = 0; rc == 0 && closing->has_before && i < closing->before.charge_count; i++) {
        const struct toll_state_charge *row = &closing->before.charges[i];
        const uint32_t account = toll_account_named(&closing->names, row->account);
        if (account != 0)
            rc = toll_closing_charge(closing, account, begins(closing, account, row->period), row->charge,
                                     error);
    }
    return rc;
}
