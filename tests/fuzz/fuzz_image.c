/*
 * A book's image: the sections of a sound one, changed as the input says, then sealed again with the right
 * checksums. What is opened is used for lookups and for rating; nothing may lead out of the image.
 *
 * Input: steps of one byte for the section, one for what to do, 4 for where, 1 for a length, and so many
 * bytes. Section 255 is the header, which is left as the steps made it.
 */
#include "book/image.h"
#include "book_base.h"
#include "book_use.h"

#define SECTION_ROOM 524288u

enum { SET_BYTES, CUT, APPEND, REPLACE, SET_WORD, ADD_TO_WORD, REPEAT, STEPS };

struct section {
    uint8_t *bytes; /* SECTION_ROOM of them; the sound image's own until it is changed */
    size_t count;
    bool changed;
};

static uint8_t *base;
static size_t base_bytes;
static struct toll_image_header base_header;

static void make_base(void)
{
    struct memory_io memory;
    struct toll_compile_result result;
    if (base != NULL)
        return;
    memory_io_init(&memory);
    book_base_add_tariffs(&memory);
    TOLL_ASSERT(toll_book_compile(&memory.io, MEMORY_FOLDER, NULL, &base, &base_bytes, &result, NULL) == 0);
    memcpy(&base_header, base, sizeof base_header);
}

static const struct toll_image_section *base_table(void)
{
    return (const void *)(base + TOLL_IMAGE_PAGE);
}

static void change(struct section *section, uint32_t record, unsigned step, uint32_t where,
                   const uint8_t *from, size_t length)
{
    uint32_t word = 0;
    memcpy(&word, from, length < 4 ? length : 4);
    const size_t at = section->count == 0 ? 0 : where % section->count, word_at = at & ~(size_t)3;
    switch (step % STEPS) {
    case SET_BYTES:
        for (size_t i = 0; i < length && at + i < section->count; i++)
            section->bytes[at + i] = from[i];
        break;
    case CUT:
        section->count = where % (section->count / record + 1) * record;
        break;
    case REPLACE:
        section->count = 0;
        /* fall through */
    case APPEND:
        if (section->count + length <= SECTION_ROOM) {
            memcpy(section->bytes + section->count, from, length);
            section->count += length;
        }
        break;
    case SET_WORD:
    case ADD_TO_WORD:
        if (word_at + 4 <= section->count) {
            uint32_t was;
            memcpy(&was, section->bytes + word_at, 4);
            word = step % STEPS == SET_WORD ? word : was + word;
            memcpy(section->bytes + word_at, &word, 4);
        }
        break;
    case REPEAT: /* the last record once more */
        if (section->count >= record && section->count + record <= SECTION_ROOM) {
            memcpy(section->bytes + section->count, section->bytes + section->count - record, record);
            section->count += record;
        }
        break;
    }
}

static struct section *own(struct section sections[TOLL_SECTION_COUNT], uint32_t id)
{
    static uint8_t room[TOLL_SECTION_COUNT][SECTION_ROOM];
    struct section *section = &sections[id];
    if (!section->changed) {
        TOLL_ASSERT(section->count <= SECTION_ROOM);
        memcpy(room[id], section->bytes, section->count);
        *section = (struct section){room[id], section->count, true};
    }
    return section;
}

static void take_steps(struct section sections[TOLL_SECTION_COUNT], struct toll_image_header *header,
                       struct fuzz_input *input)
{
    while (input->left > 0) {
        const unsigned id = (unsigned)fuzz_take(input, 1), step = (unsigned)fuzz_take(input, 1);
        const uint32_t where = (uint32_t)fuzz_take(input, 4);
        size_t length;
        const uint8_t *from = fuzz_span(input, fuzz_take(input, 1), &length);
        if (id == 255) {
            for (size_t i = 0; i < length; i++)
                ((uint8_t *)header)[(where + i) % sizeof *header] = from[i];
            continue;
        }
        change(own(sections, id % TOLL_SECTION_COUNT), toll_section_bytes[id % TOLL_SECTION_COUNT], step,
               where, from, length);
    }
}

