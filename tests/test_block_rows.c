/*
 * The stages of a block against the row path, which follows docs/RATING.md step by step: random books with
 * every kind of tariff, random records, every instruction set, several block sizes. Each column of each line
 * and the sums must be those that rating the rows one by one gives.
 */
#include "base/cpu.h"
#include "pipeline/block.h"
#include "pipeline/tuple_ends.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define BOOKS 40
#define ROWS 700
#define FIRST INT64_C(1772323200000) /* 2026-03-01 00:00 UTC; the clocks change on the 8th */
#define DAYS 10

static uint64_t random_state;

static uint32_t pick(uint32_t below)
{
    return (uint32_t)(random_next(&random_state) % below);
}
static bool chance(uint32_t percent)
{
    return pick(100) < percent;
}
#define ANY(array) (array)[pick(COUNT(array))]

/* ---- a random book ---- */

static bool taxed; /* the book is */

static const char *const numbers[] = {
    "12125550100", "12125550101", "12125560100", "16465550100",  "12015550100", "12015551234",
    "13105550100", "14165550100", "12645550100", "13405550100",  "19075550100", "442079460000",
    "18005550100", "18885550100", "19005550100", "523312345678",
};
static const char *const prefixes[] = {"",     "1",    "1212",  "1212555", "12125550",    "1646",
                                       "1201", "1310", "13105", "1416",    "1264",        "1800",
                                       "44",   "52",   "5233",  "1907555", "442079460000"};
static const char *const codes[] = {"", "DA", "LD", "LOC", "ZZ"};
static const char *const trunks[] = {"", "T0", "T1", "T2", "unknown"};
static const char *const hints[] = {"", "H0", "H1", "unknown"};
static const char *const carriers[] = {"", "c1", "c2"};

struct text {
    char folder[64];
    FILE *file;
};

static void begin(struct text *text, const char *name, const char *header)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", text->folder, name);
    text->file = fopen(path, "w");
    assert_non_null(text->file);
    fputs(header, text->file);
}
static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    assert_true(vfprintf(text->file, format, arguments) >= 0);
    va_end(arguments);
}
static void end(struct text *text)
{
    assert_int_equal(fclose(text->file), 0);
}

static const char *date(uint32_t percent)
{
    static const char *const dates[] = {"2026-03-02", "2026-03-05", "2026-03-08 12:00:00", "2026-03-09"};
    return chance(percent) ? ANY(dates) : "";
}

static const char *const areas[] = {"", "city", "town", "county", "mixed"};

static void write_accounts(struct text *text)
{
    static const char *const zones[] = {"", "America/New_York", "America/Chicago", "Asia/Tokyo"};
    begin(text, "accounts.csv", "account,class,sale,seller,timezone,cycle_day,tax_site\n");
    for (unsigned i = 0; i < 4; i++) {
        char tax_site[8] = "";
        if (taxed && chance(30))
            snprintf(tax_site, sizeof tax_site, "%c%u", i == 2 || chance(50) ? 's' : 't', i);
        put(text, "a%u,%s,%s,%s,%s,%u,%s\n", i, chance(50) ? "" : "big", chance(80) ? "" : "resale",
            taxed && chance(70) ? "us" : "", taxed ? ANY(zones) : "", taxed ? 1 + pick(10) : 1, tax_site);
    }
    end(text);
    begin(text, "sites.csv", "site,account,state,area\n");
    for (unsigned i = 0; i < 4; i++)
        put(text, "s%u,a%u,%s,%s\n", i, i,
            chance(30)   ? ""
            : chance(50) ? "NY"
                         : "NJ",
            taxed ? ANY(areas) : "");
    for (unsigned i = 0; i < 4 && taxed; i++)
        if (i != 2)
            put(text, "t%u,a%u,,%s\n", i, i, ANY(areas));
    end(text);
}

