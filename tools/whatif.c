/*
 * tollmill whatif: the same calls with several books in one pass, and what moves between them. Nothing is
 * written but the report.
 */
#include "best_plan.h"
#include "html.h"
#include "impact.h"
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const formats[] = {"text", "csv", NULL};

/* What was asked for, in words of the command line. */
struct asked {
    struct cmd_list books, sets, sweeps, names, best; /* books: --books and operands */
    const char **texts;                               /* of all lists */
    int *places;
};

/* The books that come of it, and what they own. */
struct plan {
    struct toll_whatif_book books[TOLL_IMPACT_BOOKS_MAX + 1];
    int count;
    char *owned[2 * TOLL_IMPACT_BOOKS_MAX];
    int owned_count;
    const char *plans[TOLL_IMPACT_BOOKS_MAX]; /* --best-plan */
    int plan_count, plan_first;
};

static void plan_free(struct plan *plan)
{
    for (int i = 0; i < plan->owned_count; i++)
        free(plan->owned[i]);
}

/* ---- from words to books ---- */

static int too_many(struct cmd *cmd)
{
    cmd_error(cmd, "these are more than %d books; take some out, or a larger step of the sweep",
              TOLL_IMPACT_BOOKS_MAX);
    return CMD_USAGE;
}

/* The name that stands before a word: the last one behind the book before it. NULL: none. */
static const char *name_before(const struct asked *asked, int place, int before)
{
    const char *name = NULL;
    for (int i = 0; i < asked->names.count; i++)
        if (asked->names.places[i] < place && asked->names.places[i] > before)
            name = asked->names.texts[i];
    return name;
}

static int add_book(struct cmd *cmd, struct plan *plan, const struct toll_whatif_book *book)
{
    if (plan->count == TOLL_IMPACT_BOOKS_MAX)
        return too_many(cmd);
    plan->books[plan->count++] = *book;
    return CMD_GO;
}

/* Keeps a text until the end. */
static char *keep(struct plan *plan, char *text)
{
    if (text != NULL)
        plan->owned[plan->owned_count++] = text;
    return text;
}

static int no_memory(struct cmd *cmd)
{
    return cmd_fail_text(cmd, 71, "out of memory for the books");
}

static int add_sweep(struct cmd *cmd, struct plan *plan, const char *sweep)
{
    int64_t factors[TOLL_IMPACT_BOOKS_MAX];
    struct toll_error error = {0};
    char **changes;
    int count, code = CMD_GO;
    if (toll_sweep_changes(sweep, &changes, factors, &count, &error) < 0)
        return cmd_fail(cmd, &error);
    for (int i = 0; i < count; i++) {
        if (plan->count == TOLL_IMPACT_BOOKS_MAX) {
            free(changes[i]);
            code = too_many(cmd);
            continue;
        }
        keep(plan, changes[i]);
        plan->books[plan->count++] =
            (struct toll_whatif_book){.change = changes[i], .has_factor = true, .factor = factors[i]};
        /* its name is the factor, which stands at the end of the change */
        plan->books[plan->count - 1].name = strrchr(changes[i], '*') + 1;
    }
    free(changes);
    return code;
}

/* "P,Q,R": a book for each, with every account on it. */
static int add_best_plans(struct cmd *cmd, struct plan *plan, const char *list)
{
    if (plan->plan_count == 0)
        plan->plan_first = plan->count;
    for (const char *at = list; *at != '\0';) {
        const size_t bytes = strcspn(at, ",");
        const size_t room = bytes + sizeof "plan:\"\" accounts:*";
        char *name = strndup(at, bytes), *change = malloc(room);
        at += bytes + (at[bytes] == ',');
        if (name == NULL || change == NULL) {
            free(name);
            free(change);
            return no_memory(cmd);
        }
        snprintf(change, room, "plan:\"%s\" accounts:*", name);
        if (name[0] == '\0' || strchr(name, '"') != NULL || plan->count == TOLL_IMPACT_BOOKS_MAX) {
            const bool full = name[0] != '\0' && strchr(name, '"') == NULL;
            free(name);
            free(change);
            if (full)
                return too_many(cmd);
            cmd_error(cmd, "--best-plan is a list of plans, P,Q,R, not \"%s\"", list);
            return CMD_USAGE;
        }
        plan->plans[plan->plan_count++] = keep(plan, name);
        plan->books[plan->count++] = (struct toll_whatif_book){.name = name, .change = keep(plan, change)};
    }
    return CMD_GO;
}

