/*
 * The tables of taxes in an image, before anybody indexes with them: ids, ranges, orders and sums as
 * ratetable/tax_layout.h promises them.
 */
#include "book/check.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MOST 2932896 /* 31 December 9999 */
#define DAY_LEAST (-719162)
#define CONDITION_MOST 4 /* services, classes and jurisdictions of calls are five each */
#define RATE_MOST (100 * TOLL_TAX_ONE)
#define WEIGHT_MOST (1000000 * TOLL_TAX_QUANTITY_ONE)
#define SERVICE_QUANTITY_MOST 1000000

static bool id_or_none(int32_t id, uint32_t count)
{
    return id >= 0 && (uint32_t)id < count;
}

static bool day_good(int32_t day)
{
    return day == TOLL_TAX_DAY_MIN || day == TOLL_TAX_DAY_MAX || (day >= DAY_LEAST && day <= DAY_MOST + 1);
}

static bool days_good(int32_t from, int32_t until)
{
    return day_good(from) && day_good(until) && from < until;
}

static int text_order(const struct toll_book *book, uint32_t a, uint32_t b)
{
    return strcmp(toll_book_string(book, a), toll_book_string(book, b));
}

/* Offsets of names behind an empty 0, ascending by text. */
static bool names_good(const struct toll_book *book, const uint32_t *names, uint32_t count)
{
    if (count == 0 || names[0] != 0)
        return false;
    for (uint32_t i = 1; i < count; i++) {
        if (!toll_check_text(book, names[i]) || (i > 1 && text_order(book, names[i - 1], names[i]) >= 0))
            return false;
    }
    return true;
}

/* Ascending ids of tax_ids, from 1 to count - 1. */
static bool ids_good(const struct toll_tax_tables *tax, uint32_t first, uint32_t count, uint32_t limit)
{
    if (!toll_check_range(first, count, tax->id_count))
        return false;
    for (uint32_t i = first; i < first + count; i++) {
        if (!toll_check_id(tax->ids[i], limit) || (i > first && tax->ids[i - 1] >= tax->ids[i]))
            return false;
    }
    return true;
}

/* -- places -- */

static const char *check_jurisdictions(const struct toll_book *book)
{
    const struct toll_tax_tables *tax = &book->tax;
    const struct toll_tax_jurisdiction *all = tax->jurisdictions;

    if (tax->jurisdiction_count == 0 || !toll_check_zero(&all[0], sizeof(all[0])))
        return "the empty tax jurisdiction";
    for (uint32_t i = 1; i < tax->jurisdiction_count; i++) {
        const struct toll_tax_jurisdiction *own = &all[i];
        if (!toll_check_text(book, own->id) || !toll_check_text(book, own->name) ||
            !toll_check_text(book, own->state) || !toll_check_text(book, own->fips) || own->level < 0 ||
            own->level >= TOLL_TAX_LEVELS || !id_or_none(own->parent, tax->jurisdiction_count) ||
            (own->parent > 0 && all[own->parent].level >= own->level) || own->spare != 0)
            return "a tax jurisdiction";
        if (i > 1 && text_order(book, own[-1].id, own->id) >= 0)
            return "the order of the tax jurisdictions";
    }
    return NULL;
}

static const char *check_areas(const struct toll_book *book)
{
    const struct toll_tax_tables *tax = &book->tax;

    if (tax->area_count == 0 || !toll_check_zero(&tax->areas[0], sizeof(tax->areas[0])))
        return "the empty tax area";
    for (uint32_t i = 1; i < tax->area_count; i++) {
        const struct toll_tax_area *area = &tax->areas[i];
        if (!toll_check_text(book, area->area) ||
            !toll_check_range(area->first, area->count, tax->area_jurisdiction_count))
            return "a tax area";
        if (i > 1 && text_order(book, area[-1].area, area->area) >= 0)
            return "the order of the tax areas";
        for (uint32_t k = area->first; k < area->first + area->count; k++) {
            if (!toll_check_id(tax->area_jurisdictions[k], tax->jurisdiction_count) ||
                (k > area->first && tax->area_jurisdictions[k - 1] >= tax->area_jurisdictions[k]))
                return "a tax area's jurisdictions";
        }
    }
    return NULL;
}

/* -- sellers, splits -- */

static const char *check_sellers(const struct toll_book *book)
{
    const struct toll_tax_tables *tax = &book->tax;

    for (uint32_t i = 0; i < tax->seller_count; i++) {
        const struct toll_tax_seller *row = &tax->sellers[i];
        int order;
        if (!toll_check_text(book, row->seller) || row->method < 0 || row->method > TOLL_FUSF_ACTUAL ||
            row->share < (row->method == TOLL_FUSF_ACTUAL ? -1 : 0) || row->share > TOLL_TAX_ONE ||
            !days_good(row->from, row->until) ||
            !ids_good(tax, row->service_first, row->service_count, tax->service_count) || row->spare != 0)
            return "a seller";
        if (i == 0)
            continue;
        order = text_order(book, row[-1].seller, row->seller);
        if (order > 0 || (order == 0 && (row[-1].seller != row->seller ||
                                         (row[-1].service_count == 0 && row->service_count > 0))))
            return "the order of the sellers";
    }
    return NULL;
}

