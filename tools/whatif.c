/*
 * tollmill whatif: the same calls with several books in one pass, and what moves between them. Nothing is
 * written but the report.
 */
#include "whatif.h"
#include "best_plan.h"
#include "html.h"
#include "impact.h"
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const formats[] = {"text", "csv", NULL};

/* ---- the report ---- */

struct show {
    const char *table, *html, *dataset;
    int format;
    int64_t top;
    bool prices, unmask, raw;
};

static int print(struct cmd *cmd, const struct toll_impact *impact, const struct toll_best_plans *best,
                 const struct toll_whatif_result *result, const struct show *show)
{
    const struct cmd_html_about about = {
        .kind = CMD_HTML_WHATIF, .subject = show->dataset, .best = best, .unmask = show->unmask};
    const struct cmd_impact_how how = {.csv = show->format == 1,
                                       .table = show->table,
                                       .top = show->top,
                                       .raw = show->raw,
                                       .unmask = show->unmask,
                                       .best = best};
    int code = CMD_OK;
    if (show->format == 1 && strcmp(show->table, "best_plan") == 0)
        cmd_best_plan_csv(cmd, best, show->raw);
    else if (cmd->json || !cmd->quiet || show->format == 1)
        code = cmd_impact_print(cmd, impact, &how);
    if (code == CMD_OK && !cmd->json && show->format == 0 && !cmd->quiet) {
        char time[32], calls[32];
        if (best->plan_count > 0 && best->count > 0)
            cmd_best_plan_text(cmd, best, show->top);
        cmd_seconds_text(result->wall_ns, time, sizeof time);
        cmd_thousands(result->rows, calls, sizeof calls);
        cmd_put_format(&cmd->out, "\n%s CDR%s with %d books in %s (%u thread%s)\n", calls,
                       result->rows == 1 ? "" : "s", impact->book_count, time, result->threads,
                       result->threads == 1 ? "" : "s");
    }
    if (code == CMD_OK && show->html != NULL)
        code = cmd_html_impact(cmd, impact, &about, show->html);
    return code;
}

static int run(struct cmd *cmd, struct toll_whatif_options *options, const struct cmd_whatif_books *plan,
               const struct show *show)
{
    struct toll_impact impact = {0};
    struct toll_best_plans best = {0};
    struct toll_whatif_result result = {0};
    struct toll_error error = {0};
    int code;
    const struct cmd_impact_how how = {.csv = show->format == 1, .table = show->table, .top = show->top};
    cmd_impact_needs(cmd, &how, show->prices, &options->moved_most, &options->prices);
    options->books = plan->books;
    options->book_count = plan->count;
    options->reporter = cmd_reporter(cmd);
    options->progress = cmd_progress_begin(cmd);
    if (toll_whatif(options, &impact, &result, &error) < 0)
        return cmd_fail(cmd, &error);
    if (plan->plan_count > 0 &&
        toll_best_plans_make(&best, &impact, plan->plan_first, plan->plans, plan->plan_count, &error) < 0)
        code = cmd_fail(cmd, &error);
    else
        code = print(cmd, &impact, &best, &result, show);
    toll_best_plans_free(&best);
    toll_impact_free(&impact);
    return code;
}

static int check_show(struct cmd *cmd, const struct show *show, const struct cmd_whatif_books *plan)
{
    if (show->format == 1 && cmd->json) {
        cmd_error(cmd, "--json and --format csv are two formats; leave one out");
        return CMD_USAGE;
    }
    if (show->format == 1 && show->table == NULL) {
        cmd_error(cmd, "--format csv needs --table NAME, one of: %s%s", cmd_impact_table_names(),
                  plan->plan_count > 0 ? ", best_plan" : "");
        return CMD_USAGE;
    }
    if (show->table != NULL && strcmp(show->table, "best_plan") == 0 && plan->plan_count == 0) {
        cmd_error(cmd, "the table best_plan goes with --best-plan P,Q,R");
        return CMD_USAGE;
    }
    if (show->table != NULL && strcmp(show->table, "best_plan") != 0 && !cmd_impact_is_table(show->table)) {
        cmd_error(cmd, "there is no table \"%s\"; there are: %s", show->table, cmd_impact_table_names());
        return CMD_USAGE;
    }
    if (show->table != NULL && show->format == 0) {
        cmd_error(cmd, "--table goes with --format csv; --json has all tables");
        return CMD_USAGE;
    }
    return CMD_GO;
}

