/*
 * The segment reader: all that a downstream tool needs to read a run.
 *
 * A run answers a dataset: row i of a day's lines is the answer for row i of that day's CDRs. Money is
 * int64_t in 1e-8 of the currency unit. Strings are borrowed until the reader moves on (per line) or closes
 * (per run).
 */
#ifndef TOLLMILL_SEGMENT_H
#define TOLLMILL_SEGMENT_H

#include "tollmill_error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What became of a row. The value is stored (uint8); 0..15 have an answer in money, 16.. are suspense. */
enum toll_status {
    TOLL_RATED = 0,
    TOLL_ZERO_UNANSWERED = 1,   /* voice, not answered: no fee */
    TOLL_ZERO_FREE = 2,         /* rule action free; keeps its billed units */
    TOLL_ZERO_DURATION = 3,     /* answered, 0 s, deck says zero_s: free */
    TOLL_ZERO_EMERGENCY = 4,    /* 911, 933, 988: always free */
    TOLL_ZERO_OTHER_PARTY = 5,  /* a leg of a two-leg record whose payer is not ours while the other end is */
    TOLL_RATED_FAIR_USE = 6,    /* rated, beyond a bundle whose at_limit is flag */
    TOLL_ZERO_CLOSED = 7,       /* charged by an earlier run whose cycle is closed */
    TOLL_ZERO_COST_FEED = 8,    /* a record of a carrier's own feed: it has a cost and is not sold */
    TOLL_ZERO_COMPARE_FEED = 9, /* a record that is only compared */
    TOLL_SUSPENSE_FIRST = 16,
    TOLL_SUSPENSE_CONFLICT = 16, /* same record key, other content */
    TOLL_SUSPENSE_PARTY_CONFLICT = 17,
    TOLL_SUSPENSE_NO_ACCOUNT = 18,
    TOLL_SUSPENSE_NO_PLAN = 19,
    TOLL_SUSPENSE_NO_RULE = 20,
    TOLL_SUSPENSE_NO_PREFIX = 21,
    TOLL_SUSPENSE_NO_CALLTYPE = 22,
    TOLL_SUSPENSE_NO_RATE = 23,
    TOLL_SUSPENSE_BLOCKED = 24,
    TOLL_SUSPENSE_BAD_NUMBER = 25,
    TOLL_SUSPENSE_NO_BAND = 26,
    TOLL_SUSPENSE_REJECTED = 27,
    TOLL_SUSPENSE_NO_PROVIDER_CHARGE = 28,
    TOLL_SUSPENSE_OVERFLOW = 29,   /* billed units or money out of range */
    TOLL_SUSPENSE_POOL_LIMIT = 30, /* beyond a bundle whose at_limit is reject */
    TOLL_SUSPENSE_NO_FX = 31,      /* of a cost only: no rate of exchange */
    TOLL_STATUS_COUNT = 32,
};

/* Has the line a charge: rated, fair use. */
static inline bool toll_status_is_rated(unsigned status)
{
    return status == TOLL_RATED || status == TOLL_RATED_FAIR_USE;
}

/* Has a line with this cost status a cost at all (of 0, or unknown)? The others say why there is none: the
 * call was not answered, is in conflict or closed, is the `in` leg, is only compared, or its carrier tells us
 * the cost itself. */
static inline bool toll_cost_takes_part(unsigned cost_status)
{
    return cost_status != TOLL_ZERO_UNANSWERED && cost_status != TOLL_ZERO_OTHER_PARTY &&
           cost_status != TOLL_ZERO_CLOSED && cost_status != TOLL_ZERO_COST_FEED &&
           cost_status != TOLL_ZERO_COMPARE_FEED && cost_status != TOLL_SUSPENSE_CONFLICT;
}

/* What lines cost in a currency (that of their accounts; the book's for those without), decimal strings. */
struct toll_cost_total {
    char currency[8];
    char cost[48];
    char margin[48]; /* what lines and periods charge in this currency, less that */
};

/* "rated" | "zero_rated" | "suspense" | "conflict" | "other_party"; the reason: "" for rated
 * (or "fair_use"), else "unanswered", "free", "zero_duration", "emergency", "other_party", "closed",
 * "cost_feed", "compare_feed", "conflict", "party_conflict",
 * "no_account", "no_plan", "no_rule", "no_prefix", "no_calltype", "no_rate", "blocked", "bad_number",
 * "no_band", "rejected", "no_provider_charge", "overflow", "pool_limit", "no_fx". "" for a value that does
 * not exist. */
