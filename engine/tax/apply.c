/*
 * Which series apply where (docs/TAX.md section 3): by jurisdiction, date, class, sale and tax services; on
 * which share of the charge; how much of that is interstate; what is exempt.
 */
#include "tax/apply.h"

#include <stdlib.h>
#include <string.h>

struct candidate {
    int32_t tax, jurisdiction;
    uint32_t series;
};
struct applying {
    const struct toll_tax_tables *tables;
    const struct toll_tax_facts *facts;
    const struct toll_tax_split_part *parts;
    uint32_t part_count; /* 0: no tax service */
    struct candidate *candidates;
    uint32_t count;
    const struct toll_tax_seller *seller_rows; /* of the account's seller, in order of precedence */
    uint32_t seller_count;
    bool seller_known; /* the two are set */
};

static const struct toll_tax_series *series_of(const struct applying *a, const struct candidate *candidate)
{
    return &a->tables->series[candidate->series];
}

static int32_t date_of(const struct applying *a, int32_t tax)
{
    return a->facts->day[a->tables->taxes[tax].date_basis];
}

static bool lists_service(const struct toll_tax_tables *tables, uint32_t first, uint32_t count,
                          int32_t service)
{
    for (uint32_t i = 0; i < count; i++) {
        if (tables->ids[first + i] == service)
            return true;
    }
    return count == 0;
}

static bool is_for_part(const struct applying *a, const struct toll_tax_series *series, uint32_t part)
{
    return lists_service(a->tables, series->service_first, series->service_count, a->parts[part].service);
}

static bool shares_service(const struct applying *a, const struct toll_tax_series *series)
{
    for (uint32_t i = 0; i < a->part_count; i++) {
        if (is_for_part(a, series, i))
            return true;
    }
    return series->service_count == 0;
}

static bool is_for_class(const struct applying *a, const struct toll_tax_series *series)
{
    for (uint32_t i = 0; i < series->class_count; i++) {
        const uint32_t text = a->tables->texts[series->class_first + i];
        if (strcmp(toll_tax_string(a->tables, text), a->facts->customer_class) == 0)
            return true;
    }
    return series->class_count == 0;
}

/* What is retail applies to resale too, as exempt. */
static bool is_for_sale(const struct applying *a, const struct toll_tax_series *series)
{
    return series->sale != TOLL_TAX_RESALE || a->facts->resale;
}

static bool applies(const struct applying *a, const struct toll_tax_series *series, unsigned sourcing)
{
    const struct toll_tax *tax = &a->tables->taxes[series->tax];
    const int32_t date = a->facts->day[tax->date_basis];

    return tax->sourcing == sourcing && (a->facts->kinds >> tax->kind & 1) != 0 && date >= series->from &&
           date < series->until && is_for_sale(a, series) && is_for_class(a, series) &&
           shares_service(a, series);
}

static struct toll_tax_set set_of(const struct toll_tax_facts *facts, unsigned sourcing)
{
    return sourcing == TOLL_TAX_BY_ORIGIN      ? facts->origin
           : sourcing == TOLL_TAX_TWO_OF_THREE ? facts->two_of_three
                                               : facts->place;
}

static bool is_asked(const struct toll_tax_tables *tables, unsigned sourcing)
{
    return sourcing == TOLL_TAX_BY_SITE || (sourcing == TOLL_TAX_BY_ORIGIN && tables->origin) ||
           (sourcing == TOLL_TAX_TWO_OF_THREE && tables->two_of_three);
}

static void rows_at(const struct toll_tax_index *index, int32_t jurisdiction, struct toll_tax_rows rows[2])
{
    rows[0] = toll_tax_rows_of(&index->of_jurisdiction, (size_t)jurisdiction);
    rows[1] = toll_tax_rows_of(&index->of_level, (size_t)index->tables->jurisdictions[jurisdiction].level);
}

static size_t most_candidates(const struct toll_tax_index *index, const struct toll_tax_facts *facts)
{
    size_t most = 0;

    for (unsigned sourcing = TOLL_TAX_BY_SITE; sourcing <= TOLL_TAX_TWO_OF_THREE; sourcing++) {
        const struct toll_tax_set set = set_of(facts, sourcing);
        struct toll_tax_rows rows[2];

        for (uint32_t i = 0; is_asked(index->tables, sourcing) && i < set.count; i++) {
            rows_at(index, set.ids[i], rows);
            most += (size_t)rows[0].count + rows[1].count;
        }
    }
    return most;
}

static int by_place(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;

    if (a->tax != b->tax)
        return a->tax < b->tax ? -1 : 1;
    if (a->jurisdiction != b->jurisdiction)
        return a->jurisdiction < b->jurisdiction ? -1 : 1;
    return (a->series > b->series) - (a->series < b->series);
}

static void sort(struct candidate *candidates, uint32_t count)
{
    if (count > 64) {
        qsort(candidates, count, sizeof *candidates, by_place);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        const struct candidate one = candidates[i];
        uint32_t at = i;
        for (; at > 0 && by_place(&candidates[at - 1], &one) > 0; at--)
            candidates[at] = candidates[at - 1];
        candidates[at] = one;
    }
}

