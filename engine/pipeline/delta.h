/*
 * Making a delta (docs/RERATE.md section 2): two runs side by side, and what every file of it needs.
 *
 * delta_sides.c opens them and says which ids of the two stand for the same, delta_owners.c who pays in the
 * books of each; delta_rows.c compares parts that both runs answer, row by row, delta_join.c joins the others
 * by record key; delta_judge.c says of two lines whether and why they differ; delta_days.c puts changed lines
 * in order, with the delta's own ids, and delta_sums.c adds up.
 */
#ifndef TOLL_PIPELINE_DELTA_H
#define TOLL_PIPELINE_DELTA_H

#include "base/strings.h"
#include "mmap_cdr/dataset.h"
#include "pipeline/adjust.h"
#include "pipeline/reader_books.h"
#include "segment/delta.h"
#include "segment/run_text.h"

#include <pthread.h>
#include <stdatomic.h>

enum toll_delta_which { TOLL_DELTA_OLD, TOLL_DELTA_NEW, TOLL_DELTA_SIDES };

/* Ids of one run's table as ids that both runs share: equal ones stand for the same. Different ones do not,
 * but for prices (toll_delta_same_price). */
struct toll_delta_ids {
    uint32_t *shared; /* by id, TOLL_DELTA_NO_ID: the table does not have it; NULL: they are their own */
    int64_t limit;    /* of ids */
};
#define TOLL_DELTA_NO_ID UINT32_MAX
static inline uint32_t toll_delta_id(const struct toll_delta_ids *ids, int32_t id)
{
    return ids->shared == NULL ? (uint32_t)id : id < ids->limit ? ids->shared[id] : TOLL_DELTA_NO_ID;
}

/* Who pays, as a book of a run has it. */
struct toll_delta_book {
    uint32_t nobody;  /* the payer of lines without account */
    uint32_t *payers; /* by bucket of the book */
    uint32_t *only;   /* by shared account: its payer, if it has but one; 0 */
    struct toll_hash128
        *ownership; /* by shared account: of all numbers, trunks and hints it owns, and when */
};
struct toll_delta_run {
    struct toll_run_files run;
    bool run_open, dataset_open, books_open;
    bool has_prices;             /* prices and tuples were read, too */
    struct toll_dataset dataset; /* its parts are the run's */
    struct toll_delta_ids accounts, prices, pools, tuples;
    uint32_t *price_rows, *tuple_rows; /* by id: 1 + row of the table */
    int64_t price_limit, tuple_limit;
    int64_t *part_rows; /* of each part: its first row in its day */
    struct toll_reader_books books;
    struct toll_delta_book *owners; /* of each book */
};
struct toll_delta_payer {
    uint32_t account; /* shared id, 0 none */
    const char *account_text, *site, *currency;
};
struct toll_delta_sums_of { /* of a payer */
    int64_t rows[TOLL_DELTA_SIDES];
    toll_total charge[TOLL_DELTA_SIDES], periods[TOLL_DELTA_SIDES], cost[TOLL_DELTA_SIDES];
    int64_t moved_rows; /* by changed lines, new less old */
    toll_total moved_charge, moved_cost;
    int64_t lines;
    int32_t reasons; /* 1 + its place among the reasons, 0 none */
};
struct toll_delta_reasons_of {
    int64_t lines[TOLL_DELTA_REASONS];
    toll_total charge[TOLL_DELTA_REASONS], cost[TOLL_DELTA_REASONS];
};

