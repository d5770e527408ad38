/*
 * The kernels of a block's stages: every twin against its scalar specification, on random and boundary
 * values, for all small row counts, with every array between pages that must not be touched.
 */
#include "base/cpu.h"
#include "pipeline/block.h"
#include "random.h"
#include "simd/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define ROWS_MANY 1031

static uint64_t random_state;

static uint64_t next_random(void)
{
    return random_next(&random_state);
}

static uint32_t pick(uint32_t below)
{
    return (uint32_t)(next_random() % below);
}

/* ---- memory between pages that must not be touched ---- */

struct guarded {
    uint8_t *map;
    size_t map_bytes;
    void *data; /* ends at the page behind, or begins at the one before */
};

static struct guarded guarded(size_t bytes, bool at_end)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = (bytes + page - 1) / page * page + page;
    struct guarded memory = {.map_bytes = inner + 2 * page};
    memory.map = mmap(NULL, memory.map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory.map != MAP_FAILED);
    assert_int_equal(mprotect(memory.map, page, PROT_NONE), 0);
    assert_int_equal(mprotect(memory.map + page + inner, page, PROT_NONE), 0);
    memory.data = at_end ? memory.map + page + inner - bytes : memory.map + page;
    return memory;
}

/* All arrays of one case; released together. */
struct arrays {
    struct guarded each[32];
    size_t count;
    bool at_end;
};

static void *array(struct arrays *arrays, size_t bytes)
{
    assert_true(arrays->count < COUNT(arrays->each));
    arrays->each[arrays->count] = guarded(bytes, arrays->at_end);
    return arrays->each[arrays->count++].data;
}
#define ARRAY(type, name, length) type *const name = array(&arrays, (length) * sizeof(type))

static void release(struct arrays *arrays)
{
    while (arrays->count > 0) {
        arrays->count--;
        munmap(arrays->each[arrays->count].map, arrays->each[arrays->count].map_bytes);
    }
}

/* Runs a check for all row counts, with the arrays against the page behind and the page before. */
static void every_count(void (*check)(const struct toll_kernels *twin, size_t rows, bool at_end))
{
    static const unsigned masks[] = {TOLL_CPU_AVX2, TOLL_CPU_AVX2 | TOLL_CPU_AVX512};
    for (size_t m = 0; m < COUNT(masks); m++) {
        if ((masks[m] & ~toll_cpu_features()) != 0) {
            print_message("skipped: this processor has no %s\n", toll_cpu_name(masks[m]));
            continue;
        }
        const struct toll_kernels *twin = toll_kernels_select(masks[m]);
        assert_string_equal(twin->name, toll_cpu_name(masks[m]));
        random_state = 0x7374616765;
        for (size_t rows = 0; rows <= 70; rows++) {
            check(twin, rows, true);
            check(twin, rows, false);
        }
        for (int i = 0; i < 20; i++)
            check(twin, ROWS_MANY - (size_t)i, i % 2 == 0);
    }
}

/* ---- classify ---- */

/* Few states, and few areas that say MORE or may be local, so that every way to a jurisdiction occurs. */
static uint32_t any_area(void)
{
    const uint32_t place = (pick(3) == 0 ? 0 : pick(4)) |
                           (pick(2) == 0 ? 0 : pick(96)) << TOLL_AREA_LOCAL_SHIFT |
                           (pick(8) == 0 ? TOLL_AREA_ABROAD : 0) | (pick(8) == 0 ? TOLL_AREA_MORE : 0);
    return place | pick(5) << TOLL_AREA_CLASS_SHIFT;
}

static uint64_t any_number(void)
{
    return pick(8) == 0   ? 0
           : pick(8) == 0 ? UINT64_MAX
           : pick(2) == 0 ? next_random() >> 4 | UINT64_C(1) << 60
                          : next_random();
}

