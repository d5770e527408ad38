/* Who might pay, class, jurisdiction and the verdict's key. What a call is like is nothing a branch can
 * guess, so everything is chosen by masks. */
#include "simd/kernels.h"

/* Bits of a kind that make a row plain or unanswered, and what they are then. */
#define UNANSWERED_BITS (TOLL_CALL_SERVICE | TOLL_CALL_CONFLICT | TOLL_CALL_CALLEE_TYPE | TOLL_CALL_ANSWERED)
#define PLAIN_BITS (UNANSWERED_BITS | TOLL_CALL_CREDIT)
#define UNANSWERED_KIND (TOLL_CALL_VOICE | TOLL_CALL_CALLEE_E164)
#define PLAIN_KIND (UNANSWERED_KIND | TOLL_CALL_ANSWERED)

static inline uint64_t mask(bool condition)
{
    return (uint64_t)0 - condition;
}

static inline unsigned area_of(const uint8_t *areas, uint64_t number, bool e164)
{
    const unsigned place = number >> 60 == 1 ? (unsigned)(number >> 48) & 0xfff : TOLL_AREAS_ABROAD;
    return areas[e164 ? place : TOLL_AREAS_NO_NUMBER];
}

void toll_classify_scalar(const uint8_t *restrict areas, const struct toll_number_line *restrict lines,
                          uint64_t line_count, const uint64_t *restrict caller,
                          const uint64_t *restrict callee, const uint16_t *restrict kind, size_t rows,
                          uint64_t *restrict near, uint16_t *restrict shape,
                          uint8_t *restrict class_jurisdiction)
{
    for (size_t i = 0; i < rows; i++) {
        const unsigned k = kind[i];
        const bool in = (k & TOLL_CALL_IN) != 0;
        const bool caller_e164 = (k & TOLL_CALL_CALLER_TYPE) == TOLL_CALL_CALLER_E164;
        const bool callee_e164 = (k & TOLL_CALL_CALLEE_TYPE) == TOLL_CALL_CALLEE_E164;
        near[i] = (callee[i] & mask(in & callee_e164)) | (caller[i] & mask(!in & caller_e164));
        toll_number_line_expect(lines, line_count, near[i]);

        /* The class is the callee's; abroad is where either end is. */
        const unsigned area =
            area_of(areas, callee[i], callee_e164) | (area_of(areas, caller[i], caller_e164) & 7u);
        class_jurisdiction[i] = (uint8_t)((area & 0x38u) << 1 | (area & 7u));
        const unsigned plain = (unsigned)mask((k & PLAIN_BITS) == PLAIN_KIND) & TOLL_SHAPE_PLAIN;
        const unsigned unanswered =
            (unsigned)mask((k & UNANSWERED_BITS) == UNANSWERED_KIND) & TOLL_SHAPE_UNANSWERED;
        shape[i] = (uint16_t)(area | ((unsigned)mask(in) & TOLL_SHAPE_IN) | plain | unanswered);
    }
}
