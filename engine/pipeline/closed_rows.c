/*
 * Which rows of a dataset are closed. A part that is what it was: row by row as the state says. A day that
 * was imported into since has new parts, sorted like the old ones: both are walked side by side, and a row of
 * the new ones is closed if it is a closed row of the old ones.
 */
#include "pipeline/after.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the rows that are closed");
}

static uint64_t *make_bits(struct toll_closed_rows *closed, size_t at, int64_t rows)
{
    if (closed->bits[at] == NULL)
        closed->bits[at] = calloc((size_t)((rows + 63) / 64), sizeof **closed->bits);
    return closed->bits[at];
}

static int copy_bits(struct toll_closed_rows *closed, size_t at, const struct toll_state *state,
                     const struct toll_state_part *old, struct toll_error *error)
{
    uint64_t *bits = make_bits(closed, at, old->rows);
    if (bits == NULL)
        return no_memory(error);
    closed->rows += old->closed;
    if (old->first_word >= 0) {
        memcpy(bits, state->closed_words + old->first_word, (size_t)((old->rows + 63) / 64) * sizeof *bits);
        return 0;
    }
    for (int64_t i = 0; i < old->rows; i++)
        bits[i / 64] |= UINT64_C(1) << i % 64;
    return 0;
}

/* ---- joining a day ---- */

/* Walks the rows of one day's parts, old or new. */
struct walk {
    const struct toll_dataset *dataset;
    struct toll_dataset_part parts[16]; /* a day has one part today */
    const struct toll_state_part *old[16];
    size_t count, at; /* at: the open one; count: none is */
    struct toll_cdr_part *part;
    void *buffer;
    struct toll_cdr_batch batch;
    int64_t batch_index, index; /* in the batch */
    bool end;
};
#define WALK_PARTS 16
#define KEY_COLUMNS                                                                    \
    (TOLL_CDR_COLUMN_BIT(TOLL_CDR_START) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_DURATION_MS) | \
     TOLL_CDR_COLUMN_BIT(TOLL_CDR_CALLER) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_CALLEE) |     \
     TOLL_CDR_COLUMN_BIT(TOLL_CDR_RECORD_KEY_HIGH) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_RECORD_KEY_LOW))

static void close_part(struct walk *walk)
{
    if (walk->part != NULL)
        toll_cdr_part_close(walk->part);
    free(walk->buffer);
    walk->part = NULL;
    walk->buffer = NULL;
}

static int open_part(struct walk *walk, struct toll_error *error)
{
    const struct toll_dataset one = {.io = walk->dataset->io,
                                     .path = walk->dataset->path,
                                     .directory = walk->dataset->directory,
                                     .parts = &walk->parts[walk->at],
                                     .part_count = 1};
    struct toll_error reason;
    int rc = toll_dataset_part_open(&one, 0, TOLL_READ_PREAD, &walk->part, &reason);
    if (rc != 0 && walk->old[walk->at] != NULL) {
        char name[TOLL_PART_NAME_BYTES];
        toll_dataset_part_name(walk->parts + walk->at, name);
        return toll_error_set(
            error, rc,
            "%s/parts/%s.arrow: the day was imported into since it was closed, and what it was "
            "then is missing or damaged (%s); restore that file from a backup, or rate and "
            "close the day's period again without --after",
            walk->dataset->path, name, reason.text);
    }
    if (rc != 0)
        return toll_error_set(error, rc, "%s", reason.text);
    const size_t room = toll_cdr_batch_buffer_bytes(walk->part, KEY_COLUMNS);
    walk->buffer = aligned_alloc(4096, (room + 4095) / 4096 * 4096 + 4096);
    walk->batch_index = -1;
    walk->index = 0;
    walk->batch.rows = 0;
    return walk->buffer == NULL ? no_memory(error) : 0;
}

