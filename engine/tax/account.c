/*
 * What an account owes. Lines are evaluated in their order, since what comes late in brackets depends on what
 * came before; then the items are summed up site by site into rows and into what is rounded together. See
 * account.h.
 */
#include "tax/account_memory.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS_A_MINUTE TOLL_TAX_SECONDS_A_MINUTE
#define PER_CHARGE TOLL_TAX_PER_CHARGE
#define CHARGE_MOST TOLL_TAX_CHARGE_MOST
#define SECONDS_MOST (INT64_C(1) << 31)

bool toll_tax_grow(void **list, size_t *room, size_t count, size_t bytes)
{
    if (count <= *room)
        return true;
    const size_t wanted = count > 2 * *room ? count + 16 : 2 * *room;
    char *grown = realloc(*list, wanted * bytes);
    if (grown == NULL)
        return false;
    memset(grown + *room * bytes, 0, (wanted - *room) * bytes);
    *list = grown;
    *room = wanted;
    return true;
}

/* ---- a line ---- */

void toll_tax_numbers_of(const struct toll_tax_charge_line *line, struct toll_tax_numbers *numbers)
{
    numbers->known = false;
    numbers->whole = line->net == NULL && line->charge % PER_CHARGE == 0 &&
                     line->charge / PER_CHARGE <= CHARGE_MOST && line->charge / PER_CHARGE >= -CHARGE_MOST &&
                     line->seconds <= SECONDS_MOST && line->seconds >= -SECONDS_MOST;
    numbers->charge = numbers->whole ? (int64_t)(line->charge / PER_CHARGE) : 0;
    numbers->seconds = numbers->whole ? line->seconds : 0;
}

static bool make_fractions(const struct toll_tax_charge_line *line, struct toll_tax_numbers *numbers)
{
    struct toll_rational unit;
    if (numbers->known)
        return true;
    numbers->known = true;
    toll_rational_of(&numbers->minutes, line->seconds, SECONDS_A_MINUTE);
    if (line->net != NULL) {
        toll_rational_copy(&numbers->exact, line->net);
        return true;
    }
    toll_rational_of_total(&numbers->exact, line->charge, TOLL_MONEY_UNIT);
    toll_rational_of(&unit, 1, PER_CHARGE);
    return toll_rational_multiply(&numbers->exact, &numbers->exact, &unit);
}

static toll_total applied(const struct toll_tax_factors *factors, const struct toll_tax_numbers *numbers)
{
    return (toll_total)numbers->charge * factors->charge * SECONDS_A_MINUTE +
           (toll_total)numbers->seconds * factors->minute * TOLL_MONEY_UNIT;
}

/* units x factor: 1e-6 x 1e-12 in the unit of sums. */
static bool add_units(struct toll_tax_sum *sum, int64_t units, int64_t factor)
{
    toll_total product;
    return !__builtin_mul_overflow((toll_total)units * factor, (toll_total)TOLL_TAX_UNIT_HIGH, &product) &&
           toll_tax_sum_add_fixed(sum, product);
}

static bool counted_whole(toll_total n, int64_t d, int64_t *units)
{
    if (n % d != 0 || n / d > CHARGE_MOST || n < 0)
        return false;
    *units = (int64_t)(n / d);
    return true;
}

enum toll_tax_outcome toll_tax_fast_item(const struct toll_tax_tables *tables,
                                         const struct toll_tax_charge_line *line, uint32_t place,
                                         const struct toll_tax_numbers *numbers, struct toll_tax_item *item)
{
    const struct toll_tax_part *part = &line->recipe->parts[place];
    const struct toll_tax *tax = &tables->taxes[line->recipe->list.components[place].tax];
    int64_t units = TOLL_TAX_QUANTITY_ONE, d = 1;
    toll_total n = 0;
    if (tax->kind <= TOLL_TAX_PER_MINUTE) {
        item->measure[TOLL_TAX_EXACT].fixed = applied(&part->tax, numbers);
        item->measure[TOLL_TAX_TAXED_BASE].fixed = applied(&part->base, numbers);
        item->measure[TOLL_TAX_EXEMPT].fixed = applied(&part->exempt, numbers);
        return TOLL_TAX_FAST;
    }
    if (tax->kind == TOLL_TAX_PER_LINE) {
        if (line->inventory == NULL || !toll_tax_count(tables, tax, line->inventory, &n, &d))
            return TOLL_TAX_ABSENT;
        if (!counted_whole(n, d, &units) ||
            !add_units(&item->measure[TOLL_TAX_COUNTED], units, INT64_C(1000000000000)))
            return TOLL_TAX_SLOW;
    }
    return add_units(&item->measure[TOLL_TAX_EXACT], units, part->tax.unit) &&
                   add_units(&item->measure[TOLL_TAX_TAXED_BASE], units, part->base.unit)
               ? TOLL_TAX_FAST
               : TOLL_TAX_SLOW;
}

