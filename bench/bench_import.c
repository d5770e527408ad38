/*
 * Import by stage, from the page cache: the index alone, text to typed rows, and the whole import, which also
 * tells how long what comes after the rows takes. Beside them memcpy of the same text, in the same turns.
 *
 *   bench_import                  10 million rows of each shape (import_files.h), 5 turns
 *   bench_import --small          as a test: quick, checks only that nothing is rejected
 *   --json FILE                   for programs (result.h)
 *   TOLL_BENCH_FOLDER             where the files are, or are made and stay; else a folder of its own
 *   TOLL_BENCH_ROWS, TOLL_BENCH_TURNS, TOLL_BENCH_THREADS (of the whole import, default 1)
 *   TOLL_BENCH_SHAPE=plain,switch     these only
 *   TOLL_BENCH_WHOLE=0            the stages without the whole import
 */
#include "base/cpu.h"
#include "import_files.h"
#include "ingest/rows.h"
#include "io/file.h"
#include "io/publish.h"
#include "measure.h"
#include "tollmill.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TURNS_MAX 99
#define INDEX_BYTES ((size_t)64 << 10)
#define COPY_BYTES ((size_t)8 << 20)

enum stage { COPY, INDEX, TYPE, WHOLE, READ, REST, STAGES };
static const char *const stage_names[STAGES] = {"memcpy",       "index",           "index and type",
                                                "whole import", "  of it reading", "  of it the rest"};

static struct bench {
    char folder[200];
    int turns;
    unsigned threads;
    bool whole;
    double seconds[STAGES][TURNS_MAX];
    /* of the current shape */
    struct toll_blob blob;
    struct toll_spec spec;
    struct toll_layout layout;
    int64_t rows;
    char hash[33];
    double read_until_s;
    struct toll_result json;
} bench;

/* The end of the chunk that begins at `at`. */
static size_t chunk_end(size_t at)
{
    const char *end;

    if (bench.blob.size - at <= TOLL_INGEST_CHUNK_BYTES)
        return bench.blob.size;
    end = memchr(bench.blob.data + at + TOLL_INGEST_CHUNK_BYTES, '\n',
                 bench.blob.size - at - TOLL_INGEST_CHUNK_BYTES);
    return end == NULL ? bench.blob.size : (size_t)(end - bench.blob.data) + 1;
}

/* Chunk by chunk into the same memory, as rows go. */
static double copy_all(void)
{
    const size_t room = COPY_BYTES;
    char *memory = malloc(room);
    double begun;

    if (memory == NULL)
        die("out of memory");
    memset(memory, 1, room);
    begun = now_s();
    for (size_t at = 0; at < bench.blob.size; at += room) {
        const size_t left = bench.blob.size - at;
        memcpy(memory, bench.blob.data + at, left < room ? left : room);
        __asm__ volatile("" : : "r"(memory) : "memory");
    }
    begun = now_s() - begun;
    free(memory);
    return begun;
}

/* Window by window, as rows are read. */
static double index_all(void)
{
    static uint32_t stops[INDEX_BYTES + TOLL_CSV_INDEX_SPARE], row_stops[INDEX_BYTES + TOLL_CSV_INDEX_SPARE];
    static struct toll_csv_quoted quoted[INDEX_BYTES];
    struct toll_csv_index index = {.stops = stops, .row_stops = row_stops, .quoted = quoted};
    const struct toll_csv *csv = &bench.layout.start;
    const double begun = now_s();
    int64_t rows = 0;

    for (size_t at = csv->offset; at < csv->size;) {
        const size_t left = csv->size - at, bytes = left < INDEX_BYTES ? left : INDEX_BYTES;

        bench.layout.kernels->csv_index(csv->data + at, bytes, csv->separator, csv->line_end, false, &index);
        if (index.row_count == 0)
            die("a row has no end");
        rows += (int64_t)index.row_count;
        at += stops[row_stops[index.row_count - 1]] + 1;
    }
    if (rows != bench.rows)
        die("the index counts other rows");
    return now_s() - begun;
}

