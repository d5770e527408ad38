/* Tables of taxes as compiled: from cells to records. Days: 2026-01-01 is 20454. */
#include "book_fixture.h"

#define DAY(of_year) (20454 + (of_year)-1)
#define ONE TOLL_TAX_ONE

static const char jurisdictions[] = "id,level,name,state,fips,parent\n"
                                    "austin,city,Austin,,4845305000,travis\n" /* before its parents */
                                    "travis,county,,TX,48453,TX\n"
                                    "TX,state,Texas,TX,48,US\n"
                                    "mta,district,,,,austin\n"
                                    "US,federal,,,,\n"
                                    "NY,state,,NY,36,US\n";
static const char areas[] = "area,tax_jurisdiction\nn,NY\na,mta\na,travis\nb,TX\n";
static const char map[] = "tax_service,product,service,class,jurisdiction,share\n"
                          "telecom,,,,,\n"
                          "voice,pbx,voice,,,0.4\n"
                          "data,pbx,voice,,,60%\n"
                          "text,,sms,,interstate,1\n"
                          "free,,,toll_free,,1\n";

static void begin(struct book_fixture *f)
{
    book_begin(f);
    book_file(f, "tax_jurisdictions.csv", jurisdictions);
    book_file(f, "tax_areas.csv", areas);
    book_file(f, "tax_map.csv", map);
    book_file(f, "taxes.csv", "tax,level,rate\nt,state,1%\n");
}

static const char *text(const struct toll_book *book, uint32_t offset)
{
    return toll_tax_string(&book->tax, offset);
}

/* The names of ids: "US TX". */
static const char *jurisdiction_list(const struct toll_book *book, const struct toll_tax_area *area)
{
    static char out[256];

    out[0] = 0;
    for (uint32_t i = 0; i < area->count; i++)
        sprintf(out + strlen(out), "%s%s", i > 0 ? " " : "",
                text(book, book->tax.jurisdictions[book->tax.area_jurisdictions[area->first + i]].id));
    return out;
}

static void places_compiled(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    begin(&f);
    book_file(&f, "sites.csv", "site,account,area\nhq,acme,b\nlab,acme,\n");
    book = book_good(&f);
    const struct toll_tax_tables *tax = &book->tax;
    assert_true(tax->taxed && !tax->legs && !tax->origin && !tax->two_of_three);
    static const struct {
        const char *id, *name, *state, *fips;
        int32_t parent, level;
        uint32_t line;
    } rows[] = {{"NY", "", "NY", "36", 3, TOLL_TAX_STATE, 7},
                {"TX", "Texas", "TX", "48", 3, TOLL_TAX_STATE, 4},
                {"US", "", "", "", 0, TOLL_TAX_FEDERAL, 6},
                {"austin", "Austin", "TX", "4845305000", 6, TOLL_TAX_CITY, 2},
                {"mta", "", "TX", "", 4, TOLL_TAX_DISTRICT, 5},
                {"travis", "", "TX", "48453", 2, TOLL_TAX_COUNTY, 3}};
    assert_int_equal(tax->jurisdiction_count, 7);
    for (int i = 0; i < 6; i++) {
        const struct toll_tax_jurisdiction *own = &tax->jurisdictions[i + 1];
        assert_string_equal(text(book, own->id), rows[i].id);
        assert_string_equal(text(book, own->name), rows[i].name);
        assert_string_equal(text(book, own->state), rows[i].state);
        assert_string_equal(text(book, own->fips), rows[i].fips);
        assert_int_equal(own->parent, rows[i].parent);
        assert_int_equal(own->level, rows[i].level);
        assert_int_equal(own->line, rows[i].line);
    }
    /* By name, with all that they lie in. */
    assert_int_equal(tax->area_count, 4);
    assert_string_equal(text(book, tax->areas[1].area), "a");
    assert_string_equal(jurisdiction_list(book, &tax->areas[1]), "TX US austin mta travis");
    assert_int_equal(tax->areas[1].line, 3);
    assert_string_equal(text(book, tax->areas[2].area), "b");
    assert_string_equal(jurisdiction_list(book, &tax->areas[2]), "TX US");
    assert_string_equal(jurisdiction_list(book, &tax->areas[3]), "NY US");
    assert_int_equal(book->sites[1].area, 2);
    assert_int_equal(book->sites[2].area, 0);
    book_end(&f);
}

