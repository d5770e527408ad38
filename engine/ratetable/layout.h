/*
 * The compiled tables as they lie in the book's image: what rating walks. All are plain arrays with 32-bit
 * indices, no pointers, little endian, 64-byte aligned sections; id 0 means none everywhere, so entry 0 of
 * every id table is empty. Built by ratetable/, composed by book/, read by simd/, rating/ and pipeline/.
 */
#ifndef TOLL_RATETABLE_LAYOUT_H
#define TOLL_RATETABLE_LAYOUT_H

#include "base/money.h"
#include "base/time.h"
#include "simd/layout_lpm.h"
#include "simd/layout_number.h"

/* ---- numbers -> owners ---- */

/* struct toll_number_slot, TOLL_OWNER_DATED, toll_number_first_slot(): simd/layout_number.h */

/* A dated owner: entries from `index` on, ascending and disjoint in time, the last one of a list has last
 * = 1. */
struct toll_owner_date {
    toll_ms from, until; /* UTC, half open */
    uint32_t owner;      /* 0: nobody in that time (does not occur; gaps simply have no entry) */
    uint32_t last;
};
_Static_assert(sizeof(struct toll_owner_date) == 24, "stored");

/* Who pays and by which plan: one for each distinct (account, site, plan spans). owners[0] is nobody. */
struct toll_owner {
    uint32_t pool_first, pool_count; /* its entitlements, in the order of drawing */
    int32_t account;
    int32_t site;  /* 0: the account has no site here */
    int32_t plan;  /* > 0: this plan at all times; 0: see spans (span_count may be 0: no plan at any time) */
    uint32_t span; /* first of span_count plan spans; for plan > 0 there is exactly one, unbounded */
    uint32_t span_count;
    uint32_t bucket; /* dense index of its (account, site), 1-based: see buckets */
};
_Static_assert(sizeof(struct toll_owner) == 32, "stored");

enum toll_assignment_level {
    TOLL_LEVEL_NUMBER,
    TOLL_LEVEL_TRUNK,
    TOLL_LEVEL_SITE,
    TOLL_LEVEL_ACCOUNT,
    TOLL_LEVEL_CARRIER,
    TOLL_LEVEL_DEFAULT,
    TOLL_LEVEL_NONE,
};
/* A plan in force in [from, until). Of an owner: the best of number, site, account and default, disjoint,
 * ascending. Of a trunk or carrier: that level's own. */
struct toll_plan_span {
    toll_ms from, until;
    int32_t plan;
    int32_t level; /* enum toll_assignment_level */
};
_Static_assert(sizeof(struct toll_plan_span) == 24, "stored");

/* A trunk or hint or carrier value a book knows: sorted bytewise by text within its kind. */
enum toll_named_kind { TOLL_NAMED_TRUNK, TOLL_NAMED_HINT, TOLL_NAMED_CARRIER, TOLL_NAMED_KINDS };
struct toll_named {
    uint32_t text;  /* string offset */
    uint32_t owner; /* trunk and hint: as in a number slot; 0 if it names no account */
    uint32_t span;  /* trunk and carrier assignments (side sell) */
    uint32_t span_count;
    uint32_t id;       /* trunk: the id rules use; else 0 */
    uint32_t buy_span; /* trunk and carrier assignments (side buy) */
    uint32_t buy_span_count;
    uint32_t pool_first, pool_count; /* trunk and carrier: entitlements of the cost */
    uint32_t carrier;                /* trunk: 1 + index of its named carrier, 0 none */
    uint32_t feed_role;              /* carrier: enum toll_feed_role */
    uint32_t spare;
};
_Static_assert(sizeof(struct toll_named) == 48, "stored");
enum toll_feed_role { TOLL_FEED_BILL, TOLL_FEED_COST, TOLL_FEED_COMPARE, TOLL_FEED_ROLES };

struct toll_bucket_key { /* index = toll_owner.bucket */
    int32_t account, site;
};

/* ---- plans -> rules ---- */

