/* From the deck's value to a price row and its terms, where that takes one look. */
#include "simd/kernels.h"

/* What lies in far memory is asked for in a pass of its own. */
static void add_columns(const struct toll_price_in *in, size_t rows, uint32_t *restrict value)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t deck = in->deck[i] < in->sheet_count ? in->deck[i] : 0;
        const bool sheet = in->sheets != NULL && in->sheets[deck].terms != TOLL_SHEET_NONE;
        const uint32_t plain = 0u - (uint32_t)((value[i] != 0) & ((value[i] & TOLL_LPM_ENTRY) == 0) & !sheet);
        value[i] += in->column[i] & plain;
        __builtin_prefetch(&in->price_terms[value[i] & plain]);
    }
}

static size_t without_sheets(const struct toll_price_in *in, size_t rows, const uint32_t *restrict value,
                             int32_t *restrict price, uint32_t *restrict terms, uint32_t *restrict rest)
{
    const uint16_t *restrict price_terms = in->price_terms;
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        const uint32_t found = (uint32_t)price[i] | value[i];
        const bool entry = (value[i] & TOLL_LPM_ENTRY) != 0;
        price[i] = (int32_t)found;
        terms[i] = price_terms[found & ((uint32_t)entry - 1)];
        rest[count] = (uint32_t)i;
        count += entry | (terms[i] == TOLL_TERMS_FAR) | ((value[i] == 0) & (in->deck[i] != 0));
    }
    return count;
}

/* Both ways are gone, each into the first place of its table where it is not the row's. */
static size_t with_sheets(const struct toll_price_in *in, size_t rows, const uint32_t *restrict value,
                          int32_t *restrict price, uint32_t *restrict terms, uint32_t *restrict rest)
{
    const struct toll_family_shape shape = in->shape;
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        const uint32_t deck = in->deck[i] < in->sheet_count ? in->deck[i] : 0;
        const struct toll_sheet_now now = in->sheets[deck];
        const bool entry = (value[i] & TOLL_LPM_ENTRY) != 0, sheet = now.terms != TOLL_SHEET_NONE;
        const bool missed = (value[i] == 0) & (in->deck[i] != 0);
        const bool holds = in->start == NULL || (in->start[i] >= in->from && in->start[i] < in->until);
        const bool asked = sheet & (entry | missed | (now.terms == TOLL_SHEET_ASK) | !holds);
        const uint32_t known = 0u - (uint32_t)(sheet & !asked), plain = 0u - (uint32_t)!sheet;
        const uint32_t row = now.price + ((value[i] & shape.ordinal_mask) << shape.price_shift);
        const uint32_t found = (uint32_t)price[i] | (row & known) | (value[i] & plain);
        const uint32_t class_place = now.terms + (value[i] >> shape.class_shift);
        const uint32_t by_price = in->price_terms[found & plain & ((uint32_t)entry - 1)];
        price[i] = (int32_t)found;
        terms[i] = (by_price & plain) | (shape.terms[class_place & known] & known);
        rest[count] = (uint32_t)i;
        count += asked | ((plain & 1) & (entry | missed | (by_price == TOLL_TERMS_FAR)));
    }
    return count;
}

size_t toll_price_scalar(const struct toll_price_in *in, size_t rows, uint32_t *restrict value,
                         int32_t *restrict price, uint32_t *restrict terms, uint32_t *restrict rest)
{
    if (in->column != NULL)
        add_columns(in, rows, value);
    return in->sheets == NULL ? without_sheets(in, rows, value, price, terms, rest)
                              : with_sheets(in, rows, value, price, terms, rest);
}
