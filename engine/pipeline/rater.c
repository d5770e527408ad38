/* Derives from a book what the passes need. Nothing here decides a price: each table restates the book's own.
 */
#include "pipeline/cost.h"
#include "pipeline/surcharges.h"
#include "ratetable/lpm.h"
#include "ratetable/nanp.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory while preparing the book for rating");
}

static void fill_areas(uint8_t areas[4096])
{
    static const uint8_t kinds[TOLL_CLASSES] = {
        [TOLL_TOLL_FREE] = TOLL_AREA_TOLL_FREE, [TOLL_PREMIUM] = TOLL_AREA_PREMIUM};
    for (uint32_t digits = 0; digits <= 0x999; digits++)
        areas[digits] = kinds[toll_nanp_class(digits)];
}

static void fill_verdicts(const struct toll_book *book, const uint32_t *of_chain, uint32_t *verdicts)
{
    for (uint32_t plan = 1; plan < book->plan_count; plan++)
        for (uint32_t key = 0; key < TOLL_VERDICT_KEYS; key++) {
            const uint32_t direction = key >> 6, class_ = key >> 3 & 7, jurisdiction = key & 7;
            if (class_ >= TOLL_CLASSES || jurisdiction >= TOLL_CALL_JURISDICTIONS)
                continue;
            const uint32_t chain = toll_chain_key(TOLL_VOICE, direction, class_, jurisdiction);
            verdicts[plan * TOLL_VERDICT_KEYS + key] =
                of_chain[book->plan_chains[(size_t)plan * TOLL_CHAIN_KEYS + chain]];
        }
}

/* ---- decks ---- */

static unsigned way_of(const struct toll_book *book, const struct toll_deck *deck)
{
    static const uint8_t keys[] = {
        [TOLL_KEY_CALLEE] = 0,
        [TOLL_KEY_CALLTYPE] = TOLL_WAY_CALLTYPE,
        [TOLL_KEY_CALLER] = TOLL_WAY_CALLER,
        [TOLL_KEY_NPANXX_PAIR] = TOLL_WAY_PAIR,
    };
    const bool own_basis = deck->by_jurisdiction && book->nanp && deck->basis != book->basis;
    return keys[deck->key] | (deck->lrn ? TOLL_WAY_LRN : 0) |
           (own_basis ? toll_way_of_basis(deck->basis) : 0);
}

static void fill_decks(struct toll_rater *rater, uint32_t *ways)
{
    const struct toll_book *book = rater->book;
    for (uint32_t i = 1; i < book->deck_count; i++) {
        const struct toll_deck *deck = &book->decks[i];
        ways[i] = way_of(book, deck);
        rater->has_ways = rater->has_ways || (ways[i] & ~TOLL_WAY_BASIS_BITS) != 0 || deck->by_jurisdiction;
        rater->by_jurisdiction = rater->by_jurisdiction || deck->by_jurisdiction;
        if ((ways[i] & TOLL_WAY_BASIS_BITS) != 0)
            rater->own_bases |= (uint8_t)(1u << deck->basis);
        for (unsigned k = 0; deck->by_jurisdiction && k < TOLL_CALL_JURISDICTIONS; k++)
            ways[i] |= (uint32_t)toll_rate_column_of((enum toll_call_jurisdiction)k)
                       << (TOLL_WAY_COLUMN_SHIFT + 2 * k);
    }
    rater->deck_ways = ways;
}

/* ---- prefix tables ---- */

/* Places of words that move, one after the other; to NULL: only counted. */
struct words {
    uint32_t *to;
    size_t at;
};

static void move_piece(struct words *words, const uint32_t *from, size_t count, uint32_t *place)
{
    if (words->to != NULL)
        memcpy(words->to + words->at, from + *place, count * sizeof *from);
    *place = (uint32_t)words->at;
    words->at += (count + 16u - 1) / 16u * 16u;
}

/* A table moves to where the words end. */
static struct toll_lpm move_table(struct words *words, const uint32_t *from, struct toll_lpm lpm)
{
    move_piece(words, from, TOLL_LPM_PLACES, &lpm.first3);
    move_piece(words, from, TOLL_LPM_PLACES, &lpm.npa);
    move_piece(words, from, (size_t)lpm.node_count * TOLL_LPM_NODE_WORDS, &lpm.nodes);
    move_piece(words, from, (size_t)lpm.page_count * TOLL_LPM_PAGE + TOLL_LPM_PAGE_SLACK, &lpm.pages);
    return lpm;
}

