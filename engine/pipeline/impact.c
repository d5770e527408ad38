/*
 * Adds lines to the sums of an impact, some rows at a time and side by side: a row's measures become one
 * record, and that record is added to its account, its price row, its plan and its cell (class, jurisdiction
 * and status within the hour that is open). Hours, days, classes and statuses are sums of cells.
 */
#include "base/ask.h"
#include "pipeline/impact_sums.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 256 /* records of them are in the nearest caches */

typedef int64_t words2 __attribute__((vector_size(16), aligned(8), may_alias));

struct scratch {
    int64_t records[CHUNK * TOLL_WORDS_MOST] __attribute__((aligned(64)));
    uint32_t account[CHUNK], price[CHUNK], plan[CHUNK], cell[CHUNK], base_price[CHUNK];
    uint16_t base_group[CHUNK];
    uint32_t other[CHUNK]; /* rows that a side has otherwise */
};

void *toll_impact_scratch_make(const struct toll_impact_shape *shape)
{
    (void)shape;
    return aligned_alloc(64, (sizeof(struct scratch) + 63) / 64 * 64);
}

static inline uint64_t magnitude(int64_t value)
{
    return value < 0 ? ~(uint64_t)value : (uint64_t)value;
}

/* At least the sum of what these add to one word, in units of 256. */
static uint64_t bound_of(const int64_t *money, size_t rows)
{
    uint64_t sum = rows * ((UINT64_C(1) << 23) + 1); /* billed units, and what is cut off */
    for (size_t i = 0; i < rows; i++)
        sum += magnitude(money[i]) >> 8;
    return sum;
}

static inline size_t repriced_stride(const struct toll_impact_shape *shape)
{
    return ((size_t)shape->repriced + 7) / 8 * 8;
}

/* The same of the charges of all repriced sides, side by side. */
static uint64_t bound_beside(const int64_t *charges, size_t stride, size_t count, size_t rows)
{
    uint64_t sum = rows * ((UINT64_C(1) << 23) + 1);
    for (size_t i = 0; i < rows; i++) {
        uint64_t any = 0; /* not below any of them */
        for (size_t k = 0; k < count; k++)
            any |= magnitude(charges[i * stride + k]);
        sum += any >> 8;
    }
    return sum;
}

/* ---- a chunk of one side ---- */

struct chunk {
    struct toll_impact_sums *sums;
    struct scratch *scratch;
    const struct toll_impact_lines *sides; /* of all */
    const uint16_t *kind;                  /* of the first row; NULL: not known */
    size_t first, rows;                    /* of the batch */
};

static inline bool is_rated(uint8_t status)
{
    return (status == TOLL_RATED) | (status == TOLL_RATED_FAIR_USE);
}

static inline int64_t billed_s(const struct chunk *chunk, size_t i, uint8_t status, int32_t billed)
{
    if (chunk->kind == NULL)
        return 0;
    const bool counts = ((chunk->kind[i] & TOLL_KIND_SERVICE) == TOLL_VOICE) & (status < TOLL_SUSPENSE_FIRST);
    return counts ? billed : 0;
}

/* words: a constant where it matters. */
static inline __attribute__((always_inline)) void fill_own(const struct chunk *chunk, int side, size_t words)
{
    const struct toll_line_batch *lines = &chunk->sides[side].lines;
    const uint8_t *status = lines->status + chunk->first;
    const int32_t *billed = lines->billed + chunk->first;
    const int64_t *charge = lines->charge + chunk->first;
    const int64_t *cost = lines->cost == NULL ? NULL : lines->cost + chunk->first;
    int64_t *restrict records = chunk->scratch->records;
    for (size_t i = 0; i < chunk->rows; i++) {
        int64_t *record = records + i * words;
        record[TOLL_WORD_ROWS] = 1;
        record[TOLL_WORD_RATED] = is_rated(status[i]);
        record[TOLL_WORD_SUSPENSE] = status[i] >= TOLL_SUSPENSE_FIRST;
        record[TOLL_WORD_BILLED_S] = billed_s(chunk, i, status[i], billed[i]);
        record[TOLL_WORD_CHARGE] = charge[i];
        record[TOLL_WORD_COST] = cost == NULL ? 0 : cost[i];
        for (size_t w = TOLL_WORDS_OWN; w < words; w++)
            record[w] = 0;
    }
}

