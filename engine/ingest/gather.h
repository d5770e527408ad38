/*
 * All rows of the files of an import, until they are merged: in memory as far as it goes, in sorted runs on
 * disk beyond that.
 */
#ifndef TOLL_INGEST_GATHER_H
#define TOLL_INGEST_GATHER_H

#include "ingest/memory.h"
#include "ingest/runs.h"

struct toll_gather {
    const struct toll_io *io;
    const char *dataset_path;
    unsigned threads;
    struct toll_memory memory;
    struct toll_row_names *names;
    struct toll_lexicons *lexicons; /* owned; of the chunks that are held */
    struct toll_pool pool;          /* what packed rows lie in */
    struct toll_ordered **held;     /* settled chunks, owned */
    size_t held_count, held_room, held_bytes;
    int64_t rows; /* held and in runs */
    struct toll_run *runs;
    size_t run_count;
    struct toll_key_run *key_runs; /* keys of all rows that are in runs */
    size_t key_run_count;
    struct toll_spill spill;
    uint32_t *sources; /* by index of a file: its id in `names`; once all files are read */
};

/* What rows in memory may take before they are written to disk. */
size_t toll_gather_rows_limit(const struct toll_gather *gather);

/* `limit` of its memory is set. Ended by toll_gather_free. */
void toll_gather_init(struct toll_gather *gather);
/* Takes over a settled chunk, whose `source` is the index of its file. TOLL_ENOMEM. */
int toll_gather_hold(struct toll_gather *gather, struct toll_ordered *ordered, struct toll_error *error);
/* Writes what is held as a run, if it is too much to hold more. */
int toll_gather_make_room(struct toll_gather *gather, struct toll_error *error);
void toll_gather_free(struct toll_gather *gather);

/* The keys of what is held go to disk, as those of runs are: where there are runs, all are looked for there.
 */
int toll_gather_put_keys_aside(struct toll_gather *gather, struct toll_error *error);

/* The rows of one day of all that is held, sorted. TOLL_ENOMEM. Freed with toll_day_rows_free. */
int toll_gather_day(const struct toll_gather *gather, int64_t day, struct toll_day_rows *rows,
                    struct toll_error *error);

/* The days of what is held, or of all runs, too: ascending, each once. *days is the caller's. */
int toll_gather_days(const struct toll_gather *gather, bool runs, int64_t **days, size_t *count,
                     struct toll_error *error);

/* Names of the import that some rows use, by id: for a day's dictionaries. */
struct toll_used {
    uint8_t *names[TOLL_NAMES];
    struct toll_row_extra any;
};
bool toll_used_begin(struct toll_used *used, const struct toll_row_names *names);
/* maps: of a chunk's names, or NULL. */
void toll_used_add(struct toll_used *used, const struct toll_use *use, uint32_t *const *maps);
void toll_used_free(struct toll_used *used);
/* The run's day, or NULL. */
const struct toll_run_day *toll_run_find_day(const struct toll_run *run, int64_t day);

#endif