/* The same of a deck by one prefix: its values become the book's own. */
static struct toll_lpm move_deck(struct words *words, const uint32_t *from, const struct toll_deck *deck)
{
    const size_t first = words->at;
    struct toll_lpm lpm = move_table(words, from, deck->lpm);
    for (size_t i = first; words->to != NULL && i < words->at; i++) {
        const uint32_t word = words->to[i];
        words->to[i] = (word & TOLL_LPM_NODE) != 0 ? word : toll_deck_value(deck, word);
    }
    lpm.everything = toll_deck_value(deck, lpm.everything);
    return lpm;
}

/* All tables that are walked, behind each other. */
static void move_tables(const struct toll_rater *rater, struct words *words, struct toll_lpm *tables)
{
    const struct toll_book *book = rater->book;
    const uint32_t decks = book->deck_count;
    struct toll_lpm family = {0};
    for (uint32_t f = 0; f < rater->sheets.family_count; f++) {
        const struct toll_sheet_family *from = &rater->sheets.families[f];
        if (from->words == NULL)
            continue;
        family = move_table(words, from->words, from->lpm);
        for (uint32_t deck = 1; deck < rater->sheets.count; deck++)
            if (rater->sheets.decks[deck].family == f + 1)
                tables[deck] = family;
    }
    for (uint32_t deck = 1; deck < decks && book->lpm_word_count > 0; deck++) {
        const struct toll_deck *from = &book->decks[deck];
        const bool sheet = deck < rater->sheets.count && rater->sheets.decks[deck].family != 0;
        if (from->key == TOLL_KEY_NPANXX_PAIR) {
            tables[deck] = move_table(words, book->lpm_words, from->lpm);
            tables[decks + deck] = move_table(words, book->lpm_words, from->callers);
        } else if (!sheet && from->key != TOLL_KEY_CALLTYPE) {
            tables[deck] = move_deck(words, book->lpm_words, from);
        }
    }
    if (book->place_lpm != NULL)
        tables[2 * decks] = move_table(words, book->lpm_words, *book->place_lpm);
    if (book->destinations != NULL)
        tables[2 * decks + 1] = move_table(words, book->lpm_words, *book->destinations);
}

/* Memory that the words take. */
static size_t words_bytes(const struct toll_rater *rater, struct toll_lpm *tables)
{
    struct words words = {NULL, 0};
    move_tables(rater, &words, tables);
    return words.at * sizeof(uint32_t);
}

static void fill_tables(struct toll_rater *rater, struct toll_lpm *tables, size_t bytes)
{
    const struct toll_book *book = rater->book;
    const uint32_t decks = book->deck_count;
    struct words words = {toll_hot_take(&rater->hot, bytes), 0};
    rater->tables = tables;
    rater->caller_tables = decks;
    rater->place_table = book->place_lpm == NULL ? 0 : 2 * decks;
    rater->destination_table = book->destinations == NULL ? 0 : 2 * decks + 1;
    rater->lpm_words = words.to;
    move_tables(rater, &words, tables);
    rater->lpm_word_count = words.at;
    bool one = decks > 1;
    for (uint32_t deck = 1; deck < decks; deck++)
        one = one && deck < rater->sheets.count && rater->sheets.decks[deck].family == 1;
    rater->one_table = one ? 1 : 0;
    for (uint32_t f = 0; f < rater->sheets.family_count; f++) { /* they have moved */
        free(rater->sheets.families[f].words);
        rater->sheets.families[f].words = NULL;
    }
}

/* Above the prices of rules and of decks that are no sheets. */
static uint32_t near_prices(const struct toll_rater *rater)
{
    uint32_t deck = rater->book->deck_count;
    while (deck > 1 && deck - 1 < rater->sheets.count && rater->sheets.decks[deck - 1].family != 0)
        deck--;
    return deck < rater->book->deck_count ? rater->book->decks[deck].price_first : rater->book->price_count;
}

static void note_next_rules(struct toll_rater *rater)
{
    const struct toll_book *book = rater->book;
    for (uint32_t i = 1; i < book->chain_count; i++)
        for (uint32_t k = 0; k < book->chains[i].count; k++) {
            const struct toll_rule *rule = &book->rules[book->chain_rules[book->chains[i].first + k]];
            rater->has_next =
                rater->has_next || (rule->action == TOLL_ACTION_DECK && rule->on_miss_next != 0);
        }
}

