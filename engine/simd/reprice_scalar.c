/* Charges by other rates, book by book. */
#include "simd/reprice.h"

void toll_reprice_scalar(const struct toll_reprice_in *in, size_t rows, int64_t *restrict charges)
{
    for (size_t i = 0; i < rows; i++) {
        const uint64_t *words = in->rates + in->record[i] * in->stride;
        for (size_t k = 0; k < in->stride; k++)
            charges[i * in->stride + k] = in->record[i] == 0
                                              ? in->charge[i]
                                              : toll_reprice_one(in, words[k], in->rest[i], in->charge[i]);
    }
}