static void write_taxes(struct text *text)
{
    static const char *const days[] = {"", "", "2026-02-25", "2026-03-03", "2026-03-06", "2026-03-08"};
    static const char *const services[] = {"", "", "voice", "sms", "data", "event"};
    static const char *const classes[] = {"", "", "ordinary", "premium", "on_net"};
    static const char *const jurisdictions[] = {"", "", "local", "intrastate", "interstate", "international"};
    static const char *const products[] = {"", "x", "y"};
    const char *const names[] = {"tax_jurisdictions.csv", "tax_areas.csv", "sellers.csv",
                                 "tax_map.csv",           "taxes.csv",     "exemptions.csv"};
    char path[160];
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", text->folder, names[i]);
        unlink(path);
    }
    if (!taxed)
        return;
    begin(text, "tax_jurisdictions.csv",
          "id,level,state,parent\nUS,federal,,\nNY,state,NY,US\nC,county,,NY\nT,city,,C\n");
    end(text);
    begin(text, "tax_areas.csv", "area,tax_jurisdiction\ncity,T\ntown,NY\ncounty,C\nmixed,C\nmixed,US\n");
    end(text);
    begin(text, "sellers.csv", "seller,fusf_method,from,to\n");
    put(text, "us,safe_harbour,,2026-03-04\nus,actual,2026-03-04,\n");
    end(text);
    begin(text, "tax_map.csv", "tax_service,product,service,class,jurisdiction\n");
    for (unsigned i = 0; i < 6; i++)
        put(text, "s%u,%s,%s,%s,%s\n", i, products[i % 3], services[i < 3 ? 2 + pick(2) : 4 + pick(2)],
            ANY(classes), ANY(jurisdictions)); /* none is there twice */
    if (chance(70))
        put(text, "rest,,,,\n");
    end(text);
    begin(text, "taxes.csv", "tax,tax_jurisdiction,rate,sourcing,from,to\n");
    put(text, "a,US,1%%,%s,,\nb,NY,2%%,,,2026-03-07\nb,NY,3%%,,2026-03-07,\n",
        chance(60)   ? ""
        : chance(50) ? "origin"
                     : "two_of_three");
    if (chance(20))
        put(text, "c,US,1%%,origin,,\nd,C,1%%,two_of_three,,\n");
    end(text);
    begin(text, "exemptions.csv", "account,site,tax,from,to\n");
    for (unsigned i = 0; i < 5; i++) {
        const unsigned account = pick(4);
        char site[8] = "";
        if (chance(40))
            snprintf(site, sizeof site, "s%u", account);
        if (chance(70))
            put(text, "a%u,%s,a,%s,\n", account, site, ANY(days));
        else
            put(text, ",%s,b,%s,\n", site, ANY(days));
    }
    end(text);
}

static void write_parties(struct text *text)
{
    write_accounts(text);
    begin(text, "numbers.csv", "number,account,site,from,to\n");
    for (size_t i = 0; i < COUNT(numbers); i++) {
        const unsigned account = pick(4);
        char site[8] = "";
        if (chance(50))
            snprintf(site, sizeof site, "s%u", account);
        if (site[0] != 0 && taxed && account != 2 && chance(30))
            site[0] = 't';
        if (chance(20))
            put(text, "%s,a%u,%s,,2026-03-05\n%s,a%u,,2026-03-06,\n", numbers[i], account, site, numbers[i],
                pick(4));
        else if (chance(60))
            put(text, "%s,a%u,%s,,\n", numbers[i], account, site);
    }
    put(text, "trunk:T0,a%u,,,\ntrunk:T1,a%u,,%s,\nhint:H0,a%u,,,\nhint:H1,a%u,,,\n", pick(4), pick(4),
        date(50), pick(4), pick(4));
    end(text);
    begin(text, "trunks.csv", "trunk,carrier\n");
    put(text, "T2,%s\n", ANY(carriers));
    end(text);
    begin(text, "carriers.csv", "carrier,feed_role\n");
    for (size_t i = 1; i < COUNT(carriers); i++)
        put(text, "%s,%s\n", carriers[i], chance(70) ? "" : chance(50) ? "cost" : "compare");
    end(text);
    begin(text, "fx.csv", "from,to,date,rate\nEUR,USD,2026-03-03,1.08\nEUR,USD,2026-03-07,1.09234567\n");
    end(text);
    begin(text, "assignments.csv", "subject,plan,from,side\n");
    for (unsigned i = 0; i < 4; i++)
        if (chance(90))
            put(text, "account:a%u,p%u,%s,\n", i, pick(3), date(15));
    if (chance(30))
        put(text, "trunk:T2,p%u,,\n", pick(3));
    if (chance(20))
        put(text, "carrier:c1,p%u,%s,\n", pick(3), date(30));
    if (chance(30))
        put(text, "default,p%u,,\n", pick(3));
    for (size_t i = 1; i < 4; i++)
        if (chance(30))
            put(text, "trunk:%s,b%u,%s,buy\n", trunks[i], pick(3), date(40));
    for (size_t i = 1; i < COUNT(carriers); i++)
        if (chance(40))
            put(text, "carrier:%s,b%u,%s,buy\n", carriers[i], pick(3), date(40));
    if (chance(70))
        put(text, "default,b%u,%s,buy\n", pick(3), date(30));
    end(text);
}

static void write_places(struct text *text)
{
    static const char *const places[] = {"1212555,NY,NEW YORK", "1212556,NY,YONKERS", "1646555,NY,NEW YORK",
                                         "1201555,NJ,NEWARK", "12015551,NJ,TRENTON"};
    begin(text, "npanxx.csv", "prefix,state,ratecenter,area\n");
    for (size_t i = 0; i < COUNT(places); i++)
        put(text, "%s,%s\n", places[i], taxed ? ANY(areas) : "");
    put(text, "1310555,%s,%s,\n", chance(50) ? "CA" : "NV", chance(50) ? "LA" : "");
    end(text);
    begin(text, "local_areas.csv", "from_ratecenter,to_ratecenter\nNEW YORK,NEWARK\nYONKERS,NEW YORK\n");
    end(text);
    begin(text, "calltypes.csv",
          "calltype,jurisdiction,carrier\nLOC,local,\nLD,interstate,c1\nLD,intrastate,\n");
    end(text);
}

struct deck {
    const char *key;
    bool split, columns;
};
#define SELL_DECKS 7
#define DECKS 10 /* the others only buy, some of them in another currency */

