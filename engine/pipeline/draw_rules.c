/* Derived from bundles, tiers and rules of a book. */
#include "pipeline/draw_rules.h"

#include "base/error.h"
#include "simd/layout_call.h"

/* The prices of rules come before those of decks, so few ids are looked at. */
static uint32_t tiers_end(const struct toll_book *book)
{
    uint32_t end = 0;
    for (uint32_t i = 1; i < book->rule_count; i++)
        if (book->rules[i].action == TOLL_ACTION_TIERS && (uint32_t)book->rules[i].price >= end)
            end = (uint32_t)book->rules[i].price + 1;
    return end;
}

static struct toll_draw_owner simple_owner(const struct toll_book *book, const struct toll_owner *owner)
{
    const struct toll_entitlement *entitlement = &book->entitlements[owner->pool_first];
    const struct toll_bundle *bundle = &book->bundles[entitlement->bundle];
    const bool simple = owner->pool_count == 1 && entitlement->from == TOLL_MS_MIN &&
                        entitlement->until == TOLL_MS_MAX && entitlement->pool != 0 &&
                        bundle->destination_count == 0 && bundle->debit_used == 0 &&
                        bundle->connect_charged == 0;
    return simple ? (struct toll_draw_owner){entitlement->bundle, entitlement->pool}
                  : (struct toll_draw_owner){0, 0};
}

static void look_at_owners(const struct toll_book *book, uint32_t *entitled, struct toll_draw_owner *owners)
{
    for (uint32_t i = 1; i < book->owner_count; i++)
        if (book->owners[i].pool_count > 0) {
            entitled[i >> 5] |= UINT32_C(1) << (i & 31);
            owners[i] = simple_owner(book, &book->owners[i]);
        }
}

_Static_assert(TOLL_KEY_WORDS * 64 == 8 * 32, "words of bundle_keys");

static void look_at_bundles(const struct toll_book *book, struct toll_draw_rules *rules, uint32_t *keys,
                            uint32_t *bundle_keys)
{
    for (uint32_t i = 1; i < book->bundle_count; i++) {
        const struct toll_bundle *bundle = &book->bundles[i];
        for (uint32_t word = 0; word < 8; word++) {
            bundle_keys[i * 8 + word] = (uint32_t)(bundle->keys[word / 2] >> word % 2 * 32);
            keys[word] |= bundle_keys[i * 8 + word];
        }
        rules->by_used = rules->by_used || bundle->debit_used;
        rules->by_number = rules->by_number || bundle->scope == TOLL_SCOPE_NUMBER;
        rules->by_destination = rules->by_destination || bundle->destination_count > 0;
    }
}

static void look_at_tiers(const struct toll_book *book, struct toll_draw_rules *rules, uint32_t *tiers)
{
    for (uint32_t i = 1; i < book->rule_count; i++) {
        const struct toll_rule *rule = &book->rules[i];
        if (rule->action != TOLL_ACTION_TIERS)
            continue;
        const struct toll_tiers *of = &book->tiers[rule->tiers];
        tiers[rule->price] = rule->tiers;
        rules->by_number = rules->by_number || of->scope == TOLL_SCOPE_NUMBER;
        rules->volume = rules->volume || (of->mode == TOLL_TIER_VOLUME && of->period != TOLL_TIER_CALL);
    }
}

static bool costs_draw(const struct toll_book *book)
{
    for (int kind = 0; book->has_cost && kind < TOLL_NAMED_KINDS; kind++)
        for (uint32_t i = 0; i < book->named_count[kind]; i++)
            if (book->named[kind][i].pool_count > 0)
                return true;
    return false;
}

int toll_draw_rules_make(const struct toll_book *book, struct toll_draw_rules **out, struct toll_error *error)
{
    const uint32_t end = tiers_end(book);
    const size_t entitled_bytes = toll_hot_round(((size_t)book->owner_count / 32 + 1) * sizeof(uint32_t)),
                 keys_bytes = toll_hot_round(TOLL_CALL_KEYS / 8),
                 bundle_keys_bytes = toll_hot_round((size_t)book->bundle_count * 8 * sizeof(uint32_t)),
                 owners_bytes = toll_hot_round(book->owner_count * sizeof(struct toll_draw_owner)),
                 tiers_bytes = toll_hot_round(end * sizeof(uint32_t));
    *out = NULL;
    if (!book->has_bundles && end == 0 && !costs_draw(book))
        return 0;
    struct toll_draw_rules *rules = calloc(1, sizeof *rules);
    if (rules == NULL || !toll_hot_init(&rules->hot, entitled_bytes + keys_bytes + bundle_keys_bytes +
                                                         owners_bytes + tiers_bytes)) {
        free(rules);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the bundles of %u owners",
                              book->owner_count);
    }
    uint32_t *entitled = toll_hot_take(&rules->hot, entitled_bytes);
    uint32_t *keys = toll_hot_take(&rules->hot, keys_bytes);
    uint32_t *bundle_keys = toll_hot_take(&rules->hot, bundle_keys_bytes);
    struct toll_draw_owner *owners = toll_hot_take(&rules->hot, owners_bytes);
    uint32_t *tiers = toll_hot_take(&rules->hot, tiers_bytes);
    rules->entitled = entitled;
    rules->keys = keys;
    rules->bundle_keys = bundle_keys;
    rules->owners = owners;
    rules->tiers = tiers;
    rules->tiers_end = end;
    look_at_owners(book, entitled, owners);
    look_at_bundles(book, rules, keys, bundle_keys);
    look_at_tiers(book, rules, tiers);
    rules->cost = costs_draw(book);
    *out = rules;
    return 0;
}

void toll_draw_rules_free(struct toll_draw_rules *rules)
{
    if (rules == NULL)
        return;
    toll_hot_free(&rules->hot);
    free(rules);
}
