/* Closing times, and the state that a run goes on from. */
#include "pipeline/after.h"

#include "base/cycle.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

int toll_account_names(const struct toll_book *book, struct toll_strings *names, struct toll_error *error)
{
    for (uint32_t i = 1; i < book->account_count; i++) {
        const char *name = toll_book_string(book, book->accounts[i].account);
        if (toll_strings_add(names, name, strlen(name)) != i) /* they are unique */
            return toll_error_set(error, TOLL_ENOMEM, "out of memory for the accounts' names");
    }
    return 0;
}

uint32_t toll_account_named(const struct toll_strings *names, const char *account)
{
    return account[0] == 0 ? 0 : toll_strings_find(names, account, strlen(account));
}

/* ---- closing times ---- */

toll_ms toll_closing_time(const struct toll_book *book, uint32_t account, int64_t until)
{
    const struct toll_zone *zone = book->zones[account == 0 ? 0 : book->accounts[account].zone];
    const int cycle_day = account == 0 ? 1 : book->accounts[account].cycle_day;
    toll_ms midnight;
    if (account == 0) {
        toll_zone_to_utc(zone, until * TOLL_DAY_MS, TOLL_FOLD_FIRST, &midnight);
        return midnight;
    }
    return toll_cycle_of_month(zone, cycle_day, toll_cycle_month_of_day(cycle_day, until)).from;
}

int toll_closing_times(const struct toll_book *book, const struct toll_state *state, toll_ms **out,
                       struct toll_error *error)
{
    toll_ms *closed = calloc(book->account_count + 1u, sizeof *closed);
    *out = closed;
    if (closed == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the accounts' closing times");
    closed[0] = toll_state_closing_of(state, "");
    for (uint32_t i = 1; i < book->account_count; i++) {
        closed[i] = toll_state_closing_of(state, toll_book_string(book, book->accounts[i].account));
        if (closed[i] == TOLL_MS_MIN)
            closed[i] = toll_closing_time(book, i, state->until);
    }
    return 0;
}

/* ---- all of it ---- */

int toll_after_open(struct toll_after *after, const struct toll_io *io, const char *path,
                    struct toll_error *error)
{
    const int rc = toll_state_open(&after->state, io, path, error);
    after->open = rc == 0;
    return rc;
}

int toll_after_join(struct toll_after *after, const struct toll_book *book,
                    const struct toll_dataset *dataset, size_t first, size_t last, struct toll_error *error)
{
    const struct toll_state *state = &after->state;
    int rc = toll_closing_times(book, state, &after->closed, error);
    if (rc == 0)
        rc = toll_closed_rows_find(&after->rows, state, dataset, first, last, after->from_day, after->to_day,
                                   error);
    after->before = (struct toll_pools_before){
        .periods = state->pools,
        .period_count = state->pool_count,
        .draws = state->draws,
        .draw_count = state->draw_count,
        .counts = state->counts,
        .count_count = state->count_count,
        .begun = state->begun,
        .begun_first = state->begun_first,
        .closed = after->closed,
    };
    return rc;
}

void toll_after_close(struct toll_after *after)
{
    toll_closed_rows_free(&after->rows);
    free(after->closed);
    free(after->periods);
    free(after->draws);
    free(after->counts);
    free(after->again);
    if (after->open)
        toll_state_close(&after->state);
    memset(after, 0, sizeof *after);
}

/* ---- period charges ---- */

/* Does the billing period that begins on a local day end before the account's closing time? */
static bool period_closed(const struct toll_after *after, const struct toll_book *book, int32_t account,
                          const char *period)
{
    const struct toll_account *row = &book->accounts[account];
    int64_t day = 0;
    toll_day_parse(period, strlen(period), &day);
    const int64_t month = toll_cycle_month_of_day(row->cycle_day, day);
    return toll_cycle_of_month(book->zones[row->zone], row->cycle_day, month).from < after->closed[account];
}

int toll_after_charges(const struct toll_after *after, const struct toll_book *book,
                       struct toll_period_charges *charges, struct toll_error *error)
{
    size_t count = 0;
    for (size_t i = 0; i < charges->count; i++) {
        const struct toll_period_charge_entry *entry = &charges->entries[i];
        if (!period_closed(after, book, entry->row.account, entry->period))
            charges->entries[count++] = *entry;
    }
    charges->count = count;
    struct toll_period_charge_entry *grown =
        realloc(charges->entries, (count + (size_t)after->again_count + 1) * sizeof *grown);
    if (grown == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the period charges");
    charges->entries = grown;
    struct toll_strings names = {0};
    const int rc = after->again_count == 0 ? 0 : toll_account_names(book, &names, error);
    for (int64_t i = 0; rc == 0 && i < after->again_count; i++) {
        const struct toll_state_charge *again = &after->again[i];
        const int32_t account = (int32_t)toll_account_named(&names, again->account);
        if (account == 0 || again->charge == 0)
            continue;
        struct toll_period_charge_entry *entry = &grown[charges->count++];
        *entry = (struct toll_period_charge_entry){
            .row = {.account = account,
                    .site = "",
                    .number = "",
                    .tiers = "",
                    .kind = "already_billed",
                    .charge = -again->charge,
                    .file = ""},
            .account = toll_book_string(book, book->accounts[account].account),
        };
        memcpy(entry->period, again->period, strlen(again->period) + 1);
    }
    for (size_t i = 0; i < charges->count; i++)
        grown[i].row.period = grown[i].period;
    toll_strings_free(&names);
    return rc;
}
