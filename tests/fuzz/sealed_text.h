/* A manifest from an input that has all but its end: the digest and what follows are put behind it. */
#ifndef TOLL_TESTS_SEALED_TEXT_H
#define TOLL_TESTS_SEALED_TEXT_H

#include "base/checksum.h"
#include "fuzz.h"

#include <stdio.h>

/* malloc'ed at exactly *bytes. */
static inline char *sealed_text(const uint8_t *data, size_t size, size_t *bytes)
{
    char tail[128], hex[TOLL_HASH_TEXT_BYTES];
    toll_hash_text(toll_hash(data, size), hex);
    const int length = snprintf(tail, sizeof tail, "\"digest\": \"%s\"\n}\n", hex);
    char *text = malloc(size + (size_t)length);
    TOLL_ASSERT(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    memcpy(text + size, tail, (size_t)length);
    *bytes = size + (size_t)length;
    return text;
}

#endif
