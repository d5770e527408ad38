/* Inside of the public taxes of a run (tollmill_tax.h). */
#ifndef TOLL_PIPELINE_TAXES_H
#define TOLL_PIPELINE_TAXES_H

#include "base/cycle.h"
#include "base/strings.h"
#include "pipeline/reader_books.h"
#include "ratetable/tax_stale.h"
#include "segment/run.h"
#include "segment/state.h"
#include "tax/account.h"
#include "tollmill_tax.h"

enum toll_charge_line_kind {
    TOLL_FROM_CHARGE,
    TOLL_FROM_SERVICE,
    TOLL_FROM_ACCOUNT,
    TOLL_FROM_PERIOD,
    TOLL_FROM_USAGE
};

/* An account's billing period that has charge lines, or could have. */
struct toll_taxes_task {
    int64_t day;      /* its first day */
    uint32_t account; /* of the book */
    bool closed;      /* charged by a closed run, or in the account's own periods, but for usage */
};
/* Where a charge line comes from; beside the same line of struct toll_tax_charge_line. */
struct toll_taxes_source {
    enum toll_charge_line_kind kind;
    enum toll_tax_reason reason;
    int64_t index; /* of charges, inventory, the run's periods or buckets */
    int32_t product;
    uint32_t site; /* of site_names, 0 none */
    int32_t area;
    uint32_t split;
    uint32_t recipe; /* of recipes, where the reason is TOLL_TAX_TAXED */
    int32_t day;
};
struct toll_taxes_exempt { /* whose exemptions were asked for last */
    uint32_t account;
    int32_t site;
    uint32_t set; /* of exemption_sets, 0 none yet */
};
/* All that was solved: by what it depends on. */
struct toll_taxes_recipe {
    struct toll_tax_recipe recipe;
    enum toll_tax_reason reason;
};
/* A row of the register. */
struct toll_taxes_row {
    uint32_t task, site, tone;
    int64_t lines, cents;
    struct toll_tax_sum measure[TOLL_TAX_MEASURES];
};
/* Sums by a key of texts, each with a NUL behind it. */
struct toll_taxes_sum {
    int64_t lines, calls;
    struct toll_tax_sum charge;
};
struct toll_taxes_sums {
    struct toll_strings keys;
    struct toll_taxes_sum *list; /* by id of the key */
    size_t room;
    uint32_t *order; /* ids by key, when all is summed */
};

struct toll_taxes_total { /* of a currency */
    int64_t accounts, buckets, lines, suspense_lines;
    int64_t billable_cents, other_cents;
    struct toll_tax_sum suspense;
};

struct toll_taxes_tuple { /* of the run's tuples, by index */
    int64_t period;       /* first day */
    uint32_t rank;        /* in the order of usage lines */
    bool solved;          /* its recipe is that of its index + 1 */
    int32_t area;
    uint32_t split;
    int32_t from;
    bool voice;
    enum toll_tax_reason reason;
};

struct toll_taxes {
    struct toll_run_files files;
    struct toll_reader_books books;
    bool files_open, books_open;
    const struct toll_state *state; /* of what was never written, behind a closed run; NULL: the files tell */
    const struct toll_book *book;
    const struct toll_tax_tables *tables;
    const struct toll_tax_index *index;
    const char *report_period; /* NULL: each row's own */
    struct toll_arena arena;   /* as long as this lives */

    /* what lines are looked up by */
    struct toll_strings site_names, tier_names, split_texts;
    uint32_t *site_of_book, *site_rank; /* by site of the book; by site name */
    int32_t *book_site;                 /* by site name, 0 none */
    uint32_t *account_rank;             /* by account of the book: place by name */
    uint32_t *charge_first, *charges;   /* rows by account, in file order */
    uint32_t *inventory_first, *inventory;
    struct toll_bucket_span {
        int64_t first, count;
        uint32_t next;       /* another account of the run with this name; 0 none */
    } * bucket_spans;        /* by account of the run */
    uint32_t *run_account;   /* by account of the book: of the run, 0 none */
    int32_t *account_of_run; /* and the other way round */
    uint32_t *bucket_sites;  /* by bucket: site name */
    struct toll_taxes_tuple *tuples;
    uint32_t *bucket_tuples;          /* by bucket: index of tuples, where it has a tuple */
    uint32_t *split_of_text;          /* by id of split_texts */
    uint32_t *text_of_split;          /* and the other way round */
    uint32_t *period_first, *periods; /* the run's period charges by account of the book */
    bool per_account;                 /* some tax is */

    struct toll_strings recipe_keys, exemption_sets;
    struct toll_taxes_exempt exempt;
    struct toll_taxes_recipe *recipes; /* [0] unused */
    size_t recipe_room;
    uint32_t recipe_count, tuple_recipes; /* those of tuples come first */
    struct toll_tax_ledger ledger;

    struct toll_taxes_task *tasks;
    size_t task_count;

    /* the task that is evaluated */
    size_t task; /* task_count: none */
    struct toll_cycle cycle;
    struct toll_tax_charge_line *lines;
    struct toll_taxes_source *sources;
    struct toll_tax_inventory *counted;
    const int64_t **moves; /* by line, of other books */
    size_t line_count, line_room, source_room, counted_room, move_room;
    uint32_t *sites; /* by dense number of the task: site name */
    size_t site_room;
    uint32_t site_count;
    uint32_t *site_dense;
    uint64_t *site_stamp, *first_stamp, stamp; /* by site name */
    void *usage;                               /* keys for sorting */
    size_t usage_room;
    struct toll_arena task_arena;
    struct toll_tax_account account;

