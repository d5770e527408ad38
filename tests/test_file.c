/* Files in and out, with a system whose answers are short, interrupted or wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the headers it needs */
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"
#include "io/publish.h"

struct folder {
    char path[64];
    int fd;
};

static int setup(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);

    assert_non_null(folder);
    strcpy(folder->path, "/tmp/tollmill_file_XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder->fd >= 0);
    *state = folder;
    return 0;
}

static int teardown(void **state)
{
    struct folder *folder = *state;

    close(folder->fd);
    assert_int_equal(toll_remove_tree(toll_io_system(), AT_FDCWD, folder->path, NULL), 0);
    free(folder);
    return 0;
}

/* The system, except that every other read or write is interrupted and each moves at most three bytes. */
struct faults {
    int calls;
    int error; /* answered instead from call `fail_from` on, when negative */
    int fail_from;
};

static int disturbed(struct faults *faults)
{
    int call = faults->calls++;

    if (faults->error < 0 && call >= faults->fail_from)
        return faults->error;
    return call % 2 == 0 ? -EINTR : 0;
}

static ssize_t short_pread(void *context, int fd, void *buffer, size_t bytes, int64_t offset)
{
    int answer = disturbed(context);

    return answer < 0 ? answer : pread(fd, buffer, bytes < 3 ? bytes : 3, offset);
}

static ssize_t short_pwrite(void *context, int fd, const void *buffer, size_t bytes, int64_t offset)
{
    int answer = disturbed(context);

    return answer < 0 ? answer : pwrite(fd, buffer, bytes < 3 ? bytes : 3, offset);
}

static int disturbed_fsync(void *context, int fd)
{
    int answer = disturbed(context);

    return answer < 0 ? answer : fsync(fd);
}

static struct toll_io faulty(struct faults *faults)
{
    struct toll_io io = *toll_io_system();

    io.context = faults;
    io.pread = short_pread;
    io.pwrite = short_pwrite;
    io.fsync = disturbed_fsync;
    return io;
}

static void writes_and_reads_back(void **state)
{
    const struct folder *folder = *state;
    const struct toll_io *io = toll_io_system();
    struct toll_blob blob;
    struct stat status;

    assert_int_equal(toll_write_file(io, folder->fd, "lines", "hello, biller", 13, NULL), 0);
    assert_int_equal(fstatat(folder->fd, "lines", &status, 0), 0);
    assert_int_equal(status.st_mode & 0777 & ~0640, 0);
    for (int how = TOLL_READ_MMAP; how <= TOLL_READ_PREAD; how++) {
        assert_int_equal(toll_blob_read(&blob, io, folder->fd, "lines", (enum toll_read_path)how, NULL), 0);
        assert_int_equal(blob.size, 13);
        assert_memory_equal(blob.data, "hello, biller", 13);
        assert_true((blob.owned != NULL) == (how == TOLL_READ_PREAD));
        if (how == TOLL_READ_PREAD)
            assert_int_equal(blob.data[13], 0);
        toll_blob_free(&blob);
        toll_blob_free(&blob);
    }
}

static void reads_an_empty_file(void **state)
{
    const struct folder *folder = *state;
    struct toll_blob blob;

    assert_int_equal(toll_write_file(toll_io_system(), folder->fd, "empty", NULL, 0, NULL), 0);
    for (int how = TOLL_READ_MMAP; how <= TOLL_READ_PREAD; how++) {
        assert_int_equal(
            toll_blob_read(&blob, toll_io_system(), folder->fd, "empty", (enum toll_read_path)how, NULL), 0);
        assert_int_equal(blob.size, 0);
        assert_non_null(blob.data);
        toll_blob_free(&blob);
    }
}

static void reads_exact_pieces(void **state)
{
    const struct folder *folder = *state;
    struct toll_error error;
    struct toll_file file;
    char buffer[8];

    assert_int_equal(toll_write_file(toll_io_system(), folder->fd, "piece", "0123456789", 10, NULL), 0);
    assert_int_equal(toll_file_open(&file, toll_io_system(), folder->fd, "piece", TOLL_READ_PREAD, NULL), 0);
    assert_int_equal(file.size, 10);
    assert_null(file.bytes);
    assert_string_equal(file.path, "piece");
    assert_int_equal(toll_file_read(&file, buffer, 4, 6, &error), 0);
    assert_memory_equal(buffer, "6789", 4);
    assert_int_equal(toll_file_read(&file, buffer, 0, 10, &error), 0);
    assert_int_equal(toll_file_read(&file, buffer, 4, 7, &error), TOLL_EDATA);
    assert_int_equal(error.code, TOLL_EDATA);
    assert_non_null(strstr(error.text, "piece"));
    toll_file_close(&file);
    toll_file_close(&file);
}

static void survives_short_and_interrupted_calls(void **state)
{
    const struct folder *folder = *state;
    struct faults faults = {0, 0, 0};
    const struct toll_io io = faulty(&faults);
    struct toll_blob blob;

    assert_int_equal(toll_write_file(&io, folder->fd, "slow", "The quick brown fox", 19, NULL), 0);
    assert_true(faults.calls > 2 * 19 / 3);
    assert_int_equal(toll_blob_read(&blob, &io, folder->fd, "slow", TOLL_READ_PREAD, NULL), 0);
    assert_string_equal(blob.data, "The quick brown fox");
    toll_blob_free(&blob);
}

