/*
 * Charge lines, grouped into invoices as an outside engine takes them. What an account has in a period is
 * gathered, sorted by the date whose rates apply, and cut into invoices of so many lines.
 */
#include "base/check.h"
#include "base/strings.h"
#include "pipeline/outside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MOST 64
#define SHARE_ONE INT64_C(1000000000000)

struct part {
    const struct toll_tax_code *service;
    int64_t share; /* in 1e-12 */
};

struct walking {
    struct toll_outside_walk *walk;
    bool avalara;
    struct toll_strings told; /* what is missing and has been said */
    /* the account and period at hand */
    struct toll_arena arena;
    const char *account, *period, *currency;
    struct toll_outside_item *items;
    size_t count, room;
};

void toll_outside_ref(const struct toll_outside_item *item, char text[TOLL_OUTSIDE_REF_BYTES])
{
    if (item->part == 0)
        snprintf(text, TOLL_OUTSIDE_REF_BYTES, "%" PRId64, item->index);
    else
        snprintf(text, TOLL_OUTSIDE_REF_BYTES, "%" PRId64 ".%u", item->index, item->part);
}

/* ---- what a line is at the engine ---- */

/* The code of a name, or NULL; what is missing is said once. An empty name may have a row, too. */
static const struct toll_tax_code *code_of(struct walking *w, enum toll_code_what what, const char *name,
                                           const char *missing)
{
    const struct toll_tax_code *code = toll_tax_code_find(w->walk->codes, what, name);
    char key[600];

    if (code != NULL || missing == NULL)
        return code;
    snprintf(key, sizeof(key), "%d %s", what, name);
    if (toll_strings_find(&w->told, key, strlen(key)) == 0) {
        toll_strings_add(&w->told, key, strlen(key));
        toll_finding(w->walk->findings, TOLL_ERROR, w->walk->codes->path, 0, 0, missing, name);
    }
    return NULL;
}

/* "telecom" or "a:0.4;b:0.6": its parts, 0 when the text is no such thing. */
static int split_parts(struct walking *w, const char *text, struct part parts[PARTS_MOST])
{
    int count = 0;
    const bool several = strchr(text, ';') != NULL;

    while (*text != '\0' && count < PARTS_MOST) {
        const size_t bytes = strcspn(text, ";");
        const char *colon = memrchr(text, ':', bytes);
        char name[512];
        size_t name_bytes = bytes;
        parts[count].share = SHARE_ONE;
        if (several) {
            if (colon == NULL || toll_decimal_parse(colon + 1, (size_t)(text + bytes - colon - 1), 12,
                                                    &parts[count].share) != 0)
                return 0;
            name_bytes = (size_t)(colon - text);
        }
        if (name_bytes >= sizeof(name))
            return 0;
        memcpy(name, text, name_bytes);
        name[name_bytes] = '\0';
        parts[count++].service = code_of(w, TOLL_CODE_TAX_SERVICE, name,
                                         "tax service \"%.60s\" has no code; add a row "
                                         "tax_service,NAME,,CODE (an empty code: it is not sent)");
        text += bytes + (text[bytes] == ';');
    }
    return count;
}

static const char *copy(struct walking *w, const char *text)
{
    return toll_arena_copy(&w->arena, text, strlen(text));
}

static int add_item(struct walking *w, const struct toll_outside_item *item, struct toll_error *error)
{
    if (w->count == w->room) {
        const size_t room = w->room == 0 ? 64 : w->room * 2;
        struct toll_outside_item *grown = realloc(w->items, room * sizeof(*grown));
        if (grown == NULL)
            return toll_error_set(error, TOLL_ENOMEM, "out of memory");
        w->items = grown;
        w->room = room;
    }
    w->items[w->count++] = *item;
    return 0;
}

