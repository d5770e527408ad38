/*
 * Sums of several books over the same calls: figures worked out by hand, and random lines in random portions
 * against sums made plainly, one line at a time.
 */
#include "base/error.h"
#include "io/zonefile.h"
#include "pipeline/impact.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- books that are nothing but ids ---- */

struct world_book {
    struct toll_book book;
    char strings[4096];
    size_t used;
    struct toll_account accounts[16];
    struct toll_plan plans[8];
    struct toll_deck decks[4];
    struct toll_origin origins[64];
    struct toll_origin_group groups[64]; /* of each price its own */
    uint32_t price_terms[64], band_names[4];
    struct toll_terms terms[64];
};

static uint32_t text(struct world_book *world, const char *text_)
{
    const size_t at = world->used, bytes = strlen(text_) + 1;
    assert_true(at + bytes <= sizeof world->strings);
    memcpy(world->strings + at, text_, bytes);
    world->used += bytes;
    return (uint32_t)at;
}

static void begin(struct world_book *world, const char *currency)
{
    memset(world, 0, sizeof *world);
    struct toll_book *book = &world->book;
    world->used = 1; /* 0 is "" */
    book->strings = world->strings;
    book->currency = world->strings + text(world, currency);
    book->accounts = world->accounts;
    book->plans = world->plans;
    book->decks = world->decks;
    book->origins = world->origins;
    book->origin_groups = world->groups;
    book->price_terms = world->price_terms;
    book->terms = world->terms;
    book->band_names = world->band_names;
    book->account_count = book->plan_count = book->deck_count = book->price_count = 1;
    world->decks[0].price_count = 1;
}

static int32_t account(struct world_book *world, const char *name, const char *currency)
{
    struct toll_account *to = &world->accounts[world->book.account_count];
    assert_true(world->book.account_count < COUNT(world->accounts));
    to->account = text(world, name);
    char long_name[64];
    snprintf(long_name, sizeof long_name, "%s Ltd", name);
    to->name = text(world, long_name);
    to->currency = text(world, currency);
    return (int32_t)world->book.account_count++;
}

static uint32_t plan(struct world_book *world, const char *name)
{
    world->plans[world->book.plan_count].plan = text(world, name);
    return world->book.plan_count++;
}

static int32_t deck(struct world_book *world, const char *name)
{
    struct toll_deck *to = &world->decks[world->book.deck_count];
    to->name = text(world, name);
    to->price_first = to->origin_first = world->book.price_count;
    return (int32_t)world->book.deck_count++;
}

static int32_t price(struct world_book *world, int32_t deck_, const char *prefix, const char *destination,
                     int64_t rate, uint32_t line)
{
    const uint32_t id = world->book.price_count++;
    assert_true(id < COUNT(world->origins));
    assert_int_equal(deck_ + 1, world->book.deck_count); /* deck after deck */
    world->decks[deck_].price_count++;
    world->groups[id] =
        (struct toll_origin_group){.kind = TOLL_PRICE_DECK, .file = text(world, "decks/d.csv")};
    world->origins[id] = (struct toll_origin){
        .key = text(world, prefix), .destination = text(world, destination), .line = line, .group = id};
    world->price_terms[id] = id;
    world->terms[id] = (struct toll_terms){.rate = rate, .per = 60};
    return (int32_t)id;
}

/* ---- lines as arrays ---- */

#define ROWS_MOST 4096
struct lines {
    int32_t account[ROWS_MOST], price[ROWS_MOST], billed[ROWS_MOST];
    int64_t charge[ROWS_MOST], cost[ROWS_MOST];
    uint8_t status[ROWS_MOST], class_jurisdiction[ROWS_MOST];
    uint32_t plans[ROWS_MOST];
};
struct calls {
    int64_t start[ROWS_MOST];
    uint16_t kind[ROWS_MOST];
    size_t rows;
};

static struct toll_impact_lines view(const struct lines *lines, size_t first)
{
    return (struct toll_impact_lines){.lines = {.account = lines->account + first,
                                                .price = lines->price + first,
                                                .billed = lines->billed + first,
                                                .charge = lines->charge + first,
                                                .cost = lines->cost + first,
                                                .status = lines->status + first,
                                                .class_jurisdiction = lines->class_jurisdiction + first},
                                      .plans = lines->plans + first};
}

/* The charges of repriced sides beside the base's lines. */
static int64_t beside[8 * ROWS_MOST];

static const int64_t *put_beside(const struct lines *sides, int count, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        for (int s = 0; s < count; s++)
            beside[8 * i + (size_t)s] = sides[s].charge[i];
    return beside;
}

static void put(struct lines *lines, size_t row, int32_t account_, int32_t price_, int32_t billed,
                int64_t charge, unsigned status)
{
    lines->account[row] = account_;
    lines->price[row] = price_;
    lines->billed[row] = billed;
    lines->charge[row] = charge;
    lines->status[row] = (uint8_t)status;
    lines->class_jurisdiction[row] = TOLL_ORDINARY << 4 | TOLL_INTERNATIONAL;
}

/* ---- reading an impact ---- */

static const struct toll_measure *find(const struct toll_impact *impact, enum toll_dimension dimension,
                                       const char *key, const char *name, const char *currency)
{
    const struct toll_impact_table *table = &impact->tables[dimension];
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].key, key) == 0 && strcmp(table->rows[i].currency, currency) == 0 &&
            (name == NULL || strcmp(table->rows[i].name, name) == 0))
            return table->rows[i].books;
    return NULL;
}

