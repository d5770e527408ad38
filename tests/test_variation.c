/* Books with a change: what is written of a price in memory is what compiling the edited tables gives; what
 * edits of tables give is worked out by hand. */
#include "book/variation.h"
#include "book_fixture.h"
#include "random.h"
#include "tollmill_impact.h"

/* -- prices as text, whatever their ids are -- */

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* "d 1212 Place band step column: rate fee state ..." of every price row, sorted; files and lines apart. */
static char *prices_of(const struct toll_book *book)
{
    char **rows = calloc(book->price_count, sizeof(*rows)), *all = calloc(book->price_count, 240), *at = all;

    assert_non_null(rows);
    assert_non_null(all);
    for (uint32_t i = 0; i < book->price_count; i++) {
        const struct toll_price_origin origin = toll_book_origin(book, (uint32_t)i);
        const struct toll_terms *terms = &book->terms[book->price_terms[i]];
        const bool blocked = terms->state == TOLL_PRICE_BLOCKED; /* then what it would cost means nothing */
        assert_true(asprintf(&rows[i], "%d %s %s %s %d %d: %ld %ld %ld %ld %d %d %d %d %d %u %d %d %d %d\n",
                             origin.kind, toll_book_string(book, book->decks[origin.deck].name),
                             toll_book_string(book, origin.key), toll_book_string(book, origin.destination),
                             origin.step * 100 + origin.band, origin.column, blocked ? 0 : terms->rate,
                             terms->connect_fee, terms->minimum_charge, terms->maximum_charge, terms->per,
                             terms->initial, terms->increment, terms->minimum_units, terms->free_units,
                             terms->quantum, terms->state, terms->rounding, blocked ? 0 : terms->small,
                             terms->action) > 0);
    }
    qsort(rows, book->price_count, sizeof(*rows), compare_texts);
    for (uint32_t i = 0; i < book->price_count; i++) {
        at = stpcpy(at, rows[i]);
        free(rows[i]);
    }
    free(rows);
    return all;
}

static struct toll_variation vary(struct book_fixture *fixture, const char *change, bool whole)
{
    const struct toll_reporter reporter = {.report = book_report, .context = fixture};
    struct toll_variation variation;
    struct toll_error error = {0};
    const int code = toll_variation_make(&variation, toll_io_system(), fixture->book, "base", change, whole,
                                         &reporter, &error);

    if (code != 0)
        fail_msg("%s: %s\n%s", change, error.text, fixture->findings);
    return variation;
}

static void refuse(struct book_fixture *fixture, const char *change, const char *text)
{
    struct toll_variation variation;
    struct toll_error error = {0};
    const int code =
        toll_variation_make(&variation, toll_io_system(), fixture->book, "base", change, false, NULL, &error);

    assert_int_equal(code, TOLL_EBOOK);
    if (strstr(error.text, text) == NULL)
        fail_msg("%s\nsays: %s\nnot:  %s", change, error.text, text);
    assert_null(variation.book);
}

/* Both ways agree, and the fast one was taken as expected. */
static void agree(struct book_fixture *fixture, const char *change, bool reprices)
{
    struct toll_variation fast = vary(fixture, change, false), whole = vary(fixture, change, true);
    char *of_fast = prices_of(fast.book), *of_whole = prices_of(whole.book);

    if (strcmp(of_fast, of_whole) != 0)
        fail_msg("%s:\n%s---\n%s", change, of_fast, of_whole);
    assert_false(whole.reprices);
    for (uint32_t i = 0; fast.reprices && i < fast.book->price_count; i++)
        assert_true((i >= fast.price_first && i < fast.price_end) ||
                    fast.book->price_terms[i] == fixture->book->price_terms[i]);
    if (fast.reprices != reprices)
        fail_msg("%s: reprices is %d", change, fast.reprices);
    free(of_fast);
    free(of_whole);
    toll_variation_free(&fast);
    toll_variation_free(&whole);
}

/* The bytes of a table of a changed book. */
static void table_is(struct book_fixture *fixture, const char *change, const char *table, const char *text)
{
    struct toll_variation variation = vary(fixture, change, true);
    const uint32_t count = toll_book_source_count(variation.book);
    bool found = false;

    for (uint32_t i = 0; i < count; i++) {
        const char *data;
        size_t bytes;
        if (strcmp(toll_book_source(variation.book, i, &data, &bytes), table) != 0)
            continue;
        char *copy = strndup(data, bytes);
        found = true;
        assert_string_equal(copy, text);
        free(copy);
    }
    assert_true(found || text == NULL);
    toll_variation_free(&variation);
}

