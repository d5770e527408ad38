/*
 * Parts that both runs answer: the same CDRs, so row by row. A batch's column that is the same bytes in both,
 * as its checksums say, and whose ids mean the same in both, is not even read; the others are compared
 * column by column, and only rows that differ somewhere are looked at one by one.
 */
#include "pipeline/delta.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

bool toll_delta_changes_room(struct toll_delta_changes *changes, size_t more)
{
    if (changes->count + more <= changes->room)
        return true;
    const size_t room = 2 * changes->room + more + 64;
    struct toll_delta_change *grown = realloc(changes->list, room * sizeof *grown);
    if (grown == NULL)
        return false;
    changes->list = grown;
    changes->room = room;
    return true;
}

/* ---- a part ---- */

int toll_delta_part_open(struct toll_delta_part *part, struct toll_delta_run *side, size_t index,
                         struct toll_error *error)
{
    memset(part, 0, sizeof *part);
    part->side = side;
    part->index = index;
    return toll_run_lines_open(&side->run, index, TOLL_READ_MMAP, &part->lines, error);
}

static int open_cdrs(struct toll_delta_part *part, struct toll_error *error)
{
    const struct toll_reader_books *books = &part->side->books;
    int rc = toll_dataset_part_open(&part->side->dataset, part->index, TOLL_READ_MMAP, &part->cdrs, error);
    if (rc != 0)
        return rc;
    if (toll_cdr_part_rows(part->cdrs) != part->side->run.manifest.parts[part->index].rows)
        return toll_error_set(error, TOLL_EDATA, "%s: a part has other rows than %s rated",
                              part->side->dataset.path, part->side->run.path);
    part->maps = calloc(books->count, sizeof *part->maps);
    if (part->maps == NULL)
        return toll_delta_no_memory(error);
    for (size_t i = 0; rc == 0 && i < books->count; i++)
        rc = toll_part_map_make(&part->maps[i], &books->list[i].rater, part->cdrs, &part->arena, NULL, error);
    return rc;
}

static void close_cdrs(struct toll_delta_part *part)
{
    if (part->cdrs != NULL)
        toll_cdr_part_close(part->cdrs);
    free(part->maps);
    toll_arena_free(&part->arena);
    part->cdrs = NULL;
    part->maps = NULL;
}

int toll_delta_part_need_cdrs(struct toll_delta_maker *maker, struct toll_delta_part *part,
                              struct toll_error *error)
{
    if (atomic_load(&part->has_cdrs))
        return 0;
    int rc = toll_delta_need_all(maker, error);
    if (rc != 0)
        return rc;
    pthread_mutex_lock(&maker->lock);
    if (!atomic_load(&part->has_cdrs)) {
        rc = open_cdrs(part, error);
        if (rc == 0)
            atomic_store(&part->has_cdrs, true);
        else
            close_cdrs(part); /* another thread may try, and says the same */
    }
    pthread_mutex_unlock(&maker->lock);
    return rc;
}

void toll_delta_part_close(struct toll_delta_part *part)
{
    toll_lines_close(part->lines);
    close_cdrs(part);
    memset(part, 0, sizeof *part);
}

/* ---- columns ---- */

static void compare_32(const int32_t *restrict a, const int32_t *restrict b, int64_t rows,
                       uint8_t *restrict differs)
{
    for (int64_t i = 0; i < rows; i++)
        differs[i] |= a[i] != b[i];
}

static void compare_64(const int64_t *restrict a, const int64_t *restrict b, int64_t rows,
                       uint8_t *restrict differs)
{
    for (int64_t i = 0; i < rows; i++)
        differs[i] |= a[i] != b[i];
}

static void compare_8(const uint8_t *restrict a, const uint8_t *restrict b, int64_t rows,
                      uint8_t *restrict differs)
{
    for (int64_t i = 0; i < rows; i++)
        differs[i] |= a[i] != b[i];
}

