/*
 * Time zones from TZif bytes (RFC 8536) that the io room read; glibc's localtime holds one zone and takes a
 * lock. A zone is immutable after parsing and may be used by any number of threads.
 */
#ifndef TOLL_BASE_ZONE_H
#define TOLL_BASE_ZONE_H

#include "base/time.h"
#include "tollmill_error.h"

#include <stddef.h>
#include <stdint.h>

struct toll_zone;

/* Parses version 1-4 TZif, including the footer's POSIX rule for times after the last transition (expanded to
 * the end of 2199). Truncated or hostile bytes: TOLL_EDATA. The zone owns its memory. */
int toll_zone_parse(const uint8_t *bytes, size_t count, const char *name, struct toll_zone **out,
                    struct toll_error *error);
/* UTC without any file. NULL when out of memory. */
struct toll_zone *toll_zone_utc(void);
void toll_zone_free(struct toll_zone *zone);
const char *toll_zone_name(const struct toll_zone *zone);

/* Seconds east of UTC in force at an instant, and the half-open interval [from, until) in which that holds.
 * from and until may be NULL. */
int32_t toll_zone_offset(const struct toll_zone *zone, toll_ms utc, toll_ms *from, toll_ms *until);

enum toll_fold { TOLL_FOLD_FIRST, TOLL_FOLD_SECOND, TOLL_FOLD_REJECT };

/* Wall clock to UTC. An hour that happens twice: by fold. A time that never happens (spring forward): the
 * instant as if the offset before the gap still held, except under REJECT. False only under TOLL_FOLD_REJECT.
 */
bool toll_zone_to_utc(const struct toll_zone *zone, toll_ms local, enum toll_fold fold, toll_ms *utc);

#endif
