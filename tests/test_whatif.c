/*
 * Books side by side against a run by each: every table, for any number of threads, instruction set, block
 * size and way of reading. The world is test_pipeline.c's; other books of it have bundles, tiers, costs,
 * surcharges, another currency, and other answers for the same calls.
 */
#include "pipeline_world.h"

#include "pipeline/whatif.h"
#include "whatif_check.h"

/* ---- the books ---- */

struct file {
    const char *name, *text;
};
static const struct file dearer[] = {
    {"decks/d.csv", "prefix,destination,rate,per_s,increment_s,band,status\n"
                    "1,United States,0.07,,30,,\n"
                    "1202,Night only,0.03,,,,\n"
                    "39,Italy,0.2,60,,,\n"
                    "44,Great Britain,0.01,,,,\n"
                    "44900,UK premium,0.5,,,,\n"
                    "1264,Anguilla,0.25,,,,blocked\n"},
    {"short_calls.csv", NULL},
};
static const struct file metered[] = {
    {"decks/d.csv", "prefix,destination,rate,per_s,increment_s,connect_fee,band\n"
                    "1,United States,0.06,,6,,\n"
                    "1202,Night only,0.03,,,0.01,night\n"
                    "1264,Anguilla,0.25,,,,\n"
                    "39,Italy,0.1,1,,,\n"
                    "44,United Kingdom,0.02,,,,\n"},
    {"bundles.csv",
     "bundle,unit,quantity,scope,at_limit,priority\n"
     "minutes,s,90000,account,,1\nfew,s,3000,number,flag,2\nnone,message,20,account,reject,1\n"},
    {"subscriptions.csv", "subject,bundle\naccount:acme,minutes\naccount:gamma,few\naccount:acme,none\n"},
    {"tiers.csv", "tiers,unit,mode,from_qty,rate,flat,minimum_spend\n"
                  "t,s,volume,,0.05,1,\nt,s,,60000,0.04,2,\n"},
    {"plan_rules.csv",
     "plan,action,service,class,destination,deck,amount,percent,priority,jurisdiction,tiers\n"
     "p,free,,toll_free,,,,,1,,\n"
     "p,deck,sms,,,m,,,1,,\n"
     "p,deck,,,,d,,,2,,\n"
     "q,tiers,voice,,KEEP,,,,2,,t\n"
     "r,deck,,,SPLIT,split,,,2,,\n"
     "r,deck,,,STEPS,steps,,,2,,\n"
     "r,deck,,,,d,,,3,,\n"
     "from_x,deck,,,,bought,,,,,\n"},
    {"plans.csv", "plan\np\nq\nr\nfrom_x\n"},
    {"assignments.csv",
     "subject,plan,side\naccount:acme,p,\naccount:beta,q,\naccount:gamma,r,\ndefault,from_x,buy\n"},
    {"decks.csv", "deck,key,calendar,boundary,number_basis,jurisdiction_basis,currency\n"
                  "d,callee,cal,,,,\nm,callee,,,,,\nsteps,,,,,,\nsplit,,cal,split,,,\n"
                  "bought,,,,,,EUR\n"},
    {"decks/bought.csv", "prefix,rate\n1,0.002\n44,0.01\n"},
    {"fx.csv", "from,to,date,rate\nEUR,USD,2026-01-01,1.25\n"},
};
static const struct file foreign[] = {
    {"accounts.csv", "account,name,currency\nacme,Acme,\nbeta,Beta,EUR\nlost,Nobody's plan,\ngamma,Gamma,\n"},
    {"decks.csv", "deck,key,calendar,boundary,number_basis,jurisdiction_basis,currency\n"
                  "d,callee,cal,,,,\nm,callee,,,,,\nc,calltype,,,,,EUR\nsteps,,,,,,\nsplit,,cal,split,,,\n"
                  "columns,,,,,ani_lrn,\nat_site,,,,,site,\nrouted,,,,lrn,,\npairs,npanxx_pair,,,,,\n"
                  "origin,caller,,,,,\ne,callee,,,,,EUR\n"},
    {"decks/e.csv", "prefix,rate\n13,0.08\n"},
    {"plan_rules.csv", "plan,action,service,class,destination,deck,amount,percent,priority,jurisdiction\n"
                       "p,deck,,,,d,,,2,\n"
                       "q,deck,mms,,,c,,,1,\n"
                       "q,deck,,,,e,,,2,\n"
                       "r,deck,,,STEPS,steps,,,2,\n"},
};
/* As `dearer` in all but what some prices charge; and in more than that. */
#define DEARER_DECK(us, night, premium, increment, state)                        \
    {                                                                            \
        "decks/d.csv", "prefix,destination,rate,per_s,increment_s,band,status\n" \
                       "1,United States," us ",," increment ",,\n"               \
                       "1202,Night only," night ",,,,\n"                         \
                       "39,Italy,0.21,60,,,\n"                                   \
                       "44,Great Britain,0,,,,\n"                                \
                       "44900,UK premium," premium ",,,,\n"                      \
                       "1264,Anguilla,0.26,,,," state "\n"                       \
    }