/* What repriced sides charge, behind the base's own words. */
static void fill_charges(const struct chunk *chunk, size_t words)
{
    const struct toll_impact_shape *shape = chunk->sums->shape;
    const int64_t *beside = chunk->sides[0].repriced_charges;
    const size_t count = (size_t)shape->repriced, stride = repriced_stride(shape);
    int64_t *restrict records = chunk->scratch->records;
    for (size_t i = 0; count > 0 && i < chunk->rows; i++)
        memcpy(records + i * words + TOLL_WORDS_OWN, beside + (chunk->first + i) * stride,
               count * sizeof *beside);
    for (int s = 1; s < shape->count && shape->alike > 0; s++) {
        const int64_t *other = chunk->sides[s].lines.charge + chunk->first;
        const size_t word = shape->sides[s].word;
        for (size_t i = 0; shape->sides[s].alike && i < chunk->rows; i++)
            records[i * words + word] = other[i];
    }
}

static void fill_records(const struct chunk *chunk, int side, size_t words)
{
    if (words == TOLL_WORDS_AT_ONCE)
        fill_own(chunk, side, TOLL_WORDS_AT_ONCE);
    else if (words == 2 * TOLL_WORDS_AT_ONCE)
        fill_own(chunk, side, 2 * TOLL_WORDS_AT_ONCE);
    else
        fill_own(chunk, side, words);
    if (side == 0 && (chunk->sums->shape->repriced > 0 || chunk->sums->shape->alike > 0))
        fill_charges(chunk, words);
}

/* What the row's sums are kept under; of prices only where that has to be looked up. */
static void expect_keys(const struct chunk *chunk, int side)
{
    const struct toll_impact_side_shape *of = &chunk->sums->shape->sides[side];
    const struct toll_impact_lines *from = &chunk->sides[side];
    const int32_t *accounts = from->lines.account + chunk->first, *prices = from->lines.price + chunk->first;
    const uint8_t *statuses = from->lines.status + chunk->first;
    const uint8_t *kinds = from->lines.class_jurisdiction + chunk->first;
    struct scratch *scratch = chunk->scratch;
    uint64_t strangers = 0;
    for (size_t i = 0; i < chunk->rows; i++) {
        const uint32_t account = (uint32_t)accounts[i], price = (uint32_t)prices[i];
        const bool known_account = account < of->accounts, known_price = price < of->price_ids;
        scratch->account[i] = known_account ? account : 0;
        scratch->price[i] = known_price ? price : 0;
        scratch->cell[i] = ((kinds[i] >> 4) * (uint32_t)TOLL_CALL_JURISDICTIONS + (kinds[i] & 15)) *
                               (uint32_t)TOLL_STATUS_COUNT +
                           statuses[i];
        strangers += (uint64_t)!known_account + (uint64_t)!known_price;
    }
    for (size_t i = 0; of->price_keys != NULL && i < chunk->rows; i++)
        __builtin_prefetch(&of->price_keys[scratch->price[i]]);
    chunk->sums->sides[side].strangers += (int64_t)strangers;
}

