/* Bundles, pools, tiers, rates and what is bought in images that somebody changed and sealed again. */
#include "image_fixture.h"
#include "random.h"

struct fixture {
    struct book_fixture f;
    uint8_t *image; /* as it was compiled */
    struct toll_bundle *bundles;
    uint32_t *destinations;
    struct toll_grant *grants;
    struct toll_pool *pools;
    struct toll_entitlement *rows;
    struct toll_owner *owners;
    struct toll_named *trunks, *carriers, *hints;
    struct toll_tiers *tiers;
    struct toll_tier *tier_rows;
    struct toll_fx *fx;
    struct toll_rule *rules;
    struct toll_plan *plans;
    struct toll_account *accounts;
    struct toll_book_meta *meta;
    struct toll_terms *terms;
    uint32_t *price_terms;
    size_t number; /* the first entitlement of scope number */
};

/* Entitlements of owner 1 (number 12125550100): used, site (twice), num (twice), named. */
static void begin(struct fixture *x)
{
    struct book_fixture *f = &x->f;

    memset(x, 0, sizeof(*x));
    book_begin(f);
    book_file(f, "accounts.csv", "account,parent\nacme,beta\nbeta,\n");
    book_file(f, "sites.csv", "site,account\nhq,acme\nuk,beta\n");
    book_file(f, "numbers.csv",
              "number,account,site\n12125550100,acme,hq\n12125550200,beta,uk\nhint:h,acme,\n");
    book_file(f, "plans.csv", "plan\np\nb\n");
    book_file(f, "trunks.csv", "trunk,carrier\nT,c\n");
    book_file(f, "carriers.csv", "carrier,feed_role\nc,cost\n");
    book_file(f, "assignments.csv",
              "subject,plan,side\ndefault,p,\ndefault,b,buy\ntrunk:T,b,buy\ncarrier:c,b,buy\n");
    book_file(f, "destinations.csv", "prefix,destination\n44,UK\n39,IT\n");
    book_file(f, "tiers.csv",
              "tiers,from_qty,rate,per,unit,minimum_spend\nt,0,0.05,6,s,1\nt,100,0.04,60,,\n");
    book_file(f, "fx.csv",
              "from,to,date,rate\nEUR,USD,2026-01-01,1.1\nEUR,USD,2026-02-01,1.2\nGBP,USD,2026-01-01,1.3\n");
    book_file(f, "plan_rules.csv", "plan,action,deck,tiers\np,deck,d,\np,tiers,,t\nb,deck,d,\n");
    book_file(f, "bundles.csv",
              "bundle,unit,quantity,scope,debit,destinations\nused,s,600,account,used,UK;IT\nst,s,60,site,,\n"
              "num,message,10,number,,\nnamed,s,100,pool,,\ncost,s,100,pool,,\n");
    book_file(f, "subscriptions.csv",
              "subject,bundle,pool,from,to\naccount:acme,used,,,\nsite:hq,st,,,2026-03-01\nsite:hq,st,,2026-"
              "04-01,\n"
              "default,num,,,2026-03-01\ndefault,num,,2026-04-01,\ndefault,named,a,,\ndefault,named,b,,"
              "\ncarrier:c,cost,a,,\n"
              "account:beta,used,,,\n");
    book_good(f);
    x->image = malloc(f->image_bytes);
    memcpy(x->image, f->image, f->image_bytes);
    x->bundles = image_section(f->image, TOLL_SECTION_BUNDLES);
    x->destinations = image_section(f->image, TOLL_SECTION_BUNDLE_DESTINATIONS);
    x->grants = image_section(f->image, TOLL_SECTION_GRANTS);
    x->pools = image_section(f->image, TOLL_SECTION_POOLS);
    x->rows = image_section(f->image, TOLL_SECTION_ENTITLEMENTS);
    x->owners = image_section(f->image, TOLL_SECTION_OWNERS);
    x->trunks = image_section(f->image, TOLL_SECTION_TRUNKS);
    x->carriers = image_section(f->image, TOLL_SECTION_CARRIERS);
    x->hints = image_section(f->image, TOLL_SECTION_HINTS);
    x->tiers = image_section(f->image, TOLL_SECTION_TIERS);
    x->tier_rows = image_section(f->image, TOLL_SECTION_TIER_ROWS);
    x->fx = image_section(f->image, TOLL_SECTION_FX);
    x->rules = image_section(f->image, TOLL_SECTION_RULES);
    x->plans = image_section(f->image, TOLL_SECTION_PLANS);
    x->accounts = image_section(f->image, TOLL_SECTION_ACCOUNTS);
    x->meta = image_section(f->image, TOLL_SECTION_META);
    x->terms = image_section(f->image, TOLL_SECTION_TERMS);
    x->price_terms = image_section(f->image, TOLL_SECTION_PRICE_TERMS);
    x->number = x->owners[1].pool_first;
    while (x->rows[x->number].pool > 0)
        x->number++;
    assert_int_equal(x->owners[1].pool_count, 7);
}

