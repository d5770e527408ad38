/*
 * A hash of a short text for tables in memory: one multiplication for all bytes of up to 16, read from where
 * they stand. A copy of them would have to reach the cache before it could be read in other pieces. The keys
 * are no text in UTF-8, so that nobody can write a name that makes a factor 0.
 */
#ifndef TOLL_BASE_TEXT_HASH_H
#define TOLL_BASE_TEXT_HASH_H

#include "base/checksum.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t toll_text_load8(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

static inline uint64_t toll_text_load4(const char *text)
{
    uint32_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

static inline uint32_t toll_text_hash(const char *text, size_t bytes)
{
    uint64_t a = 0, b = 0;

    if (bytes > 16)
        return (uint32_t)toll_hash(text, bytes).low;
    if (bytes >= 8) {
        a = toll_text_load8(text);
        b = toll_text_load8(text + bytes - 8);
    } else if (bytes >= 4) {
        a = toll_text_load4(text);
        b = toll_text_load4(text + bytes - 4);
    } else if (bytes > 0) {
        a = (uint64_t)(unsigned char)text[0] << 16 | (uint64_t)(unsigned char)text[bytes / 2] << 8 |
            (unsigned char)text[bytes - 1];
    }
    const unsigned __int128 product =
        (unsigned __int128)(a ^ UINT64_C(0xFFE7037ED1A0B428) ^ bytes) * (b ^ UINT64_C(0xFFBC3AF0D2B6A5C7));
    const uint64_t folded = (uint64_t)product ^ (uint64_t)(product >> 64);
    return (uint32_t)(folded ^ folded >> 32);
}

#endif
