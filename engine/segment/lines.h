/*
 * Rated lines: row i of lines/<day>.arrow answers row i of the day's CDR part. Written by many workers at
 * once, since every offset is known before anything is written. Behind the columns that every run has come
 * those that it needs: of bundles, of cost, and in a merged run (segment/run.h) the book that priced each
 * line. Ids and units are 32 bits wide, or 16 in a file whose run knew beforehand that all of a column are
 * below 65,536; whoever reads a batch gets 32 either way, and whoever writes one puts what the file has.
 */
#ifndef TOLL_SEGMENT_LINES_H
#define TOLL_SEGMENT_LINES_H

#include "io/sync.h"
#include "mmap_cdr/arrow_file.h"
#include "mmap_cdr/part.h"

/* Columns in file order, as they are read: narrow ones are widened. */
struct toll_line_batch {
    int64_t rows;
    const int32_t *account;            /* id in accounts.arrow; 0 none */
    const int32_t *price;              /* id in prices.arrow; 0 none */
    const int32_t *billed;             /* units as the price row says (seconds for voice) */
    const int64_t *charge;             /* money 1e-8; 0 in suspense */
    const int32_t *tuple;              /* tax tuple; 0 until there is a tax table */
    const uint8_t *status;             /* enum toll_status in tollmill_segment.h */
    const uint8_t *class_jurisdiction; /* class << 4 | call jurisdiction */
    /* Where the run has them, in this order behind the others; else NULL: */
    const int32_t *included;    /* units of `billed` that bundles gave */
    const int32_t *pool;        /* id in pools.arrow of the first that gave; 0 none */
    const int64_t *cost;        /* money 1e-8 in the currency of the account (none: the book's) */
    const int32_t *cost_price;  /* id in prices.arrow; 0 none */
    const uint8_t *cost_status; /* enum toll_status; TOLL_ZERO_*: no cost, or one of 0 */
    const uint8_t *book;        /* index into the manifest's books */
};
#define TOLL_LINE_COLUMNS 7 /* that every run has */
#define TOLL_LINE_COLUMNS_MOST 13
enum toll_line_column {
    TOLL_LINE_ACCOUNT,
    TOLL_LINE_PRICE,
    TOLL_LINE_BILLED,
    TOLL_LINE_CHARGE,
    TOLL_LINE_TUPLE,
    TOLL_LINE_STATUS,
    TOLL_LINE_CLASS_JURISDICTION,
    TOLL_LINE_INCLUDED,
    TOLL_LINE_POOL,
    TOLL_LINE_COST,
    TOLL_LINE_COST_PRICE,
    TOLL_LINE_COST_STATUS,
    TOLL_LINE_BOOK
};
_Static_assert(TOLL_LINE_BOOK + 1 == TOLL_LINE_COLUMNS_MOST, "all of them");
/* Which others there are: bits. */
#define TOLL_LINES_POOL 1u /* included, pool */
#define TOLL_LINES_COST 2u /* cost, cost_price, cost_status */
#define TOLL_LINES_BOOK 4u /* book: of a merged run */
#define TOLL_LINES_OPTIONAL 7u
/* Beside them, which columns are narrow, uint16 in the file; of a column that is not there it says nothing.
 */
#define TOLL_LINES_NARROW(column) (1u << (8 + (column)))
#define TOLL_LINES_NARROW_MOST                                                   \
    (TOLL_LINES_NARROW(TOLL_LINE_ACCOUNT) | TOLL_LINES_NARROW(TOLL_LINE_PRICE) | \
     TOLL_LINES_NARROW(TOLL_LINE_BILLED) | TOLL_LINES_NARROW(TOLL_LINE_TUPLE) |  \
     TOLL_LINES_NARROW(TOLL_LINE_INCLUDED) | TOLL_LINES_NARROW(TOLL_LINE_POOL) | \
     TOLL_LINES_NARROW(TOLL_LINE_COST_PRICE))
#define TOLL_LINE_NARROW_END INT64_C(65536) /* what does not fit any more */

struct toll_lines_writer;

/* Creates lines/<name>.arrow below `directory` for `rows` rows, sized in full, its space reserved where the
 * file system can. optional: bits TOLL_LINES_... of the columns beyond those of every run, and of the narrow
 * ones. */
int toll_lines_create(const struct toll_io *io, int directory, const char *name, int64_t rows,
                      unsigned optional, struct toll_lines_writer **out, struct toll_error *error);
/* One batch as it lies in the file: a block of the returned size (a multiple of 4 KiB) that begins with a
 * page for the batch's metadata; column c starts at offsets[c]. Rows are all the caller fills; 1 <= rows <=
 * TOLL_BATCH_ROWS. Offsets and size are those of the batch's own row count. offsets: by enum
 * toll_line_column; 0 of a column that is not there. The first TOLL_LINE_COLUMNS are the same for any others
 * of the same widths. */