/* The list's next word, if it is the next of all: the one with the lowest place. */
static bool is_next(const struct cmd_list *list, int at, int place)
{
    return at < list->count && list->places[at] == place;
}

/* Books in the order of the command line; the base is the first that is a path. */
static int make_books(struct cmd *cmd, const struct asked *asked, int argc, struct plan *plan)
{
    int book = 0, set = 0, sweep = 0, before = 0, code = CMD_GO;
    if (asked->books.count == 0) {
        cmd_error(cmd, "BOOK is missing: a book's folder or image, the base of all changes");
        return CMD_USAGE;
    }
    plan->count = 1;
    for (int place = 1; place < argc && code == CMD_GO; place++) {
        struct toll_whatif_book next = {.name = name_before(asked, place, before)};
        if (is_next(&asked->books, book, place)) {
            next.path = asked->books.texts[book];
            if (book++ > 0)
                code = add_book(cmd, plan, &next);
            else
                plan->books[0] = next;
        } else if (is_next(&asked->sets, set, place)) {
            next.change = asked->sets.texts[set++];
            code = add_book(cmd, plan, &next);
        } else if (is_next(&asked->sweeps, sweep, place)) {
            code = add_sweep(cmd, plan, asked->sweeps.texts[sweep++]);
        } else {
            continue;
        }
        before = place;
    }
    for (int i = 0; i < asked->names.count && code == CMD_GO; i++) {
        if (asked->names.places[i] > before) {
            cmd_error(cmd, "--name \"%s\" names nothing: it stands before its BOOK or --set",
                      asked->names.texts[i]);
            code = CMD_USAGE;
        }
    }
    for (int i = 0; i < asked->best.count && code == CMD_GO; i++)
        code = add_best_plans(cmd, plan, asked->best.texts[i]);
    if (code == CMD_GO && plan->count == 1) {
        cmd_error(cmd, "there is nothing to compare the book with: name another one, or --set, --sweep, "
                       "--best-plan");
        code = CMD_USAGE;
    }
    return code;
}

/* ---- the report ---- */

struct show {
    const char *table, *html, *dataset;
    int format;
    int64_t top;
    bool prices, unmask, raw;
};

static int print(struct cmd *cmd, const struct toll_impact *impact, const struct toll_best_plans *best,
                 const struct toll_whatif_result *result, const struct show *show)
{
    const struct cmd_html_about about = {
        .kind = CMD_HTML_WHATIF, .subject = show->dataset, .best = best, .unmask = show->unmask};
    const struct cmd_impact_how how = {.csv = show->format == 1 && !cmd->json,
                                       .table = show->table,
                                       .top = show->top,
                                       .raw = show->raw,
                                       .unmask = show->unmask,
                                       .best = best};
    int code = CMD_OK;
    if (show->format == 1 && !cmd->json && strcmp(show->table, "best_plan") == 0)
        cmd_best_plan_csv(cmd, best, show->raw);
    else if (cmd->json || !cmd->quiet || show->format == 1)
        code = cmd_impact_print(cmd, impact, &how);
    if (code == CMD_OK && !cmd->json && show->format == 0 && !cmd->quiet) {
        char time[32], calls[32];
        if (best->plan_count > 0)
            cmd_best_plan_text(cmd, best, show->top);
        cmd_seconds_text(result->wall_ns, time, sizeof time);
        cmd_thousands(result->rows, calls, sizeof calls);
        cmd_put_format(&cmd->out, "\n%s CDRs with %d books in %s (%u thread%s)\n", calls, impact->book_count,
                       time, result->threads, result->threads == 1 ? "" : "s");
    }
    if (code == CMD_OK && show->html != NULL)
        code = cmd_html_impact(cmd, impact, &about, show->html);
    return code;
}

