/*
 * A ledger (docs/RERATE.md section 4; docs/FORMATS.md has the columns): a directory that holds an entry for a
 * run and one for each delta posted after it, 0000001, 0000002, ... An entry is a directory of its own that
 * appears whole: entry.json, its manifest, which names the entry before by its digest, and amounts.arrow.
 * Nothing in it is ever changed. Whoever posts holds a lock on the ledger's directory.
 */
#ifndef TOLL_SEGMENT_LEDGER_H
#define TOLL_SEGMENT_LEDGER_H

#include "base/strings.h"
#include "mmap_cdr/manifest.h"
#include "segment/delta.h"
#include "segment/run_tables.h"

#define TOLL_LEDGER_MANIFEST "entry.json"
#define TOLL_LEDGER_AMOUNTS "amounts.arrow"
#define TOLL_LEDGER_SCHEMA "tollmill.ledger_entry/1"
#define TOLL_LEDGER_ENTRIES 9999999 /* names have seven digits */
#define TOLL_LEDGER_NAME_BYTES 8

/* Ascending (account, currency); rows that change nothing are not there. */
struct toll_ledger_row {
    const char *account, *currency;
    int64_t before, after; /* lines and period charges; before: the sum of the entries before */
    int64_t due;           /* adjusting lines that are due */
    int64_t due_tax_cents; /* and their billable taxes */
};
extern const struct toll_run_table toll_ledger_amounts;

struct toll_ledger_record {
    int64_t seq;                     /* from 1 on */
    bool original;                   /* a run; else a delta */
    struct toll_hash128 posted, run; /* digests: of what was posted; of the run that stands after it */
    struct toll_hash128 before;      /* digest of the entry before; all 0 of the first */
    int64_t changed;                 /* lines; 0 of a run */
    struct toll_hash128 digest;      /* of its manifest */
    int64_t amounts_bytes;
    struct toll_hash128 amounts_hash;
    struct toll_ledger_row *rows;
    int64_t row_count;
};

struct toll_ledger {
    const struct toll_io *io;
    char *path;
    struct toll_ledger_record *entries;
    int64_t entry_count;
    struct toll_arena arena; /* texts */
    int64_t files, bytes;
    /* by (account, currency), then entry: */
    struct toll_ledger_place {
        int64_t entry, row;
    } * places;
    int64_t place_count;
};

/* toll_ledger_open (tollmill_delta.h) with the system's calls as an argument. Reads every entry and checks
 * the chain: digests, runs, and that each amount goes on from the sum of those before. */
int toll_ledger_open_with(const struct toll_io *io, const char *path, struct toll_ledger **out,
                          struct toll_error *error);
/* toll_ledger_post likewise. */
int toll_ledger_post_with(const struct toll_io *io, const char *ledger_path, const char *path, int64_t *seq,
                          struct toll_error *error);
/* The row of a place. */
const struct toll_ledger_row *toll_ledger_place_row(const struct toll_ledger *ledger, int64_t place);
void toll_ledger_entry_name(int64_t seq, char name[TOLL_LEDGER_NAME_BYTES]);

#endif
