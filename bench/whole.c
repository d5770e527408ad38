/* The tables of the whole-feature world. */
#include "whole.h"

#include "make.h"
#include "ratetable/nanp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CLASSES 512 /* of rates */

/* ---- places and numbers ---- */

static bool is_state(const struct toll_nanp_area *area)
{
    static const char *const territories[] = {"PR", "VI", "GU", "AS", "MP", ""};
    for (size_t i = 0; i < sizeof territories / sizeof *territories; i++)
        if (strcmp(area->state, territories[i]) == 0)
            return false;
    return strcmp(area->country, "US") == 0;
}

static void make_areas(struct whole *world)
{
    const uint32_t most = world->size->areas * 372 / 400;
    for (size_t i = 0; i < toll_nanp_area_count && world->area_count < most; i++) {
        const struct toll_nanp_area *area = &toll_nanp_areas[i];
        uint32_t before = 0;
        if (!is_state(area))
            continue;
        for (uint32_t k = 0; k < world->area_count; k++)
            before += strcmp(world->areas[k].state, area->state) == 0;
        world->areas[world->area_count++] =
            (struct whole_area){(uint32_t)atoi(area->npa), area->state, before / 2};
    }
    world->exchange_count = world->area_count * WHOLE_EXCHANGES;
}

uint32_t whole_plan_of(uint32_t account)
{
    return (uint32_t)pick(104, account, WHOLE_PLANS);
}

uint64_t whole_exchange(const struct whole *world, uint32_t index)
{
    const uint32_t k = index % WHOLE_EXCHANGES;
    return 1000000 + world->areas[index / WHOLE_EXCHANGES].npa * UINT64_C(1000) + 200 +
           k * 792 / WHOLE_EXCHANGES;
}

uint64_t whole_number(const struct whole *world, uint32_t account, uint32_t which)
{
    const uint32_t exchange =
        (uint32_t)(((uint64_t)account * 104729 + 12345) % world->exchange_count); /* prime: each once */
    return whole_exchange(world, exchange) * 10000 + account * UINT64_C(7919) % 1000 * 10 + which;
}

uint64_t whole_toll_free(uint32_t account)
{
    return UINT64_C(18882000000) + account;
}

uint64_t whole_foreign(uint32_t index)
{
    const uint64_t country =
        index % 200 < 40 ? 20 + index % 200 * 79 / 40 : 200 + (uint64_t)(index % 200 - 40) * 5;
    const uint32_t j = index / 200; /* 0: the country itself, then 64 different prefixes of two digits */
    return j == 0 ? country : country * 100 + 10 + j + pick(117, index % 200, 20);
}

/* ---- files ---- */

static FILE *create(const struct whole *world, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/book/%s", world->folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        perror(path);
    return file;
}

static bool write_file(const struct whole *world, const char *name, const char *text)
{
    FILE *file = create(world, name);
    if (file == NULL)
        return false;
    const bool written = fputs(text, file) >= 0;
    return fclose(file) == 0 && written;
}

static const char *const fixed_files[][2] = {
    {"book.yaml", "book: whole\ncurrency: USD\ntimezone: America/New_York\njurisdiction_basis: ani_lrn\n"
                  "on_net: account\n"},
    {"decks.csv", "deck,key,number_basis,calendar,boundary\n"
                  "lrn,,lrn,,\nintl,,,,\ntf,caller,,,\ndid,,,,\nsms,,,,\ndata,,,,\npairs,npanxx_pair,lrn,,\n"
                  "coded,calltype,,,\npeak,,,hours,split\npromo,,,,\nmexico,,,,\nhawaii,,,,\nretail,,,,\n"},
    {"deck_versions.csv", "deck,file,effective,mode\n"
                          "lrn,lrn,,full\nlrn,lrn_amended,2025-10-15,amend\nintl,intl,,\ntf,tf,,\ndid,did,,\n"
                          "sms,sms,,\ndata,data,,\npairs,pairs,,\ncoded,coded,,\npeak,peak,,\npromo,promo,,\n"
                          "mexico,mexico,,\nhawaii,hawaii,,\nretail,retail,,\n"},
    {"calendars.csv", "calendar,band,days,from,to,priority\n"
                      "hours,night,,20:00,06:00,1\nhours,weekend,6;7,,,2\n"},
    {"holidays.csv", "calendar,date,band\nhours,2025-10-13,weekend\n"},
    {"destinations.csv",
     "prefix,destination\n52,MEXICO\n5255,MEXICO CITY\n1808,HAWAII\n44,UK\n447,UK MOBILE\n"
     "33,FRANCE\n49,GERMANY\n1907,ALASKA\n"},
    {"surcharges.csv", "subject,measure,amount,short_s,threshold_percent,apply\n"
                       "default,short_calls,0.01,6,10,excess\ndefault,attempts,0.005,,25,excess\n"},
    {"decks/did.csv", "prefix,rate,increment_s\n,0.0030,6\n"},
    {"decks/sms.csv", "prefix,rate,per_s\n,0.0075,1\n"},
    {"decks/data.csv", "prefix,rate,per_s,increment_s\n,0.01,1048576,1024\n"},
    {"decks/coded.csv", "key,rate,increment_s\nLD;LD2,0.021,6\nLOC,0.004,60\nINTRA,0.018,6\nINTER,0.012,6\n"
                        "CAN,0.03,6\nMEX,0.09,60\nDA,0.75,60\n"},
    {"decks/mexico.csv", "prefix,rate,increment_s\n52,0.02,60\n5255,0.018,60\n521,0.045,60\n"},
    {"decks/hawaii.csv", "prefix,rate,increment_s\n1808,0.031,6\n"},
};

