/*
 * A register: 20,000 accounts with 50 buckets each, at 5 sites, five taxes on every one of them (the
 * nation's, two of the state, one of them on the other, the county's and the city's). Evaluated, rounded and
 * given to the lines, without a word of text; by one thread. Beside it the same with a threshold on a tax of
 * every state, which is worked out line after line.
 *
 *   bench_tax            1 million buckets, 7 turns
 *   bench_tax --small    as a test
 *   --json FILE          for programs (result.h)
 */
#include "measure.h"
#include "tax/account.h"
#include "tax_tables.h"

#include <stdio.h>

#define STATES 10
#define COUNTIES 40
#define CITIES 200
#define SERVICES 4
#define SITES 5
#define BUCKETS 50
#define TURNS 7

struct world {
    struct tax_world *tables;
    struct toll_tax_ledger ledger;
    struct toll_arena arena;
    struct toll_tax_recipe recipes[CITIES * SERVICES];
};

static uint64_t pick(uint64_t a, uint64_t b, uint64_t most)
{
    uint64_t x = (a * 0x9E3779B97F4A7C15u) ^ (b + 0x632BE59BD9B4E019u) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 29) * 0x94D049BB133111EBu;
    return (x ^ x >> 32) % most;
}

/* The time of a processor: one thread, and nothing waits. */
static double cpu_s(void)
{
    return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static int fail(const char *why)
{
    fprintf(stderr, "bench_tax: %s\n", why);
    return 1;
}

static bool make(struct world *world, bool threshold)
{
    struct tax_world *w = world->tables = tax_world_create();
    struct toll_error error;
    const struct toll_tax_index *index;
    char name[16];
    int32_t nation = tax_jurisdiction(w, "US", TOLL_TAX_FEDERAL, 0), states[STATES], counties[COUNTIES],
            cities[CITIES];
    for (int i = 0; i < SERVICES; i++) {
        snprintf(name, sizeof name, "s%d", i);
        const int32_t service = tax_service(w, name);
        if (i == 0)
            w->tables.split_count = 1;
        tax_split(w, 0, -1, -1, i);
        tax_part(w, service, TOLL_TAX_ONE);
    }
    struct toll_tax *fund = tax_of(w, "fund", TOLL_TAX_RATE), *sales = tax_of(w, "sales", TOLL_TAX_RATE),
                    *relief = tax_of(w, "relief", TOLL_TAX_RATE),
                    *county = tax_of(w, "county", TOLL_TAX_RATE), *city = tax_of(w, "city", TOLL_TAX_RATE);
    fund->rounding = TOLL_DOWN;
    tax_row(w, fund, nation, 0, INT64_C(376000000000));
    for (int i = 0; i < STATES; i++) {
        snprintf(name, sizeof name, "S%02d", i);
        states[i] = tax_jurisdiction(w, name, TOLL_TAX_STATE, nation);
        struct toll_tax_series *row =
            tax_row(w, sales, states[i], 0, INT64_C(100000000) * (400 + (int64_t)pick(1, (unsigned)i, 500)));
        row->threshold = threshold ? 25 * TOLL_MONEY_UNIT : 0;
        row->late = threshold;
        row = tax_row(w, relief, states[i], 0, INT64_C(10000000) * (50 + (int64_t)pick(2, (unsigned)i, 100)));
        if (!threshold)
            tax_on(w, row, sales);
    }
    for (int i = 0; i < COUNTIES; i++) {
        snprintf(name, sizeof name, "C%02d", i);
        counties[i] = tax_jurisdiction(w, name, TOLL_TAX_COUNTY, states[i % STATES]);
        tax_row(w, county, counties[i], 0, INT64_C(10000000) * (10 + (int64_t)pick(3, (unsigned)i, 90)));
    }
    for (int i = 0; i < CITIES; i++) {
        snprintf(name, sizeof name, "T%03d", i);
        cities[i] = tax_jurisdiction(w, name, TOLL_TAX_CITY, counties[i % COUNTIES]);
        tax_row(w, city, cities[i], 0, INT64_C(10000000) * (10 + (int64_t)pick(4, (unsigned)i, 400)));
    }
    if (toll_tax_index_build(&w->tables, &world->arena, &index, &error) != 0)
        return false;
    for (int i = 0; i < CITIES * SERVICES; i++) {
        const int at = i / SERVICES;
        const int32_t place[] = {nation, states[at % COUNTIES % STATES], counties[at % COUNTIES], cities[at]};
        const struct toll_tax_set set = {place, 4};
        const struct toll_tax_facts facts = {.place = set,
                                             .origin = set,
                                             .two_of_three = set,
                                             .split = 1 + (uint32_t)(i % SERVICES),
                                             .customer_class = "",
                                             .seller = "",
                                             .call = true,
                                             .kinds = TOLL_TAX_KINDS_VOICE};
        if (toll_tax_recipe_make(&w->tables, index, &facts, &world->ledger, &world->arena, &world->recipes[i],
                                 &error) != 0 ||
            world->recipes[i].list.count != 5)
            return false;
    }
    return true;
}

/* The register of all accounts; the seconds it took, and what makes two of them comparable. */
static double evaluate(const struct world *world, struct toll_tax_account *account,
                       const struct toll_tax_charge_line *lines, uint32_t accounts, int64_t *cents,
                       uint64_t *hash, int64_t *rows)
{
    const double begin = cpu_s();
    *cents = *rows = 0;
    *hash = 0;
    for (uint32_t i = 0; i < accounts; i++) {
        if (toll_tax_account_evaluate(account, &world->tables->tables, &world->ledger, lines + i * BUCKETS,
                                      BUCKETS, SITES, NULL) != 0)
            return -1;
        for (uint32_t k = 0; k < account->row_count; k++) {
            *cents += account->rows[k].cents;
            *hash = (*hash ^ (uint64_t)account->rows[k].cents) * 0x100000001B3u;
        }
        *rows += account->row_count;
    }
    return cpu_s() - begin;
}

static int bench(struct toll_result *json, const char *name, bool threshold, uint32_t accounts, int turns)
{
    struct world *world = calloc(1, sizeof *world);
    struct toll_tax_account account = {0};
    struct toll_tax_charge_line *lines = calloc((size_t)accounts * BUCKETS, sizeof *lines);
    double seconds[TURNS];
    int64_t cents = 0, rows = 0;
    uint64_t hash = 0;
    if (world == NULL || lines == NULL || !make(world, threshold))
        return fail("the world cannot be made");
    for (uint32_t i = 0; i < accounts; i++) {
        for (uint32_t k = 0; k < BUCKETS; k++) {
            const uint32_t site = k / (BUCKETS / SITES);
            const uint32_t area = (uint32_t)pick(5, (uint64_t)i * SITES + site, CITIES);
            lines[i * BUCKETS + k] = (struct toll_tax_charge_line){
                .recipe = &world->recipes[area * SERVICES + k % SERVICES],
                .site = site,
                .charge = (toll_total)pick(6, i * BUCKETS + k, 4000000000u) * TOLL_TAX_QUANTITY_ONE,
                .seconds = (int64_t)pick(7, i * BUCKETS + k, 100000),
            };
        }
    }
    for (int i = 0; i < turns; i++) {
        seconds[i] = evaluate(world, &account, lines, accounts, &cents, &hash, &rows);
        if (seconds[i] < 0)
            return fail("a register cannot be made");
    }
    qsort(seconds, (size_t)turns, sizeof *seconds, toll_result_compare);
    const double median = seconds[turns / 2];
    printf(
        "%-10s %u buckets, 5 taxes each: %.3f s, %.0f ns a bucket (best %.3f, worst %.3f); %lld rows, cents "
        "%lld, hash %016llx\n",
        name, accounts * BUCKETS, median, median * 1e9 / (accounts * BUCKETS), seconds[0], seconds[turns - 1],
        (long long)rows, (long long)cents, (unsigned long long)hash);
    char text[20];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    toll_result_record(json, "tax register");
    toll_result_text(json, "world", name);
    toll_result_int(json, "buckets", accounts * BUCKETS);
    toll_result_samples(json, "seconds", seconds, (size_t)turns, 1);
    toll_result_number(json, "ns_per_bucket", median * 1e9 / (accounts * BUCKETS));
    toll_result_int(json, "rows", rows);
    toll_result_int(json, "cents", cents);
    toll_result_text(json, "hash", text);
    toll_tax_account_free(&account);
    toll_tax_ledger_free(&world->ledger);
    toll_arena_free(&world->arena);
    free(world->tables);
    free(world);
    free(lines);
    return 0;
}

int main(int argc, char **argv)
{
    struct toll_result json;
    if (toll_result_begin(&json, "tax", &argc, argv) != 0)
        return 1;
    const bool small = argc > 1 && strcmp(argv[1], "--small") == 0;
    const uint32_t accounts = small ? 200 : 20000;
    const int turns = small ? 1 : TURNS;
    const int rc = bench(&json, "plain", false, accounts, turns) != 0 ||
                   bench(&json, "threshold", true, accounts, turns) != 0;
    return toll_result_end(&json) != 0 || rc;
}
