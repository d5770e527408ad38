/* Decks by pairs of prefixes: RATING.md section 8, key npanxx_pair. */
#include "deck_fixture.h"
#include "random.h"

/* Where a number lies; "" is none that is E.164. */
static uint32_t zone_of(const struct toll_book *book, const struct toll_lpm *lpm, const char *number)
{
    uint64_t key;

    if (number[0] == 0)
        return lpm->everything;
    assert_true(toll_digits_pack(number, strlen(number), &key));
    return toll_lpm_find(lpm, book->lpm_words, key);
}

/* The price of a call by the order that layout.h gives; 0 none. */
static int32_t pair_price(const struct toll_book *book, const char *deck_name, const char *caller,
                          const char *callee, const char *at)
{
    const struct toll_deck *deck = &book->decks[deck_id(book, deck_name)];
    const uint32_t callers = zone_of(book, &deck->callers, caller);

    assert_int_equal(deck->key, TOLL_KEY_NPANXX_PAIR);
    for (uint32_t to = zone_of(book, &deck->lpm, callee); to != 0; to = book->zone_shorter[to]) {
        for (uint32_t from = callers; from != 0; from = book->zone_shorter[from]) {
            const int32_t price = price_of(book, (uint32_t)(deck - book->decks),
                                           toll_book_pair(book, deck, to, from), book_ms(at), 0);
            if (price != 0)
                return price;
        }
    }
    return 0;
}

static void assert_pair(const struct toll_book *book, const char *caller, const char *callee, const char *key)
{
    const int32_t price = pair_price(book, "d", caller, callee, NOON);

    assert_string_equal(price == 0 ? "" : toll_book_string(book, toll_book_origin(book, (uint32_t)price).key),
                        key);
}

static void order(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,key,number_basis\nd,npanxx_pair,lrn\n");
    book_file(&f, "decks/d.csv",
              "prefix,caller_prefix,rate,to\n"
              "1310,1212555,0.01,\n"
              "1310,1212,0.02,\n"
              "1310555,1,0.03,\n"
              "1,1212555,0.04,\n"
              "1415;1416,1510-1512;44,0.05,\n"
              "13105551,1212,0.06,2026-03-01\n"
              "1900,,0.07,\n"
              ",1700,0.08,\n");
    book = book_good(&f);
    assert_int_equal(f.result.price_rows, 7 + 2 * 4);
    assert_int_equal(book->decks[1].lrn, 1);
    assert_pair(book, "12125550100", "13104440100", "1212555>1310");
    assert_pair(book, "12124440100", "13104440100", "1212>1310");
    /* The callee's longer prefix goes before the caller's; one that ended does not exist. */
    assert_pair(book, "12125550100", "13105550100", "1>1310555");
    assert_pair(book, "12125550100", "13105551100", "1>1310555");
    assert_string_equal(
        toll_book_string(book,
                         toll_book_origin(book, (uint32_t)(pair_price(book, "d", "12125550100", "13105551100",
                                                                      "2026-02-01T00:00:00Z")))
                             .key),
        "1212>13105551");
    assert_pair(book, "12125550100", "12015550100", "1212555>1");
    assert_pair(book, "12124440100", "12015550100", "");
    assert_pair(book, "15115550100", "14165550100", "1511>1416");
    assert_pair(book, "442079460000", "14155550100", "44>1415");
    assert_pair(book, "15135550100", "14155550100", "");
    /* No E.164 number: the empty prefix only. */
    assert_pair(book, "", "19005550100", ">1900");
    assert_pair(book, "17005550100", "19005550100", ">1900");
    assert_pair(book, "17005550100", "", "1700>");
    assert_pair(book, "12125550100", "", "");
    assert_pair(book, "", "", "");
    /* Ids by line, callee, caller. */
    assert_string_equal(toll_book_string(book, toll_book_origin(book, 6).key), "1510>1415");
    assert_string_equal(toll_book_string(book, toll_book_origin(book, 9).key), "44>1415");
    assert_string_equal(toll_book_string(book, toll_book_origin(book, 10).key), "1510>1416");
    book_end(&f);
}

/* -- against the definition -- */

#define ROWS 1500
#define DIGITS "123"

struct pair {
    char to[12], from[12];
};

static void random_digits(uint64_t *random, char *out, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        out[i] = DIGITS[random_next(random) % (sizeof(DIGITS) - 1)];
    out[bytes] = 0;
}

static bool begins(const char *number, const char *prefix)
{
    return strncmp(number, prefix, strlen(prefix)) == 0;
}

/* The row (from 0 on) that the order of section 8 gives, or -1. */
static int best_row(const struct pair *pairs, const char *callee, const char *caller)
{
    int best = -1;

    for (int i = 0; i < ROWS; i++) {
        if (!begins(callee, pairs[i].to) || !begins(caller, pairs[i].from))
            continue;
        const size_t to = strlen(pairs[i].to), from = strlen(pairs[i].from);
        if (best < 0 || to > strlen(pairs[best].to) ||
            (to == strlen(pairs[best].to) && from > strlen(pairs[best].from)))
            best = i;
    }
    return best;
}

