/*
 * Which taxes apply and what they come to: figures that others have published (Avalara's samples, 2018), the
 * rules of docs/TAX.md one by one, worked out by hand, and random systems of taxes on taxes whose solution is
 * put back into the rule that it must obey.
 */
#include "random.h"
#include "tax/components.h"
#include "tax_tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define PERCENT (TOLL_TAX_ONE / 100)
enum { US = 1, STATE, COUNTY, CITY }; /* jurisdictions of every world here */

struct fixture {
    struct tax_world *w;
    struct toll_arena arena;
    const struct toll_tax_index *index;
    struct toll_tax_facts facts;
    int32_t place[4];
    uint32_t rows[16];
    struct toll_tax_list list;
    int32_t telecom;
    uint32_t split;
};

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->w = tax_world_create();
    tax_jurisdiction(f->w, "US", TOLL_TAX_FEDERAL, 0);
    tax_jurisdiction(f->w, "STATE", TOLL_TAX_STATE, US);
    tax_jurisdiction(f->w, "COUNTY", TOLL_TAX_COUNTY, STATE);
    tax_jurisdiction(f->w, "CITY", TOLL_TAX_CITY, COUNTY);
    f->telecom = tax_service(f->w, "telecom");
    f->split = tax_split(f->w, 0, -1, -1, -1);
    tax_part(f->w, f->telecom, TOLL_TAX_ONE);
    for (int i = 0; i < 4; i++)
        f->place[i] = i + 1;
    f->facts = (struct toll_tax_facts){
        .place = {f->place, 4},
        .origin = {f->place, 4},
        .two_of_three = {f->place, 4},
        .split = f->split,
        .customer_class = "business",
        .seller = "us",
        .call = true,
        .jurisdiction = 3, /* interstate */
        .day = {100, 130, 90},
        .kinds = TOLL_TAX_KINDS_VOICE,
    };
}

static int try_solve(struct fixture *f, struct toll_error *error)
{
    assert_int_equal(toll_tax_index_build(&f->w->tables, &f->arena, &f->index, NULL), 0);
    f->facts.exemptions = f->rows;
    f->facts.exemption_count = (uint32_t)toll_tax_exemptions_find(f->index, 1, 1, f->rows, 16);
    return toll_tax_components(f->index, &f->facts, &f->arena, &f->list, error);
}

static void solve(struct fixture *f)
{
    struct toll_error error = {0};

    if (try_solve(f, &error) != 0)
        fail_msg("%s", error.text);
}

static void end(struct fixture *f)
{
    toll_arena_free(&f->arena);
    free(f->w);
}

static const struct toll_tax_component *find(const struct fixture *f, const struct toll_tax *tax,
                                             int32_t jurisdiction)
{
    for (uint32_t i = 0; i < f->list.count; i++) {
        const struct toll_tax_component *component = &f->list.components[i];
        if (component->tax == tax_id(f->w, tax) && component->jurisdiction == jurisdiction)
            return component;
    }
    return NULL;
}

static void assert_number(const struct toll_rational *value, const char *expected)
{
    char text[TOLL_RATIONAL_TEXT_BYTES];

    toll_rational_text(value, text);
    assert_string_equal(text, expected);
}

/* Tax and what is taxed of a charge in cents. */
static void assert_tax(const struct fixture *f, const struct toll_tax *tax, int32_t jurisdiction,
                       int64_t charge, const char *base, const char *amount)
{
    const struct toll_tax_component *component = find(f, tax, jurisdiction);
    struct toll_rational of, minutes, value;

    assert_non_null(component);
    toll_rational_of(&of, charge, 100);
    toll_rational_of(&minutes, 0, 1);
    assert_true(toll_tax_taxed_of(component, &of, &minutes, NULL, &value));
    assert_number(&value, base);
    assert_true(toll_tax_of(component, &of, &minutes, NULL, &value));
    assert_number(&value, amount);
}

/* Durham, NC, 2018-09-24: the state's sales tax stands on FUSF and the FCC's fee. */
static void test_north_carolina(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    tax_seller(f.w, "us", TOLL_FUSF_SAFE_HARBOUR, 649 * (TOLL_TAX_ONE / 1000));
    struct toll_tax *sales = tax_of(f.w, "sales", TOLL_TAX_RATE), *fusf = tax_of(f.w, "fusf", TOLL_TAX_RATE),
                    *fee = tax_of(f.w, "fcc_fee", TOLL_TAX_RATE);
    struct toll_tax_series *row = tax_row(f.w, sales, STATE, 0, 7 * PERCENT);
    tax_on(f.w, row, fusf);
    tax_on(f.w, row, fee);
    tax_row(f.w, fusf, US, 0, 179 * PERCENT / 10)->base = TOLL_TAX_BASE_INTERSTATE;
    tax_row(f.w, fee, US, 0, 302 * PERCENT / 1000)->base = TOLL_TAX_BASE_INTERSTATE;
    solve(&f);
    assert_int_equal(f.list.count, 3);
    assert_tax(&f, fusf, US, 10000, "64.9", "11.6171");
    assert_tax(&f, fee, US, 10000, "64.9", "0.195998");
    assert_tax(&f, sales, STATE, 10000, "111.813098", "7.82691686");
    assert_number(find(&f, fusf, US)->base, "0.649");
    end(&f);
}

