/*
 * The merge of one day. Rows come sorted by (start, record key) from up to three kinds of sources: rows in
 * memory, runs on disk, the day's part. Rows that agree in both are a group, nearly always of one row. Within
 * a group equal content is one row (the source with the smallest sha256 and row stays), and two contents of
 * one carrier are a conflict.
 */
#include "ingest/merge.h"

#include "base/check.h"
#include "base/error.h"
#include "ingest/part_rows.h"

#include <stdlib.h>
#include <string.h>

#define ALL_BITS 0xFFFFu
#define BUT_CONFLICT ((uint16_t)(ALL_BITS & ~TOLL_KIND_CONFLICT))
#define FOLD_ROWS 4096 /* of a group, before equal ones are taken out */

/* A row of a group, copied out of its source. */
struct member {
    struct toll_row *row;
    bool old; /* of the dataset */
    bool had; /* the dataset has such a row */
    bool counted;
};

/* A row that is next of its source. */
struct head {
    uint64_t order; /* toll_row_order */
    struct toll_row *row;
};

struct source {
    struct head next; /* row NULL: there are no more */
    bool old;
    struct toll_run_reader *run;
    struct toll_part_reader *part; /* both NULL: of the rows in memory */
};

struct merging {
    struct toll_merge *merge;
    struct toll_merge_day *day;
    toll_ms day_start;
    struct toll_part_reader old;
    struct toll_run_reader *runs;
    size_t run_count;
    struct toll_day_rows rows; /* of what is in memory, sorted */
    size_t next_row;
    struct toll_row_slot slots[2]; /* that they are taken out to */
    unsigned turn;
    bool again;             /* what is used is known better than from rows and part */
    struct source *sources; /* a heap: the first has the least row */
    size_t source_count;
    struct toll_used used;
    int64_t rows_max;
    struct toll_part_build build; /* the result */
    struct toll_merge_stream *stream;
    struct member *group;
    size_t group_count, group_capacity, fold_at;
    struct toll_row_store copies; /* of the group */
    const struct toll_mark *mark; /* the next */
    int64_t duplicates;
    int64_t *duplicates_of; /* by source id */
};

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory while merging a day");
}

static const struct toll_row_names *names_of(const struct merging *merging)
{
    return merging->merge->gather->names;
}

/* -- groups -- */

static int by_content_and_source(const void *a, const void *b, void *context)
{
    const struct member *x = a, *y = b;
    int order = toll_row_compare_content(context, x->row, y->row, BUT_CONFLICT);

    return order != 0 ? order : toll_row_compare_source(context, x->row, y->row);
}

static int by_carrier(const void *a, const void *b, void *context)
{
    const struct toll_row_names *names = context;
    uint32_t left = names->rank[TOLL_NAME_CARRIER][((const struct member *)a)->row->carrier],
             right = names->rank[TOLL_NAME_CARRIER][((const struct member *)b)->row->carrier];

    return (left > right) - (left < right);
}

static int by_all(const void *a, const void *b, void *context)
{
    return toll_row_compare_content(context, ((const struct member *)a)->row, ((const struct member *)b)->row,
                                    ALL_BITS);
}

/* Of rows with equal content the first stays; it takes the others' conflict mark. Old rows were counted once,
 * when they came in: only new rows count as duplicates, all of them when the dataset had the row, else all
 * but the one that stays. A group may come here several times before it is complete. */
static void keep_first(struct merging *merging, size_t from, size_t until)
{
    struct member *first = &merging->group[from];
    bool had = false;

    for (size_t i = from; i < until; i++)
        had |= merging->group[i].had;
    for (size_t i = from; i < until; i++) {
        const struct member *member = &merging->group[i];

        first->row->kind |= member->row->kind & TOLL_KIND_CONFLICT;
        if (!member->old && !member->counted && (had || i > from))
            merging->duplicates_of[member->row->source]++;
    }
    first->had = had;
    first->counted |= had && !first->old;
    merging->duplicates += (int64_t)(until - from - 1);
}

