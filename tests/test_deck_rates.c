/* Rates by jurisdiction: four price rows for each row of the sheet, RATING.md section 8 "Jurisdictions". */
#include "deck_fixture.h"
#include "pipeline/rate.h"

#define NONE (-1)

/* What one number is charged by column, and whose column's rate each is; NONE: no rate. */
struct expected {
    const char *number;
    int64_t rate[TOLL_RATE_COLUMNS]; /* whole dollars */
    int32_t column[TOLL_RATE_COLUMNS];
};

static void assert_rates(const struct toll_book *book, const char *deck, const struct expected *expected)
{
    const int32_t first = price_at(book, deck, expected->number, NOON, "");

    assert_true(first > 0);
    for (int32_t c = 0; c < TOLL_RATE_COLUMNS; c++) {
        const struct toll_terms *terms = terms_of(book, first + c);
        const int64_t rate = expected->rate[c];
        if (terms->state != (rate == NONE ? TOLL_PRICE_NO_RATE : TOLL_PRICE_OK) ||
            terms->rate != (rate == NONE ? 0 : rate * 100000000) ||
            toll_book_origin(book, (uint32_t)(first + c)).column != expected->column[c])
            fail_msg("deck %s, %s, column %d: state %d, rate %lld, of column %d", deck, expected->number, c,
                     terms->state, (long long)terms->rate,
                     toll_book_origin(book, (uint32_t)(first + c)).column);
    }
}

/* Lines 2 to 10. */
static const char sheet[] = "prefix,rate,rate_inter,rate_intra,rate_indeterminate,increment_s\n"
                            "44,4,1,2,3,6\n"
                            "45,4,,2,,\n"
                            "46,,1,,,\n"
                            "47,4,,,,\n"
                            "48,,,,,\n"
                            "49,5,2,2,1,\n"
                            "41,,,3,7,\n"
                            "42,0,9,0,,\n"
                            "43,,,0,,\n";

static void policies(void **state)
{
    static const char *const decks[] = {"d", "a", "e", "h"};
    /* By column: rate, inter, intra; the last one is by the deck's policy: own, intra, inter, higher. */
    static const struct {
        const char *number;
        int64_t rate[3], policy[4];
        int32_t column[3], policy_column[4];
    } rows[] = {
        {"4420794600", {4, 1, 2}, {3, 2, 1, 2}, {0, 1, 2}, {3, 2, 1, 2}},
        {"4520794600", {4, 4, 2}, {4, 2, 4, 4}, {0, 0, 2}, {0, 2, 0, 0}},
        {"4620794600", {NONE, 1, NONE}, {NONE, NONE, 1, 1}, {0, 1, 0}, {0, 0, 1, 1}},
        {"4720794600", {4, 4, 4}, {4, 4, 4, 4}, {0, 0, 0}, {0, 0, 0, 0}},
        {"4820794600", {NONE, NONE, NONE}, {NONE, NONE, NONE, NONE}, {0, 0, 0}, {0, 0, 0, 0}},
        {"4920794600", {5, 2, 2}, {1, 2, 2, 2}, {0, 1, 2}, {3, 2, 1, 1}},
        {"4120794600", {NONE, NONE, 3}, {7, 3, NONE, 3}, {0, 0, 2}, {3, 2, 0, 2}},
        {"4220794600", {0, 9, 0}, {0, 0, 9, 9}, {0, 1, 2}, {0, 2, 1, 1}},
        {"4320794600", {NONE, NONE, 0}, {NONE, 0, NONE, 0}, {0, 0, 2}, {0, 2, 0, 2}},
    };
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv",
              "deck,indeterminate,jurisdiction_basis,number_basis\nd,,,\na,INTRA,site,lrn\ne,inter,carrier,\n"
              "h,higher,ani_lrn,\n");
    book_file(&f, "decks/d.csv", sheet);
    book_file(&f, "decks/a.csv", sheet);
    book_file(&f, "decks/e.csv", sheet);
    book_file(&f, "decks/h.csv", sheet);
    book = book_good(&f);
    assert_int_equal(f.result.warnings, 4); /* 48, in each deck; 46 and 41 do have a rate */
    assert_non_null(strstr(f.findings, "W decks/h.csv:6:4: rate: the rate is empty"));
    assert_int_equal(f.result.price_rows, 4 * 9); /* of the sheets */
    assert_int_equal(book->price_count, 2 + 4 * 9 * 4);
    for (unsigned d = 0; d < 4; d++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct expected expected = {.number = rows[i].number};
            for (unsigned c = 0; c < 3; c++) {
                expected.rate[c] = rows[i].rate[c];
                expected.column[c] = rows[i].column[c];
            }
            expected.rate[3] = rows[i].policy[d];
            expected.column[3] = rows[i].policy_column[d];
            assert_rates(book, decks[d], &expected);
        }
    }
    const struct toll_deck *deck = &book->decks[deck_id(book, "d")];
    assert_true(deck->by_jurisdiction == 1 && deck->lrn == 0 && deck->split == 0);
    assert_int_equal(deck->basis, TOLL_BASIS_ANI);
    deck = &book->decks[deck_id(book, "a")];
    assert_true(deck->by_jurisdiction == 1 && deck->lrn == 1);
    assert_int_equal(deck->basis, TOLL_BASIS_SITE);
    assert_int_equal(book->decks[deck_id(book, "e")].basis, TOLL_BASIS_CARRIER);
    assert_int_equal(book->decks[deck_id(book, "h")].basis, TOLL_BASIS_ANI_LRN);
    /* Ids by (deck, line, key, column); all else of the four is the same. */
    assert_int_equal(price_at(book, "d", "4420794600", NOON, ""), 2);
    assert_int_equal(price_at(book, "d", "4520794600", NOON, ""), 6);
    assert_int_equal(price_at(book, "a", "4420794600", NOON, ""), 2 + 9 * 4);
    for (int32_t price = 2; price < 6; price++) {
        assert_int_equal(terms_of(book, price)->increment, 6);
        assert_int_equal(toll_book_origin(book, (uint32_t)price).line, 2);
        assert_string_equal(toll_book_string(book, toll_book_origin(book, (uint32_t)price).key), "44");
    }
    book_end(&f);
}