/* San Francisco's utility users tax on 100 and five state surcharges of together 6.98 %; Puerto Rico's on 100
 * and 7.252 %, where a relay surcharge is not billed to the customer and in no base. */
static void test_billed_taxes_only(void **state)
{
    (void)state;
    static const int64_t surcharges[5] = {475, 120, 60, 23, 20}; /* 1e-4 */
    struct fixture f;
    struct toll_tax *state_taxes[5];
    char name[24];

    begin(&f);
    struct toll_tax *users = tax_of(f.w, "users", TOLL_TAX_RATE);
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "surcharge%d", i);
        state_taxes[i] = tax_of(f.w, name, TOLL_TAX_RATE);
        tax_row(f.w, state_taxes[i], STATE, 0, surcharges[i] * (PERCENT / 100));
    }
    struct toll_tax *relay = tax_of(f.w, "relay", TOLL_TAX_RATE);
    relay->billable = 0;
    tax_row(f.w, relay, STATE, 0, PERCENT);
    struct toll_tax_series *row = tax_row(f.w, users, CITY, 0, 75 * PERCENT / 10);
    for (int i = 0; i < 5; i++)
        tax_on(f.w, row, state_taxes[i]);
    tax_on(f.w, row, relay);
    solve(&f);
    assert_tax(&f, users, CITY, 10000, "106.98", "8.0235");
    assert_tax(&f, relay, STATE, 10000, "100", "1");
    end(&f);
}

/* As in Arkansas: FCC fee, FUSF on it, franchise on that, sales on that. By hand, of 1000.00 with half of it
 * interstate: fee 500 x 0.3 % = 1.5; fusf (500 + 1.5) x 20 % = 100.3; franchise (1000 + 100.3) x 4 %
 * = 44.012; sales (1000 + 44.012) x 6.5 % = 67.86078. */
static void test_four_deep(void **state)
{
    (void)state;
    struct fixture f;
    struct toll_tax_series *row;

    begin(&f);
    tax_seller(f.w, "us", TOLL_FUSF_TRAFFIC_STUDY, TOLL_TAX_ONE / 2);
    struct toll_tax *sales = tax_of(f.w, "sales", TOLL_TAX_RATE),
                    *franchise = tax_of(f.w, "franchise", TOLL_TAX_RATE),
                    *fusf = tax_of(f.w, "fusf", TOLL_TAX_RATE), *fee = tax_of(f.w, "fee", TOLL_TAX_RATE);
    row = tax_row(f.w, sales, 0, TOLL_TAX_STATE, 65 * PERCENT / 10);
    tax_on(f.w, row, franchise);
    row = tax_row(f.w, franchise, CITY, 0, 4 * PERCENT);
    tax_on(f.w, row, fusf);
    row = tax_row(f.w, fusf, US, 0, 20 * PERCENT);
    row->base = TOLL_TAX_BASE_INTERSTATE;
    tax_on(f.w, row, fee);
    tax_row(f.w, fee, US, 0, 3 * PERCENT / 10)->base = TOLL_TAX_BASE_INTERSTATE;
    solve(&f);
    assert_tax(&f, fee, US, 100000, "500", "1.5");
    assert_tax(&f, fusf, US, 100000, "501.5", "100.3");
    assert_tax(&f, franchise, CITY, 100000, "1100.3", "44.012");
    assert_tax(&f, sales, STATE, 100000, "1044.012", "67.86078");
    assert_int_equal(f.list.order[0], 3);
    assert_int_equal(f.list.order[3], 0);
    end(&f);
}

/* New York: docs/TAX.md 8.2; 2.5 % of 0.19381 in that system is half a cent exactly; a tax on both comes
 * behind the cycle. */
static void test_new_york(void **state)
{
    (void)state;
    struct fixture f;
    struct toll_tax_series *row;

    begin(&f);
    struct toll_tax *city = tax_of(f.w, "city", TOLL_TAX_RATE),
                    *excise = tax_of(f.w, "excise", TOLL_TAX_RATE),
                    *levy = tax_of(f.w, "levy", TOLL_TAX_RATE);
    row = tax_row(f.w, city, CITY, 0, 10 * PERCENT);
    tax_on(f.w, row, excise);
    tax_on(f.w, row, levy);
    row = tax_row(f.w, excise, STATE, 0, 25 * PERCENT / 10);
    tax_on(f.w, row, excise);
    tax_on(f.w, row, levy);
    row = tax_row(f.w, levy, STATE, 0, 595 * PERCENT / 1000);
    tax_on(f.w, row, excise);
    tax_on(f.w, row, levy);
    solve(&f);
    assert_tax(&f, excise, STATE, 10000, "2000000/19381", "50000/19381");
    assert_tax(&f, levy, STATE, 10000, "2000000/19381", "11900/19381");
    assert_tax(&f, city, CITY, 10000, "2000000/19381", "200000/19381");
    assert_tax(&f, excise, STATE, 19381, "200", "5");
    end(&f);
}

