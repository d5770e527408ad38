/*
 * Requests to outside tax engines: a JSON document in one line each, of the shapes that Avalara for
 * Communications (REST v2, CalcTaxes) and CCH SureTax Communications (PostRequest) document. What identifies
 * the customer at the engine (client number, key) is left empty: whoever sends fills it in.
 */
#include "base/check.h"
#include "pipeline/outside.h"
#include "text/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writing {
    const struct toll_tax_outside_options *options;
    const struct toll_tax_codes *codes;
    toll_tax_request_sink sink;
    void *context;
    struct toll_json json; /* the request that is open */
    bool open;
    int64_t items, most;
    char month[8];      /* SureTax: of the open request */
    toll_total revenue; /* SureTax, in 1e-4 */
    int64_t requests, invoices;
};

/* "12.5", "-0.03", "0": no zeros at the end. */
static void decimal_text(toll_total scaled, int decimals, char text[TOLL_TOTAL_TEXT_BYTES])
{
    size_t bytes = toll_total_format(scaled, decimals, text);

    if (decimals > 0) {
        while (text[bytes - 1] == '0')
            bytes--;
        if (text[bytes - 1] == '.')
            bytes--;
        text[bytes] = '\0';
    }
}

static const char *company(const struct writing *w, const char *name)
{
    const struct toll_tax_code *row = toll_tax_code_find(w->codes, TOLL_CODE_COMPANY, name);
    return row != NULL ? row->code : NULL;
}

/* ---- Avalara ---- */

static void put_word(struct writing *w, const char *key, const char *name, const char *otherwise)
{
    const char *value = company(w, name);
    if (value == NULL)
        value = otherwise;
    if (value != NULL)
        toll_json_number(&w->json, key, value); /* true, false or a digit */
}

static void put_place(struct toll_json *json, const char *key, const struct toll_tax_code *area)
{
    toll_json_open_map(json, key);
    if (area->kind == TOLL_AREA_PCODE)
        toll_json_int(json, "pcd", strtoll(area->code, NULL, 10));
    else if (area->kind == TOLL_AREA_NPA)
        toll_json_int(json, "npa", strtoll(area->code, NULL, 10));
    else if (area->kind == TOLL_AREA_FIPS)
        toll_json_string(json, "fips", area->code);
    else {
        toll_json_string(json, "ctry", "USA");
        toll_json_string(json, "zip", area->code);
    }
    toll_json_close_map(json);
}

static void open_avalara(struct writing *w)
{
    toll_json_open_map(&w->json, NULL);
    toll_json_open_map(&w->json, "cmpn");
    put_word(w, "bscl", "bscl", NULL);
    put_word(w, "svcl", "svcl", NULL);
    put_word(w, "fclt", "fclt", NULL);
    put_word(w, "frch", "frch", NULL);
    put_word(w, "reg", "reg", NULL);
    if (company(w, "idnt") != NULL)
        toll_json_string(&w->json, "idnt", company(w, "idnt"));
    toll_json_close_map(&w->json);
    toll_json_open_list(&w->json, "inv");
}

static void avalara_item(struct writing *w, const struct toll_outside_item *item)
{
    char text[TOLL_TOTAL_TEXT_BYTES], ref[TOLL_OUTSIDE_REF_BYTES];
    struct toll_json *json = &w->json;

    toll_outside_ref(item, ref);
    toll_json_open_map(json, NULL);
    toll_json_string(json, "ref", ref);
    put_place(json, "from", item->area);
    put_place(json, "to", item->area);
    decimal_text(item->charge, 8, text);
    toll_json_number(json, "chg", text);
    toll_json_int(json, "line", item->lines);
    decimal_text(item->minutes_ppm, 6, text);
    toll_json_number(json, "min", text);
    toll_json_int(json, "sale", item->resale ? 0 : 1);
    toll_json_bool(json, "incl", item->included);
    toll_json_int(json, "tran", item->service->first);
    toll_json_int(json, "serv", item->service->second);
    toll_json_bool(json, "adj", item->charge < 0);
    toll_json_close_map(json);
}

