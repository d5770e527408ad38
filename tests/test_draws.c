/*
 * Lines that draw on bundles or are priced by tiers, rated by workers in blocks, against the same calls one
 * after the other, each by toll_row_rate and toll_row_draw: random books and calls over three months, every
 * instruction set, one to three threads, several block sizes and ways of reading. Lines, balances, counts and
 * sums must be the same.
 */
#include "base/cpu.h"
#include "pipeline/draws.h"
#include "pipeline/workers.h"
#include "random.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define BOOKS 14
#define PARTS 11
#define ROWS_MOST 700                /* of a part */
#define FIRST INT64_C(1771632000000) /* 2026-02-21 00:00 UTC */
#define DAYS 80

static uint64_t random_state, book_number;

static uint32_t pick(uint32_t below)
{
    return (uint32_t)(random_next(&random_state) % below);
}
static bool chance(uint32_t percent)
{
    return pick(100) < percent;
}
#define ANY(array) (array)[pick(COUNT(array))]

/* Files that nobody needs after the test need not reach a disk. */
static int no_sync(void *context, int fd)
{
    (void)context;
    (void)fd;
    return 0;
}
static struct toll_io quick;
static const struct toll_io *quick_io(void)
{
    quick = *toll_io_system();
    quick.fsync = no_sync;
    return &quick;
}

/* ---- a random book ---- */

static const char *const numbers[] = {
    "12125550100", "12125550101", "12125560100", "16465550100", "12015550100",  "12015551234",
    "13105550100", "14165550100", "12645550100", "13405550100", "442079460000", "523312345678",
};
static const char *const trunks[] = {"", "T0", "T1"};
static const char *const hints[] = {"", "H0"};
#define ACCOUNTS 4

struct text {
    char folder[64];
    FILE *file;
};

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    assert_true(vfprintf(text->file, format, arguments) >= 0);
    va_end(arguments);
}
static void begin(struct text *text, const char *name, const char *header)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", text->folder, name);
    text->file = fopen(path, "w");
    assert_non_null(text->file);
    put(text, "%s\n", header);
}
static void end(struct text *text)
{
    assert_int_equal(fclose(text->file), 0);
}

static void write_parties(struct text *text, bool buys)
{
    static const char *const zones[] = {"", "America/Los_Angeles", "Asia/Kathmandu"};
    const char *zone = ANY(zones); /* of all, for they may share pools */
    begin(text, "accounts.csv", "account,timezone");
    for (unsigned i = 0; i < ACCOUNTS; i++)
        put(text, "a%u,%s\n", i, zone);
    end(text);
    begin(text, "sites.csv", "site,account,state");
    for (unsigned i = 0; i < ACCOUNTS; i++)
        put(text, "s%u,a%u,NY\n", i, i);
    end(text);
    begin(text, "numbers.csv", "number,account,site,from,to");
    for (size_t i = 0; i < COUNT(numbers); i++) {
        const unsigned account = pick(ACCOUNTS);
        if (chance(20))
            put(text, "%s,a%u,,,2026-03-15\n%s,a%u,,2026-03-15,\n", numbers[i], account, numbers[i],
                pick(ACCOUNTS));
        else if (chance(50))
            put(text, "%s,a%u,s%u,,\n", numbers[i], account, account);
        else
            put(text, "%s,a%u,,,\n", numbers[i], account);
    }
    put(text, "trunk:T0,a%u,,,\nhint:H0,a%u,,,\n", pick(ACCOUNTS), pick(ACCOUNTS));
    end(text);
    begin(text, "trunks.csv", "trunk,carrier");
    put(text, "T1,%s\n", chance(50) ? "c1" : "");
    end(text);
    begin(text, "carriers.csv", "carrier");
    put(text, "c1\n");
    end(text);
    begin(text, "assignments.csv", "subject,plan,from,side");
    put(text, "default,p%u,,\n", pick(2));
    if (chance(50))
        put(text, "account:a1,p%u,2026-03-10,\n", pick(2));
    if (chance(30))
        put(text, "trunk:T1,p%u,,\n", pick(2));
    if (buys)
        put(text, "default,buy,%s,buy\n", chance(20) ? "2026-02-25" : "");
    end(text);
    begin(text, "destinations.csv", "prefix,destination");
    put(text, "44,UK\n52,MEXICO\n1212,NEW YORK\n");
    end(text);
}