static int64_t small(struct toll_sum sum)
{
    assert_true(sum.high == 0 || sum.high == -1);
    return (int64_t)sum.low;
}

/* ---- by hand ---- */

#define UTC_MONDAY INT64_C(1772409600000) /* 2026-03-02T00:00:00Z */

/*
 * Two accounts, four calls, three books: the base, the base with other charges, and another one that numbers
 * everything the other way round and has no price for the second call of acme.
 *
 * | start   | account | base          | dearer      | other          |
 * | Mon 00  | acme    | 44 0.50 60 s  | 0.55        | 44 0.40 60 s   |
 * | Mon 00  | acme    | 1  0.10 30 s  | 0.11        | no_prefix      |
 * | Mon 01  | beta    | 44 1.00 120 s | 1.00        | 44 0.80 120 s  |
 * | Tue 01  | nobody  | no_account    | no_account  | beta 1 0.20 6 s|
 */
static void figures_by_hand(void **state)
{
    static struct world_book base, other;
    static struct lines a, b, c;
    static struct calls calls;
    (void)state;
    begin(&base, "USD");
    const int32_t acme = account(&base, "acme", "USD"), beta = account(&base, "beta", "USD");
    const int32_t d = deck(&base, "intl"), us = price(&base, d, "1", "US", 20000000, 2);
    const int32_t uk = price(&base, d, "44", "UK", 50000000, 3);
    const uint32_t gold = plan(&base, "gold");
    begin(&other, "USD");
    const int32_t beta2 = account(&other, "beta", "USD"), acme2 = account(&other, "acme", "USD");
    const int32_t d2 = deck(&other, "cheap"), uk2 = price(&other, d2, "44", "UK", 40000000, 2);
    const int32_t us2 = price(&other, d2, "1", "US", 200000000, 3);

    calls.rows = 4;
    const int64_t hours[] = {0, 0, 1, 25};
    for (size_t i = 0; i < 4; i++) {
        calls.start[i] = UTC_MONDAY + hours[i] * 3600000 + 5;
        calls.kind[i] = TOLL_VOICE;
        a.plans[i] = i < 3 ? gold : 0;
    }
    put(&a, 0, acme, uk, 60, 50000000, TOLL_RATED);
    put(&a, 1, acme, us, 30, 10000000, TOLL_RATED);
    put(&a, 2, beta, uk, 120, 100000000, TOLL_RATED);
    put(&a, 3, 0, 0, 0, 0, TOLL_SUSPENSE_NO_ACCOUNT);
    b = a;
    b.charge[0] = 55000000;
    b.charge[1] = 11000000;
    put(&c, 0, acme2, uk2, 60, 40000000, TOLL_RATED);
    put(&c, 1, acme2, 0, 0, 0, TOLL_SUSPENSE_NO_PREFIX);
    put(&c, 2, beta2, uk2, 120, 80000000, TOLL_RATED);
    put(&c, 3, beta2, us2, 6, 20000000, TOLL_RATED);

    struct toll_zone *zone = toll_zone_utc();
    const struct toll_period_charges periods = {
        .entries = (struct toll_period_charge_entry[]){{.row = {.account = acme, .charge = 30000000}}},
        .count = 1};
    const struct toll_impact_side sides[] = {
        {.about = {.name = "base"}, .book = &base.book, .periods = &periods},
        {.about = {.name = "dearer"}, .book = &base.book, .repriced = true, .periods = &periods},
        {.about = {.name = "other"}, .book = &other.book},
    };
    struct toll_impact_shape *shape = NULL;
    struct toll_impact_sums *sums = NULL;
    struct toll_impact impact;
    struct toll_error error = {0};
    assert_int_equal(toll_impact_shape_make(&shape, sides, 3, zone, &error), 0);
    assert_int_equal(toll_impact_sums_make(&sums, shape, &error), 0);
    const struct toll_cdr_batch batch = {.rows = 4, .start = calls.start, .kind = calls.kind};
    struct toll_impact_lines lines[] = {view(&a, 0), view(&b, 0), view(&c, 0)};
    lines[0].repriced_charges = put_beside(&b, 1, 4);
    toll_impact_add(sums, &batch, lines);
    const struct toll_impact_wishes wishes = {
        .same_calls = true, .moved_by_bp = 1000, .moved_most = 1, .prices = true};
    assert_int_equal(toll_impact_make(&impact, sums, sides, &wishes, &error), 0);

    const struct toll_measure *total = find(&impact, TOLL_BY_TOTAL, "USD", "", "USD");
    assert_non_null(total);
    const int64_t charges[] = {160000000, 166000000, 140000000}, billed[] = {210, 210, 186};
    const int64_t rated[] = {3, 3, 3}, period[] = {30000000, 30000000, 0};
    for (int s = 0; s < 3; s++) {
        assert_int_equal(total[s].rows, 4);
        assert_int_equal(total[s].rated, rated[s]);
        assert_int_equal(total[s].suspense, 1);
        assert_int_equal(total[s].billed_s, billed[s]);
        assert_int_equal(small(total[s].charge), charges[s]);
        assert_int_equal(small(total[s].periods), period[s]);
        assert_int_equal(total[s].accounts, 2);
    }
    const struct toll_measure *of_acme = find(&impact, TOLL_BY_ACCOUNT, "acme", "acme Ltd", "USD");
    assert_int_equal(small(toll_measure_charge(&of_acme[0])), 90000000);
    assert_int_equal(small(toll_measure_charge(&of_acme[1])), 96000000);
    assert_int_equal(small(toll_measure_charge(&of_acme[2])), 40000000);
    assert_int_equal(of_acme[1].billed_s, 90);
    assert_int_equal(of_acme[2].suspense, 1);
    assert_int_equal(impact.tables[TOLL_BY_ACCOUNT].count, 3); /* and "" */
    assert_string_equal(impact.tables[TOLL_BY_ACCOUNT].rows[0].key, "");

    const struct toll_measure *hour = find(&impact, TOLL_BY_HOUR, "1 00", "", "USD");
    assert_int_equal(hour[0].rows, 2);
    assert_int_equal(small(hour[1].charge), 66000000);
    assert_int_equal(hour[1].billed_s, 90);
    assert_int_equal(hour[2].rated, 1);
    assert_int_equal(find(&impact, TOLL_BY_HOUR, "2 01", "", "USD")[2].billed_s, 6);
    assert_int_equal(find(&impact, TOLL_BY_DAY, "2026-03-02", "", "USD")[0].rows, 3);
    assert_int_equal(find(&impact, TOLL_BY_DAY, "2026-03-03", "", "USD")[0].rows, 1);
    assert_int_equal(small(find(&impact, TOLL_BY_DECK, "cheap", "", "USD")[2].charge), 140000000);
    assert_int_equal(find(&impact, TOLL_BY_DECK, "cheap", "", "USD")[0].rows, 0);
    assert_int_equal(find(&impact, TOLL_BY_DECK, "", "", "USD")[0].rows, 1);
    const struct toll_measure *destination = find(&impact, TOLL_BY_DESTINATION, "US", "", "USD");
    assert_int_equal(small(destination[0].charge), 10000000);
    assert_int_equal(small(destination[1].charge), 11000000);
    assert_int_equal(destination[1].billed_s, 30);
    assert_int_equal(small(destination[2].charge), 20000000);
    assert_int_equal(find(&impact, TOLL_BY_STATUS, "suspense", "no_prefix", "USD")[2].rows, 1);
    assert_int_equal(small(find(&impact, TOLL_BY_STATUS, "rated", "", "USD")[1].charge), 166000000);
    assert_true(impact.has_plans);
    assert_int_equal(small(find(&impact, TOLL_BY_PLAN, "gold", "", "USD")[1].charge), 166000000);
    assert_int_equal(impact.tables[TOLL_BY_PRICE].count, 5); /* without, two of each deck */

    /* moved: uk 0.05 + 0.30, us 0.01 + 0.10, without 0.20; the most first, the others together */
    assert_int_equal(impact.moved_count, 2);
    assert_string_equal(impact.moved[0].price->prefix, "44");
    assert_int_equal(impact.moved[0].price->line, 3);
    assert_int_equal(impact.moved[0].rows, 2);
    assert_int_equal(small(impact.moved[0].charge[0]), 150000000);
    assert_int_equal(small(impact.moved[0].charge[1]), 155000000);
    assert_int_equal(small(impact.moved[0].charge[2]), 120000000);
    assert_null(impact.moved[1].price);
    assert_int_equal(impact.moved[1].left_out, 2);
    assert_int_equal(impact.moved[1].rows, 2);
    assert_int_equal(small(impact.moved[1].charge[0]), 10000000);
    assert_int_equal(small(impact.moved[1].charge[2]), 20000000);

    assert_int_equal(impact.status_move_count, 2);
    assert_int_equal(impact.status_moves[0].book, 2);
    assert_int_equal(impact.status_moves[0].base_status, TOLL_RATED);
    assert_int_equal(impact.status_moves[0].status, TOLL_SUSPENSE_NO_PREFIX);
    assert_int_equal(small(impact.status_moves[0].base_charge), 10000000);
    assert_int_equal(impact.status_moves[1].base_status, TOLL_SUSPENSE_NO_ACCOUNT);
    assert_int_equal(small(impact.status_moves[1].charge), 20000000);

    /* dearer: acme 0.90 -> 0.96 (6.67 %), beta the same; other: acme 0.90 -> 0.40, beta the same 1.00 */
    assert_int_equal(impact.account_count, 2);
    const struct toll_impact_accounts *dearer = &impact.accounts[0], *cheap = &impact.accounts[1];
    assert_int_equal(dearer->book, 1);
    assert_int_equal(dearer->losers, 1);
    assert_int_equal(dearer->same, 1);
    assert_int_equal(dearer->moved, 0);
    assert_int_equal(small(dearer->lost), 6000000);
    assert_int_equal(dearer->in_class[6], 1);
    assert_int_equal(dearer->in_class[9], 1);
    assert_int_equal(dearer->percentile_bp[4], 667);
    assert_int_equal(small(dearer->percentile[0]), 0);
    assert_int_equal(cheap->winners, 1);
    assert_int_equal(cheap->moved, 1);
    assert_int_equal(small(cheap->won), -50000000);
    assert_int_equal(cheap->in_class[0], 1); /* -55.56 % */
    assert_int_equal(cheap->percentile_bp[0], -5556);
    assert_int_equal(cheap->percentile_bp[2], -5556);
    assert_int_equal(cheap->percentile_bp[3], 0);

    toll_impact_free(&impact);
    toll_impact_sums_free(sums);
    toll_impact_shape_free(shape);
    toll_zone_free(zone);
}

