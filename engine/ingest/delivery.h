/*
 * One delivered file: read, named by its SHA-256, recognised, and turned into rows.
 */
#ifndef TOLL_INGEST_DELIVERY_H
#define TOLL_INGEST_DELIVERY_H

#include "base/error.h"
#include "ingest/rows.h"
#include "mmap_cdr/dataset.h"

struct toll_delivery {
    const char *path;
    char sha256[65];
    int64_t bytes;
    bool already_imported; /* a receipt of the dataset, or an earlier file of this call, has these bytes */
    bool refused;          /* reported as a finding; no rows */
    struct toll_chunk *chunks;
    size_t chunk_count;
    int64_t rows, accepted, rejected, legs, warnings, duration_ms; /* accepted + legs rows in the chunks */
    toll_ms first_start, last_start;
    uint32_t source; /* id in the run's names */
    char header_hash[33];
    char *rejects; /* the text of its rejects file, NULL when there are none */
    size_t rejects_bytes;
};

struct toll_delivery_run {
    const struct toll_io *io;
    const struct toll_spec *spec;
    const struct toll_dataset *dataset;
    const char *carrier;
    unsigned threads;
    const struct toll_kernels *kernels; /* NULL: the portable ones */
    struct toll_row_names *names;
    struct toll_findings *findings;
    /* Bytes of the current file that were read; complete: it is done. On the caller's thread; may be NULL. */
    void (*tick)(void *context, int64_t bytes, bool complete);
    void *tick_context;
};

/* 0 also when the file is refused or was imported before; negative: nothing can go on. earlier: the files of
 * this call that were read before. */
int toll_delivery_read(const struct toll_delivery_run *run, const char *path,
                       const struct toll_delivery *earlier, size_t earlier_count, struct toll_delivery *out,
                       struct toll_error *error);
void toll_delivery_free(struct toll_delivery *delivery);

/* The last component of a path. */
const char *toll_delivery_name(const char *path);

#endif
