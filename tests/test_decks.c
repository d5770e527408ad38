/* Decks: versions, dates, prefixes, terms, call types; what is refused, and where. */
#include "deck_fixture.h"

/* The rate and the prefix that priced a number. */
static void assert_price(const struct toll_book *book, const char *deck, const char *number, const char *at,
                         toll_money rate, const char *prefix)
{
    const int32_t price = price_at(book, deck, number, at, "");

    assert_true(price > 0);
    assert_int_equal(terms_of(book, price)->rate, rate);
    assert_string_equal(toll_book_string(book, toll_book_origin(book, (uint32_t)price).key), prefix);
}

static void terms(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    const struct toll_terms *t;
    struct toll_price_origin origin;
    int32_t price;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv",
              "deck,decimals,rounding,init_mode,duration_rounding,zero_s,boundary,number_basis\n"
              "d,4,half_even,round_total,half_up,minimum,start,dialled\nplain,,,,,,,\n");
    book_file(
        &f, "decks/d.csv",
        "prefix,destination,rate,per_s,connect_fee,initial_s,increment_s,minimum_s,free_s,minimum_charge,"
        "maximum_charge,status\n"
        "1201,\"New Jersey, Jersey City\",0.12345678,1,0.5,30,6,10,5,0.01,2,Active\n"
        "1202,DC,,,,,,,,,,\n"
        "1203,CT,0.1,,,,60,,,,,BLOCKED\n"
        "1204,MB,0.1,,,0,60,,,,,current\n");
    book_file(&f, "decks/plain.csv", "key,rate\n44,0.02\n45,0.02\n46,600.0\n");
    book = book_good(&f);
    assert_string_equal(f.findings,
                        "W decks/d.csv:3:9: rate: the rate is empty: calls to it go to suspense as "
                        "no_rate; write 0 if it is free\n");
    assert_int_equal(f.result.warnings, 1);
    assert_int_equal(f.result.price_rows, 7);
    price = price_at(&*book, "d", "12015550100", NOON, "");
    t = terms_of(book, price);
    assert_int_equal(t->rate, 12345678);
    assert_int_equal(t->per, 1);
    assert_int_equal(t->connect_fee, 50000000);
    assert_int_equal(t->initial, 30);
    assert_int_equal(t->increment, 6);
    assert_int_equal(t->minimum_units, 10);
    assert_int_equal(t->free_units, 5);
    assert_int_equal(t->minimum_charge, 1000000);
    assert_int_equal(t->maximum_charge, 200000000);
    assert_int_equal(t->quantum, 10000);
    assert_int_equal(t->decimals, 4);
    assert_int_equal(t->rounding, TOLL_HALF_EVEN);
    assert_int_equal(t->init_mode, TOLL_INIT_ROUND_TOTAL);
    assert_int_equal(t->duration_rounding, TOLL_DURATION_HALF_UP);
    assert_int_equal(t->zero_s, TOLL_ZERO_S_MINIMUM);
    assert_int_equal(t->state, TOLL_PRICE_OK);
    assert_int_equal(t->small, 1);
    origin = toll_book_origin(book, (uint32_t)price);
    assert_int_equal(origin.kind, TOLL_PRICE_DECK);
    assert_int_equal(origin.line, 2);
    assert_string_equal(toll_book_string(book, origin.file), "decks/d.csv");
    assert_string_equal(toll_book_string(book, origin.destination), "New Jersey, Jersey City");
    assert_int_equal(terms_of(book, price_at(book, "d", "12025550100", NOON, ""))->state, TOLL_PRICE_NO_RATE);
    assert_int_equal(terms_of(book, price_at(book, "d", "12035550100", NOON, ""))->state, TOLL_PRICE_BLOCKED);
    t = terms_of(book, price_at(book, "d", "12045550100", NOON, ""));
    assert_int_equal(t->initial, 60);
    /* All defaults; equal terms are stored once. */
    price = price_at(book, "plain", "442079460000", NOON, "");
    assert_int_equal(book->price_terms[price],
                     book->price_terms[price_at(book, "plain", "452079460000", NOON, "")]);
    t = terms_of(book, price);
    assert_int_equal(t->per, 60);
    assert_int_equal(t->initial, 1);
    assert_int_equal(t->increment, 1);
    assert_int_equal(t->minimum_charge, 0);
    assert_true(t->maximum_charge == INT64_MAX);
    assert_int_equal(t->quantum, 100);
    assert_int_equal(t->rounding, TOLL_HALF_UP);
    assert_int_equal(t->small, 1);
    assert_int_equal(terms_of(book, price_at(book, "plain", "462079460000", NOON, ""))->small, 1);
    /* Price ids: the emergency row, then the deck rows by deck and line. */
    assert_int_equal(book->price_count, 9);
    assert_int_equal(toll_book_origin(book, TOLL_PRICE_EMERGENCY).kind, TOLL_PRICE_BUILTIN);
    assert_int_equal(toll_book_origin(book, 2).line, 2);
    assert_string_equal(toll_book_string(book, toll_book_origin(book, 6).key), "44");
    book_end(&f);
}