/* A cycle that stands on a capped tax is late, and a sum with it. */
static void test_late_cycle(void **state)
{
    (void)state;
    struct fixture f;
    struct toll_tax_series *row;

    begin(&f);
    struct toll_tax *capped = tax_of(f.w, "capped", TOLL_TAX_RATE),
                    *excise = tax_of(f.w, "excise", TOLL_TAX_RATE),
                    *levy = tax_of(f.w, "levy", TOLL_TAX_RATE);
    tax_row(f.w, capped, STATE, 0, 10 * PERCENT)->cap = TOLL_MONEY_UNIT;
    row = tax_row(f.w, excise, STATE, 0, 20 * PERCENT);
    tax_on(f.w, row, capped);
    tax_on(f.w, row, levy);
    tax_on(f.w, tax_row(f.w, levy, STATE, 0, 50 * PERCENT), excise);
    solve(&f); /* e = 0.2 (c + x + l), l = 0.5 (c + e): e = (0.3 c + 0.2 x) / 0.9 */
    const struct toll_tax_component *e = find(&f, excise, STATE), *l = find(&f, levy, STATE);
    assert_true(e->late && l->late && !e->source && !l->source);
    assert_number(e->per_charge, "1/3");
    assert_number(l->per_charge, "2/3");
    assert_int_equal(e->term_count, 1);
    assert_number(e->terms[0].tax, "2/9");
    assert_number(l->terms[0].tax, "1/9");
    assert_number(l->terms[0].taxed, "2/9");
    end(&f);
}

/* Together they take all of a charge: 60 % in the state and 40 % in the county of all that the tax comes to;
 * and one that stands on itself behind a cap. */
static void test_no_solution(void **state)
{
    (void)state;
    struct fixture f;
    struct toll_error error = {0};

    begin(&f);
    struct toll_tax *greedy = tax_of(f.w, "greedy", TOLL_TAX_RATE);
    tax_on(f.w, tax_row(f.w, greedy, STATE, 0, 60 * PERCENT), greedy);
    tax_on(f.w, tax_row(f.w, greedy, COUNTY, 0, 40 * PERCENT), greedy);
    assert_int_equal(try_solve(&f, &error), TOLL_EDATA);
    assert_non_null(strstr(error.text, "taxes.csv:2: tax \"greedy\""));
    f.w->brackets[1].rate = 30 * PERCENT; /* now 90 %: ten times the charge is taxed */
    solve(&f);
    assert_tax(&f, greedy, STATE, 10000, "1000", "600");
    assert_tax(&f, greedy, COUNTY, 10000, "1000", "300");
    f.w->brackets[1].rate = 60 * PERCENT;
    assert_int_equal(try_solve(&f, &error), TOLL_EDATA);
    f.w->brackets[1].rate = 0;
    f.w->series[0].cap = TOLL_MONEY_UNIT;
    assert_int_equal(try_solve(&f, &error), TOLL_EDATA);
    end(&f);
}

/* A jurisdiction's own series takes its tax services from that of the level; the rest stays. */
static void test_named_wins_by_service(void **state)
{
    (void)state;
    struct fixture f;

    begin(&f);
    const int32_t data = tax_service(f.w, "data"), voice = tax_service(f.w, "voice");
    f.facts.split = tax_split(f.w, 0, -1, -1, -1);
    tax_part(f.w, data, TOLL_TAX_ONE * 4 / 10);
    tax_part(f.w, voice, TOLL_TAX_ONE * 6 / 10);
    struct toll_tax *sales = tax_of(f.w, "sales", TOLL_TAX_RATE);
    tax_row(f.w, sales, 0, TOLL_TAX_STATE, 5 * PERCENT);
    struct toll_tax_series *named = tax_row(f.w, sales, STATE, 0, 10 * PERCENT);
    tax_for_service(f.w, named, voice);
    struct toll_tax_series *none = tax_row(f.w, sales, STATE, 0, 99 * PERCENT);
    tax_for_service(f.w, none, f.telecom);
    solve(&f);
    assert_int_equal(f.list.count, 2);
    assert_int_equal(f.list.components[0].share, TOLL_TAX_ONE * 4 / 10);
    assert_number(f.list.components[0].per_charge, "0.02");
    assert_int_equal(f.list.components[1].share, TOLL_TAX_ONE * 6 / 10);
    assert_number(f.list.components[1].per_charge, "0.06");
    f.facts.split = 0; /* no tax service: only what is for all */
    solve(&f);
    assert_int_equal(f.list.count, 1);
    assert_number(f.list.components[0].per_charge, "0.05");
    f.facts.split = 2;
    named->service_count = 0; /* for all: takes everything */
    solve(&f);
    assert_int_equal(f.list.count, 1);
    assert_number(f.list.components[0].per_charge, "0.1");
    end(&f);
}

