/*
 * Times by a provider's pattern. A reader that has read the lines before gives what a fresh one gives, and an
 * instant is where the zone says that the wall clock was.
 *
 * Input: one byte for zone and fold, a line with a pattern, then a text a line.
 */
#include "fuzz.h"
#include "ingest/times.h"
#include "ingest/values.h"
#include "io/zonefile.h"
#include "memory_io.h"

static struct toll_zone *zones[3];

static void make_zones(void)
{
    static const char *const names[] = {"UTC", "Europe/London", "America/New_York"};
    struct memory_io memory;
    struct toll_hash128 hash;
    memory_io_init(&memory);
    for (int i = 0; i < 3 && zones[i] == NULL; i++)
        TOLL_ASSERT(toll_zone_load(&memory.io, names[i], &zones[i], &hash, NULL) == 0);
}

static void check_iso(const char *text, size_t bytes)
{
    char buffer[TOLL_TIME_TEXT_BYTES];
    bool has_offset;
    int32_t offset;
    int64_t day, day_again;
    toll_ms ms, again;
    if (toll_iso_parse(text, bytes, &ms, &has_offset, &offset)) {
        const size_t length = toll_ms_format(ms, buffer);
        TOLL_ASSERT(toll_iso_parse(buffer, length, &again, &has_offset, &offset) && again == ms);
    }
    if (toll_day_parse(text, bytes, &day)) {
        const size_t length = toll_day_format(day, buffer);
        TOLL_ASSERT(toll_day_parse(buffer, length, &day_again) && day_again == day);
    }
}

static void check_one(struct toll_time_reader *warm, const struct toll_time_format *format, const char *line,
                      size_t bytes)
{
    char *text = fuzz_copy(line, bytes);
    struct toll_time_reader fresh;
    toll_ms utc = 0, utc_fresh = 0, local;
    bool has_offset;
    int32_t offset;
    toll_time_reader_init(&fresh, warm->zone, warm->fold);
    const enum toll_time_result result = toll_time_read(warm, format, 1, text, bytes, &utc);
    TOLL_ASSERT(toll_time_read(&fresh, format, 1, text, bytes, &utc_fresh) == result);
    if (result == TOLL_TIME_OK) {
        const struct toll_value trimmed = toll_value_trim((struct toll_value){text, bytes});
        TOLL_ASSERT(utc == utc_fresh);
        TOLL_ASSERT(toll_time_format_read(format, trimmed.text, trimmed.bytes, &local, &has_offset, &offset));
        if (has_offset)
            TOLL_ASSERT(utc == local - offset * INT64_C(1000));
        else
            TOLL_ASSERT(toll_zone_to_utc(warm->zone, local, warm->fold, &utc_fresh) && utc_fresh == utc);
    }
    check_iso(text, bytes);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    const unsigned options = (unsigned)fuzz_take(&input, 1);
    struct toll_time_format format;
    struct toll_time_reader reader;
    char pattern[128];
    const char *why = NULL;
    make_zones();
    fuzz_line(&input, pattern, sizeof pattern);
    if (!toll_time_format_compile(pattern, &format, &why)) {
        fuzz_check_line(why);
        return 0;
    }
    TOLL_ASSERT(format.count <= TOLL_TIME_STEPS_MAX);
    toll_time_reader_init(&reader, zones[options % 3], (enum toll_fold)(options / 3 % 3));
    while (input.left > 0) {
        const char *end = memchr(input.at, '\n', input.left);
        const size_t bytes = end == NULL ? input.left : (size_t)(end - (const char *)input.at);
        size_t got;
        check_one(&reader, &format, (const char *)input.at, bytes);
        fuzz_span(&input, bytes + 1, &got);
    }
    return 0;
}
