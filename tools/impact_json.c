/* All of an impact as one document. */
#include "best_plan.h"
#include "impact.h"

#include <stdio.h>
#include <string.h>

struct document {
    struct cmd_json json;
    const struct toll_impact *impact;
    const struct cmd_impact_how *how;
};

static void put_sum(struct cmd_json *json, const char *key, struct toll_sum sum)
{
    char text[TOLL_MONEY_TEXT];
    toll_sum_to_text(sum, text);
    cmd_json_text(json, key, text);
}

static void put_money(struct cmd_json *json, const char *key, int64_t money)
{
    char text[TOLL_MONEY_TEXT];
    toll_money_to_text(money, text);
    cmd_json_text(json, key, text);
}

/* null: there is none. */
static void put_percent(struct cmd_json *json, const char *key, struct toll_sum base, struct toll_sum other)
{
    char text[32];
    cmd_impact_percent(base, other, text);
    cmd_json_text(json, key, text[0] == 0 ? NULL : text);
}

static void put_not_moved(struct cmd_json *json, const struct toll_impact_book *book)
{
    if (book->not_moved_count == 0)
        return;
    cmd_json_open(json, "not_moved", '[');
    for (size_t i = 0; i < book->not_moved_count; i++)
        cmd_json_text(json, NULL, book->not_moved[i]);
    cmd_json_close(json, ']');
}

