/*
 * A run: a book rates a dataset's parts into a new directory. toll_rate (tollmill.h) is this with the
 * defaults.
 */
#ifndef TOLL_PIPELINE_RATE_H
#define TOLL_PIPELINE_RATE_H

#include "mmap_cdr/dataset.h"
#include "pipeline/pools.h"
#include "pipeline/workers.h"
#include "segment/run.h"
#include "tollmill.h"

#include <pthread.h>

/* Where the time of a run went, in the order in which things are done. */
enum toll_rate_phase {
    TOLL_PHASE_BOOK,    /* dataset, run folder, book */
    TOLL_PHASE_PLAN,    /* memory, tuples, pools */
    TOLL_PHASE_PARTS,   /* files of CDRs opened, files of lines made */
    TOLL_PHASE_RATE,    /* all passes, the first ones that only count among them */
    TOLL_PHASE_LINES,   /* what lines have beyond their batches; without threads for it, brought to disk */
    TOLL_PHASE_SUMS,    /* of workers and periods */
    TOLL_PHASE_TABLES,  /* accounts, prices, buckets, ...; suspense.csv */
    TOLL_PHASE_PUBLISH, /* the rest brought to disk, manifest, name */
    TOLL_PHASE_CLOSE,   /* files closed, memory given back */
    TOLL_PHASES
};
extern const char *const toll_rate_phase_names[TOLL_PHASES];
struct toll_rate_times {
    int64_t phase_ns[TOLL_PHASES];
    int64_t waited_ns; /* of all workers, within RATE: for transfers */
};

/* What is reserved of memory: docs/FORMATS.md, stats.json. */
struct toll_rate_memory {
    unsigned threads;
    int64_t fixed_bytes, worker_bytes, reserved_bytes;
};
/* Before the workers are made. threads: as many as are wanted, and may be had. Under a bound (0: none) with
 * fewer of them and without a ring (io) where it has to be; TOLL_EUSAGE where it cannot be at all. */
int toll_rate_memory_plan(struct toll_rate_memory *memory, const struct toll_lane *lanes, unsigned lane_count,
                          int64_t rows, struct toll_workers_io *io, int64_t bound_bytes,
                          struct toll_error *error);
/* The most that the process ever had in memory, mapped files among it; 0: cannot be told. */
int64_t toll_memory_peak(void);

/* What tests vary and users need not. */
struct toll_rate_tuning {
    struct toll_rate_times *times; /* NULL, or where they are told */
    enum toll_sync_choice {
        TOLL_SYNC_BY_SIZE,
        TOLL_SYNC_TOGETHER,
        TOLL_SYNC_SINGLY
    } sync; /* see toll_run_sync_together */
    const struct toll_io *io;
    size_t block_rows;                   /* 0: TOLL_BLOCK_ROWS */
    unsigned features;                   /* what the processor is taken to have: see base/cpu.h */
    size_t in_flight_bytes, piece_bytes; /* see struct toll_workers_io */
    unsigned ahead;
    const struct toll_hash128 *predecessor; /* of the manifest; NULL: none */
    /* Which lines of options->only_suspense are rated again; NULL: what is in suspense */
    const struct toll_merge_choice *choice;
    /* Asked when all but the manifest is written: not 0, and nothing is published; NULL: nobody */
    int (*before_publishing)(void *context, struct toll_error *error);
    void *context;
};
int toll_rate_tuned(const struct toll_rate_options *options, const struct toll_rate_tuning *tuning,
                    struct toll_rate_result *result, struct toll_error *error);

/* The features that a choice gives of those that the processor has; TOLL_EUSAGE if it lacks them. */
int toll_simd_features(enum toll_simd_choice choice, unsigned available, unsigned *features,
                       struct toll_error *error);

/* toll_verify (tollmill.h) with the system's calls as an argument, so that a test can let one of them fail.
 */
int toll_verify_with(const struct toll_io *io, const char *path, struct toll_verify_result *result,
                     struct toll_error *error);

/* Whether a period charge is what the tiers of the book counted in that period, less what closed runs charged
 * (state: a zeroed struct if there are none), or is what takes off what they charged. */
