/* calltypes.csv: what a carrier's word says of the jurisdiction of a call. */
#include "ratetable/places.h"

#include <stdlib.h>

enum { CALLTYPE, JURISDICTION, CARRIER, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {
    [CALLTYPE] = {"calltype", true}, [JURISDICTION] = {"jurisdiction", true}, [CARRIER] = {"carrier", false}};

static int read_row(struct toll_build *build, const struct toll_table *table, struct toll_table_names *words,
                    struct toll_buffer *scratch)
{
    static const char *const jurisdictions[] = {"indeterminate", "local", "intrastate", "interstate",
                                                "international"}; /* enum toll_call_jurisdiction */
    const struct toll_cell *calltype, *cell, *carrier = toll_table_cell(table, CARRIER);
    struct toll_calltype_word word = {.line = (uint32_t)toll_table_line(table)}, *place;
    uint32_t id, first;
    int jurisdiction = 0;
    char *key;
    bool good = toll_cell_name(table, CALLTYPE, &calltype);

    good = toll_cell_name(table, JURISDICTION, &cell) &&
           toll_cell_choice(table, JURISDICTION, jurisdictions, 5, 0, &jurisdiction) && good;
    if (carrier->bytes > 0 && build->has_carriers &&
        toll_table_names_find(&build->carriers, carrier->text, carrier->bytes) == 0) {
        toll_unknown_finding(build, table, carrier, "carrier", carrier->text, carrier->bytes, "carriers.csv",
                             &build->carriers);
        good = false;
    }
    if (!good)
        return 0;
    scratch->count = 0;
    key = toll_buffer_add(scratch, 1, calltype->bytes + carrier->bytes + 1);
    if (key == NULL)
        return toll_build_memory(build);
    memcpy(key, calltype->text, calltype->bytes + 1);
    memcpy(key + calltype->bytes + 1, carrier->text, carrier->bytes);
    if (!toll_table_names_add(words, key, scratch->count, calltype->line, &id, &first))
        return toll_build_memory(build);
    if (id == 0) {
        toll_duplicate_finding(table, calltype, "call type", first);
        return 0;
    }
    word.jurisdiction = jurisdiction;
    place = TOLL_BUILD_ADD(build, CALLTYPE_WORDS, struct toll_calltype_word);
    if (place == NULL || !toll_build_text(build, calltype->text, calltype->bytes, &word.calltype) ||
        !toll_build_text(build, carrier->text, carrier->bytes, &word.carrier))
        return toll_build_memory(build);
    *place = word;
    return 0;
}

static int compare_words(const void *left, const void *right, void *context)
{
    const struct toll_calltype_word *a = left, *b = right;
    const char *strings = context;
    const int order = strcmp(strings + a->calltype, strings + b->calltype);

    return order != 0 ? order : strcmp(strings + a->carrier, strings + b->carrier);
}

int toll_calltypes_read(struct toll_places *places)
{
    struct toll_build *build = places->build;
    struct toll_buffer *stored = &build->sections[TOLL_SECTION_CALLTYPE_WORDS];
    struct toll_table_names words = {0};
    struct toll_table *table;
    int code = toll_build_table(build, "calltypes.csv", columns, COLUMNS, &table);

    while (code == 0 && table != NULL && toll_table_next(table) == 1)
        code = read_row(build, table, &words, &places->scratch);
    toll_table_close(table);
    if (stored->count > 0)
        qsort_r(stored->data, stored->count, sizeof(struct toll_calltype_word), compare_words,
                build->sections[TOLL_SECTION_STRINGS].data);
    toll_table_names_free(&words);
    return code;
}
