/*
 * The synthetic world's book: valid tables by docs/RATING.md, section 2, with a bit of everything.
 *
 * Three plans (by exchange 6/6, one flat price 60/60, peak and off-peak), an A-Z deck that changes in the
 * middle of the month, ranges and single numbers, numbers that move to another account, assignments on every
 * level.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

static const char *const trades[] = {"Dental",   "Plumbing", "Logistics", "Bakery",  "Legal",   "Realty",
                                     "Robotics", "Pharmacy", "Electric",  "Roofing", "Capital", "Fitness",
                                     "Catering", "Optical",  "Insurance", "Motors"};
static const char *const places[] = {"Maple",  "Harbor", "Summit",  "Cedar",   "Prairie", "Granite",
                                     "Valley", "Beacon", "Juniper", "Canyon",  "Liberty", "Orchard",
                                     "Sierra", "Bayou",  "Pioneer", "Lakeside"};
enum { TRADES = sizeof trades / sizeof trades[0], PLACES = sizeof places / sizeof places[0] };

static uint64_t fact(const struct world *world, uint64_t what, int64_t index)
{
    return world_mix(world->seed ^ world_mix((what << 48) ^ (uint64_t)index));
}
enum fact { FACT_NAME = 1, FACT_PLAN, FACT_MOVE, FACT_RATE, FACT_SPECIAL };

/* Opens a table and writes its header. */
static int table_open(struct world_folder *folder, const char *name, const char *header,
                      struct cmd_output *out, struct toll_error *error)
{
    int code = world_file_open(folder, name, out, error);
    if (code == 0)
        cmd_put_text(out, header);
    return code;
}

static int write_text(struct world_folder *folder, const char *name, const char *text,
                      struct toll_error *error)
{
    struct cmd_output out;
    int code = table_open(folder, name, text, &out, error);
    return code < 0 ? code : world_file_close(folder, &out, error);
}

static void put_site(struct cmd_output *out, int64_t account, int site)
{
    char name[WORLD_NAME_BYTES];
    world_account_name(account, name);
    cmd_put_format(out, "%s-%d", name, site + 1);
}

static int write_accounts(const struct world *world, struct world_folder *folder, struct toll_error *error)
{
    struct cmd_output out;
    char name[WORLD_NAME_BYTES];
    int code = table_open(folder, "book/accounts.csv", "account,name,timezone\n", &out, error);
    if (code < 0)
        return code;
    for (int64_t a = 0; a < world->account_count; a++) {
        uint64_t hash = fact(world, FACT_NAME, a);
        world_account_name(a, name);
        cmd_put_format(&out, "%s,%s %s %lld,%s\n", name, places[hash % PLACES], trades[hash / 64 % TRADES],
                       (long long)(a + 1), world_zone_name(world->npas[world->accounts[a].npa].zone));
    }
    return world_file_close(folder, &out, error);
}

static int write_sites(const struct world *world, struct world_folder *folder, struct toll_error *error)
{
    struct cmd_output out;
    char name[WORLD_NAME_BYTES];
    int code = table_open(folder, "book/sites.csv", "site,account,name,state\n", &out, error);
    if (code < 0)
        return code;
    for (int64_t a = 0; a < world->account_count; a++) {
        const struct world_account *account = &world->accounts[a];
        world_account_name(a, name);
        for (int s = 0; s < account->sites; s++) {
            put_site(&out, a, s);
            cmd_put_format(&out, ",%s,%s %d,%s\n", name, s == 0 ? "Main office" : "Branch", s + 1,
                           world->npas[account->npa].state);
        }
    }
    return world_file_close(folder, &out, error);
}

/* ---- numbers ---- */

static int site_of(const struct world_account *account, int64_t place)
{
    return (int)(place * account->sites / account->count);
}

/* The account a number moves to within the month, or -1. Both keep the same local time, so that the dates
 * meet. */
