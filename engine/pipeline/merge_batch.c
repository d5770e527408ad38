/* One batch of a merged run: rows to be rated out, rated, and back to their places among the kept lines. */
#include "pipeline/merge.h"

#include "base/check.h"
#include "base/error.h"
#include "mmap_cdr/columns.h"

#include <string.h>

/* ---- kept lines ---- */

/* A negative id is above every other one. */
static bool below(const int32_t *ids, int64_t rows, int64_t end)
{
    uint32_t highest = 0;
    for (int64_t i = 0; i < rows; i++)
        highest = (uint32_t)ids[i] > highest ? (uint32_t)ids[i] : highest;
    return highest < end;
}

static bool books_below(const uint8_t *books, int64_t rows, size_t end)
{
    uint8_t highest = 0;
    for (int64_t i = 0; i < rows; i++)
        highest = books[i] > highest ? books[i] : highest;
    return highest < end;
}

static bool ids_known(const struct toll_merge *merge, const struct toll_line_batch *kept)
{
    const struct toll_run_tables *tables = &merge->old.tables;
    const int64_t prices = tables->price_count == 0 ? 1 : tables->prices[tables->price_count - 1].id + 1ll;
    const int64_t tuples = tables->tuple_count == 0 ? 1 : tables->tuples[tables->tuple_count - 1].id + 1ll;
    return below(kept->account, kept->rows, tables->account_count) &&
           below(kept->price, kept->rows, prices) && below(kept->tuple, kept->rows, tuples) &&
           (kept->cost_price == NULL || below(kept->cost_price, kept->rows, prices)) &&
           (kept->book == NULL || books_below(kept->book, kept->rows, merge->book_count - 1));
}

/* What the earlier run did not have is nothing; a cost that it did not look for is closed. */
static void copy_more(const struct toll_line_batch *kept, const struct toll_line_columns *lines)
{
    const size_t rows = (size_t)kept->rows;
    if (lines->pool != NULL && kept->pool != NULL) {
        memcpy(lines->included, kept->included, rows * sizeof *lines->included);
        memcpy(lines->pool, kept->pool, rows * sizeof *lines->pool);
    } else if (lines->pool != NULL) {
        memset(lines->included, 0, rows * sizeof *lines->included);
        memset(lines->pool, 0, rows * sizeof *lines->pool);
    }
    if (lines->cost != NULL && kept->cost != NULL) {
        memcpy(lines->cost, kept->cost, rows * sizeof *lines->cost);
        memcpy(lines->cost_price, kept->cost_price, rows * sizeof *lines->cost_price);
        memcpy(lines->cost_status, kept->cost_status, rows);
    } else if (lines->cost != NULL) {
        memset(lines->cost, 0, rows * sizeof *lines->cost);
        memset(lines->cost_price, 0, rows * sizeof *lines->cost_price);
        memset(lines->cost_status, TOLL_ZERO_CLOSED, rows);
    }
}

static void copy_lines(const struct toll_line_batch *kept, const struct toll_line_columns *lines)
{
    const size_t rows = (size_t)kept->rows;
    memcpy(lines->account, kept->account, rows * sizeof *lines->account);
    memcpy(lines->price, kept->price, rows * sizeof *lines->price);
    memcpy(lines->billed, kept->billed, rows * sizeof *lines->billed);
    memcpy(lines->charge, kept->charge, rows * sizeof *lines->charge);
    memcpy(lines->tuple, kept->tuple, rows * sizeof *lines->tuple);
    memcpy(lines->status, kept->status, rows);
    memcpy(lines->class_jurisdiction, kept->class_jurisdiction, rows);
    if (kept->book == NULL)
        memset(lines->book, 0, rows); /* all of the one book */
    else
        memcpy(lines->book, kept->book, rows);
    copy_more(kept, lines);
}

static void count_kept_costs(const struct toll_merge *merge, const struct toll_line_batch *kept,
                             const uint8_t *again, const struct toll_line_columns *lines,
                             struct toll_cost_sums *sums)
{
    for (int64_t i = 0; lines->cost != NULL && i < kept->rows; i++) {
        if (again[i])
            continue; /* found anew */
        sums->status_rows[lines->cost_status[i]]++;
        sums->kept[merge->cost_places[kept->account[i]]] += lines->cost[i];
    }
}

