/* Folder to image: the stages of ratetable/ in their order, then the sections behind one header. */
#include "book/compile.h"
#include "base/check.h"
#include "base/large.h"
#include "book/image.h"
#include "ratetable/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PIECE_BYTES ((size_t)256 << 10)

int64_t toll_book_now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int toll_book_stages(struct toll_build *build)
{
    static const struct {
        const char *name;
        int (*run)(struct toll_build *);
    } stages[] = {
        {"folder", toll_build_folder},
        {"settings", toll_build_settings},
        {"tax places", toll_build_tax_places},
        {"tax map", toll_build_tax_map},
        {"accounts", toll_build_accounts},
        {"trunks", toll_build_trunks},
        {"places", toll_build_places},
        {"numbers", toll_build_numbers},
        {"services", toll_build_services},
        {"calendars", toll_build_calendars},
        {"plans", toll_build_plans},
        {"decks", toll_build_decks},
        {"destinations", toll_build_destinations},
        {"bundles", toll_build_bundles},
        {"assignments", toll_build_assignments},
        {"surcharge rows", toll_build_surcharge_rows},
        {"subscriptions", toll_build_subscriptions},
        {"number map", toll_build_number_map},
        {"surcharges", toll_build_surcharges},
        {"tiers", toll_build_tiers},
        {"rules", toll_build_rules},
        {"deck prices", toll_build_deck_prices},
        {"reach", toll_build_reach},
        {"fx", toll_build_fx},
        {"taxes", toll_build_taxes},
        {"exemptions", toll_build_exemptions},
        {"charges", toll_build_charges},
        {"products", toll_build_products},
        {"embed", toll_build_embed},
    };
    int code = 0;

    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]) && code == 0; i++) {
        code = stages[i].run(build);
        toll_watch_passed(build->watch, stages[i].name);
    }
    return code;
}

static uint64_t aligned(uint64_t offset)
{
    return (offset + TOLL_IMAGE_ALIGN - 1) / TOLL_IMAGE_ALIGN * TOLL_IMAGE_ALIGN;
}

static size_t section_bytes(const struct toll_build *build, uint32_t id)
{
    return id == TOLL_SECTION_SOURCE_BYTES ? build->source_bytes
                                           : build->sections[id].count * toll_section_bytes[id];
}

/* Copies and hashes piece by piece, so that what is hashed is still near. */
static void put(struct toll_hasher *hasher, uint8_t *at, const void *data, size_t bytes)
{
    for (size_t done = 0, piece; done < bytes; done += piece) {
        piece = bytes - done < PIECE_BYTES ? bytes - done : PIECE_BYTES;
        memcpy(at + done, (const uint8_t *)data + done, piece);
        toll_hasher_update(hasher, at + done, piece);
    }
}

/* A section's bytes and their hash; what they came from is freed, so that a large book is not there twice. */
static bool put_section(struct toll_build *build, uint32_t id, uint8_t *at, struct toll_hash128 *hash)
{
    struct toll_hasher *hasher = toll_hasher_create();

    if (hasher == NULL)
        return false;
    put(hasher, at, build->sections[id].data, section_bytes(build, id) * (id != TOLL_SECTION_SOURCE_BYTES));
    for (size_t i = 0; i < build->sources.count && id == TOLL_SECTION_SOURCE_BYTES; i++) {
        struct toll_source *source = *TOLL_BUFFER_AT(&build->sources, struct toll_source *, i);
        put(hasher, at, source->blob.data, source->blob.size);
        at += source->blob.size;
        toll_blob_free(&source->blob);
    }
    toll_buffer_free(&build->sections[id]);
    *hash = toll_hasher_digest(hasher);
    toll_hasher_destroy(hasher);
    return true;
}

static int write_image(struct toll_build *build, uint8_t **out, size_t *out_bytes)
{
    struct toll_image_section sections[TOLL_SECTION_COUNT];
    struct toll_image_header header = {
        .magic = TOLL_IMAGE_MAGIC, .version = TOLL_IMAGE_VERSION, .section_count = TOLL_SECTION_COUNT};
    uint64_t end = TOLL_IMAGE_SECTIONS_AT;
    uint8_t *image;

    memset(sections, 0, sizeof(sections));
    for (uint32_t id = 0; id < TOLL_SECTION_COUNT; id++) {
        sections[id] = (struct toll_image_section){.id = id,
                                                   .record_bytes = toll_section_bytes[id],
                                                   .offset = aligned(end),
                                                   .bytes = section_bytes(build, id)};
        end = sections[id].offset + sections[id].bytes;
    }
    image = toll_large_alloc(end);
    if (image == NULL)
        return toll_build_memory(build);
    memset(image, 0, TOLL_IMAGE_SECTIONS_AT);
    end = TOLL_IMAGE_SECTIONS_AT;
    for (uint32_t id = 0; id < TOLL_SECTION_COUNT; id++) {
        memset(image + end, 0, sections[id].offset - end);
        if (!put_section(build, id, image + sections[id].offset, &sections[id].hash)) {
            free(image);
            return toll_build_memory(build);
        }
        end = sections[id].offset + sections[id].bytes;
    }
    header.image_bytes = end;
    memcpy(image + TOLL_IMAGE_PAGE, sections, sizeof(sections));
    if (!toll_image_tzdata_hash((const void *)(image + sections[TOLL_SECTION_ZONES].offset),
                                sections[TOLL_SECTION_ZONES].bytes / sizeof(struct toll_embedded),
                                (const char *)image + sections[TOLL_SECTION_STRINGS].offset,
                                image + sections[TOLL_SECTION_ZONE_BYTES].offset, &header.tzdata_hash)) {
        free(image);
        return toll_build_memory(build);
    }
    memcpy(image, &header, sizeof(header));
    if (!toll_image_hash(image, &header.book_hash)) {
        free(image);
        return toll_build_memory(build);
    }
    memcpy(image, &header, sizeof(header));
    *out = image;
    *out_bytes = end;
    return 0;
}

