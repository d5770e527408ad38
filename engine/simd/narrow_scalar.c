/* Half the width: the compiler makes vectors of it. */
#include "simd/narrow.h"

uint32_t toll_narrow_scalar(const int32_t *restrict wide, size_t rows, uint16_t *restrict narrow)
{
    uint32_t all = 0;
    for (size_t i = 0; i < rows; i++) {
        narrow[i] = (uint16_t)wide[i];
        all |= (uint32_t)wide[i];
    }
    return all;
}
