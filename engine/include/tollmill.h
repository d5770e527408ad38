/*
 * tollmill: call detail records in, exactly priced lines out. The public API.
 *
 * No globals, no process-wide state: handles and arguments only. Every function may be called from any
 * thread; one handle belongs to one thread at a time. Money is int64_t in 1e-8 of the currency unit. All text
 * is UTF-8.
 */
#ifndef TOLLMILL_H
#define TOLLMILL_H

#include "tollmill_error.h"
#include "tollmill_segment.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TOLLMILL_VERSION "0.1.0"

/* Told now and then by long work, from one thread at a time. total 0: unknown. */
struct toll_progress {
    void (*tick)(void *context, const char *stage, int64_t done, int64_t total, const char *unit);
    void *context;
};

/* How CDRs are read and lines written; never changes a byte of them. AUTO reads by mmap what is in the page
 * cache already, else by io_uring; MMAP and PREAD write by pwrite; URING does both by io_uring with O_DIRECT.
 * Where the system refuses io_uring, pread and pwrite do its work; stats.json says so. */
enum toll_io_choice { TOLL_IO_AUTO, TOLL_IO_MMAP, TOLL_IO_PREAD, TOLL_IO_URING };

/* Which instructions rating uses: the best the processor has, or at most these. Never changes a byte. What
 * the processor lacks is TOLL_EUSAGE. */
enum toll_simd_choice { TOLL_SIMD_AUTO, TOLL_SIMD_SCALAR, TOLL_SIMD_AVX2, TOLL_SIMD_AVX512 };

/* Sums that may pass int64: value = high * 2^64 + low, signed. */
struct toll_sum {
    uint64_t low;
    int64_t high;
};

/* ---- import: provider files -> dataset ---- */

struct toll_import_options {
    const char *spec_path;
    const char *dataset_path;
    const char *const *files;
    size_t file_count;
    const char *carrier; /* NULL: the spec's */
    unsigned threads;    /* 0: all cores; never changes a byte */
    int64_t max_rejects; /* -1: the spec's limit; more rejects are findings (exit 1) */
    bool dry_run;        /* read and report, write nothing */
    /* What rows may take before they go to disk while they wait (docs/IMPORT.md, section 10). 0: half of the
     * machine's memory. Never changes a byte. */
    int64_t memory_bytes;
    struct toll_reporter reporter;
    struct toll_progress progress;
};
struct toll_import_file {
    char sha256[65];
    char file[256];
    int64_t bytes, rows, accepted, rejected, duplicates, warnings;
    int64_t legs;          /* CDRs in addition: accepted records that are two. duplicates counts CDRs */
    bool already_imported; /* the same bytes were imported before: nothing to do */
    int64_t first_start_ms, last_start_ms, duration_ms;
};
struct toll_import_result {
    struct toll_import_file *files; /* file_count entries, in the order given; toll_import_result_free */
    size_t file_count;
    int64_t rows, accepted, rejected, duplicates, conflicts, warnings, legs;
    int64_t dataset_rows, dataset_days, generation;
    char cdr_hash[33];
    int64_t memory_peak_bytes; /* of what memory_bytes bounds */
    int64_t spilled_bytes;     /* written to disk and read again, as memory did not hold it */
    int64_t wall_ns;
};
/* 0, TOLL_EFINDINGS (published, rejects over the limit), TOLL_EDATA (a file was refused: nothing is
 * published), TOLL_EBOOK (the spec), ... */
int toll_import(const struct toll_import_options *options, struct toll_import_result *result,
                struct toll_error *error);
void toll_import_result_free(struct toll_import_result *result);

/* ---- compile: book folder -> image ---- */

struct toll_compile_options {
    const char *book_path;  /* folder */
    const char *image_path; /* NULL: check only */
    struct toll_reporter reporter;
};
struct toll_compile_result {
    char book_hash[33], tzdata_hash[33];
    int64_t errors, warnings;
    int64_t accounts, sites, numbers, plans, rules, decks, price_rows;
    int64_t image_bytes;
    int64_t wall_ns;
};
int toll_compile(const struct toll_compile_options *options, struct toll_compile_result *result,
                 struct toll_error *error);

/* ---- check: everything that is wrong or doubtful in a book ---- */

