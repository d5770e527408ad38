/*
 * A zone is two parallel arrays: the instants at which the offset changes (the first is "from ever") and the
 * offsets. Neighbours with equal offsets are merged, because names and the summer time flag do not matter
 * here; a lookup is one binary search.
 *
 * TZif bytes are a file of the system, yet no count in them is believed: every block is checked against the
 * bytes that are there before it is touched.
 */
#include "base/zone.h"

#include "base/error.h"
#include "base/zone_rule.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES 44
#define TRANSITIONS_MAX 100000u          /* real files have a few hundred: a bound for hostile counts */
#define OFFSET_MIN_S (-89999)            /* RFC 8536 section 3.2 */
#define OFFSET_MAX_S 93599               /* RFC 8536 section 3.2 */
#define OFFSET_SPAN_MS INT64_C(93600000) /* no offset is larger */
#define EXPAND_UNTIL_YEAR 2199
#define SECOND_MIN INT64_C(-62135596800)                  /* 0001-01-01 */
#define SECOND_MAX INT64_C(253402300799)                  /* 9999-12-31T23:59:59 */
#define BEFORE_YEAR_1 (SECOND_MIN - 400 * INT64_C(86400)) /* earlier than any switch of year 1 */

struct toll_zone {
    char *name;
    toll_ms *from; /* ascending, from[0] is TOLL_MS_MIN */
    int32_t *offset_s;
    size_t count, capacity;
};

/* The counts of one TZif header, in file order. */
struct header {
    uint32_t utc_flags, standard_flags, leaps, times, types, characters;
};

/* One data block, checked to lie within the bytes. */
struct block {
    const uint8_t *times, *type_of_time, *types;
    struct header header;
    size_t time_bytes;
};

struct parser {
    const uint8_t *bytes;
    size_t count, at;
    const char *name;
    struct toll_error *error;
};

static int bad(const struct parser *parser, const char *why)
{
    return toll_error_set(parser->error, TOLL_EDATA,
                          "time zone %s: the zone file is damaged or not of a kind this program reads (%s); "
                          "install tzdata anew",
                          parser->name, why);
}

static uint32_t read_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t read_time(const uint8_t *at, size_t bytes)
{
    if (bytes == 4)
        return (int32_t)read_be32(at);
    return (int64_t)((uint64_t)read_be32(at) << 32 | read_be32(at + 4));
}

static int read_header(struct parser *parser, uint8_t *version, struct header *out)
{
    const uint8_t *at;

    if (parser->count - parser->at < HEADER_BYTES)
        return bad(parser, "no TZif header");
    at = parser->bytes + parser->at;
    if (memcmp(at, "TZif", 4) != 0)
        return bad(parser, "no TZif header");
    *version = at[4];
    out->utc_flags = read_be32(at + 20);
    out->standard_flags = read_be32(at + 24);
    out->leaps = read_be32(at + 28);
    out->times = read_be32(at + 32);
    out->types = read_be32(at + 36);
    out->characters = read_be32(at + 40);
    parser->at += HEADER_BYTES;
    return 0;
}

/* Passes over a data block. The counts are below 2^32, so that the 64-bit sum cannot overflow. */
static int skip_block(struct parser *parser, const struct header *header, size_t time_bytes,
                      struct block *out)
{
    uint64_t times_bytes = (uint64_t)header->times * time_bytes;
    uint64_t bytes = times_bytes + header->times + (uint64_t)header->types * 6 + header->characters +
                     (uint64_t)header->leaps * (time_bytes + 4) + header->standard_flags + header->utc_flags;

    if (bytes > parser->count - parser->at)
        return bad(parser, "a data block is cut short");
    out->header = *header;
    out->time_bytes = time_bytes;
    out->times = parser->bytes + parser->at;
    out->type_of_time = out->times + times_bytes;
    out->types = out->type_of_time + header->times;
    parser->at += (size_t)bytes;
    return 0;
}

static int check_block(const struct parser *parser, const struct block *block)
{
    const struct header *header = &block->header;

    if (header->leaps != 0)
        return bad(parser, "it counts leap seconds");
    if (header->times > TRANSITIONS_MAX || header->types == 0 || header->types > 256 ||
        header->characters == 0)
        return bad(parser, "impossible counts");
    if ((header->utc_flags != 0 && header->utc_flags != header->types) ||
        (header->standard_flags != 0 && header->standard_flags != header->types))
        return bad(parser, "impossible counts");
    for (uint32_t i = 0; i < header->types; i++) {
        const uint8_t *type = block->types + (size_t)i * 6;
        int32_t offset_s = (int32_t)read_be32(type);

        if (offset_s < OFFSET_MIN_S || offset_s > OFFSET_MAX_S || type[4] > 1 ||
            type[5] >= header->characters)
            return bad(parser, "an impossible local time type");
    }
    for (uint32_t i = 0; i < header->times; i++) {
        const uint8_t *time = block->times + (size_t)i * block->time_bytes;

        if (block->type_of_time[i] >= header->types)
            return bad(parser, "a transition to an unknown local time type");
        if (i > 0 &&
            read_time(time - block->time_bytes, block->time_bytes) >= read_time(time, block->time_bytes))
            return bad(parser, "transitions are not in order");
    }
    return 0;
}

