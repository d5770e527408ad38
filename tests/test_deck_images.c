/*
 * Decks in images that somebody changed and sealed again: each bound that rating relies on is refused by its
 * name, and whatever is accepted at random leads nowhere outside. The sanitizers look on.
 */
#include "deck_fixture.h"
#include "image_fixture.h"
#include "random.h"

#ifndef HOSTILE_ROUNDS
#define HOSTILE_ROUNDS 4000
#endif

struct fixture {
    struct book_fixture f;
    uint8_t *image; /* as compiled */
    struct toll_deck *plain, *caller, *pair, *calltype;
    struct toll_entry *entries;
    struct toll_entry_row *rows;
    struct toll_entry_span *spans;
    struct toll_pair *pairs;
    uint32_t *zones, *price_terms;
    struct toll_origin *origins;
    struct toll_origin_group *groups;
    size_t entry_count, span_count, pair_count, zone_count;
};

static void find_sections(struct fixture *x);

static void begin(struct fixture *x)
{
    struct book_fixture *f = &x->f;

    book_begin(f);
    book_file(f, "decks.csv",
              "deck,key,calendar,boundary,indeterminate\nd,,,,\nc,caller,cal,split,higher\nt,calltype,,,\n"
              "p,npanxx_pair,,,own\n");
    book_file(f, "calendars.csv", "calendar,band,from,to\ncal,night,20:00,06:00\n");
    book_file(f, "decks/d.csv",
              "prefix,rate,from,increment_s,step_from_s\n1,0.01,,,\n1202,0.02,2026-03-01,6,\n12025,0.03,,,\n"
              "1203,0.01,,,\n1203,0.02,,,60\n");
    book_file(f, "decks/c.csv",
              "prefix,rate,rate_inter,band,to\n1202,0.01,0.02,,\n1202,0.03,0.04,night,\n12,0.05,0.06,,\n"
              "1202555,0.01,0.02,,2026-03-01\n");
    book_file(f, "decks/t.csv", "key,rate\nTF,1\n,2\n");
    book_file(f, "decks/p.csv",
              "prefix,caller_prefix,rate,rate_intra,step_from_s,per_s\n1310,1212,0.01,0.02,,60\n"
              "1310,1212,0.01,0.02,60,7\n1310555,1,0.03,,,\n,1212555,0.04,,,\n1401-1420,,0.05,,,\n");
    book_good(f);
    find_sections(x);
}

static void find_sections(struct fixture *x)
{
    struct book_fixture *f = &x->f;

    x->image = malloc(f->image_bytes);
    memcpy(x->image, f->image, f->image_bytes);
    struct toll_deck *decks = image_section(f->image, TOLL_SECTION_DECKS);
    x->plain = &decks[1];
    x->caller = &decks[2];
    x->calltype = &decks[3];
    x->pair = &decks[4];
    x->entries = image_section(f->image, TOLL_SECTION_ENTRIES);
    x->rows = image_section(f->image, TOLL_SECTION_ENTRY_ROWS);
    x->spans = image_section(f->image, TOLL_SECTION_ENTRY_SPANS);
    x->span_count = image_count(f->image, TOLL_SECTION_ENTRY_SPANS, sizeof(struct toll_entry_span));
    x->groups = image_section(f->image, TOLL_SECTION_ORIGIN_GROUPS);
    x->pairs = image_section(f->image, TOLL_SECTION_PAIRS);
    x->zones = image_section(f->image, TOLL_SECTION_ZONE_SHORTER);
    x->origins = image_section(f->image, TOLL_SECTION_ORIGINS);
    x->price_terms = image_section(f->image, TOLL_SECTION_PRICE_TERMS);
    x->entry_count = image_count(f->image, TOLL_SECTION_ENTRIES, sizeof(struct toll_entry));
    x->pair_count = image_count(f->image, TOLL_SECTION_PAIRS, sizeof(struct toll_pair));
    x->zone_count = image_count(f->image, TOLL_SECTION_ZONE_SHORTER, sizeof(uint32_t));
}