static void compare_ids(const int32_t *restrict a, const struct toll_delta_ids *x, const int32_t *restrict b,
                        const struct toll_delta_ids *y, int64_t rows, uint8_t *restrict differs)
{
    if (x->shared == NULL && y->shared == NULL) {
        compare_32(a, b, rows, differs);
        return;
    }
    for (int64_t i = 0; i < rows; i++)
        differs[i] |= toll_delta_id(x, a[i]) != toll_delta_id(y, b[i]);
}

/* One of them may be missing: all 0 then. */
static void compare_some(const int32_t *a, const struct toll_delta_ids *x, const int32_t *b,
                         const struct toll_delta_ids *y, int64_t rows, uint8_t *differs)
{
    const int32_t *one = a != NULL ? a : b;
    if (a != NULL && b != NULL)
        compare_ids(a, x, b, y, rows, differs);
    else
        for (int64_t i = 0; one != NULL && i < rows; i++)
            differs[i] |= one[i] != 0;
}

static void compare_costs(const struct toll_line_batch *x, const struct toll_line_batch *y, int64_t rows,
                          const struct toll_delta_ids *old_prices, const struct toll_delta_ids *new_prices,
                          uint8_t *differs)
{
    const struct toll_line_batch *one = x->cost != NULL ? x : y;
    if (x->cost != NULL && y->cost != NULL) {
        compare_64(x->cost, y->cost, rows, differs);
        compare_8(x->cost_status, y->cost_status, rows, differs);
        compare_ids(x->cost_price, old_prices, y->cost_price, new_prices, rows, differs);
        return;
    }
    for (int64_t i = 0; one->cost != NULL && i < rows; i++)
        differs[i] |= toll_cost_takes_part(one->cost_status[i]);
}

/* ---- a batch ---- */

struct task {
    struct toll_delta_maker *maker;
    struct toll_delta_part *parts;      /* of both sides */
    struct toll_delta_changes *results; /* by batch */
    int64_t batches;
    _Atomic int64_t next;
};
struct thread {
    struct task *task;
    pthread_t id;
    uint8_t *differs;
    void *rooms[TOLL_DELTA_SIDES]; /* of a batch's lines */
    int rc;
    int64_t failed_batch;
    struct toll_error error;
};

/* The columns of a batch that are not known to be the same, as bits. */
static unsigned open_columns(const struct task *task, int64_t batch)
{
    const struct toll_delta_maker *maker = task->maker;
    const bool agree[TOLL_LINE_COLUMNS_MOST] = {
        [TOLL_LINE_ACCOUNT] = maker->accounts_agree,
        [TOLL_LINE_PRICE] = maker->prices_agree,
        [TOLL_LINE_BILLED] = true,
        [TOLL_LINE_CHARGE] = true,
        [TOLL_LINE_TUPLE] = maker->tuples_agree,
        [TOLL_LINE_STATUS] = true,
        [TOLL_LINE_CLASS_JURISDICTION] = true,
        [TOLL_LINE_INCLUDED] = true,
        [TOLL_LINE_POOL] = maker->pools_agree,
        [TOLL_LINE_COST] = true,
        [TOLL_LINE_COST_PRICE] = maker->prices_agree,
        [TOLL_LINE_COST_STATUS] = true,
        [TOLL_LINE_BOOK] = maker->same_books,
    };
    unsigned open = 0;
    for (unsigned c = 0; c < TOLL_LINE_COLUMNS_MOST; c++)
        if (!agree[c] || !toll_lines_same(task->parts[0].lines, task->parts[1].lines, batch, c))
            open |= 1u << c;
    /* Where the books are the same and not by line, who pays is no question. */
    if (maker->same_books &&
        toll_lines_same(task->parts[0].lines, task->parts[1].lines, batch, TOLL_LINE_BOOK))
        open &= ~(1u << TOLL_LINE_BOOK);
    return open;
}