static void fill_keys(const struct chunk *chunk, int side)
{
    const struct toll_impact_shape *shape = chunk->sums->shape;
    const struct toll_impact_side_shape *of = &shape->sides[side];
    const struct toll_impact_lines *from = &chunk->sides[side];
    struct scratch *scratch = chunk->scratch;
    const uint32_t currencies = shape->currency_count;
    uint64_t strangers = 0;
    for (size_t i = 0; of->price_keys != NULL && i < chunk->rows; i++) {
        const uint32_t key = of->price_keys[scratch->price[i]];
        strangers += (key == 0) & (scratch->price[i] != 0);
        scratch->price[i] = key;
    }
    if (side == 0)
        memcpy(scratch->base_price, scratch->price, chunk->rows * sizeof *scratch->price);
    for (size_t i = 0; from->plans != NULL && i < chunk->rows; i++)
        scratch->plan[i] = from->plans[chunk->first + i];
    for (size_t i = 0; currencies > 1 && i < chunk->rows; i++) {
        const uint32_t currency = of->account_currency[scratch->account[i]];
        scratch->price[i] = scratch->price[i] * currencies + currency;
        scratch->cell[i] = scratch->cell[i] * currencies + currency;
        scratch->plan[i] = scratch->plan[i] * currencies + currency;
    }
    chunk->sums->sides[side].strangers += (int64_t)strangers;
}

static inline __attribute__((always_inline)) void add_words(int64_t *to, const int64_t *from, size_t words)
{
    for (size_t w = 0; w < words; w += 2)
        *(words2 *)(to + w) += *(const words2 *)(from + w);
}

static void add_side(const struct chunk *chunk, int side)
{
    const struct toll_impact_shape *shape = chunk->sums->shape;
    struct toll_impact_side_sums *of = &chunk->sums->sides[side];
    const struct toll_plane *planes = of->planes;
    const struct scratch *scratch = chunk->scratch;
    const size_t words = shape->sides[side].words;
    const bool has_plans = chunk->sides[side].plans != NULL;
    expect_keys(chunk, side);
    fill_records(chunk, side, words);
    fill_keys(chunk, side);
    const struct toll_sums_in in = {
        .records = scratch->records,
        .words = words,
        .planes = {{planes[TOLL_PLANE_PRICES].now, planes[TOLL_PLANE_PRICES].words, scratch->price},
                   {planes[TOLL_PLANE_ACCOUNTS].now, words, scratch->account},
                   {planes[TOLL_PLANE_CELLS].now, words, scratch->cell},
                   {planes[TOLL_PLANE_PLANS].now, words, scratch->plan}},
        .plane_count = has_plans ? 4 : 3,
    };
    shape->kernel(&in, chunk->rows);
    for (size_t i = 0; i < chunk->rows; i++)
        of->touched[scratch->cell[i]] = 1;
    of->has_plans |= has_plans;
}

/* ---- the others beside the base ---- */

/* What an ordinary side charges for the calls of the base's price rows. */
static void add_moved(const struct chunk *chunk, int side)
{
    const struct toll_impact_shape *shape = chunk->sums->shape;
    struct toll_plane *prices = &chunk->sums->sides[0].planes[TOLL_PLANE_PRICES];
    const int64_t *charge = chunk->sides[side].lines.charge + chunk->first;
    const uint32_t *keys = chunk->scratch->base_price;
    int64_t *const words = prices->now + shape->sides[side].word;
    if (shape->currency_count == 1) {
        for (size_t i = 0; i < chunk->rows; i++)
            words[keys[i] * prices->words] += charge[i];
        return;
    }
    const uint8_t *currencies = shape->sides[side].account_currency;
    for (size_t i = 0; i < chunk->rows; i++) {
        const uint32_t currency = currencies[chunk->scratch->account[i]];
        words[(keys[i] * (size_t)shape->currency_count + currency) * prices->words] += charge[i];
    }
}

static inline size_t line_currency(const struct chunk *chunk, int side, size_t i)
{
    const struct toll_impact_side_shape *of = &chunk->sums->shape->sides[side];
    if (of->account_currency == NULL)
        return 0;
    const uint32_t account = (uint32_t)chunk->sides[side].lines.account[chunk->first + i];
    return of->account_currency[account < of->accounts ? account : 0];
}

