/*
 * One block of SHA-256 by the processor's own instructions (Intel SHA extensions; the order of the rounds is
 * that of the manual's chapter on them). They wait for each other: a block takes some 130 cycles in which
 * four fifths of the processor are idle. So whoever has other work to do puts blocks between it.
 */
#include "base/checksum.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

static const _Alignas(64) uint32_t round_words[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

bool toll_sha256_is_fast(void)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0 &&
           __builtin_cpu_supports("sse4.1");
}

/* The instructions want the state's words as ABEF and CDGH. */
__attribute__((target("sha,sse4.1"))) void toll_sha256_block(uint32_t state[8], const uint8_t *data)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i *words = (__m128i *)(void *)state;
    __m128i abef = _mm_load_si128(words), cdgh = _mm_load_si128(words + 1);
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w[4];

    for (int i = 0; i < 4; i++)
        w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)data + i), swap);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        __m128i now = w[i % 4], sum;

        if (i >= 4) { /* four more words of the message's schedule */
            now = _mm_add_epi32(_mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]),
                                _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4));
            now = w[i % 4] = _mm_sha256msg2_epu32(now, w[(i + 3) % 4]);
        }
        sum = _mm_add_epi32(now, _mm_load_si128((const __m128i *)(const void *)round_words + i));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
    }
    _mm_store_si128(words, _mm_add_epi32(abef, abef_before));
    _mm_store_si128(words + 1, _mm_add_epi32(cdgh, cdgh_before));
}
#else
bool toll_sha256_is_fast(void)
{
    return false;
}

/* Never called. */
void toll_sha256_block(uint32_t state[8], const uint8_t *data)
{
    (void)state, (void)data;
}
#endif