static void check_classify(const struct toll_kernels *twin, size_t rows, bool at_end)
{
    enum { STRIDE = 96 };
    struct arrays arrays = {.at_end = at_end};
    ARRAY(uint32_t, words, TOLL_AREAS);
    ARRAY(uint32_t, local, STRIDE * STRIDE / 32);
    ARRAY(uint64_t, caller, rows);
    ARRAY(uint64_t, callee, rows);
    ARRAY(uint64_t, from, rows);
    ARRAY(uint64_t, to, rows);
    ARRAY(uint16_t, kind, rows);
    static struct toll_number_line lines[7];
    const bool dialled = pick(2) == 0;
    const struct toll_areas areas = {words, local, pick(4) == 0 ? 0 : STRIDE};
    const struct toll_classify_in in = {caller, callee,      dialled ? caller : from, dialled ? callee : to,
                                        kind,   pick(2) == 0};
    for (size_t i = 0; i < TOLL_AREAS; i++)
        words[i] = any_area();
    for (size_t i = 0; i < STRIDE * STRIDE / 32; i++)
        local[i] = (uint32_t)next_random();
    for (size_t i = 0; i < rows; i++) {
        caller[i] = any_number();
        callee[i] = any_number();
        from[i] = any_number();
        to[i] = any_number();
        kind[i] = (uint16_t)next_random();
        if (pick(2) == 0) /* plain and unanswered calls are rare among any kinds */
            kind[i] = (uint16_t)((kind[i] & ~0x1fe7u) | TOLL_CALL_CALLER_E164 | TOLL_CALL_CALLEE_E164 |
                                 (pick(2) == 0 ? TOLL_CALL_ANSWERED : 0));
    }
    struct toll_classify_out out[2];
    size_t count[2];
    for (int k = 0; k < 2; k++) {
        out[k] = (struct toll_classify_out){array(&arrays, rows * sizeof(uint64_t)),
                                            array(&arrays, rows * sizeof(uint16_t)), array(&arrays, rows),
                                            array(&arrays, rows * sizeof(uint32_t))};
        count[k] = (k == 0 ? toll_kernels_select(0) : twin)
                       ->classify(&areas, lines, COUNT(lines), &in, rows, &out[k]);
    }
    assert_int_equal(count[0], count[1]);
    assert_true(count[0] <= rows);
    assert_memory_equal(out[0].near, out[1].near, rows * sizeof(uint64_t));
    assert_memory_equal(out[0].shape, out[1].shape, rows * sizeof(uint16_t));
    assert_memory_equal(out[0].class_jurisdiction, out[1].class_jurisdiction, rows);
    assert_memory_equal(out[0].again, out[1].again, count[0] * sizeof(uint32_t));
    release(&arrays);
}

/* The specification itself, by hand: RATING.md section 6.2 on pairs of areas. */
static void test_classify_by_hand(void **state)
{
    enum { NY = 1, NJ = 2 };
    static const struct {
        uint32_t from, to;
        unsigned kind, ring_to, jurisdiction, again; /* 2: only because it may be local */
    } cases[] = {
        {NY, NY, 0, 0, TOLL_INTRASTATE, 0},
        {NY, NJ, 0, 0, TOLL_INTERSTATE, 0},
        {NY, 0, 0, 0, TOLL_INDETERMINATE, 0},
        {0, 0, 0, 0, TOLL_INDETERMINATE, 0},
        {NY, TOLL_AREA_ABROAD, 0, 0, TOLL_INTERNATIONAL, 0},
        {TOLL_AREA_ABROAD | NJ, NJ, 0, 0, TOLL_INTERNATIONAL, 0},
        {NY | 3 << TOLL_AREA_LOCAL_SHIFT, NJ | 5 << TOLL_AREA_LOCAL_SHIFT, 0, 0, TOLL_INTERSTATE, 2},
        {NJ | 5 << TOLL_AREA_LOCAL_SHIFT, NY | 3 << TOLL_AREA_LOCAL_SHIFT, 0, 0, TOLL_INTERSTATE, 0},
        {NY, TOLL_AREA_MORE, 0, 0, TOLL_INDETERMINATE, 1},
        {NY, NY | TOLL_TOLL_FREE << TOLL_AREA_CLASS_SHIFT, 0, 0, TOLL_INDETERMINATE, 0},
        {NY, NY | TOLL_TOLL_FREE << TOLL_AREA_CLASS_SHIFT, TOLL_KIND_IN, 0, TOLL_INDETERMINATE, 1},
        {NY, NY | TOLL_TOLL_FREE << TOLL_AREA_CLASS_SHIFT, 0, 1, TOLL_INDETERMINATE, 1},
    };
    static uint32_t words[TOLL_AREAS], local[32];
    (void)state;
    local[(3 * 32 + 5) / 32] = 1u << 5;
    const struct toll_areas areas = {words, local, 32};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const uint64_t caller = UINT64_C(0x12125550100fffff), callee = UINT64_C(0x13105550100fffff);
        const uint16_t kind = (uint16_t)(cases[i].kind | TOLL_CALL_CALLER_E164 | TOLL_CALL_CALLEE_E164);
        const struct toll_classify_in in = {&caller, &callee, &caller, &callee, &kind, cases[i].ring_to != 0};
        uint64_t near;
        uint16_t shape;
        uint8_t class_jurisdiction;
        uint32_t again;
        const struct toll_classify_out out = {&near, &shape, &class_jurisdiction, &again};
        words[0x212] = cases[i].from;
        words[0x310] = cases[i].to;
        assert_int_equal(toll_classify_scalar(&areas, NULL, 0, &in, 1, &out), cases[i].again != 0);
        if (cases[i].again != 0)
            assert_int_equal(again, cases[i].again == 2 ? TOLL_AGAIN_LOCAL : 0);
        assert_int_equal(class_jurisdiction & 0xf, cases[i].jurisdiction);
        assert_int_equal(class_jurisdiction >> 4, cases[i].to >> TOLL_AREA_CLASS_SHIFT);
        assert_int_equal(shape & 7, cases[i].jurisdiction);
    }
}

