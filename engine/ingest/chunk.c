/* Chunks that were read: their place among the others, and their end. */
#include "ingest/rows.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* The run's id of each of the chunk's names. False when out of memory. *map NULL: they are the same. */
static bool map_names(struct toll_strings *from, struct toll_strings *to, uint32_t **map)
{
    bool same = true;

    *map = calloc((size_t)from->count + 1, sizeof **map);
    if (*map == NULL)
        return false;
    for (uint32_t id = 1; id <= from->count; id++) {
        size_t bytes;
        const char *text = toll_strings_text(from, id, &bytes);

        (*map)[id] = toll_strings_add(to, text, bytes);
        if ((*map)[id] == 0)
            return false;
        same &= (*map)[id] == id;
    }
    if (same) {
        free(*map);
        *map = NULL;
    }
    return true;
}

int toll_chunk_settle(struct toll_chunk *chunk, struct toll_row_names *names, uint32_t source,
                      int64_t rows_before, long first_line, struct toll_error *error)
{
    for (int i = 0; i < TOLL_NAME_SOURCE; i++) {
        if (!map_names(&chunk->strings[i], &names->strings[i], &chunk->maps[i]))
            return toll_error_set(error, TOLL_ENOMEM, "out of memory while collecting names");
        toll_strings_free(&chunk->strings[i]);
    }
    chunk->source = source;
    chunk->rows_before = (int32_t)rows_before;
    for (size_t i = 0; i < chunk->reject_count; i++)
        chunk->rejects[i].line += first_line - 1;
    return 0;
}

void toll_chunk_drop_rows(struct toll_chunk *chunk)
{
    free(chunk->rows);
    chunk->rows = NULL;
    chunk->row_capacity = 0;
    toll_row_store_free(&chunk->store);
}

void toll_chunk_free(struct toll_chunk *chunk)
{
    toll_chunk_drop_rows(chunk);
    free(chunk->rejects);
    for (int i = 0; i < TOLL_NAMES; i++) {
        toll_strings_free(&chunk->strings[i]);
        free(chunk->maps[i]);
    }
    memset(chunk, 0, sizeof *chunk);
}
