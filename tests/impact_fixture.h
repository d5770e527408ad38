/* Impacts made by hand, for what prints them: nothing here comes from rating. */
#ifndef IMPACT_FIXTURE_H
#define IMPACT_FIXTURE_H

#include "html_fixture.h"

struct made {
    struct toll_impact impact;
    void *blocks[4096];
    int block_count;
};

static void *made_block(struct made *made, size_t bytes)
{
    void *block = calloc(1, bytes ? bytes : 1);
    if (!block || made->block_count == 4096)
        abort();
    made->blocks[made->block_count++] = block;
    return block;
}

static const char *made_text(struct made *made, const char *text)
{
    char *copy = made_block(made, strlen(text) + 1);
    return strcpy(copy, text);
}

static void made_free(struct made *made)
{
    for (int i = 0; i < made->block_count; i++)
        free(made->blocks[i]);
    free(made);
}

/* A table with room for `count` rows; its measures are the caller's to fill. */
static struct toll_impact_row *made_table(struct made *made, enum toll_dimension dimension, size_t count)
{
    struct toll_impact_row *rows = made_block(made, count * sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        rows[i].key = rows[i].name = "";
        rows[i].currency = "USD";
        rows[i].books = made_block(made, (size_t)made->impact.book_count * sizeof(struct toll_measure));
    }
    made->impact.tables[dimension] = (struct toll_impact_table){.rows = rows, .count = count};
    return rows;
}

static void measure_set(const struct toll_impact_row *row, int book, int64_t calls, __int128 charge)
{
    struct toll_measure *measure = (struct toll_measure *)&row->books[book];
    measure->rows = calls;
    measure->rated = calls - calls / 40;
    measure->suspense = calls / 200;
    measure->billed_s = calls * 171;
    measure->charge = sum_of(charge);
    measure->cost = sum_of(charge * 6 / 10);
}

static struct toll_impact_book *made_books(struct made *made, int count)
{
    struct toll_impact_book *books = made_block(made, (size_t)count * sizeof *books);
    made->impact.book_count = count;
    made->impact.books = books;
    made->impact.same_calls = made->impact.has_plans = true;
    made->impact.moved_by_bp = 1000;
    for (int i = 0; i < count; i++) {
        books[i].name = books[i].change = "";
        books[i].first_day = "2026-03-01";
        books[i].last_day = "2026-03-31";
        books[i].has_cost = true;
        snprintf(books[i].book_hash, sizeof books[i].book_hash, "%08x%024x", 0x8f3a91c2u + (unsigned)i, 77u);
        strcpy(books[i].cdr_hash, "00112233445566778899aabbccddeeff");
    }
    return books;
}

/* What a book makes of an amount of the base: 4 % more each, in parts that differ. */
static __int128 then_of(__int128 base, int book, int salt)
{
    static const int percents[] = {104, 112, 100, 97, 161, 88, 100, 103, 135, 100, 72, 40, 106};
    return book == 0 ? base : base + base * (percents[salt % 13] - 100) * book / 100;
}

static void fill_keys(struct made *made, enum toll_dimension dimension, const char *const *keys, size_t count,
                      int64_t calls, __int128 charge)
{
    struct toll_impact_row *rows = made_table(made, dimension, count);
    for (size_t i = 0; i < count; i++) {
        rows[i].key = keys[i];
        for (int b = 0; b < made->impact.book_count; b++)
            measure_set(&rows[i], b, calls / (int64_t)(i + 1),
                        then_of(charge / (__int128)(i + 1) + (__int128)i * 1234567, b, (int)i));
    }
}

