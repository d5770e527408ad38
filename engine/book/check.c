/*
 * The content of an image, before anybody indexes with it. The checksums say that the bytes are those that
 * were written; this says that they cannot lead rating out of bounds or into a loop, whoever wrote them. The
 * trie, the entries and the prices are in check_prices.c, places in check_places.c.
 */
#include "book/check.h"

#include "ratetable/rules.h"

#include <string.h>

/* -- who pays -- */

static bool owner_field_good(const struct toll_book *book, const struct toll_image_view *view, uint32_t field)
{
    if ((field & TOLL_OWNER_DATED) != 0)
        return (field & ~TOLL_OWNER_DATED) < view->count[TOLL_SECTION_OWNER_DATES];
    return field < book->owner_count;
}

/* Of one side: a plan is either sold or bought by. */
static bool spans_good(const struct toll_book *book, uint32_t first, uint32_t count, bool own_level,
                       enum toll_assignment_level level, uint32_t buy)
{
    if (!toll_check_range(first, count, book->span_count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct toll_plan_span *span = &book->spans[first + i];
        if (span->from >= span->until || span->plan < 1 || (uint32_t)span->plan >= book->plan_count ||
            book->plans[span->plan].buy != buy || span->level < 0 || span->level >= TOLL_LEVEL_NONE ||
            (own_level && span->level != (int32_t)level) || (i > 0 && span[-1].until > span->from))
            return false;
    }
    return true;
}

static const char *check_numbers(const struct toll_book *book, const struct toll_image_view *view)
{
    uint64_t used = 0;

    if (book->number_capacity == 0 || book->number_capacity > UINT32_MAX)
        return "the number of slots";
    for (uint64_t i = 0; i < book->number_capacity; i++) {
        const struct toll_number_slot *slot = &book->numbers[i];
        used += slot->key != 0;
        if (slot->spare != 0 || (slot->key == 0) != (slot->owner == 0) ||
            !owner_field_good(book, view, slot->owner))
            return "a number's slot";
    }
    /* At most 0.69 full, so that a search for an unknown number ends soon, and ends at all. */
    if (used != book->number_count || used * 100 > book->number_capacity * 69)
        return "the count of numbers";
    for (uint64_t i = 0; i < view->count[TOLL_SECTION_OWNER_DATES]; i++) {
        const struct toll_owner_date *date = &book->owner_dates[i];
        if (date->from >= date->until || date->owner == 0 || date->owner >= book->owner_count ||
            date->last > 1 || (date->last == 0 && i + 1 == view->count[TOLL_SECTION_OWNER_DATES]) ||
            (i > 0 && date[-1].last == 0 && date[-1].until > date->from))
            return "a dated owner";
    }
    return NULL;
}

static const char *check_owners(const struct toll_book *book)
{
    if (book->owner_count == 0 || book->bucket_count == 0 ||
        !toll_check_zero(&book->owners[0], sizeof(book->owners[0])) ||
        !toll_check_zero(&book->buckets[0], sizeof(book->buckets[0])))
        return "the empty owner";
    for (uint32_t i = 1; i < book->bucket_count; i++) {
        const struct toll_bucket_key *key = &book->buckets[i];
        if (!toll_check_id(key->account, book->account_count) || key->site < 0 ||
            (uint32_t)key->site >= book->site_count)
            return "a bucket";
    }
    for (uint32_t i = 1; i < book->owner_count; i++) {
        const struct toll_owner *owner = &book->owners[i];
        const struct toll_plan_span *span = &book->spans[owner->span];
        if (!toll_check_id(owner->account, book->account_count) || owner->bucket == 0 ||
            owner->bucket >= book->bucket_count || book->buckets[owner->bucket].account != owner->account ||
            book->buckets[owner->bucket].site != owner->site ||
            !spans_good(book, owner->span, owner->span_count, false, TOLL_LEVEL_NONE, 0))
            return "an owner";
        const bool always = owner->span_count == 1 && span->from == TOLL_MS_MIN && span->until == TOLL_MS_MAX;
        if (owner->plan != (always ? span->plan : 0))
            return "an owner's plan";
    }
    return NULL;
}

/* What only trunks, or only carriers, have. */
static bool named_kind_good(const struct toll_book *book, int kind, const struct toll_named *named)
{
    const bool trunk = kind == TOLL_NAMED_TRUNK, carrier = kind == TOLL_NAMED_CARRIER;

    return (trunk ? named->carrier <= book->named_count[TOLL_NAMED_CARRIER] : named->carrier == 0) &&
           (carrier ? named->feed_role < TOLL_FEED_ROLES && named->owner == 0 : named->feed_role == 0) &&
           (trunk || carrier || (named->span_count == 0 && named->buy_span_count == 0)) && named->spare == 0;
}

static const char *check_named(const struct toll_book *book, const struct toll_image_view *view)
{
    for (int kind = 0; kind < TOLL_NAMED_KINDS; kind++) {
        for (uint32_t i = 0; i < book->named_count[kind]; i++) {
            const struct toll_named *named = &book->named[kind][i];
            const enum toll_assignment_level level =
                kind == TOLL_NAMED_TRUNK ? TOLL_LEVEL_TRUNK : TOLL_LEVEL_CARRIER;
            if (!toll_check_text(book, named->text) || !owner_field_good(book, view, named->owner) ||
                !named_kind_good(book, kind, named) ||
                !spans_good(book, named->span, named->span_count, true, level, 0) ||
                !spans_good(book, named->buy_span, named->buy_span_count, true, level, 1) ||
                named->id != (kind == TOLL_NAMED_TRUNK ? i + 1 : 0))
                return "a trunk, hint or carrier";
            if (i > 0 &&
                strcmp(toll_book_string(book, named[-1].text), toll_book_string(book, named->text)) >= 0)
                return "the order of trunks, hints and carriers";
        }
    }
    return spans_good(book, book->buy_span, book->buy_span_count, true, TOLL_LEVEL_DEFAULT, 1)
               ? NULL
               : "the default plan to buy by";
}

static const char *check_accounts(const struct toll_book *book)
{
    if (book->account_count == 0 || book->site_count == 0 || book->plan_count == 0 ||
        !toll_check_zero(&book->accounts[0], sizeof(book->accounts[0])) ||
        !toll_check_zero(&book->sites[0], sizeof(book->sites[0])) ||
        !toll_check_zero(&book->plans[0], sizeof(book->plans[0])))
        return "the empty account, site or plan";
    for (uint32_t i = 1; i < book->account_count; i++) {
        const struct toll_account *account = &book->accounts[i];
        if (!toll_check_text(book, account->account) || !toll_check_text(book, account->name) ||
            !toll_check_currency(book, account->currency) || account->zone >= book->zone_count ||
            !toll_check_text(book, account->file) || account->cycle_day < 1 || account->cycle_day > 28 ||
            account->parent < 0 || (uint32_t)account->parent >= book->account_count ||
            account->parent == (int32_t)i)
            return "an account";
    }
    for (uint32_t i = 1; i < book->site_count; i++) {
        const struct toll_site *site = &book->sites[i];
        if (!toll_check_text(book, site->site) || !toll_check_text(book, site->name) ||
            !toll_check_id(site->account, book->account_count) || site->state >= book->state_count)
            return "a site";
    }
    for (uint32_t i = 1; i < book->plan_count; i++) {
        if (!toll_check_text(book, book->plans[i].plan) || !toll_check_text(book, book->plans[i].name) ||
            book->plans[i].buy > 1)
            return "a plan";
    }
    return NULL;
}

/* -- rules -- */

/* The price row of a flat, free, markup or tiers rule must be one. */
static bool rule_price_good(const struct toll_book *book, const struct toll_rule *rule)
{
    return toll_check_id(rule->price, book->price_count) && rule->price != TOLL_PRICE_EMERGENCY &&
           book->terms[book->price_terms[rule->price]].action == rule->action;
}

static bool rule_good(const struct toll_book *book, const struct toll_rule *rule)
{
    const bool priced = rule->action == TOLL_ACTION_FLAT || rule->action == TOLL_ACTION_FREE ||
                        rule->action == TOLL_ACTION_MARKUP || rule->action == TOLL_ACTION_TIERS;

    return rule->action >= TOLL_ACTION_DECK && rule->action <= TOLL_ACTION_TIERS &&
           (rule->action == TOLL_ACTION_TIERS ? rule->tiers > 0 && rule->tiers < book->tiers_count
                                              : rule->tiers == 0) &&
           (rule->action == TOLL_ACTION_DECK ? toll_check_id(rule->deck, book->deck_count)
                                             : rule->deck == 0) &&
           (priced ? rule_price_good(book, rule) : rule->price == 0) &&
           (rule->on_miss_next == 0 || rule->on_miss_next == 1) && rule->trunk >= 0 &&
           (uint32_t)rule->trunk <= book->named_count[TOLL_NAMED_TRUNK] && rule->destination >= 0 &&
           (uint32_t)rule->destination < book->destination_count &&
           toll_check_id(rule->plan, book->plan_count) && toll_check_text(book, rule->file);
}

static const char *check_rules(const struct toll_book *book, const struct toll_image_view *view)
{
    if (book->rule_count == 0 || book->chain_count == 0 ||
        !toll_check_zero(&book->rules[0], sizeof(book->rules[0])) ||
        !toll_check_zero(&book->chains[0], sizeof(book->chains[0])))
        return "the empty rule or chain";
    for (uint32_t i = 1; i < book->rule_count; i++) {
        if (!rule_good(book, &book->rules[i]))
            return "a rule";
    }
    if (view->count[TOLL_SECTION_PLAN_CHAINS] != (uint64_t)book->plan_count * TOLL_CHAIN_KEYS)
        return "the plans' chains";
    for (uint64_t i = 0; i < view->count[TOLL_SECTION_PLAN_CHAINS]; i++) {
        if (book->plan_chains[i] >= book->chain_count)
            return "a plan's chain";
    }
    for (uint64_t i = 0; i < view->count[TOLL_SECTION_CHAIN_RULES]; i++) {
        if (book->chain_rules[i] == 0 || book->chain_rules[i] >= book->rule_count)
            return "a chain's rule";
    }
    for (uint32_t i = 1; i < book->chain_count; i++) {
        const struct toll_chain *chain = &book->chains[i];
        if (chain->count == 0 ||
            !toll_check_range(chain->first, chain->count, view->count[TOLL_SECTION_CHAIN_RULES]))
            return "a chain";
        if (chain->simple_deck != toll_rule_simple_deck(&book->rules[book->chain_rules[chain->first]]))
            return "a chain's deck";
    }
    return NULL;
}

/* -- calendars -- */

static bool calendar_row_good(const struct toll_book *book, const struct toll_calendar_row *row)
{
    return toll_check_id(row->band, book->band_count) && row->days > 0 && (row->days & ~0xFE) == 0 &&
           row->from_minute >= 0 && row->from_minute < 1440 && row->to_minute >= 0 && row->to_minute <= 1440;
}

static const char *check_calendars(const struct toll_book *book, const struct toll_image_view *view)
{
    if (book->calendar_count == 0 || book->band_count == 0 || book->band_names[0] != 0 ||
        !toll_check_zero(&book->calendars[0], sizeof(book->calendars[0])))
        return "the empty calendar or band";
    for (uint32_t i = 1; i < book->band_count; i++) {
        if (!toll_check_text(book, book->band_names[i]))
            return "a band's name";
    }
    for (uint64_t i = 0; i < view->count[TOLL_SECTION_CALENDAR_ROWS]; i++) {
        if (!calendar_row_good(book, &book->calendar_rows[i]))
            return "a calendar's row";
    }
    for (uint32_t i = 1; i < book->calendar_count; i++) {
        const struct toll_calendar *calendar = &book->calendars[i];
        if (!toll_check_text(book, calendar->name) ||
            !toll_check_range(calendar->first_row, calendar->row_count,
                              view->count[TOLL_SECTION_CALENDAR_ROWS]) ||
            !toll_check_range(calendar->first_holiday, calendar->holiday_count,
                              view->count[TOLL_SECTION_HOLIDAYS]))
            return "a calendar";
        for (uint32_t h = 0; h < calendar->holiday_count; h++) {
            const struct toll_holiday *holiday = &book->holidays[calendar->first_holiday + h];
            if (!toll_check_id(holiday->band, book->band_count) || (h > 0 && holiday[-1].day >= holiday->day))
                return "a holiday";
        }
    }
    return NULL;
}

/* -- sources -- */

static const char *check_sources(const struct toll_book *book, const struct toll_image_view *view)
{
    const struct toll_embedded *sources = view->data[TOLL_SECTION_SOURCES];

    for (uint64_t i = 0; i < view->count[TOLL_SECTION_SOURCES]; i++) {
        const struct toll_embedded *source = &sources[i];
        if (!toll_check_text(book, source->name) ||
            !toll_check_range(source->offset, source->bytes, view->count[TOLL_SECTION_SOURCE_BYTES]))
            return "a source";
        if (i > 0 &&
            strcmp(toll_book_string(book, source[-1].name), toll_book_string(book, source->name)) >= 0)
            return "the order of the sources";
    }
    return NULL;
}

const char toll_check_no_memory[] = "out of memory";

const char *toll_image_check(const struct toll_book *book, const struct toll_image_view *view)
{
    const char *problem = check_accounts(book);

    problem = problem != NULL ? problem : toll_check_places(book);
    problem = problem != NULL ? problem : check_owners(book);
    problem = problem != NULL ? problem : check_numbers(book, view);
    problem = problem != NULL ? problem : check_named(book, view);
    problem = problem != NULL ? problem : check_calendars(book, view);
    problem = problem != NULL ? problem : toll_check_prices(book, view);
    problem = problem != NULL ? problem : check_rules(book, view);
    problem = problem != NULL ? problem : toll_check_surcharges(book);
    problem = problem != NULL ? problem : toll_check_pools(book);
    problem = problem != NULL ? problem : toll_check_tiers(book);
    problem = problem != NULL ? problem : toll_check_fx(book);
    problem = problem != NULL ? problem : toll_check_tax(book);
    return problem != NULL ? problem : check_sources(book, view);
}
