/*
 * One row after the other: structure first (columns, quotes, NUL), then the values in the order in which they
 * depend on each other. The first value that cannot be read makes the row a reject; a caller or callee that
 * is no telephone number does not, because the rater has an answer for such a row.
 */
#include "ingest/rows.h"

#include "base/check.h"
#include "base/checksum.h"
#include "base/error.h"
#include "ingest/reader.h"
#include "ingest/tray.h"

#include <stdlib.h>
#include <string.h>

/* -- fields -- */

static bool reserve(struct toll_reader *reader, char **buffer, size_t *have, size_t bytes)
{
    char *larger;

    if (bytes <= *have)
        return true;
    larger = realloc(*buffer, 2 * bytes);
    if (larger == NULL) {
        reader->no_memory = true;
        return false;
    }
    *buffer = larger;
    *have = 2 * bytes;
    return true;
}

static struct toll_value unquoted(struct toll_reader *reader, const struct toll_csv_field *field)
{
    char *text = reader->scratch + reader->scratch_used;
    size_t bytes = toll_csv_unquote(field, text);

    reader->scratch_used += bytes;
    return (struct toll_value){text, bytes};
}

/* The text of a column of the file as it stands in the row, without quotes; empty where the row has no such
 * column. */
static inline struct toll_value slot_value(struct toll_reader *reader, int slot)
{
    const struct toll_csv_field *field;

    if (slot < 0 || slot >= (int)reader->count)
        return (struct toll_value){"", 0};
    field = &reader->fields[slot];
    if (__builtin_expect(field->doubled, 0))
        return unquoted(reader, field);
    return (struct toll_value){field->text, field->bytes};
}

/* The same of a column of the spec. */
static inline struct toll_value raw_value(struct toll_reader *reader, int column)
{
    return slot_value(reader, reader->layout->slots[column]);
}

static inline struct toll_value value_of(struct toll_reader *reader, enum toll_target target)
{
    struct toll_value value = slot_value(reader, reader->slots[target]);

    if (reader->spec->null_tokens.count > 0 && toll_spec_is_null(reader->spec, value.text, value.bytes))
        value.bytes = 0;
    return value;
}

static enum toll_reject_reason bad(struct toll_reader *reader, const struct toll_spec_field *field,
                                   enum toll_reject_reason reason)
{
    int slot = field->column_count > 0 ? reader->layout->slots[field->columns[0]] : -1;

    reader->bad_column = slot + 1;
    return reason;
}

/* -- key -- */

/* All fields in the spec's order, so that a file with its columns in another order gives the same key. */
static struct toll_hash128 row_key(struct toll_reader *reader)
{
    const struct toll_csv *csv = &reader->csv;
    bool in_order = reader->layout->same_order || reader->spec->header == TOLL_HEADER_NONE;
    int columns = reader->spec->header == TOLL_HEADER_NONE ? (int)reader->count : reader->spec->column_count;
    size_t used = 0;

    if (!reserve(reader, &reader->key, &reader->key_bytes, csv->row_bytes + (size_t)columns + 1))
        return (struct toll_hash128){0, 0};
    if (in_order && reader->bare && columns == (int)reader->count && !csv->skip_blank_after_separator) {
        /* The row's own bytes, separators replaced. */
        const char *row = csv->data + csv->row_offset;

        memcpy(reader->key, row, csv->row_bytes);
        for (int i = 0; i + 1 < columns; i++)
            reader->key[reader->fields[i].text + reader->fields[i].bytes - row] = TOLL_KEY_SEPARATOR;
        return toll_hash(reader->key, csv->row_bytes);
    }
    for (int i = 0; i < columns; i++) {
        struct toll_value value = {"", 0};

        if (reader->spec->header != TOLL_HEADER_NONE || i < reader->spec->column_count)
            value = raw_value(reader, i);
        if (i > 0)
            reader->key[used++] = TOLL_KEY_SEPARATOR;
        memcpy(reader->key + used, value.text, value.bytes);
        used += value.bytes;
    }
    return toll_hash(reader->key, used);
}