/* Columns that jurisdictions by this basis read, besides the numbers. */
static uint32_t columns_of_basis(const struct toll_book *book, unsigned basis)
{
    if (!book->nanp)
        return 0;
    uint32_t columns = TOLL_CDR_COLUMN_BIT(TOLL_CDR_RING_TO);
    if (basis == TOLL_BASIS_ANI_LRN)
        columns |= TOLL_CDR_COLUMN_BIT(TOLL_CDR_LRN_CALLER) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_LRN_CALLEE);
    if (basis == TOLL_BASIS_CARRIER && book->calltype_word_count > 0)
        columns |= TOLL_CDR_COLUMN_BIT(TOLL_CDR_CALLTYPE) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_CARRIER);
    return columns;
}

static uint32_t columns_of_decks(const struct toll_book *book)
{
    uint32_t columns = 0;
    for (uint32_t deck = 1; deck < book->deck_count; deck++) {
        const struct toll_deck *table = &book->decks[deck];
        if (table->key == TOLL_KEY_CALLTYPE)
            columns |= TOLL_CDR_COLUMN_BIT(TOLL_CDR_CALLTYPE);
        if (table->lrn)
            columns |= TOLL_CDR_COLUMN_BIT(TOLL_CDR_LRN_CALLER) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_LRN_CALLEE);
        if (table->by_jurisdiction)
            columns |= columns_of_basis(book, table->basis);
    }
    return columns;
}

static uint32_t columns_of(const struct toll_book *book)
{
    uint32_t columns = TOLL_CDR_COLUMN_BIT(TOLL_CDR_START) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_DURATION_MS) |
                       TOLL_CDR_COLUMN_BIT(TOLL_CDR_CALLER) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_CALLEE) |
                       TOLL_CDR_COLUMN_BIT(TOLL_CDR_KIND) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_CHARGED) |
                       TOLL_CDR_COLUMN_BIT(TOLL_CDR_QUANTITY) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_PROVIDER_CHARGE);
    if (book->named_count[TOLL_NAMED_TRUNK] > 0)
        columns |= TOLL_CDR_COLUMN_BIT(TOLL_CDR_TRUNK);
    if (book->named_count[TOLL_NAMED_HINT] > 0)
        columns |= TOLL_CDR_COLUMN_BIT(TOLL_CDR_HINT);
    if (book->has_carrier_plans || book->has_cost || book->has_feeds)
        columns |= TOLL_CDR_COLUMN_BIT(TOLL_CDR_CARRIER);
    return columns | columns_of_basis(book, book->basis) | columns_of_decks(book);
}

static void fill_exchanges(const struct toll_book *book, uint64_t *exchanges)
{
    for (uint64_t i = 0; i < book->number_capacity; i++) {
        const uint32_t exchange = toll_exchange_bit(book->numbers[i].key);
        if (book->numbers[i].key != 0)
            exchanges[exchange >> 6] |= UINT64_C(1) << (exchange & 63);
    }
}

int toll_rater_init(struct toll_rater *rater, const struct toll_book *book, unsigned features,
                    struct toll_error *error)
{
    memset(rater, 0, sizeof *rater);
    rater->book = book;
    rater->kernels = toll_kernels_select(features);
    rater->columns = columns_of(book);
    if (book->nanp)
        fill_areas(rater->areas);

