/*
 * Many books over one dataset in one pass, beside one book over it: eight variants of one deck, which price
 * the base's lines anew; eight books that were compiled apart, as somebody compares them: the same customers,
 * in each deck other rates, so that they are repriced, too; eight unrelated ones, of which each has other
 * prefixes, rates and plans, so that it rates by itself; each with its report. And a run by one book, lines
 * and tables written.
 *
 *   bench_whatif           the plain world and the canonical month, 20 million CDRs each
 *   bench_whatif --small   worlds of a second, as a test; repriced and compiled books must agree
 *   TOLL_BENCH_CDRS, TOLL_BENCH_NUMBERS, TOLL_BENCH_TURNS, TOLL_BENCH_FOLDER, TOLL_BENCH_WORLD, --json FILE
 *   TOLL_BENCH_WAYS=1|2|4|8|16|32  only one book, the variants, the books apart, a run, the books apart
 *                                  each by itself, unrelated books; or a sum of these
 *
 * All take turns in one run; ratios are medians of the ratios within a turn. Books are images.
 */
#include "measure.h"
#include "month.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cpu.h"
#include "pipeline/whatif.h"

#define TURNS_MOST 32
#define VARIANTS 8

struct world {
    const char *name, *deck;
    int (*write)(const char *folder, const struct toll_world_size *size);
    char folder[256], image[300], cdrs[300];
};

enum way { ONE, VARIED, APART, RATED, ALONE, UNRELATED, WAYS };
static const char *const way_names[WAYS] = {
    "one book",          "8 variants of one deck", "8 books compiled apart",
    "a run by one book", "8 books each by itself", "8 unrelated books"};

static bool exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

/* ---- books with other rates ---- */

/* Up to ten percent more or less, by the rate and the book: as many different rates as before. */
static uint64_t other_rate(uint64_t rate, int which)
{
    const uint64_t mixed = (rate + 1) * (UINT64_C(0x9e3779b97f4a7c15) + 2 * (uint64_t)which);
    return rate + rate * ((mixed >> 32) % 201) / 1000 - rate / 10;
}

/* Of a hundred texts a few, each book others: the first bytes of a line, up to the comma. */
static bool chosen(const char *line, int which, unsigned one_of)
{
    uint64_t mixed = (uint64_t)which + 1;
    for (; *line != ',' && *line != '\0'; line++)
        mixed = (mixed ^ (uint8_t)*line) * UINT64_C(0x9e3779b97f4a7c15), mixed ^= mixed >> 29;
    return mixed % one_of == 0;
}

/* Every 50th account or so is on the plan of the one before it. */
static int rewrite_assignments(const char *from, const char *to, int which)
{
    char line[512], last[512] = "";
    FILE *in = fopen(from, "r"), *out = in == NULL ? NULL : fopen(to, "w");
    while (out != NULL && fgets(line, sizeof line, in) != NULL) {
        const char *plan = strchr(line, ',');
        if (plan == NULL)
            die("an assignment has no plan");
        const bool other = last[0] != '\0' && strchr(line, ':') != NULL && chosen(line, which, 50);
        fprintf(out, "%.*s%s", (int)(plan - line), line, other ? last : plan);
        if (strchr(line, ':') != NULL)
            snprintf(last, sizeof last, "%s", plan);
    }
    const bool good = out != NULL && !ferror(in) && !ferror(out);
    if (in != NULL)
        fclose(in);
    return out != NULL && fclose(out) == 0 && good ? 0 : -1;
}

/* A deck's third column is the rate, 0.dddddd. unrelated: one prefix of a hundred is not there. */
static int rewrite_deck(const char *from, const char *to, int which, bool unrelated)
{
    char line[512];
    FILE *in = fopen(from, "r"), *out = in == NULL ? NULL : fopen(to, "w");
    bool head = true;
    while (out != NULL && fgets(line, sizeof line, in) != NULL) {
        char *rate = strchr(line, ','), *rest = NULL;
        if (unrelated && !head && chosen(line, which, 100))
            continue;
        if (rate != NULL)
            rate = strchr(rate + 1, ',');
        if (!head && rate != NULL && strncmp(rate, ",0.", 3) == 0) {
            const uint64_t value = strtoull(rate + 3, &rest, 10);
            if (rest != rate + 9)
                die("a deck's rate has not six decimals");
            fprintf(out, "%.*s,0.%06llu%s", (int)(rate - line), line,
                    (unsigned long long)other_rate(value, which), rest);
        } else {
            fputs(line, out);
        }
        head = false;
    }
    const bool good = out != NULL && !ferror(in) && !ferror(out);
    if (in != NULL)
        fclose(in);
    return out != NULL && fclose(out) == 0 && good ? 0 : -1;
}

