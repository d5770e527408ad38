/* Who owns a number, trunk or hint at a time, and by which plan. */
#include "book_fixture.h"

#include "base/digits.h"

/* The owner of a number, found as layout.h says. */
static const struct toll_owner *owner_of(const struct toll_book *book, const char *number, const char *at)
{
    uint64_t key, slot;

    assert_true(toll_digits_pack(number, strlen(number), &key));
    slot = toll_number_first_slot(key, book->number_capacity);
    while (book->numbers[slot].key != 0 && book->numbers[slot].key != key)
        slot = slot + 1 == book->number_capacity ? 0 : slot + 1;
    return &book->owners[book->numbers[slot].key == 0
                             ? 0
                             : toll_book_owner_at(book, book->numbers[slot].owner, book_ms(at))];
}

static const struct toll_owner *named_owner(const struct toll_book *book, enum toll_named_kind kind,
                                            const char *text, const char *at)
{
    const struct toll_named *named = toll_book_named(book, kind, text, strlen(text));

    return &book->owners[named == NULL ? 0 : toll_book_owner_at(book, named->owner, book_ms(at))];
}

static void assert_owner(const struct toll_book *book, const struct toll_owner *owner, const char *account,
                         const char *site)
{
    assert_string_equal(toll_book_string(book, book->accounts[owner->account].account), account);
    assert_string_equal(toll_book_string(book, book->sites[owner->site].site), site);
    assert_int_equal(book->buckets[owner->bucket].account, owner->account);
    assert_int_equal(book->buckets[owner->bucket].site, owner->site);
}

/* The plan in force by the owner's spans, "" none; *level as stored. */
static const char *plan_at(const struct toll_book *book, const struct toll_owner *owner, const char *at,
                           int *level)
{
    const toll_ms ms = book_ms(at);

    *level = TOLL_LEVEL_NONE;
    for (uint32_t i = 0; i < owner->span_count; i++) {
        const struct toll_plan_span *span = &book->spans[owner->span + i];
        if (span->from <= ms && ms < span->until) {
            *level = span->level;
            if (owner->plan > 0)
                assert_int_equal(owner->plan, span->plan);
            return toll_book_string(book, book->plans[span->plan].plan);
        }
    }
    return "";
}

static void assert_plan(const struct toll_book *book, const struct toll_owner *owner, const char *at,
                        const char *plan, int level)
{
    int found;

    assert_string_equal(plan_at(book, owner, at, &found), plan);
    assert_int_equal(found, level);
}

#define NOON "2026-03-02T12:00:00Z"

static void numbers_and_ranges(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "accounts.csv", "account,name\nacme,Acme Inc\nbeta,\n");
    book_file(&f, "sites.csv", "site,account,name,city\nhq,acme,Headquarters,Albany\n");
    book_file(&f, "numbers.csv",
              "number,account,site\n+12125550100,acme,hq\n12125550200-12125550299,beta,\n"
              "442079460000-442079460001,acme,\n12125550101,acme,\n5550123,beta,\n+123456789012345,acme,\n");
    book = book_good(&f);
    assert_int_equal(f.result.numbers, 106);
    assert_int_equal(book->number_count, 106);
    assert_int_equal(f.result.sites, 1);
    assert_owner(book, owner_of(book, "12125550100", NOON), "acme", "hq");
    assert_owner(book, owner_of(book, "12125550101", NOON), "acme", "");
    assert_owner(book, owner_of(book, "12125550200", NOON), "beta", "");
    assert_owner(book, owner_of(book, "12125550299", NOON), "beta", "");
    assert_owner(book, owner_of(book, "442079460001", NOON), "acme", "");
    assert_owner(book, owner_of(book, "5550123", NOON), "beta", "");
    assert_owner(book, owner_of(book, "123456789012345", NOON), "acme", "");
    assert_owner(book, owner_of(book, "12125550300", NOON), "", "");
    assert_owner(book, owner_of(book, "1212555020", NOON), "", "");
    assert_string_equal(toll_book_string(book, book->accounts[1].name), "Acme Inc");
    assert_true(book->owners[1].plan == 1);
    /* acme at hq, acme, beta */
    assert_int_equal(book->bucket_count, 4);
    book_end(&f);
}