static struct toll_hash128 record_key(struct toll_reader *reader)
{
    const struct toll_spec *spec = reader->spec;
    struct toll_value value;
    bool empty = true;
    size_t used = 0;

    if (spec->key_count == 1) {
        value = raw_value(reader, spec->key_columns[0]);
        return toll_spec_is_null(spec, value.text, value.bytes) ? row_key(reader)
                                                                : toll_hash(value.text, value.bytes);
    }
    for (int i = 0; i < spec->key_count; i++) {
        value = raw_value(reader, spec->key_columns[i]);
        empty &= toll_spec_is_null(spec, value.text, value.bytes);
    }
    if (empty)
        return row_key(reader);
    if (!reserve(reader, &reader->key, &reader->key_bytes, reader->csv.row_bytes + (size_t)spec->key_count))
        return (struct toll_hash128){0, 0};
    for (int i = 0; i < spec->key_count; i++) {
        value = raw_value(reader, spec->key_columns[i]);
        if (i > 0)
            reader->key[used++] = TOLL_KEY_SEPARATOR;
        memcpy(reader->key + used, value.text, value.bytes);
        used += value.bytes;
    }
    return toll_hash(reader->key, used);
}

char *toll_reader_key(struct toll_reader *reader, size_t bytes)
{
    return reserve(reader, &reader->key, &reader->key_bytes, bytes) ? reader->key : NULL;
}

/* -- values -- */

/* 1 a time, 0 empty, negative: rejected (*reason). */
static int read_time(struct toll_reader *reader, enum toll_target target, toll_ms *utc,
                     enum toll_reject_reason *reason)
{
    const struct toll_spec_field *field = &reader->spec->fields[target];
    struct toll_value value = value_of(reader, target);
    enum toll_time_result result;
    char joined[128];

    if (field->column_count == 2) {
        struct toll_value second = raw_value(reader, field->columns[1]);

        value = toll_value_trim(value);
        second = toll_value_trim(second);
        if (value.bytes == 0 && second.bytes == 0)
            return 0;
        if (value.bytes + 1 + second.bytes > sizeof joined) {
            *reason = bad(reader, field, TOLL_REJECT_BAD_TIME);
            return -1;
        }
        memcpy(joined, value.text, value.bytes);
        joined[value.bytes] = ' ';
        memcpy(joined + value.bytes + 1, second.text, second.bytes);
        value = (struct toll_value){joined, value.bytes + 1 + second.bytes};
    }
    if (value.bytes == 0)
        return 0;
    result = toll_time_read(&reader->times[target - TOLL_TO_START], field->formats, field->format_count,
                            value.text, value.bytes, utc);
    if (result == TOLL_TIME_OK)
        return 1;
    *reason = bad(reader, field, result == TOLL_TIME_BAD ? TOLL_REJECT_BAD_TIME : TOLL_REJECT_AMBIGUOUS_TIME);
    return -1;
}

static int choice_of(struct toll_reader *reader, int which, const struct toll_spec_field *field,
                     struct toll_value value)
{
    struct toll_memo *place;

    if (value.bytes == 0)
        return field->empty;
    if (value.bytes > TOLL_MEMO_BYTES_MAX)
        return toll_value_choice(field, value);
    if (!toll_memo_find(reader->choices[which], TOLL_READER_CHOICE_BITS, value.text, value.bytes, &place))
        place->value = (uint32_t)toll_value_choice(field, value);
    return (int)place->value;
}

