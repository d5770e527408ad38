/*
 * Records that are two CDRs (legs: both): what the rows are, how records, legs, duplicates and conflicts are
 * counted, and that nothing depends on the order of files. Also the side numbers of the generic spec.
 */
#include "import_fixture.h"

#include "base/checksum.h"
#include "base/digits.h"

#define HEADER                                                                                             \
    "record_id,start,duration_s,caller,callee,direction,charged,trunk,account_hint,lrn_caller,lrn_callee," \
    "ring_to,provider_charge,legs\n"
#define DAY "2026-03-01T10:00:0"
#define ENDS "+12125550100,+18005550111"
#define REST "+12125550199,T1,H1,+12125550000,+18005550000,+12015550111,0.25"
#define NO_REST ",,,,,,"

/* One row of a dataset. */
struct row {
    char id[16], trunk[16], hint[16];
    toll_ms start;
    int32_t duration_ms, source_row;
    uint64_t caller, callee, charged, lrn_caller, lrn_callee, ring_to, key_high, key_low;
    int64_t provider_charge;
    uint16_t kind;
};

struct rows {
    struct row *rows;
    size_t count;
    int64_t legs, accepted, duplicates; /* of all receipts */
};

static const char *name_of(const struct toll_cdr_part *part, enum toll_cdr_column column, const int32_t *ids,
                           int64_t i)
{
    return ids == NULL ? "" : toll_cdr_part_dictionary(part, column).entries[ids[i]];
}

static uint64_t packed(const uint64_t *column, int64_t i)
{
    return column == NULL ? 0 : column[i];
}

static void read_part(const struct toll_dataset *dataset, size_t index, struct rows *out)
{
    struct toll_cdr_part *part;
    struct toll_cdr_text *texts;
    struct toll_error error;

    assert_int_equal(toll_dataset_part_open(dataset, index, TOLL_READ_MMAP, &part, &error), 0);
    assert_int_equal(toll_dataset_text_open(dataset, index, TOLL_READ_MMAP, &texts, &error), 0);
    for (int64_t b = 0; b < toll_cdr_part_batches(part); b++) {
        struct toll_cdr_batch batch;

        assert_int_equal(toll_cdr_part_batch(part, b, TOLL_CDR_ALL_COLUMNS, NULL, &batch, &error), 0);
        for (int64_t i = 0; i < batch.rows; i++) {
            struct row *row = &out->rows[out->count++];
            struct toll_text_view id, caller, callee;

            assert_int_equal(toll_cdr_text_row(texts, batch.first_row + i, &id, &caller, &callee, &error), 0);
            *row = (struct row){.start = batch.start[i],
                                .duration_ms = batch.duration_ms[i],
                                .source_row = batch.source_row[i],
                                .caller = batch.caller[i],
                                .callee = batch.callee[i],
                                .charged = packed(batch.charged, i),
                                .lrn_caller = packed(batch.lrn_caller, i),
                                .lrn_callee = packed(batch.lrn_callee, i),
                                .ring_to = packed(batch.ring_to, i),
                                .key_high = batch.record_key_high[i],
                                .key_low = batch.record_key_low[i],
                                .kind = batch.kind[i]};
            row->provider_charge = batch.provider_charge == NULL ? 0 : batch.provider_charge[i];
            snprintf(row->id, sizeof row->id, "%.*s", (int)id.bytes, id.data);
            snprintf(row->trunk, sizeof row->trunk, "%s", name_of(part, TOLL_CDR_TRUNK, batch.trunk, i));
            snprintf(row->hint, sizeof row->hint, "%s", name_of(part, TOLL_CDR_HINT, batch.hint, i));
        }
    }
    toll_cdr_text_close(texts);
    toll_cdr_part_close(part);
}

/* A dataset that verifies, and whose receipts account for its rows. */
static struct rows read_rows(const char *path)
{
    struct toll_dataset dataset;
    struct toll_error error;
    struct rows out = {0};
    int64_t rows = 0;

