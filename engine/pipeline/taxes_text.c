/* The taxes of a run as texts: what tollmill_tax.h promises. */
#include "pipeline/taxes.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PER_MONEY INT64_C(1000000) /* 1e-14 in 1e-8 */

/* Where the texts lie that are handed out. */
struct toll_taxes_text {
    char number[8][TOLL_RATIONAL_TEXT_BYTES];
    char period[TOLL_TIME_TEXT_BYTES], day[TOLL_TIME_TEXT_BYTES], rate[TOLL_TOTAL_TEXT_BYTES],
        quantity[TOLL_TOTAL_TEXT_BYTES];
    char remedy[8192];
};

bool toll_taxes_text_make(struct toll_taxes *taxes)
{
    taxes->text = calloc(1, sizeof *taxes->text);
    return taxes->text != NULL;
}

/* A decimal without zeros at its end. */
static const char *decimal(int64_t scaled, int decimals, char out[TOLL_TOTAL_TEXT_BYTES])
{
    size_t length = toll_total_format(scaled, decimals, out);
    while (decimals > 0 && length > 0 && out[length - 1] == '0')
        length--;
    length -= decimals > 0 && length > 0 && out[length - 1] == '.';
    out[length] = 0;
    return out;
}

static const char *sum_text(struct toll_taxes_text *text, int slot, const struct toll_tax_sum *sum)
{
    if (!toll_tax_sum_text(sum, text->number[slot]))
        strcpy(text->number[slot], "?"); /* was added up before: cannot be */
    return text->number[slot];
}

static const char *rate_text(const struct toll_taxes *taxes, const struct toll_tax_tone *tone,
                             struct toll_taxes_text *text)
{
    const bool rate = taxes->tables->taxes[tone->tax].kind == TOLL_TAX_RATE;
    return tone->brackets ? "brackets" : decimal(tone->rate, rate ? 12 : TOLL_MONEY_DECIMALS, text->rate);
}

static const char *count_text(struct toll_taxes_text *text, int slot, int64_t count)
{
    snprintf(text->number[slot], sizeof text->number[slot], "%lld", (long long)count);
    return text->number[slot];
}

/* ---- the register ---- */

bool toll_taxes_register(struct toll_taxes *taxes, int64_t index, struct toll_tax_register_row *out)
{
    struct toll_taxes_text *text = taxes->text;
    if (index < 0 || (size_t)index >= taxes->row_count)
        return false;
    const struct toll_taxes_row *row = &taxes->rows[index];
    const struct toll_tax_tables *tables = taxes->tables;
    const struct toll_tax_tone *tone = &taxes->ledger.list[row->tone];
    const struct toll_tax *tax = &tables->taxes[tone->tax];
    const struct toll_tax_jurisdiction *where = &tables->jurisdictions[tone->jurisdiction];
    const struct toll_taxes_task *task = &taxes->tasks[row->task];
    toll_day_format(task->day, text->period);
    *out = (struct toll_tax_register_row){
        .period = text->period,
        .report_period = taxes->report_period == NULL ? text->period : taxes->report_period,
        .account = toll_book_string(taxes->book, taxes->book->accounts[task->account].account),
        .site = toll_strings_text(&taxes->site_names, row->site, NULL),
        .currency = toll_taxes_currency(taxes, task->account),
        .tax_jurisdiction = toll_tax_string(tables, where->id),
        .level = toll_tax_level_name(where->level),
        .tax = toll_tax_string(tables, tax->tax),
        .name = toll_tax_string(tables, tax->name),
        .category = toll_tax_string(tables, tax->category),
        .kind = toll_tax_kind_name(tax->kind),
        .billable = tax->billable,
        .surcharge = tax->surcharge,
        .lines = tax->kind == TOLL_TAX_PER_LINE ? sum_text(text, 0, &row->measure[TOLL_TAX_COUNTED])
                                                : count_text(text, 0, row->lines),
        .base = sum_text(text, 1, &row->measure[TOLL_TAX_TAXED_BASE]),
        .exempt = sum_text(text, 2, &row->measure[TOLL_TAX_EXEMPT]),
        .rate = rate_text(taxes, tone, text),
        .tax_exact = sum_text(text, 3, &row->measure[TOLL_TAX_EXACT]),
        .tax_cents = row->cents,
    };
    return true;
}

