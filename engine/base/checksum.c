/*
 * The one file that knows libcrypto, and with its twins xxHash. xxHash is compiled in (XXH_INLINE_ALL): short
 * keys are hashed in loops where the call would cost as much as the hash. Its vector code is what the
 * compiler's target allows, SSE2 on baseline x86-64; the value does not depend on it.
 *
 * SHA-256 uses libcrypto's plain functions, deprecated but the same code: its newer ones set up the library's
 * process-wide state with thousands of allocations, and crash (3.0.x) when one of these fails.
 */
#include "base/checksum.h"

#include "base/check.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#define XXH_PREFETCH_DIST 2048 /* bytes ahead: columns come from far memory */
#define XXH_INLINE_ALL
#include <xxhash.h>

static const char hex_digits[] = "0123456789abcdef";

struct toll_hasher {
    XXH3_state_t state;
};

static struct toll_hash128 from_xxh(XXH128_hash_t hash)
{
    return (struct toll_hash128){hash.low64, hash.high64};
}

struct toll_hash128 toll_hash(const void *data, size_t bytes)
{
    return from_xxh(XXH3_128bits(data, bytes));
}

void toll_hash_texts(const char *text, const uint32_t *begin, const uint32_t *bytes, size_t count,
                     uint64_t *high, uint64_t *low)
{
    for (size_t i = 0; i < count; i++) {
        const XXH128_hash_t hash = XXH3_128bits(text + begin[i], bytes[i]);

        high[i] = hash.high64;
        low[i] = hash.low64;
    }
}

_Static_assert(sizeof(XXH3_state_t) <= TOLL_HASH_STATE_BYTES && _Alignof(XXH3_state_t) <= 64,
               "a state holds xxHash's");

void toll_hash_begin(struct toll_hash_state *state)
{
    XXH3_state_t *to = (XXH3_state_t *)state->bytes;
    XXH3_INITSTATE(to);
    XXH3_128bits_reset(to);
}

void toll_hash_add(struct toll_hash_state *state, const void *data, size_t bytes)
{
    XXH3_128bits_update((XXH3_state_t *)state->bytes, data, bytes);
}

struct toll_hash128 toll_hash_end(const struct toll_hash_state *state)
{
    return from_xxh(XXH3_128bits_digest((const XXH3_state_t *)state->bytes));
}

static void hex_of_64(uint64_t value, char *out)
{
    for (int i = 0; i < 16; i++)
        out[i] = hex_digits[value >> (60 - 4 * i) & 0xF];
}

void toll_hash_text(struct toll_hash128 hash, char buffer[TOLL_HASH_TEXT_BYTES])
{
    hex_of_64(hash.high, buffer);
    hex_of_64(hash.low, buffer + 16);
    buffer[32] = '\0';
}

static bool parse_hex_64(const char *text, uint64_t *out)
{
    uint64_t value = 0;

    for (int i = 0; i < 16; i++) {
        unsigned character = (unsigned char)text[i], nibble = character - '0';

        if (nibble > 9) {
            nibble = (character | 0x20) - 'a';
            if (nibble > 5)
                return false;
            nibble += 10;
        }
        value = value << 4 | nibble;
    }
    *out = value;
    return true;
}

bool toll_hash_parse(const char *text, size_t bytes, struct toll_hash128 *out)
{
    struct toll_hash128 hash;

    if (bytes != TOLL_HASH_TEXT_BYTES - 1 || !parse_hex_64(text, &hash.high) ||
        !parse_hex_64(text + 16, &hash.low))
        return false;
    *out = hash;
    return true;
}

struct toll_hasher *toll_hasher_create(void)
{
    /* The state wants an alignment that malloc does not promise; sizeof is a multiple of it. */
    struct toll_hasher *hasher = aligned_alloc(_Alignof(struct toll_hasher), sizeof *hasher);

    if (hasher != NULL) {
        XXH3_INITSTATE(&hasher->state);
        XXH3_128bits_reset(&hasher->state);
    }
    return hasher;
}

void toll_hasher_update(struct toll_hasher *hasher, const void *data, size_t bytes)
{
    XXH_errorcode code = bytes == 0 ? XXH_OK : XXH3_128bits_update(&hasher->state, data, bytes);

    TOLL_ASSERT(code == XXH_OK);
}

struct toll_hash128 toll_hasher_digest(const struct toll_hasher *hasher)
{
    return from_xxh(XXH3_128bits_digest(&hasher->state));
}

void toll_hasher_destroy(struct toll_hasher *hasher)
{
    free(hasher);
}

void toll_sha256(const void *data, size_t bytes, uint8_t out[TOLL_SHA256_BYTES])
{
    SHA256_CTX context;

    SHA256_Init(&context);
    SHA256_Update(&context, data, bytes);
    SHA256_Final(out, &context);
}

struct toll_sha256_hasher {
    SHA256_CTX context;
};

struct toll_sha256_hasher *toll_sha256_create(void)
{
    struct toll_sha256_hasher *hasher = malloc(sizeof *hasher);

    if (hasher != NULL)
        SHA256_Init(&hasher->context);
    return hasher;
}

void toll_sha256_update(struct toll_sha256_hasher *hasher, const void *data, size_t bytes)
{
    SHA256_Update(&hasher->context, data, bytes);
}

void toll_sha256_digest(struct toll_sha256_hasher *hasher, uint8_t out[TOLL_SHA256_BYTES])
{
    SHA256_Final(out, &hasher->context);
}

void toll_sha256_destroy(struct toll_sha256_hasher *hasher)
{
    free(hasher);
}

/* The context's words A to H as ABEF and CDGH, each from its last on, and back. */
static const uint8_t walk_places[8] = {5, 4, 1, 0, 7, 6, 3, 2};

void toll_sha256_walk_begin(struct toll_sha256_walk *walk, struct toll_sha256_hasher *hasher,
                            const void *data, size_t bytes, bool is_fast)
{
    SHA256_CTX *context = &hasher->context;
    size_t first = context->num == 0 ? 0 : SHA256_CBLOCK - context->num;

    first = first > bytes || !is_fast ? bytes : first;
    SHA256_Update(context, data, first);
    walk->hasher = hasher;
    walk->at = (const uint8_t *)data + first;
    walk->end = (const uint8_t *)data + bytes;
    walk->last = walk->at + (bytes - first) / SHA256_CBLOCK * SHA256_CBLOCK;
    for (int i = 0; i < 8; i++)
        walk->state[i] = context->h[walk_places[i]];
    const uint64_t bits = ((uint64_t)context->Nh << 32 | context->Nl) + 8 * (uint64_t)(walk->last - walk->at);
    context->Nh = (SHA_LONG)(bits >> 32);
    context->Nl = (SHA_LONG)bits;
}

void toll_sha256_walk_end(struct toll_sha256_walk *walk)
{
    SHA256_CTX *context = &walk->hasher->context;

    while (walk->at != walk->last)
        toll_sha256_walk_step(walk);
    for (int i = 0; i < 8; i++)
        context->h[walk_places[i]] = walk->state[i];
    SHA256_Update(context, walk->last, (size_t)(walk->end - walk->last));
    walk->at = walk->last = walk->end;
}

void toll_sha256_text(const uint8_t hash[TOLL_SHA256_BYTES], char buffer[TOLL_SHA256_TEXT_BYTES])
{
    for (int i = 0; i < TOLL_SHA256_BYTES; i++) {
        buffer[2 * i] = hex_digits[hash[i] >> 4];
        buffer[2 * i + 1] = hex_digits[hash[i] & 0xF];
    }
    buffer[2 * TOLL_SHA256_BYTES] = '\0';
}
