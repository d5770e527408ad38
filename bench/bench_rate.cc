// The whole rating pipeline in memory: input checksums, payer, rules, prefix, price, charge, sums, lines.
//
//   bench_rate                     20 million CDRs, 200,000 numbers, the full deck; half as many CDRs of the
//                                  whole-feature world
//   bench_rate --small             worlds of a second, as a test: they must run and give the frozen answers
//   TOLL_BENCH_CDRS, TOLL_BENCH_NUMBERS    other sizes
//   TOLL_BENCH_TURNS               other than 7
//   TOLL_BENCH_FOLDER              keep the worlds there and use them again
//   TOLL_BENCH_STAGES=1            nanoseconds by stage, too: of passes of their own, with clocks between
//   them
//   --json FILE                    all figures for programs (result.h)
//   TOLL_BENCH_WORLD=plain|whole|cost|bundles|pools|taxes|month   only that one; several: plain,cost
//
// The plain world is one deck by the callee (world.h), the whole one has every kind of tariff (whole.h), the
// one of costs buys every call of the plain one, too (cost.h), two have bundles (bundles.h), one is taxed
// (taxes.h), and the canonical month is what the goals are about (month.h). What they cost is given as a
// share of the plain one's speed, repetition by repetition.
//
// Scalar and vector kernels take turns in one run, each on a rater of its own, so that their ratio holds on a
// machine with other work to do; it is given by the processor's time and by the clock on the wall. For each
// the money total and a hash of all lines: what is made faster must not change either.
#include "bundles.h"
#include "cost.h"
#include "month.h"
#include "result.h"
#include "taxes.h"
#include "whole.h"
#include "world.h"

#include <tollmill.h>

#include <benchmark/benchmark.h>
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

namespace
{

constexpr int threads_most = 2;
const char *const level_names[] = {"scalar", "avx2", "avx512"};
const toll_simd_choice level_choices[] = {TOLL_SIMD_SCALAR, TOLL_SIMD_AVX2, TOLL_SIMD_AVX512};
constexpr int levels_most = 3;

struct measures {
    std::vector<double> wall_ns, cpu_ns; // every repetition
};

struct frozen_world {
    const char *name;
    int (*write)(const char *folder, const toll_world_size *size);
    const char *small_hash, *full_hash; // of the lines; they change only when a result of rating changes
    bool wanted = true;
    toll_bench_world *world[levels_most] = {};
    int64_t rows = 0, numbers = 0;
    toll_rate_result result[levels_most] = {};
    char hash[levels_most][33] = {};
    measures rate[levels_most][threads_most + 1] = {};
    std::vector<double> stage_ns[levels_most][16] = {};
};
enum { plain, whole, cost, bundles, pools, taxes, month, worlds };

struct {
    frozen_world worlds[::worlds] = {
        {"plain", toll_world_write, "413f09841c7fe6d0495e2b1996f59678", "0d31442e0329c2dddab33343a36f8aa4"},
        {"whole", toll_whole_write, "2b709c7ea55ecc92de35be568fee21e7", "65d7596721fb1ba0810471a02628669c"},
        {"cost", toll_cost_write, "9984c97292fed69082da72b59075e83c", "3d991697802ea4f9c2ff4bc7cc080c88"},
        {"bundles", toll_bundles_write, "5be88782cce8217c2607fe354f38cae1",
         "7b6cf598aefcb6374e5caeef08131afc"},
        {"pools", toll_pools_write, "7ea866d118b3c9089fae0a03a21eb6a9", "a5abb515c81a67592cba44ff4a003772"},
        {"taxes", toll_taxes_write, "8db23465c1ba09552333a77240090e38", "e6ae804a12bd707f95f8801fcc8a1fee"},
        {"month", toll_month_write, "b85c4cfba47f8e3eb3397f4ddef65662", "bc45e59bb945325e4e601fc945f42a42"},
    };
    int levels = 0; // how many this processor has
    bool stages = false;
    std::vector<double> copy_ns;
} bench;

// Is a name one of a list?
bool is_named(const char *list, const std::string &name)
{
    return ("," + std::string(list) + ",").find("," + name + ",") != std::string::npos;
}

int64_t setting(const char *name, int64_t otherwise)
{
    const char *text = std::getenv(name);
    return text == nullptr ? otherwise : std::atoll(text);
}

double cpu_now()
{
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return double(now.tv_sec) * 1e9 + double(now.tv_nsec);
}

void keep_stages(frozen_world &world, int level)
{
    const char *names[16];
    int64_t ns[16];
    toll_rate_result result;
    toll_error error;
    toll_bench_want_stages(world.world[level], true);
    const int rc = toll_bench_rate(world.world[level], 1, &result, &error);
    toll_bench_want_stages(world.world[level], false);
    const int count = rc == 0 ? toll_bench_stages(world.world[level], names, ns) : 0;
    for (int i = 0; i < count; i++)
        world.stage_ns[level][i].push_back(double(ns[i]));
}

void rate(benchmark::State &state)
{
    frozen_world &world = bench.worlds[state.range(0)];
    const int level = int(state.range(1)), threads = int(state.range(2));
    toll_rate_result result;
    toll_error error;
    for (auto _ : state) {
        const double begun = cpu_now();
        if (toll_bench_rate(world.world[level], unsigned(threads), &result, &error) != 0) {
            state.SkipWithError(error.text);
            return;
        }
        world.rate[level][threads].cpu_ns.push_back(cpu_now() - begun);
        world.rate[level][threads].wall_ns.push_back(double(result.rate_ns));
        state.SetIterationTime(double(result.rate_ns) * 1e-9);
        world.rows = result.rows;
    }
    state.SetLabel(std::string(world.name) + " " + level_names[level]);
    const double rows = double(result.rows) * double(state.iterations());
    state.counters["CDR/s"] = benchmark::Counter(rows, benchmark::Counter::kIsRate);
    if (bench.stages && threads == 1)
        keep_stages(world, level);
}

// What this machine's memory gives in the same run: other figures are compared as ratios to it. In 2 MiB
// pages where the system gives them, since finding pages of 4 KiB is not what is to be measured.
constexpr size_t copy_bytes = size_t(256) << 20;

char *copy_memory()
{
    void *memory = std::aligned_alloc(size_t(2) << 20, copy_bytes);
    if (memory == nullptr)
        std::abort();
    madvise(memory, copy_bytes, MADV_HUGEPAGE);
    std::memset(memory, 1, copy_bytes);
    return static_cast<char *>(memory);
}

void copy(benchmark::State &state)
{
    char *from = copy_memory(), *to = copy_memory();
    for (auto _ : state) {
        const auto begun = std::chrono::steady_clock::now();
        std::memcpy(to, from, copy_bytes);
        benchmark::ClobberMemory();
        const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begun;
        bench.copy_ns.push_back(taken.count());
    }
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(copy_bytes));
    std::free(from);
    std::free(to);
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[values.size() / 2];
}

