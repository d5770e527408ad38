/*
 * Billed units are what a call used, rounded up by its price row: so the greatest usage of all calls, billed
 * by each of the book's price rows, bounds them. (docs/RATING.md sections 7, 9.1 and 12.2.)
 */
#include "pipeline/line_widths.h"

#include "pipeline/tuple_ends.h"
#include "pipeline/tuples.h"
#include "rating/billed.h"
#include "segment/lines.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Units of the parts' calls; INT64_MAX: a part does not say. */
static int64_t used_most(const struct toll_dataset *dataset, size_t first, size_t last)
{
    int64_t used = 1; /* what a call without duration counts as, where it is billed */
    for (size_t i = first; i < last; i++) {
        const struct toll_cdr_most *most = &dataset->parts[i].most;
        if (!most->known)
            return INT64_MAX;
        used = larger(used, toll_units_of_ms(most->duration_ms, TOLL_DURATION_UP));
        used = larger(used, most->quantity);
    }
    return used;
}

static bool walks(const struct toll_book *book)
{
    for (uint32_t i = 0; i < book->entry_count; i++)
        if (book->entries[i].walk_per != 0)
            return true;
    return false;
}

/* The greatest increment of the bundles that take units used, 0: none does. */
static int64_t used_increment(const struct toll_book *book)
{
    int64_t increment = 0;
    for (uint32_t i = 1; i < book->bundle_count; i++)
        if (book->bundles[i].debit_used != 0)
            increment = larger(increment, book->bundles[i].increment);
    return increment;
}

/* What of all decks' price rows is the greatest. */
struct greatest {
    int64_t whole; /* a call billed by one of them */
    int64_t first; /* the least that one bills: minimum or first increment */
    int64_t increment;
};

/* More use is never fewer units, so the longest call is billed the most. */
static bool find_greatest(const struct toll_book *book, int64_t used, struct greatest *greatest)
{
    *greatest = (struct greatest){.increment = 1};
    for (uint32_t i = 0; i < book->terms_count; i++) {
        const struct toll_terms *terms = &book->terms[i];
        int32_t billed;
        if (terms->action != TOLL_ACTION_DECK || terms->state != TOLL_PRICE_OK)
            continue;
        if (toll_billed(terms, used, &billed) == TOLL_BILLED_OVERFLOW)
            return false;
        greatest->whole = larger(greatest->whole, billed);
        greatest->first = larger(greatest->first, larger(terms->initial, terms->minimum_units));
        greatest->increment = larger(greatest->increment, terms->increment);
    }
    return true;
}

int64_t toll_billed_most(const struct toll_book *book, int64_t used)
{
    struct greatest greatest;
    if (used > INT32_MAX || !find_greatest(book, used, &greatest))
        return INT64_MAX;
    int64_t most = larger(used, greatest.whole);
    /* A walked call's last increment is another row's than its first one. */
    if (walks(book))
        most = larger(most, larger(used, greatest.first) + greatest.increment - 1);
    /* A bundle took units used: all of them, in increments of its own, or the rest is billed like a call of
     * its own. */
    const int64_t taken = used_increment(book);
    if (taken > 0)
        most = larger(most, used - 1 + larger(taken, greatest.first + greatest.increment));
    return most;
}

/* Ids of tuples that go by the ends of calls are given behind a first pass. */
static int64_t tuples_end(const struct toll_tuples *tuples)
{
    if (tuples == NULL)
        return 1;
    return tuples->ends != NULL ? INT64_MAX : toll_tuples_most(tuples) + 1;
}

static unsigned narrow_if(int64_t end, enum toll_line_column column)
{
    return end <= TOLL_LINE_NARROW_END ? TOLL_LINES_NARROW(column) : 0;
}

unsigned toll_line_widths(const struct toll_rater *rater, const struct toll_dataset *dataset, size_t first,
                          size_t last, const struct toll_pools_before *before)
{
    const struct toll_book *book = rater->book;
    const int64_t billed = toll_billed_most(book, used_most(dataset, first, last));
    const int64_t units_end = billed == INT64_MAX ? INT64_MAX : billed + 1;
    return narrow_if(book->account_count, TOLL_LINE_ACCOUNT) | narrow_if(book->price_count, TOLL_LINE_PRICE) |
           narrow_if(units_end, TOLL_LINE_BILLED) | narrow_if(tuples_end(rater->tuples), TOLL_LINE_TUPLE) |
           narrow_if(units_end, TOLL_LINE_INCLUDED) |
           narrow_if(toll_pools_ids_end(book, before), TOLL_LINE_POOL) |
           narrow_if(book->price_count, TOLL_LINE_COST_PRICE);
}
