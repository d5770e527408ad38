/*
 * What a block's lines cost: docs/RATING.md section 15. A second pass of the same stages, rules, prefixes,
 * prices and charges, with the buy plans and the cost's columns; then the exchange. Class, jurisdiction and
 * payer are those that the first pass has found.
 */
#include "pipeline/draws.h"
#include "pipeline/stages.h"

#include <string.h>

/* ---- plans ---- */

static uint32_t place_of(const uint32_t *places, const int32_t *column, size_t i)
{
    return column == NULL ? 0 : places[column[i]];
}
static uint32_t carrier_of(const struct toll_block_rows *rows, size_t i)
{
    return rows->cdr.carrier == NULL ? 0 : rows->context->map->carriers[rows->cdr.carrier[i]];
}

/* Into block->buy_plan. */
static void find_plans(const struct toll_block_rows *rows)
{
    const struct toll_book *book = rows->rater->book;
    const struct toll_cost_rules *rules = rows->rater->cost;
    uint32_t *plans = rows->block->buy_plan;
    const uint32_t none = book->plan_count;
    if (!rules->by_record && rules->default_plan != TOLL_BUY_DATED) {
        const uint32_t plan = rules->default_plan == 0 ? none : (uint32_t)rules->default_plan;
        for (size_t i = 0; i < rows->rows; i++)
            plans[i] = plan;
        return;
    }
    for (size_t i = 0; i < rows->rows; i++) {
        const uint32_t trunk = place_of(rows->context->map->trunks, rows->cdr.trunk, i);
        const uint32_t own = toll_trunk_carrier(book, trunk), carrier = own != 0 ? own : carrier_of(rows, i);
        int32_t plan = rules->trunk_plan[trunk];
        plan = plan != 0 ? plan : rules->carrier_plan[carrier];
        plan = plan != 0 ? plan : rules->default_plan;
        if (plan == TOLL_BUY_DATED)
            plan = toll_buy_plan_find(book, trunk, carrier, rows->cdr.start[i], NULL);
        plans[i] = plan == 0 ? none : (uint32_t)plan;
    }
}

/* ---- rules ---- */

/* Shapes for the rules kernel: what may have no cost is odd. */
static const uint16_t *shapes_of(const struct toll_block_rows *rows)
{
    const struct toll_book *book = rows->rater->book;
    struct toll_block *block = rows->block;
    const bool legs = (rows->kinds & TOLL_KIND_LEG) != 0, feeds = book->has_feeds;
    if (!legs && !feeds)
        return block->shape;
    for (size_t i = 0; i < rows->rows; i++) {
        const uint32_t trunk = feeds ? place_of(rows->context->map->trunks, rows->cdr.trunk, i) : 0;
        const bool in_leg =
            (rows->cdr.kind[i] & (TOLL_KIND_LEG | TOLL_KIND_IN)) == (TOLL_KIND_LEG | TOLL_KIND_IN);
        const bool role = feeds && (toll_feed_role(book, carrier_of(rows, i)) != TOLL_FEED_BILL ||
                                    toll_feed_role(book, toll_trunk_carrier(book, trunk)) != TOLL_FEED_BILL);
        block->buy_shape[i] =
            (uint16_t)(block->shape[i] & (in_leg || role ? TOLL_VERDICT_KEYS - 1 : UINT16_MAX));
    }
    return block->buy_shape;
}

/* A row that the kernel calls odd: false, it has no cost, and that is settled. */
static bool has_cost(const struct toll_block_rows *rows, size_t i)
{
    const uint32_t trunk = place_of(rows->context->map->trunks, rows->cdr.trunk, i);
    const unsigned none = toll_cost_none(rows->rater->book, rows->cdr.kind[i], trunk, carrier_of(rows, i));
    rows->line.status[i] = (uint8_t)none;
    return none == 0;
}

