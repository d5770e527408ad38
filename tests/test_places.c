/* npanxx.csv, local_areas.csv, calltypes.csv, and what book.yaml and sites.csv say of places. What a number's
 * place is stands here by hand, after docs/RATING.md 6.1; the area codes are facts of the numbering plan. */
#include "book_fixture.h"

#include "base/digits.h"
#include "ratetable/lpm.h"

static const struct toll_place *place_of(const struct toll_book *book, const char *number)
{
    uint64_t key;

    assert_true(toll_digits_pack(number, strlen(number), &key));
    return &book->places[toll_lpm_find(book->place_lpm, book->lpm_words, key)];
}

/* "US NJ Newark", "- -" for nowhere, with ! in front where it is abroad. */
static void assert_place(const struct toll_book *book, const char *number, const char *expected)
{
    const struct toll_place *place = place_of(book, number);
    const char *country = toll_book_string(book, place->country);
    const char *state = toll_book_string(book, book->state_names[place->state]);
    const char *ratecenter = toll_book_string(book, book->ratecenter_names[place->ratecenter]);
    char text[256];

    snprintf(text, sizeof(text), "%s%s %s%s%s", place->abroad ? "!" : "", country[0] ? country : "-",
             state[0] ? state : "-", ratecenter[0] ? " " : "", ratecenter);
    if (strcmp(text, expected) != 0)
        fail_msg("%s lies in \"%s\", not in \"%s\"", number, text, expected);
}

static void area_codes(void **state)
{
    static const char *const cases[][2] = {
        {"12125550100", "US NY"}, {"13105550100", "US CA"}, {"12025550100", "US DC"},
        {"17875550100", "US PR"}, {"16715550100", "US GU"}, {"14165550100", "!CA ON"},
        {"18765550100", "!JM -"}, {"12425550100", "!BS -"}, {"18005550100", "- -"},
        {"19005550100", "- -"},   {"442079460000", "- -"},  {"15005550100", "- -"},
        {"16005550100", "- -"},   {"16225550100", "- -"},
    };
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book = book_good(&f);
    assert_string_equal(book->country, "US");
    assert_int_equal(book->basis, TOLL_BASIS_ANI);
    assert_int_equal(book->on_net, TOLL_ON_NET_NONE);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_place(book, cases[i][0], cases[i][1]);
    assert_int_equal(book->local_pair_count, 0);
    assert_int_equal(toll_book_calltype_word(book, "LD", "x"), -1);
    book_file(&f, "book.yaml",
              "book: b\ncurrency: CAD\ntimezone: America/Toronto\ncountry: CA\njurisdiction_basis: carrier\n"
              "on_net: account\n");
    book = book_good(&f);
    assert_string_equal(book->country, "CA");
    assert_int_equal(book->basis, TOLL_BASIS_CARRIER);
    assert_int_equal(book->on_net, TOLL_ON_NET_ACCOUNT);
    assert_place(book, "14165550100", "CA ON");
    assert_place(book, "12125550100", "!US NY");
    book_end(&f);
}

static void rows(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "npanxx.csv",
              "lata,prefix,State,ratecenter,country,county,city,area\n"
              "224,1201,nj,Hackensack,,Bergen,Hackensack,A1\n"
              "224,1201555,NJ,Jersey City,us,,,\n"
              ",12015551,,,,,,\n"
              ",12015552-12015554;1201556,NY,NEW YORK,,,,\n"
              ",12015550123,ON,Toronto,ca,,,\n"
              ",1876,,,,,,\n"
              ",1999-1999,,,xx,,,\n"
              "224,1202,NJ,jersey city,US,,,\n");
    book = book_good(&f);
    assert_place(book, "12013330100", "US NJ HACKENSACK"); /* the built-in row of 1201 is replaced */
    assert_place(book, "12015550100", "US NJ JERSEY CITY");
    assert_place(book, "12015551100", "US -"); /* nothing is inherited */
    assert_place(book, "12015552100", "US NY NEW YORK");
    assert_place(book, "12015554999", "US NY NEW YORK");
    assert_place(book, "12015555000", "US NJ JERSEY CITY");
    assert_place(book, "12015560000", "US NY NEW YORK");
    assert_place(book, "12015550123", "!CA ON TORONTO");
    assert_place(book, "12015550124", "US NJ JERSEY CITY");
    assert_place(book, "18765550100", "US -");
    assert_place(book, "19995550100", "!XX -");
    assert_place(book, "12125550100", "US NY");
    assert_place(book, "12025550100", "US NJ JERSEY CITY");
    /* Equal in all but the case of letters: one ratecenter, one place. */
    assert_ptr_equal(place_of(book, "12025550100"), place_of(book, "12015550124"));
    assert_int_equal(place_of(book, "12125550100")->state, place_of(book, "12015552100")->state);
    assert_string_equal(toll_book_string(book, place_of(book, "12013330100")->county), "Bergen");
    assert_string_equal(toll_book_string(book, place_of(book, "12013330100")->city), "Hackensack");
    assert_string_equal(toll_book_string(book, place_of(book, "12013330100")->lata), "224");
    assert_string_equal(toll_book_string(book, place_of(book, "12013330100")->area), "A1");
    book_end(&f);
}