size_t toll_lines_batch_layout(int64_t rows, unsigned optional, size_t offsets[TOLL_LINE_COLUMNS_MOST]);
/* Writes batch `index` from such a block with one write: fills in metadata and padding (so it changes the
 * block), hashes. Allocates nothing. Any thread, any order, each batch once. */
int toll_lines_write(struct toll_lines_writer *writer, int64_t index, uint8_t *block,
                     struct toll_error *error);
/* From here on batches go to the disk by the ring of whoever writes them, past the page cache where the file
 * system has O_DIRECT. Before the first batch. */
void toll_lines_use_ring(struct toll_lines_writer *writer);
/* Which twin of toll_hash the batches from here on are hashed with. */
void toll_lines_hash_with(struct toll_lines_writer *writer, toll_hash_kernel *hash);
/* The same in two steps: begin queues the write with the thread's bulk and returns its ticket; `block` is the
 * bulk's until end, which waits. A batch counts as written only then. */
int toll_lines_write_begin(struct toll_lines_writer *writer, int64_t index, uint8_t *block,
                           struct toll_bulk *bulk);
int toll_lines_write_end(struct toll_lines_writer *writer, int64_t index, struct toll_bulk *bulk, int ticket,
                         struct toll_error *error);
/* Metadata, footer, fsync. Every batch must have been written. Frees the writer. */
int toll_lines_finish(struct toll_lines_writer *writer, struct toll_file_seal *seal,
                      struct toll_error *error);
/* The same, but the file is brought to disk and closed by the list; NULL: here. */
int toll_lines_finish_by(struct toll_lines_writer *writer, struct toll_syncs *syncs,
                         struct toll_file_seal *seal, struct toll_error *error);
void toll_lines_abandon(struct toll_lines_writer *writer); /* after an error */

struct toll_lines;
/* Opens lines/<name>.arrow below `directory`. */
int toll_lines_open(const struct toll_io *io, int directory, const char *path_for_messages, const char *name,
                    const struct toll_file_seal *seal, enum toll_read_path how, struct toll_lines **out,
                    struct toll_error *error);
/* From bytes in memory (borrowed, aligned to 8). Here and above seal may be NULL: then nothing is compared
 * with it. */
int toll_lines_open_bytes(const uint8_t *bytes, size_t size, const char *name,
                          const struct toll_file_seal *seal, struct toll_lines **out,
                          struct toll_error *error);
int64_t toll_lines_rows(const struct toll_lines *lines);
int64_t toll_lines_batches(const struct toll_lines *lines);
/* Bits of the other columns that it has, and of the narrow ones. */
unsigned toll_lines_optional(const struct toll_lines *lines);
/* Memory that toll_lines_batch needs: to read into, where the file is not mapped, and to widen into. 0: none.
 */
size_t toll_lines_buffer_bytes(const struct toll_lines *lines);
/* The same of any run with at most these columns, whatever their widths. */
size_t toll_lines_buffer_most(unsigned optional, bool mapped);
/* So much, aligned as it must be, and a page where it is none; for free(). NULL: out of memory. */
void *toll_lines_buffer_make(const struct toll_lines *lines);
/* Whether a column of a batch is the same bytes in both, as their checksums say, or is in neither. */
bool toll_lines_same(const struct toll_lines *a, const struct toll_lines *b, int64_t batch,
                     enum toll_line_column column);
/* All columns of a batch, checked: checksums, ids and units not negative, statuses (of a cost, too), classes
 * and jurisdictions that exist. buffer: of toll_lines_buffer_bytes, 4 KiB aligned, must outlive the batch;
 * NULL where it needs none. Thread safe. */
int toll_lines_batch(const struct toll_lines *lines, int64_t index, void *buffer, struct toll_line_batch *out,
                     struct toll_error *error);
/* The same in two steps, with the thread's bulk: see toll_arrow_input_begin. */
struct toll_lines_reading {
    const struct toll_lines *lines;
    int64_t index;
    uint8_t *widened; /* where narrow columns are put */
    struct toll_arrow_reading columns;
};
void toll_lines_batch_begin(const struct toll_lines *lines, int64_t index, void *buffer,
                            struct toll_bulk *bulk, struct toll_lines_reading *reading);
int toll_lines_batch_end(const struct toll_lines_reading *reading, struct toll_line_batch *out,
                         struct toll_error *error);
/* Compares a batch's columns with their checksums and does nothing else; by which twin of toll_hash. */
int toll_lines_check(struct toll_lines *lines, int64_t index, void *buffer, toll_hash_kernel *hash,
                     struct toll_error *error);
void toll_lines_close(struct toll_lines *lines);

#endif