/* RATING.md section 12.7, and what the prefix "44" does in it. */
static void versions(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(
        &f, "deck_versions.csv",
        "deck,file,effective,mode\nd,march,2026-03-01,full\nd,jan,2026-01-01,full\nd,amend,2026-02-10,amend\n"
        "d,fix,2026-03-01,amend\n");
    book_file(&f, "decks/jan.csv", "prefix,rate\n44,0.05\n447,0.09\n448,0.2\n");
    book_file(&f, "decks/amend.csv", "prefix,rate\n447,0.08\n4479,0.10\n");
    book_file(&f, "decks/march.csv", "prefix,rate\n44,0.04\n49,0.01\n");
    book_file(&f, "decks/fix.csv", "prefix,rate\n49,0.02\n");
    book = book_good(&f);
    assert_int_equal(price_at(book, "d", "447900000000", "2026-01-01T04:59:59.999Z", ""), 0);
    assert_price(book, "d", "447900000000", "2026-01-01T05:00:00Z", 9000000, "447");
    assert_price(book, "d", "447900000000", "2026-02-10T04:59:59.999Z", 9000000, "447");
    assert_price(book, "d", "447900000000", "2026-02-10T05:00:00Z", 10000000, "4479");
    assert_price(book, "d", "447700000000", "2026-02-10T05:00:00Z", 8000000, "447");
    assert_price(book, "d", "448700000000", "2026-02-10T05:00:00Z", 20000000, "448");
    assert_price(book, "d", "442000000000", "2026-02-10T05:00:00Z", 5000000, "44");
    assert_price(book, "d", "447900000000", "2026-03-01T05:00:00Z", 4000000, "44");
    assert_price(book, "d", "448700000000", "2026-03-01T05:00:00Z", 4000000, "44");
    /* An amendment at the same time as a full version ends its row at once. */
    assert_price(book, "d", "4930123456", "2026-03-01T05:00:00Z", 2000000, "49");
    assert_int_equal(price_at(book, "d", "4930123456", "2026-02-01T05:00:00Z", ""), 0);
    book_end(&f);
}

