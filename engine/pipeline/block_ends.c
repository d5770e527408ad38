/*
 * What both ends of a call say together: jurisdiction (docs/RATING.md section 6.2), where the area codes have
 * not settled it, and whether it stays on our net. Lists of rows, each with one pass over all their numbers.
 */
#include "base/check.h"
#include "pipeline/stages.h"

#include <string.h>

/* ---- classify ---- */

/* LRN where the record has one, else the number. */
static const uint64_t *ported(const uint64_t *numbers, const uint64_t *lrn, size_t rows, uint64_t *out)
{
    if (lrn == NULL)
        return numbers;
    for (size_t i = 0; i < rows; i++)
        out[i] = lrn[i] != 0 ? lrn[i] : numbers[i];
    return out;
}

size_t toll_block_classify(const struct toll_block_rows *rows)
{
    const struct toll_rater *rater = rows->rater;
    const struct toll_cdr_batch *cdr = &rows->cdr;
    struct toll_block *block = rows->block;
    const bool lrn = rater->book->basis == TOLL_BASIS_ANI_LRN;
    const struct toll_classify_in in = {
        .caller = cdr->caller,
        .callee = cdr->callee,
        .from = ported(cdr->caller, lrn ? cdr->lrn_caller : NULL, rows->rows, block->number[0]),
        .to = ported(cdr->callee, lrn ? cdr->lrn_callee : NULL, rows->rows, block->number[1]),
        .kind = cdr->kind,
        .ring_to = cdr->ring_to != NULL,
    };
    const struct toll_classify_out out = {block->near, block->shape, rows->line.class_jurisdiction,
                                          block->rest};
    return rater->kernels->classify(&rater->call_areas.areas, rater->numbers, rater->number_lines, &in,
                                    rows->rows, &out);
}

/* ---- jurisdiction ---- */

/* The ends' numbers of a row; 0 none. */
static void ends_of(const struct toll_block_rows *rows, size_t i, enum toll_jurisdiction_basis basis,
                    uint64_t *from, uint64_t *to)
{
    const struct toll_cdr_batch *cdr = &rows->cdr;
    const bool lrn = basis == TOLL_BASIS_ANI_LRN;
    const bool caller = toll_kind_caller_type(cdr->kind[i]) == TOLL_NUMBER_E164,
               callee = toll_kind_callee_type(cdr->kind[i]) == TOLL_NUMBER_E164;
    *from = !caller                                                     ? 0
            : lrn && cdr->lrn_caller != NULL && cdr->lrn_caller[i] != 0 ? cdr->lrn_caller[i]
                                                                        : cdr->caller[i];
    if (rows->line.class_jurisdiction[i] >> 4 == TOLL_TOLL_FREE)
        *to = cdr->ring_to == NULL ? 0 : cdr->ring_to[i];
    else
        *to = !callee                                                     ? 0
              : lrn && cdr->lrn_callee != NULL && cdr->lrn_callee[i] != 0 ? cdr->lrn_callee[i]
                                                                          : cdr->callee[i];
}

static struct toll_hot_place place_of(const struct toll_rater *rater, uint64_t number, uint32_t place)
{
    if (number != 0 && number >> 60 != 1)
        return (struct toll_hot_place){.state = TOLL_PLACE_ABROAD};
    return rater->call_areas.places[place];
}

/* An end that is at the payer's site. */
static void put_at_site(uint32_t state, struct toll_hot_place *end)
{
    if (state == 0)
        return;
    end->ratecenter = end->state == state ? end->ratecenter : 0;
    end->state = state;
}