struct toll_state;
bool toll_tiers_follow(const struct toll_book *book, const struct toll_run_files *run,
                       const struct toll_state *state, const struct toll_period_row *row);

/* UTC days [from, to) since 1970; from_day, to_day: "2026-03-01", or NULL for all. A bad one or an empty
 * range is TOLL_EUSAGE. */
int toll_days_read(const char *from_day, const char *to_day, int64_t *from, int64_t *to,
                   struct toll_error *error);
/* Parts of which days are rated: [first, last) of dataset->parts; days as above. */
int toll_parts_select(const struct toll_dataset *dataset, const char *from_day, const char *to_day,
                      size_t *first, size_t *last, struct toll_error *error);

/* How parts are read: what is in the page cache where it lies, anything else by a ring, past the cache. Under
 * a bound of memory nothing is mapped: its pages would be in ours, too. */
enum toll_read_path toll_parts_read_path(const struct toll_dataset *dataset, size_t first, size_t last,
                                         enum toll_io_choice io, bool bounded);
/* No more workers than batches: each has its own memory. threads: 0 all cores. */
unsigned toll_parts_workers(const struct toll_dataset *dataset, size_t first, size_t last, unsigned threads);
/* First and last of the CDRs, which lie in the order of their starts; nothing was earlier. */
struct toll_run_span toll_parts_span(const struct toll_dataset *dataset, size_t first, size_t last);
/* As struct toll_run_span has it, where periods may not be cut. */
toll_ms toll_parts_earlier_until(const struct toll_dataset *dataset, size_t first);

/* The parts that a run answers: false, one of them is not there any more as it was. */
bool toll_parts_of_run(const struct toll_dataset *dataset, const struct toll_run_manifest *manifest,
                       size_t *first, size_t *last);

/* Parts that are open at once: a file or two each, far below any limit on open files, and many batches. */
#define TOLL_PARTS_AT_ONCE 64

/* Opened parts of one dataset with what their dictionaries mean. */
struct toll_part_set {
    struct toll_job_part parts[TOLL_PARTS_AT_ONCE];
    struct toll_cdr_part *opened[TOLL_PARTS_AT_ONCE];
    struct toll_arena arena;
    size_t count;
    int64_t rows;
};
/* Opens dataset->parts[first..last) into parts; those that are cold by several threads. After an error none
 * is open. */
int toll_parts_open(const struct toll_dataset *dataset, size_t first, size_t last, enum toll_read_path how,
                    struct toll_cdr_part **parts, struct toll_error *error);
/* The same by a thread of its own, where they are several, while the caller does what needs no parts. Take
 * them, or close. */
struct toll_parts_ahead {
    const struct toll_dataset *dataset;
    size_t first, last; /* at most TOLL_PARTS_AT_ONCE */
    enum toll_read_path how;
    struct toll_cdr_part *parts[TOLL_PARTS_AT_ONCE];
    bool begun; /* and neither taken nor closed */
    pthread_t thread;
    struct toll_error error;
    int rc;
};
void toll_parts_ahead_begin(struct toll_parts_ahead *ahead, const struct toll_dataset *dataset, size_t first,
                            size_t last, enum toll_read_path how);
/* As toll_parts_open of these parts: at once if others were begun, or none. */
int toll_parts_ahead_take(struct toll_parts_ahead *ahead, const struct toll_dataset *dataset, size_t first,
                          size_t last, enum toll_read_path how, struct toll_cdr_part **parts,
                          struct toll_error *error);
void toll_parts_ahead_close(struct toll_parts_ahead *ahead); /* safe on a zeroed struct */
/* Opens dataset->parts[first..last), at most TOLL_PARTS_AT_ONCE, for so many raters: a lane each. texts as in
 * toll_part_map_make, of the first. ordinal counts from `ordinal` on. */
int toll_part_set_open(struct toll_part_set *set, const struct toll_rater *raters, unsigned lane_count,
                       const struct toll_dataset *dataset, size_t first, size_t last, enum toll_read_path how,
                       uint32_t ordinal, struct toll_strings *texts, struct toll_error *error);
