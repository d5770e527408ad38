/*
 * What tollmill bench measured: bench.c fills it, bench_print.c shows it.
 */
#ifndef CMD_BENCH_H
#define CMD_BENCH_H

#include "command.h"

#define BENCH_REPEATS_MOST 99
#define BENCH_THREADS_MOST 256
#define BENCH_STEPS_MOST 10 /* 1, 2, 4, ... 256 threads, and one between */
#define BENCH_LEVELS 3
#define BENCH_STAGES_MOST 16
#define BENCH_COPY_BYTES ((size_t)256 << 20) /* more than any cache that one core fills */

struct bench_figure {
    int64_t ns[BENCH_REPEATS_MOST]; /* in the order measured */
};

/* One instruction set. */
struct bench_level {
    const char *name;
    enum toll_simd_choice choice;
    struct toll_bench_world *world;
    char hash[33]; /* of all lines */
    struct bench_figure rate[BENCH_STEPS_MOST], stages[BENCH_STAGES_MOST];
};

struct bench {
    const char *book, *cdrs;
    struct toll_rate_result result;
    struct bench_level levels[BENCH_LEVELS];
    int level_count;
    unsigned threads[BENCH_STEPS_MOST];
    int step_count;
    const char *stage_names[BENCH_STAGES_MOST];
    int stage_count;
    struct bench_figure copy;
    int repeats;
};

void bench_print_human(struct cmd *cmd, const struct bench *bench);
void bench_print_json(struct cmd *cmd, const struct bench *bench);

#endif
