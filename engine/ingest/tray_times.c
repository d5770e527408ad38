/*
 * Times of a tray, and the choices that say which of them counts. A text is a date, a separator and a clock;
 * the date is looked up, the clock is read from eight bytes, and whatever looks otherwise is read by times.h.
 */
#include "ingest/tray_rows.h"

#include "ingest/times.h"

#include <string.h>

#define CLOCK_BYTES 8u
#define ISO_CLOCK_AT 11u

/* Does a pattern end with a separator and %H:%M:%S, after a date alone? Then what stands before the clock
 * says the day, whatever the clock says: the separator keeps the date from reading on. */
static bool clock_is_last(const struct toll_time_format *format)
{
    static const char clock[] = {'H', 0, 'M', 0, 'S'};
    const struct toll_time_step *step;
    unsigned dates;

    if (format->iso || format->count < 6)
        return false;
    dates = format->count - 6;
    for (unsigned i = 0; i < dates; i++) {
        step = &format->steps[i];
        if (step->directive != 0 && strchr("YymdebB", step->directive) == NULL)
            return false;
    }
    step = &format->steps[dates];
    if (step->directive != 0 || (step->literal >= '0' && step->literal <= '9'))
        return false;
    for (unsigned i = 0; i < 5; i++) {
        step = &format->steps[dates + 1 + i];
        if (step->directive != clock[i] || (clock[i] == 0 && step->literal != ':'))
            return false;
    }
    return true;
}

void toll_tray_times_init(struct toll_tray *tray)
{
    for (int t = 0; t < 3; t++) {
        const struct toll_spec_field *field = &tray->spec->fields[TOLL_TO_START + t];
        struct toll_tray_time *time = &tray->times[t];

        time->way = TOLL_WAY_TEXT;
        if (!field->mapped || field->format_count == 0)
            continue;
        if (field->formats[0].iso)
            time->way = TOLL_WAY_ISO;
        else if (clock_is_last(&field->formats[0]) &&
                 (field->column_count == 1 ||
                  field->formats[0].steps[field->formats[0].count - 6].literal == ' '))
            time->way = TOLL_WAY_CLOCK_LAST;
        if (time->way == TOLL_WAY_ISO && field->column_count == 2)
            time->way = TOLL_WAY_TEXT; /* "2025-10-01" and "09:30:00": joined by a blank, rare */
    }
}

/* The wall clock of a text of a known day. False: the long way. */
static inline bool known_day(const struct toll_memo *place, uint32_t seconds, toll_ms *local)
{
    *local = (int64_t)(place->value - 1) * TOLL_DAY_MS + (int64_t)seconds * 1000;
    return place->value != 0;
}

/* What `first` says of the day, if it read the text, is remembered at `place`. */
static enum toll_time_result first_of_day(struct toll_tray *tray, int t, struct toll_memo *place,
                                          struct toll_value text, uint32_t seconds, toll_ms *utc)
{
    const struct toll_spec_field *field = &tray->spec->fields[TOLL_TO_START + t];
    toll_ms local;
    bool has_offset;
    int32_t offset_s;

    place->value = 0;
    if (toll_time_format_read(&field->formats[0], text.text, text.bytes, &local, &has_offset, &offset_s) &&
        local >= 0)
        place->value = 1 + (uint32_t)((local - (int64_t)seconds * 1000) / TOLL_DAY_MS);
    return toll_time_read(&tray->reader->times[t], field->formats, field->format_count, text.text, text.bytes,
                          utc);
}