    verify(path);
    assert_int_equal(toll_dataset_open(&dataset, toll_io_system(), path, &error), 0);
    for (size_t p = 0; p < dataset.part_count; p++)
        rows += dataset.parts[p].rows;
    out.rows = calloc((size_t)rows + 1, sizeof *out.rows);
    assert_non_null(out.rows);
    for (size_t p = 0; p < dataset.part_count; p++)
        read_part(&dataset, p, &out);
    for (size_t i = 0; i < dataset.receipt_count; i++) {
        out.accepted += dataset.receipts[i].accepted;
        out.legs += dataset.receipts[i].legs;
        out.duplicates += dataset.receipts[i].duplicates;
    }
    assert_int_equal(out.accepted + out.legs - out.duplicates, out.count);
    toll_dataset_close(&dataset);
    return out;
}

static const struct row *find(const struct rows *rows, const char *id, bool in)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (strcmp(rows->rows[i].id, id) == 0 && ((rows->rows[i].kind & TOLL_KIND_IN) != 0) == in)
            return &rows->rows[i];
    }
    fail_msg("no row %s %s", id, in ? "in" : "out");
    return NULL;
}

static size_t conflicts_in(const struct rows *rows, const char *id)
{
    size_t count = 0;

    for (size_t i = 0; i < rows->count; i++)
        count += strcmp(rows->rows[i].id, id) == 0 && (rows->rows[i].kind & TOLL_KIND_CONFLICT) != 0;
    return count;
}

/* -- what the rows are -- */

static void test_rows(void **state)
{
    static const char file[] = HEADER /* the direction of a record with two legs does not count */
        "a," DAY "0Z,60," ENDS ",in," REST ",both\n"
        "b," DAY "1Z,60," ENDS ",in," REST ",one\n"
        "c," DAY "2Z,60," ENDS ",," NO_REST ",\n"
        "d," DAY "3Z,1.5," ENDS ",," NO_REST ",both\n";
    const uint16_t ends = TOLL_KIND_ANSWERED | TOLL_NUMBER_E164 << TOLL_KIND_CALLER_TYPE_SHIFT |
                          TOLL_NUMBER_E164 << TOLL_KIND_CALLEE_TYPE_SHIFT;
    const struct toll_hash128 key = toll_hash("a", 1);
    const char *dataset = new_dataset();
    struct outcome outcome = import_one(dataset, write_text("rows.csv", file));
    struct rows rows = read_rows(dataset);
    const struct row *out = find(&rows, "a", false), *in = find(&rows, "a", true);
    struct row same;

    (void)state;
    assert_int_equal(outcome.result.rows, 4);
    assert_int_equal(outcome.result.accepted, 4);
    assert_int_equal(outcome.result.legs, 2);
    assert_int_equal(outcome.result.files[0].legs, 2);
    assert_int_equal(outcome.result.duplicates + outcome.result.conflicts + outcome.result.warnings, 0);
    assert_int_equal(outcome.result.dataset_rows, 6);
    assert_int_equal(outcome.result.files[0].duration_ms, 181500); /* records, as the provider adds up */
    assert_int_equal(rows.legs, 2);
    toll_import_result_free(&outcome.result);

    assert_int_equal(out->kind, ends | TOLL_KIND_LEG | TOLL_KIND_PROVIDER_CHARGE);
    assert_true(out->key_high == key.high && out->key_low == key.low);
    assert_int_equal(out->source_row, 1);
    assert_string_equal(out->trunk, "T1");
    assert_string_equal(out->hint, "H1");
    assert_true(out->charged == 0x12125550199fffff && out->lrn_caller == 0x12125550000fffff);
    assert_true(out->lrn_callee == 0x18005550000fffff && out->ring_to == 0x12015550111fffff);
    assert_int_equal(out->provider_charge, 25000000);
    same = *in;
    assert_int_equal(same.kind, out->kind | TOLL_KIND_IN);
    assert_true(same.key_low == (key.low ^ 1));
    same.kind = out->kind;
    same.key_low = out->key_low;
    assert_memory_equal(&same, out, sizeof same);
    assert_int_equal(in > out ? in - out : out - in, 1); /* side by side */

    assert_int_equal(find(&rows, "b", true)->kind, ends | TOLL_KIND_IN | TOLL_KIND_PROVIDER_CHARGE);
    assert_int_equal(find(&rows, "c", false)->kind, ends);
    assert_int_equal(find(&rows, "d", false)->kind, ends | TOLL_KIND_LEG);
    assert_int_equal(find(&rows, "d", true)->kind, ends | TOLL_KIND_LEG | TOLL_KIND_IN);
    free(rows.rows);
}