static void tells_what_failed(void **state)
{
    const struct folder *folder = *state;
    struct toll_error error;
    struct toll_blob blob;

    /* Full on the third call, in the middle of the file; nothing half written stays. */
    {
        struct faults faults = {0, -ENOSPC, 3};
        const struct toll_io io = faulty(&faults);

        assert_int_equal(toll_write_file(&io, folder->fd, "full", "The quick brown fox", 19, &error),
                         TOLL_EIO);
        assert_non_null(strstr(error.text, "full"));
        assert_non_null(strstr(error.text, "free some space"));
        assert_non_null(strstr(error.text, strerror(ENOSPC)));
        assert_int_equal(faccessat(folder->fd, "full", F_OK, 0), -1);
    }
    /* Every call in turn fails, the fsync among them. */
    for (int call = 0; call < 10; call++) {
        struct faults faults = {0, -EIO, call};
        const struct toll_io io = faulty(&faults);

        assert_int_equal(toll_write_file(&io, folder->fd, "broken", "123456789", 9, &error),
                         call < 8 ? TOLL_EIO : 0);
        assert_int_equal(faccessat(folder->fd, "broken", F_OK, 0), call < 8 ? -1 : 0);
        unlinkat(folder->fd, "broken", 0);
    }
    {
        struct faults faults = {0, -EIO, 1};
        const struct toll_io io = faulty(&faults);

        assert_int_equal(toll_write_file(toll_io_system(), folder->fd, "good", "123456789", 9, NULL), 0);
        assert_int_equal(toll_blob_read(&blob, &io, folder->fd, "good", TOLL_READ_PREAD, &error), TOLL_EIO);
        assert_non_null(strstr(error.text, strerror(EIO)));
        toll_blob_free(&blob);
    }
}

static void refuses_what_is_no_file(void **state)
{
    const struct folder *folder = *state;
    const struct toll_io *io = toll_io_system();
    struct toll_error error;
    struct toll_file file;

    assert_int_equal(toll_file_open(&file, io, folder->fd, "absent", TOLL_READ_MMAP, &error), TOLL_ENOINPUT);
    assert_non_null(strstr(error.text, "absent"));
    toll_file_close(&file);
    assert_int_equal(mkdirat(folder->fd, "sub", 0750), 0);
    assert_int_equal(toll_file_open(&file, io, folder->fd, "sub", TOLL_READ_MMAP, &error), TOLL_EIO);
    assert_int_equal(mkfifoat(folder->fd, "pipe", 0640), 0);
    assert_int_equal(toll_file_open(&file, io, folder->fd, "pipe", TOLL_READ_MMAP, &error), TOLL_EIO);
    assert_int_equal(toll_file_open(&file, io, folder->fd, "sub/absent/x", TOLL_READ_MMAP, NULL),
                     TOLL_ENOINPUT);
}

static void creates_only_what_is_not_there(void **state)
{
    const struct folder *folder = *state;
    const struct toll_io *io = toll_io_system();
    struct toll_error error;

    assert_int_equal(toll_write_file(io, folder->fd, "once", "1", 1, NULL), 0);
    assert_int_equal(toll_write_file(io, folder->fd, "once", "2", 1, &error), TOLL_ECREATE);
    assert_int_equal(symlinkat("elsewhere", folder->fd, "link"), 0);
    assert_int_equal(toll_write_file(io, folder->fd, "link", "3", 1, &error), TOLL_ECREATE);
    assert_int_equal(faccessat(folder->fd, "elsewhere", F_OK, 0), -1);
}

static void lists_sorted(void **state)
{
    const struct folder *folder = *state;
    const struct toll_io *io = toll_io_system();
    const size_t expected = 2002; /* more than one buffer of the system call */
    char name[64], **names;
    size_t count;

    assert_int_equal(mkdirat(folder->fd, "many", 0750), 0);
    assert_int_equal(toll_list_directory(io, folder->fd, "many", &names, &count, NULL), 0);
    assert_int_equal(count, 0);
    toll_names_free(names, count);
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "many/part-%04d-of-a-rather-long-month", (i * 7) % 2000);
        assert_int_equal(mkdirat(folder->fd, name, 0750), 0);
    }
    assert_int_equal(mkdirat(folder->fd, "many/\xc3\xa9t\xc3\xa9", 0750), 0);
    assert_int_equal(mkdirat(folder->fd, "many/...", 0750), 0);
    assert_int_equal(toll_list_directory(io, folder->fd, "many", &names, &count, NULL), 0);
    assert_int_equal(count, expected);
    assert_string_equal(names[0], "...");
    assert_string_equal(names[1], "part-0000-of-a-rather-long-month");
    assert_string_equal(names[2000], "part-1999-of-a-rather-long-month");
    assert_string_equal(names[2001], "\xc3\xa9t\xc3\xa9"); /* bytes, not letters */
    toll_names_free(names, count);
    assert_int_equal(toll_list_directory(io, folder->fd, "nothing", &names, &count, NULL), TOLL_ENOINPUT);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_and_reads_back, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_an_empty_file, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_exact_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(survives_short_and_interrupted_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_what_failed, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(creates_only_what_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_sorted, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
