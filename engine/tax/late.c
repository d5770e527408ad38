/*
 * Taxes that are no sum of their line alone: with brackets, threshold or cap, which run over what an account,
 * a site or a line has had before; and those for counted lines, accounts and charges (docs/TAX.md sections 3
 * and 6).
 */
#include "tax/account_memory.h"

#include <string.h>

#define PER_UNIT INT64_C(1000000)

/* ---- counted lines ---- */

bool toll_tax_count(const struct toll_tax_tables *tables, const struct toll_tax *tax,
                    const struct toll_tax_inventory *inventory, toll_total *n, int64_t *d)
{
    const struct toll_tax_line_basis *basis = &tables->line_bases[tax->basis_first];
    bool counts = false, location = false;
    toll_total lines = 0, at_location = 0;
    *d = tax->part_month == TOLL_TAX_MONTH_PRORATED ? inventory->period_days : 1;
    for (uint32_t i = 0; i < tax->basis_count; i++) {
        const char *type = toll_tax_string(tables, basis[i].type);
        if (strcmp(type, "location") == 0 && inventory->first_of_site) {
            location = true;
            at_location = basis[i].weight;
        }
        if (strcmp(type, inventory->type) == 0) {
            counts = true;
            lines = (toll_total)basis[i].weight * inventory->quantity;
        }
    }
    if (tax->part_month == TOLL_TAX_MONTH_NONE && inventory->days != inventory->period_days)
        counts = false;
    if (tax->part_month == TOLL_TAX_MONTH_PRORATED)
        lines *= inventory->days;
    *n = (counts ? lines : 0) + at_location * *d;
    return counts || location;
}

/* ---- brackets ---- */

static bool piece(const struct toll_rational *from, const struct toll_rational *to, int64_t rate,
                  int64_t unit, struct toll_rational *sum)
{
    struct toll_rational length, factor;
    toll_rational_of(&factor, rate, unit);
    return toll_rational_subtract(&length, to, from) && toll_rational_multiply(&length, &length, &factor) &&
           toll_rational_add(sum, sum, &length);
}

/* B of a y that is not negative: `scale` of the bounds, `unit` of the rates. */
static bool by_brackets(const struct toll_tax_tables *tables, const struct toll_tax_series *series,
                        const struct toll_rational *y, int64_t scale, int64_t unit, struct toll_rational *tax)
{
    const struct toll_tax_bracket *bracket = &tables->brackets[series->bracket_first];
    struct toll_rational from, to;
    toll_rational_zero(tax);
    for (uint32_t i = 0; i < series->bracket_count; i++, bracket++) {
        const bool last = i + 1 == series->bracket_count;
        toll_rational_of(&from, bracket->from, scale);
        if (toll_rational_compare(y, &from) <= 0)
            break;
        if (!last)
            toll_rational_of(&to, bracket[1].from, scale);
        if (!piece(&from, last || toll_rational_compare(y, &to) < 0 ? y : &to, bracket->rate, unit, tax))
            return false;
    }
    return true;
}

static void cut(struct toll_rational *value, int64_t most, int64_t scale)
{
    struct toll_rational limit;
    if (most == INT64_MAX)
        return;
    toll_rational_of(&limit, most, scale);
    if (toll_rational_compare(value, &limit) > 0)
        toll_rational_copy(value, &limit);
}

bool toll_tax_curve(const struct toll_tax_tables *tables, const struct toll_tax_series *series,
                    const struct toll_rational *x, struct toll_rational *tax, struct toll_rational *base)
{
    const unsigned kind = tables->taxes[series->tax].kind;
    const int64_t scale = kind == TOLL_TAX_RATE ? TOLL_MONEY_UNIT : PER_UNIT;
    const int64_t unit = kind == TOLL_TAX_RATE ? TOLL_TAX_ONE : TOLL_MONEY_UNIT;
    const bool negative = x->negative;
    struct toll_rational threshold;
    toll_rational_copy(base, x);
    base->negative = false;
    if (kind == TOLL_TAX_PER_LINE)
        cut(base, series->cap, PER_UNIT);
    toll_rational_of(&threshold, series->threshold, scale);
    if (toll_rational_compare(base, &threshold) <= 0)
        toll_rational_zero(base);
    else if (!toll_rational_subtract(base, base, &threshold))
        return false;
    if (!by_brackets(tables, series, base, scale, unit, tax))
        return false;
    if (kind != TOLL_TAX_PER_LINE)
        cut(tax, series->cap, TOLL_MONEY_UNIT);
    base->negative = negative && !toll_rational_is_zero(base);
    tax->negative = negative && !toll_rational_is_zero(tax);
    return true;
}

/* ---- what was before ---- */

