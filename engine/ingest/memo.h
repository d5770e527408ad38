/*
 * What short words were read as: a file says the same few trunks, call types and yes or no all over. A word
 * of up to 16 bytes is two loads and its length, which together say all of it, so that no text is compared.
 */
#ifndef TOLL_INGEST_MEMO_H
#define TOLL_INGEST_MEMO_H

#include "simd/padded.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TOLL_MEMO_BYTES_MAX 16

struct toll_memo {
    uint64_t head, tail;
    uint32_t bytes; /* 0: nothing here yet */
    uint32_t value;
};

/* The word's place in a memo of 2^bits entries, filled in but for `value`; text of 1 to TOLL_MEMO_BYTES_MAX
 * bytes. True when it was there: then value is good. */
static inline bool toll_memo_find(struct toll_memo *memo, unsigned bits, const char *text, size_t bytes,
                                  struct toll_memo **place)
{
    uint64_t head = 0, tail = 0;
    struct toll_memo *at;
    bool found;

    if (bytes >= 8) {
        memcpy(&head, text, 8);
        memcpy(&tail, text + bytes - 8, 8);
    } else if (bytes >= 4) {
        uint32_t first, last;

        memcpy(&first, text, 4);
        memcpy(&last, text + bytes - 4, 4);
        head = first;
        tail = last;
    } else {
        head = (uint64_t)(unsigned char)text[0] | (uint64_t)(unsigned char)text[bytes / 2] << 8 |
               (uint64_t)(unsigned char)text[bytes - 1] << 16;
    }
    at = &memo[((head ^ (tail << 23 | tail >> 41)) + bytes) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits)];
    *place = at;
    found = at->head == head && at->tail == tail && at->bytes == bytes;
    if (!found)
        *at = (struct toll_memo){head, tail, (uint32_t)bytes, 0};
    return found;
}

/* The same for text with at least TOLL_MEMO_BYTES_MAX readable bytes: no branch by its length. A memo is
 * asked either in this way or in the other, for they do not agree about head and tail. */
static inline bool toll_memo_find_padded(struct toll_memo *memo, unsigned bits, const char *text,
                                         size_t bytes, struct toll_memo **place)
{
    uint64_t head, tail;
    struct toll_memo *at;

    toll_padded_words(text, bytes, &head, &tail);
    at = &memo[((head ^ (tail << 23 | tail >> 41)) + bytes) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits)];
    *place = at;
    if (at->head == head && at->tail == tail && at->bytes == bytes)
        return true;
    *at = (struct toll_memo){head, tail, (uint32_t)bytes, 0};
    return false;
}

#endif
