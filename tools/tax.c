/*
 * tollmill tax: what a run's accounts owe in taxes. The rows go to stdout or a file, what a person wants to
 * know at once to stderr: the totals, and what could not be taxed.
 */
#include "tax_parts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

void cmd_cents_text(int64_t cents, char text[CMD_CENTS_TEXT])
{
    const uint64_t size = cents < 0 ? -(uint64_t)cents : (uint64_t)cents;
    snprintf(text, CMD_CENTS_TEXT, "%s%llu.%02u", cents < 0 ? "-" : "", (unsigned long long)(size / 100),
             (unsigned)(size % 100));
}

static int64_t count_coverage(struct toll_taxes *taxes)
{
    struct toll_tax_coverage_row row;
    int64_t count = 0;
    while (toll_taxes_coverage(taxes, count, &row))
        count++;
    return count;
}

/* "billable tax 12.30 USD, of the seller's own 0.40": what accounts are billed, and what they are not. */
static void tell_totals(struct cmd *cmd, struct toll_taxes *taxes)
{
    struct toll_tax_totals total;
    for (int i = 0; toll_taxes_totals(taxes, i, &total); i++) {
        char billable[CMD_CENTS_TEXT], other[CMD_CENTS_TEXT], accounts[32], lines[32];
        cmd_cents_text(total.billable_cents, billable);
        cmd_cents_text(total.other_cents, other);
        cmd_thousands(total.accounts, accounts, sizeof accounts);
        cmd_thousands(total.lines, lines, sizeof lines);
        cmd_note(cmd, "billable tax %s %s of %s %s, %s charge %s%s%s", billable, total.currency, accounts,
                 total.accounts == 1 ? "account" : "accounts", lines, total.lines == 1 ? "line" : "lines",
                 total.other_cents == 0 ? "" : "; not billable ", total.other_cents == 0 ? "" : other);
        if (total.suspense_lines > 0) {
            cmd_thousands(total.suspense_lines, lines, sizeof lines);
            cmd_note(cmd, "%s charge %s of %s %s in tax suspense: --what suspense says why", lines,
                     total.suspense_lines == 1 ? "line" : "lines", total.suspense_charge, total.currency);
        }
    }
}

static void tell_stale(struct cmd *cmd, struct toll_taxes *taxes)
{
    struct toll_tax_stale_row row;
    for (int64_t i = 0; toll_taxes_stale(taxes, i, &row); i++)
        cmd_note(cmd, "taxes.csv:%lld: tax %s%s%s is as of %s and should be looked at every %s",
                 (long long)row.line, row.tax, row.tax_jurisdiction[0] != '\0' ? " of " : "",
                 row.tax_jurisdiction, row.as_of, row.cadence);
}

static int64_t suspense_lines(struct toll_taxes *taxes)
{
    struct toll_tax_totals total;
    int64_t lines = 0;
    for (int i = 0; toll_taxes_totals(taxes, i, &total); i++)
        lines += total.suspense_lines;
    return lines;
}

static void json_document(struct cmd *cmd, const struct cmd_tax *tax, struct toll_taxes *taxes, int64_t rows,
                          int64_t bytes)
{
    static const char *const whats[] = {"register", "lines", "suspense", "coverage"};
    struct toll_tax_totals total;
    struct toll_tax_stale_row stale;
    struct cmd_json json;
    int64_t stale_rows = 0;
    while (toll_taxes_stale(taxes, stale_rows, &stale))
        stale_rows++;
    cmd_json_begin(&json, &cmd->out, "tax");
    cmd_json_text(&json, "run", tax->run_path);
    cmd_json_text(&json, "what", whats[tax->what]);
    cmd_json_text(&json, "file", tax->file);
    cmd_json_integer(&json, "rows", rows);
    cmd_json_integer(&json, "bytes", bytes);
    cmd_json_open(&json, "totals", '[');
    for (int i = 0; toll_taxes_totals(taxes, i, &total); i++) {
        char text[CMD_CENTS_TEXT];
        cmd_json_open(&json, NULL, '{');
        cmd_json_text(&json, "currency", total.currency);
        cmd_json_integer(&json, "accounts", total.accounts);
        cmd_json_integer(&json, "lines", total.lines);
        cmd_json_integer(&json, "buckets", total.buckets);
        cmd_cents_text(total.billable_cents, text);
        cmd_json_text(&json, "billable", text);
        cmd_cents_text(total.other_cents, text);
        cmd_json_text(&json, "not_billable", text);
        cmd_json_integer(&json, "suspense_lines", total.suspense_lines);
        cmd_json_text(&json, "suspense_charge", total.suspense_charge);
        cmd_json_close(&json, '}');
    }
    cmd_json_close(&json, ']');
    cmd_json_integer(&json, "uncovered", count_coverage(taxes));
    cmd_json_integer(&json, "stale", stale_rows);
    cmd_json_end(&json);
}

