/*
 * Inside of toll_impact_make: sums get their names. A table is built of rows by name and currency, in which
 * sides meet that have other ids; at the end it is sorted.
 */
#ifndef TOLL_PIPELINE_IMPACT_TABLES_H
#define TOLL_PIPELINE_IMPACT_TABLES_H

#include "base/arena.h"
#include "base/strings.h"
#include "pipeline/impact_sums.h"

struct toll_impact_naming { /* of a row: by id of its key */
    const char *name;
    const struct toll_impact_price *price;
};
/* Key: texts with a NUL behind each, so that their order is that of the bytes; the first is the row's key. */
struct toll_impact_entries {
    struct toll_strings keys;
    struct toll_impact_naming *naming; /* by id */
    struct toll_measure *measures;     /* (id * currencies + currency) * books */
    bool *present;                     /* by id * currencies + currency */
    uint32_t room;                     /* ids */
};

struct toll_impact_owned {
    struct toll_arena arena;
    struct toll_strings texts;
    struct toll_impact_entries tables[TOLL_DIMENSIONS];
    struct toll_impact_row *rows[TOLL_DIMENSIONS];
    struct toll_impact_moved *moved;
    struct toll_sum *moved_charges;
    struct toll_impact_status_move *status_moves;
    struct toll_impact_accounts *accounts;
};

struct toll_impact_maker {
    struct toll_impact *out;
    struct toll_impact_owned *owned;
    struct toll_impact_sums *sums;
    const struct toll_impact_shape *shape;
    const struct toll_impact_side *sides;
    const struct toll_impact_wishes *wishes;
    const char *currencies[TOLL_IMPACT_CURRENCIES]; /* copied */
};

/* Copied once; NULL: no memory. */
const char *toll_impact_text(struct toll_impact_owned *owned, const char *text);
/* The books' measures of a row, made if it is not there; NULL: no memory. name: of a new one. */
struct toll_measure *toll_impact_entry(struct toll_impact_maker *maker, enum toll_dimension dimension,
                                       const char *key, size_t bytes, uint32_t currency,
                                       const struct toll_impact_naming *naming);
/* Adds what a side has under a key of a plane. */
void toll_impact_measure_add(struct toll_measure *to, const struct toll_impact_words *words);
static inline void toll_sum_join(struct toll_sum *sum, toll_total more)
{
    const toll_total total = ((toll_total)sum->high * ((toll_total)1 << 64)) + sum->low + more;
    *sum = (struct toll_sum){.low = (uint64_t)total, .high = (int64_t)(total >> 64)};
}
static inline toll_total toll_sum_total(struct toll_sum sum)
{
    return ((toll_total)sum.high * ((toll_total)1 << 64)) + sum.low;
}
static inline struct toll_sum toll_sum_of(toll_total total)
{
    return (struct toll_sum){.low = (uint64_t)total, .high = (int64_t)(total >> 64)};
}

/* Each false: no memory. */
bool toll_impact_fill_small(struct toll_impact_maker *maker);    /* accounts, classes ... statuses, totals */
bool toll_impact_fill_prices(struct toll_impact_maker *maker);   /* prices, destinations, decks, moved */
bool toll_impact_fill_accounts(struct toll_impact_maker *maker); /* impact on accounts; after the tables */
bool toll_impact_sort_tables(struct toll_impact_maker *maker);
bool toll_impact_fill_status_moves(struct toll_impact_maker *maker);

#endif