/* Dates by basis, classes, kinds, and levels that are not there. */
static void test_conditions(void **state)
{
    (void)state;
    struct fixture f;

    begin(&f);
    struct toll_tax *by_call = tax_of(f.w, "by_call", TOLL_TAX_RATE),
                    *by_bill = tax_of(f.w, "by_bill", TOLL_TAX_RATE),
                    *by_period = tax_of(f.w, "by_period", TOLL_TAX_RATE),
                    *homes = tax_of(f.w, "homes", TOLL_TAX_RATE),
                    *line = tax_of(f.w, "line", TOLL_TAX_PER_LINE),
                    *minute = tax_of(f.w, "minute", TOLL_TAX_PER_MINUTE);
    by_bill->date_basis = TOLL_TAX_DATE_BILL;
    by_period->date_basis = TOLL_TAX_DATE_PERIOD;
    struct toll_tax *dated[3] = {by_call, by_bill, by_period};
    for (int i = 0; i < 3; i++) {
        struct toll_tax_series *old = tax_row(f.w, dated[i], US, 0, PERCENT);
        old->until = 100;
        struct toll_tax_series *now = tax_row(f.w, dated[i], US, 0, 2 * PERCENT);
        now->from = 100;
        now->until = 130;
    }
    struct toll_tax_series *home = tax_row(f.w, homes, US, 0, PERCENT);
    tax_for_class(f.w, home, "home");
    tax_row(f.w, line, US, 0, TOLL_MONEY_UNIT / 2);
    tax_row(f.w, minute, 0, TOLL_TAX_CITY, TOLL_MONEY_UNIT / 250);
    tax_row(f.w, minute, 0, TOLL_TAX_DISTRICT, TOLL_MONEY_UNIT);
    solve(&f);
    assert_int_equal(f.list.count, 3);
    assert_number(find(&f, by_call, US)->per_charge, "0.02");
    assert_null(find(&f, by_bill, US)); /* day 130: past its end */
    assert_number(find(&f, by_period, US)->per_charge, "0.01");
    assert_number(find(&f, minute, CITY)->per_minute, "0.004");
    assert_number(find(&f, minute, CITY)->per_charge, "0");
    tax_for_class(f.w, home, "business");
    f.facts.kinds = TOLL_TAX_KINDS_SERVICE;
    solve(&f);
    assert_int_equal(f.list.count, 4);
    assert_non_null(find(&f, homes, US));
    assert_true(find(&f, line, US)->source);
    assert_false(find(&f, line, US)->late);
    assert_number(find(&f, line, US)->per_unit, "0.5");
    end(&f);
}

static struct toll_tax_exemption *exempt(struct fixture *f, int percent)
{
    return tax_exemption(f->w, (int32_t)(percent * (TOLL_TAX_PERCENT_ONE / 100)));
}

/* Cells that match, descendants, the highest percent, taxes that must be named; what is exempt is in no base.
 */
static void test_exemptions(void **state)
{
    (void)state;
    struct fixture f;

    begin(&f);
    struct toll_tax *city = tax_of(f.w, "city", TOLL_TAX_RATE), *e911 = tax_of(f.w, "e911", TOLL_TAX_RATE),
                    *sales = tax_of(f.w, "sales", TOLL_TAX_RATE);
    city->category = sales->category = tax_text(f.w, "sales");
    e911->category = tax_text(f.w, "e911");
    e911->exempt_named = 1;
    tax_on(f.w, tax_row(f.w, city, CITY, 0, 10 * PERCENT), sales);
    tax_row(f.w, e911, CITY, 0, PERCENT);
    tax_row(f.w, sales, STATE, 0, 20 * PERCENT);
    exempt(&f, 25)->jurisdiction = COUNTY;             /* 1: city and e911 by descent; not the state's */
    exempt(&f, 60)->level = TOLL_TAX_STATE;            /* 2: sales */
    exempt(&f, 50)->category = tax_text(f.w, "sales"); /* 3: city, sales; less than 2 */
    exempt(&f, 90)->account = 2;                       /* 4: another's */
    exempt(&f, 95)->site = 2;                          /* 5: another's */
    exempt(&f, 99)->from = 101;                        /* 6: later */
    solve(&f);
    assert_int_equal(f.facts.exemption_count, 4);
    assert_int_equal(find(&f, city, CITY)->exemption, 3);
    assert_int_equal(find(&f, sales, STATE)->exemption, 2);
    assert_int_equal(find(&f, e911, CITY)->exempt, 0); /* not named */
    assert_tax(&f, sales, STATE, 10000, "40", "8");
    assert_tax(&f, city, CITY, 10000, "54", "5.4"); /* half of 100 + 8 */
    assert_tax(&f, e911, CITY, 10000, "100", "1");
    struct toll_tax_exemption *named = exempt(&f, 100);
    named->tax = tax_id(f.w, e911);
    named->account = 1;
    named->site = 1;
    struct toll_tax_exemption *elsewhere = exempt(&f, 100);
    elsewhere->account = 1;
    elsewhere->site = 2;
    solve(&f);
    assert_int_equal(find(&f, e911, CITY)->exempt, TOLL_TAX_PERCENT_ONE);
    assert_tax(&f, e911, CITY, 10000, "0", "0");
    assert_number(find(&f, e911, CITY)->base, "1");
    assert_int_equal(f.facts.exemption_count, 5);
    end(&f);
}

