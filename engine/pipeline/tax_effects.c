/*
 * What each tax comes to in each jurisdiction: sums over the charge lines that have it, and the effective
 * rate; and how these moved from one run to another (docs/TAX.md section 7).
 */
#include "base/arena.h"
#include "base/check.h"
#include "base/error.h"
#include "base/strings.h"
#include "pipeline/taxes.h"
#include "tollmill_tax.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sums {
    uint32_t jurisdiction, tax, currency;
    const char *level, *name;
    int64_t lines, cents, last_line;
    struct toll_rational charge, base, exempt, tax_sum, rate;
};

struct toll_tax_effects {
    struct toll_strings strings, keys;
    struct toll_arena arena;
    struct sums *sums; /* keys' id - 1, then sorted */
    size_t count, room;
    struct toll_tax_effect *effects;
};

static const char *text_of(const struct toll_tax_effects *e, uint32_t id)
{
    return toll_strings_text(&e->strings, id, NULL);
}

static struct sums *sums_of(struct toll_tax_effects *e, const struct toll_tax_line *line)
{
    char key[64];
    struct sums one = {
        .jurisdiction = toll_strings_add(&e->strings, line->tax_jurisdiction, strlen(line->tax_jurisdiction)),
        .tax = toll_strings_add(&e->strings, line->tax, strlen(line->tax)),
        .currency = toll_strings_add(&e->strings, line->currency, strlen(line->currency)),
        .name = "",
        .last_line = -1};
    const int bytes = snprintf(key, sizeof(key), "%u %u %u", one.jurisdiction, one.tax, one.currency);
    const uint32_t id = toll_strings_add(&e->keys, key, (size_t)bytes);

    if (id == 0 || one.jurisdiction == 0 || one.tax == 0 || one.currency == 0)
        return NULL;
    if (id <= e->count)
        return &e->sums[id - 1];
    one.level = toll_arena_copy(&e->arena, line->level, strlen(line->level));
    if (e->count == e->room || one.level == NULL) {
        const size_t room = e->room == 0 ? 64 : e->room * 2;
        void *grown = one.level == NULL ? NULL : realloc(e->sums, room * sizeof(*e->sums));
        if (grown == NULL)
            return NULL;
        e->sums = grown;
        e->room = room;
    }
    toll_rational_zero(&one.charge);
    toll_rational_zero(&one.base);
    toll_rational_zero(&one.exempt);
    toll_rational_zero(&one.tax_sum);
    e->sums[e->count] = one;
    return &e->sums[e->count++];
}

static bool add_text(struct toll_rational *sum, const char *text)
{
    struct toll_rational value;
    return toll_rational_parse(&value, text) && toll_rational_add(sum, sum, &value);
}

static bool wanted(const char *jurisdiction, const char *const *jurisdictions, size_t count)
{
    bool found = jurisdictions == NULL;
    for (size_t i = 0; !found && i < count; i++)
        found = strcmp(jurisdiction, jurisdictions[i]) == 0;
    return found;
}

