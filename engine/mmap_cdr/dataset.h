/*
 * A dataset: a directory of immutable parts under `parts/`, `receipts/<sha256>.json`, `rejects/<sha256>.csv`,
 * and `dataset.json`, the manifest, replaced in one step per generation. What the manifest does not name does
 * not exist.
 *
 * cdr_hash is a function of the current parts alone: XXH3-128 over, for each part in (day, part) order, the
 * text
 * "<day> <part> <rows> <digest of part> <digest of sidecar>\n", where a digest here covers the whole file
 * (seal digest and the buffers' checksums, which the sealed metadata holds; so the seal digest is enough).
 *
 * Each generation's part files carry its number in their names, so a reader of an older manifest is never
 * disturbed. Files of generations up to the manifest's stay until somebody prunes them; what a killed import
 * left has a higher number.
 */
#ifndef TOLL_MMAP_CDR_DATASET_H
#define TOLL_MMAP_CDR_DATASET_H

#include "mmap_cdr/part.h"

struct toll_dataset_part {
    int64_t day; /* UTC days since 1970 */
    int part;    /* 0-based within the day; always 0 today */
    int64_t generation;
    int64_t rows, conflicts; /* conflicts: rows with TOLL_KIND_CONFLICT */
    toll_ms first_start, last_start;
    struct toll_cdr_most most; /* not known of parts that an earlier version wrote */
    struct toll_file_seal seal, text_seal;
};

/* One delivered file. */
struct toll_receipt {
    char sha256[65];
    char *file; /* base name as delivered */
    char *spec, *spec_version, *carrier;
    int64_t bytes, rows, accepted, rejected, warnings;
    int64_t legs;       /* rows of the dataset in addition: accepted records that gave two */
    int64_t duplicates; /* rows, legs among them: accepted + legs - duplicates are in the dataset */
    toll_ms first_start, last_start; /* of accepted rows; 0 when none */
    int64_t duration_ms;             /* sum over accepted rows */
    char header_hash[33];            /* XXH3-128 of the header line; "" without header */
    /* Of rejects/<sha256>.csv as it was when the receipt was first published: from whoever wrote the file, as
     * what a disk lost is found only so; of "" toll_dataset_publish reads the file. "" and 0 then: there is
     * no such file. */
    char rejects_hash[33];
    int64_t rejects_bytes;
};

struct toll_dataset {
    const struct toll_io *io;
    char *path;
    int directory; /* fd */
    int64_t generation;
    struct toll_dataset_part *parts; /* by (day, part) */
    size_t part_count;
    struct toll_receipt *receipts; /* by sha256 */
    size_t receipt_count;
    struct toll_hash128 cdr_hash;
    bool locked;
};

/* Opens for reading: reads dataset.json, checks its digest and every field. No manifest: TOLL_ENOINPUT. */
int toll_dataset_open(struct toll_dataset *dataset, const struct toll_io *io, const char *path,
                      struct toll_error *error);
/* Opens for import: makes the directory and parts/, receipts/, rejects/ if needed, locks it (TOLL_ELOCKED),
 * an absent manifest is generation 0, and removes what a killed import left under parts/: part files of
 * generations that no manifest has named yet. The next generation is generation + 1. */
int toll_dataset_open_for_import(struct toll_dataset *dataset, const struct toll_io *io, const char *path,
                                 struct toll_error *error);
void toll_dataset_close(struct toll_dataset *dataset);

/* The file name of a part without ".arrow": "2026-03-01.0.g7" under parts/. */
#define TOLL_PART_NAME_BYTES 64
void toll_dataset_part_name(const struct toll_dataset_part *part, char name[TOLL_PART_NAME_BYTES]);
int toll_dataset_part_open(const struct toll_dataset *dataset, size_t index, enum toll_read_path how,
                           struct toll_cdr_part **out, struct toll_error *error);
int toll_dataset_text_open(const struct toll_dataset *dataset, size_t index, enum toll_read_path how,
                           struct toll_cdr_text **out, struct toll_error *error);

/* Makes the dataset's parts those that somebody read when they were its parts, also where they are older
 * generations' by now: wanted[i] has day, part, rows, seal and text_seal (bytes 0: not known, then only a
 * part that still is one will do). Starts, conflicts and usage are not told of older ones. For reading only.
 * TOLL_ENOINPUT: a file is not there any more; *dataset is then as before. */
int toll_dataset_as_it_was(struct toll_dataset *dataset, const struct toll_dataset_part *wanted, size_t count,
                           struct toll_error *error);

/* Publishes a new generation: these parts and receipts are the dataset from now on, also in *dataset (both
 * are copied and sorted here; they may be or hold what dataset points to; cdr_hash is computed here). The
 * part and rejects files were written, and fsynced, before. Old generations' files stay. After a failure
 * the manifest may name the new files already: look before removing them; if they stay, the next import
 * removes them. */
int toll_dataset_publish(struct toll_dataset *dataset, const struct toll_dataset_part *parts,
                         size_t part_count, const struct toll_receipt *receipts, size_t receipt_count,
                         struct toll_error *error);

/* Re-reads everything: manifest, receipts, rejects files, seals, every buffer, order within parts, day
 * bounds, row and conflict counts, ids, numbers, kinds, that every word of a dictionary and every optional
 * column is used, cdr_hash. TOLL_EDATA for the first that is wrong. */
int toll_dataset_verify(const struct toll_dataset *dataset, struct toll_error *error);

#endif
