/* A counter, and a place to sleep for those who come too early. */
#include "pipeline/baton.h"

#include "base/check.h"

#define LOOKS 256 /* before sleeping: a turn takes some 100 us */

void toll_baton_init(struct toll_baton *baton)
{
    atomic_init(&baton->turn, 0);
    atomic_init(&baton->stopped, false);
    atomic_init(&baton->waiting, 0);
    TOLL_ASSERT(pthread_mutex_init(&baton->mutex, NULL) == 0);
    TOLL_ASSERT(pthread_cond_init(&baton->passed, NULL) == 0);
}

void toll_baton_free(struct toll_baton *baton)
{
    pthread_cond_destroy(&baton->passed);
    pthread_mutex_destroy(&baton->mutex);
}

static inline void rest(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static bool is_over(struct toll_baton *baton, int64_t batch)
{
    return toll_baton_has(baton, batch) || atomic_load_explicit(&baton->stopped, memory_order_relaxed);
}

bool toll_baton_wait(struct toll_baton *baton, int64_t batch)
{
    for (int i = 0; i < LOOKS && !is_over(baton, batch); i++)
        rest();
    if (!is_over(baton, batch)) {
        pthread_mutex_lock(&baton->mutex);
        /* Whoever passes looks at `waiting` after the turn, and we look at the turn after `waiting`. */
        atomic_fetch_add(&baton->waiting, 1);
        while (atomic_load(&baton->turn) != batch && !atomic_load(&baton->stopped))
            pthread_cond_wait(&baton->passed, &baton->mutex);
        atomic_fetch_sub(&baton->waiting, 1);
        pthread_mutex_unlock(&baton->mutex);
    }
    return toll_baton_has(baton, batch);
}

static void wake(struct toll_baton *baton)
{
    pthread_mutex_lock(&baton->mutex);
    pthread_cond_broadcast(&baton->passed);
    pthread_mutex_unlock(&baton->mutex);
}

void toll_baton_pass(struct toll_baton *baton)
{
    atomic_fetch_add(&baton->turn, 1);
    if (atomic_load(&baton->waiting) > 0)
        wake(baton);
}

void toll_baton_stop(struct toll_baton *baton)
{
    atomic_store(&baton->stopped, true);
    wake(baton);
}