static void fill_result(const struct toll_build *build, struct toll_compile_result *result)
{
    const struct toll_buffer *sections = build->sections;
    const struct toll_buffer *meta = &sections[TOLL_SECTION_META];

    result->accounts = build->accounts.strings.count;
    result->sites = build->sites.strings.count;
    result->plans = build->plans.strings.count;
    result->decks = (int64_t)build->deck_builds.count;
    result->rules =
        sections[TOLL_SECTION_RULES].count > 0 ? (int64_t)sections[TOLL_SECTION_RULES].count - 1 : 0;
    result->numbers =
        meta->count > 0 ? (int64_t)TOLL_BUFFER_AT(meta, struct toll_book_meta, 0)->number_count : 0;
    result->price_rows = build->deck_price_rows;
}

int toll_book_findings_error(const struct toll_findings *findings, const char *folder,
                             struct toll_error *error)
{
    const struct toll_diagnostic *first = &findings->first_error;
    char place[320] = "";

    if (first->file != NULL && first->line > 0)
        snprintf(place, sizeof(place), "%s:%ld:%ld: ", first->file, first->line, first->column);
    else if (first->file != NULL)
        snprintf(place, sizeof(place), "%s: ", first->file);
    return toll_error_set(error, TOLL_EBOOK, "%s: the book has %zu error%s; the first: %s%s", folder,
                          findings->errors, findings->errors == 1 ? "" : "s", place, first->text);
}

int toll_book_compile(const struct toll_io *io, const char *folder, const struct toll_reporter *reporter,
                      uint8_t **image, size_t *bytes, struct toll_compile_result *result,
                      struct toll_error *error)
{
    return toll_book_compile_watched(io, folder, reporter, NULL, image, bytes, result, error);
}

static int compile(const struct toll_io *io, const char *folder, const struct toll_given_sources *given,
                   const struct toll_reporter *reporter, const struct toll_watch *watch, uint8_t **image,
                   size_t *bytes, struct toll_compile_result *result, struct toll_error *error)
{
    struct toll_compile_result scratch;
    struct toll_findings findings;
    struct toll_build build;
    const int64_t start_ns = toll_book_now_ns();
    int code;

    *image = NULL;
    *bytes = 0;
    result = result != NULL ? result : &scratch;
    memset(result, 0, sizeof(*result));
    toll_findings_init(&findings, reporter);
    code = toll_build_begin(&build, io, folder, given, &findings, error);
    build.watch = watch;
    if (code == 0)
        code = toll_book_stages(&build);
    fill_result(&build, result);
    result->errors = (int64_t)findings.errors;
    result->warnings = (int64_t)findings.warnings;
    if (code == 0 && findings.errors > 0)
        code = toll_book_findings_error(&findings, folder, error);
    if (code == 0)
        code = write_image(&build, image, bytes);
    toll_watch_passed(watch, "image");
    if (code == 0) {
        const struct toll_image_header *header = (const void *)*image;
        toll_hash_text(header->book_hash, result->book_hash);
        toll_hash_text(header->tzdata_hash, result->tzdata_hash);
        result->image_bytes = (int64_t)*bytes;
    }
    result->wall_ns = toll_book_now_ns() - start_ns;
    toll_build_end(&build);
    toll_watch_passed(watch, "free");
    return code;
}

int toll_book_compile_watched(const struct toll_io *io, const char *folder,
                              const struct toll_reporter *reporter, const struct toll_watch *watch,
                              uint8_t **image, size_t *bytes, struct toll_compile_result *result,
                              struct toll_error *error)
{
    return compile(io, folder, NULL, reporter, watch, image, bytes, result, error);
}

int toll_book_compile_given(const struct toll_io *io, const char *folder,
                            const struct toll_given_sources *given, const struct toll_reporter *reporter,
                            uint8_t **image, size_t *bytes, struct toll_error *error)
{
    return compile(io, folder, given, reporter, NULL, image, bytes, NULL, error);
}
