/* Who may draw on which pool, and what makes its size: bundles, subscriptions and services as compiled. */
#include "pool_text.h"

#define NOON "2026-03-15T17:00:00Z"

/* Debit used goes first, then the lowest priority; rows of one pool are one time, their sizes stay apart. */
static void order_and_scopes(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "sites.csv", "site,account\nhq,acme\n");
    book_file(&f, "numbers.csv", "number,account,site\n12125550100-12125550101,acme,hq\n12125550200,acme,\n");
    book_file(&f, "bundles.csv",
              "bundle,unit,quantity,scope,priority,debit\nlate,s,100,account,5,\nused,s,100,,9,used\n"
              "first,s,100,site,-1,\nnum,s,60,number,5,\nshared,s,1000,pool,5,\n");
    book_file(&f, "subscriptions.csv",
              "subject,bundle,pool,times,from,to\naccount:acme,late,,,,\naccount:acme,used,,2,,\n"
              "site:hq,first,,,2026-03-01,2026-04-01\nsite:hq,first,,,2026-03-15,2026-05-01\n"
              "number:12125550100,num,,,,\ndefault,num,,3,2026-02-01,\ndefault,shared,zulu,,,\n"
              "account:acme,shared,alpha,2,,\nsite:hq,first,,,2026-06-01,2026-07-01\n");
    book = book_good(&f);
    assert_owner_list(book, "12125550100", NOON,
                      "used acme - - - -\n"
                      "first acme hq - 2026-03-01T05:00 2026-05-01T04:00\n"
                      "first acme hq - 2026-06-01T04:00 2026-07-01T04:00\n"
                      "late acme - - - -\n"
                      "num - - {60@6 - -; 180@7 2026-02-01T05:00 -}\n"
                      "shared - - alpha - -\n"
                      "shared - - zulu - -\n");
    assert_owner_list(book, "12125550101", NOON,
                      "used acme - - - -\n"
                      "first acme hq - 2026-03-01T05:00 2026-05-01T04:00\n"
                      "first acme hq - 2026-06-01T04:00 2026-07-01T04:00\n"
                      "late acme - - - -\n"
                      "num 2026-02-01T05:00 - {180@7 2026-02-01T05:00 -}\n"
                      "shared - - alpha - -\n"
                      "shared - - zulu - -\n");
    assert_owner_list(book, "12125550200", NOON,
                      "used acme - - - -\n"
                      "late acme - - - -\n"
                      "num 2026-02-01T05:00 - {180@7 2026-02-01T05:00 -}\n"
                      "shared - - alpha - -\n"
                      "shared - - zulu - -\n");
    assert_pools(book, "used acme - - America/New_York 1 {200@3 - -}\n"
                       "first acme hq - America/New_York 1 {100@4 2026-03-01T05:00 2026-04-01T04:00; "
                       "100@5 2026-03-15T04:00 2026-05-01T04:00; 100@10 2026-06-01T04:00 2026-07-01T04:00}\n"
                       "late acme - - America/New_York 1 {100@2 - -}\n"
                       "shared - - alpha America/New_York 1 {2000@9 - -}\n"
                       "shared - - zulu America/New_York 1 {1000@8 - -}\n");
    assert_true(book->has_bundles && !book->has_cost && !book->has_feeds);
    book_end(&f);
}