#define SELL_DECKS 3
#define DECKS 4 /* the last one only buys */
static void write_decks(struct text *text)
{
    static const char *const prefixes[] = {"", "1", "1212", "1201", "44", "52", "1310"};
    static const char *const zeros[] = {"", "free", "connect", "minimum"};
    static const char *const roundings[] = {"", "half_up", "half_even", "up", "down"};
    static const char *const durations[] = {"", "up", "down", "half_up", "ms"};
    begin(text, "decks.csv", "deck,zero_s,rounding,duration_rounding,calendar,boundary,init_mode,currency");
    for (unsigned i = 0; i < DECKS; i++)
        put(text, "d%u,%s,%s,%s,%s,%s,%s,%s\n", i, ANY(zeros), ANY(roundings), ANY(durations),
            i == 1 ? "c" : "", i == 1 ? "split" : "", chance(20) ? "round_total" : "",
            i >= SELL_DECKS ? "EUR" : "");
    end(text);
    begin(text, "calendars.csv", "calendar,band,days,from,to");
    put(text, "c,night,,20:00,06:00\n");
    end(text);
    for (unsigned i = 0; i < DECKS; i++) {
        char name[32];
        snprintf(name, sizeof name, "decks/d%u.csv", i);
        begin(text, name,
              "prefix,rate,connect_fee,initial_s,increment_s,minimum_s,free_s,minimum_charge,maximum_charge,"
              "band,step_from_s");
        for (size_t k = 0; k < COUNT(prefixes); k++) {
            put(text, "%s,%s,%s,%s,%s,%s,%s,%s,%s,,\n", prefixes[k], chance(50) ? "0.06" : "0.0123",
                chance(30) ? "0.05" : "", chance(50) ? "30" : "", chance(50) ? "6" : "60",
                chance(15) ? "20" : "", chance(15) ? "15" : "", chance(15) ? "0.10" : "",
                chance(15) ? "0.40" : "");
            if (i == 1 && chance(70))
                put(text, "%s,0.02,,,%s,,,,,night,\n", prefixes[k], chance(50) ? "6" : "60");
            if (i == 1 && chance(40))
                put(text, "%s,0.01,,,1,,,,,,120\n", prefixes[k]);
        }
        end(text);
    }
}

#define TIERS 4
static const char *const tier_units[TIERS] = {"s", "s", "message", "s"};

static void write_rules(struct text *text, bool may_tiers)
{
    static const char *const classes[] = {"", "", "", "ordinary", "toll_free"};
    static const char *const jurisdictions[] = {"", "", "", "intrastate", "interstate", "international"};
    static const char *const destinations[] = {"", "", "", "UK", "MEXICO", "NEW YORK"};
    begin(text, "plans.csv", "plan");
    put(text, "p0\np1\nbuy\n");
    end(text);
    begin(text, "plan_rules.csv",
          "plan,action,service,direction,class,jurisdiction,destination,deck,tiers,amount,percent,priority");
    for (unsigned i = 0; i < 22; i++) {
        static const char *const actions[] = {"deck",   "deck", "deck",  "deck", "flat",
                                              "markup", "free", "tiers", "tiers"};
        const bool last = i >= 20;
        const char *action = last ? "deck" : actions[pick(may_tiers ? COUNT(actions) : COUNT(actions) - 2)];
        const unsigned tiers = pick(TIERS);
        const bool by_tiers = strcmp(action, "tiers") == 0, deck = strcmp(action, "deck") == 0;
        const bool amount = strcmp(action, "flat") == 0 || strcmp(action, "markup") == 0;
        static const char *const services[] = {"", "voice", "sms", "data"};
        const char *service = last       ? ""
                              : by_tiers ? (strcmp(tier_units[tiers], "s") == 0 ? "voice" : "sms")
                                         : ANY(services);
        put(text, "p%u,%s,%s,%s,", i % 2, action, service,
            last || chance(60) ? ""
            : chance(50)       ? "in"
                               : "out");
        put(text, "%s,%s,%s,", last ? "" : ANY(classes), last ? "" : ANY(jurisdictions),
            last ? "" : ANY(destinations));
        if (deck)
            put(text, "d%u,,,,", pick(SELL_DECKS));
        else if (by_tiers)
            put(text, ",t%u,,,", tiers);
        else
            put(text, ",,%s,%s,", amount ? "0.25" : "", strcmp(action, "markup") == 0 ? "12.5" : "");
        put(text, "%u\n", last ? 9 : pick(4));
    }
    put(text, "buy,deck,sms,,,,,d%u,,,,1\nbuy,flat,data,,,,,,,0.2,,1\nbuy,markup,,in,,,,,,0.01,5,2\n",
        pick(DECKS));
    put(text, "buy,deck,,,,international,,d%u,,,,3\nbuy,deck,,,,,,d%u,,,,4\n", pick(DECKS), pick(DECKS));
    end(text);
    begin(text, "fx.csv", "from,to,date,rate");
    put(text, "EUR,USD,2026-02-24,1.08765432\nEUR,USD,2026-03-20,1.1\n");
    end(text);
}

