/*
 * The state of one compilation: the sources that were read, what their rows name, and the sections that grow.
 * Every stage (accounts, numbers, decks, ...) reads its tables, reports every bad cell as a finding and goes
 * on; a return code is only for what ends the run at once: no memory, a file the system cannot read. The
 * image is worth something when all stages returned 0 and there is no error finding. One thread.
 */
#ifndef TOLL_RATETABLE_BUILD_H
#define TOLL_RATETABLE_BUILD_H

#include "base/arena.h"
#include "base/checksum.h"
#include "base/error.h"
#include "base/strings.h"
#include "base/zone.h"
#include "io/file.h"
#include "ratetable/buffer.h"
#include "ratetable/sections.h"
#include "simd/csv_index.h"
#include "text/table.h"

struct toll_source {
    const char *name, *path; /* relative to the book's folder; as the user can find it */
    struct toll_blob blob;
    uint32_t text; /* string offset of name; 0 while nothing of it is used */
};

struct toll_build_zone {
    const char *name;
    struct toll_zone *zone; /* owned */
    struct toll_hash128 hash;
    struct toll_blob blob; /* no bytes for UTC */
};

/* A book's sources that are in memory already, in the place of a folder; all of it is borrowed. A zone that
 * is not among `zones` is the system's. */
struct toll_given_file {
    const char *name, *path; /* as struct toll_source */
    const char *data;
    size_t bytes;
};
struct toll_given_sources {
    const struct toll_given_file *files; /* no two of one name */
    size_t file_count;
    const struct toll_given_file *zones; /* by IANA name; UTC has no bytes */
    size_t zone_count;
};

struct toll_doubts;

/* Told when a part of the work is done, for a bench: the time since the last call was its. */
struct toll_watch {
    void (*passed)(void *context, const char *what);
    void *context;
};

/* Rows by their name: ids are dense from 1, lines[id] is where the name was first seen. */
struct toll_table_names {
    struct toll_strings strings;
    struct toll_buffer lines; /* uint32_t */
};

/* Where terms stand in their section: hash << 32 | index + 1. */
struct toll_terms_index {
    uint64_t *slots;
    uint32_t mask;
};

/* Records of a section that are stored once: found by their bytes, the last few without a search. */
#define TOLL_RECENT_RECORDS 4u
struct toll_distinct {
    struct toll_strings known; /* id: 1 + how many came before */
    uint32_t recent[TOLL_RECENT_RECORDS], next;
};

/* Where the prices at hand begin: those of a deck, before them those of rules. */
struct toll_price_place {
    uint32_t price_first, origin_first, group_first;
    struct toll_distinct groups; /* of the deck */
};

/* Short texts that were asked for before: a table of them that stays near, each in the one place it may have.
 */
#define TOLL_RECENT_TEXTS 8192u
struct toll_recent_text {
    char text[24]; /* terminated */
    uint32_t bytes, offset;
};

/* Where the texts of packed prefixes are: a power of two of slots, at most half full. */
struct toll_key_text {
    uint64_t key; /* 0: free */
    uint32_t offset;
};
struct toll_key_texts {
    struct toll_key_text *slots;
    size_t slot_count, count;
};
/* The digits of a prefix are its high bits, which only the highest of a product all depend on. */
static inline size_t toll_key_text_place(const struct toll_key_texts *texts, uint64_t key)
{
    return (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 32) * texts->slot_count >> 32;
}

/* Taxes while a book is compiled (tax_build.h). Names have temporary ids in the order in which they are seen;
 * those of the image are sorted: uint32_t by temporary id, 0 where the row has an error. */
struct toll_build_tax {
    bool taxed, has_sellers, has_areas, has_products; /* that table is there */
    struct toll_table_names jurisdictions, areas, services, sellers, products, taxes;
    struct toll_buffer jurisdiction_ids, area_ids, service_ids, tax_ids;
    struct toll_strings categories; /* of taxes.csv */
    struct toll_strings lists;      /* of ids and texts: tax_cells.c */
    struct toll_buffer list_places; /* struct toll_list_place by id of lists - 1 */
    struct toll_buffer site_cells;  /* of accounts.c: tax_site */
};

