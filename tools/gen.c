/*
 * tollmill gen: a synthetic book and a month of CDRs to try things with. The same options, the same bytes,
 * anywhere.
 */
#include "options.h"
#include "print.h"
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MODE 0750
#define FILE_MODE 0640

static int fail(struct toll_error *error, int code, const char *what, const char *name, int number)
{
    error->code = code;
    snprintf(error->text, sizeof error->text, "%s %.1800s: %s", what, name, strerror(number));
    return code;
}

int world_file_open(struct world_folder *folder, const char *name, struct cmd_output *out,
                    struct toll_error *error)
{
    int fd = openat(folder->directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (fd < 0)
        return fail(error, TOLL_ECREATE, "cannot create", name, errno);
    int code = cmd_output_to_fd(out, fd, error);
    if (code < 0)
        close(fd);
    return code;
}

int world_file_close(struct world_folder *folder, struct cmd_output *out, struct toll_error *error)
{
    int fd = out->fd;
    int code = cmd_output_commit(out, error);
    folder->bytes += out->written_bytes;
    cmd_output_close(out);
    if (close(fd) != 0 && code == 0)
        code = fail(error, TOLL_EIO, "cannot write", "a file", errno);
    return code;
}

/* ---- the folder appears when it is complete ---- */

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)facts;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int folder_begin(struct world_folder *folder, const char *path, const char *temp,
                        struct toll_error *error)
{
    struct stat facts;
    folder->directory = -1;
    if (lstat(path, &facts) == 0)
        return fail(error, TOLL_ECREATE, "remove it or choose another folder:", path, EEXIST);
    int old = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (old >= 0) { /* what a killed gen left, or one that still runs */
        bool busy = flock(old, LOCK_EX | LOCK_NB) != 0;
        if (!busy)
            remove_tree(temp);
        close(old);
        if (busy)
            return fail(error, TOLL_ELOCKED, "another process is making", path, EWOULDBLOCK);
    }
    if (mkdir(temp, FOLDER_MODE) != 0)
        return fail(error, TOLL_ECREATE, "cannot create", temp, errno);
    folder->directory = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (folder->directory < 0 || flock(folder->directory, LOCK_EX | LOCK_NB) != 0)
        return fail(error, TOLL_ECREATE, "cannot open", temp, errno);
    if (mkdirat(folder->directory, "book", FOLDER_MODE) != 0 ||
        mkdirat(folder->directory, "book/decks", FOLDER_MODE) != 0)
        return fail(error, TOLL_ECREATE, "cannot create a folder in", temp, errno);
    return 0;
}

struct ticking {
    struct toll_progress progress;
    int64_t total;
};

static void tick(void *context, int64_t done)
{
    struct ticking *ticking = context;
    ticking->progress.tick(ticking->progress.context, "making CDRs", done, ticking->total, "rows");
}

static int make(struct cmd *cmd, struct world *world, int file_count, const char *path,
                struct world_folder *folder, struct toll_error *error)
{
    char temp[4096];
    struct ticking ticking = {.progress = cmd_progress_begin(cmd), .total = world->cdr_count};
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (snprintf(temp, sizeof temp, "%.*s.gen.tmp", (int)length, path) >= (int)sizeof temp)
        return fail(error, TOLL_EUSAGE, "cannot create", path, ENAMETOOLONG);
    int code = folder_begin(folder, path, temp, error);
    if (code == 0 && world_make(world) < 0)
        code = fail(error, TOLL_ENOMEM, "cannot make", path, ENOMEM);
    if (code == 0)
        code = world_write_book(world, folder, error);
    if (code == 0)
        code = world_write_calls(world, folder, file_count, tick, &ticking, error);
    if (code == 0 && rename(temp, path) != 0)
        code = fail(error, TOLL_ECREATE, "cannot create", path, errno);
    if (code < 0 && folder->directory >= 0)
        remove_tree(temp);
    if (folder->directory >= 0)
        close(folder->directory);
    world_free(world);
    return code;
}

static void print_json(struct cmd *cmd, const struct world *world, int file_count, const char *path,
                       int64_t bytes, int64_t wall_ns)
{
    struct cmd_json json;
    char name[32], text[4200], month[16];
    snprintf(month, sizeof month, "%04u-%02u", (unsigned)world->year % 10000, (unsigned)world->month % 100);
    cmd_json_begin(&json, &cmd->out, "gen");
    cmd_json_text(&json, "output", path);
    snprintf(text, sizeof text, "%s/book", path);
    cmd_json_text(&json, "book", text);
    cmd_json_open(&json, "files", '[');
    for (int i = 0; i < file_count; i++) {
        world_calls_name(i, file_count, name);
        snprintf(text, sizeof text, "%s/%s", path, name);
        cmd_json_text(&json, NULL, text);
    }
    cmd_json_close(&json, ']');
    cmd_json_integer(&json, "rows", world->cdr_count);
    cmd_json_integer(&json, "numbers", world->number_count);
    cmd_json_integer(&json, "accounts", world->account_count);
    cmd_json_integer(&json, "prefixes", world->prefix_count);
    cmd_json_integer(&json, "seed", (int64_t)world->seed);
    cmd_json_text(&json, "month", month);
    cmd_json_integer(&json, "bytes", bytes);
    cmd_json_seconds(&json, "wall_s", wall_ns);
    cmd_json_end(&json);
}

