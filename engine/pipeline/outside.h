/*
 * Charge lines as an outside tax engine takes them, and its answers (docs/TAX_ENGINES.md): what the public
 * functions of tollmill_tax.h are made of. Works on the public walk of charge lines only.
 */
#ifndef TOLL_PIPELINE_OUTSIDE_H
#define TOLL_PIPELINE_OUTSIDE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/money.h"
#include "pipeline/exact.h"
#include "tollmill_tax.h"

/* ---- the codes file ---- */

enum toll_code_what {
    TOLL_CODE_TAX_SERVICE,
    TOLL_CODE_AREA,
    TOLL_CODE_CLASS,
    TOLL_CODE_SELLER,
    TOLL_CODE_LINE_TYPE,
    TOLL_CODE_ACCOUNT,
    TOLL_CODE_COMPANY,
    TOLL_CODE_WHATS
};
/* How an area is told; the first of an engine's is its default. */
enum toll_area_kind {
    TOLL_AREA_PCODE,
    TOLL_AREA_FIPS,
    TOLL_AREA_NPA,
    TOLL_AREA_ZIP,
    TOLL_AREA_GEOCODE,
    TOLL_AREA_NUMBER,
    TOLL_AREA_KINDS
};

struct toll_tax_code {
    enum toll_code_what what;
    const char *name, *code; /* code "": not sent, of a tax service */
    enum toll_area_kind kind;
    int64_t first, second; /* transaction and service type; lines that one counts, in 1e-6 */
    long line;
};

struct toll_tax_codes {
    enum toll_tax_engine engine;
    const char *path;
    struct toll_arena arena;
    struct toll_tax_code *rows; /* by (what, name) */
    size_t count, room;
};

/* TOLL_EBOOK with findings when a row is wrong. */
int toll_tax_codes_read(struct toll_tax_codes *codes, enum toll_tax_engine engine, const char *path,
                        struct toll_findings *findings, struct toll_error *error);
const struct toll_tax_code *toll_tax_code_find(const struct toll_tax_codes *codes, enum toll_code_what what,
                                               const char *name); /* NULL: none */
void toll_tax_codes_free(struct toll_tax_codes *codes);

/* ---- what is sent ---- */

/* One line of a request: a charge line, or a part of its split. */
struct toll_outside_item {
    int64_t index;       /* of the charge line */
    unsigned part;       /* 1.. of a split of several, else 0 */
    toll_total charge;   /* in 1e-8 (Avalara) or 1e-4 (SureTax) */
    int64_t lines;       /* counted, of a service */
    int64_t minutes_ppm; /* of voice usage, minutes in 1e-6 */
    int64_t seconds;     /* of voice usage */
    bool included, resale;
    const char *day, *site;
    const struct toll_tax_code *service, *area; /* in the codes */
    const struct toll_tax_code *customer_class, *seller;
};

/* What an account has in a period, as far as one invoice goes. */
struct toll_outside_invoice {
    const char *name; /* "ACCOUNT:2026-03-01", "...:2" */
    const char *account, *period, *currency;
    const char *day; /* Avalara: of all its lines; SureTax: of the first, all are of its month */
    const struct toll_outside_item *items;
    size_t count;
};

struct toll_outside_walk {
    struct toll_taxes *taxes;
    const struct toll_tax_outside_options *options;
    const struct toll_tax_codes *codes;
    struct toll_findings *findings;
    int (*invoice)(void *context, const struct toll_outside_invoice *invoice, struct toll_error *error);
    void *context;
    struct toll_tax_outside_facts facts; /* counted here */
};

/* Calls `invoice` for each, or only looks whether all codes are there (invoice NULL). TOLL_EBOOK: some are
 * not.
 */
int toll_outside_walk(struct toll_outside_walk *walk, struct toll_error *error);

#define TOLL_OUTSIDE_REF_BYTES 40
/* "17", or "17.2" of a split: how a line is called in requests. */
void toll_outside_ref(const struct toll_outside_item *item, char text[TOLL_OUTSIDE_REF_BYTES]);

/* Decimals of a charge as the engine takes it. */
static inline int toll_outside_decimals(enum toll_tax_engine engine)
{
    return engine == TOLL_TAX_AVALARA ? 8 : 4;
}

#endif
