/* Prepared terms, and the rows that only the rule can do. */
#include "rating/voice.h"

#include "rating/billed.h"
#include "rating/charge.h"
#include "tollmill_segment.h"

#include <stdlib.h>
#include <string.h>

/* The longest call is 2^31 ms, about 2^21 s: below these bounds no call bills UNITS_MAX units. */
#define STEP_MAX (1 << 24)
#define UNITS_MAX (1 << 26)

static const struct toll_voice_profile exact_profile = {.exact = 1};

static unsigned ceil_log2(uint64_t value)
{
    return value <= 1 ? 0 : 64u - (unsigned)__builtin_clzll(value - 1);
}

/* x / increment for x < 2^31: Granlund and Montgomery, "Division by invariant integers using multiplication".
 */
static void set_steps(struct toll_voice_profile *fast, uint32_t initial, uint32_t increment)
{
    fast->initial = initial;
    fast->increment = increment;
    fast->step_shift = (uint8_t)(31 + ceil_log2(increment));
    fast->step_magic = (uint32_t)((UINT64_C(1) << fast->step_shift) / increment + 1);
}

/* The money part; false: not every charge can be had so. */
static bool set_money(struct toll_voice_profile *fast, uint64_t *rate, const struct toll_terms *terms,
                      toll_total per)
{
    const toll_total limit = INT64_MAX;
    const toll_total divisor = per * terms->quantum;
    if (terms->quantum < 1 || divisor < 2 || terms->rate < 0 || terms->connect_fee < 0 ||
        terms->minimum_charge < 0 || terms->rounding == TOLL_HALF_EVEN)
        return false;
    const toll_total bias = terms->rounding == TOLL_HALF_UP ? divisor / 2
                            : terms->rounding == TOLL_UP    ? divisor - 1
                                                            : 0;
    const bool capped = terms->maximum_charge != INT64_MAX;
    const toll_total most = (toll_total)terms->connect_fee * per + (toll_total)terms->rate * UNITS_MAX + bias;
    const toll_total minimum = (toll_total)terms->minimum_charge * per + bias;
    const toll_total maximum = capped ? (toll_total)terms->maximum_charge * per + bias : limit;
    if (most > limit || minimum > limit || maximum > limit)
        return false;
    /* As above: with the next power of two 2^log2 >= divisor, this magic is exact for every numerator below
     * 2^63. divisor < 2^58. */
    const unsigned log2 = ceil_log2((uint64_t)divisor);
    *rate = (uint64_t)terms->rate; /* < 2^37, for `most` fits */
    fast->connect = (uint64_t)terms->connect_fee * (uint64_t)per + (uint64_t)bias;
    fast->minimum = (uint64_t)minimum;
    fast->maximum = (uint64_t)maximum;
    fast->magic = (uint64_t)(((unsigned __int128)1 << (63 + log2)) / (uint64_t)divisor) + 1;
    fast->quantum = terms->quantum;
    fast->shift = (uint8_t)(log2 - 1);
    return true;
}

static bool set_deck(struct toll_voice_profile *fast, uint64_t *rate, const struct toll_terms *terms)
{
    if (terms->increment < 1 || terms->initial < 1 || terms->initial > STEP_MAX ||
        terms->increment > STEP_MAX || terms->init_mode != TOLL_INIT_APPEND || terms->minimum_units != 0 ||
        terms->free_units != 0 || terms->zero_s != TOLL_ZERO_S_FREE || terms->per < 1)
        return false;
    set_steps(fast, (uint32_t)terms->initial, (uint32_t)terms->increment);
    fast->round_ms = (uint16_t)(terms->duration_rounding == TOLL_DURATION_DOWN      ? 0
                                : terms->duration_rounding == TOLL_DURATION_HALF_UP ? 500
                                                                                    : 999);
    fast->status = TOLL_RATED;
    fast->zero_status = TOLL_ZERO_DURATION;
    return set_money(fast, rate, terms, terms->per);
}

/* The seconds used are billed, and the amount does not depend on them. */
static bool set_flat(struct toll_voice_profile *fast, uint64_t *rate, const struct toll_terms *terms)
{
    struct toll_terms amount = *terms;
    if (terms->action == TOLL_ACTION_TIERS)
        amount.connect_fee = 0; /* what they charge depends on the calls before */
    amount.rate = amount.minimum_charge = 0;
    amount.maximum_charge = INT64_MAX;
    set_steps(fast, 0, 1);
    fast->round_ms = 999;
    fast->status = fast->zero_status = TOLL_RATED;
    return set_money(fast, rate, &amount, 1);
}

