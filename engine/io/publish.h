/*
 * Atomic publishing. A directory with a manifest is complete, always.
 *
 * A new directory OUT is made as OUT.tollmill.tmp beside it (mode 0750), locked with flock, filled, every
 * file fsynced, the manifest written last, the directory fsynced, renamed to OUT and the parent fsynced. What
 * a killed run left is recognised because its lock is free: the next run wipes it and starts anew. Somebody
 * else's lock: TOLL_ELOCKED.
 */
#ifndef TOLL_IO_PUBLISH_H
#define TOLL_IO_PUBLISH_H

#include "io/file.h"

struct toll_publish {
    const struct toll_io *io;
    char *final_path, *temp_path;
    int parent, directory; /* fds; write into `directory` */
    bool published;
};

/* OUT must not exist (TOLL_ECREATE, says what to do); its parent must. */
int toll_publish_begin(struct toll_publish *publish, const struct toll_io *io, const char *path,
                       struct toll_error *error);
/* Fsyncs the directory, renames without replacing (RENAME_NOREPLACE where the kernel has it), fsyncs the
 * parent. */
int toll_publish_commit(struct toll_publish *publish, struct toll_error *error);
/* After commit: closes. Without commit: removes what was written, then closes. Safe on a zeroed struct. */
void toll_publish_end(struct toll_publish *publish);

/* For a directory that changes in place by generations (a dataset): makes it if needed, opens and locks it.
 */
int toll_lock_directory(const struct toll_io *io, const char *path, bool create, int *directory,
                        struct toll_error *error);
void toll_unlock_directory(const struct toll_io *io, int directory);
/* Replaces `name` in one step: name.tmp, fsync, rename over, fsync the directory. */
int toll_replace_file(const struct toll_io *io, int directory, const char *name, const void *data,
                      size_t bytes, struct toll_error *error);

/* Removes a directory tree below `directory` without following links. */
int toll_remove_tree(const struct toll_io *io, int directory, const char *name, struct toll_error *error);

#endif
