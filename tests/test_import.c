/*
 * Import as a whole, on small files: what is written depends on the set of files only; duplicates, conflicts,
 * rejects, refusals.
 */
#include "import_fixture.h"

#include <dirent.h>
#include <sys/stat.h>

#define HEADER "record_id,start,duration_s,caller,callee\n"
#define ROW1 "a,2026-03-01T10:00:00Z,60,+12125550100,+12025550111\n"
#define ROW2 "b,2026-03-01T11:00:00.250Z,61.5,+12125550100,911\n"
#define ROW3 "c,2026-03-02T00:00:00Z,0,alice,+4420\n"

/* All rows as text, a line each: without the source unless asked for. */
static char *dump(const char *dataset_path, bool with_source)
{
    struct toll_dataset dataset;
    struct toll_error error;
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    if (toll_dataset_open(&dataset, toll_io_system(), dataset_path, &error) != 0)
        fail_msg("%s", error.text);
    for (size_t p = 0; p < dataset.part_count; p++) {
        struct toll_cdr_part *part;
        struct toll_cdr_text *texts;

        assert_int_equal(toll_dataset_part_open(&dataset, p, TOLL_READ_MMAP, &part, &error), 0);
        assert_int_equal(toll_dataset_text_open(&dataset, p, TOLL_READ_MMAP, &texts, &error), 0);
        for (int64_t b = 0; b < toll_cdr_part_batches(part); b++) {
            struct toll_cdr_batch batch;

            assert_int_equal(toll_cdr_part_batch(part, b, TOLL_CDR_ALL_COLUMNS, NULL, &batch, &error), 0);
            for (int64_t i = 0; i < batch.rows; i++) {
                struct toll_text_view id, caller, callee;
                char start[TOLL_TIME_TEXT_BYTES], near[TOLL_DIGITS_TEXT_BYTES], far[TOLL_DIGITS_TEXT_BYTES];

                assert_int_equal(toll_cdr_text_row(texts, batch.first_row + i, &id, &caller, &callee, &error),
                                 0);
                toll_ms_format(batch.start[i], start);
                toll_digits_text(batch.caller[i], near);
                toll_digits_text(batch.callee[i], far);
                fprintf(out, "%.*s %s %d %s %s %04x [%.*s] [%.*s] %lld", (int)id.bytes, id.data, start,
                        batch.duration_ms[i], near, far, batch.kind[i], (int)caller.bytes, caller.data,
                        (int)callee.bytes, callee.data,
                        batch.quantity == NULL ? 0ll : (long long)batch.quantity[i]);
                if (with_source)
                    fprintf(
                        out, " %.8s:%d",
                        toll_cdr_part_dictionary(part, TOLL_CDR_SOURCE_FILE).entries[batch.source_file[i]],
                        batch.source_row[i]);
                fputc('\n', out);
            }
        }
        toll_cdr_text_close(texts);
        toll_cdr_part_close(part);
    }
    toll_dataset_close(&dataset);
    fclose(out);
    return text;
}

/* -- rows -- */

#define ANSWERED TOLL_KIND_ANSWERED
#define TYPES(caller, callee) \
    ((caller) << TOLL_KIND_CALLER_TYPE_SHIFT | (callee) << TOLL_KIND_CALLEE_TYPE_SHIFT)

