/*
 * How the command's allocator is set up: jemalloc reads this name when it starts.
 *
 * One arena for all threads. A thread for which jemalloc 5.3 cannot make an arena of its own crashes in its
 * first allocation, instead of being told that there is no memory. Our threads take memory in large pieces
 * and keep small ones in their caches, so they do not wait for each other: an import on two cores is as fast.
 */
extern const char *malloc_conf;

const char *malloc_conf = "narenas:1";
