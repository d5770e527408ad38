/*
 * The register of what an outside engine answered: components summed exactly, rounded once for each account,
 * period, tax and jurisdiction, and the cents given to the rows (docs/TAX.md section 5).
 */
#include "pipeline/outside_answers.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const struct toll_tax_outside *o, uint32_t id)
{
    return toll_strings_text(&o->strings, id, NULL);
}

static uint32_t id_of(struct toll_tax_outside *o, const char *text)
{
    return toll_strings_add(&o->strings, text, strlen(text));
}

/* ---- components to rows ---- */

static struct toll_answer_row *row_of(struct toll_tax_outside *o, const struct toll_sent *sent,
                                      const struct toll_answer *answer)
{
    char rate[TOLL_RATIONAL_TEXT_BYTES], key[TOLL_RATIONAL_TEXT_BYTES + 200];
    struct toll_answer_row row = {.period = sent->period,
                                  .account = sent->account,
                                  .site = sent->site,
                                  .currency = sent->currency,
                                  .jurisdiction = id_of(o, answer->jurisdiction),
                                  .level = id_of(o, answer->level),
                                  .tax = id_of(o, answer->tax),
                                  .name = id_of(o, answer->name),
                                  .category = id_of(o, answer->category),
                                  .kind = id_of(o, answer->kind),
                                  .billable = answer->billable,
                                  .surcharge = answer->surcharge,
                                  .last_sent = -1,
                                  .rate = answer->rate};
    size_t bytes;
    uint32_t id;

    toll_rational_text(&answer->rate, rate);
    bytes = (size_t)snprintf(key, sizeof(key), "%u %u %u %u %u %u %d %d", row.period, row.account,
                             row.currency, row.jurisdiction, row.level, row.tax, row.billable, row.surcharge);
    row.group = toll_strings_add(&o->group_keys, key, bytes);
    bytes += (size_t)snprintf(key + bytes, sizeof(key) - bytes, " %u %u %s", row.site, row.kind, rate);
    id = toll_strings_add(&o->row_keys, key, bytes);
    if (id == 0 || row.group == 0 || row.kind == 0 || row.category == 0 || row.name == 0)
        return NULL;
    if (id <= o->row_count)
        return &o->rows[id - 1];
    if (o->row_count == o->row_room) {
        const size_t room = o->row_room == 0 ? 64 : o->row_room * 2;
        void *grown = realloc(o->rows, room * sizeof(*o->rows));
        if (grown == NULL)
            return NULL;
        o->rows = grown;
        o->row_room = room;
    }
    toll_rational_zero(&row.tax_sum);
    toll_rational_zero(&row.base);
    toll_rational_zero(&row.exempt);
    o->rows[o->row_count] = row;
    return &o->rows[o->row_count++];
}

int toll_answer_add(struct toll_tax_outside *o, struct toll_sent *sent, const struct toll_answer *answer,
                    struct toll_error *error)
{
    struct toll_answer_row *row = row_of(o, sent, answer);

