/*
 * The number map: rows of numbers.csv, single numbers and ranges in any order, become one slot for each
 * number. A sweep over the sorted rows cuts them into stretches of numbers with the same rows (mostly one),
 * so that what overlaps is found without writing ranges out; only then are the slots filled, in order of the
 * numbers.
 */
#include "base/check.h"
#include "base/digits.h"
#include "base/large.h"
#include "ratetable/pools.h"
#include "ratetable/prefix_cell.h"
#include "ratetable/sort.h"

#include <inttypes.h>
#include <stdlib.h>

#define AHEAD 32 /* of what lies in far memory is asked for so many rows before */

/* Numbers from `first` on with one owner field. */
struct stretch {
    uint64_t first;
    uint32_t count, field;
};

struct sweep {
    struct toll_owners *owners;
    struct toll_build *build;
    const char *path;
    const struct toll_number_row *rows;
    struct toll_sort_pair *order;
    size_t row_count;
    bool *reported; /* by row: what overlapped once is left out of what follows */
    struct toll_buffer active, edges, owner_rows, stretches;
    struct toll_buffer own; /* uint64_t: numbers with assignments, subscriptions or services of their own */
    size_t own_at;
    uint64_t total;
};

/* The rows that hold at the active stretch, as owner rows. */
static bool owner_rows_make(struct sweep *sweep)
{
    sweep->owner_rows.count = 0;
    for (size_t i = 0; i < sweep->active.count; i++) {
        const uint32_t index = *TOLL_BUFFER_AT(&sweep->active, uint32_t, i);
        const struct toll_number_row *row = &sweep->rows[index];
        const struct toll_row_date *dates =
            TOLL_BUFFER_AT(&sweep->build->row_dates, struct toll_row_date, row->dates);
        struct toll_owner_row *place = TOLL_BUFFER_ADD(&sweep->owner_rows, struct toll_owner_row);
        if (place == NULL)
            return false;
        *place = (struct toll_owner_row){dates->from, dates->until, row->account,
                                         row->site,   row->line,    row->column};
    }
    return true;
}

/* Takes rows that overlapped out of the sweep: a wrong range is one finding, not one a number. */
static void drop_overlapping(struct sweep *sweep)
{
    size_t kept = 0;

    for (size_t i = 0; i < sweep->active.count; i++) {
        const uint32_t index = *TOLL_BUFFER_AT(&sweep->active, uint32_t, i);
        bool here = false;
        for (size_t k = 0; k < sweep->owner_rows.count && !here; k++)
            here =
                TOLL_BUFFER_AT(&sweep->owner_rows, struct toll_owner_row, k)->line == sweep->rows[index].line;
        if (here)
            *TOLL_BUFFER_AT(&sweep->active, uint32_t, kept++) = index;
        else
            sweep->reported[index] = true;
    }
    sweep->active.count = kept;
}

static int stretch_field(struct sweep *sweep, uint64_t first, uint32_t count, uint64_t own)
{
    char text[TOLL_DIGITS_TEXT_BYTES];
    struct stretch *place;
    size_t before;
    uint32_t field;
    int code;

    if (!owner_rows_make(sweep))
        return toll_build_memory(sweep->build);
    before = sweep->owner_rows.count;
    if (before > 1)
        toll_digits_masked(
            toll_number_from_value(first % TOLL_NUMBER_LENGTH, (unsigned)(first / TOLL_NUMBER_LENGTH)), text);
    code = toll_owner_field(sweep->owners, sweep->path, before > 1 ? text : "", sweep->owner_rows.data,
                            &sweep->owner_rows.count, own, &field);
    if (code != 0)
        return code;
    if (sweep->owner_rows.count < before)
        drop_overlapping(sweep);
    if (field == 0)
        return 0;
    place = TOLL_BUFFER_ADD(&sweep->stretches, struct stretch);
    if (place == NULL)
        return toll_build_memory(sweep->build);
    *place = (struct stretch){first, count, field};
    sweep->total += count;
    return 0;
}

/* A stretch of numbers with the same active rows, cut once more at numbers with assignments of their own. */
static int add_stretch(struct sweep *sweep, uint64_t first, uint64_t end)
{
    int code = 0;

    while (code == 0 && first < end) {
        const uint64_t *own = sweep->own.data;
        uint64_t next = end;
        while (sweep->own_at < sweep->own.count && own[sweep->own_at] < first)
            sweep->own_at++;
        if (sweep->own_at < sweep->own.count && own[sweep->own_at] < end)
            next = own[sweep->own_at];
        if (next > first) {
            code = stretch_field(sweep, first, (uint32_t)(next - first), 0);
            first = next;
        }
        if (code == 0 && first < end && next == first) {
            code = stretch_field(sweep, first, 1, first);
            first++;
        }
    }
    return code;
}