static enum toll_reject_reason read_choices(struct toll_reader *reader, int *service, int *direction,
                                            int *answered, bool answer_present)
{
    static const struct {
        enum toll_target target;
        enum toll_reject_reason reason;
    } choices[TOLL_READER_CHOICES] = {{TOLL_TO_LEGS, TOLL_REJECT_BAD_LEGS},
                                      {TOLL_TO_SERVICE, TOLL_REJECT_BAD_SERVICE},
                                      {TOLL_TO_DIRECTION, TOLL_REJECT_BAD_DIRECTION},
                                      {TOLL_TO_ANSWERED, TOLL_REJECT_BAD_ANSWERED}};
    int legs = 0;
    int *const results[TOLL_READER_CHOICES] = {&legs, service, direction, answered};

    for (int i = 0; i < TOLL_READER_CHOICES; i++) {
        const struct toll_spec_field *field = &reader->spec->fields[choices[i].target];

        if (legs && choices[i].target == TOLL_TO_DIRECTION)
            continue; /* both */
        if (field->type == TOLL_VALUE_CONSTANT) {
            *results[i] = field->constant;
            continue;
        }
        if (field->type == TOLL_VALUE_ANSWER_PRESENT) {
            *results[i] = answer_present;
            continue;
        }
        *results[i] = choice_of(reader, i, field, toll_value_trim(value_of(reader, choices[i].target)));
        if (*results[i] == TOLL_CHOICE_REJECT)
            return bad(reader, field, choices[i].reason);
    }
    reader->both_legs = legs == 1;
    return TOLL_REJECT_NONE;
}

/* start: answer time if answered and known; set-up time otherwise. */
static enum toll_reject_reason read_times(struct toll_reader *reader, int *service, int *direction,
                                          int *answered)
{
    enum toll_reject_reason reason = TOLL_REJECT_NONE;
    toll_ms start, answer = 0;
    int has_answer = 0, result = read_time(reader, TOLL_TO_START, &start, &reason);

    if (result < 0)
        return reason;
    if (reader->spec->fields[TOLL_TO_ANSWER].mapped)
        has_answer = read_time(reader, TOLL_TO_ANSWER, &answer, &reason);
    if (has_answer < 0)
        return reason;
    if (result == 0)
        return bad(reader, &reader->spec->fields[TOLL_TO_START], TOLL_REJECT_BAD_TIME);
    reason = read_choices(reader, service, direction, answered, has_answer == 1);
    if (reason != TOLL_REJECT_NONE)
        return reason;
    reader->row.start = start;
    if (has_answer == 1 && *answered) {
        if (answer < start || answer - start > INT32_MAX)
            return bad(reader, &reader->spec->fields[TOLL_TO_ANSWER], TOLL_REJECT_BAD_TIME);
        reader->row.start = answer;
        reader->extra.setup_ms = (int32_t)(answer - start);
    }
    return TOLL_REJECT_NONE;
}

/* One duration; *present false when empty. */
static enum toll_reject_reason one_duration(struct toll_reader *reader, enum toll_target target,
                                            bool *present, int32_t *ms)
{
    const struct toll_spec_field *field = &reader->spec->fields[target];
    struct toll_value value = toll_value_trim(value_of(reader, target));
    int code;

    *ms = 0;
    *present = value.bytes > 0;
    if (!*present)
        return TOLL_REJECT_NONE;
    code = toll_value_duration(field->type, value, ms);
    if (code == 0)
        return TOLL_REJECT_NONE;
    return bad(reader, field, code == -2 ? TOLL_REJECT_NEGATIVE_DURATION : TOLL_REJECT_BAD_DURATION);
}

static enum toll_reject_reason read_durations(struct toll_reader *reader, int service, int answered)
{
    const struct toll_spec *spec = reader->spec;
    const struct toll_spec_field *field = &spec->fields[TOLL_TO_DURATION];
    enum toll_reject_reason reason = TOLL_REJECT_NONE;
    bool present;
    int32_t total;