const char *toll_status_name(unsigned status);
const char *toll_status_reason(unsigned status);

enum toll_class { TOLL_ORDINARY, TOLL_TOLL_FREE, TOLL_PREMIUM, TOLL_N11, TOLL_ON_NET, TOLL_CLASSES };
enum toll_call_jurisdiction {
    TOLL_INDETERMINATE,
    TOLL_LOCAL,
    TOLL_INTRASTATE,
    TOLL_INTERSTATE,
    TOLL_INTERNATIONAL,
    TOLL_CALL_JURISDICTIONS
};
const char *toll_class_name(unsigned value);             /* "ordinary" "toll_free" "premium" "n11" "on_net" */
const char *toll_call_jurisdiction_name(unsigned value); /* "indeterminate" "local" "intrastate" "interstate"
                                                            "international" */

/* One rated line joined with its CDR and the run's tables. */
struct toll_line {
    const char *day; /* "2026-03-01" */
    int64_t row;     /* 0-based in the day */
    unsigned status, class_, jurisdiction;
    /* who */
    const char *account, *site, *account_name, *currency;
    char number[24]; /* the billing number that was matched, "+12125551234", "" when none, or
                        "hint:V"/"trunk:V" */
    /* the CDR */
    const char *record_id; /* may hold any bytes but NUL; terminated */
    const char *service;   /* voice sms mms data event */
    const char *direction; /* out in */
    bool answered, conflict, credit, has_provider_charge;
    int64_t start_ms; /* UTC */
    int32_t duration_ms;
    int64_t quantity;
    char caller[24], callee[24]; /* "+12125551234" for E.164, digits for short codes, "" for none */
    const char *calltype, *carrier;
    int64_t provider_charge;
    const char *source_sha256;
    int32_t source_row;
    /* the price */
    int32_t price; /* id, 0 none */
    const char *price_kind, *plan, *deck, *prefix, *destination, *band, *unit;
    const char *price_file;
    int32_t price_line;
    int32_t billed, included;
    int32_t pool;            /* the first that was drawn on, id in the pools of the run; 0 none */
    const char *pool_bundle; /* its bundle, "" none */
    const char *pool_name;   /* of a named pool, else "" */
    int64_t charge;          /* meaningless in suspense */
    int32_t tuple;
    /* what it costs us; has_cost: the run has costs and this line takes part */
    bool has_cost;
    unsigned cost_status; /* enum toll_status */
    int64_t cost;         /* in the line's currency (without account: the book's); 0 unless
                             toll_status_is_rated(cost_status), and unknown in suspense */
    int32_t cost_price;
    const char *cost_deck, *cost_prefix, *cost_destination, *cost_file;
    int32_t cost_line;
    /* with its CDR: */
    const char *trunk;        /* of the record */
    const char *cost_carrier; /* the trunk's, else that of the feed */
    int64_t local_ms;         /* start on the clock of the book's zone, as if that were UTC */
};

struct toll_run;

/* dataset_path: where the run's CDRs are now; of days that were imported into since, the older part files
 * must still be there (TOLL_EDATA). NULL: lines without their CDR's fields. threads-safe for reads through
 * separate handles only. */
int toll_run_open(const char *run_path, const char *dataset_path, struct toll_run **out,
                  struct toll_error *error);
void toll_run_close(struct toll_run *run);

struct toll_run_facts {
    int64_t rows, rated, zero_rated, suspense, billed_s;
    int64_t status_rows[TOLL_STATUS_COUNT];
    char cdr_hash[33], book_hash[33], tzdata_hash[33];
    int total_count; /* currencies */
    struct {
        char currency[8];
        char charge[48];        /* decimal string, 8 places: lines and period charges */
        char line_charge[48];   /* what of it lines are charged, */
        char period_charge[48]; /* and what periods are */
    } totals[64];
    bool has_cost;                        /* some line has a cost; else the following is 0 */
    int64_t cost_rows[TOLL_STATUS_COUNT]; /* of each cost status: see toll_cost_takes_part */
    int cost_count;
    struct toll_cost_total costs[64];
    int64_t day_count, period_count;
};
void toll_run_facts(const struct toll_run *run, struct toll_run_facts *out);
const char *toll_run_day(const struct toll_run *run, int64_t index, int64_t *rows); /* NULL past the end */

