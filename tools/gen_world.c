/*
 * The synthetic world's accounts and numbers. See world.h.
 *
 * Few accounts have most of the numbers, as everywhere. Small accounts take numbers out of a shared exchange
 * by the hundred, large ones whole thousands-blocks, all in the area code where the account lives.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXCHANGES = 792,       /* of an area code: 200..999 without the eight N11 */
    SMALL_EXCHANGES = 396, /* the lower half serves small accounts */
    HUNDREDS = SMALL_EXCHANGES * 100,
    THOUSANDS = (EXCHANGES - SMALL_EXCHANGES) * 10,
    NUMBERS_PER_SITE = 25,
    SITES_MOST = 10,
};

/* Steps through 0..count-1 without repeats: each is coprime to its count. */
#define HUNDREDS_STEP 15299
#define THOUSANDS_STEP 1531
#define EXCHANGE_STEP \
    104729 /* a prime; the count's factors are those of 792 and of at most WORLD_NPAS_MOST */

static uint64_t npa_exchange(int npa, int64_t index)
{
    static const int per_hundred = 99; /* each hundred lacks its 11 */
    int64_t nxx = 200 + index / per_hundred * 100 + index % per_hundred;
    if (index % per_hundred >= 11)
        nxx++;
    return (uint64_t)npa * 1000 + (uint64_t)nxx;
}

int64_t world_exchange_count(const struct world *world)
{
    return (int64_t)world->npa_count * EXCHANGES;
}

int64_t world_exchange(const struct world *world, int64_t index, int *npa)
{
    int64_t count = world_exchange_count(world);
    int64_t offset = (int64_t)world_scale(world_mix(world->seed ^ 0xE5C), (uint64_t)count);
    int64_t place = (index * EXCHANGE_STEP + offset) % count;
    *npa = (int)(place / EXCHANGES);
    return (int64_t)npa_exchange(world->npas[*npa].npa, place % EXCHANGES);
}

void world_account_name(int64_t account, char name[WORLD_NAME_BYTES])
{
    snprintf(name, WORLD_NAME_BYTES, "A%06lld", (long long)(account + 1));
}

/* Gives every account one number, and the rest in proportion to 1 / (rank + 10), exactly. */
static void share_numbers(struct world *world)
{
    int64_t accounts = world->account_count;
    int64_t spare = world->number_count - accounts;
    uint64_t whole = 0, before = 0;
    for (int64_t a = 0; a < accounts; a++)
        whole += (UINT64_C(1) << 32) / (uint64_t)(a + 10);
    int64_t given = 0;
    for (int64_t a = 0; a < accounts; a++) {
        uint64_t weight = (UINT64_C(1) << 32) / (uint64_t)(a + 10);
        int64_t count = spare < 0 ? (a < world->number_count) : 1;
        if (spare > 0) {
            unsigned __int128 up_to = (unsigned __int128)spare * (before + weight) / whole;
            unsigned __int128 down_to = (unsigned __int128)spare * before / whole;
            count += (int64_t)(up_to - down_to);
        }
        before += weight;
        world->accounts[a].first = given;
        world->accounts[a].count = count;
        given += count;
    }
}

/* The first number of the account's next run, and how many numbers it may take from there. */
struct allocator {
    int64_t hundreds[WORLD_NPAS_MOST], thousands[WORLD_NPAS_MOST];
};

static uint64_t take_hundred(struct world *world, struct allocator *allocator, int npa)
{
    while (allocator->hundreds[npa] == HUNDREDS)
        npa = (npa + 1) % world->npa_count;
    int64_t group = allocator->hundreds[npa]++ * HUNDREDS_STEP % HUNDREDS;
    return npa_exchange(world->npas[npa].npa, group / 100) * 10000 + (uint64_t)(group % 100) * 100;
}

static uint64_t take_thousand(struct world *world, struct allocator *allocator, int npa)
{
    while (allocator->thousands[npa] == THOUSANDS)
        npa = (npa + 1) % world->npa_count;
    int64_t block = allocator->thousands[npa]++ * THOUSANDS_STEP % THOUSANDS;
    return npa_exchange(world->npas[npa].npa, SMALL_EXCHANGES + block / 10) * 10000 +
           (uint64_t)(block % 10) * 1000;
}

static void number_account(struct world *world, struct allocator *allocator, int64_t index)
{
    struct world_account *account = &world->accounts[index];
    uint64_t *numbers = world->numbers + account->first;
    uint64_t hash = world_mix(world->seed ^ world_mix((uint64_t)index));
    account->npa = (int)world_scale(hash, (uint64_t)world->npa_count);
    int64_t sites = 1 + account->count / NUMBERS_PER_SITE;
    account->sites = (int)(sites < SITES_MOST ? sites : SITES_MOST);
    if (account->count <= 100) {
        uint64_t first = take_hundred(world, allocator, account->npa);
        first += world_scale(world_mix(hash), (uint64_t)(101 - account->count));
        for (int64_t i = 0; i < account->count; i++)
            numbers[i] = first + (uint64_t)i;
        return;
    }
    for (int64_t i = 0; i < account->count; i += 1000) {
        uint64_t first = take_thousand(world, allocator, account->npa);
        for (int64_t k = i; k < account->count && k < i + 1000; k++)
            numbers[k] = first + (uint64_t)(k - i);
    }
}

int world_make(struct world *world)
{
    world->npa_count = world_npas(world->npas);
    world->numbers = malloc((size_t)world->number_count * sizeof *world->numbers);
    world->accounts = calloc((size_t)world->account_count, sizeof *world->accounts);
    struct allocator *allocator = calloc(1, sizeof *allocator);
    if (!world->numbers || !world->accounts || !allocator) {
        free(allocator);
        return -1;
    }
    share_numbers(world);
    for (int64_t a = 0; a < world->account_count; a++)
        number_account(world, allocator, a);
    free(allocator);
    return 0;
}

void world_free(struct world *world)
{
    free(world->numbers);
    free(world->accounts);
    world->numbers = NULL;
    world->accounts = NULL;
}
