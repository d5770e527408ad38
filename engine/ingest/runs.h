/*
 * Rows and keys on disk. A run is what was in memory when memory was full: its rows by day, sorted, and their
 * keys by partition. Each block has a checksum, as all bytes have that we read back.
 */
#ifndef TOLL_INGEST_RUNS_H
#define TOLL_INGEST_RUNS_H

#include "ingest/limits.h"
#include "ingest/memory.h"
#include "ingest/order.h"
#include "ingest/spill.h"

struct toll_run_block {
    int64_t offset;
    uint32_t bytes, rows;
    struct toll_hash128 hash;
};

/* Rows of one day, sorted by (start, record key). */
struct toll_run_day {
    int64_t day;
    int64_t rows;
    struct toll_run_block *blocks;
    size_t block_count;
    struct toll_use use; /* names are the run's (of the import) */
    uint32_t *sources;   /* indices of the files, each once */
    uint32_t source_count;
};

/* Keys by partition: as many as memory held. */
struct toll_key_run {
    int64_t offset;
    uint64_t at[TOLL_KEY_PARTITIONS + 1]; /* records */
    struct toll_hash128 hash[TOLL_KEY_PARTITIONS];
    bool old; /* of the dataset's rows: the last bit of meta says that the row is marked already */
};

struct toll_run {
    struct toll_run_day *days; /* ascending */
    size_t day_count;
};
void toll_run_free(struct toll_run *run);

/* Keys on their way to disk: sorted by partition, and written, as often as there are many. */
struct toll_key_writer {
    struct toll_spill *spill;
    struct toll_memory *memory;
    struct toll_key_record *records, *spread;
    size_t count, room;
    bool old; /* of the dataset's rows */
    struct toll_key_run *runs;
    size_t run_count;
};
/* TOLL_ENOMEM; to be closed even so. */
int toll_key_writer_open(struct toll_key_writer *writer, struct toll_spill *spill, struct toll_memory *memory,
                         bool old, struct toll_error *error);
int toll_key_writer_flush(struct toll_key_writer *writer, struct toll_error *error);
static inline int toll_key_writer_add(struct toll_key_writer *writer, uint64_t key_high, uint64_t key_low,
                                      uint64_t meta, struct toll_error *error)
{
    if (__builtin_expect(writer->count == writer->room, 0)) {
        int code = toll_key_writer_flush(writer, error);

        if (code != 0)
            return code;
    }
    writer->records[writer->count++] = (struct toll_key_record){key_high, key_low, meta};
    return 0;
}
/* code: 0, or why it ends early, which is given back. The runs are added to those of the caller. */
int toll_key_writer_close(struct toll_key_writer *writer, int code, struct toll_key_run **runs, size_t *count,
                          struct toll_error *error);

/* Writes rows in their order. block_bytes: TOLL_RUN_BLOCK_MIN or more. */
struct toll_run_writer {
    struct toll_spill *spill;
    struct toll_run_day *day;
    uint8_t *buffer;
    size_t block_bytes, used;
    uint32_t rows;
};
#define TOLL_RUN_BLOCK_MIN ((size_t)16 << 10)  /* of which a merge holds one for each run */
#define TOLL_RUN_BLOCK_MAX ((size_t)256 << 10) /* beyond it reading gains nothing */
#define TOLL_RUN_ROW_BYTES_MAX (64 + sizeof(struct toll_row_extra) + 3 * (size_t)TOLL_INGEST_TEXT_MAX)
/* row->source is the index of its file. */
int toll_run_write_row(struct toll_run_writer *writer, const struct toll_row *row, struct toll_error *error);
int toll_run_write_end(struct toll_run_writer *writer, struct toll_error *error);

/* One row after the other; a row stays good while the next is looked at. */
struct toll_run_reader {
    const struct toll_spill *spill;
    const struct toll_run_day *day;
    size_t block; /* the next */
    uint8_t *buffer;
    size_t at, used;
    struct toll_row_slot slots[2];
    unsigned turn;
};
int toll_run_reader_open(struct toll_run_reader *reader, const struct toll_spill *spill,
                         const struct toll_run_day *day, struct toll_error *error);
void toll_run_reader_close(struct toll_run_reader *reader);
/* *row NULL: there are no more. */
int toll_run_reader_next(struct toll_run_reader *reader, struct toll_row **row, struct toll_error *error);

#endif