    if (field->type == TOLL_VALUE_END_MINUS_START) {
        toll_ms end;
        int result = read_time(reader, TOLL_TO_END, &end, &reason);

        if (result < 0)
            return reason;
        present = result == 1;
        if (present && end < reader->row.start)
            return bad(reader, &spec->fields[TOLL_TO_END], TOLL_REJECT_NEGATIVE_DURATION);
        if (present && end - reader->row.start > INT32_MAX)
            return bad(reader, &spec->fields[TOLL_TO_END], TOLL_REJECT_BAD_DURATION);
        reader->row.duration_ms = present ? (int32_t)(end - reader->row.start) : 0;
    } else {
        reason = one_duration(reader, TOLL_TO_DURATION, &present, &reader->row.duration_ms);
        if (reason != TOLL_REJECT_NONE)
            return reason;
    }
    if (!present && service == TOLL_VOICE && answered)
        return bad(reader, field, TOLL_REJECT_BAD_DURATION); /* 0 would be a free call that nobody reported */
    if (spec->fields[TOLL_TO_TOTAL].mapped) {
        reason = one_duration(reader, TOLL_TO_TOTAL, &present, &total);
        if (reason != TOLL_REJECT_NONE)
            return reason;
        reader->warned |= spec->warn_over_total && present && reader->row.duration_ms > total;
    }
    if (spec->fields[TOLL_TO_CARRIER_BILLED].mapped) {
        reason = one_duration(reader, TOLL_TO_CARRIER_BILLED, &present, &reader->extra.carrier_billed_ms);
    }
    reader->warned |= spec->warn_over_ms > 0 && reader->row.duration_ms > spec->warn_over_ms;
    return reason;
}

static enum toll_reject_reason read_amounts(struct toll_reader *reader, int service)
{
    const struct toll_spec_field *fields = reader->spec->fields;
    static const enum toll_target moneys[2] = {TOLL_TO_PROVIDER_CHARGE, TOLL_TO_PROVIDER_TAX};
    struct toll_value value;
    int64_t quantity = 0;

    for (int i = 0; i < 2; i++) {
        toll_money *out = i == 0 ? &reader->extra.provider_charge : &reader->extra.provider_tax;

        if (reader->slots[moneys[i]] < 0)
            continue;
        value = toll_value_trim(value_of(reader, moneys[i]));
        if (value.bytes == 0)
            continue;
        if (!toll_value_money(value, fields[moneys[i]].unit, out))
            return bad(reader, &fields[moneys[i]], TOLL_REJECT_BAD_MONEY);
        reader->row.kind |= i == 0 ? TOLL_KIND_PROVIDER_CHARGE : TOLL_KIND_PROVIDER_TAX;
    }
    value = toll_value_trim(value_of(reader, TOLL_TO_QUANTITY));
    if (value.bytes > 0) {
        if (!toll_value_integer(value, fields[TOLL_TO_QUANTITY].unit, &quantity))
            return bad(reader, &fields[TOLL_TO_QUANTITY], TOLL_REJECT_BAD_QUANTITY);
    } else if (service == TOLL_DATA) {
        return bad(reader, &fields[TOLL_TO_QUANTITY], TOLL_REJECT_BAD_QUANTITY); /* 0 bytes would be free */
    } else if (service != TOLL_VOICE) {
        quantity = 1; /* one record is one message or one event */
    }
    if (quantity < 0)
        reader->row.kind |= TOLL_KIND_CREDIT;
    reader->extra.quantity = quantity < 0 ? -quantity : quantity;
    return TOLL_REJECT_NONE;
}

/* A number that has no type of its own in a part: only a full one is of use; another one is a warning. */
static void side_number(struct toll_reader *reader, enum toll_target target, uint64_t *out)
{
    const struct toll_spec_field *field = &reader->spec->fields[target];
    struct toll_value value;
    enum toll_number_type type;

    if (reader->slots[target] < 0)
        return;
    value = value_of(reader, target);
    if (value.bytes == 0)
        return;
    type = toll_number_parse(field->rules, value.text, value.bytes, out);
    if (type == TOLL_NUMBER_E164)
        return;
    *out = 0;
    reader->warned |= type != TOLL_NUMBER_NONE;
}

static uint32_t add_name(struct toll_reader *reader, enum toll_name name, struct toll_value value)
{
    uint32_t id = toll_strings_add(&reader->chunk->lexicon->strings[name], value.text, value.bytes);

    reader->no_memory |= id == 0;
    return id;
}

uint32_t toll_reader_name(struct toll_reader *reader, enum toll_name name, struct toll_value value)
{
    struct toll_memo *place;

    if (value.bytes == 0)
        return 0;
    if (value.bytes > TOLL_MEMO_BYTES_MAX)
        return add_name(reader, name, value);
    if (!toll_memo_find(reader->names[name], TOLL_READER_NAME_BITS, value.text, value.bytes, &place))
        place->value = add_name(reader, name, value);
    return place->value;
}