static void dated(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "accounts.csv", "account,timezone\nacme,\nbeta,Europe/London\n");
    book_file(&f, "numbers.csv",
              "number,account,from,to\n12125550100,acme,,2026-03-10\n12125550100,beta,2026-03-11,2026-06-01 "
              "12:30:00\n"
              "12125550100-12125550109,acme,2026-07-01,\n12125550105,beta,,2026-07-01\n");
    book = book_good(&f);
    assert_int_equal(book->number_count, 10);
    /* New York midnight is 04:00Z from 8 March 2026 on. */
    assert_owner(book, owner_of(book, "12125550100", "2020-01-01T00:00:00Z"), "acme", "");
    assert_owner(book, owner_of(book, "12125550100", "2026-03-10T03:59:59.999Z"), "acme", "");
    assert_owner(book, owner_of(book, "12125550100", "2026-03-10T04:00:00Z"), "", "");
    /* London is at 00:00Z in March, at 11:30Z when its clocks show 12:30 in June. */
    assert_owner(book, owner_of(book, "12125550100", "2026-03-10T23:59:59.999Z"), "", "");
    assert_owner(book, owner_of(book, "12125550100", "2026-03-11T00:00:00Z"), "beta", "");
    assert_owner(book, owner_of(book, "12125550100", "2026-06-01T11:29:59.999Z"), "beta", "");
    assert_owner(book, owner_of(book, "12125550100", "2026-06-01T11:30:00Z"), "", "");
    assert_owner(book, owner_of(book, "12125550100", "2026-07-01T04:00:00Z"), "acme", "");
    /* beta's row of 12125550105 ends at 23:00Z, acme's begins at 04:00Z. */
    assert_owner(book, owner_of(book, "12125550105", "2026-06-30T22:59:59Z"), "beta", "");
    assert_owner(book, owner_of(book, "12125550105", "2026-07-01T03:59:59Z"), "", "");
    assert_owner(book, owner_of(book, "12125550105", "2026-07-01T04:00:00Z"), "acme", "");
    assert_owner(book, owner_of(book, "12125550101", "2026-06-30T22:59:59Z"), "", "");
    book_end(&f);
}

/* The clocks of New York go forward at 02:00 on 8 March and back at 02:00 on 1 November 2026. */
static void local_times(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(
        &f, "numbers.csv",
        "number,account,from\n12125550100,acme,2026-03-08 02:30:00\n12125550101,acme,2026-11-01 01:30:00\n");
    book = book_good(&f);
    /* A time that never happens has the offset before the gap, -5 h; one that happens twice is the first, -4
     * h. */
    assert_owner(book, owner_of(book, "12125550100", "2026-03-08T07:29:59.999Z"), "", "");
    assert_owner(book, owner_of(book, "12125550100", "2026-03-08T07:30:00Z"), "acme", "");
    assert_owner(book, owner_of(book, "12125550101", "2026-11-01T05:29:59.999Z"), "", "");
    assert_owner(book, owner_of(book, "12125550101", "2026-11-01T05:30:00Z"), "acme", "");
    book_end(&f);
}