static void splits_compiled(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    begin(&f);
    book_file(&f, "plan_rules.csv",
              "plan,action,deck,tiers,product\np,deck,d,,zeta\np,tiers,,t,\np,tiers,,t,pbx\n");
    book_file(&f, "tiers.csv", "tiers,rate,unit,product\nt,0.01,s,alpha\n");
    book = book_good(&f);
    const struct toll_tax_tables *tax = &book->tax;
    static const char *const services[] = {"", "data", "free", "telecom", "text", "voice"};
    static const char *const products[] = {"", "alpha", "pbx", "zeta"};
    assert_int_equal(tax->service_count, 6);
    for (int i = 0; i < 6; i++)
        assert_string_equal(text(book, tax->services[i]), services[i]);
    assert_int_equal(tax->product_count, 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(text(book, tax->products[i]), products[i]);
    /* Two conditions, by row; then one; then none. */
    static const struct toll_tax_split splits[] = {{2, 0, -1, -1, 0, 0, 2, 3},
                                                   {0, 1, -1, 3, 0, 2, 1, 5},
                                                   {0, -1, 1, -1, 0, 3, 1, 6},
                                                   {0, -1, -1, -1, 0, 4, 1, 2}};
    static const struct toll_tax_split_part parts[] = {
        {1, 4, ONE / 10 * 6}, {5, 3, ONE / 10 * 4}, {4, 5, ONE}, {2, 6, ONE}, {3, 2, ONE}};
    assert_int_equal(tax->split_count, 5);
    assert_memory_equal(&tax->splits[1], splits, sizeof(splits));
    assert_int_equal(tax->split_part_count, 5);
    assert_memory_equal(tax->split_parts, parts, sizeof(parts));
    /* Of a rule with tiers the rule's product, else that of the tiers. */
    assert_int_equal(book->rules[1].product, 3);
    assert_int_equal(book->rules[2].product, 1);
    assert_int_equal(book->rules[3].product, 2);
    assert_int_equal(book->tiers[1].product, 1);
    book_end(&f);
}

static void sellers_compiled(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    begin(&f);
    book_file(&f, "sites.csv", "site,account\nhq,acme\nlab,acme\nbr,beta\n");
    book_file(
        &f, "accounts.csv",
        "account,class,sale,seller,tax_site\nacme,business,resale,zulu,\nbeta,,retail,,\ngamma,,,alpha,\n"
        "delta,,,,far\n");
    book_file(&f, "sites.csv", "site,account\nhq,acme\nlab,acme\nbr,beta\nnear,delta\nfar,delta\n");
    book_file(&f, "sellers.csv",
              "seller,fusf_method,interstate_share,tax_services,from,to\n"
              "zulu,traffic_study,25%,,,2026-02-01\n"
              "zulu,actual,,voice;data;voice,,\n"
              "alpha,safe_harbour,,,,\n"
              "zulu,actual,0.5,,2026-02-01,\n");
    book = book_good(&f);
    const struct toll_tax_tables *tax = &book->tax;
    static const struct {
        const char *seller;
        uint32_t services;
        int32_t method;
        int64_t share;
        int32_t from, until;
        uint32_t line;
    } rows[] = {
        {"alpha", 0, TOLL_FUSF_SAFE_HARBOUR, INT64_C(649000000000), TOLL_TAX_DAY_MIN, TOLL_TAX_DAY_MAX, 4},
        {"zulu", 2, TOLL_FUSF_ACTUAL, -1, TOLL_TAX_DAY_MIN, TOLL_TAX_DAY_MAX, 3},
        {"zulu", 0, TOLL_FUSF_TRAFFIC_STUDY, ONE / 4, TOLL_TAX_DAY_MIN, DAY(32), 2},
        {"zulu", 0, TOLL_FUSF_ACTUAL, ONE / 2, DAY(32), TOLL_TAX_DAY_MAX, 5}};
    assert_int_equal(tax->seller_count, 4);
    for (int i = 0; i < 4; i++) {
        const struct toll_tax_seller *own = &tax->sellers[i];
        assert_string_equal(text(book, own->seller), rows[i].seller);
        assert_int_equal(own->service_count, rows[i].services);
        assert_int_equal(own->method, rows[i].method);
        assert_true(own->share == rows[i].share);
        assert_int_equal(own->from, rows[i].from);
        assert_int_equal(own->until, rows[i].until);
        assert_int_equal(own->line, rows[i].line);
    }
    assert_int_equal(tax->ids[tax->sellers[1].service_first], 1);     /* data */
    assert_int_equal(tax->ids[tax->sellers[1].service_first + 1], 5); /* voice */
    /* Of accounts: text, sale, and the place of what has no site: named, or the only one. */
    assert_string_equal(text(book, book->accounts[1].class_), "business");
    assert_true(book->accounts[1].seller == tax->sellers[1].seller);
    assert_int_equal(book->accounts[1].resale, 1);
    assert_int_equal(book->accounts[1].tax_site, 0);
    assert_int_equal(book->accounts[2].resale, 0);
    assert_int_equal(book->accounts[2].tax_site, 3);
    assert_int_equal(book->accounts[2].tax_site_named, 0);
    assert_int_equal(book->accounts[3].tax_site, 0);
    assert_int_equal(book->accounts[4].tax_site, 5);
    assert_int_equal(book->accounts[4].tax_site_named, 1);
    /* The days on which something begins or ends. */
    assert_int_equal(tax->change_count, 1);
    assert_int_equal(tax->changes[0], DAY(32));
    book_end(&f);
}

static void taxes_compiled(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    begin(&f);
    book_file(
        &f, "taxes.csv",
        "tax,tax_jurisdiction,level,tax_services,customer_classes,sale,base,on_taxes,rate,amount,"
        "bracket_from,bracket_to,cap,threshold,from,to,source,as_of,cadence,category,name,kind,scope,"
        "rounding,date_basis,billable,exempt_by,line_basis,part_month,sourcing,round_scope,surcharge\n"
        /* 2: the second bracket of 4 */
        "utility,austin,,voice;data,home;biz,any,interstate,,2%,,1000.5,,50,10,2026-01-01,2026-02-01,law,"
        "2026-01-15,quarter,,,,,,,,,,,,,\n"
        "e911,,state,,,,,,,0.5,,,,,,,,,,emergency,Emergency,per_line,,,,,named,number;pri:23.5,prorated,,,"
        "yes\n"
        "utility,austin,city,data;voice,biz;home;biz,any,interstate,,0.01,,,1000.5,50,10,2026-01-01,"
        "2026-02-01,,,,,,,,,,,,,,,,\n"
        "gross,,federal,,,,none,utility,0.000000000001,,,,,,,,,,,,,,month,half_even,bill,no,,,,origin,line,\n"
        "levy,TX,,,,resale,,gross;gross,100,,,,,,,,,,,,,rate,,,,,,,,two_of_three,invoice_line,\n"
        "flat,TX,,,,,,,0.07,,,,,,,,,,,,,,,,,,,,,,,\n");
    book = book_good(&f);
    const struct toll_tax_tables *tax = &book->tax;
    assert_true(tax->taxed && tax->legs && tax->origin && tax->two_of_three);
    assert_int_equal(tax->tax_count, 6);
    static const char *const names[] = {"", "e911", "flat", "gross", "levy", "utility"};
    for (int i = 0; i < 6; i++)
        assert_string_equal(text(book, tax->taxes[i].tax), names[i]);
    const struct toll_tax *e911 = &tax->taxes[1], *flat = &tax->taxes[2], *gross = &tax->taxes[3];
    assert_string_equal(text(book, e911->category), "emergency");
    assert_string_equal(text(book, e911->name), "Emergency");
    assert_string_equal(text(book, e911->file), "taxes.csv");
    assert_int_equal(e911->line, 3);
    assert_int_equal(e911->kind, TOLL_TAX_PER_LINE);
    assert_int_equal(e911->part_month, TOLL_TAX_MONTH_PRORATED);
    assert_true(e911->surcharge == 1 && e911->exempt_named == 1 && e911->billable == 1);
    assert_int_equal(e911->basis_count, 2);
    assert_string_equal(text(book, tax->line_bases[e911->basis_first].type), "number");
    assert_true(tax->line_bases[e911->basis_first].weight == 1000000);
    assert_string_equal(text(book, tax->line_bases[e911->basis_first + 1].type), "pri");
    assert_true(tax->line_bases[e911->basis_first + 1].weight == 23500000);
    assert_true(flat->kind == TOLL_TAX_RATE && flat->sourcing == TOLL_TAX_BY_SITE &&
                flat->scope == TOLL_TAX_SCOPE_ACCOUNT && flat->round_scope == TOLL_TAX_ROUND_ACCOUNT &&
                flat->rounding == TOLL_HALF_UP && flat->date_basis == TOLL_TAX_DATE_CALL &&
                flat->billable == 1 && flat->surcharge == 0 && flat->exempt_named == 0);
    assert_true(gross->sourcing == TOLL_TAX_BY_ORIGIN && gross->scope == TOLL_TAX_SCOPE_ACCOUNT &&
                gross->round_scope == TOLL_TAX_ROUND_LINE && gross->rounding == TOLL_HALF_EVEN &&
                gross->date_basis == TOLL_TAX_DATE_BILL && gross->billable == 0);
    assert_int_equal(tax->taxes[4].sourcing, TOLL_TAX_TWO_OF_THREE);
    assert_int_equal(tax->taxes[4].round_scope, TOLL_TAX_ROUND_INVOICE_LINE);
    /* One series a tax. */
    assert_int_equal(tax->series_count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(tax->series[i].tax, i + 1);
        assert_int_equal(tax->taxes[i + 1].series_first, i);
        assert_int_equal(tax->taxes[i + 1].series_count, 1);
    }
    const struct toll_tax_series *series = &tax->series[4]; /* utility */
    assert_string_equal(text(book, tax->jurisdictions[series->jurisdiction].id), "austin");
    assert_int_equal(series->level, TOLL_TAX_CITY);
    assert_int_equal(series->from, DAY(1));
    assert_int_equal(series->until, DAY(32));
    assert_int_equal(series->service_count, 2);
    assert_int_equal(tax->ids[series->service_first], 1);
    assert_int_equal(tax->ids[series->service_first + 1], 5);
    assert_int_equal(series->class_count, 2);
    assert_string_equal(text(book, tax->texts[series->class_first]), "biz");
    assert_string_equal(text(book, tax->texts[series->class_first + 1]), "home");
    assert_true(series->threshold == 1000000000 && series->cap == INT64_C(5000000000));
    assert_true(series->sale == TOLL_TAX_ANY_SALE && series->base == TOLL_TAX_BASE_INTERSTATE &&
                series->late == 1);
    assert_int_equal(series->bracket_count, 2);
    const struct toll_tax_bracket *brackets = &tax->brackets[series->bracket_first];
    assert_true(brackets[0].from == 0 && brackets[0].rate == ONE / 100 && brackets[0].line == 4 &&
                brackets[0].as_of == TOLL_TAX_DAY_MIN && brackets[0].cadence == TOLL_TAX_NO_CADENCE);
    assert_true(brackets[1].from == INT64_C(100050000000) && brackets[1].rate == ONE / 50 &&
                brackets[1].line == 2 && brackets[1].as_of == DAY(15) &&
                brackets[1].cadence == TOLL_TAX_QUARTERLY);
    assert_string_equal(text(book, brackets[1].source), "law");
    /* e911: an amount, for every state. */
    series = &tax->series[0];
    assert_true(series->jurisdiction == 0 && series->level == TOLL_TAX_STATE && series->late == 0 &&
                series->service_count == 0 && series->class_count == 0 && series->on_count == 0 &&
                series->threshold == 0 && series->cap == INT64_MAX && series->sale == TOLL_TAX_RETAIL &&
                series->from == TOLL_TAX_DAY_MIN && series->until == TOLL_TAX_DAY_MAX);
    assert_true(tax->brackets[series->bracket_first].rate == 50000000);
    /* gross stands on utility: late. It is not billable, so levy, which names it, is not; nor is flat. */
    series = &tax->series[2];
    assert_true(series->base == TOLL_TAX_BASE_NONE && series->on_count == 1 && series->late == 1 &&
                tax->ids[series->on_first] == 5 && tax->brackets[series->bracket_first].rate == 1);
    series = &tax->series[3];
    assert_true(series->on_count == 1 && tax->ids[series->on_first] == 3 && series->late == 0 &&
                series->sale == TOLL_TAX_RESALE && tax->brackets[series->bracket_first].rate == 100 * ONE);
    assert_int_equal(tax->series[1].late, 0);
    assert_int_equal(tax->change_count, 2);
    assert_int_equal(tax->changes[0], DAY(1));
    assert_int_equal(tax->changes[1], DAY(32));
    book_end(&f);
}

/* Brackets, cap and threshold of lines and minutes are numbers of them. */
static void counted_brackets(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    begin(&f);
    book_file(&f, "taxes.csv",
              "tax,level,kind,amount,bracket_from,bracket_to,cap,threshold,line_basis\n"
              "a,state,per_line,1,,20,100,2.5,number\n"
              "a,state,per_line,0.5,20,,100,2.5,number\n"
              "b,state,per_minute,0.001,,,7.25,10,\n");
    book = book_good(&f);
    const struct toll_tax_series *a = &book->tax.series[0], *b = &book->tax.series[1];
    assert_true(a->cap == 100000000 && a->threshold == 2500000 && a->bracket_count == 2 && a->late == 1);
    assert_true(book->tax.brackets[a->bracket_first + 1].from == 20000000);
    assert_true(b->cap == 725000000 && b->threshold == 10000000); /* the cap is money */
    book_end(&f);
}

static void rest_compiled(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    begin(&f);
    book_file(&f, "taxes.csv", "tax,level,rate,category\nt,state,1%,excise\nu,city,1%,\n");
    book_file(&f, "sites.csv", "site,account\nhq,acme\n");
    book_file(&f, "exemptions.csv",
              "account,site,tax_jurisdiction,level,category,tax,percent,certificate,from,to\n"
              ",,,,,,100,,,\n"
              "acme,hq,TX,city,excise,u,12.345678,C1,2026-01-03,2026-01-02\n"
              "acme,hq,TX,city,excise,u,12.345678,C1,2026-01-02,2026-01-03\n");
    book_bad(&f, "E exemptions.csv:3:50: to: ~is before the from date \"2026-01-03\"\n");
    book_file(&f, "exemptions.csv",
              "account,site,tax_jurisdiction,level,category,tax,percent,certificate,from,to\n"
              ",,,,,,100,,,\n"
              "acme,hq,TX,city,excise,u,12.345678,C1,2026-01-02,2026-01-03\n");
    book_file(&f, "charges.csv",
              "account,product,kind,amount,site,quantity,tax_included,from,to\n"
              "acme,seat,recurring,19.99,hq,2.5,yes,2026-01-01,2026-03-01\n"
              "acme,fee,credit,5,,,,2026-01-10,\n");
    book_file(&f, "services.csv",
              "service,account,type,site,number,product,quantity,from,to\n"
              "s1,acme,number,hq,18005550100,seat,,2026-01-01 09:30:00,2026-02-01\n"
              "s2,acme,number,,12125550100,,3,,2026-02-01 00:00:01\n"
              "s3,acme,virtual,,18885550100,,,,\n"
              "s4,acme,number,,1800555,,,,\n"
              "s5,acme,number,,180055,,,,\n");
    book = book_good(&f);
    const struct toll_tax_tables *tax = &book->tax;
    static const struct toll_tax_exemption all = {.level = -1,
                                                  .percent = TOLL_TAX_PERCENT_ONE,
                                                  .from = TOLL_TAX_DAY_MIN,
                                                  .until = TOLL_TAX_DAY_MAX,
                                                  .line = 2};
    assert_int_equal(tax->exemption_count, 3);
    assert_memory_equal(&tax->exemptions[1], &all, sizeof(all));
    const struct toll_tax_exemption *own = &tax->exemptions[2];
    assert_true(own->account == 1 && own->site == 1 && own->level == TOLL_TAX_CITY && own->tax == 2 &&
                own->percent == 12345678 && own->from == DAY(2) && own->until == DAY(3));
    assert_string_equal(text(book, tax->jurisdictions[own->jurisdiction].id), "TX");
    assert_string_equal(text(book, own->certificate), "C1");
    assert_true(own->category == tax->taxes[1].category);
    /* fee, pbx, seat */
    static const struct toll_charge charges[] = {
        {1, 1, 3, TOLL_CHARGE_RECURRING, 1999000000, 2500000, DAY(1), DAY(60), 1, 2},
        {1, 0, 1, TOLL_CHARGE_CREDIT, 500000000, 1000000, DAY(10), TOLL_TAX_DAY_MAX, 0, 3}};
    assert_int_equal(tax->charge_count, 2);
    assert_memory_equal(tax->charges, charges, sizeof(charges));
    static const struct {
        const char *type;
        int32_t site, product;
        int64_t quantity;
        int32_t from, until;
    } rows[] = {{"toll_free", 1, 3, 1, DAY(1), DAY(32)},
                {"number", 0, 0, 3, TOLL_TAX_DAY_MIN, DAY(33)},
                {"virtual", 0, 0, 1, TOLL_TAX_DAY_MIN, TOLL_TAX_DAY_MAX},
                {"toll_free", 0, 0, 1, TOLL_TAX_DAY_MIN, TOLL_TAX_DAY_MAX},
                {"number", 0, 0, 1, TOLL_TAX_DAY_MIN, TOLL_TAX_DAY_MAX}};
    assert_int_equal(tax->inventory_count, 5);
    for (int i = 0; i < 5; i++) {
        const struct toll_inventory_row *row = &tax->inventory[i];
        assert_string_equal(text(book, row->type), rows[i].type);
        assert_true(row->account == 1 && row->site == rows[i].site && row->product == rows[i].product &&
                    row->quantity == rows[i].quantity && row->from == rows[i].from &&
                    row->until == rows[i].until && row->line == (uint32_t)i + 2);
    }
    static const int32_t changes[] = {DAY(2), DAY(3)};
    assert_int_equal(tax->change_count, 2);
    assert_memory_equal(tax->changes, changes, sizeof(changes));
    book_end(&f);
}

/* A book without taxes.csv: the other tables are compiled, and nothing is taxed; one that knows of no sellers
 * and areas may have any text there. */
static void untaxed(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "accounts.csv", "account,seller\nacme,whoever\n");
    book_file(&f, "sites.csv", "site,account,area\nhq,acme,wherever\n");
    book_file(&f, "npanxx.csv", "prefix,state,area\n1212,NY,nowhere\n");
    book = book_good(&f);
    assert_true(!book->tax.taxed && book->tax.tax_count == 1 && book->tax.change_count == 0);
    assert_int_equal(book->sites[1].area, 0);
    book_file(&f, "tax_jurisdictions.csv", jurisdictions);
    book_file(&f, "tax_areas.csv", areas);
    book_file(&f, "sellers.csv", "seller,fusf_method\na,actual\n");
    book_bad(&f, "E accounts.csv:2:6: seller: ~\"whoever\" is unknown\n"
                 "E sites.csv:2:9: area: ~\"wherever\" is unknown\n");
    book_file(&f, "accounts.csv", "account,seller\nacme,a\n");
    book_file(&f, "sites.csv", "site,account,area\nhq,acme,a\n");
    book = book_good(&f);
    assert_true(!book->tax.taxed && book->tax.seller_count == 1 && book->sites[1].area == 1);
    book_end(&f);
}

