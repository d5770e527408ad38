/* What the parts of the verb `tax` share. */
#ifndef CMD_TAXES_H
#define CMD_TAXES_H

#include "options.h"
#include "print.h"
#include "tollmill_tax.h"

enum cmd_tax_what { CMD_TAX_REGISTER, CMD_TAX_LINES, CMD_TAX_SUSPENSE, CMD_TAX_COVERAGE };

struct cmd_tax {
    const char *run_path;
    enum cmd_tax_what what;
    bool csv, safe; /* else JSON lines */
    bool to_csv;    /* --format csv was given, where tables for people are the default */
    int64_t top;    /* rows to write at most; 0: all */
    const char *file;
    const char *report_period;
};

/* Writes the rows; returns CMD_GO or the exit code after having told the error. */
int cmd_tax_write(struct cmd *cmd, const struct cmd_tax *tax, struct toll_taxes *taxes,
                  struct cmd_output *out, int64_t *rows);
/* A row of the register, or with NULL the header of a CSV. */
void cmd_tax_put_register(struct cmd_output *out, const struct toll_tax_register_row *row, bool csv,
                          bool safe);
/* Cents as text, "-12.05". */
#define CMD_CENTS_TEXT 24
void cmd_cents_text(int64_t cents, char text[CMD_CENTS_TEXT]);

#endif