static void test_rows(void **state)
{
    static const char file[] =
        "record_id,start,duration_s,caller,callee,service,direction,answered,quantity,provider_charge\n"
        "a,2026-03-01T10:00:00Z,60,+12125550100,+12025550111,,,,,\n"
        "b,2026-03-01T10:00:01Z,61.5,12125550100,911,voice,in,no,,0\n"
        "c,2026-03-01T10:00:02Z,,anonymous,alice@example,sms,out,yes,,\n"
        "d,2026-03-01T10:00:03+01:00,,+1,,data,out,yes,-5000,\n"
        "\"e \"\"x\"\", y\",2026-03-01T10:00:04Z,0,+12125550100,*67,event,out,yes,3,1.25\n";
    static const char format[] = "d 2026-03-01T09:00:03.000Z 0   %04x [+1] [] 5000\n"
                                 "a 2026-03-01T10:00:00.000Z 60000 12125550100 12025550111 %04x [] [] 0\n"
                                 "b 2026-03-01T10:00:01.000Z 61500 12125550100 911 %04x [] [] 0\n"
                                 "c 2026-03-01T10:00:02.000Z 0   %04x [anonymous] [alice@example] 1\n"
                                 "e \"x\", y 2026-03-01T10:00:04.000Z 0 12125550100 *67 %04x [] [] 3\n";
    const char *dataset = new_dataset();
    char expected[1000], *got;

    (void)state;
    snprintf(expected, sizeof expected, format,
             TOLL_DATA | ANSWERED | TOLL_KIND_CREDIT | TYPES(TOLL_NUMBER_INVALID, TOLL_NUMBER_NONE),
             TOLL_VOICE | ANSWERED | TYPES(TOLL_NUMBER_E164, TOLL_NUMBER_E164),
             TOLL_VOICE | TOLL_KIND_IN | TOLL_KIND_PROVIDER_CHARGE |
                 TYPES(TOLL_NUMBER_E164, TOLL_NUMBER_SHORT),
             TOLL_SMS | ANSWERED | TYPES(TOLL_NUMBER_NONE, TOLL_NUMBER_OTHER),
             TOLL_EVENT | ANSWERED | TOLL_KIND_PROVIDER_CHARGE | TYPES(TOLL_NUMBER_E164, TOLL_NUMBER_SHORT));
    import_quietly(dataset, write_text("rows.csv", file), NULL);
    got = dump(dataset, false);
    assert_string_equal(got, expected);
    free(got);
    verify(dataset);
}

/* docs/FORMATS.md: 1-based, header and blank lines not counted; a rejected row is a row. */
static void test_source_rows(void **state)
{
    static const char *const endings[] = {":1\n", ":3\n", ":4\n"};
    static const char bad[] = "z,never,60,+12125550100,+12025550111\n";
    const char *dataset = new_dataset();
    char text[1000], *got, *at;

    (void)state;
    snprintf(text, sizeof text, "%s\n%s%s\n%s%s", HEADER, ROW1, bad, ROW2, ROW3);
    import_quietly(dataset, write_text("places.csv", text), NULL);
    at = got = dump(dataset, true);
    for (int i = 0; i < 3; i++) {
        char *end = strchr(at, '\n');

        assert_non_null(end);
        assert_memory_equal(end - 2, endings[i], 3);
        at = end + 1;
    }
    assert_string_equal(at, "");
    free(got);
}

static void test_small_files(void **state)
{
    static const struct {
        const char *text;
        int64_t rows;
    } cases[] = {{HEADER, 0},
                 {"record_id,start,duration_s,caller,callee", 0},
                 {HEADER ROW1, 1},
                 {HEADER "a,2026-03-01T10:00:00Z,60,+12125550100,+12025550111", 1},
                 {HEADER "\n\n" ROW1 "\n" ROW2 "\n\n", 2},
                 {"\xef\xbb\xbf" HEADER ROW1, 1},
                 {"start,duration_s,caller,callee\r\n2026-03-01T10:00:00Z,60,,\r\n", 1},
                 {"start,duration_s,caller,callee\r2026-03-01T10:00:00Z,60,,\r2026-03-01T10:00:01Z,60,,", 2}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *dataset = new_dataset();
        struct outcome outcome = import_one(dataset, write_text("small.csv", cases[i].text));

        assert_int_equal(outcome.result.rows, cases[i].rows);
        assert_int_equal(outcome.result.accepted, cases[i].rows);
        assert_int_equal(outcome.result.dataset_rows, cases[i].rows);
        toll_import_result_free(&outcome.result);
        verify(dataset);
    }
}

/* -- sets of files -- */

