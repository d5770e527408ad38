/*
 * tollmill tax --compare and --jurisdictions: effective rates against another run's, and side by side.
 * docs/TAX.md section 7.
 */
#include "tax_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "5", "2.5%", with at most four places: millionths. -1: it is none. */
static int64_t threshold_ppm(const char *text)
{
    int64_t value = 0;
    int places = -1;

    for (; (*text >= '0' && *text <= '9') || (*text == '.' && places < 0); text++) {
        if (*text == '.') {
            places = 0;
            continue;
        }
        if (places == 4 || value > 100000000)
            return -1;
        value = value * 10 + (*text - '0');
        places += places >= 0;
    }
    text += *text == '%';
    if (*text != '\0')
        return -1;
    for (places = places < 0 ? 0 : places; places < 4; places++)
        value *= 10;
    return value;
}

/* Hundredths of a percent: "-3.85%". */
static const char *percent_text(const struct toll_tax_move *move, char text[CMD_CENTS_TEXT + 1])
{
    if (move->change[0] == '\0')
        return "";
    cmd_cents_text(move->change_bp, text);
    return strcat(text, "%");
}

static int open_effects(struct cmd *cmd, const char *run, struct toll_tax_effects **effects)
{
    struct toll_taxes *taxes = NULL;
    struct toll_error error = {0};
    int code = CMD_GO;

    if (toll_taxes_open(run, NULL, &taxes, &error) < 0)
        return cmd_fail(cmd, &error);
    if (toll_tax_effects_open(taxes, NULL, 0, effects, &error) < 0)
        code = cmd_fail(cmd, &error);
    toll_taxes_close(taxes);
    return code;
}

/* ---- compare ---- */

static const char *kind_of(const struct toll_tax_move *move)
{
    return move->before == NULL ? "appeared" : move->after == NULL ? "vanished" : "moved";
}

static void move_json(struct cmd_json *json, const struct toll_tax_move *move)
{
    const struct toll_tax_effect *any = move->before != NULL ? move->before : move->after;

    cmd_json_open(json, NULL, '{');
    cmd_json_text(json, "change", kind_of(move));
    cmd_json_text(json, "tax_jurisdiction", any->tax_jurisdiction);
    cmd_json_text(json, "level", any->level);
    cmd_json_text(json, "tax", any->tax);
    cmd_json_text(json, "name", any->name);
    cmd_json_text(json, "currency", any->currency);
    cmd_json_text(json, "rate_before", move->before != NULL ? move->before->rate : NULL);
    cmd_json_text(json, "rate_after", move->after != NULL ? move->after->rate : NULL);
    cmd_json_text(json, "moved_by", move->change[0] ? move->change : NULL);
    cmd_json_text(json, "charge_before", move->before != NULL ? move->before->charge : NULL);
    cmd_json_text(json, "charge_after", move->after != NULL ? move->after->charge : NULL);
    cmd_json_text(json, "tax_before", move->before != NULL ? move->before->tax_exact : NULL);
    cmd_json_text(json, "tax_after", move->after != NULL ? move->after->tax_exact : NULL);
    cmd_json_close(json, '}');
}

static void move_csv(struct cmd_output *out, const struct toll_tax_move *move, bool safe)
{
    const struct toll_tax_effect *any = move->before != NULL ? move->before : move->after;
    const char *const texts[] = {any->tax_jurisdiction, any->level, any->tax, any->name};
    const char *const numbers[] = {move->before != NULL ? move->before->rate : "",
                                   move->after != NULL ? move->after->rate : "",
                                   move->change,
                                   move->before != NULL ? move->before->charge : "",
                                   move->after != NULL ? move->after->charge : "",
                                   move->before != NULL ? move->before->tax_exact : "",
                                   move->after != NULL ? move->after->tax_exact : ""};

    cmd_put_text(out, kind_of(move));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cmd_put_char(out, ',');
        cmd_csv_text(out, texts[i], safe);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        cmd_put_char(out, ',');
        cmd_put_text(out, numbers[i]);
    }
    cmd_put_format(out, ",%s\n", any->currency);
}

static void moves_print(struct cmd *cmd, const struct toll_tax_moves *moves, const char *threshold)
{
    static const enum cmd_align align[] = {CMD_LEFT,  CMD_LEFT,  CMD_LEFT, CMD_RIGHT,
                                           CMD_RIGHT, CMD_RIGHT, CMD_LEFT};
    struct toll_tax_move move;
    struct cmd_table table;
    int64_t count = 0;

    cmd_table_begin(&table, 7, align);
    cmd_table_row(&table, (const char *const[]){"", "jurisdiction", "tax", "rate before", "rate after",
                                                "moved by", ""});
    for (; toll_tax_move(moves, count, &move); count++) {
        const struct toll_tax_effect *any = move.before != NULL ? move.before : move.after;
        char by[CMD_CENTS_TEXT + 1];
        cmd_table_row(&table, (const char *const[]){kind_of(&move), any->tax_jurisdiction, any->tax,
                                                    move.before ? move.before->rate_short : "",
                                                    move.after ? move.after->rate_short : "",
                                                    percent_text(&move, by), any->currency});
    }
    if (count > 0)
        cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
    cmd_put_format(&cmd->out, "%s%lld taxes compared, %lld moved by more than %s%s, appeared or vanished\n",
                   count > 0 ? "\n" : "", (long long)toll_tax_moves_compared(moves), (long long)count,
                   threshold, strchr(threshold, '%') ? "" : "%");
}