static void write_tiers(struct text *text, bool volume)
{
    static const char *const modes[] = {"graduated", "package", "volume"};
    static const char *const scopes[] = {"number", "site", "account", "pool"};
    static const char *const periods[] = {"month", "anchor", "call"};
    begin(text, "tiers.csv",
          "tiers,mode,unit,scope,period,from_qty,rate,per,flat,minimum_spend,maximum_spend,rounding");
    for (unsigned i = 0; i < TIERS; i++) {
        const char *mode = modes[pick(volume ? 3 : 2)], *scope = ANY(scopes), *period = ANY(periods);
        for (unsigned row = 0; row < 3; row++)
            put(text, "t%u,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,\n", i, mode, tier_units[i], scope, period,
                row == 0   ? "0"
                : row == 1 ? "300"
                           : "5000",
                row == 0   ? "0.07"
                : row == 1 ? "0.05"
                           : "0.011",
                chance(50) ? "" : "7", chance(30) ? "1.50" : "", row == 0 && i == 1 ? "5" : "",
                row == 0 && i == 1 ? "30" : "");
    }
    end(text);
}

#define BUNDLES 6
static void write_bundles(struct text *text, bool buys)
{
    static const char *const units[] = {"s", "s", "s", "message", "byte"};
    static const char *const scopes[] = {"number", "site", "account", "pool"};
    static const char *const limits[] = {"overage", "overage", "flag", "reject"};
    const char *unit[BUNDLES], *scope[BUNDLES];
    begin(text, "bundles.csv",
          "bundle,unit,quantity,scope,destinations,direction,period,rollover_periods,prorate,at_limit,debit,"
          "increment,connect_fee,priority");
    for (unsigned i = 0; i < BUNDLES; i++) {
        const bool used = chance(30);
        unit[i] = ANY(units);
        scope[i] = ANY(scopes);
        put(text, "b%u,%s,%u,%s,%s,%s,%s,%u,%s,%s,%s,%s,%s,%u\n", i, unit[i],
            strcmp(unit[i], "message") == 0 ? 40 : 1 + pick(9000), scope[i],
            chance(70)   ? ""
            : chance(50) ? "UK;NEW YORK"
                         : "MEXICO",
            chance(70) ? "" : "out", chance(50) ? "" : "anchor", pick(3), chance(30) ? "yes" : "",
            chance(60) ? "" : ANY(limits), used ? "used" : "", used && chance(60) ? "60" : "",
            chance(30) ? "charged" : "", pick(3));
    }
    for (unsigned i = 0; i < 4; i++) {
        const bool used = chance(30);
        put(text, "c%u,%s,%u,pool,%s,,,%u,,%s,%s,%s,%s,%u\n", i, i == 3 ? "message" : "s", 1 + pick(20000),
            chance(80) ? "" : "UK", pick(3), ANY(limits), used ? "used" : "", used ? "60" : "",
            chance(30) ? "charged" : "", pick(3));
    }
    end(text);
    begin(text, "subscriptions.csv", "subject,bundle,pool,times,from,to");
    for (unsigned i = 0; i < 12; i++) {
        const unsigned bundle = i < BUNDLES ? i : pick(BUNDLES), account = pick(ACCOUNTS);
        switch (pick(5)) {
        case 0:
            put(text, "site:s%u", account);
            break;
        case 1:
            put(text, "number:%s", numbers[0]);
            break;
        case 2:
            put(text, "plan:p%u", pick(2));
            break;
        case 3:
            put(text, "default");
            break;
        default:
            put(text, "account:a%u", account);
        }
        put(text, ",b%u,%s,%u,%s,\n", bundle, strcmp(scope[bundle], "pool") == 0 ? "shared" : "", 1 + pick(3),
            chance(30) ? "2026-03-05" : "");
    }
    for (unsigned i = 0; buys && i < 8; i++)
        put(text, "%s,c%u,%s,%u,%s,\n", chance(60) ? "carrier:c1" : "trunk:T1", i % 4,
            chance(60) ? "one" : "two", 1 + pick(2), chance(30) ? "2026-03-05" : "");
    end(text);
}

