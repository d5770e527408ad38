/*
 * What the processor can do, as an argument: whoever selects kernels says which features they may use, so
 * that tests run every variant on one machine. Nothing in the engine asks the processor behind one's back.
 */
#ifndef TOLL_BASE_CPU_H
#define TOLL_BASE_CPU_H

/* Each level contains those before it: a set is closed downwards. */
enum toll_cpu_feature {
    TOLL_CPU_AVX2 = 1,   /* AVX2, BMI1, BMI2, PCLMULQDQ */
    TOLL_CPU_AVX512 = 2, /* AVX-512 F, BW, DQ, VL, CD, IFMA, VBMI, VBMI2, VPOPCNTDQ */
};

/* Bits of what this processor and its kernel offer; 0 on other architectures. AVX512 only together with AVX2.
 */
unsigned toll_cpu_features(void);

/* "scalar", "avx2", "avx512": the highest level of a set. */
const char *toll_cpu_name(unsigned features);

#endif
