/*
 * Class and jurisdiction of a call (docs/RATING.md section 6), every basis, worked out by hand from the area
 * codes' states and a few rows of places; and the rate that a deck takes for it.
 */
#include "row_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char npanxx[] = "prefix,country,state,ratecenter\n"
                             "1212555,,NY,New York\n"
                             "1914555,,NY,Yonkers\n"
                             "1201555,,NJ,Hoboken\n"
                             "1201777,,,\n"
                             "1416555,CA,ON,Toronto\n"
                             "1613555,CA,ON,Ottawa\n";

#define NYC "12125550100"
#define NYC_2 "12125550199"
#define YONKERS "19145550111"
#define HOBOKEN "12015550111"
#define HOBOKEN_2 "12015550112"
#define JERSEY_UNKNOWN "12017770111"
#define CALIFORNIA "13105550111"
#define TORONTO "14165550111"
#define OTTAWA "16135550111"
#define LONDON "442079460000"
#define ISLANDS "13405550111" /* VI: a state of the US for us */
#define JAMAICA "18765550111"
#define NOT_ASSIGNED "19995550111"
#define TOLL_FREE "18005550199"

static void open_world(struct row_world *world, const char *settings)
{
    char text[256];
    memset(world, 0, sizeof *world);
    book_begin(&world->files);
    snprintf(text, sizeof text, "book: b\ncurrency: USD\ntimezone: America/New_York\n%s", settings);
    book_file(&world->files, "book.yaml", text);
    book_file(&world->files, "npanxx.csv", npanxx);
    book_file(&world->files, "local_areas.csv", "from_ratecenter,to_ratecenter\nNew York,Hoboken\n");
    book_file(&world->files, "sites.csv", "site,account,state\njersey,acme,NJ\nnowhere,acme,\n");
    book_file(&world->files, "accounts.csv", "account\nacme\nbeta\n");
    book_file(&world->files, "numbers.csv",
              "number,account,site,from,to\n" NYC ",acme,,,\n" NYC_2 ",acme,,,2026-03-02\n" HOBOKEN
              ",acme,jersey,,\n" YONKERS ",beta,,,\n" TOLL_FREE ",acme,jersey,,\n" LONDON ",acme,jersey,,\n");
    row_world_open(world);
}

static int32_t site_named(const struct row_world *world, const char *name)
{
    const struct toll_book *book = world->rater.book;
    for (uint32_t i = 1; i < book->site_count; i++)
        if (strcmp(toll_book_string(book, book->sites[i].site), name) == 0)
            return (int32_t)i;
    return 0;
}

/* i indeterminate, l local, a intrastate, e interstate, n international */
static const char letters[] = "ilaen";

struct call {
    const char *caller, *callee;
    unsigned kind;
    const char *ring_to, *lrn_caller, *lrn_callee;
    const char *site;
    const char *want; /* by ani, ani_lrn, site */
};
#define IN TOLL_KIND_IN

