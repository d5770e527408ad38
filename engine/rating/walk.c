/* Stretch by stretch; one exact fraction over all of them, and one rounding. */
#include "rating/walk.h"

#include "base/check.h"
#include "rating/charge.h"

/* Beyond any step and any number of billed units: what is used above it changes no answer. */
#define UNITS_MAX (INT64_C(1) << 34)
#define SECOND_MS INT64_C(1000)

/* The row that prices an increment at a position, and the position from which another may. */
struct place {
    const struct toll_entry_row *row; /* NULL: none */
    int32_t step;                     /* the row's */
    int64_t until;
};

static void consider(struct place *place, const struct toll_entry_row *row, int32_t step, int64_t position)
{
    if (step > position) {
        place->until = step < place->until ? step : place->until;
    } else if (place->row == NULL || step > place->step) {
        place->row = row;
        place->step = step;
    }
}

static struct place row_at(const struct toll_walk_rows *rows, toll_ms start, int32_t band, int64_t position)
{
    struct place banded = {NULL, 0, INT64_MAX}, plain = {NULL, 0, INT64_MAX};
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct toll_entry_span *span = &rows->spans[rows->rows[i].span];
        if (start < span->from || start >= span->until)
            continue;
        if (span->band == 0)
            consider(&plain, &rows->rows[i], span->step, position);
        else if (span->band == band)
            consider(&banded, &rows->rows[i], span->step, position);
    }
    if (banded.row != NULL)
        return banded;
    plain.until = plain.until < banded.until ? plain.until : banded.until;
    return plain;
}

/* The band at start + position seconds, and the first position at which it may be another. */
static int32_t band_at(const struct toll_walk_bands *bands, toll_ms start, int64_t position, int64_t *until)
{
    toll_ms at, end, left;
    if (__builtin_add_overflow(start, position * SECOND_MS, &at))
        at = TOLL_MS_MAX;
    const int32_t band = bands->band(bands->context, at, &end);
    if (__builtin_sub_overflow(end, at, &left))
        left = TOLL_MS_MAX;
    const int64_t seconds = left / SECOND_MS + (left % SECOND_MS != 0);
    *until = position + (seconds > 0 ? seconds : 1);
    return band;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t steps_of(int64_t units, int64_t increment)
{
    return (units + increment - 1) / increment;
}

/* The first increment of a call: the initial one, by init_mode a multiple of the increment. */
static int64_t first_length(const struct toll_terms *first)
{
    return first->init_mode == TOLL_INIT_ROUND_TOTAL
               ? steps_of(first->initial, first->increment) * first->increment
               : first->initial;
}

enum toll_walk_outcome toll_walk(const struct toll_walk_rows *rows, const struct toll_terms *first,
                                 toll_ms start, int32_t start_band, int64_t used,
                                 const struct toll_walk_bands *bands, const struct toll_walk_trace *trace,
                                 struct toll_walked *walked)
{
    return toll_walk_beyond(rows, first, start, start_band, used, 0, bands, trace, walked);
}

enum toll_walk_outcome toll_walk_beyond(const struct toll_walk_rows *rows, const struct toll_terms *first,
                                        toll_ms start, int32_t start_band, int64_t used, int64_t included,
                                        const struct toll_walk_bands *bands,
                                        const struct toll_walk_trace *trace, struct toll_walked *walked)
{
    *walked = (struct toll_walked){0};
    int64_t wanted;
    if (toll_units_wanted(first, used, &wanted) == TOLL_BILLED_ZERO)
        return TOLL_WALK_ZERO;
    wanted = least(wanted, UNITS_MAX);

    int64_t done = 0, band_until = bands == NULL ? INT64_MAX : 0;
    int32_t band = start_band;
    toll_total exact = (toll_total)first->connect_fee * rows->per;
    while (done < wanted) {
        const int64_t from = first->free_units + done;
        if (from >= band_until)
            band = band_at(bands, start, from, &band_until);
        const struct place place = row_at(rows, start, band, from);
        if (place.row == NULL)
            return TOLL_WALK_NO_BAND;
        const uint32_t price = place.row->price + rows->price_shift;
        const struct toll_terms *terms = &rows->terms[rows->price_terms[price]];
        if (terms->state != TOLL_PRICE_OK) {
            walked->price = price;
            return terms->state == TOLL_PRICE_BLOCKED ? TOLL_WALK_BLOCKED : TOLL_WALK_NO_RATE;
        }
        TOLL_DCHECK(terms->per >= 1 && terms->increment >= 1 && rows->per % (uint32_t)terms->per == 0);

        /* The call's first increment, then all that begin before a change and are still wanted. */
        int64_t units = done == 0 ? first_length(first) : 0;
        const int64_t until = least(least(place.until, band_until), from + wanted - done);
        if (from + units < until)
            units += steps_of(until - from - units, terms->increment) * terms->increment;
        const int64_t free = least(units, included > done ? included - done : 0);
        done += units;
        if (done <= INT32_MAX) /* so the sum is below 2^125 */
            exact += (toll_total)terms->rate * (units - free) * (rows->per / (uint32_t)terms->per);
        if (trace != NULL) {
            const struct toll_walk_stretch stretch = {from, units, price, band};
            trace->stretch(trace->context, &stretch);
        }
    }
    if (done > INT32_MAX || !toll_charge_exact(first, exact, rows->per, &walked->charge))
        return TOLL_WALK_OVERFLOW;
    walked->billed = (int32_t)done;
    walked->exact = exact;
    return TOLL_WALK_DONE;
}