/* In and out of suspense, in the currency of the one that is not. */
static void add_move(const struct chunk *chunk, int side, size_t i, unsigned from, unsigned to)
{
    struct toll_plane *moves = &chunk->sums->sides[side].moves;
    const int money = to < TOLL_SUSPENSE_FIRST ? side : 0;
    const size_t key = (from * (size_t)TOLL_STATUS_COUNT + to) * chunk->sums->shape->currency_count +
                       line_currency(chunk, money, i);
    int64_t *record = moves->now + key * moves->words;
    record[TOLL_MOVE_ROWS]++;
    record[TOLL_MOVE_BASE_CHARGE] += chunk->sides[0].lines.charge[chunk->first + i];
    record[TOLL_MOVE_CHARGE] += chunk->sides[side].lines.charge[chunk->first + i];
}

static void add_moves(const struct chunk *chunk, int side)
{
    const uint8_t *base = chunk->sides[0].lines.status + chunk->first;
    const uint8_t *status = chunk->sides[side].lines.status + chunk->first;
    for (size_t i = 0; i < chunk->rows; i++)
        if ((base[i] != status[i]) & ((base[i] | status[i]) >= TOLL_SUSPENSE_FIRST))
            add_move(chunk, side, i, base[i], status[i]);
}

static inline void add_counts(struct toll_plane *plane, size_t key, const int64_t counts[TOLL_WORDS_COUNTS])
{
    add_words(plane->now + key * TOLL_WORDS_COUNTS, counts, TOLL_WORDS_COUNTS);
}

/* ---- sides that are alike ---- */

static void find_base_groups(const struct chunk *chunk)
{
    const uint16_t *groups = chunk->sums->shape->sides[0].groups;
    struct scratch *scratch = chunk->scratch;
    for (size_t i = 0; i < chunk->rows; i++)
        scratch->base_group[i] = groups[scratch->base_price[i]];
}

static bool same_column(const void *a, const void *b, size_t at, size_t rows, size_t size)
{
    return memcmp((const uint8_t *)a + at * size, (const uint8_t *)b + at * size, rows * size) == 0;
}

static void mark_words(const struct chunk *chunk, const void *a, const void *b, uint8_t *differ)
{
    if (same_column(a, b, chunk->first, chunk->rows, sizeof(uint32_t)))
        return;
    const uint32_t *x = (const uint32_t *)a + chunk->first, *y = (const uint32_t *)b + chunk->first;
    for (size_t i = 0; i < chunk->rows; i++)
        differ[i] |= x[i] != y[i];
}

static void mark_bytes(const struct chunk *chunk, const uint8_t *a, const uint8_t *b, uint8_t *differ)
{
    if (same_column(a, b, chunk->first, chunk->rows, 1))
        return;
    for (size_t i = 0; i < chunk->rows; i++)
        differ[i] |= a[chunk->first + i] != b[chunk->first + i];
}

#define AHEAD 32 /* rows whose group is on its way */

static inline size_t ahead(size_t i, size_t rows)
{
    return i + AHEAD < rows ? i + AHEAD : i;
}

/* Price rows of other decks or destinations. */
static void mark_groups(const struct chunk *chunk, int side, uint8_t *differ)
{
    const struct toll_impact_side_shape *base = &chunk->sums->shape->sides[0];
    const struct toll_impact_side_shape *of = &chunk->sums->shape->sides[side];
    const int32_t *prices = chunk->sides[side].lines.price + chunk->first;
    if (of->groups == base->groups && same_column(chunk->sides[0].lines.price, chunk->sides[side].lines.price,
                                                  chunk->first, chunk->rows, sizeof *prices))
        return;
    for (size_t i = 0; i < chunk->rows; i++) {
        const uint32_t price = (uint32_t)prices[i], later = (uint32_t)prices[ahead(i, chunk->rows)];
        __builtin_prefetch(&of->groups[later < of->price_ids ? later : 0]);
        const uint32_t group = of->groups[price < of->price_ids ? price : 0];
        differ[i] |= (group != chunk->scratch->base_group[i]) | (price >= of->price_ids);
    }
}

