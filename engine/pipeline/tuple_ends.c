/* Sets of jurisdictions of ends, and the tuples that occur with them. */
#include "pipeline/tuple_ends.h"

#include "base/checksum.h"
#include "base/error.h"
#include "pipeline/row.h"

#include <stdlib.h>
#include <string.h>

#define ENDS_MAX 65536u
#define SET_SLOTS (2 * ENDS_MAX) /* at most half full */

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the ends of taxed calls");
}

/* ---- what occurs ---- */

static uint64_t hash_of(uint32_t bucket, uint32_t key, uint32_t ends)
{
    uint64_t hash = ((uint64_t)bucket << 32 | ends) * UINT64_C(0x9E3779B97F4A7C15);
    hash = (hash ^ hash >> 29 ^ key) * UINT64_C(0xD1342543DE82EF95);
    return hash ^ hash >> 32;
}

static uint32_t *place_of(const struct toll_tuple_set *set, uint32_t bucket, uint32_t key, uint32_t ends)
{
    for (uint64_t at = hash_of(bucket, key, ends);; at++) {
        uint32_t *place = &set->slots[at & set->mask];
        const struct toll_tuple_seen *seen = *place == 0 ? NULL : &set->seen[*place - 1];
        if (seen == NULL || (seen->bucket == bucket && seen->key == key && seen->ends == ends))
            return place;
    }
}

static bool grow(struct toll_tuple_set *set)
{
    const uint64_t room = set->room == 0 ? 1024 : (uint64_t)set->room * 2;
    struct toll_tuple_seen *seen = room > UINT32_MAX / 4 ? NULL : realloc(set->seen, room * sizeof *seen);
    if (seen == NULL)
        return false;
    set->seen = seen;
    uint32_t *slots = calloc(2 * room, sizeof *slots);
    if (slots == NULL)
        return false;
    free(set->slots);
    set->slots = slots;
    set->room = (uint32_t)room;
    set->mask = (uint32_t)(2 * room - 1);
    for (uint32_t i = 0; i < set->count; i++)
        *place_of(set, seen[i].bucket, seen[i].key, seen[i].ends) = 1 + i;
    return true;
}

struct toll_tuple_seen *toll_tuple_set_add(struct toll_tuple_set *set, uint32_t bucket, uint32_t key,
                                           uint32_t ends)
{
    if (set->count == set->room && !grow(set))
        return NULL;
    uint32_t *place = place_of(set, bucket, key, ends);
    if (*place == 0) {
        set->seen[set->count] = (struct toll_tuple_seen){.bucket = bucket, .key = key, .ends = ends};
        *place = ++set->count;
    }
    return &set->seen[*place - 1];
}

const struct toll_tuple_seen *toll_tuple_set_find(const struct toll_tuple_set *set, uint32_t bucket,
                                                  uint32_t key, uint32_t ends)
{
    const uint32_t place = set->slots == NULL ? 0 : *place_of(set, bucket, key, ends);
    return place == 0 ? NULL : &set->seen[place - 1];
}

void toll_tuple_set_free(struct toll_tuple_set *set)
{
    free(set->seen);
    free(set->slots);
    memset(set, 0, sizeof *set);
}

/* ---- where ends can be ---- */

struct building {
    struct toll_tuple_ends *ends;
    struct toll_tax_set *sets;
    uint32_t room;
    uint32_t *of_area; /* by tax area: its number, 0 not yet */
    uint32_t *by_set;  /* SET_SLOTS: numbers by their sets, 0 empty */
};

static bool same_set(const struct toll_tax_set *a, const struct toll_tax_set *b)
{
    return a->count == b->count && memcmp(a->ids, b->ids, a->count * sizeof *a->ids) == 0;
}

