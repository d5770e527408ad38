/*
 * Building the prefix trie. Prefixes arrive shortest first, so a new table is filled with the value of the
 * place it hangs from: that pushes every shorter prefix down without a second pass, and the value found in a
 * place before a prefix is written there is that of the next shorter prefix.
 */
#include "ratetable/lpm.h"

#include "base/check.h"

#define PLACES TOLL_LPM_PLACES
#define NODE TOLL_LPM_NODE_WORDS
#define WORDS_ALIGN 16u /* a node is one cache line */

bool toll_lpm_begin(struct toll_lpm_builder *builder)
{
    memset(builder, 0, sizeof(*builder));
    builder->first3 = calloc(PLACES, sizeof(uint32_t));
    builder->npa = calloc(PLACES, sizeof(uint32_t));
    return builder->first3 != NULL && builder->npa != NULL;
}

void toll_lpm_end(struct toll_lpm_builder *builder)
{
    free(builder->first3);
    free(builder->npa);
    toll_buffer_free(&builder->pages);
    toll_buffer_free(&builder->nodes);
}

static uint32_t fill(uint32_t *values, uint32_t count, uint32_t value)
{
    const uint32_t before = values[0];

    for (uint32_t i = 0; i < count; i++)
        values[i] = value;
    return before;
}

/* A table of `width` values below a place: the one that is there, or a new one that holds what the place
 * held. */
static uint32_t *below(struct toll_buffer *tables, uint32_t width, uint32_t *place)
{
    const uint32_t held = *place;
    uint32_t *table;

    if ((held & TOLL_LPM_NODE) != 0)
        return TOLL_BUFFER_AT(tables, uint32_t, (size_t)(held & ~TOLL_LPM_NODE) * width);
    if (tables->count > TOLL_LPM_INDEX)
        return NULL;
    *place = TOLL_LPM_NODE | (uint32_t)tables->count;
    table = toll_buffer_add(tables, width * sizeof(uint32_t), 1);
    if (table != NULL)
        fill(table, width, held);
    return table;
}

/* Three digits of which only the first `digits` (1..3) are given: the first place and how many follow it. */
static void three(uint64_t prefix, unsigned shift, unsigned digits, uint32_t base, uint32_t *at,
                  uint32_t *count)
{
    *at = 0;
    *count = 1;
    for (unsigned i = 0; i < 3; i++, shift -= 4) {
        *at = *at * base + (i < digits ? (uint32_t)(prefix >> shift & 0xF) : 0);
        *count *= i < digits ? 1 : base;
    }
}

/* From the place of a table on, digit `next` (0-based) being the first that the nodes below decide. */
static bool insert_nodes(struct toll_lpm_builder *builder, uint32_t *place, uint64_t prefix, unsigned next,
                         unsigned digits, uint32_t value, uint32_t *shorter)
{
    for (; next < digits; next++) {
        /* The place may lie in a node: growing moves it, but only after it was read and written. */
        uint32_t *node = below(&builder->nodes, NODE, place);
        if (node == NULL)
            return false;
        place = &node[prefix >> (60 - 4 * next) & 0xF];
    }
    *shorter = *place;
    *place = value;
    return true;
}

bool toll_lpm_insert(struct toll_lpm_builder *builder, uint64_t prefix, unsigned digits, uint32_t value,
                     uint32_t *shorter)
{
    uint32_t at, count, *page;

    TOLL_ASSERT(digits >= builder->digits && digits <= TOLL_DIGITS_MAX);
    builder->digits = digits;
    if (digits == 0) {
        fill(builder->first3, PLACES, value);
        *shorter = fill(builder->npa, PLACES, value);
        builder->everything = value;
        return true;
    }
    if (prefix >> 60 != 1) {
        three(prefix, 60, digits, 16, &at, &count);
        if (digits > 3)
            return insert_nodes(builder, &builder->first3[at], prefix, 3, digits, value, shorter);
        *shorter = fill(&builder->first3[at], count, value);
        return true;
    }
    three(prefix, 56, digits - 1, 16, &at, &count);
    if (digits <= 4) {
        *shorter = fill(&builder->npa[at], count, value);
        return true;
    }
    page = below(&builder->pages, TOLL_LPM_PAGE, &builder->npa[at]);
    if (page == NULL)
        return false;
    three(prefix, 44, digits - 4, 10, &at, &count);
    if (digits > 7)
        return insert_nodes(builder, &page[at], prefix, 7, digits, value, shorter);
    *shorter = fill(&page[at], count, value);
    return true;
}

/* Room for `count` words from a 64-byte boundary on. */
static uint32_t *words_add(struct toll_buffer *words, size_t count, uint32_t *index)
{
    const size_t gap = (WORDS_ALIGN - words->count % WORDS_ALIGN) % WORDS_ALIGN;

    if (words->count + gap + count > UINT32_MAX || toll_buffer_add(words, sizeof(uint32_t), gap) == NULL)
        return NULL;
    *index = (uint32_t)words->count;
    return toll_buffer_add(words, sizeof(uint32_t), count);
}

static bool words_copy(struct toll_buffer *words, const void *from, size_t count, size_t slack,
                       uint32_t *index)
{
    uint32_t *at = words_add(words, count + slack, index);

    if (at != NULL && count > 0)
        memcpy(at, from, count * sizeof(uint32_t));
    return at != NULL;
}

bool toll_lpm_finish(const struct toll_lpm_builder *builder, struct toll_buffer *words, struct toll_lpm *out)
{
    memset(out, 0, sizeof(*out));
    out->page_count = (uint32_t)builder->pages.count;
    out->node_count = (uint32_t)builder->nodes.count;
    out->everything = builder->everything;
    return words_copy(words, builder->first3, PLACES, 0, &out->first3) &&
           words_copy(words, builder->npa, PLACES, 0, &out->npa) &&
           words_copy(words, builder->nodes.data, builder->nodes.count * NODE, 0, &out->nodes) &&
           words_copy(words, builder->pages.data, builder->pages.count * TOLL_LPM_PAGE, TOLL_LPM_PAGE_SLACK,
                      &out->pages);
}