static int64_t new_owner(const struct world *world, int64_t account, int64_t number)
{
    if (fact(world, FACT_MOVE, number) % 300 != 0)
        return -1;
    enum world_zone zone = world->npas[world->accounts[account].npa].zone;
    for (int64_t other = account + 1; other < world->account_count && other <= account + 60; other++)
        if (world->npas[world->accounts[other].npa].zone == zone)
            return other;
    return -1;
}

static void put_single(const struct world *world, struct cmd_output *out, int64_t a, int64_t place)
{
    const struct world_account *account = &world->accounts[a];
    int64_t index = account->first + place;
    int64_t owner = new_owner(world, a, index);
    char name[WORLD_NAME_BYTES], date[32] = "";
    if (owner >= 0)
        snprintf(date, sizeof date, "%04d-%02d-%02d", world->year, world->month,
                 2 + (int)(fact(world, FACT_MOVE, index) / 512 % 26));
    world_account_name(a, name);
    cmd_put_format(out, "1%llu,%s,", (unsigned long long)world->numbers[index], name);
    put_site(out, a, site_of(account, place));
    cmd_put_format(out, ",,%s\n", date);
    if (owner < 0)
        return;
    world_account_name(owner, name);
    cmd_put_format(out, "1%llu,%s,", (unsigned long long)world->numbers[index], name);
    put_site(out, owner, 0);
    cmd_put_format(out, ",%s,\n", date);
}

static int write_numbers(const struct world *world, struct world_folder *folder, struct toll_error *error)
{
    struct cmd_output out;
    char name[WORLD_NAME_BYTES];
    int code = table_open(folder, "book/numbers.csv", "number,account,site,from,to\n", &out, error);
    if (code < 0)
        return code;
    for (int64_t a = 0; a < world->account_count; a++) {
        const struct world_account *account = &world->accounts[a];
        const uint64_t *numbers = world->numbers + account->first;
        if (account->count < 20) {
            for (int64_t i = 0; i < account->count; i++)
                put_single(world, &out, a, i);
            continue;
        }
        world_account_name(a, name);
        int64_t begin = 0;
        for (int64_t i = 1; i <= account->count; i++) {
            if (i < account->count && numbers[i] == numbers[i - 1] + 1 &&
                site_of(account, i) == site_of(account, begin))
                continue;
            cmd_put_format(&out, "1%llu-1%llu,%s,", (unsigned long long)numbers[begin],
                           (unsigned long long)numbers[i - 1], name);
            put_site(&out, a, site_of(account, begin));
            cmd_put_text(&out, ",,\n");
            begin = i;
        }
    }
    return world_file_close(folder, &out, error);
}

/* ---- plans ---- */

static int write_assignments(const struct world *world, struct world_folder *folder, struct toll_error *error)
{
    struct cmd_output out;
    char name[WORLD_NAME_BYTES];
    int code = table_open(folder, "book/assignments.csv", "subject,plan\ndefault,standard\n", &out, error);
    if (code < 0)
        return code;
    for (int64_t a = 0; a < world->account_count; a++) {
        const struct world_account *account = &world->accounts[a];
        uint64_t hash = fact(world, FACT_PLAN, a);
        world_account_name(a, name);
        if (hash % 10 < 3)
            cmd_put_format(&out, "account:%s,%s\n", name, hash % 10 == 0 ? "peak" : "simple");
        if (account->sites > 1 && hash / 16 % 8 == 0) {
            cmd_put_text(&out, "site:");
            put_site(&out, a, 1);
            cmd_put_text(&out, ",simple\n");
        }
        if (account->count > 1 && account->count < 20 && hash / 256 % 32 == 0)
            cmd_put_format(&out, "number:1%llu,peak\n", (unsigned long long)world->numbers[account->first]);
    }
    return world_file_close(folder, &out, error);
}