static void dates_and_bands(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,calendar,timezone\nd,c,Europe/London\n");
    book_file(&f, "calendars.csv", "calendar,band,days\nc,week,1-5\nc,weekend,6;7\n");
    book_file(&f, "holidays.csv", "calendar,date,band\nc,2026-12-25,xmas\n");
    book_file(&f, "decks/d.csv",
              "prefix,rate,band,from,to\n44,0.01,,,\n447,0.05,,2026-04-01,2026-07-01 10:30:00.9999\n"
              "447,0.06,,2026-08-01,\n447,0.03,weekend,2026-04-01,\n4479,0.07,xmas,,\n4478,0.9,,2026-05-01,"
              "2026-05-01\n");
    book = book_good(&f);
    assert_int_equal(f.result.warnings, 1);
    assert_price(book, "d", "447800000000", "2026-03-31T22:59:59.999Z", 1000000, "44");
    assert_price(book, "d", "447800000000", "2026-03-31T23:00:00Z", 5000000, "447");
    assert_price(book, "d", "447800000000", "2026-07-01T09:30:00.998Z", 5000000, "447");
    /* The weekend row is still in force, so the prefix exists; but it is no weekend: no band. */
    assert_int_equal(price_at(book, "d", "447800000000", "2026-07-01T09:30:00.999Z", "week"), -1);
    assert_int_equal(
        terms_of(book, price_at(book, "d", "447800000000", "2026-07-01T09:30:00.999Z", "weekend"))->rate,
        3000000);
    assert_price(book, "d", "447800000000", "2026-08-01T00:00:00+01:00", 6000000, "447");
    assert_int_equal(price_at(book, "d", "447900000000", NOON, ""), -1);
    assert_int_equal(terms_of(book, price_at(book, "d", "447900000000", NOON, "xmas"))->rate, 7000000);
    book_end(&f);
}

static void prefix_cells(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    const struct toll_deck *deck;
    (void)state;

    book_begin(&f);
    book_file(
        &f, "decks/d.csv",
        "prefix,rate\n,0.5\n+44; 4420 ;45,0.01\n1201-1205,0.02\n\"1208 - 1208;09-11\",0.03\n099-101,0.04\n");
    book = book_good(&f);
    deck = &book->decks[1];
    assert_int_equal(f.result.price_rows, 1 + 3 + 5 + 4 + 3);
    assert_price(book, "d", "442079460000", NOON, 1000000, "4420");
    assert_price(book, "d", "443079460000", NOON, 1000000, "44");
    assert_price(book, "d", "12005550100", NOON, 50000000, "");
    assert_price(book, "d", "12015550100", NOON, 2000000, "1201");
    assert_price(book, "d", "12055550100", NOON, 2000000, "1205");
    assert_price(book, "d", "12065550100", NOON, 50000000, "");
    assert_price(book, "d", "12085550100", NOON, 3000000, "1208");
    assert_price(book, "d", "11234567890", NOON, 3000000, "11");
    assert_price(book, "d", "1004567890", NOON, 4000000, "100");
    assert_int_equal(deck->lpm.everything, 1); /* its first row */
    book_end(&f);
}

static void calltypes(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    uint32_t id;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,key\nd,calltype\ne,calltype\n");
    book_file(&f, "decks/d.csv", "key,rate,from\nLD;LD2 ; L,0.03,\nTF,0,2026-03-01\n,0.5,\n");
    book_file(&f, "decks/e.csv", "prefix,rate\nld,0.04\n44-45,0.05\n");
    book = book_good(&f);
    id = deck_id(book, "d");
    assert_int_equal(
        terms_of(book, price_of(book, id, toll_book_calltype(book, id, "LD2", 3), book_ms(NOON), 0))->rate,
        3000000);
    assert_int_equal(
        terms_of(book, price_of(book, id, toll_book_calltype(book, id, "L", 1), book_ms(NOON), 0))->rate,
        3000000);
    assert_int_equal(
        terms_of(book, price_of(book, id, toll_book_calltype(book, id, "TF", 2), book_ms(NOON), 0))->rate, 0);
    /* Not yet in force: the empty key. Letter for letter. */
    assert_int_equal(terms_of(book, price_of(book, id, toll_book_calltype(book, id, "TF", 2),
                                             book_ms("2026-02-01T00:00:00Z"), 0))
                         ->rate,
                     50000000);
    assert_int_equal(
        terms_of(book, price_of(book, id, toll_book_calltype(book, id, "ld", 2), book_ms(NOON), 0))->rate,
        50000000);
    assert_int_equal(toll_book_calltype(book, id, "", 0),
                     own_value(&book->decks[id], book->decks[id].calltype_everything));
    id = deck_id(book, "e");
    assert_int_equal(toll_book_calltype(book, id, "LD", 2), 0);
    assert_int_equal(toll_book_calltype(book, id, "ldx", 3), 0);
    assert_int_equal(terms_of(book, (int32_t)toll_book_calltype(book, id, "44-45", 5))->rate, 5000000);
    book_end(&f);
}

