/*
 * Errors and findings as text. Text is formatted into a local buffer first, so that a caller may wrap an
 * error in itself ("reading %s: %s" with error->text as an argument), and stays one line whatever bytes a
 * path holds.
 */
#include "base/error.h"

#include "base/digits.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES sizeof(((struct toll_error *)NULL)->text)
#define NUMBER_DIGITS_MIN 7 /* of a telephone number */

/* Control characters, U+0080 to U+009F too, become blanks: a path or cell can neither end the line nor steer
 * a terminal. */
static void one_line(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7F)
            *text = ' ';
        else if (text[0] == '\xC2' && ((unsigned char)text[1] & 0xE0) == 0x80)
            text[0] = text[1] = ' ';
    }
}

static void copy_text(char *to, size_t to_bytes, const char *from)
{
    size_t length = strnlen(from, to_bytes - 1);

    memcpy(to, from, length);
    to[length] = '\0';
}

int toll_error_set(struct toll_error *error, int code, const char *format, ...)
{
    char text[TEXT_BYTES] = "";
    va_list arguments;

    if (error == NULL)
        return code;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    one_line(text);
    error->code = code;
    copy_text(error->text, sizeof error->text, text);
    return code;
}

int toll_error_errno(struct toll_error *error, int code, int errno_value, const char *format, ...)
{
    char text[TEXT_BYTES] = "", reason_buffer[256];
    const char *reason;
    size_t length, reason_bytes;
    va_list arguments;

    if (errno_value == ENOMEM)
        code = TOLL_ENOMEM;
    if (error == NULL)
        return code;
    reason = strerror_r(errno_value, reason_buffer, sizeof reason_buffer);
    reason_bytes = strnlen(reason, sizeof reason_buffer - 1);
    va_start(arguments, format);
    /* The reason is the useful end of the line: a very long path is cut before it. */
    vsnprintf(text, sizeof text - reason_bytes - 2, format, arguments);
    va_end(arguments);
    length = strlen(text);
    memcpy(text + length, ": ", 2);
    memcpy(text + length + 2, reason, reason_bytes);
    text[length + 2 + reason_bytes] = '\0';
    one_line(text);
    error->code = code;
    copy_text(error->text, sizeof error->text, text);
    return code;
}

int toll_error_within(struct toll_error *error, int code, const char *folder)
{
    if (code == 0 || error == NULL)
        return code;
    const bool no_name = strncmp(error->text, "out of memory", strlen("out of memory")) == 0;
    return toll_error_set(error, code, "%s%s%s", folder, no_name ? ": " : "/", error->text);
}

int toll_exit_code(int code)
{
    switch ((enum toll_code)code) {
    case TOLL_OK:
        return 0;
    case TOLL_EFINDINGS:
    case TOLL_EUSAGE:
    case TOLL_EDATA:
    case TOLL_ENOINPUT:
    case TOLL_EBUG:
    case TOLL_ENOMEM:
    case TOLL_ECREATE:
    case TOLL_EIO:
    case TOLL_ELOCKED:
    case TOLL_EBOOK:
        return -code - 1000;
    }
    return -(int)TOLL_EBUG - 1000;
}

void toll_findings_init(struct toll_findings *findings, const struct toll_reporter *reporter)
{
    memset(findings, 0, sizeof *findings);
    if (reporter != NULL)
        findings->reporter = *reporter;
}

void toll_finding(struct toll_findings *findings, enum toll_severity severity, const char *file, long line,
                  long column, const char *format, ...)
{
    char text[TEXT_BYTES] = "";
    struct toll_diagnostic diagnostic = {severity, file, line, column, text, NULL};
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    one_line(text);
    if (findings->masks_numbers)
        toll_digits_mask_within(text, NUMBER_DIGITS_MIN, true);
    if (severity == TOLL_ERROR && findings->errors++ == 0) {
        findings->first_error = diagnostic;
        findings->first_error.text = findings->first_text;
        copy_text(findings->first_text, sizeof findings->first_text, text);
        if (file != NULL) {
            findings->first_error.file = findings->first_file;
            copy_text(findings->first_file, sizeof findings->first_file, file);
        }
    }
    if (severity == TOLL_WARNING) {
        findings->warnings++;
        diagnostic.name = findings->name;
    }
    if (findings->reporter.report != NULL)
        findings->reporter.report(findings->reporter.context, &diagnostic);
}
