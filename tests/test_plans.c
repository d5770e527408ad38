/* Plans, rules, the chains made of them, the book's own destinations, and currencies. */
#include "book_fixture.h"

#include "base/digits.h"
#include "ratetable/lpm.h"

enum { VOICE, SMS, MMS, DATA, EVENT };
enum { OUT, IN };

static int32_t plan_id(const struct toll_book *book, const char *name)
{
    for (uint32_t i = 1; i < book->plan_count; i++) {
        if (strcmp(toll_book_string(book, book->plans[i].plan), name) == 0)
            return (int32_t)i;
    }
    fail_msg("no plan %s", name);
    return 0;
}

static const struct toll_chain *chain_of(const struct toll_book *book, const char *plan, unsigned service,
                                         unsigned direction, unsigned class_, unsigned jurisdiction)
{
    const unsigned key = toll_chain_key(service, direction, class_, jurisdiction);

    return &book->chains[book->plan_chains[(uint32_t)plan_id(book, plan) * TOLL_CHAIN_KEYS + key]];
}

/* The lines of plan_rules.csv of a chain's rules, in order: "4 2 ". */
static void assert_chain(const struct toll_book *book, const struct toll_chain *chain, const char *lines)
{
    char text[256] = "";
    size_t bytes = 0;

    for (uint32_t i = 0; i < chain->count; i++) {
        const struct toll_rule *rule = &book->rules[book->chain_rules[chain->first + i]];
        bytes += (size_t)snprintf(text + bytes, sizeof(text) - bytes, "%u ", rule->line);
    }
    assert_string_equal(text, lines);
}

static const struct toll_rule *rule_at(const struct toll_book *book, uint32_t line)
{
    for (uint32_t i = 1; i < book->rule_count; i++) {
        if (book->rules[i].line == line)
            return &book->rules[i];
    }
    fail_msg("no rule in line %u", line);
    return NULL;
}

static void chains(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "plans.csv", "plan,name\np,Standard\nempty,\nsecond,\n");
    book_file(&f, "plan_rules.csv",
              "plan,action,deck,service,direction,class,jurisdiction,amount,priority\n"
              "p,deck,d,,,,,,10\n"                      /* 2 */
              "p,free,,,,toll_free,,,\n"                /* 3 */
              "p,flat,,SMS,out,,,0.01,5\n"              /* 4 */
              "second,reject,,,,,,,\n"                  /* 5 */
              "p,reject,,voice,in,,international,,-1\n" /* 6 */
              "p,free,,,,n11,,,0\n");                   /* 7 */
    book = book_good(&f);
    assert_int_equal(f.result.rules, 6);
    assert_int_equal(f.result.plans, 3);
    assert_chain(book, chain_of(book, "p", VOICE, OUT, TOLL_ORDINARY, TOLL_INDETERMINATE), "2 ");
    assert_chain(book, chain_of(book, "p", VOICE, OUT, TOLL_TOLL_FREE, TOLL_INDETERMINATE), "3 2 ");
    assert_chain(book, chain_of(book, "p", SMS, OUT, TOLL_N11, TOLL_INDETERMINATE), "7 4 2 ");
    assert_chain(book, chain_of(book, "p", SMS, IN, TOLL_N11, TOLL_INDETERMINATE), "7 2 ");
    assert_chain(book, chain_of(book, "p", VOICE, IN, TOLL_TOLL_FREE, TOLL_INTERNATIONAL), "6 3 2 ");
    assert_chain(book, chain_of(book, "p", EVENT, IN, TOLL_PREMIUM, TOLL_INTERNATIONAL), "2 ");
    assert_chain(book, chain_of(book, "second", DATA, IN, TOLL_ON_NET, TOLL_LOCAL), "5 ");
    assert_int_equal(chain_of(book, "empty", VOICE, OUT, 0, 0)->count, 0);
    assert_ptr_equal(chain_of(book, "empty", VOICE, OUT, 0, 0), &book->chains[0]);
    assert_int_equal(chain_of(book, "p", VOICE, OUT, TOLL_ORDINARY, TOLL_LOCAL)->simple_deck, 1);
    assert_int_equal(chain_of(book, "p", VOICE, OUT, TOLL_TOLL_FREE, TOLL_LOCAL)->simple_deck, 0);
    /* Equal chains are one. */
    assert_ptr_equal(chain_of(book, "p", VOICE, OUT, TOLL_ORDINARY, TOLL_LOCAL),
                     chain_of(book, "p", MMS, IN, TOLL_PREMIUM, TOLL_INTERSTATE));
    assert_string_equal(toll_book_string(book, book->plans[1].name), "Standard");
    book_end(&f);
}