/* The number of a set; ENDS_MAX: there are too many; -1: out of memory. */
static int64_t number_of(struct building *building, struct toll_tax_set set)
{
    struct toll_tuple_ends *ends = building->ends;
    uint64_t at = toll_hash(set.ids, set.count * sizeof *set.ids).low;
    for (; building->by_set[at % SET_SLOTS] != 0; at++)
        if (same_set(&building->sets[building->by_set[at % SET_SLOTS]], &set))
            return building->by_set[at % SET_SLOTS];
    if (ends->set_count == ENDS_MAX)
        return ENDS_MAX;
    if (ends->set_count == building->room) {
        const uint32_t more = building->room == 0 ? 256 : building->room * 2;
        struct toll_tax_set *sets = realloc(building->sets, more * sizeof *sets);
        if (sets == NULL)
            return -1;
        building->sets = sets;
        building->room = more;
    }
    building->sets[ends->set_count] = set;
    building->by_set[at % SET_SLOTS] = ends->set_count;
    return ends->set_count++;
}

/* The jurisdictions of level state with this state, and their parents. */
static bool state_set(const struct toll_tax_tables *tax, const char *state, struct toll_arena *arena,
                      struct toll_tax_set *out)
{
    int32_t *ids = toll_arena_alloc(arena, ((size_t)tax->jurisdiction_count + 1) * sizeof *ids);
    bool *in = calloc((size_t)tax->jurisdiction_count + 1, sizeof *in);
    *out = (struct toll_tax_set){ids, 0};
    for (uint32_t i = 1; ids != NULL && in != NULL && i < tax->jurisdiction_count; i++)
        if (tax->jurisdictions[i].level == TOLL_TAX_STATE &&
            strcmp(toll_tax_string(tax, tax->jurisdictions[i].state), state) == 0)
            for (int32_t at = (int32_t)i; at != 0; at = tax->jurisdictions[at].parent)
                in[at] = true;
    for (uint32_t i = 1; ids != NULL && in != NULL && i < tax->jurisdiction_count; i++)
        if (in[i])
            ids[out->count++] = (int32_t)i;
    const bool good = ids != NULL && in != NULL;
    free(in);
    return good;
}

static bool number_states(struct building *building, const struct toll_book *book, uint16_t *of_state)
{
    for (uint32_t i = 1; i < book->state_count; i++) {
        struct toll_tax_set set;
        if (!state_set(&book->tax, toll_book_string(book, book->state_names[i]), &building->ends->arena,
                       &set))
            return false;
        const int64_t number = number_of(building, set);
        if (number < 0)
            return false;
        of_state[i] = (uint16_t)number;
    }
    return true;
}

static bool number_places(struct building *building, const struct toll_book *book, const uint16_t *of_state,
                          uint16_t *of_place)
{
    const struct toll_tax_tables *tax = &book->tax;
    of_place[0] = TOLL_TAX_END_WHERE;
    for (uint32_t i = 1; i < book->place_count; i++) {
        const struct toll_place *place = &book->places[i];
        const int32_t area = toll_tax_area_find(tax, toll_book_string(book, place->area));
        if (place->abroad != 0) {
            of_place[i] = TOLL_TAX_END_NONE;
        } else if (area != 0) {
            const int64_t number = building->of_area[area] != 0
                                       ? building->of_area[area]
                                       : number_of(building, toll_tax_area_set(tax, (uint32_t)area));
            if (number < 0)
                return false;
            building->of_area[area] = (uint32_t)number;
            of_place[i] = (uint16_t)number;
        } else {
            of_place[i] = place->state == 0 ? TOLL_TAX_END_WHERE : of_state[place->state];
        }
    }
    return true;
}

static void ask(struct toll_tuple_ends *ends, const struct toll_tax_tables *tax)
{
    for (uint32_t i = 1; i < tax->tax_count; i++) {
        ends->origin |= tax->taxes[i].sourcing == TOLL_TAX_BY_ORIGIN;
        ends->two_of_three |= tax->taxes[i].sourcing == TOLL_TAX_TWO_OF_THREE;
    }
}