/* -- what is refused -- */

static void bad_places(void **state)
{
    struct book_fixture f;
    (void)state;

    begin(&f);
    book_file(&f, "tax_jurisdictions.csv",
              "id,level,state,fips,parent\n"
              "US,federal,,,\n"      /* 2 */
              "US,federal,,,\n"      /* 3 */
              ",state,TX,,\n"        /* 4 */
              "A,,,,\n"              /* 5 */
              "B,village,,,\n"       /* 6 */
              "C,state,tx,,US\n"     /* 7 */
              "D,state,,,US\n"       /* 8 */
              "E,county,,4,\n"       /* 9 */
              "F,city,,,nowhere\n"   /* 10 */
              "TX,state,TX,48,US\n"  /* 11 */
              "G,federal,,,TX\n"     /* 12 */
              "H,city,NY,,TX\n"      /* 13 */
              "I,county,,36061,TX\n" /* 14 */
              "J,district,,,TX\n"    /* 15 */
              "K,district,,,J\n"     /* 16 */
              "L,city,,,L\n"         /* 17 */
              "NY,state,NY,,US\n"    /* 18 */
              "N,state,NY,,US\n"     /* 19 */
              "M,state,TX,36,TX\n"); /* 19 */
    book_file(&f, "tax_areas.csv", "area,tax_jurisdiction\na,TX\na,NY\na,TX\nb,\n,TX\nc,ZZ\n");
    book_bad(
        &f,
        "E tax_jurisdictions.csv:3:1: id: ~second time; the first is in line 2\n"
        "E tax_jurisdictions.csv:4:1: id: ~must not be empty\n"
        "E tax_jurisdictions.csv:5:3: level: ~must not be empty\n"
        "E tax_jurisdictions.csv:6:3: level: ~is none of federal, state, county, city, district\n"
        "E tax_jurisdictions.csv:7:9: state: ~is not two capital letters\n"
        "E tax_jurisdictions.csv:9:11: fips: ~is not a FIPS code of 2 to 10 digits\n"
        "E tax_jurisdictions.csv:10:10: parent: ~\"nowhere\" is unknown\n"
        "E tax_jurisdictions.csv:12:13: parent: ~of the level state, and so no parent of the federal\n"
        "E tax_jurisdictions.csv:16:14: parent: ~of the level district\n"
        "E tax_jurisdictions.csv:17:10: parent: ~of the level city\n"
        "E tax_jurisdictions.csv:20:15: parent: ~of the level state\n"
        "E tax_jurisdictions.csv:8:1: state: ~must have its two letters\n"
        "E tax_jurisdictions.csv:14:11: fips: ~a jurisdiction outside its state\n"
        "E tax_jurisdictions.csv:13:8: state: ~a jurisdiction outside its state: \"H\" is of NY\n"
        "E tax_jurisdictions.csv:19:9: state: ~line 18 is the state NY, too\n"
        "E tax_jurisdictions.csv:20:9: state: ~line 11 is the state TX, too\n"
        "E tax_areas.csv:5:3: tax_jurisdiction: ~must not be empty\n"
        "E tax_areas.csv:6:1: area: ~must not be empty\n"
        "E tax_areas.csv:7:3: tax_jurisdiction: ~\"ZZ\" is unknown\n"
        "E tax_areas.csv:4:3: tax_jurisdiction: ~line 2 has the same\n"
        "E tax_areas.csv:3:3: tax_jurisdiction: ~lies in two states: \"NY\" is of NY, and \"TX\" of TX\n");
    book_end(&f);
}