/* A number that moves within its account keeps one pool, whose size all its sites make. */
static void moved_number(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    static const char grants[] = " {60@2 - -; 120@3 - -; 300@5 - -; 420@6 - -}\n";
    char expected[512];
    (void)state;

    book_begin(&f);
    book_file(&f, "accounts.csv", "account,timezone,cycle_day\nacme,America/Chicago,15\nbeta,,\n");
    book_file(&f, "sites.csv", "site,account\nhq,acme\nwest,acme\n");
    book_file(&f, "plans.csv", "plan\np\nq\n");
    book_file(&f, "numbers.csv",
              "number,account,site,from,to\n12125550100,acme,hq,,2026-06-01\n"
              "12125550100,acme,west,2026-06-01,2026-09-01\n12125550100,beta,,2026-09-02,\n"
              "12125550101,acme,hq,,\n");
    book_file(&f, "assignments.csv", "subject,plan\ndefault,p\nsite:west,q\n");
    book_file(&f, "bundles.csv",
              "bundle,unit,quantity,scope,priority\nnum,s,60,number,\nsb,s,1000,site,\nac,s,500,account,9\n");
    book_file(&f, "subscriptions.csv",
              "subject,bundle,times,from\nsite:hq,num,,\nsite:west,num,2,\n"
              "number:12125550100,sb,,2026-05-01\nplan:p,num,5,\nplan:q,num,7,\n"
              "number:12125550100,ac,,\n");
    book = book_good(&f);
    snprintf(expected, sizeof(expected), "num - -%ssb acme hq - 2026-05-01T05:00 -\nac acme - - - -\n",
             grants);
    assert_owner_list(book, "12125550100", NOON, expected);
    snprintf(expected, sizeof(expected), "num - -%ssb acme west - 2026-05-01T05:00 -\nac acme - - - -\n",
             grants);
    assert_owner_list(book, "12125550100", "2026-07-01T12:00:00Z", expected);
    /* Another account is another number; its zone is New York. */
    assert_owner_list(book, "12125550100", "2026-10-01T12:00:00Z",
                      "num - - {300@5 - -}\nsb beta - - 2026-05-01T04:00 -\nac beta - - - -\n");
    assert_owner_list(book, "12125550101", NOON, "num - - {60@2 - -; 300@5 - -}\n");
    assert_pools(book,
                 "sb acme hq - America/Chicago 15 {1000@4 2026-05-01T05:00 -}\n"
                 "sb acme west - America/Chicago 15 {1000@4 2026-05-01T05:00 -}\n"
                 "sb beta - - America/New_York 1 {1000@4 2026-05-01T04:00 -}\n"
                 "ac acme - - America/Chicago 15 {500@7 - -}\nac beta - - America/New_York 1 {500@7 - -}\n");
    book_end(&f);
}

/* A plan gives its bundles while it is in force for the payer; a pool has them while anybody in it has the
 * plan, each stretch by itself; a named pool always. */
static void plans_that_come_and_go(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "plans.csv", "plan\np\nq\n");
    book_file(&f, "numbers.csv", "number,account\n12125550100-12125550102,acme\n");
    book_file(&f, "assignments.csv",
              "subject,plan,from,to\ndefault,p,,\naccount:acme,q,2026-02-01,2026-03-01\n"
              "number:12125550101,q,2026-02-15,2026-04-01\nnumber:12125550102,q,2026-06-01,2026-07-01\n"
              "number:12125550102,p,2026-02-01,2026-03-01\n");
    book_file(&f, "bundles.csv",
              "bundle,unit,quantity,scope\nacc,s,100,account\nnum,s,60,number\nnamed,s,1000,pool\n");
    book_file(&f, "subscriptions.csv",
              "subject,bundle,pool,from,to\nplan:q,acc,,2026-02-10,\nplan:p,num,,,\nplan:q,named,x,,\n");
    book = book_good(&f);
    assert_owner_list(book, "12125550100", NOON,
                      "acc acme - - 2026-02-10T05:00 2026-03-01T05:00\n"
                      "num - 2026-02-01T05:00 {60@3 - 2026-02-01T05:00; 60@3 2026-03-01T05:00 -}\n"
                      "num 2026-03-01T05:00 - {60@3 - 2026-02-01T05:00; 60@3 2026-03-01T05:00 -}\n"
                      "named - - x 2026-02-01T05:00 2026-03-01T05:00\n");
    /* By account until 15 February, then by number: one time. */
    assert_owner_list(book, "12125550101", NOON,
                      "acc acme - - 2026-02-10T05:00 2026-04-01T04:00\n"
                      "num - 2026-02-01T05:00 {60@3 - 2026-02-01T05:00; 60@3 2026-04-01T04:00 -}\n"
                      "num 2026-04-01T04:00 - {60@3 - 2026-02-01T05:00; 60@3 2026-04-01T04:00 -}\n"
                      "named - - x 2026-02-01T05:00 2026-04-01T04:00\n");
    /* p by default, by number, by default: one time again. */
    assert_owner_list(book, "12125550102", NOON,
                      "acc acme - - 2026-06-01T04:00 2026-07-01T04:00\n"
                      "num - 2026-06-01T04:00 {60@3 - 2026-06-01T04:00; 60@3 2026-07-01T04:00 -}\n"
                      "num 2026-07-01T04:00 - {60@3 - 2026-06-01T04:00; 60@3 2026-07-01T04:00 -}\n"
                      "named - - x 2026-06-01T04:00 2026-07-01T04:00\n");
    assert_pools(book, "acc acme - - America/New_York 1 {100@2 2026-02-10T05:00 2026-04-01T04:00; "
                       "100@2 2026-06-01T04:00 2026-07-01T04:00}\n"
                       "named - - x America/New_York 1 {1000@4 - -}\n");
    book_end(&f);
}

