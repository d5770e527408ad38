/* Avalara for Communications, REST v2: what CalcTaxes answers. Member names are those of its public template.
 */
#include "pipeline/outside_answers.h"
#include "text/json_read.h"

#include <stdlib.h>
#include <string.h>

static const char *level_name(const char *level)
{
    static const char *const names[] = {"federal", "state", "county", "city", "unincorporated"};
    return level[0] >= '0' && level[0] <= '4' && level[1] == '\0' ? names[level[0] - '0'] : level;
}

/* By `calc`: 1 and 5 rates, 2 and 7 fixed, 3 per minute, 4, 6 and 8 to 11 per line. */
static const char *kind_name(const char *calc)
{
    static const char *const names[] = {"rate",  "fixed",    "per_minute", "per_line", "rate",    "per_line",
                                        "fixed", "per_line", "per_line",   "per_line", "per_line"};
    const long number = strtol(calc, NULL, 10);
    return number >= 1 && number <= 11 ? names[number - 1] : "rate";
}

static bool is_true(struct toll_yaml *map, const char *key, bool otherwise)
{
    const char *text = toll_answer_text(map, key);
    return text[0] == '\0' ? otherwise : strcmp(text, "true") == 0;
}

/* The components of one line; their sum is added to *sum, whether the line is known or not. */
static int read_taxes(struct toll_tax_outside *o, struct toll_sent *sent, const struct toll_yaml *taxes,
                      struct toll_rational *sum, int64_t *count, struct toll_error *error)
{
    int code = 0;

    for (struct toll_yaml *tax = taxes->child; code == 0 && tax != NULL; tax = tax->next) {
        struct toll_answer answer;
        if (!toll_json_is_map(tax))
            return toll_answer_shape(o, tax, "a tax is a map", error);
        answer = (struct toll_answer){.tax = toll_answer_text(tax, "tid"),
                                      .name = toll_answer_text(tax, "name"),
                                      .category = toll_answer_text(tax, "cat"),
                                      .jurisdiction = toll_answer_text(tax, "pcd"),
                                      .level = level_name(toll_answer_text(tax, "lvl")),
                                      .kind = kind_name(toll_answer_text(tax, "calc")),
                                      .billable = is_true(tax, "bill", true),
                                      .surcharge = is_true(tax, "sur", false)};
        if (toll_json_is_null(toll_yaml_get(tax, "tax")))
            return toll_answer_shape(o, tax, "a tax without \"tax\", its amount", error);
        code = toll_answer_number(o, tax, "tax", &answer.tax_amount, error);
        if (code == 0)
            code = toll_answer_number(o, tax, "rate", &answer.rate, error);
        if (code == 0)
            code = toll_answer_number(o, tax, "exm", &answer.exempt, error);
        if (code == 0)
            code = toll_answer_number(o, tax,
                                      strcmp(answer.kind, "per_line") == 0     ? "lns"
                                      : strcmp(answer.kind, "per_minute") == 0 ? "min"
                                                                               : "tm",
                                      &answer.base, error);
        if (strcmp(answer.kind, "fixed") == 0)
            toll_rational_of(&answer.base, 1, 1);
        if (code == 0 && !toll_rational_add(sum, sum, &answer.tax_amount))
            code = toll_answer_shape(o, tax, "the sum of its taxes is out of range", error);
        if (code == 0 && sent != NULL)
            code = toll_answer_add(o, sent, &answer, error);
        ++*count;
    }
    return code;
}

static int read_item(struct toll_tax_outside *o, const char *invoice, struct toll_yaml *item,
                     struct toll_rational *sum, int64_t *count, struct toll_error *error)
{
    const struct toll_yaml *taxes, *errors;
    const char *ref;
    int code = 0;

    if (!toll_json_is_map(item))
        return toll_answer_shape(o, item, "a line item is a map", error);
    ref = toll_answer_text(item, "ref");
    taxes = toll_yaml_get(item, "txs");
    errors = toll_yaml_get(item, "err");
    if (toll_json_is_list(errors) && errors->child != NULL)
        return toll_answer_refused(o, invoice, ref, toll_answer_words(o, errors->child, "code", "msg"),
                                   error);
    struct toll_sent *sent = toll_answer_line(o, invoice, ref, true, &code, error);
    if (code != 0 || toll_json_is_null(taxes))
        return code;
    if (!toll_json_is_list(taxes))
        return toll_answer_shape(o, taxes, "\"txs\" is a list", error);
    return read_taxes(o, sent, taxes, sum, count, error);
}

static int read_invoice(struct toll_tax_outside *o, struct toll_yaml *invoice, struct toll_error *error)
{
    struct toll_rational sum, total, one;
    const struct toll_yaml *items, *summary, *errors;
    const char *name;
    int64_t count = 0;
    int code = 0;

    if (!toll_json_is_map(invoice))
        return toll_answer_shape(o, invoice, "an invoice is a map", error);
    name = toll_answer_text(invoice, "doc");
    items = toll_yaml_get(invoice, "itms");
    summary = toll_yaml_get(invoice, "summ");
    errors = toll_yaml_get(invoice, "err");
    toll_rational_zero(&sum);
    toll_rational_zero(&total);
    if (toll_json_is_list(errors) && errors->child != NULL) {
        const struct toll_tax_outside_difference difference = {
            .reason = "invoice_refused",
            .invoice = name,
            .about = toll_answer_words(o, errors->child, "code", "msg")};
        code = toll_answer_differs(o, &difference, error);
    }
    for (struct toll_yaml *item = toll_json_is_list(items) ? items->child : NULL; code == 0 && item != NULL;
         item = item->next)
        code = read_item(o, name, item, &sum, &count, error);
    if (!toll_json_is_list(summary))
        return code;
    for (struct toll_yaml *row = summary->child; code == 0 && row != NULL; row = row->next) {
        if (!toll_json_is_map(row))
            return toll_answer_shape(o, row, "a summary is a map", error);
        code = toll_answer_number(o, row, "tax", &one, error);
        if (code == 0 && !toll_rational_add(&total, &total, &one))
            code = toll_answer_shape(o, row, "the sum of its taxes is out of range", error);
    }
    return code == 0 ? toll_answer_total(o, name, &sum, &total, count, error) : code;
}

int toll_answer_avalara(struct toll_tax_outside *o, struct toll_yaml *root, struct toll_error *error)
{
    const struct toll_yaml *invoices, *errors;
    int code = 0;

    if (!toll_json_is_map(root) || (toll_yaml_get(root, "inv") == NULL && toll_yaml_get(root, "err") == NULL))
        return toll_answer_shape(o, root, "this is no response of CalcTaxes: \"inv\" is missing", error);
    invoices = toll_yaml_get(root, "inv");
    errors = toll_yaml_get(root, "err");
    if (!toll_json_is_null(invoices) && !toll_json_is_list(invoices))
        return toll_answer_shape(o, invoices, "\"inv\" is a list", error);
    if (toll_json_is_list(errors) && errors->child != NULL) {
        const struct toll_tax_outside_difference difference = {
            .reason = "request_refused", .about = toll_answer_words(o, errors->child, "code", "msg")};
        code = toll_answer_differs(o, &difference, error);
    }
    for (struct toll_yaml *one = toll_json_is_list(invoices) ? invoices->child : NULL;
         code == 0 && one != NULL; one = one->next)
        code = read_invoice(o, one, error);
    return code;
}
