/* Trunks, hints and carriers as the image has them: sorted bytewise by text within their kind. */
#include "ratetable/pools.h"

#include <stdio.h>
#include <stdlib.h>

struct named {
    const char *text;
    uint32_t id; /* temporary */
};

static int compare_named(const void *left, const void *right)
{
    const struct named *a = left, *b = right;

    return strcmp(a->text, b->text);
}

static int compare_rows(const void *left, const void *right)
{
    const struct toll_named_row *a = left, *b = right;

    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->name != b->name)
        return a->name < b->name ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

/* The account that trunks.csv gives a trunk, 0 none. */
static int32_t trunk_account(const struct toll_build *build, uint32_t id)
{
    return id <= build->trunk_accounts.count ? *TOLL_BUFFER_AT(&build->trunk_accounts, int32_t, id - 1) : 0;
}

/* Where no row of numbers.csv is in force, trunks.csv decides: fills the gaps of the ordered rows. */
static bool fill_gaps(struct toll_buffer *rows, int32_t account)
{
    const size_t count = rows->count;
    toll_ms from = TOLL_MS_MIN;

    for (size_t i = 0; i <= count; i++) {
        const struct toll_owner_row row = i < count ? *TOLL_BUFFER_AT(rows, struct toll_owner_row, i)
                                                    : (struct toll_owner_row){.from = TOLL_MS_MAX};
        if (from < row.from) {
            struct toll_owner_row *gap = TOLL_BUFFER_ADD(rows, struct toll_owner_row);
            if (gap == NULL)
                return false;
            *gap = (struct toll_owner_row){.from = from, .until = row.from, .account = account};
        }
        from = row.until;
    }
    return true;
}

