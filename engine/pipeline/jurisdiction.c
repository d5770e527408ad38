/* Class and jurisdiction of a call: docs/RATING.md section 6. */
#include "pipeline/row.h"

bool toll_row_is_emergency(const struct toll_rater *rater, const struct toll_row *row)
{
    return rater->book->nanp && toll_is_emergency(row->kind, row->callee);
}

/* enum toll_area_kind bits of the callee. */
static unsigned callee_area(const struct toll_rater *rater, const struct toll_row *row)
{
    const bool nanp =
        rater->book->nanp && toll_kind_callee_type(row->kind) == TOLL_NUMBER_E164 && row->callee >> 60 == 1;
    return nanp ? rater->areas[row->callee >> 48 & 0xfff] : 0;
}

bool toll_callee_is_toll_free(const struct toll_rater *rater, const struct toll_row *row)
{
    return (callee_area(rater, row) & TOLL_AREA_TOLL_FREE) != 0;
}

/* ---- class ---- */

static bool is_n11(const struct toll_rater *rater, const struct toll_row *row)
{
    if (!rater->book->nanp || toll_kind_callee_type(row->kind) != TOLL_NUMBER_SHORT)
        return false;
    const uint64_t first = row->callee >> 60;
    const bool n11 = row->callee == (TOLL_SHORT_CODE(011) | first << 60) && first >= 2 && first <= 9;
    return n11 || row->callee == TOLL_SHORT_CODE(933) || row->callee == TOLL_SHORT_CODE(988);
}

static bool is_on_net(const struct toll_rater *rater, const struct toll_row *row)
{
    const struct toll_book *book = rater->book;
    if (book->on_net == TOLL_ON_NET_NONE || toll_kind_caller_type(row->kind) != TOLL_NUMBER_E164 ||
        toll_kind_callee_type(row->kind) != TOLL_NUMBER_E164)
        return false;
    const uint32_t caller = toll_number_owner(rater, row->caller, row->start);
    const uint32_t callee = caller == 0 ? 0 : toll_number_owner(rater, row->callee, row->start);
    return callee != 0 &&
           (book->on_net == TOLL_ON_NET_ANY || book->owners[caller].account == book->owners[callee].account);
}

enum toll_class toll_class_of(const struct toll_rater *rater, const struct toll_row *row)
{
    const unsigned area = callee_area(rater, row);
    return is_n11(rater, row)                  ? TOLL_N11
           : (area & TOLL_AREA_TOLL_FREE) != 0 ? TOLL_TOLL_FREE
           : (area & TOLL_AREA_PREMIUM) != 0   ? TOLL_PREMIUM
           : is_on_net(rater, row)             ? TOLL_ON_NET
                                               : TOLL_ORDINARY;
}

/* ---- places ---- */

static struct toll_end end_at_number(const struct toll_rater *rater, uint64_t number,
                                     enum toll_end_source source)
{
    const struct toll_book *book = rater->book;
    struct toll_end end = {.number = number, .source = source};
    if (number == 0)
        return (struct toll_end){.source = TOLL_END_NOWHERE};
    if (number >> 60 != 1) {
        end.abroad = true;
        return end;
    }
    if (book->place_lpm == NULL)
        return end;
    end.place = toll_lpm_one(&rater->tables[rater->place_table], rater->lpm_words, number);
    const struct toll_place *place = &book->places[end.place];
    end.state = place->state;
    end.ratecenter = place->ratecenter;
    end.abroad = place->abroad != 0;
    return end;
}

static void put_at_site(const struct toll_book *book, int32_t site, struct toll_end *end)
{
    const uint32_t state = book->sites[site].state;
    if (state == 0)
        return;
    end->ratecenter = end->state == state ? end->ratecenter : 0;
    end->state = state;
    end->abroad = false;
    end->source = TOLL_END_SITE;
}

/* RATING.md section 6.2 up to the list of what applies first. */
void toll_ends_find(const struct toll_rater *rater, const struct toll_row *row,
                    enum toll_jurisdiction_basis basis, int32_t site, struct toll_ends *ends)
{
    const bool in = (row->kind & TOLL_KIND_IN) != 0, lrn = basis == TOLL_BASIS_ANI_LRN;
    const bool caller = toll_kind_caller_type(row->kind) == TOLL_NUMBER_E164;
    const bool callee = toll_kind_callee_type(row->kind) == TOLL_NUMBER_E164;
    const bool toll_free = toll_callee_is_toll_free(rater, row);

    if (caller && lrn && row->lrn_caller != 0)
        ends->originating = end_at_number(rater, row->lrn_caller, TOLL_END_LRN);
    else
        ends->originating = end_at_number(rater, caller ? row->caller : 0, TOLL_END_NUMBER);
    if (toll_free)
        ends->terminating = end_at_number(rater, row->ring_to, TOLL_END_RING_TO);
    else if (callee && lrn && row->lrn_callee != 0)
        ends->terminating = end_at_number(rater, row->lrn_callee, TOLL_END_LRN);
    else
        ends->terminating = end_at_number(rater, callee ? row->callee : 0, TOLL_END_NUMBER);

    if (basis == TOLL_BASIS_SITE)
        put_at_site(rater->book, site, in ? &ends->terminating : &ends->originating);
    else if (toll_free && in && row->ring_to == 0)
        put_at_site(rater->book, site, &ends->terminating);
}

enum toll_call_jurisdiction toll_jurisdiction_of(const struct toll_rater *rater, const struct toll_row *row,
                                                 enum toll_jurisdiction_basis basis, int32_t site)
{
    if (!rater->book->nanp)
        return TOLL_INDETERMINATE;
    if (basis == TOLL_BASIS_CARRIER && row->word >= 0)
        return (enum toll_call_jurisdiction)row->word;
    struct toll_ends ends;
    toll_ends_find(rater, row, basis, site, &ends);
    const struct toll_end *from = &ends.originating, *to = &ends.terminating;
    if (from->abroad || to->abroad)
        return TOLL_INTERNATIONAL;
    if (from->ratecenter != 0 && to->ratecenter != 0 &&
        toll_book_is_local(rater->book, from->ratecenter, to->ratecenter))
        return TOLL_LOCAL;
    if (from->state != 0 && to->state != 0)
        return from->state == to->state ? TOLL_INTRASTATE : TOLL_INTERSTATE;
    return TOLL_INDETERMINATE;
}
