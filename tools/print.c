/*
 * Texts and tables for people. The JSON and CSV writers are in json.c.
 */
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- texts ---- */

/* Copies digits with a comma before every third from the right. */
static size_t group_digits(const char *digits, size_t count, char *text, size_t room)
{
    size_t used = 0;
    for (size_t i = 0; i < count && used + 2 < room; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return used;
}

size_t cmd_thousands(int64_t value, char *text, size_t room)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)value);
    int sign = value < 0;
    if (sign)
        text[0] = '-';
    return group_digits(digits + sign, (size_t)(length - sign), text + sign, room - (size_t)sign) +
           (size_t)sign;
}

/* One place, cut: "1.2". */
static void scaled_text(int64_t value, int64_t unit, const char *name, char *text, size_t room)
{
    snprintf(text, room, "%lld.%d %s", (long long)(value / unit), (int)(value % unit / (unit / 10)), name);
}

void cmd_count_text(int64_t value, bool bytes, char *text, size_t room)
{
    if (!bytes)
        cmd_thousands(value, text, room);
    else if (value >= 1000000000)
        scaled_text(value, 1000000000, "GB", text, room);
    else if (value >= 1000000)
        scaled_text(value, 1000000, "MB", text, room);
    else if (value >= 1000)
        scaled_text(value, 1000, "kB", text, room);
    else
        snprintf(text, room, "%lld B", (long long)value);
}

void cmd_rate_text(int64_t per_s, char *text, size_t room)
{
    if (per_s >= 1000000000)
        scaled_text(per_s, 1000000000, "G", text, room);
    else if (per_s >= 1000000)
        scaled_text(per_s, 1000000, "M", text, room);
    else if (per_s >= 10000)
        scaled_text(per_s, 1000, "k", text, room);
    else
        snprintf(text, room, "%lld", (long long)per_s);
}

void cmd_span_text(int64_t ms, char *text, size_t room)
{
    long long s = (long long)(ms / 1000);
    if (s < 60)
        snprintf(text, room, "%lld s", s);
    else if (s < 3600)
        snprintf(text, room, "%lld min %lld s", s / 60, s % 60);
    else
        snprintf(text, room, "%lld h %lld min", s / 3600, s % 3600 / 60);
}

void cmd_seconds_text(int64_t ns, char *text, size_t room)
{
    int64_t ms = (ns + 500000) / 1000000;
    snprintf(text, room, "%lld.%03d s", (long long)(ms / 1000), (int)(ms % 1000));
}

void cmd_minutes_text(int64_t seconds, char *text, size_t room)
{
    size_t used = cmd_thousands(seconds / 60, text, room);
    snprintf(text + used, room - used, ".%d", (int)(seconds % 60 / 6));
}

void cmd_money_text(const char *decimal, char *text, size_t room)
{
    size_t sign = decimal[0] == '-';
    const char *digits = decimal + sign;
    size_t whole = strcspn(digits, ".");
    if (sign)
        text[0] = '-';
    size_t used = sign + group_digits(digits, whole, text + sign, room - sign);
    if (digits[whole] != '.')
        return;
    size_t places = strlen(digits + whole + 1);
    while (places > 2 && digits[whole + places] == '0')
        places--;
    snprintf(text + used, room - used, ".%.*s", (int)places, digits + whole + 1);
}

static __int128 wide(struct toll_sum sum)
{
    return (__int128)(((unsigned __int128)(uint64_t)sum.high << 64) | sum.low);
}

static struct toll_sum narrow(__int128 value)
{
    return (struct toll_sum){.low = (uint64_t)value, .high = (int64_t)(value >> 64)};
}

void cmd_percent_text(struct toll_sum part, struct toll_sum whole, char *text, size_t room)
{
    __int128 p = wide(part), w = wide(whole);
    text[0] = '\0';
    if (w == 0)
        return;
    bool negative = (p < 0) != (w < 0) && p != 0;
    unsigned __int128 up = p < 0 ? -(unsigned __int128)p : (unsigned __int128)p;
    unsigned __int128 uw = w < 0 ? -(unsigned __int128)w : (unsigned __int128)w;
    while (up >> 100) /* 20,000 x part must stay within 128 bits; a ratio bears the lost bits */
        up >>= 1, uw >>= 1;
    if (uw == 0)
        return;
    unsigned __int128 hundredths = (up * 20000 + uw) / (uw * 2);
    if (hundredths > 99999999)
        hundredths = 99999999;
    long long value = (long long)hundredths;
    snprintf(text, room, "%s%lld.%02d", negative && value > 0 ? "-" : "", value / 100, (int)(value % 100));
}

