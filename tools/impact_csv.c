/* One table of an impact as CSV: a line for each row and book. */
#include "impact.h"

#include <stdio.h>
#include <string.h>

struct csv {
    struct cmd_output *out;
    const struct toll_impact *impact;
    const struct cmd_impact_how *how;
};

static void text_cell(const struct csv *csv, const char *text)
{
    cmd_csv_text(csv->out, text, !csv->how->raw);
    cmd_put_char(csv->out, ',');
}

static void count_cell(const struct csv *csv, int64_t count)
{
    cmd_put_integer(csv->out, count);
    cmd_put_char(csv->out, ',');
}

static void sum_cell(const struct csv *csv, struct toll_sum sum)
{
    char text[TOLL_MONEY_TEXT];
    cmd_put(csv->out, text, toll_sum_to_text(sum, text));
    cmd_put_char(csv->out, ',');
}

static void money_cell(const struct csv *csv, int64_t money)
{
    char text[TOLL_MONEY_TEXT];
    cmd_put(csv->out, text, toll_money_to_text(money, text));
    cmd_put_char(csv->out, ',');
}

static void empty_cell(const struct csv *csv)
{
    cmd_put_char(csv->out, ',');
}

/* empty where it is not known */
static void seconds_cell(const struct csv *csv, int64_t billed_s, int book)
{
    if (csv->impact->books[book].without_calls)
        empty_cell(csv);
    else
        count_cell(csv, billed_s);
}

/* ends a line whose last cell it is */
static void last_cell(const struct csv *csv, const char *text)
{
    cmd_put_text(csv->out, text);
    cmd_put_char(csv->out, '\n');
}

/* ---- tables by a key ---- */

static const char price_head[] =
    "kind,plan,deck,prefix,band,step,column,destination,rate,per_units,connect_fee,unit,file,line,";

static void price_cells(const struct csv *csv, const struct toll_impact_price *price)
{
    char prefix[80];
    if (price == NULL) {
        cmd_put_text(csv->out, ",,,,,,,,,,,,,,");
        return;
    }
    cmd_impact_prefix(price->prefix, csv->how->unmask, prefix, sizeof prefix);
    text_cell(csv, price->kind);
    text_cell(csv, price->plan);
    text_cell(csv, price->deck);
    text_cell(csv, prefix);
    text_cell(csv, price->band);
    count_cell(csv, price->step);
    text_cell(csv, price->column);
    text_cell(csv, price->destination);
    money_cell(csv, price->rate);
    count_cell(csv, price->per_units);
    money_cell(csv, price->connect_fee);
    text_cell(csv, price->unit);
    text_cell(csv, price->file);
    count_cell(csv, price->line);
}

static const char *const key_heads[TOLL_DIMENSIONS] = {
    [TOLL_BY_TOTAL] = "",
    [TOLL_BY_ACCOUNT] = "account,name,",
    [TOLL_BY_DESTINATION] = "destination,",
    [TOLL_BY_CLASS] = "class,",
    [TOLL_BY_JURISDICTION] = "jurisdiction,",
    [TOLL_BY_PLAN] = "plan,",
    [TOLL_BY_DECK] = "deck,",
    [TOLL_BY_HOUR] = "weekday,hour,",
    [TOLL_BY_DAY] = "day,",
    [TOLL_BY_STATUS] = "status,reason,",
    [TOLL_BY_PRICE] = price_head,
};

static void key_cells(const struct csv *csv, enum toll_dimension dimension, const struct toll_impact_row *row)
{
    switch (dimension) {
    case TOLL_BY_TOTAL:
        break;
    case TOLL_BY_HOUR: /* "1 00" */
        cmd_put_format(csv->out, "%.1s,%d,", row->key, (row->key[2] - '0') * 10 + row->key[3] - '0');
        break;
    case TOLL_BY_PRICE:
        price_cells(csv, row->price);
        break;
    default:
        text_cell(csv, row->key);
        if (dimension == TOLL_BY_ACCOUNT || dimension == TOLL_BY_STATUS)
            text_cell(csv, row->name);
    }
}

