/*
 * From file to file, cold: the CDRs are not in the page cache, the lines are on the disk at the end. The ways
 * of --io in turns, so that each turn gives ratios of its own, beside a raw copy: as many bytes read and
 * written as rating does, by the ring past the page cache, into a new file that is made durable.
 *
 *   bench_file                    20 million CDRs, 7 turns, one thread and two
 *   bench_file --small            a world of a second, warm, as a test
 *   --json FILE                   for programs (result.h)
 *   TOLL_BENCH_FOLDER, TOLL_BENCH_CDRS, TOLL_BENCH_NUMBERS as in bench_rate
 *   TOLL_BENCH_TURNS              other than 7
 *   TOLL_BENCH_WAYS=pread,io_uring    these only; pread is what the others are compared with
 *   TOLL_BENCH_THREADS            one or two only
 *   TOLL_BENCH_WARM=1             with the CDRs in the page cache
 *   TOLL_BENCH_MIB, TOLL_BENCH_PIECE_KIB, TOLL_BENCH_AHEAD    bytes in flight, of a piece, batches ahead
 *
 * Cold needs root: it writes to /proc/sys/vm/drop_caches.
 */
#include "base/cpu.h"
#include "io/publish.h"
#include "measure.h"
#include "pipeline/rate.h"
#include "world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TURNS_MAX 99
#define CHUNK_BYTES ((size_t)1 << 20)
#define CHUNKS 8

static const struct {
    const char *name;
    enum toll_io_choice choice;
} ways[] = {
    {"pread", TOLL_IO_PREAD}, {"mmap", TOLL_IO_MMAP}, {"io_uring", TOLL_IO_URING}, {"auto", TOLL_IO_AUTO}};
enum { PREAD, WAYS = sizeof ways / sizeof *ways, RAW = WAYS, COLUMNS };

static struct bench {
    char book[300], cdrs[300], run[300];
    bool cold, small;
    int turns;
    int64_t rows, bytes_in, bytes_out, line_bytes; /* line_bytes: the lines' files whole */
    double seconds[COLUMNS][TURNS_MAX];
    struct toll_rate_times times[WAYS][TURNS_MAX];
    struct toll_rate_result result;
    struct toll_result json;
} bench;

static void read_through(const char *path)
{
    static char buffer[1 << 16];
    const int fd = open(path, O_RDONLY);
    while (fd >= 0 && read(fd, buffer, sizeof buffer) > 0)
        ;
    close(fd);
}

static bool is_wanted(int way)
{
    const char *list = getenv("TOLL_BENCH_WAYS");
    return list == NULL || strstr(list, ways[way].name) != NULL;
}

/* The CDRs cold or warm, the book warm. */
static bool prepare(void)
{
    if (bench.cold) {
        sync();
        FILE *file = fopen("/proc/sys/vm/drop_caches", "w");
        if (file == NULL || fputs("3", file) < 0 || fclose(file) != 0)
            return false;
    }
    read_through(bench.book);
    return true;
}

/* A count of the run's stats.json, behind `group`. */
static int64_t stat_of(const char *stats, const char *group, const char *name)
{
    const char *at = strstr(stats, group);
    at = at == NULL ? NULL : strstr(at, name);
    return at == NULL ? 0 : atoll(at + strlen(name));
}

/* Of book.image, prices.arrow and whatever else lies beside the lines. */
static int64_t table_bytes(void)
{
    char **names;
    size_t count;
    int64_t bytes = 0;
    if (toll_list_directory(toll_io_system(), AT_FDCWD, bench.run, &names, &count, NULL) != 0)
        die("the run cannot be listed");
    for (size_t i = 0; i < count; i++) {
        char path[600];
        struct stat status;
        snprintf(path, sizeof path, "%s/%s", bench.run, names[i]);
        if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
            bytes += status.st_size;
    }
    toll_names_free(names, count);
    return bytes;
}