static bool split_good(const struct toll_tax_tables *tax, const struct toll_tax_split *split)
{
    const int conditions[] = {split->service, split->class_, split->jurisdiction};
    toll_total sum = 0;

    for (size_t i = 0; i < 3; i++) {
        if (conditions[i] < -1 || conditions[i] > CONDITION_MOST)
            return false;
    }
    if (!id_or_none(split->product, tax->product_count) || split->spare != 0 || split->count == 0 ||
        !toll_check_range(split->first, split->count, tax->split_part_count))
        return false;
    for (uint32_t i = 0; i < split->count; i++) {
        const struct toll_tax_split_part *part = &tax->split_parts[split->first + i];
        if (!toll_check_id(part->service, tax->service_count) || part->share < 0 ||
            part->share > TOLL_TAX_ONE || (i > 0 && part[-1].service >= part->service))
            return false;
        sum += part->share;
    }
    return sum == TOLL_TAX_ONE;
}

static int conditions_of(const struct toll_tax_split *split)
{
    return (split->product > 0) + (split->service >= 0) + (split->class_ >= 0) + (split->jurisdiction >= 0);
}

static const char *check_splits(const struct toll_tax_tables *tax)
{
    if (tax->split_count == 0 || !toll_check_zero(&tax->splits[0], sizeof(tax->splits[0])))
        return "the empty split";
    for (uint32_t i = 1; i < tax->split_count; i++) {
        if (!split_good(tax, &tax->splits[i]))
            return "a split";
        if (i > 1 && conditions_of(&tax->splits[i - 1]) < conditions_of(&tax->splits[i]))
            return "the order of the splits";
    }
    return NULL;
}

/* -- taxes -- */

static bool tax_good(const struct toll_book *book, const struct toll_tax *own)
{
    const struct toll_tax_tables *tax = &book->tax;

    return toll_check_text(book, own->tax) && toll_check_text(book, own->category) &&
           toll_check_text(book, own->name) && toll_check_text(book, own->file) &&
           own->kind <= TOLL_TAX_FIXED && own->sourcing <= TOLL_TAX_TWO_OF_THREE &&
           (book->nanp || own->sourcing == TOLL_TAX_BY_SITE) && own->scope <= TOLL_TAX_SCOPE_LINE &&
           own->round_scope <= TOLL_TAX_ROUND_LINE && own->rounding <= TOLL_DOWN &&
           own->date_basis < TOLL_TAX_DATES && own->part_month <= TOLL_TAX_MONTH_NONE &&
           own->surcharge <= 1 && own->billable <= 1 && own->exempt_named <= 1 &&
           toll_check_zero(own->spare, sizeof(own->spare)) &&
           (own->basis_count > 0) == (own->kind == TOLL_TAX_PER_LINE) &&
           toll_check_range(own->basis_first, own->basis_count, tax->line_basis_count) &&
           toll_check_range(own->series_first, own->series_count, tax->series_count);
}

static bool bases_good(const struct toll_book *book)
{
    for (uint32_t i = 0; i < book->tax.line_basis_count; i++) {
        const struct toll_tax_line_basis *basis = &book->tax.line_bases[i];
        if (!toll_check_text(book, basis->type) || basis->spare != 0 || basis->weight < 0 ||
            basis->weight > WEIGHT_MOST)
            return false;
    }
    return true;
}

static bool brackets_good(const struct toll_book *book, const struct toll_tax_series *series, int kind)
{
    const struct toll_tax_tables *tax = &book->tax;

    if (series->bracket_count == 0 ||
        !toll_check_range(series->bracket_first, series->bracket_count, tax->bracket_count))
        return false;
    for (uint32_t i = 0; i < series->bracket_count; i++) {
        const struct toll_tax_bracket *bracket = &tax->brackets[series->bracket_first + i];
        if ((i == 0 ? bracket->from != 0 : bracket->from <= bracket[-1].from) || bracket->rate < 0 ||
            (kind == TOLL_TAX_RATE && bracket->rate > RATE_MOST) || !toll_check_text(book, bracket->source) ||
            !day_good(bracket->as_of) || bracket->cadence > TOLL_TAX_YEARLY)
            return false;
    }
    return true;
}

