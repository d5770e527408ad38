/*
 * The changed lines in order: by the new run's day and row, vanished ones behind those of their day. One
 * thread gives them the delta's ids as they come, adds them up and writes a day's file when it is complete.
 */
#include "pipeline/delta.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum { GIVEN_PRICES, GIVEN_POOLS, GIVEN_TUPLES };

/* ---- rooms ---- */

static bool grow(void **rows, int64_t count, int64_t *room, size_t row_bytes)
{
    if (count < *room)
        return true;
    const int64_t wanted = 2 * *room + 64;
    void *grown = realloc(*rows, (size_t)wanted * row_bytes);
    if (grown == NULL)
        return false;
    *rows = grown;
    *room = wanted;
    return true;
}

/* The delta's id of a run's one: 0 until it is given. NULL: no memory. */
static uint32_t *given(struct toll_delta_maker *maker, unsigned side, unsigned table, int32_t id)
{
    struct toll_delta_ids *ids = &maker->given[side][table];
    if (id >= ids->limit) {
        const int64_t limit = 2 * (int64_t)id + 64;
        uint32_t *grown = realloc(ids->shared, (size_t)limit * sizeof *grown);
        if (grown == NULL)
            return NULL;
        memset(grown + ids->limit, 0, (size_t)(limit - ids->limit) * sizeof *grown);
        ids->shared = grown;
        ids->limit = limit;
    }
    return &ids->shared[id];
}

/* Rows that say the same are one; *known: it was there. 0: no memory. */
static uint32_t intern(struct toll_strings *strings, const char *const *texts, size_t text_count,
                       const int64_t *numbers, size_t number_count, bool *known)
{
    struct toll_delta_key key = {0};
    const uint32_t before = strings->count;
    for (size_t i = 0; i < text_count; i++)
        toll_delta_key_text(&key, texts[i]);
    toll_delta_key_put(&key, numbers, number_count * sizeof *numbers);
    const uint32_t id = toll_delta_key_id(&key, strings);
    *known = strings->count == before;
    free(key.bytes);
    return id;
}

/* ---- ids ---- */

static uint32_t price_id(struct toll_delta_maker *maker, const struct toll_price_row *row)
{
    const char *const texts[] = {row->kind, row->plan, row->deck, row->prefix, row->destination,
                                 row->band, row->unit, row->file, row->column};
    const int64_t numbers[] = {row->rate, row->per_units, row->connect_fee, row->line, row->step};
    bool known;
    const uint32_t id = intern(&maker->price_keys, texts, sizeof texts / sizeof *texts, numbers,
                               sizeof numbers / sizeof *numbers, &known);
    if (id == 0 || known)
        return id;
    if (!grow((void **)&maker->price_rows, maker->price_row_count, &maker->price_row_room,
              sizeof *maker->price_rows))
        return 0;
    maker->price_rows[maker->price_row_count] = *row;
    maker->price_rows[maker->price_row_count++].id = (int32_t)id;
    return id;
}

static uint32_t tuple_id(struct toll_delta_maker *maker, const struct toll_tuple_row *row)
{
    const char *const texts[] = {row->period,         row->from,         row->area,    row->resolved,
                                 row->reason,         row->tax_services, row->service, row->jurisdiction,
                                 row->customer_class, row->sale,         row->seller,  row->exemptions,
                                 row->origin,         row->two_of_three};
    const int64_t numbers[] = {row->split_line};
    bool known;
    const uint32_t id = intern(&maker->tuple_keys, texts, sizeof texts / sizeof *texts, numbers, 1, &known);
    if (id == 0 || known)
        return id;
    if (!grow((void **)&maker->tuple_rows, maker->tuple_row_count, &maker->tuple_row_room,
              sizeof *maker->tuple_rows))
        return 0;
    maker->tuple_rows[maker->tuple_row_count] = *row;
    maker->tuple_rows[maker->tuple_row_count].book = 0;
    maker->tuple_rows[maker->tuple_row_count++].id = (int32_t)id;
    return id;
}

