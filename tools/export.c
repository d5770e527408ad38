/*
 * tollmill export: every line of a run, or every period charge, as CSV or JSON lines, for other programs.
 *
 * Numbers are whole. Somebody will open a CSV in a spreadsheet, where a text that begins like a formula would
 * be run: such texts get a ' before them, unless --csv-safe=raw says that a program reads them.
 */
#include "costs.h"
#include "options.h"
#include "periods.h"
#include "print.h"
#include "runs.h"

#include <stdio.h>
#include <string.h>

enum format { FORMAT_CSV, FORMAT_JSONL };

/* The columns, in this order, for good: programs read them by place and by name. */
static const char csv_header[] =
    "day,row,record_id,status,reason,account,site,number,service,class,jurisdiction,start,duration_ms,caller,"
    "callee,destination,deck,prefix,band,billed,included,charge,tax,currency,cost,cost_status,cost_deck,"
    "cost_prefix,bundle,pool\n";

#define STATUS_NAMES_MOST 5
static const char *const status_names[STATUS_NAMES_MOST] = {"rated", "zero_rated", "suspense", "conflict",
                                                            "other_party"};

struct export
{
    enum format format;
    bool safe, periods;
    bool wanted[256]; /* by status value */
    int64_t rows, lines;
};

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* A word of ours: nothing to quote, nothing to neutralise. */
static void put_word(struct cmd_output *out, const char *text)
{
    cmd_put_text(out, or_empty(text));
}

static bool knows_cost(const struct toll_line *line)
{
    return line->has_cost && line->cost_status < TOLL_SUSPENSE_FIRST;
}

static const char *cost_status(const struct toll_line *line)
{
    return line->has_cost ? cmd_cost_status(line->cost_status) : "";
}

static void put_csv(const struct export *export, struct cmd_output *out, const struct toll_line *line,
                    const char *tax)
{
    char text[TOLL_MONEY_TEXT];
    put_word(out, line->day);
    cmd_put_char(out, ',');
    cmd_put_integer(out, line->row);
    cmd_put_char(out, ',');
    cmd_csv_text(out, line->record_id, export->safe);
    cmd_put_char(out, ',');
    put_word(out, toll_status_name(line->status));
    cmd_put_char(out, ',');
    put_word(out, toll_status_reason(line->status));
    cmd_put_char(out, ',');
    cmd_csv_text(out, line->account, export->safe);
    cmd_put_char(out, ',');
    cmd_csv_text(out, line->site, export->safe);
    cmd_put_char(out, ',');
    cmd_csv_party(out, line->number, export->safe); /* or hint:V, which can hold anything */
    cmd_put_char(out, ',');
    put_word(out, line->service);
    cmd_put_char(out, ',');
    put_word(out, toll_class_name(line->class_));
    cmd_put_char(out, ',');
    put_word(out, toll_call_jurisdiction_name(line->jurisdiction));
    cmd_put_char(out, ',');
    cmd_put(out, text, toll_time_to_text(line->start_ms, text));
    cmd_put_char(out, ',');
    cmd_put_integer(out, line->duration_ms);
    cmd_put_char(out, ',');
    cmd_csv_party(out, line->caller, export->safe);
    cmd_put_char(out, ',');
    cmd_csv_party(out, line->callee, export->safe);
    cmd_put_char(out, ',');
    cmd_csv_text(out, line->destination, export->safe);
    cmd_put_char(out, ',');
    cmd_csv_text(out, line->deck, export->safe);
    cmd_put_char(out, ',');
    cmd_csv_text(out, line->prefix, export->safe);
    cmd_put_char(out, ',');
    cmd_csv_text(out, line->band, export->safe);
    cmd_put_char(out, ',');
    cmd_put_integer(out, line->billed);
    cmd_put_char(out, ',');
    cmd_put_integer(out, line->included);
    cmd_put_char(out, ',');
    if (line->status < TOLL_SUSPENSE_FIRST)
        cmd_put(out, text, toll_money_to_text(line->charge, text));
    cmd_put_char(out, ',');
    cmd_put_text(out, tax);
    cmd_put_char(out, ',');
    put_word(out, line->currency);
    cmd_put_char(out, ',');
    if (knows_cost(line))
        cmd_put(out, text, toll_money_to_text(line->cost, text));
    cmd_put_char(out, ',');
    put_word(out, cost_status(line));
    cmd_put_char(out, ',');
    cmd_csv_text(out, line->cost_deck, export->safe);
    cmd_put_char(out, ',');
    cmd_csv_text(out, line->cost_prefix, export->safe);
    cmd_put_char(out, ',');
    cmd_csv_text(out, line->pool_bundle, export->safe);
    cmd_put_char(out, ',');
    cmd_csv_text(out, line->pool_name, export->safe);
    cmd_put_char(out, '\n');
}