static void test_classify(void **state)
{
    (void)state;
    every_count(check_classify);
}

/* ---- rules ---- */

static struct toll_verdicts_out verdicts_arrays(struct arrays *arrays, size_t rows)
{
    return (struct toll_verdicts_out){
        .account = array(arrays, rows * sizeof(int32_t)),
        .price = array(arrays, rows * sizeof(int32_t)),
        .bucket = array(arrays, rows * sizeof(uint32_t)),
        .deck = array(arrays, rows * sizeof(uint32_t)),
        .status = array(arrays, rows),
        .odd = array(arrays, rows * sizeof(uint32_t)),
        .planless = array(arrays, rows * sizeof(uint32_t)),
        .odd_count = 77,
        .planless_count = 77,
    };
}

static void check_rules(const struct toll_kernels *twin, size_t rows, bool at_end)
{
    enum { OWNERS = 50, PLANS = 5 };
    struct arrays arrays = {.at_end = at_end};
    ARRAY(struct toll_hot_owner, owners, OWNERS);
    ARRAY(uint32_t, verdicts, PLANS * TOLL_VERDICT_KEYS);
    ARRAY(uint32_t, owner, rows);
    ARRAY(uint16_t, shape, rows);
    const bool by_record = pick(4) == 0;
    for (uint32_t i = 1; i < OWNERS; i++)
        owners[i] = (struct toll_hot_owner){
            .plan = (int32_t)pick(PLANS), .account = (int32_t)pick(INT32_MAX), .bucket = pick(1u << 31)};
    for (size_t i = TOLL_VERDICT_KEYS; i < PLANS * TOLL_VERDICT_KEYS; i++)
        verdicts[i] = pick(4) == 0 ? 0 : pick(1u << 30) | (pick(2) == 0 ? TOLL_VERDICT_PRICE : 0);
    for (size_t i = 0; i < rows; i++) {
        owner[i] = pick(6) == 0 ? 0 : pick(OWNERS);
        shape[i] = (uint16_t)((pick(3) == 0   ? TOLL_SHAPE_UNANSWERED
                               : pick(3) == 0 ? 0
                                              : TOLL_SHAPE_PLAIN) |
                              pick(TOLL_VERDICT_KEYS));
    }
    struct toll_verdicts_out out[2];
    for (int k = 0; k < 2; k++) {
        out[k] = verdicts_arrays(&arrays, rows);
        (k == 0 ? toll_kernels_select(0) : twin)
            ->rules(owners, verdicts, owner, shape, by_record, rows, &out[k]);
    }
    assert_int_equal(out[0].odd_count, out[1].odd_count);
    assert_int_equal(out[0].planless_count, out[1].planless_count);
    assert_true(out[0].odd_count + out[0].planless_count <= rows);
    assert_memory_equal(out[0].account, out[1].account, rows * sizeof(int32_t));
    assert_memory_equal(out[0].price, out[1].price, rows * sizeof(int32_t));
    assert_memory_equal(out[0].bucket, out[1].bucket, rows * sizeof(uint32_t));
    assert_memory_equal(out[0].deck, out[1].deck, rows * sizeof(uint32_t));
    assert_memory_equal(out[0].status, out[1].status, rows);
    assert_memory_equal(out[0].odd, out[1].odd, out[0].odd_count * sizeof(uint32_t));
    assert_memory_equal(out[0].planless, out[1].planless, out[0].planless_count * sizeof(uint32_t));
    release(&arrays);
}

static void test_rules(void **state)
{
    (void)state;
    every_count(check_rules);
}

/* ---- ask ---- */

