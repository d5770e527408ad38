/*
 * The benchmark world, frozen: a book folder and a dataset made from nothing but their sizes, the same bytes
 * on every machine. 400 area codes with about 125,000 exchanges, 10,000 thousands blocks and 13,000 foreign
 * prefixes in one deck; 16 plans with toll-free calls free; 10 numbers an account. 80 % of the calls come
 * from 20 % of the numbers, 2 % from unknown ones; 10 % are not answered; 45 % go to any number of an area
 * code, 40 % to a prefix of the deck, 3 % are toll-free, 12 % go abroad.
 */
#ifndef TOLL_BENCH_WORLD_H
#define TOLL_BENCH_WORLD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct toll_world_size {
    int64_t cdrs;
    uint32_t numbers; /* a multiple of 10 */
    uint32_t areas;   /* of the deck, at most 400: fewer make a small deck */
    int days;
};

/* Writes FOLDER/book and FOLDER/cdrs; the folder exists. 0, or -1 after a message on stderr. */
int toll_world_write(const char *folder, const struct toll_world_size *size);

#ifdef __cplusplus
}
#endif

#endif
