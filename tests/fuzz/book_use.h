/*
 * An opened book at work: every lookup that readers do, and calls rated one by one and as a block, which must
 * agree. Whatever image was accepted, no index may lead astray.
 */
#ifndef TOLL_TESTS_BOOK_USE_H
#define TOLL_TESTS_BOOK_USE_H

#include "fuzz.h"
#include "pipeline/block.h"
#include "tax_use.h"

#define USE_ROWS 60
#define USE_START INT64_C(1772452800000) /* 2026-03-02 12:00 UTC */

/* What drawing will walk. */
static inline void use_pools(const struct toll_book *book)
{
    for (uint32_t i = 0; i < book->owner_count; i++) {
        for (uint32_t k = 0; k < book->owners[i].pool_count; k++) {
            const struct toll_entitlement *row = &book->entitlements[book->owners[i].pool_first + k];
            const struct toll_pool *pool = &book->pools[row->pool];
            const uint32_t first = row->pool > 0 ? pool->grant_first : row->grant_first;
            const uint32_t count = row->pool > 0 ? pool->grant_count : row->grant_count;
            int64_t units = 0;
            for (uint32_t g = 0; g < count; g++)
                units += book->grants[first + g].units;
            TOLL_ASSERT(units <= TOLL_POOL_UNITS_MAX && book->bundles[row->bundle].increment > 0);
            TOLL_ASSERT(toll_zone_name(book->zones[pool->zone]) != NULL);
        }
    }
    for (uint32_t i = 1; i < book->tiers_count; i++) {
        const struct toll_tiers *tiers = &book->tiers[i];
        for (uint32_t k = 0; k < tiers->count; k++)
            TOLL_ASSERT(tiers->per % (uint32_t)book->tier_rows[tiers->first + k].per == 0);
    }
}

static inline void use_lookups(const struct toll_book *book)
{
    static const char *const words[] = {"T1", "T2", "B", "level3", "LD", ""};
    const char *data;
    size_t bytes, letters = 0;
    toll_ms from, until;

    letters += use_taxes(book);
    for (uint32_t i = 0; i < toll_book_source_count(book); i++) {
        const char *name = toll_book_source(book, i, &data, &bytes);
        letters += strlen(name);
        for (uint32_t line = 0; line < 4; line++)
            toll_book_source_line(book, name, line, &data, &bytes);
    }
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        for (int kind = 0; kind < TOLL_NAMED_KINDS; kind++) {
            const struct toll_named *named =
                toll_book_named(book, (enum toll_named_kind)kind, words[w], strlen(words[w]));
            if (named != NULL)
                TOLL_ASSERT(toll_book_owner_at(book, named->owner, USE_START) < book->owner_count);
        }
        for (size_t c = 0; c < sizeof words / sizeof *words; c++)
            TOLL_ASSERT(toll_book_calltype_word(book, words[w], words[c]) <= TOLL_INTERNATIONAL);
        for (uint32_t deck = 1; deck < book->deck_count; deck++) {
            if (book->decks[deck].key == TOLL_KEY_CALLTYPE)
                toll_book_calltype(book, deck, words[w], strlen(words[w]));
        }
    }
    for (uint32_t deck = 1; deck < book->deck_count; deck++) {
        const int32_t band = toll_book_band(book, deck, USE_START, &from, &until);
        TOLL_ASSERT(band >= 0 && (uint32_t)band < book->band_count + (book->band_count == 0));
        TOLL_ASSERT(from <= USE_START && USE_START < until);
    }
    for (uint32_t i = 0; i < book->local_pair_count; i++)
        TOLL_ASSERT(
            toll_book_is_local(book, (uint32_t)(book->local_pairs[i] >> 32), (uint32_t)book->local_pairs[i]));
    for (uint32_t i = 0; i < book->place_count; i++) {
        const struct toll_place *place = &book->places[i];
        letters += strlen(toll_book_string(book, place->country)) +
                   strlen(toll_book_string(book, book->state_names[place->state])) +
                   strlen(toll_book_string(book, book->ratecenter_names[place->ratecenter]));
    }
    for (uint32_t i = 0; i < book->account_count; i++)
        letters += strlen(toll_book_string(book, book->accounts[i].name));
    for (uint32_t i = 0; i < book->price_count; i++)
        letters += strlen(toll_book_string(book, toll_book_origin(book, (uint32_t)i).key));
    TOLL_ASSERT(letters < SIZE_MAX);
    use_pools(book);
}