/* Equal rows of the group taken out; what stays is sorted by content. */
static void fold(struct merging *merging)
{
    struct member *group = merging->group;
    void *names = (void *)(uintptr_t)names_of(merging);
    size_t kept = 0;

    if (merging->group_count > 1)
        qsort_r(group, merging->group_count, sizeof *group, by_content_and_source, names);
    for (size_t from = 0, until; from < merging->group_count; from = until) {
        for (until = from + 1;
             until < merging->group_count &&
             toll_row_compare_content(names, group[from].row, group[until].row, BUT_CONFLICT) == 0;
             until++) {
        }
        keep_first(merging, from, until);
        group[kept++] = group[from];
    }
    merging->group_count = kept;
}

/* Two or more contents of one carrier. The rows are sorted by carrier. */
static void mark_conflicts(struct member *group, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (group[i].row->carrier != group[i - 1].row->carrier)
            continue;
        group[i].row->kind |= TOLL_KIND_CONFLICT;
        group[i - 1].row->kind |= TOLL_KIND_CONFLICT;
    }
}

/* Is the mark of this row's start and key? Marks before it were of others. */
static bool at_mark(struct merging *merging, const struct toll_row *row)
{
    const struct toll_mark *end = merging->day->marks + merging->day->mark_count;

    while (merging->mark < end) {
        const struct toll_mark *mark = merging->mark;

        if (mark->start == row->start && mark->key_high == row->key_high && mark->key_low == row->key_low)
            return true;
        if (mark->start > row->start || (mark->start == row->start &&
                                         (mark->key_high > row->key_high ||
                                          (mark->key_high == row->key_high && mark->key_low > row->key_low))))
            return false;
        merging->mark++;
    }
    return false;
}

/* Rows of the group's carriers that are conflicts for what other days, or other times, have. */
static void apply_marks(struct merging *merging, struct member *group, size_t count)
{
    const struct toll_row *row = group[0].row;

    for (; at_mark(merging, row); merging->mark++) {
        for (size_t i = 0; i < count; i++) {
            if (group[i].row->carrier == merging->mark->carrier)
                group[i].row->kind |= TOLL_KIND_CONFLICT;
        }
    }
}

static inline int put_row(struct merging *merging, const struct member *member, struct toll_error *error)
{
    merging->day->changed |= !member->old;
    return toll_part_build_add(&merging->build, member->row, error);
}

/* Rows with one start and one key. */
static int finish_group(struct merging *merging, struct toll_error *error)
{
    void *names = (void *)(uintptr_t)names_of(merging);
    struct member *group = merging->group;
    int code = 0;

    apply_marks(merging, group, merging->group_count);
    fold(merging);
    if (merging->group_count > 1) {
        qsort_r(group, merging->group_count, sizeof *group, by_carrier, names);
        mark_conflicts(group, merging->group_count);
        qsort_r(group, merging->group_count, sizeof *group, by_all, names);
    }
    for (size_t i = 0; code == 0 && i < merging->group_count; i++)
        code = put_row(merging, &group[i], error);
    merging->group_count = 0;
    merging->fold_at = FOLD_ROWS;
    toll_row_store_free(&merging->copies);
    return code;
}

/* A copy of a row that its source is about to forget. */
static struct toll_row *copy_row(struct toll_row_store *store, const struct toll_row *row)
{
    const size_t texts = (size_t)row->record_id_bytes + row->caller_bytes + row->callee_bytes;
    struct toll_row *copy = toll_row_store_alloc(store, sizeof *copy);
    struct toll_row_extra *extra = NULL;
    char *text = texts == 0 ? NULL : toll_row_store_text(store, texts);

