/* The taxes of a line: the coefficients of its tuple's components, times its charge and its minutes. */
#include "pipeline/reader_taxes.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum { BASE, EXEMPT, TAX };

const struct toll_tuple_row *toll_reader_tuple(const struct toll_run_tables *tables, int32_t tuple)
{
    int64_t low = 0, high = tables->tuple_count;

    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (tables->tuples[middle].id < tuple)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tables->tuple_count && tables->tuples[low].id == tuple ? &tables->tuples[low] : NULL;
}

const struct toll_component_row *toll_reader_components(const struct toll_run_tables *tables, int32_t tuple,
                                                        size_t *count)
{
    int64_t low = 0, high = tables->component_count, end;

    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (tables->components[middle].tuple < tuple)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < tables->component_count && tables->components[end].tuple == tuple;)
        end++;
    *count = (size_t)(end - low);
    return *count == 0 ? NULL : &tables->components[low];
}

void toll_reader_taxes_free(struct toll_reader_taxes *taxes)
{
    free(taxes->numbers);
    free(taxes->taxes);
    free(taxes->texts);
    memset(taxes, 0, sizeof *taxes);
}

static bool make_room(struct toll_reader_taxes *taxes, size_t count)
{
    if (count <= taxes->room)
        return true;
    toll_reader_taxes_free(taxes);
    taxes->numbers = calloc(count, sizeof *taxes->numbers);
    taxes->taxes = calloc(count, sizeof *taxes->taxes);
    taxes->texts = calloc(count, sizeof *taxes->texts);
    taxes->room = count;
    if (taxes->numbers != NULL && taxes->taxes != NULL && taxes->texts != NULL)
        return true;
    toll_reader_taxes_free(taxes);
    return false;
}

/* ---- a tuple ---- */

/* base x percent / 100, and 1 - percent / 100 */
static bool exempt_of(const struct toll_component_row *row, struct toll_reader_tax *numbers)
{
    struct toll_rational percent, base, one;

    toll_rational_of(&one, 100, 1);
    if (!toll_rational_parse(&percent, row->exempt) || !toll_rational_parse(&base, row->base) ||
        !toll_rational_divide(&percent, &percent, &one) ||
        !toll_rational_multiply(&numbers->exempt, &base, &percent))
        return false;
    toll_rational_of(&one, 1, 1);
    return toll_rational_subtract(&numbers->taxed_part, &one, &percent);
}

static bool read_component(const struct toll_component_row *row, struct toll_reader_tax *numbers,
                           struct toll_line_tax *tax)
{
    *tax = (struct toll_line_tax){
        .tax = row->tax,
        .name = row->name,
        .category = row->category,
        .kind = row->kind,
        .tax_jurisdiction = row->tax_jurisdiction,
        .level = row->level,
        .billable = row->billable != 0,
        .surcharge = row->surcharge != 0,
        .late = row->late != 0,
        .rate = row->rate,
        .certificate = row->certificate,
        .source = row->source,
        .as_of = row->as_of,
        .line = row->line,
    };
    numbers->known = row->taxed[0] != 0;
    return exempt_of(row, numbers) &&
           (!numbers->known || (toll_rational_parse(&numbers->taxed, row->taxed) &&
                                toll_rational_parse(&numbers->taxed_per_minute, row->taxed_per_minute))) &&
           (tax->late || (toll_rational_parse(&numbers->per_charge, row->per_charge) &&
                          toll_rational_parse(&numbers->per_minute, row->per_minute)));
}

static int go_to(struct toll_reader_taxes *taxes, const struct toll_run_tables *tables, int32_t tuple,
                 struct toll_error *error)
{
    size_t count;

    taxes->tuple = 0;
    const struct toll_tuple_row *row = toll_reader_tuple(tables, tuple);
    const struct toll_component_row *components = toll_reader_components(tables, tuple, &count);
    if (row == NULL)
        return toll_error_set(error, TOLL_EDATA, "tuples.arrow: there is no tuple %d; verify the run", tuple);
    if (!make_room(taxes, count))
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the taxes of a line");
    for (size_t i = 0; i < count; i++) {
        if (!read_component(&components[i], &taxes->numbers[i], &taxes->taxes[i]))
            return toll_error_set(
                error, TOLL_EDATA,
                "components.arrow: the %s of tuple %d has a number that is none; verify the run",
                components[i].tax, tuple);
    }
    taxes->row = row;
    taxes->components = components;
    taxes->count = count;
    taxes->tuple = tuple;
    return 0;
}

/* ---- a line ---- */

/* a x charge + b x minutes, as text */
static bool sum_text(const struct toll_rational *a, const struct toll_rational *charge,
                     const struct toll_rational *b, const struct toll_rational *minutes, char *text)
{
    struct toll_rational sum, product;

    if (!toll_rational_multiply(&sum, a, charge) || !toll_rational_multiply(&product, b, minutes) ||
        !toll_rational_add(&sum, &sum, &product))
        return false;
    toll_rational_text(&sum, text);
    return true;
}

static bool tax_line(const struct toll_reader_tax *numbers, const struct toll_rational *charge,
                     const struct toll_rational *minutes, char texts[3][TOLL_RATIONAL_TEXT_BYTES],
                     struct toll_line_tax *tax)
{
    const bool by_minute = strcmp(tax->kind, "per_minute") == 0;
    struct toll_rational zero;

    toll_rational_zero(&zero);
    texts[BASE][0] = texts[TAX][0] = 0;
    tax->base = texts[BASE];
    tax->exempt = texts[EXEMPT];
    tax->tax_exact = texts[TAX];
    return sum_text(&numbers->exempt, charge, &zero, minutes, texts[EXEMPT]) &&
           (!numbers->known ||
            sum_text(&numbers->taxed, charge, by_minute ? &numbers->taxed_part : &numbers->taxed_per_minute,
                     minutes, texts[BASE])) &&
           (tax->late || sum_text(&numbers->per_charge, charge, &numbers->per_minute, minutes, texts[TAX]));
}

int toll_reader_taxes_of(struct toll_reader_taxes *taxes, const struct toll_run_tables *tables, int32_t tuple,
                         int64_t charge, int64_t billed, struct toll_line_taxes *out,
                         struct toll_error *error)
{
    struct toll_rational of_charge, minutes;

    *out =
        (struct toll_line_taxes){.reason = "", .period = "", .area = "", .resolved = "", .tax_services = ""};
    if (tuple == 0)
        return 0;
    const int rc = taxes->tuple == tuple ? 0 : go_to(taxes, tables, tuple, error);
    if (rc != 0)
        return rc;
    toll_rational_of(&of_charge, charge, TOLL_MONEY_UNIT);
    toll_rational_of(&minutes, strcmp(taxes->row->service, "voice") == 0 ? billed : 0, 60);
    for (size_t i = 0; i < taxes->count; i++) {
        if (!tax_line(&taxes->numbers[i], &of_charge, &minutes, taxes->texts[i], &taxes->taxes[i]))
            return toll_error_set(error, TOLL_EDATA, "the %s of a line does not fit into %d bits",
                                  taxes->taxes[i].tax, TOLL_WIDE_BITS);
    }
    *out = (struct toll_line_taxes){
        .reason = taxes->row->reason,
        .period = taxes->row->period,
        .area = taxes->row->area,
        .resolved = taxes->row->resolved,
        .tax_services = taxes->row->tax_services,
        .taxes = taxes->taxes,
        .count = taxes->count,
    };
    return 0;
}
