/* What of a delta adjusts what was billed already: changed lines summed up, period charges, and the rows that
 * are written. */
#include "pipeline/adjust_rows.h"

#include "base/check.h"
#include "base/error.h"
#include "pipeline/after.h"

#include <stdlib.h>
#include <string.h>

int toll_adjust_no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for adjusting lines");
}

/* ---- opening ---- */

/* In which adjusted taxes are reported; "" not said. */
static const char *report_period(const struct toll_adjust_policy *policy)
{
    return policy->report_period != NULL ? policy->report_period : policy->today != NULL ? policy->today : "";
}

int toll_adjust_check_policy(const struct toll_adjust_policy *policy, bool taxed, struct toll_error *error)
{
    int64_t today = 0;
    if (policy->today != NULL && !toll_day_parse(policy->today, strlen(policy->today), &today))
        return toll_error_set(error, TOLL_EUSAGE, "today %s is no day; write it as 2026-04-10",
                              policy->today);
    if (policy->minimum < 0 || policy->approve_above < 0)
        return toll_error_set(error, TOLL_EUSAGE, "amounts of the policy must not be negative");
    if (policy->back_bill_days >= 0 && policy->today == NULL)
        return toll_error_set(error, TOLL_EUSAGE, "a limit of %lld days goes back from some day: say --today",
                              (long long)policy->back_bill_days);
    if (taxed && report_period(policy)[0] == 0)
        return toll_error_set(error, TOLL_EUSAGE,
                              "taxes that are adjusted are reported in some period: say --report-period or "
                              "--today");
    return 0;
}

static bool knows_parts(const struct toll_state *state, const struct toll_run_manifest *run)
{
    for (size_t i = 0; i < run->part_count; i++)
        if (toll_state_has_part(state, run->parts[i].day, run->parts[i].part, run->parts[i].rows,
                                &run->parts[i].cdr_seal))
            return true;
    return toll_hash_equal(state->cdr_hash, run->cdr_hash);
}

int toll_adjust_check_state(const struct toll_state *state, const char *state_path,
                            const struct toll_run_files *old_run, bool known, struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &old_run->manifest;
    if (manifest->has_after && toll_hash_equal(manifest->after, state->digest))
        return toll_error_set(error, TOLL_EUSAGE,
                              "%s is the state that %s goes on from, and holds nothing that it billed: close "
                              "that run and name the new state, or leave --closed out if it was not billed",
                              state_path, old_run->path);
    if (known || toll_hash_equal(state->run_digest, old_run->digest) ||
        (manifest->has_predecessor && toll_hash_equal(state->run_digest, manifest->predecessor)) ||
        knows_parts(state, manifest))
        return 0;
    return toll_error_set(error, TOLL_EUSAGE,
                          "%s is a state neither of %s nor of a run behind it: it holds none of its CDRs; "
                          "name the state that closed it",
                          state_path, old_run->path);
}

static int read_policy(struct toll_adjust *adjust, struct toll_error *error)
{
    const struct toll_adjust_policy *policy = adjust->policy;
    const bool taxed = adjust->runs.old_book->tax.taxed && adjust->runs.new_book->tax.taxed;
    const int rc = toll_adjust_check_policy(policy, taxed, error);
    int64_t today = 0;
    adjust->oldest_day = INT64_MIN;
    if (rc == 0 && policy->back_bill_days >= 0 &&
        toll_day_parse(policy->today, strlen(policy->today), &today) && policy->back_bill_days < 1000000)
        adjust->oldest_day = today - policy->back_bill_days;
    const char *period = report_period(policy);
    memcpy(adjust->report_period, period, strnlen(period, 7)); /* "2026-04" */
    return rc;
}