static int run(struct cmd *cmd, struct toll_whatif_options *options, const struct plan *plan,
               const struct show *show)
{
    struct toll_impact impact = {0};
    struct toll_best_plans best = {0};
    struct toll_whatif_result result = {0};
    struct toll_error error = {0};
    int code;
    const struct cmd_impact_how how = {.csv = show->format == 1, .table = show->table, .top = show->top};
    cmd_impact_needs(cmd, &how, show->prices, &options->moved_most, &options->prices);
    options->books = plan->books;
    options->book_count = plan->count;
    options->reporter = cmd_reporter(cmd);
    options->progress = cmd_progress_begin(cmd);
    if (toll_whatif(options, &impact, &result, &error) < 0)
        return cmd_fail(cmd, &error);
    if (plan->plan_count > 0 &&
        toll_best_plans_make(&best, &impact, plan->plan_first, plan->plans, plan->plan_count, &error) < 0)
        code = cmd_fail(cmd, &error);
    else
        code = print(cmd, &impact, &best, &result, show);
    toll_best_plans_free(&best);
    toll_impact_free(&impact);
    return code;
}

static int check_show(struct cmd *cmd, const struct show *show, const struct plan *plan)
{
    if (show->format == 1 && show->table == NULL) {
        cmd_error(cmd, "--format csv needs --table NAME, one of: %s%s", cmd_impact_table_names(),
                  plan->plan_count > 0 ? ", best_plan" : "");
        return CMD_USAGE;
    }
    if (show->table != NULL && strcmp(show->table, "best_plan") == 0 && plan->plan_count == 0) {
        cmd_error(cmd, "the table best_plan goes with --best-plan P,Q,R");
        return CMD_USAGE;
    }
    if (show->table != NULL && strcmp(show->table, "best_plan") != 0 && !cmd_impact_is_table(show->table)) {
        cmd_error(cmd, "there is no table \"%s\"; there are: %s", show->table, cmd_impact_table_names());
        return CMD_USAGE;
    }
    if (show->table != NULL && show->format == 0) {
        cmd_error(cmd, "--table goes with --format csv; --json has all tables");
        return CMD_USAGE;
    }
    return CMD_GO;
}

static const char about[] =
    "Rates the same calls with several books in one pass and says what moves, and whom it hurts. What it\n"
    "says of a book is what rate with that book gives, to the last digit. The first BOOK is the base; each\n"
    "--set makes a book of it with one change, without editing a file. Nothing is written but the report.";

static const char examples[] =
    "  tollmill whatif --cdrs cdrs book --set 'deck:intl *1.05'\n"
    "  tollmill whatif --cdrs cdrs march.image april.image --html impact.html\n"
    "  tollmill whatif --cdrs cdrs book --sweep 'deck:intl 0.9..1.2 step 0.05'\n"
    "  tollmill whatif --cdrs cdrs book --best-plan basic,flat,pro --format csv --table best_plan\n"
    "  tollmill whatif --cdrs cdrs book --name 'new sheet' --set 'deck:intl file=april.csv' --json\n";

static const char notes[] =
    "Changes (several in one --set: with ;; between them):\n"
    "  deck:D *1.05                        all rates of a deck; +0.001 and -0.001 likewise\n"
    "  deck:D prefix:1212 rate=0.006       rows of one prefix; prefix:44*: those that begin so\n"
    "  deck:D destination:UK connect_fee*2 rows of one destination; column=value, column*factor\n"
    "  deck:D file=SHEET.csv from=DATE     a new sheet, from DATE on (without: always)\n"
    "  plan:P accounts:A,B                 these accounts (*: all) are on plan P\n"
    "  bundle:B quantity=500               any column of bundles.csv\n"
    "  tiers:T from_qty:1000 rate=0.01     rows of tiers.csv\n"
    "  book:TABLE file=PATH                another file in the place of TABLE.csv";

