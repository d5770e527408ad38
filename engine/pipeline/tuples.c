/* The tuples of a run, made before its first line is rated. */
#include "pipeline/tuples.h"

#include "base/error.h"
#include "pipeline/row.h"
#include "pipeline/tuple_ends.h"
#include "pipeline/tuple_parts.h"

#include <stdlib.h>
#include <string.h>

#define PLANES_MAX (UINT64_C(1) << 24) /* a worker has two words for each */

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the tax tuples of a run");
}

/* ---- products ---- */

/* Does a split ask for a product that some rule has? */
static bool products_matter(const struct toll_book *book)
{
    bool asked = false, given = false;
    for (uint32_t i = 1; i < book->tax.split_count; i++)
        asked |= book->tax.splits[i].product != 0;
    for (uint32_t i = 1; i < book->rule_count; i++)
        given |= book->rules[i].product != 0;
    return asked && given;
}

/* Those of rules get places from 1 on; returns how many places there are, 0: out of memory. */
static uint32_t place_products(struct toll_tuples *tuples)
{
    const struct toll_book *book = tuples->book;
    uint32_t places = 1;
    if (!products_matter(book))
        return places;
    tuples->products = calloc((size_t)book->tax.product_count + 1, sizeof *tuples->products);
    tuples->verdict_products =
        calloc((size_t)book->plan_count * TOLL_VERDICT_KEYS + 1, sizeof *tuples->verdict_products);
    if (tuples->products == NULL || tuples->verdict_products == NULL)
        return 0;
    for (uint32_t i = 1; i < book->rule_count; i++) {
        const int32_t product = book->rules[i].product;
        if (product != 0 && tuples->products[product] == 0)
            tuples->products[product] = places++ * TOLL_TUPLE_KEYS;
    }
    for (uint32_t plan = 1; plan < book->plan_count; plan++)
        for (uint32_t key = 0; key < TOLL_VERDICT_KEYS; key++) {
            const uint32_t direction = key >> 6, class_ = key >> 3 & 7, jurisdiction = key & 7;
            if (class_ >= TOLL_CLASSES || jurisdiction >= TOLL_CALL_JURISDICTIONS)
                continue;
            const struct toll_chain *chain =
                &book->chains[book->plan_chains[(size_t)plan * TOLL_CHAIN_KEYS +
                                                toll_chain_key(TOLL_VOICE, direction, class_, jurisdiction)]];
            if (chain->count > 0)
                tuples->verdict_products[plan * TOLL_VERDICT_KEYS + key] =
                    tuples->products[book->rules[book->chain_rules[chain->first]].product];
        }
    return places;
}

/* ---- kinds ---- */

struct kinds {
    uint32_t *of; /* by (split, service, jurisdiction): 1 + kind */
    uint32_t places, room;
};

static int64_t kind_of(struct toll_tuples *tuples, struct kinds *kinds, uint32_t split, unsigned service,
                       unsigned jurisdiction)
{
    uint32_t *of =
        &kinds->of[((size_t)split * TOLL_SERVICES + service) * TOLL_CALL_JURISDICTIONS + jurisdiction];
    if (*of != 0)
        return *of - 1;
    if (tuples->kind_count == kinds->room) {
        const uint32_t more = kinds->room == 0 ? 64 : kinds->room * 2;
        struct toll_tuple_kind *bigger = realloc(tuples->kinds, more * sizeof *bigger);
        if (bigger == NULL)
            return -1;
        tuples->kinds = bigger;
        kinds->room = more;
    }
    tuples->kinds[tuples->kind_count] =
        (struct toll_tuple_kind){split, (uint8_t)service, (uint8_t)jurisdiction};
    *of = ++tuples->kind_count;
    return *of - 1;
}

