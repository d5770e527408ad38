/* The book as a whole: compiled from a folder, an image that is the same for the same sources, that says so
 * when any bit of it is changed, and that cannot mislead a reader even when its checksums were made to fit.
 */
#include "book_fixture.h"

#include "base/digits.h"
#include "faulty_io.h"
#include "image_fixture.h"
#include "random.h"
#include "ratetable/lpm.h"

#include <errno.h>
#include <sys/stat.h>

#ifndef DAMAGED_ROUNDS
#define DAMAGED_ROUNDS 600
#endif

static uint64_t random_state = 8121;

/* The sanitizers make each image that is opened ten times as dear. */
#if defined(__SANITIZE_ADDRESS__)
#define ROUNDS 15000u
#define WORDS_STEP 73u
#else
#define ROUNDS 60000u
#define WORDS_STEP 9u
#endif

static uint64_t next_random(void)
{
    return random_next(&random_state);
}

/* A book that has a little of everything. */
static void full_book(struct book_fixture *f)
{
    book_begin(f);
    book_file(f, "accounts.csv", "account,name,timezone\nacme,Acme,\nbeta,Beta,Europe/London\n");
    book_file(f, "sites.csv", "site,account,state\nhq,acme,NY\n");
    book_file(f, "npanxx.csv",
              "prefix,state,ratecenter\n1201555,NJ,NEWARK\n12015551-12015552,NJ,CAMDEN\n1212,NY,NEW YORK\n");
    book_file(f, "local_areas.csv", "from_ratecenter,to_ratecenter\nNEWARK,CAMDEN\nCAMDEN,NEW YORK\n");
    book_file(f, "calltypes.csv", "calltype,jurisdiction,carrier\nTF,local,\nTF,interstate,c1\nLD,local,\n");
    book_file(f, "trunks.csv", "trunk,account\nT1,acme\nT2,\n");
    book_file(f, "carriers.csv", "carrier\nc1\n");
    book_file(f, "numbers.csv",
              "number,account,site,from,to\n12125550100,acme,hq,,2026-03-10\n12125550100,beta,,2026-03-11,\n"
              "12125550200-12125550204,beta,,,\nhint:B,beta,,,\ntrunk:T3,acme,,2026-01-01,\n");
    book_file(f, "plans.csv", "plan\np\nq\n");
    book_file(f, "assignments.csv",
              "subject,plan,from,to\ndefault,p,,\nnumber:12125550201,q,2026-01-01,2026-02-01\ntrunk:T2,q,,\n"
              "carrier:c1,q,2026-01-01,\n");
    book_file(f, "destinations.csv", "prefix,destination\n44,UK\n4479,UK mobile\n");
    book_file(f, "plan_rules.csv",
              "plan,action,deck,amount,percent,destination,trunk,class,on_miss,priority,from\n"
              "p,deck,d,,,,,,,,\np,flat,,0.5,,,,n11,,-1,\np,markup,,0.01,5,UK,T3,,,-2,2026-01-01\n"
              "q,deck,c,,,,,,next,,\nq,free,,,,,,,,1,\nq,reject,,,,,,,,2,\n");
    book_file(f, "decks.csv", "deck,key,calendar\nd,,cal\nc,calltype,\n");
    book_file(f, "calendars.csv", "calendar,band,days,from,to\ncal,night,,20:00,06:00\ncal,weekend,6;7,,\n");
    book_file(f, "holidays.csv", "calendar,date,band\ncal,2026-12-25,weekend\n");
    book_file(
        f, "decks/d.csv",
        "prefix,rate,band,from,to,status\n1,0.01,,,,\n1,0.005,night,,,\n1201555,0.02,,,,\n12015551,0.03,,,,\n"
        "44,0.02,,2026-01-01,,\n447,0.05,,,2026-06-01,\n4479111,0.06,weekend,,,blocked\n");
    book_file(f, "decks/c.csv", "key,rate,to\nLD,0.03,\nTF,0,2026-06-01\n,1,\n");
}

