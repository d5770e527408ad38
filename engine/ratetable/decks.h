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
    uint32_t column; /* of the deck's cell: where its own file is asked for */
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
                     empty one */
    toll_ms from, until; /* UTC; cut to what is in force in deck_entries */
    int32_t band, price;
    uint32_t version; /* index in the deck's versions, which are in order of time */
    uint32_t line, column, spare;
};

/* All rows of one deck. */
struct toll_deck_rows {
    struct toll_buffer rows;       /* struct toll_deck_row, by (version, line) */
    struct toll_strings calltypes; /* key calltype */
    const struct toll_deck_version *versions;
    size_t version_count;
};

/* A name that may become a file's below decks/: no way out of the folder, no hidden file. NULL or what is
 * wrong. */
const char *toll_file_name_problem(const char *text, size_t bytes);
/* The id of a deck that a rule names, made if its file is there; 0 if there is none. */
int toll_deck_find(struct toll_build *build, const char *text, size_t bytes, int32_t *id);

/* Reads the file of versions[index] and appends its rows and price rows. */
int toll_deck_rows_read(struct toll_build *build, int32_t deck, struct toll_deck_rows *rows,
                        uint32_t version);
/* Makes a deck's entries, and its trie or its call-type keys, from its rows. */
int toll_deck_entries_make(struct toll_build *build, struct toll_deck *deck, struct toll_deck_rows *rows);
/* Has the calendar this band, in its rows or its holidays? */
bool toll_calendar_has_band(const struct toll_build *build, int32_t calendar, int32_t band);

#endif
