/* accounts.csv and sites.csv. Of an account rating uses name, parent, timezone, currency and the day its
 * period begins, of a site the state; taxes use class, sale, seller and tax_site, and a site's area. The
 * other columns are the biller's own. */
#include "ratetable/tax_build.h"

enum {
    ACCOUNT,
    NAME,
    PARENT,
    CLASS,
    SALE,
    TIMEZONE,
    CURRENCY,
    CYCLE_DAY,
    TERMS,
    SELLER,
    STATUS,
    PSA_ID,
    ACCOUNTING_ID,
    TAX_SITE,
    ACCOUNT_COLUMNS
};
static const struct toll_table_column account_columns[ACCOUNT_COLUMNS] = {
    [ACCOUNT] = {"account", true},
    [NAME] = {"name", false},
    [PARENT] = {"parent", false},
    [CLASS] = {"class", false},
    [SALE] = {"sale", false},
    [TIMEZONE] = {"timezone", false},
    [CURRENCY] = {"currency", false},
    [CYCLE_DAY] = {"cycle_day", false},
    [TERMS] = {"terms", false},
    [SELLER] = {"seller", false},
    [STATUS] = {"status", false},
    [PSA_ID] = {"psa_id", false},
    [ACCOUNTING_ID] = {"accounting_id", false},
    [TAX_SITE] = {"tax_site", false}};

bool toll_currency_valid(const char *text, size_t bytes)
{
    return bytes == 3 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z' &&
           text[2] >= 'A' && text[2] <= 'Z';
}

/* Parents may come after their children, and sites have a table of their own: resolved when all accounts and
 * sites have their ids. */
struct kept_cell {
    const char *text;
    uint32_t id, line, column;
};

static int keep_cell(struct toll_build *build, struct toll_buffer *cells, const struct toll_cell *cell,
                     uint32_t id)
{
    struct kept_cell *place;

    if (cell->bytes == 0)
        return 0;
    place = TOLL_BUFFER_ADD(cells, struct kept_cell);
    if (place == NULL)
        return toll_build_memory(build);
    *place = (struct kept_cell){toll_arena_copy(&build->arena, cell->text, cell->bytes), id,
                                (uint32_t)cell->line, (uint32_t)cell->column};
    return place->text != NULL ? 0 : toll_build_memory(build);
}

static void resolve_parents(struct toll_build *build, const struct toll_source *source)
{
    for (size_t i = 0; i < build->parent_cells.count; i++) {
        const struct kept_cell *cell = TOLL_BUFFER_AT(&build->parent_cells, struct kept_cell, i);
        const uint32_t parent = toll_table_names_find(&build->accounts, cell->text, strlen(cell->text));
        if (parent == 0 || parent == cell->id)
            toll_finding(build->findings, TOLL_ERROR, source->path, cell->line, cell->column,
                         parent == 0
                             ? "parent: the account \"%.60s\" is unknown: it has no row in accounts.csv"
                             : "parent: the account \"%.60s\" cannot be its own parent; leave the "
                               "cell empty",
                         cell->text);
        else
            TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_ACCOUNTS], struct toll_account, cell->id)->parent =
                (int32_t)parent;
    }
}

int toll_parents_check(struct toll_build *build)
{
    const struct toll_account *accounts = build->sections[TOLL_SECTION_ACCOUNTS].data;
    const char *const *currencies = build->account_currencies.data;
    struct toll_source *source;
    const int code = toll_build_source(build, "accounts.csv", &source);

    for (size_t i = 0; i < build->parent_cells.count && code == 0; i++) {
        const struct kept_cell *cell = TOLL_BUFFER_AT(&build->parent_cells, struct kept_cell, i);
        const struct toll_account *account = &accounts[cell->id], *parent = &accounts[account->parent];
        if (account->parent == 0 ||
            (account->zone == parent->zone && account->cycle_day == parent->cycle_day &&
             strcmp(currencies[cell->id], currencies[account->parent]) == 0))
            continue;
        toll_finding(build->findings, TOLL_ERROR, source->path, cell->line, cell->column,
                     "parent: tiers of scope pool count this account with its parent (line %u), so both need "
                     "one currency, one timezone and one cycle_day",
                     parent->line);
    }
    return code;
}

/* A book that knows nothing of sellers may have any text there. False: out of memory. */
static bool read_tax_cells(struct toll_build *build, const struct toll_table *table,
                           struct toll_account *record)
{
    static const char *const sales[] = {"retail", "resale"};
    const struct toll_cell *seller = toll_table_cell(table, SELLER);
    int32_t known;