static void write_deck_file(struct text *text, unsigned number, const struct deck *deck)
{
    const bool pair = strcmp(deck->key, "npanxx_pair") == 0, code = strcmp(deck->key, "calltype") == 0;
    const bool bands = number < 2;
    char name[32];
    snprintf(name, sizeof name, "decks/d%u.csv", number);
    begin(text, name, pair ? "prefix,caller_prefix" : code ? "key" : "prefix");
    put(text, ",rate,connect_fee,initial_s,increment_s,minimum_s,status,from,band,step_from_s%s\n",
        deck->columns ? ",rate_inter,rate_intra,rate_indeterminate" : "");
    bool used[COUNT(prefixes)][COUNT(prefixes)] = {{false}};
    for (unsigned i = 0; i < (pair ? 25u : 10u); i++) {
        const unsigned a = pick(code ? COUNT(codes) : COUNT(prefixes)), b = pair ? pick(COUNT(prefixes)) : 0;
        const char *status = chance(8) ? "blocked" : "";
        const char *from = date(15);
        if (used[a][b])
            continue;
        used[a][b] = true;
        for (unsigned band = 0; band < (bands && chance(50) ? 2u : 1u); band++)
            for (unsigned step = 0; step < (chance(20) ? 2u : 1u); step++) {
                put(text, "%s%s%s,", code ? codes[a] : prefixes[a], pair ? "," : "", pair ? prefixes[b] : "");
                if (step == 0)
                    put(text, "%s,%s,%s,%s,%s",
                        chance(5)    ? ""
                        : chance(50) ? "0.06"
                                     : "0.0123",
                        chance(20) ? "0.05" : "", chance(50) ? "30" : "", chance(50) ? "6" : "60",
                        chance(15) ? "20" : "");
                else
                    put(text, "0.01,,,1,");
                put(text, ",%s,%s,%s,%s", status, from, band == 0 ? "" : "night", step == 0 ? "" : "120");
                if (deck->columns)
                    put(text, ",%s,%s,%s", chance(30) ? "" : "0.02", chance(30) ? "" : "0.03",
                        chance(30) ? "" : "0.04");
                put(text, "\n");
            }
    }
    end(text);
}

static void write_decks(struct text *text)
{
    static const char *const keys[] = {"callee", "callee", "callee", "caller", "calltype", "npanxx_pair"};
    static const char *const bases[] = {"", "", "ani", "ani_lrn", "site", "carrier"};
    static const char *const zeros[] = {"", "free", "connect", "minimum"};
    static const char *const roundings[] = {"", "half_up", "half_even", "up", "down"};
    struct deck decks[DECKS];
    begin(text, "decks.csv",
          "deck,key,number_basis,jurisdiction_basis,indeterminate,zero_s,rounding,calendar,boundary,"
          "currency\n");
    for (unsigned i = 0; i < DECKS; i++) {
        static const char *const policies[] = {"", "own", "intra", "inter", "higher"};
        decks[i] = (struct deck){ANY(keys), i < 2 && chance(50), chance(50)};
        const bool coded = strcmp(decks[i].key, "calltype") == 0;
        put(text, "d%u,%s,%s,%s,%s,%s,%s,%s,%s,%s\n", i, decks[i].key, !coded && chance(40) ? "lrn" : "",
            decks[i].columns ? ANY(bases) : "", decks[i].columns ? ANY(policies) : "", ANY(zeros),
            ANY(roundings), i < 2 ? "c" : "", decks[i].split ? "split" : "",
            i >= SELL_DECKS && chance(60) ? "EUR" : "");
    }
    end(text);
    begin(text, "calendars.csv", "calendar,band,days,from,to\nc,night,,20:00,06:00\n");
    end(text);
    for (unsigned i = 0; i < DECKS; i++)
        write_deck_file(text, i, &decks[i]);
}

/* Three plans whose names begin with a letter, with any of so many decks. */
static void put_rules(struct text *text, char plan, unsigned decks, bool on_net)
{
    static const char *const services[] = {"", "", "voice", "sms", "data", "event"};
    static const char *const classes[] = {"", "", "", "ordinary", "toll_free", "premium", "n11", "on_net"};
    static const char *const jurisdictions[] = {
        "", "", "", "local", "intrastate", "interstate", "international"};
    static const char *const destinations[] = {"", "", "", "UK", "MEXICO", "NEW YORK"};
    static const char *const directions[] = {"", "", "out", "in"};
    for (unsigned i = 0; i < 24; i++) {
        static const char *const actions[] = {"deck", "deck", "deck", "deck",   "deck",
                                              "deck", "flat", "free", "markup", "reject"};
        const char *action = i >= 21 ? "deck" : ANY(actions), *class_ = i >= 21 ? "" : ANY(classes);
        const bool deck = strcmp(action, "deck") == 0;
        if (strcmp(class_, "on_net") == 0 && !on_net)
            class_ = "";
        put(text, "%c%u,%s,", plan, i % 3, action);
        if (i >= 21)
            put(text, ",,,,,,");
        else
            put(text, "%s,%s,%s,%s,%s,%s,", ANY(services), ANY(directions), class_, ANY(jurisdictions),
                ANY(destinations), chance(15) ? trunks[1 + pick(3)] : "");
        if (deck)
            put(text, "d%u,,,%s,", pick(decks), chance(50) ? "next" : "");
        else
            put(text, ",%s,%s,,", strcmp(action, "flat") == 0 || strcmp(action, "markup") == 0 ? "0.25" : "",
                strcmp(action, "markup") == 0 ? "12.5" : "");
        put(text, "%u,%s,%s\n", i >= 21 ? 9 : pick(4), i >= 21 ? "" : date(20),
            taxed && chance(40) ? chance(50) ? "x" : "y" : "");
    }
}

