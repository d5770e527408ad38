/* seeds CORPUS_DIR: first inputs of the targets for sealed files, made by the engine's own writers. */
#include "mmap_cdr/dataset_text.h"
#include "part_fixture.h"
#include "segment/run_tables.h"
#include "segment/run_text.h"
#include "sparse.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *corpus;

static void put(const char *target, const char *name, const void *data, size_t bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", corpus, target);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", corpus, target, name);
    FILE *file = fopen(path, "wb");
    TOLL_ASSERT(file != NULL && fwrite(data, 1, bytes, file) == bytes && fclose(file) == 0);
}

/* With a first byte, for targets that take one. */
static void put_sparse(const char *target, const char *name, int first, const uint8_t *bytes, size_t count)
{
    size_t size;
    uint8_t *seed = sparse_shrink(bytes, count, &size), *whole = malloc(size + 1);
    TOLL_ASSERT(whole != NULL);
    whole[0] = (uint8_t)first;
    memcpy(whole + 1, seed, size);
    put(target, name, first < 0 ? seed : whole, first < 0 ? size : size + 1);
    free(whole);
    free(seed);
}

static void put_file(int directory, const char *target, const char *file, const char *name)
{
    const int fd = openat(directory, file, O_RDONLY);
    struct stat status;
    TOLL_ASSERT(fd >= 0 && fstat(fd, &status) == 0);
    uint8_t *bytes = malloc((size_t)status.st_size);
    TOLL_ASSERT(bytes != NULL && read(fd, bytes, (size_t)status.st_size) == status.st_size);
    put_sparse(target, name, -1, bytes, (size_t)status.st_size);
    put_sparse("arrow", name, -1, bytes, (size_t)status.st_size);
    free(bytes);
    close(fd);
}

static void parts(int directory)
{
    static const int64_t rows[] = {0, 1, 5, 37};
    for (int i = 0; i < 4; i++) {
        for (int optional = 0; optional < 2; optional++) {
            struct part_fixture fixture;
            struct toll_file_seal part, text;
            char name[32], file[64];
            part_fixture_make(&fixture, 20514, rows[i], optional != 0 && rows[i] > 0);
            snprintf(name, sizeof name, "part_%d_%d", (int)rows[i], optional);
            TOLL_ASSERT(toll_cdr_part_write(toll_io_system(), directory, name, &fixture.data, &part, &text,
                                            NULL) == 0);
            snprintf(file, sizeof file, "%s.arrow", name);
            put_file(directory, "cdr_part", file, name);
            unlinkat(directory, file, 0);
            snprintf(file, sizeof file, "%s.text.arrow", name);
            put_file(directory, "cdr_text", file, name);
            unlinkat(directory, file, 0);
            part_fixture_free(&fixture);
        }
    }
}

static void lines(int directory, int64_t rows, unsigned optional, const char *name)
{
    struct toll_lines_writer *writer;
    struct toll_file_seal seal;
    size_t offsets[TOLL_LINE_COLUMNS_MOST];
    char file[64];
    mkdirat(directory, "lines", 0777);
    TOLL_ASSERT(toll_lines_create(toll_io_system(), directory, name, rows, optional, &writer, NULL) == 0);
    if (rows > 0) {
        const size_t size = toll_lines_batch_layout(rows, optional, offsets);
        uint8_t *block = aligned_alloc(4096, size);
        TOLL_ASSERT(block != NULL);
        memset(block, 0, size);
        for (int64_t i = 0; i < rows; i++) {
            if (optional & TOLL_LINES_NARROW(TOLL_LINE_ACCOUNT))
                ((uint16_t *)(void *)(block + offsets[0]))[i] = (uint16_t)(i % 3);
            else
                ((int32_t *)(void *)(block + offsets[0]))[i] = (int32_t)(i % 3);
            ((int64_t *)(void *)(block + offsets[3]))[i] = i * 1000003;
            block[offsets[5] + (size_t)i] = (uint8_t)(i % 5);
            block[offsets[6] + (size_t)i] = (uint8_t)(i % 2 << 4 | i % 3);
            if (optional & TOLL_LINES_NARROW(TOLL_LINE_POOL))
                ((uint16_t *)(void *)(block + offsets[TOLL_LINE_POOL]))[i] = (uint16_t)(65535 - i);
            else if (optional & TOLL_LINES_POOL)
                ((int32_t *)(void *)(block + offsets[TOLL_LINE_POOL]))[i] = (int32_t)(i % 4);
            if (optional & TOLL_LINES_COST)
                block[offsets[TOLL_LINE_COST_STATUS] + (size_t)i] = (uint8_t)(i % 10);
            if (optional & TOLL_LINES_BOOK)
                block[offsets[TOLL_LINE_BOOK] + (size_t)i] = (uint8_t)(i % 2);
        }
        TOLL_ASSERT(toll_lines_write(writer, 0, block, NULL) == 0);
        free(block);
    }
    TOLL_ASSERT(toll_lines_finish(writer, &seal, NULL) == 0);
    snprintf(file, sizeof file, "lines/%s.arrow", name);
    put_file(directory, "lines", file, name);
    unlinkat(directory, file, 0);
    unlinkat(directory, "lines", AT_REMOVEDIR);
}