static void end(struct fixture *x)
{
    free(x->image);
    book_end(&x->f);
}

/* The image as it was changed is refused because of `what`; then it is whole again. */
static void assert_refused(struct fixture *x, const char *what, int line)
{
    struct book_fixture *f = &x->f;
    struct toll_book *book;
    struct toll_error error = {0};

    refit(f->image);
    if (toll_book_open_bytes(f->image, f->image_bytes, "image", &book, &error) != TOLL_EDATA ||
        strstr(error.text, what) == NULL)
        fail_msg("line %d: not refused for \"%s\": %s", line, what, error.text);
    memcpy(f->image, x->image, f->image_bytes);
}

#define REFUSED(change, what)               \
    do {                                    \
        change;                             \
        assert_refused(&x, what, __LINE__); \
    } while (0)

static void bundles_fit(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    struct toll_bundle *used = &x.bundles[1], *site = &x.bundles[2], *message = &x.bundles[3];
    REFUSED(x.bundles[0].increment = 1, "the empty bundle");
    REFUSED(used->quantity = -1, "a bundle");
    REFUSED(used->quantity = TOLL_UNITS_MAX + 1, "a bundle");
    REFUSED(used->keys[3] |= UINT64_C(1) << 63, "a bundle");
    REFUSED(used->keys[1] |= UINT64_C(1) << 63, "a bundle"); /* key 127: mms */
    REFUSED(message->keys[0] |= 1, "a bundle");              /* voice */
    REFUSED(used->destination_first = 1, "a bundle");
    REFUSED(used->destination_count = UINT32_MAX, "a bundle");
    REFUSED(x.destinations[1] = x.destinations[0], "a bundle");
    REFUSED(x.destinations[1] = 3, "a bundle");
    REFUSED(x.destinations[0] = 0, "a bundle");
    REFUSED(used->bundle = UINT32_MAX, "a bundle");
    REFUSED(used->name = UINT32_MAX, "a bundle");
    REFUSED(used->file = UINT32_MAX, "a bundle");
    REFUSED(used->increment = 0, "a bundle");
    REFUSED(site->increment = 2, "a bundle");
    REFUSED(used->unit = TOLL_UNITS, "a bundle");
    REFUSED(used->scope = TOLL_SCOPES, "a bundle");
    REFUSED(used->at_limit = 3, "a bundle");
    REFUSED(used->anchor_day = 33, "a bundle");
    REFUSED(used->rollover_periods = 37, "a bundle");
    REFUSED(used->prorate = 2, "a bundle");
    REFUSED(used->debit_used = 2, "a bundle");
    REFUSED(used->connect_charged = 2, "a bundle");
    REFUSED(message->debit_used = 1, "the order of the bundles");
    REFUSED(site->priority = 1, "the order of the bundles");
    REFUSED(site->line = message->line, "the order of the bundles");
    end(&x);
}