static bool set(struct toll_tax_account *account, struct toll_tax_item *item, enum toll_tax_measure measure,
                const struct toll_rational *value)
{
    struct toll_tax_sum *sum = &item->measure[measure];
    *sum = (struct toll_tax_sum){0};
    const bool good = toll_tax_sum_add_rational(sum, value, &account->arena); /* nothing to add to: */
    account->memory->no_memory = account->memory->no_memory || !good;
    return good;
}

/* An item of fractions; the line's sources are known. */
static bool slow_item(struct toll_tax_account *account, const struct toll_tax_tables *tables,
                      const struct toll_tax_charge_line *line, uint32_t place,
                      const struct toll_tax_numbers *numbers, struct toll_tax_item *item)
{
    const struct toll_tax_component *component = &line->recipe->list.components[place];
    const struct toll_tax_part *part = &line->recipe->parts[place];
    const struct toll_tax_account_memory *memory = account->memory;
    const unsigned kind = tables->taxes[component->tax].kind;
    struct toll_rational tax, base, exempt;
    if (component->source) {
        const struct toll_tax_source *source = &memory->sources[place];
        if (!set(account, item, TOLL_TAX_EXACT, &source->tax) ||
            !set(account, item, TOLL_TAX_TAXED_BASE, &source->base) ||
            !set(account, item, TOLL_TAX_COUNTED, &source->counted))
            return false;
        toll_rational_copy(&exempt, &source->over);
    } else {
        if (!toll_tax_of(component, &numbers->exact, &numbers->minutes, memory->source_taxes, &tax) ||
            !set(account, item, TOLL_TAX_EXACT, &tax))
            return false;
        if (kind == TOLL_TAX_RATE ? !toll_tax_taxed_of(component, &numbers->exact, &numbers->minutes,
                                                       memory->source_taxes, &base)
                                  : !toll_rational_multiply(&base, &numbers->minutes, part->taxed))
            return false;
        if (!set(account, item, TOLL_TAX_TAXED_BASE, &base))
            return false;
        toll_rational_zero(&exempt);
    }
    if (kind == TOLL_TAX_RATE && !(toll_rational_multiply(&tax, &numbers->exact, part->exempt_charge) &&
                                   toll_rational_add(&exempt, &exempt, &tax)))
        return false;
    return set(account, item, TOLL_TAX_EXEMPT, &exempt);
}

static bool evaluate_line(struct toll_tax_account *account, const struct toll_tax_tables *tables,
                          const struct toll_tax_charge_line *line, uint32_t line_index, bool whole,
                          uint32_t *place)
{
    struct toll_tax_numbers numbers;
    const struct toll_tax_list *list = &line->recipe->list;
    bool sources = false;
    toll_tax_numbers_of(line, &numbers);
    numbers.whole = numbers.whole && whole;
    if (!toll_tax_room(account, (void **)&account->items, &account->memory->item_room,
                       account->item_count + list->count, sizeof *account->items))
        return false;
    for (uint32_t i = 0; i < list->count; i++) {
        struct toll_tax_item *item = &account->items[account->item_count];
        memset(item, 0, sizeof *item);
        item->line = line_index;
        item->place = *place = i;
        const enum toll_tax_outcome outcome = numbers.whole && line->recipe->parts[i].fast
                                                  ? toll_tax_fast_item(tables, line, i, &numbers, item)
                                                  : TOLL_TAX_SLOW;
        if (outcome == TOLL_TAX_FAST)
            account->item_count++;
        if (outcome != TOLL_TAX_SLOW)
            continue;
        if (!sources &&
            (!make_fractions(line, &numbers) ||
             !toll_tax_sources(account, tables, line, line_index, &numbers.exact, &numbers.minutes, place)))
            return false;
        sources = true;
        *place = i;
        if (list->components[i].source && !account->memory->sources[i].present)
            continue;
        if (!slow_item(account, tables, line, i, &numbers, item))
            return false;
        account->item_count++;
    }
    return true;
}

/* ---- sums ---- */

static bool make_room(struct toll_tax_account *account, const struct toll_tax_ledger *ledger,
                      size_t line_count, uint32_t sites)
{
    struct toll_tax_account_memory *memory = account->memory;
    size_t lines = memory->line_room;
    return toll_tax_room(account, (void **)&memory->pair_group, &memory->pair_room, ledger->pair_count,
                         sizeof *memory->pair_group) &&
           toll_tax_room(account, (void **)&memory->tone_row, &memory->tone_room, ledger->tone_count,
                         sizeof *memory->tone_row) &&
           toll_tax_room(account, (void **)&memory->item_first, &lines, line_count + 1,
                         sizeof *memory->item_first) &&
           toll_tax_room(account, (void **)&memory->by_site, &memory->line_room, line_count + 1,
                         sizeof *memory->by_site) &&
           toll_tax_room(account, (void **)&memory->site_end, &memory->site_room, sites + (size_t)1,
                         sizeof *memory->site_end);
}

