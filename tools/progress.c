/*
 * The progress line. See progress.h.
 */
#include "progress.h"
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define SILENT_NS (2 * SECOND_NS)      /* short work needs no progress */
#define TTY_EVERY_NS (SECOND_NS / 10)  /* smooth to the eye, nothing to the run */
#define PLAIN_EVERY_NS (5 * SECOND_NS) /* a log should stay readable */
#define WIDTH_DEFAULT 80

int64_t cmd_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

void cmd_progress_start(struct cmd_progress *progress, enum cmd_progress_as as, bool quiet)
{
    memset(progress, 0, sizeof *progress);
    if (as == CMD_PROGRESS_AUTO) {
        const char *terminal = getenv("TERM");
        bool able = isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
        as = able && !quiet ? CMD_PROGRESS_TTY : CMD_PROGRESS_OFF;
    }
    progress->as = as;
    progress->begin_ns = cmd_now_ns();
}

static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    return WIDTH_DEFAULT;
}

/* "rating  42 %  1,234,567 of 2,900,000 rows  1.2 M rows/s  about 3 s left" */
static void describe(const struct cmd_progress *progress, int64_t now_ns, int64_t done, int64_t total,
                     const char *unit, char *line, size_t room)
{
    char counted[48], whole[64] = "", rate[32], percent[16] = "", left[48] = "";
    int64_t stage_ms = (now_ns - progress->stage_ns) / 1000000;
    bool bytes = strcmp(unit, "bytes") == 0 || strcmp(unit, "B") == 0;
    cmd_count_text(done, bytes, counted, sizeof counted);
    if (total > 0) {
        char text[48];
        cmd_count_text(total, bytes, text, sizeof text);
        snprintf(whole, sizeof whole, " of %s", text);
        snprintf(percent, sizeof percent, "  %d %%", (int)((__int128)done * 100 / total));
        if (done > 0 && done < total) {
            int64_t left_ms = (int64_t)((__int128)stage_ms * (total - done) / done);
            char span[32];
            cmd_span_text(left_ms + 999, span, sizeof span);
            snprintf(left, sizeof left, "  about %s left", span);
        }
    }
    int64_t per_s = stage_ms > 0 ? (int64_t)((__int128)done * 1000 / stage_ms) : 0;
    if (bytes)
        cmd_count_text(per_s, true, rate, sizeof rate);
    else
        cmd_rate_text(per_s, rate, sizeof rate);
    snprintf(line, room, "%s%s  %s%s%s%s  %s%s%s/s%s", progress->stage, percent, counted, whole,
             bytes ? "" : " ", bytes ? "" : unit, rate, bytes ? "" : " ", bytes ? "" : unit, left);
}

void cmd_progress_tick(void *context, const char *stage, int64_t done, int64_t total, const char *unit)
{
    struct cmd_progress *progress = context;
    if (progress->as == CMD_PROGRESS_OFF)
        return;
    int64_t now_ns = cmd_now_ns();
    if (strncmp(progress->stage, stage, sizeof progress->stage - 1) != 0) {
        snprintf(progress->stage, sizeof progress->stage, "%s", stage);
        progress->stage_ns = now_ns;
    }
    int64_t every_ns = progress->as == CMD_PROGRESS_TTY ? TTY_EVERY_NS : PLAIN_EVERY_NS;
    if (now_ns - progress->begin_ns < SILENT_NS || now_ns - progress->told_ns < every_ns)
        return;
    progress->told_ns = now_ns;
    char line[384];
    describe(progress, now_ns, done, total, unit ? unit : "", line, sizeof line);
    if (progress->as == CMD_PROGRESS_PLAIN) {
        fprintf(stderr, "tollmill: %s\n", line);
        return;
    }
    int width = terminal_width() - 1; /* the last column would wrap on some terminals */
    int length = (int)strlen(line) < width ? (int)strlen(line) : width;
    int padding = progress->shown_width > length ? progress->shown_width - length : 0;
    fprintf(stderr, "\r%.*s%*s", length, line, padding, "");
    fflush(stderr);
    progress->shown_width = length;
}

void cmd_progress_wipe(struct cmd_progress *progress)
{
    if (progress->shown_width == 0)
        return;
    fprintf(stderr, "\r%*s\r", progress->shown_width, "");
    fflush(stderr);
    progress->shown_width = 0;
}
