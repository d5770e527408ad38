/*
 * Many books over one dataset in one pass: each is a lane of the workers, whose lines go into the sums of the
 * impact (pipeline/impact.h) and nowhere else. What a lane's lines need beyond a pass, ends of calls, volume
 * tiers, pools, period charges, is done as pipeline/rate.c does it.
 */
#include "pipeline/whatif.h"

#include "base/check.h"
#include "base/cpu.h"
#include "base/error.h"
#include "ingest/work.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the books");
}

/* ---- what comes before the rows ---- */

static int open_dataset(struct toll_whatif *whatif, struct toll_error *error)
{
    const struct toll_whatif_options *options = whatif->options;
    int rc = toll_dataset_open(&whatif->dataset, whatif->io, options->dataset_path, error);
    whatif->dataset_open = rc == 0;
    if (rc == 0)
        rc = toll_parts_select(&whatif->dataset, options->from_day, options->to_day, &whatif->first,
                               &whatif->last, error);
    if (rc == 0)
        whatif->span = toll_parts_span(&whatif->dataset, whatif->first, whatif->last);
    if (whatif->span.rows > 0) {
        toll_day_format(toll_day_of_ms(whatif->span.first), whatif->first_day);
        toll_day_format(toll_day_of_ms(whatif->span.last), whatif->last_day);
    }
    return rc;
}

static int open_after(struct toll_whatif *whatif, struct toll_whatif_side *side, struct toll_error *error)
{
    const struct toll_whatif_options *options = whatif->options;
    struct toll_after *after = &side->after;
    int rc = toll_days_read(options->from_day, options->to_day, &after->from_day, &after->to_day, error);
    if (rc == 0)
        rc = toll_after_open(after, whatif->io, options->after, error);
    if (rc == 0)
        rc = toll_after_join(after, side->book, &whatif->dataset, whatif->first, whatif->last, error);
    if (rc == 0 && options->reorder)
        rc = toll_after_reorder(after, &whatif->raters[side->lane], &whatif->dataset, whatif->first,
                                whatif->last, error);
    return rc;
}

/* Of the lanes behind the base's. */
static int make_rater(void *context, size_t index, struct toll_error *error)
{
    struct toll_whatif *whatif = context;
    const size_t lane = index + 1;
    const struct toll_book *book = whatif->books[whatif->book_of_lane[lane]].book;
    return toll_rater_init(&whatif->raters[lane], book, whatif->features, error);
}

static int make_lane(struct toll_whatif *whatif, unsigned lane, struct toll_error *error)
{
    struct toll_whatif_side *side = &whatif->books[whatif->book_of_lane[lane]];
    struct toll_rater *rater = &whatif->raters[lane];
    int rc = 0;
    if (lane > 0)
        toll_rater_share(rater, &whatif->raters[0]);
    if (whatif->options->after != NULL)
        rc = open_after(whatif, side, error);
    if (rc == 0 && !whatif->options->no_taxes)
        rc = toll_tuples_of_parts(side->book, &whatif->dataset, whatif->first, whatif->last, &side->tuples,
                                  error);
    rater->tuples = side->tuples;
    return rc;
}

/* A book of which only the terms of prices may be others than the base's. */
static bool has_base_ids(const struct toll_whatif *whatif, unsigned index, struct toll_repricing_book *out)
{
    const struct toll_whatif_side *side = &whatif->books[index];
    const struct toll_variation *variation = &side->variation;
    if (variation->reprices && whatif->options->books[index].path == NULL) {
        *out = (struct toll_repricing_book){side->book, variation->price_first, variation->price_end};
        return true;
    }
    *out = (struct toll_repricing_book){side->book, 0, UINT32_MAX};
    return !whatif->options->compile_changes && toll_book_same_but_terms(whatif->books[0].book, side->book);
}

