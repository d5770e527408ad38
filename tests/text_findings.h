/* Findings as text, one "E line:column text" each, for tests that compare them all. */
#ifndef TOLL_TESTS_TEXT_FINDINGS_H
#define TOLL_TESTS_TEXT_FINDINGS_H

#include "base/error.h"

#include <stdio.h>
#include <string.h>

struct text_findings {
    struct toll_findings findings;
    struct toll_reporter reporter;
    char text[16384];
    size_t bytes;
};

static void text_findings_report(void *context, const struct toll_diagnostic *diagnostic)
{
    struct text_findings *all = context;

    if (all->bytes + 1024 > sizeof(all->text))
        return;
    all->bytes +=
        (size_t)snprintf(all->text + all->bytes, 1024, "%c %ld:%ld %s\n", "NWE"[diagnostic->severity],
                         diagnostic -> line, diagnostic -> column, diagnostic -> text);
}

static inline void text_findings_init(struct text_findings *all)
{
    memset(all, 0, sizeof(*all));
    all->reporter = (struct toll_reporter){text_findings_report, all};
    toll_findings_init(&all->findings, &all->reporter);
}

#endif
