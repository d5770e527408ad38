/* The memory of an impact's sums: planes, their wide halves, merging, reading, and the open hour. */
#include "pipeline/impact_sums.h"

#include "base/check.h"
#include "base/error.h"
#include "base/large.h"
#include "ingest/work.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES ((size_t)4096)
#define PAGE_WORDS (PAGE_BYTES / sizeof(int64_t))
/* Beyond that, large pages would be there where hardly any of their records is, unless there are enough rows
 * for most of the records: */
#define LARGE_PLANE_BYTES ((size_t)64 << 20)
#define KEYS_TO_A_ROW 4 /* so many keys at most; a small page has 32 or more of them */
/* Below that, most of a large page would be cleared for nothing. */
#define SMALL_PLANE_BYTES ((size_t)1 << 20)

/* ---- planes ---- */

bool toll_plane_make(struct toll_plane *plane, size_t keys, size_t words, int64_t rows)
{
    *plane = (struct toll_plane){.keys = keys, .words = words};
    const size_t bytes = keys * words * sizeof *plane->now;
    const bool most = bytes <= LARGE_PLANE_BYTES || keys / KEYS_TO_A_ROW < (uint64_t)rows;
    plane->bytes = toll_large_bytes(bytes);
    plane->now = toll_large_map(plane->bytes, bytes >= SMALL_PLANE_BYTES && most);
    return plane->now != NULL;
}

void toll_plane_free(struct toll_plane *plane)
{
    if (plane->now != NULL)
        toll_large_unmap(plane->now, plane->bytes);
    if (plane->wide != NULL)
        toll_large_unmap(plane->wide, 2 * plane->bytes);
    *plane = (struct toll_plane){0};
}

static bool page_is_empty(const int64_t *page)
{
    static const char nothing[PAGE_BYTES];
    return memcmp(page, nothing, PAGE_BYTES) == 0;
}

/* Pages of nothing stay untouched. Sizes are whole large pages. */
static bool settle_plane(struct toll_plane *plane)
{
    if (plane->now == NULL)
        return true;
    if (plane->wide == NULL)
        plane->wide = toll_large_map(2 * plane->bytes, false);
    if (plane->wide == NULL)
        return false;
    const size_t words = plane->keys * plane->words;
    for (size_t at = 0; at < words; at += PAGE_WORDS) {
        if (page_is_empty(plane->now + at))
            continue;
        for (size_t i = at; i < at + PAGE_WORDS; i++)
            plane->wide[i] += plane->now[i];
        memset(plane->now + at, 0, PAGE_BYTES);
    }
    return true;
}

#define PIECE_WORDS (PAGE_WORDS * 4096) /* that a thread merges at once */

struct merging {
    struct toll_plane *plane;
    const struct toll_plane *from;
    size_t words;
};

static int merge_piece(void *context, size_t piece, struct toll_error *error)
{
    const struct merging *merging = context;
    struct toll_plane *plane = merging->plane;
    const struct toll_plane *from = merging->from;
    const size_t first = piece * PIECE_WORDS, last = first + PIECE_WORDS;
    const size_t words = last < merging->words ? last : merging->words;
    (void)error;
    for (size_t at = first; at < words; at += PAGE_WORDS) {
        if (!page_is_empty(from->now + at))
            for (size_t i = at; i < at + PAGE_WORDS; i++)
                plane->now[i] += from->now[i];
        if (from->wide != NULL)
            for (size_t i = at; i < at + PAGE_WORDS && i < words; i++)
                if (from->wide[i] != 0)
                    plane->wide[i] += from->wide[i];
    }
    return 0;
}

static bool merge_plane(struct toll_plane *plane, const struct toll_plane *from, unsigned threads)
{
    if (from->now == NULL)
        return true;
    if (from->wide != NULL && plane->wide == NULL) {
        plane->wide = toll_large_map(2 * plane->bytes, false);
        if (plane->wide == NULL)
            return false;
    }
    struct merging merging = {plane, from, from->keys * from->words};
    return toll_work_run(threads, (merging.words + PIECE_WORDS - 1) / PIECE_WORDS, merge_piece, NULL,
                         &merging, NULL) == 0;
}

/* ---- sums ---- */