/* Writes the rows to a file or to stdout; under --json the document follows. */
static int write_rows(struct cmd *cmd, const struct cmd_tax *tax, struct toll_taxes *taxes)
{
    struct cmd_output out = {.fd = -1};
    struct toll_error error = {0};
    int64_t rows = 0;
    int code = CMD_GO;
    if (tax->file == NULL && !cmd->json)
        return cmd_tax_write(cmd, tax, taxes, &cmd->out, &rows);
    if (tax->file != NULL) {
        if (cmd_output_to_file(&out, tax->file, &error) < 0)
            code = cmd_fail(cmd, &error);
        if (code == CMD_GO)
            code = cmd_tax_write(cmd, tax, taxes, &out, &rows);
        if (code == CMD_GO && cmd_output_commit(&out, &error) < 0)
            code = cmd_fail(cmd, &error);
    }
    if (code == CMD_GO && cmd->json)
        json_document(cmd, tax, taxes, rows, out.written_bytes);
    cmd_output_close(&out);
    return code;
}

static int run(struct cmd *cmd, const struct cmd_tax *tax)
{
    const struct toll_tax_options how = {.report_period = tax->report_period};
    struct toll_taxes *taxes = NULL;
    struct toll_error error = {0};
    if (toll_taxes_open(tax->run_path, &how, &taxes, &error) < 0)
        return cmd_fail(cmd, &error);
    int code = write_rows(cmd, tax, taxes);
    if (code == CMD_GO) {
        const int64_t uncovered = count_coverage(taxes);
        struct toll_tax_totals total;
        if (!toll_taxes_totals(taxes, 0, &total))
            cmd_note(cmd, "no account has a line to be taxed: billing periods are those of the run's calls");
        tell_totals(cmd, taxes);
        tell_stale(cmd, taxes);
        if (uncovered > 0)
            cmd_note(cmd, "about %lld %s of jurisdiction and tax service nobody has decided: --what coverage",
                     (long long)uncovered, uncovered == 1 ? "pair" : "pairs");
        if (toll_taxes_demo(taxes))
            cmd_note(cmd, "the taxes are of a demo table, not for filing: their `source` says so");
        code = suspense_lines(taxes) > 0 || uncovered > 0 ? CMD_FINDINGS : CMD_OK;
    }
    toll_taxes_close(taxes);
    return code;
}

/* What else than rows of our own is asked for. */
struct parts {
    int to, from; /* enum toll_tax_engine, -1: not */
    struct cmd_tax_outside outside;
    bool compare;
    bool rows; /* --what */
    const char *threshold, *jurisdictions;
    char **operands; /* RUN and what follows it */
    int operand_count;
};

