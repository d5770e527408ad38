/*
 * The canonical month, frozen before anything was made faster: the goals of speed are about this world. The
 * plain world's numbers and calls (world.h), and
 *
 *   16 decks, one for each plan, of the same 148,000 prefixes, each with prices of its own;
 *   two bands: from 19:00 to 07:00 and on weekends another price for every prefix;
 *   the seconds of a month for a quarter of the accounts (bundles.h);
 *   sites, taxes and exemptions in 6,000 tax jurisdictions (taxes.h).
 */
#ifndef TOLL_BENCH_MONTH_H
#define TOLL_BENCH_MONTH_H

#include "world.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As toll_world_write. */
int toll_month_write(const char *folder, const struct toll_world_size *size);
/* The book alone, FOLDER/book. */
int toll_month_write_book(const char *folder, const struct toll_world_size *size);

#ifdef __cplusplus
}
#endif

#endif