void cmd_sum_join(struct toll_sum *sum, struct toll_sum other)
{
    *sum = narrow(wide(*sum) + wide(other));
}

struct toll_sum cmd_sum_minus(struct toll_sum a, struct toll_sum b)
{
    return narrow(wide(a) - wide(b));
}

int cmd_sum_compare(struct toll_sum a, struct toll_sum b)
{
    __int128 x = wide(a), y = wide(b);
    return (x > y) - (x < y);
}

void cmd_mask(const char *number, char *text, size_t room)
{
    text[0] = '\0';
    if (number && number[0])
        toll_mask_number(number, text, room);
}

static bool is_hex_letter(char c)
{
    return c >= 'a' && c <= 'f';
}

void cmd_mask_within(char *text, bool quoted_only)
{
    enum {
        SHORTEST = 10,
        LONGEST = 15,
        HEAD = 4,
        TAIL = 2
    }; /* E.164 has up to 15 digits; shorter ones are prefixes */
    bool quoted = false;
    for (char *at = text; *at;) {
        size_t digits = strspn(at, "0123456789");
        quoted ^= *at == '"';
        if (digits >= SHORTEST && digits <= LONGEST && (quoted || !quoted_only) &&
            !is_hex_letter(at[digits]) && (at == text || !is_hex_letter(at[-1])))
            memset(at + HEAD, 'x', digits - HEAD - TAIL);
        at += digits ? digits : 1;
    }
}

/* ---- tables ---- */

void cmd_table_begin(struct cmd_table *table, int columns, const enum cmd_align *align)
{
    memset(table, 0, sizeof *table);
    table->columns = columns;
    table->align = align;
}

void cmd_table_row(struct cmd_table *table, const char *const *cells)
{
    size_t columns = (size_t)table->columns;
    if (table->count + columns > table->room) {
        size_t room = table->room ? table->room * 2 : 32 * columns;
        char **grown = realloc(table->cells, room * sizeof *grown);
        if (!grown) {
            table->failed = true;
            return;
        }
        table->cells = grown;
        table->room = room;
    }
    for (size_t i = 0; i < columns; i++) {
        char *copy = strdup(cells[i] ? cells[i] : "");
        if (!copy)
            table->failed = true;
        table->cells[table->count++] = copy;
    }
}

/* Bytes of the character at `at`; *plain: it can be printed as it is. C1 controls are controls, too. */
static size_t step(const unsigned char *at, bool *plain)
{
    size_t length = cmd_utf8_length(at);
    bool control = at[0] < 0x20 || at[0] == 0x7F || (at[0] == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0);
    *plain = length > 0 && !control;
    return length > 0 ? length : 1;
}

void cmd_put_plain(struct cmd_output *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        bool plain;
        size_t length = step(at, &plain);
        cmd_put(out, plain ? (const char *)at : "?", plain ? length : 1);
        at += length;
    }
}

/* Characters as cmd_put_plain writes them, not bytes. */
static int width_of(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    int width = 0;
    for (bool plain; *at; width++)
        at += step(at, &plain);
    return width;
}

void cmd_table_print(struct cmd_table *table, struct cmd_output *out, const char *indent)
{
    enum { COLUMNS_MOST = 24 };
    int widths[COLUMNS_MOST] = {0};
    size_t columns = (size_t)table->columns;
    for (size_t i = 0; i < table->count; i++) {
        int width = table->cells[i] ? width_of(table->cells[i]) : 0;
        if (width > widths[i % columns])
            widths[i % columns] = width;
    }
    int pending = 0; /* blanks that are owed, and written only if something follows in the row */
    for (size_t i = 0; i < table->count; i++) {
        const char *cell = table->cells[i] ? table->cells[i] : "";
        size_t column = i % columns;
        int padding = widths[column] - width_of(cell);
        if (column == 0)
            cmd_put_text(out, indent);
        else
            pending += 2;
        if (table->align[column] == CMD_RIGHT)
            pending += padding;
        if (cell[0]) {
            cmd_put_format(out, "%*s", pending, "");
            cmd_put_plain(out, cell);
            pending = 0;
        }
        if (table->align[column] == CMD_LEFT)
            pending += padding;
        if (column + 1 == columns) {
            cmd_put_char(out, '\n');
            pending = 0;
        }
    }
}

void cmd_table_end(struct cmd_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    memset(table, 0, sizeof *table);
}
