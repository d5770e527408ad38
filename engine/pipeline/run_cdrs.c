/* See run_cdrs.h. */
#include "pipeline/run_cdrs.h"

#include "base/error.h"

#include <stdlib.h>

static int use_its_parts(struct toll_dataset *dataset, const struct toll_run_files *run, const char *path,
                         int missing, struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &run->manifest;
    struct toll_dataset_part *parts = calloc(manifest->part_count + 1, sizeof *parts);
    if (parts == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    for (size_t i = 0; i < manifest->part_count; i++) {
        const struct toll_run_part *part = &manifest->parts[i];
        parts[i] = (struct toll_dataset_part){.day = part->day,
                                              .part = part->part,
                                              .rows = part->rows,
                                              .seal = part->cdr_seal,
                                              .text_seal = part->cdr_text_seal};
    }
    struct toll_error reason = {0};
    const int rc = toll_dataset_as_it_was(dataset, parts, manifest->part_count, &reason);
    free(parts);
    if (rc == TOLL_ENOINPUT)
        return toll_error_set(
            error, missing,
            "%s is not the dataset that %s rated, or was imported into since (%s); name the "
            "right one, restore those files from a backup, or rate it again",
            path, run->path, reason.text);
    return rc == 0 ? 0 : toll_error_set(error, rc, "%s", reason.text);
}

int toll_run_cdrs_open(struct toll_dataset *dataset, const struct toll_run_files *run, const char *path,
                       int missing, struct toll_error *error)
{
    int rc = toll_dataset_open(dataset, run->io, path, error);
    if (rc != 0)
        return rc;
    rc = use_its_parts(dataset, run, path, missing, error);
    if (rc != 0)
        toll_dataset_close(dataset);
    return rc;
}
