/*
 * Columns of text to values, four fields at once: each is a lane of 64 bits, or two. Lanes are loaded one by
 * one, which no processor does slower than a gather; the last rows of a column, fewer than four, are left to
 * the portable kernels.
 */
#include "base/digits.h"
#include "simd/fields.h"

#include <immintrin.h>
#include <string.h>

#define LANES 4u

static inline __m256i all(uint64_t word)
{
    return _mm256_set1_epi64x((long long)word);
}

static inline __m128i load_32(const uint32_t *from)
{
    return _mm_loadu_si128((const __m128i *)(const void *)from);
}

static inline __m256i load_sizes(const uint32_t *from)
{
    return _mm256_cvtepu32_epi64(load_32(from));
}

static inline __m128i two_words(const void *first, const void *second)
{
    return _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)first),
                              _mm_loadl_epi64((const __m128i *)second));
}

/* Of four rows eight bytes each. */
static inline __m256i eight_bytes(const char *text, const uint32_t *at)
{
    return _mm256_setr_m128i(two_words(text + at[0], text + at[1]), two_words(text + at[2], text + at[3]));
}

/* The lower halves of the lanes. */
static inline __m128i narrow_32(__m256i lanes)
{
    return _mm256_castsi256_si128(
        _mm256_permutevar8x32_epi32(lanes, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6)));
}

static inline void store_32(uint32_t *to, __m256i lanes)
{
    _mm_storeu_si128((__m128i *)(void *)to, narrow_32(lanes));
}

static inline void store_64(void *to, __m256i lanes)
{
    _mm256_storeu_si256((__m256i *)to, lanes);
}

/* The lowest byte of each lane. */
static inline void store_8(void *to, __m256i lanes)
{
    const __m128i order = _mm_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const int bytes = _mm_cvtsi128_si32(_mm_shuffle_epi8(narrow_32(lanes), order));

    memcpy(to, &bytes, LANES);
}

static inline __m256i both(__m256i a, __m256i b)
{
    return _mm256_and_si256(a, b);
}

static inline __m256i unless(__m256i a, __m256i b)
{
    return _mm256_andnot_si256(a, b);
}

static inline __m256i is(__m256i lanes, uint64_t word)
{
    return _mm256_cmpeq_epi64(lanes, all(word));
}

/* low <= value <= high; the values are below 2^62, or less than 0 and in no range. */
static inline __m256i in_range(__m256i value, unsigned low, unsigned high)
{
    return both(_mm256_cmpgt_epi64(value, all((uint64_t)low - 1)),
                _mm256_cmpgt_epi64(all((uint64_t)high + 1), value));
}

/* The rows whose lane is not good. */
static inline size_t add_rest(uint32_t *rest, size_t count, size_t at, __m256i good)
{
    unsigned left = ~(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(good)) & 0xf;

    for (; __builtin_expect(left != 0, 0); left &= left - 1)
        rest[count++] = (uint32_t)at + (unsigned)__builtin_ctz(left);
    return count;
}

/* Rows that a portable kernel has listed, which counts them from `at` on. */
static inline size_t add_last(uint32_t *rest, size_t count, size_t at, size_t more)
{
    for (size_t k = count; k < count + more; k++)
        rest[k] += (uint32_t)at;
    return count + more;
}

static inline struct toll_field_column from(const struct toll_field_column *column, size_t at)
{
    return (struct toll_field_column){column->text, column->begin + at, column->bytes + at};
}

/* The first n bytes of a word; n from 0, all of it from 8 on. */
static inline __m256i first_bytes(__m256i n)
{
    return unless(_mm256_sllv_epi64(all(UINT64_MAX), _mm256_slli_epi64(n, 3)), all(UINT64_MAX));
}

/* The same of the word behind it. */
static inline __m256i later_bytes(__m256i n)
{
    const __m256i more = _mm256_sub_epi64(n, all(8));

    return first_bytes(both(more, _mm256_cmpgt_epi64(more, _mm256_setzero_si256())));
}

/* Lanes in which no byte is above that of `most`. */
static inline __m256i none_above(__m256i bytes, __m256i most)
{
    return is(_mm256_subs_epu8(bytes, most), 0);
}

/* Eight digits, the first one lowest and worth most. */
static inline __m256i value_8(__m256i digits)
{
    const __m256i pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x010a));
    const __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00010064));

    return _mm256_add_epi64(_mm256_mul_epu32(fours, all(10000)), _mm256_srli_epi64(fours, 32));
}

