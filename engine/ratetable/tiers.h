/* Tiers while a book is compiled: which there are, for the rules that name them. */
#ifndef TOLL_RATETABLE_TIERS_H
#define TOLL_RATETABLE_TIERS_H

#include "ratetable/build.h"

/* The terms of a price row of these tiers. */
void toll_tiers_terms(const struct toll_build *build, uint32_t tiers, struct toll_terms *terms);

#endif