/* One text; bytes > 0. */
static inline enum toll_time_result read_text(struct toll_tray *tray, int t, struct toll_value text,
                                              toll_ms *utc)
{
    const struct toll_spec_field *field = &tray->spec->fields[TOLL_TO_START + t];
    struct toll_tray_time *time = &tray->times[t];
    const bool iso = time->way == TOLL_WAY_ISO;
    const size_t before = iso ? ISO_CLOCK_AT : text.bytes - CLOCK_BYTES;
    const bool zulu =
        iso && text.bytes == ISO_CLOCK_AT + CLOCK_BYTES + 1 && text.text[ISO_CLOCK_AT + CLOCK_BYTES] == 'Z';
    struct toll_memo *place;
    uint32_t seconds;
    toll_ms local;

    if (time->way == TOLL_WAY_TEXT || before - 1 > TOLL_MEMO_BYTES_MAX - 1 ||
        (iso && !zulu && text.bytes != ISO_CLOCK_AT + CLOCK_BYTES) ||
        !toll_padded_clock(text.text + before, &seconds) || seconds >= 86400)
        return toll_time_read(&tray->reader->times[t], field->formats, field->format_count, text.text,
                              text.bytes, utc);
    if (!toll_memo_find_padded(time->days, TOLL_TRAY_MEMO_BITS, text.text, before, &place) ||
        !known_day(place, seconds, &local))
        return first_of_day(tray, t, place, text, seconds, utc);
    return toll_time_settle(&tray->reader->times[t], local, zulu, utc);
}

/* Two columns, joined by a blank; bytes > 0 of one of them. */
static enum toll_time_result read_joined(struct toll_tray *tray, int t, struct toll_value date,
                                         struct toll_value clock, toll_ms *utc)
{
    const struct toll_spec_field *field = &tray->spec->fields[TOLL_TO_START + t];
    struct toll_tray_time *time = &tray->times[t];
    struct toll_memo *place = NULL;
    char joined[128];
    uint32_t seconds = 0;
    toll_ms local;

    if (time->way == TOLL_WAY_CLOCK_LAST && clock.bytes == CLOCK_BYTES &&
        date.bytes - 1 <= TOLL_MEMO_BYTES_MAX - 1 && toll_padded_clock(clock.text, &seconds) &&
        seconds < 86400 &&
        toll_memo_find_padded(time->days, TOLL_TRAY_MEMO_BITS, date.text, date.bytes, &place) &&
        known_day(place, seconds, &local))
        return toll_time_settle(&tray->reader->times[t], local, false, utc);
    date = toll_value_trim(date);
    clock = toll_value_trim(clock);
    if (date.bytes + 1 + clock.bytes > sizeof joined)
        return TOLL_TIME_BAD;
    memcpy(joined, date.text, date.bytes);
    joined[date.bytes] = ' ';
    memcpy(joined + date.bytes + 1, clock.text, clock.bytes);
    date = (struct toll_value){joined, date.bytes + 1 + clock.bytes};
    if (place != NULL)
        return first_of_day(tray, t, place, date, seconds, utc);
    return toll_time_read(&tray->reader->times[t], field->formats, field->format_count, date.text, date.bytes,
                          utc);
}

static void read_times(struct toll_tray *tray, int t)
{
    const struct toll_spec_field *field = &tray->spec->fields[TOLL_TO_START + t];
    const int slot = tray->reader->slots[TOLL_TO_START + t];
    const int second = field->column_count == 2 ? tray->reader->layout->slots[field->columns[1]] : -1;

    for (uint32_t r = 0; r < tray->rows; r++) {
        struct toll_value text, clock;
        enum toll_time_result result = TOLL_TIME_OK;
        toll_ms *utc = t == 0 ? &tray->out[r].start : &tray->utc[t][r];

        if (!toll_tray_value(tray, r, slot, &text))
            continue;
        if (field->column_count == 2) {
            (void)toll_tray_value(tray, r, second, &clock);
            tray->has_time[t][r] = toll_value_trim(text).bytes + toll_value_trim(clock).bytes > 0;
            if (tray->has_time[t][r])
                result = read_joined(tray, t, text, clock, utc);
        } else {
            tray->has_time[t][r] = text.bytes > 0;
            if (text.bytes > 0)
                result = read_text(tray, t, text, utc);
        }
        if (result != TOLL_TIME_OK || (t == 0 && !tray->has_time[t][r]))
            toll_tray_odd(tray, r);
    }
}

