/*
 * The two runs of a delta. Ids of a run mean nothing outside of it: for each table there is a map from a
 * run's ids to ids that both share, made once by what the rows say. Where both runs have the same file none
 * is needed. Prices, tuples and books, which may be larger than all else, are read only if something asks.
 */
#include "pipeline/delta.h"
#include "pipeline/run_cdrs.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

int toll_delta_no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for what moved between the two runs");
}

/* ---- keys: the bytes of a row that count ---- */

static void price_key(struct toll_delta_key *key, const struct toll_price_row *row)
{
    const int64_t numbers[] = {row->rate, row->per_units, row->connect_fee, row->step};
    toll_delta_key_text(key, row->kind);
    toll_delta_key_text(key, row->plan);
    toll_delta_key_text(key, row->deck);
    toll_delta_key_text(key, row->prefix);
    toll_delta_key_text(key, row->band);
    toll_delta_key_text(key, row->column);
    toll_delta_key_put(key, numbers, sizeof numbers);
}

static void pool_key(struct toll_delta_key *key, const struct toll_pool_period_row *row)
{
    toll_delta_key_text(key, row->bundle);
    toll_delta_key_text(key, row->scope);
    toll_delta_key_text(key, row->account);
    toll_delta_key_text(key, row->site);
    toll_delta_key_text(key, row->number);
    toll_delta_key_text(key, row->pool);
}

static void component_key(struct toll_delta_key *key, const struct toll_component_row *row)
{
    const int32_t flags[] = {row->billable, row->surcharge, row->late};
    const char *const texts[] = {row->tax,
                                 row->tax_jurisdiction,
                                 row->level,
                                 row->category,
                                 row->name,
                                 row->kind,
                                 row->rate,
                                 row->base,
                                 row->exempt,
                                 row->per_charge,
                                 row->per_minute,
                                 row->taxed,
                                 row->taxed_per_minute,
                                 row->certificate};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        toll_delta_key_text(key, texts[i]);
    toll_delta_key_put(key, flags, sizeof flags);
}

/* All of a tuple but ids and where its rows stand in the book, and its components. */
static void tuple_key(struct toll_delta_key *key, const struct toll_tuple_row *row)
{
    const char *const texts[] = {row->period,         row->from,         row->area,    row->resolved,
                                 row->reason,         row->tax_services, row->service, row->jurisdiction,
                                 row->customer_class, row->sale,         row->seller,  row->origin,
                                 row->two_of_three};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        toll_delta_key_text(key, texts[i]);
}

/* ---- maps ---- */

static bool ids_make(struct toll_delta_ids *ids, int64_t limit)
{
    ids->limit = limit;
    ids->shared = malloc((size_t)limit * sizeof *ids->shared + 1);
    for (int64_t i = 0; ids->shared != NULL && i < limit; i++)
        ids->shared[i] = i == 0 ? 0 : TOLL_DELTA_NO_ID;
    return ids->shared != NULL;
}

static bool ids_agree(const struct toll_delta_ids *a, const struct toll_delta_ids *b)
{
    if (a->shared == NULL)
        return true;
    const int64_t both = a->limit < b->limit ? a->limit : b->limit;
    for (int64_t i = 0; i < both; i++)
        if (a->shared[i] != TOLL_DELTA_NO_ID && b->shared[i] != TOLL_DELTA_NO_ID &&
            a->shared[i] != b->shared[i])
            return false;
    return true;
}

uint32_t toll_delta_account(struct toll_delta_maker *maker, const char *account, const char *currency)
{
    struct toll_delta_key key = {0};
    toll_delta_key_text(&key, account);
    toll_delta_key_text(&key, currency);
    const uint32_t id = toll_delta_key_id(&key, &maker->account_keys);
    free(key.bytes);
    return id;
}