static const struct call calls[] = {
    /* The same ratecenter; the pair of the table, which has no way back; a site takes the state, and keeps
     * the ratecenter only in its own state. */
    {NYC, NYC_2, 0, "", "", "", "", "lll"},
    {NYC, NYC_2, 0, "", "", "", "jersey", "lle"},
    {NYC, HOBOKEN, 0, "", "", "", "", "lll"},
    {NYC, HOBOKEN, 0, "", "", "", "jersey", "lla"},
    {HOBOKEN, NYC, 0, "", "", "", "", "eee"},
    {HOBOKEN, NYC, IN, "", "", "", "jersey", "eea"},
    {HOBOKEN, HOBOKEN_2, 0, "", "", "", "jersey", "lll"},
    {NYC, YONKERS, 0, "", "", "", "", "aaa"},
    {NYC, YONKERS, 0, "", "", "", "jersey", "aae"},
    {NYC, YONKERS, 0, "", "", "", "nowhere", "aaa"},
    {YONKERS, NYC, IN, "", "", "", "jersey", "aae"},
    /* The built-in area codes, and a row without a state that takes the area code's away. */
    {NYC, CALIFORNIA, 0, "", "", "", "", "eee"},
    {CALIFORNIA, CALIFORNIA, 0, "", "", "", "", "aaa"},
    {NYC, ISLANDS, 0, "", "", "", "", "eee"},
    {NYC, JERSEY_UNKNOWN, 0, "", "", "", "", "iii"},
    {NYC, NOT_ASSIGNED, 0, "", "", "", "", "iii"},
    {NYC, JAMAICA, 0, "", "", "", "", "nnn"},
    {NYC, TORONTO, 0, "", "", "", "jersey", "nnn"},
    {TORONTO, OTTAWA, 0, "", "", "", "", "nnn"},
    {NYC, LONDON, 0, "", "", "", "", "nnn"},
    /* Abroad, but at the site. */
    {LONDON, HOBOKEN, 0, "", "", "", "", "nnn"},
    {LONDON, HOBOKEN, 0, "", "", "", "jersey", "nna"},
    {HOBOKEN, LONDON, IN, "", "", "", "jersey", "nna"},
    {HOBOKEN, LONDON, 0, "", "", "", "jersey", "nnn"},
    /* Ends that are no E.164 number have no place, and a site is one. */
    {NYC, "411", 0, "", "", "", "", "iii"},
    {"x2005", HOBOKEN, 0, "", "", "", "", "iii"},
    {"x2005", HOBOKEN, 0, "", "", "", "jersey", "iia"},
    {"?", LONDON, 0, "", "", "", "", "nnn"},
    {"", "", 0, "", "", "", "jersey", "iii"},
    /* Toll-free: where it rang; else, coming in, the site, whatever the basis. */
    {NYC, TOLL_FREE, 0, "", "", "", "", "iii"},
    {NYC, TOLL_FREE, 0, "", "", "", "jersey", "iii"},
    {NYC, TOLL_FREE, 0, CALIFORNIA, "", "", "", "eee"},
    {NYC, TOLL_FREE, 0, NYC_2, "", "", "", "lll"},
    {NYC, TOLL_FREE, 0, LONDON, "", "", "", "nnn"},
    {CALIFORNIA, TOLL_FREE, IN, "", "", "", "", "iii"},
    {CALIFORNIA, TOLL_FREE, IN, "", "", "", "nowhere", "iii"},
    {CALIFORNIA, TOLL_FREE, IN, "", "", "", "jersey", "eee"},
    {HOBOKEN, TOLL_FREE, IN, "", "", "", "jersey", "aaa"},
    {HOBOKEN, TOLL_FREE, IN, NYC_2, "", "", "jersey", "eea"},
    {LONDON, TOLL_FREE, IN, "", "", "", "jersey", "nnn"},
    {TOLL_FREE, NYC, 0, "", "", "", "", "iii"},       /* as a caller it is a number without a place */
    {HOBOKEN, CALIFORNIA, 0, NYC, "", "", "", "eee"}, /* ring_to is for toll-free calls */
    /* Routing numbers: each its own end's, if that is a number, and not of a toll-free callee. */
    {NYC, HOBOKEN, 0, "", "", CALIFORNIA, "", "lel"},
    {NYC, HOBOKEN, 0, "", HOBOKEN_2, "", "", "lll"},
    {NYC, YONKERS, 0, "", HOBOKEN_2, "", "", "aea"},
    {NYC, YONKERS, 0, "", CALIFORNIA, CALIFORNIA, "jersey", "aae"},
    {NYC, YONKERS, 0, "", "", LONDON, "", "ana"},
    {NYC, LONDON, 0, "", "", YONKERS, "", "nan"},
    {"411", YONKERS, 0, "", CALIFORNIA, "", "", "iii"},
    {NYC, "411", 0, "", "", CALIFORNIA, "", "iii"},
    {NYC, TOLL_FREE, 0, "", "", CALIFORNIA, "", "iii"},
    {NYC, TOLL_FREE, 0, YONKERS, "", CALIFORNIA, "", "aaa"},
};

