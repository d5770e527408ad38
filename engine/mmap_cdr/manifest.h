/*
 * Manifests: JSON that guards itself. Its last member is "digest", the XXH3-128 of all bytes before that key;
 * the bytes from the key to the end of the file are known in full, so a change of any bit is found. Used for
 * datasets, receipts and runs.
 */
#ifndef TOLL_MMAP_CDR_MANIFEST_H
#define TOLL_MMAP_CDR_MANIFEST_H

#include "base/checksum.h"
#include "mmap_cdr/part.h"
#include "text/json.h"
#include "text/yaml.h"

/* ---- writing ---- */

/* Adds "digest" to the open outermost map, closes it, ends the text. Not for compact JSON. */
int toll_manifest_finish(struct toll_json *json, const char *name, struct toll_error *error);
void toll_manifest_put_hash(struct toll_json *json, const char *key, struct toll_hash128 hash);
/* An entry of a list of files: name, bytes, xxh3. */
void toll_manifest_put_file(struct toll_json *json, const char *name, int64_t bytes,
                            struct toll_hash128 hash);
void toll_manifest_put_day(struct toll_json *json, const char *key, int64_t day);

/* ---- reading ---- */

/* A manifest as a tree. Getters note what is missing or wrong; toll_manifest_end tells the first of it. Texts
 * live as long as the manifest. */
struct toll_manifest {
    const char *path; /* for messages; borrowed */
    struct toll_arena arena;
    struct toll_findings findings;
    struct toll_yaml *root;
    struct toll_hash128 digest;
    bool no_memory; /* set by callers that could not keep what they read: toll_manifest_end then says
                       TOLL_ENOMEM */
};

/* Checks the digest and the tail, parses, and checks "schema". TOLL_EDATA. */
int toll_manifest_begin(struct toll_manifest *manifest, const char *path, const char *data, size_t size,
                        const char *schema, struct toll_error *error);
int64_t toll_manifest_int(struct toll_manifest *manifest, struct toll_yaml *map, const char *key,
                          int64_t low);
const char *toll_manifest_text(struct toll_manifest *manifest, struct toll_yaml *map, const char *key);
/* The same, copied into an arena that outlives the manifest; "" without memory, which end tells. */
const char *toll_manifest_keep(struct toll_manifest *manifest, struct toll_yaml *map, const char *key,
                               struct toll_arena *arena);
struct toll_hash128 toll_manifest_hash(struct toll_manifest *manifest, struct toll_yaml *map,
                                       const char *key);
int64_t toll_manifest_day(struct toll_manifest *manifest, struct toll_yaml *map, const char *key);
toll_total toll_manifest_money(struct toll_manifest *manifest, struct toll_yaml *map, const char *key);
/* A list of maps; NULL after a finding. */
struct toll_yaml *toll_manifest_list(struct toll_manifest *manifest, struct toll_yaml *map, const char *key);
/* The caller's own finding. */
void toll_manifest_fault(struct toll_manifest *manifest, const char *what);
/* TOLL_EDATA when anything was missing, wrong or not asked for. */
int toll_manifest_end(struct toll_manifest *manifest, struct toll_error *error);
void toll_manifest_free(struct toll_manifest *manifest); /* safe on a zeroed struct */

#endif