static void rules(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    const struct toll_rule *rule;
    const struct toll_terms *terms;
    uint64_t key;
    uint32_t destination;
    (void)state;

    book_begin(&f);
    book_file(
        &f, "book.yaml",
        "book: b\ncurrency: USD\ntimezone: Europe/London\ndecimals: 3\nrounding: up\nnumber_plan: e164\n");
    book_file(&f, "trunks.csv", "trunk\nZ\nA\n");
    book_file(&f, "destinations.csv",
              "prefix,destination\n44,UK\n447;4478,UK mobile\n1201-1203,Near\n33,France\n32,UK\n");
    book_file(&f, "plan_rules.csv",
              "plan,action,deck,destination,trunk,amount,percent,on_miss,from,to\n"
              "p,deck,d,UK mobile,Z,,,next,2026-06-01,2026-07-01\n" /* 2 */
              "p,markup,,,,0.01,12.5,,,\n"                          /* 3 */
              "p,flat,,,A,1.25,,,,\n"                               /* 4 */
              "p,free,,,,,,,,\n"                                    /* 5 */
              "p,markup,,,,-0.5,-10.000001,,,\n"                    /* 6 */
              "p,deck,e,,,,,,,\n");                                 /* 7 */
    book_file(&f, "decks/e.csv", "prefix,rate\n1,1\n");
    book_file(&f, "decks/unused.csv", "this is read by nobody\n");
    book = book_good(&f);
    assert_false(book->nanp);
    assert_int_equal(book->decimals, 3);
    assert_int_equal(book->rounding, TOLL_UP);
    /* The implied decks, in the order in which rules name them. */
    assert_int_equal(book->deck_count, 3);
    assert_string_equal(toll_book_string(book, book->decks[1].name), "d");
    assert_string_equal(toll_book_string(book, book->decks[2].name), "e");
    assert_int_equal(book->decks[1].line, 0);
    rule = rule_at(book, 2);
    assert_int_equal(rule->action, TOLL_ACTION_DECK);
    assert_int_equal(rule->on_miss_next, 1);
    assert_int_equal(rule->trunk, 2);
    assert_string_equal(toll_book_string(book, book->named[TOLL_NAMED_TRUNK][rule->trunk - 1].text), "Z");
    assert_int_equal(rule->from, book_ms("2026-05-31T23:00:00Z"));
    assert_int_equal(rule->until, book_ms("2026-06-30T23:00:00Z"));
    assert_string_equal(toll_book_string(book, book->destination_names[rule->destination]), "UK mobile");
    assert_string_equal(toll_book_string(book, rule->file), "plan_rules.csv");
    /* Price ids after the emergency row: 3, 4, 5, 6 of the rules, then the decks'. */
    rule = rule_at(book, 3);
    assert_int_equal(rule->price, 2);
    terms = &book->terms[book->price_terms[2]];
    assert_int_equal(terms->action, TOLL_ACTION_MARKUP);
    assert_int_equal(terms->rate, 12500000);
    assert_int_equal(terms->connect_fee, 1000000);
    assert_int_equal(terms->quantum, 100000);
    assert_int_equal(terms->rounding, TOLL_UP);
    assert_int_equal(toll_book_origin(book, 2).kind, TOLL_PRICE_MARKUP);
    assert_int_equal(toll_book_origin(book, 2).plan, 1);
    assert_int_equal(toll_book_origin(book, 2).line, 3);
    rule = rule_at(book, 4);
    assert_int_equal(rule->price, 3);
    assert_int_equal(book->terms[book->price_terms[3]].connect_fee, 125000000);
    assert_int_equal(book->terms[book->price_terms[3]].action, TOLL_ACTION_FLAT);
    assert_int_equal(rule_at(book, 5)->price, 4);
    assert_int_equal(toll_book_origin(book, 4).kind, TOLL_PRICE_FREE);
    terms = &book->terms[book->price_terms[rule_at(book, 6)->price]];
    assert_int_equal(terms->rate, -10000001);
    assert_int_equal(terms->connect_fee, -50000000);
    assert_int_equal(terms->small, 0);
    /* Destinations by the longest prefix. */
    static const char *const cases[][2] = {{"447911123456", "UK mobile"}, {"442079460000", "UK"},
                                           {"12025550100", "Near"},       {"33123456789", "France"},
                                           {"3223456789", "UK"},          {"12045550100", ""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(toll_digits_pack(cases[i][0], strlen(cases[i][0]), &key));
        destination = toll_lpm_find(book->destinations, book->lpm_words, key);
        assert_string_equal(toll_book_string(book, book->destination_names[destination]), cases[i][1]);
    }
    book_end(&f);
}

static void refused(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "plans.csv", "plan\np\np\n\"\"x\n");
    book_file(&f, "destinations.csv", "prefix,destination\n44,UK\n44,Britain\n45,\nx,Y\n");
    book_file(
        &f, "plan_rules.csv",
        "plan,action,deck,service,class,jurisdiction,destination,trunk,amount,percent,on_miss,priority,tiers,"
        "product\n"
        "q,deck,d,,,,,,,,,,,\n"                        /* 2 */
        ",deck,d,,,,,,,,,,,\n"                         /* 3 */
        "p,,d,,,,,,,,,,,\n"                            /* 4 */
        "p,tiers,,,,,,,,,,,t,x\n"                      /* 5 */
        "p,deck,,,,,,,,,,,,\n"                         /* 6 */
        "p,deck,dd,,,,,,,,,,,\n"                       /* 7 */
        "p,deck,../d,,,,,,,,,,,\n"                     /* 8 */
        "p,deck,d,fax,vip,lunar,US,T1,1,2,maybe,x,,\n" /* 9 */
        "p,flat,,,,,,,,,,,,\n"                         /* 10 */
        "p,flat,d,,,,,,-1,5,,,,\n"                     /* 11 */
        "p,markup,,,,,,,0.000000001,abc,,,,\n"         /* 12 */
        "p,free,,,,,,,1,,,,,\n"                        /* 13 */
        "p,reject,d,,,,,,,1,,,,\n"                     /* 14 */
        "p,charge,,,,,,,,,,,,\n"                       /* 15 */
        "p,markup,,,,,,,,-100.1,,,,\n");               /* 16 */
    book_bad(
        &f, "E plans.csv:3:1: ~the plan \"p\" is here for the second time; the first is in line 2\n"
            "E destinations.csv:4:4: ~must not be empty\n"
            "E destinations.csv:5:1: ~is no prefix\n"
            "E destinations.csv:3:1: ~the prefix \"44\" is here for the second time; the first is in line 2\n"
            "E plan_rules.csv:2:1: ~the plan \"q\" is unknown: it has no row in plans.csv\n"
            "E plan_rules.csv:3:1: ~must not be empty\n"
            "E plan_rules.csv:4:3: ~must not be empty\n"
            "E plan_rules.csv:5:19: tiers: ~the tiers \"t\" is unknown\n"
            "E plan_rules.csv:6:8: deck: ~must not be empty\n"
            "E plan_rules.csv:7:8: deck: ~the deck \"dd\" is unknown\n"
            "E plan_rules.csv:8:8: deck: ~the deck \"../d\" is unknown\n"
            "E plan_rules.csv:9:34: on_miss: ~is none of suspense, next\n"
            "E plan_rules.csv:9:10: service: ~is none of voice\n"
            "E plan_rules.csv:9:14: class: ~is none of ordinary\n"
            "E plan_rules.csv:9:18: jurisdiction: ~is none of indeterminate\n"
            "E plan_rules.csv:9:24: destination: ~\"US\" is unknown\n"
            "E plan_rules.csv:9:27: trunk: ~\"T1\" is unknown\n"
            "E plan_rules.csv:9:40: priority: ~is not a whole number\n"
            "E plan_rules.csv:9:30: amount: ~no use for this cell\n"
            "E plan_rules.csv:9:32: percent: ~no use for this cell\n"
            "E plan_rules.csv:10:14: amount: ~a flat rule needs an amount\n"
            "E plan_rules.csv:11:15: amount: ~is negative\n"
            "E plan_rules.csv:11:18: percent: ~no use for this cell\n"
            "E plan_rules.csv:11:8: deck: ~no use for this cell\n"
            "E plan_rules.csv:12:16: amount: ~more than 8 decimals\n"
            "E plan_rules.csv:12:28: percent: ~is not a percentage\n"
            "E plan_rules.csv:13:14: amount: ~no use for this cell\n"
            "E plan_rules.csv:14:18: percent: ~no use for this cell\n"
            "E plan_rules.csv:14:10: deck: ~no use for this cell\n"
            "E plan_rules.csv:15:3: action: ~is none of deck\n"
            "E plan_rules.csv:16:17: percent: ~is not a percentage from -100\n");
    book_end(&f);
}