/* ---- which rows ---- */

/* All bits or none: are the lines of this part chosen, whose day is? */
static uint8_t day_chosen(const struct toll_merge *merge, uint32_t part)
{
    const struct toll_merge_choice *choice = merge->choice;
    const int64_t day = merge->old.manifest.parts[part].day;
    return choice == NULL || (day >= choice->from_day && day < choice->to_day);
}

static void mark_chosen(const struct toll_merge *merge, uint32_t part, const struct toll_line_batch *kept,
                        uint8_t *again)
{
    const uint8_t day = day_chosen(merge, part);
    const uint8_t least = toll_merge_choice_drops(merge->choice) ? 0 : TOLL_SUSPENSE_FIRST;
    for (int64_t i = 0; i < kept->rows; i++)
        again[i] = (uint8_t)(day & (kept->status[i] >= least));
    for (int64_t i = 0; merge->chosen != NULL && i < kept->rows; i++)
        again[i] &= merge->chosen[kept->account[i]];
}

/* What suspense.csv says of a line that stays in suspense, as an older book left it. */
static uint64_t about_kept(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                           const struct toll_line_batch *kept, int64_t i)
{
    const uint32_t *texts = context->map->calltype_texts;
    switch (kept->status[i]) {
    case TOLL_SUSPENSE_NO_ACCOUNT: {
        struct toll_row row;
        toll_row_read(context->rater, context->map, batch, i, &row);
        const uint64_t near = toll_row_near_end(&row);
        return near == 0 ? 0 : toll_suspense_number(near);
    }
    case TOLL_SUSPENSE_NO_PREFIX:
        return toll_suspense_destination(batch->callee[i]);
    case TOLL_SUSPENSE_NO_CALLTYPE:
        return batch->calltype == NULL || texts == NULL ? 0 : texts[batch->calltype[i]];
    case TOLL_SUSPENSE_BLOCKED:
    case TOLL_SUSPENSE_NO_RATE:
        return TOLL_SUSPENSE_OLDER_PRICE | (uint32_t)kept->price[i];
    default:
        return 0;
    }
}

static void add_kept_suspense(const struct toll_merge *merge, const struct toll_block_context *context,
                              const struct toll_cdr_batch *batch, const struct toll_line_batch *kept,
                              const uint8_t *again)
{
    struct toll_suspense *suspense = &context->tally->suspense;
    toll_suspense_begin(suspense);
    for (int64_t i = 0; i < kept->rows; i++) {
        const uint8_t status = kept->status[i];
        if (status < TOLL_SUSPENSE_FIRST || again[i])
            continue;
        const int32_t account = merge->own_accounts[kept->account[i]];
        const uint64_t about = about_kept(context, batch, kept, i);
        if (!toll_suspense_expect(suspense, status, account, about))
            continue;
        toll_suspense_look(suspense, status, account, about);
        toll_suspense_add(suspense, status, account, about, context->part, batch->first_row + i);
    }
}

/* Lists the rows that are rated again and counts the others. */
static size_t find_chosen(const struct toll_merge *merge, const struct toll_block_context *context,
                          const struct toll_cdr_batch *batch, const struct toll_line_batch *kept,
                          struct toll_merge_scratch *scratch)
{
    struct toll_tally *tally = context->tally;
    int64_t counts[256] = {0}, waiting = 0;
    size_t count = 0;
    mark_chosen(merge, context->part, kept, scratch->again);
    for (int64_t i = 0; i < kept->rows; i++) {
        const uint8_t again = scratch->again[i];
        scratch->rows[count] = (uint32_t)i;
        count += again;
        counts[kept->status[i]] += !again;
        waiting += !again & (kept->status[i] >= TOLL_SUSPENSE_FIRST);
    }
    for (unsigned status = 0; status < TOLL_STATUS_COUNT; status++)
        tally->status_rows[status] += counts[status];
    tally->rows += kept->rows - (int64_t)count;
    tally->kept_rows += kept->rows - (int64_t)count;
    for (size_t k = 0; toll_merge_choice_drops(merge->choice) && k < count; k++) {
        const uint32_t i = scratch->rows[k];
        if (kept->status[i] < TOLL_SUSPENSE_FIRST && toll_kind_service(batch->kind[i]) == TOLL_VOICE)
            tally->dropped_billed_s += kept->billed[i];
    }
    if (waiting > 0)
        add_kept_suspense(merge, context, batch, kept, scratch->again);
    return count;
}