/* ---- the walk ---- */

void toll_taxes_rewind(struct toll_taxes *taxes)
{
    taxes->walk_task = taxes->walk_line = taxes->walk_item = 0;
    taxes->walk_index = -1;
}

static const char *amount_text(struct toll_taxes_text *text, int slot, toll_total amount)
{
    struct toll_rational exact, unit;
    toll_rational_of_total(&exact, amount, TOLL_MONEY_UNIT);
    toll_rational_of(&unit, 1, PER_MONEY);
    toll_rational_multiply(&exact, &exact, &unit); /* of small numbers: fits */
    toll_rational_text(&exact, text->number[slot]);
    return text->number[slot];
}

static void fill_charge(const struct toll_taxes *taxes, const struct toll_taxes_source *source,
                        struct toll_taxes_text *text, struct toll_tax_line *line)
{
    if (source->kind == TOLL_FROM_CHARGE) {
        const struct toll_charge *charge = &taxes->tables->charges[source->index];
        line->line = charge->line;
        line->quantity = decimal(charge->quantity, 6, text->quantity);
        line->tax_included = charge->included != 0;
    }
    if (source->kind == TOLL_FROM_SERVICE) {
        const struct toll_inventory_row *row = &taxes->tables->inventory[source->index];
        line->line = row->line;
        line->quantity = decimal(row->quantity, 0, text->quantity);
        line->type = toll_tax_string(taxes->tables, row->type);
    }
}

static void fill_line(struct toll_taxes *taxes, struct toll_taxes_text *text, struct toll_tax_line *line)
{
    const struct toll_taxes_source *source = &taxes->sources[taxes->walk_line];
    const struct toll_tax_charge_line *priced = &taxes->lines[taxes->walk_line];
    const struct toll_taxes_task *task = &taxes->tasks[taxes->task];
    const struct toll_account *account = &taxes->book->accounts[task->account];
    const struct toll_tuple_row *tuple = toll_taxes_tuple_of(taxes, source);
    toll_day_format(task->day, text->period);
    toll_day_format(source->day, text->day);
    *line = (struct toll_tax_line){
        .period = text->period,
        .account = toll_book_string(taxes->book, account->account),
        .site = toll_strings_text(&taxes->site_names, source->site, NULL),
        .currency = toll_taxes_currency(taxes, task->account),
        .kind = toll_taxes_kind_text(source->kind),
        .product = toll_taxes_product(taxes, source),
        .service = tuple == NULL ? "" : tuple->service,
        .jurisdiction = tuple == NULL ? "" : tuple->jurisdiction,
        .tax_services = source->split == 0 ? ""
                                           : toll_strings_text(&taxes->split_texts,
                                                               taxes->text_of_split[source->split], NULL),
        .reason = toll_tax_reason_name(source->reason),
        .tuple = tuple == NULL ? 0 : tuple->id,
        .index = taxes->walk_index,
        .day = text->day,
        .area =
            source->area == 0 ? "" : toll_tax_string(taxes->tables, taxes->tables->areas[source->area].area),
        .customer_class =
            tuple == NULL ? toll_book_string(taxes->book, account->class_) : tuple->customer_class,
        .seller = tuple == NULL ? toll_book_string(taxes->book, account->seller) : tuple->seller,
        .resale = tuple == NULL ? account->resale != 0 : strcmp(tuple->sale, "resale") == 0,
        .quantity = "",
        .type = "",
        .amount = amount_text(text, 1, priced->charge),
        .tax_jurisdiction = "",
        .level = "",
        .tax = "",
        .base = "",
        .exempt = "",
        .rate = "",
        .tax_exact = "",
        .source = "",
        .certificate = "",
    };
    line->charge = line->amount;
    if (priced->net != NULL) {
        toll_rational_text(priced->net, text->number[0]);
        line->charge = text->number[0];
    }
    if (tuple != NULL) {
        const struct toll_bucket_row *bucket = &taxes->files.tables.buckets[source->index];
        line->calls = bucket->count;
        line->units = bucket->units;
    }
    fill_charge(taxes, source, text, line);
}