static bool classes_good(const struct toll_book *book, const struct toll_tax_series *series)
{
    const struct toll_tax_tables *tax = &book->tax;

    if (!toll_check_range(series->class_first, series->class_count, tax->text_count))
        return false;
    for (uint32_t i = series->class_first; i < series->class_first + series->class_count; i++) {
        if (!toll_check_text(book, tax->texts[i]) ||
            (i > series->class_first && text_order(book, tax->texts[i - 1], tax->texts[i]) >= 0))
            return false;
    }
    return true;
}

static bool series_good(const struct toll_book *book, const struct toll_tax_series *series, int kind)
{
    const struct toll_tax_tables *tax = &book->tax;

    return id_or_none(series->jurisdiction, tax->jurisdiction_count) && series->level >= 0 &&
           series->level < TOLL_TAX_LEVELS &&
           (series->jurisdiction == 0 || tax->jurisdictions[series->jurisdiction].level == series->level) &&
           days_good(series->from, series->until) &&
           ids_good(tax, series->service_first, series->service_count, tax->service_count) &&
           ids_good(tax, series->on_first, series->on_count, tax->tax_count) && classes_good(book, series) &&
           (kind == TOLL_TAX_RATE || (series->on_count == 0 && series->base == TOLL_TAX_BASE_CHARGE)) &&
           series->threshold >= 0 && series->cap >= 0 && series->sale <= TOLL_TAX_ANY_SALE &&
           series->base <= TOLL_TAX_BASE_NONE && series->late <= 1 && series->followed <= 1 &&
           series->spare == 0 && toll_check_zero(series->spare2, sizeof(series->spare2)) &&
           brackets_good(book, series, kind);
}

/* A series is late that has brackets, a threshold or a cap, and one that stands on a billable tax that is. */
static const char *check_late(const struct toll_tax_tables *tax)
{
    bool *late = calloc(tax->tax_count, sizeof(*late));
    const char *problem = NULL;

    if (late == NULL)
        return toll_check_no_memory;
    for (uint32_t i = 0; i < tax->series_count; i++)
        late[tax->series[i].tax] = late[tax->series[i].tax] || tax->series[i].late;
    for (uint32_t i = 0; i < tax->series_count && problem == NULL; i++) {
        const struct toll_tax_series *series = &tax->series[i];
        bool must = series->bracket_count > 1 || series->threshold > 0 || series->cap != INT64_MAX;
        for (uint32_t k = 0; k < series->on_count; k++)
            must = must || (late[tax->ids[series->on_first + k]] &&
                            tax->taxes[tax->ids[series->on_first + k]].billable == 1);
        if (must && !series->late)
            problem = "a tax that is late";
    }
    free(late);
    return problem;
}

static const char *check_taxes(const struct toll_book *book)
{
    const struct toll_tax_tables *tax = &book->tax;
    uint32_t next = 0;

    if (tax->tax_count == 0 || !toll_check_zero(&tax->taxes[0], sizeof(tax->taxes[0])))
        return "the empty tax";
    if (!tax->taxed && tax->tax_count > 1)
        return "taxes of a book without them";
    if (!bases_good(book))
        return "what a tax counts as a line";
    for (uint32_t i = 1; i < tax->tax_count; i++) {
        const struct toll_tax *own = &tax->taxes[i];
        if (!tax_good(book, own) || own->series_first != next)
            return "a tax";
        if (i > 1 && text_order(book, own[-1].tax, own->tax) >= 0)
            return "the order of the taxes";
        for (; next < own->series_first + own->series_count; next++) {
            if (tax->series[next].tax != (int32_t)i || !series_good(book, &tax->series[next], own->kind))
                return "a series of a tax";
        }
    }
    return next == tax->series_count ? check_late(tax) : "the series of the taxes";
}

/* -- exemptions, days of change -- */

static const char *check_exemptions(const struct toll_book *book)
{
    const struct toll_tax_tables *tax = &book->tax;

    if (tax->exemption_count == 0 || !toll_check_zero(&tax->exemptions[0], sizeof(tax->exemptions[0])))
        return "the empty exemption";
    for (uint32_t i = 1; i < tax->exemption_count; i++) {
        const struct toll_tax_exemption *row = &tax->exemptions[i];
        if (!id_or_none(row->account, book->account_count) || !id_or_none(row->site, book->site_count) ||
            !id_or_none(row->jurisdiction, tax->jurisdiction_count) || row->level < -1 ||
            row->level >= TOLL_TAX_LEVELS || !toll_check_text(book, row->category) ||
            !id_or_none(row->tax, tax->tax_count) || row->percent < 0 ||
            row->percent > TOLL_TAX_PERCENT_ONE || !days_good(row->from, row->until) ||
            !toll_check_text(book, row->certificate) || row->spare != 0)
            return "an exemption";
    }
    return NULL;
}

