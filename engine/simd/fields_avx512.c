/* Columns of text to values, eight fields at once: each is a lane of 64 bits, or two. */
#include "base/digits.h"
#include "simd/fields.h"

#include <immintrin.h>
#include <string.h>

#define LANES 8u

static inline __m512i all(uint64_t word)
{
    return _mm512_set1_epi64((long long)word);
}

/* The lanes of rows at + 0 to at + 7 that there are. */
static inline __mmask8 lanes_from(size_t at, size_t rows)
{
    return (__mmask8)(rows - at >= LANES ? 0xff : (1u << (rows - at)) - 1);
}

static inline __m256i load_32(__mmask8 lanes, const uint32_t *from)
{
    return _mm256_maskz_loadu_epi32(lanes, from);
}

static inline __m512i eight_bytes(__mmask8 lanes, const char *text, __m256i at)
{
    return _mm512_mask_i32gather_epi64(_mm512_setzero_si512(), lanes, at, text, 1);
}

static inline size_t add_rest(uint32_t *rest, size_t count, size_t at, __mmask8 lanes)
{
    if (__builtin_expect(lanes != 0, 0)) {
        const __m256i numbers =
            _mm256_add_epi32(_mm256_set1_epi32((int)at), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));

        _mm256_mask_compressstoreu_epi32(rest + count, lanes, numbers);
        count += (unsigned)__builtin_popcount(lanes);
    }
    return count;
}

/* The first n bytes of a word; n from 0, all of it from 8 on. */
static inline __m512i first_bytes(__m512i n)
{
    return _mm512_andnot_si512(_mm512_sllv_epi64(all(~UINT64_C(0)), _mm512_slli_epi64(n, 3)),
                               all(~UINT64_C(0)));
}

/* Lanes in which no byte is above that of `most`. */
static inline __mmask8 none_above(__m512i bytes, __m512i most)
{
    const __m512i above = _mm512_subs_epu8(bytes, most);

    return _mm512_testn_epi64_mask(above, above);
}

/* Eight digits, the first one lowest and worth most. */
static inline __m512i value_8(__m512i digits)
{
    const __m512i pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010a));
    const __m512i fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x00010064));

    return _mm512_add_epi64(_mm512_mul_epu32(fours, all(10000)), _mm512_srli_epi64(fours, 32));
}

static void spans(const uint32_t *stops, const uint32_t *first, const uint32_t *row_begin, unsigned column,
                  size_t rows, uint32_t *begin, uint32_t *bytes)
{
    for (size_t at = 0; at < rows; at += 16) {
        const __mmask16 lanes = (__mmask16)(rows - at >= 16 ? 0xffff : (1u << (rows - at)) - 1);
        const __m512i zero = _mm512_setzero_si512(), from = _mm512_maskz_loadu_epi32(lanes, first + at);
        const __m512i end = _mm512_mask_i32gather_epi32(zero, lanes, from, stops + column, 4);
        const __m512i start =
            column == 0
                ? _mm512_maskz_loadu_epi32(lanes, row_begin + at)
                : _mm512_add_epi32(_mm512_mask_i32gather_epi32(zero, lanes, from, stops + column - 1, 4),
                                   _mm512_set1_epi32(1));

        _mm512_mask_storeu_epi32(begin + at, lanes, start);
        _mm512_mask_storeu_epi32(bytes + at, lanes, _mm512_sub_epi32(end, start));
    }
}

/* "dd:dd:dd", minutes and seconds below 60; the lanes in which it is one. */
static inline __mmask8 clock_of(__m512i word, __m512i *seconds)
{
    __m512i parts;

    word = _mm512_xor_si512(word, all(UINT64_C(0x30303a30303a3030))); /* digits 0..9, colons 0 */
    /* hours, ten minutes as minutes, minutes, seconds */
    parts = _mm512_maddubs_epi16(word, all(UINT64_C(0x010a00010a00010a)));
    parts = _mm512_madd_epi16(parts, all(UINT64_C(0x0001003c003c0e10)));
    *seconds = _mm512_and_si512(_mm512_add_epi64(parts, _mm512_srli_epi64(parts, 32)), all(UINT32_MAX));
    return none_above(word, all(UINT64_C(0x0905000905000909)));
}