/*
 * The rater's tables, each a block of exactly its size: what is read behind one is seen, and no 2 MiB are
 * cleared for each input. They take the place of pipeline/hot.c.
 */
#define USE_HOT_MAX 16

void *toll_hot_alloc(size_t bytes)
{
    void *block = NULL;
    return posix_memalign(&block, 64, bytes + (bytes == 0)) == 0 ? block : NULL;
}

bool toll_hot_init(struct toll_hot *hot, size_t bytes)
{
    *hot = (struct toll_hot){.bytes = calloc(USE_HOT_MAX, sizeof(void *)), .size = bytes};
    return hot->bytes != NULL;
}

void *toll_hot_take(struct toll_hot *hot, size_t bytes)
{
    void **blocks = (void **)(void *)hot->bytes;
    void *block = NULL;
    hot->used += toll_hot_round(bytes);
    TOLL_ASSERT(hot->used <= hot->size && posix_memalign(&block, 64, bytes + (bytes == 0)) == 0);
    memset(block, 0, bytes);
    for (int i = 0; i < USE_HOT_MAX; i++) {
        if (blocks[i] == NULL) {
            blocks[i] = block;
            return block;
        }
    }
    toll_check_failed(__FILE__, __LINE__, "more tables than there were");
}

void toll_hot_free(struct toll_hot *hot)
{
    void **blocks = (void **)(void *)hot->bytes;
    for (int i = 0; blocks != NULL && i < USE_HOT_MAX; i++)
        free(blocks[i]);
    free(hot->bytes);
    memset(hot, 0, sizeof *hot);
}

/* Rows of every sort, the same each time. */
struct use_columns {
    int64_t start[USE_ROWS], quantity[USE_ROWS], provider_charge[USE_ROWS];
    int32_t duration_ms[USE_ROWS], trunk[USE_ROWS], hint[USE_ROWS], calltype[USE_ROWS];
    uint64_t caller[USE_ROWS], callee[USE_ROWS], charged[USE_ROWS];
    uint64_t lrn_caller[USE_ROWS], lrn_callee[USE_ROWS], ring_to[USE_ROWS];
    uint16_t kind[USE_ROWS], carrier[USE_ROWS];
};

static inline void use_rows(struct use_columns *columns, struct toll_cdr_batch *batch)
{
    static const uint64_t numbers[] = {
        UINT64_C(0x12125550100fffff), UINT64_C(0x12125550203fffff), UINT64_C(0x12125550300fffff),
        UINT64_C(0x12025550111fffff), UINT64_C(0x442079460000ffff), UINT64_C(0x447079460000ffff),
        UINT64_C(0x18005550199fffff), UINT64_C(0x13005550111fffff), UINT64_C(0x390612345678ffff),
        UINT64_C(0x44900946000fffff), UINT64_C(0x999999999999999f)};
    const size_t count = sizeof numbers / sizeof *numbers;
    memset(columns, 0, sizeof *columns);
    for (unsigned i = 0; i < USE_ROWS; i++) {
        const bool quick = i % 5 == 4;
        columns->start[i] = USE_START + (int64_t)(i * 7) * 3600000;
        columns->duration_ms[i] = (int32_t)(i * 7919 % 90001);
        columns->caller[i] = numbers[i % 3];
        columns->callee[i] = quick ? UINT64_C(0x411fffffffffffff) : numbers[(i * 7 + 3) % count];
        columns->charged[i] = i % 7 == 6 ? numbers[1] : 0;
        columns->lrn_caller[i] = i % 4 == 1 ? numbers[3] : 0;
        columns->lrn_callee[i] = i % 3 == 1 ? numbers[3] : 0;
        columns->ring_to[i] = i % 5 == 1 ? numbers[7] : 0;
        columns->quantity[i] = i % 4;
        columns->provider_charge[i] = (int64_t)i * 12345678;
        columns->trunk[i] = i % 6 == 5 ? 1 + (int32_t)(i / 6 % 2) : 0;
        columns->hint[i] = i % 8 == 7;
        columns->calltype[i] = (int32_t)(i % 3);
        columns->carrier[i] = 1;
        columns->kind[i] =
            (uint16_t)((i % 9 < 6 ? TOLL_VOICE : i % 9 - 5) | (i % 11 != 10 ? TOLL_KIND_ANSWERED : 0) |
                       (i % 13 == 12 ? TOLL_KIND_CONFLICT : 0) |
                       (i % 6 == 0 ? TOLL_KIND_PROVIDER_CHARGE : 0) | (i % 8 == 5 ? TOLL_KIND_IN : 0) |
                       (i % 10 == 3   ? TOLL_KIND_LEG
                        : i % 10 == 8 ? TOLL_KIND_LEG | TOLL_KIND_IN
                                      : 0) |
                       (TOLL_NUMBER_E164 << TOLL_KIND_CALLER_TYPE_SHIFT) |
                       ((quick ? TOLL_NUMBER_SHORT : TOLL_NUMBER_E164) << TOLL_KIND_CALLEE_TYPE_SHIFT));
    }
    *batch = (struct toll_cdr_batch){.rows = USE_ROWS,
                                     .start = columns->start,
                                     .duration_ms = columns->duration_ms,
                                     .caller = columns->caller,
                                     .callee = columns->callee,
                                     .charged = columns->charged,
                                     .lrn_caller = columns->lrn_caller,
                                     .lrn_callee = columns->lrn_callee,
                                     .ring_to = columns->ring_to,
                                     .kind = columns->kind,
                                     .carrier = columns->carrier,
                                     .trunk = columns->trunk,
                                     .hint = columns->hint,
                                     .calltype = columns->calltype,
                                     .quantity = columns->quantity,
                                     .provider_charge = columns->provider_charge};
}