#define FILE_A HEADER ROW1 ROW2 "x,2026-03-01T12:00:00Z,5,+12125550100,+12025550111\n"
#define FILE_B HEADER ROW2 ROW3 "x,2026-03-04T12:00:00Z,5,+12125550100,+12025550111\n"
#define FILE_C                                                              \
    HEADER ROW1 ROW3 "y,2026-03-01T12:00:00Z,5,+12125550100,+12025550111\n" \
                     "y,2026-03-01T12:00:00Z,6,+12125550100,+12025550111\n" \
                     "b,2026-03-09T11:00:00Z,61.5,+12125550100,911\n"

static void test_order_does_not_matter(void **state)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    char files[3][400], hash[33] = "", *rows = NULL;

    (void)state;
    strcpy(files[0], write_text("set_a.csv", FILE_A));
    strcpy(files[1], write_text("set_b.csv", FILE_B));
    strcpy(files[2], write_text("set_c.csv", FILE_C));
    for (int o = 0; o < 6; o++) {
        for (int calls = 1; calls <= 3; calls++) { /* all at once; one and two; one by one */
            const char *dataset = new_dataset();
            const char *ordered[3] = {files[orders[o][0]], files[orders[o][1]], files[orders[o][2]]};
            size_t first = calls == 1 ? 3 : 1;
            int64_t accepted = 0, duplicates = 0;
            struct outcome outcome = {0};
            char *got;

            for (size_t from = 0, count = first; from < 3; from += count, count = calls == 3 ? 1 : 2) {
                toll_import_result_free(&outcome.result);
                outcome = import_files(dataset, ordered + from, count);
                accepted += outcome.result.accepted;
                duplicates += outcome.result.duplicates;
            }
            assert_int_equal(accepted, 11);
            assert_int_equal(duplicates, 3); /* ROW1, ROW2, ROW3 a second time */
            assert_int_equal(outcome.result.dataset_rows, 8);
            if (hash[0] == '\0')
                memcpy(hash, outcome.result.cdr_hash, sizeof hash);
            assert_string_equal(outcome.result.cdr_hash, hash);
            toll_import_result_free(&outcome.result);
            verify(dataset);
            got = dump(dataset, true);
            if (rows == NULL)
                rows = strdup(got);
            assert_string_equal(got, rows);
            free(got);
        }
    }
    free(rows);
}

static int conflicts_in(const char *rows, const char *record_id)
{
    int conflicts = 0;

    for (const char *line = rows; *line != '\0'; line = strchr(line, '\n') + 1) {
        char id[32], start[40], rest[200];
        unsigned kind = 0;
        int duration;

        assert_true(sscanf(line, "%31s %39s %d %199[^[]", id, start, &duration, rest) == 4);
        kind = (unsigned)strtoul(strlen(rest) >= 5 ? rest + strlen(rest) - 5 : rest, NULL, 16);
        conflicts += strcmp(id, record_id) == 0 && (kind & TOLL_KIND_CONFLICT) != 0;
    }
    return conflicts;
}

static void test_conflicts(void **state)
{
    const char *dataset = new_dataset();
    struct outcome outcome;
    char *rows;

    (void)state;
    import_quietly(dataset, write_text("conflict_a.csv", FILE_A), NULL);
    rows = dump(dataset, false);
    assert_int_equal(conflicts_in(rows, "x"), 0);
    free(rows);
    /* x comes again on another day; the first day's part becomes a new one though no row of it came. */
    outcome = import_one(dataset, write_text("conflict_b.csv", HEADER "x,2026-03-04T12:00:00Z,5,+1,+1\n"));
    assert_int_equal(outcome.result.conflicts, 2);
    assert_int_equal(outcome.result.duplicates, 0);
    toll_import_result_free(&outcome.result);
    rows = dump(dataset, false);
    assert_int_equal(conflicts_in(rows, "x"), 2);
    assert_int_equal(conflicts_in(rows, "a"), 0);
    assert_int_equal(conflicts_in(rows, "b"), 0);
    free(rows);
    /* A duplicate of a marked row is a duplicate; a third content is one more conflict. */
    outcome = import_one(dataset, write_text("conflict_c.csv", HEADER "x,2026-03-04T12:00:00Z,5,+1,+1\n"
                                                                      "x,2026-03-04T12:00:00Z,7,+1,+1\n"));
    assert_int_equal(outcome.result.conflicts, 1);
    assert_int_equal(outcome.result.duplicates, 1);
    toll_import_result_free(&outcome.result);
    verify(dataset);
}

