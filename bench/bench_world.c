/*
 * Writes one of the frozen worlds: a book folder, and its calls as a dataset or as text.
 *
 *   bench_world FOLDER                       the canonical month: FOLDER/book and FOLDER/cdrs
 *   --world plain|month                      which one
 *   --cdrs N --numbers N --areas N --days N  other sizes (20 million, 200,000, 400, 30)
 *   --csv FILE                               the calls into FILE, no dataset
 */
#include "month.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int usage(void)
{
    fputs("usage: bench_world FOLDER [--world plain|month] [--cdrs N] [--numbers N] [--areas N] [--days N] "
          "[--csv FILE]\n",
          stderr);
    return 64;
}

int main(int argc, char **argv)
{
    struct toll_world_size size = {20000000, 200000, 400, 30};
    const char *folder = NULL, *csv = NULL, *world = "month";
    for (int i = 1; i < argc; i++) {
        const bool has_value = i + 1 < argc;
        if (strncmp(argv[i], "--", 2) != 0 && folder == NULL)
            folder = argv[i];
        else if (!has_value)
            return usage();
        else if (strcmp(argv[i], "--world") == 0)
            world = argv[++i];
        else if (strcmp(argv[i], "--csv") == 0)
            csv = argv[++i];
        else if (strcmp(argv[i], "--cdrs") == 0)
            size.cdrs = atoll(argv[++i]);
        else if (strcmp(argv[i], "--numbers") == 0)
            size.numbers = (uint32_t)atoll(argv[++i]);
        else if (strcmp(argv[i], "--areas") == 0)
            size.areas = (uint32_t)atoll(argv[++i]);
        else if (strcmp(argv[i], "--days") == 0)
            size.days = atoi(argv[++i]);
        else
            return usage();
    }
    const bool month = strcmp(world, "month") == 0;
    if (folder == NULL || (!month && strcmp(world, "plain") != 0) || size.cdrs < 1 || size.days < 1 ||
        size.numbers < 10 || size.numbers % 10 != 0 || size.areas < 1 || size.areas > 400)
        return usage();
    mkdir(folder, 0750);
    int rc;
    if (csv == NULL)
        rc = month ? toll_month_write(folder, &size) : toll_world_write(folder, &size);
    else
        rc = month ? toll_month_write_book(folder, &size) : toll_world_write_book(folder, &size);
    if (rc == 0 && csv != NULL)
        rc = toll_world_write_csv(csv, &size);
    return rc == 0 ? 0 : 1;
}
