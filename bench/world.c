/* The plain benchmark world. */
#include "world.h"

#include "io/io.h"
#include "make.h"
#include "mmap_cdr/dataset.h"
#include "tollmill.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define AREAS_MAX 400
#define PREFIXES_MAX 200000
#define PLANS 16
#define CLASSES 2048 /* of rates: the lower half domestic */

struct prefix {
    uint64_t value;
    uint32_t class_;
    bool foreign, area;
};

struct world {
    const struct toll_world_size *size;
    const char *folder;
    uint32_t areas[AREAS_MAX];
    struct prefix *prefixes;
    uint32_t prefix_count, domestic_count; /* domestic ones first */
    uint64_t *numbers;
};

/* ---- numbers and prefixes ---- */

static void make_areas(struct world *world)
{
    uint32_t count = 0;
    for (uint32_t area = 201; area < 990 && count < AREAS_MAX; area++) {
        const uint32_t middle = area / 10 % 10, last = area % 10;
        const bool special = middle == 9 || (middle == 1 && last == 1) || area / 100 == 8 || area == 900;
        if (!special && pick(1, area, 100) < 70)
            world->areas[count++] = area;
    }
    while (count < AREAS_MAX) { /* never reached with this seed; keeps the promise all the same */
        world->areas[count] = world->areas[count / 2];
        count++;
    }
}

static void make_numbers(struct world *world)
{
    for (uint32_t i = 0; i < world->size->numbers; i++) {
        const uint64_t slot = ((uint64_t)i * 2654435761u + 12345) % ((uint64_t)AREAS_MAX * 792 * 10000);
        world->numbers[i] = UINT64_C(10000000000) + world->areas[slot / 10000 / 792] * UINT64_C(10000000) +
                            (200 + slot / 10000 % 792) * 10000 + slot % 10000;
    }
}

static void add_prefix(struct world *world, uint64_t value, uint64_t class_, bool foreign, bool area)
{
    if (world->prefix_count < PREFIXES_MAX)
        world->prefixes[world->prefix_count++] = (struct prefix){value, (uint32_t)class_, foreign, area};
}

static int by_value(const void *a, const void *b)
{
    const struct prefix *x = a, *y = b;
    if (x->foreign != y->foreign)
        return x->foreign ? 1 : -1;
    return (x->value > y->value) - (x->value < y->value);
}

static void make_prefixes(struct world *world)
{
    static const uint32_t toll_free[] = {800, 833, 844, 855, 866, 877, 888};
    for (uint32_t a = 0; a < world->size->areas; a++) {
        const uint64_t area = 1000 + world->areas[a];
        if (a % 5 != 0)
            add_prefix(world, area, pick(8, a, 64), false, true);
        for (uint64_t x = 200; x < 992; x++) {
            const uint64_t exchange = area * 1000 + x, id = a * 1000 + x;
            if (pick(9, id, 792) >= 312)
                continue;
            add_prefix(world, exchange, pick(10, id, CLASSES / 2), false, false);
            if (pick(11, id, 12) == 0)
                add_prefix(world, exchange * 10 + pick(12, id, 10), pick(13, id, CLASSES / 2), false, false);
        }
    }
    for (unsigned i = 0; i < 7; i++)
        add_prefix(world, 1000 + toll_free[i], 0, false, true);
    for (uint32_t c = 0; c < 200; c++) {
        const uint64_t country = c < 40 ? 20 + c * 79 / 40 : 200 + (uint64_t)(c - 40) * 5;
        const uint64_t more = (20 + pick(15, c, 180)) * world->size->areas / AREAS_MAX;
        add_prefix(world, country, CLASSES / 2 + pick(14, c, CLASSES / 2), true, false);
        for (uint64_t j = 0; j < more; j++) {
            const uint64_t scale = power(1 + (unsigned)pick(16, c * 1000 + j, 5));
            add_prefix(world, country * scale + pick(17, c * 1000 + j, scale),
                       CLASSES / 2 + pick(18, c * 1000 + j, CLASSES / 2), true, false);
        }
    }
    qsort(world->prefixes, world->prefix_count, sizeof *world->prefixes, by_value);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < world->prefix_count; i++)
        if (kept == 0 || by_value(&world->prefixes[kept - 1], &world->prefixes[i]) != 0)
            world->prefixes[kept++] = world->prefixes[i];
    world->prefix_count = kept;
    while (world->domestic_count < kept && !world->prefixes[world->domestic_count].foreign)
        world->domestic_count++;
}