    if (!toll_sheets_init(&rater->sheets, book)) {
        toll_sheets_free(&rater->sheets);
        return no_memory(error);
    }
    const size_t decks = book->deck_count + 1u, terms = book->terms_count + 1u,
                 profiles = toll_voice_profiles_most(book->terms_count);
    const size_t verdict_count = (size_t)book->plan_count * TOLL_VERDICT_KEYS;
    struct toll_lpm *counted = calloc(2 * decks, sizeof *counted);
    rater->number_lines = toll_number_lines(book->number_count);
    if (counted == NULL || !toll_verdicts_init(&rater->rules, book)) {
        free(counted);
        toll_sheets_free(&rater->sheets);
        return no_memory(error);
    }
    const size_t words = words_bytes(rater, counted);
    free(counted);
    rater->price_near = near_prices(rater);
    const size_t prices = rater->price_near + 2u; /* see the price kernel */
    if (words > UINT32_MAX * sizeof(uint32_t) ||  /* places have 32 bits */
        !toll_hot_init(
            &rater->hot,
            toll_hot_round(2 * decks * sizeof(struct toll_lpm)) +
                2 * toll_hot_round(decks * sizeof(uint32_t)) +
                toll_hot_round(verdict_count * sizeof(uint32_t)) + toll_hot_round(prices * sizeof(uint16_t)) +
                toll_hot_round(terms * sizeof(uint64_t)) +
                toll_hot_round(profiles * sizeof(struct toll_voice_profile)) +
                toll_hot_round(rater->number_lines * sizeof(struct toll_number_line)) +
                toll_hot_round(book->owner_count * sizeof(struct toll_hot_owner)) +
                (book->on_net == TOLL_ON_NET_NONE ? 0 : TOLL_EXCHANGES / 8) + toll_hot_round(words))) {
        toll_verdicts_free(&rater->rules);
        toll_sheets_free(&rater->sheets);
        return no_memory(error);
    }
    struct toll_lpm *tables = toll_hot_take(&rater->hot, 2 * decks * sizeof *tables);
    uint32_t *ways = toll_hot_take(&rater->hot, decks * sizeof *ways);
    uint32_t *places = toll_hot_take(&rater->hot, decks * sizeof *places);
    uint32_t *verdicts = toll_hot_take(&rater->hot, verdict_count * sizeof *verdicts);
    uint16_t *price_terms = toll_hot_take(&rater->hot, prices * sizeof *price_terms);
    uint64_t *rates = toll_hot_take(&rater->hot, terms * sizeof *rates);
    struct toll_voice_profile *voice = toll_hot_take(&rater->hot, profiles * sizeof *voice);
    struct toll_number_line *lines = toll_hot_take(&rater->hot, rater->number_lines * sizeof *lines);
    struct toll_hot_owner *owners = toll_hot_take(&rater->hot, book->owner_count * sizeof *owners);
    toll_number_lines_fill(lines, rater->number_lines, book->numbers, book->number_capacity);
    for (uint32_t i = 0; i < book->owner_count; i++)
        owners[i] = (struct toll_hot_owner){
            .plan = book->owners[i].plan,
            .account = book->owners[i].account,
            .bucket = book->owners[i].bucket,
            .state = book->site_count == 0 ? 0 : book->sites[book->owners[i].site].state};
    for (uint32_t deck = 1; deck < book->deck_count; deck++)
        if (book->decks[deck].key == TOLL_KEY_CALLTYPE)
            places[deck] = ++rater->calltype_decks;
    fill_tables(rater, tables, words);
    fill_decks(rater, ways);
    note_next_rules(rater);
    fill_verdicts(book, rater->rules.chain, verdicts);
    for (uint32_t price = 1; price < rater->price_near; price++) {
        const uint32_t index = 1 + book->price_terms[price];
        price_terms[price] = (uint16_t)(index < TOLL_TERMS_FAR ? index : TOLL_TERMS_FAR);
    }
    if (!toll_voice_terms_fill(book->terms, book->terms_count, rates, voice, &rater->voice_terms)) {
        toll_rater_free(rater);
        return no_memory(error);
    }
    rater->calltype_places = places;
    rater->verdicts = verdicts;
    rater->price_terms = price_terms;
    rater->numbers = lines;
    rater->owners = owners;
    if (book->on_net != TOLL_ON_NET_NONE) {
        uint64_t *exchanges = toll_hot_take(&rater->hot, TOLL_EXCHANGES / 8);
        fill_exchanges(book, exchanges);
        rater->own_exchanges = exchanges;
    }
    int rc = toll_call_areas_init(&rater->call_areas, book, book->lpm_words, error);
    if (rc == 0)
        rc = toll_surcharge_rules_make(book, &rater->surcharges, error);
    if (rater->surcharges != NULL)
        rater->surcharges->lists = rater->kernels->lists;
    if (rc == 0)
        rc = toll_draw_rules_make(book, &rater->draws, error);
    if (rc == 0)
        rc = toll_cost_rules_make(book, &rater->cost, error);
    if (rater->surcharges != NULL && rater->surcharges->by_carrier)
        rater->columns |= TOLL_CDR_COLUMN_BIT(TOLL_CDR_CARRIER);
    if (rc != 0)
        toll_rater_free(rater);
    return rc;
}