static const char about[] =
    "Rates the same calls with several books in one pass and says what moves, and whom it hurts. What it\n"
    "says of a book is what rate with that book gives, to the last digit. The first BOOK is the base; each\n"
    "--set makes a book of it with one change, without editing a file. Nothing is written but the report.";

static const char examples[] =
    "  tollmill whatif --cdrs cdrs book --set 'deck:intl *1.05'\n"
    "  tollmill whatif --cdrs cdrs march.image april.image --html impact.html\n"
    "  tollmill whatif --cdrs cdrs book --sweep 'deck:intl 0.9..1.2 step 0.05'\n"
    "  tollmill whatif --cdrs cdrs book --best-plan basic,flat,pro --format csv --table best_plan\n"
    "  tollmill whatif --cdrs cdrs book --name 'new sheet' --set 'deck:intl file=april.csv' --json\n";

static const char notes[] =
    "Changes (several in one --set: with ;; between them):\n"
    "  deck:D *1.05                        all rates of a deck; +0.001 and -0.001 likewise\n"
    "  deck:D prefix:1212 rate=0.006       rows of one prefix; prefix:44*: those that begin so\n"
    "  deck:D destination:UK connect_fee*2 rows of one destination; column=value, column*factor\n"
    "  deck:D file=SHEET.csv from=DATE     a new sheet, from DATE on (without: always)\n"
    "  plan:P accounts:A,B                 these accounts (*: all) are on plan P\n"
    "  bundle:B quantity=500               any column of bundles.csv\n"
    "  tiers:T from_qty:1000 rate=0.01     rows of tiers.csv\n"
    "  book:TABLE file=PATH                another file in the place of TABLE.csv";