static void print_human(struct cmd *cmd, const struct world *world, int file_count, const char *path,
                        int64_t bytes, int64_t wall_ns)
{
    char rows[32], size[32], time[32], rate[32];
    cmd_thousands(world->cdr_count, rows, sizeof rows);
    cmd_count_text(bytes, true, size, sizeof size);
    cmd_seconds_text(wall_ns, time, sizeof time);
    cmd_rate_text(wall_ns > 0 ? (int64_t)((__int128)world->cdr_count * 1000000000 / wall_ns) : 0, rate,
                  sizeof rate);
    cmd_put_format(&cmd->out, "%s: a book and %s CDRs in %d file%s, %s, in %s (%s rows/s)\n", path, rows,
                   file_count, file_count == 1 ? "" : "s", size, time, rate);
    cmd_put_format(&cmd->out,
                   "Next: tollmill import --spec data/providers/tollmill.yaml -o %s/cdrs %s/cdrs%s\n"
                   "      tollmill rate --book %s/book --cdrs %s/cdrs -o %s/run\n",
                   path, path, file_count == 1 ? ".csv" : "-*.csv", path, path, path);
}

int cmd_gen(struct cmd *cmd, int argc, char **argv)
{
    const char *path = NULL, *month = "2026-03";
    int64_t cdrs = 1000000, numbers = 20000, accounts = 2000, prefixes = 50000, seed = 1, files = 1;
    const struct cmd_option options[] = {
        {.kind = CMD_TEXT,
         .name = "output",
         .letter = 'o',
         .value = "DIR",
         .help = "folder to make: DIR/book and DIR/cdrs.csv; it must not be there yet",
         .target = &path,
         .required = true},
        {.kind = CMD_NUMBER,
         .name = "cdrs",
         .value = "N",
         .help = "call records (default: 1M)",
         .target = &cdrs,
         .minimum = 0,
         .maximum = INT64_C(100000000000)},
        {.kind = CMD_NUMBER,
         .name = "numbers",
         .value = "N",
         .help = "telephone numbers of the customers (default: 20k)",
         .target = &numbers,
         .minimum = 1,
         .maximum = 100000000},
        {.kind = CMD_NUMBER,
         .name = "accounts",
         .value = "N",
         .help = "customers (default: 2000)",
         .target = &accounts,
         .minimum = 1,
         .maximum = 5000000},
        {.kind = CMD_NUMBER,
         .name = "prefixes",
         .value = "N",
         .help = "rows of the domestic deck (default: 50k)",
         .target = &prefixes,
         .minimum = 1,
         .maximum = 2000000},
        {.kind = CMD_MONTH,
         .name = "month",
         .value = "YYYY-MM",
         .help = "when the calls start, in UTC (default: 2026-03)",
         .target = &month},
        {.kind = CMD_NUMBER,
         .name = "files",
         .value = "N",
         .help = "split the CDRs into cdrs-0001.csv and so on (default: 1)",
         .target = &files,
         .minimum = 1,
         .maximum = 9999},
        {.kind = CMD_NUMBER,
         .name = "seed",
         .value = "N",
         .help = "another seed, another world (default: 1)",
         .target = &seed,
         .minimum = 0,
         .maximum = INT64_MAX},
    };
    const struct cmd_usage usage = {
        .about = "Makes a synthetic carrier: customers, numbers, plans and decks as a book, and a month of\n"
                 "calls in tollmill's own CSV with the shape of US business traffic. The same options give\n"
                 "the same bytes on any machine. No number or name is meant to be anybody's.",
        .examples = "  tollmill gen -o try\n"
                    "  tollmill gen -o try --cdrs 100k --numbers 500 --accounts 50\n"
                    "  tollmill gen -o big --cdrs 100M --numbers 200k --prefixes 200k --files 24 --seed 7\n",
        .operands = "",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    int operands;
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    struct world *world = calloc(1, sizeof *world);
    if (!world)
        return cmd_fail_text(cmd, CMD_BUG, "out of memory");
    world->seed = (uint64_t)seed;
    world->year = atoi(month);
    world->month = atoi(month + 5);
    world->cdr_count = cdrs;
    world->number_count = numbers;
    world->account_count = accounts;
    world->prefix_count = prefixes;
    struct world_folder folder = {0};
    struct toll_error error = {0};
    int64_t begin_ns = cmd_now_ns();
    if (make(cmd, world, (int)files, path, &folder, &error) < 0)
        code = cmd_fail(cmd, &error);
    else
        code = CMD_OK;
    int64_t wall_ns = cmd_now_ns() - begin_ns;
    if (code == CMD_OK && cmd->json)
        print_json(cmd, world, (int)files, path, folder.bytes, wall_ns);
    else if (code == CMD_OK && !cmd->quiet)
        print_human(cmd, world, (int)files, path, folder.bytes, wall_ns);
    free(world);
    return code;
}
