/*
 * A sweep is one change many times: what stands before the range, and each of its factors. "deck:D 0.9..1.2
 * step 0.05" is "deck:D *0.9", "deck:D *0.95", ...; a range may also stand where a factor does,
 * "bundle:B quantity*0.5..2 step 0.5".
 */
#include "base/error.h"
#include "base/money.h"
#include "tollmill_impact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sweep {
    const char *text;
    size_t head;      /* bytes before the range */
    const char *join; /* between the head and a factor */
    int64_t from, to, step;
};

static int bad(const char *sweep, struct toll_error *error, const char *problem)
{
    return toll_error_set(error, TOLL_EUSAGE,
                          "the sweep \"%.120s\" %s; write it like \"deck:intl 0.9..1.2 step 0.05\"", sweep,
                          problem);
}

static bool number(const char *text, size_t bytes, int64_t *out)
{
    return bytes > 0 && text[0] != '-' && text[0] != '+' && toll_decimal_parse(text, bytes, 8, out) == 0;
}

static const char *read_sweep(const char *text, struct sweep *out)
{
    const char *step = NULL, *range, *dots, *end;

    for (const char *at = text; (at = strstr(at, " step ")) != NULL; at++)
        step = at;
    if (step == NULL)
        return "has no step";
    end = step;
    while (end > text && end[-1] == ' ')
        end--;
    range = end;
    while (range > text && range[-1] != ' ' && range[-1] != '*')
        range--;
    dots = memmem(range, (size_t)(end - range), "..", 2);
    if (dots == NULL)
        return "has no range before its step";
    *out = (struct sweep){.text = text, .head = (size_t)(range - text), .join = "*"};
    step += strlen(" step ");
    step += strspn(step, " ");
    if (!number(range, (size_t)(dots - range), &out->from) ||
        !number(dots + 2, (size_t)(end - dots - 2), &out->to) ||
        !number(step, strcspn(step, " "), &out->step) || step[strcspn(step, " ")] != 0)
        return "has a factor that is no number from 0 on, of at most 8 decimals";
    if (out->head > 0 && text[out->head - 1] == '*')
        out->join = "";
    if (text[strspn(text, " ")] == 0 || strspn(text, " ") >= out->head)
        return "does not say what is swept";
    if (out->step == 0)
        return "has a step of 0";
    return out->from > out->to ? "ends before it begins" : NULL;
}

static char *change_of(const struct sweep *sweep, int64_t factor)
{
    const size_t room = sweep->head + TOLL_TOTAL_TEXT_BYTES + 2;
    char *change = malloc(room), decimal[TOLL_TOTAL_TEXT_BYTES];
    size_t bytes = toll_money_format(factor, decimal);

    while (decimal[bytes - 1] == '0')
        bytes--;
    bytes -= decimal[bytes - 1] == '.';
    if (change != NULL)
        snprintf(change, room, "%.*s%s%.*s", (int)sweep->head, sweep->text, sweep->join, (int)bytes, decimal);
    return change;
}

int toll_sweep_changes(const char *sweep, char ***changes, int64_t factors[TOLL_IMPACT_BOOKS_MAX], int *count,
                       struct toll_error *error)
{
    struct sweep parts;
    const char *problem = read_sweep(sweep, &parts);

    *changes = NULL;
    *count = 0;
    if (problem != NULL)
        return bad(sweep, error, problem);
    /* The last one is the end itself, whatever the step. */
    if ((parts.to - parts.from) / parts.step + ((parts.to - parts.from) % parts.step != 0) >=
        TOLL_IMPACT_BOOKS_MAX)
        return bad(sweep, error, "has more than 64 books; take a larger step");
    *changes = calloc(TOLL_IMPACT_BOOKS_MAX, sizeof(**changes));
    for (int64_t factor = parts.from; *changes != NULL;
         factor = parts.to - factor > parts.step ? factor + parts.step : parts.to) {
        (*changes)[*count] = change_of(&parts, factor);
        if ((*changes)[*count] == NULL)
            break;
        factors[(*count)++] = factor;
        if (factor == parts.to)
            return 0;
    }
    for (int i = 0; i < *count; i++)
        free((*changes)[i]);
    free(*changes);
    *changes = NULL;
    *count = 0;
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for a sweep");
}
