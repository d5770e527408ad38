/* Every row is written, and counted if it is wanted: nobody can guess which ones are. */
#include "simd/lists.h"

#include <stdbool.h>

#define CHUNK_ROWS 128

static size_t other_payers(const struct toll_other_payers_in *in, size_t rows, uint32_t *restrict list)
{
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        const bool charged = in->charged != NULL && in->charged[i] != 0;
        const uint32_t trunk = in->trunk == NULL ? 0 : in->trunks[in->trunk[i]],
                       hint = in->hint == NULL ? 0 : in->hints[in->hint[i]];
        const unsigned leg = in->kind[i] & (TOLL_CALL_LEG | TOLL_CALL_IN);
        list[count] = (uint32_t)i;
        count += (charged | (trunk != 0) | (hint != 0)) & (leg != (TOLL_CALL_LEG | TOLL_CALL_IN));
    }
    return count;
}

static size_t far_ends(const struct toll_far_ends_in *in, size_t rows, uint32_t *restrict list,
                       uint64_t *restrict numbers)
{
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        const unsigned kind = in->kind[i];
        const bool ends = (kind & (TOLL_CALL_CALLER_TYPE | TOLL_CALL_CALLEE_TYPE)) ==
                          (TOLL_CALL_CALLER_E164 | TOLL_CALL_CALLEE_E164);
        const bool ordinary = in->class_jurisdiction[i] < TOLL_CALL_TOLL_FREE << 4;
        const uint64_t incoming = 0 - (uint64_t)((kind & TOLL_CALL_IN) != 0);
        const uint64_t number = in->callee[i] ^ ((in->callee[i] ^ in->caller[i]) & incoming);
        const uint32_t bit = toll_exchange_bit(number);
        list[count] = (uint32_t)i;
        numbers[count] = number;
        count +=
            ends & ordinary & (in->near_owner[i] != 0) & ((in->exchanges[bit >> 6] >> (bit & 63) & 1) != 0);
    }
    return count;
}

static size_t counted(const uint16_t *kind, const uint8_t *status, const uint32_t *bucket, uint32_t statuses,
                      size_t rows, uint32_t *restrict list)
{
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        const bool outgoing = (kind[i] & (TOLL_CALL_SERVICE | TOLL_CALL_IN)) == TOLL_CALL_VOICE;
        const bool wanted = (status[i] < 32) & (statuses >> (status[i] & 31) & 1);
        list[count] = (uint32_t)i;
        count += outgoing & wanted & (bucket[i] != 0);
    }
    return count;
}

static size_t other_kinds(const uint16_t *kind, uint16_t bits, uint16_t value, size_t rows,
                          uint32_t *restrict list)
{
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        list[count] = (uint32_t)i;
        count += (kind[i] & bits) != value;
    }
    return count;
}

/* Of each row its key, and 1 if it is sold. */
static inline void find_keys(const struct toll_may_draw_in *in, size_t first, size_t rows,
                             uint32_t *restrict keys, uint32_t *restrict sold)
{
    const uint16_t *restrict kind = in->kind + first;
    const uint8_t *restrict status = in->status + first;
    const uint8_t *restrict class_jurisdiction = in->class_jurisdiction + first;
    for (size_t i = 0; i < rows; i++) {
        keys[i] = toll_call_key(kind[i], class_jurisdiction[i]);
        sold[i] = (status[i] == 0) & ((kind[i] & TOLL_CALL_CREDIT) == 0);
    }
}

static size_t may_draw(const struct toll_may_draw_in *in, size_t rows, uint32_t *restrict list,
                       uint8_t *restrict call_keys)
{
    const uint32_t *restrict owner = in->owner, *restrict owners = in->owners, *restrict wanted = in->keys;
    uint32_t keys[CHUNK_ROWS], sold[CHUNK_ROWS];
    size_t count = 0;
    for (size_t first = 0; first < rows; first += CHUNK_ROWS) {
        const size_t here = rows - first < CHUNK_ROWS ? rows - first : CHUNK_ROWS;
        find_keys(in, first, here, keys, sold);
        for (size_t i = 0; i < here; i++) {
            const uint32_t key = keys[i], who = owner[first + i];
            list[count] = (uint32_t)(first + i);
            call_keys[count] = (uint8_t)key;
            count += sold[i] & (wanted[key >> 5] >> (key & 31)) & (owners[who >> 5] >> (who & 31));
        }
    }
    return count;
}

const struct toll_list_kernels toll_lists_scalar = {other_payers, far_ends, counted, other_kinds, may_draw};