static void write_book(struct text *text, uint64_t number)
{
    char path[128];
    snprintf(path, sizeof path, "%s/decks", text->folder);
    mkdir(path, 0750);
    begin(text, "book.yaml", "book: random\ncurrency: USD\ntimezone: America/New_York");
    end(text);
    const bool buys = number % 3 != 0;
    write_parties(text, buys);
    write_decks(text);
    write_rules(text, number % 3 != 1); /* tiers that no rule names are no error */
    write_tiers(text, number % 2 == 0);
    write_bundles(text, buys);
}

/* ---- random calls: parts of many sizes ---- */

struct calls {
    int64_t rows, start[ROWS_MOST], quantity[ROWS_MOST], provider_charge[ROWS_MOST], no_text[ROWS_MOST + 1];
    int32_t duration_ms[ROWS_MOST], trunk[ROWS_MOST], hint[ROWS_MOST], source_file[ROWS_MOST],
        source_row[ROWS_MOST];
    uint64_t caller[ROWS_MOST], callee[ROWS_MOST], charged[ROWS_MOST], key[ROWS_MOST];
    uint16_t kind[ROWS_MOST], carrier[ROWS_MOST];
};

static uint64_t any_number(void)
{
    static const char *const others[] = {"12125557777", "18005550100", "442070000000", "33123456789"};
    const char *number = chance(70) ? ANY(numbers) : ANY(others);
    uint64_t digits = 0;
    assert_true(toll_digits_pack(number, strlen(number), &digits));
    return digits;
}

static void make_calls(struct calls *calls, unsigned part)
{
    const int64_t from = FIRST + (int64_t)DAYS * 86400000 / PARTS * part;
    memset(calls, 0, sizeof *calls);
    calls->rows = 1 + pick(ROWS_MOST);
    for (int64_t i = 0; i < calls->rows; i++) {
        const unsigned service = chance(75) ? TOLL_VOICE : 1 + pick(4);
        unsigned kind = service | TOLL_NUMBER_E164 << TOLL_KIND_CALLER_TYPE_SHIFT |
                        TOLL_NUMBER_E164 << TOLL_KIND_CALLEE_TYPE_SHIFT;
        kind |= chance(25) ? TOLL_KIND_IN : 0;
        kind |= chance(92) ? TOLL_KIND_ANSWERED : 0;
        kind |= chance(4) ? TOLL_KIND_CREDIT : 0;
        kind |= chance(1) ? TOLL_KIND_CONFLICT : 0;
        kind |= chance(80) ? TOLL_KIND_PROVIDER_CHARGE : 0;
        kind |= chance(5) ? TOLL_KIND_LEG : 0;
        calls->kind[i] = (uint16_t)kind;
        calls->start[i] = from + i / 2 * ((int64_t)DAYS * 86400000 / PARTS / ROWS_MOST); /* two at once */
        calls->duration_ms[i] = service != TOLL_VOICE ? 0 : chance(5) ? 0 : (int32_t)pick(400000);
        calls->quantity[i] = service == TOLL_VOICE ? 0 : chance(5) ? INT64_C(80000000) : (int64_t)pick(50);
        calls->provider_charge[i] = (int64_t)pick(1000000000);
        calls->caller[i] = any_number();
        calls->callee[i] = any_number();
        calls->charged[i] = chance(8) ? any_number() : 0;
        calls->trunk[i] = chance(15) ? (int32_t)pick(COUNT(trunks)) : 0;
        calls->hint[i] = chance(8) ? (int32_t)pick(COUNT(hints)) : 0;
        calls->carrier[i] = 1;
        calls->source_file[i] = 1;
        calls->key[i] = (uint64_t)i;
    }
}

static void write_calls(const struct calls *calls, int folder, const char *name, struct toll_file_seal *seal)
{
    static const char *const carriers[] = {"", "c1"}, *const sources[] = {"", "x"}, *const none[] = {""};
    const struct toll_cdr_part_data data = {
        .columns = {.rows = calls->rows,
                    .start = calls->start,
                    .duration_ms = calls->duration_ms,
                    .caller = calls->caller,
                    .callee = calls->callee,
                    .kind = calls->kind,
                    .carrier = calls->carrier,
                    .charged = calls->charged,
                    .trunk = calls->trunk,
                    .hint = calls->hint,
                    .quantity = calls->quantity,
                    .provider_charge = calls->provider_charge,
                    .record_key_high = calls->key,
                    .record_key_low = calls->key,
                    .source_file = calls->source_file,
                    .source_row = calls->source_row},
        .carrier = {carriers, 2},
        .trunk = {trunks, COUNT(trunks)},
        .hint = {hints, COUNT(hints)},
        .calltype = {none, 1},
        .source_file = {sources, 2},
        .record_id_data = "",
        .caller_text_data = "",
        .callee_text_data = "",
        .record_id_offset = calls->no_text,
        .caller_text_offset = calls->no_text,
        .callee_text_offset = calls->no_text,
    };
    struct toll_file_seal text;
    struct toll_error error;
    if (toll_cdr_part_write(quick_io(), folder, name, &data, seal, &text, &error) != 0)
        fail_msg("%s", error.text);
}

