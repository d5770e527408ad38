/* The list that an explanation grows into, and its parts: where rows stand in the book's tables
 * (explain_source.c), who pays (explain_payer.c), plan (explain_plan.c), rules (explain_rules.c), class and
 * jurisdiction (explain_call.c), deck (explain_deck.c), candidates and near misses (explain_prefix.c), price
 * row (explain_price.c), arithmetic (explain_charge.c), calls that change their rate (explain_walk.c),
 * bundles (explain_draws.c, explain_turns.c), tiers (explain_tiers.c), taxes (explain_taxes.c), what it costs
 * us (explain_cost.c); of a run's row (explain.c) and of a made-up call (explain_made.c). */
#ifndef TOLL_PIPELINE_EXPLAIN_ENTRIES_H
#define TOLL_PIPELINE_EXPLAIN_ENTRIES_H

#include "pipeline/cost.h"
#include "pipeline/run_reader.h"
#include "text/csv.h"

struct toll_explain_turns;
struct toll_pools;
struct toll_explainer {
    const struct toll_rater *rater;
    const struct toll_book *book;
    const struct toll_row *row;
    const struct toll_line *line;
    const char *trunk, *hint; /* of the record, also those that the book does not know; "" none */
    struct toll_band_cursor *cursors;
    const struct toll_row_answer *answer;
    const struct toll_explain_turns *turns; /* NULL: what bundles and tiers had before is not known */
    enum toll_explain_part part;            /* of the entries that follow; results are of the line */
    int32_t included;                       /* units that bundles gave of the line, 0 none */
    bool unmask;
    size_t capacity;
    struct toll_explanation *out;
    bool failed; /* out of memory */
};

