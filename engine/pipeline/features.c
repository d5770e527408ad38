/* From what was asked for to what the kernels may use. */
#include "base/cpu.h"
#include "base/error.h"
#include "pipeline/rate.h"

int toll_simd_features(enum toll_simd_choice choice, unsigned available, unsigned *features,
                       struct toll_error *error)
{
    static const unsigned wanted[] = {
        [TOLL_SIMD_SCALAR] = 0,
        [TOLL_SIMD_AVX2] = TOLL_CPU_AVX2,
        [TOLL_SIMD_AVX512] = TOLL_CPU_AVX2 | TOLL_CPU_AVX512,
    };
    *features = choice == TOLL_SIMD_AUTO ? available : wanted[choice];
    if ((*features & ~available) == 0)
        return 0;
    return toll_error_set(error, TOLL_EUSAGE,
                          "this processor has no %s, only %s; leave --simd out and the best it has is used",
                          toll_cpu_name(*features), toll_cpu_name(available));
}