    if (row->extra != NULL)
        extra = toll_row_store_alloc(store, sizeof *extra);
    if (copy == NULL || (texts > 0 && text == NULL) || (row->extra != NULL && extra == NULL))
        return NULL;
    *copy = *row;
    copy->text = "";
    if (texts > 0)
        copy->text = memcpy(text, row->text, texts);
    if (extra != NULL)
        *extra = *row->extra;
    copy->extra = extra;
    return copy;
}

/* A group that grows and grows is mostly copies of a few rows. */
static int fold_early(struct merging *merging, struct toll_error *error)
{
    struct toll_row_store copies = {0};

    fold(merging);
    for (size_t i = 0; i < merging->group_count; i++) {
        struct toll_row *copy = copy_row(&copies, merging->group[i].row);

        if (copy == NULL) {
            toll_row_store_free(&copies);
            return no_memory(error);
        }
        merging->group[i].row = copy;
    }
    toll_row_store_free(&merging->copies);
    merging->copies = copies;
    merging->fold_at = 2 * merging->group_count + FOLD_ROWS;
    return 0;
}

static int add_to_group(struct merging *merging, const struct member *member, struct toll_error *error)
{
    struct toll_row *copy;

    if (merging->group_count == merging->group_capacity) {
        size_t capacity = 2 * merging->group_capacity + 64;
        struct member *larger = realloc(merging->group, capacity * sizeof *larger);

        if (larger == NULL)
            return no_memory(error);
        merging->group = larger;
        merging->group_capacity = capacity;
    }
    copy = copy_row(&merging->copies, member->row);
    if (copy == NULL)
        return no_memory(error);
    merging->group[merging->group_count] = *member;
    merging->group[merging->group_count++].row = copy;
    return merging->group_count >= merging->fold_at ? fold_early(merging, error) : 0;
}

/* -- sources -- */

static inline int compare_heads(const struct head *a, const struct head *b)
{
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    if (a->row->key_high != b->row->key_high)
        return a->row->key_high < b->row->key_high ? -1 : 1;
    return (a->row->key_low > b->row->key_low) - (a->row->key_low < b->row->key_low);
}

/* A row in memory; it stays good while the next is looked at. NULL: out of memory. */
static struct toll_row *take_row(struct merging *merging, size_t at)
{
    const struct toll_slice_row *entry = &merging->rows.entries[at];
    struct toll_row_slot *slot = &merging->slots[merging->turn ^= 1];

    if (!toll_slice_take(merging->rows.slices[entry->slice], entry->row, slot))
        return NULL;
    slot->row.source = merging->merge->gather->sources[slot->row.source];
    return &slot->row;
}

static inline int advance(struct merging *merging, struct source *source, struct toll_error *error)
{
    const struct toll_gather *gather = merging->merge->gather;
    int code = 0;

    if (source->run == NULL && source->part == NULL) {
        source->next.row = NULL;
        if (merging->next_row == merging->rows.count)
            return 0;
        source->next.order = merging->rows.entries[merging->next_row].order;
        source->next.row = take_row(merging, merging->next_row++);
        return source->next.row == NULL ? no_memory(error) : 0;
    }
    if (source->run != NULL)
        code = toll_run_reader_next(source->run, &source->next.row, error);
    else
        code = toll_part_reader_next(source->part, &source->next.row, error);
    if (code != 0 || source->next.row == NULL)
        return code;
    if (source->run != NULL)
        source->next.row->source = gather->sources[source->next.row->source];
    source->next.order = toll_row_order(source->next.row, merging->day_start);
    return 0;
}

/* The first source anew to its place; one without rows leaves. */
static void sift(struct merging *merging)
{
    struct source *sources = merging->sources;
    size_t at = 0;

    if (sources[0].next.row == NULL)
        sources[0] = sources[--merging->source_count];
    for (;;) {
        size_t least = at, child = 2 * at + 1;
        struct source swap;

        for (size_t c = child; c < child + 2 && c < merging->source_count; c++) {
            if (compare_heads(&sources[c].next, &sources[least].next) < 0)
                least = c;
        }
        if (least == at)
            return;
        swap = sources[at];
        sources[at] = sources[least];
        sources[least] = swap;
        at = least;
    }
}

