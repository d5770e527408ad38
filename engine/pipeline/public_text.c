/* The small text helpers of the public header: thin covers of base, so that tools need not look inside. */
#include "base/digits.h"
#include "base/money.h"
#include "base/time.h"
#include "tollmill.h"

#include <stdio.h>
#include <string.h>

_Static_assert(TOLL_MONEY_TEXT >= TOLL_TOTAL_TEXT_BYTES, "the public buffer takes any total");

size_t toll_money_to_text(int64_t money, char buffer[TOLL_MONEY_TEXT])
{
    return toll_money_format(money, buffer);
}

int toll_money_from_text(const char *text, size_t bytes, int64_t *out)
{
    return toll_money_parse(text, bytes, out);
}

static toll_total total_of(struct toll_sum sum)
{
    return (toll_total)((unsigned __int128)(uint64_t)sum.high << 64 | sum.low);
}

void toll_sum_add(struct toll_sum *sum, int64_t money)
{
    const toll_total total = total_of(*sum) + money;
    sum->low = (uint64_t)total;
    sum->high = (int64_t)(total >> 64);
}

size_t toll_sum_to_text(struct toll_sum sum, char buffer[TOLL_MONEY_TEXT])
{
    return toll_total_format(total_of(sum), TOLL_MONEY_DECIMALS, buffer);
}

size_t toll_time_to_text(int64_t ms, char buffer[32])
{
    return toll_ms_format(ms, buffer);
}

void toll_mask_number(const char *number, char *buffer, size_t room)
{
    const char *plus = number[0] == '+' ? "+" : "";
    const char *digits = number + strlen(plus);
    char masked[TOLL_DIGITS_TEXT_BYTES];
    uint64_t packed;
    if (room == 0)
        return;
    if (toll_digits_pack(digits, strlen(digits), &packed)) {
        toll_digits_masked(packed, masked);
        snprintf(buffer, room, "%s%s", plus, masked);
        return;
    }
    /* No telephone number: a name or an address shows its first character only. */
    size_t at = 0;
    for (; digits[at] != 0 && at + 1 < room; at++)
        buffer[at] = at == 0 && (unsigned char)digits[0] < 0x80 ? digits[0] : 'x';
    buffer[at] = 0;
}