/* The whole record is one reject; a direction that nobody knows is none where there are two legs. */
static void test_rejects(void **state)
{
    static const char file[] = HEADER "a," DAY "0Z,60," ENDS ",sideways," NO_REST ",both\n"
                                      "b," DAY "0Z,60," ENDS ",sideways," NO_REST ",one\n"
                                      "c," DAY "0Z,60," ENDS ",out," NO_REST ",three\n"
                                      "d," DAY "0Z,long," ENDS ",," NO_REST ",both\n";
    const char *dataset = new_dataset();
    struct outcome outcome = import_one(dataset, write_text("rejects.csv", file));
    char path[600], got[2000];
    FILE *rejects;

    (void)state;
    assert_int_equal(outcome.result.accepted, 1);
    assert_int_equal(outcome.result.rejected, 3);
    assert_int_equal(outcome.result.legs, 1);
    assert_int_equal(outcome.result.dataset_rows, 2);
    snprintf(path, sizeof path, "%s/rejects/%s.csv", dataset, outcome.result.files[0].sha256);
    toll_import_result_free(&outcome.result);
    rejects = fopen(path, "rb");
    assert_non_null(rejects);
    got[fread(got, 1, sizeof got - 1, rejects)] = '\0';
    fclose(rejects);
    assert_non_null(strstr(got, "bad_direction,\"rejects.csv\",3,"));
    assert_non_null(strstr(got, "bad_legs,\"rejects.csv\",4,"));
    assert_non_null(strstr(got, "bad_duration,\"rejects.csv\",5,"));
}

/* A side number is kept when it is E.164; other text is a warning, none at all is not. */
static void test_side_numbers(void **state)
{
    static const char file[] = HEADER "a," DAY "0Z,60," ENDS ",,,,,,,911,,both\n"
                                      "b," DAY "1Z,60," ENDS ",,,,,alice,,,,\n"
                                      "c," DAY "2Z,60," ENDS ",,,,,,12015550112x,,,\n"
                                      "d," DAY "3Z,60," ENDS ",,anonymous,,,,,,,\n"
                                      "e," DAY "4Z,60," ENDS ",,,,,12015550113,,+442079460000,,\n";
    const char *dataset = new_dataset();
    struct outcome outcome = import_one(dataset, write_text("side.csv", file));
    struct rows rows = read_rows(dataset);

    (void)state;
    assert_int_equal(outcome.result.warnings, 3); /* a, b, c: records, not legs */
    toll_import_result_free(&outcome.result);
    assert_true(find(&rows, "a", false)->ring_to == 0 && find(&rows, "b", false)->lrn_caller == 0);
    assert_true(find(&rows, "c", false)->lrn_callee == 0 && find(&rows, "d", false)->charged == 0);
    assert_true(find(&rows, "e", false)->lrn_caller == 0x12015550113fffff);
    assert_true(find(&rows, "e", false)->ring_to == 0x442079460000ffff);
    free(rows.rows);
}

/* -- specs -- */

#define SPEC_HEAD                                                  \
    "spec: tollmill-cdr-map/1\nprovider: p\nversion: \"1\"\n"      \
    "file: {header: none, columns: [3]}\ntime: {zone: UTC}\n"      \
    "fields:\n  - {to: start, from: 1, type: time, format: iso}\n" \
    "  - {to: duration, from: 2, type: seconds}\n"