static struct toll_tax_running *running_of(struct toll_tax_account *account, uint32_t pair, unsigned scope,
                                           uint32_t site, uint32_t line)
{
    struct toll_tax_account_memory *memory = account->memory;
    struct toll_tax_stamp *stamp = &memory->pair_running[pair];
    struct toll_tax_running *found;
    const uint32_t wanted_site = scope == TOLL_TAX_SCOPE_LOCATION ? site : 0;
    if (stamp->stamp != memory->account_stamp)
        *stamp = (struct toll_tax_stamp){memory->account_stamp, TOLL_TAX_NONE};
    for (uint32_t i = stamp->at; i != TOLL_TAX_NONE; i = memory->running[i].next) {
        found = &memory->running[i];
        if (found->site != wanted_site)
            continue;
        if (scope == TOLL_TAX_SCOPE_LINE && found->line != line) {
            found->line = line;
            toll_rational_zero(&found->before);
        }
        return found;
    }
    if (!toll_tax_room(account, (void **)&memory->running, &memory->running_room,
                       memory->running_count + (size_t)1, sizeof *memory->running))
        return NULL;
    found = &memory->running[memory->running_count];
    found->pair = pair;
    found->site = wanted_site;
    found->line = line;
    found->next = stamp->at;
    toll_rational_zero(&found->before);
    stamp->at = memory->running_count++;
    return found;
}

static bool bracketed(struct toll_tax_account *account, const struct toll_tax_tables *tables,
                      const struct toll_tax_charge_line *line, uint32_t line_index, uint32_t place,
                      const struct toll_rational *x)
{
    const struct toll_tax_component *component = &line->recipe->list.components[place];
    const struct toll_tax_series *series = &tables->series[component->series];
    struct toll_tax_source *source = &account->memory->sources[place];
    struct toll_rational tax, base, after;
    struct toll_tax_running *running =
        running_of(account, line->recipe->parts[place].pair, tables->taxes[component->tax].scope, line->site,
                   line_index);
    if (running == NULL || !toll_rational_add(&after, &running->before, x) ||
        !toll_tax_curve(tables, series, &running->before, &tax, &base) ||
        !toll_tax_curve(tables, series, &after, &source->tax, &source->base) ||
        !toll_rational_subtract(&source->tax, &source->tax, &tax) ||
        !toll_rational_subtract(&source->base, &source->base, &base))
        return false;
    toll_rational_copy(&running->before, &after);
    return toll_rational_subtract(&source->over, x, &source->base);
}

/* ---- all of a line ---- */

static bool one_source(struct toll_tax_account *account, const struct toll_tax_tables *tables,
                       const struct toll_tax_charge_line *line, uint32_t line_index, uint32_t place,
                       const struct toll_rational *charge, const struct toll_rational *minutes)
{
    const struct toll_tax_component *component = &line->recipe->list.components[place];
    const struct toll_tax *tax = &tables->taxes[component->tax];
    struct toll_tax_source *source = &account->memory->sources[place];
    struct toll_rational x;
    source->present = true;
    toll_rational_zero(&source->counted);
    toll_rational_zero(&source->over);
    if (tax->kind == TOLL_TAX_RATE)
        return toll_tax_taxed_of(component, charge, minutes, account->memory->source_taxes, &x) &&
               bracketed(account, tables, line, line_index, place, &x);
    if (tax->kind == TOLL_TAX_PER_MINUTE) {
        toll_rational_copy(&x, minutes);
    } else if (tax->kind == TOLL_TAX_PER_LINE) {
        toll_total n = 0;
        int64_t d = 1;
        struct toll_rational unit;
        source->present = line->inventory != NULL && toll_tax_count(tables, tax, line->inventory, &n, &d);
        toll_rational_of_total(&x, source->present ? n : 0, d);
        toll_rational_of(&unit, 1, PER_UNIT);
        if (!toll_rational_multiply(&x, &x, &unit))
            return false;
        toll_rational_copy(&source->counted, &x);
    } else {
        toll_rational_of(&x, 1, 1);
    }
    if (!source->present) {
        toll_rational_zero(&source->tax);
        toll_rational_zero(&source->base);
        return true;
    }
    if (!component->bracketed)
        return toll_rational_multiply(&source->tax, &x, component->per_unit) &&
               toll_rational_multiply(&source->base, &x, line->recipe->parts[place].taxed);
    if (!toll_rational_multiply(&x, &x, line->recipe->parts[place].taxed) ||
        !bracketed(account, tables, line, line_index, place, &x))
        return false;
    toll_rational_zero(&source->over); /* only of charges */
    return true;
}

bool toll_tax_sources(struct toll_tax_account *account, const struct toll_tax_tables *tables,
                      const struct toll_tax_charge_line *line, uint32_t line_index,
                      const struct toll_rational *charge, const struct toll_rational *minutes,
                      uint32_t *place)
{
    const struct toll_tax_list *list = &line->recipe->list;
    struct toll_tax_account_memory *memory = account->memory;
    size_t room = memory->source_room;
    if (!toll_tax_room(account, (void **)&memory->sources, &room, list->count, sizeof *memory->sources) ||
        !toll_tax_room(account, (void **)&memory->source_taxes, &memory->source_room, list->count,
                       sizeof *memory->source_taxes))
        return false;
    for (uint32_t i = 0; i < list->count; i++) {
        *place = list->order[i];
        if (!list->components[*place].source)
            continue;
        if (!one_source(account, tables, line, line_index, *place, charge, minutes))
            return false;
        toll_rational_copy(&memory->source_taxes[*place], &memory->sources[*place].tax);
    }
    return true;
}
