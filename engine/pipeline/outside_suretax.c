/* CCH SureTax Communications: what PostRequest answers with response group 03 and type D6 (by line). */
#include "pipeline/outside_answers.h"
#include "text/json_read.h"

#include <stdio.h>
#include <string.h>

/* The first digit of a tax type says whose it is. */
static const char *level_name(const char *tax)
{
    static const char *const names[] = {"federal", "state", "county", "city", "local", "agency"};
    return tax[0] >= '0' && tax[0] <= '5' ? names[tax[0] - '0'] : "";
}

/* "US", "CA", "CA/SAN DIEGO", "CA/SAN DIEGO/SAN DIEGO": as far down as the level goes. */
static void jurisdiction_name(struct toll_yaml *tax, const char *state, const char *level, char *out,
                              size_t room)
{
    const char *county = toll_answer_text(tax, "CountyName"), *city = toll_answer_text(tax, "CityName");

    if (strcmp(level, "federal") == 0)
        snprintf(out, room, "US");
    else if (strcmp(level, "county") == 0 && county[0] != '\0')
        snprintf(out, room, "%s/%s", state, county);
    else if ((strcmp(level, "city") == 0 || strcmp(level, "local") == 0) && city[0] != '\0')
        snprintf(out, room, "%s/%s/%s", state, county, city);
    else
        snprintf(out, room, "%s", state);
}

static int read_tax(struct toll_tax_outside *o, struct toll_sent *sent, const char *state,
                    struct toll_yaml *tax, struct toll_rational *sum, struct toll_error *error)
{
    struct toll_answer answer;
    struct toll_rational fee;
    char jurisdiction[400];
    int code;

    if (!toll_json_is_map(tax) || toll_json_is_null(toll_yaml_get(tax, "TaxAmount")))
        return toll_answer_shape(o, tax, "a tax without TaxAmount", error);
    answer = (struct toll_answer){.tax = toll_answer_text(tax, "TaxTypeCode"),
                                  .name = toll_answer_text(tax, "TaxTypeDesc"),
                                  .category = "",
                                  .kind = "rate",
                                  .billable = true};
    answer.level = level_name(answer.tax);
    jurisdiction_name(tax, state, answer.level, jurisdiction, sizeof(jurisdiction));
    answer.jurisdiction = jurisdiction;
    toll_rational_zero(&answer.exempt);
    code = toll_answer_number(o, tax, "TaxAmount", &answer.tax_amount, error);
    if (code == 0)
        code = toll_answer_number(o, tax, "TaxRate", &answer.rate, error);
    if (code == 0)
        code = toll_answer_number(o, tax, "FeeRate", &fee, error);
    if (code == 0)
        code = toll_answer_number(o, tax, "RevenueBase", &answer.base, error);
    if (code == 0 && toll_rational_is_zero(&answer.rate) && !toll_rational_is_zero(&fee)) {
        answer.kind = "fixed";
        answer.rate = fee;
        toll_rational_of(&answer.base, 1, 1);
    }
    if (code == 0 && !toll_rational_add(sum, sum, &answer.tax_amount))
        code = toll_answer_shape(o, tax, "the sum of its taxes is out of range", error);
    if (code == 0 && sent != NULL)
        code = toll_answer_add(o, sent, &answer, error);
    return code;
}

static int read_group(struct toll_tax_outside *o, struct toll_yaml *group, struct toll_rational *sum,
                      int64_t *count, struct toll_error *error)
{
    struct toll_sent *sent;
    const struct toll_yaml *taxes;
    int code = 0;

    if (!toll_json_is_map(group))
        return toll_answer_shape(o, group, "a group is a map", error);
    if (toll_json_is_null(toll_yaml_get(group, "LineNumber")))
        return toll_answer_shape(o, group, "a group without LineNumber: ask for response group 03", error);
    sent = toll_answer_line(o, toll_answer_text(group, "InvoiceNumber"),
                            toll_answer_text(group, "LineNumber"), false, &code, error);
    taxes = toll_yaml_get(group, "TaxList");
    for (struct toll_yaml *tax = toll_json_is_list(taxes) ? taxes->child : NULL; code == 0 && tax != NULL;
         tax = tax->next, ++*count)
        code = read_tax(o, sent, toll_answer_text(group, "StateCode"), tax, sum, error);
    return code;
}

static int read_messages(struct toll_tax_outside *o, const struct toll_yaml *messages,
                         struct toll_error *error)
{
    int code = 0;

    for (struct toll_yaml *one = toll_json_is_list(messages) ? messages->child : NULL;
         code == 0 && one != NULL; one = one->next) {
        if (!toll_json_is_map(one))
            return toll_answer_shape(o, one, "a message is a map", error);
        code = toll_answer_refused(o, NULL, toll_answer_text(one, "LineNumber"),
                                   toll_answer_words(o, one, "ResponseCode", "Message"), error);
    }
    return code;
}

int toll_answer_suretax(struct toll_tax_outside *o, struct toll_yaml *root, struct toll_error *error)
{
    struct toll_yaml *inner = toll_json_is_map(root) ? toll_yaml_get(root, "d") : NULL;
    struct toll_json_reader reader;
    const struct toll_yaml *groups;
    struct toll_rational sum, total;
    int64_t count = 0;
    int code = 0;

    if (inner != NULL && inner->kind == TOLL_YAML_SCALAR && inner->quoted) { /* the web service wraps it so */
        toll_json_open(&reader, o->file, inner->text, inner->bytes);
        code = toll_json_next(&reader, &o->arena, &root, error);
        if (code < 0)
            return code;
    } else if (inner != NULL) {
        root = inner;
    }
    if (!toll_json_is_map(root) || toll_yaml_get(root, "Successful") == NULL)
        return toll_answer_shape(o, root, "this is no response of SureTax: \"Successful\" is missing", error);
    code = 0;
    if (strcmp(toll_answer_text(root, "Successful"), "Y") != 0) {
        const struct toll_tax_outside_difference difference = {
            .reason = "request_refused",
            .about = toll_answer_words(o, root, "ResponseCode", "HeaderMessage")};
        return toll_answer_differs(o, &difference, error);
    }
    toll_rational_zero(&sum);
    groups = toll_yaml_get(root, "GroupList");
    for (struct toll_yaml *one = toll_json_is_list(groups) ? groups->child : NULL; code == 0 && one != NULL;
         one = one->next)
        code = read_group(o, one, &sum, &count, error);
    if (code == 0)
        code = read_messages(o, toll_yaml_get(root, "ItemMessages"), error);
    if (code == 0)
        code = toll_answer_number(o, root, "TotalTax", &total, error);
    return code == 0 ? toll_answer_total(o, "", &sum, &total, count, error) : code;
}
