/* The tuple of one row, read from the tables as docs/TAX.md section 2 has it. */
#include "pipeline/tuples.h"

#include "base/cycle.h"
#include "pipeline/row.h"

#include <string.h>

static uint32_t exemptions_of(const struct toll_book *book, int32_t account, int32_t site, uint32_t *out)
{
    uint32_t count = 0;
    for (uint32_t i = 1; i < book->tax.exemption_count; i++) {
        const struct toll_tax_exemption *row = &book->tax.exemptions[i];
        if ((row->account == 0 || row->account == account) && (row->site == 0 || row->site == site))
            out[count++] = i;
    }
    return count;
}

/* They are in order of precedence. */
static uint32_t split_of(const struct toll_book *book, int32_t product, unsigned service,
                         const struct toll_row_answer *answer)
{
    for (uint32_t i = 1; i < book->tax.split_count; i++) {
        const struct toll_tax_split *split = &book->tax.splits[i];
        if ((split->product == 0 || split->product == product) &&
            (split->service < 0 || split->service == (int)service) &&
            (split->class_ < 0 || split->class_ == (int)answer->class_) &&
            (split->jurisdiction < 0 || split->jurisdiction == (int)answer->jurisdiction))
            return i;
    }
    return 0;
}

/* The last day of change that is not after the call's, if one is in its period. */
static int32_t first_day_of_span(const struct toll_book *book, int32_t period, int64_t day)
{
    int32_t first = period;
    for (uint32_t i = 0; i < book->tax.change_count; i++)
        if (book->tax.changes[i] > first && book->tax.changes[i] <= day)
            first = book->tax.changes[i];
    return first;
}

/* ---- section 4 ---- */

static bool sourced(const struct toll_tax_tables *tax, int sourcing)
{
    for (uint32_t i = 1; i < tax->tax_count; i++)
        if (tax->taxes[i].sourcing == sourcing)
            return true;
    return false;
}

/* The area of this name, 0 none. */
static uint32_t area_named(const struct toll_tax_tables *tax, const char *name)
{
    for (uint32_t i = 1; i < tax->area_count; i++)
        if (strcmp(toll_tax_string(tax, tax->areas[i].area), name) == 0)
            return i;
    return 0;
}

static bool is_above(const struct toll_tax_tables *tax, int32_t above, int32_t jurisdiction)
{
    for (; jurisdiction != 0; jurisdiction = tax->jurisdictions[jurisdiction].parent)
        if (jurisdiction == above)
            return true;
    return false;
}

/* The state's jurisdictions and their parents. */
static uint32_t state_set(const struct toll_tax_tables *tax, const char *state, int32_t *ids)
{
    uint32_t count = 0;
    for (uint32_t i = 1; i < tax->jurisdiction_count; i++) {
        bool in = false;
        for (uint32_t k = 1; k < tax->jurisdiction_count; k++)
            in |= tax->jurisdictions[k].level == TOLL_TAX_STATE &&
                  strcmp(toll_tax_string(tax, tax->jurisdictions[k].state), state) == 0 &&
                  is_above(tax, (int32_t)i, (int32_t)k);
        if (in)
            ids[count++] = (int32_t)i;
    }
    return count;
}

struct end_set {
    struct toll_tax_set set;
    bool nowhere; /* nobody knows where it is */
};

static struct end_set end_set_of(const struct toll_book *book, const struct toll_end *end, int32_t *ids)
{
    const struct toll_tax_tables *tax = &book->tax;
    struct end_set found = {.set = {ids, 0}};
    if (end->abroad)
        return found;
    const char *name = end->number == 0 ? "" : toll_book_string(book, book->places[end->place].area);
    const uint32_t area = name[0] == 0 ? 0 : area_named(tax, name);
    if (area != 0)
        found.set = toll_tax_area_set(tax, area);
    else if (end->state != 0)
        found.set.count = state_set(tax, toll_book_string(book, book->state_names[end->state]), ids);
    else
        found.nowhere = end->number != 0;
    return found;
}

static bool add_ends(const struct toll_rater *rater, const struct toll_row *row, int32_t site,
                     struct toll_arena *arena, struct toll_tuple_facts *facts)
{
    const struct toll_book *book = rater->book;
    const struct toll_tax_tables *tax = &book->tax;
    const bool origin = sourced(tax, TOLL_TAX_BY_ORIGIN), two = sourced(tax, TOLL_TAX_TWO_OF_THREE);
    struct toll_ends ends;
    if (!book->nanp || (!origin && !two))
        return true;
    int32_t *ids = toll_arena_alloc(arena, 5 * (size_t)tax->jurisdiction_count * sizeof *ids);
    if (ids == NULL)
        return false;
    toll_ends_find(rater, row, TOLL_BASIS_ANI, site, &ends);
    const struct end_set from = end_set_of(book, &ends.originating, ids);
    const struct end_set to = end_set_of(book, &ends.terminating, ids + tax->jurisdiction_count);
    if (from.nowhere || (two && to.nowhere)) {
        facts->no_leg_place = facts->profile.area != 0 && facts->kind.split != 0;
        return true;
    }
    if (origin)
        facts->origin = from.set;
    const struct toll_tax_set place = facts->profile.area == 0
                                          ? (struct toll_tax_set){NULL, 0}
                                          : toll_tax_area_set(tax, (uint32_t)facts->profile.area);
    const struct toll_tax_set three[3] = {from.set, to.set, place};
    int32_t *both = ids + 2 * (size_t)tax->jurisdiction_count;
    if (two)
        facts->two_of_three = (struct toll_tax_set){both, toll_tax_in_two(three, both)};
    return true;
}

/* ---- all of it ---- */

bool toll_row_tuple(const struct toll_rater *rater, const struct toll_row *row,
                    const struct toll_row_answer *answer, uint32_t *exemptions, struct toll_arena *arena,
                    struct toll_tuple_facts *facts)
{
    const struct toll_book *book = rater->book;
    const struct toll_owner *owner = &book->owners[answer->payer.owner];
    const struct toll_account *account = &book->accounts[owner->account];
    const unsigned service = toll_kind_service(row->kind);
    memset(facts, 0, sizeof *facts);
    const int32_t site = toll_tuple_site(book, owner->account, owner->site, &facts->profile.resolved);
    facts->profile.area = site == 0 ? 0 : book->sites[site].area;
    facts->profile.customer_class = account->class_;
    facts->profile.seller = account->seller;
    facts->profile.resale = account->resale != 0;
    facts->profile.exemption_count = exemptions_of(book, owner->account, owner->site, exemptions);
    facts->exemptions = exemptions;
    facts->kind = (struct toll_tuple_kind){
        .split = split_of(book, book->rules[answer->rule].product, service, answer),
        .service = (uint8_t)service,
        .jurisdiction = (uint8_t)answer->jurisdiction,
    };
    const struct toll_zone *zone = book->zones[account->zone];
    const struct toll_cycle cycle = toll_cycle_at(zone, account->cycle_day, row->start);
    const int64_t day =
        toll_day_of_ms(row->start + toll_zone_offset(zone, row->start, NULL, NULL) * INT64_C(1000));
    facts->period = (int32_t)cycle.day;
    facts->next_period = (int32_t)cycle.next_day;
    facts->day = first_day_of_span(book, facts->period, day);
    return add_ends(rater, row, owner->site, arena, facts);
}
