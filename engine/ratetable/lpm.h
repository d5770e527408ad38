/* Longest prefix match: the trie of layout.h, how it is built, and the scalar walk that specifies it. */
#ifndef TOLL_RATETABLE_LPM_H
#define TOLL_RATETABLE_LPM_H

#include "base/digits.h"
#include "ratetable/buffer.h"
#include "ratetable/layout.h"

/* A page is indexed by three nibbles as 0..999. A damaged number with nibbles above 9 gives up to 1,665, so
 * that many values behind the last page are there (they are 0): no number, however damaged, is read out of
 * bounds. */
#define TOLL_LPM_PAGE 1000u
#define TOLL_LPM_PLACES 4096u /* of first3 and npa each */
#define TOLL_LPM_NODE_WORDS 16u
#define TOLL_LPM_PAGE_SLACK 672u

/* The value for an E.164 number of 7 to 15 digits (packed BCD). `words` are the book's lpm_words. */
static inline uint32_t toll_lpm_find(const struct toll_lpm *lpm, const uint32_t *words, uint64_t number)
{
    uint32_t value;
    unsigned shift;

    if (number >> 60 == 1) {
        value = words[lpm->npa + (number >> 48 & 0xFFF)];
        if ((value & TOLL_LPM_NODE) == 0)
            return value;
        value = words[lpm->pages + (size_t)(value & ~TOLL_LPM_NODE) * TOLL_LPM_PAGE +
                      toll_digits_three((uint32_t)(number >> 36) & 0xFFF)];
        shift = 32;
    } else {
        value = words[lpm->first3 + (number >> 52)];
        shift = 48;
    }
    /* Ends at the latest with the number's last nibble, which is F: there no value is a node. */
    while ((value & TOLL_LPM_NODE) != 0) {
        value = words[lpm->nodes + (size_t)(value & ~TOLL_LPM_NODE) * 16 + (number >> shift & 0xF)];
        shift -= 4;
    }
    return value;
}

/* One trie while it grows. */
struct toll_lpm_builder {
    uint32_t *first3, *npa;          /* 4096 each; NULL before begin */
    struct toll_buffer pages, nodes; /* uint32_t[1000], uint32_t[16] */
    uint32_t everything;
    unsigned digits; /* of the last prefix inserted */
};

/* False: out of memory; call end all the same. */
bool toll_lpm_begin(struct toll_lpm_builder *builder);
/* Inserts a prefix of 0..15 digits (packed BCD of 0-9 only; any value for 0 digits). Prefixes come in
 * ascending order of their digits count, each once. *shorter is the value that the next shorter prefix gave,
 * 0 none. */
bool toll_lpm_insert(struct toll_lpm_builder *builder, uint64_t prefix, unsigned digits, uint32_t value,
                     uint32_t *shorter);
/* Appends the trie to `words` (uint32_t). False: out of memory, or more than 2^32 words. */
bool toll_lpm_finish(const struct toll_lpm_builder *builder, struct toll_buffer *words, struct toll_lpm *out);
void toll_lpm_end(struct toll_lpm_builder *builder);

#endif
