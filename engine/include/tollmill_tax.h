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

#ifdef __cplusplus
}
#endif

#endif
