/* What the charge lines of a run are looked up by, and which accounts and periods have any (docs/TAX.md
 * section 5). Names of the run are found in its own book. */
#include "pipeline/after.h"
#include "pipeline/taxes.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the taxes of a run");
}

/* ---- names ---- */

static uint32_t add_text(struct toll_strings *strings, const char *text)
{
    return toll_strings_add(strings, text, strlen(text));
}

static int by_text(const void *a, const void *b, void *texts)
{
    const char *const *text = texts;
    return strcmp(text[*(const uint32_t *)a], text[*(const uint32_t *)b]);
}

/* rank[i]: the place of texts[i] among all of them, bytewise. */
static bool rank_texts(const char **texts, uint32_t count, uint32_t *rank)
{
    uint32_t *order = calloc(count + (size_t)1, sizeof *order);
    if (order == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, by_text, texts);
    for (uint32_t i = 0; i < count; i++)
        rank[order[i]] = i;
    free(order);
    return true;
}

/* Site name 1 is "": what has no site. */
static bool name_sites(struct toll_taxes *taxes)
{
    const struct toll_book *book = taxes->book;
    const struct toll_run_tables *run = &taxes->files.tables;
    taxes->site_of_book = calloc(book->site_count + (size_t)1, sizeof *taxes->site_of_book);
    taxes->bucket_sites = calloc((size_t)run->bucket_count + 1, sizeof *taxes->bucket_sites);
    if (taxes->site_of_book == NULL || taxes->bucket_sites == NULL || add_text(&taxes->site_names, "") != 1)
        return false;
    taxes->site_of_book[0] = 1;
    for (uint32_t i = 1; i < book->site_count; i++) {
        taxes->site_of_book[i] = add_text(&taxes->site_names, toll_book_string(book, book->sites[i].site));
        if (taxes->site_of_book[i] == 0)
            return false;
    }
    for (int64_t i = 0; i < run->bucket_count; i++) {
        if (i > 0 && strcmp(run->buckets[i].site, run->buckets[i - 1].site) == 0)
            taxes->bucket_sites[i] = taxes->bucket_sites[i - 1];
        else
            taxes->bucket_sites[i] = add_text(&taxes->site_names, run->buckets[i].site);
        if (taxes->bucket_sites[i] == 0)
            return false;
    }
    for (int64_t i = 0; i < run->period_count; i++)
        if (add_text(&taxes->site_names, run->periods[i].site) == 0)
            return false;
    const uint32_t count = taxes->site_names.count + 1;
    const char **texts = calloc(count, sizeof *texts);
    taxes->site_rank = calloc(count, sizeof *taxes->site_rank);
    taxes->book_site = calloc(count, sizeof *taxes->book_site);
    taxes->site_dense = calloc(count, sizeof *taxes->site_dense);
    taxes->site_stamp = calloc(count, sizeof *taxes->site_stamp);
    taxes->first_stamp = calloc(count, sizeof *taxes->first_stamp);
    bool good = texts != NULL && taxes->site_rank != NULL && taxes->book_site != NULL &&
                taxes->site_dense != NULL && taxes->site_stamp != NULL && taxes->first_stamp != NULL;
    if (good) {
        texts[0] = "";
        for (uint32_t i = 1; i < count; i++)
            texts[i] = toll_strings_text(&taxes->site_names, i, NULL);
        for (uint32_t i = 1; i < book->site_count; i++)
            taxes->book_site[taxes->site_of_book[i]] = (int32_t)i;
        good = rank_texts(texts, count, taxes->site_rank);
    }
    free(texts);
    return good;
}

/* The id of a split's text in split_texts; 0: out of memory. */
static uint32_t add_split_text(struct toll_taxes *taxes, uint32_t split)
{
    for (size_t room = 256;; room *= 4) {
        char *text = malloc(room);
        if (text == NULL)
            return 0;
        const bool fits = toll_tax_split_text(taxes->tables, split, text, room);
        const uint32_t id = fits ? add_text(&taxes->split_texts, text) : 0;
        free(text);
        if (fits)
            return id;
    }
}