void toll_rater_free(struct toll_rater *rater)
{
    toll_draw_rules_free(rater->draws);
    toll_surcharge_rules_free(rater->surcharges);
    toll_cost_rules_free(rater->cost);
    toll_call_areas_free(&rater->call_areas);
    toll_verdicts_free(&rater->rules);
    toll_sheets_free(&rater->sheets);
    toll_hot_free(&rater->hot);
    memset(rater, 0, sizeof *rater);
}

/* ---- dictionaries of a part ---- */

static const uint32_t *map_named(const struct toll_book *book, enum toll_named_kind kind,
                                 struct toll_cdr_dictionary dictionary, struct toll_arena *arena)
{
    uint32_t *map = toll_arena_alloc(arena, ((size_t)dictionary.count + 1) * sizeof *map);
    for (uint32_t id = 1; map != NULL && id < dictionary.count; id++) {
        const char *text = dictionary.entries[id];
        const struct toll_named *named = toll_book_named(book, kind, text, strlen(text));
        map[id] = named == NULL ? 0 : 1 + (uint32_t)(named - book->named[kind]);
    }
    return map;
}

/* The carrier's words about the jurisdiction; no code, no word. NULL: out of memory. */
static const int8_t *map_words(const struct toll_book *book, struct toll_cdr_dictionary codes,
                               struct toll_cdr_dictionary carriers, uint32_t carrier_count,
                               struct toll_arena *arena)
{
    const size_t count = codes.count > 0 ? codes.count : 1;
    int8_t *words = toll_arena_alloc(arena, count * carrier_count * sizeof *words);
    for (size_t i = 0; words != NULL && i < count * carrier_count; i++) {
        const size_t code = i / carrier_count, carrier = i % carrier_count;
        const char *name = carrier < carriers.count ? carriers.entries[carrier] : "";
        words[i] = code == 0 ? -1 : (int8_t)toll_book_calltype_word(book, codes.entries[code], name);
    }
    return words;
}

int toll_part_map_make(struct toll_part_map *map, const struct toll_rater *rater,
                       const struct toll_cdr_part *part, struct toll_arena *arena, struct toll_strings *texts,
                       struct toll_error *error)
{
    const struct toll_book *book = rater->book;
    const struct toll_cdr_dictionary codes = toll_cdr_part_dictionary(part, TOLL_CDR_CALLTYPE);
    const struct toll_cdr_dictionary carriers = toll_cdr_part_dictionary(part, TOLL_CDR_CARRIER);
    const uint32_t count =
        codes.count > 0 ? codes.count : 1; /* 0, "no code", is there also without the column */
    memset(map, 0, sizeof *map);
    map->trunks = map_named(book, TOLL_NAMED_TRUNK, toll_cdr_part_dictionary(part, TOLL_CDR_TRUNK), arena);
    map->hints = map_named(book, TOLL_NAMED_HINT, toll_cdr_part_dictionary(part, TOLL_CDR_HINT), arena);
    map->carriers = map_named(book, TOLL_NAMED_CARRIER, carriers, arena);
    map->carrier_count = carriers.count > 0 ? carriers.count : 1;
    if (book->calltype_word_count > 0) {
        map->words = map_words(book, codes, carriers, map->carrier_count, arena);
        if (map->words == NULL)
            return no_memory(error);
    }

    uint32_t *values = toll_arena_alloc(arena, ((size_t)count * rater->calltype_decks + 1) * sizeof *values);
    uint32_t *ids = toll_arena_alloc(arena, (size_t)count * sizeof *ids);
    if (map->trunks == NULL || map->hints == NULL || map->carriers == NULL || values == NULL || ids == NULL)
        return no_memory(error);
    for (uint32_t deck = 1; deck < book->deck_count; deck++) {
        const uint32_t place = rater->calltype_places[deck];
        for (uint32_t id = 0; place != 0 && id < count; id++) {
            const char *text = id < codes.count ? codes.entries[id] : "";
            values[(size_t)id * rater->calltype_decks + place - 1] =
                toll_book_calltype(book, deck, text, strlen(text));
        }
    }
    for (uint32_t id = 1; texts != NULL && id < codes.count; id++) {
        ids[id] = toll_strings_add(texts, codes.entries[id], strlen(codes.entries[id]));
        if (ids[id] == 0)
            return no_memory(error);
    }
    map->calltypes = values;
    map->calltype_texts = texts == NULL ? NULL : ids;
    return 0;
}
