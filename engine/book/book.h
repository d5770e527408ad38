/*
 * The book: every table that decides a price, at one version, as one immutable mapped image with a content
 * hash.
 *
 * File: a header page, a table of sections (id, offset, bytes, XXH3-128 each), the sections (64-byte aligned,
 * gaps zero), in which the sources are embedded. book_hash is the XXH3-128 over the header without its own
 * field and the section table (and so over everything). Same sources and same tzdata: the same image, byte
 * for byte.
 */
#ifndef TOLL_BOOK_BOOK_H
#define TOLL_BOOK_BOOK_H

#include "base/checksum.h"
#include "base/error.h"
#include "base/zone.h"
#include "io/file.h"
#include "ratetable/layout.h"
#include "ratetable/tax_layout.h"
#include "tollmill.h"

struct toll_book {
    struct toll_hash128 book_hash, tzdata_hash;
    const char *name, *currency;
    bool nanp; /* number_plan */
    int decimals;
    enum toll_rounding rounding;
    const char *country;                /* nanp: "US" */
    enum toll_jurisdiction_basis basis; /* of the line's own jurisdiction */
    enum toll_on_net_rule on_net;

    const struct toll_number_slot *numbers;
    uint64_t number_capacity, number_count;
    const struct toll_owner_date *owner_dates;
    const struct toll_owner *owners;
    uint32_t owner_count;
    const struct toll_plan_span *spans;
    uint32_t span_count;
    const struct toll_named *named[TOLL_NAMED_KINDS];
    uint32_t named_count[TOLL_NAMED_KINDS];
    bool has_trunk_plans, has_carrier_plans; /* some trunk or carrier has an assignment of its own */
    const struct toll_bucket_key *buckets;
    uint32_t bucket_count; /* including the empty 0 */

    const struct toll_account *accounts;
    uint32_t account_count;
    const struct toll_site *sites;
    uint32_t site_count;
    const struct toll_plan *plans;
    uint32_t plan_count;

    const uint32_t *plan_chains;
    const struct toll_chain *chains;
    const uint32_t *chain_rules;
    const struct toll_rule *rules;
    uint32_t chain_count, rule_count;
    const struct toll_lpm
        *destinations;                 /* prefix -> destination id as the value (no entries); NULL if none */
    const uint32_t *destination_names; /* string offset by destination id */
    uint32_t destination_count;        /* including the empty 0 */

    const struct toll_lpm
        *place_lpm; /* prefix -> place id as the value (no entries); NULL: number plan e164 */
    const struct toll_place *places;
    const uint32_t *state_names, *ratecenter_names; /* string offsets by id */
    const uint64_t *local_pairs;
    const struct toll_calltype_word *calltype_words;
    uint32_t place_count, state_count, ratecenter_count; /* including the empty 0 */
    uint32_t local_pair_count, calltype_word_count;

    const struct toll_deck *decks;
    uint32_t deck_count;
    const uint32_t *lpm_words;
    const struct toll_entry *entries;
    const struct toll_entry_row *entry_rows;
    const struct toll_entry_span *entry_spans;
    const struct toll_calltype_key *calltype_keys;
    const uint32_t *zone_shorter;
    const struct toll_pair *pairs;
    uint32_t pair_zone_count, pair_count;
    uint64_t lpm_word_count;
    uint32_t entry_count, entry_row_count, entry_span_count;

    const uint32_t *price_terms; /* by price id */
    const struct toll_terms *terms;
    const struct toll_origin *origins; /* toll_book_origin knows whose */
    const struct toll_origin_group *origin_groups;
    uint32_t price_count, terms_count, origin_count, origin_group_count;

    const struct toll_calendar *calendars;
    const struct toll_calendar_row *calendar_rows;
    const struct toll_holiday *holidays;
    uint32_t calendar_count, band_count; /* including the empty 0 */
    const uint32_t *deck_zones;          /* index of zones by deck id */
    const uint32_t *band_names;          /* string offset by band id */

