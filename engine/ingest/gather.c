/*
 * Rows come in chunks and are held as they are. When they take more than their share of the memory, all of
 * them become a run: each day is sorted and written, and the keys by partition; days by as many threads as
 * there are.
 */
#include "ingest/gather.h"

#include "base/check.h"
#include "base/error.h"
#include "ingest/limits.h"
#include "ingest/work.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "import: out of memory");
}

/* The rest is for the merge, for keys, and for what is read while this is written. */
size_t toll_gather_rows_limit(const struct toll_gather *gather)
{
    return gather->memory.limit / 2;
}

void toll_gather_init(struct toll_gather *gather)
{
    gather->lexicons = toll_lexicons_create();
    toll_pool_init(&gather->pool, gather->memory.limit);
}

int toll_gather_hold(struct toll_gather *gather, struct toll_ordered *ordered, struct toll_error *error)
{
    if (gather->held_count == gather->held_room) {
        size_t room = 2 * gather->held_room + 64;
        struct toll_ordered **larger = realloc(gather->held, room * sizeof(*larger));

        if (larger == NULL) {
            toll_ordered_free(ordered);
            return no_memory(error);
        }
        gather->held = larger;
        gather->held_room = room;
    }
    gather->held[gather->held_count++] = ordered;
    gather->held_bytes += ordered->bytes;
    gather->rows += (int64_t)ordered->chunk.row_count;
    toll_memory_take(&gather->memory, ordered->bytes);
    return 0;
}

static void drop_held(struct toll_gather *gather)
{
    for (size_t i = 0; i < gather->held_count; i++)
        toll_ordered_free(gather->held[i]);
    toll_memory_give_back(&gather->memory, gather->held_bytes);
    gather->held_count = gather->held_bytes = 0;
    toll_pool_reset(&gather->pool);
}

void toll_gather_free(struct toll_gather *gather)
{
    drop_held(gather);
    free(gather->held);
    for (size_t i = 0; i < gather->run_count; i++)
        toll_run_free(&gather->runs[i]);
    free(gather->runs);
    free(gather->key_runs);
    free(gather->sources);
    toll_lexicons_free(gather->lexicons);
    toll_pool_free(&gather->pool);
    toll_spill_close(&gather->spill);
}

/* -- days -- */

const struct toll_run_day *toll_run_find_day(const struct toll_run *run, int64_t day)
{
    _Static_assert(offsetof(struct toll_run_day, day) == 0, "the search reads it there");
    const size_t at = toll_day_place(run->days, sizeof *run->days, run->day_count, day);

    return at < run->day_count ? &run->days[at] : NULL;
}

/* The slices of a day, each with its place among the others. */
static bool list_slices(const struct toll_gather *gather, int64_t day, struct toll_day_rows *rows)
{
    rows->slices = malloc((gather->held_count + 1) * sizeof(*rows->slices));
    for (size_t i = 0; rows->slices != NULL && i < gather->held_count; i++) {
        const struct toll_day_slice *slice = toll_ordered_day(gather->held[i], day);

        if (slice == NULL)
            continue;
        rows->slices[rows->slice_count++] = slice;
        rows->count += slice->count;
    }
    return rows->slices != NULL;
}

int toll_gather_day(const struct toll_gather *gather, int64_t day, struct toll_day_rows *rows,
                    struct toll_error *error)
{
    struct toll_slice_row *entry;

    *rows = (struct toll_day_rows){0};
    if (list_slices(gather, day, rows))
        rows->entries = malloc((rows->count + 1) * sizeof *rows->entries);
    if (rows->entries == NULL)
        return no_memory(error);
    entry = rows->entries;
    for (size_t s = 0; s < rows->slice_count; s++) {
        const struct toll_day_slice *slice = rows->slices[s];

        for (size_t i = 0; i < slice->count; i++)
            *entry++ = (struct toll_slice_row){slice->order[i], (uint32_t)s, (uint32_t)i};
    }
    return toll_day_rows_sort(rows, error);
}

