/*
 * Where the parts of a deck lie in the sections that all decks share. Price groups and vendors' sheets mostly
 * have the same prefixes in the same order: then their tries, entries and rows are the same bytes, for these
 * count prices within the deck, and so are the origins of their prices. An image holds them once.
 */
#include "ratetable/decks.h"
#include "ratetable/lpm.h"
#include "ratetable/prices.h"

void toll_deck_parts_begin(struct toll_build *build, struct toll_deck *deck)
{
    toll_prices_next_deck(build);
    deck->price_first = build->prices.price_first;
    deck->origin_first = build->prices.origin_first;
    deck->group_first = build->prices.group_first;
    deck->entry_first = (uint32_t)build->sections[TOLL_SECTION_ENTRIES].count;
    deck->row_first = (uint32_t)build->sections[TOLL_SECTION_ENTRY_ROWS].count;
}

static bool same_records(const struct toll_build *build, uint32_t section, size_t record_bytes, size_t a,
                         size_t b, size_t count)
{
    const char *data = build->sections[section].data;

    return count == 0 || memcmp(data + a * record_bytes, data + b * record_bytes, count * record_bytes) == 0;
}

static bool same_words(const struct toll_build *build, uint32_t a, uint32_t b, size_t count)
{
    return same_records(build, TOLL_SECTION_LPM_WORDS, sizeof(uint32_t), a, b, count);
}

static bool same_trie(const struct toll_build *build, const struct toll_lpm *a, const struct toll_lpm *b)
{
    return a->page_count == b->page_count && a->node_count == b->node_count &&
           a->everything == b->everything && same_words(build, a->first3, b->first3, TOLL_LPM_PLACES) &&
           same_words(build, a->npa, b->npa, TOLL_LPM_PLACES) &&
           same_words(build, a->nodes, b->nodes, (size_t)a->node_count * TOLL_LPM_NODE_WORDS) &&
           same_words(build, a->pages, b->pages, (size_t)a->page_count * TOLL_LPM_PAGE);
}

static bool is_of_prefixes(const struct toll_deck *deck)
{
    return deck->key == TOLL_KEY_CALLEE || deck->key == TOLL_KEY_CALLER;
}

static bool same_keys(const struct toll_build *build, const struct toll_deck *a, const struct toll_deck *b)
{
    return is_of_prefixes(a) && a->keys_of == 0 && a->price_count == b->price_count &&
           a->by_jurisdiction == b->by_jurisdiction && a->split == b->split &&
           a->entry_count == b->entry_count && a->row_count == b->row_count &&
           same_records(build, TOLL_SECTION_ENTRIES, sizeof(struct toll_entry), a->entry_first,
                        b->entry_first, a->entry_count) &&
           same_records(build, TOLL_SECTION_ENTRY_ROWS, sizeof(struct toll_entry_row), a->row_first,
                        b->row_first, a->row_count) &&
           same_trie(build, &a->lpm, &b->lpm);
}

static bool same_origins(const struct toll_build *build, const struct toll_deck *a, const struct toll_deck *b)
{
    return a->origins_of == 0 && a->price_count == b->price_count && a->group_count == b->group_count &&
           same_records(build, TOLL_SECTION_ORIGINS, sizeof(struct toll_origin), a->origin_first,
                        b->origin_first, a->price_count);
}

static void share_keys(struct toll_build *build, struct toll_deck *deck, uint32_t id)
{
    const struct toll_deck *other =
        TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_DECKS], struct toll_deck, id);

    build->sections[TOLL_SECTION_ENTRIES].count = deck->entry_first;
    build->sections[TOLL_SECTION_ENTRY_ROWS].count = deck->row_first;
    build->sections[TOLL_SECTION_LPM_WORDS].count = deck->lpm.first3; /* the trie's first piece */
    deck->lpm = other->lpm;
    deck->entry_first = other->entry_first;
    deck->row_first = other->row_first;
    deck->keys_of = id;
}

static void share_origins(struct toll_build *build, struct toll_deck *deck, uint32_t id)
{
    build->sections[TOLL_SECTION_ORIGINS].count = deck->origin_first;
    deck->origin_first =
        TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_DECKS], struct toll_deck, id)->origin_first;
    deck->origins_of = id;
}

void toll_deck_parts_end(struct toll_build *build, struct toll_deck *deck)
{
    const struct toll_buffer *sections = build->sections;
    const struct toll_deck *decks = sections[TOLL_SECTION_DECKS].data;
    const uint32_t own = (uint32_t)sections[TOLL_SECTION_DECKS].count - 1;

    deck->price_count = (uint32_t)sections[TOLL_SECTION_PRICE_TERMS].count - deck->price_first;
    deck->group_count = (uint32_t)sections[TOLL_SECTION_ORIGIN_GROUPS].count - deck->group_first;
    deck->entry_count = (uint32_t)sections[TOLL_SECTION_ENTRIES].count - deck->entry_first;
    deck->row_count = (uint32_t)sections[TOLL_SECTION_ENTRY_ROWS].count - deck->row_first;
    if (deck->price_count == 0)
        return;
    for (uint32_t id = 1; id < own && is_of_prefixes(deck) && deck->keys_of == 0; id++)
        if (same_keys(build, &decks[id], deck))
            share_keys(build, deck, id);
    for (uint32_t id = 1; id < own && deck->origins_of == 0; id++)
        if (same_origins(build, &decks[id], deck))
            share_origins(build, deck, id);
}
