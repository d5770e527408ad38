/*
 * A sheet inside: some rows of an indexed window, and the columns that are made of them. Arrays are by row of
 * the sheet. What a column's function finds it cannot read makes the row odd; odd rows have no values, and no
 * column looks at them again.
 */
#ifndef TOLL_INGEST_BATCH_ROWS_H
#define TOLL_INGEST_BATCH_ROWS_H

#include "ingest/reader.h"

#define TOLL_SHEET_ROWS 128u /* the columns stay in the nearest caches */
/* Readable bytes behind a row of a sheet, for loads that know no length. */
#define TOLL_SHEET_PADDING 64u
#define TOLL_SHEET_MEMO_BITS 8

enum toll_sheet_row_shape {
    TOLL_SHEET_QUOTED = 1, /* some field is quoted, none has quotes inside */
    TOLL_SHEET_FEW = 2,    /* fewer columns than the spec asks for */
    TOLL_SHEET_ODD = 4     /* is read by rows.c, or is no row */
};

/* Where a text stands in the window. */
struct toll_sheet_texts {
    uint32_t begin[TOLL_SHEET_ROWS];
    uint16_t bytes[TOLL_SHEET_ROWS];
};

struct toll_sheet_time {
    enum { TOLL_WAY_ISO, TOLL_WAY_CLOCK_LAST, TOLL_WAY_TEXT } way;
    struct toll_memo days[1 << TOLL_SHEET_MEMO_BITS]; /* what stands before the clock: 1 + days since 1970 */
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

enum { TOLL_SHEET_NUMBERS = 6 }; /* caller, callee, charged, lrn_caller, lrn_callee, ring_to */
struct toll_sheet_number {
    enum toll_target target;
    struct toll_digit_rules rules;
    uint64_t digits[TOLL_SHEET_ROWS];
};

struct toll_sheet {
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
    uint32_t first[TOLL_SHEET_ROWS], begin[TOLL_SHEET_ROWS], end[TOLL_SHEET_ROWS];
    uint16_t columns[TOLL_SHEET_ROWS];
    uint8_t shape[TOLL_SHEET_ROWS];
    /* columns */
    struct toll_sheet_time times[3]; /* start, answer, end */
    int64_t utc[3][TOLL_SHEET_ROWS];
    bool has_time[3][TOLL_SHEET_ROWS];
    int8_t choices[TOLL_READER_CHOICES][TOLL_SHEET_ROWS];
    struct toll_memo choice_memos[TOLL_READER_CHOICES][1 << TOLL_READER_CHOICE_BITS];
    int32_t duration_ms[TOLL_SHEET_ROWS], setup_ms[TOLL_SHEET_ROWS], billed_ms[TOLL_SHEET_ROWS];
    int64_t money[2][TOLL_SHEET_ROWS], quantity[TOLL_SHEET_ROWS]; /* charge, tax */
    struct toll_sheet_number numbers[TOLL_SHEET_NUMBERS];
    struct toll_sheet_texts texts[3]; /* to be kept: record id, caller, callee */
    uint32_t names[TOLL_NAME_SOURCE][TOLL_SHEET_ROWS];
    struct toll_memo name_memos[TOLL_NAME_SOURCE][1 << TOLL_READER_NAME_BITS];
    uint16_t kind[TOLL_SHEET_ROWS];
    bool warned[TOLL_SHEET_ROWS], has_extra[TOLL_SHEET_ROWS];
    struct toll_hash128 keys[TOLL_SHEET_ROWS];
};

/* The text of column `slot` of the file in row r, without outer quotes; empty where the row has no such
 * column, or slot is -1. False: the row is odd. */
static inline bool toll_sheet_value(const struct toll_sheet *sheet, uint32_t r, int slot,
                                    struct toll_value *value)
{
    const uint32_t *stops = sheet->index.stops + sheet->first[r];
    const unsigned shape = sheet->shape[r];
    uint32_t begin, end;

    if (__builtin_expect((shape & TOLL_SHEET_ODD) != 0, 0))
        return false;
    if (slot < 0 || ((shape & TOLL_SHEET_FEW) != 0 && slot >= sheet->columns[r])) {
        *value = (struct toll_value){sheet->text + sheet->begin[r], 0};
        return true;
    }
    begin = slot == 0 ? sheet->begin[r] : stops[slot - 1] + 1;
    end = stops[slot];
    if (__builtin_expect((shape & TOLL_SHEET_QUOTED) != 0, 0) && end - begin >= 2 &&
        sheet->text[begin] == '"' && sheet->text[end - 1] == '"') {
        begin++;
        end--;
    }
    *value = (struct toll_value){sheet->text + begin, end - begin};
    return true;
}

static inline void toll_sheet_odd(struct toll_sheet *sheet, uint32_t r)
{
    sheet->shape[r] |= TOLL_SHEET_ODD;
}

/* The columns, in an order in which each finds what it needs. */
void toll_sheet_times_init(struct toll_sheet *sheet);
void toll_sheet_numbers_init(struct toll_sheet *sheet);
void toll_sheet_times(struct toll_sheet *sheet); /* utc, has_time, setup_ms of start and answer; choices */
void toll_sheet_durations(struct toll_sheet *sheet); /* duration_ms, billed_ms, warned */
void toll_sheet_amounts(struct toll_sheet *sheet);   /* money, quantity */
void toll_sheet_numbers(struct toll_sheet *sheet);   /* numbers, their kinds, texts; after nothing is odd */
void toll_sheet_names(struct toll_sheet *sheet);     /* names; after nothing is odd */
void toll_sheet_keys(struct toll_sheet *sheet);      /* keys */

#endif