/* Who owns each number, trunk and hint, and on which plan, at some times. */
static char *owners_of(const struct toll_book *book)
{
    static const char *const times[] = {"2026-01-15T00:00:00Z", "2026-02-15T00:00:00Z",
                                        "2026-03-15T00:00:00Z", "2026-04-01T14:00:00Z",
                                        "2026-05-15T00:00:00Z", "2026-07-15T00:00:00Z"};
    const size_t room = 200000;
    char *all = calloc(1, room), *at = all;
    const uint64_t named = book->named_count[TOLL_NAMED_TRUNK] + book->named_count[TOLL_NAMED_HINT];

    assert_non_null(all);
    for (uint64_t i = 0; i < book->number_capacity + named; i++) {
        const uint64_t n = i - book->number_capacity, trunks = book->named_count[TOLL_NAMED_TRUNK];
        const uint32_t field = i < book->number_capacity ? book->numbers[i].owner
                               : n < trunks              ? book->named[TOLL_NAMED_TRUNK][n].owner
                                                         : book->named[TOLL_NAMED_HINT][n - trunks].owner;
        for (size_t t = 0; t < sizeof(times) / sizeof(times[0]); t++) {
            const toll_ms when = book_ms(times[t]);
            const struct toll_owner *owner = &book->owners[toll_book_owner_at(book, field, when)];
            at += sprintf(at, "%lu %zu %d %d:", i, t, owner->account, owner->site);
            for (uint32_t k = owner->span; k < owner->span + owner->span_count; k++) {
                const struct toll_plan_span *span = &book->spans[k];
                if (when >= span->from && when < span->until)
                    at += sprintf(at, " %d by %d", span->plan, span->level);
            }
            at += sprintf(at, "\n");
            assert_true((size_t)(at - all) < room - 200);
        }
    }
    return all;
}

static void agree_on_plans(struct book_fixture *fixture, const char *change, bool in_memory)
{
    const struct toll_hash128 none = {0};
    struct toll_variation fast = vary(fixture, change, false), whole = vary(fixture, change, true);
    char *of_fast = owners_of(fast.book), *of_whole = owners_of(whole.book),
         *of_base = owners_of(fixture->book);

    assert_string_equal(of_fast, of_whole);
    assert_true(strcmp(of_fast, of_base) != 0);
    assert_false(fast.reprices);
    assert_int_equal(toll_hash_equal(fast.book->book_hash, none), in_memory);
    free(of_fast);
    free(of_whole);
    free(of_base);
    toll_variation_free(&fast);
    toll_variation_free(&whole);
}

/* -- what a report calls it -- */

static void hash_is(struct book_fixture *fixture, const char *change)
{
    char base[TOLL_HASH_TEXT_BYTES], text[400];
    struct toll_variation fast = vary(fixture, change, false), whole = vary(fixture, change, true);

    toll_hash_text(fixture->book->book_hash, base);
    snprintf(text, sizeof(text), "tollmill change\n%s\n%s", base, change);
    assert_true(toll_hash_equal(fast.hash, toll_hash(text, strlen(text))));
    assert_true(toll_hash_equal(whole.hash, fast.hash));
    toll_variation_free(&fast);
    toll_variation_free(&whole);
}

static void the_hash_is_of_the_base_and_the_change(void **state)
{
    struct book_fixture fixture;
    char change[600];
    struct toll_variation one;

    (void)state;
    book_begin(&fixture);
    book_good(&fixture);
    hash_is(&fixture, "deck:d *2");
    hash_is(&fixture, "deck:d  *2 ;; deck:d prefix:1 connect_fee=1");
    hash_is(&fixture, "plan:p accounts:*");
    /* what a file holds is not in the change */
    book_file(&fixture, "sheet.csv", "prefix,rate\n1,0.07\n");
    snprintf(change, sizeof(change), "deck:d file=%s/sheet.csv", fixture.folder);
    one = vary(&fixture, change, false);
    assert_true(toll_hash_equal(one.hash, one.book->book_hash));
    toll_variation_free(&one);
    book_end(&fixture);
}

/* -- edits, by hand -- */