static enum toll_reject_reason read_names(struct toll_reader *reader)
{
    static const struct {
        enum toll_target target;
        enum toll_name name;
    } names[4] = {{TOLL_TO_TRUNK, TOLL_NAME_TRUNK},
                  {TOLL_TO_HINT, TOLL_NAME_HINT},
                  {TOLL_TO_CALLTYPE, TOLL_NAME_CALLTYPE},
                  {TOLL_TO_CARRIER, TOLL_NAME_CARRIER}};
    uint32_t *const results[4] = {&reader->extra.trunk, &reader->extra.hint, &reader->extra.calltype,
                                  &reader->row.carrier};

    reader->row.carrier = reader->carrier;
    for (int i = 0; i < 4; i++) {
        const struct toll_spec_field *field = &reader->spec->fields[names[i].target];
        struct toll_value value;

        if (field->type == TOLL_VALUE_CONSTANT && field->mapped)
            value = (struct toll_value){field->constant_text, strlen(field->constant_text)};
        else if (reader->slots[names[i].target] >= 0)
            value = value_of(reader, names[i].target);
        else
            continue;
        if (value.bytes > TOLL_INGEST_TEXT_MAX)
            return bad(reader, field, TOLL_REJECT_TOO_LONG);
        if (value.bytes == 0)
            continue;
        *results[i] = toll_reader_name(reader, names[i].name, value);
    }
    return TOLL_REJECT_NONE;
}

static enum toll_reject_reason read_ends(struct toll_reader *reader)
{
    const struct toll_spec_field *fields = reader->spec->fields;
    static const enum toll_target ends[2] = {TOLL_TO_CALLER, TOLL_TO_CALLEE};
    struct toll_value *texts = reader->texts;

    texts[0] = value_of(reader, TOLL_TO_RECORD_ID);
    texts[1] = texts[2] = (struct toll_value){"", 0};
    if (texts[0].bytes > TOLL_INGEST_TEXT_MAX)
        return bad(reader, &fields[TOLL_TO_RECORD_ID], TOLL_REJECT_TOO_LONG);
    for (int i = 0; i < 2; i++) {
        uint64_t *digits = i == 0 ? &reader->row.caller : &reader->row.callee;
        enum toll_number_type type;
        bool same_text;

        if (!fields[ends[i]].mapped)
            continue;
        texts[1 + i] = value_of(reader, ends[i]);
        if (texts[1 + i].bytes > TOLL_INGEST_TEXT_MAX)
            return bad(reader, &fields[ends[i]], TOLL_REJECT_TOO_LONG);
        type = toll_number_read(fields[ends[i]].rules, texts[1 + i].text, texts[1 + i].bytes, digits,
                                &same_text);
        reader->row.kind |= (uint16_t)((unsigned)type << (i == 0 ? TOLL_KIND_CALLER_TYPE_SHIFT
                                                                 : TOLL_KIND_CALLEE_TYPE_SHIFT));
        if (same_text)
            texts[1 + i].bytes = 0;
    }
    return TOLL_REJECT_NONE;
}

static enum toll_reject_reason check_structure(struct toll_reader *reader)
{
    const struct toll_csv *csv = &reader->csv;
    bool doubled = false;

    reader->bad_column = 0;
    if (csv->too_long)
        return TOLL_REJECT_TOO_LONG;
    if (csv->has_nul)
        return TOLL_REJECT_NUL_BYTE;
    if (csv->unbalanced)
        return TOLL_REJECT_UNBALANCED_QUOTES;
    if (!toll_layout_legal_count(reader->spec, reader->layout, reader->count))
        return TOLL_REJECT_BAD_COLUMNS;
    reader->bare = true;
    for (uint32_t i = 0; csv->has_quotes && i < reader->count && i < TOLL_INGEST_COLUMNS_MAX; i++) {
        reader->bare &= !reader->fields[i].quoted;
        doubled |= reader->fields[i].doubled;
    }
    reader->scratch_used = 0;
    /* A column may be asked for by every target, twice as a part of the key, and once for the whole row. */
    if (doubled)
        (void)reserve(reader, &reader->scratch, &reader->scratch_bytes, (TOLL_TARGETS + 3) * csv->row_bytes);
    return TOLL_REJECT_NONE;
}