/* ---- the book ---- */

static FILE *create(const struct world *world, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/book/%s", world->folder, name);
    return fopen(path, "w");
}

static int write_file(const struct world *world, const char *name, const char *text)
{
    FILE *file = create(world, name);
    if (file == NULL)
        return -1;
    const bool written = fputs(text, file) >= 0;
    return fclose(file) == 0 && written ? 0 : -1;
}

static int write_accounts(const struct world *world)
{
    FILE *accounts = create(world, "accounts.csv"), *numbers = create(world, "numbers.csv");
    FILE *assignments = create(world, "assignments.csv");
    if (accounts == NULL || numbers == NULL || assignments == NULL)
        return -1;
    fputs("account,name\n", accounts);
    fputs("number,account\n", numbers);
    fputs("subject,plan\n", assignments);
    for (uint32_t i = 0; i < world->size->numbers; i++) {
        const uint32_t account = i / 10;
        fprintf(numbers, "%llu,A%06u\n", (unsigned long long)world->numbers[i], account);
        if (i % 10 != 0)
            continue;
        fprintf(accounts, "A%06u,Account %u\n", account, account);
        fprintf(assignments, "account:A%06u,p%llu\n", account, (unsigned long long)pick(4, account, PLANS));
    }
    const int failed = (fclose(accounts) != 0) + (fclose(numbers) != 0) + (fclose(assignments) != 0);
    return failed != 0 ? -1 : 0;
}

static int write_plans(const struct world *world)
{
    FILE *plans = create(world, "plans.csv"), *rules = create(world, "plan_rules.csv");
    if (plans == NULL || rules == NULL)
        return -1;
    fputs("plan,name\n", plans);
    fputs("plan,action,class,deck,priority\n", rules);
    for (int i = 0; i < PLANS; i++) {
        fprintf(plans, "p%d,Plan %d\n", i, i);
        fprintf(rules, "p%d,free,toll_free,,1\np%d,deck,,retail,2\n", i, i);
    }
    return (fclose(plans) != 0) + (fclose(rules) != 0) != 0 ? -1 : 0;
}

static int write_deck(const struct world *world)
{
    static const char *const increments[] = {"60,60", "6,6", "30,6", "1,1"};
    FILE *deck = create(world, "decks/retail.csv");
    if (deck == NULL)
        return -1;
    fputs("prefix,destination,rate,connect_fee,initial_s,increment_s\n", deck);
    for (uint32_t i = 0; i < world->prefix_count; i++) {
        const struct prefix *prefix = &world->prefixes[i];
        const uint32_t class_ = prefix->class_;
        const uint64_t rate =
            prefix->foreign ? 10000 + pick(19, class_, 900000) : 2000 + pick(19, class_, 30000);
        const bool fee = prefix->foreign && pick(21, class_, 8) == 0;
        fprintf(deck, "%llu,D%u,0.%06llu,%s,%s\n", (unsigned long long)prefix->value, class_,
                (unsigned long long)rate, fee ? "0.05" : "", increments[pick(20, class_, 4)]);
    }
    return fclose(deck) == 0 ? 0 : -1;
}