static void end(struct fixture *x)
{
    free(x->image);
    book_end(&x->f);
}

/* The image as it was changed is refused because of `what`; then it is whole again. */
static void assert_refused(struct fixture *x, const char *what, int line)
{
    struct book_fixture *f = &x->f;
    struct toll_book *book;
    struct toll_error error = {0};

    refit(f->image);
    if (toll_book_open_bytes(f->image, f->image_bytes, "image", &book, &error) != TOLL_EDATA ||
        strstr(error.text, what) == NULL)
        fail_msg("line %d: not refused for \"%s\": %s", line, what, error.text);
    memcpy(f->image, x->image, f->image_bytes);
}

#define REFUSED(change, what)               \
    do {                                    \
        change;                             \
        assert_refused(&x, what, __LINE__); \
    } while (0)

static void pairs_fit(void **state)
{
    struct fixture x;
    size_t full = 0, empty = 0;
    (void)state;

    begin(&x);
    while (x.pairs[full].callee == 0)
        full++;
    while (x.pairs[empty].callee != 0)
        empty++;
    struct toll_pair *pair = &x.pairs[full];
    const uint32_t zones = (uint32_t)x.zone_count;
    REFUSED(x.zones[0] = 1, "a zone of pairs");
    REFUSED(x.zones[3] = 3, "a zone of pairs");
    REFUSED(x.zones[3] = 4, "a zone of pairs");
    REFUSED(for (uint32_t zone = 1; zone < zones; zone++) x.zones[zone] = zone - 1,
            "a zone of pairs"); /* deep */
    REFUSED(pair->callee = zones, "a deck's pairs");
    REFUSED(pair->caller = zones, "a deck's pairs");
    REFUSED(pair->caller = 0, "a deck's pairs");
    REFUSED(pair->value = 0, "a deck's pairs");
    REFUSED(pair->value = 2, "a deck's pairs"); /* the second of four */
    REFUSED(pair->value = x.pair->price_count + 1, "a deck's pairs");
    REFUSED(pair->value = TOLL_LPM_ENTRY | 1, "a deck's pairs");
    REFUSED(pair->value = TOLL_LPM_ENTRY | (uint32_t)x.entry_count, "a deck's pairs");
    REFUSED(pair->value = TOLL_LPM_NODE, "a deck's pairs");
    REFUSED(pair->spare = 1, "a deck's pairs");
    REFUSED(x.pairs[empty].value = pair->value, "a deck's pairs");
    /* More than half full: a search might not end. */
    REFUSED(x.pairs[empty] = *pair, "a deck's pairs");
    REFUSED(x.pair->pair_capacity--, "");
    REFUSED(x.pair->pair_capacity++, "a deck's pairs");
    REFUSED(x.pair->pair_first++, "a deck's pairs");
    REFUSED(x.pair->lpm.everything = zones, "a deck's zones");
    REFUSED(x.pair->callers.everything = zones, "a deck's zones");
    REFUSED(x.pair->callers.spare = 1, "a deck's zones");
    REFUSED(x.caller->callers.page_count = 1, "a deck's key");
    REFUSED(x.caller->pair_first = 1, "a deck's key");
    REFUSED(x.caller->calltype_count = 1, "a deck's key");
    REFUSED(x.calltype->lpm.nodes = 1, "a deck's key");
    end(&x);
}