int toll_tuple_ends_make(const struct toll_book *book, struct toll_tuple_ends **out, struct toll_error *error)
{
    *out = NULL;
    if (!book->tax.taxed || !book->tax.legs || !book->nanp)
        return 0;
    struct toll_tuple_ends *ends = calloc(1, sizeof *ends);
    if (ends == NULL)
        return no_memory(error);
    ask(ends, &book->tax);
    struct building building = {.ends = ends};
    building.of_area = calloc((size_t)book->tax.area_count + 1, sizeof *building.of_area);
    uint16_t *of_state = calloc((size_t)book->state_count + 1, sizeof *of_state);
    uint16_t *of_place = calloc((size_t)book->place_count + 1, sizeof *of_place);
    static const struct toll_tax_set none = {NULL, 0};
    building.sets = calloc(256, sizeof *building.sets);
    building.by_set = calloc(SET_SLOTS, sizeof *building.by_set);
    building.room = 256;
    ends->of_state = of_state;
    ends->of_place = of_place;
    bool good = building.of_area != NULL && of_state != NULL && of_place != NULL && building.sets != NULL &&
                building.by_set != NULL;
    if (good) {
        building.sets[TOLL_TAX_END_NONE] = building.sets[TOLL_TAX_END_WHERE] = none;
        ends->set_count = TOLL_TAX_END_WHERE + 1;
        good = number_states(&building, book, of_state) && number_places(&building, book, of_state, of_place);
    }
    free(building.of_area);
    free(building.by_set);
    ends->sets = building.sets;
    int rc = good ? 0 : no_memory(error);
    if (rc == 0 && ends->set_count == ENDS_MAX)
        rc = toll_error_set(error, TOLL_EDATA,
                            "npanxx.csv names more different sets of tax jurisdictions than a call's end can "
                            "have (%u); give fewer of its rows an area",
                            ENDS_MAX - 3);
    if (rc != 0)
        toll_tuple_ends_free(ends);
    else
        *out = ends;
    return rc;
}

void toll_tuple_ends_free(struct toll_tuple_ends *ends)
{
    if (ends == NULL)
        return;
    toll_arena_free(&ends->arena);
    toll_tuple_set_free(&ends->all);
    free((void *)(uintptr_t)ends->sets);
    free((void *)(uintptr_t)ends->of_place);
    free((void *)(uintptr_t)ends->of_state);
    free(ends->tuples);
    free(ends->slots);
    free(ends);
}

static uint32_t number_of_end(const struct toll_tuple_ends *ends, const struct toll_end *end)
{
    if (end->abroad)
        return TOLL_TAX_END_NONE;
    if (end->source == TOLL_END_SITE)
        return end->state == 0 ? TOLL_TAX_END_NONE : ends->of_state[end->state];
    return end->number == 0 ? TOLL_TAX_END_NONE : ends->of_place[end->place];
}

uint32_t toll_tuple_ends_of(const struct toll_tuple_ends *ends, const struct toll_rater *rater,
                            const struct toll_row *row, int32_t site)
{
    struct toll_ends both;
    toll_ends_find(rater, row, TOLL_BASIS_ANI, site, &both);
    const uint32_t from = number_of_end(ends, &both.originating), to = number_of_end(ends, &both.terminating);
    if (from == TOLL_TAX_END_WHERE || (to == TOLL_TAX_END_WHERE && ends->two_of_three))
        return TOLL_TAX_END_WHERE << 16;
    return from << 16 | (ends->two_of_three ? to : 0);
}

/* ---- ids ---- */

int toll_tuple_ends_collect(struct toll_tuple_ends *ends, const struct toll_tuple_set *seen,
                            struct toll_error *error)
{
    for (uint32_t i = 0; i < seen->count; i++)
        if (toll_tuple_set_add(&ends->all, seen->seen[i].bucket, seen->seen[i].key, seen->seen[i].ends) ==
            NULL)
            return no_memory(error);
    return 0;
}

struct ended {
    struct toll_ended_tuple tuple;
    uint32_t bucket, index; /* of `all` */
};

static int compare_sets(const struct toll_tax_set *a, const struct toll_tax_set *b)
{
    for (uint32_t i = 0; i < a->count && i < b->count; i++)
        if (a->ids[i] != b->ids[i])
            return a->ids[i] < b->ids[i] ? -1 : 1;
    return (a->count > b->count) - (a->count < b->count);
}

