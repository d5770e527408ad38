/* The frame of a compilation: sources read once, strings and zones kept once, names with the line they came
 * from. */
#include "ratetable/build.h"

#include "base/check.h"
#include "base/cpu.h"
#include "base/digits.h"
#include "base/text_hash.h"
#include "io/zonefile.h"
#include "simd/kernels.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

int toll_build_memory(struct toll_build *build)
{
    return toll_error_set(build->error, TOLL_ENOMEM, "%s: out of memory while compiling the book",
                          build->folder);
}

int toll_build_begin(struct toll_build *build, const struct toll_io *io, const char *folder,
                     const struct toll_given_sources *given, struct toll_findings *findings,
                     struct toll_error *error)
{
    memset(build, 0, sizeof(*build));
    build->io = io;
    build->folder = folder;
    build->findings = findings;
    build->error = error;
    build->suggestions = 20;
    build->csv_index = toll_kernels_select(toll_cpu_features())->csv_index;
    build->given = given;
    build->directory = given != NULL ? -1 : toll_open_folder(io, AT_FDCWD, folder, 0);
    if (build->directory < 0 && given == NULL) {
        const int code = build->directory == -ENOENT ? TOLL_ENOINPUT : TOLL_EIO;
        return toll_error_errno(error, code, -build->directory, "%s: cannot open the book's folder", folder);
    }
    /* String offset 0 is the empty string. */
    if (toll_buffer_add(&build->sections[TOLL_SECTION_STRINGS], 1, 1) == NULL)
        return toll_build_memory(build);
    return 0;
}

void toll_build_end(struct toll_build *build)
{
    for (size_t i = 0; i < build->sources.count; i++)
        toll_blob_free(&(*TOLL_BUFFER_AT(&build->sources, struct toll_source *, i))->blob);
    for (size_t i = 0; i < build->zones.count; i++) {
        struct toll_build_zone *zone = TOLL_BUFFER_AT(&build->zones, struct toll_build_zone, i);
        toll_zone_free(zone->zone);
        toll_blob_free(&zone->blob);
    }
    struct toll_buffer *const buffers[] = {&build->sources,
                                           &build->zones,
                                           &build->text_offsets,
                                           &build->account_zones,
                                           &build->account_currencies,
                                           &build->site_accounts,
                                           &build->parent_cells,
                                           &build->trunk_accounts,
                                           &build->trunk_lines,
                                           &build->trunk_carriers,
                                           &build->feed_roles,
                                           &build->number_rows,
                                           &build->named_rows,
                                           &build->row_dates,
                                           &build->assignments,
                                           &build->assignment_keys,
                                           &build->trunk_ids,
                                           &build->carrier_ids,
                                           &build->bundle_ids,
                                           &build->pool_ranks,
                                           &build->services,
                                           &build->subscriptions,
                                           &build->tiers_ids,
                                           &build->surcharge_rows,
                                           &build->calendar_bands,
                                           &build->deck_builds,
                                           &build->deck_versions,
                                           &build->tax.jurisdiction_ids,
                                           &build->tax.area_ids,
                                           &build->tax.service_ids,
                                           &build->tax.tax_ids,
                                           &build->tax.list_places,
                                           &build->tax.site_cells,
                                           &build->rule_matches};
    struct toll_table_names *const names[] = {
        &build->accounts,      &build->sites,        &build->trunks,
        &build->hints,         &build->carriers,     &build->plans,
        &build->decks,         &build->destinations, &build->calendars,
        &build->bands,         &build->bundles,      &build->pool_names,
        &build->service_types, &build->tiers,        &build->tax.jurisdictions,
        &build->tax.areas,     &build->tax.services, &build->tax.sellers,
        &build->tax.products,  &build->tax.taxes};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        toll_buffer_free(buffers[i]);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        toll_table_names_free(names[i]);
    for (size_t i = 0; i < TOLL_SECTION_COUNT; i++)
        toll_buffer_free(&build->sections[i]);
    toll_strings_free(&build->texts);
    toll_strings_free(&build->states);
    free(build->terms.slots);
    toll_strings_free(&build->prices.groups.known);
    toll_strings_free(&build->spans.known);
    free(build->recent);
    free(build->key_texts.slots);
    toll_strings_free(&build->tax.categories);
    toll_strings_free(&build->tax.lists);
    toll_arena_free(&build->arena);
    if (build->io != NULL && build->directory >= 0)
        build->io->close(build->io->context, build->directory);
}