/* The owner field from the rows of numbers.csv [*at..) that bear this name, and trunks.csv. */
static int named_owner(struct toll_owners *owners, const char *path, enum toll_named_kind kind, uint32_t id,
                       const char *text, struct toll_buffer *scratch, uint32_t *field)
{
    struct toll_build *build = owners->build;
    const struct toll_named_row *rows = build->named_rows.data;
    const int32_t account = kind == TOLL_NAMED_TRUNK ? trunk_account(build, id) : 0;
    const struct toll_named_row wanted = {.kind = (int32_t)kind, .name = id};
    size_t low = 0, high = build->named_rows.count;
    char shown[80];
    int code;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare_rows(&rows[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    scratch->count = 0;
    for (; low < build->named_rows.count && rows[low].kind == (int32_t)kind && rows[low].name == id; low++) {
        struct toll_owner_row *row;
        if (account > 0 && rows[low].account != account) {
            toll_finding(build->findings, TOLL_ERROR, path, rows[low].line, rows[low].column,
                         "number: the trunk \"%.60s\" belongs to another account in trunks.csv, line %u",
                         text, *TOLL_BUFFER_AT(&build->trunk_lines, uint32_t, id - 1));
            continue;
        }
        row = TOLL_BUFFER_ADD(scratch, struct toll_owner_row);
        if (row == NULL)
            return toll_build_memory(build);
        *row = (struct toll_owner_row){rows[low].dates.from, rows[low].dates.until, rows[low].account,
                                       rows[low].site,       rows[low].line,        rows[low].column};
    }
    snprintf(shown, sizeof(shown), "\"%s:%.60s\"", kind == TOLL_NAMED_TRUNK ? "trunk" : "hint", text);
    if (account == 0)
        return toll_owner_field(owners, path, shown, scratch->data, &scratch->count, 0, field);
    /* In order and without overlaps, so that the gaps can be seen. */
    toll_owner_rows_order(owners, path, shown, scratch->data, &scratch->count);
    code = fill_gaps(scratch, account) ? 0 : toll_build_memory(build);
    if (code == 0)
        code = toll_owner_field(owners, path, shown, scratch->data, &scratch->count, 0, field);
    return code;
}

/* What a trunk or carrier has on both sides: plans, and what its cost draws on. */
static int named_plans(struct toll_owners *owners, enum toll_assignment_level level, uint32_t id,
                       struct toll_named *record)
{
    int code = toll_own_spans(owners, level, id, false, &record->span, &record->span_count);

    if (code == 0)
        code = toll_own_spans(owners, level, id, true, &record->buy_span, &record->buy_span_count);
    if (code == 0 && owners->pools->any)
        code = toll_entitle_cost(owners->pools, level, id, &record->pool_first, &record->pool_count);
    return code;
}

/* What only a trunk or only a carrier has, and its place in the image by its temporary id. */
static void named_ids(struct toll_build *build, enum toll_named_kind kind, uint32_t id, uint32_t index,
                      struct toll_named *record)
{
    if (kind == TOLL_NAMED_TRUNK) {
        record->id = index + 1;
        *TOLL_BUFFER_AT(&build->trunk_ids, uint32_t, id) = index + 1;
        if (id <= build->trunk_carriers.count) {
            const uint32_t carrier = *TOLL_BUFFER_AT(&build->trunk_carriers, uint32_t, id - 1);
            record->carrier = *TOLL_BUFFER_AT(&build->carrier_ids, uint32_t, carrier);
        }
    }
    if (kind == TOLL_NAMED_CARRIER) {
        *TOLL_BUFFER_AT(&build->carrier_ids, uint32_t, id) = index + 1;
        if (id <= build->feed_roles.count)
            record->feed_role = *TOLL_BUFFER_AT(&build->feed_roles, uint32_t, id - 1);
    }
}

static int build_kind(struct toll_owners *owners, const char *path, enum toll_named_kind kind,
                      const struct toll_table_names *names, struct toll_buffer *section)
{
    struct toll_build *build = owners->build;
    const uint32_t count = names->strings.count;
    struct named *sorted = malloc((count + 1u) * sizeof(*sorted));
    struct toll_buffer scratch = {0};
    int code = sorted == NULL ? toll_build_memory(build) : 0;

    for (uint32_t id = 1; id <= count && code == 0; id++)
        sorted[id - 1] = (struct named){toll_strings_text(&names->strings, id, NULL), id};
    if (code == 0)
        qsort(sorted, count, sizeof(*sorted), compare_named);
    for (uint32_t i = 0; i < count && code == 0; i++) {
        const uint32_t id = sorted[i].id;
        struct toll_named record = {.text = 0}, *place;
        named_ids(build, kind, id, i, &record);
        if (kind != TOLL_NAMED_CARRIER)
            code = named_owner(owners, path, kind, id, sorted[i].text, &scratch, &record.owner);
        if (code == 0 && kind != TOLL_NAMED_HINT)
            code = named_plans(owners, kind == TOLL_NAMED_TRUNK ? TOLL_LEVEL_TRUNK : TOLL_LEVEL_CARRIER, id,
                               &record);
        place = TOLL_BUFFER_ADD(section, struct toll_named);
        if (code == 0 &&
            (place == NULL || !toll_build_text(build, sorted[i].text, strlen(sorted[i].text), &record.text)))
            code = toll_build_memory(build);
        if (code == 0)
            *place = record;
    }
    free(sorted);
    toll_buffer_free(&scratch);
    return code;
}

/* The default plan to buy by. */
static int buy_default(struct toll_owners *owners)
{
    struct toll_book_meta *meta = owners->build->sections[TOLL_SECTION_META].data;

    return toll_own_spans(owners, TOLL_LEVEL_DEFAULT, 0, true, &meta->buy_span, &meta->buy_span_count);
}

int toll_build_named(struct toll_owners *owners)
{
    struct toll_build *build = owners->build;
    struct toll_source *source;
    const char *path;
    int code = toll_build_source(build, "numbers.csv", &source);

    if (code != 0)
        return code;
    path = source != NULL ? source->path : "numbers.csv";
    if (build->named_rows.count > 0)
        qsort(build->named_rows.data, build->named_rows.count, sizeof(struct toll_named_row), compare_rows);
    if (toll_buffer_add(&build->trunk_ids, sizeof(uint32_t), build->trunks.strings.count + 1) == NULL ||
        toll_buffer_add(&build->carrier_ids, sizeof(uint32_t), build->carriers.strings.count + 1) == NULL)
        return toll_build_memory(build);
    /* Carriers first: trunks name them. */
    code = build_kind(owners, path, TOLL_NAMED_CARRIER, &build->carriers,
                      &build->sections[TOLL_SECTION_CARRIERS]);
    if (code == 0)
        code =
            build_kind(owners, path, TOLL_NAMED_TRUNK, &build->trunks, &build->sections[TOLL_SECTION_TRUNKS]);
    if (code == 0)
        code = build_kind(owners, path, TOLL_NAMED_HINT, &build->hints, &build->sections[TOLL_SECTION_HINTS]);
    return code == 0 ? buy_default(owners) : code;
}
