/*
 * What decks have for rows, whatever a deck is asked by: docs/RATING.md section 8. One pass of the prefix
 * lookup over all keys; where a deck needs more, the other end or the carrier's code, a second one over
 * those.
 */
#include "pipeline/stages.h"

#define NO_NUMBER UINT64_MAX /* lies in the empty prefix only */

/* The columns that decks are asked by, callee's and caller's. */
struct sides {
    const uint64_t *number[2], *lrn[2]; /* lrn: never NULL */
    unsigned type_shift[2];
};
enum { CALLEE, CALLER };

static struct sides sides_of(const struct toll_cdr_batch *cdr)
{
    return (struct sides){
        .number = {cdr->callee, cdr->caller},
        .lrn = {cdr->lrn_callee == NULL ? cdr->callee : cdr->lrn_callee,
                cdr->lrn_caller == NULL ? cdr->caller : cdr->lrn_caller},
        .type_shift = {TOLL_KIND_CALLEE_TYPE_SHIFT, TOLL_KIND_CALLER_TYPE_SHIFT},
    };
}

static inline uint64_t key_of(const struct toll_block_rows *rows, const struct sides *sides, unsigned side,
                              bool lrn, size_t i)
{
    const uint64_t number = sides->number[side][i], ported = sides->lrn[side][i];
    const bool e164 =
        (rows->cdr.kind[i] >> sides->type_shift[side] & TOLL_KIND_TYPE_MASK) == TOLL_NUMBER_E164;
    const uint64_t choose = 0 - (uint64_t)(lrn & (ported != 0));
    return (ported & choose) | (number & ~choose) | ((uint64_t)e164 - 1);
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

static void expect_pair(const struct toll_book *book, const struct toll_deck *deck, uint32_t callee_zone,
                        uint32_t caller_zone)
{
    const uint64_t slot =
        toll_number_first_slot((uint64_t)callee_zone << 32 | caller_zone, deck->pair_capacity);
    __builtin_prefetch(&book->pairs[deck->pair_first + slot]);
}

/* ---- rows whose deck needs more than one prefix: block->second, places in the list ---- */

static void finish_second(const struct toll_block_rows *rows, const struct sides *sides, const uint32_t *list,
                          size_t count, uint32_t *values)
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
        block->number[1][n] = key_of(rows, sides, CALLER, (way & TOLL_WAY_LRN) != 0, i);
        block->list_deck[n] = pair ? rater->caller_tables + deck : 0;
        if (!pair) {
            const size_t code = rows->cdr.calltype == NULL ? 0 : (size_t)rows->cdr.calltype[i];
            values[k] = rows->context->map
                            ->calltypes[code * rater->calltype_decks + rater->calltype_places[deck] - 1];
        }
    }
    rater->kernels->lpm(rater->tables, rater->lpm_words, block->list_deck, block->number[1], count, callers);
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

void toll_block_values(const struct toll_block_rows *rows, const uint32_t *list, size_t count,
                       uint32_t *values)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    if (!rater->has_ways && list == NULL) {
        rater->kernels->lpm(rater->tables, rater->lpm_words, block->deck, rows->cdr.callee, count, values);
        return;
    }
    const struct sides sides = sides_of(&rows->cdr);
    size_t second = 0;
    for (size_t k = 0; k < count; k++) {
        const size_t i = list == NULL ? k : list[k];
        const uint32_t deck = block->deck[i];
        const unsigned way = rater->deck_ways[deck];
        const bool coded = (way & TOLL_WAY_CALLTYPE) != 0;
        block->number[0][k] =
            key_of(rows, &sides, (way & TOLL_WAY_CALLER) != 0, (way & TOLL_WAY_LRN) != 0, i);
        block->list_deck[k] = deck & ((uint32_t)coded - 1);
        block->second[second] = (uint32_t)k;
        second += (way & (TOLL_WAY_PAIR | TOLL_WAY_CALLTYPE)) != 0;
    }
    rater->kernels->lpm(rater->tables, rater->lpm_words, block->list_deck, block->number[0], count, values);
    if (second > 0)
        finish_second(rows, &sides, list, second, values);
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
