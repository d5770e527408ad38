/* prices.arrow column by column: the same bytes as of rows that are described one by one, whatever of the
 * book is used, by any number of threads. */
#include "deck_fixture.h"
#include "pipeline/rate.h"
#include "random.h"

#include <sys/stat.h>

#define PREFIXES 34000 /* enough for threads */

/* All decks but `odd` have the same prefixes; rates of `dear` do not fit into 32 bits. */
static void put_deck(const struct book_fixture *f, const char *name, int first, int skip, const char *whole)
{
    char path[128];
    snprintf(path, sizeof path, "%s/decks/%s.csv", f->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("prefix,rate,band,destination,connect_fee,step_from_s\n", file);
    for (int i = 0; i < PREFIXES; i++) {
        if (i == skip)
            continue;
        fprintf(file, "%d,%s.%06d,,Place %d,%s,\n", 12122000 + 7 * i, whole, first + i % 50, i % 9,
                i % 3 == 0 ? "0.05" : "");
        fprintf(file, "%d,%s.%06d,night,Place %d,,\n", 12122000 + 7 * i, whole, first + 100 + i % 30, i % 9);
    }
    fprintf(file, "44,0.5,,,,\n44,0.25,,,,60\n");
    assert_int_equal(fclose(file), 0);
}

static const struct toll_book *open_book(struct book_fixture *f)
{
    book_begin(f);
    book_file(f, "decks.csv", "deck,calendar\na,hours\nb,hours\nodd,hours\ndear,hours\nd,\n");
    book_file(f, "calendars.csv", "calendar,band,days,from,to\nhours,night,,19:00,07:00\n");
    book_file(f, "plan_rules.csv",
              "plan,action,service,class,deck,amount,percent,priority\np,free,,toll_free,,,,1\n"
              "p,flat,sms,,,0.1,,1\np,markup,event,,,0.01,10,1\np,deck,,,a,,,2\np,deck,,,b,,,3\n"
              "p,deck,,,odd,,,4\np,deck,,,dear,,,5\np,deck,,,d,,,6\n");
    put_deck(f, "a", 1000, -1, "0");
    put_deck(f, "b", 2000, -1, "1");
    put_deck(f, "odd", 3000, 5, "0");
    put_deck(f, "dear", 4000, -1, "40");
    return book_good(f);
}

/* ---- two ways ---- */

struct folder {
    char path[64];
    struct toll_run_writer *writer;
};

static void begin(struct folder *folder, unsigned threads)
{
    struct toll_error error;
    strcpy(folder->path, "/tmp/tollmill-prices-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    char run[80];
    snprintf(run, sizeof run, "%s/run", folder->path);
    assert_int_equal(toll_run_create(toll_io_system(), run, &folder->writer, &error), 0);
    if (threads > 0)
        assert_int_equal(toll_run_sync_together(folder->writer, false, &error), 0);
    toll_run_make_by(folder->writer, threads);
}

static char *read_table(const struct folder *folder, const char *name, size_t *bytes)
{
    struct toll_error error;
    assert_int_equal(toll_run_wait(folder->writer, &error), 0);
    const int fd = openat(toll_run_directory(folder->writer), name, O_RDONLY);
    struct stat status;
    assert_true(fd >= 0 && fstat(fd, &status) == 0);
    *bytes = (size_t)status.st_size;
    char *data = malloc(*bytes + 1);
    assert_int_equal(read(fd, data, *bytes), *bytes);
    close(fd);
    return data;
}

static void end(struct folder *folder)
{
    toll_run_abandon(folder->writer);
    assert_int_equal(rmdir(folder->path), 0);
}

static void assert_same(const struct folder *a, const struct folder *b, const char *name)
{
    size_t first_bytes, second_bytes;
    char *first = read_table(a, name, &first_bytes), *second = read_table(b, name, &second_bytes);
    assert_int_equal(first_bytes, second_bytes);
    assert_true(memcmp(first, second, first_bytes) == 0);
    free(first);
    free(second);
}

static int64_t describe_all(const struct toll_book *book, const struct toll_tally *tally,
                            struct toll_price_row *rows)
{
    int64_t count = 0;
    for (uint32_t price = 1; price < book->price_count; price++) {
        const unsigned services = toll_tally_price_services(tally, price);
        if (services != 0)
            toll_price_describe(book, (int32_t)price, services, &rows[count++]);
    }
    return count;
}

static void compare(const struct toll_book *book, const struct toll_tally *tally)
{
    struct toll_price_row *rows = calloc(book->price_count, sizeof *rows);
    const int64_t count = describe_all(book, tally, rows);
    struct folder by_rows, by_columns;
    struct toll_error error;
    begin(&by_rows, 0);
    assert_int_equal(toll_run_add_prices(by_rows.writer, rows, count, &error), 0);
    for (unsigned threads = 0; threads <= 3; threads++) {
        begin(&by_columns, threads);
        assert_int_equal(toll_run_write_prices(by_columns.writer, book, tally, NULL, &error), 0);
        assert_same(&by_rows, &by_columns, "prices.arrow");
        assert_same(&by_rows, &by_columns, "price_terms.arrow");
        end(&by_columns);
    }
    end(&by_rows);
    free(rows);
}

/* ---- what is used ---- */

static void use(struct toll_tally *tally, uint32_t price)
{
    tally->voice_prices[price / 64] |= UINT64_C(1) << (price % 64);
}

static bool is_of(const struct toll_book *book, uint32_t price, const char *name)
{
    return toll_book_deck_of(book, price) == deck_id(book, name);
}

static void test_used(void **state)
{
    (void)state;
    struct book_fixture f;
    const struct toll_book *book = open_book(&f);
    struct toll_tally tally;
    struct toll_error error;
    uint64_t random = 7;
    assert_int_equal(toll_tally_init(&tally, book, NULL, &error), 0);
    compare(book, &tally); /* nothing */
    use(&tally, book->price_count - 1);
    use(&tally, 1);
    compare(book, &tally);
    for (uint32_t price = 1; price < book->price_count; price++) { /* some of all, but of dear */
        if (random_next(&random) % 3 == 0 && !is_of(book, price, "dear"))
            use(&tally, price);
        if (random_next(&random) % 50 == 0)
            tally.other_prices[price] = (uint8_t)(random_next(&random) % 16 * 2);
    }
    compare(book, &tally);
    for (uint32_t price = 1; price < book->price_count; price++)
        use(&tally, price);
    compare(book, &tally);
    toll_tally_free(&tally);
    book_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_used)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
