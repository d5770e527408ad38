/* The arithmetic of a line (docs/RATING.md sections 6, 7 and 9): units used and billed step by step, the
 * exact sum, minimum and maximum, and the one rounding. */
#include "pipeline/component_rows.h"
#include "pipeline/explain_entries.h"

#include "rating/billed.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const roundings[] = {"half up", "half to even", "up", "down"};

const char *toll_explain_money(toll_money money, char text[TOLL_TOTAL_TEXT_BYTES])
{
    return toll_component_number(money, TOLL_MONEY_DECIMALS, text);
}

const char *toll_explain_unit(const struct toll_explainer *explainer)
{
    static const char *const units[] = {"s", "messages", "messages", "bytes", "events"};
    return units[toll_kind_service(explainer->row->kind)];
}

const char *toll_explain_units(const struct toll_explainer *explainer, int64_t units,
                               char text[TOLL_EXPLAIN_UNITS_BYTES])
{
    snprintf(text, TOLL_EXPLAIN_UNITS_BYTES, "%lld %s", (long long)units,
             units == 1 ? toll_unit_name(toll_kind_service(explainer->row->kind))
                        : toll_explain_unit(explainer));
    return text;
}

/* ---- exactly ---- */

static void trim(char *text)
{
    size_t bytes = strlen(text);
    if (strchr(text, '.') == NULL)
        return;
    while (text[bytes - 1] == '0')
        bytes--;
    text[bytes - (text[bytes - 1] == '.')] = 0;
}

/* num / den in 1e-8 as a decimal where it is one, else as a fraction of two. */
const char *toll_explain_exact(toll_total numerator, toll_total divisor, char text[TOLL_EXPLAIN_EXACT_BYTES])
{
    toll_total a = numerator < 0 ? -numerator : numerator, b = divisor;
    while (b != 0) {
        const toll_total rest = a % b;
        a = b;
        b = rest;
    }
    if (a > 1) {
        numerator /= a;
        divisor /= a;
    }
    toll_total scaled = numerator, left = divisor;
    const toll_total most = (toll_total)1 << 120;
    int decimals = TOLL_MONEY_DECIMALS;
    /* A decimal fraction has no divisor but twos and fives. */
    while (left > 1 && decimals < 18 && scaled < most && scaled > -most && (left % 2 == 0 || left % 5 == 0)) {
        const toll_total common = left % 10 == 0 ? 10 : left % 5 == 0 ? 5 : 2;
        left /= common;
        scaled *= 10 / common;
        decimals++;
    }
    if (left == 1) {
        toll_total_format(scaled, decimals, text);
        trim(text);
        return text;
    }
    char money[TOLL_TOTAL_TEXT_BYTES], about[TOLL_TOTAL_TEXT_BYTES];
    toll_total_format(numerator, TOLL_MONEY_DECIMALS, money);
    trim(money);
    toll_total_format(toll_round_ratio(numerator, divisor, TOLL_HALF_EVEN), TOLL_MONEY_DECIMALS, about);
    snprintf(text, TOLL_EXPLAIN_EXACT_BYTES, "%s / %lld (about %s)", money, (long long)divisor, about);
    return text;
}

/* ---- units ---- */

struct text {
    char text[TOLL_EXPLAIN_TEXT_BYTES];
    size_t bytes;
};

static void put(struct text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (out->bytes < sizeof out->text)
        out->bytes +=
            (size_t)vsnprintf(out->text + out->bytes, sizeof out->text - out->bytes, format, arguments);
    va_end(arguments);
}

static void put_used(struct text *out, const struct toll_explainer *explainer, unsigned rounding,
                     int64_t used)
{
    const struct toll_row *row = explainer->row;
    char units[TOLL_EXPLAIN_UNITS_BYTES];
    static const char *const ways[] = {"rounded up", "cut", "rounded half up", "rounded up"};
    const unsigned service = toll_kind_service(row->kind);
    if (service == TOLL_VOICE && row->duration_ms % 1000 != 0)
        put(out, "%d.%03d s, %s: ", row->duration_ms / 1000, row->duration_ms % 1000, ways[rounding]);
    put(out, "%s", toll_explain_units(explainer, used, units));
}

/* The increments of what is wanted; walked: those of later rows may differ. */
static void put_increments(struct text *out, const struct toll_terms *terms, int64_t wanted, bool walked)
{
    const int64_t initial = terms->initial, increment = terms->increment;
    if (walked)
        put(out, "; first %lld, then steps of %lld or as the row then says%s", (long long)initial,
            (long long)increment,
            terms->init_mode == TOLL_INIT_APPEND ? "" : ", the first one a multiple of them");
    else if (terms->init_mode == TOLL_INIT_ROUND_TOTAL && (increment > 1 || wanted < initial))
        put(out, "; at least %lld, and in all a multiple of %lld", (long long)initial, (long long)increment);
    else if (terms->init_mode == TOLL_INIT_APPEND && wanted > initial)
        put(out, "; first %lld, then %lld of %lld", (long long)initial,
            (long long)((wanted - initial + increment - 1) / increment), (long long)increment);
    else if (terms->init_mode == TOLL_INIT_APPEND)
        put(out, "; first %lld", (long long)initial);
}

