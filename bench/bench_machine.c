/*
 * What this machine gives, for the other figures to be compared with: copying memory, touching it at random,
 * and copying files past the page cache by the ring.
 *
 *   bench_machine                 5 turns, 1 GiB of file
 *   bench_machine --small         as a test: must run
 *   --json FILE                   for programs (result.h)
 *   TOLL_BENCH_FOLDER             where the files are made, on the device to be measured; else /tmp
 *
 * Random touches are 8 bytes each, of a table in 2 MiB pages where the system gives them. Dependent: each
 * says where the next one is, which is the latency. Independent: the processor may have many under way; with
 * prefetch 64 ahead, as batched code has it.
 */
#include "io/bulk.h"
#include "measure.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#define TURNS 5
#define COPY_BYTES ((size_t)256 << 20)
#define CHUNK_BYTES ((size_t)1 << 20)
#define CHUNKS 8
#define AHEAD 64

static const unsigned table_mb[] = {1, 16, 64, 512};
enum touch { DEPENDENT, INDEPENDENT, PREFETCHED, TOUCHES };
static const char *const touch_names[TOUCHES] = {"dependent", "independent", "prefetched"};
enum transfer { READ, WRITE, COPY, TRANSFERS };
static const char *const transfer_names[TRANSFERS] = {"read", "write new", "copy to new"};

static struct bench {
    bool small;
    int turns;
    struct toll_result json;
    uint64_t kept; /* what was read, so that it is read */
} bench;

static void *make_memory(size_t bytes)
{
    void *memory = aligned_alloc((size_t)2 << 20, (bytes + ((size_t)2 << 20) - 1) >> 21 << 21);
    if (memory == NULL)
        die("out of memory");
    madvise(memory, bytes, MADV_HUGEPAGE);
    memset(memory, 1, bytes);
    return memory;
}

static void tell(const char *name, const char *unit, const double *values)
{
    double sorted[TURNS];
    memcpy(sorted, values, (size_t)bench.turns * sizeof *sorted);
    qsort(sorted, (size_t)bench.turns, sizeof *sorted, toll_result_compare);
    printf("%-34s %8.2f %s (%.2f to %.2f), median of %d\n", name, sorted[bench.turns / 2], unit, sorted[0],
           sorted[bench.turns - 1], bench.turns);
    fflush(stdout);
}

/* ---- memory ---- */

struct copying {
    char *to, *from;
    size_t bytes;
};

static void *copy(void *context)
{
    const struct copying *copying = context;
    memcpy(copying->to, copying->from, copying->bytes);
    __asm__ volatile("" : : "r"(copying->to) : "memory");
    return NULL;
}

static void measure_copies(void)
{
    const size_t bytes = bench.small ? COPY_BYTES / 64 : COPY_BYTES;
    struct copying of[2];
    double gb_per_s[2][TURNS];
    for (int i = 0; i < 2; i++)
        of[i] = (struct copying){make_memory(bytes), make_memory(bytes), bytes};
    for (int turn = 0; turn < bench.turns; turn++) {
        double begun = now_s();
        pthread_t other;
        copy(&of[0]);
        gb_per_s[0][turn] = (double)bytes / (now_s() - begun) * 1e-9;
        begun = now_s();
        if (pthread_create(&other, NULL, copy, &of[1]) != 0)
            die("no second thread");
        copy(&of[0]);
        pthread_join(other, NULL);
        gb_per_s[1][turn] = (double)bytes * 2 / (now_s() - begun) * 1e-9;
    }
    for (int i = 0; i < 2; i++) {
        tell(i == 0 ? "memcpy, 1 thread" : "memcpy, 2 threads together", "GB/s copied", gb_per_s[i]);
        toll_result_record(&bench.json, "memcpy");
        toll_result_int(&bench.json, "threads", i + 1);
        toll_result_samples(&bench.json, "gb_per_s", gb_per_s[i], (size_t)bench.turns, 1);
        free(of[i].to);
        free(of[i].from);
    }
}