static void write_rules(struct text *text, bool on_net)
{
    begin(text, "plans.csv", "plan\np0\np1\np2\nb0\nb1\nb2\n");
    end(text);
    begin(text, "destinations.csv", "prefix,destination\n44,UK\n52,MEXICO\n1212,NEW YORK\n1212556,YONKERS\n");
    end(text);
    begin(text, "plan_rules.csv",
          "plan,action,service,direction,class,jurisdiction,destination,trunk,deck,amount,percent,on_miss,"
          "priority,"
          "from,product\n");
    put_rules(text, 'p', SELL_DECKS, on_net);
    put_rules(text, 'b', DECKS, on_net);
    end(text);
}

static void write_book(struct text *text)
{
    static const char *const bases[] = {"ani", "ani_lrn", "site", "carrier"};
    static const char *const on_nets[] = {"none", "account", "any"};
    const unsigned on_net = pick(3);
    char path[128];
    snprintf(path, sizeof path, "%s/decks", text->folder);
    mkdir(path, 0750);
    begin(text, "book.yaml", "book: random\ncurrency: USD\ntimezone: America/New_York\n");
    put(text, "jurisdiction_basis: %s\non_net: %s\n", ANY(bases), on_nets[on_net]);
    end(text);
    taxed = chance(60);
    write_parties(text);
    write_taxes(text);
    write_places(text);
    write_decks(text);
    write_rules(text, on_net != 0);
}

/* ---- random records ---- */

static struct {
    int64_t start[ROWS], quantity[ROWS], provider_charge[ROWS];
    int32_t duration_ms[ROWS], trunk[ROWS], hint[ROWS], calltype[ROWS];
    uint64_t caller[ROWS], callee[ROWS], charged[ROWS], lrn_caller[ROWS], lrn_callee[ROWS], ring_to[ROWS];
    uint16_t kind[ROWS], carrier[ROWS];
} columns;

static uint64_t any_number(void)
{
    static const char *const others[] = {"12125557777", "16469990000", "13107770000",
                                         "15005550100", "17875550100", "33123456789"};
    const char *number = chance(75) ? ANY(numbers) : ANY(others);
    uint64_t digits = 0;
    assert_true(toll_digits_pack(number, strlen(number), &digits));
    return digits;
}

static uint64_t any_end(unsigned *type)
{
    static const char *const shorts[] = {"411", "911", "988", "933", "55555"};
    uint64_t digits = 0;
    *type = chance(88) ? TOLL_NUMBER_E164 : pick(6);
    if (*type == TOLL_NUMBER_E164)
        return any_number();
    if (*type == TOLL_NUMBER_SHORT)
        assert_true(toll_digits_pack(ANY(shorts), 3, &digits));
    if (*type == TOLL_NUMBER_EXTENSION)
        assert_true(toll_digits_pack("2005", 4, &digits));
    return digits;
}

static int64_t any_quantity(void)
{
    static const int64_t edges[] = {0,         1,         2147482, 2147483, 2147484, INT64_C(1) << 31,
                                    INT64_MAX, INT64_MIN, -5};
    return chance(70) ? (int64_t)pick(5000) : ANY(edges);
}

static void make_rows(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        unsigned caller, callee;
        columns.caller[i] = any_end(&caller);
        columns.callee[i] = any_end(&callee);
        const unsigned service = chance(75) ? TOLL_VOICE : 1 + pick(4);
        unsigned kind =
            service | caller << TOLL_KIND_CALLER_TYPE_SHIFT | callee << TOLL_KIND_CALLEE_TYPE_SHIFT;
        kind |= chance(35) ? TOLL_KIND_IN : 0;
        kind |= chance(85) ? TOLL_KIND_ANSWERED : 0;
        kind |= chance(3) ? TOLL_KIND_CREDIT : 0;
        kind |= chance(2) ? TOLL_KIND_CONFLICT : 0;
        kind |= chance(50) ? TOLL_KIND_PROVIDER_CHARGE : 0;
        kind |= chance(20) ? TOLL_KIND_LEG : 0;
        columns.kind[i] = (uint16_t)kind;
        columns.start[i] = FIRST + (int64_t)(i * (uint64_t)DAYS * 86400000 / ROWS) + pick(1000);
        columns.duration_ms[i] = service != TOLL_VOICE ? 0
                                 : chance(10)          ? 0
                                 : chance(10)          ? 90000000
                                                       : (int32_t)pick(400000);
        columns.quantity[i] = service == TOLL_VOICE ? 0 : any_quantity();
        columns.provider_charge[i] = chance(90) ? (int64_t)pick(1000000000) : INT64_MAX;
        columns.charged[i] = chance(10) ? any_number() : 0;
        columns.lrn_caller[i] = chance(20) ? any_number() : 0;
        columns.lrn_callee[i] = chance(30) ? any_number() : 0;
        columns.ring_to[i] = chance(40) ? any_number() : 0;
        columns.trunk[i] = chance(20) ? (int32_t)pick(COUNT(trunks)) : 0;
        columns.hint[i] = chance(10) ? (int32_t)pick(COUNT(hints)) : 0;
        columns.calltype[i] = chance(50) ? (int32_t)pick(COUNT(codes)) : 0;
        columns.carrier[i] = (uint16_t)(1 + pick(2));
    }
}