/* By all but the local pairs; *pair: 0, or the ratecenters that may be one. */
static unsigned jurisdiction_of(const struct toll_hot_place *from, const struct toll_hot_place *to,
                                uint64_t *pair)
{
    const uint32_t from_state = from->state & ~TOLL_PLACE_ABROAD, to_state = to->state & ~TOLL_PLACE_ABROAD;
    *pair = 0;
    if (((from->state | to->state) & TOLL_PLACE_ABROAD) != 0)
        return TOLL_INTERNATIONAL;
    if (from->ratecenter != 0 && from->ratecenter == to->ratecenter)
        return TOLL_LOCAL;
    if (from->ratecenter != 0 && to->ratecenter != 0)
        *pair = (uint64_t)from->ratecenter << 32 | to->ratecenter;
    return from_state == 0 || to_state == 0 ? TOLL_INDETERMINATE
           : from_state == to_state         ? TOLL_INTRASTATE
                                            : TOLL_INTERSTATE;
}

/* The pairs that are local: first where each ratecenter's list is, then a look at it. */
static void mark_local(const struct toll_call_areas *areas, const uint64_t *pairs, size_t count,
                       uint32_t *list, uint32_t *first, uint8_t *jurisdictions)
{
    size_t asked = 0;
    for (size_t k = 0; k < count; k++) {
        list[asked] = (uint32_t)k;
        first[asked] = areas->local_first[pairs[k] >> 32];
        __builtin_prefetch(&areas->local_to[first[asked]]);
        asked += pairs[k] != 0;
    }
    for (size_t n = 0; n < asked; n++) {
        const uint64_t pair = pairs[list[n]];
        const uint32_t many = areas->local_first[(pair >> 32) + 1] - first[n];
        if (toll_call_areas_local(&areas->local_to[first[n]], many, (uint32_t)pair))
            jurisdictions[list[n]] = TOLL_LOCAL;
    }
}

void toll_block_jurisdictions(const struct toll_block_rows *rows, enum toll_jurisdiction_basis basis,
                              const uint32_t *list, size_t count, uint8_t *jurisdictions)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    uint64_t *from = block->number[0], *to = block->number[1];
    if (rater->place_table == 0) {
        memset(jurisdictions, TOLL_INDETERMINATE, count);
        return;
    }
    for (size_t k = 0; k < count; k++) {
        ends_of(rows, list[k], basis, &from[k], &to[k]);
        block->list_deck[k] = rater->place_table;
    }
    rater->kernels->lpm(rater->tables, rater->lpm_words, block->list_deck, from, count, block->list_value[0]);
    rater->kernels->lpm(rater->tables, rater->lpm_words, block->list_deck, to, count, block->list_value[1]);
    for (size_t k = 0; k < count; k++) {
        const size_t i = list[k];
        const bool in = (rows->cdr.kind[i] & TOLL_KIND_IN) != 0;
        struct toll_hot_place origin = place_of(rater, from[k], block->list_value[0][k]);
        struct toll_hot_place end = place_of(rater, to[k], block->list_value[1][k]);
        const uint32_t state = rater->owners[block->owner[i]].state;
        if (basis == TOLL_BASIS_SITE)
            put_at_site(state, in ? &end : &origin);
        else if (in && to[k] == 0 && rows->line.class_jurisdiction[i] >> 4 == TOLL_TOLL_FREE)
            put_at_site(state, &end);
        jurisdictions[k] = (uint8_t)jurisdiction_of(&origin, &end, &from[k]);
    }
    mark_local(&rater->call_areas, from, count, block->list_value[0], block->list_value[1], jurisdictions);
    if (basis == TOLL_BASIS_CARRIER && rows->cdr.calltype != NULL && rows->context->map->words != NULL)
        for (size_t k = 0; k < count; k++) {
            const int word = toll_block_word(rows, list[k]);
            jurisdictions[k] = word >= 0 ? (uint8_t)word : jurisdictions[k];
        }
}

static void set_jurisdiction(const struct toll_block_rows *rows, size_t i, unsigned jurisdiction)
{
    uint8_t *class_byte = &rows->line.class_jurisdiction[i];
    *class_byte = (uint8_t)((*class_byte & 0xf0) | jurisdiction);
    rows->block->shape[i] = (uint16_t)((rows->block->shape[i] & ~7u) | jurisdiction);
}