static void check_ask(const struct toll_kernels *twin, size_t rows, bool at_end)
{
    enum { DECKS = 9 };
    struct arrays arrays = {.at_end = at_end};
    ARRAY(uint32_t, ways, DECKS);
    ARRAY(uint16_t, kind, rows);
    ARRAY(uint8_t, class_jurisdiction, rows);
    ARRAY(uint32_t, deck, rows);
    uint64_t *number[4];
    for (size_t n = 0; n < COUNT(number); n++)
        number[n] = array(&arrays, rows * sizeof(uint64_t));
    for (size_t i = 1; i < DECKS; i++)
        ways[i] = (uint32_t)next_random();
    for (size_t i = 0; i < rows; i++) {
        kind[i] = (uint16_t)(pick(3) == 0 ? next_random() : TOLL_CALL_CALLER_E164 | TOLL_CALL_CALLEE_E164);
        class_jurisdiction[i] = (uint8_t)next_random();
        deck[i] = pick(DECKS);
        for (size_t n = 0; n < COUNT(number); n++)
            number[n][i] = n > 1 && pick(2) == 0 ? 0 : next_random();
    }
    const struct toll_ask_in in = {number[0], number[1],          number[2], number[3],
                                   kind,      class_jurisdiction, deck};
    struct toll_ask_out out[2];
    size_t count[2];
    for (int k = 0; k < 2; k++) {
        out[k] = (struct toll_ask_out){
            .key = array(&arrays, rows * sizeof(uint64_t)),
            .deck = array(&arrays, rows * sizeof(uint32_t)),
            .second = array(&arrays, rows * sizeof(uint32_t)),
            .column = array(&arrays, rows),
        };
        count[k] = (k == 0 ? toll_kernels_select(0) : twin)->ask(ways, &in, rows, &out[k]);
    }
    assert_int_equal(count[0], count[1]);
    assert_memory_equal(out[0].key, out[1].key, rows * sizeof(uint64_t));
    assert_memory_equal(out[0].deck, out[1].deck, rows * sizeof(uint32_t));
    assert_memory_equal(out[0].second, out[1].second, count[0] * sizeof(uint32_t));
    assert_memory_equal(out[0].column, out[1].column, rows);
    release(&arrays);
}

static void test_ask(void **state)
{
    (void)state;
    every_count(check_ask);
}

/* Rows: as dialled, LRN there and not there, by the caller, a short code, a pair, a call type. */
static void test_ask_by_hand(void **state)
{
    (void)state;
    const uint32_t ways[] = {0,
                             0,
                             TOLL_WAY_LRN,
                             TOLL_WAY_CALLER,
                             TOLL_WAY_PAIR | 2u << (TOLL_WAY_COLUMN_SHIFT + 6),
                             TOLL_WAY_CALLTYPE};
    const uint64_t callee[] = {11, 12, 13, 14, 15, 16, 17}, caller[] = {21, 22, 23, 24, 25, 26, 27};
    const uint64_t lrn[] = {31, 32, 0, 34, 35, 36, 37};
    const uint16_t both = TOLL_CALL_CALLER_E164 | TOLL_CALL_CALLEE_E164;
    const uint16_t kind[] = {both, both, both, both, TOLL_CALL_CALLER_E164, both, both};
    const uint8_t call[] = {3, 3, 3, 3, 3, 0x13, 3};
    const uint32_t deck[] = {1, 2, 2, 3, 1, 4, 5};
    const struct toll_ask_in in = {callee, caller, lrn, lrn, kind, call, deck};
    uint64_t key[7];
    uint32_t asked[7], second[7];
    uint8_t column[7];
    const struct toll_ask_out out = {key, asked, second, column};
    assert_int_equal(toll_ask_scalar(ways, &in, 7, &out), 2);
    const uint64_t keys[] = {11, 32, 13, 24, UINT64_MAX, 16, 17};
    const uint32_t decks[] = {1, 2, 2, 3, 1, 4, 0};
    const uint8_t columns[] = {0, 0, 0, 0, 0, 2, 0};
    assert_memory_equal(key, keys, sizeof keys);
    assert_memory_equal(asked, decks, sizeof decks);
    assert_memory_equal(column, columns, sizeof columns);
    assert_int_equal(second[0], 5);
    assert_int_equal(second[1], 6);
}

/* ---- price ---- */

/* A place of the deck's own, or one of a sheet's classes and ordinals. */
static uint32_t any_value(const struct toll_family_shape *shape, bool sheet, uint32_t prices,
                          uint32_t classes)
{
    if (pick(6) == 0)
        return pick(2) == 0 ? 0 : TOLL_LPM_ENTRY | (sheet ? 0 : pick(1u << 30));
    if (sheet)
        return (1 + pick(classes - 1)) << shape->class_shift | (1 + pick(shape->ordinal_mask));
    return pick(8) == 0 ? prices - 4 : pick(prices - 3);
}

