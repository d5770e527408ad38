/* The second half of an explanation: what a deck was asked and had, the price row, the arithmetic. */
#include "pipeline/explain_entries.h"

#include <stdio.h>
#include <string.h>

/* ---- near misses ---- */

enum { NEAR_SHOWN = 3 };

struct near {
    uint32_t price[NEAR_SHOWN];
    size_t count, shared; /* leading digits that all of them share with the number */
};

static size_t shared_digits(const char *a, const char *b)
{
    size_t shared = 0;
    while (a[shared] != 0 && a[shared] == b[shared])
        shared++;
    return shared;
}

/* Price rows of the deck whose prefixes share the most leading digits with the number, the first few by id.
 */
static struct near find_near(const struct toll_book *book, int32_t deck, const char *digits)
{
    struct near near = {.shared = 1};
    for (uint32_t price = 1; price < book->price_count; price++) {
        const struct toll_price_origin *origin = &book->origins[price];
        if (origin->kind != TOLL_PRICE_DECK || origin->deck != deck)
            continue;
        const size_t shared = shared_digits(toll_book_string(book, origin->key), digits);
        if (shared > near.shared) {
            near.shared = shared;
            near.count = 0;
        }
        if (shared == near.shared && near.count < NEAR_SHOWN)
            near.price[near.count++] = price;
    }
    return near;
}

static void explain_no_prefix(struct toll_explainer *explainer, int32_t deck, const char *name)
{
    const struct toll_book *book = explainer->book;
    char digits[TOLL_DIGITS_TEXT_BYTES];
    toll_digits_text(explainer->row->callee, digits);
    const struct near near = find_near(book, deck, digits);
    if (near.count == 0)
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "prefix", "", 0,
                         "deck %s has no prefix that begins with %.1s", name, digits);
    for (size_t i = 0; i < near.count; i++) {
        const struct toll_price_origin *origin = &book->origins[near.price[i]];
        const char *key = toll_book_string(book, origin->key);
        const bool matches = strlen(key) == near.shared;
        char prefix[TOLL_EXPLAIN_TEXT_BYTES], begins[TOLL_EXPLAIN_TEXT_BYTES], number[TOLL_DIGITS_TEXT_BYTES];
        snprintf(number, sizeof number, "%.*s", (int)strlen(key), digits);
        toll_explain_add(
            explainer, TOLL_EXPLAIN_MISS, "prefix", toll_book_string(book, origin->file), origin->line,
            matches ? "prefix %s (%s) would match, but is not in force at the call's start"
                    : "prefix %s (%s) is the nearest, but the number has %s",
            toll_explain_prefix(explainer, key, prefix), toll_book_string(book, origin->destination),
            toll_explain_prefix(explainer, number, begins));
    }
}

/* ---- a deck ---- */

void toll_explain_deck(struct toll_explainer *explainer, int32_t deck, unsigned status)
{
    const struct toll_book *book = explainer->book;
    const struct toll_deck *table = &book->decks[deck];
    const struct toll_row *row = explainer->row;
    const char *name = toll_book_string(book, table->name);
    const char *file = toll_book_string(book, table->file);
    char number[TOLL_EXPLAIN_NUMBER_BYTES];
    if (table->key == TOLL_KEY_CALLTYPE)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "deck", file, table->line,
                         "deck %s is asked for the record's call type", name);
    else
        toll_explain_add(
            explainer, TOLL_EXPLAIN_STEP, "deck", file, table->line,
            "deck %s is asked for the longest prefix of %s", name,
            toll_explain_number(explainer, row->callee, toll_kind_callee_type(row->kind), number));
    if (table->calendar != 0) {
        toll_ms from, until;
        const int32_t band = toll_book_band(book, (uint32_t)deck, row->start, &from, &until);
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "band", "", 0, "calendar %s: %s%s at the call's start",
                         toll_book_string(book, book->calendars[table->calendar].name),
                         band == 0 ? "no band" : "band ",
                         band == 0 ? "" : toll_book_string(book, book->band_names[band]));
    }
    switch (status) {
    case TOLL_SUSPENSE_NO_PREFIX:
        explain_no_prefix(explainer, deck, name);
        break;
    case TOLL_SUSPENSE_NO_CALLTYPE:
        toll_explain_add(
            explainer, TOLL_EXPLAIN_MISS, "call type", file, table->line,
            "deck %s has no row for this call type in force at the call's start, and none without key", name);
        break;
    case TOLL_SUSPENSE_BAD_NUMBER:
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "number", file, table->line,
                         "the callee is no telephone number, and deck %s has no empty prefix", name);
        break;
    case TOLL_SUSPENSE_NO_BAND:
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "band", file, table->line,
                         "the prefix has rows in deck %s, but none of this band and none without band", name);
        break;
    default:
        break;
    }
}