/* Which books price the base's lines anew; each of the others has a lane. */
static int find_lanes(struct toll_whatif *whatif, bool no_repricing, struct toll_error *error)
{
    struct toll_repricing_book books[TOLL_LANES_MAX];
    unsigned of[TOLL_LANES_MAX] = {0}, count = 0, column = 0;
    bool fits[TOLL_LANES_MAX] = {false}, repriced[TOLL_LANES_MAX] = {false};
    int rc = 0;
    for (unsigned i = 1; i < whatif->count && !no_repricing; i++) {
        of[count] = i;
        count += has_base_ids(whatif, i, &books[count]);
    }
    if (count > 0)
        rc = toll_repricing_make(&whatif->repricing, whatif->books[0].book, books, count,
                                 toll_work_threads(whatif->options->threads),
                                 toll_kernels_select(whatif->features), fits, error);
    for (unsigned k = 0; k < count; k++)
        repriced[of[k]] = fits[k];
    for (unsigned i = 0; i < whatif->count; i++) {
        whatif->books[i].lane = repriced[i] ? -1 : (int)whatif->lane_count;
        if (repriced[i])
            whatif->books[i].column = column++;
        else
            whatif->book_of_lane[whatif->lane_count++] = i;
    }
    whatif->repriced_count = column;
    return rc;
}

struct planning {
    struct toll_whatif *whatif;
    bool no_repricing;
};

/* The base's rater, and beside it who else needs one. */
static int plan_lanes(void *context, size_t index, struct toll_error *error)
{
    const struct planning *planning = context;
    struct toll_whatif *whatif = planning->whatif;
    return index == 0 ? toll_rater_init(&whatif->raters[0], whatif->books[0].book, whatif->features, error)
                      : find_lanes(whatif, planning->no_repricing, error);
}

static int make_lanes(struct toll_whatif *whatif, bool no_repricing, struct toll_error *error)
{
    struct planning planning = {whatif, no_repricing};
    const unsigned threads = toll_work_threads(whatif->options->threads);
    int rc = toll_work_run(threads, 2, plan_lanes, NULL, &planning, error);
    if (rc == 0)
        rc = toll_work_run(threads, whatif->lane_count - 1, make_rater, NULL, whatif, error);
    for (unsigned i = 0; rc == 0 && i < whatif->lane_count; i++)
        rc = make_lane(whatif, i, error);
    return rc;
}

static unsigned optional_of(const struct toll_book *book)
{
    return (book->bundle_count > 1 ? TOLL_LINES_POOL : 0u) | (book->has_cost ? TOLL_LINES_COST : 0u);
}

/* Of the price rows more than one in so many: then each has sums of its own, and its key is its id. */
#define MOST_OF 2

static int make_sides(struct toll_whatif *whatif, struct toll_error *error)
{
    const struct toll_whatif_options *options = whatif->options;
    whatif->sides = calloc(whatif->count, sizeof *whatif->sides);
    if (whatif->sides == NULL)
        return no_memory(error);
    for (unsigned i = 0; i < whatif->count; i++) {
        const struct toll_whatif_side *of = &whatif->books[i];
        struct toll_impact_side *side = &whatif->sides[i];
        side->about = (struct toll_impact_book){
            .name = of->name,
            .change = options->books[i].change == NULL ? "" : options->books[i].change,
            .first_day = whatif->first_day,
            .last_day = whatif->last_day,
            .has_cost = of->book->has_cost,
            .taxed = of->book->tax.taxed && !options->no_taxes,
            .has_factor = options->books[i].has_factor,
            .factor = options->books[i].factor,
        };
        toll_hash_text(of->variation.book != NULL ? of->variation.hash : of->book->book_hash,
                       side->about.book_hash);
        toll_hash_text(whatif->dataset.cdr_hash, side->about.cdr_hash);
        side->book = of->book;
        side->not_moved = &of->variation.not_moved;
        side->repriced = of->lane < 0;
        side->detail = options->prices ? TOLL_DETAIL_ALL : TOLL_DETAIL_NONE;
    }
    if (!options->prices && whatif->lane_count > 1) { /* any price row may move */
        whatif->sides[0].detail = TOLL_DETAIL_ALL;
    } else if (!options->prices && whatif->repricing != NULL) {
        const bool most =
            toll_repricing_changed_count(whatif->repricing) > whatif->books[0].book->price_count / MOST_OF;
        whatif->sides[0].detail = most ? TOLL_DETAIL_ALL : TOLL_DETAIL_CHANGED;
        whatif->sides[0].changed = toll_repricing_changed(whatif->repricing);
    }
    const int rc = toll_impact_shape_make_by(&whatif->shape, whatif->sides, (int)whatif->count,
                                             whatif->books[0].book->zones[0],
                                             toll_work_threads(whatif->options->threads), error);
    if (rc == 0)
        toll_impact_add_with(whatif->shape, toll_kernels_select(whatif->features)->sums, whatif->span.rows);
    return rc;
}