void toll_tax_sort_by_site(struct toll_tax_account_memory *memory, const struct toll_tax_charge_line *lines,
                           size_t line_count, uint32_t sites)
{
    memset(memory->site_end, 0, (sites + (size_t)1) * sizeof *memory->site_end);
    for (size_t i = 0; i < line_count; i++)
        memory->site_end[lines[i].site + 1]++;
    uint32_t before = 0;
    for (uint32_t site = 0; site < sites; site++) {
        const uint32_t count = memory->site_end[site + 1];
        memory->site_end[site + 1] = before;
        before += count;
    }
    for (size_t i = 0; i < line_count; i++)
        memory->by_site[memory->site_end[lines[i].site + 1]++] = (uint32_t)i;
}

/* A pair has one round_scope, so that one stamp serves. */
uint32_t toll_tax_group_of(struct toll_tax_account *account, const struct toll_tax *tax, int32_t id,
                           uint32_t pair)
{
    struct toll_tax_account_memory *memory = account->memory;
    struct toll_tax_stamp *stamp = &memory->pair_group[pair];
    const uint64_t now = tax->round_scope == TOLL_TAX_ROUND_ACCOUNT        ? memory->account_stamp
                         : tax->round_scope == TOLL_TAX_ROUND_INVOICE_LINE ? memory->site_stamp
                                                                           : memory->line_stamp;
    if (stamp->stamp == now)
        return stamp->at;
    if (!toll_tax_room(account, (void **)&memory->groups, &memory->group_room,
                       memory->group_count + (size_t)1, sizeof *memory->groups))
        return TOLL_TAX_NONE;
    memory->groups[memory->group_count] = (struct toll_tax_group){.tax = id};
    *stamp = (struct toll_tax_stamp){now, memory->group_count};
    return memory->group_count++;
}

static uint32_t row_of(struct toll_tax_account *account, uint32_t tone, uint32_t site)
{
    struct toll_tax_account_memory *memory = account->memory;
    struct toll_tax_stamp *stamp = &memory->tone_row[tone];
    if (stamp->stamp == memory->site_stamp)
        return stamp->at;
    if (!toll_tax_room(account, (void **)&account->rows, &memory->row_room, account->row_count + (size_t)1,
                       sizeof *account->rows))
        return TOLL_TAX_NONE;
    account->rows[account->row_count] =
        (struct toll_tax_row){.site = site, .tone = tone, .last_line = TOLL_TAX_NONE};
    *stamp = (struct toll_tax_stamp){memory->site_stamp, account->row_count};
    return account->row_count++;
}

static bool sum_item(struct toll_tax_account *account, const struct toll_tax_tables *tables,
                     const struct toll_tax_charge_line *line, struct toll_tax_item *item)
{
    struct toll_tax_account_memory *memory = account->memory;
    const struct toll_tax_part *part = &line->recipe->parts[item->place];
    const int32_t tax = line->recipe->list.components[item->place].tax;
    item->row = row_of(account, part->tone, line->site);
    item->group = toll_tax_group_of(account, &tables->taxes[tax], tax, part->pair);
    if (item->row == TOLL_TAX_NONE || item->group == TOLL_TAX_NONE)
        return false;
    struct toll_tax_row *row = &account->rows[item->row];
    struct toll_tax_group *group = &memory->groups[item->group];
    row->lines += row->last_line != item->line;
    row->last_line = item->line;
    group->count++;
    for (unsigned i = 0; i < TOLL_TAX_MEASURES; i++)
        if (!toll_tax_add(account, &row->measure[i], &item->measure[i]))
            return false;
    return toll_tax_add(account, &group->sum, &item->measure[TOLL_TAX_EXACT]);
}

static bool sum_items(struct toll_tax_account *account, const struct toll_tax_tables *tables,
                      const struct toll_tax_charge_line *lines, size_t line_count, size_t *at,
                      uint32_t *place)
{
    struct toll_tax_account_memory *memory = account->memory;
    uint32_t site = TOLL_TAX_NONE;
    for (size_t i = 0; i < line_count; i++) {
        const uint32_t line = memory->by_site[i];
        toll_tax_next_line(memory, lines[line].site != site);
        site = lines[line].site;
        for (uint32_t k = memory->item_first[line]; k < memory->item_first[line + 1]; k++) {
            *at = line;
            *place = account->items[k].place;
            if (!sum_item(account, tables, &lines[line], &account->items[k]))
                return false;
        }
    }
    return true;
}

