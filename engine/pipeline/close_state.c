/* The rows of the state that is written. */
#include "pipeline/close.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the state");
}

static int by_account(const void *a, const void *b)
{
    const struct toll_state_closing *x = a, *y = b;
    return strcmp(x->account, y->account);
}

/* Accounts that the book does not know any more keep what they have. */
static int list_closings(struct toll_closing *closing, struct toll_error *error)
{
    const struct toll_book *book = closing->book;
    struct toll_state *state = &closing->state;
    const int64_t old = closing->has_before ? closing->before.closing_count : 0;
    state->closings = calloc((size_t)old + book->account_count + 1, sizeof *state->closings);
    if (state->closings == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < book->account_count; i++)
        state->closings[state->closing_count++] = (struct toll_state_closing){
            i == 0 ? "" : toll_book_string(book, book->accounts[i].account), closing->closed[i]};
    qsort(state->closings, (size_t)state->closing_count, sizeof *state->closings, by_account);
    for (int64_t i = 0, known = state->closing_count; i < old; i++) {
        const struct toll_state_closing *one = &closing->before.closings[i];
        if (bsearch(one, state->closings, (size_t)known, sizeof *one, by_account) == NULL)
            state->closings[state->closing_count++] = *one;
    }
    qsort(state->closings, (size_t)state->closing_count, sizeof *state->closings, by_account);
    return 0;
}

static int64_t word_count(int64_t rows)
{
    return (rows + 63) / 64;
}

static bool of_run(const struct toll_closing *closing, const struct toll_state_part *part)
{
    for (size_t i = closing->first; i < closing->last; i++)
        if (closing->dataset.parts[i].day == part->day)
            return true;
    return false;
}

static int by_day(const void *a, const void *b)
{
    const struct toll_state_part *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return (x->part > y->part) - (x->part < y->part);
}

/* Those of the run, and those of days that the run did not rate as they were. */
static int list_parts(struct toll_closing *closing, struct toll_error *error)
{
    struct toll_state *state = &closing->state;
    const size_t count = closing->last - closing->first;
    const int64_t old = closing->has_before ? closing->before.part_count : 0;
    int64_t words = closing->has_before ? closing->before.word_count : 0, at = 0;
    for (size_t i = 0; i < count; i++)
        words += word_count(closing->dataset.parts[closing->first + i].rows);
    state->parts = calloc((size_t)old + count + 1, sizeof *state->parts);
    state->closed_words = calloc((size_t)words + 1, sizeof *state->closed_words);
    if (state->parts == NULL || state->closed_words == NULL)
        return no_memory(error);
    for (int64_t i = 0; i < old; i++) {
        if (of_run(closing, &closing->before.parts[i]))
            continue;
        state->parts[state->part_count] = closing->before.parts[i];
        state->parts[state->part_count++].first_word =
            closing->before.parts[i].first_word < 0 ? -1 : -2 - i; /* for now: whose words */
    }
    for (size_t i = 0; i < count; i++) {
        const struct toll_dataset_part *part = &closing->dataset.parts[closing->first + i];
        if (closing->counts[i] == 0)
            continue;
        state->parts[state->part_count++] = (struct toll_state_part){
            .day = part->day,
            .part = part->part,
            .generation = part->generation,
            .rows = part->rows,
            .bytes = part->seal.bytes,
            .digest_high = (int64_t)part->seal.digest.high,
            .digest_low = (int64_t)part->seal.digest.low,
            .closed = closing->counts[i],
            .first_word = closing->counts[i] == part->rows ? -1 : (int64_t)i,
        };
    }
    qsort(state->parts, (size_t)state->part_count, sizeof *state->parts, by_day);
    for (int64_t i = 0; i < state->part_count; i++) {
        struct toll_state_part *part = &state->parts[i];
        const int64_t whose = part->first_word;
        state->closed_rows += part->closed;
        if (whose == -1)
            continue;
        const int64_t *from =
            whose < 0 ? closing->before.closed_words + closing->before.parts[-2 - whose].first_word
                      : (const int64_t *)closing->bits[whose];
        part->first_word = at;
        memcpy(state->closed_words + at, from, (size_t)word_count(part->rows) * sizeof *from);
        at += word_count(part->rows);
    }
    state->word_count = at;
    return 0;
}

static int by_period(const void *a, const void *b)
{
    const struct toll_state_charge *x = a, *y = b;
    const int order = strcmp(x->account, y->account);
    return order != 0 ? order : strcmp(x->period, y->period);
}

static int list_charges(struct toll_closing *closing, struct toll_error *error)
{
    struct toll_state *state = &closing->state;
    const struct toll_book *book = closing->book;
    const int64_t old = closing->has_before ? closing->before.charge_count : 0;
    state->charges = calloc(closing->charge_count + (size_t)old + 1, sizeof *state->charges);
    if (state->charges == NULL)
        return no_memory(error);
    for (size_t i = 0; i < closing->charge_count; i++) {
        const struct toll_closing_charge *one = &closing->charges[i];
        char day[TOLL_TIME_TEXT_BYTES];
        toll_day_format(one->day, day);
        struct toll_state_charge *row = &state->charges[state->charge_count++];
        row->account = toll_book_string(book, book->accounts[one->account].account);
        row->period = toll_arena_copy(&closing->arena, day, strlen(day));
        if (row->period == NULL)
            return no_memory(error);
        if (!toll_money_narrow(one->charge, &row->charge))
            return toll_error_set(
                error, TOLL_EDATA,
                "the charges of account %s in the period of %s add up to more than 92 billion", row->account,
                day);
    }
    for (int64_t i = 0; i < old; i++) { /* of accounts that the book does not know any more */
        const struct toll_state_charge *row = &closing->before.charges[i];
        if (toll_account_named(&closing->names, row->account) == 0)
            state->charges[state->charge_count++] = *row;
    }
    qsort(state->charges, (size_t)state->charge_count, sizeof *state->charges, by_period);
    return 0;
}

int toll_closing_fill_state(struct toll_closing *closing, struct toll_error *error)
{
    struct toll_state *state = &closing->state;
    const struct toll_run_manifest *manifest = &closing->run.manifest;
    state->until = closing->until;
    state->begun = closing->has_before ? closing->before.begun : toll_day_of_ms(closing->first_start);
    state->begun_first = closing->has_before ? closing->before.begun_first : closing->first_start;
    state->cdr_hash = manifest->cdr_hash;
    state->book_hash = manifest->book_hash;
    state->run_digest = closing->run.digest;
    state->pools = closing->periods;
    state->pool_count = closing->period_count;
    state->draws = closing->draws;
    state->draw_count = closing->draw_count;
    state->counts = closing->tier_counts;
    state->count_count = closing->tier_count_count;
    int rc = list_closings(closing, error);
    if (rc == 0)
        rc = list_parts(closing, error);
    if (rc == 0)
        rc = list_charges(closing, error);
    return rc;
}