static size_t clocks(const struct toll_field_column *column, size_t rows, uint32_t *seconds, uint32_t *rest)
{
    size_t left = 0;

    for (size_t at = 0; at < rows; at += LANES) {
        const __mmask8 lanes = lanes_from(at, rows);
        const __m512i word = eight_bytes(lanes, column->text, load_32(lanes, column->begin + at));
        __m512i value;
        __mmask8 good = clock_of(word, &value);

        good &= _mm256_cmpeq_epi32_mask(load_32(lanes, column->bytes + at), _mm256_set1_epi32(8));
        _mm256_mask_storeu_epi32(seconds + at, lanes, _mm512_cvtepi64_epi32(value));
        left = add_rest(rest, left, at, lanes & (__mmask8)~good);
    }
    return left;
}

static size_t times(const struct toll_field_day *day, const struct toll_field_column *column,
                    const struct toll_field_column *clock_column, size_t rows, int64_t *utc, uint32_t *rest)
{
    const __m512i head = all(day->head), tail = all(day->tail), size = all(day->head_bytes);
    const __m512i head_bytes = first_bytes(size),
                  tail_bytes = first_bytes(_mm512_sub_epi64(_mm512_max_epu64(size, all(8)), all(8)));
    const __m512i midnight = all((uint64_t)day->local_ms), offset = all((uint64_t)day->offset_ms);
    const __m512i from = all((uint64_t)day->from), until = all((uint64_t)day->until);
    size_t left = 0;

    for (size_t at = 0; at < rows; at += LANES) {
        const __mmask8 lanes = lanes_from(at, rows);
        const __m256i begin = load_32(lanes, column->begin + at);
        __mmask8 good =
            _mm256_cmpeq_epi32_mask(load_32(lanes, column->bytes + at), _mm256_set1_epi32((int)day->bytes));
        const char *text = column->text + day->clock_at;
        __m256i clock_begin = begin;
        __m512i word, seconds, local;

        if (clock_column != NULL) {
            good &= _mm256_cmpeq_epi32_mask(load_32(lanes, clock_column->bytes + at), _mm256_set1_epi32(8));
            clock_begin = load_32(lanes, clock_column->begin + at);
            text = clock_column->text;
        }
        word = _mm512_and_si512(eight_bytes(lanes, column->text, begin), head_bytes);
        good &= _mm512_cmpeq_epi64_mask(word, head);
        if (day->head_bytes > 8) {
            word = _mm512_and_si512(eight_bytes(lanes, column->text + 8, begin), tail_bytes);
            good &= _mm512_cmpeq_epi64_mask(word, tail);
        }
        good &= clock_of(eight_bytes(lanes, text, clock_begin), &seconds);
        good &= _mm512_cmplt_epu64_mask(seconds, all(86400));
        if (day->zulu) {
            const __m256i behind = _mm256_mmask_i32gather_epi32(_mm256_setzero_si256(), lanes, clock_begin,
                                                                (const int *)(const void *)(text + 8), 1);
            good &= _mm256_cmpeq_epi32_mask(_mm256_and_si256(behind, _mm256_set1_epi32(0xff)),
                                            _mm256_set1_epi32('Z'));
        }
        local = _mm512_add_epi64(midnight, _mm512_mul_epu32(seconds, all(1000)));
        good &= _mm512_cmpge_epi64_mask(local, from) & _mm512_cmplt_epi64_mask(local, until);
        _mm512_mask_storeu_epi64(utc + at, lanes, _mm512_sub_epi64(local, offset));
        left = add_rest(rest, left, at, lanes & (__mmask8)~good);
    }
    return left;
}

static size_t integers(const struct toll_field_column *column, unsigned digits_max, uint32_t unit,
                       size_t rows, uint32_t *value, uint32_t *rest)
{
    size_t left = 0;

    for (size_t at = 0; at < rows; at += LANES) {
        const __mmask8 lanes = lanes_from(at, rows);
        const __m256i bytes = load_32(lanes, column->bytes + at);
        const __m512i size = _mm512_cvtepu32_epi64(bytes);
        const __m512i text = eight_bytes(lanes, column->text, load_32(lanes, column->begin + at));
        const __m512i digits = _mm512_sllv_epi64(_mm512_xor_si512(text, all(UINT64_C(0x3030303030303030))),
                                                 _mm512_sub_epi64(all(64), _mm512_slli_epi64(size, 3)));
        const __mmask8 good = none_above(digits, _mm512_set1_epi8(9)) &
                              _mm256_cmplt_epu32_mask(_mm256_sub_epi32(bytes, _mm256_set1_epi32(1)),
                                                      _mm256_set1_epi32((int)digits_max));

        _mm256_mask_storeu_epi32(
            value + at, lanes,
            _mm256_mullo_epi32(_mm512_cvtepi64_epi32(value_8(digits)), _mm256_set1_epi32((int)unit)));
        left = add_rest(rest, left, at, lanes & (__mmask8)~good);
    }
    return left;
}