/* Retail taxes of a reseller are listed, exempt; those on resale are not for retail. */
static void test_resale(void **state)
{
    (void)state;
    struct fixture f;

    begin(&f);
    struct toll_tax *any = tax_of(f.w, "any", TOLL_TAX_RATE), *retail = tax_of(f.w, "retail", TOLL_TAX_RATE),
                    *resale = tax_of(f.w, "resale", TOLL_TAX_RATE);
    retail->exempt_named = 1;
    tax_row(f.w, any, US, 0, PERCENT)->sale = TOLL_TAX_ANY_SALE;
    tax_row(f.w, retail, US, 0, PERCENT);
    tax_row(f.w, resale, US, 0, PERCENT)->sale = TOLL_TAX_RESALE;
    solve(&f);
    assert_int_equal(f.list.count, 2);
    assert_tax(&f, retail, US, 10000, "100", "1");
    f.facts.resale = true;
    solve(&f);
    assert_int_equal(f.list.count, 3);
    assert_tax(&f, any, US, 10000, "100", "1");
    assert_tax(&f, retail, US, 10000, "0", "0");
    assert_true(find(&f, retail, US)->resale);
    assert_tax(&f, resale, US, 10000, "100", "1");
    end(&f);
}

/* The interstate share by seller, tax service, method and call. */
static void test_interstate(void **state)
{
    (void)state;
    enum { INDETERMINATE, LOCAL, INTRASTATE, INTERSTATE, INTERNATIONAL };
    static const char *const actual[] = {"0.25", "0", "0", "1", "1"};
    struct fixture f;

    begin(&f);
    const int32_t data = tax_service(f.w, "data"), voice = tax_service(f.w, "voice");
    struct toll_tax *fusf = tax_of(f.w, "fusf", TOLL_TAX_RATE), *psc = tax_of(f.w, "psc", TOLL_TAX_RATE);
    tax_row(f.w, fusf, US, 0, 10 * PERCENT)->base = TOLL_TAX_BASE_INTERSTATE;
    tax_row(f.w, psc, STATE, 0, 10 * PERCENT)->base = TOLL_TAX_BASE_INTRASTATE;
    solve(&f);
    assert_int_equal(f.list.reason, TOLL_TAX_NO_SELLER); /* nobody has said */
    assert_int_equal(f.list.count, 0);
    assert_int_equal(f.list.tax, tax_id(f.w, fusf));
    struct toll_tax_seller *of_voice = tax_seller(f.w, "us", TOLL_FUSF_SAFE_HARBOUR, TOLL_TAX_ONE / 2);
    of_voice->service_first = f.w->tables.id_count;
    of_voice->service_count = 1;
    f.w->ids[f.w->tables.id_count++] = voice;
    struct toll_tax_seller *of_all = tax_seller(f.w, "us", TOLL_FUSF_ACTUAL, TOLL_TAX_ONE / 4);
    tax_seller(f.w, "uz", TOLL_FUSF_SAFE_HARBOUR, 0);
    for (int jurisdiction = INDETERMINATE; jurisdiction <= INTERNATIONAL; jurisdiction++) {
        f.facts.jurisdiction = jurisdiction;
        solve(&f);
        assert_number(find(&f, fusf, US)->base, actual[jurisdiction]);
    }
    assert_number(find(&f, psc, STATE)->base, "0");
    f.facts.call = false;
    solve(&f);
    assert_number(find(&f, fusf, US)->base, "0.25");
    f.facts.split = tax_split(f.w, 0, -1, -1, -1);
    tax_part(f.w, data, TOLL_TAX_ONE * 2 / 10); /* 0.2 x 0.25 + 0.8 x 0.5 */
    tax_part(f.w, voice, TOLL_TAX_ONE * 8 / 10);
    solve(&f);
    assert_number(find(&f, fusf, US)->base, "0.45");
    assert_number(find(&f, psc, STATE)->base, "0.55");
    of_all->until = 100; /* its last day was the one before */
    solve(&f);
    assert_int_equal(f.list.reason, TOLL_TAX_NO_SELLER);
    of_all->until = TOLL_TAX_DAY_MAX;
    of_all->from = 101;
    solve(&f);
    assert_int_equal(f.list.reason, TOLL_TAX_NO_SELLER);
    of_all->from = 100;
    solve(&f);
    assert_int_equal(f.list.reason, TOLL_TAX_TAXED);
    of_all->share = -1;
    solve(&f);
    assert_int_equal(f.list.reason, TOLL_TAX_NO_SELLER);
    f.facts.seller = "";
    solve(&f);
    assert_int_equal(f.list.reason, TOLL_TAX_NO_SELLER);
    end(&f);
}