/* Text of up to eight bytes, less '0', at the upper end of its word. */
static inline __m256i right_digits(__m256i text, __m256i bytes)
{
    return _mm256_sllv_epi64(_mm256_xor_si256(text, all(UINT64_C(0x3030303030303030))),
                             _mm256_sub_epi64(all(64), _mm256_slli_epi64(bytes, 3)));
}

/* The end of a field and that of the field before it are one word of eight bytes. */
static void spans(const uint32_t *stops, const uint32_t *first, const uint32_t *row_begin, unsigned column,
                  size_t rows, uint32_t *begin, uint32_t *bytes)
{
    size_t at = 0;

    for (; column > 0 && at + LANES <= rows; at += LANES) {
        const uint32_t *ends = stops + column - 1, *of = first + at;
        const __m256i pairs =
            _mm256_setr_m128i(two_words(ends + of[0], ends + of[1]), two_words(ends + of[2], ends + of[3]));
        const __m256i start = _mm256_add_epi64(pairs, all(1)), end = _mm256_srli_epi64(pairs, 32);

        store_32(begin + at, start);
        store_32(bytes + at, _mm256_sub_epi32(end, start));
    }
    toll_fields_scalar.spans(stops, first + at, row_begin + at, column, rows - at, begin + at, bytes + at);
}

/* "dd:dd:dd", minutes and seconds below 60; the lanes in which it is one. */
static inline __m256i clock_of(__m256i word, __m256i *seconds)
{
    __m256i parts;

    word = _mm256_xor_si256(word, all(UINT64_C(0x30303a30303a3030))); /* digits 0..9, colons 0 */
    /* hours, ten minutes as minutes, minutes, seconds */
    parts = _mm256_maddubs_epi16(word, all(UINT64_C(0x010a00010a00010a)));
    parts = _mm256_madd_epi16(parts, all(UINT64_C(0x0001003c003c0e10)));
    *seconds = both(_mm256_add_epi64(parts, _mm256_srli_epi64(parts, 32)), all(UINT32_MAX));
    return none_above(word, all(UINT64_C(0x0905000905000909)));
}

static size_t clocks(const struct toll_field_column *column, size_t rows, uint32_t *seconds, uint32_t *rest)
{
    size_t left = 0, at = 0;

    for (; at + LANES <= rows; at += LANES) {
        __m256i value;
        const __m256i good = clock_of(eight_bytes(column->text, column->begin + at), &value);

        store_32(seconds + at, value);
        left = add_rest(rest, left, at, both(good, is(load_sizes(column->bytes + at), 8)));
    }
    const struct toll_field_column last = from(column, at);
    return add_last(rest, left, at, toll_fields_scalar.clocks(&last, rows - at, seconds + at, rest + left));
}

static inline __m256i are_zulu(const char *text, const uint32_t *at)
{
    return is(_mm256_setr_epi64x(text[at[0]], text[at[1]], text[at[2]], text[at[3]]), 'Z');
}

static size_t times(const struct toll_field_day *day, const struct toll_field_column *column,
                    const struct toll_field_column *clock_column, size_t rows, int64_t *utc, uint32_t *rest)
{
    const __m256i head_bytes = first_bytes(all(day->head_bytes)),
                  tail_bytes = later_bytes(all(day->head_bytes));
    const __m256i midnight = all((uint64_t)day->local_ms), offset = all((uint64_t)day->offset_ms);
    const __m256i first = all((uint64_t)day->from), until = all((uint64_t)day->until);
    const struct toll_field_column clocks_of = clock_column != NULL ? *clock_column : *column;
    const char *clock_text = clock_column != NULL ? clocks_of.text : column->text + day->clock_at;
    size_t left = 0, at = 0;

    for (; at + LANES <= rows; at += LANES) {
        const uint32_t *begin = column->begin + at, *clock_begin = clocks_of.begin + at;
        __m256i good = is(load_sizes(column->bytes + at), day->bytes), seconds, local;

        if (clock_column != NULL)
            good = both(good, is(load_sizes(clocks_of.bytes + at), 8));
        good = both(good, is(both(eight_bytes(column->text, begin), head_bytes), day->head));
        if (day->head_bytes > 8)
            good = both(good, is(both(eight_bytes(column->text + 8, begin), tail_bytes), day->tail));
        good = both(good, clock_of(eight_bytes(clock_text, clock_begin), &seconds));
        good = both(good, _mm256_cmpgt_epi64(all(86400), seconds));
        if (day->zulu)
            good = both(good, are_zulu(clock_text + 8, clock_begin));
        local = _mm256_add_epi64(midnight, _mm256_mul_epu32(seconds, all(1000)));
        good = unless(_mm256_cmpgt_epi64(first, local), both(good, _mm256_cmpgt_epi64(until, local)));
        store_64(utc + at, _mm256_sub_epi64(local, offset));
        left = add_rest(rest, left, at, good);
    }
    const struct toll_field_column last = from(column, at), last_clocks = from(&clocks_of, at);
    return add_last(rest, left, at,
                    toll_fields_scalar.times(day, &last, clock_column == NULL ? NULL : &last_clocks,
                                             rows - at, utc + at, rest + left));
}

