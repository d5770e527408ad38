/* Inside of account.h: the memory of an evaluation, and the steps that share it. */
#ifndef TOLL_TAX_ACCOUNT_MEMORY_H
#define TOLL_TAX_ACCOUNT_MEMORY_H

#include "tax/account.h"

#define TOLL_TAX_NONE UINT32_MAX

/* What a tax has had in a jurisdiction so far, of the account, a site, or the line. */
struct toll_tax_running {
    uint32_t pair, site;
    uint32_t next; /* in its list of `heads` */
    uint32_t line; /* of scope line: whose it is */
    struct toll_rational before;
};
struct toll_tax_group { /* what is rounded together */
    int32_t tax;
    uint32_t first, count; /* of `sorted`: its items */
    uint32_t linear;       /* 1 + the first of its `linears`; 0 none */
    struct toll_tax_sum sum;
};
/* What is rounded together and has the same fraction for a coefficient; beside.c. */
struct toll_tax_linear {
    uint32_t next;                                       /* as `linear` of the group */
    const struct toll_rational *per_charge, *per_minute; /* of the recipe */
    toll_total seconds;
};
/* Of a tax that is no sum: what it came to on the line. */
struct toll_tax_source {
    bool present;
    struct toll_rational tax, base, over /* what the threshold took off */;
    struct toll_rational counted;
};

struct toll_tax_stamp { /* is the number of now? */
    uint64_t stamp;
    uint32_t at;
};
struct toll_tax_account_memory {
    size_t item_room, sorted_room, group_room, running_room, row_room, source_room;
    size_t rest_room, pair_room, tone_room, line_room, site_room, beside_room, linear_room, charge_room;
    uint32_t group_count, running_count;
    uint32_t head_count; /* 0 or a power of 2 */
    struct toll_tax_group *groups;
    uint32_t *sorted; /* items by group */
    void *rests;
    struct toll_tax_running *running;
    struct toll_tax_source *sources; /* by place in the line's list */
    struct toll_rational *source_taxes;
    struct toll_tax_stamp *heads;      /* lists of `running`, by a hash of pair and site */
    struct toll_tax_stamp *pair_group; /* by pair */
    struct toll_tax_stamp *tone_row;   /* by tone */
    uint64_t stamp, account_stamp, site_stamp, line_stamp;
    bool no_memory;       /* why an evaluation failed, if not of digits */
    uint32_t *item_first; /* by line, and the end */
    uint32_t *by_site;    /* lines */
    toll_total *beside;   /* by group and book: what is rounded together */
    struct toll_tax_linear *linears;
    toll_total *linear_charges; /* by linear and book */
    uint32_t linear_count;
    uint32_t *site_end; /* of by_site; [s + 1] of site s */
};

/* toll_tax_grow and toll_tax_sum_add, which remember that memory was out. */
static inline bool toll_tax_room(struct toll_tax_account *account, void **list, size_t *room, size_t count,
                                 size_t bytes)
{
    const bool good = toll_tax_grow(list, room, count, bytes);
    account->memory->no_memory = account->memory->no_memory || !good;
    return good;
}
static inline bool toll_tax_add(struct toll_tax_account *account, struct toll_tax_sum *sum,
                                const struct toll_tax_sum *value)
{
    const bool good = toll_tax_sum_add(sum, value, &account->arena);
    account->memory->no_memory =
        account->memory->no_memory || (!good && value->rest != NULL && sum->rest == NULL);
    return good;
}

/* ---- account.c ---- */

/* What a line's numbers are, as whole numbers where they can be. */
struct toll_tax_numbers {
    bool whole;
    int64_t charge, seconds; /* in 1e-8 */
    bool known;              /* the fractions are made */
    struct toll_rational exact, minutes;
};
#define TOLL_TAX_PER_CHARGE (INT64_C(1000000)) /* of 1e-14 in 1e-8 */
#define TOLL_TAX_CHARGE_MOST (INT64_C(1) << 53)
#define TOLL_TAX_SECONDS_A_MINUTE 60
void toll_tax_numbers_of(const struct toll_tax_charge_line *line, struct toll_tax_numbers *numbers);

enum toll_tax_outcome { TOLL_TAX_FAST, TOLL_TAX_SLOW, TOLL_TAX_ABSENT };
/* An item, zeroed before, of whole numbers and a part that is `fast`. */
enum toll_tax_outcome toll_tax_fast_item(const struct toll_tax_tables *tables,
                                         const struct toll_tax_charge_line *line, uint32_t place,
                                         const struct toll_tax_numbers *numbers, struct toll_tax_item *item);

/* Has memory; false: out of it. */
bool toll_tax_account_ready(struct toll_tax_account *account);
/* Forgets the last evaluation. False: out of memory. */
bool toll_tax_account_begin(struct toll_tax_account *account, const struct toll_tax_ledger *ledger,
                            size_t line_count, uint32_t sites);
/* Lines by site into memory->by_site, those of a site in their order. */
void toll_tax_sort_by_site(struct toll_tax_account_memory *memory, const struct toll_tax_charge_line *lines,
                           size_t line_count, uint32_t sites);
/* What a line's component is rounded with: lines are asked for by site, and stamps begin with each line and
 * site. TOLL_TAX_NONE: out of memory. */
uint32_t toll_tax_group_of(struct toll_tax_account *account, const struct toll_tax *tax, int32_t id,
                           uint32_t pair);
static inline void toll_tax_next_line(struct toll_tax_account_memory *memory, bool other_site)
{
    memory->line_stamp = ++memory->stamp;
    if (other_site)
        memory->site_stamp = ++memory->stamp;
}

/* ---- late.c ---- */

/* The tax of x by a series with brackets, threshold and cap, and what of x is taxed at all. */
bool toll_tax_curve(const struct toll_tax_tables *tables, const struct toll_tax_series *series,
                    const struct toll_rational *x, struct toll_rational *tax, struct toll_rational *base);
/* All taxes of a line that are no sums, in their order, into memory->sources. False: does not fit, or out of
 * memory; *place is then that of the component. */
bool toll_tax_sources(struct toll_tax_account *account, const struct toll_tax_tables *tables,
                      const struct toll_tax_charge_line *line, uint32_t line_index,
                      const struct toll_rational *charge, const struct toll_rational *minutes,
                      uint32_t *place);

/* How many lines a row of the inventory counts for a tax: n / d in 1e-6. False: it is none of them. */
bool toll_tax_count(const struct toll_tax_tables *tables, const struct toll_tax *tax,
                    const struct toll_tax_inventory *inventory, toll_total *n, int64_t *d);

/* ---- cents.c ---- */

/* Rounds each group and gives its cents to its items. */
bool toll_tax_give_cents(struct toll_tax_account *account, const struct toll_tax_tables *tables);

#endif
