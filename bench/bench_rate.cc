// The whole rating pipeline in memory: input checksums, payer, rules, prefix, price, charge, sums, lines.
//
//   bench_rate                     20 million CDRs, 200,000 numbers, the full deck
//   bench_rate --small             a world of a second, as a test: it must run and give the frozen answer
//   TOLL_BENCH_CDRS, TOLL_BENCH_NUMBERS    other sizes
//   TOLL_BENCH_FOLDER              keep the world there and use it again
//   TOLL_BENCH_STAGES=1            nanoseconds by stage
//
// Prints the money total and a hash of all lines: what is made faster must not change either.
#include "world.h"

#include <tollmill.h>

#include <benchmark/benchmark.h>
#include <sys/mman.h>

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

struct {
    toll_bench_world *world = nullptr;
    bool stages = false;
    int64_t rows = 0;
    std::vector<double> rate_ns[3], copy_ns; // by threads; every repetition
} bench;

int64_t setting(const char *name, int64_t otherwise)
{
    const char *text = std::getenv(name);
    return text == nullptr ? otherwise : std::atoll(text);
}

void print_stages(const toll_rate_result &result)
{
    const char *names[16];
    int64_t ns[16];
    const int count = toll_bench_stages(bench.world, names, ns);
    for (int i = 0; i < count; i++)
        std::printf("  %-10s %6.2f ns/CDR\n", names[i], double(ns[i]) / double(result.rows));
}

void rate(benchmark::State &state)
{
    toll_rate_result result;
    toll_error error;
    for (auto _ : state) {
        if (toll_bench_rate(bench.world, unsigned(state.range(0)), &result, &error) != 0) {
            state.SkipWithError(error.text);
            return;
        }
        state.SetIterationTime(double(result.rate_ns) * 1e-9);
        bench.rate_ns[state.range(0)].push_back(double(result.rate_ns));
        bench.rows = result.rows;
    }
    const double rows = double(result.rows) * double(state.iterations());
    state.counters["CDR/s"] = benchmark::Counter(rows, benchmark::Counter::kIsRate);
    state.counters["ns/CDR"] =
        benchmark::Counter(rows * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    if (bench.stages)
        print_stages(result);
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

// Medians, which is what may be quoted.
void print_table()
{
    const double copied = median(bench.copy_ns);
    for (int threads = 1; threads <= 2; threads++) {
        const double ns = median(bench.rate_ns[threads]);
        if (ns > 0)
            std::printf("%d thread%s  %7.2f M CDR/s  %6.2f ns/CDR  median of %zu\n", threads,
                        threads == 1 ? " " : "s", double(bench.rows) * 1e3 / ns, ns / double(bench.rows),
                        bench.rate_ns[threads].size());
    }
    if (copied > 0)
        std::printf("memcpy     %7.2f GB/s copied, median of %zu\n", double(copy_bytes) / copied,
                    bench.copy_ns.size());
}

int open_world(bool small)
{
    toll_world_size size = {setting("TOLL_BENCH_CDRS", small ? 150000 : 20000000),
                            uint32_t(setting("TOLL_BENCH_NUMBERS", small ? 2000 : 200000)),
                            small ? 20u : 400u, small ? 3 : 30};
    const char *kept = std::getenv("TOLL_BENCH_FOLDER");
    std::string folder;
    if (kept != nullptr) {
        folder = kept;
        std::filesystem::create_directories(folder);
    } else {
        std::string pattern = (std::filesystem::temp_directory_path() / "toll_bench_XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr)
            return -1;
        folder = pattern;
    }
    int rc = 0;
    if (!std::filesystem::exists(folder + "/cdrs/dataset.json"))
        rc = toll_world_write(folder.c_str(), &size);
    toll_error error;
    if (rc == 0) {
        rc = toll_bench_open((folder + "/book").c_str(), (folder + "/cdrs").c_str(), &bench.world, &error);
        if (rc != 0)
            std::fprintf(stderr, "%s\n", error.text);
    }
    if (kept == nullptr)
        std::filesystem::remove_all(folder); // what is mapped stays until it is unmapped
    return rc;
}

int print_world(const char *expected)
{
    toll_rate_result result;
    toll_error error;
    char hash[33];
    if (toll_bench_hash(bench.world, hash, &error) != 0 ||
        toll_bench_rate(bench.world, 1, &result, &error) != 0) {
        std::fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    std::printf(
        "rows %lld, rated %lld, zero-rated %lld, suspense %lld, billed %lld s, charge %s %s, lines %s\n",
        (long long)result.rows, (long long)result.rated, (long long)result.zero_rated,
        (long long)result.suspense, (long long)result.billed_s, result.totals[0].charge,
        result.totals[0].currency, hash);
    if (expected == nullptr || std::strcmp(expected, hash) == 0)
        return 0;
    std::fprintf(stderr, "the lines' hash is not the frozen %s: a result has changed\n", expected);
    return 1;
}

} // namespace

// The answer of the small world; it changes only when a result of rating changes.
#define SMALL_HASH "6b4f344429d07efc8b15320fede611dd"

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
    benchmark::Initialize(&argc, argv);
    if (open_world(small) != 0)
        return 1;
    const bool sized =
        std::getenv("TOLL_BENCH_CDRS") != nullptr || std::getenv("TOLL_BENCH_NUMBERS") != nullptr;
    const int rc = print_world(small && !sized ? SMALL_HASH : nullptr);
    bench.stages = setting("TOLL_BENCH_STAGES", 0) != 0;
    toll_bench_want_stages(bench.world, bench.stages);
    auto *rating = benchmark::RegisterBenchmark("rate/threads", rate)->Arg(1)->Arg(2)->UseManualTime();
    rating->Unit(benchmark::kMillisecond);
    auto *copying = benchmark::RegisterBenchmark("memcpy", copy);
    if (small) {
        rating->Iterations(1);
        copying->Iterations(1);
    } else {
        rating->Iterations(1)->Repetitions(5);
    }
    if (rc == 0)
        benchmark::RunSpecifiedBenchmarks();
    if (rc == 0)
        print_table();
    toll_bench_close(bench.world);
    return rc;
}