/* Adds to the list what the book's basis looks at besides numbers: the payers' sites, or the carrier's words.
 * Returns how many rows it has then. */
static size_t add_by_basis(const struct toll_block_rows *rows, size_t count)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    const enum toll_jurisdiction_basis basis = rater->book->basis;
    const bool site = basis == TOLL_BASIS_SITE, word = basis == TOLL_BASIS_CARRIER &&
                                                       rows->cdr.calltype != NULL &&
                                                       rows->context->map->words != NULL;
    if (rater->place_table == 0 || (!site && !word))
        return count;
    uint8_t *listed = block->jurisdiction;
    memset(listed, 0, rows->rows);
    for (size_t k = 0; k < count; k++)
        listed[block->rest[k]] = 1;
    for (size_t i = 0; i < rows->rows; i++) {
        const bool wanted = site ? rater->owners[block->owner[i]].state != 0 : toll_block_word(rows, i) >= 0;
        block->rest[count] = (uint32_t)i;
        count += wanted & (listed[i] == 0);
    }
    return count;
}

/* ---- on net ---- */

/* The calls that might be on net, both ends E.164 and one of them ours, the other one in an exchange of ours:
 * listed in block->second, the other end's number in number[0]. */
static size_t list_far_ends(const struct toll_block_rows *rows)
{
    const struct toll_rater *rater = rows->rater;
    const struct toll_cdr_batch *cdr = &rows->cdr;
    struct toll_block *block = rows->block;
    size_t count = 0;
    for (size_t i = 0; i < rows->rows; i++) {
        const unsigned kind = cdr->kind[i];
        const bool ends = (kind & (TOLL_CALL_CALLER_TYPE | TOLL_CALL_CALLEE_TYPE)) ==
                          (TOLL_CALL_CALLER_E164 | TOLL_CALL_CALLEE_E164);
        const bool ordinary = rows->line.class_jurisdiction[i] < TOLL_TOLL_FREE << 4;
        const uint64_t number = (kind & TOLL_CALL_IN) != 0 ? cdr->caller[i] : cdr->callee[i];
        block->second[count] = (uint32_t)i;
        block->number[0][count] = number;
        count += ends & ordinary & (block->near_owner[i] != 0) & toll_rater_may_own(rater, number);
    }
    return count;
}

static void mark_on_net(const struct toll_block_rows *rows)
{
    const struct toll_rater *rater = rows->rater;
    const struct toll_book *book = rater->book;
    struct toll_block *block = rows->block;
    const size_t count = list_far_ends(rows);
    rater->kernels->probe(rater->numbers, rater->number_lines, block->number[0], count, block->list_value[0]);
    for (size_t k = 0; k < count; k++) {
        const size_t i = block->second[k];
        const uint32_t near = block->near_owner[i];
        uint32_t far = block->list_value[0][k];
        if ((far & TOLL_OWNER_DATED) != 0)
            far = toll_book_owner_at(book, far, rows->cdr.start[i]);
        if (far == 0 || (book->on_net == TOLL_ON_NET_ACCOUNT &&
                         rater->owners[near].account != rater->owners[far].account))
            continue;
        rows->line.class_jurisdiction[i] |= TOLL_ON_NET << 4;
        block->shape[i] |= TOLL_ON_NET << 3;
    }
}

void toll_block_ends(const struct toll_block_rows *rows, size_t again)
{
    struct toll_block *block = rows->block;
    const size_t count = add_by_basis(rows, again);
    if (count > 0)
        toll_block_jurisdictions(rows, rows->rater->book->basis, block->rest, count, block->jurisdiction);
    for (size_t k = 0; k < count; k++)
        set_jurisdiction(rows, block->rest[k], block->jurisdiction[k]);
    if (rows->rater->book->on_net != TOLL_ON_NET_NONE)
        mark_on_net(rows);
}
