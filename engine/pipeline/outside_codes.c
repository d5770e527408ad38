/* The codes file of an outside tax engine: which of its codes a tax service, an area, a class is. */
#include "io/file.h"
#include "pipeline/outside.h"
#include "text/table.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static const char *const whats[TOLL_CODE_WHATS] = {"tax_service", "area",    "class",  "seller",
                                                   "line_type",   "account", "company"};
static const char *const kinds[TOLL_AREA_KINDS] = {"pcode", "fips", "npa", "zip", "geocode", "number"};

/* What of an engine's request a company row may set. */
static const char *const avalara_company[] = {"bscl", "svcl", "fclt", "frch", "reg",
                                              "idnt", "cmmt", "invm", NULL};
static const char *const suretax_company[] = {"BusinessUnit", "ReturnFileCode", NULL};

enum column { COLUMN_WHAT, COLUMN_NAME, COLUMN_KIND, COLUMN_CODE, COLUMNS };

static bool all_digits(const char *text, size_t least, size_t most)
{
    const size_t bytes = strlen(text);
    return bytes >= least && bytes <= most && strspn(text, "0123456789") == bytes;
}

/* "19/6" */
static bool read_pair(const char *text, struct toll_tax_code *row)
{
    char *end;
    const char *slash = strchr(text, '/');

    if (slash == NULL || slash == text || slash - text > 5 ||
        strspn(text, "0123456789") != (size_t)(slash - text) || !all_digits(slash + 1, 1, 5))
        return false;
    row->first = strtol(text, &end, 10);
    row->second = strtol(slash + 1, &end, 10);
    return row->first <= INT16_MAX && row->second <= INT16_MAX;
}

/* 78701 or 78701-1234 */
static bool is_zip(const char *text)
{
    return all_digits(text, 5, 5) || (strlen(text) == 10 && strspn(text, "0123456789") == 5 &&
                                      text[5] == '-' && all_digits(text + 6, 4, 4));
}

static const char *check_area(const struct toll_tax_code *row, bool avalara)
{
    switch (row->kind) {
    case TOLL_AREA_PCODE:
        return !avalara                      ? "SureTax knows zip, geocode and number"
               : all_digits(row->code, 1, 9) ? NULL
                                             : "a PCode is a number of at most 9 digits";
    case TOLL_AREA_FIPS:
        return !avalara                       ? "SureTax knows zip, geocode and number"
               : all_digits(row->code, 2, 10) ? NULL
                                              : "a FIPS code has 2 to 10 digits";
    case TOLL_AREA_NPA:
        return !avalara                      ? "SureTax knows zip, geocode and number"
               : all_digits(row->code, 6, 6) ? NULL
                                             : "an NPA-NXX has 6 digits";
    case TOLL_AREA_ZIP:
        return is_zip(row->code) ? NULL : "write a ZIP code as 78701 or 78701-1234";
    case TOLL_AREA_GEOCODE:
        return avalara             ? "Avalara knows pcode, fips, npa and zip"
               : row->code[0] != 0 ? NULL
                                   : "a geocode is missing";
    default:
        return avalara                         ? "Avalara knows pcode, fips, npa and zip"
               : all_digits(row->code, 10, 10) ? NULL
                                               : "a number has 10 digits";
    }
}

static const char *check_company(const struct toll_tax_code *row, bool avalara)
{
    for (const char *const *name = avalara ? avalara_company : suretax_company; *name != NULL; name++)
        if (strcmp(row->name, *name) == 0) {
            if (!avalara || strcmp(row->name, "idnt") == 0)
                return strlen(row->code) <= 20 ? NULL : "at most 20 characters";
            if (strcmp(row->name, "bscl") == 0 || strcmp(row->name, "svcl") == 0)
                return all_digits(row->code, 1, 1) ? NULL : "write 0 or 1";
            return strcmp(row->code, "true") == 0 || strcmp(row->code, "false") == 0 ? NULL
                                                                                     : "write true or false";
        }
    return avalara ? "Avalara's company has bscl, svcl, fclt, frch, reg, idnt, and cmmt and invm of invoices"
                   : "SureTax's company has BusinessUnit and ReturnFileCode";
}

/* Why the row is wrong, or NULL. */
static const char *check_row(struct toll_tax_code *row, bool avalara)
{
    switch (row->what) {
    case TOLL_CODE_TAX_SERVICE:
        if (row->code[0] == '\0') /* decided: the engine is not asked */
            return NULL;
        if (avalara)
            return read_pair(row->code, row) ? NULL : "write transaction type and service type, as 19/6";
        return all_digits(row->code, 6, 6) ? NULL : "a transaction type code has 6 digits";
    case TOLL_CODE_AREA:
        return check_area(row, avalara);
    case TOLL_CODE_CLASS:
        if (avalara)
            return all_digits(row->code, 1, 1) && row->code[0] <= '3' ? NULL
                                                                      : "a customer type is 0, 1, 2 or 3";
        return strlen(row->code) == 1 ? NULL : "a sales type code is one letter";
    case TOLL_CODE_SELLER:
        return avalara                       ? "Avalara has no codes of sellers; use company rows"
               : all_digits(row->code, 2, 2) ? NULL
                                             : "a regulatory code has 2 digits";
    case TOLL_CODE_LINE_TYPE:
        return toll_decimal_parse(row->code, strlen(row->code), 6, &row->first) == 0 && row->first >= 0 &&
                       row->first <= INT64_C(1000000000000)
                   ? NULL
                   : "write how many lines one counts: a decimal of at most 6 places";
    case TOLL_CODE_ACCOUNT:
        return avalara ? "exemptions of accounts are set up at Avalara"
               : row->code[0] != '\0' && strspn(row->code, "0123456789;") == strlen(row->code)
                   ? NULL
                   : "write exemption codes as 02 or 02;04";
    default:
        return check_company(row, avalara);
    }
}

