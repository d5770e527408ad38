/* The files of a delta, for the files of this room. */
#ifndef TOLL_SEGMENT_DELTA_FILES_H
#define TOLL_SEGMENT_DELTA_FILES_H

#include "segment/delta.h"
#include "segment/run_tables.h"
#include "segment/run_text.h"

#define TOLL_DELTA_MANIFEST "delta.json"
#define TOLL_DELTA_SCHEMA "tollmill.delta/1"
#define TOLL_DELTA_LINES "lines"

enum toll_delta_file { /* in order of their names */
                       TOLL_DELTA_ADJUSTING,
                       TOLL_DELTA_ADJUSTING_TAXES,
                       TOLL_DELTA_PAYERS,
                       TOLL_DELTA_POOLS,
                       TOLL_DELTA_PRICES,
                       TOLL_DELTA_REASON_SUMS,
                       TOLL_DELTA_SUMS,
                       TOLL_DELTA_TAXES,
                       TOLL_DELTA_TUPLES,
                       TOLL_DELTA_FILES
};
struct toll_delta_table {
    const struct toll_run_table *table;
    uint16_t rows, count; /* offsets in struct toll_delta_tables */
};
extern const struct toll_delta_table toll_delta_tables[TOLL_DELTA_FILES];

/* The lines of a day as an Arrow file: fixed columns, see docs/FORMATS.md. */
extern const struct toll_arrow_schema toll_delta_line_schema;
/* Rows, so many bytes apart, from and to columns (width by the schema). */
void toll_delta_lines_to_columns(const struct toll_delta_line_row *rows, size_t stride, int64_t count,
                                 void *const columns[TOLL_DELTA_LINE_COLUMNS]);
void toll_delta_lines_from_columns(const void *const columns[TOLL_DELTA_LINE_COLUMNS], int64_t count,
                                   int64_t day, struct toll_delta_line_row *rows);

/* What a reason's name stands for; TOLL_DELTA_REASONS: nothing. */
enum toll_delta_reason toll_delta_reason_of(const char *name);

/* The caller frees json. files: of all tables, in order; bytes 0: it is not there. */
int toll_delta_manifest_encode(struct toll_json *json, const struct toll_delta_manifest *manifest,
                               const struct toll_run_file *files, struct toll_error *error);
/* Texts and days go into the arena; files: of all tables, in order. */
int toll_delta_manifest_decode(const char *path, const char *data, size_t size, struct toll_arena *arena,
                               struct toll_delta_manifest *manifest,
                               struct toll_run_file files[TOLL_DELTA_FILES], struct toll_hash128 *digest,
                               struct toll_error *error);
/* What contradicts itself, or NULL. */
const char *toll_delta_fault(const struct toll_delta_manifest *manifest,
                             const struct toll_delta_tables *tables);
/* Of one line, whatever wrote it. */
const char *toll_delta_line_fault(const struct toll_delta_manifest *manifest,
                                  const struct toll_delta_tables *tables,
                                  const struct toll_delta_line_row *row, int64_t day);

#endif
