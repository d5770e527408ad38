/*
 * One CDR rated by the book, step by step and exactly as docs/RATING.md says: the specification of the
 * pipeline. The block passes give the same answers for most rows at once and come here for the rest;
 * `explain` comes here with a trace.
 */
#ifndef TOLL_PIPELINE_ROW_H
#define TOLL_PIPELINE_ROW_H

#include "pipeline/rater.h"
#include "rating/walk.h"

/* What rating sees of a CDR; trunk, hint and carrier already in the book's terms. */
struct toll_row {
    int64_t start;
    int32_t duration_ms;
    uint16_t kind;
    uint64_t caller, callee, charged;
    uint64_t lrn_caller, lrn_callee, ring_to; /* 0 none */
    uint32_t trunk, hint, carrier;            /* 1 + index into book->named[kind]; 0 none or unknown */
    const uint32_t *calltype_values;          /* by place among the call-type decks */
    uint32_t calltype;                        /* dictionary id */
    int word;                                 /* the carrier's word of the jurisdiction, -1 none */
    int64_t quantity;
    int64_t provider_charge;
};
void toll_row_read(const struct toll_rater *rater, const struct toll_part_map *map,
                   const struct toll_cdr_batch *batch, int64_t index, struct toll_row *row);

/* Never beyond the services there are, whatever the bits. */
static inline unsigned toll_kind_service(uint16_t kind)
{
    const unsigned service = kind & TOLL_KIND_SERVICE;
    return service < TOLL_SERVICES ? service : TOLL_EVENT;
}
static inline unsigned toll_kind_caller_type(uint16_t kind)
{
    return kind >> TOLL_KIND_CALLER_TYPE_SHIFT & TOLL_KIND_TYPE_MASK;
}
static inline unsigned toll_kind_callee_type(uint16_t kind)
{
    return kind >> TOLL_KIND_CALLEE_TYPE_SHIFT & TOLL_KIND_TYPE_MASK;
}

/* ---- section 4 ---- */

enum toll_payer_kind {
    TOLL_PAYER_NOBODY,
    TOLL_PAYER_CHARGED,
    TOLL_PAYER_TRUNK,
    TOLL_PAYER_HINT,
    TOLL_PAYER_NEAR
};
struct toll_payer {
    uint32_t owner;            /* who pays; 0: nobody known, or a conflict */
    enum toll_payer_kind kind; /* the candidate that decides */
    enum toll_payer_kind site; /* whose row gives site and number: kind, or NEAR when a hint pays */
    bool conflict;
    bool other_party; /* a leg of which nobody is known, while somebody is of the other one */
    uint32_t charged, trunk, hint, near; /* owners of the candidates, 0 not known */
};
void toll_payer_find(const struct toll_rater *rater, const struct toll_row *row, struct toll_payer *payer);
/* The payer's number as struct toll_pool_call has it, 0 nobody. */
uint64_t toll_payer_number(const struct toll_payer *payer, const struct toll_row *row);
/* The owner of a number of numbers.csv at an instant, 0 nobody. */
uint32_t toll_number_owner(const struct toll_rater *rater, uint64_t number, toll_ms at);
/* The caller of an outgoing, the callee of an incoming record, if it is an E.164 number; else 0. */
uint64_t toll_row_near_end(const struct toll_row *row);

/* ---- section 5 ---- */

/* Plan id, 0 none. level (may be NULL): what assigned it. trunk and carrier as in struct toll_row. */
int32_t toll_plan_find(const struct toll_rater *rater, uint32_t owner, uint32_t trunk, uint32_t carrier,
                       toll_ms at, enum toll_assignment_level *level);

/* ---- section 6 ---- */

/* The packed digits of a short code of three. */
#define TOLL_SHORT_CODE(digits) (UINT64_C(0x##digits) << 52 | UINT64_C(0x000fffffffffffff))

/* Section 3, of a call's columns, without a branch: 911, 933 or 988 as a short code; an extension is none.
 * Under number plan nanp only, which is the caller's to know. */
static inline bool toll_is_emergency(uint16_t kind, uint64_t callee)
{
    return (toll_kind_callee_type(kind) == TOLL_NUMBER_SHORT) &
           ((callee == TOLL_SHORT_CODE(911)) | (callee == TOLL_SHORT_CODE(933)) |
            (callee == TOLL_SHORT_CODE(988)));
}
bool toll_row_is_emergency(const struct toll_rater *rater, const struct toll_row *row);
/* The id of the destination that names the callee, 0 none. */
uint32_t toll_row_destination(const struct toll_rater *rater, const struct toll_row *row);
bool toll_callee_is_toll_free(const struct toll_rater *rater, const struct toll_row *row);
enum toll_class toll_class_of(const struct toll_rater *rater, const struct toll_row *row);
/* Where an end of a call is, and what says so. */
enum toll_end_source { TOLL_END_NOWHERE, TOLL_END_NUMBER, TOLL_END_LRN, TOLL_END_RING_TO, TOLL_END_SITE };
struct toll_end {
    uint64_t number; /* whose place it is, 0 none */
    uint32_t place;  /* the number's */
    uint32_t state, ratecenter;
    bool abroad;
    enum toll_end_source source;
};
struct toll_ends {
    struct toll_end originating, terminating;
};
/* Number plan nanp. Basis carrier: as ani. */
void toll_ends_find(const struct toll_rater *rater, const struct toll_row *row,
                    enum toll_jurisdiction_basis basis, int32_t site, struct toll_ends *ends);
/* By one basis; site: the payer's (toll_owner.site), 0 none. */
enum toll_call_jurisdiction toll_jurisdiction_of(const struct toll_rater *rater, const struct toll_row *row,
                                                 enum toll_jurisdiction_basis basis, int32_t site);

