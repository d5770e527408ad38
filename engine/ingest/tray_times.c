/*
 * Times of a tray, and the choices that say which of them counts. A text is a date, a separator and a clock.
 * Nearly all rows of a tray are of the day that was read last: they are compared with it. Of others the date
 * is looked up, and whatever looks otherwise is read by times.h.
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

/* The words of a choice as they stand in a file; one that a memo must be asked about is left out. */
static void init_choice(struct toll_tray *tray, int which, const struct toll_spec_field *field)
{
    struct toll_field_words *known = &tray->choice_words[which];

    known->empty = (int8_t)field->empty;
    for (size_t v = 0; v < sizeof field->choice_words / sizeof field->choice_words[0]; v++) {
        for (size_t i = 0; i < field->choice_words[v].count; i++) {
            const struct toll_value word = {field->choice_words[v].words[i],
                                            strlen(field->choice_words[v].words[i])};
            char padded[TOLL_MEMO_BYTES_MAX] = {0};
            const unsigned at = known->count;
            unsigned w = 0;

            if (at == TOLL_FIELD_WORDS_MAX || word.bytes - 1 > TOLL_MEMO_BYTES_MAX - 1 ||
                toll_value_trim(word).bytes != word.bytes)
                continue;
            memcpy(padded, word.text, word.bytes);
            known->head[at] = toll_load_8(padded);
            known->tail[at] = toll_load_8(padded + 8);
            known->bytes[at] = (uint32_t)word.bytes;
            known->value[at] = (int8_t)toll_value_choice(field, word);
            while (known->head[w] != known->head[at] || known->tail[w] != known->tail[at] ||
                   known->bytes[w] != known->bytes[at])
                w++;
            known->count += w == at;
        }
    }
}

