/* CPUID by way of the compiler's own run-time tests, which look at what the kernel saves, too. */
#include "base/cpu.h"

unsigned toll_cpu_features(void)
{
#if defined(__x86_64__)
    unsigned features = 0;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
        __builtin_cpu_supports("pclmul"))
        features |= TOLL_CPU_AVX2;
    if (features != 0 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512ifma") &&
        __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
        __builtin_cpu_supports("avx512vpopcntdq"))
        features |= TOLL_CPU_AVX512;
    return features;
#else
    return 0;
#endif
}

const char *toll_cpu_name(unsigned features)
{
    if ((features & TOLL_CPU_AVX512) != 0)
        return "avx512";
    return (features & TOLL_CPU_AVX2) != 0 ? "avx2" : "scalar";
}