static enum toll_reject_reason read_row(struct toll_reader *reader)
{
    enum toll_reject_reason reason = check_structure(reader);
    int service = 0, direction = 0, answered = 0;
    struct toll_hash128 key;

    if (reason != TOLL_REJECT_NONE || reader->no_memory)
        return reason;
    memset(&reader->row, 0, sizeof reader->row);
    memset(&reader->extra, 0, sizeof reader->extra);
    reader->warned = reader->both_legs = false;
    reason = read_times(reader, &service, &direction, &answered);
    if (reason == TOLL_REJECT_NONE)
        reason = read_durations(reader, service, answered);
    if (reason == TOLL_REJECT_NONE)
        reason = read_amounts(reader, service);
    if (reason == TOLL_REJECT_NONE)
        reason = read_names(reader);
    if (reason == TOLL_REJECT_NONE)
        reason = read_ends(reader);
    if (reason != TOLL_REJECT_NONE)
        return reason;
    side_number(reader, TOLL_TO_CHARGED, &reader->extra.charged);
    side_number(reader, TOLL_TO_LRN_CALLER, &reader->extra.lrn_caller);
    side_number(reader, TOLL_TO_LRN_CALLEE, &reader->extra.lrn_callee);
    side_number(reader, TOLL_TO_RING_TO, &reader->extra.ring_to);
    reader->row.kind |=
        (uint16_t)((unsigned)service | (direction ? TOLL_KIND_IN : 0u) |
                   (answered ? TOLL_KIND_ANSWERED : 0u) | (reader->both_legs ? TOLL_KIND_LEG : 0u));
    key = record_key(reader);
    reader->row.key_high = key.high;
    reader->row.key_low = key.low;
    return TOLL_REJECT_NONE;
}

/* -- chunks -- */

static bool grow(void **array, size_t *capacity, size_t count, size_t element)
{
    size_t larger = *capacity + *capacity / 2 + 64;
    void *memory;

    if (count < *capacity)
        return true;
    memory = realloc(*array, larger * element);
    if (memory == NULL)
        return false;
    *array = memory;
    *capacity = larger;
    return true;
}

static bool add_row(struct toll_reader *reader)
{
    const struct toll_value *texts = reader->texts;
    const char *const at[TOLL_ROW_TEXTS] = {texts[0].text, texts[1].text, texts[2].text};
    const size_t bytes[TOLL_ROW_TEXTS] = {texts[0].bytes, texts[1].bytes, texts[2].bytes};

    reader->chunk->row_count++;
    return toll_columns_add(reader->chunk->columns, &reader->row, &reader->extra, at, bytes);
}

/* The in row of a record that gives two, behind its out row: all is equal but the direction and the last bit
 * of the key, so that legs are compared with legs of their own kind, and lie side by side in a part. */
static bool keep_in_leg(struct toll_reader *reader)
{
    reader->row.kind |= TOLL_KIND_IN;
    reader->row.key_low ^= 1;
    reader->chunk->legs++;
    return add_row(reader);
}

static bool keep_row(struct toll_reader *reader)
{
    struct toll_chunk *chunk = reader->chunk;
    struct toll_row *row = &reader->row;

    row->source_row = (int32_t)chunk->data_rows;
    chunk->first_start = row->start < chunk->first_start ? row->start : chunk->first_start;
    chunk->last_start = row->start > chunk->last_start ? row->start : chunk->last_start;
    chunk->duration_ms += row->duration_ms;
    chunk->warnings += reader->warned;
    return add_row(reader) && (!reader->both_legs || keep_in_leg(reader));
}