static inline uint32_t use_named(const struct toll_book *book, enum toll_named_kind kind, const char *text)
{
    const struct toll_named *named = toll_book_named(book, kind, text, strlen(text));
    return named == NULL ? 0 : 1 + (uint32_t)(named - book->named[kind]);
}

struct use_map {
    struct toll_part_map map;
    uint32_t trunks[3], hints[2], carriers[2], *calltypes;
    int8_t words[3 * 2]; /* by call type and carrier */
};

static inline void use_map_make(struct use_map *use, const struct toll_rater *rater)
{
    static const char *const codes[] = {"", "LD", "ZZ"};
    const struct toll_book *book = rater->book;
    *use = (struct use_map){
        .trunks = {0, use_named(book, TOLL_NAMED_TRUNK, "T1"), use_named(book, TOLL_NAMED_TRUNK, "T2")},
        .hints = {0, use_named(book, TOLL_NAMED_HINT, "B")},
        .carriers = {0, use_named(book, TOLL_NAMED_CARRIER, "level3")}};
    use->calltypes = calloc(3 * (size_t)rater->calltype_decks + 1, sizeof *use->calltypes);
    TOLL_ASSERT(use->calltypes != NULL);
    for (uint32_t deck = 1; deck < book->deck_count; deck++) {
        const uint32_t place = rater->calltype_places[deck];
        for (uint32_t id = 0; place != 0 && id < 3; id++)
            use->calltypes[id * rater->calltype_decks + place - 1] =
                toll_book_calltype(book, deck, codes[id], strlen(codes[id]));
    }
    for (uint32_t id = 0; id < 6; id++)
        use->words[id] =
            (int8_t)(id < 2 ? -1 : toll_book_calltype_word(book, codes[id / 2], id % 2 == 0 ? "" : "level3"));
    use->map = (struct toll_part_map){.trunks = use->trunks,
                                      .hints = use->hints,
                                      .carriers = use->carriers,
                                      .calltypes = use->calltypes,
                                      .words = book->calltype_word_count > 0 ? use->words : NULL,
                                      .carrier_count = 2};
}