/* Another carrier's records have numbers of their own. */
static void test_carriers_apart(void **state)
{
    const char *dataset = new_dataset(), *file = write_text("carrier_a.csv", HEADER ROW1);
    struct toll_import_options options = {.spec_path = SPEC,
                                          .dataset_path = dataset,
                                          .files = &file,
                                          .file_count = 1,
                                          .max_rejects = 0,
                                          .carrier = "one"};
    struct toll_import_result result;
    struct toll_error error;

    (void)state;
    assert_int_equal(toll_import(&options, &result, &error), 0);
    toll_import_result_free(&result);
    file = write_text("carrier_b.csv", HEADER "a,2026-03-07T10:00:00Z,60,+12125550100,+12025550111\n");
    options.carrier = "two";
    assert_int_equal(toll_import(&options, &result, &error), 0);
    assert_int_equal(result.conflicts, 0);
    assert_int_equal(result.dataset_rows, 2);
    toll_import_result_free(&result);
    verify(dataset);
}

static void test_split_file(void **state)
{
    const char *whole = new_dataset(), *parts = new_dataset();
    const char *halves[2] = {write_text("half1.csv", HEADER ROW1 ROW2), write_text("half2.csv", HEADER ROW3)};
    struct outcome outcome;
    char *a, *b;

    (void)state;
    import_quietly(whole, write_text("whole.csv", HEADER ROW1 ROW2 ROW3), NULL);
    outcome = import_files(parts, halves, 2);
    toll_import_result_free(&outcome.result);
    a = dump(whole, false);
    b = dump(parts, false);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static void test_again(void **state)
{
    const char *dataset = new_dataset(), *file = write_text("again.csv", HEADER ROW1 ROW2);
    const char *twice[2] = {write_text("again_copy.csv", HEADER ROW1 ROW2), file};
    struct outcome first = import_one(dataset, file), second = import_one(dataset, file), third;

    (void)state;
    assert_false(first.result.files[0].already_imported);
    assert_true(second.result.files[0].already_imported);
    assert_int_equal(second.result.rows, 0);
    assert_int_equal(second.result.generation, 1);
    assert_string_equal(first.result.cdr_hash, second.result.cdr_hash);
    assert_int_equal(second.result.files[0].accepted, 2);
    toll_import_result_free(&first.result);
    toll_import_result_free(&second.result);
    /* The same bytes twice in one call. */
    dataset = new_dataset();
    third = import_files(dataset, twice, 2);
    assert_false(third.result.files[0].already_imported);
    assert_true(third.result.files[1].already_imported);
    assert_int_equal(third.result.rows, 2);
    assert_int_equal(third.result.duplicates, 0);
    toll_import_result_free(&third.result);
    verify(dataset);
}

/* -- rejects -- */

#define GOOD "g,2026-03-01T10:00:00Z,60,+12125550100,+12025550111\n"

static void check_reject(const char *bad_row, const char *reason)
{
    const char *dataset = new_dataset(), *file;
    char text[4000], path[600], expected[600], got[8000];
    struct outcome outcome;
    FILE *rejects;
    size_t bytes;

    snprintf(text, sizeof text, "%s%s%s%s", HEADER GOOD "\n", bad_row, "\n", ROW1);
    file = write_text("reject.csv", text);
    outcome = import_with(SPEC, dataset, &file, 1, 0);
    if (outcome.code != TOLL_EFINDINGS)
        fail_msg("%s: code %d", bad_row, outcome.code);
    assert_int_equal(outcome.result.rows, 3);
    assert_int_equal(outcome.result.accepted, 2);
    assert_int_equal(outcome.result.rejected, 1);
    assert_int_equal(outcome.result.dataset_rows, 2);
    snprintf(path, sizeof path, "%s/rejects/%s.csv", dataset, outcome.result.files[0].sha256);
    toll_import_result_free(&outcome.result);
    rejects = fopen(path, "rb");
    assert_non_null(rejects);
    bytes = fread(got, 1, sizeof got - 1, rejects);
    got[bytes] = '\0';
    fclose(rejects);
    snprintf(expected, sizeof expected, "\n%s,\"reject.csv\",4,%zu,\"", reason, strlen(HEADER GOOD "\n"));
    if (strstr(got, expected) == NULL)
        fail_msg("%s: no %s in %s", bad_row, expected, got);
    verify(dataset);
}

static void test_rejects(void **state)
{
    char longest[1200 + sizeof ",2026-03-01T10:00:00Z,60,,"];

    (void)state;
    check_reject("x,2026-03-01T10:00:00Z,60,+1", "bad_columns");
    check_reject("x,2026-03-01T10:00:00Z,60,+1,+1,", "bad_columns");
    check_reject("x,\"2026-03-01T10:00:00Z,60,+1,+1", "unbalanced_quotes");
    check_reject("x,yesterday,60,+1,+1", "bad_time");
    check_reject("x,,60,+1,+1", "bad_time");
    check_reject("x,1815-06-18T11:35:00Z,60,+1,+1", "bad_time");
    check_reject("x,2026-03-01T10:00:00Z,,+1,+1", "bad_duration");
    check_reject("x,2026-03-01T10:00:00Z,1m,+1,+1", "bad_duration");
    check_reject("x,2026-03-01T10:00:00Z,99999999,+1,+1", "bad_duration");
    check_reject("x,2026-03-01T10:00:00Z,-1,+1,+1", "negative_duration");
    memset(longest, 'i', 1100);
    strcpy(longest + 1100, ",2026-03-01T10:00:00Z,60,,");
    check_reject(longest, "too_long");
}

static void test_reject_columns(void **state)
{
    static const struct {
        const char *row, *reason;
    } cases[] = {{"2026-03-01T10:00:00Z,1,,,fax,,,,", "bad_service"},
                 {"2026-03-01T10:00:00Z,1,,,,up,,,", "bad_direction"},
                 {"2026-03-01T10:00:00Z,1,,,,,maybe,,", "bad_answered"},
                 {"2026-03-01T10:00:00Z,1,,,data,,,,", "bad_quantity"},
                 {"2026-03-01T10:00:00Z,1,,,data,,,1.5,", "bad_quantity"},
                 {"2026-03-01T10:00:00Z,1,,,,,,,1 USD", "bad_money"}};
    static const char head[] =
        "start,duration_s,caller,callee,service,direction,answered,quantity,provider_charge\n"
        "2026-03-01T10:00:00Z,1,,,,,,,\n";

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *dataset = new_dataset(), *file;
        char text[500], path[600], got[2000];
        struct outcome outcome;
        FILE *rejects;

        snprintf(text, sizeof text, "%s%s\n", head, cases[i].row);
        file = write_text("reject_columns.csv", text);
        outcome = import_with(SPEC, dataset, &file, 1, -1);
        assert_int_equal(outcome.code, TOLL_EFINDINGS); /* the spec allows none */
        snprintf(path, sizeof path, "%s/rejects/%s.csv", dataset, outcome.result.files[0].sha256);
        toll_import_result_free(&outcome.result);
        rejects = fopen(path, "rb");
        assert_non_null(rejects);
        got[fread(got, 1, sizeof got - 1, rejects)] = '\0';
        fclose(rejects);
        if (strstr(got, cases[i].reason) == NULL)
            fail_msg("%s: %s", cases[i].row, got);
    }
}