static void compare_columns(const struct task *task, const struct toll_line_batch *x,
                            const struct toll_line_batch *y, unsigned open, uint8_t *differs)
{
    const struct toll_delta_run *before = task->parts[0].side, *after = task->parts[1].side;
    const int64_t rows = y->rows;
    if (open & 1u << TOLL_LINE_ACCOUNT)
        compare_ids(x->account, &before->accounts, y->account, &after->accounts, rows, differs);
    if (open & 1u << TOLL_LINE_PRICE)
        compare_ids(x->price, &before->prices, y->price, &after->prices, rows, differs);
    if (open & 1u << TOLL_LINE_BILLED)
        compare_32(x->billed, y->billed, rows, differs);
    if (open & 1u << TOLL_LINE_CHARGE)
        compare_64(x->charge, y->charge, rows, differs);
    if (open & 1u << TOLL_LINE_TUPLE)
        compare_ids(x->tuple, &before->tuples, y->tuple, &after->tuples, rows, differs);
    if (open & 1u << TOLL_LINE_STATUS)
        compare_8(x->status, y->status, rows, differs);
    if (open & 1u << TOLL_LINE_CLASS_JURISDICTION)
        compare_8(x->class_jurisdiction, y->class_jurisdiction, rows, differs);
    if (open & 1u << TOLL_LINE_INCLUDED) {
        const struct toll_delta_ids own = {0};
        compare_some(x->included, &own, y->included, &own, rows, differs);
    }
    if (open & 1u << TOLL_LINE_POOL)
        compare_some(x->pool, &before->pools, y->pool, &after->pools, rows, differs);
    if (open & (1u << TOLL_LINE_COST | 1u << TOLL_LINE_COST_PRICE | 1u << TOLL_LINE_COST_STATUS))
        compare_costs(x, y, rows, &before->prices, &after->prices, differs);
}

/* Rows of accounts that the two books do not know by the same numbers: they have to be looked at. */
static int doubt_payers(const struct task *task, const struct toll_line_batch *x,
                        const struct toll_line_batch *y, uint8_t *differs, struct toll_error *error)
{
    const struct toll_delta_run *before = task->parts[0].side, *after = task->parts[1].side;
    const int rc = toll_delta_need_all(task->maker, error);
    for (int64_t i = 0; rc == 0 && i < y->rows; i++) {
        const size_t p = x->book == NULL ? before->books.count - 1 : x->book[i],
                     q = y->book == NULL ? after->books.count - 1 : y->book[i];
        const uint32_t account = toll_delta_id(&after->accounts, y->account[i]);
        if (differs[i] != 0 || account == TOLL_DELTA_NO_ID || p >= before->books.count ||
            q >= after->books.count) {
            differs[i] = 1;
            continue;
        }
        const struct toll_delta_book *a = &before->owners[p], *b = &after->owners[q];
        differs[i] = account == 0 ? a->nobody != b->nobody
                                  : !toll_hash_equal(a->ownership[account], b->ownership[account]);
    }
    return rc;
}

static int judge_rows(struct task *task, int64_t batch, struct toll_line_batch lines[TOLL_DELTA_SIDES],
                      const uint8_t *differs, struct toll_error *error)
{
    struct toll_delta_changes *changes = &task->results[batch];
    struct toll_cdr_batch cdrs[TOLL_DELTA_SIDES];
    struct toll_delta_spot spots[TOLL_DELTA_SIDES];
    size_t count = 0;
    int rc = 0;
    for (int64_t i = 0; i < lines[0].rows; i++)
        count += differs[i] != 0;
    if (count == 0)
        return 0;
    for (unsigned s = 0; rc == 0 && s < TOLL_DELTA_SIDES; s++) {
        rc = toll_delta_part_need_cdrs(task->maker, &task->parts[s], error);
        if (rc == 0)
            rc = toll_cdr_part_batch(task->parts[s].cdrs, batch, TOLL_DELTA_CDR_COLUMNS, NULL, &cdrs[s],
                                     error);
        spots[s] = (struct toll_delta_spot){.part = &task->parts[s], .lines = &lines[s], .cdrs = &cdrs[s]};
    }
    for (int64_t i = 0; rc == 0 && i < lines[0].rows; i++) {
        if (differs[i] == 0)
            continue;
        spots[0].index = spots[1].index = i;
        spots[0].row = spots[1].row = batch * TOLL_BATCH_ROWS + i;
        const int found =
            toll_delta_judge(task->maker, &spots[0], &spots[1], true, &changes->list[changes->count], error);
        changes->count += found > 0;
        rc = found < 0 ? found : 0;
    }
    return rc;
}

