/* What the files of the dataset share: the text of its manifest and receipts, and copies of parts and
 * receipts. */
#ifndef TOLL_MMAP_CDR_DATASET_TEXT_H
#define TOLL_MMAP_CDR_DATASET_TEXT_H

#include "mmap_cdr/dataset.h"
#include "mmap_cdr/manifest.h"

#define TOLL_DATASET_MANIFEST "dataset.json"
#define TOLL_DATASET_SCHEMA "tollmill.dataset/1"
#define TOLL_RECEIPT_SCHEMA "tollmill.receipt/1"

/* dataset.json of generation, parts, receipts and cdr_hash; and of one receipt. The caller frees json. */
int toll_dataset_encode(struct toll_json *json, const struct toll_dataset *dataset, struct toll_error *error);
int toll_receipt_encode(struct toll_json *json, const struct toll_receipt *receipt, struct toll_error *error);
/* Fills generation, parts, receipts and cdr_hash; on failure nothing. */
int toll_dataset_decode(struct toll_dataset *dataset, const char *data, size_t size,
                        struct toll_error *error);

/* The cdr_hash of parts; false: out of memory. */
bool toll_dataset_hash(const struct toll_dataset_part *parts, size_t count, struct toll_hash128 *out);
/* What is wrong with parts or receipts as a whole (order, doubles, overlaps), or NULL. */
const char *toll_dataset_fault(const struct toll_dataset *dataset);

/* The generation in the name of a part's file ("2026-03-01.0.g7.arrow", "....text.arrow"); 0 for any other
 * name. */
int64_t toll_part_file_generation(const char *name);
/* Of struct toll_dataset_part, by (day, part); for qsort and bsearch. */
int toll_dataset_compare_parts(const void *a, const void *b);

bool toll_receipt_copy(struct toll_receipt *to, const struct toll_receipt *from); /* false: out of memory */
void toll_receipts_free(struct toll_receipt *receipts, size_t count);

#endif
