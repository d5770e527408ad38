/*
 * A tuple's components: those that apply, solved. And the small helps around them: names, sets, the text of a
 * split, a component's tax of one line.
 */
#include "tax/components.h"

#include "base/check.h"
#include "tax/apply.h"

#include <stdio.h>
#include <string.h>

const char *toll_tax_reason_name(enum toll_tax_reason reason)
{
    static const char *const names[TOLL_TAX_REASONS] = {
        "", "no_site", "no_area", "no_tax_service", "no_leg_place", "no_seller"};

    return reason >= 0 && reason < TOLL_TAX_REASONS ? names[reason] : "";
}

const char *toll_tax_level_name(int level)
{
    static const char *const names[TOLL_TAX_LEVELS] = {"federal", "state", "county", "city", "district"};

    return level >= 0 && level < TOLL_TAX_LEVELS ? names[level] : "";
}

const char *toll_tax_kind_name(int kind)
{
    static const char *const names[] = {"rate", "per_minute", "per_line", "per_account", "fixed"};

    return kind >= 0 && kind < (int)(sizeof names / sizeof *names) ? names[kind] : "";
}

uint32_t toll_tax_in_two(const struct toll_tax_set sets[3], int32_t *ids)
{
    uint32_t at[3] = {0}, count = 0;

    for (;;) {
        int32_t least = INT32_MAX;
        int in = 0;

        for (int i = 0; i < 3; i++) {
            if (at[i] < sets[i].count && sets[i].ids[at[i]] < least)
                least = sets[i].ids[at[i]];
        }
        if (least == INT32_MAX)
            return count;
        for (int i = 0; i < 3; i++) {
            if (at[i] < sets[i].count && sets[i].ids[at[i]] == least) {
                at[i]++;
                in++;
            }
        }
        if (in >= 2)
            ids[count++] = least;
    }
}

bool toll_tax_split_text(const struct toll_tax_tables *tables, uint32_t split, char *out, size_t room)
{
    const struct toll_tax_split *of = &tables->splits[split];
    size_t length = 0;

    if (room == 0)
        return false;
    *out = 0;
    for (uint32_t i = 0; split != 0 && i < of->count; i++) {
        const struct toll_tax_split_part *part = &tables->split_parts[of->first + i];
        const char *name = toll_tax_string(tables, tables->services[part->service]);
        char text[TOLL_RATIONAL_TEXT_BYTES] = "";
        struct toll_rational share;

        if (of->count > 1 || part->share != TOLL_TAX_ONE) {
            toll_rational_of(&share, part->share, TOLL_TAX_ONE);
            text[0] = ':';
            toll_rational_text(&share, text + 1);
        }
        const int wrote = snprintf(out + length, room - length, "%s%s%s", i > 0 ? ";" : "", name, text);
        if (wrote < 0 || (size_t)wrote >= room - length)
            return false;
        length += (size_t)wrote;
    }
    return true;
}

int toll_tax_components(const struct toll_tax_index *index, const struct toll_tax_facts *facts,
                        struct toll_arena *arena, struct toll_tax_list *out, struct toll_error *error)
{
    const int code = toll_tax_apply(index, facts, arena, out, error);

    if (code != 0 || out->count == 0)
        return code;
    return toll_tax_solve(index->tables, arena, out, error);
}

static bool add_product(struct toll_rational *sum, const struct toll_rational *a,
                        const struct toll_rational *b)
{
    struct toll_rational product;

    if (toll_rational_is_zero(a) || toll_rational_is_zero(b))
        return true;
    return toll_rational_multiply(&product, a, b) && toll_rational_add(sum, sum, &product);
}

bool toll_tax_of(const struct toll_tax_component *component, const struct toll_rational *charge,
                 const struct toll_rational *minutes, const struct toll_rational *sources,
                 struct toll_rational *out)
{
    struct toll_rational sum;
    bool fits;

    TOLL_DCHECK(!component->source);
    toll_rational_zero(&sum);
    fits =
        add_product(&sum, component->per_charge, charge) && add_product(&sum, component->per_minute, minutes);
    for (uint32_t i = 0; fits && i < component->term_count; i++)
        fits = add_product(&sum, component->terms[i].tax, &sources[component->terms[i].source]);
    if (fits)
        toll_rational_copy(out, &sum);
    return fits;
}

bool toll_tax_taxed_of(const struct toll_tax_component *component, const struct toll_rational *charge,
                       const struct toll_rational *minutes, const struct toll_rational *sources,
                       struct toll_rational *out)
{
    struct toll_rational sum;
    bool fits;

    toll_rational_zero(&sum);
    fits = add_product(&sum, component->taxed_per_charge, charge) &&
           add_product(&sum, component->taxed_per_minute, minutes);
    for (uint32_t i = 0; fits && i < component->term_count; i++)
        fits = add_product(&sum, component->terms[i].taxed, &sources[component->terms[i].source]);
    if (fits)
        toll_rational_copy(out, &sum);
    return fits;
}
