/*
 * What every fuzz target shares: one input as a stream of choices, and what must hold of any error or finding
 * whatever the input was. A target asserts with TOLL_ASSERT; nothing of it touches the file system.
 */
#ifndef TOLL_TESTS_FUZZ_H
#define TOLL_TESTS_FUZZ_H

#include "base/check.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the input ---- */

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

/* Little endian, 0 where the input is used up. */
static inline uint64_t fuzz_take(struct fuzz_input *input, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && input->left > 0; i++, input->left--)
        value |= (uint64_t)*input->at++ << (8 * i);
    return value;
}

/* Up to `bytes` bytes of the input; *got of them. */
static inline const uint8_t *fuzz_span(struct fuzz_input *input, size_t bytes, size_t *got)
{
    const uint8_t *from = input->at;
    *got = bytes < input->left ? bytes : input->left;
    if (*got > 0)
        input->at += *got;
    input->left -= *got;
    return from;
}

/* The first line, without its end, as a terminated text in `room` bytes (longer ones are cut). */
static inline void fuzz_line(struct fuzz_input *input, char *text, size_t room)
{
    size_t bytes = 0;
    while (input->left > 0) {
        const char c = (char)*input->at++;
        input->left--;
        if (c == '\n')
            break;
        if (bytes + 1 < room && c != 0)
            text[bytes++] = c;
    }
    text[bytes] = 0;
}

/* A copy without a byte more than asked for, so that reading behind it is seen. */
static inline void *fuzz_copy(const void *data, size_t bytes)
{
    void *copy = malloc(bytes);
    TOLL_ASSERT(copy != NULL || bytes == 0);
    if (bytes > 0)
        memcpy(copy, data, bytes);
    return copy;
}

/* ---- what must hold ---- */

static inline void fuzz_check_line(const char *text)
{
    TOLL_ASSERT(text != NULL && text[0] != 0);
    for (const char *at = text; *at != 0; at++)
        TOLL_ASSERT((unsigned char)*at >= 0x20 && *at != 0x7F); /* one line, and nothing a terminal obeys */
}

/* After a failure: a code that is documented, and a text of one line. */
static inline void fuzz_check_error(int code, const struct toll_error *error)
{
    TOLL_ASSERT(code < 0 && error->code == code);
    TOLL_ASSERT(code != TOLL_EBUG && toll_exit_code(code) != 70);
    fuzz_check_line(error->text);
}

struct fuzz_findings {
    size_t errors, warnings;
};

static inline void fuzz_report(void *context, const struct toll_diagnostic *diagnostic)
{
    struct fuzz_findings *findings = context;
    findings->errors += diagnostic->severity == TOLL_ERROR;
    findings->warnings += diagnostic->severity == TOLL_WARNING;
    TOLL_ASSERT(diagnostic->file != NULL && diagnostic->file[0] != 0);
    TOLL_ASSERT(diagnostic->line >= 0 && diagnostic->column >= 0);
    fuzz_check_line(diagnostic->text);
}

#endif