static void entries_fit(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    /* By deck: d 1202 dated, 1203 with a step; c 1202 with a band, 1202555 dated; p 1310 with a step. */
    assert_int_equal(x.entry_count, 6);
    const uint32_t per[] = {0, 0, 60, 60, 0, 420};
    struct toll_terms *terms = image_section(x.f.image, TOLL_SECTION_TERMS);
    const size_t terms_count = image_count(x.f.image, TOLL_SECTION_TERMS, sizeof(*terms));
    /* Walked by the bands of 68 years. */
    REFUSED(for (size_t i = 0; i < terms_count; i++) terms[i].minimum_units = INT32_MAX, "an entry's row");
    for (uint32_t i = 1; i < 6; i++) {
        const struct toll_deck *deck = i < 3 ? x.plain : i < 5 ? x.caller : x.pair;
        struct toll_entry *entry = &x.entries[i];
        struct toll_entry_row *row = &x.rows[deck->row_first + entry->first];
        struct toll_entry_span *span = &x.spans[row->span];
        assert_int_equal(entry->walk_per, per[i]);
        REFUSED(entry->walk_per = per[i] == 0 ? 60 : 0, "an entry's row");
        REFUSED(entry->walk_per += 1, "an entry's row");
        REFUSED(span->step = -1, "an entry's row");
        REFUSED(span->band = 9, "an entry's row");
        REFUSED(span->band = -1, "an entry's row");
        REFUSED(row->span = (uint32_t)x.span_count, "an entry's row");
        REFUSED(row->price = deck->price_count + 1, "an entry's row");
        REFUSED(row->price = 0, "an entry's row");
        REFUSED(row->price |= TOLL_LPM_ENTRY, "an entry's row");
        REFUSED(span->until = span->from, "an entry's row");
        REFUSED(entry->first++, "an entry");
        REFUSED(entry->count = 0, "an entry");
        REFUSED(entry->shorter = TOLL_LPM_ENTRY | (i - deck->entry_first), "an entry's shorter prefix");
        REFUSED(entry->shorter = TOLL_LPM_NODE, "an entry's shorter prefix");
    }
    struct toll_entry_row *const step = &x.rows[x.plain->row_first + x.entries[2].first], swap = step[0];
    REFUSED((step[0] = step[1], step[1] = swap), "an entry's row"); /* the order */
    struct toll_entry_row *const band = &x.rows[x.caller->row_first + x.entries[3].first];
    REFUSED(band->price++, "an entry's row"); /* the second of four */
    REFUSED(x.entries[4].shorter = 2, "an entry's shorter prefix");
    REFUSED(x.entries[4].shorter = TOLL_LPM_ENTRY | 1, "an entry's shorter prefix");
    REFUSED(x.entries[5].shorter = 1, "an entry's shorter prefix"); /* of pairs there is none */
    end(&x);
}