#define TOLL_DOUBTS_MAX 32 /* names there can be; docs/CHECK.md has them all */
struct toll_check_options {
    const char *book_path;    /* folder */
    const char *closed_until; /* "2026-11-01": calls before this day are billed; NULL: not known */
    int64_t shown;            /* warnings of one name that are reported, the others are counted; 0: all */
    struct toll_reporter reporter;
};
struct toll_check_result {
    int64_t errors, warnings;
    int doubt_count;
    struct {
        char name[32];
        int64_t count, shown;
    } doubts[TOLL_DOUBTS_MAX]; /* in order of their names */
    int64_t wall_ns;
};
/* 0: nothing; TOLL_EFINDINGS: warnings only; TOLL_EBOOK: errors, which also keep what comes after them from
 * being looked at. */
int toll_check(const struct toll_check_options *options, struct toll_check_result *result,
               struct toll_error *error);

/* ---- close: run -> state, what the next run goes on from ---- */

struct toll_close_options {
    const char *run_path, *dataset_path;
    const char *until;      /* "2026-04-01": what is before this day, to the end of each billing period */
    const char *state_path; /* must not exist */
    unsigned threads;       /* 0: all cores */
    struct toll_progress progress;
};
struct toll_close_result {
    int64_t rows, closed, accounts;
    char until[32], last_day[32]; /* last_day: the run's last one, "" none */
    bool cut_off;                 /* the run ends before what is closed */
};
int toll_close(const struct toll_close_options *options, struct toll_close_result *result,
               struct toll_error *error);

/* ---- rate: book x dataset -> run ---- */

struct toll_rate_options {
    const char *book_path; /* folder or image */
    const char *dataset_path;
    const char *run_path;
    /* NULL, or an earlier run over the same CDRs: its lines are kept, but for those in suspense, which are
     * rated. Days are the earlier run's then; others are TOLL_EUSAGE. */
    const char *only_suspense;
    /* NULL, or the state that toll_close wrote of the run before: this one goes on behind it. reorder: with
     * periods in which late calls lie rated again, where they are else appended. */
    const char *after;
    bool reorder;
    bool cut_periods; /* also rate periods of bundles and tiers that began before the first day */
    const char *from_day, *to_day; /* UTC days, from inclusive, to exclusive; NULL: all */
    unsigned threads;              /* 0: all cores */
    /* Bytes of memory that rating may reserve, pages of mapped files not counted; 0: no bound. Under a bound
     * there are fewer workers where it has to be, AUTO maps nothing, and where it cannot be at all it is
     * TOLL_EUSAGE, which says what is needed. Never changes a byte. */
    int64_t memory_bytes;
    enum toll_io_choice io;
    enum toll_simd_choice simd;
    bool pin;                      /* pin workers to cores (the command does) */
    struct toll_reporter reporter; /* the book's findings */
    struct toll_progress progress;
};
struct toll_rate_result {
    int64_t rows, rated, zero_rated, suspense, billed_s;
    int64_t kept; /* rows whose lines are the earlier run's */
    int64_t status_rows[TOLL_STATUS_COUNT];
    int64_t period_charges; /* how many */
    int total_count;
    struct {
        char currency[8];
        char charge[48];        /* of lines and periods */
        char period_charge[48]; /* the part of it that is no line's */
    } totals[64];
    bool has_cost;                        /* the book has buy plans; else the following is 0 */
    int64_t cost_rows[TOLL_STATUS_COUNT]; /* of each cost status: see toll_cost_takes_part */
    int cost_count;
    struct toll_cost_total costs[64];
    char cdr_hash[33], book_hash[33];
    int64_t wall_ns; /* the whole call */
    int64_t rate_ns; /* the rating passes alone */
    unsigned threads;
    int64_t memory_reserved_bytes; /* as planned: of what memory_bytes bounds */
    int64_t memory_peak_bytes;     /* the most that the process ever had, mapped files among it; 0: unknown */
};
int toll_rate(const struct toll_rate_options *options, struct toll_rate_result *result,
              struct toll_error *error);

/* Rates in memory for benchmarks: the same passes over an opened dataset and book, output to a scratch ring.
 */
struct toll_bench_world;
int toll_bench_open(const char *book_path, const char *dataset_path, enum toll_simd_choice simd,
                    struct toll_bench_world **out, struct toll_error *error);
/* The same book, opened once, and dataset with other instructions, so that several can take turns; closed
 * before `world` is. TOLL_EUSAGE: this processor has not got them. */
