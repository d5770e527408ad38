/*
 * Changed lines in the HTML report of a delta: what moved on each day, and the lines that moved most.
 */
#include "html_delta.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    KEPT = 250,          /* lines that are shown */
    GATHERED = 4 * KEPT, /* before the others are thrown away */
    TICK = 1 << 16
};

static int64_t charge_of(const struct toll_delta_state *state)
{
    return state->row >= 0 && state->status < TOLL_SUSPENSE_FIRST ? state->charge : 0;
}

/* ---- days ---- */

static bool add_day(struct cmd_html_changes *changes, const char *day, cmd_html_wide moved)
{
    size_t i = changes->day_count;
    while (i > 0 && strcmp(changes->days[i - 1].label, day) != 0)
        i--;
    if (i > 0) {
        changes->days[i - 1].value[0] += moved;
        return true;
    }
    if (changes->day_count == changes->day_room) {
        const size_t room = changes->day_room ? changes->day_room * 2 : 64;
        struct cmd_html_point *grown = realloc(changes->days, room * sizeof *grown);
        if (!grown)
            return false;
        changes->days = grown;
        changes->day_room = room;
    }
    struct cmd_html_point *point = &changes->days[changes->day_count++];
    memset(point, 0, sizeof *point);
    snprintf(point->label, sizeof point->label, "%.31s", day);
    point->has[0] = true;
    point->value[0] = moved;
    return true;
}

static int by_label(const void *a, const void *b)
{
    return strcmp(((const struct cmd_html_point *)a)->label, ((const struct cmd_html_point *)b)->label);
}

/* ---- lines ---- */

static int by_weight(const void *a, const void *b)
{
    const struct cmd_html_line *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    return (x->order > y->order) - (x->order < y->order);
}

static void about(const struct toll_delta_state *state, char text[200])
{
    char rate[CMD_HTML_FIGURE];
    text[0] = '\0';
    if (state->row < 0 || !state->price_kind[0])
        return;
    cmd_html_exact_text(state->rate, rate);
    const char *of = state->deck[0] ? state->deck : state->plan;
    const int used = snprintf(text, 200, "%.60s%s%.30s%s%.60s", of, state->prefix[0] ? " " : "",
                              state->prefix, state->band[0] ? ", " : "", state->band);
    if (state->per_units > 0 && used > 0 && used < 200)
        snprintf(text + used, (size_t)(200 - used), ", %s / %lld", rate, (long long)state->per_units);
}

static void keep(struct cmd_html_changes *changes, const struct toll_delta_line *line, cmd_html_wide weight,
                 int64_t order)
{
    struct cmd_html_line *kept = &changes->lines[changes->line_count++];
    const struct toll_delta_state *sides[2] = {&line->before, &line->after};
    const struct toll_delta_state *known = line->after.row >= 0 ? &line->after : &line->before;
    memset(kept, 0, sizeof *kept);
    kept->weight = weight;
    kept->order = order;
    kept->reasons = line->reasons;
    kept->reason = line->reason;
    kept->closed = line->closed;
    snprintf(kept->place, sizeof kept->place, "%.20s:%lld", known->day, (long long)known->row);
    snprintf(kept->account, sizeof kept->account, "%s", known->account);
    for (int s = 0; s < 2; s++) {
        kept->has[s] = sides[s]->row >= 0;
        kept->status[s] = sides[s]->status;
        kept->charge[s] = charge_of(sides[s]);
        snprintf(kept->currency[s], sizeof kept->currency[s], "%s", kept->has[s] ? sides[s]->currency : "");
        about(sides[s], kept->about[s]);
    }
}

int cmd_html_lines_collect(struct cmd_html_changes *changes, struct toll_progress progress,
                           struct toll_error *error)
{
    struct toll_delta_line line;
    cmd_html_wide least = 0; /* what a line must move to be among the first */
    int64_t order = 0;
    int more;
    changes->lines = malloc(GATHERED * sizeof *changes->lines);
    changes->html.failed |= !changes->lines;
    if (!changes->lines)
        return 0;
    toll_delta_rewind(changes->delta);
    while ((more = toll_delta_next(changes->delta, &line, error)) > 0) {
        const cmd_html_wide was = charge_of(&line.before), is = charge_of(&line.after);
        const bool one = line.before.row < 0 || line.after.row < 0 ||
                         strcmp(line.before.currency, line.after.currency) == 0;
        const cmd_html_wide weight =
            one ? cmd_html_magnitude(is - was) : cmd_html_magnitude(is) + cmd_html_magnitude(was);
        cmd_html_wide moved = 0;
        if (line.after.row >= 0 && strcmp(line.after.currency, changes->currency) == 0)
            moved += is;
        if (line.before.row >= 0 && strcmp(line.before.currency, changes->currency) == 0)
            moved -= was;
        if (!add_day(changes, line.after.row >= 0 ? line.after.day : line.before.day, moved)) {
            changes->html.failed = true;
            return 0;
        }
        if (weight > least || (weight == least && changes->line_count < KEPT))
            keep(changes, &line, weight, order);
        if (changes->line_count == GATHERED) {
            qsort(changes->lines, changes->line_count, sizeof *changes->lines, by_weight);
            changes->line_count = KEPT;
            least = changes->lines[KEPT - 1].weight;
        }
        if ((++order & (TICK - 1)) == 0)
            progress.tick(progress.context, "reading", order, changes->facts.changed, "lines");
    }
    if (more < 0)
        return more;
    qsort(changes->lines, changes->line_count, sizeof *changes->lines, by_weight);
    changes->line_count = changes->line_count < KEPT ? changes->line_count : KEPT;
    if (changes->day_count > 0)
        qsort(changes->days, changes->day_count, sizeof *changes->days, by_label);
    return 0;
}

