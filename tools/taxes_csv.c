/* Rows of the register as CSV: ours, and those that an outside engine answered. */
#include "print.h"
#include "tax_parts.h"

#include <stddef.h>

/* The columns, in this order, for good: programs read them by place and by name. */
const char cmd_tax_register_header[] = "period,report_period,account,site,tax_jurisdiction,level,tax,name,"
                                       "category,kind,billable,surcharge,lines,base,"
                                       "exempt,rate,tax_exact,tax_cents,currency\n";

void cmd_tax_put_register(struct cmd_output *out, const struct toll_tax_register_row *row, bool safe)
{
    const char *const texts[] = {row->period,
                                 row->report_period,
                                 row->account,
                                 row->site,
                                 row->tax_jurisdiction,
                                 row->level,
                                 row->tax,
                                 row->name,
                                 row->category,
                                 row->kind,
                                 row->billable ? "yes" : "no",
                                 row->surcharge ? "yes" : "no"};
    const char *const numbers[] = {row->lines, row->base, row->exempt, row->rate, row->tax_exact};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cmd_csv_text(out, texts[i], safe);
        cmd_put_char(out, ',');
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        cmd_put_text(out, numbers[i]);
        cmd_put_char(out, ',');
    }
    cmd_put_integer(out, row->tax_cents);
    cmd_put_char(out, ',');
    cmd_put_text(out, row->currency);
    cmd_put_char(out, '\n');
}