static size_t plane_keys(const struct toll_impact_shape *shape, int side, int plane)
{
    const size_t currencies = shape->currency_count;
    const struct toll_impact_side_shape *of = &shape->sides[side];
    if (of->repriced)
        return 0;
    switch (plane) {
    case TOLL_PLANE_ACCOUNTS:
        return of->accounts;
    case TOLL_PLANE_PRICES: /* of one that is alike the base's groups; its own, of its own keys, comes with
                               them */
        return (of->alike ? shape->group_count : of->prices) * currencies;
    case TOLL_PLANE_PLANS:
        return of->plans * currencies;
    case TOLL_PLANE_KINDS:
        return TOLL_IMPACT_KINDS * currencies;
    case TOLL_PLANE_STATUSES:
        return TOLL_STATUS_COUNT * currencies;
    case TOLL_PLANE_HOURS:
        return TOLL_IMPACT_HOURS * currencies;
    case TOLL_PLANE_CELLS:
        return TOLL_IMPACT_CELLS * currencies;
    default:
        return 0; /* days come as they are seen */
    }
}

static size_t plane_words(const struct toll_impact_shape *shape, int side, int plane)
{
    const struct toll_impact_side_shape *of = &shape->sides[side];
    return of->alike ? TOLL_WORDS_COUNTS : plane == TOLL_PLANE_PRICES ? of->price_words : of->words;
}

static struct toll_plane *plane_of(struct toll_impact_sums *sums, int side, int plane)
{
    struct toll_impact_side_sums *of = &sums->sides[side];
    return sums->shape->sides[side].alike ? &of->counts[plane] : &of->planes[plane];
}

/* By its own price rows, of a side that is alike. */
static size_t own_price_keys(const struct toll_impact_shape *shape, int side)
{
    const struct toll_impact_side_shape *of = &shape->sides[side];
    return of->alike ? of->prices * (size_t)shape->currency_count : 0;
}

size_t toll_impact_sums_bytes(const struct toll_impact_shape *shape)
{
    size_t bytes = sizeof(struct toll_impact_sums);
    for (int s = 0; s < shape->count; s++)
        for (int p = 0; p < TOLL_PLANES; p++)
            bytes += plane_keys(shape, s, p) * plane_words(shape, s, p) * sizeof(int64_t);
    for (int s = 0; s < shape->count; s++)
        bytes += own_price_keys(shape, s) * TOLL_WORDS_AT_ONCE * sizeof(int64_t);
    return bytes;
}

static bool make_side(struct toll_impact_sums *sums, int side)
{
    const struct toll_impact_shape *shape = sums->shape;
    struct toll_impact_side_sums *of = &sums->sides[side];
    bool good = true;
    if (shape->sides[side].repriced)
        return true;
    for (int p = 0; p < TOLL_PLANES; p++)
        if (p != TOLL_PLANE_DAYS && !(shape->sides[side].alike && p == TOLL_PLANE_CELLS))
            good = good && toll_plane_make(plane_of(sums, side, p), plane_keys(shape, side, p),
                                           plane_words(shape, side, p),
                                           toll_impact_beside(&shape->sides[side]) ? 0 : shape->rows);
    if (shape->sides[side].alike)
        good = good && toll_plane_make(&of->planes[TOLL_PLANE_PRICES], own_price_keys(shape, side),
                                       TOLL_WORDS_AT_ONCE, 0);
    if (side > 0)
        good = good && toll_plane_make(&of->moves,
                                       (size_t)TOLL_STATUS_COUNT * TOLL_STATUS_COUNT * shape->currency_count,
                                       TOLL_MOVE_WORDS, 0);
    of->touched = calloc(plane_keys(shape, side, TOLL_PLANE_CELLS) + 8, 1);
    return good && of->touched != NULL;
}

int toll_impact_sums_make(struct toll_impact_sums **out, const struct toll_impact_shape *shape,
                          struct toll_error *error)
{
    struct toll_impact_sums *sums = calloc(1, sizeof *sums);
    bool good = sums != NULL;
    if (good) {
        sums->shape = shape;
        sums->hour = -1;
        sums->scratch = toll_impact_scratch_make(shape);
        good = sums->scratch != NULL;
    }
    for (int s = 0; good && s < shape->count; s++)
        good = make_side(sums, s);
    if (!good) {
        toll_impact_sums_free(sums);
        return toll_error_set(
            error, TOLL_ENOMEM,
            "out of memory for the sums of %d books; compare fewer at a time, or with fewer "
            "threads",
            shape->count);
    }
    *out = sums;
    return 0;
}

