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

static inline uint32_t area_of(const uint32_t *words, uint64_t number, bool e164)
{
    const unsigned place = number >> 60 == 1 ? (unsigned)(number >> 48) & 0xfff : TOLL_AREAS_ABROAD;
    return words[e164 ? place : TOLL_AREAS_NO_NUMBER];
}

/* docs/RATING.md section 6.2 as far as two areas tell: rule 1, and rule 3 unless the call may be local. */
static inline unsigned jurisdiction_of(uint32_t from, uint32_t to)
{
    const uint32_t from_state = from & TOLL_AREA_STATE, to_state = to & TOLL_AREA_STATE;
    const unsigned domestic =
        (unsigned)mask((from_state != 0) & (to_state != 0)) &
        (TOLL_CALL_INTRASTATE + (TOLL_CALL_INTERSTATE - TOLL_CALL_INTRASTATE) * (from_state != to_state));
    const unsigned abroad = (unsigned)mask(((from | to) & TOLL_AREA_ABROAD) != 0);
    return (domestic & ~abroad) | (TOLL_CALL_INTERNATIONAL & abroad);
}

static inline bool may_be_local(const struct toll_areas *areas, uint32_t from, uint32_t to)
{
    const uint32_t a = from >> TOLL_AREA_LOCAL_SHIFT & TOLL_AREA_LOCAL,
                   b = to >> TOLL_AREA_LOCAL_SHIFT & TOLL_AREA_LOCAL;
    if (areas->local_stride == 0 || a == 0 || b == 0)
        return false;
    const uint32_t bit = a * areas->local_stride + b;
    return (areas->local[bit >> 5] >> (bit & 31) & 1) != 0;
}

/* dialled: `from` and `to` are the caller's and the callee's own; local: some areas have a bit of each other.
 * Constants where this is inlined: what a plain book has no use for is not done for every row. */
static inline __attribute__((always_inline)) size_t
classify(const struct toll_areas *areas, const struct toll_number_line *restrict lines, uint64_t line_count,
         const struct toll_classify_in *in, size_t rows, const struct toll_classify_out *out, bool dialled,
         bool local_calls)
{
    const uint64_t *restrict callers = in->caller, *restrict callees = in->callee;
    const uint64_t *restrict froms = in->from, *restrict tos = in->to;
    const uint16_t *restrict kinds = in->kind;
    const uint32_t *restrict words = areas->words;
    const bool ring_to = in->ring_to;
    uint64_t *restrict near = out->near;
    uint16_t *restrict shape = out->shape;
    uint8_t *restrict class_jurisdiction = out->class_jurisdiction;
    uint32_t *restrict again = out->again;
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        const unsigned k = kinds[i];
        const uint64_t caller = callers[i], callee = callees[i];
        const bool incoming = (k & TOLL_CALL_IN) != 0;
        const bool caller_e164 = (k & TOLL_CALL_CALLER_TYPE) == TOLL_CALL_CALLER_E164;
        const bool callee_e164 = (k & TOLL_CALL_CALLEE_TYPE) == TOLL_CALL_CALLEE_E164;
        near[i] = (callee & mask(incoming & callee_e164)) | (caller & mask(!incoming & caller_e164));
        toll_number_line_expect(lines, line_count, near[i]);

        /* Where a toll-free call ends the dialled number does not say. */
        const uint32_t called = area_of(words, callee, callee_e164);
        const unsigned class_ = called >> TOLL_AREA_CLASS_SHIFT;
        const bool toll_free = class_ == TOLL_CALL_TOLL_FREE;
        const uint32_t from = area_of(words, dialled ? caller : froms[i], caller_e164);
        const uint32_t to = (dialled ? called : area_of(words, tos[i], callee_e164)) &
                            (uint32_t)mask(!toll_free) & TOLL_AREA_PLACE;
        const unsigned jurisdiction = jurisdiction_of(from, to);
        class_jurisdiction[i] = (uint8_t)(class_ << 4 | jurisdiction);
        const unsigned plain = (unsigned)mask((k & PLAIN_BITS) == PLAIN_KIND) & TOLL_SHAPE_PLAIN;
        const unsigned unanswered =
            (unsigned)mask((k & UNANSWERED_BITS) == UNANSWERED_KIND) & TOLL_SHAPE_UNANSWERED;
        shape[i] = (uint16_t)(class_ << 3 | jurisdiction | ((unsigned)mask(incoming) & TOLL_SHAPE_IN) |
                              plain | unanswered);
        const bool elsewhere = (((from | to) & TOLL_AREA_MORE) != 0) | (toll_free & (incoming | ring_to));
        const bool local =
            local_calls && (jurisdiction != TOLL_CALL_INTERNATIONAL) & may_be_local(areas, from, to);
        again[count] = (uint32_t)i | (elsewhere ? 0 : TOLL_AGAIN_LOCAL);
        count += elsewhere | local;
    }
    return count;
}

size_t toll_classify_scalar(const struct toll_areas *areas, const struct toll_number_line *restrict lines,
                            uint64_t line_count, const struct toll_classify_in *in, size_t rows,
                            const struct toll_classify_out *out)
{
    if (in->from == in->caller && in->to == in->callee && areas->local_stride == 0)
        return classify(areas, lines, line_count, in, rows, out, true, false);
    return classify(areas, lines, line_count, in, rows, out, false, true);
}
