/*
 * What a run's accounts owe in taxes (docs/TAX.md): the register, the charge lines behind it, what could not
 * be taxed, and what nobody has decided about.
 *
 * Money in text is a decimal string; exact amounts are decimals without trailing zeros, or reduced fractions
 * "p/q". Strings are borrowed until the next call of the same walk, or the close.
 */
#ifndef TOLLMILL_TAX_H
#define TOLLMILL_TAX_H

#include "tollmill_error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct toll_taxes;

struct toll_tax_options {
    const char *report_period; /* "2026-03", or any text of a return; NULL: each row's own period */
};

/* Opens a run and works out its taxes. The run's own book decides (of a merged run the last). TOLL_EUSAGE:
 * its book has no taxes.csv. */
int toll_taxes_open(const char *run_path, const struct toll_tax_options *options, struct toll_taxes **out,
                    struct toll_error *error);
void toll_taxes_close(struct toll_taxes *taxes);

/* A row of the register. */
struct toll_tax_register_row {
    const char *period, *report_period;
    const char *account, *site, *currency;
    const char *tax_jurisdiction, *level, *tax, *name, *category, *kind;
    bool billable, surcharge;
    const char *lines, *base, *exempt, *rate, *tax_exact;
    int64_t tax_cents;
};
/* By index, in order; false past the end. */
bool toll_taxes_register(struct toll_taxes *taxes, int64_t index, struct toll_tax_register_row *out);

/* A charge line and one of its components; a line without components (in suspense, or nothing applies) once,
 * with tax_jurisdiction, level and tax "". */
struct toll_tax_line {
    const char *period, *account, *site, *currency;
    const char *kind; /* "charge" "service" "account" "period" "usage" */
    const char *product, *service, *jurisdiction, *tax_services;
    const char *reason; /* "" or why it is in tax suspense */
    int32_t tuple;      /* of usage, else 0 */
    int64_t line;       /* of charges.csv or services.csv, else 0 */
    const char *charge; /* exact; without the tax that a price includes */
    int64_t calls;
    int64_t index;    /* of the charge line: 0, 1, ... over all; its components follow one another */
    const char *day;  /* "2026-03-01": of usage the first day of its tuple's span, of the others theirs */
    const char *area; /* of its place, "" none */
    const char *customer_class, *seller;
    bool resale;
    int64_t units;        /* of usage: billed, in seconds, messages, bytes, events; else 0 */
    const char *quantity; /* of charges and services; else "" */
    const char *type;     /* of services, as taxes count it (`toll_free`); else "" */
    bool tax_included;    /* of charges, with: */
    const char *amount;   /* amount x quantity as charges.csv says, credits negative; else the charge */
    /* the component */
    const char *tax_jurisdiction, *level, *tax, *base, *exempt, *rate, *tax_exact, *source, *certificate;
    bool billable;
    int64_t tax_cents;
};
/* Walks all: 1 and *line, 0 at the end, negative on error. */
int toll_taxes_next(struct toll_taxes *taxes, struct toll_tax_line *line, struct toll_error *error);
void toll_taxes_rewind(struct toll_taxes *taxes);

struct toll_tax_suspense_row {
    const char *reason, *account, *site, *kind, *product, *service, *jurisdiction, *currency;
    int64_t lines, calls;
    const char *charge;
    const char *remedy; /* what to add where */
};
bool toll_taxes_suspense(struct toll_taxes *taxes, int64_t index, struct toll_tax_suspense_row *out);

struct toll_tax_coverage_row {
    const char *tax_jurisdiction, *level, *tax_service, *currency;
    int64_t lines;
    const char *charge;
};
bool toll_taxes_coverage(struct toll_taxes *taxes, int64_t index, struct toll_tax_coverage_row *out);

struct toll_tax_totals {
    char currency[8];
    int64_t accounts, buckets, lines;
    int64_t billable_cents, other_cents;
    int64_t suspense_lines;
    char suspense_charge[48];
};
/* By currency; false past the end. */
bool toll_taxes_totals(struct toll_taxes *taxes, int index, struct toll_tax_totals *out);
/* Rows of taxes.csv whose as_of and cadence are before the run's last day; false past the end. */
struct toll_tax_stale_row {
    const char *tax, *tax_jurisdiction, *as_of, *cadence;
    int64_t line;
};
bool toll_taxes_stale(struct toll_taxes *taxes, int64_t index, struct toll_tax_stale_row *out);
/* Some row of taxes.csv says in its source that it is a demo. */
bool toll_taxes_demo(const struct toll_taxes *taxes);

/* ---- engines of others (docs/TAX_ENGINES.md) ---- */

/* Avalara for Communications, REST v2 CalcTaxes; CCH SureTax Communications, PostRequest. */
enum toll_tax_engine { TOLL_TAX_AVALARA, TOLL_TAX_SURETAX };

/* Avalara's limit in invoice mode (its guide to REST v2, "Invoice Mode"). */
#define TOLL_TAX_INVOICE_LINES 10000

struct toll_tax_outside_options {
    enum toll_tax_engine engine;
    const char *codes_path;    /* what of the book is what of the engine's */
    int64_t invoice_lines;     /* at most in an invoice; 0: TOLL_TAX_INVOICE_LINES */
    const char *report_period; /* NULL: each row's own period */
    struct toll_reporter reporter;
};

