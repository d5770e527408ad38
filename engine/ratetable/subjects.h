/* Whom a row of assignments.csv, surcharges.csv or subscriptions.csv is for: "default", "account:acme",
 * "trunk:T1", ... */
#ifndef TOLL_RATETABLE_SUBJECTS_H
#define TOLL_RATETABLE_SUBJECTS_H

#include "ratetable/build.h"

/* A level that only subscriptions know: who has a plan. */
#define TOLL_LEVEL_PLAN (TOLL_LEVEL_NONE + 1)

struct toll_subject {
    int32_t level;    /* enum toll_assignment_level or TOLL_LEVEL_PLAN */
    uint32_t id;      /* temporary trunk or carrier id, site, account or plan id; 0 for default and for a
                         number */
    const char *name; /* what the cell has behind the level's word; valid as long as the cell */
    const struct toll_zone *zone; /* in which dates of this subject are read; NULL for a number */
};

/* What a table's subjects may be beside the common ones; a set. */
enum { TOLL_SUBJECT_NUMBER = 1, TOLL_SUBJECT_PLAN = 2 };

/* 1 and *out; 0 after a finding; negative: the run ends. A number is only taken apart, not looked up. */
int toll_subject_read(struct toll_build *build, const struct toll_table *table, const struct toll_cell *cell,
                      unsigned allowed, struct toll_subject *out);

#endif
