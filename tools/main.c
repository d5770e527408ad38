/*
 * tollmill: the command. Finds the verb, sets up what every verb needs, and turns the outcome into an exit
 * code.
 */
#include "guard.h"
#include "options.h"
#include "print.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct verb {
    const char *name;
    const char *about;
    int (*run)(struct cmd *cmd, int argc, char **argv);
};

static const struct verb verbs[] = {
    {"import", "provider files -> dataset of CDRs", cmd_import},
    {"compile", "check a book and compile it to an image", cmd_compile},
    {"check", "what is wrong or doubtful in a book", cmd_check},
    {"rate", "price every CDR of a dataset with a book", cmd_rate},
    {"rerate", "a run's calls again by another book, and what moved", cmd_rerate},
    {"delta", "what moved between two runs, line by line", cmd_delta},
    {"ledger", "a run and its deltas: original, adjustments, sum", cmd_ledger},
    {"close", "freeze what a run has billed, for the next run to go on from", cmd_close},
    {"verify", "re-read a dataset, run, state, delta, ledger or image: every byte", cmd_verify},
    {"summary", "totals of a run", cmd_summary},
    {"report", "a run or a delta as one HTML file; margins, what sells below cost, vendors", cmd_report},
    {"compare", "finished runs side by side: month over month, account by account", cmd_compare},
    {"explain", "why one call costs what it costs", cmd_explain},
    {"reconcile", "our charges against the provider's, line by line", cmd_reconcile},
    {"tax", "what a run's accounts owe in taxes", cmd_tax},
    {"export", "all lines of a run as CSV or JSON lines", cmd_export},
    {"whatif", "the same calls with several books: what moves and whom it hurts", cmd_whatif},
    {"bench", "how fast a book rates CDRs on this machine", cmd_bench},
    {"gen", "make a synthetic book and CDRs to try things with", cmd_gen},
};
enum { VERB_COUNT = sizeof verbs / sizeof verbs[0] };

/* Verbs of later versions: named here so that asking for one gets a straight answer. */
static const char *const later_verbs[] = {"invoice"};

static const char examples[] = "  tollmill check book\n"
                               "  tollmill import --spec SPEC -o cdrs provider-files/*.csv\n"
                               "  tollmill rate --book book --cdrs cdrs -o runs/2026-03\n"
                               "  tollmill summary runs/2026-03\n"
                               "  tollmill summary runs/2026-03 --suspense\n"
                               "  tollmill explain runs/2026-03 2026-03-01:0\n";

/* ---- talk ---- */

/* A cell of a file may be quoted in what we say: it must not move the cursor of somebody's terminal, nor show
 * a telephone number in full. The library masks what it says; this is the last line of defence. */
static void make_plain(char *text)
{
    cmd_mask_within(text, true);
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\n') || *text == 0x7F)
            *text = '?';
}

static void talk(struct cmd *cmd, const char *severity, const char *format, va_list arguments)
{
    char text[4096];
    vsnprintf(text, sizeof text, format, arguments);
    make_plain(text);
    cmd_progress_wipe(&cmd->progress);
    const char *on = cmd->colour && severity[0] == 'e' ? "\033[1;31m" : "";
    const char *off = on[0] ? "\033[0m" : "";
    fprintf(stderr, "tollmill%s%s: %s%s%s%s%s\n", cmd->verb ? " " : "", cmd->verb ? cmd->verb : "", on,
            severity, off, severity[0] ? ": " : "", text);
}

void cmd_error(struct cmd *cmd, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    talk(cmd, "error", format, arguments);
    va_end(arguments);
}

void cmd_note(struct cmd *cmd, const char *format, ...)
{
    if (cmd->quiet)
        return;
    va_list arguments;
    va_start(arguments, format);
    talk(cmd, "", format, arguments);
    va_end(arguments);
}

static int fail(struct cmd *cmd, int exit_code, const char *said)
{
    char text[2048];
    snprintf(text, sizeof text, "%s", said);
    cmd_mask_within(text, true);
    cmd_error(cmd, "%s", text[0] ? text : "failed without saying why: this is a fault of tollmill");
    if (cmd->json && cmd->out.used == 0 && cmd->out.written_bytes == 0) {
        struct cmd_json json;
        cmd_json_begin(&json, &cmd->out, cmd->verb);
        cmd_json_integer(&json, "exit", exit_code);
        cmd_json_text(&json, "error", text);
        cmd_json_end(&json);
    }
    return exit_code;
}

int cmd_fail(struct cmd *cmd, const struct toll_error *error)
{
    return fail(cmd, error->code ? toll_exit_code(error->code) : CMD_BUG, error->text);
}

int cmd_fail_text(struct cmd *cmd, int exit_code, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return fail(cmd, exit_code, text);
}

static void report(void *context, const struct toll_diagnostic *diagnostic)
{
    static const char *const names[] = {"note", "warning", "error"};
    static const char *const colours[] = {"", "\033[1;35m", "\033[1;31m"};
    struct cmd *cmd = context;
    cmd->findings++;
    if (cmd->quiet && diagnostic->severity != TOLL_ERROR)
        return;
    char text[4096];
    snprintf(text, sizeof text, "%s", diagnostic->text);
    make_plain(text);
    cmd_progress_wipe(&cmd->progress);
    const char *on = cmd->colour ? colours[diagnostic->severity] : "";
    if (diagnostic->file)
        fprintf(stderr, "%s:", diagnostic->file);
    if (diagnostic->file && diagnostic->line > 0)
        fprintf(stderr, "%ld:", diagnostic->line);
    if (diagnostic->file && diagnostic->line > 0 && diagnostic->column > 0)
        fprintf(stderr, "%ld:", diagnostic->column);
    fprintf(stderr, "%s%s%s%s", diagnostic->file ? " " : "", on, names[diagnostic->severity],
            on[0] ? "\033[0m" : "");
    if (diagnostic->name)
        fprintf(stderr, " [%s]", diagnostic->name);
    fprintf(stderr, ": %s\n", text);
}