/* ---- one after the other ---- */

struct expected {
    struct toll_drawn_line lines[PARTS][ROWS_MOST];
    int32_t accounts[PARTS][ROWS_MOST];
    struct toll_cost_answer costs[PARTS][ROWS_MOST];
    toll_total cost;
    int64_t cost_rows[TOLL_STATUS_COUNT];
    struct toll_pools *pools;
    struct toll_pool_tables tables;
    struct toll_period_charges charges;
    int64_t status_rows[TOLL_STATUS_COUNT];
    toll_total charge;
    int64_t billed_s;
};
static struct expected expected;
static int64_t seen[TOLL_STATUS_COUNT], seen_cost[TOLL_STATUS_COUNT], drawn, over_two, tiered, given;

struct opened {
    struct toll_cdr_part *parts[PARTS];
    struct toll_job_part jobs[PARTS];
    struct toll_part_lane lanes[PARTS];
    struct toll_arena arena;
    struct toll_run_span span;
};

static struct toll_pools *make_pools(const struct toll_book *book, const struct toll_run_span *span)
{
    struct toll_pools *pools;
    struct toll_error error;
    if (toll_pools_make(book, span, NULL, &pools, &error) != 0)
        fail_msg("%s", error.text);
    return pools;
}

static void finish_pools(struct toll_pools *pools, struct toll_pool_tables *tables,
                         struct toll_period_charges *charges)
{
    struct toll_error error;
    if (toll_pools_state(pools, &error) != 0 || toll_pools_finish(pools, tables, charges, &error) != 0)
        fail_msg("%s", error.text);
    toll_period_charges_sort(charges);
}

/* The costs of a batch draw behind its lines. */
static void cost_part(const struct toll_rater *rater, const struct toll_part_map *map,
                      const struct toll_cdr_batch *batch, struct toll_pools *pools,
                      struct toll_band_cursor *cursors, unsigned part, bool first)
{
    for (int64_t i = 0; rater->cost != NULL && i < batch->rows; i++) {
        struct toll_cost_answer *cost = &expected.costs[part][i];
        struct toll_row row;
        struct toll_row_answer answer;
        toll_row_read(rater, map, batch, i, &row);
        toll_row_rate(rater, cursors, &row, NULL, &answer);
        toll_row_cost(rater, cursors, &row, &answer, -1, NULL, cost);
        const toll_money whole = cost->cost;
        toll_row_draw_cost(rater, cursors, pools, &row, &answer, cost);
        if (first)
            continue;
        given += cost->cost < whole;
        seen_cost[cost->status]++;
        expected.cost_rows[cost->status]++;
        expected.cost += cost->cost;
    }
}

static void rate_pass(const struct toll_rater *rater, const struct opened *opened, struct toll_pools *pools,
                      bool first)
{
    struct toll_band_cursor *cursors = calloc(rater->book->deck_count + 1u, sizeof *cursors);
    for (unsigned part = 0; part < PARTS; part++) {
        struct toll_cdr_reading reading;
        struct toll_cdr_batch batch;
        struct toll_error error;
        toll_cdr_part_batch_begin(opened->parts[part], 0, rater->columns, NULL, NULL, &reading);
        assert_int_equal(toll_cdr_part_batch_end(&reading, &batch, &error), 0);
        for (int64_t i = 0; i < batch.rows; i++) {
            struct toll_drawn_line *line = &expected.lines[part][i];
            struct toll_row row;
            struct toll_row_answer answer;
            toll_row_read(rater, &opened->lanes[part].map, &batch, i, &row);
            toll_row_rate(rater, cursors, &row, NULL, &answer);
            toll_row_draw(rater, cursors, pools, &row, &answer, first, line);
            expected.accounts[part][i] = answer.account;
            if (first)
                continue;
            seen[line->status]++;
            drawn += line->included > 0;
            over_two += line->included > 0 && line->included < line->billed;
            tiered += line->price != 0 &&
                      toll_book_origin(rater->book, (uint32_t)line->price).kind == TOLL_PRICE_TIERS;
            expected.status_rows[line->status]++;
            expected.charge += line->charge;
            if (toll_kind_service(row.kind) == TOLL_VOICE)
                expected.billed_s += line->billed;
        }
        cost_part(rater, &opened->lanes[part].map, &batch, pools, cursors, part, first);
    }
    free(cursors);
}