static void prices_fit(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    const uint32_t first = 2 + 5; /* of deck c, behind the emergency row's 1 and five of d */
    assert_int_equal(x.caller->price_first, first);
    assert_int_equal(x.caller->origin_first, first);
    for (uint32_t c = 0; c < TOLL_RATE_COLUMNS; c++) {
        struct toll_origin_group *group = &x.groups[x.caller->group_first + x.origins[first + c].group];
        REFUSED(x.origins[first + c].line++, "a deck's prices");
        REFUSED(x.origins[first + c].key = 0, "a deck's prices");
        REFUSED(x.origins[first + c].key = UINT32_MAX, "a price");
        REFUSED(x.origins[first + c].destination = UINT32_MAX, "a price");
        REFUSED(x.origins[first + c].group = x.caller->group_count, "a deck's prices");
        REFUSED(group->file = UINT32_MAX, "a price");
        REFUSED(group->column = 4, "a price");
        REFUSED(group->column = -1, "a price");
        REFUSED(group->step = -1, "a price");
        REFUSED(group->band = 9, "a price");
        REFUSED(group->plan = 9, "a price");
        REFUSED(group->kind = TOLL_PRICE_FLAT, "a price's kind");
        REFUSED(group->kind = TOLL_PRICE_TIERS + 1, "a price");
        REFUSED(x.price_terms[first + c] = x.price_terms[TOLL_PRICE_EMERGENCY], "a price's kind");
        /* 1202 in deck d bills in steps of 6: other terms than the other three. */
        REFUSED(x.price_terms[first + c] = x.price_terms[3], "a deck's prices");
    }
    REFUSED(x.groups[x.caller->group_first + x.origins[first].group].column = 1, "a deck's prices");
    REFUSED(x.groups[x.plain->group_first].column = 1, "a deck's prices");
    REFUSED(x.caller->price_first++, "a deck's prices");
    REFUSED(x.caller->price_count += 4, "a deck's prices");
    REFUSED(x.caller->price_count -= 4, "");
    REFUSED(x.caller->origin_first--, "a deck's prices");
    REFUSED(x.caller->group_first++, "a deck's prices");
    REFUSED(x.caller->group_count--, "");
    REFUSED(x.caller->group_count = UINT32_MAX, "a deck's prices");
    REFUSED(x.caller->entry_first--, "an entry");
    REFUSED(x.caller->entry_count--, "");
    REFUSED(x.caller->entry_count++, "an entry");
    REFUSED(x.caller->row_first++, "an entry");
    REFUSED(x.caller->row_count--, "an entry");
    REFUSED(x.caller->row_count = UINT32_MAX, "an entry");
    REFUSED(x.caller->keys_of = 1, "a deck's keys");
    REFUSED(x.caller->origins_of = 1, "a deck's prices");
    REFUSED(x.plain[-1].price_count++, "");
    REFUSED(x.plain[-1].price_count = 1, "a price");
    REFUSED(x.plain[-1].lrn = 1, "the empty deck");
    REFUSED(x.plain->by_jurisdiction = 1, "a deck's prices");
    REFUSED(x.caller->by_jurisdiction = 0, "a deck's prices");
    REFUSED(x.caller->by_jurisdiction = 2, "a deck");
    REFUSED(x.caller->split = 0, "an entry's row");
    REFUSED(x.caller->split = 2, "a deck");
    REFUSED(x.caller->lrn = 2, "a deck");
    REFUSED(x.caller->basis = 4, "a deck");
    REFUSED(x.caller->spare = 1, "a deck");
    REFUSED(x.caller->key = 4, "a deck's key");
    REFUSED(x.caller->key = -1, "a deck's key");
    REFUSED(x.caller->lpm.everything = 2, "a deck's prefixes");
    REFUSED(x.caller->lpm.everything = x.caller->price_count + 1, "a deck's prefixes");
    REFUSED(x.calltype->calltype_everything = 3, "a deck's call types");
    end(&x);
}

/* Decks a, b and c with the same keys in the same order, and d, whose calls are not walked. */
static const struct toll_book *begin_shared(struct fixture *x)
{
    static const char *const files[] = {"a", "b", "c"};
    char name[32];

    book_begin(&x->f);
    book_file(&x->f, "calendars.csv", "calendar,band,from,to\ncal,night,20:00,06:00\n");
    book_file(&x->f, "decks.csv",
              "deck,key,calendar,boundary\na,,cal,split\nb,,cal,split\nc,caller,cal,split\nd,,cal,\n");
    for (size_t i = 0; i < 3; i++) {
        char text[160];
        snprintf(name, sizeof(name), "decks/%s.csv", files[i]);
        snprintf(text, sizeof(text),
                 "prefix,destination,rate,band\n1,US,0.0%zu,\n1202,DC,0.1%zu,\n"
                 "1202,%s,0.05,night\n12025,DC,0.0%zu,\n",
                 i + 1, i + 1, i == 1 ? "At night" : "DC", i + 3);
        book_file(&x->f, name, text);
    }
    book_file(&x->f, "decks/d.csv",
              "prefix,destination,rate,band\n1,US,0.01,\n1202,DC,0.11,\n1202,DC,0.05,night\n"
              "12025,DC,0.03,\n");
    const struct toll_book *book = book_good(&x->f);
    find_sections(x);
    return book;
}

