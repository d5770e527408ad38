/* What tiers charge of a line (docs/RATING.md section 13): tier by tier, where it is known what was counted
 * before it. */
#include "pipeline/draws.h"
#include "pipeline/explain_entries.h"

#include "rating/tiers.h"

#include <stdio.h>

static const char *const modes[] = {"graduated", "volume", "package"};

static int64_t blocks(int64_t units, int32_t per)
{
    return units / per + (units % per != 0);
}

/* Of one tier: so many units, or blocks; adds to the sum, which is times `divisor`. */
static void explain_tier(struct toll_explainer *explainer, const struct toll_tiers *tiers,
                         const struct toll_tier *tier, int64_t had, int64_t has, toll_total divisor,
                         toll_total *sum)
{
    const struct toll_book *book = explainer->book;
    const char *unit = toll_explain_unit(explainer);
    const bool package = tiers->mode == TOLL_TIER_PACKAGE;
    const int64_t count = package ? blocks(has, tier->per) - blocks(had, tier->per) : has - had;
    const toll_total exact = (toll_total)tier->rate * count;
    char rate[TOLL_TOTAL_TEXT_BYTES], amount[TOLL_EXPLAIN_EXACT_BYTES];
    toll_explain_money(tier->rate, rate);
    toll_explain_exact(exact, package ? 1 : tier->per, amount);
    *sum += package ? exact * divisor : exact * (divisor / tier->per);
    if (package)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "tier", toll_book_string(book, tiers->file),
                         tier->line, "the tier above %lld: %lld %s, %lld new blocks of %d: %s x %lld = %s",
                         (long long)tier->from_qty, (long long)(has - had), unit, (long long)count, tier->per,
                         rate, (long long)count, amount);
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "tier", toll_book_string(book, tiers->file),
                         tier->line, "the tier above %lld: %s x %lld / %d = %s", (long long)tier->from_qty,
                         rate, (long long)count, tier->per, amount);
}

static void explain_pieces(struct toll_explainer *explainer, const struct toll_tiers *tiers, int64_t before,
                           int64_t units)
{
    const struct toll_tier *rows = explainer->book->tier_rows;
    const toll_total divisor = tiers->mode == TOLL_TIER_PACKAGE ? 1 : tiers->per;
    const uint32_t end = tiers->first + tiers->count;
    toll_total sum = 0;
    for (uint32_t i = toll_tiers_reached(tiers, rows, before); i < end; i++) {
        const int64_t after = before + units, floor = rows[i].from_qty;
        const int64_t until = i + 1 < end && rows[i + 1].from_qty < after ? rows[i + 1].from_qty : after;
        const int64_t had = before > floor ? before - floor : 0, has = until > floor ? until - floor : 0;
        if (has > had)
            explain_tier(explainer, tiers, &rows[i], had, has, divisor, &sum);
    }
    char text[TOLL_EXPLAIN_EXACT_BYTES];
    if (units > 0)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "exact", "", 0, "together %s",
                         toll_explain_exact(sum, divisor, text));
}

static void explain_volume(struct toll_explainer *explainer, const struct toll_tiers *tiers, int64_t reached,
                           int64_t units)
{
    const struct toll_book *book = explainer->book;
    const struct toll_tier *tier = &book->tier_rows[toll_tiers_reached(tiers, book->tier_rows, reached)];
    char rate[TOLL_TOTAL_TEXT_BYTES], amount[TOLL_EXPLAIN_EXACT_BYTES];
    toll_explain_money(tier->rate, rate);
    toll_explain_exact((toll_total)tier->rate * units, tier->per, amount);
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "tier", toll_book_string(book, tiers->file), tier->line,
                     "%lld units reach the tier above %lld: %s x %lld / %d = %s", (long long)reached,
                     (long long)tier->from_qty, rate, (long long)units, tier->per, amount);
}

void toll_explain_tiers(struct toll_explainer *explainer, uint32_t index,
                        const struct toll_drawn_line *stored)
{
    static const char *const periods[] = {"calendar month", "billing period"};
    static const char *const scopes[] = {"number", "site", "account", "parent account"};
    static const char *const roundings[] = {"half up", "half to even", "up", "down"};
    const struct toll_book *book = explainer->book;
    const struct toll_tiers *tiers = &book->tiers[index];
    const char *unit = toll_explain_unit(explainer);
    const char *name = toll_book_string(book, tiers->name), *file = toll_book_string(book, tiers->file);
    const int32_t units = stored->billed - stored->included;
    const bool call = tiers->period == TOLL_TIER_CALL, known = call || explainer->turns != NULL;
    const int64_t counted = call ? 0 : known ? explainer->turns->counted : 0;
    char money[TOLL_TOTAL_TEXT_BYTES], before[64] = "";
    toll_explain_money(stored->charge, money);
    if (known && !call)
        snprintf(before, sizeof before, tiers->mode == TOLL_TIER_VOLUME ? " (%lld)" : ", %lld",
                 (long long)counted);
    if (call)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "tiers", file, tiers->line, "%s, %s, by itself: %d %s",
                         name, modes[tiers->mode], units, unit);
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "tiers", file, tiers->line,
                         "%s, %s, counted by %s and %s: %d %s %s%s", name, modes[tiers->mode],
                         scopes[tiers->scope], periods[tiers->period], units, unit,
                         tiers->mode == TOLL_TIER_VOLUME ? "at the tier that all of the period reach"
                                                         : "after those that came before",
                         before);
    if (known && tiers->mode == TOLL_TIER_VOLUME)
        explain_volume(explainer, tiers, call ? units : counted, units);
    else if (known)
        explain_pieces(explainer, tiers, counted, units);
    const bool more = call && (tiers->minimum_spend != 0 || tiers->maximum_spend != INT64_MAX ||
                               book->tier_rows[tiers->first].flat != 0);
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "charge", "", 0, "%srounded %s to %u decimals: %s%s",
                     more ? "with fees of the tiers, minimum and maximum, " : "", roundings[tiers->rounding],
                     tiers->decimals, money,
                     (explainer->row->kind & TOLL_KIND_CREDIT) != 0 ? " (a credit)" : "");
}
