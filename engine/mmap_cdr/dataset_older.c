/*
 * A dataset as it was. An import never changes a part file, it writes the day again with its generation in
 * the name; so whoever kept a part's seal can read it as long as nobody has removed the file. Its name says
 * nothing about what is in it: the seal decides.
 */
#include "base/error.h"
#include "mmap_cdr/dataset_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct older {
    const struct toll_dataset *dataset;
    char **names; /* under parts/, sorted; NULL: not listed yet */
    size_t count;
};

static bool same_seal(const struct toll_file_seal *a, const struct toll_file_seal *b)
{
    return a->bytes == b->bytes && toll_hash_equal(a->digest, b->digest);
}

/* The part of the manifest of now; NULL: that is another one. */
static const struct toll_dataset_part *current(const struct toll_dataset *dataset,
                                               const struct toll_dataset_part *wanted)
{
    const struct toll_dataset_part *part = dataset->part_count == 0
                                               ? NULL
                                               : bsearch(wanted, dataset->parts, dataset->part_count,
                                                         sizeof *wanted, toll_dataset_compare_parts);
    const bool same = part != NULL && part->rows == wanted->rows && same_seal(&part->seal, &wanted->seal) &&
                      (wanted->text_seal.bytes == 0 || same_seal(&part->text_seal, &wanted->text_seal));
    return same ? part : NULL;
}

/* 0: it is the file that was sealed so (its batches are compared with their checksums when they are read). */
static int check_file(const struct toll_dataset *dataset, const struct toll_dataset_part *part,
                      struct toll_error *error)
{
    const struct toll_dataset one = {.io = dataset->io,
                                     .path = dataset->path,
                                     .directory = dataset->directory,
                                     .parts = (struct toll_dataset_part *)part,
                                     .part_count = 1};
    struct toll_cdr_part *opened;
    struct toll_cdr_text *text;
    int rc = toll_dataset_part_open(&one, 0, TOLL_READ_PREAD, &opened, error);
    if (rc != 0)
        return rc;
    toll_cdr_part_close(opened);
    rc = toll_dataset_text_open(&one, 0, TOLL_READ_PREAD, &text, error);
    if (rc == 0)
        toll_cdr_text_close(text);
    return rc;
}

static int find_file(struct older *older, const struct toll_dataset_part *wanted,
                     struct toll_dataset_part *found, struct toll_error *error)
{
    const struct toll_dataset *dataset = older->dataset;
    char day[TOLL_TIME_TEXT_BYTES];
    if (older->names == NULL) {
        const int rc = toll_list_directory(dataset->io, dataset->directory, "parts", &older->names,
                                           &older->count, error);
        if (rc != 0)
            return toll_error_within(error, rc, dataset->path);
    }
    toll_day_format(wanted->day, day);
    for (size_t i = 0; wanted->text_seal.bytes > 0 && i < older->count; i++) {
        char name[TOLL_PART_NAME_BYTES], file[TOLL_PART_NAME_BYTES + sizeof ".arrow"];
        const int64_t generation = toll_part_file_generation(older->names[i]);
        /* one of a later generation than the dataset's was never published */
        if (generation < 1 || generation > dataset->generation ||
            strncmp(older->names[i], day, strlen(day)) != 0)
            continue;
        *found = *wanted;
        found->generation = generation;
        toll_dataset_part_name(found, name);
        snprintf(file, sizeof file, "%s.arrow", name);
        if (strcmp(file, older->names[i]) != 0)
            continue;
        const int rc = check_file(dataset, found, error);
        if (rc == 0 || rc == TOLL_ENOMEM)
            return rc;
    }
    return toll_error_set(error, TOLL_ENOINPUT,
                          "%s/parts: what %s was before it was imported into again is not there any more, or "
                          "damaged",
                          dataset->path, day);
}

int toll_dataset_as_it_was(struct toll_dataset *dataset, const struct toll_dataset_part *wanted, size_t count,
                           struct toll_error *error)
{
    struct older older = {.dataset = dataset};
    struct toll_dataset_part *parts = calloc(count + 1, sizeof *parts);
    int rc = parts == NULL ? toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", dataset->path) : 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct toll_dataset_part *now = current(dataset, &wanted[i]);
        if (now != NULL)
            parts[i] = *now;
        else
            rc = find_file(&older, &wanted[i], &parts[i], error);
    }
    if (older.names != NULL)
        toll_names_free(older.names, older.count);
    if (rc != 0) {
        free(parts);
        return rc;
    }
    free(dataset->parts);
    dataset->parts = parts;
    dataset->part_count = count;
    return 0;
}
