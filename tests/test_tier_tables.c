/* Tiers and rates of exchange as compiled: from cells to records, price rows, and which calls a rule meets.
 */
#include "book_fixture.h"

static void tiers_compiled(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "book.yaml",
              "book: b\ncurrency: USD\ntimezone: America/New_York\ndecimals: 4\nrounding: down\n");
    /* Rows of two tiers mixed, out of order; what is for all of them in the last row. */
    book_file(&f, "tiers.csv",
              "tiers,rate,from_qty,per,flat,mode,unit,scope,period,decimals,rounding,minimum_spend,"
              "maximum_spend,product\n"
              "v,0.05,,,,,s,,,,,,,\n"
              "sms,0.0075,,,,package,message,number,call,8,half_even,,,text\n"
              "v,0.03,600000,6,10,VOLUME,,pool,anchor,,,25,100.5,voice\n"
              "v,0.04,60000,,1.25,,s,,anchor,,,,,voice\n");
    book_file(&f, "plan_rules.csv",
              "plan,action,tiers,service,priority,amount\np,tiers,v,,2,\np,tiers,sms,mms,1,\np,flat,,,3,1\n");
    book = book_good(&f);
    assert_int_equal(book->tiers_count, 3);
    const struct toll_tiers *v = &book->tiers[1], *sms = &book->tiers[2];
    assert_string_equal(toll_book_string(book, v->name), "v");
    assert_string_equal(toll_book_string(book, v->file), "tiers.csv");
    assert_int_equal(v->line, 2);
    assert_int_equal(v->count, 3);
    assert_int_equal(v->per, 60);
    assert_int_equal(v->mode, TOLL_TIER_VOLUME);
    assert_int_equal(v->unit, TOLL_UNIT_S);
    assert_int_equal(v->scope, TOLL_SCOPE_POOL);
    assert_int_equal(v->period, TOLL_TIER_ANCHOR);
    assert_int_equal(v->decimals, 4);
    assert_int_equal(v->quantum, 10000);
    assert_int_equal(v->rounding, TOLL_DOWN);
    assert_true(v->minimum_spend == INT64_C(2500000000) && v->maximum_spend == INT64_C(10050000000));
    const struct toll_tier *rows = &book->tier_rows[v->first];
    static const struct toll_tier expected[] = {
        {0, 5000000, 0, 60, 2}, {60000, 4000000, 125000000, 60, 5}, {600000, 3000000, 1000000000, 6, 4}};
    assert_memory_equal(rows, expected, sizeof(expected));
    assert_int_equal(sms->count, 1);
    assert_int_equal(sms->per, 1);
    assert_int_equal(sms->mode, TOLL_TIER_PACKAGE);
    assert_int_equal(sms->scope, TOLL_SCOPE_NUMBER);
    assert_int_equal(sms->period, TOLL_TIER_CALL);
    assert_int_equal(sms->decimals, 8);
    assert_int_equal(sms->rounding, TOLL_HALF_EVEN);
    assert_true(sms->minimum_spend == 0 && sms->maximum_spend == INT64_MAX);
    /* A rule's price row says where the tiers begin. */
    const struct toll_rule *rule = &book->rules[1];
    const struct toll_price_origin origin = toll_book_origin(book, (uint32_t)rule->price);
    const struct toll_terms *terms = &book->terms[book->price_terms[rule->price]];
    assert_int_equal(rule->tiers, 1);
    assert_int_equal(origin.kind, TOLL_PRICE_TIERS);
    assert_int_equal(origin.plan, 1);
    assert_int_equal(origin.line, 2);
    assert_string_equal(toll_book_string(book, origin.file), "tiers.csv");
    assert_int_equal(terms->action, TOLL_ACTION_TIERS);
    assert_int_equal(terms->quantum, 10000);
    assert_int_equal(terms->rounding, TOLL_DOWN);
    /* Tiers of seconds meet calls only, those of messages here only mms; the flat rule meets all. */
    for (unsigned service = 0; service < 5; service++) {
        static const char *const chains[] = {"1 3", "3", "2 3", "3", "3"};
        const struct toll_chain *chain =
            &book->chains[book->plan_chains[TOLL_CHAIN_KEYS + toll_chain_key(service, 0, 0, 0)]];
        char text[32] = "";
        for (uint32_t i = 0; i < chain->count; i++)
            sprintf(text + strlen(text), "%s%u", i > 0 ? " " : "", book->chain_rules[chain->first + i]);
        assert_string_equal(text, chains[service]);
    }
    book_end(&f);
}

static void rates_of_exchange(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "fx.csv",
              "from,to,date,rate\nGBP,USD,2026-02-01,1.25\nEUR,USD,2026-03-01,1.08765432\n"
              "EUR,USD,2026-02-28,0.00000001\nEUR,GBP,2026-12-31,1\n");
    book = book_good(&f);
    static const struct {
        const char *from, *to;
        int day; /* since 1970: 2026-01-01 is 20454 */
        int64_t rate;
        uint32_t line;
    } rows[] = {{"EUR", "GBP", 20454 + 364, 100000000, 5},
                {"EUR", "USD", 20454 + 58, 1, 4},
                {"EUR", "USD", 20454 + 59, 108765432, 3},
                {"GBP", "USD", 20454 + 31, 125000000, 2}};
    assert_int_equal(book->fx_count, 4);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(toll_book_string(book, book->fx[i].from), rows[i].from);
        assert_string_equal(toll_book_string(book, book->fx[i].to), rows[i].to);
        assert_int_equal(book->fx[i].day, rows[i].day);
        assert_true(book->fx[i].rate == rows[i].rate);
        assert_int_equal(book->fx[i].line, rows[i].line);
    }
    book_end(&f);
}

/* A vendor's deck may be in another currency; one that accounts are sold by may not. */
static void currencies(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "plans.csv", "plan\np\nb\n");
    book_file(&f, "decks.csv", "deck,currency\ne,EUR\n");
    book_file(&f, "decks/e.csv", "prefix,rate\n1,0.01\n");
    book_file(&f, "plan_rules.csv", "plan,action,deck\np,deck,d\nb,deck,e\n");
    book_file(&f, "trunks.csv", "trunk\nT\n");
    book_file(&f, "assignments.csv",
              "subject,plan,side\ndefault,p,\ndefault,b,buy\ntrunk:T,b,buy\ncarrier:c,b,buy\n");
    book_good(&f);
    book_file(&f, "assignments.csv", "subject,plan\ndefault,p\ncarrier:c,b\n");
    book_bad(&f, "E plan_rules.csv:3:0: deck: ~the deck \"e\" is in EUR\n");
    book_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiers_compiled),
        cmocka_unit_test(rates_of_exchange),
        cmocka_unit_test(currencies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
