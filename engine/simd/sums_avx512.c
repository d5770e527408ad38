/* A cache line at once. */
#include "simd/sums.h"

#include <immintrin.h>

#define LANES 8

/* words, plane_count: constants where it matters. */
static inline __attribute__((always_inline)) void add(const struct toll_sums_in *in, size_t rows,
                                                      size_t words, size_t plane_count)
{
    for (size_t i = 0; i < rows; i++) {
        const int64_t *from = in->records + i * words;
        if (i + TOLL_SUMS_AHEAD < rows)
            toll_sums_expect(in, i + TOLL_SUMS_AHEAD);
        for (size_t p = 0; p < plane_count; p++) {
            int64_t *to = in->planes[p].sums + in->planes[p].keys[i] * in->planes[p].stride;
            for (size_t w = 0; w < words; w += LANES)
                _mm512_storeu_si512(
                    (to + w), _mm512_add_epi64(_mm512_loadu_si512((to + w)), _mm512_loadu_si512((from + w))));
        }
    }
}

void toll_sums_avx512(const struct toll_sums_in *in, size_t rows)
{
    if (in->plane_count == TOLL_SUMS_PLANES && in->words == TOLL_SUMS_WORDS)
        add(in, rows, TOLL_SUMS_WORDS, TOLL_SUMS_PLANES);
    else if (in->plane_count == TOLL_SUMS_PLANES && in->words == 2 * TOLL_SUMS_WORDS)
        add(in, rows, 2 * TOLL_SUMS_WORDS, TOLL_SUMS_PLANES);
    else
        add(in, rows, in->words, in->plane_count);
}
