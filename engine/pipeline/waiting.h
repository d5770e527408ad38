/*
 * What waits in suspense, by what would clear it: every row of a run in suspense is rated once more with its
 * own book, and rows for which one and the same row of the book is missing are one group. suspense.csv sums
 * up the same rows while they are rated, by what is cheap to know there; this here takes its time.
 */
#ifndef TOLL_PIPELINE_WAITING_H
#define TOLL_PIPELINE_WAITING_H

#include "base/strings.h"
#include "pipeline/run_reader.h"

/* Groups beyond are counted together: a list of a million is no list any more. */
#define TOLL_WAITING_GROUPS 1000000

/* What `what` and the others mean, by status, is in waiting_key.c. */
struct toll_waiting_key {
    uint64_t what;
    uint32_t status; /* enum toll_status */
    int32_t account;
    uint32_t a, b;
};
#define TOLL_WAITING_CLEARED \
    UINT32_MAX /* b: kept from an older run; the run's own book does not let it wait */
_Static_assert(sizeof(struct toll_waiting_key) == 24, "hashed as bytes");
struct toll_waiting_group {
    struct toll_waiting_key key;
    uint64_t last; /* no_account: the last number of a range that begins with `what`; else 0 */
    int64_t rows;
    char day[TOLL_TIME_TEXT_BYTES]; /* where it was seen first */
    int64_t day_row;
    toll_ms start;
};

/* Which candidate of docs/RATING.md section 4 is not known; toll_waiting_key.a of no_account. */
enum toll_waiting_payer { TOLL_WAITING_NOTHING, TOLL_WAITING_NEAR, TOLL_WAITING_CHARGED, TOLL_WAITING_NAMED };

/* The prefixes of one deck, sorted; made when the deck is first asked. */
struct toll_waiting_deck {
    uint64_t *prefixes; /* packed digits */
    size_t count;
    bool made;
};

struct toll_waiting {
    const struct toll_rater *rater; /* of the run's own book, which all that waits is shown to */
    struct toll_band_cursor *cursors;
    struct toll_waiting_deck *decks;
    struct toll_strings texts; /* trunks, hints and call types that the book does not know */
    struct toll_waiting_group *groups;
    size_t count, capacity;
    uint32_t *slots; /* 1 + group */
    size_t slot_count;
    int64_t rows, more_rows; /* all; those of groups that are not kept */
};

/* The key of a row. TOLL_ENOMEM; TOLL_EDATA: its line is not what the run's own book makes of it. */
int toll_waiting_key_of(struct toll_waiting *waiting, const struct toll_reader_row *at,
                        struct toll_waiting_key *key, struct toll_error *error);
/* The shortest prefix of a number that no prefix of the deck is longer than: one row that prices all such
 * numbers and changes no other's price. 0: out of memory. */
uint64_t toll_waiting_prefix(struct toll_waiting *waiting, int32_t deck, uint64_t number);

/* Digits of a number's country code, in zone 1 with the area code: no row is proposed for fewer. */
unsigned toll_waiting_least_digits(uint64_t number);

/* Joins groups that one row would clear: numbers of a block into a range, prefixes into a shorter one. Their
 * order is any. */
void toll_waiting_join(struct toll_waiting *waiting);

/* toll_suspense_report_make (tollmill.h) with the system's calls as an argument. */
int toll_suspense_report_with(const struct toll_io *io, const struct toll_suspense_options *options,
                              struct toll_suspense_report *out, struct toll_error *error);

/* What people read of a group; texts come from the arena. False: out of memory. */
bool toll_waiting_describe(const struct toll_waiting *waiting, const struct toll_waiting_group *group,
                           bool unmask, struct toll_arena *arena, struct toll_suspense_group *out);

#endif