/* Are taxes of repriced books asked for? */
static bool sums_moves(const struct toll_whatif *whatif)
{
    return whatif->repricing != NULL && whatif->books[0].tuples != NULL;
}

static size_t charges_bytes(const struct toll_whatif *whatif)
{
    return whatif->repricing == NULL
               ? 0
               : toll_repricing_stride(whatif->repricing) * TOLL_BLOCK_ROWS_MAX * sizeof(int64_t);
}

static int make_worker(struct toll_whatif *whatif, struct toll_whatif_worker *worker,
                       struct toll_error *error)
{
    int rc = 0;
    if (whatif->repricing != NULL) {
        worker->charges = aligned_alloc(64, charges_bytes(whatif));
        rc = worker->charges == NULL ? no_memory(error) : 0;
    }
    if (rc == 0 && sums_moves(whatif))
        rc = toll_moves_make(&worker->moves, whatif->books[0].book, toll_repricing_stride(whatif->repricing),
                             error);
    return rc != 0 ? rc : toll_impact_sums_make(&worker->sums, whatif->shape, error);
}

static int make_workers(struct toll_whatif *whatif, const struct toll_whatif_tuning *tuning,
                        struct toll_error *error)
{
    const struct toll_whatif_options *options = whatif->options;
    struct toll_lane lanes[TOLL_LANES_MAX];
    whatif->how = toll_parts_read_path(&whatif->dataset, whatif->first, whatif->last, options->io,
                                       options->memory_bytes > 0);
    struct toll_workers_io io = {
        .io = whatif->io,
        .mapped = whatif->how == TOLL_READ_MMAP,
        .ring = whatif->how == TOLL_READ_RING,
        .closed = options->after != NULL,
        .taken = true,
        .taker_bytes =
            sizeof(struct toll_whatif_worker) + charges_bytes(whatif) + toll_impact_sums_bytes(whatif->shape),
    };
    if (sums_moves(whatif))
        io.taker_bytes += toll_moves_bytes(whatif->books[0].book, toll_repricing_stride(whatif->repricing));
    for (unsigned i = 0; i < whatif->lane_count; i++)
        lanes[i] = (struct toll_lane){
            .rater = &whatif->raters[i],
            .optional = optional_of(whatif->books[whatif->book_of_lane[i]].book),
            .same_ends = i > 0 && toll_rater_same_ends(&whatif->raters[0], &whatif->raters[i]),
            .slots = i == 0 && sums_moves(whatif),
        };
    whatif->memory.threads =
        toll_parts_workers(&whatif->dataset, whatif->first, whatif->last, options->threads);
    int rc = toll_rate_memory_plan(&whatif->memory, lanes, whatif->lane_count, whatif->span.rows, &io,
                                   options->memory_bytes, error);
    if (rc == 0) {
        whatif->of_worker = calloc(whatif->memory.threads, sizeof *whatif->of_worker);
        rc = whatif->of_worker == NULL ? no_memory(error) : 0;
    }
    if (rc == 0)
        rc = toll_workers_init_lanes(&whatif->workers, lanes, whatif->lane_count, whatif->memory.threads,
                                     options->pin, &io, tuning->block_rows, error);
    for (unsigned i = 0; rc == 0 && i < whatif->memory.threads; i++)
        rc = make_worker(whatif, &whatif->of_worker[i], error);
    return rc;
}

