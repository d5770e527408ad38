/* Decks as sheets of one trie: which decks share one, and that a value means the price that the book has. */
#include "deck_fixture.h"
#include "pipeline/sheets.h"

#define PREFIXES 60

/* A deck of 59 exchanges and a country: `banded` with two rows each, `back` in descending order, `dated`: the
 * country's price changes on 2026-04-01; `late`: the first exchange has prices from then on only. */
static void put_deck(const struct book_fixture *f, const char *name, bool banded, bool back, bool dated,
                     bool late, int rate)
{
    char path[128];
    snprintf(path, sizeof path, "%s/decks/%s.csv", f->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("prefix,rate,band,from,to\n", file);
    for (int i = 0; i < PREFIXES; i++) {
        const int k = back ? PREFIXES - 1 - i : i, prefix = k == PREFIXES - 1 ? 44 : 1212200 + 7 * k;
        const bool changes = dated && k == PREFIXES - 1, begins = late && k == 0;
        fprintf(file, "%d,0.%06d,,%s\n", prefix, rate + k % 5,
                changes  ? ",2026-04-01"
                : begins ? "2026-04-01,"
                         : ",");
        if (changes)
            fprintf(file, "%d,0.%06d,,2026-04-01,\n", prefix, rate + 900);
        if (banded)
            fprintf(file, "%d,0.%06d,night,%s,\n", prefix, rate + 100 + k % 3, begins ? "2026-04-01" : "");
    }
    assert_int_equal(fclose(file), 0);
}

static const char *const names[] = {"a", "b", "dated", "late", "back", "plain", "d"};

static const struct toll_book *open_book(struct book_fixture *f)
{
    book_begin(f);
    book_file(f, "decks.csv",
              "deck,calendar\na,hours\nb,hours\ndated,hours\nlate,hours\nback,hours\nplain,\nd,\n");
    book_file(f, "calendars.csv", "calendar,band,days,from,to\nhours,night,,19:00,07:00\n");
    book_file(f, "plan_rules.csv",
              "plan,action,deck,priority\np,deck,a,1\np,deck,b,2\np,deck,dated,3\np,deck,back,4\n"
              "p,deck,plain,5\np,deck,d,6\np,deck,late,7\n");
    put_deck(f, "a", true, false, false, false, 1000);
    put_deck(f, "b", true, false, false, false, 2000);
    put_deck(f, "dated", true, false, true, false, 3000);
    put_deck(f, "back", true, true, false, false, 4000);
    put_deck(f, "plain", false, false, false, false, 5000);
    put_deck(f, "late", true, false, false, true, 6000);
    return book_good(f);
}

static uint32_t family_of(const struct toll_book *book, const struct toll_sheets *sheets, const char *name)
{
    return sheets->decks[deck_id(book, name)].family;
}

static void test_families(void **state)
{
    (void)state;
    struct book_fixture f;
    struct toll_sheets sheets;
    const struct toll_book *book = open_book(&f);
    assert_true(toll_sheets_init(&sheets, book));
    const uint32_t a = family_of(book, &sheets, "a"), back = family_of(book, &sheets, "back");
    assert_true(a != 0 && back != 0 && back != a);
    assert_int_equal(family_of(book, &sheets, "b"), a);
    assert_int_equal(family_of(book, &sheets, "dated"), a);
    assert_int_equal(family_of(book, &sheets, "late"), a);
    assert_int_not_equal(family_of(book, &sheets, "plain"), a);
    assert_int_not_equal(family_of(book, &sheets, "d"), a);
    assert_true(sheets.by_band);
    toll_sheets_free(&sheets);
    book_end(&f);
}

/* What a value of a sheet means in a band, against the book; returns whether it is to be asked of the deck.
 */
static bool check_value(const struct toll_book *book, const struct toll_sheets *sheets, const char *name,
                        const char *number, const char *band)
{
    const struct toll_sheet *sheet = &sheets->decks[deck_id(book, name)];
    const struct toll_sheet_family *family = &sheets->families[sheet->family - 1];
    const struct toll_sheet_now now = toll_sheet_in_band(sheet, band_id(book, band));
    const struct toll_family_shape *shape = &sheets->shape;
    const int32_t price = price_at(book, name, number, NOON, band);
    uint64_t key;
    assert_true(toll_digits_pack(number, strlen(number), &key));
    const uint32_t value = toll_lpm_find(&family->lpm, family->words, key);
    if ((value & TOLL_LPM_ENTRY) != 0)
        return true;
    if (value == 0) {
        assert_int_equal(price, 0);
        return false;
    }
    assert_true(now.terms < TOLL_SHEET_ASK);
    assert_int_equal(now.price + ((value & shape->ordinal_mask) << shape->price_shift), price);
    assert_int_equal(shape->terms[now.terms + (value >> shape->class_shift)], 1 + book->price_terms[price]);
    return false;
}

static void test_values(void **state)
{
    (void)state;
    struct book_fixture f;
    struct toll_sheets sheets;
    const struct toll_book *book = open_book(&f);
    assert_true(toll_sheets_init(&sheets, book));
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        const bool banded = n < 5, shared = n < 4;
        char number[16];
        for (int prefix = 1212199; prefix < 1212700; prefix++) {
            snprintf(number, sizeof number, "%d5550", prefix);
            const bool asked = shared && prefix == 1212200; /* in one of the four it begins late */
            assert_int_equal(check_value(book, &sheets, names[n], number, ""), asked);
            if (banded)
                assert_int_equal(check_value(book, &sheets, names[n], number, "night"), asked);
        }
        if (n < 6) /* the country changes in one of four decks: it is to be asked of all of them */
            assert_int_equal(check_value(book, &sheets, names[n], "442079460000", ""), shared);
    }
    toll_sheets_free(&sheets);
    book_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
