/*
 * What several books, or several runs, make of calls: sums by account, destination, hour ..., and what moves
 * between them (docs/WHATIF.md). Made by toll_whatif, toll_compare and toll_run_impact; what prints reads
 * only this.
 *
 * Money is in 1e-8 of the currency unit. Texts are UTF-8, never NULL, and live as long as the impact.
 */
#ifndef TOLLMILL_IMPACT_H
#define TOLLMILL_IMPACT_H

#include "tollmill.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TOLL_IMPACT_BOOKS_MAX 64

enum toll_dimension {
    TOLL_BY_TOTAL, /* key: currency */
    TOLL_BY_ACCOUNT,
    TOLL_BY_DESTINATION,
    TOLL_BY_CLASS,
    TOLL_BY_JURISDICTION,
    TOLL_BY_PLAN,
    TOLL_BY_DECK,
    TOLL_BY_HOUR,   /* key "1 00" .. "7 23": ISO weekday and hour on the clock of the base's zone */
    TOLL_BY_DAY,    /* "2026-03-01" on that clock */
    TOLL_BY_STATUS, /* key: status name, `name`: reason */
    TOLL_BY_PRICE,  /* price rows */
    TOLL_DIMENSIONS
};
/* "totals" "accounts" "destinations" "classes" "jurisdictions" "plans" "decks" "hours" "days" "statuses"
 * "prices" */
const char *toll_dimension_name(enum toll_dimension dimension);

/* What one book makes of the calls of a row. All 0: the book has no such calls. */
struct toll_measure {
    int64_t rows;            /* lines */
    int64_t rated, suspense; /* lines of these statuses */
    int64_t billed_s;        /* of voice lines, rated and zero-rated */
    struct toll_sum charge;  /* of lines */
    struct toll_sum periods; /* period charges; of totals and accounts only */
    struct toll_sum cost;    /* known costs */
    int64_t tax_cents;       /* billable taxes; of totals and accounts of taxed books only */
    int64_t accounts;        /* of totals only: how many have lines */
};

/* A price row as people know it. In the table `prices` rate, file and line are of the first of several rows
 * (versions) that have this key, the base's before others. */
struct toll_impact_price {
    const char *kind, *plan, *deck, *prefix, *band, *destination, *column;
    const char *unit; /* "" not known */
    int32_t step;
    int64_t rate, per_units, connect_fee;
    const char *file;
    int32_t line;
};

struct toll_impact_row {
    const char *key;  /* of TOLL_BY_PRICE the prefix, else the plan or deck */
    const char *name; /* account: its name; status: reason; else "" */
    const char
        *currency; /* of the sums; "" of rows without money (several statuses) is not used: the book's */
    const struct toll_impact_price *price; /* TOLL_BY_PRICE and moved; else NULL */
    const struct toll_measure *books;      /* book_count of them; [0] is the base */
};
struct toll_impact_table {
    const struct toll_impact_row *rows; /* ascending (key, name, price's other texts, currency), bytewise */
    size_t count;
};

/* What each book makes of the calls that a price row of the base prices: one row of its tables, file and line
 * included. By the currency of each book's own line. */
struct toll_impact_moved {
    const struct toll_impact_price *price; /* NULL: calls that have none in the base; or: */
    int64_t left_out; /* 0; of the last rows: so many that moved less, together (see moved_most); all those
                         that did not move at all are never listed and count as one */
    const char *currency;
    int64_t rows;                  /* in the base */
    const struct toll_sum *charge; /* by book; [0] what the base charges */
};

/* Calls whose status differs, where one of the two is suspense; by the currency of the line that is not (both
 * are: the base's). */
struct toll_impact_status_move {
    int book; /* the other one */
    unsigned base_status, status;
    int64_t rows;
    struct toll_sum base_charge, charge;
    const char *currency;
};

/* A book's accounts against the base's: those that have lines or period charges in either; differences of
 * lines + period charges. By currency. */