static void bad_map(void **state)
{
    struct book_fixture f;
    (void)state;

    begin(&f);
    book_file(&f, "products.csv", "product,name,sku,gl\nvoice,,,\nvoice,,,\n,x,,\n");
    book_file(&f, "plan_rules.csv", "plan,action,deck,product\np,deck,d,pbx\n");
    book_file(&f, "tax_map.csv",
              "tax_service,product,service,class,jurisdiction,share\n"
              ",,sms,,,\n"                   /* 2 */
              "a,fax,,,,\n"                  /* 3 */
              "a,,fax,vip,moon,\n"           /* 4 */
              "a,,,,,1.5\n"                  /* 5 */
              "a,,,,,0.1234567890123\n"      /* 6 */
              "a,voice,,,,0.5\n"             /* 7 */
              "b,voice,,,,0.4\n"             /* 8 */
              "a,,sms,,,50%\n"               /* 9 */
              "a,,sms,,,50%\n"               /* 10 */
              "a,period:short_calls,,,,\n"); /* 11 */
    book_bad(&f,
             "E products.csv:3:1: product: ~second time\n"
             "E products.csv:4:1: product: ~must not be empty\n"
             "E tax_map.csv:2:1: tax_service: ~must not be empty\n"
             "E tax_map.csv:3:3: product: ~\"fax\" is unknown: it has no row in products.csv\n"
             "E tax_map.csv:4:4: service: ~is none of\n"
             "E tax_map.csv:4:8: class: ~is none of\n"
             "E tax_map.csv:4:12: jurisdiction: ~is none of\n"
             "E tax_map.csv:5:7: share: ~is not a fraction from 0 to 1\n"
             "E tax_map.csv:6:7: share: ~at most 12 decimals\n"
             "E tax_map.csv:8:1: share: ~from line 7 on, add up to 0.900000000000\n"
             "E tax_map.csv:10:1: tax_service: ~\"a\" is here for the second time under the same conditions\n"
             "E plan_rules.csv:2:10: product: ~\"pbx\" is unknown\n");
    book_end(&f);
}