struct toll_delta_maker {
    const struct toll_io *io;
    const struct toll_delta_options *options;
    unsigned threads;
    struct toll_delta_run sides[TOLL_DELTA_SIDES];
    bool same_files; /* both runs have the same tables and the same book */
    bool same_books; /* both have but one book, the same, or the same ones */
    bool pools_agree, prices_agree, tuples_agree, accounts_agree; /* an id of both is the same in both */
    _Atomic uint8_t *price_verdicts; /* by id: of lines with this id in both; 0: not looked at yet */
    int64_t price_verdict_limit;
    bool has_cost;
    pthread_mutex_t lock;
    atomic_bool has_all;      /* books, payers and the rest of the tables, see toll_delta_need_all */
    struct toll_error failed; /* why it cannot be had; code 0: it can */
    struct toll_strings account_keys, payer_keys;
    const char **account_names; /* by shared account, as the new run has them, else the old one */
    uint32_t account_name_room;
    struct toll_delta_payer *payers; /* by shared id, from 1 on */
    uint32_t payer_count, payer_room;
    struct toll_delta_sums_of *sums; /* by payer */
    uint32_t sum_room;
    struct toll_delta_reasons_of *reasons;
    int32_t reason_count, reason_room;
    /* what is written */
    struct toll_delta_writer *writer;
    struct toll_adjust *adjust;
    struct toll_delta_result *result;
    struct toll_delta_ids given[TOLL_DELTA_SIDES]
                               [3]; /* ids of the delta by ids of a run: prices, pools, tuples */
    int32_t *payer_given;           /* by shared payer */
    uint32_t payer_given_room;
    struct toll_strings price_keys, pool_keys, tuple_keys;
    struct toll_delta_payer_row *payer_rows;
    struct toll_price_row *price_rows;
    struct toll_delta_pool_row *pool_rows;
    struct toll_tuple_row *tuple_rows;
    int64_t payer_row_count, price_row_count, pool_row_count, tuple_row_count;
    int64_t payer_row_room, price_row_room, pool_row_room, tuple_row_room;
};

/* toll_delta_make of a run that is open, and was read whole and compared with its checksums, and of one that
 * was just made of it. Takes the old run over, and closes it. */
int toll_delta_make_of(const struct toll_delta_options *options, struct toll_run_files *old_run,
                       struct toll_delta_result *result, struct toll_error *error);

/* ---- delta_sides.c ---- */

/* The old run may be open already; tables that both have are read once then. */
int toll_delta_sides_open(struct toll_delta_maker *maker, struct toll_error *error);
void toll_delta_sides_close(struct toll_delta_maker *maker);
/* Books, payers and tables that only changed lines need. Any thread; done once. */
int toll_delta_need_all(struct toll_delta_maker *maker, struct toll_error *error);
/* The shared id of an account and currency, of a payer; 0: no memory. Not while threads work. */
uint32_t toll_delta_account(struct toll_delta_maker *maker, const char *account, const char *currency);
uint32_t toll_delta_payer_of(struct toll_delta_maker *maker, const char *account, const char *site,
                             const char *currency);
/* What an account is called; "" of none. */
const char *toll_delta_name(const struct toll_delta_maker *maker, uint32_t account);
const struct toll_price_row *toll_delta_price(const struct toll_delta_run *side, int32_t id);
/* Do two prices, 0 none, say the same? Of equal shared ids they do; of others they may. */
bool toll_delta_same_price(const struct toll_delta_run *before, int32_t old_id,
                           const struct toll_delta_run *after, int32_t new_id);
const struct toll_tuple_row *toll_delta_tuple(const struct toll_delta_run *side, int32_t id);
int toll_delta_no_memory(struct toll_error *error);

/* ---- delta_owners.c ---- */

int toll_delta_owners_make(struct toll_delta_maker *maker, struct toll_delta_run *side, size_t book,
                           struct toll_error *error);
void toll_delta_owners_free(struct toll_delta_book *book);

/* ---- parts and rows ---- */

/* A part of a run that is open, with its CDRs when they are needed. */
struct toll_delta_part {
    struct toll_delta_run *side;
    size_t index; /* of the run's parts */
    struct toll_lines *lines;
    struct toll_cdr_part *cdrs;
    struct toll_part_map *maps; /* by book */
    struct toll_arena arena;
    atomic_bool has_cdrs;
};
int toll_delta_part_open(struct toll_delta_part *part, struct toll_delta_run *side, size_t index,
                         struct toll_error *error);
/* Any thread. */
int toll_delta_part_need_cdrs(struct toll_delta_maker *maker, struct toll_delta_part *part,
                              struct toll_error *error);
void toll_delta_part_close(struct toll_delta_part *part); /* safe on a zeroed struct */

