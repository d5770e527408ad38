/*
 * Columns of ids and units to half their width, as they lie in a file of lines (segment/lines.h). All kernels
 * work on 32 bits; this is the last that is done with a column.
 */
#ifndef TOLL_SIMD_NARROW_H
#define TOLL_SIMD_NARROW_H

#include <stddef.h>
#include <stdint.h>

/* narrow[i] = the low half of wide[i]. Returns the OR of all wide[i]: above 65,535 where one does not fit. */
typedef uint32_t toll_narrow_kernel(const int32_t *wide, size_t rows, uint16_t *narrow);

toll_narrow_kernel toll_narrow_scalar, toll_narrow_avx2, toll_narrow_avx512;

#endif