static void public_api(void **state)
{
    struct book_fixture f;
    struct toll_compile_result result;
    struct toll_error error;
    struct toll_book *book, *again;
    char image_path[128], folder_path[128];
    (void)state;

    full_book(&f);
    snprintf(image_path, sizeof(image_path), "%s.image", f.folder);
    snprintf(folder_path, sizeof(folder_path), "%s/empty", f.folder);
    assert_int_equal(mkdir(folder_path, 0700), 0);
    struct toll_compile_options options = {.book_path = f.folder, .image_path = image_path};
    assert_int_equal(toll_compile(&options, &result, &error), 0);
    assert_int_equal(result.errors, 0);
    assert_int_equal(result.accounts, 2);
    assert_int_equal(result.sites, 1);
    assert_int_equal(result.numbers, 6);
    assert_int_equal(result.plans, 2);
    assert_int_equal(result.rules, 6);
    assert_int_equal(result.decks, 2);
    assert_int_equal(result.price_rows, 10);
    assert_int_equal(strlen(result.book_hash), 32);
    assert_int_equal(toll_book_open(toll_io_system(), image_path, NULL, &book, &error), 0);
    assert_int_equal(toll_book_open(toll_io_system(), f.folder, NULL, &again, &error), 0);
    assert_int_equal(result.image_bytes, book->image_bytes);
    assert_int_equal(book->image_bytes, again->image_bytes);
    assert_memory_equal(book->image, again->image, book->image_bytes);
    assert_string_equal(book->name, "example");
    assert_string_equal(book->currency, "USD");
    assert_int_equal(book->decimals, 6);
    assert_true(book->nanp && book->has_trunk_plans && book->has_carrier_plans);
    assert_string_equal(toll_zone_name(book->zones[0]), "America/New_York");
    toll_book_close(book);
    toll_book_close(again);
    /* A folder without book.yaml, no folder, an image that is none. */
    options.book_path = folder_path;
    options.image_path = NULL;
    assert_int_equal(toll_compile(&options, &result, &error), TOLL_EBOOK);
    assert_non_null(strstr(error.text, "book.yaml"));
    options.book_path = "/nonexistent/book";
    assert_int_equal(toll_compile(&options, &result, &error), TOLL_ENOINPUT);
    assert_int_equal(toll_book_open(toll_io_system(), "/nonexistent/book", NULL, &book, &error),
                     TOLL_ENOINPUT);
    snprintf(folder_path, sizeof(folder_path), "%s/plans.csv", f.folder);
    assert_int_equal(toll_book_open(toll_io_system(), folder_path, NULL, &book, &error), TOLL_EDATA);
    book_file(&f, "plans.csv", ""); /* a file of no bytes is mapped nowhere */
    assert_int_equal(toll_book_open(toll_io_system(), folder_path, NULL, &book, &error), TOLL_EDATA);
    unlink(image_path);
    book_end(&f);
}

static void sources(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    const char *data, *text;
    size_t bytes;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks/d.csv", "\xEF\xBB\xBFprefix,rate\r\n1,0.06\r\n\r\n44,0.1");
    book_file(&f, "plans.csv", "plan\rp\rq\r");
    book_file(&f, "notes.txt", "not of the book\n");
    book = book_good(&f);
    static const char *const names[] = {"accounts.csv", "assignments.csv", "book.yaml", "decks/d.csv",
                                        "numbers.csv",  "plan_rules.csv",  "plans.csv"};
    assert_int_equal(toll_book_source_count(book), 7);
    for (uint32_t i = 0; i < 7; i++)
        assert_string_equal(toll_book_source(book, i, &data, &bytes), names[i]);
    assert_string_equal(toll_book_source(book, 0, &data, &bytes), "accounts.csv");
    assert_int_equal(bytes, 13);
    assert_memory_equal(data, "account\nacme\n", 13);
    assert_true(toll_book_source_line(book, "decks/d.csv", 4, &text, &bytes));
    assert_int_equal(bytes, 6);
    assert_memory_equal(text, "44,0.1", 6);
    assert_true(toll_book_source_line(book, "decks/d.csv", 1, &text, &bytes));
    assert_int_equal(bytes, 11);
    assert_memory_equal(text, "prefix,rate", 11);
    assert_true(toll_book_source_line(book, "decks/d.csv", 3, &text, &bytes));
    assert_int_equal(bytes, 0);
    assert_true(toll_book_source_line(book, "plans.csv", 3, &text, &bytes));
    assert_memory_equal(text, "q", bytes);
    assert_false(toll_book_source_line(book, "plans.csv", 4, &text, &bytes));
    assert_false(toll_book_source_line(book, "plans.csv", 0, &text, &bytes));
    assert_false(toll_book_source_line(book, "sites.csv", 1, &text, &bytes));
    book_end(&f);
}