static int make_pools(struct toll_whatif *whatif, unsigned lane, struct toll_error *error)
{
    struct toll_whatif_side *side = &whatif->books[whatif->book_of_lane[lane]];
    struct toll_run_span span = whatif->span;
    if (side->book->bundle_count <= 1 && side->book->tiers_count <= 1)
        return 0;
    if (!whatif->options->cut_periods)
        span.earlier_until = toll_parts_earlier_until(&whatif->dataset, whatif->first);
    if (side->after.open)
        side->before = side->after.before;
    const int rc =
        toll_pools_make(side->book, &span, side->after.open ? &side->before : NULL, &side->pools, error);
    whatif->pools[lane] = side->pools;
    return rc;
}

/* ---- the rows ---- */

static struct toll_line_batch line_batch(const struct toll_line_columns *from, int64_t rows)
{
    return (struct toll_line_batch){
        .rows = rows,
        .account = from->account,
        .price = from->price,
        .billed = from->billed,
        .charge = from->charge,
        .tuple = from->tuple,
        .status = from->status,
        .class_jurisdiction = from->class_jurisdiction,
        .included = from->included,
        .pool = from->pool,
        .cost = from->cost,
        .cost_price = from->cost_price,
        .cost_status = from->cost_status,
    };
}

/* The charges of repriced books, and what they move. False: something does not fit. */
static bool reprice(const struct toll_whatif *whatif, struct toll_whatif_worker *worker,
                    const struct toll_cdr_batch *cdrs, const struct toll_lane_lines *base)
{
    const struct toll_reprice_scratch *scratch = &worker->reprice;
    if (!toll_reprice_rows(whatif->repricing, &base->lines, cdrs->kind, (size_t)cdrs->rows, &worker->reprice,
                           worker->charges))
        return false;
    const struct toll_moved_in in = {
        .stride = worker->moves.stride,
        .charges = worker->charges,
        .charge = base->lines.charge,
        .slot = base->slots,
        .list = scratch->moved,
        .count = scratch->moved_count,
    };
    return !sums_moves(whatif) || toll_moves_add(&worker->moves, whatif->raters[0].kernels->moved, &in,
                                                 base->tally, whatif->books[0].book);
}

static void take(void *context, unsigned index, const struct toll_cdr_batch *cdrs,
                 const struct toll_lane_lines *lanes)
{
    struct toll_whatif *whatif = context;
    struct toll_whatif_worker *worker = &whatif->of_worker[index];
    struct toll_impact_lines sides[TOLL_LANES_MAX];
    for (unsigned i = 0; i < whatif->count; i++) {
        const int lane = whatif->books[i].lane;
        const struct toll_lane_lines *of = &lanes[lane < 0 ? 0 : lane];
        sides[i] = (struct toll_impact_lines){line_batch(&of->lines, cdrs->rows), of->plans, NULL};
    }
    if (whatif->repricing != NULL) {
        if (!reprice(whatif, worker, cdrs, &lanes[0])) {
            atomic_store_explicit(&whatif->unfit, true, memory_order_relaxed);
            return;
        }
        sides[0].repriced_charges = worker->charges;
    }
    toll_impact_add(worker->sums, cdrs, sides);
}

enum pass { PASS_ENDS, PASS_COUNT, PASS_LINES };

