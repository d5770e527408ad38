/*
 * The HTML report of a what-if, of runs side by side, or of one run. See html.h.
 */
#include "html_parts.h"

#include <stdio.h>

enum {
    ACCOUNTS_MOST = 1000, /* rows of all books together that a reader may want to search */
    OTHERS_MOST = 200,
    PRINTED = 4, /* books against the base that all go to paper; of more the chosen one */
    LEAST = 25,  /* of each book, however many there are */
};

/* The currency with the most lines. */
static void choose_currency(struct cmd_html_story *story)
{
    const struct toll_impact_table *totals = &story->impact->tables[TOLL_BY_TOTAL];
    int64_t most = -1;
    story->currency = "";
    story->several = totals->count > 1;
    for (size_t i = 0; i < totals->count; i++) {
        int64_t rows = 0;
        for (int book = 0; book < story->impact->book_count; book++)
            rows += totals->rows[i].books[book].rows;
        if (rows > most) {
            most = rows;
            story->currency = totals->rows[i].currency;
        }
    }
}

static void title_of(const struct cmd_html_story *story, char *text, size_t room)
{
    const struct toll_impact *impact = story->impact;
    const struct toll_impact_book *books = impact->books;
    const int last = impact->book_count - 1;
    if (story->about->kind == CMD_HTML_RUN)
        snprintf(text, room, "%s", books[0].name);
    else if (last == 1 && story->about->kind == CMD_HTML_COMPARE)
        snprintf(text, room, "%s against %s", books[1].name, books[0].name);
    else if (last == 1)
        snprintf(text, room, "%s instead of %s", books[1].name, books[0].name);
    else if (last > 1 && books[1].has_factor && books[last].has_factor)
        snprintf(text, room, "%.*s times %s to %s", (int)strcspn(books[1].change, "*"), books[1].change,
                 books[1].name, books[last].name);
    else
        snprintf(text, room, "%d %s side by side", impact->book_count,
                 story->about->kind == CMD_HTML_COMPARE ? "runs" : "books");
}

static const char *kind_of(const struct cmd_html_story *story)
{
    return story->about->kind == CMD_HTML_RUN       ? "Rated run"
           : story->about->kind == CMD_HTML_COMPARE ? "Runs compared"
                                                    : "What if";
}

/* "20,000,000 calls, 1 to 31 March 2026, of month" */
static void put_under(struct cmd_html_story *story)
{
    const struct toll_impact *impact = story->impact;
    struct cmd_html *html = &story->html;
    int64_t rows = 0;
    char days[96];
    for (size_t i = 0; i < impact->tables[TOLL_BY_TOTAL].count; i++)
        rows += impact->tables[TOLL_BY_TOTAL].rows[i].books[0].rows;
    cmd_html_put(html, "<p class=\"under\">");
    cmd_html_count(html, rows);
    cmd_html_put(html, rows == 1 ? " call" : " calls");
    cmd_html_days_of(story, 0, days, sizeof days);
    cmd_html_put(html, days[0] ? ", " : "");
    cmd_html_text(html, story->about->days ? story->about->days : days);
    if (story->about->kind == CMD_HTML_COMPARE) {
        cmd_html_put(html, ", in ");
        cmd_html_name(html, impact->books[0].name);
    } else if (story->about->subject) {
        cmd_html_put(html, ", ");
        cmd_html_name(html, cmd_html_last_part(story->about->subject));
    }
    cmd_html_put(html, "</p>\n");
}

static void put_links(struct cmd_html_story *story)
{
    cmd_html_put(&story->html, "<nav class=\"books\" aria-label=\"Which one against the base\">");
    for (int i = 1; i < story->impact->book_count; i++) {
        cmd_put_format(story->html.out, "<a href=\"#book-%d\">", i);
        cmd_html_name(&story->html, story->impact->books[i].name);
        cmd_html_put(&story->html, "</a> ");
    }
    cmd_html_put(&story->html, "</nav>\n");
}

static void put_books(struct cmd_html_story *story)
{
    struct cmd_html *html = &story->html;
    cmd_html_books(story);
    put_links(story);
    for (int i = 1; i < story->impact->book_count; i++) {
        cmd_put_format(html->out, "<article class=\"book\" id=\"book-%d\">\n<h2>", i);
        cmd_html_name(html, cmd_html_book_name(story->impact, i));
        cmd_html_put(html, " against ");
        cmd_html_name(html, story->impact->books[0].name);
        cmd_html_put(html, "</h2>\n");
        html->level = 3;
        cmd_html_answer(story, i);
        cmd_html_against(story, i);
        html->level = 2;
        cmd_html_put(html, "</article>\n");
    }
}

static size_t share(size_t most, int books)
{
    const size_t each = most / (size_t)(books > 1 ? books - 1 : 1);
    return each > LEAST ? each : LEAST;
}

static void write_report(struct cmd_html_story *story)
{
    struct cmd_html *html = &story->html;
    const int books = story->impact->book_count;
    char title[512];
    choose_currency(story);
    title_of(story, title, sizeof title);
    story->accounts_most = share(ACCOUNTS_MOST, books);
    story->others_most = share(OTHERS_MOST, books);
    cmd_html_begin(html, kind_of(story), title);
    cmd_put_format(html->out, "<header>\n<p class=\"kind\">%s</p>\n<h1>", kind_of(story));
    cmd_html_name(html, title);
    cmd_html_put(html, "</h1>\n");
    put_under(story);
    cmd_html_put(html, books <= PRINTED + 1 ? "</header>\n<main class=\"few\">\n" : "</header>\n<main>\n");
    if (books == 1) {
        cmd_html_run(story);
    } else if (books == 2) {
        cmd_html_answer(story, 1);
        cmd_html_against(story, 1);
    } else {
        put_books(story);
    }
    if (story->about->best && story->about->best->plan_count > 0)
        cmd_html_best(story, story->about->best);
    if (story->about->suspense)
        cmd_html_waiting(html, story->about->suspense);
    cmd_html_provenance(story);
    cmd_html_put(html, "</main>\n");
    cmd_html_small_print(html);
    cmd_html_end(html);
}

int cmd_html_impact(struct cmd *cmd, const struct toll_impact *impact, const struct cmd_html_about *about,
                    const char *path)
{
    struct cmd_output out;
    struct toll_error error = {0};
    struct cmd_html_story story = {
        .html = {.out = &out, .unmask = about->unmask, .level = 2}, .impact = impact, .about = about};
    int code = cmd_html_open(&out, path, &error);
    if (code == 0) {
        write_report(&story);
        code = cmd_html_close(&story.html, path, &error);
    }
    cmd_output_close(&out);
    if (code < 0)
        return cmd_fail(cmd, &error);
    cmd_note(cmd, "wrote %s", path);
    return CMD_OK;
}