static void read_choice(struct toll_tray *tray, int which, enum toll_target target)
{
    const struct toll_spec_field *field = &tray->spec->fields[target];
    const int slot = tray->reader->slots[target];
    int8_t *choices = tray->choices[which];

    if (field->type == TOLL_VALUE_CONSTANT) {
        memset(choices, field->constant, tray->rows);
        return;
    }
    if (field->type == TOLL_VALUE_ANSWER_PRESENT) {
        for (uint32_t r = 0; r < tray->rows; r++)
            choices[r] = tray->spec->fields[TOLL_TO_ANSWER].mapped && tray->has_time[1][r];
        return;
    }
    for (uint32_t r = 0; r < tray->rows; r++) {
        struct toll_value text;
        struct toll_memo *place;

        if (!toll_tray_value(tray, r, slot, &text))
            continue;
        choices[r] = (int8_t)field->empty;
        if (text.bytes - 1 <= TOLL_MEMO_BYTES_MAX - 1) {
            if (!toll_memo_find_padded(tray->choice_memos[which], TOLL_READER_CHOICE_BITS, text.text,
                                       text.bytes, &place)) {
                text = toll_value_trim(text);
                place->value = (uint32_t)(text.bytes == 0 ? field->empty : toll_value_choice(field, text));
            }
            choices[r] = (int8_t)place->value;
        } else if (toll_value_trim(text).bytes > 0) {
            choices[r] = (int8_t)toll_value_choice(field, toll_value_trim(text));
        }
        if (choices[r] == TOLL_CHOICE_REJECT)
            toll_tray_odd(tray, r);
    }
}

/* The answer is the start of an answered call. */
static void settle_answers(struct toll_tray *tray)
{
    for (uint32_t r = 0; r < tray->rows; r++) {
        const int64_t setup = tray->utc[1][r] - tray->out[r].start;

        tray->extras[r].setup_ms = 0;
        if ((tray->shape[r] & TOLL_TRAY_ODD) != 0 || !tray->has_time[1][r] || !tray->choices[3][r])
            continue;
        if (setup < 0 || setup > INT32_MAX) {
            toll_tray_odd(tray, r);
            continue;
        }
        tray->out[r].start = tray->utc[1][r];
        tray->extras[r].setup_ms = (int32_t)setup;
        tray->has_extra[r] |= setup != 0;
    }
}

void toll_tray_times(struct toll_tray *tray)
{
    const struct toll_spec *spec = tray->spec;

    memset(tray->warned, 0, sizeof tray->warned);
    memset(tray->has_extra, 0, sizeof tray->has_extra);
    read_times(tray, 0);
    if (spec->fields[TOLL_TO_ANSWER].mapped)
        read_times(tray, 1);
    read_choice(tray, 0, TOLL_TO_LEGS);
    for (uint32_t r = 0; r < tray->rows; r++) {
        if (tray->choices[0][r] != 0)
            toll_tray_odd(tray, r); /* a record with two legs */
    }
    read_choice(tray, 1, TOLL_TO_SERVICE);
    read_choice(tray, 2, TOLL_TO_DIRECTION);
    read_choice(tray, 3, TOLL_TO_ANSWERED);
    if (spec->fields[TOLL_TO_ANSWER].mapped)
        settle_answers(tray);
    if (spec->fields[TOLL_TO_DURATION].type == TOLL_VALUE_END_MINUS_START)
        read_times(tray, 2);
    for (uint32_t r = 0; r < tray->rows; r++)
        tray->out[r].kind =
            (uint16_t)((unsigned)tray->choices[1][r] | (tray->choices[2][r] ? TOLL_KIND_IN : 0u) |
                       (tray->choices[3][r] ? TOLL_KIND_ANSWERED : 0u));
}