static void check_price(const struct toll_kernels *twin, size_t rows, bool at_end)
{
    enum { PRICES = 300, CLASSES = 50, TERMS = 4 * CLASSES };
    struct arrays arrays = {.at_end = at_end};
    const bool columns = pick(2) == 0, sheets = pick(3) != 0, timed = pick(2) == 0;
    const uint32_t decks = sheets ? (pick(2) == 0 ? 32 : 96) : 0;
    ARRAY(uint16_t, price_terms, PRICES + 1);
    ARRAY(uint32_t, sheet_terms, TERMS);
    ARRAY(struct toll_sheet_now, now, decks);
    ARRAY(uint8_t, column, rows);
    ARRAY(uint32_t, deck, rows);
    ARRAY(int64_t, start, rows);
    const struct toll_price_in in = {
        .price_terms = price_terms,
        .column = columns ? column : NULL,
        .deck = deck,
        .sheets = sheets ? now : NULL,
        .sheet_count = decks,
        .shape = {sheet_terms, 0x3f, 6, (uint8_t)pick(4)},
        .start = timed ? start : NULL,
        .from = 100,
        .until = 1000 + INT64_MAX / (pick(2) == 0 ? 1 : 2) / 2,
    };
    for (size_t i = 1; i < PRICES; i++)
        price_terms[i] = (uint16_t)(pick(10) == 0 ? TOLL_TERMS_FAR : next_random() % 0xffff);
    price_terms[PRICES] = 0xabcd; /* no price */
    for (size_t i = 0; i < TERMS; i++)
        sheet_terms[i] = pick(1u << 30);
    for (uint32_t i = 0; i < decks; i++)
        now[i] = i == 0 || pick(4) == 0 ? (struct toll_sheet_now){pick(9), TOLL_SHEET_NONE}
                 : pick(6) == 0         ? (struct toll_sheet_now){pick(9), TOLL_SHEET_ASK}
                                        : (struct toll_sheet_now){pick(1u << 20), pick(3 * CLASSES)};
    int32_t *price[2] = {array(&arrays, rows * sizeof(int32_t)), array(&arrays, rows * sizeof(int32_t))};
    uint32_t *value[2] = {array(&arrays, rows * sizeof(uint32_t)), array(&arrays, rows * sizeof(uint32_t))};
    uint32_t *terms[2], *rest[2];
    for (size_t i = 0; i < rows; i++) {
        column[i] = (uint8_t)pick(4);
        deck[i] = pick(3) == 0 ? 0 : pick(110) + 1;
        start[i] = pick(9) == 0 ? (int64_t)next_random() : (int64_t)pick(1 << 20);
        const bool sheet = deck[i] < decks && now[deck[i]].terms != TOLL_SHEET_NONE;
        value[0][i] = deck[i] == 0 ? 0 : any_value(&in.shape, sheet, PRICES, CLASSES);
        value[1][i] = value[0][i];
        price[0][i] = price[1][i] = deck[i] != 0 || pick(2) == 0 ? 0 : (int32_t)pick(PRICES);
    }
    size_t count[2];
    for (int k = 0; k < 2; k++) {
        terms[k] = array(&arrays, rows * sizeof(uint32_t));
        rest[k] = array(&arrays, rows * sizeof(uint32_t));
        count[k] =
            (k == 0 ? toll_kernels_select(0) : twin)->price(&in, rows, value[k], price[k], terms[k], rest[k]);
    }
    assert_memory_equal(value[0], value[1], rows * sizeof(uint32_t));
    assert_int_equal(count[0], count[1]);
    assert_memory_equal(price[0], price[1], rows * sizeof(int32_t));
    assert_memory_equal(terms[0], terms[1], rows * sizeof(uint32_t));
    assert_memory_equal(rest[0], rest[1], count[0] * sizeof(uint32_t));
    release(&arrays);
}

/* By hand: deck 1 is a sheet, deck 2 one that is to be asked, deck 3 none. */
static void test_sheets_by_hand(void **state)
{
    (void)state;
    struct toll_sheet_now now[32];
    for (unsigned i = 0; i < 32; i++)
        now[i] = (struct toll_sheet_now){0, TOLL_SHEET_NONE};
    now[1] = (struct toll_sheet_now){1000, 2};
    now[2] = (struct toll_sheet_now){0, TOLL_SHEET_ASK};
    const uint32_t terms_by_class[] = {0, 0, 0, 71, 72, 73};
    const uint16_t price_terms[] = {0, 11, 12, 13, 14, 15};
    const uint32_t deck[] = {0, 1, 1, 1, 2, 3, 1, 0};
    const int64_t start[] = {5, 5, 5, 5, 5, 0, 9, 5};
    uint32_t value[] = {0, 1u << 4 | 3, 3u << 4 | 1, 0, 1u << 4 | 3, 4, 1u << 4 | 3, 0};
    int32_t price[] = {2, 0, 0, 0, 0, 0, 0, 0};
    uint32_t terms[8], rest[8];
    const struct toll_price_in in = {
        .price_terms = price_terms,
        .deck = deck,
        .sheets = now,
        .sheet_count = 32,
        .shape = {terms_by_class, 15, 4, 1},
        .start = start,
        .from = 5,
        .until = 9,
    };
    assert_int_equal(toll_price_scalar(&in, 8, value, price, terms, rest), 3);
    const int32_t prices[] = {2, 1006, 1002, 0, 0, 4, 0, 0};
    const uint32_t of[] = {12, 71, 73, 0, 0, 14, 0, 0};
    assert_memory_equal(price, prices, sizeof prices);
    assert_memory_equal(terms, of, sizeof of);
    assert_int_equal(rest[0], 3);
    assert_int_equal(rest[1], 4);
    assert_int_equal(rest[2], 6);
}