static int rewrite_decks(const char *from, const char *to, int which, bool unrelated)
{
    char one[600], other[600];
    DIR *folder = opendir(from);
    int rc = folder == NULL ? -1 : 0;
    for (struct dirent *entry; rc == 0 && (entry = readdir(folder)) != NULL;) {
        if (strstr(entry->d_name, ".csv") == NULL)
            continue;
        snprintf(one, sizeof one, "%s/%s", from, entry->d_name);
        snprintf(other, sizeof other, "%s/%s", to, entry->d_name);
        rc = rewrite_deck(one, other, which, unrelated);
    }
    if (folder != NULL)
        closedir(folder);
    return rc;
}

static void other_image(const struct world *world, int which, bool unrelated, char path[320])
{
    snprintf(path, 320, which == 0 ? "%s" : unrelated ? "%s.u%d" : "%s.%d", world->image, which);
}

static int make_other(const struct world *world, int which, bool unrelated)
{
    char image[320], book[320], decks[340], plans[360], from[320], command[1000];
    struct toll_compile_result result;
    struct toll_error error = {0};
    other_image(world, which, unrelated, image);
    if (exists(image))
        return 0;
    snprintf(book, sizeof book, "%s/book.%d", world->folder, which);
    snprintf(decks, sizeof decks, "%s/decks", book);
    snprintf(from, sizeof from, "%s/book/decks", world->folder);
    snprintf(command, sizeof command, "cp -rL '%s/book' '%s'", world->folder, book);
    const struct toll_compile_options options = {.book_path = book, .image_path = image};
    int rc = system(command) != 0 ? -1 : rewrite_decks(from, decks, which, unrelated);
    snprintf(from, sizeof from, "%s/book/assignments.csv", world->folder);
    snprintf(plans, sizeof plans, "%s/assignments.csv", book);
    if (rc == 0 && unrelated)
        rc = rewrite_assignments(from, plans, which);
    if (rc == 0 && (rc = toll_compile(&options, &result, &error)) != 0)
        fprintf(stderr, "%s\n", error.text);
    snprintf(command, sizeof command, "rm -rf '%s'", book);
    return system(command) != 0 ? -1 : rc;
}