static size_t integers(const struct toll_field_column *column, unsigned digits_max, uint32_t unit,
                       size_t rows, uint32_t *value, uint32_t *rest)
{
    size_t left = 0, at = 0;

    for (; at + LANES <= rows; at += LANES) {
        const __m256i bytes = load_sizes(column->bytes + at);
        const __m256i digits = right_digits(eight_bytes(column->text, column->begin + at), bytes);
        const __m256i good = none_above(digits, _mm256_set1_epi8(9));

        store_32(value + at, _mm256_mul_epu32(value_8(digits), all(unit)));
        left = add_rest(rest, left, at, both(good, in_range(bytes, 1, digits_max)));
    }
    const struct toll_field_column last = from(column, at);
    return add_last(rest, left, at,
                    toll_fields_scalar.integers(&last, digits_max, unit, rows - at, value + at, rest + left));
}

static size_t decimals(const struct toll_field_column *column, size_t rows, int64_t *value, uint32_t *rest)
{
    const __m256i zero = _mm256_setzero_si256(), point = _mm256_set1_epi8('.' ^ '0');
    const __m256i ones = _mm256_set1_epi8(1);
    /* by digits behind the point */
    const __m256i units = _mm256_setr_epi32(100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10);
    size_t left = 0, at = 0;

    for (; at + LANES <= rows; at += LANES) {
        const __m256i bytes = load_sizes(column->bytes + at);
        const __m256i right = right_digits(eight_bytes(column->text, column->begin + at), bytes);
        const __m256i points = both(_mm256_cmpeq_epi8(right, point), ones), whole = is(points, 0);
        const __m256i before = _mm256_sub_epi64(points, all(1)); /* the bits below the first point */
        const __m256i till = _mm256_or_si256(_mm256_slli_epi64(before, 8), all(0xff)); /* and it */
        const __m256i behind = _mm256_sub_epi64(all(8), _mm256_sad_epu8(both(till, ones), zero));
        /* The digits behind the point stay where they are, those before it move up to them. */
        const __m256i split = _mm256_or_si256(_mm256_slli_epi64(both(right, before), 8), unless(till, right));
        const __m256i digits = _mm256_blendv_epi8(split, right, whole);
        const __m256i inside = both(_mm256_cmpgt_epi64(behind, zero),
                                    _mm256_cmpgt_epi64(_mm256_sub_epi64(bytes, all(1)), behind));
        __m256i good = both(none_above(digits, _mm256_set1_epi8(9)), in_range(bytes, 1, 8));

        good = both(good, _mm256_or_si256(whole, inside));
        store_64(value + at, _mm256_mul_epu32(value_8(digits), _mm256_permutevar8x32_epi32(units, behind)));
        left = add_rest(rest, left, at, good);
    }
    const struct toll_field_column last = from(column, at);
    return add_last(rest, left, at, toll_fields_scalar.decimals(&last, rows - at, value + at, rest + left));
}

