/*
 * Reads a run line by line and joins each with its CDR, the run's tables and the book that priced it. Who
 * paid is asked of the book again; its account must be the line's, or run and dataset do not belong together.
 */
#include "pipeline/run_reader.h"
#include "pipeline/cost.h"
#include "pipeline/reader_books.h"
#include "pipeline/reader_line_tax.h"
#include "pipeline/reader_taxes.h"
#include "pipeline/run_cdrs.h"

#include "base/check.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader_day {
    char text[TOLL_TIME_TEXT_BYTES];
    int64_t rows;
};

struct toll_run {
    const struct toll_io *io;
    struct toll_run_files files;
    bool files_open, dataset_open;
    struct toll_dataset dataset; /* its parts are the run's */
    struct toll_reader_books books;
    struct reader_day *days;
    int64_t day_count;

    /* the part and batch that are open */
    size_t part; /* part_count: none */
    int64_t batch, index, cdr_batch_index;
    struct toll_lines *lines;
    struct toll_part_set set; /* the CDR part, if there is a dataset */
    struct toll_cdr_text *text;
    struct toll_line_batch line_batch;
    void *line_room; /* of its narrow columns */
    struct toll_cdr_batch cdr_batch;
    char day[TOLL_TIME_TEXT_BYTES];
    int64_t day_row; /* of the part's first row */

    char *record_id;
    size_t record_id_room;
    const struct toll_price_row *last_price, *last_cost_price;
    struct toll_reader_taxes taxes;
    struct toll_line_tax_sums tax_sums;
};

const struct toll_run_files *toll_run_inside(const struct toll_run *run)
{
    return &run->files;
}

/* ---- opening ---- */

