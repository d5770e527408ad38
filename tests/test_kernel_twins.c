/* The probe and the prefix lookup of every instruction set against the scalar kernels, on numbers and tables
 * of random bits; all arrays begin or end at a guard page. */
#include "kernel_guard.h"
#include "random.h"
#include "simd/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS_MAX = 2500 };

static unsigned masks[2]; /* feature sets that this processor has */
static size_t mask_count;

static uint64_t random_state = 0x7477696e73;

static uint64_t next_random(void)
{
    return random_next(&random_state);
}

/* The arrays of one call: at the end of their memory, or `skip` elements after its begin. */
struct arrays {
    struct guarded key_memory, deck_memory, answer_memory;
    uint64_t *keys;
    uint32_t *decks, *answers;
};

static struct arrays arrays_make(void)
{
    return (struct arrays){.key_memory = guarded_make(ROWS_MAX * 8),
                           .deck_memory = guarded_make(ROWS_MAX * 4),
                           .answer_memory = guarded_make(ROWS_MAX * 4)};
}

static void arrays_free(struct arrays *arrays)
{
    guarded_free(&arrays->key_memory);
    guarded_free(&arrays->deck_memory);
    guarded_free(&arrays->answer_memory);
}

static void place(struct arrays *arrays, size_t rows, bool at_end, size_t skip)
{
    arrays->keys =
        at_end ? (uint64_t *)arrays->key_memory.end - rows : (uint64_t *)arrays->key_memory.begin + skip;
    arrays->decks =
        at_end ? (uint32_t *)arrays->deck_memory.end - rows : (uint32_t *)arrays->deck_memory.begin + skip;
    arrays->answers = at_end ? (uint32_t *)arrays->answer_memory.end - rows
                             : (uint32_t *)arrays->answer_memory.begin + skip;
}

/* 0..70, and around the kernels' groups. */
static size_t rows_of(size_t turn)
{
    static const size_t large[] = {127, 128, 129, 511, 512, 513, 1023, 1024, 1025, 1039, 2048, ROWS_MAX - 8};
    return turn <= 70 ? turn : large[(turn - 71) % (sizeof large / sizeof *large)];
}
enum { TURNS = 83 };

/* ---- probe ---- */

struct map {
    const struct toll_number_line *lines;
    uint64_t line_count;
    uint64_t pool[16]; /* numbers that are in the lines, and others */
};

static void check_probe(const struct map *map, struct arrays *arrays, size_t rows, bool at_end, size_t skip)
{
    static uint32_t want[ROWS_MAX];
    place(arrays, rows, at_end, skip);
    for (size_t i = 0; i < rows; i++)
        arrays->keys[i] = next_random() % 16 == 0 ? next_random() : map->pool[next_random() % 16];
    toll_probe_scalar(map->lines, map->line_count, arrays->keys, rows, want);
    for (size_t m = 0; m < mask_count; m++) {
        memset(arrays->answers, 0x5a, rows * sizeof *want);
        toll_kernels_select(masks[m])->probe(map->lines, map->line_count, arrays->keys, rows,
                                             arrays->answers);
        for (size_t i = 0; i < rows; i++)
            assert_int_equal(arrays->answers[i], want[i]);
    }
}

/* Lines as no book makes them: numbers twice, owner 0 and ~0, `more` with any value, everywhere, or nowhere;
 * full of them or empty. What is empty has owner 0. */
static void fill_hostile(struct map *map, struct toll_number_line *lines, unsigned kind)
{
    static const uint32_t owners[] = {0, 1, UINT32_MAX, TOLL_OWNER_DATED, 77};
    for (size_t i = 0; i < 16; i++)
        map->pool[i] = i == 0 ? 0 : next_random() >> (i % 4);
    for (uint64_t l = 0; l < map->line_count; l++) {
        memset(&lines[l], 0, sizeof lines[l]);
        const size_t used = kind == 0 ? TOLL_NUMBER_LINE_KEYS : next_random() % (TOLL_NUMBER_LINE_KEYS + 1);
        for (size_t k = 0; k < used; k++) {
            lines[l].key[k] = map->pool[1 + next_random() % 12];
            lines[l].owner[k] = owners[next_random() % 5];
        }
        static const uint32_t more[] = {~0u, 0, 5, ~0u};
        lines[l].more = kind == 0 ? ~0u : more[next_random() % 4];
    }
}

