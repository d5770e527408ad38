/* local_areas.csv: from which ratecenter to which a call is local. */
#include "ratetable/places.h"
#include "ratetable/sort.h"

enum { FROM_RATECENTER, TO_RATECENTER, FROM_STATE, TO_STATE, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {[FROM_RATECENTER] = {"from_ratecenter", true},
                                                          [TO_RATECENTER] = {"to_ratecenter", true},
                                                          [FROM_STATE] = {"from_state", false},
                                                          [TO_STATE] = {"to_state", false}};

/* The ratecenter of the book's country that two cells name; 0 after a finding. Negative: out of memory. */
static int find(struct toll_places *places, const struct toll_table *table, int name_column, int state_column,
                uint32_t *id)
{
    const struct toll_cell *name, *state = toll_table_cell(table, state_column);
    const char *key;
    uint32_t known;
    size_t bytes;

    *id = 0;
    if (!toll_cell_name(table, name_column, &name))
        return 0;
    if (state->bytes > 0) {
        const char *const texts[] = {places->build->country, state->text, name->text};
        key = toll_places_key(places, texts, 3, &bytes);
        if (key == NULL)
            return toll_build_memory(places->build);
        *id = toll_strings_find(&places->ratecenters, key, bytes);
        if (*id > 0)
            return 0;
    }
    key = toll_places_key(places, &name->text, 1, &bytes);
    if (key == NULL)
        return toll_build_memory(places->build);
    known = toll_table_names_find(&places->names, key, bytes);
    if (known == 0) {
        toll_unknown_finding(places->build, table, name, "ratecenter", name->text, name->bytes, "npanxx.csv",
                             &places->names);
        return 0;
    }
    if (state->bytes > 0) {
        toll_cell_finding(table, state, TOLL_ERROR,
                          "npanxx.csv has the ratecenter \"%.60s\", but not in the state \"%.20s\"",
                          name->text, state->text);
        return 0;
    }
    *id = *TOLL_BUFFER_AT(&places->name_ids, uint32_t, known - 1);
    if (*id == 0)
        toll_cell_finding(table, name, TOLL_ERROR,
                          "several states have a ratecenter \"%.60s\"; write which in %s", name->text,
                          columns[state_column].name);
    return 0;
}

static int read_row(struct toll_places *places, const struct toll_table *table, struct toll_buffer *pairs)
{
    struct toll_sort_pair *pair;
    uint32_t from, to;
    int code = find(places, table, FROM_RATECENTER, FROM_STATE, &from);

    if (code == 0)
        code = find(places, table, TO_RATECENTER, TO_STATE, &to);
    if (code != 0 || from == 0 || to == 0)
        return code;
    pair = TOLL_BUFFER_ADD(pairs, struct toll_sort_pair);
    if (pair == NULL)
        return toll_build_memory(places->build);
    pair->key = (uint64_t)from << 32 | to;
    return 0;
}

int toll_local_areas_read(struct toll_places *places)
{
    struct toll_build *build = places->build;
    struct toll_buffer pairs = {0};
    struct toll_sort_pair *sorted;
    struct toll_table *table;
    int code = toll_build_table(build, "local_areas.csv", columns, COLUMNS, &table);

    while (code == 0 && table != NULL && toll_table_next(table) == 1)
        code = read_row(places, table, &pairs);
    toll_table_close(table);
    if (code == 0 && pairs.count > 0 && !toll_sort_pairs(pairs.data, pairs.count))
        code = toll_build_memory(build);
    sorted = pairs.data;
    for (size_t i = 0; i < pairs.count && code == 0; i++) {
        uint64_t *pair;
        if (i > 0 && sorted[i].key == sorted[i - 1].key)
            continue;
        pair = TOLL_BUILD_ADD(build, LOCAL_PAIRS, uint64_t);
        if (pair == NULL)
            code = toll_build_memory(build);
        else
            *pair = sorted[i].key;
    }
    toll_buffer_free(&pairs);
    return code;
}
