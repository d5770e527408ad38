/*
 * A biller's table: every typed reader on every row. What is accepted is text as the header promises, and
 * money and times say the same when they are written and read again.
 *
 * Input: a line with a vendor's mapping (mostly empty), the rest is the file.
 */
#include "fuzz.h"
#include "text/table.h"
#include "text/utf8.h"

enum { NAME, AMOUNT, COUNT, KIND, FROM, AT, COLUMNS };

static void check_text(const struct toll_cell *cell)
{
    TOLL_ASSERT(strlen(cell->text) == cell->bytes && cell->name != NULL);
    TOLL_ASSERT(toll_utf8_check(cell->text, cell->bytes) == cell->bytes);
    TOLL_ASSERT(strpbrk(cell->text, "\r\n") == NULL);
    TOLL_ASSERT(cell->bytes == 0 || (cell->line > 0 && cell->column > 0));
}

static void check_money(toll_money money)
{
    char text[TOLL_TOTAL_TEXT_BYTES];
    toll_money again;
    const size_t bytes = toll_money_format(money, text);
    TOLL_ASSERT(toll_money_parse(text, bytes, &again) == 0 && again == money);
}

static void check_row(const struct toll_table *table, const struct toll_findings *findings)
{
    static const char *const kinds[] = {"deck", "flat", "free"};
    toll_money money;
    toll_ms ms;
    int64_t integer;
    int choice;
    size_t errors = findings->errors;
    for (int i = 0; i < COLUMNS; i++)
        check_text(toll_table_cell(table, i));
    TOLL_ASSERT(toll_table_line(table) > 0);
    if (toll_cell_money(table, AMOUNT, 0, &money))
        check_money(money);
    else
        TOLL_ASSERT(findings->errors == ++errors);
    if (toll_cell_int(table, COUNT, -5, 1000, 7, &integer))
        TOLL_ASSERT(integer >= -5 && integer <= 1000);
    else
        TOLL_ASSERT(findings->errors == ++errors);
    if (toll_cell_choice(table, KIND, kinds, 3, -1, &choice))
        TOLL_ASSERT(choice >= -1 && choice < 3);
    else
        TOLL_ASSERT(findings->errors == ++errors);
    if (toll_cell_minute(table, AT, 0, &choice))
        TOLL_ASSERT(choice >= 0 && choice <= 24 * 60);
    else
        TOLL_ASSERT(findings->errors == ++errors);
    if (toll_cell_local_time(table, FROM, TOLL_MS_MIN, &ms)) {
        char text[TOLL_TIME_TEXT_BYTES];
        bool has_offset;
        int32_t offset;
        toll_ms again;
        const size_t bytes = toll_ms_format(ms, text);
        TOLL_ASSERT(toll_iso_parse(text, bytes, &again, &has_offset, &offset));
        TOLL_ASSERT(ms == TOLL_MS_MIN || (again == ms && has_offset && offset == 0));
    } else {
        TOLL_ASSERT(findings->errors == ++errors);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct toll_table_column columns[COLUMNS] = {
        {"name", true}, {"amount", false}, {"count", false}, {"kind", false}, {"from", false}, {"at", false}};
    struct fuzz_findings told = {0, 0};
    const struct toll_reporter reporter = {fuzz_report, &told};
    struct fuzz_input input = {data, size};
    struct toll_findings findings;
    struct toll_error error;
    struct toll_table *table;
    char mapping[128];
    fuzz_line(&input, mapping, sizeof mapping);
    toll_findings_init(&findings, &reporter);
    const int code = toll_table_open("t.csv", (const char *)input.at, input.left, columns, COLUMNS, mapping,
                                     &findings, &table, &error);
    if (code != 0) {
        TOLL_ASSERT(code == TOLL_EBOOK && told.errors > 0);
        fuzz_check_error(code, &error);
        return 0;
    }
    TOLL_ASSERT(toll_table_has(table, NAME));
    while (toll_table_next(table))
        check_row(table, &findings);
    toll_table_close(table);
    return 0;
}