static void test_every_basis(void **state)
{
    (void)state;
    struct row_world world;
    open_world(&world, "");
    for (size_t i = 0; i < COUNT(calls); i++) {
        const struct call *call = &calls[i];
        struct toll_row row = row_of(&world, call->caller, call->callee, call->kind);
        row.ring_to = row_e164(call->ring_to);
        row.lrn_caller = row_e164(call->lrn_caller);
        row.lrn_callee = row_e164(call->lrn_callee);
        const int32_t site = site_named(&world, call->site);
        char got[4] = "";
        for (unsigned basis = TOLL_BASIS_ANI; basis <= TOLL_BASIS_SITE; basis++)
            got[basis] =
                letters[toll_jurisdiction_of(&world.rater, &row, (enum toll_jurisdiction_basis)basis, site)];
        if (strcmp(got, call->want) != 0)
            fail_msg("case %zu, %s to %s: %s instead of %s", i, call->caller, call->callee, got, call->want);
        /* Without a word the carrier's basis is ani; a word is all there is. */
        assert_int_equal(toll_jurisdiction_of(&world.rater, &row, TOLL_BASIS_CARRIER, site),
                         strchr(letters, call->want[0]) - letters);
        for (row.word = 0; row.word < TOLL_CALL_JURISDICTIONS; row.word++) {
            assert_int_equal(toll_jurisdiction_of(&world.rater, &row, TOLL_BASIS_CARRIER, site), row.word);
            assert_int_equal(toll_jurisdiction_of(&world.rater, &row, TOLL_BASIS_ANI, site),
                             strchr(letters, call->want[0]) - letters);
        }
    }
    row_world_end(&world);
}

/* Another country's book: what is abroad turns around. */
static void test_a_canadian_book(void **state)
{
    (void)state;
    struct row_world world;
    memset(&world, 0, sizeof world);
    book_begin(&world.files);
    book_file(&world.files, "book.yaml", "book: b\ncurrency: USD\ntimezone: America/New_York\ncountry: CA\n");
    book_file(&world.files, "npanxx.csv", "prefix,state,ratecenter\n1416555,ON,Toronto\n1613555,ON,Ottawa\n");
    row_world_open(&world);
    static const struct {
        const char *caller, *callee;
        enum toll_call_jurisdiction want;
    } cases[] = {{TORONTO, OTTAWA, TOLL_INTRASTATE},
                 {TORONTO, "16045550111", TOLL_INTERSTATE}, /* British Columbia */
                 {TORONTO, NYC, TOLL_INTERNATIONAL},
                 {NYC, NYC_2, TOLL_INTERNATIONAL}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct toll_row row = row_of(&world, cases[i].caller, cases[i].callee, 0);
        assert_int_equal(toll_jurisdiction_of(&world.rater, &row, TOLL_BASIS_ANI, 0), cases[i].want);
    }
    row_world_end(&world);
}

/* ---- class ---- */

static void expect_class(const struct row_world *world, const char *caller, const char *callee,
                         enum toll_class want)
{
    const struct toll_row row = row_of(world, caller, callee, 0);
    if (toll_class_of(&world->rater, &row) != want)
        fail_msg("%s to %s is no %s call", caller, callee, toll_class_name(want));
}