/* What chosen lines drew is given back, and nothing else is. */
static int check_draws(const struct toll_merge *merge, const struct toll_line_batch *kept,
                       const uint8_t *again, struct toll_error *error)
{
    if (kept->pool == NULL || !toll_merge_choice_drops(merge->choice))
        return 0;
    for (int64_t i = 0; i < kept->rows; i++) {
        const int32_t pool = kept->pool[i];
        const bool back =
            pool != 0 && pool < merge->pool_count && merge->given_back != NULL && merge->given_back[pool];
        if (pool != 0 && back != again[i])
            return toll_error_set(error, TOLL_EUSAGE,
                                  "%s: an account that is to be rated again draws on a pool with another one "
                                  "that is not; name both, or rate all again",
                                  merge->old.path);
    }
    return 0;
}

/* ---- rows that are rated again ---- */

void toll_merge_gather(const struct toll_cdr_batch *batch, const uint32_t *rows, size_t count,
                       struct toll_merge_scratch *scratch, struct toll_cdr_batch *out)
{
    *out = (struct toll_cdr_batch){.rows = (int64_t)count, .first_row = batch->first_row};
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++) {
        const char *from = toll_cdr_batch_column(batch, c);
        char *to = (char *)scratch->cdrs[c];
        if (from == NULL)
            continue;
        const unsigned width = toll_arrow_width(toll_cdr_columns[c].field.type);
        TOLL_ASSERT(width == 2 || width == 4 || width == 8);
        for (size_t i = 0; i < count; i++) {
            const char *value = from + (size_t)rows[i] * width;
            if (width == 8)
                memcpy(to + i * 8, value, 8);
            else if (width == 4)
                memcpy(to + i * 4, value, 4);
            else
                memcpy(to + i * 2, value, 2);
        }
        toll_cdr_batch_set_column(out, c, to);
    }
}

struct toll_line_columns toll_merge_scratch_lines(struct toll_merge_scratch *scratch,
                                                  const struct toll_line_columns *lines)
{
    return (struct toll_line_columns){
        .account = scratch->account,
        .price = scratch->price,
        .billed = scratch->billed,
        .tuple = scratch->tuple,
        .charge = scratch->charge,
        .status = scratch->status,
        .class_jurisdiction = scratch->class_jurisdiction,
        .included = toll_line_columns_pooled(lines) ? scratch->included : NULL,
        .pool = toll_line_columns_pooled(lines) ? scratch->pool : NULL,
        .cost = lines->cost == NULL ? NULL : scratch->cost,
        .cost_price = lines->cost == NULL ? NULL : scratch->cost_price,
        .cost_status = lines->cost == NULL ? NULL : scratch->cost_status,
    };
}

void toll_merge_scatter(const struct toll_merge_scratch *scratch, const uint32_t *rows, size_t count,
                        const struct toll_line_columns *lines, uint32_t *beyond)
{
    const struct toll_line_narrow *narrow = &lines->narrow;
    for (size_t i = 0; i < count; i++) {
        const uint32_t row = rows[i];
        toll_line_put(lines->account, narrow->account, row, scratch->account[i], beyond);
        toll_line_put(lines->price, narrow->price, row, scratch->price[i], beyond);
        toll_line_put(lines->billed, narrow->billed, row, scratch->billed[i], beyond);
        lines->charge[row] = scratch->charge[i];
        toll_line_put(lines->tuple, narrow->tuple, row, scratch->tuple[i], beyond);
        lines->status[row] = scratch->status[i];
        lines->class_jurisdiction[row] = scratch->class_jurisdiction[i];
        if (toll_line_columns_pooled(lines)) {
            toll_line_put(lines->included, narrow->included, row, scratch->included[i], beyond);
            toll_line_put(lines->pool, narrow->pool, row, scratch->pool[i], beyond);
        }
        if (lines->cost != NULL) {
            lines->cost[row] = scratch->cost[i];
            toll_line_put(lines->cost_price, narrow->cost_price, row, scratch->cost_price[i], beyond);
            lines->cost_status[row] = scratch->cost_status[i];
        }
    }
}

