/* The second half of an explanation: what a deck was asked and had, the price row, the arithmetic. */
#include "pipeline/explain_entries.h"

#include <stdio.h>
#include <string.h>

/* " (Italy)", or nothing where a row names no destination. */
static const char *in_brackets(const char *destination, char text[TOLL_EXPLAIN_TEXT_BYTES])
{
    snprintf(text, TOLL_EXPLAIN_TEXT_BYTES, destination[0] == 0 ? "%s" : " (%s)", destination);
    return text;
}

/* ---- near misses ---- */

enum { NEAR_SHOWN = 3 };

/* What a deck of key callee, caller or npanxx_pair was asked for; callee also for the single number of a deck
 * that goes by the caller. "" where an end is no E.164 number. */
struct asked {
    char callee[TOLL_DIGITS_TEXT_BYTES], caller[TOLL_DIGITS_TEXT_BYTES];
};

struct near {
    uint32_t price[NEAR_SHOWN];
    size_t count, shared; /* leading digits that all of them share with what was asked for */
};

static size_t shared_digits(const char *key, size_t bytes, const char *digits)
{
    size_t shared = 0;
    while (shared < bytes && key[shared] == digits[shared])
        shared++;
    return shared;
}

/* Digits that a key, "1310" or "1212>1310", shares; *all: it would match. */
static size_t shared_by(const char *key, const struct asked *asked, bool *all)
{
    const char *arrow = strchr(key, '>');
    const char *callee = arrow == NULL ? key : arrow + 1;
    const size_t callee_bytes = strlen(callee), caller_bytes = arrow == NULL ? 0 : (size_t)(arrow - key);
    const size_t to = shared_digits(callee, callee_bytes, asked->callee);
    const size_t from = shared_digits(key, caller_bytes, asked->caller);
    *all = to == callee_bytes && from == caller_bytes;
    return to + from;
}

/* Price rows of the deck whose keys share the most leading digits, the first few by id; of rows with several
 * rates one. */
static struct near find_near(const struct toll_book *book, int32_t deck, const struct asked *asked)
{
    struct near near = {.shared = 1};
    const uint32_t width = book->decks[deck].by_jurisdiction ? TOLL_RATE_COLUMNS : 1;
    uint32_t next = 0;
    for (uint32_t price = 1; price < book->price_count; price++) {
        const struct toll_price_origin *origin = &book->origins[price];
        if (origin->kind != TOLL_PRICE_DECK || origin->deck != deck || price < next)
            continue;
        next = price + width;
        bool all;
        const size_t shared = shared_by(toll_book_string(book, origin->key), asked, &all);
        if (shared > near.shared) {
            near.shared = shared;
            near.count = 0;
        }
        if (shared == near.shared && near.count < NEAR_SHOWN)
            near.price[near.count++] = price;
    }
    return near;
}

static void explain_no_prefix(struct toll_explainer *explainer, int32_t deck, const struct asked *asked)
{
    const struct toll_book *book = explainer->book;
    const bool pair = book->decks[deck].key == TOLL_KEY_NPANXX_PAIR;
    const struct near near = find_near(book, deck, asked);
    if (near.count == 0)
        toll_explain_add(
            explainer, TOLL_EXPLAIN_MISS, "prefix", "", 0, "deck %s has no %s that begins with %.1s",
            toll_book_string(book, book->decks[deck].name), pair ? "pair" : "prefix", asked->callee);
    for (size_t i = 0; i < near.count; i++) {
        const struct toll_price_origin *origin = &book->origins[near.price[i]];
        const char *key = toll_book_string(book, origin->key);
        bool matches;
        shared_by(key, asked, &matches);
        char prefix[TOLL_EXPLAIN_TEXT_BYTES], begins[TOLL_EXPLAIN_TEXT_BYTES], number[TOLL_DIGITS_TEXT_BYTES];
        snprintf(number, sizeof number, "%.*s", (int)strlen(key), asked->callee);
        toll_explain_prefix(explainer, key, prefix);
        const char *file = toll_book_string(book, origin->file);
        char destination[TOLL_EXPLAIN_TEXT_BYTES];
        in_brackets(toll_book_string(book, origin->destination), destination);
        if (matches)
            toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "prefix", file, origin->line,
                             "%s %s%s would match, but is not in force at the call's start",
                             pair ? "pair" : "prefix", prefix, destination);
        else if (pair)
            toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "prefix", file, origin->line,
                             "pair %s%s is the nearest, but the numbers are others", prefix, destination);
        else
            toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "prefix", file, origin->line,
                             "prefix %s%s is the nearest, but the number has %s", prefix, destination,
                             toll_explain_prefix(explainer, number, begins));
    }
}

/* ---- a deck ---- */

