/*
 * Names that data gives and that become paths: of decks, of a dataset's receipts, of a run's files, days and
 * zones. What would leave its folder is refused, by a manifest too whose digest is right, and nothing outside
 * is read or written. Also tables that ask for more memory than they are worth.
 */
#include "fault_world.h"
#include "mmap_cdr/manifest.h"
#include "segment/run.h"

static struct fault_world world;

static void path_write(const char *name, const char *text)
{
    char path[256];
    fault_path(&world, name, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static char *path_read(const char *name)
{
    char path[256];
    struct toll_blob blob;
    fault_path(&world, name, path);
    assert_int_equal(toll_blob_read(&blob, toll_io_system(), AT_FDCWD, path, TOLL_READ_PREAD, NULL), 0);
    char *text = strdup(blob.data);
    assert_non_null(text);
    toll_blob_free(&blob);
    return text;
}

/* Replaces a text in a manifest and gives it the digest that it then should have. */
static void manifest_change(const char *name, const char *from, const char *to)
{
    char *old = path_read(name), *text = calloc(1, strlen(old) + strlen(to) + 1), hash[33];
    char *at = strstr(old, from);
    assert_non_null(at);
    assert_non_null(text);
    sprintf(text, "%.*s%s%s", (int)(at - old), old, to, at + strlen(from));
    char *digest = strstr(text, "\"digest\": \"");
    for (char *next; (next = strstr(digest + 1, "\"digest\": \"")) != NULL;)
        digest = next;
    assert_non_null(digest);
    toll_hash_text(toll_hash(text, (size_t)(digest - text)), hash);
    memcpy(digest + strlen("\"digest\": \""), hash, 32);
    path_write(name, text);
    free(old);
    free(text);
}

static char *found_after(const char *name, const char *key, char out[128])
{
    char *text = path_read(name), *at = strstr(text, key);
    assert_non_null(at);
    snprintf(out, 128, "%.*s", (int)strcspn(at + strlen(key), "\""), at + strlen(key));
    free(text);
    return out;
}

/* ---- manifests ---- */

static void expect_verify(const char *name, int code, const char *says)
{
    char path[256];
    struct toll_verify_result result;
    struct toll_error error = {0, ""};
    fault_path(&world, name, path);
    const int found = toll_verify(path, &result, &error);
    if (found != code || strstr(error.text, says) == NULL)
        fail_msg("%d instead of %d, \"%s\" instead of \"%s\"", found, code, error.text, says);
}

static const char *const bad_names[] = {
    "../run.json",       "/etc/passwd", "..",     ".",        "",
    "lines/../run.json", "a/b",         "a\\\\b", "run.json", "accounts.arrow\\u0000x"};

static void test_run_files(void **state)
{
    char *good = path_read("run/run.json"), entry[400];
    (void)state;
    expect_verify("run", 0, "");
    for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
        snprintf(entry, sizeof entry, "\"name\": \"%s\"", bad_names[i]);
        manifest_change("run/run.json", "\"name\": \"suspense.csv\"", entry);
        expect_verify("run", TOLL_EDATA, "");
        path_write("run/run.json", good);
    }
    snprintf(entry, sizeof entry, "\"name\": \"%0300d\"", 7);
    manifest_change("run/run.json", "\"name\": \"suspense.csv\"", entry);
    expect_verify("run", TOLL_EDATA, "a file's name is impossible");
    path_write("run/run.json", good);
    expect_verify("run", 0, "");
    free(good);
}

static void test_days(void **state)
{
    static const char *const days[] = {"../../etc/passwd", "2026-03-01/../..", "/026-03-01", "2026-03-1", "",
                                       "2026-03-01 "};
    static const char *const files[] = {"run/run.json", "cdrs2/dataset.json"};
    char entry[400];
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        char *good = path_read(files[f]);
        for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
            snprintf(entry, sizeof entry, "\"day\": \"%s\"", days[i]);
            manifest_change(files[f], "\"day\": \"2026-03-01\"", entry);
            expect_verify(f == 0 ? "run" : "cdrs2", TOLL_EDATA, "is no day");
            path_write(files[f], good);
        }
        manifest_change(files[f], "\"part\": 0", "\"part\": -1");
        expect_verify(f == 0 ? "run" : "cdrs2", TOLL_EDATA, "part");
        path_write(files[f], good);
        expect_verify(f == 0 ? "run" : "cdrs2", 0, "");
        free(good);
    }
}