static int rate_set(struct toll_whatif *whatif, enum pass pass, uint64_t lanes, int64_t rows_before,
                    struct toll_error *error)
{
    const struct toll_taker taker = {take, whatif};
    const struct toll_workers_request request = {
        .parts = whatif->set.parts,
        .part_count = whatif->set.count,
        .progress = &whatif->options->progress,
        .rows_before = rows_before,
        .rows_total = whatif->span.rows,
        .pools = whatif->pools,
        .lanes = pass == PASS_LINES ? 0 : lanes,
        .taker = pass == PASS_LINES ? &taker : NULL,
        .count_only = pass == PASS_COUNT,
        .collect_ends = pass == PASS_ENDS,
    };
    return toll_workers_run(&whatif->workers, &request, error);
}

static const uint64_t *closed_rows_of(const struct toll_whatif *whatif, unsigned lane, size_t part)
{
    const struct toll_after *after = &whatif->books[whatif->book_of_lane[lane]].after;
    return after->open ? after->rows.bits[part] : NULL;
}

/* All parts once, for some lanes: in sets, so that no more files are open than in a month. */
static int rate_parts(struct toll_whatif *whatif, enum pass pass, uint64_t lanes, struct toll_error *error)
{
    int64_t rows_before = 0;
    int rc = 0;
    for (size_t first = whatif->first; first < whatif->last && rc == 0; first += TOLL_PARTS_AT_ONCE) {
        const size_t last =
            whatif->last - first < TOLL_PARTS_AT_ONCE ? whatif->last : first + TOLL_PARTS_AT_ONCE;
        rc = toll_part_set_open(&whatif->set, whatif->raters, whatif->lane_count, &whatif->dataset, first,
                                last, whatif->how, (uint32_t)(first - whatif->first), &whatif->texts, error);
        for (size_t i = 0; rc == 0 && i < whatif->set.count; i++)
            for (unsigned lane = 0; lane < whatif->lane_count; lane++)
                whatif->set.parts[i].lanes[lane].closed =
                    closed_rows_of(whatif, lane, first + i - whatif->first);
        if (rc == 0)
            rc = rate_set(whatif, pass, lanes, rows_before, error);
        rows_before += whatif->set.rows;
        toll_part_set_close(&whatif->set);
    }
    for (unsigned i = 0; rc == 0 && pass != PASS_ENDS && i < whatif->lane_count; i++)
        if (whatif->pools[i] != NULL)
            rc = toll_pools_state(whatif->pools[i], error);
    return rc;
}

static struct toll_tuples *tuples_of(const struct toll_whatif *whatif, unsigned lane)
{
    return whatif->books[whatif->book_of_lane[lane]].tuples;
}

/* Passes that some lanes need before the one that counts. */
static int first_passes(struct toll_whatif *whatif, struct toll_error *error)
{
    uint64_t ends = 0, volume = 0;
    int rc = 0;
    for (unsigned i = 0; i < whatif->lane_count; i++) {
        const struct toll_tuples *tuples = tuples_of(whatif, i);
        const struct toll_draw_rules *draws = whatif->raters[i].draws;
        ends |= (uint64_t)(tuples != NULL && tuples->ends != NULL) << i;
        volume |= (uint64_t)(draws != NULL && draws->volume) << i;
    }
    if (ends != 0)
        rc = rate_parts(whatif, PASS_ENDS, ends, error);
    for (unsigned i = 0; rc == 0 && i < whatif->lane_count; i++)
        if ((ends >> i & 1) != 0)
            rc = toll_workers_number_ends(&whatif->workers, i, tuples_of(whatif, i), error);
    if (rc == 0 && volume != 0)
        rc = rate_parts(whatif, PASS_COUNT, volume, error);
    for (unsigned i = 0; rc == 0 && i < whatif->lane_count; i++)
        if ((volume >> i & 1) != 0)
            toll_pools_second_pass(whatif->pools[i]);
    toll_workers_clear(&whatif->workers);
    return rc;
}

/* ---- what comes behind ---- */