static void settings(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "book.yaml",
              "book: x\ncurrency: usd\ntimezone: Moon/Sea\ndecimals: 9\nrounding: near\n"
              "number_plan: uk\nextra: 1\n");
    assert_int_equal(book_compile(&f), TOLL_EBOOK);
    assert_int_equal(f.result.errors, 6);
    assert_non_null(strstr(f.findings, "E book.yaml:2:1: currency: \"usd\""));
    assert_non_null(strstr(f.findings, "E book.yaml:3:1: timezone: "));
    assert_non_null(strstr(f.findings, "E book.yaml:4:"));
    assert_non_null(strstr(f.findings, "E book.yaml:5:"));
    assert_non_null(strstr(f.findings, "E book.yaml:6:"));
    assert_non_null(strstr(f.findings, "E book.yaml:7:1: "));
    book_file(&f, "book.yaml", "decimals: 2\n");
    book_bad(&f, "E book.yaml:1:1: ~\"book\" is required\nE book.yaml:1:1: ~\"currency\"\nE book.yaml:1:1: "
                 "~\"timezone\"\n");
    book_file(&f, "book.yaml", "");
    assert_int_equal(book_compile(&f), TOLL_EBOOK);
    book_file(&f, "book.yaml", "book: [a\n");
    assert_int_equal(book_compile(&f), TOLL_EBOOK);
    book_file(&f, "book.yaml", "book: b\ncurrency: EUR\ntimezone: UTC\n");
    book_file(&f, "decks.csv", "deck,currency\nd,EUR\n");
    book_good(&f);
    assert_true(f.book->zone_count == 1);
    book_end(&f);
}

/* All errors of a run, in all tables, each with its place. */
static void all_errors(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "bundles.csv", "bundle\n");
    book_file(&f, "plan_rule.csv", "plan\n");
    book_file(&f, "taxes.csv", "");
    book_file(&f, "accounts.csv", "account,Name , colour\nacme,x,red\n");
    book_file(&f, "numbers.csv", "number,site\n12125550100,\n");
    book_file(&f, "sites.csv", "site,account,account\nhq,acme,acme\n");
    book_file(&f, "plans.csv", "plan\np,extra\np\n");
    book_file(&f, "assignments.csv", "");
    book_file(&f, "decks/d.csv", "prefix,rate\n1,x\n\"1,2\n2,0.1\n\xFF,1\n");
    book_bad(&f, "E plan_rule.csv:0:0: ~no table of a book\n"
                 "E accounts.csv:1:16: ~the column \"colour\" is unknown\n"
                 "E sites.csv:1:14: ~second time\n"
                 "E numbers.csv:1:0: ~the column \"account\" is missing\n"
                 "E plans.csv:2:3: ~the header has 1\n"
                 "E bundles.csv:1:0: ~the column \"unit\" is missing\n"
                 "E bundles.csv:1:0: ~the column \"quantity\" is missing\n"
                 "E assignments.csv:0:0: ~the table is empty\n"
                 "E decks/d.csv:2:3: ~is not a decimal number\n"
                 "E decks/d.csv:3:0: ~a quote is not closed\n"
                 "E decks/d.csv:5:1: ~no UTF-8\n"
                 "E taxes.csv:0:0: ~the table is empty\n");
    assert_int_equal(f.result.errors, 12);
    assert_non_null(strstr(f.error.text, "the book has 12 errors; the first: "));
    book_end(&f);
}