static size_t words(const struct toll_field_words *known, const struct toll_field_column *column, size_t rows,
                    int8_t *value, uint32_t *rest)
{
    uint32_t longest = 0;
    size_t left = 0, at = 0;

    for (unsigned w = 0; w < known->count; w++)
        longest = known->bytes[w] > longest ? known->bytes[w] : longest;
    for (; at + LANES <= rows; at += LANES) {
        const __m256i bytes = load_sizes(column->bytes + at);
        const __m256i head = both(eight_bytes(column->text, column->begin + at), first_bytes(bytes));
        __m256i tail = _mm256_setzero_si256(), found = all((uint8_t)known->empty), good = is(bytes, 0);

        if (longest > 8)
            tail = both(eight_bytes(column->text + 8, column->begin + at), later_bytes(bytes));
        for (unsigned w = 0; w < known->count; w++) {
            const __m256i same = both(both(is(head, known->head[w]), is(bytes, known->bytes[w])),
                                      is(tail, longest > 8 ? known->tail[w] : 0));

            found = _mm256_blendv_epi8(found, all((uint8_t)known->value[w]), same);
            good = _mm256_or_si256(good, same);
        }
        store_8(value + at, found);
        left = add_rest(rest, left, at, good);
    }
    const struct toll_field_column last = from(column, at);
    return add_last(rest, left, at,
                    toll_fields_scalar.words(known, &last, rows - at, value + at, rest + left));
}

/* -- numbers -- */

struct lanes_numbers {
    __m256i digits, count, out, type;
    __m256i open; /* lanes that no rule has taken */
};

static inline __m256i begins_with(const struct lanes_numbers *lanes, const struct toll_digit_rule *rule)
{
    const unsigned shift = 64 - 4 * rule->prefix_digits;
    const __m256i other = _mm256_xor_si256(lanes->digits, all(rule->prefix));

    if (rule->prefix_digits == 0)
        return all(UINT64_MAX);
    return both(is(_mm256_srl_epi64(other, _mm_cvtsi32_si128((int)shift)), 0),
                in_range(lanes->count, rule->prefix_digits, TOLL_DIGITS_MAX));
}

/* Without their first n digits, 0 to 15. */
static inline __m256i drop(__m256i digits, unsigned n)
{
    if (n == 0)
        return digits;
    return _mm256_or_si256(_mm256_sll_epi64(digits, _mm_cvtsi32_si128((int)(4 * n))),
                           all(UINT64_MAX >> (64 - 4 * n)));
}

static inline void take(struct lanes_numbers *lanes, __m256i taken, __m256i out, uint8_t type)
{
    taken = both(taken, lanes->open);
    lanes->out = _mm256_blendv_epi8(lanes->out, out, taken);
    lanes->type = _mm256_blendv_epi8(lanes->type, all(type), taken);
    lanes->open = unless(taken, lanes->open);
}

/* The nibble that stands so high. */
static inline __m256i nibble(__m256i digits, int shift)
{
    return both(_mm256_srl_epi64(digits, _mm_cvtsi32_si128(shift)), all(15));
}

static inline void try_nanp(struct lanes_numbers *lanes, const struct toll_digit_rule *rule)
{
    const __m256i ten = is(lanes->count, 10);
    const __m256i longer = _mm256_or_si256(_mm256_srli_epi64(lanes->digits, 4), all(UINT64_C(1) << 60));
    const __m256i out = _mm256_blendv_epi8(lanes->digits, longer, ten);
    __m256i hit = both(_mm256_or_si256(ten, is(lanes->count, 11)), is(nibble(out, 60), 1));

    hit = both(hit, _mm256_cmpgt_epi64(nibble(out, 56), all(1)));
    take(lanes, both(hit, _mm256_cmpgt_epi64(nibble(out, 44), all(1))), out, rule->type);
}

static inline void try_rule(struct lanes_numbers *lanes, const struct toll_digit_rules *rules,
                            const struct toll_digit_rule *rule)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i behind = _mm256_sub_epi64(lanes->count, all(rule->prefix_digits));
    __m256i out, hit;

    switch (rule->kind) {
    case TOLL_DIGITS_NOTHING:
        take(lanes, is(lanes->digits, rule->prefix), zero, rule->type);
        break;
    case TOLL_DIGITS_EQUAL:
        take(lanes, is(lanes->digits, rule->prefix), lanes->digits, rule->type);
        break;
    case TOLL_DIGITS_INTERNATIONAL:
        hit = begins_with(lanes, rule);
        take(lanes, both(hit, in_range(behind, rules->least, TOLL_DIGITS_MAX)),
             drop(lanes->digits, rule->prefix_digits), rule->type);
        take(lanes, hit, zero, rule->otherwise);
        break;
    case TOLL_DIGITS_NANP:
        try_nanp(lanes, rule);
        break;
    case TOLL_DIGITS_NATIONAL:
        hit = both(begins_with(lanes, rule), in_range(behind, rule->low, rule->high));
        hit = both(hit, in_range(_mm256_add_epi64(behind, all(rule->country_digits)), rules->least,
                                 TOLL_DIGITS_MAX));
        out = drop(lanes->digits, rule->prefix_digits);
        if (rule->country_digits > 0)
            out = _mm256_or_si256(_mm256_srl_epi64(out, _mm_cvtsi32_si128((int)(4 * rule->country_digits))),
                                  all(rule->country & ~(UINT64_MAX >> (4 * rule->country_digits))));
        take(lanes, hit, out, rule->type);
        break;
    case TOLL_DIGITS_COUNT:
        take(lanes, in_range(lanes->count, rule->low, rule->high), lanes->digits, rule->type);
        break;
    }
}

