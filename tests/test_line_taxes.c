/*
 * What the segment reader says of a line's taxes: by hand for one call; then, over random months, the taxes
 * of the lines of a bucket add up to those of the bucket, and to the register's, exactly.
 */
#include "pipeline/rate.h"
#include "pipeline/run_reader.h"
#include "random.h"
#include "tax/rational.h"
#include "tollmill.h"
#include "tollmill_tax.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char folder[64];

static const char *path_of(const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    char path[256];
    FILE *file = fopen(path_of(name, path), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static const char *const book_files[][2] = {
    {"book/book.yaml", "book: test\ncurrency: USD\ntimezone: America/New_York\n"},
    {"book/accounts.csv", "account,class,seller,sale\nacme,business,us,\nzed,home,us,\nbulk,,us,resale\n"},
    {"book/sites.csv",
     "account,site,area\nacme,hq,austin\nacme,branch,albany\nzed,home,albany\nbulk,pop,austin\n"},
    {"book/numbers.csv",
     "number,account,site\n12125550100,acme,hq\n12125550101,acme,branch\n12125550102,acme,\n"
     "12125550103,zed,\n12125550104,bulk,\n"},
    {"book/plans.csv", "plan\np\n"},
    {"book/assignments.csv", "subject,plan\ndefault,p\n"},
    {"book/plan_rules.csv", "plan,action,deck,service,amount\np,flat,,sms,0.0075\np,deck,d,,\n"},
    {"book/decks.csv", "deck\nd\n"},
    {"book/decks/d.csv", "prefix,rate,per_s,increment_s\n1,0.0317,60,6\n"},
    {"book/tax_jurisdictions.csv", "id,level,state,parent\nUS,federal,,\nTX,state,TX,US\nNY,state,NY,US\n"
                                   "AUS,city,,TX\nALB,city,,NY\n"},
    {"book/tax_areas.csv", "area,tax_jurisdiction\naustin,AUS\nalbany,ALB\n"},
    {"book/tax_map.csv", "service,tax_service,share\n,data,0.35\n,voice,0.65\nsms,messages,1\n"},
    {"book/sellers.csv", "seller,fusf_method,interstate_share\nus,actual,0.3\n"},
    {"book/exemptions.csv", "account,site,level,tax,percent,certificate,from\nzed,,,city4,37.5,Z-1,\n"
                            "acme,hq,state,,100,A-1,2026-03-12\n"},
};

static void write_book(const char *taxes)
{
    char path[256];
    strcpy(folder, "/tmp/toll-line-taxes-XXXXXX");
    assert_non_null(mkdtemp(folder));
    mkdir(path_of("book", path), 0777);
    mkdir(path_of("book/decks", path), 0777);
    for (size_t i = 0; i < COUNT(book_files); i++)
        put(book_files[i][0], book_files[i][1]);
    put("book/taxes.csv", taxes);
}

static void remove_all(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void rate(const char *cdrs)
{
    char spec[256], dataset[256], file[256], book[256], run[256];
    struct toll_error error = {0};
    struct toll_import_result imported;
    struct toll_rate_result rated;
    snprintf(spec, sizeof spec, "%s/data/providers/tollmill.yaml", TOLL_SOURCE_DIR);
    put("c.csv", cdrs);
    const char *files[] = {path_of("c.csv", file)};
    const struct toll_import_options import = {.spec_path = spec,
                                               .dataset_path = path_of("ds", dataset),
                                               .files = files,
                                               .file_count = 1,
                                               .threads = 1,
                                               .max_rejects = -1};
    if (toll_import(&import, &imported, &error) != 0)
        fail_msg("%s", error.text);
    toll_import_result_free(&imported);
    const struct toll_rate_options options = {.book_path = path_of("book", book),
                                              .dataset_path = dataset,
                                              .run_path = path_of("run", run),
                                              .threads = 1};
    if (toll_rate(&options, &rated, &error) != 0)
        fail_msg("%s", error.text);
}

static size_t read_whole(const char *name, char **bytes)
{
    char path[256];
    struct stat status;
    FILE *file = fopen(path_of(name, path), "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    *bytes = malloc((size_t)status.st_size);
    assert_int_equal(fread(*bytes, 1, (size_t)status.st_size, file), (size_t)status.st_size);
    fclose(file);
    return (size_t)status.st_size;
}

/* As a large run is written: several threads make a few tuples each. */
static void assert_same_by_threads(void)
{
    static const char *const names[][2] = {{"run/tuples.arrow", "run3/tuples.arrow"},
                                           {"run/components.arrow", "run3/components.arrow"}};
    char dataset[256], book[256], run[256];
    const struct toll_rate_tuning tuning = {.io = toll_io_system(), .sync = TOLL_SYNC_TOGETHER};
    const struct toll_rate_options options = {.book_path = path_of("book", book),
                                              .dataset_path = path_of("ds", dataset),
                                              .run_path = path_of("run3", run),
                                              .threads = 3};
    struct toll_rate_result rated;
    struct toll_error error = {0};
    if (toll_rate_tuned(&options, &tuning, &rated, &error) != 0)
        fail_msg("%s", error.text);
    for (size_t i = 0; i < COUNT(names); i++) {
        char *one, *three;
        const size_t bytes = read_whole(names[i][0], &one);
        assert_int_equal(read_whole(names[i][1], &three), bytes);
        assert_memory_equal(one, three, bytes);
        free(one);
        free(three);
    }
}

static struct toll_run *open_run(bool with_cdrs)
{
    char run_path[256], dataset[256];
    struct toll_error error = {0};
    struct toll_run *run = NULL;
    if (toll_run_open(path_of("run", run_path), with_cdrs ? path_of("ds", dataset) : NULL, &run, &error) != 0)
        fail_msg("%s", error.text);
    return run;
}

/* ---- by hand ---- */

/* 100 s of austin at 0.0317 are 0.05389 (102 s); interstate, so FUSF is on all of it. */
static void test_one_call(void **state)
{
    (void)state;
    write_book("tax,tax_jurisdiction,kind,category,base,rate,amount,on_taxes,cap,tax_services\n"
               "city4,AUS,,local,,1%,,fusf,,\n"
               "fusf,US,,federal,interstate,20%,,,,voice\n"
               "minutes,TX,per_minute,,,,0.004,,,\n"
               "sales,TX,,,,5%,,city4;minutes,,\n"
               "capped,TX,,,,2%,,,9,\n"
               "top,US,,,,10%,,capped,,\n");
    rate("record_id,start,duration_s,caller,callee\n"
         "a,2026-03-02T12:00:00Z,100,+12125550100,+12015550111\n"
         "b,2026-03-02T13:00:00Z,100,+12125550102,+12015550111\n");
    struct toll_run *run = open_run(true);
    struct toll_line line;
    struct toll_line_taxes taxes;
    struct toll_error error = {0};
    static const char *const expected[][6] = {
        /* tax, base, exempt, tax, late */
        {"capped", "0.05389", "0", "", "late"},
        {"city4", "0.0608957", "0", "0.000608957", ""},     /* 0.05389 + 0.0070057 */
        {"fusf", "0.0350285", "0", "0.0070057", ""},        /* 0.65 of it */
        {"minutes", "1.7", "0", "0.0068", ""},              /* 102 s */
        {"sales", "0.061298957", "0", "0.00306494785", ""}, /* 0.05389 + 0.0068 + 0.000608957 */
        {"top", "", "0", "", "late"},
    };
    assert_int_equal(toll_run_next(run, &line, &error), 1);
    assert_int_equal(line.charge, 5389000);
    assert_int_equal(toll_run_line_taxes(run, line.tuple, line.charge, line.billed, &taxes, &error), 0);
    assert_string_equal(taxes.reason, "");
    assert_string_equal(taxes.area, "austin");
    assert_string_equal(taxes.tax_services, "data:0.35;voice:0.65");
    assert_int_equal(taxes.count, COUNT(expected));
    for (size_t i = 0; i < taxes.count; i++) {
        assert_string_equal(taxes.taxes[i].tax, expected[i][0]);
        assert_string_equal(taxes.taxes[i].base, expected[i][1]);
        assert_string_equal(taxes.taxes[i].exempt, expected[i][2]);
        assert_string_equal(taxes.taxes[i].tax_exact, expected[i][3]);
        assert_int_equal(taxes.taxes[i].late, expected[i][4][0] != 0);
    }
    assert_string_equal(taxes.taxes[1].level, "city");
    assert_string_equal(taxes.taxes[1].category, "local");
    assert_string_equal(taxes.taxes[1].rate, "0.01");
    assert_int_equal(taxes.taxes[1].line, 2);
    assert_int_equal(toll_run_next(run, &line, &error), 1); /* acme has two sites: which one? */
    assert_int_equal(toll_run_line_taxes(run, line.tuple, line.charge, line.billed, &taxes, &error), 0);
    assert_string_equal(taxes.reason, "no_site");
    assert_int_equal(taxes.count, 0);
    assert_int_equal(toll_run_line_taxes(run, 0, 1, 1, &taxes, &error), 0);
    assert_int_equal(taxes.count, 0);
    assert_int_equal(toll_run_line_taxes(run, INT32_MAX, 1, 1, &taxes, &error), TOLL_EDATA);
    toll_run_close(run);
    remove_all();
}

/* ---- explained ---- */

static const struct toll_explain_entry *entry_of(const struct toll_explanation *explanation, const char *name,
                                                 const char *text)
{
    for (size_t i = 0; i < explanation->count; i++) {
        if (strcmp(explanation->entries[i].name, name) == 0 &&
            strstr(explanation->entries[i].text, text) != NULL)
            return &explanation->entries[i];
    }
    fail_msg("no %s with %s", name, text);
    return NULL;
}

static void assert_entry(const struct toll_explanation *explanation, const char *name, const char *text,
                         const char *file, int line)
{
    const struct toll_explain_entry *entry = entry_of(explanation, name, text);
    assert_string_equal(entry->file, file);
    assert_int_equal(entry->line, line);
}

/* Place, tax services, each tax with its row, why it is exempt; a line in tax suspense says what is missing.
 */
static void test_explained(void **state)
{
    (void)state;
    char run[256], dataset[256];
    struct toll_explanation explanation;
    struct toll_error error = {0};
    write_book("tax,tax_jurisdiction,kind,rate,amount,on_taxes,billable,cap,sale\n"
               "city4,AUS,,1%,,,,,any\n"
               "city4,ALB,,10%,,own,,,any\n"
               "own,US,,1%,,,no,,any\n"
               "minutes,NY,per_minute,,0.5,,,,any\n"
               "retail,US,,3%,,,,,\n"
               "capped,US,,2%,,,,9,any\n");
    rate("record_id,start,duration_s,caller,callee\n"
         "a,2026-03-02T12:00:00Z,60,+12125550103,+12015550111\n"
         "b,2026-03-02T13:00:00Z,60,+12125550102,+12015550111\n"
         "c,2026-03-02T14:00:00Z,60,+12125550104,+12015550111\n"
         "d,2026-03-12T14:00:00Z,60,+12125550100,+12015550111\n");
    path_of("run", run);
    path_of("ds", dataset);
    assert_int_equal(toll_explain(run, dataset, "2026-03-02", 0, false, &explanation, &error), 0);
    assert_entry(&explanation, "tax place", "area albany, that of the account's only site: ALB, NY, US",
                 "tax_areas.csv", 3);
    assert_entry(&explanation, "tax services", "data:0.35;voice:0.65", "tax_map.csv", 2);
    /* own is not billed, so not in the base; 37.5 % of the charge are exempt */
    assert_entry(&explanation, "tax", "city4 of ALB: 0.1 of 0.0198125 (the charge, own) = 0.00198125",
                 "taxes.csv", 3);
    assert_entry(&explanation, "exempt", "city4 of ALB to 37.5 %, certificate Z-1", "exemptions.csv", 2);
    assert_entry(&explanation, "tax", "minutes of NY: 0.5 for each of 1 minutes = 0.5", "taxes.csv", 5);
    assert_entry(&explanation, "tax", "own of US: 0.01 of 0.0317 (the charge) = 0.000317; the seller's own",
                 "taxes.csv", 4);
    assert_entry(&explanation, "tax", "capped of US: it has brackets, a cap", "taxes.csv", 7);
    /* 0.00198125 + 0.5 + 0.03 x 0.0317 */
    assert_entry(&explanation, "taxes", "0.50293225 USD, not rounded; with those", "", 0);
    toll_explanation_free(&explanation);
    assert_int_equal(toll_explain(run, dataset, "2026-03-02", 1, false, &explanation, &error), 0);
    assert_entry(&explanation, "tax suspense", "(no_site)", "", 0);
    toll_explanation_free(&explanation);
    assert_int_equal(toll_explain(run, dataset, "2026-03-02", 2, false, &explanation, &error), 0);
    assert_entry(&explanation, "exempt", "retail of US is on retail", "", 0);
    toll_explanation_free(&explanation);
    assert_int_equal(toll_explain(run, dataset, "2026-03-12", 0, false, &explanation, &error), 0);
    assert_entry(&explanation, "tax", "city4 of AUS: 0.01 of 0.0317", "taxes.csv", 2);
    toll_explanation_free(&explanation);
    remove_all();
}

/* From Albany to Austin, paid in Austin: both ends lie in the US, and with the place two in Texas and Austin.
 */
static void test_ends_explained(void **state)
{
    (void)state;
    char run[256], dataset[256];
    struct toll_explanation explanation;
    struct toll_error error = {0};
    write_book("tax,level,sourcing,rate,on_taxes\ncity4,city,origin,1%,\n"
               "state,state,two_of_three,2%,city4\nplace,state,,3%,\n");
    put("book/npanxx.csv", "prefix,area\n1212555,albany\n1512555,austin\n");
    rate("record_id,start,duration_s,caller,callee\n"
         "a,2026-03-02T12:00:00Z,60,+12125550100,+15125550111\n"
         "b,2026-03-02T13:00:00Z,60,+12125550100,+19995550111\n");
    path_of("run", run);
    path_of("ds", dataset);
    if (toll_explain(run, dataset, "2026-03-02", 0, false, &explanation, &error) != 0)
        fail_msg("%s", error.text);
    assert_entry(&explanation, "tax origin", "ALB;NY;US", "", 0);
    assert_entry(&explanation, "two of three", "AUS;TX;US", "", 0);
    assert_entry(&explanation, "tax", "city4 of ALB: 0.01 of 0.0317 (the charge) = 0.000317", "taxes.csv", 2);
    assert_entry(&explanation, "tax", "state of TX: 0.02 of 0.032017 (the charge, city4) = 0.00064034",
                 "taxes.csv", 3);
    assert_entry(&explanation, "tax", "place of TX: 0.03 of 0.0317", "taxes.csv", 4);
    toll_explanation_free(&explanation);
    assert_int_equal(toll_explain(run, dataset, "2026-03-02", 1, false, &explanation, &error), 0);
    assert_entry(&explanation, "tax suspense", "(no_leg_place)", "", 0);
    toll_explanation_free(&explanation);
    remove_all();
}

/* ---- random months ---- */

struct sum {
    char key[192];
    struct toll_rational tax, base;
};
static struct sum sums[4096];
static size_t sum_count;

static struct sum *sum_of(const char *key)
{
    for (size_t i = 0; i < sum_count; i++) {
        if (strcmp(sums[i].key, key) == 0)
            return &sums[i];
    }
    assert_true(sum_count < COUNT(sums));
    struct sum *sum = &sums[sum_count++];
    snprintf(sum->key, sizeof sum->key, "%s", key);
    toll_rational_zero(&sum->tax);
    toll_rational_zero(&sum->base);
    return sum;
}

static void add_text(struct toll_rational *sum, const char *text, bool minus)
{
    struct toll_rational value;
    assert_true(toll_rational_parse(&value, text));
    assert_true(minus ? toll_rational_subtract(sum, sum, &value) : toll_rational_add(sum, sum, &value));
}

static void random_taxes(uint64_t *seed, char *text)
{
    static const char *const jurisdictions[] = {"US", "TX", "NY", "AUS", "ALB"};
    static const char *const bases[] = {"", "interstate", "intrastate", ""};
    char *at = text + sprintf(text, "tax,tax_jurisdiction,level,kind,base,sale,rate,amount,on_taxes,cap\n");
    for (int i = 0; i < 9; i++) {
        const uint64_t dice = random_next(seed);
        const unsigned a = dice & 255, b = dice >> 8 & 255, c = dice >> 16 & 255, d = dice >> 24 & 255;
        if (i == 7)
            at += sprintf(at, "t%d,,state,", i);
        else
            at += sprintf(at, "%s%d,%s,,", i == 4 ? "city" : "t", i, jurisdictions[a % 5]);
        if (i == 8) {
            at += sprintf(at, "per_minute,,any,,0.00%u,,\n", 1 + b % 9);
            continue;
        }
        at += sprintf(at, ",%s,%s,0.0%02u%u,,", bases[b % 4], c % 3 == 0 ? "any" : "", d % 100, a % 10);
        for (unsigned on = (unsigned)i % 3, first = 1; on < 9; on += 2 + (d >> on) % 3, first = 0)
            at += sprintf(at, "%s%s%u", first ? "" : ";", on == 4 ? "city" : "t", on);
        at += sprintf(at, ",\n");
    }
    strcpy(at, "late,US,,,,,1%,,,5\n");
}

static void random_calls(uint64_t *seed, char *text)
{
    static const char *const callees[] = {"12125550188", "12015550111", "442079460000", "17185550111"};
    char *at = text + sprintf(text, "record_id,start,duration_s,caller,callee,service,quantity\n");
    for (int i = 0; i < 250; i++) {
        const uint64_t dice = random_next(seed);
        const unsigned a = dice & 255, b = dice >> 8 & 255, c = dice >> 16 & 255, d = dice >> 24 & 0xFFFF;
        const bool sms = a % 5 == 0;
        char duration[16] = "";
        if (!sms)
            snprintf(duration, sizeof duration, "%u", d % 2000);
        at +=
            sprintf(at, "%d,2026-03-%02uT%02u:00:00Z,%s,+1212555010%u,+%s,%s,%s\n", i, 1 + b % 30, c % 24,
                    duration, (a >> 3) % 5, callees[sms ? 1 : c % 4], sms ? "sms" : "voice", sms ? "1" : "");
    }
}

/* Each line adds, each bucket and each row of the register takes away: nothing is left. */
static void add_line(struct toll_run *run, const struct toll_line *line)
{
    struct toll_line_taxes taxes;
    struct toll_error error = {0};
    char key[192];
    if (toll_run_line_taxes(run, line->tuple, line->charge, line->billed, &taxes, &error) != 0)
        fail_msg("%s", error.text);
    for (size_t i = 0; i < taxes.count; i++) {
        const struct toll_line_tax *tax = &taxes.taxes[i];
        if (tax->late)
            continue;
        snprintf(key, sizeof key, "bucket %s %s %d %s %s", line->account, line->site, line->tuple, tax->tax,
                 tax->tax_jurisdiction);
        struct sum *sum = sum_of(key);
        add_text(&sum->tax, tax->tax_exact, false);
        add_text(&sum->base, tax->base, false);
        snprintf(key, sizeof key, "register %s %s %s %s %s", taxes.period, line->account, line->site,
                 tax->tax, tax->tax_jurisdiction);
        sum = sum_of(key);
        add_text(&sum->tax, tax->tax_exact, false);
        add_text(&sum->base, tax->base, false);
    }
}

static void take_buckets(struct toll_run *run)
{
    const struct toll_run_tables *tables = &toll_run_inside(run)->tables;
    struct toll_line_taxes taxes;
    struct toll_error error = {0};
    char key[192];
    for (int64_t b = 0; b < tables->bucket_count; b++) {
        const struct toll_bucket_row *bucket = &tables->buckets[b];
        if (toll_run_line_taxes(run, bucket->tuple, bucket->charge, bucket->units, &taxes, &error) != 0)
            fail_msg("%s", error.text);
        for (size_t i = 0; i < taxes.count; i++) {
            const struct toll_line_tax *tax = &taxes.taxes[i];
            if (tax->late)
                continue;
            snprintf(key, sizeof key, "bucket %s %s %d %s %s", tables->accounts[bucket->account].account,
                     bucket->site, bucket->tuple, tax->tax, tax->tax_jurisdiction);
            struct sum *sum = sum_of(key);
            add_text(&sum->tax, tax->tax_exact, true);
            add_text(&sum->base, tax->base, true);
        }
    }
}

static int take_register(void)
{
    char path[256], key[192];
    struct toll_error error = {0};
    struct toll_taxes *taxes = NULL;
    struct toll_tax_register_row row;
    int rows = 0;
    if (toll_taxes_open(path_of("run", path), NULL, &taxes, &error) != 0)
        fail_msg("%s", error.text);
    for (; toll_taxes_register(taxes, rows, &row); rows++) {
        if (strcmp(row.tax, "late") == 0)
            continue;
        snprintf(key, sizeof key, "register %s %s %s %s %s", row.period, row.account, row.site, row.tax,
                 row.tax_jurisdiction);
        struct sum *sum = sum_of(key);
        add_text(&sum->tax, row.tax_exact, true);
        add_text(&sum->base, row.base, true);
    }
    toll_taxes_close(taxes);
    return rows;
}

static void test_sums(void **state)
{
    (void)state;
    static char taxes[8192], calls[65536];
    uint64_t seed = 606;
    for (int month = 0; month < 4; month++) {
        struct toll_line line;
        struct toll_error error = {0};
        int rc, with_taxes = 0;
        random_taxes(&seed, taxes);
        random_calls(&seed, calls);
        write_book(taxes);
        rate(calls);
        assert_same_by_threads();
        struct toll_run *run = open_run(true);
        sum_count = 0;
        while ((rc = toll_run_next(run, &line, &error)) == 1)
            add_line(run, &line);
        assert_int_equal(rc, 0);
        for (size_t i = 0; i < sum_count; i++)
            with_taxes += !toll_rational_is_zero(&sums[i].tax);
        assert_true(with_taxes > 20);
        take_buckets(run);
        assert_true(take_register() > 10);
        for (size_t i = 0; i < sum_count; i++) {
            if (!toll_rational_is_zero(&sums[i].tax) || !toll_rational_is_zero(&sums[i].base))
                fail_msg("%s does not add up (month %d)", sums[i].key, month);
        }
        toll_run_close(run);
        remove_all();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_call),
        cmocka_unit_test(test_explained),
        cmocka_unit_test(test_ends_explained),
        cmocka_unit_test(test_sums),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