/* -- sources -- */

static int is_link(const struct toll_build *build, const char *name, bool *out)
{
    struct stat status;
    const int result =
        build->io->fstatat(build->io->context, build->directory, name, &status, AT_SYMLINK_NOFOLLOW);

    *out = result == 0 && S_ISLNK(status.st_mode);
    return result == 0 || result == -ENOENT || result == -ENOTDIR
               ? 0
               : toll_error_errno(build->error, TOLL_EIO, -result, "%s/%s: cannot look at it", build->folder,
                                  name);
}

/* Links within the book's folder are how some systems deliver files. One that leads out of it is refused:
 * what it names would be read, and kept in the image, on the word of whoever wrote the book. */
static int leads_out(const struct toll_build *build, const char *name, const char *path, bool *out)
{
    bool link = false, folder_link = false;
    char *inside = NULL, *found = NULL;
    int code = is_link(build, name, &link);

    *out = false;
    if (code == 0 && strncmp(name, "decks/", strlen("decks/")) == 0)
        code = is_link(build, "decks", &folder_link);
    if (code != 0 || (!link && !folder_link))
        return code;
    inside = realpath(build->folder, NULL);
    found = inside == NULL ? NULL : realpath(path, NULL);
    if (found != NULL) {
        const size_t bytes = strlen(inside);
        *out = strncmp(found, inside, bytes) != 0 || (found[bytes] != '/' && bytes > 1);
    } else if (errno != ENOENT) { /* a link that leads nowhere is a missing file */
        code = toll_error_errno(build->error, TOLL_EIO, errno, "%s: cannot follow the link", path);
    }
    free(found);
    free(inside);
    return code;
}

/* Adds a source whose bytes are there; without memory they are freed. */
static int add_source(struct toll_build *build, struct toll_source *source)
{
    struct toll_source **place = TOLL_BUFFER_ADD(&build->sources, struct toll_source *);

    if (place != NULL && toll_build_text(build, source->name, strlen(source->name), &source->text)) {
        *place = source;
        return 0;
    }
    toll_blob_free(&source->blob);
    if (place != NULL)
        build->sources.count--;
    return toll_build_memory(build);
}

static const struct toll_given_file *given_file(const struct toll_given_file *files, size_t count,
                                                const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(files[i].name, name) == 0)
            return &files[i];
    }
    return NULL;
}

static int given_source(struct toll_build *build, const char *name, struct toll_source **out)
{
    const struct toll_given_file *file = given_file(build->given->files, build->given->file_count, name);
    struct toll_source *source;
    int code;

    if (file == NULL)
        return 0;
    source = toll_arena_alloc(&build->arena, sizeof(*source));
    if (source == NULL)
        return toll_build_memory(build);
    *source = (struct toll_source){
        .name = file->name, .path = file->path, .blob = {.data = file->data, .size = file->bytes}};
    code = add_source(build, source);
    if (code == 0)
        *out = source;
    return code;
}