static void fill_component(const struct toll_taxes *taxes, const struct toll_tax_item *item,
                           struct toll_taxes_text *text, struct toll_tax_line *line)
{
    const struct toll_tax_tables *tables = taxes->tables;
    const struct toll_tax_recipe *recipe = taxes->lines[item->line].recipe;
    const struct toll_tax_component *component = &recipe->list.components[item->place];
    const struct toll_tax_tone *tone = &taxes->ledger.list[recipe->parts[item->place].tone];
    const struct toll_tax_jurisdiction *where = &tables->jurisdictions[component->jurisdiction];
    const struct toll_tax_series *series = &tables->series[component->series];
    line->tax_jurisdiction = toll_tax_string(tables, where->id);
    line->level = toll_tax_level_name(where->level);
    line->tax = toll_tax_string(tables, tables->taxes[component->tax].tax);
    line->base = sum_text(text, 2, &item->measure[TOLL_TAX_TAXED_BASE]);
    line->exempt = sum_text(text, 3, &item->measure[TOLL_TAX_EXEMPT]);
    line->rate = rate_text(taxes, tone, text);
    line->tax_exact = sum_text(text, 4, &item->measure[TOLL_TAX_EXACT]);
    line->source = toll_tax_string(tables, tables->brackets[series->bracket_first].source);
    if (component->exemption != 0)
        line->certificate = toll_tax_string(tables, tables->exemptions[component->exemption].certificate);
    line->billable = tables->taxes[component->tax].billable;
    line->tax_cents = item->cents;
}

int toll_taxes_next(struct toll_taxes *taxes, struct toll_tax_line *line, struct toll_error *error)
{
    struct toll_taxes_text *text = taxes->text;
    for (; taxes->walk_task < taxes->task_count; taxes->walk_task++) {
        const int rc = toll_taxes_evaluate(taxes, taxes->walk_task, error);
        if (rc != 0)
            return rc;
        if (taxes->walk_line < taxes->line_count)
            break;
        taxes->walk_line = taxes->walk_item = 0;
    }
    if (taxes->walk_task == taxes->task_count)
        return 0;
    const struct toll_tax_account *account = &taxes->account;
    const size_t item = taxes->walk_item;
    const bool has = item < account->item_count && account->items[item].line == taxes->walk_line;
    const bool first = item == 0 || account->items[item - 1].line != taxes->walk_line;
    if (first)
        taxes->walk_index++;
    fill_line(taxes, text, line);
    if (has)
        fill_component(taxes, &account->items[taxes->walk_item++], text, line);
    if (taxes->walk_item >= account->item_count || account->items[taxes->walk_item].line != taxes->walk_line)
        taxes->walk_line++;
    return 1;
}

/* ---- what is left over ---- */

/* The sum at a place of the order, and its key's texts. */
static const struct toll_taxes_sum *sum_at(const struct toll_taxes_sums *sums, int64_t index,
                                           const char **key)
{
    if (index < 0 || (uint64_t)index >= sums->keys.count)
        return NULL;
    const uint32_t id = sums->order[index];
    *key = toll_strings_text(&sums->keys, id, NULL);
    return &sums->list[id];
}

static const char *next_text(const char **key)
{
    const char *text = *key;
    *key += strlen(text) + 1;
    return text;
}

static const char *remedy_of(const struct toll_tax_suspense_row *row, char *out, size_t room)
{
    if (strcmp(row->reason, "no_site") == 0)
        snprintf(out, room, "accounts.csv: give account %s a tax_site", row->account);
    else if (strcmp(row->reason, "no_area") == 0)
        snprintf(out, room, "sites.csv: give %s%s an area",
                 row->site[0] == 0 ? "the site of account " : "site ",
                 row->site[0] == 0 ? row->account : row->site);
    else if (strcmp(row->reason, "no_tax_service") == 0 && strcmp(row->kind, "usage") == 0)
        snprintf(out, room, "tax_map.csv: add a row for service %s, jurisdiction %s", row->service,
                 row->jurisdiction);
    else if (strcmp(row->reason, "no_tax_service") == 0)
        snprintf(out, room, "tax_map.csv: add a row for product %s",
                 row->product[0] == 0 ? "of a line that has none" : row->product);
    else if (strcmp(row->reason, "no_leg_place") == 0)
        snprintf(out, room, "npanxx.csv: add the ends' prefixes, with a state or an area");
    else
        snprintf(out, room,
                 "accounts.csv, sellers.csv: give account %s a seller that has an interstate share",
                 row->account);
    return out;
}

