/*
 * A program with one planted fault, linked like the command: what memcheck.py must see valgrind find before
 * it believes that the command has none. memcheck_proof none|leak|overread|uninitialised.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void leak(void)
{
    char *volatile lost = malloc(100);
    lost[0] = 1;
    lost = NULL;
}

static int overread(void)
{
    const volatile char *volatile bytes = calloc(100, 1);
    const int sum = bytes[100];
    free((void *)(uintptr_t)bytes);
    return sum;
}

static int uninitialised(void)
{
    volatile char *volatile bytes = malloc(100); /* twice: the compiler must not see what is planted here */
    const int said = bytes[50] == 7 ? puts("seven") : 0;
    free((void *)(uintptr_t)bytes);
    return said;
}

int main(int argc, char **argv)
{
    const char *fault = argc > 1 ? argv[1] : "none";
    if (strcmp(fault, "leak") == 0)
        leak();
    else if (strcmp(fault, "overread") == 0)
        return overread() & 0;
    else if (strcmp(fault, "uninitialised") == 0)
        return uninitialised() & 0;
    return 0;
}