static void rows_refused(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(
        &f, "decks/d.csv",
        "prefix,rate,per_s,increment_s,initial_s,minimum_s,minimum_charge,maximum_charge,status,band,from,to,"
        "rate_inter,step_from_s,destination\n"
        "1,-0.01,,,,,,,,,,,,,\n"
        "2,0.123456789,,,,,,,,,,,,,\n"
        "3,abc,,,,,,,,,,,,,\n"
        "4,1,0,,,,,,,,,,,,\n"
        "5,1,,0,,,,,,,,,,,\n"
        "6,1,,1.5,-1,,,,,,,,,,\n"
        "7,1,,,,,2,1.99,,,,,,,\n"
        "8,1,,,,,,,gone,,,,,,\n"
        "9,1,,,,,,,,night,,,,,\n"
        "44x,1,,,,,,,,,2026-13-01,,,,\n"
        "45;;46,1,,,,,,,,,,,,,\n"
        "1205-1201,1,,,,,,,,,,,,,\n"
        "1205-12001,1,,,,,,,,,,,,,\n"
        "1234567890123456,1,,,,,,,,,,,,,\n"
        "46,1,,,,,,,,,,,-0.5,-1,\n"
        "47,1,,,,,,,,,2026-03-01,2026-02-01,,,\n"
        "48,99999999999999,,,,,,,,,,,,,\n"
        "49,1,2147483648,,,,,,,,,,,,\n");
    book_bad(&f, "E decks/d.csv:2:3: ~is negative\n"
                 "E decks/d.csv:3:3: ~more than 8 decimals\n"
                 "E decks/d.csv:4:3: ~is not a decimal number\n"
                 "E decks/d.csv:5:5: ~is not from 1 to\n"
                 "E decks/d.csv:6:6: ~is not from 1 to\n"
                 "E decks/d.csv:7:6: ~is not a whole number\n"
                 "E decks/d.csv:7:10: ~is not from 0 to\n"
                 "E decks/d.csv:8:9: ~is above the maximum_charge \"1.99\"\n"
                 "E decks/d.csv:9:11: ~is none of active, current, blocked\n"
                 "E decks/d.csv:10:12: ~the deck has no calendar\n"
                 "E decks/d.csv:11:15: ~is not a date\n"
                 "E decks/d.csv:11:1: ~\"44x\" is no prefix\n"
                 "E decks/d.csv:12:1: ~\"\" is no prefix\n"
                 "E decks/d.csv:13:1: ~ends before it begins\n"
                 "E decks/d.csv:14:1: ~differ in length\n"
                 "E decks/d.csv:15:1: ~is no prefix\n"
                 "E decks/d.csv:16:21: step_from_s: ~is not from 0 to\n"
                 "E decks/d.csv:16:16: rate_inter: ~is negative\n"
                 "E decks/d.csv:17:25: ~is before the from date\n"
                 "E decks/d.csv:18:4: ~is too large\n"
                 "E decks/d.csv:19:6: ~is not from 1 to 2147483647\n");
    book_file(&f, "decks/d.csv", "rate\n1\n");
    book_bad(&f, "E decks/d.csv:1:0: ~the column \"prefix\" (or \"key\") is missing\n");
    book_file(&f, "decks/d.csv", "prefix,key,rate\n1,1,1\n");
    book_bad(&f, "E decks/d.csv:1:0: ~both a column \"prefix\" and a column \"key\"\n");
    book_file(&f, "decks/d.csv", "prefix,rate,price\n1,1,1\n");
    book_bad(&f, "E decks/d.csv:1:13: ~the column \"price\" is unknown\n");
    book_file(&f, "decks/d.csv", "prefix\n1\n");
    book_bad(&f, "E decks/d.csv:1:0: ~the column \"rate\" is missing\n");
    book_end(&f);
}

