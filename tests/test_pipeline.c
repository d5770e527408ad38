/*
 * The whole pipeline through the public API, over a small book and a dataset made here: every kind of answer,
 * the same bytes for any number of threads, block size and way of reading, conservation, the reader, explain
 * and verify. What each call must cost is written beside it, worked out by hand.
 */
#include "base/cpu.h"
#include "fake_ring.h"
#include "io/publish.h"
#include "mmap_cdr/dataset.h"
#include "pipeline/rate.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define DAY 20514                    /* 2026-03-02, a Monday */
#define NOON (15 * INT64_C(3600000)) /* 10:00 in New York */
#define SHA "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define ROWS 70000 /* of a day: two batches */

/* ---- the book ---- */

static const char *const book_files[][2] = {
    {"book.yaml", "book: test\ncurrency: USD\ntimezone: America/New_York\n"},
    {"accounts.csv", "account,name\nacme,Acme\nbeta,Beta\nlost,Nobody's plan\n"},
    {"sites.csv", "site,account\ns1,acme\n"},
    {"numbers.csv", "number,account,site,from,to\n"
                    "12125550100,acme,s1,,\n"
                    "12125550200-12125550209,beta,,,\n"
                    "12125550300,acme,,,2026-03-03\n"
                    "12125550400,lost,,,\n"
                    "hint:B,beta,,,\n"
                    "trunk:T1,acme,,,\n"},
    {"assignments.csv", "subject,plan\naccount:acme,p\naccount:beta,q\n"},
    {"plans.csv", "plan\np\nq\n"},
    {"plan_rules.csv", "plan,action,service,class,destination,deck,amount,percent,priority\n"
                       "p,free,,toll_free,,,,,1\n"
                       "p,flat,,n11,,,1.25,,1\n"
                       "p,reject,,premium,,,,,1\n"
                       "p,deck,sms,,,m,,,1\n"
                       "p,markup,event,,,,0.01,10,1\n"
                       "p,deck,,,,d,,,2\n"
                       "q,deck,mms,,,c,,,1\n"
                       "q,deck,,,KEEP,d,,,2\n"},
    {"destinations.csv", "prefix,destination\n1300,KEEP\n"},
    {"decks.csv", "deck,key,calendar\nd,callee,cal\nm,callee,\nc,calltype,\n"},
    {"calendars.csv", "calendar,band,days,from,to\ncal,night,,20:00,06:00\n"},
    {"decks/d.csv", "prefix,destination,rate,per_s,increment_s,band,status\n"
                    "1,United States,0.06,,6,,\n"
                    "1202,Night only,0.03,,,night,\n"
                    "1264,Anguilla,0.25,,,,\n"
                    "39,Italy,92233720368,1,,,\n"
                    "44,United Kingdom,0.02,,,,\n"
                    "4470,UK personal,,,,,\n"
                    "44900,UK premium,0.5,,,,blocked\n"},
    {"decks/m.csv", "prefix,rate,per_s\n,0.0075,1\n"},
    {"decks/c.csv", "key,rate,per_s\nLD;LD2,0.03,1\n"},
};

/* ---- the calls ---- */

#define E164 TOLL_NUMBER_E164
#define SHORT TOLL_NUMBER_SHORT

struct call {
    const char *caller, *callee;
    unsigned callee_type;
    int32_t duration_ms;
    unsigned kind; /* besides types and, unless UNANSWERED, the answered bit */
    int64_t quantity, provider_charge;
    int trunk, hint, calltype; /* of the dictionaries below */
    /* what must come of it */
    unsigned status;
    const char *account;
    int32_t billed;
    int64_t charge;
    bool only_first_day; /* needs an optional column */
};
#define UNANSWERED 0x10000u
#define ACME "12125550100"
#define US "12015550111"