static void test_probe_hostile_lines(void **state)
{
    (void)state;
    struct arrays arrays = arrays_make();
    struct guarded memory = guarded_make(64 * sizeof(struct toll_number_line));
    for (unsigned round = 0; round < 60; round++) {
        struct map map = {.line_count = 1 + round % 20};
        struct toll_number_line *lines = (struct toll_number_line *)memory.end - map.line_count;
        map.lines = lines;
        fill_hostile(&map, lines, round % 3);
        for (size_t turn = 0; turn < TURNS; turn++)
            check_probe(&map, &arrays, rows_of(turn), (turn + round) % 2 == 0, (turn + round) % 8);
    }
    guarded_free(&memory);
    arrays_free(&arrays);
}

/* Lines as a book makes them, at any load up to all places taken. */
static void test_probe_filled_lines(void **state)
{
    (void)state;
    enum { NUMBERS = 300, SLOTS = 331 };
    struct arrays arrays = arrays_make();
    struct guarded memory = guarded_make(512 * sizeof(struct toll_number_line));
    for (uint64_t line_count = NUMBERS / 5; line_count < 140; line_count += 5) {
        static struct toll_number_slot slots[SLOTS];
        struct toll_number_line *lines = (struct toll_number_line *)memory.end - line_count;
        struct map map = {.lines = lines, .line_count = line_count};
        memset(slots, 0, sizeof slots);
        memset(lines, 0, line_count * sizeof *lines);
        for (uint32_t i = 0; i < NUMBERS; i++) {
            const uint64_t key = next_random() | 1;
            uint64_t at = toll_number_first_slot(key, SLOTS);
            while (slots[at].key != 0)
                at = (at + 1) % SLOTS;
            slots[at] = (struct toll_number_slot){.key = key, .owner = i + 1};
        }
        toll_number_lines_fill(lines, line_count, slots, SLOTS);
        for (size_t turn = 0; turn < TURNS; turn++) {
            for (size_t i = 0; i < 16; i++)
                map.pool[i] = i < 12 ? slots[next_random() % SLOTS].key : next_random();
            check_probe(&map, &arrays, rows_of(turn), turn % 2 == 0, turn % 8);
        }
    }
    const struct map none = {NULL, 0, {0}};
    check_probe(&none, &arrays, 70, true, 0);
    guarded_free(&memory);
    arrays_free(&arrays);
}

/* ---- prefix lookup ---- */

enum { DECKS = 5, PAGES = 3, NODES = 40, WORDS = 4096 * 2 + PAGES * 1000 + NODES * 16 };

/* A value of any kind: nodes (mostly where `often`), entries, prices; of a node, bit 30 may be set as well.
 */
static uint32_t any_value(uint32_t nodes, unsigned often)
{
    const uint64_t r = next_random();
    if (r % 8 < often)
        return TOLL_LPM_NODE | (uint32_t)(r >> 8 & TOLL_LPM_ENTRY) | (uint32_t)((r >> 40) % nodes);
    return (uint32_t)(r >> 32) & ~TOLL_LPM_NODE;
}

/* A trie with loops and ways of any depth, its sections in turned order: each comes last once, with no word
 * behind it. `first` is the place of words[0]. */
static void fill_trie(uint32_t *words, uint32_t first, unsigned turn, unsigned often, struct toll_lpm *table)
{
    static const uint32_t sizes[] = {4096, 4096, PAGES * 1000, NODES * 16};
    uint32_t at[4], next = first;
    for (unsigned i = 0; i < 4; i++) {
        const unsigned section = (turn + i) % 4;
        at[section] = next;
        for (uint32_t k = 0; k < sizes[section]; k++)
            words[next + k] = any_value(section == 1 ? PAGES : NODES, section < 2 ? 5 : often);
        next += sizes[section];
    }
    *table = (struct toll_lpm){.first3 = at[0],
                               .npa = at[1],
                               .pages = at[2],
                               .nodes = at[3],
                               .page_count = PAGES,
                               .node_count = NODES};
}

