/*
 * What an edit of a deck's rates would compile to, without compiling: each price row of the deck knows its
 * key, its destination and the column that its rate is of. Equal terms that change alike stay one.
 */
#include "book/reprice.h"

#include "base/error.h"
#include "base/large.h"
#include "book/change_keys.h"
#include "ratetable/prices.h"
#include "text/table_edit.h"

#include <stdlib.h>
#include <string.h>

#define UNKNOWN UINT32_MAX

enum what { WHAT_RATES, WHAT_RATE, WHAT_CONNECT_FEE }; /* all; of one column; */

/* A change's cell for price rows. */
struct step {
    const struct toll_change_cell *cell;
    enum what what;
    int32_t column; /* enum toll_rate_column of WHAT_RATE */
    int64_t amount; /* of SET */
};

struct repricer {
    const struct toll_book *base;
    struct toll_repriced *out;
    struct toll_buffer terms; /* struct toll_terms: the base's, and new ones */

    /* of the change at hand */
    const struct toll_change *change;
    int32_t deck;
    uint32_t first, end; /* its price ids */
    struct step steps[TOLL_CHANGE_CELLS_MAX];
    struct toll_key_choice callee, caller;
    uint32_t columns;  /* how many rate columns its rows have */
    uint32_t *becomes; /* new terms by (old terms, column); UNKNOWN: not made yet */
};

/* -- what can be done so: false means that it cannot -- */

static bool find_deck(struct repricer *repricer)
{
    const struct toll_book *base = repricer->base;

    for (uint32_t id = 1; id < base->deck_count; id++) {
        if (strcmp(toll_book_string(base, base->decks[id].name), repricer->change->name) == 0) {
            repricer->deck = (int32_t)id;
            return true;
        }
    }
    return false;
}

/* The policy `higher` compares two rates that may change; a book's decks.csv says so. */
static bool has_policy_higher(const struct toll_book *base, const char *deck)
{
    struct toll_table_edit *edit;
    const char *data = "";
    size_t bytes = 0;
    bool found = false;

    toll_book_source_find(base, "decks.csv", &data, &bytes);
    if (toll_table_edit_open(&edit, "decks.csv", data, bytes, NULL) != 0)
        return true;
    const int name = toll_table_edit_column(edit, "deck");
    const int policy = toll_table_edit_column(edit, "indeterminate");
    while (policy >= 0 && toll_table_edit_next(edit) == 1)
        found = found || (strcmp(toll_table_edit_cell(edit, name), deck) == 0 &&
                          strcasecmp(toll_table_edit_cell(edit, policy), "higher") == 0);
    toll_table_edit_free(edit);
    return found;
}

static bool make_step(struct step *step, const struct toll_change_cell *cell)
{
    static const char *const rates[] = {"rate", "rate_inter", "rate_intra", "rate_indeterminate"};

    *step = (struct step){.cell = cell, .what = WHAT_RATES};
    for (int32_t c = 0; c < TOLL_RATE_COLUMNS && cell->column != NULL; c++) {
        if (strcmp(cell->column, rates[c]) == 0) {
            step->what = WHAT_RATE;
            step->column = c;
        }
    }
    if (cell->column != NULL && strcmp(cell->column, "connect_fee") == 0)
        step->what = WHAT_CONNECT_FEE;
    else if (cell->column != NULL && step->what == WHAT_RATES)
        return false;
    return cell->how != TOLL_CHANGE_SET ||
           (toll_money_parse(cell->text, strlen(cell->text), &step->amount) == 0 && step->amount >= 0);
}

static bool find_prices(struct repricer *repricer)
{
    const struct toll_deck *deck = &repricer->base->decks[repricer->deck];

    repricer->first = deck->price_first;
    repricer->end = deck->price_first + deck->price_count;
    return deck->price_count > 0;
}