static struct toll_sum sum_of(int64_t value)
{
    return (struct toll_sum){.low = (uint64_t)value, .high = value < 0 ? -1 : 0};
}

static void percents(void **state)
{
    static const struct {
        int64_t base, other;
        bool there;
        int64_t bp;
    } cases[] = {
        {100, 110, true, 1000},  {100, 90, true, -1000},   {3, 4, true, 3333},      {3, 5, true, 6667},
        {0, 0, true, 0},         {0, 1, false, 0},         {-100, -90, true, 1000}, {-100, 0, true, 10000},
        {20000, 20001, true, 1}, {20000, 19999, true, -1}, {30000, 30001, true, 0}, {5, 0, true, -10000},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t bp = -7;
        assert_int_equal(toll_impact_percent(sum_of(cases[i].base), sum_of(cases[i].other), &bp),
                         cases[i].there);
        if (cases[i].there)
            assert_int_equal(bp, cases[i].bp);
    }
}

static struct toll_sum wide(toll_total total)
{
    return (struct toll_sum){.low = (uint64_t)total, .high = (int64_t)(total >> 64)};
}

/* Exact to the last place, and beyond 64 bits, too. */
static void beyond_a_percent(void **state)
{
    static const struct {
        int64_t base, other, bp;
        bool beyond;
    } cases[] = {
        {100, 110, 1000, false},
        {1000, 1101, 1000, true},
        {-100, -111, 1000, true},
        {100, 100, 0, false},
        {0, 1, 1000, true},
        {5000000000000000000, 5500000000000000000, 1000, false},
        {5000000000000000000, 5500000000000000001, 1000, true},
        {5000000000000000000, 4500000000000000000, 1000, false},
        {5000000000000000000, 4499999999999999999, 1000, true},
        {1, INT64_MAX, INT64_MAX, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (toll_impact_beyond(sum_of(cases[i].base), sum_of(cases[i].other), cases[i].bp) != cases[i].beyond)
            fail_msg("%zu", i);
    /* 2^100 and a tenth of it more, rounded up; and what no money is */
    const toll_total large = (toll_total)1 << 100;
    assert_false(toll_impact_beyond(wide(large), wide(large + large / 10), 1000));
    assert_true(toll_impact_beyond(wide(large), wide(large + large / 10 + 1), 1000));
    assert_true(toll_impact_beyond(wide(-large), wide(large << 25), INT64_C(100000000)));
}

/* ---- whom it hurts ---- */

/* Accounts a .. n, a call each: 1.00 in the base (n: free), and changed by so many hundredths of a percent.
 */
static void classes_and_percentiles(void **state)
{
    static const int64_t changes[] = {-5001, -5000, -2500, -1000, -500, -100, 0,
                                      100,   500,   1000,  2500,  5000, 5001};
    static struct world_book base;
    static struct lines a, b;
    static struct calls calls;
    (void)state;
    begin(&base, "USD");
    const size_t accounts = COUNT(changes) + 1;
    for (size_t i = 0; i < accounts; i++) {
        const char name[2] = {(char)('a' + (char)i), 0};
        const int32_t id = account(&base, name, "USD");
        put(&a, i, id, 0, 1, i < COUNT(changes) ? 100000000 : 0, TOLL_RATED);
        calls.start[i] = UTC_MONDAY;
    }
    b = a;
    for (size_t i = 0; i < COUNT(changes); i++)
        b.charge[i] = 100000000 + changes[i] * 10000;
    b.charge[accounts - 1] = 5;
    for (size_t i = 0; i < accounts; i++)
        a.cost[i] = b.cost[i] = 60000000;

    struct toll_zone *zone = toll_zone_utc();
    const struct toll_impact_side sides[] = {
        {.about = {.name = "A", .has_cost = true}, .book = &base.book},
        {.about = {.name = "B", .has_cost = true}, .book = &base.book, .repriced = true},
    };
    struct toll_impact_shape *shape = NULL;
    struct toll_impact_sums *sums = NULL;
    struct toll_impact impact;
    assert_int_equal(toll_impact_shape_make(&shape, sides, 2, zone, NULL), 0);
    assert_int_equal(toll_impact_sums_make(&sums, shape, NULL), 0);
    const struct toll_cdr_batch batch = {.rows = (int64_t)accounts, .start = calls.start, .kind = calls.kind};
    struct toll_impact_lines lines[] = {view(&a, 0), view(&b, 0)};
    lines[0].repriced_charges = put_beside(&b, 1, accounts);
    toll_impact_add(sums, &batch, lines);
    const struct toll_impact_wishes wishes = {.same_calls = true, .moved_by_bp = 1000};
    assert_int_equal(toll_impact_make(&impact, sums, sides, &wishes, NULL), 0);
    const struct toll_impact_accounts *of = &impact.accounts[0];
    static const int64_t in_class[TOLL_IMPACT_CLASSES] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    assert_memory_equal(of->in_class, in_class, sizeof in_class);
    assert_int_equal(of->winners, 6);
    assert_int_equal(of->losers, 7);
    assert_int_equal(of->same, 1);
    assert_int_equal(of->moved, 7); /* +-50.01, +-50, +-25, and from 0 */
    assert_int_equal(small(of->won), -141010000);
    assert_int_equal(small(of->lost), 141010005);
    /* of 14 differences places 1, 4, 7, 11, 14; of 13 percents 1, 4, 7, 10, 13 */
    static const int64_t differences[] = {-50010000, -10000000, 0, 10000000, 50010000};
    static const int32_t bp[] = {-5001, -1000, 0, 1000, 5001};
    for (int p = 0; p < TOLL_IMPACT_PERCENTILES; p++) {
        assert_int_equal(small(of->percentile[p]), differences[p]);
        assert_int_equal(of->percentile_bp[p], bp[p]);
    }
    assert_int_equal(of->to_a_loss, 2); /* 0.4999 and 0.50 of 0.60; the free one lost before */
    toll_impact_free(&impact);
    toll_impact_sums_free(sums);
    toll_impact_shape_free(shape);
    toll_zone_free(zone);
}

/* ---- at random, against sums made plainly ---- */

struct plain { /* a row of a table */
    enum toll_dimension dimension;
    char key[80], currency[8];
    int64_t counts[4][4]; /* by side */
    toll_total charge[4], cost[4];
};
struct plainly {
    struct plain rows[2048];
    size_t count;
};

static struct plain *plain_row(struct plainly *sums, enum toll_dimension dimension, const char *key,
                               const char *currency)
{
    for (size_t i = 0; i < sums->count; i++)
        if (sums->rows[i].dimension == dimension && strcmp(sums->rows[i].key, key) == 0 &&
            strcmp(sums->rows[i].currency, currency) == 0)
            return &sums->rows[i];
    assert_true(sums->count < COUNT(sums->rows));
    struct plain *row = &sums->rows[sums->count++];
    memset(row, 0, sizeof *row);
    row->dimension = dimension;
    snprintf(row->key, sizeof row->key, "%s", key);
    snprintf(row->currency, sizeof row->currency, "%s", currency);
    return row;
}

static void add_plainly(struct plainly *sums, const struct toll_impact_side *side, int s,
                        const struct lines *lines, const struct calls *calls, size_t i,
                        const struct toll_zone *zone)
{
    const struct toll_book *book = side->book;
    const struct toll_account *payer = &book->accounts[lines->account[i]];
    const struct toll_price_origin origin = toll_book_origin(book, (uint32_t)lines->price[i]);
    const char *currency = lines->account[i] == 0 ? book->currency : book->strings + payer->currency;
    const int64_t local =
        calls->start[i] + 1000 * (int64_t)toll_zone_offset(zone, calls->start[i], NULL, NULL);
    const int64_t day = toll_day_of_ms(local);
    char hour[32], day_text[TOLL_TIME_TEXT_BYTES], status[64], priced[80];
    snprintf(hour, sizeof hour, "%d %02d", toll_iso_weekday(day),
             (int)((local - day * TOLL_DAY_MS) / 3600000));
    toll_day_format(day, day_text);
    snprintf(status, sizeof status, "%s/%s", toll_status_name(lines->status[i]),
             toll_status_reason(lines->status[i]));
    const char *deck_name = origin.deck == 0 ? "" : book->strings + book->decks[origin.deck].name;
    snprintf(priced, sizeof priced, "%s/%s/%s", book->strings + origin.key, deck_name,
             book->strings + origin.destination);
    const char *const keys[TOLL_DIMENSIONS] = {
        [TOLL_BY_TOTAL] = currency,
        [TOLL_BY_ACCOUNT] = book->strings + payer->account,
        [TOLL_BY_DESTINATION] = book->strings + origin.destination,
        [TOLL_BY_CLASS] = toll_class_name(lines->class_jurisdiction[i] >> 4),
        [TOLL_BY_JURISDICTION] = toll_call_jurisdiction_name(lines->class_jurisdiction[i] & 15),
        [TOLL_BY_PLAN] = book->strings + book->plans[lines->plans[i]].plan,
        [TOLL_BY_DECK] = deck_name,
        [TOLL_BY_HOUR] = hour,
        [TOLL_BY_DAY] = day_text,
        [TOLL_BY_STATUS] = status,
        [TOLL_BY_PRICE] = priced,
    };
    for (int d = 0; d < TOLL_DIMENSIONS; d++) {
        struct plain *row = plain_row(sums, (enum toll_dimension)d, keys[d], currency);
        row->counts[s][0]++;
        row->counts[s][1] += toll_status_is_rated(lines->status[i]);
        row->counts[s][2] += lines->status[i] >= TOLL_SUSPENSE_FIRST;
        if (lines->status[i] < TOLL_SUSPENSE_FIRST && (calls->kind[i] & TOLL_KIND_SERVICE) == TOLL_VOICE)
            row->counts[s][3] += lines->billed[i];
        row->charge[s] += lines->charge[i];
        row->cost[s] += lines->cost[i];
    }
}

static toll_total total_of(struct toll_sum sum)
{
    return ((toll_total)sum.high * ((toll_total)1 << 64)) + sum.low;
}

static void compare_tables(const struct toll_impact *impact, const struct plainly *plainly, int sides)
{
    size_t rows = 0;
    for (int d = 0; d < TOLL_DIMENSIONS; d++)
        for (size_t i = 0; i < impact->tables[d].count; i++, rows++) {
            const struct toll_impact_row *row = &impact->tables[d].rows[i];
            char key[80];
            if (d == TOLL_BY_STATUS)
                snprintf(key, sizeof key, "%s/%s", row->key, row->name);
            else if (d == TOLL_BY_PRICE)
                snprintf(key, sizeof key, "%s/%s/%s", row->price->prefix, row->price->deck,
                         row->price->destination);
            else
                snprintf(key, sizeof key, "%s", row->key);
            const struct plain *plain = NULL;
            for (size_t k = 0; k < plainly->count; k++)
                if (plainly->rows[k].dimension == (enum toll_dimension)d &&
                    strcmp(plainly->rows[k].key, key) == 0 &&
                    strcmp(plainly->rows[k].currency, row->currency) == 0)
                    plain = &plainly->rows[k];
            assert_non_null(plain);
            for (int s = 0; s < sides; s++) {
                assert_int_equal(row->books[s].rows, plain->counts[s][0]);
                assert_int_equal(row->books[s].rated, plain->counts[s][1]);
                assert_int_equal(row->books[s].suspense, plain->counts[s][2]);
                assert_int_equal(row->books[s].billed_s, plain->counts[s][3]);
                assert_true(total_of(row->books[s].charge) == plain->charge[s]);
                assert_true(total_of(row->books[s].cost) == plain->cost[s]);
            }
            if (i > 0)
                assert_true(strcmp(impact->tables[d].rows[i - 1].key, row->key) <= 0);
        }
    assert_int_equal(rows, plainly->count);
}

static int64_t random_money(uint64_t *seed, int size)
{
    const uint64_t value = random_next(seed);
    const int64_t money = (int64_t)(value >> (size == 0 ? 40 : size == 1 ? 10 : 1));
    return value & 1 ? -money : money;
}

static const uint8_t statuses[] = {TOLL_RATED,
                                   TOLL_RATED,
                                   TOLL_RATED,
                                   TOLL_RATED_FAIR_USE,
                                   TOLL_ZERO_FREE,
                                   TOLL_SUSPENSE_NO_PREFIX,
                                   TOLL_SUSPENSE_NO_ACCOUNT};

static void random_line(struct lines *lines, size_t i, const struct toll_book *book, uint64_t *seed, int size)
{
    const uint8_t status = statuses[random_next(seed) % COUNT(statuses)];
    const bool charged = toll_status_is_rated(status);
    put(lines, i, (int32_t)(random_next(seed) % book->account_count),
        (int32_t)(random_next(seed) % book->price_count), (int32_t)(random_next(seed) >> 40),
        charged ? random_money(seed, size) : 0, status);
    lines->class_jurisdiction[i] =
        (uint8_t)(random_next(seed) % TOLL_CLASSES << 4 | random_next(seed) % TOLL_CALL_JURISDICTIONS);
    lines->cost[i] = random_money(seed, size);
    lines->plans[i] = (uint32_t)(random_next(seed) % book->plan_count);
}

/* The base's, but for charge. */
static void reprice(struct lines *lines, const struct lines *base, size_t rows, uint64_t *seed, int size)
{
    *lines = *base;
    for (size_t i = 0; i < rows; i++)
        lines->charge[i] = toll_status_is_rated(lines->status[i]) ? random_money(seed, size) : 0;
}

static void fill_book(struct world_book *world, bool reversed, bool currencies)
{
    begin(world, "USD");
    for (int i = 0; i < 12; i++) {
        char name[16];
        const int which = reversed ? 11 - i : i;
        snprintf(name, sizeof name, "acc%d", which);
        account(world, name, !currencies || which % 3 == 0 ? "USD" : which % 3 == 1 ? "EUR" : "CLP");
    }
    for (int i = 0; i < 4; i++)
        plan(world, reversed ? "same" : i % 2 ? "odd" : "even");
    for (int i = 0; i < 3; i++) {
        char name[16], prefix[16], destination[16];
        snprintf(name, sizeof name, "deck%d", reversed ? 2 - i : i);
        const int32_t id = deck(world, name);
        for (int k = 0; k < 9; k++) {
            snprintf(prefix, sizeof prefix, "4%d", k / 2); /* two versions of some */
            snprintf(destination, sizeof destination, "d%d", k / 4);
            price(world, id, prefix, destination, 100 * k, (uint32_t)k);
        }
    }
}

static void one_at_random(uint64_t seed, bool currencies, int size, int repriced)
{
    static struct world_book base, other;
    static struct lines lines[4];
    static struct calls calls;
    static struct plainly plainly;
    fill_book(&base, false, currencies);
    fill_book(&other, true, currencies);
    struct toll_zone *zone = NULL;
    struct toll_hash128 hash;
    struct toll_error error = {0};
    assert_int_equal(toll_zone_load(toll_io_system(), "Europe/London", &zone, &hash, &error), 0);

    calls.rows = 1 + random_next(&seed) % ROWS_MOST;
    int64_t start = INT64_C(1774717200000); /* 2026-03-28T17:00Z, the clocks change that night */
    for (size_t i = 0; i < calls.rows; i++) {
        calls.start[i] = start;
        start += (int64_t)(random_next(&seed) % (random_next(&seed) % 16 == 0 ? 40000000 : 20000));
        calls.kind[i] = random_next(&seed) % 4 == 0 ? TOLL_SMS : TOLL_VOICE;
    }
    struct toll_impact_side sides[4] = {{.about = {.name = "0"}, .book = &base.book}};
    for (size_t i = 0; i < calls.rows; i++)
        random_line(&lines[0], i, &base.book, &seed, size);
    for (int s = 1; s < 4; s++) {
        sides[s] = (struct toll_impact_side){.about = {.name = "s"}, .repriced = s <= repriced};
        sides[s].book = s <= repriced ? &base.book : &other.book;
        if (s <= repriced)
            reprice(&lines[s], &lines[0], calls.rows, &seed, size);
        else
            for (size_t i = 0; i < calls.rows; i++)
                random_line(&lines[s], i, &other.book, &seed, size);
    }
    const int64_t *charges_beside = put_beside(&lines[1], repriced, calls.rows);
    plainly.count = 0;
    for (int s = 0; s < 4; s++)
        for (size_t i = 0; i < calls.rows; i++)
            add_plainly(&plainly, &sides[s], s, &lines[s], &calls, i, zone);

    struct toll_impact_shape *shape = NULL;
    struct toll_impact_sums *sums[3] = {NULL};
    assert_int_equal(toll_impact_shape_make(&shape, sides, 4, zone, &error), 0);
    for (int w = 0; w < 3; w++)
        assert_int_equal(toll_impact_sums_make(&sums[w], shape, &error), 0);
    for (size_t first = 0; first < calls.rows;) {
        size_t rows = 1 + random_next(&seed) % 1024;
        rows = rows < calls.rows - first ? rows : calls.rows - first;
        const struct toll_cdr_batch batch = {
            .rows = (int64_t)rows, .start = calls.start + first, .kind = calls.kind + first};
        struct toll_impact_lines views[4];
        for (int s = 0; s < 4; s++)
            views[s] = view(&lines[s], first);
        if (repriced > 0)
            views[0].repriced_charges = charges_beside + 8 * first;
        toll_impact_add(sums[random_next(&seed) % 3], &batch, views);
        first += rows;
    }
    assert_int_equal(toll_impact_sums_merge(sums[0], sums[1], &error), 0);
    assert_int_equal(toll_impact_sums_merge(sums[0], sums[2], &error), 0);
    struct toll_impact impact;
    const struct toll_impact_wishes wishes = {
        .same_calls = true, .moved_by_bp = 1000, .prices = true, .moved_most = random_next(&seed) % 40};
    assert_int_equal(toll_impact_make(&impact, sums[0], sides, &wishes, &error), 0);
    compare_tables(&impact, &plainly, 4);

    /* What moved sums to the whole, and comes in order. */
    toll_total charges[4][8] = {{0}}, last = 0;
    for (size_t i = 0; i < impact.moved_count; i++) {
        toll_total score = 0;
        for (int s = 0; s < 4; s++) {
            const toll_total charge = total_of(impact.moved[i].charge[s]);
            const toll_total change = charge - total_of(impact.moved[i].charge[0]);
            score += change < 0 ? -change : change;
            for (size_t t = 0; t < impact.tables[TOLL_BY_TOTAL].count; t++)
                if (strcmp(impact.tables[TOLL_BY_TOTAL].rows[t].currency, impact.moved[i].currency) == 0)
                    charges[s][t] += charge;
        }
        if (impact.moved[i].left_out == 0) {
            assert_true(i == 0 || score <= last);
            last = score;
        }
    }
    for (int s = 0; s < 4; s++)
        for (size_t t = 0; t < impact.tables[TOLL_BY_TOTAL].count; t++)
            assert_true(charges[s][t] == total_of(impact.tables[TOLL_BY_TOTAL].rows[t].books[s].charge));
    int64_t moves = 0, expected = 0;
    for (size_t i = 0; i < impact.status_move_count; i++)
        moves += impact.status_moves[i].rows;
    for (int s = 1; s < 4; s++)
        for (size_t i = 0; i < calls.rows; i++) {
            const unsigned from = lines[0].status[i], to = lines[s].status[i];
            expected += from != to && (from >= TOLL_SUSPENSE_FIRST || to >= TOLL_SUSPENSE_FIRST);
        }
    assert_int_equal(moves, expected);
    toll_impact_free(&impact);
    for (int w = 0; w < 3; w++)
        toll_impact_sums_free(sums[w]);
    toll_impact_shape_free(shape);
    toll_zone_free(zone);
}

static void at_random(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 16; seed++)
        one_at_random(seed, seed % 2 == 0, (int)(seed % 2 + seed / 8), (int)(seed % 4));
}

/* Charges that no 64 bits hold: every line as much as one can be. */
static void beyond_64_bits(void **state)
{
    (void)state;
    one_at_random(77, true, 2, 2);
}

/* A row of a deck with rates by jurisdiction is four price rows; two of one column are one row of `moved`. */
static void one_row_compiled_twice(void **state)
{
    static struct world_book base;
    static struct lines a, b;
    (void)state;
    begin(&base, "USD");
    const int32_t acme = account(&base, "acme", "USD"), d = deck(&base, "d");
    const int32_t first = price(&base, d, "1", "US", 7, 2), between = price(&base, d, "1", "US", 8, 2);
    const int32_t again = price(&base, d, "1", "US", 7, 2), other = price(&base, d, "1", "US", 7, 3);
    base.origins[again].key = base.origins[first].key;
    base.origins[again].destination = base.origins[first].destination;
    base.groups[again].file = base.groups[first].file;
    const int32_t ids[] = {first, between, again, other};
    for (size_t i = 0; i < COUNT(ids); i++)
        put(&a, i, acme, ids[i], 1, 100, TOLL_RATED);
    b = a;
    b.charge[0] = 130;
    b.charge[1] = 101;
    b.charge[2] = 65;
    b.charge[3] = 104;
    const uint64_t changed = UINT64_C(1) << first | UINT64_C(1) << between | UINT64_C(1) << other;
    for (int detail = TOLL_DETAIL_ALL; detail <= TOLL_DETAIL_CHANGED; detail++) {
        const struct toll_impact_side sides[] = {
            {.about = {.name = "A"},
             .book = &base.book,
             .detail = (enum toll_impact_detail)detail,
             .changed = &changed},
            {.about = {.name = "B"}, .book = &base.book, .repriced = true},
        };
        struct toll_impact_shape *shape = NULL;
        struct toll_impact_sums *sums = NULL;
        struct toll_impact impact;
        assert_int_equal(toll_impact_shape_make(&shape, sides, 2, NULL, NULL), 0);
        assert_int_equal(toll_impact_sums_make(&sums, shape, NULL), 0);
        struct toll_impact_lines lines[] = {view(&a, 0), view(&b, 0)};
        lines[0].repriced_charges = put_beside(&b, 1, COUNT(ids));
        toll_impact_add(sums, &(struct toll_cdr_batch){.rows = COUNT(ids)}, lines);
        const struct toll_impact_wishes wishes = {.same_calls = true};
        assert_int_equal(toll_impact_make(&impact, sums, sides, &wishes, NULL), 0);
        static const int64_t then[] = {195, 104, 101}, rows[] = {2, 1, 1};
        assert_int_equal(impact.moved_count, 3);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(small(impact.moved[i].charge[1]), then[i]);
            assert_int_equal(impact.moved[i].rows, rows[i]);
        }
        toll_impact_free(&impact);
        toll_impact_sums_free(sums);
        toll_impact_shape_free(shape);
    }
}

