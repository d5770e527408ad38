/* toll_check of the public API: the stages of compiling with the doubts behind them, and no image. */
#include "base/check.h"
#include "book/book.h"
#include "book/compile.h"
#include "ratetable/doubts.h"

#include <stdlib.h>
#include <string.h>

/* Counts warnings by name and passes on the first of each. */
struct sieve {
    const struct toll_check_options *options;
    struct toll_check_result *result;
};

static void sift(void *context, const struct toll_diagnostic *diagnostic)
{
    const struct sieve *sieve = context;
    struct toll_check_result *result = sieve->result;
    const char *name = diagnostic->name != NULL ? diagnostic->name : "other";
    int i = 0;

    if (diagnostic->severity == TOLL_WARNING) {
        while (i < result->doubt_count && strcmp(result->doubts[i].name, name) != 0)
            i++;
        TOLL_ASSERT(i < TOLL_DOUBTS_MAX && strlen(name) < sizeof(result->doubts[i].name));
        if (i == result->doubt_count) {
            strcpy(result->doubts[i].name, name);
            result->doubt_count++;
        }
        result->doubts[i].count++;
        if (sieve->options->shown > 0 && result->doubts[i].shown == sieve->options->shown)
            return;
        result->doubts[i].shown++;
    }
    if (sieve->options->reporter.report != NULL)
        sieve->options->reporter.report(sieve->options->reporter.context, diagnostic);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(left, right); /* a doubt begins with its name */
}

int toll_check(const struct toll_check_options *options, struct toll_check_result *result,
               struct toll_error *error)
{
    return toll_check_with(toll_io_system(), options, result, error);
}

int toll_check_with(const struct toll_io *io, const struct toll_check_options *options,
                    struct toll_check_result *result, struct toll_error *error)
{
    struct sieve sieve = {options, result};
    const struct toll_reporter reporter = {sift, &sieve};
    const int64_t start_ns = toll_book_now_ns();
    struct toll_doubts doubts = {.has_closed = options->closed_until != NULL};
    struct toll_findings findings;
    struct toll_build build;
    int64_t day = 0;
    int code;

    memset(result, 0, sizeof(*result));
    if (doubts.has_closed && !toll_day_parse(options->closed_until, strlen(options->closed_until), &day))
        return toll_error_set(error, TOLL_EUSAGE, "\"%.40s\" is not a date; write 2026-11-01",
                              options->closed_until);
    doubts.closed_until = day * TOLL_DAY_MS;
    toll_findings_init(&findings, &reporter);
    code = toll_build_begin(&build, io, options->book_path, NULL, &findings, error);
    build.doubts = &doubts;
    if (code == 0)
        code = toll_book_stages(&build);
    if (code == 0 && findings.errors == 0)
        code = toll_build_doubts(&build);
    result->errors = (int64_t)findings.errors;
    result->warnings = (int64_t)findings.warnings;
    if (code == 0 && findings.errors > 0)
        code = toll_book_findings_error(&findings, options->book_path, error);
    else if (code == 0 && findings.warnings > 0)
        code = toll_error_set(error, TOLL_EFINDINGS, "%s: the book has %zu doubts", options->book_path,
                              findings.warnings);
    qsort(result->doubts, (size_t)result->doubt_count, sizeof(result->doubts[0]), compare_names);
    toll_build_end(&build);
    toll_doubts_end(&doubts);
    result->wall_ns = toll_book_now_ns() - start_ns;
    return code;
}