/* What the last run read and wrote, as it says itself, and its tables. */
static void read_stats(void)
{
    char path[400], stats[8192] = "";
    snprintf(path, sizeof path, "%s/stats.json", bench.run);
    FILE *file = fopen(path, "r");
    if (file == NULL || fread(stats, 1, sizeof stats - 1, file) == 0)
        die("the run has no stats.json");
    fclose(file);
    bench.bytes_in = stat_of(stats, "\"read\"", "\"mmap\": ") + stat_of(stats, "\"read\"", "\"pread\": ") +
                     stat_of(stats, "\"read\"", "\"io_uring\": ");
    bench.bytes_out =
        stat_of(stats, "\"written\"", "\"pwrite\": ") + stat_of(stats, "\"written\"", "\"io_uring\": ");
    bench.bytes_out += table_bytes();
    bench.line_bytes = stat_of(stats, "", "\"line_file_bytes\": ");
    bench.rows = bench.result.rows;
}

static double rate_by(int way, int turn, unsigned threads, struct toll_rate_result *result)
{
    const struct toll_rate_options options = {.book_path = bench.book,
                                              .dataset_path = bench.cdrs,
                                              .run_path = bench.run,
                                              .threads = threads,
                                              .io = ways[way].choice,
                                              .pin = true};
    const struct toll_rate_tuning tuning = {
        .io = toll_io_system(),
        .features = toll_cpu_features(),
        .times = &bench.times[way][turn],
        .in_flight_bytes = (size_t)setting("TOLL_BENCH_MIB", 0) << 20,
        .piece_bytes = (size_t)setting("TOLL_BENCH_PIECE_KIB", 0) << 10,
        .ahead = (unsigned)setting("TOLL_BENCH_AHEAD", 0),
    };
    struct toll_error error;
    toll_remove_tree(toll_io_system(), AT_FDCWD, bench.run, NULL);
    if (!prepare())
        die("cannot drop caches: be root, or set TOLL_BENCH_WARM=1");
    const double begun = now_s();
    if (toll_rate_tuned(&options, &tuning, result, &error) != 0)
        die(error.text);
    return now_s() - begun;
}

/* ---- the raw copy ---- */

struct copy {
    const struct toll_dataset *dataset;
    size_t part;
    int64_t at; /* of the part */
    struct toll_file file;
    int64_t read, written;
};

/* The next chunk of the CDR files. False at their end. */
static bool next_read(struct copy *copy, struct toll_bulk_transfer *what)
{
    struct toll_error error;
    while (copy->file.io == NULL || copy->at + (int64_t)CHUNK_BYTES > copy->file.size) {
        char name[TOLL_PART_NAME_BYTES], path[TOLL_PART_NAME_BYTES + 16];
        if (copy->part == copy->dataset->part_count || copy->read >= bench.bytes_in)
            return false;
        toll_file_close(&copy->file);
        toll_dataset_part_name(&copy->dataset->parts[copy->part++], name);
        snprintf(path, sizeof path, "parts/%s.arrow", name);
        if (toll_file_open(&copy->file, toll_io_system(), copy->dataset->directory, path, TOLL_READ_RING,
                           &error) != 0)
            die(error.text);
        copy->at = 0;
    }
    *what = (struct toll_bulk_transfer){.path = "CDRs",
                                        .fd = copy->file.fd,
                                        .direct = copy->file.direct,
                                        .buffer = what->buffer,
                                        .bytes = CHUNK_BYTES,
                                        .offset = copy->at};
    copy->at += CHUNK_BYTES;
    copy->read += CHUNK_BYTES;
    return true;
}

static int new_file(int64_t bytes, int *direct)
{
    const int fd = open(bench.run, O_RDWR | O_CREAT | O_TRUNC, 0600);
    *direct = open(bench.run, O_WRONLY | O_DIRECT);
    if (fd < 0 || ftruncate(fd, bytes) != 0)
        die("cannot make a file for the raw copy");
    (void)!fallocate(fd, 0, 0, bytes);
    return fd;
}

