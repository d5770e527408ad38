/* Files brought to disk by threads: all of them are written, synced and closed, the first failure in the
 * order of adding is told, whatever order the threads took, and the data that belong to the list are freed.
 */
#include "io/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FILES 100

static struct counted {
    atomic_int synced, closed, failing; /* failing: a descriptor whose fsync fails, or -1 */
    atomic_int failing_too;
} counted;

static int counting_fsync(void *context, int fd)
{
    (void)context;
    counted.synced++;
    return fd == counted.failing || fd == counted.failing_too ? -EIO : 0;
}

static int counting_close(void *context, int fd)
{
    (void)context;
    counted.closed++;
    return close(fd) < 0 ? -errno : 0;
}

static struct toll_io counting_io(void)
{
    struct toll_io io = *toll_io_system();
    io.fsync = counting_fsync;
    io.close = counting_close;
    counted.synced = counted.closed = 0;
    counted.failing = counted.failing_too = -1;
    return io;
}

static int new_file(char *path)
{
    strcpy(path, "/tmp/toll_syncs_XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    return fd;
}

static void writes_syncs_closes(void **state)
{
    struct toll_io io = counting_io();
    struct toll_syncs *syncs;
    struct toll_error error;
    static char paths[FILES][32];
    (void)state;
    assert_int_equal(toll_syncs_open(&syncs, &io, &error), 0);
    for (int round = 0; round < 2; round++) { /* once waited for, it begins anew */
        for (int i = 0; i < FILES; i++) {
            char *text = malloc(32);
            const int bytes = snprintf(text, 32, "file %d of round %d", i, round);
            const struct toll_sync_file file = {.fd = new_file(paths[i]),
                                                .name = paths[i],
                                                .data = text,
                                                .bytes = (size_t)bytes,
                                                .owned = text};
            assert_int_equal(toll_syncs_add(syncs, &file, &error), 0);
        }
        assert_int_equal(toll_syncs_wait(syncs, &error), 0);
        assert_int_equal(counted.synced, (round + 1) * FILES);
        assert_int_equal(counted.closed, (round + 1) * FILES);
        for (int i = 0; i < FILES; i++) {
            char expected[32], found[32] = "";
            snprintf(expected, sizeof expected, "file %d of round %d", i, round);
            FILE *file = fopen(paths[i], "r");
            assert_non_null(file);
            assert_non_null(fgets(found, sizeof found, file));
            fclose(file);
            assert_string_equal(found, expected);
            unlink(paths[i]);
        }
    }
    toll_syncs_close(syncs);
}

/* A file system that takes some pages past the cache and then no more: what it did not take goes the other
 * way. */
static int direct_fd, direct_writes, direct_room;

static ssize_t limited_pwrite(void *context, int fd, const void *buffer, size_t bytes, int64_t offset)
{
    (void)context;
    if (fd == direct_fd) {
        assert_int_equal((uintptr_t)buffer % 4096, 0);
        assert_int_equal(bytes % 4096, 0);
        if (direct_writes++ == direct_room)
            return -EINVAL;
        bytes = bytes < 2 * 4096 ? bytes : 2 * 4096;
    }
    const ssize_t done = pwrite(fd, buffer, bytes, offset);
    return done < 0 ? -errno : done;
}

static void writes_past_the_cache(void **state)
{
    enum { BYTES = 5 * 4096 + 7 };
    uint8_t *data = aligned_alloc(4096, 6 * 4096), *found = malloc(BYTES + 1);
    struct toll_io io = counting_io();
    struct toll_error error;
    (void)state;
    io.pwrite = limited_pwrite;
    for (int i = 0; i < 6 * 4096; i++)
        data[i] = (uint8_t)(i * 31 + i / 4096);
    for (direct_room = 0; direct_room < 4; direct_room++) {
        for (int shift = 0; shift < 2; shift++) { /* data that lie at no page are not tried */
            struct toll_hash128 hash;
            struct toll_syncs *syncs;
            char path[32];
            const int fd = new_file(path), kept = open(path, O_RDONLY);
            direct_writes = 0;
            direct_fd = open(path, O_WRONLY);
            assert_int_equal(toll_syncs_open(&syncs, &io, &error), 0);
            const struct toll_sync_file file = {.fd = fd,
                                                .direct = direct_fd,
                                                .name = "x",
                                                .data = data + shift,
                                                .bytes = BYTES,
                                                .hash = &hash};
            assert_int_equal(toll_syncs_add(syncs, &file, &error), 0);
            assert_int_equal(toll_syncs_wait(syncs, &error), 0);
            toll_syncs_close(syncs);
            assert_int_equal(counted.closed, 2);
            counted.closed = 0;
            assert_int_equal(direct_writes > 0, shift == 0);
            assert_int_equal(pread(kept, found, BYTES + 1, 0), BYTES);
            assert_memory_equal(found, data + shift, BYTES);
            assert_true(toll_hash_equal(hash, toll_hash(data + shift, BYTES)));
            close(kept);
            unlink(path);
        }
    }
    free(data);
    free(found);
}

/* Pieces in any order, the last of them no whole page; one that cannot be written is told, and the file is
 * closed all the same. */
static int piece_failing; /* whose write fails, or -1 */

static ssize_t piece_pwrite(void *context, int fd, const void *buffer, size_t bytes, int64_t offset)
{
    (void)context;
    if (piece_failing >= 0 && offset == (int64_t)piece_failing * 8192)
        return -ENOSPC;
    const ssize_t done = pwrite(fd, buffer, bytes, offset);
    return done < 0 ? -errno : done;
}

static void writes_pieces(void **state)
{
    enum { PIECES = 50, PIECE = 8192, BYTES = (PIECES - 1) * PIECE + 5000 };
    struct toll_io io = counting_io();
    struct toll_error error;
    uint8_t *wanted = malloc(BYTES), *found = malloc(BYTES + 1);
    (void)state;
    io.pwrite = piece_pwrite;
    for (int i = 0; i < BYTES; i++)
        wanted[i] = (uint8_t)(i * 7 + i / PIECE);
    for (piece_failing = -1; piece_failing < PIECES; piece_failing += 17) {
        struct toll_sync_stream *stream;
        struct toll_syncs *syncs;
        char path[32];
        const struct toll_sync_file file = {
            .fd = new_file(path), .direct = open(path, O_WRONLY), .name = "p"};
        const int kept = open(path, O_RDONLY);
        counted.synced = counted.closed = 0;
        assert_int_equal(toll_syncs_open(&syncs, &io, &error), 0);
        assert_int_equal(toll_syncs_stream(syncs, &file, PIECE, &stream, &error), 0);
        for (int i = 0; i < PIECES; i++) {
            const int k = i * 37 % PIECES, bytes = k == PIECES - 1 ? 5000 : PIECE;
            void *piece = toll_sync_piece(stream);
            assert_non_null(piece);
            memcpy(piece, wanted + k * PIECE, (size_t)bytes);
            assert_int_equal(toll_sync_put(stream, piece, (size_t)bytes, (int64_t)k * PIECE, &error), 0);
        }
        assert_int_equal(toll_sync_end(stream, &error), 0);
        assert_int_equal(toll_syncs_wait(syncs, &error), piece_failing < 0 ? 0 : TOLL_EIO);
        assert_true(piece_failing < 0 || strstr(error.text, "p: ") != NULL);
        assert_int_equal(counted.closed, 2);
        toll_syncs_close(syncs);
        if (piece_failing < 0) {
            assert_int_equal(counted.synced, 1);
            assert_int_equal(pread(kept, found, BYTES + 1, 0), BYTES);
            assert_memory_equal(found, wanted, BYTES);
        }
        close(kept);
        unlink(path);
    }
    free(wanted);
    free(found);
}

static void tells_the_first_failure(void **state)
{
    struct toll_io io = counting_io();
    struct toll_syncs *syncs;
    struct toll_error error;
    char path[32], name[32];
    int fds[FILES];
    (void)state;
    assert_int_equal(toll_syncs_open(&syncs, &io, &error), 0);
    for (int i = 0; i < FILES; i++) {
        fds[i] = new_file(path);
        unlink(path);
    }
    counted.failing = fds[70];
    counted.failing_too = fds[30];
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "lines/%d.arrow", i);
        assert_int_equal(toll_syncs_add(syncs, &(struct toll_sync_file){.fd = fds[i], .name = name}, &error),
                         0);
    }
    assert_int_equal(toll_syncs_wait(syncs, &error), TOLL_EIO);
    assert_non_null(strstr(error.text, "lines/30.arrow: cannot be brought to disk (fsync)"));
    assert_int_equal(counted.closed, FILES);
    assert_int_equal(toll_syncs_wait(syncs, &error), TOLL_EIO); /* it is not forgotten */
    toll_syncs_close(syncs);
}

static void closes_without_waiting(void **state)
{
    struct toll_io io = counting_io();
    struct toll_syncs *syncs;
    char path[32];
    (void)state;
    assert_int_equal(toll_syncs_open(&syncs, &io, NULL), 0);
    for (int i = 0; i < 5; i++) {
        const int fd = new_file(path);
        unlink(path);
        assert_int_equal(
            toll_syncs_add(syncs, &(struct toll_sync_file){.fd = fd, .name = "x", .owned = malloc(7)}, NULL),
            0);
    }
    toll_syncs_close(syncs);
    assert_int_equal(counted.closed, 5);
    toll_syncs_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_syncs_closes),    cmocka_unit_test(writes_past_the_cache),
        cmocka_unit_test(writes_pieces),          cmocka_unit_test(tells_the_first_failure),
        cmocka_unit_test(closes_without_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