void toll_tray_times_init(struct toll_tray *tray)
{
    static const enum toll_target choices[TOLL_READER_CHOICES] = {TOLL_TO_LEGS, TOLL_TO_SERVICE,
                                                                  TOLL_TO_DIRECTION, TOLL_TO_ANSWERED};

    for (int i = 0; i < TOLL_READER_CHOICES; i++)
        init_choice(tray, i, &tray->spec->fields[choices[i]]);
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

/* Is one of these texts of the form that a day is remembered of? Then its day is, as the one to compare with,
 * if it is known by now. clock: NULL where the text has it. */
static void remember_day(struct toll_tray *tray, int t, struct toll_value text,
                         const struct toll_value *clock)
{
    const struct toll_time_reader *reader = &tray->reader->times[t];
    struct toll_tray_time *time = &tray->times[t];
    const size_t clocked = clock == NULL ? CLOCK_BYTES : 0;
    struct toll_field_day day = {.bytes = (uint32_t)text.bytes, .until = TOLL_TIME_END_MS};
    struct toll_memo *place;

    if (time->way == TOLL_WAY_ISO) {
        day.zulu = text.bytes == ISO_CLOCK_AT + CLOCK_BYTES + 1;
        day.head_bytes = ISO_CLOCK_AT;
        if (text.bytes != ISO_CLOCK_AT + CLOCK_BYTES + day.zulu)
            return;
    } else {
        if (text.bytes - clocked - 1 > TOLL_MEMO_BYTES_MAX - 1)
            return;
        day.head_bytes = (uint32_t)(text.bytes - clocked);
    }
    day.clock_at = day.head_bytes;
    if (!toll_memo_find_padded(time->days, TOLL_TRAY_MEMO_BITS, text.text, day.head_bytes, &place) ||
        !known_day(place, 0, &day.local_ms))
        return;
    toll_padded_words(text.text, day.head_bytes, &day.head, &day.tail);
    if (!day.zulu) {
        const toll_ms least = reader->offset_ms, end = TOLL_TIME_END_MS + reader->offset_ms;

        day.offset_ms = reader->offset_ms;
        day.from = reader->sure_from > least ? reader->sure_from : least;
        day.until = reader->sure_until < end ? reader->sure_until : end;
    }
    time->day = day;
}

/* One row, in the long way. */
static void read_one(struct toll_tray *tray, int t, uint32_t r, struct toll_value text,
                     const struct toll_value *clock)
{
    enum toll_time_result result = TOLL_TIME_OK;
    toll_ms *utc = &tray->utc[t][r];

    if (clock != NULL) {
        tray->has_time[t][r] = toll_value_trim(text).bytes + toll_value_trim(*clock).bytes > 0;
        if (tray->has_time[t][r])
            result = read_joined(tray, t, text, *clock, utc);
    } else {
        tray->has_time[t][r] = text.bytes > 0;
        if (text.bytes > 0)
            result = read_text(tray, t, text, utc);
    }
    if (result != TOLL_TIME_OK || (t == 0 && !tray->has_time[t][r]))
        toll_tray_odd(tray, r);
}

static void read_times(struct toll_tray *tray, int t)
{
    const struct toll_spec_field *field = &tray->spec->fields[TOLL_TO_START + t];
    const int slot = tray->reader->slots[TOLL_TO_START + t];
    const bool joined = field->column_count == 2;
    const int second = joined ? tray->reader->layout->slots[field->columns[1]] : -1;
    struct toll_tray_spans spans, clock_spans;
    uint32_t rest[TOLL_TRAY_ROWS];
    size_t left;

    toll_tray_spans(tray, slot, &spans);
    if (joined)
        toll_tray_spans(tray, second, &clock_spans);
    if (tray->times[t].day.head_bytes == 0) {
        left = toll_tray_all(tray, rest);
    } else {
        const struct toll_field_column column = toll_tray_column(tray, &spans),
                                       clocks = toll_tray_column(tray, &clock_spans);

        left = tray->kernels->times(&tray->times[t].day, &column, joined ? &clocks : NULL, tray->rows,
                                    tray->utc[t], rest);
    }
    memset(tray->has_time[t], true, tray->rows);
    for (size_t i = 0; i < left; i++) {
        const uint32_t r = rest[i];
        const struct toll_value text = {tray->text + spans.begin[r], spans.bytes[r]},
                                clock = {tray->text + (joined ? clock_spans.begin[r] : 0),
                                         joined ? clock_spans.bytes[r] : 0};

        if ((tray->shape[r] & TOLL_TRAY_ODD) != 0)
            continue;
        read_one(tray, t, r, text, joined ? &clock : NULL);
        if (i + 1 == left && tray->times[t].way != TOLL_WAY_TEXT && (tray->shape[r] & TOLL_TRAY_ODD) == 0)
            remember_day(tray, t, text, joined ? &clock : NULL);
    }
}

static void read_choice(struct toll_tray *tray, int which, enum toll_target target)
{
    const struct toll_spec_field *field = &tray->spec->fields[target];
    const int slot = tray->reader->slots[target];
    int8_t *choices = tray->choices[which];
    struct toll_tray_spans spans;
    uint32_t rest[TOLL_TRAY_ROWS];
    size_t left;

    if (field->type == TOLL_VALUE_CONSTANT) {
        memset(choices, field->constant, tray->rows);
        return;
    }
    if (field->type == TOLL_VALUE_ANSWER_PRESENT) {
        for (uint32_t r = 0; r < tray->rows; r++)
            choices[r] = tray->spec->fields[TOLL_TO_ANSWER].mapped && tray->has_time[1][r];
        return;
    }
    if (slot < 0) {
        memset(choices, field->empty, tray->rows);
        left = 0;
    } else {
        toll_tray_spans(tray, slot, &spans);
        const struct toll_field_column column = toll_tray_column(tray, &spans);
        left = tray->kernels->words(&tray->choice_words[which], &column, tray->rows, choices, rest);
    }
    for (size_t i = 0; i < left; i++) {
        const uint32_t r = rest[i];
        struct toll_value text = {tray->text + spans.begin[r], spans.bytes[r]};
        struct toll_memo *place;

        choices[r] = (int8_t)field->empty;
        if ((tray->shape[r] & TOLL_TRAY_ODD) != 0)
            continue;
        if (text.bytes <= TOLL_MEMO_BYTES_MAX) {
            if (!toll_memo_find_padded(tray->choice_memos[which], TOLL_READER_CHOICE_BITS, text.text,
                                       text.bytes, &place)) {
                text = toll_value_trim(text);
                place->value = (uint32_t)(text.bytes == 0 ? field->empty : toll_value_choice(field, text));
            }
            choices[r] = (int8_t)place->value;
        } else if (toll_value_trim(text).bytes > 0) {
            choices[r] = (int8_t)toll_value_choice(field, toll_value_trim(text));
        }
    }
    for (uint32_t r = 0; r < tray->rows; r++)
        if (choices[r] == TOLL_CHOICE_REJECT)
            toll_tray_odd(tray, r);
}

/* The answer is the start of an answered call. */
static void settle_answers(struct toll_tray *tray)
{
    for (uint32_t r = 0; r < tray->rows; r++) {
        const int64_t setup = tray->utc[1][r] - tray->utc[0][r];

        tray->setup_ms[r] = 0;
        if ((tray->shape[r] & TOLL_TRAY_ODD) != 0 || !tray->has_time[1][r] || !tray->choices[3][r])
            continue;
        if (setup < 0 || setup > INT32_MAX) {
            toll_tray_odd(tray, r);
            continue;
        }
        tray->utc[0][r] = tray->utc[1][r];
        tray->setup_ms[r] = (int32_t)setup;
    }
}

void toll_tray_times(struct toll_tray *tray)
{
    const struct toll_spec *spec = tray->spec;

    memset(tray->warned, 0, sizeof tray->warned);
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
        tray->kind[r] = (uint16_t)((unsigned)tray->choices[1][r] | (tray->choices[2][r] ? TOLL_KIND_IN : 0u) |
                                   (tray->choices[3][r] ? TOLL_KIND_ANSWERED : 0u));
}
