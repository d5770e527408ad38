/*
 * Rated lines: what a batch is handed out with is in range, so that readers may use it as an index.
 *
 * Input: see sparse.h.
 */
#include "segment/lines.h"
#include "sparse.h"
#include "tollmill_segment.h"

#include <stdlib.h>

static void check_batch(const struct toll_line_batch *batch)
{
    volatile int64_t charge = 0;
    for (int64_t i = 0; i < batch->rows; i++) {
        TOLL_ASSERT(batch->account[i] >= 0 && batch->price[i] >= 0 && batch->billed[i] >= 0);
        TOLL_ASSERT(batch->tuple[i] >= 0 && toll_status_name(batch->status[i])[0] != 0);
        TOLL_ASSERT(batch->class_jurisdiction[i] >> 4 < TOLL_CLASSES);
        TOLL_ASSERT((batch->class_jurisdiction[i] & 15) < TOLL_CALL_JURISDICTIONS);
        TOLL_ASSERT(batch->pool == NULL || (batch->pool[i] >= 0 && batch->included[i] >= 0));
        TOLL_ASSERT(batch->cost == NULL || batch->cost_price[i] >= 0);
        charge = charge ^ batch->charge[i] ^ (batch->book == NULL ? 0 : batch->book[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct toll_lines *lines;
    struct toll_error error;
    size_t bytes;
    int64_t rows = 0;
    uint8_t *image = sparse_expand(data, size, &bytes);
    if (image == NULL)
        return 0;
    sparse_seal(image, bytes);
    int code = toll_lines_open_bytes(image, bytes, "l.arrow", NULL, &lines, &error);
    if (code == 0) {
        void *room = toll_lines_buffer_make(lines);
        TOLL_ASSERT(room != NULL);
        for (int64_t i = 0; code == 0 && i < toll_lines_batches(lines); i++) {
            struct toll_line_batch batch;
            code = toll_lines_batch(lines, i, room, &batch, &error);
            if (code != 0)
                break;
            rows += batch.rows;
            check_batch(&batch);
        }
        TOLL_ASSERT(code != 0 || rows == toll_lines_rows(lines));
        free(room);
        toll_lines_close(lines);
    }
    if (code != 0)
        fuzz_check_error(code, &error);
    free(image);
    return 0;
}