static bool prepare(struct repricer *repricer)
{
    const struct toll_change *change = repricer->change;
    const struct toll_deck *deck;

    if (change->kind != TOLL_CHANGE_DECK || change->file != NULL || !find_deck(repricer) ||
        !find_prices(repricer))
        return false;
    deck = &repricer->base->decks[repricer->deck];
    if (deck->by_jurisdiction && (repricer->end - repricer->first) % TOLL_RATE_COLUMNS != 0)
        return false; /* no book that was compiled is so */
    if (deck->by_jurisdiction && has_policy_higher(repricer->base, change->name))
        return false;
    if (change->caller_prefix != NULL && deck->key != TOLL_KEY_NPANXX_PAIR)
        return false;
    for (int i = 0; i < change->cell_count; i++) {
        if (!make_step(&repricer->steps[i], &change->cells[i]))
            return false;
    }
    return toll_key_choice_make(&repricer->callee, change->prefix, deck->key == TOLL_KEY_CALLTYPE) &&
           toll_key_choice_make(&repricer->caller, change->caller_prefix, false);
}

/* -- prices -- */

static struct toll_price_origin origin_of(const struct repricer *repricer, uint32_t price)
{
    return toll_book_origin_in(repricer->base, (uint32_t)repricer->deck, price);
}

static bool chosen(const struct repricer *repricer, const struct toll_price_origin *origin)
{
    const struct toll_change *change = repricer->change;
    const char *key = toll_book_string(repricer->base, origin->key);
    const char *caller = "";
    size_t caller_bytes = 0;

    if (change->destination != NULL &&
        strcmp(toll_book_string(repricer->base, origin->destination), change->destination) != 0)
        return false;
    if (change->prefix == NULL && change->caller_prefix == NULL)
        return true;
    if (repricer->base->decks[repricer->deck].key == TOLL_KEY_NPANXX_PAIR) {
        const char *arrow = strchr(key, '>');
        if (arrow != NULL) {
            caller = key;
            caller_bytes = (size_t)(arrow - key);
            key = arrow + 1;
        }
    }
    return toll_key_chosen(&repricer->callee, key, strlen(key)) &&
           toll_key_chosen(&repricer->caller, caller, caller_bytes);
}

/* One step on one price's terms. False: it is an error, or more than a new price. */
static bool take_step(const struct step *step, struct toll_terms *terms, int32_t column, bool *changed)
{
    int64_t *const money = step->what == WHAT_CONNECT_FEE ? &terms->connect_fee : &terms->rate;

    if (step->what == WHAT_RATE && step->column != column)
        return true;
    if (step->cell->how == TOLL_CHANGE_SET) {
        *money = step->amount;
        if (step->what == WHAT_RATE && terms->state == TOLL_PRICE_NO_RATE)
            terms->state = TOLL_PRICE_OK;
        *changed = true;
        return true;
    }
    if (step->what == WHAT_CONNECT_FEE ? *money == 0 : terms->state == TOLL_PRICE_NO_RATE)
        return true; /* an empty cell stays empty */
    *changed = true;
    return toll_change_amount(step->cell, *money, money) == NULL;
}

/* The new terms of a price. UNKNOWN: no; *no_memory. */
static uint32_t new_terms(struct repricer *repricer, uint32_t old, int32_t column, bool *no_memory)
{
    struct toll_terms terms = *TOLL_BUFFER_AT(&repricer->terms, struct toll_terms, old), *place;
    bool changed = false;

    for (int i = 0; i < repricer->change->cell_count; i++) {
        if (!take_step(&repricer->steps[i], &terms, column, &changed))
            return UNKNOWN;
    }
    if (!changed)
        return old;
    terms.small = toll_terms_are_small(&terms);
    place = TOLL_BUFFER_ADD(&repricer->terms, struct toll_terms);
    if (place == NULL) {
        *no_memory = true;
        return UNKNOWN;
    }
    *place = terms;
    return (uint32_t)repricer->terms.count - 1;
}

/* A row's cell is set that was empty, or must be: then it has its calls from another column, or there is an
 * error to report. */
static bool more_than_prices(const struct repricer *repricer, uint32_t price)
{
    const bool by_jurisdiction = repricer->base->decks[repricer->deck].by_jurisdiction;
    const uint32_t row_first =
        by_jurisdiction ? price - (price - repricer->first) % TOLL_RATE_COLUMNS : price;

    for (int i = 0; i < repricer->change->cell_count; i++) {
        const struct step *step = &repricer->steps[i];
        if (step->cell->how != TOLL_CHANGE_SET)
            continue;
        if (step->what == WHAT_CONNECT_FEE && origin_of(repricer, price).step > 0)
            return true;
        if (step->what == WHAT_RATE && step->column > 0 &&
            (!by_jurisdiction ||
             origin_of(repricer, row_first + (uint32_t)step->column).column != step->column))
            return true;
    }
    return false;
}

