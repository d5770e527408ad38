/* What a book's owners and pools hold, as text that a person can check. */
#ifndef TOLL_TESTS_POOL_TEXT_H
#define TOLL_TESTS_POOL_TEXT_H

#include "book_fixture.h"

#include "base/digits.h"

struct pool_text {
    char text[8192];
    size_t bytes;
};

static inline void pool_add(struct pool_text *out, const char *text)
{
    out->bytes += (size_t)snprintf(out->text + out->bytes, sizeof(out->text) - out->bytes, "%s", text);
    assert_true(out->bytes < sizeof(out->text));
}

/* " 2026-03-01T05:00", " -" where it has no end. */
static inline void pool_add_ms(struct pool_text *out, toll_ms ms)
{
    char text[TOLL_TIME_TEXT_BYTES + 1] = " -";

    if (ms != TOLL_MS_MIN && ms != TOLL_MS_MAX) {
        assert_int_equal(ms % 60000, 0);
        toll_ms_format(ms, text + 1);
        text[17] = 0;
    }
    pool_add(out, text);
}

/* " {60@6 - -}": units, line of subscriptions.csv, from, until. */
static inline void pool_add_grants(struct pool_text *out, const struct toll_book *book, uint32_t first,
                                   uint32_t count)
{
    char text[64];

    pool_add(out, " {");
    for (uint32_t i = 0; i < count; i++) {
        const struct toll_grant *grant = &book->grants[first + i];
        assert_string_equal(toll_book_string(book, grant->file), "subscriptions.csv");
        snprintf(text, sizeof(text), "%s%lld@%u", i > 0 ? "; " : "", (long long)grant->units, grant->line);
        pool_add(out, text);
        pool_add_ms(out, grant->from);
        pool_add_ms(out, grant->until);
    }
    pool_add(out, "}");
}

/* "bundle account site pool", what is empty as "-". */
static inline void pool_add_name(struct pool_text *out, const struct toll_book *book, uint32_t bundle,
                                 uint32_t index)
{
    const struct toll_pool *pool = &book->pools[index];
    const uint32_t texts[] = {book->bundles[bundle].bundle, book->accounts[pool->account].account,
                              book->sites[pool->site].site, pool->name};

    for (int i = 0; i < (index > 0 ? 4 : 1); i++) {
        const char *text = toll_book_string(book, texts[i]);
        pool_add(out, i > 0 ? " " : "");
        pool_add(out, text[0] != 0 ? text : "-");
    }
}

static inline void pool_list(struct pool_text *out, const struct toll_book *book, uint32_t first,
                             uint32_t count)
{
    memset(out, 0, sizeof(*out));
    for (uint32_t i = 0; i < count; i++) {
        const struct toll_entitlement *row = &book->entitlements[first + i];
        pool_add_name(out, book, row->bundle, row->pool);
        pool_add_ms(out, row->from);
        pool_add_ms(out, row->until);
        if (row->pool == 0)
            pool_add_grants(out, book, row->grant_first, row->grant_count);
        pool_add(out, "\n");
    }
}

/* The owner of a number, found as layout.h says. */
static inline const struct toll_owner *pool_owner(const struct toll_book *book, const char *number,
                                                  const char *at)
{
    uint64_t key, slot;

    assert_true(toll_digits_pack(number, strlen(number), &key));
    slot = toll_number_first_slot(key, book->number_capacity);
    while (book->numbers[slot].key != 0 && book->numbers[slot].key != key)
        slot = slot + 1 == book->number_capacity ? 0 : slot + 1;
    assert_true(book->numbers[slot].key != 0);
    return &book->owners[toll_book_owner_at(book, book->numbers[slot].owner, book_ms(at))];
}

static inline void assert_owner_list(const struct toll_book *book, const char *number, const char *at,
                                     const char *expected)
{
    const struct toll_owner *owner = pool_owner(book, number, at);
    struct pool_text text;

    pool_list(&text, book, owner->pool_first, owner->pool_count);
    assert_string_equal(text.text, expected);
}

static inline void assert_named_list(const struct toll_book *book, enum toll_named_kind kind,
                                     const char *name, const char *expected)
{
    const struct toll_named *named = toll_book_named(book, kind, name, strlen(name));
    struct pool_text text;

    assert_non_null(named);
    pool_list(&text, book, named->pool_first, named->pool_count);
    assert_string_equal(text.text, expected);
}

/* All pools: "bundle account site pool zone cycle_day {grants}". */
static inline void assert_pools(const struct toll_book *book, const char *expected)
{
    struct pool_text text = {.bytes = 0};
    char period[80];

    for (uint32_t i = 1; i < book->pool_count; i++) {
        const struct toll_pool *pool = &book->pools[i];
        pool_add_name(&text, book, pool->bundle, i);
        snprintf(period, sizeof(period), " %s %d", toll_zone_name(book->zones[pool->zone]), pool->cycle_day);
        pool_add(&text, period);
        pool_add_grants(&text, book, pool->grant_first, pool->grant_count);
        pool_add(&text, "\n");
    }
    assert_string_equal(text.text, expected);
}

#endif