static void put_member(struct cmd_output *out, const char *key, const char *text)
{
    cmd_put_text(out, key);
    cmd_json_string(out, or_empty(text));
}

static void put_jsonl(struct cmd_output *out, const struct toll_line *line, const char *tax)
{
    char text[TOLL_MONEY_TEXT];
    put_member(out, "{\"day\":", line->day);
    cmd_put_text(out, ",\"row\":");
    cmd_put_integer(out, line->row);
    put_member(out, ",\"record_id\":", line->record_id);
    put_member(out, ",\"status\":", toll_status_name(line->status));
    put_member(out, ",\"reason\":", toll_status_reason(line->status));
    put_member(out, ",\"account\":", line->account);
    put_member(out, ",\"site\":", line->site);
    put_member(out, ",\"number\":", line->number);
    put_member(out, ",\"service\":", line->service);
    put_member(out, ",\"class\":", toll_class_name(line->class_));
    put_member(out, ",\"jurisdiction\":", toll_call_jurisdiction_name(line->jurisdiction));
    toll_time_to_text(line->start_ms, text);
    put_member(out, ",\"start\":", text);
    cmd_put_text(out, ",\"duration_ms\":");
    cmd_put_integer(out, line->duration_ms);
    put_member(out, ",\"caller\":", line->caller);
    put_member(out, ",\"callee\":", line->callee);
    put_member(out, ",\"destination\":", line->destination);
    put_member(out, ",\"deck\":", line->deck);
    put_member(out, ",\"prefix\":", line->prefix);
    put_member(out, ",\"band\":", line->band);
    cmd_put_text(out, ",\"billed\":");
    cmd_put_integer(out, line->billed);
    cmd_put_text(out, ",\"included\":");
    cmd_put_integer(out, line->included);
    if (line->status < TOLL_SUSPENSE_FIRST) {
        toll_money_to_text(line->charge, text);
        put_member(out, ",\"charge\":", text);
    } else {
        cmd_put_text(out, ",\"charge\":null");
    }
    if (tax[0] != '\0')
        put_member(out, ",\"tax\":", tax);
    else
        cmd_put_text(out, ",\"tax\":null");
    put_member(out, ",\"currency\":", line->currency);
    if (knows_cost(line)) {
        toll_money_to_text(line->cost, text);
        put_member(out, ",\"cost\":", text);
    } else {
        cmd_put_text(out, ",\"cost\":null");
    }
    put_member(out, ",\"cost_status\":", cost_status(line));
    put_member(out, ",\"cost_deck\":", line->cost_deck);
    put_member(out, ",\"cost_prefix\":", line->cost_prefix);
    put_member(out, ",\"bundle\":", line->pool_bundle);
    put_member(out, ",\"pool\":", line->pool_name);
    cmd_put_text(out, "}\n");
}

