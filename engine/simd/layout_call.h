/*
 * What the stages of a block read and write about a call: bits of a CDR's kind, the shape made of them, the
 * owner's record, verdicts and the buckets. Plain integers; the pipeline asserts that those which other rooms
 * define too are the same there.
 */
#ifndef TOLL_SIMD_LAYOUT_CALL_H
#define TOLL_SIMD_LAYOUT_CALL_H

#include <stdint.h>

/* Bits of a CDR's kind. */
#define TOLL_CALL_SERVICE 0x0007u
#define TOLL_CALL_VOICE 0x0000u
#define TOLL_CALL_IN 0x0008u
#define TOLL_CALL_ANSWERED 0x0010u
#define TOLL_CALL_CALLER_TYPE 0x00e0u
#define TOLL_CALL_CALLER_E164 0x0020u
#define TOLL_CALL_CALLEE_TYPE 0x0700u
#define TOLL_CALL_CALLEE_E164 0x0100u
#define TOLL_CALL_CREDIT 0x0800u
#define TOLL_CALL_CONFLICT 0x1000u
#define TOLL_CALL_LEG 0x8000u

/*
 * What the class byte of a line and its chain key need to know of a number: one word by digits 2-4 of an
 * E.164 number that begins with 1, as three raw nibbles. Two ends make a jurisdiction by their words alone,
 * unless one of them says MORE or their `local` numbers have a bit in struct toll_areas.
 */
#define TOLL_AREA_STATE 0x00003fffu /* of all its numbers, 0 not known */
#define TOLL_AREA_LOCAL_SHIFT 14    /* 10 bits: 0 no call there is local */
#define TOLL_AREA_LOCAL 0x000003ffu /* after the shift */
#define TOLL_AREA_ABROAD 0x01000000u
#define TOLL_AREA_MORE 0x02000000u  /* its numbers are not in one place: the trie knows */
#define TOLL_AREA_PLACE 0x03ffffffu /* all of the above */
#define TOLL_AREA_CLASS_SHIFT 28    /* 3 bits */
#define TOLL_AREAS_ABROAD 4096      /* place of numbers that do not begin with 1 */
#define TOLL_AREAS_NO_NUMBER 4097   /* and of what is no E.164 number */
#define TOLL_AREAS 4098

/* words: TOLL_AREAS. local: bits [from * stride + to] of the areas between which some call may be local;
 * stride, in bits, is a multiple of 32, 0 if there are none. */
struct toll_areas {
    const uint32_t *words, *local;
    uint32_t local_stride;
};

/* A row that is listed only because its ends may be local: its areas settle everything else. */
#define TOLL_AGAIN_LOCAL 0x80000000u

/* A shape: the key of a verdict, direction << 6 | class << 3 | jurisdiction, and above it what the bulk
 * stages may assume of the row. None of both: nothing, so it is done by itself. */
#define TOLL_VERDICT_KEYS 128u
#define TOLL_SHAPE_IN 0x40u
#define TOLL_SHAPE_PLAIN 0x80u       /* answered voice to an E.164 number, neither conflict nor credit */
#define TOLL_SHAPE_UNANSWERED 0x100u /* the same, not answered */

/* Seven digits, hashed into a table of bits that stays in the near caches. */
#define TOLL_EXCHANGES (1u << 19)
#define TOLL_EXCHANGE_SHIFT 36
#define TOLL_EXCHANGE_HASH 0x9E3779B1u
#define TOLL_EXCHANGE_HASH_SHIFT 13
static inline uint32_t toll_exchange_bit(uint64_t number)
{
    return (uint32_t)(number >> TOLL_EXCHANGE_SHIFT) * TOLL_EXCHANGE_HASH >> TOLL_EXCHANGE_HASH_SHIFT;
}

/* Service, direction, class and jurisdiction of a call as one number below TOLL_CALL_KEYS; that of a chain of
 * rules (toll_chain_key). class_jurisdiction: a line's byte. */
#define TOLL_CALL_KEYS 512u
static inline uint32_t toll_call_key(unsigned kind, unsigned class_jurisdiction)
{
    const uint32_t service = kind & TOLL_CALL_SERVICE, direction = (kind & TOLL_CALL_IN) != 0;
    return (service * 2 + direction) * 25 + (class_jurisdiction >> 4) * 5 + (class_jurisdiction & 15);
}

/* The classes and jurisdictions that the kernel itself gives (tollmill_segment.h has all). */
#define TOLL_CALL_TOLL_FREE 1u
#define TOLL_CALL_INTRASTATE 2u
#define TOLL_CALL_INTERSTATE 3u
#define TOLL_CALL_INTERNATIONAL 4u

/*
 * What a plan's rules say about answered voice calls of one kind, when that is all they say: a deck, or
 * TOLL_VERDICT_PRICE | the price row of a rule `free` or `flat`. 0: the rules have to be walked.
 */
#define TOLL_VERDICT_PRICE 0x80000000u

#define TOLL_TERMS_FAR 0xffffu /* does not occur with fewer than 65,534 terms: decks have a few thousand */

struct toll_hot_owner { /* of struct toll_owner, what every row needs */
    int32_t plan, account;
    uint32_t bucket;
    uint32_t state; /* of the site, 0 not known */
};
_Static_assert(sizeof(struct toll_hot_owner) == 16, "four to a cache line");

/* Sums by toll_owner.bucket; [0] takes what no bucket counts and is never read. The charge is charge_high *
 * 2^32 + charge_low, each a sum of halves, so that adding a line needs no carry; see toll_tally_settle. */
struct toll_tally_bucket {
    uint64_t charge_low;
    int64_t charge_high;
    int64_t rows, units;
};
_Static_assert(sizeof(struct toll_tally_bucket) == 32, "two to a cache line, never across two");

/*
 * Tax tuples. What the kind of a call is looked up by: service, class and jurisdiction (its class byte is
 * class
 * << 4 | jurisdiction). The ids of a bucket's tuples count from `first` on.
 */
#define TOLL_TUPLE_KEYS 512u
#define TOLL_TUPLE_SERVICE_KEYS 64u /* of one service; those above 39 have no class */
static inline uint32_t toll_tuple_key(uint16_t kind, uint8_t class_jurisdiction)
{
    return (kind & TOLL_CALL_SERVICE) * TOLL_TUPLE_SERVICE_KEYS | (class_jurisdiction >> 1 & 0x38u) |
           (class_jurisdiction & 7u);
}
struct toll_tuple_bucket {
    uint32_t first;
    uint32_t calendar; /* of its billing periods */
};
_Static_assert(sizeof(struct toll_tuple_bucket) == 8, "eight to a cache line");

#endif
