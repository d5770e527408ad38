/*
 * The rows of `tollmill tax` as CSV or JSON lines. Each kind of rows is a table of columns, so that both
 * formats have the same ones in the same order.
 */
#include "taxes.h"

#include <stddef.h>

enum column_kind {
    COLUMN_WORD,    /* ours: nothing to quote */
    COLUMN_TEXT,    /* from the book */
    COLUMN_FLAG,    /* yes or no */
    COLUMN_INTEGER, /* int64_t */
    COLUMN_ID,      /* int32_t */
};
struct column {
    const char *name;
    enum column_kind kind;
    size_t offset;
};
#define COLUMN(name, kind, type, member)          \
    {                                             \
        name, kind, offsetof(struct type, member) \
    }

/* The columns, in this order, for good: programs read them by place and by name. docs/TAX.md section 5. */
static const struct column register_columns[] = {
    COLUMN("period", COLUMN_WORD, toll_tax_register_row, period),
    COLUMN("report_period", COLUMN_TEXT, toll_tax_register_row, report_period),
    COLUMN("account", COLUMN_TEXT, toll_tax_register_row, account),
    COLUMN("site", COLUMN_TEXT, toll_tax_register_row, site),
    COLUMN("tax_jurisdiction", COLUMN_TEXT, toll_tax_register_row, tax_jurisdiction),
    COLUMN("level", COLUMN_WORD, toll_tax_register_row, level),
    COLUMN("tax", COLUMN_TEXT, toll_tax_register_row, tax),
    COLUMN("name", COLUMN_TEXT, toll_tax_register_row, name),
    COLUMN("category", COLUMN_TEXT, toll_tax_register_row, category),
    COLUMN("kind", COLUMN_WORD, toll_tax_register_row, kind),
    COLUMN("billable", COLUMN_FLAG, toll_tax_register_row, billable),
    COLUMN("surcharge", COLUMN_FLAG, toll_tax_register_row, surcharge),
    COLUMN("lines", COLUMN_WORD, toll_tax_register_row, lines),
    COLUMN("base", COLUMN_WORD, toll_tax_register_row, base),
    COLUMN("exempt", COLUMN_WORD, toll_tax_register_row, exempt),
    COLUMN("rate", COLUMN_WORD, toll_tax_register_row, rate),
    COLUMN("tax_exact", COLUMN_WORD, toll_tax_register_row, tax_exact),
    COLUMN("tax_cents", COLUMN_INTEGER, toll_tax_register_row, tax_cents),
    COLUMN("currency", COLUMN_TEXT, toll_tax_register_row, currency),
};
static const struct column line_columns[] = {
    COLUMN("period", COLUMN_WORD, toll_tax_line, period),
    COLUMN("account", COLUMN_TEXT, toll_tax_line, account),
    COLUMN("site", COLUMN_TEXT, toll_tax_line, site),
    COLUMN("line", COLUMN_INTEGER, toll_tax_line, line),
    COLUMN("kind", COLUMN_WORD, toll_tax_line, kind),
    COLUMN("product", COLUMN_TEXT, toll_tax_line, product),
    COLUMN("tuple", COLUMN_ID, toll_tax_line, tuple),
    COLUMN("tax_services", COLUMN_TEXT, toll_tax_line, tax_services),
    COLUMN("charge", COLUMN_WORD, toll_tax_line, charge),
    COLUMN("tax_jurisdiction", COLUMN_TEXT, toll_tax_line, tax_jurisdiction),
    COLUMN("level", COLUMN_WORD, toll_tax_line, level),
    COLUMN("tax", COLUMN_TEXT, toll_tax_line, tax),
    COLUMN("base", COLUMN_WORD, toll_tax_line, base),
    COLUMN("exempt", COLUMN_WORD, toll_tax_line, exempt),
    COLUMN("rate", COLUMN_WORD, toll_tax_line, rate),
    COLUMN("tax_exact", COLUMN_WORD, toll_tax_line, tax_exact),
    COLUMN("tax_cents", COLUMN_INTEGER, toll_tax_line, tax_cents),
    COLUMN("currency", COLUMN_TEXT, toll_tax_line, currency),
};
static const struct column suspense_columns[] = {
    COLUMN("reason", COLUMN_WORD, toll_tax_suspense_row, reason),
    COLUMN("account", COLUMN_TEXT, toll_tax_suspense_row, account),
    COLUMN("site", COLUMN_TEXT, toll_tax_suspense_row, site),
    COLUMN("kind", COLUMN_WORD, toll_tax_suspense_row, kind),
    COLUMN("product", COLUMN_TEXT, toll_tax_suspense_row, product),
    COLUMN("service", COLUMN_WORD, toll_tax_suspense_row, service),
    COLUMN("jurisdiction", COLUMN_WORD, toll_tax_suspense_row, jurisdiction),
    COLUMN("lines", COLUMN_INTEGER, toll_tax_suspense_row, lines),
    COLUMN("calls", COLUMN_INTEGER, toll_tax_suspense_row, calls),
    COLUMN("charge", COLUMN_WORD, toll_tax_suspense_row, charge),
    COLUMN("currency", COLUMN_TEXT, toll_tax_suspense_row, currency),
    COLUMN("remedy", COLUMN_TEXT, toll_tax_suspense_row, remedy),
};
static const struct column coverage_columns[] = {
    COLUMN("tax_jurisdiction", COLUMN_TEXT, toll_tax_coverage_row, tax_jurisdiction),
    COLUMN("level", COLUMN_WORD, toll_tax_coverage_row, level),
    COLUMN("tax_service", COLUMN_TEXT, toll_tax_coverage_row, tax_service),
    COLUMN("lines", COLUMN_INTEGER, toll_tax_coverage_row, lines),
    COLUMN("charge", COLUMN_WORD, toll_tax_coverage_row, charge),
    COLUMN("currency", COLUMN_TEXT, toll_tax_coverage_row, currency),
};