static void duplicates(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,calendar\nd,c\n");
    book_file(&f, "calendars.csv", "calendar,band\nc,day\n");
    book_file(
        &f, "decks/d.csv",
        "prefix,rate,band,from,to\n44,1,,,\n44,1,day,,\n 45;44,2,,,\n46,1,,,2026-03-01\n46,1,,2026-03-01,\n"
        "46,2,,2026-02-28,2026-03-02\n44,2,day,2026-01-01,\n,1,,,\n,2,,,\n1201-1203,1,,,\n1200-1201,1,,,\n");
    book_bad(
        &f,
        "E decks/d.csv:10:1: ~the key \"\" is here for the second time, in force at the same time; the first "
        "is "
        "in line 9\n"
        "E decks/d.csv:4:2: ~the key \"44\" is here for the second time, in force at the same time; the "
        "first "
        "is in line 2\n"
        "E decks/d.csv:8:1: ~second time with this band, in force at the same time; the first is in line 3\n"
        "E decks/d.csv:7:1: ~first is in line 5\n"
        "E decks/d.csv:7:1: ~first is in line 6\n"
        "E decks/d.csv:12:1: ~the key \"1201\" is here for the second time\n");
    book_end(&f);
}

static void decks_refused(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(
        &f, "decks.csv",
        "deck,currency,key,decimals,rounding,boundary,number_basis,jurisdiction_basis,indeterminate,calendar,"
        "timezone,zero_s\n"
        "d,usd,,,,,,,,,,\n"
        "d,,,,,,,,,,,\n"
        ",,,,,,,,,,,\n"
        "e,,prefix,,,,,,,,,\n"
        "f,,caller,9,nearest,end,ported,npa,max,cal,Mars/Base,never\n"
        "../passwd,,,,,,,,,,,\n"
        ".hidden,,,,,,,,,,,\n"
        "sub/deck,,,,,,,,,,,\n");
    book_file(&f, "deck_versions.csv",
              "deck,file,effective,mode\nd,../../etc/passwd,,\nd,a/"
              "b,,\nd,.x,,\nd,,,\n,x,,\nd,x,today,\nd,x,,merge\n"
              "d,nofile,,\nd,nofile,,full\n");
    book_bad(&f, "E decks.csv:2:3: ~three capital letters\n"
                 "E decks.csv:3:1: ~the deck \"d\" is here for the second time; the first is in line 2\n"
                 "E decks.csv:5:4: key: ~\"prefix\" is none of callee, calltype, caller, npanxx_pair\n"
                 "E decks.csv:6:13: rounding: ~is none of half_up\n"
                 "E decks.csv:6:21: boundary: ~\"end\" is none of start, split\n"
                 "E decks.csv:6:54: zero_s: ~is none of free\n"
                 "E decks.csv:6:25: number_basis: ~\"ported\" is none of dialled, lrn\n"
                 "E decks.csv:6:32: jurisdiction_basis: ~\"npa\" is none of ani, ani_lrn, site, carrier\n"
                 "E decks.csv:6:36: indeterminate: ~\"max\" is none of own, intra, inter, higher\n"
                 "E decks.csv:6:11: ~is not from 0 to 8\n"
                 "E decks.csv:6:40: ~calendar \"cal\" is unknown\n"
                 "E decks.csv:6:44: ~Mars/Base\n"
                 "E deck_versions.csv:2:3: ~\n"
                 "E deck_versions.csv:3:3: ~slash\n"
                 "E deck_versions.csv:4:3: ~begins with a point\n"
                 "E deck_versions.csv:5:3: ~must not be empty\n"
                 "E deck_versions.csv:6:1: ~must not be empty\n"
                 "E deck_versions.csv:7:5: ~is not a date\n"
                 "E deck_versions.csv:8:6: ~is none of full, amend\n"
                 "E deck_versions.csv:10:10: ~begins at the same time\n"
                 "E deck_versions.csv:9:3: ~decks/nofile.csv does not exist\n"
                 "E decks.csv:5:1: ~decks/e.csv does not exist\n"
                 "E decks.csv:6:1: ~decks/f.csv does not exist\n"
                 "E decks.csv:7:1: ~begins with a point\n"
                 "E decks.csv:8:1: ~begins with a point\n"
                 "E decks.csv:9:1: ~slash\n");
    book_end(&f);
}

