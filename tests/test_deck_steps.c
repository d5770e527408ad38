/* Steps within a call and bands under boundary split: what is compiled for RATING.md section 9.1. */
#include "deck_fixture.h"

struct row {
    const char *band;
    int32_t step;
    toll_money rate;
    int32_t per, increment, initial;
    uint32_t line;
};

/* All rows of a number's entry, in order, and the common multiple of their per_s. */
static void assert_rows(const struct toll_book *book, const char *deck, const char *number, uint32_t walk_per,
                        const struct row *rows, uint32_t count)
{
    const struct toll_entry *entry = entry_at(book, deck, number);
    const uint32_t id = deck_id(book, deck);

    assert_int_equal(entry->count, count);
    assert_int_equal(entry->walk_per, walk_per);
    for (uint32_t i = 0; i < count; i++) {
        const struct entry_row row = entry_row(book, id, entry, i);
        const struct toll_terms *terms = terms_of(book, row.price);
        const struct toll_price_origin origin = toll_book_origin(book, (uint32_t)row.price);
        assert_string_equal(toll_book_string(book, book->band_names[row.span->band]), rows[i].band);
        assert_int_equal(row.span->step, rows[i].step);
        assert_int_equal(origin.step, rows[i].step);
        assert_int_equal(origin.line, rows[i].line);
        assert_int_equal(terms->rate, rows[i].rate);
        assert_int_equal(terms->per, rows[i].per);
        assert_int_equal(terms->increment, rows[i].increment);
        assert_int_equal(terms->initial, rows[i].initial);
    }
}

static void inherited(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,decimals,rounding\nd,3,up\n");
    book_file(&f, "decks/d.csv",
              "prefix,rate,connect_fee,per_s,increment_s,initial_s,step_from_s,destination,status\n"
              "44,0.1,0.4,,6,30,,UK,\n"
              "44,0.02,,30,1,,600,UK,\n"
              "44,0.05,,,,,60,UK,\n"
              "45;46,0.1,,,10,,0,,\n"
              "47,0.1,,1,20,,,,\n"
              "45-47,0.01,,,,,120,X,\n"
              "48,0.1,,,,,,,\n"
              "44,,,,,,900,,\n"
              "44,1,,,,,1200,,blocked\n"
              "49,0.02,,,,,30,,\n"
              "49,0.1,,,5,,,,\n");
    book = book_good(&f);
    assert_int_equal(f.result.warnings, 1); /* line 9 */
    assert_rows(book, "d", "4420794600", 60,
                (const struct row[]){{"", 0, 10000000, 60, 6, 30, 2},
                                     {"", 60, 5000000, 60, 6, 6, 4},
                                     {"", 600, 2000000, 30, 1, 1, 3},
                                     {"", 900, 0, 60, 6, 6, 9},
                                     {"", 1200, 100000000, 60, 6, 6, 10}},
                5);
    assert_rows(book, "d", "4520794600", 60,
                (const struct row[]){{"", 0, 10000000, 60, 10, 10, 5}, {"", 120, 1000000, 60, 10, 10, 7}}, 2);
    assert_rows(book, "d", "4620794600", 60,
                (const struct row[]){{"", 0, 10000000, 60, 10, 10, 5}, {"", 120, 1000000, 60, 10, 10, 7}}, 2);
    assert_rows(book, "d", "4720794600", 1,
                (const struct row[]){{"", 0, 10000000, 1, 20, 20, 6}, {"", 120, 1000000, 1, 20, 20, 7}}, 2);
    assert_rows(book, "d", "4920794600", 60,
                (const struct row[]){{"", 0, 10000000, 60, 5, 5, 12}, {"", 30, 2000000, 60, 5, 5, 11}}, 2);
    assert_int_equal(value_at(book, "d", "4820794600") & TOLL_LPM_ENTRY, 0);
    /* What only a first row has, a step does not inherit; what the deck says, it has. */
    const struct toll_entry *entry = entry_at(book, "d", "4420794600");
    const uint32_t d = deck_id(book, "d");
    const struct toll_terms *step = terms_of(book, entry_row(book, d, entry, 1).price);
    assert_int_equal(step->connect_fee, 0);
    assert_int_equal(step->minimum_charge, 0);
    assert_true(step->maximum_charge == INT64_MAX);
    assert_int_equal(step->quantum, 100000);
    assert_int_equal(step->rounding, TOLL_UP);
    assert_int_equal(terms_of(book, entry_row(book, d, entry, 3).price)->state, TOLL_PRICE_NO_RATE);
    assert_int_equal(terms_of(book, entry_row(book, d, entry, 4).price)->state, TOLL_PRICE_BLOCKED);
    book_end(&f);
}