int toll_bench_open_beside(const struct toll_bench_world *world, enum toll_simd_choice simd,
                           struct toll_bench_world **out, struct toll_error *error);
/* Totals are those of toll_rate over the whole dataset. threads 0: all cores. */
int toll_bench_rate(struct toll_bench_world *world, unsigned threads, struct toll_rate_result *result,
                    struct toll_error *error);
/* The XXH3-128 over all lines in order: what has to stay the same whatever is made faster. */
int toll_bench_hash(struct toll_bench_world *world, char hash[33], struct toll_error *error);
/* Nanoseconds by stage of the last toll_bench_rate, summed over its threads, if stages were wanted before it;
 * stage timers cost a little. Returns how many there are. */
void toll_bench_want_stages(struct toll_bench_world *world, bool wanted);
int toll_bench_stages(const struct toll_bench_world *world, const char *names[16], int64_t stage_ns[16]);
void toll_bench_close(struct toll_bench_world *world);

/* ---- verify ---- */

enum toll_directory_kind {
    TOLL_DIRECTORY_DATASET,
    TOLL_DIRECTORY_RUN,
    TOLL_FILE_BOOK,
    TOLL_DIRECTORY_STATE,
    TOLL_DIRECTORY_DELTA,
    TOLL_DIRECTORY_LEDGER
};
struct toll_verify_result {
    enum toll_directory_kind kind;
    /* rows: of a state the closed rows, of a delta the changed lines, of a ledger the amounts */
    int64_t files, bytes, rows;
    /* cdr_hash, XXH3-128 of run.json, book_hash, or the digest of state.json, delta.json, the last entry */
    char hash[33];
};
/* A directory of a dataset, a run, a state, a delta or a ledger, or a book image is read again byte by byte.
 */
int toll_verify(const char *path, struct toll_verify_result *result, struct toll_error *error);

/* ---- explain ---- */

enum toll_explain_kind {
    TOLL_EXPLAIN_FACT,  /* of the CDR */
    TOLL_EXPLAIN_STEP,  /* a decision that was taken */
    TOLL_EXPLAIN_MISS,  /* a row that was tried and did not match, or a near miss */
    TOLL_EXPLAIN_RESULT /* charge, billed, status */
};
enum toll_explain_part {
    TOLL_EXPLAIN_CALL,
    TOLL_EXPLAIN_RATING,
    TOLL_EXPLAIN_TAXES,
    TOLL_EXPLAIN_COST, /* what it costs us */
    TOLL_EXPLAIN_LINE
};
struct toll_explain_entry {
    enum toll_explain_part part;
    enum toll_explain_kind kind;
    char name[40];  /* "payer", "plan", "rule", "deck", "price", "billed", "charge", ... */
    char text[400]; /* a sentence a biller understands, with the figures */
    char file[200]; /* of the book's sources, or "" */
    int32_t line;
    char source[400]; /* the table row as it stands there */
};
/* The same for a program that wants the figures. Texts are never NULL; "" and 0: there is none. Numbers are
 * masked as in the entries. */
struct toll_explained {
    /* the call */
    const char *caller, *callee, *service, *direction;
    bool answered;
    int64_t start_ms;
    int32_t duration_ms;
    int64_t quantity; /* below 0: a credit */
    /* the line */
    const char *status, *reason;
    bool in_suspense; /* billed, charge and taxes are not known */
    const char *account, *site, *number;
    const char *class_, *jurisdiction;
    const char *plan, *rule_file;
    int32_t rule_line;
    const char *price_kind, *deck, *prefix, *destination, *band, *rate_column, *price_file;
    int32_t price_line;
    const char *unit;
    int64_t rate, per_units, connect_fee; /* as the price row says */
    int32_t billed, included;
    int64_t charge;
    const char *currency; /* of charge, taxes and cost */
    const char *taxes;    /* billable, exactly, "1/3" too; "" where the book is not taxed */
    const char *tax_suspense;
    const char *cost_status; /* as export has it; "" where the line has no cost */
    bool cost_in_suspense;
    int64_t cost;
};
struct toll_explanation {
    struct toll_explain_entry *entries;
    size_t count;
    struct toll_explained line;
    void *owned;
};
/* unmask: print numbers in full. */
int toll_explain(const char *run_path, const char *dataset_path, const char *day, int64_t row, bool unmask,
                 struct toll_explanation *out, struct toll_error *error);