/* A deck of which one file has the columns has four price rows for each row of all its files. */
static void versions(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,columns,indeterminate\nd,,own\nm,rate_intra=Intra;rate=Rate,intra\n");
    book_file(&f, "deck_versions.csv",
              "deck,file,effective,mode\nd,jan,2026-01-01,\nd,mar,2026-03-01,amend\n"
              "r,mar,2026-01-01,\nr,jan,2026-03-01,\n");
    book_file(&f, "decks/jan.csv", "prefix,rate,connect_fee\n44,5,0.5\n45-46,6,\n");
    book_file(&f, "decks/mar.csv", "prefix,rate,rate_intra,status\n44,7,8,\n47,1,,blocked\n");
    book_file(&f, "decks/m.csv", "prefix,Rate,Intra,rate_interim\n44,1,2,x\n");
    book = book_good(&f);
    assert_int_equal(book->price_count, 2 + 4 * 6 + 4 * 5);
    const int32_t jan = price_at(book, "d", "4420794600", "2026-02-28T12:00:00Z", "");
    for (int32_t c = 0; c < TOLL_RATE_COLUMNS; c++) {
        assert_int_equal(terms_of(book, jan + c)->rate, 500000000);
        assert_int_equal(terms_of(book, jan + c)->connect_fee, 50000000);
        assert_int_equal(toll_book_origin(book, (uint32_t)(jan + c)).column, TOLL_RATE_OTHER);
    }
    assert_rates(book, "d", &(struct expected){"4420794600", {7, 7, 8, 7}, {0, 0, 2, 0}});
    assert_rates(book, "d", &(struct expected){"4620794600", {6, 6, 6, 6}, {0, 0, 0, 0}});
    assert_rates(book, "m", &(struct expected){"4420794600", {1, 1, 2, 2}, {0, 0, 2, 2}});
    assert_rates(book, "r", &(struct expected){"4420794600", {5, 5, 5, 5}, {0, 0, 0, 0}});
    const int32_t blocked = price_at(book, "d", "4720794600", NOON, "");
    for (int32_t c = 0; c < TOLL_RATE_COLUMNS; c++)
        assert_int_equal(terms_of(book, blocked + c)->state, TOLL_PRICE_BLOCKED);
    book_end(&f);
}