static void plans_by_level(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    const struct toll_named *named;
    (void)state;

    book_begin(&f);
    book_file(&f, "accounts.csv", "account\nacme\nbeta\n");
    book_file(&f, "sites.csv", "site,account\nhq,acme\n");
    book_file(&f, "plans.csv", "plan\np\nnum\nsite\nacc\ntrunk\ncar\nbuy\n");
    book_file(&f, "trunks.csv",
              "trunk,account,side,carrier,channels\nT1,acme,,c1,23\nT2,beta,buy,,\nA0,,,,\n");
    book_file(&f, "carriers.csv", "carrier,feed_role\nc1,bill\nc2,\n");
    book_file(&f, "numbers.csv",
              "number,account,site\n12125550100-12125550109,acme,hq\n12125550200,beta,\nhint:B,beta,\n"
              "hint:A,acme,hq\n");
    book_file(
        &f, "assignments.csv",
        "subject,plan,side,from,to\ndefault,p,,2026-01-01,\naccount:acme,acc,sell,2026-02-01,2026-05-01\n"
        "site:hq,site,,2026-03-01,2026-04-01\nnumber:12125550105,num,,2026-03-10,2026-03-20\n"
        "trunk:T1,trunk,,2026-03-01,\ncarrier:c2,car,,,\ncarrier:c2,buy,buy,,\n");
    book = book_good(&f);
    const struct toll_owner *plain = owner_of(book, "12125550104", NOON),
                            *own = owner_of(book, "12125550105", NOON);
    const struct toll_owner *beta = owner_of(book, "12125550200", NOON);
    assert_true(plain != own);
    assert_ptr_equal(plain, owner_of(book, "12125550109", NOON));
    assert_int_equal(plain->bucket, own->bucket);
    assert_plan(book, plain, "2025-12-31T23:59:59Z", "", TOLL_LEVEL_NONE);
    assert_plan(book, plain, "2026-01-01T05:00:00Z", "p", TOLL_LEVEL_DEFAULT);
    assert_plan(book, plain, "2026-02-01T05:00:00Z", "acc", TOLL_LEVEL_ACCOUNT);
    assert_plan(book, plain, "2026-03-15T12:00:00Z", "site", TOLL_LEVEL_SITE);
    assert_plan(book, own, "2026-03-15T12:00:00Z", "num", TOLL_LEVEL_NUMBER);
    assert_plan(book, own, "2026-03-20T03:59:59Z", "num", TOLL_LEVEL_NUMBER);
    assert_plan(book, own, "2026-03-20T04:00:00Z", "site", TOLL_LEVEL_SITE);
    assert_plan(book, plain, "2026-04-01T04:00:00Z", "acc", TOLL_LEVEL_ACCOUNT);
    assert_plan(book, plain, "2026-05-01T04:00:00Z", "p", TOLL_LEVEL_DEFAULT);
    assert_plan(book, beta, NOON, "p", TOLL_LEVEL_DEFAULT);
    assert_int_equal(beta->plan, 0);
    assert_true(book->has_trunk_plans && book->has_carrier_plans);
    /* Trunks: sorted, with ids for rules; T2 is on the buy side. */
    assert_int_equal(book->named_count[TOLL_NAMED_TRUNK], 3);
    named = toll_book_named(book, TOLL_NAMED_TRUNK, "T1", 2);
    assert_int_equal(named->id, 2);
    assert_int_equal(named->span_count, 1);
    assert_int_equal(book->spans[named->span].level, TOLL_LEVEL_TRUNK);
    assert_int_equal(book->spans[named->span].from, book_ms("2026-03-01T05:00:00Z"));
    assert_owner(book, named_owner(book, TOLL_NAMED_TRUNK, "T1", NOON), "acme", "");
    assert_owner(book, named_owner(book, TOLL_NAMED_TRUNK, "T2", NOON), "", "");
    assert_null(toll_book_named(book, TOLL_NAMED_TRUNK, "T", 1));
    assert_null(toll_book_named(book, TOLL_NAMED_TRUNK, "T11", 3));
    assert_null(toll_book_named(book, TOLL_NAMED_TRUNK, "", 0));
    assert_owner(book, named_owner(book, TOLL_NAMED_HINT, "A", NOON), "acme", "hq");
    assert_owner(book, named_owner(book, TOLL_NAMED_HINT, "B", NOON), "beta", "");
    assert_owner(book, named_owner(book, TOLL_NAMED_HINT, "C", NOON), "", "");
    named = toll_book_named(book, TOLL_NAMED_CARRIER, "c2", 2);
    assert_int_equal(book->spans[named->span].level, TOLL_LEVEL_CARRIER);
    assert_int_equal(toll_book_named(book, TOLL_NAMED_CARRIER, "c1", 2)->span_count, 0);
    book_end(&f);
}

/* A trunk's account may stand in trunks.csv, in numbers.csv (with dates and a site), or in both if they
 * agree. */
static void trunks_in_two_tables(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "accounts.csv", "account\nacme\nbeta\n");
    book_file(&f, "sites.csv", "site,account\nhq,acme\n");
    book_file(&f, "trunks.csv", "trunk,account\nT1,acme\n");
    book_file(&f, "numbers.csv",
              "number,account,site,from,to\ntrunk:T1,acme,hq,2026-03-01,2026-04-01\n"
              "trunk:T9,beta,,,2026-03-01\n");
    book = book_good(&f);
    assert_owner(book, named_owner(book, TOLL_NAMED_TRUNK, "T1", "2026-02-01T00:00:00Z"), "acme", "");
    assert_owner(book, named_owner(book, TOLL_NAMED_TRUNK, "T1", "2026-03-02T00:00:00Z"), "acme", "hq");
    assert_owner(book, named_owner(book, TOLL_NAMED_TRUNK, "T1", "2026-05-01T00:00:00Z"), "acme", "");
    assert_owner(book, named_owner(book, TOLL_NAMED_TRUNK, "T9", "2026-02-01T00:00:00Z"), "beta", "");
    assert_owner(book, named_owner(book, TOLL_NAMED_TRUNK, "T9", "2026-03-02T00:00:00Z"), "", "");
    book_file(&f, "numbers.csv", "number,account\ntrunk:T1,beta\n");
    book_bad(&f, "E numbers.csv:2:1: ~belongs to another account in trunks.csv, line 2\n");
    book_end(&f);
}

