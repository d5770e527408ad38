/*
 * tollmill compare: finished runs side by side. The same report as whatif's; and month over month, which
 * accounts' calls, minutes or charge moved by more than they should.
 */
#include "html.h"
#include "impact.h"
#include "runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct compare {
    struct cmd_impact_how how;
    const char *cdrs, *html;
    bool prices;
    const char *runs[TOLL_IMPACT_BOOKS_MAX];
    const char *datasets[TOLL_IMPACT_BOOKS_MAX];
    char (*paths)[CMD_PATH_BYTES]; /* where datasets were */
    int count;
};

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool has_manifest(const char *run)
{
    char path[CMD_PATH_BYTES];
    struct stat status;
    snprintf(path, sizeof path, "%s/run.json", run);
    return stat(path, &status) == 0;
}

/* Of each run where its CDRs are: --cdrs, or where they were. Without them the report has no hours, days and
 * minutes. */
static void find_datasets(struct cmd *cmd, struct compare *compare)
{
    for (int i = 0; i < compare->count; i++) {
        if (compare->cdrs != NULL)
            compare->datasets[i] = compare->cdrs;
        else if (!has_manifest(compare->runs[i]))
            continue; /* it is no run, which is said when it is opened */
        else if (cmd_stats_cdrs(compare->runs[i], compare->paths[i]) && is_folder(compare->paths[i]))
            compare->datasets[i] = compare->paths[i];
        else
            cmd_note(cmd,
                     "the CDRs of %s are not where they were: no hours, days and minutes of it; --cdrs "
                     "DATASET says where they are",
                     compare->runs[i]);
    }
}

/* What is said of each call in two runs. */
static bool is_of_same_calls(const char *table)
{
    return table != NULL && (strcmp(table, "moved") == 0 || strcmp(table, "suspense") == 0);
}

static int run(struct cmd *cmd, struct compare *compare, struct toll_compare_options *options)
{
    struct toll_impact impact = {0};
    struct toll_error error = {0};
    const struct cmd_html_about about = {.kind = CMD_HTML_COMPARE,
                                         .subject = compare->runs[compare->count - 1],
                                         .unmask = compare->how.unmask};
    options->run_paths = compare->runs;
    options->dataset_paths = compare->datasets;
    options->run_count = compare->count;
    options->progress = cmd_progress_begin(cmd);
    cmd_impact_needs(cmd, &compare->how, compare->prices, &options->moved_most, &options->prices);
    if (toll_compare(options, &impact, &error) < 0)
        return cmd_fail(cmd, &error);
    if (is_of_same_calls(compare->how.table) && !impact.same_calls)
        cmd_note(cmd, "the runs do not answer the same CDRs: there is no table %s", compare->how.table);
    int code = cmd_impact_print(cmd, &impact, &compare->how);
    if (code == CMD_OK && compare->html != NULL)
        code = cmd_html_impact(cmd, &impact, &about, compare->html);
    if (code == CMD_OK && cmd_impact_flag_count(&impact) > 0)
        code = CMD_FINDINGS;
    toll_impact_free(&impact);
    return code;
}

static int check(struct cmd *cmd, const struct compare *compare)
{
    const char *table = compare->how.table;
    if (cmd->json && compare->how.csv)
        cmd_error(cmd, "--json and --format csv are two formats; leave one out");
    else if (compare->how.csv && table == NULL)
        cmd_error(cmd, "--format csv needs --table NAME, one of: %s", cmd_impact_table_names());
    else if (!compare->how.csv && table != NULL)
        cmd_error(cmd, "--table goes with --format csv; --json has all tables");
    else if (table != NULL && !cmd_impact_is_table(table))
        cmd_error(cmd, "there is no table \"%s\"; there are: %s", table, cmd_impact_table_names());
    else if (table != NULL && strcmp(table, toll_dimension_name(TOLL_BY_PLAN)) == 0)
        cmd_error(
            cmd,
            "compare has no table plans: a run's lines do not say by which plan their account was rated; "
            "whatif has it");
    else if (compare->count > TOLL_IMPACT_BOOKS_MAX)
        cmd_error(cmd, "at most %d runs can be side by side", TOLL_IMPACT_BOOKS_MAX);
    else
        return CMD_GO;
    return CMD_USAGE;
}