static int write_book(const struct world *world)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/book", world->folder);
    if (mkdir(path, 0750) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/book/decks", world->folder);
    if (mkdir(path, 0750) != 0)
        return -1;
    if (write_file(world, "book.yaml", "book: bench\ncurrency: USD\ntimezone: America/New_York\n") != 0 ||
        write_file(world, "decks.csv", "deck\nretail\n") != 0)
        return -1;
    return write_accounts(world) != 0 || write_plans(world) != 0 || write_deck(world) != 0 ? -1 : 0;
}

/* ---- calls ---- */

static uint64_t any_callee(const struct world *world, uint64_t i)
{
    const uint64_t kind = pick(35, i, 100), r = mix(36, i);
    if (kind < 45)
        return UINT64_C(10000000000) + world->areas[r % AREAS_MAX] * UINT64_C(10000000) +
               (200 + (r >> 16) % 792) * 10000 + (r >> 40) % 10000;
    if (kind < 48)
        return UINT64_C(18000000000) + (r >> 8) % 10000000;
    const bool domestic = kind < 88;
    const uint32_t first = domestic ? 0 : world->domestic_count;
    const uint32_t count = domestic ? world->domestic_count : world->prefix_count - world->domestic_count;
    const uint64_t prefix = world->prefixes[first + pick(37, i, count)].value;
    const unsigned digits = domestic ? 11 : 11 + (unsigned)pick(38, i, 3);
    const uint64_t rest = power(digits - digits_of(prefix));
    return prefix * rest + r % rest;
}

struct columns {
    int64_t *start;
    int32_t *duration_ms, *source_file, *source_row;
    uint64_t *caller, *callee, *key_high, *key_low;
    uint16_t *kind, *carrier;
    int64_t *no_text;
};

static uint64_t any_caller(const struct world *world, uint64_t i)
{
    const uint32_t numbers = world->size->numbers;
    const uint64_t payer = pick(31, i, 100) < 80 ? pick(32, i, numbers / 5) : pick(32, i, numbers);
    const bool unknown = pick(33, i, 100) < 2;
    return unknown ? UINT64_C(12000000000) + pick(34, i, 9999999) : world->numbers[payer];
}

static void make_call(const struct world *world, const struct columns *to, int64_t row, int64_t i)
{
    const uint64_t u = (uint64_t)i;
    const bool answered = any_answered(u);
    to->start[row] = any_start(i, world->size->days, world->size->cdrs);
    to->caller[row] = pack(any_caller(world, u));
    to->callee[row] = pack(any_callee(world, u));
    to->duration_ms[row] = answered ? any_duration(u) : 0;
    to->kind[row] = (uint16_t)(TOLL_VOICE | (answered ? TOLL_KIND_ANSWERED : 0) |
                               TOLL_NUMBER_E164 << TOLL_KIND_CALLER_TYPE_SHIFT |
                               TOLL_NUMBER_E164 << TOLL_KIND_CALLEE_TYPE_SHIFT);
    to->carrier[row] = 1;
    to->key_high[row] = mix(41, u);
    to->key_low[row] = mix(42, u);
    to->source_file[row] = 1;
    to->source_row[row] = (int32_t)(i + 1);
}