/* Walks all lines in order: 1 and *line, 0 at the end, negative on error. */
int toll_run_next(struct toll_run *run, struct toll_line *line, struct toll_error *error);
void toll_run_rewind(struct toll_run *run);
/* What an account is charged for a billing period beside its lines (docs/RATING.md section 11). */
struct toll_period_charge {
    const char *period; /* its first day: "2026-03-15" */
    const char *account, *account_name, *currency;
    const char *site;   /* of a surcharge on a site; else "" */
    const char *number; /* of tiers by number; else "" */
    const char *pool;   /* "" */
    const char *tiers;  /* of a charge of tiers; else "" */
    const char *kind;   /* "short_calls" "attempts" "no_ani" "tier_fee" "minimum_spend" "maximum_spend"
                           "already_billed" */
    int64_t calls, counted, charged; /* looked at, of the kind, and how many of these are charged */
    int64_t amount;                  /* for each charged call */
    int64_t charge;
    const char *file; /* the row of the book */
    int32_t line;
};
/* The period charges by index, in order; false past the end. Strings are borrowed until the run is closed. */
bool toll_run_period(const struct toll_run *run, int64_t index, struct toll_period_charge *out);

/* What a pool of a bundle gave in a period (docs/RATING.md section 12). Names are "" where its scope does not
 * have them; a named pool has `pool` alone. */
struct toll_pool_balance {
    int32_t id; /* the lines' `pool` */
    const char *bundle, *scope, *account, *site, *number, *pool;
    const char *unit;                                      /* s message byte event */
    const char *period;                                    /* its first day */
    int64_t granted, rolled_in, used, rolled_out, expired; /* granted + rolled_in = the sum of the others */
    int64_t over;                                          /* beyond, where the limit is only flagged */
    int64_t exhausted_ms; /* UTC: start of the call that left nothing; 0 none did */
};
/* By index, ascending (id, period); false past the end. Borrowed until the run is closed. */
bool toll_run_pool(const struct toll_run *run, int64_t index, struct toll_pool_balance *out);

/* What tiers counted in a period (section 13); money in 1e-8 of the account's currency. */
struct toll_tier_count {
    const char *tiers, *account, *site, *number, *period;
    int64_t units, spend, fee, minimum, maximum;
};
/* By index, ascending by the names; false past the end. Borrowed until the run is closed. */
bool toll_run_tier_count(const struct toll_run *run, int64_t index, struct toll_tier_count *out);

/* A tax of one line, not rounded (docs/TAX.md). Exact numbers are decimals without trailing zeros, or reduced
 * fractions "p/q". */
struct toll_line_tax {
    const char *tax, *name, *category;
    const char *kind; /* "rate" "per_minute" */
    const char *tax_jurisdiction, *level;
    bool billable, surcharge;
    bool late;          /* not a function of the line alone (a cap, brackets, a threshold): without amount */
    const char *rate;   /* or amount of a minute; "brackets" */
    const char *base;   /* what of the line is taxed, or its minutes; "" if that, too, is not its own */
    const char *exempt; /* of the charge: what is exempt */
    const char *tax_exact;   /* "" of late ones */
    const char *certificate; /* of the exemption that counts, "" */
    const char *source, *as_of;
    int32_t line; /* of taxes.csv */
};
struct toll_line_taxes {
    const char *reason;                /* "" or why the line is in tax suspense: "no_site" ... */
    const char *period;                /* first day of the billing period */
    const char *area;                  /* the place, "" none */
    const char *resolved;              /* by "site" "tax_site" "only_site", "" not */
    const char *tax_services;          /* "telecom", "data:0.4;voice:0.6" */
    const struct toll_line_tax *taxes; /* by tax, jurisdiction and row */
    size_t count;
};
/* The taxes of a line with this tuple, charge and billed units: a pure function of the three. tuple 0: none.
 * Borrowed until the next such call. TOLL_EDATA: the run has no such tuple, or an amount does not fit. */
int toll_run_line_taxes(struct toll_run *run, int32_t tuple, int64_t charge, int64_t billed,
                        struct toll_line_taxes *out, struct toll_error *error);

/* The billable ones of them added up, exactly, as text: "" where the line has no tuple, is in tax suspense or
 * has a billable tax that is late. For walks over all lines. */
#define TOLL_TAX_TEXT 1600
int toll_run_line_tax(struct toll_run *run, int32_t tuple, int64_t charge, int64_t billed,
                      char text[TOLL_TAX_TEXT], struct toll_error *error);

/* One line by day ("2026-03-01") and row: TOLL_EUSAGE when there is none. */
int toll_run_line(struct toll_run *run, const char *day, int64_t row, struct toll_line *line,
                  struct toll_error *error);

#ifdef __cplusplus
}
#endif

#endif