static bool name_the_rest(struct toll_taxes *taxes)
{
    const struct toll_book *book = taxes->book;
    const struct toll_tax_tables *tables = taxes->tables;
    for (uint32_t i = 1; i < book->tiers_count; i++)
        if (add_text(&taxes->tier_names, toll_book_string(book, book->tiers[i].name)) == 0)
            return false;
    taxes->split_of_text = calloc(tables->split_count + (size_t)2, sizeof *taxes->split_of_text);
    taxes->text_of_split = calloc(tables->split_count + (size_t)2, sizeof *taxes->text_of_split);
    if (taxes->split_of_text == NULL || taxes->text_of_split == NULL)
        return false;
    for (uint32_t i = 1; i < tables->split_count; i++) { /* splits of one text tax alike */
        const uint32_t id = add_split_text(taxes, i);
        if (id == 0)
            return false;
        taxes->split_of_text[id] = i;
        taxes->text_of_split[i] = id;
    }
    for (uint32_t i = 1; i < tables->tax_count; i++)
        taxes->per_account = taxes->per_account || tables->taxes[i].kind == TOLL_TAX_PER_ACCOUNT;
    return true;
}

/* ---- rows by account ---- */

/* first[a]..first[a + 1): of rows, those of account a in their order. */
static bool by_account(uint32_t accounts, size_t count, const int32_t *account_of, uint32_t **first,
                       uint32_t **rows)
{
    *first = calloc(accounts + (size_t)2, sizeof **first);
    *rows = calloc(count + 1, sizeof **rows);
    if (*first == NULL || *rows == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        (*first)[account_of[i] + 1]++;
    for (uint32_t a = 0; a <= accounts; a++)
        (*first)[a + 1] += (*first)[a];
    for (size_t i = count; i-- > 0;)
        (*rows)[--(*first)[account_of[i] + 1]] = (uint32_t)i;
    return true;
}

/* As by_account leaves it, [a + 1] is where a's rows begin. */
static void shift(uint32_t *first, uint32_t accounts, size_t count)
{
    memmove(first, first + 1, (accounts + (size_t)1) * sizeof *first);
    first[accounts + 1] = (uint32_t)count;
}

static bool sort_tables(struct toll_taxes *taxes)
{
    const struct toll_tax_tables *tables = taxes->tables;
    const struct toll_run_tables *run = &taxes->files.tables;
    const uint32_t accounts = taxes->book->account_count;
    size_t most =
        tables->charge_count > tables->inventory_count ? tables->charge_count : tables->inventory_count;
    most = (size_t)run->period_count > most ? (size_t)run->period_count : most;
    int32_t *of = calloc(most + 1, sizeof *of);
    if (of == NULL)
        return false;
    for (uint32_t i = 0; i < tables->charge_count; i++)
        of[i] = tables->charges[i].account;
    bool good = by_account(accounts, tables->charge_count, of, &taxes->charge_first, &taxes->charges);
    for (uint32_t i = 0; i < tables->inventory_count; i++)
        of[i] = tables->inventory[i].account;
    good =
        good && by_account(accounts, tables->inventory_count, of, &taxes->inventory_first, &taxes->inventory);
    for (int64_t i = 0; i < run->period_count; i++)
        of[i] = taxes->account_of_run[run->periods[i].account];
    good = good && by_account(accounts, (size_t)run->period_count, of, &taxes->period_first, &taxes->periods);
    if (good) {
        shift(taxes->charge_first, accounts, tables->charge_count);
        shift(taxes->inventory_first, accounts, tables->inventory_count);
        shift(taxes->period_first, accounts, (size_t)run->period_count);
    }
    free(of);
    return good;
}

/* ---- accounts of the run and of the book ---- */

static int match_accounts(struct toll_taxes *taxes, struct toll_error *error)
{
    const struct toll_book *book = taxes->book;
    const struct toll_run_tables *run = &taxes->files.tables;
    struct toll_strings names = {0};
    int rc = toll_account_names(book, &names, error);
    taxes->account_of_run = calloc((size_t)run->account_count + 1, sizeof *taxes->account_of_run);
    taxes->bucket_spans = calloc((size_t)run->account_count + 1, sizeof *taxes->bucket_spans);
    taxes->run_account = calloc(book->account_count + (size_t)1, sizeof *taxes->run_account);
    taxes->account_rank = calloc(book->account_count + (size_t)1, sizeof *taxes->account_rank);
    const char **texts = calloc(book->account_count + (size_t)1, sizeof *texts);
    if (rc == 0 && (taxes->account_of_run == NULL || taxes->bucket_spans == NULL ||
                    taxes->run_account == NULL || taxes->account_rank == NULL || texts == NULL))
        rc = no_memory(error);
    for (int64_t i = 1; rc == 0 && i < run->account_count; i++) {
        const uint32_t account = toll_account_named(&names, run->accounts[i].account);
        taxes->account_of_run[i] = (int32_t)account;
        if (account == 0)
            continue;
        taxes->bucket_spans[i].next = taxes->run_account[account];
        taxes->run_account[account] = (uint32_t)i;
    }
    for (uint32_t i = 0; rc == 0 && i < book->account_count; i++)
        texts[i] = toll_book_string(book, book->accounts[i].account);
    if (rc == 0 && !rank_texts(texts, book->account_count, taxes->account_rank))
        rc = no_memory(error);
    for (int64_t i = 0; rc == 0 && i < run->bucket_count; i++) {
        const int32_t account = run->buckets[i].account;
        if (taxes->bucket_spans[account].count++ == 0)
            taxes->bucket_spans[account].first = i;
    }
    free(texts);
    toll_strings_free(&names);
    return rc;
}

/* ---- tuples ---- */

static uint32_t word_of(const char *word, const char *const *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return count;
}

static const char *const services[] = {"voice", "sms", "mms", "data", "event"};

/* Day, service, jurisdiction and tax services of a tuple as one number, in the order of usage lines; the rest
 * of that order is compared by itself. */
struct usage_key {
    uint64_t key;
    uint32_t index;
};
#define KEY_DAY_FIRST (INT64_C(1) << 20) /* days before 1970 */
#define KEY_DAY_SHIFT 42
#define KEY_SERVICE_SHIFT 39
#define KEY_JURISDICTION_SHIFT 36 /* below it the rank of the text */
_Static_assert(TOLL_CALL_JURISDICTIONS <= 8, "three bits");

static int by_usage(const void *a, const void *b, void *rows)
{
    const struct usage_key *s = a, *t = b;
    if (s->key != t->key)
        return s->key < t->key ? -1 : 1;
    const struct toll_tuple_row *all = rows, *x = &all[s->index], *y = &all[t->index];
    int order = strcmp(x->origin, y->origin);
    order = order != 0 ? order : strcmp(x->two_of_three, y->two_of_three);
    order = order != 0 ? order : (x->split_line > y->split_line) - (x->split_line < y->split_line);
    return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

/* texts: of all tuples' tax services, ranks: by id. NULL: out of memory. */
static uint32_t *rank_services(const struct toll_run_tables *run, struct toll_strings *texts)
{
    bool good = true;
    for (int64_t i = 0; good && i < run->tuple_count; i++)
        good = add_text(texts, run->tuples[i].tax_services) != 0;
    const char **list = calloc(texts->count + (size_t)1, sizeof *list);
    uint32_t *ranks = calloc(texts->count + (size_t)1, sizeof *ranks);
    for (uint32_t i = 0; good && list != NULL && i <= texts->count; i++)
        list[i] = i == 0 ? "" : toll_strings_text(texts, i, NULL);
    good = good && list != NULL && ranks != NULL && rank_texts(list, texts->count + 1, ranks);
    free(list);
    if (!good)
        free(ranks);
    return good ? ranks : NULL;
}

static bool rank_tuples(struct toll_taxes *taxes)
{
    const struct toll_run_tables *run = &taxes->files.tables;
    const uint32_t count = (uint32_t)run->tuple_count;
    struct toll_strings texts = {0};
    uint32_t *ranks = rank_services(run, &texts);
    struct usage_key *keys = calloc(count + (size_t)1, sizeof *keys);
    const bool good = ranks != NULL && keys != NULL;
    for (uint32_t i = 0; good && i < count; i++) {
        const struct toll_tuple_row *row = &run->tuples[i];
        const uint32_t text = toll_strings_find(&texts, row->tax_services, strlen(row->tax_services));
        keys[i] = (struct usage_key){
            .key = (uint64_t)(taxes->tuples[i].from + KEY_DAY_FIRST) << KEY_DAY_SHIFT |
                   (uint64_t)word_of(row->service, services, 5) << KEY_SERVICE_SHIFT |
                   (uint64_t)toll_taxes_jurisdiction(row) << KEY_JURISDICTION_SHIFT | ranks[text],
            .index = i};
    }
    if (good && count > 1)
        qsort_r(keys, count, sizeof *keys, by_usage, run->tuples);
    for (uint32_t i = 0; good && i < count; i++)
        taxes->tuples[keys[i].index].rank = i;
    free(keys);
    free(ranks);
    toll_strings_free(&texts);
    return good;
}

int toll_taxes_jurisdiction(const struct toll_tuple_row *row)
{
    for (unsigned i = 0; i < TOLL_CALL_JURISDICTIONS; i++)
        if (strcmp(row->jurisdiction, toll_call_jurisdiction_name(i)) == 0)
            return (int)i;
    return TOLL_INDETERMINATE;
}

static enum toll_tax_reason reason_of(const char *text)
{
    for (unsigned i = 0; i < TOLL_TAX_REASONS; i++)
        if (strcmp(text, toll_tax_reason_name((enum toll_tax_reason)i)) == 0)
            return (enum toll_tax_reason)i;
    return TOLL_TAX_NO_TAX_SERVICE;
}

static int read_tuple(struct toll_taxes *taxes, const struct toll_tuple_row *row,
                      struct toll_taxes_tuple *tuple, struct toll_error *error)
{
    int64_t from;
    if (!toll_day_parse(row->period, strlen(row->period), &tuple->period) ||
        !toll_day_parse(row->from, strlen(row->from), &from) || row->id <= 0)
        return toll_error_set(error, TOLL_EDATA, "tuples.arrow: tuple %d has no period; rate again", row->id);
    tuple->from = (int32_t)from;
    tuple->voice = strcmp(row->service, "voice") == 0;
    tuple->reason = reason_of(row->reason);
    tuple->area = toll_tax_area_find(taxes->tables, row->area);
    if (row->tax_services[0] != 0) {
        const uint32_t text =
            toll_strings_find(&taxes->split_texts, row->tax_services, strlen(row->tax_services));
        tuple->split = text == 0 ? 0 : taxes->split_of_text[text];
    }
    /* A merged run's older book may have known more. */
    if (tuple->reason == TOLL_TAX_TAXED && tuple->area == 0)
        tuple->reason = TOLL_TAX_NO_AREA;
    if (tuple->reason == TOLL_TAX_TAXED && tuple->split == 0)
        tuple->reason = TOLL_TAX_NO_TAX_SERVICE;
    return 0;
}

static int read_tuples(struct toll_taxes *taxes, struct toll_error *error)
{
    const struct toll_run_tables *run = &taxes->files.tables;
    const uint32_t count = (uint32_t)run->tuple_count;
    taxes->tuples = calloc(count + (size_t)1, sizeof *taxes->tuples);
    taxes->bucket_tuples = calloc((size_t)run->bucket_count + 1, sizeof *taxes->bucket_tuples);
    int rc = taxes->tuples == NULL || taxes->bucket_tuples == NULL ? no_memory(error) : 0;
    for (uint32_t i = 0; rc == 0 && i < count; i++)
        rc = read_tuple(taxes, &run->tuples[i], &taxes->tuples[i], error);
    if (rc == 0 && !rank_tuples(taxes))
        rc = no_memory(error);
    for (int64_t i = 0; rc == 0 && i < run->bucket_count; i++) {
        const struct toll_tuple_row *row = toll_run_tuple_find(run, run->buckets[i].tuple);
        if (row != NULL) /* the run was checked: of tuple 0 there is none */
            taxes->bucket_tuples[i] = (uint32_t)(row - run->tuples);
    }
    return rc;
}

/* ---- all ---- */

int toll_taxes_index(struct toll_taxes *taxes, struct toll_error *error)
{
    int rc = match_accounts(taxes, error);
    rc = rc == 0 ? toll_taxes_check_kept(taxes, error) : rc;
    if (rc == 0 && !(name_sites(taxes) && name_the_rest(taxes) && sort_tables(taxes)))
        rc = no_memory(error);
    return rc == 0 ? read_tuples(taxes, error) : rc;
}

void toll_taxes_index_free(struct toll_taxes *taxes)
{
    void *const lists[] = {
        taxes->site_of_book,  taxes->site_rank,    taxes->book_site,    taxes->account_rank,
        taxes->charge_first,  taxes->charges,      taxes->inventory,    taxes->inventory_first,
        taxes->bucket_spans,  taxes->run_account,  taxes->bucket_sites, taxes->tuples,
        taxes->bucket_tuples, taxes->period_first, taxes->periods,      taxes->site_dense,
        taxes->site_stamp,    taxes->first_stamp,  taxes->tasks,        taxes->account_of_run,
        taxes->split_of_text, taxes->text_of_split};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        free(lists[i]);
    toll_strings_free(&taxes->site_names);
    toll_strings_free(&taxes->tier_names);
    toll_strings_free(&taxes->split_texts);
}

/* ---- which accounts and periods ---- */

struct tasks {
    uint64_t *keys; /* day above, rank of the account below */
    size_t count, room;
};

static bool add_task(struct tasks *tasks, const struct toll_taxes *taxes, int64_t day, uint32_t account)
{
    if (!toll_tax_grow((void **)&tasks->keys, &tasks->room, tasks->count + 1, sizeof *tasks->keys))
        return false;
    tasks->keys[tasks->count++] = (uint64_t)(day + (INT64_C(1) << 31)) << 32 | taxes->account_rank[account];
    return true;
}

static toll_ms within_years(toll_ms at)
{
    const toll_ms earliest = INT64_C(-62135596800000) + 40 * TOLL_DAY_MS;
    const toll_ms latest = INT64_C(253402300800000) - 40 * TOLL_DAY_MS;
    return at < earliest ? earliest : at > latest ? latest : at;
}

static int64_t local_day(const struct toll_zone *zone, toll_ms at)
{
    return toll_day_of_ms(at + toll_zone_offset(zone, at, NULL, NULL) * INT64_C(1000));
}

/* The first and last day of the run in a zone: docs/RATING.md section 12.1. */
struct due {
    bool any;
    toll_ms first, last;
    int64_t begun; /* UTC day */
};
static void due_months(const struct due *due, const struct toll_zone *zone, int cycle_day, int64_t *from,
                       int64_t *last)
{
    const int64_t local_first = local_day(zone, due->first), local_last = local_day(zone, due->last);
    const int64_t first_day = due->begun > local_first ? due->begun : local_first;
    const int64_t last_day = toll_day_of_ms(due->last) < local_last ? toll_day_of_ms(due->last) : local_last;
    *from = toll_cycle_month_of_day(cycle_day, first_day);
    *last = last_day < first_day ? *from - 1 : toll_cycle_month_of_day(cycle_day, last_day);
}

static bool add_due(struct tasks *tasks, const struct toll_taxes *taxes, const struct due *due,
                    const toll_ms *closed)
{
    const struct toll_book *book = taxes->book;
    for (uint32_t i = 1; i < book->account_count; i++) {
        const struct toll_account *account = &book->accounts[i];
        const struct toll_zone *zone = book->zones[account->zone];
        int64_t month, last;
        due_months(due, zone, account->cycle_day, &month, &last);
        for (; month <= last; month++) {
            if (closed != NULL && toll_cycle_of_month(zone, account->cycle_day, month).until <= closed[i])
                continue;
            if (!add_task(tasks, taxes, toll_cycle_first_day(account->cycle_day, month), i))
                return false;
        }
    }
    return true;
}

static bool add_used(struct tasks *tasks, const struct toll_taxes *taxes)
{
    const struct toll_run_tables *run = &taxes->files.tables;
    uint64_t last = 0;
    for (int64_t i = 0; i < run->bucket_count; i++) {
        const struct toll_bucket_row *bucket = &run->buckets[i];
        if (bucket->tuple == 0)
            continue;
        const int64_t day = taxes->tuples[taxes->bucket_tuples[i]].period;
        const uint64_t now = (uint64_t)bucket->account << 32 ^ (uint64_t)day;
        if (now == last) /* mostly the same as before */
            continue;
        last = now;
        if (!add_task(tasks, taxes, day, (uint32_t)taxes->account_of_run[bucket->account]))
            return false;
    }
    for (int64_t i = 0; i < run->period_count; i++) {
        const uint32_t account = (uint32_t)taxes->account_of_run[run->periods[i].account];
        if (account != 0 && !add_task(tasks, taxes, toll_taxes_period_day(taxes, i), account))
            return false;
    }
    return true;
}

int64_t toll_taxes_period_day(const struct toll_taxes *taxes, int64_t period)
{
    const struct toll_period_row *row = &taxes->files.tables.periods[period];
    const int cycle_day = taxes->book->accounts[taxes->account_of_run[row->account]].cycle_day;
    int64_t day = 0;
    toll_day_parse(row->period, strlen(row->period), &day);
    return toll_cycle_first_day(cycle_day, toll_cycle_month_of_day(cycle_day, day));
}

static int by_key(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool keep_tasks(struct toll_taxes *taxes, const struct tasks *tasks, const toll_ms *closed)
{
    const struct toll_book *book = taxes->book;
    uint32_t *of_rank = calloc(book->account_count + (size_t)1, sizeof *of_rank);
    taxes->tasks = calloc(tasks->count + 1, sizeof *taxes->tasks);
    if (of_rank == NULL || taxes->tasks == NULL) {
        free(of_rank);
        return false;
    }
    for (uint32_t i = 0; i < book->account_count; i++)
        of_rank[taxes->account_rank[i]] = i;
    if (tasks->count > 1)
        qsort(tasks->keys, tasks->count, sizeof *tasks->keys, by_key);
    for (size_t i = 0; i < tasks->count; i++) {
        if (i > 0 && tasks->keys[i] == tasks->keys[i - 1])
            continue;
        const uint32_t account = of_rank[(uint32_t)tasks->keys[i]];
        const struct toll_account *row = &book->accounts[account];
        const int64_t day = (int64_t)(tasks->keys[i] >> 32) - (INT64_C(1) << 31);
        const toll_ms until = toll_cycle_of_month(book->zones[row->zone], row->cycle_day,
                                                  toll_cycle_month_of_day(row->cycle_day, day))
                                  .until;
        /* A merged run's older book may have had other billing days: what is due is due once. */
        const bool own =
            day == toll_cycle_first_day(row->cycle_day, toll_cycle_month_of_day(row->cycle_day, day));
        taxes->tasks[taxes->task_count++] = (struct toll_taxes_task){
            .day = day, .account = account, .closed = !own || (closed != NULL && until <= closed[account])};
    }
    free(of_rank);
    return true;
}

int toll_taxes_list_tasks(struct toll_taxes *taxes, struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &taxes->files.manifest;
    struct toll_state state = {0};
    struct tasks tasks = {0};
    toll_ms *closed = NULL;
    struct due due = {.any = manifest->has_starts};
    int rc = 0;
    if (manifest->rows > 0 && !manifest->has_starts)
        return toll_error_set(error, TOLL_EDATA,
                              "%s: was rated by an older version, which did not say when its calls are; rate "
                              "again",
                              taxes->files.path);
    due.first = within_years(manifest->first_start);
    due.last = within_years(manifest->last_start);
    due.begun = toll_day_of_ms(due.first);
    const struct toll_state *before = taxes->state;
    if (taxes->files_open && toll_run_has_state(&taxes->files)) {
        rc = toll_state_of_run(&state, &taxes->files, error);
        before = &state;
    }
    if (rc == 0 && before != NULL) {
        rc = toll_closing_times(taxes->book, before, &closed, error);
        due.begun = before->begun;
        due.first = within_years(before->begun_first);
    }
    if (rc == 0 && !((!due.any || add_due(&tasks, taxes, &due, closed)) && add_used(&tasks, taxes) &&
                     keep_tasks(taxes, &tasks, closed)))
        rc = no_memory(error);
    free(tasks.keys);
    free(closed);
    toll_state_close(&state);
    return rc;
}

/* ---- stale rows ---- */

bool toll_taxes_list_stale(struct toll_taxes *taxes)
{
    const struct toll_run_manifest *manifest = &taxes->files.manifest;
    struct toll_tax_stale walk = {0};
    if (!manifest->has_starts)
        return true;
    const toll_ms last = within_years(manifest->last_start);
    const int64_t local = local_day(taxes->book->zones[0], last), utc = toll_day_of_ms(last);
    while (toll_tax_stale_next(taxes->tables, (int32_t)(local < utc ? local : utc), &walk)) {
        if (!toll_tax_grow((void **)&taxes->stale, &taxes->stale_room, taxes->stale_count + 1,
                           sizeof *taxes->stale))
            return false;
        taxes->stale[taxes->stale_count++] = walk;
    }
    return true;
}