static void pools_fit(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    /* used acme, used beta, st hq, named a, named b, cost a */
    REFUSED(x.grants[0].until = x.grants[0].from, "a grant");
    REFUSED(x.grants[0].units = -1, "a grant");
    REFUSED(x.grants[0].units = TOLL_UNITS_MAX + 1, "a grant");
    REFUSED(x.grants[0].file = UINT32_MAX, "a grant");
    REFUSED(x.pools[0].zone = 1, "the empty pool");
    REFUSED(x.pools[1].bundle = 0, "a pool");
    REFUSED(x.pools[1].bundle = 6, "a pool");
    REFUSED(x.pools[1].bundle = 3, "a pool"); /* scope number */
    REFUSED(x.pools[1].account = 0, "a pool");
    REFUSED(x.pools[1].account = 3, "a pool");
    REFUSED(x.pools[1].site = 1, "a pool");
    REFUSED(x.pools[1].name = x.pools[4].name, "a pool");
    REFUSED(x.pools[3].site = 2, "a pool"); /* another account's */
    REFUSED(x.pools[3].site = -1, "a pool");
    REFUSED(x.pools[3].site = 3, "a pool");
    REFUSED(x.pools[4].name = 0, "a pool");
    REFUSED(x.pools[4].name = UINT32_MAX, "a pool");
    REFUSED(x.pools[4].account = 1, "a pool");
    REFUSED(x.pools[4].zone = 1, "a pool");
    REFUSED(x.pools[4].cycle_day = 0, "a pool");
    REFUSED(x.pools[4].cycle_day = 29, "a pool");
    REFUSED(x.pools[1].cycle_day = 2, "a pool");
    REFUSED(x.pools[4].grant_first = UINT32_MAX, "a pool");
    REFUSED(x.pools[4].grant_count = UINT32_MAX, "a pool");
    REFUSED(x.pools[5].name = x.pools[4].name, "the order of the pools");
    REFUSED(x.pools[2].account = 1, "the order of the pools");
    end(&x);
}

static void lists_fit(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    struct toll_entitlement *rows = &x.rows[x.owners[1].pool_first], *number = &x.rows[x.number];
    assert_int_equal(number - rows, 3);
    REFUSED(rows[0].until = rows[0].from, "an entitlement");
    REFUSED(rows[0].bundle = 0, "an entitlement");
    REFUSED(rows[0].bundle = 6, "an entitlement");
    REFUSED(rows[0].bundle = 2, "an entitlement"); /* the pool is another one's */
    REFUSED(rows[0].pool = 7, "an entitlement");
    REFUSED(rows[0].pool = 0, "an entitlement");
    REFUSED(number->pool = 1, "an entitlement");
    REFUSED(rows[0].grant_count = 1, "an entitlement");
    REFUSED(number->grant_count = UINT32_MAX, "an entitlement");
    REFUSED(number->grant_first = UINT32_MAX, "an entitlement");
    REFUSED(rows[0].pool = 2, "an owner's entitlements");                 /* another account's */
    REFUSED(rows[2].from = rows[1].until - 1, "an owner's entitlements"); /* overlap */
    REFUSED(number[1].from = number->until - 1, "an owner's entitlements");
    REFUSED(number[1].grant_count = 0, "an owner's entitlements"); /* one pool has one size */
    REFUSED((number[2].pool = 5, number[3].pool = 4), "an owner's entitlements");
    REFUSED(x.owners[1].pool_count = UINT32_MAX, "an owner's entitlements");
    REFUSED(x.owners[1].pool_first = UINT32_MAX, "an owner's entitlements");
    REFUSED((x.owners[2].pool_first = x.owners[1].pool_first, x.owners[2].pool_count = 1),
            "an owner's entitlements");
    REFUSED((x.carriers[0].pool_first = x.owners[1].pool_first), "a trunk's or carrier's entitlements");
    REFUSED(x.carriers[0].pool_count = UINT32_MAX, "a trunk's or carrier's entitlements");
    REFUSED((x.hints[0].pool_first = x.carriers[0].pool_first, x.hints[0].pool_count = 1),
            "a trunk's or carrier's entitlements");
    end(&x);
}

/* Sums of grants stay below what lots of 37 periods have room for. */
static void sums_fit(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    const size_t count = image_count(x.f.image, TOLL_SECTION_GRANTS, sizeof(struct toll_grant));
    for (size_t i = 0; i < count; i++)
        x.grants[i].units = TOLL_UNITS_MAX;
    refit(x.f.image);
    struct toll_book *book;
    struct toll_error error;
    assert_int_equal(toll_book_open_bytes(x.f.image, x.f.image_bytes, "image", &book, &error), 0);
    toll_book_close(book);
    end(&x);

    struct book_fixture f;
    char rows[101 * 40] = "subject,bundle\n", *at = rows + strlen(rows);
    book_begin(&f);
    book_file(&f, "bundles.csv", "bundle,unit,quantity\nb,s,1000000000000000\n");
    for (int i = 0; i < 100; i++)
        at += sprintf(at, "account:acme,b\n");
    book_file(&f, "subscriptions.csv", rows);
    book_good(&f);
    sprintf(at, "default,b\n");
    book_file(&f, "subscriptions.csv", rows);
    book_bad(&f, "E subscriptions.csv:102:1: ~more than 10^17 units\n");
    book_end(&f);
}

