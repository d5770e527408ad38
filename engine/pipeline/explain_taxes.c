/*
 * The taxes of a line: its place and tax services, each tax with its row and what it comes to, not rounded,
 * and why it is exempt. Worked out again from the book, and compared with what the run has.
 */
#include "pipeline/component_rows.h"
#include "pipeline/explain_entries.h"
#include "pipeline/reader_taxes.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct taxing {
    struct toll_explainer *explainer;
    const struct toll_book *book;
    const struct toll_tax_tables *tables;
    struct toll_arena arena;
    const struct toll_tax_index *index;
    struct toll_tuple_facts facts;
    struct toll_tax_list list;
    struct toll_line_taxes line; /* as the run has them */
};

static void add_suspense(const struct taxing *taxing)
{
    static const struct {
        enum toll_tax_reason reason;
        const char *text;
    } whys[] = {
        {TOLL_TAX_NO_SITE,
         "the line has no site, and the account has neither a tax_site nor one site alone: give it a "
         "tax_site"},
        {TOLL_TAX_NO_AREA, "the site has no area: give it one"},
        {TOLL_TAX_NO_TAX_SERVICE, "no row of tax_map.csv is for such a call: add one"},
        {TOLL_TAX_NO_LEG_PLACE,
         "an end of the call has no place in npanxx.csv: add its prefix, with a state or an area"},
        {TOLL_TAX_NO_SELLER,
         "a tax asks for the interstate share, and the account's seller has none then: add it to "
         "sellers.csv"},
    };
    for (size_t i = 0; i < sizeof whys / sizeof *whys; i++)
        if (strcmp(taxing->line.reason, toll_tax_reason_name(whys[i].reason)) == 0)
            toll_explain_add(taxing->explainer, TOLL_EXPLAIN_STEP, "tax suspense", "", 0,
                             "no tax is worked out (%s): %s", taxing->line.reason, whys[i].text);
}

static void add_place(const struct taxing *taxing)
{
    const struct toll_tax_tables *tables = taxing->tables;
    const struct toll_tax_area *area = &tables->areas[taxing->facts.profile.area];
    const char *resolved = taxing->facts.profile.resolved == TOLL_PLACE_SITE ? "the site of the line"
                           : taxing->facts.profile.resolved == TOLL_PLACE_TAX_SITE
                               ? "the account's tax_site"
                               : "the account's only site";
    char text[256] = "";
    size_t bytes = 0;
    if (taxing->facts.profile.area == 0)
        return;
    for (uint32_t i = 0; i < area->count && bytes < sizeof text; i++) {
        const int32_t id = tables->area_jurisdictions[area->first + i];
        bytes += (size_t)snprintf(text + bytes, sizeof text - bytes, "%s%s", i == 0 ? "" : ", ",
                                  toll_tax_string(tables, tables->jurisdictions[id].id));
    }
    toll_explain_add(taxing->explainer, TOLL_EXPLAIN_STEP, "tax place", "tax_areas.csv", area->line,
                     "area %s, that of %s: %s", toll_tax_string(tables, area->area), resolved, text);
}

/* Where taxes go by the ends of calls. */
static void add_ends(const struct taxing *taxing, const struct toll_tuple_row *row)
{
    if (taxing->tables->origin && taxing->line.reason[0] == 0)
        toll_explain_add(taxing->explainer, TOLL_EXPLAIN_STEP, "tax origin", "", 0,
                         "the call originates in %s", row->origin[0] == 0 ? "none of them" : row->origin);
    if (taxing->tables->two_of_three && taxing->line.reason[0] == 0)
        toll_explain_add(taxing->explainer, TOLL_EXPLAIN_STEP, "two of three", "", 0,
                         "two of its ends and its place lie in %s",
                         row->two_of_three[0] == 0 ? "nothing" : row->two_of_three);
}

static void add_split(const struct taxing *taxing)
{
    if (taxing->facts.kind.split != 0)
        toll_explain_add(taxing->explainer, TOLL_EXPLAIN_STEP, "tax services", "tax_map.csv",
                         taxing->tables->splits[taxing->facts.kind.split].line, "%s",
                         taxing->line.tax_services);
}

/* "0.65 of the charge, city, fusf": what a tax is on. */
static void base_text(const struct taxing *taxing, const struct toll_tax_component *component, char *text,
                      size_t room)
{
    const struct toll_tax_series *series = &taxing->tables->series[component->series];
    char base[TOLL_RATIONAL_TEXT_BYTES];
    size_t bytes = 0;
    *text = 0;
    toll_rational_text(component->base, base);
    if (!toll_rational_is_zero(component->base))
        bytes = (size_t)snprintf(text, room, "%s%.24sthe charge", strcmp(base, "1") == 0 ? "" : base,
                                 strcmp(base, "1") == 0 ? "" : " of ");
    for (uint32_t i = 0; i < series->on_count && bytes < room; i++) {
        const int32_t tax = taxing->tables->ids[series->on_first + i];
        bytes += (size_t)snprintf(text + bytes, room - bytes, "%s%s", bytes == 0 ? "" : ", ",
                                  toll_tax_string(taxing->tables, taxing->tables->taxes[tax].tax));
    }
    if (bytes == 0)
        snprintf(text, room, "nothing");
}

