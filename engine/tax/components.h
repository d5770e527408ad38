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
static inline struct toll_tax_set toll_tax_area_set(const struct toll_tax_tables *tables, uint32_t area)
{
    return (struct toll_tax_set){tables->area_jurisdictions + tables->areas[area].first,
                                 tables->areas[area].count};
}
/* What is in at least two of the three, into `ids`: room for as many as the two largest have together is
 * enough. Returns their count. */
uint32_t toll_tax_in_two(const struct toll_tax_set sets[3], int32_t *ids);

/*
 * What a book's tables are looked up by; built once, then read by any number of threads. It borrows the
 * tables and lives in the arena.
 */
struct toll_tax_index;
int toll_tax_index_build(const struct toll_tax_tables *tables, struct toll_arena *arena,
                         const struct toll_tax_index **out, struct toll_error *error);

/* Ids by name, 0 none. */
int32_t toll_tax_jurisdiction_find(const struct toll_tax_tables *tables, const char *id, size_t bytes);
int32_t toll_tax_area_find(const struct toll_tax_tables *tables, const char *area);
int32_t toll_tax_product_find(const struct toll_tax_tables *tables, const char *product);

/* The split that decides: docs/TAX.md section 2. product 0: none; service, class and jurisdiction -1: a
 * charge line other than usage. 0: none. */
uint32_t toll_tax_split_find(const struct toll_tax_index *index, int32_t product, int service, int class_,
                             int jurisdiction);
/* Text of a split: "telecom", "data:0.4;voice:0.6"; "" of 0. Terminated; false: the room is too small. */
bool toll_tax_split_text(const struct toll_tax_tables *tables, uint32_t split, char *out, size_t room);
/* The rows of exemptions.csv whose account and site are empty or these (0: none), ascending; at most `room`
 * of them are written. Returns how many there are. */
size_t toll_tax_exemptions_find(const struct toll_tax_index *index, int32_t account, int32_t site,
                                uint32_t *rows, size_t room);

/* Which kinds of tax a line can have; usage other than voice, period charges and credits: rate alone. */
#define TOLL_TAX_KINDS_PLAIN (1u << TOLL_TAX_RATE)
#define TOLL_TAX_KINDS_VOICE (TOLL_TAX_KINDS_PLAIN | 1u << TOLL_TAX_PER_MINUTE)
#define TOLL_TAX_KINDS_CHARGE (TOLL_TAX_KINDS_PLAIN | 1u << TOLL_TAX_FIXED)
#define TOLL_TAX_KINDS_SERVICE (TOLL_TAX_KINDS_PLAIN | 1u << TOLL_TAX_PER_LINE)
#define TOLL_TAX_KINDS_ACCOUNT (TOLL_TAX_KINDS_PLAIN | 1u << TOLL_TAX_PER_ACCOUNT)

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
    unsigned kinds;              /* TOLL_TAX_KINDS_... */
};

/*
 * A tax as a sum: coefficients x (charge, minutes, and the taxes of the sources that it stands on). A
 * *source* is a component whose tax is no such sum: one with brackets, threshold or cap, or of kinds
 * per_line, per_account and fixed. Fractions of nothing are zero, never NULL; all are borrowed from the
 * arena.
 */
struct toll_tax_term {
    uint32_t source;                         /* place of the component */
    const struct toll_rational *tax, *taxed; /* of a unit of the source's tax */
};
struct toll_tax_component {
    uint32_t series;      /* of tax_series */
    int32_t tax;          /* its tax */
    int32_t jurisdiction; /* where it applies */
    int32_t exempt;       /* in 1e-8 of 1; TOLL_TAX_PERCENT_ONE: wholly */
    uint32_t exemption;   /* the row that counts; 0 none */
    bool resale;          /* exempt because the sale is for resale */
    bool source;          /* its own tax is no sum: see above */
    bool bracketed;       /* has brackets, threshold or cap: a source, and late */
    bool late;            /* bracketed, or stands on what is: not a function of its line alone */
    int64_t share;        /* of the charge, in 1e-12: of the tax services that it is for */
    const struct toll_rational
        *base; /* kind rate: share x part, of the charge, taxes on taxes apart; else 0 */
    /* Its tax, in units of the currency, for a unit of charge and for a minute; of sources 0. */
    const struct toll_rational *per_charge, *per_minute;
    /* A source without brackets: its tax for one (counted line, account, charge), what is exempt taken off.
     */
    const struct toll_rational *per_unit;
    /* Kind rate, sources too: what is taxed (base x taxed) likewise; brackets and threshold run over that. */
    const struct toll_rational *taxed_per_charge, *taxed_per_minute;
    const struct toll_tax_term *terms; /* ascending by source */
    uint32_t term_count;
};

struct toll_tax_list {
    struct toll_tax_component *components; /* ascending (tax, jurisdiction, series) */
    uint32_t count;
    const uint32_t *order;       /* places: each source after the sources that it stands on */
    enum toll_tax_reason reason; /* TOLL_TAX_TAXED, or NO_SELLER: then no components */
    int32_t tax;                 /* of NO_SELLER: the tax that wants it */
};

/* Memory of the list comes from the arena. TOLL_EDATA: an amount does not fit, or taxes that stand on each
 * other have no solution (names the tax and its row); TOLL_ENOMEM. */
int toll_tax_components(const struct toll_tax_index *index, const struct toll_tax_facts *facts,
                        struct toll_arena *arena, struct toll_tax_list *out, struct toll_error *error);

/* A line's sum of a component: its tax (of one that is no source), or what is taxed. sources: taxes by place,
 * read at those it stands on; NULL if it stands on none. False: does not fit. */
bool toll_tax_of(const struct toll_tax_component *component, const struct toll_rational *charge,
                 const struct toll_rational *minutes, const struct toll_rational *sources,
                 struct toll_rational *out);
bool toll_tax_taxed_of(const struct toll_tax_component *component, const struct toll_rational *charge,
                       const struct toll_rational *minutes, const struct toll_rational *sources,
                       struct toll_rational *out);

#endif
