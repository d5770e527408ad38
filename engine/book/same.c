/*
 * Books that were compiled apart and differ in what prices charge alone, as last month's and the next one's
 * often do: seen by the checksums of the sections, so nothing is read.
 */
#include "book/image.h"

static bool may_differ(uint32_t id)
{
    return id == TOLL_SECTION_PRICE_TERMS || id == TOLL_SECTION_TERMS || id == TOLL_SECTION_SOURCES ||
           id == TOLL_SECTION_SOURCE_BYTES;
}

bool toll_book_same_but_terms(const struct toll_book *a, const struct toll_book *b)
{
    if (a->owned == NULL || b->owned == NULL) /* made in memory: not all of it is its image's */
        return false;
    const struct toll_image_section *x = (const void *)(a->image + TOLL_IMAGE_PAGE),
                                    *y = (const void *)(b->image + TOLL_IMAGE_PAGE);
    for (uint32_t id = 0; id < TOLL_SECTION_COUNT; id++)
        if (!may_differ(id) && (x[id].bytes != y[id].bytes || !toll_hash_equal(x[id].hash, y[id].hash)))
            return false;
    return true;
}
