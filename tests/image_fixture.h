/* Images changed by somebody who also mends the checksums. */
#ifndef TOLL_TESTS_IMAGE_FIXTURE_H
#define TOLL_TESTS_IMAGE_FIXTURE_H

#include "book/image.h"
#include "book_fixture.h"

/* Makes all checksums of an image fit its bytes. */
static inline void refit(uint8_t *image)
{
    struct toll_image_header *header = (void *)image;
    struct toll_image_section *sections = (void *)(image + TOLL_IMAGE_PAGE);

    for (uint32_t id = 0; id < TOLL_SECTION_COUNT; id++)
        sections[id].hash = toll_hash(image + sections[id].offset, sections[id].bytes);
    const struct toll_embedded *zones = (const void *)(image + sections[TOLL_SECTION_ZONES].offset);
    const size_t zone_count = sections[TOLL_SECTION_ZONES].bytes / sizeof(struct toll_embedded);
    bool sound = true;
    for (size_t i = 0; i < zone_count; i++)
        sound = sound && zones[i].name < sections[TOLL_SECTION_STRINGS].bytes &&
                zones[i].offset <= sections[TOLL_SECTION_ZONE_BYTES].bytes &&
                zones[i].bytes <= sections[TOLL_SECTION_ZONE_BYTES].bytes - zones[i].offset;
    if (sound && image[sections[TOLL_SECTION_STRINGS].offset + sections[TOLL_SECTION_STRINGS].bytes - 1] == 0)
        assert_true(toll_image_tzdata_hash(
            zones, zone_count, (const char *)image + sections[TOLL_SECTION_STRINGS].offset,
            image + sections[TOLL_SECTION_ZONE_BYTES].offset, &header->tzdata_hash));
    assert_true(toll_image_hash(image, &header->book_hash));
}

/* A section's records within an image, and how many they are. */
static inline void *image_section(uint8_t *image, enum toll_section id)
{
    return image + ((const struct toll_image_section *)(const void *)(image + TOLL_IMAGE_PAGE))[id].offset;
}
static inline size_t image_count(const uint8_t *image, enum toll_section id, size_t record_bytes)
{
    return ((const struct toll_image_section *)(const void *)(image + TOLL_IMAGE_PAGE))[id].bytes /
           record_bytes;
}

#endif