static size_t decimals(const struct toll_field_column *column, size_t rows, int64_t *value, uint32_t *rest)
{
    const __m512i point = _mm512_set1_epi8('.' ^ '0'), ones = all(UINT64_C(0x0101010101010101));
    /* by digits behind the point */
    const __m512i units = _mm512_setr_epi64(100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10);
    size_t left = 0;

    for (size_t at = 0; at < rows; at += LANES) {
        const __mmask8 lanes = lanes_from(at, rows);
        const __m512i bytes = _mm512_cvtepu32_epi64(load_32(lanes, column->bytes + at));
        const __m512i text = eight_bytes(lanes, column->text, load_32(lanes, column->begin + at));
        const __m512i right = _mm512_sllv_epi64(_mm512_xor_si512(text, all(UINT64_C(0x3030303030303030))),
                                                _mm512_sub_epi64(all(64), _mm512_slli_epi64(bytes, 3)));
        const __m512i points = _mm512_maskz_mov_epi8(_mm512_cmpeq_epi8_mask(right, point), ones);
        const __m512i before = _mm512_sub_epi64(points, all(1)); /* the bits below it */
        const __mmask8 pointed = _mm512_test_epi64_mask(points, points);
        const __m512i head = _mm512_slli_epi64(_mm512_and_si512(right, before), 8);
        const __m512i tail = _mm512_srlv_epi64(right, _mm512_add_epi64(_mm512_popcnt_epi64(before), all(8)));
        const __m512i behind = _mm512_srli_epi64(_mm512_lzcnt_epi64(points), 3); /* 8: no point */
        /* The digits behind the point stay where they are, those before it move up to them. */
        const __m512i digits = _mm512_mask_or_epi64(
            right, pointed, head,
            _mm512_sllv_epi64(tail, _mm512_add_epi64(_mm512_popcnt_epi64(before), all(8))));
        __mmask8 good = none_above(digits, _mm512_set1_epi8(9));

        good &= _mm512_cmplt_epu64_mask(_mm512_sub_epi64(bytes, all(1)), all(8));
        good &= (__mmask8)~pointed | (_mm512_cmpneq_epi64_mask(behind, _mm512_setzero_si512()) &
                                      _mm512_cmplt_epi64_mask(behind, _mm512_sub_epi64(bytes, all(1))));
        _mm512_mask_storeu_epi64(
            value + at, lanes, _mm512_mullo_epi64(value_8(digits), _mm512_permutexvar_epi64(behind, units)));
        left = add_rest(rest, left, at, lanes & (__mmask8)~good);
    }
    return left;
}

static size_t words(const struct toll_field_words *known, const struct toll_field_column *column, size_t rows,
                    int8_t *value, uint32_t *rest)
{
    uint32_t longest = 0;
    size_t left = 0;

    for (unsigned w = 0; w < known->count; w++)
        longest = known->bytes[w] > longest ? known->bytes[w] : longest;
    for (size_t at = 0; at < rows; at += LANES) {
        const __mmask8 lanes = lanes_from(at, rows);
        const __m256i begin = load_32(lanes, column->begin + at), bytes = load_32(lanes, column->bytes + at);
        const __m512i size = _mm512_cvtepu32_epi64(bytes);
        const __m512i head = _mm512_and_si512(eight_bytes(lanes, column->text, begin), first_bytes(size));
        __m512i tail = _mm512_setzero_si512();
        __m128i found = _mm_set1_epi8(known->empty);
        __mmask8 good = _mm256_cmpeq_epi32_mask(bytes, _mm256_setzero_si256());

        if (longest > 8)
            tail = _mm512_and_si512(eight_bytes(lanes, column->text + 8, begin),
                                    first_bytes(_mm512_sub_epi64(_mm512_max_epu64(size, all(8)), all(8))));
        for (unsigned w = 0; w < known->count; w++) {
            const __mmask8 same =
                _mm512_cmpeq_epi64_mask(head, all(known->head[w])) &
                _mm512_cmpeq_epi64_mask(tail, longest > 8 ? all(known->tail[w]) : _mm512_setzero_si512()) &
                _mm256_cmpeq_epi32_mask(bytes, _mm256_set1_epi32((int)known->bytes[w]));

            found = _mm_mask_mov_epi8(found, same, _mm_set1_epi8(known->value[w]));
            good |= same;
        }
        _mm_mask_storeu_epi8(value + at, lanes, found);
        left = add_rest(rest, left, at, lanes & (__mmask8)~good);
    }
    return left;
}