static bool zones_in_range(const uint8_t *image, const struct toll_image_section *table)
{
    const struct toll_embedded *zones = (const void *)(image + table[TOLL_SECTION_ZONES].offset);
    const uint64_t strings = table[TOLL_SECTION_STRINGS].bytes;
    for (uint64_t i = 0; i < table[TOLL_SECTION_ZONES].bytes / sizeof *zones; i++) {
        if (zones[i].name >= strings || zones[i].offset > table[TOLL_SECTION_ZONE_BYTES].bytes ||
            zones[i].bytes > table[TOLL_SECTION_ZONE_BYTES].bytes - zones[i].offset)
            return false;
    }
    return strings > 0 && image[table[TOLL_SECTION_STRINGS].offset + strings - 1] == 0;
}

/* The image of the sections, sealed, at exactly its size. */
static uint8_t *seal(const struct section sections[TOLL_SECTION_COUNT], struct toll_image_header *header,
                     size_t *bytes)
{
    struct toll_image_section table[TOLL_SECTION_COUNT];
    uint64_t end = TOLL_IMAGE_SECTIONS_AT;
    const bool changed = memcmp(header, &base_header, sizeof *header) != 0;
    for (uint32_t id = 0; id < TOLL_SECTION_COUNT; id++) {
        const uint64_t start = (end + TOLL_IMAGE_ALIGN - 1) / TOLL_IMAGE_ALIGN * TOLL_IMAGE_ALIGN;
        table[id] = (struct toll_image_section){
            .id = id,
            .record_bytes = toll_section_bytes[id],
            .offset = start,
            .bytes = sections[id].count,
            .hash = sections[id].changed ? toll_hash(sections[id].bytes, sections[id].count)
                                         : base_table()[id].hash};
        end = start + sections[id].count;
    }
    uint8_t *image = calloc(1, end);
    TOLL_ASSERT(image != NULL);
    for (uint32_t id = 0; id < TOLL_SECTION_COUNT; id++)
        memcpy(image + table[id].offset, sections[id].bytes, sections[id].count);
    memcpy(image + TOLL_IMAGE_PAGE, table, sizeof table);
    if (!changed)
        header->image_bytes = end;
    if (!changed && zones_in_range(image, table))
        toll_image_tzdata_hash((const void *)(image + table[TOLL_SECTION_ZONES].offset),
                               table[TOLL_SECTION_ZONES].bytes / sizeof(struct toll_embedded),
                               (const char *)image + table[TOLL_SECTION_STRINGS].offset,
                               image + table[TOLL_SECTION_ZONE_BYTES].offset, &header->tzdata_hash);
    memcpy(image, header, sizeof *header);
    TOLL_ASSERT(toll_image_hash(image, &header->book_hash));
    memcpy(image, header, sizeof *header);
    *bytes = end;
    return image;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct section sections[TOLL_SECTION_COUNT];
    struct fuzz_input input = {data, size};
    struct toll_image_header header;
    struct toll_error error;
    struct toll_book *book;
    size_t bytes;
    make_base();
    header = base_header;
    for (uint32_t id = 0; id < TOLL_SECTION_COUNT; id++) {
        const struct toll_image_section *section = &base_table()[id];
        sections[id] = (struct section){base + section->offset, section->bytes, false};
    }
    take_steps(sections, &header, &input);
    uint8_t *image = seal(sections, &header, &bytes);
    const int code = toll_book_open_bytes(image, bytes, "b.image", &book, &error);
    if (code == 0) {
        use_lookups(book);
        use_rating(book);
        toll_book_close(book);
    } else {
        fuzz_check_error(code, &error);
    }
    free(image);
    return 0;
}
