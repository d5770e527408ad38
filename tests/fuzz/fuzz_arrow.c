/*
 * The Arrow reader: a file is believed only where it has our shape. So what is opened, and whose values are
 * sound, can be written again, and opened again it is the same.
 *
 * Input: see sparse.h.
 */
#include "sparse.h"

/* Values for the writer, straight from the file; false when the texts cannot be taken. */
static bool gather(const struct toll_arrow_file *file, const uint8_t *bytes, unsigned c,
                   struct toll_arrow_column *column)
{
    const enum toll_arrow_type type = file->schema.fields[c].type;
    const struct toll_arrow_place *place = toll_arrow_place(file, 0, file->first_buffer[c]);
    if (type != TOLL_ARROW_UTF8) {
        TOLL_ASSERT(place->bytes == (size_t)file->rows * toll_arrow_width(type));
        column->values = bytes + place->offset;
        return true;
    }
    const int32_t *offsets = (const int32_t *)(const void *)(bytes + place->offset);
    const struct toll_arrow_place *text = toll_arrow_place(file, 0, file->first_buffer[c] + 1);
    if (!toll_arrow_text_valid(offsets, file->rows, text->bytes))
        return false;
    int64_t *wide = malloc(((size_t)file->rows + 1) * sizeof *wide);
    TOLL_ASSERT(wide != NULL);
    for (int64_t i = 0; i <= file->rows; i++)
        wide[i] = offsets[i];
    column->text = (const char *)bytes + text->offset;
    column->text_offset = wide;
    return true;
}

/* The same schema, words and values; the metadata may have been laid out in another way. */
static void check_same(const struct toll_arrow_file *a, const struct toll_arrow_file *b)
{
    TOLL_ASSERT(toll_arrow_expect(b, &a->schema, NULL) == 0);
    TOLL_ASSERT(a->rows == b->rows && a->batches == b->batches && a->buffers == b->buffers);
    for (int64_t i = 0; i < a->batches * a->buffers; i++) {
        TOLL_ASSERT(a->places[i].bytes == b->places[i].bytes);
        TOLL_ASSERT(toll_hash_equal(a->places[i].hash, b->places[i].hash));
    }
    for (unsigned d = 0; d < a->dictionaries; d++) {
        TOLL_ASSERT(a->dictionary[d].count == b->dictionary[d].count);
        for (uint32_t i = 0; i < a->dictionary[d].count; i++)
            TOLL_ASSERT(strcmp(a->dictionary[d].entries[i], b->dictionary[d].entries[i]) == 0);
    }
}

static void check_again(const struct toll_arrow_file *file, const uint8_t *bytes)
{
    struct toll_arrow_column columns[TOLL_ARROW_COLUMNS] = {0};
    struct toll_arrow_memory memory = {0};
    const struct toll_arrow_sink sink = {toll_arrow_memory_write, &memory};
    struct toll_hash128 digest;
    struct toll_arrow_file *again;
    int64_t size;
    bool all = true;
    for (unsigned c = 0; all && c < file->schema.count; c++)
        all = gather(file, bytes, c, &columns[c]);
    /* Padding that is not zero has a checksum of its own and is nobody's value: it is not written again. */
    for (unsigned b = 0; all && b < file->buffers; b++) {
        const struct toll_arrow_place *place = toll_arrow_place(file, 0, b);
        all = toll_arrow_check(file, 0, 0, b, bytes + place->offset, NULL) == 0;
        for (size_t i = place->bytes; all && i < toll_arrow_pad(place->bytes); i++)
            all = bytes[(size_t)place->offset + i] == 0;
    }
    if (all) {
        TOLL_ASSERT(toll_arrow_write(&file->schema, file->rows, columns, file->dictionary, &sink, &size,
                                     &digest, NULL) == 0);
        const struct toll_arrow_source source = {.name = "again", .bytes = memory.bytes, .size = size};
        TOLL_ASSERT((int64_t)memory.size == size);
        TOLL_ASSERT(toll_arrow_open(&source, &digest, &again, NULL) == 0);
        check_same(file, again);
        toll_arrow_close(again);
    }
    free(memory.bytes);
    for (unsigned c = 0; c < file->schema.count; c++)
        free((void *)(uintptr_t)columns[c].text_offset);
}

static void check_dictionaries(const struct toll_arrow_file *file)
{
    size_t letters = 0;
    for (unsigned d = 0; d < file->dictionaries; d++) {
        for (uint32_t i = 0; i < file->dictionary[d].count; i++)
            letters += strlen(file->dictionary[d].entries[i]);
    }
    TOLL_ASSERT(letters <= SPARSE_BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct toll_arrow_file *file;
    struct toll_error error;
    size_t bytes;
    uint8_t *image = sparse_expand(data, size, &bytes);
    if (image == NULL)
        return 0;
    sparse_seal(image, bytes);
    const struct toll_arrow_source source = {.name = "f.arrow", .bytes = image, .size = (int64_t)bytes};
    const int code = toll_arrow_open(&source, NULL, &file, &error);
    if (code == 0) {
        check_dictionaries(file);
        for (int64_t i = 0; i < file->batches; i++) {
            for (unsigned b = 0; b < file->buffers; b++) {
                const struct toll_arrow_place *place = toll_arrow_place(file, i, b);
                TOLL_ASSERT(place->offset >= 0 && place->offset % TOLL_ARROW_ALIGNMENT == 0);
                TOLL_ASSERT((size_t)place->offset + toll_arrow_pad(place->bytes) <= bytes);
            }
        }
        if (file->batches == 1)
            check_again(file, image);
        toll_arrow_close(file);
    } else {
        fuzz_check_error(code, &error);
    }
    free(image);
    return 0;
}