static void tables(void)
{
    const struct toll_account_row accounts[] = {{1, "acme", "Acme", "USD"}, {3, "beta", "", "EUR"}};
    const struct toll_price_row prices[] = {
        {2, "deck", "", "d", "1212", "US", "", "s", 6000000, 60, 0, "decks/d.csv", 2, 60, "rate_intra", 0},
        {9, "flat", "p", "", "", "", "", "call", 1, 1, 5, "plan_rules.csv", 3, 0, "", 0}};
    const struct toll_bucket_row buckets[] = {{1, "", 0, 3, 180, 18000000}, {1, "s1", 0, 1, 60, -5}};
    const struct toll_period_row periods[] = {
        {"2026-03-01", 1, "", "", "", "attempts", 100, 20, 5, 1000000, 5000000, "surcharges.csv", 2},
        {"2026-03-15", 3, "s1", "+12125550100", "t", "tier_fee", 0, 0, 0, 0, 7, "tiers.csv", 3}};
    const struct toll_pool_period_row pools[] = {
        {1, "b", "number", "acme", "", "+12125550100", "", "s", "2026-03-01", 600, 0, 60, 540, 0, 0, 0},
        {2, "c", "pool", "", "", "", "fleet", "byte", "2026-03-15", 10, 5, 15, 0, 0, 3, 1773576000000}};
    const struct toll_pool_draw_row draws[] = {{1, "2026-03-01", "2026-03-01", 60},
                                               {2, "2026-03-15", "2026-02-15", 5}};
    const struct toll_tier_count_row counts[] = {
        {"t", "acme", "", "", "2026-03-01", 1000, 5000000, 100000000, 0, -5},
        {"t", "acme", "s1", "", "2026-03-01", 0, 0, 0, 100000000, 0}};
    const struct {
        const struct toll_run_table *table;
        const void *rows;
    } all[] = {{&toll_run_accounts, accounts}, {&toll_run_prices, prices}, {&toll_run_buckets, buckets},
               {&toll_run_periods, periods},   {&toll_run_pools, pools},   {&toll_run_pool_draws, draws},
               {&toll_run_tier_counts, counts}};
    for (int t = 0; t < 7; t++) {
        for (int64_t count = 0; count < 3; count++) {
            struct toll_arrow_memory memory;
            char name[32];
            TOLL_ASSERT(toll_run_table_encode(all[t].table, all[t].rows, count, &memory, NULL) == 0);
            snprintf(name, sizeof name, "table_%d_%d", t, (int)count);
            put_sparse("run_tables", name, t, memory.bytes, memory.size);
            put_sparse("arrow", name, -1, memory.bytes, memory.size);
            free(memory.bytes);
        }
    }
}

static void put_packed(int t, const struct toll_run_packed *packed, const void *rows)
{
    for (int64_t count = 0; count < 3; count++) {
        const struct toll_run_rows array = {.rows = rows};
        struct toll_arrow_memory memory, terms = {0};
        char name[32];
        TOLL_ASSERT(toll_run_packed_encode(packed, &array, count, 1, &memory, packed->terms ? &terms : NULL,
                                           NULL) == 0);
        snprintf(name, sizeof name, "table_%d_%d", t, (int)count);
        put_sparse("run_tables", name, t, memory.bytes, memory.size);
        free(memory.bytes);
        free(terms.bytes);
    }
}

static void packed_tables(void)
{
    const struct toll_price_row prices[] = {
        {.id = 2,
         .kind = "deck",
         .deck = "d",
         .prefix = "1212",
         .destination = "US",
         .rate = 6000000,
         .line = 2},
        {.id = 9, .kind = "flat", .plan = "p", .rate = INT64_C(1) << 40, .line = 3}};
    const struct toll_tuple_row tuples[] = {
        {.id = 1,
         .period = "2026-03-01",
         .from = "2026-03-01",
         .area = "a1",
         .split_line = 6,
         .service = "voice"},
        {.id = 4, .book = 1, .period = "2026-03-01", .from = "2026-03-16", .split_line = 70000}};
    const struct toll_component_row components[] = {
        {.tuple = 1, .tax = "sales", .tax_jurisdiction = "NY", .level = "state", .rate = "0.04", .line = 2},
        {.tuple = 4,
         .tax = "e911",
         .kind = "unit",
         .billable = 1,
         .late = 1,
         .per_charge = "1/3",
         .line = 99999}};
    put_packed(7, &toll_run_packed_prices, prices);
    put_packed(8, &toll_run_packed_tuples, tuples);
    put_packed(9, &toll_run_packed_components, components);
}

/* Without "digest": ... to the end, see sealed_text.h. */
static void put_manifest(const char *target, const char *name, struct toll_json *json)
{
    const char *digest = NULL;
    for (const char *at = json->text; (at = strstr(at, "\"digest\": \"")) != NULL; at++)
        digest = at;
    TOLL_ASSERT(digest != NULL);
    put(target, name, json->text, (size_t)(digest - json->text));
    put("json", name, json->text, json->bytes);
    toll_json_free(json);
}

