/*
 * Errors, as every room and every caller sees them.
 *
 * A function that can fail returns 0 or one of the codes below. The text (what, where, why, next step) goes
 * into the caller's struct toll_error, which may be NULL. Bad *data* in a CDR is never an error: it is a
 * status on its row. Exit codes of the command are sysexits numbers: exit = -(code) - 1000, see
 * toll_exit_code().
 */
#ifndef TOLLMILL_ERROR_H
#define TOLLMILL_ERROR_H

#include <stddef.h>

enum toll_code {
    TOLL_OK = 0,
    TOLL_EFINDINGS = -1001, /* done, but findings: differences, rejects over the limit */
    TOLL_EUSAGE = -1002,    /* the call or command line is wrong */
    TOLL_EDATA = -1065,     /* input data is bad: refused, nothing published */
    TOLL_ENOINPUT = -1066,  /* an input is missing */
    TOLL_EBUG = -1070,      /* our own fault */
    TOLL_ENOMEM = -1071,    /* the system gave no memory: give more, or work on fewer days at a time */
    TOLL_ECREATE = -1073,   /* the output cannot be created */
    TOLL_EIO = -1074,       /* the system failed a read or write */
    TOLL_ELOCKED = -1075,   /* somebody else works on this output */
    TOLL_EBOOK = -1078,     /* a book or a mapping spec is wrong */
};

struct toll_error {
    int code;        /* one of enum toll_code */
    char text[2040]; /* one line, no newline at its end, always terminated */
};

/* The command's exit code for a return code: 0 for 0, 70 for anything unknown. */
int toll_exit_code(int code);

enum toll_severity { TOLL_NOTE, TOLL_WARNING, TOLL_ERROR };

/* One finding about an input file. Strings live only during the call that reports it. */
struct toll_diagnostic {
    enum toll_severity severity;
    const char *file; /* as the user can find it; may be NULL */
    long line;        /* 1-based; 0 unknown */
    long column;      /* 1-based character of the line, or 0 */
    const char *text; /* what, why, next step */
    const char *name; /* of the kind of warning (docs/CHECK.md), or NULL */
};

/* A caller's sink for findings; report may be NULL (findings are then dropped, counts remain). */
struct toll_reporter {
    void (*report)(void *context, const struct toll_diagnostic *diagnostic);
    void *context;
};

#endif
