/*
 * Lines summed by a name and a currency: what summary's tables are made of.
 */
#ifndef CMD_GROUPS_H
#define CMD_GROUPS_H

#include "tollmill.h"

struct cmd_group {
    char *name, *label, *currency; /* label: a second text of the first line seen, for people */
    uint64_t hash;
    int64_t rows, rated, zero_rated, suspense, billed_s;
    struct toll_sum charge;
    /* for report: */
    struct toll_sum cost, loss;
    int64_t charge_unknown, cost_unknown, below; /* lines, and those sold below cost */
    void *more;                                  /* the caller's, freed with the group */
};

struct cmd_groups {
    struct cmd_group *items;
    size_t count, room;
    uint32_t *slots; /* item index + 1, 0 empty; a power of two of them, at most half full */
    size_t slot_count;
};

/* The group of (name, currency), made when it is new; NULL without memory. */
struct cmd_group *cmd_group_find(struct cmd_groups *groups, const char *name, const char *label,
                                 const char *currency);
/* Orders by charge, highest first, then by name; the index is gone after that. */
void cmd_groups_sort(struct cmd_groups *groups);
void cmd_groups_end(struct cmd_groups *groups);

#endif
