/* Records that are two CDRs (docs/RATING.md section 4): whose candidates are whose, and which leg nobody of
 * ours pays because the other end does. Worked out by hand. */
#include "row_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define ACME "12125550100"
#define ACME_2 "12125550101"
#define BETA "12125550200"
#define STRANGER "13105550111"
#define OTHER "14155550111"

struct record {
    const char *caller, *callee, *charged, *trunk, *hint;
    struct {
        unsigned status;
        const char *account;
    } out, in;
};

static const struct record records[] = {
    /* Both ours, one of us, none of us. */
    {ACME, BETA, "", "", "", {TOLL_RATED, "acme"}, {TOLL_RATED, "beta"}},
    {ACME, ACME_2, "", "", "", {TOLL_RATED, "acme"}, {TOLL_RATED, "acme"}},
    {ACME, STRANGER, "", "", "", {TOLL_RATED, "acme"}, {TOLL_ZERO_OTHER_PARTY, ""}},
    {STRANGER, BETA, "", "", "", {TOLL_ZERO_OTHER_PARTY, ""}, {TOLL_RATED, "beta"}},
    {STRANGER, OTHER, "", "", "", {TOLL_SUSPENSE_NO_ACCOUNT, ""}, {TOLL_SUSPENSE_NO_ACCOUNT, ""}},
    {"x2005", BETA, "", "", "", {TOLL_ZERO_OTHER_PARTY, ""}, {TOLL_RATED, "beta"}},
    {ACME, "411", "", "", "", {TOLL_RATED, "acme"}, {TOLL_ZERO_OTHER_PARTY, ""}},
    /* The charged number, the trunk and the hint are candidates of the outgoing leg alone, and make the
     * incoming one another party's. */
    {STRANGER, OTHER, ACME, "", "", {TOLL_RATED, "acme"}, {TOLL_ZERO_OTHER_PARTY, ""}},
    {STRANGER, OTHER, "", "T1", "", {TOLL_RATED, "acme"}, {TOLL_ZERO_OTHER_PARTY, ""}},
    {STRANGER, OTHER, "", "", "B", {TOLL_RATED, "beta"}, {TOLL_ZERO_OTHER_PARTY, ""}},
    {STRANGER, BETA, "", "T1", "", {TOLL_RATED, "acme"}, {TOLL_RATED, "beta"}},
    {STRANGER, BETA, ACME, "", "", {TOLL_RATED, "acme"}, {TOLL_RATED, "beta"}},
    /* A conflict is one of the outgoing leg, which has candidates then. */
    {STRANGER, OTHER, ACME, "", "B", {TOLL_SUSPENSE_PARTY_CONFLICT, ""}, {TOLL_ZERO_OTHER_PARTY, ""}},
    {ACME, BETA, "", "", "B", {TOLL_SUSPENSE_PARTY_CONFLICT, ""}, {TOLL_RATED, "beta"}},
    {BETA, ACME, "", "", "B", {TOLL_RATED, "beta"}, {TOLL_RATED, "acme"}},
};

static struct row_world world;

static int begin(void **state)
{
    (void)state;
    book_begin(&world.files);
    book_file(&world.files, "accounts.csv", "account\nacme\nbeta\n");
    book_file(&world.files, "numbers.csv",
              "number,account,to\n" ACME ",acme,\n" ACME_2 ",acme,\n" BETA
              ",beta,\n12125550300,acme,2026-03-02\ntrunk:T1,acme,\nhint:B,beta,\n");
    book_file(&world.files, "plan_rules.csv",
              "plan,action,trunk,deck,amount,priority\np,flat,T1,,2,1\np,flat,,,1,2\n");
    row_world_open(&world);
    return 0;
}

static int end(void **state)
{
    (void)state;
    row_world_end(&world);
    return 0;
}

static struct toll_row leg_of(const struct record *record, unsigned kind)
{
    struct toll_row row = row_of(&world, record->caller, record->callee, kind);
    row.charged = row_e164(record->charged);
    row.trunk = record->trunk[0] == 0 ? 0 : row_named(&world, TOLL_NAMED_TRUNK, record->trunk);
    row.hint = record->hint[0] == 0 ? 0 : row_named(&world, TOLL_NAMED_HINT, record->hint);
    return row;
}

static void expect_leg(size_t i, const struct record *record, unsigned kind, unsigned status,
                       const char *account)
{
    const struct toll_book *book = world.rater.book;
    const struct toll_row row = leg_of(record, kind);
    const struct toll_row_answer answer = row_rate(&world, &row);
    const char *who = toll_book_string(book, book->accounts[answer.account].account);
    if (answer.status != status || strcmp(answer.account == 0 ? "" : who, account) != 0)
        fail_msg("record %zu, %s: %s of \"%s\"", i, (kind & TOLL_KIND_IN) != 0 ? "in" : "out",
                 toll_status_reason(answer.status), who);
    const bool priced = status == TOLL_RATED;
    assert_int_equal(answer.billed, priced ? 60 : 0);
    assert_int_equal(answer.price != 0, priced);
    /* The record's trunk is in the rules of both legs. */
    assert_int_equal(answer.charge, !priced                 ? 0
                                    : record->trunk[0] != 0 ? 2 * TOLL_MONEY_UNIT
                                                            : TOLL_MONEY_UNIT);
}

static void test_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(records); i++) {
        expect_leg(i, &records[i], TOLL_KIND_LEG, records[i].out.status, records[i].out.account);
        expect_leg(i, &records[i], TOLL_KIND_LEG | TOLL_KIND_IN, records[i].in.status, records[i].in.account);
    }
}

/* The same records without legs: one CDR, all candidates, and never another party's. */
static void test_one_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(records); i++) {
        const struct toll_row out = leg_of(&records[i], 0), in = leg_of(&records[i], TOLL_KIND_IN);
        const struct toll_row_answer answer = row_rate(&world, &out);
        assert_int_equal(answer.status, records[i].out.status == TOLL_ZERO_OTHER_PARTY
                                            ? TOLL_SUSPENSE_NO_ACCOUNT
                                            : records[i].out.status);
        assert_int_not_equal(row_rate(&world, &in).status, TOLL_ZERO_OTHER_PARTY);
    }
}

/* Of a call that nobody answered both legs are unanswered; of a conflict both are one. A number that is ours
 * no longer is nobody's. */
static void test_what_comes_first(void **state)
{
    (void)state;
    static const struct record record = {ACME, STRANGER, "", "", "", {0, ""}, {0, ""}};
    struct toll_row row = leg_of(&record, TOLL_KIND_LEG | TOLL_KIND_IN);
    row.kind &= (uint16_t)~TOLL_KIND_ANSWERED;
    assert_int_equal(row_rate(&world, &row).status, TOLL_ZERO_UNANSWERED);
    row.kind |= TOLL_KIND_CONFLICT;
    assert_int_equal(row_rate(&world, &row).status, TOLL_SUSPENSE_CONFLICT);
    row = row_of(&world, "12125550300", STRANGER, TOLL_KIND_LEG | TOLL_KIND_IN);
    assert_int_equal(row_rate(&world, &row).status, TOLL_SUSPENSE_NO_ACCOUNT);
    row.start -= TOLL_DAY_MS;
    assert_int_equal(row_rate(&world, &row).status, TOLL_ZERO_OTHER_PARTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_one_row),
        cmocka_unit_test(test_what_comes_first),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
