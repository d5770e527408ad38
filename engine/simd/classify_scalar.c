/*
 * Who might pay, class, jurisdiction and the verdict's key. What a call is like is nothing a branch can
 * guess, so everything is chosen by masks. The rows of a chunk take one step after the other: those that read
 * here and there are by themselves, and of the others the compiler does several rows at once.
 */
#include "simd/kernels.h"

#define CHUNK_ROWS 64

/* Bits of a kind that make a row plain or unanswered, and what they are then. */
#define UNANSWERED_BITS (TOLL_CALL_SERVICE | TOLL_CALL_CONFLICT | TOLL_CALL_CALLEE_TYPE | TOLL_CALL_ANSWERED)
#define PLAIN_BITS (UNANSWERED_BITS | TOLL_CALL_CREDIT)
#define UNANSWERED_KIND (TOLL_CALL_VOICE | TOLL_CALL_CALLEE_E164)
#define PLAIN_KIND (UNANSWERED_KIND | TOLL_CALL_ANSWERED)

static inline uint32_t mask(bool condition)
{
    return 0u - (uint32_t)condition;
}

/* a if `first`, else b, without a branch. */
static inline uint32_t choose(bool first, uint32_t a, uint32_t b)
{
    return b ^ ((a ^ b) & mask(first));
}

/* What the rows of a chunk have in turn: places, then words of their numbers' areas. */
struct ends {
    uint32_t called[CHUNK_ROWS], from[CHUNK_ROWS], to[CHUNK_ROWS];
    uint32_t elsewhere[CHUNK_ROWS]; /* 1 where only a look at the row's places tells */
};

/* Places of the areas of a chunk's numbers. */
static inline void find_places(const uint64_t *restrict numbers, const uint16_t *restrict kinds,
                               unsigned type, unsigned e164, size_t rows, uint32_t *restrict places)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t digits = (uint32_t)(numbers[i] >> 48);
        const uint32_t place = choose(digits >> 12 == 1, digits & 0xfff, TOLL_AREAS_ABROAD);
        places[i] = choose((kinds[i] & type) == e164, place, TOLL_AREAS_NO_NUMBER);
    }
}

static inline void find_near(const uint64_t *restrict callers, const uint64_t *restrict callees,
                             const uint16_t *restrict kinds, size_t rows, uint64_t *restrict near)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t k = kinds[i], incoming = mask((k & TOLL_CALL_IN) != 0);
        const int32_t by_callee =
            (int32_t)(incoming & mask((k & TOLL_CALL_CALLEE_TYPE) == TOLL_CALL_CALLEE_E164));
        const int32_t by_caller =
            (int32_t)(~incoming & mask((k & TOLL_CALL_CALLER_TYPE) == TOLL_CALL_CALLER_E164));
        near[i] = (callees[i] & (uint64_t)by_callee) | (callers[i] & (uint64_t)by_caller);
    }
}

/* From places to words; the lines that the probe will look at are asked for meanwhile. */
static inline __attribute__((always_inline)) void
look_up(const uint32_t *restrict words, const struct toll_number_line *restrict lines, uint64_t line_count,
        const uint64_t *restrict near, bool dialled, size_t rows, struct ends *restrict ends)
{
    for (size_t i = 0; i < rows; i++) {
        toll_number_line_expect(lines, line_count, near[i]);
        ends->called[i] = words[ends->called[i]];
        ends->from[i] = words[ends->from[i]];
        if (!dialled)
            ends->to[i] = words[ends->to[i]];
    }
}