static int run_part(struct cmd *cmd, const struct cmd_tax *tax, struct parts *parts)
{
    const struct toll_tax_options how = {.report_period = tax->report_period};
    struct toll_taxes *taxes = NULL;
    struct toll_error error = {0};
    int code;
    if (parts->compare)
        return cmd_tax_compare(cmd, tax, parts->operands[1], parts->threshold ? parts->threshold : "5%");
    if (toll_taxes_open(tax->run_path, &how, &taxes, &error) < 0)
        return cmd_fail(cmd, &error);
    parts->outside.engine = parts->to >= 0 ? parts->to : parts->from;
    if (parts->jurisdictions)
        code = cmd_tax_side_by_side(cmd, tax, taxes, parts->jurisdictions);
    else if (parts->to >= 0)
        code = cmd_tax_for(cmd, tax, taxes, &parts->outside);
    else
        code = cmd_tax_from(cmd, tax, taxes, &parts->outside, (const char *const *)(parts->operands + 1),
                            (size_t)parts->operand_count - 1);
    toll_taxes_close(taxes);
    return code;
}

/* CMD_GO when the operands and options of parts fit each other. */
static int check_parts(struct cmd *cmd, const struct parts *parts)
{
    const bool outside = parts->to >= 0 || parts->from >= 0;
    const char *wrong = NULL;
    if ((parts->to >= 0) + (parts->from >= 0) + parts->compare + (parts->jurisdictions != NULL) > 1)
        wrong = "--for, --from, --compare and --jurisdictions are four things; ask for one";
    else if (parts->rows && (outside || parts->compare || parts->jurisdictions != NULL))
        wrong = "--what belongs to tollmill's own rows, not to --for, --from, --compare and --jurisdictions";
    else if (outside && !parts->outside.codes)
        wrong = "--for and --from need --codes FILE: what of the book is what of the engine's";
    else if (!outside && (parts->outside.codes || parts->outside.invoice_lines > 0))
        wrong = "--codes and --invoice-lines belong to --for and --from";
    else if (parts->threshold && !parts->compare)
        wrong = "--threshold belongs to --compare";
    else if (parts->compare && parts->operand_count != 2)
        wrong = "--compare wants two runs: tollmill tax --compare RUN_A RUN_B";
    else if (parts->from >= 0 && parts->operand_count < 2)
        wrong = "--from wants the run and the responses: tollmill tax RUN --from avalara RESPONSE...";
    else if (!parts->compare && parts->from < 0 && parts->operand_count != 1)
        wrong = "one run is wanted";
    if (wrong)
        cmd_error(cmd, "%s", wrong);
    return wrong ? CMD_USAGE : CMD_GO;
}

