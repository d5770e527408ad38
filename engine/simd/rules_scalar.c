/* From owners to accounts and verdicts: what the rules say of the common calls stands in a table. */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#define AHEAD 16 /* rows whose owner is on its way */

static inline uint32_t mask(bool condition)
{
    return 0u - (uint32_t)condition;
}

void toll_rules_scalar(const struct toll_hot_owner *restrict owners, const uint32_t *restrict verdicts,
                       const uint32_t *restrict owner, const uint16_t *restrict shape, bool by_record,
                       size_t rows, struct toll_verdicts_out *out)
{
    int32_t *restrict account = out->account, *restrict price = out->price;
    uint32_t *restrict bucket = out->bucket, *restrict deck = out->deck;
    uint32_t *restrict odd = out->odd, *restrict planless = out->planless;
    uint8_t *restrict status = out->status;
    size_t odd_count = 0, planless_count = 0;
    for (size_t i = 0; i < rows; i++) {
        const struct toll_hot_owner *who = &owners[owner[i]];
        __builtin_prefetch(&owners[owner[i + AHEAD < rows ? i + AHEAD : i]]);
        const bool known = owner[i] != 0;
        const bool plain = (shape[i] & TOLL_SHAPE_PLAIN) != 0;
        const bool unanswered = (shape[i] & TOLL_SHAPE_UNANSWERED) != 0;
        const bool waits = known & plain & (by_record | (who->plan <= 0));
        const bool wanted = known & plain & !waits;
        const uint32_t key = shape[i] & (TOLL_VERDICT_KEYS - 1);
        const uint32_t verdict =
            verdicts[((uint32_t)who->plan & mask(wanted)) * TOLL_VERDICT_KEYS + key] & mask(wanted);
        const uint32_t priced = mask((verdict & TOLL_VERDICT_PRICE) != 0);
        account[i] = who->account;
        bucket[i] = who->bucket;
        deck[i] = verdict & ~priced;
        price[i] = (int32_t)(verdict & priced & ~TOLL_VERDICT_PRICE);
        status[i] = (uint8_t)((TOLL_ZERO_UNANSWERED & mask(unanswered)) |
                              (TOLL_SUSPENSE_NO_ACCOUNT & mask(!unanswered & !known)));
        planless[planless_count] = (uint32_t)i;
        planless_count += waits;
        odd[odd_count] = (uint32_t)i;
        odd_count += !((verdict != 0) | unanswered | (plain & !known) | waits);
    }
    out->odd_count = odd_count;
    out->planless_count = planless_count;
}