    const struct toll_surcharge *surcharges;
    uint32_t surcharge_count; /* including the empty 0; 0: the book has none */

    /* bundles, tiers and cost; counts include the empty 0 of bundles, pools and tiers; 0: the book has none
     */
    const struct toll_bundle *bundles;
    const uint32_t *bundle_destinations;
    const struct toll_grant *grants;
    const struct toll_pool *pools;
    const struct toll_entitlement *entitlements;
    const struct toll_tiers *tiers;
    const struct toll_tier *tier_rows;
    const struct toll_fx *fx;
    uint32_t bundle_count, bundle_destination_count, grant_count, pool_count, entitlement_count;
    uint32_t tiers_count, tier_row_count, fx_count;
    uint32_t buy_span, buy_span_count; /* the default buy plan's spans */
    bool has_bundles;                  /* some owner has an entitlement: lines have included and pool */
    bool has_cost;  /* some trunk, carrier or the default has a buy plan: lines have a cost */
    bool has_feeds; /* some carrier's feed_role is not bill */

    struct toll_tax_tables tax; /* docs/TAX.md; all 0 where the book has none */

    struct toll_zone *const *zones; /* parsed at open; [0] is the book's zone */
    uint32_t zone_count;

    const char *strings; /* offsets point here; terminated */
    uint64_t string_bytes;
    const uint8_t *image;
    size_t image_bytes;
    void *owned;
};

static inline const char *toll_book_string(const struct toll_book *book, uint32_t offset)
{
    return book->strings + offset;
}

/* Compiles a folder into an image in memory (malloc'ed). All findings are reported; any error: TOLL_EBOOK. */
int toll_book_compile(const struct toll_io *io, const char *folder, const struct toll_reporter *reporter,
                      uint8_t **image, size_t *bytes, struct toll_compile_result *result,
                      struct toll_error *error);

/* toll_compile (tollmill.h) with the system's calls as an argument, so that a test can let one of them fail.
 */
int toll_compile_with(const struct toll_io *io, const struct toll_compile_options *options,
                      struct toll_compile_result *result, struct toll_error *error);

/* toll_check likewise. */
int toll_check_with(const struct toll_io *io, const struct toll_check_options *options,
                    struct toll_check_result *result, struct toll_error *error);

/* Opens an image: validates every checksum, bound and index, so that rating need not check again. The bytes
 * are borrowed and lie on a 16-byte boundary (malloc or a map give it). TOLL_EDATA for bytes that are no
 * sound image, whoever wrote them. */
int toll_book_open_bytes(const uint8_t *image, size_t bytes, const char *name, struct toll_book **out,
                         struct toll_error *error);
/* The same for bytes that toll_book_compile has just made: all but the sections' checksums. */
int toll_book_open_made(const uint8_t *image, size_t bytes, const char *name, struct toll_book **out,
                        struct toll_error *error);
/* A folder is compiled in memory, an image file is mapped. */
int toll_book_open(const struct toll_io *io, const char *path, const struct toll_reporter *reporter,
                   struct toll_book **out, struct toll_error *error);
/* The same, for whoever can use the image's bytes while they are checked (their head is sound), which stay
 * where they are as long as the book is open. After `begin` comes `end` only where the book cannot be opened
 * after all: then nobody may read them any more. */
struct toll_book_watch {
    void (*begin)(void *context, const uint8_t *image, size_t bytes);
    void (*end)(void *context);
    void *context;
};
int toll_book_open_watched(const struct toll_io *io, const char *path, const struct toll_reporter *reporter,
                           const struct toll_book_watch *watch, struct toll_book **out,
                           struct toll_error *error);
void toll_book_close(struct toll_book *book);

/* Are two books that were opened the same in everything but the terms of prices (and the sources' bytes)?
 * Then all ids are the same. */
bool toll_book_same_but_terms(const struct toll_book *a, const struct toll_book *b);

