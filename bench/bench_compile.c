/*
 * From a book's folder to its image: medians of 5, milliseconds by stage, rows per second, bytes of the
 * number map a number, peak memory, and what memcpy copies in the same run.
 *
 *   bench_compile              a deck of 200,000 prefixes with 200,000 numbers; 5 million numbers
 *   bench_compile BOOK...      books that are there already
 *   bench_compile --small      books of a second, as a test
 *   --json FILE                for programs (result.h)
 *   bench_compile --write F    writes the two books to F/deck and F/numbers, and that is all
 *   TOLL_BENCH_FOLDER          where the books are made (default /tmp); TOLL_BENCH_TURNS other than 5
 *
 * The sources are warm, and the image's name is free: over a file that is there ext4 begins to write the new
 * one when it is renamed, as if we had not asked for that with fsync. Each book is compiled with fsync and
 * without: a disk's word that the image is safe takes a time of its own. "a number" counts the map only, as
 * docs/PERFORMANCE.md says.
 */
#include "book/compile.h"
#include "io/publish.h"
#include "make.h"
#include "measure.h"
#include "simd/number_lines.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define TURNS_MAX 99
#define STAGES_MAX 64
#define COPY_BYTES ((size_t)256 << 20)

struct size {
    const char *name;
    uint64_t prefixes, numbers;
};

static struct bench {
    char folder[256], image[300];
    int turns;
    double seconds[2][TURNS_MAX], copied[TURNS_MAX]; /* [0] with fsync */
    struct stage {
        const char *name;
        double seconds[TURNS_MAX];
    } stages[STAGES_MAX];
    int stage_count, turn;
    double last;
    struct toll_compile_result result;
    struct toll_result json;
} bench;

static double median(const double *values)
{
    double sorted[TURNS_MAX];
    memcpy(sorted, values, (size_t)bench.turns * sizeof *sorted);
    qsort(sorted, (size_t)bench.turns, sizeof *sorted, toll_result_compare);
    return sorted[bench.turns / 2];
}

/* ---- the books ---- */

static FILE *create(const char *book, const char *name)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", book, name);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        die("cannot write the book; set TOLL_BENCH_FOLDER");
    setvbuf(file, NULL, _IOFBF, 1 << 20);
    return file;
}

static void write_file(const char *book, const char *name, const char *text)
{
    FILE *file = create(book, name);
    fputs(text, file);
    if (fclose(file) != 0)
        die("cannot write the book");
}

/* Area codes, exchanges of them, thousands of some exchanges, and one in ten abroad; each with its own rate.
 */
static uint64_t any_prefix(uint64_t i, uint64_t count)
{
    const uint64_t abroad = count / 10, areas = 300, home = count - abroad;
    if (i < abroad)
        return (20 + i / 700) * 1000 + 100 + i % 700;
    i -= abroad;
    if (i < areas)
        return 1201 + i;
    const uint64_t area = 1201 + i % areas, exchange = 200 + i / areas % 600;
    return i < home * 9 / 10 ? area * 1000 + exchange : (area * 1000 + exchange) * 10 + i % 10;
}

static void write_deck(const char *book, uint64_t prefixes)
{
    static const char *const increments[] = {"60,60", "6,6", "30,6", "1,1"};
    FILE *deck = create(book, "decks/retail.csv");
    fputs("prefix,destination,rate,connect_fee,initial_s,increment_s\n", deck);
    for (uint64_t i = 0; i < prefixes; i++) {
        const uint64_t class_ = pick(2, i, 2048);
        fprintf(deck, "%llu,D%llu,0.%06llu,%s,%s\n", (unsigned long long)any_prefix(i, prefixes),
                (unsigned long long)class_, (unsigned long long)(2000 + pick(3, i, 900000)),
                pick(4, class_, 8) == 0 ? "0.05" : "", increments[pick(5, class_, 4)]);
    }
    if (fclose(deck) != 0)
        die("cannot write the deck");
}

/* Ten numbers to an account, in no order. */
static void write_numbers(const char *book, uint64_t numbers)
{
    FILE *accounts = create(book, "accounts.csv"), *file = create(book, "numbers.csv");
    FILE *assignments = create(book, "assignments.csv");
    fputs("account,name\n", accounts);
    fputs("number,account\n", file);
    fputs("subject,plan\ndefault,p0\n", assignments);
    for (uint64_t i = 0; i < numbers; i++) {
        const uint64_t slot = (i * 2654435761u + 12345) % (UINT64_C(300) * 792 * 10000);
        fprintf(file, "%llu,A%06llu\n",
                (unsigned long long)(UINT64_C(12012000000) + slot / 7920000 * 10000000 + slot % 7920000),
                (unsigned long long)(i / 10));
        if (i % 10 != 0)
            continue;
        fprintf(accounts, "A%06llu,Account %llu\n", (unsigned long long)(i / 10),
                (unsigned long long)(i / 10));
        fprintf(assignments, "account:A%06llu,p%llu\n", (unsigned long long)(i / 10),
                (unsigned long long)pick(6, i, 4));
    }
    if (fclose(accounts) + fclose(file) + fclose(assignments) != 0)
        die("cannot write the numbers");
}

