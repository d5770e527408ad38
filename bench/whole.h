/*
 * The whole-feature world, frozen: a month of a believable American carrier whose book uses every kind of
 * tariff. 372 area codes with 180,000 exchanges in 40 ratecenters to each pair of codes, and local pairs
 * among them; 10 numbers an account.
 *
 * Of the records: 6 % SMS, 2 % data, 0.3 % fees with a mark-up, 10 % inbound toll-free (a deck by the caller;
 * four in five know where it rings), 12 % other inbound calls, 3 % legs of two-leg records, the rest
 * outbound: a third to the neighbourhood, a tenth to numbers of ours, 12 % abroad, 3 % toll-free; 2 % of all
 * payers are unknown, 10 % of the calls are not answered, 40 % of the domestic ones have an LRN. Of the
 * accounts: 5 % pay by trunk, 5 % by the charged number. All have free on-net calls, an LRN deck with rates
 * by jurisdiction (123,000 prefixes, 3 % of them changed within the month) and one for abroad; of 16 plans
 * four have rules by destination, and one each: a deck of 100,000 pairs, a deck by call type, a deck in split
 * bands with steps, a promotion of ten days (these go on to the next rule on a miss), free local calls, a
 * deck without jurisdictions. Short calls beyond a tenth and attempts have surcharges.
 */
#ifndef TOLL_BENCH_WHOLE_H
#define TOLL_BENCH_WHOLE_H

#include "world.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes FOLDER/book and FOLDER/cdrs; the folder exists. size->areas: of 400, as in the plain world. 0, or -1
 * after a message on stderr. */
int toll_whole_write(const char *folder, const struct toll_world_size *size);

/* ---- between whole.c, which makes the tables, and whole_calls.c ---- */

#define WHOLE_EXCHANGES 484 /* of an area */
#define WHOLE_CENTERS 40    /* ratecenters of a group: two areas of one state */
#define WHOLE_POPULAR 500   /* exchanges that the pair deck knows, from 200 areas */
#define WHOLE_PLANS 16

struct whole_area {
    uint32_t npa;
    const char *state;
    uint32_t group; /* within its state */
};
struct whole {
    const struct toll_world_size *size;
    const char *folder;
    struct whole_area areas[400];
    uint32_t area_count, exchange_count, accounts, trunks;
};

enum whole_payer { WHOLE_BY_NUMBER, WHOLE_BY_TRUNK, WHOLE_BY_CHARGED };

static inline enum whole_payer whole_payer_of(uint32_t account)
{
    return account % 20 == 7 ? WHOLE_BY_TRUNK : account % 20 == 13 ? WHOLE_BY_CHARGED : WHOLE_BY_NUMBER;
}
uint32_t whole_plan_of(uint32_t account);
uint64_t whole_exchange(const struct whole *world, uint32_t index);                 /* 1212555 */
uint64_t whole_number(const struct whole *world, uint32_t account, uint32_t which); /* which: 0..9 */
uint64_t whole_toll_free(uint32_t account);                                         /* of accounts % 4 == 0 */
uint64_t whole_foreign(uint32_t index); /* one of WHOLE_FOREIGN prefixes */
#define WHOLE_FOREIGN 13000

int whole_write_calls(const struct whole *world);

#ifdef __cplusplus
}
#endif

#endif