/* Seats: those of the pool that lie in the row's subject too. */
static void counted_services(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "accounts.csv", "account\nacme\nbeta\n");
    book_file(&f, "sites.csv", "site,account\nhq,acme\n");
    book_file(&f, "numbers.csv",
              "number,account,site\n12125550100-12125550102,acme,hq\n12125550200,acme,\n12125550300,beta,\n");
    book_file(&f, "services.csv",
              "service,account,type,site,number,quantity,from,to\ns1,acme,seat,hq,,3,,\n"
              "s2,acme,seat,,12125550100,2,2026-03-05,\ns3,acme,seat,hq,+12125550101,1,,2026-07-01\n"
              "s4,beta,seat,,,10,,\ns5,acme,line,hq,,50,,\n");
    book_file(&f, "bundles.csv",
              "bundle,unit,quantity,scope\nnum,s,60,number\nst,s,60,site\nacc,s,60,account\nnp,s,60,pool\n");
    book_file(&f, "subscriptions.csv",
              "subject,bundle,pool,times,from,to\ndefault,num,,count:seat,,\ndefault,st,,count:seat,,\n"
              "site:hq,acc,,count:seat,,\nnumber:12125550100,acc,,count:seat,2026-03-01,2026-04-01\n"
              "account:beta,np,main,count:seat,,\nsite:hq,np,other,count:seat,,\n"
              "number:12125550101,st,,count:line,,\nnumber:12125550101,np,third,count:seat,,\n"
              "number:12125550100,st,,count:seat,,\n");
    book = book_good(&f);
    assert_owner_list(book, "12125550100", NOON,
                      "num - - {120@2 2026-03-05T05:00 -}\nst acme hq - - -\nacc acme - - - -\n"
                      "np - - other - -\n");
    assert_owner_list(book, "12125550101", NOON,
                      "num - - {60@2 - 2026-07-01T04:00}\nst acme hq - - -\nacc acme - - - -\n"
                      "np - - other - -\nnp - - third - -\n");
    assert_owner_list(book, "12125550102", NOON,
                      "num - - {}\nst acme hq - - -\nacc acme - - - -\nnp - - other - -\n");
    assert_owner_list(book, "12125550200", NOON, "num - - {}\nst acme - - - -\n");
    assert_owner_list(book, "12125550300", NOON, "num - - {}\nst beta - - - -\nnp - - main - -\n");
    assert_pools(book, "st acme - - America/New_York 1 {120@3 2026-03-05T05:00 -}\n"
                       "st acme hq - America/New_York 1 {60@3 - 2026-07-01T04:00; 180@3 - -}\n"
                       "st beta - - America/New_York 1 {600@3 - -}\n"
                       "acc acme - - America/New_York 1 {60@4 - 2026-07-01T04:00; 180@4 - -; "
                       "120@5 2026-03-05T05:00 2026-04-01T04:00}\n"
                       "np - - main America/New_York 1 {600@6 - -}\n"
                       "np - - other America/New_York 1 {60@7 - 2026-07-01T04:00; 180@7 - -}\n"
                       "np - - third America/New_York 1 {60@9 - 2026-07-01T04:00}\n");
    book_end(&f);
}