struct toll_tax_outside_facts {
    int64_t requests, invoices, items; /* items: lines as they are sent; a split is several */
    int64_t lines;                     /* charge lines that these are */
    int64_t suspense;                  /* charge lines in tax suspense: not sent */
    int64_t without_service;           /* services and account lines without tax service: not sent */
};

/* Takes one request: a JSON document in one line, with its newline. Not 0: stop with this code. */
typedef int (*toll_tax_request_sink)(void *context, const char *text, size_t bytes);

/* All charge lines as requests, in order: the same run and codes give the same bytes. TOLL_EBOOK: the codes
 * are wrong or lack something that occurs (findings say what), nothing was put; TOLL_EDATA: what the engine
 * cannot take. */
int toll_tax_requests(struct toll_taxes *taxes, const struct toll_tax_outside_options *options,
                      toll_tax_request_sink sink, void *context, struct toll_tax_outside_facts *facts,
                      struct toll_error *error);

/* A response larger than this is refused. */
#define TOLL_TAX_RESPONSE_BYTES (INT64_C(256) << 20)

struct toll_tax_outside; /* responses, joined with the lines */

/* Files hold one response each, or several one behind the other. TOLL_EDATA: no JSON, or no response of this
 * engine. What does not agree is no error: see toll_tax_outside_difference. */
int toll_tax_outside_open(struct toll_taxes *taxes, const struct toll_tax_outside_options *options,
                          const char *const *files, size_t file_count, struct toll_tax_outside **out,
                          struct toll_error *error);
void toll_tax_outside_close(struct toll_tax_outside *outside);

/* The register of the engine's components: tax is its code of the tax, tax_jurisdiction its code of the
 * jurisdiction. Exact sums for each (account, period, tax, jurisdiction), rounded half up to cents once, the
 * cents given to the rows as docs/TAX.md section 5 gives them to lines. Strings live until the close. */
bool toll_tax_outside_register(struct toll_tax_outside *outside, int64_t index,
                               struct toll_tax_register_row *out);

struct toll_tax_outside_difference {
    /* "missing_line": sent, and not in the responses; "unknown_line": in the responses, and not sent;
     * "line_twice": the second is not counted; "line_refused", "invoice_refused", "request_refused": about
     * says why; "total": what the engine adds up to is not the sum of its lines. */
    const char *reason;
    const char *account, *period;       /* of lines that were sent, else "" */
    const char *invoice, *line;         /* as in the request */
    const char *charge, *ours, *theirs; /* exact; "" where there is none */
    const char *about;                  /* the engine's words, or "" */
    const char *file;
};
bool toll_tax_outside_difference(struct toll_tax_outside *outside, int64_t index,
                                 struct toll_tax_outside_difference *out);

/* By account and currency, in order; false past the end. */
struct toll_tax_outside_account {
    const char *account, *currency;
    int64_t items, answered;
    const char *charge, *tax_exact; /* tax_exact: of the billable components */
    const char *other_exact;        /* of the others */
    int64_t tax_cents, other_cents; /* of the register's rows */
};
bool toll_tax_outside_account(struct toll_tax_outside *outside, int64_t index,
                              struct toll_tax_outside_account *out);
void toll_tax_outside_facts(const struct toll_tax_outside *outside, struct toll_tax_outside_facts *out);

/* ---- one run against another, jurisdictions side by side (docs/TAX.md section 7) ---- */

struct toll_tax_effect {
    const char *tax_jurisdiction, *level, *tax, *name, *currency;
    int64_t lines;      /* charge lines with it */
    const char *charge; /* of these lines, exact */
    const char *base, *exempt, *tax_exact;
    int64_t tax_cents;
    const char *rate;       /* effective: tax_exact / charge; of lines without charge: / lines; exact */
    const char *rate_short; /* rounded to six places, for people */
    bool per_line;          /* the latter */
};
struct toll_tax_effects;
/* What each tax comes to in each jurisdiction, by (jurisdiction, tax, currency). jurisdictions: only these,
 * of the run's book, else TOLL_EUSAGE (NULL: all). Strings live until the close. */
int toll_tax_effects_open(struct toll_taxes *taxes, const char *const *jurisdictions, size_t count,
                          struct toll_tax_effects **out, struct toll_error *error);
void toll_tax_effects_close(struct toll_tax_effects *effects);
bool toll_tax_effect(const struct toll_tax_effects *effects, int64_t index, struct toll_tax_effect *out);

struct toll_tax_move {
    const struct toll_tax_effect *before, *after; /* NULL: appeared, vanished */
    int64_t change_bp;  /* change in hundredths of a percent, rounded; 0 where it is "" */
    const char *change; /* (after - before) / before, exact; "" where before is 0 or one is NULL */
};
struct toll_tax_moves;
/* Pairs of a and b whose effective rate moved by more than threshold_ppm of what it was, or that one has
 * alone, in order. a and b are borrowed until the close. */
int toll_tax_moves_open(const struct toll_tax_effects *a, const struct toll_tax_effects *b,
                        int64_t threshold_ppm, struct toll_tax_moves **out, struct toll_error *error);
void toll_tax_moves_close(struct toll_tax_moves *moves);
bool toll_tax_move(const struct toll_tax_moves *moves, int64_t index, struct toll_tax_move *out);
int64_t toll_tax_moves_compared(const struct toll_tax_moves *moves);

#ifdef __cplusplus
}
#endif

#endif