static void tiers_fit(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    struct toll_tiers *tiers = &x.tiers[1];
    struct toll_rule *rule = &x.rules[2];
    struct toll_terms *terms = &x.terms[x.price_terms[rule->price]];
    assert_int_equal(tiers->per, 60);
    REFUSED(x.tiers[0].count = 1, "the empty tiers");
    REFUSED(tiers->name = UINT32_MAX, "tiers");
    REFUSED(tiers->file = UINT32_MAX, "tiers");
    REFUSED(tiers->count = 0, "tiers");
    REFUSED(tiers->count = 3, "tiers");
    REFUSED(tiers->first = 1, "tiers");
    REFUSED(tiers->per = 6, "tiers");
    REFUSED(tiers->per = 0, "tiers");
    REFUSED(tiers->minimum_spend = -1, "tiers");
    REFUSED(tiers->maximum_spend = 1, "tiers");
    REFUSED(tiers->decimals = 9, "tiers");
    REFUSED(tiers->quantum = 0, "tiers");
    REFUSED(tiers->rounding = 4, "tiers");
    REFUSED(tiers->mode = 3, "tiers");
    REFUSED(tiers->unit = TOLL_UNITS, "tiers");
    REFUSED(tiers->scope = TOLL_SCOPES, "tiers");
    REFUSED(tiers->period = 3, "tiers");
    REFUSED(tiers->spare[0] = 1, "tiers");
    REFUSED(x.tier_rows[0].from_qty = 1, "tiers");
    REFUSED(x.tier_rows[1].from_qty = 0, "tiers");
    REFUSED(x.tier_rows[1].from_qty = TOLL_UNITS_MAX + 1, "tiers");
    REFUSED(x.tier_rows[1].rate = -1, "tiers");
    REFUSED(x.tier_rows[1].flat = -1, "tiers");
    REFUSED(x.tier_rows[1].per = 0, "tiers");
    REFUSED((x.tier_rows[0].per = INT32_MAX, x.tier_rows[1].per = INT32_MAX - 1), "tiers");
    REFUSED(rule->tiers = 0, "a rule");
    REFUSED(rule->tiers = 2, "a rule");
    REFUSED(x.rules[1].tiers = 1, "a rule");
    REFUSED(terms->rounding = TOLL_UP, "a rule of tiers");
    REFUSED(rule->plan = 2, "a rule of tiers"); /* bought by */
    end(&x);
}

static void exchange_fits(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    REFUSED(x.fx[0].from = UINT32_MAX, "a rate of exchange");
    REFUSED(x.fx[0].to = 0, "a rate of exchange");
    REFUSED(x.fx[0].to = x.fx[0].from, "a rate of exchange");
    REFUSED(x.fx[0].rate = 0, "a rate of exchange");
    REFUSED(x.fx[0].day = INT32_MAX, "a rate of exchange");
    REFUSED(x.fx[0].day = INT32_MIN, "a rate of exchange");
    REFUSED(x.fx[0].day = x.fx[1].day, "the order of the rates of exchange");
    REFUSED(x.fx[0].from = x.fx[2].from, "the order of the rates of exchange");
    end(&x);
}