static void measure_cells(const struct csv *csv, enum toll_dimension dimension,
                          const struct toll_impact_row *row, int book)
{
    const struct toll_measure *measure = &row->books[book];
    const struct toll_impact_book *of = &csv->impact->books[book];
    const struct toll_sum base = toll_measure_charge(&row->books[0]), charge = toll_measure_charge(measure);
    const bool accounts = dimension == TOLL_BY_ACCOUNT || dimension == TOLL_BY_TOTAL;
    char percent[32];
    text_cell(csv, row->currency);
    text_cell(csv, of->name);
    count_cell(csv, measure->rows);
    count_cell(csv, measure->rated);
    count_cell(csv, measure->suspense);
    seconds_cell(csv, measure->billed_s, book);
    sum_cell(csv, measure->charge);
    if (accounts)
        sum_cell(csv, measure->periods);
    if (of->has_cost) {
        sum_cell(csv, measure->cost);
        sum_cell(csv, cmd_impact_margin(measure));
    } else {
        empty_cell(csv);
        empty_cell(csv);
    }
    if (accounts && of->taxed)
        count_cell(csv, measure->tax_cents);
    else if (accounts)
        empty_cell(csv);
    if (dimension == TOLL_BY_TOTAL)
        count_cell(csv, measure->accounts);
    if (book == 0) {
        empty_cell(csv);
        last_cell(csv, "");
        return;
    }
    sum_cell(csv, cmd_sum_minus(charge, base));
    cmd_impact_percent(base, charge, percent);
    last_cell(csv, percent);
}

static void put_table(const struct csv *csv, enum toll_dimension dimension)
{
    const struct toll_impact_table *table = &csv->impact->tables[dimension];
    const bool accounts = dimension == TOLL_BY_ACCOUNT || dimension == TOLL_BY_TOTAL;
    cmd_put_format(
        csv->out,
        "%scurrency,book,rows,rated,suspense,billed_s,charge,%scost,margin,%s%sdifference,percent\n",
        key_heads[dimension], accounts ? "periods," : "", accounts ? "tax_cents," : "",
        dimension == TOLL_BY_TOTAL ? "accounts," : "");
    for (size_t i = 0; i < table->count; i++)
        for (int book = 0; book < csv->impact->book_count; book++) {
            key_cells(csv, dimension, &table->rows[i]);
            measure_cells(csv, dimension, &table->rows[i], book);
        }
}

/* ---- the others ---- */

static void put_moved(const struct csv *csv)
{
    cmd_put_format(csv->out, "%scurrency,rows,left_out,charge,book,charge_then,difference\n", price_head);
    for (size_t i = 0; i < csv->impact->moved_count; i++)
        for (int book = 1; book < csv->impact->book_count; book++) {
            const struct toll_impact_moved *row = &csv->impact->moved[i];
            char text[TOLL_MONEY_TEXT];
            price_cells(csv, row->price);
            text_cell(csv, row->currency);
            count_cell(csv, row->rows);
            count_cell(csv, row->left_out);
            sum_cell(csv, row->charge[0]);
            text_cell(csv, csv->impact->books[book].name);
            sum_cell(csv, row->charge[book]);
            toll_sum_to_text(cmd_sum_minus(row->charge[book], row->charge[0]), text);
            last_cell(csv, text);
        }
}

static void put_suspense(const struct csv *csv)
{
    cmd_put_text(csv->out, "book,base_status,base_reason,status,reason,currency,rows,base_charge,charge\n");
    for (size_t i = 0; i < csv->impact->status_move_count; i++) {
        const struct toll_impact_status_move *move = &csv->impact->status_moves[i];
        char text[TOLL_MONEY_TEXT];
        text_cell(csv, csv->impact->books[move->book].name);
        text_cell(csv, toll_status_name(move->base_status));
        text_cell(csv, toll_status_reason(move->base_status));
        text_cell(csv, toll_status_name(move->status));
        text_cell(csv, toll_status_reason(move->status));
        text_cell(csv, move->currency);
        count_cell(csv, move->rows);
        sum_cell(csv, move->base_charge);
        toll_sum_to_text(move->charge, text);
        last_cell(csv, text);
    }
}