static void test_nul_byte(void **state)
{
    static const char text[] = HEADER GOOD "x\0,2026-03-01T10:00:00Z,60,,\n";
    const char *dataset = new_dataset(), *file = write_bytes("nul.csv", text, sizeof text - 1);
    struct outcome outcome = import_with(SPEC, dataset, &file, 1, 1);

    (void)state;
    assert_int_equal(outcome.code, 0);
    assert_int_equal(outcome.result.rejected, 1);
    toll_import_result_free(&outcome.result);
}

/* A rejects file with its cells mended is a file like any other: together they are the whole file. */
static void test_mended_rejects(void **state)
{
    const char *dataset = new_dataset(), *whole = new_dataset(), *file;
    char path[600], text[4000], *bad, *got, *expected;
    struct outcome outcome;
    FILE *rejects;

    (void)state;
    file =
        write_text("mend.csv", HEADER ROW1 "b,2026-03-01 at 11:00:00.250Z,61.5,\"+12125550100\",911\n" ROW3);
    outcome = import_with(SPEC, dataset, &file, 1, 1);
    assert_int_equal(outcome.code, 0);
    snprintf(path, sizeof path, "%s/rejects/%s.csv", dataset, outcome.result.files[0].sha256);
    toll_import_result_free(&outcome.result);
    rejects = fopen(path, "rb");
    assert_non_null(rejects);
    text[fread(text, 1, sizeof text - 1, rejects)] = '\0';
    fclose(rejects);
    bad = strstr(text, " at ");
    assert_non_null(bad);
    memmove(bad + 1, bad + 4, strlen(bad + 4) + 1);
    file = write_text("mended.csv", text);
    outcome = import_one(dataset, file);
    assert_int_equal(outcome.result.rows, 1);
    assert_int_equal(outcome.result.accepted, 1);
    toll_import_result_free(&outcome.result);
    import_quietly(whole, write_text("mend_whole.csv", HEADER ROW1 ROW2 ROW3), NULL);
    got = dump(dataset, false);
    expected = dump(whole, false);
    assert_string_equal(got, expected);
    free(got);
    free(expected);
}

