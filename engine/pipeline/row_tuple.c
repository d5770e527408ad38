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

void toll_row_tuple(const struct toll_book *book, const struct toll_row *row,
                    const struct toll_row_answer *answer, uint32_t *exemptions,
                    struct toll_tuple_facts *facts)
{
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
}