int toll_build_source(struct toll_build *build, const char *name, struct toll_source **out)
{
    const size_t room = strlen(build->folder) + strlen(name) + 2;
    struct toll_source *source;
    struct toll_error problem = {0, ""};
    bool out_of_book;
    char *path;
    int code;

    *out = NULL;
    for (size_t i = 0; i < build->sources.count; i++) {
        source = *TOLL_BUFFER_AT(&build->sources, struct toll_source *, i);
        if (strcmp(source->name, name) == 0) {
            *out = source;
            return 0;
        }
    }
    if (build->given != NULL)
        return given_source(build, name, out);
    source = toll_arena_alloc(&build->arena, sizeof(*source));
    path = toll_arena_alloc(&build->arena, room);
    if (source == NULL || path == NULL)
        return toll_build_memory(build);
    snprintf(path, room, "%s/%s", build->folder, name);
    source->path = path;
    source->name = toll_arena_copy(&build->arena, name, strlen(name));
    if (source->name == NULL)
        return toll_build_memory(build);
    code = leads_out(build, name, path, &out_of_book);
    if (code != 0)
        return code;
    if (out_of_book) {
        toll_finding(build->findings, TOLL_ERROR, path, 0, 0,
                     "is a link that leads out of the book's folder; put the file itself there");
        return 0;
    }
    code = toll_blob_read(&source->blob, build->io, build->directory, name, TOLL_READ_PREAD, &problem);
    if (code == TOLL_ENOINPUT)
        return 0;
    if (code != 0)
        return toll_error_set(build->error, code, "%s/%s", build->folder, problem.text);
    code = add_source(build, source);
    if (code == 0)
        *out = source;
    return code;
}

int toll_build_table(struct toll_build *build, const char *name, const struct toll_table_column *columns,
                     int column_count, struct toll_table **out)
{
    struct toll_source *source;
    int code = toll_build_source(build, name, &source);

    *out = NULL;
    if (code != 0 || source == NULL)
        return code;
    code = toll_table_open(source->path, source->blob.data, source->blob.size, columns, column_count, NULL,
                           build->findings, out, build->error);
    return code == TOLL_EBOOK ? 0 : code; /* the findings say what is wrong with the header */
}

/* -- strings -- */

bool toll_build_new_text(struct toll_build *build, const char *text, size_t bytes, uint32_t *offset)
{
    struct toll_buffer *strings = &build->sections[TOLL_SECTION_STRINGS];
    char *at;

    *offset = 0;
    if (bytes == 0)
        return true;
    if (strings->count + bytes + 1 > UINT32_MAX)
        return false;
    *offset = (uint32_t)strings->count;
    at = toll_buffer_add(strings, 1, bytes + 1);
    if (at == NULL)
        return false;
    memcpy(at, text, bytes);
    return true;
}

bool toll_build_text(struct toll_build *build, const char *text, size_t bytes, uint32_t *offset)
{
    uint32_t id, *place;

    *offset = 0;
    if (bytes == 0)
        return true;
    id = toll_strings_add(&build->texts, text, bytes);
    if (id == 0)
        return false;
    if (id <= build->text_offsets.count) {
        *offset = *TOLL_BUFFER_AT(&build->text_offsets, uint32_t, id - 1);
        return true;
    }
    place = TOLL_BUFFER_ADD(&build->text_offsets, uint32_t);
    if (place == NULL || !toll_build_new_text(build, text, bytes, offset))
        return false;
    *place = *offset;
    return true;
}

bool toll_build_recent_text(struct toll_build *build, const char *text, size_t bytes, uint32_t *offset)
{
    struct toll_recent_text *recent;

    if (bytes == 0 || bytes >= sizeof(recent->text))
        return toll_build_text(build, text, bytes, offset);
    if (build->recent == NULL)
        build->recent = calloc(TOLL_RECENT_TEXTS, sizeof(*build->recent));
    if (build->recent == NULL)
        return false;
    recent = &build->recent[toll_text_hash(text, bytes) % TOLL_RECENT_TEXTS];
    if (recent->bytes != bytes || memcmp(recent->text, text, bytes) != 0) {
        if (!toll_build_text(build, text, bytes, &recent->offset)) {
            recent->bytes = 0;
            return false;
        }
        memcpy(recent->text, text, bytes);
        recent->bytes = (uint32_t)bytes;
    }
    *offset = recent->offset;
    return true;
}

#define KEY_TEXTS_LEAST ((size_t)1024)
#define KEY_TEXTS_MOST ((size_t)1 << 31)

static struct toll_key_text *find_key(const struct toll_key_texts *texts, uint64_t key)
{
    size_t at = toll_key_text_place(texts, key);
    while (texts->slots[at].key != 0 && texts->slots[at].key != key)
        at = (at + 1) & (texts->slot_count - 1);
    return &texts->slots[at];
}