/* -- refusals -- */

static bool exists(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0;
}

static void check_refused(const char *spec, const char *text, const char *words)
{
    const char *dataset = new_dataset();
    const char *files[2] = {write_text("fine.csv", HEADER ROW1), write_text("refused.csv", text)};
    struct outcome outcome = import_with(spec, dataset, strcmp(spec, SPEC) == 0 ? files : files + 1,
                                         strcmp(spec, SPEC) == 0 ? 2 : 1, 100);

    if (outcome.code != TOLL_EDATA || strstr(outcome.error.text, words) == NULL)
        fail_msg("code %d, \"%s\"", outcome.code, outcome.error.text);
    assert_int_equal(toll_exit_code(outcome.code), 65);
    assert_false(exists(dataset)); /* the good file beside it, too, is not published */
    toll_import_result_free(&outcome.result);
}

static void test_refused(void **state)
{
    static const char asterisk[] = TOLL_SOURCE_DIR "/data/providers/asterisk-cdr-csv.yaml";

    (void)state;
    check_refused(SPEC, "", "empty");
    check_refused(SPEC, "start,duration,caller,callee\n", "unknown header");
    check_refused(SPEC, "start,duration_s,caller\n2026-03-01T10:00:00Z,1,+1\n", "\"callee\" is missing");
    check_refused(SPEC, HEADER "x,now,1,,\ny,now,1,,\n", "none of its 2 rows");
    check_refused(SPEC, "reason,file,line,offset,raw\nheader,f\n", "rejects file");
    /* An event log with a legal number of columns, and a row cut inside a quote. */
    check_refused(
        asterisk,
        "\"CHAN_START\",\"1335310195.513823\",\"\",\"\",\"\",\"\",\"\",\"s\",\"default\",\"Tin/s\",\"\",\"\","
        "\"3\",\"\",\"1335310195.0\",\"1335310195.0\",\"\",\"\"\n",
        "looks like asterisk-cdr-csv but is not");
    check_refused(
        asterisk,
        "\"\",\"t\",\"1\",\"c\",\"\",\"S\",\"\",\"H\",\"\",\"2009-01-14 23:51:15\",\"2009-01-14 23:51:15\","
        "\"2009-01-14 23:51:20\",5,5,\"ANSWERED\",\"DOCUMENTATION\",\"1.0\",\"",
        "unbalanced_quotes");
}