static void test_specs(void **state)
{
    static const struct {
        const char *fields;
        int64_t legs; /* -1: the spec is wrong */
        const char *words;
    } cases[] = {
        {"  - {to: legs, value: both}\n", 3, NULL},
        {"  - {to: legs, value: one}\n", 0, NULL},
        {"  - {to: legs, from: 3, type: choice, map: {one: [X], both: [I, J]}}\n", 2, NULL},
        {"  - {to: legs, from: 3, type: choice, map: {one: X}, otherwise: both}\n", 2, NULL},
        {"  - {to: legs, from: 3, type: choice, map: {both: J}, otherwise: one}\n", 1, NULL},
        {"  - {to: direction, value: in}\n  - {to: legs, value: both}\n", 3, NULL},
        {"  - {to: legs, value: two}\n", -1, "\"two\" is no legs; known are one, both"},
        {"  - {to: legs, from: 3, type: choice}\n", -1, "needs `map:`"},
        {"  - {to: legs, from: 3, type: text}\n", -1, "does not fit legs"},
        {"  - {to: legs, from: 3, type: choice, map: {two: X}}\n", -1, "two"},
    };
    const char *file = write_text("spec.csv", DAY "0Z,1,X\n" DAY "1Z,1,I\n" DAY "2Z,1,J\n");
    char data[400];

    (void)state;
    snprintf(data, sizeof data, "%s", file);
    file = data;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *dataset = new_dataset();
        char text[1000], spec[400];
        struct outcome outcome;
        struct rows rows;

        snprintf(text, sizeof text, SPEC_HEAD "%s", cases[i].fields);
        snprintf(spec, sizeof spec, "%s", write_text("spec.yaml", text));
        outcome = import_with(spec, dataset, &file, 1, -1);
        if (cases[i].legs < 0) {
            assert_int_equal(outcome.code, TOLL_EBOOK);
            if (strstr(outcome.error.text, cases[i].words) == NULL)
                fail_msg("%s: %s", cases[i].fields, outcome.error.text);
            continue;
        }
        if (outcome.code != 0)
            fail_msg("%s: %s", cases[i].fields, outcome.error.text);
        assert_int_equal(outcome.result.accepted, 3);
        assert_int_equal(outcome.result.legs, cases[i].legs);
        rows = read_rows(dataset);
        assert_int_equal(rows.count, 3 + cases[i].legs);
        free(rows.rows);
        toll_import_result_free(&outcome.result);
    }
}

/* -- duplicates and conflicts -- */

#define RECORD "a," DAY "0Z,60," ENDS ",," REST ","