static void write_book(const char *book, const struct size *size)
{
    char path[400];
    snprintf(path, sizeof path, "%s/decks", book);
    toll_remove_tree(toll_io_system(), AT_FDCWD, book, NULL);
    if (mkdir(book, 0750) != 0 || mkdir(path, 0750) != 0)
        die("cannot make the book's folder; set TOLL_BENCH_FOLDER");
    write_file(book, "book.yaml", "book: bench\ncurrency: USD\ntimezone: America/New_York\n");
    write_file(book, "decks.csv", "deck\nretail\n");
    write_file(book, "plans.csv", "plan,name\np0,Zero\np1,One\np2,Two\np3,Three\n");
    write_file(book, "plan_rules.csv",
               "plan,action,class,deck,priority\np0,deck,,retail,1\np1,deck,,retail,1\np2,deck,,retail,1\n"
               "p3,deck,,retail,1\n");
    write_deck(book, size->prefixes);
    write_numbers(book, size->numbers);
}

/* ---- compiling ---- */

static int no_sync(void *context, int fd)
{
    (void)context;
    (void)fd;
    return 0;
}

static void passed(void *context, const char *what)
{
    const double now = now_s();
    int i = 0;
    (void)context;
    while (i < bench.stage_count && strcmp(bench.stages[i].name, what) != 0)
        i++;
    if (i == STAGES_MAX)
        die("too many stages");
    if (i == bench.stage_count)
        bench.stages[bench.stage_count++].name = what;
    bench.stages[i].seconds[bench.turn] += now - bench.last;
    bench.last = now;
}

static void compile(const char *book, bool durable)
{
    struct toll_io io = *toll_io_system();
    const struct toll_compile_options options = {.book_path = book, .image_path = bench.image};
    const struct toll_watch watch = {passed, NULL};
    struct toll_error error;
    if (!durable)
        io.fsync = no_sync;
    unlink(bench.image);
    const double begun = bench.last = now_s();
    if (toll_compile_watched(&io, &options, durable ? NULL : &watch, &bench.result, &error) != 0)
        die(error.text);
    bench.seconds[!durable][bench.turn] = now_s() - begun;
}

/* Of a process that does nothing else. */
static long peak_kib(const char *book)
{
    struct rusage usage;
    int status;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        compile(book, false);
        _exit(0);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0)
        die("cannot measure the peak of memory");
    return usage.ru_maxrss;
}

static void copy(uint8_t *memory)
{
    const double begun = now_s();
    memcpy(memory, memory + COPY_BYTES, COPY_BYTES);
    __asm__ volatile("" : : "r"(memory) : "memory");
    bench.copied[bench.turn] = now_s() - begun;
}

static void put_json(const char *name, bool durable, long peak)
{
    struct toll_result *json = &bench.json;
    toll_result_record(json, "compile");
    toll_result_text(json, "book", name);
    toll_result_int(json, "fsync", durable);
    toll_result_samples(json, "seconds", bench.seconds[!durable], (size_t)bench.turns, 1);
    toll_result_int(json, "prices", bench.result.price_rows);
    toll_result_int(json, "numbers", bench.result.numbers);
    toll_result_int(json, "image_bytes", bench.result.image_bytes);
    toll_result_number(json, "peak_mb", (double)peak / 1024);
    toll_result_text(json, "hash", bench.result.book_hash);
    for (int i = 0; i < bench.stage_count && !durable; i++) {
        toll_result_record(json, "compile stage");
        toll_result_text(json, "book", name);
        toll_result_text(json, "stage", bench.stages[i].name);
        toll_result_samples(json, "seconds", bench.stages[i].seconds, (size_t)bench.turns, 1);
    }
}

