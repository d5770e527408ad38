/*
 * Rows in trays, column by column. A window of the file is indexed (simd/csv_index.h), and its rows are
 * typed some at a time: all starts, then all durations, and so on, into arrays; then they are written as rows
 * of the chunk. A row with anything unusual in it, such as doubled quotes or a value that cannot be read, is
 * read by rows.c instead, in its turn, so that what comes out is what rows.c would have given.
 */
#ifndef TOLL_INGEST_TRAY_H
#define TOLL_INGEST_TRAY_H

#include "ingest/reader.h"

/* Reads on from reader->csv as far as trays go: to the last row that is not whole, or near the end of the
 * data, or, for specs with what trays do not know, nowhere. The rest is for toll_reader_next. */
void toll_trays_read(struct toll_reader *reader);

#endif
