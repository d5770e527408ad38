/* toll_import (tollmill.h) with the system's calls as an argument, so that a test can let one of them fail.
 */
#ifndef TOLL_INGEST_IMPORT_H
#define TOLL_INGEST_IMPORT_H

#include "io/io.h"
#include "tollmill.h"

int toll_import_with(const struct toll_io *io, const struct toll_import_options *options,
                     struct toll_import_result *result, struct toll_error *error);

#endif
