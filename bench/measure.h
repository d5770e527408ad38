/* What the benches in C measure with; their figures go to result.h. */
#ifndef TOLL_BENCH_MEASURE_H
#define TOLL_BENCH_MEASURE_H

#include "result.h"

#include <time.h>

/* A number from the environment. */
static inline int64_t setting(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : atoll(text);
}

static inline double clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* On the wall. */
static inline double now_s(void)
{
    return clock_s(CLOCK_MONOTONIC);
}

static inline void die(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

#endif
