/*
 * What the parts of `tollmill tax` share: outside engines, and effective rates.
 */
#ifndef CMD_TAX_PARTS_H
#define CMD_TAX_PARTS_H

#include "command.h"
#include "tollmill_tax.h"

struct cmd_tax_outside {
    int engine; /* enum toll_tax_engine */
    const char *codes, *file, *report_period;
    int64_t invoice_lines;
    bool safe;
};
/* --for: requests to stdout or a file. */
int cmd_tax_for(struct cmd *cmd, struct toll_taxes *taxes, const struct cmd_tax_outside *outside);
/* --from: the responses' register on stdout (or in a file), what does not agree on stderr; CMD_FINDINGS then.
 */
int cmd_tax_from(struct cmd *cmd, struct toll_taxes *taxes, const struct cmd_tax_outside *outside,
                 const char *const *responses, size_t count);

/* --compare: effective rates of two runs; CMD_FINDINGS when some moved by more than the threshold. */
int cmd_tax_compare(struct cmd *cmd, const char *run_a, const char *run_b, const char *threshold, bool csv,
                    bool safe);
/* --jurisdictions "A,B,C": their taxes side by side. */
int cmd_tax_side_by_side(struct cmd *cmd, struct toll_taxes *taxes, const char *list, bool csv, bool safe);

/* A row of the register as docs/TAX.md section 5 has it, and its header. */
extern const char cmd_tax_register_header[];
void cmd_tax_put_register(struct cmd_output *out, const struct toll_tax_register_row *row, bool safe);

#endif
