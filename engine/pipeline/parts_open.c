/*
 * Opening parts that are not in the page cache: a dozen small reads each, one after the other, while the
 * device may be busy with the book. So several threads open them; they wait, and do not compute.
 */
#include "pipeline/rate.h"

#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define OPENERS 16
#define PARTS_FOR_OPENERS 4

struct opening {
    const struct toll_dataset *dataset;
    size_t first, count;
    enum toll_read_path how;
    struct toll_cdr_part **parts;
    int *codes;                /* of each */
    struct toll_error *errors; /* likewise */
    atomic_size_t next;
};

static void *open_next(void *argument)
{
    struct opening *opening = argument;
    size_t i;
    while ((i = atomic_fetch_add(&opening->next, 1)) < opening->count)
        opening->codes[i] = toll_dataset_part_open(opening->dataset, opening->first + i, opening->how,
                                                   &opening->parts[i], &opening->errors[i]);
    return NULL;
}

static void open_all(struct opening *opening)
{
    pthread_t openers[OPENERS];
    unsigned count = 0;
    while (opening->how == TOLL_READ_RING && opening->count >= PARTS_FOR_OPENERS && count < OPENERS &&
           count + 1 < opening->count && pthread_create(&openers[count], NULL, open_next, opening) == 0)
        count++;
    open_next(opening);
    for (unsigned i = 0; i < count; i++)
        pthread_join(openers[i], NULL);
}

int toll_parts_open(const struct toll_dataset *dataset, size_t first, size_t last, enum toll_read_path how,
                    struct toll_cdr_part **parts, struct toll_error *error)
{
    struct opening opening = {
        .dataset = dataset, .first = first, .count = last - first, .how = how, .parts = parts};
    int rc = 0;
    opening.codes = calloc(opening.count + 1, sizeof *opening.codes);
    opening.errors = malloc((opening.count + 1) * sizeof *opening.errors);
    if (opening.codes == NULL || opening.errors == NULL)
        rc = toll_error_set(error, TOLL_ENOMEM, "out of memory for the parts");
    else
        open_all(&opening);
    for (size_t i = 0; rc == 0 && i < opening.count; i++) {
        rc = opening.codes[i];
        if (rc != 0 && error != NULL)
            *error = opening.errors[i];
    }
    for (size_t i = 0; rc != 0 && opening.codes != NULL && opening.errors != NULL && i < opening.count; i++) {
        if (opening.codes[i] == 0)
            toll_cdr_part_close(parts[i]);
        parts[i] = NULL;
    }
    free(opening.codes);
    free(opening.errors);
    return rc;
}

/* ---- ahead ---- */

static void *open_ahead(void *argument)
{
    struct toll_parts_ahead *ahead = argument;
    ahead->rc =
        toll_parts_open(ahead->dataset, ahead->first, ahead->last, ahead->how, ahead->parts, &ahead->error);
    return NULL;
}

void toll_parts_ahead_begin(struct toll_parts_ahead *ahead, const struct toll_dataset *dataset, size_t first,
                            size_t last, enum toll_read_path how)
{
    ahead->dataset = dataset;
    ahead->first = first;
    ahead->last = last - first < TOLL_PARTS_AT_ONCE ? last : first + TOLL_PARTS_AT_ONCE;
    ahead->how = how;
    ahead->begun =
        last - first >= PARTS_FOR_OPENERS && pthread_create(&ahead->thread, NULL, open_ahead, ahead) == 0;
}

int toll_parts_ahead_take(struct toll_parts_ahead *ahead, const struct toll_dataset *dataset, size_t first,
                          size_t last, enum toll_read_path how, struct toll_cdr_part **parts,
                          struct toll_error *error)
{
    if (ahead == NULL || !ahead->begun || ahead->first != first || ahead->last != last)
        return toll_parts_open(dataset, first, last, how, parts, error);
    pthread_join(ahead->thread, NULL);
    ahead->begun = false;
    if (ahead->rc == 0)
        memcpy(parts, ahead->parts, (last - first) * sizeof *parts);
    else if (error != NULL)
        *error = ahead->error;
    return ahead->rc;
}

void toll_parts_ahead_close(struct toll_parts_ahead *ahead)
{
    if (!ahead->begun)
        return;
    pthread_join(ahead->thread, NULL);
    ahead->begun = false;
    for (size_t i = ahead->first; ahead->rc == 0 && i < ahead->last; i++)
        toll_cdr_part_close(ahead->parts[i - ahead->first]);
}
