/* Cursors and the table behind them: see surcharges.h. */
#include "pipeline/surcharges.h"

#include "base/check.h"
#include "base/cycle.h"
#include "base/error.h"
#include "pipeline/row.h"

#include <stdlib.h>
#include <string.h>

#define CURSORS_MIN ((size_t)1 << 5)
#define CELLS_MIN 1024u
#define CYCLES 64u                    /* places for zones and cycle days */
#define FLUSH_ROWS (INT64_C(1) << 31) /* far from the end of a cursor's counts */

/* Rows of one account, site, trunk and carrier in [from, until), where the same surcharges apply and the
 * billing period stays. */
struct cursor {
    toll_ms from, until;
    uint32_t bucket, trunk, carrier;
    int32_t short_ms; /* of the row on short calls, -1 none */
    uint32_t rows[TOLL_SURCHARGE_MEASURES];
    int32_t day; /* first of the billing period */
    uint32_t answered, unanswered, short_calls, no_ani;
};
_Static_assert(sizeof(struct cursor) == 64, "one cache line");

struct cycle_place {
    uint32_t zone;
    int32_t cycle_day; /* 0: empty */
    struct toll_cycle cycle;
};

struct toll_surcharge_counts {
    const struct toll_book *book;
    struct cursor *cursors;
    size_t cursor_mask;
    int64_t rows; /* since the cursors were flushed */
    struct toll_surcharge_sum *cells;
    uint32_t cell_mask, cell_count;
    bool no_memory; /* for cells: what was counted since is not all there is */
    struct cycle_place cycles[CYCLES];
};

/* An account's calls come over a few trunks and carriers; where these count, each needs its cursor. */
static size_t per_bucket(const struct toll_book *book)
{
    for (uint32_t i = 1; i < book->surcharge_count; i++)
        if (book->surcharges[i].level == TOLL_LEVEL_TRUNK || book->surcharges[i].level == TOLL_LEVEL_CARRIER)
            return 4;
    return 1;
}

int toll_surcharge_counts_make(const struct toll_book *book, size_t cursors_max,
                               struct toll_surcharge_counts **out, struct toll_error *error)
{
    const size_t most = cursors_max == 0 ? TOLL_SURCHARGE_CURSORS_MAX : cursors_max;
    *out = NULL;
    if (book->surcharge_count == 0)
        return 0;
    size_t cursors = CURSORS_MIN;
    while (cursors < (size_t)book->bucket_count * per_bucket(book) && cursors < most)
        cursors *= 2;
    struct toll_surcharge_counts *counts = calloc(1, sizeof *counts);
    if (counts != NULL) {
        counts->book = book;
        counts->cursor_mask = cursors - 1;
        counts->cursors = toll_hot_alloc(cursors * sizeof *counts->cursors);
        counts->cell_mask = CELLS_MIN - 1;
        counts->cells = malloc(CELLS_MIN * sizeof *counts->cells);
    }
    if (counts == NULL || counts->cursors == NULL || counts->cells == NULL) {
        toll_surcharge_counts_free(counts);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for counting calls for surcharges");
    }
    toll_surcharge_counts_clear(counts);
    *out = counts;
    return 0;
}

void toll_surcharge_counts_free(struct toll_surcharge_counts *counts)
{
    if (counts != NULL) {
        free(counts->cursors);
        free(counts->cells);
    }
    free(counts);
}

void toll_surcharge_counts_clear(struct toll_surcharge_counts *counts)
{
    if (counts == NULL)
        return;
    memset(counts->cursors, 0, (counts->cursor_mask + 1) * sizeof *counts->cursors);
    memset(counts->cells, 0, (counts->cell_mask + (size_t)1) * sizeof *counts->cells);
    counts->rows = 0;
    counts->cell_count = 0;
    counts->no_memory = false;
}

/* ---- cells ---- */

static struct toll_surcharge_sum *cell_at(const struct toll_surcharge_counts *counts,
                                          const struct toll_surcharge_sum *key)
{
    const uint64_t mixed = ((uint64_t)key->row << 32 ^ (uint32_t)key->account ^ (uint64_t)key->day << 17) *
                           UINT64_C(0x9E3779B97F4A7C15);
    for (uint32_t at = (uint32_t)(mixed >> 32);; at++) {
        struct toll_surcharge_sum *cell = &counts->cells[at & counts->cell_mask];
        if (cell->row == 0 ||
            (cell->row == key->row && cell->account == key->account && cell->day == key->day))
            return cell;
    }
}

static bool grow(struct toll_surcharge_counts *counts)
{
    const size_t old = counts->cell_mask + (size_t)1;
    struct toll_surcharge_sum *const cells = counts->cells;
    if (old > UINT32_MAX / 4)
        return false;
    counts->cells = calloc(2 * old, sizeof *cells);
    if (counts->cells == NULL) {
        counts->cells = cells;
        return false;
    }
    counts->cell_mask = (uint32_t)(2 * old - 1);
    for (size_t i = 0; i < old; i++)
        if (cells[i].row != 0)
            *cell_at(counts, &cells[i]) = cells[i];
    free(cells);
    return true;
}