    (void)toll_cell_choice(table, SALE, sales, 2, TOLL_TAX_RETAIL, &record->resale);
    if (build->tax.has_sellers || build->tax.taxed)
        (void)toll_cell_reference(build, table, SELLER, "seller", "sellers.csv", &build->tax.sellers, &known);
    return toll_build_cell(build, seller, &record->seller) &&
           toll_build_cell(build, toll_table_cell(table, CLASS), &record->class_);
}

static int read_account(struct toll_build *build, const struct toll_table *table,
                        const struct toll_source *source)
{
    const struct toll_cell *cell, *name = toll_table_cell(table, NAME);
    const struct toll_cell *zone_cell = toll_table_cell(table, TIMEZONE);
    const struct toll_cell *currency = toll_table_cell(table, CURRENCY);
    struct toll_account record = {.file = source->text, .line = (uint32_t)toll_table_line(table)};
    const struct toll_zone *zone = TOLL_BUFFER_AT(&build->zones, struct toll_build_zone, 0)->zone;
    const char *currency_text = build->currency;
    struct toll_account *place;
    int64_t cycle_day = 1;
    const struct toll_zone **zone_place;
    const char **currency_place;
    uint32_t id, first;
    int code;

    if (!toll_cell_name(table, ACCOUNT, &cell))
        return 0;
    if (!toll_table_names_add(&build->accounts, cell->text, cell->bytes, cell->line, &id, &first))
        return toll_build_memory(build);
    if (id == 0) {
        toll_duplicate_finding(table, cell, "account", first);
        return 0;
    }
    if (zone_cell->bytes > 0) {
        const struct toll_zone *own = toll_build_zone(build, zone_cell->text, source->path, zone_cell->line,
                                                      zone_cell->column, &record.zone, &code);
        if (code != 0)
            return code;
        zone = own != NULL ? own : zone;
    }
    if (currency->bytes > 0) {
        if (!toll_currency_valid(currency->text, currency->bytes)) {
            toll_cell_finding(table, currency, TOLL_ERROR, "\"%.20s\" is not three capital letters",
                              currency->text);
        } else if (strcmp(currency->text, build->currency) != 0) {
            currency_text = toll_arena_copy(&build->arena, currency->text, currency->bytes);
            if (currency_text == NULL)
                return toll_build_memory(build);
        }
    }
    toll_cell_int(table, CYCLE_DAY, 1, 28, 1, &cycle_day);
    record.cycle_day = (int32_t)cycle_day;
    place = TOLL_BUILD_ADD(build, ACCOUNTS, struct toll_account);
    zone_place = TOLL_BUFFER_ADD(&build->account_zones, const struct toll_zone *);
    currency_place = TOLL_BUFFER_ADD(&build->account_currencies, const char *);
    if (place == NULL || zone_place == NULL || currency_place == NULL ||
        !toll_build_text(build, cell->text, cell->bytes, &record.account) ||
        !toll_build_text(build, name->text, name->bytes, &record.name) ||
        !toll_build_text(build, currency_text, strlen(currency_text), &record.currency) ||
        !read_tax_cells(build, table, &record))
        return toll_build_memory(build);
    *place = record;
    *zone_place = zone;
    *currency_place = currency_text;
    code = keep_cell(build, &build->parent_cells, toll_table_cell(table, PARENT), id);
    return code != 0 ? code : keep_cell(build, &build->tax.site_cells, toll_table_cell(table, TAX_SITE), id);
}

enum { SITE, SITE_ACCOUNT, SITE_NAME, STREET, CITY, STATE, ZIP, AREA, SITE_COLUMNS };
static const struct toll_table_column site_columns[SITE_COLUMNS] = {
    [SITE] = {"site", true},       [SITE_ACCOUNT] = {"account", true},
    [SITE_NAME] = {"name", false}, [STREET] = {"street", false},
    [CITY] = {"city", false},      [STATE] = {"state", false},
    [ZIP] = {"zip", false},        [AREA] = {"area", false}};

