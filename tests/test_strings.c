/* The string table and the arena under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the headers it needs */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/strings.h"

static void gives_ids_in_order(void **state)
{
    struct toll_strings strings = {0};
    size_t bytes = 99;

    (void)state;
    assert_int_equal(toll_strings_find(&strings, "a", 1), 0);
    assert_int_equal(toll_strings_add(&strings, "alpha", 5), 1);
    assert_int_equal(toll_strings_add(&strings, "", 0), 2);
    assert_int_equal(toll_strings_add(&strings, "alphabet", 8), 3);
    assert_int_equal(toll_strings_add(&strings, "alphabet", 5), 1);
    assert_int_equal(toll_strings_add(&strings, NULL, 0), 2);
    assert_int_equal(toll_strings_add(&strings, "a\0b", 3), 4);
    assert_int_equal(toll_strings_add(&strings, "a\0c", 3), 5);
    assert_int_equal(toll_strings_find(&strings, "a\0c", 3), 5);
    assert_int_equal(toll_strings_find(&strings, "alph", 4), 0);
    assert_int_equal(strings.count, 5);
    assert_string_equal(toll_strings_text(&strings, 1, NULL), "alpha");
    assert_string_equal(toll_strings_text(&strings, 2, &bytes), "");
    assert_int_equal(bytes, 0);
    assert_memory_equal(toll_strings_text(&strings, 4, &bytes), "a\0b", 4);
    assert_int_equal(bytes, 3);
    toll_strings_free(&strings);
    assert_int_equal(toll_strings_find(&strings, "alpha", 5), 0);
    toll_strings_free(&strings);
}

static void grows(void **state)
{
    struct toll_strings strings = {0};
    const uint32_t count = 100000;
    const char *first;
    char text[32];

    (void)state;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 1; i <= count; i++) {
            int bytes = snprintf(text, sizeof text, "account-%u", i * 7919u);

            assert_int_equal(toll_strings_add(&strings, text, (size_t)bytes), i);
        }
    }
    assert_int_equal(strings.count, count);
    first = toll_strings_text(&strings, 1, NULL);
    assert_string_equal(first, "account-7919");
    for (uint32_t i = 1; i <= count; i++) {
        int bytes = snprintf(text, sizeof text, "account-%u", i * 7919u);

        assert_int_equal(toll_strings_find(&strings, text, (size_t)bytes), i);
        assert_string_equal(toll_strings_text(&strings, i, NULL), text);
    }
    toll_strings_free(&strings);
}

static void arena_memory_is_zeroed_aligned_and_apart(void **state)
{
    static const size_t sizes[] = {1, 0, 15, 16, 17, 4096, 70000, 3, 1000000, 65536, 16384, 16385, 8};
    struct toll_arena arena = {0};
    unsigned char *pieces[sizeof sizes / sizeof *sizes];
    const size_t count = sizeof sizes / sizeof *sizes;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        pieces[i] = toll_arena_alloc(&arena, sizes[i]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(pieces[i][j], 0);
        if (sizes[i] > 0)
            memset(pieces[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(pieces[i][j], i + 1);
    }
    assert_true(arena.total_bytes >= 1000000 + 70000 + 65536);
    assert_null(toll_arena_alloc(&arena, SIZE_MAX));
    assert_null(toll_arena_copy(&arena, "x", SIZE_MAX));
    assert_string_equal(toll_arena_copy(&arena, "deck and more", 4), "deck");
    assert_string_equal(toll_arena_copy(&arena, NULL, 0), "");
    toll_arena_free(&arena);
    assert_int_equal(arena.total_bytes, 0);
    toll_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_ids_in_order),
        cmocka_unit_test(grows),
        cmocka_unit_test(arena_memory_is_zeroed_aligned_and_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
