/*
 * tollmill verify: reads a dataset, a run, a state or an image again, byte by byte.
 */
#include "options.h"
#include "print.h"

#include <stdio.h>
#include <sys/stat.h>

int cmd_verify(struct cmd *cmd, int argc, char **argv)
{
    const struct cmd_usage usage = {
        .about = "Checks every checksum, every count and every total of a dataset, a run, a state, a\n"
                 "delta or a ledger, or of a book's image. Exit 65 names the first thing that is wrong.",
        .examples = "  tollmill verify cdrs\n"
                    "  tollmill verify runs/2026-03\n"
                    "  tollmill verify state-03\n"
                    "  tollmill verify runs/2026-03b.delta\n"
                    "  tollmill verify ledgers/2026-03\n"
                    "  tollmill verify book.image --json\n",
        .operands = "PATH",
        .operands_min = 1,
        .operands_max = 1,
    };
    int operands;
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    struct toll_verify_result result = {0};
    struct toll_error error = {0};
    int64_t begin_ns = cmd_now_ns();
    if (toll_verify(argv[1], &result, &error) < 0)
        return cmd_fail(cmd, &error);
    int64_t wall_ns = cmd_now_ns() - begin_ns;
    struct stat facts;
    bool folder = stat(argv[1], &facts) == 0 && S_ISDIR(facts.st_mode);
    const char *kind = !folder                                ? "image"
                       : result.kind == TOLL_DIRECTORY_RUN    ? "run"
                       : result.kind == TOLL_DIRECTORY_STATE  ? "state"
                       : result.kind == TOLL_DIRECTORY_DELTA  ? "delta"
                       : result.kind == TOLL_DIRECTORY_LEDGER ? "ledger"
                                                              : "dataset";
    if (cmd->json) {
        struct cmd_json json;
        cmd_json_begin(&json, &cmd->out, "verify");
        cmd_json_text(&json, "path", argv[1]);
        cmd_json_text(&json, "kind", kind);
        cmd_json_bool(&json, "ok", true);
        cmd_json_integer(&json, "files", result.files);
        cmd_json_integer(&json, "bytes", result.bytes);
        cmd_json_integer(&json, "rows", result.rows);
        cmd_json_text(&json, "hash", result.hash);
        cmd_json_seconds(&json, "wall_s", wall_ns);
        cmd_json_end(&json);
    } else if (!cmd->quiet) {
        char files[32], bytes[32], rows[32], time[32];
        cmd_thousands(result.files, files, sizeof files);
        cmd_count_text(result.bytes, true, bytes, sizeof bytes);
        cmd_thousands(result.rows, rows, sizeof rows);
        cmd_seconds_text(wall_ns, time, sizeof time);
        cmd_put_format(&cmd->out, "%s: %s ok. %s files, %s, %s rows, hash %s. %s\n", argv[1], kind, files,
                       bytes, rows, result.hash, time);
    }
    return CMD_OK;
}
