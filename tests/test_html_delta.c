/*
 * The HTML report of a delta, over a reader made by hand: 40 accounts in 2 sites, 600 changed lines, taxes
 * and adjusting lines. With a folder as argument the page stays there.
 */
#include "html_fixture.h"

enum { ACCOUNTS = 40, LINES = 600, ADJUSTING = 60, TAXES = 24 };

struct toll_delta {
    int64_t at;
    bool empty, breaks;
};

void toll_delta_facts(const struct toll_delta *delta, struct toll_delta_facts *out)
{
    *out = (struct toll_delta_facts){.old_rows = 20000000, .new_rows = 20000001};
    strcpy(out->digest, "0123456789abcdef0123456789abcdef");
    strcpy(out->old_run, "aa112233445566778899aabbccddeeff");
    strcpy(out->new_run, "bb112233445566778899aabbccddeeff");
    if (delta->empty)
        return;
    out->changed = LINES;
    out->sums = 2 * ACCOUNTS;
    out->taxes = TAXES;
    out->adjusting = ADJUSTING;
    out->adjusting_taxes = 1;
    out->has_closed = true;
    strcpy(out->closed_until, "2026-04-01");
    strcpy(out->report_period, "2026-05");
    out->reason_rows[TOLL_DELTA_RATE] = 500;
    out->reason_rows[TOLL_DELTA_WAS_SUSPENSE] = 100;
}

static const char *account_name(int64_t i)
{
    static char names[ACCOUNTS][16];
    if (i < (int64_t)HOSTILE)
        return hostile_names[i];
    snprintf(names[i], sizeof names[i], "A%04d", (int)i);
    return names[i];
}

/* Site 1 of each account moves by 10.00 more for each, of every third by 7.50 less. */
static int64_t moved_of(int64_t account)
{
    return account % 3 == 2 ? -750000000 * account : 1000000000 * account;
}

bool toll_delta_sum(const struct toll_delta *delta, int64_t index, struct toll_delta_sum *out)
{
    if (delta->empty || index >= 2 * ACCOUNTS)
        return false;
    const int64_t account = index / 2, was = 50000000000 + account * 1000001;
    memset(out, 0, sizeof *out);
    out->account = account_name(account);
    out->account_name = account % 2 ? "Harbour & Sons \"Ltd\"" : "";
    out->site = index % 2 ? "north" : "";
    out->currency = "USD";
    out->lines = index % 2 ? 15 : 0;
    out->before.rows = out->after.rows = 4000;
    out->before.charge = out->after.charge = sum_of(was);
    if (index % 2) {
        out->after.charge = sum_of(was + moved_of(account));
        out->reason_rows[TOLL_DELTA_RATE] = 12;
        out->reason_rows[TOLL_DELTA_WAS_SUSPENSE] = 3;
        out->reason_charge[TOLL_DELTA_RATE] = sum_of(moved_of(account));
    }
    return true;
}

bool toll_delta_tax(const struct toll_delta *delta, int64_t index, struct toll_delta_tax *out)
{
    if (delta->empty || index >= TAXES)
        return false;
    *out = (struct toll_delta_tax){.period = "2026-03-01",
                                   .account = account_name(index),
                                   .site = "north",
                                   .currency = "USD",
                                   .tax_jurisdiction = index % 2 ? "US-CA" : "US-FED",
                                   .level = "state",
                                   .tax = "tax",
                                   .name = "<b>Sales</b> tax",
                                   .billable = true,
                                   .before_cents = 1000 + index,
                                   .after_cents = 1100 + index};
    return true;
}

bool toll_delta_adjusting(const struct toll_delta *delta, int64_t index, struct toll_adjusting_line *out)
{
    static const char *const statuses[] = {"due", "due", "waived", "below_minimum", "too_old", "to_approve"};
    if (delta->empty || index >= ADJUSTING)
        return false;
    const bool credit = index % 4 == 1;
    *out = (struct toll_adjusting_line){.id = index + 1,
                                        .account = account_name(index % ACCOUNTS),
                                        .account_name = "",
                                        .site = "north",
                                        .currency = "USD",
                                        .period = "2026-03-01",
                                        .reason = "rate",
                                        .tax_services = "telecom",
                                        .kind = credit ? "credit" : "debit",
                                        .status = statuses[index % 6],
                                        .calls = 3,
                                        .before = 5 * UNIT,
                                        .after = credit ? 4 * UNIT : 7 * UNIT};
    return true;
}

bool toll_delta_adjusting_tax(const struct toll_delta *delta, int64_t index, struct toll_adjusting_tax *out)
{
    if (delta->empty || index >= 1)
        return false;
    *out = (struct toll_adjusting_tax){.account = "A",
                                       .site = "",
                                       .currency = "USD",
                                       .period = "2026-03-01",
                                       .report_period = "2026-05",
                                       .tax_jurisdiction = "US-CA",
                                       .level = "state",
                                       .tax = "tax",
                                       .name = "Sales tax",
                                       .status = "due",
                                       .billable = true,
                                       .before_cents = 10,
                                       .after_cents = 25};
    return true;
}

void toll_delta_rewind(struct toll_delta *delta)
{
    delta->at = 0;
}