static void refused(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "accounts.csv", "account\nacme\nbeta\n");
    book_file(&f, "sites.csv", "site,account\nhq,acme\n");
    book_file(&f, "numbers.csv",
              "number,account,site,from,to\n"
              "12125550100,acne,,,\n"
              "12125550101,,,,\n"
              "12125550102,beta,hq,,\n"
              "12125550103,acme,hx,,\n"
              "555,acme,,,\n"
              "12125550104x,acme,,,\n"
              "12125550200-1212555029,acme,,,\n"
              "12125550209-12125550200,acme,,,\n"
              "12125550105,acme,,2026-03-10,2026-03-01\n"
              "12125550105,acme,,2026-03-10,2026-03-10\n"
              "12125550105,acme,,2026-02-30,\n"
              "1234567890123456,acme,,,\n"
              "hint:,acme,,,\n"
              ",acme,,,\n"
              "12125550100-12125559999,acme,,,,x\n");
    book_bad(
        &f,
        "E numbers.csv:2:13: ~the account \"acne\" is unknown: it has no row in accounts.csv; did you mean "
        "\"acme\"?\n"
        "E numbers.csv:3:13: ~must not be empty\n"
        "E numbers.csv:4:18: ~the site \"hq\" does not belong to the account \"beta\"\n"
        "E numbers.csv:5:18: ~the site \"hx\" is unknown\n"
        "E numbers.csv:6:1: ~is no number\n"
        "E numbers.csv:7:1: number: \"1212xxxxx04x\" ~is no number\n"
        "E numbers.csv:8:1: number: \"1212xxxxx00-1212xxxx29\" ~differ in length\n"
        "E numbers.csv:9:1: ~ends before it begins\n"
        "E numbers.csv:10:30: ~is before the from date\n"
        "E numbers.csv:11:30: ~never in force\n"
        "E numbers.csv:12:19: ~is not a date\n"
        "E numbers.csv:13:1: ~is no number\n"
        "E numbers.csv:14:1: ~is no number\n"
        "E numbers.csv:15:1: ~must not be empty\n"
        "E numbers.csv:16:~the header has 5\n");
    book_end(&f);
}

static void overlaps(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "numbers.csv",
              "number,account,from,to\n"
              "12125550100,acme,,\n"
              "12125550100,acme,,\n"
              "12125550200-12125550299,acme,2026-01-01,\n"
              "12125550250,acme,2026-06-01,2026-07-01\n"
              "12125550251,acme,,2026-01-01\n"
              "12125550290-12125550310,acme,2026-01-01,2026-01-02\n"
              "hint:A,acme,,\n"
              "hint:A,acme,2026-01-01,\n");
    book_bad(
        &f,
        "E numbers.csv:3:1: ~1212xxxxx00 is here for the second time; the other row is line 2\n"
        "E numbers.csv:5:1: ~1212xxxxx50 is here for the second time with dates that overlap; the other row "
        "is line 4\n"
        "E numbers.csv:7:1: ~1212xxxxx90 is here for the second time with dates that overlap; the other row "
        "is line 4\n"
        "E numbers.csv:9:1: ~\"hint:A\" is here for the second time\n");
    /* One finding for a range inside a range, not one for each number. */
    book_file(&f, "numbers.csv",
              "number,account\n12125550000-12125559999,acme\n12125550000-12125559998,acme\n");
    book_bad(&f, "E numbers.csv:3:1: ~is here for the second time\n");
    /* 20 million numbers and no more. */
    book_file(&f, "numbers.csv",
              "number,account\n120000000000-120019999999,acme\n12125550100,acme\n12125550101,acme\n");
    book_bad(&f, "E numbers.csv:3:1: ~more than 20000000 numbers\n");
    book_file(&f, "numbers.csv", "number,account\n100000000000000-999999999999999,acme\n");
    book_bad(&f, "E numbers.csv:2:1: ~more than 20000000 numbers\n");
    book_end(&f);
}

