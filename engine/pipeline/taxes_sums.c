/* What could not be taxed, what nobody has decided about, and totals by currency (docs/TAX.md sections 2 and
 * 5). */
#include "pipeline/taxes.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define PER_MONEY INT64_C(1000000)               /* 1e-14 in 1e-8 */
#define PER_UNIT_OF_SUMS INT64_C(60000000000000) /* the unit of sums in 1e-14 */

/* ---- sums by key ---- */

struct toll_taxes_sum *toll_taxes_sum_of(struct toll_taxes_sums *sums, const char *key, size_t bytes)
{
    const uint32_t id = toll_strings_add(&sums->keys, key, bytes);
    if (id == 0 || !toll_tax_grow((void **)&sums->list, &sums->room, id + (size_t)1, sizeof *sums->list))
        return NULL;
    return &sums->list[id];
}

static int by_key(const void *a, const void *b, void *context)
{
    const struct toll_strings *keys = context;
    size_t x_bytes, y_bytes;
    const char *x = toll_strings_text(keys, *(const uint32_t *)a, &x_bytes);
    const char *y = toll_strings_text(keys, *(const uint32_t *)b, &y_bytes);
    const int order = memcmp(x, y, x_bytes < y_bytes ? x_bytes : y_bytes);
    return order != 0 ? order : (x_bytes > y_bytes) - (x_bytes < y_bytes);
}

bool toll_taxes_sums_sort(struct toll_taxes_sums *sums)
{
    sums->order = calloc(sums->keys.count + (size_t)1, sizeof *sums->order);
    if (sums->order == NULL)
        return false;
    for (uint32_t i = 0; i < sums->keys.count; i++)
        sums->order[i] = i + 1;
    if (sums->keys.count > 1)
        qsort_r(sums->order, sums->keys.count, sizeof *sums->order, by_key, &sums->keys);
    return true;
}

void toll_taxes_sums_free(struct toll_taxes_sums *sums)
{
    toll_strings_free(&sums->keys);
    free(sums->list);
    free(sums->order);
    *sums = (struct toll_taxes_sums){0};
}

static bool add_charge(struct toll_taxes *taxes, struct toll_tax_sum *sum,
                       const struct toll_tax_charge_line *line)
{
    toll_total fixed;
    struct toll_rational exact, unit;
    if (line->net != NULL)
        return toll_tax_sum_add_rational(sum, line->net, &taxes->arena);
    if (!__builtin_mul_overflow(line->charge, (toll_total)PER_UNIT_OF_SUMS, &fixed) &&
        toll_tax_sum_add_fixed(sum, fixed))
        return true;
    toll_rational_of_total(&exact, line->charge, TOLL_MONEY_UNIT);
    toll_rational_of(&unit, 1, PER_MONEY);
    return toll_rational_multiply(&exact, &exact, &unit) &&
           toll_tax_sum_add_rational(sum, &exact, &taxes->arena);
}

/* ---- a task ---- */

/* Texts, each with the NUL behind it. */
static bool put(struct toll_taxes *taxes, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    if (!toll_tax_grow((void **)&taxes->key, &taxes->key_room, taxes->key_bytes + bytes, 1))
        return false;
    memcpy(taxes->key + taxes->key_bytes, text, bytes);
    taxes->key_bytes += bytes;
    return true;
}

static bool suspend(struct toll_taxes *taxes, size_t index, int64_t calls)
{
    const struct toll_taxes_source *source = &taxes->sources[index];
    const struct toll_tuple_row *tuple = toll_taxes_tuple_of(taxes, source);
    const uint32_t account = taxes->tasks[taxes->task].account;
    taxes->key_bytes = 0;
    if (!put(taxes, toll_tax_reason_name(source->reason)) ||
        !put(taxes, toll_book_string(taxes->book, taxes->book->accounts[account].account)) ||
        !put(taxes, toll_strings_text(&taxes->site_names, source->site, NULL)) ||
        !put(taxes, toll_taxes_kind_text(source->kind)) || !put(taxes, toll_taxes_product(taxes, source)) ||
        !put(taxes, tuple == NULL ? "" : tuple->service) ||
        !put(taxes, tuple == NULL ? "" : tuple->jurisdiction) ||
        !put(taxes, toll_taxes_currency(taxes, account)))
        return false;
    struct toll_taxes_sum *sum = toll_taxes_sum_of(&taxes->suspense, taxes->key, taxes->key_bytes);
    if (sum == NULL)
        return false;
    sum->lines++;
    sum->calls += calls;
    return add_charge(taxes, &sum->charge, &taxes->lines[index]);
}

/* What was decided about is looked up once, at the end: by area, split and currency. */
static bool cover(struct toll_taxes *taxes, size_t index)
{
    const struct toll_taxes_source *source = &taxes->sources[index];
    const struct toll_account *account = &taxes->book->accounts[taxes->tasks[taxes->task].account];
    const uint32_t key[] = {(uint32_t)source->area, source->split, account->currency};
    if (source->split == 0)
        return true;
    struct toll_taxes_sum *sum = toll_taxes_sum_of(&taxes->occurs, (const char *)key, sizeof key);
    if (sum == NULL)
        return false;
    sum->lines++;
    return add_charge(taxes, &sum->charge, &taxes->lines[index]);
}