/* ---- rows in order ---- */

static int by_tone(const void *a, const void *b, void *context)
{
    const struct toll_tax_row *x = a, *y = b;
    const struct toll_tax_ledger *ledger = context;
    const struct toll_tax_tone *s = &ledger->list[x->tone], *t = &ledger->list[y->tone];
    int order = (x->site > y->site) - (x->site < y->site);
    order = order != 0 ? order : (s->jurisdiction > t->jurisdiction) - (s->jurisdiction < t->jurisdiction);
    order = order != 0 ? order : (s->tax > t->tax) - (s->tax < t->tax);
    order = order != 0 ? order : (int)s->brackets - (int)t->brackets;
    return order != 0 ? order : (s->rate > t->rate) - (s->rate < t->rate);
}

/* ---- all ---- */

bool toll_tax_account_ready(struct toll_tax_account *account)
{
    if (account->memory == NULL)
        account->memory = calloc(1, sizeof *account->memory);
    if (account->memory != NULL)
        account->memory->no_memory = false;
    return account->memory != NULL;
}

bool toll_tax_account_begin(struct toll_tax_account *account, const struct toll_tax_ledger *ledger,
                            size_t line_count, uint32_t sites)
{
    struct toll_tax_account_memory *memory = account->memory;
    account->item_count = account->row_count = 0;
    memory->group_count = memory->running_count = memory->linear_count = 0;
    if (account->arena.last != NULL)
        toll_arena_free(&account->arena);
    if (!make_room(account, ledger, line_count, sites))
        return false;
    memory->account_stamp = ++memory->stamp;
    return true;
}

/* whole: with whole numbers where they can be. */
static bool evaluate(struct toll_tax_account *account, const struct toll_tax_tables *tables,
                     const struct toll_tax_ledger *ledger, const struct toll_tax_charge_line *lines,
                     size_t line_count, uint32_t sites, bool whole, size_t *at, uint32_t *place)
{
    struct toll_tax_account_memory *memory = account->memory;
    if (!toll_tax_account_begin(account, ledger, line_count, sites))
        return false;
    for (*at = 0; *at < line_count; ++*at) {
        memory->item_first[*at] = (uint32_t)account->item_count;
        if (lines[*at].recipe != NULL &&
            !evaluate_line(account, tables, &lines[*at], (uint32_t)*at, whole, place))
            return false;
    }
    memory->item_first[line_count] = (uint32_t)account->item_count;
    toll_tax_sort_by_site(memory, lines, line_count, sites);
    return sum_items(account, tables, lines, line_count, at, place) && toll_tax_give_cents(account, tables);
}

int toll_tax_account_evaluate(struct toll_tax_account *account, const struct toll_tax_tables *tables,
                              const struct toll_tax_ledger *ledger, const struct toll_tax_charge_line *lines,
                              size_t line_count, uint32_t sites, struct toll_error *error)
{
    size_t at = 0;
    uint32_t place = 0;
    if (!toll_tax_account_ready(account))
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for taxes");
    /* Sums of whole numbers that do not fit are worked out as fractions, all of them. */
    bool good = evaluate(account, tables, ledger, lines, line_count, sites, true, &at, &place);
    if (!good && !account->memory->no_memory)
        good = evaluate(account, tables, ledger, lines, line_count, sites, false, &at, &place);
    if (!good && account->memory->no_memory)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for taxes");
    if (!good) {
        const struct toll_tax_recipe *recipe = at < line_count ? lines[at].recipe : NULL;
        const char *tax = "";
        if (recipe != NULL && place < recipe->list.count)
            tax = toll_tax_string(tables, tables->taxes[recipe->list.components[place].tax].tax);
        return toll_error_set(error, TOLL_EDATA,
                              "the taxes (%s) have more digits than can be kept; rates and shares of fewer "
                              "digits would do",
                              tax);
    }
    if (account->row_count > 1)
        qsort_r(account->rows, account->row_count, sizeof *account->rows, by_tone, (void *)ledger);
    return 0;
}

void toll_tax_account_free(struct toll_tax_account *account)
{
    struct toll_tax_account_memory *memory = account->memory;
    if (memory != NULL) {
        void *const lists[] = {memory->groups,  memory->sorted,       memory->rests,         memory->running,
                               memory->sources, memory->source_taxes, memory->pair_group,    memory->tone_row,
                               memory->heads,   memory->item_first,   memory->by_site,       memory->site_end,
                               memory->beside,  memory->linears,      memory->linear_charges};
        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
            free(lists[i]);
    }
    free(memory);
    free(account->items);
    free(account->rows);
    toll_arena_free(&account->arena);
    *account = (struct toll_tax_account){0};
}
