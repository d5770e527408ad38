/*
 * Part of a run: which of its lines are rated again, and, where days are chosen, what these lines have in its
 * buckets. A line does not say its site, so they are read with their CDRs, as exports are.
 */
#include "pipeline/rerate.h"

#include "base/error.h"
#include "base/strings.h"
#include "pipeline/run_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for what is rated again");
}

bool toll_rerate_is_part(const struct toll_rerate_options *options)
{
    return options->account_count > 0 || options->part_from != NULL || options->part_to != NULL ||
           options->part_suspense;
}

/* ---- what the chosen lines have in the buckets ---- */

struct taking {
    const struct toll_run_files *run;
    struct toll_strings accounts; /* account and currency */
    int32_t *account_ids;         /* by id of these: of the run */
    bool *chosen;                 /* by account id of the run; 0: of accounts that it does not have */
    struct toll_strings keys, texts;
    struct toll_bucket_row *rows; /* by id of the key */
    size_t room;
};

static bool is_named(const struct toll_merge_choice *choice, const char *account)
{
    for (size_t i = 0; i < choice->account_count; i++)
        if (strcmp(choice->accounts[i], account) == 0)
            return true;
    return choice->account_count == 0;
}

/* -1: out of memory. */
static int account_key(const char *account, const char *currency, char **key)
{
    return asprintf(key, "%s%c%s", account, 0, currency);
}

/* False: out of memory. */
static bool list_accounts(struct taking *taking, const struct toll_merge_choice *choice)
{
    const struct toll_run_tables *tables = &taking->run->tables;
    taking->account_ids = calloc((size_t)tables->account_count + 1, sizeof *taking->account_ids);
    taking->chosen = calloc((size_t)tables->account_count + 1, sizeof *taking->chosen);
    if (taking->account_ids == NULL || taking->chosen == NULL)
        return false;
    taking->chosen[0] = choice->account_count == 0;
    for (int32_t id = 1; id < tables->account_count; id++) {
        const struct toll_account_row *row = &tables->accounts[id];
        if (row->account[0] == 0)
            continue;
        char *key = NULL;
        const int bytes = account_key(row->account, row->currency, &key);
        const uint32_t text = bytes < 0 ? 0 : toll_strings_add(&taking->accounts, key, (size_t)bytes);
        if (bytes >= 0)
            free(key);
        if (text == 0)
            return false;
        if (taking->account_ids[text] == 0)
            taking->account_ids[text] = id;
        taking->chosen[id] = is_named(choice, row->account);
    }
    return true;
}

/* 0: the run does not have it; -1: out of memory. */
static int32_t account_of(const struct taking *taking, const struct toll_line *line)
{
    char *key = NULL;
    const int bytes = account_key(line->account, line->currency, &key);
    if (bytes < 0)
        return -1;
    const uint32_t text = toll_strings_find(&taking->accounts, key, (size_t)bytes);
    free(key);
    return text == 0 ? 0 : taking->account_ids[text];
}

/* False: out of memory. */
static bool take(struct taking *taking, const struct toll_line *line)
{
    char *key = NULL;
    if (line->status >= TOLL_SUSPENSE_FIRST || line->account[0] == 0)
        return true; /* in no bucket */
    const int32_t account = account_of(taking, line);
    if (account < 0 || !taking->chosen[account])
        return account >= 0;
    const int bytes = asprintf(&key, "%d%c%d%c%s", (int)account, 0, (int)line->tuple, 0, line->site);
    const uint32_t id = bytes < 0 ? 0 : toll_strings_add(&taking->keys, key, (size_t)bytes);
    if (bytes >= 0)
        free(key);
    if (id == 0)
        return false;
    if (id >= taking->room) {
        const size_t room = (size_t)id * 2 + 64;
        struct toll_bucket_row *grown = realloc(taking->rows, room * sizeof *grown);
        if (grown == NULL)
            return false;
        memset(grown + taking->room, 0, (room - taking->room) * sizeof *grown);
        taking->rows = grown;
        taking->room = room;
    }
    struct toll_bucket_row *row = &taking->rows[id];
    if (row->site == NULL) {
        const uint32_t site = toll_strings_add(&taking->texts, line->site, strlen(line->site));
        if (site == 0)
            return false;
        row->account = account;
        row->site = toll_strings_text(&taking->texts, site, NULL);
        row->tuple = line->tuple;
    }
    row->count++;
    row->units += line->billed;
    row->charge += line->charge;
    return true;
}

