/*
 * From owners to accounts and verdicts: what the rules say of the common calls stands in a table. The rows of
 * a chunk take one step after the other: the owners' records, what that leaves to be asked, of which the
 * compiler does several rows at once, the verdicts, and what they mean.
 */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#define AHEAD 48 /* rows whose owner is on its way */
#define CHUNK_ROWS 128

static inline uint32_t mask(bool condition)
{
    return 0u - (uint32_t)condition;
}

/* What the rows of a chunk have in turn. */
struct chunk {
    int32_t plan[CHUNK_ROWS];
    uint32_t verdict[CHUNK_ROWS]; /* its place, then what stands there */
    uint32_t wanted[CHUNK_ROWS], settled[CHUNK_ROWS], waits[CHUNK_ROWS]; /* all bits or none */
};

/* until: rows from here on whose owners there are. */
static inline void find_owners(const struct toll_hot_owner *restrict owners, const uint32_t *restrict owner,
                               size_t rows, size_t until, int32_t *restrict account,
                               uint32_t *restrict bucket, struct chunk *restrict chunk)
{
    for (size_t i = 0; i < rows; i++) {
        const struct toll_hot_owner *who = &owners[owner[i]];
        __builtin_prefetch(&owners[owner[i + AHEAD < until ? i + AHEAD : i]]);
        chunk->plan[i] = who->plan;
        account[i] = who->account;
        bucket[i] = who->bucket;
    }
}

static inline void ask(const uint32_t *restrict owner, const uint16_t *restrict shape, bool by_record,
                       size_t rows, uint8_t *restrict status, struct chunk *restrict chunk)
{
    const uint32_t each = mask(by_record);
    for (size_t i = 0; i < rows; i++) {
        const uint32_t known = ~mask(owner[i] == 0), kind = shape[i];
        const uint32_t plain = mask((kind & TOLL_SHAPE_PLAIN) != 0),
                       unanswered = mask((kind & TOLL_SHAPE_UNANSWERED) != 0);
        const uint32_t planless = each | mask(chunk->plan[i] <= 0);
        const uint32_t waits = known & plain & planless, wanted = known & plain & ~planless;
        const uint32_t place =
            (uint32_t)chunk->plan[i] * TOLL_VERDICT_KEYS + (kind & (TOLL_VERDICT_KEYS - 1));
        chunk->verdict[i] = place & wanted;
        chunk->wanted[i] = wanted;
        chunk->waits[i] = waits;
        chunk->settled[i] = unanswered | (plain & ~known) | waits;
        status[i] = (uint8_t)((TOLL_ZERO_UNANSWERED & unanswered) |
                              (TOLL_SUSPENSE_NO_ACCOUNT & ~unanswered & ~known));
    }
}

/* Is some row of the chunk neither settled nor priced, or does some wait? */
static inline bool take_verdicts(size_t rows, int32_t *restrict price, uint32_t *restrict deck,
                                 struct chunk *restrict chunk)
{
    uint32_t any = 0;
    for (size_t i = 0; i < rows; i++) {
        const uint32_t verdict = chunk->verdict[i] & chunk->wanted[i];
        const uint32_t priced = mask((verdict & TOLL_VERDICT_PRICE) != 0);
        const uint32_t settled = chunk->settled[i] | ~mask(verdict == 0);
        deck[i] = verdict & ~priced;
        price[i] = (int32_t)(verdict & priced & ~TOLL_VERDICT_PRICE);
        chunk->settled[i] = settled;
        any |= ~settled | chunk->waits[i];
    }
    return any != 0;
}

void toll_rules_scalar(const struct toll_hot_owner *restrict owners, const uint32_t *restrict verdicts,
                       const uint32_t *restrict owner, const uint16_t *restrict shape, bool by_record,
                       size_t rows, struct toll_verdicts_out *out)
{
    uint32_t *restrict odd = out->odd, *restrict planless = out->planless;
    size_t odd_count = 0, planless_count = 0;
    struct chunk chunk;
    for (size_t first = 0; first < rows; first += CHUNK_ROWS) {
        const size_t left = rows - first, here = left < CHUNK_ROWS ? left : CHUNK_ROWS;
        find_owners(owners, owner + first, here, left, out->account + first, out->bucket + first, &chunk);
        ask(owner + first, shape + first, by_record, here, out->status + first, &chunk);
        for (size_t i = 0; i < here; i++)
            chunk.verdict[i] = verdicts[chunk.verdict[i]];
        if (!take_verdicts(here, out->price + first, out->deck + first, &chunk))
            continue;
        for (size_t i = 0; i < here; i++) {
            planless[planless_count] = odd[odd_count] = (uint32_t)(first + i);
            planless_count += chunk.waits[i] & 1;
            odd_count += ~chunk.settled[i] & 1;
        }
    }
    out->odd_count = odd_count;
    out->planless_count = planless_count;
}
