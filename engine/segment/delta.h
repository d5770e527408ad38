/*
 * A delta's directory (docs/RERATE.md section 2; docs/FORMATS.md has the columns): delta.json (manifest,
 * last), payers.arrow, prices.arrow, pools.arrow, tuples.arrow, sums.arrow, reasons.arrow, taxes.arrow,
 * adjusting.arrow, adjusting_taxes.arrow, and lines/<day>.arrow with the changed lines of a day. Ids are the
 * delta's own, given in the order in which lines name them; keys are names, so it is read without its runs.
 */
#ifndef TOLL_SEGMENT_DELTA_H
#define TOLL_SEGMENT_DELTA_H

#include "base/arena.h"
#include "segment/run.h"
#include "tollmill_delta.h"

/* ---- the tables ---- */

/* Whom a line is charged to; ids from 1 on, ascending. */
struct toll_delta_payer_row {
    int32_t id;
    const char *account, *name, *site, *currency;
};
/* Which pool a line drew on first. */
struct toll_delta_pool_row {
    int32_t id;
    const char *bundle, *scope, *account, *site, *number, *pool;
};
/* Ascending (account, site, currency); money of all lines of the runs, changed or not. */
struct toll_delta_sum_row {
    const char *account, *name, *site, *currency;
    int64_t lines; /* changed */
    int64_t old_rows, new_rows;
    int64_t old_charge, new_charge, old_periods, new_periods, old_cost, new_cost;
};
/* Of changed lines, ascending (sum, reason): a line that changed its payer is in both sums. */
struct toll_delta_reason_row {
    int64_t sum;        /* row of sums.arrow */
    const char *reason; /* toll_delta_reason_name */
    int64_t lines;
    int64_t charge, cost; /* new less old */
};
/* Ascending by the names in their order. */
struct toll_delta_tax_row {
    const char *period, *account, *site, *currency, *tax_jurisdiction, *level, *tax, *name;
    int32_t billable; /* 0 or 1 */
    int64_t old_cents, new_cents;
};
/* docs/RERATE.md section 3; ascending id, from 1 on. */
struct toll_adjusting_row {
    int64_t id;
    const char *account, *name, *site, *currency, *period, *reason, *tax_services, *kind, *status;
    int64_t calls, old_charge, new_charge;
};
/* Ascending by the names in their order. */
struct toll_adjusting_tax_row {
    const char *account, *site, *currency, *period, *report_period;
    const char *tax_jurisdiction, *level, *tax, *name;
    int32_t billable; /* 0 or 1 */
    const char *status;
    int64_t old_cents, new_cents;
};

/* ---- the lines ---- */

/* One side of a changed line; row -1: this run does not have the call, and all else is 0. */
struct toll_delta_side_row {
    int64_t row; /* of the day */
    int64_t charge, cost;
    int32_t day;                                   /* since 1970 UTC */
    int32_t payer, price, pool, tuple, cost_price; /* ids of the delta's tables; 0 none */
    int32_t billed, included;
    uint8_t status, class_jurisdiction, cost_status;
};
struct toll_delta_line_row {
    uint64_t key_high, key_low;
    uint16_t reasons; /* bits 1 << enum toll_delta_reason; the lowest is the reason */
    uint8_t closed;   /* 0 or 1 */
    struct toll_delta_side_row before, after;
};
#define TOLL_DELTA_LINE_COLUMNS 31

/* ---- the manifest ---- */

struct toll_delta_total {
    const char *currency;
    toll_total old_charge, new_charge, old_periods, new_periods, old_cost, new_cost;
    int64_t old_rows, new_rows; /* lines of accounts of this currency */
};
struct toll_delta_day {
    int64_t day, rows;
    struct toll_file_seal seal;
};
struct toll_delta_manifest {
    struct toll_hash128 old_run, new_run; /* digests of run.json */
    struct toll_hash128 old_book, new_book, old_cdrs, new_cdrs;
    int64_t old_rows, new_rows, changed;
    int64_t reason_rows[TOLL_DELTA_REASONS];
    bool old_has_cost, new_has_cost;
    bool old_taxed, new_taxed;
    struct toll_delta_total *totals; /* ascending currency */
    int total_count;
    struct toll_delta_day *days;
    size_t day_count;
    /* What is billed already; has_closed false: nothing of this. */
    bool has_closed, credits_only;
    struct toll_hash128 state; /* the digest of state.json */
    int64_t closed_until;      /* day */
    int64_t minimum, approve_above, back_bill_days;
    const char *today, *report_period; /* "" none */
    struct toll_hash128 approved;      /* of the accounts' names, in order; all 0: none */
};