static void sites(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "accounts.csv", "account,cycle_day\nacme,\nbeta,28\n");
    book_file(&f, "sites.csv", "site,account,state\na,acme,ny\nb,acme,\nc,beta,zz\nd,beta,ZZ\n");
    book = book_good(&f);
    assert_int_equal(book->accounts[1].cycle_day, 1);
    assert_int_equal(book->accounts[2].cycle_day, 28);
    assert_int_equal(book->sites[1].state, place_of(book, "12125550100")->state);
    assert_int_equal(book->sites[2].state, 0);
    assert_string_equal(toll_book_string(book, book->state_names[book->sites[3].state]), "ZZ");
    assert_int_equal(book->sites[3].state, book->sites[4].state);
    /* The same letters in another country are another state: Canada's NL is not the book's. */
    book_file(&f, "sites.csv", "site,account,state\na,acme,NL\n");
    book = book_good(&f);
    assert_place(book, "17095550100", "!CA NL");
    assert_int_not_equal(book->sites[1].state, place_of(book, "17095550100")->state);
    /* Number plan e164 has no places at all. */
    book_file(&f, "book.yaml", "book: b\ncurrency: USD\ntimezone: UTC\nnumber_plan: e164\non_net: any\n");
    book = book_good(&f);
    assert_null(book->place_lpm);
    assert_string_equal(book->country, "");
    assert_int_equal(book->on_net, TOLL_ON_NET_ANY);
    book_end(&f);
}

static uint32_t ratecenter(const struct toll_book *book, const char *number)
{
    return place_of(book, number)->ratecenter;
}

static void local_areas(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    uint32_t newark, trenton, camden, springfield_nj, springfield_il;
    (void)state;

    book_begin(&f);
    book_file(&f, "npanxx.csv",
              "prefix,state,ratecenter,country\n1973555,NJ,Newark,\n1609555,NJ,Trenton,\n1856555,NJ,Camden,\n"
              "1908555,NJ,Springfield,\n1217555,IL,Springfield,\n1416555,ON,Camden,CA\n1999,,Nowhere,\n");
    book_file(&f, "local_areas.csv",
              "from_ratecenter,from_state,to_ratecenter,to_state\n"
              "Newark,,trenton,\n"
              "TRENTON,NJ,Springfield,nj\n"
              "Camden,,Newark,\n" /* Canada's does not make it ambiguous */
              "Newark,,Trenton,\n"
              "Nowhere,,Newark,\n");
    book = book_good(&f);
    newark = ratecenter(book, "19735550100");
    trenton = ratecenter(book, "16095550100");
    camden = ratecenter(book, "18565550100");
    springfield_nj = ratecenter(book, "19085550100");
    springfield_il = ratecenter(book, "12175550100");
    assert_int_equal(book->local_pair_count, 4);
    assert_true(toll_book_is_local(book, newark, trenton));
    assert_false(toll_book_is_local(book, trenton, newark));
    assert_true(toll_book_is_local(book, newark, newark));
    assert_true(toll_book_is_local(book, trenton, springfield_nj));
    assert_false(toll_book_is_local(book, trenton, springfield_il));
    assert_true(toll_book_is_local(book, camden, newark));
    assert_false(toll_book_is_local(book, ratecenter(book, "14165550100"), newark));
    assert_true(toll_book_is_local(book, ratecenter(book, "19995550100"), newark));
    assert_false(toll_book_is_local(book, 0, 0));
    assert_false(toll_book_is_local(book, 0, newark));
    assert_false(toll_book_is_local(book, newark, 0));
    book_end(&f);
}