static void bad_sellers(void **state)
{
    struct book_fixture f;
    (void)state;

    begin(&f);
    book_file(&f, "sellers.csv",
              "seller,fusf_method,interstate_share,tax_services,from,to\n"
              ",actual,,,,\n"                      /* 2 */
              "a,,,,,\n"                           /* 3 */
              "a,guess,,,,\n"                      /* 4 */
              "a,traffic_study,,,,\n"              /* 5 */
              "a,actual,101%,,,\n"                 /* 6 */
              "a,actual,,fax,,\n"                  /* 7 */
              "a,actual,,,2026-01-01 10:00,\n"     /* 8 */
              "a,actual,,,2026-01-01,2026-01-01\n" /* 9 */
              "a,actual,,,,2026-02-01\n"           /* 10 */
              "a,actual,,,2026-01-31,\n"           /* 11 */
              "a,actual,,voice;data,,\n"           /* 12 */
              "a,actual,,data,2026-01-01,\n"       /* 13 */
              "b,actual,,,,2026-02-01\n"           /* 14 */
              "b,actual,,,2026-02-01,\n");         /* 15 */
    book_bad(&f, "E sellers.csv:2:1: seller: ~must not be empty\n"
                 "E sellers.csv:3:3: fusf_method: ~must not be empty\n"
                 "E sellers.csv:4:3: fusf_method: ~is none of safe_harbour, traffic_study, actual\n"
                 "E sellers.csv:5:17: interstate_share: ~write it here\n"
                 "E sellers.csv:6:10: interstate_share: ~from 0 to 1\n"
                 "E sellers.csv:7:11: tax_services: ~\"fax\" is unknown: it has no row in tax_map.csv\n"
                 "E sellers.csv:8:12: from: ~is not a whole day\n"
                 "E sellers.csv:9:23: to: ~is also the from date\n"
                 "E sellers.csv:11:1: seller: ~overlap: line 10 is in force on the same days for all\n"
                 "E sellers.csv:13:1: seller: ~overlap: line 12 is in force on the same days for data\n");
    book_end(&f);
}

