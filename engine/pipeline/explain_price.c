/* The price row that decides. */
#include "pipeline/explain_entries.h"

#include <stdio.h>
#include <string.h>

/* " (Italy)", or nothing where a row names no destination. */
static const char *in_brackets(const char *destination, char text[TOLL_EXPLAIN_TEXT_BYTES])
{
    snprintf(text, TOLL_EXPLAIN_TEXT_BYTES, destination[0] == 0 ? "%s" : " (%s)", destination);
    return text;
}

/* Which of a row's rates, and what the deck makes of an empty cell or an indeterminate call. */
static void explain_column(struct toll_explainer *explainer, unsigned own, uint32_t line, const char *file)
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
    if (own == column)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "rate column", file, line, "the call is %s: %s",
                         toll_call_jurisdiction_name(jurisdiction), columns[column]);
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "rate column", file, line,
                         "the call is %s: %s, which here is that of %s",
                         toll_call_jurisdiction_name(jurisdiction), columns[column], columns[own]);
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
    toll_explain_money(price.rate, rate);
    toll_explain_prefix(explainer, price.prefix, prefix);
    const struct toll_price_origin origin = toll_book_origin(book, (uint32_t)shown);
    if (terms->action == TOLL_ACTION_DECK)
        toll_explain_version(explainer, (uint32_t)shown);
    if (terms->action == TOLL_ACTION_DECK && book->decks[answer->deck].by_jurisdiction)
        explain_column(explainer, (unsigned)origin.column, origin.line, price.file);
    if (!broken && (answer->status == TOLL_SUSPENSE_BLOCKED || answer->status == TOLL_SUSPENSE_NO_RATE)) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "price", price.file, (uint32_t)price.line,
                         "prefix %s%s %s; a shorter prefix is not looked for", prefix,
                         in_brackets(price.destination, destination),
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
        toll_explain_walk(explainer, NULL);
    else if (answer->status == TOLL_ZERO_DURATION)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "billed", "", 0,
                         "nothing was used, and the deck's zero_s is free");
    else if (answer->status == TOLL_RATED)
        toll_explain_charge(explainer, terms);
}