/* 1 done, 0 not possible so, negative: no memory. */
static int change_prices(struct repricer *repricer)
{
    uint32_t *const price_terms = repricer->out->price_terms;
    bool any = false, no_memory = false;

    for (uint32_t price = repricer->first; price < repricer->end; price++) {
        const struct toll_price_origin origin = origin_of(repricer, price);
        const uint32_t old = price_terms[price];
        uint32_t *becomes;
        if (!chosen(repricer, &origin))
            continue;
        if (more_than_prices(repricer, price) || (uint32_t)origin.column >= repricer->columns)
            return 0;
        becomes = &repricer->becomes[(size_t)old * repricer->columns + (uint32_t)origin.column];
        if (*becomes == UNKNOWN)
            *becomes = new_terms(repricer, old, origin.column, &no_memory);
        if (*becomes == UNKNOWN)
            return no_memory ? -1 : 0;
        any = any || *becomes != old;
        price_terms[price] = *becomes;
    }
    return any ? 1 : 0;
}

static int one_change(struct repricer *repricer)
{
    size_t count;
    int result;

    if (!prepare(repricer))
        return 0;
    repricer->columns = repricer->base->decks[repricer->deck].by_jurisdiction ? TOLL_RATE_COLUMNS : 1;
    count = repricer->terms.count * repricer->columns;
    repricer->becomes = malloc(count * sizeof(*repricer->becomes));
    if (repricer->becomes == NULL)
        return -1;
    memset(repricer->becomes, 0xFF, count * sizeof(*repricer->becomes));
    result = change_prices(repricer);
    free(repricer->becomes);
    if (repricer->first < repricer->out->price_first)
        repricer->out->price_first = repricer->first;
    if (repricer->end > repricer->out->price_end)
        repricer->out->price_end = repricer->end;
    return result;
}

/* -- the book -- */

static int begin(struct repricer *repricer)
{
    const struct toll_book *base = repricer->base;
    struct toll_terms *terms;

    repricer->out->price_terms = toll_large_array(base->price_count * sizeof(uint32_t));
    if (repricer->out->price_terms == NULL ||
        !toll_buffer_reserve(&repricer->terms, sizeof(*terms), (size_t)base->terms_count * 5 / 4 + 1024))
        return -1;
    memcpy(repricer->out->price_terms, base->price_terms, base->price_count * sizeof(uint32_t));
    terms = toll_buffer_add(&repricer->terms, sizeof(*terms), base->terms_count);
    if (terms == NULL)
        return -1;
    memcpy(terms, base->terms, base->terms_count * sizeof(*terms));
    return 1;
}

static int end(struct repricer *repricer)
{
    struct toll_repriced *out = repricer->out;

    out->book = malloc(sizeof(*out->book));
    if (out->book == NULL)
        return -1;
    *out->book = *repricer->base;
    memset(&out->book->book_hash, 0, sizeof(out->book->book_hash));
    out->terms = repricer->terms.data;
    repricer->terms.data = NULL;
    out->book->terms = out->terms;
    out->book->terms_count = (uint32_t)repricer->terms.count;
    out->book->price_terms = out->price_terms;
    out->book->owned = NULL;
    return 1;
}

int toll_reprice(struct toll_repriced *out, const struct toll_book *base, const struct toll_change *changes,
                 int count, struct toll_error *error)
{
    struct repricer repricer = {.base = base, .out = out};
    int result = 1;

    memset(out, 0, sizeof(*out));
    out->price_first = UINT32_MAX;
    for (int i = 0; i < count && result == 1; i++)
        result = changes[i].kind == TOLL_CHANGE_DECK && changes[i].file == NULL;
    if (result == 1)
        result = begin(&repricer);
    for (int i = 0; i < count && result == 1; i++) {
        repricer.change = &changes[i];
        result = one_change(&repricer);
    }
    if (result == 1)
        result = end(&repricer);
    toll_buffer_free(&repricer.terms);
    if (result != 1)
        toll_repriced_free(out);
    return result < 0 ? toll_error_set(error, TOLL_ENOMEM, "out of memory while a book is changed") : 0;
}

void toll_repriced_free(struct toll_repriced *repriced)
{
    free(repriced->book);
    free(repriced->price_terms);
    free(repriced->terms);
    memset(repriced, 0, sizeof(*repriced));
}