/* The kinds of one product's calls. */
static bool fill_kinds(struct toll_tuples *tuples, struct kinds *kinds, int32_t product, uint32_t *offsets)
{
    for (unsigned bits = 0; bits <= TOLL_CALL_SERVICE; bits++)
        for (unsigned class_ = 0; class_ < TOLL_CLASSES; class_++)
            for (unsigned jurisdiction = 0; jurisdiction < TOLL_CALL_JURISDICTIONS; jurisdiction++) {
                const unsigned service = toll_kind_service((uint16_t)bits);
                const uint32_t split =
                    toll_tax_split_find(tuples->index, product, (int)service, (int)class_, (int)jurisdiction);
                const int64_t kind = kind_of(tuples, kinds, split, service, jurisdiction);
                if (kind < 0)
                    return false;
                offsets[toll_tuple_key((uint16_t)bits, (uint8_t)(class_ << 4 | jurisdiction))] =
                    toll_tuple_plane_key(tuples, (uint32_t)kind, 0);
            }
    return true;
}

/* After the spans, whose number the offsets are multiples of. */
static bool make_kinds(struct toll_tuples *tuples)
{
    const struct toll_tax_tables *tax = &tuples->book->tax;
    struct kinds kinds = {.places = place_products(tuples)};
    if (kinds.places == 0)
        return false;
    kinds.of =
        calloc((size_t)(tax->split_count + 1) * TOLL_SERVICES * TOLL_CALL_JURISDICTIONS, sizeof *kinds.of);
    tuples->offsets = calloc((size_t)kinds.places * TOLL_TUPLE_KEYS, sizeof *tuples->offsets);
    bool good = kinds.of != NULL && tuples->offsets != NULL && fill_kinds(tuples, &kinds, 0, tuples->offsets);
    for (uint32_t id = 1; good && tuples->products != NULL && id < tax->product_count; id++)
        if (tuples->products[id] != 0)
            good = fill_kinds(tuples, &kinds, (int32_t)id, tuples->offsets + tuples->products[id]);
    free(kinds.of);
    return good;
}

/* ---- all of them ---- */

static bool make_spans(struct toll_tuples *tuples, const struct toll_tuple_time *times, size_t count)
{
    tuples->span_most = 1;
    for (uint32_t i = 0; i < tuples->calendar_count; i++) {
        if (toll_tuple_spans_make(tuples->book, times, count, &tuples->calendars[i]) != 0)
            return false;
        if (tuples->calendars[i].count > tuples->span_most)
            tuples->span_most = tuples->calendars[i].count;
    }
    return true;
}

static int number(struct toll_tuples *tuples, struct toll_error *error)
{
    const uint64_t each = (uint64_t)tuples->kind_count * tuples->span_most;
    if (each > PLANES_MAX || each * tuples->profile_count > INT32_MAX)
        return toll_error_set(
            error, TOLL_EDATA,
            "the calls of the run may differ in their taxes in more than 2^31 ways (%u places and customers, "
            "%u kinds of calls, %u spans of days without a change); rate fewer days at a time",
            tuples->profile_count, tuples->kind_count, tuples->span_most);
    for (uint32_t i = 1; i < tuples->book->bucket_count; i++)
        tuples->buckets[i].first = tuples->profile_of[i] * (uint32_t)each;
    return 0;
}

int toll_tuples_make(const struct toll_book *book, const struct toll_tuple_time *times, size_t count,
                     struct toll_tuples **out, struct toll_error *error)
{
    *out = NULL;
    if (!book->tax.taxed)
        return 0;
    struct toll_tuples *tuples = calloc(1, sizeof *tuples);
    if (tuples == NULL)
        return no_memory(error);
    tuples->book = book;
    tuples->buckets = calloc((size_t)book->bucket_count + 1, sizeof *tuples->buckets);
    tuples->profile_of = calloc((size_t)book->bucket_count + 1, sizeof *tuples->profile_of);
    int rc = toll_tax_index_build(&book->tax, &tuples->arena, &tuples->index, error);
    if (rc == 0 &&
        (tuples->buckets == NULL || tuples->profile_of == NULL || toll_tuple_profiles_make(tuples) != 0 ||
         !make_spans(tuples, times, count) || !make_kinds(tuples)))
        rc = no_memory(error);
    if (rc == 0)
        rc = number(tuples, error);
    if (rc == 0)
        rc = toll_tuple_ends_make(book, &tuples->ends, error);
    if (rc != 0)
        toll_tuples_free(tuples);
    else
        *out = tuples;
    return rc;
}

