/* The stretches of a call that changes its rate: from which second to which, by what row, for how much. */
#include "pipeline/explain_entries.h"

#include <stdio.h>

enum { SHOWN_MAX = 100 }; /* 24 days have 75 changes of three bands */

struct telling {
    struct toll_explainer *explainer;
    struct toll_walk_stretch now; /* gathered so far; units 0: nothing */
    size_t told;
    const char *unit;
};

static void tell(struct telling *telling)
{
    struct toll_explainer *explainer = telling->explainer;
    const struct toll_book *book = explainer->book;
    const struct toll_walk_stretch *now = &telling->now;
    if (now->units == 0 || telling->told++ >= SHOWN_MAX)
        return;
    const struct toll_price_origin origin = toll_book_origin(book, now->price);
    const struct toll_terms *terms = &book->terms[book->price_terms[now->price]];
    char rate[TOLL_TOTAL_TEXT_BYTES], amount[TOLL_EXPLAIN_EXACT_BYTES], band[128] = "";
    toll_explain_money(terms->rate, rate);
    toll_explain_exact((toll_total)terms->rate * now->units, terms->per, amount);
    if (now->band != 0)
        snprintf(band, sizeof band, ", band %s", toll_book_string(book, book->band_names[now->band]));
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "stretch", toll_book_string(book, origin.file),
                     origin.line, "%lld to %lld %s%s, the row from %d on%s: %s x %lld / %d = %s",
                     (long long)now->from, (long long)(now->from + now->units), telling->unit, band,
                     origin.step, origin.band == 0 && now->band != 0 ? " without band" : "", rate,
                     (long long)now->units, terms->per, amount);
}

/* Neighbours by one row and band are one to the reader. */
static void on_stretch(void *context, const struct toll_walk_stretch *stretch)
{
    struct telling *telling = context;
    if (telling->now.units != 0 && telling->now.price == stretch->price &&
        telling->now.band == stretch->band) {
        telling->now.units += stretch->units;
        return;
    }
    tell(telling);
    telling->now = *stretch;
}

bool toll_explain_walk(struct toll_explainer *explainer, toll_total *exact)
{
    const struct toll_row_answer *answer = explainer->answer;
    const struct toll_book *book = explainer->book;
    const struct toll_terms *first = &book->terms[book->price_terms[answer->found.price]];
    struct telling telling = {.explainer = explainer, .unit = toll_explain_unit(explainer)};
    const struct toll_walk_trace trace = {on_stretch, &telling};
    struct toll_walked walked;
    const enum toll_walk_outcome outcome = toll_row_walk(explainer->rater, explainer->cursors, explainer->row,
                                                         answer->deck, &answer->found, &trace, &walked);
    tell(&telling);
    if (telling.told > SHOWN_MAX)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "stretch", "", 0, "and %zu stretches more",
                         telling.told - SHOWN_MAX);
    const long long end =
        (long long)(telling.now.units == 0 ? first->free_units : telling.now.from + telling.now.units);
    if (outcome == TOLL_WALK_NO_BAND)
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "band", "", 0,
                         "after %lld %s there is no row for the band then, and none without band", end,
                         telling.unit);
    if (outcome == TOLL_WALK_BLOCKED || outcome == TOLL_WALK_NO_RATE)
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "stretch", "", 0, "after %lld %s the next row %s", end,
                         telling.unit, outcome == TOLL_WALK_BLOCKED ? "is blocked" : "has no rate");
    if (outcome != TOLL_WALK_DONE || exact == NULL)
        return false;
    char fee[TOLL_TOTAL_TEXT_BYTES], sum[TOLL_EXPLAIN_EXACT_BYTES];
    toll_explain_money(first->connect_fee, fee);
    toll_explain_exact(walked.exact, book->entries[answer->found.walk].walk_per, sum);
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "exact", "", 0, "%s%sall stretches = %s",
                     first->connect_fee == 0 ? "" : fee, first->connect_fee == 0 ? "" : " (connect fee) + ",
                     sum);
    *exact = walked.exact;
    return true;
}