static void add_exemption(const struct taxing *taxing, const struct toll_tax_component *component,
                          const struct toll_line_tax *tax)
{
    char percent[TOLL_TOTAL_TEXT_BYTES];
    if (component->exempt == 0)
        return;
    if (component->resale) {
        toll_explain_add(taxing->explainer, TOLL_EXPLAIN_STEP, "exempt", "", 0,
                         "%s of %s is on retail, and what this account buys is for resale", tax->tax,
                         tax->tax_jurisdiction);
        return;
    }
    toll_explain_add(taxing->explainer, TOLL_EXPLAIN_STEP, "exempt", "exemptions.csv",
                     taxing->tables->exemptions[component->exemption].line, "%s of %s to %s %%%s%s", tax->tax,
                     tax->tax_jurisdiction, toll_component_number(component->exempt, 6, percent),
                     tax->certificate[0] == 0 ? "" : ", certificate ", tax->certificate);
}

static void add_tax(const struct taxing *taxing, const struct toll_tax_component *component,
                    const struct toll_line_tax *tax)
{
    const char *own = tax->billable ? "" : "; the seller's own to pay";
    char base[160];
    base_text(taxing, component, base, sizeof base);
    if (tax->late)
        toll_explain_add(taxing->explainer, TOLL_EXPLAIN_STEP, "tax", "taxes.csv", (uint32_t)tax->line,
                         "%s of %s: it has brackets, a cap or a threshold, or stands on a tax that has; "
                         "tollmill tax works it "
                         "out over all lines%s",
                         tax->tax, tax->tax_jurisdiction, own);
    else if (strcmp(tax->kind, "per_minute") == 0)
        toll_explain_add(taxing->explainer, TOLL_EXPLAIN_STEP, "tax", "taxes.csv", (uint32_t)tax->line,
                         "%s of %s: %s for each of %s minutes = %s%s", tax->tax, tax->tax_jurisdiction,
                         tax->rate, tax->base, tax->tax_exact, own);
    else
        toll_explain_add(taxing->explainer, TOLL_EXPLAIN_STEP, "tax", "taxes.csv", (uint32_t)tax->line,
                         "%s of %s: %s of %s (%s) = %s%s", tax->tax, tax->tax_jurisdiction, tax->rate,
                         tax->base, base, tax->tax_exact, own);
    add_exemption(taxing, component, tax);
}

static bool same_component(const struct taxing *taxing, const struct toll_tax_component *component,
                           const struct toll_line_tax *tax)
{
    const struct toll_tax_tables *tables = taxing->tables;
    return strcmp(toll_tax_string(tables, tables->taxes[component->tax].tax), tax->tax) == 0 &&
           strcmp(toll_tax_string(tables, tables->jurisdictions[component->jurisdiction].id),
                  tax->tax_jurisdiction) == 0 &&
           toll_component_first_row(tables, component->series)->line == (uint32_t)tax->line &&
           component->late == tax->late;
}

/* Is what the book gives what the run has? */
static bool same_as_stored(const struct taxing *taxing)
{
    const enum toll_tax_reason reason = toll_tuple_reason(&taxing->facts);
    if (reason != TOLL_TAX_TAXED && strcmp(toll_tax_reason_name(reason), taxing->line.reason) != 0)
        return false;
    if (taxing->list.count != taxing->line.count)
        return false;
    for (uint32_t i = 0; i < taxing->list.count; i++)
        if (!same_component(taxing, &taxing->list.components[i], &taxing->line.taxes[i]))
            return false;
    return true;
}

