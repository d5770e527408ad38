/* What accounts and sites have of a tuple, each distinct profile once, in the order of the book's buckets. */
#include "pipeline/tuple_parts.h"

#include <stdlib.h>
#include <string.h>

const char *toll_tax_place_name(enum toll_tax_place resolved)
{
    static const char *const names[] = {"", "site", "tax_site", "only_site"};
    return names[resolved];
}

int32_t toll_tuple_site(const struct toll_book *book, int32_t account, int32_t site,
                        enum toll_tax_place *resolved)
{
    const struct toll_account *of = &book->accounts[account];
    if (site == 0)
        site = of->tax_site;
    else
        of = NULL;
    *resolved = site == 0                 ? TOLL_PLACE_NONE
                : of == NULL              ? TOLL_PLACE_SITE
                : of->tax_site_named != 0 ? TOLL_PLACE_TAX_SITE
                                          : TOLL_PLACE_ONLY_SITE;
    return site;
}

/* ---- profiles ---- */

struct found {
    uint32_t *slots; /* 1 + profile, 0 empty */
    uint32_t mask;
    uint32_t profile_room, exemption_room, calendar_room;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

static uint64_t hash_of(const struct toll_tuple_profile *profile, const uint32_t *exemptions)
{
    uint64_t hash = mix(0, (uint64_t)(uint32_t)profile->area << 32 | profile->calendar);
    hash = mix(hash, (uint64_t)profile->customer_class << 32 | profile->seller);
    hash = mix(hash, (uint64_t)profile->resolved << 32 | (uint64_t)profile->resale << 31 |
                         profile->exemption_count);
    for (uint32_t i = 0; i < profile->exemption_count; i++)
        hash = mix(hash, exemptions[i]);
    return hash;
}

static bool same(const struct toll_tuples *tuples, const struct toll_tuple_profile *a,
                 const struct toll_tuple_profile *b, const uint32_t *exemptions)
{
    return a->area == b->area && a->resolved == b->resolved && a->customer_class == b->customer_class &&
           a->seller == b->seller && a->resale == b->resale && a->calendar == b->calendar &&
           a->exemption_count == b->exemption_count &&
           memcmp(&tuples->exemptions[a->exemption_first], exemptions,
                  a->exemption_count * sizeof *exemptions) == 0;
}

/* Room for one more, or for `count` more; false: out of memory. */
static bool make_room(void **array, size_t size, uint32_t *room, uint64_t wanted)
{
    if (wanted <= *room)
        return true;
    uint64_t more = *room == 0 ? 64 : (uint64_t)*room * 2;
    more = more < wanted ? wanted : more;
    void *bigger = more > UINT32_MAX ? NULL : realloc(*array, more * size);
    if (bigger == NULL)
        return false;
    *array = bigger;
    *room = (uint32_t)more;
    return true;
}

static bool rehash(struct toll_tuples *tuples, struct found *found)
{
    const uint64_t places = found->mask == 0 ? 1024 : 2 * ((uint64_t)found->mask + 1);
    uint32_t *slots = calloc(places, sizeof *slots);
    if (slots == NULL || places > UINT32_MAX)
        return false;
    free(found->slots);
    found->slots = slots;
    found->mask = (uint32_t)(places - 1);
    for (uint32_t i = 0; i < tuples->profile_count; i++) {
        const struct toll_tuple_profile *profile = &tuples->profiles[i];
        uint64_t at = hash_of(profile, &tuples->exemptions[profile->exemption_first]);
        while (slots[at & found->mask] != 0)
            at++;
        slots[at & found->mask] = 1 + i;
    }
    return true;
}

/* The profile's index, added if it is new; -1: out of memory. */
static int64_t find_profile(struct toll_tuples *tuples, struct found *found,
                            const struct toll_tuple_profile *wanted, const uint32_t *exemptions)
{
    if (tuples->profile_count >= found->mask / 2 && !rehash(tuples, found))
        return -1;
    uint64_t at = hash_of(wanted, exemptions);
    for (; found->slots[at & found->mask] != 0; at++) {
        const uint32_t index = found->slots[at & found->mask] - 1;
        if (same(tuples, &tuples->profiles[index], wanted, exemptions))
            return index;
    }
    if (!make_room((void **)&tuples->profiles, sizeof *tuples->profiles, &found->profile_room,
                   tuples->profile_count + UINT64_C(1)) ||
        !make_room((void **)&tuples->exemptions, sizeof *tuples->exemptions, &found->exemption_room,
                   tuples->exemption_count + UINT64_C(1) + wanted->exemption_count))
        return -1;
    struct toll_tuple_profile *profile = &tuples->profiles[tuples->profile_count];
    *profile = *wanted;
    profile->exemption_first = tuples->exemption_count;
    memcpy(&tuples->exemptions[tuples->exemption_count], exemptions,
           wanted->exemption_count * sizeof *exemptions);
    tuples->exemption_count += wanted->exemption_count;
    found->slots[at & found->mask] = 1 + tuples->profile_count;
    return tuples->profile_count++;
}

static int64_t find_calendar(struct toll_tuples *tuples, struct found *found,
                             const struct toll_account *account)
{
    for (uint32_t i = 0; i < tuples->calendar_count; i++)
        if (tuples->calendars[i].zone == account->zone &&
            tuples->calendars[i].cycle_day == account->cycle_day)
            return i;
    if (!make_room((void **)&tuples->calendars, sizeof *tuples->calendars, &found->calendar_room,
                   tuples->calendar_count + UINT64_C(1)))
        return -1;
    tuples->calendars[tuples->calendar_count] =
        (struct toll_tuple_calendar){.zone = account->zone, .cycle_day = account->cycle_day};
    return tuples->calendar_count++;
}

static bool add_bucket(struct toll_tuples *tuples, struct found *found, uint32_t *exemptions, uint32_t bucket)
{
    const struct toll_book *book = tuples->book;
    const struct toll_bucket_key *key = &book->buckets[bucket];
    const struct toll_account *account = &book->accounts[key->account];
    const int64_t calendar = find_calendar(tuples, found, account);
    if (calendar < 0)
        return false;
    struct toll_tuple_profile profile = {
        .customer_class = account->class_,
        .seller = account->seller,
        .resale = account->resale != 0,
        .calendar = (uint32_t)calendar,
        .exemption_count = (uint32_t)toll_tax_exemptions_find(tuples->index, key->account, key->site,
                                                              exemptions, book->tax.exemption_count),
    };
    const int32_t site = toll_tuple_site(book, key->account, key->site, &profile.resolved);
    profile.area = site == 0 ? 0 : book->sites[site].area;
    const int64_t index = find_profile(tuples, found, &profile, exemptions);
    tuples->profile_of[bucket] = (uint32_t)index;
    tuples->buckets[bucket].calendar = profile.calendar;
    return index >= 0;
}

int toll_tuple_profiles_make(struct toll_tuples *tuples)
{
    struct found found = {0};
    uint32_t *exemptions = calloc((size_t)tuples->book->tax.exemption_count + 1, sizeof *exemptions);
    bool good = exemptions != NULL;
    for (uint32_t bucket = 1; good && bucket < tuples->book->bucket_count; bucket++)
        good = add_bucket(tuples, &found, exemptions, bucket);
    free(exemptions);
    free(found.slots);
    return good ? 0 : -1;
}
