/*
 * Arrays that grow together. What no row has is not written: a column is made, with zeros for the rows
 * before, when the first value comes.
 */
#include "ingest/columns.h"

#include <stddef.h>
#include <stdlib.h>

#define ROWS_FIRST 1024u
#define TEXT_FIRST_BYTES ((size_t)4096)

_Static_assert(offsetof(struct toll_row_extra, trunk) == sizeof(uint64_t) * TOLL_EXTRA_WIDE, "wide first");
_Static_assert(offsetof(struct toll_row_extra, unused) ==
                   sizeof(uint64_t) * TOLL_EXTRA_WIDE + sizeof(uint32_t) * TOLL_EXTRA_NARROW,
               "then narrow");

#define FIXED 9 /* columns that every row has */

struct array {
    void *place; /* of the pointer to it */
    size_t width;
};

static void *memory_of(const struct array *array)
{
    void *memory;

    memcpy(&memory, array->place, sizeof memory);
    return memory;
}

/* All arrays: those of every row first. */
static size_t list_arrays(struct toll_columns *columns,
                          struct array list[FIXED + TOLL_EXTRA_WIDE + TOLL_EXTRA_NARROW])
{
    const struct array fixed[FIXED] = {
        {&columns->start, sizeof *columns->start},
        {&columns->key_high, sizeof *columns->key_high},
        {&columns->key_low, sizeof *columns->key_low},
        {&columns->caller, sizeof *columns->caller},
        {&columns->callee, sizeof *columns->callee},
        {&columns->duration_ms, sizeof *columns->duration_ms},
        {&columns->source_row, sizeof *columns->source_row},
        {&columns->kind, sizeof *columns->kind},
        {&columns->carrier, sizeof *columns->carrier},
    };
    size_t count = FIXED;

    memcpy(list, fixed, sizeof fixed);
    for (int w = 0; w < TOLL_EXTRA_WIDE; w++)
        list[count++] = (struct array){&columns->wide[w], sizeof *columns->wide[w]};
    for (int w = 0; w < TOLL_EXTRA_NARROW; w++)
        list[count++] = (struct array){&columns->narrow[w], sizeof *columns->narrow[w]};
    return count;
}

struct toll_columns *toll_columns_create(void)
{
    return calloc(1, sizeof(struct toll_columns));
}

void toll_columns_free(struct toll_columns *columns)
{
    struct array list[FIXED + TOLL_EXTRA_WIDE + TOLL_EXTRA_NARROW];

    if (columns == NULL)
        return;
    for (size_t i = list_arrays(columns, list); i-- > 0;)
        free(memory_of(&list[i]));
    for (int t = 0; t < TOLL_ROW_TEXTS; t++) {
        free(columns->texts[t].data);
        free(columns->texts[t].at);
    }
    free(columns);
}

void toll_columns_clear(struct toll_columns *columns)
{
    columns->count = 0;
    memset(columns->any_wide, 0, sizeof columns->any_wide);
    memset(columns->any_narrow, 0, sizeof columns->any_narrow);
    for (int t = 0; t < TOLL_ROW_TEXTS; t++)
        columns->texts[t].bytes = 0;
    columns->too_much_text = false;
}

size_t toll_columns_bytes(const struct toll_columns *columns)
{
    struct toll_columns copy = *columns;
    struct array list[FIXED + TOLL_EXTRA_WIDE + TOLL_EXTRA_NARROW];
    size_t bytes = 0;

    for (size_t i = list_arrays(&copy, list); i-- > 0;)
        bytes += memory_of(&list[i]) == NULL ? 0 : columns->room * list[i].width;
    for (int t = 0; t < TOLL_ROW_TEXTS; t++) {
        bytes += columns->texts[t].room;
        bytes += columns->texts[t].at == NULL ? 0 : (columns->room + 1) * sizeof *columns->texts[t].at;
    }
    return bytes;
}

static bool grow(const struct array *array, size_t count)
{
    void *larger = realloc(memory_of(array), count * array->width);

    if (larger != NULL)
        memcpy(array->place, &larger, sizeof larger);
    return larger != NULL;
}

bool toll_columns_make_room(struct toll_columns *columns, size_t rows)
{
    struct array list[FIXED + TOLL_EXTRA_WIDE + TOLL_EXTRA_NARROW];
    size_t room = columns->room + columns->room / 2 + ROWS_FIRST;

    if (columns->room - columns->count >= rows)
        return true;
    if (room < columns->count + rows)
        room = columns->count + rows;
    const size_t count = list_arrays(columns, list);
    for (size_t i = 0; i < count; i++) {
        if ((i < FIXED || memory_of(&list[i]) != NULL) && !grow(&list[i], room))
            return false;
    }
    for (int t = 0; t < TOLL_ROW_TEXTS; t++) {
        const struct array at = {&columns->texts[t].at, sizeof *columns->texts[t].at};

        if (columns->texts[t].at != NULL && !grow(&at, room + 1))
            return false;
    }
    columns->room = room;
    return true;
}

/* -- optional values -- */

bool toll_columns_put_wide(struct toll_columns *columns, enum toll_extra_wide which, const void *values,
                           size_t rows)
{
    const uint64_t *from = values;
    uint64_t any = 0;

    for (size_t i = 0; i < rows; i++)
        any |= from[i];
    if ((any | columns->any_wide[which]) == 0)
        return true;
    if (columns->wide[which] == NULL)
        columns->wide[which] = malloc(columns->room * sizeof *from);
    if (columns->wide[which] == NULL)
        return false;
    if (columns->any_wide[which] == 0)
        memset(columns->wide[which], 0, columns->count * sizeof *from);
    columns->any_wide[which] |= any;
    memcpy(columns->wide[which] + columns->count, from, rows * sizeof *from);
    return true;
}