static void deterministic(void **state)
{
    struct book_fixture a, b;
    char book_hash[33], tzdata_hash[33];
    (void)state;

    full_book(&a);
    full_book(&b); /* another folder, and later */
    book_good(&a);
    book_good(&b);
    assert_int_equal(a.image_bytes, b.image_bytes);
    assert_memory_equal(a.image, b.image, a.image_bytes);
    assert_string_equal(a.result.book_hash, b.result.book_hash);
    strcpy(book_hash, b.result.book_hash);
    strcpy(tzdata_hash, b.result.tzdata_hash);
    /* One more blank in a source is another book; a zone more is another tzdata. */
    book_file(&b, "plans.csv", "plan\np \nq\n");
    book_good(&b);
    assert_string_not_equal(b.result.book_hash, book_hash);
    assert_string_equal(b.result.tzdata_hash, tzdata_hash);
    book_file(&b, "accounts.csv", "account,name,timezone\nacme,Acme,\nbeta,Beta,Europe/Paris\n");
    book_good(&b);
    assert_string_not_equal(b.result.tzdata_hash, tzdata_hash);
    book_end(&a);
    book_end(&b);
}

/* Every bit of an image (of the tries' words, which are most of it, some), and every length. */
static void flips_and_cuts(void **state)
{
    struct book_fixture f;
    struct toll_book *book = NULL;
    struct toll_error error;
    uint8_t *copy;
    (void)state;

    full_book(&f);
    book_good(&f);
    copy = aligned_alloc(64, (f.image_bytes + 127) / 64 * 64);
    memcpy(copy, f.image, f.image_bytes);
    const struct toll_image_section *words =
        (const struct toll_image_section *)(const void *)(f.image + TOLL_IMAGE_PAGE) + TOLL_SECTION_LPM_WORDS;
    for (size_t bit = 0; bit < f.image_bytes * 8; bit++) {
        if (bit / 8 - words->offset < words->bytes && bit % WORDS_STEP != 0)
            continue;
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (toll_book_open_bytes(copy, f.image_bytes, "flipped", &book, &error) == 0)
            fail_msg("bit %zu of byte %zu is not missed", bit % 8, bit / 8);
        assert_null(book);
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_int_equal(toll_book_open_bytes(copy, f.image_bytes, "whole", &book, &error), 0);
    toll_book_close(book);
    /* Exact blocks, so that a read past the end is seen. */
    for (size_t bytes = 0; bytes < f.image_bytes; bytes++) {
        uint8_t *cut;
        if (bytes > 6000 && bytes % 61 != 0 && bytes + 200 < f.image_bytes)
            continue; /* every length is refused by the same comparison; ASan copies are slow */
        cut = malloc(bytes + 1);
        memcpy(cut, f.image, bytes);
        assert_int_not_equal(toll_book_open_bytes(cut, bytes, "cut", &book, &error), 0);
        free(cut);
    }
    for (size_t bytes = 0; bytes < f.image_bytes; bytes++)
        assert_int_not_equal(toll_book_open_bytes(copy, bytes, "cut", &book, &error), 0);
    copy[f.image_bytes] = 0;
    assert_int_not_equal(toll_book_open_bytes(copy, f.image_bytes + 1, "longer", &book, &error), 0);
    free(copy);
    book_end(&f);
}

/* What rating does with a book, for random calls. A sum, so that nothing is left out. */
static uint64_t use(const struct toll_book *book)
{
    uint64_t sum = 0;
    toll_ms from, until;

    for (int i = 0; i < 40; i++) {
        const toll_ms at = INT64_C(1760000000000) + (toll_ms)(next_random() % UINT64_C(40000000000));
        const uint64_t number = next_random() % 3 == 0 ? next_random()
                                                       : UINT64_C(0x12015551000FFFFF) ^
                                                             (next_random() & UINT64_C(0x0003777000000000));
        for (uint32_t d = 1; d < book->deck_count; d++) {
            const struct toll_deck *deck = &book->decks[d];
            uint32_t value = deck->key == TOLL_KEY_CALLEE
                                 ? toll_deck_value(deck, toll_lpm_find(&deck->lpm, book->lpm_words, number))
                                 : toll_book_calltype(book, d, "TF", 2);
            const int32_t band = toll_book_band(book, d, at, &from, &until);
            assert_true(from <= at && at < until);
            sum += (uint64_t)strlen(toll_book_string(book, book->band_names[band]));
            while ((value & TOLL_LPM_ENTRY) != 0) {
                const struct toll_entry *entry = &book->entries[value & TOLL_LPM_INDEX];
                for (uint32_t r = 0; r < entry->count; r++)
                    sum += toll_row_price(deck, &toll_entry_rows(book, deck, entry)[r]);
                value = toll_deck_value(deck, entry->shorter);
            }
            sum += (uint64_t)book->terms[book->price_terms[value]].rate;
            sum += strlen(toll_book_string(book, toll_book_origin(book, (uint32_t)value).key));
        }
        const struct toll_number_slot *slot = &book->numbers[number % book->number_capacity];
        const struct toll_owner *owner = &book->owners[toll_book_owner_at(book, slot->owner, at)];
        sum += (uint64_t)book->accounts[owner->account].line + (uint64_t)book->sites[owner->site].line;
        for (uint32_t s = 0; s < owner->span_count; s++)
            sum += book->plan_chains[(uint32_t)book->spans[owner->span + s].plan * TOLL_CHAIN_KEYS];
        for (int kind = 0; kind < TOLL_NAMED_KINDS; kind++) {
            const struct toll_named *named = toll_book_named(book, (enum toll_named_kind)kind, "T3", 2);
            sum += named != NULL ? toll_book_owner_at(book, named->owner, at) : 0;
        }
        const struct toll_chain *chain =
            &book->chains[book->plan_chains[number % TOLL_CHAIN_KEYS + TOLL_CHAIN_KEYS]];
        for (uint32_t r = 0; r < chain->count; r++) {
            const struct toll_rule *rule = &book->rules[book->chain_rules[chain->first + r]];
            sum += book->decks[rule->deck].line + book->price_terms[rule->price];
            sum += strlen(toll_book_string(book, book->destination_names[rule->destination]));
        }
        if (book->place_lpm != NULL) {
            const struct toll_place *place =
                &book->places[toll_lpm_find(book->place_lpm, book->lpm_words, number)];
            sum += strlen(toll_book_string(book, book->state_names[place->state]));
            sum += strlen(toll_book_string(book, book->ratecenter_names[place->ratecenter]));
            sum += strlen(toll_book_string(book, place->country));
            sum += toll_book_is_local(book, place->ratecenter, 1);
        }
        sum += (uint64_t)(toll_book_calltype_word(book, "TF", "c1") + 1);
        if (book->destinations != NULL) {
            const uint32_t destination = toll_lpm_find(book->destinations, book->lpm_words, number);
            sum += strlen(toll_book_string(book, book->destination_names[destination]));
        }
    }
    for (uint32_t i = 0; i < toll_book_source_count(book); i++) {
        const char *data, *text;
        size_t bytes;
        const char *name = toll_book_source(book, i, &data, &bytes);
        if (bytes > 0)
            sum += (uint8_t)data[bytes - 1];
        if (toll_book_source_line(book, name, 2, &text, &bytes) && bytes > 0)
            sum += (uint8_t)text[0];
    }
    return sum;
}

/* Images changed by somebody who also mends the checksums: refused, or harmless. The sanitizers look on. */
static void hostile(void **state)
{
    struct book_fixture f;
    struct toll_book *book;
    struct toll_error error;
    const struct toll_image_section *sections;
    uint8_t *copy;
    uint64_t sum = 0;
    unsigned accepted = 0, refused = 0;
    (void)state;

    full_book(&f);
    book_good(&f);
    copy = aligned_alloc(64, (f.image_bytes + 63) / 64 * 64);
    sections = (const void *)(f.image + TOLL_IMAGE_PAGE);
    for (unsigned round = 0; round < ROUNDS; round++) {
        /* Every section as often, however small; strings and sources need no more than that. */
        const struct toll_image_section *section = &sections[round % TOLL_SECTION_COUNT];
        const unsigned changes = 1 + (unsigned)(next_random() % 3);
        memcpy(copy, f.image, f.image_bytes);
        for (unsigned i = 0; i < changes && section->bytes > 0; i++) {
            uint8_t *at = copy + section->offset + next_random() % section->bytes;
            switch (next_random() % 4) {
            case 0:
                *at = (uint8_t)next_random();
                break;
            case 1:
                *at ^= (uint8_t)(1u << next_random() % 8);
                break;
            case 2:
                *at = (uint8_t)(*at + 1);
                break;
            default: /* a whole word, mostly small or a flag */
                at -= (size_t)(at - copy) % 4;
                const uint32_t words[] = {0,
                                          1,
                                          2,
                                          7,
                                          UINT32_MAX,
                                          INT32_MAX,
                                          TOLL_LPM_NODE,
                                          TOLL_LPM_ENTRY | 1,
                                          TOLL_LPM_NODE | 1,
                                          TOLL_OWNER_DATED,
                                          TOLL_OWNER_DATED | 2};
                memcpy(at, &words[next_random() % (sizeof(words) / sizeof(words[0]))], 4);
                break;
            }
        }
        refit(copy);
        if (toll_book_open_bytes(copy, f.image_bytes, "hostile", &book, &error) == 0) {
            sum += use(book);
            toll_book_close(book);
            accepted++;
        } else {
            assert_int_equal(error.code, TOLL_EDATA);
            refused++;
        }
    }
    /* Not everything is an index: rates and lines may change, and some changes change nothing. */
    assert_true(refused > ROUNDS / 4 && accepted > ROUNDS / 12 && sum > 0);
    free(copy);
    book_end(&f);
}

/* Each system call fails once: an error, nothing left open, and no half book. */
static void failing_calls(void **state)
{
    struct book_fixture f;
    struct faulty_io faulty;
    struct toll_error error;
    uint8_t *image;
    size_t bytes;
    int calls;
    (void)state;

    full_book(&f);
    book_good(&f);
    faulty_io_init(&faulty, 0, 0, false);
    assert_int_equal(toll_book_compile(&faulty.io, f.folder, NULL, &image, &bytes, NULL, &error), 0);
    assert_int_equal(faulty.open, 0);
    free(image);
    calls = faulty.calls;
    assert_true(calls > 40);
    for (int call = 0; call < calls; call++) {
        faulty_io_init(&faulty, call, -EIO, false);
        const int code = toll_book_compile(&faulty.io, f.folder, NULL, &image, &bytes, NULL, &error);
        assert_int_equal(faulty.open, 0);
        if (code != 0) {
            assert_null(image);
            assert_true(code == TOLL_EIO && error.code == TOLL_EIO && error.text[0] != 0);
            continue;
        }
        /* A close that failed does no harm. */
        assert_int_equal(bytes, f.image_bytes);
        assert_memory_equal(image, f.image, bytes);
        free(image);
    }
    book_end(&f);
}

/* From a file some sections are copied and others stay where they are mapped: a bit of each, at its beginning
 * and end, is missed in neither. */
static void flips_in_a_file(void **state)
{
    struct book_fixture f;
    struct toll_book *book = NULL;
    struct toll_error error;
    char path[] = "/tmp/toll_book_XXXXXX";
    (void)state;

    full_book(&f);
    book_good(&f);
    const int fd = mkstemp(path);
    assert_int_equal(pwrite(fd, f.image, f.image_bytes, 0), f.image_bytes);
    const struct toll_image_section *sections = (const void *)(f.image + TOLL_IMAGE_PAGE);
    for (uint32_t id = 0; id < TOLL_SECTION_COUNT; id++) {
        for (int end = 0; end < 2 && sections[id].bytes > 0; end++) {
            const uint64_t at = sections[id].offset + (end == 0 ? 0 : sections[id].bytes - 1);
            const uint8_t flipped = f.image[at] ^ 4;
            assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
            assert_int_equal(toll_book_open(toll_io_system(), path, NULL, &book, &error), TOLL_EDATA);
            assert_non_null(strstr(error.text, "damaged (a section does not have its checksum)"));
            assert_null(book);
            assert_int_equal(pwrite(fd, &f.image[at], 1, (off_t)at), 1);
        }
    }
    assert_int_equal(toll_book_open(toll_io_system(), path, NULL, &book, &error), 0);
    toll_book_close(book);
    close(fd);
    unlink(path);
    book_end(&f);
}

struct watched {
    const uint8_t *image;
    size_t bytes;
    int begun, ended;
};

static void watch_begins(void *context, const uint8_t *image, size_t bytes)
{
    struct watched *watched = context;
    watched->image = image;
    watched->bytes = bytes;
    watched->begun++;
}

static void watch_ends(void *context)
{
    struct watched *watched = context;
    watched->ended++;
    /* They can still be read. */
    assert_memory_equal(watched->image, TOLL_IMAGE_MAGIC, strlen(TOLL_IMAGE_MAGIC));
}

/* Whoever watches is told of the bytes of an image with a sound head, and of its end if it is refused after
 * all; of a file that is none, or cut short, nothing. */
static void watched_while_opened(void **state)
{
    struct watched watched;
    const struct toll_book_watch watch = {watch_begins, watch_ends, &watched};
    struct book_fixture f;
    struct toll_book *book = NULL;
    struct toll_error error;
    char path[] = "/tmp/toll_book_XXXXXX";
    (void)state;

    full_book(&f);
    book_good(&f);
    const int fd = mkstemp(path);
    const struct {
        size_t bytes, flip; /* of the image; the byte that is damaged, or 0 */
        int begun, ended;
    } cases[] = {{f.image_bytes, 0, 1, 0},
                 {f.image_bytes, f.image_bytes - 1, 1, 1},
                 {f.image_bytes, 1, 0, 0},
                 {f.image_bytes, TOLL_IMAGE_PAGE, 0, 0},
                 {f.image_bytes - 1, 0, 0, 0},
                 {7, 0, 0, 0},
                 {0, 0, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bool good = i == 0;
        const uint8_t flipped = (uint8_t)(f.image[cases[i].flip] ^ 4);
        memset(&watched, 0, sizeof watched);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, f.image, cases[i].bytes, 0), cases[i].bytes);
        if (cases[i].flip > 0)
            assert_int_equal(pwrite(fd, &flipped, 1, (off_t)cases[i].flip), 1);
        assert_int_equal(toll_book_open_watched(toll_io_system(), path, NULL, &watch, &book, &error),
                         good ? 0 : TOLL_EDATA);
        assert_int_equal(watched.begun, cases[i].begun);
        assert_int_equal(watched.ended, cases[i].ended);
        if (good) {
            assert_int_equal(watched.bytes, f.image_bytes);
            assert_memory_equal(watched.image, f.image, f.image_bytes);
            assert_ptr_equal(watched.image, book->image);
            toll_book_close(book);
        }
    }
    memset(&watched, 0, sizeof watched); /* a folder: the image that is made of it */
    assert_int_equal(toll_book_open_watched(toll_io_system(), f.folder, NULL, &watch, &book, &error), 0);
    assert_int_equal(watched.begun, 1);
    assert_int_equal(watched.ended, 0);
    assert_memory_equal(watched.image, f.image, f.image_bytes);
    toll_book_close(book);
    close(fd);
    unlink(path);
    book_end(&f);
}