/* Which chain of rules a call meets: chains[plan_chains[plan * TOLL_CHAIN_KEYS + toll_chain_key(...)]]. */
#define TOLL_CHAIN_KEYS 250u
static inline uint32_t toll_chain_key(uint32_t service, uint32_t direction, uint32_t class_,
                                      uint32_t jurisdiction)
{
    return ((service * 2u + direction) * 5u + class_) * 5u + jurisdiction;
}
static inline uint32_t toll_chain_key_service(uint32_t key)
{
    return key / toll_chain_key(1, 0, 0, 0);
}
/* Rules in order of priority, then row. chains[0] is empty: no rule. */
struct toll_chain {
    uint32_t first; /* into chain_rules, an array of rule ids */
    uint32_t count;
    int32_t simple_deck; /* > 0: the first rule is `deck`, without further conditions, on_miss suspense */
    uint32_t spare;
};
_Static_assert(sizeof(struct toll_chain) == 16, "stored");

enum toll_action {
    TOLL_ACTION_DECK,
    TOLL_ACTION_FLAT,
    TOLL_ACTION_FREE,
    TOLL_ACTION_MARKUP,
    TOLL_ACTION_REJECT,
    TOLL_ACTION_TIERS
};
struct toll_rule {
    int32_t action; /* enum toll_action */
    int32_t deck;   /* deck id */
    int32_t price;  /* price id of flat, free, markup and tiers rules */
    int32_t on_miss_next;
    int32_t trunk;       /* 0 any; else the named trunk's id */
    int32_t destination; /* 0 any; else a destination id (value of the destinations trie) */
    toll_ms from, until;
    int32_t plan;
    int32_t priority;
    uint32_t file, line; /* string offset and line of plan_rules.csv */
    uint32_t tiers;      /* id, of action tiers; else 0 */
    int32_t product;     /* for taxes: id of products; 0 none. Of tiers the rule's, else that of the tiers */
};
_Static_assert(sizeof(struct toll_rule) == 64, "stored");

/* ---- places: docs/RATING.md section 6.1 ---- */

/* Where a number is. places[0]: nowhere known. Equal ones are stored once. */
struct toll_place {
    uint32_t country;    /* string offset, "" not known */
    uint32_t state;      /* id into state_names, 0 not known; a state is its name within its country */
    uint32_t ratecenter; /* id into ratecenter_names, 0 not known; a name within its country and state */
    uint32_t abroad;     /* 1: the country is known and not the book's */
    uint32_t county, city, lata, area; /* string offsets, "" not known */
};
_Static_assert(sizeof(struct toll_place) == 32, "stored");

/* local_pairs: from ratecenter << 32 | to ratecenter, ascending. The same ratecenter at both ends is local
 * without a pair. */

/* A word of the carrier about the jurisdiction: sorted bytewise by (calltype, carrier). */
struct toll_calltype_word {
    uint32_t calltype, carrier; /* string offsets; carrier "": any */
    int32_t jurisdiction;       /* enum toll_call_jurisdiction */
    uint32_t line;              /* of calltypes.csv */
};

enum toll_jurisdiction_basis { TOLL_BASIS_ANI, TOLL_BASIS_ANI_LRN, TOLL_BASIS_SITE, TOLL_BASIS_CARRIER };
enum toll_on_net_rule { TOLL_ON_NET_NONE, TOLL_ON_NET_ACCOUNT, TOLL_ON_NET_ANY };

/* ---- decks: key -> entry -> price ---- */

/* struct toll_lpm and the meaning of an LPM value: simd/layout_lpm.h. What the image holds of a deck, words
 * of tries, values, entries and their rows, counts prices, entries and rows within the deck: prices from 1,
 * the others from 0 on. So decks with the same keys have the same bytes, which are stored once.
 * toll_deck_value makes a value the book's own, which is what rating walks. */

/* All rows of one key: entry_rows[row_first of the deck + first..), count of them, by (from, band none last,
 * step). If none is in force at the call's start, the answer is `shorter`: the deck's value of the next
 * shorter prefix (0 none; key npanxx_pair: 0, see struct toll_pair). */