/* Sources: a capped tax, and a fee per line; what stands on them is a sum with their taxes. */
static void test_sources(void **state)
{
    (void)state;
    struct fixture f;
    struct toll_tax_series *row;

    begin(&f);
    struct toll_tax *capped = tax_of(f.w, "capped", TOLL_TAX_RATE),
                    *fee = tax_of(f.w, "fee", TOLL_TAX_PER_LINE), *on = tax_of(f.w, "on", TOLL_TAX_RATE),
                    *top = tax_of(f.w, "top", TOLL_TAX_RATE);
    row = tax_row(f.w, capped, STATE, 0, 10 * PERCENT);
    row->cap = TOLL_MONEY_UNIT;
    tax_on(f.w, row, fee);
    tax_row(f.w, fee, CITY, 0, TOLL_MONEY_UNIT / 2);
    tax_on(f.w, tax_row(f.w, on, CITY, 0, 20 * PERCENT), fee);
    row = tax_row(f.w, top, US, 0, 50 * PERCENT);
    tax_on(f.w, row, capped);
    tax_on(f.w, row, fee);
    tax_on(f.w, row, on);
    exempt(&f, 50)->tax = tax_id(f.w, fee);
    f.facts.kinds = TOLL_TAX_KINDS_SERVICE;
    solve(&f);
    const struct toll_tax_component *c = find(&f, capped, STATE), *o = find(&f, on, CITY),
                                    *t = find(&f, top, US);
    assert_true(c->source && c->bracketed && c->late);
    assert_number(c->per_charge, "0");
    assert_number(c->taxed_per_charge, "1");
    assert_int_equal(c->term_count, 1);
    assert_int_equal(c->terms[0].source, 1);
    assert_number(c->terms[0].taxed, "1");
    assert_number(find(&f, fee, CITY)->per_unit, "0.25"); /* half is exempt */
    assert_false(o->late);
    assert_number(o->per_charge, "0.2");
    assert_number(o->terms[0].tax, "0.2");
    assert_true(t->late && !t->source);
    assert_int_equal(t->term_count, 2); /* of the charge 0.5 x 1.2; of the fee 0.5 x 1.2 */
    assert_number(t->per_charge, "0.6");
    assert_number(t->terms[0].tax, "0.5");
    assert_number(t->terms[1].tax, "0.6");
    struct toll_rational sources[4], charge, minutes, value; /* the fee 3, the capped one 1, of 10 */
    toll_rational_of(&sources[0], 1, 1);
    toll_rational_of(&sources[1], 3, 1);
    toll_rational_of(&charge, 10, 1);
    toll_rational_of(&minutes, 0, 1);
    assert_true(toll_tax_of(t, &charge, &minutes, sources, &value)); /* 0.5 (10 + 1 + 3 + 2.6) */
    assert_number(&value, "8.3");
    f.w->series[0].cap = INT64_MAX;
    f.w->series[0].threshold = 1;
    solve(&f);
    assert_true(find(&f, capped, STATE)->bracketed);
    f.w->series[0].threshold = 0;
    f.w->series[0].bracket_count = 2;
    solve(&f);
    assert_true(find(&f, capped, STATE)->bracketed);
    f.w->series[0].bracket_count = 1;
    solve(&f);
    assert_false(find(&f, capped, STATE)->source);
    end(&f);
}