static int read_site(struct toll_build *build, const struct toll_table *table)
{
    const struct toll_cell *cell, *account_cell, *name = toll_table_cell(table, SITE_NAME);
    const struct toll_cell *state = toll_table_cell(table, STATE);
    struct toll_site record = {.line = (uint32_t)toll_table_line(table)}, *place;
    int32_t *account_place;
    uint32_t id, first;

    if (!toll_cell_name(table, SITE, &cell))
        return 0;
    if (!toll_table_names_add(&build->sites, cell->text, cell->bytes, cell->line, &id, &first))
        return toll_build_memory(build);
    if (id == 0) {
        toll_duplicate_finding(table, cell, "site", first);
        return 0;
    }
    if (toll_cell_name(table, SITE_ACCOUNT, &account_cell))
        toll_cell_reference(build, table, SITE_ACCOUNT, "account", "accounts.csv", &build->accounts,
                            &record.account);
    if (build->tax.has_areas || build->tax.taxed)
        toll_cell_tax_id(build, table, AREA, "area", "tax_areas.csv", &build->tax.areas, &build->tax.area_ids,
                         &record.area);
    place = TOLL_BUILD_ADD(build, SITES, struct toll_site);
    account_place = TOLL_BUFFER_ADD(&build->site_accounts, int32_t);
    if (place == NULL || account_place == NULL ||
        !toll_build_text(build, cell->text, cell->bytes, &record.site) ||
        !toll_build_text(build, name->text, name->bytes, &record.name) ||
        !toll_build_state(build, build->country, state->text, state->bytes, &record.state))
        return toll_build_memory(build);
    *place = record;
    *account_place = record.account;
    return 0;
}

/* Where an account is that has no site: its tax_site, else its only site. */
static int set_tax_sites(struct toll_build *build)
{
    struct toll_account *accounts = build->sections[TOLL_SECTION_ACCOUNTS].data;
    const int32_t *site_accounts = build->site_accounts.data;
    struct toll_source *source;
    const int code = toll_build_source(build, "accounts.csv", &source);

    for (size_t site = 1; site < build->site_accounts.count; site++) {
        struct toll_account *account = &accounts[site_accounts[site]];
        account->tax_site = account->tax_site == 0 ? (int32_t)site : -1; /* -1: several */
    }
    for (size_t i = 0; i < build->sections[TOLL_SECTION_ACCOUNTS].count; i++)
        accounts[i].tax_site = i == 0 || accounts[i].tax_site < 0 ? 0 : accounts[i].tax_site;
    for (size_t i = 0; i < build->tax.site_cells.count && code == 0; i++) {
        const struct kept_cell *cell = TOLL_BUFFER_AT(&build->tax.site_cells, struct kept_cell, i);
        const uint32_t site = toll_table_names_find(&build->sites, cell->text, strlen(cell->text));
        if (site > 0 && site_accounts[site] == (int32_t)cell->id) {
            accounts[cell->id].tax_site = (int32_t)site;
            accounts[cell->id].tax_site_named = 1;
            continue;
        }
        toll_finding(build->findings, TOLL_ERROR, source->path, cell->line, cell->column,
                     site == 0 ? "tax_site: the site \"%.60s\" is unknown: it has no row in sites.csv"
                               : "tax_site: the site \"%.60s\" does not belong to this account; name one of "
                                 "its own",
                     cell->text);
    }
    return code;
}

int toll_build_accounts(struct toll_build *build)
{
    struct toll_table *table;
    struct toll_source *source;
    int code;

    /* Entry 0 of every id table is nobody. */
    if (TOLL_BUILD_ADD(build, ACCOUNTS, struct toll_account) == NULL ||
        TOLL_BUILD_ADD(build, SITES, struct toll_site) == NULL ||
        TOLL_BUFFER_ADD(&build->account_zones, const struct toll_zone *) == NULL ||
        TOLL_BUFFER_ADD(&build->account_currencies, const char *) == NULL ||
        TOLL_BUFFER_ADD(&build->site_accounts, int32_t) == NULL)
        return toll_build_memory(build);
    code = toll_build_table(build, "accounts.csv", account_columns, ACCOUNT_COLUMNS, &table);
    if (code == 0 && table != NULL) {
        code = toll_build_source(build, "accounts.csv", &source);
        while (code == 0 && toll_table_next(table) == 1)
            code = read_account(build, table, source);
        toll_table_close(table);
        resolve_parents(build, source);
    }
    if (code == 0)
        code = toll_build_table(build, "sites.csv", site_columns, SITE_COLUMNS, &table);
    if (code == 0 && table != NULL) {
        while (code == 0 && toll_table_next(table) == 1)
            code = read_site(build, table);
        toll_table_close(table);
    }
    return code == 0 ? set_tax_sites(build) : code;
}