static void calltypes(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "calltypes.csv",
              "calltype,jurisdiction,carrier\n"
              "LD,interstate,\nLD,intrastate,b\nLD,Local,d\nLD,international,f\n"
              "INTL,international,b\nIND,indeterminate,\n");
    book = book_good(&f);
    assert_int_equal(toll_book_calltype_word(book, "LD", ""), TOLL_INTERSTATE);
    assert_int_equal(toll_book_calltype_word(book, "LD", "b"), TOLL_INTRASTATE);
    assert_int_equal(toll_book_calltype_word(book, "LD", "d"), TOLL_LOCAL);
    assert_int_equal(toll_book_calltype_word(book, "LD", "f"), TOLL_INTERNATIONAL);
    assert_int_equal(toll_book_calltype_word(book, "LD", "a"), TOLL_INTERSTATE);
    assert_int_equal(toll_book_calltype_word(book, "LD", "e"), TOLL_INTERSTATE);
    assert_int_equal(toll_book_calltype_word(book, "LD", "z"), TOLL_INTERSTATE);
    assert_int_equal(toll_book_calltype_word(book, "INTL", "b"), TOLL_INTERNATIONAL);
    assert_int_equal(toll_book_calltype_word(book, "INTL", "c"), -1);
    assert_int_equal(toll_book_calltype_word(book, "INTL", ""), -1);
    assert_int_equal(toll_book_calltype_word(book, "IND", "c"), TOLL_INDETERMINATE);
    assert_int_equal(toll_book_calltype_word(book, "ld", ""), -1);
    assert_int_equal(toll_book_calltype_word(book, "", ""), -1);
    book_end(&f);
}