static void mark_costs(const struct chunk *chunk, const int64_t *a, const int64_t *b, uint8_t *differ)
{
    for (size_t i = 0, at = chunk->first; (a != NULL || b != NULL) && i < chunk->rows; i++, at++)
        differ[i] |= (a == NULL ? 0 : a[at]) != (b == NULL ? 0 : b[at]);
}

/* The rows that it has otherwise than the base, in scratch->other: mostly none, which whole columns tell. */
static size_t find_others(const struct chunk *chunk, int side)
{
    const struct toll_impact_lines *base = &chunk->sides[0], *own = &chunk->sides[side];
    const struct toll_line_batch *a = &base->lines, *b = &own->lines;
    uint32_t *restrict other = chunk->scratch->other;
    uint8_t differ[CHUNK] = {0};
    static const uint8_t none[CHUNK];
    mark_words(chunk, a->account, b->account, differ);
    mark_words(chunk, a->billed, b->billed, differ);
    mark_bytes(chunk, a->status, b->status, differ);
    mark_bytes(chunk, a->class_jurisdiction, b->class_jurisdiction, differ);
    mark_groups(chunk, side, differ);
    if (base->plans != NULL)
        mark_words(chunk, base->plans, own->plans, differ);
    mark_costs(chunk, a->cost, b->cost, differ);
    size_t count = 0;
    if (memcmp(differ, none, CHUNK) == 0)
        return 0;
    for (size_t i = 0; i < chunk->rows; i++) {
        other[count] = (uint32_t)i;
        count += differ[i];
    }
    return count;
}

/* To all that hours, classes and statuses are sums of. */
static void add_to_cell(const struct chunk *chunk, int side, size_t cell,
                        const int64_t counts[TOLL_WORDS_COUNTS])
{
    struct toll_impact_sums *sums = chunk->sums;
    struct toll_plane *planes = sums->sides[side].counts;
    const size_t currencies = sums->shape->currency_count, currency = cell % currencies;
    const size_t status = cell / currencies % TOLL_STATUS_COUNT, kind = cell / currencies / TOLL_STATUS_COUNT;
    add_counts(&planes[TOLL_PLANE_KINDS], kind * currencies + currency, counts);
    add_counts(&planes[TOLL_PLANE_STATUSES], status * currencies + currency, counts);
    if (sums->hour < 0)
        return;
    add_counts(&planes[TOLL_PLANE_HOURS], (size_t)sums->hour * currencies + currency, counts);
    add_counts(&planes[TOLL_PLANE_DAYS], sums->day_slot * currencies + currency, counts);
}

static void put_counts(const struct chunk *chunk, int side, size_t i, int64_t sign,
                       int64_t counts[TOLL_WORDS_COUNTS])
{
    const struct toll_line_batch *lines = &chunk->sides[side].lines;
    const size_t at = chunk->first + i;
    const uint8_t status = lines->status[at];
    counts[TOLL_WORD_ROWS] = sign;
    counts[TOLL_WORD_RATED] = sign * is_rated(status);
    counts[TOLL_WORD_SUSPENSE] = sign * (status >= TOLL_SUSPENSE_FIRST);
    counts[TOLL_WORD_BILLED_S] = sign * billed_s(chunk, i, status, lines->billed[at]);
    counts[TOLL_WORD_COST] = lines->cost == NULL ? 0 : sign * lines->cost[at];
}

