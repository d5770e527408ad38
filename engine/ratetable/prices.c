/*
 * Price ids grow by one; equal terms share an index, found by a hash of their 64 bytes. What a file's rows
 * have waits for PENDING rows before it is sought, so that the place in the table is near by then.
 */
#include "ratetable/prices.h"

#include "base/check.h"

#define FIRST_SLOTS 1024u
/* Rows that may all have terms of their own: a wish touches the whole table, 32 MB for these. */
#define WISH_MOST ((size_t)1 << 20)

static inline uint64_t mix(uint64_t hash, uint64_t a, uint64_t b, uint64_t salt)
{
    const unsigned __int128 product =
        (unsigned __int128)(a ^ hash) * (b ^ (UINT64_C(0xE7037ED1A0B428DB) + salt));

    hash ^= (uint64_t)product ^ (uint64_t)(product >> 64);
    return hash << 23 | hash >> 41;
}

/* Rate and fee come last: rows of a sheet mostly have all else in common. */
static inline uint32_t hash_end(uint64_t hash, toll_money rate, toll_money connect_fee)
{
    hash = mix(hash, (uint64_t)rate, (uint64_t)connect_fee, 0);
    return (uint32_t)(hash ^ hash >> 32);
}

static uint64_t hash_begin(const struct toll_terms *terms)
{
    uint64_t words[sizeof(*terms) / sizeof(uint64_t)], hash = UINT64_C(0x9E3779B97F4A7C15);

    memcpy(words, terms, sizeof(words));
    for (size_t i = 2; i < sizeof(words) / sizeof(words[0]); i += 2)
        hash = mix(hash, words[i], words[i + 1], i);
    return hash;
}

static uint32_t hash_of(const struct toll_terms *terms)
{
    return hash_end(hash_begin(terms), terms->rate, terms->connect_fee);
}

static bool grow(struct toll_terms_index *index, size_t count)
{
    const size_t old_count = index->slots == NULL ? 0 : (size_t)index->mask + 1;
    uint64_t *slots = count <= UINT32_MAX ? toll_large_array(count * sizeof(*slots)) : NULL;

    if (slots == NULL)
        return false;
    memset(slots, 0, count * sizeof(*slots));
    for (size_t i = 0; i < old_count; i++) {
        uint32_t slot = (uint32_t)(index->slots[i] >> 32) & (uint32_t)(count - 1);
        if (index->slots[i] == 0)
            continue;
        while (slots[slot] != 0)
            slot = (slot + 1) & (uint32_t)(count - 1);
        slots[slot] = index->slots[i];
    }
    free(index->slots);
    index->slots = slots;
    index->mask = (uint32_t)(count - 1);
    return true;
}

/* The index of these terms in their section, where they are put if they are new. False: out of memory. */
static bool find_terms(struct toll_build *build, const struct toll_terms *terms, uint32_t hash,
                       uint32_t *found)
{
    struct toll_buffer *distinct = &build->sections[TOLL_SECTION_TERMS];
    struct toll_terms_index *index = &build->terms;
    struct toll_terms *place;
    uint32_t slot;

    if ((index->slots == NULL || distinct->count >= index->mask / 2) &&
        !grow(index, index->slots == NULL ? FIRST_SLOTS : 4 * ((size_t)index->mask + 1)))
        return false;
    for (slot = hash & index->mask; index->slots[slot] != 0; slot = (slot + 1) & index->mask) {
        *found = (uint32_t)index->slots[slot] - 1;
        if (index->slots[slot] >> 32 == hash &&
            memcmp(TOLL_BUFFER_AT(distinct, struct toll_terms, *found), terms, sizeof(*terms)) == 0)
            return true;
    }
    place = TOLL_BUFFER_ADD(distinct, struct toll_terms);
    if (place == NULL)
        return false;
    *place = *terms;
    *found = (uint32_t)distinct->count - 1;
    index->slots[slot] = (uint64_t)hash << 32 | distinct->count;
    return true;
}