static uint32_t pool_id(struct toll_delta_maker *maker, const struct toll_pool_period_row *row)
{
    const char *const texts[] = {row->bundle, row->scope, row->account, row->site, row->number, row->pool};
    bool known;
    const uint32_t id = intern(&maker->pool_keys, texts, sizeof texts / sizeof *texts, NULL, 0, &known);
    if (id == 0 || known)
        return id;
    if (!grow((void **)&maker->pool_rows, maker->pool_row_count, &maker->pool_row_room,
              sizeof *maker->pool_rows))
        return 0;
    maker->pool_rows[maker->pool_row_count++] = (struct toll_delta_pool_row){
        (int32_t)id, row->bundle, row->scope, row->account, row->site, row->number, row->pool};
    return id;
}

/* The first row of a pool: all have its names. */
static const struct toll_pool_period_row *find_pool(const struct toll_run_tables *tables, int32_t id)
{
    int64_t low = 0, high = tables->pool_count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (tables->pools[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low == tables->pool_count || tables->pools[low].id != id ? NULL : &tables->pools[low];
}

static bool give(struct toll_delta_maker *maker, unsigned side, unsigned table, int32_t *id)
{
    if (*id == 0)
        return true;
    uint32_t *slot = given(maker, side, table, *id);
    if (slot == NULL)
        return false;
    if (*slot == 0) {
        const struct toll_delta_run *run = &maker->sides[side];
        const struct toll_pool_period_row *pool =
            table == GIVEN_POOLS ? find_pool(&run->run.tables, *id) : NULL;
        *slot = table == GIVEN_PRICES   ? price_id(maker, toll_delta_price(run, *id))
                : table == GIVEN_TUPLES ? tuple_id(maker, toll_delta_tuple(run, *id))
                : pool != NULL          ? pool_id(maker, pool)
                                        : 0;
    }
    *id = (int32_t)*slot;
    return *slot != 0;
}

static bool give_payer(struct toll_delta_maker *maker, int32_t *id)
{
    const uint32_t shared = (uint32_t)*id;
    if (shared >= maker->payer_given_room) {
        const uint32_t room = 2 * shared + 64;
        int32_t *grown = realloc(maker->payer_given, room * sizeof *grown);
        if (grown == NULL)
            return false;
        memset(grown + maker->payer_given_room, 0, (room - maker->payer_given_room) * sizeof *grown);
        maker->payer_given = grown;
        maker->payer_given_room = room;
    }
    if (maker->payer_given[shared] == 0) {
        const struct toll_delta_payer *payer = &maker->payers[shared];
        if (!grow((void **)&maker->payer_rows, maker->payer_row_count, &maker->payer_row_room,
                  sizeof *maker->payer_rows))
            return false;
        const int32_t next = (int32_t)maker->payer_row_count + 1;
        maker->payer_rows[maker->payer_row_count++] = (struct toll_delta_payer_row){
            next, payer->account_text, toll_delta_name(maker, payer->account), payer->site, payer->currency};
        maker->payer_given[shared] = next;
    }
    *id = maker->payer_given[shared];
    return true;
}

/* ---- sums ---- */

static bool count_side(struct toll_delta_maker *maker, enum toll_delta_which which, unsigned reason,
                       const struct toll_delta_side_row *row, bool count_line)
{
    const int sign = which == TOLL_DELTA_OLD ? -1 : 1;
    struct toll_delta_sums_of *sums = toll_delta_sums_at(maker, (uint32_t)row->payer);
    struct toll_delta_reasons_of *reasons =
        sums == NULL ? NULL : toll_delta_reasons_at(maker, (uint32_t)row->payer);
    if (reasons == NULL)
        return false;
    sums = toll_delta_sums_at(maker, (uint32_t)row->payer);
    const bool settled = row->status < TOLL_SUSPENSE_FIRST && maker->payers[row->payer].account != 0;
    sums->lines += count_line;
    sums->moved_rows += settled ? sign : 0;
    sums->moved_charge += (toll_total)sign * row->charge;
    sums->moved_cost += (toll_total)sign * row->cost;
    reasons->lines[reason] += count_line;
    reasons->charge[reason] += (toll_total)sign * row->charge;
    reasons->cost[reason] += (toll_total)sign * row->cost;
    return true;
}

static bool count_line(struct toll_delta_maker *maker, const struct toll_delta_line_row *row)
{
    const unsigned reason = (unsigned)__builtin_ctz(row->reasons);
    const bool same = row->before.row >= 0 && row->after.row >= 0 && row->before.payer == row->after.payer;
    maker->result->moved = true;
    maker->result->changed++;
    maker->result->reason_rows[reason]++;
    return (row->before.row < 0 || count_side(maker, TOLL_DELTA_OLD, reason, &row->before, true)) &&
           (row->after.row < 0 || count_side(maker, TOLL_DELTA_NEW, reason, &row->after, !same));
}

/* ---- closed cycles ---- */

static void fill_adjust(const struct toll_delta_maker *maker, unsigned side,
                        const struct toll_delta_side_row *row, toll_ms start, struct toll_adjust_side *out)
{
    *out = (struct toll_adjust_side){.account = "", .account_name = "", .site = "", .currency = ""};
    if (row->row < 0)
        return;
    const struct toll_delta_payer *payer = &maker->payers[row->payer];
    out->there = true;
    out->account = payer->account_text;
    out->account_name = toll_delta_name(maker, payer->account);
    out->site = payer->site;
    out->currency = payer->currency;
    out->start = start;
    out->charge = row->charge;
    out->tuple = row->tuple == 0 ? NULL : toll_delta_tuple(&maker->sides[side], row->tuple);
}

static int adjust(struct toll_delta_maker *maker, struct toll_delta_change *change, struct toll_error *error)
{
    struct toll_adjust_change line = {.reason = (enum toll_delta_reason)__builtin_ctz(change->row.reasons)};
    bool closed = false;
    fill_adjust(maker, TOLL_DELTA_OLD, &change->row.before, change->old_start, &line.before);
    fill_adjust(maker, TOLL_DELTA_NEW, &change->row.after, change->new_start, &line.after);
    const int rc = toll_adjust_line(maker->adjust, &line, &closed, error);
    change->row.closed = closed;
    return rc;
}

static int open_adjust(struct toll_delta_maker *maker, struct toll_error *error)
{
    const struct toll_delta_options *options = maker->options;
    if (options->closed_path == NULL)
        return 0;
    const int rc = toll_delta_need_all(maker, error);
    if (rc != 0)
        return rc;
    const struct toll_adjust_runs runs = {
        .before = &maker->sides[TOLL_DELTA_OLD].run,
        .after = &maker->sides[TOLL_DELTA_NEW].run,
        .old_book = toll_reader_book_own(&maker->sides[TOLL_DELTA_OLD].books)->book,
        .new_book = toll_reader_book_own(&maker->sides[TOLL_DELTA_NEW].books)->book,
        .old_run_path = options->old_run_path,
        .new_run_path = options->new_run_path,
    };
    return toll_adjust_open(&maker->adjust, maker->io, options->closed_path, &options->policy, &runs, error);
}

/* Of a side that is there: all ids but prices'. */
static bool give_side(struct toll_delta_maker *maker, unsigned side, struct toll_delta_side_row *row)
{
    return row->row < 0 || (give_payer(maker, &row->payer) && give(maker, side, GIVEN_POOLS, &row->pool) &&
                            give(maker, side, GIVEN_TUPLES, &row->tuple));
}

static bool give_prices(struct toll_delta_maker *maker, unsigned side, struct toll_delta_side_row *row)
{
    return row->row < 0 || (give(maker, side, GIVEN_PRICES, &row->price) &&
                            give(maker, side, GIVEN_PRICES, &row->cost_price));
}

/* ---- days ---- */

/* Prices, of which there may be millions, are given their ids beside all else. */
struct giving {
    struct toll_delta_maker *maker;
    struct toll_delta_changes *changes;
    bool fits;
};

static void *give_all_prices(void *argument)
{
    struct giving *giving = argument;
    struct toll_delta_change *list = giving->changes->list;
    bool fits = true;
    for (size_t i = 0; fits && i < giving->changes->count; i++)
        fits = give_prices(giving->maker, TOLL_DELTA_OLD, &list[i].row.before) &&
               give_prices(giving->maker, TOLL_DELTA_NEW, &list[i].row.after);
    giving->fits = fits;
    return NULL;
}

static int give_the_rest(struct toll_delta_maker *maker, struct toll_delta_changes *changes,
                         struct toll_error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < changes->count; i++) {
        struct toll_delta_change *change = &changes->list[i];
        if (!count_line(maker, &change->row))
            rc = toll_delta_no_memory(error);
        if (rc == 0 && maker->adjust != NULL)
            rc = adjust(maker, change, error);
        if (rc == 0 && (!give_side(maker, TOLL_DELTA_OLD, &change->row.before) ||
                        !give_side(maker, TOLL_DELTA_NEW, &change->row.after)))
            rc = toll_delta_no_memory(error);
    }
    return rc;
}

#define BESIDE_LINES 10000 /* from which on a thread is worth its start */

static int write_day(struct toll_delta_maker *maker, int64_t day, struct toll_delta_changes *changes,
                     struct toll_error *error)
{
    struct giving giving = {.maker = maker, .changes = changes};
    pthread_t thread;
    if (changes->count == 0)
        return 0;
    const bool beside = maker->threads > 1 && changes->count >= BESIDE_LINES &&
                        pthread_create(&thread, NULL, give_all_prices, &giving) == 0;
    int rc = give_the_rest(maker, changes, error);
    if (beside)
        pthread_join(thread, NULL);
    else if (rc == 0)
        give_all_prices(&giving);
    if (rc == 0 && !giving.fits)
        rc = toll_delta_no_memory(error);
    if (rc == 0)
        rc = toll_delta_add_lines(maker->writer, day, &changes->list->row, sizeof *changes->list,
                                  (int64_t)changes->count, error);
    changes->count = 0;
    return rc;
}

struct plan {
    size_t *same_as; /* by new part: the old part that it is, or SIZE_MAX */
    bool *taken;     /* by old part */
    size_t *old_rest, *new_rest;
    size_t old_count, new_count;
    struct toll_delta_join *join; /* NULL: nothing to join */
};

static int make_plan(struct toll_delta_maker *maker, struct plan *plan, struct toll_error *error)
{
    const struct toll_run_manifest *before = &maker->sides[TOLL_DELTA_OLD].run.manifest,
                                   *after = &maker->sides[TOLL_DELTA_NEW].run.manifest;
    plan->same_as = calloc(after->part_count + 1, sizeof *plan->same_as);
    plan->taken = calloc(before->part_count + 1, sizeof *plan->taken);
    plan->old_rest = calloc(before->part_count + 1, sizeof *plan->old_rest);
    plan->new_rest = calloc(after->part_count + 1, sizeof *plan->new_rest);
    if (plan->same_as == NULL || plan->taken == NULL || plan->old_rest == NULL || plan->new_rest == NULL)
        return toll_delta_no_memory(error);
    for (size_t i = 0; i < after->part_count; i++) {
        const struct toll_run_part *part = &after->parts[i];
        plan->same_as[i] = SIZE_MAX;
        for (size_t k = 0; k < before->part_count && plan->same_as[i] == SIZE_MAX; k++)
            if (!plan->taken[k] && before->parts[k].day == part->day && before->parts[k].rows == part->rows &&
                before->parts[k].cdr_seal.bytes == part->cdr_seal.bytes &&
                toll_hash_equal(before->parts[k].cdr_seal.digest, part->cdr_seal.digest)) {
                plan->same_as[i] = k;
                plan->taken[k] = true;
            }
        if (plan->same_as[i] == SIZE_MAX)
            plan->new_rest[plan->new_count++] = i;
    }
    for (size_t k = 0; k < before->part_count; k++)
        if (!plan->taken[k])
            plan->old_rest[plan->old_count++] = k;
    if (plan->old_count + plan->new_count == 0)
        return 0;
    return toll_delta_join_make(maker, plan->old_rest, plan->old_count, plan->new_rest, plan->new_count,
                                &plan->join, error);
}

/* The digest of a file of lines is one of the checksums of all its columns. */
static bool known_same(const struct toll_delta_maker *maker, size_t old_part, size_t new_part)
{
    const struct toll_file_seal *x = &maker->sides[TOLL_DELTA_OLD].run.manifest.parts[old_part].seal,
                                *y = &maker->sides[TOLL_DELTA_NEW].run.manifest.parts[new_part].seal;
    return maker->same_books && maker->accounts_agree && maker->prices_agree && maker->tuples_agree &&
           maker->pools_agree && x->bytes == y->bytes && toll_hash_equal(x->digest, y->digest);
}

static int compare_part(struct toll_delta_maker *maker, size_t old_part, size_t new_part,
                        struct toll_delta_changes *changes, struct toll_error *error)
{
    return known_same(maker, old_part, new_part)
               ? 0
               : toll_delta_compare_part(maker, old_part, new_part, changes, error);
}

static int do_day(struct toll_delta_maker *maker, struct plan *plan, int64_t day, size_t *old_at,
                  size_t *new_at, struct toll_delta_changes *changes, struct toll_error *error)
{
    const struct toll_run_manifest *before = &maker->sides[TOLL_DELTA_OLD].run.manifest,
                                   *after = &maker->sides[TOLL_DELTA_NEW].run.manifest;
    int rc = 0;
    for (; rc == 0 && *new_at < after->part_count && after->parts[*new_at].day == day; ++*new_at)
        rc = plan->same_as[*new_at] != SIZE_MAX
                 ? compare_part(maker, plan->same_as[*new_at], *new_at, changes, error)
                 : toll_delta_join_part(plan->join, *new_at, changes, error);
    for (; rc == 0 && *old_at < before->part_count && before->parts[*old_at].day == day; ++*old_at)
        if (!plan->taken[*old_at])
            rc = toll_delta_join_vanished(plan->join, *old_at, changes, error);
    return rc == 0 ? write_day(maker, day, changes, error) : rc;
}

static int add_costs(struct toll_delta_maker *maker, struct toll_error *error)
{
    int rc = 0;
    for (unsigned s = 0; rc == 0 && s < TOLL_DELTA_SIDES; s++)
        for (size_t i = 0;
             rc == 0 && maker->sides[s].run.manifest.has_cost && i < maker->sides[s].run.manifest.part_count;
             i++)
            rc = toll_delta_cost_part(maker, s, i, error);
    return rc;
}

int toll_delta_days(struct toll_delta_maker *maker, struct toll_error *error)
{
    const struct toll_run_manifest *before = &maker->sides[TOLL_DELTA_OLD].run.manifest,
                                   *after = &maker->sides[TOLL_DELTA_NEW].run.manifest;
    const struct toll_progress *progress = &maker->options->progress;
    struct toll_delta_changes changes = {0};
    struct plan plan = {0};
    size_t old_at = 0, new_at = 0;
    int64_t done = 0;
    int rc = open_adjust(maker, error);
    if (rc == 0)
        rc = make_plan(maker, &plan, error);
    while (rc == 0 && (old_at < before->part_count || new_at < after->part_count)) {
        const int64_t old_day = old_at < before->part_count ? before->parts[old_at].day : INT64_MAX,
                      new_day = new_at < after->part_count ? after->parts[new_at].day : INT64_MAX;
        const size_t first = new_at;
        rc = do_day(maker, &plan, old_day < new_day ? old_day : new_day, &old_at, &new_at, &changes, error);
        for (size_t i = first; i < new_at; i++)
            done += after->parts[i].rows;
        if (rc == 0 && progress->tick != NULL)
            progress->tick(progress->context, "compare", done, after->rows, "lines");
    }
    if (rc == 0)
        rc = add_costs(maker, error);
    free(changes.list);
    free(plan.same_as);
    free(plan.taken);
    free(plan.old_rest);
    free(plan.new_rest);
    toll_delta_join_free(plan.join);
    return rc;
}

/* ---- tables ---- */

int toll_delta_days_tables(struct toll_delta_maker *maker, struct toll_error *error)
{
    struct toll_delta_writer *writer = maker->writer;
    int rc = toll_delta_add_payers(writer, maker->payer_rows, maker->payer_row_count, error);
    if (rc == 0)
        rc = toll_delta_add_prices(writer, maker->price_rows, maker->price_row_count, error);
    if (rc == 0)
        rc = toll_delta_add_pools(writer, maker->pool_rows, maker->pool_row_count, error);
    if (rc == 0)
        rc = toll_delta_add_tuples(writer, maker->tuple_rows, maker->tuple_row_count, error);
    return rc;
}

void toll_delta_days_free(struct toll_delta_maker *maker)
{
    for (unsigned s = 0; s < TOLL_DELTA_SIDES; s++)
        for (unsigned t = 0; t < 3; t++)
            free(maker->given[s][t].shared);
    free(maker->payer_given);
    free(maker->payer_rows);
    free(maker->price_rows);
    free(maker->pool_rows);
    free(maker->tuple_rows);
    toll_strings_free(&maker->price_keys);
    toll_strings_free(&maker->pool_keys);
    toll_strings_free(&maker->tuple_keys);
}