/* docs/RATING.md section 6.2 as far as two areas tell: rule 1, and rule 3 unless the call may be local. */
static inline uint32_t jurisdiction_of(uint32_t from, uint32_t to)
{
    const uint32_t from_state = from & TOLL_AREA_STATE, to_state = to & TOLL_AREA_STATE;
    const uint32_t states = choose(from_state == to_state, TOLL_CALL_INTRASTATE, TOLL_CALL_INTERSTATE);
    const uint32_t domestic = choose((from_state == 0) | (to_state == 0), 0, states);
    return choose(((from | to) & TOLL_AREA_ABROAD) != 0, TOLL_CALL_INTERNATIONAL, domestic);
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

/* Class byte and shape of a chunk's rows from their ends' areas. */
static inline __attribute__((always_inline)) void settle(const uint16_t *restrict kinds, bool ring_to,
                                                         bool dialled, size_t rows,
                                                         struct ends *restrict ends, uint16_t *restrict shape,
                                                         uint8_t *restrict class_jurisdiction)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t k = kinds[i], from = ends->from[i], called = ends->called[i];
        const uint32_t incoming = mask((k & TOLL_CALL_IN) != 0);
        const uint32_t class_ = called >> TOLL_AREA_CLASS_SHIFT;
        /* Where a toll-free call ends the dialled number does not say. */
        const uint32_t toll_free = mask(class_ == TOLL_CALL_TOLL_FREE);
        const uint32_t to = (dialled ? called : ends->to[i]) & ~toll_free & TOLL_AREA_PLACE;
        const uint32_t jurisdiction = jurisdiction_of(from, to);
        const uint32_t plain = mask((k & PLAIN_BITS) == PLAIN_KIND) & TOLL_SHAPE_PLAIN;
        const uint32_t unanswered = mask((k & UNANSWERED_BITS) == UNANSWERED_KIND) & TOLL_SHAPE_UNANSWERED;
        const uint32_t rings = toll_free & (incoming | mask(ring_to));
        if (!dialled)
            ends->to[i] = to;
        class_jurisdiction[i] = (uint8_t)(class_ << 4 | jurisdiction);
        shape[i] = (uint16_t)(class_ << 3 | jurisdiction | (incoming & TOLL_SHAPE_IN) | plain | unanswered);
        ends->elsewhere[i] = ((from | to | rings) & TOLL_AREA_MORE) != 0;
    }
}

/* Of a chunk's rows those that are listed; local: they may be local. */
static inline __attribute__((always_inline)) size_t list_again(const struct toll_areas *areas,
                                                               const struct ends *restrict ends, size_t first,
                                                               size_t rows, bool local,
                                                               uint32_t *restrict again, size_t count)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t from = ends->from[i], to = ends->to[i], elsewhere = ends->elsewhere[i];
        if (!local) {
            again[count] = (uint32_t)(first + i);
            count += elsewhere;
        } else {
            again[count] = (uint32_t)(first + i) | (TOLL_AGAIN_LOCAL & (elsewhere - 1));
            count += elsewhere |
                     (((from | to) & TOLL_AREA_ABROAD) == 0 && may_be_local(areas, from, to) ? 1u : 0u);
        }
    }
    return count;
}

/* dialled: `from` and `to` are the caller's and the callee's own, and no areas have a bit of each other.
 * A constant where this is inlined: what a plain book has no use for is not done for every row. */
static inline __attribute__((always_inline)) size_t
classify(const struct toll_areas *areas, const struct toll_number_line *restrict lines, uint64_t line_count,
         const struct toll_classify_in *in, size_t rows, const struct toll_classify_out *out, bool dialled)
{
    const uint32_t *restrict words = areas->words;
    const unsigned caller = TOLL_CALL_CALLER_TYPE, callee = TOLL_CALL_CALLEE_TYPE;
    struct ends ends;
    size_t count = 0;
    for (size_t first = 0; first < rows; first += CHUNK_ROWS) {
        const size_t here = rows - first < CHUNK_ROWS ? rows - first : CHUNK_ROWS;
        const uint16_t *kinds = in->kind + first;
        find_near(in->caller + first, in->callee + first, kinds, here, out->near + first);
        find_places(in->callee + first, kinds, callee, TOLL_CALL_CALLEE_E164, here, ends.called);
        find_places(in->from + first, kinds, caller, TOLL_CALL_CALLER_E164, here, ends.from);
        if (!dialled)
            find_places(in->to + first, kinds, callee, TOLL_CALL_CALLEE_E164, here, ends.to);
        look_up(words, lines, line_count, out->near + first, dialled, here, &ends);
        settle(kinds, in->ring_to, dialled, here, &ends, out->shape + first, out->class_jurisdiction + first);
        count = list_again(areas, &ends, first, here, !dialled, out->again, count);
    }
    return count;
}

size_t toll_classify_scalar(const struct toll_areas *areas, const struct toll_number_line *restrict lines,
                            uint64_t line_count, const struct toll_classify_in *in, size_t rows,
                            const struct toll_classify_out *out)
{
    if (in->to == in->callee && areas->local_stride == 0)
        return classify(areas, lines, line_count, in, rows, out, true);
    return classify(areas, lines, line_count, in, rows, out, false);
}