static void add_cell(struct toll_surcharge_counts *counts, const struct toll_surcharge_sum *add)
{
    if (add->row == 0 || add->calls == 0)
        return;
    struct toll_surcharge_sum *cell = cell_at(counts, add);
    if (cell->row != 0) {
        cell->calls += add->calls;
        cell->counted += add->counted;
        return;
    }
    if (counts->cell_count >= counts->cell_mask / 2) {
        if (!grow(counts)) {
            counts->no_memory = true;
            return;
        }
        cell = cell_at(counts, add);
    }
    *cell = *add;
    counts->cell_count++;
}

static void flush(struct toll_surcharge_counts *counts, struct cursor *cursor)
{
    const int64_t answered = cursor->answered, unanswered = cursor->unanswered;
    const struct {
        int64_t calls, counted;
    } sums[TOLL_SURCHARGE_MEASURES] = {
        [TOLL_SHORT_CALLS] = {answered, cursor->short_calls},
        [TOLL_ATTEMPTS] = {answered + unanswered, unanswered},
        [TOLL_NO_ANI] = {answered, cursor->no_ani},
    };
    for (int measure = 0; measure < TOLL_SURCHARGE_MEASURES; measure++)
        add_cell(counts,
                 &(struct toll_surcharge_sum){.row = cursor->rows[measure],
                                              .account = counts->book->buckets[cursor->bucket].account,
                                              .day = cursor->day,
                                              .calls = sums[measure].calls,
                                              .counted = sums[measure].counted});
    cursor->answered = cursor->unanswered = cursor->short_calls = cursor->no_ani = 0;
}

static void flush_all(struct toll_surcharge_counts *counts)
{
    for (size_t i = 0; i <= counts->cursor_mask; i++)
        flush(counts, &counts->cursors[i]);
    counts->rows = 0;
}

void toll_surcharge_counts_merge(struct toll_surcharge_counts *counts, struct toll_surcharge_counts *from)
{
    if (counts == NULL)
        return;
    flush_all(from);
    for (size_t i = 0; i <= from->cell_mask; i++)
        add_cell(counts, &from->cells[i]);
    counts->no_memory |= from->no_memory;
}

/* ---- cursors ---- */

static struct toll_cycle cycle_of(struct toll_surcharge_counts *counts, int32_t account, toll_ms at)
{
    const struct toll_account *record = &counts->book->accounts[account];
    const int32_t day = record->cycle_day;
    struct cycle_place *place = &counts->cycles[(record->zone * 29 + (uint32_t)day) % CYCLES];
    if (place->zone != record->zone || place->cycle_day != day || at < place->cycle.from ||
        at >= place->cycle.until)
        *place = (struct cycle_place){record->zone, day,
                                      toll_cycle_at(counts->book->zones[record->zone], day, at)};
    return place->cycle;
}

static void set_cursor(struct toll_surcharge_counts *counts, const struct toll_surcharge_rules *rules,
                       struct cursor *cursor, uint32_t bucket, uint32_t trunk, uint32_t carrier, toll_ms at)
{
    const struct toll_bucket_key *key = &counts->book->buckets[bucket];
    const struct toll_cycle cycle = cycle_of(counts, key->account, at);
    const struct toll_surcharge_subjects subjects = {key->account, key->site, trunk, carrier};
    flush(counts, cursor);
    *cursor = (struct cursor){.from = cycle.from,
                              .until = cycle.until,
                              .bucket = bucket,
                              .trunk = trunk,
                              .carrier = carrier,
                              .short_ms = -1,
                              .day = (int32_t)cycle.day};
    for (int measure = 0; measure < TOLL_SURCHARGE_MEASURES; measure++)
        cursor->rows[measure] = toll_surcharge_find(rules, (enum toll_surcharge_measure)measure, &subjects,
                                                    at, &cursor->from, &cursor->until);
    if (cursor->rows[TOLL_SHORT_CALLS] != 0)
        cursor->short_ms = counts->book->surcharges[cursor->rows[TOLL_SHORT_CALLS]].short_ms;
}

/* ---- rows ---- */

/* Rows of a block that count, with the subjects that their records name. */
#define PICKS 256
struct picks {
    uint32_t row[PICKS];
    uint32_t trunk[PICKS], carrier[PICKS];
    size_t count;
};

/* Emergency calls are among them: whoever counts sees their numbers. */
static void pick_rows(struct picks *picks, const struct toll_surcharge_rules *rules,
                      const struct toll_cdr_batch *batch, size_t first, size_t rows, const uint8_t *statuses,
                      const uint32_t *buckets)
{
    const uint32_t charged = 1u << TOLL_RATED | 1u << TOLL_RATED_FAIR_USE | 1u << TOLL_ZERO_UNANSWERED |
                             1u << TOLL_ZERO_FREE | 1u << TOLL_ZERO_DURATION;
    picks->count = rules->lists->counted(batch->kind + first, statuses, buckets, charged, rows, picks->row);
}