/* Optional columns are there or not. */
static struct toll_cdr_batch any_batch(void)
{
    const bool all = chance(50);
#define MAYBE(name) (all || chance(60) ? columns.name : NULL)
    return (struct toll_cdr_batch){.rows = ROWS,
                                   .start = columns.start,
                                   .duration_ms = columns.duration_ms,
                                   .caller = columns.caller,
                                   .callee = columns.callee,
                                   .kind = columns.kind,
                                   .carrier = columns.carrier,
                                   .charged = MAYBE(charged),
                                   .lrn_caller = MAYBE(lrn_caller),
                                   .lrn_callee = MAYBE(lrn_callee),
                                   .ring_to = MAYBE(ring_to),
                                   .trunk = MAYBE(trunk),
                                   .hint = MAYBE(hint),
                                   .calltype = MAYBE(calltype),
                                   .quantity = MAYBE(quantity),
                                   .provider_charge = MAYBE(provider_charge)};
}

/* ---- what the dictionaries mean ---- */

struct map {
    struct toll_part_map map;
    uint32_t trunks[COUNT(trunks)], hints[COUNT(hints)], carriers[COUNT(carriers)];
    uint32_t calltypes[COUNT(codes) * (DECKS + 1)];
    int8_t words[COUNT(codes) * COUNT(carriers)];
};

static void fill_named(const struct toll_book *book, enum toll_named_kind kind, const char *const *texts,
                       size_t count, uint32_t *map)
{
    for (size_t i = 1; i < count; i++) {
        const struct toll_named *named = toll_book_named(book, kind, texts[i], strlen(texts[i]));
        map[i] = named == NULL ? 0 : 1 + (uint32_t)(named - book->named[kind]);
    }
}

static void make_map(struct map *map, const struct toll_rater *rater)
{
    const struct toll_book *book = rater->book;
    memset(map, 0, sizeof *map);
    fill_named(book, TOLL_NAMED_TRUNK, trunks, COUNT(trunks), map->trunks);
    fill_named(book, TOLL_NAMED_HINT, hints, COUNT(hints), map->hints);
    fill_named(book, TOLL_NAMED_CARRIER, carriers, COUNT(carriers), map->carriers);
    for (size_t code = 0; code < COUNT(codes); code++) {
        for (uint32_t deck = 1; deck < book->deck_count; deck++)
            if (rater->calltype_places[deck] != 0)
                map->calltypes[code * rater->calltype_decks + rater->calltype_places[deck] - 1] =
                    toll_book_calltype(book, deck, codes[code], strlen(codes[code]));
        for (size_t carrier = 0; carrier < COUNT(carriers); carrier++)
            map->words[code * COUNT(carriers) + carrier] =
                (int8_t)(code == 0 ? -1 : toll_book_calltype_word(book, codes[code], carriers[carrier]));
    }
    map->map = (struct toll_part_map){.trunks = map->trunks,
                                      .hints = map->hints,
                                      .carriers = map->carriers,
                                      .calltypes = map->calltypes,
                                      .words = map->words,
                                      .carrier_count = COUNT(carriers)};
}

/* ---- both ways ---- */

static struct toll_row_answer answers[ROWS];
static struct toll_cost_answer costs[ROWS];
#define EXEMPTIONS 16
static struct toll_tuple_facts facts[ROWS];
static uint32_t exempt[ROWS][EXEMPTIONS];
static unsigned seen_tuples, seen_ended, seen_nowhere;
static struct toll_arena ended; /* jurisdictions of the rows' ends */
static unsigned seen_cost[TOLL_STATUS_COUNT];
static uint64_t book_number;
static unsigned seen[TOLL_STATUS_COUNT];

static void rate_rows(const struct toll_rater *rater, const struct toll_part_map *map,
                      const struct toll_cdr_batch *batch)
{
    struct toll_band_cursor *cursors = calloc(rater->book->deck_count + 1u, sizeof *cursors);
    for (int64_t i = 0; i < ROWS; i++) {
        struct toll_row row;
        toll_row_read(rater, map, batch, i, &row);
        toll_row_rate(rater, cursors, &row, NULL, &answers[i]);
        seen[answers[i].status]++;
        if (rater->tuples != NULL && toll_status_is_rated(answers[i].status))
            assert_true(toll_row_tuple(rater, &row, &answers[i], exempt[i], &ended, &facts[i]));
        costs[i] = (struct toll_cost_answer){0};
        if (rater->cost == NULL)
            continue;
        toll_row_cost(rater, cursors, &row, &answers[i], -1, NULL, &costs[i]);
        seen_cost[costs[i].status]++;
    }
    free(cursors);
}