static void the_text_of_a_deck_stays_but_for_what_changes(void **state)
{
    struct book_fixture fixture;

    (void)state;
    book_begin(&fixture);
    book_file(&fixture, "decks/d.csv",
              "\xEF\xBB\xBFPrefix, \"Rate\" ,destination,connect_fee\r\n"
              "44, \"0.10\" ,\"UK, all\",\r\n"
              "\r\n"
              "+4420;4430-4432,0.00000001,\"a \"\"b\"\"\",0.5\r\n"
              "33,,FR,0.25,,");
    book_good(&fixture);
    table_is(&fixture, "deck:d *1.5", "decks/d.csv",
             "\xEF\xBB\xBFPrefix, \"Rate\" ,destination,connect_fee\r\n"
             "44,0.15,\"UK, all\",\r\n"
             "\r\n"
             "+4420;4430-4432,0.00000002,\"a \"\"b\"\"\",0.5\r\n" /* 0.000000015, half up */
             "33,,FR,0.25,,");
    table_is(&fixture, "deck:d destination:UK, all rate=0.2 connect_fee=1", "decks/d.csv",
             "\xEF\xBB\xBFPrefix, \"Rate\" ,destination,connect_fee\r\n"
             "44,0.2,\"UK, all\",1\r\n"
             "\r\n"
             "+4420;4430-4432,0.00000001,\"a \"\"b\"\"\",0.5\r\n"
             "33,,FR,0.25,,");
    /* one key of a list: the others stay what they were, in a row behind; a new column */
    table_is(&fixture, "deck:d prefix:4431 +0.1 minimum_charge=\"1\"", "decks/d.csv",
             "\xEF\xBB\xBFPrefix, \"Rate\" ,destination,connect_fee,minimum_charge\r\n"
             "44, \"0.10\" ,\"UK, all\",,\r\n"
             "\r\n"
             "4431,0.10000001,\"a \"\"b\"\"\",0.5,1\r\n"
             "33,,FR,0.25,\r\n"
             "4420;4430;4432,0.00000001,\"a \"\"b\"\"\",0.5,\r\n");
    table_is(&fixture, "deck:d prefix:44* connect_fee*2 ;; deck:d prefix:33 connect_fee=0", "decks/d.csv",
             "\xEF\xBB\xBFPrefix, \"Rate\" ,destination,connect_fee\r\n"
             "44, \"0.10\" ,\"UK, all\",\r\n"
             "\r\n"
             "+4420;4430-4432,0.00000001,\"a \"\"b\"\"\",1\r\n"
             "33,,FR,0,,");
    book_end(&fixture);
}

static void a_file_of_two_decks_changes_for_one(void **state)
{
    struct book_fixture fixture;

    (void)state;
    book_begin(&fixture);
    book_file(&fixture, "plan_rules.csv", "plan,action,deck,service\np,deck,d,voice\np,deck,e,sms\n");
    book_file(&fixture, "deck_versions.csv", "deck,file\ne,d\n");
    book_good(&fixture);
    table_is(&fixture, "deck:e *2", "decks/d.csv", "prefix,rate\n1,0.06\n");
    table_is(&fixture, "deck:e *2", "decks/d 2.csv", "prefix,rate\n1,0.12\n");
    table_is(&fixture, "deck:e *2", "deck_versions.csv", "deck,file,effective,mode\ne,d 2,,\n");
    table_is(&fixture, "deck:d *2", "decks/d.csv", "prefix,rate\n1,0.06\n");
    table_is(&fixture, "deck:d *2", "deck_versions.csv", "deck,file,effective,mode\ne,d,,\nd,d 2,,\n");
    agree(&fixture, "deck:e *2", true);
    agree(&fixture, "deck:d *2", true);
    book_end(&fixture);
}

