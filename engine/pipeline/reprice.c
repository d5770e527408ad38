/* Rows of finished lines: which rates they have now, and the few that the kernel cannot do. */
#include "pipeline/reprice_tables.h"

#include "base/check.h"
#include "rating/charge.h"

#define UNITS_MAX (1u << 26) /* see simd/layout_voice.h */

static inline bool is_rated(uint8_t status)
{
    return (status == TOLL_RATED) | (status == TOLL_RATED_FAIR_USE);
}

/* Record and units of each row, and the rows that need more: credits and very large quantities. Returns how
 * many those are; false in *good: a line did not fit. */
static size_t find_records(const struct toll_repricing *repricing, const struct toll_line_columns *lines,
                           const uint16_t *kind, size_t rows, struct toll_reprice_scratch *scratch,
                           bool *good)
{
    bool overflow = false;
    for (size_t i = 0; i < rows; i++) {
        const uint32_t price = (uint32_t)lines->price[i];
        const uint64_t some = repricing->changed[price >> 6] >> (price & 63) & is_rated(lines->status[i]);
        scratch->record[i] = price & (0u - (uint32_t)(some & 1));
        overflow |= lines->status[i] == TOLL_SUSPENSE_OVERFLOW;
    }
    *good = !overflow;
    size_t odd = 0, moved = 0;
    for (size_t i = 0; i < rows; i++) {
        const uint32_t billed = (uint32_t)lines->billed[i];
        const uint32_t included = lines->included == NULL ? 0 : (uint32_t)lines->included[i];
        const uint32_t rest = billed - included;
        const bool gone = (included != 0) & (rest == 0); /* then nothing is charged, or the connect fee */
        const uint32_t record = gone ? 0 : repricing->record_of[scratch->record[i]];
        const bool special = ((kind[i] & TOLL_KIND_CREDIT) != 0) | (rest >= UNITS_MAX);
        scratch->record[i] = record;
        scratch->rest[i] = rest;
        scratch->odd[odd] = (uint32_t)i;
        odd += special & (record != 0);
        scratch->moved[moved] = (uint32_t)i;
        moved += record != 0;
    }
    scratch->moved_count = moved;
    return odd;
}

/* A row by the rule; false: beyond 64 bits. */
static bool charge_exactly(const struct toll_repricing *repricing, const struct toll_line_columns *lines,
                           const uint16_t *kind, size_t i, const struct toll_reprice_scratch *scratch,
                           int64_t *charges)
{
    const uint64_t *words = repricing->rates + scratch->record[i] * repricing->stride;
    for (unsigned k = 0; k < repricing->count; k++) {
        const struct toll_book *book = repricing->books[k];
        toll_money charge;
        if (words[k] == 0) {
            charges[k] = lines->charge[i];
            continue;
        }
        if (!toll_charge_deck(&book->terms[book->price_terms[lines->price[i]]], (int32_t)scratch->rest[i],
                              &charge))
            return false;
        if ((kind[i] & TOLL_KIND_CREDIT) != 0 && !toll_charge_negate(&charge))
            return false;
        charges[k] = charge;
    }
    return true;
}

bool toll_reprice_rows(const struct toll_repricing *repricing, const struct toll_line_columns *lines,
                       const uint16_t *kind, size_t rows, struct toll_reprice_scratch *scratch,
                       int64_t *charges)
{
    TOLL_ASSERT(rows <= TOLL_BLOCK_ROWS_MAX);
    bool good;
    const size_t odd = find_records(repricing, lines, kind, rows, scratch, &good);
    const struct toll_reprice_in in = {
        .stride = repricing->stride,
        .rates = repricing->rates,
        .profile = repricing->profile,
        .profiles = repricing->profiles,
        .record = scratch->record,
        .rest = scratch->rest,
        .charge = lines->charge,
    };
    if (!good)
        return false;
    repricing->kernel(&in, rows, charges);
    for (size_t n = 0; good && n < odd; n++) {
        const size_t i = scratch->odd[n];
        good = charge_exactly(repricing, lines, kind, i, scratch, charges + i * repricing->stride);
    }
    return good;
}

size_t toll_repricing_stride(const struct toll_repricing *repricing)
{
    return repricing->stride;
}

const uint64_t *toll_repricing_changed(const struct toll_repricing *repricing)
{
    return repricing->changed;
}

uint32_t toll_repricing_changed_count(const struct toll_repricing *repricing)
{
    uint32_t count = 0;
    for (size_t i = 0; i <= repricing->base->price_count / 64; i++)
        count += (uint32_t)__builtin_popcountll(repricing->changed[i]);
    return count;
}
