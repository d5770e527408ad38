/* The tables are made as the book and the rater make them; see kernel_world.h. */
#include "kernel_world.h"

#include "base/cpu.h"
#include "pipeline/hot.h"
#include "ratetable/lpm.h"
#include "simd/kernels.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_ROWS 1024 /* as the pipeline */
#define DECKS 4

struct toll_kernel_world {
    struct toll_world_arrays arrays;
    struct toll_hot hot;
    struct toll_number_line *lines;
    uint64_t line_count;
    uint32_t *words, *one_deck, *decks;
    struct toll_lpm tables[DECKS + 1];
    size_t rows;
    uint32_t answers[BLOCK_ROWS];
};

static bool fill_lines(struct toll_kernel_world *world, uint32_t numbers)
{
    const uint64_t capacity = (uint64_t)numbers * 100 / 69 + 1;
    struct toll_number_slot *slots = calloc(capacity, sizeof *slots);
    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i < numbers; i++) {
        uint64_t at = toll_number_first_slot(world->arrays.numbers[i], capacity);
        while (slots[at].key != 0 && slots[at].key != world->arrays.numbers[i])
            at = at + 1 == capacity ? 0 : at + 1;
        slots[at] = (struct toll_number_slot){.key = world->arrays.numbers[i], .owner = 1 + i};
    }
    toll_number_lines_fill(world->lines, world->line_count, slots, capacity);
    free(slots);
    return true;
}

static bool build_deck(const struct toll_world_arrays *arrays, struct toll_buffer *words,
                       struct toll_lpm *table)
{
    struct toll_lpm_builder builder = {0};
    uint32_t shorter;
    bool good = toll_lpm_begin(&builder);
    for (unsigned digits = 1; digits <= 15 && good; digits++)
        for (uint32_t i = 0; i < arrays->prefix_count && good; i++) {
            const struct toll_world_prefix *prefix = &arrays->prefixes[i];
            if (prefix->count == digits)
                good = toll_lpm_insert(&builder, prefix->digits, digits, 1 + prefix->class_, &shorter);
        }
    good = good && toll_lpm_finish(&builder, words, table);
    toll_lpm_end(&builder);
    return good;
}

static void fill_decks(struct toll_kernel_world *world)
{
    for (unsigned deck = 2; deck <= DECKS; deck++)
        world->tables[deck] = world->tables[1];
    for (size_t i = 0; i < world->rows; i++) {
        const uint64_t r = (i + 1) * UINT64_C(0x9E3779B97F4A7C15) >> 32;
        world->one_deck[i] = r % 10 != 0;
        world->decks[i] = r % 10 != 0 ? 1 + (uint32_t)(r >> 8) % DECKS : 0;
    }
}

struct toll_kernel_world *toll_kernel_world_make(uint32_t numbers, uint32_t areas, size_t rows)
{
    const struct toll_world_size size = {(int64_t)rows, numbers, areas, 1};
    struct toll_buffer words = {0};
    struct toll_kernel_world *world = calloc(1, sizeof *world);
    bool good = world != NULL && toll_world_arrays_make(&size, &world->arrays) == 0 &&
                build_deck(&world->arrays, &words, &world->tables[1]);
    if (good) {
        world->rows = rows;
        world->line_count = toll_number_lines(numbers);
        world->one_deck = calloc(rows + 1, sizeof *world->one_deck);
        world->decks = calloc(rows + 1, sizeof *world->decks);
        good = world->one_deck != NULL && world->decks != NULL &&
               toll_hot_init(&world->hot, toll_hot_round(world->line_count * sizeof *world->lines) +
                                              toll_hot_round(words.count * sizeof(uint32_t)));
    }
    if (good) {
        world->lines = toll_hot_take(&world->hot, world->line_count * sizeof *world->lines);
        world->words = toll_hot_take(&world->hot, words.count * sizeof(uint32_t));
        memcpy(world->words, words.data, words.count * sizeof(uint32_t));
        fill_decks(world);
        good = fill_lines(world, numbers);
    }
    toll_buffer_free(&words);
    if (!good) {
        toll_kernel_world_free(world);
        return NULL;
    }
    return world;
}

void toll_kernel_world_free(struct toll_kernel_world *world)
{
    if (world == NULL)
        return;
    toll_world_arrays_free(&world->arrays);
    toll_hot_free(&world->hot);
    free(world->one_deck);
    free(world->decks);
    free(world);
}

size_t toll_kernel_world_prefixes(const struct toll_kernel_world *world)
{
    return world->arrays.prefix_count;
}

static void run_block(struct toll_kernel_world *world, enum toll_kernel_job job,
                      const struct toll_kernels *kernels, size_t first, size_t rows)
{
    const uint32_t *decks = job == TOLL_KERNEL_LPM ? world->one_deck : world->decks;
    if (job == TOLL_KERNEL_PROBE)
        kernels->probe(world->lines, world->line_count, world->arrays.callers + first, rows, world->answers);
    else
        kernels->lpm(world->tables, world->words, 0, decks + first, world->arrays.callees + first, rows,
                     world->answers);
}

static size_t block_rows(const struct toll_kernel_world *world, size_t first)
{
    return world->rows - first < BLOCK_ROWS ? world->rows - first : BLOCK_ROWS;
}

void toll_kernel_world_pass(struct toll_kernel_world *world, enum toll_kernel_job job, unsigned features)
{
    const struct toll_kernels *kernels = toll_kernels_select(features);
    for (size_t first = 0; first < world->rows; first += BLOCK_ROWS)
        run_block(world, job, kernels, first, block_rows(world, first));
}

uint64_t toll_kernel_world_hash(struct toll_kernel_world *world, enum toll_kernel_job job, unsigned features)
{
    const struct toll_kernels *kernels = toll_kernels_select(features);
    uint64_t hash = 0;
    for (size_t first = 0; first < world->rows; first += BLOCK_ROWS) {
        const size_t rows = block_rows(world, first);
        run_block(world, job, kernels, first, rows);
        for (size_t i = 0; i < rows; i++)
            hash = (hash ^ world->answers[i]) * UINT64_C(0x9E3779B97F4A7C15) + 1;
    }
    return hash;
}

size_t toll_kernel_world_masks(unsigned masks[3])
{
    const unsigned features = toll_cpu_features();
    size_t count = 0;
    masks[count++] = 0;
    if ((features & TOLL_CPU_AVX2) != 0)
        masks[count++] = TOLL_CPU_AVX2;
    if ((features & TOLL_CPU_AVX512) != 0)
        masks[count++] = TOLL_CPU_AVX2 | TOLL_CPU_AVX512;
    return count;
}

const char *toll_kernel_world_table(unsigned features)
{
    return toll_kernels_select(features)->name;
}