static int compare_days(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

int toll_gather_days(const struct toll_gather *gather, bool runs, int64_t **days, size_t *count,
                     struct toll_error *error)
{
    size_t most = 0, at = 0, kept = 0;

    for (size_t i = 0; i < gather->held_count; i++)
        most += gather->held[i]->slice_count;
    for (size_t i = 0; runs && i < gather->run_count; i++)
        most += gather->runs[i].day_count;
    *days = malloc((most + 1) * sizeof **days);
    if (*days == NULL)
        return no_memory(error);
    for (size_t i = 0; i < gather->held_count; i++) {
        for (size_t s = 0; s < gather->held[i]->slice_count; s++)
            (*days)[at++] = gather->held[i]->slices[s].day;
    }
    for (size_t i = 0; runs && i < gather->run_count; i++) {
        for (size_t s = 0; s < gather->runs[i].day_count; s++)
            (*days)[at++] = gather->runs[i].days[s].day;
    }
    qsort(*days, at, sizeof **days, compare_days);
    for (size_t i = 0; i < at; i++) {
        if (kept == 0 || (*days)[kept - 1] != (*days)[i])
            (*days)[kept++] = (*days)[i];
    }
    *count = kept;
    return 0;
}

/* -- what they use -- */

bool toll_used_begin(struct toll_used *used, const struct toll_row_names *names)
{
    bool fits = true;

    memset(used, 0, sizeof *used);
    for (int d = 0; d < TOLL_NAMES; d++) {
        used->names[d] = calloc((size_t)names->strings[d].count + 1, 1);
        fits &= used->names[d] != NULL;
    }
    return fits;
}

void toll_used_add(struct toll_used *used, const struct toll_use *use, uint32_t *const *maps)
{
    const struct toll_row_extra *from = &use->any;
    struct toll_row_extra *any = &used->any;

    any->charged |= from->charged;
    any->lrn_caller |= from->lrn_caller;
    any->lrn_callee |= from->lrn_callee;
    any->ring_to |= from->ring_to;
    any->quantity |= from->quantity;
    any->provider_charge |= from->provider_charge;
    any->provider_tax |= from->provider_tax;
    any->setup_ms |= from->setup_ms;
    any->carrier_billed_ms |= from->carrier_billed_ms;
    any->trunk |= from->trunk;
    any->hint |= from->hint;
    any->calltype |= from->calltype;
    for (int d = 0; d < TOLL_NAME_SOURCE; d++) {
        const uint32_t *map = maps == NULL ? NULL : maps[d];

        for (uint32_t i = 0; i < use->name_counts[d]; i++)
            used->names[d][map == NULL ? use->names[d][i] : map[use->names[d][i]]] = 1;
    }
}

void toll_used_free(struct toll_used *used)
{
    for (int d = 0; d < TOLL_NAMES; d++)
        free(used->names[d]);
    memset(used, 0, sizeof *used);
}

/* -- runs -- */

struct making {
    struct toll_gather *gather;
    struct toll_run *run;
    size_t block_bytes;
};

static bool list_names(uint32_t **list, uint32_t *count, const uint8_t *used, uint32_t names)
{
    uint32_t total = 0;

    for (uint32_t id = 1; id <= names; id++)
        total += used[id];
    *count = 0;
    *list = malloc(((size_t)total + 1) * sizeof **list);
    for (uint32_t id = 1; *list != NULL && id <= names; id++) {
        if (used[id])
            (*list)[(*count)++] = id;
    }
    return *list != NULL;
}

/* Names and files of one day of what is held. */
static int note_day(const struct toll_gather *gather, struct toll_run_day *day, struct toll_error *error)
{
    struct toll_used used;
    bool fits = toll_used_begin(&used, gather->names);

    day->sources = fits ? malloc((gather->held_count + 1) * sizeof *day->sources) : NULL;
    fits &= day->sources != NULL;
    for (size_t i = 0; fits && i < gather->held_count; i++) {
        const struct toll_ordered *ordered = gather->held[i];
        const struct toll_day_slice *slice = toll_ordered_day(ordered, day->day);

        if (slice == NULL)
            continue;
        toll_used_add(&used, &slice->use, ordered->chunk.maps);
        if (day->source_count == 0 || day->sources[day->source_count - 1] != ordered->chunk.source)
            day->sources[day->source_count++] = ordered->chunk.source; /* files come one after the other */
    }
    day->use.any = used.any;
    for (int d = 0; fits && d < TOLL_NAME_SOURCE; d++)
        fits = list_names(&day->use.names[d], &day->use.name_counts[d], used.names[d],
                          gather->names->strings[d].count);
    toll_used_free(&used);
    return fits ? 0 : no_memory(error);
}

static int write_rows(struct toll_run_writer *writer, const struct toll_day_rows *rows,
                      struct toll_error *error)
{
    struct toll_row_slot slot = {0};
    int code = 0;

    for (size_t i = 0; code == 0 && i < rows->count; i++) {
        const struct toll_slice_row *entry = &rows->entries[i];

        if (toll_slice_take(rows->slices[entry->slice], entry->row, &slot))
            code = toll_run_write_row(writer, &slot.row, error);
        else
            code = no_memory(error);
    }
    free(slot.text);
    return code == 0 ? toll_run_write_end(writer, error) : code;
}

static int write_day(struct making *making, struct toll_run_day *day, struct toll_error *error)
{
    struct toll_gather *gather = making->gather;
    struct toll_run_writer writer = {.spill = &gather->spill,
                                     .day = day,
                                     .buffer = malloc(making->block_bytes),
                                     .block_bytes = making->block_bytes};
    struct toll_day_rows rows = {0};
    size_t bytes;
    int code = writer.buffer == NULL ? no_memory(error) : note_day(gather, day, error);

    if (code == 0)
        code = toll_gather_day(gather, day->day, &rows, error);
    bytes = 2 * rows.count * sizeof *rows.entries + making->block_bytes;
    toll_memory_take(&gather->memory, bytes);
    if (code == 0)
        code = write_rows(&writer, &rows, error);
    toll_memory_give_back(&gather->memory, bytes);
    toll_day_rows_free(&rows);
    free(writer.buffer);
    return code;
}

static int put_keys_of(struct toll_key_writer *writer, const struct toll_day_slice *slice,
                       struct toll_error *error)
{
    const uint32_t *map = slice->chunk->maps[TOLL_NAME_CARRIER];
    int code = 0;

    for (size_t i = 0; code == 0 && i < slice->count; i++) {
        const uint32_t carrier = toll_slice_carrier(slice, i);

        code = toll_key_writer_add(
            writer, slice->key_high[i], slice->key_low[i],
            toll_key_meta(toll_slice_start(slice, i), map == NULL ? carrier : map[carrier]), error);
    }
    return code;
}

int toll_gather_put_keys_aside(struct toll_gather *gather, struct toll_error *error)
{
    struct toll_key_writer writer;
    int code = toll_key_writer_open(&writer, &gather->spill, &gather->memory, false, error);

    for (size_t i = 0; code == 0 && i < gather->held_count; i++) {
        for (size_t s = 0; code == 0 && s < gather->held[i]->slice_count; s++)
            code = put_keys_of(&writer, &gather->held[i]->slices[s], error);
    }
    return toll_key_writer_close(&writer, code, &gather->key_runs, &gather->key_run_count, error);
}

static int make_job(void *context, size_t index, struct toll_error *error)
{
    struct making *making = context;

    if (index == 0)
        return toll_gather_put_keys_aside(making->gather, error);
    return write_day(making, &making->run->days[index - 1], error);
}

static int write_run(struct toll_gather *gather, struct toll_error *error)
{
    struct making making = {.gather = gather, .block_bytes = gather->memory.limit >> 13};
    struct toll_run *runs = realloc(gather->runs, (gather->run_count + 1) * sizeof *runs);
    int64_t *days = NULL;
    size_t count = 0;

    if (runs == NULL)
        return no_memory(error);
    gather->runs = runs;
    int code = toll_gather_days(gather, false, &days, &count, error);
    if (code != 0)
        return code;
    making.block_bytes = making.block_bytes < TOLL_RUN_BLOCK_MIN ? TOLL_RUN_BLOCK_MIN : making.block_bytes;
    making.block_bytes = making.block_bytes > TOLL_RUN_BLOCK_MAX ? TOLL_RUN_BLOCK_MAX : making.block_bytes;
    making.run = &gather->runs[gather->run_count++];
    *making.run = (struct toll_run){.days = calloc(count + 1, sizeof *making.run->days)};
    if (making.run->days == NULL)
        code = no_memory(error);
    for (size_t i = 0; code == 0 && i < count; i++)
        making.run->days[making.run->day_count++].day = days[i];
    free(days);
    if (code == 0 && gather->spill.io == NULL)
        code = toll_spill_open(&gather->spill, gather->io, gather->dataset_path, error);
    if (code == 0)
        code = toll_work_run(gather->threads, count + 1, make_job, NULL, &making, error);
    return code;
}

int toll_gather_make_room(struct toll_gather *gather, struct toll_error *error)
{
    int code;

    if (gather->held_bytes <= toll_gather_rows_limit(gather))
        return 0;
    code = write_run(gather, error);
    if (code == 0)
        drop_held(gather);
    return code;
}
