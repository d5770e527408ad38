/* The frame of an image: hashes, section table, alignment, zero gaps. */
#include "book/image.h"

#include "base/check.h"

#include <stddef.h>
#include <string.h>

#define SECTION_BYTES(id, type) (uint32_t)sizeof(type),
const uint32_t toll_section_bytes[TOLL_SECTION_COUNT] = {TOLL_SECTIONS(SECTION_BYTES)};
#undef SECTION_BYTES

bool toll_image_hash(const uint8_t *image, struct toll_hash128 *hash)
{
    const size_t at = offsetof(struct toll_image_header, book_hash), after = at + sizeof(*hash);
    struct toll_hasher *hasher = toll_hasher_create();

    if (hasher == NULL)
        return false;
    toll_hasher_update(hasher, image, at);
    toll_hasher_update(hasher, image + after, TOLL_IMAGE_SECTIONS_AT - after);
    *hash = toll_hasher_digest(hasher);
    toll_hasher_destroy(hasher);
    return true;
}

bool toll_image_tzdata_hash(const struct toll_embedded *zones, size_t count, const char *strings,
                            const uint8_t *bytes, struct toll_hash128 *hash)
{
    struct toll_hasher *hasher = toll_hasher_create();

    if (hasher == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *name = strings + zones[i].name;
        const struct toll_hash128 zone = toll_hash(bytes + zones[i].offset, zones[i].bytes);
        toll_hasher_update(hasher, name, strlen(name) + 1);
        toll_hasher_update(hasher, &zone, sizeof(zone));
    }
    *hash = toll_hasher_digest(hasher);
    toll_hasher_destroy(hasher);
    return true;
}

static int bad(struct toll_error *error, const char *name, const char *why)
{
    return toll_error_set(
        error, TOLL_EDATA,
        "%s: the book's image is damaged (%s); compile the book again, or get the file again", name, why);
}

static bool all_zero(const uint8_t *from, const uint8_t *to)
{
    while (from < to && *from == 0)
        from++;
    return from == to;
}

/* Entries of so many rows are those of decks of which rating makes sheets, once and in order. */
#define FAR_ROWS_BYTES ((uint64_t)64 << 20)

static bool is_far(const struct toll_image_section *section)
{
    return section->id == TOLL_SECTION_STRINGS || section->id == TOLL_SECTION_ORIGINS ||
           section->id == TOLL_SECTION_SOURCES || section->id == TOLL_SECTION_SOURCE_BYTES ||
           (section->id == TOLL_SECTION_ENTRY_ROWS && section->bytes >= FAR_ROWS_BYTES);
}

int toll_image_head_check(const uint8_t *image, size_t bytes, const char *name, struct toll_error *error)
{
    const struct toll_image_header *header = (const void *)image;
    struct toll_hash128 hash;

    TOLL_ASSERT((uintptr_t)image % _Alignof(max_align_t) == 0);
    if (bytes < sizeof(header->magic) || memcmp(header->magic, TOLL_IMAGE_MAGIC, sizeof(header->magic)) != 0)
        return toll_error_set(error, TOLL_EDATA, "%s: this is no book: neither a folder nor a compiled image",
                              name);
    if (bytes < TOLL_IMAGE_SECTIONS_AT)
        return bad(error, name, "it is cut short");
    if (!toll_image_hash(image, &hash))
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    if (!toll_hash_equal(hash, header->book_hash)) {
        if (header->version != TOLL_IMAGE_VERSION)
            return toll_error_set(
                error, TOLL_EDATA,
                "%s: this image has format version %u, this program reads %u; compile the book again", name,
                header->version, TOLL_IMAGE_VERSION);
        return bad(error, name, "its head does not have its checksum");
    }
    if (header->version != TOLL_IMAGE_VERSION || header->section_count != TOLL_SECTION_COUNT)
        return toll_error_set(
            error, TOLL_EDATA,
            "%s: this image has format version %u, this program reads %u; compile the book again", name,
            header->version, TOLL_IMAGE_VERSION);
    if (header->image_bytes != bytes)
        return bad(error, name,
                   header->image_bytes > bytes ? "it is cut short" : "something follows its end");
    return 0;
}

int toll_image_view(const uint8_t *image, size_t bytes, bool made, uint8_t *near, const char *name,
                    struct toll_image_view *view, struct toll_error *error)
{
    const struct toll_image_section *sections = (const void *)(image + TOLL_IMAGE_PAGE);
    const int code = toll_image_head_check(image, bytes, name, error);
    uint64_t end = TOLL_IMAGE_SECTIONS_AT;

    if (code != 0)
        return code;
    view->header = (const void *)image;
    for (uint32_t id = 0; id < TOLL_SECTION_COUNT; id++) {
        const struct toll_image_section *section = &sections[id];
        const uint64_t start = (end + TOLL_IMAGE_ALIGN - 1) / TOLL_IMAGE_ALIGN * TOLL_IMAGE_ALIGN;
        if (section->id != id || section->record_bytes != toll_section_bytes[id] ||
            section->offset != start || section->offset > bytes || section->bytes > bytes - section->offset ||
            section->bytes % section->record_bytes != 0)
            return bad(error, name, "its table of sections");
        if (!all_zero(image + end, image + start))
            return bad(error, name, "bytes between its sections");
        const bool far = near != NULL && is_far(section);
        view->data[id] =
            near == NULL || far ? image + start : memcpy(near + start, image + start, section->bytes);
        if (!made && !far && !toll_hash_equal(toll_hash(view->data[id], section->bytes), section->hash))
            return bad(error, name, "a section does not have its checksum");
        view->count[id] = section->bytes / section->record_bytes;
        end = start + section->bytes;
    }
    return end == bytes ? 0 : bad(error, name, "something follows its last section");
}

bool toll_image_far_good(const struct toll_image_view *view)
{
    const struct toll_image_section *sections =
        (const void *)((const uint8_t *)view->header + TOLL_IMAGE_PAGE);

    for (uint32_t id = 0; id < TOLL_SECTION_COUNT; id++) {
        if (is_far(&sections[id]) &&
            !toll_hash_equal(toll_hash(view->data[id], sections[id].bytes), sections[id].hash))
            return false;
    }
    return true;
}

int toll_image_far_bad(const char *name, struct toll_error *error)
{
    return bad(error, name, "a section does not have its checksum");
}
