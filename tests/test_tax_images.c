/* Tables of taxes in images that somebody changed and sealed again. */
#include "fuzz/tax_use.h"
#include "image_fixture.h"
#include "random.h"
#include "ratetable/tax_stale.h"

struct fixture {
    struct book_fixture f;
    uint8_t *image; /* as it was compiled */
    struct toll_tax_jurisdiction *jurisdictions;
    struct toll_tax_area *areas;
    int32_t *area_jurisdictions, *ids, *changes;
    struct toll_tax_seller *sellers;
    uint32_t *services, *products, *texts;
    struct toll_tax_split *splits;
    struct toll_tax_split_part *parts;
    struct toll_tax *taxes;
    struct toll_tax_line_basis *bases;
    struct toll_tax_series *series;
    struct toll_tax_bracket *brackets;
    struct toll_tax_exemption *exemptions;
    struct toll_charge *charges;
    struct toll_inventory_row *inventory;
    struct toll_account *accounts;
    struct toll_site *sites;
    struct toll_rule *rules;
    struct toll_tiers *tiers;
    struct toll_book_meta *meta;
};

/* Taxes: alone, fee (per line), levy (brackets, late), over (on levy: late). */
static void begin(struct fixture *x)
{
    struct book_fixture *f = &x->f;

    memset(x, 0, sizeof(*x));
    book_begin(f);
    book_file(f, "accounts.csv", "account,class,sale,seller,tax_site\nacme,biz,resale,s,hq\nbeta,,,,\n");
    book_file(f, "sites.csv", "site,account,area\nhq,acme,a\nbr,beta,b\nlab,acme,\n");
    book_file(f, "tax_jurisdictions.csv",
              "id,level,state,fips,parent\nUS,federal,,,\nTX,state,TX,48,US\n"
              "travis,county,TX,48453,TX\nNY,state,NY,,US\n");
    book_file(f, "tax_areas.csv", "area,tax_jurisdiction\na,travis\nb,NY\n");
    book_file(f, "sellers.csv",
              "seller,fusf_method,interstate_share,tax_services,to\ns,traffic_study,0.5,voice,\n"
              "s,actual,,,2026-05-01\nt,actual,,,\n");
    book_file(f, "tax_map.csv",
              "tax_service,product,service,class,jurisdiction,share\ntelecom,,,,,\n"
              "voice,p,voice,,,0.4\ndata,p,voice,,,0.6\n");
    book_file(f, "plan_rules.csv", "plan,action,deck,tiers,product\np,deck,d,,p\np,tiers,,t,\n");
    book_file(f, "tiers.csv", "tiers,rate,unit,product\nt,0.01,message,q\n");
    book_file(f, "taxes.csv",
              "tax,tax_jurisdiction,level,kind,rate,amount,bracket_from,bracket_to,on_taxes,tax_services,"
              "customer_classes,line_basis,from,to,as_of,cadence,sourcing\n"
              "levy,TX,,,1%,,,10,,,,,,,,,\n"
              "levy,TX,,,2%,,10,,,,,,,,,,\n"
              "over,,state,,3%,,,,alone;levy,data;voice,biz;home,,2026-01-01,2026-03-01,,,origin\n"
              "over,,state,,3%,,,,alone;levy,data;voice,biz;home,,2026-03-01,,,,origin\n"
              "alone,travis,,,4%,,,,,,,,,,2026-01-31,month,\n"
              "fee,TX,,per_line,,0.5,,,,,,number;pri:23,,,,,\n");
    book_file(f, "exemptions.csv",
              "account,site,tax_jurisdiction,level,category,tax,percent,from,to\n"
              "acme,hq,TX,,,levy,50,2026-02-01,2026-04-01\n");
    book_file(f, "charges.csv",
              "account,product,kind,amount,site,from\nacme,p,recurring,1,hq,\n"
              "beta,q,fee,2,,2026-01-01\n");
    book_file(f, "services.csv", "service,account,type,site,product\ns1,acme,number,hq,p\n");
    book_good(f);
    x->image = malloc(f->image_bytes);
    memcpy(x->image, f->image, f->image_bytes);
    x->jurisdictions = image_section(f->image, TOLL_SECTION_TAX_JURISDICTIONS);
    x->areas = image_section(f->image, TOLL_SECTION_TAX_AREAS);
    x->area_jurisdictions = image_section(f->image, TOLL_SECTION_TAX_AREA_JURISDICTIONS);
    x->ids = image_section(f->image, TOLL_SECTION_TAX_IDS);
    x->changes = image_section(f->image, TOLL_SECTION_TAX_CHANGES);
    x->sellers = image_section(f->image, TOLL_SECTION_TAX_SELLERS);
    x->services = image_section(f->image, TOLL_SECTION_TAX_SERVICES);
    x->products = image_section(f->image, TOLL_SECTION_PRODUCTS);
    x->texts = image_section(f->image, TOLL_SECTION_TAX_TEXTS);
    x->splits = image_section(f->image, TOLL_SECTION_TAX_SPLITS);
    x->parts = image_section(f->image, TOLL_SECTION_TAX_SPLIT_PARTS);
    x->taxes = image_section(f->image, TOLL_SECTION_TAXES);
    x->bases = image_section(f->image, TOLL_SECTION_TAX_LINE_BASES);
    x->series = image_section(f->image, TOLL_SECTION_TAX_SERIES);
    x->brackets = image_section(f->image, TOLL_SECTION_TAX_BRACKETS);
    x->exemptions = image_section(f->image, TOLL_SECTION_TAX_EXEMPTIONS);
    x->charges = image_section(f->image, TOLL_SECTION_CHARGES);
    x->inventory = image_section(f->image, TOLL_SECTION_INVENTORY);
    x->accounts = image_section(f->image, TOLL_SECTION_ACCOUNTS);
    x->sites = image_section(f->image, TOLL_SECTION_SITES);
    x->rules = image_section(f->image, TOLL_SECTION_RULES);
    x->tiers = image_section(f->image, TOLL_SECTION_TIERS);
    x->meta = image_section(f->image, TOLL_SECTION_META);
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

/* NY TX US travis; a: TX US travis, b: NY US */
static void places_fit(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    REFUSED(x.jurisdictions[0].line = 1, "the empty tax jurisdiction");
    REFUSED(x.jurisdictions[1].id = UINT32_MAX, "a tax jurisdiction");
    REFUSED(x.jurisdictions[1].name = UINT32_MAX, "a tax jurisdiction");
    REFUSED(x.jurisdictions[1].state = UINT32_MAX, "a tax jurisdiction");
    REFUSED(x.jurisdictions[1].fips = UINT32_MAX, "a tax jurisdiction");
    REFUSED(x.jurisdictions[1].level = TOLL_TAX_LEVELS, "a tax jurisdiction");
    REFUSED(x.jurisdictions[1].level = -1, "a tax jurisdiction");
    REFUSED(x.jurisdictions[1].spare = 1, "a tax jurisdiction");
    REFUSED(x.jurisdictions[1].parent = 5, "a tax jurisdiction");
    REFUSED(x.jurisdictions[1].parent = -1, "a tax jurisdiction");
    REFUSED(x.jurisdictions[1].parent = 1, "a tax jurisdiction"); /* its own */
    REFUSED(x.jurisdictions[1].parent = 2, "a tax jurisdiction"); /* of its level */
    REFUSED(x.jurisdictions[3].parent = 4, "a tax jurisdiction"); /* a circle */
    REFUSED(x.jurisdictions[2].id = x.jurisdictions[1].id, "the order of the tax jurisdictions");
    REFUSED(x.areas[0].count = 1, "the empty tax area");
    REFUSED(x.areas[1].area = UINT32_MAX, "a tax area");
    REFUSED(x.areas[1].first = 3, "a tax area");
    REFUSED(x.areas[1].count = UINT32_MAX, "a tax area");
    REFUSED(x.areas[2].area = x.areas[1].area, "the order of the tax areas");
    REFUSED(x.area_jurisdictions[0] = 0, "a tax area's jurisdictions");
    REFUSED(x.area_jurisdictions[0] = 5, "a tax area's jurisdictions");
    REFUSED(x.area_jurisdictions[1] = x.area_jurisdictions[0], "a tax area's jurisdictions");
    REFUSED(x.sites[1].area = 3, "a site's tax area");
    REFUSED(x.sites[1].area = -1, "a site's tax area");
    end(&x);
}

static void splits_fit(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    REFUSED(x.services[0] = 1, "the names of tax services or products");
    REFUSED(x.services[1] = UINT32_MAX, "the names of tax services or products");
    REFUSED(x.services[2] = x.services[1], "the names of tax services or products");
    REFUSED(x.products[2] = x.products[1], "the names of tax services or products");
    REFUSED(x.splits[0].line = 1, "the empty split");
    REFUSED(x.splits[1].product = 3, "a split");
    REFUSED(x.splits[1].product = -1, "a split");
    REFUSED(x.splits[1].service = 5, "a split");
    REFUSED(x.splits[1].class_ = -2, "a split");
    REFUSED(x.splits[1].jurisdiction = 5, "a split");
    REFUSED(x.splits[1].spare = 1, "a split");
    REFUSED(x.splits[1].count = 0, "a split");
    REFUSED(x.splits[1].count = 1, "a split"); /* no sum of 1 */
    REFUSED(x.splits[1].first = UINT32_MAX, "a split");
    REFUSED(x.parts[0].service = 0, "a split");
    REFUSED(x.parts[0].service = 4, "a split");
    REFUSED(x.parts[0].service = x.parts[1].service, "a split");
    REFUSED(x.parts[0].share++, "a split");
    REFUSED((x.parts[0].share += TOLL_TAX_ONE, x.parts[1].share -= TOLL_TAX_ONE), "a split");
    REFUSED(x.splits[2] = x.splits[1]; x.splits[1].product = 0, "the order of the splits");
    /* s (voice), s (all), t */
    REFUSED(x.sellers[0].seller = UINT32_MAX, "a seller");
    REFUSED(x.sellers[0].method = 3, "a seller");
    REFUSED(x.sellers[0].share = -1, "a seller"); /* a study has a share */
    REFUSED(x.sellers[1].share = -2, "a seller");
    REFUSED(x.sellers[1].share = TOLL_TAX_ONE + 1, "a seller");
    REFUSED(x.sellers[1].from = x.sellers[1].until, "a seller");
    REFUSED(x.sellers[1].until = INT32_MAX - 1, "a seller");
    REFUSED(x.sellers[0].service_first = UINT32_MAX, "a seller");
    REFUSED(x.ids[x.sellers[0].service_first] = 4, "a seller");
    REFUSED(x.sellers[0].spare = 1, "a seller");
    REFUSED(x.sellers[0].service_count = 0; x.sellers[1].service_count = 1, "the order of the sellers");
    REFUSED(x.sellers[0].seller = x.sellers[2].seller, "the order of the sellers");
    end(&x);
}

static void taxes_fit(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    struct toll_tax *alone = &x.taxes[1], *fee = &x.taxes[2], *levy = &x.taxes[3];
    REFUSED(x.meta->taxed = 2, "its settings");
    REFUSED(x.meta->spare = 1, "its settings");
    REFUSED(x.meta->taxed = 0, "taxes of a book without them");
    REFUSED(x.meta->nanp = 0, "of"); /* what has places, or asks for the ends of calls */
    REFUSED(x.taxes[0].line = 1, "the empty tax");
    REFUSED(alone->tax = UINT32_MAX, "a tax");
    REFUSED(alone->category = UINT32_MAX, "a tax");
    REFUSED(alone->name = UINT32_MAX, "a tax");
    REFUSED(alone->file = UINT32_MAX, "a tax");
    REFUSED(alone->kind = 5, "a tax");
    REFUSED(alone->kind = TOLL_TAX_PER_LINE, "a tax"); /* of which lines? */
    REFUSED(alone->sourcing = 3, "a tax");
    REFUSED(alone->scope = 3, "a tax");
    REFUSED(alone->round_scope = 3, "a tax");
    REFUSED(alone->rounding = 4, "a tax");
    REFUSED(alone->date_basis = 3, "a tax");
    REFUSED(alone->part_month = 3, "a tax");
    REFUSED(alone->surcharge = 2, "a tax");
    REFUSED(alone->billable = 2, "a tax");
    REFUSED(alone->exempt_named = 2, "a tax");
    REFUSED(alone->spare[1] = 1, "a tax");
    REFUSED(alone->series_count = 0, "a tax");
    REFUSED(alone->series_count = UINT32_MAX, "a tax");
    REFUSED(alone->series_first = 1, "a tax");
    REFUSED(x.taxes[4].series_count = 1, "the series of the taxes");
    REFUSED(fee->basis_count = 3, "a tax");
    REFUSED(fee->basis_count = 0, "a tax");
    REFUSED(x.bases[0].weight = -1, "what a tax counts as a line");
    REFUSED(x.bases[0].type = UINT32_MAX, "what a tax counts as a line");
    REFUSED(x.bases[0].spare = 1, "what a tax counts as a line");
    REFUSED(levy->tax = fee->tax, "the order of the taxes");
    end(&x);
}

static void series_fit(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    struct toll_tax_series *alone = &x.series[0], *fee = &x.series[1], *levy = &x.series[2],
                           *over = &x.series[3];
    REFUSED(alone->tax = 2, "a series of a tax");
    REFUSED(alone->jurisdiction = 5, "a series of a tax");
    REFUSED(alone->jurisdiction = -1, "a series of a tax");
    REFUSED(alone->level = TOLL_TAX_CITY, "a series of a tax"); /* not that of its jurisdiction */
    REFUSED(over->level = TOLL_TAX_LEVELS, "a series of a tax");
    REFUSED(over->from = over->until, "a series of a tax");
    REFUSED(over->service_count = UINT32_MAX, "a series of a tax");
    REFUSED(x.ids[over->service_first] = 0, "a series of a tax");
    REFUSED(over->class_count = UINT32_MAX, "a series of a tax");
    REFUSED(x.texts[over->class_first] = UINT32_MAX, "a series of a tax");
    REFUSED(x.texts[over->class_first + 1] = x.texts[over->class_first], "a series of a tax");
    REFUSED(x.ids[over->on_first] = 5, "a series of a tax");
    REFUSED(x.ids[over->on_first + 1] = x.ids[over->on_first], "a series of a tax");
    REFUSED(over->on_first = UINT32_MAX, "a series of a tax");
    REFUSED((fee->on_first = over->on_first, fee->on_count = 1), "a series of a tax"); /* no rate */
    REFUSED(fee->base = TOLL_TAX_BASE_NONE, "a series of a tax");
    REFUSED(alone->base = 4, "a series of a tax");
    REFUSED(alone->sale = 3, "a series of a tax");
    REFUSED(alone->late = 2, "a series of a tax");
    REFUSED(alone->followed = 2, "a series of a tax");
    REFUSED(alone->threshold = -1, "a series of a tax");
    REFUSED(alone->cap = -1, "a series of a tax");
    REFUSED(alone->spare = 1, "a series of a tax");
    REFUSED(alone->spare2[0] = 1, "a series of a tax");
    REFUSED(levy->bracket_count = 0, "a series of a tax");
    REFUSED(levy->bracket_count = UINT32_MAX, "a series of a tax");
    struct toll_tax_bracket *bracket = &x.brackets[levy->bracket_first];
    REFUSED(bracket[0].from = 1, "a series of a tax");
    REFUSED(bracket[1].from = 0, "a series of a tax");
    REFUSED(bracket[0].rate = -1, "a series of a tax");
    REFUSED(bracket[0].rate = 100 * TOLL_TAX_ONE + 1, "a series of a tax");
    REFUSED(bracket[0].source = UINT32_MAX, "a series of a tax");
    REFUSED(bracket[0].as_of = INT32_MAX - 1, "a series of a tax");
    REFUSED(bracket[0].cadence = 4, "a series of a tax");
    REFUSED(levy->late = 0, "a tax that is late");
    REFUSED(over->late = 0, "a tax that is late");
    REFUSED(alone->threshold = 1, "a tax that is late");
    REFUSED(alone->cap = 1, "a tax that is late");
    /* The days: 2026-01-01, 02-01, 03-01, 04-01, 05-01. */
    REFUSED(x.changes[0] = x.changes[1], "a day on which taxes change");
    REFUSED(x.changes[4] = INT32_MAX, "a day on which taxes change");
    REFUSED(x.changes[0]--, "the days on which taxes change");
    REFUSED(x.changes[1]--, "the days on which taxes change");
    REFUSED(x.changes[4]--, "the days on which taxes change");
    end(&x);
}

static void rest_fits(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    struct toll_tax_exemption *row = &x.exemptions[1];
    REFUSED(x.exemptions[0].line = 1, "the empty exemption");
    REFUSED(row->account = 3, "an exemption");
    REFUSED(row->account = -1, "an exemption");
    REFUSED(row->site = 4, "an exemption");
    REFUSED(row->jurisdiction = 5, "an exemption");
    REFUSED(row->level = 5, "an exemption");
    REFUSED(row->level = -2, "an exemption");
    REFUSED(row->category = UINT32_MAX, "an exemption");
    REFUSED(row->tax = 5, "an exemption");
    REFUSED(row->percent = -1, "an exemption");
    REFUSED(row->percent = TOLL_TAX_PERCENT_ONE + 1, "an exemption");
    REFUSED(row->until = row->from, "an exemption");
    REFUSED(row->certificate = UINT32_MAX, "an exemption");
    REFUSED(row->spare = 1, "an exemption");
    REFUSED(x.charges[0].account = 0, "a charge");
    REFUSED(x.charges[0].account = 2, "a charge"); /* not its site */
    REFUSED(x.charges[0].site = 4, "a charge");
    REFUSED(x.charges[0].product = 0, "a charge");
    REFUSED(x.charges[0].product = 3, "a charge");
    REFUSED(x.charges[0].kind = 4, "a charge");
    REFUSED(x.charges[0].amount = -1, "a charge");
    REFUSED(x.charges[0].quantity = -1, "a charge");
    REFUSED(x.charges[0].until = TOLL_TAX_DAY_MIN, "a charge");
    REFUSED(x.charges[0].included = 2, "a charge");
    REFUSED(x.charges[1].from = TOLL_TAX_DAY_MIN, "a charge");
    REFUSED(x.charges[1].until = x.charges[1].from + 1, "a charge");
    REFUSED(x.inventory[0].account = 0, "a service");
    REFUSED(x.inventory[0].site = 2, "a service");
    REFUSED(x.inventory[0].product = 3, "a service");
    REFUSED(x.inventory[0].type = UINT32_MAX, "a service");
    REFUSED(x.inventory[0].quantity = 0, "a service");
    REFUSED(x.inventory[0].quantity = 1000001, "a service");
    REFUSED(x.inventory[0].from = TOLL_TAX_DAY_MAX, "a service");
    REFUSED(x.inventory[0].spare = 1, "a service");
    REFUSED(x.accounts[1].class_ = UINT32_MAX, "what an account's taxes depend on");
    REFUSED(x.accounts[1].seller = UINT32_MAX, "what an account's taxes depend on");
    REFUSED(x.accounts[1].resale = 2, "what an account's taxes depend on");
    REFUSED(x.accounts[1].tax_site = 2, "what an account's taxes depend on");
    REFUSED(x.accounts[1].tax_site = 4, "what an account's taxes depend on");
    REFUSED(x.accounts[1].tax_site = 0, "what an account's taxes depend on"); /* though named */
    REFUSED(x.accounts[1].tax_site_named = 2, "what an account's taxes depend on");
    REFUSED(x.accounts[1].spare = 1, "what an account's taxes depend on");
    REFUSED(x.rules[1].product = 3, "a rule's product");
    REFUSED(x.rules[1].product = -1, "a rule's product");
    REFUSED(x.tiers[1].product = 3, "the product of tiers");
    REFUSED(x.tiers[1].spare2 = 1, "the product of tiers");
    end(&x);
}

/* -- whatever is written there -- */

#define HOSTILE_ROUNDS 4000u
static void hostile(void **state)
{
    static const enum toll_section sections[] = {TOLL_SECTION_TAX_JURISDICTIONS,
                                                 TOLL_SECTION_TAX_AREAS,
                                                 TOLL_SECTION_TAX_AREA_JURISDICTIONS,
                                                 TOLL_SECTION_TAX_SELLERS,
                                                 TOLL_SECTION_TAX_SERVICES,
                                                 TOLL_SECTION_PRODUCTS,
                                                 TOLL_SECTION_TAX_SPLITS,
                                                 TOLL_SECTION_TAX_SPLIT_PARTS,
                                                 TOLL_SECTION_TAXES,
                                                 TOLL_SECTION_TAX_LINE_BASES,
                                                 TOLL_SECTION_TAX_SERIES,
                                                 TOLL_SECTION_TAX_BRACKETS,
                                                 TOLL_SECTION_TAX_IDS,
                                                 TOLL_SECTION_TAX_TEXTS,
                                                 TOLL_SECTION_TAX_EXEMPTIONS,
                                                 TOLL_SECTION_TAX_CHANGES,
                                                 TOLL_SECTION_CHARGES,
                                                 TOLL_SECTION_INVENTORY,
                                                 TOLL_SECTION_ACCOUNTS,
                                                 TOLL_SECTION_SITES};
    struct fixture x;
    uint64_t seed = 6, sum = 0;
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
            sum += use_taxes(book);
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

/* -- stale rows -- */

static void due_days(void **state)
{
    struct toll_tax_bracket row = {.as_of = 20454 + 30, .cadence = TOLL_TAX_MONTHLY}; /* 2026-01-31 */
    (void)state;

    assert_int_equal(toll_tax_due(&row), 20454 + 58); /* 2026-02-28 */
    row.cadence = TOLL_TAX_QUARTERLY;
    assert_int_equal(toll_tax_due(&row), 20454 + 119); /* 2026-04-30 */
    row.cadence = TOLL_TAX_YEARLY;
    assert_int_equal(toll_tax_due(&row), 20454 + 365 + 30);
    row.cadence = TOLL_TAX_NO_CADENCE;
    assert_int_equal(toll_tax_due(&row), TOLL_TAX_DAY_MAX);
    row = (struct toll_tax_bracket){.as_of = TOLL_TAX_DAY_MIN, .cadence = TOLL_TAX_MONTHLY};
    assert_int_equal(toll_tax_due(&row), TOLL_TAX_DAY_MAX);
    row = (struct toll_tax_bracket){.as_of = 20454 - 1, .cadence = TOLL_TAX_QUARTERLY}; /* 2025-12-31 */
    assert_int_equal(toll_tax_due(&row), 20454 + 89);                                   /* 2026-03-31 */
}

/* alone is due on 2026-02-28: the day itself is still good. */
static void stale_rows(void **state)
{
    struct fixture x;
    (void)state;

    begin(&x);
    struct toll_tax_stale walk = {0};
    assert_false(toll_tax_stale_next(&x.f.book->tax, 20454 + 58, &walk));
    walk = (struct toll_tax_stale){0};
    assert_true(toll_tax_stale_next(&x.f.book->tax, 20454 + 59, &walk));
    assert_int_equal(x.f.book->tax.brackets[walk.bracket].line, 6);
    assert_int_equal(walk.series, 0);
    assert_false(toll_tax_stale_next(&x.f.book->tax, 20454 + 59, &walk));
    assert_int_equal(x.f.book->tax.series[3].followed, 1);
    assert_int_equal(x.f.book->tax.series[4].followed, 0);
    end(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_fit), cmocka_unit_test(splits_fit), cmocka_unit_test(taxes_fit),
        cmocka_unit_test(series_fit), cmocka_unit_test(rest_fits),  cmocka_unit_test(hostile),
        cmocka_unit_test(due_days),   cmocka_unit_test(stale_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