static void gather(struct applying *a, const struct toll_tax_index *index)
{
    for (unsigned sourcing = TOLL_TAX_BY_SITE; sourcing <= TOLL_TAX_TWO_OF_THREE; sourcing++) {
        const struct toll_tax_set set = set_of(a->facts, sourcing);
        struct toll_tax_rows rows[2];

        for (uint32_t i = 0; is_asked(a->tables, sourcing) && i < set.count; i++) {
            rows_at(index, set.ids[i], rows);
            for (int list = 0; list < 2; list++) {
                for (uint32_t r = 0; r < rows[list].count; r++) {
                    const uint32_t series = rows[list].rows[r];
                    if (applies(a, &a->tables->series[series], sourcing))
                        a->candidates[a->count++] =
                            (struct candidate){a->tables->series[series].tax, set.ids[i], series};
                }
            }
        }
    }
    sort(a->candidates, a->count);
}

/* Is a part of the split for this series of the level, or has one that names the jurisdiction taken it? The
 * group: all that applies of the same tax there. part_count as the part: a line without tax service. */
static bool takes_part(const struct applying *a, const struct candidate *group, uint32_t group_count,
                       const struct toll_tax_series *series, uint32_t part)
{
    const bool none = part == a->part_count;

    if (!none && !is_for_part(a, series, part))
        return false;
    for (uint32_t i = 0; series->jurisdiction == 0 && i < group_count; i++) {
        const struct toll_tax_series *naming = series_of(a, &group[i]);
        if (naming->jurisdiction != 0 && (none || is_for_part(a, naming, part)))
            return false;
    }
    return true;
}