/* -- numbers -- */

struct lanes_numbers {
    __m512i digits, count, out, type;
    __mmask8 open; /* lanes that no rule has taken */
};

static inline __mmask8 in_range(__m512i count, unsigned low, unsigned high)
{
    return _mm512_cmpge_epu64_mask(count, all(low)) & _mm512_cmple_epu64_mask(count, all(high));
}

static inline __mmask8 begins_with(const struct lanes_numbers *lanes, const struct toll_digit_rule *rule)
{
    const unsigned shift = 64 - 4 * rule->prefix_digits;
    const __m512i other = _mm512_xor_si512(lanes->digits, all(rule->prefix));
    const __mmask8 enough = _mm512_cmpge_epu64_mask(lanes->count, all(rule->prefix_digits));

    if (rule->prefix_digits == 0)
        return 0xff;
    return enough & _mm512_cmpeq_epi64_mask(_mm512_srl_epi64(other, _mm_cvtsi32_si128((int)shift)),
                                            _mm512_setzero_si512());
}

/* Without their first n digits, 0 to 15. */
static inline __m512i drop(__m512i digits, unsigned n)
{
    if (n == 0)
        return digits;
    return _mm512_or_si512(_mm512_sll_epi64(digits, _mm_cvtsi32_si128((int)(4 * n))),
                           all(UINT64_MAX >> (64 - 4 * n)));
}

static inline void take(struct lanes_numbers *lanes, __mmask8 taken, __m512i out, uint8_t type)
{
    taken &= lanes->open;
    lanes->out = _mm512_mask_mov_epi64(lanes->out, taken, out);
    lanes->type = _mm512_mask_mov_epi64(lanes->type, taken, all(type));
    lanes->open &= (__mmask8)~taken;
}

static inline void try_rule(struct lanes_numbers *lanes, const struct toll_digit_rules *rules,
                            const struct toll_digit_rule *rule)
{
    const __m512i zero = _mm512_setzero_si512(), fifteen = all(15), two = all(2);
    const __m512i behind = _mm512_sub_epi64(lanes->count, all(rule->prefix_digits));
    __m512i out;
    __mmask8 hit;

    switch (rule->kind) {
    case TOLL_DIGITS_NOTHING:
        take(lanes, _mm512_cmpeq_epi64_mask(lanes->digits, all(rule->prefix)), zero, rule->type);
        break;
    case TOLL_DIGITS_EQUAL:
        take(lanes, _mm512_cmpeq_epi64_mask(lanes->digits, all(rule->prefix)), lanes->digits, rule->type);
        break;
    case TOLL_DIGITS_INTERNATIONAL:
        hit = begins_with(lanes, rule);
        take(lanes, hit & in_range(behind, rules->least, TOLL_DIGITS_MAX),
             drop(lanes->digits, rule->prefix_digits), rule->type);
        take(lanes, hit, zero, rule->otherwise);
        break;
    case TOLL_DIGITS_NANP:
        hit = _mm512_cmpeq_epi64_mask(lanes->count, all(10));
        out = _mm512_mask_or_epi64(lanes->digits, hit, all(UINT64_C(1) << 60),
                                   _mm512_srli_epi64(lanes->digits, 4));
        hit |= _mm512_cmpeq_epi64_mask(lanes->count, all(11));
        hit &= _mm512_cmpeq_epi64_mask(_mm512_srli_epi64(out, 60), all(1));
        hit &= _mm512_cmpge_epu64_mask(_mm512_and_si512(_mm512_srli_epi64(out, 56), fifteen), two);
        hit &= _mm512_cmpge_epu64_mask(_mm512_and_si512(_mm512_srli_epi64(out, 44), fifteen), two);
        take(lanes, hit, out, rule->type);
        break;
    case TOLL_DIGITS_NATIONAL:
        hit = begins_with(lanes, rule) & in_range(behind, rule->low, rule->high) &
              in_range(_mm512_add_epi64(behind, all(rule->country_digits)), rules->least, TOLL_DIGITS_MAX);
        out = drop(lanes->digits, rule->prefix_digits);
        if (rule->country_digits > 0)
            out = _mm512_or_si512(_mm512_srl_epi64(out, _mm_cvtsi32_si128((int)(4 * rule->country_digits))),
                                  all(rule->country & ~(UINT64_MAX >> (4 * rule->country_digits))));
        take(lanes, hit, out, rule->type);
        break;
    case TOLL_DIGITS_COUNT:
        take(lanes, in_range(lanes->count, rule->low, rule->high), lanes->digits, rule->type);
        break;
    }
}