struct toll_entry {
    uint32_t first, count;
    uint32_t shorter;
    uint32_t walk_per; /* 0: one row prices the whole call. Else a row has a step, or a band in a deck with
                          boundary split (one alone, too: the call may leave it): the least common multiple
                          of all rows' `per`, below 2^31; the call is walked (docs/RATING.md section 9.1) */
};
struct toll_entry_row {
    uint32_t span;  /* into entry_spans */
    uint32_t price; /* within the deck, from 1 on; by_jurisdiction: the first of four, see enum
                       toll_rate_column */
};
_Static_assert(sizeof(struct toll_entry_row) == 8, "stored");
/* For which calls a row is: equal ones are stored once. */
struct toll_entry_span {
    toll_ms from, until; /* UTC, half open */
    int32_t band;        /* 0: the row without band */
    int32_t step;        /* from this unit of the call on; 0 the first row */
};
_Static_assert(sizeof(struct toll_entry_span) == 24, "stored");

/* In a deck with by_jurisdiction every row is four price rows with consecutive ids, policies and empty cells
 * resolved: the id in the trie or entry plus one of these, by the call's jurisdiction. */
enum toll_rate_column {
    TOLL_RATE_OTHER, /* international: the column `rate` */
    TOLL_RATE_INTER,
    TOLL_RATE_INTRA, /* local too */
    TOLL_RATE_INDETERMINATE,
    TOLL_RATE_COLUMNS
};

enum toll_deck_key { TOLL_KEY_CALLEE, TOLL_KEY_CALLTYPE, TOLL_KEY_CALLER, TOLL_KEY_NPANXX_PAIR };
struct toll_deck {
    struct toll_lpm lpm; /* keys callee and caller; npanxx_pair: the callee's prefixes, values are zones */
    struct toll_lpm callers;            /* key npanxx_pair: the caller's prefixes, values are zones */
    uint32_t pair_first, pair_capacity; /* key npanxx_pair: slots in pairs; capacity 0: no pair at all */
    uint32_t calltype_first;            /* key calltype: calltype_keys[first..first+count), sorted by text */
    uint32_t calltype_count;
    uint32_t calltype_everything;      /* value of the empty key */
    int32_t key;                       /* enum toll_deck_key */
    int32_t calendar;                  /* 0 none */
    uint32_t name, currency;           /* string offsets */
    uint32_t file, line;               /* of decks.csv; 0 line when implied */
    uint8_t lrn;                       /* number_basis lrn */
    uint8_t split;                     /* boundary split */
    uint8_t by_jurisdiction;           /* rows are four price rows each */
    uint8_t basis;                     /* enum toll_jurisdiction_basis, the book's where the cell is empty */
    uint32_t price_first, price_count; /* ids of its prices; decks[0]: of the built-in one and of rules */
    uint32_t origin_first;             /* of its prices, in their order */
    uint32_t group_first, group_count; /* of origin_groups */
    uint32_t entry_first, entry_count, row_first, row_count;
    uint32_t keys_of;    /* the deck, before it, whose tries, entries and rows it shares; 0: it has its own */
    uint32_t origins_of; /* the same of its origins */
    uint32_t spare;
};
_Static_assert(sizeof(struct toll_deck) == 160, "stored");

/* The book's own value of a value (not of a word that leads on) of the deck: a price's id, or an index of
 * entries. */
static inline uint32_t toll_deck_value(const struct toll_deck *deck, uint32_t value)
{
    const uint32_t base = (value & TOLL_LPM_ENTRY) != 0 ? deck->entry_first : deck->price_first - 1;

    return value == 0 ? 0 : value + base;
}

/*
 * Key npanxx_pair. A zone is one prefix of one side: its id (from 1 on, over all decks and sides) is the
 * value in the tries; zone_shorter[zone] is the next shorter prefix's zone of the same deck and side, 0 none
 * ([0] is 0). The empty prefix is lpm.everything, and the end of every chain where the deck has it. Pairs:
 * open addressing with linear probing within the deck's slots, load at most 0.5, first slot =
 * toll_number_first_slot(callee << 32 | caller, capacity); an empty slot has callee 0. To find: for the
 * callee's zone and its shorter ones, for the caller's zone and its shorter ones: the first pair with a row
 * in force at the call's start.
 */
struct toll_pair {
    uint32_t callee, caller; /* zones */
    uint32_t value;          /* as an LPM value of the deck */
    uint32_t spare;
};
_Static_assert(sizeof(struct toll_pair) == 16, "stored");
struct toll_calltype_key {
    uint32_t text;  /* string offset */
    uint32_t value; /* as an LPM value of the deck */
};

