/* The small files of a run: what makes its ids mean something without us. */
#include "pipeline/rate.h"

#include "base/error.h"
#include "base/large.h"
#include "ratetable/sort.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

const char *toll_unit_name(unsigned service)
{
    static const char *const names[TOLL_SERVICES] = {"s", "message", "message", "byte", "event"};
    return service < TOLL_SERVICES ? names[service] : "";
}

const char *toll_service_name(unsigned service)
{
    static const char *const names[TOLL_SERVICES] = {"voice", "sms", "mms", "data", "event"};
    return service < TOLL_SERVICES ? names[service] : "";
}

void toll_price_describe(const struct toll_book *book, int32_t price, unsigned services,
                         struct toll_price_row *row)
{
    static const char *const kinds[] = {"deck", "flat", "free", "markup", "builtin", "tiers"};
    static const char *const columns[] = {"rate", "rate_inter", "rate_intra", "rate_indeterminate"};
    const struct toll_price_origin origin = toll_book_origin(book, (uint32_t)price);
    const struct toll_terms *terms = &book->terms[book->price_terms[price]];
    const unsigned service = services == 0 ? TOLL_VOICE : (unsigned)__builtin_ctz(services);
    *row = (struct toll_price_row){
        .id = price,
        .kind = kinds[origin.kind],
        .plan = origin.plan == 0 ? "" : toll_book_string(book, book->plans[origin.plan].plan),
        .deck = origin.deck == 0 ? "" : toll_book_string(book, book->decks[origin.deck].name),
        .prefix = toll_book_string(book, origin.key),
        .destination = toll_book_string(book, origin.destination),
        .band = origin.band == 0 ? "" : toll_book_string(book, book->band_names[origin.band]),
        .unit = toll_unit_name(service),
        .rate = terms->rate,
        .per_units = terms->per,
        .connect_fee = terms->connect_fee,
        .file = toll_book_string(book, origin.file),
        .line = (int32_t)origin.line,
        .step = origin.step,
        .column = origin.kind == TOLL_PRICE_DECK ? columns[origin.column] : "",
    };
}

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the run's tables");
}

/* ---- books ---- */

int toll_run_write_image(struct toll_run_writer *writer, const uint8_t *image, size_t bytes,
                         struct toll_error *error)
{
    return toll_run_add_lasting_file(writer, "book.image", image, bytes, error);
}

/* The earlier run's books are the same bytes under the name that they have among more of them. */
int toll_run_write_older_books(struct toll_run_writer *writer, const struct toll_merge *merge,
                               struct toll_error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && merge != NULL && i + 1 < merge->book_count; i++) {
        char old_name[TOLL_RUN_BOOK_NAME_BYTES], name[TOLL_RUN_BOOK_NAME_BYTES];
        struct toll_blob image;
        toll_run_book_name(i, merge->book_count - 1, old_name);
        toll_run_book_name(i, merge->book_count, name);
        rc = toll_run_files_read(&merge->old, old_name, &image, error);
        if (rc != 0)
            break;
        rc = toll_run_add_file(writer, name, image.data, image.size, error);
        toll_blob_free(&image);
    }
    return rc;
}

/* ---- accounts ---- */

