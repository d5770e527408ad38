/*
 * The world of test_pipeline.c: a small book, two days of calls that give every kind of answer, over and
 * over, and how they are rated. What each call must cost is written beside it, worked out by hand.
 */
#ifndef TESTS_PIPELINE_WORLD_H
#define TESTS_PIPELINE_WORLD_H

#include "base/cpu.h"
#include "io/publish.h"
#include "mmap_cdr/dataset.h"
#include "pipeline/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define DAY 20514                    /* 2026-03-02, a Monday */
#define NOON (15 * INT64_C(3600000)) /* 10:00 in New York */
#define SHA "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define ROWS 70000 /* of a day: two batches */

/* ---- the book ---- */

static const char *const book_files[][2] = {
    {"book.yaml", "book: test\ncurrency: USD\ntimezone: America/New_York\n"
                  "jurisdiction_basis: carrier\non_net: account\n"},
    {"accounts.csv", "account,name\nacme,Acme\nbeta,Beta\nlost,Nobody's plan\ngamma,Gamma\n"},
    {"sites.csv", "site,account,state\ns1,acme,\njersey,gamma,NJ\n"},
    {"numbers.csv", "number,account,site,from,to\n"
                    "12125550100,acme,s1,,\n"
                    "12125550200-12125550209,beta,,,\n"
                    "12125550300,acme,,,2026-03-03\n"
                    "12125550400,lost,,,\n"
                    "12125550500-12125550509,gamma,jersey,,\n"
                    "hint:B,beta,,,\n"
                    "trunk:T1,acme,,,\n"},
    {"assignments.csv", "subject,plan\naccount:acme,p\naccount:beta,q\naccount:gamma,r\n"},
    {"plans.csv", "plan\np\nq\nr\n"},
    {"plan_rules.csv", "plan,action,service,class,destination,deck,amount,percent,priority,jurisdiction\n"
                       "p,free,,toll_free,,,,,1,\n"
                       "p,flat,,n11,,,1.25,,1,\n"
                       "p,reject,,premium,,,,,1,\n"
                       "p,deck,sms,,,m,,,1,\n"
                       "p,markup,event,,,,0.01,10,1,\n"
                       "p,deck,,,,d,,,2,\n"
                       "q,deck,mms,,,c,,,1,\n"
                       "q,deck,,,KEEP,d,,,2,\n"
                       "r,flat,,on_net,,,0.5,,1,\n"
                       "r,flat,,toll_free,,,0.15,,1,local\n"
                       "r,flat,,,WORD,,0.25,,1,intrastate\n"
                       "r,flat,,,WORD,,0.75,,1,interstate\n"
                       "r,deck,,,STEPS,steps,,,2,\n"
                       "r,deck,,,SPLIT,split,,,2,\n"
                       "r,deck,,,COLUMNS,columns,,,2,\n"
                       "r,deck,,,SITE,at_site,,,2,\n"
                       "r,deck,,,ROUTED,routed,,,2,\n"
                       "r,deck,,,PAIRS,pairs,,,2,\n"
                       "r,deck,,,ORIGIN,origin,,,2,\n"},
    {"npanxx.csv", "prefix,state,ratecenter\n1212555,NY,New York\n1718555,NY,Brooklyn\n"},
    {"local_areas.csv", "from_ratecenter,to_ratecenter\nNew York,Brooklyn\n"},
    {"calltypes.csv", "calltype,carrier,jurisdiction\nLD,level3,intrastate\nLD,,international\n"},
    {"destinations.csv", "prefix,destination\n1300,KEEP\n1415,STEPS\n1916,STEPS\n1512,SPLIT\n1617,COLUMNS\n"
                         "1201556,SITE\n1303,PAIRS\n1404,ORIGIN\n1505,WORD\n1718556,ROUTED\n"},
    {"decks.csv", "deck,key,calendar,boundary,number_basis,jurisdiction_basis\n"
                  "d,callee,cal,,,\nm,callee,,,,\nc,calltype,,,,\nsteps,,,,,\nsplit,,cal,split,,\n"
                  "columns,,,,,ani_lrn\nat_site,,,,,site\nrouted,,,,lrn,\npairs,npanxx_pair,,,,\n"
                  "origin,caller,,,,\n"},
    {"calendars.csv", "calendar,band,days,from,to\ncal,night,,20:00,06:00\n"},
    {"decks/d.csv", "prefix,destination,rate,per_s,increment_s,band,status\n"
                    "1,United States,0.06,,6,,\n"
                    "1202,Night only,0.03,,,night,\n"
                    "1264,Anguilla,0.25,,,,\n"
                    "39,Italy,92233720368,1,,,\n"
                    "44,United Kingdom,0.02,,,,\n"
                    "4470,UK personal,,,,,\n"
                    "44900,UK premium,0.5,,,,blocked\n"},
    {"decks/m.csv", "prefix,rate,per_s\n,0.0075,1\n"},
    {"decks/c.csv", "key,rate,per_s\nLD;LD2,0.03,1\n"},
    {"decks/steps.csv", "prefix,rate,increment_s,connect_fee,step_from_s,status\n"
                        "1,0.2,60,0.4,,\n"
                        "1,0.1,,,60,\n"
                        "1916,0.2,60,,,\n"
                        "1916,0.1,,,60,blocked\n"},
    {"decks/split.csv", "prefix,rate,increment_s,band\n1,0.60,3600,\n1,0.30,3600,night\n"},
    {"decks/columns.csv", "prefix,rate,rate_inter,rate_intra\n1,0.01,0.02,0.03\n"},
    {"decks/at_site.csv",
     "prefix,rate,rate_inter,rate_intra,step_from_s\n1,0.01,0.02,0.04,\n1,0.1,0.2,,60\n"},
    {"decks/routed.csv", "prefix,rate\n1718,0.05\n1310,0.06\n"},
    {"decks/pairs.csv", "prefix,caller_prefix,rate\n1303,1212,0.07\n1303,,0.08\n"},
    {"decks/origin.csv", "prefix,rate\n1212,0.09\n"},
};