static int compare_edges(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

/* Rows order[from..to) that touch each other: every edge begins a new stretch. */
static int add_cluster(struct sweep *sweep, size_t from, size_t to)
{
    uint64_t *edges;
    int code = 0;

    sweep->edges.count = 0;
    sweep->active.count = 0;
    for (size_t i = from; i < to; i++) {
        const struct toll_number_row *row = &sweep->rows[sweep->order[i].index];
        edges = toll_buffer_add(&sweep->edges, sizeof(*edges), 2);
        if (edges == NULL)
            return toll_build_memory(sweep->build);
        edges[0] = row->first;
        edges[1] = row->first + row->count;
    }
    edges = sweep->edges.data;
    qsort(edges, sweep->edges.count, sizeof(*edges), compare_edges);
    for (size_t e = 0; e + 1 < sweep->edges.count && code == 0; e++) {
        size_t kept = 0;
        if (edges[e] == edges[e + 1])
            continue;
        for (size_t i = 0; i < sweep->active.count; i++) {
            const uint32_t index = *TOLL_BUFFER_AT(&sweep->active, uint32_t, i);
            if (sweep->rows[index].first + sweep->rows[index].count > edges[e] && !sweep->reported[index])
                *TOLL_BUFFER_AT(&sweep->active, uint32_t, kept++) = index;
        }
        sweep->active.count = kept;
        for (; from < to && sweep->order[from].key == edges[e]; from++) {
            uint32_t *place = TOLL_BUFFER_ADD(&sweep->active, uint32_t);
            if (place == NULL)
                return toll_build_memory(sweep->build);
            *place = sweep->order[from].index;
        }
        code = add_stretch(sweep, edges[e], edges[e + 1]);
    }
    return code;
}

/* A row that touches no other. Nearly all are like those before them: the owner is known. */
static int add_lone(struct sweep *sweep, uint32_t index)
{
    const struct toll_number_row *row = &sweep->rows[index];
    const uint64_t end = row->first + row->count;
    const uint32_t field = row->dates == 0 ? toll_owner_known(sweep->owners, row->account, row->site) : 0;
    uint32_t *only;

    while (sweep->own_at < sweep->own.count &&
           *TOLL_BUFFER_AT(&sweep->own, uint64_t, sweep->own_at) < row->first)
        sweep->own_at++;
    if (field != 0 &&
        (sweep->own_at == sweep->own.count || *TOLL_BUFFER_AT(&sweep->own, uint64_t, sweep->own_at) >= end)) {
        struct stretch *place = TOLL_BUFFER_ADD(&sweep->stretches, struct stretch);
        if (place == NULL)
            return toll_build_memory(sweep->build);
        *place = (struct stretch){row->first, row->count, field};
        sweep->total += row->count;
        return 0;
    }
    sweep->active.count = 0;
    only = TOLL_BUFFER_ADD(&sweep->active, uint32_t);
    if (only == NULL)
        return toll_build_memory(sweep->build);
    *only = index;
    return add_stretch(sweep, row->first, end);
}

static int sweep_rows(struct sweep *sweep)
{
    int code = 0;

    for (size_t i = 0; i < sweep->row_count && code == 0;) {
        const struct toll_number_row *row = &sweep->rows[sweep->order[i].index];
        if (i + AHEAD < sweep->row_count)
            __builtin_prefetch(&sweep->rows[sweep->order[i + AHEAD].index]);
        uint64_t end = row->first + row->count;
        size_t next = i + 1;
        for (; next < sweep->row_count && sweep->order[next].key < end; next++) {
            row = &sweep->rows[sweep->order[next].index];
            end = row->first + row->count > end ? row->first + row->count : end;
        }
        code = next > i + 1 ? add_cluster(sweep, i, next) : add_lone(sweep, sweep->order[i].index);
        i = next;
    }
    return code;
}

/* Numbers on their way to their slots, which are asked for AHEAD numbers before they are needed. */
struct filler {
    struct toll_number_slot *slots;
    uint64_t capacity, count;
    struct toll_number_slot waiting[AHEAD];
};

static void fill_one(struct filler *filler, uint64_t turn)
{
    const struct toll_number_slot *number = &filler->waiting[turn % AHEAD];
    uint64_t slot = toll_number_first_slot(number->key, filler->capacity);

    while (filler->slots[slot].key != 0)
        slot = slot + 1 == filler->capacity ? 0 : slot + 1;
    filler->slots[slot].key = number->key;
    filler->slots[slot].owner = number->owner;
}

static int fill_slots(struct sweep *sweep)
{
    struct toll_buffer *section = &sweep->build->sections[TOLL_SECTION_NUMBERS];
    /* At most 0.69 full, and never without an empty slot: that is where a search ends. */
    struct filler filler = {.capacity = sweep->total * 100 / 69 + 16};

    filler.slots = toll_buffer_add(section, sizeof(*filler.slots), filler.capacity);
    if (filler.slots == NULL)
        return toll_build_memory(sweep->build);
    for (size_t i = 0; i < sweep->stretches.count; i++) {
        const struct stretch *stretch = TOLL_BUFFER_AT(&sweep->stretches, struct stretch, i);
        uint64_t key = toll_number_from_value(stretch->first % TOLL_NUMBER_LENGTH,
                                              (unsigned)(stretch->first / TOLL_NUMBER_LENGTH));
        for (uint32_t k = 0; k < stretch->count; k++, filler.count++) {
            if (filler.count >= AHEAD)
                fill_one(&filler, filler.count);
            filler.waiting[filler.count % AHEAD] = (struct toll_number_slot){key, stretch->field, 0};
            __builtin_prefetch(&filler.slots[toll_number_first_slot(key, filler.capacity)], 1);
            key = toll_digits_next(key);
        }
    }
    for (uint64_t waiting = filler.count < AHEAD ? filler.count : AHEAD; waiting > 0; waiting--)
        fill_one(&filler, filler.count - waiting);
    TOLL_BUFFER_AT(&sweep->build->sections[TOLL_SECTION_META], struct toll_book_meta, 0)->number_count =
        sweep->total;
    return 0;
}

/* The numbers that are cut out of their stretches, in order. */
static bool find_own(struct sweep *sweep)
{
    const struct toll_buffer *more = &sweep->owners->pools->own_numbers;
    const struct toll_assignment *rows = sweep->build->assignments.data;
    uint64_t *own;
    size_t kept = 0;

    for (size_t i = 0;
         i < sweep->build->assignments.count && rows[i].level == TOLL_LEVEL_NUMBER && !rows[i].buy; i++) {
        own = TOLL_BUFFER_ADD(&sweep->own, uint64_t);
        if (own == NULL)
            return false;
        *own = rows[i].subject;
    }
    if (more->count > 0) {
        own = toll_buffer_add(&sweep->own, sizeof(*own), more->count);
        if (own == NULL)
            return false;
        memcpy(own, more->data, more->count * sizeof(*own));
        qsort(sweep->own.data, sweep->own.count, sizeof(*own), compare_edges);
    }
    own = sweep->own.data;
    for (size_t i = 0; i < sweep->own.count; i++) {
        if (i == 0 || own[i] != own[kept - 1])
            own[kept++] = own[i];
    }
    sweep->own.count = kept;
    return true;
}

static int make_map(struct sweep *sweep)
{
    struct toll_source *source;
    int code = toll_build_source(sweep->build, "numbers.csv", &source);

    if (code != 0)
        return code;
    sweep->path = source != NULL ? source->path : "numbers.csv";
    sweep->order = toll_large_array((sweep->row_count + 1) * sizeof(*sweep->order));
    sweep->reported = calloc(sweep->row_count + 1, sizeof(*sweep->reported));
    if (sweep->order == NULL || sweep->reported == NULL)
        return toll_build_memory(sweep->build);
    for (size_t i = 0; i < sweep->row_count; i++)
        sweep->order[i] = (struct toll_sort_pair){sweep->rows[i].first, (uint32_t)i, 0};
    if (!toll_sort_pairs(sweep->order, sweep->row_count))
        return toll_build_memory(sweep->build);
    if (!find_own(sweep))
        return toll_build_memory(sweep->build);
    code = sweep_rows(sweep);
    if (code == 0)
        code = fill_slots(sweep);
    return code;
}

int toll_build_number_map(struct toll_build *build)
{
    struct toll_owners owners;
    struct toll_pool_builder pools;
    struct sweep sweep = {.owners = &owners,
                          .build = build,
                          .rows = build->number_rows.data,
                          .row_count = build->number_rows.count};
    int code = toll_pool_builder_begin(&pools, build);

    if (code == 0)
        code = toll_owners_begin(&owners, build, &pools);
    else
        memset(&owners, 0, sizeof(owners));
    if (code == 0)
        code = make_map(&sweep);
    if (code == 0)
        code = toll_build_named(&owners);
    if (code == 0)
        code = toll_pools_store(&pools);
    free(sweep.order);
    free(sweep.reported);
    toll_buffer_free(&sweep.own);
    toll_buffer_free(&sweep.active);
    toll_buffer_free(&sweep.edges);
    toll_buffer_free(&sweep.owner_rows);
    toll_buffer_free(&sweep.stretches);
    toll_owners_end(&owners);
    toll_pool_builder_end(&pools);
    return code;
}
