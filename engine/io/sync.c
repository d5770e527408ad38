/*
 * A list that grows, and threads that take the next file of it. They are started one by one as files come,
 * and sleep when there are none.
 */
#include "io/sync.h"

#include "base/error.h"
#include "base/large.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 16                       /* which mostly wait for the device */
#define STACK_BYTES ((size_t)256 * 1024) /* enough for an error and its text */
#define PAGE_BYTES ((size_t)4096)
/* Of one write past the page cache: what others read meanwhile waits behind it. */
#define PIECE_BYTES ((size_t)2 << 20)

struct entry {
    struct toll_sync_file file;
    char *name;                      /* owned */
    struct toll_sync_stream *stream; /* of a piece: file.data; or, without one, of a stream's end */
    int64_t offset;
};

/* A piece that nobody has. */
struct spare {
    struct spare *next;
};
struct toll_sync_stream {
    struct toll_syncs *syncs;
    int fd, direct;
    char *name;
    size_t piece_bytes;
    struct spare *spares; /* with the lock of the list, as what follows */
    size_t due;           /* pieces that are put and not written yet, and the end */
};

struct toll_syncs {
    const struct toll_io *io;
    pthread_mutex_t lock;
    pthread_cond_t added, finished;
    pthread_t threads[THREADS];
    unsigned thread_count, idle;
    bool stop;
    struct entry *entries;
    size_t count, capacity, next, done;
    size_t failed; /* the first that did, or SIZE_MAX */
    struct toll_error error;
    int rc;
};

/* ---- one file ---- */

static int failure(struct toll_error *error, const char *name, const char *what, int result)
{
    return toll_error_errno(error, TOLL_EIO, -result, "%s: cannot be %s", name, what);
}

/* Whole pages past the page cache, which costs no copy. How many bytes that was: the rest, and what the file
 * system would not take so, goes the usual way. */
static size_t write_direct(const struct toll_io *io, const struct entry *entry)
{
    const struct toll_sync_file *file = &entry->file;
    const size_t whole = file->bytes / PAGE_BYTES * PAGE_BYTES;
    size_t done = 0;
    if ((uintptr_t)file->data % PAGE_BYTES != 0 || entry->offset % (int64_t)PAGE_BYTES != 0)
        return 0;
    while (done < whole) {
        const size_t bytes = whole - done < PIECE_BYTES ? whole - done : PIECE_BYTES;
        const ssize_t result = io->pwrite(io->context, file->direct, (const char *)file->data + done, bytes,
                                          entry->offset + (int64_t)done);
        if (result == -EINTR)
            continue;
        if (result <= 0 || (size_t)result % PAGE_BYTES != 0)
            break;
        done += (size_t)result;
    }
    return done;
}

static int write_data(const struct toll_io *io, const struct entry *entry, struct toll_error *error)
{
    const struct toll_sync_file *file = &entry->file;
    size_t done = 0;
    if (file->data == NULL)
        return 0;
    if (file->direct > 0)
        done = write_direct(io, entry);
    return toll_write_at(io, file->fd, file->name, (const char *)file->data + done, file->bytes - done,
                         entry->offset + (int64_t)done, error);
}

/* rc: of what was written before. */
static int finish_file(const struct toll_io *io, int fd, int direct, const char *name, int rc,
                       struct toll_error *error)
{
    int result = 0;
    if (direct > 0)
        io->close(io->context, direct);
    if (rc == 0) {
        do
            result = io->fsync(io->context, fd);
        while (result == -EINTR);
        if (result < 0)
            rc = failure(error, name, "brought to disk (fsync)", result);
    }
    result = io->close(io->context, fd);
    if (rc == 0 && result < 0 && result != -EINTR)
        rc = failure(error, name, "closed", result);
    return rc;
}

static int bring(const struct toll_io *io, const struct entry *entry, struct toll_error *error)
{
    const struct toll_sync_file *file = &entry->file;
    const int rc = write_data(io, entry, error);
    if (file->hash != NULL) /* after it: the device should not wait */
        *file->hash = (file->kernel != NULL ? file->kernel : toll_hash)(file->data, file->bytes);
    return finish_file(io, file->fd, file->direct, file->name, rc, error);
}

static void give_back(struct toll_sync_stream *stream, void *piece)
{
    struct spare *spare = piece;
    spare->next = stream->spares;
    stream->spares = spare;
}

