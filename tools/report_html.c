/*
 * report --html: a run, or a delta, as one file for people.
 */
#include "html.h"
#include "reports.h"

#include <stdio.h>
#include <sys/stat.h>

enum { GROUPS_SHOWN = 100 /* of the suspense queue */ };

static bool holds(const char *folder, const char *name)
{
    char path[CMD_PATH_BYTES];
    struct stat status;
    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && stat(path, &status) == 0;
}

static int of_delta(struct cmd *cmd, const struct cmd_report *report, const char *html_path)
{
    const struct cmd_html_about about = {.subject = report->run_path, .unmask = report->unmask};
    struct toll_delta *delta;
    struct toll_error error = {0};
    if (toll_delta_open(report->run_path, &delta, &error) < 0)
        return cmd_fail(cmd, &error);
    const int code = cmd_html_delta(cmd, delta, &about, html_path);
    toll_delta_close(delta);
    return code;
}

static bool has_suspense(const struct toll_impact *impact)
{
    const struct toll_impact_table *totals = &impact->tables[TOLL_BY_TOTAL];
    for (size_t i = 0; i < totals->count; i++)
        if (totals->rows[i].books[0].suspense > 0)
            return true;
    return false;
}

int cmd_report_html(struct cmd *cmd, const struct cmd_report *report, const char *html_path)
{
    int code = cmd_html_check(cmd, html_path);
    if (code != CMD_GO)
        return code;
    if (holds(report->run_path, "delta.json"))
        return of_delta(cmd, report, html_path);
    char cdrs[CMD_PATH_BYTES];
    code = cmd_cdrs_find(cmd, report->run_path, report->cdrs, cdrs);
    if (code != CMD_GO)
        return code;
    const char *const run = report->run_path, *const dataset = cdrs;
    const struct toll_compare_options options = {
        .run_paths = &run, .dataset_paths = &dataset, .run_count = 1, .progress = cmd_progress_begin(cmd)};
    const struct toll_suspense_options waits = {
        .run_path = run, .dataset_path = cdrs, .unmask = report->unmask, .top = GROUPS_SHOWN};
    struct cmd_html_about about = {.kind = CMD_HTML_RUN, .subject = cdrs, .unmask = report->unmask};
    struct toll_impact impact = {0};
    struct toll_suspense_report waiting = {0};
    struct toll_error error = {0};
    int outcome = toll_compare(&options, &impact, &error);
    if (outcome == 0 && has_suspense(&impact)) {
        outcome = toll_suspense_report_make(&waits, &waiting, &error);
        about.suspense = &waiting;
    }
    code = outcome < 0 ? cmd_fail(cmd, &error) : cmd_html_impact(cmd, &impact, &about, html_path);
    toll_suspense_report_free(&waiting);
    toll_impact_free(&impact);
    return code;
}
