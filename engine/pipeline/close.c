/*
 * Closing a run: which of its rows are billed for good, and the state that the next run goes on from. What
 * the closed calls drew and counted is found by rating them again, them alone, with the run's own book: so it
 * is exact also where a pool's period is half closed.
 */
#include "pipeline/close.h"

#include "base/check.h"
#include "base/cpu.h"
#include "base/cycle.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for closing the run");
}

/* ---- opening ---- */

/* The dataset's parts that the run answers; one of them may have been imported into since. */
static int find_parts(struct toll_closing *closing, struct toll_error *error)
{
    const struct toll_dataset *dataset = &closing->dataset;
    return toll_parts_of_run(dataset, &closing->run.manifest, &closing->first, &closing->last)
               ? 0
               : toll_error_set(
                     error, TOLL_EDATA,
                     "%s: a day that %s rated was imported into since, or it is another dataset; rate it "
                     "again and close that run, or name the right dataset",
                     dataset->path, closing->run.path);
}

static int open_all(struct toll_closing *closing, struct toll_error *error)
{
    const struct toll_close_options *options = closing->options;
    int rc = toll_run_files_open(&closing->run, closing->io, options->run_path, error);
    closing->run_open = rc == 0;
    if (rc == 0 && !toll_day_parse(options->until, strlen(options->until), &closing->until))
        rc = toll_error_set(error, TOLL_EUSAGE, "until %s is no day; write it as 2026-03-01", options->until);
    if (rc == 0)
        rc = toll_dataset_open(&closing->dataset, closing->io, options->dataset_path, error);
    closing->dataset_open = rc == 0;
    if (rc == 0)
        rc = find_parts(closing, error);
    if (rc == 0)
        rc = toll_run_files_read(&closing->run, "book.image", &closing->image, error);
    if (rc == 0)
        rc = toll_book_open_bytes((const uint8_t *)closing->image.data, closing->image.size, "book.image",
                                  &closing->book, error);
    if (rc == 0 && toll_run_has_state(&closing->run)) {
        rc = toll_state_of_run(&closing->before, &closing->run, error);
        closing->has_before = rc == 0;
    }
    return rc;
}

/* ---- closing times ---- */

static int find_times(struct toll_closing *closing, struct toll_error *error)
{
    const struct toll_book *book = closing->book;
    int rc = 0;
    closing->closed = calloc(book->account_count + 1u, sizeof *closing->closed);
    if (closing->closed == NULL)
        return no_memory(error);
    if (closing->has_before) {
        char day[TOLL_TIME_TEXT_BYTES];
        toll_day_format(closing->before.until, day);
        if (closing->until < closing->before.until)
            return toll_error_set(
                error, TOLL_EUSAGE,
                "%s goes on from what was closed until %s; close it until that day or later",
                closing->run.path, day);
        rc = toll_closing_times(book, &closing->before, &closing->earlier, error);
    }
    for (uint32_t i = 0; rc == 0 && i < book->account_count; i++) {
        const toll_ms now = toll_closing_time(book, i, closing->until);
        const toll_ms earlier = closing->earlier == NULL ? TOLL_MS_MIN : closing->earlier[i];
        closing->closed[i] = now > earlier ? now : earlier;
        if (closing->closed[i] > closing->latest || i == 0)
            closing->latest = closing->closed[i];
    }
    return rc;
}

/* By account id of the run's tables: ids of the book. */
static int map_accounts(struct toll_closing *closing, struct toll_error *error)
{
    const struct toll_run_tables *tables = &closing->run.tables;
    const struct toll_book *book = closing->book;
    closing->account_ids = calloc((size_t)tables->account_count + 1, sizeof *closing->account_ids);
    if (closing->account_ids == NULL)
        return no_memory(error);
    const int rc = toll_account_names(book, &closing->names, error);
    if (rc != 0)
        return rc;
    for (int64_t id = 1; id < tables->account_count; id++) {
        const char *name = tables->accounts[id].account;
        const bool same = id < (int64_t)book->account_count &&
                          strcmp(toll_book_string(book, book->accounts[id].account), name) == 0;
        closing->account_ids[id] = same ? (uint32_t)id : toll_account_named(&closing->names, name);
    }
    return 0;
}

/* Does what a month is charged hang on all its calls? Volume's rate does, and so do a minimum, a maximum and
 * the fee of a tier that only later calls enter; the first tier's is due whatever is called. */