int toll_adjust_open(struct toll_adjust **out, const struct toll_io *io, const char *closed_path,
                     const struct toll_adjust_policy *policy, const struct toll_adjust_runs *runs,
                     struct toll_error *error)
{
    struct toll_adjust *adjust = calloc(1, sizeof *adjust);
    *out = adjust;
    if (adjust == NULL)
        return toll_adjust_no_memory(error);
    adjust->io = io;
    adjust->policy = policy;
    adjust->runs = *runs;
    int rc = read_policy(adjust, error);
    if (rc == 0)
        rc = toll_state_open(&adjust->state, io, closed_path, error);
    adjust->state_open = rc == 0;
    if (rc == 0)
        rc = toll_adjust_check_state(&adjust->state, closed_path, runs->before,
                                     knows_parts(&adjust->state, &runs->after->manifest), error);
    if (rc == 0)
        rc = toll_account_names(runs->old_book, &adjust->names[TOLL_ADJUST_OLD], error);
    if (rc == 0)
        rc = toll_account_names(runs->new_book, &adjust->names[TOLL_ADJUST_NEW], error);
    if (rc != 0) {
        toll_adjust_close(adjust);
        *out = NULL;
    }
    return rc;
}

void toll_adjust_close(struct toll_adjust *adjust)
{
    if (adjust == NULL)
        return;
    if (adjust->state_open)
        toll_state_close(&adjust->state);
    toll_strings_free(&adjust->texts);
    toll_strings_free(&adjust->keys);
    for (unsigned run = 0; run < 2; run++) {
        toll_strings_free(&adjust->names[run]);
        free(adjust->accounts[run]);
    }
    free(adjust->account_names);
    free(adjust->sums);
    toll_arena_free(&adjust->arena);
    free(adjust->rows);
    free(adjust->taxes);
    free(adjust);
}

/* ---- accounts ---- */

static void find_account(const struct toll_adjust *adjust, enum toll_adjust_run run, const char *name,
                         struct toll_adjust_account *out)
{
    const struct toll_book *const books[] = {adjust->runs.old_book, adjust->runs.new_book};
    const struct toll_book *book = books[run];
    uint32_t account = toll_account_named(&adjust->names[run], name);
    if (account == 0) { /* of lines kept from a book before: as the other run's book has it */
        const enum toll_adjust_run other = run == TOLL_ADJUST_OLD ? TOLL_ADJUST_NEW : TOLL_ADJUST_OLD;
        account = toll_account_named(&adjust->names[other], name);
        book = account == 0 ? book : books[other];
    }
    *out = (struct toll_adjust_account){
        .known = true,
        .zone = book->zones[account == 0 ? 0 : book->accounts[account].zone],
        .cycle_day = account == 0 ? 1 : book->accounts[account].cycle_day,
        .closing = toll_state_closing_of(&adjust->state, name),
    };
    if (out->closing == TOLL_MS_MIN) /* the state does not know it */
        out->closing = toll_closing_time(book, account, adjust->state.until);
}

static struct toll_adjust_account *account_at(struct toll_adjust *adjust, enum toll_adjust_run run,
                                              uint32_t text)
{
    if (text >= adjust->account_room[run]) {
        const uint32_t room = text * 2 + 64;
        struct toll_adjust_account *grown = realloc(adjust->accounts[run], room * sizeof *grown);
        if (grown == NULL)
            return NULL;
        memset(grown + adjust->account_room[run], 0, (room - adjust->account_room[run]) * sizeof *grown);
        adjust->accounts[run] = grown;
        adjust->account_room[run] = room;
    }
    struct toll_adjust_account *account = &adjust->accounts[run][text];
    if (!account->known)
        find_account(adjust, run, toll_strings_text(&adjust->texts, text, NULL), account);
    return account;
}

const struct toll_adjust_account *toll_adjust_account_of(struct toll_adjust *adjust, enum toll_adjust_run run,
                                                         const char *account)
{
    const uint32_t text = toll_strings_add(&adjust->texts, account, strlen(account));
    return text == 0 ? NULL : account_at(adjust, run, text);
}

bool toll_adjust_period_closed(const struct toll_adjust_account *account, int64_t day, toll_ms *until)
{
    const struct toll_cycle cycle = toll_cycle_of_month(account->zone, account->cycle_day,
                                                        toll_cycle_month_of_day(account->cycle_day, day));
    *until = cycle.until;
    return cycle.from < account->closing;
}

