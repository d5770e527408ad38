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
/* FOLDER/book alone; and the same calls as text, of tollmill's own columns. */
int toll_world_write_book(const char *folder, const struct toll_world_size *size);
int toll_world_write_csv(const char *path, const struct toll_world_size *size);

/* The same numbers, deck and calls as plain arrays, for what needs no files; numbers are packed BCD. */
struct toll_world_prefix {
    uint64_t digits; /* packed BCD */
    unsigned count;  /* of digits */
    uint32_t class_; /* of rates */
};
struct toll_world_arrays {
    uint64_t *numbers, *callers, *callees; /* size.numbers, size.cdrs, size.cdrs */
    struct toll_world_prefix *prefixes;
    uint32_t prefix_count;
};

/* 0, or -1: out of memory. Free with toll_world_arrays_free. */
int toll_world_arrays_make(const struct toll_world_size *size, struct toll_world_arrays *out);
void toll_world_arrays_free(struct toll_world_arrays *arrays);

#ifdef __cplusplus
}
#endif

#endif
