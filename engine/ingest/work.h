/* Jobs with numbers, done by some threads. What comes out never depends on how many there are. */
#ifndef TOLL_INGEST_WORK_H
#define TOLL_INGEST_WORK_H

#include "tollmill_error.h"

#include <stddef.h>

/* Runs job(context, 0 .. count-1), each once, in any order, on up to `threads` threads of which the caller's
 * is one. Returns 0, or the code of the failed job with the smallest number (after a failure the rest may not
 * run). done, which may be NULL, is called on the caller's thread after each of its own jobs. */
int toll_work_run(unsigned threads, size_t count,
                  int (*job)(void *context, size_t index, struct toll_error *error),
                  void (*done)(void *context), void *context, struct toll_error *error);

/* 0 means all cores. */
unsigned toll_work_threads(unsigned asked);

#endif