static const struct file dearest[] = {DEARER_DECK("0.0800125", "0.03", "0.75", "30", "blocked"),
                                      {"short_calls.csv", NULL}};
static const struct file coarser[] = {DEARER_DECK("0.07", "0.03", "0.5", "60", "blocked"),
                                      {"short_calls.csv", NULL}};
static const struct file let_through[] = {DEARER_DECK("0.07", "0.03", "0.5", "30", ""),
                                          {"short_calls.csv", NULL}};
static const struct file steeper[] = {DEARER_DECK("0.07", "0.03", "0.5", "30", "blocked"),
                                      {"short_calls.csv", NULL},
                                      {"decks/split.csv", "prefix,rate,increment_s,band\n"
                                                          "1,0.70,3600,\n1,0.30,3600,night\n"}};
/* By numbers alone: so that payers and ends may be found once for several books. */
#define BY_NUMBER                                                                              \
    {"book.yaml", "book: test\ncurrency: USD\ntimezone: America/New_York\non_net: account\n"}, \
    {                                                                                          \
        "calltypes.csv", "calltype,carrier,jurisdiction\n"                                     \
    }
static const struct file plain_files[] = {BY_NUMBER};
static const struct file pricier[] = {
    BY_NUMBER,
    {"decks/d.csv", "prefix,destination,rate,per_s,increment_s,band\n"
                    "1,United States,0.07,,30,\n"
                    "1264,Anguilla,0.35,,,\n"
                    "44,United Kingdom,0.03,,,\n"},
    {"assignments.csv", "subject,plan\naccount:acme,q\naccount:beta,p\naccount:gamma,r\n"},
};
static const struct file sold[] = {
    /* some numbers have other owners, or have them for another time */
    BY_NUMBER,
    {"numbers.csv", "number,account,site,from,to\n"
                    "12125550100,acme,s1,,\n"
                    "12125550200-12125550209,gamma,jersey,,\n"
                    "12125550300,acme,,,2026-03-02\n"
                    "12125550400,lost,,,\n"
                    "12125550500-12125550509,beta,,,\n"
                    "hint:B,beta,,,\n"
                    "trunk:T1,acme,,,\n"},
};
static const struct file sooner[] = {
    /* only a date */
    BY_NUMBER,
    {"numbers.csv", "number,account,site,from,to\n"
                    "12125550100,acme,s1,,\n"
                    "12125550200-12125550209,beta,,,\n"
                    "12125550300,acme,,,2026-03-02\n"
                    "12125550400,lost,,,\n"
                    "12125550500-12125550509,gamma,jersey,,\n"
                    "hint:B,beta,,,\n"
                    "trunk:T1,acme,,,\n"},
};
static const struct file no_trunk[] = {
    BY_NUMBER,
    {"numbers.csv", "number,account,site,from,to\n"
                    "12125550100,acme,s1,,\n"
                    "12125550200-12125550209,beta,,,\n"
                    "12125550300,acme,,,2026-03-03\n"
                    "12125550400,lost,,,\n"
                    "12125550500-12125550509,gamma,jersey,,\n"
                    "hint:B,beta,,,\n"
                    "trunk:T2,acme,,,\n"},
};
static const struct file moved_away[] = {
    /* the exchange is in another state */
    BY_NUMBER,
    {"npanxx.csv", "prefix,state,ratecenter\n1212555,NJ,New York\n1718555,NY,Brooklyn\n"},
};
/* Beta has no site: its calls are in tax suspense. The city's tax stands on itself, and what the state wants
 * of the first 25 dollars, which are free, is late. */