/* A step belongs to the first row of its band whose time covers its own; order by (from, band none last,
 * step). */
static void bands_and_dates(void **state)
{
    static const char sheet[] = "prefix,rate,band,step_from_s,from,to,per_s\n"
                                "44,0.1,,,,,60\n"
                                "44,0.05,night,,,2026-02-10,80\n"
                                "44,0.06,night,,2026-02-10,,90\n"
                                "44,0.02,night,60,2026-02-11,2026-03-01,\n"
                                "44,0.03,,60,2026-03-01,,100\n"
                                "45,0.1,night,,,,50\n"
                                "46,0.1,,,,,\n"
                                "47,0.1,,,,2026-03-01,\n"
                                "48,0.1,,,,,70\n48,0.2,night,,,,11\n"
                                "49,0.1,,,,,\n49,0.2,,60,2026-03-01,2026-03-01,\n";
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,calendar,boundary\nd,c,split\ns,c,start\n");
    book_file(&f, "calendars.csv", "calendar,band,from,to\nc,night,20:00,06:00\n");
    book_file(&f, "decks/d.csv", sheet);
    book_file(&f, "decks/s.csv", sheet);
    book = book_good(&f);
    assert_int_equal(f.result.warnings, 2); /* 49's step is never in force */
    /* lcm(60, 80, 90, 100) = 3600 */
    static const struct row rows[] = {{"night", 0, 5000000, 80, 1, 1, 3},
                                      {"", 0, 10000000, 60, 1, 1, 2},
                                      {"night", 0, 6000000, 90, 1, 1, 4},
                                      {"night", 60, 2000000, 90, 1, 1, 5},
                                      {"", 60, 3000000, 100, 1, 1, 6}};
    assert_true(book->decks[deck_id(book, "d")].split == 1 && book->decks[deck_id(book, "s")].split == 0);
    assert_rows(book, "d", "4420794600", 3600, rows, 5);
    assert_rows(book, "s", "4420794600", 3600, rows, 5);
    /* One band alone: under split the call may leave it, else it prices the whole call. */
    assert_int_equal(entry_at(book, "d", "4520794600")->walk_per, 50);
    assert_int_equal(entry_at(book, "s", "4520794600")->walk_per, 0);
    assert_int_equal(value_at(book, "d", "4620794600") & TOLL_LPM_ENTRY, 0);
    assert_int_equal(entry_at(book, "d", "4720794600")->walk_per, 0);
    assert_int_equal(entry_at(book, "d", "4820794600")->walk_per, 770);
    assert_int_equal(entry_at(book, "s", "4820794600")->walk_per, 0);
    assert_int_equal(value_at(book, "d", "4920794600") & TOLL_LPM_ENTRY, 0);
    book_end(&f);
}