static bool same_set(const struct toll_tax_set *a, const struct toll_tax_set *b)
{
    return a->count == b->count && (a->count == 0 || memcmp(a->ids, b->ids, a->count * sizeof *a->ids) == 0);
}

static bool same_facts(const struct toll_tuple_facts *a, const struct toll_tuple_facts *b)
{
    const struct toll_tuple_profile *p = &a->profile, *q = &b->profile;
    return p->area == q->area && p->resolved == q->resolved && p->customer_class == q->customer_class &&
           p->seller == q->seller && p->resale == q->resale && p->exemption_count == q->exemption_count &&
           memcmp(a->exemptions, b->exemptions, p->exemption_count * sizeof *a->exemptions) == 0 &&
           a->kind.split == b->kind.split && a->kind.service == b->kind.service &&
           a->kind.jurisdiction == b->kind.jurisdiction && a->day == b->day && a->period == b->period &&
           a->next_period == b->next_period && same_set(&a->origin, &b->origin) &&
           same_set(&a->two_of_three, &b->two_of_three) && a->no_leg_place == b->no_leg_place;
}

static void check_tuples(const struct toll_rater *rater, const struct toll_line_columns *lines,
                         const char *kernels, size_t step)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct toll_tuple_facts found;
        const bool rated = rater->tuples != NULL && toll_status_is_rated(lines->status[i]);
        if (!rated && lines->tuple[i] != 0)
            fail_msg("%s, blocks of %zu, row %zu has a tuple", kernels, step, i);
        if (!rated)
            continue;
        if (!toll_tuple_facts(rater->tuples, lines->tuple[i], &found))
            fail_msg("%s, blocks of %zu, row %zu has no tuple", kernels, step, i);
        seen_tuples++;
        seen_ended += found.origin.count + found.two_of_three.count > 0;
        seen_nowhere += found.no_leg_place;
        if (!same_facts(&found, &facts[i]))
            fail_msg("book %d, %s, blocks of %zu, row %zu: tuple %d is of area %d (%d) split %u service %d "
                     "jurisdiction %d period %d day %d; by itself area %d (%d) split %u service %d "
                     "jurisdiction %d period %d day %d",
                     (int)book_number, kernels, step, i, lines->tuple[i], found.profile.area,
                     found.profile.resolved, found.kind.split, found.kind.service, found.kind.jurisdiction,
                     found.period, found.day, facts[i].profile.area, facts[i].profile.resolved,
                     facts[i].kind.split, facts[i].kind.service, facts[i].kind.jurisdiction, facts[i].period,
                     facts[i].day);
    }
}

static void check_lines(const struct toll_line_columns *lines, const char *kernels, size_t step)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct toll_row_answer *want = &answers[i];
        if (lines->status[i] != want->status || lines->account[i] != want->account ||
            lines->price[i] != want->price || lines->billed[i] != want->billed ||
            lines->charge[i] != want->charge ||
            lines->class_jurisdiction[i] != ((unsigned)want->class_ << 4 | (unsigned)want->jurisdiction))
            fail_msg(
                "%s, blocks of %zu, row %zu, kind %x: status %u account %d price %d billed %d charge %lld "
                "class %02x; by itself %u %d %d %d %lld %02x",
                kernels, step, i, columns.kind[i], lines->status[i], lines->account[i], lines->price[i],
                lines->billed[i], (long long)lines->charge[i], lines->class_jurisdiction[i], want->status,
                want->account, want->price, want->billed, (long long)want->charge,
                (unsigned)want->class_ << 4 | (unsigned)want->jurisdiction);
        if (lines->cost != NULL &&
            (lines->cost_status[i] != costs[i].status || lines->cost_price[i] != costs[i].price ||
             lines->cost[i] != costs[i].cost))
            fail_msg("book %d %s, blocks of %zu, row %zu, kind %x: cost status %u price %d cost %lld; by "
                     "itself %u %d %lld",
                     (int)book_number, kernels, step, i, columns.kind[i], lines->cost_status[i],
                     lines->cost_price[i], (long long)lines->cost[i], costs[i].status, costs[i].price,
                     (long long)costs[i].cost);
    }
}

/* Where an account and site and a tuple are together. */
static uint32_t slot_of(const struct toll_tally *tally, const struct toll_book *book, uint32_t bucket,
                        int32_t tuple)
{
    for (size_t slot = book->bucket_count; slot < toll_tally_slots(tally, book); slot++)
        if (toll_tally_slot_bucket(tally, book, slot) == bucket &&
            toll_tally_slot_tuple(tally, book, slot) == tuple)
            return (uint32_t)slot;
    fail_msg("tuple %d has no slot for bucket %u", tuple, bucket);
    return 0;
}