/* Sources with damaged bytes: refused with findings, or a book that opens. */
/* A rule and its price row say the action each; a deck's row may not be a rule's. */
static void prices_fit(void **state)
{
    struct book_fixture f;
    struct toll_book *book;
    struct toll_error error;
    unsigned rules = 0, rows = 0;
    (void)state;

    full_book(&f);
    book_good(&f);
    const struct toll_image_section *sections = (const void *)(f.image + TOLL_IMAGE_PAGE);
    struct toll_rule *rule = (void *)(f.image + sections[TOLL_SECTION_RULES].offset);
    struct toll_entry_row *row = (void *)(f.image + sections[TOLL_SECTION_ENTRY_ROWS].offset);
    const uint64_t rule_count = sections[TOLL_SECTION_RULES].bytes / sizeof(*rule);
    const uint64_t row_count = sections[TOLL_SECTION_ENTRY_ROWS].bytes / sizeof(*row);
    for (uint64_t i = 1; i < rule_count; i++) {
        const int32_t action = rule[i].action;
        if (action != TOLL_ACTION_FLAT && action != TOLL_ACTION_FREE)
            continue;
        rule[i].action = action == TOLL_ACTION_FLAT ? TOLL_ACTION_FREE : TOLL_ACTION_FLAT;
        refit(f.image);
        assert_int_equal(toll_book_open_bytes(f.image, f.image_bytes, "image", &book, &error), TOLL_EDATA);
        assert_non_null(strstr(error.text, "a rule"));
        rule[i].action = action;
        rules++;
    }
    for (uint64_t i = 0; i < row_count && i < 3; i++, rows++) {
        const uint32_t price = row[i].price;
        row[i].price = 0; /* the last one before the deck's */
        refit(f.image);
        assert_int_equal(toll_book_open_bytes(f.image, f.image_bytes, "image", &book, &error), TOLL_EDATA);
        row[i].price = price;
    }
    assert_true(rules > 0 && rows > 0);
    book_end(&f);
}