void toll_impact_sums_free(struct toll_impact_sums *sums)
{
    if (sums == NULL)
        return;
    for (int s = 0; s < sums->shape->count; s++) {
        struct toll_impact_side_sums *of = &sums->sides[s];
        for (int p = 0; p < TOLL_PLANES; p++) {
            toll_plane_free(&of->planes[p]);
            toll_plane_free(&of->counts[p]);
        }
        toll_plane_free(&of->moves);
        free(of->touched);
    }
    free(sums->days);
    free(sums->scratch);
    free(sums);
}

void toll_impact_settle(struct toll_impact_sums *sums)
{
    toll_impact_close_hour(sums);
    for (int s = 0; s < sums->shape->count; s++) {
        for (int p = 0; p < TOLL_PLANES; p++) {
            sums->no_memory |= !settle_plane(&sums->sides[s].planes[p]);
            sums->no_memory |= !settle_plane(&sums->sides[s].counts[p]);
        }
        sums->no_memory |= !settle_plane(&sums->sides[s].moves);
    }
    sums->bound = 0;
    sums->settled++;
}

/* ---- days and hours ---- */

/* A plane of days with twice the room; what it holds goes along. */
static bool grow_days(struct toll_impact_sums *sums, int side, size_t room)
{
    struct toll_plane *plane = plane_of(sums, side, TOLL_PLANE_DAYS), grown;
    if (!toll_plane_make(&grown, room * sums->shape->currency_count,
                         plane_words(sums->shape, side, TOLL_PLANE_DAYS), 0))
        return false;
    if (plane->now != NULL)
        memcpy(grown.now, plane->now, plane->keys * plane->words * sizeof *plane->now);
    if (plane->wide != NULL) {
        grown.wide = toll_large_map(2 * grown.bytes, false);
        if (grown.wide != NULL)
            memcpy(grown.wide, plane->wide, plane->keys * plane->words * sizeof *plane->wide);
        else
            sums->no_memory = true;
    }
    toll_plane_free(plane);
    *plane = grown;
    return true;
}

/* Its slot; without memory the first one, which is told. */
static uint32_t day_slot(struct toll_impact_sums *sums, int64_t day)
{
    for (uint32_t i = sums->day_count; i-- > 0;)
        if (sums->days[i] == day)
            return i;
    if (sums->day_count == sums->day_room) {
        const uint32_t room = sums->day_room == 0 ? 64 : 2 * sums->day_room;
        int64_t *days = realloc(sums->days, room * sizeof *days);
        bool good = days != NULL;
        if (good)
            sums->days = days;
        for (int s = 0; good && s < sums->shape->count; s++)
            good = sums->shape->sides[s].repriced || grow_days(sums, s, room);
        if (!good) {
            sums->no_memory = true;
            return 0;
        }
        sums->day_room = room;
    }
    sums->days[sums->day_count] = day;
    return sums->day_count++;
}

#define HOUR_MS INT64_C(3600000)

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

void toll_impact_open_hour(struct toll_impact_sums *sums, toll_ms start)
{
    toll_ms from, until;
    toll_impact_close_hour(sums);
    const int64_t offset_ms = INT64_C(1000) * toll_zone_offset(sums->shape->zone, start, &from, &until);
    const int64_t hour = floor_div(start + offset_ms, HOUR_MS), day = floor_div(hour, 24);
    const toll_ms first = hour * HOUR_MS - offset_ms;
    sums->from = first > from ? first : from;
    sums->until = first + HOUR_MS < until ? first + HOUR_MS : until;
    sums->hour = (toll_iso_weekday(day) - 1) * 24 + (int)(hour - day * 24);
    sums->day_slot = day_slot(sums, day);
}

static void add_record(const struct toll_plane *plane, size_t key, const int64_t *record)
{
    int64_t *to = plane->now + key * plane->words;
    for (size_t i = 0; i < plane->words; i++)
        to[i] += record[i];
}

static void close_side(struct toll_impact_sums *sums, struct toll_impact_side_sums *of)
{
    const size_t currencies = sums->shape->currency_count;
    struct toll_plane *cells = &of->planes[TOLL_PLANE_CELLS];
    for (size_t at = 0; at < cells->keys; at += sizeof(uint64_t)) {
        uint64_t some;
        memcpy(&some, of->touched + at, sizeof some);
        if (some == 0)
            continue;
        for (size_t cell = at; cell < at + sizeof some && cell < cells->keys; cell++) {
            int64_t *record = cells->now + cell * cells->words;
            const size_t currency = cell % currencies, status = cell / currencies % TOLL_STATUS_COUNT;
            const size_t kind = cell / currencies / TOLL_STATUS_COUNT;
            if (of->touched[cell] == 0)
                continue;
            add_record(&of->planes[TOLL_PLANE_KINDS], kind * currencies + currency, record);
            add_record(&of->planes[TOLL_PLANE_STATUSES], status * currencies + currency, record);
            if (sums->hour >= 0) {
                add_record(&of->planes[TOLL_PLANE_HOURS], (size_t)sums->hour * currencies + currency, record);
                add_record(&of->planes[TOLL_PLANE_DAYS], sums->day_slot * currencies + currency, record);
            }
            memset(record, 0, cells->words * sizeof *record);
        }
        memset(of->touched + at, 0, sizeof some);
    }
}

