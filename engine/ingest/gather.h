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
    struct toll_ordered **held; /* settled chunks, owned; a row's `source` is its place here */
    size_t held_count, held_room, held_bytes;
    int64_t rows; /* held and in runs */
    struct toll_run *runs;
    size_t run_count;
    struct toll_spill spill;
    uint32_t *sources; /* by index of a file: its id in `names`; once all files are read */
};

/* What rows in memory may take before they are written to disk. */
size_t toll_gather_rows_limit(const struct toll_gather *gather);

/* Takes over a settled chunk, whose `source` is the index of its file. TOLL_ENOMEM. */
int toll_gather_hold(struct toll_gather *gather, struct toll_ordered *ordered, struct toll_error *error);
/* Writes what is held as a run, if it is too much to hold more. */
int toll_gather_make_room(struct toll_gather *gather, struct toll_error *error);
void toll_gather_free(struct toll_gather *gather);

/* Once for each row that is held, before it is looked at: it learns its file, its row and its names. */
static inline void toll_gather_place_row(const struct toll_gather *gather, struct toll_row *row)
{
    toll_chunk_place_row(&gather->held[row->source]->chunk, row);
}

/* The entries of one day of all that is held, unsorted. *entries is the caller's. */
int toll_gather_day(const struct toll_gather *gather, int64_t day, struct toll_entry **entries, size_t *count,
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
/* The slice or run day of a day, or NULL. */
const struct toll_day_slice *toll_ordered_day(const struct toll_ordered *ordered, int64_t day);
const struct toll_run_day *toll_run_find_day(const struct toll_run *run, int64_t day);

#endif