/* "+12125551234", or the routing number and whose it is. */
static void describe_end(const struct toll_explainer *explainer, const struct toll_deck *deck, bool caller,
                         char text[TOLL_EXPLAIN_TEXT_BYTES], char digits[TOLL_DIGITS_TEXT_BYTES])
{
    const struct toll_row *row = explainer->row;
    const uint64_t own = caller ? row->caller : row->callee;
    char shown[TOLL_EXPLAIN_NUMBER_BYTES], own_shown[TOLL_EXPLAIN_NUMBER_BYTES];
    unsigned type;
    const uint64_t number = toll_deck_end(deck, row, caller, &type);
    toll_digits_text(number, digits);
    toll_explain_number(explainer, number, type, shown);
    if (number == 0)
        snprintf(text, TOLL_EXPLAIN_TEXT_BYTES, "(no number)");
    else if (number == own)
        snprintf(text, TOLL_EXPLAIN_TEXT_BYTES, "%s", shown);
    else
        snprintf(text, TOLL_EXPLAIN_TEXT_BYTES, "the routing number %s (number_basis lrn) in place of %s",
                 shown, toll_explain_number(explainer, own, type, own_shown));
}

static void explain_asked(struct toll_explainer *explainer, const struct toll_deck *deck, struct asked *asked)
{
    const struct toll_book *book = explainer->book;
    const char *name = toll_book_string(book, deck->name), *file = toll_book_string(book, deck->file);
    char callee[TOLL_EXPLAIN_TEXT_BYTES], caller[TOLL_EXPLAIN_TEXT_BYTES];
    describe_end(explainer, deck, false, callee, asked->callee);
    describe_end(explainer, deck, true, caller, asked->caller);
    switch (deck->key) {
    case TOLL_KEY_CALLTYPE:
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "deck", file, deck->line,
                         "deck %s is asked for the record's call type", name);
        break;
    case TOLL_KEY_NPANXX_PAIR:
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "deck", file, deck->line,
                         "deck %s is asked for the pair of the callee %s and the caller %s", name, callee,
                         caller);
        break;
    case TOLL_KEY_CALLER:
        memcpy(asked->callee, asked->caller, sizeof asked->callee);
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "deck", file, deck->line,
                         "deck %s is asked for the longest prefix of the caller %s", name, caller);
        break;
    default:
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "deck", file, deck->line,
                         "deck %s is asked for the longest prefix of %s", name, callee);
        break;
    }
}

static void explain_band(struct toll_explainer *explainer, int32_t deck)
{
    const struct toll_book *book = explainer->book;
    const struct toll_deck *table = &book->decks[deck];
    static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                           "Friday", "Saturday", "Sunday"};
    const toll_ms start = explainer->row->start;
    const struct toll_zone *zone = book->zones[book->deck_zones[deck]];
    toll_ms from, until;
    const int32_t band = toll_book_band(book, (uint32_t)deck, start, &from, &until);
    const toll_ms local = start + INT64_C(1000) * toll_zone_offset(zone, start, &from, &until);
    char day[TOLL_TIME_TEXT_BYTES], clock[TOLL_TIME_TEXT_BYTES];
    toll_day_format(toll_day_of_ms(local), day);
    toll_ms_format(local, clock);
    toll_explain_add(
        explainer, TOLL_EXPLAIN_STEP, "band", "", 0,
        "calendar %s: %s%s at the call's start, %s %s %.8s in %s",
        toll_book_string(book, book->calendars[table->calendar].name), band == 0 ? "no band" : "band ",
        band == 0 ? "" : toll_book_string(book, book->band_names[band]),
        weekdays[toll_iso_weekday(toll_day_of_ms(local)) - 1], day, clock + 11, toll_zone_name(zone));
}

void toll_explain_deck(struct toll_explainer *explainer, int32_t deck, unsigned status)
{
    static const char *const keys[] = {"the callee is", "", "the caller is", "one of the two ends is"};
    const struct toll_book *book = explainer->book;
    const struct toll_deck *table = &book->decks[deck];
    const char *name = toll_book_string(book, table->name);
    const char *file = toll_book_string(book, table->file);
    struct asked asked;
    explain_asked(explainer, table, &asked);
    if (table->calendar != 0)
        explain_band(explainer, deck);
    if (table->by_jurisdiction && table->basis != book->basis)
        toll_explain_jurisdiction(explainer, table->basis);
    switch (status) {
    case TOLL_SUSPENSE_NO_PREFIX:
        explain_no_prefix(explainer, deck, &asked);
        break;
    case TOLL_SUSPENSE_NO_CALLTYPE:
        toll_explain_add(
            explainer, TOLL_EXPLAIN_MISS, "call type", file, table->line,
            "deck %s has no row for this call type in force at the call's start, and none without key", name);
        break;
    case TOLL_SUSPENSE_BAD_NUMBER:
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "number", file, table->line,
                         "%s no telephone number, and deck %s has no empty prefix for it", keys[table->key],
                         name);
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
    if (terms->action == TOLL_ACTION_FREE || terms->action == TOLL_ACTION_TIERS)
        return;
    const bool walked = answer->found.walk != 0;
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "billed", "", 0,
                     "first %d, then steps of %d %s%s (%s)%s%s: %d %s", terms->initial, terms->increment,
                     unit, walked ? " or as the row then says" : "",
                     terms->init_mode == TOLL_INIT_APPEND ? "appended" : "the total rounded up",
                     terms->minimum_units != 0 ? ", with a minimum" : "",
                     terms->free_units != 0 ? ", after the free ones" : "", answer->billed, unit);
    if (walked)
        toll_explain_walk(explainer);
    if (terms->minimum_charge != 0) {
        toll_money_format(terms->minimum_charge, limit);
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "minimum", "", 0, "at least %s", limit);
    }
    if (terms->maximum_charge != INT64_MAX) {
        toll_money_format(terms->maximum_charge, limit);
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "maximum", "", 0, "at most %s", limit);
    }
    const char *credit = (explainer->row->kind & TOLL_KIND_CREDIT) != 0 ? " (a credit)" : "";
    if (walked)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "charge", "", 0, "rounded %s to %u decimals: %s%s",
                         rounding, terms->decimals, charge, credit);
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "charge", "", 0,
                         "%s + %s x %d / %d, rounded %s to %u decimals: %s%s", fee, rate, answer->billed,
                         terms->per, rounding, terms->decimals, charge, credit);
}