/* With rates by jurisdiction, for calls by type and for pairs. */
static void all_together(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,key,indeterminate\nd,calltype,higher\n");
    book_file(&f, "decks/d.csv",
              "key,rate,rate_inter,rate_intra,step_from_s,increment_s,per_s\n"
              "LD;TF,0.4,0.1,0.2,,30,\nLD,0.3,,0.5,60,,20\nTF,0.3,,,60,,\n");
    book = book_good(&f);
    const uint32_t value = toll_book_calltype(book, deck_id(book, "d"), "LD", 2);
    const struct toll_entry *entry = &book->entries[value & TOLL_LPM_INDEX];
    assert_true((value & TOLL_LPM_ENTRY) != 0 && entry->count == 2 && entry->walk_per == 60);
    const int32_t step = entry_row(book, deck_id(book, "d"), entry, 1).price;
    static const toll_money rates[] = {30000000, 30000000, 50000000, 50000000};
    for (int32_t c = 0; c < TOLL_RATE_COLUMNS; c++) {
        assert_int_equal(terms_of(book, step + c)->rate, rates[c]);
        assert_int_equal(terms_of(book, step + c)->per, 20);
        assert_int_equal(terms_of(book, step + c)->increment, 30);
        assert_int_equal(toll_book_origin(book, (uint32_t)(step + c)).step, 60);
    }
    book_end(&f);
}

static void refused(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,calendar,boundary\nd,c,\n");
    book_file(&f, "calendars.csv", "calendar,band,days\nc,weekend,6;7\n");
    book_file(&f, "decks/d.csv",
              "prefix,rate,step_from_s,connect_fee,initial_s,minimum_s,free_s,minimum_charge,maximum_charge\n"
              "44,1,,,,,,,\n44,1,60,0,1,2,3,4,5\n44,1,1.5,,,,,,\n");
    book_bad(&f, "E decks/d.csv:3:9: connect_fee: \"0\": the row with step_from_s 0 decides this\n"
                 "E decks/d.csv:3:11: initial_s: ~\n"
                 "E decks/d.csv:3:13: minimum_s: ~\n"
                 "E decks/d.csv:3:15: free_s: ~\n"
                 "E decks/d.csv:3:17: minimum_charge: ~\n"
                 "E decks/d.csv:3:19: maximum_charge: ~\n"
                 "E decks/d.csv:4:6: step_from_s: ~is not a whole number\n");
    book_file(&f, "decks/d.csv",
              "prefix,rate,step_from_s,band,from,to\n"
              "44,1,60,,,\n"
              "45,1,,weekend,,\n45,1,60,,,\n"
              "46,1,,,,2026-03-01\n46,1,60,,2026-02-01,2026-03-02\n"
              "47,1,,,,2026-03-01\n47,1,,,2026-03-01,\n47,1,60,,2026-02-01,2026-04-01\n"
              "48,1,,,,\n48,1,60,,,\n48,1,60,,2026-01-01,\n48,1,61,,,\n");
    book_bad(&f, "E decks/d.csv:2:1: the key \"44\" has no row with step_from_s 0 ~of its step 60\n"
                 "E decks/d.csv:4:1: the key \"45\" has no row with step_from_s 0\n"
                 "E decks/d.csv:6:1: the key \"46\" has no row with step_from_s 0\n"
                 "E decks/d.csv:9:1: the key \"47\" has no row with step_from_s 0\n"
                 "E decks/d.csv:12:1: the key \"48\" is here for the second time with this step_from_s, in "
                 "force ~line 11\n");
    /* Two first rows that both cover a step: wrong even where the version ends before they meet. The step
     * that only one of them covers is right. */
    book_file(&f, "deck_versions.csv", "deck,file,effective\nd,d,\nd,e,2026-02-01\n");
    book_file(&f, "decks/d.csv",
              "prefix,rate,step_from_s,from,to\n44,1,,,2026-06-01\n44,1,,2026-03-01,2026-09-01\n"
              "44,1,30,2026-04-01,2026-05-01\n45,1,,,2026-09-01\n45,1,,2026-03-01,2026-06-01\n"
              "45,1,30,2026-04-01,2026-05-01\n44,1,40,2026-04-01,2026-07-01\n44,1,50,,2026-04-01\n");
    book_file(&f, "decks/e.csv", "prefix,rate,step_from_s\n44,1,\n");
    book_bad(&f, "E decks/d.csv:4:1: the key \"44\" has several rows with step_from_s 0 ~of its step 30\n"
                 "E decks/d.csv:7:1: the key \"45\" has several rows with step_from_s 0\n");
    /* A first row in another file is none. */
    book_file(&f, "deck_versions.csv", "deck,file,effective,mode\nd,d,,\nd,e,2026-02-01,amend\n");
    book_file(&f, "decks/d.csv", "prefix,rate\n44,1\n");
    book_file(&f, "decks/e.csv", "prefix,rate,step_from_s\n44,1,60\n");
    book_bad(&f, "E decks/e.csv:2:1: the key \"44\" has no row with step_from_s 0\n");
    book_end(&f);
}

