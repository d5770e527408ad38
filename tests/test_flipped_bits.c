/*
 * One flipped bit anywhere is found: rating refuses every bit that it reads of a dataset and of a book's
 * image, and publishes nothing; verify finds every bit of the files of a dataset and of a run. The readers'
 * own tests flip all bits of their files in memory; here the whole way from disk to answer is walked, with
 * one bit of each byte that holds data, and a dense sample of the rest.
 */
#include "arrow/arrow.h"
#include "mmap_cdr/dataset.h"
#include "tollmill.h"

#include "book_fixture.h"
#include "part_fixture.h"

#include <dirent.h>
#include <sys/stat.h>

#define DAY 20514 /* 2026-03-02 */
#define ROWS 11
#define PART "cdrs/parts/2026-03-02.0.g1"
#define SAMPLES 160 /* of a large file */
#define SMALL 800   /* files of up to so many bytes: all of them */

struct world {
    struct book_fixture book;
    char folder[64];
};

static void path_of(const struct world *world, const char *name, char path[512])
{
    assert_true(snprintf(path, 512, "%s/%s", world->folder, name) < 512);
}

/* ---- the world ---- */

/* Numbers, trunks, hints, call types and carriers all decide something, so that rating reads their columns.
 */
static void write_book(struct world *world)
{
    struct book_fixture *book = &world->book;
    char path[512];
    book_begin(book);
    book_file(book, "numbers.csv",
              "number,account\n12125550000-12125559999,acme\ntrunk:TG-1,acme\nhint:acme,acme\n");
    book_file(book, "assignments.csv", "subject,plan\ncarrier:level3,p\ndefault,p\n");
    book_file(book, "plan_rules.csv", "plan,action,deck,on_miss\np,deck,t,next\np,deck,d,\n");
    book_file(book, "decks.csv", "deck,key\nt,calltype\nd,callee\n");
    book_file(book, "decks/t.csv", "key,rate\nLD,0.03\n");
    book_good(book);
    path_of(world, "book.image", path);
    assert_int_equal(
        toll_write_file(toll_io_system(), AT_FDCWD, path, book->image, book->image_bytes, &book->error), 0);
}

static void write_dataset(struct world *world)
{
    struct part_fixture fixture;
    struct toll_dataset dataset;
    struct toll_dataset_part part = {.day = DAY, .generation = 1, .rows = ROWS};
    struct toll_receipt receipts[2] = {{.sha256 = FIXTURE_SHA_A, .rejected = 1}, {.sha256 = FIXTURE_SHA_B}};
    struct toll_error error;
    char path[512], x[] = "x";
    const char *rejects = "reason,file,line,offset,raw\nheader,,,,start\nbad_time,a.csv,2,17,never\n";
    path_of(world, "cdrs", path);
    if (toll_dataset_open_for_import(&dataset, toll_io_system(), path, &error) != 0)
        fail_msg("%s", error.text);
    part_fixture_make(&fixture, DAY, ROWS, true);
    part.first_start = fixture.data.columns.start[0];
    part.last_start = fixture.data.columns.start[ROWS - 1];
    assert_int_equal(toll_cdr_part_write(dataset.io, dataset.directory, "parts/2026-03-02.0.g1",
                                         &fixture.data, &part.seal, &part.text_seal, &error),
                     0);
    assert_int_equal(toll_write_file(dataset.io, dataset.directory, "rejects/" FIXTURE_SHA_A ".csv", rejects,
                                     strlen(rejects), &error),
                     0);
    for (int i = 0; i < 2; i++) {
        receipts[i].file = receipts[i].spec = receipts[i].spec_version = receipts[i].carrier = x;
        receipts[i].rows = receipts[i].accepted = ROWS;
    }
    if (toll_dataset_publish(&dataset, &part, 1, receipts, 2, &error) != 0)
        fail_msg("%s", error.text);
    toll_dataset_close(&dataset);
    part_fixture_free(&fixture);
}

static int rate(const struct world *world, const char *run, enum toll_io_choice how, struct toll_error *error)
{
    char book[512], cdrs[512], path[512];
    struct toll_rate_result result;
    path_of(world, "book.image", book);
    path_of(world, "cdrs", cdrs);
    path_of(world, run, path);
    const struct toll_rate_options options = {
        .book_path = book, .dataset_path = cdrs, .run_path = path, .threads = 1, .io = how};
    return toll_rate(&options, &result, error);
}

