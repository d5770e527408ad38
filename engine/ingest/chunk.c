/* Chunks that were read: their place among the others, and their end. */
#include "ingest/rows.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

int toll_chunk_settle(struct toll_chunk *chunk, struct toll_row_names *names, uint32_t source,
                      int64_t rows_before, long first_line, struct toll_error *error)
{
    if (!toll_lexicon_settle(chunk->lexicon, names))
        return toll_error_set(error, TOLL_ENOMEM, "out of memory while collecting names");
    chunk->source = source;
    chunk->rows_before = (int32_t)rows_before;
    for (size_t i = 0; i < chunk->reject_count; i++)
        chunk->rejects[i].line += first_line - 1;
    return 0;
}

void toll_chunk_drop_rows(struct toll_chunk *chunk)
{
    if (chunk->columns != NULL)
        toll_lexicon_give_back(chunk->lexicon, chunk->columns);
    chunk->columns = NULL;
}

void toll_chunk_free(struct toll_chunk *chunk)
{
    toll_columns_free(chunk->columns);
    toll_row_store_free(&chunk->store);
    free(chunk->rejects);
    toll_lexicon_free(chunk->own);
    memset(chunk, 0, sizeof *chunk);
}