uint32_t toll_delta_payer_of(struct toll_delta_maker *maker, const char *account, const char *site,
                             const char *currency)
{
    const uint32_t account_id = account[0] == 0 ? 0 : toll_delta_account(maker, account, currency);
    struct toll_delta_key key = {0};
    toll_delta_key_text(&key, account);
    toll_delta_key_text(&key, currency);
    toll_delta_key_text(&key, site);
    const uint32_t id = toll_delta_key_id(&key, &maker->payer_keys);
    free(key.bytes);
    if (id == 0 || (account[0] != 0 && account_id == 0))
        return 0;
    if (id >= maker->payer_room) {
        const uint32_t room = 2 * id + 64;
        struct toll_delta_payer *grown = realloc(maker->payers, room * sizeof *grown);
        if (grown == NULL)
            return 0;
        maker->payers = grown;
        maker->payer_room = room;
    }
    if (id > maker->payer_count) {
        /* The texts are those of the key, which stay as long as the table. */
        const char *text = toll_strings_text(&maker->payer_keys, id, NULL);
        const char *currency_text = text + strlen(text) + 1;
        maker->payers[id] = (struct toll_delta_payer){
            account_id, text, currency_text + strlen(currency_text) + 1, currency_text};
        maker->payer_count = id;
    }
    return id;
}

const char *toll_delta_name(const struct toll_delta_maker *maker, uint32_t account)
{
    return account < maker->account_name_room && maker->account_names[account] != NULL
               ? maker->account_names[account]
               : "";
}

static int map_accounts(struct toll_delta_maker *maker, struct toll_error *error)
{
    for (unsigned s = 0; s < TOLL_DELTA_SIDES; s++) {
        struct toll_delta_run *side = &maker->sides[s];
        const struct toll_run_tables *tables = &side->run.tables;
        if (!ids_make(&side->accounts, tables->account_count))
            return toll_delta_no_memory(error);
        if (s > 0 && tables->accounts == maker->sides[0].run.tables.accounts) {
            memcpy(side->accounts.shared, maker->sides[0].accounts.shared,
                   (size_t)tables->account_count * sizeof *side->accounts.shared);
            continue;
        }
        for (int64_t id = 1; id < tables->account_count; id++) {
            const struct toll_account_row *row = &tables->accounts[id];
            if (row->account[0] == 0)
                continue;
            const uint32_t shared = toll_delta_account(maker, row->account, row->currency);
            if (shared == 0)
                return toll_delta_no_memory(error);
            side->accounts.shared[id] = shared;
        }
    }
    maker->account_name_room = maker->account_keys.count + 1;
    maker->account_names = calloc(maker->account_name_room, sizeof *maker->account_names);
    if (maker->account_names == NULL)
        return toll_delta_no_memory(error);
    for (unsigned s = 0; s < TOLL_DELTA_SIDES; s++) {
        const struct toll_delta_run *side = &maker->sides[s];
        for (int64_t id = 1; id < side->accounts.limit; id++)
            if (side->accounts.shared[id] != TOLL_DELTA_NO_ID)
                maker->account_names[side->accounts.shared[id]] = side->run.tables.accounts[id].name;
    }
    maker->accounts_agree = ids_agree(&maker->sides[0].accounts, &maker->sides[1].accounts);
    return 0;
}

static int map_pools(struct toll_delta_maker *maker, struct toll_error *error)
{
    struct toll_strings keys = {0};
    struct toll_delta_key key = {0};
    bool fits = true;
    maker->pools_agree = true;
    if (toll_run_files_same(&maker->sides[0].run, &maker->sides[1].run, "pools.arrow"))
        return 0;
    for (unsigned s = 0; fits && s < TOLL_DELTA_SIDES; s++) {
        struct toll_delta_run *side = &maker->sides[s];
        const struct toll_run_tables *tables = &side->run.tables;
        const int64_t count = tables->pool_count;
        fits = ids_make(&side->pools, count == 0 ? 1 : (int64_t)tables->pools[count - 1].id + 1);
        for (int64_t i = 0; fits && i < count; i++) {
            if (i > 0 && tables->pools[i].id == tables->pools[i - 1].id)
                continue; /* another period of the same */
            pool_key(&key, &tables->pools[i]);
            const uint32_t id = toll_delta_key_id(&key, &keys);
            side->pools.shared[tables->pools[i].id] = id;
            fits = id != 0;
        }
    }
    maker->pools_agree = fits && ids_agree(&maker->sides[0].pools, &maker->sides[1].pools);
    toll_strings_free(&keys);
    free(key.bytes);
    return fits ? 0 : toll_delta_no_memory(error);
}

