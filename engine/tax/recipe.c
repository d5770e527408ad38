/* Components made ready for many lines. See recipe.h. */
#include "tax/recipe.h"

#include <stdlib.h>
#include <string.h>

void toll_tax_ledger_free(struct toll_tax_ledger *ledger)
{
    toll_strings_free(&ledger->pairs);
    toll_strings_free(&ledger->tones);
    free(ledger->list);
    *ledger = (struct toll_tax_ledger){0};
}

/* ---- dense numbers ---- */

static bool number_tone(struct toll_tax_ledger *ledger, const struct toll_tax_tables *tables,
                        const struct toll_tax_component *component, struct toll_tax_part *part)
{
    const struct toll_tax_series *series = &tables->series[component->series];
    const int64_t pair_key[2] = {component->tax, component->jurisdiction};
    const int64_t tone_key[4] = {component->tax, component->jurisdiction, series->bracket_count > 1,
                                 series->bracket_count > 1 ? 0
                                                           : tables->brackets[series->bracket_first].rate};
    const uint32_t pair = toll_strings_add(&ledger->pairs, (const char *)pair_key, sizeof pair_key);
    const uint32_t tone = toll_strings_add(&ledger->tones, (const char *)tone_key, sizeof tone_key);
    if (pair == 0 || tone == 0)
        return false;
    part->pair = pair - 1;
    part->tone = tone - 1;
    ledger->pair_count = ledger->pairs.count;
    if (tone <= ledger->tone_count)
        return true;
    if (ledger->tone_count == ledger->room) {
        const uint32_t room = ledger->room * 2 + 256;
        struct toll_tax_tone *list = realloc(ledger->list, room * sizeof *list);
        if (list == NULL)
            return false;
        ledger->list = list;
        ledger->room = room;
    }
    ledger->list[ledger->tone_count++] = (struct toll_tax_tone){
        .tax = component->tax,
        .jurisdiction = component->jurisdiction,
        .pair = part->pair,
        .brackets = tone_key[2] != 0,
        .rate = tone_key[3],
    };
    return true;
}

/* ---- coefficients ---- */

/* A factor that stays far from the end of 64 bits, so that products of it with what a line has fit 128. */
static bool whole(const struct toll_rational *value, int decimals, int64_t *out)
{
    const int64_t most = INT64_MAX / 2;
    return toll_rational_exact(value, decimals, out) && *out <= most && *out >= -most;
}

static bool all_whole(const struct toll_tax_component *component, unsigned kind, struct toll_tax_part *part)
{
    if (component->bracketed || component->term_count != 0 ||
        !whole(component->per_charge, 18, &part->tax.charge) ||
        !whole(component->per_minute, 18, &part->tax.minute))
        return false;
    if (kind == TOLL_TAX_RATE)
        return whole(component->taxed_per_charge, 18, &part->base.charge) &&
               whole(component->taxed_per_minute, 18, &part->base.minute) &&
               whole(part->exempt_charge, 18, &part->exempt.charge);
    if (kind == TOLL_TAX_PER_MINUTE)
        return whole(part->taxed, 18, &part->base.minute);
    return whole(component->per_unit, 12, &part->tax.unit) && whole(part->taxed, 12, &part->base.unit);
}

static bool make_part(const struct toll_tax_tables *tables, const struct toll_tax_component *component,
                      struct toll_arena *arena, struct toll_tax_part *part)
{
    struct toll_rational exempt, value;
    toll_rational_of(&value, TOLL_TAX_PERCENT_ONE - component->exempt, TOLL_TAX_PERCENT_ONE);
    part->taxed = toll_rational_keep(&value, arena);
    toll_rational_of(&exempt, component->exempt, TOLL_TAX_PERCENT_ONE);
    if (!toll_rational_multiply(&value, component->base, &exempt))
        return false;
    part->exempt_charge = toll_rational_keep(&value, arena);
    if (part->taxed == NULL || part->exempt_charge == NULL)
        return false;
    part->fast = all_whole(component, tables->taxes[component->tax].kind, part);
    return true;
}

int toll_tax_recipe_make(const struct toll_tax_tables *tables, const struct toll_tax_index *index,
                         const struct toll_tax_facts *facts, struct toll_tax_ledger *ledger,
                         struct toll_arena *arena, struct toll_tax_recipe *out, struct toll_error *error)
{
    *out = (struct toll_tax_recipe){0};
    const int rc = toll_tax_components(index, facts, arena, &out->list, error);
    if (rc != 0)
        return rc;
    struct toll_tax_part *parts = toll_arena_alloc(arena, (out->list.count + (size_t)1) * sizeof *parts);
    bool good = parts != NULL;
    for (uint32_t i = 0; good && i < out->list.count; i++)
        good = make_part(tables, &out->list.components[i], arena, &parts[i]) &&
               number_tone(ledger, tables, &out->list.components[i], &parts[i]);
    out->parts = parts;
    return good ? 0 : toll_error_set(error, TOLL_ENOMEM, "out of memory for taxes");
}

/* ---- prices that include their taxes ---- */

/* A fixed tax is the same whatever the charge; what stands on it is, too. The sum of all billable taxes is
 * then K x charge + D: the charge is (amount - D) / (1 + K). */
bool toll_tax_net_of(const struct toll_tax_tables *tables, const struct toll_tax_recipe *recipe,
                     const struct toll_rational *amount, struct toll_rational *net, uint32_t *late)
{
    const struct toll_tax_list *list = &recipe->list;
    struct toll_rational factor, fixed, term;
    *late = list->count;
    toll_rational_of(&factor, 1, 1);
    toll_rational_zero(&fixed);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct toll_tax_component *component = &list->components[i];
        if (!tables->taxes[component->tax].billable)
            continue;
        if (component->late) {
            *late = i;
            return true;
        }
        if (component->source && !toll_rational_add(&fixed, &fixed, component->per_unit))
            return false;
        if (!component->source && !toll_rational_add(&factor, &factor, component->per_charge))
            return false;
        for (uint32_t k = 0; k < component->term_count; k++) {
            const struct toll_tax_term *one = &component->terms[k];
            if (!toll_rational_multiply(&term, one->tax, list->components[one->source].per_unit) ||
                !toll_rational_add(&fixed, &fixed, &term))
                return false;
        }
    }
    return toll_rational_subtract(net, amount, &fixed) && toll_rational_divide(net, net, &factor);
}