static inline void use_compare(const struct toll_rater *rater, const struct use_map *use,
                               const struct toll_cdr_batch *batch, const struct toll_line_columns *lines)
{
    struct toll_band_cursor *cursors = calloc(rater->book->deck_count + 1u, sizeof *cursors);
    TOLL_ASSERT(cursors != NULL);
    for (int64_t i = 0; i < batch->rows; i++) {
        struct toll_row row;
        struct toll_row_answer answer;
        toll_row_read(rater, &use->map, batch, i, &row);
        toll_row_rate(rater, cursors, &row, NULL, &answer);
        TOLL_ASSERT(toll_status_name(answer.status)[0] != 0);
        TOLL_ASSERT(lines->account[i] == answer.account && lines->price[i] == answer.price);
        TOLL_ASSERT(lines->status[i] == answer.status && lines->billed[i] == answer.billed);
        TOLL_ASSERT(lines->charge[i] == answer.charge);
        TOLL_ASSERT(lines->class_jurisdiction[i] >> 4 == (int)answer.class_);
        TOLL_ASSERT((lines->class_jurisdiction[i] & 15) == (int)answer.jurisdiction);
    }
    free(cursors);
}

/* The summary of suspense is large and does not depend on the book: one for all inputs, which grows. */
static struct toll_suspense use_suspense;

/* What the counted calls come to: no more than there were, in order. */
static inline void use_periods(struct toll_tally *tally, const struct toll_book *book)
{
    struct toll_error error;
    const int code = toll_tally_charge_periods(tally, book, &error);
    TOLL_ASSERT(code == 0 || code == TOLL_EDATA);
    for (size_t i = 0; i < tally->periods.count; i++) {
        const struct toll_period_row *row = &tally->periods.entries[i].row;
        TOLL_ASSERT(row->charged >= 1 && row->charged <= row->counted && row->counted <= row->calls);
        TOLL_ASSERT(row->calls <= USE_ROWS && row->charge >= 0);
        TOLL_ASSERT(i == 0 || strcmp(row[0].period, tally->periods.entries[i - 1].row.period) >= 0);
    }
    toll_surcharge_counts_free(tally->surcharges);
    toll_period_charges_free(&tally->periods);
}

static inline void use_rating(const struct toll_book *book)
{
    static struct toll_block block;
    struct toll_tally tally = {0};
    struct toll_rater rater;
    struct toll_cdr_batch batch;
    struct use_columns columns;
    struct use_map use;
    size_t offsets[TOLL_LINE_COLUMNS_MOST];
    struct toll_line_columns lines;
    int64_t rows = 0;
    if (use_suspense.entries == NULL)
        TOLL_ASSERT(toll_suspense_init(&use_suspense, NULL) == 0);
    TOLL_ASSERT(toll_rater_init(&rater, book, 0, NULL) == 0);
    use_rows(&columns, &batch);
    use_map_make(&use, &rater);
    uint8_t *room = aligned_alloc(4096, toll_lines_batch_layout(USE_ROWS, 0, offsets));
    tally.buckets = calloc((size_t)book->bucket_count + 1, sizeof *tally.buckets);
    tally.voice_prices = calloc((size_t)book->price_count / 64 + 1, sizeof *tally.voice_prices);
    tally.other_prices = calloc((size_t)book->price_count + 1, 1);
    struct toll_band_cursor *cursors = calloc(book->deck_count + 1u, sizeof *cursors);
    TOLL_ASSERT(room != NULL && tally.buckets != NULL && tally.voice_prices != NULL &&
                tally.other_prices != NULL && cursors != NULL);
    tally.suspense = use_suspense;
    TOLL_ASSERT(toll_surcharge_counts_make(book, 0, &tally.surcharges, NULL) == 0);
    toll_line_columns_place(&lines, room, USE_ROWS, 0);
    const struct toll_block_context context = {
        .rater = &rater, .map = &use.map, .block = &block, .cursors = cursors, .tally = &tally};
    toll_block_rate(&context, &batch, 0, USE_ROWS, &lines);
    use_compare(&rater, &use, &batch, &lines);
    for (unsigned i = 0; i < TOLL_STATUS_COUNT; i++)
        rows += tally.status_rows[i];
    TOLL_ASSERT(rows == USE_ROWS && tally.rows == USE_ROWS);
    use_suspense = tally.suspense;
    use_periods(&tally, book);
    free(room);
    free(tally.buckets);
    free(tally.voice_prices);
    free(tally.other_prices);
    free(cursors);
    free(use.calltypes);
    toll_rater_free(&rater);
}

#endif
