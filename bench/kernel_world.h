/*
 * What the probe and the prefix lookup work on, without a book: the benchmark world's numbers in lines, its
 * deck as a trie, both in large pages as a run has them, and the calls' two ends.
 */
#ifndef TOLL_BENCH_KERNEL_WORLD_H
#define TOLL_BENCH_KERNEL_WORLD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct toll_kernel_world;
enum toll_kernel_job {
    TOLL_KERNEL_PROBE,     /* callers */
    TOLL_KERNEL_LPM,       /* callees, one deck, a tenth of the rows without */
    TOLL_KERNEL_LPM_DECKS, /* the same trie under four decks, mixed */
    TOLL_KERNEL_JOBS
};

/* NULL: out of memory. */
struct toll_kernel_world *toll_kernel_world_make(uint32_t numbers, uint32_t areas, size_t rows);
void toll_kernel_world_free(struct toll_kernel_world *world);
size_t toll_kernel_world_prefixes(const struct toll_kernel_world *world);

/* One pass over all rows in the pipeline's blocks; the answers go where a block's answers go. */
void toll_kernel_world_pass(struct toll_kernel_world *world, enum toll_kernel_job job, unsigned features);
/* Of all answers, in order. */
uint64_t toll_kernel_world_hash(struct toll_kernel_world *world, enum toll_kernel_job job, unsigned features);
/* Feature sets, one for each table that this processor can run, the scalar's first: how many, at most 3. */
size_t toll_kernel_world_masks(unsigned masks[3]);
/* "scalar", ...: the kernels that these features select. */
const char *toll_kernel_world_table(unsigned features);

#ifdef __cplusplus
}
#endif

#endif
