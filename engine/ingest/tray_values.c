/* Durations and amounts of a tray. */
#include "ingest/tray_rows.h"

#include <string.h>

/* -- durations -- */

/* Eight digits of milliseconds fit. */
#define SECONDS_DIGITS_MAX 6u
#define MILLISECONDS_DIGITS_MAX 8u

/* What the kernel of a type leaves. */
static size_t read_fast(const struct toll_tray *tray, enum toll_value_type type,
                        const struct toll_tray_spans *spans, int32_t *ms, uint32_t *rest)
{
    const struct toll_field_column column = toll_tray_column(tray, spans);
    uint32_t *values = (uint32_t *)ms;
    size_t left;

    if (type == TOLL_VALUE_SECONDS)
        return tray->kernels->integers(&column, SECONDS_DIGITS_MAX, 1000, tray->rows, values, rest);
    if (type == TOLL_VALUE_MILLISECONDS)
        return tray->kernels->integers(&column, MILLISECONDS_DIGITS_MAX, 1, tray->rows, values, rest);
    if (type != TOLL_VALUE_HMS)
        return toll_tray_all(tray, rest);
    left = tray->kernels->clocks(&column, tray->rows, values, rest);
    for (uint32_t r = 0; r < tray->rows; r++)
        values[r] *= 1000;
    return left;
}

/* The durations of a target, and the rows where it is empty. */
static size_t read_durations(struct toll_tray *tray, enum toll_target target, int32_t *ms, uint32_t *empty)
{
    const enum toll_value_type type = tray->spec->fields[target].type;
    struct toll_tray_spans spans;
    uint32_t rest[TOLL_TRAY_ROWS];
    size_t left, empties = 0;

    toll_tray_spans(tray, tray->reader->slots[target], &spans);
    left = read_fast(tray, type, &spans, ms, rest);
    for (size_t i = 0; i < left; i++) {
        const uint32_t r = rest[i];
        const struct toll_value text =
            toll_value_trim((struct toll_value){tray->text + spans.begin[r], spans.bytes[r]});

        ms[r] = 0;
        if (text.bytes == 0)
            empty[empties++] = r;
        else if (toll_value_duration(type, text, &ms[r]) != 0)
            toll_tray_odd(tray, r);
    }
    return empties;
}

static inline bool is_unanswered(const struct toll_tray *tray, uint32_t r)
{
    return tray->choices[1][r] != TOLL_VOICE || !tray->choices[3][r];
}

static void end_minus_start(struct toll_tray *tray)
{
    for (uint32_t r = 0; r < tray->rows; r++) {
        const int64_t span = tray->utc[2][r] - tray->utc[0][r];
        const bool present = tray->has_time[2][r];

        if ((tray->shape[r] & TOLL_TRAY_ODD) != 0)
            continue;
        tray->duration_ms[r] = present ? (int32_t)span : 0;
        if (present ? span < 0 || span > INT32_MAX : !is_unanswered(tray, r))
            toll_tray_odd(tray, r);
    }
}

void toll_tray_durations(struct toll_tray *tray)
{
    const struct toll_spec *spec = tray->spec;
    uint32_t empty[TOLL_TRAY_ROWS];
    size_t empties;

    if (spec->fields[TOLL_TO_DURATION].type == TOLL_VALUE_END_MINUS_START) {
        end_minus_start(tray);
    } else {
        empties = read_durations(tray, TOLL_TO_DURATION, tray->duration_ms, empty);
        for (size_t i = 0; i < empties; i++)
            if (!is_unanswered(tray, empty[i]))
                toll_tray_odd(tray, empty[i]);
    }
    if (spec->fields[TOLL_TO_TOTAL].mapped) {
        empties = read_durations(tray, TOLL_TO_TOTAL, tray->total_ms, empty);
        for (size_t i = 0; i < empties; i++)
            tray->total_ms[empty[i]] = INT32_MAX; /* none is above it */
        for (uint32_t r = 0; spec->warn_over_total && r < tray->rows; r++)
            tray->warned[r] |= tray->duration_ms[r] > tray->total_ms[r];
    }
    if (spec->fields[TOLL_TO_CARRIER_BILLED].mapped)
        (void)read_durations(tray, TOLL_TO_CARRIER_BILLED, tray->billed_ms, empty);
    for (uint32_t r = 0; spec->warn_over_ms > 0 && r < tray->rows; r++)
        tray->warned[r] |= tray->duration_ms[r] > spec->warn_over_ms;
}

/* -- amounts -- */

static void read_money(struct toll_tray *tray, int which)
{
    static const enum toll_target targets[2] = {TOLL_TO_PROVIDER_CHARGE, TOLL_TO_PROVIDER_TAX};
    static const uint16_t bits[2] = {TOLL_KIND_PROVIDER_CHARGE, TOLL_KIND_PROVIDER_TAX};
    const toll_money unit = tray->spec->fields[targets[which]].unit;
    toll_money *money = tray->money[which];
    struct toll_tray_spans spans;
    uint8_t present[TOLL_TRAY_ROWS];
    uint32_t rest[TOLL_TRAY_ROWS];
    size_t left;

    toll_tray_spans(tray, tray->reader->slots[targets[which]], &spans);
    const struct toll_field_column column = toll_tray_column(tray, &spans);
    left = unit == TOLL_MONEY_UNIT ? tray->kernels->decimals(&column, tray->rows, money, rest)
                                   : toll_tray_all(tray, rest);
    memset(present, true, tray->rows);
    for (size_t i = 0; i < left; i++) {
        const uint32_t r = rest[i];
        struct toll_value text = {tray->text + spans.begin[r], spans.bytes[r]};

        money[r] = 0;
        if (unit == TOLL_MONEY_UNIT && toll_padded_money(text.text, text.bytes, &money[r]))
            continue;
        money[r] = 0;
        text = toll_value_trim(text);
        present[r] = text.bytes > 0;
        if (text.bytes > 0 && !toll_value_money(text, unit, &money[r]))
            toll_tray_odd(tray, r);
    }
    for (uint32_t r = 0; r < tray->rows; r++)
        tray->kind[r] |= present[r] ? bits[which] : 0;
}

static void read_quantities(struct toll_tray *tray)
{
    const struct toll_spec_field *field = &tray->spec->fields[TOLL_TO_QUANTITY];
    struct toll_tray_spans spans;

    toll_tray_spans(tray, tray->reader->slots[TOLL_TO_QUANTITY], &spans);
    for (uint32_t r = 0; r < tray->rows; r++) {
        const struct toll_value text =
            toll_value_trim((struct toll_value){tray->text + spans.begin[r], spans.bytes[r]});
        int64_t quantity = 0;

        if (text.bytes > 0) {
            if (!toll_value_integer(text, field->unit, &quantity))
                toll_tray_odd(tray, r);
        } else if (tray->choices[1][r] == TOLL_DATA) {
            toll_tray_odd(tray, r);
        } else if (tray->choices[1][r] != TOLL_VOICE) {
            quantity = 1;
        }
        if (quantity < 0)
            tray->kind[r] |= TOLL_KIND_CREDIT;
        tray->quantity[r] = quantity < 0 ? -quantity : quantity;
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
