/* Units and charge of one row: docs/RATING.md sections 7 and 9, with the parts that rating/ has. */
#include "pipeline/row.h"

#include "base/check.h"
#include "rating/billed.h"
#include "rating/charge.h"

int64_t toll_row_used(const struct toll_row *row, enum toll_duration_rounding rounding)
{
    if (toll_kind_service(row->kind) == TOLL_VOICE)
        return toll_units_of_ms(row->duration_ms, rounding);
    const int64_t quantity = row->quantity;
    return quantity == INT64_MIN ? INT64_MAX : quantity < 0 ? -quantity : quantity;
}

/* ---- calls that change their rate ---- */

/* Most calls stay in the band in which they start, and that is on the deck's cursor. */
struct bands {
    const struct toll_book *book;
    const struct toll_band_cursor *cursor;
    uint32_t deck;
};

static int32_t band_at(void *context, toll_ms at, toll_ms *until)
{
    const struct bands *bands = context;
    toll_ms from;
    if (at >= bands->cursor->from && at < bands->cursor->until) {
        *until = bands->cursor->until;
        return bands->cursor->band;
    }
    return toll_book_band(bands->book, bands->deck, at, &from, until);
}

enum toll_walk_outcome toll_row_walk(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                                     const struct toll_row *row, int32_t deck,
                                     const struct toll_price_found *found,
                                     const struct toll_walk_trace *trace, struct toll_walked *walked)
{
    const struct toll_terms *first = &rater->book->terms[rater->book->price_terms[found->price]];
    const int64_t used = toll_row_used(row, (enum toll_duration_rounding)first->duration_rounding);
    return toll_row_walk_beyond(rater, cursors, row, deck, found, used, 0, trace, walked);
}

enum toll_walk_outcome toll_row_walk_beyond(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                                            const struct toll_row *row, int32_t deck,
                                            const struct toll_price_found *found, int64_t used,
                                            int64_t included, const struct toll_walk_trace *trace,
                                            struct toll_walked *walked)
{
    const struct toll_book *book = rater->book;
    const struct toll_deck *table = &book->decks[deck];
    const struct toll_entry *entry = &book->entries[found->walk];
    const struct toll_terms *first = &book->terms[book->price_terms[found->price]];
    uint32_t base = 0;
    const bool in_force = toll_price_first(rater, cursors, deck, entry, row->start, &base);
    TOLL_ASSERT(in_force && base != 0 && found->price - base < TOLL_RATE_COLUMNS);
    const struct toll_walk_rows rows = {
        .rows = toll_entry_rows(book, table, entry),
        .spans = book->entry_spans,
        .count = entry->count,
        .per = entry->walk_per,
        .price_shift = table->price_first - 1 + (found->price - base),
        .price_terms = book->price_terms,
        .terms = book->terms,
    };
    struct bands context = {book, &cursors[deck], (uint32_t)deck};
    const struct toll_walk_bands bands = {band_at, &context};
    const bool split = table->split && table->calendar != 0 && toll_kind_service(row->kind) == TOLL_VOICE;
    return toll_walk_beyond(&rows, first, row->start, toll_deck_band(rater, cursors, deck, row->start), used,
                            included, split ? &bands : NULL, trace, walked);
}

/* ---- the ways to a charge: each gives the status, the rest in *bill ---- */

struct bill {
    int32_t price, billed;
    toll_money charge;
};