/* The same in the run's terms: its ids of accounts and prices, and whose book it was. */
static void scatter(const struct toll_merge *merge, const struct toll_merge_scratch *scratch,
                    const uint32_t *rows, size_t count, const struct toll_line_columns *lines)
{
    const uint8_t own = (uint8_t)(merge->book_count - 1);
    const int32_t shift = merge->books[own].price_shift, tuple_shift = merge->books[own].tuple_shift;
    uint32_t beyond = 0; /* no column of a merged run is narrow */
    toll_merge_scatter(scratch, rows, count, lines, &beyond);
    for (size_t i = 0; i < count; i++) {
        const uint32_t row = rows[i];
        lines->account[row] = merge->account_ids[lines->account[row]];
        lines->price[row] += lines->price[row] == 0 ? 0 : shift;
        lines->tuple[row] += lines->tuple[row] == 0 ? 0 : tuple_shift;
        lines->book[row] = own;
        if (lines->cost != NULL)
            lines->cost_price[row] += lines->cost_price[row] == 0 ? 0 : shift;
    }
}

/* ---- surcharges ---- */

/* Period charges are the new book's, over all lines: so kept ones are counted for the account that they have,
 * at the site that the new book gives. */
static int count_kept(const struct toll_merge *merge, const struct toll_block_context *context,
                      struct toll_merge_scratch *scratch, const struct toll_cdr_batch *batch,
                      const struct toll_line_batch *kept, size_t first, size_t rows, struct toll_error *error)
{
    const struct toll_rater *rater = context->rater;
    for (size_t i = 0; i < rows; i++) {
        const int32_t account = kept->account[first + i];
        struct toll_row row;
        struct toll_payer payer;
        scratch->buckets[i] = 0;
        if (account == 0 || scratch->again[first + i])
            continue; /* nobody's, or counted with those that are rated again */
        toll_row_read(rater, context->map, batch, (int64_t)(first + i), &row);
        toll_payer_find(rater, &row, &payer);
        const struct toll_owner *owner = &rater->book->owners[payer.owner];
        if (merge->account_ids[owner->account] != account)
            return toll_error_set(
                error, TOLL_EDATA,
                "%s keeps a call of account %s that the book gives to another one now (or to nobody, or in "
                "another currency), so its surcharges cannot be counted; rate all again",
                merge->old.path, merge->old.tables.accounts[account].account);
        scratch->buckets[i] = owner->bucket;
    }
    toll_surcharges_count(context->tally->surcharges, rater->surcharges, context->map, batch, first, rows,
                          kept->status + first, scratch->buckets);
    return 0;
}

/* ---- all of it ---- */

int toll_merge_batch(const struct toll_merge *merge, const struct toll_block_context *context,
                     struct toll_merge_scratch *scratch, const struct toll_cdr_batch *batch,
                     const struct toll_line_batch *kept, size_t block_rows,
                     const struct toll_line_columns *lines, struct toll_error *error)
{
    const size_t all = (size_t)batch->rows;
    TOLL_ASSERT(kept->rows == batch->rows);
    if (!ids_known(merge, kept))
        return toll_error_set(error, TOLL_EDATA,
                              "%s: a line names an account, a price or a book that the run does not have; "
                              "rate again without it",
                              merge->old.path);
    const struct toll_line_columns rated = toll_merge_scratch_lines(scratch, lines);
    copy_lines(kept, lines);
    const size_t count = find_chosen(merge, context, batch, kept, scratch);
    const int refused = check_draws(merge, kept, scratch->again, error);
    if (refused != 0)
        return refused;
    count_kept_costs(merge, kept, scratch->again, lines, &context->tally->cost);
    for (size_t first = 0; first < count; first += block_rows) {
        const size_t rows = count - first < block_rows ? count - first : block_rows;
        struct toll_block_context block = *context;
        struct toll_cdr_batch again;
        block.places = scratch->rows + first;
        toll_merge_gather(batch, block.places, rows, scratch, &again);
        toll_block_rate(&block, &again, 0, rows, &rated);
        scatter(merge, scratch, block.places, rows, lines);
    }
    int rc = 0;
    for (size_t first = 0; rc == 0 && context->tally->surcharges != NULL && first < all; first += block_rows)
        rc = count_kept(merge, context, scratch, batch, kept, first,
                        all - first < block_rows ? all - first : block_rows, error);
    return rc;
}