void toll_tuples_free(struct toll_tuples *tuples)
{
    if (tuples == NULL)
        return;
    for (uint32_t i = 0; i < tuples->calendar_count; i++)
        free(tuples->calendars[i].spans);
    toll_tuple_ends_free(tuples->ends);
    toll_arena_free(&tuples->arena);
    free(tuples->buckets);
    free(tuples->profile_of);
    free(tuples->profiles);
    free(tuples->exemptions);
    free(tuples->kinds);
    free(tuples->calendars);
    free(tuples->offsets);
    free(tuples->products);
    free(tuples->verdict_products);
    free(tuples);
}

static bool plain_facts(const struct toll_tuples *tuples, int32_t id, struct toll_tuple_facts *facts)
{
    const uint32_t each = tuples->kind_count * tuples->span_most;
    const uint32_t at = (uint32_t)id - 1, profile = at / each, kind = at % each / tuples->span_most;
    if (id < 1 || profile >= tuples->profile_count)
        return false;
    *facts = (struct toll_tuple_facts){
        .profile = tuples->profiles[profile], .index = profile, .kind = tuples->kinds[kind]};
    const struct toll_tuple_calendar *calendar = &tuples->calendars[facts->profile.calendar];
    const uint32_t span = at % tuples->span_most;
    if (span >= calendar->count)
        return false;
    facts->exemptions = &tuples->exemptions[facts->profile.exemption_first];
    facts->day = calendar->spans[span].day;
    facts->period = calendar->spans[span].period;
    facts->next_period = calendar->spans[span].next_period;
    return true;
}

bool toll_tuple_facts(const struct toll_tuples *tuples, int32_t id, struct toll_tuple_facts *facts)
{
    const struct toll_tuple_ends *ends = tuples->ends;
    if (ends == NULL)
        return plain_facts(tuples, id, facts);
    if (id < 1 || (uint32_t)id > ends->tuple_count || !plain_facts(tuples, ends->tuples[id].base, facts))
        return false;
    facts->origin = ends->tuples[id].origin;
    facts->two_of_three = ends->tuples[id].two_of_three;
    facts->no_leg_place = ends->tuples[id].no_leg_place;
    return true;
}

int64_t toll_tuples_most(const struct toll_tuples *tuples)
{
    return tuples->ends != NULL ? tuples->ends->tuple_count
                                : (int64_t)tuples->profile_count * tuples->kind_count * tuples->span_most;
}

/* ---- of one worker ---- */

int toll_tuple_sums_init(struct toll_tuple_sums *sums, const struct toll_tuples *tuples,
                         struct toll_error *error)
{
    memset(sums, 0, sizeof *sums);
    sums->tuples = tuples;
    if (tuples == NULL)
        return 0;
    const size_t keys = (size_t)tuples->kind_count * tuples->span_most + 1;
    sums->planes = calloc(keys, sizeof *sums->planes);
    sums->keys = calloc(keys, sizeof *sums->keys);
    sums->spans = calloc((size_t)tuples->calendar_count + 1, sizeof *sums->spans);
    if (sums->planes != NULL && sums->keys != NULL && sums->spans != NULL)
        return 0;
    toll_tuple_sums_free(sums);
    return no_memory(error);
}

void toll_tuple_sums_free(struct toll_tuple_sums *sums)
{
    free(sums->planes);
    free(sums->keys);
    free(sums->spans);
    toll_tuple_set_free(&sums->seen);
    memset(sums, 0, sizeof *sums);
}

void toll_tuple_sums_at(struct toll_tuple_sums *sums, toll_ms at)
{
    const struct toll_tuples *tuples = sums->tuples;
    sums->from = TOLL_MS_MIN;
    sums->until = TOLL_MS_MAX;
    for (uint32_t i = 0; i < tuples->calendar_count; i++) {
        const struct toll_tuple_calendar *calendar = &tuples->calendars[i];
        const uint32_t at_span = toll_tuple_span_at(calendar, at);
        sums->spans[i] = at_span;
        if (at_span >= calendar->count)
            continue; /* a run without calls */
        const struct toll_tuple_span *span = &calendar->spans[at_span];
        sums->from = span->from > sums->from && span->from <= at ? span->from : sums->from;
        sums->until = span->until < sums->until && span->until > at ? span->until : sums->until;
    }
}
