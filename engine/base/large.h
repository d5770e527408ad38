/*
 * Memory in 2 MiB pages where the system gives them, for what is read here and there: with 4 KiB pages a
 * random read costs more, because the place of the page has to be found first.
 */
#ifndef TOLL_BASE_LARGE_H
#define TOLL_BASE_LARGE_H

#include <stdbool.h>
#include <stddef.h>

/* Not zeroed, nothing touched; begins on such a page; free() ends it. NULL: out of memory. */
void *toll_large_alloc(size_t bytes);
/* The same for what may be small, too: small things lie in small pages. */
void *toll_large_array(size_t bytes);
/* How many bytes a large one really has. */
size_t toll_large_bytes(size_t bytes);

/* The same as a map, all 0, that takes memory only as it is touched; bytes: whole such pages; large: whether
 * it wants them. NULL: out of memory. */
void *toll_large_map(size_t bytes, bool large);
void toll_large_unmap(void *map, size_t bytes);

#endif