static void manifests(void)
{
    static char x[] = "x.csv";
    struct toll_dataset_part parts_of[2] = {{.day = 20514,
                                             .generation = 1,
                                             .rows = 5,
                                             .first_start = 20514 * TOLL_DAY_MS,
                                             .seal.bytes = 8192,
                                             .last_start = 20514 * TOLL_DAY_MS + 5,
                                             .text_seal.bytes = 4096,
                                             .conflicts = 2},
                                            {.day = 20515,
                                             .generation = 2,
                                             .rows = 7,
                                             .first_start = 20515 * TOLL_DAY_MS,
                                             .seal.bytes = 8192,
                                             .last_start = 20515 * TOLL_DAY_MS + 5,
                                             .text_seal.bytes = 4096}};
    struct toll_receipt receipts[2] = {
        {.sha256 = FIXTURE_SHA_A,
         .file = x,
         .spec = x,
         .spec_version = x,
         .carrier = x,
         .rows = 6,
         .accepted = 5,
         .rejected = 1,
         .rejects_hash = "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
         .rejects_bytes = 9},
        {.sha256 = FIXTURE_SHA_B, .file = x, .spec = x, .spec_version = x, .carrier = x}};
    struct toll_dataset dataset = {.generation = 2};
    struct toll_run_part run_parts[2] = {
        {.day = 20514, .rows = 5, .seal.bytes = 4096, .cdr_seal.bytes = 1},
        {.day = 20515, .rows = 7, .seal.bytes = 4096, .cdr_seal.bytes = 1, .cdr_text_seal.bytes = 1}};
    const struct toll_run_file files[] = {{"book.image", 10, {1, 2}}, {"suspense.csv", 3, {3, 4}}};
    struct toll_run_manifest run = {.rows = 12,
                                    .rated = 10,
                                    .zero_rated = 1,
                                    .suspense = 1,
                                    .billed_s = 99,
                                    .currency = "USD",
                                    .total_count = 1,
                                    .parts = run_parts,
                                    .part_count = 2,
                                    .from_day = "",
                                    .to_day = ""};
    struct toll_json json;
    for (int count = 0; count < 3; count++) {
        char name[16];
        dataset.parts = parts_of;
        dataset.part_count = (size_t)count;
        dataset.receipts = receipts;
        dataset.receipt_count = (size_t)count;
        TOLL_ASSERT(toll_dataset_hash(parts_of, (size_t)count, &dataset.cdr_hash));
        TOLL_ASSERT(toll_dataset_encode(&json, &dataset, NULL) == 0);
        snprintf(name, sizeof name, "dataset_%d", count);
        put_manifest("dataset", name, &json);
    }
    run.totals[0].currency = "USD";
    run.totals[0].charge = 123456789012345;
    run.status_rows[TOLL_RATED] = 10;
    run.status_rows[TOLL_ZERO_UNANSWERED] = 1;
    run.status_rows[TOLL_SUSPENSE_NO_ACCOUNT] = 1;
    TOLL_ASSERT(toll_run_manifest_encode(&json, &run, files, 2, NULL) == 0);
    put_manifest("run", "run_2", &json);
    struct toll_run_book books[3] = {{{1, 2}, {3, 4}, 0}, {{5, 6}, {7, 8}, 300}, {{0}, {0}, 400}};
    run.books = books;
    run.book_count = 3;
    run.kept = 11;
    TOLL_ASSERT(toll_run_manifest_encode(&json, &run, files, 2, NULL) == 0);
    put_manifest("run", "merged", &json);
    run = (struct toll_run_manifest){.currency = "USD", .from_day = "2026-03-01", .to_day = "2026-03-02"};
    TOLL_ASSERT(toll_run_manifest_encode(&json, &run, files, 0, NULL) == 0);
    put_manifest("run", "run_0", &json);
}

int main(int count, char **arguments)
{
    char folder[] = "/tmp/tollmill-seeds-XXXXXX";
    if (count != 2 || mkdtemp(folder) == NULL)
        return 64;
    corpus = arguments[1];
    const int directory = open(folder, O_RDONLY | O_DIRECTORY);
    TOLL_ASSERT(directory >= 0);
    parts(directory);
    lines(directory, 0, 0, "lines_0");
    lines(directory, 1, 0, "lines_1");
    lines(directory, 40, 0, "lines_40");
    lines(directory, 40, TOLL_LINES_BOOK, "merged");
    lines(directory, 40, TOLL_LINES_POOL, "pools");
    lines(directory, 40, TOLL_LINES_OPTIONAL, "all_columns");
    lines(directory, 40, TOLL_LINES_POOL | TOLL_LINES_NARROW(TOLL_LINE_POOL), "narrow_pools");
    lines(directory, 40, TOLL_LINES_OPTIONAL | TOLL_LINES_NARROW_MOST, "all_narrow");
    tables();
    packed_tables();
    manifests();
    close(directory);
    rmdir(folder);
    return 0;
}