static bool write_places(const struct whole *world)
{
    FILE *places = create(world, "npanxx.csv"), *pairs = create(world, "local_areas.csv");
    if (places == NULL || pairs == NULL)
        return false;
    fputs("prefix,state,ratecenter\n", places);
    fputs("from_ratecenter,to_ratecenter\n", pairs);
    for (uint32_t i = 0; i < world->exchange_count; i++) {
        const struct whole_area *area = &world->areas[i / WHOLE_EXCHANGES];
        const unsigned long long exchange = whole_exchange(world, i);
        fprintf(places, "%llu,%s,%s %u-%u\n", exchange, area->state, area->state, area->group,
                (unsigned)pick(120, i, WHOLE_CENTERS));
        if (pick(121, i, 100) < 3) /* a thousands block went elsewhere */
            fprintf(places, "%llu%u,%s,%s %u-%u\n", exchange, (unsigned)pick(122, i, 10), area->state,
                    area->state, area->group, (unsigned)pick(123, i, WHOLE_CENTERS));
    }
    for (uint32_t a = 0; a < world->area_count; a++) {
        const struct whole_area *area = &world->areas[a], *next = &world->areas[(a + 1) % world->area_count];
        bool seen = false;
        for (uint32_t k = 0; k < a; k++)
            seen = seen || (world->areas[k].state == area->state && world->areas[k].group == area->group);
        for (uint32_t r = 0; r < WHOLE_CENTERS && !seen; r++) {
            for (uint32_t k = 1; k <= 8; k++)
                fprintf(pairs, "%s %u-%u,%s %u-%u\n", area->state, area->group, r, area->state, area->group,
                        (r + k * 3) % WHOLE_CENTERS);
            if (r < 5 && strcmp(area->state, next->state) != 0) /* over the state line */
                fprintf(pairs, "%s %u-%u,%s %u-%u\n", area->state, area->group, r, next->state, next->group,
                        r);
        }
    }
    return (fclose(places) != 0) + (fclose(pairs) != 0) == 0;
}

static bool write_accounts(const struct whole *world)
{
    FILE *accounts = create(world, "accounts.csv"), *numbers = create(world, "numbers.csv");
    FILE *sites = create(world, "sites.csv"), *assignments = create(world, "assignments.csv");
    if (accounts == NULL || numbers == NULL || sites == NULL || assignments == NULL)
        return false;
    fputs("account,name\n", accounts);
    fputs("number,account,site\n", numbers);
    fputs("site,account,state\n", sites);
    fputs("subject,plan\n", assignments);
    for (uint32_t i = 0; i < world->accounts; i++) {
        const unsigned long long number = whole_number(world, i, 0);
        char site[32] = "";
        fprintf(accounts, "A%06u,Account %u\n", i, i);
        fprintf(assignments, "account:A%06u,p%u\n", i, whole_plan_of(i));
        if (i % 3 == 0) {
            snprintf(site, sizeof site, "S%06u", i);
            fprintf(sites, "%s,A%06u,%s\n", site, i, world->areas[i % world->area_count].state);
        }
        if (whole_payer_of(i) == WHOLE_BY_NUMBER)
            fprintf(numbers, "%llu-%llu,A%06u,%s\n", number, number + 9, i, site);
        else if (whole_payer_of(i) == WHOLE_BY_CHARGED)
            fprintf(numbers, "%llu,A%06u,%s\n", number, i, site);
        else
            fprintf(numbers, "trunk:T%06u,A%06u,%s\n", i, i, site);
        if (i % 4 == 0)
            fprintf(numbers, "%llu,A%06u,%s\n", (unsigned long long)whole_toll_free(i), i, site);
    }
    return (fclose(accounts) != 0) + (fclose(numbers) != 0) + (fclose(sites) != 0) +
               (fclose(assignments) != 0) ==
           0;
}