struct toll_build {
    const struct toll_io *io;
    const char *folder;
    int directory;                          /* -1 with: */
    const struct toll_given_sources *given; /* NULL: files of the folder */
    struct toll_findings *findings;
    struct toll_error *error;
    const struct toll_watch *watch; /* may be NULL */
    toll_csv_index_kernel *csv_index;
    struct toll_arena arena;

    struct toll_buffer sources; /* struct toll_source * */
    size_t source_bytes;      /* of section SOURCE_BYTES, which the image takes from the sources themselves */
    struct toll_buffer zones; /* struct toll_build_zone; [0] is the book's */
    struct toll_strings texts; /* every string of the image */
    struct toll_buffer text_offsets;
    struct toll_buffer sections[TOLL_SECTION_COUNT];
    int suggestions; /* how many "did you mean" were sought: they cost a walk over all names */

    /* book.yaml */
    const char *currency;
    const char *country; /* "" in number plan e164 */
    bool nanp;
    int decimals, rounding;
    int on_net; /* enum toll_on_net_rule */

    /* accounts and sites, by id */
    struct toll_table_names accounts, sites;
    struct toll_buffer account_zones;      /* const struct toll_zone * */
    struct toll_buffer account_currencies; /* const char * */
    struct toll_buffer site_accounts;      /* int32_t */
    struct toll_buffer parent_cells;       /* of accounts.c */
    struct toll_strings states;            /* country, NUL, state: by the image's id */

    /* who owns what */
    struct toll_table_names trunks, hints, carriers; /* temporary ids; the image's are sorted: named_ids */
    bool has_carriers;                               /* carriers.csv is there */
    struct toll_buffer trunk_accounts;  /* int32_t by temporary trunk id: of trunks.csv, side sell */
    struct toll_buffer trunk_lines;     /* uint32_t by temporary trunk id: of trunks.csv, 0 none */
    struct toll_buffer trunk_carriers;  /* uint32_t by temporary trunk id: temporary carrier id, 0 none */
    struct toll_buffer feed_roles;      /* uint32_t by temporary carrier id, as far as carriers.csv goes */
    struct toll_buffer number_rows;     /* struct toll_number_row */
    struct toll_buffer named_rows;      /* struct toll_named_row */
    struct toll_buffer row_dates;       /* struct toll_row_date; [0] is always */
    struct toll_buffer assignments;     /* struct toll_assignment, sorted */
    struct toll_buffer assignment_keys; /* uint64_t of each, for searching */
    uint64_t number_total;              /* numbers in all rows */
    struct toll_buffer trunk_ids;       /* uint32_t: the image's id by temporary trunk id */
    struct toll_buffer carrier_ids;     /* uint32_t: 1 + the image's index by temporary carrier id */
    struct toll_buffer surcharge_rows;  /* of surcharges.c */

    /* bundles, who has them, and what they count (subscriptions.h); tiers (tiers.h) */
    struct toll_table_names bundles, pool_names, service_types, tiers;
    struct toll_buffer bundle_ids;    /* uint32_t: the image's id by id of bundles; 0: its row has an error */
    struct toll_buffer pool_ranks;    /* uint32_t by id of pool_names - 1: its place in their order, from 1 */
    struct toll_buffer services;      /* struct toll_service */
    struct toll_buffer subscriptions; /* struct toll_subscription, sorted */
    struct toll_buffer tiers_ids;     /* uint32_t: the image's id by id of tiers; 0: its rows have an error */

    /* plans, destinations, calendars, decks */
    struct toll_table_names plans, destinations, calendars, bands;
    struct toll_buffer calendar_bands; /* uint64_t calendar << 32 | band, sorted */
    struct toll_table_names decks;
    struct toll_buffer deck_builds;   /* struct toll_deck_build by deck id */
    struct toll_buffer deck_versions; /* struct toll_deck_version, in file order */
    struct toll_terms_index terms;    /* of the section */
    struct toll_price_place prices;
    struct toll_distinct spans;      /* of the section ENTRY_SPANS */
    struct toll_recent_text *recent; /* destinations as decks name them; NULL before the first */
    struct toll_key_texts key_texts; /* prefixes of decks, which mostly have the same ones */
    uint64_t deck_keys;
    int64_t deck_price_rows;

