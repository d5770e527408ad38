/* The end of a run that has found itself wrong. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void toll_check_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "tollmill: %s:%d: assertion failed: %s (a bug in tollmill, please report it)\n", file,
            line, condition);
    abort();
}