static void test_missing(void **state)
{
    const char *dataset = new_dataset(), *none = at("not_there.csv"),
               *file = write_text("ok.csv", HEADER ROW1);
    struct outcome outcome = import_with(SPEC, dataset, &none, 1, 0);

    (void)state;
    assert_int_equal(outcome.code, TOLL_ENOINPUT);
    toll_import_result_free(&outcome.result);
    outcome = import_with(none, dataset, &file, 1, 0);
    assert_int_equal(outcome.code, TOLL_ENOINPUT);
    toll_import_result_free(&outcome.result);
    outcome = import_with(write_text("bad.yaml", "spec: x\n"), dataset, &file, 1, 0);
    assert_int_equal(outcome.code, TOLL_EBOOK);
    toll_import_result_free(&outcome.result);
    assert_false(exists(dataset));
}

static void test_dry_run(void **state)
{
    const char *dataset = new_dataset();
    const char *file = write_text("dry.csv", HEADER ROW1 ROW1 "x,now,1,,\n");
    struct toll_import_options options = {.spec_path = SPEC,
                                          .dataset_path = dataset,
                                          .files = &file,
                                          .file_count = 1,
                                          .max_rejects = 5,
                                          .dry_run = true};
    struct toll_import_result result;
    struct toll_error error;

    (void)state;
    assert_int_equal(toll_import(&options, &result, &error), 0);
    assert_int_equal(result.accepted, 2);
    assert_int_equal(result.rejected, 1);
    assert_int_equal(result.duplicates, 1);
    assert_false(exists(dataset));
    toll_import_result_free(&result);
}

/* -- at random -- */

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 8;
}

/* Rows with few keys, few days and few contents: all kinds of duplicates and conflicts. Whatever the order
 * and the number of imports, the rows are those that a look at all pairs gives. */
static void test_random_sets(void **state)
{
    enum { FILES = 5, ROWS = 24 };

    (void)state;
    for (uint32_t seed = 1; seed <= 12; seed++) {
        uint32_t random = seed * 77777;
        struct {
            unsigned key, day, second, duration;
        } rows[FILES * ROWS];
        char paths[FILES][400], hash[33] = "", *seen = NULL;

        for (int f = 0; f < FILES; f++) {
            char name[32], text[ROWS * 80 + 80] = HEADER;

            for (int r = 0; r < ROWS; r++) {
                unsigned key = next_random(&random) % 20, day = 1 + next_random(&random) % 3;
                unsigned second = next_random(&random) % 2, duration = next_random(&random) % 2;

                if (key > 8) /* mostly a function of the key */
                    day = 1 + key % 3, second = 0, duration = key > 10 ? 0 : duration;
                rows[f * ROWS + r].key = key;
                rows[f * ROWS + r].day = day;
                rows[f * ROWS + r].second = second;
                rows[f * ROWS + r].duration = duration;
                snprintf(text + strlen(text), sizeof text - strlen(text),
                         "k%u,2026-03-%02uT10:00:%02uZ,%u,,\n", key, day, second, duration);
            }
            snprintf(name, sizeof name, "random%u_%d.csv", seed, f);
            strcpy(paths[f], write_text(name, text));
        }
        for (int way = 0; way < 4; way++) {
            const char *dataset = new_dataset(), *files[FILES];
            struct outcome outcome = {0};
            char *got;

            for (int f = 0; f < FILES; f++)
                files[f] = paths[way % 2 == 0 ? f : FILES - 1 - f];
            for (size_t from = 0, count; from < FILES; from += count) {
                count = way == 0 ? FILES : way == 3 ? (from == 0 ? 3 : 2) : 1;
                toll_import_result_free(&outcome.result);
                outcome = import_files(dataset, files + from, count);
            }
            if (hash[0] == '\0')
                memcpy(hash, outcome.result.cdr_hash, sizeof hash);
            assert_string_equal(outcome.result.cdr_hash, hash);
            toll_import_result_free(&outcome.result);
            verify(dataset);
            got = dump(dataset, true);
            if (seen == NULL)
                seen = strdup(got);
            assert_string_equal(got, seen);
            free(got);
        }
        for (unsigned key = 0; key < 20; key++) {
            char id[16];
            int contents = 0;

            for (int i = 0; i < FILES * ROWS; i++) {
                bool again = false;

                for (int k = 0; k < i; k++)
                    again |= memcmp(&rows[i], &rows[k], sizeof rows[0]) == 0;
                contents += rows[i].key == key && !again;
            }
            snprintf(id, sizeof id, "k%u", key);
            assert_int_equal(conflicts_in(seen, id), contents > 1 ? contents : 0);
        }
        free(seen);
    }
}