/* By origin and by two of three. */
static void test_sourcing(void **state)
{
    (void)state;
    static const int32_t texas[] = {US, COUNTY}, both[] = {US};
    static const int32_t one[] = {1, 2, 5}, two[] = {2, 3}, three[] = {3, 4, 5};
    struct fixture f;
    int32_t in_two[8];

    begin(&f);
    struct toll_tax *site = tax_of(f.w, "site", TOLL_TAX_RATE),
                    *origin = tax_of(f.w, "origin", TOLL_TAX_RATE),
                    *goldberg = tax_of(f.w, "two", TOLL_TAX_RATE);
    origin->sourcing = TOLL_TAX_BY_ORIGIN;
    goldberg->sourcing = TOLL_TAX_TWO_OF_THREE;
    struct toll_tax *all[3] = {site, origin, goldberg};
    for (int i = 0; i < 3; i++) {
        for (int level = TOLL_TAX_FEDERAL; level <= TOLL_TAX_CITY; level++)
            tax_row(f.w, all[i], 0, level, PERCENT);
    }
    f.w->tables.origin = f.w->tables.two_of_three = f.w->tables.legs = true;
    f.facts.origin = (struct toll_tax_set){texas, 2};
    f.facts.two_of_three = (struct toll_tax_set){both, 1};
    solve(&f);
    assert_int_equal(f.list.count, 7);
    assert_non_null(find(&f, origin, COUNTY));
    assert_null(find(&f, origin, STATE));
    assert_non_null(find(&f, goldberg, US));
    const struct toll_tax_set sets[3] = {{one, 3}, {two, 2}, {three, 3}};
    assert_int_equal(toll_tax_in_two(sets, in_two), 3);
    assert_true(in_two[0] == 2 && in_two[1] == 3 && in_two[2] == 5);
    end(&f);
}

static void test_splits(void **state)
{
    (void)state;
    struct fixture f;
    char text[64];

    begin(&f);
    struct tax_world *w = f.w;
    w->tables.split_count = 1;
    w->tables.split_part_count = 0;
    const int32_t line = tax_product(w, "line"), bundle = tax_product(w, "bundle");
    const int32_t data = tax_service(w, "data"), voice = tax_service(w, "voice");
    const uint32_t two = tax_split(w, line, 0, -1, -1);
    tax_part(w, voice, TOLL_TAX_ONE);
    const uint32_t by_service = tax_split(w, 0, 0, -1, -1);
    tax_part(w, voice, TOLL_TAX_ONE);
    const uint32_t by_product = tax_split(w, bundle, -1, -1, -1);
    tax_part(w, data, TOLL_TAX_ONE * 4 / 10);
    tax_part(w, voice, TOLL_TAX_ONE * 6 / 10);
    const uint32_t of_line = tax_split(w, line, -1, -1, -1);
    tax_part(w, voice, TOLL_TAX_ONE);
    assert_int_equal(toll_tax_index_build(&w->tables, &f.arena, &f.index, NULL), 0);
    assert_int_equal(toll_tax_split_find(f.index, line, 0, 0, 3), two);
    assert_int_equal(toll_tax_split_find(f.index, line, 1, 0, 3), of_line);
    assert_int_equal(toll_tax_split_find(f.index, line, -1, -1, -1), of_line);
    assert_int_equal(toll_tax_split_find(f.index, bundle, 0, 0, 3), by_service);
    assert_int_equal(toll_tax_split_find(f.index, bundle, -1, -1, -1), by_product);
    assert_int_equal(toll_tax_split_find(f.index, 0, 0, 0, 0), by_service);
    assert_int_equal(toll_tax_split_find(f.index, 0, 1, 0, 0), 0);
    assert_true(toll_tax_split_text(&w->tables, by_product, text, sizeof text));
    assert_string_equal(text, "data:0.4;voice:0.6");
    assert_true(toll_tax_split_text(&w->tables, by_service, text, sizeof text));
    assert_string_equal(text, "voice");
    assert_true(toll_tax_split_text(&w->tables, 0, text, sizeof text));
    assert_string_equal(text, "");
    assert_false(toll_tax_split_text(&w->tables, by_product, text, 18));
    end(&f);
}

/* ---- random systems ---- */

/* Each tax is what the rule says of all the others: tax = rate x taxed x (base + taxes in on_taxes). */
static void assert_obeys(const struct fixture *f)
{
    struct toll_rational *tax = calloc(f->list.count, sizeof *tax), charge, minutes;

    toll_rational_of(&charge, 123457, 100);
    toll_rational_of(&minutes, 7, 60);
    for (uint32_t i = 0; i < f->list.count; i++)
        assert_true(toll_tax_of(&f->list.components[i], &charge, &minutes, NULL, &tax[i]));
    for (uint32_t i = 0; i < f->list.count; i++) {
        const struct toll_tax_component *component = &f->list.components[i];
        const struct toll_tax_series *series = &f->w->series[component->series];
        struct toll_rational sum, factor, taxed;

        if (f->w->taxes[component->tax].kind == TOLL_TAX_PER_MINUTE)
            continue;
        assert_true(toll_rational_multiply(&sum, component->base, &charge));
        for (uint32_t k = 0; k < series->on_count; k++) {
            const int32_t on = f->w->ids[series->on_first + k];
            for (uint32_t j = 0; f->w->taxes[on].billable && j < f->list.count; j++) {
                if (f->list.components[j].tax == on)
                    assert_true(toll_rational_add(&sum, &sum, &tax[j]));
            }
        }
        toll_rational_of(&factor, TOLL_TAX_PERCENT_ONE - component->exempt, TOLL_TAX_PERCENT_ONE);
        assert_true(toll_rational_multiply(&sum, &sum, &factor));
        assert_true(toll_tax_taxed_of(component, &charge, &minutes, NULL, &taxed));
        assert_int_equal(toll_rational_compare(&sum, &taxed), 0);
        toll_rational_of(&factor, f->w->brackets[series->bracket_first].rate, TOLL_TAX_ONE);
        assert_true(toll_rational_multiply(&sum, &sum, &factor));
        assert_int_equal(toll_rational_compare(&sum, &tax[i]), 0);
        assert_false(tax[i].negative);
    }
    free(tax);
}