/* Keys of other kinds, and rows that differ by time and band. */
static void other_keys(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,key,calendar\nd,caller,c\nt,calltype,\n");
    book_file(&f, "calendars.csv", "calendar,band,days\nc,weekend,6;7\n");
    book_file(&f, "decks/d.csv",
              "prefix,rate,rate_inter,band,to\n44,1,2,,\n44,3,4,weekend,\n442,5,6,,2026-03-01\n");
    book_file(&f, "decks/t.csv", "key,rate,rate_indeterminate\nLD,1,2\n,3,\n");
    book = book_good(&f);
    assert_int_equal(book->decks[deck_id(book, "d")].key, TOLL_KEY_CALLER);
    assert_rates(book, "d", &(struct expected){"4420794600", {1, 2, 1, 1}, {0, 1, 0, 0}});
    const int32_t weekend = price_at(book, "d", "4420794600", NOON, "weekend");
    assert_int_equal(terms_of(book, weekend + TOLL_RATE_INTER)->rate, 400000000);
    const int32_t before = price_at(book, "d", "4420794600", "2026-02-01T00:00:00Z", "");
    assert_int_equal(terms_of(book, before + TOLL_RATE_INTER)->rate, 600000000);
    const uint32_t t = deck_id(book, "t");
    const uint32_t ld = toll_book_calltype(book, t, "LD", 2),
                   everything = toll_book_calltype(book, t, "X", 1);
    assert_int_equal(terms_of(book, (int32_t)ld + TOLL_RATE_INDETERMINATE)->rate, 200000000);
    assert_int_equal(terms_of(book, (int32_t)everything + TOLL_RATE_INDETERMINATE)->rate, 300000000);
    book_end(&f);
}

/* What prices.arrow says of each of the four, and of a price that is no deck's. */
static void described(void **state)
{
    static const char *const columns[] = {"rate", "rate_inter", "rate", "rate_inter"};
    struct book_fixture f;
    struct toll_price_row row;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,indeterminate\nd,inter\n");
    book_file(&f, "decks/d.csv", "prefix,rate,rate_inter,step_from_s\n44,0.01,0.02,\n44,0.03,0.04,60\n");
    book_good(&f);
    for (int32_t c = 0; c < TOLL_RATE_COLUMNS; c++) {
        toll_price_describe(f.book, 2 + c, 0, &row);
        assert_string_equal(row.column, columns[c]);
        assert_int_equal(row.rate, c % 2 == 0 ? 1000000 : 2000000);
        assert_int_equal(row.step, 0);
        toll_price_describe(f.book, 6 + c, 0, &row);
        assert_string_equal(row.column, columns[c]);
        assert_int_equal(row.step, 60);
        assert_int_equal(row.line, 3);
    }
    toll_price_describe(f.book, TOLL_PRICE_EMERGENCY, 0, &row);
    assert_string_equal(row.column, "");
    book_end(&f);
}

static void refused(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(
        &f, "decks/d.csv",
        "prefix,rate,rate_inter,rate_intra,rate_indeterminate\n44,1,-1,x,0.000000001\n44,1,,,\n44,2,,,\n"
        "1000000-9000000,1,,,\n");
    book_bad(&f, "E decks/d.csv:2:6: rate_inter: ~is negative\n"
                 "E decks/d.csv:2:9: rate_intra: ~is not a decimal number\n"
                 "E decks/d.csv:2:11: rate_indeterminate: ~more than 8 decimals\n"
                 "E decks/d.csv:5:1: ~more than 20000000 keys, ranges written out and each rate\n"
                 "E decks/d.csv:4:1: ~the key \"44\" is here for the second time\n");
    book_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies),  cmocka_unit_test(versions), cmocka_unit_test(other_keys),
        cmocka_unit_test(described), cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