/* 1 + index of each pick's trunk or carrier, 0 where that has no surcharges of its own. */
static void name_picks(const struct picks *picks, const uint32_t *map, const int32_t *wide,
                       const uint16_t *narrow, const uint32_t *first, uint32_t *out)
{
    for (size_t k = 0; k < picks->count; k++) {
        const uint32_t i = picks->row[k];
        const uint32_t named = map[wide != NULL ? (uint32_t)wide[i] : narrow[i]];
        out[k] = first[named] < first[named + 1] ? named : 0;
    }
}

static void name_subjects(struct picks *picks, const struct toll_surcharge_rules *rules,
                          const struct toll_part_map *map, const struct toll_cdr_batch *batch, size_t first)
{
    if (rules->by_trunk && batch->trunk != NULL)
        name_picks(picks, map->trunks, batch->trunk + first, NULL, rules->first[TOLL_LEVEL_TRUNK],
                   picks->trunk);
    else
        memset(picks->trunk, 0, sizeof picks->trunk);
    if (rules->by_carrier && batch->carrier != NULL)
        name_picks(picks, map->carriers, NULL, batch->carrier + first, rules->first[TOLL_LEVEL_CARRIER],
                   picks->carrier);
    else
        memset(picks->carrier, 0, sizeof picks->carrier);
}

static inline struct cursor *cursor_at(const struct toll_surcharge_counts *counts, const struct picks *picks,
                                       size_t k, const uint32_t *buckets)
{
    const uint32_t place =
        buckets[picks->row[k]] + picks->trunk[k] * 0x9E3779B1u + picks->carrier[k] * 0x85EBCA77u;
    return &counts->cursors[place & counts->cursor_mask];
}

static void count_picks(struct toll_surcharge_counts *counts, const struct toll_surcharge_rules *rules,
                        const struct picks *picks, const struct toll_cdr_batch *batch, size_t first,
                        const uint32_t *buckets)
{
    const uint32_t nameless = 1u << TOLL_NUMBER_NONE | 1u << TOLL_NUMBER_OTHER | 1u << TOLL_NUMBER_INVALID;
    for (size_t k = 0; k < picks->count; k++)
        __builtin_prefetch(cursor_at(counts, picks, k, buckets), 1);
    for (size_t k = 0; k < picks->count; k++) {
        struct cursor *cursor = cursor_at(counts, picks, k, buckets);
        const uint32_t bucket = buckets[picks->row[k]], trunk = picks->trunk[k], carrier = picks->carrier[k];
        const size_t at = first + picks->row[k];
        const uint16_t kind = batch->kind[at];
        if (toll_kind_callee_type(kind) == TOLL_NUMBER_SHORT && counts->book->nanp &&
            toll_is_emergency(kind, batch->callee[at]))
            continue;
        const toll_ms start = batch->start[at];
        if (start < cursor->from || start >= cursor->until || cursor->bucket != bucket ||
            cursor->trunk != trunk || cursor->carrier != carrier)
            set_cursor(counts, rules, cursor, bucket, trunk, carrier, start);
        const uint32_t answered = (kind & TOLL_KIND_ANSWERED) != 0;
        const uint32_t caller = kind >> TOLL_KIND_CALLER_TYPE_SHIFT & TOLL_KIND_TYPE_MASK;
        cursor->unanswered += 1 - answered;
        cursor->answered += answered;
        cursor->short_calls += answered & (batch->duration_ms[at] <= cursor->short_ms);
        cursor->no_ani += answered & (nameless >> caller & 1);
    }
}

void toll_surcharges_count(struct toll_surcharge_counts *counts, const struct toll_surcharge_rules *rules,
                           const struct toll_part_map *map, const struct toll_cdr_batch *batch, size_t first,
                           size_t rows, const uint8_t *statuses, const uint32_t *buckets)
{
    struct picks picks;
    for (size_t done = 0; done < rows; done += PICKS) {
        const size_t some = rows - done < PICKS ? rows - done : PICKS;
        pick_rows(&picks, rules, batch, first + done, some, statuses + done, buckets + done);
        name_subjects(&picks, rules, map, batch, first + done);
        count_picks(counts, rules, &picks, batch, first + done, buckets + done);
    }
    counts->rows += (int64_t)rows;
    if (counts->rows > FLUSH_ROWS)
        flush_all(counts);
}

const struct toll_surcharge_sum *toll_surcharge_sums(struct toll_surcharge_counts *counts, size_t *places)
{
    flush_all(counts);
    *places = counts->cell_mask + (size_t)1;
    return counts->no_memory ? NULL : counts->cells;
}
