/*
 * What waits in suspense, summed up: one entry for each (reason, account, what), with its count and where it
 * was seen first and last. A month can have millions of rows in suspense, so memory is fixed: of all entries
 * the smallest TOLL_SUSPENSE_LINES are kept, in the order of the output. An entry among those of the whole
 * run is among those of every part of it, so its count is exact whatever was dropped, and the same for any
 * number of workers.
 */
#ifndef TOLL_PIPELINE_SUSPENSE_H
#define TOLL_PIPELINE_SUSPENSE_H

#include "tollmill_error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOLL_SUSPENSE_LINES 100000 /* what a person or a spreadsheet can still work through */

struct toll_suspense_entry {
    uint64_t what;
    int32_t account;
    uint32_t status; /* enum toll_status */
    int64_t rows;
    uint32_t first_part, last_part; /* ordinal in the run */
    int64_t first_row, last_row;
};

struct toll_suspense {
    struct toll_suspense_entry *entries;
    uint32_t *slots; /* see suspense.c */
    uint32_t count;
    bool pruned; /* then `largest` of what stayed */
    struct toll_suspense_entry largest;
    int64_t rows; /* all that were ever added */
};

/* Memory for all there will be. Zero-initialised before; free is safe then. */
int toll_suspense_init(struct toll_suspense *suspense, struct toll_error *error);
void toll_suspense_clear(struct toll_suspense *suspense);
void toll_suspense_free(struct toll_suspense *suspense);
/* Rows may come in any order. Allocates nothing. */
void toll_suspense_add(struct toll_suspense *suspense, uint32_t status, int32_t account, uint64_t what,
                       uint32_t part, int64_t row);
/* Asks for the memory that adding such a row soon will need. False: it lies above what is kept, and is
 * counted already; adding it would change nothing else. */
bool toll_suspense_expect(struct toll_suspense *suspense, uint32_t status, int32_t account, uint64_t what);
/* Adds all of `from`, whose dropped rows stay dropped. */
void toll_suspense_merge(struct toll_suspense *suspense, const struct toll_suspense *from);
/* Sorts by (status, account, what) and drops what passes the limit; afterwards only reading. */
void toll_suspense_finish(struct toll_suspense *suspense);

#endif