static void a_plan_for_some_accounts(void **state)
{
    struct book_fixture fixture;

    (void)state;
    book_begin(&fixture);
    book_file(&fixture, "accounts.csv", "account\nacme\nbeta\nco ltd\n");
    book_file(&fixture, "sites.csv", "site,account\nhq,acme\nlab,beta\n");
    book_file(&fixture, "trunks.csv", "trunk,account\nT,acme\n");
    book_file(&fixture, "plans.csv", "plan\np\nq\nr\n");
    book_file(&fixture, "plan_rules.csv", "plan,action,deck\np,deck,d\nq,deck,d\nr,deck,d\n");
    /* the second number is acme's in March only, the third never */
    book_file(&fixture, "numbers.csv",
              "number,account,from,to\n12125550100,acme,,\n12125550101-12125550102,beta,,2026-03-01\n"
              "12125550101,acme,2026-03-01,2026-04-01\n12125550101,beta,2026-04-01 09:30:00,\n");
    book_file(
        &fixture, "assignments.csv",
        "subject,plan,from,to\ndefault,p,,\nnumber:12125550100,r,,\n"
        "number:+12125550101,r,2026-02-01,2026-06-01\nnumber:12125550102,r,,\naccount:acme,q,2026-01-01,\n"
        "account:beta,q,,\nsite:hq,r,,\nsite:lab,r,,\ntrunk:T,r,,\n");
    book_good(&fixture);
    table_is(&fixture, "plan:q accounts:acme, co ltd", "assignments.csv",
             "subject,plan,from,to\ndefault,p,,\n\n\nnumber:12125550102,r,,\n\naccount:beta,q,,\n\n"
             "site:lab,r,,\ntrunk:T,r,,\nnumber:+12125550101,r,2026-02-01 00:00:00.000,2026-03-01 "
             "00:00:00.000\nnumber:+12125550101,r,2026-04-01 09:30:00.000,2026-06-01 00:00:00.000\n"
             "account:acme,q,,\naccount:co ltd,q,,\n");
    table_is(
        &fixture, "plan:r accounts:*", "assignments.csv",
        "subject,plan,from,to\ndefault,p,,\n\n\n\n\n\n\n\ntrunk:T,r,,\naccount:acme,r,,\naccount:beta,r,,\n"
        "account:co ltd,r,,\n");
    agree_on_plans(&fixture, "plan:q accounts:acme, co ltd", true);
    agree_on_plans(&fixture, "plan:r accounts:*", true);
    agree_on_plans(&fixture, "plan:r accounts:* ;; plan:q accounts:beta;;plan:p accounts:acme", true);
    agree_on_plans(&fixture, "plan:r accounts:beta ;; deck:d *2", false);
    refuse(&fixture, "plan:s accounts:*", "there is no plan \"s\"; there are p, q, r");
    refuse(&fixture, "plan:q accounts:acne", "there is no account \"acne\"; did you mean \"acme\"?");
    refuse(&fixture, "plan:q", "whose? write accounts:A,B, or accounts:* for all");
    /* a plan that gives a bundle: who has it depends on the plan */
    book_file(&fixture, "bundles.csv", "bundle,unit,quantity\nb,s,100\n");
    book_file(&fixture, "subscriptions.csv", "subject,bundle\nplan:q,b\n");
    book_good(&fixture);
    agree_on_plans(&fixture, "plan:q accounts:acme", false);
    book_end(&fixture);
}

/* Numbers in no order, ranges over others of other times, and as many digits more. */
static void numbers_are_found_in_any_order(void **state)
{
    struct book_fixture fixture;

    (void)state;
    book_begin(&fixture);
    book_file(&fixture, "accounts.csv", "account\nacme\nbeta\n");
    book_file(&fixture, "plans.csv", "plan\np\nq\n");
    book_file(&fixture, "plan_rules.csv", "plan,action,deck\np,deck,d\nq,deck,d\n");
    book_file(&fixture, "numbers.csv",
              "number,account,from,to\n12125550150,acme,2026-03-01,\n121255501500,beta,,\n"
              "12125550100-12125550199,beta,,2026-03-01\n12125550120-12125550129,acme,2026-03-01,\n"
              "12125550110,beta,2026-03-01,\n");
    book_file(&fixture, "assignments.csv",
              "subject,plan\ndefault,p\nnumber:12125550150,q\nnumber:12125550125,q\nnumber:12125550110,q\n"
              "number:121255501500,q\nnumber:12125550199,q\n");
    book_good(&fixture);
    table_is(&fixture, "plan:p accounts:acme", "assignments.csv",
             "subject,plan,from,to\ndefault,p,,\n\n\nnumber:12125550110,q,,\nnumber:121255501500,q,,\n"
             "number:12125550199,q,,\nnumber:12125550150,q,,2026-03-01 00:00:00.000\n"
             "number:12125550125,q,,2026-03-01 00:00:00.000\naccount:acme,p,,\n");
    agree_on_plans(&fixture, "plan:p accounts:acme", true);
    agree_on_plans(&fixture, "plan:q accounts:beta", true);
    book_end(&fixture);
}

