/*
 * The sections of a book's image: their ids, in file order, and their records. ratetable/ fills one buffer
 * for each, book/ writes and reads them all the same way. Adding a section is one line here; a change of any
 * record is a new format version in book/image.h.
 */
#ifndef TOLL_RATETABLE_SECTIONS_H
#define TOLL_RATETABLE_SECTIONS_H

#include "ratetable/layout.h"
#include "ratetable/tax_layout.h"

/* What book.yaml says. */
struct toll_book_meta {
    uint32_t name, currency; /* string offsets */
    int32_t nanp, decimals, rounding;
    int32_t basis;    /* enum toll_jurisdiction_basis */
    int32_t on_net;   /* enum toll_on_net_rule */
    uint32_t country; /* string offset */
    uint64_t number_count;
    uint32_t buy_span, buy_span_count; /* default buy plan */
    uint32_t taxed;                    /* 1: there is taxes.csv */
    uint32_t spare;
};
_Static_assert(sizeof(struct toll_book_meta) == 56, "stored");

/* A file that is embedded: a source, or a zone's TZif bytes (UTC: no bytes). Offset into the bytes' section.
 */
struct toll_embedded {
    uint32_t name; /* string offset */
    uint32_t spare;
    uint64_t offset, bytes;
};
_Static_assert(sizeof(struct toll_embedded) == 24, "stored");

/* X(id, record type) */
#define TOLL_SECTIONS(X)                                                          \
    X(META, struct toll_book_meta)                                                \
    X(STRINGS, char)                                                              \
    X(ZONES, struct toll_embedded) /* [0] is the book's zone */                   \
    X(ZONE_BYTES, uint8_t)                                                        \
    X(ACCOUNTS, struct toll_account)                                              \
    X(SITES, struct toll_site)                                                    \
    X(PLANS, struct toll_plan)                                                    \
    X(NUMBERS, struct toll_number_slot)                                           \
    X(OWNER_DATES, struct toll_owner_date)                                        \
    X(OWNERS, struct toll_owner)                                                  \
    X(SPANS, struct toll_plan_span)                                               \
    X(TRUNKS, struct toll_named)                                                  \
    X(HINTS, struct toll_named)                                                   \
    X(CARRIERS, struct toll_named)                                                \
    X(BUCKETS, struct toll_bucket_key)                                            \
    X(PLAN_CHAINS, uint32_t) /* TOLL_CHAIN_KEYS for each plan, plan 0 included */ \
    X(CHAINS, struct toll_chain)                                                  \
    X(CHAIN_RULES, uint32_t)                                                      \
    X(RULES, struct toll_rule)                                                    \
    X(DESTINATION_LPM, struct toll_lpm) /* one, or none */                        \
    X(DESTINATION_NAMES, uint32_t)                                                \
    X(PLACE_LPM, struct toll_lpm) /* one, or none: number plan e164 */            \
    X(PLACES, struct toll_place)                                                  \
    X(STATE_NAMES, uint32_t)                                                      \
    X(RATECENTER_NAMES, uint32_t)                                                 \
    X(LOCAL_PAIRS, uint64_t)                                                      \
    X(CALLTYPE_WORDS, struct toll_calltype_word)                                  \
    X(DECKS, struct toll_deck)                                                    \
    X(DECK_ZONES, uint32_t)                                                       \
    X(LPM_WORDS, uint32_t)                                                        \
    X(ENTRIES, struct toll_entry)                                                 \
    X(ENTRY_ROWS, struct toll_entry_row)                                          \
    X(ENTRY_SPANS, struct toll_entry_span)                                        \
    X(CALLTYPE_KEYS, struct toll_calltype_key)                                    \
    X(ZONE_SHORTER, uint32_t)                                                     \
    X(PAIRS, struct toll_pair)                                                    \
    X(PRICE_TERMS, uint32_t)                                                      \
    X(TERMS, struct toll_terms)                                                   \
    X(ORIGINS, struct toll_origin)                                                \
    X(ORIGIN_GROUPS, struct toll_origin_group)                                    \
    X(CALENDARS, struct toll_calendar)                                            \
    X(CALENDAR_ROWS, struct toll_calendar_row)                                    \
    X(HOLIDAYS, struct toll_holiday)                                              \
    X(BAND_NAMES, uint32_t)                                                       \
    X(SURCHARGES, struct toll_surcharge)                                          \
    X(BUNDLES, struct toll_bundle)                                                \
    X(BUNDLE_DESTINATIONS, uint32_t)                                              \
    X(GRANTS, struct toll_grant)                                                  \
    X(POOLS, struct toll_pool)                                                    \
    X(ENTITLEMENTS, struct toll_entitlement)                                      \
    X(TIERS, struct toll_tiers)                                                   \
    X(TIER_ROWS, struct toll_tier)                                                \
    X(FX, struct toll_fx)                                                         \
    X(TAX_JURISDICTIONS, struct toll_tax_jurisdiction)                            \
    X(TAX_AREAS, struct toll_tax_area)                                            \
    X(TAX_AREA_JURISDICTIONS, int32_t)                                            \
    X(TAX_SELLERS, struct toll_tax_seller)                                        \
    X(TAX_SERVICES, uint32_t)                                                     \
    X(PRODUCTS, uint32_t)                                                         \
    X(TAX_SPLITS, struct toll_tax_split)                                          \
    X(TAX_SPLIT_PARTS, struct toll_tax_split_part)                                \
    X(TAXES, struct toll_tax)                                                     \
    X(TAX_LINE_BASES, struct toll_tax_line_basis)                                 \
    X(TAX_SERIES, struct toll_tax_series)                                         \
    X(TAX_BRACKETS, struct toll_tax_bracket)                                      \
    X(TAX_IDS, int32_t)                                                           \
    X(TAX_TEXTS, uint32_t)                                                        \
    X(TAX_EXEMPTIONS, struct toll_tax_exemption)                                  \
    X(TAX_CHANGES, int32_t)                                                       \
    X(CHARGES, struct toll_charge)                                                \
    X(INVENTORY, struct toll_inventory_row)                                       \
    X(SOURCES, struct toll_embedded) /* sorted bytewise by name */                \
    X(SOURCE_BYTES, char)

