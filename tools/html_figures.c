/*
 * Figures of the HTML report as text. In integers; what is shown is rounded once, from the exact amount.
 */
#include "html_page.h"

#include <stdio.h>
#include <string.h>

#define CENT 1000000 /* in 1e-8 */
#define UNIT 100000000

/* "1,234.50" of an amount in 1e-8, to `places` places, which hold it exactly. */
static void put_decimal(cmd_html_wide money, int places, enum cmd_html_sign sign, char text[CMD_HTML_FIGURE])
{
    char decimal[TOLL_MONEY_TEXT], fixed[CMD_HTML_FIGURE];
    const bool less = money < 0;
    const cmd_html_wide up = cmd_html_magnitude(money);
    const struct toll_sum sum = {.low = (uint64_t)up, .high = (int64_t)(up >> 64)};
    toll_sum_to_text(sum, decimal);
    cmd_money_text(decimal, fixed, sizeof fixed);
    char *point = strchr(fixed, '.');
    if (point && (int)strlen(point + 1) > places)
        point[places > 0 ? places + 1 : 0] = '\0';
    snprintf(text, CMD_HTML_FIGURE, "%s%.60s",
             less                                   ? "-"
             : sign == CMD_HTML_SIGNED && money > 0 ? "+"
                                                    : "",
             fixed);
}

static cmd_html_wide rounded(cmd_html_wide value, cmd_html_wide unit)
{
    const cmd_html_wide up = (cmd_html_magnitude(value) + unit / 2) / unit * unit;
    return value < 0 ? -up : up;
}

void cmd_html_exact_text(cmd_html_wide money, char text[CMD_HTML_FIGURE])
{
    put_decimal(money, 8, CMD_HTML_PLAIN, text);
}

void cmd_html_money_text(cmd_html_wide money, enum cmd_html_sign sign, char text[CMD_HTML_FIGURE])
{
    if (cmd_html_magnitude(money) < CENT)
        put_decimal(money, 8, sign, text);
    else
        put_decimal(rounded(money, CENT), 2, sign, text);
}

void cmd_html_short_text(cmd_html_wide money, cmd_html_wide step, char text[CMD_HTML_FIGURE])
{
    static const struct {
        cmd_html_wide unit;
        const char *name;
    } scales[] = {{(cmd_html_wide)UNIT * 1000000000, "bn"},
                  {(cmd_html_wide)UNIT * 1000000, "M"},
                  {(cmd_html_wide)UNIT * 1000, "k"}};
    char figure[CMD_HTML_FIGURE];
    cmd_html_wide shown = money;
    const char *name = NULL;
    for (int i = 0; i < 3 && !name; i++) {
        if (cmd_html_magnitude(money) < scales[i].unit || step * 1000 < scales[i].unit)
            continue;
        shown = rounded(money / (scales[i].unit / UNIT), UNIT / 1000);
        name = scales[i].name;
    }
    put_decimal(shown, 8, CMD_HTML_PLAIN, figure);
    char *end = figure + strlen(figure), *point = strchr(figure, '.');
    while (point && end > point && (end[-1] == '0' || end - 1 == point))
        *--end = '\0';
    snprintf(text, CMD_HTML_FIGURE, "%.50s%s%s", figure, name ? "\xC2\xA0" : "", name ? name : "");
}

void cmd_html_count_text(int64_t count, enum cmd_html_sign sign, char text[CMD_HTML_FIGURE])
{
    const bool plus = sign == CMD_HTML_SIGNED && count > 0;
    text[0] = '+';
    cmd_thousands(count, text + plus, CMD_HTML_FIGURE - 1);
}

bool cmd_html_percent(cmd_html_wide base, cmd_html_wide other, int64_t *bp)
{
    *bp = 0;
    if (base == 0)
        return other == 0;
    cmd_html_wide moved = cmd_html_magnitude(other - base), of = cmd_html_magnitude(base);
    while (moved >> 110) /* 20,000 times it must stay within 128 bits */
        moved >>= 1, of >>= 1;
    if (of == 0)
        of = 1;
    cmd_html_wide up = (moved * 20000 + of) / (of * 2);
    if (up > INT32_MAX)
        up = INT32_MAX;
    *bp = (int64_t)(other < base ? -up : up);
    return true;
}

void cmd_html_percent_text(int64_t bp, enum cmd_html_sign sign, char text[CMD_HTML_FIGURE])
{
    char whole[CMD_HTML_FIGURE];
    const int64_t up = bp < 0 ? -bp : bp;
    cmd_thousands(up / 100, whole, sizeof whole);
    snprintf(text, CMD_HTML_FIGURE, "%s%.40s.%02d\xC2\xA0%%",
             bp < 0                              ? "-"
             : sign == CMD_HTML_SIGNED && bp > 0 ? "+"
                                                 : "",
             whole, (int)(up % 100));
}

void cmd_html_limit_text(int64_t bp, char text[CMD_HTML_FIGURE])
{
    if (bp % 100 == 0)
        snprintf(text, CMD_HTML_FIGURE, "%lld\xC2\xA0%%", (long long)(bp / 100));
    else
        cmd_html_percent_text(bp, CMD_HTML_PLAIN, text);
}

void cmd_html_money(struct cmd_html *html, cmd_html_wide money, enum cmd_html_sign sign)
{
    char text[CMD_HTML_FIGURE];
    cmd_html_money_text(money, sign, text);
    cmd_html_put(html, text);
}

void cmd_html_count(struct cmd_html *html, int64_t count)
{
    char text[CMD_HTML_FIGURE];
    cmd_html_count_text(count, CMD_HTML_PLAIN, text);
    cmd_html_put(html, text);
}

int cmd_html_scale(cmd_html_wide value, cmd_html_wide most, int length)
{
    cmd_html_wide up = cmd_html_magnitude(value), of = cmd_html_magnitude(most);
    if (up == 0 || of == 0)
        return 0;
    while (of >> 90)
        up >>= 1, of >>= 1;
    const cmd_html_wide scaled = (up * length * 2 + of) / (of * 2);
    return scaled < 1 ? 1 : scaled > length ? length : (int)scaled;
}
