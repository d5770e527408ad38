/*
 * The merge of one day. Old and new rows come sorted by (start, record key); rows that agree in both are a
 * run, nearly always of one row. Within a run equal content is one row (the source with the smallest sha256
 * and row stays), and two contents of one carrier are a conflict.
 */
#include "ingest/merge.h"

#include "base/check.h"
#include "base/error.h"
#include "ingest/part_rows.h"

#include <stdlib.h>
#include <string.h>

#define ALL_BITS 0xFFFFu
#define AHEAD 16 /* rows that are fetched before they are needed */
#define BUT_CONFLICT ((uint16_t)(ALL_BITS & ~TOLL_KIND_CONFLICT))

struct merging {
    const struct toll_merge *merge;
    struct toll_merge_day *day;
    struct toll_part_rows old;
    struct toll_part_build build; /* the result */
    struct toll_row **run;
    size_t run_count, run_capacity;
    size_t duplicates;
};

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory while merging a day");
}

static bool is_old(const struct merging *merging, const struct toll_row *row)
{
    return (uintptr_t)row - (uintptr_t)merging->old.rows < merging->old.count * sizeof *row;
}

static int by_content_and_source(const void *a, const void *b, void *context)
{
    const struct toll_row *x = *(struct toll_row *const *)a, *y = *(struct toll_row *const *)b;
    int order = toll_row_compare_content(context, x, y, BUT_CONFLICT);

    return order != 0 ? order : toll_row_compare_source(context, x, y);
}

static int by_carrier(const void *a, const void *b, void *context)
{
    const struct toll_row_names *names = context;
    const struct toll_row *x = *(struct toll_row *const *)a, *y = *(struct toll_row *const *)b;
    uint32_t left = names->rank[TOLL_NAME_CARRIER][x->carrier],
             right = names->rank[TOLL_NAME_CARRIER][y->carrier];

    return (left > right) - (left < right);
}

static int by_all(const void *a, const void *b, void *context)
{
    return toll_row_compare_content(context, *(struct toll_row *const *)a, *(struct toll_row *const *)b,
                                    ALL_BITS);
}

/* Of rows with equal content the first stays; it takes the others' conflict mark. Old rows were counted once,
 * when they came in: only new rows count as duplicates, all of them when the dataset had the row. */
static void keep_first(struct merging *merging, size_t from, size_t until)
{
    struct toll_row *first = merging->run[from];
    bool had = false, one_spared = false;

    for (size_t i = from; i < until; i++)
        had |= is_old(merging, merging->run[i]);
    for (size_t i = from; i < until; i++) {
        struct toll_row *row = merging->run[i];

        if ((row->kind & TOLL_KIND_CONFLICT) && !(first->kind & TOLL_KIND_CONFLICT))
            first->kind |= TOLL_KIND_CONFLICT;
        if (is_old(merging, row))
            continue;
        if (!had && !one_spared) {
            one_spared = true;
            continue;
        }
        atomic_fetch_add_explicit(&merging->merge->duplicates[row->source], 1, memory_order_relaxed);
    }
    merging->duplicates += until - from - 1;
    merging->day->changed |= !is_old(merging, first);
}

/* Two or more contents of one carrier. The rows are sorted by carrier. */
static void mark_conflicts(struct toll_row **rows, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (rows[i]->carrier != rows[i - 1]->carrier)
            continue;
        rows[i]->kind |= TOLL_KIND_CONFLICT;
        rows[i - 1]->kind |= TOLL_KIND_CONFLICT;
    }
}

/* Rows with one start and one key. */
static void finish_run(struct merging *merging)
{
    void *names = (void *)(uintptr_t)merging->merge->names;
    struct toll_row **run = merging->run;
    size_t kept = 0;

    if (merging->run_count > 1)
        qsort_r(run, merging->run_count, sizeof(*run), by_content_and_source, names);
    for (size_t from = 0, until; from < merging->run_count; from = until) {
        for (until = from + 1; until < merging->run_count &&
                               toll_row_compare_content(names, run[from], run[until], BUT_CONFLICT) == 0;
             until++) {
        }
        keep_first(merging, from, until);
        run[kept++] = run[from];
    }
    if (kept > 1) {
        qsort_r(run, kept, sizeof(*run), by_carrier, names);
        mark_conflicts(run, kept);
        qsort_r(run, kept, sizeof(*run), by_all, names);
    }
    for (size_t i = 0; i < kept; i++)
        toll_part_build_add(&merging->build, run[i]);
    merging->run_count = 0;
}

