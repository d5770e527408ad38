/* Durations, amounts and names of a tray, and the record keys. */
#include "ingest/tray_rows.h"

#include "base/checksum.h"

#include <string.h>

/* -- durations -- */

/* 0 or negative as toll_value_duration; *present false when empty. */
static inline int read_duration(enum toll_value_type type, struct toll_value text, bool *present, int32_t *ms)
{
    uint32_t value;

    *ms = 0;
    *present = text.bytes > 0;
    if (text.bytes == 0)
        return 0;
    if (type == TOLL_VALUE_SECONDS && text.bytes <= 6 && toll_padded_integer(text.text, text.bytes, &value)) {
        *ms = (int32_t)(value * 1000);
        return 0;
    }
    if (type == TOLL_VALUE_HMS && text.bytes == 8 && toll_padded_clock(text.text, &value)) {
        *ms = (int32_t)(value * 1000);
        return 0;
    }
    if (type == TOLL_VALUE_MILLISECONDS && toll_padded_integer(text.text, text.bytes, &value)) {
        *ms = (int32_t)value;
        return 0;
    }
    text = toll_value_trim(text);
    *present = text.bytes > 0;
    return text.bytes == 0 ? 0 : toll_value_duration(type, text, ms);
}

static inline bool is_unanswered(const struct toll_tray *tray, uint32_t r)
{
    return tray->choices[1][r] != TOLL_VOICE || !tray->choices[3][r];
}

static void end_minus_start(struct toll_tray *tray)
{
    for (uint32_t r = 0; r < tray->rows; r++) {
        const int64_t span = tray->utc[2][r] - tray->out[r].start;
        const bool present = tray->has_time[2][r];

        if ((tray->shape[r] & TOLL_TRAY_ODD) != 0)
            continue;
        tray->out[r].duration_ms = present ? (int32_t)span : 0;
        if (present ? span < 0 || span > INT32_MAX : !is_unanswered(tray, r))
            toll_tray_odd(tray, r);
    }
}

static void read_totals(struct toll_tray *tray)
{
    const enum toll_value_type type = tray->spec->fields[TOLL_TO_TOTAL].type;
    const int slot = tray->reader->slots[TOLL_TO_TOTAL];
    const bool warn = tray->spec->warn_over_total;

    for (uint32_t r = 0; r < tray->rows; r++) {
        struct toll_value text;
        bool present;
        int32_t total;

        if (!toll_tray_value(tray, r, slot, &text))
            continue;
        if (read_duration(type, text, &present, &total) != 0)
            toll_tray_odd(tray, r);
        tray->warned[r] |= warn && present && tray->out[r].duration_ms > total;
    }
}

static void read_billed(struct toll_tray *tray)
{
    const enum toll_value_type type = tray->spec->fields[TOLL_TO_CARRIER_BILLED].type;
    const int slot = tray->reader->slots[TOLL_TO_CARRIER_BILLED];

    for (uint32_t r = 0; r < tray->rows; r++) {
        struct toll_value text;
        bool present;

        if (!toll_tray_value(tray, r, slot, &text))
            continue;
        if (read_duration(type, text, &present, &tray->extras[r].carrier_billed_ms) != 0)
            toll_tray_odd(tray, r);
        tray->has_extra[r] |= tray->extras[r].carrier_billed_ms != 0;
    }
}

void toll_tray_durations(struct toll_tray *tray)
{
    const struct toll_spec *spec = tray->spec;
    const enum toll_value_type type = spec->fields[TOLL_TO_DURATION].type;
    const int slot = tray->reader->slots[TOLL_TO_DURATION];

    if (type == TOLL_VALUE_END_MINUS_START) {
        end_minus_start(tray);
    } else {
        for (uint32_t r = 0; r < tray->rows; r++) {
            struct toll_value text;
            bool present;

            if (!toll_tray_value(tray, r, slot, &text))
                continue;
            if (read_duration(type, text, &present, &tray->out[r].duration_ms) != 0 ||
                (!present && !is_unanswered(tray, r)))
                toll_tray_odd(tray, r);
        }
    }
    if (spec->fields[TOLL_TO_TOTAL].mapped)
        read_totals(tray);
    if (spec->fields[TOLL_TO_CARRIER_BILLED].mapped)
        read_billed(tray);
    for (uint32_t r = 0; spec->warn_over_ms > 0 && r < tray->rows; r++)
        tray->warned[r] |= tray->out[r].duration_ms > spec->warn_over_ms;
}

/* -- amounts -- */

