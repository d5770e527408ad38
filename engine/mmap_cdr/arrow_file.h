/* Arrow files on disk: the arrow room's pure memory joined with the io room. Also used by the segment room.
 */
#ifndef TOLL_MMAP_CDR_ARROW_FILE_H
#define TOLL_MMAP_CDR_ARROW_FILE_H

#include "arrow/arrow.h"
#include "io/bulk.h"

/* What the manifest keeps of one Arrow file. */
struct toll_file_seal {
    int64_t bytes;
    struct toll_hash128
        digest; /* of all bytes outside column buffers: schema, batch metadata, dictionaries, footer */
};

/* Creates a file that must not exist (mode 0640, not through a symlink): its fd, or TOLL_ECREATE / TOLL_EIO.
 */
int toll_arrow_file_create(const struct toll_io *io, int directory, const char *name,
                           struct toll_error *error);

int toll_arrow_file_sync(const struct toll_io *io, int fd, const char *name,
                         struct toll_error *error); /* fsync */

/* Writes a whole file, fsyncs, closes; removes what it wrote when that fails. */
int toll_arrow_file_write(const struct toll_io *io, int directory, const char *name,
                          const struct toll_arrow_schema *schema, int64_t rows,
                          const struct toll_arrow_column *columns,
                          const struct toll_arrow_dictionary *dictionaries, struct toll_file_seal *seal,
                          struct toll_error *error);

/* An Arrow file open for reading: mapped or in memory (bytes), or read piece by piece. */
struct toll_arrow_input {
    struct toll_file file; /* file.io NULL when the bytes are somebody else's */
    const uint8_t *bytes;
    struct toll_arrow_file *arrow;
    _Atomic uint32_t *populated; /* of a mapped file: by batch, the columns that were in memory once */
};

/* `name` is opened below `directory`; messages say path_for_messages/name. seal NULL: not compared. */
int toll_arrow_input_open(struct toll_arrow_input *input, const struct toll_io *io, int directory,
                          const char *path_for_messages, const char *name, const struct toll_file_seal *seal,
                          enum toll_read_path how, struct toll_error *error);
int toll_arrow_input_bytes(struct toll_arrow_input *input, const uint8_t *bytes, size_t size,
                           const char *name, const struct toll_file_seal *seal, struct toll_error *error);
void toll_arrow_input_close(struct toll_arrow_input *input); /* safe on a zeroed struct */

/* Bytes that toll_arrow_input_batch needs for full batches of these columns (bit set); 0 when mapped. Not for
 * utf8. */
size_t toll_arrow_input_room(const struct toll_arrow_input *input, uint32_t columns);

/* Columns (bit set over the file's columns, fixed width) of one batch: values[c], each checked against its
 * checksum. Neighbours are read in one go into `buffer`. Thread safe, allocates nothing. */
int toll_arrow_input_batch(const struct toll_arrow_input *input, int64_t batch, uint32_t columns,
                           void *buffer, const void *values[TOLL_ARROW_COLUMNS], struct toll_error *error);

/*
 * The same in two steps, so that something can be done in between: begin queues the reads with the thread's
 * bulk, which has room for a transfer per column; end waits for them, checks and hands out. Each begin needs
 * its end, or a drained bulk; input and buffer must outlive it. Columns of a mapped file are brought into
 * memory by their first end: what cannot be read is an error then, and not a signal.
 */
struct toll_arrow_reading {
    const struct toll_arrow_input *input;
    struct toll_bulk *bulk;
    int64_t batch;
    uint32_t columns;
    unsigned run_count; /* of neighbours in the file */
    struct toll_arrow_run {
        uint8_t *to;
        size_t bytes;
        int64_t offset;
        int ticket;
    } runs[TOLL_ARROW_COLUMNS];
    const void *values[TOLL_ARROW_COLUMNS];
};
/* bulk: NULL, then end does it all. */
void toll_arrow_input_begin(const struct toll_arrow_input *input, int64_t batch, uint32_t columns,
                            void *buffer, struct toll_bulk *bulk, struct toll_arrow_reading *reading);
int toll_arrow_input_end(const struct toll_arrow_reading *reading, const void *values[TOLL_ARROW_COLUMNS],
                         struct toll_error *error);
/* Waits and hands out, but checks nothing: that is left to the caller. */
int toll_arrow_input_wait(const struct toll_arrow_reading *reading, const void *values[TOLL_ARROW_COLUMNS],
                          struct toll_error *error);

#endif