static int list_days(struct toll_run *run, struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &run->files.manifest;
    run->days = calloc(manifest->part_count + 1, sizeof *run->days);
    if (run->days == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    for (size_t i = 0; i < manifest->part_count; i++) {
        if (i == 0 || manifest->parts[i].day != manifest->parts[i - 1].day)
            toll_day_format(manifest->parts[i].day, run->days[run->day_count++].text);
        run->days[run->day_count - 1].rows += manifest->parts[i].rows;
    }
    return 0;
}

int toll_run_open(const char *run_path, const char *dataset_path, struct toll_run **out,
                  struct toll_error *error)
{
    return toll_run_open_with(toll_io_system(), run_path, dataset_path, out, error);
}

int toll_run_open_with(const struct toll_io *io, const char *run_path, const char *dataset_path,
                       struct toll_run **out, struct toll_error *error)
{
    struct toll_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", run_path);
    run->io = io;
    int rc = toll_run_files_open(&run->files, run->io, run_path, error);
    run->files_open = rc == 0;
    if (rc == 0)
        rc = list_days(run, error);
    if (rc == 0)
        rc = toll_reader_books_open(&run->books, &run->files, error);
    if (rc == 0 && dataset_path != NULL) {
        rc = toll_run_cdrs_open(&run->dataset, &run->files, dataset_path, TOLL_EDATA, error);
        run->dataset_open = rc == 0;
    }
    if (rc != 0) {
        toll_run_close(run);
        return rc;
    }
    toll_run_rewind(run);
    *out = run;
    return 0;
}

static void close_part(struct toll_run *run)
{
    if (run->lines != NULL)
        toll_lines_close(run->lines);
    if (run->text != NULL)
        toll_cdr_text_close(run->text);
    toll_reader_books_leave_part(&run->books);
    toll_part_set_close(&run->set);
    free(run->line_room);
    run->lines = NULL;
    run->line_room = NULL;
    run->text = NULL;
}

void toll_run_close(struct toll_run *run)
{
    if (run == NULL)
        return;
    close_part(run);
    toll_reader_books_close(&run->books);
    toll_reader_taxes_free(&run->taxes);
    toll_reader_line_tax_free(&run->tax_sums);
    if (run->dataset_open)
        toll_dataset_close(&run->dataset);
    if (run->files_open)
        toll_run_files_close(&run->files);
    free(run->days);
    free(run->record_id);
    free(run);
}

void toll_run_facts(const struct toll_run *run, struct toll_run_facts *out)
{
    const struct toll_run_manifest *manifest = &run->files.manifest;
    struct toll_currency_total charges[TOLL_COST_TOTALS];
    memset(out, 0, sizeof *out);
    out->rows = manifest->rows;
    out->rated = manifest->rated;
    out->zero_rated = manifest->zero_rated;
    out->suspense = manifest->suspense;
    out->billed_s = manifest->billed_s;
    memcpy(out->status_rows, manifest->status_rows, sizeof out->status_rows);
    toll_hash_text(manifest->cdr_hash, out->cdr_hash);
    toll_hash_text(manifest->book_hash, out->book_hash);
    toll_hash_text(manifest->tzdata_hash, out->tzdata_hash);
    out->total_count = manifest->total_count;
    for (int i = 0; i < manifest->total_count; i++) {
        snprintf(out->totals[i].currency, sizeof out->totals[i].currency, "%s", manifest->totals[i].currency);
        charges[i] = (struct toll_currency_total){.currency = manifest->totals[i].currency,
                                                  .charge = manifest->totals[i].charge};
        const toll_total periods = toll_run_period_total(&run->files.tables, manifest->totals[i].currency);
        toll_total_format(manifest->totals[i].charge, TOLL_MONEY_DECIMALS, out->totals[i].charge);
        toll_total_format(manifest->totals[i].charge - periods, TOLL_MONEY_DECIMALS,
                          out->totals[i].line_charge);
        toll_total_format(periods, TOLL_MONEY_DECIMALS, out->totals[i].period_charge);
    }
    out->has_cost = manifest->has_cost;
    out->cost_count = manifest->cost_count;
    memcpy(out->cost_rows, manifest->cost_rows, sizeof out->cost_rows);
    for (int i = 0; i < manifest->cost_count; i++)
        toll_cost_total_fill(&out->costs[i], manifest->costs[i].currency, manifest->costs[i].cost, charges,
                             manifest->total_count);
    out->day_count = run->day_count;
    out->period_count = run->files.tables.period_count;
}

bool toll_run_period(const struct toll_run *run, int64_t index, struct toll_period_charge *out)
{
    const struct toll_run_tables *tables = &run->files.tables;
    if (index < 0 || index >= tables->period_count)
        return false;
    const struct toll_period_row *row = &tables->periods[index];
    const struct toll_account_row *account = &tables->accounts[row->account];
    *out = (struct toll_period_charge){
        .period = row->period,
        .account = account->account,
        .account_name = account->name,
        .currency = account->currency,
        .site = row->site,
        .number = row->number,
        .pool = "",
        .tiers = row->tiers,
        .kind = row->kind,
        .calls = row->calls,
        .counted = row->counted,
        .charged = row->charged,
        .amount = row->amount,
        .charge = row->charge,
        .file = row->file,
        .line = row->line,
    };
    return true;
}

bool toll_run_pool(const struct toll_run *run, int64_t index, struct toll_pool_balance *out)
{
    const struct toll_run_tables *tables = &run->files.tables;
    if (index < 0 || index >= tables->pool_count)
        return false;
    const struct toll_pool_period_row *row = &tables->pools[index];
    *out = (struct toll_pool_balance){
        .id = row->id,
        .bundle = row->bundle,
        .scope = row->scope,
        .account = row->account,
        .site = row->site,
        .number = row->number,
        .pool = row->pool,
        .unit = row->unit,
        .period = row->period,
        .granted = row->granted,
        .rolled_in = row->rolled_in,
        .used = row->used,
        .rolled_out = row->rolled_out,
        .expired = row->expired,
        .over = row->over,
        .exhausted_ms = row->exhausted,
    };
    return true;
}

bool toll_run_tier_count(const struct toll_run *run, int64_t index, struct toll_tier_count *out)
{
    const struct toll_run_tables *tables = &run->files.tables;
    if (index < 0 || index >= tables->count_count)
        return false;
    const struct toll_tier_count_row *row = &tables->counts[index];
    *out = (struct toll_tier_count){
        .tiers = row->tiers,
        .account = row->account,
        .site = row->site,
        .number = row->number,
        .period = row->period,
        .units = row->units,
        .spend = row->spend,
        .fee = row->fee,
        .minimum = row->minimum,
        .maximum = row->maximum,
    };
    return true;
}

int toll_run_line_taxes(struct toll_run *run, int32_t tuple, int64_t charge, int64_t billed,
                        struct toll_line_taxes *out, struct toll_error *error)
{
    const int rc = toll_reader_taxes_of(&run->taxes, &run->files.tables, tuple, charge, billed, out, error);
    return toll_error_within(error, rc, run->files.path);
}

int toll_run_line_tax(struct toll_run *run, int32_t tuple, int64_t charge, int64_t billed,
                      char text[TOLL_TAX_TEXT], struct toll_error *error)
{
    const int rc =
        toll_reader_line_tax(&run->tax_sums, &run->files.tables, tuple, charge, billed, text, error);
    return toll_error_within(error, rc, run->files.path);
}

const char *toll_run_day(const struct toll_run *run, int64_t index, int64_t *rows)
{
    if (index < 0 || index >= run->day_count)
        return NULL;
    if (rows != NULL)
        *rows = run->days[index].rows;
    return run->days[index].text;
}

/* ---- moving ---- */

void toll_run_rewind(struct toll_run *run)
{
    close_part(run);
    run->part = run->files.manifest.part_count;
    run->batch = run->cdr_batch_index = -1;
    run->index = 0;
}

static int open_part(struct toll_run *run, size_t part, struct toll_error *error)
{
    if (run->lines != NULL && run->part == part)
        return 0;
    close_part(run);
    run->part = part;
    run->batch = run->cdr_batch_index = -1;
    const struct toll_run_part *parts = run->files.manifest.parts;
    toll_day_format(parts[part].day, run->day);
    run->day_row = 0;
    for (size_t i = part; i > 0 && parts[i - 1].day == parts[part].day; i--)
        run->day_row += parts[i - 1].rows;
    int rc = toll_run_lines_open(&run->files, part, TOLL_READ_MMAP, &run->lines, error);
    if (rc == 0) {
        run->line_room = toll_lines_buffer_make(run->lines);
        if (run->line_room == NULL)
            rc = toll_error_set(error, TOLL_ENOMEM, "out of memory for the lines");
    }
    if (rc != 0 || !run->dataset_open)
        return rc;
    rc = toll_part_set_open(&run->set, &toll_reader_book_own(&run->books)->rater, 1, &run->dataset, part,
                            part + 1, TOLL_READ_MMAP, 0, NULL, error);
    if (rc == 0)
        rc = toll_dataset_text_open(&run->dataset, part, TOLL_READ_MMAP, &run->text, error);
    return rc;
}

static int open_batch(struct toll_run *run, int64_t batch, struct toll_error *error)
{
    if (run->batch == batch)
        return 0;
    run->batch = run->cdr_batch_index = -1;
    const int rc = toll_lines_batch(run->lines, batch, run->line_room, &run->line_batch, error);
    if (rc == 0)
        run->batch = batch;
    return rc;
}

/* The CDRs of the open batch. */
static int open_cdrs(struct toll_run *run, struct toll_error *error)
{
    if (run->cdr_batch_index == run->batch)
        return 0;
    const int rc = toll_cdr_part_batch(run->set.parts[0].part, run->batch, TOLL_CDR_ALL_COLUMNS, NULL,
                                       &run->cdr_batch, error);
    if (rc == 0)
        run->cdr_batch_index = run->batch;
    return rc;
}

/* ---- one line ---- */

static void number_text(uint64_t digits, unsigned type, struct toll_text_view dialled, char out[24])
{
    char text[TOLL_DIGITS_TEXT_BYTES];
    size_t bytes = dialled.bytes;
    toll_digits_text(digits, text);
    if (digits != 0) {
        snprintf(out, 24, "%s%s", type == TOLL_NUMBER_E164 ? "+" : "", text);
        return;
    }
    /* No telephone number: as dialled, cut between characters. */
    if (bytes > 23)
        for (bytes = 23; bytes > 0 && ((unsigned char)dialled.data[bytes] & 0xC0) == 0x80;)
            bytes--;
    memcpy(out, dialled.data == NULL ? "" : dialled.data, bytes);
    out[bytes] = 0;
}

static int fill_texts(struct toll_run *run, int64_t row, uint16_t kind, struct toll_line *line,
                      struct toll_error *error)
{
    struct toll_text_view id, caller, callee;
    const struct toll_cdr_batch *batch = &run->cdr_batch;
    const int rc = toll_cdr_text_row(run->text, row, &id, &caller, &callee, error);
    if (rc != 0)
        return rc;
    if (id.bytes + 1 > run->record_id_room) {
        const size_t room = 2 * id.bytes + 64;
        char *grown = realloc(run->record_id, room);
        if (grown == NULL)
            return toll_error_set(error, TOLL_ENOMEM, "out of memory");
        run->record_id = grown;
        run->record_id_room = room;
    }
    if (id.bytes > 0)
        memcpy(run->record_id, id.data, id.bytes);
    run->record_id[id.bytes] = 0;
    line->record_id = run->record_id;
    number_text(batch->caller[run->index], toll_kind_caller_type(kind), caller, line->caller);
    number_text(batch->callee[run->index], toll_kind_callee_type(kind), callee, line->callee);
    return 0;
}

static const char *dictionary_text(const struct toll_run *run, enum toll_cdr_column column, uint32_t id)
{
    const struct toll_cdr_dictionary dictionary = toll_cdr_part_dictionary(run->set.parts[0].part, column);
    return id < dictionary.count ? dictionary.entries[id] : "";
}

/* Site and billing number: the payer, asked of the book again. */
static int fill_payer(const struct toll_run *run, const struct toll_reader_book *reader,
                      const struct toll_row *row, struct toll_line *line, struct toll_error *error)
{
    const struct toll_book *book = reader->book;
    struct toll_payer payer = {0};
    if ((row->kind & TOLL_KIND_CONFLICT) == 0 || line->status == TOLL_ZERO_CLOSED)
        toll_payer_find(&reader->rater, row, &payer);
    const struct toll_owner *owner = &book->owners[payer.owner];
    if (strcmp(toll_book_string(book, book->accounts[owner->account].account), line->account) != 0)
        return toll_error_set(
            error, TOLL_EDATA,
            "%s: the account of %s:%lld is not the one that its book gives: run or book was changed",
            run->files.path, run->day, (long long)line->row);
    line->site = owner->site == 0 ? "" : toll_book_string(book, book->sites[owner->site].site);
    const struct toll_text_view none = {0};
    if (payer.owner == 0)
        return 0;
    if (payer.site == TOLL_PAYER_TRUNK)
        snprintf(line->number, sizeof line->number, "trunk:%s",
                 toll_book_string(book, book->named[TOLL_NAMED_TRUNK][row->trunk - 1].text));
    else if (payer.site == TOLL_PAYER_HINT)
        snprintf(line->number, sizeof line->number, "hint:%s",
                 toll_book_string(book, book->named[TOLL_NAMED_HINT][row->hint - 1].text));
    else
        number_text(payer.site == TOLL_PAYER_CHARGED ? row->charged : toll_row_near_end(row),
                    TOLL_NUMBER_E164, none, line->number);
    return 0;
}

static int fill_cdr(struct toll_run *run, struct toll_line *line, struct toll_error *error)
{
    static const char *const services[] = {"voice", "sms", "mms", "data", "event"};
    const struct toll_cdr_batch *batch = &run->cdr_batch;
    const int64_t i = run->index;
    const struct toll_reader_book *book = NULL;
    struct toll_row row;
    int rc = open_cdrs(run, error);
    if (rc == 0)
        rc = toll_reader_book_of(&run->books, &run->line_batch, run->index, run->set.parts[0].part, &book,
                                 error);
    if (rc != 0)
        return rc;
    toll_row_read(&book->rater, &book->map, batch, i, &row);
    const uint16_t kind = row.kind;
    line->service = services[toll_kind_service(kind)];
    line->direction = (kind & TOLL_KIND_IN) != 0 ? "in" : "out";
    line->answered = (kind & TOLL_KIND_ANSWERED) != 0;
    line->conflict = (kind & TOLL_KIND_CONFLICT) != 0;
    line->credit = (kind & TOLL_KIND_CREDIT) != 0;
    line->has_provider_charge = (kind & TOLL_KIND_PROVIDER_CHARGE) != 0;
    line->start_ms = row.start;
    line->duration_ms = row.duration_ms;
    line->quantity = row.quantity;
    line->provider_charge = row.provider_charge;
    line->calltype = dictionary_text(run, TOLL_CDR_CALLTYPE, row.calltype);
    line->carrier = dictionary_text(run, TOLL_CDR_CARRIER, batch->carrier[i]);
    line->trunk = batch->trunk == NULL ? "" : dictionary_text(run, TOLL_CDR_TRUNK, (uint32_t)batch->trunk[i]);
    const uint32_t carrier = toll_trunk_carrier(book->book, row.trunk);
    line->cost_carrier =
        carrier == 0 ? line->carrier
                     : toll_book_string(book->book, book->book->named[TOLL_NAMED_CARRIER][carrier - 1].text);
    line->local_ms = toll_local_ms(book->book, row.start);
    line->source_sha256 = dictionary_text(run, TOLL_CDR_SOURCE_FILE, (uint32_t)batch->source_file[i]);
    line->source_row = batch->source_row[i];
    if (line->price != 0)
        line->unit = toll_unit_name(toll_kind_service(kind));
    rc = fill_texts(run, line->row - run->day_row, kind, line, error);
    return rc != 0 ? rc : fill_payer(run, book, &row, line, error);
}

static const struct toll_price_row *find_price(const struct toll_run *run, int32_t id,
                                               const struct toll_price_row **last)
{
    const struct toll_run_tables *tables = &run->files.tables;
    if (*last != NULL && (*last)->id == id)
        return *last;
    int64_t low = 0, high = tables->price_count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (tables->prices[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == tables->price_count || tables->prices[low].id != id)
        return NULL;
    return *last = &tables->prices[low];
}

/* The first row of a pool in the tables: all have its names. */
static const struct toll_pool_period_row *find_pool(const struct toll_run *run, int32_t id)
{
    const struct toll_run_tables *tables = &run->files.tables;
    int64_t low = 0, high = tables->pool_count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (tables->pools[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low == tables->pool_count || tables->pools[low].id != id ? NULL : &tables->pools[low];
}

/* Where the run has bundles. */
static int fill_pool(struct toll_run *run, struct toll_line *line, struct toll_error *error)
{
    const struct toll_line_batch *batch = &run->line_batch;
    const int64_t i = run->index;
    const struct toll_pool_period_row *pool = NULL;
    line->included = batch->included == NULL ? 0 : batch->included[i];
    line->pool = batch->pool == NULL ? 0 : batch->pool[i];
    if (line->pool != 0)
        pool = find_pool(run, line->pool);
    if (line->pool != 0 && pool == NULL)
        return toll_error_set(error, TOLL_EDATA,
                              "%s: the line %s:%lld names a pool that the run's tables do not have",
                              run->files.path, run->day, (long long)line->row);
    if (pool != NULL) {
        line->pool_bundle = pool->bundle;
        line->pool_name = pool->pool;
    }
    return 0;
}

/* Where the run has costs. */
static int fill_cost(struct toll_run *run, struct toll_line *line, struct toll_error *error)
{
    const struct toll_line_batch *batch = &run->line_batch;
    line->cost_deck = line->cost_prefix = line->cost_destination = line->cost_file = "";
    if (batch->cost == NULL)
        return 0;
    line->cost_status = batch->cost_status[run->index];
    line->has_cost = toll_cost_takes_part(line->cost_status);
    line->cost = batch->cost[run->index];
    line->cost_price = batch->cost_price[run->index];
    const struct toll_price_row *price =
        line->cost_price == 0 ? NULL : find_price(run, line->cost_price, &run->last_cost_price);
    if (line->cost_price != 0 && price == NULL)
        return toll_error_set(error, TOLL_EDATA,
                              "%s: the cost of the line %s:%lld names a price that the run's tables do not "
                              "have",
                              run->files.path, run->day, (long long)line->row);
    if (price != NULL) {
        line->cost_deck = price->deck;
        line->cost_prefix = price->prefix;
        line->cost_destination = price->destination;
        line->cost_file = price->file;
        line->cost_line = price->line;
    }
    return 0;
}

static int fill_line(struct toll_run *run, struct toll_line *line, struct toll_error *error)
{
    const struct toll_run_tables *tables = &run->files.tables;
    const struct toll_line_batch *batch = &run->line_batch;
    const int64_t i = run->index;
    const int32_t account = batch->account[i];
    memset(line, 0, sizeof *line);
    line->day = run->day;
    line->row = run->day_row + run->batch * TOLL_BATCH_ROWS + i;
    line->status = batch->status[i];
    line->class_ = batch->class_jurisdiction[i] >> 4;
    line->jurisdiction = batch->class_jurisdiction[i] & 0xf;
    line->price = batch->price[i];
    line->billed = batch->billed[i];
    line->charge = batch->charge[i];
    line->tuple = batch->tuple[i];
    line->account = line->site = line->account_name = line->currency = "";
    line->record_id = line->service = line->direction = line->calltype = line->carrier = line->source_sha256 =
        "";
    line->price_kind = line->plan = line->deck = line->prefix = line->destination = line->band = "";
    line->unit = line->price_file = line->trunk = line->cost_carrier = "";
    line->pool_bundle = line->pool_name = "";

    const struct toll_price_row *price =
        line->price == 0 ? NULL : find_price(run, line->price, &run->last_price);
    if (account < 0 || account >= tables->account_count || (line->price != 0 && price == NULL))
        return toll_error_set(error, TOLL_EDATA,
                              "%s: the line %s:%lld names an account or a price that the run's "
                              "tables do not have",
                              run->files.path, run->day, (long long)line->row);
    if (account != 0) {
        line->account = tables->accounts[account].account;
        line->account_name = tables->accounts[account].name;
        line->currency = tables->accounts[account].currency;
    }
    if (price != NULL) {
        line->price_kind = price->kind;
        line->plan = price->plan;
        line->deck = price->deck;
        line->prefix = price->prefix;
        line->destination = price->destination;
        line->band = price->band;
        line->unit = price->unit;
        line->price_file = price->file;
        line->price_line = price->line;
    }
    int rc = fill_pool(run, line, error);
    if (rc == 0)
        rc = fill_cost(run, line, error);
    return rc != 0 || !run->dataset_open ? rc : fill_cdr(run, line, error);
}

/* ---- the public walk ---- */

/* Opens what holds the next row: 1, 0 at the end, negative on error. */
static int next_row(struct toll_run *run, struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &run->files.manifest;
    size_t part = run->part;
    int64_t batch = run->batch, index = run->index + 1;
    if (run->batch < 0) {
        part = 0;
        batch = index = 0;
    } else if (index == run->line_batch.rows) {
        batch++;
        index = 0;
    }
    while (part < manifest->part_count) {
        int rc = open_part(run, part, error);
        if (rc != 0)
            return rc;
        if (batch < toll_lines_batches(run->lines)) {
            rc = open_batch(run, batch, error);
            run->index = index;
            return rc != 0 ? rc : 1;
        }
        part++;
        batch = index = 0;
    }
    return 0;
}

int toll_run_next(struct toll_run *run, struct toll_line *line, struct toll_error *error)
{
    const int more = next_row(run, error);
    if (more <= 0)
        return more;
    const int rc = fill_line(run, line, error);
    return rc != 0 ? rc : 1;
}

static struct toll_reader_row row_here(const struct toll_run *run)
{
    return (struct toll_reader_row){
        .lines = &run->line_batch,
        .index = run->index,
        .day = run->day,
        .day_row = run->day_row + run->batch * TOLL_BATCH_ROWS + run->index,
    };
}

/* The open row with its CDR, if there is a dataset. */
static int seek_cdr(struct toll_run *run, struct toll_reader_row *out, struct toll_error *error)
{
    const struct toll_reader_book *book = NULL;
    int rc = open_cdrs(run, error);
    if (rc == 0)
        rc = toll_reader_book_of(&run->books, &run->line_batch, run->index, run->set.parts[0].part, &book,
                                 error);
    if (rc != 0)
        return rc;
    out->part = run->set.parts[0].part;
    out->batch = &run->cdr_batch;
    out->rater = &book->rater;
    out->price_shift = book->price_shift;
    out->kept = book->older;
    toll_row_read(&book->rater, &book->map, &run->cdr_batch, run->index, &out->row);
    return 0;
}

int toll_run_seek(struct toll_run *run, const char *day, int64_t row, struct toll_reader_row *out,
                  struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &run->files.manifest;
    int64_t wanted, day_rows = 0;
    if (!toll_day_parse(day, strlen(day), &wanted))
        return toll_error_set(error, TOLL_EUSAGE, "%s is no day; write it as 2026-03-01", day);
    for (size_t i = 0; i < manifest->part_count; i++) {
        if (manifest->parts[i].day != wanted)
            continue;
        if (row >= day_rows && row < day_rows + manifest->parts[i].rows) {
            const int64_t in_part = row - day_rows;
            int rc = open_part(run, i, error);
            if (rc == 0)
                rc = open_batch(run, in_part / TOLL_BATCH_ROWS, error);
            if (rc != 0)
                return rc;
            run->index = in_part % TOLL_BATCH_ROWS;
            *out = row_here(run);
            return run->dataset_open ? seek_cdr(run, out, error) : 0;
        }
        day_rows += manifest->parts[i].rows;
    }
    if (day_rows == 0)
        return toll_error_set(error, TOLL_EUSAGE, "%s has no lines of %s", run->files.path, day);
    return toll_error_set(error, TOLL_EUSAGE, "%s has %lld lines of %s, 0 to %lld; there is no %lld",
                          run->files.path, (long long)day_rows, day, (long long)day_rows - 1, (long long)row);
}

/* The open row with its CDR as the run's own book sees it: 1, or negative. */
static int own_row(struct toll_run *run, struct toll_reader_row *out, struct toll_error *error)
{
    const struct toll_reader_book *own = toll_reader_book_own(&run->books);
    const uint8_t *books = run->line_batch.book;
    const int rc = open_cdrs(run, error);
    if (rc != 0)
        return rc;
    *out = row_here(run);
    out->part = run->set.parts[0].part;
    out->batch = &run->cdr_batch;
    out->rater = &own->rater;
    out->price_shift = own->price_shift;
    out->kept = books != NULL && books[run->index] + 1u < run->books.count;
    toll_row_read(&own->rater, &run->set.parts[0].lanes[0].map, &run->cdr_batch, run->index, &out->row);
    return 1;
}

int toll_run_next_suspended(struct toll_run *run, struct toll_reader_row *out, struct toll_error *error)
{
    int more;
    while ((more = next_row(run, error)) > 0) {
        const uint8_t *status = run->line_batch.status;
        while (run->index < run->line_batch.rows - 1 && status[run->index] < TOLL_SUSPENSE_FIRST)
            run->index++;
        if (status[run->index] < TOLL_SUSPENSE_FIRST)
            continue;
        return own_row(run, out, error);
    }
    return more;
}

static bool has_drawn(const struct toll_run *run, int64_t index, int32_t account)
{
    const struct toll_line_batch *lines = &run->line_batch;
    const struct toll_draw_rules *rules = toll_run_rater(run)->draws;
    return (account == 0 || lines->account[index] == account) &&
           ((lines->included != NULL && lines->included[index] > 0) ||
            (rules != NULL && toll_draw_tiers(rules, (uint32_t)lines->price[index]) != 0));
}

int toll_run_next_drawn(struct toll_run *run, int32_t account, struct toll_reader_row *out,
                        struct toll_error *error)
{
    int more;
    while ((more = next_row(run, error)) > 0) {
        while (run->index < run->line_batch.rows - 1 && !has_drawn(run, run->index, account))
            run->index++;
        if (!has_drawn(run, run->index, account))
            continue;
        *out = row_here(run);
        const int rc = seek_cdr(run, out, error);
        return rc != 0 ? rc : 1;
    }
    return more;
}

int toll_run_next_row(struct toll_run *run, struct toll_reader_row *out, struct toll_error *error)
{
    const int more = next_row(run, error);
    return more <= 0 ? more : own_row(run, out, error);
}

const struct toll_rater *toll_run_rater(const struct toll_run *run)
{
    return &toll_reader_book_own(&run->books)->rater;
}

const struct toll_price_row *toll_run_price(struct toll_run *run, int32_t id)
{
    return id == 0 ? NULL : find_price(run, id, &run->last_price);
}

int toll_run_line(struct toll_run *run, const char *day, int64_t row, struct toll_line *line,
                  struct toll_error *error)
{
    struct toll_reader_row at;
    const int rc = toll_run_seek(run, day, row, &at, error);
    return rc != 0 ? rc : fill_line(run, line, error);
}
