/* Period charges of tiers: for which numbers, sites and accounts they are due, whether these had calls or
 * not, and what they come to (docs/RATING.md section 13). */
#include "pipeline/pools_data.h"

#include "base/check.h"
#include "base/error.h"
#include "pipeline/surcharges.h"
#include "rating/tiers.h"

#include <stdlib.h>
#include <string.h>

/* ---- for whom ---- */

/* Rules of action tiers, by plan. */
struct due_rules {
    struct toll_pools *pools;
    uint32_t *first; /* [plan]: rules[first[plan]..first[plan + 1]) */
    uint32_t *rules;
    bool of_numbers; /* some of tiers by number or site: then it matters when a number is in force */
};

/* Most tiers charge nothing where nobody calls: then there is no period to look at. */
static bool due_unused(const struct toll_book *book, const struct toll_rule *rule)
{
    struct toll_tiers_due due;
    return rule->tiers != 0 && (!toll_tiers_period(&book->tiers[rule->tiers], book->tier_rows, 0, 0, &due) ||
                                due.fee != 0 || due.minimum != 0 || due.maximum != 0);
}

static bool sort_rules(struct due_rules *due)
{
    const struct toll_book *book = due->pools->book;
    due->first = calloc(book->plan_count + (size_t)2, sizeof *due->first);
    due->rules = calloc(book->rule_count + (size_t)1, sizeof *due->rules);
    if (due->first == NULL || due->rules == NULL)
        return false;
    for (uint32_t i = 1; i < book->rule_count; i++)
        due->first[book->rules[i].plan + 1] += due_unused(book, &book->rules[i]);
    for (uint32_t plan = 0; plan <= book->plan_count; plan++)
        due->first[plan + 1] += due->first[plan];
    for (uint32_t i = 1; i < book->rule_count; i++) {
        const struct toll_rule *rule = &book->rules[i];
        if (!due_unused(book, rule))
            continue;
        uint32_t at = due->first[rule->plan];
        while (due->rules[at] != 0)
            at++;
        due->rules[at] = i;
        const unsigned scope = book->tiers[rule->tiers].scope;
        due->of_numbers = due->of_numbers || scope == TOLL_SCOPE_NUMBER || scope == TOLL_SCOPE_SITE;
    }
    return true;
}

static toll_ms later(toll_ms a, toll_ms b)
{
    return a > b ? a : b;
}

static toll_ms earlier(toll_ms a, toll_ms b)
{
    return a < b ? a : b;
}

/* The run's periods of a counter that hold something of [from, until). */
static void due_in(struct toll_pools *pools, uint32_t counter_index, toll_ms from, toll_ms until)
{
    const struct toll_counter *counter = TOLL_POOL_ITEM(pools->counters, struct toll_counter, counter_index);
    const struct toll_pool_clock *clock = toll_pools_clock(pools, counter->clock);
    const uint32_t index = counter->clock;
    if (clock->last - clock->begun >= TOLL_POOL_MONTHS_MOST && pools->failed == 0)
        pools->failed = toll_pools_too_long(pools, &pools->failure);
    for (int64_t month = clock->begun; pools->failed == 0 && month <= clock->last; month++) {
        const struct toll_cycle cycle = toll_pools_month(pools, index, month);
        if (cycle.until <= from)
            continue;
        if (cycle.from >= until)
            break;
        toll_pools_check_cut(pools, &cycle, counter->account, "tiers",
                             toll_book_string(pools->book, pools->book->tiers[counter->tiers].name));
        toll_pools_count_slot(pools, counter_index, month);
    }
}

/* An owner's plans with tiers. number 0: those of scopes account and pool, at all times; else those of number
 * and site, while the number is the owner's. */
static void due_of_owner(const struct due_rules *due, uint32_t owner_index, uint64_t number, toll_ms from,
                         toll_ms until)
{
    struct toll_pools *pools = due->pools;
    const struct toll_book *book = pools->book;
    const struct toll_owner *owner = &book->owners[owner_index];
    for (uint32_t i = owner->span; i < owner->span + owner->span_count && pools->failed == 0; i++) {
        const struct toll_plan_span *span = &book->spans[i];
        for (uint32_t k = due->first[span->plan]; k < due->first[span->plan + 1]; k++) {
            const struct toll_rule *rule = &book->rules[due->rules[k]];
            const struct toll_tiers *tiers = &book->tiers[rule->tiers];
            const bool by_number = tiers->scope == TOLL_SCOPE_NUMBER || tiers->scope == TOLL_SCOPE_SITE;
            const toll_ms begin = later(from, later(span->from, rule->from));
            const toll_ms end = earlier(until, earlier(span->until, rule->until));
            if (by_number != (number != 0) || begin >= end || tiers->period == TOLL_TIER_CALL)
                continue;
            const uint32_t counter =
                toll_pools_counter(pools, rule->tiers, owner->account, owner->site, number);
            if (counter != 0)
                due_in(pools, counter, begin, end);
        }
    }
}