static void buying_fits(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    REFUSED(x.accounts[1].parent = 3, "an account");
    REFUSED(x.accounts[1].parent = 1, "an account");
    REFUSED(x.accounts[1].parent = -1, "an account");
    REFUSED(x.plans[1].buy = 2, "a plan");
    REFUSED(x.plans[1].buy = 1, "an owner"); /* sold by */
    REFUSED(x.plans[2].buy = 0, "a trunk, hint or carrier");
    REFUSED(x.trunks[0].buy_span = UINT32_MAX, "a trunk, hint or carrier");
    REFUSED(x.trunks[0].carrier = 2, "a trunk, hint or carrier");
    REFUSED(x.trunks[0].feed_role = 1, "a trunk, hint or carrier");
    REFUSED(x.carriers[0].carrier = 1, "a trunk, hint or carrier");
    REFUSED(x.carriers[0].feed_role = TOLL_FEED_ROLES, "a trunk, hint or carrier");
    REFUSED(x.hints[0].carrier = 1, "a trunk, hint or carrier");
    REFUSED(x.hints[0].spare = 1, "a trunk, hint or carrier");
    REFUSED((x.hints[0].buy_span = x.trunks[0].buy_span, x.hints[0].buy_span_count = 1),
            "a trunk, hint or carrier");
    REFUSED(x.meta->buy_span_count = UINT32_MAX, "the default plan to buy by");
    REFUSED(x.meta->buy_span = x.trunks[0].buy_span, "the default plan to buy by");
    end(&x);
}

/* Whatever is written there, an image is refused, or all of it can be walked. */
static uint64_t use(const struct toll_book *book)
{
    uint64_t sum = 0;

    for (uint32_t i = 1; i < book->owner_count; i++) {
        for (uint32_t k = 0; k < book->owners[i].pool_count; k++) {
            const struct toll_entitlement *row = &book->entitlements[book->owners[i].pool_first + k];
            const struct toll_pool *pool = &book->pools[row->pool];
            const uint32_t first = row->pool > 0 ? pool->grant_first : row->grant_first;
            const uint32_t count = row->pool > 0 ? pool->grant_count : row->grant_count;
            for (uint32_t g = 0; g < count; g++)
                sum += (uint64_t)book->grants[first + g].units;
            sum += book->bundles[row->bundle].increment;
        }
    }
    for (uint32_t i = 1; i < book->tiers_count; i++)
        sum += book->tiers[i].per / (uint32_t)book->tier_rows[book->tiers[i].first].per;
    return sum;
}

#define HOSTILE_ROUNDS 3000u
static void hostile(void **state)
{
    static const enum toll_section sections[] = {
        TOLL_SECTION_BUNDLES, TOLL_SECTION_BUNDLE_DESTINATIONS, TOLL_SECTION_GRANTS,  TOLL_SECTION_POOLS,
        TOLL_SECTION_TIERS,   TOLL_SECTION_ENTITLEMENTS,        TOLL_SECTION_OWNERS,  TOLL_SECTION_FX,
        TOLL_SECTION_TRUNKS,  TOLL_SECTION_TIER_ROWS,           TOLL_SECTION_CARRIERS};
    struct fixture x;
    uint64_t sum = 0;
    uint64_t seed = 5;
    unsigned accepted = 0, refused = 0;
    (void)state;

    begin(&x);
    for (unsigned round = 0; round < HOSTILE_ROUNDS; round++) {
        const enum toll_section id = sections[round % (sizeof(sections) / sizeof(sections[0]))];
        uint32_t *words = image_section(x.f.image, id);
        const size_t count = image_count(x.f.image, id, sizeof(uint32_t));
        struct toll_book *book;
        struct toll_error error;
        for (uint64_t left = 1 + random_next(&seed) % 3; left > 0; left--) {
            uint32_t *word = &words[random_next(&seed) % count];
            const uint32_t values[] = {0,          1,         2,         (uint32_t)random_next(&seed) % 64,
                                       *word + 1,  *word - 1, *word ^ 1, words[random_next(&seed) % count],
                                       UINT32_MAX, 1u << 31};
            *word = values[random_next(&seed) % (sizeof(values) / sizeof(values[0]))];
        }
        refit(x.f.image);
        if (toll_book_open_bytes(x.f.image, x.f.image_bytes, "hostile", &book, &error) == 0) {
            sum += use(book);
            toll_book_close(book);
            accepted++;
        } else {
            assert_int_equal(error.code, TOLL_EDATA);
            refused++;
        }
        memcpy(x.f.image, x.image, x.f.image_bytes);
    }
    assert_true(refused > HOSTILE_ROUNDS / 4 && accepted > HOSTILE_ROUNDS / 8 && sum > 0);
    end(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bundles_fit), cmocka_unit_test(pools_fit), cmocka_unit_test(lists_fit),
        cmocka_unit_test(sums_fit),    cmocka_unit_test(tiers_fit), cmocka_unit_test(exchange_fits),
        cmocka_unit_test(buying_fits), cmocka_unit_test(hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
