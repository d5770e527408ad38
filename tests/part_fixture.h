/* Made-up parts for tests of the dataset and run files: the same rows for the same arguments, sorted as a
 * part must be. Owned by the caller: part_fixture_free. */
#ifndef TOLL_TESTS_PART_FIXTURE_H
#define TOLL_TESTS_PART_FIXTURE_H

#include "mmap_cdr/part.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURE_SHA_A "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define FIXTURE_SHA_B "a01e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"

struct part_fixture {
    struct toll_cdr_part_data data;
    void *owned[32];
    unsigned owned_count;
};

static inline uint64_t fixture_mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static inline void *fixture_room(struct part_fixture *fixture, size_t bytes)
{
    void *room = calloc(1, bytes + 1);
    if (!room || fixture->owned_count == 32)
        abort();
    fixture->owned[fixture->owned_count++] = room;
    return room;
}

/* +1212555xxxx as packed digits. */
static inline uint64_t fixture_number(uint64_t seed)
{
    uint64_t digits = UINT64_C(0x1212555) << 36;
    for (int i = 0; i < 4; i++, seed /= 10)
        digits |= (seed % 10) << (20 + 4 * i);
    return digits | UINT64_C(0xFFFFF);
}

static inline void fixture_text(struct part_fixture *fixture, int64_t rows, unsigned salt, const char **data,
                                const int64_t **offset)
{
    char *text = fixture_room(fixture, (size_t)rows * 24);
    int64_t *offsets = fixture_room(fixture, ((size_t)rows + 1) * sizeof *offsets);
    for (int64_t i = 0; i < rows; i++) {
        int64_t length = (int64_t)(fixture_mix((uint64_t)i * 3 + salt) % 24) * (i % (salt + 1) == 0);
        for (int64_t k = 0; k < length; k++)
            text[offsets[i] + k] = (char)('a' + (i + k) % 26);
        offsets[i + 1] = offsets[i] + length;
    }
    *data = text;
    *offset = offsets;
}

static inline void part_fixture_make(struct part_fixture *fixture, int64_t day, int64_t rows, bool optional)
{
    static const char *const carriers[] = {"", "level3", "skyetel"};
    static const char *const trunks[] = {"", "TG-1", "TG-2"};
    static const char *const hints[] = {"", "acme", "zoo"};
    static const char *const calltypes[] = {"", "DA", "LD", "T\xC3\xBC"};
    static const char *const sources[] = {"", FIXTURE_SHA_A, FIXTURE_SHA_B};
    const size_t n = (size_t)rows;
    *fixture = (struct part_fixture){0};
    struct toll_cdr_part_data *data = &fixture->data;
#define FIXTURE_COLUMN(name, type)                        \
    type *name = fixture_room(fixture, n * sizeof(type)); \
    data->columns.name = name
    FIXTURE_COLUMN(start, int64_t);
    FIXTURE_COLUMN(duration_ms, int32_t);
    FIXTURE_COLUMN(caller, uint64_t);
    FIXTURE_COLUMN(callee, uint64_t);
    FIXTURE_COLUMN(kind, uint16_t);
    FIXTURE_COLUMN(carrier, uint16_t);
    FIXTURE_COLUMN(record_key_high, uint64_t);
    FIXTURE_COLUMN(record_key_low, uint64_t);
    FIXTURE_COLUMN(source_file, int32_t);
    FIXTURE_COLUMN(source_row, int32_t);
    for (int64_t i = 0; i < rows; i++) {
        start[i] = day * TOLL_DAY_MS + i * (TOLL_DAY_MS - 1) / (rows > 1 ? rows - 1 : 1);
        duration_ms[i] = (int32_t)(fixture_mix((uint64_t)i) % 3600000);
        caller[i] = fixture_number((uint64_t)i);
        callee[i] = i % 7 ? fixture_number((uint64_t)i * 13) : 0;
        kind[i] = (uint16_t)(TOLL_VOICE | (i % 3 ? TOLL_KIND_ANSWERED : 0) |
                             (TOLL_NUMBER_E164 << TOLL_KIND_CALLER_TYPE_SHIFT) |
                             ((i % 7 ? TOLL_NUMBER_E164 : TOLL_NUMBER_NONE) << TOLL_KIND_CALLEE_TYPE_SHIFT));
        carrier[i] = (uint16_t)(1 + i % 2);
        record_key_high[i] = fixture_mix((uint64_t)i * 2);
        record_key_low[i] = fixture_mix((uint64_t)i * 2 + 1);
        source_file[i] = (int32_t)(1 + i % 2);
        source_row[i] = (int32_t)(i + 1);
    }
    if (optional) {
        FIXTURE_COLUMN(charged, uint64_t);
        FIXTURE_COLUMN(lrn_caller, uint64_t);
        FIXTURE_COLUMN(lrn_callee, uint64_t);
        FIXTURE_COLUMN(ring_to, uint64_t);
        FIXTURE_COLUMN(trunk, int32_t);
        FIXTURE_COLUMN(hint, int32_t);
        FIXTURE_COLUMN(calltype, int32_t);
        FIXTURE_COLUMN(quantity, int64_t);
        FIXTURE_COLUMN(setup_ms, int32_t);
        FIXTURE_COLUMN(provider_charge, int64_t);
        FIXTURE_COLUMN(provider_tax, int64_t);
        FIXTURE_COLUMN(carrier_billed_ms, int32_t);
        for (int64_t i = 0; i < rows; i++) {
            charged[i] = fixture_number((uint64_t)i + 1);
            lrn_caller[i] = fixture_number((uint64_t)i + 2);
            lrn_callee[i] = i % 2 ? 0 : fixture_number((uint64_t)i + 3);
            ring_to[i] = i % 5 ? 0 : fixture_number((uint64_t)i + 4);
            trunk[i] = (int32_t)(i % 3);
            hint[i] = (int32_t)((i + 1) % 3);
            calltype[i] = (int32_t)((i + 2) % 4);
            quantity[i] = i % 11;
            setup_ms[i] = (int32_t)(i % 5000) + 1;
            provider_charge[i] = (i % 4 ? 1 : -1) * i * 1234567;
            provider_tax[i] = i * 89 + 1;
            carrier_billed_ms[i] = duration_ms[i] / 6000 * 6000 + 6000;
            kind[i] |= TOLL_KIND_PROVIDER_CHARGE | TOLL_KIND_PROVIDER_TAX;
        }
        data->trunk = (struct toll_cdr_dictionary){trunks, 3};
        data->hint = (struct toll_cdr_dictionary){hints, 3};
        data->calltype = (struct toll_cdr_dictionary){calltypes, 4};
    }
#undef FIXTURE_COLUMN
    data->columns.rows = rows;
    data->carrier = (struct toll_cdr_dictionary){carriers, rows > 1 ? 3 : rows == 1 ? 2 : 1};
    data->source_file = (struct toll_cdr_dictionary){sources, rows > 1 ? 3 : rows == 1 ? 2 : 1};
    fixture_text(fixture, rows, 1, &data->record_id_data, &data->record_id_offset);
    fixture_text(fixture, rows, 2, &data->caller_text_data, &data->caller_text_offset);
    fixture_text(fixture, rows, 3, &data->callee_text_data, &data->callee_text_offset);
}

static inline void part_fixture_free(struct part_fixture *fixture)
{
    for (unsigned i = 0; i < fixture->owned_count; i++)
        free(fixture->owned[i]);
    *fixture = (struct part_fixture){0};
}

#endif
