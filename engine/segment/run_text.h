/* run.json: the manifest of a run as text and back, and what it must satisfy. */
#ifndef TOLL_SEGMENT_RUN_TEXT_H
#define TOLL_SEGMENT_RUN_TEXT_H

#include "mmap_cdr/manifest.h"
#include "segment/run.h"

#define TOLL_RUN_MANIFEST "run.json"
#define TOLL_RUN_STATS "stats.json"
#define TOLL_RUN_LINES "lines"
#define TOLL_RUN_SCHEMA "tollmill.run/1"
#define TOLL_RUN_TOTALS 64                   /* of struct toll_run_manifest */
#define TOLL_RUN_FILES (TOLL_RUN_BOOKS + 24) /* most whole files: books, and today sixteen more */
#define TOLL_RUN_FILE_NAME_BYTES 48

/* A file that was added whole. */
struct toll_run_file {
    char name[TOLL_RUN_FILE_NAME_BYTES];
    int64_t bytes;
    struct toll_hash128 hash;
};

/* Lower-case letters, digits, '_', '-' and single '.', so that a name never leaves the directory; not the
 * manifest's or the stats'. */
bool toll_run_file_name_valid(const char *name);

/* What contradicts itself in a manifest, or NULL: conservation, sums, order of parts. */
const char *toll_run_manifest_fault(const struct toll_run_manifest *manifest);

/* The caller frees json. */
int toll_run_manifest_encode(struct toll_json *json, const struct toll_run_manifest *manifest,
                             const struct toll_run_file *files, size_t file_count, struct toll_error *error);
/* Texts and parts go into the arena; files has room for TOLL_RUN_FILES. *digest may be NULL. */
int toll_run_manifest_decode(const char *path, const char *data, size_t size, struct toll_arena *arena,
                             struct toll_run_manifest *manifest, struct toll_run_file *files,
                             size_t *file_count, struct toll_hash128 *digest, struct toll_error *error);

#endif
