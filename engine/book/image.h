/*
 * A book's image as a file: a header page, the table of sections, the sections, each from a 64-byte boundary
 * on, with zero bytes between. Little endian. book_hash is the XXH3-128 of everything before the first
 * section except the hash itself; the table holds each section's hash, so it stands for the whole file.
 */
#ifndef TOLL_BOOK_IMAGE_H
#define TOLL_BOOK_IMAGE_H

#include "book/book.h"
#include "ratetable/sections.h"

#define TOLL_IMAGE_MAGIC "TOLLBOOK"
#define TOLL_IMAGE_VERSION 5u /* of all records too: a change of any is a new version */
#define TOLL_IMAGE_PAGE 4096u
#define TOLL_IMAGE_ALIGN 64u

struct toll_image_section {
    uint32_t id, record_bytes;
    uint64_t offset, bytes;
    struct toll_hash128 hash;
};
_Static_assert(sizeof(struct toll_image_section) == 40, "stored");

struct toll_image_header {
    char magic[8];
    uint32_t version, section_count;
    uint64_t image_bytes;
    struct toll_hash128 book_hash, tzdata_hash;
};
_Static_assert(sizeof(struct toll_image_header) == 56, "stored");

/* Where the first section begins. */
#define TOLL_IMAGE_SECTIONS_AT                                                                           \
    ((TOLL_IMAGE_PAGE + TOLL_SECTION_COUNT * sizeof(struct toll_image_section) + TOLL_IMAGE_ALIGN - 1) / \
     TOLL_IMAGE_ALIGN * TOLL_IMAGE_ALIGN)

/* The record bytes of each section. */
extern const uint32_t toll_section_bytes[TOLL_SECTION_COUNT];

/* The hash of an image's head; `image` has at least TOLL_IMAGE_SECTIONS_AT bytes. False: out of memory. */
bool toll_image_hash(const uint8_t *image, struct toll_hash128 *hash);
/* The hash over all zones' names and bytes. False: out of memory. */
bool toll_image_tzdata_hash(const struct toll_embedded *zones, size_t count, const char *strings,
                            const uint8_t *bytes, struct toll_hash128 *hash);

/* Whether this is an image of this version, as long as its head says, with a sound head. TOLL_EDATA. */
int toll_image_head_check(const uint8_t *image, size_t bytes, const char *name, struct toll_error *error);

/* Finds the sections of an image whose bytes are all as they were written: hashes, gaps, sizes. TOLL_EDATA.
 * With `made` the caller has just written the sections' hashes himself, and they are not made twice.
 * near: NULL, or as many bytes in large pages, to which all that rating reads here and there is copied, at
 * the same places, before its hash is made. What stays where it is, texts, sources and where prices come
 * from, has no hash then until toll_image_far_good made it. */
struct toll_image_view {
    const struct toll_image_header *header;
    const void *data[TOLL_SECTION_COUNT];
    uint64_t count[TOLL_SECTION_COUNT]; /* records */
};
int toll_image_view(const uint8_t *image, size_t bytes, bool made, uint8_t *near, const char *name,
                    struct toll_image_view *view, struct toll_error *error);

/* Whether the sections that were not copied have their checksums; any thread. */
bool toll_image_far_good(const struct toll_image_view *view);
int toll_image_far_bad(const char *name, struct toll_error *error);

/* Validates the content: every index, range, offset and enum. NULL, what is wrong ("a rule's deck"), or
 * toll_check_no_memory (book/check.h). */
const char *toll_image_check(const struct toll_book *book, const struct toll_image_view *view);

#endif