static void check_sums(struct toll_tally *tally, const struct toll_book *book,
                       const struct toll_line_columns *lines)
{
    toll_total charge = 0, want = 0, cost = 0, want_cost = 0;
    int64_t rows = 0, with_account = 0, status_rows[TOLL_STATUS_COUNT] = {0};
    for (size_t i = 0; i < ROWS; i++) {
        const unsigned service = toll_kind_service(columns.kind[i]);
        want += answers[i].charge;
        want_cost += costs[i].cost; /* accounts are all in one currency */
        if (costs[i].price != 0)
            assert_true((toll_tally_price_services(tally, (uint32_t)costs[i].price) >> service & 1) != 0);
        with_account += answers[i].payer.owner != 0 && answers[i].status < TOLL_SUSPENSE_FIRST;
        status_rows[answers[i].status]++;
        if (answers[i].price != 0)
            assert_true((toll_tally_price_services(tally, (uint32_t)answers[i].price) >> service & 1) != 0);
    }
    for (size_t i = 1; i < toll_tally_slots(tally, book); i++) {
        if (toll_tally_slot_bucket(tally, book, i) == 0)
            continue;
        charge += toll_tally_charge(&tally->buckets[i]);
        rows += tally->buckets[i].rows;
    }
    for (size_t i = 0; i < ROWS; i++) { /* each line from where it belongs; nothing may remain */
        const uint32_t bucket = book->owners[answers[i].payer.owner].bucket;
        uint32_t plane = 0;
        if (bucket == 0 || answers[i].status >= TOLL_SUSPENSE_FIRST)
            continue;
        if (lines->tuple[i] != 0 && tally->tuples.tuples->ends != NULL)
            plane = slot_of(tally, book, bucket, lines->tuple[i]) - bucket;
        else if (lines->tuple[i] != 0)
            plane =
                tally->tuples.planes[(uint32_t)lines->tuple[i] - tally->tuples.tuples->buckets[bucket].first];
        tally->buckets[plane + bucket].rows--;
        tally->buckets[plane + bucket].charge_low -= (uint32_t)lines->charge[i];
        tally->buckets[plane + bucket].charge_high -= lines->charge[i] >> 32;
    }
    for (size_t i = 1; i < toll_tally_slots(tally, book); i++)
        if (toll_tally_slot_bucket(tally, book, i) != 0)
            assert_true(tally->buckets[i].rows == 0 && toll_tally_charge(&tally->buckets[i]) == 0);
    for (unsigned i = 0; i < TOLL_CURRENCIES_MAX; i++)
        cost += tally->cost.cost[i];
    assert_true(charge == want);
    assert_true(cost == want_cost);
    assert_int_equal(rows, with_account);
    assert_memory_equal(status_rows, tally->status_rows, sizeof status_rows);
}

static void check_blocks(const struct toll_rater *rater, const struct toll_part_map *map,
                         const struct toll_cdr_batch *batch, size_t step)
{
    const unsigned optional = rater->cost == NULL ? 0 : TOLL_LINES_COST;
    static struct toll_block block;
    struct toll_tally tally;
    size_t offsets[TOLL_LINE_COLUMNS_MOST];
    uint8_t *memory = aligned_alloc(4096, toll_lines_batch_layout(ROWS, optional, offsets));
    struct toll_line_columns lines;
    struct toll_error error;
    assert_non_null(memory);
    memset(memory, 0xa5, toll_lines_batch_layout(ROWS, optional, offsets));
    memset(&block, 0x5a, sizeof block);
    assert_int_equal(toll_tally_init(&tally, rater->book, rater->tuples, &error), 0);
    assert_true(toll_tally_reserve(&tally, rater->book));
    toll_line_columns_place(&lines, memory, ROWS, optional);
    struct toll_band_cursor *cursors = calloc(rater->book->deck_count + 1u, sizeof *cursors);
    const struct toll_block_context context = {
        .rater = rater, .map = map, .block = &block, .cursors = cursors, .tally = &tally};
    for (size_t first = 0; first < ROWS; first += step)
        toll_block_rate(&context, batch, first, ROWS - first < step ? ROWS - first : step, &lines);
    if (rater->tuples != NULL && rater->tuples->ends != NULL && !rater->tuples->ends->given) {
        /* the pass that collects what there is */
        assert_int_equal(toll_tuple_ends_collect(rater->tuples->ends, &tally.tuples.seen, &error), 0);
        goto out;
    }
    check_lines(&lines, rater->kernels->name, step);
    check_tuples(rater, &lines, rater->kernels->name, step);
    check_sums(&tally, rater->book, &lines);
out:
    toll_tally_free(&tally);
    free(cursors);
    free(memory);
}

static void report(void *context, const struct toll_diagnostic *diagnostic)
{
    (void)context;
    if (diagnostic->severity == TOLL_ERROR)
        print_message("%s:%ld: %s\n", diagnostic->file, diagnostic->line, diagnostic->text);
}

static struct toll_tuples *make_tuples(const struct toll_book *book)
{
    struct toll_tuple_time times[DAYS + 1];
    struct toll_tuples *tuples;
    struct toll_error error;
    for (int i = 0; i <= DAYS; i++)
        times[i] = (struct toll_tuple_time){FIRST + i * TOLL_DAY_MS, FIRST + (i + 1) * TOLL_DAY_MS - 1};
    if (toll_tuples_make(book, times, COUNT(times), &tuples, &error) != 0)
        fail_msg("%s", error.text);
    assert_true((tuples != NULL) == taxed && book->tax.exemption_count <= EXEMPTIONS);
    return tuples;
}

