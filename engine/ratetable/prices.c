/* Price ids grow by one; equal terms share an index, found through the string table over their 64 bytes. */
#include "ratetable/prices.h"

#include "base/check.h"

int toll_price_reserve(struct toll_build *build, const struct toll_price_origin *origin, uint32_t mark,
                       int32_t *price)
{
    struct toll_buffer *origins = &build->sections[TOLL_SECTION_ORIGINS];
    uint32_t *index = TOLL_BUILD_ADD(build, PRICE_TERMS, uint32_t);
    struct toll_price_origin *place = TOLL_BUFFER_ADD(origins, struct toll_price_origin);

    TOLL_ASSERT(origins->count <= TOLL_LPM_INDEX); /* TOLL_DECK_KEYS_MAX and TOLL_RULES_MAX see to it */
    if (index == NULL || place == NULL)
        return toll_build_memory(build);
    *index = mark;
    *place = *origin;
    *price = (int32_t)origins->count - 1;
    return 0;
}

int toll_price_settle(struct toll_build *build, struct toll_terms *terms, int32_t price)
{
    struct toll_buffer *distinct = &build->sections[TOLL_SECTION_TERMS];
    uint32_t id;

    terms->small = toll_terms_are_small(terms);
    id = toll_strings_add(&build->terms, (const char *)terms, sizeof(*terms));
    if (id == 0)
        return toll_build_memory(build);
    if (id > distinct->count) {
        struct toll_terms *place = TOLL_BUFFER_ADD(distinct, struct toll_terms);
        if (place == NULL)
            return toll_build_memory(build);
        *place = *terms;
    }
    *TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_PRICE_TERMS], uint32_t, price) = id - 1;
    return 0;
}

int toll_price_add(struct toll_build *build, struct toll_terms *terms, const struct toll_price_origin *origin,
                   int32_t *price)
{
    const int code = toll_price_reserve(build, origin, 0, price);

    return code == 0 ? toll_price_settle(build, terms, *price) : code;
}

int toll_prices_begin(struct toll_build *build)
{
    struct toll_terms terms = TOLL_TERMS_NEUTRAL;
    struct toll_price_origin origin = {.kind = TOLL_PRICE_BUILTIN};
    int32_t price;
    int code = toll_price_add(build, &terms, &origin, &price);

    if (code == 0)
        code = toll_price_add(build, &terms, &origin, &price);
    TOLL_ASSERT(code != 0 || price == TOLL_PRICE_EMERGENCY);
    return code;
}
