/*
 * Who is on which plan stands with the owners of numbers, trunks and hints: an owner of an account that is
 * moved has one assignment then, the account's, at all times. What trunks and carriers have of their own
 * stays, and comes before it or behind it as ever.
 */
#include "book/replan.h"

#include "base/error.h"
#include "text/table_edit.h"

#include <stdlib.h>
#include <string.h>

/* Bundles that a plan gives are its subscriptions': "plan:P" in subscriptions.csv. */
static bool plans_give_bundles(const struct toll_book *base)
{
    struct toll_table_edit *edit;
    const char *data = "";
    size_t bytes = 0;
    bool found = false;

    if (base->entitlement_count == 0 || !toll_book_source_find(base, "subscriptions.csv", &data, &bytes))
        return false;
    if (toll_table_edit_open(&edit, "subscriptions.csv", data, bytes, NULL) != 0)
        return true;
    const int subject = toll_table_edit_column(edit, "subject");
    while (!found && toll_table_edit_next(edit) == 1)
        found = strncmp(toll_table_edit_cell(edit, subject), "plan:", 5) == 0;
    toll_table_edit_free(edit);
    return found;
}

/* An assignment of a number that moves is known to all of its owners, also for times in which it is not
 * theirs: that shows in what tiers charge by period. */
static bool counts_moved_numbers(const struct toll_book *base)
{
    bool moved = false;

    for (uint64_t i = 0; i < base->number_capacity && base->tiers_count > 0 && !moved; i++)
        moved = (base->numbers[i].owner & TOLL_OWNER_DATED) != 0;
    return moved;
}

/* Nothing but what lines cost depends on the accounts' plans. */
static bool is_simple(const struct toll_book *base)
{
    for (uint32_t i = 1; i < base->deck_count; i++) {
        if (strcmp(toll_book_string(base, base->decks[i].currency), base->currency) != 0)
            return false;
    }
    for (uint32_t i = 1; i < base->account_count; i++) {
        const struct toll_account *account = &base->accounts[i];
        if (strcmp(toll_book_string(base, account->currency), base->currency) != 0)
            return false;
    }
    return !counts_moved_numbers(base) && !plans_give_bundles(base);
}

static int32_t find_plan(const struct toll_book *base, const char *name)
{
    for (uint32_t i = 1; i < base->plan_count; i++) {
        if (strcmp(toll_book_string(base, base->plans[i].plan), name) == 0)
            return base->plans[i].buy != 0 ? 0 : (int32_t)i;
    }
    return 0;
}

/* Marks the accounts of a change; false: one of them is unknown. */
static bool mark_accounts(const struct toll_book *base, const struct toll_change *change, uint8_t *marked)
{
    const char *at = change->accounts;
    char name[TOLL_CHANGE_NAME_BYTES];

    memset(marked, strcmp(at, "*") == 0, base->account_count);
    marked[0] = 0;
    if (strcmp(at, "*") == 0)
        return base->account_count > 1;
    while ((at = toll_change_next_name(at, name)) != NULL) {
        uint32_t i = 1;
        while (i < base->account_count &&
               strcmp(toll_book_string(base, base->accounts[i].account), name) != 0)
            i++;
        if (i == base->account_count)
            return false;
        marked[i] = 1;
    }
    return true;
}

static bool move_owners(struct toll_replanned *out, const struct toll_book *base,
                        const struct toll_change *change, uint32_t span, uint8_t *marked)
{
    const int32_t plan = find_plan(base, change->name);

    if (plan == 0 || !mark_accounts(base, change, marked))
        return false;
    out->spans[span] = (struct toll_plan_span){
        .from = TOLL_MS_MIN, .until = TOLL_MS_MAX, .plan = plan, .level = TOLL_LEVEL_ACCOUNT};
    for (uint32_t i = 1; i < base->owner_count; i++) {
        if (!marked[out->owners[i].account])
            continue;
        out->owners[i].plan = plan;
        out->owners[i].span = span;
        out->owners[i].span_count = 1;
    }
    return true;
}

int toll_replan(struct toll_replanned *out, const struct toll_book *base, const struct toll_change *changes,
                int count, struct toll_error *error)
{
    const size_t spans = (size_t)base->span_count + (size_t)count;
    uint8_t *marked;
    bool good = true;

    memset(out, 0, sizeof(*out));
    for (int i = 0; i < count && good; i++)
        good = changes[i].kind == TOLL_CHANGE_PLAN;
    if (!good || !is_simple(base))
        return 0;
    marked = malloc((size_t)base->account_count + 1);
    out->owners = malloc(((size_t)base->owner_count + 1) * sizeof(*out->owners));
    out->spans = malloc((spans + 1) * sizeof(*out->spans));
    out->book = malloc(sizeof(*out->book));
    if (marked == NULL || out->owners == NULL || out->spans == NULL || out->book == NULL) {
        free(marked);
        toll_replanned_free(out);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory while a book is changed");
    }
    memcpy(out->owners, base->owners, base->owner_count * sizeof(*out->owners));
    if (base->span_count > 0)
        memcpy(out->spans, base->spans, base->span_count * sizeof(*out->spans));
    for (int i = 0; i < count && good; i++)
        good = move_owners(out, base, &changes[i], base->span_count + (uint32_t)i, marked);
    free(marked);
    if (!good) {
        toll_replanned_free(out);
        return 0;
    }
    *out->book = *base;
    memset(&out->book->book_hash, 0, sizeof(out->book->book_hash));
    out->book->owners = out->owners;
    out->book->spans = out->spans;
    out->book->span_count = (uint32_t)spans;
    out->book->owned = NULL;
    return 0;
}

void toll_replanned_free(struct toll_replanned *replanned)
{
    free(replanned->book);
    free(replanned->owners);
    free(replanned->spans);
    memset(replanned, 0, sizeof(*replanned));
}