static bool keep_name(struct toll_adjust *adjust, uint32_t account, const char *name)
{
    if (account >= adjust->name_room) {
        const uint32_t room = account * 2 + 64;
        uint32_t *grown = realloc(adjust->account_names, room * sizeof *grown);
        if (grown == NULL)
            return false;
        memset(grown + adjust->name_room, 0, (room - adjust->name_room) * sizeof *grown);
        adjust->account_names = grown;
        adjust->name_room = room;
    }
    adjust->account_names[account] = toll_strings_add(&adjust->texts, name, strlen(name));
    return adjust->account_names[account] != 0;
}

/* ---- sums ---- */

/* NULL: out of memory. */
static struct toll_adjust_sum *sum_of(struct toll_adjust *adjust, const struct toll_adjust_key *key)
{
    const uint32_t id = toll_strings_add(&adjust->keys, (const char *)key, sizeof *key);
    if (id == 0)
        return NULL;
    if (id >= adjust->sum_room) {
        const size_t room = (size_t)id * 2 + 64;
        struct toll_adjust_sum *grown = realloc(adjust->sums, room * sizeof *grown);
        if (grown == NULL)
            return NULL;
        memset(grown + adjust->sum_room, 0, (room - adjust->sum_room) * sizeof *grown);
        adjust->sums = grown;
        adjust->sum_room = room;
    }
    adjust->sums[id].key = *key;
    return &adjust->sums[id];
}

static bool text_id(struct toll_adjust *adjust, const char *text, uint32_t *id)
{
    *id = toll_strings_add(&adjust->texts, text, strlen(text));
    return *id != 0;
}

static const char *services_of(const struct toll_adjust_side *side)
{
    return side->tuple == NULL ? "" : side->tuple->tax_services;
}

/* The key of a side, without reason and services. False: out of memory. */
static bool key_of(struct toll_adjust *adjust, enum toll_adjust_run run, const struct toll_adjust_side *side,
                   struct toll_adjust_key *key, bool *closed)
{
    *key = (struct toll_adjust_key){0};
    if (!text_id(adjust, side->account, &key->account) || !text_id(adjust, side->site, &key->site) ||
        !text_id(adjust, side->currency, &key->currency))
        return false;
    struct toll_adjust_account *account = account_at(adjust, run, key->account);
    if (account == NULL)
        return false;
    *closed = side->start < account->closing;
    if (!*closed)
        return true;
    int64_t day = 0;
    if (side->tuple == NULL || !toll_day_parse(side->tuple->period, strlen(side->tuple->period), &day)) {
        if (side->start < account->cycle.from || side->start >= account->cycle.until)
            account->cycle = toll_cycle_at(account->zone, account->cycle_day, side->start);
        day = account->cycle.day;
    }
    key->period = (int32_t)day;
    key->too_old = toll_day_of_ms(side->start) < adjust->oldest_day;
    return keep_name(adjust, key->account, side->account_name);
}

static bool add(struct toll_adjust *adjust, const struct toll_adjust_key *key, int64_t calls, int64_t before,
                int64_t after)
{
    struct toll_adjust_sum *sum = sum_of(adjust, key);
    if (sum == NULL)
        return false;
    sum->calls += calls;
    sum->before += before;
    sum->after += after;
    return true;
}

/* Adds both sides: to one sum, where they are of one account, site, currency and period. */
static bool add_change(struct toll_adjust *adjust, const struct toll_adjust_change *change,
                       struct toll_adjust_key keys[2], const bool closed[2])
{
    const struct toll_adjust_side *before = &change->before, *after = &change->after;
    const bool both = closed[0] && closed[1] && keys[0].account == keys[1].account &&
                      keys[0].site == keys[1].site && keys[0].currency == keys[1].currency &&
                      keys[0].period == keys[1].period && keys[0].too_old == keys[1].too_old;
    for (unsigned i = 0; i < 2; i++)
        keys[i].reason = (uint16_t)change->reason;
    if ((closed[0] && !text_id(adjust, services_of(before), &keys[0].services)) ||
        (closed[1] && !text_id(adjust, services_of(after), &keys[1].services)))
        return false;
    if (both) {
        struct toll_adjust_key *key = after->tuple != NULL ? &keys[1] : &keys[0];
        return before->charge == after->charge || add(adjust, key, 1, before->charge, after->charge);
    }
    return (!closed[0] || before->charge == 0 || add(adjust, &keys[0], 1, before->charge, 0)) &&
           (!closed[1] || after->charge == 0 || add(adjust, &keys[1], 1, 0, after->charge));
}