static int make_world(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct toll_error error;
    assert_non_null(world);
    strcpy(world->folder, "/tmp/tollmill-flips-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    write_book(world);
    write_dataset(world);
    if (rate(world, "run", TOLL_IO_AUTO, &error) != 0)
        fail_msg("%s", error.text);
    *state = world;
    return 0;
}

static int remove_world(void **state)
{
    struct world *world = *state;
    book_end(&world->book);
    assert_int_equal(toll_remove_tree(toll_io_system(), AT_FDCWD, world->folder, NULL), 0);
    free(world);
    return 0;
}

/* ---- flipping ---- */

struct flipped {
    int fd;
    int64_t at;
    uint8_t was;
};

/* Which bit: another one at each place. */
static void flip(struct flipped *flipped, int fd, int64_t at)
{
    uint8_t byte;
    *flipped = (struct flipped){.fd = fd, .at = at};
    assert_int_equal(pread(fd, &flipped->was, 1, at), 1);
    byte = flipped->was ^ (uint8_t)(1u << fixture_mix((uint64_t)at) % 8);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void flip_back(const struct flipped *flipped)
{
    assert_int_equal(pwrite(flipped->fd, &flipped->was, 1, flipped->at), 1);
}

static int open_file(const struct world *world, const char *name, int64_t *bytes)
{
    char path[512];
    struct stat at;
    path_of(world, name, path);
    const int fd = open(path, O_RDWR);
    if (fd < 0 || fstat(fd, &at) != 0)
        fail_msg("%s cannot be opened", path);
    *bytes = at.st_size;
    return fd;
}

static bool is_there(const struct world *world, const char *name)
{
    char path[512];
    struct stat at;
    path_of(world, name, path);
    return lstat(path, &at) == 0;
}

/* With this bit flipped rating must say so and leave nothing behind. */
static void must_not_rate(const struct world *world, const char *name, int fd, int64_t at)
{
    struct flipped flipped;
    struct toll_error error = {0};
    flip(&flipped, fd, at);
    const int code = rate(world, "flipped", at % 2 == 0 ? TOLL_IO_MMAP : TOLL_IO_PREAD, &error);
    flip_back(&flipped);
    if (code != TOLL_EDATA)
        fail_msg("%s: byte %lld: %d %s", name, (long long)at, code, error.text);
    if (is_there(world, "flipped") || is_there(world, "flipped.tollmill.tmp"))
        fail_msg("%s: byte %lld: something was published", name, (long long)at);
}

static void must_not_verify(const struct world *world, const char *directory, const char *name, int fd,
                            int64_t at)
{
    char path[512];
    struct flipped flipped;
    struct toll_error error = {0};
    struct toll_verify_result result;
    path_of(world, directory, path);
    flip(&flipped, fd, at);
    const int code = toll_verify(path, &result, &error);
    flip_back(&flipped);
    if (code != TOLL_EDATA)
        fail_msg("%s: byte %lld: %d %s", name, (long long)at, code, error.text);
}

static int64_t stride(int64_t bytes)
{
    return bytes <= SMALL ? 1 : bytes / SAMPLES | 1;
}

/* ---- rating ---- */

/* Every byte of each buffer that rating reads holds data up to its last row; the padding is sampled. */
static void test_rate_finds_columns(void **state)
{
    static const char *const read[] = {"start", "duration_ms", "caller",   "callee",
                                       "kind",  "carrier",     "charged",  "trunk",
                                       "hint",  "calltype",    "quantity", "provider_charge"};
    const struct world *world = *state;
    struct toll_arrow_file *arrow;
    struct toll_blob blob;
    struct toll_error error;
    char path[512];
    int64_t bytes;
    unsigned found = 0;
    path_of(world, PART ".arrow", path);
    assert_int_equal(toll_blob_read(&blob, toll_io_system(), AT_FDCWD, path, TOLL_READ_PREAD, &error), 0);
    const struct toll_arrow_source source = {
        .name = path, .bytes = (const uint8_t *)blob.data, .size = (int64_t)blob.size};
    assert_int_equal(toll_arrow_open(&source, NULL, &arrow, &error), 0);
    const int fd = open_file(world, PART ".arrow", &bytes);
    for (unsigned c = 0; c < arrow->schema.count; c++) {
        const char *name = arrow->schema.fields[c].name;
        const struct toll_arrow_place *place = toll_arrow_place(arrow, 0, arrow->first_buffer[c]);
        bool wanted = false;
        for (size_t i = 0; i < sizeof read / sizeof *read; i++)
            wanted = wanted || strcmp(read[i], name) == 0;
        if (!wanted)
            continue;
        found++;
        assert_int_equal(place->bytes, ROWS * toll_arrow_width(arrow->schema.fields[c].type));
        for (size_t i = 0; i < place->bytes; i++)
            must_not_rate(world, name, fd, place->offset + (int64_t)i);
        for (size_t i = place->bytes; i < toll_arrow_pad(place->bytes); i += 801)
            must_not_rate(world, name, fd, place->offset + (int64_t)i);
        must_not_rate(world, name, fd, place->offset + (int64_t)toll_arrow_pad(place->bytes) - 1);
    }
    assert_int_equal(found, sizeof read / sizeof *read);
    /* What lies around the buffers: head, the batch's message, dictionaries and footer. */
    for (int64_t at = 0; at < toll_arrow_place(arrow, 0, 0)->offset; at += 61)
        must_not_rate(world, "head", fd, at);
    const struct toll_arrow_place *last = toll_arrow_place(arrow, 0, arrow->buffers - 1);
    for (int64_t at = last->offset + (int64_t)toll_arrow_pad(last->bytes); at < bytes; at += 17)
        must_not_rate(world, "tail", fd, at);
    assert_int_equal(close(fd), 0);
    toll_arrow_close(arrow);
    toll_blob_free(&blob);
}

static void rate_finds_file(const struct world *world, const char *name)
{
    int64_t bytes;
    const int fd = open_file(world, name, &bytes);
    for (int64_t at = 0; at < bytes; at += stride(bytes))
        must_not_rate(world, name, fd, at);
    must_not_rate(world, name, fd, bytes - 1);
    assert_int_equal(close(fd), 0);
}

static void test_rate_finds_manifest(void **state)
{
    rate_finds_file(*state, "cdrs/dataset.json");
}

static void test_rate_finds_image(void **state)
{
    const struct world *world = *state;
    int64_t bytes;
    const int fd = open_file(world, "book.image", &bytes);
    for (int64_t at = 0; at < 4096 && at < bytes; at += 13) /* header and sections' places */
        must_not_rate(world, "book.image", fd, at);
    assert_int_equal(close(fd), 0);
    rate_finds_file(world, "book.image");
}

/* ---- verify ---- */

static unsigned verify_finds_below(const struct world *world, const char *directory, const char *folder)
{
    char path[512];
    unsigned files = 0;
    path_of(world, folder, path);
    DIR *opened = opendir(path);
    assert_non_null(opened);
    for (struct dirent *entry = readdir(opened); entry != NULL; entry = readdir(opened)) {
        char name[300];
        int64_t bytes;
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "stats.json") == 0) /* outside every hash */
            continue;
        assert_true(snprintf(name, sizeof name, "%s/%s", folder, entry->d_name) < (int)sizeof name);
        if (entry->d_type == DT_DIR) {
            files += verify_finds_below(world, directory, name);
            continue;
        }
        const int fd = open_file(world, name, &bytes);
        for (int64_t at = 0; at < bytes; at += stride(bytes))
            must_not_verify(world, directory, name, fd, at);
        must_not_verify(world, directory, name, fd, bytes - 1);
        assert_int_equal(close(fd), 0);
        files++;
    }
    closedir(opened);
    return files;
}

static void verify_finds(const struct world *world, const char *directory, unsigned files)
{
    char path[512];
    struct toll_verify_result result;
    struct toll_error error;
    assert_int_equal(verify_finds_below(world, directory, directory), files);
    path_of(world, directory, path);
    if (toll_verify(path, &result, &error) != 0) /* and all bits are back */
        fail_msg("%s", error.text);
    assert_int_equal(result.rows, ROWS);
}

static void test_verify_dataset(void **state)
{
    verify_finds(*state, "cdrs", 6); /* manifest, part and sidecar, two receipts, rejects */
}

static void test_verify_run(void **state)
{
    verify_finds(*state, "run",
                 8); /* manifest, image, accounts, prices and terms, buckets, lines, suspense.csv */
}

static void test_rates_again(void **state)
{
    struct toll_error error;
    if (rate(*state, "again", TOLL_IO_PREAD, &error) != 0)
        fail_msg("%s", error.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_finds_columns), cmocka_unit_test(test_rate_finds_manifest),
        cmocka_unit_test(test_rate_finds_image),   cmocka_unit_test(test_verify_dataset),
        cmocka_unit_test(test_verify_run),         cmocka_unit_test(test_rates_again),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