static int put_moves(struct cmd *cmd, const struct toll_tax_moves *moves, const char *const runs[2],
                     const char *threshold, bool csv, bool safe)
{
    struct toll_tax_move move;
    struct cmd_json json;
    int64_t count = 0;

    if (cmd->json) {
        cmd_json_begin(&json, &cmd->out, "tax");
        cmd_json_text(&json, "before", runs[0]);
        cmd_json_text(&json, "after", runs[1]);
        cmd_json_text(&json, "threshold", threshold);
        cmd_json_integer(&json, "compared", toll_tax_moves_compared(moves));
        cmd_json_open(&json, "moves", '[');
        for (; toll_tax_move(moves, count, &move); count++)
            move_json(&json, &move);
        cmd_json_close(&json, ']');
        cmd_json_end(&json);
    } else if (csv) {
        cmd_put_text(&cmd->out,
                     "change,tax_jurisdiction,level,tax,name,rate_before,rate_after,moved_by,charge_before,"
                     "charge_after,tax_before,tax_after,currency\n");
        for (; toll_tax_move(moves, count, &move); count++)
            move_csv(&cmd->out, &move, safe);
    } else {
        moves_print(cmd, moves, threshold);
    }
    return toll_tax_move(moves, 0, &move) ? CMD_FINDINGS : CMD_OK;
}

int cmd_tax_compare(struct cmd *cmd, const struct cmd_tax *tax, const char *run_b, const char *threshold)
{
    struct toll_tax_effects *before = NULL, *after = NULL;
    struct toll_tax_moves *moves = NULL;
    struct toll_error error = {0};
    const int64_t ppm = threshold_ppm(threshold);
    int code;

    if (ppm < 0) {
        cmd_error(cmd, "--threshold %s is no percentage with at most four places: write 5%% or 2.5%%",
                  threshold);
        return CMD_USAGE;
    }
    code = open_effects(cmd, tax->run_path, &before);
    if (code == CMD_GO)
        code = open_effects(cmd, run_b, &after);
    if (code == CMD_GO && toll_tax_moves_open(before, after, ppm, &moves, &error) < 0)
        code = cmd_fail(cmd, &error);
    if (code == CMD_GO)
        code = put_moves(cmd, moves, (const char *const[2]){tax->run_path, run_b}, threshold, tax->to_csv,
                         tax->safe);
    toll_tax_moves_close(moves);
    toll_tax_effects_close(after);
    toll_tax_effects_close(before);
    return code;
}

/* ---- side by side ---- */

#define JURISDICTIONS_MOST 8

/* "A,B,C" in place into names; 0: none, or too many. */
static size_t split_list(char *list, const char *names[JURISDICTIONS_MOST])
{
    size_t count = 0;
    for (char *at = list;; at++) {
        char *comma = strchr(at, ',');
        if (comma != NULL)
            *comma = '\0';
        if (*at == '\0' || count == JURISDICTIONS_MOST)
            return 0;
        names[count++] = at;
        if (comma == NULL)
            return count;
        at = comma;
    }
}

/* The next tax of a currency in the table's order after (tax, currency); false: there is none. */
static bool next_tax(const struct toll_tax_effects *effects, const char **tax, const char **currency)
{
    struct toll_tax_effect one, best = {0};

    for (int64_t i = 0; toll_tax_effect(effects, i, &one); i++) {
        const int order = *tax == NULL ? 1 : strcmp(one.tax, *tax);
        if (order < 0 || (order == 0 && strcmp(one.currency, *currency) <= 0))
            continue;
        const int better = best.tax == NULL ? -1 : strcmp(one.tax, best.tax);
        if (better < 0 || (better == 0 && strcmp(one.currency, best.currency) < 0))
            best = one;
    }
    *tax = best.tax;
    *currency = best.currency;
    return best.tax != NULL;
}

static bool find_effect(const struct toll_tax_effects *effects, const char *jurisdiction, const char *tax,
                        const char *currency, struct toll_tax_effect *out)
{
    for (int64_t i = 0; toll_tax_effect(effects, i, out); i++)
        if (strcmp(out->tax_jurisdiction, jurisdiction) == 0 && strcmp(out->tax, tax) == 0 &&
            strcmp(out->currency, currency) == 0)
            return true;
    return false;
}