static const struct call calls[] = {
    {ACME, US, E164, 61000, 0, 0, 0, 0, 0, 0, TOLL_RATED, "acme", 66, 6600000, false},
    {ACME, "12645550111", E164, 60000, 0, 0, 0, 0, 0, 0, TOLL_RATED, "acme", 60, 25000000, false},
    {ACME, "442079460000", E164, 1, 0, 0, 0, 0, 0, 0, TOLL_RATED, "acme", 1, 33300, false}, /* 0.000333.. */
    {ACME, "447079460000", E164, 60000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_NO_RATE, "acme", 0, 0, false},
    {ACME, "449009460000", E164, 60000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_BLOCKED, "acme", 0, 0, false},
    {ACME, "33123456789", E164, 60000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_NO_PREFIX, "acme", 0, 0, false},
    {"13105550100", US, E164, 60000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_NO_ACCOUNT, "", 0, 0, false},
    {ACME, "33123456789", E164, 0, UNANSWERED, 0, 0, 0, 0, 0, TOLL_ZERO_UNANSWERED, "acme", 0, 0, false},
    {ACME, "411", SHORT, 0, UNANSWERED, 0, 0, 0, 0, 0, TOLL_ZERO_UNANSWERED, "acme", 0, 0, false},
    {ACME, "911", SHORT, 42200, 0, 0, 0, 0, 0, 0, TOLL_ZERO_EMERGENCY, "acme", 43, 0, false},
    {ACME, "18005550199", E164, 61000, 0, 0, 0, 0, 0, 0, TOLL_ZERO_FREE, "acme", 61, 0, false},
    {ACME, "411", SHORT, 30000, 0, 0, 0, 0, 0, 0, TOLL_RATED, "acme", 30, 125000000, false},
    {ACME, "19005550199", E164, 61000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_REJECTED, "acme", 0, 0, false},
    {ACME, "12025550111", E164, 61000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_NO_BAND, "acme", 0, 0, false},
    {ACME, "390612345678", E164, 2000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_OVERFLOW, "acme", 0, 0, false},
    {ACME, "390612345678", E164, 0, 0, 0, 0, 0, 0, 0, TOLL_ZERO_DURATION, "acme", 0, 0, false},
    {ACME, NULL, TOLL_NUMBER_INVALID, 61000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_BAD_NUMBER, "acme", 0, 0, false},
    {ACME, "2005", TOLL_NUMBER_EXTENSION, 61000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_NO_PREFIX, "acme", 0, 0,
     false},
    {ACME, US, E164, 61000, TOLL_KIND_CONFLICT, 0, 0, 0, 0, 0, TOLL_SUSPENSE_CONFLICT, "", 0, 0, false},
    {ACME, US, E164, 0, 0, 0, 0, 0, 0, 0, TOLL_ZERO_DURATION, "acme", 0, 0, false},
    {"12125550205", US, E164, 61000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_NO_RULE, "beta", 0, 0, false},
    {"12125550205", "13005550111", E164, 61000, 0, 0, 0, 0, 0, 0, TOLL_RATED, "beta", 66, 6600000, false},
    {"12125550400", US, E164, 61000, 0, 0, 0, 0, 0, 0, TOLL_SUSPENSE_NO_PLAN, "lost", 0, 0, false},
    {US, ACME, E164, 61000, TOLL_KIND_IN, 0, 0, 0, 0, 0, TOLL_RATED, "acme", 66, 6600000, false},
    {"12125550300", US, E164, 6000, 0, 0, 0, 0, 0, 0, TOLL_RATED, "acme", 6, 600000,
     false}, /* see expected() */
    {ACME, US, E164, 6000, 0, 0, 0, 0, 1, 0, TOLL_SUSPENSE_PARTY_CONFLICT, "", 0, 0, true},
    {"19995550000", "13005550111", E164, 6000, 0, 0, 0, 0, 1, 0, TOLL_RATED, "beta", 6, 600000, true},
    {"19995550000", US, E164, 6000, 0, 0, 0, 1, 0, 0, TOLL_RATED, "acme", 6, 600000, true},
    {"12125550205", US, E164, 0, TOLL_MMS, 2, 0, 0, 0, 2, TOLL_RATED, "beta", 2, 6000000, true},
    {"12125550205", US, E164, 0, TOLL_MMS, 2, 0, 0, 0, 1, TOLL_SUSPENSE_NO_CALLTYPE, "beta", 0, 0, true},
    {ACME, US, E164, 0, TOLL_EVENT, 1, 0, 0, 0, 0, TOLL_SUSPENSE_NO_PROVIDER_CHARGE, "acme", 0, 0, true},
    {ACME, US, E164, 0, TOLL_EVENT | TOLL_KIND_PROVIDER_CHARGE, 1, 100000000, 0, 0, 0, TOLL_RATED, "acme", 1,
     111000000, true},
    {ACME, "55555", SHORT, 0, TOLL_SMS, 3, 0, 0, 0, 0, TOLL_RATED, "acme", 3, 2250000, true},
    {ACME, US, E164, 0, TOLL_SMS | TOLL_KIND_CREDIT, 2, 0, 0, 0, 0, TOLL_RATED, "acme", 2, -1500000, true},
    {ACME, US, E164, 0, TOLL_SMS, INT64_C(1) << 31, 0, 0, 0, 0, TOLL_SUSPENSE_OVERFLOW, "acme", 0, 0, true},
};

/* Which call a row of a day is: on the second day only those that need no optional column. */
static const struct call *call_of(int day, int64_t row)
{
    size_t first_day_only = 0;
    for (size_t i = 0; i < COUNT(calls); i++)
        first_day_only += calls[i].only_first_day;
    return &calls[(size_t)row % (COUNT(calls) - (day == 0 ? 0 : first_day_only))];
}

/* The number 12125550300 is acme's until the second day begins. */
static struct call expected(int day, int64_t row)
{
    struct call call = *call_of(day, row);
    if (day == 1 && strcmp(call.caller, "12125550300") == 0) {
        call.status = TOLL_SUSPENSE_NO_ACCOUNT;
        call.account = "";
        call.billed = 0;
        call.charge = 0;
    }
    return call;
}

/* ---- the world on disk ---- */

struct folder {
    char path[64];
};

