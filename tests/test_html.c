/*
 * The HTML report from impacts made by hand. With a folder as argument the files stay there, for the test
 * that opens them in a browser.
 */
#include "html_fixture.h"
#include "html_page.h"
#include "impact_fixture.h"

static char *written(const struct toll_impact *impact, const struct cmd_html_about *about, const char *name)
{
    struct cmd cmd = {.verb = "whatif"};
    char path[600];
    html_path(name, path);
    assert_int_equal(cmd_html_impact(&cmd, impact, about, path), CMD_OK);
    return html_read(path);
}

/* ---- figures, by hand ---- */

static void test_figures(void **state)
{
    (void)state;
    static const struct {
        __int128 money, step;
        const char *plain, *with_sign, *shortened;
    } cases[] = {
        {0, 1, "0.00", "0.00", "0"},
        {1, 1, "0.00000001", "+0.00000001", "0.00000001"},
        {-999999, 1, "-0.00999999", "-0.00999999", "-0.00999999"},
        {1000000, 1, "0.01", "+0.01", "0.01"},
        {1499999, 1, "0.01", "+0.01", "0.01499999"},
        {1500000, 1, "0.02", "+0.02", "0.015"},
        {-1500000, 1, "-0.02", "-0.02", "-0.015"},
        {99999500000, 1, "1,000.00", "+1,000.00", "999.995"},
        {123450000000, UNIT, "1,234.50", "+1,234.50", "1.235\xC2\xA0k"},
        {123450000000, UNIT / 2, "1,234.50", "+1,234.50", "1,234.5"},
        {(__int128)2500000 * UNIT, 1000 * UNIT, "2,500,000.00", "+2,500,000.00", "2.5\xC2\xA0M"},
        {-(__int128)7000000000LL * UNIT, UNIT * UNIT, "-7,000,000,000.00", "-7,000,000,000.00",
         "-7\xC2\xA0"
         "bn"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[CMD_HTML_FIGURE];
        cmd_html_money_text(cases[i].money, CMD_HTML_PLAIN, text);
        assert_string_equal(text, cases[i].plain);
        cmd_html_money_text(cases[i].money, CMD_HTML_SIGNED, text);
        assert_string_equal(text, cases[i].with_sign);
        cmd_html_short_text(cases[i].money, cases[i].step, text);
        assert_string_equal(text, cases[i].shortened);
    }
    int64_t bp;
    assert_true(cmd_html_percent(300, 301, &bp) && bp == 33);
    assert_true(cmd_html_percent(200, 199, &bp) && bp == -50);
    assert_true(cmd_html_percent(-200, -199, &bp) && bp == 50);
    assert_true(cmd_html_percent(40000, 40003, &bp) && bp == 1); /* 0.0075 % */
    assert_true(cmd_html_percent(0, 0, &bp) && bp == 0);
    assert_false(cmd_html_percent(0, 1, &bp));
    assert_true(cmd_html_percent((__int128)1 << 120, (__int128)3 << 119, &bp) && bp == 5000);
    assert_int_equal(cmd_html_scale(1, 1000000, 100), 1);
    assert_int_equal(cmd_html_scale(-50, 100, 100), 50);
    assert_int_equal(cmd_html_scale((__int128)1 << 119, (__int128)1 << 120, 500), 250);
    assert_int_equal(cmd_html_scale(5, 0, 100), 0);
}

static void test_days(void **state)
{
    (void)state;
    char text[96];
    cmd_html_days_text("2026-03-01", "2026-03-31", text, sizeof text);
    assert_string_equal(text, "1 to 31 March 2026");
    cmd_html_days_text("2026-03-01", "2026-03-01", text, sizeof text);
    assert_string_equal(text, "1 March 2026");
    cmd_html_days_text("2025-12-31", "2026-01-02", text, sizeof text);
    assert_string_equal(text, "31 December 2025 to 2 January 2026");
    cmd_html_days_text("", "", text, sizeof text);
    assert_string_equal(text, "");
}

/* ---- pages ---- */

static void test_whatif(void **state)
{
    (void)state;
    struct made *made = made_impact(2, 415);
    const struct cmd_html_about about = {.subject = "/data/cdrs/march"};
    char *text = written(&made->impact, &about, "whatif");
    check_markup(text);
    assert_non_null(strstr(text, ">+1,234.50 USD</strong>"));
    assert_non_null(strstr(text, "(+2.73\xC2\xA0%)")); /* 1,234.50 of 45,151.13 */
    assert_non_null(strstr(text, "46,385.63"));
    assert_non_null(strstr(text, "&lt;script&gt;alert(1)&lt;/sc<wbr>ript&gt;"));
    assert_non_null(strstr(text, "call 1212xxxxx34 now"));
    assert_non_null(strstr(text, "<bdi>march</bdi>"));
    assert_null(strstr(text, "/data/cdrs"));
    char *again = written(&made->impact, &about, "whatif");
    assert_string_equal(text, again);
    free(again);
    free(text);
    made_free(made);
}

static void test_sweep(void **state)
{
    (void)state;
    struct made *made = made_impact(8, 60);
    struct toll_impact_book *books = (struct toll_impact_book *)made->impact.books;
    for (int i = 1; i < 8; i++) {
        books[i].has_factor = true;
        books[i].factor = 85000000 + i * 5000000;
    }
    char *text = written(&made->impact, &(struct cmd_html_about){0}, "sweep");
    check_markup(text);
    assert_int_equal(times(text, "<article"), 7);
    assert_int_equal(times(text, "<circle class=\"dot\""), 21); /* three curves */
    free(text);
    made_free(made);
}

static void test_compare(void **state)
{
    (void)state;
    struct made *made = made_impact(2, 80);
    made->impact.same_calls = made->impact.has_plans = false;
    made->impact.moved_count = made->impact.status_move_count = 0;
    struct toll_impact_book *books = (struct toll_impact_book *)made->impact.books;
    books[0].name = "2026-03";
    books[1].name = "2026-04";
    books[1].first_day = "2026-04-01";
    books[1].last_day = "2026-04-30";
    struct toll_impact_row *days = made_table(made, TOLL_BY_DAY, 61);
    for (int d = 0; d < 61; d++) {
        char key[32];
        snprintf(key, sizeof key, "2026-%02d-%02d", d < 31 ? 3 : 4, d < 31 ? d + 1 : d - 30);
        days[d].key = made_text(made, key);
        measure_set(&days[d], d >= 31, 9000, (d % 7 ? 1500 + d * 3 : 420) * UNIT);
    }
    struct toll_impact_row *accounts = (struct toll_impact_row *)made->impact.tables[TOLL_BY_ACCOUNT].rows;
    measure_set(&accounts[20], 0, 0, 0);
    measure_set(&accounts[21], 1, 0, 0);
    char *text = written(&made->impact, &(struct cmd_html_about){.kind = CMD_HTML_COMPARE}, "compare");
    check_markup(text);
    assert_non_null(strstr(text, "<span class=\"flag\">new</span>"));
    assert_non_null(strstr(text, "<span class=\"flag\">gone</span>"));
    assert_int_equal(times(text, "<circle class=\"touch\""), 61);
    free(text);
    made_free(made);
}

static void test_run(void **state)
{
    (void)state;
    struct made *made = made_impact(1, 300);
    struct toll_suspense_group groups[3] = {{.status = TOLL_SUSPENSE_NO_PREFIX,
                                             .rows = 1180,
                                             .day = "2026-03-02",
                                             .row = 17,
                                             .account = "A0001",
                                             .about = "+4475",
                                             .file = "decks/intl.csv",
                                             .columns = "prefix,rate",
                                             .add = "4475,RATE",
                                             .advice = "Add the prefix 4475 to the deck intl."},
                                            {.status = TOLL_SUSPENSE_NO_ACCOUNT,
                                             .rows = 40,
                                             .day = "2026-03-01",
                                             .row = 3,
                                             .account = "",
                                             .about = "+12125551234",
                                             .file = "numbers.csv",
                                             .columns = "number,account",
                                             .add = "12125551234,ACCOUNT",
                                             .advice = "Say whose number <b>+12125551234</b> is."},
                                            {.status = TOLL_SUSPENSE_BLOCKED,
                                             .rows = 2,
                                             .day = "2026-03-09",
                                             .row = 1,
                                             .account = "",
                                             .about = "",
                                             .file = "",
                                             .columns = "",
                                             .add = "",
                                             .advice = hostile_names[1]}};
    const struct toll_suspense_report waiting = {
        .groups = groups, .count = 3, .rows = 1230, .more_rows = 8, .more_groups = 2};
    ((struct toll_impact_book *)made->impact.books)[0].name = "2026-03";
    strcpy(((struct toll_impact_book *)made->impact.books)[0].run_digest, "ffeeddccbbaa99887766554433221100");
    const struct cmd_html_about about = {.kind = CMD_HTML_RUN, .subject = "cdrs", .suspense = &waiting};
    char *text = written(&made->impact, &about, "run");
    check_markup(text);
    assert_non_null(strstr(text, "no prefix"));
    assert_non_null(strstr(text, "These are 3 of 5 rows."));
    free(text);
    made_free(made);
}

/* Nothing at all, 64 books, sums near 128 bits, two currencies, names of half a kilobyte. */
static void test_extremes(void **state)
{
    (void)state;
    struct made *made = calloc(1, sizeof *made);
    assert_non_null(made);
    made_books(made, 2);
    made->impact.moved_by_bp = 0;
    char *text = written(&made->impact, &(struct cmd_html_about){0}, "empty");
    check_markup(text);
    free(text);
    made_free(made);

    made = made_impact(64, 40);
    struct toll_impact_row *totals = made_table(made, TOLL_BY_TOTAL, 2);
    totals[0].key = totals[0].currency = "EUR";
    totals[1].key = totals[1].currency = "<b>";
    char name[600];
    memset(name, 'W', sizeof name);
    name[599] = '\0';
    struct toll_impact_row *accounts = (struct toll_impact_row *)made->impact.tables[TOLL_BY_ACCOUNT].rows;
    accounts[30].key = name;
    for (int b = 0; b < 64; b++) {
        measure_set(&totals[0], b, 5, (b % 2 ? 1 : -1) * ((__int128)1 << 115));
        measure_set(&totals[1], b, 6, b);
        measure_set(&accounts[30], b, INT64_MAX / 200, (__int128)b << 90);
    }
    text = written(&made->impact, &(struct cmd_html_about){0}, "extremes");
    check_markup(text);
    assert_null(strstr(text, "<b>"));
    free(text);
    made_free(made);
}

static void test_refused(void **state)
{
    (void)state;
    struct made *made = made_impact(2, 3);
    struct cmd cmd = {.verb = "whatif"};
    char path[600];
    html_path("nowhere/x", path);
    assert_int_equal(cmd_html_impact(&cmd, &made->impact, &(struct cmd_html_about){0}, path), CMD_CREATE);
    made_free(made);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures),  cmocka_unit_test(test_days),    cmocka_unit_test(test_whatif),
        cmocka_unit_test(test_sweep),    cmocka_unit_test(test_compare), cmocka_unit_test(test_run),
        cmocka_unit_test(test_extremes), cmocka_unit_test(test_refused),
    };
    static const char *const names[] = {"whatif", "sweep", "compare", "run", "empty", "extremes", NULL};
    html_folder_begin(argc > 1 ? argv[1] : NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    html_folder_end(names);
    return failed;
}