static void read_money(struct toll_tray *tray, int which)
{
    const enum toll_target target = which == 0 ? TOLL_TO_PROVIDER_CHARGE : TOLL_TO_PROVIDER_TAX;
    const uint16_t bit = which == 0 ? TOLL_KIND_PROVIDER_CHARGE : TOLL_KIND_PROVIDER_TAX;
    const toll_money unit = tray->spec->fields[target].unit;
    const int slot = tray->reader->slots[target];

    for (uint32_t r = 0; r < tray->rows; r++) {
        toll_money *out = which == 0 ? &tray->extras[r].provider_charge : &tray->extras[r].provider_tax;
        struct toll_value text;
        toll_money money;

        if (!toll_tray_value(tray, r, slot, &text))
            continue;
        money = 0;
        if (unit != TOLL_MONEY_UNIT || !toll_padded_money(text.text, text.bytes, &money)) {
            text = toll_value_trim(text);
            money = 0;
            *out = 0;
            if (text.bytes == 0)
                continue;
            if (!toll_value_money(text, unit, &money))
                toll_tray_odd(tray, r);
        }
        tray->out[r].kind |= bit;
        *out = money;
        tray->has_extra[r] |= money != 0;
    }
}

static void read_quantities(struct toll_tray *tray)
{
    const struct toll_spec_field *field = &tray->spec->fields[TOLL_TO_QUANTITY];
    const int slot = tray->reader->slots[TOLL_TO_QUANTITY];

    for (uint32_t r = 0; r < tray->rows; r++) {
        struct toll_value text;
        int64_t quantity = 0;

        if (!toll_tray_value(tray, r, slot, &text))
            continue;
        text = toll_value_trim(text);
        if (text.bytes > 0) {
            if (!toll_value_integer(text, field->unit, &quantity))
                toll_tray_odd(tray, r);
        } else if (tray->choices[1][r] == TOLL_DATA) {
            toll_tray_odd(tray, r);
        } else if (tray->choices[1][r] != TOLL_VOICE) {
            quantity = 1;
        }
        if (quantity < 0)
            tray->out[r].kind |= TOLL_KIND_CREDIT;
        tray->extras[r].quantity = quantity < 0 ? -quantity : quantity;
        tray->has_extra[r] |= quantity != 0;
    }
}

void toll_tray_amounts(struct toll_tray *tray)
{
    const struct toll_spec_field *service = &tray->spec->fields[TOLL_TO_SERVICE];
    const bool voice =
        tray->reader->slots[TOLL_TO_SERVICE] < 0 &&
        (service->type == TOLL_VALUE_CONSTANT ? service->constant : service->empty) == TOLL_VOICE;

    if (tray->reader->slots[TOLL_TO_PROVIDER_CHARGE] >= 0)
        read_money(tray, 0);
    if (tray->reader->slots[TOLL_TO_PROVIDER_TAX] >= 0)
        read_money(tray, 1);
    if (tray->reader->slots[TOLL_TO_QUANTITY] >= 0 || !voice)
        read_quantities(tray);
}

/* -- names -- */

static const enum toll_target name_targets[TOLL_NAME_SOURCE] = {[TOLL_NAME_CARRIER] = TOLL_TO_CARRIER,
                                                                [TOLL_NAME_TRUNK] = TOLL_TO_TRUNK,
                                                                [TOLL_NAME_HINT] = TOLL_TO_HINT,
                                                                [TOLL_NAME_CALLTYPE] = TOLL_TO_CALLTYPE};

static inline uint32_t *name_place(struct toll_tray *tray, uint32_t r, enum toll_name name)
{
    struct toll_row_extra *extra = &tray->extras[r];

    return name == TOLL_NAME_CARRIER ? &tray->out[r].carrier
           : name == TOLL_NAME_TRUNK ? &extra->trunk
           : name == TOLL_NAME_HINT  ? &extra->hint
                                     : &extra->calltype;
}

static bool is_constant(const struct toll_tray *tray, enum toll_name name)
{
    const struct toll_spec_field *field = &tray->spec->fields[name_targets[name]];

    return field->mapped && field->type == TOLL_VALUE_CONSTANT;
}

static void check_names(struct toll_tray *tray, enum toll_name name)
{
    const int slot = tray->reader->slots[name_targets[name]];

    for (uint32_t r = 0; r < tray->rows; r++) {
        struct toll_value text;

        if (toll_tray_value(tray, r, slot, &text) && text.bytes > TOLL_INGEST_TEXT_MAX)
            toll_tray_odd(tray, r);
    }
}

static void read_names(struct toll_tray *tray, enum toll_name name)
{
    const int slot = tray->reader->slots[name_targets[name]];
    const uint32_t none = name == TOLL_NAME_CARRIER ? tray->reader->carrier : 0;

    for (uint32_t r = 0; r < tray->rows; r++) {
        struct toll_value text;
        struct toll_memo *place;

        if (!toll_tray_value(tray, r, slot, &text))
            continue;
        *name_place(tray, r, name) = none;
        if (text.bytes == 0)
            continue;
        if (text.bytes > TOLL_MEMO_BYTES_MAX) {
            *name_place(tray, r, name) = toll_reader_name(tray->reader, name, text);
        } else {
            if (!toll_memo_find_padded(tray->name_memos[name], TOLL_TRAY_NAME_BITS, text.text, text.bytes,
                                       &place))
                place->value = toll_reader_name(tray->reader, name, text);
            *name_place(tray, r, name) = place->value;
        }
        tray->has_extra[r] |= name != TOLL_NAME_CARRIER;
    }
}