#define TOLL_IMPACT_CLASSES 14
#define TOLL_IMPACT_PERCENTILES 5 /* 5 25 50 75 95 */
struct toll_impact_accounts {
    int book;
    const char *currency;
    int64_t winners, losers, same; /* pay less, pay more */
    struct toll_sum won, lost;     /* won: not positive */
    int64_t moved;                 /* by more than moved_by percent, or from 0 */
    struct toll_sum percentile[TOLL_IMPACT_PERCENTILES];
    int64_t percentile_bp[TOLL_IMPACT_PERCENTILES]; /* of the percent, in hundredths of a percent; accounts
                                                       that have none, from 0, do not count */
    bool has_percentile_bp;
    int64_t in_class[TOLL_IMPACT_CLASSES]; /* docs/WHATIF.md, in its order */
    int64_t to_a_loss; /* accounts with a margin of at least 0 in the base, and below 0 here; has_cost only */
};

struct toll_impact_book {
    const char *name;   /* as in the report's heads */
    const char *change; /* of a variation; else "" */
    char book_hash[33];
    char cdr_hash[33];                /* of the calls that it rated */
    char run_digest[33];              /* of a run; else "" */
    const char *first_day, *last_day; /* with calls; "" none */
    bool has_cost, taxed;
    bool without_calls; /* a run whose CDRs were not there: no hours, days and billed_s */
    bool has_factor;
    int64_t factor;               /* of a sweep, in 1e-8 */
    const char *const *not_moved; /* accounts that `plan:P accounts:*` left where they are, as their currency
                                     is not that of P's decks; ascending bytewise */
    size_t not_moved_count;
};

struct toll_impact {
    int book_count;
    const struct toll_impact_book *books;
    bool same_calls;     /* all answer the same CDRs: moved and status_moves are there */
    bool has_plans;      /* the table `plans` is known */
    int64_t moved_by_bp; /* accounts beyond it are flagged; hundredths of a percent */
    struct toll_impact_table tables[TOLL_DIMENSIONS];
    const struct toll_impact_moved *
        moved; /* by money moved (the sum over books of |difference|), the most first, then currency, price */
    size_t moved_count;
    const struct toll_impact_status_move *status_moves; /* by (book, base_status, status, currency) */
    size_t status_move_count;
    const struct toll_impact_accounts *accounts; /* for each book but the base, and currency */
    size_t account_count;
    void *owned;
};
void toll_impact_free(struct toll_impact *impact); /* safe on a zeroed struct */

/* Change of an account or of any measure in hundredths of a percent of the base (of its magnitude, so that
 * more is positive), rounded half up (away from 0); within 64 bits. false: the base is 0 and the other is
 * not.
 */
bool toll_impact_percent(struct toll_sum base, struct toll_sum other, int64_t *bp);
/* Is the change more than so many hundredths of a percent of the base (exactly), or one from 0? */
bool toll_impact_beyond(struct toll_sum base, struct toll_sum other, int64_t bp);
/* Which of in_class a change belongs to: 0 .. TOLL_IMPACT_CLASSES - 1. */
int toll_impact_class(struct toll_sum base, struct toll_sum other);
/* Lines and periods. */
struct toll_sum toll_measure_charge(const struct toll_measure *measure);

/* ---- many books over one dataset ---- */

