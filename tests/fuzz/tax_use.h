/*
 * The tables of taxes of an opened book at work: all that they lead to is walked, and components are made of
 * the first areas and splits. Whatever image was accepted, no index may lead astray.
 */
#ifndef TOLL_TESTS_TAX_USE_H
#define TOLL_TESTS_TAX_USE_H

#include "base/check.h"
#include "book/book.h"
#include "ratetable/tax_stale.h"
#include "tax/components.h"

#include <string.h>

static inline uint64_t text_sum(const struct toll_tax_tables *tax, uint32_t offset)
{
    return strlen(toll_tax_string(tax, offset));
}

/* All that the tables lead to. */
static inline uint64_t use_tax_tables(const struct toll_book *book)
{
    const struct toll_tax_tables *tax = &book->tax;
    struct toll_tax_stale walk = {0};
    uint64_t sum = 0;

    for (uint32_t i = 1; i < tax->area_count; i++) {
        for (uint32_t k = 0; k < tax->areas[i].count; k++) {
            int32_t at = tax->area_jurisdictions[tax->areas[i].first + k];
            for (; at > 0; at = tax->jurisdictions[at].parent)
                sum += text_sum(tax, tax->jurisdictions[at].id);
        }
    }
    for (uint32_t i = 1; i < tax->split_count; i++) {
        for (uint32_t k = 0; k < tax->splits[i].count; k++)
            sum += text_sum(tax, tax->services[tax->split_parts[tax->splits[i].first + k].service]);
        sum += text_sum(tax, tax->products[tax->splits[i].product]);
    }
    for (uint32_t i = 0; i < tax->seller_count; i++) {
        for (uint32_t k = 0; k < tax->sellers[i].service_count; k++)
            sum += text_sum(tax, tax->services[tax->ids[tax->sellers[i].service_first + k]]);
    }
    for (uint32_t i = 0; i < tax->series_count; i++) {
        const struct toll_tax_series *series = &tax->series[i];
        for (uint32_t k = 0; k < series->service_count; k++)
            sum += text_sum(tax, tax->services[tax->ids[series->service_first + k]]);
        for (uint32_t k = 0; k < series->on_count; k++)
            sum += text_sum(tax, tax->taxes[tax->ids[series->on_first + k]].tax);
        for (uint32_t k = 0; k < series->class_count; k++)
            sum += text_sum(tax, tax->texts[series->class_first + k]);
        sum += text_sum(tax, tax->jurisdictions[series->jurisdiction].name);
    }
    while (toll_tax_stale_next(tax, 20600, &walk))
        sum +=
            tax->brackets[walk.bracket].line + text_sum(tax, tax->taxes[tax->series[walk.series].tax].name);
    for (uint32_t i = 0; i < tax->charge_count; i++)
        sum += text_sum(tax, tax->products[tax->charges[i].product]) +
               text_sum(tax, book->sites[tax->charges[i].site].site);
    for (uint32_t i = 0; i < tax->inventory_count; i++)
        sum += text_sum(tax, tax->inventory[i].type);
    for (uint32_t i = 1; i < book->account_count; i++)
        sum += text_sum(tax, tax->areas[book->sites[book->accounts[i].tax_site].area].area);
    return sum;
}

/* Components of a place and a split; an error is one of the book's. */
static inline uint64_t use_components(const struct toll_book *book, const struct toll_tax_index *index,
                                      uint32_t area, uint32_t split)
{
    static const unsigned kinds[] = {TOLL_TAX_KINDS_VOICE, TOLL_TAX_KINDS_CHARGE, TOLL_TAX_KINDS_SERVICE,
                                     TOLL_TAX_KINDS_ACCOUNT};
    const struct toll_tax_set place = toll_tax_area_set(&book->tax, area);
    const struct toll_account *account = &book->accounts[1 + area % (book->account_count - 1)];
    struct toll_arena arena = {0};
    struct toll_tax_list list;
    struct toll_error error;
    uint32_t rows[8];
    const size_t found = toll_tax_exemptions_find(index, 1 + (int32_t)(area % (book->account_count - 1)),
                                                  account->tax_site, rows, 8);
    const struct toll_tax_facts facts = {.place = place,
                                         .origin = place,
                                         .two_of_three = place,
                                         .split = split,
                                         .customer_class = toll_book_string(book, account->class_),
                                         .seller = toll_book_string(book, account->seller),
                                         .resale = account->resale == 1,
                                         .call = split % 2 == 0,
                                         .jurisdiction = (int)(area % 5),
                                         .exemptions = rows,
                                         .exemption_count = (uint32_t)(found < 8 ? found : 8),
                                         .day = {20514, 20544, 20513}, /* March 2026 */
                                         .kinds = kinds[(area + split) % 4]};
    const int code = toll_tax_components(index, &facts, &arena, &list, &error);
    const uint64_t count = code == 0 ? list.count : 0;

    TOLL_ASSERT(code == 0 || code == TOLL_EDATA);
    toll_arena_free(&arena);
    return count;
}

#define USE_AREAS 4u
static inline uint64_t use_taxes(const struct toll_book *book)
{
    const struct toll_tax_tables *tax = &book->tax;
    const struct toll_tax_index *index;
    struct toll_arena arena = {0};
    uint64_t sum = use_tax_tables(book);

    TOLL_ASSERT(toll_tax_index_build(tax, &arena, &index, NULL) == 0);
    for (uint32_t area = 1; area < tax->area_count && area <= USE_AREAS && book->account_count > 1; area++) {
        for (uint32_t split = 0; split < tax->split_count && split <= USE_AREAS; split++)
            sum += use_components(book, index, area, split);
    }
    toll_arena_free(&arena);
    return sum;
}

#endif
