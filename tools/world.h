/*
 * The synthetic world: one seed decides accounts, numbers, tables and calls, to the byte, on any machine.
 *
 * Integer arithmetic only. Everything about an account, a number or a prefix is a function of (seed, its
 * index), so that nothing depends on the order in which it is asked for; only the calls come from one running
 * generator.
 */
#ifndef CMD_WORLD_H
#define CMD_WORLD_H

#include "output.h"

#include <stdint.h>

enum world_zone {
    ZONE_EASTERN,
    ZONE_CENTRAL,
    ZONE_MOUNTAIN,
    ZONE_PACIFIC,
    ZONE_ARIZONA,
    ZONE_ALASKA,
    ZONE_HAWAII,
    ZONE_COUNT
};

/* ---- randomness ---- */

/* A good 64-bit mix of a value: the finisher of splitmix64 (Vigna, public domain). */
static inline uint64_t world_mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* xoshiro256** (Blackman and Vigna, public domain). */
struct world_random {
    uint64_t s[4];
};

static inline uint64_t world_next(struct world_random *random)
{
    uint64_t *s = random->s;
    uint64_t x = s[1] * 5, result = ((x << 7) | (x >> 57)) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return result;
}

/* 0..below-1 from 64 random bits. */
static inline uint64_t world_scale(uint64_t bits, uint64_t below)
{
    return (uint64_t)(((unsigned __int128)bits * below) >> 64);
}

/* ---- places ---- */

struct world_npa {
    int npa;
    const char *state;
    enum world_zone zone;
};
struct world_country {
    const char *prefix, *name;
    int fixed_rate, mobile_rate; /* 1e-4 of the currency unit per minute */
    int increment_s;             /* 6: billed 30/6, 60: billed 60/60 */
    const char *mobile;          /* leading digits of mobile numbers, blank between */
};
#define WORLD_NPAS_MOST 400
int world_npas(struct world_npa npas[WORLD_NPAS_MOST]); /* the number of them */
extern const struct world_country world_countries[];
extern const int world_country_count;
extern const struct world_country world_islands[]; /* +1, but abroad */
extern const int world_island_count;
const char *world_zone_name(enum world_zone zone);

/* ---- the world ---- */

struct world_account {
    int64_t first, count; /* its numbers: world.numbers[first .. first + count) */
    int npa;              /* index into npas */
    int sites;
};

struct world {
    uint64_t seed;
    int year, month;
    int64_t cdr_count, number_count, account_count, prefix_count;
    struct world_npa npas[WORLD_NPAS_MOST];
    int npa_count;
    uint64_t *numbers; /* national, ten digits, by account; consecutive within a block of an account */
    struct world_account *accounts;
};

/* 0, or -1 without memory. */
int world_make(struct world *world);
void world_free(struct world *world);
#define WORLD_NAME_BYTES 24
void world_account_name(int64_t account, char name[WORLD_NAME_BYTES]); /* "A000001" */
/* The i-th of WORLD_EXCHANGES six-digit exchanges (NPA-NXX) of the world, in a scrambled order without
 * repeats. */
int64_t world_exchange_count(const struct world *world);
int64_t world_exchange(const struct world *world, int64_t index, int *npa);

/* Where files go: opened below the folder, written, closed. Returns 0 or an enum toll_code with *error
 * filled. */
struct world_folder {
    int directory; /* fd */
    int64_t bytes; /* of all files so far */
};
int world_file_open(struct world_folder *folder, const char *name, struct cmd_output *out,
                    struct toll_error *error);
int world_file_close(struct world_folder *folder, struct cmd_output *out, struct toll_error *error);

int world_write_book(const struct world *world, struct world_folder *folder, struct toll_error *error);
/* tick: called about once per simulated hour. */
int world_write_calls(const struct world *world, struct world_folder *folder, int file_count,
                      void (*tick)(void *context, int64_t done), void *context, struct toll_error *error);
/* "cdrs.csv", or "cdrs-0001.csv" when there are several. */
void world_calls_name(int file, int file_count, char name[32]);
int world_days(const struct world *world);

#endif