static void explain_billed(struct toll_explainer *explainer, const struct toll_terms *terms, bool walked)
{
    const struct toll_row *row = explainer->row;
    const int64_t used = toll_row_used(row, (enum toll_duration_rounding)terms->duration_rounding);
    char units[TOLL_EXPLAIN_UNITS_BYTES];
    struct text out = {.bytes = 0};
    int64_t wanted;
    toll_units_wanted(terms, used, &wanted);
    put_used(&out, explainer, terms->duration_rounding, used);
    if (used == 0 && terms->zero_s == TOLL_ZERO_S_CONNECT)
        put(&out, "; nothing was used, and the deck's zero_s is connect");
    else if (used == 0)
        put(&out, "; nothing was used, and the deck's zero_s is minimum: 1");
    if (used < terms->minimum_units && (used > 0 || terms->zero_s != TOLL_ZERO_S_CONNECT))
        put(&out, "; at least %d", terms->minimum_units);
    if (terms->free_units > 0 && (used > 0 || terms->zero_s != TOLL_ZERO_S_CONNECT))
        put(&out, "; less %d free: %lld", terms->free_units, (long long)wanted);
    if (wanted > 0)
        put_increments(&out, terms, wanted, walked);
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "billed", "", 0, "%s: %s billed", out.text,
                     toll_explain_units(explainer, explainer->answer->billed, units));
}

/* ---- money ---- */

/* exact / divisor, from connect fee and rate to the charge before a credit is negated. */
static void explain_rounding(struct toll_explainer *explainer, const struct toll_terms *terms,
                             toll_total exact, toll_total divisor)
{
    char limit[TOLL_TOTAL_TEXT_BYTES], charge[TOLL_TOTAL_TEXT_BYTES];
    const struct toll_row_answer *answer = explainer->answer;
    if (terms->minimum_charge != 0) {
        toll_explain_money(terms->minimum_charge, limit);
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "minimum", "", 0,
                         exact < terms->minimum_charge * divisor ? "raised to the minimum charge %s"
                                                                 : "the minimum charge %s is reached",
                         limit);
    }
    if (terms->maximum_charge != INT64_MAX) {
        toll_explain_money(terms->maximum_charge, limit);
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "maximum", "", 0,
                         exact > terms->maximum_charge * divisor ? "cut to the maximum charge %s"
                                                                 : "within the maximum charge %s",
                         limit);
    }
    toll_total_format(answer->charge / (toll_money)terms->quantum, terms->decimals, charge);
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "charge", "", 0, "rounded %s to %u decimals: %s%s%s",
                     roundings[terms->rounding], terms->decimals, charge,
                     explainer->included > 0 ? ", if there were no bundles" : "",
                     (explainer->row->kind & TOLL_KIND_CREDIT) != 0 ? " (a credit)" : "");
}

static void explain_deck_charge(struct toll_explainer *explainer, const struct toll_terms *terms)
{
    const int32_t billed = explainer->answer->billed;
    const toll_total exact = (toll_total)terms->connect_fee * terms->per + (toll_total)terms->rate * billed;
    char rate[TOLL_TOTAL_TEXT_BYTES], fee[TOLL_TOTAL_TEXT_BYTES], sum[TOLL_EXPLAIN_EXACT_BYTES];
    toll_explain_money(terms->rate, rate);
    toll_explain_money(terms->connect_fee, fee);
    toll_explain_exact(exact, terms->per, sum);
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "exact", "", 0, "%s%s%s x %d / %d = %s",
                     terms->connect_fee == 0 ? "" : fee, terms->connect_fee == 0 ? "" : " (connect fee) + ",
                     rate, billed, terms->per, sum);
    explain_rounding(explainer, terms, exact, terms->per);
}

static void explain_flat(struct toll_explainer *explainer, const struct toll_terms *terms)
{
    char fee[TOLL_TOTAL_TEXT_BYTES];
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "exact", "", 0, "%s per record",
                     toll_explain_money(terms->connect_fee, fee));
    explain_rounding(explainer, terms, terms->connect_fee, 1);
}

static void explain_markup(struct toll_explainer *explainer, const struct toll_terms *terms)
{
    char provider[TOLL_TOTAL_TEXT_BYTES], percent[TOLL_TOTAL_TEXT_BYTES], fee[TOLL_TOTAL_TEXT_BYTES];
    char sum[TOLL_EXPLAIN_EXACT_BYTES];
    const toll_total hundred = 100000000;
    const toll_total exact = (toll_total)explainer->row->provider_charge * (hundred + terms->rate) +
                             (toll_total)terms->connect_fee * hundred;
    toll_component_number(terms->rate, 6, percent);
    toll_explain_exact(exact, hundred, sum);
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "exact", "", 0,
                     "%s of the provider x (1 + %s / 100) + %s = %s",
                     toll_explain_money(explainer->row->provider_charge, provider), percent,
                     toll_explain_money(terms->connect_fee, fee), sum);
    explain_rounding(explainer, terms, exact, hundred);
}

void toll_explain_charge(struct toll_explainer *explainer, const struct toll_terms *terms)
{
    const struct toll_row_answer *answer = explainer->answer;
    toll_total exact;
    switch (terms->action) {
    case TOLL_ACTION_FLAT:
        explain_flat(explainer, terms);
        break;
    case TOLL_ACTION_MARKUP:
        explain_markup(explainer, terms);
        break;
    case TOLL_ACTION_DECK:
        explain_billed(explainer, terms, answer->found.walk != 0);
        if (answer->found.walk == 0)
            explain_deck_charge(explainer, terms);
        else if (toll_explain_walk(explainer, &exact))
            explain_rounding(explainer, terms, exact, explainer->book->entries[answer->found.walk].walk_per);
        break;
    default:
        break;
    }
}
