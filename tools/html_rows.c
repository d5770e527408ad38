/*
 * Rows of an impact's tables as the HTML report shows them: the weightiest first, with names for people.
 */
#include "html_parts.h"

#include <stdio.h>
#include <stdlib.h>

static int by_weight(const void *a, const void *b)
{
    const struct cmd_html_ranked *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    return x->row < y->row ? -1 : x->row > y->row;
}

struct cmd_html_ranked *cmd_html_rank(struct cmd_html_story *story, enum toll_dimension dimension, int other,
                                      size_t *count)
{
    const struct toll_impact_table *table = &story->impact->tables[dimension];
    struct cmd_html_ranked *ranked = table->count > 0 ? malloc(table->count * sizeof *ranked) : NULL;
    /* Of the same calls, what does not move is not worth a row where there may be many. */
    const bool still_out = other >= 0 && story->impact->same_calls &&
                           (dimension == TOLL_BY_ACCOUNT || dimension == TOLL_BY_DESTINATION);
    *count = 0;
    story->html.failed |= !ranked && table->count > 0;
    for (size_t i = 0; ranked && i < table->count; i++) {
        const struct toll_impact_row *row = &table->rows[i];
        const struct toll_measure *base = &row->books[0], *then = &row->books[other < 0 ? 0 : other];
        const cmd_html_wide was = cmd_html_charge(base), is = cmd_html_charge(then);
        if (base->rows == 0 && then->rows == 0 && was == 0 && is == 0)
            continue;
        if (still_out && was == is && base->suspense == then->suspense)
            continue;
        ranked[*count].weight = cmd_html_magnitude(other < 0 ? was : is - was);
        ranked[(*count)++].row = row;
    }
    if (ranked)
        qsort(ranked, *count, sizeof *ranked, by_weight);
    return ranked;
}

cmd_html_wide cmd_html_most(const struct cmd_html_ranked *ranked, size_t count, const char *currency)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(ranked[i].row->currency, currency) == 0)
            return ranked[i].weight;
    return 0;
}

const struct toll_impact_row *cmd_html_total(const struct toll_impact *impact, const char *currency)
{
    const struct toll_impact_table *table = &impact->tables[TOLL_BY_TOTAL];
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].currency, currency) == 0)
            return &table->rows[i];
    return NULL;
}

const struct toll_impact_accounts *cmd_html_accounts_of(const struct cmd_html_story *story, int other)
{
    for (size_t i = 0; i < story->impact->account_count; i++) {
        const struct toll_impact_accounts *accounts = &story->impact->accounts[i];
        if (accounts->book == other && strcmp(accounts->currency, story->currency) == 0)
            return accounts;
    }
    return NULL;
}

void cmd_html_rest(const struct cmd_html_story *story, const char *table, char *text, size_t room)
{
    switch (story->about->kind) {
    case CMD_HTML_WHATIF:
        snprintf(text, room, "tollmill whatif ... --format csv --table %s", table);
        break;
    case CMD_HTML_COMPARE:
        snprintf(text, room, "tollmill compare RUN_A RUN_B --format csv --table %s", table);
        break;
    case CMD_HTML_RUN:
        snprintf(text, room, "tollmill compare RUN --format csv --table %s", table);
        break;
    }
}

void cmd_html_days_of(const struct cmd_html_story *story, int book, char *text, size_t room)
{
    const struct toll_impact_table *days = &story->impact->tables[TOLL_BY_DAY];
    const char *first = story->impact->books[book].first_day, *last = story->impact->books[book].last_day;
    for (size_t i = 0; i < days->count && !story->impact->books[book].first_day[0]; i++) {
        if (days->rows[i].books[book].rows == 0)
            continue;
        if (!first[0] || strcmp(days->rows[i].key, first) < 0)
            first = days->rows[i].key;
        if (!last[0] || strcmp(days->rows[i].key, last) > 0)
            last = days->rows[i].key;
    }
    cmd_html_days_text(first, last, text, room);
}

const char *cmd_html_book_name(const struct toll_impact *impact, int book)
{
    const struct toll_impact_book *about = &impact->books[book];
    return about->has_factor && about->change[0] ? about->change : about->name;
}

const char *cmd_html_nameless(enum toll_dimension dimension)
{
    switch (dimension) {
    case TOLL_BY_ACCOUNT:
        return "no account";
    case TOLL_BY_DESTINATION:
        return "not named";
    case TOLL_BY_DECK:
        return "no deck";
    case TOLL_BY_PRICE:
        return "no price";
    case TOLL_BY_PLAN:
        return "no plan";
    default:
        return "none";
    }
}

/* Appends with a separator, where there is something. */
static size_t append(char *text, size_t used, size_t room, const char *between, const char *part)
{
    if (!part[0] || used >= room)
        return used;
    const int more = snprintf(text + used, room - used, "%s%s", used > 0 ? between : "", part);
    return more < 0 ? used : used + (size_t)more;
}

void cmd_html_price_text(const struct toll_impact_price *price, char *text, size_t room)
{
    text[0] = '\0';
    if (!price) {
        snprintf(text, room, "no price");
        return;
    }
    char step[32] = "";
    if (price->step > 0)
        snprintf(step, sizeof step, "step %d", price->step);
    size_t used = append(text, 0, room, "", price->deck[0] ? price->deck : price->plan);
    used = append(text, used, room, " ", price->prefix);
    used = append(text, used, room, " ", price->destination);
    used = append(text, used, room, ", ", price->band);
    used = append(text, used, room, ", ", step);
    if (strcmp(price->column, "rate") != 0)
        used = append(text, used, room, ", ", price->column);
    if (used == 0)
        append(text, 0, room, "", price->kind);
}

void cmd_html_terms_text(const struct toll_impact_price *price, char *text, size_t room)
{
    char rate[CMD_HTML_FIGURE], fee[CMD_HTML_FIGURE];
    text[0] = '\0';
    if (!price || price->per_units <= 0)
        return;
    cmd_html_exact_text(price->rate, rate);
    const int used = snprintf(text, room, "%s\xC2\xA0/\xC2\xA0%lld%s%s", rate, (long long)price->per_units,
                              price->unit[0] ? "\xC2\xA0" : "", price->unit);
    if (price->connect_fee == 0 || used < 0 || (size_t)used >= room)
        return;
    cmd_html_exact_text(price->connect_fee, fee);
    snprintf(text + used, room - (size_t)used, " + %s", fee);
}
