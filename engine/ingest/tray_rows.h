/*
 * A tray inside: some rows of an indexed window, and the columns that are made of them. Arrays are by row of
 * the tray. What a column's function finds it cannot read makes the row odd; odd rows have no values, and no
 * column looks at them again.
 */
#ifndef TOLL_INGEST_TRAY_ROWS_H
#define TOLL_INGEST_TRAY_ROWS_H

#include "ingest/reader.h"

#define TOLL_TRAY_ROWS 128u /* the columns stay in the nearest caches */
/* Readable bytes behind a row of a tray, for loads that know no length. */
#define TOLL_TRAY_PADDING 64u
#define TOLL_TRAY_MEMO_BITS 8
#define TOLL_TRAY_NAME_BITS 12 /* accounts come by the thousand */

enum toll_tray_shape {
    TOLL_TRAY_QUOTED = 1, /* some field is quoted, none has quotes inside */
    TOLL_TRAY_FEW = 2,    /* fewer columns than the spec asks for */
    TOLL_TRAY_ODD = 4     /* is read by rows.c, or is no row */
};

struct toll_tray_time {
    enum { TOLL_WAY_ISO, TOLL_WAY_CLOCK_LAST, TOLL_WAY_TEXT } way;
    struct toll_memo days[1 << TOLL_TRAY_MEMO_BITS]; /* what stands before the clock: 1 + days since 1970 */
};

/* Number rules as they are asked about digits alone. */
#define TOLL_DIGIT_RULES_MAX 64u /* more are left to numbers.h */
enum toll_digit_rule_kind {
    TOLL_DIGITS_NONE, /* these digits exactly; likewise SHORT_WORD */
    TOLL_DIGITS_INTERNATIONAL,
    TOLL_DIGITS_NANP,
    TOLL_DIGITS_NATIONAL,
    TOLL_DIGITS_BARE,
    TOLL_DIGITS_SHORT_WORD,
    TOLL_DIGITS_SHORT,
    TOLL_DIGITS_EXTENSION
};
struct toll_digit_rule {
    enum toll_digit_rule_kind kind;
    unsigned low, high, prefix_digits, country_digits;
    uint64_t prefix, country;
};
struct toll_digit_rules {
    const struct toll_number_rules *from;
    struct toll_digit_rule rules[TOLL_DIGIT_RULES_MAX];
    unsigned count;
    bool usable;
};

enum { TOLL_TRAY_NUMBERS = 6 }; /* caller, callee, charged, lrn_caller, lrn_callee, ring_to */
struct toll_tray_number {
    enum toll_target target;
    struct toll_digit_rules rules;
};

struct toll_tray {
    struct toll_reader *reader;
    const struct toll_spec *spec;
    int slots_needed; /* the largest column that is asked for, + 1 */
    int key_slots[TOLL_INGEST_COLUMNS_MAX];
    bool legal[TOLL_INGEST_COLUMNS_MAX + 1]; /* numbers of columns */
    /* the window */
    const char *text;
    struct toll_csv_index index;
    /* the rows; row r's field i ends at index.stops[first[r] + i] */
    uint32_t rows;
    uint32_t first[TOLL_TRAY_ROWS], begin[TOLL_TRAY_ROWS], end[TOLL_TRAY_ROWS];
    uint16_t columns[TOLL_TRAY_ROWS];
    uint8_t shape[TOLL_TRAY_ROWS];
    /* what becomes of them: rows as they go into the chunk, but for their place in it, and their extras */
    struct toll_row out[TOLL_TRAY_ROWS];
    struct toll_row_extra extras[TOLL_TRAY_ROWS];
    bool has_extra[TOLL_TRAY_ROWS], warned[TOLL_TRAY_ROWS];
    uint32_t texts[3][TOLL_TRAY_ROWS]; /* where the texts to be kept begin: record id, caller, callee */
    /* on the way there */
    struct toll_tray_time times[3]; /* start, answer, end */
    int64_t utc[3][TOLL_TRAY_ROWS];
    bool has_time[3][TOLL_TRAY_ROWS];
    int8_t choices[TOLL_READER_CHOICES][TOLL_TRAY_ROWS];
    struct toll_memo choice_memos[TOLL_READER_CHOICES][1 << TOLL_READER_CHOICE_BITS];
    struct toll_tray_number numbers[TOLL_TRAY_NUMBERS];
    struct toll_memo name_memos[TOLL_NAME_SOURCE][1 << TOLL_TRAY_NAME_BITS];
};

/* The text of a column in a row that is not plain, as toll_tray_value. */
bool toll_tray_value_of_odd(const struct toll_tray *tray, uint32_t r, int slot, struct toll_value *value);

/* The text of column `slot` of the file in row r, without outer quotes; empty where the row has no such
 * column, or slot is -1. False: the row is odd. */
static inline __attribute__((always_inline)) bool toll_tray_value(const struct toll_tray *tray, uint32_t r,
                                                                  int slot, struct toll_value *value)
{
    const uint32_t *stops;
    uint32_t begin;

    if (__builtin_expect(tray->shape[r] != 0, 0) || slot < 0)
        return toll_tray_value_of_odd(tray, r, slot, value);
    stops = tray->index.stops + tray->first[r];
    begin = slot == 0 ? tray->begin[r] : stops[slot - 1] + 1;
    *value = (struct toll_value){tray->text + begin, stops[slot] - begin};
    return true;
}

static inline void toll_tray_odd(struct toll_tray *tray, uint32_t r)
{
    tray->shape[r] |= TOLL_TRAY_ODD;
}

/* The columns, in an order in which each finds what it needs. */
void toll_tray_times_init(struct toll_tray *tray);
void toll_tray_numbers_init(struct toll_tray *tray);
void toll_tray_times(struct toll_tray *tray); /* start, set-up, choices, and the kind as far as they say */
void toll_tray_durations(struct toll_tray *tray);
void toll_tray_amounts(struct toll_tray *tray);
void toll_tray_numbers(struct toll_tray *tray); /* and the texts to be kept */
void toll_tray_names(struct toll_tray *tray);   /* behind all that can make a row odd */
void toll_tray_keys(struct toll_tray *tray);

#endif