static void put_books(struct document *document)
{
    struct cmd_json *json = &document->json;
    cmd_json_open(json, "books", '[');
    for (int b = 0; b < document->impact->book_count; b++) {
        const struct toll_impact_book *book = &document->impact->books[b];
        cmd_json_open(json, NULL, '{');
        cmd_json_text(json, "name", book->name);
        cmd_json_text(json, "change", book->change[0] == 0 ? NULL : book->change);
        if (book->has_factor)
            put_money(json, "factor", book->factor);
        cmd_json_text(json, "book_hash", book->book_hash);
        cmd_json_text(json, "cdr_hash", book->cdr_hash);
        cmd_json_text(json, "run", book->run_digest[0] == 0 ? NULL : book->run_digest);
        cmd_json_text(json, "first_day", book->first_day[0] == 0 ? NULL : book->first_day);
        cmd_json_text(json, "last_day", book->last_day[0] == 0 ? NULL : book->last_day);
        cmd_json_bool(json, "has_cost", book->has_cost);
        cmd_json_bool(json, "taxed", book->taxed);
        cmd_json_bool(json, "with_calls", !book->without_calls);
        put_not_moved(json, book);
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
}

/* ---- tables by a key ---- */

static void put_price(struct document *document, const struct toll_impact_price *price)
{
    struct cmd_json *json = &document->json;
    char prefix[80];
    if (price == NULL) {
        cmd_json_text(json, "kind", NULL);
        return;
    }
    cmd_impact_prefix(price->prefix, document->how->unmask, prefix, sizeof prefix);
    cmd_json_text(json, "kind", price->kind);
    cmd_json_text(json, "plan", price->plan);
    cmd_json_text(json, "deck", price->deck);
    cmd_json_text(json, "prefix", prefix);
    cmd_json_text(json, "band", price->band);
    cmd_json_integer(json, "step", price->step);
    cmd_json_text(json, "column", price->column);
    cmd_json_text(json, "destination", price->destination);
    put_money(json, "rate", price->rate);
    cmd_json_integer(json, "per_units", price->per_units);
    put_money(json, "connect_fee", price->connect_fee);
    cmd_json_text(json, "unit", price->unit);
    cmd_json_text(json, "file", price->file);
    cmd_json_integer(json, "line", price->line);
}

static void put_key(struct document *document, enum toll_dimension dimension,
                    const struct toll_impact_row *row)
{
    static const char *const names[TOLL_DIMENSIONS] = {
        [TOLL_BY_ACCOUNT] = "account", [TOLL_BY_DESTINATION] = "destination",
        [TOLL_BY_CLASS] = "class",     [TOLL_BY_JURISDICTION] = "jurisdiction",
        [TOLL_BY_PLAN] = "plan",       [TOLL_BY_DECK] = "deck",
        [TOLL_BY_DAY] = "day",         [TOLL_BY_STATUS] = "status",
    };
    struct cmd_json *json = &document->json;
    if (dimension == TOLL_BY_PRICE) {
        put_price(document, row->price);
    } else if (dimension == TOLL_BY_HOUR) { /* "1 00" */
        cmd_json_integer(json, "weekday", row->key[0] - '0');
        cmd_json_integer(json, "hour", (row->key[2] - '0') * 10 + row->key[3] - '0');
    } else if (names[dimension] != NULL) {
        cmd_json_text(json, names[dimension], row->key);
    }
    if (dimension == TOLL_BY_ACCOUNT)
        cmd_json_text(json, "name", row->name);
    else if (dimension == TOLL_BY_STATUS)
        cmd_json_text(json, "reason", row->name);
    cmd_json_text(json, "currency", row->currency);
}

static void put_measure(struct document *document, enum toll_dimension dimension,
                        const struct toll_impact_row *row, int book)
{
    struct cmd_json *json = &document->json;
    const struct toll_impact_book *of = &document->impact->books[book];
    const struct toll_measure *measure = &row->books[book];
    const struct toll_sum base = toll_measure_charge(&row->books[0]), charge = toll_measure_charge(measure);
    const bool accounts = dimension == TOLL_BY_ACCOUNT || dimension == TOLL_BY_TOTAL;
    cmd_json_open(json, NULL, '{');
    cmd_json_integer(json, "rows", measure->rows);
    cmd_json_integer(json, "rated", measure->rated);
    cmd_json_integer(json, "suspense", measure->suspense);
    if (!of->without_calls)
        cmd_json_integer(json, "billed_s", measure->billed_s);
    put_sum(json, "charge", measure->charge);
    if (accounts)
        put_sum(json, "periods", measure->periods);
    if (of->has_cost) {
        put_sum(json, "cost", measure->cost);
        put_sum(json, "margin", cmd_impact_margin(measure));
    }
    if (accounts && of->taxed)
        cmd_json_integer(json, "tax_cents", measure->tax_cents);
    if (dimension == TOLL_BY_TOTAL)
        cmd_json_integer(json, "accounts", measure->accounts);
    if (book > 0) {
        put_sum(json, "difference", cmd_sum_minus(charge, base));
        put_percent(json, "percent", base, charge);
    }
    cmd_json_close(json, '}');
}

static void put_table(struct document *document, enum toll_dimension dimension)
{
    struct cmd_json *json = &document->json;
    const struct toll_impact_table *table = &document->impact->tables[dimension];
    cmd_json_open(json, toll_dimension_name(dimension), '[');
    for (size_t i = 0; i < table->count; i++) {
        cmd_json_open(json, NULL, '{');
        put_key(document, dimension, &table->rows[i]);
        cmd_json_open(json, "books", '[');
        for (int book = 0; book < document->impact->book_count; book++)
            put_measure(document, dimension, &table->rows[i], book);
        cmd_json_close(json, ']');
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
}

/* ---- the others ---- */

static void put_moved(struct document *document)
{
    struct cmd_json *json = &document->json;
    cmd_json_open(json, "moved", '[');
    for (size_t i = 0; i < document->impact->moved_count; i++) {
        const struct toll_impact_moved *row = &document->impact->moved[i];
        cmd_json_open(json, NULL, '{');
        if (row->left_out > 0)
            cmd_json_integer(json, "left_out", row->left_out);
        else
            put_price(document, row->price);
        cmd_json_text(json, "currency", row->currency);
        cmd_json_integer(json, "rows", row->rows);
        put_sum(json, "charge", row->charge[0]);
        cmd_json_open(json, "charge_then", '[');
        for (int book = 1; book < document->impact->book_count; book++)
            put_sum(json, NULL, row->charge[book]);
        cmd_json_close(json, ']');
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
}

static void put_suspense(struct document *document)
{
    struct cmd_json *json = &document->json;
    cmd_json_open(json, "suspense", '[');
    for (size_t i = 0; i < document->impact->status_move_count; i++) {
        const struct toll_impact_status_move *move = &document->impact->status_moves[i];
        cmd_json_open(json, NULL, '{');
        cmd_json_integer(json, "book", move->book);
        cmd_json_text(json, "base_status", toll_status_name(move->base_status));
        cmd_json_text(json, "base_reason", toll_status_reason(move->base_status));
        cmd_json_text(json, "status", toll_status_name(move->status));
        cmd_json_text(json, "reason", toll_status_reason(move->status));
        cmd_json_text(json, "currency", move->currency);
        cmd_json_integer(json, "rows", move->rows);
        put_sum(json, "base_charge", move->base_charge);
        put_sum(json, "charge", move->charge);
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
}

static void put_accounts(struct document *document, const struct toll_impact_accounts *of)
{
    struct cmd_json *json = &document->json;
    char key[16], text[32];
    cmd_json_open(json, NULL, '{');
    cmd_json_integer(json, "book", of->book);
    cmd_json_text(json, "currency", of->currency);
    cmd_json_integer(json, "winners", of->winners);
    cmd_json_integer(json, "losers", of->losers);
    cmd_json_integer(json, "same", of->same);
    put_sum(json, "won", of->won);
    put_sum(json, "lost", of->lost);
    cmd_json_integer(json, "moved", of->moved);
    cmd_json_open(json, "percentiles", '{');
    for (int p = 0; p < TOLL_IMPACT_PERCENTILES; p++) {
        snprintf(key, sizeof key, "%d", cmd_impact_percentiles[p]);
        put_sum(json, key, of->percentile[p]);
    }
    cmd_json_close(json, '}');
    cmd_json_open(json, "percentiles_percent", '{');
    for (int p = 0; p < TOLL_IMPACT_PERCENTILES; p++) {
        snprintf(key, sizeof key, "%d", cmd_impact_percentiles[p]);
        cmd_impact_bp(of->percentile_bp[p], text);
        cmd_json_text(json, key, of->has_percentile_bp ? text : NULL);
    }
    cmd_json_close(json, '}');
    cmd_json_open(json, "classes", '{');
    for (int c = 0; c < TOLL_IMPACT_CLASSES; c++)
        cmd_json_integer(json, cmd_impact_class(c), of->in_class[c]);
    cmd_json_close(json, '}');
    if (document->impact->books[0].has_cost && document->impact->books[of->book].has_cost)
        cmd_json_integer(json, "to_a_loss", of->to_a_loss);
    cmd_json_close(json, '}');
}

static void put_flagged(struct document *document)
{
    struct cmd_json *json = &document->json;
    const struct toll_impact_table *accounts = &document->impact->tables[TOLL_BY_ACCOUNT];
    struct cmd_impact_flag flag;
    char text[64];
    cmd_json_open(json, "flagged", '[');
    for (size_t i = 0; i < accounts->count; i++)
        for (int book = 1; book < document->impact->book_count; book++) {
            if (!cmd_impact_flagged(document->impact, &accounts->rows[i], book, &flag))
                continue;
            cmd_impact_flag_text(&flag, text);
            cmd_json_open(json, NULL, '{');
            cmd_json_text(json, "account", accounts->rows[i].key);
            cmd_json_text(json, "currency", accounts->rows[i].currency);
            cmd_json_integer(json, "book", book);
            cmd_json_text(json, "flags", text);
            cmd_json_close(json, '}');
        }
    cmd_json_close(json, ']');
}

void cmd_impact_json(struct cmd *cmd, const struct toll_impact *impact, const struct cmd_impact_how *how)
{
    struct document document = {.impact = impact, .how = how};
    struct cmd_json *json = &document.json;
    char text[32];
    cmd_json_begin(json, &cmd->out, cmd->verb);
    cmd_json_bool(json, "same_calls", impact->same_calls);
    cmd_impact_bp(impact->moved_by_bp, text);
    cmd_json_text(json, "moved_by_percent", text);
    put_books(&document);
    for (int d = 0; d < TOLL_DIMENSIONS; d++)
        if (d != TOLL_BY_PRICE || impact->tables[d].count > 0)
            if (d != TOLL_BY_PLAN || impact->has_plans)
                put_table(&document, (enum toll_dimension)d);
    if (impact->same_calls) {
        put_moved(&document);
        put_suspense(&document);
    }
    cmd_json_open(json, "impact", '[');
    for (size_t i = 0; i < impact->account_count; i++)
        put_accounts(&document, &impact->accounts[i]);
    cmd_json_close(json, ']');
    if (how->flags)
        put_flagged(&document);
    if (how->best != NULL && how->best->plan_count > 0)
        cmd_best_plan_json(json, how->best);
    cmd_json_end(json);
}
