/*
 * A buffered writer for data: stdout, or a file that appears under its name only when it is complete.
 *
 * The first failed write is remembered and everything after it is dropped; the caller asks once, at the end.
 */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include "tollmill_error.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CMD_OUTPUT_BYTES (1u << 20) /* one write of this size is well above what a system call costs */

struct cmd_output {
    int fd;
    int failure; /* errno of the first failed write, else 0 */
    size_t used;
    int64_t written_bytes;  /* handed to the system so far */
    char *buffer;           /* CMD_OUTPUT_BYTES */
    char *path, *temp_path; /* NULL for stdout */
};

/* Writes to an open descriptor, which is not closed at the end. Returns 0 or TOLL_ENOMEM without memory. */
int cmd_output_to_fd(struct cmd_output *out, int fd, struct toll_error *error);
/* Writes to PATH.tollmill.tmp (mode 0640, locked); commit renames it to PATH, replacing an older file, but
 * nothing of a dataset or run. */
int cmd_output_to_file(struct cmd_output *out, const char *path, struct toll_error *error);

/* Whether a file could be begun there, before long work whose result it is to hold. Leaves nothing. */
int cmd_output_check(const char *path, struct toll_error *error);

/* TOLL_ECREATE when a file of this name would lie within a dataset or a run, or replace a manifest of ours:
 * nothing is written there by hand. */
int cmd_output_outside(const char *path, struct toll_error *error);

void cmd_output_flush(struct cmd_output *out);
/* Flushes; a file is also fsynced and renamed, and its directory fsynced. TOLL_EIO when any write failed. */
int cmd_output_commit(struct cmd_output *out, struct toll_error *error);
/* Frees; a file that was not committed is removed. Safe on a zeroed struct and after commit. */
void cmd_output_close(struct cmd_output *out);

void cmd_put_slow(struct cmd_output *out, const char *bytes, size_t count);
void cmd_put_format(struct cmd_output *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cmd_put_integer(struct cmd_output *out, int64_t value);

static inline void cmd_put(struct cmd_output *out, const char *bytes, size_t count)
{
    if (count <= CMD_OUTPUT_BYTES - out->used) {
        memcpy(out->buffer + out->used, bytes, count);
        out->used += count;
    } else {
        cmd_put_slow(out, bytes, count);
    }
}

static inline void cmd_put_text(struct cmd_output *out, const char *text)
{
    cmd_put(out, text, strlen(text));
}

static inline void cmd_put_char(struct cmd_output *out, char c)
{
    if (out->used == CMD_OUTPUT_BYTES)
        cmd_output_flush(out);
    out->buffer[out->used++] = c;
}

/* Room for up to `bytes` (at most CMD_OUTPUT_BYTES) to be filled in place; add what was filled to out->used.
 */
static inline char *cmd_put_room(struct cmd_output *out, size_t bytes)
{
    if (bytes > CMD_OUTPUT_BYTES - out->used)
        cmd_output_flush(out);
    return out->buffer + out->used;
}

#endif
