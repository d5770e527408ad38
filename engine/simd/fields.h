/*
 * Columns of text to columns of values, many rows at once.
 *
 * A column is where its fields begin, as offsets into the text, and how many bytes each has. A kernel reads
 * what nearly all fields of such a column look like; rows whose field looks otherwise are listed in `rest`,
 * ascending, and have anything as their value: they are for whoever reads one field after the other. Returned
 * is how many are in `rest`; behind these it holds anything. Arrays have `rows` elements, of any alignment.
 *
 * Behind the begin of each field TOLL_FIELD_PADDING bytes are readable, however long it is.
 */
#ifndef TOLL_SIMD_FIELDS_H
#define TOLL_SIMD_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOLL_FIELD_PADDING 32u
#define TOLL_FIELD_TEXT_MAX ((size_t)1 << 30)

struct toll_field_column {
    const char *text;
    const uint32_t *begin, *bytes;
};

/* Begin and bytes of the fields of one column, of rows that are stretches of one index (csv_index.h): row r's
 * field i ends at stops[first[r] + i], and its first field begins at begin[r]. Reads stops[first[r] + column]
 * whether row r has so many fields or not. */
typedef void toll_field_spans_kernel(const uint32_t *stops, const uint32_t *first, const uint32_t *row_begin,
                                     unsigned column, size_t rows, uint32_t *begin, uint32_t *bytes);

/* "dd:dd:dd", minutes and seconds below 60: in seconds. */
typedef size_t toll_field_clocks_kernel(const struct toll_field_column *column, size_t rows,
                                        uint32_t *seconds, uint32_t *rest);

/* Times that begin with one known text, mostly a day; 1 to 16 bytes of it. */
struct toll_field_day {
    uint64_t head, tail; /* as toll_padded_words has them */
    uint32_t head_bytes; /* of that text */
    uint32_t bytes;      /* of a field; another has another form */
    uint32_t clock_at;   /* where the clock begins in a field; not asked where clocks are a column */
    bool zulu;           /* a Z follows the clock, and ends the field */
    int64_t local_ms;    /* midnight of the day */
    int64_t from, until; /* local times for which offset_ms is right: UTC = local - offset_ms */
    int64_t offset_ms;
};
/* clocks: NULL, or the column in which the clocks of these days are, 8 bytes each. The clock is as
 * toll_field_clocks_kernel has it, and below 24:00:00. */
typedef size_t toll_field_times_kernel(const struct toll_field_day *day,
                                       const struct toll_field_column *column,
                                       const struct toll_field_column *clocks, size_t rows, int64_t *utc,
                                       uint32_t *rest);

/* 1 to digits_max digits, which is at most 8, times `unit`. */
typedef size_t toll_field_integers_kernel(const struct toll_field_column *column, unsigned digits_max,
                                          uint32_t unit, size_t rows, uint32_t *value, uint32_t *rest);

/* 1 to 8 bytes of digits, and at most one point, between digits: in 1e-8 of a unit. */
typedef size_t toll_field_decimals_kernel(const struct toll_field_column *column, size_t rows, int64_t *value,
                                          uint32_t *rest);

/* One of a few words of 1 to 16 bytes, or nothing. */
#define TOLL_FIELD_WORDS_MAX 8u
struct toll_field_words {
    uint64_t head[TOLL_FIELD_WORDS_MAX], tail[TOLL_FIELD_WORDS_MAX]; /* as toll_padded_words has them */
    uint32_t bytes[TOLL_FIELD_WORDS_MAX];
    int8_t value[TOLL_FIELD_WORDS_MAX];
    unsigned count; /* of different words */
    int8_t empty;
};
typedef size_t toll_field_words_kernel(const struct toll_field_words *words,
                                       const struct toll_field_column *column, size_t rows, int8_t *value,
                                       uint32_t *rest);

/* Rules about digits, tried in order: the first that fits says the type, and what the number is. */
enum toll_digit_rule_kind {
    TOLL_DIGITS_NOTHING, /* these digits exactly: no number; likewise EQUAL: they */
    TOLL_DIGITS_EQUAL,
    TOLL_DIGITS_INTERNATIONAL, /* the prefix: what follows is the number, or there is none, of the type
                                  `otherwise`, if these digits are fewer than a number has */
    TOLL_DIGITS_NANP,          /* 10 digits, or 11 with a leading 1, as the North American plan has them */
    TOLL_DIGITS_NATIONAL,      /* the prefix and low to high digits: these behind the country code */
    TOLL_DIGITS_COUNT          /* low to high digits */
};
struct toll_digit_rule {
    enum toll_digit_rule_kind kind;
    uint8_t type, otherwise;
    unsigned low, high, prefix_digits, country_digits;
    uint64_t prefix, country; /* packed (base/digits.h); 0 for no digits */
};
#define TOLL_DIGIT_RULES_MAX 64u
struct toll_digit_rules {
    struct toll_digit_rule rules[TOLL_DIGIT_RULES_MAX];
    unsigned count;
    unsigned least;     /* digits of a number; the most are TOLL_DIGITS_MAX */
    bool alone, plus;   /* rules are asked about digits alone; "+" and digits are a number */
    uint8_t plus_type;  /* of that */
    uint8_t other_type; /* of digits that no rule takes */
};
/* "+" and digits, or 1 to 15 digits alone: packed digits (0: none), type, and whether the text says no more
 * than they. A field that `alone` or `plus` is not true for is one of the rest. */
typedef size_t toll_field_numbers_kernel(const struct toll_digit_rules *rules,
                                         const struct toll_field_column *column, size_t rows,
                                         uint64_t *digits, uint8_t *type, uint8_t *same_text, uint32_t *rest);

struct toll_field_kernels {
    toll_field_spans_kernel *spans;
    toll_field_clocks_kernel *clocks;
    toll_field_times_kernel *times;
    toll_field_integers_kernel *integers;
    toll_field_decimals_kernel *decimals;
    toll_field_words_kernel *words;
    toll_field_numbers_kernel *numbers;
};
extern const struct toll_field_kernels toll_fields_scalar;
extern const struct toll_field_kernels toll_fields_avx2, toll_fields_avx512; /* the twins on x86-64 only */

#endif