static int add_source(struct merging *merging, struct source source, struct toll_error *error)
{
    struct source *sources = merging->sources;
    size_t at = merging->source_count;
    int code = advance(merging, &source, error);

    if (code != 0 || source.next.row == NULL)
        return code;
    merging->source_count++;
    for (; at > 0 && compare_heads(&source.next, &sources[(at - 1) / 2].next) < 0; at = (at - 1) / 2)
        sources[at] = sources[(at - 1) / 2];
    sources[at] = source;
    return 0;
}

static void close_sources(struct merging *merging)
{
    toll_part_reader_close(&merging->old);
    for (size_t i = 0; i < merging->run_count; i++)
        toll_run_reader_close(&merging->runs[i]);
    merging->run_count = 0;
}

/* Has the day no rows but those in memory? Then they need no heap. */
static bool only_memory(const struct merging *merging)
{
    return merging->run_count == 0 && merging->day->part == NULL;
}

static int open_sources(struct merging *merging, struct toll_error *error)
{
    struct toll_merge *merge = merging->merge;
    struct toll_gather *gather = merge->gather;
    int code = 0;

    merging->source_count = 0;
    merging->rows_max = (int64_t)merging->rows.count;
    merging->next_row = 0;
    for (size_t i = 0; code == 0 && i < gather->run_count; i++) {
        const struct toll_run_day *day = toll_run_find_day(&gather->runs[i], merging->day->day);

        if (day == NULL)
            continue;
        merging->rows_max += day->rows;
        code = toll_run_reader_open(&merging->runs[merging->run_count++], &gather->spill, day, error);
    }
    if (code == 0 && merging->day->part != NULL) {
        code = toll_part_reader_open(&merging->old, merge->dataset, merging->day->part_index, gather->names,
                                     &gather->memory, error);
        if (code == 0)
            merging->rows_max += toll_part_reader_rows(&merging->old);
    }
    if (code == 0 && merging->rows.count > 0 && !only_memory(merging))
        code = add_source(merging, (struct source){0}, error);
    for (size_t i = 0; code == 0 && i < merging->run_count; i++)
        code = add_source(merging, (struct source){.run = &merging->runs[i]}, error);
    if (code == 0 && merging->day->part != NULL)
        code = add_source(merging, (struct source){.part = &merging->old, .old = true}, error);
    return code;
}

/* -- the day -- */

/* A row whose successor is known: the group ends with it, or goes on. */
static inline int settle(struct merging *merging, const struct member *member, bool ends,
                         struct toll_error *error)
{
    int code;

    if (__builtin_expect(ends && merging->group_count == 0, 1)) {
        if (__builtin_expect(at_mark(merging, member->row), 0))
            apply_marks(merging, (struct member *)(uintptr_t)member, 1);
        return put_row(merging, member, error);
    }
    code = add_to_group(merging, member, error);
    return code == 0 && ends ? finish_group(merging, error) : code;
}

/* Do these rows in memory agree in start and record key? */
static inline bool same_key(const struct merging *merging, size_t a, size_t b)
{
    const struct toll_slice_row *entries = merging->rows.entries;

    return entries[a].order == entries[b].order &&
           toll_day_rows_compare(&merging->rows, &entries[a], &entries[b]) == 0;
}

/* How many rows from here on are alone with their start and key, not marked, and lie one behind the other in
 * a slice. 0: the first of them is not alone, or may be marked. */
static inline size_t span_from(const struct merging *merging, size_t from, size_t most, uint64_t mark_order)
{
    const struct toll_slice_row *entries = merging->rows.entries;
    const size_t count = merging->rows.count;
    size_t at = from;

    most = most < count - from ? most : count - from;
    while (at - from < most && entries[at].order < mark_order &&
           entries[at].row - entries[from].row == (uint32_t)(at - from) &&
           entries[at].slice == entries[from].slice && (at + 1 == count || !same_key(merging, at, at + 1)))
        at++;
    return at - from;
}