/* ---- prices and tuples ---- */

static int read_prices(struct toll_delta_run *side, struct toll_error *error)
{
    if (side->price_rows != NULL)
        return 0;
    const int rc = toll_run_files_read_prices(&side->run, error);
    if (rc != 0)
        return rc;
    const struct toll_run_tables *tables = &side->run.tables;
    const int64_t count = tables->price_count;
    side->price_limit = count == 0 ? 1 : (int64_t)tables->prices[count - 1].id + 1;
    side->price_rows = calloc((size_t)side->price_limit, sizeof *side->price_rows);
    if (side->price_rows == NULL)
        return toll_delta_no_memory(error);
    for (int64_t i = 0; i < count; i++)
        side->price_rows[tables->prices[i].id] = (uint32_t)i + 1;
    return 0;
}

static int read_tuples(struct toll_delta_run *side, struct toll_error *error)
{
    if (side->tuple_rows != NULL)
        return 0;
    const int rc = toll_run_files_read_taxes(&side->run, error);
    if (rc != 0)
        return rc;
    const struct toll_run_tables *tables = &side->run.tables;
    const int64_t count = tables->tuple_count;
    side->tuple_limit = count == 0 ? 1 : (int64_t)tables->tuples[count - 1].id + 1;
    side->tuple_rows = calloc((size_t)side->tuple_limit, sizeof *side->tuple_rows);
    if (side->tuple_rows == NULL)
        return toll_delta_no_memory(error);
    for (int64_t i = 0; i < count; i++)
        side->tuple_rows[tables->tuples[i].id] = (uint32_t)i + 1;
    return 0;
}

const struct toll_price_row *toll_delta_price(const struct toll_delta_run *side, int32_t id)
{
    return id <= 0 || id >= side->price_limit || side->price_rows[id] == 0
               ? NULL
               : &side->run.tables.prices[side->price_rows[id] - 1];
}

const struct toll_tuple_row *toll_delta_tuple(const struct toll_delta_run *side, int32_t id)
{
    return id <= 0 || id >= side->tuple_limit || side->tuple_rows[id] == 0
               ? NULL
               : &side->run.tables.tuples[side->tuple_rows[id] - 1];
}

static bool same_terms(const struct toll_price_row *a, const struct toll_price_row *b)
{
    return a->rate == b->rate && a->per_units == b->per_units && a->connect_fee == b->connect_fee &&
           a->step == b->step && strcmp(a->prefix, b->prefix) == 0 && strcmp(a->deck, b->deck) == 0 &&
           strcmp(a->band, b->band) == 0 && strcmp(a->column, b->column) == 0 &&
           strcmp(a->plan, b->plan) == 0 && strcmp(a->kind, b->kind) == 0;
}

bool toll_delta_same_price(const struct toll_delta_run *before, int32_t old_id,
                           const struct toll_delta_run *after, int32_t new_id)
{
    if (old_id == 0 || new_id == 0)
        return old_id == new_id;
    if (toll_delta_id(&before->prices, old_id) == toll_delta_id(&after->prices, new_id))
        return true;
    const struct toll_price_row *a = toll_delta_price(before, old_id), *b = toll_delta_price(after, new_id);
    return a != NULL && b != NULL && same_terms(a, b);
}

/* Most often the two books differ in some rates alone, and a price has its id in both. Rows of one id that
 * are alike share it; the others keep to themselves, and whoever looks at a line with one compares what they
 * say. False: there are too many of them for that. */
#define OTHERS_MOST 4 /* one in so many */
static bool map_prices_by_id(struct toll_delta_maker *maker)
{
    struct toll_delta_run *before = &maker->sides[TOLL_DELTA_OLD], *after = &maker->sides[TOLL_DELTA_NEW];
    const int64_t limit = before->price_limit < after->price_limit ? before->price_limit : after->price_limit;
    const uint32_t own[TOLL_DELTA_SIDES] = {UINT32_C(1) << 31, UINT32_C(1) << 31 | UINT32_C(1) << 30};
    int64_t others = 0;
    if (before->price_limit >= INT64_C(1) << 30 || after->price_limit >= INT64_C(1) << 30)
        return false;
    for (unsigned s = 0; s < TOLL_DELTA_SIDES; s++) {
        struct toll_delta_run *side = &maker->sides[s];
        for (int64_t i = 0; i < side->run.tables.price_count; i++) {
            const int32_t id = side->run.tables.prices[i].id;
            const bool alike = id < limit && before->price_rows[id] != 0 && after->price_rows[id] != 0 &&
                               same_terms(toll_delta_price(before, id), toll_delta_price(after, id));
            side->prices.shared[id] = alike ? (uint32_t)id : own[s] | (uint32_t)id;
            others += !alike;
        }
    }
    return others <= (before->run.tables.price_count + after->run.tables.price_count) / OTHERS_MOST;
}