/* Deck, price or status as the buy plan's rules say. */
static void find_rules(const struct toll_block_rows *rows)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    struct toll_verdicts_out out = {
        .account = rows->line.account,
        .price = rows->line.price,
        .bucket = block->buy_bucket,
        .deck = block->deck,
        .status = rows->line.status,
        .odd = block->odd,
        .planless = block->rest,
    };
    rater->kernels->rules(rater->cost->plans, rater->verdicts, block->buy_plan, shapes_of(rows), false,
                          rows->rows, &out);
    block->bill_count = block->odd_count = block->other_count = 0;
    if (rater->has_next)
        memset(block->chain, 0, rows->rows * sizeof *block->chain);
    size_t open = out.planless_count;
    for (size_t k = 0; k < out.odd_count; k++) {
        const uint32_t i = block->odd[k];
        const unsigned class_jurisdiction = rows->line.class_jurisdiction[i];
        if (!has_cost(rows, i))
            continue;
        block->others[block->other_count] = i;
        block->other_count += toll_kind_service(rows->cdr.kind[i]) != TOLL_VOICE;
        const bool bulk = (rows->cdr.kind[i] & TOLL_KIND_CREDIT) == 0;
        block->shape[i] = (uint16_t)((block->shape[i] & TOLL_SHAPE_IN) | (class_jurisdiction >> 4) << 3 |
                                     (class_jurisdiction & 15));
        block->rest[open] = i;
        block->odd[block->odd_count] = i;
        open += bulk;
        block->odd_count += !bulk;
    }
    toll_block_walk_chains(rows, block->rest, open);
}

/* ---- bundles of trunks and carriers ---- */

/* The units used, as drawing counts them. */
static uint32_t used_of(const struct toll_block_rows *rows, size_t i)
{
    const struct toll_book *book = rows->rater->book;
    const struct toll_terms *terms = &book->terms[book->price_terms[rows->line.price[i]]];
    const struct toll_row row = {
        .kind = rows->cdr.kind[i],
        .duration_ms = rows->cdr.duration_ms[i],
        .quantity = rows->cdr.quantity == NULL ? 0 : rows->cdr.quantity[i],
    };
    return (uint32_t)toll_row_used(&row, terms->action == TOLL_ACTION_DECK
                                             ? (enum toll_duration_rounding)terms->duration_rounding
                                             : TOLL_DURATION_UP);
}

static uint32_t destination_of(const struct toll_block_rows *rows, size_t i)
{
    const struct toll_row row = {.kind = rows->cdr.kind[i], .callee = rows->cdr.callee[i]};
    return toll_row_destination(rows->rater, &row);
}

/* Rows whose cost may draw become requests of the batch, and are marked in buy_bucket: their cost is not
 * exchanged yet. */
static void list_draws(const struct toll_block_rows *rows, const struct toll_block_rows *sell, size_t first)
{
    const struct toll_block_context *context = rows->context;
    const struct toll_cost_rules *rules = rows->rater->cost;
    struct toll_draws *draws = context->cost_draws;
    struct toll_block *block = rows->block;
    memset(block->buy_bucket, 0, rows->rows * sizeof *block->buy_bucket);
    if (draws == NULL)
        return;
    for (size_t i = 0; i < rows->rows; i++) {
        const uint16_t kind = rows->cdr.kind[i];
        if (rows->line.status[i] != TOLL_RATED || (kind & TOLL_KIND_CREDIT) != 0)
            continue;
        const uint32_t trunk = place_of(context->map->trunks, rows->cdr.trunk, i),
                       own = toll_trunk_carrier(rules->book, trunk);
        const struct toll_cost_list list =
            toll_cost_list_of(rules, trunk, own != 0 ? own : carrier_of(rows, i));
        if (list.count == 0)
            continue;
        const unsigned call = rows->line.class_jurisdiction[i];
        const uint32_t used = used_of(rows, i), billed = (uint32_t)rows->line.billed[i];
        if ((used | billed) == 0)
            continue;
        block->buy_bucket[i] = 1;
        const uint32_t key =
            toll_chain_key(toll_kind_service(kind), (kind & TOLL_KIND_IN) != 0, call >> 4, call & 15);
        draws->full[draws->full_count] = (struct toll_draw_full){
            .call = {.start = rows->cdr.start[i],
                     .first = list.first,
                     .count = list.count,
                     .list = rules->entitlements,
                     .key = key,
                     .destination = destination_of(rows, i),
                     .billed = rows->line.billed[i],
                     .used = used},
            .price = (uint32_t)rows->line.price[i],
            .deck = block->deck[i],
            .walk = block->terms[i] == 0 ? block->value[i] : 0,
        };
        const struct toll_draw_request request = {
            .start = rows->cdr.start[i],
            .pool = (uint32_t)draws->full_count++,
            .billed = rows->line.billed[i],
            .terms = block->terms[i],
            .bucket = rules->account_currency[sell->line.account[i]],
            .row = (uint16_t)(context->places == NULL ? first + i : context->places[i]),
            .key = (uint8_t)key,
            .flags = TOLL_DRAW_FULL,
        };
        toll_draws_put(draws, request);
    }
}

