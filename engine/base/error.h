/* Filling struct toll_error, and collecting many findings in one pass. */
#ifndef TOLL_BASE_ERROR_H
#define TOLL_BASE_ERROR_H

#include "tollmill_error.h"

#include <stdbool.h>

/* Sets code and text (printf style), returns code, so that `return toll_error_set(error, TOLL_EDATA, "...")`
 * reads well. error may be NULL. */
int toll_error_set(struct toll_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": <strerror(errno_value)>" behind the text. ENOMEM is TOLL_ENOMEM whatever the call was. */
int toll_error_errno(struct toll_error *error, int code, int errno_value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "folder/" before the text of an error that names a file in that folder. Returns code; does nothing for
 * code 0. */
int toll_error_within(struct toll_error *error, int code, const char *folder);

/* Counts findings and passes each on. Not thread safe: one writer. */
struct toll_findings {
    struct toll_reporter reporter;
    size_t errors, warnings;
    bool
        masks_numbers; /* while tables of telephone numbers are read: what findings quote of them is masked */
    const char *name;  /* of the warnings that are reported now, or NULL */
    struct toll_diagnostic first_error; /* its strings point into first_file/first_text */
    char first_file[256], first_text[512];
};

void toll_findings_init(struct toll_findings *findings,
                        const struct toll_reporter *reporter /* may be NULL */);
void toll_finding(struct toll_findings *findings, enum toll_severity severity, const char *file, long line,
                  long column, const char *format, ...) __attribute__((format(printf, 6, 7)));

#endif