int toll_adjust_line(struct toll_adjust *adjust, const struct toll_adjust_change *change, bool *closed,
                     struct toll_error *error)
{
    struct toll_adjust_key keys[2] = {{0}, {0}};
    bool of[2] = {false, false};
    bool good = true;
    if (change->before.there)
        good = key_of(adjust, TOLL_ADJUST_OLD, &change->before, &keys[0], &of[0]);
    if (good && change->after.there)
        good = key_of(adjust, TOLL_ADJUST_NEW, &change->after, &keys[1], &of[1]);
    *closed = of[0] || of[1];
    if (good && *closed)
        good = add_change(adjust, change, keys, of);
    return good ? 0 : toll_adjust_no_memory(error);
}

/* ---- period charges of closed periods ---- */

static bool add_periods(struct toll_adjust *adjust, enum toll_adjust_run run)
{
    const struct toll_run_files *files = run == TOLL_ADJUST_OLD ? adjust->runs.before : adjust->runs.after;
    for (int64_t i = 0; i < files->tables.period_count; i++) {
        const struct toll_period_row *row = &files->tables.periods[i];
        const struct toll_account_row *account = &files->tables.accounts[row->account];
        const struct toll_adjust_account *known = toll_adjust_account_of(adjust, run, account->account);
        struct toll_adjust_key key = {.reason = TOLL_DELTA_REASONS};
        int64_t day = 0;
        toll_ms until;
        if (known == NULL)
            return false;
        if (!toll_day_parse(row->period, strlen(row->period), &day) ||
            !toll_adjust_period_closed(known, day, &until))
            continue;
        key.period = (int32_t)day;
        key.too_old = toll_day_of_ms(until - 1) < adjust->oldest_day;
        if (!text_id(adjust, account->account, &key.account) || !text_id(adjust, row->site, &key.site) ||
            !text_id(adjust, account->currency, &key.currency) || !text_id(adjust, "", &key.services) ||
            !keep_name(adjust, key.account, account->name) ||
            !add(adjust, &key, 0, run == TOLL_ADJUST_OLD ? row->charge : 0,
                 run == TOLL_ADJUST_NEW ? row->charge : 0))
            return false;
    }
    return true;
}

/* ---- rows ---- */

static const char *text_of(const struct toll_adjust *adjust, uint32_t id)
{
    return id == 0 ? "" : toll_strings_text(&adjust->texts, id, NULL);
}

static int compare_sums(const void *a, const void *b, void *context)
{
    const struct toll_adjust *adjust = context;
    const struct toll_adjust_key *x = &((const struct toll_adjust_sum *)a)->key;
    const struct toll_adjust_key *y = &((const struct toll_adjust_sum *)b)->key;
    int order = strcmp(text_of(adjust, x->account), text_of(adjust, y->account));
    if (order == 0)
        order = strcmp(text_of(adjust, x->site), text_of(adjust, y->site));
    if (order == 0)
        order = strcmp(text_of(adjust, x->currency), text_of(adjust, y->currency));
    if (order == 0)
        order = (x->period > y->period) - (x->period < y->period);
    if (order == 0)
        order = (int)x->reason - (int)y->reason;
    if (order == 0)
        order = strcmp(text_of(adjust, x->services), text_of(adjust, y->services));
    return order != 0 ? order : (int)y->too_old - (int)x->too_old;
}