/* A row goes from where the base has it to where it is. The scratch holds the base. */
static void move_row(const struct chunk *chunk, int side, size_t i)
{
    const struct toll_impact_shape *shape = chunk->sums->shape;
    const struct toll_impact_side_shape *of = &shape->sides[side];
    struct toll_impact_side_sums *sums = &chunk->sums->sides[side];
    const struct scratch *scratch = chunk->scratch;
    const struct toll_impact_lines *own = &chunk->sides[side];
    const size_t at = chunk->first + i, currencies = shape->currency_count;
    int64_t left[TOLL_WORDS_COUNTS], came[TOLL_WORDS_COUNTS];
    put_counts(chunk, 0, i, -1, left);
    put_counts(chunk, side, i, 1, came);
    left[TOLL_WORD_CHARGE] = -own->lines.charge[at];
    came[TOLL_WORD_CHARGE] = own->lines.charge[at];
    sums->differs = true;

    uint32_t account = (uint32_t)own->lines.account[at], price = (uint32_t)own->lines.price[at];
    sums->strangers += (int64_t)(account >= of->accounts) + (int64_t)(price >= of->price_ids);
    account = account < of->accounts ? account : 0;
    price = of->price_keys[price < of->price_ids ? price : 0];
    const size_t currency = toll_impact_currency(shape, side, account);
    const uint8_t kind = own->lines.class_jurisdiction[at];
    const size_t cell = ((kind >> 4) * (size_t)TOLL_CALL_JURISDICTIONS + (kind & 15)) * TOLL_STATUS_COUNT +
                        own->lines.status[at];
    add_counts(&sums->counts[TOLL_PLANE_ACCOUNTS], scratch->account[i], left);
    add_counts(&sums->counts[TOLL_PLANE_ACCOUNTS], account, came);
    add_counts(&sums->counts[TOLL_PLANE_PRICES],
               scratch->base_group[i] * currencies + scratch->price[i] % currencies, left);
    add_words(sums->planes[TOLL_PLANE_PRICES].now + (price * currencies + currency) * TOLL_WORDS_AT_ONCE,
              came, TOLL_WORDS_COUNTS);
    if (own->plans != NULL) {
        add_counts(&sums->counts[TOLL_PLANE_PLANS], scratch->plan[i], left);
        add_counts(&sums->counts[TOLL_PLANE_PLANS], own->plans[at] * currencies + currency, came);
    }
    add_to_cell(chunk, side, scratch->cell[i], left);
    add_to_cell(chunk, side, cell * currencies + currency, came);
}

/* What move_row will touch, far memory most of it, is on its way before. */
static TOLL_ASK void expect_moves(const struct chunk *chunk, int side, size_t count)
{
    const struct toll_impact_side_shape *of = &chunk->sums->shape->sides[side];
    const struct toll_impact_side_sums *sums = &chunk->sums->sides[side];
    const struct toll_plane *accounts = &sums->counts[TOLL_PLANE_ACCOUNTS],
                            *prices = &sums->planes[TOLL_PLANE_PRICES];
    const struct toll_line_batch *lines = &chunk->sides[side].lines;
    const uint32_t *other = chunk->scratch->other;
    for (size_t k = 0; k < count; k++) {
        const uint32_t account = (uint32_t)lines->account[chunk->first + other[k]],
                       price = (uint32_t)lines->price[chunk->first + other[k]];
        __builtin_prefetch(&of->price_keys[price < of->price_ids ? price : 0]);
        __builtin_prefetch(&accounts->now[(account < of->accounts ? account : 0) * accounts->words], 1);
        __builtin_prefetch(&accounts->now[chunk->scratch->account[other[k]] * accounts->words], 1);
    }
    for (size_t k = 0; k < count; k++) {
        const uint32_t price = (uint32_t)lines->price[chunk->first + other[k]];
        const size_t key = of->price_keys[price < of->price_ids ? price : 0];
        __builtin_prefetch(&prices->now[key * chunk->sums->shape->currency_count * prices->words], 1);
    }
}

static void add_alike(const struct chunk *chunk, int side)
{
    const size_t count = find_others(chunk, side);
    expect_moves(chunk, side, count);
    for (size_t k = 0; k < count; k++)
        move_row(chunk, side, chunk->scratch->other[k]);
    if (count > 0)
        add_moves(chunk, side);
}

/* ---- chunk by chunk ---- */