/* ---- the calls ---- */

#define E164 TOLL_NUMBER_E164
#define SHORT TOLL_NUMBER_SHORT

struct call {
    const char *caller, *callee;
    unsigned callee_type;
    int32_t duration_ms;
    unsigned kind; /* besides types and, unless UNANSWERED, the answered bit */
    int64_t quantity, provider_charge;
    int trunk, hint, calltype; /* of the dictionaries below */
    /* what must come of it */
    unsigned status;
    const char *account;
    int32_t billed;
    int64_t charge;
    bool only_first_day; /* needs an optional column */
    const char *lrn_callee, *ring_to;
};
#define UNANSWERED 0x10000u
#define ACME "12125550100"
#define US "12015550111"

#define CALL(caller_, callee_, type_, duration_, kind_, quantity_, provider_, trunk_, hint_, calltype_,      \
             status_, account_, billed_, charge_, first_)                                                    \
    {                                                                                                        \
        .caller = caller_, .callee = callee_, .callee_type = type_, .duration_ms = duration_, .kind = kind_, \
        .quantity = quantity_, .provider_charge = provider_, .trunk = trunk_, .hint = hint_,                 \
        .calltype = calltype_, .status = status_, .account = account_, .billed = billed_, .charge = charge_, \
        .only_first_day = first_                                                                             \
    }
#define GAMMA "12125550500"