/* Eight digits of a word, each of a byte, as eight nibbles of the upper or lower half. */
static inline __m512i nibbles(__m512i digits, bool upper)
{
    const __m512i pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x0110));
    const __m128i order = upper ? _mm_setr_epi8(-1, -1, -1, -1, 6, 4, 2, 0, -1, -1, -1, -1, 14, 12, 10, 8)
                                : _mm_setr_epi8(6, 4, 2, 0, -1, -1, -1, -1, 14, 12, 10, 8, -1, -1, -1, -1);

    return _mm512_shuffle_epi8(pairs, _mm512_broadcast_i32x4(order));
}

static size_t numbers(const struct toll_digit_rules *rules, const struct toll_field_column *column,
                      size_t rows, uint64_t *digits, uint8_t *type, uint8_t *same_text, uint32_t *rest)
{
    const __m512i zeros = all(UINT64_C(0x3030303030303030)), nines = _mm512_set1_epi8(9), eight = all(8);
    size_t left = 0;

    for (size_t at = 0; at < rows; at += LANES) {
        const __mmask8 lanes = lanes_from(at, rows);
        const __m256i begin = load_32(lanes, column->begin + at);
        __m512i head = eight_bytes(lanes, column->text, begin);
        __m512i tail = eight_bytes(lanes, column->text + 8, begin);
        const __mmask8 plus = _mm512_cmpeq_epi64_mask(_mm512_and_si512(head, all(0xff)), all('+'));
        const __m512i skipped = _mm512_maskz_mov_epi64(plus, eight);
        const __m512i count = _mm512_sub_epi64(_mm512_cvtepu32_epi64(load_32(lanes, column->bytes + at)),
                                               _mm512_maskz_mov_epi64(plus, all(1)));
        struct lanes_numbers now = {.count = count};
        __mmask8 good = in_range(count, 1, TOLL_DIGITS_MAX);

        head = _mm512_shrdv_epi64(head, tail, skipped);
        tail = _mm512_srlv_epi64(tail, skipped);
        head = _mm512_and_si512(_mm512_xor_si512(head, zeros), first_bytes(count));
        tail = _mm512_and_si512(_mm512_xor_si512(tail, zeros),
                                first_bytes(_mm512_sub_epi64(_mm512_max_epu64(count, eight), eight)));
        good &= none_above(_mm512_max_epu8(head, tail), nines);
        good &= (rules->alone ? (__mmask8)~plus : 0) |
                (rules->plus ? plus & in_range(count, rules->least, TOLL_DIGITS_MAX) : 0);
        now.digits =
            _mm512_ternarylogic_epi64(nibbles(head, true), nibbles(tail, false),
                                      _mm512_srlv_epi64(all(UINT64_MAX), _mm512_slli_epi64(count, 2)), 0xfe);
        now.out = now.digits;
        now.type = all(rules->plus_type);
        now.open = lanes & good & (__mmask8)~plus;
        for (unsigned i = 0; now.open != 0 && i < rules->count; i++)
            try_rule(&now, rules, &rules->rules[i]);
        take(&now, now.open, _mm512_setzero_si512(), rules->other_type);
        _mm512_mask_storeu_epi64(digits + at, lanes, now.out);
        _mm512_mask_cvtepi64_storeu_epi8(type + at, lanes, now.type);
        _mm512_mask_cvtepi64_storeu_epi8(
            same_text + at, lanes,
            _mm512_maskz_mov_epi64(_mm512_cmpeq_epi64_mask(now.out, now.digits), all(1)));
        left = add_rest(rest, left, at, lanes & (__mmask8)~good);
    }
    return left;
}

const struct toll_field_kernels toll_fields_avx512 = {
    .spans = spans,
    .clocks = clocks,
    .times = times,
    .integers = integers,
    .decimals = decimals,
    .words = words,
    .numbers = numbers,
};