static void rate_rows(const struct toll_rater *rater, const struct opened *opened)
{
    memset(&expected, 0, sizeof expected);
    expected.pools = make_pools(rater->book, &opened->span);
    rate_pass(rater, opened, expected.pools, true);
    toll_pools_second_pass(expected.pools);
    rate_pass(rater, opened, expected.pools, false);
    finish_pools(expected.pools, &expected.tables, &expected.charges);
}

/* ---- workers ---- */

static void check_lines(int folder, unsigned part, const char *how)
{
    struct toll_lines *lines;
    struct toll_error error;
    struct toll_line_batch batch;
    char name[32];
    snprintf(name, sizeof name, "%u", part);
    if (toll_lines_open(quick_io(), folder, "lines", name, NULL, TOLL_READ_MMAP, &lines, &error) != 0)
        fail_msg("%s", error.text);
    if (toll_lines_batch(lines, 0, NULL, &batch, &error) != 0)
        fail_msg("%s", error.text);
    for (int64_t i = 0; i < batch.rows; i++) {
        const struct toll_drawn_line *want = &expected.lines[part][i];
        const int32_t included = batch.included == NULL ? 0 : batch.included[i],
                      pool = batch.pool == NULL ? 0 : batch.pool[i];
        if (batch.status[i] != want->status || batch.account[i] != expected.accounts[part][i] ||
            batch.price[i] != want->price || batch.billed[i] != want->billed ||
            batch.charge[i] != want->charge || included != want->included || pool != want->pool)
            fail_msg("%s, part %u row %lld: status %u price %d billed %d charge %lld included %d pool %d; by "
                     "itself %u %d %d %lld %d %d",
                     how, part, (long long)i, batch.status[i], batch.price[i], batch.billed[i],
                     (long long)batch.charge[i], included, pool, want->status, want->price, want->billed,
                     (long long)want->charge, want->included, want->pool);
        const struct toll_cost_answer *cost = &expected.costs[part][i];
        if (batch.cost != NULL && (batch.cost[i] != cost->cost || batch.cost_price[i] != cost->price ||
                                   batch.cost_status[i] != cost->status))
            fail_msg("%s, part %u row %lld: cost %lld price %d status %u; by itself %lld %d %u", how, part,
                     (long long)i, (long long)batch.cost[i], batch.cost_price[i], batch.cost_status[i],
                     (long long)cost->cost, cost->price, cost->status);
    }
    toll_lines_close(lines);
}

static void check_tables(const struct toll_pool_tables *tables, const struct toll_period_charges *charges)
{
    assert_int_equal(tables->period_count, expected.tables.period_count);
    for (int64_t i = 0; i < tables->period_count; i++) {
        const struct toll_pool_period_row *row = &tables->periods[i], *want = &expected.tables.periods[i];
        assert_int_equal(row->id, want->id);
        assert_string_equal(row->bundle, want->bundle);
        assert_string_equal(row->account, want->account);
        assert_string_equal(row->number, want->number);
        assert_string_equal(row->period, want->period);
        assert_int_equal(row->granted, want->granted);
        assert_int_equal(row->rolled_in, want->rolled_in);
        assert_int_equal(row->used, want->used);
        assert_int_equal(row->over, want->over);
        assert_int_equal(row->exhausted, want->exhausted);
    }
    assert_int_equal(tables->count_count, expected.tables.count_count);
    for (int64_t i = 0; i < tables->count_count; i++) {
        assert_int_equal(tables->counts[i].units, expected.tables.counts[i].units);
        assert_int_equal(tables->counts[i].spend, expected.tables.counts[i].spend);
    }
    assert_int_equal(charges->count, expected.charges.count);
    for (size_t i = 0; i < charges->count; i++) {
        assert_string_equal(charges->entries[i].row.kind, expected.charges.entries[i].row.kind);
        assert_string_equal(charges->entries[i].row.period, expected.charges.entries[i].row.period);
        assert_int_equal(charges->entries[i].row.charge, expected.charges.entries[i].row.charge);
    }
}