static const struct call calls[] = {
    CALL(ACME, US, E164, 61000, 0, 0, 0, 0, 0, 0, TOLL_RATED, "acme", 66, 6600000, false),
    CALL(ACME, "12645550111", E164, 60000, 0, 0, 0, 0, 0, 0, TOLL_RATED, "acme", 60, 25000000, false),
    CALL(ACME, "442079460000", E164, 1, 0, 0, 0, 0, 0, 0, TOLL_RATED, "acme", 1, 33300,
         false), /* 0.000333.. */
    CALL(ACME, "447079460000", E164, 60000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_NO_RATE, "acme", 0, 0, false),
    CALL(ACME, "449009460000", E164, 60000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_BLOCKED, "acme", 0, 0, false),
    CALL(ACME, "33123456789", E164, 60000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_NO_PREFIX, "acme", 0, 0, false),
    CALL("13105550100", US, E164, 60000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_NO_ACCOUNT, "", 0, 0, false),
    CALL(ACME, "33123456789", E164, 0, UNANSWERED, 0, 0, 0, 0, 0, TOLL_ZERO_UNANSWERED, "acme", 0, 0, false),
    CALL(ACME, "411", SHORT, 0, UNANSWERED, 0, 0, 0, 0, 0, TOLL_ZERO_UNANSWERED, "acme", 0, 0, false),
    CALL(ACME, "911", SHORT, 42200, 0, 0, 0, 0, 0, 0, TOLL_ZERO_EMERGENCY, "acme", 43, 0, false),
    CALL(ACME, "18005550199", E164, 61000, 0, 0, 0, 0, 0, 0, TOLL_ZERO_FREE, "acme", 61, 0, false),
    CALL(ACME, "411", SHORT, 30000, 0, 0, 0, 0, 0, 0, TOLL_RATED, "acme", 30, 125000000, false),
    CALL(ACME, "19005550199", E164, 61000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_REJECTED, "acme", 0, 0, false),
    CALL(ACME, "12025550111", E164, 61000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_NO_BAND, "acme", 0, 0, false),
    CALL(ACME, "390612345678", E164, 2000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_OVERFLOW, "acme", 0, 0, false),
    CALL(ACME, "390612345678", E164, 0, 0, 0, 0, 0, 0, 0, TOLL_ZERO_DURATION, "acme", 0, 0, false),
    CALL(ACME, NULL, TOLL_NUMBER_INVALID, 61000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_BAD_NUMBER, "acme", 0, 0,
         false),
    CALL(ACME, "2005", TOLL_NUMBER_EXTENSION, 61000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_NO_PREFIX, "acme", 0, 0,
         false),
    CALL(ACME, US, E164, 61000, TOLL_KIND_CONFLICT, 0, 0, 0, 0, 0, TOLL_SUSPENSE_CONFLICT, "", 0, 0, false),
    CALL(ACME, US, E164, 0, 0, 0, 0, 0, 0, 0, TOLL_ZERO_DURATION, "acme", 0, 0, false),
    CALL("12125550205", US, E164, 61000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_NO_RULE, "beta", 0, 0, false),
    CALL("12125550205", "13005550111", E164, 61000, 0, 0, 0, 0, 0, 0, TOLL_RATED, "beta", 66, 6600000, false),
    CALL("12125550400", US, E164, 61000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_NO_PLAN, "lost", 0, 0, false),
    CALL(US, ACME, E164, 61000, TOLL_KIND_IN, 0, 0, 0, 0, 0, TOLL_RATED, "acme", 66, 6600000, false),
    CALL("12125550300", US, E164, 6000, 0, 0, 0, 0, 0, 0, TOLL_RATED, "acme", 6, 600000,
         false), /* see expected() */
    CALL(ACME, US, E164, 6000, 0, 0, 0, 0, 1, 0, TOLL_SUSPENSE_PARTY_CONFLICT, "", 0, 0, true),
    CALL("19995550000", "13005550111", E164, 6000, 0, 0, 0, 0, 1, 0, TOLL_RATED, "beta", 6, 600000, true),
    CALL("19995550000", US, E164, 6000, 0, 0, 0, 1, 0, 0, TOLL_RATED, "acme", 6, 600000, true),
    CALL("12125550205", US, E164, 0, TOLL_MMS, 2, 0, 0, 0, 2, TOLL_RATED, "beta", 2, 6000000, true),
    CALL("12125550205", US, E164, 0, TOLL_MMS, 2, 0, 0, 0, 1, TOLL_SUSPENSE_NO_CALLTYPE, "beta", 0, 0, true),
    CALL(ACME, US, E164, 0, TOLL_EVENT, 1, 0, 0, 0, 0, TOLL_SUSPENSE_NO_PROVIDER_CHARGE, "acme", 0, 0, true),
    CALL(ACME, US, E164, 0, TOLL_EVENT | TOLL_KIND_PROVIDER_CHARGE, 1, 100000000, 0, 0, 0, TOLL_RATED, "acme",
         1, 111000000, true),
    CALL(ACME, "55555", SHORT, 0, TOLL_SMS, 3, 0, 0, 0, 0, TOLL_RATED, "acme", 3, 2250000, true),
    CALL(ACME, US, E164, 0, TOLL_SMS | TOLL_KIND_CREDIT, 2, 0, 0, 0, 0, TOLL_RATED, "acme", 2, -1500000,
         true),
    CALL(ACME, US, E164, 0, TOLL_SMS, INT64_C(1) << 31, 0, 0, 0, 0, TOLL_SUSPENSE_OVERFLOW, "acme", 0, 0,
         true),
    /* gamma, of a site in New Jersey, calls from New York. */
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "12125550501",
     .duration_ms = 5000,
     .account = "gamma",
     .billed = 5,
     .charge = 50000000}, /* both ends are gamma's */
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "14155550111",
     .duration_ms = 3600000,
     .account = "gamma",
     .billed = 3600,
     .charge = 650000000}, /* 0.4 + 0.2 + 59 x 0.1 */
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "19165550111",
     .duration_ms = 60000,
     .account = "gamma",
     .billed = 60,
     .charge = 20000000},
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "19165550111",
     .duration_ms = 60001,
     .account = "gamma",
     .status = TOLL_SUSPENSE_BLOCKED},
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "15125550111",
     .duration_ms = 43200000,
     .account = "gamma",
     .billed = 43200,
     .charge = INT64_C(39600000000)}, /* ten hours until eight in the evening, two after */
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "16175550111",
     .duration_ms = 60000,
     .account = "gamma",
     .billed = 60,
     .charge = 2000000},
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "16175550111",
     .duration_ms = 60000,
     .account = "gamma",
     .billed = 60,
     .charge = 3000000,
     .lrn_callee = "17165550000"}, /* another state of New York's */
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "12015560111",
     .duration_ms = 120000,
     .account = "gamma",
     .billed = 120,
     .charge = 14000000}, /* from the site intrastate: 0.04, then 0.1, the row's own */
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "17185560111",
     .duration_ms = 60000,
     .account = "gamma",
     .billed = 60,
     .charge = 5000000},
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "17185560111",
     .duration_ms = 60000,
     .account = "gamma",
     .billed = 60,
     .charge = 6000000,
     .lrn_callee = "13105550000"},
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "13035550111",
     .duration_ms = 60000,
     .account = "gamma",
     .billed = 60,
     .charge = 7000000},
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "14045550111",
     .duration_ms = 60000,
     .account = "gamma",
     .billed = 60,
     .charge = 9000000},
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "15055550111",
     .duration_ms = 60000,
     .account = "gamma",
     .billed = 60,
     .charge = 75000000},
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "15055550111",
     .duration_ms = 60000,
     .account = "gamma",
     .billed = 60,
     .charge = 25000000,
     .calltype = 2}, /* the carrier's word */
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "18005550199",
     .duration_ms = 60000,
     .account = "gamma",
     .billed = 60,
     .charge = 15000000,
     .ring_to = "17185550111"},
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "18005550199",
     .duration_ms = 60000,
     .account = "gamma",
     .status = TOLL_SUSPENSE_NO_RULE},
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "13035550111",
     .duration_ms = 60000,
     .kind = TOLL_KIND_LEG,
     .account = "gamma",
     .billed = 60,
     .charge = 7000000},
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "13035550111",
     .duration_ms = 60000,
     .kind = TOLL_KIND_LEG | TOLL_KIND_IN,
     .account = "",
     .status = TOLL_ZERO_OTHER_PARTY},
    {.callee_type = E164,
     .only_first_day = true,
     .caller = GAMMA,
     .callee = "13035550111",
     .kind = TOLL_KIND_LEG | TOLL_KIND_IN | UNANSWERED,
     .account = "",
     .status = TOLL_ZERO_UNANSWERED},
    {.callee_type = E164,
     .only_first_day = true,
     .caller = "19995550000",
     .callee = US,
     .duration_ms = 60000,
     .kind = TOLL_KIND_LEG,
     .account = "",
     .status = TOLL_SUSPENSE_NO_ACCOUNT},
};

