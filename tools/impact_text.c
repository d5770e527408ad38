/* An impact for people: what each book comes to, whom it hurts, and where the money moves. */
#include "impact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL 256
#define COLUMNS_MOST 7 /* of other books in a list; more are in the CSV */
#define CELLS_MOST 16

struct text {
    struct cmd *cmd;
    const struct toll_impact *impact;
    const struct cmd_impact_how *how;
};

static void sum_text(struct toll_sum sum, char text[CELL])
{
    char decimal[TOLL_MONEY_TEXT];
    toll_sum_to_text(sum, decimal);
    cmd_money_text(decimal, text, CELL);
}

/* With a + before what is more. */
static void change_text(struct toll_sum sum, char text[CELL])
{
    const struct toll_sum none = {0};
    text[0] = '+';
    sum_text(sum, cmd_sum_compare(sum, none) > 0 ? text + 1 : text);
}

static void percent_text(struct toll_sum base, struct toll_sum other, char text[CELL])
{
    char percent[32];
    cmd_impact_percent(base, other, percent);
    snprintf(text, CELL, "%s%s%s", percent[0] != 0 && cmd_sum_compare(other, base) > 0 ? "+" : "", percent,
             percent[0] != 0 ? " %" : "");
}

/* A table whose cells are written one by one. */
struct rows {
    struct cmd_table table;
    char cells[CELLS_MOST][CELL];
    int used;
};

static const enum cmd_align left_then_right[CELLS_MOST] = {
    CMD_LEFT,  CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT,
    CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT};

static char *cell(struct rows *rows)
{
    rows->cells[rows->used][0] = 0;
    return rows->cells[rows->used++];
}

static void put(struct rows *rows, const char *text)
{
    snprintf(cell(rows), CELL, "%s", text);
}

static void put_count(struct rows *rows, int64_t count)
{
    cmd_thousands(count, cell(rows), CELL);
}

static void end_row(struct rows *rows)
{
    const char *cells[CELLS_MOST];
    for (int i = 0; i < rows->used; i++)
        cells[i] = rows->cells[i];
    cmd_table_row(&rows->table, cells);
    rows->used = 0;
}

static void begin(struct rows *rows, const char *const *heads, int count)
{
    rows->used = 0;
    cmd_table_begin(&rows->table, count, left_then_right);
    cmd_table_row(&rows->table, heads);
}

static void end(const struct text *text, struct rows *rows)
{
    cmd_table_print(&rows->table, &text->cmd->out, "  ");
    cmd_table_end(&rows->table);
}

/* ---- what each book comes to ---- */

static bool any(const struct toll_impact *impact, bool cost)
{
    for (int b = 0; b < impact->book_count; b++)
        if (cost ? impact->books[b].has_cost : impact->books[b].taxed)
            return true;
    return false;
}

/* Nothing where they are not known. */
static void put_minutes(const struct text *text, struct rows *rows, int64_t billed_s, int book)
{
    char *minutes = cell(rows);
    if (!text->impact->books[book].without_calls)
        cmd_minutes_text(billed_s, minutes, CELL);
}

static void put_book(const struct text *text, struct rows *rows, const struct toll_impact_row *row, int book)
{
    const struct toll_measure *base = &row->books[0], *of = &row->books[book];
    const struct toll_sum was = toll_measure_charge(base), is = toll_measure_charge(of);
    put(rows, text->impact->books[book].name);
    put_count(rows, of->rows);
    put_count(rows, of->suspense);
    put_minutes(text, rows, of->billed_s, book);
    sum_text(is, cell(rows));
    if (book == 0 && text->impact->book_count > 1) {
        put(rows, "");
        put(rows, "");
    } else if (book > 0) {
        change_text(cmd_sum_minus(is, was), cell(rows));
        percent_text(was, is, cell(rows));
    }
    if (any(text->impact, true) && text->impact->books[book].has_cost) {
        sum_text(of->cost, cell(rows));
        sum_text(cmd_impact_margin(of), cell(rows));
    } else if (any(text->impact, true)) {
        put(rows, "");
        put(rows, "");
    }
    if (any(text->impact, false)) {
        struct toll_sum tax = {0};
        toll_sum_add(&tax, of->tax_cents * 1000000);
        sum_text(tax, cell(rows));
        if (!text->impact->books[book].taxed)
            rows->cells[rows->used - 1][0] = 0;
    }
    end_row(rows);
}

