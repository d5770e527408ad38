/*
 * The CSV lexer against a slow one that goes byte by byte and by the text of text/csv.h alone; and in two
 * pieces cut at a line end, as the import reads a file by several threads, against one piece.
 *
 * Input: one byte of options, one for the separator, the rest is the file.
 */
#include "fuzz.h"
#include "text/csv.h"

#define ROOM 16

struct model_row {
    size_t offset, bytes, next;
    long lines; /* line ends up to `next` */
    bool unbalanced, found, skip;
};

/* The end of the row that starts at `at`: quotes hold line ends back only where they close again. */
static size_t model_end(const struct toll_csv *csv, size_t at, bool multiline, bool *found, bool *odd)
{
    bool inside = false;
    size_t i = at;
    for (; i < csv->size; i++) {
        if (csv->data[i] == '"')
            inside = !inside;
        if (csv->data[i] == csv->line_end && !(multiline && inside))
            break;
    }
    *found = i < csv->size;
    *odd = inside;
    return i;
}

static struct model_row model_next(const struct toll_csv *csv, size_t at)
{
    struct model_row row = {.offset = at};
    size_t end = model_end(csv, at, csv->multiline, &row.found, &row.unbalanced);
    if (csv->multiline && row.unbalanced)
        end = model_end(csv, at, false, &row.found, &row.unbalanced);
    row.next = row.found ? end + 1 : end;
    for (size_t i = at; i < row.next; i++)
        row.lines += csv->data[i] == csv->line_end;
    if (csv->line_end == '\n' && end > at && csv->data[end - 1] == '\r')
        end--;
    row.bytes = end - at;
    row.skip = row.bytes == 0;
    return row;
}

/* Field by field: what stands between separators outside quotes. */
static void check_fields(const struct toll_csv *csv, const struct model_row *row,
                         const struct toll_csv_field *fields, uint32_t room, uint32_t count)
{
    const char *at = csv->data + row->offset, *const end = at + row->bytes;
    char plain[256];
    uint32_t i = 0;
    for (;; i++) {
        const char *stop = at;
        bool inside = false;
        for (; stop < end && (inside || *stop != csv->separator); stop++)
            inside ^= *stop == '"';
        while (csv->skip_blank_after_separator && i > 0 && at < stop && (*at == ' ' || *at == '\t'))
            at++;
        const bool quoted = stop - at >= 2 && *at == '"' && stop[-1] == '"';
        const char *text = quoted ? at + 1 : at;
        const size_t bytes = (size_t)(stop - at) - (quoted ? 2 : 0);
        if (i < room) {
            const bool doubled = bytes > 0 && memchr(text, '"', bytes) != NULL;
            TOLL_ASSERT(fields[i].quoted == quoted && fields[i].doubled == doubled);
            TOLL_ASSERT(fields[i].bytes == bytes && fields[i].text == text);
            if (bytes <= sizeof plain)
                TOLL_ASSERT(toll_csv_unquote(&fields[i], plain) <= bytes);
        }
        if (stop == end)
            break;
        at = stop + 1;
    }
    TOLL_ASSERT(count == i + 1);
}

static void check_whole(const struct toll_csv *opened, uint32_t room)
{
    struct toll_csv csv = *opened;
    struct toll_csv_field fields[ROOM];
    size_t at = opened->offset;
    long line = 1;
    for (;;) {
        struct model_row row = {.skip = true};
        uint32_t count;
        while (row.skip && at < csv.size) {
            row = model_next(&csv, at);
            at = row.next;
            line += row.skip ? row.lines : 0;
        }
        const int got = toll_csv_next(&csv, fields, room, &count);
        TOLL_ASSERT(got == !row.skip);
        if (!got)
            break;
        TOLL_ASSERT(csv.row_offset == row.offset && csv.row_bytes == row.bytes && csv.offset == row.next);
        TOLL_ASSERT(csv.row_line == line && !csv.too_long);
        TOLL_ASSERT(csv.unbalanced == row.unbalanced && csv.unterminated == !row.found);
        TOLL_ASSERT(csv.has_nul == (memchr(csv.data + row.offset, 0, row.bytes) != NULL));
        TOLL_ASSERT(csv.has_quotes == (memchr(csv.data + row.offset, '"', row.bytes) != NULL));
        check_fields(&csv, &row, fields, room, count);
        line += row.lines;
    }
}

/* [0, cut) and [cut, size) have the rows of the whole, which a line end before the cut makes sure of. */
static void check_pieces(const struct toll_csv *opened, size_t cut)
{
    struct toll_csv whole = *opened, piece = *opened;
    struct toll_csv_field a[ROOM], b[ROOM];
    uint32_t a_count, b_count;
    piece.size = cut;
    while (toll_csv_next(&whole, a, ROOM, &a_count)) {
        if (!toll_csv_next(&piece, b, ROOM, &b_count)) {
            TOLL_ASSERT(piece.size == cut && whole.row_offset >= cut);
            piece.size = opened->size;
            TOLL_ASSERT(toll_csv_next(&piece, b, ROOM, &b_count));
        }
        TOLL_ASSERT(a_count == b_count && whole.row_offset == piece.row_offset);
        TOLL_ASSERT(whole.row_bytes == piece.row_bytes && whole.row_line == piece.row_line);
        TOLL_ASSERT(whole.unbalanced == piece.unbalanced && whole.unterminated == piece.unterminated);
        for (uint32_t i = 0; i < a_count && i < ROOM; i++)
            TOLL_ASSERT(a[i].text == b[i].text && a[i].bytes == b[i].bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char separators[] = ",;\t|: ";
    struct fuzz_input input = {data, size};
    const unsigned options = (unsigned)fuzz_take(&input, 1);
    const char separator = separators[fuzz_take(&input, 1) % (sizeof separators - 1)];
    struct toll_csv csv;
    if (input.left >= 60000)
        return 0; /* far below TOLL_CSV_ROW_MAX, which the model leaves out */
    toll_csv_open(&csv, (const char *)input.at, input.left, separator, (options & 1) != 0,
                  (options & 2) != 0);
    check_whole(&csv, options >> 2 & (ROOM - 1));
    if (!csv.multiline && csv.size > csv.offset) {
        const size_t from = csv.offset + (options * 977u) % (csv.size - csv.offset);
        const char *end = memchr(csv.data + from, csv.line_end, csv.size - from);
        if (end != NULL)
            check_pieces(&csv, (size_t)(end - csv.data) + 1);
    }
    return 0;
}
