/* The folder as a whole: book.yaml, and files that are no table of it. */
#include "ratetable/build.h"

#include "base/money.h"
#include "text/yaml.h"

#include <stdio.h>

static const char *const known_tables[] = {"accounts.csv",
                                           "assignments.csv",
                                           "bundles.csv",
                                           "calendars.csv",
                                           "calltypes.csv",
                                           "carriers.csv",
                                           "charges.csv",
                                           "deck_versions.csv",
                                           "decks.csv",
                                           "destinations.csv",
                                           "exemptions.csv",
                                           "fx.csv",
                                           "holidays.csv",
                                           "local_areas.csv",
                                           "npanxx.csv",
                                           "numbers.csv",
                                           "plan_rules.csv",
                                           "plans.csv",
                                           "products.csv",
                                           "sellers.csv",
                                           "services.csv",
                                           "sites.csv",
                                           "subscriptions.csv",
                                           "surcharges.csv",
                                           "tax_areas.csv",
                                           "tax_jurisdictions.csv",
                                           "tax_map.csv",
                                           "taxes.csv",
                                           "tiers.csv",
                                           "trunks.csv",
                                           NULL};

static bool among(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

bool toll_is_book_table(const char *file)
{
    return among(file, known_tables);
}

int toll_build_folder(struct toll_build *build)
{
    char **names, path[4096];
    size_t count;
    struct toll_error reason;
    int code;

    if (build->given != NULL)
        return 0;
    code = toll_list_directory(build->io, build->directory, ".", &names, &count, &reason);
    if (code != 0)
        return toll_error_set(build->error, code, "%s/%s", build->folder, reason.text);
    for (size_t i = 0; i < count; i++) {
        const size_t bytes = strlen(names[i]);
        if (bytes < 4 || strcmp(names[i] + bytes - 4, ".csv") != 0 || names[i][0] == '.' ||
            among(names[i], known_tables))
            continue;
        snprintf(path, sizeof(path), "%s/%s", build->folder, names[i]);
        toll_finding(build->findings, TOLL_ERROR, path, 0, 0,
                     "this is no table of a book; correct its name or take it out of the folder");
    }
    toll_names_free(names, count);
    return 0;
}

/* A required text; NULL after a finding. */
static const char *required(const char *file, struct toll_yaml *root, const char *key,
                            struct toll_findings *findings)
{
    const size_t errors = findings->errors;
    const char *text = toll_yaml_text(file, root, key, "", findings);

    if (text[0] != 0)
        return text;
    if (findings->errors == errors) {
        const struct toll_yaml *node = toll_yaml_get(root, key);
        toll_finding(findings, TOLL_ERROR, file, node != NULL ? node->line : 1,
                     node != NULL ? node->column : 1, "\"%s\" is required", key);
    }
    return NULL;
}

/* What only the number plan nanp knows. */
static void report_nanp_only(const char *file, struct toll_yaml *root, const char *key,
                             struct toll_findings *findings)
{
    const struct toll_yaml *node = toll_yaml_get(root, key);

    if (node != NULL)
        toll_finding(findings, TOLL_ERROR, file, node->line, node->column,
                     "%s: only a book with number_plan nanp has it; take the line out", key);
}

static int read_jurisdiction(struct toll_build *build, const char *file, struct toll_yaml *root,
                             struct toll_book_meta *meta)
{
    static const char *const bases[] = {"ani", "ani_lrn", "site", "carrier"}; /* toll_jurisdiction_basis */
    static const char *const on_nets[] = {"none", "account", "any"};          /* toll_on_net_rule */
    int basis = TOLL_BASIS_ANI, on_net = TOLL_ON_NET_NONE;

    toll_yaml_choice(file, root, "on_net", on_nets, 3, TOLL_ON_NET_NONE, &on_net, build->findings);
    meta->on_net = build->on_net = on_net;
    if (!build->nanp) {
        report_nanp_only(file, root, "country", build->findings);
        report_nanp_only(file, root, "jurisdiction_basis", build->findings);
        build->country = "";
        return 0;
    }
    toll_yaml_choice(file, root, "jurisdiction_basis", bases, 4, TOLL_BASIS_ANI, &basis, build->findings);
    meta->basis = basis;
    build->country = toll_yaml_text(file, root, "country", "US", build->findings);
    if (strlen(build->country) != 2 || build->country[0] < 'A' || build->country[0] > 'Z' ||
        build->country[1] < 'A' || build->country[1] > 'Z') {
        const struct toll_yaml *node = toll_yaml_get(root, "country");
        toll_finding(build->findings, TOLL_ERROR, file, node->line, node->column,
                     "country: \"%.20s\" is not two capital letters, like US", build->country);
        build->country = "US";
    }
    return toll_build_text(build, build->country, strlen(build->country), &meta->country)
               ? 0
               : toll_build_memory(build);
}

static int read_settings(struct toll_build *build, const char *file, struct toll_yaml *root,
                         struct toll_book_meta *meta)
{
    static const char *const plans[] = {"nanp", "e164"};
    static const char *const roundings[] = {"half_up", "half_even", "up", "down"}; /* enum toll_rounding */
    const char *name = required(file, root, "book", build->findings);
    const char *currency = required(file, root, "currency", build->findings);
    const char *timezone = required(file, root, "timezone", build->findings);
    int number_plan = 0, rounding = TOLL_HALF_UP, code = 0;
    int64_t decimals = 6;
    uint32_t index;

    toll_yaml_choice(file, root, "number_plan", plans, 2, 0, &number_plan, build->findings);
    toll_yaml_choice(file, root, "rounding", roundings, 4, TOLL_HALF_UP, &rounding, build->findings);
    toll_yaml_int(file, root, "decimals", 0, 8, 6, &decimals, build->findings);
    build->nanp = number_plan == 0;
    code = read_jurisdiction(build, file, root, meta);
    if (code != 0)
        return code;
    toll_yaml_report_unused(file, root, build->findings);
    if (currency != NULL && !toll_currency_valid(currency, strlen(currency))) {
        const struct toll_yaml *node = toll_yaml_get(root, "currency");
        toll_finding(build->findings, TOLL_ERROR, file, node->line, node->column,
                     "currency: \"%.20s\" is not three capital letters", currency);
    } else if (currency != NULL) {
        build->currency = currency;
    }
    if (timezone != NULL) {
        const struct toll_yaml *node = toll_yaml_get(root, "timezone");
        toll_build_zone(build, timezone, file, node->line, node->column, &index, &code);
        if (code != 0)
            return code;
    }
    build->decimals = (int)decimals;
    build->rounding = rounding;
    if (!toll_build_text(build, name != NULL ? name : "", name != NULL ? strlen(name) : 0, &meta->name) ||
        !toll_build_text(build, build->currency, strlen(build->currency), &meta->currency))
        return toll_build_memory(build);
    meta->nanp = build->nanp;
    meta->decimals = build->decimals;
    meta->rounding = build->rounding;
    return 0;
}

int toll_build_settings(struct toll_build *build)
{
    struct toll_book_meta meta = {0};
    struct toll_book_meta *place;
    struct toll_source *source;
    struct toll_yaml *root;
    uint32_t index;
    int code = toll_build_source(build, "book.yaml", &source);

    /* What later stages go on with when the file is bad; the findings stop the book. */
    build->currency = "USD";
    build->nanp = true;
    build->country = "US";
    build->decimals = 6;
    if (code != 0)
        return code;
    if (source == NULL) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/book.yaml", build->folder);
        toll_finding(build->findings, TOLL_ERROR, path, 0, 0,
                     "the file is missing: a book needs it, with book, currency and timezone");
    } else {
        code = toll_yaml_parse(source->path, source->blob.data, source->blob.size, &build->arena,
                               build->findings, &root, build->error);
        if (code == 0)
            code = read_settings(build, source->path, root, &meta);
        else if (code == TOLL_EBOOK)
            code = 0;
        if (code != 0)
            return code;
    }
    if (build->zones.count == 0)
        toll_build_zone(build, "UTC", "", 0, 0, &index, &code);
    place = TOLL_BUILD_ADD(build, META, struct toll_book_meta);
    if (code == 0 && place == NULL)
        return toll_build_memory(build);
    if (code == 0)
        *place = meta;
    return code;
}
