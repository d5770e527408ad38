/*
 * A tray inside: some rows of an indexed window, and the columns that are made of them. Arrays are by row of
 * the tray. What a column's function finds it cannot read makes the row odd; odd rows have no values, and no
 * column looks at them again.
 */
#ifndef TOLL_INGEST_TRAY_ROWS_H
#define TOLL_INGEST_TRAY_ROWS_H

#include "ingest/reader.h"
#include "simd/fields.h"

#define TOLL_TRAY_ROWS 128u /* the columns stay in the nearest caches */
/* Readable bytes behind a row of a tray, for loads that know no length. */
#define TOLL_TRAY_PADDING 64u
_Static_assert(TOLL_TRAY_PADDING >= TOLL_FIELD_PADDING, "a row may end with an empty field");
#define TOLL_TRAY_MEMO_BITS 8

enum toll_tray_shape {
    TOLL_TRAY_QUOTED = 1, /* some field is quoted, none has quotes inside */
    TOLL_TRAY_FEW = 2,    /* fewer columns than the spec asks for */
    TOLL_TRAY_ODD = 4     /* is read by rows.c, or is no row */
};

/* A column of the rows, as kernels want it (simd/fields.h). Empty where a row has none, or is odd already. */
struct toll_tray_spans {
    uint32_t begin[TOLL_TRAY_ROWS], bytes[TOLL_TRAY_ROWS];
};

struct toll_tray_time {
    enum { TOLL_WAY_ISO, TOLL_WAY_CLOCK_LAST, TOLL_WAY_TEXT } way;
    struct toll_field_day day;                       /* the one that was read last; head_bytes 0: none */
    struct toll_memo days[1 << TOLL_TRAY_MEMO_BITS]; /* what stands before the clock: 1 + days since 1970 */
};

enum { TOLL_TRAY_NUMBERS = 6 }; /* caller, callee, charged, lrn_caller, lrn_callee, ring_to */
struct toll_tray_number {
    enum toll_target target;
    struct toll_digit_rules rules;
};

struct toll_tray {
    struct toll_reader *reader;
    const struct toll_spec *spec;
    const struct toll_field_kernels *kernels;
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
    uint32_t unusual[TOLL_TRAY_ROWS], unusual_count; /* rows that had a shape from the start */
    /* what becomes of them; columns that no field is mapped to are 0 throughout */
    int64_t utc[3][TOLL_TRAY_ROWS]; /* start, answer, end; the first is the row's */
    uint64_t key_high[TOLL_TRAY_ROWS], key_low[TOLL_TRAY_ROWS];
    uint64_t numbers[TOLL_TRAY_NUMBERS][TOLL_TRAY_ROWS];
    int64_t quantity[TOLL_TRAY_ROWS], money[2][TOLL_TRAY_ROWS]; /* charge, tax */
    uint32_t names[TOLL_NAME_SOURCE][TOLL_TRAY_ROWS];
    int32_t duration_ms[TOLL_TRAY_ROWS], total_ms[TOLL_TRAY_ROWS], billed_ms[TOLL_TRAY_ROWS];
    int32_t setup_ms[TOLL_TRAY_ROWS];
    uint16_t kind[TOLL_TRAY_ROWS];
    struct toll_tray_spans texts[3]; /* to be kept: record id, caller, callee */
    uint8_t warned[TOLL_TRAY_ROWS];
    /* on the way there */
    struct toll_tray_time times[3]; /* start, answer, end */
    bool has_time[3][TOLL_TRAY_ROWS];
    int8_t choices[TOLL_READER_CHOICES][TOLL_TRAY_ROWS];
    struct toll_field_words choice_words[TOLL_READER_CHOICES];
    struct toll_memo choice_memos[TOLL_READER_CHOICES][1 << TOLL_READER_CHOICE_BITS];
    struct toll_tray_number number_rules[TOLL_TRAY_NUMBERS];
};

/* Column `slot` of the file in all rows of the tray; -1: empty. */
void toll_tray_spans(const struct toll_tray *tray, int slot, struct toll_tray_spans *spans);

static inline struct toll_field_column toll_tray_column(const struct toll_tray *tray,
                                                        const struct toll_tray_spans *spans)
{
    return (struct toll_field_column){tray->text, spans->begin, spans->bytes};
}

/* All rows of the tray, as if a kernel had taken none. */
static inline size_t toll_tray_all(const struct toll_tray *tray, uint32_t *rest)
{
    for (uint32_t r = 0; r < tray->rows; r++)
        rest[r] = r;
    return tray->rows;
}

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