static uint64_t any_number(void)
{
    const uint64_t r = next_random();
    switch (r % 4) {
    case 0:
        return r;
    case 1: /* exchanges of any bits */
        return (r >> 4) | UINT64_C(1) << 60;
    case 2: /* beyond 999 */
        return (r >> 4 & UINT64_C(0x0fff000fffffffff)) | UINT64_C(0x1000fff000000000);
    default:
        return (r & UINT64_C(0x7777777777777777)) | r >> 60;
    }
}

static void check_lpm(const struct toll_lpm *tables, const uint32_t *words, struct arrays *arrays,
                      size_t rows, size_t turn, size_t skip)
{
    static uint32_t want[ROWS_MAX];
    place(arrays, rows, turn % 2 == 0, skip);
    const uint32_t same = 1 + (uint32_t)(next_random() % DECKS);
    for (size_t i = 0; i < rows; i++) {
        const uint32_t deck = (uint32_t)(next_random() % (DECKS + 1));
        arrays->keys[i] = any_number();
        arrays->decks[i] = words == NULL                ? 0
                           : turn % 3 == 0              ? same
                           : turn % 3 == 1 && deck != 0 ? same
                                                        : deck;
    }
    toll_lpm_scalar(tables, words, 0, arrays->decks, arrays->keys, rows, want);
    for (size_t m = 0; m < mask_count; m++) {
        memset(arrays->answers, 0x5a, rows * sizeof *want);
        toll_kernels_select(masks[m])->lpm(tables, words, 0, arrays->decks, arrays->keys, rows,
                                           arrays->answers);
        for (size_t i = 0; i < rows; i++)
            assert_int_equal(arrays->answers[i], want[i]);
    }
}

/* One table for all decks, against the same table asked for by its deck. */
static void check_one_table(const struct toll_lpm *tables, const uint32_t *words, struct arrays *arrays,
                            size_t rows, size_t turn)
{
    static uint32_t want[ROWS_MAX];
    place(arrays, rows, turn % 2 == 0, turn % 8);
    for (size_t i = 0; i < rows; i++) {
        arrays->keys[i] = any_number();
        arrays->decks[i] = (uint32_t)(next_random() % 2);
    }
    toll_lpm_scalar(tables, words, 0, arrays->decks, arrays->keys, rows, want);
    for (size_t i = 0; i < rows; i++)
        arrays->decks[i] *= 1 + (uint32_t)(next_random() % DECKS);
    for (size_t m = 0; m < mask_count; m++) {
        memset(arrays->answers, 0x5a, rows * sizeof *arrays->answers);
        toll_kernels_select(masks[m])->lpm(tables, words, 1, arrays->decks, arrays->keys, rows,
                                           arrays->answers);
        for (size_t i = 0; i < rows; i++)
            assert_int_equal(arrays->answers[i], want[i]);
    }
}

static void test_lpm_one_table(void **state)
{
    (void)state;
    struct arrays arrays = arrays_make();
    uint32_t *words = calloc(WORDS, sizeof *words);
    struct toll_lpm tables[2] = {{0}};
    assert_non_null(words);
    for (unsigned round = 0; round < 8; round++) {
        fill_trie(words, 0, round, round, &tables[1]);
        for (size_t turn = 0; turn < TURNS; turn++)
            check_one_table(tables, words, &arrays, rows_of(turn), turn);
    }
    free(words);
    arrays_free(&arrays);
}