static void constant_names(struct toll_tray *tray, enum toll_name name)
{
    const char *text = tray->spec->fields[name_targets[name]].constant_text;
    const size_t bytes = strlen(text);
    const uint32_t id = bytes == 0 && name == TOLL_NAME_CARRIER
                            ? tray->reader->carrier
                            : toll_reader_name(tray->reader, name, (struct toll_value){text, bytes});

    for (uint32_t r = 0; r < tray->rows; r++) {
        *name_place(tray, r, name) = id;
        tray->has_extra[r] |= bytes > 0 && name != TOLL_NAME_CARRIER;
    }
}

void toll_tray_names(struct toll_tray *tray)
{
    for (enum toll_name name = 0; name < TOLL_NAME_SOURCE; name++) {
        if (!is_constant(tray, name) && tray->reader->slots[name_targets[name]] >= 0)
            check_names(tray, name);
    }
    for (enum toll_name name = 0; name < TOLL_NAME_SOURCE; name++) {
        if (is_constant(tray, name))
            constant_names(tray, name);
        else if (tray->reader->slots[name_targets[name]] >= 0)
            read_names(tray, name);
        else if (name == TOLL_NAME_CARRIER)
            for (uint32_t r = 0; r < tray->rows; r++)
                *name_place(tray, r, name) = tray->reader->carrier;
    }
}

/* -- keys -- */

/* The row's own bytes, separators replaced: of a row without quoted fields whose columns stand in order. */
static struct toll_hash128 hash_plain_row(struct toll_tray *tray, uint32_t r)
{
    const uint32_t *stops = tray->index.stops + tray->first[r];
    const size_t begin = tray->begin[r], bytes = tray->end[r] - begin;
    char *key = toll_reader_key(tray->reader, bytes);

    if (key == NULL)
        return (struct toll_hash128){0, 0};
    memcpy(key, tray->text + begin, bytes);
    for (unsigned i = 0; i + 1 < tray->columns[r]; i++)
        key[stops[i] - begin] = TOLL_KEY_SEPARATOR;
    return toll_hash(key, bytes);
}

/* Some columns, joined. */
static struct toll_hash128 hash_columns(struct toll_tray *tray, uint32_t r, const int *slots, int count)
{
    struct toll_value text = {"", 0};
    size_t used = 0, bytes = (size_t)count + 16;
    char *key;

    for (int i = 0; i < count; i++) {
        (void)toll_tray_value(tray, r, slots[i], &text);
        bytes += text.bytes;
    }
    key = toll_reader_key(tray->reader, bytes);
    if (key == NULL)
        return (struct toll_hash128){0, 0};
    for (int i = 0; i < count; i++) {
        (void)toll_tray_value(tray, r, slots[i], &text);
        if (i > 0)
            key[used++] = TOLL_KEY_SEPARATOR;
        for (size_t k = 0; k < text.bytes; k += 16) /* up to 15 more, for which there is room */
            memcpy(key + used + k, text.text + k, 16);
        used += text.bytes;
    }
    return toll_hash(key, used);
}

static struct toll_hash128 hash_row(struct toll_tray *tray, uint32_t r)
{
    const struct toll_spec *spec = tray->spec;
    const bool headless = spec->header == TOLL_HEADER_NONE;
    const int columns = headless ? (int)tray->columns[r] : spec->column_count;
    int slots[TOLL_INGEST_COLUMNS_MAX];

    if ((tray->reader->layout->same_order || headless) && columns == (int)tray->columns[r] &&
        (tray->shape[r] & TOLL_TRAY_QUOTED) == 0)
        return hash_plain_row(tray, r);
    for (int i = 0; i < columns; i++)
        slots[i] = i < spec->column_count ? tray->reader->layout->slots[i] : -1;
    return hash_columns(tray, r, slots, columns);
}

void toll_tray_keys(struct toll_tray *tray)
{
    const int count = tray->spec->key_count;

    for (uint32_t r = 0; r < tray->rows; r++) {
        struct toll_value text = {"", 0};
        struct toll_hash128 hash;
        bool empty = true;

        if ((tray->shape[r] & TOLL_TRAY_ODD) != 0)
            continue;
        for (int i = 0; i < count; i++) {
            (void)toll_tray_value(tray, r, tray->key_slots[i], &text);
            empty &= text.bytes == 0;
        }
        if (empty)
            hash = hash_row(tray, r);
        else if (count == 1)
            hash = toll_hash(text.text, text.bytes);
        else
            hash = hash_columns(tray, r, tray->key_slots, count);
        tray->out[r].key_high = hash.high;
        tray->out[r].key_low = hash.low;
    }
}