static void side_print(struct cmd *cmd, const struct toll_tax_effects *effects, const char *const *names,
                       size_t count)
{
    enum cmd_align align[2 + 2 * JURISDICTIONS_MOST] = {CMD_LEFT};
    const char *row[2 + 2 * JURISDICTIONS_MOST], *tax = NULL, *currency = NULL;
    char cells[JURISDICTIONS_MOST][CMD_CENTS_TEXT];
    struct cmd_table table;

    for (size_t i = 0; i < 2 * count; i++)
        align[1 + i] = CMD_RIGHT;
    align[1 + 2 * count] = CMD_LEFT;
    cmd_table_begin(&table, (int)(2 + 2 * count), align);
    row[0] = "tax";
    for (size_t i = 0; i < count; i++) {
        row[1 + 2 * i] = names[i];
        row[2 + 2 * i] = "rate";
    }
    row[1 + 2 * count] = "";
    cmd_table_row(&table, row);
    while (next_tax(effects, &tax, &currency)) {
        row[0] = tax;
        for (size_t i = 0; i < count; i++) {
            struct toll_tax_effect one;
            const bool found = find_effect(effects, names[i], tax, currency, &one);
            row[1 + 2 * i] = row[2 + 2 * i] = "";
            if (!found)
                continue;
            cmd_cents_text(one.tax_cents, cells[i]);
            row[1 + 2 * i] = cells[i];
            row[2 + 2 * i] = one.rate_short;
        }
        row[1 + 2 * count] = currency;
        cmd_table_row(&table, row);
    }
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

static void effect_json(struct cmd_json *json, const struct toll_tax_effect *one)
{
    cmd_json_open(json, NULL, '{');
    cmd_json_text(json, "tax", one->tax);
    cmd_json_text(json, "name", one->name);
    cmd_json_text(json, "tax_jurisdiction", one->tax_jurisdiction);
    cmd_json_text(json, "level", one->level);
    cmd_json_integer(json, "lines", one->lines);
    cmd_json_text(json, "charge", one->charge);
    cmd_json_text(json, "base", one->base);
    cmd_json_text(json, "exempt", one->exempt);
    cmd_json_text(json, "tax_exact", one->tax_exact);
    cmd_json_integer(json, "tax_cents", one->tax_cents);
    cmd_json_text(json, "rate", one->rate);
    cmd_json_text(json, "rate_of", one->per_line ? "lines" : "charge");
    cmd_json_text(json, "currency", one->currency);
    cmd_json_close(json, '}');
}

static void effect_csv(struct cmd_output *out, const struct toll_tax_effect *one, bool safe)
{
    const char *const texts[] = {one->tax, one->name, one->tax_jurisdiction, one->level};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cmd_csv_text(out, texts[i], safe);
        cmd_put_char(out, ',');
    }
    cmd_put_format(out, "%lld,%s,%s,%s,%s,%lld,%s,%s,%s\n", (long long)one->lines, one->charge, one->base,
                   one->exempt, one->tax_exact, (long long)one->tax_cents, one->rate,
                   one->per_line ? "lines" : "charge", one->currency);
}

/* Each tax in the order of --jurisdictions. */
static void side_rows(struct cmd *cmd, struct cmd_json *json, const struct toll_tax_effects *effects,
                      const char *const *names, size_t count, bool safe)
{
    const char *tax = NULL, *currency = NULL;
    struct toll_tax_effect one;

    while (next_tax(effects, &tax, &currency))
        for (size_t i = 0; i < count; i++)
            if (find_effect(effects, names[i], tax, currency, &one)) {
                if (json)
                    effect_json(json, &one);
                else
                    effect_csv(&cmd->out, &one, safe);
            }
}

int cmd_tax_side_by_side(struct cmd *cmd, const struct cmd_tax *tax, struct toll_taxes *taxes,
                         const char *list)
{
    const char *names[JURISDICTIONS_MOST];
    char *copy = strdup(list);
    const size_t count = copy ? split_list(copy, names) : 0;
    struct toll_tax_effects *effects = NULL;
    struct toll_error error = {0};
    int code = CMD_OK;

    if (count == 0) {
        cmd_error(cmd, "--jurisdictions wants 1 to 8 of tax_jurisdictions.csv: --jurisdictions TX,IL,NY");
        code = CMD_USAGE;
    } else if (toll_tax_effects_open(taxes, names, count, &effects, &error) < 0) {
        code = cmd_fail(cmd, &error);
    } else if (cmd->json) {
        struct cmd_json json;
        cmd_json_begin(&json, &cmd->out, "tax");
        cmd_json_open(&json, "taxes", '[');
        side_rows(cmd, &json, effects, names, count, tax->safe);
        cmd_json_close(&json, ']');
        cmd_json_end(&json);
    } else if (tax->to_csv) {
        cmd_put_text(&cmd->out,
                     "tax,name,tax_jurisdiction,level,lines,charge,base,exempt,tax_exact,tax_cents,rate,"
                     "rate_of,currency\n");
        side_rows(cmd, NULL, effects, names, count, tax->safe);
    } else {
        side_print(cmd, effects, names, count);
    }
    toll_tax_effects_close(effects);
    free(copy);
    return code;
}