static void refused(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "book.yaml",
              "book: b\ncurrency: USD\ntimezone: UTC\ncountry: usa\njurisdiction_basis: cell\non_net: yes\n");
    book_file(&f, "accounts.csv", "account,cycle_day\nacme,29\n");
    book_file(&f, "carriers.csv", "carrier\nlevel3\n");
    book_file(&f, "npanxx.csv",
              "prefix,country,state,ratecenter\n"
              "1201,U1,,\n"                  /* 2 */
              "1202,USA,,\n"                 /* 3 */
              "1203,U,,\n"                   /* 4 */
              ",,,\n"                        /* 5: no text at all, skipped */
              ",US,,\n"                      /* 6 */
              "120,,,\n"                     /* 7 */
              "2201,,,\n"                    /* 8 */
              "120155501234,,,\n"            /* 9 */
              "1998-2001,,,\n"               /* 10 */
              "1204-1203,,,\n"               /* 11 */
              "1301,,MD,Bethesda\n"          /* 12 */
              "1300-1302,,MD,\n"             /* 13 */
              "1401;1401,,RI,\n"             /* 14 */
              "12020000000-12029999999,,,\n" /* 15: ten million are the limit */
              "1217555,,IL,Springfield\n"    /* 16 */
              "1908555,,NJ,Springfield\n");  /* 17 */
    book_file(&f, "local_areas.csv",
              "from_ratecenter,to_ratecenter,from_state,to_state\n"
              ",Bethesda,,\n"            /* 2 */
              "Bethesda,Betesda,,\n"     /* 3 */
              "Springfield,Bethesda,,\n" /* 4 */
              "Bethesda,Springfield,,NY\n"
              "Bethesda,Bethesda,VA,MD\n");
    book_file(&f, "calltypes.csv",
              "calltype,jurisdiction,carrier\n,local,\nLD,,\nLD,near,\nLD,local,nobody\nLD,local,level3\n"
              "LD,local,level3\n");
    book_file(&f, "plan_rules.csv", "plan,action,deck,class\np,deck,d,on_net\n");
    book_bad(&f, "E book.yaml:6:1: on_net: ~none, account, any\n"
                 "E book.yaml:5:1: jurisdiction_basis: ~ani, ani_lrn, site, carrier\n"
                 "E book.yaml:4:1: country: \"usa\" is not two capital letters\n"
                 "E accounts.csv:2:6: cycle_day: \"29\" is not from 1 to 28\n"
                 "E npanxx.csv:2:6: country: \"U1\" is not the two letters of a country\n"
                 "E npanxx.csv:3:6: country: \"USA\" is not the two letters of a country\n"
                 "E npanxx.csv:4:6: country: \"U\" is not the two letters of a country\n"
                 "E npanxx.csv:6:1: prefix: this cell must not be empty\n"
                 "E npanxx.csv:7:1: prefix: \"120\": a place's prefix is 1 and 3 to 10 more digits\n"
                 "E npanxx.csv:8:1: prefix: \"2201\": a place's prefix is 1 and\n"
                 "E npanxx.csv:9:1: prefix: \"120155501234\": a place's prefix is 1 and\n"
                 "E npanxx.csv:10:1: prefix: \"1998-2001\": a place's prefix is 1 and\n"
                 "E npanxx.csv:11:1: prefix: \"1204-1203\" is a range that ends before it begins\n"
                 "E npanxx.csv:15:1: prefix: ~with this row the table has more than 10000000 prefixes\n"
                 "E npanxx.csv:13:1: prefix: the prefix \"1301\" is here for the second time; ~in line 12\n"
                 "E npanxx.csv:14:1: prefix: the prefix \"1401\" is here for the second time; ~in line 14\n"
                 "E local_areas.csv:2:1: from_ratecenter: this cell must not be empty\n"
                 "E local_areas.csv:3:10: to_ratecenter: ~\"Betesda\" is unknown: it has no row in "
                 "npanxx.csv; did you mean \"BETHESDA\"?\n"
                 "E local_areas.csv:4:1: from_ratecenter: several states ~write which in from_state\n"
                 "E local_areas.csv:5:23: to_state: ~\"Springfield\", but not in the state \"NY\"\n"
                 "E local_areas.csv:6:19: from_state: ~\"Bethesda\", but not in the state \"VA\"\n"
                 "E calltypes.csv:2:1: calltype: this cell must not be empty\n"
                 "E calltypes.csv:3:4: jurisdiction: this cell must not be empty\n"
                 "E calltypes.csv:4:4: jurisdiction: \"near\" is none of indeterminate, local\n"
                 "E calltypes.csv:5:10: carrier: the carrier \"nobody\" is unknown\n"
                 "E calltypes.csv:7:1: calltype: the call type \"LD\" is here for the second time; ~line 6\n"
                 "E plan_rules.csv:2:10: class: \"on_net\": no call of this book is; set on_net in "
                 "book.yaml\n");
    book_end(&f);
}

static void refused_in_e164(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "book.yaml",
              "book: b\ncurrency: USD\ntimezone: UTC\nnumber_plan: e164\ncountry: US\n"
              "jurisdiction_basis: ani\n");
    book_file(&f, "npanxx.csv", "prefix\n1201\n");
    book_file(&f, "local_areas.csv", "from_ratecenter,to_ratecenter\n");
    book_file(&f, "calltypes.csv", "calltype,jurisdiction\n");
    book_bad(&f, "E book.yaml:5:1: country: only a book with number_plan nanp has it\n"
                 "E book.yaml:6:1: jurisdiction_basis: only a book with number_plan nanp has it\n"
                 "E npanxx.csv:0:0: only a book with number_plan nanp has this table\n"
                 "E local_areas.csv:0:0: only a book with number_plan nanp has this table\n"
                 "E calltypes.csv:0:0: only a book with number_plan nanp has this table\n");
    book_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(area_codes),      cmocka_unit_test(rows),      cmocka_unit_test(sites),
        cmocka_unit_test(local_areas),     cmocka_unit_test(calltypes), cmocka_unit_test(refused),
        cmocka_unit_test(refused_in_e164),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