/* Threads and chunks change nothing: a file of several chunks, read by one and by three threads, and in one
 * piece as a multi-line file would be. */
static void test_chunks(void **state)
{
    enum { ROWS = 300000 };
    char hash[33] = "";
    const char *path;
    FILE *file;

    (void)state;
    path = at("large.csv");
    file = fopen(path, "wb");
    assert_non_null(file);
    fputs("record_id,start,duration_s,caller,callee,trunk\n", file);
    for (int i = 0; i < ROWS; i++) {
        if (i == ROWS - 5)
            fputs("bad\n", file);
        fprintf(file, "id%07d,2026-03-%02dT%02d:%02d:%02d.%03dZ,%d,+1212555%04d,+1202555%04d,trunk%d\n",
                i % (ROWS - 10), 1 + i % 3, i / 3600 % 24, i / 60 % 60, i % 60, i % 1000, i % 100, i % 10000,
                i * 7 % 10000, i % 300);
    }
    fclose(file);
    for (unsigned threads = 1; threads <= 3; threads += 2) {
        const char *dataset = new_dataset();
        struct toll_import_options options = {.spec_path = SPEC,
                                              .dataset_path = dataset,
                                              .files = &path,
                                              .file_count = 1,
                                              .threads = threads,
                                              .max_rejects = 1};
        struct toll_import_result result;
        struct toll_error error;
        char rejects[600], text[1000];
        FILE *listed;

        assert_int_equal(toll_import(&options, &result, &error), 0);
        assert_int_equal(result.rows, ROWS + 1);
        assert_int_equal(result.accepted, ROWS);
        assert_int_equal(result.conflicts, 20);
        if (hash[0] == '\0')
            memcpy(hash, result.cdr_hash, sizeof hash);
        assert_string_equal(result.cdr_hash, hash);
        snprintf(rejects, sizeof rejects, "%s/rejects/%s.csv", dataset, result.files[0].sha256);
        listed = fopen(rejects, "rb");
        assert_non_null(listed);
        text[fread(text, 1, sizeof text - 1, listed)] = '\0';
        fclose(listed);
        assert_non_null(strstr(text, "bad_columns,\"large.csv\",299997,"));
        toll_import_result_free(&result);
        verify(dataset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),        cmocka_unit_test(test_source_rows),
        cmocka_unit_test(test_small_files), cmocka_unit_test(test_order_does_not_matter),
        cmocka_unit_test(test_conflicts),   cmocka_unit_test(test_carriers_apart),
        cmocka_unit_test(test_split_file),  cmocka_unit_test(test_again),
        cmocka_unit_test(test_rejects),     cmocka_unit_test(test_reject_columns),
        cmocka_unit_test(test_nul_byte),    cmocka_unit_test(test_mended_rejects),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_missing),
        cmocka_unit_test(test_dry_run),     cmocka_unit_test(test_random_sets),
        cmocka_unit_test(test_chunks),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