/* The lines that a service counts, to whole ones. */
static bool count_lines(struct walking *w, const struct toll_tax_line *line, int64_t *out)
{
    const struct toll_tax_code *weight = code_of(w, TOLL_CODE_LINE_TYPE, line->type, NULL);
    struct toll_rational quantity, each;

    toll_rational_of(&each, weight != NULL ? weight->first : 1000000, 1000000);
    return toll_rational_parse(&quantity, line->quantity) &&
           toll_rational_multiply(&quantity, &quantity, &each) &&
           toll_rational_round(&quantity, 0, TOLL_HALF_UP, out);
}

static int refuse_line(const struct toll_tax_line *line, struct toll_error *error, const char *what)
{
    return toll_error_set(error, TOLL_EDATA, "a %s line of account %.60s in %s: %s", line->kind,
                          line->account, line->period, what);
}

/* Everything of a charge line that its parts share. */
static int fill_item(struct walking *w, const struct toll_tax_line *line, struct toll_outside_item *item,
                     struct toll_error *error)
{
    const bool usage = strcmp(line->kind, "usage") == 0, voice = usage && strcmp(line->service, "voice") == 0;
    struct toll_rational amount;
    int64_t scaled;

    *item = (struct toll_outside_item){.index = line->index,
                                       .included = line->tax_included,
                                       .resale = line->resale,
                                       .day = copy(w, line->day),
                                       .site = copy(w, line->site)};
    if (item->day == NULL || item->site == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    item->area =
        code_of(w, TOLL_CODE_AREA, line->area, "area \"%.60s\" has no code; add a row area,NAME,KIND,CODE");
    item->customer_class = code_of(w, TOLL_CODE_CLASS, line->customer_class,
                                   line->customer_class[0] != '\0'
                                       ? "customer class \"%.60s\" has no code; add a row class,NAME,,CODE"
                                       : NULL);
    item->seller = code_of(w, TOLL_CODE_SELLER, line->seller, NULL);
    if (!toll_rational_parse(&amount, line->amount) ||
        !toll_rational_round(&amount, toll_outside_decimals(w->walk->options->engine), TOLL_HALF_UP, &scaled))
        return refuse_line(line, error, "its amount is out of range");
    item->charge = scaled;
    item->seconds = voice ? line->units : 0;
    item->minutes_ppm =
        voice ? (int64_t)toll_round_ratio((toll_total)line->units * 1000000, 60, TOLL_HALF_UP) : 0;
    if (strcmp(line->kind, "service") == 0 && !count_lines(w, line, &item->lines))
        return refuse_line(line, error, "its quantity is out of range");
    return 0;
}

static int add_line(struct walking *w, const struct toll_tax_line *line, struct toll_error *error)
{
    struct toll_tax_outside_facts *facts = &w->walk->facts;
    struct toll_outside_item item;
    struct part parts[PARTS_MOST];
    int64_t until = 0;
    toll_total whole, given = 0;
    int count, code;

    if (line->reason[0] != '\0') {
        facts->suspense++;
        return 0;
    }
    if (line->tax_services[0] == '\0') {
        facts->without_service++;
        return 0;
    }
    if (strcmp(line->currency, "USD") != 0 && strcmp(line->currency, "CAD") != 0)
        return refuse_line(line, error, "outside engines take US and Canadian dollars only");
    count = split_parts(w, line->tax_services, parts);
    if (count == 0)
        return refuse_line(line, error,
                           "its tax services cannot be told apart; rename them without \";\" and \":\"");
    code = fill_item(w, line, &item, error);
    facts->lines++;
    whole = item.charge;
    for (int i = 0; code == 0 && i < count; i++) {
        /* Rounded so that the parts make the whole. */
        until += parts[i].share;
        const toll_total upto = toll_round_ratio(whole * until, SHARE_ONE, TOLL_HALF_UP);
        item.part = count > 1 ? (unsigned)i + 1 : 0;
        item.charge = upto - given;
        item.service = parts[i].service;
        given = upto;
        if (item.service == NULL || item.service->code[0] != '\0') {
            code = add_item(w, &item, error);
            facts->items++;
        }
        item.lines = 0; /* lines, minutes: with the first part */
        item.minutes_ppm = item.seconds = 0;
    }
    return code;
}

/* ---- invoices ---- */

/* Rates go by the invoice's date at Avalara, by the request's month at SureTax. */
static int compare_dates(const struct walking *w, const struct toll_outside_item *a,
                         const struct toll_outside_item *b)
{
    return strncmp(a->day, b->day, w->avalara ? 10 : 7);
}

static int by_date_avalara(const void *a, const void *b)
{
    const struct toll_outside_item *x = a, *y = b;
    const int days = strcmp(x->day, y->day);
    return days != 0              ? days
           : x->index != y->index ? (x->index > y->index) - (x->index < y->index)
                                  : (x->part > y->part) - (x->part < y->part);
}

static int by_date_suretax(const void *a, const void *b)
{
    const struct toll_outside_item *x = a, *y = b;
    const int months = strncmp(x->day, y->day, 7);
    return months != 0            ? months
           : x->index != y->index ? (x->index > y->index) - (x->index < y->index)
                                  : (x->part > y->part) - (x->part < y->part);
}

static int end_account(struct walking *w, struct toll_error *error)
{
    const struct toll_outside_walk *walk = w->walk;
    const size_t most =
        (size_t)(walk->options->invoice_lines > 0 ? walk->options->invoice_lines : TOLL_TAX_INVOICE_LINES);
    int code = 0, number = 0;

    if (w->count > 0)
        qsort(w->items, w->count, sizeof(*w->items), w->avalara ? by_date_avalara : by_date_suretax);
    for (size_t first = 0, end; code == 0 && walk->invoice != NULL && first < w->count; first = end) {
        char name[700];
        for (end = first + 1; end < w->count && end - first < most; end++)
            if (compare_dates(w, &w->items[first], &w->items[end]) != 0)
                break;
        if (++number == 1)
            snprintf(name, sizeof(name), "%.500s:%s", w->account, w->period);
        else
            snprintf(name, sizeof(name), "%.500s:%s:%d", w->account, w->period, number);
        const struct toll_outside_invoice invoice = {.name = name,
                                                     .account = w->account,
                                                     .period = w->period,
                                                     .currency = w->currency,
                                                     .day = w->items[first].day,
                                                     .items = w->items + first,
                                                     .count = end - first};
        code = walk->invoice(walk->context, &invoice, error);
    }
    w->count = 0;
    toll_arena_free(&w->arena);
    w->account = NULL;
    return code;
}

static int begin_account(struct walking *w, const struct toll_tax_line *line, struct toll_error *error)
{
    w->account = copy(w, line->account);
    w->period = copy(w, line->period);
    w->currency = copy(w, line->currency);
    if (w->account != NULL && w->period != NULL && w->currency != NULL)
        return 0;
    return toll_error_set(error, TOLL_ENOMEM, "out of memory");
}

int toll_outside_walk(struct toll_outside_walk *walk, struct toll_error *error)
{
    struct walking w = {.walk = walk, .avalara = walk->options->engine == TOLL_TAX_AVALARA};
    struct toll_tax_line line;
    int64_t last = -1;
    int more = 0, code = 0;

    walk->facts = (struct toll_tax_outside_facts){0};
    toll_taxes_rewind(walk->taxes);
    while (code == 0 && (more = toll_taxes_next(walk->taxes, &line, error)) > 0) {
        if (line.index == last) /* another component of the same line */
            continue;
        last = line.index;
        if (w.account != NULL && (strcmp(w.account, line.account) != 0 || strcmp(w.period, line.period) != 0))
            code = end_account(&w, error);
        if (code == 0 && w.account == NULL)
            code = begin_account(&w, &line, error);
        if (code == 0)
            code = add_line(&w, &line, error);
    }
    if (code == 0 && more < 0)
        code = more;
    if (code == 0 && w.account != NULL)
        code = end_account(&w, error);
    if (code == 0 && walk->findings->errors > 0)
        code = toll_error_set(error, TOLL_EBOOK,
                              "%s: codes are missing for %zu names of the book; see the findings",
                              walk->codes->path, walk->findings->errors);
    toll_arena_free(&w.arena);
    toll_strings_free(&w.told);
    free(w.items);
    return code;
}