bool toll_columns_put_narrow(struct toll_columns *columns, enum toll_extra_narrow which, const void *values,
                             size_t rows)
{
    const uint32_t *from = values;
    uint32_t any = 0;

    for (size_t i = 0; i < rows; i++)
        any |= from[i];
    if ((any | columns->any_narrow[which]) == 0)
        return true;
    if (columns->narrow[which] == NULL)
        columns->narrow[which] = malloc(columns->room * sizeof *from);
    if (columns->narrow[which] == NULL)
        return false;
    if (columns->any_narrow[which] == 0)
        memset(columns->narrow[which], 0, columns->count * sizeof *from);
    columns->any_narrow[which] |= any;
    memcpy(columns->narrow[which] + columns->count, from, rows * sizeof *from);
    return true;
}

/* -- texts -- */

/* Room for so much more text of a kind that has some now. */
static bool make_text(struct toll_columns *columns, struct toll_column_texts *texts, size_t bytes)
{
    size_t room = texts->bytes + bytes + TOLL_TEXTS_PADDING;
    const struct array data = {&texts->data, 1};

    if (texts->bytes + bytes > UINT32_MAX) {
        columns->too_much_text = true;
        return false;
    }
    if (room > texts->room) {
        room += room / 2 + TEXT_FIRST_BYTES;
        if (!grow(&data, room))
            return false;
        texts->room = room;
    }
    if (texts->at == NULL)
        texts->at = malloc((columns->room + 1) * sizeof *texts->at);
    if (texts->at == NULL)
        return false;
    if (texts->bytes == 0)
        memset(texts->at, 0, (columns->count + 1) * sizeof *texts->at);
    return true;
}

bool toll_columns_put_texts(struct toll_columns *columns, int which, const char *text, const uint32_t *begin,
                            const uint32_t *bytes, size_t rows)
{
    struct toll_column_texts *texts = &columns->texts[which];
    size_t all = 0;
    uint32_t *at;
    char *to;

    for (size_t i = 0; i < rows; i++)
        all += bytes[i];
    if (all + texts->bytes == 0)
        return true;
    if (!make_text(columns, texts, all))
        return false;
    to = texts->data + texts->bytes;
    at = texts->at + columns->count + 1;
    for (size_t i = 0; i < rows; i++) {
        const char *from = text + begin[i];

        memcpy(to, from, 32); /* more than it is, for which there is room */
        for (size_t k = 32; __builtin_expect(k < bytes[i], 0); k += 32)
            memcpy(to + k, from + k, 32);
        to += bytes[i];
        at[i] = (uint32_t)(to - texts->data);
    }
    texts->bytes += all;
    return true;
}

static bool add_text(struct toll_columns *columns, int which, const char *text, size_t bytes)
{
    struct toll_column_texts *texts = &columns->texts[which];

    if (bytes + texts->bytes == 0)
        return true;
    if (!make_text(columns, texts, bytes))
        return false;
    toll_row_copy_text(texts->data + texts->bytes, text, bytes);
    texts->bytes += bytes;
    texts->at[columns->count + 1] = (uint32_t)texts->bytes;
    return true;
}

/* -- one row -- */

static bool add_extra(struct toll_columns *columns, const struct toll_row_extra *extra)
{
    const uint64_t wide[TOLL_EXTRA_WIDE] = {extra->charged,
                                            extra->lrn_caller,
                                            extra->lrn_callee,
                                            extra->ring_to,
                                            (uint64_t)extra->quantity,
                                            (uint64_t)extra->provider_charge,
                                            (uint64_t)extra->provider_tax};
    const uint32_t narrow[TOLL_EXTRA_NARROW] = {extra->trunk, extra->hint, extra->calltype,
                                                (uint32_t)extra->setup_ms,
                                                (uint32_t)extra->carrier_billed_ms};
    bool fits = true;

    for (int w = 0; w < TOLL_EXTRA_WIDE; w++)
        fits &= toll_columns_put_wide(columns, (enum toll_extra_wide)w, &wide[w], 1);
    for (int w = 0; w < TOLL_EXTRA_NARROW; w++)
        fits &= toll_columns_put_narrow(columns, (enum toll_extra_narrow)w, &narrow[w], 1);
    return fits;
}

bool toll_columns_add(struct toll_columns *columns, const struct toll_row *row,
                      const struct toll_row_extra *extra, const char *const texts[TOLL_ROW_TEXTS],
                      const size_t bytes[TOLL_ROW_TEXTS])
{
    const size_t i = columns->count;

    if (!toll_columns_make_room(columns, 1) || !add_extra(columns, extra))
        return false;
    for (int t = 0; t < TOLL_ROW_TEXTS; t++) {
        if (!add_text(columns, t, texts[t], bytes[t]))
            return false;
    }
    columns->start[i] = row->start;
    columns->key_high[i] = row->key_high;
    columns->key_low[i] = row->key_low;
    columns->caller[i] = row->caller;
    columns->callee[i] = row->callee;
    columns->duration_ms[i] = row->duration_ms;
    columns->source_row[i] = row->source_row;
    columns->kind[i] = row->kind;
    columns->carrier[i] = row->carrier;
    columns->count++;
    return true;
}