int cmd_tax(struct cmd *cmd, int argc, char **argv)
{
    static const char *const engines[] = {"avalara", "suretax", NULL};
    static const char *const whats[] = {"register", "lines", "suspense", "coverage", NULL};
    static const char *const formats[] = {"csv", "jsonl", NULL};
    static const char *const safeties[] = {"excel", "raw", NULL};
    struct cmd_tax tax = {0};
    struct parts parts = {.to = -1, .from = -1};
    int what = -1, format = -1, safety = 0;
    const struct cmd_option options[] = {
        {.kind = CMD_CHOICE,
         .name = "what",
         .value = "register|lines|suspense|coverage",
         .help = "the register (default), charge lines, what could not be taxed, "
                 "what no tax is for",
         .target = &what,
         .choices = whats},
        {.kind = CMD_TEXT,
         .name = "report-period",
         .value = "PERIOD",
         .help = "the return that the register is for, if not each row's own billing period",
         .target = &tax.report_period},
        {.kind = CMD_CHOICE,
         .name = "format",
         .value = "csv|jsonl",
         .help = "what to write (default: csv)",
         .target = &format,
         .choices = formats},
        {.kind = CMD_NUMBER,
         .name = "top",
         .value = "N",
         .help = "the first N rows only",
         .target = &tax.top,
         .minimum = 1,
         .maximum = INT64_MAX},
        {.kind = CMD_TEXT,
         .name = "output",
         .letter = 'o',
         .value = "FILE",
         .help = "write a file (mode 0640) instead of stdout; it appears when it is complete",
         .target = &tax.file},
        {.kind = CMD_CHOICE,
         .name = "csv-safe",
         .value = "excel|raw",
         .help = "excel (default): ' before texts that begin with = + - @ TAB CR; raw: as they are",
         .target = &safety,
         .choices = safeties},
        {.kind = CMD_CHOICE,
         .name = "for",
         .value = "avalara|suretax",
         .help = "the charge lines as requests to an engine, one JSON document a line",
         .target = &parts.to,
         .choices = engines},
        {.kind = CMD_CHOICE,
         .name = "from",
         .value = "avalara|suretax",
         .help = "the register of the engine's responses; what does not agree is told",
         .target = &parts.from,
         .choices = engines},
        {.kind = CMD_TEXT,
         .name = "codes",
         .value = "FILE",
         .help = "which of the engine's codes tax services, areas and classes are (docs/TAX_ENGINES.md)",
         .target = &parts.outside.codes},
        {.kind = CMD_NUMBER,
         .name = "invoice-lines",
         .value = "N",
         .help = "lines of an invoice and a request at most (default: 10000)",
         .target = &parts.outside.invoice_lines,
         .minimum = 1,
         .maximum = TOLL_TAX_INVOICE_LINES},
        {.kind = CMD_FLAG,
         .name = "compare",
         .help = "effective rates of two runs: what moved, appeared or vanished",
         .target = &parts.compare},
        {.kind = CMD_TEXT,
         .name = "threshold",
         .value = "P%",
         .help = "how far a rate may move, of what it was (default: 5%)",
         .target = &parts.threshold},
        {.kind = CMD_TEXT,
         .name = "jurisdictions",
         .value = "A,B,C",
         .help = "the taxes of up to eight jurisdictions side by side",
         .target = &parts.jurisdictions},
    };
    const struct cmd_usage usage = {
        .about =
            "What a run's accounts owe in taxes, by the tables of the book that rated it (docs/TAX.md): "
            "usage,\n"
            "and the book's charges, lines and accounts. Each tax is worked out exactly and rounded once;\n"
            "lines, accounts and register agree to the cent. Exit 1: some line is in tax suspense, or about\n"
            "some jurisdiction nobody has decided.",
        .examples = "  tollmill tax runs/2026-03 -o register.csv\n"
                    "  tollmill tax runs/2026-03 --what suspense\n"
                    "  tollmill tax runs/2026-03 --what lines --format jsonl -o lines.jsonl\n"
                    "  tollmill tax runs/2025-11-again --report-period 2026-03 -o register.csv\n"
                    "  tollmill tax runs/2026-03 --json\n"
                    "  tollmill tax runs/2026-03 --jurisdictions TX,IL,NY\n"
                    "  tollmill tax --compare runs/2026-02 runs/2026-03 --threshold 2.5%\n"
                    "  tollmill tax runs/2026-03 --for avalara --codes codes.csv -o requests.jsonl\n"
                    "  tollmill tax runs/2026-03 --from avalara --codes codes.csv responses.jsonl\n",
        .operands = "RUN [RUN_B | RESPONSE...]",
        .operands_min = 1,
        .operands_max = INT_MAX,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .notes = "tax_exact is a decimal, or a fraction p/q where no decimal is exact. docs/TAX.md has the\n"
                 "columns. Nothing here is tax advice: the tables are the biller's.",
    };
    int operands;
    const int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    tax.run_path = argv[1];
    tax.what = what < 0 ? CMD_TAX_REGISTER : (enum cmd_tax_what)what;
    parts.rows = what >= 0;
    tax.csv = format != 1;
    tax.to_csv = format == 0;
    tax.safe = safety == 0;
    parts.operands = argv + 1;
    parts.operand_count = operands;
    const int fits = check_parts(cmd, &parts);
    if (fits != CMD_GO)
        return fits;
    const bool part = parts.to >= 0 || parts.from >= 0 || parts.compare || parts.jurisdictions;
    return part ? run_part(cmd, &tax, &parts) : run(cmd, &tax);
}