static int parsed(struct cmd *cmd, struct cmd_whatif_asked *asked, int *operand_places, int argc, char **argv)
{
    static const char *const lates[] = {"append", "reorder", NULL};
    static const char *const safeties[] = {"excel", "raw", NULL};
    struct toll_whatif_options whatif = {.pin = true};
    struct show show = {.top = 10};
    const char *moved_by = NULL;
    struct cmd_machine machine = {0};
    int late = 0, safety = 0, operands;
    const struct cmd_option options[] = {
        {CMD_TEXT, "cdrs", 0, "DATASET", "dataset folder, as import makes it", &whatif.dataset_path, 0, 0,
         NULL, true},
        {.kind = CMD_LIST,
         .name = "books",
         .value = "BOOK",
         .help = "a book, as BOOK",
         .target = &asked->books},
        {.kind = CMD_LIST,
         .name = "set",
         .value = "CHANGE",
         .help = "one more book: the base with a change (below); several times",
         .target = &asked->sets},
        {.kind = CMD_LIST,
         .name = "sweep",
         .value = "SWEEP",
         .help = "a book for each factor: 'deck:intl 0.9..1.2 step 0.05'",
         .target = &asked->sweeps},
        {.kind = CMD_LIST,
         .name = "best-plan",
         .value = "P,Q,R",
         .help = "the cheapest and the most profitable of these plans, account by account",
         .target = &asked->best},
        {.kind = CMD_LIST,
         .name = "name",
         .value = "NAME",
         .help = "what the next BOOK or --set is called in the report",
         .target = &asked->names},
        {.kind = CMD_DAY,
         .name = "from",
         .value = "DAY",
         .help = "first UTC day, 2026-03-01 (default: all)",
         .target = &whatif.from_day},
        {.kind = CMD_DAY,
         .name = "to",
         .value = "DAY",
         .help = "the UTC day after the last one",
         .target = &whatif.to_day},
        {.kind = CMD_TEXT,
         .name = "after",
         .value = "STATE",
         .help = "go on behind what was closed, with each book",
         .target = &whatif.after},
        {.kind = CMD_CHOICE,
         .name = "late",
         .value = "append|reorder",
         .help = "late calls of closed periods, as rate has it",
         .target = &late,
         .choices = lates},
        {.kind = CMD_FLAG,
         .name = "cut-periods",
         .help = "rate periods of bundles and tiers from nothing that began before --from",
         .target = &whatif.cut_periods},
        {.kind = CMD_TEXT,
         .name = "moved-by",
         .value = "PERCENT",
         .help = "flag accounts whose bill moves by more than that (default: 10)",
         .target = &moved_by},
        {.kind = CMD_NUMBER,
         .name = "top",
         .value = "N",
         .help = "rows of each table that are shown (default: 10)",
         .target = &show.top,
         .minimum = 1,
         .maximum = 1000000},
        {.kind = CMD_CHOICE,
         .name = "format",
         .value = "text|csv",
         .help = "text for people (default), or one table as CSV",
         .target = &show.format,
         .choices = formats},
        {.kind = CMD_TEXT,
         .name = "table",
         .value = "NAME",
         .help = "which table --format csv has",
         .target = &show.table},
        {.kind = CMD_FLAG,
         .name = "prices",
         .help = "with --json: the table of all price rows, too, which may be millions",
         .target = &show.prices},
        {.kind = CMD_CHOICE,
         .name = "csv-safe",
         .value = "excel|raw",
         .help = "excel (default): ' before texts that a spreadsheet would run as formulas; raw: as they are",
         .target = &safety,
         .choices = safeties},
        {.kind = CMD_FLAG,
         .name = "unmask",
         .help = "prefixes as long as a telephone number in full",
         .target = &show.unmask},
        {.kind = CMD_TEXT,
         .name = "html",
         .value = "FILE",
         .help = "a report for people, one file",
         .target = &show.html},
        CMD_OPTIONS_MACHINE(machine),
        {.kind = CMD_FLAG,
         .name = "no-taxes",
         .help = "leave taxes out, which of a taxed book takes less time",
         .target = &whatif.no_taxes},
        {.kind = CMD_FLAG,
         .name = "compile",
         .help = "compile each changed book whole, also where new prices alone would do: a check",
         .target = &whatif.compile_changes},
    };
    const struct cmd_usage usage = {.about = about,
                                    .examples = examples,
                                    .operands = "BOOK [BOOK]...",
                                    .operands_max = argc,
                                    .options = options,
                                    .option_count = sizeof options / sizeof options[0],
                                    .notes = notes,
                                    .operand_places = operand_places};
    struct cmd_whatif_books plan = {0};
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    if (whatif.from_day && whatif.to_day && strcmp(whatif.from_day, whatif.to_day) >= 0) {
        cmd_error(cmd, "--to %s is not after --from %s; --to is the day after the last one", whatif.to_day,
                  whatif.from_day);
        return CMD_USAGE;
    }
    if (!whatif.after && late != 0) {
        cmd_error(cmd, "--late reorder goes with --after: without a closed run no call is late");
        return CMD_USAGE;
    }
    cmd_whatif_asked_operands(asked, argv, operand_places, operands);
    whatif.reorder = late == 1;
    whatif.threads = (unsigned)machine.threads;
    whatif.memory_bytes = machine.memory_bytes;
    whatif.io = (enum toll_io_choice)machine.io;
    whatif.simd = (enum toll_simd_choice)machine.simd;
    show.dataset = whatif.dataset_path;
    show.raw = safety == 1;
    code = cmd_impact_moved_by(cmd, moved_by, &whatif.moved_by_bp);
    if (code == CMD_GO)
        code = cmd_whatif_books_make(cmd, asked, argc, &plan);
    if (code == CMD_GO)
        code = check_show(cmd, &show, &plan);
    if (code == CMD_GO)
        code = cmd_html_check(cmd, show.html);
    if (code == CMD_GO)
        code = run(cmd, &whatif, &plan, &show);
    cmd_whatif_books_free(&plan);
    return code;
}

int cmd_whatif(struct cmd *cmd, int argc, char **argv)
{
    struct cmd_whatif_asked asked = {0};
    int *operand_places = calloc((size_t)argc + 1, sizeof *operand_places), code;
    if (operand_places == NULL || !cmd_whatif_asked_make(&asked, argc))
        code = cmd_fail_text(cmd, 71, "out of memory for the words of the command line");
    else
        code = parsed(cmd, &asked, operand_places, argc, argv);
    cmd_whatif_asked_free(&asked);
    free(operand_places);
    return code;
}