/* Eight digits of a word, each of a byte, as eight nibbles of the upper or lower half. */
static inline __m256i nibbles(__m256i digits, bool upper)
{
    const __m256i pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x0110));
    const __m128i order = upper ? _mm_setr_epi8(-1, -1, -1, -1, 6, 4, 2, 0, -1, -1, -1, -1, 14, 12, 10, 8)
                                : _mm_setr_epi8(6, 4, 2, 0, -1, -1, -1, -1, 14, 12, 10, 8, -1, -1, -1, -1);

    return _mm256_shuffle_epi8(pairs, _mm256_broadcastsi128_si256(order));
}

/* Digits, count and which lanes have 1 to 15 of them, after a "+" or alone. */
static inline __m256i digits_of(const struct toll_digit_rules *rules, const struct toll_field_column *column,
                                size_t at, struct lanes_numbers *now)
{
    const __m256i zeros = all(UINT64_C(0x3030303030303030));
    __m256i head = eight_bytes(column->text, column->begin + at);
    __m256i tail = eight_bytes(column->text + 8, column->begin + at);
    const __m256i plus = is(both(head, all(0xff)), '+'), skipped = both(plus, all(8));
    const __m256i count = _mm256_add_epi64(load_sizes(column->bytes + at), plus);
    const __m256i with_plus =
        rules->plus ? in_range(count, rules->least, TOLL_DIGITS_MAX) : _mm256_setzero_si256();
    const __m256i alone = all(rules->alone ? UINT64_MAX : 0);

    head = _mm256_or_si256(_mm256_srlv_epi64(head, skipped),
                           _mm256_sllv_epi64(tail, _mm256_sub_epi64(all(64), skipped)));
    tail = _mm256_srlv_epi64(tail, skipped);
    head = both(_mm256_xor_si256(head, zeros), first_bytes(count));
    tail = both(_mm256_xor_si256(tail, zeros), later_bytes(count));
    now->count = count;
    now->digits = _mm256_or_si256(_mm256_or_si256(nibbles(head, true), nibbles(tail, false)),
                                  _mm256_srlv_epi64(all(UINT64_MAX), _mm256_slli_epi64(count, 2)));
    const __m256i good =
        both(none_above(_mm256_max_epu8(head, tail), _mm256_set1_epi8(9)),
             both(in_range(count, 1, TOLL_DIGITS_MAX), _mm256_blendv_epi8(alone, with_plus, plus)));
    now->open = unless(plus, good);
    return good;
}

static size_t numbers(const struct toll_digit_rules *rules, const struct toll_field_column *column,
                      size_t rows, uint64_t *digits, uint8_t *type, uint8_t *same_text, uint32_t *rest)
{
    size_t left = 0, at = 0;

    for (; at + LANES <= rows; at += LANES) {
        struct lanes_numbers now;
        const __m256i good = digits_of(rules, column, at, &now);

        now.out = now.digits;
        now.type = all(rules->plus_type);
        for (unsigned i = 0; _mm256_testz_si256(now.open, now.open) == 0 && i < rules->count; i++)
            try_rule(&now, rules, &rules->rules[i]);
        take(&now, now.open, _mm256_setzero_si256(), rules->other_type);
        store_64(digits + at, now.out);
        store_8(type + at, now.type);
        store_8(same_text + at, both(_mm256_cmpeq_epi64(now.out, now.digits), all(1)));
        left = add_rest(rest, left, at, good);
    }
    const struct toll_field_column last = from(column, at);
    return add_last(rest, left, at,
                    toll_fields_scalar.numbers(rules, &last, rows - at, digits + at, type + at,
                                               same_text + at, rest + left));
}

const struct toll_field_kernels toll_fields_avx2 = {
    .spans = spans,
    .clocks = clocks,
    .times = times,
    .integers = integers,
    .decimals = decimals,
    .words = words,
    .numbers = numbers,
};
