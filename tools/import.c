/*
 * tollmill import: provider files -> a dataset. Prints a receipt per file.
 */
#include "options.h"
#include "print.h"

#include <stdio.h>
#include <stdlib.h>

static void print_table(struct cmd *cmd, const struct toll_import_result *result)
{
    static const enum cmd_align align[] = {CMD_LEFT,  CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT,
                                           CMD_RIGHT, CMD_RIGHT, CMD_LEFT,  CMD_LEFT,  CMD_LEFT};
    static const char *const header[] = {"file",       "bytes",   "rows",       "accepted",  "rejected",
                                         "duplicates", "minutes", "first call", "last call", "sha256"};
    struct cmd_table table;
    cmd_table_begin(&table, 10, align);
    cmd_table_row(&table, header);
    for (size_t i = 0; i < result->file_count; i++) {
        const struct toll_import_file *file = &result->files[i];
        const int64_t counts[] = {file->bytes, file->rows, file->accepted, file->rejected, file->duplicates};
        char texts[5][32], minutes[32], first[32] = "", last[32] = "";
        for (int k = 0; k < 5; k++)
            cmd_thousands(counts[k], texts[k], sizeof texts[k]);
        cmd_minutes_text(file->duration_ms / 1000, minutes, sizeof minutes);
        if (file->accepted > 0) {
            toll_time_to_text(file->first_start_ms, first);
            toll_time_to_text(file->last_start_ms, last);
        }
        char digest[24];
        snprintf(digest, sizeof digest, "%.12s%s", file->sha256, file->already_imported ? " (known)" : "");
        const char *const cells[] = {file->file, texts[0], texts[1], texts[2], texts[3],
                                     texts[4],   minutes,  first,    last,     digest};
        cmd_table_row(&table, cells);
    }
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

static void print_human(struct cmd *cmd, const struct toll_import_result *result, const char *dataset,
                        bool dry_run)
{
    char rows[32], accepted[32], rejected[32], duplicates[32], conflicts[32], total[32], time[32], rate[32];
    char legs[64] = "";
    print_table(cmd, result);
    cmd_thousands(result->rows, rows, sizeof rows);
    cmd_thousands(result->accepted, accepted, sizeof accepted);
    cmd_thousands(result->rejected, rejected, sizeof rejected);
    cmd_thousands(result->duplicates, duplicates, sizeof duplicates);
    cmd_thousands(result->conflicts, conflicts, sizeof conflicts);
    if (result->legs > 0) {
        char count[32];
        cmd_thousands(result->legs, count, sizeof count);
        snprintf(legs, sizeof legs, " (and %s second legs)", count);
    }
    cmd_thousands(result->dataset_rows, total, sizeof total);
    cmd_seconds_text(result->wall_ns, time, sizeof time);
    int64_t per_s =
        result->wall_ns > 0 ? (int64_t)((__int128)result->rows * 1000000000 / result->wall_ns) : 0;
    cmd_rate_text(per_s, rate, sizeof rate);
    cmd_put_format(&cmd->out,
                   "\n%s rows: %s accepted%s, %s rejected, %s duplicates, %s conflicts. %s (%s rows/s)\n",
                   rows, accepted, legs, rejected, duplicates, conflicts, time, rate);
    if (dry_run)
        cmd_put_text(&cmd->out, "Dry run: nothing was written.\n");
    else
        cmd_put_format(&cmd->out, "%s now holds %s CDRs of %lld days (generation %lld, cdr_hash %s)\n",
                       dataset, total, (long long)result->dataset_days, (long long)result->generation,
                       result->cdr_hash);
}

static void print_json(struct cmd *cmd, const struct toll_import_result *result, const char *dataset,
                       bool dry_run)
{
    struct cmd_json json;
    char time[32];
    cmd_json_begin(&json, &cmd->out, "import");
    cmd_json_text(&json, "dataset", dataset);
    cmd_json_bool(&json, "dry_run", dry_run);
    cmd_json_integer(&json, "rows", result->rows);
    cmd_json_integer(&json, "accepted", result->accepted);
    cmd_json_integer(&json, "rejected", result->rejected);
    cmd_json_integer(&json, "legs", result->legs);
    cmd_json_integer(&json, "duplicates", result->duplicates);
    cmd_json_integer(&json, "conflicts", result->conflicts);
    cmd_json_integer(&json, "warnings", result->warnings);
    cmd_json_integer(&json, "dataset_rows", result->dataset_rows);
    cmd_json_integer(&json, "dataset_days", result->dataset_days);
    cmd_json_integer(&json, "generation", result->generation);
    cmd_json_text(&json, "cdr_hash", result->cdr_hash);
    cmd_json_integer(&json, "memory_peak_bytes", result->memory_peak_bytes);
    cmd_json_integer(&json, "spilled_bytes", result->spilled_bytes);
    cmd_json_seconds(&json, "wall_s", result->wall_ns);
    cmd_json_open(&json, "files", '[');
    for (size_t i = 0; i < result->file_count; i++) {
        const struct toll_import_file *file = &result->files[i];
        cmd_json_open(&json, NULL, '{');
        cmd_json_text(&json, "file", file->file);
        cmd_json_text(&json, "sha256", file->sha256);
        cmd_json_integer(&json, "bytes", file->bytes);
        cmd_json_integer(&json, "rows", file->rows);
        cmd_json_integer(&json, "accepted", file->accepted);
        cmd_json_integer(&json, "rejected", file->rejected);
        cmd_json_integer(&json, "legs", file->legs);
        cmd_json_integer(&json, "duplicates", file->duplicates);
        cmd_json_integer(&json, "warnings", file->warnings);
        cmd_json_bool(&json, "already_imported", file->already_imported);
        toll_time_to_text(file->first_start_ms, time);
        cmd_json_text(&json, "first_start", file->accepted > 0 ? time : NULL);
        toll_time_to_text(file->last_start_ms, time);
        cmd_json_text(&json, "last_start", file->accepted > 0 ? time : NULL);
        cmd_json_integer(&json, "duration_ms", file->duration_ms);
        cmd_json_close(&json, '}');
    }
    cmd_json_close(&json, ']');
    cmd_json_end(&json);
}

int cmd_import(struct cmd *cmd, int argc, char **argv)
{
    struct toll_import_options import = {0};
    int64_t threads = 0, max_rejects = -1, memory = 0;
    const struct cmd_option options[] = {
        {.kind = CMD_TEXT,
         .name = "spec",
         .value = "SPEC",
         .help = "mapping spec: what the provider's columns mean",
         .target = &import.spec_path,
         .required = true},
        {.kind = CMD_TEXT,
         .name = "output",
         .letter = 'o',
         .value = "DATASET",
         .help = "dataset folder; made when it is not there, added to when it is",
         .target = &import.dataset_path,
         .required = true},
        {.kind = CMD_TEXT,
         .name = "carrier",
         .value = "NAME",
         .help = "the carrier these files come from, instead of the spec's",
         .target = &import.carrier},
        {.kind = CMD_NUMBER,
         .name = "max-rejects",
         .value = "N",
         .help = "rejected rows that are still fine; more end with exit 1 (default: the spec's limit)",
         .target = &max_rejects,
         .minimum = 0,
         .maximum = INT64_MAX},
        {.kind = CMD_NUMBER,
         .name = "threads",
         .value = "N",
         .help = "workers; never changes a byte of the dataset (default: all cores)",
         .target = &threads,
         .minimum = 1,
         .maximum = 4096},
        {.kind = CMD_NUMBER,
         .name = "memory",
         .value = "SIZE",
         .help =
             "what waiting rows may take, e.g. 2GiB; the rest goes to disk (default: half of the machine's)",
         .target = &memory,
         .minimum = 1 << 20,
         .maximum = INT64_MAX},
        {.kind = CMD_FLAG,
         .name = "dry-run",
         .help = "read and report, write nothing",
         .target = &import.dry_run},
    };
    const struct cmd_usage usage = {
        .about =
            "Imports call records. Every file gets a receipt; a row that cannot be read is kept with its\n"
            "reason in the dataset's rejects. A file with an unknown header is refused and nothing of the\n"
            "whole call is published. Importing a file again changes nothing.",
        .examples = "  tollmill import --spec data/providers/tollmill.yaml -o cdrs try/cdrs.csv\n"
                    "  tollmill import --spec carrier.yaml -o cdrs --max-rejects 100 2026-03/*.csv\n"
                    "  tollmill import --spec carrier.yaml -o cdrs --dry-run --json new-file.csv\n",
        .operands = "FILE...",
        .operands_min = 1,
        .operands_max = INT32_MAX,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    int files;
    int code = cmd_parse(cmd, &usage, argc, argv, &files);
    if (code != CMD_GO)
        return code;
    import.files = (const char *const *)(argv + 1);
    import.file_count = (size_t)files;
    import.threads = (unsigned)threads;
    import.max_rejects = max_rejects;
    import.memory_bytes = memory;
    import.reporter = cmd_reporter(cmd);
    import.progress = cmd_progress_begin(cmd);
    struct toll_import_result result = {0};
    struct toll_error error = {0};
    int outcome = toll_import(&import, &result, &error);
    if (outcome < 0 && outcome != TOLL_EFINDINGS) {
        code = cmd_fail(cmd, &error);
    } else {
        if (cmd->json)
            print_json(cmd, &result, import.dataset_path, import.dry_run);
        else if (!cmd->quiet)
            print_human(cmd, &result, import.dataset_path, import.dry_run);
        if (outcome == TOLL_EFINDINGS)
            cmd_error(cmd, "%s",
                      error.text[0] ? error.text : "more rows were rejected than the limit allows");
        code = toll_exit_code(outcome);
    }
    toll_import_result_free(&result);
    return code;
}
