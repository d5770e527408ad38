/* Bulk transfers: by the system's ring, by a ring that answers in any order and wrongly, and without one. */
#include "io/bulk.h"

#include "fake_ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FILE_BYTES (TRANSFERS * ROOM)
#define TRANSFERS 12
#define ROOM ((size_t)96 << 10) /* of a transfer */
#define KIB ((size_t)1 << 10)

struct file {
    int fd, direct;
    char path[64];
};

/* Bytes that tell where they belong. */
static uint8_t byte_at(uint64_t offset, unsigned version)
{
    return (uint8_t)((offset * 0x9e3779b97f4a7c15u) >> 56) ^ (uint8_t)(version * 73);
}

static void open_file(struct file *file, size_t bytes)
{
    snprintf(file->path, sizeof file->path, "/tmp/tollmill_bulk_XXXXXX");
    file->fd = mkstemp(file->path);
    assert_true(file->fd >= 0);
    file->direct = open(file->path, O_RDWR | O_DIRECT | O_CLOEXEC);
    uint8_t *data = malloc(bytes + 1);
    assert_non_null(data);
    for (size_t i = 0; i < bytes; i++)
        data[i] = byte_at(i, 0);
    assert_int_equal(pwrite(file->fd, data, bytes, 0), bytes);
    free(data);
}

static void close_file(struct file *file)
{
    close(file->fd);
    if (file->direct >= 0)
        close(file->direct);
    unlink(file->path);
}

static struct toll_bulk *open_bulk(const struct toll_io *io, bool ring, size_t in_flight, size_t piece,
                                   uint8_t *registered)
{
    const struct iovec buffers = {registered, TRANSFERS * ROOM};
    const struct toll_bulk_options options = {.ring = ring,
                                              .in_flight_bytes = in_flight,
                                              .piece_bytes = piece,
                                              .transfers = TRANSFERS,
                                              .buffers = &buffers,
                                              .buffer_count = registered == NULL ? 0 : 1};
    struct toll_bulk *bulk;
    assert_int_equal(toll_bulk_open(&bulk, io, &options, NULL), 0);
    return bulk;
}