static int compare_rows(const void *a, const void *b)
{
    const struct toll_bucket_row *x = a, *y = b;
    if (x->account != y->account)
        return x->account < y->account ? -1 : 1;
    const int sites = strcmp(x->site, y->site);
    return sites != 0 ? sites : (x->tuple > y->tuple) - (x->tuple < y->tuple);
}

static int walk(struct taking *taking, struct toll_run *lines, const struct toll_merge_choice *choice,
                const struct toll_progress *progress, struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &taking->run->manifest;
    char first[TOLL_TIME_TEXT_BYTES] = "";
    struct toll_line line;
    int64_t rows = 0, day = 0;
    for (size_t i = manifest->part_count; i > 0; i--)
        if (manifest->parts[i - 1].day >= choice->from_day && manifest->parts[i - 1].day < choice->to_day)
            toll_day_format(manifest->parts[i - 1].day, first);
    if (first[0] == 0)
        return 0;
    int more = toll_run_line(lines, first, 0, &line, error);
    for (more = more == 0 ? 1 : more; more > 0; more = toll_run_next(lines, &line, error)) {
        if (!toll_day_parse(line.day, strlen(line.day), &day) || day >= choice->to_day)
            break;
        if (!take(taking, &line))
            return no_memory(error);
        if (++rows % TOLL_BATCH_ROWS == 0 && progress->tick != NULL)
            progress->tick(progress->context, "looking up sites", rows, 0, "lines");
    }
    return more < 0 ? more : 0;
}

static int take_days(struct toll_rerate_part *part, const struct toll_io *io,
                     const struct toll_run_files *run, const struct toll_rerate_options *options,
                     struct toll_error *error)
{
    struct toll_run *lines = NULL;
    struct taking taking = {.run = run};
    int rc = toll_run_open_with(io, options->old_run_path, options->rate.dataset_path, &lines, error);
    if (rc == 0 && !list_accounts(&taking, &part->choice))
        rc = no_memory(error);
    if (rc == 0)
        rc = walk(&taking, lines, &part->choice, &options->rate.progress, error);
    toll_run_close(lines);
    part->texts = taking.texts;
    part->rows = taking.rows;
    part->choice.taken = taking.rows == NULL ? NULL : taking.rows + 1;
    part->choice.taken_count = taking.keys.count;
    toll_strings_free(&taking.keys);
    toll_strings_free(&taking.accounts);
    free(taking.account_ids);
    free(taking.chosen);
    return rc;
}

int toll_rerate_choose(struct toll_rerate_part *part, const struct toll_io *io,
                       const struct toll_run_files *run, const struct toll_rerate_options *options,
                       struct toll_error *error)
{
    struct toll_merge_choice *choice = &part->choice;
    *choice = (struct toll_merge_choice){
        .suspense_only = options->part_suspense,
        .accounts = options->accounts,
        .account_count = options->account_count,
    };
    int rc = toll_days_read(options->part_from, options->part_to, &choice->from_day, &choice->to_day, error);
    if (rc == 0 && !choice->suspense_only && (options->part_from != NULL || options->part_to != NULL))
        rc = take_days(part, io, run, options, error);
    if (rc == 0 && choice->taken_count > 0)
        qsort(part->rows + 1, (size_t)choice->taken_count, sizeof *part->rows, compare_rows);
    return rc;
}

void toll_rerate_part_free(struct toll_rerate_part *part)
{
    free(part->rows);
    toll_strings_free(&part->texts);
}