static bool map_prices(struct toll_delta_maker *maker)
{
    struct toll_strings keys = {0};
    struct toll_delta_key key = {0};
    bool fits = ids_make(&maker->sides[0].prices, maker->sides[0].price_limit) &&
                ids_make(&maker->sides[1].prices, maker->sides[1].price_limit);
    if (!fits || map_prices_by_id(maker))
        return fits;
    for (unsigned s = 0; fits && s < TOLL_DELTA_SIDES; s++) {
        struct toll_delta_run *side = &maker->sides[s];
        for (int64_t i = 0; fits && i < side->run.tables.price_count; i++) {
            price_key(&key, &side->run.tables.prices[i]);
            const uint32_t id = toll_delta_key_id(&key, &keys);
            side->prices.shared[side->run.tables.prices[i].id] = id;
            fits = id != 0;
        }
    }
    toll_strings_free(&keys);
    free(key.bytes);
    return fits;
}

static bool make_verdicts(struct toll_delta_maker *maker)
{
    const int64_t x = maker->sides[TOLL_DELTA_OLD].price_limit, y = maker->sides[TOLL_DELTA_NEW].price_limit;
    maker->price_verdict_limit = x < y ? x : y;
    maker->price_verdicts = calloc((size_t)maker->price_verdict_limit + 1, sizeof *maker->price_verdicts);
    return maker->price_verdicts != NULL;
}

static bool map_tuples(struct toll_delta_maker *maker)
{
    struct toll_strings keys = {0};
    struct toll_delta_key key = {0};
    bool fits = true;
    for (unsigned s = 0; fits && s < TOLL_DELTA_SIDES; s++) {
        struct toll_delta_run *side = &maker->sides[s];
        const struct toll_run_tables *tables = &side->run.tables;
        int64_t at = 0;
        fits = ids_make(&side->tuples, side->tuple_limit);
        for (int64_t i = 0; fits && i < tables->tuple_count; i++) {
            const int32_t tuple = tables->tuples[i].id;
            tuple_key(&key, &tables->tuples[i]);
            while (at < tables->component_count && tables->components[at].tuple < tuple)
                at++;
            for (; at < tables->component_count && tables->components[at].tuple == tuple; at++)
                component_key(&key, &tables->components[at]);
            const uint32_t id = toll_delta_key_id(&key, &keys);
            side->tuples.shared[tuple] = id;
            fits = id != 0;
        }
    }
    toll_strings_free(&keys);
    free(key.bytes);
    return fits;
}

/* Tables that may be larger than all else, of one run. */
struct reading {
    struct toll_delta_run *side;
    bool prices, tuples;
    int rc;
    struct toll_error error;
};

static void *read_one(void *argument)
{
    struct reading *reading = argument;
    if (reading->prices)
        reading->rc = read_prices(reading->side, &reading->error);
    if (reading->rc == 0 && reading->tuples)
        reading->rc = read_tuples(reading->side, &reading->error);
    return NULL;
}

/* Of a file that both have the new run takes what the old one has read: one after the other then. */
static bool share_tuples(const struct toll_delta_maker *maker)
{
    const struct toll_run_files *before = &maker->sides[TOLL_DELTA_OLD].run,
                                *after = &maker->sides[TOLL_DELTA_NEW].run;
    return toll_run_files_same(before, after, "tuples.arrow") ||
           toll_run_files_same(before, after, "components.arrow");
}