/* The same, of parts that may have been opened ahead. */
int toll_part_set_open_begun(struct toll_part_set *set, const struct toll_rater *raters, unsigned lane_count,
                             const struct toll_dataset *dataset, size_t first, size_t last,
                             enum toll_read_path how, uint32_t ordinal, struct toll_strings *texts,
                             struct toll_parts_ahead *ahead /* or NULL */, struct toll_error *error);
void toll_part_set_close(struct toll_part_set *set); /* safe on a zeroed struct */

/* Whether most of what these parts' files hold is in the page cache; sampled. Files that cannot be opened
 * count as what is not. */
bool toll_parts_resident(const struct toll_dataset *dataset, size_t first, size_t last);

/* Fills the counts, totals and hashes of a result from the sums, with those of an earlier run's kept lines
 * (NULL: there is none). TOLL_EBOOK when there are too many currencies. */
int toll_result_fill(struct toll_rate_result *result, const struct toll_tally *tally,
                     const struct toll_book *book, const struct toll_merge *merge,
                     const struct toll_dataset *dataset, struct toll_error *error);

/* book.image, which must stay until the run is published, and the older books of an earlier run's lines. */
int toll_run_write_image(struct toll_run_writer *writer, const uint8_t *image, size_t bytes,
                         struct toll_error *error);
int toll_run_write_older_books(struct toll_run_writer *writer, const struct toll_merge *merge /* or NULL */,
                               struct toll_error *error);
/* Writes accounts, prices, buckets and, if there are any, period charges, pools and counts of tiers
 * into a run. merge: NULL, or what is kept. */
int toll_run_write_tables(struct toll_run_writer *writer, const struct toll_book *book,
                          const struct toll_tally *tally, const struct toll_merge *merge,
                          const struct toll_pool_tables *pools, struct toll_error *error);
/* Rows of tuples.arrow; a tuple that has a reason only where its taxes are known (no_seller) has none. */
struct toll_tuple_rows {
    struct toll_tuple_row *tuples;
    int64_t tuple_count;
    void *owned;
};
int toll_tuple_rows_make(struct toll_tuple_rows *out, const struct toll_tuples *tuples,
                         const struct toll_tally *tally, struct toll_error *error);
void toll_tuple_rows_free(struct toll_tuple_rows *rows); /* safe on a zeroed struct */
/* The tuples of dataset->parts[first..last): see toll_tuples_make. */
int toll_tuples_of_parts(const struct toll_book *book, const struct toll_dataset *dataset, size_t first,
                         size_t last, struct toll_tuples **out, struct toll_error *error);
/* tuples.arrow and components.arrow, of the run and of the earlier one whose lines are kept; nothing where
 * neither has any (tuples: NULL). */
int toll_run_write_tuples(struct toll_run_writer *writer, const struct toll_tuples *tuples,
                          const struct toll_tally *tally, const struct toll_merge *merge,
                          struct toll_error *error);
/* prices.arrow and price_terms.arrow, likewise. */
int toll_run_write_prices(struct toll_run_writer *writer, const struct toll_book *book,
                          const struct toll_tally *tally, const struct toll_merge *merge,
                          struct toll_error *error);
/* Warns of rows of taxes.csv that are stale on the day of the run's last CDR; nothing in a book without. */
void toll_rate_tell_stale(const struct toll_book *book, toll_ms last, const struct toll_reporter *reporter);
/* suspense.csv as text (malloc'ed): docs/FORMATS.md. merge: NULL, or what is kept; days: of the parts by
 * ordinal; texts: call-type codes. */
int toll_suspense_to_csv(const struct toll_suspense *suspense, const struct toll_book *book,
                         const struct toll_merge *merge, const int64_t *days,
                         const struct toll_strings *texts, char **csv, size_t *bytes,
                         struct toll_error *error);

/* What a price row says, for prices.arrow and for readers. Strings are the book's. services: bits 1 << enum
 * toll_service of the lines that use it. */
void toll_price_describe(const struct toll_book *book, int32_t price, unsigned services,
                         struct toll_price_row *row);
/* "voice" "sms" "mms" "data" "event" */
const char *toll_service_name(unsigned service);
/* "s" "message" "byte" "event" */
const char *toll_unit_name(unsigned service);

#endif
