/*
 * A delta's tables as CSV. The columns, in their order, stand for good: programs read them by place and name.
 */
#include "costs.h"
#include "delta_show.h"

#include "print.h"

#include <string.h>

static void put_text(struct cmd_output *out, const char *text, bool safe)
{
    cmd_csv_text(out, text, safe);
    cmd_put_char(out, ',');
}

static void put_number(struct cmd_output *out, int64_t value)
{
    cmd_put_integer(out, value);
    cmd_put_char(out, ',');
}

static void put_money(struct cmd_output *out, int64_t money)
{
    char text[TOLL_MONEY_TEXT];
    cmd_put(out, text, toll_money_to_text(money, text));
    cmd_put_char(out, ',');
}

static void put_sum(struct cmd_output *out, struct toll_sum sum)
{
    char text[TOLL_MONEY_TEXT];
    cmd_put(out, text, toll_sum_to_text(sum, text));
    cmd_put_char(out, ',');
}

static void end_row(struct cmd_output *out)
{
    out->used--; /* the last comma: the buffer holds it, as nothing was put since */
    cmd_put_char(out, '\n');
}

/* ---- lines ---- */

#define SIDE_COLUMNS(s)                                                                                      \
    s "_day," s "_row," s "_status," s "_status_reason," s "_account," s "_site," s "_currency," s           \
      "_class," s "_jurisdiction," s "_price_kind," s "_plan," s "_deck," s "_prefix," s "_destination," s   \
      "_band," s "_rate," s "_per_units," s "_connect_fee," s "_price_file," s "_price_line," s "_billed," s \
      "_included," s "_bundle," s "_charge," s "_cost_status," s "_cost"

static void put_state(struct cmd_output *out, const struct toll_delta_state *state, bool safe)
{
    const bool there = state->row >= 0, settled = there && state->status < TOLL_SUSPENSE_FIRST;
    const bool price = there && state->price_kind[0] != 0;
    put_text(out, state->day, safe);
    if (there)
        cmd_put_integer(out, state->row);
    cmd_put_char(out, ',');
    put_text(out, there ? toll_status_name(state->status) : "", safe);
    put_text(out, there ? toll_status_reason(state->status) : "", safe);
    put_text(out, state->account, safe);
    put_text(out, state->site, safe);
    put_text(out, state->account[0] != 0 ? state->currency : "", safe);
    put_text(out, there ? toll_class_name(state->class_) : "", safe);
    put_text(out, there ? toll_call_jurisdiction_name(state->jurisdiction) : "", safe);
    put_text(out, state->price_kind, safe);
    put_text(out, state->plan, safe);
    put_text(out, state->deck, safe);
    put_text(out, state->prefix, safe);
    put_text(out, state->destination, safe);
    put_text(out, state->band, safe);
    if (price) {
        put_money(out, state->rate);
        put_number(out, state->per_units);
        put_money(out, state->connect_fee);
    } else {
        cmd_put_text(out, ",,,");
    }
    put_text(out, state->price_file, safe);
    if (price)
        cmd_put_integer(out, state->price_line);
    cmd_put_char(out, ',');
    if (there) {
        put_number(out, state->billed);
        put_number(out, state->included);
    } else {
        cmd_put_text(out, ",,");
    }
    put_text(out, state->pool_bundle, safe);
    if (settled)
        put_money(out, state->charge);
    else
        cmd_put_char(out, ',');
    put_text(out, state->has_cost ? cmd_cost_status(state->cost_status) : "", safe);
    if (state->has_cost && state->cost_status < TOLL_SUSPENSE_FIRST)
        put_money(out, state->cost);
    else
        cmd_put_char(out, ',');
}

static int put_lines(struct cmd *cmd, struct toll_delta *delta, bool safe, struct toll_error *error)
{
    static const char digits[] = "0123456789abcdef";
    struct cmd_output *out = &cmd->out;
    struct toll_delta_line line;
    int more;
    cmd_put_text(out, "record_key,reason,reasons,closed," SIDE_COLUMNS("old") "," SIDE_COLUMNS("new") "\n");
    while ((more = toll_delta_next(delta, &line, error)) > 0) {
        for (unsigned i = 0; i < 32; i++)
            cmd_put_char(out, digits[line.record_key[i / 16] >> (60 - i % 16 * 4) & 15]);
        cmd_put_char(out, ',');
        put_text(out, toll_delta_reason_name(line.reason), safe);
        bool first = true;
        for (unsigned i = 0; i < TOLL_DELTA_REASONS; i++) {
            if ((line.reasons >> i & 1) == 0)
                continue;
            if (!first)
                cmd_put_char(out, ';');
            cmd_put_text(out, toll_delta_reason_name((enum toll_delta_reason)i));
            first = false;
        }
        cmd_put_char(out, ',');
        put_number(out, line.closed);
        put_state(out, &line.before, safe);
        put_state(out, &line.after, safe);
        end_row(out);
    }
    return more;
}