static bool zone_append(struct toll_zone *zone, toll_ms from, int32_t offset_s)
{
    if (zone->count > 0 && zone->offset_s[zone->count - 1] == offset_s)
        return true;
    if (zone->count == zone->capacity) {
        size_t capacity = zone->capacity == 0 ? 64 : 2 * zone->capacity;
        toll_ms *times = realloc(zone->from, capacity * sizeof *times);
        int32_t *offsets;

        if (times == NULL)
            return false;
        zone->from = times;
        offsets = realloc(zone->offset_s, capacity * sizeof *offsets);
        if (offsets == NULL)
            return false;
        zone->offset_s = offsets;
        zone->capacity = capacity;
    }
    zone->from[zone->count] = from;
    zone->offset_s[zone->count++] = offset_s;
    return true;
}

static int32_t block_offset(const struct block *block, size_t type)
{
    return (int32_t)read_be32(block->types + type * 6);
}

/* The file's own transitions. What lies before year 1 ("big bang" entries) only decides the offset "from
 * ever". */
static bool add_block(struct toll_zone *zone, const struct block *block)
{
    int32_t first_offset_s = block_offset(block, 0);
    uint32_t i = 0;

    for (; i < block->header.times; i++) {
        if (read_time(block->times + (size_t)i * block->time_bytes, block->time_bytes) >= SECOND_MIN)
            break;
        first_offset_s = block_offset(block, block->type_of_time[i]);
    }
    if (!zone_append(zone, TOLL_MS_MIN, first_offset_s))
        return false;
    for (; i < block->header.times; i++) {
        int64_t second = read_time(block->times + (size_t)i * block->time_bytes, block->time_bytes);

        if (second > SECOND_MAX)
            break;
        if (!zone_append(zone, second * 1000, block_offset(block, block->type_of_time[i])))
            return false;
    }
    return true;
}

static int footer_mismatch(const struct parser *parser)
{
    return bad(parser, "its rule for the future contradicts its last transition");
}

/*
 * Appends the rule's switches after `last_s`. Two switches that meet or cross (permanent summer time is
 * written as a year-long one) cancel out: the period between them is empty.
 */
static int add_rule(struct parser *parser, struct toll_zone *zone, const struct toll_zone_rule *rule,
                    int64_t last_s)
{
    int32_t last_offset_s = zone->offset_s[zone->count - 1], in_force_s = 0;
    int year, month, day;
    bool any = false;
    size_t kept;

    toll_civil_from_days(toll_day_of_ms(last_s * 1000), &year, &month, &day);
    kept = zone->count;
    for (year = year > 2 ? year - 1 : 1; year <= EXPAND_UNTIL_YEAR; year++) {
        int64_t at_s[2];
        int32_t offset_s[2];

        toll_zone_rule_year(rule, year, at_s, offset_s);
        for (int i = 0; i < 2; i++) {
            while (zone->count > kept && zone->from[zone->count - 1] >= at_s[i] * 1000)
                zone->count--;
            if (at_s[i] <= last_s) {
                in_force_s = offset_s[i];
                any = true;
                continue;
            }
            if (any && in_force_s != last_offset_s)
                return footer_mismatch(parser);
            if (!zone_append(zone, at_s[i] * 1000, offset_s[i]))
                return toll_error_set(parser->error, TOLL_ENOMEM, "time zone %s: out of memory",
                                      parser->name);
        }
    }
    return 0;
}

static int add_footer(struct parser *parser, struct toll_zone *zone, const struct block *block)
{
    const char *text, *end;
    struct toll_zone_rule rule;
    uint32_t times = block->header.times;
    int64_t last_s = BEFORE_YEAR_1;

    if (parser->count - parser->at < 2 || parser->bytes[parser->at] != '\n')
        return bad(parser, "its last line is missing");
    text = (const char *)parser->bytes + parser->at + 1;
    end = memchr(text, '\n', parser->count - parser->at - 1);
    if (end == NULL || (const uint8_t *)end + 1 != parser->bytes + parser->count)
        return bad(parser, "its last line is cut short or followed by something");
    if (end == text)
        return 0; /* no rule: the last offset stays */
    if (!toll_zone_rule_parse(text, (size_t)(end - text), &rule))
        return bad(parser, "its rule for the future cannot be read");
    if (times > 0)
        last_s = read_time(block->times + (size_t)(times - 1) * block->time_bytes, block->time_bytes);
    if (last_s > SECOND_MAX)
        return 0;
    last_s = last_s < SECOND_MIN ? BEFORE_YEAR_1 : last_s;
    if (times == 0)
        zone->offset_s[0] = rule.standard_offset_s; /* without transitions the rule is for all time */
    if (rule.has_summer)
        return add_rule(parser, zone, &rule, last_s);
    return zone->offset_s[zone->count - 1] == rule.standard_offset_s ? 0 : footer_mismatch(parser);
}