static void test_again(void **state)
{
    static const struct {
        const char *again;
        int64_t legs, duplicates, conflicts, rows;
    } cases[] = {
        {RECORD "both\n", 1, 2, 0, 2},                             /* both legs are there already */
        {"a," DAY "0Z,61," ENDS ",," REST ",both\n", 1, 0, 4, 4},  /* each leg with its like */
        {"a," DAY "9Z,60," ENDS ",," REST ",both\n", 1, 0, 4, 4},  /* at another time */
        {RECORD "one\n", 0, 0, 2, 3},                              /* with the out leg only */
        {"a," DAY "0Z,60," ENDS ",in," REST ",one\n", 0, 0, 2, 3}, /* an in row is none of the legs */
        {"b," DAY "0Z,60," ENDS ",," REST ",both\n", 1, 0, 0, 4},
    };
    char first[400];

    (void)state;
    snprintf(first, sizeof first, "%s", write_text("first.csv", HEADER RECORD "both\n"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *apart = new_dataset(), *together = new_dataset(), *files[2];
        char text[1000], second[400], hash[33];
        struct outcome outcome;
        struct rows rows;

        snprintf(text, sizeof text, HEADER "\n%s", cases[i].again); /* a blank line: other bytes */
        snprintf(second, sizeof second, "%s", write_text("second.csv", text));
        import_quietly(apart, first, NULL);
        outcome = import_one(apart, second);
        assert_int_equal(outcome.result.legs, cases[i].legs);
        assert_int_equal(outcome.result.duplicates, cases[i].duplicates);
        assert_int_equal(outcome.result.conflicts, cases[i].conflicts);
        assert_int_equal(outcome.result.dataset_rows, cases[i].rows);
        memcpy(hash, outcome.result.cdr_hash, sizeof hash);
        toll_import_result_free(&outcome.result);
        rows = read_rows(apart);
        assert_int_equal(conflicts_in(&rows, "a"), cases[i].conflicts);
        free(rows.rows);

        files[0] = second;
        files[1] = first;
        outcome = import_files(together, files, 2);
        assert_string_equal(outcome.result.cdr_hash, hash);
        assert_int_equal(outcome.result.duplicates, cases[i].duplicates);
        toll_import_result_free(&outcome.result);
    }
}

/* A record twice in one file: each leg once. */
static void test_twice_in_a_file(void **state)
{
    const char *dataset = new_dataset();
    struct outcome outcome =
        import_one(dataset, write_text("twice.csv", HEADER RECORD "both\n" RECORD "both\n" RECORD "both\n"));
    struct rows rows = read_rows(dataset);

    (void)state;
    assert_int_equal(outcome.result.accepted, 3);
    assert_int_equal(outcome.result.legs, 3);
    assert_int_equal(outcome.result.duplicates, 4);
    assert_int_equal(rows.count, 2);
    toll_import_result_free(&outcome.result);
    free(rows.rows);
}

/* -- many -- */

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 8;
}

/* Few keys, few contents, one leg or two: whatever the order and number of imports, rows and conflicts are
 * those that a look at all pairs gives. */
static void test_random_sets(void **state)
{
    enum { FILES = 4, RECORDS = 20, ALL = FILES * RECORDS };

    (void)state;
    for (uint32_t seed = 1; seed <= 10; seed++) {
        uint32_t random = seed * 99991;
        struct {
            unsigned key, day, duration, in, both, second;
        } all[2 * ALL]; /* the rows that come out; second: of two legs */
        int count = 0;
        char paths[FILES][400], hash[33] = "";
        struct rows rows = {0};
        size_t distinct = 0;

        memset(all, 0, sizeof all);
        for (int f = 0; f < FILES; f++) {
            char name[32],
                text[RECORDS * 80 + 80] = "record_id,start,duration_s,caller,callee,direction,legs\n";

            for (int r = 0; r < RECORDS; r++) {
                unsigned key = next_random(&random) % 12, both = next_random(&random) % 4 != 0;
                unsigned day = 1 + (key + next_random(&random) % 8 / 7) % 3, in = next_random(&random) % 2;
                unsigned duration = next_random(&random) % 6 / 5;

                all[count].key = key, all[count].day = day, all[count].duration = duration;
                all[count].in = both ? 0 : in, all[count].both = both;
                if (both) {
                    all[count + 1] = all[count];
                    all[++count].in = 1;
                    all[count].second = 1;
                }
                count++;
                snprintf(text + strlen(text), sizeof text - strlen(text),
                         "k%u,2026-03-%02uT10:00:00Z,%u,,,%s,%s\n", key, day, duration, in ? "in" : "out",
                         both ? "both" : "one");
            }
            snprintf(name, sizeof name, "random%u_%d.csv", seed, f);
            strcpy(paths[f], write_text(name, text));
        }
        for (int way = 0; way < 3; way++) {
            const char *dataset = new_dataset(), *files[FILES];
            struct outcome outcome = {0};

            for (int f = 0; f < FILES; f++)
                files[f] = paths[way == 1 ? FILES - 1 - f : f];
            for (size_t from = 0, some; from < FILES; from += some) {
                some = way == 0 ? FILES : way == 1 ? 1 : 2;
                toll_import_result_free(&outcome.result);
                outcome = import_files(dataset, files + from, some);
            }
            if (hash[0] == '\0')
                memcpy(hash, outcome.result.cdr_hash, sizeof hash);
            assert_string_equal(outcome.result.cdr_hash, hash);
            toll_import_result_free(&outcome.result);
            free(rows.rows);
            rows = read_rows(dataset);
        }
        for (int i = 0; i < count; i++) {
            bool again = false;

            for (int k = 0; k < i; k++)
                again |= memcmp(&all[i], &all[k], sizeof all[0]) == 0;
            distinct += !again;
        }
        assert_int_equal(rows.count, distinct);
        for (unsigned key = 0; key < 12; key++) {
            size_t conflicts = 0;
            char id[16];

            for (unsigned second = 0; second < 2; second++) {
                size_t contents = 0;

                for (int i = 0; i < count; i++) {
                    bool again = all[i].key != key || all[i].second != second;

                    for (int k = 0; k < i; k++)
                        again |= memcmp(&all[i], &all[k], sizeof all[0]) == 0;
                    contents += !again;
                }
                conflicts += contents > 1 ? contents : 0;
            }
            snprintf(id, sizeof id, "k%u", key);
            assert_int_equal(conflicts_in(&rows, id), conflicts);
        }
        free(rows.rows);
    }
}