static int finish_lane(struct toll_whatif *whatif, unsigned index, struct toll_error *error)
{
    struct toll_whatif_side *side = &whatif->books[whatif->book_of_lane[index]];
    struct toll_tally *tally = toll_workers_sum(&whatif->workers, index);
    int rc = toll_tally_check(tally, error);
    TOLL_ASSERT(rc != 0 || tally->rows == whatif->span.rows);
    if (rc == 0)
        rc = toll_tally_charge_periods(tally, side->book, error);
    if (rc == 0 && side->after.open) {
        rc = toll_after_charges(&side->after, side->book, &tally->periods, error);
        toll_period_charges_sort(&tally->periods);
    }
    if (rc == 0 && side->pools != NULL) {
        rc = toll_pools_finish(side->pools, &side->tables, &tally->periods, error);
        toll_period_charges_sort(&tally->periods);
    }
    side->tally = tally;
    return rc != 0 ? rc : toll_whatif_find_taxes(whatif, side, error);
}

/* What is charged by period does not depend on rates: a repriced book has the base's. */
static void finish_sides(struct toll_whatif *whatif)
{
    for (unsigned i = 0; i < whatif->count; i++) {
        const struct toll_whatif_side *side = &whatif->books[i];
        const struct toll_tally *tally = side->lane < 0 ? whatif->books[0].tally : side->tally;
        whatif->sides[i].periods = &tally->periods;
        whatif->sides[i].tally = tally;
        whatif->sides[i].taxes = side->taxes;
        whatif->sides[i].tax_count = side->tax_count;
    }
}

static int make_impact(struct toll_whatif *whatif, struct toll_impact *impact, struct toll_error *error)
{
    const struct toll_whatif_options *options = whatif->options;
    const struct toll_impact_wishes wishes = {
        .same_calls = true,
        .moved_by_bp = options->moved_by_bp,
        .moved_most = options->moved_most,
        .prices = options->prices,
    };
    struct toll_impact_sums *sums = whatif->of_worker[0].sums;
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < whatif->lane_count; i++)
        rc = finish_lane(whatif, i, error);
    for (unsigned i = 1; rc == 0 && i < whatif->memory.threads; i++)
        rc = toll_impact_sums_merge(sums, whatif->of_worker[i].sums, error);
    if (rc == 0)
        finish_sides(whatif);
    return rc != 0 ? rc : toll_impact_make(impact, sums, whatif->sides, &wishes, error);
}

/* ---- all of it ---- */

static int check_options(const struct toll_whatif_options *options, struct toll_error *error)
{
    if (options->book_count < 1 || options->book_count > TOLL_IMPACT_BOOKS_MAX)
        return toll_error_set(error, TOLL_EUSAGE, "%d books; from 1 to %d can be side by side",
                              options->book_count, TOLL_IMPACT_BOOKS_MAX);
    if (options->reorder && options->after == NULL)
        return toll_error_set(error, TOLL_EUSAGE,
                              "late calls are put in order behind a closed run only: give its state, too");
    return 0;
}

static int open_all(struct toll_whatif *whatif, const struct toll_whatif_tuning *tuning,
                    struct toll_error *error)
{
    int rc = check_options(whatif->options, error);
    if (rc == 0)
        rc = toll_simd_features(whatif->options->simd, tuning->features, &whatif->features, error);
    if (rc == 0)
        rc = open_dataset(whatif, error);
    whatif->count = rc == 0 ? (unsigned)whatif->options->book_count : 0;
    whatif->books = calloc(whatif->count + 1u, sizeof *whatif->books);
    whatif->raters = calloc(whatif->count + 1u, sizeof *whatif->raters);
    whatif->pools = calloc(whatif->count + 1u, sizeof *whatif->pools);
    if (rc == 0 && (whatif->books == NULL || whatif->raters == NULL || whatif->pools == NULL))
        rc = no_memory(error);
    if (rc == 0)
        rc = toll_whatif_open_books(whatif, error);
    if (rc == 0)
        rc = make_lanes(whatif, tuning->no_repricing, error);
    if (rc == 0)
        rc = make_sides(whatif, error);
    if (rc == 0)
        rc = make_workers(whatif, tuning, error);
    for (unsigned i = 0; rc == 0 && i < whatif->lane_count; i++)
        rc = make_pools(whatif, i, error);
    return rc;
}