static void test_class(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        enum toll_class same, two; /* both ends of acme; of acme and beta */
    } books[] = {{"", TOLL_ORDINARY, TOLL_ORDINARY},
                 {"on_net: none\n", TOLL_ORDINARY, TOLL_ORDINARY},
                 {"on_net: account\n", TOLL_ON_NET, TOLL_ORDINARY},
                 {"on_net: any\n", TOLL_ON_NET, TOLL_ON_NET}};
    for (size_t i = 0; i < COUNT(books); i++) {
        struct row_world world;
        open_world(&world, books[i].settings);
        expect_class(&world, NYC, HOBOKEN, books[i].same);
        expect_class(&world, HOBOKEN, NYC, books[i].same);
        expect_class(&world, NYC, LONDON, books[i].same);
        expect_class(&world, NYC, YONKERS, books[i].two);
        expect_class(&world, YONKERS, NYC, books[i].two);
        expect_class(&world, NYC, NYC_2, TOLL_ORDINARY); /* acme's until the day before */
        expect_class(&world, NYC, CALIFORNIA, TOLL_ORDINARY);
        expect_class(&world, CALIFORNIA, NYC, TOLL_ORDINARY);
        expect_class(&world, NYC, "x2005", TOLL_ORDINARY);
        expect_class(&world, NYC, "", TOLL_ORDINARY);
        /* Before it asks whose the numbers are. */
        expect_class(&world, NYC, TOLL_FREE, TOLL_TOLL_FREE);
        expect_class(&world, NYC, "19005550111", TOLL_PREMIUM);
        expect_class(&world, NYC, "411", TOLL_N11);
        expect_class(&world, NYC, "911", TOLL_N11);
        expect_class(&world, NYC, "933", TOLL_N11);
        expect_class(&world, NYC, "988", TOLL_N11);
        expect_class(&world, NYC, "111", TOLL_ORDINARY);
        expect_class(&world, NYC, "4111", TOLL_ORDINARY);
        expect_class(&world, NYC, "8005550199", TOLL_ORDINARY); /* 1 is missing: a number abroad */
        row_world_end(&world);
    }
}

/* Number plan e164: no places, no toll-free, no N11; but whose the numbers are is asked. */
static void test_the_other_number_plan(void **state)
{
    (void)state;
    struct row_world world;
    memset(&world, 0, sizeof world);
    book_begin(&world.files);
    book_file(&world.files, "book.yaml",
              "book: b\ncurrency: USD\ntimezone: Europe/London\nnumber_plan: e164\non_net: any\n");
    book_file(&world.files, "numbers.csv",
              "number,account\n" LONDON ",acme\n" NYC ",acme\n" TOLL_FREE ",acme\n");
    row_world_open(&world);
    expect_class(&world, LONDON, NYC, TOLL_ON_NET);
    expect_class(&world, LONDON, TOLL_FREE, TOLL_ON_NET);
    expect_class(&world, LONDON, "18885550199", TOLL_ORDINARY);
    expect_class(&world, LONDON, "411", TOLL_ORDINARY);
    const struct toll_row row = row_of(&world, LONDON, NYC, 0);
    for (unsigned basis = 0; basis <= TOLL_BASIS_CARRIER; basis++)
        assert_int_equal(toll_jurisdiction_of(&world.rater, &row, (enum toll_jurisdiction_basis)basis, 0),
                         TOLL_INDETERMINATE);
    row_world_end(&world);
}

/* ---- the rate ---- */

