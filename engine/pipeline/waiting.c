/* toll_suspense_report_make: the walk over a run's suspense and the table of its groups. */
#include "pipeline/waiting.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* ---- groups ---- */

static uint64_t hash_of(const struct toll_waiting_key *key)
{
    return toll_hash(key, sizeof *key).low;
}

static bool grow_slots(struct toll_waiting *waiting)
{
    const size_t count = waiting->slot_count == 0 ? 1024 : 2 * waiting->slot_count;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return false;
    for (size_t i = 0; i < waiting->count; i++) {
        size_t slot = hash_of(&waiting->groups[i].key) & (count - 1);
        while (slots[slot] != 0)
            slot = (slot + 1) & (count - 1);
        slots[slot] = (uint32_t)i + 1;
    }
    free(waiting->slots);
    waiting->slots = slots;
    waiting->slot_count = count;
    return true;
}

static bool grow_groups(struct toll_waiting *waiting)
{
    const size_t capacity = waiting->capacity * 2 + 256;
    struct toll_waiting_group *grown = realloc(waiting->groups, capacity * sizeof *grown);
    if (grown == NULL)
        return false;
    waiting->groups = grown;
    waiting->capacity = capacity;
    return true;
}

static bool add_row(struct toll_waiting *waiting, const struct toll_waiting_key *key,
                    const struct toll_reader_row *at)
{
    if (waiting->count * 2 >= waiting->slot_count && !grow_slots(waiting))
        return false;
    waiting->rows++;
    size_t slot = hash_of(key) & (waiting->slot_count - 1);
    for (; waiting->slots[slot] != 0; slot = (slot + 1) & (waiting->slot_count - 1)) {
        struct toll_waiting_group *group = &waiting->groups[waiting->slots[slot] - 1];
        if (memcmp(&group->key, key, sizeof *key) == 0) {
            group->rows++;
            return true;
        }
    }
    if (waiting->count == TOLL_WAITING_GROUPS) {
        waiting->more_rows++;
        return true;
    }
    if (waiting->count == waiting->capacity && !grow_groups(waiting))
        return false;
    struct toll_waiting_group *group = &waiting->groups[waiting->count++];
    *group =
        (struct toll_waiting_group){.key = *key, .rows = 1, .day_row = at->day_row, .start = at->row.start};
    memcpy(group->day, at->day, strlen(at->day) + 1);
    waiting->slots[slot] = (uint32_t)waiting->count;
    return true;
}

/* ---- the walk ---- */

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for what is in suspense");
}

static int walk(struct toll_waiting *waiting, struct toll_run *run, struct toll_error *error)
{
    struct toll_reader_row at;
    int more;
    while ((more = toll_run_next_suspended(run, &at, error)) > 0) {
        struct toll_waiting_key key;
        if (waiting->rater == NULL) {
            const struct toll_book *book = at.rater->book;
            waiting->rater = at.rater;
            waiting->cursors = calloc((size_t)book->deck_count + 1, sizeof *waiting->cursors);
            waiting->decks = calloc((size_t)book->deck_count + 1, sizeof *waiting->decks);
            if (waiting->cursors == NULL || waiting->decks == NULL)
                return no_memory(error);
        }
        const int rc = toll_waiting_key_of(waiting, &at, &key, error);
        if (rc != 0)
            return rc;
        if (!add_row(waiting, &key, &at))
            return no_memory(error);
    }
    return more;
}

static void waiting_free(struct toll_waiting *waiting)
{
    for (uint32_t deck = 0; waiting->decks != NULL && deck < waiting->rater->book->deck_count; deck++)
        free(waiting->decks[deck].prefixes);
    free(waiting->decks);
    free(waiting->cursors);
    free(waiting->groups);
    free(waiting->slots);
    toll_strings_free(&waiting->texts);
}

static int by_rows(const void *a, const void *b)
{
    const struct toll_waiting_group *x = a, *y = b;
    if (x->rows != y->rows)
        return x->rows < y->rows ? 1 : -1;
    if (x->key.status != y->key.status)
        return x->key.status < y->key.status ? -1 : 1;
    const int days = strcmp(x->day, y->day);
    return days != 0 ? days : (x->day_row > y->day_row) - (x->day_row < y->day_row);
}

/* A row is of one group only, so no two groups were first seen at the same row: the order is total. */
static int fill_report(struct toll_waiting *waiting, const struct toll_suspense_options *options,
                       struct toll_suspense_report *out, struct toll_error *error)
{
    struct toll_arena *arena = out->owned;
    toll_waiting_join(waiting);
    if (waiting->count > 1)
        qsort(waiting->groups, waiting->count, sizeof *waiting->groups, by_rows);
    const size_t count = waiting->count < options->top ? waiting->count : options->top;
    out->groups = toll_arena_alloc(arena, (count + 1) * sizeof *out->groups);
    out->rows = waiting->rows;
    out->more_rows = waiting->more_rows;
    out->more_groups = (int64_t)(waiting->count - count);
    for (size_t i = count; i < waiting->count; i++)
        out->more_rows += waiting->groups[i].rows;
    for (; out->groups != NULL && out->count < count; out->count++)
        if (!toll_waiting_describe(waiting, &waiting->groups[out->count], options->unmask, arena,
                                   &out->groups[out->count]))
            return no_memory(error);
    return out->groups == NULL ? no_memory(error) : 0;
}

int toll_suspense_report_make(const struct toll_suspense_options *options, struct toll_suspense_report *out,
                              struct toll_error *error)
{
    return toll_suspense_report_with(toll_io_system(), options, out, error);
}

int toll_suspense_report_with(const struct toll_io *io, const struct toll_suspense_options *options,
                              struct toll_suspense_report *out, struct toll_error *error)
{
    struct toll_waiting waiting = {0};
    struct toll_run *run = NULL;
    *out = (struct toll_suspense_report){.owned = calloc(1, sizeof(struct toll_arena))};
    if (out->owned == NULL)
        return no_memory(error);
    if (options->dataset_path == NULL) {
        toll_suspense_report_free(out);
        return toll_error_set(error, TOLL_EUSAGE,
                              "what is in suspense is told from the dataset that %s rated",
                              options->run_path);
    }
    int rc = toll_run_open_with(io, options->run_path, options->dataset_path, &run, error);
    if (rc == 0)
        rc = walk(&waiting, run, error);
    if (rc == 0)
        rc = fill_report(&waiting, options, out, error);
    waiting_free(&waiting);
    toll_run_close(run);
    if (rc != 0)
        toll_suspense_report_free(out);
    return rc;
}

void toll_suspense_report_free(struct toll_suspense_report *report)
{
    if (report->owned != NULL)
        toll_arena_free(report->owned);
    free(report->owned);
    *report = (struct toll_suspense_report){0};
}
