/*
 * Tax tuples (docs/TAX.md section 2): what all taxes of a rated line depend on. All that there can be in a
 * run are known before its first line is rated, as products of three: the *profile* of the line's account and
 * site (place, class, sale, seller, exemptions, calendar), the *kind* of the call (split, service,
 * jurisdiction) and the *span* of days in which no period begins and no table changes. So ids are the same
 * for any number of threads, and a line's is found with a few reads. Only those that occur are written down.
 *
 * Where some tax goes by the ends of calls there can be far too many. Then a first pass over the run collects
 * what occurs (pipeline/tuple_ends.h), and ids are given to that, in an order of its own.
 *
 * A worker sums by (account and site, tuple) in *planes*: a whole array of buckets for each kind and span
 * that it has met, so that memory grows with what occurs, and a line needs no more than an addition.
 */
#ifndef TOLL_PIPELINE_TUPLES_H
#define TOLL_PIPELINE_TUPLES_H

#include "book/book.h"
#include "simd/kernels.h"
#include "tax/components.h"

/* Where lines without a site of their own belong, and what else their place was found by. */
enum toll_tax_place { TOLL_PLACE_NONE, TOLL_PLACE_SITE, TOLL_PLACE_TAX_SITE, TOLL_PLACE_ONLY_SITE };
const char *toll_tax_place_name(enum toll_tax_place resolved); /* "" "site" "tax_site" "only_site" */

/* What an account and site have. */
struct toll_tuple_profile {
    int32_t area; /* of tax_areas, 0 none */
    enum toll_tax_place resolved;
    uint32_t customer_class, seller; /* string offsets */
    bool resale;
    uint32_t calendar;
    uint32_t exemption_first, exemption_count; /* of toll_tuples.exemptions: rows, ascending */
};
struct toll_tuple_kind {
    uint32_t split; /* of the book's tax splits, 0 none */
    uint8_t service, jurisdiction;
};
/* Days are local, since 1970. */
struct toll_tuple_span {
    toll_ms from, until;         /* UTC, half open */
    int32_t day;                 /* its first */
    int32_t period, next_period; /* first days of the billing period that it is in, and of the next */
};
/* Of a zone and a cycle_day: spans that the run's CDRs can touch, ascending. */
struct toll_tuple_calendar {
    uint32_t zone;
    int32_t cycle_day;
    struct toll_tuple_span *spans;
    uint32_t count;
};

struct toll_tuples {
    const struct toll_book *book;
    const struct toll_tax_index *index;
    struct toll_arena arena;           /* of the index */
    struct toll_tuple_bucket *buckets; /* by bucket: simd/layout_call.h */
    uint32_t *profile_of;              /* by bucket */
    struct toll_tuple_profile *profiles;
    uint32_t *exemptions;
    struct toll_tuple_kind *kinds;
    struct toll_tuple_calendar *calendars;
    uint32_t profile_count, exemption_count, kind_count, calendar_count;
    uint32_t span_most; /* of a calendar */
    uint32_t *offsets; /* [place of the product * TOLL_TUPLE_KEYS + toll_tuple_key()]: 1 + kind * span_most */
    uint32_t *products; /* by product id: place * TOLL_TUPLE_KEYS; NULL: kinds do not depend on products */
    uint32_t *verdict_products;   /* [plan * TOLL_VERDICT_KEYS + key]: likewise, of the rule of a verdict */
    struct toll_tuple_ends *ends; /* NULL: no tax goes by the ends of calls */
};

/* First and last call of one part. */
struct toll_tuple_time {
    toll_ms first, last;
};
/* times: of the run's parts, ascending. *out is NULL where the book is not taxed. TOLL_EDATA: there may be
 * more than 2^31 tuples; TOLL_ENOMEM. The book is borrowed. */
int toll_tuples_make(const struct toll_book *book, const struct toll_tuple_time *times, size_t count,
                     struct toll_tuples **out, struct toll_error *error);
/* Ids are not above this. */
int64_t toll_tuples_most(const struct toll_tuples *tuples);
void toll_tuples_free(struct toll_tuples *tuples); /* NULL is nothing */

/* The span of a calendar around an instant; one beyond the run's is the nearest. */
uint32_t toll_tuple_span_at(const struct toll_tuple_calendar *calendar, toll_ms at);
/* The place of a tuple's kind and span among all, 1 + kind * span_most + span, so that its id is that and
 * buckets[].first together. */
static inline uint32_t toll_tuple_plane_key(const struct toll_tuples *tuples, uint32_t kind, uint32_t span)
{
    return 1 + kind * tuples->span_most + span;
}

/* ---- what a tuple is ---- */

struct toll_tuple_facts {
    struct toll_tuple_profile profile;
    uint32_t index;             /* of the profile */
    const uint32_t *exemptions; /* profile.exemption_count rows, ascending */
    struct toll_tuple_kind kind;
    int32_t day, period, next_period;
    struct toll_tax_set origin, two_of_three; /* of books that ask; else empty */
    bool no_leg_place;                        /* an end that they ask for is nowhere */
};
/* False: there is no such tuple. */
bool toll_tuple_facts(const struct toll_tuples *tuples, int32_t id, struct toll_tuple_facts *facts);

struct toll_row;
struct toll_row_answer;
/* The same of one rated row, read from the book as docs/TAX.md has it. exemptions: room for all of the
 * book's; the jurisdictions of ends come from the arena. What is an index of toll_tuples is 0. False: out of
 * memory. */
struct toll_rater;
bool toll_row_tuple(const struct toll_rater *rater, const struct toll_row *row,
                    const struct toll_row_answer *answer, uint32_t *exemptions, struct toll_arena *arena,
                    struct toll_tuple_facts *facts);
/* The site that a line's place comes from, 0 none. */
int32_t toll_tuple_site(const struct toll_book *book, int32_t account, int32_t site,
                        enum toll_tax_place *resolved);

/* ---- of one worker ---- */

/* What occurs. ends: of the originating end << 16 | of the terminating one, 0 where no tax asks. */
struct toll_tuple_seen {
    uint32_t bucket, key, ends; /* key: as toll_tuple_plane_key */
    int32_t tuple;              /* set when the ids are given */
    uint32_t slot;              /* likewise: where it counts, behind the book's buckets */
};
/* A set of these. */
struct toll_tuple_set {
    struct toll_tuple_seen *seen;
    uint32_t *slots; /* 1 + index, 0 empty */
    uint32_t count, room, mask;
};

struct toll_tuple_sums {
    const struct toll_tuples *tuples;
    uint32_t *planes;           /* by plane key: first slot, 0 none yet; [0] is 0 */
    uint32_t *keys;             /* by plane */
    uint32_t *spans;            /* by calendar: the span of the rows around the last one */
    toll_ms from, until;        /* in which that holds */
    uint32_t plane_count;       /* besides the first, of what has no tuple */
    struct toll_tuple_set seen; /* of the pass that collects ends */
    bool full;                  /* no memory or no more room for a plane: sums are not all there is */
};
int toll_tuple_sums_init(struct toll_tuple_sums *sums, const struct toll_tuples *tuples,
                         struct toll_error *error);
void toll_tuple_sums_free(struct toll_tuple_sums *sums); /* safe on a zeroed struct */
/* Sets the spans to those around an instant. */
void toll_tuple_sums_at(struct toll_tuple_sums *sums, toll_ms at);

#endif