static struct toll_delta_state state_of(int64_t i, int64_t charge, int64_t rate)
{
    static char day[16];
    snprintf(day, sizeof day, "2026-03-%02d", (int)(i % 28) + 1);
    return (struct toll_delta_state){.day = day,
                                     .row = i,
                                     .account = account_name(i % ACCOUNTS),
                                     .site = "north",
                                     .currency = "USD",
                                     .charge = charge,
                                     .price_kind = "deck",
                                     .plan = "",
                                     .deck = "intl",
                                     .prefix = "4479",
                                     .destination = "United Kingdom Mobile",
                                     .band = "",
                                     .price_file = "decks/intl.csv",
                                     .rate = rate,
                                     .per_units = 60};
}

int toll_delta_next(struct toll_delta *delta, struct toll_delta_line *line, struct toll_error *error)
{
    const int64_t i = delta->at++;
    if (delta->breaks && i == 100) {
        error->code = TOLL_EDATA;
        return TOLL_EDATA;
    }
    if (delta->empty || i >= LINES)
        return 0;
    memset(line, 0, sizeof *line);
    line->reason = i % 6 ? TOLL_DELTA_RATE : TOLL_DELTA_WAS_SUSPENSE;
    line->reasons = 1u << line->reason;
    line->closed = i % 2;
    line->before = state_of(i, 10000000 + i * 1000, 1000000);
    line->after = state_of(i, 10000000 + i * 1000 + (i % 5 == 0 ? -i : i) * 1000000, 1250000);
    if (i % 6 == 0)
        line->before.status = TOLL_SUSPENSE_NO_PREFIX; /* its charge means nothing */
    if (i == LINES - 1)
        line->before = (struct toll_delta_state){.day = "",
                                                 .row = -1,
                                                 .account = "",
                                                 .site = "",
                                                 .currency = "",
                                                 .price_kind = "",
                                                 .plan = "",
                                                 .deck = "",
                                                 .prefix = "",
                                                 .destination = "",
                                                 .band = "",
                                                 .price_file = "",
                                                 .pool_bundle = ""};
    return 1;
}

static char *written(struct toll_delta *delta, const char *name)
{
    struct cmd cmd = {.verb = "report"};
    char path[600];
    html_path(name, path);
    const struct cmd_html_about about = {.subject = "runs/2026-03.delta"};
    assert_int_equal(cmd_html_delta(&cmd, delta, &about, path), CMD_OK);
    return html_read(path);
}

static void test_delta(void **state)
{
    (void)state;
    struct toll_delta delta = {0};
    char *text = written(&delta, "delta");
    check_markup(text);
    /* Accounts 0, 1, 3, 4 ... move by 10 x i, sum 780 - 260 = 520 of i: +5,200.00; 2, 5 ... by -7.5 x 260. */
    assert_non_null(strstr(text, ">+3,250.00 USD</strong>"));
    /* 40 x 2 x 500.00 + 2 x 0.01000001 x 780 = 40,015.6000156; 3,250.00 more. */
    assert_non_null(strstr(text, "the charge is 43,265.60 instead of 40,015.60."));
    assert_non_null(strstr(text, ">+24.00 <small>USD</small>"));
    /* 12 times 1,000 + 0, 2, .. 22 cents and 100 more each: federal 12,132 to 13,332 cents. */
    assert_non_null(strstr(text, ">121.32</td>"));
    assert_non_null(strstr(text, ">133.32</td>"));
    /* Due are 0, 1 of each six: of 20 those with index % 4 == 1, 5 credits of 1.00 and 15 debits of 2.00. */
    assert_non_null(strstr(text, "-5.00 <small>USD</small>"));
    assert_non_null(strstr(text, "+30.00 <small>USD</small>"));
    assert_non_null(strstr(text, "These are 250 of 600 rows."));
    /* The line that moved most: 599, which only the new run has; 0.10599 + 5.99. */
    assert_non_null(
        strstr(text, "<tr data-in=\"a39\"><th scope=\"row\" class=\"k\"><bdi>2026-03-12:599</bdi>"));
    free(text);
}

static void test_empty(void **state)
{
    (void)state;
    struct toll_delta delta = {.empty = true};
    char *text = written(&delta, "delta-empty");
    check_markup(text);
    assert_non_null(strstr(text, "0 of 20,000,001 lines changed"));
    free(text);
}

/* A damaged line: no file, and none of a page that was there before is lost. */
static void test_broken(void **state)
{
    (void)state;
    struct toll_delta delta = {0};
    char *before = written(&delta, "delta"), path[600];
    struct cmd cmd = {.verb = "report"};
    delta.breaks = true;
    html_path("delta", path);
    assert_int_equal(cmd_html_delta(&cmd, &delta, &(struct cmd_html_about){0}, path), CMD_DATA);
    char *after = html_read(path);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_delta), cmocka_unit_test(test_empty),
                                       cmocka_unit_test(test_broken)};
    static const char *const names[] = {"delta", "delta-empty", NULL};
    html_folder_begin(argc > 1 ? argv[1] : NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    html_folder_end(names);
    return failed;
}
