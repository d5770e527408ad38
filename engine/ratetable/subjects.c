/* A subject cell: its level by the word before the colon, its name among those of that level. */
#include "ratetable/subjects.h"

/* What a cell begins with, by level. */
static const struct {
    const char *prefix, *what, *where;
} subjects[] = {[TOLL_LEVEL_NUMBER] = {"number:", "number", "numbers.csv"},
                [TOLL_LEVEL_TRUNK] = {"trunk:", "trunk", "trunks.csv or numbers.csv"},
                [TOLL_LEVEL_SITE] = {"site:", "site", "sites.csv"},
                [TOLL_LEVEL_ACCOUNT] = {"account:", "account", "accounts.csv"},
                [TOLL_LEVEL_CARRIER] = {"carrier:", "carrier", "carriers.csv"},
                [TOLL_LEVEL_PLAN] = {"plan:", "plan", "plans.csv"}};

/* 1 and out->id, 0 after a finding. */
static int find_name(struct toll_build *build, const struct toll_table *table, const struct toll_cell *cell,
                     size_t bytes, struct toll_subject *out)
{
    struct toll_table_names *const names[] = {[TOLL_LEVEL_TRUNK] = &build->trunks,
                                              [TOLL_LEVEL_SITE] = &build->sites,
                                              [TOLL_LEVEL_ACCOUNT] = &build->accounts,
                                              [TOLL_LEVEL_CARRIER] = &build->carriers,
                                              [TOLL_LEVEL_PLAN] = &build->plans};

    out->id = toll_table_names_find(names[out->level], out->name, bytes);
    if (out->id == 0 && out->level == TOLL_LEVEL_CARRIER && !build->has_carriers) {
        /* Without carriers.csv a carrier is what the records call it. */
        uint32_t first;
        if (!toll_table_names_add(&build->carriers, out->name, bytes, cell->line, &out->id, &first))
            return toll_build_memory(build);
    }
    if (out->id != 0)
        return 1;
    toll_unknown_finding(build, table, cell, subjects[out->level].what, out->name, bytes,
                         subjects[out->level].where, names[out->level]);
    return 0;
}

static bool level_allowed(int level, unsigned allowed)
{
    if (level == TOLL_LEVEL_NUMBER)
        return (allowed & TOLL_SUBJECT_NUMBER) != 0;
    return level == TOLL_LEVEL_PLAN ? (allowed & TOLL_SUBJECT_PLAN) != 0 : level < TOLL_LEVEL_DEFAULT;
}

int toll_subject_read(struct toll_build *build, const struct toll_table *table, const struct toll_cell *cell,
                      unsigned allowed, struct toll_subject *out)
{
    const struct toll_zone *const *account_zones = build->account_zones.data;
    const struct toll_zone *book_zone = TOLL_BUFFER_AT(&build->zones, struct toll_build_zone, 0)->zone;
    int level = TOLL_LEVEL_DEFAULT;

    *out = (struct toll_subject){.level = TOLL_LEVEL_DEFAULT, .zone = book_zone};
    if (strcmp(cell->text, "default") == 0)
        return 1;
    for (int i = TOLL_LEVEL_NUMBER; i <= TOLL_LEVEL_PLAN; i++) {
        const size_t skip = level_allowed(i, allowed) ? strlen(subjects[i].prefix) : 0;
        if (skip > 0 && strncmp(cell->text, subjects[i].prefix, skip) == 0 && cell->text[skip] != 0)
            level = i;
    }
    if (level == TOLL_LEVEL_DEFAULT) {
        toll_cell_finding(
            table, cell, TOLL_ERROR,
            "\"%.60s\" is no subject; write default, %strunk:NAME, site:NAME, account:NAME%s or carrier:NAME",
            cell->text, (allowed & TOLL_SUBJECT_NUMBER) != 0 ? "number:N, " : "",
            (allowed & TOLL_SUBJECT_PLAN) != 0 ? ", plan:NAME" : "");
        return 0;
    }
    out->level = level;
    out->name = cell->text + strlen(subjects[level].prefix);
    if (level == TOLL_LEVEL_NUMBER) {
        out->zone = NULL;
        return 1;
    }
    const int found = find_name(build, table, cell, cell->bytes - strlen(subjects[level].prefix), out);
    if (found != 1)
        return found;
    if (level == TOLL_LEVEL_ACCOUNT)
        out->zone = account_zones[out->id];
    else if (level == TOLL_LEVEL_SITE)
        out->zone = account_zones[*TOLL_BUFFER_AT(&build->site_accounts, int32_t, out->id)];
    if (out->zone == NULL) /* the site's account is unknown, which was reported */
        out->zone = book_zone;
    return 1;
}
