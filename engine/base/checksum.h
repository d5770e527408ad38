/* Checksums: XXH3-128 guards our own bytes (the only caller of xxHash), SHA-256 names delivered files
 * (libcrypto). */
#ifndef TOLL_BASE_CHECKSUM_H
#define TOLL_BASE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct toll_hash128 {
    uint64_t low, high;
};
_Static_assert(sizeof(struct toll_hash128) == 16, "stored in files");

struct toll_hash128 toll_hash(const void *data, size_t bytes);
/* Its twins, on x86-64 only (base/cpu.h): for whoever hashes by the megabyte. */
typedef struct toll_hash128 toll_hash_kernel(const void *data, size_t bytes);
toll_hash_kernel toll_hash_avx2, toll_hash_avx512;

/* toll_hash of `count` stretches of a text. */
void toll_hash_texts(const char *text, const uint32_t *begin, const uint32_t *bytes, size_t count,
                     uint64_t *high, uint64_t *low);

/* toll_hash of bytes that come in pieces, in memory of the caller's; its twins, too. */
#define TOLL_HASH_STATE_BYTES 576
struct toll_hash_state {
    _Alignas(64) uint8_t bytes[TOLL_HASH_STATE_BYTES];
};
void toll_hash_begin(struct toll_hash_state *state);
typedef void toll_hash_add_kernel(struct toll_hash_state *state, const void *data, size_t bytes);
toll_hash_add_kernel toll_hash_add, toll_hash_add_avx2, toll_hash_add_avx512;
struct toll_hash128 toll_hash_end(const struct toll_hash_state *state);

static inline bool toll_hash_equal(struct toll_hash128 a, struct toll_hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

/* 32 hex characters, high half first, and a terminator. */
#define TOLL_HASH_TEXT_BYTES 33
void toll_hash_text(struct toll_hash128 hash, char buffer[TOLL_HASH_TEXT_BYTES]);
bool toll_hash_parse(const char *text, size_t bytes, struct toll_hash128 *out);

/* Streaming, for what does not lie in one piece. Create returns NULL when out of memory. */
struct toll_hasher;
struct toll_hasher *toll_hasher_create(void);
void toll_hasher_update(struct toll_hasher *hasher, const void *data, size_t bytes);
struct toll_hash128 toll_hasher_digest(const struct toll_hasher *hasher);
void toll_hasher_destroy(struct toll_hasher *hasher);

#define TOLL_SHA256_BYTES 32
#define TOLL_SHA256_TEXT_BYTES 65
void toll_sha256(const void *data, size_t bytes, uint8_t out[TOLL_SHA256_BYTES]);
/* In pieces. Create returns NULL when out of memory. */
struct toll_sha256_hasher;
struct toll_sha256_hasher *toll_sha256_create(void);
void toll_sha256_update(struct toll_sha256_hasher *hasher, const void *data, size_t bytes);
void toll_sha256_digest(struct toll_sha256_hasher *hasher, uint8_t out[TOLL_SHA256_BYTES]); /* once */
void toll_sha256_destroy(struct toll_sha256_hasher *hasher);

/*
 * toll_sha256_update of a stretch, block by block between other work, which then costs next to nothing:
 * blocks wait for each other, and leave most of the processor to others. Between begin and end the hasher,
 * and the stretch, stay as they are. is_fast: what toll_sha256_is_fast says; else all is done at the begin.
 */
struct toll_sha256_walk {
    _Alignas(16) uint32_t state[8];
    const uint8_t *at, *last, *end; /* whole blocks until last */
    struct toll_sha256_hasher *hasher;
};
bool toll_sha256_is_fast(void);
void toll_sha256_walk_begin(struct toll_sha256_walk *walk, struct toll_sha256_hasher *hasher,
                            const void *data, size_t bytes, bool is_fast);
void toll_sha256_walk_end(struct toll_sha256_walk *walk); /* does what is left */
void toll_sha256_block(uint32_t state[8], const uint8_t *data);
static inline void toll_sha256_walk_step(struct toll_sha256_walk *walk)
{
    if (walk->at == walk->last)
        return;
    toll_sha256_block(walk->state, walk->at);
    walk->at += 64;
}
void toll_sha256_text(const uint8_t hash[TOLL_SHA256_BYTES], char buffer[TOLL_SHA256_TEXT_BYTES]);

#endif
