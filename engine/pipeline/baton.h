/*
 * Whose turn it is: batches are rated at once, but what depends on the calls before is done in the order of
 * the batches. Whoever has rated the batch whose turn it is holds the baton, does that, and passes it on. A
 * worker whose turn has not come may rate further batches meanwhile.
 */
#ifndef TOLL_PIPELINE_BATON_H
#define TOLL_PIPELINE_BATON_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct toll_baton {
    _Alignas(128) _Atomic int64_t turn; /* batch */
    atomic_bool stopped;
    _Atomic int waiting; /* threads that sleep */
    pthread_mutex_t mutex;
    pthread_cond_t passed;
};

void toll_baton_init(struct toll_baton *baton); /* the turn is batch 0's */
void toll_baton_free(struct toll_baton *baton);

/* All that was done before the baton was passed is seen by whoever finds that it has it. */
static inline bool toll_baton_has(const struct toll_baton *baton, int64_t batch)
{
    return atomic_load_explicit(&baton->turn, memory_order_acquire) == batch;
}
/* Waits for the turn; false: it will not come any more. */
bool toll_baton_wait(struct toll_baton *baton, int64_t batch);
/* To the next batch. */
void toll_baton_pass(struct toll_baton *baton);
/* After an error: nobody waits any longer. Any thread. */
void toll_baton_stop(struct toll_baton *baton);

#endif
