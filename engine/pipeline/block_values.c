/*
 * What decks have for rows, whatever a deck is asked by: docs/RATING.md section 8. One pass of the prefix
 * lookup over all keys; where a deck needs more, the other end or the carrier's code, a second one over
 * those.
 */
#include "base/ask.h"
#include "pipeline/stages.h"

#define NO_NUMBER UINT64_MAX /* lies in the empty prefix only */

/* The columns of rows that decks are asked by; lrn: never NULL. */
static struct toll_ask_in all_rows(const struct toll_block_rows *rows)
{
    const struct toll_cdr_batch *cdr = &rows->cdr;
    return (struct toll_ask_in){
        .callee = cdr->callee,
        .caller = cdr->caller,
        .lrn_callee = cdr->lrn_callee == NULL ? cdr->callee : cdr->lrn_callee,
        .lrn_caller = cdr->lrn_caller == NULL ? cdr->caller : cdr->lrn_caller,
        .kind = cdr->kind,
        .class_jurisdiction = rows->line.class_jurisdiction,
        .deck = rows->block->deck,
    };
}

/* As the ask kernel does it, of one row and by the end that the caller says. */
static inline uint64_t key_of(const struct toll_ask_in *in, bool by_caller, bool lrn, size_t i)
{
    const unsigned type = by_caller ? TOLL_CALL_CALLER_TYPE : TOLL_CALL_CALLEE_TYPE,
                   e164 = by_caller ? TOLL_CALL_CALLER_E164 : TOLL_CALL_CALLEE_E164;
    const uint64_t number = by_caller ? in->caller[i] : in->callee[i], ported = !lrn ? 0
                                                                                : by_caller
                                                                                    ? in->lrn_caller[i]
                                                                                    : in->lrn_callee[i];
    if ((in->kind[i] & type) != e164)
        return NO_NUMBER;
    return ported != 0 ? ported : number;
}

uint32_t toll_block_own_value(const struct toll_block_rows *rows, size_t i)
{
    const struct toll_rater *rater = rows->rater;
    const struct toll_book *book = rater->book;
    const uint32_t deck = rows->block->deck[i];
    const unsigned way = rater->deck_ways[deck];
    uint64_t key = rows->cdr.callee[i];
    if (rater->has_ways) {
        const struct toll_ask_in in = all_rows(rows);
        key = key_of(&in, (way & TOLL_WAY_CALLER) != 0, (way & TOLL_WAY_LRN) != 0, i);
    }
    const struct toll_deck *table = &book->decks[deck];
    return toll_deck_value(table, toll_lpm_one(&table->lpm, book->lpm_words, key));
}

/* ---- pairs ---- */

/* As an LPM value; 0 none. */
static uint32_t pair_of(const struct toll_block_rows *rows, size_t i, uint32_t callee_zone,
                        uint32_t caller_zone)
{
    const struct toll_rater *rater = rows->rater;
    const struct toll_book *book = rater->book;
    const uint32_t deck = rows->block->deck[i];
    for (uint32_t callee = callee_zone; callee != 0; callee = book->zone_shorter[callee])
        for (uint32_t caller = caller_zone; caller != 0; caller = book->zone_shorter[caller]) {
            const uint32_t value = toll_book_pair(book, &book->decks[deck], callee, caller);
            struct toll_price_found found;
            if (value != 0 &&
                ((value & TOLL_LPM_ENTRY) == 0 ||
                 toll_price_resolve(rater, rows->context->cursors, (int32_t)deck, value, rows->cdr.start[i],
                                    TOLL_SUSPENSE_NO_PREFIX, 0, &found) != TOLL_SUSPENSE_NO_PREFIX))
                return value;
        }
    return 0;
}

static TOLL_ASK void expect_pair(const struct toll_book *book, const struct toll_deck *deck,
                                 uint32_t callee_zone, uint32_t caller_zone)
{
    const uint64_t slot =
        toll_number_first_slot((uint64_t)callee_zone << 32 | caller_zone, deck->pair_capacity);
    __builtin_prefetch(&book->pairs[deck->pair_first + slot]);
}

/* ---- rows whose deck needs more than one prefix: block->second, places in the list ---- */

