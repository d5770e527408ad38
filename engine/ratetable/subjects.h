/* Whom a row of assignments.csv or surcharges.csv is for: "default", "account:acme", "trunk:T1", ... */
#ifndef TOLL_RATETABLE_SUBJECTS_H
#define TOLL_RATETABLE_SUBJECTS_H

#include "ratetable/build.h"

struct toll_subject {
    enum toll_assignment_level level;
    uint32_t id;      /* temporary trunk or carrier id, site or account id; 0 for default and for a number */
    const char *name; /* what the cell has behind the level's word; valid as long as the cell */
    const struct toll_zone *zone; /* in which dates of this subject are read; NULL for a number */
};

/* 1 and *out; 0 after a finding; negative: the run ends. A number is only taken apart, not looked up, and
 * only if `numbers` says that the table may have one. */
int toll_subject_read(struct toll_build *build, const struct toll_table *table, const struct toll_cell *cell,
                      bool numbers, struct toll_subject *out);

#endif