static void currencies(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "accounts.csv", "account,currency\nacme,\neuro,EUR\nidle,GBP\n");
    book_file(&f, "numbers.csv", "number,account\n12125550100,acme\n12125550101,euro\n");
    book_file(&f, "decks.csv", "deck,currency\nd,\ne,EUR\n");
    book_file(&f, "decks/e.csv", "prefix,rate\n1,1\n");
    book_file(&f, "plans.csv", "plan\np\ne\n");
    book_file(&f, "plan_rules.csv", "plan,action,deck,amount\np,deck,d,\np,flat,,1\ne,deck,e,\n");
    /* euro reaches p by default. idle has no number and reaches nothing. */
    book_bad(
        &f,
        "E plan_rules.csv:2:0: ~the deck \"d\" is in USD, but the account \"euro\" in EUR can reach it\n");
    book_file(&f, "assignments.csv", "subject,plan,from\ndefault,p,\naccount:euro,e,\n");
    book_good(&f);
    /* Before its own plan begins the default is in force. */
    book_file(&f, "assignments.csv", "subject,plan,from\ndefault,p,\naccount:euro,e,2026-01-01\n");
    book_bad(&f, "E plan_rules.csv:2:0: ~\"euro\" in EUR can reach it\n");
    book_file(&f, "assignments.csv", "subject,plan,to\ndefault,p,2026-01-01\naccount:euro,e,\n");
    book_good(&f);
    /* A trunk's plan comes before the account's, not before the number's; a carrier's after the account's. */
    book_file(&f, "trunks.csv", "trunk\nT1\n");
    book_file(&f, "assignments.csv", "subject,plan\naccount:acme,p\naccount:euro,e\ntrunk:T1,p\n");
    book_bad(&f, "E plan_rules.csv:2:0: ~\"euro\" in EUR can reach it\n");
    book_file(&f, "assignments.csv", "subject,plan\naccount:acme,p\nnumber:12125550101,e\ntrunk:T1,p\n");
    book_good(&f);
    book_file(&f, "assignments.csv", "subject,plan\naccount:acme,p\naccount:euro,e\ncarrier:c,p\n");
    book_good(&f);
    book_file(&f, "assignments.csv", "subject,plan\naccount:acme,p\ncarrier:c,p\n");
    book_bad(&f, "E plan_rules.csv:2:0: ~\"euro\" in EUR can reach it\n");
    book_file(&f, "assignments.csv", "subject,plan\naccount:acme,e\naccount:euro,e\n");
    book_bad(
        &f,
        "E plan_rules.csv:4:0: ~the deck \"e\" is in EUR, but the account \"acme\" in USD can reach it\n");
    book_file(&f, "accounts.csv",
              "account,currency,timezone\nacme,usd,Nowhere/Town\nacme,,\n,,\neuro,,../../etc/passwd\n");
    assert_int_equal(book_compile(&f), TOLL_EBOOK);
    assert_non_null(strstr(f.findings, "E accounts.csv:2:10: timezone: "));
    assert_non_null(strstr(f.findings, "E accounts.csv:2:6: currency: \"usd\" is not three capital letters"));
    assert_non_null(
        strstr(f.findings, "E accounts.csv:3:1: account: the account \"acme\" is here for the second time"));
    assert_non_null(strstr(f.findings, "E accounts.csv:5:7: timezone: "));
    book_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains),
        cmocka_unit_test(rules),
        cmocka_unit_test(refused),
        cmocka_unit_test(currencies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
