/* The small files of a run: what makes its ids mean something without us. */
#include "pipeline/rate.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

const char *toll_unit_name(unsigned service)
{
    static const char *const names[TOLL_SERVICES] = {"s", "message", "message", "byte", "event"};
    return service < TOLL_SERVICES ? names[service] : "";
}

void toll_price_describe(const struct toll_book *book, int32_t price, unsigned services,
                         struct toll_price_row *row)
{
    static const char *const kinds[] = {"deck", "flat", "free", "markup", "builtin"};
    static const char *const columns[] = {"rate", "rate_inter", "rate_intra", "rate_indeterminate"};
    const struct toll_price_origin *origin = &book->origins[price];
    const struct toll_terms *terms = &book->terms[book->price_terms[price]];
    const unsigned service = services == 0 ? TOLL_VOICE : (unsigned)__builtin_ctz(services);
    *row = (struct toll_price_row){
        .id = price,
        .kind = kinds[origin->kind],
        .plan = origin->plan == 0 ? "" : toll_book_string(book, book->plans[origin->plan].plan),
        .deck = origin->deck == 0 ? "" : toll_book_string(book, book->decks[origin->deck].name),
        .prefix = toll_book_string(book, origin->key),
        .destination = toll_book_string(book, origin->destination),
        .band = origin->band == 0 ? "" : toll_book_string(book, book->band_names[origin->band]),
        .unit = toll_unit_name(service),
        .rate = terms->rate,
        .per_units = terms->per,
        .connect_fee = terms->connect_fee,
        .file = toll_book_string(book, origin->file),
        .line = (int32_t)origin->line,
        .step = origin->step,
        .column = origin->kind == TOLL_PRICE_DECK ? columns[origin->column] : "",
    };
}

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the run's tables");
}

static int write_accounts(struct toll_run_writer *writer, const struct toll_book *book,
                          struct toll_error *error)
{
    struct toll_account_row *rows = calloc(book->account_count + 1u, sizeof *rows);
    if (rows == NULL)
        return no_memory(error);
    int64_t count = 0;
    for (uint32_t id = 1; id < book->account_count; id++) {
        const struct toll_account *account = &book->accounts[id];
        rows[count++] = (struct toll_account_row){
            .id = (int32_t)id,
            .account = toll_book_string(book, account->account),
            .name = toll_book_string(book, account->name),
            .currency = toll_book_string(book, account->currency),
        };
    }
    const int rc = toll_run_add_accounts(writer, rows, count, error);
    free(rows);
    return rc;
}

static int write_prices(struct toll_run_writer *writer, const struct toll_book *book,
                        const struct toll_tally *tally, struct toll_error *error)
{
    int64_t count = 0;
    for (uint32_t price = 1; price < book->price_count; price++)
        count += toll_tally_price_services(tally, price) != 0;
    struct toll_price_row *rows = calloc((size_t)count + 1, sizeof *rows);
    if (rows == NULL)
        return no_memory(error);
    count = 0;
    for (uint32_t price = 1; price < book->price_count; price++) {
        const unsigned services = toll_tally_price_services(tally, price);
        if (services != 0)
            toll_price_describe(book, (int32_t)price, services, &rows[count++]);
    }
    const int rc = toll_run_add_prices(writer, rows, count, error);
    free(rows);
    return rc;
}

static int by_account_site(const void *a, const void *b)
{
    const struct toll_bucket_row *x = a, *y = b;
    if (x->account != y->account)
        return x->account < y->account ? -1 : 1;
    return strcmp(x->site, y->site);
}

static int write_buckets(struct toll_run_writer *writer, const struct toll_book *book,
                         const struct toll_tally *tally, struct toll_error *error)
{
    struct toll_bucket_row *rows = calloc(book->bucket_count + 1u, sizeof *rows);
    if (rows == NULL)
        return no_memory(error);
    int64_t count = 0;
    int rc = 0;
    for (uint32_t i = 1; i < book->bucket_count && rc == 0; i++) {
        const struct toll_tally_bucket *bucket = &tally->buckets[i];
        const struct toll_bucket_key *key = &book->buckets[i];
        if (bucket->rows == 0)
            continue;
        struct toll_bucket_row *row = &rows[count++];
        *row = (struct toll_bucket_row){
            .account = key->account,
            .site = key->site == 0 ? "" : toll_book_string(book, book->sites[key->site].site),
            .count = bucket->rows,
            .units = bucket->units,
        };
        if (!toll_money_narrow(toll_tally_charge(bucket), &row->charge))
            rc = toll_error_set(
                error, TOLL_EDATA,
                "the charges of account %s at one site add up to more than 92 billion %s; rate "
                "fewer days at a time",
                toll_book_string(book, book->accounts[key->account].account),
                toll_book_string(book, book->accounts[key->account].currency));
    }
    if (rc == 0) {
        qsort(rows, (size_t)count, sizeof *rows, by_account_site);
        rc = toll_run_add_buckets(writer, rows, count, error);
    }
    free(rows);
    return rc;
}

static int write_periods(struct toll_run_writer *writer, const struct toll_tally *tally,
                         struct toll_error *error)
{
    const size_t count = tally->periods.count;
    if (count == 0)
        return 0;
    struct toll_period_row *rows = calloc(count, sizeof *rows);
    if (rows == NULL)
        return no_memory(error);
    for (size_t i = 0; i < count; i++)
        rows[i] = tally->periods.entries[i].row;
    const int rc = toll_run_add_periods(writer, rows, (int64_t)count, error);
    free(rows);
    return rc;
}

int toll_run_write_tables(struct toll_run_writer *writer, const struct toll_book *book,
                          const struct toll_tally *tally, struct toll_error *error)
{
    int rc = toll_run_add_file(writer, "book.image", book->image, book->image_bytes, error);
    if (rc == 0)
        rc = write_accounts(writer, book, error);
    if (rc == 0)
        rc = write_prices(writer, book, tally, error);
    if (rc == 0)
        rc = write_buckets(writer, book, tally, error);
    if (rc == 0)
        rc = write_periods(writer, tally, error);
    return rc;
}