bool toll_taxes_sum_task(struct toll_taxes *taxes)
{
    const uint32_t account = taxes->tasks[taxes->task].account;
    const char *currency = toll_taxes_currency(taxes, account);
    if (taxes->line_count == 0)
        return true;
    struct toll_taxes_sum *counted = toll_taxes_sum_of(&taxes->by_currency, currency, strlen(currency));
    if (counted == NULL || !toll_tax_grow((void **)&taxes->totals, &taxes->total_room,
                                          taxes->by_currency.keys.count + (size_t)1, sizeof *taxes->totals))
        return false;
    struct toll_taxes_total *total = &taxes->totals[counted - taxes->by_currency.list];
    total->accounts += !taxes->account_seen[account];
    taxes->account_seen[account] = 1;
    for (size_t i = 0; i < taxes->line_count; i++) {
        const struct toll_taxes_source *source = &taxes->sources[i];
        const bool usage = source->kind == TOLL_FROM_USAGE;
        total->buckets += usage;
        total->lines++;
        if (source->reason == TOLL_TAX_TAXED) {
            if (!cover(taxes, i))
                return false;
            continue;
        }
        total->suspense_lines++;
        if (!add_charge(taxes, &total->suspense, &taxes->lines[i]) ||
            !suspend(taxes, i, usage ? taxes->files.tables.buckets[source->index].count : 0))
            return false;
    }
    for (uint32_t i = 0; i < taxes->account.row_count; i++) {
        const struct toll_tax_row *row = &taxes->account.rows[i];
        const bool billable = taxes->tables->taxes[taxes->ledger.list[row->tone].tax].billable;
        *(billable ? &total->billable_cents : &total->other_cents) += row->cents;
    }
    return true;
}

/* ---- coverage ---- */

/* Which (jurisdiction or level, tax service) some series is for, service 0: all. */
static bool decided(const struct toll_strings *known, bool level, int32_t where, int32_t service)
{
    const int32_t key[] = {level, where, service}, all[] = {level, where, 0};
    return toll_strings_find(known, (const char *)key, sizeof key) != 0 ||
           toll_strings_find(known, (const char *)all, sizeof all) != 0;
}

static bool list_decided(const struct toll_tax_tables *tables, struct toll_strings *known)
{
    for (uint32_t i = 0; i < tables->series_count; i++) {
        const struct toll_tax_series *series = &tables->series[i];
        const bool level = series->jurisdiction == 0;
        int32_t key[] = {level, level ? series->level : series->jurisdiction, 0};
        for (uint32_t k = 0; k < series->service_count || k == 0; k++) {
            key[2] = series->service_count == 0 ? 0 : tables->ids[series->service_first + k];
            if (toll_strings_add(known, (const char *)key, sizeof key) == 0)
                return false;
        }
    }
    return true;
}

static bool add_uncovered(struct toll_taxes *taxes, const struct toll_taxes_sum *from, int32_t where,
                          int32_t service, uint32_t currency)
{
    const struct toll_tax_tables *tables = taxes->tables;
    const struct toll_tax_jurisdiction *jurisdiction = &tables->jurisdictions[where];
    taxes->key_bytes = 0;
    if (!put(taxes, toll_tax_string(tables, jurisdiction->id)) ||
        !put(taxes, toll_tax_level_name(jurisdiction->level)) ||
        !put(taxes, toll_tax_string(tables, tables->services[service])) ||
        !put(taxes, toll_book_string(taxes->book, currency)))
        return false;
    struct toll_taxes_sum *sum = toll_taxes_sum_of(&taxes->coverage, taxes->key, taxes->key_bytes);
    if (sum == NULL)
        return false;
    sum->lines += from->lines;
    return toll_tax_sum_add(&sum->charge, &from->charge, &taxes->arena);
}

static bool find_uncovered(struct toll_taxes *taxes, const struct toll_strings *known)
{
    const struct toll_tax_tables *tables = taxes->tables;
    for (uint32_t i = 1; i <= taxes->occurs.keys.count; i++) {
        uint32_t key[3];
        memcpy(key, toll_strings_text(&taxes->occurs.keys, i, NULL), sizeof key);
        const struct toll_tax_set place = toll_tax_area_set(tables, key[0]);
        const struct toll_tax_split *split = &tables->splits[key[1]];
        for (uint32_t j = 0; j < place.count; j++) {
            const int32_t where = place.ids[j], level = tables->jurisdictions[where].level;
            for (uint32_t k = split->first; k < split->first + split->count; k++) {
                const int32_t service = tables->split_parts[k].service;
                if (!decided(known, false, where, service) && !decided(known, true, level, service) &&
                    !add_uncovered(taxes, &taxes->occurs.list[i], where, service, key[2]))
                    return false;
            }
        }
    }
    return true;
}

bool toll_taxes_finish_sums(struct toll_taxes *taxes)
{
    struct toll_strings known = {0};
    const bool good = list_decided(taxes->tables, &known) && find_uncovered(taxes, &known) &&
                      toll_taxes_sums_sort(&taxes->suspense) && toll_taxes_sums_sort(&taxes->coverage) &&
                      toll_taxes_sums_sort(&taxes->by_currency);
    toll_strings_free(&known);
    return good;
}