#define TOLL_SECTION_ID(id, type) TOLL_SECTION_##id,
enum toll_section { TOLL_SECTIONS(TOLL_SECTION_ID) TOLL_SECTION_COUNT };
#undef TOLL_SECTION_ID

/* Terms that price nothing and are safe to divide by: of price 0 and of built-in rows, and what every other
 * row's terms begin with. */
#define TOLL_TERMS_NEUTRAL                              \
    ((struct toll_terms){.maximum_charge = INT64_MAX,   \
                         .per = 1,                      \
                         .initial = 1,                  \
                         .increment = 1,                \
                         .quantum = 1,                  \
                         .action = TOLL_ACTION_FREE,    \
                         .zero_s = TOLL_ZERO_S_CONNECT, \
                         .small = 1,                    \
                         .decimals = 8})

/* Limits, each with its reason. */
#define TOLL_NUMBERS_MAX 20000000 /* numbers of one book: 464 MB of slots, above any reseller's inventory */
#define TOLL_DECK_KEYS_MAX 20000000u    /* keys of all decks, ranges expanded: 1.5 GB while compiling */
#define TOLL_PLACE_KEYS_MAX 10000000u   /* prefixes of npanxx.csv: all thousands blocks are 8 million */
#define TOLL_RULES_MAX 1000000          /* plan rules; each is in up to TOLL_CHAIN_KEYS chains */
#define TOLL_CHAIN_RULES_MAX 100000000u /* rule ids in all chains: 400 MB */

#endif