/* What a minute costs by each deck's policy and basis; lines show the book's own jurisdiction. */
static void test_rates(void **state)
{
    (void)state;
    struct row_world world;
    memset(&world, 0, sizeof world);
    book_begin(&world.files);
    book_file(&world.files, "book.yaml", "book: b\ncurrency: USD\ntimezone: America/New_York\n");
    book_file(&world.files, "npanxx.csv", npanxx);
    book_file(&world.files, "sites.csv", "site,account,state\njersey,acme,NJ\n");
    book_file(&world.files, "numbers.csv", "number,account,site\n" NYC ",acme,jersey\n");
    book_file(&world.files, "plan_rules.csv",
              "plan,action,deck,destination,priority\n"
              "p,deck,at_site,SITE,1\np,deck,higher,HIGHER,1\np,deck,own,,2\n");
    book_file(&world.files, "destinations.csv",
              "prefix,destination\n1973,SITE\n1999,HIGHER\n1201777,HIGHER\n");
    book_file(&world.files, "decks.csv",
              "deck,jurisdiction_basis,indeterminate\n"
              "own,,\nat_site,site,\nhigher,,higher\n");
    static const char deck[] = "prefix,rate,rate_inter,rate_intra,rate_indeterminate\n"
                               "1,0.01,0.02,0.03,0.04\n"
                               "1310,0.01,,0.03,0.04\n"
                               "44,0.05,,,\n";
    book_file(&world.files, "decks/own.csv", deck);
    book_file(&world.files, "decks/at_site.csv", deck);
    book_file(&world.files, "decks/higher.csv", deck);
    row_world_open(&world);
    static const struct {
        const char *callee;
        enum toll_call_jurisdiction want;
        toll_money charge; /* in 0.01 */
    } cases[] = {
        {YONKERS, TOLL_INTRASTATE, 3},
        {NYC_2, TOLL_LOCAL, 3},
        {HOBOKEN, TOLL_INTERSTATE, 2},
        {CALIFORNIA, TOLL_INTERSTATE, 1},    /* an empty cell is the row's rate */
        {"19735550111", TOLL_INTERSTATE, 3}, /* New Jersey, and so is the site by which that deck goes */
        {LONDON, TOLL_INTERNATIONAL, 5},
        {JAMAICA, TOLL_INTERNATIONAL, 1},
        {"12017780111", TOLL_INTERSTATE, 2},
        {JERSEY_UNKNOWN, TOLL_INDETERMINATE, 3}, /* the higher of two and three */
        {NOT_ASSIGNED, TOLL_INDETERMINATE, 3},
        {TOLL_FREE, TOLL_INDETERMINATE, 4},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct toll_row row = row_of(&world, NYC, cases[i].callee, 0);
        const struct toll_row_answer answer = row_rate(&world, &row);
        if (answer.status != TOLL_RATED || answer.jurisdiction != cases[i].want ||
            answer.charge != cases[i].charge * 1000000)
            fail_msg("%s: %s, %lld", cases[i].callee, toll_call_jurisdiction_name(answer.jurisdiction),
                     (long long)answer.charge);
        assert_int_equal(answer.billed, 60);
    }
    row_world_end(&world);
}

/* Prefixes are sought by the routing number in one deck, by the number dialled in the other; a deck of
 * callers goes by the caller's, and pairs by both. */
