/*
 * tollmill bench: how fast a book rates one's own CDRs on this machine.
 *
 * The passes of tollmill rate over CDRs in memory, lines into memory: nothing is written. Instruction sets
 * and numbers of threads take turns, and memcpy with them, so that their ratios hold on a machine with other
 * work to do. Lines and totals are compared all the time: a speed stands beside its result.
 */
#include "bench.h"

#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

static const char *const level_names[] = {"scalar", "avx2", "avx512"};
static const enum toll_simd_choice level_choices[] = {TOLL_SIMD_SCALAR, TOLL_SIMD_AVX2, TOLL_SIMD_AVX512};

/* All that this processor has, or the one asked for: 1 scalar, 2 avx2, 3 avx512. */
static int open_levels(struct bench *bench, int asked, struct toll_error *error)
{
    for (int i = 0; i < BENCH_LEVELS; i++) {
        struct bench_level *level = &bench->levels[bench->level_count];
        if (asked != 0 && asked != i + 1)
            continue;
        const int rc =
            bench->level_count == 0
                ? toll_bench_open(bench->book, bench->cdrs, level_choices[i], &level->world, error)
                : toll_bench_open_beside(bench->levels[0].world, level_choices[i], &level->world, error);
        if (rc == TOLL_EUSAGE && bench->level_count > 0)
            return 0; /* what the processor lacks is not measured */
        if (rc != 0)
            return rc;
        level->name = level_names[i];
        level->choice = level_choices[i];
        bench->level_count++;
    }
    return 0;
}

static bool same_totals(const struct toll_rate_result *a, const struct toll_rate_result *b)
{
    bool same = a->rows == b->rows && a->billed_s == b->billed_s && a->total_count == b->total_count &&
                a->period_charges == b->period_charges && a->cost_count == b->cost_count &&
                memcmp(a->status_rows, b->status_rows, sizeof a->status_rows) == 0 &&
                memcmp(a->cost_rows, b->cost_rows, sizeof a->cost_rows) == 0;
    for (int i = 0; same && i < a->total_count; i++)
        same = strcmp(a->totals[i].charge, b->totals[i].charge) == 0 &&
               strcmp(a->totals[i].currency, b->totals[i].currency) == 0;
    for (int i = 0; same && i < a->cost_count; i++)
        same = strcmp(a->costs[i].cost, b->costs[i].cost) == 0;
    return same;
}

/* The lines' hash of every instruction set, and the totals; the first pass over all CDRs, too. */
static int find_results(struct cmd *cmd, struct bench *bench, struct toll_error *error)
{
    for (int i = 0; i < bench->level_count; i++) {
        struct bench_level *level = &bench->levels[i];
        if (toll_bench_hash(level->world, level->hash, error) != 0)
            return cmd_fail(cmd, error);
        if (strcmp(level->hash, bench->levels[0].hash) != 0)
            return cmd_fail_text(cmd, CMD_BUG,
                                 "the lines by %s have the hash %s, those by %s %s; this is a fault of "
                                 "tollmill: please report it, with the book if you can",
                                 bench->levels[0].name, bench->levels[0].hash, level->name, level->hash);
    }
    if (toll_bench_rate(bench->levels[0].world, 0, &bench->result, error) != 0)
        return cmd_fail(cmd, error);
    if (bench->result.rows == 0)
        return cmd_fail_text(cmd, CMD_NOINPUT, "%s holds no CDRs: import some, then measure", bench->cdrs);
    return CMD_GO;
}

/* 1, 2, 4, ... and the most. */
static void choose_threads(struct bench *bench, unsigned most)
{
    for (unsigned threads = 1; threads < most; threads *= 2)
        bench->threads[bench->step_count++] = threads;
    bench->threads[bench->step_count++] = most;
}

