/* Where numbers are, and which calls are local: docs/RATING.md, 6.1 and 6.2. The tables are read one by one
 * in npanxx.c, local_areas.c and calltypes.c; here is what they share. */
#include "ratetable/places.h"

static char capital(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Appends a text in capitals and a NUL. */
static bool add_capitals(struct toll_buffer *buffer, const char *text, size_t bytes)
{
    char *at = toll_buffer_add(buffer, 1, bytes + 1);

    for (size_t i = 0; i < bytes && at != NULL; i++)
        at[i] = capital(text[i]);
    return at != NULL;
}

const char *toll_places_key(struct toll_places *places, const char *const *texts, int count, size_t *bytes)
{
    places->scratch.count = 0;
    for (int i = 0; i < count; i++) {
        if (!add_capitals(&places->scratch, texts[i], strlen(texts[i])))
            return NULL;
    }
    *bytes = places->scratch.count - 1;
    return places->scratch.data;
}

bool toll_build_state(struct toll_build *build, const char *country, const char *state, size_t bytes,
                      uint32_t *id)
{
    struct toll_buffer *names = &build->sections[TOLL_SECTION_STATE_NAMES];
    struct toll_buffer key = {0};
    const size_t before = strlen(country) + 1;
    bool good = names->count > 0 || TOLL_BUFFER_ADD(names, uint32_t) != NULL;

    *id = 0;
    if (!good || bytes == 0)
        return good;
    good = add_capitals(&key, country, before - 1) && add_capitals(&key, state, bytes);
    if (good) {
        *id = toll_strings_add(&build->states, key.data, key.count - 1);
        good = *id > 0;
    }
    if (good && *id == names->count) {
        uint32_t *name = TOLL_BUFFER_ADD(names, uint32_t);
        good = name != NULL && toll_build_text(build, (char *)key.data + before, bytes, name);
    }
    toll_buffer_free(&key);
    return good;
}

/* Number plan e164 has no places: a table that could have no effect is refused. */
static int refuse(struct toll_build *build)
{
    static const char *const tables[] = {"npanxx.csv", "local_areas.csv", "calltypes.csv"};
    int code = 0;

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && code == 0; i++) {
        struct toll_source *source;
        code = toll_build_source(build, tables[i], &source);
        if (code == 0 && source != NULL)
            toll_finding(build->findings, TOLL_ERROR, source->path, 0, 0,
                         "only a book with number_plan nanp has this table; take it out of the book");
    }
    return code;
}

int toll_build_places(struct toll_build *build)
{
    struct toll_places places = {.build = build};
    uint32_t none;
    int code;

    if (!toll_build_state(build, "", "", 0, &none) ||
        TOLL_BUILD_ADD(build, PLACES, struct toll_place) == NULL ||
        TOLL_BUILD_ADD(build, RATECENTER_NAMES, uint32_t) == NULL)
        return toll_build_memory(build);
    if (!build->nanp)
        return refuse(build);
    code = toll_npanxx_read(&places);
    if (code == 0)
        code = toll_local_areas_read(&places);
    if (code == 0)
        code = toll_calltypes_read(&places);
    toll_strings_free(&places.ratecenters);
    toll_table_names_free(&places.names);
    toll_buffer_free(&places.name_ids);
    toll_buffer_free(&places.scratch);
    return code;
}