static void assignments_refused(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "trunks.csv", "trunk,account,side\nT1,acme,sell\nT1,acme,sell\nT2,acme,left\nT3,nobody,\n");
    book_file(&f, "carriers.csv", "carrier,feed_role\nc1,cost\nc1,bill\n");
    book_file(&f, "assignments.csv",
              "subject,plan,side,from,to\n"
              "default,q,,,\n"
              "default,,,,\n"
              "number:12125550199,p,,,\n"
              "number:abc,p,,,\n"
              "trunk:T9,p,,,\n"
              "site:hq,p,,,\n"
              "account:beta,p,,,\n"
              "carrier:c9,p,,,\n"
              "hint:A,p,,,\n"
              "account:,p,,,\n"
              "default,p,,,2026-03-01\n"
              "default,p,,2026-02-28 23:59:59,\n"
              "default,p,buy,2026-02-28,\n"
              "number:12125550100,p,,2026-01-01,2026-02-01\n"
              "number:+12125550100,p,,2026-01-31,\n");
    book_bad(&f, "E carriers.csv:3:1: ~second time\n"
                 "E trunks.csv:3:1: ~the trunk \"T1\" is here for the second time; the first is in line 2\n"
                 "E trunks.csv:4:9: ~is none of sell, buy\n"
                 "E trunks.csv:5:4: ~account \"nobody\" is unknown\n"
                 "E assignments.csv:2:9: ~plan \"q\" is unknown\n"
                 "E assignments.csv:3:9: ~must not be empty\n"
                 "E assignments.csv:4:1: ~1212xxxxx99 is unknown\n"
                 "E assignments.csv:5:1: ~is no number\n"
                 "E assignments.csv:6:1: ~trunk \"T9\" is unknown\n"
                 "E assignments.csv:7:1: ~site \"hq\" is unknown\n"
                 "E assignments.csv:8:1: ~account \"beta\" is unknown\n"
                 "E assignments.csv:9:1: ~carrier \"c9\" is unknown\n"
                 "E assignments.csv:10:1: ~is no subject\n"
                 "E assignments.csv:11:1: ~is no subject\n"
                 "E assignments.csv:16:1: ~plan in line 15 too, and the dates overlap\n"
                 "E assignments.csv:13:1: ~plan in line 12 too, and the dates overlap\n"
                 "E assignments.csv:14:9: ~line 12 sells by this one\n");
    book_end(&f);
}

/* Whatever the order of the rows, the same numbers give the same slots; and every one of many is found. */
static void many(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    char *text = malloc(4000000);
    size_t bytes = 0;
    void *slots;
    (void)state;

    book_begin(&f);
    bytes += (size_t)sprintf(text + bytes, "number,account\n");
    for (uint64_t i = 0; i < 100000; i++)
        bytes += (size_t)sprintf(text + bytes, "1%010llu,acme\n",
                                 (unsigned long long)(i * UINT64_C(7919000017) % 10000000000));
    book_file(&f, "numbers.csv", text);
    book = book_good(&f);
    assert_int_equal(book->number_count, 100000);
    assert_true(book->number_capacity * sizeof(struct toll_number_slot) <= 24 * book->number_count);
    for (uint64_t i = 0; i < 100000; i++) {
        char number[16];
        sprintf(number, "1%010llu", (unsigned long long)(i * UINT64_C(7919000017) % 10000000000));
        assert_owner(book, owner_of(book, number, NOON), "acme", "");
    }
    const size_t slot_bytes = book->number_capacity * sizeof(struct toll_number_slot);
    slots = malloc(slot_bytes);
    memcpy(slots, book->numbers, slot_bytes);
    bytes = (size_t)sprintf(text, "number,account\n");
    for (uint64_t i = 100000; i-- > 0;)
        bytes += (size_t)sprintf(text + bytes, "1%010llu,acme\n",
                                 (unsigned long long)(i * UINT64_C(7919000017) % 10000000000));
    book_file(&f, "numbers.csv", text);
    book = book_good(&f);
    assert_memory_equal(slots, book->numbers, slot_bytes);
    free(slots);
    free(text);
    book_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_ranges),
        cmocka_unit_test(dated),
        cmocka_unit_test(local_times),
        cmocka_unit_test(plans_by_level),
        cmocka_unit_test(trunks_in_two_tables),
        cmocka_unit_test(refused),
        cmocka_unit_test(overlaps),
        cmocka_unit_test(assignments_refused),
        cmocka_unit_test(many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