static int compare_tuples(const struct toll_ended_tuple *a, const struct toll_ended_tuple *b)
{
    if (a->base != b->base)
        return a->base < b->base ? -1 : 1;
    if (a->no_leg_place != b->no_leg_place)
        return a->no_leg_place ? 1 : -1;
    const int origins = compare_sets(&a->origin, &b->origin);
    return origins != 0 ? origins : compare_sets(&a->two_of_three, &b->two_of_three);
}

static int compare_ended(const void *a, const void *b)
{
    const struct ended *x = a, *y = b;
    const int tuples = compare_tuples(&x->tuple, &y->tuple);
    return tuples != 0 ? tuples : (x->bucket > y->bucket) - (x->bucket < y->bucket);
}

/* Has it a reason already that comes before no_leg_place? */
static bool untaxed(const struct toll_tuples *tuples, const struct toll_tuple_seen *seen)
{
    const struct toll_tuple_profile *profile = &tuples->profiles[tuples->profile_of[seen->bucket]];
    return profile->area == 0 || tuples->kinds[(seen->key - 1) / tuples->span_most].split == 0;
}

static bool describe(struct toll_tuples *tuples, const struct toll_tuple_seen *seen,
                     struct toll_ended_tuple *out)
{
    struct toll_tuple_ends *ends = tuples->ends;
    const struct toll_tax_set from = ends->sets[seen->ends >> 16], to = ends->sets[seen->ends & 0xffff];
    *out = (struct toll_ended_tuple){.base = (int32_t)(tuples->buckets[seen->bucket].first + seen->key)};
    if (seen->ends >> 16 == TOLL_TAX_END_WHERE) {
        out->no_leg_place = !untaxed(tuples, seen);
        return true;
    }
    if (ends->origin)
        out->origin = from;
    if (!ends->two_of_three)
        return true;
    const int32_t area = tuples->profiles[tuples->profile_of[seen->bucket]].area;
    struct toll_tax_set place = {NULL, 0};
    if (area != 0)
        place = toll_tax_area_set(&tuples->book->tax, (uint32_t)area);
    const struct toll_tax_set three[3] = {from, to, place};
    int32_t *ids =
        toll_arena_alloc(&ends->arena, ((size_t)from.count + to.count + place.count + 1) * sizeof *ids);
    if (ids == NULL)
        return false;
    out->two_of_three = (struct toll_tax_set){ids, toll_tax_in_two(three, ids)};
    return true;
}

int toll_tuple_ends_number(struct toll_tuples *tuples, struct toll_error *error)
{
    struct toll_tuple_ends *ends = tuples->ends;
    const uint32_t count = ends->all.count, buckets = tuples->book->bucket_count;
    struct ended *all = calloc((size_t)count + 1, sizeof *all);
    ends->tuples = calloc((size_t)count + 1, sizeof *ends->tuples);
    ends->slots = calloc((size_t)count + 1, sizeof *ends->slots);
    bool good = all != NULL && ends->tuples != NULL && ends->slots != NULL && count < INT32_MAX &&
                count < UINT32_MAX - buckets;
    for (uint32_t i = 0; good && i < count; i++) {
        all[i].bucket = ends->all.seen[i].bucket;
        all[i].index = i;
        good = describe(tuples, &ends->all.seen[i], &all[i].tuple);
    }
    if (good && count > 1)
        qsort(all, count, sizeof *all, compare_ended);
    for (uint32_t i = 0; good && i < count; i++) {
        struct toll_tuple_seen *seen = &ends->all.seen[all[i].index];
        const bool fresh = i == 0 || compare_tuples(&all[i - 1].tuple, &all[i].tuple) != 0;
        if (fresh)
            ends->tuples[++ends->tuple_count] = all[i].tuple;
        if (fresh || all[i - 1].bucket != all[i].bucket)
            ends->slots[ends->slot_count++] =
                (struct toll_slot_place){all[i].bucket, (int32_t)ends->tuple_count};
        seen->tuple = (int32_t)ends->tuple_count;
        seen->slot = buckets + ends->slot_count - 1;
    }
    free(all);
    ends->given = good;
    return good ? 0 : no_memory(error);
}