static void put_totals(const struct text *text)
{
    const struct toll_impact_table *totals = &text->impact->tables[TOLL_BY_TOTAL];
    for (size_t i = 0; i < totals->count; i++) {
        const char *heads[CELLS_MOST] = {"", "calls", "suspense", "minutes", "", "difference", ""};
        char charge[32];
        int count = text->impact->book_count > 1 ? 7 : 5;
        struct rows rows;
        snprintf(charge, sizeof charge, "charge %s", totals->rows[i].currency);
        heads[4] = charge;
        if (any(text->impact, true)) {
            heads[count++] = "cost";
            heads[count++] = "margin";
        }
        if (any(text->impact, false))
            heads[count++] = "tax";
        begin(&rows, heads, count);
        for (int book = 0; book < text->impact->book_count; book++)
            put_book(text, &rows, &totals->rows[i], book);
        end(text, &rows);
    }
}

/* ---- whom it hurts ---- */

static void put_accounts(const struct text *text)
{
    char moved[CELL], bp[32];
    const char *heads[CELLS_MOST] = {"accounts", "pay less", "by",     "pay more", "by",       "the same",
                                     moved,      "p5",       "median", "p95",      "to a loss"};
    const bool costs = any(text->impact, true);
    struct rows rows;
    if (text->impact->account_count == 0)
        return;
    cmd_impact_bp(text->impact->moved_by_bp, bp);
    for (size_t n = strlen(bp); n > 0 && strchr(bp, '.') != NULL && (bp[n - 1] == '0' || bp[n - 1] == '.');)
        bp[--n] = 0;
    snprintf(moved, sizeof moved, "beyond %s %%", bp);
    cmd_put_text(&text->cmd->out, "\nImpact on accounts (lines and period charges, against the base)\n");
    begin(&rows, heads, costs ? 11 : 10);
    for (size_t i = 0; i < text->impact->account_count; i++) {
        const struct toll_impact_accounts *of = &text->impact->accounts[i];
        snprintf(cell(&rows), CELL, "%s%s%s", text->impact->books[of->book].name,
                 text->impact->tables[TOLL_BY_TOTAL].count > 1 ? " " : "",
                 text->impact->tables[TOLL_BY_TOTAL].count > 1 ? of->currency : "");
        put_count(&rows, of->winners);
        change_text(of->won, cell(&rows));
        put_count(&rows, of->losers);
        change_text(of->lost, cell(&rows));
        put_count(&rows, of->same);
        put_count(&rows, of->moved);
        for (int p = 0; p < TOLL_IMPACT_PERCENTILES; p += 2) {
            cmd_impact_bp(of->percentile_bp[p], bp);
            snprintf(cell(&rows), CELL, "%s%s", of->has_percentile_bp ? bp : "",
                     of->has_percentile_bp ? " %" : "");
        }
        if (costs)
            put_count(&rows, of->to_a_loss);
        end_row(&rows);
    }
    end(text, &rows);
}

/* ---- where it moves ---- */

struct place { /* of a table's rows */
    size_t index;
    struct toll_sum moved;
};