static int write_plans(struct world_folder *folder, struct toll_error *error)
{
    static const char *const plans[] = {"standard", "simple", "peak"};
    struct cmd_output out;
    int code = write_text(folder, "book/plans.csv",
                          "plan,name\nstandard,By exchange 6/6\nsimple,One price by the minute\n"
                          "peak,Peak and off-peak\n",
                          error);
    if (code == 0)
        code = table_open(folder, "book/plan_rules.csv",
                          "plan,priority,action,service,direction,class,jurisdiction,deck,amount\n", &out,
                          error);
    if (code < 0)
        return code;
    for (int p = 0; p < 3; p++) {
        const char *plan = plans[p];
        cmd_put_format(&out, "%s,1,deck,sms,,,,sms,\n", plan);
        if (p == 1)
            cmd_put_format(&out, "%s,2,deck,,in,,,inbound,\n", plan);
        else
            cmd_put_format(&out, "%s,2,free,,in,,,,\n", plan);
        cmd_put_format(&out, "%s,3,free,,,toll_free,,,\n", plan);
        cmd_put_format(&out, "%s,4,flat,,,n11,,,0.75\n", plan);
        cmd_put_format(&out, "%s,5,reject,,,premium,,,\n", plan);
        cmd_put_format(&out, "%s,6,deck,,,,international,az,\n", plan);
        cmd_put_format(&out, "%s,7,deck,,,,,us_%s,\n", plan, plan);
    }
    return world_file_close(folder, &out, error);
}

/* ---- decks ---- */

static void put_rate(struct cmd_output *out, int64_t rate)
{
    cmd_put_format(out, "%lld.%04d", (long long)(rate / 10000), (int)(rate % 10000));
}

static int write_domestic(const struct world *world, struct world_folder *folder, struct toll_error *error)
{
    struct cmd_output out;
    int code = table_open(folder, "book/decks/us_standard.csv",
                          "prefix,destination,rate,initial_s,increment_s\n1,United States,0.0190,6,6\n", &out,
                          error);
    if (code < 0)
        return code;
    int64_t exchanges = world_exchange_count(world);
    for (int64_t i = 0; i + 1 < world->prefix_count; i++) {
        /* Beyond the last exchange: thousands-blocks, the tenth digit first, so that none repeats. */
        int npa;
        int64_t exchange = world_exchange(world, i % exchanges, &npa);
        cmd_put_format(&out, "1%lld", (long long)exchange);
        if (i >= exchanges)
            cmd_put_format(&out, "%lld", (long long)(i / exchanges - 1));
        cmd_put_format(&out, ",US %s,", world->npas[npa].state);
        put_rate(&out, 60 + (int64_t)world_scale(fact(world, FACT_RATE, i), 240));
        cmd_put_text(&out, ",6,6\n");
    }
    return world_file_close(folder, &out, error);
}

static void put_country(struct cmd_output *out, const struct world_country *country, int more)
{
    cmd_put_format(out, "%s,%s,", country->prefix, country->name);
    put_rate(out, country->fixed_rate + more);
    cmd_put_format(out, ",%d,%d,\n", country->increment_s == 60 ? 60 : 30, country->increment_s);
    for (const char *at = country->mobile; *at;) {
        size_t length = strcspn(at, " ");
        cmd_put_format(out, "%s%.*s,%s mobile,", country->prefix, (int)length, at, country->name);
        put_rate(out, country->mobile_rate + more);
        cmd_put_format(out, ",%d,%d,\n", country->increment_s == 60 ? 60 : 30, country->increment_s);
        at += length + (at[length] == ' ');
    }
}

