/* The system's ring calls for struct toll_io; what they promise is written there. */
#ifndef TOLL_IO_RING_H
#define TOLL_IO_RING_H

#include "io/io.h"

int toll_ring_open(void *context, unsigned entries, struct toll_ring **ring);
int toll_ring_register(void *context, struct toll_ring *ring, const struct iovec *buffers, unsigned count);
int toll_ring_submit(void *context, struct toll_ring *ring, const struct toll_ring_operation *operations,
                     unsigned count);
int toll_ring_wait(void *context, struct toll_ring *ring, struct toll_ring_answer *answers, unsigned room,
                   unsigned least);
void toll_ring_close(void *context, struct toll_ring *ring);

#endif