static bool is_of_whole_month(const struct toll_book *book, const struct toll_tiers *tiers)
{
    bool whole =
        tiers->mode == TOLL_TIER_VOLUME || tiers->minimum_spend != 0 || tiers->maximum_spend != INT64_MAX;
    for (uint32_t i = 1; i < tiers->count; i++)
        whole |= book->tier_rows[tiers->first + i].flat != 0;
    return whole;
}

/* What a half closed month would be charged cannot be said, where it depends on all of it. */
static int check_tiers(const struct toll_closing *closing, struct toll_error *error)
{
    const struct toll_book *book = closing->book;
    const struct toll_run_tables *tables = &closing->run.tables;
    for (int64_t i = 0; i < tables->count_count; i++) {
        const struct toll_tier_count_row *row = &tables->counts[i];
        const uint32_t account = toll_account_named(&closing->names, row->account);
        for (uint32_t k = 1; account != 0 && k < book->tiers_count; k++) {
            const struct toll_tiers *tiers = &book->tiers[k];
            if (strcmp(toll_book_string(book, tiers->name), row->tiers) != 0 ||
                tiers->period != TOLL_TIER_MONTH || book->accounts[account].cycle_day == 1 ||
                !is_of_whole_month(book, tiers))
                continue;
            return toll_error_set(error, TOLL_EBOOK,
                                  "account %s cannot be closed: its billing periods begin on day %d, but "
                                  "tiers %s (%s, line %u) "
                                  "price whole calendar months; give the tiers period anchor, or the account "
                                  "cycle_day 1",
                                  row->account, book->accounts[account].cycle_day, row->tiers,
                                  toll_book_string(book, tiers->file), tiers->line);
        }
    }
    return 0;
}

/* ---- all of it ---- */

static void free_all(struct toll_closing *closing)
{
    toll_closing_free_rows(closing);
    free(closing->closed);
    free(closing->earlier);
    free(closing->account_ids);
    toll_strings_free(&closing->names);
    if (closing->has_before)
        toll_state_close(&closing->before);
    toll_book_close(closing->book);
    toll_blob_free(&closing->image);
    if (closing->dataset_open)
        toll_dataset_close(&closing->dataset);
    if (closing->run_open)
        toll_run_files_close(&closing->run);
}

static void fill_result(const struct toll_closing *closing, struct toll_close_result *result)
{
    const struct toll_run_manifest *manifest = &closing->run.manifest;
    result->rows = manifest->rows;
    result->closed = closing->state.closed_rows;
    result->accounts = closing->state.closing_count - 1;
    toll_day_format(closing->until, result->until);
    result->last_day[0] = 0;
    if (manifest->part_count > 0)
        toll_day_format(manifest->parts[manifest->part_count - 1].day, result->last_day);
    /* A day that begins before an account's closing time in its zone, and that the run does not reach. */
    for (uint32_t i = 0; i < closing->book->account_count; i++) {
        const toll_ms last = closing->closed[i] - 1;
        const struct toll_zone *zone = closing->book->zones[i == 0 ? 0 : closing->book->accounts[i].zone];
        const int64_t local = last + 1000 * (int64_t)toll_zone_offset(zone, last, NULL, NULL);
        const int64_t rated =
            closing->last_start + 1000 * (int64_t)toll_zone_offset(zone, closing->last_start, NULL, NULL);
        result->cut_off |= toll_day_of_ms(rated) < toll_day_of_ms(local) && manifest->rows > 0;
    }
}

int toll_close_with(const struct toll_io *io, const struct toll_close_options *options,
                    struct toll_close_result *result, struct toll_error *error)
{
    struct toll_closing *closing = calloc(1, sizeof *closing);
    memset(result, 0, sizeof *result);
    if (closing == NULL)
        return no_memory(error);
    closing->io = io;
    closing->options = options;
    int rc = open_all(closing, error);
    if (rc == 0)
        rc = find_times(closing, error);
    if (rc == 0)
        rc = map_accounts(closing, error);
    if (rc == 0)
        rc = check_tiers(closing, error);
    if (rc == 0)
        rc = toll_closing_find_rows(closing, error);
    if (rc == 0)
        rc = toll_closing_list_charges(closing, error);
    if (rc == 0)
        rc = toll_closing_find_tables(closing, error);
    if (rc == 0)
        rc = toll_closing_fill_state(closing, error);
    if (rc == 0)
        rc = toll_state_write(io, options->state_path, &closing->state, error);
    if (rc == 0)
        fill_result(closing, result);
    free_all(closing);
    free(closing);
    return rc;
}

int toll_close(const struct toll_close_options *options, struct toll_close_result *result,
               struct toll_error *error)
{
    return toll_close_with(toll_io_system(), options, result, error);
}