/* ---- sections 8 and 10 ---- */

/* The band of each deck at the last instant asked for and how long it holds: rows come by start, so most
 * questions have the last answer. One array per worker, by deck id, zeroed at first. */
struct toll_band_cursor {
    toll_ms from, until;
    int32_t band;
};
int32_t toll_deck_band(const struct toll_rater *rater, struct toll_band_cursor *cursors, int32_t deck,
                       toll_ms at);

/* What a deck has for a call. */
struct toll_price_found {
    uint32_t price; /* the row at the call's start, rate column added; 0 none */
    uint32_t walk;  /* index of the entry whose rows the call is walked over, 0: `price` is all of it */
};

/* Which of the four rates of a row in a deck with by_jurisdiction. */
enum toll_rate_column toll_rate_column_of(enum toll_call_jurisdiction jurisdiction);

/* The number that a deck is asked for of one end (that of the record's LRN where the deck says so) and the
 * end's type (enum toll_number_type): only E.164 numbers have prefixes. */
uint64_t toll_deck_end(const struct toll_deck *deck, const struct toll_row *row, bool caller, unsigned *type);
/* The same of the end by which a deck of key callee or caller goes. */
static inline uint64_t toll_deck_number(const struct toll_deck *deck, const struct toll_row *row,
                                        unsigned *type)
{
    return toll_deck_end(deck, row, deck->key == TOLL_KEY_CALLER, type);
}

/* 0 and *found; else the suspense status: no_band, or the miss: no_prefix, no_calltype, bad_number.
 * jurisdiction: by the deck's basis; without meaning unless the deck is by_jurisdiction. */
unsigned toll_price_find(const struct toll_rater *rater, struct toll_band_cursor *cursors, int32_t deck,
                         const struct toll_row *row, enum toll_call_jurisdiction jurisdiction,
                         struct toll_price_found *found);
/* The same from an LPM value that is not 0; miss: the status if no row is in force; column: enum
 * toll_rate_column, 0 where the deck is not by_jurisdiction. */
unsigned toll_price_resolve(const struct toll_rater *rater, struct toll_band_cursor *cursors, int32_t deck,
                            uint32_t value, toll_ms at, unsigned miss, unsigned column,
                            struct toll_price_found *found);
/* The first row of an entry at an instant, without rate column, 0 if none has the band; false: no row is in
 * force. */
bool toll_price_first(const struct toll_rater *rater, struct toll_band_cursor *cursors, int32_t deck,
                      const struct toll_entry *entry, toll_ms at, uint32_t *price);
/* The value from which toll_price_find starts, and the status of a miss. Not for decks of key npanxx_pair. */
uint32_t toll_price_value(const struct toll_rater *rater, int32_t deck, const struct toll_row *row,
                          unsigned *miss);

/* ---- sections 7 and 9 ---- */

/* Units and charge by any price row, of a deck (found->walk: walked) or a rule (deck 0); the status of the
 * line. *price: the row to show, 0 none; 0 billed and charge in suspense. */
unsigned toll_row_bill(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                       const struct toll_row *row, int32_t deck, const struct toll_price_found *found,
                       int32_t *price, int32_t *billed, toll_money *charge);

/* Units used: whole seconds, or the quantity without its sign. */
int64_t toll_row_used(const struct toll_row *row, enum toll_duration_rounding rounding);

/* The walk of such a call alone, found->walk not 0, told to trace (may be NULL) stretch by stretch. */
enum toll_walk_outcome toll_row_walk(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                                     const struct toll_row *row, int32_t deck,
                                     const struct toll_price_found *found,
                                     const struct toll_walk_trace *trace, struct toll_walked *walked);
/* The same of `used` units of it, of whose billed units the first `included` cost nothing. */
enum toll_walk_outcome toll_row_walk_beyond(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                                            const struct toll_row *row, int32_t deck,
                                            const struct toll_price_found *found, int64_t used,
                                            int64_t included, const struct toll_walk_trace *trace,
                                            struct toll_walked *walked);

/* ---- the whole row ---- */

enum toll_rule_verdict {
    TOLL_RULE_TRUNK,       /* the record's trunk is another */
    TOLL_RULE_DESTINATION, /* the callee's destination is another */
    TOLL_RULE_DATES,       /* not in force at the start */
    TOLL_RULE_MISSED,      /* its deck has nothing, on_miss next */
    TOLL_RULE_DECIDED,
};
/* Told of each rule of the chain that is looked at; status: of a deck that has no price for the row, else 0.
 */
struct toll_row_trace {
    void (*rule)(void *context, uint32_t rule, enum toll_rule_verdict verdict, unsigned status);
    void *context;
};

struct toll_row_answer {
    unsigned status;
    enum toll_class class_;
    enum toll_call_jurisdiction jurisdiction;
    struct toll_payer payer;
    int32_t account; /* 0 none */
    int32_t plan;
    int32_t rule; /* the deciding rule, 0 none */
    int32_t deck; /* that priced it, 0 none */
    struct toll_price_found found;
    int32_t price; /* of the line */
    int32_t billed;
    toll_money charge;
};
/* Sections 6 to 10 of a row whose plan, class, jurisdiction and payer are in the answer; the status. What the
 * answer does not get is left as it is. */
unsigned toll_row_by_plan(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                          const struct toll_row *row, const struct toll_row_trace *trace,
                          struct toll_row_answer *answer);
/* trace may be NULL. */
void toll_row_rate(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                   const struct toll_row *row, const struct toll_row_trace *trace,
                   struct toll_row_answer *answer);

#endif