static void stream_free(struct toll_sync_stream *stream)
{
    while (stream->spares != NULL) {
        struct spare *next = stream->spares->next;
        free(stream->spares);
        stream->spares = next;
    }
    free(stream->name);
    free(stream);
}

/* A piece, or the end; whoever does the last of a stream ends it. */
static int bring_piece(struct toll_syncs *syncs, const struct entry *entry, struct toll_error *error)
{
    struct toll_sync_stream *stream = entry->stream;
    int rc = write_data(syncs->io, entry, error);
    pthread_mutex_lock(&syncs->lock);
    if (entry->file.owned != NULL)
        give_back(stream, entry->file.owned);
    const bool last = --stream->due == 0;
    pthread_mutex_unlock(&syncs->lock);
    if (last) {
        rc = finish_file(syncs->io, stream->fd, stream->direct, stream->name, rc, error);
        stream_free(stream);
    }
    return rc;
}

/* With the lock, which it gives back meanwhile. False: there is nothing to do. */
static bool do_next(struct toll_syncs *syncs)
{
    struct toll_error error;
    if (syncs->next == syncs->count)
        return false;
    const size_t index = syncs->next++;
    const struct entry entry = syncs->entries[index];
    pthread_mutex_unlock(&syncs->lock);
    const int rc =
        entry.stream != NULL ? bring_piece(syncs, &entry, &error) : bring(syncs->io, &entry, &error);
    if (entry.stream == NULL)
        free(entry.file.owned);
    free(entry.name);
    pthread_mutex_lock(&syncs->lock);
    if (rc != 0 && index < syncs->failed) {
        syncs->failed = index;
        syncs->rc = rc;
        syncs->error = error;
    }
    syncs->done++;
    if (syncs->done == syncs->count)
        pthread_cond_signal(&syncs->finished);
    return true;
}

static void *work(void *argument)
{
    struct toll_syncs *syncs = argument;
    pthread_mutex_lock(&syncs->lock);
    while (!syncs->stop) {
        if (do_next(syncs))
            continue;
        syncs->idle++;
        pthread_cond_wait(&syncs->added, &syncs->lock);
        syncs->idle--;
    }
    pthread_mutex_unlock(&syncs->lock);
    return NULL;
}

/* ---- the list ---- */

