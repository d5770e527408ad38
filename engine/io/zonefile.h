/* Time zones by IANA name from the system's zone files. */
#ifndef TOLL_IO_ZONEFILE_H
#define TOLL_IO_ZONEFILE_H

#include "base/checksum.h"
#include "base/zone.h"
#include "io/io.h"
#include "tollmill_error.h"

#define TOLL_ZONE_FOLDER "/usr/share/zoneinfo"

/* Loads a zone such as "Europe/London". The hash of the bytes read goes into the manifest; "UTC" is built in,
 * needs no file and has hash zero. TOLL_EDATA for a name that is no zone name or a file that is no zone,
 * TOLL_ENOINPUT when there is no such file. The zone is the caller's. Any number of threads. */
int toll_zone_load(const struct toll_io *io, const char *iana_name, struct toll_zone **zone,
                   struct toll_hash128 *tzif_hash, struct toll_error *error);

#endif