#define TAXED                                                                                             \
    {"tax_jurisdictions.csv", "id,level,state,parent\nUS,federal,,\nNY,state,NY,US\nNYC,city,,NY\n"       \
                              "NJ,state,NJ,US\n"},                                                        \
        {"tax_areas.csv", "area,tax_jurisdiction\nnyc,NYC\njersey,NJ\n"},                                 \
        {"sites.csv", "site,account,state,area\ns1,acme,,nyc\njersey,gamma,NJ,jersey\n"},                 \
        {"tax_map.csv", "jurisdiction,tax_service\n,telecom\ninterstate,between\n"},                      \
        {"charges.csv", "account,site,product,kind,amount\nacme,s1,line,recurring,10.01\n"},              \
        {"exemptions.csv", "account,tax,percent\ngamma,fund,37.5\n"},                                     \
    {                                                                                                     \
        "taxes.csv", "tax,tax_jurisdiction,tax_services,kind,rate,amount,on_taxes,threshold,round_scope," \
                     "billable,from,"                                                                     \
                     "to\n"                                                                               \
                     "sales,NY,,,7.66%,,,,,,,2026-03-03\nsales,NY,,,8%,,,,,,2026-03-03,\n"                \
                     "utility,NYC,,,3.6%,,utility,,,,,\n"                                                 \
                     "fund,US,between,,21.5%,,,,line,,,\n"                                                \
                     "minute,NJ,,per_minute,,0.00123,,,invoice_line,,,\n"                                 \
                     "over,NJ,,,3.3%,,over;minute,,,,,\n"                                                 \
                     "first,NJ,,,6.25%,,,25,,,,\n"                                                        \
                     "levy,US,,,1%,,,,,no,,\n"                                                            \
    }
static const struct file taxed[] = {
    TAXED,
    {"decks/d.csv", "prefix,destination,rate,per_s,increment_s,band,status\n"
                    "1,United States,0.07,,30,,\n"
                    "1202,Night only,0.03,,,,\n"
                    "39,Italy,0.2,60,,,\n"
                    "44,Great Britain,0.01,,,,\n"
                    "1264,Anguilla,0.25,,,,blocked\n"},
    {"short_calls.csv", NULL},
};
static const struct file taxed_bundles[] = {
    TAXED,
    {"decks/d.csv", "prefix,destination,rate,per_s,increment_s,connect_fee,band\n"
                    "1,United States,0.06,,6,,\n"
                    "1202,Night only,0.03,,,0.01,night\n"
                    "39,Italy,0.1,1,,,\n"
                    "44,United Kingdom,0.02,,,,\n"},
    {"bundles.csv", "bundle,unit,quantity,scope,at_limit,priority\n"
                    "minutes,s,90000,account,,1\nfew,s,3000,number,flag,2\n"},
    {"subscriptions.csv", "subject,bundle\naccount:acme,minutes\naccount:gamma,few\n"},
};