static void bad_rows(void **state)
{
    struct book_fixture f;
    (void)state;

    begin(&f);
    book_file(&f, "taxes.csv",
              "tax,tax_jurisdiction,level,tax_services,sale,base,rate,amount,from,to,as_of,cadence,on_taxes\n"
              ",TX,,,,,1%,,,,,,\n"                 /* 2 */
              "a,,,,,,1%,,,,,,\n"                  /* 3 */
              "a,ZZ,,,,,1%,,,,,,\n"                /* 4 */
              "a,TX,city,,,,1%,,,,,,\n"            /* 5 */
              "a,TX,,fax,,,1%,,,,,,\n"             /* 6 */
              "a,TX,,,free,half,101,-1,,,x,day,\n" /* 7 */
              "a,TX,,,,,0.0000000000001,,,,,,b\n"  /* 8 */
              "a,TX,,,,,1.00000000001%,,,,,,\n"    /* 9 */
              "a,TX,,,,,1%,,2026-02-30,,,,\n");    /* 10 */
    book_bad(&f, "E taxes.csv:2:1: tax: ~must not be empty\n"
                 "E taxes.csv:3:3: tax_jurisdiction: ~neither tax_jurisdiction nor level\n"
                 "E taxes.csv:4:3: tax_jurisdiction: ~\"ZZ\" is unknown\n"
                 "E taxes.csv:5:6: level: ~\"city\" is not the level of \"TX\", which is a state\n"
                 "E taxes.csv:6:7: tax_services: ~\"fax\" is unknown\n"
                 "E taxes.csv:7:8: sale: ~is none of retail, resale, any\n"
                 "E taxes.csv:7:18: rate: ~from 0 to 100\n"
                 "E taxes.csv:7:22: amount: ~\"-1\" is negative\n"
                 "E taxes.csv:7:13: base: ~is none of charge\n"
                 "E taxes.csv:7:27: as_of: ~is not a whole day\n"
                 "E taxes.csv:7:29: cadence: ~is none of month, quarter, year\n"
                 "E taxes.csv:8:10: rate: ~at most 12 decimals\n"
                 "E taxes.csv:9:10: rate: ~at most 10 decimals\n"
                 "E taxes.csv:10:14: from: ~is not a whole day\n"
                 "E taxes.csv:8:31: on_taxes: ~\"b\" is unknown: it has no row in taxes.csv\n");
    book_end(&f);
}

static void bad_kinds(void **state)
{
    struct book_fixture f;
    (void)state;

    begin(&f);
    book_file(&f, "book.yaml", "book: b\ncurrency: USD\ntimezone: UTC\nnumber_plan: e164\n");
    book_file(&f, "taxes.csv",
              "tax,level,kind,rate,amount,base,on_taxes,line_basis,part_month,sourcing,threshold\n"
              "a,state,rate,,,,,,,,\n"                     /* 2 */
              "b,state,,1%,2,,,number,full,,\n"            /* 3 */
              "c,state,per_minute,,,none,a,,,,\n"          /* 4 */
              "d,state,per_line,1%,1,,,,,,\n"              /* 5 */
              "e,state,per_line,,1,,,number:x,,,\n"        /* 6 */
              "g,state,,1%,,,,,,origin,\n"                 /* 7 */
              "h,state,per_line,,1,,,number,,,0.1234567\n" /* 8 */
              "i,state,fixed,,,,,,,,\n"                    /* 9 */
              "i,state,rate,,,,,,,,\n");                   /* 10 */
    book_bad(&f, "E taxes.csv:6:23: line_basis: ~\"number:x\" is not a type\n"
                 "E taxes.csv:10:9: kind: ~line 9 says otherwise of the same tax\n"
                 "E taxes.csv:3:17: line_basis: ~for kind per_line only\n"
                 "E taxes.csv:3:24: part_month: ~for kind per_line only\n"
                 "E taxes.csv:5:1: line_basis: ~what counts as a line\n"
                 "E taxes.csv:7:18: sourcing: ~number_plan e164\n");
    book_file(&f, "taxes.csv",
              "tax,level,kind,rate,amount,base,on_taxes,line_basis,threshold,cap\n"
              "a,state,rate,,,,,,,\n"                            /* 2 */
              "b,state,,1%,2,,,,,\n"                             /* 3 */
              "c,state,per_minute,,,none,a,,,\n"                 /* 4 */
              "d,state,per_line,1%,1,,,number,,\n"               /* 5 */
              "h,state,per_line,,1,,,number,0.1234567,\n"        /* 6 */
              "k,state,per_minute,,1,,,,0.1234567,0.1234567\n"); /* 7 */
    book_bad(&f, "E taxes.csv:2:1: rate: ~needs it in every row\n"
                 "E taxes.csv:3:13: amount: ~not for kind rate\n"
                 "E taxes.csv:4:1: amount: ~needs it in every row\n"
                 "E taxes.csv:4:22: base: ~for kind rate only\n"
                 "E taxes.csv:4:27: on_taxes: ~for kind rate only\n"
                 "E taxes.csv:5:18: rate: ~for kind rate\n"
                 "E taxes.csv:6:30: threshold: ~at most 6 decimals\n"
                 "E taxes.csv:7:26: threshold: ~at most 6 decimals\n");
    book_end(&f);
}

