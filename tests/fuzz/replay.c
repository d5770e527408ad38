/*
 * A fuzz target without a fuzzer: runs every file of the folders and files named, each in memory of exactly
 * its size. Exits 1 when there is nothing to run, so that a corpus that got lost is seen.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

static bool run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0)
        return false;
    const size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size);
    const bool whole = (data != NULL || size == 0) && fread(data, 1, size, file) == size;
    fclose(file);
    if (whole)
        LLVMFuzzerTestOneInput(data, size);
    free(data);
    return whole;
}

static size_t run_folder(const char *folder)
{
    char path[4096];
    size_t done = 0;
    DIR *opened = opendir(folder);
    if (opened == NULL)
        return run_file(folder);
    for (struct dirent *entry = readdir(opened); entry != NULL; entry = readdir(opened)) {
        const int bytes = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || bytes < 0 || bytes >= (int)sizeof path)
            continue;
        if (!run_file(path)) {
            fprintf(stderr, "%s: cannot be read\n", path);
            exit(1);
        }
        done++;
    }
    closedir(opened);
    return done;
}

int main(int count, char **arguments)
{
    size_t done = 0;
    for (int i = 1; i < count; i++)
        done += run_folder(arguments[i]);
    printf("%zu inputs\n", done);
    return done > 0 ? 0 : 1;
}
