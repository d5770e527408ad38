/* What tests of the HTML report share: what the command has in main.c, a folder for pages, what no page may
 * hold. */
#ifndef HTML_FIXTURE_H
#define HTML_FIXTURE_H

#include "html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <unistd.h>

#define UNIT 100000000LL

/* Names that want to be markup, turn the text, or never end. */
static const char *const hostile_names[] = {
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(2)>",
    "' onmouseover='alert(3)",
    "</title></style></script><script>alert(4)</script>",
    "<!-- ]]> &lt;b&gt; &amp;",
    "Zo\xC3\xAB's \xE2\x80\xAEgnp.exe & Sons", /* U+202E */
    "\xD7\x97\xD7\x91\xD7\xA8\xD7\xAA \xD7\x90\xD7\x9C\xD7\xA3 42",
    "Caf\xC3\xA9 \xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7 \xF0\x9F\x93\x9E",
    "broken \xFF\xFE\xC0 bytes \x1B[31m\x07",
    "call 12125551234 now",
    "javascript:alert(5)",
    "{{7*7}} ${7*7} %s%n",
};
#define HOSTILE (sizeof hostile_names / sizeof hostile_names[0])

static struct toll_sum sum_of(__int128 value)
{
    return (struct toll_sum){.low = (uint64_t)value, .high = (int64_t)(value >> 64)};
}

/* What the command has in main.c. */
int cmd_fail(struct cmd *cmd, const struct toll_error *error)
{
    (void)cmd;
    return toll_exit_code(error->code);
}

int cmd_fail_text(struct cmd *cmd, int exit_code, const char *format, ...)
{
    (void)cmd, (void)format;
    return exit_code;
}

void cmd_note(struct cmd *cmd, const char *format, ...)
{
    (void)cmd, (void)format;
}

static void tick(void *context, const char *stage, int64_t done, int64_t total, const char *unit)
{
    (void)context, (void)stage, (void)done, (void)total, (void)unit;
}

struct toll_progress cmd_progress_begin(struct cmd *cmd)
{
    (void)cmd;
    return (struct toll_progress){.tick = tick};
}

static char html_folder[512];
static bool html_stays; /* pages stay for the test that opens them in a browser */

static void html_folder_begin(const char *given)
{
    char temporary[] = "/tmp/tollmill-html-XXXXXX";
    html_stays = given != NULL;
    if (!given && !mkdtemp(temporary))
        exit(1);
    snprintf(html_folder, sizeof html_folder, "%s", given ? given : temporary);
}

static void html_path(const char *name, char path[600])
{
    snprintf(path, 600, "%s/%s.html", html_folder, name);
}

static void html_folder_end(const char *const *names)
{
    char path[600];
    for (; !html_stays && *names; names++) {
        html_path(*names, path);
        unlink(path);
    }
    if (!html_stays)
        rmdir(html_folder);
}

static char *html_read(const char *path)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    const long bytes = ftell(file);
    rewind(file);
    char *text = calloc(1, (size_t)bytes + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)bytes, file), bytes);
    fclose(file);
    assert_int_equal(strlen(text), bytes);
    return text;
}

static int times(const char *text, const char *part)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        count++;
    return count;
}

/* Our own script and style, and no other element that loads or runs anything. */
static void check_markup(const char *text)
{
    assert_int_equal(times(text, "<script"), 1);
    assert_int_equal(times(text, "</script>"), 1);
    assert_int_equal(times(text, "<style"), 1);
    assert_int_equal(times(text, "Content-Security-Policy"), 1);
    static const char *const refused[] = {"<img",  "<link",   "<iframe",     "<base",        "<object",
                                          "<form", " style=", " onclick=",   "http:",        "https:",
                                          "url(",  "@import", "12125551234", "\xE2\x80\xAE", "\x1B"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (strstr(text, refused[i]))
            fail_msg("the page has %s", refused[i]);
}

#endif