static int add_to_run(struct merging *merging, struct toll_row *row, struct toll_error *error)
{
    if (merging->run_count == merging->run_capacity) {
        size_t capacity = 2 * merging->run_capacity + 64;
        struct toll_row **larger = realloc(merging->run, capacity * sizeof *larger);

        if (larger == NULL)
            return no_memory(error);
        merging->run = larger;
        merging->run_capacity = capacity;
    }
    merging->run[merging->run_count++] = row;
    return 0;
}

/* The next row in order; `ends`: the row behind it has another start or key. */
static inline int put_row(struct merging *merging, struct toll_row *row, bool ends, struct toll_error *error)
{
    int code;

    if (ends && merging->run_count == 0) { /* nearly always */
        merging->day->changed |= !is_old(merging, row);
        toll_part_build_add(&merging->build, row);
        return 0;
    }
    code = add_to_run(merging, row, error);
    if (code == 0 && ends)
        finish_run(merging);
    return code;
}

/* First the row, then, when it is there, what it points at. */
static inline void look_ahead(const struct toll_merge_day *day, size_t new)
{
    const struct toll_row_extra *extra;

    if (new + AHEAD >= day->entry_count)
        return;
    toll_row_prefetch(day->entries[new + AHEAD].row);
    extra = day->entries[new + AHEAD / 2].row->extra;
    if (extra == NULL)
        return;
    __builtin_prefetch(extra);
    __builtin_prefetch((const char *)extra + 64);
}

static int merge_rows(struct merging *merging, struct toll_error *error)
{
    struct toll_merge_day *day = merging->day;
    toll_ms day_start = day->day * TOLL_DAY_MS;
    size_t old = 0, new = 0;
    struct toll_entry last = {0, NULL};

    int code;

    while (old < merging->old.count || new < day->entry_count) {
        struct toll_entry next = {0, NULL};

        if (old < merging->old.count) {
            next.row = &merging->old.rows[old];
            next.order = toll_entry_order(next.row, day_start);
        }
        if (new < day->entry_count &&
            (next.row == NULL || toll_entry_compare(&day->entries[new], &next) < 0)) {
            next = day->entries[new ++];
            look_ahead(day, new);
        } else {
            old++;
        }
        if (last.row != NULL) {
            code = put_row(merging, last.row, toll_entry_compare(&last, &next) != 0, error);
            if (code != 0)
                return code;
        }
        last = next;
    }
    return last.row == NULL ? 0 : put_row(merging, last.row, true, error);
}

static int read_old(struct merging *merging, struct toll_error *error)
{
    struct toll_merge_day *day = merging->day;
    int code;

    if (day->part == NULL)
        return 0;
    code = toll_part_rows_read(merging->merge->dataset, day->part_index, merging->merge->names, &merging->old,
                               error);
    if (code != 0)
        return code;
    for (size_t i = 0; i < day->mark_count; i++)
        merging->old.rows[day->marks[i].row].kind |= TOLL_KIND_CONFLICT;
    return 0;
}

int toll_merge_run(const struct toll_merge *merge, struct toll_merge_day *day, struct toll_error *error)
{
    struct merging merging = {.merge = merge, .day = day};
    int code = toll_entries_sort(day->entries, day->entry_count, error);

    day->changed = day->part == NULL;
    if (code == 0)
        code = read_old(&merging, error);
    if (code != 0)
        goto out;
    if (toll_part_build_begin(&merging.build, merge->names, merge->pool,
                              merging.old.count + day->entry_count))
        code = merge_rows(&merging, error);
    else
        code = no_memory(error);
    if (code != 0)
        goto out;
    TOLL_ASSERT(merging.build.count + merging.duplicates == merging.old.count + day->entry_count);
    day->result = (struct toll_dataset_part){.day = day->day,
                                             .generation = merge->generation,
                                             .rows = (int64_t)merging.build.count,
                                             .conflicts = merging.build.conflicts};
    day->changed |= day->part != NULL && day->part->conflicts != day->result.conflicts;
    if (!day->changed)
        day->result = *day->part;
    else if (merge->write)
        code = toll_part_build_write(&merging.build, merge->dataset, &day->result, error);
out:
    toll_part_build_free(&merging.build);
    free(merging.run);
    toll_part_rows_free(&merging.old);
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