static uint64_t order_of_mark(const struct merging *merging)
{
    const struct toll_mark *mark = merging->mark;

    if (mark == merging->day->marks + merging->day->mark_count)
        return UINT64_MAX;
    return (uint64_t)(mark->start - merging->day_start) << TOLL_ORDER_KEY_BITS | mark->key_high >> 27;
}

/* Rows in memory alone: those that are alone with their key go by the stretch from their slice to the part,
 * the others one by one. */
static int merge_memory(struct merging *merging, struct toll_error *error)
{
    const struct toll_day_rows *rows = &merging->rows;
    uint64_t mark_order = order_of_mark(merging);
    int code = 0;

    for (size_t at = 0; code == 0 && at < rows->count;) {
        size_t span = merging->group_count > 0
                          ? 0
                          : span_from(merging, at, toll_part_build_room(&merging->build), mark_order);
        bool ends;

        if (span > 0) {
            merging->day->changed = true;
            code = toll_part_build_add_slice(&merging->build, rows->slices[rows->entries[at].slice],
                                             rows->entries[at].row, span, merging->merge->gather->sources,
                                             error);
            at += span;
            continue;
        }
        ends = at + 1 == rows->count || !same_key(merging, at, at + 1);
        struct member member = {.row = take_row(merging, at++)};
        code = member.row == NULL ? no_memory(error) : settle(merging, &member, ends, error);
        mark_order = order_of_mark(merging);
    }
    return code;
}

static int merge_rows(struct merging *merging, struct toll_error *error)
{
    struct head last = {0, NULL};
    struct member member = {0};
    int code = 0;

    while (code == 0 && merging->source_count > 0) {
        struct source *first = &merging->sources[0];
        struct head next = first->next;
        bool old = first->old;

        if (last.row != NULL)
            code = settle(merging, &member, compare_heads(&last, &next) != 0, error);
        last = next;
        member = (struct member){.row = next.row, .old = old, .had = old};
        if (code == 0)
            code = advance(merging, first, error);
        if (code == 0 && (merging->source_count > 1 || first->next.row == NULL))
            sift(merging);
    }
    if (code == 0 && last.row != NULL)
        code = settle(merging, &member, true, error);
    return code;
}

/* What the day's new rows use. */
static int collect_use(struct merging *merging, struct toll_error *error)
{
    const struct toll_gather *gather = merging->merge->gather;
    uint8_t **names = merging->used.names;

    if (!toll_used_begin(&merging->used, gather->names))
        return no_memory(error);
    for (size_t i = 0; i < gather->held_count; i++) {
        const struct toll_day_slice *slice = toll_ordered_day(gather->held[i], merging->day->day);

        if (slice == NULL)
            continue;
        toll_used_add(&merging->used, &slice->use, gather->held[i]->chunk.maps);
        names[TOLL_NAME_SOURCE][gather->sources[gather->held[i]->chunk.source]] = 1;
    }
    for (size_t i = 0; i < gather->run_count; i++) {
        const struct toll_run_day *day = toll_run_find_day(&gather->runs[i], merging->day->day);

        if (day == NULL)
            continue;
        toll_used_add(&merging->used, &day->use, NULL);
        for (uint32_t k = 0; k < day->source_count; k++)
            names[TOLL_NAME_SOURCE][gather->sources[day->sources[k]]] = 1;
    }
    return 0;
}

