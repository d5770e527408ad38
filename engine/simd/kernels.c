/* The choice of kernels. A twin is added here and nowhere else. */
#include "simd/kernels.h"

static const struct toll_kernels scalar = {
    .name = "scalar",
    .probe = toll_probe_scalar,
    .lpm = toll_lpm_scalar,
};

const struct toll_kernels *toll_kernels_select(unsigned features)
{
    (void)features;
    return &scalar;
}