static void close_side(struct toll_whatif_side *side)
{
    toll_pools_free(side->pools);
    toll_tuples_free(side->tuples);
    toll_after_close(&side->after);
    free(side->taxes);
}

static void close_all(struct toll_whatif *whatif)
{
    for (unsigned i = 0; whatif->of_worker != NULL && i < whatif->memory.threads; i++) {
        toll_impact_sums_free(whatif->of_worker[i].sums);
        free(whatif->of_worker[i].charges);
        toll_moves_free(&whatif->of_worker[i].moves);
    }
    toll_impact_shape_free(whatif->shape);
    toll_workers_free(&whatif->workers);
    for (unsigned i = 0; whatif->raters != NULL && i < whatif->count; i++)
        toll_rater_free(&whatif->raters[i]);
    for (unsigned i = 0; whatif->books != NULL && i < whatif->count; i++)
        close_side(&whatif->books[i]);
    toll_repricing_free(whatif->repricing);
    toll_whatif_close_books(whatif);
    toll_strings_free(&whatif->texts);
    if (whatif->dataset_open)
        toll_dataset_close(&whatif->dataset);
    free(whatif->of_worker);
    free(whatif->sides);
    free(whatif->pools);
    free(whatif->raters);
    free(whatif->books);
    free(whatif);
}

/* *unfit: some charge, or what all move together, is beyond 64 bits, and nothing was made. */
static int run(const struct toll_whatif_options *options, const struct toll_whatif_tuning *tuning,
               struct toll_impact *impact, struct toll_whatif_result *result, bool *unfit,
               struct toll_error *error)
{
    const int64_t begun = now_ns();
    struct toll_whatif *whatif = calloc(1, sizeof *whatif);
    memset(result, 0, sizeof *result);
    memset(impact, 0, sizeof *impact);
    if (whatif == NULL)
        return no_memory(error);
    whatif->options = options;
    whatif->io = tuning->io;
    int rc = open_all(whatif, tuning, error);
    const int64_t opened = now_ns();
    if (rc == 0)
        rc = first_passes(whatif, error);
    if (rc == 0)
        rc = rate_parts(whatif, PASS_LINES, 0, error);
    const int64_t rated = now_ns();
    *unfit = rc == 0 && (atomic_load(&whatif->unfit) || !toll_whatif_merge_moves(whatif));
    if (rc == 0 && !*unfit)
        rc = make_impact(whatif, impact, error);
    result->rows = whatif->span.rows;
    result->threads = whatif->workers.count;
    result->repriced = (int)whatif->repriced_count;
    result->open_ns = opened - begun;
    result->rate_ns = rated - opened;
    result->report_ns = now_ns() - rated;
    result->memory_reserved_bytes = whatif->memory.reserved_bytes;
    close_all(whatif);
    result->memory_peak_bytes = toll_memory_peak();
    result->wall_ns = now_ns() - begun;
    return rc;
}

int toll_whatif_tuned(const struct toll_whatif_options *options, const struct toll_whatif_tuning *tuning,
                      struct toll_impact *impact, struct toll_whatif_result *result, struct toll_error *error)
{
    struct toll_whatif_tuning plain = *tuning;
    bool unfit;
    const int rc = run(options, tuning, impact, result, &unfit, error);
    plain.no_repricing = true;
    return rc != 0 || !unfit ? rc : run(options, &plain, impact, result, &unfit, error);
}

int toll_whatif(const struct toll_whatif_options *options, struct toll_impact *impact,
                struct toll_whatif_result *result, struct toll_error *error)
{
    const struct toll_whatif_tuning tuning = {.io = toll_io_system(), .features = toll_cpu_features()};
    return toll_whatif_tuned(options, &tuning, impact, result, error);
}