static int compare_batch(struct task *task, int64_t batch, uint8_t *differs,
                         void *const rooms[TOLL_DELTA_SIDES], struct toll_error *error)
{
    struct toll_line_batch lines[TOLL_DELTA_SIDES];
    const unsigned open = open_columns(task, batch);
    if (open == 0)
        return 0;
    int rc = 0;
    for (unsigned s = 0; rc == 0 && s < TOLL_DELTA_SIDES; s++)
        rc = toll_lines_batch(task->parts[s].lines, batch, rooms[s], &lines[s], error);
    if (rc != 0)
        return rc;
    memset(differs, 0, (size_t)lines[0].rows);
    compare_columns(task, &lines[0], &lines[1], open, differs);
    if (open & 1u << TOLL_LINE_BOOK)
        rc = doubt_payers(task, &lines[0], &lines[1], differs, error);
    return rc != 0 ? rc : judge_rows(task, batch, lines, differs, error);
}

/* ---- threads ---- */

static void *work(void *argument)
{
    struct thread *thread = argument;
    struct task *task = thread->task;
    for (;;) {
        const int64_t batch = atomic_fetch_add(&task->next, 1);
        if (batch >= task->batches)
            return NULL;
        thread->rc = compare_batch(task, batch, thread->differs, thread->rooms, &thread->error);
        thread->failed_batch = batch;
        if (thread->rc != 0)
            return NULL;
    }
}

static int run_threads(struct task *task, unsigned wanted, struct toll_error *error)
{
    const unsigned count = (int64_t)wanted < task->batches ? wanted : (unsigned)task->batches;
    struct thread *threads = calloc(count + 1u, sizeof *threads);
    uint8_t *differs = malloc((size_t)(count + 1u) * TOLL_BATCH_ROWS);
    const struct thread *failed = NULL;
    unsigned started = 1;
    bool room = threads != NULL && differs != NULL;
    for (unsigned i = 0; room && i < count; i++) {
        threads[i] = (struct thread){.task = task, .differs = differs + (size_t)i * TOLL_BATCH_ROWS};
        for (unsigned s = 0; s < TOLL_DELTA_SIDES; s++)
            room &= (threads[i].rooms[s] = toll_lines_buffer_make(task->parts[s].lines)) != NULL;
    }
    int rc = room ? 0 : toll_delta_no_memory(error);
    if (rc == 0) {
        while (started < count && pthread_create(&threads[started].id, NULL, work, &threads[started]) == 0)
            started++; /* fewer than wanted is slower, not wrong */
        if (count > 0)
            work(&threads[0]);
        for (unsigned i = 1; i < started; i++)
            pthread_join(threads[i].id, NULL);
        for (unsigned i = 0; i < started && count > 0; i++)
            if (threads[i].rc != 0 && (failed == NULL || threads[i].failed_batch < failed->failed_batch))
                failed = &threads[i];
    }
    if (failed != NULL) {
        rc = failed->rc;
        toll_error_set(error, rc, "%s", failed->error.text);
    }
    for (unsigned i = 0; threads != NULL && i < count; i++)
        for (unsigned s = 0; s < TOLL_DELTA_SIDES; s++)
            free(threads[i].rooms[s]);
    free(differs);
    free(threads);
    return rc;
}

/* Room for all rows of a part, of which only what is written to takes memory; each batch has its own. */
static bool make_results(struct task *task, int64_t rows, struct toll_delta_changes *changes)
{
    task->results = calloc((size_t)task->batches + 1, sizeof *task->results);
    if (task->results == NULL)
        return false;
    if (changes->count + (size_t)rows > changes->room) {
        const size_t room = changes->count + (size_t)rows;
        struct toll_delta_change *grown = realloc(changes->list, room * sizeof *grown);
        if (grown == NULL)
            return false;
        changes->list = grown;
        changes->room = room;
    }
    for (int64_t b = 0; b < task->batches; b++)
        task->results[b] = (struct toll_delta_changes){
            .list = changes->list + changes->count + b * TOLL_BATCH_ROWS, .room = TOLL_BATCH_ROWS};
    return true;
}