/* ---- prices ---- */

enum toll_price_state { TOLL_PRICE_OK, TOLL_PRICE_BLOCKED, TOLL_PRICE_NO_RATE };
enum toll_init_mode { TOLL_INIT_APPEND, TOLL_INIT_ROUND_TOTAL };
enum toll_duration_rounding { TOLL_DURATION_UP, TOLL_DURATION_DOWN, TOLL_DURATION_HALF_UP, TOLL_DURATION_MS };
enum toll_zero_s { TOLL_ZERO_S_FREE, TOLL_ZERO_S_CONNECT, TOLL_ZERO_S_MINIMUM };

/* The arithmetic of a price row; equal terms are stored once (a deck of 148,000 prefixes has a few thousand),
 * so that they stay in the near caches. price_terms[price] is the index. */
struct toll_terms {
    toll_money rate;            /* per `per` units; markup: percent * 1e6 (1 % = 1,000,000) */
    toll_money connect_fee;     /* flat and markup: the amount */
    toll_money minimum_charge;  /* 0 none */
    toll_money maximum_charge;  /* INT64_MAX none */
    int32_t per;                /* units (seconds); >= 1 */
    int32_t initial, increment; /* >= 1 */
    int32_t minimum_units, free_units;
    uint32_t quantum; /* 10^(8 - decimals): the rounding step in 1e-8 */
    uint8_t action;   /* enum toll_action: DECK, FLAT, FREE, MARKUP, TIERS; built-in rows are FREE */
    uint8_t state;    /* enum toll_price_state */
    uint8_t init_mode, duration_rounding, zero_s, rounding;
    uint8_t small; /* 1: rate < 2^36, connect_fee, maximum (if any), minimum < 2^50 and per * quantum <
                      2^40: 64-bit arithmetic cannot overflow for billed < 2^26 */
    uint8_t decimals;
};
_Static_assert(sizeof(struct toll_terms) == 64, "one cache line, stored");

/* Where a price row came from; cold. By the place of the price in its deck, from origin_first on. */
struct toll_origin {
    uint32_t key;         /* string offset: the prefix, call-type code or "1212555>1310" (caller>callee) */
    uint32_t destination; /* string offset */
    uint32_t line;
    uint32_t group; /* of origin_groups, from the deck's group_first on */
};
_Static_assert(sizeof(struct toll_origin) == 16, "stored");
/* What many rows of a deck have in common. */
struct toll_origin_group {
    int32_t kind; /* enum toll_price_kind */
    int32_t plan; /* plan id, 0 none */
    int32_t band;
    int32_t step;   /* step_from_s of its row */
    int32_t column; /* as below */
    uint32_t file;  /* string offset of the source's name */
};
_Static_assert(sizeof(struct toll_origin_group) == 24, "stored");
enum toll_price_kind {
    TOLL_PRICE_DECK,
    TOLL_PRICE_FLAT,
    TOLL_PRICE_FREE,
    TOLL_PRICE_MARKUP,
    TOLL_PRICE_BUILTIN,
    TOLL_PRICE_TIERS
};
/* Both together, as toll_book_origin gives them. */
struct toll_price_origin {
    int32_t kind;         /* enum toll_price_kind */
    int32_t deck;         /* deck id, 0 none */
    int32_t plan;         /* plan id, 0 none */
    uint32_t key;         /* string offset: the prefix, call-type code or "1212555>1310" (caller>callee) */
    uint32_t destination; /* string offset */
    int32_t band;
    uint32_t file, line; /* string offset of the source's name, line */
    int32_t step;        /* step_from_s of its row */
    int32_t column; /* enum toll_rate_column: the column of the sheet whose rate it is. Of four price rows
                       the k-th is not always of column k: empty cells, and policies. 0 too where the deck
                       is not by_jurisdiction */
};
/* Price ids: 1 is the built-in emergency row (911, 933, 988); then flat, free, markup and tiers rules in row
 * order; then deck rows by (deck order, version order, line, key, rate column). Never more than
 * TOLL_LPM_INDEX. */
#define TOLL_PRICE_EMERGENCY 1

/* ---- calendars ---- */