static void avalara_invoice(struct writing *w, const struct toll_outside_invoice *invoice)
{
    struct toll_json *json = &w->json;
    const struct toll_tax_code *class = invoice->items[0].customer_class;
    char date[32];

    toll_json_open_map(json, NULL);
    toll_json_string(json, "doc", invoice->name);
    put_word(w, "cmmt", "cmmt", "false");
    put_place(json, "bill", invoice->items[0].area);
    toll_json_int(json, "cust", class != NULL ? class->code[0] - '0' : 1);
    toll_json_bool(json, "lfln", false);
    snprintf(date, sizeof(date), "%.10sT00:00:00Z", invoice->day);
    toll_json_string(json, "date", date);
    toll_json_open_list(json, "itms");
    for (size_t i = 0; i < invoice->count; i++)
        avalara_item(w, &invoice->items[i]);
    toll_json_close_list(json);
    put_word(w, "invm", "invm", "true");
    toll_json_bool(json, "dtl", true);
    toll_json_bool(json, "summ", true);
    toll_json_close_map(json);
}

/* ---- SureTax ---- */

static void open_suretax(struct writing *w, const struct toll_outside_invoice *invoice)
{
    struct toll_json *json = &w->json;
    const char *report = w->options->report_period;
    const char *unit = company(w, "BusinessUnit"), *code = company(w, "ReturnFileCode");
    const bool other = report != NULL && strlen(report) >= 7;

    toll_json_open_map(json, NULL);
    toll_json_string(json, "ClientNumber", "");
    toll_json_string(json, "BusinessUnit", unit != NULL ? unit : "");
    toll_json_string(json, "ValidationKey", "");
    toll_json_string_n(json, "DataYear", invoice->day, 4);
    toll_json_string_n(json, "DataMonth", invoice->day + 5, 2);
    toll_json_string_n(json, "CmplDataYear", other ? report : invoice->day, 4);
    toll_json_string_n(json, "CmplDataMonth", (other ? report : invoice->day) + 5, 2);
    toll_json_string(json, "ReturnFileCode", code != NULL ? code : "Q");
    toll_json_string(json, "ClientTracking", invoice->name);
    toll_json_string(json, "IndustryExemption", "");
    toll_json_string(json, "ResponseGroup", "03");
    toll_json_string(json, "ResponseType", "D6");
    toll_json_string(json, "STAN", "");
    toll_json_open_list(json, "ItemList");
}

/* The place, and the rule that finds the jurisdiction by it. */
static const char *suretax_place(struct toll_json *json, const struct toll_tax_code *area)
{
    const bool zip = area->kind == TOLL_AREA_ZIP, plus = zip && strlen(area->code) == 10;

    toll_json_string(json, "OrigNumber", "");
    toll_json_string(json, "TermNumber", "");
    toll_json_string(json, "BillToNumber", area->kind == TOLL_AREA_NUMBER ? area->code : "");
    toll_json_string_n(json, "Zipcode", area->code, zip ? 5 : 0);
    toll_json_string(json, "Plus4", plus ? area->code + 6 : "");
    toll_json_string(json, "P2PZipcode", "");
    toll_json_string(json, "P2PPlus4", "");
    toll_json_string(json, "Geocode", area->kind == TOLL_AREA_GEOCODE ? area->code : "");
    return area->kind == TOLL_AREA_GEOCODE  ? "13"
           : area->kind == TOLL_AREA_NUMBER ? "02"
           : plus                           ? "05"
                                            : "04";
}

/* "02;04", resale, or "00": none. */
static void suretax_exemptions(struct writing *w, const char *account, bool resale)
{
    const struct toll_tax_code *row = toll_tax_code_find(w->codes, TOLL_CODE_ACCOUNT, account);

    toll_json_open_list(&w->json, "TaxExemptionCodeList");
    for (const char *at = row != NULL ? row->code : ""; *at != '\0';) {
        const size_t bytes = strcspn(at, ";");
        if (bytes > 0)
            toll_json_string_n(&w->json, NULL, at, bytes);
        at += bytes + (at[bytes] == ';');
    }
    if (resale)
        toll_json_string(&w->json, NULL, "07");
    if (row == NULL && !resale)
        toll_json_string(&w->json, NULL, "00");
    toll_json_close_list(&w->json);
}