static void put_impact(const struct csv *csv)
{
    cmd_put_text(csv->out, "book,currency,winners,losers,same,won,lost,moved");
    for (int p = 0; p < TOLL_IMPACT_PERCENTILES; p++)
        cmd_put_format(csv->out, ",p%d", cmd_impact_percentiles[p]);
    for (int p = 0; p < TOLL_IMPACT_PERCENTILES; p++)
        cmd_put_format(csv->out, ",p%d_percent", cmd_impact_percentiles[p]);
    for (int c = 0; c < TOLL_IMPACT_CLASSES; c++)
        cmd_put_format(csv->out, ",%s", cmd_impact_class(c));
    cmd_put_text(csv->out, ",to_a_loss\n");
    for (size_t i = 0; i < csv->impact->account_count; i++) {
        const struct toll_impact_accounts *of = &csv->impact->accounts[i];
        char text[32];
        text_cell(csv, csv->impact->books[of->book].name);
        text_cell(csv, of->currency);
        count_cell(csv, of->winners);
        count_cell(csv, of->losers);
        count_cell(csv, of->same);
        sum_cell(csv, of->won);
        sum_cell(csv, of->lost);
        count_cell(csv, of->moved);
        for (int p = 0; p < TOLL_IMPACT_PERCENTILES; p++)
            sum_cell(csv, of->percentile[p]);
        for (int p = 0; p < TOLL_IMPACT_PERCENTILES; p++) {
            cmd_impact_bp(of->percentile_bp[p], text);
            text_cell(csv, of->has_percentile_bp ? text : "");
        }
        for (int c = 0; c < TOLL_IMPACT_CLASSES; c++)
            count_cell(csv, of->in_class[c]);
        const bool costs = csv->impact->books[0].has_cost && csv->impact->books[of->book].has_cost;
        snprintf(text, sizeof text, "%lld", (long long)of->to_a_loss);
        last_cell(csv, costs ? text : "");
    }
}

static void put_flagged(const struct csv *csv)
{
    const struct toll_impact_table *accounts = &csv->impact->tables[TOLL_BY_ACCOUNT];
    cmd_put_text(csv->out, "account,name,currency,book,flags,calls_base,calls,billed_s_base,billed_s,"
                           "charge_base,charge,difference,percent\n");
    for (size_t i = 0; i < accounts->count; i++)
        for (int book = 1; book < csv->impact->book_count; book++) {
            const struct toll_impact_row *row = &accounts->rows[i];
            const struct toll_measure *base = &row->books[0], *other = &row->books[book];
            struct cmd_impact_flag flag;
            char flags[64], percent[32];
            if (!cmd_impact_flagged(csv->impact, row, book, &flag))
                continue;
            cmd_impact_flag_text(&flag, flags);
            text_cell(csv, row->key);
            text_cell(csv, row->name);
            text_cell(csv, row->currency);
            text_cell(csv, csv->impact->books[book].name);
            text_cell(csv, flags);
            count_cell(csv, base->rows);
            count_cell(csv, other->rows);
            seconds_cell(csv, base->billed_s, 0);
            seconds_cell(csv, other->billed_s, book);
            sum_cell(csv, toll_measure_charge(base));
            sum_cell(csv, toll_measure_charge(other));
            sum_cell(csv, cmd_sum_minus(toll_measure_charge(other), toll_measure_charge(base)));
            cmd_impact_percent(toll_measure_charge(base), toll_measure_charge(other), percent);
            last_cell(csv, percent);
        }
}

void cmd_impact_csv(struct cmd *cmd, const struct toll_impact *impact, const struct cmd_impact_how *how)
{
    const struct csv csv = {.out = &cmd->out, .impact = impact, .how = how};
    for (int d = 0; d < TOLL_DIMENSIONS; d++)
        if (strcmp(how->table, toll_dimension_name((enum toll_dimension)d)) == 0)
            put_table(&csv, (enum toll_dimension)d);
    if (strcmp(how->table, "moved") == 0)
        put_moved(&csv);
    else if (strcmp(how->table, "suspense") == 0)
        put_suspense(&csv);
    else if (strcmp(how->table, "impact") == 0)
        put_impact(&csv);
    else if (strcmp(how->table, "flagged") == 0)
        put_flagged(&csv);
}