/* A vendor's sheet in its own columns. */
static void mapped(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    char text[8192];
    size_t bytes;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv",
              "deck,columns\nd,prefix=Prefix;destination=Destination;initial_s=First "
              "Interval;increment_s=Sub Interval;"
              "rate=Rate;status=Status;from=Start Date;to=End Date\n");
    book_file(&f, "decks/d.csv",
              "Destination,Prefix,First Interval,Sub Interval,Rate,Status,Start Date,End Date,Key\r\n"
              "\"ANGUILLA, MOBILE\",1264773,30,6,0.2462,Current,2010-07-02 11:06:58.484053,,x\r\n"
              "AFGHANISTAN - CDMA,9375,30,6,,Current,2010-06-26 06:55:00,,y\r\n");
    book = book_good(&f);
    assert_int_equal(f.result.warnings, 1);
    assert_price(book, "d", "12647735555", "2010-07-02T15:06:58.484Z", 24620000, "1264773");
    assert_int_equal(price_at(book, "d", "12647735555", "2010-07-02T15:06:58.483Z", ""), 0);
    assert_string_equal(
        toll_book_string(
            book,
            toll_book_origin(book, (uint32_t)(price_at(book, "d", "12647735555", NOON, ""))).destination),
        "ANGUILLA, MOBILE");
    assert_int_equal(terms_of(book, price_at(book, "d", "937511111111", NOON, ""))->state,
                     TOLL_PRICE_NO_RATE);
    /* 25 rows without a rate: 20 are shown, then how many more; all are counted. */
    bytes = (size_t)sprintf(
        text, "Destination,Prefix,First Interval,Sub Interval,Rate,Status,Start Date,End Date\n");
    for (int i = 0; i < 25; i++)
        bytes += (size_t)sprintf(text + bytes, "X,44%02d,30,6,,Current,,\n", i);
    book_file(&f, "decks/d.csv", text);
    book_good(&f);
    assert_int_equal(f.result.warnings, 25);
    size_t lines = 0;
    for (const char *at = f.findings; *at != 0; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 21);
    assert_non_null(strstr(f.findings, "and 5 more rows without a rate"));
    book_file(&f, "decks.csv", "deck,columns\nd,prefix=Prefix;price=Rate\n");
    assert_int_equal(book_compile(&f), TOLL_EBOOK);
    book_end(&f);
}

/* Wide ranges are refused before they are written out. */
static void too_many_keys(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks/d.csv", "prefix,rate\n44,1\n100000000000000-999999999999999,1\n45,1\n");
    book_bad(&f, "E decks/d.csv:3:1: ~more than 20000000 keys\n");
    book_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms),         cmocka_unit_test(versions),      cmocka_unit_test(dates_and_bands),
        cmocka_unit_test(prefix_cells),  cmocka_unit_test(calltypes),     cmocka_unit_test(rows_refused),
        cmocka_unit_test(duplicates),    cmocka_unit_test(decks_refused), cmocka_unit_test(mapped),
        cmocka_unit_test(too_many_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