void toll_impact_close_hour(struct toll_impact_sums *sums)
{
    const bool lost = sums->hour >= 0 && sums->day_count == 0; /* no memory for its day: told */
    for (int s = 0; s < sums->shape->count && !lost; s++)
        if (!toll_impact_beside(&sums->shape->sides[s]))
            close_side(sums, &sums->sides[s]);
    sums->hour = -1;
    sums->from = sums->until = 0;
}

/* ---- merging ---- */

static bool merge_days(struct toll_impact_sums *sums, struct toll_impact_sums *from)
{
    const size_t currencies = sums->shape->currency_count;
    for (uint32_t i = 0; i < from->day_count; i++) {
        const uint32_t slot = day_slot(sums, from->days[i]);
        if (sums->no_memory)
            return false;
        for (int s = 0; s < sums->shape->count; s++) {
            if (sums->shape->sides[s].repriced)
                continue;
            struct toll_plane *to = plane_of(sums, s, TOLL_PLANE_DAYS);
            const struct toll_plane *days = plane_of(from, s, TOLL_PLANE_DAYS);
            if (days->wide != NULL && to->wide == NULL)
                to->wide = toll_large_map(2 * to->bytes, false);
            if (days->wide != NULL && to->wide == NULL)
                return false;
            for (size_t w = 0; w < currencies * to->words; w++) {
                const size_t at = (size_t)i * currencies * to->words + w;
                const size_t there = (size_t)slot * currencies * to->words + w;
                to->now[there] += days->now[at];
                if (days->wide != NULL)
                    to->wide[there] += days->wide[at];
            }
        }
    }
    return true;
}

int toll_impact_sums_merge(struct toll_impact_sums *sums, struct toll_impact_sums *from,
                           struct toll_error *error)
{
    TOLL_ASSERT(sums->shape == from->shape);
    toll_impact_close_hour(sums);
    toll_impact_close_hour(from);
    if (sums->bound + from->bound > TOLL_IMPACT_BOUND) /* each is hardly more than that */
        toll_impact_settle(sums);
    const unsigned threads = sums->shape->threads;
    bool good = true;
    for (int s = 0; s < sums->shape->count; s++) {
        struct toll_impact_side_sums *to = &sums->sides[s], *some = &from->sides[s];
        for (int p = 0; p < TOLL_PLANES; p++)
            if (p != TOLL_PLANE_DAYS)
                good &= merge_plane(&to->planes[p], &some->planes[p], threads) &&
                        merge_plane(&to->counts[p], &some->counts[p], threads);
        good &= merge_plane(&to->moves, &some->moves, threads);
        to->strangers += some->strangers;
        to->has_plans |= some->has_plans;
        to->without_calls |= some->without_calls;
        to->differs |= some->differs;
    }
    good &= merge_days(sums, from);
    sums->bound += from->bound;
    sums->settled += from->settled;
    sums->no_memory |= from->no_memory || !good;
    return sums->no_memory ? toll_error_set(error, TOLL_ENOMEM, "out of memory for the sums of the report")
                           : 0;
}

/* ---- reading ---- */

void toll_impact_read(const struct toll_impact_sums *sums, int side, enum toll_impact_plane plane, size_t key,
                      struct toll_impact_words *out)
{
    const struct toll_impact_side_shape *shape = &sums->shape->sides[side];
    const struct toll_plane *own = &sums->sides[toll_impact_beside(shape) ? 0 : side].planes[plane];
    for (size_t w = 0; w < TOLL_WORDS_OWN; w++)
        out->words[w] = toll_plane_get(own, key, w);
    if (!toll_impact_beside(shape))
        return;
    const struct toll_plane *counts = &sums->sides[side].counts[plane];
    out->words[TOLL_WORD_CHARGE] = toll_plane_get(own, key, shape->word);
    for (size_t w = 0; shape->alike && w < TOLL_WORDS_COUNTS; w++)
        out->words[w] += toll_plane_get(counts, key, w);
}