/* Adds an entry; file "" for none, line 0 for none. The source line comes from the book. */
void toll_explain_add(struct toll_explainer *explainer, enum toll_explain_kind kind, const char *name,
                      const char *file, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* "+12125551234", or masked unless the user asked; "none" for no number. */
#define TOLL_EXPLAIN_NUMBER_BYTES 32
const char *toll_explain_number(const struct toll_explainer *explainer, uint64_t digits, unsigned type,
                                char buffer[TOLL_EXPLAIN_NUMBER_BYTES]); /* returns buffer */

/* A prefix, trunk or hint as the user may see it: digits in a row that may be a telephone number are masked.
 */
#define TOLL_EXPLAIN_LONG_PREFIX 10
#define TOLL_EXPLAIN_TEXT_BYTES 256
const char *toll_explain_prefix(const struct toll_explainer *explainer, const char *text,
                                char buffer[TOLL_EXPLAIN_TEXT_BYTES]);
/* Without trailing zeros. */
const char *toll_explain_money(toll_money money, char text[TOLL_TOTAL_TEXT_BYTES]);
/* numerator / divisor, in 1e-8, exactly: as a decimal or a fraction. */
#define TOLL_EXPLAIN_EXACT_BYTES 144
const char *toll_explain_exact(toll_total numerator, toll_total divisor, char text[TOLL_EXPLAIN_EXACT_BYTES]);
/* "s", "messages", "bytes", "events"; then "61 s", "1 message", "2 messages". */
const char *toll_explain_unit(const struct toll_explainer *explainer);
#define TOLL_EXPLAIN_UNITS_BYTES 40
const char *toll_explain_units(const struct toll_explainer *explainer, int64_t units,
                               char text[TOLL_EXPLAIN_UNITS_BYTES]);
/* "2026-03-01", or with the time where it is not 00:00, on the clock of the zone. */
#define TOLL_EXPLAIN_WHEN_BYTES 32
const char *toll_explain_when(const struct toll_zone *zone, toll_ms at, char text[TOLL_EXPLAIN_WHEN_BYTES]);

/* A copy that lives as long as the explanation. */
const char *toll_explain_keep(struct toll_explainer *explainer, const char *text);

/* ---- what is the same of a row and of a made-up call ---- */

struct toll_drawn_line;
void toll_explain_facts(struct toll_explainer *explainer);
/* Up to the price of the line by itself. */
void toll_explain_decisions(struct toll_explainer *explainer);
void toll_explain_result(struct toll_explainer *explainer, const struct toll_drawn_line *stored);
/* explainer->out->line, without taxes and cost. */
void toll_explain_fill(struct toll_explainer *explainer, const struct toll_drawn_line *stored);

/* ---- the parts, in the order of docs/RATING.md section 3 ---- */

void toll_explain_payer(struct toll_explainer *explainer);
/* The class, and the jurisdiction by the book's basis; then by any basis (enum toll_jurisdiction_basis). */
void toll_explain_class(struct toll_explainer *explainer);
void toll_explain_jurisdiction(struct toll_explainer *explainer, unsigned basis);
void toll_explain_plan(struct toll_explainer *explainer);
/* The rows of assignments.csv that are for the call; sell or buy side. */
void toll_explain_assignments(struct toll_explainer *explainer, bool sell);
/* Those of the answer's plan, up to the one that decides. */
void toll_explain_rules(struct toll_explainer *explainer);

/* A deck was asked: what it was asked for, and near misses where it had nothing (status of the miss). price:
 * that was found, 0 none. */
void toll_explain_deck(struct toll_explainer *explainer, int32_t deck, unsigned status, uint32_t price);
/* What a deck was asked for; callee also for the single number of a deck that goes by the caller. "" where an
 * end is no E.164 number. */
struct toll_explain_asked {
    char callee[TOLL_DIGITS_TEXT_BYTES], caller[TOLL_DIGITS_TEXT_BYTES];
    char calltype[TOLL_EXPLAIN_TEXT_BYTES];
};
void toll_explain_candidates(struct toll_explainer *explainer, int32_t deck,
                             const struct toll_explain_asked *asked, unsigned status, uint32_t price);
void toll_explain_version(struct toll_explainer *explainer, uint32_t price);

/* The price row of the answer; then units and charge as worked out. */
void toll_explain_price(struct toll_explainer *explainer);
void toll_explain_charge(struct toll_explainer *explainer, const struct toll_terms *terms);
/* The stretches of the answer's walk; true: it ends well, and *exact (may be NULL) is their sum with the
 * connect fee, times the entry's walk_per. */
bool toll_explain_walk(struct toll_explainer *explainer, toll_total *exact);

/* ---- bundles and tiers ---- */

/* One entitlement of the payer, in the order of drawing: what its pool had left. */
struct toll_explain_turn {
    bool fits;
    uint32_t pool; /* 0 none */
    int64_t before, after;
};
struct toll_explain_turns {
    struct toll_explain_turn *turns;
    uint32_t count;
    int64_t counted; /* by tiers: before the call, volume: in the whole period */
};
/* Draws, with pools as they are before the call (after the first pass of two, where tiers are of mode
 * volume); the line that comes of it. False: out of memory, or a period is cut off. */
bool toll_explain_turns_make(const struct toll_explainer *explainer, struct toll_pools *pools,
                             struct toll_explain_turns *turns, struct toll_drawn_line *line);
void toll_explain_turns_free(struct toll_explain_turns *turns); /* safe on a zeroed struct */

/* Pools as they are before a row of a run, of an account id of the run's table; *out NULL: not known. The run
 * goes to another place. */
int toll_explain_replay(struct toll_run *run, struct toll_band_cursor *cursors, const char *day, int64_t row,
                        int32_t account, const struct toll_row *call, const struct toll_row_answer *answer,
                        struct toll_pools **out, struct toll_error *error);

/* What bundles and tiers made of the answer. drawn: could they have made the stored line of it? */
bool toll_explain_may_draw(const struct toll_explainer *explainer);
bool toll_explain_drawn(const struct toll_explainer *explainer, const struct toll_drawn_line *stored);
void toll_explain_draws(struct toll_explainer *explainer, const struct toll_drawn_line *stored);
void toll_explain_tiers(struct toll_explainer *explainer, uint32_t index,
                        const struct toll_drawn_line *stored);

/* ---- cost and taxes ---- */

/* The cost of a line, as the run has it or as it comes out. */
struct toll_explain_stored_cost {
    bool there; /* the run has costs, or the book buy plans */
    unsigned status;
    toll_money cost;
    int32_t price; /* of the book */
};
/* What the line costs; false: the stored cost is another. Then the result. */
bool toll_explain_cost(struct toll_explainer *explainer, const struct toll_explain_stored_cost *stored);
void toll_explain_cost_result(struct toll_explainer *explainer,
                              const struct toll_explain_stored_cost *stored);

/* The taxes of a line, where its book is taxed. tables: of the run; tuple 0: none. TOLL_EBUG: they have other
 * ones. With the result's entries and figures apart. */
struct toll_explain_taxed {
    const struct toll_run_tables *tables;
    int32_t tuple;
    toll_money charge;
    int32_t billed;
};
int toll_explain_taxes(struct toll_explainer *explainer, const struct toll_explain_taxed *taxed,
                       struct toll_error *error);
void toll_explain_taxes_result(struct toll_explainer *explainer, const struct toll_explain_taxed *taxed);

/* ---- rows of the tables, of which the image keeps no lines ---- */

/* Reads a table of the book row by row: cells in the order of `columns` (at most TOLL_EXPLAIN_CELLS, NULL at
 * the end), empty where the table has no such column. False ends it. */
#define TOLL_EXPLAIN_CELLS 8
typedef bool toll_explain_row_function(void *context, uint32_t line, const struct toll_csv_field *cells);
void toll_explain_table(const struct toll_book *book, const char *file, const char *const columns[],
                        toll_explain_row_function *told, void *context);
bool toll_explain_cell_is(const struct toll_csv_field *field, const char *text); /* whatever the case */
/* Plain text; "" where there is no room for it. Returns text. */
const char *toll_explain_cell(const struct toll_csv_field *field, char *text, size_t room);

enum toll_explain_time { TOLL_EXPLAIN_IN_FORCE, TOLL_EXPLAIN_NOT_YET, TOLL_EXPLAIN_ENDED };
/* By the cells from and to, read in a zone. */
enum toll_explain_time toll_explain_in_force(const struct toll_zone *zone, const struct toll_csv_field *from,
                                             const struct toll_csv_field *to, toll_ms at);
const struct toll_zone *toll_explain_account_zone(const struct toll_book *book, const char *account);

/* numbers.csv: the row of a number or "hint:V"/"trunk:V" that is in force, else the last one. False: none. */
struct toll_explain_number_row {
    uint32_t line;
    enum toll_explain_time time;
    char account[TOLL_EXPLAIN_TEXT_BYTES];
};
bool toll_explain_number_find(const struct toll_book *book, const char *wanted, toll_ms at,
                              struct toll_explain_number_row *row);
/* Lines, 0 none. trunks.csv, side sell: */
uint32_t toll_explain_trunk_line(const struct toll_book *book, const char *trunk);
/* npanxx.csv: the longest prefix of a number, and how many digits that has. */
uint32_t toll_explain_place_line(const struct toll_book *book, uint64_t number, unsigned *digits);
/* local_areas.csv: from one end's ratecenter to the other's. */
uint32_t toll_explain_local_line(const struct toll_book *book, const struct toll_end *from,
                                 const struct toll_end *to);

#endif