static void check_sums(const struct toll_tally *tally, const struct toll_book *book)
{
    toll_total charge = 0;
    int64_t rows = 0;
    for (uint32_t i = 1; i < book->bucket_count; i++) {
        charge += toll_tally_charge(&tally->buckets[i]);
        rows += tally->buckets[i].rows;
    }
    for (unsigned status = 0; status < TOLL_SUSPENSE_FIRST; status++)
        rows -= expected.status_rows[status];
    assert_true(charge == expected.charge);
    assert_in_range(-rows, 0,
                    expected.status_rows[TOLL_ZERO_UNANSWERED] +
                        expected.status_rows[TOLL_ZERO_OTHER_PARTY]); /* of nobody */
    assert_memory_equal(tally->status_rows, expected.status_rows, sizeof tally->status_rows);
    assert_int_equal(tally->billed_s, expected.billed_s);
    toll_total cost = 0;
    for (unsigned i = 0; i < TOLL_CURRENCIES_MAX; i++)
        cost += tally->cost.cost[i];
    assert_true(cost == expected.cost);
    assert_memory_equal(tally->cost.status_rows, expected.cost_rows, sizeof expected.cost_rows);
    int64_t suspended = 0;
    for (unsigned status = TOLL_SUSPENSE_FIRST; status < TOLL_STATUS_COUNT; status++)
        suspended += expected.status_rows[status];
    assert_int_equal(tally->suspense.rows, suspended);
}

struct way {
    unsigned threads;
    size_t block_rows;
    enum toll_read_path read;
};

static void rate_by_workers(const struct toll_rater *rater, const struct opened *opened, int folder,
                            const struct way *way)
{
    const struct toll_workers_io io = {
        .io = quick_io(),
        .mapped = way->read == TOLL_READ_MMAP,
        .ring = way->read == TOLL_READ_RING,
        .optional = (rater->book->bundle_count > 1 ? TOLL_LINES_POOL : 0) |
                    (rater->cost != NULL ? TOLL_LINES_COST : 0),
    };
    struct toll_workers workers;
    struct toll_error error;
    struct toll_job_part jobs[PARTS];
    char how[64];
    snprintf(how, sizeof how, "%s, %u threads, blocks of %zu", rater->kernels->name, way->threads,
             way->block_rows);
    memcpy(jobs, opened->jobs, sizeof jobs);
    assert_int_equal(toll_workers_init(&workers, rater, way->threads, false, &io, way->block_rows, &error),
                     0);
    struct toll_pools *pools = make_pools(rater->book, &opened->span);
    struct toll_workers_request request = {
        .parts = jobs, .part_count = PARTS, .pools = &pools, .count_only = true};
    assert_int_equal(toll_workers_run(&workers, &request, &error), 0);
    toll_workers_clear(&workers);
    toll_pools_second_pass(pools);
    for (unsigned part = 0; part < PARTS; part++) {
        char name[32];
        snprintf(name, sizeof name, "%u", part);
        char file[64];
        snprintf(file, sizeof file, "lines/%s.arrow", name);
        unlinkat(folder, file, 0); /* of the way before */
        if (toll_lines_create(quick_io(), folder, name, toll_cdr_part_rows(opened->parts[part]), io.optional,
                              &jobs[part].lines, &error) != 0)
            fail_msg("%s", error.text);
    }
    request.count_only = false;
    assert_int_equal(toll_workers_run(&workers, &request, &error), 0);
    for (unsigned part = 0; part < PARTS; part++) {
        struct toll_file_seal seal;
        assert_int_equal(toll_lines_finish(jobs[part].lines, &seal, &error), 0);
        check_lines(folder, part, how);
    }
    check_sums(toll_workers_sum(&workers, 0), rater->book);
    struct toll_pool_tables tables = {0};
    struct toll_period_charges charges = {0};
    finish_pools(pools, &tables, &charges);
    check_tables(&tables, &charges);
    toll_period_charges_free(&charges);
    toll_pools_free(pools);
    toll_workers_free(&workers);
}

static void open_calls(struct opened *opened, const struct toll_rater *rater, int folder,
                       enum toll_read_path how, const struct toll_file_seal *seals)
{
    memset(opened, 0, sizeof *opened);
    for (unsigned part = 0; part < PARTS; part++) {
        struct toll_error error;
        char name[32];
        snprintf(name, sizeof name, "part%u", part);
        if (toll_cdr_part_open(quick_io(), folder, "calls", name, &seals[part], how, &opened->parts[part],
                               &error) != 0)
            fail_msg("%s", error.text);
        opened->jobs[part] = (struct toll_job_part){
            .part = opened->parts[part], .lanes = &opened->lanes[part], .ordinal = part};
        assert_int_equal(toll_part_map_make(&opened->lanes[part].map, rater, opened->parts[part],
                                            &opened->arena, NULL, &error),
                         0);
        opened->span.rows += toll_cdr_part_rows(opened->parts[part]);
    }
    opened->span.earlier_until = TOLL_MS_MIN;
}