    if (row == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    if (!toll_rational_add(&row->tax_sum, &row->tax_sum, &answer->tax_amount) ||
        !toll_rational_add(&row->base, &row->base, &answer->base) ||
        !toll_rational_add(&row->exempt, &row->exempt, &answer->exempt))
        return toll_error_set(error, TOLL_EDATA, "%s: the sum of tax %.40s is out of range", o->file,
                              answer->tax);
    if (row->last_sent != sent - o->sent) {
        row->last_sent = sent - o->sent;
        row->lines++;
    }
    return 0;
}

/* ---- cents ---- */

static int compare_texts(const struct toll_tax_outside *o, uint32_t a, uint32_t b)
{
    return a == b ? 0 : strcmp(text_of(o, a), text_of(o, b));
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct toll_tax_outside *o = context;
    const struct toll_answer_row *x = a, *y = b;
    int order = compare_texts(o, x->period, y->period);

    if (order == 0)
        order = compare_texts(o, x->account, y->account);
    if (order == 0)
        order = compare_texts(o, x->site, y->site);
    if (order == 0)
        order = compare_texts(o, x->jurisdiction, y->jurisdiction);
    if (order == 0)
        order = compare_texts(o, x->tax, y->tax);
    if (order == 0)
        order = toll_rational_compare(&x->rate, &y->rate);
    if (order == 0)
        order = compare_texts(o, x->kind, y->kind);
    if (order == 0)
        order = compare_texts(o, x->level, y->level);
    return order != 0 ? order : (x->group > y->group) - (x->group < y->group);
}

struct share {
    uint32_t group, row;
    struct toll_rational rest;
};

static int compare_shares(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    const int rests = toll_rational_compare(&y->rest, &x->rest); /* the largest first */
    return rests != 0 ? rests : (x->row > y->row) - (x->row < y->row);
}

/* One group, whose shares stand side by side, the largest rest first. */
static bool give_cents(struct toll_tax_outside *o, const struct share *shares, size_t count)
{
    struct toll_rational sum;
    int64_t cents, given = 0;

    toll_rational_zero(&sum);
    for (size_t i = 0; i < count; i++) {
        struct toll_answer_row *row = &o->rows[shares[i].row];
        if (!toll_rational_add(&sum, &sum, &row->tax_sum))
            return false;
        given += row->cents;
    }
    if (!toll_rational_round(&sum, 2, TOLL_HALF_UP, &cents))
        return false;
    for (size_t i = 0; i < count && given < cents; i++, given++)
        o->rows[shares[i].row].cents++;
    TOLL_ASSERT(given == cents); /* each row is less than a cent above what it got */
    return true;
}

static int share_cents(struct toll_tax_outside *o, struct toll_error *error)
{
    struct share *shares = calloc(o->row_count + 1, sizeof(*shares));
    bool ok = true;

    if (shares == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    for (size_t i = 0; ok && i < o->row_count; i++) {
        struct toll_rational whole;
        shares[i] = (struct share){.group = o->rows[i].group, .row = (uint32_t)i};
        ok = toll_rational_floor(&o->rows[i].tax_sum, 2, &o->rows[i].cents);
        toll_rational_of(&whole, o->rows[i].cents, 100);
        ok = ok && toll_rational_subtract(&shares[i].rest, &o->rows[i].tax_sum, &whole);
    }
    if (ok && o->row_count > 0)
        qsort(shares, o->row_count, sizeof(*shares), compare_shares);
    for (size_t first = 0, end; ok && first < o->row_count; first = end) {
        for (end = first + 1; end < o->row_count && shares[end].group == shares[first].group;)
            end++;
        ok = give_cents(o, shares + first, end - first);
    }
    free(shares);
    return ok ? 0 : toll_error_set(error, TOLL_EDATA, "a sum of the responses is out of range");
}

/* ---- accounts ---- */

struct account_sums {
    uint32_t account, currency;
    int64_t items, answered, cents, other_cents;
    toll_total charge;
    struct toll_rational tax, other;
};

static int compare_accounts(const void *a, const void *b, void *context)
{
    const struct account_sums *x = a, *y = b;
    const int order = compare_texts(context, x->account, y->account);
    return order != 0 ? order : compare_texts(context, x->currency, y->currency);
}

static struct account_sums *sums_of(struct account_sums *sums, size_t *count, struct toll_strings *keys,
                                    uint32_t account, uint32_t currency)
{
    char key[32];
    const size_t bytes = (size_t)snprintf(key, sizeof(key), "%u %u", account, currency);
    const uint32_t id = toll_strings_add(keys, key, bytes);

    if (id == 0)
        return NULL;
    if (id > *count) {
        sums[*count] = (struct account_sums){.account = account, .currency = currency};
        toll_rational_zero(&sums[*count].tax);
        toll_rational_zero(&sums[*count].other);
        ++*count;
    }
    return &sums[id - 1];
}

static const char *kept_text(struct toll_tax_outside *o, const struct toll_rational *value)
{
    char text[TOLL_RATIONAL_TEXT_BYTES];
    const size_t bytes = toll_rational_text(value, text);
    return toll_arena_copy(&o->arena, text, bytes);
}

static bool fill_account(struct toll_tax_outside *o, const struct account_sums *sums,
                         struct toll_tax_outside_account *out, int decimals)
{
    char charge[TOLL_TOTAL_TEXT_BYTES];
    const size_t bytes = toll_total_format(sums->charge, decimals, charge);

    *out = (struct toll_tax_outside_account){.account = text_of(o, sums->account),
                                             .currency = text_of(o, sums->currency),
                                             .items = sums->items,
                                             .answered = sums->answered,
                                             .charge = toll_arena_copy(&o->arena, charge, bytes),
                                             .tax_exact = kept_text(o, &sums->tax),
                                             .other_exact = kept_text(o, &sums->other),
                                             .tax_cents = sums->cents,
                                             .other_cents = sums->other_cents};
    return out->charge != NULL && out->tax_exact != NULL && out->other_exact != NULL;
}

static bool sum_accounts(struct toll_tax_outside *o, struct account_sums *sums, size_t *count)
{
    struct toll_strings keys = {0};
    bool ok = true;

    for (size_t i = 0; ok && i < o->sent_count; i++) {
        struct account_sums *one = sums_of(sums, count, &keys, o->sent[i].account, o->sent[i].currency);
        ok = one != NULL;
        if (ok) {
            one->items++;
            one->answered += o->sent[i].document != 0;
            one->charge += o->sent[i].charge;
        }
    }
    for (size_t i = 0; ok && i < o->row_count; i++) {
        const struct toll_answer_row *row = &o->rows[i];
        struct account_sums *one = sums_of(sums, count, &keys, row->account, row->currency);
        struct toll_rational *sum = one == NULL ? NULL : row->billable ? &one->tax : &one->other;
        ok = sum != NULL && toll_rational_add(sum, sum, &row->tax_sum);
        if (ok && row->billable)
            one->cents += row->cents;
        else if (ok)
            one->other_cents += row->cents;
    }
    toll_strings_free(&keys);
    return ok;
}

static int make_accounts(struct toll_tax_outside *o, struct toll_error *error)
{
    /* At most as many as lines: each row is of a line that was sent. */
    struct account_sums *sums = calloc(o->sent_count + 1, sizeof(*sums));
    size_t count = 0;
    bool ok = sums != NULL && sum_accounts(o, sums, &count);

    if (ok && count > 0)
        qsort_r(sums, count, sizeof(*sums), compare_accounts, o);
    o->accounts = calloc(count + 1, sizeof(*o->accounts));
    ok = ok && o->accounts != NULL;
    for (size_t i = 0; ok && i < count; i++)
        ok = fill_account(o, &sums[i], &o->accounts[i], toll_outside_decimals(o->options->engine));
    o->account_count = ok ? count : 0;
    free(sums);
    return ok ? 0 : toll_error_set(error, TOLL_ENOMEM, "out of memory for the sums of accounts");
}

int toll_answer_finish(struct toll_tax_outside *o, struct toll_error *error)
{
    int code;

    toll_strings_free(&o->row_keys);
    toll_strings_free(&o->group_keys);
    if (o->row_count > 0)
        qsort_r(o->rows, o->row_count, sizeof(*o->rows), compare_rows, o);
    code = share_cents(o, error);
    for (size_t i = 0; code == 0 && i < o->row_count; i++) {
        struct toll_answer_row *row = &o->rows[i];
        row->base_text = kept_text(o, &row->base);
        row->exempt_text = kept_text(o, &row->exempt);
        row->rate_text = kept_text(o, &row->rate);
        row->tax_text = kept_text(o, &row->tax_sum);
        if (row->base_text == NULL || row->exempt_text == NULL || row->rate_text == NULL ||
            row->tax_text == NULL)
            code = toll_error_set(error, TOLL_ENOMEM, "out of memory");
    }
    return code == 0 ? make_accounts(o, error) : code;
}

/* ---- what callers see ---- */

bool toll_tax_outside_register(struct toll_tax_outside *o, int64_t index, struct toll_tax_register_row *out)
{
    if (index < 0 || (size_t)index >= o->row_count)
        return false;
    const struct toll_answer_row *row = &o->rows[index];
    char lines[32];
    snprintf(lines, sizeof(lines), "%lld", (long long)row->lines);
    const char *kept = toll_arena_copy(&o->arena, lines, strlen(lines));
    *out = (struct toll_tax_register_row){.period = text_of(o, row->period),
                                          .account = text_of(o, row->account),
                                          .site = text_of(o, row->site),
                                          .currency = text_of(o, row->currency),
                                          .tax_jurisdiction = text_of(o, row->jurisdiction),
                                          .level = text_of(o, row->level),
                                          .tax = text_of(o, row->tax),
                                          .name = text_of(o, row->name),
                                          .category = text_of(o, row->category),
                                          .kind = text_of(o, row->kind),
                                          .billable = row->billable,
                                          .surcharge = row->surcharge,
                                          .lines = kept != NULL ? kept : "",
                                          .base = row->base_text,
                                          .exempt = row->exempt_text,
                                          .rate = row->rate_text,
                                          .tax_exact = row->tax_text,
                                          .tax_cents = row->cents};
    out->report_period = o->report_period != NULL ? o->report_period : out->period;
    return true;
}

bool toll_tax_outside_account(struct toll_tax_outside *o, int64_t index, struct toll_tax_outside_account *out)
{
    if (index < 0 || (size_t)index >= o->account_count)
        return false;
    *out = o->accounts[index];
    return true;
}
