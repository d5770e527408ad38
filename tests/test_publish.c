/* Atomic publishing: what a reader may see at each point, and who is refused. */
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
#include <sys/file.h>
#include <unistd.h>

#include "io/publish.h"

struct folder {
    char path[64], out[80];
    int fd;
};

static int setup(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);

    assert_non_null(folder);
    strcpy(folder->path, "/tmp/tollmill_publish_XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->out, sizeof folder->out, "%s/out", folder->path);
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

static bool there(const struct folder *folder, const char *name)
{
    struct stat status;

    return fstatat(folder->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static void put_file(int directory, const char *name, const char *text)
{
    assert_int_equal(toll_write_file(toll_io_system(), directory, name, text, strlen(text), NULL), 0);
}

static void assert_text(const struct folder *folder, const char *name, const char *text)
{
    struct toll_blob blob;

    assert_int_equal(toll_blob_read(&blob, toll_io_system(), folder->fd, name, TOLL_READ_PREAD, NULL), 0);
    assert_string_equal(blob.data, text);
    toll_blob_free(&blob);
}

static void commits(void **state)
{
    const struct folder *folder = *state;
    struct toll_publish publish;
    struct stat status;
    char slashed[96];

    snprintf(slashed, sizeof slashed, "%s//", folder->out);
    assert_int_equal(toll_publish_begin(&publish, toll_io_system(), slashed, NULL), 0);
    assert_string_equal(publish.final_path, folder->out);
    put_file(publish.directory, "manifest.json", "{}");
    assert_false(there(folder, "out"));
    assert_true(there(folder, "out.tollmill.tmp"));
    assert_int_equal(fstatat(folder->fd, "out.tollmill.tmp", &status, 0), 0);
    assert_int_equal(status.st_mode & 0777 & ~0750, 0);
    assert_int_equal(toll_publish_commit(&publish, NULL), 0);
    assert_true(publish.published);
    toll_publish_end(&publish);
    assert_false(there(folder, "out.tollmill.tmp"));
    assert_text(folder, "out/manifest.json", "{}");
}

static void aborts(void **state)
{
    const struct folder *folder = *state;
    struct toll_publish publish;

    assert_int_equal(toll_publish_begin(&publish, toll_io_system(), folder->out, NULL), 0);
    put_file(publish.directory, "part", "x");
    assert_int_equal(mkdirat(publish.directory, "parts", 0750), 0);
    put_file(publish.directory, "parts/1", "x");
    toll_publish_end(&publish);
    assert_false(there(folder, "out"));
    assert_false(there(folder, "out.tollmill.tmp"));
    toll_publish_end(&publish);
    memset(&publish, 0, sizeof publish);
    toll_publish_end(&publish);
}

static void wipes_what_a_killed_run_left(void **state)
{
    const struct folder *folder = *state;
    struct toll_publish publish;

    assert_int_equal(mkdirat(folder->fd, "out.tollmill.tmp", 0750), 0);
    assert_int_equal(mkdirat(folder->fd, "out.tollmill.tmp/parts", 0750), 0);
    put_file(folder->fd, "precious", "keep me");
    assert_int_equal(mkdirat(folder->fd, "out.tmp", 0750), 0); /* somebody else's */
    put_file(folder->fd, "out.tmp/precious", "keep me, too");
    put_file(folder->fd, "out.tollmill.tmp/manifest.json", "half");
    put_file(folder->fd, "out.tollmill.tmp/parts/7", "half");
    assert_int_equal(symlinkat("../../precious", folder->fd, "out.tollmill.tmp/parts/link"), 0);
    assert_int_equal(symlinkat("..", folder->fd, "out.tollmill.tmp/up"), 0);
    assert_int_equal(toll_publish_begin(&publish, toll_io_system(), folder->out, NULL), 0);
    assert_false(there(folder, "out.tollmill.tmp/manifest.json"));
    assert_false(there(folder, "out.tollmill.tmp/parts"));
    assert_false(there(folder, "out.tollmill.tmp/up"));
    assert_text(folder, "precious", "keep me");
    assert_text(folder, "out.tmp/precious", "keep me, too");
    assert_int_equal(toll_remove_tree(toll_io_system(), folder->fd, "out.tmp", NULL), 0);
    put_file(publish.directory, "manifest.json", "new");
    assert_int_equal(toll_publish_commit(&publish, NULL), 0);
    toll_publish_end(&publish);
    assert_text(folder, "out/manifest.json", "new");
}

static void refuses_a_second_run(void **state)
{
    const struct folder *folder = *state;
    struct toll_publish first, second;
    struct toll_error error;

    assert_int_equal(toll_publish_begin(&first, toll_io_system(), folder->out, NULL), 0);
    put_file(first.directory, "part", "of the first");
    assert_int_equal(toll_publish_begin(&second, toll_io_system(), folder->out, &error), TOLL_ELOCKED);
    assert_int_equal(error.code, TOLL_ELOCKED);
    toll_publish_end(&second);
    assert_text(folder, "out.tollmill.tmp/part", "of the first"); /* the refused one has touched nothing */
    assert_int_equal(toll_publish_commit(&first, NULL), 0);
    toll_publish_end(&first);
    assert_text(folder, "out/part", "of the first");
}

static void refuses_existing_output(void **state)
{
    const struct folder *folder = *state;
    struct toll_publish publish;
    struct toll_error error;

    assert_int_equal(mkdirat(folder->fd, "out", 0750), 0);
    assert_int_equal(toll_publish_begin(&publish, toll_io_system(), folder->out, &error), TOLL_ECREATE);
    assert_non_null(strstr(error.text, folder->out));
    assert_int_equal(unlinkat(folder->fd, "out", AT_REMOVEDIR), 0);
    assert_int_equal(symlinkat("nowhere", folder->fd, "out"), 0); /* even a dangling link */
    assert_int_equal(toll_publish_begin(&publish, toll_io_system(), folder->out, &error), TOLL_ECREATE);
    assert_false(there(folder, "out.tollmill.tmp"));
}

static void refuses_bad_places(void **state)
{
    static const char *const bad[] = {"", "/", ".", "..", "x/.", "x/..", "/tmp/.."};
    const struct folder *folder = *state;
    struct toll_publish publish;
    char path[96];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(toll_publish_begin(&publish, toll_io_system(), bad[i], NULL), TOLL_ECREATE);
    snprintf(path, sizeof path, "%s/absent/out", folder->path);
    assert_int_equal(toll_publish_begin(&publish, toll_io_system(), path, NULL), TOLL_ECREATE);
    put_file(folder->fd, "out.tollmill.tmp", "a file of somebody");
    assert_int_equal(toll_publish_begin(&publish, toll_io_system(), folder->out, NULL), TOLL_ECREATE);
    assert_text(folder, "out.tollmill.tmp", "a file of somebody");
    assert_int_equal(unlinkat(folder->fd, "out.tollmill.tmp", 0), 0);
    assert_int_equal(mkdirat(folder->fd, "other", 0750), 0);
    put_file(folder->fd, "other/file", "kept");
    assert_int_equal(symlinkat("other", folder->fd, "out.tollmill.tmp"), 0);
    assert_int_equal(toll_publish_begin(&publish, toll_io_system(), folder->out, NULL), TOLL_ECREATE);
    assert_text(folder, "other/file", "kept");
}

static int no_renameat2(void *context, int from_directory, const char *from, int to_directory, const char *to,
                        unsigned flags)
{
    (void)context, (void)from_directory, (void)from, (void)to_directory, (void)to, (void)flags;
    return -ENOSYS;
}

/* An output that appears while the run works is not replaced, with or without the kernel's help. */
static void never_replaces(void **state)
{
    const struct folder *folder = *state;
    struct toll_io old_kernel = *toll_io_system();
    struct toll_publish publish;

    old_kernel.renameat2 = no_renameat2;
    for (int i = 0; i < 2; i++) {
        const struct toll_io *io = i == 0 ? toll_io_system() : &old_kernel;

        assert_int_equal(toll_publish_begin(&publish, io, folder->out, NULL), 0);
        assert_int_equal(mkdirat(folder->fd, "out", 0750), 0);
        assert_int_equal(toll_publish_commit(&publish, NULL), TOLL_ECREATE);
        assert_false(publish.published);
        toll_publish_end(&publish);
        assert_false(there(folder, "out.tollmill.tmp"));
        assert_int_equal(unlinkat(folder->fd, "out", AT_REMOVEDIR), 0);
    }
    assert_int_equal(toll_publish_begin(&publish, &old_kernel, folder->out, NULL), 0);
    assert_int_equal(toll_publish_commit(&publish, NULL), 0);
    toll_publish_end(&publish);
    assert_true(there(folder, "out"));
}

static int failing_fsync(void *context, int fd)
{
    int *calls_left = context;

    return (*calls_left)-- > 0 ? fsync(fd) : -EIO;
}

static void tells_failed_fsync(void **state)
{
    const struct folder *folder = *state;
    struct toll_io io = *toll_io_system();
    struct toll_publish publish;
    int calls_left = 0;

    io.context = &calls_left;
    io.fsync = failing_fsync;
    assert_int_equal(toll_publish_begin(&publish, &io, folder->out, NULL), 0);
    assert_int_equal(toll_publish_commit(&publish, NULL), TOLL_EIO);
    toll_publish_end(&publish);
    assert_false(there(folder, "out"));
    assert_false(there(folder, "out.tollmill.tmp"));

    /* The parent's fsync comes after the rename: an error is told, what is complete stays. */
    calls_left = 1;
    assert_int_equal(toll_publish_begin(&publish, &io, folder->out, NULL), 0);
    assert_int_equal(toll_publish_commit(&publish, NULL), TOLL_EIO);
    toll_publish_end(&publish);
    assert_true(there(folder, "out"));
}

/* Between opening and locking OUT.tmp, its holder publishes: the lock then is one on OUT and must not count.
 */
struct overtaken {
    struct toll_publish *first;
};

static int overtaken_flock(void *context, int fd, int operation)
{
    struct overtaken *overtaken = context;

    if (overtaken->first != NULL) {
        assert_int_equal(toll_publish_commit(overtaken->first, NULL), 0);
        toll_publish_end(overtaken->first);
        overtaken->first = NULL;
    }
    return flock(fd, operation) < 0 ? -errno : 0;
}

static void notices_being_overtaken(void **state)
{
    const struct folder *folder = *state;
    struct toll_publish first, second;
    struct overtaken overtaken = {&first};
    struct toll_io io = *toll_io_system();

    assert_int_equal(toll_publish_begin(&first, toll_io_system(), folder->out, NULL), 0);
    put_file(first.directory, "manifest.json", "first");
    io.context = &overtaken;
    io.flock = overtaken_flock;
    assert_int_equal(toll_publish_begin(&second, &io, folder->out, NULL), TOLL_ECREATE);
    assert_null(overtaken.first);
    assert_text(folder, "out/manifest.json", "first");
    assert_false(there(folder, "out.tollmill.tmp"));
}

static void locks_a_directory(void **state)
{
    const struct folder *folder = *state;
    const struct toll_io *io = toll_io_system();
    struct toll_error error;
    int first, second;

    assert_int_equal(toll_lock_directory(io, folder->out, false, &first, &error), TOLL_ENOINPUT);
    assert_int_equal(first, -1);
    assert_int_equal(toll_lock_directory(io, folder->out, true, &first, NULL), 0);
    assert_int_equal(toll_lock_directory(io, folder->out, true, &second, &error), TOLL_ELOCKED);
    assert_int_equal(second, -1);
    put_file(first, "data", "1");
    toll_unlock_directory(io, first);
    assert_int_equal(toll_lock_directory(io, folder->out, true, &second, NULL), 0);
    toll_unlock_directory(io, second);
    assert_text(folder, "out/data", "1");
    assert_int_equal(toll_lock_directory(io, "", true, &first, NULL), TOLL_ECREATE);
}

static void replaces_a_file(void **state)
{
    const struct folder *folder = *state;
    const struct toll_io *io = toll_io_system();
    struct toll_io broken = *io;
    int calls_left = 0;

    assert_int_equal(toll_replace_file(io, folder->fd, "manifest", "one", 3, NULL), 0);
    assert_text(folder, "manifest", "one");
    put_file(folder->fd, "manifest.tmp", "left by a killed run");
    assert_int_equal(toll_replace_file(io, folder->fd, "manifest", "two", 3, NULL), 0);
    assert_text(folder, "manifest", "two");
    assert_false(there(folder, "manifest.tmp"));

    broken.context = &calls_left;
    broken.fsync = failing_fsync;
    assert_int_equal(toll_replace_file(&broken, folder->fd, "manifest", "three", 5, NULL), TOLL_EIO);
    assert_text(folder, "manifest", "two");
    assert_false(there(folder, "manifest.tmp"));

    assert_int_equal(mkdirat(folder->fd, "manifest.tmp", 0750), 0);
    put_file(folder->fd, "manifest.tmp/precious", "keep me");
    assert_int_equal(toll_replace_file(io, folder->fd, "manifest", "four", 4, NULL), TOLL_ECREATE);
    assert_text(folder, "manifest", "two");
    assert_text(folder, "manifest.tmp/precious", "keep me");
}

static void removes_trees(void **state)
{
    const struct folder *folder = *state;

    assert_int_equal(mkdirat(folder->fd, "a", 0750), 0);
    assert_int_equal(mkdirat(folder->fd, "a/b", 0750), 0);
    put_file(folder->fd, "a/b/c", "x");
    put_file(folder->fd, "d", "x");
    assert_int_equal(toll_remove_tree(toll_io_system(), folder->fd, "a", NULL), 0);
    assert_int_equal(toll_remove_tree(toll_io_system(), folder->fd, "d", NULL), 0);
    assert_int_equal(toll_remove_tree(toll_io_system(), folder->fd, "never-there", NULL), 0);
    assert_false(there(folder, "a"));
    assert_false(there(folder, "d"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(commits, setup, teardown),
        cmocka_unit_test_setup_teardown(aborts, setup, teardown),
        cmocka_unit_test_setup_teardown(wipes_what_a_killed_run_left, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_a_second_run, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_existing_output, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_bad_places, setup, teardown),
        cmocka_unit_test_setup_teardown(never_replaces, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_failed_fsync, setup, teardown),
        cmocka_unit_test_setup_teardown(notices_being_overtaken, setup, teardown),
        cmocka_unit_test_setup_teardown(locks_a_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(replaces_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(removes_trees, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