static bool grow_keys(struct toll_key_texts *texts, size_t slot_count)
{
    struct toll_key_texts larger = {.slot_count = slot_count, .count = texts->count};
    larger.slots = toll_large_array(slot_count * sizeof *larger.slots);
    if (larger.slots == NULL)
        return false;
    memset(larger.slots, 0, slot_count * sizeof *larger.slots);
    for (size_t i = 0; i < texts->slot_count; i++)
        if (texts->slots[i].key != 0)
            *find_key(&larger, texts->slots[i].key) = texts->slots[i];
    free(texts->slots);
    *texts = larger;
    return true;
}

void toll_build_key_texts_wish(struct toll_build *build, size_t count)
{
    size_t slots = KEY_TEXTS_LEAST;
    while (slots / 2 <= count && slots < KEY_TEXTS_MOST)
        slots *= 2;
    if (slots > build->key_texts.slot_count)
        (void)grow_keys(&build->key_texts, slots);
}

bool toll_build_key_text(struct toll_build *build, uint64_t key, uint32_t *offset)
{
    struct toll_key_texts *texts = &build->key_texts;
    struct toll_buffer *strings = &build->sections[TOLL_SECTION_STRINGS];
    TOLL_DCHECK(key != 0);
    if (2 * texts->count >= texts->slot_count &&
        !grow_keys(texts, texts->slot_count == 0 ? KEY_TEXTS_LEAST : 4 * texts->slot_count))
        return false;
    struct toll_key_text *slot = find_key(texts, key);
    if (slot->key == 0) {
        const size_t at = strings->count, bytes = toll_digits_count(key) + 1;
        char *text = at + bytes <= UINT32_MAX ? toll_buffer_add(strings, 1, bytes) : NULL;
        if (text == NULL)
            return false;
        toll_digits_text(key, text); /* in its place: a copy would wait for what was just written */
        slot->offset = (uint32_t)at;
        slot->key = key;
        texts->count++;
    }
    *offset = slot->offset;
    return true;
}

/* -- zones -- */

/* The bytes of a zone that loaded well, for the image. */
static int zone_bytes(struct toll_build *build, struct toll_build_zone *zone)
{
    char path[sizeof(TOLL_ZONE_FOLDER) + 80];
    int code;

    if (strcmp(zone->name, "UTC") == 0)
        return 0;
    snprintf(path, sizeof(path), "%s/%s", TOLL_ZONE_FOLDER, zone->name);
    code = toll_blob_read(&zone->blob, build->io, AT_FDCWD, path, TOLL_READ_PREAD, build->error);
    if (code == 0 && !toll_hash_equal(toll_hash(zone->blob.data, zone->blob.size), zone->hash))
        code = toll_error_set(build->error, TOLL_EIO,
                              "%s: the file changed while the book was compiled; try again", path);
    return code;
}

/* A zone and its bytes: those given, else the system's. */
static int load_zone(struct toll_build *build, struct toll_build_zone *zone, struct toll_error *problem)
{
    const struct toll_given_file *file =
        build->given != NULL ? given_file(build->given->zones, build->given->zone_count, zone->name) : NULL;
    int code;

    if (file != NULL && file->bytes > 0) {
        zone->blob.data = file->data;
        zone->blob.size = file->bytes;
        return toll_zone_parse((const uint8_t *)file->data, file->bytes, zone->name, &zone->zone, problem);
    }
    code = toll_zone_load(build->io, zone->name, &zone->zone, &zone->hash, problem);
    return code == 0 ? zone_bytes(build, zone) : code;
}

