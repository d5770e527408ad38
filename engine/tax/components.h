/*
 * From a tuple to its components (docs/TAX.md sections 2 to 4): which taxes apply, where, on which share of a
 * charge, how much of it is exempt, and, solved once and exactly, what each is for a unit of charge and for a
 * minute. Pure functions of the tables; no state.
 */
#ifndef TOLL_TAX_COMPONENTS_H
#define TOLL_TAX_COMPONENTS_H

#include "base/arena.h"
#include "base/error.h"
#include "ratetable/tax_layout.h"
#include "tax/rational.h"

/* Why a tuple has no components, in order of precedence. */
enum toll_tax_reason {
    TOLL_TAX_TAXED,
    TOLL_TAX_NO_SITE,
    TOLL_TAX_NO_AREA,
    TOLL_TAX_NO_TAX_SERVICE,
    TOLL_TAX_NO_LEG_PLACE,
    TOLL_TAX_NO_SELLER,
    TOLL_TAX_REASONS
};
const char *toll_tax_reason_name(enum toll_tax_reason reason); /* "" "no_site" ... */
const char *toll_tax_level_name(int level);                    /* "federal" ... */
const char *toll_tax_kind_name(int kind);                      /* "rate" "per_minute" ... */

/* An ascending set of jurisdictions. */
struct toll_tax_set {
    const int32_t *ids;
    uint32_t count;
};

/* All that decides a tuple's components. */
struct toll_tax_facts {
    struct toll_tax_set place;           /* of the site */
    struct toll_tax_set origin;          /* of calls, in books that ask; else equal to `place` */
    struct toll_tax_set two_of_three;    /* likewise */
    uint32_t split;                      /* of splits; 0: no tax service */
    const char *customer_class, *seller; /* texts; "" none */
    bool resale;
    bool call;                  /* usage: has a jurisdiction */
    int jurisdiction;           /* enum toll_call_jurisdiction, of calls */
    const uint32_t *exemptions; /* rows that match account and site, ascending */
    uint32_t exemption_count;
    int32_t day[TOLL_TAX_DATES]; /* by date basis */
    /* Which kinds may occur: bits 1 << enum toll_tax_kind. Usage and period charges: rate, per_minute; a
     * charge (no credit): rate, fixed; a service: rate, per_line; account: rate, per_account. */
    unsigned kinds;
};

struct toll_tax_component {
    uint32_t series;      /* of tax_series */
    int32_t tax;          /* its tax */
    int32_t jurisdiction; /* where it applies */
    int64_t share;        /* of the charge, in 1e-12: of the tax services that it is for */
    int64_t part;         /* in 1e-12: interstate or intrastate share, 1, or 0; of several shares weighted */
    struct toll_rational base; /* share x part, exactly: of the charge, before taxes on taxes */
    int32_t exempt;            /* in 1e-8 of 1; TOLL_TAX_PERCENT_ONE: wholly */
    uint32_t certificate;      /* string offset: of the exemption that counts, "" */
    bool resale;               /* exempt because the sale is for resale */
    bool late;                 /* not a function of the line alone; per_line, per_account and fixed taxes
                                  with brackets too */
    /* Where not late: tax = charge x per_charge + minutes x per_minute + units x per_unit, and what was taxed
     * likewise (kind rate: base x taxed). units: counted lines of this tax (per_line), 1 (others). Taxes of
     * kinds per_line, per_account and fixed that it stands on are not in these: see `on`. */
    struct toll_rational per_charge, per_minute;
    struct toll_rational taxed_per_charge, taxed_per_minute;
    uint32_t on_first, on_count; /* of list->on: places of the components that its base adds, ascending */
};

struct toll_tax_list {
    struct toll_tax_component *components; /* ascending (tax, jurisdiction, series) */
    uint32_t count;
    const uint32_t *on;
    /* Places of components in an order in which each comes after all it stands on; those of a cycle stand
     * side by side, cycle_end[k] > k + 1: order[k .. cycle_end[k]) are solved together. */
    const uint32_t *order, *cycle_end;
    enum toll_tax_reason reason; /* TOLL_TAX_TAXED, or NO_SELLER: then no components */
    int32_t tax;                 /* of NO_SELLER: the tax that wants it */
};

/* Memory comes from the arena. TOLL_EDATA: an amount does not fit, or a cycle has no solution (names the tax
 * and its row); TOLL_ENOMEM. */
int toll_tax_components(const struct toll_tax_tables *tables, const struct toll_tax_facts *facts,
                        struct toll_arena *arena, struct toll_tax_list *out, struct toll_error *error);

/* The split that decides: docs/TAX.md section 2. product 0 none; -1: a charge line other than usage. 0: none.
 */
uint32_t toll_tax_split_find(const struct toll_tax_tables *tables, int32_t product, int service, int class_,
                             int jurisdiction);
/* Text of a split: "telecom", "data:0.4;voice:0.6"; "" of 0. Terminated; false: room is too small. */
bool toll_tax_split_text(const struct toll_tax_tables *tables, uint32_t split, char *out, size_t room);

#endif