enum { DEARER = 1, DEAREST = 10, COARSER, LET_THROUGH, STEEPER, TAXED_BOOK, TAXED_BUNDLES };
static const struct {
    const char *name;
    const struct file *files;
    size_t count;
} books[] = {{"book", NULL, 0},
             {"dearer", dearer, COUNT(dearer)},
             {"metered", metered, COUNT(metered)},
             {"foreign", foreign, COUNT(foreign)},
             {"plain", plain_files, COUNT(plain_files)},
             {"pricier", pricier, COUNT(pricier)},
             {"sold", sold, COUNT(sold)},
             {"sooner", sooner, COUNT(sooner)},
             {"no_trunk", no_trunk, COUNT(no_trunk)},
             {"moved_away", moved_away, COUNT(moved_away)},
             [TAXED_BOOK] = {"taxed", taxed, COUNT(taxed)},
             [TAXED_BUNDLES] = {"taxed_bundles", taxed_bundles, COUNT(taxed_bundles)},
             [DEAREST] = {"dearest", dearest, COUNT(dearest)},
             [COARSER] = {"coarser", coarser, COUNT(coarser)},
             [LET_THROUGH] = {"let_through", let_through, COUNT(let_through)},
             [STEEPER] = {"steeper", steeper, COUNT(steeper)}};

static const char *text_of(size_t book, const char *name, const char *otherwise)
{
    for (size_t i = 0; i < books[book].count; i++)
        if (strcmp(books[book].files[i].name, name) == 0)
            return books[book].files[i].text;
    return otherwise;
}

static void write_other_book(const struct folder *folder, size_t book)
{
    char path[256];
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s%s", folder->path, books[book].name, i == 0 ? "" : "/decks");
        assert_int_equal(mkdir(path, 0750), 0);
    }
    for (size_t i = 0; i < COUNT(book_files); i++) {
        snprintf(path, sizeof path, "../%s/%s", books[book].name, book_files[i][0]);
        put_file(folder, path, text_of(book, book_files[i][0], book_files[i][1]));
    }
    for (size_t i = 0; i < books[book].count; i++) {
        snprintf(path, sizeof path, "../%s/%s", books[book].name, books[book].files[i].name);
        if (books[book].files[i].text != NULL)
            put_file(folder, path, books[book].files[i].text);
    }
}

/* from_day: NULL, or of a run "late". */
static void rate_by(const struct folder *folder, size_t book, const char *from_day)
{
    char book_path[128], cdrs[128], run[128];
    struct toll_rate_result result;
    struct toll_error error;
    snprintf(book_path, sizeof book_path, "%s/%s", folder->path, books[book].name);
    snprintf(cdrs, sizeof cdrs, "%s/cdrs", folder->path);
    snprintf(run, sizeof run, "%s/%s.%s", folder->path, from_day == NULL ? "run" : "late", books[book].name);
    const struct toll_rate_options options = {.book_path = book_path,
                                              .dataset_path = cdrs,
                                              .run_path = run,
                                              .from_day = from_day,
                                              .reporter = {.report = report}};
    if (toll_rate(&options, &result, &error) != 0)
        fail_msg("%s", error.text);
}

static struct check_map sums[COUNT(books)]; /* of the runs */

static int make_books(void **state)
{
    make_world(state);
    for (size_t i = 0; i < COUNT(books); i++) {
        char run[128], cdrs[128];
        if (i > 0)
            write_other_book(*state, i);
        rate_by(*state, i, NULL);
        snprintf(run, sizeof run, "%s/run.%s", ((const struct folder *)*state)->path, books[i].name);
        snprintf(cdrs, sizeof cdrs, "%s/cdrs", ((const struct folder *)*state)->path);
        sums[i] = check_read(run, cdrs, "USD");
    }
    return 0;
}

static int remove_books(void **state)
{
    for (size_t i = 0; i < COUNT(books); i++)
        check_free(&sums[i]);
    return remove_world(state);
}

/* ---- side by side ---- */

