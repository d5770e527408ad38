/* Posting into a ledger: what a run or a delta adds, as one more entry, if it starts from where the ledger
 * is. */
#include "segment/ledger.h"

#include "base/error.h"
#include "io/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct toll_arrow_field fields[] = {
    {"account", TOLL_ARROW_UTF8, 0}, {"currency", TOLL_ARROW_UTF8, 0}, {"before", TOLL_ARROW_INT64, 8},
    {"after", TOLL_ARROW_INT64, 8},  {"due", TOLL_ARROW_INT64, 8},     {"due_tax_cents", TOLL_ARROW_INT64, 0},
};
static const uint16_t offsets[] = {
    offsetof(struct toll_ledger_row, account), offsetof(struct toll_ledger_row, currency),
    offsetof(struct toll_ledger_row, before),  offsetof(struct toll_ledger_row, after),
    offsetof(struct toll_ledger_row, due),     offsetof(struct toll_ledger_row, due_tax_cents),
};
_Static_assert(sizeof fields / sizeof *fields == sizeof offsets / sizeof *offsets, "one for each");
const struct toll_run_table toll_ledger_amounts = {
    TOLL_LEDGER_AMOUNTS,
    {"ledger_amounts/1", fields, sizeof fields / sizeof *fields},
    offsets,
    sizeof(struct toll_ledger_row),
};

void toll_ledger_entry_name(int64_t seq, char name[TOLL_LEDGER_NAME_BYTES])
{
    for (int i = TOLL_LEDGER_NAME_BYTES - 2; i >= 0; i--, seq /= 10)
        name[i] = (char)('0' + seq % 10);
    name[TOLL_LEDGER_NAME_BYTES - 1] = 0;
}

/* ---- what is posted ---- */

struct amount {
    const char *account, *currency;
    toll_total before, after, due, due_tax_cents;
};
struct posting {
    const struct toll_io *io;
    const char *path;
    bool is_run;
    struct toll_run_files run;
    struct toll_delta_files delta;
    struct amount *amounts;
    size_t count, room;
    struct toll_ledger_record record;
};

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the ledger");
}

static bool put(struct posting *posting, const struct amount *amount)
{
    if (posting->count == posting->room) {
        const size_t room = posting->room * 2 + 256;
        struct amount *grown = realloc(posting->amounts, room * sizeof *grown);
        if (grown == NULL)
            return false;
        posting->amounts = grown;
        posting->room = room;
    }
    posting->amounts[posting->count++] = *amount;
    return true;
}

static bool list_run(struct posting *posting)
{
    const struct toll_run_tables *tables = &posting->run.tables;
    bool good = true;
    for (int64_t i = 0; good && i < tables->bucket_count; i++) {
        const struct toll_account_row *account = &tables->accounts[tables->buckets[i].account];
        good = put(posting, &(struct amount){.account = account->account,
                                             .currency = account->currency,
                                             .after = tables->buckets[i].charge});
    }
    for (int64_t i = 0; good && i < tables->period_count; i++) {
        const struct toll_account_row *account = &tables->accounts[tables->periods[i].account];
        good = put(posting, &(struct amount){.account = account->account,
                                             .currency = account->currency,
                                             .after = tables->periods[i].charge});
    }
    return good;
}

static bool list_delta(struct posting *posting)
{
    const struct toll_delta_tables *tables = &posting->delta.tables;
    bool good = true;
    for (int64_t i = 0; good && i < tables->sum_count; i++) {
        const struct toll_delta_sum_row *row = &tables->sums[i];
        good = put(posting, &(struct amount){.account = row->account,
                                             .currency = row->currency,
                                             .before = (toll_total)row->old_charge + row->old_periods,
                                             .after = (toll_total)row->new_charge + row->new_periods});
    }
    for (int64_t i = 0; good && i < tables->adjusting_count; i++) {
        const struct toll_adjusting_row *row = &tables->adjusting[i];
        if (strcmp(row->status, "due") == 0)
            good = put(posting, &(struct amount){.account = row->account,
                                                 .currency = row->currency,
                                                 .due = (toll_total)row->new_charge - row->old_charge});
    }
    for (int64_t i = 0; good && i < tables->adjusting_tax_count; i++) {
        const struct toll_adjusting_tax_row *row = &tables->adjusting_taxes[i];
        if (strcmp(row->status, "due") == 0 && row->billable)
            good =
                put(posting, &(struct amount){.account = row->account,
                                              .currency = row->currency,
                                              .due_tax_cents = (toll_total)row->new_cents - row->old_cents});
    }
    return good;
}