    /* the register */
    struct toll_taxes_row *rows;
    size_t row_count, row_room;
    struct toll_taxes_sums suspense, coverage;
    struct toll_taxes_sums occurs;      /* by area, split and currency */
    struct toll_taxes_sums by_currency; /* and with the same ids: */
    struct toll_taxes_total *totals;
    size_t total_room;
    uint8_t *account_seen;
    char *key; /* of a sum, while it is made */
    size_t key_bytes, key_room;
    struct toll_tax_stale *stale; /* rows found */
    size_t stale_count, stale_room;

    /* the walk, and texts of what was asked last */
    size_t walk_task, walk_line, walk_item;
    int64_t walk_index;
    struct toll_taxes_text *text;
};

/* toll_taxes_open (tollmill_tax.h) with the system's calls as an argument. */
int toll_taxes_open_with(const struct toll_io *io, const char *run_path,
                         const struct toll_tax_options *options, struct toll_taxes **out,
                         struct toll_error *error);

/* What was rated and never written; nothing is evaluated yet: for toll_taxes_cents_of. files: the tables (no
 * components) and, of the manifest, rows, has_starts, first_start and last_start; `path` is for messages.
 * state: NULL, or that of the closed run behind which it was rated. All are borrowed. */
int toll_taxes_open_lines(const struct toll_book *book, const struct toll_run_files *files,
                          const struct toll_state *state, struct toll_taxes **out, struct toll_error *error);

/* ---- taxes_cents.c: what accounts owe, and nothing else ---- */

/* Usage with other charges: of several books whose buckets are those of the tables. */
struct toll_taxes_moves {
    const int64_t *const *of_bucket; /* by bucket: what each book charges more; NULL: nothing */
    unsigned books;                  /* at most TOLL_TAX_BOOKS_MAX */
};
/* cents[account * (1 + books) + k], by account of the book, zeroed: billable, in all periods; k 0: by the
 * tables as they are, 1 + i: by book i. The tables' accounts have the book's ids, and their buckets are
 * together by account. Otherwise as toll_taxes_open_lines; the result is the same for any number of threads.
 */
int toll_taxes_cents(const struct toll_book *book, const struct toll_run_files *files,
                     const struct toll_state *state, const struct toll_taxes_moves *moves, unsigned threads,
                     int64_t *cents, struct toll_error *error);

/* ---- taxes_find.c: what lines are looked up by ---- */
int toll_taxes_index(struct toll_taxes *taxes, struct toll_error *error);
void toll_taxes_index_free(struct toll_taxes *taxes);
int toll_taxes_list_tasks(struct toll_taxes *taxes, struct toll_error *error);
/* Rows of taxes.csv that are stale on the run's last day, on the clock of the book's zone. False: out of
 * memory. */
bool toll_taxes_list_stale(struct toll_taxes *taxes);
/* The first day of the billing period to which a period charge of the run belongs. */
int64_t toll_taxes_period_day(const struct toll_taxes *taxes, int64_t period);
int toll_taxes_jurisdiction(const struct toll_tuple_row *row); /* enum toll_call_jurisdiction */

/* ---- taxes_kept.c: what a merged run has of older books; after the accounts are matched ---- */
int toll_taxes_check_kept(const struct toll_taxes *taxes, struct toll_error *error);

/* ---- taxes_recipes.c: each distinct tuple is solved once ---- */
struct toll_taxes_place {
    uint32_t account;
    int32_t site; /* of the book, 0 none */
    int32_t area;
};
/* Of a line that is no usage. *recipe: of taxes->recipes. */
int toll_taxes_solve(struct toll_taxes *taxes, const struct toll_taxes_place *place, uint32_t split,
                     unsigned kinds, int32_t day, uint32_t *recipe, struct toll_error *error);
int toll_taxes_solve_tuple(struct toll_taxes *taxes, const struct toll_taxes_place *place, uint32_t tuple,
                           uint32_t *recipe, struct toll_error *error);

/* ---- taxes_lines.c: the charge lines of a task, evaluated ---- */
int toll_taxes_evaluate(struct toll_taxes *taxes, size_t task, struct toll_error *error);
/* A task's billable cents: 1 + books of them, as toll_taxes_cents has them. */
int toll_taxes_cents_of(struct toll_taxes *taxes, size_t task, const int64_t *const *of_bucket,
                        unsigned books, int64_t *cents, struct toll_error *error);

/* ---- taxes_text.c: room for texts ---- */
bool toll_taxes_text_make(struct toll_taxes *taxes);

/* ---- taxes_sums.c ---- */
struct toll_taxes_sum *toll_taxes_sum_of(struct toll_taxes_sums *sums, const char *key, size_t bytes);
bool toll_taxes_sums_sort(struct toll_taxes_sums *sums);
void toll_taxes_sums_free(struct toll_taxes_sums *sums);
/* Adds the evaluated task to suspense, coverage and totals; false: out of memory. */
bool toll_taxes_sum_task(struct toll_taxes *taxes);
/* When all are: coverage loses what somebody has decided about. */
bool toll_taxes_finish_sums(struct toll_taxes *taxes);

const char *toll_taxes_currency(const struct toll_taxes *taxes, uint32_t account);
const char *toll_taxes_kind_text(enum toll_charge_line_kind kind);
/* The tuple of a usage line, NULL of others; the name of a line's product, or "". */
const struct toll_tuple_row *toll_taxes_tuple_of(const struct toll_taxes *taxes,
                                                 const struct toll_taxes_source *source);
const char *toll_taxes_product(const struct toll_taxes *taxes, const struct toll_taxes_source *source);

#endif
