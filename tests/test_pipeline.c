/*
 * The whole pipeline through the public API, over a small book and a dataset made here: every kind of answer,
 * the same bytes for any number of threads, block size and way of reading, conservation, the reader, explain
 * and verify.
 */
#include "fake_ring.h"
#include "pipeline_world.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

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

/* What the calls of a day use at most. */
static struct toll_cdr_most most_of(int day)
{
    struct toll_cdr_most most = {.known = true};
    for (int64_t row = 0; row < ROWS; row++) {
        const struct call call = expected(day, row);
        most.duration_ms = call.duration_ms > most.duration_ms ? call.duration_ms : most.duration_ms;
        most.quantity = call.quantity > most.quantity ? call.quantity : most.quantity;
    }
    return most;
}

/* Says so of both parts. */
static void say_most(void *const *state, const struct toll_cdr_most most[2])
{
    struct toll_dataset dataset;
    struct toll_dataset_part parts[2];
    struct toll_error error;
    char cdrs[128];
    path_of(state, "cdrs", cdrs);
    if (toll_dataset_open_for_import(&dataset, toll_io_system(), cdrs, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(dataset.part_count, 2);
    for (int i = 0; i < 2; i++) {
        parts[i] = dataset.parts[i];
        parts[i].most = most[i];
    }
    if (toll_dataset_publish(&dataset, parts, 2, dataset.receipts, dataset.receipt_count, &error) != 0)
        fail_msg("%s", error.text);
    toll_dataset_close(&dataset);
}

static void hash_of(void *const *state, char hash[33])
{
    struct toll_bench_world *world;
    struct toll_error error;
    char book[128], cdrs[128];
    path_of(state, "book", book);
    path_of(state, "cdrs", cdrs);
    if (toll_bench_open(book, cdrs, TOLL_SIMD_AUTO, &world, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(toll_bench_hash(world, hash, &error), 0);
    toll_bench_close(world);
}

/* A dataset of one call that uses 70,000 seconds, of which the manifest says so much. */
static void write_long_call(const struct folder *folder, int32_t said_ms)
{
    static const char *const carriers[] = {"", "level3"}, *const sources[] = {"", SHA};
    const int64_t start = DAY * TOLL_DAY_MS + NOON, no_text[2] = {0};
    const int32_t duration_ms = 70000000, source_file = 1, source_row = 1;
    const uint64_t caller = packed(ACME), callee = packed("12015550111"), key = 0;
    const uint16_t carrier = 1, kind = TOLL_KIND_ANSWERED | E164 << TOLL_KIND_CALLER_TYPE_SHIFT |
                                       E164 << TOLL_KIND_CALLEE_TYPE_SHIFT;
    const struct toll_cdr_part_data data = {
        .columns = {.rows = 1,
                    .start = &start,
                    .duration_ms = &duration_ms,
                    .caller = &caller,
                    .callee = &callee,
                    .kind = &kind,
                    .carrier = &carrier,
                    .record_key_high = &key,
                    .record_key_low = &key,
                    .source_file = &source_file,
                    .source_row = &source_row},
        .carrier = {carriers, 2},
        .source_file = {sources, 2},
        .record_id_data = "",
        .caller_text_data = "",
        .callee_text_data = "",
        .record_id_offset = no_text,
        .caller_text_offset = no_text,
        .callee_text_offset = no_text,
    };
    struct toll_receipt receipt = {.file = (char[]){"a.csv"},
                                   .spec = (char[]){"test"},
                                   .spec_version = (char[]){"1"},
                                   .carrier = (char[]){"level3"},
                                   .sha256 = SHA,
                                   .rows = 1,
                                   .accepted = 1};
    struct toll_dataset dataset;
    struct toll_error error;
    char cdrs[128], name[TOLL_PART_NAME_BYTES], path[TOLL_PART_NAME_BYTES + 8];
    snprintf(cdrs, sizeof cdrs, "%s/cdrs", folder->path);
    if (toll_dataset_open_for_import(&dataset, toll_io_system(), cdrs, &error) != 0)
        fail_msg("%s", error.text);
    struct toll_dataset_part part = {.day = DAY,
                                     .generation = dataset.generation + 1,
                                     .rows = 1,
                                     .first_start = start,
                                     .last_start = start,
                                     .most = {true, said_ms, 0}};
    toll_dataset_part_name(&part, name);
    snprintf(path, sizeof path, "parts/%s", name);
    if (toll_cdr_part_write(dataset.io, dataset.directory, path, &data, &part.seal, &part.text_seal,
                            &error) != 0 ||
        toll_dataset_publish(&dataset, &part, 1, &receipt, 1, &error) != 0)
        fail_msg("%s", error.text);
    toll_dataset_close(&dataset);
}

/* A manifest that says less than a call uses: no run comes of it, whether bundles give something or not. */
static void test_more_than_the_manifest_says(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const bool lies = i % 2 == 1, bundled = i >= 2;
        struct folder folder;
        struct toll_rate_result result;
        struct toll_error error;
        char command[128];
        snprintf(folder.path, sizeof folder.path, "/tmp/toll_pipeline_XXXXXX");
        assert_non_null(mkdtemp(folder.path));
        write_book(&folder);
        if (bundled) {
            put_file(&folder, "bundles.csv", "bundle,unit,quantity,scope\nminutes,s,5000,account\n");
            put_file(&folder, "subscriptions.csv", "subject,bundle\naccount:acme,minutes\n");
        }
        write_long_call(&folder, lies ? 50000000 : 70000000);
        const int rc = try_rate(&folder, "run", 1, TOLL_IO_AUTO, 0, &result, &error);
        if (rc != (lies ? TOLL_EDATA : 0))
            fail_msg("%d: %s", i, rc == 0 ? "rated" : error.text);
        if (lies)
            assert_non_null(strstr(error.text, "most_duration_ms"));
        else
            assert_int_equal(result.billed_s, 70002);
        snprintf(command, sizeof command, "rm -rf '%s'", folder.path);
        assert_int_equal(system(command), 0);
    }
}

/* The longest call has twelve hours; one has a quantity of 2^31, which nobody bills. So what the manifest
 * says is not true, and its verification tells; but lines are narrow by it, and say what wide ones said. */
static void test_widths_by_the_manifest(void **state)
{
    struct toll_rate_result run;
    struct toll_verify_result verified;
    struct toll_error error;
    char wide[33], narrow[33], path[128];
    const struct toll_cdr_most unknown[2] = {0}, most[2] = {most_of(0), most_of(1)};
    struct toll_cdr_most less[2] = {most[0], most[1]};
    assert_int_equal(most[0].duration_ms, 43200000);
    assert_true(most[0].quantity == INT64_C(1) << 31);
    less[0].quantity = 3;
    hash_of(state, wide);
    say_most(state, less);
    hash_of(state, narrow);
    assert_string_equal(narrow, wide);
    if (try_rate(*state, "narrow", 2, TOLL_IO_AUTO, 0, &run, &error) != 0)
        fail_msg("%s", error.text);
    path_of(state, "narrow", path);
    assert_int_equal(toll_verify(path, &verified, &error), 0);
    path_of(state, "cdrs", path);
    assert_int_equal(toll_verify(path, &verified, &error), TOLL_EDATA);
    assert_non_null(strstr(error.text, "another longest call or quantity"));
    say_most(state, most);
    assert_int_equal(toll_verify(path, &verified, &error), 0);
    say_most(state, unknown);
    assert_int_equal(toll_verify(path, &verified, &error), 0);
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
    assert_non_null(strstr(text, "\nno_account,,1310xxxxx00,4073,2026-03-02:6,2026-03-03:69981\n"));
    assert_non_null(strstr(text, "\nno_prefix,acme,3312345,"));
    assert_non_null(strstr(text, "\nno_prefix,acme,2005,"));
    assert_non_null(strstr(text, "\nno_calltype,beta,'@ZZ,1273,2026-03-02:29,2026-03-02:69989\n"));
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
        {0, "0.06 x 66 / 60 = 0.066"},
        {0, "rounded half up to 6 decimals: 0.066000"},
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
        {13, "at the call's start, Monday 2026-03-02 "},
        {18, "another record has the same key"},
        {20, "does not match: destination "},
        {20, "the rule (deck c) does not match: service "},
        {22, "no plan is assigned"},
        {25, "they name different accounts"},
        {29, "has no row for this call type"},
        {31, "1 of the provider x (1 + 10 / 100) + 0.01"},
        {33, "(a credit)"},
        {35, "the callee +1212xxxxx01 belongs to account gamma"},
        {35, "class on_net"},
        {36, "0 to 60 s, the row from 0 on: 0.2 x 60 / 60 = 0.2"},
        {36, "60 to 3600 s, the row from 60 on: 0.1 x 3540 / 60 = 5.9"},
        {36, "0.4 (connect fee) + all stretches = 6.5"},
        {38, "after 60 s the next row is blocked"},
        {39, "0 to 36000 s, the row from 0 on: 0.6 x 36000 / 60 = 360"},
        {39, "36000 to 43200 s, band night, the row from 0 on: 0.3 x 7200 / 60 = 36"},
        {40, "the caller +1212xxxxx00, is NY, US, ratecenter NEW YORK (prefix 1212555)"},
        {40, "the callee +1617xxxxx11, is MA, US (prefix 1617 of the built-in area codes)"},
        {40, "interstate by ani_lrn: from NY to MA"},
        {40, "the call is interstate: rate_inter"},
        {41, "the terminating end, the routing number +1716xxxxx00, is NY, US"},
        {41, "intrastate by ani_lrn: from NY to NY"},
        {42, "the originating end is at the payer's site jersey: NJ, US"},
        {42, "the call is intrastate: rate_intra"},
        {44, "the routing number +1310xxxxx00 (number_basis lrn) in place of +1718xxxxx11"},
        {45, "the pair of the callee +1303xxxxx11 and the caller +1212xxxxx00"},
        {45, "1212>1303: 0.07 per 60 s"},
        {46, "the longest prefix of the caller +1212xxxxx00"},
        {48, "intrastate by the carrier's call type LD"},
        {49, "the terminating end, the ring_to number +1718xxxxx11, is NY, US, ratecenter BROOKLYN"},
        {49, "local by ani, since the carrier has no word for it: local_areas.csv has the two ratecenters"},
        {50, "the record does not say where the toll-free call rang"},
        {51, "the outgoing of the record's two legs"},
        {52, "the other leg of the record has a payer"},
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

/* What the image keeps no line of is found in the source that it holds. */
static void test_explain_sources(void **state)
{
    static const struct {
        int64_t row;
        const char *name, *source;
    } cases[] = {
        {35, "on_net", "1212xxxxx00-1212xxxxx09,gamma,jersey,,"},
        {40, "place", "1212555,NY,New York"},
        {42, "place", "jersey,gamma,NJ"},
        {48, "jurisdiction", "LD,level3,intrastate"},
        {49, "jurisdiction", "New York,Brooklyn"},
        {36, "stretch", "1,0.1,,,60,"},
        {45, "price", "1303,1212,0.07"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct toll_explanation explanation;
        bool found = false;
        explain_row(state, cases[i].row, &explanation);
        for (size_t k = 0; k < explanation.count; k++)
            found = found || (strcmp(explanation.entries[k].name, cases[i].name) == 0 &&
                              strcmp(explanation.entries[k].source, cases[i].source) == 0);
        if (!found)
            for (size_t k = 0; k < explanation.count; k++)
                print_message("%s: %s\n", explanation.entries[k].name, explanation.entries[k].source);
        assert_true(found);
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
        cmocka_unit_test(test_widths_by_the_manifest),
        cmocka_unit_test(test_more_than_the_manifest_says),
        cmocka_unit_test(test_suspense_csv),
        cmocka_unit_test(test_nothing_published_on_error),
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_explain_sources),
        cmocka_unit_test(test_explain_masks),
        cmocka_unit_test(test_explain_every_call),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