static void check_book(const char *folder)
{
    static const unsigned masks[] = {0, TOLL_CPU_AVX2, TOLL_CPU_AVX2 | TOLL_CPU_AVX512};
    static const size_t steps[] = {1, 37, ROWS};
    const struct toll_reporter reporter = {.report = report};
    struct toll_book *book;
    struct toll_error error;
    if (toll_book_open(toll_io_system(), folder, &reporter, &book, &error) != 0)
        fail_msg("%s", error.text);
    make_rows();
    const struct toll_cdr_batch batch = any_batch();
    for (size_t m = 0; m < COUNT(masks); m++) {
        struct toll_rater rater;
        struct map map;
        if ((masks[m] & ~toll_cpu_features()) != 0)
            continue;
        assert_int_equal(toll_rater_init(&rater, book, masks[m], &error), 0);
        make_map(&map, &rater);
        struct toll_tuples *tuples = make_tuples(book);
        rater.tuples = tuples;
        rate_rows(&rater, &map.map, &batch);
        if (tuples != NULL && tuples->ends != NULL) {
            check_blocks(&rater, &map.map, &batch, 64);
            assert_int_equal(toll_tuple_ends_number(tuples, &error), 0);
        }
        for (size_t s = 0; s < COUNT(steps); s++)
            check_blocks(&rater, &map.map, &batch, steps[s]);
        toll_rater_free(&rater);
        toll_tuples_free(tuples);
        toll_arena_free(&ended);
        ended = (struct toll_arena){0};
    }
    toll_book_close(book);
}

static void test_random_books(void **state)
{
    (void)state;
    struct text text = {.folder = "/tmp/toll_block_rows_XXXXXX"};
    const char *one = getenv("TOLL_BLOCK_ROWS_SEED"); /* of a failure, to see it again */
    assert_non_null(mkdtemp(text.folder));
    for (uint64_t book = 0; book < BOOKS; book++) {
        if (one != NULL && book != (uint64_t)atoll(one))
            continue;
        book_number = book;
        random_state = 0x626c6f636b + book * 7919;
        write_book(&text);
        check_book(text.folder);
    }
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", text.folder);
    assert_int_equal(system(command), 0);
    /* Whatever can come of a row has come of some. */
    static const unsigned wanted[] = {TOLL_RATED,
                                      TOLL_ZERO_UNANSWERED,
                                      TOLL_ZERO_FREE,
                                      TOLL_ZERO_DURATION,
                                      TOLL_ZERO_EMERGENCY,
                                      TOLL_ZERO_OTHER_PARTY,
                                      TOLL_ZERO_COST_FEED,
                                      TOLL_ZERO_COMPARE_FEED,
                                      TOLL_SUSPENSE_CONFLICT,
                                      TOLL_SUSPENSE_PARTY_CONFLICT,
                                      TOLL_SUSPENSE_NO_ACCOUNT,
                                      TOLL_SUSPENSE_NO_PLAN,
                                      TOLL_SUSPENSE_NO_PREFIX,
                                      TOLL_SUSPENSE_NO_CALLTYPE,
                                      TOLL_SUSPENSE_NO_RATE,
                                      TOLL_SUSPENSE_BLOCKED,
                                      TOLL_SUSPENSE_BAD_NUMBER,
                                      TOLL_SUSPENSE_REJECTED,
                                      TOLL_SUSPENSE_NO_PROVIDER_CHARGE,
                                      TOLL_SUSPENSE_OVERFLOW};
    for (size_t i = 0; i < COUNT(wanted) && one == NULL; i++)
        if (seen[wanted[i]] == 0)
            fail_msg("no row became %s", toll_status_reason(wanted[i]));
    static const unsigned wanted_costs[] = {
        TOLL_RATED,
        TOLL_ZERO_UNANSWERED,
        TOLL_ZERO_FREE,
        TOLL_ZERO_DURATION,
        TOLL_ZERO_COST_FEED,
        TOLL_ZERO_COMPARE_FEED,
        TOLL_ZERO_OTHER_PARTY,
        TOLL_SUSPENSE_CONFLICT,
        TOLL_SUSPENSE_NO_FX,
        TOLL_SUSPENSE_NO_PLAN,
        TOLL_SUSPENSE_NO_PREFIX,
        TOLL_SUSPENSE_BLOCKED,
        TOLL_SUSPENSE_REJECTED,
        TOLL_SUSPENSE_NO_RATE,
        TOLL_SUSPENSE_OVERFLOW,
    };
    if (one == NULL)
        assert_true(seen_tuples > 10000 && seen_ended > 1000 && seen_nowhere > 100);
    for (size_t i = 0; i < COUNT(wanted_costs) && one == NULL; i++)
        if (seen_cost[wanted_costs[i]] == 0)
            fail_msg("no cost became %s", toll_status_reason(wanted_costs[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_books)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