static void bad_series(void **state)
{
    struct book_fixture f;
    (void)state;

    begin(&f);
    book_file(&f, "taxes.csv",
              "tax,level,rate,bracket_from,bracket_to,cap,threshold,base\n"
              "a,state,1%,5,,,,\n"      /* 2: none from 0 */
              "b,state,1%,,10,,,\n"     /* 3: last one ends */
              "c,state,1%,,10,,,\n"     /* 4 */
              "c,state,1%,11,,,,\n"     /* 5: gap of brackets */
              "d,state,1%,,,,,\n"       /* 6: open in the middle */
              "d,state,1%,10,,,,\n"     /* 7 */
              "e,state,1%,,10,,,\n"     /* 8 */
              "e,state,2%,10,,5,,\n"    /* 9: another cap */
              "g,state,1%,,10,,,\n"     /* 10 */
              "g,state,1%,10,,,1,\n"    /* 11: another threshold */
              "h,state,1%,,10,,,\n"     /* 12 */
              "h,state,1%,10,,,,none\n" /* 13: another base */
              "i,state,1%,,0,,,\n"      /* 14 */
              "j,state,1%,,,,,\n"       /* 15: twice the same */
              "j,state,1%,,,,,\n");     /* 16 */
    book_bad(&f, "E taxes.csv:2:12: bracket_from: ~no bracket of this series begins at 0\n"
                 "E taxes.csv:3:13: bracket_to: ~no end\n"
                 "E taxes.csv:5:12: bracket_from: ~the bracket before, line 4\n"
                 "E taxes.csv:7:12: bracket_from: ~the bracket before, line 6\n"
                 "E taxes.csv:9:16: cap: ~line 8 says otherwise\n"
                 "E taxes.csv:11:17: threshold: ~line 10 says otherwise\n"
                 "E taxes.csv:13:18: base: ~line 12 says otherwise\n"
                 "E taxes.csv:14:13: bracket_to: ~ends where it begins\n"
                 "E taxes.csv:16:1: bracket_from: ~line 15 is for the same\n");
    book_end(&f);
}

static void overlaps(void **state)
{
    struct book_fixture f;
    (void)state;

    begin(&f);
    book_file(&f, "taxes.csv",
              "tax,tax_jurisdiction,level,tax_services,customer_classes,sale,rate,from,to\n"
              "a,TX,,,,,1%,,2026-02-01\n"             /* 2 */
              "a,TX,,voice,,,1%,2026-01-31,\n"        /* 3: some is in all */
              "b,TX,,voice;data,,,1%,,\n"             /* 4 */
              "b,TX,,data;text,biz,,1%,2026-01-01,\n" /* 5: all classes, one service */
              "c,TX,,,,,1%,,\n"                       /* 6 */
              "c,TX,,,,any,1%,2026-01-01,\n"          /* 7: any holds retail */
              "d,,state,,,,1%,,\n"                    /* 8 */
              "d,,state,voice,,,1%,,\n"               /* 9: of the level */
              /* These may stand together: */
              "e,TX,,voice,,,1%,,\n"
              "e,TX,,data,,,2%,,\n"
              "e,TX,,text,biz,,2%,,\n"
              "e,TX,,text,home,,2%,,\n"
              "e,TX,,text,,resale,2%,,\n"
              "e,,state,,,,2%,,\n"
              "e,NY,,voice,,,1%,,\n"
              "g,TX,,,,,1%,,2026-02-01\n"
              "g,TX,,,,,1%,2026-02-01,\n");
    book_bad(&f, "E taxes.csv:9:1: tax: ~overlap: line 8\n"
                 "E taxes.csv:5:1: tax: ~overlap: line 4\n"
                 "E taxes.csv:7:1: tax: ~overlap: line 6\n"
                 "E taxes.csv:3:1: tax: ~overlap: line 2\n");
    book_end(&f);
}

static void gaps(void **state)
{
    struct book_fixture f;
    (void)state;

    begin(&f);
    book_file(&f, "taxes.csv",
              "tax,tax_jurisdiction,tax_services,rate,from,to\n"
              "a,TX,,1%,2026-03-01,\n"
              "a,TX,,1%,,2026-02-28\n"
              "b,TX,voice,1%,,2026-02-28\n" /* not equal but for dates */
              "b,TX,data,1%,2026-03-01,\n"
              "c,TX,,1%,,2026-02-28\n"
              "c,TX,,0,2026-02-28,2026-03-01\n"
              "c,TX,,1%,2026-03-01,\n");
    book_bad(&f,
             "E taxes.csv:2:1: tax: ~gap: line 3 ends with 2026-02-28 and this row begins with 2026-03-01\n");
    book_end(&f);
}