const struct toll_zone *toll_build_zone(struct toll_build *build, const char *name, const char *file,
                                        long line, long column, uint32_t *index, int *code)
{
    struct toll_error problem = {0, ""};
    struct toll_build_zone *zone;

    *code = 0;
    for (size_t i = 0; i < build->zones.count; i++) {
        zone = TOLL_BUFFER_AT(&build->zones, struct toll_build_zone, i);
        if (strcmp(zone->name, name) == 0) {
            *index = (uint32_t)i;
            return zone->zone;
        }
    }
    zone = TOLL_BUFFER_ADD(&build->zones, struct toll_build_zone);
    if (zone == NULL) {
        *code = toll_build_memory(build);
        return NULL;
    }
    *index = (uint32_t)build->zones.count - 1;
    zone->name = toll_arena_copy(&build->arena, name, strlen(name));
    if (zone->name == NULL)
        *code = toll_build_memory(build);
    else
        *code = load_zone(build, zone, &problem);
    if (*code == 0)
        return zone->zone;
    toll_zone_free(zone->zone);
    toll_blob_free(&zone->blob);
    build->zones.count--;
    if (zone->name != NULL && (*code == TOLL_EDATA || *code == TOLL_ENOINPUT)) {
        toll_finding(build->findings, TOLL_ERROR, file, line, column, "timezone: %s", problem.text);
        *code = 0;
    } else if (problem.code != 0) {
        toll_error_set(build->error, *code, "%s", problem.text);
    }
    return NULL;
}

/* -- names -- */

bool toll_table_names_add(struct toll_table_names *names, const char *text, size_t bytes, long line,
                          uint32_t *id, uint32_t *first)
{
    const uint32_t count = names->strings.count;
    const uint32_t found = toll_strings_add(&names->strings, text, bytes);
    uint32_t *place;

    *id = 0;
    if (found == 0)
        return false;
    if (found <= count) {
        *first = *TOLL_BUFFER_AT(&names->lines, uint32_t, found - 1);
        return true;
    }
    place = TOLL_BUFFER_ADD(&names->lines, uint32_t);
    if (place == NULL)
        return false;
    *place = (uint32_t)line;
    *id = found;
    *first = (uint32_t)line;
    return true;
}

uint32_t toll_table_names_find(const struct toll_table_names *names, const char *text, size_t bytes)
{
    return toll_strings_find(&names->strings, text, bytes);
}

void toll_table_names_free(struct toll_table_names *names)
{
    toll_strings_free(&names->strings);
    toll_buffer_free(&names->lines);
}

/* -- embedding -- */

static int compare_sources(const void *left, const void *right)
{
    const struct toll_source *const *a = left, *const *b = right;

    return strcmp((*a)->name, (*b)->name);
}

/* The record of bytes that begin at `offset` of all that are kept. */
static bool embed(struct toll_buffer *records, uint32_t name, size_t offset, size_t size)
{
    struct toll_embedded *record = TOLL_BUFFER_ADD(records, struct toll_embedded);

    if (record != NULL)
        *record = (struct toll_embedded){.name = name, .offset = offset, .bytes = size};
    return record != NULL;
}

int toll_build_embed(struct toll_build *build)
{
    if (build->findings->errors > 0)
        return 0; /* there will be no image, and what is wrong may be a file of gigabytes */
    if (build->sources.count > 0)
        qsort(build->sources.data, build->sources.count, sizeof(struct toll_source *), compare_sources);
    for (size_t i = 0; i < build->sources.count; i++) {
        const struct toll_source *source = *TOLL_BUFFER_AT(&build->sources, struct toll_source *, i);
        if (!embed(&build->sections[TOLL_SECTION_SOURCES], source->text, build->source_bytes,
                   source->blob.size))
            return toll_build_memory(build);
        build->source_bytes += source->blob.size;
    }
    for (size_t i = 0; i < build->zones.count; i++) {
        const struct toll_build_zone *zone = TOLL_BUFFER_AT(&build->zones, struct toll_build_zone, i);
        uint32_t name;
        struct toll_buffer *bytes = &build->sections[TOLL_SECTION_ZONE_BYTES];
        char *at;
        if (!toll_build_text(build, zone->name, strlen(zone->name), &name) ||
            !embed(&build->sections[TOLL_SECTION_ZONES], name, bytes->count, zone->blob.size))
            return toll_build_memory(build);
        at = toll_buffer_add(bytes, 1, zone->blob.size);
        if (at == NULL)
            return toll_build_memory(build);
        if (zone->blob.size > 0)
            memcpy(at, zone->blob.data, zone->blob.size);
    }
    return 0;
}
