/* destinations.csv: the book's own names for prefixes, which rules use. Values of the trie are destination
 * ids. */
#include "base/digits.h"
#include "ratetable/doubts.h"
#include "ratetable/lpm.h"
#include "ratetable/prefix_cell.h"
#include "ratetable/sort.h"

enum { PREFIX, DESTINATION, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {
    [PREFIX] = {"prefix", true}, [DESTINATION] = {"destination", true}};

struct destination_row {
    uint64_t prefix;
    uint32_t destination, line, column, spare;
};

static unsigned digits_of(uint64_t prefix)
{
    return prefix == TOLL_PREFIX_EVERYTHING ? 0 : toll_digits_count(prefix);
}

static int read_row(struct toll_build *build, const struct toll_table *table, struct toll_buffer *ranges,
                    struct toll_buffer *rows)
{
    const struct toll_cell *prefix = toll_table_cell(table, PREFIX), *name;
    uint32_t id, first, *text;
    int result;

    if (!toll_cell_name(table, DESTINATION, &name))
        return 0;
    if (!toll_table_names_add(&build->destinations, name->text, name->bytes, name->line, &id, &first))
        return toll_build_memory(build);
    if (id > 0) {
        text = TOLL_BUILD_ADD(build, DESTINATION_NAMES, uint32_t);
        if (text == NULL || !toll_build_text(build, name->text, name->bytes, text))
            return toll_build_memory(build);
    } else {
        id = toll_table_names_find(&build->destinations, name->text, name->bytes);
    }
    result = toll_prefix_cell(table, prefix, ranges);
    if (result < 0)
        return toll_build_memory(build);
    for (size_t i = 0; i < ranges->count && result == 1; i++) {
        const struct toll_prefix_range range = *TOLL_BUFFER_AT(ranges, struct toll_prefix_range, i);
        uint64_t key = range.first;
        if (range.count > TOLL_DECK_KEYS_MAX - rows->count) {
            toll_cell_finding(table, prefix, TOLL_ERROR, "\"%.40s\": the table has more than %u prefixes",
                              prefix->text, TOLL_DECK_KEYS_MAX);
            return 0;
        }
        for (uint64_t k = 0; k < range.count; k++) {
            struct destination_row *row = TOLL_BUFFER_ADD(rows, struct destination_row);
            if (row == NULL)
                return toll_build_memory(build);
            *row = (struct destination_row){key, id, (uint32_t)prefix->line, (uint32_t)prefix->column, 0};
            if (key != TOLL_PREFIX_EVERYTHING)
                key = toll_digits_next(key);
        }
    }
    return 0;
}

/* Reports prefixes that are there twice and puts the others into the trie, shortest first. */
static bool make_trie(struct toll_build *build, const char *path, const struct toll_buffer *rows,
                      struct toll_sort_pair *pairs, struct toll_lpm_builder *builder)
{
    for (size_t i = 0; i < rows->count; i++)
        pairs[i] =
            (struct toll_sort_pair){TOLL_BUFFER_AT(rows, struct destination_row, i)->prefix, (uint32_t)i, 0};
    if (!toll_sort_pairs(pairs, rows->count))
        return false;
    for (unsigned digits = 0; digits <= TOLL_DIGITS_MAX; digits++) {
        for (size_t i = 0; i < rows->count; i++) {
            const struct destination_row *row = TOLL_BUFFER_AT(rows, struct destination_row, pairs[i].index),
                                         *first;
            uint32_t shorter;
            if (digits_of(pairs[i].key) != digits)
                continue;
            if (i == 0 || pairs[i - 1].key != pairs[i].key) {
                if (!toll_lpm_insert(builder, row->prefix, digits, row->destination, &shorter) ||
                    (build->doubts != NULL && !toll_doubt_parent(build->doubts, row->destination, shorter)))
                    return false;
                continue;
            }
            char text[TOLL_DIGITS_TEXT_BYTES] = "";
            first = TOLL_BUFFER_AT(rows, struct destination_row, pairs[i - 1].index);
            if (digits > 0)
                toll_digits_text(row->prefix, text);
            toll_finding(build->findings, TOLL_ERROR, path, row->line, row->column,
                         "the prefix \"%s\" is here for the second time; the first is in line %u", text,
                         first->line);
        }
    }
    return true;
}

static int store(struct toll_build *build, const char *path, const struct toll_buffer *rows)
{
    struct toll_sort_pair *pairs = malloc((rows->count + 1) * sizeof(*pairs));
    struct toll_lpm_builder builder;
    struct toll_lpm *place = TOLL_BUILD_ADD(build, DESTINATION_LPM, struct toll_lpm);
    const bool good = toll_lpm_begin(&builder) && pairs != NULL && place != NULL &&
                      make_trie(build, path, rows, pairs, &builder) &&
                      toll_lpm_finish(&builder, &build->sections[TOLL_SECTION_LPM_WORDS], place);

    toll_lpm_end(&builder);
    free(pairs);
    return good ? 0 : toll_build_memory(build);
}

int toll_build_destinations(struct toll_build *build)
{
    struct toll_buffer ranges = {0}, rows = {0};
    struct toll_source *source;
    struct toll_table *table;
    int code;

    if (TOLL_BUILD_ADD(build, DESTINATION_NAMES, uint32_t) == NULL)
        return toll_build_memory(build);
    code = toll_build_table(build, "destinations.csv", columns, COLUMNS, &table);
    if (code != 0 || table == NULL)
        return code;
    while (code == 0 && toll_table_next(table) == 1)
        code = read_row(build, table, &ranges, &rows);
    toll_table_close(table);
    if (code == 0)
        code = toll_build_source(build, "destinations.csv", &source);
    if (code == 0 && rows.count > 0)
        code = store(build, source->path, &rows);
    toll_buffer_free(&ranges);
    toll_buffer_free(&rows);
    return code;
}
