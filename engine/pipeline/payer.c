/* Who pays (docs/RATING.md section 4) and by which plan (section 5). */
#include "pipeline/pools.h"
#include "pipeline/row.h"

uint64_t toll_row_near_end(const struct toll_row *row)
{
    const bool in = (row->kind & TOLL_KIND_IN) != 0;
    const unsigned type = in ? toll_kind_callee_type(row->kind) : toll_kind_caller_type(row->kind);
    return type == TOLL_NUMBER_E164 ? (in ? row->callee : row->caller) : 0;
}

uint32_t toll_number_owner(const struct toll_rater *rater, uint64_t number, toll_ms at)
{
    const struct toll_book *book = rater->book;
    const uint32_t field = toll_probe_one(rater->numbers, rater->number_lines, number);
    return field == 0 ? 0 : toll_book_owner_at(book, field, at);
}

static uint32_t named_owner(const struct toll_rater *rater, enum toll_named_kind kind, uint32_t place,
                            toll_ms at)
{
    const uint32_t field = place == 0 ? 0 : rater->book->named[kind][place - 1].owner;
    return field == 0 ? 0 : toll_book_owner_at(rater->book, field, at);
}

static bool differ(const struct toll_rater *rater, uint32_t a, uint32_t b)
{
    return a != 0 && b != 0 && rater->book->owners[a].account != rater->book->owners[b].account;
}

/* Candidates of a leg; of a record that is no leg, all of them. */
static void find_candidates(const struct toll_rater *rater, const struct toll_row *row,
                            struct toll_payer *payer)
{
    const bool alone = (row->kind & TOLL_KIND_LEG) != 0 && (row->kind & TOLL_KIND_IN) != 0;
    *payer = (struct toll_payer){.near = toll_number_owner(rater, toll_row_near_end(row), row->start)};
    if (alone)
        return;
    payer->charged = toll_number_owner(rater, row->charged, row->start);
    payer->trunk = named_owner(rater, TOLL_NAMED_TRUNK, row->trunk, row->start);
    payer->hint = named_owner(rater, TOLL_NAMED_HINT, row->hint, row->start);
}

/* Is anybody known of the other leg? The two rows are alike in everything but the direction. */
static bool other_leg_is_known(const struct toll_rater *rater, const struct toll_row *row)
{
    struct toll_row other = *row;
    struct toll_payer payer;
    other.kind ^= TOLL_KIND_IN;
    find_candidates(rater, &other, &payer);
    return (payer.charged | payer.trunk | payer.hint | payer.near) != 0;
}

void toll_payer_find(const struct toll_rater *rater, const struct toll_row *row, struct toll_payer *payer)
{
    find_candidates(rater, row, payer);
    payer->conflict = differ(rater, payer->charged, payer->trunk) ||
                      differ(rater, payer->charged, payer->hint) ||
                      differ(rater, payer->trunk, payer->hint) || differ(rater, payer->hint, payer->near);
    payer->kind = payer->charged != 0 ? TOLL_PAYER_CHARGED
                  : payer->trunk != 0 ? TOLL_PAYER_TRUNK
                  : payer->hint != 0  ? TOLL_PAYER_HINT
                  : payer->near != 0  ? TOLL_PAYER_NEAR
                                      : TOLL_PAYER_NOBODY;
    payer->site = payer->kind == TOLL_PAYER_HINT && payer->near != 0 ? TOLL_PAYER_NEAR : payer->kind;
    payer->other_party = payer->kind == TOLL_PAYER_NOBODY && (row->kind & TOLL_KIND_LEG) != 0 &&
                         other_leg_is_known(rater, row);
    if (payer->conflict)
        return;
    const uint32_t owners[] = {0, payer->charged, payer->trunk, payer->hint, payer->near};
    payer->owner = owners[payer->site];
}

uint64_t toll_payer_number(const struct toll_payer *payer, const struct toll_row *row)
{
    switch (payer->site) {
    case TOLL_PAYER_CHARGED:
        return row->charged;
    case TOLL_PAYER_TRUNK:
        return toll_pool_named_number(TOLL_NAMED_TRUNK, row->trunk - 1);
    case TOLL_PAYER_HINT:
        return toll_pool_named_number(TOLL_NAMED_HINT, row->hint - 1);
    case TOLL_PAYER_NEAR:
        return toll_row_near_end(row);
    default:
        return 0;
    }
}

static void better_span(const struct toll_book *book, uint32_t first, uint32_t count, toll_ms at,
                        const struct toll_plan_span **best)
{
    for (uint32_t i = first; i < first + count; i++) {
        const struct toll_plan_span *span = &book->spans[i];
        if (at >= span->from && at < span->until && (*best == NULL || span->level < (*best)->level))
            *best = span;
    }
}

int32_t toll_plan_find(const struct toll_rater *rater, uint32_t owner, uint32_t trunk, uint32_t carrier,
                       toll_ms at, enum toll_assignment_level *level)
{
    const struct toll_book *book = rater->book;
    const struct toll_plan_span *best = NULL;
    better_span(book, book->owners[owner].span, book->owners[owner].span_count, at, &best);
    if (trunk != 0) {
        const struct toll_named *named = &book->named[TOLL_NAMED_TRUNK][trunk - 1];
        better_span(book, named->span, named->span_count, at, &best);
    }
    if (carrier != 0) {
        const struct toll_named *named = &book->named[TOLL_NAMED_CARRIER][carrier - 1];
        better_span(book, named->span, named->span_count, at, &best);
    }
    if (level != NULL)
        *level = best == NULL ? TOLL_LEVEL_NONE : (enum toll_assignment_level)best->level;
    return best == NULL ? 0 : best->plan;
}