static int compare_amounts(const void *a, const void *b)
{
    const struct amount *x = a, *y = b;
    const int order = strcmp(x->account, y->account);
    return order != 0 ? order : strcmp(x->currency, y->currency);
}

/* One amount for each account and currency. */
static void join_amounts(struct posting *posting)
{
    size_t joined = 0;
    if (posting->count > 0)
        qsort(posting->amounts, posting->count, sizeof *posting->amounts, compare_amounts);
    for (size_t i = 0; i < posting->count; i++) {
        const struct amount *from = &posting->amounts[i];
        struct amount *to = joined == 0 ? NULL : &posting->amounts[joined - 1];
        if (to == NULL || compare_amounts(to, from) != 0) {
            posting->amounts[joined++] = *from;
            continue;
        }
        to->before += from->before;
        to->after += from->after;
        to->due += from->due;
        to->due_tax_cents += from->due_tax_cents;
    }
    posting->count = joined;
}

/* The amounts as rows of the entry. */
static int make_rows(struct posting *posting, struct toll_error *error)
{
    struct toll_ledger_record *record = &posting->record;
    join_amounts(posting);
    record->rows = calloc(posting->count + 1, sizeof *record->rows);
    if (record->rows == NULL)
        return no_memory(error);
    for (size_t i = 0; i < posting->count; i++) {
        const struct amount *from = &posting->amounts[i];
        struct toll_ledger_row *row = &record->rows[record->row_count];
        if (from->before == from->after && from->due == 0 && from->due_tax_cents == 0)
            continue;
        row->account = from->account;
        row->currency = from->currency;
        if (!toll_money_narrow(from->before, &row->before) || !toll_money_narrow(from->after, &row->after) ||
            !toll_money_narrow(from->due, &row->due) ||
            !toll_money_narrow(from->due_tax_cents, &row->due_tax_cents))
            return toll_error_set(error, TOLL_EDATA, "%s: account %s is charged more than an amount can hold",
                                  posting->path, from->account);
        record->row_count++;
    }
    return 0;
}

static bool has_file(const struct toll_io *io, const char *path, const char *name)
{
    struct stat status;
    char *full = NULL;
    if (asprintf(&full, "%s/%s", path, name) < 0)
        return false;
    const bool found = io->fstatat(io->context, AT_FDCWD, full, &status, 0) == 0;
    free(full);
    return found;
}

static int open_posting(struct posting *posting, struct toll_error *error)
{
    struct toll_ledger_record *record = &posting->record;
    int rc;
    if (has_file(posting->io, posting->path, "delta.json")) {
        rc = toll_delta_files_open(&posting->delta, posting->io, posting->path, error);
        if (rc != 0)
            return rc;
        rc = toll_delta_files_verify(&posting->delta, error);
        record->posted = posting->delta.digest;
        record->run = posting->delta.manifest.new_run;
        record->changed = posting->delta.manifest.changed;
        return rc != 0 ? rc : list_delta(posting) ? make_rows(posting, error) : no_memory(error);
    }
    if (!has_file(posting->io, posting->path, "run.json"))
        return toll_error_set(error, TOLL_ENOINPUT,
                              "%s: is neither a run nor a delta: it has no run.json and no delta.json; post "
                              "the folder that rate made, or rerate",
                              posting->path);
    rc = toll_run_files_open(&posting->run, posting->io, posting->path, error);
    posting->is_run = rc == 0;
    if (rc != 0)
        return rc;
    record->original = true;
    record->posted = record->run = posting->run.digest;
    return list_run(posting) ? make_rows(posting, error) : no_memory(error);
}