static void test_price(void **state)
{
    (void)state;
    every_count(check_price);
}

/* ---- voice: rates and fees at the bounds of 63 bits; what the terms mean is test_voice's ---- */

static struct toll_terms some_terms(void)
{
    static const toll_money edges[] = {0, 1, 1200000, INT64_MAX / (1 << 26) / 60, INT64_C(1) << 36};
    static const int32_t steps[] = {1, 6, 60, 7, 1 << 24, (1 << 24) - 1},
                         pers[] = {60, 1, 3600, 7, INT32_MAX};
    static const uint32_t quanta[] = {100, 1, 100000000};
    return (struct toll_terms){
        .maximum_charge = pick(4) == 0 ? (toll_money)(next_random() >> 1 >> pick(63)) : INT64_MAX,
        .minimum_charge = pick(4) == 0 ? (toll_money)(next_random() >> 1 >> pick(63)) : 0,
        .rate = pick(2) == 0 ? edges[pick(COUNT(edges))] : (toll_money)(next_random() >> 1 >> pick(63)),
        .connect_fee = pick(2) == 0 ? 0 : (toll_money)(next_random() >> 1 >> pick(63)),
        .per = pers[pick(COUNT(pers))],
        .initial = steps[pick(COUNT(steps))],
        .increment = steps[pick(COUNT(steps))],
        .quantum = quanta[pick(COUNT(quanta))],
        .action = (uint8_t)(pick(5) == 0   ? TOLL_ACTION_FREE
                            : pick(5) == 0 ? TOLL_ACTION_FLAT
                                           : 0),
        .rounding = (uint8_t)pick(4),
        .duration_rounding = (uint8_t)pick(4),
        .state = (uint8_t)(pick(8) == 0 ? pick(3) : 0),
    };
}

static void check_voice(const struct toll_kernels *twin, size_t rows, bool at_end)
{
    enum { TERMS = 40 };
    static const int32_t edges[] = {16383000,  16384000,       0, 1, 499, 500, 999, 1000, 1001, INT32_MAX, -1,
                                    INT32_MIN, INT32_MAX - 646};
    struct arrays arrays = {.at_end = at_end};
    ARRAY(uint64_t, rates, TERMS);
    ARRAY(struct toll_voice_profile, profiles, TERMS + 1);
    ARRAY(uint32_t, index, rows);
    ARRAY(int32_t, duration_ms, rows);
    struct toll_terms terms[TERMS - 1];
    const size_t shapes = pick(2) == 0 ? COUNT(terms) : 12; /* twins keep few of them near */
    for (size_t i = 0; i < COUNT(terms); i++)
        terms[i] = i < shapes ? some_terms() : terms[i % shapes];
    struct toll_voice_terms fast;
    assert_int_equal(toll_voice_profiles_most(COUNT(terms)), TERMS + 1);
    assert_true(toll_voice_terms_fill(terms, COUNT(terms), rates, profiles, &fast));
    int32_t *billed[2];
    int64_t *charge[2];
    uint8_t *status[2] = {array(&arrays, rows), array(&arrays, rows)};
    uint32_t *exact[2];
    size_t count[2];
    for (size_t i = 0; i < rows; i++) {
        index[i] = pick(4) == 0 ? 0 : pick(TERMS);
        duration_ms[i] =
            pick(3) == 0 ? edges[pick(COUNT(edges))] : (int32_t)(next_random() >> 33 >> pick(31));
        status[0][i] = status[1][i] = index[i] == 0 ? (uint8_t)pick(30) : 0;
    }
    for (int k = 0; k < 2; k++) {
        billed[k] = array(&arrays, rows * sizeof(int32_t));
        charge[k] = array(&arrays, rows * sizeof(int64_t));
        exact[k] = array(&arrays, rows * sizeof(uint32_t));
        count[k] =
            (k == 0 ? toll_kernels_select(0) : twin)
                ->voice(&fast, index, duration_ms, NULL, rows, billed[k], charge[k], status[k], exact[k]);
    }
    assert_int_equal(count[0], count[1]);
    assert_memory_equal(billed[0], billed[1], rows * sizeof(int32_t));
    assert_memory_equal(charge[0], charge[1], rows * sizeof(int64_t));
    assert_memory_equal(status[0], status[1], rows);
    assert_memory_equal(exact[0], exact[1], count[0] * sizeof(uint32_t));
    release(&arrays);
}