/* ---- money ---- */

static void exchange(const struct toll_block_rows *rows, const int32_t *account)
{
    const struct toll_cost_rules *rules = rows->rater->cost;
    const uint32_t *deck = rows->block->deck, *waits = rows->block->buy_bucket;
    if (rules->currency_count == 1)
        return;
    for (size_t i = 0; i < rows->rows; i++) {
        const uint32_t from = rules->deck_currency[deck[i]], to = rules->account_currency[account[i]];
        if (from == to || rows->line.status[i] != TOLL_RATED || waits[i] != 0)
            continue; /* what draws is exchanged when it has drawn */
        const struct toll_fx *fx =
            toll_fx_find(rules, &rows->context->cursors[0], from, to, rows->cdr.start[i]);
        if (fx != NULL && toll_fx_convert(&rows->line.charge[i], fx->rate))
            continue;
        rows->line.status[i] = fx == NULL ? TOLL_SUSPENSE_NO_FX : TOLL_SUSPENSE_OVERFLOW;
        rows->line.charge[i] = 0;
        rows->line.price[i] = 0;
    }
}

/* Rows that are left to the row path: credits. */
static void cost_odd(const struct toll_block_rows *rows, const int32_t *account)
{
    const struct toll_block *block = rows->block;
    for (size_t k = 0; k < block->odd_count; k++) {
        const size_t i = block->odd[k];
        const struct toll_row_answer sell = {
            .class_ = (enum toll_class)(rows->line.class_jurisdiction[i] >> 4),
            .jurisdiction = (enum toll_call_jurisdiction)(rows->line.class_jurisdiction[i] & 15),
            .payer = {.owner = block->owner[i]},
            .account = account[i],
        };
        const int32_t plan =
            block->buy_plan[i] == rows->rater->book->plan_count ? 0 : (int32_t)block->buy_plan[i];
        struct toll_row row;
        struct toll_cost_answer answer;
        toll_block_read_row(rows, i, &row);
        toll_row_cost(rows->rater, rows->context->cursors, &row, &sell, plan, NULL, &answer);
        rows->line.charge[i] = answer.cost;
        rows->line.price[i] = answer.price;
        rows->line.status[i] = (uint8_t)answer.status;
    }
}

/* Price rows that some cost names have to be in the run's table. */
static void note_prices(const struct toll_block_rows *rows)
{
    struct toll_tally *tally = rows->context->tally;
    const int32_t *price = rows->line.price;
    for (size_t i = 0; i < rows->rows; i++) {
        const uint32_t at = (uint32_t)price[i];
        const unsigned service = toll_kind_service(rows->cdr.kind[i]);
        if (service != TOLL_VOICE)
            tally->other_prices[at] |= (uint8_t)(1u << service);
        else if ((tally->voice_prices[at >> 6] >> (at & 63) & 1) == 0)
            tally->voice_prices[at >> 6] |= UINT64_C(1) << (at & 63);
    }
}

/* ---- all of it ---- */

void toll_block_cost(const struct toll_block_rows *sell, size_t first)
{
    struct toll_block *block = sell->block;
    struct toll_block_rows rows = *sell;
    if (sell->rater->cost == NULL) { /* an earlier run's lines have costs, those of this book have none */
        memset(sell->line.cost, 0, sell->rows * sizeof *sell->line.cost);
        memset(sell->line.cost_price, 0, sell->rows * sizeof *sell->line.cost_price);
        memset(sell->line.cost_status, TOLL_ZERO_CLOSED, sell->rows);
        sell->context->tally->cost.status_rows[TOLL_ZERO_CLOSED] += (int64_t)sell->rows;
        return;
    }
    rows.buy_plan = block->buy_plan;
    rows.line = (struct toll_line_columns){
        .account = block->buy_account,
        .price = sell->line.cost_price,
        .billed = block->buy_billed,
        .charge = sell->line.cost,
        .status = sell->line.cost_status,
        .class_jurisdiction = sell->line.class_jurisdiction,
    };
    find_plans(&rows);
    find_rules(&rows);
    toll_block_values(&rows, NULL, rows.rows, block->value);
    toll_block_prices(&rows);
    toll_block_charges(&rows);
    list_draws(&rows, sell, first);
    exchange(&rows, sell->line.account);
    cost_odd(&rows, sell->line.account);
    note_prices(&rows);
    toll_cost_sums_add(&rows.context->tally->cost, rows.rater->cost, sell->line.account, rows.line.charge,
                       rows.line.status, rows.rows);
}