static int write_accounts(struct toll_run_writer *writer, const struct toll_book *book,
                          const struct toll_merge *merge, struct toll_error *error)
{
    if (merge != NULL)
        return toll_run_add_accounts(writer, merge->accounts, merge->account_count, error);
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

/* ---- buckets ---- */

static int by_account_site(const void *a, const void *b)
{
    const struct toll_bucket_row *x = a, *y = b;
    if (x->account != y->account)
        return x->account < y->account ? -1 : 1;
    const int sites = strcmp(x->site, y->site);
    return sites != 0 ? sites : (x->tuple > y->tuple) - (x->tuple < y->tuple);
}

static int too_much(const char *account, const char *currency, struct toll_error *error)
{
    return toll_error_set(error, TOLL_EDATA,
                          "the charges of account %s at one site add up to more than 92 billion %s; rate "
                          "fewer days at a time",
                          account, currency);
}

static int describe_bucket(const struct toll_book *book, const struct toll_tally *tally,
                           const struct toll_merge *merge, size_t slot, struct toll_bucket_row *row,
                           struct toll_error *error)
{
    const struct toll_tally_bucket *bucket = &tally->buckets[slot];
    const struct toll_bucket_key *key = &book->buckets[toll_tally_slot_bucket(tally, book, slot)];
    const int32_t tuple = toll_tally_slot_tuple(tally, book, slot);
    const int32_t shift = merge == NULL ? 0 : merge->books[merge->book_count - 1].tuple_shift;
    *row = (struct toll_bucket_row){
        .account = merge == NULL ? key->account : merge->account_ids[key->account],
        .site = key->site == 0 ? "" : toll_book_string(book, book->sites[key->site].site),
        .tuple = tuple == 0 ? 0 : shift + tuple,
        .count = bucket->rows,
        .units = bucket->units,
    };
    if (toll_money_narrow(toll_tally_charge(bucket), &row->charge))
        return 0;
    const struct toll_account *account = &book->accounts[key->account];
    return too_much(toll_book_string(book, account->account), toll_book_string(book, account->currency),
                    error);
}

/* The next slot from `slot` on that has rows; slots: there is none. */
static size_t next_slot(const struct toll_book *book, const struct toll_tally *tally, size_t slot,
                        size_t slots)
{
    while (slot < slots && (tally->buckets[slot].rows == 0 || toll_tally_slot_bucket(tally, book, slot) == 0))
        slot++;
    return slot;
}

static int list_buckets(const struct toll_book *book, const struct toll_tally *tally,
                        const struct toll_merge *merge, struct toll_bucket_row *rows, int64_t *count,
                        struct toll_error *error)
{
    const size_t slots = toll_tally_slots(tally, book);
    int rc = 0;
    for (size_t slot = next_slot(book, tally, 1, slots); rc == 0 && slot < slots;
         slot = next_slot(book, tally, slot + 1, slots))
        rc = describe_bucket(book, tally, merge, slot, &rows[(*count)++], error);
    return rc;
}

/* ---- without an earlier run: in order at once ---- */

struct place {
    const struct toll_book *book;
    uint32_t bucket;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    const struct toll_book *book = x->book;
    const struct toll_bucket_key *left = &book->buckets[x->bucket], *right = &book->buckets[y->bucket];
    if (left->account != right->account)
        return left->account < right->account ? -1 : 1;
    return strcmp(left->site == 0 ? "" : toll_book_string(book, book->sites[left->site].site),
                  right->site == 0 ? "" : toll_book_string(book, book->sites[right->site].site));
}

/* By bucket of the book, in the order of account and site; those that are alike have one place. */
static bool find_places(const struct toll_book *book, uint32_t *places)
{
    struct place *order = malloc((book->bucket_count + (size_t)1) * sizeof *order);
    bool sorted = true;
    if (order == NULL)
        return false;
    for (uint32_t i = 0; i < book->bucket_count; i++) {
        order[i] = (struct place){book, i};
        sorted = sorted && (i == 0 || compare_places(&order[i - 1], &order[i]) <= 0);
    }
    if (!sorted)
        qsort(order, book->bucket_count, sizeof *order, compare_places);
    for (uint32_t i = 0, place = 0; i < book->bucket_count; i++) {
        place += i > 0 && compare_places(&order[i - 1], &order[i]) != 0;
        places[order[i].bucket] = place;
    }
    free(order);
    return true;
}

static int make_own_buckets(const struct toll_book *book, const struct toll_tally *tally,
                            struct toll_bucket_row *rows, int64_t room, int64_t *count,
                            struct toll_error *error)
{
    const size_t slots = toll_tally_slots(tally, book);
    struct toll_sort_pair *pairs = malloc(((size_t)room + 1) * sizeof *pairs);
    uint32_t *places = malloc((book->bucket_count + (size_t)1) * sizeof *places);
    int64_t found = 0;
    bool good = pairs != NULL && places != NULL && find_places(book, places);
    for (size_t slot = next_slot(book, tally, 1, slots); good && slot < slots;
         slot = next_slot(book, tally, slot + 1, slots)) {
        const uint64_t place = places[toll_tally_slot_bucket(tally, book, slot)];
        pairs[found++] = (struct toll_sort_pair){
            .key = place << 32 | (uint32_t)toll_tally_slot_tuple(tally, book, slot), .index = (uint32_t)slot};
    }
    good = good && toll_sort_pairs(pairs, (size_t)found);
    int rc = good ? 0 : no_memory(error);
    for (*count = 0; rc == 0 && *count < found; ++*count)
        rc = describe_bucket(book, tally, NULL, pairs[*count].index, &rows[*count], error);
    free(pairs);
    free(places);
    return rc;
}

/* ---- with one ---- */

/* Sorted rows of one key become one: those of kept lines and of lines that were rated again. */
static int join_buckets(const struct toll_merge *merge, struct toll_bucket_row *rows, int64_t *count,
                        struct toll_error *error)
{
    int64_t joined = 0;
    for (int64_t i = 0; i < *count; i++) {
        struct toll_bucket_row *last = &rows[joined == 0 ? 0 : joined - 1];
        if (joined == 0 || by_account_site(last, &rows[i]) != 0) {
            rows[joined++] = rows[i];
            continue;
        }
        last->count += rows[i].count;
        last->units += rows[i].units;
        if (__builtin_add_overflow(last->charge, rows[i].charge, &last->charge)) {
            int64_t k = 0;
            while (merge->accounts[k].id != last->account)
                k++;
            return too_much(merge->accounts[k].account, merge->accounts[k].currency, error);
        }
    }
    *count = joined;
    return 0;
}

static int64_t count_buckets(const struct toll_book *book, const struct toll_tally *tally)
{
    const size_t slots = toll_tally_slots(tally, book);
    int64_t count = 0;
    for (size_t slot = 1; slot < slots; slot++)
        count += tally->buckets[slot].rows != 0;
    return count;
}

static int make_bucket_rows(const struct toll_book *book, const struct toll_tally *tally,
                            const struct toll_merge *merge, struct toll_bucket_row **out, int64_t *out_count,
                            struct toll_error *error)
{
    int64_t count = merge == NULL ? 0 : merge->bucket_count;
    const int64_t own = count_buckets(book, tally);
    struct toll_bucket_row *rows = toll_large_array((size_t)(count + own + 1) * sizeof *rows);
    if (rows == NULL)
        return no_memory(error);
    int rc;
    if (merge == NULL) {
        rc = make_own_buckets(book, tally, rows, own, &count, error);
    } else {
        if (count > 0)
            memcpy(rows, merge->buckets, (size_t)count * sizeof *rows);
        rc = list_buckets(book, tally, merge, rows, &count, error);
        if (rc == 0) {
            qsort(rows, (size_t)count, sizeof *rows, by_account_site);
            rc = join_buckets(merge, rows, &count, error);
        }
    }
    if (rc != 0)
        free(rows);
    *out = rc == 0 ? rows : NULL;
    *out_count = count;
    return rc;
}

static int write_buckets(struct toll_run_writer *writer, const struct toll_book *book,
                         const struct toll_tally *tally, const struct toll_merge *merge,
                         struct toll_error *error)
{
    struct toll_bucket_row *rows = NULL;
    int64_t count = 0;
    int rc = make_bucket_rows(book, tally, merge, &rows, &count, error);
    if (rc == 0)
        rc = toll_run_add_buckets(writer, rows, count, error);
    free(rows);
    return rc;
}

static int write_periods(struct toll_run_writer *writer, const struct toll_tally *tally,
                         const struct toll_merge *merge, struct toll_error *error)
{
    const size_t count = tally->periods.count;
    if (count == 0)
        return 0;
    struct toll_period_row *rows = calloc(count, sizeof *rows);
    if (rows == NULL)
        return no_memory(error);
    for (size_t i = 0; i < count; i++) {
        rows[i] = tally->periods.entries[i].row;
        if (merge != NULL)
            rows[i].account = merge->account_ids[rows[i].account];
    }
    const int rc = toll_run_add_periods(writer, rows, (int64_t)count, error);
    free(rows);
    return rc;
}

/* Tuples take as long as all else: in large runs they are written beside it. */
struct tuple_tables {
    struct toll_run_writer *writer;
    const struct toll_tally *tally;
    const struct toll_merge *merge;
    pthread_t thread;
    bool threaded;
    struct toll_error error;
    int rc;
};

static void *write_tuples(void *argument)
{
    struct tuple_tables *tables = argument;
    tables->rc = toll_run_write_tuples(tables->writer, tables->tally->tuples.tuples, tables->tally,
                                       tables->merge, &tables->error);
    return NULL;
}

static int end_tuples(struct tuple_tables *tables, int rc, struct toll_error *error)
{
    if (tables->threaded)
        pthread_join(tables->thread, NULL);
    else if (rc == 0)
        write_tuples(tables);
    if (rc == 0 && tables->rc != 0) {
        rc = tables->rc;
        if (error != NULL)
            *error = tables->error;
    }
    return rc;
}

int toll_run_write_tables(struct toll_run_writer *writer, const struct toll_book *book,
                          const struct toll_tally *tally, const struct toll_merge *merge,
                          const struct toll_pool_tables *pools, struct toll_error *error)
{
    struct tuple_tables tuples = {.writer = writer, .tally = tally, .merge = merge};
    tuples.threaded =
        toll_run_threads(writer) > 1 && pthread_create(&tuples.thread, NULL, write_tuples, &tuples) == 0;
    int rc = write_accounts(writer, book, merge, error);
    if (rc == 0)
        rc = toll_run_write_prices(writer, book, tally, merge, error);
    if (rc == 0)
        rc = write_buckets(writer, book, tally, merge, error);
    if (rc == 0)
        rc = write_periods(writer, tally, merge, error);
    rc = end_tuples(&tuples, rc, error);
    if (rc == 0 && pools->period_count > 0)
        rc = toll_run_add_pools(writer, pools->periods, pools->period_count, error);
    if (rc == 0 && pools->draw_count > 0)
        rc = toll_run_add_pool_draws(writer, pools->draws, pools->draw_count, error);
    if (rc == 0 && pools->count_count > 0)
        rc = toll_run_add_tier_counts(writer, pools->counts, pools->count_count, error);
    return rc;
}
