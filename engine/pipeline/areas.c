/*
 * An area code gets its state where all its numbers are in it, and a bit beside every other one to which some
 * call from it may be local: the same ratecenter lies in both, or a pair joins theirs. What that leaves open
 * is left to the trie.
 */
#include "pipeline/areas.h"

#include "base/error.h"
#include "ratetable/lpm.h"
#include "ratetable/nanp.h"
#include "tollmill_segment.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(TOLL_CALL_TOLL_FREE == TOLL_TOLL_FREE && TOLL_CALL_INTRASTATE == TOLL_INTRASTATE &&
                   TOLL_CALL_INTERSTATE == TOLL_INTERSTATE && TOLL_CALL_INTERNATIONAL == TOLL_INTERNATIONAL,
               "the kernels' classes and jurisdictions");

#define WORD_BITS 32u

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory while preparing the book's places");
}

/* ---- what lies below an area code ---- */

struct walk {
    const struct toll_book *book;
    const uint32_t *words;
    const struct toll_hot_place *places;
    uint32_t *seen; /* by node: 1 + the last area that came by, so that no area looks at one twice */
    uint32_t area;
    uint32_t *states; /* by area: the state, | TOLL_PLACE_ABROAD */
    bool any, mixed;  /* of the present area: something was seen; in several states */
    /* the second time: ratecenters[ratecenter * stride words] gets the bit of `local` */
    uint32_t *ratecenters, stride_words, local;
    bool has_ratecenter;
};

static void see_place(struct walk *walk, uint32_t place)
{
    const struct toll_hot_place *at = &walk->places[place];
    walk->mixed = walk->mixed || (walk->any && walk->states[walk->area] != at->state);
    walk->states[walk->area] = at->state;
    walk->any = true;
    walk->has_ratecenter = walk->has_ratecenter || at->ratecenter != 0;
    if (walk->ratecenters != NULL && at->ratecenter != 0)
        walk->ratecenters[(size_t)at->ratecenter * walk->stride_words + walk->local / WORD_BITS] |=
            1u << walk->local % WORD_BITS;
}

/* Nodes lead to later nodes only (book/check_prices.c), at most fourteen deep. */
static void see_values(struct walk *walk, uint64_t first, unsigned count)
{
    uint32_t last = TOLL_LPM_NODE; /* neighbours are mostly alike */
    for (unsigned i = 0; i < count; i++) {
        const uint32_t value = walk->words[first + i], node = value & TOLL_LPM_INDEX;
        if (value == last)
            continue;
        last = value;
        if ((value & TOLL_LPM_NODE) == 0) {
            see_place(walk, value);
        } else if (walk->seen[node] != 1 + walk->area) {
            walk->seen[node] = 1 + walk->area;
            see_values(walk, walk->book->place_lpm->nodes + (uint64_t)node * 16, 16);
        }
    }
}

static void see_area(struct walk *walk, uint32_t area)
{
    const struct toll_lpm *lpm = walk->book->place_lpm;
    const uint32_t value = walk->words[lpm->npa + area];
    walk->area = area;
    walk->any = walk->mixed = walk->has_ratecenter = false;
    if ((value & TOLL_LPM_NODE) != 0)
        see_values(walk, lpm->pages + (uint64_t)(value & TOLL_LPM_INDEX) * TOLL_LPM_PAGE, TOLL_LPM_PAGE);
    else
        see_place(walk, value);
}

/* ---- the words ---- */

static void add_classes(uint32_t *words)
{
    for (uint32_t digits = 0; digits <= 0x999; digits++)
        words[digits] |= (uint32_t)toll_nanp_class(digits) << TOLL_AREA_CLASS_SHIFT;
}

/* Returns how many areas have ratecenters. */
static uint32_t add_places(struct walk *walk, uint32_t *words)
{
    uint32_t locals = 0;
    for (uint32_t area = 0; area < TOLL_AREAS_ABROAD; area++) {
        see_area(walk, area);
        const uint32_t state = walk->states[area] & ~TOLL_PLACE_ABROAD;
        const bool crowded = walk->has_ratecenter && locals == TOLL_AREA_LOCAL;
        if (walk->mixed || state > TOLL_AREA_STATE || crowded) {
            words[area] |= TOLL_AREA_MORE;
            continue;
        }
        words[area] |= state | ((walk->states[area] & TOLL_PLACE_ABROAD) != 0 ? TOLL_AREA_ABROAD : 0);
        if (walk->has_ratecenter)
            words[area] |= ++locals << TOLL_AREA_LOCAL_SHIFT;
    }
    return locals;
}

/* ---- neighbours ---- */

static uint32_t local_of(uint32_t word)
{
    return word >> TOLL_AREA_LOCAL_SHIFT & TOLL_AREA_LOCAL;
}

/* Every area of `from` gets a bit for every area of `to`. */
static void join(uint32_t *local, uint32_t stride_words, const uint32_t *from, const uint32_t *to)
{
    for (uint32_t i = 0; i < stride_words; i++)
        for (uint32_t left = from[i]; left != 0; left &= left - 1) {
            uint32_t *row = local + (size_t)(i * WORD_BITS + (uint32_t)__builtin_ctz(left)) * stride_words;
            for (uint32_t k = 0; k < stride_words; k++)
                row[k] |= to[k];
        }
}

