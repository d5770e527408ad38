/*
 * What the parts of `tollmill tax` share: outside engines, and effective rates.
 */
#ifndef CMD_TAX_PARTS_H
#define CMD_TAX_PARTS_H

#include "taxes.h"

struct cmd_tax_outside {
    int engine; /* enum toll_tax_engine */
    const char *codes;
    int64_t invoice_lines;
};
/* --for: requests to stdout or a file. */
int cmd_tax_for(struct cmd *cmd, const struct cmd_tax *tax, struct toll_taxes *taxes,
                const struct cmd_tax_outside *outside);
/* --from: the responses' register on stdout (or in a file), what does not agree on stderr; CMD_FINDINGS then.
 */
int cmd_tax_from(struct cmd *cmd, const struct cmd_tax *tax, struct toll_taxes *taxes,
                 const struct cmd_tax_outside *outside, const char *const *responses, size_t count);

/* --compare: effective rates of two runs; CMD_FINDINGS when some moved by more than the threshold. */
int cmd_tax_compare(struct cmd *cmd, const struct cmd_tax *tax, const char *run_b, const char *threshold);
/* --jurisdictions "A,B,C": their taxes side by side. */
int cmd_tax_side_by_side(struct cmd *cmd, const struct cmd_tax *tax, struct toll_taxes *taxes,
                         const char *list);

#endif