static int merge_once(struct merging *merging, struct toll_error *error)
{
    struct toll_merge *merge = merging->merge;
    struct toll_dataset_part *result = &merging->day->result;
    const uint32_t sources = merge->gather->names->strings[TOLL_NAME_SOURCE].count;
    int code = open_sources(merging, error);

    merging->day->changed = merging->day->part == NULL;
    merging->duplicates = 0;
    merging->mark = merging->day->marks;
    merging->fold_at = FOLD_ROWS;
    memset(merging->duplicates_of, 0, ((size_t)sources + 1) * sizeof *merging->duplicates_of);
    *result = (struct toll_dataset_part){.day = merging->day->day, .generation = merge->generation};
    if (code == 0 && merging->day->part != NULL && !merging->again)
        toll_part_reader_add_use(&merging->old, &merging->used);
    if (code == 0)
        code = toll_part_build_begin(
            &merging->build, merging->stream == NULL ? NULL : merging->stream->stream, &merge->gather->memory,
            merge->dataset, result, merge->gather->names, &merging->used, merging->rows_max, error);
    if (code == 0)
        code = only_memory(merging) ? merge_memory(merging, error) : merge_rows(merging, error);
    merging->again = true;
    close_sources(merging);
    if (code != 0)
        return code;
    TOLL_ASSERT(merging->build.rows + merging->duplicates == merging->rows_max);
    merging->day->changed |=
        merging->day->part != NULL && merging->day->part->conflicts != merging->build.conflicts;
    return 0;
}

/* Writes the part, or leaves it as it was. A source all of whose rows were duplicates is in no part. */
static int merge_day(struct merging *merging, struct toll_error *error)
{
    struct toll_merge_day *day = merging->day;
    int code = merge_once(merging, error);

    if (code == 0 && day->changed && !toll_part_build_exact(&merging->build)) {
        memcpy(merging->used.names[TOLL_NAME_SOURCE], merging->build.source_seen,
               (size_t)names_of(merging)->strings[TOLL_NAME_SOURCE].count + 1);
        if (merging->stream != NULL)
            toll_cdr_stream_abandon(merging->stream->stream);
        toll_part_build_free(&merging->build);
        code = merge_once(merging, error);
    }
    if (code == 0 && day->changed)
        return toll_part_build_end(&merging->build, &day->result, error);
    if (code == 0)
        day->result = *day->part;
    return code;
}

/* -- where parts are written -- */

static struct toll_merge_stream *take_stream(struct toll_merge *merge)
{
    struct toll_merge_stream *stream;
    size_t at = 0;

    while (at < TOLL_INGEST_THREADS_MAX && atomic_flag_test_and_set(&merge->streams[at].busy))
        at++;
    TOLL_ASSERT(at < TOLL_INGEST_THREADS_MAX);
    stream = &merge->streams[at];
    if (stream->stream == NULL)
        stream->stream = toll_cdr_stream_create(merge->dataset->io, merge->hash);
    if (stream->stream != NULL)
        return stream;
    atomic_flag_clear(&stream->busy);
    return NULL;
}

static void return_stream(struct toll_merge *merge, struct toll_merge_stream *stream)
{
    size_t bytes;

    if (stream == NULL)
        return;
    toll_cdr_stream_abandon(stream->stream); /* of a day that failed, or stays as it is */
    bytes = toll_cdr_stream_bytes(stream->stream);
    toll_memory_take(&merge->gather->memory, bytes - stream->bytes);
    stream->bytes = bytes;
    atomic_flag_clear(&stream->busy);
}

void toll_merge_free(struct toll_merge *merge)
{
    for (size_t i = 0; i < TOLL_INGEST_THREADS_MAX; i++)
        toll_cdr_stream_free(merge->streams[i].stream);
    free((void *)merge->duplicates);
}