static int write_lines(struct cmd *cmd, struct export *export, struct toll_run *run, struct cmd_output *out)
{
    struct toll_error error = {0};
    struct toll_line line;
    struct toll_run_facts facts;
    struct toll_progress progress = cmd_progress_begin(cmd);
    if (export->periods) {
        export->lines = cmd_periods_export(out, run, export->format == FORMAT_CSV, export->safe);
        export->rows = export->lines;
        return CMD_GO;
    }
    toll_run_facts(run, &facts);
    if (export->format == FORMAT_CSV)
        cmd_put_text(out, csv_header);
    char tax[TOLL_TAX_TEXT];
    int more;
    while ((more = toll_run_next(run, &line, &error)) > 0) {
        if (export->wanted[line.status & 0xFF]) {
            if (toll_run_line_tax(run, line.tuple, line.charge, line.billed, tax, &error) < 0)
                return cmd_fail(cmd, &error);
            if (export->format == FORMAT_CSV)
                put_csv(export, out, &line, tax);
            else
                put_jsonl(out, &line, tax);
            export->lines++;
        }
        if ((++export->rows & 0xFFFF) == 0) {
            progress.tick(progress.context, "exporting", export->rows, facts.rows, "rows");
            if (out->failure) /* nobody reads any more, or the disk is full */
                break;
        }
    }
    return more < 0 ? cmd_fail(cmd, &error) : CMD_GO;
}

/* "suspense,conflict" -> the status values; all when NULL. */
static int choose_statuses(struct cmd *cmd, struct export *export, const char *list)
{
    const char *at = list;
    do {
        size_t length = at ? strcspn(at, ",") : 0;
        bool known = !at;
        for (int i = 0; at && i < STATUS_NAMES_MOST; i++)
            known |= strlen(status_names[i]) == length && strncmp(status_names[i], at, length) == 0;
        if (!known) {
            cmd_error(cmd, "--status knows rated, zero_rated, suspense, conflict, other_party; not \"%.*s\"",
                      (int)length, at);
            return CMD_USAGE;
        }
        for (unsigned status = 0; status < 256; status++) {
            const char *name = toll_status_name(status);
            if (!at || (strlen(name) == length && strncmp(name, at, length) == 0))
                export->wanted[status] = true;
        }
        at = at && at[length] == ',' ? at + length + 1 : NULL;
    } while (at);
    return CMD_GO;
}

static void print_receipt(struct cmd *cmd, const struct export *export, const char *run, const char *file,
                          int64_t bytes)
{
    if (cmd->json) {
        struct cmd_json json;
        cmd_json_begin(&json, &cmd->out, "export");
        cmd_json_text(&json, "run", run);
        cmd_json_text(&json, "file", file);
        cmd_json_text(&json, "format", export->format == FORMAT_CSV ? "csv" : "jsonl");
        cmd_json_integer(&json, "rows", export->rows);
        cmd_json_integer(&json, "lines", export->lines);
        cmd_json_integer(&json, "bytes", bytes);
        cmd_json_end(&json);
    } else if (!cmd->quiet) {
        char lines[32], size[32];
        cmd_thousands(export->lines, lines, sizeof lines);
        cmd_count_text(bytes, true, size, sizeof size);
        cmd_put_format(&cmd->out, "%s: %s %s, %s\n", file, lines,
                       export->periods ? (export->lines == 1 ? "period charge" : "period charges")
                                       : (export->lines == 1 ? "line" : "lines"),
                       size);
    }
}

static int export_to_file(struct cmd *cmd, struct export *export, struct toll_run *run, const char *run_path,
                          const char *file)
{
    struct cmd_output out = {.fd = -1};
    struct toll_error error = {0};
    int code = CMD_GO;
    if (cmd_output_to_file(&out, file, &error) < 0)
        code = cmd_fail(cmd, &error);
    else
        code = write_lines(cmd, export, run, &out);
    if (code == CMD_GO && cmd_output_commit(&out, &error) < 0)
        code = cmd_fail(cmd, &error);
    if (code == CMD_GO)
        print_receipt(cmd, export, run_path, file, out.written_bytes);
    cmd_output_close(&out);
    return code == CMD_GO ? CMD_OK : code;
}

