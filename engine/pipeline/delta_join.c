/*
 * Parts that are not the same file for both runs: imported into since, or made with another mapping. Calls
 * are told apart by their record keys alone, over all such parts at once, so that one that moved to another
 * day is found; among calls of one key (legs, conflicts) those with the same start, ends and duration come
 * together first, and what remains in order.
 */
#include "pipeline/delta.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define JOIN_COLUMNS                                                                   \
    (TOLL_CDR_COLUMN_BIT(TOLL_CDR_START) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_DURATION_MS) | \
     TOLL_CDR_COLUMN_BIT(TOLL_CDR_CALLER) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_CALLEE) |     \
     TOLL_CDR_COLUMN_BIT(TOLL_CDR_RECORD_KEY_HIGH) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_RECORD_KEY_LOW))
#define ROW_BITS 40
#define ROW_MASK ((INT64_C(1) << ROW_BITS) - 1)
#define PARTS_OPEN \
    128 /* of the old run, as new rows ask for them: those of a day or two, or of each import */

struct entry {
    uint64_t high, low;
    uint64_t content; /* a digest of start, ends and duration */
    int64_t place;    /* part << ROW_BITS | row: in the order of the run */
};
struct list {
    struct entry *entries;
    size_t count;
};

struct open_part {
    struct toll_delta_part part;
    bool open;
    uint64_t used;
    bool *loaded; /* by batch, as the next two */
    struct toll_line_batch *lines;
    void **rooms; /* of lines whose columns are narrow */
    size_t batches;
    struct toll_cdr_batch *cdrs;
};
struct toll_delta_join {
    struct toll_delta_maker *maker;
    int64_t **old_of;   /* by new part: of each row its old place, -1 none; NULL: not joined */
    uint64_t **matched; /* by old part: a bit for each row */
    struct open_part open[PARTS_OPEN];
    struct open_part **open_of; /* by old part; NULL: it is not open */
    uint64_t clock;
};

/* ---- gathering ---- */

static int gather_part(const struct toll_delta_run *side, size_t index, struct list *list,
                       struct toll_error *error)
{
    struct toll_cdr_part *part;
    int rc = toll_dataset_part_open(&side->dataset, index, TOLL_READ_MMAP, &part, error);
    if (rc != 0)
        return rc;
    if (toll_cdr_part_rows(part) != side->run.manifest.parts[index].rows)
        rc = toll_error_set(error, TOLL_EDATA, "%s: a part has other rows than %s rated", side->dataset.path,
                            side->run.path);
    for (int64_t b = 0; rc == 0 && b < toll_cdr_part_batches(part); b++) {
        struct toll_cdr_batch batch;
        rc = toll_cdr_part_batch(part, b, JOIN_COLUMNS, NULL, &batch, error);
        for (int64_t i = 0; rc == 0 && i < batch.rows; i++) {
            const uint64_t content[] = {(uint64_t)batch.start[i], batch.caller[i], batch.callee[i],
                                        (uint64_t)batch.duration_ms[i]};
            list->entries[list->count++] =
                (struct entry){.high = batch.record_key_high[i],
                               .low = batch.record_key_low[i],
                               .content = toll_hash(content, sizeof content).low,
                               .place = (int64_t)index << ROW_BITS | (b * TOLL_BATCH_ROWS + i)};
        }
    }
    toll_cdr_part_close(part);
    return rc;
}

static int compare_keys(const struct entry *a, const struct entry *b)
{
    if (a->high != b->high)
        return a->high < b->high ? -1 : 1;
    return (a->low > b->low) - (a->low < b->low);
}

