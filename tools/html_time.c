/*
 * When money moves: day by day, and by hour of the week.
 */
#include "html_parts.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- days ---- */

static void fill(struct cmd_html_point *point, int series, const struct toll_measure *measure)
{
    point->has[series] = true;
    point->value[series] = cmd_html_charge(measure);
}

/* A point for each day that either of the two has. */
static size_t by_date(const struct cmd_html_story *story, int other, struct cmd_html_point *points,
                      bool *shared)
{
    const struct toll_impact_table *days = &story->impact->tables[TOLL_BY_DAY];
    size_t count = 0;
    *shared = false;
    for (size_t i = 0; i < days->count; i++) {
        const struct toll_impact_row *row = &days->rows[i];
        const bool base = row->books[0].rows > 0, then = row->books[other].rows > 0;
        if (strcmp(row->currency, story->currency) != 0 || !(base || then))
            continue;
        struct cmd_html_point *point = &points[count++];
        memset(point, 0, sizeof *point);
        snprintf(point->label, sizeof point->label, "%.31s", row->key);
        if (base)
            fill(point, 0, &row->books[0]);
        if (then)
            fill(point, 1, &row->books[other]);
        *shared |= base && then;
    }
    return count;
}

/* Days of runs that share none: the first of one beside the first of the other. */
static size_t by_ordinal(struct cmd_html_point *points, size_t count)
{
    size_t used[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        const struct cmd_html_point point = points[i];
        points[i].has[0] = points[i].has[1] = false;
        for (int s = 0; s < 2; s++) {
            if (!point.has[s])
                continue;
            points[used[s]].has[s] = true; /* used[s] <= i: nothing unread is written over */
            points[used[s]++].value[s] = point.value[s];
        }
    }
    const size_t most = used[0] > used[1] ? used[0] : used[1];
    for (size_t i = 0; i < most; i++)
        snprintf(points[i].label, sizeof points[i].label, "day %zu", i + 1);
    return most;
}

void cmd_html_days(struct cmd_html_story *story, int other)
{
    const struct toll_impact *impact = story->impact;
    const size_t rows = impact->tables[TOLL_BY_DAY].count;
    struct cmd_html_point *points = rows > 0 ? malloc(rows * sizeof *points) : NULL;
    bool shared;
    story->html.failed |= !points && rows > 0;
    if (!points)
        return;
    struct cmd_html_plotted plotted = {.title = "Charge by day",
                                       .unit = story->currency,
                                       .points = points,
                                       .count = by_date(story, other < 0 ? 0 : other, points, &shared)};
    if (other >= 0 && impact->same_calls) {
        plotted.title = "Change by day";
        plotted.moves = true;
        for (size_t i = 0; i < plotted.count; i++) {
            points[i].value[0] = points[i].value[1] - points[i].value[0];
            points[i].has[0] = true;
        }
    } else if (other >= 0) {
        plotted.plot = CMD_HTML_LINES;
        plotted.names[0] = impact->books[0].name;
        plotted.names[1] = impact->books[other].name;
        if (!shared)
            plotted.count = by_ordinal(points, plotted.count);
    }
    if (plotted.count > 1)
        cmd_html_plot(&story->html, &plotted);
    free(points);
}

/* ---- hours of the week ---- */

static bool collect(const struct cmd_html_story *story, int other, bool moves, struct cmd_html_hours *hours)
{
    const struct toll_impact_table *table = &story->impact->tables[TOLL_BY_HOUR];
    bool any = false;
    memset(hours, 0, sizeof *hours);
    for (size_t i = 0; i < table->count; i++) {
        const struct toll_impact_row *row = &table->rows[i];
        int day, hour;
        if (strcmp(row->currency, story->currency) != 0 || sscanf(row->key, "%1d %2d", &day, &hour) != 2 ||
            day < 1 || day > CMD_HTML_DAYS || hour < 0 || hour >= CMD_HTML_HOURS)
            continue;
        const cmd_html_wide was = cmd_html_charge(&row->books[0]);
        const cmd_html_wide money = moves ? cmd_html_charge(&row->books[other]) - was : was;
        hours->money[day - 1][hour] += money;
        hours->rows[day - 1][hour] += row->books[moves ? other : 0].rows;
        any |= money != 0;
    }
    return any;
}

void cmd_html_week(struct cmd_html_story *story, int other)
{
    struct cmd_html_hours hours;
    cmd_html_put(&story->html, other >= 0 ? "<div class=\"halves\">\n" : "");
    if (other >= 0 && collect(story, other, true, &hours))
        cmd_html_heat(&story->html, "Change by hour of the week", &hours, story->currency, true);
    if (collect(story, 0, false, &hours))
        cmd_html_heat(&story->html,
                      other < 0 ? "Charge by hour of the week" : "Charge of the base by hour of the week",
                      &hours, story->currency, false);
    cmd_html_put(&story->html, other >= 0 ? "</div>\n" : "");
}