static void due_of_number(const struct due_rules *due, uint64_t number, uint32_t field)
{
    const struct toll_book *book = due->pools->book;
    if (field == 0)
        return;
    if ((field & TOLL_OWNER_DATED) == 0) {
        due_of_owner(due, field, number, TOLL_MS_MIN, TOLL_MS_MAX);
        return;
    }
    for (const struct toll_owner_date *date = &book->owner_dates[field & ~TOLL_OWNER_DATED];; date++) {
        due_of_owner(due, date->owner, number, date->from, date->until);
        if (date->last != 0)
            return;
    }
}

int toll_pools_due(struct toll_pools *pools, struct toll_error *error)
{
    const struct toll_book *book = pools->book;
    struct due_rules due = {.pools = pools};
    if (book->tiers_count <= 1 || pools->span.rows == 0)
        return 0;
    if (sort_rules(&due)) {
        for (uint32_t i = 1; i < book->owner_count; i++)
            due_of_owner(&due, i, 0, TOLL_MS_MIN, TOLL_MS_MAX);
        for (uint64_t i = 0; due.of_numbers && i < book->number_capacity; i++)
            if (book->numbers[i].key != 0)
                due_of_number(&due, book->numbers[i].key, book->numbers[i].owner);
        for (unsigned kind = TOLL_NAMED_TRUNK; due.of_numbers && kind <= TOLL_NAMED_HINT; kind++)
            for (uint32_t i = 0; i < book->named_count[kind]; i++)
                due_of_number(&due, toll_pool_named_number((enum toll_named_kind)kind, i),
                              book->named[kind][i].owner);
    } else {
        toll_pools_no_memory(pools);
    }
    free(due.first);
    free(due.rules);
    return toll_pools_state(pools, error);
}

/* ---- rows and charges ---- */

static int by_name(const void *a, const void *b)
{
    const struct toll_tier_count_row *x = a, *y = b;
    int order = strcmp(x->tiers, y->tiers);
    order = order != 0 ? order : strcmp(x->account, y->account);
    order = order != 0 ? order : strcmp(x->site, y->site);
    order = order != 0 ? order : strcmp(x->number, y->number);
    return order != 0 ? order : strcmp(x->period, y->period);
}

static int by_business_key(const void *a, const void *b)
{
    const struct toll_period_charge_entry *x = a, *y = b;
    int order = strcmp(x->period, y->period);
    order = order != 0 ? order : strcmp(x->account, y->account);
    order = order != 0 ? order : strcmp(x->row.site, y->row.site);
    order = order != 0 ? order : strcmp(x->row.number, y->row.number);
    order = order != 0 ? order : strcmp(x->row.tiers, y->row.tiers);
    order = order != 0 ? order : strcmp(x->row.kind, y->row.kind);
    return order != 0 ? order : (x->row.line > y->row.line) - (x->row.line < y->row.line);
}