int toll_syncs_open(struct toll_syncs **out, const struct toll_io *io, struct toll_error *error)
{
    struct toll_syncs *syncs = *out = calloc(1, sizeof *syncs);
    if (syncs == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for writing files");
    syncs->io = io;
    syncs->failed = SIZE_MAX;
    pthread_mutex_init(&syncs->lock, NULL);
    pthread_cond_init(&syncs->added, NULL);
    pthread_cond_init(&syncs->finished, NULL);
    return 0;
}

/* One more, when there are more files than threads that wait for some. */
static void start_thread(struct toll_syncs *syncs)
{
    pthread_attr_t attributes;
    if (syncs->thread_count == THREADS || syncs->count - syncs->next <= syncs->idle)
        return;
    if (pthread_attr_init(&attributes) != 0)
        return;
    if (pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
        pthread_create(&syncs->threads[syncs->thread_count], &attributes, work, syncs) == 0)
        syncs->thread_count++;
    pthread_attr_destroy(&attributes);
}

static bool grow(struct toll_syncs *syncs)
{
    if (syncs->count < syncs->capacity)
        return true;
    const size_t capacity = syncs->capacity == 0 ? 64 : 2 * syncs->capacity;
    struct entry *entries = realloc(syncs->entries, capacity * sizeof *entries);
    if (entries == NULL)
        return false;
    syncs->entries = entries;
    syncs->capacity = capacity;
    return true;
}

/* With the lock. */
static bool add(struct toll_syncs *syncs, const struct entry *entry)
{
    if (!grow(syncs))
        return false;
    syncs->entries[syncs->count++] = *entry;
    start_thread(syncs);
    pthread_cond_signal(&syncs->added);
    return true;
}

int toll_syncs_add(struct toll_syncs *syncs, const struct toll_sync_file *file, struct toll_error *error)
{
    struct entry entry = {.file = *file, .name = strdup(file->name)};
    entry.file.name = entry.name;
    pthread_mutex_lock(&syncs->lock);
    const bool added = entry.name != NULL && add(syncs, &entry);
    pthread_mutex_unlock(&syncs->lock);
    if (added)
        return 0;
    const int rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", file->name);
    if (file->direct > 0)
        syncs->io->close(syncs->io->context, file->direct);
    syncs->io->close(syncs->io->context, file->fd);
    free(file->owned);
    free(entry.name);
    return rc;
}

/* ---- streams ---- */

int toll_syncs_stream(struct toll_syncs *syncs, const struct toll_sync_file *file, size_t piece_bytes,
                      struct toll_sync_stream **out, struct toll_error *error)
{
    struct toll_sync_stream *stream = *out = calloc(1, sizeof *stream);
    char *name = strdup(file->name);
    if (stream != NULL && name != NULL) {
        *stream = (struct toll_sync_stream){.syncs = syncs,
                                            .fd = file->fd,
                                            .direct = file->direct,
                                            .name = name,
                                            .piece_bytes = piece_bytes,
                                            .due = 1};
        return 0;
    }
    const int rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", file->name);
    if (file->direct > 0)
        syncs->io->close(syncs->io->context, file->direct);
    syncs->io->close(syncs->io->context, file->fd);
    free(stream);
    free(name);
    *out = NULL;
    return rc;
}

void *toll_sync_piece(struct toll_sync_stream *stream)
{
    pthread_mutex_lock(&stream->syncs->lock);
    struct spare *spare = stream->spares;
    if (spare != NULL)
        stream->spares = spare->next;
    pthread_mutex_unlock(&stream->syncs->lock);
    return spare != NULL ? (void *)spare : toll_large_alloc(stream->piece_bytes);
}

static int put(struct toll_sync_stream *stream, const struct entry *entry, struct toll_error *error)
{
    struct toll_syncs *syncs = stream->syncs;
    pthread_mutex_lock(&syncs->lock);
    stream->due += entry->file.owned != NULL;
    const bool added = add(syncs, entry);
    if (!added && entry->file.owned != NULL) {
        stream->due--;
        give_back(stream, entry->file.owned);
    }
    pthread_mutex_unlock(&syncs->lock);
    return added ? 0 : toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", entry->file.name);
}

int toll_sync_put(struct toll_sync_stream *stream, void *piece, size_t bytes, int64_t offset,
                  struct toll_error *error)
{
    const struct entry entry = {.file = {.fd = stream->fd,
                                         .direct = stream->direct,
                                         .name = stream->name,
                                         .data = piece,
                                         .bytes = bytes,
                                         .owned = piece},
                                .stream = stream,
                                .offset = offset};
    return put(stream, &entry, error);
}

/* Where the list has no room for it the pieces are waited for. */
int toll_sync_end(struct toll_sync_stream *stream, struct toll_error *error)
{
    struct toll_syncs *syncs = stream->syncs;
    const struct entry entry = {.file = {.name = stream->name}, .stream = stream};
    const int rc = put(stream, &entry, error);
    if (rc != 0) {
        toll_syncs_wait(syncs, NULL);
        bring_piece(syncs, &entry, NULL);
    }
    return rc;
}

/* ---- the end ---- */

static void finish(struct toll_syncs *syncs)
{
    while (syncs->done < syncs->count)
        if (!do_next(syncs))
            pthread_cond_wait(&syncs->finished, &syncs->lock);
}

int toll_syncs_wait(struct toll_syncs *syncs, struct toll_error *error)
{
    pthread_mutex_lock(&syncs->lock);
    finish(syncs);
    const int rc = syncs->rc;
    if (rc != 0 && error != NULL)
        *error = syncs->error;
    syncs->next = syncs->done = syncs->count = 0;
    if (rc != 0) /* what comes behind it changes nothing any more */
        syncs->failed = 0;
    pthread_mutex_unlock(&syncs->lock);
    return rc;
}

void toll_syncs_close(struct toll_syncs *syncs)
{
    if (syncs == NULL)
        return;
    pthread_mutex_lock(&syncs->lock);
    finish(syncs);
    syncs->stop = true;
    pthread_cond_broadcast(&syncs->added);
    pthread_mutex_unlock(&syncs->lock);
    for (unsigned i = 0; i < syncs->thread_count; i++)
        pthread_join(syncs->threads[i], NULL);
    pthread_cond_destroy(&syncs->added);
    pthread_cond_destroy(&syncs->finished);
    pthread_mutex_destroy(&syncs->lock);
    free(syncs->entries);
    free(syncs);
}