static bool fill_local(struct walk *walk, const uint32_t *words, uint32_t *local, uint32_t stride_words)
{
    const struct toll_book *book = walk->book;
    uint32_t *sets = calloc((size_t)book->ratecenter_count * stride_words + 1, sizeof *sets);
    if (sets == NULL)
        return false;
    walk->ratecenters = sets;
    walk->stride_words = stride_words;
    memset(walk->seen, 0, ((size_t)book->place_lpm->node_count + 1) * sizeof *walk->seen);
    for (uint32_t area = 0; area < TOLL_AREAS_ABROAD; area++) {
        walk->local = local_of(words[area]);
        if (walk->local != 0)
            see_area(walk, area);
    }
    for (uint32_t i = 1; i < book->ratecenter_count; i++)
        join(local, stride_words, &sets[(size_t)i * stride_words], &sets[(size_t)i * stride_words]);
    for (uint32_t i = 0; i < book->local_pair_count; i++) {
        const uint64_t pair = book->local_pairs[i];
        join(local, stride_words, &sets[(size_t)(pair >> 32) * stride_words],
             &sets[(size_t)(uint32_t)pair * stride_words]);
    }
    free(sets);
    return true;
}

/* ---- local pairs ---- */

static void fill_pairs(const struct toll_book *book, uint32_t *first, uint32_t *to)
{
    for (uint32_t i = 0; i < book->local_pair_count; i++) {
        first[(book->local_pairs[i] >> 32) + 1]++;
        to[i] = (uint32_t)book->local_pairs[i];
    }
    for (uint32_t i = 0; i < book->ratecenter_count; i++)
        first[i + 1] += first[i];
}

/* ---- ratecenters by exchange ---- */

static void fill_centers(const struct walk *walk, const uint32_t *words, uint16_t *centers)
{
    const struct toll_lpm *lpm = walk->book->place_lpm;
    for (uint32_t area = 0; area < TOLL_AREAS_ABROAD; area++) {
        const uint32_t value = walk->words[lpm->npa + area], local = local_of(words[area]);
        const uint64_t page = lpm->pages + (uint64_t)(value & TOLL_LPM_INDEX) * TOLL_LPM_PAGE;
        for (uint32_t i = 0; local != 0 && i < TOLL_LPM_PAGE; i++) {
            const uint32_t place = (value & TOLL_LPM_NODE) != 0 ? walk->words[page + i] : value;
            const bool near =
                (place & TOLL_LPM_NODE) == 0 && walk->places[place].ratecenter < TOLL_CENTER_FAR;
            centers[local * TOLL_LPM_PAGE + i] =
                near ? (uint16_t)walk->places[place].ratecenter : TOLL_CENTER_FAR;
        }
    }
}

/* ---- all of it ---- */

static bool fill(struct toll_call_areas *areas, struct walk *walk)
{
    const struct toll_book *book = walk->book;
    const size_t most_words = (TOLL_AREA_LOCAL + 1) / WORD_BITS;
    if (!toll_hot_init(&areas->hot,
                       toll_hot_round(TOLL_AREAS * sizeof(uint32_t)) +
                           toll_hot_round(book->place_count * sizeof *areas->places) +
                           toll_hot_round((book->ratecenter_count + 2u) * sizeof *areas->local_first) +
                           toll_hot_round(book->local_pair_count * sizeof *areas->local_to) +
                           toll_hot_round((TOLL_AREA_LOCAL + 1) * most_words * sizeof(uint32_t)) +
                           toll_hot_round((TOLL_AREA_LOCAL + 1) * TOLL_LPM_PAGE * sizeof(uint16_t))))
        return false;
    uint32_t *words = toll_hot_take(&areas->hot, TOLL_AREAS * sizeof *words);
    struct toll_hot_place *places = toll_hot_take(&areas->hot, book->place_count * sizeof *places);
    uint32_t *first = toll_hot_take(&areas->hot, (book->ratecenter_count + 2u) * sizeof *first);
    uint32_t *to = toll_hot_take(&areas->hot, book->local_pair_count * sizeof *to);
    areas->areas.words = words;
    areas->places = places;
    areas->local_first = first;
    areas->local_to = to;
    if (book->nanp)
        add_classes(words);
    if (book->place_lpm == NULL)
        return true;

    for (uint32_t i = 0; i < book->place_count; i++)
        places[i] = (struct toll_hot_place){book->places[i].state |
                                                (book->places[i].abroad != 0 ? TOLL_PLACE_ABROAD : 0),
                                            book->places[i].ratecenter};
    walk->places = places;
    words[TOLL_AREAS_ABROAD] = TOLL_AREA_ABROAD;
    walk->states = calloc(TOLL_AREAS_ABROAD, sizeof *walk->states);
    walk->seen = calloc((size_t)book->place_lpm->node_count + 1, sizeof *walk->seen);
    if (walk->states == NULL || walk->seen == NULL)
        return false;
    const uint32_t locals = add_places(walk, words), stride_words = locals / WORD_BITS + 1;
    fill_pairs(book, first, to);
    if (locals == 0)
        return true;
    uint32_t *local =
        toll_hot_take(&areas->hot, (size_t)stride_words * WORD_BITS * stride_words * sizeof *local);
    uint16_t *centers = toll_hot_take(&areas->hot, (size_t)(locals + 1) * TOLL_LPM_PAGE * sizeof *centers);
    fill_centers(walk, words, centers);
    areas->centers = centers;
    areas->areas.local = local;
    areas->areas.local_stride = stride_words * WORD_BITS;
    return fill_local(walk, words, local, stride_words);
}

int toll_call_areas_init(struct toll_call_areas *areas, const struct toll_book *book, const uint32_t *words,
                         struct toll_error *error)
{
    struct walk walk = {.book = book, .words = words};
    memset(areas, 0, sizeof *areas);
    const bool good = fill(areas, &walk);
    free(walk.states);
    free(walk.seen);
    if (!good)
        toll_call_areas_free(areas);
    return good ? 0 : no_memory(error);
}

void toll_call_areas_free(struct toll_call_areas *areas)
{
    toll_hot_free(&areas->hot);
    memset(areas, 0, sizeof *areas);
}
