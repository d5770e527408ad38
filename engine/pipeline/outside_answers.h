/*
 * Answers of an outside engine being gathered: lines that were sent, components that came back, and what does
 * not agree. The readers of the two shapes (outside_avalara.c, outside_suretax.c) call the functions below;
 * the register is made at the end (outside_register.c).
 */
#ifndef TOLL_PIPELINE_OUTSIDE_ANSWERS_H
#define TOLL_PIPELINE_OUTSIDE_ANSWERS_H

#include "base/strings.h"
#include "pipeline/outside.h"
#include "text/yaml.h"

/* A line as it was sent. Texts are ids of `strings`. */
struct toll_sent {
    int64_t index;
    uint32_t part, invoice, account, period, site, currency;
    int32_t document; /* that answered, 1..; 0 none */
    bool refused;
    toll_total charge;
};

/* A component as the engine says it; texts are borrowed. */
struct toll_answer {
    const char *tax, *name, *category, *jurisdiction, *level, *kind;
    bool billable, surcharge;
    struct toll_rational tax_amount, base, exempt, rate;
};

struct toll_answer_row { /* of the register */
    uint32_t period, account, site, currency, jurisdiction, level, tax, name, category, kind, group;
    bool billable, surcharge;
    int64_t lines, last_sent; /* last_sent: the line counted last */
    struct toll_rational tax_sum, base, exempt, rate;
    int64_t cents;
    const char *base_text, *exempt_text, *rate_text, *tax_text;
};

struct toll_tax_outside {
    const struct toll_tax_outside_options *options; /* while opening */
    const char *report_period;
    struct toll_strings strings, row_keys, group_keys;
    struct toll_arena arena;
    struct toll_sent *sent; /* by (index, part) */
    size_t sent_count, sent_room;
    struct toll_answer_row *rows; /* row_keys' id - 1, then sorted */
    size_t row_count, row_room;
    struct toll_tax_outside_difference *differences;
    size_t difference_count, difference_room;
    struct toll_tax_outside_account *accounts;
    size_t account_count;
    struct toll_tax_outside_facts facts;
    int32_t document;
    const char *file;
};

/* The line of this name in this invoice, marked as answered by the current document. NULL: a difference was
 * noted (unknown, or the second time) and its components do not count. once: two answers in one document are
 * one too many, too. */
struct toll_sent *toll_answer_line(struct toll_tax_outside *o, const char *invoice, const char *line,
                                   bool once, int *code, struct toll_error *error);
int toll_answer_add(struct toll_tax_outside *o, struct toll_sent *sent, const struct toll_answer *answer,
                    struct toll_error *error);
int toll_answer_differs(struct toll_tax_outside *o, const struct toll_tax_outside_difference *difference,
                        struct toll_error *error);
/* A line that the engine says it will not take. */
int toll_answer_refused(struct toll_tax_outside *o, const char *invoice, const char *line, const char *about,
                        struct toll_error *error);
/* What the engine adds up to against the sum of its components; taxes: how many of these. */
int toll_answer_total(struct toll_tax_outside *o, const char *invoice, const struct toll_rational *sum,
                      const struct toll_rational *total, int64_t taxes, struct toll_error *error);
/* "code: words" of an error's map, in the arena. */
const char *toll_answer_words(struct toll_tax_outside *o, struct toll_yaml *map, const char *code_key,
                              const char *words_key);
/* A member that must be a number (or a text of one): absent and null are 0. TOLL_EDATA with place. */
int toll_answer_number(struct toll_tax_outside *o, struct toll_yaml *map, const char *key,
                       struct toll_rational *out, struct toll_error *error);
/* A member that is a text or a number, "" when it is absent or null. */
const char *toll_answer_text(struct toll_yaml *map, const char *key);
int toll_answer_shape(struct toll_tax_outside *o, const struct toll_yaml *node, const char *what,
                      struct toll_error *error);

int toll_answer_avalara(struct toll_tax_outside *o, struct toll_yaml *root, struct toll_error *error);
int toll_answer_suretax(struct toll_tax_outside *o, struct toll_yaml *root, struct toll_error *error);
int toll_answer_finish(struct toll_tax_outside *o, struct toll_error *error);

#endif