    struct toll_build_tax tax;

    struct toll_buffer rule_matches; /* struct toll_rule_match by rule id (rules.h) */
    struct toll_doubts *doubts;      /* what is doubtful is asked for, too (doubts.h); else NULL */
};

/* -- frame -- */
int toll_build_begin(struct toll_build *build, const struct toll_io *io, const char *folder,
                     const struct toll_given_sources *given /* NULL: what the folder has */,
                     struct toll_findings *findings, struct toll_error *error);
void toll_build_end(struct toll_build *build);
int toll_build_memory(struct toll_build *build); /* sets the error, returns TOLL_ENOMEM */
static inline void toll_watch_passed(const struct toll_watch *watch, const char *what)
{
    if (watch != NULL)
        watch->passed(watch->context, what);
}

/* -- the stages, in this order -- */
int toll_build_folder(struct toll_build *build);     /* files that are no table */
int toll_build_settings(struct toll_build *build);   /* book.yaml */
int toll_build_tax_places(struct toll_build *build); /* tax_jurisdictions, tax_areas */
int toll_build_tax_map(struct toll_build *build);    /* products, tax_map, sellers */
int toll_build_accounts(struct toll_build *build);   /* accounts, sites */
int toll_build_trunks(struct toll_build *build);     /* trunks, carriers */
int toll_build_places(struct toll_build *build);     /* npanxx, local_areas, calltypes */
int toll_build_numbers(struct toll_build *build);    /* numbers: rows only */
int toll_build_calendars(struct toll_build *build);  /* calendars, holidays */
int toll_build_plans(struct toll_build *build);      /* plans */
int toll_build_decks(struct toll_build *build);      /* decks, deck_versions: no prices yet */
int toll_build_destinations(struct toll_build *build);
int toll_build_bundles(struct toll_build *build);
int toll_build_services(struct toll_build *build);
int toll_build_assignments(struct toll_build *build);
int toll_build_subscriptions(struct toll_build *build);  /* rows: may name carriers */
int toll_build_surcharge_rows(struct toll_build *build); /* surcharges: may name carriers */
int toll_build_number_map(struct toll_build *build);     /* owners, slots, named, pools */
int toll_build_surcharges(struct toll_build *build);     /* with the ids that carriers and trunks have now */
int toll_build_tiers(struct toll_build *build);
/* Accounts that count together with their parent need its currency, timezone and cycle_day. */
int toll_parents_check(struct toll_build *build);
int toll_build_rules(struct toll_build *build); /* plan_rules, chains and their prices */
int toll_build_fx(struct toll_build *build);
int toll_build_taxes(struct toll_build *build);      /* taxes */
int toll_build_exemptions(struct toll_build *build); /* exemptions, and the days of change */
int toll_build_charges(struct toll_build *build);    /* charges */
int toll_build_products(struct toll_build *build);   /* last: what all tables name, sorted */
int toll_build_deck_prices(struct toll_build *build);
int toll_build_reach(struct toll_build *build); /* currencies */
int toll_build_embed(struct toll_build *build); /* sources (their records: source_bytes), zones */

/* -- sources and strings -- */
/* The bytes of a file of the folder, read once; *out is NULL when there is none. */
int toll_build_source(struct toll_build *build, const char *name, struct toll_source **out);
/* 0 with *out NULL when the table is absent or its header was refused (a finding). */
int toll_build_table(struct toll_build *build, const char *name, const struct toll_table_column *columns,
                     int column_count, struct toll_table **out);
/* The offset of a string in the image, the same for equal texts. False: out of memory. */
bool toll_build_text(struct toll_build *build, const char *text, size_t bytes, uint32_t *offset);
/* The same without looking whether the text is there already: for the many that are not, like a deck's
 * prefixes. */
bool toll_build_new_text(struct toll_build *build, const char *text, size_t bytes, uint32_t *offset);
/* The same with a look at the recent ones first. */
bool toll_build_recent_text(struct toll_build *build, const char *text, size_t bytes, uint32_t *offset);
/* The text of a packed prefix, never 0: the same for all decks. */
bool toll_build_key_text(struct toll_build *build, uint64_t key, uint32_t *offset);
/* Room for the texts of so many keys, as far as there is memory; and a key whose text will be asked for soon.
 */