static void test_lpm_tries(void **state)
{
    (void)state;
    struct arrays arrays = arrays_make();
    struct guarded memory = guarded_make(sizeof(uint32_t) * WORDS * DECKS);
    struct guarded table_memory = guarded_make((DECKS + 1) * sizeof(struct toll_lpm));
    struct toll_lpm *tables = (struct toll_lpm *)table_memory.end - (DECKS + 1);
    uint32_t *words = (uint32_t *)memory.end - WORDS * DECKS;
    for (unsigned round = 0; round < 12; round++) {
        memset(tables, 0, sizeof *tables);
        for (uint32_t deck = 0; deck < DECKS; deck++)
            fill_trie(words, deck * WORDS, round, round % 9, &tables[1 + deck]); /* 8: nothing ever ends */
        for (size_t turn = 0; turn < TURNS; turn++)
            check_lpm(tables, words, &arrays, rows_of(turn), turn + round, (turn + round) % 16 / 2);
    }
    check_lpm(tables, NULL, &arrays, 70, 0, 0);
    guarded_free(&memory);
    guarded_free(&table_memory);
    arrays_free(&arrays);
}

/* Places on both sides of 2^31, where a signed index would turn negative; the words in between do not exist.
 */
static void test_lpm_far_places(void **state)
{
    (void)state;
    const size_t bytes = (size_t)16 << 30;
    uint32_t *words =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (words == MAP_FAILED) {
        print_message("no 16 GiB of addresses here\n");
        skip();
    }
    static const uint32_t first[DECKS] = {16, 0x7fffffff - WORDS / 2, 0x80000000u, 0xc0000000u,
                                          UINT32_MAX - WORDS};
    struct arrays arrays = arrays_make();
    struct toll_lpm tables[DECKS + 1] = {{0}};
    for (uint32_t deck = 0; deck < DECKS; deck++)
        if (deck != 1) /* would run into the next */
            fill_trie(words, first[deck], deck, 3, &tables[1 + deck]);
    fill_trie(words, 0x7fffffff - 2 * WORDS, 1, 3, &tables[2]);
    for (size_t turn = 0; turn < TURNS; turn++)
        check_lpm(tables, words, &arrays, rows_of(turn), turn, turn % 8);
    arrays_free(&arrays);
    munmap(words, bytes);
}

static void test_selection(void **state)
{
    (void)state;
    assert_string_equal(toll_kernels_select(0)->name, "scalar");
#if defined(__x86_64__)
    assert_string_equal(toll_kernels_select(TOLL_CPU_AVX2)->name, "avx2");
    assert_string_equal(toll_kernels_select(TOLL_CPU_AVX2 | TOLL_CPU_AVX512)->name, "avx512");
#endif
}

/* Half the width: all values of 32 bits, negative ones too, and what they are together. */
static void test_narrow(void **state)
{
    struct guarded wide_memory = guarded_make(ROWS_MAX * 4), narrow_memory = guarded_make(ROWS_MAX * 2);
    static uint16_t expected[ROWS_MAX];
    (void)state;
    for (size_t turn = 0; turn < 166; turn++) {
        const size_t rows = rows_of(turn);
        int32_t *wide = (int32_t *)wide_memory.end - rows;
        uint16_t *narrow = (uint16_t *)narrow_memory.end - rows;
        uint32_t all = 0;
        for (size_t i = 0; i < rows; i++) {
            const uint32_t value = (uint32_t)next_random() >> (turn % 3 == 0 ? 0 : 16);
            wide[i] = (int32_t)(turn % 3 == 2 && i % 1000 == 999 ? 65536 : value);
            expected[i] = (uint16_t)((uint32_t)wide[i] & 0xffff);
            all |= (uint32_t)wide[i];
        }
        for (size_t m = 0; m <= mask_count; m++) {
            const struct toll_kernels *kernels = toll_kernels_select(m == mask_count ? 0 : masks[m]);
            memset(narrow, 0xa5, rows * sizeof *narrow);
            assert_int_equal(kernels->narrow(wide, rows, narrow), all);
            assert_memory_equal(narrow, expected, rows * sizeof *narrow);
        }
    }
    guarded_free(&wide_memory);
    guarded_free(&narrow_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selection),
        cmocka_unit_test(test_probe_hostile_lines),
        cmocka_unit_test(test_probe_filled_lines),
        cmocka_unit_test(test_lpm_tries),
        cmocka_unit_test(test_lpm_far_places),
        cmocka_unit_test(test_lpm_one_table),
        cmocka_unit_test(test_narrow),
    };
    mask_count = twin_masks(masks);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