static void lists_make(struct asked *asked, int argc)
{
    struct cmd_list *const lists[] = {&asked->books, &asked->sets, &asked->sweeps, &asked->names,
                                      &asked->best};
    const size_t room = (size_t)argc + 1;
    asked->texts = calloc(room * 5, sizeof *asked->texts);
    asked->places = calloc(room * 5, sizeof *asked->places);
    for (size_t i = 0; i < 5 && asked->texts != NULL && asked->places != NULL; i++)
        *lists[i] = (struct cmd_list){&asked->texts[i * room], &asked->places[i * room], 0};
}

/* Operands are books like those of --books, in their places. */
static void add_operands(struct asked *asked, char **argv, const int *places, int count)
{
    struct cmd_list *books = &asked->books;
    for (int i = 0; i < count; i++) {
        int at = books->count++;
        for (; at > 0 && books->places[at - 1] > places[i]; at--) {
            books->places[at] = books->places[at - 1];
            books->texts[at] = books->texts[at - 1];
        }
        books->places[at] = places[i];
        books->texts[at] = argv[i + 1];
    }
}

static int parsed(struct cmd *cmd, struct asked *asked, int *operand_places, int argc, char **argv)
{
    static const char *const io_choices[] = {"auto", "mmap", "pread", "io_uring", NULL};
    static const char *const simd_choices[] = {"auto", "scalar", "avx2", "avx512", NULL};
    static const char *const lates[] = {"append", "reorder", NULL};
    static const char *const safeties[] = {"excel", "raw", NULL};
    struct toll_whatif_options whatif = {.pin = true};
    struct show show = {.top = 10};
    const char *moved_by = NULL;
    int64_t threads = 0;
    int io = TOLL_IO_AUTO, simd = TOLL_SIMD_AUTO, late = 0, safety = 0, operands;
    const struct cmd_option options[] = {
        {CMD_TEXT, "cdrs", 0, "DATASET", "dataset folder, as import makes it", &whatif.dataset_path, 0, 0,
         NULL, true},
        {.kind = CMD_LIST,
         .name = "books",
         .value = "BOOK",
         .help = "a book, as BOOK",
         .target = &asked->books},
        {.kind = CMD_LIST,
         .name = "set",
         .value = "CHANGE",
         .help = "one more book: the base with a change (below); several times",
         .target = &asked->sets},
        {.kind = CMD_LIST,
         .name = "sweep",
         .value = "SWEEP",
         .help = "a book for each factor: 'deck:intl 0.9..1.2 step 0.05'",
         .target = &asked->sweeps},
        {.kind = CMD_LIST,
         .name = "best-plan",
         .value = "P,Q,R",
         .help = "the cheapest and the most profitable of these plans, account by account",
         .target = &asked->best},
        {.kind = CMD_LIST,
         .name = "name",
         .value = "NAME",
         .help = "what the next BOOK or --set is called in the report",
         .target = &asked->names},
        {.kind = CMD_DAY,
         .name = "from",
         .value = "DAY",
         .help = "first UTC day, 2026-03-01 (default: all)",
         .target = &whatif.from_day},
        {.kind = CMD_DAY,
         .name = "to",
         .value = "DAY",
         .help = "the UTC day after the last one",
         .target = &whatif.to_day},
        {.kind = CMD_TEXT,
         .name = "after",
         .value = "STATE",
         .help = "go on behind what was closed, with each book",
         .target = &whatif.after},
        {.kind = CMD_CHOICE,
         .name = "late",
         .value = "append|reorder",
         .help = "late calls of closed periods, as rate has it",
         .target = &late,
         .choices = lates},
        {.kind = CMD_FLAG,
         .name = "cut-periods",
         .help = "rate periods of bundles and tiers from nothing that began before --from",
         .target = &whatif.cut_periods},
        {.kind = CMD_TEXT,
         .name = "moved-by",
         .value = "PERCENT",
         .help = "flag accounts whose bill moves by more than that (default: 10)",
         .target = &moved_by},
        {.kind = CMD_NUMBER,
         .name = "top",
         .value = "N",
         .help = "rows of each table that are shown (default: 10)",
         .target = &show.top,
         .minimum = 1,
         .maximum = 1000000},
        {.kind = CMD_CHOICE,
         .name = "format",
         .value = "text|csv",
         .help = "text for people (default), or one table as CSV",
         .target = &show.format,
         .choices = formats},
        {.kind = CMD_TEXT,
         .name = "table",
         .value = "NAME",
         .help = "which table --format csv has",
         .target = &show.table},
        {.kind = CMD_FLAG,
         .name = "prices",
         .help = "with --json: the table of all price rows, too, which may be millions",
         .target = &show.prices},
        {.kind = CMD_CHOICE,
         .name = "csv-safe",
         .value = "excel|raw",
         .help = "excel (default): ' before texts that a spreadsheet would run as formulas; raw: as they are",
         .target = &safety,
         .choices = safeties},
        {.kind = CMD_FLAG,
         .name = "unmask",
         .help = "prefixes as long as a telephone number in full",
         .target = &show.unmask},
        {.kind = CMD_TEXT,
         .name = "html",
         .value = "FILE",
         .help = "a report for people, one file",
         .target = &show.html},
        {.kind = CMD_NUMBER,
         .name = "threads",
         .value = "N",
         .help = "workers; never changes a figure (default: all cores)",
         .target = &threads,
         .minimum = 1,
         .maximum = 4096},
        {.kind = CMD_NUMBER,
         .name = "memory",
         .value = "SIZE",
         .help = "memory to reserve at most, 2GiB (default: what it takes)",
         .target = &whatif.memory_bytes,
         .minimum = 1,
         .maximum = INT64_MAX},
        {.kind = CMD_CHOICE,
         .name = "io",
         .value = "auto|mmap|pread|io_uring",
         .help = "how CDRs are read",
         .target = &io,
         .choices = io_choices},
        {.kind = CMD_CHOICE,
         .name = "simd",
         .value = "auto|scalar|avx2|avx512",
         .help = "which instructions; never changes a figure",
         .target = &simd,
         .choices = simd_choices},
        {.kind = CMD_FLAG,
         .name = "compile",
         .help = "compile each changed book whole, also where new prices alone would do: a check",
         .target = &whatif.compile_changes},
    };
    const struct cmd_usage usage = {.about = about,
                                    .examples = examples,
                                    .operands = "BOOK [BOOK]...",
                                    .operands_max = argc,
                                    .options = options,
                                    .option_count = sizeof options / sizeof options[0],
                                    .notes = notes,
                                    .operand_places = operand_places};
    struct plan plan = {0};
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    if (whatif.from_day && whatif.to_day && strcmp(whatif.from_day, whatif.to_day) >= 0) {
        cmd_error(cmd, "--to %s is not after --from %s; --to is the day after the last one", whatif.to_day,
                  whatif.from_day);
        return CMD_USAGE;
    }
    if (!whatif.after && late != 0) {
        cmd_error(cmd, "--late reorder goes with --after: without a closed run no call is late");
        return CMD_USAGE;
    }
    add_operands(asked, argv, operand_places, operands);
    whatif.reorder = late == 1;
    whatif.threads = (unsigned)threads;
    whatif.io = (enum toll_io_choice)io;
    whatif.simd = (enum toll_simd_choice)simd;
    show.dataset = whatif.dataset_path;
    show.raw = safety == 1;
    code = cmd_impact_moved_by(cmd, moved_by, &whatif.moved_by_bp);
    if (code == CMD_GO)
        code = make_books(cmd, asked, argc, &plan);
    if (code == CMD_GO)
        code = check_show(cmd, &show, &plan);
    if (code == CMD_GO)
        code = run(cmd, &whatif, &plan, &show);
    plan_free(&plan);
    return code;
}

int cmd_whatif(struct cmd *cmd, int argc, char **argv)
{
    struct asked asked = {0};
    int *operand_places = calloc((size_t)argc + 1, sizeof *operand_places), code;
    lists_make(&asked, argc);
    if (operand_places == NULL || asked.texts == NULL || asked.places == NULL)
        code = no_memory(cmd);
    else
        code = parsed(cmd, &asked, operand_places, argc, argv);
    free(asked.texts);
    free(asked.places);
    free(operand_places);
    return code;
}