static int add_charge(const struct toll_pools *pools, const struct toll_counter *counter,
                      const struct toll_tier_count_row *row, const char *kind, toll_money charge,
                      struct toll_period_charges *charges, struct toll_error *error)
{
    const struct toll_tiers *tiers = &pools->book->tiers[counter->tiers];
    if (charge == 0)
        return 0;
    struct toll_period_charge_entry *entries =
        realloc(charges->entries, (charges->count + 1) * sizeof *entries);
    if (entries == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for period charges");
    charges->entries = entries;
    struct toll_period_charge_entry *entry = &entries[charges->count++];
    *entry = (struct toll_period_charge_entry){
        .row = {.account = counter->account,
                .site = row->site,
                .number = row->number,
                .tiers = row->tiers,
                .kind = kind,
                .charge = charge,
                .file = toll_book_string(pools->book, tiers->file),
                .line = (int32_t)tiers->line},
        .account = row->account,
    };
    strcpy(entry->period, row->period);
    return 0;
}

static int too_much(const struct toll_tier_count_row *row, struct toll_error *error)
{
    return toll_error_set(
        error, TOLL_EDATA,
        "tiers %s of account %s come to more than 92 billion in the period from %s; correct "
        "their fees and amounts",
        row->tiers, row->account, row->period);
}

/* What a slot comes to: as it was where a closed period has no new calls. False: out of range. */
static bool settle(const struct toll_pools *pools, const struct toll_count_slot *slot,
                   const struct toll_counter *counter, struct toll_tier_count_row *row)
{
    const struct toll_pools_before *before = pools->before;
    const struct toll_tiers *tiers = &pools->book->tiers[counter->tiers];
    const struct toll_tier_count_row *old = slot->before == 0 ? NULL : &before->counts[slot->before - 1];
    struct toll_tiers_due due = {0};
    if (!slot->touched && before != NULL && before->closed != NULL &&
        toll_pools_month(pools, counter->clock, slot->month).until <= before->closed[counter->account]) {
        if (old != NULL)
            due = (struct toll_tiers_due){.fee = old->fee, .minimum = old->minimum, .maximum = old->maximum};
    } else if (!toll_tiers_period(tiers, pools->book->tier_rows, slot->units, slot->spend, &due)) {
        return false;
    }
    row->units = slot->units;
    row->fee = due.fee;
    row->minimum = due.minimum;
    row->maximum = due.maximum;
    return toll_money_narrow(slot->spend, &row->spend);
}

static int list_slot(struct toll_pools *pools, const struct toll_count_slot *slot,
                     struct toll_period_charges *charges, struct toll_error *error)
{
    const struct toll_book *book = pools->book;
    const struct toll_counter *counter = TOLL_POOL_ITEM(pools->counters, struct toll_counter, slot->counter);
    const int first_day = (int)(counter->clock % TOLL_CLOCK_DAYS);
    struct toll_tier_count_row row = {
        .tiers = toll_book_string(book, book->tiers[counter->tiers].name),
        .account = toll_book_string(book, book->accounts[counter->account].account),
        .site = counter->site == 0 ? "" : toll_book_string(book, book->sites[counter->site].site),
        .number = "",
        .period = toll_pools_day_text(pools, toll_cycle_first_day(first_day, slot->month)),
    };
    if (!settle(pools, slot, counter, &row))
        return too_much(&row, error);
    if (slot->before == 0 && row.units == 0 && row.spend == 0 && row.fee == 0 && row.minimum == 0 &&
        row.maximum == 0)
        return 0;
    if (counter->number != 0)
        row.number = toll_pools_number_text(pools, counter->number);
    struct toll_tier_count_row *place = toll_pools_append(pools, &pools->count_rows, sizeof *place);
    if (place == NULL || row.number == NULL)
        return toll_pools_state(pools, error);
    *place = row;
    /* A run behind closed ones charges what has changed. */
    const bool differs = pools->before != NULL && pools->before->closed != NULL && slot->before != 0;
    const struct toll_tier_count_row zero = {0};
    const struct toll_tier_count_row *old = differs ? &pools->before->counts[slot->before - 1] : &zero;
    int rc = add_charge(pools, counter, &row, "tier_fee", row.fee - old->fee, charges, error);
    if (rc == 0)
        rc = add_charge(pools, counter, &row, "minimum_spend", row.minimum - old->minimum, charges, error);
    if (rc == 0)
        rc = add_charge(pools, counter, &row, "maximum_spend", row.maximum - old->maximum, charges, error);
    return rc;
}

/* Counts of earlier runs that the book does not know any more. */
static int carry_along(struct toll_pools *pools, struct toll_error *error)
{
    const int64_t count = pools->before == NULL ? 0 : pools->before->count_count;
    uint8_t *known = count == 0 ? NULL : calloc((size_t)count, 1);
    if (count == 0)
        return 0;
    if (known == NULL) {
        toll_pools_no_memory(pools);
        return toll_pools_state(pools, error);
    }
    for (uint32_t i = 1; i < pools->count_slots.count; i++) {
        const struct toll_count_slot *slot = TOLL_POOL_ITEM(pools->count_slots, struct toll_count_slot, i);
        if (slot->before != 0)
            known[slot->before - 1] = 1;
    }
    for (int64_t i = 0; i < count; i++) {
        struct toll_tier_count_row *row =
            known[i] ? NULL : toll_pools_append(pools, &pools->count_rows, sizeof *row);
        if (row != NULL)
            *row = pools->before->counts[i];
    }
    free(known);
    return toll_pools_state(pools, error);
}

int toll_pools_list_counts(struct toll_pools *pools, struct toll_period_charges *charges,
                           struct toll_error *error)
{
    int rc = carry_along(pools, error);
    for (uint32_t i = 1; rc == 0 && i < pools->count_slots.count; i++)
        rc = list_slot(pools, TOLL_POOL_ITEM(pools->count_slots, struct toll_count_slot, i), charges, error);
    if (rc != 0)
        return rc;
    if (pools->count_rows.count > 2)
        qsort((struct toll_tier_count_row *)pools->count_rows.items + 1, pools->count_rows.count - 1,
              sizeof(struct toll_tier_count_row), by_name);
    if (charges->count > 1)
        qsort(charges->entries, charges->count, sizeof *charges->entries, by_business_key);
    for (size_t i = 0; i < charges->count; i++)
        charges->entries[i].row.period = charges->entries[i].period;
    return 0;
}
