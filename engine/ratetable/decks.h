/* Decks while they are compiled: what decks.csv and deck_versions.csv say, and the rows of their files. */
#ifndef TOLL_RATETABLE_DECKS_H
#define TOLL_RATETABLE_DECKS_H

#include "ratetable/build.h"

struct toll_deck_build {
    const char *name, *currency, *columns; /* columns: the mapping, or "" */
    const struct toll_zone *zone;
    uint32_t zone_index, text, line; /* line 0: implied */
    int32_t calendar;
    int key, decimals, rounding, init_mode, duration_rounding, zero_s;
    int lrn, split;       /* number_basis lrn, boundary split */
    int basis;            /* enum toll_jurisdiction_basis */
    int indeterminate;    /* enum toll_indeterminate */
    bool by_jurisdiction; /* a file of the deck has a column of rates by jurisdiction */
    uint32_t column;      /* of the deck's cell: where its own file is asked for */
};

/* What an indeterminate call is charged, in a deck with rates by jurisdiction. */
enum toll_indeterminate {
    TOLL_INDETERMINATE_OWN,
    TOLL_INDETERMINATE_INTRA,
    TOLL_INDETERMINATE_INTER,
    TOLL_INDETERMINATE_HIGHER
};

struct toll_deck_version {
    int32_t deck;
    bool amend;
    toll_ms effective;     /* UTC */
    toll_ms full_until;    /* UTC: when the next full version begins; set by toll_deck_rows_read's caller */
    const char *file;      /* "decks/<file>.csv" */
    uint32_t line, column; /* where it is asked for */
    const char *asked_in;  /* that table's name: "decks.csv", "deck_versions.csv" */
    struct toll_source *source;
};

/* A row of a deck's file for one key. */
struct toll_deck_row {
    uint64_t key; /* packed prefix, or 1-based id of the call type's text; TOLL_PREFIX_EVERYTHING for the
                     empty one. Key npanxx_pair: ids in callees << 32 | callers */
    toll_ms from, until; /* UTC; cut to what is in force in deck_entries */
    int32_t band, price;
    uint32_t version; /* index in the deck's versions, which are in order of time */
    uint32_t line, column;
    int32_t step; /* step_from_s */
};

/* All rows of one deck. */
struct toll_deck_rows {
    struct toll_buffer rows;              /* struct toll_deck_row, by (version, line) */
    struct toll_buffer steps;             /* struct toll_terms of the steps: see toll_price_reserve */
    struct toll_strings calltypes;        /* key calltype */
    struct toll_strings callees, callers; /* key npanxx_pair: prefixes as the bytes of their uint64_t keys */
    const struct toll_deck_version *versions;
    size_t version_count;
    bool keep_in_force;
    struct toll_buffer in_force; /* with keep_in_force: struct toll_deck_row, cut to the time in which they
                                    are in force, key by key, short prefixes first */
};

/* A key with its value, as an LPM value. */
struct toll_deck_value {
    uint64_t key;
    uint32_t value, spare;
};

/* A name that may become a file's below decks/: no way out of the folder, no hidden file. NULL or what is
 * wrong. */
const char *toll_file_name_problem(const char *text, size_t bytes);
/* The id of a deck that a rule names, made if its file is there; 0 if there is none. */
int toll_deck_find(struct toll_build *build, const char *text, size_t bytes, int32_t *id);

/* Has the file a column of rates by jurisdiction? False too where its header is bad. */
bool toll_deck_has_jurisdictions(const struct toll_deck_build *deck, const struct toll_source *source);
/* Reads the file of versions[index] and appends its rows and price rows. */
int toll_deck_rows_read(struct toll_build *build, int32_t deck, struct toll_deck_rows *rows,
                        uint32_t version);
/* Makes a deck's entries, and its trie, its call-type keys or its zones and pairs, from its rows. */
int toll_deck_entries_make(struct toll_build *build, struct toll_deck *deck, struct toll_deck_rows *rows);
/* Settles the prices of one key's steps: `group` (struct toll_deck_row, the order is lost) are all its rows,
 * with the times of their files. */
int toll_deck_steps_settle(struct toll_build *build, const struct toll_deck_rows *rows,
                           struct toll_buffer *group);
/* toll_entry.walk_per of a key's rows, a finding and 0 if it is too large. */
uint32_t toll_deck_walk_per(struct toll_build *build, const struct toll_deck_rows *rows, bool split,
                            const struct toll_deck_row *group, size_t count);
/* Zones, their tries, and the slots of a deck with key npanxx_pair. */
int toll_deck_pairs_make(struct toll_build *build, struct toll_deck *deck, const struct toll_deck_rows *rows,
                         const struct toll_deck_value *values, size_t count);
/* Before a deck's rows are read, and when its entries are made: where its parts begin, and how many there
 * are. What an earlier deck has in the same bytes is kept once. */
void toll_deck_parts_begin(struct toll_build *build, struct toll_deck *deck);
void toll_deck_parts_end(struct toll_build *build, struct toll_deck *deck);
/* The key of a price row as it is written, for findings. */
const char *toll_deck_key_text(const struct toll_build *build, int32_t price);
/* Has the calendar this band, in its rows or its holidays? */
bool toll_calendar_has_band(const struct toll_build *build, int32_t calendar, int32_t band);

#endif
