/*
 * Which rows of a block may draw on a bundle or are priced by tiers: docs/RATING.md sections 12.2 and 13.
 * They become requests of the batch; a line whose payer has no subscription costs a bit's look.
 */
#include "pipeline/draws.h"
#include "pipeline/stages.h"

#define ENTITLEMENTS_LOOKED_AT 8 /* of one call, beyond that the pools look */

/* Where tiers price some lines: these, and those that may draw. */
static size_t list_with_tiers(const struct toll_block_rows *rows)
{
    const struct toll_draw_rules *rules = rows->rater->draws;
    struct toll_block *block = rows->block;
    size_t count = 0;
    for (size_t i = 0; i < rows->rows; i++) {
        const uint32_t owner = block->owner[i];
        const bool credit = (rows->cdr.kind[i] & TOLL_KIND_CREDIT) != 0;
        const bool may = (rules->entitled[owner >> 5] >> (owner & 31) & 1) != 0 && !credit;
        block->second[count] = (uint32_t)i;
        block->draw_key[count] = (uint8_t)toll_call_key(rows->cdr.kind[i], rows->line.class_jurisdiction[i]);
        count += rows->line.status[i] == TOLL_RATED &&
                 (may || toll_draw_tiers(rules, (uint32_t)rows->line.price[i]) != 0);
    }
    return count;
}

/* Rows to look at, in block->second, ascending, and their keys. */
static size_t list_rows(const struct toll_block_rows *rows)
{
    const struct toll_draw_rules *rules = rows->rater->draws;
    struct toll_block *block = rows->block;
    const struct toll_may_draw_in in = {
        .kind = rows->cdr.kind,
        .status = rows->line.status,
        .class_jurisdiction = rows->line.class_jurisdiction,
        .owner = block->owner,
        .owners = rules->entitled,
        .keys = rules->keys,
    };
    if (rules->tiers_end != 0)
        return list_with_tiers(rows);
    return rows->rater->kernels->lists->may_draw(&in, rows->rows, block->second, block->draw_key);
}

/* The destination of each listed row, by place in the list. */
static const uint32_t *destinations_of(const struct toll_block_rows *rows, const uint32_t *list, size_t count)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    if (!rater->draws->by_destination || rater->destination_table == 0)
        return NULL;
    for (size_t k = 0; k < count; k++) {
        const size_t i = list[k];
        const bool e164 = toll_kind_callee_type(rows->cdr.kind[i]) == TOLL_NUMBER_E164;
        block->list_deck[k] = e164 ? rater->destination_table : 0;
        block->number[0][k] = rows->cdr.callee[i];
    }
    rater->kernels->lpm(rater->tables, rater->lpm_words, 0, block->list_deck, block->number[0], count,
                        block->list_value[0]);
    return block->list_value[0];
}

/* The payer's number as pools know it: docs/RATING.md section 4. */
static uint64_t number_of(const struct toll_block_rows *rows, size_t i)
{
    const struct toll_cdr_batch *cdr = &rows->cdr;
    struct toll_row row;
    struct toll_payer payer;
    if ((cdr->charged == NULL || cdr->charged[i] == 0) && (cdr->trunk == NULL || cdr->trunk[i] == 0) &&
        (cdr->hint == NULL || cdr->hint[i] == 0))
        return rows->block->near[i];
    toll_block_read_row(rows, i, &row);
    toll_payer_find(rows->rater, &row, &payer);
    return toll_payer_number(&payer, &row);
}

/* Units used of a row: where some bundle takes these, or the call may be walked. */
static uint32_t used_of(const struct toll_block_rows *rows, size_t i)
{
    const struct toll_book *book = rows->rater->book;
    const struct toll_terms *terms = &book->terms[book->price_terms[rows->line.price[i]]];
    const struct toll_row row = {
        .kind = rows->cdr.kind[i],
        .duration_ms = rows->cdr.duration_ms[i],
        .quantity = rows->cdr.quantity == NULL ? 0 : rows->cdr.quantity[i],
    };
    const bool deck = terms->action == TOLL_ACTION_DECK;
    return (uint32_t)toll_row_used(&row, deck ? (enum toll_duration_rounding)terms->duration_rounding
                                              : TOLL_DURATION_UP);
}

/* What one line asks for. */
struct asked {
    uint32_t key, destination;
    uint32_t used;         /* units */
    uint32_t first, count; /* entitlements, from the first that fits on; count 0: none fits */
    bool credit, tiers;
};

/* Is the first entitlement the only one that fits? Some that do are not looked at. */
static bool is_only(const struct toll_book *book, const struct asked *asked, toll_ms start)
{
    if (asked->count > ENTITLEMENTS_LOOKED_AT)
        return false;
    for (uint32_t k = 1; k < asked->count; k++)
        if (toll_entitlement_fits(book, &book->entitlements[asked->first + k], start, asked->key,
                                  asked->destination))
            return false;
    return true;
}

static bool look_for_entitlements(const struct toll_book *book, const struct toll_owner *owner, toll_ms start,
                                  struct asked *asked)
{
    uint32_t k = 0;
    while (k < owner->pool_count && !toll_entitlement_fits(book, &book->entitlements[owner->pool_first + k],
                                                           start, asked->key, asked->destination))
        k++;
    asked->first = owner->pool_first + k;
    asked->count = owner->pool_count - k;
    return asked->count > 0;
}