/* ---- the arithmetic ---- */

static void explain_terms(struct toll_explainer *explainer, const struct toll_terms *terms)
{
    static const char *const roundings[] = {"half up", "half to even", "up", "down"};
    char rate[TOLL_TOTAL_TEXT_BYTES], fee[TOLL_TOTAL_TEXT_BYTES], charge[TOLL_TOTAL_TEXT_BYTES];
    char limit[TOLL_TOTAL_TEXT_BYTES];
    const struct toll_row_answer *answer = explainer->answer;
    const char *unit = toll_unit_name(toll_kind_service(explainer->row->kind));
    const char *rounding = roundings[terms->rounding];
    toll_money_format(terms->rate, rate);
    toll_money_format(terms->connect_fee, fee);
    toll_money_format(answer->charge, charge);
    if (terms->action == TOLL_ACTION_FLAT) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "charge", "", 0,
                         "%s per record, rounded %s to %u decimals: %s", fee, rounding, terms->decimals,
                         charge);
        return;
    }
    if (terms->action == TOLL_ACTION_MARKUP) {
        char provider[TOLL_TOTAL_TEXT_BYTES];
        toll_money_format(explainer->row->provider_charge, provider);
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "charge", "", 0,
                         "%s of the provider x (1 + %s) + %s, rounded %s to %u decimals: %s", provider, rate,
                         fee, rounding, terms->decimals, charge);
        return;
    }
    if (terms->action == TOLL_ACTION_FREE)
        return;
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "billed", "", 0,
                     "first %d, then steps of %d %s (%s)%s%s: %d %s", terms->initial, terms->increment, unit,
                     terms->init_mode == TOLL_INIT_APPEND ? "appended" : "the total rounded up",
                     terms->minimum_units != 0 ? ", with a minimum" : "",
                     terms->free_units != 0 ? ", after the free ones" : "", answer->billed, unit);
    if (terms->minimum_charge != 0) {
        toll_money_format(terms->minimum_charge, limit);
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "minimum", "", 0, "at least %s", limit);
    }
    if (terms->maximum_charge != INT64_MAX) {
        toll_money_format(terms->maximum_charge, limit);
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "maximum", "", 0, "at most %s", limit);
    }
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "charge", "", 0,
                     "%s + %s x %d / %d, rounded %s to %u decimals: %s%s", fee, rate, answer->billed,
                     terms->per, rounding, terms->decimals, charge,
                     (explainer->row->kind & TOLL_KIND_CREDIT) != 0 ? " (a credit)" : "");
}

void toll_explain_price(struct toll_explainer *explainer)
{
    const struct toll_book *book = explainer->book;
    const struct toll_row_answer *answer = explainer->answer;
    struct toll_price_row price;
    char rate[TOLL_TOTAL_TEXT_BYTES], prefix[TOLL_EXPLAIN_TEXT_BYTES];
    if (answer->price == 0)
        return;
    const struct toll_terms *terms = &book->terms[book->price_terms[answer->price]];
    toll_price_describe(book, answer->price, 1u << toll_kind_service(explainer->row->kind), &price);
    toll_money_format(price.rate, rate);
    toll_explain_prefix(explainer, price.prefix, prefix);
    if (answer->status == TOLL_SUSPENSE_BLOCKED || answer->status == TOLL_SUSPENSE_NO_RATE) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "price", price.file, (uint32_t)price.line,
                         "prefix %s (%s) %s", prefix, price.destination,
                         answer->status == TOLL_SUSPENSE_BLOCKED ? "is blocked" : "has no rate");
        return;
    }
    if (terms->action == TOLL_ACTION_DECK)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "price", price.file, (uint32_t)price.line,
                         "%s%s%s%s%s%s%s: %s per %lld %s", prefix[0] == 0 ? "the row for everything" : "",
                         prefix, price.destination[0] == 0 ? "" : " (", price.destination,
                         price.destination[0] == 0 ? "" : ")", price.band[0] == 0 ? "" : ", band ",
                         price.band, rate, (long long)price.per_units, price.unit);
    if (answer->status == TOLL_ZERO_DURATION)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "billed", "", 0,
                         "nothing was used, and the deck's zero_s is free");
    else if (answer->status == TOLL_RATED)
        explain_terms(explainer, terms);
}
