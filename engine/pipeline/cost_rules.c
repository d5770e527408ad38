/* What the cost needs of a book, derived once: buy plans by trunk and carrier, and who pays in which
 * currency. */
#include "pipeline/cost.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* The plan of some spans, whenever; 0: there are none. */
static int32_t plan_of(const struct toll_book *book, uint32_t first, uint32_t count)
{
    const struct toll_plan_span *span = &book->spans[first];
    if (count == 0)
        return 0;
    return count == 1 && span->from == TOLL_MS_MIN && span->until == TOLL_MS_MAX ? span->plan
                                                                                 : TOLL_BUY_DATED;
}

static void fill_plans(struct toll_cost_rules *rules, int32_t *plans, enum toll_named_kind kind)
{
    const struct toll_book *book = rules->book;
    for (uint32_t i = 0; i < book->named_count[kind]; i++) {
        const struct toll_named *named = &book->named[kind][i];
        plans[1 + i] = plan_of(book, named->buy_span, named->buy_span_count);
        rules->by_record = rules->by_record || named->buy_span_count > 0;
    }
}

/* ---- currencies ---- */

/* Its id, TOLL_CURRENCIES_MAX: there is no room for it. */
static uint32_t currency_id(struct toll_cost_rules *rules, uint32_t text)
{
    const char *name = toll_book_string(rules->book, text);
    for (uint32_t i = 0; i < rules->currency_count; i++)
        if (strcmp(rules->currency[i], name) == 0)
            return i;
    if (rules->currency_count < TOLL_CURRENCIES_MAX)
        rules->currency[rules->currency_count++] = name;
    else
        return TOLL_CURRENCIES_MAX;
    return rules->currency_count - 1;
}

/* The book's own is 0. */
static bool fill_currencies(struct toll_cost_rules *rules)
{
    const struct toll_book *book = rules->book;
    rules->currency[0] = book->currency;
    rules->currency_count = 1;
    for (uint32_t i = 1; i < book->account_count; i++) {
        const uint32_t id = currency_id(rules, book->accounts[i].currency);
        if (id == TOLL_CURRENCIES_MAX)
            return false;
        rules->account_currency[i] = (uint8_t)id;
    }
    for (uint32_t i = 1; i < book->deck_count; i++) {
        const uint32_t id = currency_id(rules, book->decks[i].currency);
        if (id == TOLL_CURRENCIES_MAX)
            return false;
        rules->deck_currency[i] = (uint8_t)id;
    }
    return true;
}

static bool fill_pairs(struct toll_cost_rules *rules)
{
    const struct toll_book *book = rules->book;
    const uint32_t count = rules->currency_count;
    rules->pairs = calloc((size_t)count * count, sizeof *rules->pairs);
    if (rules->pairs == NULL)
        return false;
    for (uint32_t i = 0; i < book->fx_count; i++) {
        uint32_t from = 0, to = 0;
        while (from < count && strcmp(rules->currency[from], toll_book_string(book, book->fx[i].from)) != 0)
            from++;
        while (to < count && strcmp(rules->currency[to], toll_book_string(book, book->fx[i].to)) != 0)
            to++;
        if (from == count || to == count)
            continue; /* nobody has this currency */
        struct toll_fx_pair *pair = &rules->pairs[from * count + to];
        pair->first = pair->count == 0 ? i : pair->first;
        pair->count++;
    }
    return true;
}

/* ---- all of it ---- */

static size_t padded(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

int toll_cost_rules_make(const struct toll_book *book, struct toll_cost_rules **out, struct toll_error *error)
{
    *out = NULL;
    if (!book->has_cost)
        return 0;
    const size_t trunks = padded((book->named_count[TOLL_NAMED_TRUNK] + 1u) * sizeof(int32_t)),
                 carriers = padded((book->named_count[TOLL_NAMED_CARRIER] + 1u) * sizeof(int32_t)),
                 plans = (book->plan_count + 1u) * sizeof(struct toll_hot_owner),
                 accounts = padded(book->account_count + 1u), decks = padded(book->deck_count + 1u);
    struct toll_cost_rules *rules = calloc(1, sizeof *rules);
    uint8_t *at = calloc(1, trunks + carriers + plans + accounts + decks);
    if (rules != NULL)
        rules->memory = at;
    if (rules == NULL || at == NULL) {
        free(at);
        free(rules);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory while preparing the book's costs");
    }
    int32_t *trunk_plan = (int32_t *)at, *carrier_plan = (int32_t *)(at + trunks);
    struct toll_hot_owner *plan = (struct toll_hot_owner *)(at + trunks + carriers);
    rules->book = book;
    rules->account_currency = at + trunks + carriers + plans;
    rules->deck_currency = rules->account_currency + accounts;
    fill_plans(rules, trunk_plan, TOLL_NAMED_TRUNK);
    fill_plans(rules, carrier_plan, TOLL_NAMED_CARRIER);
    for (uint32_t i = 1; i < book->plan_count; i++)
        plan[i].plan = (int32_t)i;
    rules->trunk_plan = trunk_plan;
    rules->carrier_plan = carrier_plan;
    rules->default_plan = plan_of(book, book->buy_span, book->buy_span_count);
    rules->plans = plan;
    int rc = 0;
    if (!fill_currencies(rules))
        rc = toll_error_set(error, TOLL_EBOOK,
                            "accounts and decks have more than %d currencies; split the book",
                            TOLL_CURRENCIES_MAX);
    else if (!fill_pairs(rules) || !toll_cost_lists_make(rules))
        rc = toll_error_set(error, TOLL_ENOMEM, "out of memory while preparing the book's costs");
    if (rc != 0)
        toll_cost_rules_free(rules);
    else
        *out = rules;
    return rc;
}

void toll_cost_rules_free(struct toll_cost_rules *rules)
{
    if (rules == NULL)
        return;
    toll_cost_lists_free(rules);
    free(rules->pairs);
    free(rules->memory);
    free(rules);
}
