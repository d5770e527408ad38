/*
 * What both ends of a call say together: jurisdiction (docs/RATING.md section 6.2), where the area codes have
 * not settled it, and whether it stays on our net. Lists of rows, each with one pass over all their numbers.
 */
#include "base/check.h"
#include "pipeline/stages.h"
#include "ratetable/lpm.h"

#include <string.h>

/* ---- classify ---- */

/* What a call is like is nothing a branch can guess. */
static inline uint64_t choose(bool first, uint64_t a, uint64_t b)
{
    return b ^ ((a ^ b) & (0 - (uint64_t)first));
}

/* LRN where the record has one, else the number. */
static const uint64_t *ported(const uint64_t *numbers, const uint64_t *lrn, size_t rows, uint64_t *out)
{
    if (lrn == NULL)
        return numbers;
    for (size_t i = 0; i < rows; i++)
        out[i] = choose(lrn[i] != 0, lrn[i], numbers[i]);
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

/* The numbers of both ends of the listed rows; 0 none. */
static inline void find_ends(const struct toll_block_rows *rows, bool lrn, const uint32_t *list, size_t count,
                             uint64_t *from, uint64_t *to)
{
    const struct toll_cdr_batch *cdr = &rows->cdr;
    const uint64_t *caller_lrn = lrn && cdr->lrn_caller != NULL ? cdr->lrn_caller : cdr->caller;
    const uint64_t *callee_lrn = lrn && cdr->lrn_callee != NULL ? cdr->lrn_callee : cdr->callee;
    for (size_t k = 0; k < count; k++) {
        const size_t i = list[k];
        const unsigned kind = cdr->kind[i];
        const bool caller = toll_kind_caller_type((uint16_t)kind) == TOLL_NUMBER_E164,
                   callee = toll_kind_callee_type((uint16_t)kind) == TOLL_NUMBER_E164;
        const bool toll_free = rows->line.class_jurisdiction[i] >> 4 == TOLL_TOLL_FREE;
        const uint64_t ring_to = cdr->ring_to == NULL ? 0 : cdr->ring_to[i];
        const uint64_t dialled = choose(callee_lrn[i] != 0, callee_lrn[i], cdr->callee[i]);
        from[k] = choose(caller, choose(caller_lrn[i] != 0, caller_lrn[i], cdr->caller[i]), 0);
        to[k] = choose(toll_free, ring_to, choose(callee, dialled, 0));
    }
}

static inline struct toll_hot_place place_of(const struct toll_rater *rater, uint64_t number, uint32_t place)
{
    struct toll_hot_place at = rater->call_areas.places[place];
    at.state |= TOLL_PLACE_ABROAD & (0u - (uint32_t)((number != 0) & (number >> 60 != 1)));
    return at;
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
static inline unsigned jurisdiction_of(struct toll_hot_place from, struct toll_hot_place to, uint64_t *pair)
{
    enum { SAME_STATE = 1, STATES = 2, SAME_CENTER = 4, ABROAD = 8 };
    static const uint8_t jurisdictions[16] = {
        [0] = TOLL_INDETERMINATE,
        [SAME_STATE] = TOLL_INDETERMINATE,
        [STATES] = TOLL_INTERSTATE,
        [STATES | SAME_STATE] = TOLL_INTRASTATE,
        [SAME_CENTER] = TOLL_LOCAL,
        [SAME_CENTER | SAME_STATE] = TOLL_LOCAL,
        [SAME_CENTER | STATES] = TOLL_LOCAL,
        [SAME_CENTER | STATES | SAME_STATE] = TOLL_LOCAL,
        [ABROAD... ABROAD + 7] = TOLL_INTERNATIONAL,
    };
    const bool abroad = ((from.state | to.state) & TOLL_PLACE_ABROAD) != 0;
    const bool centers = (from.ratecenter != 0) & (to.ratecenter != 0);
    const bool same_center = centers & (from.ratecenter == to.ratecenter);
    const bool states = (from.state != 0) & (to.state != 0);
    *pair = choose(centers & !same_center & !abroad, (uint64_t)from.ratecenter << 32 | to.ratecenter, 0);
    return jurisdictions[abroad * ABROAD | same_center * SAME_CENTER | states * STATES |
                         (from.state == to.state) * SAME_STATE];
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
    find_ends(rows, basis == TOLL_BASIS_ANI_LRN, list, count, from, to);
    for (size_t k = 0; k < count; k++)
        block->list_deck[k] = rater->place_table;
    rater->kernels->lpm(rater->tables, rater->lpm_words, 0, block->list_deck, from, count,
                        block->list_value[0]);
    rater->kernels->lpm(rater->tables, rater->lpm_words, 0, block->list_deck, to, count,
                        block->list_value[1]);
    for (size_t k = 0; k < count; k++) {
        const size_t i = list[k];
        const bool in = (rows->cdr.kind[i] & TOLL_KIND_IN) != 0;
        struct toll_hot_place origin = place_of(rater, from[k], block->list_value[0][k]);
        struct toll_hot_place end = place_of(rater, to[k], block->list_value[1][k]);
        if (basis == TOLL_BASIS_SITE)
            put_at_site(rater->owners[block->owner[i]].state, in ? &end : &origin);
        else if (in & (to[k] == 0) & (rows->line.class_jurisdiction[i] >> 4 == TOLL_TOLL_FREE))
            put_at_site(rater->owners[block->owner[i]].state, &end);
        jurisdictions[k] = (uint8_t)jurisdiction_of(origin, end, &from[k]);
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

/* ---- rows that area codes settle, and exchanges where they may be local ---- */

/* The ends of a row that is listed because they may be local: nothing else is open. */
static void put_numbers(const struct toll_block_rows *rows, bool lrn, size_t i, uint64_t *from, uint64_t *to)
{
    const struct toll_cdr_batch *cdr = &rows->cdr;
    const uint64_t caller_lrn = lrn && cdr->lrn_caller != NULL ? cdr->lrn_caller[i] : 0;
    const uint64_t callee_lrn = lrn && cdr->lrn_callee != NULL ? cdr->lrn_callee[i] : 0;
    *from = choose(caller_lrn != 0, caller_lrn, cdr->caller[i]);
    *to = choose(callee_lrn != 0, callee_lrn, cdr->callee[i]);
}

static inline uint32_t area_of(const struct toll_areas *areas, uint64_t number)
{
    const size_t place = number >> 60 == 1 ? number >> 48 & 0xfff : TOLL_AREAS_ABROAD;
    return areas->words[number == 0 ? TOLL_AREAS_NO_NUMBER : place] & TOLL_AREA_PLACE;
}

/* Any other listed row, whose ends are in *from and *to. False: its areas do not tell. *local: it may be. */
static bool settle_by_areas(const struct toll_block_rows *rows, size_t i, uint64_t from, uint64_t to,
                            bool *local)
{
    const struct toll_areas *areas = &rows->rater->call_areas.areas;
    const bool in = (rows->cdr.kind[i] & TOLL_KIND_IN) != 0;
    const bool toll_free = rows->line.class_jurisdiction[i] >> 4 == TOLL_TOLL_FREE;
    const uint32_t a = area_of(areas, from), b = area_of(areas, to);
    const uint32_t site = in & toll_free & (to == 0) ? rows->rater->owners[rows->block->owner[i]].state : 0;
    const uint32_t from_state = a & TOLL_AREA_STATE, to_state = site != 0 ? site : b & TOLL_AREA_STATE;
    const bool abroad = ((a | b) & TOLL_AREA_ABROAD) != 0;
    if (((a | b) & TOLL_AREA_MORE) != 0)
        return false;
    set_jurisdiction(rows, i,
                     abroad                             ? TOLL_INTERNATIONAL
                     : from_state == 0 || to_state == 0 ? TOLL_INDETERMINATE
                     : from_state == to_state           ? TOLL_INTRASTATE
                                                        : TOLL_INTERSTATE);
    const uint32_t from_local = a >> TOLL_AREA_LOCAL_SHIFT, to_local = b >> TOLL_AREA_LOCAL_SHIFT;
    const uint32_t row = (from_local & TOLL_AREA_LOCAL) * areas->local_stride,
                   bit = row + (to_local & TOLL_AREA_LOCAL);
    *local = !abroad && row != 0 && bit != row && (areas->local[bit >> 5] >> (bit & 31) & 1) != 0;
    return true;
}

/* Where the ratecenter of a number's exchange stands. */
static inline uint32_t center_place(const struct toll_call_areas *areas, uint64_t number)
{
    const uint32_t local =
        areas->areas.words[number >> 48 & 0xfff] >> TOLL_AREA_LOCAL_SHIFT & TOLL_AREA_LOCAL;
    return local * TOLL_LPM_PAGE + toll_digits_three((uint32_t)(number >> 36) & 0xfff);
}

/* Of the list `local`, whose ends are in number[0] and number[1], those that are get their jurisdiction;
 * those that the trie must tell go to `rest`, which has `count` rows. Returns how many it has then. */
static size_t find_local(const struct toll_block_rows *rows, const uint32_t *local, size_t locals,
                         uint32_t *rest, size_t count)
{
    const struct toll_call_areas *areas = &rows->rater->call_areas;
    struct toll_block *block = rows->block;
    uint32_t *from = block->list_value[0], *to = block->list_value[1], *first = block->list_deck;
    uint64_t *pairs = block->number[0];
    size_t asked = 0;
    for (size_t k = 0; k < locals; k++) {
        from[k] = center_place(areas, block->number[0][k]);
        to[k] = center_place(areas, block->number[1][k]);
        __builtin_prefetch(&areas->centers[from[k]]);
        __builtin_prefetch(&areas->centers[to[k]]);
    }
    for (size_t k = 0; k < locals; k++) {
        const uint32_t a = areas->centers[from[k]], b = areas->centers[to[k]];
        const bool far = (a == TOLL_CENTER_FAR) | (b == TOLL_CENTER_FAR), some = (a != 0) & (b != 0);
        rest[count] = local[k];
        count += far;
        /* what is asked for: row, pair and the begin of the ratecenter's list */
        from[asked] = local[k];
        pairs[asked] = (uint64_t)a << 32 | b;
        first[asked] = areas->local_first[far ? 0 : a];
        __builtin_prefetch(&areas->local_to[first[asked]]);
        asked += some & !far;
    }
    for (size_t n = 0; n < asked; n++) {
        const uint32_t a = (uint32_t)(pairs[n] >> 32), b = (uint32_t)pairs[n];
        const uint32_t many = areas->local_first[a + 1] - first[n];
        if (a == b || toll_call_areas_local(&areas->local_to[first[n]], many, b))
            set_jurisdiction(rows, from[n], TOLL_LOCAL);
    }
    return count;
}

/* Splits the kernel's list: block->rest keeps those that need all of the rules. */
static size_t settle_listed(const struct toll_block_rows *rows, size_t again)
{
    struct toll_block *block = rows->block;
    const enum toll_jurisdiction_basis basis = rows->rater->book->basis;
    const bool lrn = basis == TOLL_BASIS_ANI_LRN, by_number = basis == TOLL_BASIS_ANI || lrn;
    size_t rest = 0, locals = 0;
    if (!by_number) {
        for (size_t k = 0; k < again; k++)
            block->rest[k] &= ~TOLL_AGAIN_LOCAL;
        return again;
    }
    if (rows->rater->place_table == 0)
        return again; /* indeterminate */
    const uint64_t *ring_to = rows->cdr.ring_to == NULL ? rows->cdr.callee : rows->cdr.ring_to;
    uint32_t *others = block->list_deck;
    size_t other_count = 0;
    for (size_t k = 0; k < again; k++) {
        const uint32_t row = block->rest[k], i = row & ~TOLL_AGAIN_LOCAL;
        const bool local = row != i;
        others[other_count] = block->second[locals] = i;
        put_numbers(rows, lrn, i, &block->number[0][locals], &block->number[1][locals]);
        other_count += !local;
        locals += local;
    }
    for (size_t k = 0; k < other_count; k++)
        __builtin_prefetch(&ring_to[others[k]]); /* nobody has read it yet */
    for (size_t k = 0; k < other_count; k++) {
        const uint32_t i = others[k];
        uint64_t *from = &block->number[0][locals], *to = &block->number[1][locals];
        bool local = false;
        find_ends(rows, lrn, &i, 1, from, to);
        const bool settled = settle_by_areas(rows, i, *from, *to, &local);
        block->second[locals] = i;
        block->rest[rest] = i;
        locals += local;
        rest += !settled;
    }
    return find_local(rows, block->second, locals, block->rest, rest);
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

static void mark_on_net(const struct toll_block_rows *rows)
{
    const struct toll_rater *rater = rows->rater;
    const struct toll_book *book = rater->book;
    struct toll_block *block = rows->block;
    const struct toll_far_ends_in in = {rows->cdr.caller,  rows->cdr.callee,
                                        rows->cdr.kind,    rows->line.class_jurisdiction,
                                        block->near_owner, rater->own_exchanges};
    const size_t count = rater->kernels->lists->far_ends(&in, rows->rows, block->second, block->number[0]);
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
    const size_t count = add_by_basis(rows, settle_listed(rows, again));
    if (count > 0)
        toll_block_jurisdictions(rows, rows->rater->book->basis, block->rest, count, block->jurisdiction);
    for (size_t k = 0; k < count; k++)
        set_jurisdiction(rows, block->rest[k], block->jurisdiction[k]);
    if (rows->rater->book->on_net != TOLL_ON_NET_NONE)
        mark_on_net(rows);
}
