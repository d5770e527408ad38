/* What the frozen worlds are made with: counters through splitmix64, no state, no floating point. */
#ifndef TOLL_BENCH_MAKE_H
#define TOLL_BENCH_MAKE_H

#include <stdbool.h>
#include <stdint.h>

#define FIRST_DAY 20362 /* 2025-10-01 */
#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static inline uint64_t mix(uint64_t seed, uint64_t i)
{
    uint64_t z = seed * UINT64_C(0xD1342543DE82EF95) + (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline uint64_t pick(uint64_t seed, uint64_t i, uint64_t below)
{
    return (uint64_t)(((unsigned __int128)mix(seed, i) * below) >> 64);
}

static inline uint64_t power(unsigned n)
{
    uint64_t value = 1;
    while (n-- > 0)
        value *= 10;
    return value;
}

static inline unsigned digits_of(uint64_t value)
{
    unsigned digits = 1;
    for (; value >= 10; value /= 10)
        digits++;
    return digits;
}

static inline uint64_t pack(uint64_t value)
{
    uint64_t packed = UINT64_MAX;
    for (; value > 0; value /= 10)
        packed = packed >> 4 | (value % 10) << 60;
    return packed;
}

/* 1 s to some minutes, with a long tail; in ms, because switches count so. */
static inline int32_t any_duration(uint64_t i)
{
    const uint64_t x = mix(39, i) >> 44; /* 20 bits */
    const uint64_t fourth = ((x * x >> 20) * (x * x >> 20)) >> 20;
    return (int32_t)(1 + (30000 * x >> 20) + (600000 * fourth >> 20) +
                     (x > 1043000 ? (x - 1043000) * 1300 : 0));
}

static inline bool any_answered(uint64_t i)
{
    return pick(40, i, 10) != 0;
}

/* Call i of `cdrs`, which are spread evenly over the days. */
static inline int64_t any_start(int64_t i, int days, int64_t cdrs)
{
    const int64_t day_ms = 86400000;
    return FIRST_DAY * day_ms + (int64_t)((__int128)i * (days * day_ms) / cdrs);
}

#endif