struct toll_calendar_row {
    int32_t band;
    int32_t days;                   /* bit 1 << iso weekday (1..7) */
    int32_t from_minute, to_minute; /* to <= from wraps into the next day */
    int32_t priority;
    int32_t row;
};
struct toll_holiday {
    int64_t day; /* local days since 1970; sorted within the calendar */
    int32_t band;
    int32_t spare;
};
struct toll_calendar {
    uint32_t first_row, row_count; /* sorted by (priority, row) */
    uint32_t first_holiday, holiday_count;
    uint32_t name; /* string offset */
    uint32_t spare;
};

/* ---- surcharges: docs/RATING.md section 11 ---- */

enum toll_surcharge_measure { TOLL_SHORT_CALLS, TOLL_ATTEMPTS, TOLL_NO_ANI, TOLL_SURCHARGE_MEASURES };
#define TOLL_THRESHOLD_ALL 100000000 /* 100 % */

/* Sorted by (level, subject, measure, from); those of one subject and measure are disjoint in time.
 * surcharges[0] is none. */
struct toll_surcharge {
    toll_ms from, until; /* UTC, half open */
    toll_money amount;   /* for each charged call */
    int32_t level;       /* enum toll_assignment_level, no number */
    uint32_t subject;    /* account or site id, 1 + index of the named trunk or carrier; 0: default */
    int32_t measure;     /* enum toll_surcharge_measure */
    int32_t all;         /* 1: apply `all`, 0: `excess` */
    int32_t threshold;   /* in 1e-6 %, at most TOLL_THRESHOLD_ALL */
    int32_t short_ms;    /* short_calls: at most this long; else 0 */
    uint32_t file, line; /* string offset and line of surcharges.csv */
};
_Static_assert(sizeof(struct toll_surcharge) == 56, "stored");

/* ---- bundles and their pools: docs/RATING.md section 12 ---- */

enum toll_unit { TOLL_UNIT_S, TOLL_UNIT_MESSAGE, TOLL_UNIT_BYTE, TOLL_UNIT_EVENT, TOLL_UNITS };
/* The services that have a unit, as bits by enum toll_service. */
static inline unsigned toll_unit_services(unsigned unit)
{
    return unit == TOLL_UNIT_S ? 1u : unit == TOLL_UNIT_MESSAGE ? 6u : unit == TOLL_UNIT_BYTE ? 8u : 16u;
}
#define TOLL_UNITS_MAX INT64_C(1000000000000000) /* of a bundle, and of a subscription row: 10^15 */
/* All grants of a pool: lots of 37 periods stay below 2^62. */
#define TOLL_POOL_UNITS_MAX (100 * TOLL_UNITS_MAX)
#define TOLL_ROLLOVER_MAX 36
enum toll_scope { TOLL_SCOPE_NUMBER, TOLL_SCOPE_SITE, TOLL_SCOPE_ACCOUNT, TOLL_SCOPE_POOL, TOLL_SCOPES };
enum toll_at_limit { TOLL_LIMIT_OVERAGE, TOLL_LIMIT_FLAG, TOLL_LIMIT_REJECT };

#define TOLL_KEY_WORDS 4 /* bits by toll_chain_key */
/* In the order of drawing: debit used first, then priority, then row. bundles[0] is none. */
struct toll_bundle {
    int64_t quantity;
    uint64_t keys[TOLL_KEY_WORDS]; /* services, classes, jurisdictions, direction; bit toll_chain_key(...) */
    uint32_t destination_first;    /* into bundle_destinations: destination ids, ascending */
    uint32_t destination_count;    /* 0: all, and numbers that have none */
    uint32_t bundle, name;         /* string offsets */
    uint32_t file, line;           /* of bundles.csv */
    int32_t priority;
    int32_t increment; /* debit used: >= 1; else 1 */
    uint8_t unit, scope, at_limit;
    uint8_t
        anchor_day; /* 0: calendar month; 1..31. An empty one is the pool's cycle_day: TOLL_ANCHOR_CYCLE */
    uint8_t rollover_periods;
    uint8_t prorate, debit_used, connect_charged;
};
_Static_assert(sizeof(struct toll_bundle) == 80, "stored");
#define TOLL_ANCHOR_CYCLE 32

