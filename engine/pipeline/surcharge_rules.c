/* Which surcharge applies: of each level the rows of the call's own subject, from the most specific level on.
 */
#include "pipeline/surcharges.h"

#include "base/error.h"

#include <stdlib.h>

/* How many subjects a level can name, 0 included. */
static size_t subject_count(const struct toll_book *book, int level)
{
    switch (level) {
    case TOLL_LEVEL_TRUNK:
        return (size_t)book->named_count[TOLL_NAMED_TRUNK] + 1;
    case TOLL_LEVEL_SITE:
        return book->site_count;
    case TOLL_LEVEL_ACCOUNT:
        return book->account_count;
    case TOLL_LEVEL_CARRIER:
        return (size_t)book->named_count[TOLL_NAMED_CARRIER] + 1;
    default:
        return level == TOLL_LEVEL_DEFAULT;
    }
}

/* The rows are sorted by level and subject: first[s] is where those of s would begin. */
static uint32_t fill_level(const struct toll_book *book, int level, uint32_t row, uint32_t *first)
{
    const size_t subjects = subject_count(book, level);
    for (size_t subject = 0; subject < subjects; subject++) {
        first[subject] = row;
        while (row < book->surcharge_count && book->surcharges[row].level == level &&
               book->surcharges[row].subject == subject)
            row++;
    }
    first[subjects] = row;
    return row;
}

int toll_surcharge_rules_make(const struct toll_book *book, struct toll_surcharge_rules **out,
                              struct toll_error *error)
{
    size_t words = 0;
    *out = NULL;
    if (book->surcharge_count == 0)
        return 0;
    for (int level = 0; level < TOLL_LEVEL_NONE; level++)
        words += subject_count(book, level) + 1;
    struct toll_surcharge_rules *rules = calloc(1, sizeof *rules);
    uint32_t *memory = malloc(words * sizeof *memory);
    if (rules == NULL || memory == NULL) {
        free(rules);
        free(memory);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the book's surcharges");
    }
    rules->book = book;
    rules->memory = memory;
    rules->lists = &toll_lists_scalar;
    uint32_t row = 1;
    for (int level = 0; level < TOLL_LEVEL_NONE; level++) {
        const uint32_t before = row;
        row = fill_level(book, level, row, memory);
        rules->first[level] = memory;
        memory += subject_count(book, level) + 1;
        rules->by_trunk |= level == TOLL_LEVEL_TRUNK && row > before;
        rules->by_carrier |= level == TOLL_LEVEL_CARRIER && row > before;
    }
    *out = rules;
    return 0;
}

void toll_surcharge_rules_free(struct toll_surcharge_rules *rules)
{
    if (rules != NULL)
        free(rules->memory);
    free(rules);
}

uint32_t toll_surcharge_find(const struct toll_surcharge_rules *rules, enum toll_surcharge_measure measure,
                             const struct toll_surcharge_subjects *subjects, toll_ms at, toll_ms *from,
                             toll_ms *until)
{
    const struct {
        enum toll_assignment_level level;
        uint32_t subject;
        bool known;
    } order[] = {
        {TOLL_LEVEL_TRUNK, subjects->trunk, subjects->trunk != 0},
        {TOLL_LEVEL_SITE, (uint32_t)subjects->site, subjects->site != 0},
        {TOLL_LEVEL_ACCOUNT, (uint32_t)subjects->account, subjects->account != 0},
        {TOLL_LEVEL_CARRIER, subjects->carrier, subjects->carrier != 0},
        {TOLL_LEVEL_DEFAULT, 0, true},
    };
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const uint32_t *first = rules->first[order[i].level] + order[i].subject;
        for (uint32_t row = first[0]; order[i].known && row < first[1]; row++) {
            const struct toll_surcharge *surcharge = &rules->book->surcharges[row];
            if (surcharge->measure != (int32_t)measure)
                continue;
            const toll_ms begins = surcharge->from <= at ? surcharge->from : TOLL_MS_MIN;
            const toll_ms ends = surcharge->from <= at ? surcharge->until : surcharge->from;
            if (at < ends) { /* in force, or not yet */
                *from = *from > begins ? *from : begins;
                *until = *until < ends ? *until : ends;
                if (surcharge->from <= at)
                    return row;
            } else { /* not any more */
                *from = *from > ends ? *from : ends;
            }
        }
    }
    return 0;
}