/* They share what does not depend on amounts; what is not alike is each one's own. */
static void shared_fit(void **state)
{
    struct fixture x;
    const struct toll_book *book = begin_shared(&x);
    char name[32];
    (void)state;

    struct toll_deck *a = &x.plain[0], *b = &x.plain[1], *c = &x.plain[2], *d = &x.plain[3];
    assert_true(a->keys_of == 0 && b->keys_of == 1 && c->keys_of == 1 && d->keys_of == 0);
    assert_true(a->origins_of == 0 && b->origins_of == 0 && c->origins_of == 1 && d->origins_of == 1);
    assert_int_equal(x.entry_count, 3); /* the empty one, a's and d's: only a's is walked */
    assert_int_equal(book->origin_count, 2 + 2 * 4);
    for (uint32_t i = 0; i < 4; i++) {
        const struct toll_price_origin origin = toll_book_origin(
            book, (uint32_t)price_at(book, (const char[]){(char)('a' + i), 0}, "12025550100", NOON, ""));
        snprintf(name, sizeof(name), "decks/%c.csv", (char)('a' + i));
        assert_int_equal(origin.deck, i + 1);
        assert_string_equal(toll_book_string(book, origin.file), name);
        assert_int_equal(origin.line, 5);
    }
    assert_int_equal(terms_of(book, price_at(book, "b", "12029550100", NOON, ""))->rate, 12000000);
    assert_int_equal(terms_of(book, price_at(book, "c", "12029550100", NOON, "night"))->rate, 5000000);
    assert_int_equal(terms_of(book, price_at(book, "d", "12025550100", NOON, ""))->rate, 3000000);
    REFUSED(b->keys_of = 2, "a deck's keys"); /* itself */
    REFUSED(b->keys_of = 3, "a deck's keys");
    REFUSED(b->keys_of = UINT32_MAX, "a deck's keys");
    REFUSED(c->keys_of = 2, "a deck's keys"); /* which shares them itself */
    REFUSED(d->keys_of = 1, "a deck's keys");
    REFUSED(b->keys_of = 0, "an entry");
    REFUSED(b->split = 0, "a deck's keys");
    REFUSED(b->entry_first++, "a deck's keys");
    REFUSED(b->entry_count--, "a deck's keys");
    REFUSED(b->row_first++, "a deck's keys");
    REFUSED(b->row_count++, "a deck's keys");
    REFUSED(b->lpm.nodes += 16, "a deck's keys");
    REFUSED(b->lpm.everything = 1, "a deck's keys");
    REFUSED(b->key = TOLL_KEY_NPANXX_PAIR, "a deck's keys");
    REFUSED(b->by_jurisdiction = 1, "a deck's prices");
    REFUSED(c->origins_of = 2, "a deck's prices"); /* others */
    REFUSED(c->origins_of = 3, "a deck's prices");
    REFUSED(c->origins_of = 4, "a deck's prices");
    REFUSED(c->origins_of = 0, "a deck's prices");
    REFUSED(c->origin_first++, "a deck's prices");
    REFUSED(c->price_count--, "");
    /* A walked call is exact by all terms that the deck has for it, whoever has its keys. */
    struct toll_terms *terms = image_section(x.f.image, TOLL_SECTION_TERMS);
    REFUSED(terms[x.price_terms[b->price_first + 1]].per = 7, "an entry's row");
    end(&x);
}

/* -- at random -- */

static uint64_t random_state = 99;

static uint64_t next_random(void)
{
    return random_next(&random_state);
}

/* What rating does with a value: all rows of the chain, and the price by every column. */
static uint64_t use_value(const struct toll_book *book, const struct toll_deck *deck, uint32_t value)
{
    uint64_t sum = 0;
    uint32_t price = value;

    while ((value & TOLL_LPM_ENTRY) != 0) {
        const struct toll_entry *entry = &book->entries[value & TOLL_LPM_INDEX];
        for (uint32_t r = 0; r < entry->count; r++) {
            price = toll_row_price(deck, &toll_entry_rows(book, deck, entry)[r]);
            for (uint32_t c = 0; c < (deck->by_jurisdiction ? TOLL_RATE_COLUMNS : 1u); c++) {
                const struct toll_terms *terms = &book->terms[book->price_terms[price + c]];
                sum += (uint64_t)terms->rate;
                assert_true(entry->walk_per == 0 || (int32_t)entry->walk_per % terms->per == 0);
            }
        }
        value = toll_deck_value(deck, entry->shorter);
        price = value;
    }
    for (uint32_t c = 0; price > 0 && c < (deck->by_jurisdiction ? TOLL_RATE_COLUMNS : 1u); c++) {
        const struct toll_price_origin origin = toll_book_origin(book, price + c);
        assert_ptr_equal(&book->decks[origin.deck], deck);
        sum += (uint64_t)book->terms[book->price_terms[price + c]].rate;
    }
    return sum;
}

