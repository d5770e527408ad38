/*
 * Single values: decimals, money, durations, quantities, hashes, masks. A decimal that is accepted is the
 * same when it is written and read again, and with more decimals the same number.
 *
 * Input: one byte of options, then a text a line.
 */
#include "base/checksum.h"
#include "base/digits.h"
#include "fuzz.h"
#include "ingest/values.h"

#include <stdio.h>

static void check_decimal(const char *text, size_t bytes, int decimals)
{
    char written[TOLL_TOTAL_TEXT_BYTES];
    int64_t value, again, finer;
    const int code = toll_decimal_parse(text, bytes, decimals, &value);
    TOLL_ASSERT(code <= 0 && code >= -3);
    if (code != 0)
        return;
    const size_t length = toll_total_format(value, decimals, written);
    TOLL_ASSERT(strlen(written) == length);
    TOLL_ASSERT(toll_decimal_parse(written, length, decimals, &again) == 0 && again == value);
    if (decimals < 18 && toll_decimal_parse(text, bytes, decimals + 1, &finer) == 0)
        TOLL_ASSERT(finer / 10 == value && finer % 10 == 0);
}

static void check_durations(struct toll_value value)
{
    int32_t ms, seconds_ms;
    int64_t integer;
    for (int type = TOLL_VALUE_SECONDS; type <= TOLL_VALUE_HMS; type++) {
        const int code = toll_value_duration((enum toll_value_type)type, value, &ms);
        TOLL_ASSERT(code <= 0 && code >= -2 && (code != 0 || ms >= 0));
    }
    /* Whole seconds, and a thousand times as many milliseconds, are one duration. */
    if (toll_value_integer(value, 1000, &integer) && integer >= 0 && integer <= INT32_MAX) {
        char text[32];
        const int bytes = snprintf(text, sizeof text, "%lld", (long long)integer);
        const struct toll_value as_ms = {text, (size_t)bytes};
        TOLL_ASSERT(toll_value_duration(TOLL_VALUE_MILLISECONDS, as_ms, &ms) == 0 && ms == integer);
        if (toll_value_duration(TOLL_VALUE_SECONDS, value, &seconds_ms) == 0)
            TOLL_ASSERT(seconds_ms == ms);
    }
}

static void check_money(struct toll_value value)
{
    toll_money whole, cents;
    if (toll_value_money(value, TOLL_MONEY_UNIT, &whole) &&
        toll_value_money(value, TOLL_MONEY_UNIT / 100, &cents))
        TOLL_ASSERT(cents * 100 == whole);
}

static void check_text(const char *text, size_t bytes)
{
    struct toll_hash128 hash;
    char hex[TOLL_HASH_TEXT_BYTES], *masked;
    if (toll_hash_parse(text, bytes, &hash)) {
        toll_hash_text(hash, hex);
        TOLL_ASSERT(bytes == sizeof hex - 1);
    }
    masked = malloc(bytes + 1);
    TOLL_ASSERT(masked != NULL);
    memcpy(masked, text, bytes);
    masked[bytes] = 0;
    const size_t length = strlen(masked);
    toll_digits_mask_within(masked, 7, bytes % 2 == 0);
    TOLL_ASSERT(strlen(masked) == length);
    free(masked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    const int decimals = (int)(fuzz_take(&input, 1) % 19);
    while (input.left > 0) {
        const char *end = memchr(input.at, '\n', input.left);
        const size_t bytes = end == NULL ? input.left : (size_t)(end - (const char *)input.at);
        char *text = fuzz_copy(input.at, bytes);
        const struct toll_value value = toll_value_trim((struct toll_value){text, bytes});
        size_t got;
        check_decimal(text, bytes, decimals);
        check_durations(value);
        check_money(value);
        check_text(text, bytes);
        free(text);
        fuzz_span(&input, bytes + 1, &got);
    }
    return 0;
}