/* ---- as a table ---- */

static void put_side(struct cmd_html *html, const struct cmd_html_line *line, int side)
{
    char text[320];
    if (!line->has[side])
        snprintf(text, sizeof text, "not there");
    else if (line->status[side] >= TOLL_SUSPENSE_FIRST || !line->about[side][0])
        snprintf(text, sizeof text, "%s%s%s", toll_status_name(line->status[side]),
                 toll_status_reason(line->status[side])[0] ? ": " : "",
                 toll_status_reason(line->status[side]));
    else
        snprintf(text, sizeof text, "%s", line->about[side]);
    if (line->has[side] && line->status[side] < TOLL_SUSPENSE_FIRST && line->about[side][0])
        cmd_html_cell_name(html, text);
    else
        cmd_html_cell_word(html, text);
}

/* "rate, tax" */
static void reasons_text(uint32_t reasons, char *text, size_t room)
{
    size_t used = 0;
    text[0] = '\0';
    for (int r = 0; r < TOLL_DELTA_REASONS && used < room; r++)
        if (reasons >> r & 1)
            used += (size_t)snprintf(text + used, room - used, "%s%s", used > 0 ? ", " : "",
                                     toll_delta_reason_name((enum toll_delta_reason)r));
}

static size_t payer_of(const struct cmd_html_changes *changes, const char *account)
{
    for (size_t i = 0; i < changes->payer_count; i++)
        if (strcmp(changes->payers[i].account, account) == 0)
            return i;
    return 0;
}

void cmd_html_lines(struct cmd_html_changes *changes)
{
    struct cmd_html *html = &changes->html;
    const struct cmd_html_column columns[] = {{.head = "Line"},
                                              {.head = "Account"},
                                              {.head = "Why"},
                                              {.head = "Price before"},
                                              {.head = "Price now"},
                                              {.head = "Currency", .skip = !changes->several},
                                              {.head = "Before", .cells = CMD_HTML_NUMBER},
                                              {.head = "Now", .cells = CMD_HTML_NUMBER},
                                              {.head = "Change", .cells = CMD_HTML_NUMBER},
                                              {.head = "Cycle", .skip = !changes->facts.has_closed}};
    char text[400], found[32];
    if (changes->line_count == 0)
        return;
    cmd_html_section_begin(html, "lines", "Lines that moved most");
    cmd_html_put(html, "<p>Any of them step by step: <code>tollmill explain NEWRUN DAY:ROW</code></p>\n");
    cmd_html_table_begin(html, "lines-table", "Changed lines by money moved", columns, 10, -1, 12);
    for (size_t i = 0; i < changes->line_count; i++) {
        const struct cmd_html_line *line = &changes->lines[i];
        snprintf(found, sizeof found, "a%zu", payer_of(changes, line->account));
        cmd_html_row_begin(html, found);
        cmd_html_cell_key(html, line->place);
        cmd_html_cell_name(html, line->account[0] ? line->account : "no account");
        reasons_text(line->reasons, text, sizeof text);
        cmd_html_cell_word(html, text);
        put_side(html, line, 0);
        put_side(html, line, 1);
        cmd_html_cell_name(html, line->currency[line->has[1]]);
        cmd_html_cell_money(html, line->charge[0], CMD_HTML_PLAIN);
        cmd_html_cell_money(html, line->charge[1], CMD_HTML_PLAIN);
        cmd_html_cell_money(html, (cmd_html_wide)line->charge[1] - line->charge[0], CMD_HTML_SIGNED);
        cmd_html_cell_name(html, line->closed ? "closed" : "open");
        cmd_html_row_end(html);
    }
    cmd_html_table_end(html, changes->line_count, (size_t)changes->facts.changed,
                       "tollmill delta DELTA --format csv --what lines");
    cmd_html_section_end(html);
}