int toll_delta_compare_part(struct toll_delta_maker *maker, size_t old_part, size_t new_part,
                            struct toll_delta_changes *changes, struct toll_error *error)
{
    struct toll_delta_part parts[TOLL_DELTA_SIDES] = {0};
    struct task task = {.maker = maker, .parts = parts};
    int rc = toll_delta_part_open(&parts[0], &maker->sides[0], old_part, error);
    if (rc == 0)
        rc = toll_delta_part_open(&parts[1], &maker->sides[1], new_part, error);
    if (rc == 0) {
        task.batches = toll_lines_batches(parts[1].lines);
        rc = make_results(&task, toll_lines_rows(parts[1].lines), changes)
                 ? run_threads(&task, maker->threads, error)
                 : toll_delta_no_memory(error);
    }
    for (int64_t b = 0; rc == 0 && b < task.batches; b++) {
        struct toll_delta_change *to = changes->list + changes->count;
        if (task.results[b].count > 0 && to != task.results[b].list)
            memmove(to, task.results[b].list, task.results[b].count * sizeof *to);
        changes->count += task.results[b].count;
    }
    free(task.results);
    for (unsigned s = 0; s < TOLL_DELTA_SIDES; s++)
        toll_delta_part_close(&parts[s]);
    return rc;
}

/* ---- cost ---- */

/* CDRs are read only where an account has several payers. */
static int spot_payer(struct toll_delta_maker *maker, struct toll_delta_part *part, int64_t batch,
                      struct toll_cdr_batch *cdrs, bool *has_cdrs, struct toll_delta_spot *spot,
                      uint32_t *payer, struct toll_error *error)
{
    int rc = 0;
    if (toll_delta_spot_only_payer(spot, payer))
        return 0;
    if (!*has_cdrs) {
        rc = toll_delta_part_need_cdrs(maker, part, error);
        if (rc == 0)
            rc = toll_cdr_part_batch(part->cdrs, batch, TOLL_DELTA_CDR_COLUMNS, NULL, cdrs, error);
        *has_cdrs = rc == 0;
    }
    return rc != 0 ? rc : toll_delta_spot_payer(spot, maker, payer, error);
}

int toll_delta_cost_part(struct toll_delta_maker *maker, enum toll_delta_which which, size_t index,
                         struct toll_error *error)
{
    struct toll_delta_part part = {0};
    struct toll_line_batch lines;
    struct toll_cdr_batch cdrs;
    void *room = NULL;
    int rc = toll_delta_part_open(&part, &maker->sides[which], index, error);
    if (rc == 0 && (room = toll_lines_buffer_make(part.lines)) == NULL)
        rc = toll_delta_no_memory(error);
    for (int64_t b = 0; rc == 0 && b < toll_lines_batches(part.lines); b++) {
        struct toll_delta_spot spot = {.part = &part, .lines = &lines, .cdrs = &cdrs};
        bool has_cdrs = false;
        rc = toll_lines_batch(part.lines, b, room, &lines, error);
        for (int64_t i = 0; rc == 0 && lines.cost != NULL && i < lines.rows; i++) {
            uint32_t payer = 0;
            if (lines.cost[i] == 0)
                continue;
            spot.index = i;
            spot.row = b * TOLL_BATCH_ROWS + i;
            rc = spot_payer(maker, &part, b, &cdrs, &has_cdrs, &spot, &payer, error);
            struct toll_delta_sums_of *sums = rc == 0 ? toll_delta_sums_at(maker, payer) : NULL;
            if (sums != NULL)
                sums->cost[which] += lines.cost[i];
            else if (rc == 0)
                rc = toll_delta_no_memory(error);
        }
    }
    free(room);
    toll_delta_part_close(&part);
    return rc;
}