// Of the scalar kernels' time, repetition by repetition.
double ratio(const std::vector<double> &scalar, const std::vector<double> &other)
{
    std::vector<double> each;
    for (size_t i = 0; i < scalar.size() && i < other.size(); i++)
        each.push_back(scalar[i] / other[i]);
    return median(each);
}

void print_stages(const frozen_world &world)
{
    const char *names[16];
    int64_t ns[16];
    const int count = toll_bench_stages(world.world[0], names, ns);
    std::printf("%s: ns/CDR, 1 thread", world.name);
    for (int level = 0; level < bench.levels; level++)
        std::printf(" %8s", level_names[level]);
    for (int i = 0; i < count; i++) {
        std::printf("\n  %-21s", names[i]);
        for (int level = 0; level < bench.levels; level++)
            std::printf(" %8.2f", median(world.stage_ns[level][i]) / double(world.rows));
    }
    std::printf("\n");
}

void print_world_table(const frozen_world &world)
{
    const double rows = double(world.rows);
    if (bench.stages)
        print_stages(world);
    for (int threads = 1; threads <= threads_most; threads++)
        for (int level = 0; level < bench.levels; level++) {
            const measures &one = world.rate[level][threads], &scalar = world.rate[0][threads];
            if (!one.cpu_ns.empty())
                std::printf("%s, %d thread%s %-7s %7.2f ns/CDR of CPU, %7.2f on the wall, %7.2f M CDR/s; "
                            "%5.2f x scalar by CPU, %5.2f x on the wall; medians of %zu\n",
                            world.name, threads, threads == 1 ? " " : "s", level_names[level],
                            median(one.cpu_ns) / rows, median(one.wall_ns) / rows,
                            rows * 1e3 / median(one.wall_ns), ratio(scalar.cpu_ns, one.cpu_ns),
                            ratio(scalar.wall_ns, one.wall_ns), one.cpu_ns.size());
        }
}

// How much faster two threads are on the wall, repetition by repetition.
void print_speedup(const frozen_world &world)
{
    for (int level = 0; level < bench.levels; level++)
        std::printf("%s, %s: 2 threads are %.2f x one thread's speed on the wall\n", world.name,
                    level_names[level], ratio(world.rate[level][1].wall_ns, world.rate[level][2].wall_ns));
}