static int read_both(struct toll_delta_maker *maker, bool prices, bool tuples, struct toll_error *error)
{
    struct reading readings[TOLL_DELTA_SIDES] = {0};
    pthread_t thread;
    for (unsigned s = 0; s < TOLL_DELTA_SIDES; s++)
        readings[s] = (struct reading){.side = &maker->sides[s], .prices = prices, .tuples = tuples};
    const bool beside = maker->threads > 1 && !(tuples && share_tuples(maker)) &&
                        pthread_create(&thread, NULL, read_one, &readings[1]) == 0;
    read_one(&readings[0]);
    if (beside)
        pthread_join(thread, NULL);
    else
        read_one(&readings[1]);
    for (unsigned s = 0; s < TOLL_DELTA_SIDES; s++)
        if (readings[s].rc != 0)
            return toll_error_set(error, readings[s].rc, "%s", readings[s].error.text);
    return 0;
}

static int map_rest(struct toll_delta_maker *maker, struct toll_error *error)
{
    struct toll_delta_run *before = &maker->sides[TOLL_DELTA_OLD], *after = &maker->sides[TOLL_DELTA_NEW];
    const bool prices = toll_run_files_same_prices(&before->run, &after->run),
               tuples = toll_run_files_same(&before->run, &after->run, "tuples.arrow") &&
                        toll_run_files_same(&before->run, &after->run, "components.arrow");
    maker->prices_agree = maker->tuples_agree = true;
    const int rc = prices && tuples ? 0 : read_both(maker, !prices, !tuples, error);
    if (rc != 0)
        return rc;
    if ((!prices && (!map_prices(maker) || !make_verdicts(maker))) || (!tuples && !map_tuples(maker)))
        return toll_delta_no_memory(error);
    maker->prices_agree = ids_agree(&before->prices, &after->prices);
    maker->tuples_agree = ids_agree(&before->tuples, &after->tuples);
    return 0;
}

/* ---- opening ---- */

/* The dataset with the parts that the run rated, and where each of them begins within its day. */
static int open_dataset(struct toll_delta_run *side, const char *path, struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &side->run.manifest;
    const int rc = toll_run_cdrs_open(&side->dataset, &side->run, path, TOLL_ENOINPUT, error);
    if (rc != 0)
        return rc;
    side->dataset_open = true;
    side->part_rows = calloc(manifest->part_count + 1, sizeof *side->part_rows);
    if (side->part_rows == NULL)
        return toll_delta_no_memory(error);
    for (size_t i = 1; i < manifest->part_count; i++)
        if (manifest->parts[i - 1].day == manifest->parts[i].day)
            side->part_rows[i] = side->part_rows[i - 1] + manifest->parts[i - 1].rows;
    return 0;
}

static bool books_same(const struct toll_run_manifest *a, const struct toll_run_manifest *b)
{
    if (a->book_count != b->book_count || !toll_hash_equal(a->book_hash, b->book_hash) ||
        !toll_hash_equal(a->tzdata_hash, b->tzdata_hash))
        return false;
    for (size_t i = 0; i < a->book_count; i++)
        if (!toll_hash_equal(a->books[i].book_hash, b->books[i].book_hash))
            return false;
    return true;
}

int toll_delta_sides_open(struct toll_delta_maker *maker, struct toll_error *error)
{
    const struct toll_delta_options *options = maker->options;
    const char *const runs[] = {options->old_run_path, options->new_run_path};
    const char *const datasets[] = {options->old_dataset_path, options->new_dataset_path};
    const bool given = maker->sides[TOLL_DELTA_OLD].run_open;
    int rc = 0;
    for (unsigned s = 0; rc == 0 && s < TOLL_DELTA_SIDES; s++) {
        struct toll_delta_run *side = &maker->sides[s];
        if (!side->run_open)
            rc = toll_run_files_open_like(&side->run, maker->io, runs[s],
                                          given ? &maker->sides[TOLL_DELTA_OLD].run : NULL, error);
        side->run_open = rc == 0;
        if (rc == 0)
            rc = open_dataset(side, datasets[s], error);
    }
    if (rc != 0)
        return rc;
    const struct toll_run_files *before = &maker->sides[TOLL_DELTA_OLD].run,
                                *after = &maker->sides[TOLL_DELTA_NEW].run;
    maker->same_books = books_same(&before->manifest, &after->manifest);
    maker->same_files = maker->same_books && toll_run_files_all_same(before, after);
    maker->has_cost = before->manifest.has_cost || after->manifest.has_cost;
    rc = map_accounts(maker, error);
    if (rc == 0)
        rc = map_pools(maker, error);
    if (rc == 0)
        rc = map_rest(maker, error);
    return rc == 0 && maker->has_cost ? toll_delta_need_all(maker, error) : rc;
}