static void number_bytes(const char *name)
{
    struct toll_book *book;
    struct toll_error error;
    if (toll_book_open(toll_io_system(), bench.image, NULL, &book, &error) != 0)
        die(error.text);
    if (book->number_count > 0) {
        toll_result_record(&bench.json, "number");
        toll_result_text(&bench.json, "book", name);
        toll_result_number(&bench.json, "image_bytes",
                           (double)(book->number_capacity * sizeof(struct toll_number_slot)) /
                               (double)book->number_count);
        toll_result_number(&bench.json, "line_bytes",
                           (double)(toll_number_lines(book->number_count) * sizeof(struct toll_number_line)) /
                               (double)book->number_count);
        printf("  %.2f bytes a number in the image, %.2f in the lines that rating makes of it\n",
               (double)(book->number_capacity * sizeof(struct toll_number_slot)) / (double)book->number_count,
               (double)(toll_number_lines(book->number_count) * sizeof(struct toll_number_line)) /
                   (double)book->number_count);
    }
    toll_book_close(book);
}

static void measure(const char *name, const char *book)
{
    uint8_t *memory = malloc(2 * COPY_BYTES);
    if (memory == NULL)
        die("out of memory");
    const long peak = peak_kib(book);
    memset(bench.stages, 0, sizeof bench.stages);
    bench.stage_count = 0;
    memset(memory, 1, 2 * COPY_BYTES);
    for (bench.turn = 0; bench.turn < bench.turns; bench.turn++) {
        copy(memory);
        compile(book, true);
        compile(book, false);
    }
    const struct toll_compile_result *result = &bench.result;
    const double taken = median(bench.seconds[1]), copied = median(bench.copied);
    printf("%s: %lld prices, %lld numbers, image of %.1f MB, hash %s\n", name, (long long)result->price_rows,
           (long long)result->numbers, (double)result->image_bytes * 1e-6, result->book_hash);
    printf(
        "  %.1f ms without fsync, %.1f ms with; %.2f M prices and numbers a second; memory's peak %ld MB\n",
        taken * 1e3, median(bench.seconds[0]) * 1e3,
        (double)(result->price_rows + result->numbers) / taken * 1e-6, peak / 1024);
    printf("  memcpy %.2f GB/s; compiling took as long as copying the image %.0f times\n",
           (double)COPY_BYTES / copied * 1e-9,
           taken / copied * (double)COPY_BYTES / (double)result->image_bytes);
    for (int i = 0; i < bench.stage_count; i++) {
        const double seconds = median(bench.stages[i].seconds);
        if (seconds * 200 >= taken)
            printf("    %-20s %8.1f ms\n", bench.stages[i].name, seconds * 1e3);
    }
    put_json(name, false, peak);
    put_json(name, true, peak);
    number_bytes(name);
    free(memory);
    unlink(bench.image);
}

int main(int count, char **arguments)
{
    if (toll_result_begin(&bench.json, "compile", &count, arguments) != 0)
        return 1;
    const bool small = count == 2 && strcmp(arguments[1], "--small") == 0;
    const struct size full[] = {{"deck", 200000, 200000}, {"numbers", 2000, 5000000}};
    const struct size little[] = {{"deck", 2000, 2000}, {"numbers", 20, 20000}};
    const char *folder = getenv("TOLL_BENCH_FOLDER"), *turns = getenv("TOLL_BENCH_TURNS");
    bench.turns = turns != NULL ? atoi(turns) : small ? 1 : 5;
    if (bench.turns < 1 || bench.turns > TURNS_MAX)
        die("TOLL_BENCH_TURNS is not from 1 to 99");
    snprintf(bench.folder, sizeof bench.folder, "%.200s/toll-bench-compile-%d",
             folder != NULL ? folder : "/tmp", (int)getpid());
    snprintf(bench.image, sizeof bench.image, "%s.book", bench.folder);
    if (count == 3 && strcmp(arguments[1], "--write") == 0) {
        for (int i = 0; i < 2; i++) {
            snprintf(bench.folder, sizeof bench.folder, "%.200s/%s", arguments[2], full[i].name);
            write_book(bench.folder, &full[i]);
        }
        return 0;
    }
    if (!small && count > 1) {
        for (int i = 1; i < count; i++)
            measure(arguments[i], arguments[i]);
        return toll_result_end(&bench.json) == 0 ? 0 : 1;
    }
    for (int i = 0; i < 2; i++) {
        const struct size *size = small ? &little[i] : &full[i];
        write_book(bench.folder, size);
        measure(size->name, bench.folder);
        if (small && bench.result.numbers != (int64_t)size->numbers)
            die("a number is missing");
    }
    toll_remove_tree(toll_io_system(), AT_FDCWD, bench.folder, NULL);
    return toll_result_end(&bench.json) == 0 ? 0 : 1;
}