/* What all plans have, then what one or some have. */
static bool write_plans(const struct whole *world)
{
    static const char *const common =
        "p%u,free,,out,toll_free,,,,,,,1,,\np%u,flat,voice,,n11,,,,0.75,,,1,,\np%u,free,voice,,on_net,,,,,,,"
        "2,,\n"
        "p%u,deck,sms,,,,,sms,,,,1,,\np%u,deck,data,,,,,data,,,,1,,\np%u,markup,event,,,,,,0,10,,1,,\n"
        "p%u,deck,voice,in,toll_free,,,tf,,,,1,,\np%u,deck,voice,in,,,,did,,,,3,,\n"
        "p%u,deck,voice,out,,international,,intl,,,,5,,\np%u,deck,voice,out,,,,%s,,,,6,,\n";
    FILE *plans = create(world, "plans.csv"), *rules = create(world, "plan_rules.csv");
    if (plans == NULL || rules == NULL)
        return false;
    fputs("plan,name\n", plans);
    fputs("plan,action,service,direction,class,jurisdiction,destination,deck,amount,percent,on_miss,priority,"
          "from,"
          "to\n",
          rules);
    for (unsigned i = 0; i < WHOLE_PLANS; i++) {
        fprintf(plans, "p%u,Plan %u\n", i, i);
        fprintf(rules, common, i, i, i, i, i, i, i, i, i, i, i == 15 ? "retail" : "lrn");
        if (i >= 6 && i < 10)
            fprintf(rules,
                    "p%u,deck,voice,out,,,MEXICO,mexico,,,,4,,\np%u,deck,voice,out,,,HAWAII,hawaii,,,,4,,\n",
                    i, i);
    }
    fputs("p10,deck,voice,out,,,,promo,,,next,4,2025-10-10,2025-10-20\n"
          "p11,deck,voice,out,,,,pairs,,,next,4,,\np12,deck,voice,out,,,,coded,,,next,4,,\n"
          "p13,deck,voice,out,,,,peak,,,next,4,,\np14,free,voice,out,,local,,,,,,4,,\n",
          rules);
    return (fclose(plans) != 0) + (fclose(rules) != 0) == 0;
}

static void write_rates(FILE *file, uint64_t class_)
{
    static const char *const increments[] = {"6,6", "6,6", "60,60", "30,6"};
    const unsigned rate = 2000 + (unsigned)pick(119, class_, 12000);
    fprintf(file, ",0.%06u,0.%06u,0.%06u,%s\n", rate, rate + (unsigned)pick(118, class_, 9000), rate + 1500,
            increments[pick(116, class_, 4)]);
}