static int rate_once(struct cmd *cmd, struct bench *bench, int level, int step, struct toll_error *error)
{
    struct toll_rate_result result;
    struct bench_level *of = &bench->levels[level];
    if (toll_bench_rate(of->world, bench->threads[step], &result, error) != 0)
        return cmd_fail(cmd, error);
    if (!same_totals(&result, &bench->result))
        return cmd_fail_text(cmd, CMD_BUG,
                             "the totals by %s on %u threads are not those of the first pass; this is a "
                             "fault of tollmill: please report it, with the book if you can",
                             of->name, result.threads);
    of->rate[step].ns[bench->repeats] = result.rate_ns;
    return CMD_GO;
}

/* One thread once more with clocks between the stages, which cost a little themselves. */
static int stages_once(struct cmd *cmd, struct bench *bench, int level, struct toll_error *error)
{
    struct toll_rate_result result;
    struct bench_level *of = &bench->levels[level];
    int64_t ns[BENCH_STAGES_MOST];
    toll_bench_want_stages(of->world, true);
    const int rc = toll_bench_rate(of->world, 1, &result, error);
    toll_bench_want_stages(of->world, false);
    if (rc != 0)
        return cmd_fail(cmd, error);
    bench->stage_count = toll_bench_stages(of->world, bench->stage_names, ns);
    for (int i = 0; i < bench->stage_count; i++)
        of->stages[i].ns[bench->repeats] = ns[i];
    return CMD_GO;
}

/* In 2 MiB pages where the system gives them: finding pages of 4 KiB is not what is to be measured. NULL
 * without memory. */
static char *copy_memory(void)
{
    char *memory = aligned_alloc((size_t)2 << 20, BENCH_COPY_BYTES);
    if (memory == NULL)
        return NULL;
    madvise(memory, BENCH_COPY_BYTES, MADV_HUGEPAGE);
    memset(memory, 1, BENCH_COPY_BYTES);
    return memory;
}

static int64_t copy_once(char *to, const char *from)
{
    const int64_t begun = cmd_now_ns();
    memcpy(to, from, BENCH_COPY_BYTES);
    __asm__ volatile("" : : "r"(to) : "memory"); /* a copy that nobody reads is made all the same */
    return cmd_now_ns() - begun;
}

/* Everything once. */
static int repeat_once(struct cmd *cmd, struct bench *bench, char *to, const char *from,
                       struct toll_error *error)
{
    int code = CMD_GO;
    for (int step = 0; step < bench->step_count; step++)
        for (int level = 0; code == CMD_GO && level < bench->level_count; level++)
            code = rate_once(cmd, bench, level, step, error);
    for (int level = 0; code == CMD_GO && level < bench->level_count; level++)
        code = stages_once(cmd, bench, level, error);
    bench->copy.ns[bench->repeats] = copy_once(to, from);
    return code;
}

static int measure(struct cmd *cmd, struct bench *bench, int64_t repeat, int64_t seconds,
                   struct toll_error *error)
{
    enum { LEAST = 3 }; /* repetitions, where a time was given */
    const struct toll_progress progress = cmd_progress_begin(cmd);
    char *from = copy_memory(), *to = copy_memory();
    int code = from != NULL && to != NULL
                   ? CMD_GO
                   : cmd_fail_text(cmd, toll_exit_code(TOLL_ENOMEM), "no memory for measuring memcpy: %zu MB",
                                   BENCH_COPY_BYTES / 500000);
    const int64_t most = seconds > 0 ? BENCH_REPEATS_MOST : repeat, begun = cmd_now_ns();
    while (code == CMD_GO && bench->repeats < most) {
        if (seconds > 0 && bench->repeats >= LEAST && cmd_now_ns() - begun >= seconds * 1000000000)
            break;
        code = repeat_once(cmd, bench, to, from, error);
        bench->repeats++;
        progress.tick(progress.context, "measuring", bench->repeats, seconds > 0 ? 0 : most, "repetitions");
    }
    free(from);
    free(to);
    return code;
}

