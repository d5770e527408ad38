/* Who owns which number, trunk or hint, and by which plan: the rows while they are compiled, and the owners
 * made. */
#ifndef TOLL_RATETABLE_OWNERS_H
#define TOLL_RATETABLE_OWNERS_H

#include "ratetable/build.h"

struct toll_pool_builder;

/* A number as one integer in which numbers of one length are neighbours: length * 10^15 + value. */
#define TOLL_NUMBER_LENGTH UINT64_C(1000000000000000)

struct toll_row_date {
    toll_ms from, until; /* UTC */
};

/* A row of numbers.csv with numbers. */
struct toll_number_row {
    uint64_t first; /* as above; count numbers from it on */
    uint32_t count;
    int32_t account, site;
    uint32_t line, column;
    uint32_t dates; /* index of row_dates */
};

/* A row of numbers.csv with a hint or a trunk. */
struct toll_named_row {
    int32_t kind;  /* enum toll_named_kind */
    uint32_t name; /* temporary id */
    int32_t account, site;
    struct toll_row_date dates;
    uint32_t line, column;
};

/* A row of assignments.csv. Sorted by (buy, level, subject, from). */
struct toll_assignment {
    uint64_t
        subject; /* of its level: number as above, temporary trunk or carrier id, site, account; 0 default */
    toll_ms from, until; /* UTC; local time for a number, whose owners may live in several zones */
    int32_t level;       /* enum toll_assignment_level */
    int32_t plan;
    uint32_t line, column, plan_column;
    bool buy;
};

/* The assignments of one subject and side, by time. */
const struct toll_assignment *toll_assignments_of(const struct toll_build *build,
                                                  enum toll_assignment_level level, uint64_t subject,
                                                  bool buy, size_t *count);

/* Owners and spans while they are made: equal ones are stored once. */
struct toll_owners {
    struct toll_build *build;
    struct toll_strings spans, owners, buckets; /* bytes -> id */
    struct toll_buffer span_firsts;             /* uint32_t by id of spans - 1 */
    struct toll_buffer by_account, by_site;     /* uint32_t owner without a plan of its own number */
    struct toll_buffer scratch;                 /* struct toll_plan_span */
    struct toll_buffer edges;                   /* toll_ms */
    struct toll_pool_builder *pools;            /* who may draw on what */
};

int toll_owners_begin(struct toll_owners *owners, struct toll_build *build, struct toll_pool_builder *pools);
void toll_owners_end(struct toll_owners *owners);
/* Stores the spans of one trunk or carrier on a side, or of the default to buy by. */
int toll_own_spans(struct toll_owners *owners, enum toll_assignment_level level, uint64_t subject, bool buy,
                   uint32_t *first, uint32_t *count);

/* One owner for a time, on its way into a dated list. */
struct toll_owner_row {
    toll_ms from, until;
    int32_t account, site;
    uint32_t line, column;
};
/* Puts rows in order of time; those never in force are dropped, so is one that overlaps the one before, which
 * is reported as `text` in `path`. */
void toll_owner_rows_order(struct toll_owners *owners, const char *path, const char *text,
                           struct toll_owner_row *rows, size_t *count);
/* Orders rows as above and makes their owner field (a slot's): plain, or a dated list. No rows: 0. `number`
 * is one with assignments, subscriptions or counted services of its own; 0 none. */
int toll_owner_field(struct toll_owners *owners, const char *path, const char *text,
                     struct toll_owner_row *rows, size_t *count, uint64_t number, uint32_t *field);
/* The owner field of a row that holds for ever, of numbers without anything of their own, if it was made
 * before; else 0. */
static inline uint32_t toll_owner_known(const struct toll_owners *owners, int32_t account, int32_t site)
{
    return site > 0 ? *TOLL_BUFFER_AT(&owners->by_site, uint32_t, site)
                    : *TOLL_BUFFER_AT(&owners->by_account, uint32_t, account);
}
/* trunks, hints and carriers: sections TRUNKS, HINTS, CARRIERS, and build->trunk_ids. */
int toll_build_named(struct toll_owners *owners);

#endif