int cmd_compare(struct cmd *cmd, int argc, char **argv)
{
    static const char *const formats[] = {"text", "csv", NULL};
    static const char *const safeties[] = {"excel", "raw", NULL};
    struct compare compare = {.how = {.top = 10, .flags = true}};
    struct toll_compare_options compared = {0};
    const char *moved_by = NULL;
    int64_t threads = 0;
    int format = 0, safety = 0, operands;
    const struct cmd_option options[] = {
        {.kind = CMD_TEXT,
         .name = "moved-by",
         .value = "PERCENT",
         .help = "flag accounts whose calls, minutes or charge move by more than that (default: 10)",
         .target = &moved_by},
        {.kind = CMD_NUMBER,
         .name = "top",
         .value = "N",
         .help = "rows of each list as text (default: 10)",
         .target = &compare.how.top,
         .minimum = 1,
         .maximum = 1000000},
        {.kind = CMD_CHOICE,
         .name = "format",
         .value = "text|csv",
         .help = "csv: one table, for other programs (default: text)",
         .target = &format,
         .choices = formats},
        {.kind = CMD_TEXT,
         .name = "table",
         .value = "NAME",
         .help = "which table --format csv has: totals, accounts, flagged, ...",
         .target = &compare.how.table},
        {.kind = CMD_CHOICE,
         .name = "csv-safe",
         .value = "excel|raw",
         .help = "excel (default): ' before texts that a spreadsheet would run as formulas; raw: as they are",
         .target = &safety,
         .choices = safeties},
        {.kind = CMD_FLAG,
         .name = "prices",
         .help = "with --json: the table of all price rows, too, which may be millions",
         .target = &compare.prices},
        {.kind = CMD_TEXT,
         .name = "html",
         .value = "FILE",
         .help = "a report for people, one file",
         .target = &compare.html},
        {.kind = CMD_TEXT,
         .name = "cdrs",
         .value = "DATASET",
         .help = "where the CDRs of all of the runs are now (default: where each run's were)",
         .target = &compare.cdrs},
        {.kind = CMD_NUMBER,
         .name = "threads",
         .value = "N",
         .help = "how many read at once; never changes a figure (default: all cores)",
         .target = &threads,
         .minimum = 1,
         .maximum = 4096},
        {.kind = CMD_FLAG,
         .name = "unmask",
         .help = "prefixes as long as a telephone number in full",
         .target = &compare.how.unmask},
    };
    const struct cmd_usage usage = {
        .about =
            "Finished runs side by side, the first is the base: totals, accounts, destinations, hours ...,\n"
            "and which accounts' calls, minutes or charge moved. They need not answer the same calls:\n"
            "month over month; if they do, what drives the difference, too. Exit 1: an account is\n"
            "flagged.",
        .examples =
            "  tollmill compare runs/2026-02 runs/2026-03\n"
            "  tollmill compare runs/2026-02 runs/2026-03 --moved-by 25 --format csv --table flagged\n"
            "  tollmill compare runs/2026-03 runs/2026-03-again --json\n"
            "  tollmill compare runs/2026-02 runs/2026-03 --html march.html\n",
        .operands = "RUN_A [RUN]...",
        .operands_min = 1,
        .operands_max = argc,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .notes =
            "Tables: totals accounts destinations classes jurisdictions decks hours days statuses prices\n"
            "moved suspense impact flagged. docs/WHATIF.md says what they are, docs/FORMATS.md has the\n"
            "columns. Hours and days are those of the base's time zone.",
    };
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code == CMD_GO)
        code = cmd_impact_moved_by(cmd, moved_by, &compared.moved_by_bp);
    if (code != CMD_GO)
        return code;
    compare.count = operands;
    compare.how.csv = format == 1;
    compare.how.raw = safety == 1;
    compared.threads = (unsigned)threads;
    code = check(cmd, &compare);
    if (code == CMD_GO)
        code = cmd_html_check(cmd, compare.html);
    if (code != CMD_GO)
        return code;
    compare.paths = calloc((size_t)operands, sizeof *compare.paths);
    if (compare.paths == NULL)
        return cmd_fail_text(cmd, CMD_BUG, "out of memory");
    for (int i = 0; i < operands; i++)
        compare.runs[i] = argv[i + 1];
    find_datasets(cmd, &compare);
    code = run(cmd, &compare, &compared);
    free(compare.paths);
    return code;
}