/* So many rows from here on that no word can pass 64 bits, and a settled sum can take them. */
static size_t rows_within(struct toll_impact_sums *sums, const struct toll_impact_lines *sides, int from,
                          int until, size_t first, size_t rows)
{
    for (;; rows /= 2) {
        const size_t count = (size_t)sums->shape->repriced, stride = repriced_stride(sums->shape);
        uint64_t most =
            count == 0 ? 0 : bound_beside(sides[0].repriced_charges + first * stride, stride, count, rows);
        for (int s = from; s < until; s++) {
            const struct toll_line_batch *lines = &sides[s].lines;
            if (sums->shape->sides[s].repriced)
                continue;
            const uint64_t charge = bound_of(lines->charge + first, rows);
            const uint64_t cost = lines->cost == NULL ? 0 : bound_of(lines->cost + first, rows);
            most = charge > most ? charge : most;
            most = cost > most ? cost : most;
        }
        most <<= sums->shape->alike > 0; /* there what is left and what came are under one word */
        if (most > TOLL_IMPACT_BOUND && rows > 1)
            continue;
        if (sums->bound + most > TOLL_IMPACT_BOUND && sums->bound > 0)
            toll_impact_settle(sums);
        sums->bound += most;
        return rows;
    }
}

/* Rows from `first` on that began in the open hour, which is opened where it is not. */
static size_t rows_in_hour(struct toll_impact_sums *sums, const int64_t *start, size_t first, size_t rows)
{
    if (start == NULL) {
        if (sums->hour >= 0)
            toll_impact_close_hour(sums);
        return rows;
    }
    if (sums->hour < 0 || start[first] < sums->from || start[first] >= sums->until)
        toll_impact_open_hour(sums, start[first]);
    size_t same = 1;
    while (same < rows && start[first + same] >= sums->from && start[first + same] < sums->until)
        same++;
    return same;
}

/* Sides [from, until); `sides` by side. */
static void add_rows(struct toll_impact_sums *sums, const struct toll_cdr_batch *cdrs,
                     const struct toll_impact_lines *sides, int from, int until)
{
    const size_t end = (size_t)cdrs->rows;
    for (int s = from; s < until; s++)
        sums->sides[s].without_calls |= end > 0 && cdrs->kind == NULL;
    for (size_t first = 0; first < end && sums->settled <= TOLL_IMPACT_SETTLED_MOST;) {
        size_t rows = end - first < CHUNK ? end - first : CHUNK;
        rows = rows_in_hour(sums, cdrs->start, first, rows);
        rows = rows_within(sums, sides, from, until, first, rows);
        if (cdrs->start != NULL && sums->hour < 0) /* settling closed it */
            toll_impact_open_hour(sums, cdrs->start[first]);
        if (sums->no_memory)
            return;
        const struct chunk chunk = {.sums = sums,
                                    .scratch = sums->scratch,
                                    .sides = sides,
                                    .kind = cdrs->kind == NULL ? NULL : cdrs->kind + first,
                                    .first = first,
                                    .rows = rows};
        for (int s = from; s < until; s++) {
            if (toll_impact_beside(&sums->shape->sides[s]))
                continue;
            add_side(&chunk, s);
            if (s == 0 && sums->shape->alike > 0)
                find_base_groups(&chunk);
            for (int other = 1; s == 0 && other < until; other++)
                if (sums->shape->sides[other].alike)
                    add_alike(&chunk, other);
            if (s > 0 && from == 0) {
                add_moved(&chunk, s);
                add_moves(&chunk, s);
            }
        }
        first += rows;
    }
}

void toll_impact_add(struct toll_impact_sums *sums, const struct toll_cdr_batch *cdrs,
                     const struct toll_impact_lines *sides)
{
    add_rows(sums, cdrs, sides, 0, sums->shape->count);
}

void toll_impact_add_alone(struct toll_impact_sums *sums, int side, const struct toll_cdr_batch *cdrs,
                           const struct toll_impact_lines *lines)
{
    TOLL_ASSERT(sums->shape->repriced == 0);
    struct toll_impact_lines sides[TOLL_IMPACT_BOOKS_MAX];
    sides[side] = *lines;
    add_rows(sums, cdrs, sides, side, side + 1);
}