struct toll_reporter cmd_reporter(struct cmd *cmd)
{
    return (struct toll_reporter){.report = report, .context = cmd};
}

struct toll_progress cmd_progress_begin(struct cmd *cmd)
{
    cmd_progress_start(&cmd->progress, (enum cmd_progress_as)cmd->progress_as, cmd->quiet);
    return (struct toll_progress){.tick = cmd_progress_tick, .context = &cmd->progress};
}

/* ---- the process ---- */

static void process_prepare(void)
{
    /* A closed 0, 1 or 2 would be taken by the next file that is opened, and our talk would be written into
     * it. */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
            _exit(CMD_IO);
    umask(0027);              /* call detail is for its owner and group */
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is a write error, told as such */
    cmd_guard_install();
    struct rlimit no_core = {0, 0}; /* numbers do not belong into a core file */
    setrlimit(RLIMIT_CORE, &no_core);
}

static void print_help(struct cmd_output *out)
{
    cmd_put_format(out,
                   "tollmill %s rates telephone CDRs: exact to the last digit, every line explainable.\n\n",
                   TOLLMILL_VERSION);
    cmd_put_format(out, "Examples:\n%s\nUsage: tollmill VERB [OPTION]... [OPERAND]...\n\nVerbs:\n", examples);
    for (int i = 0; i < VERB_COUNT; i++)
        cmd_put_format(out, "  %-10s %s\n", verbs[i].name, verbs[i].about);
    cmd_put_text(out, "\nEvery verb: --help, --json, --quiet, --progress auto|tty|plain|off.\n"
                      "tollmill --version prints the version. Try it out: tollmill gen -o try --cdrs 100k\n");
}

static int unknown_verb(struct cmd *cmd, const char *word)
{
    for (size_t i = 0; i < sizeof later_verbs / sizeof later_verbs[0]; i++) {
        if (strcmp(word, later_verbs[i]) == 0) {
            cmd_error(cmd, "\"%s\" is not in this version (%s); tollmill --help lists what is", word,
                      TOLLMILL_VERSION);
            return CMD_USAGE;
        }
    }
    const char *names[VERB_COUNT];
    for (int i = 0; i < VERB_COUNT; i++)
        names[i] = verbs[i].name;
    const char *near = cmd_nearest(word, names, VERB_COUNT);
    if (near)
        cmd_error(cmd, "there is no verb \"%s\"; did you mean \"%s\"?", word, near);
    else
        cmd_error(cmd, "there is no verb \"%s\"; tollmill --help lists them", word);
    return CMD_USAGE;
}

/* Options may stand before the verb: moves the first word that is a verb to the front. */
static void verb_to_front(int argc, char **argv)
{
    for (int i = 2; i < argc && argv[1][0] == '-'; i++) {
        for (int v = 0; v < VERB_COUNT; v++) {
            if (strcmp(argv[i], verbs[v].name) == 0) {
                char *word = argv[i];
                memmove(argv + 2, argv + 1, (size_t)(i - 1) * sizeof *argv);
                argv[1] = word;
                return;
            }
        }
    }
}

static int run(struct cmd *cmd, int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr,
                "Usage: tollmill VERB [OPTION]... [OPERAND]...\nExamples:\n%s"
                "See: tollmill --help\n",
                examples);
        return CMD_USAGE;
    }
    if (strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "-h") != 0)
        verb_to_front(argc, argv);
    const char *word = argv[1];
    bool help = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
    if (help && argc == 2) {
        print_help(&cmd->out);
        return CMD_OK;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        cmd_put_format(&cmd->out, "tollmill %s\n", TOLLMILL_VERSION);
        return CMD_OK;
    }
    char *help_words[] = {NULL, "--help", NULL};
    if (help) { /* tollmill help rate */
        word = argv[2];
        argc = 2;
        argv = help_words;
    } else {
        argc--;
        argv++;
    }
    for (int i = 0; i < VERB_COUNT; i++) {
        if (strcmp(word, verbs[i].name) == 0) {
            cmd->verb = verbs[i].name;
            return verbs[i].run(cmd, argc, argv);
        }
    }
    if (word[0] == '-') {
        cmd_error(cmd, "no verb is named; %s is an option. tollmill --help lists the verbs", word);
        return CMD_USAGE;
    }
    return unknown_verb(cmd, word);
}

int main(int argc, char **argv)
{
    struct cmd cmd = {.out = {.fd = -1}};
    struct toll_error error = {0};
    process_prepare();
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    cmd.colour =
        isatty(STDERR_FILENO) && !(no_colour && no_colour[0]) && terminal && strcmp(terminal, "dumb") != 0;
    if (cmd_output_to_fd(&cmd.out, STDOUT_FILENO, &error) < 0)
        return cmd_fail(&cmd, &error);
    int code = run(&cmd, argc, argv);
    cmd_progress_wipe(&cmd.progress);
    if (cmd_output_commit(&cmd.out, &error) < 0) {
        cmd_error(&cmd, "%s", error.text);
        code = CMD_IO;
    }
    cmd_output_close(&cmd.out);
    return code;
}
