/*
 * A part of CDRs: every batch with all its columns. What a batch is handed out with may be used as an index.
 *
 * Input: see sparse.h.
 */
#include "mmap_cdr/part.h"
#include "sparse.h"

static void check_ids(const struct toll_cdr_part *part, const struct toll_cdr_batch *batch)
{
    const struct {
        enum toll_cdr_column column;
        const int32_t *ids;
    } wide[] = {{TOLL_CDR_TRUNK, batch->trunk},
                {TOLL_CDR_HINT, batch->hint},
                {TOLL_CDR_CALLTYPE, batch->calltype},
                {TOLL_CDR_SOURCE_FILE, batch->source_file}};
    const struct toll_cdr_dictionary carriers = toll_cdr_part_dictionary(part, TOLL_CDR_CARRIER);
    for (size_t c = 0; c < sizeof wide / sizeof *wide; c++) {
        const struct toll_cdr_dictionary words = toll_cdr_part_dictionary(part, wide[c].column);
        TOLL_ASSERT((wide[c].ids != NULL) == toll_cdr_part_has(part, wide[c].column));
        for (int64_t i = 0; wide[c].ids != NULL && i < batch->rows; i++) {
            TOLL_ASSERT(wide[c].ids[i] >= 0 && (uint32_t)wide[c].ids[i] < words.count);
            TOLL_ASSERT(words.entries[wide[c].ids[i]] != NULL);
        }
    }
    for (int64_t i = 0; i < batch->rows; i++)
        TOLL_ASSERT(batch->carrier[i] < carriers.count);
}

/* Every value is read once, so that a column that is too short is seen. */
static uint64_t sum(const struct toll_cdr_batch *batch)
{
    uint64_t total = 0;
    for (int64_t i = 0; i < batch->rows; i++) {
        total += (uint64_t)batch->start[i] + (uint64_t)batch->duration_ms[i] + batch->caller[i] +
                 batch->callee[i] + batch->kind[i] + batch->record_key_high[i] + batch->record_key_low[i] +
                 (uint64_t)batch->source_row[i];
        if (batch->charged != NULL)
            total += batch->charged[i];
        if (batch->quantity != NULL)
            total += (uint64_t)batch->quantity[i];
        if (batch->provider_tax != NULL)
            total += (uint64_t)batch->provider_tax[i];
    }
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct toll_cdr_part *part;
    struct toll_error error;
    volatile uint64_t total = 0;
    size_t bytes;
    int64_t rows = 0;
    uint8_t *image = sparse_expand(data, size, &bytes);
    if (image == NULL)
        return 0;
    sparse_seal(image, bytes);
    int code = toll_cdr_part_open_bytes(image, bytes, "p.arrow", NULL, &part, &error);
    if (code == 0) {
        for (int64_t i = 0; code == 0 && i < toll_cdr_part_batches(part); i++) {
            struct toll_cdr_batch batch;
            code = toll_cdr_part_batch(part, i, TOLL_CDR_ALL_COLUMNS, NULL, &batch, &error);
            if (code != 0)
                break;
            TOLL_ASSERT(batch.first_row == rows && batch.rows > 0);
            rows += batch.rows;
            check_ids(part, &batch);
            total = total + sum(&batch);
        }
        TOLL_ASSERT(code != 0 || rows == toll_cdr_part_rows(part));
        toll_cdr_part_close(part);
    }
    if (code != 0)
        fuzz_check_error(code, &error);
    free(image);
    return 0;
}
