/*
 * Values from text that has at least 16 readable bytes behind its start, whatever its length: one or two
 * loads, no loop over bytes. What these decline is for whoever reads one byte after the other, and gives the
 * same for what they take.
 */
#ifndef TOLL_SIMD_PADDED_H
#define TOLL_SIMD_PADDED_H

#include "base/digits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(TOLL_SIMD_PORTABLE)
#define TOLL_PADDED_SSE2 1
#include <emmintrin.h>
#else
#define TOLL_PADDED_SSE2 0
#endif

#define TOLL_PADDED_BYTES 16u
#define TOLL_ASCII_ZEROS UINT64_C(0x3030303030303030)

/* Eight bytes, the first one lowest. */
static inline uint64_t toll_load_8(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* The first n bytes of a word, 1 to 8. */
static inline uint64_t toll_first_bytes(size_t n)
{
    return ~UINT64_C(0) >> (64 - 8 * n);
}

/* Text of 1 to 16 bytes as two words, with zeros behind it: no branch by its length. */
static inline void toll_padded_words(const char *text, size_t bytes, uint64_t *head, uint64_t *tail)
{
    static const uint8_t masks[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const char *mask = (const char *)masks + 16 - bytes;

    *head = toll_load_8(text) & toll_load_8(mask);
    *tail = toll_load_8(text + 8) & toll_load_8(mask + 8);
}

/* Of eight bytes less '0': is each a digit? */
static inline bool toll_all_digits_8(uint64_t word)
{
    return (((word + UINT64_C(0x7676767676767676)) | word) & UINT64_C(0x8080808080808080)) == 0;
}

/* Eight digits, less '0', the first one lowest and worth most. */
static inline uint32_t toll_value_8(uint64_t word)
{
    const uint64_t mask = UINT64_C(0x000000ff000000ff);

    word = word * 10 + (word >> 8);
    word = (word & mask) * UINT64_C(0x000f424000000064) + (word >> 16 & mask) * UINT64_C(0x0000271000000001);
    return (uint32_t)(word >> 32);
}

/* 1 to 8 digits and nothing else. */
static inline bool toll_padded_integer(const char *text, size_t bytes, uint32_t *value)
{
    uint64_t word;

    if (bytes - 1 > 7)
        return false;
    word = (toll_load_8(text) ^ TOLL_ASCII_ZEROS) << (64 - 8 * bytes);
    *value = toll_value_8(word);
    return toll_all_digits_8(word);
}

/* "dd:dd:dd", each in its place; minutes and seconds below 60. In seconds. */
static inline bool toll_padded_clock(const char *text, uint32_t *seconds)
{
    const uint64_t word = toll_load_8(text) ^ UINT64_C(0x30303a30303a3030); /* digits 0..9, colons 0 */
    const uint32_t hour = (uint32_t)(10 * (word & 15) + (word >> 8 & 15)),
                   minute = (uint32_t)(10 * (word >> 24 & 15) + (word >> 32 & 15)),
                   second = (uint32_t)(10 * (word >> 48 & 15) + (word >> 56));

    *seconds = (hour * 60 + minute) * 60 + second;
    return ((((word + UINT64_C(0x76767f76767f7676)) | word) & UINT64_C(0x8080808080808080)) == 0) &
           (minute <= 59) & (second <= 59);
}

/* 1 to 15 digits as toll_digits_pack has them. */
static inline bool toll_padded_digits(const char *text, size_t bytes, uint64_t *digits)
{
#if TOLL_PADDED_SSE2
    static const uint8_t masks[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    __m128i word, wrong;

    if (bytes - 1 > TOLL_DIGITS_MAX - 1)
        return false;
    const __m128i mask = _mm_loadu_si128((const __m128i *)(const void *)(masks + 16 - bytes));
    word = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)text), _mm_set1_epi8('0'));
    word = _mm_and_si128(word, mask);
    wrong = _mm_cmpeq_epi8(_mm_max_epu8(word, _mm_set1_epi8(10)), word);
    word = _mm_or_si128(_mm_slli_epi16(word, 4), _mm_srli_epi16(word, 8)); /* two digits in each low byte */
    word = _mm_and_si128(word, _mm_set1_epi16(0xff));
    word = _mm_packus_epi16(word, word);
    *digits = __builtin_bswap64((uint64_t)_mm_cvtsi128_si64(word)) | UINT64_MAX >> (4 * bytes);
    return _mm_movemask_epi8(wrong) == 0;
#else
    uint64_t words[2], zeros[2], packed = 0;

    if (bytes - 1 > TOLL_DIGITS_MAX - 1)
        return false;
    toll_padded_words(text, bytes, &words[0], &words[1]);
    toll_padded_words("0000000000000000", bytes, &zeros[0], &zeros[1]);
    words[0] ^= zeros[0];
    words[1] ^= zeros[1];
    for (int i = 0; i < 2; i++) {
        uint64_t word = __builtin_bswap64(words[i]);

        word = (word | word >> 4) & UINT64_C(0x00ff00ff00ff00ff);
        word = (word | word >> 8) & UINT64_C(0x0000ffff0000ffff);
        packed = packed << 32 | (uint32_t)(word | word >> 16);
    }
    *digits = packed | UINT64_MAX >> (4 * bytes);
    return toll_all_digits_8(words[0]) && toll_all_digits_8(words[1]);
#endif
}

/* 1 to 8 digits, and 1 to 8 behind a point: 1e-8 of a unit. */
static inline bool toll_padded_money(const char *text, size_t bytes, int64_t *money)
{
#if TOLL_PADDED_SSE2
    uint64_t whole, fraction = 0;
    size_t point, behind;
    uint32_t points;

    if (bytes - 1 > 16)
        return false;
    points = (uint32_t)_mm_movemask_epi8(
        _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)text), _mm_set1_epi8('.')));
    point = (size_t)__builtin_ctz(points | 1u << 17);
    point = point < bytes ? point : bytes;
    if (point - 1 > 7)
        return false;
    whole = (toll_load_8(text) ^ TOLL_ASCII_ZEROS) << (64 - 8 * point);
    if (point < bytes) {
        behind = bytes - point - 1;
        if (behind - 1 > 7)
            return false;
        fraction = (toll_load_8(text + point + 1) ^ TOLL_ASCII_ZEROS) & toll_first_bytes(behind);
    }
    *money = (int64_t)toll_value_8(whole) * 100000000 + toll_value_8(fraction);
    return toll_all_digits_8(whole) & toll_all_digits_8(fraction);
#else
    (void)text, (void)bytes, (void)money;
    return false;
#endif
}

#endif