struct table {
    const struct column *columns;
    size_t count;
};
#define TABLE(columns)                                \
    {                                                 \
        columns, sizeof(columns) / sizeof(columns)[0] \
    }
static const struct table tables[] = {
    [CMD_TAX_REGISTER] = TABLE(register_columns),
    [CMD_TAX_LINES] = TABLE(line_columns),
    [CMD_TAX_SUSPENSE] = TABLE(suspense_columns),
    [CMD_TAX_COVERAGE] = TABLE(coverage_columns),
};

static const char *text_of(const struct column *column, const void *row)
{
    const char *text;
    memcpy(&text, (const char *)row + column->offset, sizeof text);
    return text == NULL ? "" : text;
}

static int64_t integer_of(const struct column *column, const void *row)
{
    int64_t wide;
    int32_t id;
    if (column->kind == COLUMN_ID) {
        memcpy(&id, (const char *)row + column->offset, sizeof id);
        return id;
    }
    memcpy(&wide, (const char *)row + column->offset, sizeof wide);
    return wide;
}

static const char *flag_of(const struct column *column, const void *row)
{
    bool flag;
    memcpy(&flag, (const char *)row + column->offset, sizeof flag);
    return flag ? "yes" : "no";
}

static void put_csv(struct cmd_output *out, const struct table *table, const void *row, bool safe)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct column *column = &table->columns[i];
        if (i > 0)
            cmd_put_char(out, ',');
        if (column->kind == COLUMN_TEXT)
            cmd_csv_text(out, text_of(column, row), safe);
        else if (column->kind == COLUMN_WORD)
            cmd_put_text(out, text_of(column, row));
        else if (column->kind == COLUMN_FLAG)
            cmd_put_text(out, flag_of(column, row));
        else
            cmd_put_integer(out, integer_of(column, row));
    }
    cmd_put_char(out, '\n');
}

static void put_jsonl(struct cmd_output *out, const struct table *table, const void *row)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct column *column = &table->columns[i];
        cmd_put_text(out, i == 0 ? "{" : ",");
        cmd_json_string(out, column->name);
        cmd_put_char(out, ':');
        if (column->kind == COLUMN_TEXT || column->kind == COLUMN_WORD)
            cmd_json_string(out, text_of(column, row));
        else if (column->kind == COLUMN_FLAG)
            cmd_put_text(out, flag_of(column, row)[0] == 'y' ? "true" : "false");
        else
            cmd_put_integer(out, integer_of(column, row));
    }
    cmd_put_text(out, "}\n");
}

union row {
    struct toll_tax_register_row registered;
    struct toll_tax_line line;
    struct toll_tax_suspense_row suspense;
    struct toll_tax_coverage_row coverage;
};

/* 1 and the next row, 0 at the end, negative on error. */
static int next_row(const struct cmd_tax *tax, struct toll_taxes *taxes, int64_t index, union row *row,
                    struct toll_error *error)
{
    switch (tax->what) {
    case CMD_TAX_REGISTER:
        return toll_taxes_register(taxes, index, &row->registered);
    case CMD_TAX_SUSPENSE:
        return toll_taxes_suspense(taxes, index, &row->suspense);
    case CMD_TAX_COVERAGE:
        return toll_taxes_coverage(taxes, index, &row->coverage);
    default:
        for (;;) { /* lines without taxes have no rows here */
            const int more = toll_taxes_next(taxes, &row->line, error);
            if (more <= 0 || row->line.tax[0] != '\0')
                return more;
        }
    }
}

static void put_header(struct cmd_output *out, const struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        cmd_put_text(out, i == 0 ? "" : ",");
        cmd_put_text(out, table->columns[i].name);
    }
    cmd_put_char(out, '\n');
}

void cmd_tax_put_register(struct cmd_output *out, const struct toll_tax_register_row *row, bool csv,
                          bool safe)
{
    if (row == NULL && csv)
        put_header(out, &tables[CMD_TAX_REGISTER]);
    else if (row != NULL && csv)
        put_csv(out, &tables[CMD_TAX_REGISTER], row, safe);
    else if (row != NULL)
        put_jsonl(out, &tables[CMD_TAX_REGISTER], row);
}

int cmd_tax_write(struct cmd *cmd, const struct cmd_tax *tax, struct toll_taxes *taxes,
                  struct cmd_output *out, int64_t *rows)
{
    const struct table *table = &tables[tax->what];
    struct toll_error error = {0};
    union row row;
    int more = 1;
    if (tax->csv)
        put_header(out, table);
    *rows = 0;
    while ((tax->top == 0 || *rows < tax->top) && (more = next_row(tax, taxes, *rows, &row, &error)) > 0) {
        if (tax->csv)
            put_csv(out, table, &row, tax->safe);
        else
            put_jsonl(out, table, &row);
        ++*rows;
        if (out->failure) /* nobody reads any more, or the disk is full */
            break;
    }
    return more < 0 ? cmd_fail(cmd, &error) : CMD_GO;
}