struct toll_whatif_book {
    const char *name;   /* NULL: made from path and change */
    const char *path;   /* folder or image; NULL: the base's */
    const char *change; /* NULL, or docs/WHATIF.md section 1 */
    bool has_factor;    /* of a sweep: `change` has it, too */
    int64_t factor;
};
struct toll_whatif_options {
    const char *dataset_path;
    const struct toll_whatif_book *books; /* [0] is the base */
    int book_count;
    const char *after; /* NULL, or a state */
    bool reorder, cut_periods;
    const char *from_day, *to_day;
    unsigned threads;
    int64_t memory_bytes;
    enum toll_io_choice io;
    enum toll_simd_choice simd;
    bool pin;
    bool compile_changes; /* each changed book is compiled whole, though it could be made in memory: for tests
                           */
    int64_t moved_by_bp;
    size_t moved_most; /* so many price rows in `moved`, those that moved most; 0: all */
    bool prices;       /* make the table `prices`: of large decks it has millions of rows */
    bool no_taxes;     /* taxed books are rated as if they were not: changed rates cost far less then */
    struct toll_reporter reporter;
    struct toll_progress progress;
};
struct toll_whatif_result {
    int64_t rows;
    unsigned threads;
    int repriced; /* books that only price the base's lines anew */
    int64_t wall_ns, open_ns, rate_ns, report_ns;
    int64_t memory_reserved_bytes, memory_peak_bytes;
};
int toll_whatif(const struct toll_whatif_options *options, struct toll_impact *impact,
                struct toll_whatif_result *result, struct toll_error *error);

/* What a sweep's text means: "deck:D 0.9..1.2 step 0.05" as changes ("deck:D *0.9" ...), malloc'ed array of
 * malloc'ed texts; at most TOLL_IMPACT_BOOKS_MAX. TOLL_EUSAGE. */
int toll_sweep_changes(const char *sweep, char ***changes, int64_t factors[TOLL_IMPACT_BOOKS_MAX], int *count,
                       struct toll_error *error);

/* ---- the best plan for each account ---- */

/* What an account would pay on a plan, and what its calls would cost us. */
struct toll_best_offer {
    struct toll_sum charge, cost; /* lines and period charges; known costs */
    int64_t suspense;             /* calls in suspense */
    bool offered;                 /* no call that is rated now would be in suspense, and: */
    bool other_currency;          /* the plan's decks are in another one; all else is 0 then */
};
struct toll_best_plan_row {
    const char *account, *name, *currency;
    struct toll_sum charge, cost; /* now: of the base */
    const struct toll_best_offer *offers;
    int cheapest, most_profitable; /* plan; -1: none is offered; the latter without costs, too */
};
/* All accounts with a currency together. */
struct toll_best_plan_total {
    const char *currency;
    int64_t accounts, without;    /* without: no plan is offered to them; they stay as they are */
    struct toll_sum charge, cost; /* now */
    struct toll_sum cheapest, cheapest_cost;
    struct toll_sum most_profitable, most_profitable_cost;
};
struct toll_best_plans {
    int plan_count;
    const char *const *plans;
    bool has_cost;
    const struct toll_best_plan_row *rows; /* accounts with lines or period charges, by name, then currency */
    size_t count;
    const struct toll_best_plan_total *totals; /* by currency */
    size_t total_count;
    void *owned;
};
/* books[first..first+count) of the impact are "plan:P accounts:*" of the plans named. Texts are the impact's,
 * which must live on. TOLL_ENOMEM. */
int toll_best_plans_make(struct toll_best_plans *out, const struct toll_impact *impact, int first,
                         const char *const *plans, int count, struct toll_error *error);
void toll_best_plans_free(struct toll_best_plans *best); /* safe on a zeroed struct */

/* ---- finished runs ---- */

struct toll_compare_options {
    const char *const *run_paths;     /* the first is the base */
    const char *const *dataset_paths; /* of each; NULL: none is known (no hours, days, billed_s by service) */
    int run_count;                    /* 1: the tables of one run, for its report */
    unsigned threads;
    int64_t moved_by_bp;
    size_t moved_most; /* so many price rows in `moved`, those that moved most; 0: all */
    bool prices;       /* make the table `prices`: of large decks it has millions of rows */
    struct toll_progress progress;
};
int toll_compare(const struct toll_compare_options *options, struct toll_impact *impact,
                 struct toll_error *error);

#ifdef __cplusplus
}
#endif

#endif