static double type_all(void)
{
    const double begun = now_s();
    struct toll_lexicon *lexicon = toll_lexicon_create(); /* of a thread's chunks, as in an import */
    int64_t rows = 0;

    for (size_t at = bench.layout.start.offset, end; at < bench.blob.size; at = end) {
        struct toll_chunk chunk;
        struct toll_error error;

        end = chunk_end(at);
        if (toll_chunk_read(&bench.spec, &bench.layout, "", lexicon, at, end, &chunk, &error) != 0)
            die(error.text);
        if (chunk.reject_count > 0)
            die("a row was rejected");
        rows += (int64_t)chunk.row_count;
        toll_chunk_free(&chunk);
    }
    toll_lexicon_free(lexicon);
    bench.rows = rows;
    return now_s() - begun;
}

static void tick(void *context, const char *stage, int64_t done, int64_t total, const char *unit)
{
    (void)context, (void)done, (void)total, (void)unit;
    if (strcmp(stage, "read") == 0)
        bench.read_until_s = now_s();
}

static double import_all(const char *csv, const char *spec)
{
    char dataset[300];
    const struct toll_import_options options = {.spec_path = spec,
                                                .dataset_path = dataset,
                                                .files = &csv,
                                                .file_count = 1,
                                                .threads = bench.threads,
                                                .max_rejects = -1,
                                                .progress = {.tick = tick}};
    struct toll_import_result result;
    struct toll_error error;
    double begun;

    snprintf(dataset, sizeof dataset, "%s/import.dataset", bench.folder);
    toll_remove_tree(toll_io_system(), AT_FDCWD, dataset, NULL);
    begun = now_s();
    bench.read_until_s = begun;
    if (toll_import(&options, &result, &error) != 0)
        die(error.text);
    bench.read_until_s -= begun;
    begun = now_s() - begun;
    if (result.accepted != bench.rows)
        die("the import has other rows");
    memcpy(bench.hash, result.cdr_hash, sizeof bench.hash);
    toll_import_result_free(&result);
    toll_remove_tree(toll_io_system(), AT_FDCWD, dataset, NULL);
    return begun;
}

static double median(enum stage stage)
{
    qsort(bench.seconds[stage], (size_t)bench.turns, sizeof(double), toll_result_compare);
    return bench.seconds[stage][bench.turns / 2];
}

static void print_stage(enum stage stage)
{
    const double taken = median(stage), rows = (double)bench.rows, bytes = (double)bench.blob.size;

    printf("  %-16s %7.2f GB/s %8.2f M rows/s %7.1f ns/row   %.3f of memcpy\n", stage_names[stage],
           bytes / taken * 1e-9, rows / taken * 1e-6, taken / rows * 1e9, median(COPY) / taken);
}

static void put_stage(const char *shape, enum stage stage)
{
    struct toll_result *json = &bench.json;
    const double taken = median(stage), rows = (double)bench.rows, bytes = (double)bench.blob.size;
    const char *name = stage_names[stage];

    toll_result_record(json, "import");
    toll_result_text(json, "shape", shape);
    toll_result_text(json, "stage", name + strspn(name, " "));
    toll_result_int(json, "threads", stage < WHOLE ? 1 : bench.threads);
    toll_result_int(json, "rows", bench.rows);
    toll_result_number(json, "bytes_per_row", bytes / rows);
    toll_result_samples(json, "seconds", bench.seconds[stage], (size_t)bench.turns, 1);
    toll_result_number(json, "gb_per_s", bytes / taken * 1e-9);
    toll_result_number(json, "rows_per_s", rows / taken);
    toll_result_number(json, "of_memcpy", median(COPY) / taken);
    toll_result_text(json, "cdr_hash", stage < WHOLE ? "" : bench.hash);
}