static void close_calls(struct opened *opened)
{
    for (unsigned part = 0; part < PARTS; part++)
        toll_cdr_part_close(opened->parts[part]);
    toll_arena_free(&opened->arena);
}

static void report(void *context, const struct toll_diagnostic *diagnostic)
{
    (void)context;
    if (diagnostic->severity == TOLL_ERROR)
        print_message("%s:%ld: %s\n", diagnostic->file, diagnostic->line, diagnostic->text);
}

static void check_book(const char *path, int folder)
{
    static const unsigned masks[] = {0, TOLL_CPU_AVX2, TOLL_CPU_AVX2 | TOLL_CPU_AVX512};
    static const struct way ways[] = {
        {1, 0, TOLL_READ_MMAP}, {2, 37, TOLL_READ_PREAD}, {3, 0, TOLL_READ_RING}, {2, 1, TOLL_READ_MMAP}};
    static struct calls calls;
    const struct toll_reporter reporter = {.report = report};
    struct toll_file_seal seals[PARTS];
    struct toll_book *book;
    struct toll_error error;
    toll_ms first = 0, last = 0;
    if (toll_book_open(quick_io(), path, &reporter, &book, &error) != 0)
        fail_msg("%s", error.text);
    for (unsigned part = 0; part < PARTS; part++) {
        char name[32];
        snprintf(name, sizeof name, "part%u", part);
        make_calls(&calls, part);
        for (unsigned text_too = 0; text_too < 2; text_too++) { /* of the book before */
            char file[64];
            snprintf(file, sizeof file, "%s%s", name, text_too ? ".text.arrow" : ".arrow");
            unlinkat(folder, file, 0);
        }
        write_calls(&calls, folder, name, &seals[part]);
        first = part == 0 ? calls.start[0] : first;
        last = calls.start[calls.rows - 1];
    }
    for (size_t m = 0; m < COUNT(masks); m++) {
        struct toll_rater rater;
        if ((masks[m] & ~toll_cpu_features()) != 0)
            continue;
        assert_int_equal(toll_rater_init(&rater, book, masks[m], &error), 0);
        for (size_t w = 0; w < COUNT(ways); w++) {
            struct opened opened;
            if (w != m && w + 1 != COUNT(ways) && (book_number + w + m) % 4 != 0) /* time is dear */
                continue;
            open_calls(&opened, &rater, folder, TOLL_READ_MMAP, seals);
            opened.span.first = first;
            opened.span.last = last;
            if (m == 0 && w == 0)
                rate_rows(&rater, &opened);
            if (ways[w].read != TOLL_READ_MMAP) {
                close_calls(&opened);
                open_calls(&opened, &rater, folder, ways[w].read, seals);
                opened.span.first = first;
                opened.span.last = last;
            }
            rate_by_workers(&rater, &opened, folder, &ways[w]);
            close_calls(&opened);
        }
        toll_rater_free(&rater);
    }
    toll_period_charges_free(&expected.charges);
    toll_pools_free(expected.pools);
    toll_book_close(book);
}

static void test_random_books(void **state)
{
    (void)state;
    struct text text = {.folder = "/tmp/toll_draws_XXXXXX"};
    const char *one = getenv("TOLL_DRAWS_SEED"); /* of a failure, to see it again */
    char path[128];
    assert_non_null(mkdtemp(text.folder));
    snprintf(path, sizeof path, "%s/lines", text.folder);
    assert_int_equal(mkdir(path, 0750), 0);
    const int folder = open(text.folder, O_RDONLY | O_DIRECTORY);
    assert_true(folder >= 0);
    for (uint64_t book = 0; book < BOOKS; book++) {
        if (one != NULL && book != (uint64_t)atoll(one))
            continue;
        random_state = 0x6472617773 + book * 7919;
        book_number = book;
        write_book(&text, book);
        check_book(text.folder, folder);
    }
    close(folder);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", text.folder);
    assert_int_equal(system(command), 0);
    if (one != NULL)
        return;
    assert_true(seen[TOLL_RATED_FAIR_USE] > 0 && seen[TOLL_SUSPENSE_POOL_LIMIT] > 0);
    assert_true(drawn > 1000 && over_two > 10 && tiered > 1000);
    assert_true(given > 1000 && seen_cost[TOLL_RATED_FAIR_USE] > 0 && seen_cost[TOLL_SUSPENSE_NO_FX] > 0 &&
                seen_cost[TOLL_SUSPENSE_POOL_LIMIT] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_books)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
