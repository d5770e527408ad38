/*
 * The page itself: escaped text, sections, tiles. See html_page.h.
 */
#include "html_page.h"

#include <stdio.h>
#include <string.h>

enum {
    NAME_BYTES = 1024,     /* more of a name is not looked at, */
    NAME_CHARACTERS = 160, /* and more is not shown */
    WORD_CHARACTERS = 20,
};

void cmd_html_put(struct cmd_html *html, const char *markup)
{
    cmd_put_text(html->out, markup);
}

/* ---- text ---- */

/* What shows nothing but turns the order of the text around it: U+061C, U+200E-F, U+202A-E, U+2066-9. */
static bool turns(const unsigned char *at)
{
    if (at[0] == 0xD8 && at[1] == 0x9C)
        return true;
    if (at[0] != 0xE2)
        return false;
    return (at[1] == 0x80 && (at[2] == 0x8E || at[2] == 0x8F || (at[2] >= 0xAA && at[2] <= 0xAE))) ||
           (at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9);
}

static void put_character(struct cmd_output *out, const unsigned char *at, size_t bytes)
{
    const bool control = at[0] < 0x20 || at[0] == 0x7F || (at[0] == 0xC2 && at[1] < 0xA0);
    if (bytes == 0 || control || turns(at))
        cmd_put_text(out, "\xEF\xBF\xBD"); /* U+FFFD */
    else if (*at == '&')
        cmd_put_text(out, "&amp;");
    else if (*at == '<')
        cmd_put_text(out, "&lt;");
    else if (*at == '>')
        cmd_put_text(out, "&gt;");
    else if (*at == '"')
        cmd_put_text(out, "&quot;");
    else if (*at == '\'')
        cmd_put_text(out, "&#39;");
    else
        cmd_put(out, (const char *)at, bytes);
}

/* wrap: words too long for a column of a table may be broken, where <wbr> stands. */
static void put_cut(struct cmd_html *html, const char *text, int characters, bool wrap)
{
    char copy[NAME_BYTES + 1];
    size_t bytes = strnlen(text, NAME_BYTES);
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    if (!html->unmask)
        cmd_mask_within(copy, false);
    const unsigned char *at = (const unsigned char *)copy;
    for (int i = 0, word = 0; *at; i++) {
        word = *at == ' ' || *at == '-' ? 0 : word + 1;
        if (wrap && word > WORD_CHARACTERS) {
            cmd_put_text(html->out, "<wbr>");
            word = 1;
        }
        if (i == characters) {
            cmd_put_text(html->out, "\xE2\x80\xA6"); /* ... */
            return;
        }
        const size_t length = cmd_utf8_length(at);
        put_character(html->out, at, length);
        at += length > 0 ? length : 1;
    }
}

void cmd_html_text(struct cmd_html *html, const char *text)
{
    put_cut(html, text, NAME_CHARACTERS, false);
}

void cmd_html_name(struct cmd_html *html, const char *text)
{
    if (!text[0]) {
        cmd_html_put(html, "<span class=\"none\">\xE2\x80\x93</span>");
        return;
    }
    cmd_html_put(html, "<bdi>");
    put_cut(html, text, NAME_CHARACTERS, true);
    cmd_html_put(html, "</bdi>");
}

const char *cmd_html_last_part(const char *path)
{
    const char *last = strrchr(path, '/');
    return last && last[1] ? last + 1 : path;
}

void cmd_html_days_text(const char *first, const char *last, char *text, size_t room)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    int y[2], m[2], d[2];
    text[0] = '\0';
    if (!first[0] || !last[0])
        return;
    if (sscanf(first, "%4d-%2d-%2d", &y[0], &m[0], &d[0]) != 3 ||
        sscanf(last, "%4d-%2d-%2d", &y[1], &m[1], &d[1]) != 3 || m[0] < 1 || m[0] > 12 || m[1] < 1 ||
        m[1] > 12) {
        snprintf(text, room, "%s to %s", first, last);
        return;
    }
    const char *to = months[m[1] - 1];
    if (strcmp(first, last) == 0)
        snprintf(text, room, "%d %s %d", d[1], to, y[1]);
    else if (y[0] == y[1] && m[0] == m[1])
        snprintf(text, room, "%d to %d %s %d", d[0], d[1], to, y[1]);
    else if (y[0] == y[1])
        snprintf(text, room, "%d %s to %d %s %d", d[0], months[m[0] - 1], d[1], to, y[1]);
    else
        snprintf(text, room, "%d %s %d to %d %s %d", d[0], months[m[0] - 1], y[0], d[1], to, y[1]);
}

/* ---- the page ---- */

void cmd_html_begin(struct cmd_html *html, const char *kind, const char *title)
{
    cmd_html_put(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                       "style-src 'sha256-");
    cmd_html_put(html, cmd_html_style_hash);
    cmd_html_put(html, "'; script-src 'sha256-");
    cmd_html_put(html, cmd_html_script_hash);
    cmd_html_put(html, "'; base-uri 'none'; form-action 'none'\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta name=\"color-scheme\" content=\"light dark\">\n"
                       "<meta name=\"referrer\" content=\"no-referrer\">\n"
                       "<meta name=\"robots\" content=\"noindex\">\n"
                       "<meta name=\"generator\" content=\"tollmill " TOLLMILL_VERSION "\">\n<title>");
    cmd_html_text(html, kind);
    cmd_html_put(html, ": ");
    cmd_html_text(html, title);
    cmd_html_put(html, "</title>\n<style>");
    cmd_html_put(html, cmd_html_style);
    cmd_html_put(html, "</style>\n</head>\n<body>\n");
}

void cmd_html_end(struct cmd_html *html)
{
    cmd_html_put(html, "<script>");
    cmd_html_put(html, cmd_html_script);
    cmd_html_put(html, "</script>\n</body>\n</html>\n");
}

void cmd_html_section_begin(struct cmd_html *html, const char *id, const char *title)
{
    cmd_put_format(html->out, "<section id=\"%s\" aria-labelledby=\"%s-title\">\n<h%d id=\"%s-title\">", id,
                   id, html->level, id);
    cmd_html_text(html, title);
    cmd_put_format(html->out, "</h%d>\n", html->level);
}

void cmd_html_section_end(struct cmd_html *html)
{
    cmd_html_put(html, "</section>\n");
}

void cmd_html_tile(struct cmd_html *html, const char *name, const char *figure, const char *unit,
                   const char *tone, const char *beneath)
{
    cmd_html_put(html, "<div class=\"tile\"><dt>");
    cmd_html_text(html, name);
    cmd_put_format(html->out, "</dt><dd class=\"%s\">", tone);
    cmd_html_text(html, figure);
    if (unit[0]) {
        cmd_html_put(html, " <small>");
        cmd_html_text(html, unit);
        cmd_html_put(html, "</small>");
    }
    cmd_html_put(html, "</dd><dd class=\"beneath\">");
    cmd_html_text(html, beneath);
    cmd_html_put(html, "</dd></div>\n");
}