/* ---- writing ---- */

struct toll_delta_writer;
int toll_delta_create(const struct toll_io *io, const char *path, struct toll_delta_writer **out,
                      struct toll_error *error);
/* The lines of a day, all at once; days ascend. Rows in the order of docs/RERATE.md, stride bytes apart. */
int toll_delta_add_lines(struct toll_delta_writer *writer, int64_t day,
                         const struct toll_delta_line_row *rows, size_t stride, int64_t count,
                         struct toll_error *error);
/* Each at most once. A table without rows has no file. */
int toll_delta_add_payers(struct toll_delta_writer *writer, const struct toll_delta_payer_row *rows,
                          int64_t count, struct toll_error *error);
int toll_delta_add_prices(struct toll_delta_writer *writer, const struct toll_price_row *rows, int64_t count,
                          struct toll_error *error);
int toll_delta_add_pools(struct toll_delta_writer *writer, const struct toll_delta_pool_row *rows,
                         int64_t count, struct toll_error *error);
int toll_delta_add_tuples(struct toll_delta_writer *writer, const struct toll_tuple_row *rows, int64_t count,
                          struct toll_error *error);
int toll_delta_add_sums(struct toll_delta_writer *writer, const struct toll_delta_sum_row *rows,
                        int64_t count, struct toll_error *error);
int toll_delta_add_reasons(struct toll_delta_writer *writer, const struct toll_delta_reason_row *rows,
                           int64_t count, struct toll_error *error);
int toll_delta_add_taxes(struct toll_delta_writer *writer, const struct toll_delta_tax_row *rows,
                         int64_t count, struct toll_error *error);
int toll_delta_add_adjusting(struct toll_delta_writer *writer, const struct toll_adjusting_row *rows,
                             int64_t count, struct toll_error *error);
int toll_delta_add_adjusting_taxes(struct toll_delta_writer *writer,
                                   const struct toll_adjusting_tax_row *rows, int64_t count,
                                   struct toll_error *error);
/* Days and their seals are the writer's to fill in. */
int toll_delta_publish(struct toll_delta_writer *writer, const struct toll_delta_manifest *manifest,
                       struct toll_error *error);
void toll_delta_abandon(struct toll_delta_writer *writer); /* or after publish: frees */

/* ---- reading ---- */

struct toll_delta_tables {
    struct toll_delta_payer_row *payers;
    int64_t payer_count;
    struct toll_price_row *prices;
    int64_t price_count;
    struct toll_delta_pool_row *pools;
    int64_t pool_count;
    struct toll_tuple_row *tuples;
    int64_t tuple_count;
    struct toll_delta_sum_row *sums;
    int64_t sum_count;
    struct toll_delta_reason_row *reasons;
    int64_t reason_count;
    struct toll_delta_tax_row *taxes;
    int64_t tax_count;
    struct toll_adjusting_row *adjusting;
    int64_t adjusting_count;
    struct toll_adjusting_tax_row *adjusting_taxes;
    int64_t adjusting_tax_count;
};
struct toll_delta_files { /* an opened delta */
    const struct toll_io *io;
    char *path;
    int directory;
    struct toll_delta_manifest manifest;
    struct toll_delta_tables tables;
    struct toll_hash128 digest; /* of delta.json */
    int64_t files, bytes;       /* of all but the lines; of all */
    void *owned;
};
/* Everything but the lines, compared with its checksums; what contradicts itself is TOLL_EDATA. */
int toll_delta_files_open(struct toll_delta_files *delta, const struct toll_io *io, const char *path,
                          struct toll_error *error);
void toll_delta_files_close(struct toll_delta_files *delta); /* safe on a zeroed struct */
/* The lines of a day (malloc'ed): checked, ids within the tables. */
int toll_delta_files_lines(const struct toll_delta_files *delta, size_t day_index,
                           struct toll_delta_line_row **rows, struct toll_error *error);
/* Reads all lines and adds them up: counts, reasons, and by sum old + delta = new. */
int toll_delta_files_verify(const struct toll_delta_files *delta, struct toll_error *error);

#endif
