/* Names of a tray, and the record keys. */
#include "ingest/tray_rows.h"

#include "base/checksum.h"

#include <string.h>

/* -- names -- */

static const enum toll_target name_targets[TOLL_NAME_SOURCE] = {[TOLL_NAME_CARRIER] = TOLL_TO_CARRIER,
                                                                [TOLL_NAME_TRUNK] = TOLL_TO_TRUNK,
                                                                [TOLL_NAME_HINT] = TOLL_TO_HINT,
                                                                [TOLL_NAME_CALLTYPE] = TOLL_TO_CALLTYPE};

static bool is_constant(const struct toll_tray *tray, enum toll_name name)
{
    const struct toll_spec_field *field = &tray->spec->fields[name_targets[name]];

    return field->mapped && field->type == TOLL_VALUE_CONSTANT;
}

static void read_names(struct toll_tray *tray, enum toll_name name, struct toll_tray_spans *spans)
{
    const uint32_t none = name == TOLL_NAME_CARRIER ? tray->reader->carrier : 0;
    uint32_t *ids = tray->names[name];

    for (uint32_t r = 0; r < tray->rows; r++)
        spans->bytes[r] = (tray->shape[r] & TOLL_TRAY_ODD) != 0 ? 0 : spans->bytes[r];
    if (!toll_lexicon_read(tray->reader->chunk->lexicon, name, tray->text, spans->begin, spans->bytes,
                           tray->rows, none, tray->reader->walk, ids))
        tray->reader->no_memory = true;
    for (uint32_t r = 0; r < tray->rows; r++)
        if (__builtin_expect(spans->bytes[r] > TOLL_MEMO_BYTES_MAX, 0))
            ids[r] = toll_reader_name(tray->reader, name,
                                      (struct toll_value){tray->text + spans->begin[r], spans->bytes[r]});
}

static void constant_names(struct toll_tray *tray, enum toll_name name)
{
    const char *text = tray->spec->fields[name_targets[name]].constant_text;
    const size_t bytes = strlen(text);
    const uint32_t id = bytes == 0 && name == TOLL_NAME_CARRIER
                            ? tray->reader->carrier
                            : toll_reader_name(tray->reader, name, (struct toll_value){text, bytes});

    for (uint32_t r = 0; r < tray->rows; r++)
        tray->names[name][r] = id;
}

void toll_tray_names(struct toll_tray *tray)
{
    struct toll_tray_spans spans[TOLL_NAME_SOURCE];
    bool varies[TOLL_NAME_SOURCE];

    for (enum toll_name name = 0; name < TOLL_NAME_SOURCE; name++) {
        const int slot = tray->reader->slots[name_targets[name]];

        varies[name] = !is_constant(tray, name) && slot >= 0;
        if (!varies[name])
            continue;
        toll_tray_spans(tray, slot, &spans[name]);
        for (uint32_t r = 0; r < tray->rows; r++)
            if (spans[name].bytes[r] > TOLL_INGEST_TEXT_MAX)
                toll_tray_odd(tray, r);
    }
    for (enum toll_name name = 0; name < TOLL_NAME_SOURCE; name++) {
        if (is_constant(tray, name))
            constant_names(tray, name);
        else if (varies[name])
            read_names(tray, name, &spans[name]);
        else if (name == TOLL_NAME_CARRIER)
            for (uint32_t r = 0; r < tray->rows; r++)
                tray->names[name][r] = tray->reader->carrier;
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

#define JOINED_MAX 4 /* columns of a key; more are joined row by row */

/* The texts of some columns, joined in each row. NULL: out of memory. */
static const char *join_keys(struct toll_tray *tray, const struct toll_tray_spans *spans, int count,
                             struct toll_tray_spans *joined)
{
    size_t most = 16;
    char *key, *to;

    for (uint32_t r = 0; r < tray->rows; r++)
        most += tray->end[r] - tray->begin[r] + (size_t)count;
    to = key = toll_reader_key(tray->reader, most);
    for (uint32_t r = 0; key != NULL && r < tray->rows; r++) {
        joined->begin[r] = (uint32_t)(to - key);
        for (int i = 0; i < count; i++) {
            const char *from = tray->text + spans[i].begin[r];

            if (i > 0)
                *to++ = TOLL_KEY_SEPARATOR;
            for (uint32_t k = 0; k < spans[i].bytes[r]; k += 16) /* up to 15 more, for which there is room */
                memcpy(to + k, from + k, 16);
            to += spans[i].bytes[r];
        }
        joined->bytes[r] = (uint32_t)(to - key) - joined->begin[r];
    }
    return key;
}

/* One row by itself: a row whose key columns are empty, or one with many of them. */
static void hash_one(struct toll_tray *tray, uint32_t r)
{
    const int count = tray->spec->key_count;
    struct toll_value text = {"", 0};
    struct toll_hash128 hash;
    bool empty = true;

    if ((tray->shape[r] & TOLL_TRAY_ODD) != 0)
        return;
    for (int i = 0; i < count; i++) {
        (void)toll_tray_value(tray, r, tray->key_slots[i], &text);
        empty &= text.bytes == 0;
    }
    hash = empty ? hash_row(tray, r) : hash_columns(tray, r, tray->key_slots, count);
    tray->key_high[r] = hash.high;
    tray->key_low[r] = hash.low;
}

void toll_tray_keys(struct toll_tray *tray)
{
    const int count = tray->spec->key_count;
    const char *text = tray->text;
    struct toll_tray_spans spans[JOINED_MAX], *keys = spans, joined;
    const uint32_t least = count > 0 ? (uint32_t)count - 1 : 0; /* the separators */

    for (int i = 0; i < count && count <= JOINED_MAX; i++)
        toll_tray_spans(tray, tray->key_slots[i], &spans[i]);
    if (count > 1 && count <= JOINED_MAX) {
        text = join_keys(tray, spans, count, &joined);
        if (text == NULL)
            return;
        keys = &joined;
    }
    if (count == 0 || count > JOINED_MAX) {
        for (uint32_t r = 0; r < tray->rows; r++)
            hash_one(tray, r);
        return;
    }
    toll_hash_texts(text, keys->begin, keys->bytes, tray->rows, tray->key_high, tray->key_low);
    for (uint32_t r = 0; r < tray->rows; r++)
        if (__builtin_expect(keys->bytes[r] == least, 0))
            hash_one(tray, r);
}
