/*
 * One delivered file: read, named by its SHA-256, recognised, and turned into rows.
 */
#ifndef TOLL_INGEST_DELIVERY_H
#define TOLL_INGEST_DELIVERY_H

#include "base/error.h"
#include "ingest/gather.h"
#include "ingest/reject.h"
#include "ingest/rows.h"
#include "mmap_cdr/dataset.h"

struct toll_delivery {
    const char *path;
    char sha256[65];
    int64_t bytes;
    bool already_imported; /* a receipt of the dataset, or an earlier file of this call, has these bytes */
    bool refused;          /* reported as a finding; no rows */
    int64_t rows, accepted, rejected, legs, warnings, duration_ms; /* accepted + legs rows were gathered */
    toll_ms first_start, last_start;
    char header_hash[33];
    enum toll_reject_reason first_reject;
    long first_reject_line;
    struct toll_rejects_text rejects; /* its rejects file; empty when there are none */
};

struct toll_delivery_run {
    const struct toll_io *io;
    const struct toll_spec *spec;
    const struct toll_dataset *dataset;
    const char *carrier;
    struct toll_gather *gather;         /* where its rows go */
    const struct toll_kernels *kernels; /* NULL: the portable ones */
    bool fast_sha256;                   /* toll_sha256_is_fast */
    struct toll_findings *findings;
    /* Bytes of the current file that were read; complete: it is done. On the caller's thread; may be NULL. */
    void (*tick)(void *context, int64_t bytes, bool complete);
    void *tick_context;
};

/* 0 also when the file is refused or was imported before; negative: nothing can go on. earlier: the files of
 * this call that were read before; their number is the index that rows know the file by. */
int toll_delivery_read(const struct toll_delivery_run *run, const char *path,
                       const struct toll_delivery *earlier, size_t earlier_count, struct toll_delivery *out,
                       struct toll_error *error);
void toll_delivery_free(struct toll_delivery *delivery);

/* The last component of a path. */
const char *toll_delivery_name(const char *path);

#endif