bool toll_distinct_find(struct toll_distinct *distinct, struct toll_buffer *records, size_t first,
                        const void *record, size_t record_bytes, uint32_t *place)
{
    const size_t count = records->count - first;
    const char *data = count > 0 ? (const char *)records->data + first * record_bytes : NULL;
    uint32_t id;

    for (uint32_t i = 0; i < TOLL_RECENT_RECORDS; i++) {
        const uint32_t recent = distinct->recent[i];
        if (recent < count && memcmp(data + recent * record_bytes, record, record_bytes) == 0) {
            *place = recent;
            return true;
        }
    }
    id = toll_strings_add(&distinct->known, record, record_bytes);
    if (id == 0)
        return false;
    *place = id - 1;
    distinct->recent[distinct->next++ % TOLL_RECENT_RECORDS] = *place;
    if (*place < count)
        return true;
    void *added = toll_buffer_add(records, record_bytes, 1);
    if (added != NULL)
        memcpy(added, record, record_bytes);
    return added != NULL;
}

void toll_prices_next_deck(struct toll_build *build)
{
    struct toll_price_place *prices = &build->prices;

    toll_strings_free(&prices->groups.known);
    memset(prices, 0, sizeof(*prices));
    prices->price_first = (uint32_t)build->sections[TOLL_SECTION_PRICE_TERMS].count;
    prices->origin_first = (uint32_t)build->sections[TOLL_SECTION_ORIGINS].count;
    prices->group_first = (uint32_t)build->sections[TOLL_SECTION_ORIGIN_GROUPS].count;
}

struct toll_origin *toll_build_origin(const struct toll_build *build, int32_t price)
{
    const struct toll_price_place *prices = &build->prices;

    return TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_ORIGINS], struct toll_origin,
                          prices->origin_first + ((uint32_t)price - prices->price_first));
}

const struct toll_origin_group *toll_build_origin_group(const struct toll_build *build, int32_t price)
{
    return TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_ORIGIN_GROUPS], struct toll_origin_group,
                          build->prices.group_first + toll_build_origin(build, price)->group);
}

int toll_price_reserve(struct toll_build *build, const struct toll_price_origin *origin, uint32_t mark,
                       int32_t *price)
{
    const struct toll_origin_group group = {.kind = origin->kind,
                                            .plan = origin->plan,
                                            .band = origin->band,
                                            .step = origin->step,
                                            .column = origin->column,
                                            .file = origin->file};
    struct toll_buffer *prices = &build->sections[TOLL_SECTION_PRICE_TERMS];
    uint32_t *index = TOLL_BUFFER_ADD(prices, uint32_t);
    struct toll_origin *place = TOLL_BUILD_ADD(build, ORIGINS, struct toll_origin);

    TOLL_ASSERT(prices->count <= TOLL_LPM_INDEX); /* TOLL_DECK_KEYS_MAX and TOLL_RULES_MAX see to it */
    if (index == NULL || place == NULL ||
        !toll_distinct_find(&build->prices.groups, &build->sections[TOLL_SECTION_ORIGIN_GROUPS],
                            build->prices.group_first, &group, sizeof(group), &place->group))
        return toll_build_memory(build);
    *index = mark;
    place->key = origin->key;
    place->destination = origin->destination;
    place->line = origin->line;
    *price = (int32_t)prices->count - 1;
    return 0;
}

static int settle(struct toll_build *build, const struct toll_terms *terms, uint32_t hash, int32_t price)
{
    uint32_t index;

    if (!find_terms(build, terms, hash, &index))
        return toll_build_memory(build);
    *TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_PRICE_TERMS], uint32_t, price) = index;
    return 0;
}

int toll_price_settle(struct toll_build *build, struct toll_terms *terms, int32_t price)
{
    terms->small = toll_terms_are_small(terms);
    return settle(build, terms, hash_of(terms), price);
}

int toll_price_settle_later(struct toll_build *build, struct toll_pending_prices *pending,
                            struct toll_terms *terms, int32_t price)
{
    const uint32_t at = pending->count % TOLL_PENDING_PRICES;
    uint32_t hash;
    int code = 0;

    terms->small = toll_terms_are_small(terms);
    hash = hash_of(terms);
    if (pending->count >= TOLL_PENDING_PRICES)
        code = settle(build, &pending->terms[at], pending->hash[at], pending->price[at]);
    if (build->terms.slots != NULL)
        __builtin_prefetch(&build->terms.slots[hash & build->terms.mask]);
    pending->terms[at] = *terms;
    pending->hash[at] = hash;
    pending->price[at] = price;
    pending->count++;
    return code;
}

