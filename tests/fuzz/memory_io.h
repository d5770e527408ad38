/*
 * A file system of a few files in memory, as a struct toll_io: what reading a book, a spec and a time zone
 * needs, and nothing else. A call that is not here is a NULL pointer: a target that needs it fails at once.
 *
 * Files are named as they are opened: "book/plans.csv" is plans.csv below the folder "book". Europe/London
 * and America/New_York are there too, with the two switches of 2026 only, so that no target depends on the
 * machine's.
 */
#ifndef TOLL_TESTS_MEMORY_IO_H
#define TOLL_TESTS_MEMORY_IO_H

#include "base/check.h"
#include "io/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define MEMORY_FILES_MAX 64
#define MEMORY_FOLDER "book"
#define MEMORY_DIRECTORY 1000
#define MEMORY_DECKS 1001 /* the folder below it */
#define MEMORY_FIRST_FILE 2000

struct memory_file {
    const char *name;
    const void *data;
    size_t size;
};

struct memory_io {
    struct toll_io io;
    struct memory_file files[MEMORY_FILES_MAX];
    int count, open;
    bool listed;
};

/* A version 2 TZif file (RFC 8536) of winter and summer time in 2026, without a rule for other years: those
 * would be worked out for two centuries each time. */
#define MEMORY_ZEROS_15 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define MEMORY_TZIF(switches, winter, summer)                                                         \
    "TZif2" MEMORY_ZEROS_15 MEMORY_ZEROS_15 "\0\0\0\0\1\0\0\0\4\0\0\0\0\0\0LMT\0"                     \
    "TZif2" MEMORY_ZEROS_15 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\2\0\0\0\4" switches "\1\0" winter \
    "\0\0" summer "\1\0LMT\0\n\n"

static inline void memory_add(struct memory_io *memory, const char *name, const void *data, size_t size)
{
    for (int i = 0; i < memory->count; i++) {
        if (strcmp(memory->files[i].name, name) == 0) {
            memory->files[i] = (struct memory_file){name, data, size};
            return;
        }
    }
    TOLL_ASSERT(memory->count < MEMORY_FILES_MAX);
    memory->files[memory->count++] = (struct memory_file){name, data, size};
}

static inline void memory_add_text(struct memory_io *memory, const char *name, const char *text)
{
    memory_add(memory, name, text, strlen(text));
}

static inline int memory_openat(void *context, int directory, const char *path, int flags, mode_t mode)
{
    struct memory_io *memory = context;
    char full[512];

    (void)mode;
    TOLL_ASSERT((flags & O_ACCMODE) == O_RDONLY && directory < MEMORY_FIRST_FILE);
    if (strcmp(path, ".") == 0 || strcmp(path, MEMORY_FOLDER) == 0) {
        memory->listed = false;
        memory->open++;
        return MEMORY_DIRECTORY;
    }
    if ((size_t)snprintf(full, sizeof full, "%s%s", directory == MEMORY_DIRECTORY ? MEMORY_FOLDER "/" : "",
                         path) >= sizeof full)
        return -ENAMETOOLONG;
    for (int i = 0; i < memory->count; i++) {
        if (strcmp(memory->files[i].name, full) != 0)
            continue;
        if ((flags & O_DIRECTORY) != 0)
            return -ENOTDIR;
        memory->open++;
        return MEMORY_FIRST_FILE + i;
    }
    for (int i = 0; i < memory->count && strcmp(full, MEMORY_FOLDER "/decks") == 0; i++) {
        if (strncmp(memory->files[i].name, MEMORY_FOLDER "/decks/", 11) != 0)
            continue;
        memory->listed = false;
        memory->open++;
        return MEMORY_DECKS;
    }
    return -ENOENT;
}

static inline int memory_close(void *context, int fd)
{
    struct memory_io *memory = context;
    TOLL_ASSERT(fd >= MEMORY_DIRECTORY && memory->open > 0);
    memory->open--;
    return 0;
}

static inline int memory_fstat(void *context, int fd, struct stat *out)
{
    const struct memory_io *memory = context;
    memset(out, 0, sizeof *out);
    TOLL_ASSERT(fd >= MEMORY_FIRST_FILE && fd < MEMORY_FIRST_FILE + memory->count);
    out->st_mode = S_IFREG | 0640;
    out->st_size = (off_t)memory->files[fd - MEMORY_FIRST_FILE].size;
    return 0;
}