/* Which call a row of a day is: on the second day only those that need no optional column. */
static const struct call *call_of(int day, int64_t row)
{
    size_t first_day_only = 0;
    for (size_t i = 0; i < COUNT(calls); i++)
        first_day_only += calls[i].only_first_day;
    return &calls[(size_t)row % (COUNT(calls) - (day == 0 ? 0 : first_day_only))];
}

/* The number 12125550300 is acme's until the second day begins. */
static inline struct call expected(int day, int64_t row)
{
    struct call call = *call_of(day, row);
    if (day == 1 && strcmp(call.caller, "12125550300") == 0) {
        call.status = TOLL_SUSPENSE_NO_ACCOUNT;
        call.account = "";
        call.billed = 0;
        call.charge = 0;
    }
    return call;
}

/* ---- the world on disk ---- */

struct folder {
    char path[64];
};

static void put_file(const struct folder *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/book/%s", folder->path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void write_book(const struct folder *folder)
{
    char path[256];
    snprintf(path, sizeof path, "%s/book", folder->path);
    assert_int_equal(mkdir(path, 0750), 0);
    snprintf(path, sizeof path, "%s/book/decks", folder->path);
    assert_int_equal(mkdir(path, 0750), 0);
    for (size_t i = 0; i < COUNT(book_files); i++)
        put_file(folder, book_files[i][0], book_files[i][1]);
}

static uint64_t packed(const char *number)
{
    uint64_t digits = 0;
    if (number != NULL)
        assert_true(toll_digits_pack(number, strlen(number), &digits));
    return digits;
}

#define COLUMN(name, type) type *name = calloc(ROWS, sizeof(type))

static void write_day(struct toll_dataset *dataset, int day, struct toll_dataset_part *part)
{
    static const char *const carriers[] = {"", "level3"}, *const sources[] = {"", SHA};
    static const char *const trunks[] = {"", "T1"}, *const hints[] = {"", "B"},
                             *const types[] = {"", "@ZZ", "LD"};
    COLUMN(start, int64_t);
    COLUMN(duration_ms, int32_t);
    COLUMN(caller, uint64_t);
    COLUMN(callee, uint64_t);
    COLUMN(kind, uint16_t);
    COLUMN(carrier, uint16_t);
    COLUMN(key_high, uint64_t);
    COLUMN(key_low, uint64_t);
    COLUMN(source_file, int32_t);
    COLUMN(source_row, int32_t);
    COLUMN(trunk, int32_t);
    COLUMN(hint, int32_t);
    COLUMN(calltype, int32_t);
    COLUMN(quantity, int64_t);
    COLUMN(provider_charge, int64_t);
    COLUMN(lrn_callee, uint64_t);
    COLUMN(ring_to, uint64_t);
    int64_t *no_text = calloc(ROWS + 1, sizeof *no_text);
    for (int64_t i = 0; i < ROWS; i++) {
        const struct call *call = call_of(day, i);
        start[i] = (DAY + day) * TOLL_DAY_MS + NOON + i;
        duration_ms[i] = call->duration_ms;
        caller[i] = packed(call->caller);
        callee[i] = packed(call->callee);
        kind[i] =
            (uint16_t)((call->kind & 0xffff) | ((call->kind & UNANSWERED) != 0 ? 0 : TOLL_KIND_ANSWERED) |
                       E164 << TOLL_KIND_CALLER_TYPE_SHIFT |
                       call->callee_type << TOLL_KIND_CALLEE_TYPE_SHIFT);
        carrier[i] = 1;
        key_low[i] = (uint64_t)i;
        source_file[i] = 1;
        source_row[i] = (int32_t)i + 1;
        trunk[i] = call->trunk;
        hint[i] = call->hint;
        calltype[i] = call->calltype;
        quantity[i] = call->quantity;
        provider_charge[i] = call->provider_charge;
        lrn_callee[i] = packed(call->lrn_callee);
        ring_to[i] = packed(call->ring_to);
    }
    const bool all = day == 0;
    struct toll_cdr_part_data data = {
        .columns = {.rows = ROWS,
                    .start = start,
                    .duration_ms = duration_ms,
                    .caller = caller,
                    .callee = callee,
                    .kind = kind,
                    .carrier = carrier,
                    .record_key_high = key_high,
                    .record_key_low = key_low,
                    .source_file = source_file,
                    .source_row = source_row,
                    .trunk = all ? trunk : NULL,
                    .hint = all ? hint : NULL,
                    .calltype = all ? calltype : NULL,
                    .quantity = all ? quantity : NULL,
                    .lrn_callee = all ? lrn_callee : NULL,
                    .ring_to = all ? ring_to : NULL,
                    .provider_charge = all ? provider_charge : NULL},
        .carrier = {carriers, 2},
        .source_file = {sources, 2},
        .trunk = {trunks, 2},
        .hint = {hints, 2},
        .calltype = {types, 3},
        .record_id_data = "",
        .caller_text_data = "",
        .callee_text_data = "",
        .record_id_offset = no_text,
        .caller_text_offset = no_text,
        .callee_text_offset = no_text,
    };
    struct toll_error error;
    char name[TOLL_PART_NAME_BYTES], path[TOLL_PART_NAME_BYTES + 8];
    *part = (struct toll_dataset_part){.day = DAY + day,
                                       .generation = dataset->generation + 1,
                                       .rows = ROWS,
                                       .first_start = start[0],
                                       .last_start = start[ROWS - 1]};
    toll_dataset_part_name(part, name);
    snprintf(path, sizeof path, "parts/%s", name);
    for (int64_t i = 0; i < ROWS; i++)
        part->conflicts += (kind[i] & TOLL_KIND_CONFLICT) != 0;
    if (toll_cdr_part_write(dataset->io, dataset->directory, path, &data, &part->seal, &part->text_seal,
                            &error) != 0)
        fail_msg("%s", error.text);
    void *const owned[] = {start,    duration_ms, caller,          callee,      kind,       carrier,
                           key_high, key_low,     source_row,      source_file, trunk,      hint,
                           calltype, quantity,    provider_charge, no_text,     lrn_callee, ring_to};
    for (size_t i = 0; i < COUNT(owned); i++)
        free(owned[i]);
}

static void write_dataset(const struct folder *folder)
{
    struct toll_dataset dataset;
    struct toll_dataset_part parts[2];
    struct toll_error error;
    struct toll_receipt receipt = {.file = (char[]){"a.csv"},
                                   .spec = (char[]){"test"},
                                   .spec_version = (char[]){"1"},
                                   .carrier = (char[]){"level3"},
                                   .sha256 = SHA,
                                   .rows = 2 * ROWS,
                                   .accepted = 2 * ROWS};
    char path[128];
    snprintf(path, sizeof path, "%s/cdrs", folder->path);
    if (toll_dataset_open_for_import(&dataset, toll_io_system(), path, &error) != 0)
        fail_msg("%s", error.text);
    for (int day = 0; day < 2; day++)
        write_day(&dataset, day, &parts[day]);
    if (toll_dataset_publish(&dataset, parts, 2, &receipt, 1, &error) != 0)
        fail_msg("%s", error.text);
    toll_dataset_close(&dataset);
}

static void report(void *context, const struct toll_diagnostic *diagnostic)
{
    (void)context;
    if (diagnostic->severity == TOLL_ERROR)
        print_message("%s:%ld: %s\n", diagnostic->file, diagnostic->line, diagnostic->text);
}

static int try_rate_by(const struct folder *folder, const char *run, unsigned threads,
                       enum toll_io_choice how, enum toll_simd_choice simd,
                       const struct toll_rate_tuning *tuning, struct toll_rate_result *result,
                       struct toll_error *error)
{
    char book[128], cdrs[128], path[128];
    snprintf(book, sizeof book, "%s/book", folder->path);
    snprintf(cdrs, sizeof cdrs, "%s/cdrs", folder->path);
    snprintf(path, sizeof path, "%s/%s", folder->path, run);
    const struct toll_rate_options options = {
        .book_path = book,
        .dataset_path = cdrs,
        .run_path = path,
        .threads = threads,
        .io = how,
        .simd = simd,
        .reporter = {.report = report},
    };
    return toll_rate_tuned(&options, tuning, result, error);
}

static int try_rate(const struct folder *folder, const char *run, unsigned threads, enum toll_io_choice how,
                    size_t block_rows, struct toll_rate_result *result, struct toll_error *error)
{
    const struct toll_rate_tuning tuning = {
        .io = toll_io_system(), .features = toll_cpu_features(), .block_rows = block_rows};
    return try_rate_by(folder, run, threads, how, TOLL_SIMD_AUTO, &tuning, result, error);
}

static int make_world(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    struct toll_rate_result result;
    struct toll_error error;
    snprintf(folder->path, sizeof folder->path, "/tmp/toll_pipeline_XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    write_book(folder);
    write_dataset(folder);
    if (try_rate(folder, "run", 1, TOLL_IO_AUTO, 0, &result, &error) != 0)
        fail_msg("%s", error.text);
    *state = folder;
    return 0;
}

static int remove_world(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", ((struct folder *)*state)->path);
    free(*state);
    return system(command);
}

static inline void path_of(void *const *state, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", ((const struct folder *)*state)->path, name);
}

#endif