/* ---- runs ---- */

/* Runs over different calls, with ids of their own; of the second one a line names what its table lacks. */
static void runs_with_tables(void **state)
{
    (void)state;
    struct toll_account_row accounts[] = {
        {0, "", "", ""}, {1, "acme", "Acme", "USD"}, {2, "beta", "", "USD"}};
    struct toll_account_row others[] = {{0, "", "", ""}, {1, "beta", "", "USD"}};
    struct toll_price_row prices[] = {{.id = 5,
                                       .kind = "deck",
                                       .plan = "",
                                       .deck = "d",
                                       .prefix = "1",
                                       .destination = "US",
                                       .band = "",
                                       .unit = "s",
                                       .rate = 7,
                                       .per_units = 60,
                                       .file = "f",
                                       .line = 2,
                                       .column = "rate"},
                                      {.id = 4000000,
                                       .kind = "flat",
                                       .plan = "p",
                                       .deck = "",
                                       .prefix = "",
                                       .destination = "",
                                       .band = "",
                                       .unit = "message",
                                       .rate = 9,
                                       .per_units = 1,
                                       .file = "g",
                                       .line = 3,
                                       .column = ""}};
    struct toll_run_files a = {
        .tables = {.accounts = accounts, .account_count = 3, .prices = prices, .price_count = 2}};
    struct toll_run_files b = {
        .tables = {.accounts = others, .account_count = 2, .prices = prices, .price_count = 1}};
    struct toll_period_row period = {.period = "2026-03-01", .account = 1, .charge = 77};
    b.tables.periods = &period;
    b.tables.period_count = 1;
    const struct toll_impact_tax tax = {"beta", "USD", 12};
    const struct toll_impact_side sides[] = {
        {.about = {.name = "a"}, .run = &a, .own_currency = "USD"},
        {.about = {.name = "b", .taxed = true},
         .run = &b,
         .own_currency = "USD",
         .taxes = &tax,
         .tax_count = 1},
    };
    static struct lines lines;
    struct toll_impact_shape *shape = NULL;
    struct toll_error error = {0};
    assert_int_equal(toll_impact_shape_make(&shape, sides, 2, NULL, &error), 0);
    for (int bad = 0; bad < 3; bad++) {
        struct toll_impact_sums *sums = NULL;
        struct toll_impact impact;
        assert_int_equal(toll_impact_sums_make(&sums, shape, &error), 0);
        put(&lines, 0, 1, 5, 60, 100, TOLL_RATED);
        put(&lines, 1, 2, 4000000, 1, 50, TOLL_RATED);
        struct toll_impact_lines of = view(&lines, 0);
        of.plans = NULL;
        toll_impact_add_alone(sums, 0, &(struct toll_cdr_batch){.rows = 2}, &of);
        put(&lines, 2, bad == 1 ? 2 : 1, bad == 2 ? 4000000 : 5, 30, 25, TOLL_RATED);
        of = view(&lines, 2);
        of.plans = NULL;
        toll_impact_add_alone(sums, 1, &(struct toll_cdr_batch){.rows = 1}, &of);
        const struct toll_impact_wishes wishes = {.moved_by_bp = 1000, .prices = true};
        const int rc = toll_impact_make(&impact, sums, sides, &wishes, &error);
        toll_impact_sums_free(sums);
        assert_int_equal(rc, bad == 0 ? 0 : TOLL_EDATA);
        if (bad > 0) {
            assert_non_null(strstr(error.text, "b: 1 lines name an account or a price"));
            continue;
        }
        const struct toll_measure *beta = find(&impact, TOLL_BY_ACCOUNT, "beta", NULL, "USD");
        assert_int_equal(small(beta[0].charge), 50);
        assert_int_equal(small(beta[1].charge), 25);
        assert_int_equal(small(beta[1].periods), 77);
        assert_int_equal(beta[1].tax_cents, 12);
        assert_int_equal(beta[1].billed_s, 0); /* without CDRs nobody knows what was voice */
        assert_int_equal(impact.tables[TOLL_BY_PRICE].count, 2);
        assert_string_equal(impact.tables[TOLL_BY_PRICE].rows[1].price->unit, "message");
        assert_int_equal(impact.tables[TOLL_BY_HOUR].count, 0);
        assert_int_equal(impact.moved_count, 0);
        assert_int_equal(impact.accounts[0].winners, 1); /* acme is gone */
        assert_int_equal(impact.accounts[0].losers, 1);
        toll_impact_free(&impact);
    }
    toll_impact_shape_free(shape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(percents),
        cmocka_unit_test(beyond_a_percent),
        cmocka_unit_test(classes_and_percentiles),
        cmocka_unit_test(at_random),
        cmocka_unit_test(beyond_64_bits),
        cmocka_unit_test(one_row_compiled_twice),
        cmocka_unit_test(runs_with_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
