/*
 * The tax tables as they lie in the book's image: docs/TAX.md section 1 and 3. Plain arrays with 32-bit
 * indices; id 0 means none, so entry 0 of every id table is empty. Days are local days since 1970, half open;
 * TOLL_TAX_DAY_MIN and _MAX where a table says nothing. Built by ratetable/tax_*.c, checked in
 * book/check_tax.c, read by tax/ and pipeline/.
 */
#ifndef TOLL_RATETABLE_TAX_LAYOUT_H
#define TOLL_RATETABLE_TAX_LAYOUT_H

#include "base/money.h"

#define TOLL_TAX_DAY_MIN INT32_MIN
#define TOLL_TAX_DAY_MAX INT32_MAX

/* A decimal fraction (a rate, a share) in 1e-12; a percentage of an exemption in 1e-8 of 1 (1 % is 1e6). */
#define TOLL_TAX_ONE INT64_C(1000000000000)
#define TOLL_TAX_PERCENT_ONE INT64_C(100000000)
#define TOLL_TAX_QUANTITY_ONE INT64_C(1000000) /* quantities and weights of lines are in 1e-6 */

enum toll_tax_level {
    TOLL_TAX_FEDERAL,
    TOLL_TAX_STATE,
    TOLL_TAX_COUNTY,
    TOLL_TAX_CITY,
    TOLL_TAX_DISTRICT,
    TOLL_TAX_LEVELS
};

/* Sorted bytewise by id. */
struct toll_tax_jurisdiction {
    uint32_t id, name, state, fips; /* string offsets; state "" of a federal one */
    int32_t parent;                 /* 0 none */
    int32_t level;                  /* enum toll_tax_level */
    uint32_t line;                  /* of tax_jurisdictions.csv */
    uint32_t spare;
};
_Static_assert(sizeof(struct toll_tax_jurisdiction) == 32, "stored");

/* Sorted bytewise by area. Its jurisdictions, parents included, ascending and without repeats:
 * area_jurisdictions[first..first+count). */
struct toll_tax_area {
    uint32_t area; /* string offset */
    uint32_t first, count;
    uint32_t line; /* of tax_areas.csv: its first row */
};
_Static_assert(sizeof(struct toll_tax_area) == 16, "stored");

enum toll_fusf_method { TOLL_FUSF_SAFE_HARBOUR, TOLL_FUSF_TRAFFIC_STUDY, TOLL_FUSF_ACTUAL };
/* Rows, sorted by (seller text, those for all services last, row). Sellers are told by their text's offset:
 * equal texts have equal offsets. */
struct toll_tax_seller {
    uint32_t seller;                       /* string offset */
    uint32_t service_first, service_count; /* of tax_ids: tax services; count 0: all */
    int32_t method;                        /* enum toll_fusf_method */
    int64_t share;                         /* in 1e-12; -1 none */
    int32_t from, until;                   /* days */
    uint32_t line;                         /* of sellers.csv */
    uint32_t spare;
};
_Static_assert(sizeof(struct toll_tax_seller) == 40, "stored");

/* The splits of tax_map.csv in order of precedence (most conditions first, then row): the first that matches
 * decides. splits[0] is none. A condition of -1 or product 0 is empty. */
struct toll_tax_split {
    int32_t product; /* id of products, 0 any */
    int8_t service, class_, jurisdiction, spare;
    uint32_t first, count; /* of split_parts, by name of the tax service */
    uint32_t line;         /* of tax_map.csv: its first row */
};
_Static_assert(sizeof(struct toll_tax_split) == 20, "stored");
struct toll_tax_split_part {
    int32_t service; /* id of tax_services */
    uint32_t line;
    int64_t share; /* in 1e-12; a split's add up to TOLL_TAX_ONE */
};
_Static_assert(sizeof(struct toll_tax_split_part) == 16, "stored");

