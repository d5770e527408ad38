/*
 * Zone files: intervals of a zone follow each other without gaps from ever to for ever, and a wall clock that
 * the zone shows leads back to its instant.
 */
#include "base/zone.h"
#include "fuzz.h"

static void check_instant(const struct toll_zone *zone, toll_ms utc)
{
    toll_ms from, until, first, second, strict;
    const int32_t offset = toll_zone_offset(zone, utc, &from, &until);
    const toll_ms local = utc + offset * INT64_C(1000);
    TOLL_ASSERT(from <= utc && utc < until);
    TOLL_ASSERT(toll_zone_offset(zone, from, NULL, NULL) == offset);
    TOLL_ASSERT(toll_zone_offset(zone, until - 1, NULL, NULL) == offset);
    TOLL_ASSERT(toll_zone_to_utc(zone, local, TOLL_FOLD_FIRST, &first));
    TOLL_ASSERT(toll_zone_to_utc(zone, local, TOLL_FOLD_SECOND, &second));
    TOLL_ASSERT(first <= utc && utc <= second);
    TOLL_ASSERT(first + toll_zone_offset(zone, first, NULL, NULL) * INT64_C(1000) == local);
    TOLL_ASSERT(second + toll_zone_offset(zone, second, NULL, NULL) * INT64_C(1000) == local);
    if (toll_zone_to_utc(zone, local, TOLL_FOLD_REJECT, &strict))
        TOLL_ASSERT(strict == utc && first == utc && second == utc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct toll_zone *zone;
    struct toll_error error;
    const int code = toll_zone_parse(data, size, "Made/Up", &zone, &error);
    if (code != 0) {
        fuzz_check_error(code, &error);
        return 0;
    }
    toll_ms at = TOLL_MS_MIN, until;
    for (int i = 0; i < 600; i++) {
        toll_zone_offset(zone, at, NULL, &until);
        if (until == TOLL_MS_MAX)
            break;
        TOLL_ASSERT(until > at);
        if (until > -TOLL_DAY_MS * 800000 && until < TOLL_DAY_MS * 3000000) {
            check_instant(zone, until - 1);
            check_instant(zone, until);
            check_instant(zone, until + 3600000 - 1);
        }
        at = until;
    }
    check_instant(zone, INT64_C(1772452800000));
    toll_zone_free(zone);
    return 0;
}