static int write_day(const struct world *world, struct toll_dataset *dataset, const struct columns *columns,
                     int day, struct toll_dataset_part *part, struct toll_error *error)
{
    static const char *const carriers[] = {"", "bench"}, *const sources[] = {"", SHA};
    const int64_t cdrs = world->size->cdrs, days = world->size->days;
    /* The calls whose start, floor(i x span / cdrs), lies in the day. */
    const int64_t first = (day * cdrs + days - 1) / days, last = ((day + 1) * cdrs + days - 1) / days;
    for (int64_t i = first; i < last; i++)
        make_call(world, columns, i - first, i);
    struct toll_cdr_part_data data = {
        .columns = {.rows = last - first,
                    .start = columns->start,
                    .duration_ms = columns->duration_ms,
                    .caller = columns->caller,
                    .callee = columns->callee,
                    .kind = columns->kind,
                    .carrier = columns->carrier,
                    .record_key_high = columns->key_high,
                    .record_key_low = columns->key_low,
                    .source_file = columns->source_file,
                    .source_row = columns->source_row},
        .carrier = {carriers, 2},
        .trunk = {carriers, 1},
        .hint = {carriers, 1},
        .calltype = {carriers, 1},
        .source_file = {sources, 2},
        .record_id_data = "",
        .caller_text_data = "",
        .callee_text_data = "",
        .record_id_offset = columns->no_text,
        .caller_text_offset = columns->no_text,
        .callee_text_offset = columns->no_text,
    };
    char name[TOLL_PART_NAME_BYTES], path[TOLL_PART_NAME_BYTES + 8];
    *part = (struct toll_dataset_part){.day = FIRST_DAY + day,
                                       .generation = dataset->generation + 1,
                                       .rows = last - first,
                                       .first_start = columns->start[0],
                                       .last_start = columns->start[last - first - 1]};
    toll_cdr_most_add(&part->most, data.columns.duration_ms, data.columns.quantity, last - first);
    toll_dataset_part_name(part, name);
    snprintf(path, sizeof path, "parts/%s", name);
    return toll_cdr_part_write(dataset->io, dataset->directory, path, &data, &part->seal, &part->text_seal,
                               error);
}

static int write_cdrs(const struct world *world, struct toll_error *error)
{
    const size_t rows = (size_t)(world->size->cdrs / world->size->days) + 2;
    char path[4096];
    struct toll_dataset dataset;
    struct toll_receipt receipt = {.file = (char[]){"bench.csv"},
                                   .spec = (char[]){"bench"},
                                   .spec_version = (char[]){"1"},
                                   .carrier = (char[]){"bench"},
                                   .sha256 = SHA,
                                   .rows = world->size->cdrs,
                                   .accepted = world->size->cdrs};
    struct columns columns = {
        .start = calloc(rows, sizeof(int64_t)),
        .duration_ms = calloc(rows, sizeof(int32_t)),
        .source_file = calloc(rows, sizeof(int32_t)),
        .source_row = calloc(rows, sizeof(int32_t)),
        .caller = calloc(rows, sizeof(uint64_t)),
        .callee = calloc(rows, sizeof(uint64_t)),
        .key_high = calloc(rows, sizeof(uint64_t)),
        .key_low = calloc(rows, sizeof(uint64_t)),
        .kind = calloc(rows, sizeof(uint16_t)),
        .carrier = calloc(rows, sizeof(uint16_t)),
        .no_text = calloc(rows + 1, sizeof(int64_t)),
    };
    struct toll_dataset_part *parts = calloc((size_t)world->size->days, sizeof *parts);
    snprintf(path, sizeof path, "%s/cdrs", world->folder);
    int rc = toll_dataset_open_for_import(&dataset, toll_io_system(), path, error);
    if (rc != 0)
        return rc;
    for (int day = 0; day < world->size->days && rc == 0; day++)
        rc = write_day(world, &dataset, &columns, day, &parts[day], error);
    if (rc == 0)
        rc = toll_dataset_publish(&dataset, parts, (size_t)world->size->days, &receipt, 1, error);
    toll_dataset_close(&dataset);
    void *const owned[] = {columns.start,  columns.duration_ms, columns.source_file, columns.source_row,
                           columns.caller, columns.callee,      columns.key_high,    columns.key_low,
                           columns.kind,   columns.carrier,     columns.no_text,     parts};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    return rc;
}

static bool world_make(struct world *world, const struct toll_world_size *size, const char *folder)
{
    *world = (struct world){.size = size,
                            .folder = folder,
                            .prefixes = calloc(PREFIXES_MAX, sizeof *world->prefixes),
                            .numbers = calloc(size->numbers + 1u, sizeof *world->numbers)};
    if (world->prefixes == NULL || world->numbers == NULL)
        return false;
    make_areas(world);
    make_numbers(world);
    make_prefixes(world);
    return true;
}