/* Books that both have are opened once. */
static int open_books(struct toll_delta_maker *maker, struct toll_error *error)
{
    int rc = 0;
    for (unsigned s = 0; rc == 0 && s < TOLL_DELTA_SIDES; s++) {
        struct toll_delta_run *side = &maker->sides[s];
        if (s > 0 && maker->same_books) {
            side->books = maker->sides[0].books;
            continue;
        }
        rc = toll_reader_books_open(&side->books, &side->run, error);
        side->books_open = rc == 0;
        if (rc == 0)
            rc = toll_reader_books_open_all(&side->books, error);
    }
    return rc;
}

static int make_owners(struct toll_delta_maker *maker, struct toll_error *error)
{
    int rc = 0;
    for (unsigned s = 0; s < TOLL_DELTA_SIDES;
         s++) /* all accounts have their ids before anything counts them */
        for (size_t b = 0; b < maker->sides[s].books.count; b++) {
            const struct toll_book *book = maker->sides[s].books.list[b].book;
            for (uint32_t i = 1; i < book->account_count; i++)
                if (toll_delta_account(maker, toll_book_string(book, book->accounts[i].account),
                                       toll_book_string(book, book->accounts[i].currency)) == 0)
                    return toll_delta_no_memory(error);
        }
    for (unsigned s = 0; rc == 0 && s < TOLL_DELTA_SIDES; s++) {
        struct toll_delta_run *side = &maker->sides[s];
        side->owners = calloc(side->books.count, sizeof *side->owners);
        if (side->owners == NULL)
            return toll_delta_no_memory(error);
        for (size_t b = 0; rc == 0 && b < side->books.count; b++)
            rc = toll_delta_owners_make(maker, side, b, error);
    }
    return rc;
}

int toll_delta_need_all(struct toll_delta_maker *maker, struct toll_error *error)
{
    int rc = 0;
    if (atomic_load(&maker->has_all))
        return 0;
    pthread_mutex_lock(&maker->lock);
    if (maker->failed.code != 0) {
        rc = maker->failed.code;
        *error = maker->failed;
    } else if (!atomic_load(&maker->has_all)) {
        for (unsigned s = 0; rc == 0 && s < TOLL_DELTA_SIDES; s++)
            rc = read_prices(&maker->sides[s], error);
        for (unsigned s = 0; rc == 0 && s < TOLL_DELTA_SIDES; s++)
            rc = read_tuples(&maker->sides[s], error);
        if (rc == 0)
            rc = open_books(maker, error);
        if (rc == 0)
            rc = make_owners(maker, error);
        if (rc == 0)
            atomic_store(&maker->has_all, true);
        else
            maker->failed = *error;
    }
    pthread_mutex_unlock(&maker->lock);
    return rc;
}

void toll_delta_sides_close(struct toll_delta_maker *maker)
{
    for (unsigned s = TOLL_DELTA_SIDES; s-- > 0;) {
        struct toll_delta_run *side = &maker->sides[s];
        for (size_t b = 0; side->owners != NULL && b < side->books.count; b++)
            toll_delta_owners_free(&side->owners[b]);
        free(side->owners);
        free(side->accounts.shared);
        free(side->prices.shared);
        free(side->pools.shared);
        free(side->tuples.shared);
        free(side->price_rows);
        free(side->tuple_rows);
        free(side->part_rows);
        if (side->books_open)
            toll_reader_books_close(&side->books);
        if (side->dataset_open)
            toll_dataset_close(&side->dataset);
        if (side->run_open)
            toll_run_files_close(&side->run);
    }
    free((void *)maker->price_verdicts);
    free(maker->account_names);
    free(maker->payers);
    toll_strings_free(&maker->account_keys);
    toll_strings_free(&maker->payer_keys);
}