/* A folder is what some file's name goes on behind. */
static inline int memory_fstatat(void *context, int directory, const char *path, struct stat *out, int flags)
{
    const struct memory_io *memory = context;
    char full[512];
    (void)flags;
    const int length =
        snprintf(full, sizeof full, "%s%s", directory == MEMORY_DIRECTORY ? MEMORY_FOLDER "/" : "", path);
    if ((size_t)length >= sizeof full)
        return -ENAMETOOLONG;
    const size_t bytes = (size_t)length;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < memory->count; i++) {
        const char *name = memory->files[i].name;
        if (strncmp(name, full, bytes) != 0 || (name[bytes] != 0 && name[bytes] != '/'))
            continue;
        out->st_mode = name[bytes] == 0 ? S_IFREG | 0640 : S_IFDIR | 0750;
        out->st_size = name[bytes] == 0 ? (off_t)memory->files[i].size : 0;
        return 0;
    }
    return -ENOENT;
}

static inline ssize_t memory_pread(void *context, int fd, void *buffer, size_t bytes, int64_t offset)
{
    const struct memory_io *memory = context;
    TOLL_ASSERT(fd >= MEMORY_FIRST_FILE && fd < MEMORY_FIRST_FILE + memory->count && offset >= 0);
    const struct memory_file *file = &memory->files[fd - MEMORY_FIRST_FILE];
    const size_t left = (size_t)offset < file->size ? file->size - (size_t)offset : 0;
    const size_t got = bytes < left ? bytes : left;
    if (got > 0)
        memcpy(buffer, (const char *)file->data + offset, got);
    return (ssize_t)got;
}

static inline int memory_map(void *context, int fd, size_t bytes, void **out)
{
    const struct memory_io *memory = context;
    TOLL_ASSERT(fd >= MEMORY_FIRST_FILE && fd < MEMORY_FIRST_FILE + memory->count);
    TOLL_ASSERT(bytes == memory->files[fd - MEMORY_FIRST_FILE].size);
    *out = (void *)(uintptr_t)memory->files[fd - MEMORY_FIRST_FILE].data;
    return 0;
}

static inline int memory_unmap(void *context, void *address, size_t bytes)
{
    (void)context, (void)address, (void)bytes;
    return 0;
}

static inline size_t memory_list(char *buffer, size_t at, size_t room, const char *name, size_t bytes)
{
    const size_t record = (offsetof(struct dirent64, d_name) + bytes + 8) / 8 * 8;
    TOLL_ASSERT(at + record <= room && bytes < 256);
    struct dirent64 *entry = (void *)(buffer + at);
    memset(entry, 0, record);
    entry->d_reclen = (unsigned short)record;
    memcpy(entry->d_name, name, bytes);
    return record;
}

/* The files right below a folder. */
static inline int memory_getdents(void *context, int fd, void *buffer, size_t bytes)
{
    struct memory_io *memory = context;
    size_t at = 0;

    const char *folder = fd == MEMORY_DECKS ? MEMORY_FOLDER "/decks/" : MEMORY_FOLDER "/";
    const size_t skip = strlen(folder);

    TOLL_ASSERT(fd == MEMORY_DIRECTORY || fd == MEMORY_DECKS);
    if (memory->listed)
        return 0;
    memory->listed = true;
    for (int i = 0; i < memory->count; i++) {
        const char *name = memory->files[i].name;
        if (strncmp(name, folder, skip) == 0 && strchr(name + skip, '/') == NULL)
            at += memory_list(buffer, at, bytes, name + skip, strlen(name + skip));
    }
    return (int)at;
}

static inline void memory_io_init(struct memory_io *memory)
{
    static const char london[] =
        MEMORY_TZIF("\000\000\000\000\151\310\171\220\000\000\000\000\152\335\124\220", "\000\000\000\000",
                    "\000\000\016\020");
    static const char new_york[] =
        MEMORY_TZIF("\000\000\000\000\151\255\036\160\000\000\000\000\152\346\325\140", "\377\377\271\260",
                    "\377\377\307\300");

    memset(memory, 0, sizeof *memory);
    memory->io = (struct toll_io){.context = memory,
                                  .openat = memory_openat,
                                  .close = memory_close,
                                  .pread = memory_pread,
                                  .fstat = memory_fstat,
                                  .fstatat = memory_fstatat,
                                  .getdents = memory_getdents,
                                  .map = memory_map,
                                  .unmap = memory_unmap};
    memory_add(memory, "/usr/share/zoneinfo/Europe/London", london, sizeof london - 1);
    memory_add(memory, "/usr/share/zoneinfo/America/New_York", new_york, sizeof new_york - 1);
}

#endif
