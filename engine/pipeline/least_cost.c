/*
 * Which vendor would have been the cheapest: the buy plans of all carriers price the same calls, by the row
 * path, and the sums stand side by side by destination. What was paid comes from the run's lines.
 */
#include "base/check.h"
#include "base/error.h"
#include "pipeline/cost.h"
#include "pipeline/run_reader.h"

#include <stdlib.h>
#include <string.h>

#define VENDORS_MAX 255 /* carriers of a dataset are few; a book may name more */

struct least_cost {
    struct toll_run *run;
    const struct toll_rater *rater;
    struct toll_band_cursor *cursors;
    uint32_t vendors[VENDORS_MAX]; /* 1 + index of the named carrier */
    const char *names[VENDORS_MAX];
    int vendor_count;
    int32_t *currencies;      /* by account id of the run: id of the rater's cost rules, -1 not among them */
    struct toll_strings keys; /* destination and currency -> 1 + row */
    struct toll_least_cost_row *rows;
    struct toll_least_cost_offer *offers; /* [row * vendor_count + vendor] */
    size_t count, room;
    int64_t calls;
};

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the costs by vendor");
}

/* ---- what is asked ---- */

static int find_vendors(struct least_cost *all, const char *run_path, struct toll_error *error)
{
    const struct toll_book *book = all->rater->book;
    const struct toll_named *carriers = book->named[TOLL_NAMED_CARRIER];
    for (uint32_t i = 0; i < book->named_count[TOLL_NAMED_CARRIER]; i++) {
        if (carriers[i].buy_span_count == 0)
            continue;
        if (all->vendor_count == VENDORS_MAX)
            return toll_error_set(error, TOLL_EBOOK, "%s: its book gives buy plans to more than %d carriers",
                                  run_path, VENDORS_MAX);
        all->names[all->vendor_count] = toll_book_string(book, carriers[i].text);
        all->vendors[all->vendor_count++] = 1 + i;
    }
    return all->vendor_count > 0
               ? 0
               : toll_error_set(error, TOLL_EBOOK,
                                "%s: its book gives no carrier a buy plan; add rows like carrier:NAME,PLAN "
                                "with side buy to assignments.csv and rate again",
                                run_path);
}

static int find_currencies(struct least_cost *all, struct toll_error *error)
{
    const struct toll_run_tables *tables = &toll_run_inside(all->run)->tables;
    const struct toll_cost_rules *rules = all->rater->cost;
    all->currencies = calloc((size_t)tables->account_count + 1, sizeof *all->currencies);
    if (all->currencies == NULL)
        return no_memory(error);
    for (int64_t id = 1; id < tables->account_count; id++) {
        uint32_t i = 0;
        while (i < rules->currency_count && strcmp(rules->currency[i], tables->accounts[id].currency) != 0)
            i++;
        all->currencies[id] = i < rules->currency_count ? (int32_t)i : -1;
    }
    return 0;
}

/* Is a row one of the calls that are compared? */
static bool is_compared(const struct least_cost *all, const struct toll_reader_row *at)
{
    const uint16_t kind = at->row.kind;
    const int32_t account = at->lines->account[at->index];
    return (kind & (TOLL_KIND_IN | TOLL_KIND_CONFLICT | TOLL_KIND_CREDIT)) == 0 &&
           (toll_kind_service(kind) != TOLL_VOICE || (kind & TOLL_KIND_ANSWERED) != 0) &&
           toll_feed_role(all->rater->book, at->row.carrier) == TOLL_FEED_BILL &&
           all->currencies[account] >= 0;
}

/* ---- rows of the answer ---- */

static bool grow(struct least_cost *all)
{
    const size_t room = all->room == 0 ? 64 : 2 * all->room, vendors = (size_t)all->vendor_count;
    struct toll_least_cost_row *rows = realloc(all->rows, room * sizeof *rows);
    if (rows != NULL)
        all->rows = rows;
    struct toll_least_cost_offer *offers = realloc(all->offers, room * vendors * sizeof *offers);
    if (offers != NULL)
        all->offers = offers;
    if (rows == NULL || offers == NULL)
        return false;
    all->room = room;
    return true;
}

/* Index of the row, or -1: out of memory. Names are the run's. */
static int64_t row_of(struct least_cost *all, const char *destination, const char *currency)
{
    char text[512];
    const size_t bytes = strnlen(destination, sizeof text - 16), money = strnlen(currency, 8);
    memcpy(text, destination, bytes);
    text[bytes] = 0;
    memcpy(text + bytes + 1, currency, money);
    const uint32_t known = all->keys.count, id = toll_strings_add(&all->keys, text, bytes + 1 + money);
    if (id == 0 || (all->keys.count > known && all->count == all->room && !grow(all)))
        return -1;
    if (all->keys.count > known) {
        const size_t vendors = (size_t)all->vendor_count;
        all->rows[all->count] =
            (struct toll_least_cost_row){.destination = destination, .currency = currency};
        memset(&all->offers[all->count * vendors], 0, vendors * sizeof *all->offers);
        all->count++;
    }
    return (int64_t)id - 1;
}

static const char *destination_of(struct toll_run *run, const struct toll_line_batch *lines, int64_t i)
{
    const struct toll_price_row *sell = toll_run_price(run, lines->price[i]);
    if (sell != NULL && sell->destination[0] != 0)
        return sell->destination;
    const struct toll_price_row *buy =
        lines->cost_price == NULL ? NULL : toll_run_price(run, lines->cost_price[i]);
    return buy == NULL ? "" : buy->destination;
}

