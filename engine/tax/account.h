/*
 * What an account owes for a period: charge lines in, rows of the register out, exact and in cents
 * (docs/TAX.md sections 3, 5 and 6). A pure function of its lines; the memory is kept from one account to the
 * next.
 */
#ifndef TOLL_TAX_ACCOUNT_H
#define TOLL_TAX_ACCOUNT_H

#include "tax/recipe.h"
#include "tax/sum.h"

/* A row of the inventory, as a line counts it. */
struct toll_tax_inventory {
    const char *type;
    int64_t quantity;
    int32_t days, period_days; /* in force in the period, and all of it */
    bool first_of_site;
};
struct toll_tax_charge_line {
    const struct toll_tax_recipe *recipe;       /* NULL: nothing applies, or it is in suspense */
    uint32_t site;                              /* of the account's, from 0 on in bytewise order */
    toll_total charge;                          /* in 1e-14 */
    const struct toll_rational *net;            /* instead, of a price that includes taxes; else NULL */
    int64_t seconds;                            /* billed, of voice */
    const struct toll_tax_inventory *inventory; /* of kind service; else NULL */
};

enum toll_tax_measure {
    TOLL_TAX_EXACT,
    TOLL_TAX_TAXED_BASE,
    TOLL_TAX_EXEMPT,
    TOLL_TAX_COUNTED,
    TOLL_TAX_MEASURES
};

/* A line's component. Only those that count: of the inventory what a tax's line_basis has. */
struct toll_tax_item {
    uint32_t line, place; /* of the lines, and of its recipe's components */
    uint32_t row;         /* of the register */
    uint32_t group;       /* what is rounded together */
    int64_t cents;
    struct toll_tax_sum measure[TOLL_TAX_MEASURES]; /* COUNTED: lines, of kind per_line only */
};
struct toll_tax_row {
    uint32_t site, tone;
    uint32_t last_line;
    int64_t lines; /* charge lines */
    int64_t cents;
    struct toll_tax_sum measure[TOLL_TAX_MEASURES];
};

struct toll_tax_account {
    /* results of the last evaluation, until the next */
    struct toll_tax_item *items; /* by line and component */
    size_t item_count;
    struct toll_tax_row *rows; /* by site, jurisdiction, tax and rate */
    uint32_t row_count;
    struct toll_arena arena; /* of what is no whole number */
    /* memory */
    struct toll_tax_account_memory *memory;
};

/* Zero-initialise to start. Lines in the order of docs/TAX.md section 5; sites: how many the lines name.
 * TOLL_EDATA: an amount with more digits than fit (the text says which tax); TOLL_ENOMEM. */
int toll_tax_account_evaluate(struct toll_tax_account *account, const struct toll_tax_tables *tables,
                              const struct toll_tax_ledger *ledger, const struct toll_tax_charge_line *lines,
                              size_t line_count, uint32_t sites, struct toll_error *error);

/* ---- beside.c: the same lines with other charges ---- */

struct toll_tax_beside {
    const int64_t *const *of_line; /* by line: what each book charges more, in 1e-8; NULL: all the same */
    unsigned books;
};
#define TOLL_TAX_BOOKS_MAX 64
/* What the lines owe in billable cents: cents[0] as they are, cents[1 + k] with the charges of book k. Each
 * is what toll_tax_account_evaluate gives, rows added up; rows and items are worth nothing afterwards. The
 * lines are changed and are as before. Errors as there. */
int toll_tax_account_cents(struct toll_tax_account *account, const struct toll_tax_tables *tables,
                           const struct toll_tax_ledger *ledger, struct toll_tax_charge_line *lines,
                           size_t line_count, uint32_t sites, const struct toll_tax_beside *moves,
                           int64_t *cents, struct toll_error *error);
void toll_tax_account_free(struct toll_tax_account *account);

/* Room for `count` things, doubled; false: out of memory. New memory is zero. */
bool toll_tax_grow(void **list, size_t *room, size_t count, size_t bytes);

#endif