/* Several chunks, whose names come in another order in each: every leg has the names of its record, with any
 * number of threads. */
static void test_chunks(void **state)
{
    enum { RECORDS = 150000 };
    char path[400], hash[33] = "";
    FILE *file;

    (void)state;
    snprintf(path, sizeof path, "%s", at("large.csv"));
    file = fopen(path, "wb");
    assert_non_null(file);
    fputs("record_id,start,duration_s,caller,callee,trunk,legs\n", file);
    for (int i = 0; i < RECORDS; i++)
        fprintf(file, "id%06d,2026-03-%02dT%02d:%02d:%02d.%03dZ,%d,+1212555%04d,+1202555%04d,t%d,%s\n", i,
                1 + i % 3, i / 3600 % 24, i / 60 % 60, i % 60, i % 1000, i % 100, i % 10000, i * 7 % 10000,
                (RECORDS - i) / 50 % 700, i < 1000 ? "one" : "both");
    fclose(file);
    for (unsigned threads = 1; threads <= 3; threads += 2) {
        const char *dataset = new_dataset(), *files[1] = {path};
        struct toll_import_options options = {
            .spec_path = SPEC, .dataset_path = dataset, .files = files, .file_count = 1, .threads = threads};
        struct toll_import_result result;
        struct toll_error error;
        struct rows rows;

        assert_int_equal(toll_import(&options, &result, &error), 0);
        assert_int_equal(result.accepted, RECORDS);
        assert_int_equal(result.legs, RECORDS - 1000);
        assert_int_equal(result.conflicts + result.duplicates, 0);
        if (hash[0] == '\0')
            memcpy(hash, result.cdr_hash, sizeof hash);
        assert_string_equal(result.cdr_hash, hash);
        toll_import_result_free(&result);
        rows = read_rows(dataset);
        assert_int_equal(rows.count, 2 * RECORDS - 1000);
        for (size_t i = 0; i < rows.count; i++) {
            const int record = atoi(rows.rows[i].id + 2);
            char trunk[16];

            snprintf(trunk, sizeof trunk, "t%d", (RECORDS - record) / 50 % 700);
            assert_string_equal(rows.rows[i].trunk, trunk);
            assert_int_equal(rows.rows[i].source_row, record + 1);
            assert_int_equal(rows.rows[i].duration_ms, record % 100 * 1000);
        }
        free(rows.rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),         cmocka_unit_test(test_rejects),
        cmocka_unit_test(test_side_numbers), cmocka_unit_test(test_specs),
        cmocka_unit_test(test_again),        cmocka_unit_test(test_twice_in_a_file),
        cmocka_unit_test(test_random_sets),  cmocka_unit_test(test_chunks),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
