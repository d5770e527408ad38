/* Which rows of the run are closed: settled, and before their account's closing time. */
#include "pipeline/close.h"

#include "base/error.h"

#include <stdlib.h>

#define COLUMNS TOLL_CDR_COLUMN_BIT(TOLL_CDR_START)

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the rows that are closed");
}

static void set(uint64_t *bits, int64_t row)
{
    bits[row / 64] |= UINT64_C(1) << row % 64;
}

static int do_row(struct toll_closing *closing, size_t at, int64_t row, toll_ms start,
                  const struct toll_line_batch *lines, int64_t i, struct toll_error *error)
{
    const unsigned status = lines->status[i];
    const int32_t id = lines->account[i];
    if (id < 0 || id >= closing->run.tables.account_count)
        return toll_error_set(error, TOLL_EDATA,
                              "%s: a line names an account that the run does not have; rate again",
                              closing->run.path);
    const uint32_t account = closing->account_ids[id];
    const bool before = status == TOLL_ZERO_CLOSED;
    const bool now = before || (status < TOLL_SUSPENSE_FIRST && start < closing->closed[account]);
    if (!now || before)
        set(closing->others[at], row);
    if (!now) {
        closing->open_rows |= status < TOLL_SUSPENSE_FIRST;
        return 0;
    }
    set(closing->bits[at], row);
    closing->counts[at]++;
    if (before || account == 0 || lines->charge[i] == 0)
        return 0;
    return toll_closing_charge(closing, account, start, lines->charge[i], error);
}

static int do_part(struct toll_closing *closing, size_t at, struct toll_error *error)
{
    struct toll_cdr_part *part = NULL;
    struct toll_lines *lines = NULL;
    void *cdr_room = NULL, *line_room = NULL;
    int rc = toll_dataset_part_open(&closing->dataset, closing->first + at, TOLL_READ_PREAD, &part, error);
    if (rc == 0)
        rc = toll_run_lines_open(&closing->run, at, TOLL_READ_PREAD, &lines, error);
    if (rc == 0) {
        cdr_room = aligned_alloc(4096, (toll_cdr_batch_buffer_bytes(part, COLUMNS) / 4096 + 1) * 4096);
        line_room = toll_lines_buffer_make(lines);
        if (cdr_room == NULL || line_room == NULL)
            rc = no_memory(error);
    }
    for (int64_t b = 0; rc == 0 && b < toll_cdr_part_batches(part); b++) {
        struct toll_cdr_batch cdrs;
        struct toll_line_batch batch;
        rc = toll_cdr_part_batch(part, b, COLUMNS, cdr_room, &cdrs, error);
        if (rc == 0)
            rc = toll_lines_batch(lines, b, line_room, &batch, error);
        for (int64_t i = 0; rc == 0 && i < cdrs.rows; i++)
            rc = do_row(closing, at, b * TOLL_BATCH_ROWS + i, cdrs.start[i], &batch, i, error);
    }
    free(cdr_room);
    free(line_room);
    toll_lines_close(lines);
    if (part != NULL)
        toll_cdr_part_close(part);
    return rc;
}

int toll_closing_find_rows(struct toll_closing *closing, struct toll_error *error)
{
    const size_t count = closing->last - closing->first;
    int rc = 0;
    closing->bits = calloc(count + 1, sizeof *closing->bits);
    closing->others = calloc(count + 1, sizeof *closing->others);
    closing->counts = calloc(count + 1, sizeof *closing->counts);
    closing->charge_of = calloc(closing->book->account_count + 1u, sizeof *closing->charge_of);
    if (closing->bits == NULL || closing->others == NULL || closing->counts == NULL ||
        closing->charge_of == NULL)
        return no_memory(error);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct toll_dataset_part *part = &closing->dataset.parts[closing->first + i];
        const size_t words = (size_t)((part->rows + 63) / 64);
        if (i == 0)
            closing->first_start = part->first_start;
        closing->last_start = part->last_start;
        closing->bits[i] = calloc(words, sizeof **closing->bits);
        closing->others[i] = calloc(words, sizeof **closing->others);
        rc = closing->bits[i] == NULL || closing->others[i] == NULL ? no_memory(error)
                                                                    : do_part(closing, i, error);
    }
    return rc;
}

void toll_closing_free_rows(struct toll_closing *closing)
{
    for (size_t i = 0; i < closing->last - closing->first; i++) {
        if (closing->bits != NULL)
            free(closing->bits[i]);
        if (closing->others != NULL)
            free(closing->others[i]);
    }
    free(closing->bits);
    free(closing->others);
    free(closing->counts);
    free(closing->charges);
    free(closing->charge_of);
    free(closing->periods);
    free(closing->draws);
    free(closing->tier_counts);
    toll_pools_free(closing->pools);
    toll_after_close(&closing->after);
    free(closing->state.closings);
    free(closing->state.parts);
    free(closing->state.closed_words);
    free(closing->state.charges);
    toll_arena_free(&closing->arena);
}