static void test_keys(void **state)
{
    (void)state;
    struct row_world world;
    memset(&world, 0, sizeof world);
    book_begin(&world.files);
    book_file(&world.files, "plan_rules.csv",
              "plan,action,service,deck,on_miss,priority\n"
              "p,deck,voice,dialled,,1\np,deck,sms,routed,,1\n"
              "p,deck,mms,callers,,1\np,deck,event,pairs,,1\n"
              "p,deck,data,routed_pairs,,1\n");
    book_file(&world.files, "decks.csv",
              "deck,key,number_basis\ndialled,,\nrouted,,lrn\ncallers,caller,lrn\npairs,npanxx_pair,\n"
              "routed_pairs,npanxx_pair,lrn\n");
    book_file(&world.files, "decks/dialled.csv", "prefix,rate,per_s\n1,1,1\n1310,2,1\n");
    book_file(&world.files, "decks/routed.csv", "prefix,rate,per_s\n1,1,1\n1310,2,1\n");
    book_file(&world.files, "decks/callers.csv", "prefix,rate,per_s\n1212,3,1\n1310,4,1\n");
    /* The longest callee wins over the longest caller; a pair that is not in force leaves it to the next. */
    static const char pairs[] = "prefix,caller_prefix,rate,per_s,to\n"
                                "1310,,5,1,\n"
                                "13,1212555,6,1,\n"
                                "1201,1212,7,1,\n"
                                "1201,1212555,8,1,2026-03-01\n"
                                "1914,1310,9,1,\n";
    book_file(&world.files, "decks/pairs.csv", pairs);
    book_file(&world.files, "decks/routed_pairs.csv", pairs);
    row_world_open(&world);
    static const struct {
        enum toll_service service;
        const char *callee, *lrn_caller, *lrn_callee;
        toll_money price;
        unsigned status;
    } cases[] = {
        {TOLL_VOICE, HOBOKEN, "", CALIFORNIA, 60, TOLL_RATED},
        {TOLL_VOICE, CALIFORNIA, "", HOBOKEN, 120, TOLL_RATED},
        {TOLL_SMS, HOBOKEN, "", CALIFORNIA, 2, TOLL_RATED},
        {TOLL_SMS, CALIFORNIA, "", HOBOKEN, 1, TOLL_RATED},
        {TOLL_SMS, CALIFORNIA, HOBOKEN, "", 2, TOLL_RATED},
        {TOLL_SMS, LONDON, "", HOBOKEN, 1, TOLL_RATED},
        {TOLL_SMS, "x2005", "", HOBOKEN, 0, TOLL_SUSPENSE_NO_PREFIX}, /* stands for no number */
        {TOLL_SMS, "?", "", HOBOKEN, 0, TOLL_SUSPENSE_BAD_NUMBER},
        {TOLL_MMS, "?", "", "", 3, TOLL_RATED},
        {TOLL_MMS, HOBOKEN, CALIFORNIA, "", 4, TOLL_RATED},
        {TOLL_MMS, HOBOKEN, HOBOKEN, CALIFORNIA, 0, TOLL_SUSPENSE_NO_PREFIX},
        {TOLL_EVENT, CALIFORNIA, "", "", 5, TOLL_RATED},
        {TOLL_EVENT, "13325550111", "", "", 6, TOLL_RATED},
        {TOLL_EVENT, HOBOKEN, "", "", 7, TOLL_RATED},
        {TOLL_EVENT, YONKERS, "", "", 0, TOLL_SUSPENSE_NO_PREFIX},
        {TOLL_EVENT, YONKERS, CALIFORNIA, "", 0, TOLL_SUSPENSE_NO_PREFIX},
        {TOLL_EVENT, "x2005", "", "", 0, TOLL_SUSPENSE_NO_PREFIX},
        {TOLL_EVENT, "?", "", "", 0, TOLL_SUSPENSE_BAD_NUMBER},
        {TOLL_DATA, YONKERS, CALIFORNIA, "", 9, TOLL_RATED},
        {TOLL_DATA, YONKERS, "", HOBOKEN, 7, TOLL_RATED},
        {TOLL_DATA, YONKERS, HOBOKEN, CALIFORNIA, 5, TOLL_RATED},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct toll_row row = row_of(&world, NYC, cases[i].callee, cases[i].service);
        row.quantity = 1;
        row.lrn_caller = row_e164(cases[i].lrn_caller);
        row.lrn_callee = row_e164(cases[i].lrn_callee);
        const struct toll_row_answer answer = row_rate(&world, &row);
        if (answer.status != cases[i].status || answer.charge != cases[i].price * TOLL_MONEY_UNIT)
            fail_msg("case %zu: %s, %lld", i, toll_status_reason(answer.status), (long long)answer.charge);
    }
    /* A pair's caller may be what is wrong. */
    struct toll_row row = row_of(&world, "", YONKERS, TOLL_EVENT);
    row.charged = row_e164(NYC);
    row.quantity = 1;
    assert_int_equal(row_rate(&world, &row).status, TOLL_SUSPENSE_BAD_NUMBER);
    row.callee = row_e164(CALIFORNIA); /* and the empty prefix matches it */
    assert_int_equal(row_rate(&world, &row).charge, 5 * TOLL_MONEY_UNIT);
    row_world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_basis), cmocka_unit_test(test_a_canadian_book),
        cmocka_unit_test(test_class),       cmocka_unit_test(test_the_other_number_plan),
        cmocka_unit_test(test_rates),       cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