/* The whole call. */
static uint32_t put_full(const struct toll_block_rows *rows, size_t i, const struct asked *asked)
{
    struct toll_draws *draws = rows->context->draws;
    const struct toll_block *block = rows->block;
    draws->full[draws->full_count] = (struct toll_draw_full){
        .call = {.start = rows->cdr.start[i],
                 .number = rows->rater->draws->by_number ? number_of(rows, i) : 0,
                 .owner = block->owner[i],
                 .first = asked->first,
                 .count = asked->count,
                 .key = asked->key,
                 .destination = asked->destination,
                 .billed = rows->line.billed[i],
                 .used = asked->used},
        .price = (uint32_t)rows->line.price[i],
        .deck = block->deck[i],
        .walk = block->terms[i] == 0 ? block->value[i] : 0,
    };
    return (uint32_t)draws->full_count++;
}

static void put_request(const struct toll_block_rows *rows, size_t i, size_t row, const struct asked *asked)
{
    const struct toll_book *book = rows->rater->book;
    const struct toll_block *block = rows->block;
    const struct toll_entitlement *entitlement = &book->entitlements[asked->first];
    const struct toll_bundle *bundle = &book->bundles[entitlement->bundle];
    const toll_ms start = rows->cdr.start[i];
    const bool simple = asked->count > 0 && !asked->tiers && block->terms[i] != 0 && entitlement->pool != 0 &&
                        bundle->debit_used == 0 && is_only(book, asked, start);
    const unsigned flags = (simple ? 0u : TOLL_DRAW_FULL) | (asked->credit ? TOLL_DRAW_CREDIT : 0u) |
                           (asked->tiers ? TOLL_DRAW_TIERS : 0u) |
                           (simple && bundle->connect_charged != 0 ? TOLL_DRAW_CONNECT : 0u);
    const struct toll_draw_request request = {
        .start = start,
        .bundle = simple ? entitlement->bundle : 0,
        .pool = simple ? entitlement->pool : put_full(rows, i, asked),
        .billed = rows->line.billed[i],
        .terms = block->terms[i],
        .bucket = toll_block_slots(rows)[i],
        .row = (uint16_t)row,
        .key = (uint8_t)asked->key,
        .flags = (uint8_t)flags,
    };
    toll_draws_put(rows->context->draws, request);
}

static void ask(const struct toll_block_rows *rows, size_t i, size_t row, uint32_t key, uint32_t destination)
{
    const struct toll_draw_rules *rules = rows->rater->draws;
    const struct toll_book *book = rows->rater->book;
    const struct toll_block *block = rows->block;
    const uint32_t billed = (uint32_t)rows->line.billed[i];
    struct asked asked = {
        .key = key,
        .destination = destination,
        .used = rules->by_used || block->terms[i] == 0 ? used_of(rows, i) : billed,
        .credit = (rows->cdr.kind[i] & TOLL_KIND_CREDIT) != 0,
        .tiers = toll_draw_tiers(rules, (uint32_t)rows->line.price[i]) != 0,
    };
    const bool draws =
        !asked.credit && (asked.used | billed) > 0 &&
        look_for_entitlements(book, &book->owners[block->owner[i]], rows->cdr.start[i], &asked);
    if (draws || asked.tiers)
        put_request(rows, i, row, &asked);
}

/* Of the requests from `first` on, those that the kernel has left open are made now; the others move on. */
static void look_at_rest(const struct toll_block_rows *rows, size_t first, const uint32_t *list,
                         const uint32_t *destinations)
{
    struct toll_draws *draws = rows->context->draws;
    const size_t end = draws->count;
    draws->count = first;
    for (size_t at = first; at < end; at++) {
        const struct toll_draw_request request = toll_draws_at(draws, at);
        if ((request.flags & TOLL_DRAW_FULL) == 0)
            toll_draws_put(draws, request);
        else
            ask(rows, list[request.pool], request.row, request.key,
                destinations == NULL ? 0 : destinations[request.pool]);
    }
}

/* Terms by which alone a row is charged: none where tiers price it. */
static const uint32_t *terms_alone(const struct toll_block_rows *rows, const uint32_t *list, size_t count)
{
    const struct toll_draw_rules *rules = rows->rater->draws;
    struct toll_block *block = rows->block;
    uint32_t *terms = block->list_value[1];
    if (rules->tiers_end == 0)
        return block->terms;
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = list[k];
        terms[i] = toll_draw_tiers(rules, (uint32_t)rows->line.price[i]) == 0 ? block->terms[i] : 0;
    }
    return terms;
}

void toll_block_draws(const struct toll_block_rows *rows, size_t first)
{
    const struct toll_draw_rules *rules = rows->rater->draws;
    const struct toll_block *block = rows->block;
    struct toll_draws *draws = rows->context->draws;
    const size_t count = list_rows(rows), before = draws->count;
    const uint32_t *destinations = destinations_of(rows, block->second, count);
    const struct toll_ask_pools_in in = {
        .list = block->second,
        .call_keys = block->draw_key,
        .start = rows->cdr.start,
        .billed = rows->line.billed,
        .terms = terms_alone(rows, block->second, count),
        .bucket = toll_block_slots(rows),
        .owner = block->owner,
        .owners = rules->owners,
        .bundle_keys = rules->bundle_keys,
        .places = rows->context->places,
        .first = (uint32_t)first,
    };
    size_t full;
    draws->count = rows->rater->kernels->ask_pools(&in, count, &draws->requests, before, &full);
    if (full > 0)
        look_at_rest(rows, before, block->second, destinations);
}
