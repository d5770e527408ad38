/*
 * Re-rating: what moved between two runs over the same calls, what of it adjusts what was billed already, and
 * the ledger of both (docs/RERATE.md). Money is in 1e-8 of the currency unit; texts are borrowed until the
 * handle is closed, per line until the next one.
 */
#ifndef TOLLMILL_DELTA_H
#define TOLLMILL_DELTA_H

#include "tollmill.h"

#ifdef __cplusplus
extern "C" {
#endif

enum toll_delta_reason { /* the first that is true is a line's reason */
                         TOLL_DELTA_APPEARED,
                         TOLL_DELTA_VANISHED,
                         TOLL_DELTA_CDR,
                         TOLL_DELTA_WAS_SUSPENSE,
                         TOLL_DELTA_NOW_SUSPENSE,
                         TOLL_DELTA_PAYER,
                         TOLL_DELTA_JURISDICTION,
                         TOLL_DELTA_PLAN,
                         TOLL_DELTA_PREFIX,
                         TOLL_DELTA_BAND,
                         TOLL_DELTA_RATE,
                         TOLL_DELTA_BUNDLE,
                         TOLL_DELTA_STATUS,
                         TOLL_DELTA_COST,
                         TOLL_DELTA_TAX,
                         TOLL_DELTA_REASONS
};
const char *toll_delta_reason_name(enum toll_delta_reason reason); /* "appeared" ... "tax" */

/* What happens to the adjusting lines of closed cycles. */
struct toll_adjust_policy {
    bool credits_only;
    int64_t minimum;             /* 0: none */
    int64_t approve_above;       /* INT64_MAX: none */
    int64_t back_bill_days;      /* -1: no limit */
    const char *today;           /* "2026-04-10", or NULL */
    const char *report_period;   /* "2026-04", or NULL: today's month */
    const char *const *approved; /* accounts */
    size_t approved_count;
};

struct toll_delta_options {
    const char *old_run_path, *new_run_path;
    const char *old_dataset_path, *new_dataset_path; /* may be the same */
    const char *delta_path;                          /* must not exist */
    const char *closed_path;                         /* NULL, or a state: what is billed already */
    struct toll_adjust_policy policy;
    unsigned threads;
    struct toll_progress progress;
};
struct toll_delta_side {
    int64_t rows;
    struct toll_sum charge, periods, cost;
};
struct toll_delta_result {
    int64_t old_rows, new_rows, changed;
    int64_t reason_rows[TOLL_DELTA_REASONS];
    int64_t adjusting; /* adjusting lines */
    bool moved;        /* a line, a period charge or a tax: the delta is not empty */
    int total_count;
    struct {
        char currency[8];
        struct toll_delta_side before, after; /* of the whole runs */
    } totals[64];
    int64_t wall_ns;
};
int toll_delta_make(const struct toll_delta_options *options, struct toll_delta_result *result,
                    struct toll_error *error);

/* ---- rerate ---- */

struct toll_rerate_options {
    /* only_suspense, after, reorder, from_day and to_day of it are RUN's own: to be NULL and false */
    struct toll_rate_options rate;
    const char *old_run_path;
    const char *old_dataset_path; /* NULL: rate.dataset_path */
    const char *const *accounts;  /* only lines of these; 0 of them: all */
    size_t account_count;
    const char *part_from, *part_to; /* only calls of these UTC days; NULL: all */
    bool part_suspense;              /* only what is in suspense */
    const char *delta_path;
    const char *closed_path;
    struct toll_adjust_policy policy;
};
struct toll_rerate_result {
    struct toll_rate_result rate;
    struct toll_delta_result delta;
};
/* TOLL_ELOCKED: another one re-rates this run. */
int toll_rerate(const struct toll_rerate_options *options, struct toll_rerate_result *result,
                struct toll_error *error);

/* ---- reading a delta ---- */

struct toll_delta;
/* Everything but the lines is read and compared with its checksums, and old + delta = new is checked. */
int toll_delta_open(const char *path, struct toll_delta **out, struct toll_error *error);
void toll_delta_close(struct toll_delta *delta);

struct toll_delta_facts {
    char digest[33], old_run[33], new_run[33]; /* of the manifests */
    char old_book[33], new_book[33], old_cdrs[33], new_cdrs[33];
    int64_t old_rows, new_rows, changed;
    int64_t reason_rows[TOLL_DELTA_REASONS];
    int64_t sums, taxes, adjusting, adjusting_taxes, days;
    bool has_closed; /* cycles were told apart */
    char closed_until[32], report_period[32], today[32];
    struct toll_adjust_policy policy; /* without today, report_period and approved */
};
void toll_delta_facts(const struct toll_delta *delta, struct toll_delta_facts *out);

/* One side of a changed line; all empty where this run does not have the call. */
struct toll_delta_state {
    const char *day; /* "" none */
    int64_t row;     /* -1 none */
    unsigned status, class_, jurisdiction;
    const char *account, *site, *currency;
    int32_t billed, included;
    int64_t charge;
    bool has_cost;
    unsigned cost_status;
    int64_t cost;
    const char *price_kind, *plan, *deck, *prefix, *destination, *band, *price_file;
    int32_t price_line;
    int64_t rate, per_units, connect_fee;
    const char *pool_bundle;
};
struct toll_delta_line {
    uint64_t record_key[2];
    enum toll_delta_reason reason;
    uint32_t reasons; /* bits 1 << enum toll_delta_reason */
    bool closed;      /* in a closed cycle (has_closed) */
    struct toll_delta_state before, after;
};
/* Walks all changed lines, by the new run's day and row (vanished ones by the old run's, behind those of
 * their day): 1 and *line, 0 at the end, negative on error. */
int toll_delta_next(struct toll_delta *delta, struct toll_delta_line *line, struct toll_error *error);
void toll_delta_rewind(struct toll_delta *delta);

/* By index, ascending by the names; false past the end. */
struct toll_delta_sum {
    const char *account, *account_name, *site, *currency;
    int64_t lines;                        /* changed */
    struct toll_delta_side before, after; /* of all lines, changed or not; periods of site "" */
    int64_t reason_rows[TOLL_DELTA_REASONS];
    struct toll_sum reason_charge[TOLL_DELTA_REASONS]; /* new less old, of lines */
};
bool toll_delta_sum(const struct toll_delta *delta, int64_t index, struct toll_delta_sum *out);
struct toll_delta_tax {
    const char *period, *account, *site, *currency, *tax_jurisdiction, *level, *tax, *name;
    bool billable;
    int64_t before_cents, after_cents;
};
bool toll_delta_tax(const struct toll_delta *delta, int64_t index, struct toll_delta_tax *out);
struct toll_adjusting_line {
    int64_t id; /* from 1 on: its taxes name it */
    const char *account, *account_name, *site, *currency, *period, *reason, *tax_services;
    const char *kind;             /* "credit" "debit" */
    const char *status;           /* "due" "waived" "below_minimum" "too_old" "to_approve" */
    int64_t calls, before, after; /* money: before, after; the line's amount is after - before */
};
bool toll_delta_adjusting(const struct toll_delta *delta, int64_t index, struct toll_adjusting_line *out);
struct toll_adjusting_tax {
    const char *account, *site, *currency, *period, *report_period;
    const char *tax_jurisdiction, *level, *tax, *name, *status;
    bool billable;
    int64_t before_cents, after_cents;
};
bool toll_delta_adjusting_tax(const struct toll_delta *delta, int64_t index, struct toll_adjusting_tax *out);

/* ---- the ledger ---- */

/* path: of a run (begins a ledger) or of a delta (goes on). *seq: the entry's number, from 1 on. */
int toll_ledger_post(const char *ledger_path, const char *path, int64_t *seq, struct toll_error *error);
struct toll_ledger;
int toll_ledger_open(const char *ledger_path, struct toll_ledger **out, struct toll_error *error);
void toll_ledger_close(struct toll_ledger *ledger);
struct toll_ledger_entry {
    int64_t seq;
    bool original;
    char posted[33]; /* digest of the run or delta */
    char run[33];    /* the run that stands after it */
    int64_t changed;
};
bool toll_ledger_entry(const struct toll_ledger *ledger, int64_t index, struct toll_ledger_entry *out);
struct toll_ledger_amount { /* by (account, currency), then entry */
    int64_t seq;
    const char *account, *currency;
    struct toll_sum charge; /* what the entry adds: lines and period charges */
    struct toll_sum due;    /* of it adjusting lines that are due */
    int64_t due_tax_cents;
};
bool toll_ledger_amount(const struct toll_ledger *ledger, int64_t index, struct toll_ledger_amount *out);

#ifdef __cplusplus
}
#endif

#endif