static struct toll_zone *zone_create(const char *name)
{
    struct toll_zone *zone = calloc(1, sizeof *zone);

    if (zone == NULL)
        return NULL;
    zone->name = strdup(name);
    if (zone->name == NULL) {
        toll_zone_free(zone);
        return NULL;
    }
    return zone;
}

int toll_zone_parse(const uint8_t *bytes, size_t count, const char *name, struct toll_zone **out,
                    struct toll_error *error)
{
    struct parser parser = {bytes, count, 0, name, error};
    struct toll_zone *zone = NULL;
    struct header header = {0};
    struct block block = {0};
    uint8_t version = 0, second_version = 0;
    int code;

    *out = NULL;
    code = read_header(&parser, &version, &header);
    if (code == 0 && version != 0 && (version < '2' || version > '4'))
        code = bad(&parser, "an unknown version");
    if (code == 0)
        code = skip_block(&parser, &header, 4, &block);
    if (code == 0 && version != 0) {
        /* The first block is the 32-bit copy for old readers. */
        code = read_header(&parser, &second_version, &header);
        if (code == 0 && second_version != version)
            code = bad(&parser, "two versions in one file");
        if (code == 0)
            code = skip_block(&parser, &header, 8, &block);
    }
    if (code == 0)
        code = check_block(&parser, &block);
    if (code != 0)
        return code;

    zone = zone_create(name);
    if (zone == NULL || !add_block(zone, &block))
        code = toll_error_set(error, TOLL_ENOMEM, "time zone %s: out of memory", name);
    else if (version != 0)
        code = add_footer(&parser, zone, &block);
    else if (parser.at != count)
        code = bad(&parser, "something follows its data");
    if (code != 0) {
        toll_zone_free(zone);
        return code;
    }
    *out = zone;
    return 0;
}

struct toll_zone *toll_zone_utc(void)
{
    struct toll_zone *zone = zone_create("UTC");

    if (zone != NULL && !zone_append(zone, TOLL_MS_MIN, 0)) {
        toll_zone_free(zone);
        return NULL;
    }
    return zone;
}

void toll_zone_free(struct toll_zone *zone)
{
    if (zone == NULL)
        return;
    free(zone->name);
    free(zone->from);
    free(zone->offset_s);
    free(zone);
}

const char *toll_zone_name(const struct toll_zone *zone)
{
    return zone->name;
}

/* The last interval that begins at or before an instant. */
static size_t interval_at(const struct toll_zone *zone, toll_ms utc)
{
    size_t low = 0, high = zone->count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (zone->from[middle] <= utc)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static toll_ms interval_end(const struct toll_zone *zone, size_t interval)
{
    return interval + 1 < zone->count ? zone->from[interval + 1] : TOLL_MS_MAX;
}

int32_t toll_zone_offset(const struct toll_zone *zone, toll_ms utc, toll_ms *from, toll_ms *until)
{
    size_t interval = interval_at(zone, utc);

    if (from != NULL)
        *from = zone->from[interval];
    if (until != NULL)
        *until = interval_end(zone, interval);
    return zone->offset_s[interval];
}

bool toll_zone_to_utc(const struct toll_zone *zone, toll_ms local, enum toll_fold fold, toll_ms *utc)
{
    toll_ms found = 0, gap = 0;
    bool any = false, any_gap = false;

    /* "From ever" and "for ever" are the same in every zone. */
    if (local < TOLL_MS_MIN + 2 * OFFSET_SPAN_MS || local > TOLL_MS_MAX - 2 * OFFSET_SPAN_MS) {
        *utc = local;
        return true;
    }
    for (size_t i = interval_at(zone, local - OFFSET_SPAN_MS); i < zone->count; i++) {
        toll_ms instant = local - zone->offset_s[i] * INT64_C(1000);

        if (zone->from[i] > local + OFFSET_SPAN_MS)
            break;
        if (instant < zone->from[i]) {
            /* Not yet this interval, no longer the one before: the first such place is the gap. */
            if (i > 0 && !any_gap) {
                gap = local - zone->offset_s[i - 1] * INT64_C(1000);
                any_gap = true;
            }
            continue;
        }
        if (instant >= interval_end(zone, i))
            continue;
        if (any && fold == TOLL_FOLD_REJECT)
            return false;
        found = instant;
        any = true;
        if (fold == TOLL_FOLD_FIRST)
            break;
    }
    if (!any && fold == TOLL_FOLD_REJECT)
        return false;
    *utc = any ? found : gap;
    return true;
}