void toll_build_key_texts_wish(struct toll_build *build, size_t count);
static inline void toll_build_key_text_soon(const struct toll_build *build, uint64_t key)
{
    const struct toll_key_texts *texts = &build->key_texts;

    if (texts->slots != NULL)
        __builtin_prefetch(&texts->slots[toll_key_text_place(texts, key)]);
}
/* A section's buffer, and appending a record to it. */
#define TOLL_BUILD_ADD(build, id, type) TOLL_BUFFER_ADD(&(build)->sections[TOLL_SECTION_##id], type)

/* A zone by name; NULL after an error finding at the place given, or (code set) without memory. */
const struct toll_zone *toll_build_zone(struct toll_build *build, const char *name, const char *file,
                                        long line, long column, uint32_t *index, int *code);

/* The image's id of a state (any letter case; 0 for an empty one) within its country. False: out of memory.
 */
bool toll_build_state(struct toll_build *build, const char *country, const char *state, size_t bytes,
                      uint32_t *id);

/* -- names -- */
/* The id of a name seen at a line; *id is 0 and *first its line if it was there before. False: out of memory.
 */
bool toll_table_names_add(struct toll_table_names *names, const char *text, size_t bytes, long line,
                          uint32_t *id, uint32_t *first);
uint32_t toll_table_names_find(const struct toll_table_names *names, const char *text, size_t bytes);
void toll_table_names_free(struct toll_table_names *names);

/* -- columns of tables that are changed from outside -- */
const struct toll_table_column *toll_deck_sheet_columns(int *count); /* of decks/FILE.csv */
const struct toll_table_column *toll_bundle_columns(int *count);
const struct toll_table_column *toll_tiers_columns(int *count);
/* Is NAME.csv a table of a book? */
bool toll_is_book_table(const char *file);

/* -- cells -- */
/* At most one letter added, lost, changed or swapped with its neighbour, letter case apart. */
bool toll_nearly_equal(const char *a, size_t a_bytes, const char *b, size_t b_bytes);
/* A cell that this version has no meaning for must be empty. */
void toll_cell_unsupported(const struct toll_table *table, int column);
/* A name that must not be empty; false after a finding. */
bool toll_cell_name(const struct toll_table *table, int column, const struct toll_cell **out);
/* A value that holds for the whole of something of several rows ("tax"), in any of them but the same wherever
 * it is said. *line is 0 before the first. */
bool toll_cell_said_once(const struct toll_table *table, const struct toll_cell *cell, const char *whole,
                         int64_t value, int64_t *said, uint32_t *line, uint32_t *column);
/* Looks a reference up: empty gives 0; unknown is a finding ("account "x" is unknown...") and false. */
bool toll_cell_reference(struct toll_build *build, const struct toll_table *table, int column,
                         const char *what, const char *where, const struct toll_table_names *names,
                         int32_t *out);
void toll_unknown_finding(struct toll_build *build, const struct toll_table *table,
                          const struct toll_cell *cell, const char *what, const char *text, size_t bytes,
                          const char *where, const struct toll_table_names *names);
/* "is here for the second time; first in line N" */
void toll_duplicate_finding(const struct toll_table *table, const struct toll_cell *cell, const char *what,
                            uint32_t first_line);
/* from and to as local times, TOLL_MS_MIN and TOLL_MS_MAX when empty; false after a finding. A row that ends
 * when it begins is an error in a table that people write, and a warning in a vendor's sheet (true, from ==
 * until). */
bool toll_cell_period(const struct toll_table *table, int from_column, int to_column, bool sheet,
                      toll_ms *from, toll_ms *until);
/* The same of a row's instants: false after a finding where a change of the clocks leaves nothing of it. */
bool toll_cell_instants(const struct toll_table *table, int to_column, toll_ms from, toll_ms until);
bool toll_currency_valid(const char *text, size_t bytes); /* three capital letters */
toll_ms toll_local_to_utc(const struct toll_zone *zone, toll_ms local);

#endif