static uint64_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* One cycle through all cache lines in random order: [i * 8] says the next one's place. */
static void make_cycle(uint64_t *table, size_t lines)
{
    uint64_t state = 1;
    for (size_t i = 0; i < lines; i++)
        table[i * 8] = i * 8;
    for (size_t i = lines - 1; i > 0; i--) { /* Sattolo's: no shorter cycles */
        const size_t j = next(&state) % i;
        const uint64_t swapped = table[i * 8];
        table[i * 8] = table[j * 8];
        table[j * 8] = swapped;
    }
}

static double touch_dependent(const uint64_t *table, size_t touches)
{
    const double begun = now_s();
    uint64_t at = 0;
    for (size_t i = 0; i < touches; i++)
        at = table[at];
    bench.kept += at;
    return (now_s() - begun) * 1e9 / (double)touches;
}

static double touch_independent(const uint64_t *table, size_t mask, const uint32_t *places, size_t touches,
                                bool prefetch)
{
    const double begun = now_s();
    uint64_t sum = 0;
    for (size_t i = 0; i < touches; i++) {
        if (prefetch)
            __builtin_prefetch(&table[places[i + AHEAD] & mask]);
        sum += table[places[i] & mask];
    }
    bench.kept += sum;
    return (now_s() - begun) * 1e9 / (double)touches;
}

static void measure_touches(void)
{
    const size_t touches = bench.small ? 100000 : 4000000;
    uint32_t *places = calloc(touches + AHEAD, sizeof *places);
    uint64_t state = 2;
    if (places == NULL)
        die("out of memory");
    for (size_t i = 0; i < touches + AHEAD; i++)
        places[i] = (uint32_t)next(&state);
    for (size_t k = 0; k < sizeof table_mb / sizeof *table_mb; k++) {
        const size_t bytes = (size_t)table_mb[k] << (bench.small ? 14 : 20);
        const double mb = (double)bytes / (1 << 20);
        uint64_t *table = make_memory(bytes);
        double ns[TOUCHES][TURNS];
        make_cycle(table, bytes / 64);
        touch_dependent(table, bytes / 64 < touches ? bytes / 64 : touches); /* warm */
        for (int turn = 0; turn < bench.turns; turn++) {
            ns[DEPENDENT][turn] = touch_dependent(table, touches);
            ns[INDEPENDENT][turn] = touch_independent(table, bytes / 8 - 1, places, touches, false);
            ns[PREFETCHED][turn] = touch_independent(table, bytes / 8 - 1, places, touches, true);
        }
        for (int i = 0; i < TOUCHES; i++) {
            char name[64];
            snprintf(name, sizeof name, "random touch, %g MB, %s", mb, touch_names[i]);
            tell(name, "ns", ns[i]);
            toll_result_record(&bench.json, "touch");
            toll_result_number(&bench.json, "mb", mb);
            toll_result_text(&bench.json, "touch", touch_names[i]);
            toll_result_samples(&bench.json, "ns", ns[i], (size_t)bench.turns, 1);
        }
        free(table);
    }
    free(places);
}

/* ---- the device ---- */

struct file {
    int fd, direct;
};

static struct file open_file(const char *path, bool make, int64_t bytes)
{
    struct file file = {.fd = open(path, make ? O_RDWR | O_CREAT | O_TRUNC : O_RDWR, 0600)};
    file.direct = open(path, O_RDWR | O_DIRECT);
    if (file.fd < 0 || (make && ftruncate(file.fd, bytes) != 0))
        die("cannot make a file; set TOLL_BENCH_FOLDER to a folder with room for 2 GiB");
    if (make)
        (void)!fallocate(file.fd, 0, 0, bytes);
    return file;
}

static void close_file(struct file file)
{
    close(file.fd);
    close(file.direct);
}

