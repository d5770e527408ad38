/* See reader_line_tax.h. */
#include "pipeline/reader_line_tax.h"

#include "base/check.h"
#include "base/error.h"
#include "pipeline/reader_taxes.h"

#include <stdlib.h>
#include <string.h>

enum state {
    SUM_NEW,
    SUM_NONE,  /* in tax suspense, or one of its billable taxes is late: no amount */
    SUM_SMALL, /* in the four words */
    SUM_WIDE   /* too long for them: summed anew for each line */
};

_Static_assert(TOLL_TAX_TEXT == TOLL_RATIONAL_TEXT_BYTES, "callers' room");

static bool to_words(const struct toll_rational *value, int64_t *p, int64_t *q)
{
    const uint64_t below = value->word[value->p_count]; /* the denominator's words stand behind the others */

    if (value->p_count > 1 || value->q_count > 1 || below > INT64_MAX ||
        (value->p_count == 1 && value->word[0] > INT64_MAX))
        return false;
    *p = value->p_count == 0 ? 0 : (int64_t)value->word[0];
    *p = value->negative ? -*p : *p;
    *q = (int64_t)below;
    return true;
}

/* SUM_NONE, or SUM_WIDE with the two sums. */
static int sum_components(const struct toll_tuple_row *row, const struct toll_component_row *components,
                          size_t count, struct toll_rational *charge, struct toll_rational *minute,
                          int *state, struct toll_error *error)
{
    struct toll_rational more;

    toll_rational_zero(charge);
    toll_rational_zero(minute);
    *state = SUM_NONE;
    if (row->reason[0] != '\0')
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (!components[i].billable)
            continue;
        if (components[i].late)
            return 0;
        if (!toll_rational_parse(&more, components[i].per_charge) ||
            !toll_rational_add(charge, charge, &more) ||
            !toll_rational_parse(&more, components[i].per_minute) ||
            !toll_rational_add(minute, minute, &more))
            return toll_error_set(
                error, TOLL_EDATA,
                "components.arrow: the numbers of tuple %d are none, or their sum is out of range", row->id);
    }
    *state = SUM_WIDE;
    return 0;
}

static int put_text(const struct toll_tuple_row *row, const struct toll_rational *charge,
                    const struct toll_rational *minute, int64_t of_charge, int64_t billed, char *text,
                    struct toll_error *error)
{
    struct toll_rational sum, minutes;
    bool ok;

    toll_rational_of(&sum, of_charge, TOLL_MONEY_UNIT);
    ok = toll_rational_multiply(&sum, &sum, charge);
    if (ok && !toll_rational_is_zero(minute) && strcmp(row->service, "voice") == 0) {
        toll_rational_of(&minutes, billed, 60);
        ok = toll_rational_multiply(&minutes, &minutes, minute) && toll_rational_add(&sum, &sum, &minutes);
    }
    if (!ok)
        return toll_error_set(error, TOLL_EDATA, "the taxes of a line of tuple %d are out of range", row->id);
    toll_rational_text(&sum, text);
    return 0;
}

int toll_reader_line_tax(struct toll_line_tax_sums *sums, const struct toll_run_tables *tables, int32_t tuple,
                         int64_t charge, int64_t billed, char *text, struct toll_error *error)
{
    struct toll_rational of_charge, minute;
    const struct toll_tuple_row *row;
    struct toll_line_tax_sum *sum;
    int state, code = 0;

    text[0] = '\0';
    if (tuple == 0)
        return 0;
    row = toll_reader_tuple(tables, tuple);
    if (row == NULL)
        return toll_error_set(error, TOLL_EDATA, "tuples.arrow: there is no tuple %d; verify the run", tuple);
    if (sums->sums == NULL)
        sums->sums = calloc((size_t)tables->tuple_count, sizeof(*sums->sums));
    if (sums->sums == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the taxes of lines");
    sum = &sums->sums[row - tables->tuples];
    if (sum->state == SUM_NEW || sum->state == SUM_WIDE) {
        size_t count;
        const struct toll_component_row *components = toll_reader_components(tables, tuple, &count);
        code = sum_components(row, components, count, &of_charge, &minute, &state, error);
        if (code != 0)
            return code;
        if (state == SUM_WIDE && to_words(&of_charge, &sum->p, &sum->q) &&
            to_words(&minute, &sum->minute_p, &sum->minute_q))
            state = SUM_SMALL;
        sum->state = (uint8_t)state;
    } else if (sum->state == SUM_SMALL) {
        toll_rational_of(&of_charge, sum->p, sum->q);
        toll_rational_of(&minute, sum->minute_p, sum->minute_q);
    }
    return sum->state == SUM_NONE ? 0 : put_text(row, &of_charge, &minute, charge, billed, text, error);
}

void toll_reader_line_tax_free(struct toll_line_tax_sums *sums)
{
    free(sums->sums);
    sums->sums = NULL;
}