enum toll_tax_kind {
    TOLL_TAX_RATE,
    TOLL_TAX_PER_MINUTE,
    TOLL_TAX_PER_LINE,
    TOLL_TAX_PER_ACCOUNT,
    TOLL_TAX_FIXED
};
enum toll_tax_sourcing { TOLL_TAX_BY_SITE, TOLL_TAX_BY_ORIGIN, TOLL_TAX_TWO_OF_THREE };
enum toll_tax_scope { TOLL_TAX_SCOPE_ACCOUNT, TOLL_TAX_SCOPE_LOCATION, TOLL_TAX_SCOPE_LINE };
enum toll_tax_round_scope { TOLL_TAX_ROUND_ACCOUNT, TOLL_TAX_ROUND_INVOICE_LINE, TOLL_TAX_ROUND_LINE };
enum toll_tax_date { TOLL_TAX_DATE_CALL, TOLL_TAX_DATE_BILL, TOLL_TAX_DATE_PERIOD, TOLL_TAX_DATES };
enum toll_tax_part_month { TOLL_TAX_MONTH_FULL, TOLL_TAX_MONTH_PRORATED, TOLL_TAX_MONTH_NONE };
enum toll_tax_sale { TOLL_TAX_RETAIL, TOLL_TAX_RESALE, TOLL_TAX_ANY_SALE };
enum toll_tax_base {
    TOLL_TAX_BASE_CHARGE,
    TOLL_TAX_BASE_INTERSTATE,
    TOLL_TAX_BASE_INTRASTATE,
    TOLL_TAX_BASE_NONE
};
enum toll_tax_cadence { TOLL_TAX_NO_CADENCE, TOLL_TAX_MONTHLY, TOLL_TAX_QUARTERLY, TOLL_TAX_YEARLY };

/* What holds for the whole of a tax. Sorted bytewise by tax; taxes[0] is none. */
struct toll_tax {
    uint32_t tax, category, name;        /* string offsets */
    uint32_t basis_first, basis_count;   /* per_line: of line_bases */
    uint32_t series_first, series_count; /* of tax_series */
    uint32_t file, line;                 /* of taxes.csv: its first row */
    uint8_t kind, sourcing, scope, round_scope, rounding /* enum toll_rounding */, date_basis, part_month;
    uint8_t surcharge, billable, exempt_named;
    uint8_t spare[2];
};
_Static_assert(sizeof(struct toll_tax) == 48, "stored");
struct toll_tax_line_basis {
    uint32_t type; /* string offset; "location": once for each site */
    uint32_t spare;
    int64_t weight; /* in 1e-6 */
};
_Static_assert(sizeof(struct toll_tax_line_basis) == 16, "stored");

/* Rows of a tax that differ in their brackets only. By tax, then by row. */
struct toll_tax_series {
    int32_t tax;
    int32_t jurisdiction;                  /* 0: every one of `level` */
    int32_t level;                         /* enum toll_tax_level, of the jurisdiction where that is named */
    int32_t from, until;                   /* days */
    uint32_t service_first, service_count; /* of tax_ids: tax services ascending; count 0: all */
    uint32_t class_first, class_count; /* of tax_texts: string offsets of customer classes; count 0: all */
    uint32_t on_first, on_count;       /* of tax_ids: taxes ascending */
    uint32_t bracket_first, bracket_count; /* of tax_brackets, ascending, at least one */
    uint32_t spare;
    int64_t threshold; /* rate: money; else what is counted (lines, minutes) in 1e-6; 0 none */
    int64_t cap;       /* money; per_line: lines in 1e-6; INT64_MAX none */
    uint8_t sale;      /* enum toll_tax_sale */
    uint8_t base;      /* enum toll_tax_base */
    uint8_t late;      /* 1: brackets, threshold or cap; or on_taxes leads to such a billable tax */
    uint8_t followed;  /* 1: another one that is equal but for its dates begins where this one ends */
    uint8_t spare2[4];
};
_Static_assert(sizeof(struct toll_tax_series) == 80, "stored");
/* A row of taxes.csv. */
struct toll_tax_bracket {
    int64_t from;     /* as the series' threshold; reaches to the next one's; the first has 0 */
    int64_t rate;     /* kind rate: in 1e-12; else money */
    uint32_t source;  /* string offset */
    uint32_t line;    /* of taxes.csv */
    int32_t as_of;    /* a day, TOLL_TAX_DAY_MIN none */
    uint32_t cadence; /* enum toll_tax_cadence */
};
_Static_assert(sizeof(struct toll_tax_bracket) == 32, "stored");