static void bundles_tiers_and_whole_tables(void **state)
{
    struct book_fixture fixture;
    char path[128], change[256];

    (void)state;
    book_begin(&fixture);
    book_file(&fixture, "bundles.csv", "bundle,unit,quantity\nb,s,501\nc,s,7\n");
    book_file(&fixture, "tiers.csv", "tiers,from_qty,rate,unit\nt,,0.05,s\nt,1000,0.03,s\n");
    book_good(&fixture);
    table_is(&fixture, "bundle:b quantity*1.5 ;; bundle:c priority=3 rollover_periods=2", "bundles.csv",
             "bundle,unit,quantity,priority,rollover_periods\nb,s,752,,\nc,s,7,3,2\n"); /* 751.5 half up */
    table_is(&fixture, "tiers:t from_qty:1000 rate=0.01 flat=2", "tiers.csv",
             "tiers,from_qty,rate,unit,flat\nt,,0.05,s,\nt,1000,0.01,s,2\n");
    table_is(&fixture, "tiers:t from_qty:0 rate*0.5", "tiers.csv",
             "tiers,from_qty,rate,unit\nt,,0.025,s\nt,1000,0.03,s\n");
    table_is(&fixture, "tiers:t rate*2", "tiers.csv", "tiers,from_qty,rate,unit\nt,,0.1,s\nt,1000,0.06,s\n");
    book_file(&fixture, "other.txt", "bundle,unit,quantity\nz,s,1\n");
    snprintf(path, sizeof(path), "%s/other.txt", fixture.folder);
    snprintf(change, sizeof(change), "book:bundles file=%s", path);
    table_is(&fixture, change, "bundles.csv", "bundle,unit,quantity\nz,s,1\n");
    unlink(path);
    /* the largest amount there is becomes a whole number beyond it */
    table_is(&fixture, "bundle:b quantity=92233720368.54775807 ;; bundle:b quantity*1", "bundles.csv",
             "bundle,unit,quantity\nb,s,92233720369\nc,s,7\n");
    refuse(&fixture, "bundle:bb quantity=1", "there is no bundle \"bb\"; did you mean \"b\"?");
    refuse(&fixture, "bundle:b quantitty=1", "there is no column \"quantitty\"; did you mean \"quantity\"?");
    refuse(&fixture, "bundle:b quantity=few", "with the change \"bundle:b quantity=few\"");
    refuse(&fixture, "bundle:b *2", "needs its column");
    refuse(&fixture, "tiers:t from_qty:9 rate=1", "it meets no row");
    refuse(&fixture, "book:bundels file=x", "bundels.csv is no table of a book");
    book_end(&fixture);
}

static void a_new_sheet(void **state)
{
    struct book_fixture fixture;
    char path[128], change[256];

    (void)state;
    book_begin(&fixture);
    book_file(&fixture, "decks.csv", "deck,columns\nd,prefix=Code;rate=Per Min\n");
    book_file(&fixture, "decks/d.csv", "Code,Per Min\n1,0.06\n");
    book_good(&fixture);
    book_file(&fixture, "new sheet.csv", "Per Min,Note,Code\n0.07,\"a,b\",1\n");
    snprintf(path, sizeof(path), "%s/new sheet.csv", fixture.folder);
    snprintf(change, sizeof(change), "deck:d file=\"%s\"", path);
    table_is(&fixture, change, "deck_versions.csv", "deck,file,effective,mode\nd,new sheet,,\n");
    table_is(&fixture, change, "decks/new sheet.csv", "Per Min,Note,Code\n0.07,\"a,b\",1\n");
    snprintf(change, sizeof(change), "deck:d file=\"%s\" from=2026-03-02 ;; deck:d *2", path);
    table_is(&fixture, change, "deck_versions.csv",
             "deck,file,effective,mode\nd,d,,\nd,new sheet,2026-03-02,\n");
    table_is(&fixture, change, "decks/new sheet.csv", "Per Min,Note,Code\n0.14,\"a,b\",1\n");
    agree(&fixture, "deck:d *2", true);
    unlink(path);
    book_end(&fixture);
}

static void what_is_wrong_is_said(void **state)
{
    struct book_fixture fixture;

    (void)state;
    book_begin(&fixture);
    book_file(&fixture, "decks/d.csv", "prefix,rate,destination\n1,0.06,US\n44,0.1,UK\n");
    book_good(&fixture);
    refuse(&fixture, "", "there is nothing in it");
    refuse(&fixture, "deck:d", "what shall happen to the rows?");
    refuse(&fixture, "deck:dd *1.05", "there is no deck \"dd\"; did you mean \"d\"?");
    refuse(&fixture, "deck:intl *1.05", "there is no deck \"intl\"; there is d");
    refuse(&fixture, "duck:d *1.05", "it must begin with deck:NAME");
    refuse(&fixture, "deck:d *1.0x", "\"1.0x\" is no number");
    refuse(&fixture, "deck:d *-1", "\"-1\" is below 0");
    refuse(&fixture, "deck:d -0.07", "decks/d.csv: \"0.06\", changed so, is below 0");
    refuse(&fixture, "deck:d prefix:45 rate=1", "it meets no row: the deck has none with this prefix");
    refuse(&fixture, "deck:d prefix:4x rate=1", "\"4x\" is no prefix");
    refuse(&fixture, "deck:d destination:France rate=1", "none with this destination");
    refuse(&fixture, "deck:d rat=1", "there is no column \"rat\"; did you mean \"rate\"?");
    refuse(&fixture, "deck:d rate=cheap", "is not a decimal number");
    refuse(&fixture, "deck:d connect_fee*2", "it meets no cell");
    refuse(&fixture, "deck:d rate=\"1", "a quote is not closed");
    refuse(&fixture, "deck:d file=/nowhere.csv *2", "a new file takes the place of all rows");
    refuse(&fixture, "deck:d *1.05 ;; deck:d *2 ;; plan:z accounts:*", "the change \"plan:z accounts:*\"");
    book_end(&fixture);
}