/* ---- tables ---- */

static void put_sums(struct cmd *cmd, const struct toll_delta *delta, bool safe)
{
    struct cmd_output *out = &cmd->out;
    struct toll_delta_sum sum;
    cmd_put_text(out, "account,name,site,currency,changed,old_rows,new_rows,old_charge,new_charge,"
                      "old_period_charge,new_period_charge,old_cost,new_cost");
    for (unsigned i = 0; i < TOLL_DELTA_REASONS; i++) {
        const char *name = toll_delta_reason_name((enum toll_delta_reason)i);
        cmd_put_format(out, ",%s_rows,%s_charge", name, name);
    }
    cmd_put_char(out, '\n');
    for (int64_t i = 0; toll_delta_sum(delta, i, &sum); i++) {
        put_text(out, sum.account, safe);
        put_text(out, sum.account_name, safe);
        put_text(out, sum.site, safe);
        put_text(out, sum.currency, safe);
        put_number(out, sum.lines);
        put_number(out, sum.before.rows);
        put_number(out, sum.after.rows);
        put_sum(out, sum.before.charge);
        put_sum(out, sum.after.charge);
        put_sum(out, sum.before.periods);
        put_sum(out, sum.after.periods);
        put_sum(out, sum.before.cost);
        put_sum(out, sum.after.cost);
        for (unsigned k = 0; k < TOLL_DELTA_REASONS; k++) {
            put_number(out, sum.reason_rows[k]);
            put_sum(out, sum.reason_charge[k]);
        }
        end_row(out);
    }
}

static void put_taxes(struct cmd *cmd, const struct toll_delta *delta, bool safe)
{
    struct cmd_output *out = &cmd->out;
    struct toll_delta_tax tax;
    cmd_put_text(out, "period,account,site,currency,tax_jurisdiction,level,tax,name,billable,old_cents,"
                      "new_cents\n");
    for (int64_t i = 0; toll_delta_tax(delta, i, &tax); i++) {
        put_text(out, tax.period, safe);
        put_text(out, tax.account, safe);
        put_text(out, tax.site, safe);
        put_text(out, tax.currency, safe);
        put_text(out, tax.tax_jurisdiction, safe);
        put_text(out, tax.level, safe);
        put_text(out, tax.tax, safe);
        put_text(out, tax.name, safe);
        put_number(out, tax.billable);
        put_number(out, tax.before_cents);
        put_number(out, tax.after_cents);
        end_row(out);
    }
}

/* Lines, then their taxes: of these kind is "tax", money in cents as amounts. */
static void put_adjusting(struct cmd *cmd, const struct toll_delta *delta, bool safe)
{
    struct cmd_output *out = &cmd->out;
    struct toll_adjusting_line line;
    struct toll_adjusting_tax tax;
    cmd_put_text(out, "kind,status,account,name,site,currency,period,reason,tax_services,calls,report_period,"
                      "tax_jurisdiction,level,tax,billable,old,new\n");
    for (int64_t i = 0; toll_delta_adjusting(delta, i, &line); i++) {
        put_text(out, line.kind, safe);
        put_text(out, line.status, safe);
        put_text(out, line.account, safe);
        put_text(out, line.account_name, safe);
        put_text(out, line.site, safe);
        put_text(out, line.currency, safe);
        put_text(out, line.period, safe);
        put_text(out, line.reason, safe);
        put_text(out, line.tax_services, safe);
        put_number(out, line.calls);
        cmd_put_text(out, ",,,,,");
        put_money(out, line.before);
        put_money(out, line.after);
        end_row(out);
    }
    for (int64_t i = 0; toll_delta_adjusting_tax(delta, i, &tax); i++) {
        put_text(out, "tax", safe);
        put_text(out, tax.status, safe);
        put_text(out, tax.account, safe);
        put_text(out, tax.name, safe);
        put_text(out, tax.site, safe);
        put_text(out, tax.currency, safe);
        put_text(out, tax.period, safe);
        cmd_put_text(out, ",,,");
        put_text(out, tax.report_period, safe);
        put_text(out, tax.tax_jurisdiction, safe);
        put_text(out, tax.level, safe);
        put_text(out, tax.tax, safe);
        put_number(out, tax.billable);
        put_money(out, tax.before_cents * 1000000);
        put_money(out, tax.after_cents * 1000000);
        end_row(out);
    }
}

int cmd_delta_csv(struct cmd *cmd, struct toll_delta *delta, enum cmd_delta_table table, bool safe,
                  struct toll_error *error)
{
    if (table == CMD_DELTA_LINES)
        return put_lines(cmd, delta, safe, error);
    if (table == CMD_DELTA_SUMS)
        put_sums(cmd, delta, safe);
    else if (table == CMD_DELTA_TAXES)
        put_taxes(cmd, delta, safe);
    else
        put_adjusting(cmd, delta, safe);
    return 0;
}