static int by_key(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    const int keys = compare_keys(x, y);
    if (keys != 0)
        return keys;
    if (x->content != y->content)
        return x->content < y->content ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static int by_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

static int gather(const struct toll_delta_run *side, const size_t *parts, size_t count, struct list *list,
                  struct toll_error *error)
{
    size_t rows = 0;
    int rc = 0;
    for (size_t i = 0; i < count; i++)
        rows += (size_t)side->run.manifest.parts[parts[i]].rows;
    list->entries = malloc((rows + 1) * sizeof *list->entries);
    if (list->entries == NULL)
        return toll_delta_no_memory(error);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = gather_part(side, parts[i], list, error);
    if (rc == 0)
        qsort(list->entries, list->count, sizeof *list->entries, by_key);
    return rc;
}

/* ---- matching ---- */

static void match(struct toll_delta_join *join, struct entry *before, struct entry *after)
{
    const int64_t old_row = before->place & ROW_MASK;
    join->old_of[after->place >> ROW_BITS][after->place & ROW_MASK] = before->place;
    join->matched[before->place >> ROW_BITS][old_row / 64] |= UINT64_C(1) << old_row % 64;
}

/* The calls of one key. What is matched by its content leaves the lists. */
static void match_group(struct toll_delta_join *join, struct entry *olds, size_t old_count,
                        struct entry *news, size_t new_count)
{
    size_t i = 0, k = 0, old_left = 0, new_left = 0;
    while (i < old_count && k < new_count) {
        if (olds[i].content == news[k].content)
            match(join, &olds[i++], &news[k++]);
        else if (olds[i].content < news[k].content)
            olds[old_left++] = olds[i++];
        else
            news[new_left++] = news[k++];
    }
    while (i < old_count)
        olds[old_left++] = olds[i++];
    while (k < new_count)
        news[new_left++] = news[k++];
    if (old_left > 1)
        qsort(olds, old_left, sizeof *olds, by_place);
    if (new_left > 1)
        qsort(news, new_left, sizeof *news, by_place);
    for (size_t n = 0; n < old_left && n < new_left; n++)
        match(join, &olds[n], &news[n]);
}

static size_t group_end(const struct list *list, size_t first)
{
    size_t end = first + 1;
    while (end < list->count && compare_keys(&list->entries[first], &list->entries[end]) == 0)
        end++;
    return end;
}

static void match_all(struct toll_delta_join *join, struct list *olds, struct list *news)
{
    size_t i = 0, k = 0;
    while (i < olds->count && k < news->count) {
        const int order = compare_keys(&olds->entries[i], &news->entries[k]);
        const size_t old_end = order <= 0 ? group_end(olds, i) : i,
                     new_end = order >= 0 ? group_end(news, k) : k;
        if (order == 0)
            match_group(join, olds->entries + i, old_end - i, news->entries + k, new_end - k);
        i = old_end;
        k = new_end;
    }
}

static bool make_rooms(struct toll_delta_join *join, const size_t *old_parts, size_t old_count,
                       const size_t *new_parts, size_t new_count)
{
    const struct toll_run_manifest *before = &join->maker->sides[TOLL_DELTA_OLD].run.manifest,
                                   *after = &join->maker->sides[TOLL_DELTA_NEW].run.manifest;
    bool fits = join->old_of != NULL && join->matched != NULL && join->open_of != NULL;
    for (size_t i = 0; fits && i < old_count; i++) {
        uint64_t **bits = &join->matched[old_parts[i]];
        *bits = calloc((size_t)before->parts[old_parts[i]].rows / 64 + 1, sizeof **bits);
        fits = *bits != NULL;
    }
    for (size_t i = 0; fits && i < new_count; i++) {
        const int64_t rows = after->parts[new_parts[i]].rows;
        int64_t **places = &join->old_of[new_parts[i]];
        *places = malloc((size_t)rows * sizeof **places);
        fits = *places != NULL;
        for (int64_t k = 0; fits && k < rows; k++)
            (*places)[k] = -1;
    }
    return fits;
}

int toll_delta_join_make(struct toll_delta_maker *maker, const size_t *old_parts, size_t old_count,
                         const size_t *new_parts, size_t new_count, struct toll_delta_join **out,
                         struct toll_error *error)
{
    struct toll_delta_join *join = calloc(1, sizeof *join);
    struct list olds = {0}, news = {0};
    *out = join;
    if (join == NULL)
        return toll_delta_no_memory(error);
    join->maker = maker;
    join->old_of = calloc(maker->sides[TOLL_DELTA_NEW].run.manifest.part_count + 1, sizeof *join->old_of);
    join->matched = calloc(maker->sides[TOLL_DELTA_OLD].run.manifest.part_count + 1, sizeof *join->matched);
    join->open_of = calloc(maker->sides[TOLL_DELTA_OLD].run.manifest.part_count + 1, sizeof *join->open_of);
    int rc = toll_delta_need_all(maker, error);
    if (rc == 0 && !make_rooms(join, old_parts, old_count, new_parts, new_count))
        rc = toll_delta_no_memory(error);
    if (rc == 0)
        rc = gather(&maker->sides[TOLL_DELTA_OLD], old_parts, old_count, &olds, error);
    if (rc == 0)
        rc = gather(&maker->sides[TOLL_DELTA_NEW], new_parts, new_count, &news, error);
    if (rc == 0)
        match_all(join, &olds, &news);
    free(olds.entries);
    free(news.entries);
    return rc;
}

/* ---- old rows as they are asked for ---- */

static void close_open(struct open_part *open)
{
    if (!open->open)
        return;
    for (size_t b = 0; open->rooms != NULL && b < open->batches; b++)
        free(open->rooms[b]);
    toll_delta_part_close(&open->part);
    free(open->rooms);
    free(open->loaded);
    free(open->lines);
    free(open->cdrs);
    *open = (struct open_part){0};
}

static int open_part(struct toll_delta_join *join, size_t index, struct open_part **out,
                     struct toll_error *error)
{
    struct open_part *oldest = &join->open[0];
    *out = join->open_of[index];
    if (*out != NULL) {
        (*out)->used = ++join->clock;
        return 0;
    }
    for (size_t i = 1; i < PARTS_OPEN; i++)
        if (join->open[i].used < oldest->used)
            oldest = &join->open[i];
    if (oldest->open)
        join->open_of[oldest->part.index] = NULL;
    close_open(oldest);
    *out = join->open_of[index] = oldest;
    oldest->open = true;
    oldest->used = ++join->clock;
    int rc = toll_delta_part_open(&oldest->part, &join->maker->sides[TOLL_DELTA_OLD], index, error);
    if (rc == 0)
        rc = toll_delta_part_need_cdrs(join->maker, &oldest->part, error);
    if (rc != 0)
        return rc;
    const size_t batches = (size_t)toll_lines_batches(oldest->part.lines);
    oldest->batches = batches;
    oldest->rooms = calloc(batches + 1, sizeof *oldest->rooms);
    oldest->loaded = calloc(batches + 1, sizeof *oldest->loaded);
    oldest->lines = calloc(batches + 1, sizeof *oldest->lines);
    oldest->cdrs = calloc(batches + 1, sizeof *oldest->cdrs);
    return oldest->rooms == NULL || oldest->loaded == NULL || oldest->lines == NULL || oldest->cdrs == NULL
               ? toll_delta_no_memory(error)
               : 0;
}

static int find_old(struct toll_delta_join *join, int64_t place, struct toll_delta_spot *spot,
                    struct toll_error *error)
{
    const int64_t row = place & ROW_MASK, batch = row / TOLL_BATCH_ROWS;
    struct open_part *open;
    int rc = open_part(join, (size_t)(place >> ROW_BITS), &open, error);
    if (rc == 0 && !open->loaded[batch]) {
        open->rooms[batch] = toll_lines_buffer_make(open->part.lines);
        rc = open->rooms[batch] == NULL
                 ? toll_delta_no_memory(error)
                 : toll_lines_batch(open->part.lines, batch, open->rooms[batch], &open->lines[batch], error);
        if (rc == 0)
            rc = toll_cdr_part_batch(open->part.cdrs, batch, TOLL_DELTA_CDR_COLUMNS, NULL, &open->cdrs[batch],
                                     error);
        open->loaded[batch] = rc == 0;
    }
    if (rc == 0)
        *spot = (struct toll_delta_spot){.part = &open->part,
                                         .lines = &open->lines[batch],
                                         .cdrs = &open->cdrs[batch],
                                         .index = row % TOLL_BATCH_ROWS,
                                         .row = row};
    return rc;
}

static int judge(struct toll_delta_join *join, const struct toll_delta_spot *before,
                 const struct toll_delta_spot *after, struct toll_delta_changes *changes,
                 struct toll_error *error)
{
    if (!toll_delta_changes_room(changes, 1))
        return toll_delta_no_memory(error);
    const int found =
        toll_delta_judge(join->maker, before, after, false, &changes->list[changes->count], error);
    changes->count += found > 0;
    return found < 0 ? found : 0;
}

int toll_delta_join_part(struct toll_delta_join *join, size_t new_part, struct toll_delta_changes *changes,
                         struct toll_error *error)
{
    struct toll_delta_part part = {0};
    struct toll_line_batch lines;
    struct toll_cdr_batch cdrs;
    void *room = NULL;
    int rc = toll_delta_part_open(&part, &join->maker->sides[TOLL_DELTA_NEW], new_part, error);
    if (rc == 0)
        rc = toll_delta_part_need_cdrs(join->maker, &part, error);
    if (rc == 0 && (room = toll_lines_buffer_make(part.lines)) == NULL)
        rc = toll_delta_no_memory(error);
    for (int64_t b = 0; rc == 0 && b < toll_lines_batches(part.lines); b++) {
        struct toll_delta_spot before, after = {.part = &part, .lines = &lines, .cdrs = &cdrs};
        rc = toll_lines_batch(part.lines, b, room, &lines, error);
        if (rc == 0)
            rc = toll_cdr_part_batch(part.cdrs, b, TOLL_DELTA_CDR_COLUMNS, NULL, &cdrs, error);
        for (int64_t i = 0; rc == 0 && i < lines.rows; i++) {
            after.index = i;
            after.row = b * TOLL_BATCH_ROWS + i;
            const int64_t place = join->old_of[new_part][after.row];
            if (place >= 0)
                rc = find_old(join, place, &before, error);
            if (rc == 0)
                rc = judge(join, place >= 0 ? &before : NULL, &after, changes, error);
        }
    }
    free(room);
    toll_delta_part_close(&part);
    return rc;
}

int toll_delta_join_vanished(struct toll_delta_join *join, size_t old_part,
                             struct toll_delta_changes *changes, struct toll_error *error)
{
    const int64_t rows = join->maker->sides[TOLL_DELTA_OLD].run.manifest.parts[old_part].rows;
    int rc = 0;
    for (int64_t row = 0; rc == 0 && row < rows; row++) {
        struct toll_delta_spot before;
        if (join->matched[old_part][row / 64] >> row % 64 & 1)
            continue;
        rc = find_old(join, (int64_t)old_part << ROW_BITS | row, &before, error);
        if (rc == 0)
            rc = judge(join, &before, NULL, changes, error);
    }
    return rc;
}

void toll_delta_join_free(struct toll_delta_join *join)
{
    if (join == NULL)
        return;
    for (size_t i = 0; i < PARTS_OPEN; i++)
        close_open(&join->open[i]);
    for (size_t i = 0; join->old_of != NULL && i < join->maker->sides[TOLL_DELTA_NEW].run.manifest.part_count;
         i++)
        free(join->old_of[i]);
    for (size_t i = 0;
         join->matched != NULL && i < join->maker->sides[TOLL_DELTA_OLD].run.manifest.part_count; i++)
        free(join->matched[i]);
    free(join->old_of);
    free(join->matched);
    free(join->open_of);
    free(join);
}