int toll_price_settle_pending(struct toll_build *build, struct toll_pending_prices *pending)
{
    uint32_t left = pending->count < TOLL_PENDING_PRICES ? pending->count : TOLL_PENDING_PRICES;
    int code = 0;

    for (; left > 0 && code == 0; left--) {
        const uint32_t at = (pending->count - left) % TOLL_PENDING_PRICES;
        code = settle(build, &pending->terms[at], pending->hash[at], pending->price[at]);
    }
    pending->count = 0;
    return code;
}

void toll_price_mould_take(const struct toll_build *build, struct toll_price_mould *mould,
                           const struct toll_terms *terms)
{
    const struct toll_buffer *origins = &build->sections[TOLL_SECTION_ORIGINS];

    mould->terms = *terms;
    mould->terms.rate = 0;
    mould->terms.small = toll_terms_are_small(&mould->terms);
    mould->hash = hash_begin(&mould->terms);
    mould->group = TOLL_BUFFER_AT(origins, struct toll_origin, origins->count - 1)->group;
}

void toll_price_mould_soon(const struct toll_build *build, const struct toll_price_mould *mould,
                           toll_money rate)
{
    if (build->terms.slots != NULL)
        __builtin_prefetch(
            &build->terms.slots[hash_end(mould->hash, rate, mould->terms.connect_fee) & build->terms.mask]);
}

int toll_price_mould_add(struct toll_build *build, const struct toll_price_mould *mould, toll_money rate,
                         const struct toll_origin *origin, int32_t *price)
{
    struct toll_terms terms = mould->terms;
    struct toll_buffer *prices = &build->sections[TOLL_SECTION_PRICE_TERMS];
    uint32_t hash = hash_end(mould->hash, rate, terms.connect_fee);
    uint32_t *index = TOLL_BUFFER_ADD(prices, uint32_t);
    struct toll_origin *place = TOLL_BUILD_ADD(build, ORIGINS, struct toll_origin);

    TOLL_ASSERT(prices->count <= TOLL_LPM_INDEX);
    terms.rate = rate;
    if (terms.small != toll_terms_are_small(&terms)) {
        terms.small = toll_terms_are_small(&terms);
        hash = hash_of(&terms);
    }
    if (index == NULL || place == NULL || !find_terms(build, &terms, hash, index))
        return toll_build_memory(build);
    place->key = origin->key;
    place->destination = origin->destination;
    place->line = origin->line;
    place->group = mould->group;
    *price = (int32_t)prices->count - 1;
    return 0;
}

void toll_prices_wish(struct toll_build *build, size_t rows)
{
    size_t slots = FIRST_SLOTS;

    if (rows > WISH_MOST)
        rows = WISH_MOST;
    while (slots / 2 <= rows + 1)
        slots *= 2;
    if (build->terms.slots == NULL || slots > (size_t)build->terms.mask + 1)
        (void)grow(&build->terms, slots);
    if (rows > build->sections[TOLL_SECTION_TERMS].capacity)
        toll_buffer_wish(&build->sections[TOLL_SECTION_TERMS], sizeof(struct toll_terms),
                         rows - build->sections[TOLL_SECTION_TERMS].count);
}

int toll_price_add(struct toll_build *build, struct toll_terms *terms, const struct toll_price_origin *origin,
                   int32_t *price)
{
    const int code = toll_price_reserve(build, origin, 0, price);

    return code == 0 ? toll_price_settle(build, terms, *price) : code;
}

int toll_prices_begin(struct toll_build *build)
{
    struct toll_terms terms = TOLL_TERMS_NEUTRAL;
    struct toll_price_origin origin = {.kind = TOLL_PRICE_BUILTIN};
    int32_t price;
    int code = toll_price_add(build, &terms, &origin, &price);

    if (code == 0)
        code = toll_price_add(build, &terms, &origin, &price);
    TOLL_ASSERT(code != 0 || price == TOLL_PRICE_EMERGENCY);
    return code;
}
