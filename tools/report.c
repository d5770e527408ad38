/*
 * tollmill report: what is earned and what is lost. Margins, what sells below cost, the cheapest vendor.
 */
#include "reports.h"

#include <string.h>

int cmd_report_open(struct cmd *cmd, const struct cmd_report *report, struct toll_run **run,
                    struct toll_run_facts *facts)
{
    const int code = cmd_run_open(cmd, report->run_path, report->cdrs, run);
    if (code != CMD_GO)
        return code;
    toll_run_facts(*run, facts);
    if (facts->has_cost)
        return CMD_GO;
    toll_run_close(*run);
    return cmd_fail_text(cmd, CMD_BOOK,
                         "%s has no costs: its book gives nobody a buy plan; add rows with side buy to "
                         "assignments.csv (default,PLAN or carrier:NAME,PLAN) and rate again",
                         report->run_path);
}

const char *cmd_report_currency(const struct toll_run_facts *facts, const struct toll_line *line)
{
    return line->currency[0] ? line->currency : facts->costs[0].currency;
}

bool cmd_report_knows_cost(const struct toll_line *line)
{
    return line->has_cost && line->cost_status < TOLL_SUSPENSE_FIRST;
}

bool cmd_report_knows_charge(const struct toll_line *line)
{
    return line->status < TOLL_SUSPENSE_FIRST;
}

bool cmd_report_is_below(const struct toll_line *line)
{
    return cmd_report_knows_charge(line) && cmd_report_knows_cost(line) && !line->credit &&
           line->status != TOLL_ZERO_COST_FEED && line->charge < line->cost;
}

const char *cmd_report_destination(const struct toll_line *line)
{
    return line->destination[0] ? line->destination : line->cost_destination;
}

int cmd_report(struct cmd *cmd, int argc, char **argv)
{
    static const char *const margins[] = {"account", "site", "destination", "deck", "trunk",
                                          "carrier", "hour", "day",         NULL};
    static const char *const formats[] = {"text", "csv", NULL};
    static const char *const safeties[] = {"excel", "raw", NULL};
    struct cmd_report report = {.margin = -1};
    bool negative = false, least_cost = false;
    const char *html = NULL;
    int format = 0, safety = 0;
    int64_t top = 20;
    const struct cmd_option options[] = {
        {.kind = CMD_CHOICE,
         .name = "margin",
         .value = "account|site|destination|deck|trunk|carrier|hour|day",
         .help = "charge, cost and margin of all lines by this",
         .target = &report.margin,
         .choices = margins},
        {.kind = CMD_FLAG,
         .name = "negative",
         .help = "what sells below cost, with the price rows to blame",
         .target = &negative},
        {.kind = CMD_FLAG,
         .name = "least-cost",
         .help = "what each carrier with a buy plan would have charged for the outgoing calls",
         .target = &least_cost},
        {.kind = CMD_CHOICE,
         .name = "format",
         .value = "text|csv",
         .help = "csv: all rows, for other programs (default: text)",
         .target = &format,
         .choices = formats},
        {.kind = CMD_CHOICE,
         .name = "csv-safe",
         .value = "excel|raw",
         .help = "excel (default): ' before texts that a spreadsheet would run as formulas; raw: as they are",
         .target = &safety,
         .choices = safeties},
        {.kind = CMD_NUMBER,
         .name = "top",
         .value = "N",
         .help = "rows to show as text (default: 20)",
         .target = &top,
         .minimum = 1,
         .maximum = INT32_MAX},
        {.kind = CMD_TEXT,
         .name = "html",
         .value = "FILE",
         .help = "the run, or a delta, as one file for people: charts and tables that sort",
         .target = &html},
        CMD_OPTION_CDRS(report.cdrs),
        {.kind = CMD_FLAG,
         .name = "unmask",
         .help = "telephone numbers in names and in prefixes in full",
         .target = &report.unmask},
    };
    const struct cmd_usage usage = {
        .about =
            "A run or a delta as one HTML file for people (--html), or the table of one question.\n"
            "Margins: what lines charge against what they cost by the book's buy plans. Lines whose charge\n"
            "or cost is not known are counted apart, never taken for 0. Period charges belong to no line\n"
            "and are not in it; summary has them.",
        .examples = "  tollmill report runs/2026-03 --html march.html\n"
                    "  tollmill report runs/2026-03.delta --html correction.html\n"
                    "  tollmill report runs/2026-03 --margin account\n"
                    "  tollmill report runs/2026-03 --margin hour --json\n"
                    "  tollmill report runs/2026-03 --negative --top 50\n"
                    "  tollmill report runs/2026-03 --least-cost --format csv > vendors.csv\n",
        .operands = "RUN|DELTA",
        .operands_min = 1,
        .operands_max = 1,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .notes =
            "--html takes a delta, too. It asks no network for anything, and can be mailed and printed.\n"
            "Hours and days are those of the book's time zone. The destination is that of the sell side's\n"
            "price row, where it has none that of the buy side's. A carrier is the trunk's, else that of\n"
            "the feed. docs/FORMATS.md has the columns.",
    };
    int operands;
    const int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    if ((report.margin >= 0) + negative + least_cost + (html != NULL) != 1) {
        cmd_error(cmd, "say which report: one of --html FILE, --margin WHAT, --negative, --least-cost");
        return CMD_USAGE;
    }
    if (html && (cmd->json || format == 1)) {
        cmd_error(cmd, "--html is a file for people; %s goes with the other reports",
                  cmd->json ? "--json" : "--format csv");
        return CMD_USAGE;
    }
    if (cmd->json && format == 1) {
        cmd_error(cmd, "--json and --format csv are two formats; leave one out");
        return CMD_USAGE;
    }
    report.run_path = argv[1];
    report.csv = format == 1;
    report.safe = safety == 0;
    report.top = (size_t)top;
    return html                 ? cmd_report_html(cmd, &report, html)
           : report.margin >= 0 ? cmd_report_margin(cmd, &report)
           : negative           ? cmd_report_negative(cmd, &report)
                                : cmd_report_least_cost(cmd, &report);
}