static void close_posting(struct posting *posting)
{
    if (posting->is_run)
        toll_run_files_close(&posting->run);
    toll_delta_files_close(&posting->delta);
    free(posting->amounts);
    free(posting->record.rows);
}

/* ---- does it go on from where the ledger is? ---- */

static int refuse(const struct toll_ledger *ledger, int64_t index, const struct posting *posting,
                  const char *why, struct toll_error *error)
{
    char name[TOLL_LEDGER_NAME_BYTES];
    toll_ledger_entry_name(ledger->entries[index].seq, name);
    return toll_error_set(error, TOLL_EDATA, "%s: %s, see entry %s of %s", posting->path, why, name,
                          ledger->path);
}

static int check_place(const struct toll_ledger *ledger, const struct posting *posting,
                       struct toll_error *error)
{
    const int64_t last = ledger->entry_count - 1;
    for (int64_t i = 0; i <= last; i++)
        if (toll_hash_equal(ledger->entries[i].posted, posting->record.posted))
            return refuse(ledger, i, posting, "it was posted already", error);
    if (last < 0)
        return posting->is_run
                   ? 0
                   : toll_error_set(error, TOLL_EDATA,
                                    "%s: the ledger is empty, and begins with a run: post the run from which "
                                    "%s starts",
                                    ledger->path, posting->path);
    if (posting->is_run)
        return refuse(ledger, 0, posting,
                      "the ledger has begun with another run; it goes on with deltas, another run begins "
                      "another ledger",
                      error);
    const struct toll_hash128 from = posting->delta.manifest.old_run;
    if (toll_hash_equal(ledger->entries[last].run, from))
        return last + 1 < TOLL_LEDGER_ENTRIES
                   ? 0
                   : toll_error_set(error, TOLL_EDATA, "%s: is full; begin another one", ledger->path);
    for (int64_t i = 0; i < last; i++)
        if (toll_hash_equal(ledger->entries[i].run, from))
            return refuse(ledger, i + 1, posting,
                          "another delta of the run from which it starts was posted already; make the delta "
                          "of the ledger's last run and the new one",
                          error);
    return refuse(ledger, last, posting,
                  "it does not start from the run at which the ledger is; make the delta of that run and the "
                  "new one",
                  error);
}

static int differs(const struct toll_ledger *ledger, const struct posting *posting, const char *account,
                   struct toll_error *error)
{
    return toll_error_set(
        error, TOLL_EDATA,
        "%s: account %s: its old charge is not what the entries of %s add up to, so nothing "
        "is posted: verify it, and make the delta of its two runs again",
        posting->path, account, ledger->path);
}

/* What a delta has as old is what the entries add up to, of every account and currency. */
static int check_amounts(const struct toll_ledger *ledger, const struct posting *posting,
                         struct toll_error *error)
{
    size_t at = 0;
    for (int64_t i = 0; i < ledger->place_count; i++) {
        const struct toll_ledger_row *row = toll_ledger_place_row(ledger, i);
        const struct amount standing = {.account = row->account, .currency = row->currency};
        int order = -1;
        if (i + 1 < ledger->place_count) {
            const struct toll_ledger_row *next = toll_ledger_place_row(ledger, i + 1);
            if (strcmp(row->account, next->account) == 0 && strcmp(row->currency, next->currency) == 0)
                continue; /* a later entry has what stands */
        }
        for (; at < posting->count && (order = compare_amounts(&posting->amounts[at], &standing)) < 0; at++)
            if (posting->amounts[at].before != 0)
                return differs(ledger, posting, posting->amounts[at].account, error);
        const bool found = at < posting->count && order == 0;
        if ((found ? posting->amounts[at].before : 0) != row->after)
            return differs(ledger, posting, row->account, error);
        at += found;
    }
    for (; at < posting->count; at++)
        if (posting->amounts[at].before != 0)
            return differs(ledger, posting, posting->amounts[at].account, error);
    return 0;
}