/* Returns how many books only priced the base's lines anew. from_day: NULL, or LATE. */
#define LATE "2026-03-03"
static int ask(const struct folder *folder, const size_t *which, int count, const char *from_day,
               unsigned threads, enum toll_io_choice io, const struct toll_whatif_tuning *tuning,
               struct toll_impact *impact)
{
    char paths[COUNT(books)][128], cdrs[128];
    struct toll_whatif_book list[COUNT(books)] = {{0}};
    struct toll_whatif_result result;
    struct toll_error error;
    snprintf(cdrs, sizeof cdrs, "%s/cdrs", folder->path);
    for (int i = 0; i < count; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder->path, books[which[i]].name);
        list[i].path = paths[i];
    }
    const struct toll_whatif_options options = {
        .dataset_path = cdrs,
        .books = list,
        .book_count = count,
        .from_day = from_day,
        .threads = threads,
        .io = io,
        .moved_by_bp = 1000,
        .reporter = {.report = report},
    };
    if (toll_whatif_tuned(&options, tuning, impact, &result, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(result.rows, from_day == NULL ? 2 * ROWS : ROWS);
    return result.repriced;
}

static void check_all(const struct folder *folder, const size_t *which, int count, unsigned threads,
                      enum toll_io_choice io, const struct toll_whatif_tuning *tuning, bool moved)
{
    struct toll_impact impact;
    char base[128], run[128], cdrs[128];
    ask(folder, which, count, NULL, threads, io, tuning, &impact);
    snprintf(cdrs, sizeof cdrs, "%s/cdrs", folder->path);
    snprintf(base, sizeof base, "%s/run.%s", folder->path, books[which[0]].name);
    assert_int_equal(impact.book_count, count);
    for (int i = 0; i < count; i++) {
        snprintf(run, sizeof run, "%s/run.%s", folder->path, books[which[i]].name);
        assert_string_equal(impact.books[i].name, books[which[i]].name);
        check_side(&impact, i, &sums[which[i]]);
        if (i > 0 && moved)
            check_moved(&impact, i, base, run, cdrs);
    }
    toll_impact_free(&impact);
}

static struct toll_whatif_tuning tuning_of(unsigned features, size_t block_rows)
{
    return (struct toll_whatif_tuning){
        .io = toll_io_system(), .features = features, .block_rows = block_rows};
}

static void all_books(void **state)
{
    static const size_t which[] = {0, 1, 2, 3};
    const struct toll_whatif_tuning tuning = tuning_of(toll_cpu_features(), 0);
    check_all(*state, which, 4, 2, TOLL_IO_AUTO, &tuning, false);
}

/* The same customers, or nearly so. */
static void same_customers(void **state)
{
    static const size_t which[] = {4, 5, 6, 7, 8, 9}, back[] = {5, 4, 9};
    const struct toll_whatif_tuning tuning = tuning_of(toll_cpu_features(), 0),
                                    small = tuning_of(toll_cpu_features(), 100);
    check_all(*state, which, 6, 2, TOLL_IO_AUTO, &tuning, true);
    check_all(*state, back, 3, 1, TOLL_IO_PREAD, &small, false);
}

/* Books compiled apart: what differs in rates alone is repriced, and nothing else is. On the second day, for
 * on the first there are calls that do not fit, and then no book is. */
static void other_rates(void **state)
{
    static const size_t all[] = {DEARER, DEAREST, COARSER, LET_THROUGH, STEEPER}, back[] = {DEAREST, DEARER};
    static const struct {
        const size_t *which;
        int count;
    } cases[] = {{all, COUNT(all)}, {back, COUNT(back)}};
    const struct folder *folder = *state;
    const struct toll_whatif_tuning tuning = tuning_of(toll_cpu_features(), 0), portable = tuning_of(0, 100);
    struct check_map late[COUNT(books)] = {0};
    char base[128], run[128], cdrs[128];
    snprintf(cdrs, sizeof cdrs, "%s/cdrs", folder->path);
    for (size_t i = 0; i < COUNT(all); i++) {
        rate_by(folder, all[i], LATE);
        snprintf(run, sizeof run, "%s/late.%s", folder->path, books[all[i]].name);
        late[all[i]] = check_read(run, cdrs, "USD");
    }
    for (size_t c = 0; c < COUNT(cases); c++) {
        const size_t *which = cases[c].which;
        struct toll_impact impact;
        assert_int_equal(
            ask(folder, which, cases[c].count, LATE, 2, TOLL_IO_MMAP, c == 0 ? &tuning : &portable, &impact),
            1);
        snprintf(base, sizeof base, "%s/late.%s", folder->path, books[which[0]].name);
        for (int k = 0; k < cases[c].count; k++) {
            snprintf(run, sizeof run, "%s/late.%s", folder->path, books[which[k]].name);
            check_side(&impact, k, &late[which[k]]);
            if (k > 0)
                check_moved(&impact, k, base, run, cdrs);
        }
        toll_impact_free(&impact);
    }
    for (size_t i = 0; i < COUNT(books); i++)
        check_free(&late[i]);
}

static void two_books(void **state)
{
    static const size_t plain[] = {0, 1}, back[] = {1, 0}, drawing[] = {2, 1}, drawn[] = {0, 2};
    const struct toll_whatif_tuning tuning = tuning_of(toll_cpu_features(), 0);
    check_all(*state, plain, 2, 2, TOLL_IO_MMAP, &tuning, true);
    check_all(*state, back, 2, 1, TOLL_IO_PREAD, &tuning, false);
    check_all(*state, drawing, 2, 2, TOLL_IO_MMAP, &tuning, false);
    check_all(*state, drawn, 2, 2, TOLL_IO_PREAD, &tuning, true);
}

static void ways(void **state)
{
    static const size_t plain[] = {1, 0}, drawn[] = {0, 2, 1};
    static const struct {
        enum toll_io_choice io;
        unsigned threads;
        size_t block_rows;
        bool portable;
    } cases[] = {{TOLL_IO_URING, 2, 0, false}, {TOLL_IO_PREAD, 3, 100, false}, {TOLL_IO_MMAP, 2, 2048, true}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct toll_whatif_tuning tuning =
            tuning_of(cases[i].portable ? 0 : toll_cpu_features(), cases[i].block_rows);
        check_all(*state, plain, 2, cases[i].threads, cases[i].io, &tuning, false);
        check_all(*state, drawn, 3, cases[i].threads, cases[i].io, &tuning, false);
    }
}

/* ---- changed books ---- */

static const char *const changes[] = {
    "deck:d *1.1",
    "deck:d prefix:44 rate=0.5 ;; deck:d +0.00012345",
    "deck:d prefix:1202 connect_fee=0.02",
    "deck:m *2",
    "deck:steps *2",
    "deck:split *1.5",
};

/* The call to Italy does not fit into 64 bits, but at this price it does. */
static const char *const cheaper[COUNT(changes)] = {
    "deck:d prefix:39 rate=0.5",
    "deck:d prefix:44 rate=0.5",
    "deck:m +0.01",
    "deck:d prefix:1264 rate=1",
    "deck:steps *2",
    "deck:d prefix:44 connect_fee=1",
};

static void ask_changes(const struct folder *folder, size_t book, const char *from_day, bool compiled,
                        unsigned threads, enum toll_io_choice io, const struct toll_whatif_tuning *tuning,
                        struct toll_impact *impact, struct toll_whatif_result *result)
{
    char path[128], cdrs[128];
    struct toll_whatif_book list[1 + COUNT(changes)] = {{.path = path}};
    struct toll_error error;
    snprintf(cdrs, sizeof cdrs, "%s/cdrs", folder->path);
    snprintf(path, sizeof path, "%s/%s", folder->path, books[book].name);
    for (size_t i = 0; i < COUNT(changes); i++)
        list[1 + i].change = book == 0 ? cheaper[i] : changes[i];
    const struct toll_whatif_options options = {
        .dataset_path = cdrs,
        .books = list,
        .book_count = 1 + (int)COUNT(changes),
        .from_day = from_day,
        .cut_periods = true,
        .threads = threads,
        .io = io,
        .compile_changes = compiled,
        .moved_by_bp = 1000,
        .prices = threads == 1,
        .reporter = {.report = report},
    };
    if (toll_whatif_tuned(&options, tuning, impact, result, &error) != 0)
        fail_msg("%s", error.text);
}

static bool same_sum(struct toll_sum a, struct toll_sum b)
{
    return check_sum_of(a) == check_sum_of(b);
}

static bool same_measure(const struct toll_measure *a, const struct toll_measure *b)
{
    return a->rows == b->rows && a->rated == b->rated && a->suspense == b->suspense &&
           a->billed_s == b->billed_s && same_sum(a->charge, b->charge) && same_sum(a->periods, b->periods) &&
           same_sum(a->cost, b->cost) && a->tax_cents == b->tax_cents && a->accounts == b->accounts;
}

static void check_same(const struct toll_impact *a, const struct toll_impact *b)
{
    assert_int_equal(a->book_count, b->book_count);
    for (int d = 0; d < TOLL_DIMENSIONS; d++) {
        assert_int_equal(a->tables[d].count, b->tables[d].count);
        for (size_t i = 0; i < a->tables[d].count; i++) {
            const struct toll_impact_row *x = &a->tables[d].rows[i], *y = &b->tables[d].rows[i];
            assert_string_equal(x->key, y->key);
            assert_string_equal(x->currency, y->currency);
            for (int side = 0; side < a->book_count; side++)
                if (!same_measure(&x->books[side], &y->books[side]))
                    fail_msg("%s %s of %s", toll_dimension_name((enum toll_dimension)d), x->key,
                             a->books[side].name);
        }
    }
    assert_int_equal(a->moved_count, b->moved_count);
    for (size_t i = 0; i < a->moved_count; i++)
        for (int side = 0; side < a->book_count; side++)
            assert_true(same_sum(a->moved[i].charge[side], b->moved[i].charge[side]));
    assert_int_equal(a->status_move_count, b->status_move_count);
    assert_int_equal(a->account_count, b->account_count);
    for (size_t i = 0; i < a->account_count; i++)
        assert_true(same_sum(a->accounts[i].won, b->accounts[i].won) &&
                    same_sum(a->accounts[i].lost, b->accounts[i].lost));
}

/* Repriced beside the base, rated by themselves, and compiled whole: the same. */
static void changed_books(void **state)
{
    static const struct {
        size_t book;
        const char *from_day;
        unsigned threads;
        enum toll_io_choice io;
        bool portable;
        int repriced; /* 0: charges do not fit, and all is rated again */
    } cases[] = {
        {2, "2026-03-03", 2, TOLL_IO_MMAP, false, 4},
        {2, "2026-03-03", 1, TOLL_IO_PREAD, true, 4},
        {1, "2026-03-03", 2, TOLL_IO_MMAP, false, 4},
        {0, NULL, 2, TOLL_IO_MMAP, false, 0},
        {TAXED_BOOK, "2026-03-03", 2, TOLL_IO_MMAP, true, 4},
        {TAXED_BUNDLES, "2026-03-03", 3, TOLL_IO_MMAP, false, 4},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct toll_whatif_tuning fast = tuning_of(cases[i].portable ? 0 : toll_cpu_features(), 0);
        struct toll_whatif_tuning slow = fast;
        struct toll_impact repriced, rated, compiled;
        struct toll_whatif_result result;
        slow.no_repricing = true;
        ask_changes(*state, cases[i].book, cases[i].from_day, false, cases[i].threads, cases[i].io, &fast,
                    &repriced, &result);
        assert_int_equal(result.repriced, cases[i].repriced);
        ask_changes(*state, cases[i].book, cases[i].from_day, false, cases[i].threads, cases[i].io, &slow,
                    &rated, &result);
        assert_int_equal(result.repriced, 0);
        ask_changes(*state, cases[i].book, cases[i].from_day, true, cases[i].threads, cases[i].io, &fast,
                    &compiled, &result);
        assert_int_equal(result.repriced, 0);
        check_same(&repriced, &rated);
        check_same(&repriced, &compiled);
        toll_impact_free(&repriced);
        toll_impact_free(&rated);
        toll_impact_free(&compiled);
    }
}

static void fees_of(char *change, size_t bytes, int64_t fee)
{
    static const char *const decks[] = {"d", "routed", "pairs", "columns", "origin"};
    change[0] = '\0';
    for (size_t i = 0; i < COUNT(decks); i++)
        snprintf(change + strlen(change), bytes - strlen(change), "%sdeck:%s connect_fee=%lld",
                 i == 0 ? "" : " ;; ", decks[i], (long long)fee);
}

/* What moves fits 61 bits in each batch, and in both together does not: the book rates by itself then, also
 * where two workers had a batch each. */
static void moves_too_much_together(void **state)
{
    const struct folder *folder = *state;
    const struct toll_whatif_tuning fast = tuning_of(toll_cpu_features(), 0);
    struct toll_whatif_tuning slow = fast;
    char path[128], cdrs[128], change[256];
    struct toll_whatif_book list[2] = {{.path = path}, {.change = change}};
    struct toll_impact few, repriced, rated;
    struct toll_whatif_result result;
    struct toll_error error;
    snprintf(cdrs, sizeof cdrs, "%s/cdrs", folder->path);
    snprintf(path, sizeof path, "%s/%s", folder->path, books[TAXED_BOOK].name);
    const struct toll_whatif_options options = {.dataset_path = cdrs,
                                                .books = list,
                                                .book_count = 2,
                                                .from_day = LATE,
                                                .threads = 2,
                                                .reporter = {.report = report}};
    fees_of(change, sizeof change, 1);
    assert_int_equal(toll_whatif_tuned(&options, &fast, &few, &result, &error), 0);
    assert_int_equal(result.repriced, 1);
    check_total moved = 0;
    for (size_t i = 0; i < few.moved_count; i++)
        moved += check_sum_of(few.moved[i].charge[1]) - check_sum_of(few.moved[i].charge[0]);
    toll_impact_free(&few);
    const int64_t most = (INT64_C(1) << 61) / 100000000, paid = (int64_t)(moved / 100000000);
    const int64_t fee = most / 100 * 103 / paid; /* a batch has 94 of 100 calls */
    assert_true(fee < 2800000 && fee * paid > most);
    fees_of(change, sizeof change, fee);
    slow.no_repricing = true;
    if (toll_whatif_tuned(&options, &fast, &repriced, &result, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(result.repriced, 0);
    assert_int_equal(toll_whatif_tuned(&options, &slow, &rated, &result, &error), 0);
    check_same(&repriced, &rated);
    toll_impact_free(&repriced);
    toll_impact_free(&rated);
}

static void the_base_is_a_book_as_it_is(void **state)
{
    const struct folder *folder = *state;
    char path[128], cdrs[128];
    struct toll_whatif_book list[2] = {{.path = path, .change = "deck:d *2"}, {.change = "deck:d *3"}};
    struct toll_impact impact;
    struct toll_whatif_result result;
    struct toll_error error;
    snprintf(cdrs, sizeof cdrs, "%s/cdrs", folder->path);
    snprintf(path, sizeof path, "%s/%s", folder->path, books[0].name);
    const struct toll_whatif_options options = {.dataset_path = cdrs, .books = list, .book_count = 2};
    assert_int_equal(toll_whatif(&options, &impact, &result, &error), TOLL_EUSAGE);
    assert_non_null(strstr(error.text, "the base, which has no change"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_books),
        cmocka_unit_test(same_customers),
        cmocka_unit_test(two_books),
        cmocka_unit_test(ways),

        cmocka_unit_test(other_rates),
        cmocka_unit_test(changed_books),
        cmocka_unit_test(moves_too_much_together),
        cmocka_unit_test(the_base_is_a_book_as_it_is),
    };
    return cmocka_run_group_tests(tests, make_books, remove_books);
}
