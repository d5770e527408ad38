/*
 * tollmill compile: a book folder -> one image, or only its findings.
 */
#include "options.h"
#include "print.h"

#include <stdio.h>

static void print_human(struct cmd *cmd, const struct toll_compile_result *result, const char *image)
{
    const struct {
        int64_t count;
        const char *name;
    } parts[] = {
        {result->accounts, "accounts"},     {result->sites, "sites"}, {result->numbers, "numbers"},
        {result->plans, "plans"},           {result->rules, "rules"}, {result->decks, "decks"},
        {result->price_rows, "price rows"},
    };
    char text[32], time[32];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        cmd_thousands(parts[i].count, text, sizeof text);
        cmd_put_format(&cmd->out, "%s%s %s", i ? ", " : "", text, parts[i].name);
    }
    cmd_seconds_text(result->wall_ns, time, sizeof time);
    cmd_put_format(&cmd->out, "\nerrors: %lld, warnings: %lld. %s\n", (long long)result->errors,
                   (long long)result->warnings, time);
    if (image) {
        cmd_count_text(result->image_bytes, true, text, sizeof text);
        cmd_put_format(&cmd->out, "%s: %s, book_hash %s\n", image, text, result->book_hash);
    }
}

static void print_json(struct cmd *cmd, const struct toll_compile_result *result, const char *book,
                       const char *image, const struct toll_error *error, int outcome)
{
    struct cmd_json json;
    cmd_json_begin(&json, &cmd->out, "compile");
    if (outcome < 0) {
        cmd_json_integer(&json, "exit", toll_exit_code(outcome));
        cmd_json_text(&json, "error", error->text);
    }
    cmd_json_text(&json, "book", book);
    cmd_json_text(&json, "image", outcome < 0 ? NULL : image);
    cmd_json_integer(&json, "errors", result->errors);
    cmd_json_integer(&json, "warnings", result->warnings);
    cmd_json_text(&json, "book_hash", outcome < 0 ? NULL : result->book_hash);
    cmd_json_text(&json, "tzdata_hash", outcome < 0 ? NULL : result->tzdata_hash);
    cmd_json_integer(&json, "accounts", result->accounts);
    cmd_json_integer(&json, "sites", result->sites);
    cmd_json_integer(&json, "numbers", result->numbers);
    cmd_json_integer(&json, "plans", result->plans);
    cmd_json_integer(&json, "rules", result->rules);
    cmd_json_integer(&json, "decks", result->decks);
    cmd_json_integer(&json, "price_rows", result->price_rows);
    cmd_json_integer(&json, "image_bytes", result->image_bytes);
    cmd_json_seconds(&json, "wall_s", result->wall_ns);
    cmd_json_end(&json);
}

int cmd_compile(struct cmd *cmd, int argc, char **argv)
{
    struct toll_compile_options compile = {0};
    bool check = false;
    const struct cmd_option options[] = {
        {.kind = CMD_TEXT,
         .name = "output",
         .letter = 'o',
         .value = "IMAGE",
         .help = "the image file to write",
         .target = &compile.image_path},
        {.kind = CMD_FLAG, .name = "check", .help = "only check, write nothing", .target = &check},
    };
    const struct cmd_usage usage = {
        .about =
            "Reads a book (a folder of CSV tables and book.yaml), lists everything that is wrong with it\n"
            "as file:line:column: severity: text on stderr, and writes one image that holds the book and\n"
            "its sources. The same sources give the same image, byte for byte. A book with errors gives\n"
            "no image and exit 78.",
        .examples = "  tollmill compile book -o book.image\n"
                    "  tollmill compile book --check\n"
                    "  tollmill compile book --check --json | jq .errors\n",
        .operands = "BOOK",
        .operands_min = 1,
        .operands_max = 1,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    int operands;
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    if (check == (compile.image_path != NULL)) {
        cmd_error(cmd, "give either -o IMAGE or --check");
        return CMD_USAGE;
    }
    compile.book_path = argv[1];
    compile.reporter = cmd_reporter(cmd);
    struct toll_compile_result result = {0};
    struct toll_error error = {0};
    if (compile.image_path && cmd_output_outside(compile.image_path, &error) < 0)
        return cmd_fail(cmd, &error);
    int outcome = toll_compile(&compile, &result, &error);
    if (outcome == TOLL_EBOOK && cmd->json) {
        cmd_mask_within(error.text, true);
        cmd_error(cmd, "%s", error.text);
        print_json(cmd, &result, compile.book_path, compile.image_path, &error, outcome);
        return CMD_BOOK;
    }
    if (outcome < 0)
        return cmd_fail(cmd, &error);
    if (cmd->json)
        print_json(cmd, &result, compile.book_path, compile.image_path, &error, outcome);
    else if (!cmd->quiet)
        print_human(cmd, &result, compile.image_path);
    return CMD_OK;
}