/* A part of the size of a pool's lots: a subscription row, or a service that it counts. */
struct toll_grant {
    toll_ms from, until; /* UTC, half open: when it is in force; not the whole row where a plan gives it */
    int64_t units;       /* quantity x times (x the service's quantity) */
    uint32_t file, line; /* of subscriptions.csv */
};
_Static_assert(sizeof(struct toll_grant) == 32, "stored");

/* A pool of scope site, account or pool that can ever be drawn on. pools[0] is none. Sorted by (bundle, names
 * of account, site, pool). */
struct toll_pool {
    uint32_t bundle;
    int32_t account, site; /* 0 of a named pool, and where lines without site meet */
    uint32_t name;         /* string offset; "" unless scope pool */
    uint32_t grant_first, grant_count;
    uint32_t zone;     /* index of zones */
    int32_t cycle_day; /* 1..28 */
};
_Static_assert(sizeof(struct toll_pool) == 32, "stored");

/* A subscription as an owner, trunk or carrier has it; of each the list is in the order of drawing (bundle,
 * then name of the pool, then from), those of one pool disjoint in time. */
struct toll_entitlement {
    toll_ms from, until; /* UTC, half open */
    uint32_t bundle;
    uint32_t pool;                     /* of pools; 0: scope number */
    uint32_t grant_first, grant_count; /* scope number: the size of each such number's lots; else 0 */
};
_Static_assert(sizeof(struct toll_entitlement) == 32, "stored");

/* ---- tiers: docs/RATING.md section 13 ---- */

enum toll_tier_mode { TOLL_TIER_GRADUATED, TOLL_TIER_VOLUME, TOLL_TIER_PACKAGE };
enum toll_tier_period { TOLL_TIER_MONTH, TOLL_TIER_ANCHOR, TOLL_TIER_CALL };
struct toll_tiers {           /* tiers[0] is none */
    toll_money minimum_spend; /* 0 none */
    toll_money maximum_spend; /* INT64_MAX none */
    uint32_t name;            /* string offset */
    uint32_t first, count;    /* of tier_rows, ascending from_qty, the first has 0 */
    uint32_t per;             /* least common multiple of the rows', below 2^31 */
    uint32_t file, line;      /* of tiers.csv: the first row */
    uint32_t quantum;         /* 10^(8 - decimals) */
    uint8_t mode, unit, scope, period;
    uint8_t rounding, decimals;
    uint8_t spare[2];
    int32_t product; /* id of products, 0 none */
    uint32_t spare2;
};
_Static_assert(sizeof(struct toll_tiers) == 64, "stored");
struct toll_tier {
    int64_t from_qty;
    toll_money rate, flat; /* rate for `per` units (package: for a block of them); fee for entering */
    int32_t per;
    uint32_t line;
};
_Static_assert(sizeof(struct toll_tier) == 32, "stored");

/* ---- exchange: docs/RATING.md section 15 ---- */

/* Sorted by (texts of from and to, day), no two equal. */
struct toll_fx {
    uint32_t from, to; /* string offsets of currencies */
    int32_t day;       /* local days since 1970 */
    uint32_t line;     /* of fx.csv */
    int64_t rate;      /* in 1e-8, above 0 */
};
_Static_assert(sizeof(struct toll_fx) == 24, "stored");

/* ---- accounts, sites, plans ---- */

struct toll_account {
    uint32_t account, name, currency, zone; /* string offsets; zone is an index of zones */
    uint32_t file, line;
    int32_t cycle_day; /* 1..28 */
    int32_t parent;    /* account id, 0 none */
    /* for taxes: docs/TAX.md sections 1 and 2 */
    uint32_t class_, seller; /* string offsets, "" none */
    int32_t resale;          /* 1: sale resale */
    int32_t tax_site;        /* where it is that has no site: the tax_site, else the only site; 0 none */
    int32_t tax_site_named;  /* 1: the cell tax_site says so */
    uint32_t spare;
};
struct toll_site {
    uint32_t site, name;
    int32_t account;
    uint32_t line;
    uint32_t state; /* id into state_names (of the book's country), 0 not known */
    int32_t area;   /* of tax_areas, 0 none */
};
struct toll_plan {
    uint32_t plan, name;
    uint32_t line;
    uint32_t buy; /* 1: some assignment gives it on the side buy */
};

#endif
