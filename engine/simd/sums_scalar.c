/* Records added to planes, word by word. */
#include "simd/sums.h"

void toll_sums_scalar(const struct toll_sums_in *in, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        const int64_t *from = in->records + i * in->words;
        if (i + TOLL_SUMS_AHEAD < rows)
            toll_sums_expect(in, i + TOLL_SUMS_AHEAD);
        for (size_t p = 0; p < in->plane_count; p++) {
            int64_t *to = in->planes[p].sums + in->planes[p].keys[i] * in->planes[p].stride;
            for (size_t w = 0; w < in->words; w++)
                to[w] += from[w];
        }
    }
}