/* The status is that of a line alone; "" open. */
static int make_row(struct toll_adjust *adjust, const struct toll_adjust_sum *sum,
                    struct toll_adjusting_row *row, struct toll_error *error)
{
    const struct toll_adjust_key *key = &sum->key;
    char day[TOLL_TIME_TEXT_BYTES];
    toll_day_format(key->period, day);
    const char *period = toll_arena_copy(&adjust->arena, day, strlen(day));
    const bool debit = sum->after > sum->before;
    if (period == NULL)
        return toll_adjust_no_memory(error);
    *row = (struct toll_adjusting_row){
        .id = adjust->row_count + 1,
        .account = text_of(adjust, key->account),
        .name = text_of(adjust, adjust->account_names[key->account]),
        .site = text_of(adjust, key->site),
        .currency = text_of(adjust, key->currency),
        .period = period,
        .reason = key->reason == TOLL_DELTA_REASONS ? "period" : toll_delta_reason_name(key->reason),
        .tax_services = text_of(adjust, key->services),
        .kind = debit ? "debit" : "credit",
        .status = !debit                         ? ""
                  : adjust->policy->credits_only ? "waived"
                  : key->too_old                 ? "too_old"
                                                 : "",
        .calls = sum->calls,
    };
    if (toll_money_narrow(sum->before, &row->old_charge) && toll_money_narrow(sum->after, &row->new_charge))
        return 0;
    return toll_error_set(error, TOLL_EDATA,
                          "account %s: what is adjusted of period %s is more than an amount can hold",
                          row->account, period);
}

static int list_rows(struct toll_adjust *adjust, struct toll_error *error)
{
    struct toll_adjust_sum *sums = adjust->sums == NULL ? NULL : adjust->sums + 1;
    const size_t count = adjust->keys.count;
    int rc = 0;
    if (count > 0)
        qsort_r(sums, count, sizeof *sums, compare_sums, adjust);
    adjust->rows = calloc(count + 1, sizeof *adjust->rows);
    if (adjust->rows == NULL)
        return toll_adjust_no_memory(error);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (sums[i].before == sums[i].after)
            continue;
        rc = make_row(adjust, &sums[i], &adjust->rows[adjust->row_count], error);
        adjust->row_count++;
    }
    return rc;
}

/* ---- all of it ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int hash_approved(struct toll_adjust *adjust, struct toll_hash128 *hash, struct toll_error *error)
{
    const size_t count = adjust->policy->approved_count;
    const char **names = calloc(count + 1, sizeof *names);
    struct toll_hash_state state;
    *hash = (struct toll_hash128){0};
    if (names == NULL)
        return toll_adjust_no_memory(error);
    for (size_t i = 0; i < count; i++)
        names[i] = adjust->policy->approved[i];
    qsort(names, count, sizeof *names, compare_texts);
    toll_hash_begin(&state);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            toll_hash_add(&state, names[i], strlen(names[i]) + 1);
    if (count > 0)
        *hash = toll_hash_end(&state);
    free(names);
    return 0;
}

int toll_adjust_end(struct toll_adjust *adjust, struct toll_delta_writer *writer,
                    struct toll_delta_manifest *manifest, int64_t *count, struct toll_error *error)
{
    const struct toll_adjust_policy *policy = adjust->policy;
    int rc = add_periods(adjust, TOLL_ADJUST_OLD) && add_periods(adjust, TOLL_ADJUST_NEW)
                 ? 0
                 : toll_adjust_no_memory(error);
    if (rc == 0)
        rc = list_rows(adjust, error);
    if (rc == 0 && adjust->runs.old_book->tax.taxed && adjust->runs.new_book->tax.taxed)
        rc = toll_adjust_list_taxes(adjust, error);
    if (rc == 0)
        rc = toll_adjust_decide(adjust, error);
    if (rc == 0)
        rc = toll_delta_add_adjusting(writer, adjust->rows, adjust->row_count, error);
    if (rc == 0)
        rc = toll_delta_add_adjusting_taxes(writer, adjust->taxes, adjust->tax_count, error);
    manifest->has_closed = true;
    manifest->credits_only = policy->credits_only;
    manifest->state = adjust->state.digest;
    manifest->closed_until = adjust->state.until;
    manifest->minimum = policy->minimum;
    manifest->approve_above = policy->approve_above;
    manifest->back_bill_days = policy->back_bill_days;
    manifest->today = policy->today == NULL ? "" : policy->today;
    manifest->report_period = adjust->report_period;
    *count = adjust->row_count;
    return rc != 0 ? rc : hash_approved(adjust, &manifest->approved, error);
}