/* 2^31 is too much, 2^31 - 1 is not. */
static void common_multiple(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,calendar,boundary\nd,c,split\n");
    book_file(&f, "calendars.csv", "calendar,band,days\nc,weekend,6;7\n");
    book_file(&f, "decks/d.csv",
              "prefix,rate,step_from_s,band,per_s\n44,1,,,2147483647\n44,1,60,,1\n45,1,,,65536\n"
              "45,1,,weekend,32767\n");
    book_good(&f);
    assert_int_equal(entry_at(f.book, "d", "4420794600")->walk_per, 2147483647);
    assert_int_equal(entry_at(f.book, "d", "4520794600")->walk_per, 65536 * 32767);
    book_file(&f, "decks/d.csv",
              "prefix,rate,step_from_s,band,per_s\n44,1,,,2147483647\n44,1,60,,2\n44,1,70,,1\n"
              "45,1,,,65536\n45,1,,weekend,32769\n");
    book_bad(&f, "E decks/d.csv:3:1: the key \"44\": the least common multiple\n"
                 "E decks/d.csv:5:1: the key \"45\": the least common multiple\n");
    book_file(&f, "decks.csv", "deck,calendar,boundary\nd,c,start\n");
    book_bad(&f, "E decks/d.csv:3:1: the key \"44\": the least common multiple\n");
    book_end(&f);
}

/* A call that is walked takes no longer than its own milliseconds and 10,000 rows let it. */
static void walk_limits(void **state)
{
    struct book_fixture f;
    char *file = malloc(200000);
    (void)state;

    book_begin(&f);
    book_file(&f, "decks.csv", "deck,calendar,boundary\nd,c,split\n");
    book_file(&f, "calendars.csv", "calendar,band,days\nc,weekend,6;7\n");
    book_file(&f, "decks/d.csv",
              "prefix,rate,band,minimum_s\n44,1,,2147483\n44,1,weekend,\n45,1,,2147483647\n");
    book_good(&f);
    book_file(&f, "decks/d.csv",
              "prefix,rate,band,minimum_s\n44,1,,2147484\n44,1,weekend,\n45,1,weekend,2147484\n");
    book_bad(&f, "E decks/d.csv:2:1: the key \"44\": minimum_s is above 2147483\n"
                 "E decks/d.csv:4:1: the key \"45\": minimum_s is above 2147483\n");
    book_file(&f, "decks.csv", "deck,calendar,boundary\nd,c,start\n");
    book_good(&f);
    size_t bytes = (size_t)sprintf(file, "prefix,rate,step_from_s\n44,1,\n");
    for (int step = 1; step < 10000; step++)
        bytes += (size_t)sprintf(file + bytes, "44,1,%d\n", step);
    book_file(&f, "decks/d.csv", file);
    book_good(&f);
    sprintf(file + bytes, "44,1,10000\n");
    book_file(&f, "decks/d.csv", file);
    book_bad(&f, "E decks/d.csv:10002:1: the key \"44\": it has more than 10000 rows\n");
    book_end(&f);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inherited), cmocka_unit_test(bands_and_dates), cmocka_unit_test(all_together),
        cmocka_unit_test(refused),   cmocka_unit_test(common_multiple), cmocka_unit_test(walk_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