static void a_sweep_is_a_list_of_changes(void **state)
{
    static const struct {
        const char *sweep, *changes; /* with '|' behind each; or what the error says */
    } cases[] = {
        {"deck:D 0.9..1.2 step 0.05",
         "deck:D *0.9|deck:D *0.95|deck:D *1|deck:D *1.05|deck:D *1.1|deck:D *1.15|deck:D *1.2|"},
        {"deck:my step deck prefix:44* 1..1.5  step 0.2", "deck:my step deck prefix:44* *1|deck:my step deck "
                                                          "prefix:44* *1.2|deck:my step deck prefix:44* *1.4|"
                                                          "deck:my step deck prefix:44* *1.5|"},
        {"bundle:B quantity*.5..1.5 step 1", "bundle:B quantity*0.5|bundle:B quantity*1.5|"},
        {"deck:D 1..1 step 7", "deck:D *1|"},
        /* the ends of what a number can be */
        {"deck:D 0..92000000000 step 50000000000", "deck:D *0|deck:D *50000000000|deck:D *92000000000|"},
        {"deck:D 1..92233720368.54775807 step 92233720368.54775807",
         "deck:D *1|deck:D *92233720368.54775807|"},
        {"deck:D 0..92233720368.54775807 step 0.00000001", "has more than 64 books"},
        {"deck:D 0..6.3 step 0.1", NULL},
        {"deck:D 0..6.31 step 0.1", "has more than 64 books"},
        {"deck:D 0.9..1.2", "has no step"},
        {"deck:D 0.9-1.2 step 1", "has no range"},
        {"deck:D 1.2..0.9 step 1", "ends before it begins"},
        {"deck:D 0.9..1.2 step 0", "has a step of 0"},
        {"deck:D 0.9..x step 1", "no number"},
        {"deck:D -1..1 step 1", "no number"},
        {"0.9..1.2 step 1", "does not say what is swept"},
        {" *0.9..1.2 step 1", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t factors[TOLL_IMPACT_BOOKS_MAX];
        struct toll_error error = {0};
        char **changes, all[4096] = "";
        int count;
        const int code = toll_sweep_changes(cases[i].sweep, &changes, factors, &count, &error);
        for (int k = 0; k < count; k++) {
            strcat(strcat(all, changes[k]), "|");
            free(changes[k]);
        }
        free(changes);
        if (cases[i].changes == NULL)
            continue;
        if (code == 0)
            assert_string_equal(all, cases[i].changes);
        else if (strstr(error.text, cases[i].changes) == NULL)
            fail_msg("%s: %s", cases[i].sweep, error.text);
        if (code == 0 && count == 7) {
            assert_int_equal(factors[0], 90000000);
            assert_int_equal(factors[6], 120000000);
        }
    }
}

/* -- prices in memory against compiled ones -- */

static uint64_t below(uint64_t *random, uint64_t limit)
{
    return random_next(random) % limit;
}

static size_t money(uint64_t *random, char *out, bool may_be_empty)
{
    if (may_be_empty && below(random, 4) == 0)
        return (size_t)sprintf(out, ",");
    return (size_t)sprintf(out, ",0.%0*lu", (int)below(random, 7) + 2, below(random, 90));
}

/* A sheet with keys, bands, steps, rates by jurisdiction. `first`: the keys of two sheets differ. */
static void random_sheet(struct book_fixture *fixture, const char *name, uint64_t *random,
                         bool by_jurisdiction, const char *key, bool bands)
{
    static const char *const destinations[] = {"UK", "France, Mobile", "", "United States"};
    char *text = malloc(200000), *at = text;
    const bool pairs = strcmp(key, "npanxx_pair") == 0, calltypes = strcmp(key, "calltype") == 0;
    const bool steps = below(random, 2) == 0 && !bands;

    at += sprintf(at, "prefix%s,destination,status,band,step_from_s,connect_fee,increment_s,rate%s\n",
                  pairs ? ",caller_prefix" : "",
                  by_jurisdiction ? ",rate_inter,rate_intra,rate_indeterminate" : "");
    for (int i = 10; i < 60; i++) {
        const char *destination = destinations[below(random, 4)];
        char cells[64], *cell = cells;
        if (calltypes)
            cell += sprintf(cell, below(random, 3) == 0 ? "T%d;U%d" : "T%d", i, i);
        else
            cell += sprintf(cell, below(random, 4) == 0 ? "1%d1-1%d4;1%d7" : "1%d1", i, i, i);
        if (pairs)
            sprintf(cell, ",%s", below(random, 2) == 0 ? "1;12-14" : "1");
        for (int row = 0; row < (bands || steps ? 2 : 1); row++) {
            if (row == 1 && below(random, 3) == 0)
                continue;
            at += sprintf(at, "%s", cells);
            at += sprintf(at, ",\"%s\",%s,%s,%s", destination, below(random, 6) == 0 ? "blocked" : "",
                          bands && row == 1 ? "low" : "", steps && row == 1 ? "60" : "");
            if (steps && row == 1)
                at += sprintf(at, ",");
            else
                at += money(random, at, true);
            at += sprintf(at, ",%lu", below(random, 3) == 0 ? 6ul : 60ul);
            for (int c = 0; c < (by_jurisdiction ? 4 : 1); c++)
                at += money(random, at, true);
            *at++ = '\n';
        }
    }
    *at = 0;
    char file[64];
    snprintf(file, sizeof(file), "decks/%s.csv", name);
    book_file(fixture, file, text);
    free(text);
}

static void random_change(uint64_t *random, const char *key, char *out)
{
    static const char *const columns[] = {"rate", "rate_inter", "rate_intra", "rate_indeterminate",
                                          "connect_fee"};
    const bool calltypes = strcmp(key, "calltype") == 0;

    out += sprintf(out, "deck:d");
    switch (below(random, 6)) {
    case 0:
        out += sprintf(out, calltypes ? " prefix:T%lu" : " prefix:1%lu1", 10 + below(random, 50));
        break;
    case 1:
        out += sprintf(out, calltypes ? " prefix:T%lu*" : " prefix:1%lu*", 1 + below(random, 5));
        break;
    case 2:
        out += sprintf(out, " destination:France, Mobile");
        break;
    default:
        break;
    }
    if (strcmp(key, "npanxx_pair") == 0 && below(random, 3) == 0)
        out += sprintf(out, " caller_prefix:1%s", below(random, 2) == 0 ? "" : "*");
    switch (below(random, 5)) {
    case 0:
        sprintf(out, " +0.0%lu", 1 + below(random, 99));
        break;
    case 1:
        sprintf(out, " %s=0.%lu", columns[below(random, 5)], below(random, 1000));
        break;
    case 2:
        sprintf(out, " %s*1.%lu", columns[below(random, 5)], below(random, 1000));
        break;
    default:
        sprintf(out, " *%lu.%05lu", below(random, 2), below(random, 100000));
        break;
    }
}

static void memory_and_compiler_agree_on_random_decks(void **state)
{
    static const char *const keys[] = {"callee", "callee", "caller", "calltype", "npanxx_pair"};
    static const char *const policies[] = {"own", "intra", "inter", "higher"};
    uint64_t random = 8;
    int repriced = 0, compiled = 0, refused = 0;

    (void)state;
    for (int round = 0; round < 24; round++) {
        struct book_fixture fixture;
        const char *key = keys[below(&random, 5)];
        const bool by_jurisdiction = below(&random, 2) == 0, bands = below(&random, 2) == 0;
        char text[256], change[512];

        book_begin(&fixture);
        snprintf(text, sizeof(text), "deck,key,indeterminate,calendar\nd,%s,%s,c\ne,,,\n", key,
                 policies[below(&random, 4)]);
        book_file(&fixture, "decks.csv", text);
        book_file(&fixture, "calendars.csv", "calendar,band,days,from,to\nc,low,1-7,18:00,08:00\n");
        book_file(&fixture, "plan_rules.csv", "plan,action,deck,service\np,deck,d,voice\np,deck,e,sms\n");
        book_file(&fixture, "decks/e.csv", "prefix,rate\n1,0.06\n");
        book_file(&fixture, "deck_versions.csv",
                  "deck,file,effective,mode\nd,v1,,\nd,v2,2026-03-10,amend\nd,v3,2026-03-20,\n");
        random_sheet(&fixture, "v1", &random, by_jurisdiction, key, bands);
        random_sheet(&fixture, "v2", &random, by_jurisdiction && below(&random, 2) == 0, key, bands);
        random_sheet(&fixture, "v3", &random, by_jurisdiction, key, bands);
        book_good(&fixture);
        for (int i = 0; i < 12; i++) {
            struct toll_variation fast, whole;
            random_change(&random, key, change);
            if (below(&random, 4) == 0) {
                strcat(change, " ;; ");
                random_change(&random, key, change + strlen(change));
            }
            const int code =
                toll_variation_make(&fast, toll_io_system(), fixture.book, "base", change, false, NULL, NULL);
            assert_int_equal(
                toll_variation_make(&whole, toll_io_system(), fixture.book, "base", change, true, NULL, NULL),
                code);
            refused += code != 0;
            if (code == 0) {
                const bool reprices = fast.reprices;
                toll_variation_free(&fast);
                toll_variation_free(&whole);
                agree(&fixture, change, reprices);
                repriced += reprices;
                compiled += !reprices;
            }
        }
        book_end(&fixture);
    }
    /* Each way was walked, so that the test means something. */
    assert_in_range(repriced, 100, 288);
    assert_in_range(compiled, 5, 150);
    assert_in_range(refused, 5, 100);
}

/* Words in any order: refused with a text, or a book; nothing else. */
static void any_words_are_refused_or_make_a_book(void **state)
{
    static const char *const words[] = {"deck:",
                                        "d",
                                        "*",
                                        "1.05",
                                        "+",
                                        "0.001",
                                        "-",
                                        " ",
                                        " ",
                                        " ",
                                        ";;",
                                        "prefix:",
                                        "1",
                                        "44*",
                                        "destination:",
                                        "\"",
                                        "rate",
                                        "=",
                                        "connect_fee",
                                        "plan:",
                                        "p",
                                        "accounts:",
                                        "acme",
                                        ",",
                                        "bundle:",
                                        "quantity",
                                        "tiers:",
                                        "from_qty:",
                                        "book:",
                                        "plans",
                                        "file=",
                                        "/nowhere",
                                        "from=",
                                        "2026-03-01",
                                        "\xFF",
                                        "\n",
                                        "caller_prefix:",
                                        "99999999999999999999",
                                        "deck:d",
                                        "deck:d ",
                                        "deck:d *2",
                                        "plan:p accounts:*",
                                        ".",
                                        "step_from_s=1"};
    struct book_fixture fixture;
    uint64_t random = 5;
    int made = 0, refused = 0;

    (void)state;
    book_begin(&fixture);
    book_good(&fixture);
    for (int i = 0; i < 2000; i++) {
        struct toll_variation variation;
        struct toll_error error = {0};
        char change[1024] = "";
        if (below(&random, 3) == 0)
            strcpy(change, below(&random, 2) == 0 ? "deck:d " : "deck:d *2 ");
        for (uint64_t left = 1 + below(&random, 9); left > 0; left--)
            strcat(change, words[below(&random, sizeof(words) / sizeof(words[0]))]);
        const int code = toll_variation_make(&variation, toll_io_system(), fixture.book, "base", change,
                                             below(&random, 2) == 0, NULL, &error);
        made += code == 0;
        refused += code != 0;
        assert_true(code == 0 || ((code == TOLL_EBOOK || code == TOLL_ENOINPUT) && error.text[0] != 0));
        assert_true((code == 0) == (variation.book != NULL));
        toll_variation_free(&variation);
    }
    assert_in_range(made, 10, 1000);
    assert_in_range(refused, 1000, 1990);
    book_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_of_the_base_and_the_change),
        cmocka_unit_test(the_text_of_a_deck_stays_but_for_what_changes),
        cmocka_unit_test(a_file_of_two_decks_changes_for_one),
        cmocka_unit_test(a_plan_for_some_accounts),
        cmocka_unit_test(numbers_are_found_in_any_order),
        cmocka_unit_test(bundles_tiers_and_whole_tables),
        cmocka_unit_test(a_new_sheet),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_sweep_is_a_list_of_changes),
        cmocka_unit_test(any_words_are_refused_or_make_a_book),
        cmocka_unit_test(memory_and_compiler_agree_on_random_decks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