static bool write_domestic(const struct whole *world)
{
    FILE *lrn = create(world, "decks/lrn.csv"), *amended = create(world, "decks/lrn_amended.csv"),
         *retail = create(world, "decks/retail.csv"), *promo = create(world, "decks/promo.csv"),
         *tf = create(world, "decks/tf.csv"), *peak = create(world, "decks/peak.csv");
    if (lrn == NULL || amended == NULL || retail == NULL || promo == NULL || tf == NULL || peak == NULL)
        return false;
    fputs("prefix,rate,rate_inter,rate_intra,rate_indeterminate,initial_s,increment_s\n", lrn);
    fputs("prefix,rate,rate_inter,rate_intra,rate_indeterminate,initial_s,increment_s\n", amended);
    fputs("prefix,rate,increment_s\n", retail);
    fputs("prefix,rate,increment_s\n", promo);
    fputs("prefix,rate,increment_s\n", tf);
    fputs("prefix,rate,band,step_from_s,increment_s\n", peak);
    for (uint32_t a = 0; a < world->area_count; a++) {
        const unsigned npa = 1000 + world->areas[a].npa, rate = 60 + (unsigned)pick(115, a, 90);
        fprintf(lrn, "%u,0.0%03u", npa, rate);
        write_rates(lrn, pick(114, a, CLASSES));
        fprintf(tf, "%u,0.0%03u,6\n", npa, rate);
        for (unsigned step = 0; step < 2; step++)
            fprintf(peak, "%u,0.0%03u,,%u,%s\n%u,0.0%03u,night,%u,%s\n%u,0.0%03u,weekend,%u,%s\n", npa,
                    rate * 2 - 20 * step, step * 300, step == 0 ? "60" : "6", npa, rate, step * 300,
                    step == 0 ? "6" : "1", npa, rate - 20, step * 300, step == 0 ? "6" : "1");
    }
    fputs("1,0.0210,6\n", retail);
    for (uint32_t i = 0; i < world->exchange_count; i++) {
        const unsigned long long exchange = whole_exchange(world, i);
        const uint64_t class_ = pick(113, i, CLASSES);
        if (pick(112, i, 100) < 68) {
            fprintf(lrn, "%llu,0.%06u", exchange, 9000 + (unsigned)pick(111, class_, 9000));
            write_rates(lrn, class_);
        }
        if (pick(110, i, 100) < 2) {
            fprintf(amended, "%llu,0.%06u", exchange, 9000 + (unsigned)pick(109, class_, 9000));
            write_rates(amended, class_ + 1);
        }
        if (pick(108, i, 100) < 30)
            fprintf(retail, "%llu,0.%06u,6\n", exchange, 9000 + (unsigned)class_ * 20);
        if (pick(107, i, 100) < 10)
            fprintf(promo, "%llu,0.005,6\n", exchange);
        if (pick(106, i, 100) < 11)
            fprintf(tf, "%llu,0.%06u,6\n", exchange, 11000 + (unsigned)class_ * 10);
    }
    FILE *const all[] = {lrn, amended, retail, promo, tf, peak};
    int failed = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        failed += fclose(all[i]) != 0;
    return failed == 0;
}

static bool write_others(const struct whole *world)
{
    FILE *intl = create(world, "decks/intl.csv"), *pairs = create(world, "decks/pairs.csv");
    if (intl == NULL || pairs == NULL)
        return false;
    fputs("prefix,destination,rate,connect_fee,increment_s\n", intl);
    for (uint32_t i = 0; i < WHOLE_FOREIGN; i++)
        fprintf(intl, "%llu,D%u,0.%06u,%s,%u\n", (unsigned long long)whole_foreign(i), i % 200,
                10000 + (unsigned)pick(105, i, 900000), i % 8 == 0 ? "0.05" : "", i % 3 == 0 ? 60u : 6u);
    for (size_t i = 0; i < toll_nanp_area_count; i++)
        if (strcmp(toll_nanp_areas[i].country, "US") != 0)
            fprintf(intl, "1%s,%s,0.0%u,,6\n", toll_nanp_areas[i].npa, toll_nanp_areas[i].country,
                    30 + (unsigned)pick(103, i, 60));
    fputs("prefix,caller_prefix,rate,increment_s\n", pairs);
    const uint32_t callers = world->area_count < 200 ? world->area_count : 200;
    for (uint32_t i = 0; i < WHOLE_POPULAR; i++)
        for (uint32_t k = 0; k < callers; k++)
            fprintf(pairs, "%llu,1%u,0.0%03u,6\n",
                    (unsigned long long)whole_exchange(world, i * (world->exchange_count / WHOLE_POPULAR)),
                    world->areas[k].npa, 40 + (unsigned)pick(102, i * 1000 + k, 200));
    return (fclose(intl) != 0) + (fclose(pairs) != 0) == 0;
}

static bool write_book(const struct whole *world)
{
    static const char *const folders[] = {"book", "book/decks"};
    char path[4096];
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", world->folder, folders[i]);
        if (mkdir(path, 0750) != 0)
            return false;
    }
    for (size_t i = 0; i < sizeof fixed_files / sizeof *fixed_files; i++)
        if (!write_file(world, fixed_files[i][0], fixed_files[i][1]))
            return false;
    return write_places(world) && write_accounts(world) && write_plans(world) && write_domestic(world) &&
           write_others(world);
}

int toll_whole_write(const char *folder, const struct toll_world_size *size)
{
    struct whole world = {.size = size, .folder = folder, .accounts = size->numbers / 10};
    make_areas(&world);
    if (write_book(&world) && whole_write_calls(&world) == 0)
        return 0;
    fprintf(stderr, "the whole bench world cannot be written in %s\n", folder);
    return -1;
}
