/* The summary of suspense against a plain sorted list, beyond what it keeps: counts, order, and rows that
 * are turned away before they are added. */
#include "pipeline/suspense.h"
#include "random.h"
#include "tollmill_segment.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS 450000

struct row {
    uint32_t status;
    int32_t account;
    uint64_t what;
    int64_t at;
};

static uint64_t random_state = 0x73757370;

static uint64_t next_random(void)
{
    return random_next(&random_state);
}

static int by_order(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->status != y->status)
        return x->status < y->status ? -1 : 1;
    if (x->account != y->account)
        return x->account < y->account ? -1 : 1;
    if (x->what != y->what)
        return x->what < y->what ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* The smallest entries of sorted rows, one after the other, against what the summary kept. */
static void check_kept(const struct toll_suspense *summary, const struct row *rows)
{
    uint32_t entry = 0;
    for (size_t i = 0; i < ROWS && entry < TOLL_SUSPENSE_LINES; entry++) {
        size_t end = i + 1;
        while (end < ROWS && rows[end].status == rows[i].status && rows[end].account == rows[i].account &&
               rows[end].what == rows[i].what)
            end++;
        const struct toll_suspense_entry *kept = &summary->entries[entry];
        assert_int_equal(kept->status, rows[i].status);
        assert_int_equal(kept->account, rows[i].account);
        assert_true(kept->what == rows[i].what);
        assert_int_equal(kept->rows, end - i);
        assert_int_equal(kept->first_row, rows[i].at);
        assert_int_equal(kept->last_row, rows[end - 1].at);
        i = end;
    }
    assert_int_equal(summary->count, entry);
    assert_int_equal(entry, TOLL_SUSPENSE_LINES);
    assert_int_equal(summary->rows, ROWS);
}

static void test_more_than_is_kept(void **state)
{
    (void)state;
    static struct row rows[ROWS];
    struct toll_suspense asked, merged, half;
    struct toll_error error;
    memset(&asked, 0, sizeof asked);
    assert_int_equal(toll_suspense_init(&asked, &error), 0);
    assert_int_equal(toll_suspense_init(&merged, &error), 0);
    assert_int_equal(toll_suspense_init(&half, &error), 0);
    int64_t turned_away = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        struct row *row = &rows[i];
        *row = (struct row){.status = TOLL_SUSPENSE_NO_ACCOUNT + (uint32_t)(next_random() % 4),
                            .account = (int32_t)(next_random() % 3 == 0 ? 0 : next_random() >> 33),
                            .what = next_random() % 5 == 0 ? next_random() % 100 : next_random(),
                            .at = i};
        if (toll_suspense_expect(&asked, row->status, row->account, row->what))
            toll_suspense_add(&asked, row->status, row->account, row->what, 0, i);
        else
            turned_away++;
        toll_suspense_add(i % 2 == 0 ? &half : &merged, row->status, row->account, row->what, 0, i);
    }
    assert_true(turned_away > 10000);
    qsort(rows, ROWS, sizeof *rows, by_order);
    toll_suspense_finish(&asked);
    check_kept(&asked, rows);
    toll_suspense_merge(&merged, &half);
    toll_suspense_finish(&merged);
    check_kept(&merged, rows);

    /* Once cleared, nothing is turned away. */
    toll_suspense_clear(&asked);
    assert_true(toll_suspense_expect(&asked, TOLL_SUSPENSE_OVERFLOW, INT32_MAX, UINT64_MAX));
    toll_suspense_free(&asked);
    toll_suspense_free(&merged);
    toll_suspense_free(&half);
}

/* Two workers that share a limit, each with every other row, block by block. */
struct half {
    struct toll_suspense summary;
    const struct row *rows;
    int64_t first;
    int64_t turned_away;
};

static void *add_half(void *argument)
{
    struct half *half = argument;
    for (int64_t i = half->first; i < ROWS; i += 2) {
        const struct row *row = &half->rows[i];
        if (i % 1000 < 2)
            toll_suspense_begin(&half->summary);
        if (toll_suspense_expect(&half->summary, row->status, row->account, row->what)) {
            toll_suspense_look(&half->summary, row->status, row->account, row->what);
            toll_suspense_add(&half->summary, row->status, row->account, row->what, 0, i);
        } else {
            half->turned_away++;
        }
    }
    return NULL;
}

static void test_shared_limit(void **state)
{
    (void)state;
    static struct row rows[ROWS];
    static struct half halves[2];
    struct toll_suspense_limit limit;
    struct toll_error error;
    pthread_t thread;
    toll_suspense_limit_init(&limit);
    for (int64_t i = 0; i < ROWS; i++)
        rows[i] = (struct row){.status = TOLL_SUSPENSE_NO_PREFIX,
                               .account = (int32_t)(next_random() % 1000),
                               .what = next_random() % 3 == 0 ? next_random() % 100 : next_random(),
                               .at = i};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(toll_suspense_init(&halves[i].summary, &error), 0);
        halves[i].summary.shared = &limit;
        halves[i].rows = rows;
        halves[i].first = i;
    }
    assert_int_equal(pthread_create(&thread, NULL, add_half, &halves[1]), 0);
    add_half(&halves[0]);
    pthread_join(thread, NULL);
    assert_true(halves[0].turned_away + halves[1].turned_away > 1000);
    qsort(rows, ROWS, sizeof *rows, by_order);
    toll_suspense_merge(&halves[0].summary, &halves[1].summary);
    toll_suspense_finish(&halves[0].summary);
    check_kept(&halves[0].summary, rows);
    toll_suspense_free(&halves[0].summary);
    toll_suspense_free(&halves[1].summary);
    toll_suspense_limit_free(&limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_than_is_kept),
        cmocka_unit_test(test_shared_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