/* ---- one call ---- */

static bool compare(struct least_cost *all, const struct toll_reader_row *at)
{
    const struct toll_book *book = all->rater->book;
    const struct toll_cost_rules *rules = all->rater->cost;
    const struct toll_line_batch *lines = at->lines;
    const int64_t i = at->index;
    const uint32_t to = (uint32_t)all->currencies[lines->account[i]];
    const int64_t index = row_of(all, destination_of(all->run, lines, i), rules->currency[to]);
    if (index < 0)
        return false;
    struct toll_row_answer sell = {
        .class_ = (enum toll_class)(lines->class_jurisdiction[i] >> 4),
        .jurisdiction = (enum toll_call_jurisdiction)(lines->class_jurisdiction[i] & 15),
    };
    toll_payer_find(all->rater, &at->row, &sell.payer);
    struct toll_least_cost_row *row = &all->rows[index];
    row->calls++;
    row->duration_ms += at->row.duration_ms;
    if (lines->cost != NULL && toll_cost_takes_part(lines->cost_status[i]) &&
        lines->cost_status[i] < TOLL_SUSPENSE_FIRST) {
        row->known++;
        toll_sum_add(&row->actual, lines->cost[i]);
    }
    for (int v = 0; v < all->vendor_count; v++) {
        struct toll_least_cost_offer *offer = &all->offers[index * all->vendor_count + v];
        struct toll_cost_answer answer = {0};
        const int32_t plan = toll_buy_plan_of_carrier(book, all->vendors[v], at->row.start);
        if (plan == 0)
            continue;
        toll_row_cost_by(all->rater, all->cursors, &at->row, &sell, plan, NULL, &answer, to);
        if (answer.status >= TOLL_SUSPENSE_FIRST)
            continue;
        offer->calls++;
        toll_sum_add(&offer->cost, answer.cost);
    }
    all->calls++;
    return true;
}

/* ---- the answer ---- */

static toll_total total_of(struct toll_sum sum)
{
    return (toll_total)(((unsigned __int128)(uint64_t)sum.high << 64) | sum.low);
}
static struct toll_sum sum_of(toll_total total)
{
    return (struct toll_sum){.low = (uint64_t)total, .high = (int64_t)(total >> 64)};
}

static void choose(struct least_cost *all)
{
    for (size_t r = 0; r < all->count; r++) {
        struct toll_least_cost_row *row = &all->rows[r];
        row->offers = &all->offers[r * (size_t)all->vendor_count];
        row->cheapest = -1;
        for (int v = 0; v < all->vendor_count; v++)
            if (row->offers[v].calls == row->calls &&
                (row->cheapest < 0 ||
                 total_of(row->offers[v].cost) < total_of(row->offers[row->cheapest].cost)))
                row->cheapest = v;
        if (row->cheapest >= 0 && row->known == row->calls)
            row->saved = sum_of(total_of(row->actual) - total_of(row->offers[row->cheapest].cost));
    }
}

static int by_calls(const void *a, const void *b)
{
    const struct toll_least_cost_row *x = a, *y = b;
    if (x->calls != y->calls)
        return x->calls > y->calls ? -1 : 1;
    const int names = strcmp(x->destination, y->destination);
    return names != 0 ? names : strcmp(x->currency, y->currency);
}

static void free_all(struct least_cost *all)
{
    if (all == NULL)
        return;
    toll_run_close(all->run);
    toll_strings_free(&all->keys);
    free(all->cursors);
    free(all->currencies);
    free(all->rows);
    free(all->offers);
    free(all);
}

static int walk(struct least_cost *all, const struct toll_progress *progress, struct toll_error *error)
{
    struct toll_reader_row at;
    const int64_t rows = toll_run_inside(all->run)->manifest.rows;
    int64_t done = 0;
    int more;
    while ((more = toll_run_next_row(all->run, &at, error)) > 0) {
        if (is_compared(all, &at) && !compare(all, &at))
            return no_memory(error);
        if ((++done & 0xffff) == 0 && progress->tick != NULL)
            progress->tick(progress->context, "comparing", done, rows, "rows");
    }
    return more;
}

int toll_least_cost(const struct toll_least_cost_options *options, struct toll_least_cost_report *out,
                    struct toll_error *error)
{
    memset(out, 0, sizeof *out);
    struct least_cost *all = calloc(1, sizeof *all);
    if (all == NULL)
        return no_memory(error);
    int rc = toll_run_open(options->run_path, options->dataset_path, &all->run, error);
    if (rc == 0) {
        all->rater = toll_run_rater(all->run);
        all->cursors = calloc(all->rater->book->deck_count + 1u, sizeof *all->cursors);
        rc = all->cursors == NULL ? no_memory(error) : find_vendors(all, options->run_path, error);
    }
    if (rc == 0)
        rc = find_currencies(all, error);
    if (rc == 0)
        rc = walk(all, &options->progress, error);
    if (rc != 0) {
        free_all(all);
        return rc;
    }
    choose(all);
    if (all->count > 1)
        qsort(all->rows, all->count, sizeof *all->rows, by_calls);
    *out = (struct toll_least_cost_report){
        .vendors = all->names,
        .vendor_count = all->vendor_count,
        .rows = all->rows,
        .count = all->count,
        .calls = all->calls,
        .owned = all,
    };
    return 0;
}

void toll_least_cost_free(struct toll_least_cost_report *report)
{
    free_all(report->owned);
    memset(report, 0, sizeof *report);
}