static void circles(void **state)
{
    struct book_fixture f;
    (void)state;

    begin(&f);
    /* Two that name each other and themselves: 2 x 0.5 is 1. Below it they have a solution. */
    book_file(&f, "taxes.csv",
              "tax,level,rate,on_taxes,bracket_from,bracket_to,cap\n"
              "a,state,50%,a;b,,,\n"
              "b,state,1%,a;b,,,\n"
              "c,state,100%,c,,,\n"
              "d,state,1%,e,,10,\n"
              "d,state,2%,e,10,,\n"
              "e,state,1%,g,,,\n"
              "g,state,1%,d;h,,,5\n"
              "h,state,90%,a,,10,\n"
              "h,state,90%,a,10,,\n");
    book_bad(&f, "E taxes.csv:2:9: rate: ~a cycle without a solution\n"
                 "E taxes.csv:4:9: rate: ~a cycle without a solution: this tax stands on \"c\"\n"
                 "E taxes.csv:5:1: tax: ~a cycle without a solution: this tax and \"e\"\n"
                 "E taxes.csv:8:1: tax: ~a cycle without a solution: this tax and \"d\"\n");
    book_file(&f, "taxes.csv", "tax,level,rate,on_taxes\na,state,49.9999999999%,a;b\nb,state,1%,a;b\n");
    book_good(&f);
    book_end(&f);
}

static void bad_rest(void **state)
{
    struct book_fixture f;
    (void)state;

    begin(&f);
    book_file(&f, "accounts.csv", "account,sale,seller,tax_site\nacme,lease,nobody,lab\nbeta,,,hq\n");
    book_file(&f, "sites.csv", "site,account,area\nhq,acme,nowhere\nbr,beta,\n");
    book_file(&f, "npanxx.csv", "prefix,state,area\n1212,NY,nowhere\n");
    book_file(&f, "exemptions.csv",
              "account,site,tax_jurisdiction,level,category,tax,percent\n"
              "zeta,,,,,,\n,zz,,,,,\nacme,br,,,,,\n,,ZZ,,,,\n,,,town,,,\n,,,,fees,,\n"
              ",,,,,zz,\n,,,,,,100.1\n,,,,,,0.1234567\n");
    book_file(&f, "charges.csv",
              "account,product,kind,amount,site,quantity,tax_included,from,to\n"
              ",p,fee,1,,,,2026-01-01,\n"
              "acme,,fee,1,,,,2026-01-01,\n"
              "acme,p,,1,,,,2026-01-01,\n"
              "acme,p,fee,,,,,2026-01-01,\n"
              "acme,p,fee,-1,,,,2026-01-01,\n"
              "acme,p,fee,1,br,,,2026-01-01,\n"
              "acme,p,fee,1,,0.1234567,,2026-01-01,\n"
              "acme,p,fee,1,,,maybe,2026-01-01,\n"
              "acme,p,fee,1,,,,,\n"
              "acme,p,one_time,1,,,,2026-01-01,2026-02-01\n"
              "acme,p,credit,1,,-1,,2026-01-01,\n");
    book_bad(&f, "E accounts.csv:2:6: sale: ~is none of retail, resale\n"
                 "E accounts.csv:2:12: seller: ~\"nobody\" is unknown: it has no row in sellers.csv\n"
                 "E sites.csv:2:9: area: ~\"nowhere\" is unknown: it has no row in tax_areas.csv\n"
                 "E accounts.csv:2:19: tax_site: ~\"lab\" is unknown\n"
                 "E accounts.csv:3:8: tax_site: ~\"hq\" does not belong to this account\n"
                 "E npanxx.csv:2:9: area: ~\"nowhere\" is unknown\n"
                 "E exemptions.csv:2:1: account: ~\"zeta\" is unknown\n"
                 "E exemptions.csv:3:2: site: ~\"zz\" is unknown\n"
                 "E exemptions.csv:4:6: site: ~\"br\" does not belong to the account \"acme\"\n"
                 "E exemptions.csv:5:3: tax_jurisdiction: ~\"ZZ\" is unknown\n"
                 "E exemptions.csv:6:4: level: ~is none of federal\n"
                 "E exemptions.csv:7:5: category: ~\"fees\" is unknown: no tax of taxes.csv has it\n"
                 "E exemptions.csv:8:6: tax: ~\"zz\" is unknown\n"
                 "E exemptions.csv:9:7: percent: ~from 0 to 100\n"
                 "E exemptions.csv:10:7: percent: ~at most 6 decimals\n"
                 "E charges.csv:2:1: account: ~must not be empty\n"
                 "E charges.csv:3:6: product: ~must not be empty\n"
                 "E charges.csv:4:8: kind: ~must not be empty\n"
                 "E charges.csv:5:12: amount: ~must not be empty\n"
                 "E charges.csv:6:12: amount: ~\"-1\" is negative\n"
                 "E charges.csv:7:14: site: ~\"br\" does not belong to the account \"acme\"\n"
                 "E charges.csv:8:15: quantity: ~at most 6 decimals\n"
                 "E charges.csv:9:16: tax_included: ~is none of no, yes\n"
                 "E charges.csv:10:17: from: ~needs its day here\n"
                 "E charges.csv:11:33: to: ~has no end\n"
                 "E charges.csv:12:18: quantity: ~is not a number from 0\n");
    book_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_compiled),
        cmocka_unit_test(splits_compiled),
        cmocka_unit_test(sellers_compiled),
        cmocka_unit_test(taxes_compiled),
        cmocka_unit_test(counted_brackets),
        cmocka_unit_test(rest_compiled),
        cmocka_unit_test(untaxed),
        cmocka_unit_test(bad_places),
        cmocka_unit_test(bad_map),
        cmocka_unit_test(bad_sellers),
        cmocka_unit_test(bad_rows),
        cmocka_unit_test(bad_kinds),
        cmocka_unit_test(bad_series),
        cmocka_unit_test(overlaps),
        cmocka_unit_test(gaps),
        cmocka_unit_test(circles),
        cmocka_unit_test(bad_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
