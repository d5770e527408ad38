/* What text, CSV and JSON of an impact have in common. */
#include "impact.h"

#include <stdio.h>
#include <string.h>

#define MOVED_JSON 1000 /* price rows that a document lists; --table moved has all */

const int cmd_impact_percentiles[TOLL_IMPACT_PERCENTILES] = {5, 25, 50, 75, 95};

static const char *const other_tables[] = {"moved", "suspense", "impact", "flagged"};

const char *cmd_impact_table_names(void)
{
    return "totals, accounts, destinations, classes, jurisdictions, plans, decks, hours, days, statuses, "
           "prices, moved, suspense, impact, flagged";
}

bool cmd_impact_is_table(const char *name)
{
    for (int d = 0; d < TOLL_DIMENSIONS; d++)
        if (strcmp(name, toll_dimension_name((enum toll_dimension)d)) == 0)
            return true;
    for (size_t i = 0; i < sizeof other_tables / sizeof *other_tables; i++)
        if (strcmp(name, other_tables[i]) == 0)
            return true;
    return false;
}

int cmd_impact_moved_by(struct cmd *cmd, const char *text, int64_t *bp)
{
    int64_t money = 10 * INT64_C(100000000);
    if (text != NULL && (toll_money_from_text(text, strlen(text), &money) < 0 || money < 0 ||
                         money % 1000000 != 0 || money > INT64_C(100000000000000))) {
        cmd_error(cmd, "--moved-by is a percentage from 0 on with at most 2 decimals, not \"%s\"", text);
        return CMD_USAGE;
    }
    *bp = money / 1000000;
    return CMD_GO;
}

void cmd_impact_needs(const struct cmd *cmd, const struct cmd_impact_how *how, bool prices,
                      size_t *moved_most, bool *make_prices)
{
    const bool csv = how->csv && !cmd->json && how->table != NULL;
    *make_prices = prices || (csv && strcmp(how->table, "prices") == 0);
    *moved_most = csv && strcmp(how->table, "moved") == 0 ? 0
                  : how->top > MOVED_JSON                 ? (size_t)how->top
                                                          : MOVED_JSON;
}

int cmd_impact_print(struct cmd *cmd, const struct toll_impact *impact, const struct cmd_impact_how *how)
{
    if (!cmd->json && how->csv) {
        if (!cmd_impact_is_table(how->table)) {
            cmd_error(cmd, "there is no table \"%s\"; there are: %s", how->table, cmd_impact_table_names());
            return CMD_USAGE;
        }
        cmd_impact_csv(cmd, impact, how);
    } else if (cmd->json) {
        cmd_impact_json(cmd, impact, how);
    } else {
        cmd_impact_text(cmd, impact, how);
    }
    return CMD_OK;
}

/* ---- flags ---- */

static struct toll_sum sum_of(int64_t value)
{
    struct toll_sum sum = {0};
    toll_sum_add(&sum, value);
    return sum;
}

static bool is_there(const struct toll_measure *measure)
{
    const struct toll_sum none = {0};
    return measure->rows != 0 || cmd_sum_compare(measure->periods, none) != 0;
}

bool cmd_impact_flagged(const struct toll_impact *impact, const struct toll_impact_row *account, int book,
                        struct cmd_impact_flag *flag)
{
    const struct toll_measure *base = &account->books[0], *other = &account->books[book];
    const int64_t bp = impact->moved_by_bp;
    memset(flag, 0, sizeof *flag);
    if (account->key[0] == 0) /* calls without account are nobody's bill */
        return false;
    if (is_there(base) != is_there(other)) {
        flag->appeared = is_there(other);
        flag->vanished = is_there(base);
        return true;
    }
    flag->calls = toll_impact_beyond(sum_of(base->rows), sum_of(other->rows), bp);
    const bool minutes = !impact->books[0].without_calls && !impact->books[book].without_calls;
    flag->minutes = minutes && toll_impact_beyond(sum_of(base->billed_s), sum_of(other->billed_s), bp);
    flag->charge = toll_impact_beyond(toll_measure_charge(base), toll_measure_charge(other), bp);
    return flag->calls || flag->minutes || flag->charge;
}

int64_t cmd_impact_flag_count(const struct toll_impact *impact)
{
    const struct toll_impact_table *accounts = &impact->tables[TOLL_BY_ACCOUNT];
    struct cmd_impact_flag flag;
    int64_t count = 0;
    for (size_t i = 0; i < accounts->count; i++)
        for (int book = 1; book < impact->book_count; book++)
            count += cmd_impact_flagged(impact, &accounts->rows[i], book, &flag);
    return count;
}

void cmd_impact_flag_text(const struct cmd_impact_flag *flag, char text[64])
{
    snprintf(text, 64, "%s%s%s%s%s", flag->calls ? " calls" : "", flag->minutes ? " minutes" : "",
             flag->charge ? " charge" : "", flag->appeared ? " appeared" : "",
             flag->vanished ? " vanished" : "");
    memmove(text, text + 1, strlen(text));
}

/* ---- texts ---- */

void cmd_impact_prefix(const char *prefix, bool unmask, char *text, size_t room)
{
    snprintf(text, room, "%s", prefix);
    if (!unmask)
        cmd_mask_within(text, false);
}

void cmd_impact_bp(int64_t bp, char text[32])
{
    const uint64_t size = bp < 0 ? -(uint64_t)bp : (uint64_t)bp;
    snprintf(text, 32, "%s%llu.%02u", bp < 0 ? "-" : "", (unsigned long long)(size / 100),
             (unsigned)(size % 100));
}

void cmd_impact_percent(struct toll_sum base, struct toll_sum other, char text[32])
{
    int64_t bp;
    if (toll_impact_percent(base, other, &bp))
        cmd_impact_bp(bp, text);
    else
        text[0] = 0;
}

struct toll_sum cmd_impact_margin(const struct toll_measure *measure)
{
    return cmd_sum_minus(toll_measure_charge(measure), measure->cost);
}

const char *cmd_impact_class(int class_)
{
    static const char *const names[TOLL_IMPACT_CLASSES] = {
        "below -50", "-50..-25", "-25..-10", "-10..-5", "-5..-1", "-1..0",    "0",
        "0..1",      "1..5",     "5..10",    "10..25",  "25..50", "above 50", "from 0"};
    return class_ >= 0 && class_ < TOLL_IMPACT_CLASSES ? names[class_] : "";
}
