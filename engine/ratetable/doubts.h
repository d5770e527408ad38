/*
 * What is no error in a book and yet hardly meant: docs/CHECK.md has a paragraph for each name. Only `check`
 * asks for it, after the tables have been compiled without an error; compiling a book to rate with it does
 * not pay for it. Every doubt is a warning with a name, a file and a line.
 */
#ifndef TOLL_RATETABLE_DOUBTS_H
#define TOLL_RATETABLE_DOUBTS_H

#include "ratetable/decks.h"

/* A prefix of destinations.csv within another one's. */
struct toll_destination_parent {
    uint32_t destination, parent; /* ids; parent 0: the prefix lies in no other */
};

/* What is collected while the tables are compiled; zero-initialise, free with toll_doubts_end. */
struct toll_doubts {
    bool has_closed;
    toll_ms closed_until; /* local midnight of the first day that is not closed */
    struct toll_buffer destination_parents;
};

/* False: out of memory. */
static inline bool toll_doubt_parent(struct toll_doubts *doubts, uint32_t destination, uint32_t parent)
{
    struct toll_destination_parent *place =
        TOLL_BUFFER_ADD(&doubts->destination_parents, struct toll_destination_parent);

    if (place != NULL)
        *place = (struct toll_destination_parent){destination, parent};
    return place != NULL;
}

void toll_doubts_end(struct toll_doubts *doubts);

/* Reports a warning; `file` as the user can find it. */
void toll_doubt(struct toll_build *build, const char *name, const char *file, long line, long column,
                const char *format, ...) __attribute__((format(printf, 6, 7)));
/* The path of a source, or its name if the book does not have it. */
const char *toll_doubt_path(struct toll_build *build, const char *name);

/* Rows of one key that are compared with each other; more are no tariff, and it takes their square. */
#define TOLL_DOUBT_ROWS_MAX 1000

/* One deck, while its rows are there; rows->in_force holds them. */
int toll_doubts_deck(struct toll_build *build, int32_t deck, const struct toll_deck_rows *rows);
int toll_doubts_versions(struct toll_build *build, int32_t deck, const struct toll_deck_rows *rows);
/* The bands of one key's rows (step 0) against the deck's calendar; `memo` is kept for the deck. */
struct toll_band_gaps;
int toll_band_gaps_begin(struct toll_build *build, int32_t calendar, struct toll_band_gaps **out);
/* A text that names the first time without a row for these bands (sorted, all above 0), or NULL. */
const char *toll_band_gap(struct toll_band_gaps *gaps, const int32_t *bands, size_t count, int *code);
void toll_band_gaps_end(struct toll_band_gaps *gaps);
/* Exactly a day, give or take a change of the clocks: somebody counted `to` in. */
static inline bool toll_is_day_gap(toll_ms until, toll_ms from)
{
    const toll_ms hour_ms = INT64_C(3600000);

    return until != TOLL_MS_MAX && from != TOLL_MS_MIN && from > until && from - until >= 22 * hour_ms &&
           from - until <= 26 * hour_ms;
}

/* After the last stage. */
int toll_build_doubts(struct toll_build *build);
int toll_doubts_bundles(struct toll_build *build);
int toll_doubts_rules(struct toll_build *build);
int toll_doubts_dates(struct toll_build *build);
int toll_doubts_tax(struct toll_build *build);

#endif
