/*
 * A list that grows, and threads that take the next file of it. They are started one by one as files come,
 * and sleep when there are none.
 */
#include "io/sync.h"

#include "base/error.h"
#include "io/bulk.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 16                       /* which mostly wait for the device */
#define STACK_BYTES ((size_t)256 * 1024) /* enough for an error and its text */
#define PAGE_BYTES ((size_t)4096)
#define PIECE_BYTES ((size_t)8 << 20) /* of one write past the page cache; the kernel cuts it up */
#define RING_BYTES PIECE_BYTES        /* a file for which a ring is worth its while */
#define RING_PIECE_BYTES ((size_t)1 << 20)
/* Keeps the device busy, and leaves it to others: what they read meanwhile queues behind it. */
#define RING_IN_FLIGHT_BYTES (4 * RING_PIECE_BYTES)

struct entry {
    struct toll_sync_file file;
    char *name; /* owned */
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

/* ---- one file's data ---- */

/* What of a file goes past the page cache: whole pages, if they lie at a page. */
static size_t direct_bytes(const struct toll_sync_file *file)
{
    return file->direct > 0 && (uintptr_t)file->data % PAGE_BYTES == 0 ? file->bytes / PAGE_BYTES * PAGE_BYTES
                                                                       : 0;
}

/* Where there is no ring. How many bytes that was: what the file system would not take so goes the usual
 * way. */
static size_t write_direct(const struct toll_io *io, const struct toll_sync_file *file, size_t whole)
{
    size_t done = 0;
    while (done < whole) {
        const size_t bytes = whole - done < PIECE_BYTES ? whole - done : PIECE_BYTES;
        const ssize_t result =
            io->pwrite(io->context, file->direct, (const char *)file->data + done, bytes, (int64_t)done);
        if (result == -EINTR)
            continue;
        if (result <= 0 || (size_t)result % PAGE_BYTES != 0)
            break;
        done += (size_t)result;
    }
    return done;
}

/* NULL: there is none, or the file is not worth one. */
static struct toll_bulk *open_ring(const struct toll_io *io, const struct toll_sync_file *file)
{
    const struct toll_bulk_options options = {.ring = true,
                                              .in_flight_bytes = RING_IN_FLIGHT_BYTES,
                                              .piece_bytes = RING_PIECE_BYTES,
                                              .transfers = 1};
    struct toll_bulk *bulk;
    if (direct_bytes(file) < RING_BYTES || toll_bulk_open(&bulk, io, &options, NULL) != 0)
        return NULL;
    if (toll_bulk_has_ring(bulk))
        return bulk;
    toll_bulk_close(bulk);
    return NULL;
}

/* Piece by piece, while the ring (or NULL) writes. */
static void make_hash(const struct toll_sync_file *file, struct toll_bulk *bulk)
{
    struct toll_hash_state state;
    toll_hash_begin(&state);
    for (size_t at = 0; at < file->bytes; at += RING_PIECE_BYTES) {
        const size_t left = file->bytes - at, bytes = left < RING_PIECE_BYTES ? left : RING_PIECE_BYTES;
        (file->add != NULL ? file->add : toll_hash_add)(&state, (const char *)file->data + at, bytes);
        if (bulk != NULL)
            toll_bulk_push(bulk);
    }
    *file->hash = toll_hash_end(&state);
}

static int write_data(const struct toll_io *io, const struct entry *entry, struct toll_error *error)
{
    const struct toll_sync_file *file = &entry->file;
    struct toll_bulk *bulk = open_ring(io, file);
    size_t done = direct_bytes(file);
    int ticket = 0, rc = 0;
    if (bulk != NULL)
        ticket = toll_bulk_queue(bulk, &(struct toll_bulk_transfer){.path = entry->name,
                                                                    .fd = file->fd,
                                                                    .direct = file->direct,
                                                                    .write = true,
                                                                    .buffer = (void *)(uintptr_t)file->data,
                                                                    .bytes = done});
    if (file->hash != NULL)
        make_hash(file, bulk);
    if (bulk != NULL)
        rc = toll_bulk_wait(bulk, ticket, error);
    else
        done = write_direct(io, file, done);
    toll_bulk_close(bulk);
    return rc != 0 ? rc
                   : toll_write_at(io, file->fd, entry->name, (const char *)file->data + done,
                                   file->bytes - done, (int64_t)done, error);
}

/* ---- one file ---- */

static int failure(struct toll_error *error, const char *name, const char *what, int result)
{
    return toll_error_errno(error, TOLL_EIO, -result, "%s: cannot be %s", name, what);
}

static int bring(const struct toll_io *io, const struct entry *entry, struct toll_error *error)
{
    const struct toll_sync_file *file = &entry->file;
    int rc = file->data == NULL ? 0 : write_data(io, entry, error);
    int result = 0;
    if (file->direct > 0)
        io->close(io->context, file->direct);
    if (rc == 0) {
        do
            result = io->fsync(io->context, file->fd);
        while (result == -EINTR);
        if (result < 0)
            rc = failure(error, entry->name, "brought to disk (fsync)", result);
    }
    result = io->close(io->context, file->fd);
    if (rc == 0 && result < 0 && result != -EINTR)
        rc = failure(error, entry->name, "closed", result);
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
    const int rc = bring(syncs->io, &entry, &error);
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

int toll_syncs_add(struct toll_syncs *syncs, const struct toll_sync_file *file, struct toll_error *error)
{
    char *name = strdup(file->name);
    pthread_mutex_lock(&syncs->lock);
    const bool added = name != NULL && grow(syncs);
    if (added) {
        syncs->entries[syncs->count++] = (struct entry){*file, name};
        start_thread(syncs);
        pthread_cond_signal(&syncs->added);
    }
    pthread_mutex_unlock(&syncs->lock);
    if (added)
        return 0;
    const int rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", file->name);
    if (file->direct > 0)
        syncs->io->close(syncs->io->context, file->direct);
    syncs->io->close(syncs->io->context, file->fd);
    free(file->owned);
    free(name);
    return rc;
}

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