/* Chunk after chunk, `CHUNKS` under way: read from `from` (fd -1: not) and written to `to` (fd -1: not). */
static void transfer_all(struct file from, struct file to, uint8_t *memory, int64_t bytes)
{
    const struct iovec buffers = {memory, CHUNKS * CHUNK_BYTES};
    const struct toll_bulk_options options = {
        .ring = true, .transfers = CHUNKS, .buffers = &buffers, .buffer_count = 1};
    struct toll_bulk_transfer what[CHUNKS];
    int tickets[CHUNKS];
    struct toll_error error;
    struct toll_bulk *bulk;
    int64_t begun = 0;
    if (toll_bulk_open(&bulk, toll_io_system(), &options, &error) != 0)
        die(error.text);
    memset(tickets, -1, sizeof tickets);
    for (int i = 0, idle = 0; idle < CHUNKS; i = (i + 1) % CHUNKS) {
        if (tickets[i] >= 0 && toll_bulk_wait(bulk, tickets[i], &error) != 0)
            die(error.text);
        const bool was_read = tickets[i] >= 0 && !what[i].write;
        tickets[i] = -1;
        if (was_read && to.fd >= 0) {
            what[i].write = true;
            what[i].fd = to.fd;
            what[i].direct = to.direct;
        } else if (begun < bytes) {
            const struct file file = from.fd >= 0 ? from : to;
            what[i] = (struct toll_bulk_transfer){.path = "device",
                                                  .fd = file.fd,
                                                  .direct = file.direct,
                                                  .write = from.fd < 0,
                                                  .buffer = memory + (size_t)i * CHUNK_BYTES,
                                                  .bytes = CHUNK_BYTES,
                                                  .offset = begun};
            begun += (int64_t)CHUNK_BYTES;
        } else {
            idle++;
            continue;
        }
        idle = 0;
        tickets[i] = toll_bulk_queue(bulk, &what[i]);
    }
    toll_bulk_close(bulk);
    if (to.fd >= 0 && fdatasync(to.fd) != 0)
        die("cannot make a file durable");
}

static void measure_device(void)
{
    const int64_t bytes = bench.small ? (int64_t)CHUNK_BYTES * 16 : (int64_t)1 << 30;
    const char *folder = getenv("TOLL_BENCH_FOLDER");
    const struct file none = {-1, -1};
    uint8_t *memory = make_memory(CHUNKS * CHUNK_BYTES);
    double gb_per_s[TRANSFERS][TURNS];
    char old_path[300], new_path[300];
    snprintf(old_path, sizeof old_path, "%s/toll_machine.%d.old", folder != NULL ? folder : "/tmp",
             (int)getpid());
    snprintf(new_path, sizeof new_path, "%s/toll_machine.%d.new", folder != NULL ? folder : "/tmp",
             (int)getpid());
    for (int turn = 0; turn < bench.turns; turn++) {
        const struct file old = open_file(old_path, true, bytes);
        double begun = now_s();
        transfer_all(none, old, memory, bytes);
        gb_per_s[WRITE][turn] = (double)bytes / (now_s() - begun) * 1e-9;
        begun = now_s();
        transfer_all(old, none, memory, bytes);
        gb_per_s[READ][turn] = (double)bytes / (now_s() - begun) * 1e-9;
        const struct file new = open_file(new_path, true, bytes);
        begun = now_s();
        transfer_all(old, new, memory, bytes);
        gb_per_s[COPY][turn] = (double)bytes * 2 / (now_s() - begun) * 1e-9;
        close_file(old);
        close_file(new);
        unlink(old_path);
        unlink(new_path);
    }
    free(memory);
    for (int i = 0; i < TRANSFERS; i++) {
        char name[64];
        snprintf(name, sizeof name, "device, %s", transfer_names[i]);
        tell(name, i == COPY ? "GB/s in and out" : "GB/s", gb_per_s[i]);
        toll_result_record(&bench.json, "device");
        toll_result_text(&bench.json, "transfer", transfer_names[i]);
        toll_result_samples(&bench.json, "gb_per_s", gb_per_s[i], (size_t)bench.turns, 1);
    }
}

int main(int argc, char **argv)
{
    if (toll_result_begin(&bench.json, "machine", &argc, argv) != 0)
        return 1;
    bench.small = argc > 1 && strcmp(argv[1], "--small") == 0;
    bench.turns = bench.small ? 1 : TURNS;
    measure_copies();
    measure_touches();
    measure_device();
    if (bench.kept == 1) /* never, as far as the compiler can tell */
        puts("");
    return toll_result_end(&bench.json) == 0 ? 0 : 1;
}