static void open_shape(enum toll_import_shape shape, int64_t rows, char csv[300], char spec[300])
{
    struct toll_findings findings = {0};
    struct toll_error error;

    snprintf(csv, 300, "%s/%s.csv", bench.folder, toll_import_shape_name(shape));
    snprintf(spec, 300, "%s/%s.yaml", bench.folder, toll_import_shape_name(shape));
    if (!toll_import_files_write(bench.folder, shape, rows))
        die("cannot write the files");
    if (toll_spec_load(&bench.spec, toll_io_system(), spec, &findings, &error) != 0 ||
        toll_blob_read(&bench.blob, toll_io_system(), AT_FDCWD, csv, TOLL_READ_MMAP, &error) != 0 ||
        toll_recognise(&bench.spec, csv, bench.blob.data, bench.blob.size, &bench.layout, &error) != 0)
        die(error.text);
    bench.layout.kernels = toll_kernels_select(toll_cpu_features());
}

static void run_shape(enum toll_import_shape shape, int64_t rows)
{
    char csv[300], spec[300];

    open_shape(shape, rows, csv, spec);
    (void)type_all(); /* the pages are mapped, the rows are counted */
    for (int turn = 0; turn < bench.turns; turn++) {
        bench.seconds[COPY][turn] = copy_all();
        bench.seconds[INDEX][turn] = index_all();
        bench.seconds[TYPE][turn] = type_all();
        if (!bench.whole)
            continue;
        bench.seconds[WHOLE][turn] = import_all(csv, spec);
        bench.seconds[READ][turn] = bench.read_until_s;
        bench.seconds[REST][turn] = bench.seconds[WHOLE][turn] - bench.read_until_s;
    }
    printf("%s: %lld rows, %.1f bytes a row, medians of %d turns\n", toll_import_shape_name(shape),
           (long long)bench.rows, (double)bench.blob.size / (double)bench.rows, bench.turns);
    for (enum stage stage = COPY; stage < (bench.whole ? STAGES : WHOLE); stage++) {
        print_stage(stage);
        put_stage(toll_import_shape_name(shape), stage);
    }
    if (bench.whole)
        printf("  threads of the whole import: %u; cdr_hash %s\n", bench.threads, bench.hash);
    fflush(stdout);
    toll_blob_free(&bench.blob);
    toll_spec_free(&bench.spec);
}

int main(int argc, char **argv)
{
    if (toll_result_begin(&bench.json, "import", &argc, argv) != 0)
        return 1;
    const bool small = argc > 1 && strcmp(argv[1], "--small") == 0;
    const char *kept = getenv("TOLL_BENCH_FOLDER"), *only = getenv("TOLL_BENCH_SHAPE");
    const int64_t rows = setting("TOLL_BENCH_ROWS", small ? 20000 : 10000000);

    bench.turns = (int)setting("TOLL_BENCH_TURNS", small ? 1 : 5);
    bench.threads = (unsigned)setting("TOLL_BENCH_THREADS", 1);
    bench.whole = setting("TOLL_BENCH_WHOLE", 1) != 0;
    if (bench.turns < 1 || bench.turns > TURNS_MAX || rows < 1)
        die("TOLL_BENCH_TURNS: from 1 to 99; TOLL_BENCH_ROWS: from 1");
    snprintf(bench.folder, sizeof bench.folder, "%s", kept != NULL ? kept : "/tmp/toll_bench_XXXXXX");
    if (kept == NULL && mkdtemp(bench.folder) == NULL)
        die("cannot make a folder");
    for (enum toll_import_shape shape = 0; shape < TOLL_SHAPES; shape++)
        if (only == NULL || strstr(only, toll_import_shape_name(shape)) != NULL)
            run_shape(shape, rows);
    if (kept == NULL)
        toll_remove_tree(toll_io_system(), AT_FDCWD, bench.folder, NULL);
    return toll_result_end(&bench.json) == 0 ? 0 : 1;
}
