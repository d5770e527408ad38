/* A table of a world's book, begun with its header. */
#ifndef TOLL_BENCH_BOOK_FILE_H
#define TOLL_BENCH_BOOK_FILE_H

#include <stdio.h>

/* FOLDER/book/NAME; NULL after a message on stderr. */
static inline FILE *create(const char *folder, const char *name, const char *header)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/book/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        fprintf(stderr, "%s: cannot be created\n", path);
    else
        fprintf(file, "%s\n", header);
    return file;
}

#endif