static void test_receipts(void **state)
{
    static const char zeros[] = "000000000000000000000000000000000000000000000000000000000000000";
    const char *const names[] = {"../../../../../../../etc/passwd", "..", "/etc/passwd", zeros, ""};
    char *good = path_read("cdrs2/dataset.json"), sha[128], from[300], to[300];
    (void)state;
    found_after("cdrs2/dataset.json", "\"sha256\": \"", sha);
    assert_int_equal(strlen(sha), 64);
    snprintf(from, sizeof from, "\"sha256\": \"%s\"", sha);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(to, sizeof to, "\"sha256\": \"%s\"", names[i]);
        manifest_change("cdrs2/dataset.json", from, to);
        expect_verify("cdrs2", TOLL_EDATA, "dataset.json");
        path_write("cdrs2/dataset.json", good);
    }
    expect_verify("cdrs2", 0, "");
    free(good);
}

/* ---- a book ---- */

struct findings {
    char text[8192];
};

static void note(void *context, const struct toll_diagnostic *diagnostic)
{
    struct findings *findings = context;
    const size_t used = strlen(findings->text);
    snprintf(findings->text + used, sizeof findings->text - used, "%s\n", diagnostic->text);
}

/* Reads are counted: nothing outside the book, but zones, is opened. */
static char opened_outside[4096];

static int watch_openat(void *context, int directory, const char *path, int flags, mode_t mode)
{
    const struct toll_io *io = toll_io_system();
    char book[256];
    (void)context;
    fault_path(&world, "book", book);
    if (strstr(path, "..") != NULL ||
        (path[0] == '/' && strcmp(path, book) != 0 && strncmp(path, TOLL_ZONE_FOLDER, 19) != 0))
        snprintf(opened_outside, sizeof opened_outside, "%s", path);
    return io->openat(io->context, directory, path, flags, mode);
}

static void expect_bad_book(const char *says)
{
    struct toll_io io = *toll_io_system();
    struct findings findings = {""};
    struct toll_compile_result result;
    struct toll_error error = {0, ""};
    char book[256];
    fault_path(&world, "book", book);
    io.openat = watch_openat;
    const struct toll_compile_options options = {.book_path = book, .reporter = {note, &findings}};
    const int code = toll_compile_with(&io, &options, &result, &error);
    if (code != TOLL_EBOOK || strstr(findings.text, says) == NULL)
        fail_msg("%d \"%s\", findings:\n%s", code, error.text, findings.text);
    assert_string_equal(opened_outside, "");
}

static void test_deck_files(void **state)
{
    static const char *const files[][2] = {
        {"../secret", ".."}, {"/etc/passwd", "slash"}, {".hidden", "point"}, {"a/b", "slash"},
        {"a\\b", "slash"},   {"x..y", ".."},           {"a\tb", "control"},  {"a\x7f", "control"},
    };
    char table[600];
    (void)state;
    path_write("secret.csv", "prefix,rate\n1,0.01\n");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(table, sizeof table, "deck,valid_from,file\nd,2026-01-01,%s\n", files[i][0]);
        path_write("book/deck_versions.csv", table);
        expect_bad_book(files[i][1]);
    }
    snprintf(table, sizeof table, "deck,valid_from,file\nd,2026-01-01,%0300d\n", 1);
    path_write("book/deck_versions.csv", table);
    expect_bad_book("long");
    char path[256];
    fault_path(&world, "book/deck_versions.csv", path);
    assert_int_equal(unlink(path), 0);
}

static void test_deck_names(void **state)
{
    static const char *const names[] = {"../secret", "/etc/passwd", "a/../../secret", ".."};
    char *good = path_read("book/plan_rules.csv"), *table = calloc(1, strlen(good) + 200);
    (void)state;
    assert_non_null(table);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        sprintf(table, "%sq,deck,data,,,%s,,,9\n", good, names[i]);
        path_write("book/plan_rules.csv", table);
        expect_bad_book("deck");
    }
    path_write("book/plan_rules.csv", good);
    free(table);
    free(good);
}

static void test_links(void **state)
{
    char from[256], to[256], *good = path_read("book/decks/m.csv");
    struct toll_error error;
    (void)state;
    fault_path(&world, "book/decks/m.csv", to);
    fault_path(&world, "secret.csv", from);
    assert_int_equal(unlink(to), 0);
    assert_int_equal(symlink(from, to), 0);
    expect_bad_book("leads out of the book");
    assert_int_equal(unlink(to), 0);
    assert_int_equal(symlink("../../secret.csv", to), 0);
    expect_bad_book("leads out of the book");
    /* Within the book it is a file as any other. */
    assert_int_equal(unlink(to), 0);
    path_write("book/decks/m-data", good);
    assert_int_equal(symlink("m-data", to), 0);
    fault_must(fault_compile(toll_io_system(), &world, NULL, &error), &error);
    assert_int_equal(unlink(to), 0);
    path_write("book/decks/m.csv", good);
    free(good);
}

