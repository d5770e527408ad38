/*
 * Names of zones come from books and specs: whatever they are, nothing is opened outside the zone folder.
 * Also the rule at the end of a zone file, for which the rest of the input is taken.
 *
 * Input: a line with the name, the rest is a rule.
 */
#include "base/zone_rule.h"
#include "fuzz.h"
#include "io/zonefile.h"
#include "memory_io.h"

static int checked_openat(void *context, int directory, const char *path, int flags, mode_t mode)
{
    const char *rest = path + sizeof TOLL_ZONE_FOLDER;
    TOLL_ASSERT(strncmp(path, TOLL_ZONE_FOLDER "/", sizeof TOLL_ZONE_FOLDER) == 0);
    TOLL_ASSERT(*rest != 0 && *rest != '/' && strstr(rest, "..") == NULL && strstr(rest, "//") == NULL);
    TOLL_ASSERT(strstr(rest, "/./") == NULL && strncmp(rest, "./", 2) != 0);
    return memory_openat(context, directory, path, flags, mode);
}

static void check_rule(const char *text, size_t bytes)
{
    char *copy = fuzz_copy(text, bytes);
    struct toll_zone_rule rule;
    if (toll_zone_rule_parse(copy, bytes, &rule) && rule.has_summer) {
        for (int year = 1900; year < 2200; year += 37) {
            int64_t at_s[2];
            int32_t offset_s[2];
            toll_zone_rule_year(&rule, year, at_s, offset_s);
            TOLL_ASSERT(at_s[0] <= at_s[1]);
            TOLL_ASSERT((offset_s[0] == rule.summer_offset_s && offset_s[1] == rule.standard_offset_s) ||
                        (offset_s[1] == rule.summer_offset_s && offset_s[0] == rule.standard_offset_s));
        }
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct memory_io memory;
    struct toll_hash128 hash;
    struct toll_error error;
    struct toll_zone *zone;
    char name[160];
    fuzz_line(&input, name, sizeof name);
    memory_io_init(&memory);
    memory.io.openat = checked_openat;
    const int code = toll_zone_load(&memory.io, name, &zone, &hash, &error);
    if (code == 0) {
        TOLL_ASSERT(strcmp(toll_zone_name(zone), name) == 0);
        toll_zone_free(zone);
    } else {
        TOLL_ASSERT(code == TOLL_EDATA || code == TOLL_ENOINPUT);
        fuzz_check_error(code, &error);
    }
    TOLL_ASSERT(memory.open == 0);
    check_rule((const char *)input.at, input.left);
    return 0;
}
