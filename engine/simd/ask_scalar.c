/* What decks are asked for many rows. How a deck is asked is nothing a branch can guess. */
#include "simd/kernels.h"

static inline uint64_t mask(bool condition)
{
    return (uint64_t)0 - condition;
}

size_t toll_ask_scalar(const uint32_t *restrict ways, const struct toll_ask_in *in, size_t rows,
                       const struct toll_ask_out *out)
{
    const uint64_t *restrict callee = in->callee, *restrict caller = in->caller;
    const uint64_t *restrict lrn_callee = in->lrn_callee, *restrict lrn_caller = in->lrn_caller;
    uint64_t *restrict key = out->key;
    uint32_t *restrict deck = out->deck, *restrict second = out->second;
    uint8_t *restrict column = out->column;
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        const uint32_t way = ways[in->deck[i]], kind = in->kind[i];
        const uint64_t by_caller = mask((way & TOLL_WAY_CALLER) != 0);
        const uint64_t number = (callee[i] & ~by_caller) | (caller[i] & by_caller);
        const uint64_t ported =
            ((lrn_callee[i] & ~by_caller) | (lrn_caller[i] & by_caller)) & mask((way & TOLL_WAY_LRN) != 0);
        const bool caller_e164 = (kind & TOLL_CALL_CALLER_TYPE) == TOLL_CALL_CALLER_E164;
        const bool callee_e164 = (kind & TOLL_CALL_CALLEE_TYPE) == TOLL_CALL_CALLEE_E164;
        const uint64_t e164 = (mask(callee_e164) & ~by_caller) | (mask(caller_e164) & by_caller);
        key[i] = ported | (number & mask(ported == 0)) | ~e164;
        deck[i] = in->deck[i] & (uint32_t)mask((way & TOLL_WAY_CALLTYPE) == 0);
        column[i] = (uint8_t)toll_way_column(way, in->class_jurisdiction[i] & 7u);
        second[count] = (uint32_t)i;
        count += (way & (TOLL_WAY_PAIR | TOLL_WAY_CALLTYPE)) != 0;
    }
    return count;
}