static int add_line(struct toll_tax_effects *e, const struct toll_tax_line *line, struct toll_error *error)
{
    struct sums *sums = sums_of(e, line);
    bool ok;

    if (sums == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    ok = add_text(&sums->base, line->base) && add_text(&sums->exempt, line->exempt) &&
         add_text(&sums->tax_sum, line->tax_exact);
    if (ok && sums->last_line != line->index) {
        sums->last_line = line->index;
        sums->lines++;
        ok = add_text(&sums->charge, line->charge);
    }
    sums->cents += line->tax_cents;
    if (!ok)
        return toll_error_set(error, TOLL_EDATA, "tax %.60s in %.60s: its exact sum does not fit", line->tax,
                              line->tax_jurisdiction);
    return 0;
}

/* Names of taxes stand in the register only. */
static void find_names(struct toll_tax_effects *e, struct toll_taxes *taxes)
{
    struct toll_tax_register_row row;

    for (int64_t i = 0; toll_taxes_register(taxes, i, &row); i++) {
        char key[64];
        const uint32_t jurisdiction =
                           toll_strings_find(&e->strings, row.tax_jurisdiction, strlen(row.tax_jurisdiction)),
                       tax = toll_strings_find(&e->strings, row.tax, strlen(row.tax)),
                       currency = toll_strings_find(&e->strings, row.currency, strlen(row.currency));
        const int bytes = snprintf(key, sizeof(key), "%u %u %u", jurisdiction, tax, currency);
        const uint32_t id = toll_strings_find(&e->keys, key, (size_t)bytes);
        if (id == 0 || e->sums[id - 1].name[0] != '\0' || row.name[0] == '\0')
            continue;
        const char *name = toll_arena_copy(&e->arena, row.name, strlen(row.name));
        if (name != NULL)
            e->sums[id - 1].name = name;
    }
}

static int compare_sums(const void *a, const void *b, void *context)
{
    const struct toll_tax_effects *e = context;
    const struct sums *x = a, *y = b;
    int order = strcmp(text_of(e, x->jurisdiction), text_of(e, y->jurisdiction));
    if (order == 0)
        order = strcmp(text_of(e, x->tax), text_of(e, y->tax));
    return order != 0 ? order : strcmp(text_of(e, x->currency), text_of(e, y->currency));
}

static const char *exact_text(struct toll_tax_effects *e, const struct toll_rational *value)
{
    char text[TOLL_RATIONAL_TEXT_BYTES];
    const size_t bytes = toll_rational_text(value, text);
    return toll_arena_copy(&e->arena, text, bytes);
}

/* For people: six places, without zeros at the end. */
static const char *short_text(struct toll_tax_effects *e, const struct toll_rational *value)
{
    char text[TOLL_TOTAL_TEXT_BYTES];
    int64_t millionths;
    size_t bytes;

    if (!toll_rational_round(value, 6, TOLL_HALF_UP, &millionths))
        return exact_text(e, value);
    bytes = toll_total_format(millionths, 6, text);
    while (text[bytes - 1] == '0')
        bytes--;
    bytes -= text[bytes - 1] == '.';
    return toll_arena_copy(&e->arena, text, bytes);
}

static bool fill_effect(struct toll_tax_effects *e, struct sums *sums, struct toll_tax_effect *out)
{
    struct toll_rational below;

    *out = (struct toll_tax_effect){.tax_jurisdiction = text_of(e, sums->jurisdiction),
                                    .level = sums->level,
                                    .tax = text_of(e, sums->tax),
                                    .name = sums->name,
                                    .currency = text_of(e, sums->currency),
                                    .lines = sums->lines,
                                    .charge = exact_text(e, &sums->charge),
                                    .base = exact_text(e, &sums->base),
                                    .exempt = exact_text(e, &sums->exempt),
                                    .tax_exact = exact_text(e, &sums->tax_sum),
                                    .tax_cents = sums->cents,
                                    .per_line = toll_rational_is_zero(&sums->charge)};
    toll_rational_of(&below, sums->lines, 1);
    if (!toll_rational_divide(&sums->rate, &sums->tax_sum, out->per_line ? &below : &sums->charge))
        return false;
    out->rate = exact_text(e, &sums->rate);
    out->rate_short = short_text(e, &sums->rate);
    return out->charge != NULL && out->base != NULL && out->exempt != NULL && out->tax_exact != NULL &&
           out->rate != NULL && out->rate_short != NULL;
}

/* A name that is misspelt must not look like one without taxes. */
static int check_known(const struct toll_taxes *taxes, const char *const *jurisdictions, size_t count,
                       struct toll_error *error)
{
    const struct toll_tax_tables *tables = taxes->tables;
    for (size_t i = 0; i < count; i++) {
        bool known = false;
        for (uint32_t k = 1; k < tables->jurisdiction_count && !known; k++)
            known = strcmp(toll_tax_string(tables, tables->jurisdictions[k].id), jurisdictions[i]) == 0;
        if (!known)
            return toll_error_set(error, TOLL_EUSAGE,
                                  "the run's book has no tax jurisdiction \"%.60s\": write an id of its "
                                  "tax_jurisdictions.csv",
                                  jurisdictions[i]);
    }
    return 0;
}

int toll_tax_effects_open(struct toll_taxes *taxes, const char *const *jurisdictions, size_t count,
                          struct toll_tax_effects **out, struct toll_error *error)
{
    struct toll_tax_effects *e = calloc(1, sizeof(*e));
    struct toll_tax_line line;
    int more = 0, code = e != NULL ? 0 : toll_error_set(error, TOLL_ENOMEM, "out of memory");

    *out = NULL;
    if (code == 0 && jurisdictions != NULL)
        code = check_known(taxes, jurisdictions, count, error);
    toll_taxes_rewind(taxes);
    while (code == 0 && (more = toll_taxes_next(taxes, &line, error)) > 0)
        if (line.tax[0] != '\0' && wanted(line.tax_jurisdiction, jurisdictions, count))
            code = add_line(e, &line, error);
    if (code == 0 && more < 0)
        code = more;
    if (code == 0) {
        find_names(e, taxes);
        if (e->count > 0)
            qsort_r(e->sums, e->count, sizeof(*e->sums), compare_sums, e);
        e->effects = calloc(e->count + 1, sizeof(*e->effects));
        if (e->effects == NULL)
            code = toll_error_set(error, TOLL_ENOMEM, "out of memory");
    }
    for (size_t i = 0; code == 0 && i < e->count; i++)
        if (!fill_effect(e, &e->sums[i], &e->effects[i]))
            code = toll_error_set(error, TOLL_ENOMEM, "out of memory for effective rates");
    if (code == 0)
        *out = e;
    else
        toll_tax_effects_close(e);
    return code;
}

void toll_tax_effects_close(struct toll_tax_effects *e)
{
    if (e == NULL)
        return;
    toll_strings_free(&e->strings);
    toll_strings_free(&e->keys);
    toll_arena_free(&e->arena);
    free(e->sums);
    free(e->effects);
    free(e);
}

bool toll_tax_effect(const struct toll_tax_effects *e, int64_t index, struct toll_tax_effect *out)
{
    if (index < 0 || (size_t)index >= e->count)
        return false;
    *out = e->effects[index];
    return true;
}

/* ---- moves ---- */

struct toll_tax_moves {
    struct toll_tax_move *moves;
    size_t count;
    int64_t compared;
    struct toll_arena arena;
};

static int compare_effects(const struct toll_tax_effect *a, const struct toll_tax_effect *b)
{
    int order = strcmp(a->tax_jurisdiction, b->tax_jurisdiction);
    if (order == 0)
        order = strcmp(a->tax, b->tax);
    return order != 0 ? order : strcmp(a->currency, b->currency);
}

/* Did the rate move by more than the threshold? 1, 0, or -1: it does not fit. */
static int moved(struct toll_tax_moves *m, const struct sums *before, const struct sums *after,
                 int64_t threshold_ppm, struct toll_tax_move *move)
{
    struct toll_rational difference, allowed, ppm, part;
    char text[TOLL_RATIONAL_TEXT_BYTES];

    toll_rational_of(&ppm, threshold_ppm, 1000000);
    if (!toll_rational_subtract(&difference, &after->rate, &before->rate) ||
        !toll_rational_multiply(&allowed, &before->rate, &ppm))
        return -1;
    if (!toll_rational_is_zero(&before->rate)) {
        if (!toll_rational_divide(&part, &difference, &before->rate))
            return -1;
        if (!toll_rational_round(&part, 4, TOLL_HALF_UP, &move->change_bp))
            move->change_bp = part.negative ? INT64_MIN : INT64_MAX;
        move->change = toll_arena_copy(&m->arena, text, toll_rational_text(&part, text));
        if (move->change == NULL)
            return -1;
    }
    difference.negative = allowed.negative = false;
    return toll_rational_compare(&difference, &allowed) > 0;
}

int toll_tax_moves_open(const struct toll_tax_effects *a, const struct toll_tax_effects *b,
                        int64_t threshold_ppm, struct toll_tax_moves **out, struct toll_error *error)
{
    struct toll_tax_moves *m = calloc(1, sizeof(*m));
    size_t i = 0, j = 0;

    *out = NULL;
    if (m != NULL)
        m->moves = calloc(a->count + b->count + 1, sizeof(*m->moves));
    if (m == NULL || m->moves == NULL) {
        toll_tax_moves_close(m);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    }
    while (i < a->count || j < b->count) {
        const int order = i == a->count   ? 1
                          : j == b->count ? -1
                                          : compare_effects(&a->effects[i], &b->effects[j]);
        struct toll_tax_move move = {.before = order <= 0 ? &a->effects[i] : NULL,
                                     .after = order >= 0 ? &b->effects[j] : NULL,
                                     .change = ""};
        const int flag = order == 0 ? moved(m, &a->sums[i], &b->sums[j], threshold_ppm, &move) : 1;
        if (flag < 0) {
            toll_tax_moves_close(m);
            return toll_error_set(error, TOLL_EDATA,
                                  "tax %.60s in %.60s: its rates cannot be compared exactly",
                                  a->effects[i].tax, a->effects[i].tax_jurisdiction);
        }
        if (flag > 0)
            m->moves[m->count++] = move;
        m->compared++;
        i += order <= 0;
        j += order >= 0;
    }
    *out = m;
    return 0;
}

void toll_tax_moves_close(struct toll_tax_moves *m)
{
    if (m == NULL)
        return;
    toll_arena_free(&m->arena);
    free(m->moves);
    free(m);
}

bool toll_tax_move(const struct toll_tax_moves *m, int64_t index, struct toll_tax_move *out)
{
    if (index < 0 || (size_t)index >= m->count)
        return false;
    *out = m->moves[index];
    return true;
}

int64_t toll_tax_moves_compared(const struct toll_tax_moves *m)
{
    return m->compared;
}