static double copy_raw(void)
{
    struct toll_dataset dataset;
    struct toll_error error;
    struct toll_bulk *bulk;
    struct toll_bulk_transfer what[CHUNKS];
    int tickets[CHUNKS], direct;
    uint8_t *memory = aligned_alloc(4096, CHUNKS * CHUNK_BYTES);
    const struct iovec buffers = {memory, CHUNKS * CHUNK_BYTES};
    const struct toll_bulk_options options = {
        .ring = true, .transfers = CHUNKS, .buffers = &buffers, .buffer_count = 1};
    toll_remove_tree(toll_io_system(), AT_FDCWD, bench.run, NULL);
    if (memory == NULL || !prepare() ||
        toll_dataset_open(&dataset, toll_io_system(), bench.cdrs, &error) != 0 ||
        toll_bulk_open(&bulk, toll_io_system(), &options, &error) != 0)
        die("cannot begin the raw copy");
    memset(memory, 1, CHUNKS * CHUNK_BYTES);
    struct copy copy = {.dataset = &dataset};
    const double begun = now_s();
    const int fd = new_file(bench.bytes_out + CHUNK_BYTES, &direct);
    for (int i = 0; i < CHUNKS; i++) {
        what[i].buffer = memory + (size_t)i * CHUNK_BYTES;
        tickets[i] = next_read(&copy, &what[i]) ? toll_bulk_queue(bulk, &what[i]) : -1;
    }
    for (int i = 0; tickets[i] >= 0; i = (i + 1) % CHUNKS) {
        if (toll_bulk_wait(bulk, tickets[i], &error) != 0)
            die(error.text);
        const int64_t due = bench.bytes_out * copy.read / bench.bytes_in - copy.written;
        if (!what[i].write && due >= (int64_t)CHUNK_BYTES) { /* what was read is written where it is time */
            what[i].write = true;
            what[i].fd = fd;
            what[i].direct = direct;
            what[i].offset = copy.written;
            copy.written += CHUNK_BYTES;
            tickets[i] = toll_bulk_queue(bulk, &what[i]);
        } else {
            tickets[i] = next_read(&copy, &what[i]) ? toll_bulk_queue(bulk, &what[i]) : -1;
        }
    }
    toll_bulk_close(bulk);
    if (fdatasync(fd) != 0)
        die("cannot make the raw copy durable");
    const double taken = now_s() - begun;
    toll_file_close(&copy.file);
    close(fd);
    close(direct);
    unlink(bench.run);
    toll_dataset_close(&dataset);
    free(memory);
    return taken;
}

/* ---- figures ---- */

static double median(const double *values)
{
    double sorted[TURNS_MAX];
    memcpy(sorted, values, (size_t)bench.turns * sizeof *sorted);
    qsort(sorted, (size_t)bench.turns, sizeof *sorted, toll_result_compare);
    return sorted[bench.turns / 2];
}

static void print_line(const char *name, int column)
{
    double ratios[TURNS_MAX];
    for (int i = 0; i < bench.turns; i++)
        ratios[i] = bench.seconds[PREAD][i] / bench.seconds[column][i];
    const double taken = median(bench.seconds[column]), ratio = median(ratios);
    qsort(ratios, (size_t)bench.turns, sizeof *ratios, toll_result_compare);
    printf("  %-9s %7.3f s %7.2f M CDR/s %6.2f GB/s in and out   %.2fx of pread (%.2f to %.2f)\n", name,
           taken, (double)bench.rows / taken * 1e-6,
           (double)(bench.bytes_in + bench.bytes_out) / taken * 1e-9, ratio, ratios[0],
           ratios[bench.turns - 1]);
}

/* Where the time went: medians of each part by itself, in ms, and the speed as a share of the raw copy's. */
static void print_parts(int way)
{
    double values[TURNS_MAX];
    printf("           ");
    for (int phase = 0; phase < TOLL_PHASES; phase++) {
        for (int i = 0; i < bench.turns; i++)
            values[i] = (double)bench.times[way][i].phase_ns[phase] * 1e-6;
        printf(" %s %.0f", toll_rate_phase_names[phase], median(values));
        if (phase != TOLL_PHASE_RATE)
            continue;
        for (int i = 0; i < bench.turns; i++)
            values[i] = (double)bench.times[way][i].waited_ns * 1e-6;
        printf(" (workers waited %.0f)", median(values));
    }
    for (int i = 0; i < bench.turns; i++)
        values[i] = bench.seconds[RAW][i] / bench.seconds[way][i];
    printf(" ms\n");
    if (!bench.small)
        printf("            %.2f of the raw copy's speed\n", median(values));
}