static void test_voice(void **state)
{
    (void)state;
    every_count(check_voice);
}

/* ---- tally ---- */

static void check_tally(const struct toll_kernels *twin, size_t rows, bool at_end)
{
    enum { BUCKETS = 9, PRICES = 200 };
    static const int64_t edges[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 32, (INT64_C(1) << 32) - 1};
    struct arrays arrays = {.at_end = at_end};
    ARRAY(uint16_t, kind, rows);
    ARRAY(int32_t, price, rows);
    ARRAY(int32_t, billed, rows);
    ARRAY(int64_t, charge, rows);
    ARRAY(uint8_t, status, rows);
    ARRAY(uint32_t, bucket, rows);
    struct toll_tally_bucket expected[BUCKETS];
    memset(expected, 0, sizeof expected);
    __int128 total[BUCKETS] = {0};
    for (size_t i = 0; i < rows; i++) {
        kind[i] = (uint16_t)(pick(4) == 0 ? next_random() : next_random() & ~TOLL_CALL_SERVICE);
        price[i] = (int32_t)pick(PRICES);
        billed[i] = pick(8) == 0 ? INT32_MAX : (int32_t)pick(4000);
        charge[i] = pick(4) == 0 ? edges[pick(COUNT(edges))] : (int64_t)next_random();
        status[i] = (uint8_t)(pick(2) == 0 ? pick(TOLL_STATUS_COUNT) : pick(3));
        bucket[i] = pick(BUCKETS);
        /* the sums by hand, for the buckets that are read */
        const uint32_t to = status[i] < TOLL_SUSPENSE_FIRST ? bucket[i] : 0;
        total[to] += charge[i];
        expected[to].rows++;
        expected[to].units += billed[i];
    }
    struct toll_tally_out out[2];
    for (int k = 0; k < 2; k++) {
        out[k] = (struct toll_tally_out){
            .buckets = array(&arrays, BUCKETS * sizeof(struct toll_tally_bucket)),
            .voice_prices = array(&arrays, (PRICES / 64 + 1) * sizeof(uint64_t)),
            .rest = array(&arrays, rows * sizeof(uint32_t)),
            .voice_units = 5,
            .rated = 6,
            .unanswered = 7,
        };
        (k == 0 ? toll_kernels_select(0) : twin)
            ->tally(kind, price, billed, charge, status, bucket, rows, &out[k]);
        for (uint32_t i = 0; i < BUCKETS; i++) {
            assert_int_equal(out[k].buckets[i].rows, expected[i].rows);
            assert_int_equal(out[k].buckets[i].units, expected[i].units);
            assert_true(toll_tally_charge(&out[k].buckets[i]) == total[i]);
        }
    }
    assert_memory_equal(out[0].buckets, out[1].buckets, BUCKETS * sizeof *out[0].buckets);
    assert_memory_equal(out[0].voice_prices, out[1].voice_prices, (PRICES / 64 + 1) * sizeof(uint64_t));
    assert_int_equal(out[0].voice_units, out[1].voice_units);
    assert_int_equal(out[0].rated, out[1].rated);
    assert_int_equal(out[0].unanswered, out[1].unanswered);
    assert_int_equal(out[0].rest_count, out[1].rest_count);
    assert_memory_equal(out[0].rest, out[1].rest, out[0].rest_count * sizeof(uint32_t));
    release(&arrays);
}

static void test_tally(void **state)
{
    (void)state;
    every_count(check_tally);
}

