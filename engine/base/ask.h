/*
 * Functions that only ask for memory ahead of its use (__builtin_prefetch).
 *
 * gcc takes such a function for one without effects and leaves out calls of it, unless it stands where it is
 * called (seen with gcc 12): `static TOLL_ASK void expect_rows(...)`.
 */
#ifndef TOLL_BASE_ASK_H
#define TOLL_BASE_ASK_H

#define TOLL_ASK inline __attribute__((always_inline))

#endif