static int write_abroad(const struct world *world, struct world_folder *folder, struct toll_error *error)
{
    static const char header[] = "prefix,destination,rate,initial_s,increment_s,status\n";
    struct cmd_output out;
    int code = table_open(folder, "book/decks/az.csv", header, &out, error);
    if (code < 0)
        return code;
    for (int i = 0; i < world_country_count; i++)
        put_country(&out, &world_countries[i], (int)(fact(world, FACT_SPECIAL, i) % 50));
    for (int i = 0; i < world_island_count; i++)
        put_country(&out, &world_islands[i], 0);
    cmd_put_text(&out, "881,Satellite,4.9500,60,60,blocked\n");
    code = world_file_close(folder, &out, error);
    if (code == 0)
        code = table_open(folder, "book/decks/az_change.csv", header, &out, error);
    if (code < 0)
        return code;
    for (int i = 0; i < world_country_count; i++)
        if (fact(world, FACT_SPECIAL, i) / 64 % 6 == 0)
            put_country(&out, &world_countries[i], (int)(fact(world, FACT_SPECIAL, i) % 50) + 25);
    put_country(&out, &world_islands[0], 100); /* never an empty file */
    return world_file_close(folder, &out, error);
}

static int write_decks(const struct world *world, struct world_folder *folder, struct toll_error *error)
{
    char text[512];
    int code = write_text(folder, "book/decks.csv",
                          "deck,currency,key,decimals,duration_rounding,zero_s,calendar\n"
                          "us_standard,USD,callee,6,up,free,\n"
                          "us_simple,USD,callee,4,up,free,\n"
                          "us_peak,USD,callee,6,half_up,free,us\n"
                          "az,USD,callee,6,up,free,\n"
                          "inbound,USD,callee,6,up,free,\n"
                          "sms,USD,callee,6,up,free,\n",
                          error);
    if (code < 0)
        return code;
    snprintf(text, sizeof text,
             "deck,file,effective,mode\naz,az,%04d-01-01,full\naz,az_change,%04d-%02d-16,amend\n",
             world->year - 1, world->year, world->month);
    code = write_text(folder, "book/deck_versions.csv", text, error);
    if (code == 0)
        code = write_text(folder, "book/decks/us_simple.csv",
                          "prefix,destination,rate,initial_s,increment_s\n1,United States,0.0210,60,60\n",
                          error);
    if (code == 0)
        code = write_text(folder, "book/decks/us_peak.csv",
                          "prefix,destination,rate,initial_s,increment_s,band\n1,United States,0.0280,30,6,\n"
                          "1,United States,0.0115,30,6,offpeak\n",
                          error);
    if (code == 0)
        code = write_text(folder, "book/decks/inbound.csv",
                          "prefix,destination,rate,increment_s\n,Inbound,0.0050,6\n", error);
    if (code == 0)
        code = write_text(folder, "book/decks/sms.csv",
                          "prefix,destination,rate,per_s\n,Messages abroad,0.0450,1\n1,Messages,0.0075,1\n",
                          error);
    if (code == 0)
        code = write_text(folder, "book/calendars.csv",
                          "calendar,band,days,from,to,priority\nus,offpeak,,19:00,07:00,1\n"
                          "us,offpeak,6;7,,,2\n",
                          error);
    if (code < 0)
        return code;
    snprintf(text, sizeof text,
             "calendar,date,band\nus,%04d-01-01,offpeak\nus,%04d-07-04,offpeak\nus,%04d-12-25,offpeak\n",
             world->year, world->year, world->year);
    return write_text(folder, "book/holidays.csv", text, error);
}

int world_write_book(const struct world *world, struct world_folder *folder, struct toll_error *error)
{
    char text[256];
    snprintf(text, sizeof text,
             "book: synthetic-%llu\ncurrency: USD\ntimezone: America/New_York\nnumber_plan: nanp\n"
             "decimals: 6\nrounding: half_up\n",
             (unsigned long long)world->seed);
    int code = write_text(folder, "book/book.yaml", text, error);
    if (code == 0)
        code = write_accounts(world, folder, error);
    if (code == 0)
        code = write_sites(world, folder, error);
    if (code == 0)
        code = write_numbers(world, folder, error);
    if (code == 0)
        code = write_assignments(world, folder, error);
    if (code == 0)
        code = write_plans(folder, error);
    if (code == 0)
        code = write_decks(world, folder, error);
    if (code == 0)
        code = write_domestic(world, folder, error);
    if (code == 0)
        code = write_abroad(world, folder, error);
    return code;
}
