/* The list that an explanation grows into, and its parts: where rows stand in the book's tables
 * (explain_source.c), class and jurisdiction (explain_call.c), deck, price row, arithmetic and near misses
 * (explain_price.c), calls that change their rate (explain_walk.c), bundles and tiers
 * (explain_draws.c), its taxes (explain_taxes.c), what it costs us (explain_cost.c). */
#ifndef TOLL_PIPELINE_EXPLAIN_ENTRIES_H
#define TOLL_PIPELINE_EXPLAIN_ENTRIES_H

#include "pipeline/run_reader.h"
#include "text/csv.h"

struct toll_explainer {
    const struct toll_rater *rater;
    const struct toll_book *book;
    const struct toll_row *row;
    const struct toll_line *line;
    struct toll_band_cursor *cursors;
    const struct toll_row_answer *answer;
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

/* A deck was asked: what it was asked for, and near misses where it had nothing (status of the miss) . */
void toll_explain_deck(struct toll_explainer *explainer, int32_t deck, unsigned status);
/* The price row of the answer, units and charge as worked out. */
void toll_explain_price(struct toll_explainer *explainer);

/* The class, and the jurisdiction by the book's basis; then by any basis (enum toll_jurisdiction_basis). */
void toll_explain_class(struct toll_explainer *explainer);
void toll_explain_jurisdiction(struct toll_explainer *explainer, unsigned basis);

/* The stretches of the answer's walk, and their sum. */
void toll_explain_walk(struct toll_explainer *explainer);
/* numerator / divisor, in 1e-8, exactly: as a decimal or a fraction. */
#define TOLL_EXPLAIN_EXACT_BYTES 96
const char *toll_explain_exact(toll_total numerator, toll_total divisor, char text[TOLL_EXPLAIN_EXACT_BYTES]);

/* For struct toll_row_trace: a rule that was looked at; context: the explainer. */
void toll_explain_rule(void *context, uint32_t rule, enum toll_rule_verdict verdict, unsigned status);

/* What bundles and tiers made of the answer. drawn: could they have made the stored line of it? */
struct toll_drawn_line;
bool toll_explain_may_draw(const struct toll_explainer *explainer);
bool toll_explain_drawn(const struct toll_explainer *explainer, const struct toll_drawn_line *stored);
void toll_explain_draws(struct toll_explainer *explainer, const struct toll_drawn_line *stored);

/* What the line costs, where the run has costs; false: the stored cost is another. Then the result. */
bool toll_explain_cost(struct toll_explainer *explainer, const struct toll_reader_row *at);
void toll_explain_cost_result(struct toll_explainer *explainer, const struct toll_reader_row *at);

/* The taxes of the line, where its book is taxed. TOLL_EBUG: the run has others. Then the result. */
int toll_explain_taxes(struct toll_explainer *explainer, struct toll_run *run,
                       const struct toll_reader_row *at, struct toll_error *error);
void toll_explain_taxes_result(struct toll_explainer *explainer, struct toll_run *run,
                               const struct toll_reader_row *at);

/* Lines of the tables that the image keeps none of; 0 none. */
/* numbers.csv: this number or "hint:V"/"trunk:V" (the account's, when several rows do; NULL any). */
uint32_t toll_explain_number_line(const struct toll_book *book, const char *wanted, const char *account);
/* npanxx.csv: the longest prefix of a number, and how many digits that has. */
uint32_t toll_explain_place_line(const struct toll_book *book, uint64_t number, unsigned *digits);
/* local_areas.csv: from one end's ratecenter to the other's. */
uint32_t toll_explain_local_line(const struct toll_book *book, const struct toll_end *from,
                                 const struct toll_end *to);

#endif