static void fill_time(struct made *made)
{
    struct toll_impact_row *days = made_table(made, TOLL_BY_DAY, 31),
                           *hours = made_table(made, TOLL_BY_HOUR, 168);
    char key[32];
    for (int d = 0; d < 31; d++) {
        snprintf(key, sizeof key, "2026-03-%02d", d + 1);
        days[d].key = made_text(made, key);
        const bool weekend = d % 7 == 0 || d % 7 == 6; /* 2026-03-01 is a Sunday */
        for (int b = 0; b < made->impact.book_count; b++)
            measure_set(&days[d], b, weekend ? 2100 : 9800 + d * 40,
                        then_of((weekend ? 310 : 1490 + d * 11) * UNIT, b, d % 3));
    }
    for (int h = 0; h < 168; h++) {
        snprintf(key, sizeof key, "%d %02d", h / 24 + 1, h % 24);
        hours[h].key = made_text(made, key);
        const int hour = h % 24, busy = hour < 7 || hour > 20 ? 3 : 60 - (hour - 13) * (hour - 13);
        for (int b = 0; b < made->impact.book_count; b++)
            measure_set(&hours[h], b, busy * 9,
                        then_of(busy * (h / 24 >= 5 ? 1 : 5) * UNIT, b, hour > 16 ? 3 : hour % 3));
    }
}

static void fill_accounts(struct made *made, size_t count)
{
    struct toll_impact_row *rows = made_table(made, TOLL_BY_ACCOUNT, count);
    for (size_t i = 0; i < count; i++) {
        char key[64];
        snprintf(key, sizeof key, "A%04zu", i);
        rows[i].key = i == 0 ? "" : i <= HOSTILE ? hostile_names[i - 1] : made_text(made, key);
        rows[i].name = i == 0 ? "" : i <= HOSTILE ? hostile_names[HOSTILE - i] : "Fernside Dental Group";
        for (int b = 0; b < made->impact.book_count; b++)
            measure_set(&rows[i], b, 20 + (int64_t)(i * 37 % 900),
                        then_of((__int128)(5 + i * 7919 % 2400) * UNIT + (__int128)i * 1250001, b, (int)i));
    }
}

static void fill_moved(struct made *made, size_t count)
{
    struct toll_impact_price *prices = made_block(made, count * sizeof *prices);
    struct toll_impact_moved *moved = made_block(made, count * sizeof *moved);
    for (size_t i = 0; i < count; i++) {
        struct toll_sum *charge = made_block(made, (size_t)made->impact.book_count * sizeof *charge);
        char prefix[32];
        snprintf(prefix, sizeof prefix, "44%zu", 7000 + i);
        prices[i] = (struct toll_impact_price){.kind = "deck",
                                               .plan = "",
                                               .deck = "intl",
                                               .band = i % 2 ? "peak" : "",
                                               .prefix = made_text(made, prefix),
                                               .column = "rate",
                                               .unit = "s",
                                               .destination =
                                                   i < HOSTILE ? hostile_names[i] : "United Kingdom Mobile",
                                               .rate = 1250000 + (int64_t)i * 10000,
                                               .per_units = 60,
                                               .file = "decks/intl.csv",
                                               .line = (int32_t)i + 2};
        moved[i] = (struct toll_impact_moved){.price = i == 3 ? NULL : &prices[i],
                                              .currency = "USD",
                                              .rows = 9000 / (int64_t)(i + 1),
                                              .charge = charge};
        for (int b = 0; b < made->impact.book_count; b++)
            charge[b] = sum_of(then_of(9000 * UNIT / (__int128)(i + 1), b, (int)i));
    }
    made->impact.moved = moved;
    made->impact.moved_count = count;
}

