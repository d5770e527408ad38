/*
 * suspense.csv: what could not be rated, summed up for a person. One line for each (reason, account, about),
 * ordered by reason, account and what it is about; then, if there were more than TOLL_SUSPENSE_LINES of
 * those, a line whose reason is "more" with the number of rows that the lines above do not count.
 */
#include "pipeline/rate.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *bytes;
    size_t count, capacity;
    bool failed;
};

static void put(struct text *text, const char *bytes, size_t count)
{
    if (text->count + count + 1 > text->capacity) {
        const size_t capacity = (text->capacity + count) * 2 + 4096;
        char *grown = realloc(text->bytes, capacity);
        if (grown == NULL) {
            text->failed = true;
            return;
        }
        text->bytes = grown;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
    text->bytes[text->count] = 0;
}

static void put_text(struct text *text, const char *bytes)
{
    put(text, bytes, strlen(bytes));
}

/* Somebody opens this in a spreadsheet, which would run a text that begins like a formula: that one gets an
 * apostrophe, as in an export. */
static void put_cell(struct text *text, const char *cell)
{
    const char *guard = *cell != 0 && strchr("=+-@\t\r", *cell) != NULL ? "'" : "";
    if (strpbrk(cell, ",\"\r\n") == NULL) {
        put_text(text, guard);
        put_text(text, cell);
        return;
    }
    put(text, "\"", 1);
    put_text(text, guard);
    for (; *cell != 0; cell++)
        put(text, *cell == '"' ? "\"\"" : cell, *cell == '"' ? 2 : 1);
    put(text, "\"", 1);
}

/* Digits, 'x' where masked (nibble C). */
static void digits_text(uint64_t digits, char buffer[TOLL_DIGITS_TEXT_BYTES])
{
    size_t count = 0;
    for (; count < 16 && digits >> 60 != 0xF && digits != 0; digits = digits << 4 | 0xF)
        buffer[count++] = "0123456789*#xxxx"[digits >> 60];
    buffer[count] = 0;
}

static const struct toll_price_row *older_price(const struct toll_merge *merge, int32_t id)
{
    const struct toll_run_tables *tables = &merge->old.tables;
    int64_t low = 0, high = tables->price_count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (tables->prices[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tables->price_count && tables->prices[low].id == id ? &tables->prices[low] : NULL;
}

static void put_account(struct text *text, int32_t account, const struct toll_book *book,
                        const struct toll_merge *merge)
{
    if (account > 0)
        put_cell(text, toll_book_string(book, book->accounts[account].account));
    else if (account < 0)
        put_cell(text, merge->old.tables.accounts[-account].account);
}

static void put_about(struct text *text, const struct toll_suspense_entry *entry,
                      const struct toll_book *book, const struct toll_strings *texts,
                      const struct toll_merge *merge)
{
    char digits[TOLL_DIGITS_TEXT_BYTES], buffer[1024];
    switch (entry->status) {
    case TOLL_SUSPENSE_NO_ACCOUNT:
    case TOLL_SUSPENSE_NO_PREFIX:
        digits_text(entry->what, digits);
        put_cell(text, digits);
        break;
    case TOLL_SUSPENSE_NO_CALLTYPE:
        if (entry->what != 0)
            put_cell(text, toll_strings_text(texts, (uint32_t)entry->what, NULL));
        break;
    case TOLL_SUSPENSE_BLOCKED:
    case TOLL_SUSPENSE_NO_RATE: {
        struct toll_price_row row;
        const struct toll_price_row *price = &row;
        if ((entry->what & TOLL_SUSPENSE_OLDER_PRICE) == 0)
            toll_price_describe(book, (int32_t)entry->what, 0, &row);
        else
            price = older_price(merge, (int32_t)entry->what);
        if (price != NULL) {
            snprintf(buffer, sizeof buffer, "%s:%d", price->file, price->line);
            put_cell(text, buffer);
        }
        break;
    }
    default:
        break;
    }
}

int toll_suspense_to_csv(const struct toll_suspense *suspense, const struct toll_book *book,
                         const struct toll_merge *merge, const int64_t *days,
                         const struct toll_strings *texts, char **csv, size_t *bytes,
                         struct toll_error *error)
{
    struct text text = {0};
    int64_t listed = 0;
    char buffer[256];
    put_text(&text, "reason,account,about,rows,first,last\n");
    for (uint32_t i = 0; i < suspense->count; i++) {
        const struct toll_suspense_entry *entry = &suspense->entries[i];
        char first[TOLL_TIME_TEXT_BYTES], last[TOLL_TIME_TEXT_BYTES];
        put_text(&text, toll_status_reason(entry->status));
        put(&text, ",", 1);
        put_account(&text, entry->account, book, merge);
        put(&text, ",", 1);
        put_about(&text, entry, book, texts, merge);
        toll_day_format(days[entry->first_part], first);
        toll_day_format(days[entry->last_part], last);
        snprintf(buffer, sizeof buffer, ",%lld,%s:%lld,%s:%lld\n", (long long)entry->rows, first,
                 (long long)entry->first_row, last, (long long)entry->last_row);
        put_text(&text, buffer);
        listed += entry->rows;
    }
    if (suspense->rows > listed) {
        snprintf(buffer, sizeof buffer, "more,,,%lld,,\n", (long long)(suspense->rows - listed));
        put_text(&text, buffer);
    }
    if (text.failed) {
        free(text.bytes);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for suspense.csv");
    }
    *csv = text.bytes;
    *bytes = text.count;
    return 0;
}