/* Which of a row's rates, and what the deck makes of an empty cell or an indeterminate call. */
static void explain_column(struct toll_explainer *explainer, const struct toll_price_origin *origin,
                           const char *file)
{
    static const char *const columns[] = {"rate", "rate_inter", "rate_intra", "rate_indeterminate"};
    const struct toll_row_answer *answer = explainer->answer;
    const struct toll_book *book = explainer->book;
    const struct toll_deck *deck = &book->decks[answer->deck];
    const enum toll_call_jurisdiction jurisdiction =
        deck->basis == book->basis ? answer->jurisdiction
                                   : toll_jurisdiction_of(explainer->rater, explainer->row,
                                                          (enum toll_jurisdiction_basis)deck->basis,
                                                          book->owners[answer->payer.owner].site);
    const unsigned column = toll_rate_column_of(jurisdiction);
    if ((unsigned)origin->column == column)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "rate column", file, origin->line,
                         "the call is %s: %s", toll_call_jurisdiction_name(jurisdiction), columns[column]);
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "rate column", file, origin->line,
                         "the call is %s: %s, which here is that of %s",
                         toll_call_jurisdiction_name(jurisdiction), columns[column], columns[origin->column]);
}

void toll_explain_price(struct toll_explainer *explainer)
{
    const struct toll_book *book = explainer->book;
    const struct toll_row_answer *answer = explainer->answer;
    struct toll_price_row price;
    char rate[TOLL_TOTAL_TEXT_BYTES], prefix[TOLL_EXPLAIN_TEXT_BYTES], destination[TOLL_EXPLAIN_TEXT_BYTES];
    /* What found no price on the way shows the row at the start, and what came then. */
    const bool broken = answer->found.walk != 0 && answer->status >= TOLL_SUSPENSE_FIRST &&
                        answer->price != (int32_t)answer->found.price;
    const int32_t shown = broken ? (int32_t)answer->found.price : answer->price;
    if (shown == 0)
        return;
    const struct toll_terms *terms = &book->terms[book->price_terms[shown]];
    toll_price_describe(book, shown, 1u << toll_kind_service(explainer->row->kind), &price);
    toll_money_format(price.rate, rate);
    toll_explain_prefix(explainer, price.prefix, prefix);
    if (terms->action == TOLL_ACTION_DECK && book->decks[answer->deck].by_jurisdiction)
        explain_column(explainer, &book->origins[shown], price.file);
    if (!broken && (answer->status == TOLL_SUSPENSE_BLOCKED || answer->status == TOLL_SUSPENSE_NO_RATE)) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "price", price.file, (uint32_t)price.line,
                         "prefix %s%s %s", prefix, in_brackets(price.destination, destination),
                         answer->status == TOLL_SUSPENSE_BLOCKED ? "is blocked" : "has no rate");
        return;
    }
    if (terms->action == TOLL_ACTION_DECK)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "price", price.file, (uint32_t)price.line,
                         "%s%s%s%s%s: %s per %lld %s%s", prefix[0] == 0 ? "the row for everything" : "",
                         prefix, in_brackets(price.destination, destination),
                         price.band[0] == 0 ? "" : ", band ", price.band, rate, (long long)price.per_units,
                         price.unit, answer->found.walk == 0 ? "" : " at the call's start");
    if (broken)
        toll_explain_walk(explainer);
    else if (answer->status == TOLL_ZERO_DURATION)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "billed", "", 0,
                         "nothing was used, and the deck's zero_s is free");
    else if (answer->status == TOLL_RATED)
        explain_terms(explainer, terms);
}
