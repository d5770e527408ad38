/* Rows made by hand and rated one by one with a small book. */
#ifndef TOLL_TESTS_ROW_FIXTURE_H
#define TOLL_TESTS_ROW_FIXTURE_H

#include "base/digits.h"
#include "book_fixture.h"
#include "pipeline/row.h"

struct row_world {
    struct book_fixture files; /* book_begin, then write what differs */
    struct toll_rater rater;
    struct toll_band_cursor *cursors;
    uint32_t calltype_values[8];
};

static inline void row_world_open(struct row_world *world)
{
    const struct toll_book *book = book_good(&world->files);
    assert_int_equal(toll_rater_init(&world->rater, book, 0, NULL), 0);
    world->cursors = calloc(book->deck_count + 1u, sizeof *world->cursors);
    assert_non_null(world->cursors);
}

static inline void row_world_end(struct row_world *world)
{
    toll_rater_free(&world->rater);
    free(world->cursors);
    book_end(&world->files);
}

/* "12125550100": E.164; up to six characters: a short code; "x2005": an extension; "?": invalid; NULL or "":
 * none. */
static inline uint64_t row_number(const char *text, unsigned *type)
{
    uint64_t digits;
    *type = TOLL_NUMBER_NONE;
    if (text == NULL || text[0] == 0)
        return 0;
    *type = TOLL_NUMBER_INVALID;
    if (text[0] == '?')
        return 0;
    *type = text[0] == 'x' ? TOLL_NUMBER_EXTENSION : strlen(text) <= 6 ? TOLL_NUMBER_SHORT : TOLL_NUMBER_E164;
    text += text[0] == 'x';
    assert_true(toll_digits_pack(text, strlen(text), &digits));
    return digits;
}

#define ROW_START "2026-03-02T15:00:00Z" /* a Monday, 10:00 in New York */

/* An answered voice call of a minute. kind: TOLL_KIND_IN, TOLL_KIND_LEG, ... */
static inline struct toll_row row_of(const struct row_world *world, const char *caller, const char *callee,
                                     unsigned kind)
{
    unsigned caller_type, callee_type;
    struct toll_row row = {.start = book_ms(ROW_START),
                           .duration_ms = 60000,
                           .word = -1,
                           .calltype_values = world->calltype_values,
                           .caller = row_number(caller, &caller_type),
                           .callee = row_number(callee, &callee_type)};
    row.kind = (uint16_t)(kind | TOLL_KIND_ANSWERED | caller_type << TOLL_KIND_CALLER_TYPE_SHIFT |
                          callee_type << TOLL_KIND_CALLEE_TYPE_SHIFT);
    return row;
}

static inline uint64_t row_e164(const char *text)
{
    unsigned type;
    return row_number(text, &type);
}

/* 1 + index, as struct toll_row has it. */
static inline uint32_t row_named(const struct row_world *world, enum toll_named_kind kind, const char *text)
{
    const struct toll_book *book = world->rater.book;
    const struct toll_named *named = toll_book_named(book, kind, text, strlen(text));
    assert_non_null(named);
    return 1 + (uint32_t)(named - book->named[kind]);
}

static inline struct toll_row_answer row_rate(const struct row_world *world, const struct toll_row *row)
{
    struct toll_row_answer answer;
    toll_row_rate(&world->rater, world->cursors, row, NULL, &answer);
    return answer;
}

#endif