static void random_system(struct fixture *f, uint64_t *seed, int taxes, int cycles)
{
    char name[24];

    begin(f);
    for (int i = 0; i < taxes; i++) {
        snprintf(name, sizeof name, "t%03d", i);
        struct toll_tax *tax =
            tax_of(f->w, name, random_next(seed) % 9 == 0 ? TOLL_TAX_PER_MINUTE : TOLL_TAX_RATE);
        tax->billable = random_next(seed) % 8 != 0;
    }
    for (int i = 1; i <= taxes; i++) {
        const struct toll_tax *tax = &f->w->taxes[i];
        const int rows = 1 + (int)(random_next(seed) % 2);
        for (int row = 0; row < rows; row++) {
            const int64_t rate = (int64_t)(random_next(seed) % 400) * (PERCENT / 1000);
            struct toll_tax_series *series = tax_row(f->w, tax, (int32_t)(1 + row * 2), 0, rate);
            const uint64_t reach = (uint64_t)(i + cycles < taxes ? i + cycles : taxes); /* above i: a cycle */
            uint64_t on = reach > 12 ? reach - 12 : 0;
            for (on += random_next(seed) % 5; tax->kind == TOLL_TAX_RATE && on < reach;
                 on += 1 + random_next(seed) % 5)
                tax_on(f->w, series, &f->w->taxes[on + 1]);
        }
    }
    for (int i = 0; i < 3; i++) {
        struct toll_tax_exemption *row = exempt(f, (int)(random_next(seed) % 101));
        row->tax = 1 + (int32_t)(random_next(seed) % (uint64_t)taxes);
    }
}

static void test_random_systems(void **state)
{
    (void)state;
    uint64_t seed = 7;
    struct fixture f;

    for (int i = 0; i < 300; i++) {
        random_system(&f, &seed, 3 + i % 12, i % 4);
        solve(&f);
        assert_obeys(&f);
        end(&f);
    }
}

/* 200 taxes, each on some before it but no longer chain than the rates' decimals allow. */
static void test_two_hundred(void **state)
{
    (void)state;
    struct fixture f;
    char name[24];

    begin(&f);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "t%03d", i);
        struct toll_tax_series *row =
            tax_row(f.w, tax_of(f.w, name, TOLL_TAX_RATE), US, 0, (i + 1) * (PERCENT / 100));
        for (int j = i - i % 10; j < i; j++)
            tax_on(f.w, row, &f.w->taxes[j + 1]);
        if (i % 10 == 9) /* and the last of ten with itself */
            tax_on(f.w, row, &f.w->taxes[i + 1]);
    }
    solve(&f);
    assert_int_equal(f.list.count, 200);
    assert_obeys(&f);
    end(&f);
}

/* A chain of rates with 12 decimals each, too long for 1,024 bits: said, with the tax. */
static void test_too_wide(void **state)
{
    (void)state;
    struct fixture f;
    struct toll_error error = {0};
    char name[24];

    begin(&f);
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "t%03d", i);
        struct toll_tax_series *row =
            tax_row(f.w, tax_of(f.w, name, TOLL_TAX_RATE), US, 0, 999999999 + 2 * i);
        if (i > 0)
            tax_on(f.w, row, &f.w->taxes[i]);
    }
    assert_int_equal(try_solve(&f, &error), TOLL_EDATA);
    assert_non_null(strstr(error.text, "needs more than 1024 bits"));
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_north_carolina),
        cmocka_unit_test(test_billed_taxes_only),
        cmocka_unit_test(test_four_deep),
        cmocka_unit_test(test_new_york),
        cmocka_unit_test(test_late_cycle),
        cmocka_unit_test(test_no_solution),
        cmocka_unit_test(test_named_wins_by_service),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_exemptions),
        cmocka_unit_test(test_resale),
        cmocka_unit_test(test_interstate),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_sourcing),
        cmocka_unit_test(test_splits),
        cmocka_unit_test(test_random_systems),
        cmocka_unit_test(test_two_hundred),
        cmocka_unit_test(test_too_wide),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