// What a world takes more than the plain one, repetition by repetition.
double difference_ns(const measures &one, double rows, const measures &other, double other_rows)
{
    std::vector<double> each;
    for (size_t i = 0; i < one.cpu_ns.size() && i < other.cpu_ns.size(); i++)
        each.push_back(other.cpu_ns[i] / other_rows - one.cpu_ns[i] / rows);
    return median(each);
}

// Medians, which is what may be quoted.
void print_table()
{
    const frozen_world &one = bench.worlds[plain];
    const double copied = median(bench.copy_ns);
    for (const frozen_world &world : bench.worlds)
        if (world.wanted) {
            print_world_table(world);
            print_speedup(world);
        }
    for (const frozen_world &other : bench.worlds)
        for (int threads = 1; threads <= threads_most && one.wanted; threads++)
            for (int level = 0; level < bench.levels && other.wanted && &other != &one; level++)
                std::printf(
                    "%d thread%s %-7s the %s world has %.2f of the plain one's speed by CPU, %+.2f ns "
                    "a CDR\n",
                    threads, threads == 1 ? " " : "s", level_names[level], other.name,
                    ratio(one.rate[level][threads].cpu_ns, other.rate[level][threads].cpu_ns) *
                        double(other.rows) / double(one.rows),
                    difference_ns(one.rate[level][threads], double(one.rows), other.rate[level][threads],
                                  double(other.rows)));
    if (copied > 0)
        std::printf("memcpy %.2f GB/s copied, median of %zu\n", double(copy_bytes) / copied,
                    bench.copy_ns.size());
}

// ---- JSON ----

void put_rating(toll_result *json, const frozen_world &world, int level, int threads)
{
    const measures &one = world.rate[level][threads];
    const toll_rate_result &result = world.result[level];
    const double rows = double(world.rows);
    toll_result_record(json, "rating");
    toll_result_text(json, "world", world.name);
    toll_result_int(json, "cdrs", world.rows);
    toll_result_int(json, "numbers", world.numbers);
    toll_result_text(json, "simd", level_names[level]);
    toll_result_int(json, "threads", threads);
    toll_result_samples(json, "wall_ns", one.wall_ns.data(), one.wall_ns.size(), 1 / rows);
    toll_result_samples(json, "cpu_ns", one.cpu_ns.data(), one.cpu_ns.size(), 1 / rows);
    toll_result_number(json, "cdr_per_s", rows * 1e9 / median(one.wall_ns));
    toll_result_number(json, "x_scalar", ratio(world.rate[0][threads].wall_ns, one.wall_ns));
    toll_result_number(json, "x_one_thread", ratio(world.rate[level][1].wall_ns, one.wall_ns));
    toll_result_int(json, "rated", result.rated);
    toll_result_int(json, "suspense", result.suspense);
    toll_result_text(json, "charge", result.totals[0].charge);
    toll_result_text(json, "currency", result.totals[0].currency);
    toll_result_text(json, "lines", world.hash[level]);
}

void put_stages(toll_result *json, const frozen_world &world, int level)
{
    const char *names[16];
    int64_t ns[16];
    const int count = toll_bench_stages(world.world[level], names, ns);
    for (int i = 0; i < count; i++) {
        const std::vector<double> &values = world.stage_ns[level][i];
        toll_result_record(json, "stage");
        toll_result_text(json, "world", world.name);
        toll_result_int(json, "numbers", world.numbers);
        toll_result_text(json, "simd", level_names[level]);
        toll_result_text(json, "stage", names[i]);
        toll_result_samples(json, "ns", values.data(), values.size(), 1 / double(world.rows));
    }
}

void put_json(toll_result *json)
{
    std::vector<double> gb;
    for (double ns : bench.copy_ns)
        gb.push_back(double(copy_bytes) / ns);
    toll_result_record(json, "memcpy");
    toll_result_samples(json, "gb_per_s", gb.data(), gb.size(), 1);
    for (const frozen_world &world : bench.worlds)
        for (int level = 0; world.wanted && level < bench.levels; level++) {
            for (int threads = 1; threads <= threads_most; threads++)
                put_rating(json, world, level, threads);
            if (bench.stages)
                put_stages(json, world, level);
        }
}

// All levels that this processor has; the first world tells how many these are.
int open_levels(frozen_world &world, const std::string &folder)
{
    toll_error error;
    for (int level = 0; level < levels_most; level++) {
        const int rc = level == 0 ? toll_bench_open((folder + "/book").c_str(), (folder + "/cdrs").c_str(),
                                                    level_choices[level], &world.world[level], &error)
                                  : toll_bench_open_beside(world.world[0], level_choices[level],
                                                           &world.world[level], &error);
        if (rc != 0) {
            std::fprintf(stderr, "%s\n", error.text);
            return rc == TOLL_EUSAGE && level > 0 ? 0 : rc; // what the processor lacks is not measured
        }
        bench.levels = std::max(bench.levels, level + 1);
    }
    return 0;
}