static int make_world(struct world *world, const struct toll_world_size *size, unsigned ways)
{
    char book[300];
    struct toll_compile_result result;
    struct toll_error error;
    snprintf(book, sizeof book, "%s/book", world->folder);
    snprintf(world->image, sizeof world->image, "%s/whatif.image", world->folder);
    snprintf(world->cdrs, sizeof world->cdrs, "%s/cdrs", world->folder);
    mkdir(world->folder, 0750);
    if (!exists(world->cdrs) && world->write(world->folder, size) != 0)
        return -1;
    const struct toll_compile_options options = {.book_path = book, .image_path = world->image};
    if (!exists(world->image) && toll_compile(&options, &result, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return -1;
    }
    int rc = 0;
    for (int i = 1; rc == 0 && i < VARIANTS && (ways & (1u << APART | 1u << ALONE)) != 0; i++)
        rc = make_other(world, i, false);
    for (int i = 1; rc == 0 && i < VARIANTS && (ways >> UNRELATED & 1) != 0; i++)
        rc = make_other(world, i, true);
    return rc;
}

/* The books of a way; texts: VARIANTS of them. */
static int list_books(const struct world *world, enum way way, char texts[VARIANTS][320],
                      struct toll_whatif_book books[VARIANTS + 1])
{
    books[0] = (struct toll_whatif_book){.name = "base", .path = world->image};
    for (int i = 0; i < VARIANTS; i++)
        if (way == VARIED) {
            snprintf(texts[i], sizeof texts[i], "deck:%s *1.%02d", world->deck, i + 1);
            books[1 + i] = (struct toll_whatif_book){.change = texts[i]};
        } else {
            other_image(world, i, way == UNRELATED, texts[i]);
            books[i] = (struct toll_whatif_book){.path = texts[i]};
        }
    return way == ONE ? 1 : way == VARIED ? VARIANTS + 1 : VARIANTS;
}

/* What the same costs without: one book, lines and tables written. */
static int rate(const struct world *world, struct toll_impact *impact, struct toll_whatif_result *result)
{
    char run[300], command[400];
    struct toll_rate_result rated;
    struct toll_error error;
    snprintf(run, sizeof run, "%s/whatif.run", world->folder);
    snprintf(command, sizeof command, "rm -rf '%s'", run);
    const struct toll_rate_options options = {
        .book_path = world->image, .dataset_path = world->cdrs, .run_path = run, .pin = true};
    memset(impact, 0, sizeof *impact);
    memset(result, 0, sizeof *result);
    if (system(command) != 0 || toll_rate(&options, &rated, &error) != 0 || system(command) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return -1;
    }
    result->wall_ns = rated.wall_ns;
    result->rate_ns = rated.rate_ns;
    result->rows = rated.rows;
    return 0;
}

static int ask(const struct world *world, enum way way, bool compiled, struct toll_impact *impact,
               struct toll_whatif_result *result)
{
    struct toll_whatif_book books[VARIANTS + 1];
    char texts[VARIANTS][320];
    struct toll_error error;
    struct toll_whatif_options options = {
        .dataset_path = world->cdrs,
        .books = books,
        .compile_changes = compiled,
        .moved_by_bp = 1000,
        .moved_most = 100,
        .no_taxes = true,
        .pin = true,
    };
    options.book_count = list_books(world, way, texts, books);
    if (way == RATED)
        return rate(world, impact, result);
    const struct toll_whatif_tuning tuning = {
        .io = toll_io_system(), .features = toll_cpu_features(), .no_repricing = way == ALONE};
    if (toll_whatif_tuned(&options, &tuning, impact, result, &error) == 0)
        return 0;
    fprintf(stderr, "%s\n", error.text);
    return -1;
}

/* The charges of all books, as text. */
static void totals_of(const struct toll_impact *impact, char *text, size_t room)
{
    size_t at = 0;
    for (int i = 0; i < impact->book_count && at < room; i++) {
        char money[TOLL_MONEY_TEXT];
        toll_sum_to_text(impact->tables[TOLL_BY_TOTAL].rows[0].books[i].charge, money);
        at += (size_t)snprintf(text + at, room - at, "%s%s", i == 0 ? "" : " ", money);
    }
}

struct figures {
    double wall[TURNS_MOST], cpu[TURNS_MOST], cpu_ratio[TURNS_MOST], rate[TURNS_MOST], open[TURNS_MOST],
        report[TURNS_MOST], ratio[TURNS_MOST];
    int64_t rows;
    int repriced;
    char totals[1024];
};

static void tell(struct toll_result *json, const struct world *world, const struct figures *figures,
                 enum way way, size_t turns)
{
    double wall[TURNS_MOST], ratio[TURNS_MOST], cpu[TURNS_MOST], cpu_ratio[TURNS_MOST];
    memcpy(cpu, figures->cpu, sizeof cpu);
    memcpy(cpu_ratio, figures->cpu_ratio, sizeof cpu_ratio);
    qsort(cpu, turns, sizeof *cpu, toll_result_compare);
    qsort(cpu_ratio, turns, sizeof *cpu_ratio, toll_result_compare);
    memcpy(wall, figures->wall, sizeof wall);
    memcpy(ratio, figures->ratio, sizeof ratio);
    qsort(wall, turns, sizeof *wall, toll_result_compare);
    qsort(ratio, turns, sizeof *ratio, toll_result_compare);
    printf("%s, %-24s %6.3f s (%.3f to %.3f), %.2f of one book; %.3f s of CPU, %.2f; opening %.3f, rating "
           "%.3f, report %.3f s; "
           "%d repriced; %lld CDRs; %.40s\n",
           world->name, way_names[way], wall[turns / 2], wall[0], wall[turns - 1], ratio[turns / 2],
           cpu[turns / 2], cpu_ratio[turns / 2], figures->open[0], figures->rate[0], figures->report[0],
           figures->repriced, (long long)figures->rows, figures->totals);
    toll_result_record(json, "whatif");
    toll_result_text(json, "world", world->name);
    toll_result_text(json, "way", way_names[way]);
    toll_result_int(json, "cdrs", figures->rows);
    toll_result_samples(json, "seconds", figures->wall, turns, 1);
    toll_result_samples(json, "rating_seconds", figures->rate, turns, 1);
    toll_result_samples(json, "of_one_book", figures->ratio, turns, 1);
    toll_result_samples(json, "cpu_seconds", figures->cpu, turns, 1);
    toll_result_samples(json, "cpu_of_one_book", figures->cpu_ratio, turns, 1);
    toll_result_text(json, "totals", figures->totals);
}

static int measure(struct toll_result *json, const struct world *world, unsigned ways, size_t turns)
{
    static struct figures figures[WAYS];
    memset(figures, 0, sizeof figures);
    for (size_t turn = 0; turn < turns; turn++)
        for (int way = 0; way < WAYS; way++) {
            if ((ways >> way & 1) == 0)
                continue;
            struct figures *of = &figures[way];
            struct toll_impact impact;
            struct toll_whatif_result result;
            const double begun = clock_s(CLOCK_PROCESS_CPUTIME_ID);
            if (ask(world, (enum way)way, false, &impact, &result) != 0)
                return -1;
            of->cpu[turn] = clock_s(CLOCK_PROCESS_CPUTIME_ID) - begun;
            of->cpu_ratio[turn] = of->cpu[turn] / figures[ONE].cpu[turn];
            of->wall[turn] = (double)result.wall_ns * 1e-9;
            of->open[turn] = (double)result.open_ns * 1e-9;
            of->rate[turn] = (double)result.rate_ns * 1e-9;
            of->report[turn] = (double)result.report_ns * 1e-9;
            of->ratio[turn] = of->wall[turn] / figures[ONE].wall[turn];
            of->rows = result.rows;
            of->repriced = result.repriced;
            totals_of(&impact, of->totals, sizeof of->totals);
            toll_impact_free(&impact);
        }
    for (int way = 0; way < WAYS; way++)
        if ((ways >> way & 1) != 0)
            tell(json, world, &figures[way], (enum way)way, turns);
    return 0;
}

/* The same books' totals, made in two ways. */
static int compare_two(const struct world *world, enum way way, bool compiled, enum way other_way,
                       bool other_compiled)
{
    char one[1024], other[1024];
    struct toll_impact impact;
    struct toll_whatif_result result;
    if (ask(world, way, compiled, &impact, &result) != 0)
        return -1;
    totals_of(&impact, one, sizeof one);
    if (result.repriced != impact.book_count - 1)
        die("not all books are repriced");
    toll_impact_free(&impact);
    if (ask(world, other_way, other_compiled, &impact, &result) != 0)
        return -1;
    totals_of(&impact, other, sizeof other);
    toll_impact_free(&impact);
    if (result.repriced != 0 || strcmp(one, other) != 0)
        die("books that are repriced and that rate by themselves differ");
    return 0;
}

static int compare(const struct world *world)
{
    const int rc = compare_two(world, VARIED, false, VARIED, true);
    return rc != 0 ? rc : compare_two(world, APART, false, ALONE, false);
}

int main(int argc, char **argv)
{
    struct toll_result json;
    if (toll_result_begin(&json, "whatif", &argc, argv) != 0)
        return 1;
    const bool small = argc > 1 && strcmp(argv[1], "--small") == 0;
    const char *folder = getenv("TOLL_BENCH_FOLDER"), *only = getenv("TOLL_BENCH_WORLD");
    char own[] = "/tmp/toll_whatif_XXXXXX";
    if (folder == NULL && (folder = mkdtemp(own)) == NULL)
        die("no folder");
    const struct toll_world_size size = {
        .cdrs = setting("TOLL_BENCH_CDRS", small ? 40000 : 20000000),
        .numbers = (uint32_t)setting("TOLL_BENCH_NUMBERS", small ? 2000 : 200000),
        .areas = small ? 4 : 400,
        .days = small ? 3 : 30,
    };
    size_t turns = (size_t)setting("TOLL_BENCH_TURNS", small ? 1 : 5);
    turns = turns < 1 ? 1 : turns > TURNS_MOST ? TURNS_MOST : turns;
    struct world worlds[] = {{.name = "plain", .deck = "retail", .write = toll_world_write},
                             {.name = "month", .deck = "retail0", .write = toll_month_write}};
    const unsigned ways = (unsigned)setting("TOLL_BENCH_WAYS", 63);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof worlds / sizeof *worlds; i++) {
        if (only != NULL && strstr(only, worlds[i].name) == NULL)
            continue;
        snprintf(worlds[i].folder, sizeof worlds[i].folder, "%s/%s", folder, worlds[i].name);
        rc = make_world(&worlds[i], &size, ways);
        if (rc == 0 && small)
            rc = compare(&worlds[i]);
        if (rc == 0)
            rc = measure(&json, &worlds[i], ways, turns);
    }
    if (own[sizeof own - 2] != 'X') {
        char command[64];
        snprintf(command, sizeof command, "rm -rf '%s'", own);
        rc = system(command) != 0 || rc != 0;
    }
    return toll_result_end(&json) != 0 || rc != 0;
}
