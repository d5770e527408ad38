/*
 * Who might pay, class, jurisdiction and the verdict's key. What a call is like is nothing a branch can
 * guess, so everything is chosen by masks. The rows of a chunk take one step after the other: those that read
 * here and there are by themselves, and of the others the compiler does several rows at once.
 */
#include "simd/kernels.h"

#include <string.h>

#define CHUNK_ROWS 128

/* Bits of a kind that make a row plain or unanswered, and what they are then. */
#define UNANSWERED_BITS (TOLL_CALL_SERVICE | TOLL_CALL_CONFLICT | TOLL_CALL_CALLEE_TYPE | TOLL_CALL_ANSWERED)
#define PLAIN_BITS (UNANSWERED_BITS | TOLL_CALL_CREDIT)
#define UNANSWERED_KIND (TOLL_CALL_VOICE | TOLL_CALL_CALLEE_E164)
#define PLAIN_KIND (UNANSWERED_KIND | TOLL_CALL_ANSWERED)

static inline uint64_t mask(bool condition)
{
    return (uint64_t)0 - condition;
}

/* a if `first`, else b, without a branch. */
static inline uint32_t choose(bool first, uint32_t a, uint32_t b)
{
    return b ^ ((a ^ b) & (0u - first));
}

/* What the rows of a chunk have in turn: places, then words of their numbers' areas. */
struct ends {
    uint32_t called[CHUNK_ROWS], from[CHUNK_ROWS], to[CHUNK_ROWS];
};

static inline void find_areas(const uint32_t *restrict words, const uint64_t *restrict numbers,
                              const uint16_t *restrict kinds, unsigned type, unsigned e164, size_t rows,
                              uint32_t *restrict areas)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t digits = (uint32_t)(numbers[i] >> 48);
        const uint32_t place = choose(digits >> 12 == 1, digits & 0xfff, TOLL_AREAS_ABROAD);
        areas[i] = choose((kinds[i] & type) == e164, place, TOLL_AREAS_NO_NUMBER);
    }
    for (size_t i = 0; i < rows; i++)
        areas[i] = words[areas[i]];
}

static inline void find_near(const struct toll_number_line *restrict lines, uint64_t line_count,
                             const uint64_t *restrict callers, const uint64_t *restrict callees,
                             const uint16_t *restrict kinds, size_t rows, uint64_t *restrict near)
{
    for (size_t i = 0; i < rows; i++) {
        const unsigned k = kinds[i];
        const bool incoming = (k & TOLL_CALL_IN) != 0;
        const bool caller_e164 = (k & TOLL_CALL_CALLER_TYPE) == TOLL_CALL_CALLER_E164;
        const bool callee_e164 = (k & TOLL_CALL_CALLEE_TYPE) == TOLL_CALL_CALLEE_E164;
        near[i] = (callees[i] & mask(incoming & callee_e164)) | (callers[i] & mask(!incoming & caller_e164));
        toll_number_line_expect(lines, line_count, near[i]);
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

/* Class byte and shape of a chunk's rows from their ends' areas; to: it is 0 then where the dialled number
 * does not say where a toll-free call ends. elsewhere: 1 where only a look at the row's places tells. */
static inline void settle(const uint16_t *restrict kinds, bool ring_to, size_t rows,
                          struct ends *restrict ends, uint16_t *restrict shape,
                          uint8_t *restrict class_jurisdiction, uint32_t *restrict elsewhere)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t k = kinds[i], from = ends->from[i], called = ends->called[i];
        const uint32_t incoming = 0u - (uint32_t)((k & TOLL_CALL_IN) != 0);
        const uint32_t class_ = called >> TOLL_AREA_CLASS_SHIFT;
        const uint32_t toll_free = 0u - (uint32_t)(class_ == TOLL_CALL_TOLL_FREE);
        const uint32_t to = ends->to[i] & ~toll_free & TOLL_AREA_PLACE;
        const uint32_t jurisdiction = jurisdiction_of(from, to);
        const uint32_t plain = (0u - (uint32_t)((k & PLAIN_BITS) == PLAIN_KIND)) & TOLL_SHAPE_PLAIN;
        const uint32_t unanswered =
            (0u - (uint32_t)((k & UNANSWERED_BITS) == UNANSWERED_KIND)) & TOLL_SHAPE_UNANSWERED;
        const uint32_t rings = toll_free & (incoming | (0u - (uint32_t)ring_to));
        ends->to[i] = to;
        class_jurisdiction[i] = (uint8_t)(class_ << 4 | jurisdiction);
        shape[i] = (uint16_t)(class_ << 3 | jurisdiction | (incoming & TOLL_SHAPE_IN) | plain | unanswered);
        elsewhere[i] = (((from | to) & TOLL_AREA_MORE) | (rings & TOLL_AREA_MORE)) != 0;
    }
}

/* dialled: `from` and `to` are the caller's and the callee's own; local: some areas have a bit of each other.
 * Constants where this is inlined: what a plain book has no use for is not done for every row. */
static inline __attribute__((always_inline)) size_t
classify(const struct toll_areas *areas, const struct toll_number_line *restrict lines, uint64_t line_count,
         const struct toll_classify_in *in, size_t rows, const struct toll_classify_out *out, bool dialled,
         bool local_calls)
{
    uint32_t *restrict again = out->again;
    struct ends ends;
    uint32_t elsewhere[CHUNK_ROWS];
    size_t count = 0;
    for (size_t first = 0; first < rows; first += CHUNK_ROWS) {
        const size_t chunk = rows - first < CHUNK_ROWS ? rows - first : CHUNK_ROWS;
        const uint64_t *callers = in->caller + first, *callees = in->callee + first;
        const uint16_t *kinds = in->kind + first;
        find_near(lines, line_count, callers, callees, kinds, chunk, out->near + first);
        find_areas(areas->words, callees, kinds, TOLL_CALL_CALLEE_TYPE, TOLL_CALL_CALLEE_E164, chunk,
                   ends.called);
        find_areas(areas->words, dialled ? callers : in->from + first, kinds, TOLL_CALL_CALLER_TYPE,
                   TOLL_CALL_CALLER_E164, chunk, ends.from);
        if (dialled)
            memcpy(ends.to, ends.called, sizeof ends.to);
        else
            find_areas(areas->words, in->to + first, kinds, TOLL_CALL_CALLEE_TYPE, TOLL_CALL_CALLEE_E164,
                       chunk, ends.to);
        settle(kinds, in->ring_to, chunk, &ends, out->shape + first, out->class_jurisdiction + first,
               elsewhere);
        for (size_t i = 0; i < chunk; i++) {
            const bool local = local_calls && ((ends.from[i] | ends.to[i]) & TOLL_AREA_ABROAD) == 0 &&
                               may_be_local(areas, ends.from[i], ends.to[i]);
            again[count] = (uint32_t)(first + i) | (elsewhere[i] != 0 ? 0 : TOLL_AGAIN_LOCAL);
            count += elsewhere[i] | local;
        }
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
