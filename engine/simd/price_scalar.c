/* From the deck's value to a price row and its terms, where that takes one look. */
#include "simd/kernels.h"

/* What lies in far memory is asked for in a pass of its own. */
static void add_columns(const uint16_t *restrict price_terms, const uint8_t *restrict column, size_t rows,
                        uint32_t *restrict value)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t plain = 0u - (uint32_t)((value[i] != 0) & ((value[i] & TOLL_LPM_ENTRY) == 0));
        value[i] += column[i] & plain;
        __builtin_prefetch(&price_terms[value[i] & plain]);
    }
}

size_t toll_price_scalar(const uint16_t *restrict price_terms, const uint8_t *restrict column,
                         const uint32_t *restrict deck, size_t rows, uint32_t *restrict value,
                         int32_t *restrict price, uint32_t *restrict terms, uint32_t *restrict rest)
{
    size_t count = 0;
    if (column != NULL)
        add_columns(price_terms, column, rows, value);
    for (size_t i = 0; i < rows; i++) {
        const uint32_t found = (uint32_t)price[i] | value[i];
        const bool entry = (value[i] & TOLL_LPM_ENTRY) != 0;
        price[i] = (int32_t)found;
        terms[i] = price_terms[found & ((uint32_t)entry - 1)];
        rest[count] = (uint32_t)i;
        count += entry | (terms[i] == TOLL_TERMS_FAR) | ((value[i] == 0) & (deck[i] != 0));
    }
    return count;
}
