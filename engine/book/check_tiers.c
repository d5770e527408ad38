/* The tiers of an image, and its rates of exchange: what prices divide by and search in. */
#include "book/check.h"

#include "ratetable/prices.h"

#include <string.h>

static bool tiers_good(const struct toll_book *book, const struct toll_tiers *tiers)
{
    return toll_check_text(book, tiers->name) && toll_check_text(book, tiers->file) && tiers->count > 0 &&
           toll_check_range(tiers->first, tiers->count, book->tier_row_count) && tiers->minimum_spend >= 0 &&
           tiers->maximum_spend >= tiers->minimum_spend && tiers->decimals <= TOLL_MONEY_DECIMALS &&
           tiers->quantum == toll_quantum(tiers->decimals) && tiers->rounding <= TOLL_DOWN &&
           tiers->mode <= TOLL_TIER_PACKAGE && tiers->unit < TOLL_UNITS && tiers->scope < TOLL_SCOPES &&
           tiers->period <= TOLL_TIER_CALL && toll_check_zero(tiers->spare, sizeof(tiers->spare));
}

/* From 0 on, ascending; `per` is what all rows' divide. */
static bool rows_good(const struct toll_book *book, const struct toll_tiers *tiers)
{
    uint32_t per = 1;

    for (uint32_t i = 0; i < tiers->count; i++) {
        const struct toll_tier *row = &book->tier_rows[tiers->first + i];
        if (row->from_qty > TOLL_UNITS_MAX ||
            (i == 0 ? row->from_qty != 0 : row->from_qty <= row[-1].from_qty) || row->rate < 0 ||
            row->flat < 0 || row->per < 1)
            return false;
        per = toll_common_per(per, (uint32_t)row->per);
    }
    return per > 0 && per == tiers->per;
}

/* The rules' price rows round as their tiers do; no plan to buy by has any. */
static bool rule_good(const struct toll_book *book, const struct toll_rule *rule)
{
    const struct toll_tiers *tiers = &book->tiers[rule->tiers];
    const struct toll_terms *terms = &book->terms[book->price_terms[rule->price]];

    return terms->quantum == tiers->quantum && terms->rounding == tiers->rounding &&
           terms->decimals == tiers->decimals && book->plans[rule->plan].buy == 0;
}

const char *toll_check_tiers(const struct toll_book *book)
{
    if (book->tiers_count > 0 && !toll_check_zero(&book->tiers[0], sizeof(book->tiers[0])))
        return "the empty tiers";
    for (uint32_t i = 1; i < book->tiers_count; i++) {
        if (!tiers_good(book, &book->tiers[i]) || !rows_good(book, &book->tiers[i]))
            return "tiers";
    }
    for (uint32_t i = 1; i < book->rule_count; i++) {
        if (book->rules[i].action == TOLL_ACTION_TIERS && !rule_good(book, &book->rules[i]))
            return "a rule of tiers";
    }
    return NULL;
}

#define DAY_MOST 2932896 /* 31 December 9999 */
#define DAY_LEAST (-719162)

const char *toll_check_fx(const struct toll_book *book)
{
    for (uint32_t i = 0; i < book->fx_count; i++) {
        const struct toll_fx *row = &book->fx[i];
        int order;
        if (!toll_check_currency(book, row->from) || !toll_check_currency(book, row->to) || row->rate <= 0 ||
            row->day < DAY_LEAST || row->day > DAY_MOST ||
            strcmp(toll_book_string(book, row->from), toll_book_string(book, row->to)) == 0)
            return "a rate of exchange";
        if (i == 0)
            continue;
        order = strcmp(toll_book_string(book, row[-1].from), toll_book_string(book, row->from));
        if (order == 0)
            order = strcmp(toll_book_string(book, row[-1].to), toll_book_string(book, row->to));
        if (order > 0 || (order == 0 && row[-1].day >= row->day))
            return "the order of the rates of exchange";
    }
    return NULL;
}