/* "NY;US", as the run has the ends of the call: their names are in the order of the ids. */
static int read_set(struct taxing *taxing, const char *names, struct toll_tax_set *out,
                    struct toll_error *error)
{
    int32_t *ids = toll_arena_alloc(&taxing->arena, (strlen(names) + 1) * sizeof *ids);
    uint32_t count = 0;
    if (ids == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    while (*names != 0) {
        const size_t bytes = strcspn(names, ";");
        const int32_t id = toll_tax_jurisdiction_find(taxing->tables, names, bytes);
        if (id != 0)
            ids[count++] = id;
        names += bytes + (names[bytes] == ';');
    }
    *out = (struct toll_tax_set){ids, count};
    return 0;
}

static int solve(struct taxing *taxing, const struct toll_tuple_row *row, uint32_t *exemptions,
                 struct toll_error *error)
{
    struct toll_tax_facts facts;
    if (!toll_row_tuple(taxing->explainer->rater, taxing->explainer->row, taxing->explainer->answer,
                        exemptions, &taxing->arena, &taxing->facts))
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    if (taxing->line.reason[0] != 0)
        return 0;
    int rc = read_set(taxing, row->origin, &taxing->facts.origin, error);
    if (rc == 0)
        rc = read_set(taxing, row->two_of_three, &taxing->facts.two_of_three, error);
    toll_tuple_tax_facts(taxing->book, &taxing->facts, &facts);
    if (rc == 0)
        rc = toll_tax_index_build(taxing->tables, &taxing->arena, &taxing->index, error);
    return rc != 0 ? rc : toll_tax_components(taxing->index, &facts, &taxing->arena, &taxing->list, error);
}

static void add_all(const struct taxing *taxing, const struct toll_tuple_row *row)
{
    add_place(taxing);
    add_ends(taxing, row);
    add_split(taxing);
    add_suspense(taxing);
    for (uint32_t i = 0; i < taxing->list.count; i++)
        add_tax(taxing, &taxing->list.components[i], &taxing->line.taxes[i]);
    if (taxing->line.reason[0] == 0 && taxing->list.count == 0)
        toll_explain_add(taxing->explainer, TOLL_EXPLAIN_STEP, "tax", "", 0,
                         "no row of taxes.csv is for this place, these services and this customer");
}

int toll_explain_taxes(struct toll_explainer *explainer, const struct toll_explain_taxed *taxed,
                       struct toll_error *error)
{
    struct taxing taxing = {.explainer = explainer, .book = explainer->book, .tables = &explainer->book->tax};
    struct toll_reader_taxes reader = {0};
    if (taxed->tuple == 0)
        return 0;
    const struct toll_tuple_row *row = toll_reader_tuple(taxed->tables, taxed->tuple);
    uint32_t *exemptions = calloc((size_t)taxing.tables->exemption_count + 1, sizeof *exemptions);
    int rc = exemptions == NULL ? toll_error_set(error, TOLL_ENOMEM, "out of memory")
                                : toll_reader_taxes_of(&reader, taxed->tables, taxed->tuple, taxed->charge,
                                                       taxed->billed, &taxing.line, error);
    if (rc == 0)
        rc = solve(&taxing, row, exemptions, error);
    if (rc == 0 && !same_as_stored(&taxing))
        rc = toll_error_set(error, TOLL_EBUG,
                            "the line was taxed otherwise by another version; rate again with this one");
    explainer->part = TOLL_EXPLAIN_TAXES;
    if (rc == 0)
        add_all(&taxing, row);
    toll_reader_taxes_free(&reader);
    toll_arena_free(&taxing.arena);
    free(exemptions);
    return rc;
}

static void add_result(struct toll_explainer *explainer, const struct toll_line_taxes *taxes)
{
    struct toll_rational sum, value;
    char text[TOLL_RATIONAL_TEXT_BYTES];
    bool late = false;
    toll_rational_zero(&sum);
    for (size_t i = 0; i < taxes->count; i++) {
        late |= taxes->taxes[i].late && taxes->taxes[i].billable;
        if (taxes->taxes[i].billable && !taxes->taxes[i].late &&
            (!toll_rational_parse(&value, taxes->taxes[i].tax_exact) ||
             !toll_rational_add(&sum, &sum, &value)))
            return;
    }
    int64_t about;
    toll_rational_text(&sum, text);
    explainer->out->line.taxes = toll_explain_keep(explainer, text);
    if (strchr(text, '/') != NULL && toll_rational_round(&sum, TOLL_MONEY_DECIMALS, TOLL_HALF_UP, &about)) {
        memcpy(text, "about ", 6);
        toll_component_number(about, TOLL_MONEY_DECIMALS, text + 6);
    }
    toll_explain_add(explainer, TOLL_EXPLAIN_RESULT, "taxes", "", 0, "%s %s, not rounded%s", text,
                     explainer->line->currency[0] == 0 ? explainer->book->currency
                                                       : explainer->line->currency,
                     late ? "; with those that are worked out over all lines, more" : "");
}

/* What is billed, as far as it is the line's own. */
void toll_explain_taxes_result(struct toll_explainer *explainer, const struct toll_explain_taxed *taxed)
{
    struct toll_reader_taxes reader = {0};
    struct toll_line_taxes taxes;
    if (taxed->tuple == 0)
        return;
    if (toll_reader_taxes_of(&reader, taxed->tables, taxed->tuple, taxed->charge, taxed->billed, &taxes,
                             NULL) == 0) {
        if (taxes.reason[0] != 0)
            explainer->out->line.tax_suspense = toll_explain_keep(explainer, taxes.reason);
        else
            add_result(explainer, &taxes);
    }
    toll_reader_taxes_free(&reader);
}
