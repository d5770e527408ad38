/*
 * Pools and counts of tiers for people and for programs. See pools.h.
 */
#include "pools.h"
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_TO_PEOPLE 20

static int by_name(const void *a, const void *b)
{
    const struct toll_pool_balance *x = a, *y = b;
    const char *pairs[][2] = {{x->bundle, y->bundle}, {x->account, y->account}, {x->site, y->site},
                              {x->number, y->number}, {x->pool, y->pool},       {x->period, y->period}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const int order = strcmp(pairs[i][0], pairs[i][1]);
        if (order != 0)
            return order;
    }
    return 0;
}

/* A run that went on from another one keeps the periods in which now nothing is: their lots stay what they
 * were (docs/RATING.md 12.1). */
static bool anything(const struct toll_pool_balance *pool)
{
    return pool->granted != 0 || pool->rolled_in != 0 || pool->over != 0;
}

/* Telephone numbers are masked; a trunk's or a hint's name is not. */
static const char *number_text(const char *number, bool unmask, char text[64])
{
    if (unmask || number[0] != '+')
        return number;
    cmd_mask(number, text, 64);
    return text;
}

static void whose(const struct toll_pool_balance *pool, bool unmask, char *text, size_t room)
{
    char number[64];
    if (pool->pool[0])
        snprintf(text, room, "pool %s", pool->pool);
    else
        snprintf(text, room, "%s%s%s%s%s", pool->account, pool->site[0] ? ", site " : "", pool->site,
                 pool->number[0] ? ", " : "", number_text(pool->number, unmask, number));
}

/* ---- for people ---- */

static void print_pools(struct cmd *cmd, const struct toll_pool_balance *pools, int64_t count, int64_t top,
                        bool unmask)
{
    static const enum cmd_align align[] = {CMD_LEFT,  CMD_LEFT,  CMD_LEFT,  CMD_RIGHT, CMD_RIGHT,
                                           CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_LEFT,  CMD_LEFT};
    struct cmd_table table;
    cmd_table_begin(&table, 10, align);
    cmd_table_row(&table, (const char *const[]){"bundle", "of", "period", "size", "rolled in", "used", "left",
                                                "over", "unit", "exhausted (UTC)"});
    for (int64_t i = 0; i < count && i < top; i++) {
        const struct toll_pool_balance *pool = &pools[i];
        char name[256], size[32], rolled[32], used[32], left[32], over[32], when[32] = "";
        whose(pool, unmask, name, sizeof name);
        cmd_thousands(pool->granted, size, sizeof size);
        cmd_thousands(pool->rolled_in, rolled, sizeof rolled);
        cmd_thousands(pool->used, used, sizeof used);
        cmd_thousands(pool->rolled_out + pool->expired, left, sizeof left);
        cmd_thousands(pool->over, over, sizeof over);
        if (pool->exhausted_ms != 0)
            toll_time_to_text(pool->exhausted_ms, when);
        cmd_table_row(&table, (const char *const[]){pool->bundle, name, pool->period, size, rolled, used,
                                                    left, over, pool->unit, when});
    }
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
    if (count > top)
        cmd_put_format(&cmd->out, "... and %lld more; --top N shows more\n", (long long)(count - top));
}

static void print_counts(struct cmd *cmd, const struct toll_run *run, int64_t top, bool unmask)
{
    static const enum cmd_align align[] = {CMD_LEFT,  CMD_LEFT,  CMD_LEFT,  CMD_RIGHT,
                                           CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT};
    struct toll_tier_count count;
    struct cmd_table table;
    int64_t at = 0;
    if (!toll_run_tier_count(run, 0, &count))
        return;
    cmd_table_begin(&table, 8, align);
    cmd_table_row(&table, (const char *const[]){"tiers", "of", "period", "units", "lines", "fees",
                                                "to minimum", "above maximum"});
    for (; toll_run_tier_count(run, at, &count); at++) {
        const int64_t money[] = {count.spend, count.fee, count.minimum, count.maximum};
        char name[256], number[64], units[32], texts[4][64];
        if (at >= top)
            continue;
        snprintf(name, sizeof name, "%s%s%s%s%s", count.account, count.site[0] ? ", site " : "", count.site,
                 count.number[0] ? ", " : "", number_text(count.number, unmask, number));
        cmd_thousands(count.units, units, sizeof units);
        for (int i = 0; i < 4; i++) {
            char decimal[TOLL_MONEY_TEXT];
            toll_money_to_text(money[i], decimal);
            cmd_money_text(decimal, texts[i], sizeof texts[i]);
        }
        cmd_table_row(&table, (const char *const[]){count.tiers, name, count.period, units, texts[0],
                                                    texts[1], texts[2], texts[3]});
    }
    cmd_put_char(&cmd->out, '\n');
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
    if (at > top)
        cmd_put_format(&cmd->out, "... and %lld more; --top N shows more\n", (long long)(at - top));
}