static void world_free(struct world *world)
{
    free(world->prefixes);
    free(world->numbers);
}

static int write_world(const char *folder, const struct toll_world_size *size, bool with_cdrs)
{
    struct toll_error error = {.text = "the book's files cannot be written"};
    struct world world;
    int rc = -1;
    if (world_make(&world, size, folder)) {
        rc = write_book(&world);
        if (rc == 0 && with_cdrs)
            rc = write_cdrs(&world, &error);
    }
    if (rc != 0)
        fprintf(stderr, "bench world in %s: %s\n", folder, error.text);
    world_free(&world);
    return rc == 0 ? 0 : -1;
}

int toll_world_write(const char *folder, const struct toll_world_size *size)
{
    return write_world(folder, size, true);
}

int toll_world_write_book(const char *folder, const struct toll_world_size *size)
{
    return write_world(folder, size, false);
}

/* ---- text ---- */

int toll_world_write_csv(const char *path, const struct toll_world_size *size)
{
    struct world world;
    FILE *file = fopen(path, "w");
    bool done = file != NULL && world_make(&world, size, NULL);
    if (done) {
        fputs("record_id,start,duration_s,answered,caller,callee\n", file);
        for (int64_t i = 0; i < size->cdrs; i++) {
            char start[32];
            toll_time_to_text(any_start(i, size->days, size->cdrs), start);
            const int32_t ms = any_answered((uint64_t)i) ? any_duration((uint64_t)i) : 0;
            fprintf(file, "%lld,%s,%d.%03d,%s,+%llu,+%llu\n", (long long)i + 1, start, ms / 1000, ms % 1000,
                    any_answered((uint64_t)i) ? "yes" : "no",
                    (unsigned long long)any_caller(&world, (uint64_t)i),
                    (unsigned long long)any_callee(&world, (uint64_t)i));
        }
        world_free(&world);
    }
    if (file != NULL)
        done = fclose(file) == 0 && done;
    if (!done)
        fprintf(stderr, "%s: cannot be written\n", path);
    return done ? 0 : -1;
}

/* ---- arrays ---- */

static void fill_arrays(const struct world *world, struct toll_world_arrays *out)
{
    for (uint32_t i = 0; i < world->size->numbers; i++)
        out->numbers[i] = pack(world->numbers[i]);
    for (uint32_t i = 0; i < world->prefix_count; i++) {
        const struct prefix *prefix = &world->prefixes[i];
        out->prefixes[i] =
            (struct toll_world_prefix){pack(prefix->value), digits_of(prefix->value), prefix->class_};
    }
    for (int64_t i = 0; i < world->size->cdrs; i++) {
        out->callers[i] = pack(any_caller(world, (uint64_t)i));
        out->callees[i] = pack(any_callee(world, (uint64_t)i));
    }
}

int toll_world_arrays_make(const struct toll_world_size *size, struct toll_world_arrays *out)
{
    struct world world;
    int rc = -1;
    memset(out, 0, sizeof *out);
    if (world_make(&world, size, NULL)) {
        out->prefix_count = world.prefix_count;
        out->numbers = calloc(size->numbers + 1u, sizeof *out->numbers);
        out->callers = calloc((size_t)size->cdrs + 1, sizeof *out->callers);
        out->callees = calloc((size_t)size->cdrs + 1, sizeof *out->callees);
        out->prefixes = calloc(world.prefix_count + 1u, sizeof *out->prefixes);
        if (out->numbers != NULL && out->callers != NULL && out->callees != NULL && out->prefixes != NULL) {
            fill_arrays(&world, out);
            rc = 0;
        }
    }
    world_free(&world);
    return rc;
}

void toll_world_arrays_free(struct toll_world_arrays *arrays)
{
    free(arrays->numbers);
    free(arrays->callers);
    free(arrays->callees);
    free(arrays->prefixes);
    memset(arrays, 0, sizeof *arrays);
}