struct toll_voice_profile toll_voice_profile_make(const struct toll_terms *terms, uint64_t *rate)
{
    struct toll_voice_profile fast = {.exact = 0};
    bool good = true;
    *rate = 0;
    if (terms->state != TOLL_PRICE_OK) {
        fast.status = fast.zero_status =
            terms->state == TOLL_PRICE_BLOCKED ? TOLL_SUSPENSE_BLOCKED : TOLL_SUSPENSE_NO_RATE;
    } else if (terms->action == TOLL_ACTION_FREE) {
        set_steps(&fast, 0, 1);
        fast.round_ms = 999;
        fast.status = fast.zero_status = TOLL_ZERO_FREE;
    } else {
        good = terms->action == TOLL_ACTION_DECK ? set_deck(&fast, rate, terms)
               : terms->action == TOLL_ACTION_FLAT || terms->action == TOLL_ACTION_TIERS
                   ? set_flat(&fast, rate, terms)
                   : false;
    }
    return good ? fast : exact_profile;
}

/* ---- tables of them ---- */

/* NONE: no terms. EXACT: those that only the rule knows, and those for which there is no profile left. */
enum { NONE, EXACT, FIRST };

size_t toll_voice_profiles_most(size_t count)
{
    return count + FIRST < TOLL_VOICE_PROFILES ? count + FIRST : TOLL_VOICE_PROFILES;
}

static size_t hash_of(const struct toll_voice_profile *profile)
{
    uint64_t words[sizeof *profile / sizeof(uint64_t)], hash = 0;
    memcpy(words, profile, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        hash = ((hash ^ words[i]) * UINT64_C(0x9E3779B97F4A7C15)) ^ hash >> 29;
    return (size_t)(hash >> 20);
}

bool toll_voice_terms_fill(const struct toll_terms *terms, size_t count, uint64_t *rates,
                           struct toll_voice_profile *profiles, struct toll_voice_terms *fast)
{
    const size_t most = toll_voice_profiles_most(count);
    size_t places = 16, used = FIRST;
    while (places < 2 * most)
        places *= 2;
    uint32_t *table = calloc(places, sizeof *table);
    if (table == NULL)
        return false;
    rates[0] = NONE;
    profiles[NONE] = (struct toll_voice_profile){.exact = 0};
    profiles[EXACT] = exact_profile;
    for (size_t i = 0; i < count; i++) {
        uint64_t rate;
        const struct toll_voice_profile one = toll_voice_profile_make(&terms[i], &rate);
        size_t at = hash_of(&one) & (places - 1);
        while (table[at] != 0 && memcmp(&profiles[table[at]], &one, sizeof one) != 0)
            at = (at + 1) & (places - 1);
        if (one.exact || (table[at] == 0 && used == most)) {
            rates[1 + i] = EXACT;
            continue;
        }
        if (table[at] == 0) {
            profiles[used] = one;
            table[at] = (uint32_t)used++;
        }
        rates[1 + i] = rate << TOLL_VOICE_RATE_SHIFT | table[at];
    }
    free(table);
    *fast = (struct toll_voice_terms){rates, profiles, (uint32_t)used};
    return true;
}

/* A row as the rule has it; the status. */
static unsigned rate_exactly(const struct toll_terms *terms, int32_t duration_ms, int32_t *billed,
                             int64_t *charge)
{
    const bool deck = terms->action == TOLL_ACTION_DECK;
    const int64_t used = toll_units_of_ms(
        duration_ms, deck ? (enum toll_duration_rounding)terms->duration_rounding : TOLL_DURATION_UP);
    const enum toll_billed_outcome outcome =
        deck ? toll_billed(terms, used, billed) : toll_billed_as_used(used, billed);
    *charge = 0;
    if (outcome == TOLL_BILLED_ZERO)
        return TOLL_ZERO_DURATION;
    if (outcome == TOLL_BILLED && terms->action == TOLL_ACTION_TIERS)
        return TOLL_RATED;
    if (outcome == TOLL_BILLED &&
        (deck ? toll_charge_deck(terms, *billed, charge) : toll_charge_flat(terms, charge)))
        return TOLL_RATED;
    *billed = 0;
    *charge = 0;
    return TOLL_SUSPENSE_OVERFLOW;
}

void toll_voice_block(const struct toll_kernels *kernels, const struct toll_terms *terms,
                      const struct toll_voice_terms *fast, const uint32_t *index, const int32_t *duration_ms,
                      const struct toll_next_rows *next, size_t rows, uint32_t *scratch, int32_t *price,
                      int32_t *billed, int64_t *charge, uint8_t *status)
{
    const size_t count =
        kernels->voice(fast, index, duration_ms, next, rows, billed, charge, status, scratch);
    for (size_t k = 0; k < count; k++) {
        const size_t i = scratch[k];
        status[i] = (uint8_t)rate_exactly(&terms[index[i] - 1], duration_ms[i], &billed[i], &charge[i]);
        price[i] = status[i] == TOLL_SUSPENSE_OVERFLOW ? 0 : price[i];
    }
}