static uint64_t use(const struct toll_book *book)
{
    uint64_t sum = 0;

    for (int i = 0; i < 40; i++) {
        const uint64_t callee = UINT64_C(0x13105551000FFFFF) ^ (next_random() & UINT64_C(0x0733070000000000));
        const uint64_t caller = UINT64_C(0x12125551000FFFFF) ^ (next_random() & UINT64_C(0x0733070000000000));
        for (uint32_t d = 1; d < book->deck_count; d++) {
            const struct toll_deck *deck = &book->decks[d];
            if (deck->key == TOLL_KEY_CALLTYPE) {
                sum += use_value(book, deck, toll_book_calltype(book, d, "TF", 2));
                continue;
            }
            const uint32_t value = toll_lpm_find(&deck->lpm, book->lpm_words, callee);
            if (deck->key != TOLL_KEY_NPANXX_PAIR) {
                sum += use_value(book, deck, toll_deck_value(deck, value));
                continue;
            }
            for (uint32_t to = value; to != 0; to = book->zone_shorter[to]) {
                uint32_t from = toll_lpm_find(&deck->callers, book->lpm_words, caller);
                for (; from != 0; from = book->zone_shorter[from])
                    sum += use_value(book, deck, toll_book_pair(book, deck, to, from));
            }
        }
    }
    return sum;
}

static void hostile_of(struct fixture *x)
{
    static const enum toll_section sections[] = {
        TOLL_SECTION_DECKS,        TOLL_SECTION_ENTRIES,      TOLL_SECTION_ENTRY_ROWS,
        TOLL_SECTION_ZONE_SHORTER, TOLL_SECTION_PAIRS,        TOLL_SECTION_PRICE_TERMS,
        TOLL_SECTION_ORIGINS,      TOLL_SECTION_TERMS,        TOLL_SECTION_LPM_WORDS,
        TOLL_SECTION_ENTRY_SPANS,  TOLL_SECTION_ORIGIN_GROUPS};
    uint64_t sum = 0;
    unsigned accepted = 0, refused = 0;

    for (unsigned round = 0; round < HOSTILE_ROUNDS; round++) {
        const enum toll_section id = sections[round % (sizeof(sections) / sizeof(sections[0]))];
        uint32_t *words = image_section(x->f.image, id);
        const size_t count = image_count(x->f.image, id, sizeof(uint32_t));
        if (count == 0)
            continue;
        struct toll_book *book;
        struct toll_error error;
        for (uint64_t left = 1 + next_random() % 3; left > 0; left--) {
            uint32_t *word = &words[next_random() % count];
            const uint32_t values[] = {0,
                                       1,
                                       2,
                                       (uint32_t)next_random() % 64,
                                       *word + 1,
                                       *word - 1,
                                       *word ^ 1,
                                       words[next_random() % count],
                                       TOLL_LPM_ENTRY | (uint32_t)(next_random() % 8)};
            *word = values[next_random() % (sizeof(values) / sizeof(values[0]))];
        }
        refit(x->f.image);
        if (toll_book_open_bytes(x->f.image, x->f.image_bytes, "hostile", &book, &error) == 0) {
            sum += use(book);
            toll_book_close(book);
            accepted++;
        } else {
            assert_int_equal(error.code, TOLL_EDATA);
            refused++;
        }
        memcpy(x->f.image, x->image, x->f.image_bytes);
    }
    assert_true(refused > HOSTILE_ROUNDS / 4 && accepted > HOSTILE_ROUNDS / 8 && sum > 0);
}

static void hostile(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    hostile_of(&x);
    end(&x);
    begin_shared(&x);
    hostile_of(&x);
    end(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_fit),  cmocka_unit_test(entries_fit), cmocka_unit_test(prices_fit),
        cmocka_unit_test(shared_fit), cmocka_unit_test(hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