static void suretax_item(struct writing *w, const struct toll_outside_invoice *invoice,
                         const struct toll_outside_item *item)
{
    char text[TOLL_TOTAL_TEXT_BYTES], ref[TOLL_OUTSIDE_REF_BYTES];
    struct toll_json *json = &w->json;
    const char *rule;

    toll_outside_ref(item, ref);
    toll_json_open_map(json, NULL);
    toll_json_string(json, "LineNumber", ref);
    toll_json_string(json, "InvoiceNumber", invoice->name);
    toll_json_string(json, "CustomerNumber", invoice->account);
    rule = suretax_place(json, item->area);
    toll_json_string(json, "TransDate", item->day);
    toll_total_format(item->charge, 4, text);
    toll_json_string(json, "Revenue", text);
    snprintf(text, sizeof(text), "%" PRId64, item->lines);
    toll_json_string(json, "Units", text);
    toll_json_string(json, "UnitType", "00");
    snprintf(text, sizeof(text), "%" PRId64, item->seconds);
    toll_json_string(json, "Seconds", text);
    toll_json_string(json, "TaxIncludedCode", item->included ? "1" : "0");
    toll_json_string(json, "TaxSitusRule", rule);
    toll_json_string(json, "TransTypeCode", item->service->code);
    toll_json_string(json, "SalesTypeCode", item->customer_class != NULL ? item->customer_class->code : "B");
    toll_json_string(json, "RegulatoryCode", item->seller != NULL ? item->seller->code : "99");
    suretax_exemptions(w, invoice->account, item->resale);
    toll_json_close_map(json);
    w->revenue += item->charge;
}

/* ---- requests ---- */

static int end_request(struct writing *w, struct toll_error *error)
{
    struct toll_json *json = &w->json;
    char text[TOLL_TOTAL_TEXT_BYTES];
    int code = 0;

    if (!w->open)
        return 0;
    toll_json_close_list(json);
    if (w->options->engine == TOLL_TAX_SURETAX) {
        toll_total_format(w->revenue, 4, text);
        toll_json_string(json, "TotalRevenue", text);
    }
    toll_json_close_map(json);
    if (!toll_json_finish(json))
        code =
            toll_error_set(error, TOLL_ENOMEM, "out of memory for a request of %" PRId64 " lines", w->items);
    if (code == 0)
        code = w->sink(w->context, json->text, json->bytes);
    toll_json_free(json);
    w->open = false;
    w->requests++;
    return code;
}

static int put_invoice(void *context, const struct toll_outside_invoice *invoice, struct toll_error *error)
{
    struct writing *w = context;
    const bool avalara = w->options->engine == TOLL_TAX_AVALARA;
    int code = 0;

    if (w->open && (w->items + (int64_t)invoice->count > w->most ||
                    (!avalara && strncmp(w->month, invoice->day, 7) != 0)))
        code = end_request(w, error);
    if (code != 0)
        return code;
    if (!w->open) {
        toll_json_init(&w->json);
        w->json.compact = true;
        w->open = true;
        w->items = 0;
        w->revenue = 0;
        snprintf(w->month, sizeof(w->month), "%.7s", invoice->day);
        if (avalara)
            open_avalara(w);
        else
            open_suretax(w, invoice);
    }
    if (avalara)
        avalara_invoice(w, invoice);
    for (size_t i = 0; !avalara && i < invoice->count; i++)
        suretax_item(w, invoice, &invoice->items[i]);
    w->items += (int64_t)invoice->count;
    w->invoices++;
    return 0;
}

int toll_tax_requests(struct toll_taxes *taxes, const struct toll_tax_outside_options *options,
                      toll_tax_request_sink sink, void *context, struct toll_tax_outside_facts *facts,
                      struct toll_error *error)
{
    struct toll_findings findings;
    struct toll_tax_codes codes;
    struct toll_outside_walk walk = {
        .taxes = taxes, .options = options, .codes = &codes, .findings = &findings};
    struct writing w = {.options = options, .codes = &codes, .sink = sink, .context = context};
    int code;

    w.most = options->invoice_lines > 0 ? options->invoice_lines : TOLL_TAX_INVOICE_LINES;
    toll_findings_init(&findings, &options->reporter);
    code = toll_tax_codes_read(&codes, options->engine, options->codes_path, &findings, error);
    if (code == 0)
        code = toll_outside_walk(&walk, error);
    walk.invoice = put_invoice;
    walk.context = &w;
    if (code == 0)
        code = toll_outside_walk(&walk, error);
    if (code == 0)
        code = end_request(&w, error);
    toll_json_free(&w.json);
    toll_tax_codes_free(&codes);
    if (facts != NULL) {
        *facts = walk.facts;
        facts->requests = w.requests;
        facts->invoices = w.invoices;
    }
    return code;
}
