/*
 * A tuple's components, made ready to be applied to many charge lines: whole coefficients in 1e-18 where they
 * are exact, and dense numbers of what is summed together, so that sums are found without looking for names.
 */
#ifndef TOLL_TAX_RECIPE_H
#define TOLL_TAX_RECIPE_H

#include "base/strings.h"
#include "tax/components.h"

/* What the register keeps apart within a site: a tax, its jurisdiction, and its rate. */
struct toll_tax_tone {
    int32_t tax, jurisdiction;
    uint32_t pair; /* the tax and jurisdiction alone: what is rounded together */
    bool brackets; /* several of them; else: */
    int64_t rate;  /* in 1e-12; money of kinds other than rate */
};
/* Numbers given so far: pairs from 0, tones from 0. Not thread safe. */
struct toll_tax_ledger {
    struct toll_strings pairs, tones;
    struct toll_tax_tone *list; /* by tone */
    uint32_t pair_count, tone_count, room;
};
void toll_tax_ledger_free(struct toll_tax_ledger *ledger); /* zero-initialise to start */

/* What a line's numbers are multiplied with: its charge, minutes, and units (counted lines, or 1). */
struct toll_tax_factors {
    int64_t charge, minute; /* in 1e-18 */
    int64_t unit;           /* in 1e-12 */
};
struct toll_tax_part { /* of a component */
    uint32_t pair, tone;
    bool fast; /* the following are exact, and it stands on no other component */
    struct toll_tax_factors tax, base, exempt;
    const struct toll_rational *taxed;         /* 1 - exempt percent */
    const struct toll_rational *exempt_charge; /* of a unit of charge */
};
struct toll_tax_recipe {
    struct toll_tax_list list;
    const struct toll_tax_part *parts; /* by component */
};

/* Everything but the ledger's tables lies in the arena. As toll_tax_components. */
int toll_tax_recipe_make(const struct toll_tax_tables *tables, const struct toll_tax_index *index,
                         const struct toll_tax_facts *facts, struct toll_tax_ledger *ledger,
                         struct toll_arena *arena, struct toll_tax_recipe *out, struct toll_error *error);

/* The price of a charge that has `amount` with all its billable taxes in it: docs/TAX.md section 5, 1. False:
 * does not fit. *late: the place of a component that is no sum of its line alone; else count. */
bool toll_tax_net_of(const struct toll_tax_tables *tables, const struct toll_tax_recipe *recipe,
                     const struct toll_rational *amount, struct toll_rational *net, uint32_t *late);

#endif
