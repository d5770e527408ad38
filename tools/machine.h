/* What the machine may give to rating, as rate, rerate and whatif are told on the command line; none of it
 * changes what comes out. */
#ifndef CMD_MACHINE_H
#define CMD_MACHINE_H

#include "options.h"
#include "tollmill.h"

struct cmd_machine { /* zeroed: all of it, as it likes */
    int64_t threads, memory_bytes;
    int io, simd;
};
_Static_assert(TOLL_IO_AUTO == 0 && TOLL_SIMD_AUTO == 0, "zeroed");

extern const char *const cmd_io_choices[], *const cmd_simd_choices[];

/* The options of a verb that has them. */
#define CMD_OPTIONS_MACHINE(variable)                                                                       \
    {.kind = CMD_NUMBER,                                                                                    \
     .name = "threads",                                                                                     \
     .value = "N",                                                                                          \
     .help = "workers; never changes a byte (default: all cores)",                                          \
     .target = &(variable).threads,                                                                         \
     .minimum = 1,                                                                                          \
     .maximum = 4096},                                                                                      \
        {.kind = CMD_NUMBER,                                                                                \
         .name = "memory",                                                                                  \
         .value = "SIZE",                                                                                   \
         .help = "memory to reserve at most, 2GiB: fewer workers, nothing mapped (default: what it takes)", \
         .target = &(variable).memory_bytes,                                                                \
         .minimum = 1,                                                                                      \
         .maximum = INT64_MAX},                                                                             \
        {.kind = CMD_CHOICE,                                                                                \
         .name = "io",                                                                                      \
         .value = "auto|mmap|pread|io_uring",                                                               \
         .help = "how files are read and written; never changes a byte",                                    \
         .target = &(variable).io,                                                                          \
         .choices = cmd_io_choices},                                                                        \
    {                                                                                                       \
        .kind = CMD_CHOICE, .name = "simd", .value = "auto|scalar|avx2|avx512",                             \
        .help = "which instructions; never changes a byte", .target = &(variable).simd,                     \
        .choices = cmd_simd_choices                                                                         \
    }

#endif