/* The same of a call that nobody made, by a book (folder or image), without CDRs: as if it were the only one.
 * call: "from=+12125550100, to=+12015550111, at=2026-03-02T12:00:00Z, secs=61": docs/EXPLAIN.md has all that
 * may stand in it. TOLL_EUSAGE: what is wrong with it. */
int toll_explain_call(const char *book_path, const char *call, bool unmask,
                      const struct toll_reporter *reporter, struct toll_explanation *out,
                      struct toll_error *error);
void toll_explanation_free(struct toll_explanation *explanation);

/* ---- suspense: what waits, and what would clear it ---- */

struct toll_suspense_options {
    const char *run_path;
    const char *dataset_path;
    bool unmask; /* numbers in full */
    size_t top;  /* so many groups, those with the most rows */
};
/* Rows that one change of the book would clear. Texts are never NULL. */
struct toll_suspense_group {
    unsigned status;
    int64_t rows;
    const char *day; /* the first of them, for toll_explain */
    int64_t row;
    const char *account; /* "" when they may be of several */
    const char *about;   /* a number, a prefix, a call type, a place in the book; "" nothing */
    /* The row to add to a table of the book, where a row would do: "numbers.csv", "number,account" and
     * "12125550100,ACCOUNT". What is left to decide is in capital letters. Else "". */
    const char *file, *columns, *add;
    const char *advice; /* a sentence */
};
struct toll_suspense_report {
    struct toll_suspense_group *groups; /* most rows first */
    size_t count;
    int64_t rows;      /* in suspense */
    int64_t more_rows; /* of groups that are not here */
    int64_t more_groups;
    void *owned;
};
int toll_suspense_report_make(const struct toll_suspense_options *options, struct toll_suspense_report *out,
                              struct toll_error *error);
void toll_suspense_report_free(struct toll_suspense_report *report); /* safe on a zeroed struct */

/* ---- least cost: which vendor would have been the cheapest ---- */

struct toll_least_cost_options {
    const char *run_path;
    const char *dataset_path;
    struct toll_progress progress;
};
/* What a vendor's buy plan makes of the calls of a row. */
struct toll_least_cost_offer {
    int64_t calls; /* that it prices; the others have no rate there, or are refused */
    struct toll_sum cost;
};
struct toll_least_cost_row {
    const char *destination; /* of the sell side, else of the buy side; "" not named */
    const char *currency;    /* of all money here */
    int64_t calls, duration_ms;
    int64_t known;                              /* calls whose cost in the run is known, */
    struct toll_sum actual;                     /* and what they cost */
    const struct toll_least_cost_offer *offers; /* by vendor */
    int cheapest;          /* vendor that prices all of the calls at the lowest cost; -1: none prices all */
    struct toll_sum saved; /* actual less the cheapest: if it is known of all calls, and there is one */
};
struct toll_least_cost_report {
    const char **vendors; /* carriers with a buy plan, by name */
    int vendor_count;
    struct toll_least_cost_row *rows; /* most calls first, then by name */
    size_t count;
    int64_t calls;
    void *owned;
};
/* Every carrier with a buy plan of its own prices the run's answered outgoing calls (records of bill feeds;
 * no credits), by the plan in force at the call's start, in the currency of the line. TOLL_EBOOK: the run's
 * book has no such carrier. */
int toll_least_cost(const struct toll_least_cost_options *options, struct toll_least_cost_report *out,
                    struct toll_error *error);
void toll_least_cost_free(struct toll_least_cost_report *report); /* safe on a zeroed struct */

/* ---- little helpers for tools: the same exact text and number code the engine uses ---- */

#define TOLL_MONEY_TEXT 48
/* "-12.50000000"; returns the length. */
size_t toll_money_to_text(int64_t money, char buffer[TOLL_MONEY_TEXT]);
int toll_money_from_text(const char *text, size_t bytes, int64_t *out); /* 0, or negative when malformed */
/* Sums that may pass int64. */
void toll_sum_add(struct toll_sum *sum, int64_t money);
size_t toll_sum_to_text(struct toll_sum sum, char buffer[TOLL_MONEY_TEXT]); /* 8 places */
size_t toll_time_to_text(int64_t ms, char buffer[32]);                      /* "2026-11-21T09:48:27.000Z" */
/* "+12125551234" -> "+1212xxxxx34" */
void toll_mask_number(const char *number, char *buffer, size_t room);

#ifdef __cplusplus
}
#endif

#endif