static void damaged_sources(void **state)
{
    static const char *const files[] = {
        "accounts.csv",  "sites.csv",       "trunks.csv",       "carriers.csv",   "numbers.csv",
        "plans.csv",     "assignments.csv", "destinations.csv", "plan_rules.csv", "decks.csv",
        "calendars.csv", "holidays.csv",    "decks/d.csv",      "decks/c.csv",    "book.yaml"};
    static const char letters[] = ",;\n\r\"-+.:/0129 ax\0\xFF=";
    struct book_fixture f;
    unsigned good = 0, bad = 0;
    (void)state;

    full_book(&f);
    for (unsigned round = 0; round < DAMAGED_ROUNDS; round++) {
        char path[256], text[4096];
        const char *name = files[round % (sizeof(files) / sizeof(files[0]))];
        struct toll_book *book;
        snprintf(path, sizeof(path), "%s/%s", f.folder, name);
        FILE *file = fopen(path, "r+");
        assert_non_null(file);
        const size_t bytes = fread(text, 1, sizeof(text), file);
        char damaged[4096];
        memcpy(damaged, text, bytes);
        for (unsigned i = 0; i < 1 + round % 4; i++)
            damaged[next_random() % bytes] = letters[next_random() % (sizeof(letters) - 1)];
        rewind(file);
        assert_int_equal(fwrite(damaged, 1, bytes, file), bytes);
        fclose(file);
        const int code = book_compile(&f);
        if (code == 0) {
            assert_int_equal(toll_book_open_bytes(f.image, f.image_bytes, "image", &book, &f.error), 0);
            toll_book_close(book);
            good++;
        } else {
            assert_int_equal(code, TOLL_EBOOK);
            assert_true(f.result.errors > 0);
            bad++;
        }
        file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, bytes, file), bytes);
        fclose(file);
    }
    assert_true(good > 0 && bad > 0);
    book_good(&f);
    book_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_api),      cmocka_unit_test(sources),
        cmocka_unit_test(settings),        cmocka_unit_test(all_errors),
        cmocka_unit_test(deterministic),   cmocka_unit_test(flips_and_cuts),
        cmocka_unit_test(flips_in_a_file), cmocka_unit_test(hostile),
        cmocka_unit_test(failing_calls),   cmocka_unit_test(damaged_sources),
        cmocka_unit_test(prices_fit),      cmocka_unit_test(watched_while_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