static int compare(const void *a, const void *b)
{
    const struct toll_tax_code *x = a, *y = b;
    return x->what != y->what ? (int)x->what - (int)y->what : strcmp(x->name, y->name);
}

static int add_row(struct toll_tax_codes *codes, const struct toll_table *table)
{
    const bool avalara = codes->engine == TOLL_TAX_AVALARA;
    const struct toll_cell *name = toll_table_cell(table, COLUMN_NAME),
                           *code = toll_table_cell(table, COLUMN_CODE);
    struct toll_tax_code row = {.line = toll_table_line(table)};
    int what, kind;

    if (!toll_cell_choice(table, COLUMN_WHAT, whats, TOLL_CODE_WHATS, -1, &what) ||
        !toll_cell_choice(table, COLUMN_KIND, kinds, TOLL_AREA_KINDS,
                          avalara ? TOLL_AREA_PCODE : TOLL_AREA_ZIP, &kind))
        return 0;
    if (what < 0) {
        toll_cell_finding(table, toll_table_cell(table, COLUMN_WHAT), TOLL_ERROR, "what is missing: %s",
                          whats[0]);
        return 0;
    }
    row.what = (enum toll_code_what)what;
    row.kind = (enum toll_area_kind)kind;
    row.name = toll_arena_copy(&codes->arena, name->text, name->bytes);
    row.code = toll_arena_copy(&codes->arena, code->text, code->bytes);
    if (row.name == NULL || row.code == NULL)
        return TOLL_ENOMEM;
    const char *why = check_row(&row, avalara);
    if (why != NULL) {
        toll_cell_finding(table, code, TOLL_ERROR, "%s \"%.40s\": \"%.40s\" is no code: %s", whats[what],
                          row.name, row.code, why);
        return 0;
    }

    if (codes->count == codes->room) {
        const size_t room = codes->room == 0 ? 64 : codes->room * 2;
        struct toll_tax_code *grown = realloc(codes->rows, room * sizeof(*grown));
        if (grown == NULL)
            return TOLL_ENOMEM;
        codes->rows = grown;
        codes->room = room;
    }
    codes->rows[codes->count++] = row;
    return 0;
}

int toll_tax_codes_read(struct toll_tax_codes *codes, enum toll_tax_engine engine, const char *path,
                        struct toll_findings *findings, struct toll_error *error)
{
    static const struct toll_table_column columns[COLUMNS] = {
        {"what", true}, {"name", true}, {"kind", false}, {"code", true}};
    struct toll_blob blob = {0};
    struct toll_table *table = NULL;
    int code;

    *codes = (struct toll_tax_codes){.engine = engine, .path = path};
    code = toll_blob_read(&blob, toll_io_system(), AT_FDCWD, path, TOLL_READ_PREAD, error);
    if (code != 0)
        return code;
    code = toll_table_open(path, blob.data, blob.size, columns, COLUMNS, NULL, findings, &table, error);
    while (code == 0 && toll_table_next(table) == 1)
        code = add_row(codes, table);
    if (code == TOLL_ENOMEM)
        toll_error_set(error, code, "%s: out of memory", path);
    toll_table_close(table);
    toll_blob_free(&blob);
    if (codes->count > 0)
        qsort(codes->rows, codes->count, sizeof(*codes->rows), compare);
    for (size_t i = 1; code == 0 && i < codes->count; i++)
        if (compare(&codes->rows[i - 1], &codes->rows[i]) == 0) {
            const struct toll_tax_code *a = &codes->rows[i - 1], *b = &codes->rows[i];
            toll_finding(findings, TOLL_ERROR, path, a->line > b->line ? a->line : b->line, 0,
                         "%s \"%.40s\" is in line %ld already", whats[a->what], a->name,
                         a->line > b->line ? b->line : a->line);
        }
    if (code == 0 && findings->errors > 0)
        code = toll_error_set(error, TOLL_EBOOK, "%s: %zu errors in the codes", path, findings->errors);
    return code;
}

const struct toll_tax_code *toll_tax_code_find(const struct toll_tax_codes *codes, enum toll_code_what what,
                                               const char *name)
{
    const struct toll_tax_code key = {.what = what, .name = name};
    return codes->count == 0 ? NULL : bsearch(&key, codes->rows, codes->count, sizeof(key), compare);
}

void toll_tax_codes_free(struct toll_tax_codes *codes)
{
    toll_arena_free(&codes->arena);
    free(codes->rows);
    *codes = (struct toll_tax_codes){0};
}
