// Single kernels on the benchmark world's tables: nanoseconds a row for every instruction set, in turn within
// one repetition, next to what memory gives.
//
//   bench_kernels                  4 million calls; 200,000 and 5 million numbers, the full deck
//   bench_kernels --small          a moment, as a test: all tables must give the frozen answers
//   --json FILE                    for programs (result.h)
//
// Prints a hash of the answers: what is made faster must not change it.
#include "kernel_world.h"
#include "result.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <time.h>

namespace
{

const char *const job_names[TOLL_KERNEL_JOBS] = {"probe", "lpm", "lpm_decks"};

struct Figures {
    std::vector<double> ns; // a row, by repetition
};

struct {
    std::vector<unsigned> masks; // of features, one a table, the scalar first
    std::map<std::string, std::vector<Figures>> figures;
    std::vector<std::string> order;
    std::vector<double> copied; // GB/s
    size_t rows = 0;
} bench;

// The thread's own time: what others do on the machine is not to be measured.
double now()
{
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return double(time.tv_sec) + double(time.tv_nsec) * 1e-9;
}

template <typename Work>
double seconds(Work work)
{
    const double begun = now();
    work();
    benchmark::ClobberMemory();
    return now() - begun;
}

void run(benchmark::State &state, toll_kernel_world *world, toll_kernel_job job, std::string name)
{
    std::vector<Figures> &figures = bench.figures[name];
    for (auto _ : state) {
        double all = 0;
        for (size_t m = 0; m < bench.masks.size(); m++) {
            const double taken = seconds([&] { toll_kernel_world_pass(world, job, bench.masks[m]); });
            figures[m].ns.push_back(taken * 1e9 / double(bench.rows));
            all += taken;
        }
        state.SetIterationTime(all);
    }
}

void copy(benchmark::State &state)
{
    const size_t bytes = size_t(64) << 20;
    std::vector<char> from(bytes, 1), to(bytes, 2);
    for (auto _ : state)
        bench.copied.push_back(double(bytes) * 1e-9 /
                               seconds([&] { std::memcpy(to.data(), from.data(), bytes); }));
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(bytes));
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[values.size() / 2];
}

// Medians, and the median of the ratios within a repetition: what may be quoted.
void print_table()
{
    for (const std::string &name : bench.order) {
        const std::vector<Figures> &figures = bench.figures[name];
        std::printf("%-20s", name.c_str());
        for (size_t m = 0; m < figures.size(); m++) {
            std::vector<double> ratios;
            for (size_t i = 0; i < figures[m].ns.size(); i++)
                ratios.push_back(figures[0].ns[i] / figures[m].ns[i]);
            std::printf("  %s %6.2f ns (%.2fx)", toll_kernel_world_table(bench.masks[m]),
                        median(figures[m].ns), median(ratios));
        }
        std::printf("  median of %zu\n", figures[0].ns.size());
    }
    std::printf("memcpy %.2f GB/s copied\n", median(bench.copied));
}

void put_json(toll_result *json)
{
    for (const std::string &name : bench.order)
        for (size_t m = 0; m < bench.masks.size(); m++) {
            const std::vector<double> &ns = bench.figures[name][m].ns;
            toll_result_record(json, "kernel");
            toll_result_text(json, "kernel", name.c_str());
            toll_result_text(json, "simd", toll_kernel_world_table(bench.masks[m]));
            toll_result_samples(json, "ns", ns.data(), ns.size(), 1);
        }
    toll_result_record(json, "memcpy");
    toll_result_samples(json, "gb_per_s", bench.copied.data(), bench.copied.size(), 1);
}

// Every table must give the scalar's answers, and those the frozen ones.
bool check(toll_kernel_world *world, toll_kernel_job job, const std::string &name, uint64_t frozen)
{
    const uint64_t hash = toll_kernel_world_hash(world, job, 0);
    bool good = frozen == 0 || frozen == hash;
    for (unsigned mask : bench.masks)
        good = good && toll_kernel_world_hash(world, job, mask) == hash;
    std::printf("%-20s answers %016llx%s\n", name.c_str(), (unsigned long long)hash,
                good ? "" : "  not what they were, or not the same with every table");
    return good;
}

bool add(uint32_t numbers, uint32_t areas, size_t rows, const uint64_t *frozen, int repetitions)
{
    toll_kernel_world *world = toll_kernel_world_make(numbers, areas, rows); // until the process ends
    if (world == nullptr)
        return false;
    std::printf("%u numbers, %zu prefixes, %zu calls\n", numbers, toll_kernel_world_prefixes(world), rows);
    bool good = true;
    for (int j = 0; j < TOLL_KERNEL_JOBS; j++) {
        const toll_kernel_job job = toll_kernel_job(j);
        const std::string name = std::string(job_names[j]) + "/" + std::to_string(numbers);
        good = check(world, job, name, frozen == nullptr ? 0 : frozen[j]) && good;
        bench.order.push_back(name);
        bench.figures[name].resize(bench.masks.size());
        benchmark::RegisterBenchmark(name.c_str(), run, world, job, name)
            ->UseManualTime()
            ->Unit(benchmark::kMillisecond)
            ->Iterations(repetitions);
    }
    return good;
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
    if (toll_result_begin(&json, "kernels", &argc, argv) != 0)
        return 1;
    benchmark::Initialize(&argc, argv);
    unsigned masks[3];
    bench.masks.assign(masks, masks + toll_kernel_world_masks(masks));
    // The answers of the small world; they change only when the world or a result changes.
    static const uint64_t frozen[TOLL_KERNEL_JOBS] = {0xdc2196172f1c6284, 0x8c3961e8860e6874,
                                                      0x8c3961e8860e6874};
    bench.rows = small ? 50001 : 4000000;
    const int repetitions = small ? 1 : 9;
    const bool good = small ? add(2000, 20, bench.rows, frozen, repetitions)
                            : add(200000, 400, bench.rows, nullptr, repetitions) &&
                                  add(5000000, 400, bench.rows, nullptr, repetitions);
    if (!good)
        return 1;
    benchmark::RegisterBenchmark("memcpy", copy)->Iterations(repetitions);
    benchmark::RunSpecifiedBenchmarks();
    print_table();
    put_json(&json);
    return toll_result_end(&json) == 0 ? 0 : 1;
}