static int by_moved(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    const int order = cmd_sum_compare(y->moved, x->moved);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static struct toll_sum money_moved(const struct toll_impact *impact, const struct toll_impact_row *row)
{
    const struct toll_sum none = {0};
    struct toll_sum sum = {0};
    for (int book = impact->book_count > 1; book < impact->book_count; book++) { /* one alone: its charge */
        const struct toll_sum was = book > 0 ? toll_measure_charge(&row->books[0]) : none;
        const struct toll_sum change = cmd_sum_minus(toll_measure_charge(&row->books[book]), was);
        cmd_sum_join(&sum, cmd_sum_compare(change, none) < 0 ? cmd_sum_minus(none, change) : change);
    }
    return sum;
}

static int other_columns(const struct toll_impact *impact)
{
    return impact->book_count - 1 < COLUMNS_MOST ? impact->book_count - 1 : COLUMNS_MOST;
}

/* Heads of a list: what it is, two of its own, the base's charge, the others' differences; a percent where
 * there is one other. */
static int list_heads(const struct text *text, const char *heads[CELLS_MOST], const char *what,
                      const char *second)
{
    int count = 0;
    heads[count++] = what;
    heads[count++] = second;
    heads[count++] = text->impact->books[0].name;
    for (int book = 1; book <= other_columns(text->impact); book++)
        heads[count++] = text->impact->books[book].name;
    if (text->impact->book_count == 2)
        heads[count++] = "";
    return count;
}

static void put_money(const struct text *text, struct rows *rows, const struct toll_sum *charges)
{
    sum_text(charges[0], cell(rows));
    for (int book = 1; book <= other_columns(text->impact); book++)
        change_text(cmd_sum_minus(charges[book], charges[0]), cell(rows));
    if (text->impact->book_count == 2)
        percent_text(charges[0], charges[1], cell(rows));
}

static void put_more(const struct text *text, size_t more, const char *table)
{
    char count[32];
    if (more == 0)
        return;
    cmd_thousands((int64_t)more, count, sizeof count);
    cmd_put_format(&text->cmd->out, "  %s more: --format csv --table %s\n", count, table);
}

static void put_list(const struct text *text, enum toll_dimension dimension, const char *title,
                     const char *what)
{
    const struct toll_impact_table *table = &text->impact->tables[dimension];
    const struct toll_sum none = {0};
    struct place *places = malloc((table->count + 1) * sizeof *places);
    struct rows rows;
    size_t count = 0;
    const char *heads[CELLS_MOST];
    for (size_t i = 0; places != NULL && i < table->count; i++) {
        const struct toll_sum moved = money_moved(text->impact, &table->rows[i]);
        if (cmd_sum_compare(moved, none) != 0)
            places[count++] = (struct place){i, moved};
    }
    if (count == 0) {
        free(places);
        return;
    }
    qsort(places, count, sizeof *places, by_moved);
    cmd_put_format(&text->cmd->out, "\n%s that %s most\n", title,
                   text->impact->book_count > 1 ? "move" : "pay");
    const bool currencies = text->impact->tables[TOLL_BY_TOTAL].count > 1;
    begin(&rows, heads, list_heads(text, heads, what, "calls"));
    for (size_t i = 0; i < count && i < (size_t)text->how->top; i++) {
        const struct toll_impact_row *row = &table->rows[places[i].index];
        struct toll_sum charges[TOLL_IMPACT_BOOKS_MAX];
        for (int book = 0; book < text->impact->book_count; book++)
            charges[book] = toll_measure_charge(&row->books[book]);
        snprintf(cell(&rows), CELL, "%s%s%s%s%s", row->key[0] != 0 ? row->key : "(none)",
                 row->name[0] != 0 && strcmp(row->name, row->key) != 0 ? " " : "",
                 strcmp(row->name, row->key) != 0 ? row->name : "", currencies ? " " : "",
                 currencies ? row->currency : "");
        put_count(&rows, row->books[0].rows);
        put_money(text, &rows, charges);
        end_row(&rows);
    }
    end(text, &rows);
    put_more(text, count > (size_t)text->how->top ? count - (size_t)text->how->top : 0,
             toll_dimension_name(dimension));
    free(places);
}

static void price_text(const struct text *text, const struct toll_impact_price *price, char out[CELL])
{
    char prefix[80];
    if (price == NULL) {
        snprintf(out, CELL, "(no price)");
        return;
    }
    cmd_impact_prefix(price->prefix, text->how->unmask, prefix, sizeof prefix);
    const char *of = price->deck[0] != 0 ? price->deck : price->plan[0] != 0 ? price->plan : price->kind;
    snprintf(out, CELL, "%.60s%s%.60s%s%.60s%s%.60s", of, prefix[0] != 0 ? " " : "", prefix,
             price->band[0] != 0 ? " " : "", price->band, price->destination[0] != 0 ? " " : "",
             price->destination);
}

static void put_moved(const struct text *text)
{
    const struct toll_impact *impact = text->impact;
    const char *heads[CELLS_MOST];
    struct rows rows;
    size_t shown = 0, more = 0;
    if (impact->moved_count == 0)
        return;
    for (size_t i = 0; i < impact->moved_count; i++) {
        bool moves = false;
        for (int book = 1; book < impact->book_count; book++)
            moves |= cmd_sum_compare(impact->moved[i].charge[book], impact->moved[i].charge[0]) != 0;
        if (!moves && impact->moved[i].left_out == 0)
            continue;
        if (shown == (size_t)text->how->top || impact->moved[i].left_out > 0) {
            more += !moves ? 0 : impact->moved[i].left_out > 0 ? (size_t)impact->moved[i].left_out : 1;
            continue;
        }
        if (shown++ == 0) {
            cmd_put_text(&text->cmd->out, "\nWhat drives it: calls by the base's price row\n");
            begin(&rows, heads, list_heads(text, heads, "price row", "calls"));
        }
        price_text(text, impact->moved[i].price, cell(&rows));
        put_count(&rows, impact->moved[i].rows);
        put_money(text, &rows, impact->moved[i].charge);
        end_row(&rows);
    }
    if (shown == 0)
        return;
    end(text, &rows);
    put_more(text, more, "moved");
}

static void put_suspense(const struct text *text)
{
    static const char *const heads[] = {"in and out of suspense", "", "calls", "base", "then"};
    struct rows rows;
    if (text->impact->status_move_count == 0)
        return;
    cmd_put_char(&text->cmd->out, '\n');
    begin(&rows, heads, 5);
    for (size_t i = 0; i < text->impact->status_move_count; i++) {
        const struct toll_impact_status_move *move = &text->impact->status_moves[i];
        const unsigned statuses[2] = {move->base_status, move->status};
        char names[2][32];
        for (int k = 0; k < 2; k++) {
            const char *reason = toll_status_reason(statuses[k]);
            snprintf(names[k], sizeof names[k], "%s",
                     reason[0] != 0 ? reason : toll_status_name(statuses[k]));
        }
        put(&rows, text->impact->books[move->book].name);
        snprintf(cell(&rows), CELL, "%s -> %s", names[0], names[1]);
        put_count(&rows, move->rows);
        sum_text(move->base_charge, cell(&rows));
        sum_text(move->charge, cell(&rows));
        end_row(&rows);
    }
    end(text, &rows);
}

/* ---- month over month ---- */

static void put_flag(const struct text *text, struct rows *rows, const struct toll_impact_row *row, int book,
                     const struct cmd_impact_flag *flag)
{
    const struct toll_measure *base = &row->books[0], *of = &row->books[book];
    char flags[64];
    cmd_impact_flag_text(flag, flags);
    snprintf(cell(rows), CELL, "%s%s%s", row->key, text->impact->book_count > 2 ? " " : "",
             text->impact->book_count > 2 ? text->impact->books[book].name : "");
    put_count(rows, base->rows);
    put_count(rows, of->rows);
    put_minutes(text, rows, base->billed_s, 0);
    put_minutes(text, rows, of->billed_s, book);
    sum_text(toll_measure_charge(base), cell(rows));
    sum_text(toll_measure_charge(of), cell(rows));
    percent_text(toll_measure_charge(base), toll_measure_charge(of), cell(rows));
    put(rows, flags);
    end_row(rows);
}

static void put_flags(const struct text *text)
{
    static const char *const heads[] = {"account", "calls", "then", "minutes", "then",
                                        "charge",  "then",  "",     "moved"};
    const struct toll_impact_table *table = &text->impact->tables[TOLL_BY_ACCOUNT];
    const int64_t all = cmd_impact_flag_count(text->impact);
    char bp[32], count[32];
    struct rows rows;
    cmd_impact_bp(text->impact->moved_by_bp, bp);
    cmd_thousands(all, count, sizeof count);
    if (text->impact->book_count < 2)
        return;
    cmd_put_format(&text->cmd->out, "\nAccounts beyond %s %% in calls, minutes or charge: %s\n", bp, count);
    if (all == 0)
        return;
    struct place *places = malloc((size_t)all * sizeof *places);
    size_t used = 0;
    const int books = text->impact->book_count;
    for (size_t i = 0; places != NULL && i < table->count; i++)
        for (int book = 1; book < books; book++) {
            struct cmd_impact_flag flag;
            if (!cmd_impact_flagged(text->impact, &table->rows[i], book, &flag))
                continue;
            const struct toll_sum none = {0};
            const struct toll_sum change = cmd_sum_minus(toll_measure_charge(&table->rows[i].books[book]),
                                                         toll_measure_charge(&table->rows[i].books[0]));
            places[used++] =
                (struct place){i * (size_t)books + (size_t)book,
                               cmd_sum_compare(change, none) < 0 ? cmd_sum_minus(none, change) : change};
        }
    if (used > 0)
        qsort(places, used, sizeof *places, by_moved);
    begin(&rows, heads, 9);
    for (size_t i = 0; i < used && i < (size_t)text->how->top; i++) {
        const struct toll_impact_row *row = &table->rows[places[i].index / (size_t)books];
        const int book = (int)(places[i].index % (size_t)books);
        struct cmd_impact_flag flag;
        cmd_impact_flagged(text->impact, row, book, &flag);
        put_flag(text, &rows, row, book, &flag);
    }
    end(text, &rows);
    put_more(text, used > (size_t)text->how->top ? used - (size_t)text->how->top : 0, "flagged");
    free(places);
}

/* Whom `plan:P accounts:*` left where they are. */
static void put_not_moved(const struct text *text)
{
    enum { NAMES = 5 };
    for (int b = 0; b < text->impact->book_count; b++) {
        const struct toll_impact_book *book = &text->impact->books[b];
        if (book->not_moved_count == 0)
            continue;
        cmd_put_format(&text->cmd->out,
                       "\n%s: %zu account%s on no other plan, as its decks are in another currency:",
                       book->name, book->not_moved_count, book->not_moved_count == 1 ? " is" : "s are");
        for (size_t i = 0; i < book->not_moved_count && i < NAMES; i++)
            cmd_put_format(&text->cmd->out, "%s %s", i > 0 ? "," : "", book->not_moved[i]);
        cmd_put_text(&text->cmd->out, book->not_moved_count > NAMES ? ", ...\n" : "\n");
    }
}

void cmd_impact_text(struct cmd *cmd, const struct toll_impact *impact, const struct cmd_impact_how *how)
{
    const struct text text = {.cmd = cmd, .impact = impact, .how = how};
    if (impact->tables[TOLL_BY_TOTAL].count == 0) {
        cmd_put_text(&cmd->out, "There are no calls, and no period charges: nothing moves.\n");
        return;
    }
    put_totals(&text);
    put_not_moved(&text);
    put_accounts(&text);
    if (how->flags)
        put_flags(&text);
    put_list(&text, TOLL_BY_ACCOUNT, "Accounts", "account");
    put_list(&text, TOLL_BY_DESTINATION, "Destinations", "destination");
    put_list(&text, TOLL_BY_PLAN, "Plans", "plan");
    put_moved(&text);
    put_suspense(&text);
}