static bool keep_reject(struct toll_reader *reader, enum toll_reject_reason reason)
{
    struct toll_chunk *chunk = reader->chunk;
    const struct toll_csv *csv = &reader->csv;
    size_t bytes = csv->too_long ? TOLL_INGEST_REJECT_RAW_MAX : csv->row_bytes;
    char *raw = toll_row_store_text(&chunk->store, bytes);

    if (raw == NULL ||
        !grow((void **)&chunk->rejects, &chunk->reject_capacity, chunk->reject_count, sizeof *chunk->rejects))
        return false;
    memcpy(raw, csv->data + csv->row_offset, bytes);
    chunk->rejects[chunk->reject_count++] =
        (struct toll_reject){reason, reader->bad_column, csv->row_line, csv->row_offset, raw, bytes};
    return true;
}

bool toll_reader_next(struct toll_reader *reader)
{
    enum toll_reject_reason reason;

    if (reader->no_memory ||
        !toll_csv_next(&reader->csv, reader->fields, TOLL_INGEST_COLUMNS_MAX, &reader->count))
        return false;
    reason = read_row(reader);
    reader->chunk->data_rows++;
    if (!(reason == TOLL_REJECT_NONE ? keep_row(reader) : keep_reject(reader, reason)))
        reader->no_memory = true;
    return !reader->no_memory;
}

static void reader_init(struct toll_reader *reader, const char *carrier, size_t begin, size_t end)
{
    const struct toll_spec *spec = reader->spec;

    reader->csv = reader->layout->start;
    reader->csv.offset = reader->begin = begin;
    reader->csv.size = end;
    reader->csv.line = 1;
    for (int i = 0; i < 3; i++)
        toll_time_reader_init(&reader->times[i], spec->zone, spec->fold);
    for (int t = 0; t < TOLL_TARGETS; t++) {
        const struct toll_spec_field *field = &spec->fields[t];

        reader->slots[t] =
            field->mapped && field->column_count > 0 ? reader->layout->slots[field->columns[0]] : -1;
    }
    reader->chunk->first_start = INT64_MAX;
    reader->chunk->last_start = INT64_MIN;
    reader->carrier =
        toll_reader_name(reader, TOLL_NAME_CARRIER, (struct toll_value){carrier, strlen(carrier)});
}

int toll_chunk_read(const struct toll_spec *spec, const struct toll_layout *layout, const char *carrier,
                    struct toll_lexicon *lexicon, size_t begin, size_t end, struct toll_chunk *chunk,
                    struct toll_error *error)
{
    struct toll_sha256_walk nothing = {.at = NULL};

    return toll_chunk_read_walking(spec, layout, carrier, lexicon, begin, end, &nothing, chunk, error);
}

int toll_chunk_read_walking(const struct toll_spec *spec, const struct toll_layout *layout,
                            const char *carrier, struct toll_lexicon *lexicon, size_t begin, size_t end,
                            struct toll_sha256_walk *walk, struct toll_chunk *chunk, struct toll_error *error)
{
    struct toll_reader *reader = calloc(1, sizeof *reader);
    bool failed;

    memset(chunk, 0, sizeof *chunk);
    chunk->own = lexicon == NULL ? toll_lexicon_create() : NULL;
    chunk->lexicon = lexicon == NULL ? chunk->own : lexicon;
    chunk->columns = chunk->lexicon == NULL ? NULL : toll_lexicon_columns(chunk->lexicon);
    if (reader == NULL || chunk->columns == NULL) {
        free(reader);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory while reading rows");
    }
    chunk->maps = chunk->lexicon->maps;
    TOLL_ASSERT(begin <= end && end <= layout->start.size);
    reader->spec = spec;
    reader->layout = layout;
    reader->chunk = chunk;
    reader->walk = walk;
    reader_init(reader, carrier, begin, end);
    if (!layout->row_by_row)
        toll_trays_read(reader);
    while (toll_reader_next(reader))
        ;
    if (chunk->row_count == 0)
        chunk->first_start = chunk->last_start = 0;
    chunk->lines = reader->csv.line - 1;
    failed = reader->no_memory;
    free(reader->scratch);
    free(reader->key);
    free(reader);
    if (chunk->columns->too_much_text)
        return toll_error_set(error, TOLL_EDATA,
                              "more than 4 GiB of record ids in one piece; split the file");
    return failed ? toll_error_set(error, TOLL_ENOMEM, "out of memory while reading rows") : 0;
}
