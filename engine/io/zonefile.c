/* Names come from books and mappings, that is from outside: they may only lead into the zone folder. */
#include "io/zonefile.h"

#include "base/error.h"
#include "io/file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES_MAX 64 /* the longest IANA name has 32 */

static bool name_valid(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    size_t length = strnlen(name, NAME_BYTES_MAX + 1);

    /* No dot is allowed, hence no "..". */
    return length > 0 && length <= NAME_BYTES_MAX && strspn(name, allowed) == length && name[0] != '/' &&
           name[length - 1] != '/' && strstr(name, "//") == NULL;
}

static int read_zone(const struct toll_io *io, const char *name, const char *path, struct toll_zone **zone,
                     struct toll_hash128 *tzif_hash, struct toll_error *error)
{
    struct toll_blob blob;
    struct stat status;
    int code;

    if (io->fstatat(io->context, AT_FDCWD, path, &status, 0) == 0 && S_ISDIR(status.st_mode))
        return toll_error_set(error, TOLL_EDATA,
                              "'%s' is a group of time zones; write a zone like Europe/London", name);
    code = toll_blob_read(&blob, io, AT_FDCWD, path, TOLL_READ_PREAD, error);
    if (code == TOLL_ENOINPUT)
        return toll_error_set(error, code,
                              "time zone '%s' is not known here (no %s): correct the name or install tzdata",
                              name, path);
    if (code != 0)
        return code;
    code = toll_zone_parse((const uint8_t *)blob.data, blob.size, name, zone, error);
    if (code == 0)
        *tzif_hash = toll_hash(blob.data, blob.size);
    toll_blob_free(&blob);
    return code;
}

int toll_zone_load(const struct toll_io *io, const char *iana_name, struct toll_zone **zone,
                   struct toll_hash128 *tzif_hash, struct toll_error *error)
{
    char path[sizeof TOLL_ZONE_FOLDER + 1 + NAME_BYTES_MAX];

    *zone = NULL;
    *tzif_hash = (struct toll_hash128){0, 0};
    if (!name_valid(iana_name))
        return toll_error_set(error, TOLL_EDATA,
                              "'%s' is not the name of a time zone; write it like Europe/London", iana_name);
    if (strcmp(iana_name, "UTC") == 0) {
        *zone = toll_zone_utc();
        return *zone != NULL ? 0 : toll_error_set(error, TOLL_ENOMEM, "time zone UTC: out of memory");
    }
    snprintf(path, sizeof path, "%s/%s", TOLL_ZONE_FOLDER, iana_name);
    return read_zone(io, iana_name, path, zone, tzif_hash, error);
}
