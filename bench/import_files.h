/*
 * Delivered files for the import benchmark, frozen: the same rows each time, byte for byte. Two shapes, each
 * with its mapping spec:
 *
 *   plain     10 columns, ISO times, numbers with "+", a trunk that is quoted and holds a comma in 2 % of
 * rows switch    20 columns as a switch writes them: local wall clock, national numbers, hms, empty columns
 */
#ifndef TOLL_BENCH_IMPORT_FILES_H
#define TOLL_BENCH_IMPORT_FILES_H

#include <stdbool.h>
#include <stdint.h>

enum toll_import_shape { TOLL_SHAPE_PLAIN, TOLL_SHAPE_SWITCH, TOLL_SHAPES };

/* FOLDER/NAME.csv and FOLDER/NAME.yaml, unless they are there. False when they cannot be written. */
bool toll_import_files_write(const char *folder, enum toll_import_shape shape, int64_t rows);
const char *toll_import_shape_name(enum toll_import_shape shape);

#endif
