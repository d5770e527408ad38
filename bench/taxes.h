/*
 * The world of taxes, frozen: the plain world's numbers and calls (world.h), each account at a site in one of
 * 4,449 cities of 1,500 counties of 50 states, in two zones and with two cycle days; four tax services by the
 * call's jurisdiction, taxes of the nation, of every state, county and city, one of them with another rate
 * from the 16th on; some customers are exempt, some buy for resale.
 */
#ifndef TOLL_BENCH_TAXES_H
#define TOLL_BENCH_TAXES_H

#include "world.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As toll_world_write. */
int toll_taxes_write(const char *folder, const struct toll_world_size *size);
/* Its tables alone, into FOLDER/book, which the plain world has made. */
int toll_taxes_write_tables(const char *folder, const struct toll_world_size *size);

#ifdef __cplusplus
}
#endif

#endif