bool toll_taxes_suspense(struct toll_taxes *taxes, int64_t index, struct toll_tax_suspense_row *out)
{
    struct toll_taxes_text *text = taxes->text;
    const char *key;
    const struct toll_taxes_sum *sum = sum_at(&taxes->suspense, index, &key);
    if (sum == NULL)
        return false;
    out->reason = next_text(&key);
    out->account = next_text(&key);
    out->site = next_text(&key);
    out->kind = next_text(&key);
    out->product = next_text(&key);
    out->service = next_text(&key);
    out->jurisdiction = next_text(&key);
    out->currency = next_text(&key);
    out->lines = sum->lines;
    out->calls = sum->calls;
    out->charge = sum_text(text, 5, &sum->charge);
    out->remedy = remedy_of(out, text->remedy, sizeof text->remedy);
    return true;
}

bool toll_taxes_coverage(struct toll_taxes *taxes, int64_t index, struct toll_tax_coverage_row *out)
{
    struct toll_taxes_text *text = taxes->text;
    const char *key;
    const struct toll_taxes_sum *sum = sum_at(&taxes->coverage, index, &key);
    if (sum == NULL)
        return false;
    out->tax_jurisdiction = next_text(&key);
    out->level = next_text(&key);
    out->tax_service = next_text(&key);
    out->currency = next_text(&key);
    out->lines = sum->lines;
    out->charge = sum_text(text, 6, &sum->charge);
    return true;
}

bool toll_taxes_totals(struct toll_taxes *taxes, int index, struct toll_tax_totals *out)
{
    struct toll_taxes_text *text = taxes->text;
    if (index < 0 || (uint32_t)index >= taxes->by_currency.keys.count)
        return false;
    const uint32_t id = taxes->by_currency.order[index];
    const struct toll_taxes_total *total = &taxes->totals[id];
    *out = (struct toll_tax_totals){
        .accounts = total->accounts,
        .buckets = total->buckets,
        .lines = total->lines,
        .billable_cents = total->billable_cents,
        .other_cents = total->other_cents,
        .suspense_lines = total->suspense_lines,
    };
    snprintf(out->currency, sizeof out->currency, "%s",
             toll_strings_text(&taxes->by_currency.keys, id, NULL));
    snprintf(out->suspense_charge, sizeof out->suspense_charge, "%s", sum_text(text, 7, &total->suspense));
    return true;
}

bool toll_taxes_demo(const struct toll_taxes *taxes)
{
    const struct toll_tax_tables *tables = taxes->tables;
    for (uint32_t i = 0; i < tables->bracket_count; i++)
        if (strncmp(toll_tax_string(tables, tables->brackets[i].source), "demo", 4) == 0)
            return true;
    return false;
}

bool toll_taxes_stale(struct toll_taxes *taxes, int64_t index, struct toll_tax_stale_row *out)
{
    static const char *const cadences[] = {"", "month", "quarter", "year"};
    const struct toll_tax_tables *tables = taxes->tables;
    struct toll_taxes_text *text = taxes->text;
    if (index < 0 || (size_t)index >= taxes->stale_count)
        return false;
    const struct toll_tax_series *series = &tables->series[taxes->stale[index].series];
    const struct toll_tax_bracket *row = &tables->brackets[taxes->stale[index].bracket];
    toll_day_format(row->as_of, text->day);
    *out = (struct toll_tax_stale_row){
        .tax = toll_tax_string(tables, tables->taxes[series->tax].tax),
        .tax_jurisdiction = series->jurisdiction == 0
                                ? ""
                                : toll_tax_string(tables, tables->jurisdictions[series->jurisdiction].id),
        .as_of = text->day,
        .cadence = cadences[row->cadence],
        .line = row->line,
    };
    return true;
}