static void definition(void **state)
{
    static char text[ROWS * 32];
    static struct pair pairs[ROWS];
    struct book_fixture f;
    const struct toll_book *book;
    uint64_t random = 4711;
    size_t bytes;
    unsigned found = 0, missed = 0;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,key\nd,npanxx_pair\n");
    bytes = (size_t)sprintf(text, "prefix,caller_prefix,rate\n");
    for (int i = 0; i < ROWS; i++) {
        bool seen = true;
        while (seen) { /* rarely a short one, so that many calls find nothing */
            const unsigned to = (unsigned)(random_next(&random) % 8),
                           from = (unsigned)(random_next(&random) % 8);
            random_digits(&random, pairs[i].to, to == 0 && i != 7 ? 5 : to);
            random_digits(&random, pairs[i].from, from == 0 ? 6 : from);
            seen = strlen(pairs[i].to) + strlen(pairs[i].from) < 5 && i != 7;
            for (int j = 0; j < i && !seen; j++)
                seen = strcmp(pairs[i].to, pairs[j].to) == 0 && strcmp(pairs[i].from, pairs[j].from) == 0;
        }
        bytes += (size_t)sprintf(text + bytes, "%s,%s,0.%d\n", pairs[i].to, pairs[i].from, i);
    }
    book_file(&f, "decks/d.csv", text);
    book = book_good(&f);
    for (int i = 0; i < 20000; i++) {
        char callee[16], caller[16], key[32] = "";
        random_digits(&random, callee, i % 50 == 0 ? 0 : 7 + (unsigned)(random_next(&random) % 5));
        random_digits(&random, caller, i % 51 == 0 ? 0 : 7 + (unsigned)(random_next(&random) % 5));
        const int row = best_row(pairs, callee, caller);
        if (row >= 0)
            snprintf(key, sizeof(key), "%s>%s", pairs[row].from, pairs[row].to);
        assert_pair(book, caller, callee, key);
        found += row >= 0;
        missed += row < 0;
    }
    assert_true(found > 5000 && missed > 1000);
    /* Zones that have no pair with each other, and none at all. */
    assert_int_equal(toll_book_pair(book, &book->decks[1], 0, 1), 0);
    assert_int_equal(toll_book_pair(book, &book->decks[1], 1, 0), 0);
    book_end(&f);
}

/* Several decks in one book, one of them empty, one with rates by jurisdiction and steps. */
static void several(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,key\ne,npanxx_pair\nd,npanxx_pair\nx,npanxx_pair\n");
    book_file(&f, "decks/e.csv", "prefix,caller_prefix,rate\n");
    book_file(&f, "decks/d.csv", "key,caller_prefix,rate\n1310,1212,0.01\n");
    book_file(&f, "decks/x.csv",
              "prefix,caller_prefix,rate,rate_intra,step_from_s\n1310,1212,0.02,0.03,\n1310,1212,0.01,,60\n"
              "1311,1212,0.5,0.6,\n");
    book = book_good(&f);
    assert_int_equal(book->decks[1].pair_capacity, 0);
    assert_int_equal(pair_price(book, "e", "12125550100", "13105550100", NOON), 0);
    assert_int_equal(terms_of(book, pair_price(book, "d", "12125550100", "13105550100", NOON))->rate,
                     1000000);
    const int32_t price = pair_price(book, "x", "12125550100", "13105550100", NOON);
    assert_int_equal(terms_of(book, price + TOLL_RATE_INTRA)->rate, 3000000);
    assert_int_equal(toll_book_origin(book, (uint32_t)price).step, 0);
    const int32_t plain = pair_price(book, "x", "12125550100", "13115550100", NOON);
    assert_int_equal(terms_of(book, plain + TOLL_RATE_INTRA)->rate, 60000000);
    book_end(&f);
}

static void refused(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,key\nd,npanxx_pair\n");
    book_file(&f, "decks/d.csv", "prefix,rate\n1310,1\n");
    book_bad(&f, "E decks/d.csv:1:0: the column \"caller_prefix\" is missing\n");
    book_file(&f, "decks/d.csv",
              "prefix,caller_prefix,rate\n1310,12x,1\n13;,1212,1\n1310,1212,1\n1309-1311,1211-1213,1\n"
              "1000000-9000000,100-999,1\n");
    book_bad(&f, "E decks/d.csv:2:6: caller_prefix: \"12x\" is no prefix\n"
                 "E decks/d.csv:3:1: prefix: \"\" is no prefix\n"
                 "E decks/d.csv:6:1: ~more than 20000000 keys\n"
                 "E decks/d.csv:5:1: the key \"1212>1310\" is here for the second time~in line 4\n");
    book_file(&f, "decks.csv", "deck,key\nd,caller\n");
    book_file(&f, "decks/d.csv", "prefix,caller_prefix,rate\n1310,,1\n");
    book_bad(&f, "E decks/d.csv:1:0: the column \"caller_prefix\" is for decks with key npanxx_pair\n");
    book_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order),
        cmocka_unit_test(definition),
        cmocka_unit_test(several),
        cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