/* Within a span between two days of change nothing may begin or end. */
static bool change_known(const struct toll_tax_tables *tax, int32_t day)
{
    uint32_t low = 0, high = tax->change_count;

    if (day == TOLL_TAX_DAY_MIN || day == TOLL_TAX_DAY_MAX)
        return true;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (tax->changes[middle] < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tax->change_count && tax->changes[low] == day;
}

static const char *check_changes(const struct toll_tax_tables *tax)
{
    bool good = true;

    for (uint32_t i = 0; i < tax->change_count; i++) {
        if (tax->changes[i] < DAY_LEAST || tax->changes[i] > DAY_MOST ||
            (i > 0 && tax->changes[i - 1] >= tax->changes[i]))
            return "a day on which taxes change";
    }
    for (uint32_t i = 0; i < tax->series_count && good; i++)
        good = change_known(tax, tax->series[i].from) && change_known(tax, tax->series[i].until);
    for (uint32_t i = 1; i < tax->exemption_count && good; i++)
        good = change_known(tax, tax->exemptions[i].from) && change_known(tax, tax->exemptions[i].until);
    for (uint32_t i = 0; i < tax->seller_count && good; i++)
        good = change_known(tax, tax->sellers[i].from) && change_known(tax, tax->sellers[i].until);
    return good ? NULL : "the days on which taxes change";
}

/* -- what else is taxed -- */

static bool at_account(const struct toll_book *book, int32_t account, int32_t site)
{
    return toll_check_id(account, book->account_count) && id_or_none(site, book->site_count) &&
           (site == 0 || book->sites[site].account == account);
}

static const char *check_charges(const struct toll_book *book)
{
    const struct toll_tax_tables *tax = &book->tax;

    for (uint32_t i = 0; i < tax->charge_count; i++) {
        const struct toll_charge *row = &tax->charges[i];
        if (!at_account(book, row->account, row->site) || !toll_check_id(row->product, tax->product_count) ||
            row->kind < 0 || row->kind > TOLL_CHARGE_FEE || row->amount < 0 || row->quantity < 0 ||
            !days_good(row->from, row->until) || row->included > 1 ||
            (row->kind != TOLL_CHARGE_RECURRING &&
             (row->from == TOLL_TAX_DAY_MIN || row->until != TOLL_TAX_DAY_MAX)))
            return "a charge";
    }
    for (uint32_t i = 0; i < tax->inventory_count; i++) {
        const struct toll_inventory_row *row = &tax->inventory[i];
        if (!at_account(book, row->account, row->site) || !id_or_none(row->product, tax->product_count) ||
            !toll_check_text(book, row->type) || row->quantity < 1 || row->quantity > SERVICE_QUANTITY_MOST ||
            !days_good(row->from, row->until) || row->spare != 0)
            return "a service";
    }
    return NULL;
}

static const char *check_holders(const struct toll_book *book)
{
    const struct toll_tax_tables *tax = &book->tax;

    for (uint32_t i = 1; i < book->account_count; i++) {
        const struct toll_account *account = &book->accounts[i];
        if (!toll_check_text(book, account->class_) || !toll_check_text(book, account->seller) ||
            account->resale < 0 || account->resale > 1 || !at_account(book, (int32_t)i, account->tax_site) ||
            account->tax_site_named < 0 || account->tax_site_named > (account->tax_site > 0 ? 1 : 0) ||
            account->spare != 0)
            return "what an account's taxes depend on";
    }
    for (uint32_t i = 1; i < book->site_count; i++) {
        if (!id_or_none(book->sites[i].area, tax->area_count))
            return "a site's tax area";
    }
    for (uint32_t i = 1; i < book->rule_count; i++) {
        if (!id_or_none(book->rules[i].product, tax->product_count))
            return "a rule's product";
    }
    for (uint32_t i = 1; i < book->tiers_count; i++) {
        if (!id_or_none(book->tiers[i].product, tax->product_count) || book->tiers[i].spare2 != 0)
            return "the product of tiers";
    }
    return NULL;
}

const char *toll_check_tax(const struct toll_book *book)
{
    const struct toll_tax_tables *tax = &book->tax;
    const char *problem = check_jurisdictions(book);

    problem = problem != NULL ? problem : check_areas(book);
    if (problem == NULL && (!names_good(book, tax->services, tax->service_count) ||
                            !names_good(book, tax->products, tax->product_count)))
        problem = "the names of tax services or products";
    problem = problem != NULL ? problem : check_sellers(book);
    problem = problem != NULL ? problem : check_splits(tax);
    problem = problem != NULL ? problem : check_taxes(book);
    problem = problem != NULL ? problem : check_exemptions(book);
    problem = problem != NULL ? problem : check_changes(tax);
    problem = problem != NULL ? problem : check_charges(book);
    return problem != NULL ? problem : check_holders(book);
}
