/* The arithmetic of a price row as the voice kernel walks it: made by rating/voice.h when a run is planned.
 */
#ifndef TOLL_SIMD_LAYOUT_VOICE_H
#define TOLL_SIMD_LAYOUT_VOICE_H

#include <stdint.h>

/*
 * Terms prepared so that nothing is divided. Units: steps of the increment, x / increment = x * step_magic >>
 * step_shift. Money: everything in 1e-8 times per, n = clamp(connect + rate * billed), charge = n / (per *
 * quantum) * quantum, that division too by a multiplication; what rounding adds before cutting lies in
 * connect, minimum and maximum already. No charge passes 63 bits for fewer than 2^26 units, no call bills
 * more. Derived when a run is planned, never stored.
 *
 * A book has many rates and few ways to charge by them: what does not differ from row to row is a profile, so
 * that all of them stay in the nearest cache, and terms are one word: rate << 16 | profile. rate < 2^37.
 */
struct toll_voice_profile {
    uint64_t connect, minimum, maximum;
    uint64_t magic; /* floor(2^(63 + log2) / divisor) + 1, log2 = ceil(log2 divisor) */
    uint32_t quantum;
    uint32_t initial, increment; /* at most 2^24 */
    uint32_t step_magic;         /* floor(2^step_shift / increment) + 1: exact for x < 2^31 */
    uint16_t round_ms;           /* added before ms are cut to s */
    uint8_t step_shift;          /* 31 + ceil(log2 increment) */
    uint8_t shift;               /* log2 - 1, of the high half of the product */
    uint8_t status;              /* of a line of more than 0 s */
    uint8_t zero_status;         /* of a line of 0 s; has a charge only if it is TOLL_RATED */
    uint8_t exact;               /* 1: only the rule knows, the above is 0 */
    uint8_t spare[9];
};
_Static_assert(sizeof(struct toll_voice_profile) == 64, "one cache line");

#define TOLL_VOICE_PROFILES 65536u
#define TOLL_VOICE_RATE_SHIFT 16
struct toll_voice_terms {
    const uint64_t *rates;                     /* by terms index; [0], no terms, is 0 */
    const struct toll_voice_profile *profiles; /* profile_count of them; [0] is zero */
    uint32_t profile_count;
};
static inline const struct toll_voice_profile *toll_voice_profile(const struct toll_voice_terms *terms,
                                                                  uint32_t index)
{
    return &terms->profiles[terms->rates[index] & (TOLL_VOICE_PROFILES - 1)];
}

#endif