/* A line with its CDR. */
struct toll_delta_spot {
    const struct toll_delta_part *part;
    const struct toll_line_batch *lines;
    const struct toll_cdr_batch *cdrs;
    int64_t index; /* of both */
    int64_t row;   /* of the part */
};
/* Ids are still those of the runs, those of payers shared. */
struct toll_delta_change {
    struct toll_delta_line_row row;
    toll_ms old_start, new_start;
};
/* ---- delta_judge.c ---- */

/* 1: they differ, and *change says how; 0: not; negative: an error. One of them may be NULL. same_cdr: both
 * are of one and the same CDR. */
int toll_delta_judge(const struct toll_delta_maker *maker, const struct toll_delta_spot *before,
                     const struct toll_delta_spot *after, bool same_cdr, struct toll_delta_change *change,
                     struct toll_error *error);
/* The payer of a line: shared id. */
int toll_delta_spot_payer(const struct toll_delta_spot *spot, const struct toll_delta_maker *maker,
                          uint32_t *payer, struct toll_error *error);
/* The same without its CDR; false: that cannot be told. */
bool toll_delta_spot_only_payer(const struct toll_delta_spot *spot, uint32_t *payer);
#define TOLL_DELTA_CDR_COLUMNS (TOLL_CDR_ALL_COLUMNS)

/* ---- delta_rows.c ---- */

struct toll_delta_changes { /* in order of the rows */
    struct toll_delta_change *list;
    size_t count, room;
};
/* Two parts that are the same CDRs, appended to the changes. */
int toll_delta_compare_part(struct toll_delta_maker *maker, size_t old_part, size_t new_part,
                            struct toll_delta_changes *changes, struct toll_error *error);
/* Adds what all lines of a part cost, by payer; see struct toll_delta_sums_of. */
int toll_delta_cost_part(struct toll_delta_maker *maker, enum toll_delta_which which, size_t part,
                         struct toll_error *error);
bool toll_delta_changes_room(struct toll_delta_changes *changes, size_t more);

/* ---- delta_join.c ---- */

struct toll_delta_join;
/* Joins the rows of the listed parts of both runs by record key. */
int toll_delta_join_make(struct toll_delta_maker *maker, const size_t *old_parts, size_t old_count,
                         const size_t *new_parts, size_t new_count, struct toll_delta_join **out,
                         struct toll_error *error);
/* The rows of a new part, in order. */
int toll_delta_join_part(struct toll_delta_join *join, size_t new_part, struct toll_delta_changes *changes,
                         struct toll_error *error);
/* Rows of an old part that the new run does not have. */
int toll_delta_join_vanished(struct toll_delta_join *join, size_t old_part,
                             struct toll_delta_changes *changes, struct toll_error *error);
void toll_delta_join_free(struct toll_delta_join *join); /* NULL is fine */

/* ---- delta_days.c ---- */

/* All days in order: compares, gives ids, counts, writes. */
int toll_delta_days(struct toll_delta_maker *maker, struct toll_error *error);
/* What was given ids, into the writer. */
int toll_delta_days_tables(struct toll_delta_maker *maker, struct toll_error *error);
void toll_delta_days_free(struct toll_delta_maker *maker);

/* ---- delta_sums.c ---- */

/* NULL: no memory. Not while threads work. */
struct toll_delta_sums_of *toll_delta_sums_at(struct toll_delta_maker *maker, uint32_t payer);
struct toll_delta_reasons_of *toll_delta_reasons_at(struct toll_delta_maker *maker, uint32_t payer);
/* Sums of both runs, checked against their manifests and against each other; into the writer and the
 * manifest. */
int toll_delta_sums(struct toll_delta_maker *maker, struct toll_delta_manifest *manifest,
                    struct toll_error *error);
int toll_delta_taxes_add(struct toll_delta_maker *maker, struct toll_error *error);

/* ---- rows that say the same ---- */

/* What a row says: put one after the other. Zero-initialised; its bytes are free'd by whoever has it. */
struct toll_delta_key {
    char *bytes;
    size_t count, room;
    bool failed; /* no memory */
};
void toll_delta_key_put(struct toll_delta_key *key, const void *data, size_t bytes);
void toll_delta_key_text(struct toll_delta_key *key, const char *text);
/* Its id, the same for the same bytes, and empties it for the next; 0: no memory. */
uint32_t toll_delta_key_id(struct toll_delta_key *key, struct toll_strings *strings);

#endif