static void put_line(const char *name, int column, unsigned threads)
{
    struct toll_result *json = &bench.json;
    double of_raw[TURNS_MAX];
    toll_result_record(json, "files");
    toll_result_text(json, "way", name);
    toll_result_text(json, "cache", bench.cold ? "cold" : "warm");
    toll_result_int(json, "threads", threads);
    toll_result_int(json, "cdrs", bench.rows);
    toll_result_int(json, "bytes_in", bench.bytes_in);
    toll_result_int(json, "bytes_out", bench.bytes_out);
    toll_result_number(json, "bytes_per_line", (double)bench.line_bytes / (double)bench.rows);
    toll_result_samples(json, "seconds", bench.seconds[column], (size_t)bench.turns, 1);
    toll_result_number(json, "gb_per_s",
                       (double)(bench.bytes_in + bench.bytes_out) / median(bench.seconds[column]) * 1e-9);
    if (column == RAW)
        return;
    for (int i = 0; i < bench.turns; i++)
        of_raw[i] = bench.seconds[RAW][i] / bench.seconds[column][i];
    toll_result_samples(json, "of_raw", of_raw, bench.small ? 0 : (size_t)bench.turns, 1);
    toll_result_text(json, "charge", bench.result.totals[0].charge);
    toll_result_text(json, "currency", bench.result.totals[0].currency);
    toll_result_text(json, "cdr_hash", bench.result.cdr_hash);
    toll_result_text(json, "book_hash", bench.result.book_hash);
}

static void run_turns(unsigned threads)
{
    for (int turn = 0; turn < bench.turns; turn++) {
        for (int i = 0; i < WAYS; i++) {
            const int way = (i + turn) % WAYS; /* another one begins each turn */
            if (is_wanted(way))
                bench.seconds[way][turn] = rate_by(way, turn, threads, &bench.result);
        }
        read_stats();
        if (!bench.small)
            bench.seconds[RAW][turn] = copy_raw();
    }
    printf("%u thread%s, %s, medians of %d turns:\n", threads, threads == 1 ? "" : "s",
           bench.cold ? "cold" : "warm", bench.turns);
    for (int way = 0; way < WAYS; way++)
        if (is_wanted(way)) {
            print_line(ways[way].name, way);
            print_parts(way);
            put_line(ways[way].name, way, threads);
        }
    if (!bench.small) {
        print_line("raw copy", RAW);
        put_line("raw copy", RAW, threads);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char folder[200] = "/tmp/toll_bench_XXXXXX", source[300];
    const char *kept = getenv("TOLL_BENCH_FOLDER");
    if (toll_result_begin(&bench.json, "file", &argc, argv) != 0)
        return 1;
    bench.small = argc > 1 && strcmp(argv[1], "--small") == 0;
    bench.cold = !bench.small && setting("TOLL_BENCH_WARM", 0) == 0;
    bench.turns = (int)setting("TOLL_BENCH_TURNS", bench.small ? 1 : 7);
    if (bench.turns < 1 || bench.turns > TURNS_MAX)
        die("TOLL_BENCH_TURNS: from 1 to 99");
    if (kept != NULL)
        snprintf(folder, sizeof folder, "%s", kept);
    else if (mkdtemp(folder) == NULL)
        die("cannot make a folder");
    snprintf(source, sizeof source, "%s/book", folder);
    snprintf(bench.book, sizeof bench.book, "%s/file.image", folder);
    snprintf(bench.cdrs, sizeof bench.cdrs, "%s/cdrs", folder);
    snprintf(bench.run, sizeof bench.run, "%s/file.run", folder);
    const struct toll_world_size size = {setting("TOLL_BENCH_CDRS", bench.small ? 150000 : 20000000),
                                         (uint32_t)setting("TOLL_BENCH_NUMBERS", bench.small ? 2000 : 200000),
                                         bench.small ? 20 : 400, bench.small ? 3 : 30};
    const struct toll_compile_options compile = {.book_path = source, .image_path = bench.book};
    struct toll_compile_result compiled;
    struct toll_error error;
    if (access(bench.cdrs, F_OK) != 0 && toll_world_write(folder, &size) != 0)
        die("cannot make the world");
    if (access(bench.book, F_OK) != 0 && toll_compile(&compile, &compiled, &error) != 0)
        die(error.text);
    for (unsigned threads = 1; threads <= 2; threads++)
        if (setting("TOLL_BENCH_THREADS", threads) == threads)
            run_turns(threads);
    toll_remove_tree(toll_io_system(), AT_FDCWD, kept == NULL ? folder : bench.run, NULL);
    return toll_result_end(&bench.json) == 0 ? 0 : 1;
}