/* To the next row. */
static int step(struct walk *walk, struct toll_error *error)
{
    walk->index++;
    while (!walk->end && (walk->part == NULL || walk->index >= walk->batch.rows)) {
        int rc = 0;
        if (walk->part != NULL && walk->batch_index + 1 < toll_cdr_part_batches(walk->part)) {
            walk->index = 0;
            rc = toll_cdr_part_batch(walk->part, ++walk->batch_index, KEY_COLUMNS, walk->buffer, &walk->batch,
                                     error);
        } else {
            if (walk->part != NULL)
                walk->at++;
            close_part(walk);
            if (walk->at < walk->count)
                rc = open_part(walk, error);
            else
                walk->end = true;
        }
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int begin(struct walk *walk, struct toll_error *error)
{
    walk->index = -1;
    return step(walk, error);
}

static int64_t row_of(const struct walk *walk)
{
    return walk->batch_index * TOLL_BATCH_ROWS + walk->index;
}

#define ORDER(a, b)                    \
    do {                               \
        if ((a) != (b))                \
            return (a) < (b) ? -1 : 1; \
    } while (0)
static int compare(const struct walk *a, const struct walk *b)
{
    const int64_t i = a->index, k = b->index;
    ORDER(a->batch.start[i], b->batch.start[k]);
    ORDER(a->batch.record_key_high[i], b->batch.record_key_high[k]);
    ORDER(a->batch.record_key_low[i], b->batch.record_key_low[k]);
    ORDER(a->batch.caller[i], b->batch.caller[k]);
    ORDER(a->batch.callee[i], b->batch.callee[k]);
    ORDER(a->batch.duration_ms[i], b->batch.duration_ms[k]);
    return 0;
}

static int vanished(const struct toll_dataset *dataset, int64_t day, struct toll_error *error)
{
    char text[TOLL_TIME_TEXT_BYTES];
    toll_day_format(day, text);
    return toll_error_set(error, TOLL_EDATA,
                          "%s: a call of %s that is closed is not there any more; import its file again, or "
                          "leave the day out with --from or --to",
                          dataset->path, text);
}

/* Both walks stand at their first rows. */
static int walk_both(struct toll_closed_rows *closed, const struct toll_state *state, size_t first_at,
                     struct walk *new_rows, struct walk *old_rows, struct toll_error *error)
{
    int rc = 0;
    while (rc == 0 && !old_rows->end) {
        const bool was_closed = toll_state_row_closed(state, old_rows->old[old_rows->at], row_of(old_rows));
        const int order = new_rows->end ? 1 : compare(new_rows, old_rows);
        if (order > 0 && was_closed)
            return vanished(old_rows->dataset, old_rows->parts[0].day, error);
        if (order == 0 && was_closed) {
            const size_t at = first_at + new_rows->at;
            uint64_t *bits = make_bits(closed, at, new_rows->parts[new_rows->at].rows);
            if (bits == NULL)
                return no_memory(error);
            bits[row_of(new_rows) / 64] |= UINT64_C(1) << row_of(new_rows) % 64;
            closed->rows++;
        }
        if (order >= 0)
            rc = step(old_rows, error);
        if (rc == 0 && order <= 0)
            rc = step(new_rows, error);
    }
    return rc;
}

/* first_at: in `closed`, of the day's first part. */
static int join_day(struct toll_closed_rows *closed, const struct toll_state *state,
                    const struct toll_dataset *dataset, size_t first, size_t count, struct toll_error *error)
{
    struct walk *walks = calloc(2, sizeof *walks);
    if (walks == NULL)
        return no_memory(error);
    struct walk *new_rows = &walks[0], *old_rows = &walks[1];
    const int64_t day = dataset->parts[first].day;
    int rc = 0;
    new_rows->dataset = old_rows->dataset = dataset;
    for (size_t i = 0; i < count && i < WALK_PARTS; i++)
        new_rows->parts[new_rows->count++] = dataset->parts[first + i];
    for (int64_t i = 0; i < state->part_count; i++) {
        const struct toll_state_part *old = &state->parts[i];
        if (old->day != day || old_rows->count == WALK_PARTS)
            continue;
        old_rows->old[old_rows->count] = old;
        old_rows->parts[old_rows->count++] = (struct toll_dataset_part){
            .day = day,
            .part = old->part,
            .generation = old->generation,
            .rows = old->rows,
            .seal = {old->bytes, {(uint64_t)old->digest_low, (uint64_t)old->digest_high}},
        };
    }
    if (count > WALK_PARTS || old_rows->count == WALK_PARTS)
        rc = toll_error_set(error, TOLL_EDATA, "%s: a day has too many parts to be rated after a closed run",
                            dataset->path);
    if (rc == 0)
        rc = begin(new_rows, error);
    if (rc == 0)
        rc = begin(old_rows, error);
    if (rc == 0)
        rc = walk_both(closed, state, first - closed->first, new_rows, old_rows, error);
    close_part(new_rows);
    close_part(old_rows);
    free(walks);
    return rc;
}

/* ---- all parts ---- */

/* Closed days of which the dataset has nothing at all. */
static int find_vanished(const struct toll_closed_rows *closed, const struct toll_state *state,
                         const struct toll_dataset *dataset, int64_t from_day, int64_t to_day,
                         struct toll_error *error)
{
    size_t at = closed->first;
    const size_t last = closed->first + closed->count;
    for (int64_t i = 0; i < state->part_count; i++) {
        const int64_t day = state->parts[i].day;
        if (day < from_day || day >= to_day || state->parts[i].closed == 0)
            continue;
        while (at < last && dataset->parts[at].day < day)
            at++;
        if (at == last || dataset->parts[at].day != day)
            return vanished(dataset, day, error);
    }
    return 0;
}

/* The dataset's parts [first, last) of one day. */
static int find_day(struct toll_closed_rows *closed, const struct toll_state *state,
                    const struct toll_dataset *dataset, size_t first, size_t last, struct toll_error *error)
{
    int64_t known = 0, same = 0;
    int rc = 0;
    for (int64_t i = 0; i < state->part_count; i++)
        known += state->parts[i].day == dataset->parts[first].day;
    for (size_t i = first; i < last; i++)
        same += toll_state_has_part(state, dataset->parts[i].day, dataset->parts[i].part,
                                    dataset->parts[i].rows, &dataset->parts[i].seal);
    if (known != same)
        return join_day(closed, state, dataset, first, last - first, error);
    for (size_t i = first; rc == 0 && i < last; i++) {
        const struct toll_state_part *old =
            toll_state_part_find(state, dataset->parts[i].day, dataset->parts[i].part);
        if (old != NULL)
            rc = copy_bits(closed, i - closed->first, state, old, error);
    }
    return rc;
}

int toll_closed_rows_find(struct toll_closed_rows *closed, const struct toll_state *state,
                          const struct toll_dataset *dataset, size_t first, size_t last, int64_t from_day,
                          int64_t to_day, struct toll_error *error)
{
    *closed = (struct toll_closed_rows){
        .bits = calloc(last - first + 1, sizeof *closed->bits), .first = first, .count = last - first};
    if (closed->bits == NULL)
        return no_memory(error);
    int rc = find_vanished(closed, state, dataset, from_day, to_day, error);
    for (size_t i = first, end; rc == 0 && i < last; i = end) {
        for (end = i; end < last && dataset->parts[end].day == dataset->parts[i].day;)
            end++;
        rc = find_day(closed, state, dataset, i, end, error);
    }
    return rc;
}

void toll_closed_rows_free(struct toll_closed_rows *closed)
{
    for (size_t i = 0; closed->bits != NULL && i < closed->count; i++)
        free(closed->bits[i]);
    free(closed->bits);
    *closed = (struct toll_closed_rows){0};
}