/* All days of a dataset are open at once, for each instruction set: as many files as the system allows. */
static void allow_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

static int run(struct cmd *cmd, struct bench *bench, int simd, int64_t threads, int64_t repeat,
               int64_t seconds)
{
    struct toll_error error = {0};
    allow_files();
    if (open_levels(bench, simd, &error) != 0)
        return cmd_fail(cmd, &error);
    int code = find_results(cmd, bench, &error);
    if (code != CMD_GO)
        return code;
    choose_threads(bench, threads > 0 ? (unsigned)threads : bench->result.threads);
    code = measure(cmd, bench, repeat, seconds, &error);
    if (code != CMD_GO)
        return code;
    if (cmd->json)
        bench_print_json(cmd, bench);
    else if (!cmd->quiet)
        bench_print_human(cmd, bench);
    return CMD_OK;
}

int cmd_bench(struct cmd *cmd, int argc, char **argv)
{
    static const char *const simd_choices[] = {"all", "scalar", "avx2", "avx512", NULL};
    int64_t threads = 0, repeat = 0, seconds = 0;
    int simd = 0;
    const struct cmd_option options[] = {
        {.kind = CMD_NUMBER,
         .name = "threads",
         .value = "N",
         .help = "measure 1, 2, 4, ... N threads (default: all cores)",
         .target = &threads,
         .minimum = 1,
         .maximum = BENCH_THREADS_MOST},
        {.kind = CMD_CHOICE,
         .name = "simd",
         .value = "all|scalar|avx2|avx512",
         .help = "which instructions (default: all that this processor has, in turn)",
         .target = &simd,
         .choices = simd_choices},
        {.kind = CMD_NUMBER,
         .name = "repeat",
         .value = "N",
         .help = "how often each is measured (default: 5)",
         .target = &repeat,
         .minimum = 1,
         .maximum = BENCH_REPEATS_MOST},
        {.kind = CMD_NUMBER,
         .name = "seconds",
         .value = "N",
         .help = "measure for so long, but each three times at least; instead of --repeat",
         .target = &seconds,
         .minimum = 1,
         .maximum = 86400},
    };
    const struct cmd_usage usage = {
        .about = "Measures how fast a book rates CDRs on this machine: the passes of tollmill rate, with "
                 "CDRs and\n"
                 "lines in memory. CDRs a second and nanoseconds a CDR, by stage, instruction set and "
                 "threads, as\n"
                 "medians, with memcpy in the same run; the totals and a hash of all lines beside them, "
                 "which are\n"
                 "the same for all. Writes nothing.",
        .examples = "  tollmill bench book cdrs\n"
                    "  tollmill bench book.image cdrs --threads 1 --simd avx512 --repeat 9\n"
                    "  tollmill bench book cdrs --seconds 60 --json | jq '.rating[] | [.simd, .threads, "
                    ".cdr_per_s]'\n",
        .operands = "BOOK CDRS",
        .operands_min = 2,
        .operands_max = 2,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .notes =
            "BOOK is a folder or a compiled image, CDRS a dataset as import makes it; all of it is rated, "
            "as\n"
            "if nothing were closed. Reading and writing files is not measured: tollmill rate tells that.",
    };
    int operands;
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    if (repeat > 0 && seconds > 0) {
        cmd_error(cmd, "--repeat says how often, --seconds how long; leave one of them out");
        return CMD_USAGE;
    }
    struct bench *bench = calloc(1, sizeof *bench);
    if (bench == NULL)
        return cmd_fail_text(cmd, toll_exit_code(TOLL_ENOMEM), "out of memory");
    bench->book = argv[1];
    bench->cdrs = argv[2];
    code = run(cmd, bench, simd, threads, repeat > 0 ? repeat : 5, seconds);
    for (int i = BENCH_LEVELS - 1; i >= 0; i--) /* the first has the book */
        toll_bench_close(bench->levels[i].world);
    free(bench);
    return code;
}