/* What the scalar kernel gives is worked out by hand, too; then the twin gives the same. */
static void check_tuple(const struct toll_kernels *twin, size_t rows, bool at_end)
{
    enum { BUCKETS = 11, PRODUCTS = 3, KEYS = 3000, CALENDARS = 70 };
    static const uint32_t calendar_counts[] = {1, 2, 16, 17, 32, 33, CALENDARS};
    struct arrays arrays = {.at_end = at_end};
    struct toll_tuple_in in = {.calendars = calendar_counts[pick(COUNT(calendar_counts))]};
    const bool products = pick(2) == 0;
    in.voice = !products && pick(2) == 0;
    ARRAY(uint16_t, kind, rows);
    ARRAY(uint8_t, class_jurisdiction, rows);
    ARRAY(uint8_t, status, rows);
    ARRAY(uint32_t, bucket, rows);
    ARRAY(uint32_t, product, rows);
    ARRAY(struct toll_tuple_bucket, buckets, BUCKETS);
    ARRAY(uint32_t, offsets, (size_t)PRODUCTS * TOLL_TUPLE_KEYS);
    ARRAY(uint32_t, spans, CALENDARS);
    ARRAY(uint32_t, planes, KEYS);
    in.buckets = buckets;
    in.offsets = offsets;
    in.product = products ? product : NULL;
    in.spans = spans + CALENDARS - in.calendars; /* nothing behind them may be read */
    in.planes = planes;
    for (size_t i = 0; i < BUCKETS; i++)
        buckets[i] = (struct toll_tuple_bucket){pick(1000000), pick(in.calendars)};
    for (size_t i = 0; i < (size_t)PRODUCTS * TOLL_TUPLE_KEYS; i++)
        offsets[i] = 1 + pick(KEYS - 10);
    for (size_t i = 0; i < CALENDARS; i++)
        spans[i] = pick(9);
    for (size_t i = 1; i < KEYS; i++)
        planes[i] = pick(5) == 0 ? 0 : (uint32_t)next_random() | 1;
    for (size_t i = 0; i < rows; i++) {
        kind[i] = (uint16_t)(in.voice ? next_random() & ~TOLL_CALL_SERVICE : next_random());
        class_jurisdiction[i] = (uint8_t)(pick(5) << 4 | pick(5));
        status[i] = (uint8_t)(pick(3) == 0 ? pick(TOLL_STATUS_COUNT) : TOLL_RATED);
        bucket[i] = pick(BUCKETS);
        product[i] = pick(PRODUCTS) * TOLL_TUPLE_KEYS;
    }
    for (int k = 0; k < 2; k++) {
        int32_t *tuple = array(&arrays, rows * sizeof *tuple);
        uint32_t *slot = array(&arrays, rows * sizeof *slot), *rest = array(&arrays, rows * sizeof *rest);
        const size_t count =
            (k == 0 ? toll_kernels_select(0) : twin)
                ->tuple(&in, kind, class_jurisdiction, status, bucket, rows, tuple, slot, rest);
        size_t wanted = 0;
        for (size_t i = 0; i < rows; i++) {
            const uint32_t service = kind[i] & 7u, class_ = class_jurisdiction[i] >> 4,
                           jurisdiction = class_jurisdiction[i] & 15u;
            const uint32_t key =
                offsets[(products ? product[i] : 0) + service * 64 + class_ * 8 + jurisdiction] +
                in.spans[in.calendars == 1 ? 0 : buckets[bucket[i]].calendar];
            const bool rated = status[i] == TOLL_RATED;
            assert_int_equal((uint32_t)tuple[i], rated ? buckets[bucket[i]].first + key : 0);
            assert_int_equal(slot[i], (rated ? planes[key] : 0) + bucket[i]);
            if (rated && planes[key] == 0) {
                assert_true(wanted < count);
                assert_int_equal(rest[wanted++], i);
            }
        }
        assert_int_equal(count, wanted);
    }
    release(&arrays);
}

static void test_tuple(void **state)
{
    (void)state;
    every_count(check_tuple);
}

/* The low halves of a bucket are carried before they can run over. */
static void test_settle(void **state)
{
    (void)state;
    struct toll_tally_bucket buckets[] = {
        {0, 0, 0, 0}, {UINT64_C(0xfffffffffffffffe), -3, 1, 2}, {UINT64_C(1) << 32, 0, 3, 4}};
    const struct toll_book book = {.bucket_count = COUNT(buckets)};
    struct toll_tally tally = {.buckets = buckets, .rows = 1000};
    const toll_total before = toll_tally_charge(&buckets[1]);
    assert_true(before == (((toll_total)1 << 64) - 2) - 3 * ((toll_total)1 << 32));
    toll_tally_settle(&tally, &book);
    assert_true(toll_tally_charge(&buckets[1]) == before);
    assert_true(buckets[1].charge_low == 0xfffffffe && buckets[2].charge_low == 0);
    assert_int_equal(buckets[2].charge_high, 1);
    assert_int_equal(tally.settled_rows, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classify),       cmocka_unit_test(test_classify_by_hand),
        cmocka_unit_test(test_rules),          cmocka_unit_test(test_ask),
        cmocka_unit_test(test_ask_by_hand),    cmocka_unit_test(test_price),
        cmocka_unit_test(test_sheets_by_hand), cmocka_unit_test(test_voice),
        cmocka_unit_test(test_tally),          cmocka_unit_test(test_tuple),
        cmocka_unit_test(test_settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