static void test_zones(void **state)
{
    static const char *const zones[] = {"../../../etc/passwd", "/etc/passwd", "\"Europe/London\\0x\"",
                                        "Europe//London", "posix/../../passwd"};
    char *good = path_read("book/book.yaml"), text[600];
    (void)state;
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        snprintf(text, sizeof text, "book: test\ncurrency: USD\ntimezone: %s\n", zones[i]);
        path_write("book/book.yaml", text);
        expect_bad_book(strstr(zones[i], "\\0") != NULL ? "NUL" : "timezone");
    }
    snprintf(text, sizeof text, "book: test\ncurrency: USD\ntimezone: %0300d\n", 1);
    path_write("book/book.yaml", text);
    expect_bad_book("timezone");
    path_write("book/book.yaml", good);
    free(good);
}

/* ---- outputs ---- */

/* A link where the temporary will be leads to a folder with a file: neither is touched. */
static void test_links_in_the_way(void **state)
{
    char victim[256], kept[256], link[300], path[256];
    struct toll_error error;
    (void)state;
    fault_path(&world, "victim", victim);
    assert_int_equal(mkdir(victim, 0700), 0);
    path_write("victim/kept", "kept\n");
    fault_path(&world, "victim/kept", kept);
    fault_reset(&world, FAULT_RATE_IMAGE);
    snprintf(link, sizeof link, "%s.tollmill.tmp", world.out);
    assert_int_equal(symlink(victim, link), 0);
    assert_int_equal(
        fault_rate(toll_io_system(), &world, "book.image", world.out, NULL, 1, TOLL_IO_MMAP, &error),
        TOLL_ECREATE);
    assert_non_null(strstr(error.text, "in the way"));
    assert_int_equal(unlink(link), 0);

    snprintf(link, sizeof link, "%s.tmp", world.out);
    assert_int_equal(symlink(kept, link), 0);
    fault_must(fault_compile(toll_io_system(), &world, world.out, &error), &error);
    assert_int_equal(unlink(world.out), 0);
    assert_int_equal(access(link, F_OK), -1);

    fault_reset(&world, FAULT_IMPORT_SECOND);
    snprintf(path, sizeof path, "%s/dataset.json.tmp", world.out);
    assert_int_equal(symlink(kept, path), 0);
    fault_must(fault_import(toll_io_system(), &world, "second.csv", world.out, 1, &error), &error);

    fault_reset(&world, FAULT_IMPORT_SECOND);
    snprintf(path, sizeof path, "%s/parts", world.out);
    snprintf(link, sizeof link, "%s/parts-elsewhere", world.out);
    assert_int_equal(rename(path, link), 0);
    assert_int_equal(symlink(link, path), 0);
    assert_int_equal(fault_import(toll_io_system(), &world, "second.csv", world.out, 1, &error),
                     TOLL_ECREATE);
    assert_non_null(strstr(error.text, "parts: is no folder but a link"));
    fault_reset(&world, FAULT_RATE_IMAGE);

    char *text = path_read("victim/kept");
    assert_string_equal(text, "kept\n");
    free(text);
}

/* ---- tables that ask for memory ---- */

static void test_one_huge_account(void **state)
{
    static const int64_t ids[] = {1, 2, 4096, 100000, 67108864};
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const struct toll_account_row accounts[] = {{(int32_t)ids[i], "acme", "Acme", "USD"}};
        const struct toll_run_manifest manifest = {.currency = "USD"};
        struct toll_run_writer *writer;
        struct toll_run_files files;
        struct toll_error error = {0, ""};
        fault_reset(&world, FAULT_RATE_IMAGE);
        fault_must(toll_run_create(toll_io_system(), world.out, &writer, &error), &error);
        fault_must(toll_run_add_accounts(writer, accounts, 1, &error), &error);
        fault_must(toll_run_add_prices(writer, NULL, 0, &error), &error);
        fault_must(toll_run_add_buckets(writer, NULL, 0, &error), &error);
        fault_must(toll_run_publish(writer, &manifest, NULL, &error), &error);
        toll_run_abandon(writer);
        const int code = toll_run_files_open(&files, toll_io_system(), world.out, &error);
        assert_int_equal(code, ids[i] <= 4096 ? 0 : TOLL_EDATA);
        if (code == 0)
            toll_run_files_close(&files);
        else
            assert_non_null(strstr(error.text, "too few for such ids"));
    }
    fault_reset(&world, FAULT_RATE_IMAGE);
}

static int set_up(void **state)
{
    (void)state;
    fault_world_make(&world, "names");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fault_world_remove(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_files),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_receipts),
        cmocka_unit_test(test_deck_files),
        cmocka_unit_test(test_deck_names),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_links_in_the_way),
        cmocka_unit_test(test_one_huge_account),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
