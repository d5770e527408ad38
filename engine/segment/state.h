/*
 * The state between two runs: what `close` froze of a run and of those before it, and what `rate --after`
 * goes on from (docs/RATING.md section 14; docs/FORMATS.md has the columns). A directory with state.json,
 * the manifest, and tables; all of them are read whole and compared with their checksums before anything is
 * believed. Keys are names, never ids. A run that goes on from a state holds a copy of its files.
 */
#ifndef TOLL_SEGMENT_STATE_H
#define TOLL_SEGMENT_STATE_H

#include "base/arena.h"
#include "segment/run.h"

/* Calls of an account that begin before this were charged, or will be as late ones. */
struct toll_state_closing { /* ascending account; "": calls without account */
    const char *account;
    int64_t closing; /* ms since 1970 UTC */
};
/* A CDR part of which rows are closed; ascending (day, part). */
struct toll_state_part {
    int64_t day;
    int32_t part;
    int64_t generation, rows;
    int64_t bytes, digest_high, digest_low; /* its seal */
    int64_t closed;                         /* rows */
    int64_t first_word;                     /* of closed_words: a bit for each row; -1: all rows are closed */
};
/* What closed runs charged an account for a billing period: lines and period charges. Ascending (account,
 * period). */
struct toll_state_charge {
    const char *account;
    const char *period; /* its first day */
    int64_t charge;
};

struct toll_state {
    int64_t until;       /* local day before which all was closed */
    int64_t begun;       /* first day of the first run of the chain */
    int64_t begun_first; /* start of its first CDR */
    int64_t closed_rows;
    struct toll_hash128 cdr_hash, book_hash, run_digest; /* of the run that was closed */
    struct toll_state_closing *closings;
    int64_t closing_count;
    struct toll_state_part *parts;
    int64_t part_count;
    int64_t *closed_words;
    int64_t word_count;
    struct toll_state_charge *charges;
    int64_t charge_count;
    struct toll_pool_period_row *pools; /* as of runs */
    int64_t pool_count;
    struct toll_pool_draw_row *draws;
    int64_t draw_count;
    struct toll_tier_count_row *counts;
    int64_t count_count;
    struct toll_hash128 digest; /* of state.json; of one that was read, as the next two */
    int64_t file_count, bytes;
    void *owned; /* of one that was read: its bytes and texts */
};
/* Rows are borrowed. The directory must not exist; it appears whole or not at all. */
int toll_state_write(const struct toll_io *io, const char *path, const struct toll_state *state,
                     struct toll_error *error);
/* TOLL_ENOINPUT: no state; TOLL_EDATA: damaged, the text says which run to close again. */
int toll_state_open(struct toll_state *state, const struct toll_io *io, const char *path,
                    struct toll_error *error);
/* The copy that a run holds; TOLL_ENOINPUT if it went on from none. */
int toll_state_of_run(struct toll_state *state, const struct toll_run_files *run, struct toll_error *error);
bool toll_run_has_state(const struct toll_run_files *run);
/* Copies the files of a state that was read into a run. */
int toll_state_keep(const struct toll_state *state, struct toll_run_writer *writer, struct toll_error *error);
void toll_state_close(struct toll_state *state); /* of one that was read; safe on a zeroed struct */

/* The closing time of an account, TOLL_MS_MIN if it has none. */
toll_ms toll_state_closing_of(const struct toll_state *state, const char *account);
const struct toll_state_part *toll_state_part_find(const struct toll_state *state, int64_t day, int part);
/* Whether rows of this very part, by rows and seal, are closed. */
bool toll_state_has_part(const struct toll_state *state, int64_t day, int part, int64_t rows,
                         const struct toll_file_seal *seal);
static inline bool toll_state_row_closed(const struct toll_state *state, const struct toll_state_part *part,
                                         int64_t row)
{
    return part->first_word < 0 || (uint64_t)state->closed_words[part->first_word + row / 64] >> row % 64 & 1;
}

#endif
