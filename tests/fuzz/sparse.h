/*
 * Arrow files are mostly padding. A fuzzer's input holds them as runs: repeatedly 4 bytes that say how many
 * zero bytes come, 2 bytes that say how many others, and those. The file is then sealed again: every checksum
 * inside it is worked out anew, or nothing behind the checksums would ever be tested.
 */
#ifndef TOLL_TESTS_SPARSE_H
#define TOLL_TESTS_SPARSE_H

#include "arrow/arrow.h"
#include "fuzz.h"

#define SPARSE_BYTES_MAX 400000u

/* The file, malloc'ed at exactly its size; NULL when it would be too large. */
static inline uint8_t *sparse_expand(const uint8_t *data, size_t size, size_t *bytes)
{
    struct fuzz_input input = {data, size};
    size_t total = 0, got;
    while (input.left > 0) {
        total += fuzz_take(&input, 4);
        fuzz_span(&input, fuzz_take(&input, 2), &got);
        total += got;
        if (total > SPARSE_BYTES_MAX)
            return NULL;
    }
    uint8_t *out = calloc(1, total + (total == 0));
    TOLL_ASSERT(out != NULL);
    *bytes = total;
    total = 0;
    input = (struct fuzz_input){data, size};
    while (input.left > 0) {
        total += fuzz_take(&input, 4);
        const uint8_t *from = fuzz_span(&input, fuzz_take(&input, 2), &got);
        if (got > 0)
            memcpy(out + total, from, got);
        total += got;
    }
    return out;
}

/* A seed from a file: malloc'ed, *size bytes. */
static inline uint8_t *sparse_shrink(const uint8_t *bytes, size_t count, size_t *size)
{
    uint8_t *out = malloc(count * 2 + 16);
    size_t at = 0, used = 0;
    TOLL_ASSERT(out != NULL);
    while (at < count) {
        size_t zeros = 0, run = 0, quiet = 0;
        while (at + zeros < count && bytes[at + zeros] == 0)
            zeros++;
        at += zeros;
        /* A run ends where more than a few zeros come. */
        while (at + run + quiet < count && quiet < 12 && run + quiet < 60000) {
            if (bytes[at + run + quiet] == 0) {
                quiet++;
                continue;
            }
            run += quiet + 1;
            quiet = 0;
        }
        for (unsigned i = 0; i < 4; i++)
            out[used++] = (uint8_t)(zeros >> (8 * i));
        for (unsigned i = 0; i < 2; i++)
            out[used++] = (uint8_t)(run >> (8 * i));
        memcpy(out + used, bytes + at, run);
        used += run;
        at += run;
    }
    *size = used;
    return out;
}

/* Puts the right checksums of each batch's buffers where its metadata says them. */
static inline void sparse_seal(uint8_t *bytes, size_t size)
{
    const struct toll_arrow_source source = {.name = "seal", .bytes = bytes, .size = (int64_t)size};
    char is[TOLL_ARROW_BUFFERS * 32 + 1], must[TOLL_ARROW_BUFFERS * 32 + 1];
    struct toll_arrow_file *file;
    if (toll_arrow_open(&source, NULL, &file, NULL) != 0)
        return;
    for (int64_t batch = 0; batch < file->batches; batch++) {
        for (unsigned b = 0; b < file->buffers; b++) {
            const struct toll_arrow_place *place = toll_arrow_place(file, batch, b);
            toll_hash_text(place->hash, is + b * 32u);
            toll_hash_text(toll_hash(bytes + place->offset, toll_arrow_pad(place->bytes)), must + b * 32u);
        }
        uint8_t *said = memmem(bytes, size, is, file->buffers * 32u);
        if (said != NULL)
            memcpy(said, must, file->buffers * 32u);
    }
    toll_arrow_close(file);
}

#endif