int open_world(frozen_world &world, bool small)
{
    const bool half = !small && &world == &bench.worlds[whole];
    toll_world_size size = {setting("TOLL_BENCH_CDRS", small  ? 150000
                                                       : half ? 10000000
                                                              : 20000000),
                            uint32_t(setting("TOLL_BENCH_NUMBERS", small ? 2000 : 200000)),
                            small ? 20u : 400u, small ? 3 : 30};
    world.numbers = size.numbers;
    const char *kept = std::getenv("TOLL_BENCH_FOLDER");
    std::string folder;
    if (kept != nullptr) {
        folder = std::string(kept) +
                 (&world == &bench.worlds[plain] ? std::string() : std::string("/") + world.name);
        std::filesystem::create_directories(folder);
    } else {
        std::string pattern = (std::filesystem::temp_directory_path() / "toll_bench_XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr)
            return -1;
        folder = pattern;
    }
    int rc = 0;
    if (!std::filesystem::exists(folder + "/cdrs/dataset.json"))
        rc = world.write(folder.c_str(), &size);
    if (rc == 0)
        rc = open_levels(world, folder);
    if (kept == nullptr)
        std::filesystem::remove_all(folder); // what is mapped stays until it is unmapped
    return rc;
}

int print_world(frozen_world &world, int level, const char *expected)
{
    toll_rate_result &result = world.result[level];
    toll_error error;
    char *hash = world.hash[level];
    if (toll_bench_hash(world.world[level], hash, &error) != 0 ||
        toll_bench_rate(world.world[level], 1, &result, &error) != 0) {
        std::fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    std::printf("%s %s: rows %lld, rated %lld, zero-rated %lld, suspense %lld, billed %lld s, charge %s %s, "
                "lines %s\n",
                world.name, level_names[level], (long long)result.rows, (long long)result.rated,
                (long long)result.zero_rated, (long long)result.suspense, (long long)result.billed_s,
                result.totals[0].charge, result.totals[0].currency, hash);
    if (expected == nullptr || std::strcmp(expected, hash) == 0)
        return 0;
    std::fprintf(stderr, "the lines' hash is not the frozen %s: a result has changed\n", expected);
    return 1;
}

} // namespace

int main(int argc, char **argv)
{
    bool small = false;
    int kept = 1;
    for (int i = 1; i < argc; i++) {
        if (std::strcmp(argv[i], "--small") == 0)
            small = true;
        else
            argv[kept++] = argv[i];
    }
    argc = kept;
    toll_result json;
    if (toll_result_begin(&json, "rate", &argc, argv) != 0)
        return 1;
    benchmark::Initialize(&argc, argv);
    const char *only = std::getenv("TOLL_BENCH_WORLD");
    const bool sized =
        std::getenv("TOLL_BENCH_CDRS") != nullptr || std::getenv("TOLL_BENCH_NUMBERS") != nullptr;
    int rc = 0;
    bench.stages = setting("TOLL_BENCH_STAGES", 0) != 0;
    for (frozen_world &world : bench.worlds) {
        world.wanted = only == nullptr || is_named(only, world.name);
        if (world.wanted && open_world(world, small) != 0)
            return 1;
        for (int level = 0; world.wanted && level < bench.levels; level++)
            rc |= print_world(world, level, sized ? nullptr : small ? world.small_hash : world.full_hash);
    }
    for (int turn = 0; turn < setting("TOLL_BENCH_TURNS", small ? 1 : 7); turn++)
        for (int threads = 1; threads <= threads_most; threads++)
            for (int level = 0; level < bench.levels; level++)
                for (int world = 0; world < worlds; world++)
                    if (bench.worlds[world].wanted)
                        benchmark::RegisterBenchmark("rate/world/simd/threads", rate)
                            ->Args({world, level, threads})
                            ->UseManualTime()
                            ->Iterations(1)
                            ->Unit(benchmark::kMillisecond);
    auto *copying = benchmark::RegisterBenchmark("memcpy", copy);
    if (small)
        copying->Iterations(1);
    if (rc == 0)
        benchmark::RunSpecifiedBenchmarks();
    if (rc == 0)
        print_table();
    if (rc == 0)
        put_json(&json);
    rc |= toll_result_end(&json) != 0;
    for (frozen_world &world : bench.worlds)
        for (int level = bench.levels - 1; world.wanted && level >= 0; level--) // the first has the book
            toll_bench_close(world.world[level]);
    return rc;
}