static int prepare(struct merging *merging, struct toll_error *error)
{
    struct toll_merge *merge = merging->merge;
    const struct toll_gather *gather = merge->gather;
    int code = collect_use(merging, error);

    if (code == 0)
        code = toll_gather_day(gather, merging->day->day, &merging->rows, error);
    if (code != 0)
        return code;
    merging->duplicates_of =
        calloc((size_t)gather->names->strings[TOLL_NAME_SOURCE].count + 1, sizeof *merging->duplicates_of);
    merging->runs = calloc(gather->run_count + 1, sizeof *merging->runs);
    merging->sources = calloc(gather->run_count + 2, sizeof *merging->sources);
    if (merge->write)
        merging->stream = take_stream(merge);
    if (merging->duplicates_of == NULL || merging->runs == NULL || merging->sources == NULL ||
        (merge->write && merging->stream == NULL))
        return no_memory(error);
    return 0;
}

/* What sorting and reading take: twice the entries, and a block of each run. */
static size_t bytes_of(const struct merging *merging)
{
    const struct toll_gather *gather = merging->merge->gather;
    size_t bytes = 2 * merging->rows.count * sizeof *merging->rows.entries;

    for (size_t i = 0; i < gather->run_count; i++) {
        const struct toll_run_day *day = toll_run_find_day(&gather->runs[i], merging->day->day);

        if (day != NULL && day->block_count > 0)
            bytes += day->blocks[0].bytes + sizeof *merging->runs;
    }
    return bytes;
}

int toll_merge_run(struct toll_merge *merge, struct toll_merge_day *day, struct toll_error *error)
{
    struct merging merging = {.merge = merge, .day = day, .day_start = day->day * TOLL_DAY_MS};
    const uint32_t sources = merge->gather->names->strings[TOLL_NAME_SOURCE].count;
    int code = prepare(&merging, error);
    size_t bytes = bytes_of(&merging);

    toll_memory_take(&merge->gather->memory, bytes);
    if (code == 0)
        code = merge_day(&merging, error);
    for (uint32_t id = 1; code == 0 && id <= sources; id++) {
        if (merging.duplicates_of[id] != 0)
            atomic_fetch_add(&merge->duplicates[id], merging.duplicates_of[id]);
    }
    toll_part_build_free(&merging.build);
    return_stream(merge, merging.stream);
    toll_row_store_free(&merging.copies);
    toll_used_free(&merging.used);
    toll_memory_give_back(&merge->gather->memory, bytes);
    free(merging.group);
    free(merging.duplicates_of);
    free(merging.runs);
    free(merging.sources);
    free(merging.slots[0].text);
    free(merging.slots[1].text);
    toll_day_rows_free(&merging.rows);
    return code;
}

static int add_dictionary(const struct toll_cdr_part *part, enum toll_cdr_column column,
                          struct toll_strings *strings, struct toll_error *error)
{
    struct toll_cdr_dictionary dictionary = toll_cdr_part_dictionary(part, column);

    for (uint32_t i = 1; i < dictionary.count; i++) {
        if (toll_strings_add(strings, dictionary.entries[i], strlen(dictionary.entries[i])) == 0)
            return no_memory(error);
    }
    return 0;
}

int toll_merge_add_names(const struct toll_dataset *dataset, size_t part_index, struct toll_row_names *names,
                         struct toll_error *error)
{
    static const enum toll_cdr_column columns[TOLL_NAMES] = {[TOLL_NAME_CARRIER] = TOLL_CDR_CARRIER,
                                                             [TOLL_NAME_TRUNK] = TOLL_CDR_TRUNK,
                                                             [TOLL_NAME_HINT] = TOLL_CDR_HINT,
                                                             [TOLL_NAME_CALLTYPE] = TOLL_CDR_CALLTYPE,
                                                             [TOLL_NAME_SOURCE] = TOLL_CDR_SOURCE_FILE};
    struct toll_cdr_part *part;
    int code = toll_dataset_part_open(dataset, part_index, TOLL_READ_PREAD, &part, error);

    for (int i = 0; code == 0 && i < TOLL_NAMES; i++)
        code = add_dictionary(part, columns[i], &names->strings[i], error);
    if (part != NULL)
        toll_cdr_part_close(part);
    return code;
}
