/* From the deck's value to a price row and its terms, where that takes one look. */
#include "simd/kernels.h"

size_t toll_price_scalar(const uint16_t *restrict price_terms, const uint32_t *restrict value,
                         const uint32_t *restrict deck, size_t rows, int32_t *restrict price,
                         uint32_t *restrict terms, uint32_t *restrict rest)
{
    size_t count = 0;
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