static uint8_t *new_buffer(void)
{
    uint8_t *buffer = aligned_alloc(TOLL_BULK_ALIGNMENT, TRANSFERS * ROOM);
    assert_non_null(buffer);
    memset(buffer, 0, TRANSFERS * ROOM);
    return buffer;
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/*
 * Rounds of transfers to places of their own, reads and writes mixed, waited for in another order. What a
 * read must give is known from who wrote last.
 */
static int64_t transfer_at_random(struct toll_bulk *bulk, const struct file *file, uint8_t *buffer,
                                  uint32_t seed)
{
    uint8_t *versions = calloc(FILE_BYTES / ROOM + 1, 1);
    int64_t moved = 0;
    assert_non_null(versions);
    for (unsigned round = 1; round < 6; round++) {
        struct toll_bulk_transfer what[TRANSFERS];
        int tickets[TRANSFERS];
        const unsigned shift = next_random(&seed) % TRANSFERS;
        for (unsigned i = 0; i < TRANSFERS; i++) {
            const bool aligned = next_random(&seed) % 2 == 0, write = next_random(&seed) % 2 == 0;
            size_t at = next_random(&seed) % (ROOM / 2), bytes = next_random(&seed) % (ROOM / 2);
            if (write) /* whole places, so that each has one version */
                at = 0, bytes = ROOM;
            else if (aligned)
                at &= ~(size_t)4095, bytes &= ~(size_t)4095;
            what[i] = (struct toll_bulk_transfer){.path = file->path,
                                                  .fd = file->fd,
                                                  .direct = file->direct,
                                                  .write = write,
                                                  .at_once = next_random(&seed) % 8 == 0,
                                                  .buffer = buffer + i * ROOM,
                                                  .bytes = bytes,
                                                  .offset = (int64_t)(i * ROOM + at)};
            if (write) {
                versions[i] = (uint8_t)round;
                for (size_t k = 0; k < ROOM; k++)
                    buffer[i * ROOM + k] = byte_at(i * ROOM + k, round);
            }
            tickets[i] = toll_bulk_queue(bulk, &what[i]);
            moved += (int64_t)bytes;
            if (next_random(&seed) % 4 == 0)
                toll_bulk_push(bulk);
        }
        for (unsigned k = 0; k < TRANSFERS; k++) {
            const unsigned i = (k * 5 + shift) % TRANSFERS;
            struct toll_error error = {0};
            if (toll_bulk_wait(bulk, tickets[i], &error) != 0)
                fail_msg("%s", error.text);
            for (size_t b = 0; b < what[i].bytes; b++)
                if (buffer[i * ROOM + b] != byte_at((uint64_t)what[i].offset + b, versions[i]))
                    fail_msg("round %u, transfer %u, byte %zu is wrong", round, i, b);
        }
    }
    free(versions);
    return moved;
}

static int64_t counted(const struct toll_bulk *bulk)
{
    const struct toll_bulk_counts *counts = toll_bulk_counts(bulk);
    return counts->read_pread + counts->read_ring + counts->written_pwrite + counts->written_ring;
}

static void at_random_by(const struct toll_io *io, bool ring, bool must_use_it)
{
    static const size_t limits[] = {4096, 100 * KIB, 1 << 20, 0}, pieces[] = {4096, 64 * KIB, 0};
    uint8_t *buffer = new_buffer();
    for (size_t l = 0; l < COUNT(limits); l++)
        for (size_t p = 0; p < COUNT(pieces); p++) {
            struct file file;
            open_file(&file, FILE_BYTES);
            struct toll_bulk *bulk =
                open_bulk(io, ring, limits[l], pieces[p], (l + p) % 2 == 0 ? buffer : NULL);
            assert_int_equal(toll_bulk_has_ring(bulk), must_use_it);
            const int64_t moved = transfer_at_random(bulk, &file, buffer, (uint32_t)(l * 10 + p));
            assert_int_equal(counted(bulk), moved);
            assert_int_equal(toll_bulk_counts(bulk)->read_ring > 0, must_use_it);
            assert_int_equal(toll_bulk_counts(bulk)->written_ring > 0, must_use_it);
            toll_bulk_close(bulk);
            close_file(&file);
        }
    free(buffer);
}

static bool system_has_ring(void)
{
    struct toll_ring *ring;
    const struct toll_io *io = toll_io_system();
    const int result = io->ring_open(io->context, 8, &ring);
    if (result == 0)
        io->ring_close(io->context, ring);
    else
        print_message("not tested with io_uring, which the system refuses: %s\n", strerror(-result));
    return result == 0;
}

static void moves_what_it_shall_by_every_way(void **state)
{
    struct fake_ring fake;
    (void)state;
    at_random_by(toll_io_system(), false, false);
    fake_ring_init(&fake);
    at_random_by(&fake.io, true, true);
    fake.is_short = true;
    fake.takes = 1;
    at_random_by(&fake.io, true, true);
    assert_int_equal(fake.opened, fake.closed);
    if (system_has_ring())
        at_random_by(toll_io_system(), true, true);
}

static void keeps_its_limit(void **state)
{
    uint8_t *buffer = new_buffer();
    struct fake_ring fake;
    struct file file;
    (void)state;
    open_file(&file, FILE_BYTES);
    fake_ring_init(&fake);
    struct toll_bulk *bulk = open_bulk(&fake.io, true, 80 * KIB, 32 * KIB, NULL);
    transfer_at_random(bulk, &file, buffer, 1);
    toll_bulk_close(bulk);
    assert_true(fake.most_bytes <= (int64_t)(80 * KIB));
    assert_true(fake.most_bytes > (int64_t)(32 * KIB));
    close_file(&file);
    free(buffer);
}

static int read_one(struct toll_bulk *bulk, const struct file *file, uint8_t *buffer, size_t bytes,
                    int64_t offset, struct toll_error *error)
{
    const struct toll_bulk_transfer what = {.path = file->path,
                                            .fd = file->fd,
                                            .direct = file->direct,
                                            .buffer = buffer,
                                            .bytes = bytes,
                                            .offset = offset};
    *error = (struct toll_error){0};
    return toll_bulk_wait(bulk, toll_bulk_queue(bulk, &what), error);
}

/* The end of a file is told alike, byte and all, wherever it falls. */
static void knows_the_end_of_a_file(void **state)
{
    static const size_t sizes[] = {0, 1, 511, 4095, 4096, 4097, 10000, 65536, 65537};
    struct fake_ring fake;
    uint8_t *buffer = new_buffer();
    (void)state;
    fake_ring_init(&fake);
    const struct toll_io *tables[] = {&fake.io, toll_io_system()};
    for (size_t s = 0; s < COUNT(sizes); s++)
        for (unsigned t = 0; t < 2; t++)
            for (unsigned ring = 0; ring < 2; ring++) {
                struct file file;
                struct toll_error error;
                char text[200];
                open_file(&file, sizes[s]);
                struct toll_bulk *bulk = open_bulk(tables[t], ring == 1, 0, 8 * KIB, NULL);
                assert_int_equal(read_one(bulk, &file, buffer, sizes[s], 0, &error), 0);
                for (size_t i = 0; i < sizes[s]; i++)
                    assert_int_equal(buffer[i], byte_at(i, 0));
                assert_int_equal(read_one(bulk, &file, buffer, 0, 1 << 20, &error), 0);
                snprintf(text, sizeof text, "%s: ends at byte %zu where more was expected", file.path,
                         sizes[s]);
                assert_int_equal(read_one(bulk, &file, buffer, sizes[s] + 1, 0, &error), TOLL_EDATA);
                assert_memory_equal(error.text, text, strlen(text));
                const size_t padded = (sizes[s] / 4096 + 1) * 4096; /* by O_DIRECT */
                assert_int_equal(read_one(bulk, &file, buffer, padded, 0, &error), TOLL_EDATA);
                assert_memory_equal(error.text, text, strlen(text));
                toll_bulk_close(bulk);
                close_file(&file);
            }
    free(buffer);
}

/* A ring that is not given is no error, and pread and pwrite do the work. */
static void does_without_a_ring(void **state)
{
    static const int refusals[] = {-ENOSYS, -EPERM, -ENOMEM, -EMFILE};
    uint8_t *buffer = new_buffer();
    (void)state;
    for (size_t i = 0; i < COUNT(refusals); i++) {
        struct fake_ring fake;
        struct file file;
        fake_ring_init(&fake);
        fake.open_error = refusals[i];
        open_file(&file, FILE_BYTES);
        struct toll_bulk *bulk = open_bulk(&fake.io, true, 0, 0, buffer);
        assert_false(toll_bulk_has_ring(bulk));
        assert_non_null(strstr(toll_bulk_refusal(bulk), strerror(-refusals[i])));
        transfer_at_random(bulk, &file, buffer, 7);
        assert_int_equal(toll_bulk_counts(bulk)->read_ring + toll_bulk_counts(bulk)->written_ring, 0);
        toll_bulk_close(bulk);
        close_file(&file);
    }
    free(buffer);
}

/* Each of these is the ring's own trouble: the bytes arrive all the same. */
static void survives_a_bad_ring(void **state)
{
    static const struct {
        int submit_error, submit_from, submit_to, wait_error, wait_from, answer_error, answer_from, answer_to;
        int direct_error, register_error;
        bool writes, lies, gone;
    } troubles[] = {
        {.submit_error = -EBUSY, .submit_from = 3, .submit_to = 12},
        {.submit_error = -EINTR, .submit_from = 1, .submit_to = 8},
        {.submit_error = -EAGAIN, .gone = true},
        {.submit_error = -EPERM, .submit_from = 20, .submit_to = 21, .gone = true},
        {.wait_error = -EIO, .gone = true},
        {.wait_error = -ENOMEM, .wait_from = 17, .gone = true},
        {.answer_error = -EAGAIN, .answer_from = 5, .answer_to = 25},
        {.answer_error = -EAGAIN},
        {.answer_error = -EINTR, .lies = true},
        {.answer_error = -EINVAL, .writes = true},
        {.answer_error = -EOPNOTSUPP, .answer_from = 9, .lies = true},
        {.direct_error = -EINVAL},
        {.direct_error = -EOPNOTSUPP},
        {.register_error = -ENOMEM},
    };
    uint8_t *buffer = new_buffer();
    (void)state;
    for (size_t i = 0; i < COUNT(troubles); i++) {
        struct fake_ring fake;
        struct file file;
        fake_ring_init(&fake);
        fake.submit_error = troubles[i].submit_error;
        fake.submit_from = troubles[i].submit_from;
        fake.submit_to = troubles[i].submit_to;
        fake.wait_error = troubles[i].wait_error;
        fake.wait_from = troubles[i].wait_from;
        fake.answer_error = troubles[i].answer_error;
        fake.answer_from = troubles[i].answer_from;
        fake.answer_to = troubles[i].answer_to;
        fake.direct_error = troubles[i].direct_error;
        fake.register_error = troubles[i].register_error;
        fake.only_writes = troubles[i].writes;
        fake.tell_lies = troubles[i].lies;
        open_file(&file, FILE_BYTES);
        struct toll_bulk *bulk = open_bulk(&fake.io, true, 200 * KIB, 64 * KIB, buffer);
        transfer_at_random(bulk, &file, buffer, (uint32_t)i);
        assert_int_equal(toll_bulk_has_ring(bulk), !troubles[i].gone);
        assert_int_equal(toll_bulk_refusal(bulk)[0] != '\0', troubles[i].gone);
        toll_bulk_close(bulk);
        assert_int_equal(fake.opened, fake.closed);
        close_file(&file);
    }
    free(buffer);
}

/* An error of the device is that of one transfer; the others do not suffer. */
static void tells_whose_error_it_is(void **state)
{
    static const int errors[] = {-EIO, -ENOSPC, -EBADF};
    uint8_t *buffer = new_buffer();
    (void)state;
    for (unsigned e = 0; e < 2 * COUNT(errors); e++) {
        const bool write = e % 2 == 1;
        struct fake_ring fake;
        struct file file;
        int tickets[4], failed = 0;
        fake_ring_init(&fake);
        fake.answer_error = errors[e / 2];
        fake.only_writes = write;
        fake.answer_from = 5;
        fake.answer_to = 6;
        open_file(&file, FILE_BYTES);
        struct toll_bulk *bulk = open_bulk(&fake.io, true, 0, 16 * KIB, NULL);
        for (unsigned i = 0; i < 4; i++)
            tickets[i] = toll_bulk_queue(bulk, &(struct toll_bulk_transfer){.path = file.path,
                                                                            .fd = file.fd,
                                                                            .direct = -1,
                                                                            .write = write,
                                                                            .buffer = buffer + i * ROOM,
                                                                            .bytes = ROOM,
                                                                            .offset = (int64_t)(i * ROOM)});
        for (unsigned i = 0; i < 4; i++) {
            struct toll_error error = {0};
            const int rc = toll_bulk_wait(bulk, tickets[i], &error);
            if (rc == 0)
                continue;
            failed++;
            assert_int_equal(rc, TOLL_EIO);
            assert_memory_equal(error.text, file.path, strlen(file.path));
            assert_non_null(strstr(error.text, write ? "cannot write" : "cannot read at byte "));
            assert_non_null(strstr(error.text, strerror(-errors[e / 2])));
        }
        assert_int_equal(failed, 1);
        struct toll_error error;
        assert_int_equal(read_one(bulk, &file, buffer, ROOM, 0, &error), 0); /* and it goes on */
        toll_bulk_close(bulk);
        close_file(&file);
    }
    free(buffer);
}

/* Nothing is under way behind a drain or a close: this ring does its work no earlier than when it must. */
static void outlives_no_buffer(void **state)
{
    struct toll_error error;
    (void)state;
    for (unsigned way = 0; way < 3; way++) {
        struct fake_ring fake;
        struct file file;
        uint8_t *buffer = new_buffer();
        fake_ring_init(&fake);
        open_file(&file, FILE_BYTES);
        struct toll_bulk *bulk = open_bulk(&fake.io, true, 100 * KIB, 16 * KIB, buffer);
        for (unsigned i = 0; i < TRANSFERS; i++)
            toll_bulk_queue(bulk, &(struct toll_bulk_transfer){.path = file.path,
                                                               .fd = file.fd,
                                                               .direct = file.direct,
                                                               .buffer = buffer + i * ROOM,
                                                               .bytes = ROOM,
                                                               .offset = (int64_t)(i * ROOM)});
        if (way == 1)
            fake.wait_error = -EIO; /* for ever: the ring has to be closed to be rid of it */
        if (way < 2) {
            toll_bulk_drain(bulk);
            free(buffer); /* whoever still wrote to it would be caught by the sanitizer */
            buffer = new_buffer();
            assert_int_equal(read_one(bulk, &file, buffer, ROOM, 4096, &error), 0);
            assert_int_equal(buffer[77], byte_at(4096 + 77, 0));
        }
        toll_bulk_close(bulk);
        assert_int_equal(fake.opened, fake.closed);
        free(buffer);
        close_file(&file);
    }
}

/* The system's ring is closed only after the kernel has written its last byte. */
static void closes_the_systems_ring_late(void **state)
{
    uint8_t *buffer = new_buffer();
    struct file file;
    (void)state;
    if (!system_has_ring())
        skip();
    open_file(&file, FILE_BYTES);
    for (unsigned round = 0; round < 10; round++) {
        struct toll_bulk *bulk = open_bulk(toll_io_system(), true, FILE_BYTES, 64 * KIB, buffer);
        for (unsigned i = 0; i < TRANSFERS; i++)
            toll_bulk_queue(bulk, &(struct toll_bulk_transfer){.path = file.path,
                                                               .fd = file.fd,
                                                               .direct = file.direct,
                                                               .buffer = buffer + i * ROOM,
                                                               .bytes = ROOM,
                                                               .offset = (int64_t)(i * ROOM)});
        toll_bulk_close(bulk);
        for (size_t i = 0; i < TRANSFERS * ROOM; i++)
            if (buffer[i] != byte_at(i, 0))
                fail_msg("round %u: byte %zu had not come when the ring was closed", round, i);
        memset(buffer, 0, TRANSFERS * ROOM);
    }
    close_file(&file);
    free(buffer);
}

static void knows_what_is_resident(void **state)
{
    const struct toll_io *io = toll_io_system();
    struct file file;
    (void)state;
    open_file(&file, FILE_BYTES);
    assert_int_equal(io->resident(io->context, file.fd, FILE_BYTES), 100);
    assert_int_equal(io->resident(io->context, file.fd, 0), 100);
    assert_int_equal(fsync(file.fd), 0);
    posix_fadvise(file.fd, 0, 0, POSIX_FADV_DONTNEED);
    const int percent = io->resident(io->context, file.fd, FILE_BYTES); /* tmpfs keeps it all */
    assert_true(percent == 0 || percent == 100);
    assert_true(io->resident(io->context, -1, FILE_BYTES) < 0);
    close_file(&file);
}

/* What would be a SIGBUS is an answer. */
static void populates_what_is_there(void **state)
{
    struct toll_error error = {0};
    struct toll_file mapped;
    struct file file;
    char text[100];
    (void)state;
    open_file(&file, 5 * 4096);
    assert_int_equal(toll_file_open(&mapped, toll_io_system(), AT_FDCWD, file.path, TOLL_READ_MMAP, NULL), 0);
    assert_int_equal(toll_file_populate(&mapped, 5 * 4096, 0, &error), 0);
    assert_int_equal(ftruncate(file.fd, 2 * 4096), 0);
    assert_int_equal(toll_file_populate(&mapped, 2 * 4096, 0, &error), 0);
    const int rc = toll_file_populate(&mapped, 2 * 4096, 4096, &error);
    if (rc == 0) {
        print_message("not tested: this kernel has no MADV_POPULATE_READ\n");
    } else {
        assert_int_equal(rc, TOLL_EDATA);
        snprintf(text, sizeof text, "%s: ends at byte 8192", file.path);
        assert_memory_equal(error.text, text, strlen(text));
    }
    toll_file_close(&mapped);
    close_file(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_what_it_shall_by_every_way),
        cmocka_unit_test(keeps_its_limit),
        cmocka_unit_test(knows_the_end_of_a_file),
        cmocka_unit_test(does_without_a_ring),
        cmocka_unit_test(survives_a_bad_ring),
        cmocka_unit_test(tells_whose_error_it_is),
        cmocka_unit_test(outlives_no_buffer),
        cmocka_unit_test(closes_the_systems_ring_late),
        cmocka_unit_test(knows_what_is_resident),
        cmocka_unit_test(populates_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