static void fill_impact(struct made *made)
{
    struct toll_impact_accounts *accounts =
        made_block(made, (size_t)made->impact.book_count * sizeof *accounts);
    for (int b = 1; b < made->impact.book_count; b++) {
        static const int64_t in_class[TOLL_IMPACT_CLASSES] = {31, 0,  33, 31, 32, 0,  96,
                                                              0,  63, 33, 31, 33, 31, 1};
        accounts[b - 1] = (struct toll_impact_accounts){.book = b,
                                                        .currency = "USD",
                                                        .winners = 127,
                                                        .losers = 192 + b,
                                                        .same = 96,
                                                        .won = sum_of(-8912 * UNIT),
                                                        .lost = sum_of(31875 * UNIT),
                                                        .moved = 160,
                                                        .has_percentile_bp = true,
                                                        .to_a_loss = 3};
        for (int i = 0; i < TOLL_IMPACT_PERCENTILES; i++) {
            accounts[b - 1].percentile[i] = sum_of((i - 1) * 47 * UNIT);
            accounts[b - 1].percentile_bp[i] = (i - 1) * 412;
        }
        memcpy(accounts[b - 1].in_class, in_class, sizeof in_class);
    }
    made->impact.accounts = accounts;
    made->impact.account_count = (size_t)made->impact.book_count - 1;
    struct toll_impact_status_move *moves = made_block(made, 2 * sizeof *moves);
    moves[0] = (struct toll_impact_status_move){.book = 1,
                                                .base_status = 0,
                                                .status = 21,
                                                .rows = 120,
                                                .base_charge = sum_of(42 * UNIT),
                                                .currency = "USD"};
    moves[1] = (struct toll_impact_status_move){.book = 1,
                                                .base_status = 20,
                                                .status = 0,
                                                .rows = 7,
                                                .charge = sum_of(UNIT / 300),
                                                .currency = "USD"};
    made->impact.status_moves = made->impact.book_count > 1 ? moves : NULL;
    made->impact.status_move_count = made->impact.book_count > 1 ? 2 : 0;
}

/* All tables; totals are `charge` of the base and 1,234.50 more for each book. */
static struct made *made_impact(int books, size_t accounts)
{
    static const char *const destinations[] = {"United States", "United Kingdom Mobile",
                                               "Germany",       "Canada",
                                               "Mexico Mobile", "India",
                                               "France",        "",
                                               "Cuba",          "<script>alert(6)</script>",
                                               "Brazil",        "Japan",
                                               "Spain",         "Italy",
                                               "Chile",         "Peru",
                                               "Norway",        "Sweden"};
    static const char *const classes[] = {"n11", "on_net", "ordinary", "premium", "toll_free"};
    static const char *const jurisdictions[] = {"international", "interstate", "intrastate", "local"};
    static const char *const plans[] = {"", "business", "gold", "retail"};
    static const char *const decks[] = {"", "intl", "us-npanxx"};
    static const char *const statuses[] = {"rated", "suspense", "zero_rated"};
    struct made *made = calloc(1, sizeof *made);
    if (!made)
        abort();
    struct toll_impact_book *names = made_books(made, books);
    names[0].name = "book-2026";
    for (int b = 1; b < books; b++) {
        char name[64];
        snprintf(name, sizeof name, "deck:intl *1.%02d", b * 5);
        names[b].name = names[b].change = made_text(made, name);
    }
    struct toll_impact_row *totals = made_table(made, TOLL_BY_TOTAL, 1);
    totals[0].key = "USD";
    for (int b = 0; b < books; b++)
        measure_set(&totals[0], b, 243000, 45151 * UNIT + 13 * UNIT / 100 + (__int128)b * 123450000000LL);
    fill_keys(made, TOLL_BY_DESTINATION, destinations, 18, 90000, 19000 * UNIT);
    fill_keys(made, TOLL_BY_CLASS, classes, 5, 150000, 30000 * UNIT);
    fill_keys(made, TOLL_BY_JURISDICTION, jurisdictions, 4, 150000, 30000 * UNIT);
    fill_keys(made, TOLL_BY_PLAN, plans, 4, 150000, 30000 * UNIT);
    fill_keys(made, TOLL_BY_DECK, decks, 3, 150000, 30000 * UNIT);
    fill_keys(made, TOLL_BY_STATUS, statuses, 3, 200000, 40000 * UNIT);
    fill_time(made);
    fill_accounts(made, accounts);
    if (books > 1)
        fill_moved(made, 30);
    fill_impact(made);
    return made;
}

#endif