static void put_file(const struct folder *folder, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/book/%s", folder->path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void write_book(const struct folder *folder)
{
    char path[256];
    snprintf(path, sizeof path, "%s/book", folder->path);
    assert_int_equal(mkdir(path, 0750), 0);
    snprintf(path, sizeof path, "%s/book/decks", folder->path);
    assert_int_equal(mkdir(path, 0750), 0);
    for (size_t i = 0; i < COUNT(book_files); i++)
        put_file(folder, book_files[i][0], book_files[i][1]);
}

static uint64_t packed(const char *number)
{
    uint64_t digits = 0;
    if (number != NULL)
        assert_true(toll_digits_pack(number, strlen(number), &digits));
    return digits;
}

#define COLUMN(name, type) type *name = calloc(ROWS, sizeof(type))

static void write_day(struct toll_dataset *dataset, int day, struct toll_dataset_part *part)
{
    static const char *const carriers[] = {"", "level3"}, *const sources[] = {"", SHA};
    static const char *const trunks[] = {"", "T1"}, *const hints[] = {"", "B"},
                             *const types[] = {"", "@ZZ", "LD"};
    COLUMN(start, int64_t);
    COLUMN(duration_ms, int32_t);
    COLUMN(caller, uint64_t);
    COLUMN(callee, uint64_t);
    COLUMN(kind, uint16_t);
    COLUMN(carrier, uint16_t);
    COLUMN(key_high, uint64_t);
    COLUMN(key_low, uint64_t);
    COLUMN(source_file, int32_t);
    COLUMN(source_row, int32_t);
    COLUMN(trunk, int32_t);
    COLUMN(hint, int32_t);
    COLUMN(calltype, int32_t);
    COLUMN(quantity, int64_t);
    COLUMN(provider_charge, int64_t);
    int64_t *no_text = calloc(ROWS + 1, sizeof *no_text);
    for (int64_t i = 0; i < ROWS; i++) {
        const struct call *call = call_of(day, i);
        start[i] = (DAY + day) * TOLL_DAY_MS + NOON + i;
        duration_ms[i] = call->duration_ms;
        caller[i] = packed(call->caller);
        callee[i] = packed(call->callee);
        kind[i] =
            (uint16_t)((call->kind & 0xffff) | ((call->kind & UNANSWERED) != 0 ? 0 : TOLL_KIND_ANSWERED) |
                       E164 << TOLL_KIND_CALLER_TYPE_SHIFT |
                       call->callee_type << TOLL_KIND_CALLEE_TYPE_SHIFT);
        carrier[i] = 1;
        key_low[i] = (uint64_t)i;
        source_file[i] = 1;
        source_row[i] = (int32_t)i + 1;
        trunk[i] = call->trunk;
        hint[i] = call->hint;
        calltype[i] = call->calltype;
        quantity[i] = call->quantity;
        provider_charge[i] = call->provider_charge;
    }
    const bool all = day == 0;
    struct toll_cdr_part_data data = {
        .columns = {.rows = ROWS,
                    .start = start,
                    .duration_ms = duration_ms,
                    .caller = caller,
                    .callee = callee,
                    .kind = kind,
                    .carrier = carrier,
                    .record_key_high = key_high,
                    .record_key_low = key_low,
                    .source_file = source_file,
                    .source_row = source_row,
                    .trunk = all ? trunk : NULL,
                    .hint = all ? hint : NULL,
                    .calltype = all ? calltype : NULL,
                    .quantity = all ? quantity : NULL,
                    .provider_charge = all ? provider_charge : NULL},
        .carrier = {carriers, 2},
        .source_file = {sources, 2},
        .trunk = {trunks, 2},
        .hint = {hints, 2},
        .calltype = {types, 3},
        .record_id_data = "",
        .caller_text_data = "",
        .callee_text_data = "",
        .record_id_offset = no_text,
        .caller_text_offset = no_text,
        .callee_text_offset = no_text,
    };
    struct toll_error error;
    char name[TOLL_PART_NAME_BYTES], path[TOLL_PART_NAME_BYTES + 8];
    *part = (struct toll_dataset_part){.day = DAY + day,
                                       .generation = dataset->generation + 1,
                                       .rows = ROWS,
                                       .first_start = start[0],
                                       .last_start = start[ROWS - 1]};
    toll_dataset_part_name(part, name);
    snprintf(path, sizeof path, "parts/%s", name);
    for (int64_t i = 0; i < ROWS; i++)
        part->conflicts += (kind[i] & TOLL_KIND_CONFLICT) != 0;
    if (toll_cdr_part_write(dataset->io, dataset->directory, path, &data, &part->seal, &part->text_seal,
                            &error) != 0)
        fail_msg("%s", error.text);
    void *const owned[] = {start,    duration_ms, caller,          callee,      kind,  carrier,
                           key_high, key_low,     source_row,      source_file, trunk, hint,
                           calltype, quantity,    provider_charge, no_text};
    for (size_t i = 0; i < COUNT(owned); i++)
        free(owned[i]);
}

static void write_dataset(const struct folder *folder)
{
    struct toll_dataset dataset;
    struct toll_dataset_part parts[2];
    struct toll_error error;
    struct toll_receipt receipt = {.file = (char[]){"a.csv"},
                                   .spec = (char[]){"test"},
                                   .spec_version = (char[]){"1"},
                                   .carrier = (char[]){"level3"},
                                   .sha256 = SHA,
                                   .rows = 2 * ROWS,
                                   .accepted = 2 * ROWS};
    char path[128];
    snprintf(path, sizeof path, "%s/cdrs", folder->path);
    if (toll_dataset_open_for_import(&dataset, toll_io_system(), path, &error) != 0)
        fail_msg("%s", error.text);
    for (int day = 0; day < 2; day++)
        write_day(&dataset, day, &parts[day]);
    if (toll_dataset_publish(&dataset, parts, 2, &receipt, 1, &error) != 0)
        fail_msg("%s", error.text);
    toll_dataset_close(&dataset);
}

static void report(void *context, const struct toll_diagnostic *diagnostic)
{
    (void)context;
    if (diagnostic->severity == TOLL_ERROR)
        print_message("%s:%ld: %s\n", diagnostic->file, diagnostic->line, diagnostic->text);
}

static int try_rate_by(const struct folder *folder, const char *run, unsigned threads,
                       enum toll_io_choice how, enum toll_simd_choice simd,
                       const struct toll_rate_tuning *tuning, struct toll_rate_result *result,
                       struct toll_error *error)
{
    char book[128], cdrs[128], path[128];
    snprintf(book, sizeof book, "%s/book", folder->path);
    snprintf(cdrs, sizeof cdrs, "%s/cdrs", folder->path);
    snprintf(path, sizeof path, "%s/%s", folder->path, run);
    const struct toll_rate_options options = {
        .book_path = book,
        .dataset_path = cdrs,
        .run_path = path,
        .threads = threads,
        .io = how,
        .simd = simd,
        .reporter = {.report = report},
    };
    return toll_rate_tuned(&options, tuning, result, error);
}

static int try_rate(const struct folder *folder, const char *run, unsigned threads, enum toll_io_choice how,
                    size_t block_rows, struct toll_rate_result *result, struct toll_error *error)
{
    const struct toll_rate_tuning tuning = {
        .io = toll_io_system(), .features = toll_cpu_features(), .block_rows = block_rows};
    return try_rate_by(folder, run, threads, how, TOLL_SIMD_AUTO, &tuning, result, error);
}

static int make_world(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    struct toll_rate_result result;
    struct toll_error error;
    snprintf(folder->path, sizeof folder->path, "/tmp/toll_pipeline_XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    write_book(folder);
    write_dataset(folder);
    if (try_rate(folder, "run", 1, TOLL_IO_AUTO, 0, &result, &error) != 0)
        fail_msg("%s", error.text);
    *state = folder;
    return 0;
}

static int remove_world(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", ((struct folder *)*state)->path);
    free(*state);
    return system(command);
}

static void path_of(void *const *state, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", ((const struct folder *)*state)->path, name);
}

/* ---- tests ---- */

static struct toll_run *open_run(void *const *state, const char *name)
{
    char run_path[128], cdrs[128];
    struct toll_run *run;
    struct toll_error error;
    path_of(state, name, run_path);
    path_of(state, "cdrs", cdrs);
    if (toll_run_open(run_path, cdrs, &run, &error) != 0)
        fail_msg("%s", error.text);
    return run;
}

static void test_every_line(void **state)
{
    struct toll_run *run = open_run(state, "run");
    struct toll_line line;
    struct toll_error error;
    int64_t status_rows[TOLL_STATUS_COUNT] = {0};
    for (int day = 0; day < 2; day++)
        for (int64_t row = 0; row < ROWS; row++) {
            const struct call want = expected(day, row);
            if (toll_run_next(run, &line, &error) != 1)
                fail_msg("%s", error.text);
            assert_string_equal(line.day, day == 0 ? "2026-03-02" : "2026-03-03");
            assert_int_equal(line.row, row);
            if (line.status != want.status)
                fail_msg("row %d of day %d: %s instead of %s", (int)row, day, toll_status_reason(line.status),
                         toll_status_reason(want.status));
            assert_string_equal(line.account, want.account);
            assert_int_equal(line.billed, want.billed);
            assert_int_equal(line.charge, want.charge);
            status_rows[line.status]++;
        }
    assert_int_equal(toll_run_next(run, &line, &error), 0);

    struct toll_run_facts facts;
    toll_run_facts(run, &facts);
    assert_int_equal(facts.rows, 2 * ROWS);
    assert_int_equal(facts.rated + facts.zero_rated + facts.suspense, facts.rows);
    assert_memory_equal(facts.status_rows, status_rows, sizeof status_rows);
    assert_int_equal(facts.day_count, 2);
    assert_string_equal(toll_run_day(run, 1, NULL), "2026-03-03");
    toll_run_close(run);
}

static void test_reader_joins(void **state)
{
    struct toll_run *run = open_run(state, "run");
    struct toll_line line;
    struct toll_error error;
    assert_int_equal(toll_run_line(run, "2026-03-03", 0, &line, &error), 0);
    assert_string_equal(line.site, "s1");
    assert_string_equal(line.number, "+12125550100");
    assert_string_equal(line.caller, "+12125550100");
    assert_string_equal(line.callee, "+12015550111");
    assert_string_equal(line.service, "voice");
    assert_string_equal(line.direction, "out");
    assert_string_equal(line.deck, "d");
    assert_string_equal(line.prefix, "1");
    assert_string_equal(line.destination, "United States");
    assert_string_equal(line.price_file, "decks/d.csv");
    assert_int_equal(line.price_line, 2);
    assert_string_equal(line.currency, "USD");
    assert_string_equal(line.unit, "s");
    assert_string_equal(line.carrier, "level3");
    assert_int_equal(line.start_ms, (DAY + 1) * TOLL_DAY_MS + NOON);
    assert_int_equal(toll_run_line(run, "2026-03-02", 26, &line, &error), 0);
    assert_string_equal(line.number, "hint:B");
    assert_int_equal(toll_run_line(run, "2026-03-02", 27, &line, &error), 0);
    assert_string_equal(line.number, "trunk:T1");
    assert_int_equal(toll_run_line(run, "2026-03-02", 32, &line, &error), 0);
    assert_string_equal(line.callee, "55555");
    assert_string_equal(line.unit, "message");
    assert_int_equal(line.quantity, 3);
    assert_int_equal(toll_run_line(run, "2026-03-02", ROWS, &line, &error), TOLL_EUSAGE);
    assert_int_equal(toll_run_line(run, "2026-03-04", 0, &line, &error), TOLL_EUSAGE);
    toll_run_close(run);
}

/* The manifest holds the digests of all files, so equal manifests are equal bytes. */
static void test_same_bytes(void **state)
{
    static const struct {
        unsigned threads;
        enum toll_io_choice how;
        size_t block_rows;
    } ways[] = {
        {2, TOLL_IO_MMAP, 0},  {3, TOLL_IO_PREAD, 0},   {1, TOLL_IO_PREAD, 1},
        {2, TOLL_IO_PREAD, 7}, {3, TOLL_IO_MMAP, 2048}, {1, TOLL_IO_MMAP, 1000},
        {1, TOLL_IO_URING, 0}, {2, TOLL_IO_URING, 0},   {3, TOLL_IO_URING, 0},
    };
    struct toll_verify_result first, other;
    struct toll_rate_result result;
    struct toll_error error;
    char path[128];
    path_of(state, "run", path);
    if (toll_verify(path, &first, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(first.kind, TOLL_DIRECTORY_RUN);
    assert_int_equal(first.rows, 2 * ROWS);
    for (size_t i = 0; i < COUNT(ways); i++) {
        char name[16];
        snprintf(name, sizeof name, "run%zu", i);
        if (try_rate(*state, name, ways[i].threads, ways[i].how, ways[i].block_rows, &result, &error) != 0)
            fail_msg("%s", error.text);
        assert_int_equal(result.threads, ways[i].threads);
        path_of(state, name, path);
        if (toll_verify(path, &other, &error) != 0)
            fail_msg("%s", error.text);
        assert_string_equal(other.hash, first.hash);
    }
}

/* stats.json of a run, for what it says about bytes; freed by the caller. */
static char *stats_of(void **state, const char *run)
{
    char name[32], path[128], *text = calloc(1, 4096);
    snprintf(name, sizeof name, "%s/stats.json", run);
    path_of(state, name, path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, 4095, file) > 0);
    fclose(file);
    return text;
}

/* Rings that are refused, break or are slow: the same files. */
static void test_bad_rings(void **state)
{
    static const struct {
        struct fake_ring plan;
        bool refused, read, written; /* by the ring, at least a part of it */
        size_t in_flight_bytes, piece_bytes;
    } cases[] = {
        {{.open_error = -ENOSYS}, true, false, false, 0, 0},
        {{.open_error = -EPERM}, true, false, false, 0, 0},
        {{.open_error = -ENOMEM}, true, false, false, 0, 0},
        {{.register_error = -ENOMEM}, false, true, true, 0, 0},
        {{.is_short = true, .takes = 2}, false, true, true, 64 << 10, 32 << 10},
        {{.answer_error = -EAGAIN, .answer_from = 3, .answer_to = 9}, false, true, true, 0, 0},
        {{.direct_error = -EINVAL}, false, false, false, 0, 0},
        {{.wait_error = -EIO}, true, false, false, 0, 0},
        {{.wait_error = -EPERM, .wait_from = 5}, true, true, false, 0, 4096},
        {{.submit_error = -EPERM}, true, false, false, 0, 0},
        {{.answer_error = -EOPNOTSUPP, .only_writes = true}, false, true, false, 0, 0},
    };
    struct toll_verify_result first, other;
    struct toll_rate_result result;
    struct toll_error error;
    char path[128], name[16];
    path_of(state, "run", path);
    if (toll_verify(path, &first, &error) != 0)
        fail_msg("%s", error.text);
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        struct fake_ring fake;
        fake_ring_init(&fake);
        const struct fake_ring *wanted = &cases[i / 2].plan;
        fake.open_error = wanted->open_error;
        fake.register_error = wanted->register_error;
        fake.is_short = wanted->is_short;
        fake.takes = wanted->takes;
        fake.answer_error = wanted->answer_error;
        fake.answer_from = wanted->answer_from;
        fake.answer_to = wanted->answer_to;
        fake.only_writes = wanted->only_writes;
        fake.direct_error = wanted->direct_error;
        fake.wait_error = wanted->wait_error;
        fake.wait_from = wanted->wait_from;
        fake.submit_error = wanted->submit_error;
        const struct toll_rate_tuning tuning = {.io = &fake.io,
                                                .in_flight_bytes = cases[i / 2].in_flight_bytes,
                                                .piece_bytes = cases[i / 2].piece_bytes};
        snprintf(name, sizeof name, "bad%zu", i);
        if (try_rate_by(*state, name, 1 + i % 2, TOLL_IO_URING, TOLL_SIMD_AUTO, &tuning, &result, &error) !=
            0)
            fail_msg("%zu: %s", i, error.text);
        path_of(state, name, path);
        if (toll_verify(path, &other, &error) != 0)
            fail_msg("%zu: %s", i, error.text);
        assert_string_equal(other.hash, first.hash);
        char *stats = stats_of(state, name);
        assert_int_equal(strstr(stats, "\"refused\": null") == NULL, cases[i / 2].refused);
        int64_t read = -1, written = -1;
        sscanf(strstr(strstr(stats, "\"read\""), "\"io_uring\"") + 11, "%" SCNd64, &read);
        sscanf(strstr(strstr(stats, "\"written\""), "\"io_uring\"") + 11, "%" SCNd64, &written);
        if (wanted->wait_from == 0) /* else it depends on the threads how far they came */
            assert_int_equal(read > 0, cases[i / 2].read);
        if (wanted->wait_from == 0)
            assert_int_equal(written > 0, cases[i / 2].written);
        free(stats);
        assert_int_equal(fake.opened, fake.closed);
    }
}

/* What a device says counts: no run, nothing left, one line that names the file. */
static void test_device_errors(void **state)
{
    struct toll_rate_result result;
    struct toll_error error;
    for (unsigned i = 0; i < 8; i++) {
        const bool write = i % 2 == 1;
        struct fake_ring fake;
        char path[128];
        fake_ring_init(&fake);
        fake.answer_error = i < 4 ? -EIO : -ENOSPC;
        fake.only_writes = write;
        fake.answer_from = i % 4 < 2 ? 0 : 14; /* the first batch, or a later one */
        const struct toll_rate_tuning tuning = {.io = &fake.io};
        assert_int_equal(
            try_rate_by(*state, "none", 1 + i / 4, TOLL_IO_URING, TOLL_SIMD_AUTO, &tuning, &result, &error),
            TOLL_EIO);
        assert_non_null(strstr(error.text, write ? "lines/2026-03-0" : "cdrs/parts/2026-03-0"));
        assert_non_null(strstr(error.text, write ? "cannot write" : "cannot read at byte "));
        assert_null(strchr(error.text, '\n'));
        path_of(state, "none", path);
        assert_int_equal(access(path, F_OK), -1);
        path_of(state, "none.tollmill.tmp", path);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(fake.opened, fake.closed);
    }
}

/* The matrix: threads x instructions x ways to read and write x block sizes around a kernel's steps. */
static void test_same_bytes_for_everything(void **state)
{
    static const enum toll_simd_choice levels[] = {TOLL_SIMD_SCALAR, TOLL_SIMD_AVX2, TOLL_SIMD_AVX512};
    static const enum toll_io_choice ways[] = {TOLL_IO_MMAP, TOLL_IO_PREAD, TOLL_IO_URING};
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    static const size_t sizes[] = {1000}; /* the others say nothing more of races and bounds */
#else
    static const size_t sizes[] = {7, 64, 1000, 1024, 2048};
#endif
    struct toll_verify_result first, other;
    struct toll_rate_result result;
    struct toll_error error;
    char path[128];
    int runs = 0;
    path_of(state, "run", path);
    assert_int_equal(toll_verify(path, &first, &error), 0);
    path_of(state, "matrix", path);
    for (size_t level = 0; level < COUNT(levels); level++)
        for (size_t i = 0; i < 3 * COUNT(ways) * COUNT(sizes); i++) {
            const unsigned threads = 1 + (unsigned)(i % 3);
            const enum toll_io_choice way = ways[i / 3 % COUNT(ways)];
            const struct toll_rate_tuning tuning = {.io = toll_io_system(),
                                                    .features = toll_cpu_features(),
                                                    .block_rows = sizes[i / 3 / COUNT(ways)]};
            const int rc =
                try_rate_by(*state, "matrix", threads, way, levels[level], &tuning, &result, &error);
            if (rc == TOLL_EUSAGE) { /* the test below proves that it is the processor's fault */
                print_message("skipped: %s\n", error.text);
                break;
            }
            if (rc != 0)
                fail_msg("%s", error.text);
            assert_int_equal(toll_verify(path, &other, &error), 0);
            assert_string_equal(other.hash, first.hash);
            assert_int_equal(toll_remove_tree(toll_io_system(), AT_FDCWD, path, &error), 0);
            runs++;
        }
    print_message("%d runs, one hash\n", runs);
}

static void test_what_the_processor_lacks(void **state)
{
    static const struct {
        enum toll_simd_choice choice;
        unsigned available;
        const char *text; /* NULL: it will do */
    } cases[] = {
        {TOLL_SIMD_AUTO, 0, NULL},
        {TOLL_SIMD_SCALAR, 0, NULL},
        {TOLL_SIMD_AVX2, 0, "no avx2, only scalar"},
        {TOLL_SIMD_AVX512, 0, "no avx512, only scalar"},
        {TOLL_SIMD_AVX512, TOLL_CPU_AVX2, "no avx512, only avx2"},
    };
    struct toll_rate_result result;
    struct toll_error error;
    char path[128], name[32];
    struct stat at;
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(name, sizeof name, "lacks%zu", i);
        path_of(state, name, path);
        const struct toll_rate_tuning tuning = {.io = toll_io_system(), .features = cases[i].available};
        const int rc = try_rate_by(*state, name, 1, TOLL_IO_AUTO, cases[i].choice, &tuning, &result, &error);
        assert_int_equal(rc, cases[i].text == NULL ? 0 : TOLL_EUSAGE);
        if (cases[i].text != NULL)
            assert_non_null(strstr(error.text, cases[i].text));
        assert_int_equal(stat(path, &at) == 0, cases[i].text == NULL);
    }
}

/* Charges by hand: the rated calls of each day, as often as they occur. */
static void test_result(void **state)
{
    struct toll_rate_result result;
    struct toll_error error;
    toll_total charge = 0;
    int64_t billed_s = 0;
    char text[TOLL_TOTAL_TEXT_BYTES];
    if (try_rate(*state, "result", 1, TOLL_IO_AUTO, 0, &result, &error) != 0)
        fail_msg("%s", error.text);
    for (int day = 0; day < 2; day++)
        for (int64_t row = 0; row < ROWS; row++) {
            const struct call want = expected(day, row);
            charge += want.charge;
            billed_s += (want.kind & TOLL_KIND_SERVICE) == TOLL_VOICE ? want.billed : 0;
        }
    toll_total_format(charge, 8, text);
    assert_int_equal(result.total_count, 1);
    assert_string_equal(result.totals[0].charge, text);
    assert_string_equal(result.totals[0].currency, "USD");
    assert_int_equal(result.billed_s, billed_s);
    assert_int_equal(result.rows, 2 * ROWS);
}

static void test_bench_is_the_same(void **state)
{
    struct toll_bench_world *world;
    struct toll_rate_result bench, run;
    struct toll_error error;
    char book[128], cdrs[128], hash[33], again[33];
    path_of(state, "book", book);
    path_of(state, "cdrs", cdrs);
    if (toll_bench_open(book, cdrs, TOLL_SIMD_AUTO, &world, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(toll_bench_hash(world, hash, &error), 0);
    assert_int_equal(toll_bench_rate(world, 2, &bench, &error), 0);
    assert_int_equal(toll_bench_hash(world, again, &error), 0);
    assert_string_equal(hash, again);
    toll_bench_close(world);
    if (try_rate(*state, "bench", 1, TOLL_IO_AUTO, 0, &run, &error) != 0)
        fail_msg("%s", error.text);
    assert_memory_equal(bench.status_rows, run.status_rows, sizeof run.status_rows);
    assert_string_equal(bench.totals[0].charge, run.totals[0].charge);
}

static bool exists(void *const *state, const char *name)
{
    char path[128];
    struct stat at;
    path_of(state, name, path);
    return stat(path, &at) == 0;
}

static void test_suspense_csv(void **state)
{
    char path[128], text[4096] = "";
    path_of(state, "run/suspense.csv", path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    assert_non_null(strstr(text, "reason,account,about,rows,first,last\nconflict,,,"));
    assert_non_null(strstr(text, "\nno_account,,1310xxxxx00,4800,2026-03-02:6,2026-03-03:69981\n"));
    assert_non_null(strstr(text, "\nno_prefix,acme,3312345,"));
    assert_non_null(strstr(text, "\nno_prefix,acme,2005,"));
    assert_non_null(strstr(text, "\nno_calltype,beta,'@ZZ,2000,2026-03-02:29,2026-03-02:69994\n"));
    assert_non_null(strstr(text, "\nblocked,acme,decks/d.csv:8,"));
    assert_null(strstr(text, "more"));
}

static void test_nothing_published_on_error(void **state)
{
    struct toll_rate_result result;
    struct toll_error error;
    char path[128], kept[160];
    assert_int_equal(try_rate(*state, "run", 1, TOLL_IO_AUTO, 0, &result, &error), TOLL_ECREATE);
    path_of(state, "book/plan_rules.csv", path);
    snprintf(kept, sizeof kept, "%s.kept", path);
    assert_int_equal(rename(path, kept), 0);
    put_file(*state, "plan_rules.csv", "plan,action,deck\nnone,deck,d\n");
    assert_int_equal(try_rate(*state, "broken", 1, TOLL_IO_AUTO, 0, &result, &error), TOLL_EBOOK);
    assert_false(exists(state, "broken"));
    assert_false(exists(state, "broken.tollmill.tmp"));
    assert_int_equal(rename(kept, path), 0);
}

/* ---- explain ---- */

static bool mentions(const struct toll_explanation *explanation, const char *text)
{
    for (size_t i = 0; i < explanation->count; i++)
        if (strstr(explanation->entries[i].text, text) != NULL)
            return true;
    return false;
}

static void explain_row(void *const *state, int64_t row, struct toll_explanation *explanation)
{
    struct toll_error error;
    char run[128], cdrs[128];
    path_of(state, "run", run);
    path_of(state, "cdrs", cdrs);
    if (toll_explain(run, cdrs, "2026-03-02", row, false, explanation, &error) != 0)
        fail_msg("%s", error.text);
}

static void test_explain(void **state)
{
    static const struct {
        int64_t row;
        const char *text;
    } cases[] = {
        {0, "0.00000000 + 0.06000000 x 66 / 60, rounded half up to 6 decimals: 0.06600000"},
        {0, "belongs to account acme"},
        {0, "plan p, by the assignment to the account"},
        {3, "has no rate"},
        {4, "is blocked"},
        {5, "deck d is asked for the longest prefix of +3312xxxxx89"},
        {5, "prefix 39 (Italy) is the nearest, but the number has 33"},
        {6, "+1310xxxxx00 is not in numbers.csv"},
        {7, "a voice call that nobody answered costs nothing"},
        {9, "911, 933 and 988 are always free"},
        {12, "the rule matches: reject"},
        {13, "none of this band and none without band"},
        {18, "another record has the same key"},
        {20, "another destination"},
        {20, "the rule (deck c) does not match: another service"},
        {22, "no plan is assigned"},
        {25, "they name different accounts"},
        {29, "has no row for this call type"},
        {31, "1.00000000 of the provider x (1 + 0.10000000) + 0.01000000"},
        {33, "(a credit)"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct toll_explanation explanation;
        explain_row(state, cases[i].row, &explanation);
        if (!mentions(&explanation, cases[i].text)) {
            for (size_t k = 0; k < explanation.count; k++)
                print_message("%s: %s [%s:%d %s]\n", explanation.entries[k].name, explanation.entries[k].text,
                              explanation.entries[k].file, explanation.entries[k].line,
                              explanation.entries[k].source);
            fail_msg("row %d: \"%s\" is not explained", (int)cases[i].row, cases[i].text);
        }
        toll_explanation_free(&explanation);
    }
}

/* Without unmask no entry shows a number in full, be it the call's or the book's. */
static void test_explain_masks(void **state)
{
    struct toll_explanation explanation;
    for (int64_t row = 0; row < (int64_t)COUNT(calls); row++) {
        explain_row(state, row, &explanation);
        for (size_t i = 0; i < explanation.count; i++) {
            assert_null(strstr(explanation.entries[i].text, calls[row].caller));
            assert_null(strstr(explanation.entries[i].source, "125550"));
            if (calls[row].callee != NULL && calls[row].callee_type == E164)
                assert_null(strstr(explanation.entries[i].text, calls[row].callee));
        }
        toll_explanation_free(&explanation);
    }
    struct toll_error error;
    char run[128], cdrs[128];
    bool found = false;
    path_of(state, "run", run);
    path_of(state, "cdrs", cdrs);
    assert_int_equal(toll_explain(run, cdrs, "2026-03-02", 0, true, &explanation, &error), 0);
    for (size_t i = 0; i < explanation.count; i++)
        found = found || strcmp(explanation.entries[i].source, "12125550100,acme,s1,,") == 0;
    assert_true(found);
    toll_explanation_free(&explanation);
}

static void test_explain_every_call(void **state)
{
    for (int64_t row = 0; row < (int64_t)COUNT(calls); row++) {
        struct toll_explanation explanation;
        explain_row(state, row, &explanation);
        assert_true(explanation.count >= 4);
        assert_true(mentions(&explanation, toll_status_name(calls[row].status)));
        assert_true(mentions(&explanation, toll_status_reason(calls[row].status)));
        for (size_t i = 0; row == 0 && i < explanation.count; i++)
            if (strcmp(explanation.entries[i].name, "price") == 0) {
                assert_string_equal(explanation.entries[i].file, "decks/d.csv");
                assert_int_equal(explanation.entries[i].line, 2);
                assert_string_equal(explanation.entries[i].source, "1,United States,0.06,,6,,");
            }
        toll_explanation_free(&explanation);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_line),
        cmocka_unit_test(test_reader_joins),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_bad_rings),
        cmocka_unit_test(test_device_errors),

        cmocka_unit_test(test_same_bytes_for_everything),
        cmocka_unit_test(test_what_the_processor_lacks),
        cmocka_unit_test(test_result),
        cmocka_unit_test(test_bench_is_the_same),
        cmocka_unit_test(test_suspense_csv),
        cmocka_unit_test(test_nothing_published_on_error),
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_explain_masks),
        cmocka_unit_test(test_explain_every_call),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