/* ---- for programs ---- */

static void json_pools(struct cmd_json *json, const struct toll_pool_balance *pools, int64_t count,
                       int64_t top, bool unmask)
{
    cmd_json_integer(json, "pool_count", count);
    cmd_json_open(json, "pools", '[');
    for (int64_t i = 0; i < count && i < top; i++) {
        const struct toll_pool_balance *pool = &pools[i];
        char number[64], when[32];
        cmd_json_open(json, NULL, '{');
        cmd_json_text(json, "bundle", pool->bundle);
        cmd_json_text(json, "scope", pool->scope);
        cmd_json_text(json, "account", pool->account);
        cmd_json_text(json, "site", pool->site);
        cmd_json_text(json, "number", number_text(pool->number, unmask, number));
        cmd_json_text(json, "pool", pool->pool);
        cmd_json_text(json, "unit", pool->unit);
        cmd_json_text(json, "period", pool->period);
        cmd_json_integer(json, "granted", pool->granted);
        cmd_json_integer(json, "rolled_in", pool->rolled_in);
        cmd_json_integer(json, "used", pool->used);
        cmd_json_integer(json, "left", pool->rolled_out + pool->expired);
        cmd_json_integer(json, "rolled_out", pool->rolled_out);
        cmd_json_integer(json, "expired", pool->expired);
        cmd_json_integer(json, "over", pool->over);
        if (pool->exhausted_ms != 0)
            toll_time_to_text(pool->exhausted_ms, when);
        cmd_json_text(json, "exhausted", pool->exhausted_ms != 0 ? when : NULL);
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
}

static void json_money(struct cmd_json *json, const char *key, int64_t money)
{
    char decimal[TOLL_MONEY_TEXT];
    toll_money_to_text(money, decimal);
    cmd_json_text(json, key, decimal);
}

static void json_counts(struct cmd_json *json, const struct toll_run *run, int64_t top, bool unmask)
{
    struct toll_tier_count count;
    cmd_json_open(json, "tiers", '[');
    for (int64_t i = 0; i < top && toll_run_tier_count(run, i, &count); i++) {
        char number[64];
        cmd_json_open(json, NULL, '{');
        cmd_json_text(json, "tiers", count.tiers);
        cmd_json_text(json, "account", count.account);
        cmd_json_text(json, "site", count.site);
        cmd_json_text(json, "number", number_text(count.number, unmask, number));
        cmd_json_text(json, "period", count.period);
        cmd_json_integer(json, "units", count.units);
        json_money(json, "spend", count.spend);
        json_money(json, "fee", count.fee);
        json_money(json, "minimum", count.minimum);
        json_money(json, "maximum", count.maximum);
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
}

/* ---- both ---- */

static void print(struct cmd *cmd, const char *path, const struct toll_run *run,
                  const struct toll_pool_balance *pools, int64_t count, int64_t top, bool unmask)
{
    if (cmd->json) {
        struct cmd_json json;
        cmd_json_begin(&json, &cmd->out, "pools");
        cmd_json_text(&json, "run", path);
        json_pools(&json, pools, count, top, unmask);
        json_counts(&json, run, top, unmask);
        cmd_json_end(&json);
        return;
    }
    if (count == 0)
        cmd_put_format(&cmd->out, "%s: no bundle was subscribed or drawn on\n", path);
    else
        print_pools(cmd, pools, count, top, unmask);
    print_counts(cmd, run, top, unmask);
}

int cmd_pools(struct cmd *cmd, const char *path, int64_t top, bool unmask)
{
    struct toll_error error = {0};
    struct toll_run *run = NULL;
    struct toll_pool_balance one;
    int64_t count = 0;
    if (toll_run_open(path, NULL, &run, &error) < 0)
        return cmd_fail(cmd, &error);
    while (toll_run_pool(run, count, &one))
        count++;
    struct toll_pool_balance *pools = calloc((size_t)count + 1, sizeof *pools);
    if (!pools) {
        toll_run_close(run);
        return cmd_fail_text(cmd, CMD_BUG, "out of memory");
    }
    count = 0;
    for (int64_t i = 0; toll_run_pool(run, i, &pools[count]); i++)
        count += anything(&pools[count]);
    qsort(pools, (size_t)count, sizeof *pools, by_name);
    if (top < 0)
        top = cmd->json ? INT64_MAX : SHOWN_TO_PEOPLE;
    print(cmd, path, run, pools, count, top, unmask);
    free(pools);
    toll_run_close(run);
    return CMD_OK;
}