/* What is bought: plans, pools and feeds of carriers and trunks. */
static void cost_side(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    const struct toll_named *trunk, *carrier;
    (void)state;

    book_begin(&f);
    book_file(&f, "accounts.csv", "account,timezone,parent\nacme,America/Chicago,group\ngroup,,\n");
    book_file(&f, "trunks.csv", "trunk,carrier\nT2,level3\nT1,\n");
    book_file(&f, "carriers.csv", "carrier,feed_role\nzayo,compare\nlevel3,cost\nacc,bill\n");
    book_file(&f, "plans.csv", "plan\np\nb\nc\n");
    book_file(&f, "assignments.csv",
              "subject,plan,side,from\ndefault,p,,\ndefault,b,buy,2026-03-01\ntrunk:T2,c,buy,\n");
    book_file(&f, "plan_rules.csv", "plan,action,deck\np,deck,d\nb,deck,d\nc,deck,d\n");
    book_file(&f, "bundles.csv",
              "bundle,unit,quantity,scope,period\nvendor,s,100,pool,anchor\nours,s,50,pool,\n");
    book_file(&f, "subscriptions.csv",
              "subject,bundle,pool,from\ncarrier:level3,vendor,big,2026-03-01\ntrunk:T2,vendor,big,\n"
              "trunk:T2,vendor,a,\naccount:acme,ours,big,\n");
    book = book_good(&f);
    assert_true(book->has_bundles && book->has_cost && book->has_feeds);
    assert_named_list(book, TOLL_NAMED_CARRIER, "level3", "vendor - - big 2026-03-01T05:00 -\n");
    assert_named_list(book, TOLL_NAMED_TRUNK, "T2", "vendor - - a - -\nvendor - - big - -\n");
    assert_named_list(book, TOLL_NAMED_TRUNK, "T1", "");
    assert_owner_list(book, "12125550100", NOON, "ours - - big - -\n");
    assert_pools(book, "vendor - - a America/New_York 1 {100@4 - -}\n"
                       "vendor - - big America/New_York 1 {100@2 2026-03-01T05:00 -; 100@3 - -}\n"
                       "ours - - big America/Chicago 1 {50@5 - -}\n");
    trunk = toll_book_named(book, TOLL_NAMED_TRUNK, "T2", 2);
    carrier = toll_book_named(book, TOLL_NAMED_CARRIER, "level3", 6);
    assert_ptr_equal(&book->named[TOLL_NAMED_CARRIER][trunk->carrier - 1], carrier);
    assert_int_equal(toll_book_named(book, TOLL_NAMED_TRUNK, "T1", 2)->carrier, 0);
    assert_int_equal(carrier->feed_role, TOLL_FEED_COST);
    assert_int_equal(toll_book_named(book, TOLL_NAMED_CARRIER, "zayo", 4)->feed_role, TOLL_FEED_COMPARE);
    assert_int_equal(toll_book_named(book, TOLL_NAMED_CARRIER, "acc", 3)->feed_role, TOLL_FEED_BILL);
    assert_int_equal(trunk->span_count, 0);
    assert_int_equal(trunk->buy_span_count, 1);
    assert_string_equal(toll_book_string(book, book->plans[book->spans[trunk->buy_span].plan].plan), "c");
    assert_int_equal(carrier->buy_span_count, 0);
    assert_int_equal(book->buy_span_count, 1);
    assert_true(book->spans[book->buy_span].from == book_ms("2026-03-01T05:00:00Z"));
    assert_true(book->plans[2].buy && book->plans[3].buy && !book->plans[1].buy);
    assert_string_equal(toll_book_string(book, book->accounts[book->accounts[1].parent].account), "group");
    assert_int_equal(book->accounts[2].parent, 0);
    book_end(&f);
}

/* A carrier that only a table of trunks or subscriptions names is known, where there is no carriers.csv. */
static void carriers_by_name(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "trunks.csv", "trunk,carrier\nT,b\n");
    book_file(&f, "bundles.csv", "bundle,unit,quantity,scope\nv,s,100,pool\n");
    book_file(&f, "subscriptions.csv", "subject,bundle,pool\ncarrier:a,v,x\n");
    book = book_good(&f);
    assert_named_list(book, TOLL_NAMED_CARRIER, "a", "v - - x - -\n");
    assert_int_equal(toll_book_named(book, TOLL_NAMED_TRUNK, "T", 1)->carrier, 2);
    assert_true(!book->has_bundles && !book->has_cost && !book->has_feeds);
    book_end(&f);
}

/* 200,000 numbers with a plan of their own: one list of grants for all, few owners. */
static void many_numbers(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    char *rows = malloc(200000 * 32), *at = rows;
    (void)state;

    assert_non_null(rows);
    book_begin(&f);
    at += sprintf(at, "subject,plan\ndefault,p\n");
    for (int i = 0; i < 200000; i++)
        at += sprintf(at, "number:1212%07d,q\n", i);
    book_file(&f, "assignments.csv", rows);
    book_file(&f, "plans.csv", "plan\np\nq\n");
    book_file(&f, "numbers.csv", "number,account\n12120000000-12120199999,acme\n");
    book_file(&f, "bundles.csv", "bundle,unit,quantity,scope\nnum,s,60,number\n");
    book_file(&f, "subscriptions.csv", "subject,bundle\nplan:q,num\n");
    book = book_good(&f);
    assert_int_equal(book->number_count, 200000);
    assert_int_equal(book->owner_count, 2);
    assert_int_equal(book->grant_count, 1);
    assert_int_equal(book->entitlement_count, 1);
    assert_owner_list(book, "12120123456", NOON, "num - - {60@2 - -}\n");
    free(rows);
    book_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_and_scopes),
        cmocka_unit_test(moved_number),
        cmocka_unit_test(plans_that_come_and_go),
        cmocka_unit_test(counted_services),
        cmocka_unit_test(cost_side),
        cmocka_unit_test(carriers_by_name),
        cmocka_unit_test(many_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
