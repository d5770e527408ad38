/* From the deck's value to a price row and its terms, where that takes one look. */
#include "simd/kernels.h"

#define CHUNK_ROWS 128

/* What lies in far memory is asked for in a pass of its own. */
static void add_columns(const struct toll_price_in *in, size_t rows, uint32_t *restrict value)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t deck = in->deck[i] < in->sheet_count ? in->deck[i] : 0;
        const bool sheet = in->sheets != NULL && in->sheets[deck].terms != TOLL_SHEET_NONE;
        const uint32_t plain = 0u - (uint32_t)((value[i] != 0) & ((value[i] & TOLL_LPM_ENTRY) == 0) & !sheet);
        value[i] += in->column[i] & plain;
        __builtin_prefetch(&in->price_terms[value[i] & plain]);
    }
}

static size_t without_sheets(const struct toll_price_in *in, size_t rows, const uint32_t *restrict value,
                             int32_t *restrict price, uint32_t *restrict terms, uint32_t *restrict rest)
{
    const uint16_t *restrict price_terms = in->price_terms;
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        const uint32_t found = (uint32_t)price[i] | value[i];
        const bool entry = (value[i] & TOLL_LPM_ENTRY) != 0;
        price[i] = (int32_t)found;
        terms[i] = price_terms[found & ((uint32_t)entry - 1)];
        rest[count] = (uint32_t)i;
        count += entry | (terms[i] == TOLL_TERMS_FAR) | ((value[i] == 0) & (in->deck[i] != 0));
    }
    return count;
}

/* What the rows of a chunk have: their deck as a sheet, 1 where it holds for the call; then where their terms
 * are, both ways, each the first place of its table where it is not the row's. */
struct chunk {
    uint32_t price[CHUNK_ROWS], terms[CHUNK_ROWS], holds[CHUNK_ROWS];
    uint32_t by_price[CHUNK_ROWS], by_class[CHUNK_ROWS], asked[CHUNK_ROWS];
};

static inline void find_sheets(const struct toll_price_in *in, size_t first, size_t rows,
                               struct chunk *restrict chunk)
{
    const struct toll_sheet_now *restrict sheets = in->sheets;
    const uint32_t *restrict decks = in->deck + first;
    const uint32_t sheet_count = in->sheet_count;
    for (size_t i = 0; i < rows; i++) {
        const struct toll_sheet_now now = sheets[decks[i] < sheet_count ? decks[i] : 0];
        chunk->price[i] = now.price;
        chunk->terms[i] = now.terms;
    }
    if (in->start == NULL) {
        for (size_t i = 0; i < rows; i++)
            chunk->holds[i] = 1;
        return;
    }
    const int64_t *restrict start = in->start + first;
    const uint64_t from = (uint64_t)in->from, span = in->until > in->from ? (uint64_t)in->until - from : 0;
    for (size_t i = 0; i < rows; i++)
        chunk->holds[i] = (uint64_t)start[i] - from < span;
}

static inline void find_rows(const struct toll_family_shape shape, const uint32_t *restrict decks,
                             size_t rows, const uint32_t *restrict values, int32_t *restrict prices,
                             struct chunk *restrict chunk)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t value = values[i], terms = chunk->terms[i];
        const uint32_t entry = 0u - (uint32_t)((value & TOLL_LPM_ENTRY) != 0),
                       plain = 0u - (uint32_t)(terms == TOLL_SHEET_NONE);
        const uint32_t missed = (0u - (uint32_t)(value == 0)) & ~(0u - (uint32_t)(decks[i] == 0));
        const uint32_t ask = 0u - (uint32_t)(terms == TOLL_SHEET_ASK), late = chunk->holds[i] - 1;
        const uint32_t known = ~(plain | entry | missed | ask | late);
        const uint32_t row = chunk->price[i] + ((value & shape.ordinal_mask) << shape.price_shift);
        const uint32_t found = (uint32_t)prices[i] | (row & known) | (value & plain);
        prices[i] = (int32_t)found;
        chunk->by_price[i] = found & plain & ~entry;
        chunk->by_class[i] = (terms + (value >> shape.class_shift)) & known;
        chunk->terms[i] = known;
        chunk->price[i] = plain;
        chunk->asked[i] = (~(plain | known) | (plain & (entry | missed))) & 1;
    }
}

/* Both ways are gone. */
static size_t with_sheets(const struct toll_price_in *in, size_t rows, const uint32_t *restrict value,
                          int32_t *restrict price, uint32_t *restrict terms, uint32_t *restrict rest)
{
    const uint16_t *restrict price_terms = in->price_terms;
    const uint32_t *restrict class_terms = in->shape.terms;
    struct chunk chunk;
    size_t count = 0;
    for (size_t first = 0; first < rows; first += CHUNK_ROWS) {
        const size_t here = rows - first < CHUNK_ROWS ? rows - first : CHUNK_ROWS;
        find_sheets(in, first, here, &chunk);
        find_rows(in->shape, in->deck + first, here, value + first, price + first, &chunk);
        for (size_t i = 0; i < here; i++) {
            const uint32_t by_price = price_terms[chunk.by_price[i]] & chunk.price[i];
            terms[first + i] = by_price | (class_terms[chunk.by_class[i]] & chunk.terms[i]);
            rest[count] = (uint32_t)(first + i);
            count += chunk.asked[i] | (by_price == TOLL_TERMS_FAR);
        }
    }
    return count;
}

size_t toll_price_scalar(const struct toll_price_in *in, size_t rows, uint32_t *restrict value,
                         int32_t *restrict price, uint32_t *restrict terms, uint32_t *restrict rest)
{
    if (in->column != NULL)
        add_columns(in, rows, value);
    return in->sheets == NULL ? without_sheets(in, rows, value, price, terms, rest)
                              : with_sheets(in, rows, value, price, terms, rest);
}