static void finish_second(const struct toll_block_rows *rows, const struct toll_ask_in *in,
                          const uint32_t *list, size_t count, uint32_t *values)
{
    const struct toll_rater *rater = rows->rater;
    const struct toll_book *book = rater->book;
    struct toll_block *block = rows->block;
    uint32_t *callers = block->list_value[1];
    for (size_t n = 0; n < count; n++) {
        const uint32_t k = block->second[n];
        const size_t i = list == NULL ? k : list[k];
        const uint32_t deck = block->deck[i];
        const unsigned way = rater->deck_ways[deck];
        const bool pair = (way & TOLL_WAY_PAIR) != 0;
        block->number[1][n] = key_of(in, true, (way & TOLL_WAY_LRN) != 0, i);
        block->list_deck[n] = pair ? rater->caller_tables + deck : 0;
        if (!pair) {
            const size_t code = rows->cdr.calltype == NULL ? 0 : (size_t)rows->cdr.calltype[i];
            values[k] = rows->context->map
                            ->calltypes[code * rater->calltype_decks + rater->calltype_places[deck] - 1];
        }
    }
    rater->kernels->lpm(rater->tables, rater->lpm_words, 0, block->list_deck, block->number[1], count,
                        callers);
    for (size_t n = 0; n < count; n++)
        if (block->list_deck[n] != 0) {
            const uint32_t k = block->second[n];
            expect_pair(book, &book->decks[block->list_deck[n] - rater->caller_tables], values[k],
                        callers[n]);
        }
    for (size_t n = 0; n < count; n++)
        if (block->list_deck[n] != 0) {
            const uint32_t k = block->second[n];
            values[k] = pair_of(rows, list == NULL ? k : list[k], values[k], callers[n]);
        }
}

/* What the decks of the listed rows are asked, as the kernel tells it of all rows; how many are in `second`.
 */
static size_t ask_listed(const struct toll_block_rows *rows, const struct toll_ask_in *in,
                         const uint32_t *list, size_t count)
{
    struct toll_block *block = rows->block;
    size_t second = 0;
    for (size_t k = 0; k < count; k++) {
        const size_t i = list[k];
        const uint32_t way = rows->rater->deck_ways[block->deck[i]];
        block->number[0][k] = key_of(in, (way & TOLL_WAY_CALLER) != 0, (way & TOLL_WAY_LRN) != 0, i);
        block->list_deck[k] = (way & TOLL_WAY_CALLTYPE) != 0 ? 0 : block->deck[i];
        block->second[second] = (uint32_t)k;
        second += (way & (TOLL_WAY_PAIR | TOLL_WAY_CALLTYPE)) != 0;
    }
    return second;
}

void toll_block_values(const struct toll_block_rows *rows, const uint32_t *list, size_t count,
                       uint32_t *values)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    if (!rater->has_ways && list == NULL) {
        rater->kernels->lpm(rater->tables, rater->lpm_words, rater->one_table, block->deck, rows->cdr.callee,
                            count, values);
        return;
    }
    const struct toll_ask_in in = all_rows(rows);
    const struct toll_ask_out out = {block->number[0], block->list_deck, block->second, block->column};
    const size_t second = list == NULL ? rater->kernels->ask(rater->deck_ways, &in, count, &out)
                                       : ask_listed(rows, &in, list, count);
    rater->kernels->lpm(rater->tables, rater->lpm_words, rater->one_table, block->list_deck, block->number[0],
                        count, values);
    if (second > 0)
        finish_second(rows, &in, list, second, values);
}

/* ---- misses ---- */

static bool is_dialled(unsigned type)
{
    return type == TOLL_NUMBER_E164 || type == TOLL_NUMBER_SHORT || type == TOLL_NUMBER_EXTENSION;
}

unsigned toll_block_miss(const struct toll_block_rows *rows, size_t i)
{
    const unsigned way = rows->rater->deck_ways[rows->block->deck[i]];
    const uint16_t kind = rows->cdr.kind[i];
    const bool caller = is_dialled(toll_kind_caller_type(kind)),
               callee = is_dialled(toll_kind_callee_type(kind));
    if ((way & TOLL_WAY_CALLTYPE) != 0)
        return TOLL_SUSPENSE_NO_CALLTYPE;
    const bool good = (way & TOLL_WAY_PAIR) != 0     ? caller && callee
                      : (way & TOLL_WAY_CALLER) != 0 ? caller
                                                     : callee;
    return good ? TOLL_SUSPENSE_NO_PREFIX : TOLL_SUSPENSE_BAD_NUMBER;
}