/* ---- writing ---- */

static int encode(struct toll_json *json, const struct toll_ledger_record *record, struct toll_error *error)
{
    toll_json_init(json);
    toll_json_open_map(json, NULL);
    toll_json_string(json, "schema", TOLL_LEDGER_SCHEMA);
    toll_json_int(json, "seq", record->seq);
    toll_json_string(json, "kind", record->original ? "run" : "delta");
    toll_manifest_put_hash(json, "posted", record->posted);
    toll_manifest_put_hash(json, "run", record->run);
    if (record->seq > 1)
        toll_manifest_put_hash(json, "before", record->before);
    toll_json_int(json, "changed", record->changed);
    toll_json_int(json, "amounts_bytes", record->amounts_bytes);
    toll_manifest_put_hash(json, "amounts_xxh3", record->amounts_hash);
    return toll_manifest_finish(json, TOLL_LEDGER_MANIFEST, error);
}

static int write_entry(const struct toll_io *io, const char *ledger_path, struct toll_ledger_record *record,
                       struct toll_error *error)
{
    struct toll_publish publish = {0};
    struct toll_arrow_memory memory = {0};
    struct toll_json json = {0};
    char name[TOLL_LEDGER_NAME_BYTES], *path = NULL;
    toll_ledger_entry_name(record->seq, name);
    if (asprintf(&path, "%s/%s", ledger_path, name) < 0)
        return no_memory(error);
    int rc = toll_run_table_encode(&toll_ledger_amounts, record->rows, record->row_count, &memory, error);
    record->amounts_bytes = (int64_t)memory.size;
    record->amounts_hash = rc != 0 ? (struct toll_hash128){0} : toll_hash(memory.bytes, memory.size);
    if (rc == 0)
        rc = encode(&json, record, error);
    if (rc == 0)
        rc = toll_publish_begin(&publish, io, path, error);
    if (rc == 0)
        rc = toll_write_file(io, publish.directory, TOLL_LEDGER_AMOUNTS, memory.bytes, memory.size, error);
    if (rc == 0)
        rc = toll_write_file(io, publish.directory, TOLL_LEDGER_MANIFEST, json.text, json.bytes, error);
    if (rc == 0)
        rc = toll_publish_commit(&publish, error);
    toll_publish_end(&publish);
    toll_json_free(&json);
    free(memory.bytes);
    free(path);
    return rc;
}

int toll_ledger_post_with(const struct toll_io *io, const char *ledger_path, const char *path, int64_t *seq,
                          struct toll_error *error)
{
    struct posting posting = {.io = io, .path = path};
    struct toll_ledger *ledger = NULL;
    int directory = -1;
    *seq = 0;
    int rc = open_posting(&posting, error);
    if (rc == 0)
        rc = toll_lock_directory(io, ledger_path, posting.is_run, &directory, error);
    if (rc == 0)
        rc = toll_ledger_open_with(io, ledger_path, &ledger, error);
    if (rc == 0)
        rc = check_place(ledger, &posting, error);
    if (rc == 0)
        rc = check_amounts(ledger, &posting, error);
    if (rc == 0) {
        struct toll_ledger_record *record = &posting.record;
        record->seq = ledger->entry_count + 1;
        if (ledger->entry_count > 0)
            record->before = ledger->entries[ledger->entry_count - 1].digest;
        rc = write_entry(io, ledger_path, record, error);
        if (rc == 0)
            *seq = record->seq;
    }
    toll_ledger_close(ledger);
    toll_unlock_directory(io, directory);
    close_posting(&posting);
    return rc;
}

int toll_ledger_post(const char *ledger_path, const char *path, int64_t *seq, struct toll_error *error)
{
    return toll_ledger_post_with(toll_io_system(), ledger_path, path, seq, error);
}