/* The embedded sources: number of files, their names ("plan_rules.csv", "decks/us.csv") and bytes. */
uint32_t toll_book_source_count(const struct toll_book *book);
const char *toll_book_source(const struct toll_book *book, uint32_t index, const char **data, size_t *bytes);
/* The source of this name; false, and *data is "", if there is none. */
bool toll_book_source_find(const struct toll_book *book, const char *name, const char **data, size_t *bytes);
/* The text of one line of a source (not terminated); false if there is none. */
bool toll_book_source_line(const struct toll_book *book, const char *file, uint32_t line, const char **text,
                           size_t *bytes);

/* The deck of a price; 0: of a rule, or the built-in one. */
uint32_t toll_book_deck_of(const struct toll_book *book, uint32_t price);
/* Where a price came from. The second form is for those who know its deck (or 0). */
struct toll_price_origin toll_book_origin(const struct toll_book *book, uint32_t price);
static inline struct toll_price_origin toll_book_origin_in(const struct toll_book *book, uint32_t deck_id,
                                                           uint32_t price)
{
    const struct toll_deck *deck = &book->decks[deck_id];
    const struct toll_origin *origin = &book->origins[deck->origin_first + (price - deck->price_first)];
    const struct toll_origin_group *group = &book->origin_groups[deck->group_first + origin->group];

    return (struct toll_price_origin){.kind = group->kind,
                                      .deck = (int32_t)deck_id,
                                      .plan = group->plan,
                                      .key = origin->key,
                                      .destination = origin->destination,
                                      .band = group->band,
                                      .file = group->file,
                                      .line = origin->line,
                                      .step = group->step,
                                      .column = group->column};
}
/* The id of an entry row's price. */
static inline uint32_t toll_row_price(const struct toll_deck *deck, const struct toll_entry_row *row)
{
    return deck->price_first - 1 + row->price;
}
/* The rows of a deck's entry. */
static inline const struct toll_entry_row *
toll_entry_rows(const struct toll_book *book, const struct toll_deck *deck, const struct toll_entry *entry)
{
    return &book->entry_rows[deck->row_first + entry->first];
}

/* Finds a trunk, hint or carrier by its text; NULL when the book does not know it. */
const struct toll_named *toll_book_named(const struct toll_book *book, enum toll_named_kind kind,
                                         const char *text, size_t bytes);
/* The value (as an LPM value, the book's own) of a call-type code in a deck with key calltype, or its
 * everything-row's, or 0.
 */
uint32_t toll_book_calltype(const struct toll_book *book, uint32_t deck, const char *text, size_t bytes);
/* What the carrier's word says of the jurisdiction (enum toll_call_jurisdiction): of the row with this code
 * and carrier, else of the one with the code and no carrier; -1: neither. */
int toll_book_calltype_word(const struct toll_book *book, const char *calltype, const char *carrier);
/* Is a call between two ratecenters local (0 is none: never)? */
bool toll_book_is_local(const struct toll_book *book, uint32_t from_ratecenter, uint32_t to_ratecenter);
/* The value (the book's own) of the pair deck for two zones (0 allowed: no zone), which must exist itself: no
 * shorter ones are tried; 0 none. */
uint32_t toll_book_pair(const struct toll_book *book, const struct toll_deck *deck, uint32_t callee_zone,
                        uint32_t caller_zone);
/* The owner in force at an instant, from a slot's or named entry's owner field; 0 nobody. */
uint32_t toll_book_owner_at(const struct toll_book *book, uint32_t owner_field, toll_ms at);
/* The band in force in a deck's calendar and zone at an instant (0 none), and the half-open UTC interval
 * around it in which that stays so. */
int32_t toll_book_band(const struct toll_book *book, uint32_t deck, toll_ms at, toll_ms *from,
                       toll_ms *until);
/* The same, and what says so: a row of the calendar (its `row` is a line of calendars.csv) or a holiday; both
 * NULL: no band is in force. */
struct toll_band_cause {
    int32_t band;
    const struct toll_calendar_row *row;
    const struct toll_holiday *holiday;
};
struct toll_band_cause toll_book_band_cause(const struct toll_book *book, uint32_t deck, toll_ms at);

#endif