int cmd_export(struct cmd *cmd, int argc, char **argv)
{
    static const char *const formats[] = {"csv", "jsonl", NULL};
    static const char *const safety[] = {"excel", "raw", NULL};
    static const char *const whats[] = {"lines", "period", NULL};
    const char *cdrs = NULL, *file = NULL, *statuses = NULL;
    int format = FORMAT_CSV, safe = 0, what = 0;
    const struct cmd_option options[] = {
        {.kind = CMD_CHOICE,
         .name = "format",
         .value = "csv|jsonl",
         .help = "what to write",
         .target = &format,
         .choices = formats,
         .required = true},
        {.kind = CMD_CHOICE,
         .name = "what",
         .value = "lines|period",
         .help = "lines (default), or what accounts are charged by billing period",
         .target = &what,
         .choices = whats},
        {.kind = CMD_TEXT,
         .name = "output",
         .letter = 'o',
         .value = "FILE",
         .help = "write a file (mode 0640) instead of stdout; it appears when it is complete",
         .target = &file},
        {.kind = CMD_TEXT,
         .name = "status",
         .value = "LIST",
         .help = "only these: rated,zero_rated,suspense,conflict,other_party",
         .target = &statuses},
        {.kind = CMD_CHOICE,
         .name = "csv-safe",
         .value = "excel|raw",
         .help = "excel (default): ' before texts that begin with = + - @ TAB CR; raw: as they are",
         .target = &safe,
         .choices = safety},
        CMD_OPTION_CDRS(cdrs),
    };
    const struct cmd_usage usage = {
        .about =
            "Writes every line of a run, joined with its call record. Money is a decimal string with eight\n"
            "places, empty for what could not be rated. Telephone numbers are in full. In CSV a text (not\n"
            "a number, not money) that a spreadsheet would take for a formula gets a ' before it; for a\n"
            "program that must see every byte give --csv-safe=raw, or take jsonl.",
        .examples = "  tollmill export runs/2026-03 --format csv -o lines.csv\n"
                    "  tollmill export runs/2026-03 --format jsonl --status suspense,conflict\n"
                    "  tollmill export runs/2026-03 --format csv --csv-safe=raw -o for-programs.csv\n"
                    "  tollmill export runs/2026-03 --format csv --what period -o period.csv\n",
        .operands = "RUN",
        .operands_min = 1,
        .operands_max = 1,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .notes =
            "Columns: day,row,record_id,status,reason,account,site,number,service,class,jurisdiction,start,\n"
            "         duration_ms,caller,callee,destination,deck,prefix,band,billed,included,charge,tax,\n"
            "         currency,cost,cost_status,cost_deck,cost_prefix,bundle,pool. bundle and pool: the "
            "first\n"
            "         that gave included units, and its name if it has one. tax: the billable taxes of a\n"
            "         taxed book's line, not rounded; empty where they are no function of the line alone, "
            "or\n"
            "         it could not be taxed (tollmill tax RUN).\n"
            "Of --what period: period,account,site,number,pool,tiers,kind,charge,currency.",
    };
    int operands;
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    struct export export = {.format = (enum format)format, .safe = safe == 0, .periods = what == 1};
    if (export.periods && (statuses || cdrs)) {
        cmd_error(cmd, "--what period has no use for --%s; leave it out", statuses ? "status" : "cdrs");
        return CMD_USAGE;
    }
    code = choose_statuses(cmd, &export, statuses);
    if (code != CMD_GO)
        return code;
    if (cmd->json && !file) {
        cmd_error(cmd, "--json describes the export on stdout; give -o FILE for the export itself");
        return CMD_USAGE;
    }
    struct toll_run *run = NULL;
    struct toll_error error = {0};
    if (!export.periods)
        code = cmd_run_open(cmd, argv[1], cdrs, &run);
    else if (toll_run_open(argv[1], NULL, &run, &error) < 0)
        code = cmd_fail(cmd, &error);
    if (code != CMD_GO)
        return code;
    if (file)
        code = export_to_file(cmd, &export, run, argv[1], file);
    else
        code = write_lines(cmd, &export, run, &cmd->out);
    toll_run_close(run);
    return code == CMD_GO ? CMD_OK : code;
}