/* In the order of exemptions.csv; [0] is none. */
struct toll_tax_exemption {
    int32_t account, site; /* 0 any */
    int32_t jurisdiction;  /* 0 any */
    int32_t level;         /* enum toll_tax_level, -1 any */
    uint32_t category;     /* string offset, "" any */
    int32_t tax;           /* 0 any */
    int32_t percent;       /* in 1e-8 of 1, at most TOLL_TAX_PERCENT_ONE */
    int32_t from, until;   /* days */
    uint32_t certificate;  /* string offset */
    uint32_t line;
    uint32_t spare;
};
_Static_assert(sizeof(struct toll_tax_exemption) == 48, "stored");

enum toll_charge_kind { TOLL_CHARGE_RECURRING, TOLL_CHARGE_ONE_TIME, TOLL_CHARGE_CREDIT, TOLL_CHARGE_FEE };
/* In the order of charges.csv. */
struct toll_charge {
    int32_t account, site; /* site 0: none */
    int32_t product;       /* id of products */
    int32_t kind;          /* enum toll_charge_kind */
    toll_money amount;     /* of one */
    int64_t quantity;      /* in 1e-6 */
    int32_t from, until;   /* days */
    uint32_t included;     /* 1: tax_included */
    uint32_t line;
};
_Static_assert(sizeof(struct toll_charge) == 48, "stored");

/* In the order of services.csv: the inventory as taxes count it. */
struct toll_inventory_row {
    int32_t account, site;
    int32_t product; /* 0 none */
    uint32_t type;   /* string offset; toll_free of a type `number` that is toll-free */
    int64_t quantity;
    int32_t from, until; /* days */
    uint32_t line;
    uint32_t spare;
};
_Static_assert(sizeof(struct toll_inventory_row) == 40, "stored");

/* All of it, as struct toll_book has it. Counts include the empty 0 of tables by id. */
struct toll_tax_tables {
    bool taxed; /* the book has taxes.csv */
    bool legs;  /* some tax is sourced by the ends of calls */
    bool two_of_three, origin;
    const char *strings;
    const struct toll_tax_jurisdiction *jurisdictions;
    const struct toll_tax_area *areas;
    const int32_t *area_jurisdictions;
    const struct toll_tax_seller *sellers;
    const uint32_t *services; /* names of tax services by id, sorted bytewise */
    const uint32_t *products; /* names of products by id, sorted bytewise */
    const struct toll_tax_split *splits;
    const struct toll_tax_split_part *split_parts;
    const struct toll_tax *taxes;
    const struct toll_tax_line_basis *line_bases;
    const struct toll_tax_series *series;
    const struct toll_tax_bracket *brackets;
    const int32_t *ids;    /* tax_ids */
    const uint32_t *texts; /* tax_texts */
    const struct toll_tax_exemption *exemptions;
    const int32_t *changes; /* days, ascending, without repeats: every from and until of taxes.csv,
                               exemptions.csv and sellers.csv */
    const struct toll_charge *charges;
    const struct toll_inventory_row *inventory;
    uint32_t jurisdiction_count, area_count, area_jurisdiction_count, seller_count, service_count,
        product_count, split_count, split_part_count, tax_count, line_basis_count, series_count,
        bracket_count, id_count, text_count, exemption_count, change_count, charge_count, inventory_count;
};

static inline const char *toll_tax_string(const struct toll_tax_tables *tables, uint32_t offset)
{
    return tables->strings + offset;
}

#endif
