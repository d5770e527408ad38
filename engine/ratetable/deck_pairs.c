/*
 * Decks by pairs of prefixes. Each side's prefixes are zones, numbered by length, with a trie that names a
 * number's longest zone and a list that leads from each zone to the next shorter one; a table of slots holds
 * the pairs of zones that have rows. So the order of RATING.md, section 8 (the callee's prefixes from the
 * longest on, for each the caller's) is a walk over few slots, whatever the number of pairs.
 */
#include "base/digits.h"
#include "ratetable/decks.h"
#include "ratetable/lpm.h"
#include "ratetable/prefix_cell.h"
#include "ratetable/sort.h"

#include <stdlib.h>

#define LENGTHS (TOLL_DIGITS_MAX + 1)

static uint64_t prefix_of(const struct toll_strings *side, uint32_t id)
{
    uint64_t key;

    memcpy(&key, toll_strings_text(side, id, NULL), sizeof(key));
    return key;
}

static unsigned length_of(uint64_t key)
{
    return key == TOLL_PREFIX_EVERYTHING ? 0 : toll_digits_count(key);
}

/* The side's prefixes by (length, prefix) as toll_sort_pair.index = its id in `side`. NULL: out of memory. */
static struct toll_sort_pair *by_length(const struct toll_strings *side)
{
    struct toll_sort_pair *sorted = malloc((side->count + 1u) * sizeof(*sorted));
    struct toll_sort_pair *out = malloc((side->count + 1u) * sizeof(*out));
    size_t starts[LENGTHS + 1] = {0};

    if (sorted == NULL || out == NULL)
        goto failed;
    for (uint32_t id = 1; id <= side->count; id++) {
        sorted[id - 1] = (struct toll_sort_pair){.key = prefix_of(side, id), .index = id};
        starts[length_of(sorted[id - 1].key) + 1]++;
    }
    if (!toll_sort_pairs(sorted, side->count))
        goto failed;
    for (unsigned i = 1; i <= LENGTHS; i++)
        starts[i] += starts[i - 1];
    for (size_t i = 0; i < side->count; i++)
        out[starts[length_of(sorted[i].key)]++] = sorted[i];
    free(sorted);
    return out;
failed:
    free(sorted);
    free(out);
    return NULL;
}

/* Zones of one side and their trie; zones[id in side] is the zone. False: out of memory. */
static bool make_zones(struct toll_build *build, const struct toll_strings *side, uint32_t *zones,
                       struct toll_lpm *lpm)
{
    struct toll_sort_pair *sorted = by_length(side);
    struct toll_lpm_builder builder;
    bool good = toll_lpm_begin(&builder) && sorted != NULL;

    for (size_t i = 0; i < side->count && good; i++) {
        struct toll_buffer *shorter = &build->sections[TOLL_SECTION_ZONE_SHORTER];
        const uint32_t zone = (uint32_t)shorter->count;
        uint32_t *place = TOLL_BUFFER_ADD(shorter, uint32_t);
        zones[sorted[i].index] = zone;
        good =
            place != NULL && toll_lpm_insert(&builder, sorted[i].key, length_of(sorted[i].key), zone, place);
    }
    good = good && toll_lpm_finish(&builder, &build->sections[TOLL_SECTION_LPM_WORDS], lpm);
    toll_lpm_end(&builder);
    free(sorted);
    return good;
}

static void insert_pair(struct toll_pair *slots, uint32_t capacity, struct toll_pair pair)
{
    uint64_t at = toll_number_first_slot((uint64_t)pair.callee << 32 | pair.caller, capacity);

    while (slots[at].callee != 0)
        at = at + 1 == capacity ? 0 : at + 1;
    slots[at] = pair;
}

int toll_deck_pairs_make(struct toll_build *build, struct toll_deck *deck, const struct toll_deck_rows *rows,
                         const struct toll_deck_value *values, size_t count)
{
    struct toll_buffer *pairs = &build->sections[TOLL_SECTION_PAIRS];
    uint32_t *callees = calloc(rows->callees.count + 1u, sizeof(*callees));
    uint32_t *callers = calloc(rows->callers.count + 1u, sizeof(*callers));
    const uint32_t capacity = 2 * (uint32_t)count; /* TOLL_DECK_KEYS_MAX sees to it */
    struct toll_pair *slots = NULL;
    bool good = callees != NULL && callers != NULL &&
                make_zones(build, &rows->callees, callees, &deck->lpm) &&
                make_zones(build, &rows->callers, callers, &deck->callers);

    deck->pair_first = (uint32_t)pairs->count;
    deck->pair_capacity = capacity;
    if (good)
        slots = toll_buffer_add(pairs, sizeof(*slots), capacity);
    for (size_t i = 0; slots != NULL && i < count; i++)
        insert_pair(slots, capacity,
                    (struct toll_pair){.callee = callees[values[i].key >> 32],
                                       .caller = callers[values[i].key & UINT32_MAX],
                                       .value = values[i].value});
    free(callees);
    free(callers);
    return slots == NULL ? toll_build_memory(build) : 0;
}