static void find_seller(struct applying *a)
{
    const struct toll_tax_tables *tables = a->tables;
    uint32_t low = 0, high = tables->seller_count;

    a->seller_known = true;
    while (low < high) { /* the first that is not below */
        const uint32_t middle = low + (high - low) / 2;
        if (strcmp(toll_tax_string(tables, tables->sellers[middle].seller), a->facts->seller) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    a->seller_rows = tables->sellers + low;
    while (low + a->seller_count < tables->seller_count &&
           strcmp(toll_tax_string(tables, a->seller_rows[a->seller_count].seller), a->facts->seller) == 0)
        a->seller_count++;
}

/* In 1e-12, for a tax service (0: none) on a date; -1: nobody has said. */
static int64_t interstate_share(struct applying *a, int32_t service, int32_t date)
{
    enum { LOCAL = 1, INTRASTATE, INTERSTATE, INTERNATIONAL }; /* as enum toll_call_jurisdiction */
    const struct toll_tax_seller *row = NULL;

    if (!a->seller_known)
        find_seller(a);
    for (uint32_t i = 0; i < a->seller_count && row == NULL; i++) {
        const struct toll_tax_seller *one = &a->seller_rows[i];
        if (date >= one->from && date < one->until &&
            lists_service(a->tables, one->service_first, one->service_count, service))
            row = one;
    }
    if (row == NULL || a->facts->seller[0] == 0)
        return -1;
    if (row->method == TOLL_FUSF_ACTUAL && a->facts->call) {
        if (a->facts->jurisdiction == INTERSTATE || a->facts->jurisdiction == INTERNATIONAL)
            return TOLL_TAX_ONE;
        if (a->facts->jurisdiction == LOCAL || a->facts->jurisdiction == INTRASTATE)
            return 0;
    }
    return row->share;
}

/* Of the base: 1, 0, or what of it is interstate or intrastate; -1: nobody has said. */
static int64_t part_of(struct applying *a, const struct toll_tax_series *series, int32_t service)
{
    if (series->base == TOLL_TAX_BASE_CHARGE)
        return TOLL_TAX_ONE;
    if (series->base == TOLL_TAX_BASE_NONE)
        return 0;
    const int64_t interstate = interstate_share(a, service, date_of(a, series->tax));
    return interstate < 0 || series->base == TOLL_TAX_BASE_INTERSTATE ? interstate
                                                                      : TOLL_TAX_ONE - interstate;
}

static bool product_of_ones(struct toll_rational *out, toll_total n) /* n x 1e-24 */
{
    if (n == (toll_total)TOLL_TAX_ONE * TOLL_TAX_ONE) { /* mostly */
        toll_rational_of(out, 1, 1);
        return true;
    }
    if (n % TOLL_TAX_ONE == 0) {
        toll_rational_of(out, (int64_t)(n / TOLL_TAX_ONE), TOLL_TAX_ONE);
        return true;
    }
    struct toll_rational one;
    toll_rational_of(&one, 1, TOLL_TAX_ONE);
    toll_rational_of_total(out, n, TOLL_TAX_ONE);
    return toll_rational_multiply(out, out, &one);
}

static bool covers(const struct toll_tax_tables *tables, int32_t above, int32_t jurisdiction)
{
    for (; jurisdiction != 0; jurisdiction = tables->jurisdictions[jurisdiction].parent) {
        if (jurisdiction == above)
            return true;
    }
    return false;
}

static bool exempts(const struct applying *a, const struct toll_tax_exemption *row,
                    const struct toll_tax_component *component)
{
    const struct toll_tax_tables *tables = a->tables;
    const struct toll_tax *tax = &tables->taxes[component->tax];
    const int32_t date = date_of(a, component->tax);

    return date >= row->from && date < row->until && (row->tax == 0 || row->tax == component->tax) &&
           (row->tax != 0 || tax->exempt_named == 0) &&
           (row->level < 0 || row->level == tables->jurisdictions[component->jurisdiction].level) &&
           (row->jurisdiction == 0 || covers(tables, row->jurisdiction, component->jurisdiction)) &&
           (*toll_tax_string(tables, row->category) == 0 ||
            strcmp(toll_tax_string(tables, row->category), toll_tax_string(tables, tax->category)) == 0);
}

static void exempt(const struct applying *a, struct toll_tax_component *component)
{
    if (a->facts->resale && a->tables->series[component->series].sale == TOLL_TAX_RETAIL) {
        component->resale = true;
        component->exempt = (int32_t)TOLL_TAX_PERCENT_ONE;
        return;
    }
    for (uint32_t i = 0; i < a->facts->exemption_count; i++) {
        const uint32_t row = a->facts->exemptions[i];
        const struct toll_tax_exemption *exemption = &a->tables->exemptions[row];
        if (exemption->percent > component->exempt && exempts(a, exemption, component)) {
            component->exempt = exemption->percent;
            component->exemption = row;
        }
    }
}

/* 1: a component; 0: others have taken all of its tax services; negative on error. */
static int complete(struct applying *a, const struct candidate *group, uint32_t group_count,
                    const struct candidate *candidate, struct toll_arena *arena, struct toll_tax_list *list,
                    struct toll_error *error)
{
    const struct toll_tax_series *series = series_of(a, candidate);
    struct toll_tax_component *component = &list->components[list->count];
    const bool rate = a->tables->taxes[series->tax].kind == TOLL_TAX_RATE;
    struct toll_rational base;
    toll_total weighted = 0;
    bool any = false;

    component->share = 0;
    for (uint32_t i = 0; i < (a->part_count == 0 ? 1 : a->part_count); i++) {
        if (!takes_part(a, group, group_count, series, i))
            continue;
        const int64_t share = a->part_count == 0 ? TOLL_TAX_ONE : a->parts[i].share;
        const int64_t part = rate ? part_of(a, series, a->part_count == 0 ? 0 : a->parts[i].service) : 0;

        if (part < 0) {
            list->reason = TOLL_TAX_NO_SELLER;
            list->tax = series->tax;
            return 0;
        }
        any = true;
        component->share += share;
        weighted += (toll_total)share * part;
    }
    if (!any)
        return 0;
    component->series = candidate->series;
    component->tax = candidate->tax;
    component->jurisdiction = candidate->jurisdiction;
    component->base = &toll_tax_zero;
    exempt(a, component);
    if (weighted != 0) {
        if (!product_of_ones(&base, weighted))
            return toll_tax_too_wide(a->tables, series->tax, error);
        component->base = toll_rational_keep(&base, arena);
        if (component->base == NULL)
            return toll_error_set(error, TOLL_ENOMEM, "out of memory for the components of a tax");
    }
    return 1;
}

static int complete_all(struct applying *a, struct toll_arena *arena, struct toll_tax_list *out,
                        struct toll_error *error)
{
    for (uint32_t first = 0, end; first < a->count; first = end) {
        const struct candidate *group = a->candidates + first;

        for (end = first + 1; end < a->count && a->candidates[end].tax == group->tax &&
                              a->candidates[end].jurisdiction == group->jurisdiction;)
            end++;
        for (uint32_t i = first; i < end; i++) {
            const int code = complete(a, group, end - first, &a->candidates[i], arena, out, error);
            if (code < 0 || out->reason != TOLL_TAX_TAXED)
                return code;
            out->count += (uint32_t)code;
        }
    }
    return 0;
}

int toll_tax_apply(const struct toll_tax_index *index, const struct toll_tax_facts *facts,
                   struct toll_arena *arena, struct toll_tax_list *out, struct toll_error *error)
{
    const struct toll_tax_split *split = &index->tables->splits[facts->split];
    const size_t most = most_candidates(index, facts);
    struct applying a = {
        .tables = index->tables,
        .facts = facts,
        .parts = index->tables->split_parts + split->first,
        .part_count = facts->split == 0 ? 0 : split->count,
        .candidates = malloc((most + 1) * sizeof *a.candidates),
    };
    int code;

    memset(out, 0, sizeof *out);
    if (a.candidates == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the components of a tax");
    gather(&a, index);
    out->components = toll_arena_alloc(arena, (a.count + 1) * sizeof *out->components);
    code = out->components == NULL
               ? toll_error_set(error, TOLL_ENOMEM, "out of memory for the components of a tax")
               : complete_all(&a, arena, out, error);
    if (out->reason != TOLL_TAX_TAXED)
        out->count = 0;
    free(a.candidates);
    return code;
}