static unsigned bill_walked(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                            const struct toll_row *row, int32_t deck, const struct toll_price_found *found,
                            struct bill *bill)
{
    static const uint8_t statuses[] = {
        [TOLL_WALK_DONE] = TOLL_RATED,
        [TOLL_WALK_ZERO] = TOLL_ZERO_DURATION,
        [TOLL_WALK_NO_BAND] = TOLL_SUSPENSE_NO_BAND,
        [TOLL_WALK_BLOCKED] = TOLL_SUSPENSE_BLOCKED,
        [TOLL_WALK_NO_RATE] = TOLL_SUSPENSE_NO_RATE,
        [TOLL_WALK_OVERFLOW] = TOLL_SUSPENSE_OVERFLOW,
    };
    struct toll_walked walked;
    const unsigned status = statuses[toll_row_walk(rater, cursors, row, deck, found, NULL, &walked)];
    bill->billed = walked.billed;
    bill->charge = walked.charge;
    if (walked.price != 0) /* the row that has no price is the one to show */
        bill->price = (int32_t)walked.price;
    return status;
}

static unsigned bill_deck(const struct toll_row *row, const struct toll_terms *terms, struct bill *bill)
{
    const int64_t used = toll_row_used(row, (enum toll_duration_rounding)terms->duration_rounding);
    const enum toll_billed_outcome outcome = toll_billed(terms, used, &bill->billed);
    if (outcome == TOLL_BILLED_ZERO)
        return TOLL_ZERO_DURATION;
    return outcome == TOLL_BILLED && toll_charge_deck(terms, bill->billed, &bill->charge)
               ? TOLL_RATED
               : TOLL_SUSPENSE_OVERFLOW;
}

/* A rule that is flat, free, a mark-up or tiers, or the built-in row. What tiers charge depends on the calls
 * before (pipeline/draws.h): 0 until then. */
static unsigned bill_rule(const struct toll_row *row, const struct toll_terms *terms, struct bill *bill)
{
    if (terms->action == TOLL_ACTION_MARKUP && (row->kind & TOLL_KIND_PROVIDER_CHARGE) == 0)
        return TOLL_SUSPENSE_NO_PROVIDER_CHARGE;
    if (toll_billed_as_used(toll_row_used(row, TOLL_DURATION_UP), &bill->billed) != TOLL_BILLED)
        return TOLL_SUSPENSE_OVERFLOW;
    if (terms->action == TOLL_ACTION_FREE)
        return bill->price == TOLL_PRICE_EMERGENCY ? TOLL_ZERO_EMERGENCY : TOLL_ZERO_FREE;
    if (terms->action == TOLL_ACTION_TIERS)
        return TOLL_RATED;
    const bool fits = terms->action == TOLL_ACTION_FLAT
                          ? toll_charge_flat(terms, &bill->charge)
                          : toll_charge_markup(terms, row->provider_charge, &bill->charge);
    return fits ? TOLL_RATED : TOLL_SUSPENSE_OVERFLOW;
}

unsigned toll_row_bill(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                       const struct toll_row *row, int32_t deck, const struct toll_price_found *found,
                       int32_t *price, int32_t *billed, toll_money *charge)
{
    const struct toll_terms *terms = &rater->book->terms[rater->book->price_terms[found->price]];
    struct bill bill = {.price = (int32_t)found->price};
    unsigned status;
    if (terms->state != TOLL_PRICE_OK)
        status = terms->state == TOLL_PRICE_BLOCKED ? TOLL_SUSPENSE_BLOCKED : TOLL_SUSPENSE_NO_RATE;
    else if (found->walk != 0)
        status = bill_walked(rater, cursors, row, deck, found, &bill);
    else
        status =
            terms->action == TOLL_ACTION_DECK ? bill_deck(row, terms, &bill) : bill_rule(row, terms, &bill);
    if (status == TOLL_RATED && (row->kind & TOLL_KIND_CREDIT) != 0 && !toll_charge_negate(&bill.charge))
        status = TOLL_SUSPENSE_OVERFLOW;
    /* A line in suspense names the row only where the row itself is what is wrong. */
    const bool rated = status < TOLL_SUSPENSE_FIRST;
    *price = rated || status == TOLL_SUSPENSE_BLOCKED || status == TOLL_SUSPENSE_NO_RATE ? bill.price : 0;
    *billed = rated ? bill.billed : 0;
    *charge = rated ? bill.charge : 0;
    return status;
}
