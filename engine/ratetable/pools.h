/*
 * Pools and who may draw on them, while owners are made: lists of entitlements and of grants, equal ones
 * stored once. Pools have temporary ids in order of appearance until toll_pools_store sorts them.
 */
#ifndef TOLL_RATETABLE_POOLS_H
#define TOLL_RATETABLE_POOLS_H

#include "ratetable/subscriptions.h"

/* When a plan is in force for somebody. */
struct toll_plan_time {
    toll_ms from, until;
    int32_t plan, spare;
};

/* Lists of records of one section, equal ones once. */
struct toll_lists {
    struct toll_strings lists;
    struct toll_buffer firsts; /* uint32_t by id of lists - 1 */
};

/* Where a number with subscriptions of its own lies, by number. */
struct toll_number_place {
    uint64_t number;
    int32_t account, site;
};

/* A pool before it is sorted. */
struct toll_pool_key {
    uint32_t bundle;
    int32_t account, site;
    uint32_t name; /* id of build->pool_names */
};

struct toll_pool_builder {
    struct toll_build *build;
    bool any, any_number; /* some subscription; one of a bundle of scope number */
    bool limit_reported;
    struct toll_lists entitlements, grants;
    struct toll_strings keys;         /* struct toll_pool_key -> temporary id */
    struct toll_strings memo;         /* struct memo_key of entitlements.c */
    struct toll_buffer memo_lists;    /* struct memo_list by id of memo - 1 */
    struct toll_buffer own_numbers;   /* uint64_t: with subscriptions or counted services of their own */
    struct toll_buffer number_places; /* struct toll_number_place */
    struct toll_buffer by_place;      /* struct toll_service by (type, account, site) */
    struct toll_buffer by_number;     /* struct toll_service by (type, number, account) */
    struct toll_buffer wants, own_times, all_times, sites, scratch;
};

/* An owner for whom a list is wanted. */
struct toll_owner_place {
    int32_t account, site;
    uint64_t number;      /* with rows of its own; 0 none */
    const int32_t *sites; /* of a dated number: all its sites in this account, ascending */
    size_t site_count;
};

int toll_pool_builder_begin(struct toll_pool_builder *pools, struct toll_build *build);
void toll_pool_builder_end(struct toll_pool_builder *pools);

/* The list of an owner. own_times and all_times of the builder say which plans it has, and which the number
 * has at all its sites; they are joined here. */
int toll_entitle_owner(struct toll_pool_builder *pools, const struct toll_owner_place *place, uint32_t *first,
                       uint32_t *count);
/* The same for owners that differ in nothing else than these: a list that was made before. */
bool toll_entitled_before(const struct toll_pool_builder *pools, const struct toll_owner *owner,
                          uint32_t *first, uint32_t *count);
bool toll_entitled_keep(struct toll_pool_builder *pools, const struct toll_owner *owner);
/* Has this number rows or counted services of its own? */
bool toll_entitles_alone(const struct toll_pool_builder *pools, uint64_t number);
/* The list of a trunk or carrier: what its cost draws on. */
int toll_entitle_cost(struct toll_pool_builder *pools, enum toll_assignment_level level, uint32_t id,
                      uint32_t *first, uint32_t *count);

/* Sections POOLS and GRANTS; entitlements get the final ids. After all owners, trunks and carriers. */
int toll_pools_store(struct toll_pool_builder *pools);

/* -- shared within pools -- */

/* Sorts by plan and time, and joins what overlaps or touches. */
void toll_plan_times_join(struct toll_buffer *times);
/* Finds or stores a list of `count` records. */
int toll_list_store(struct toll_pool_builder *pools, struct toll_lists *lists, enum toll_section section,
                    const void *records, size_t record_bytes, size_t count, uint32_t *first);

/* Whose services a row counts: those of a pool that lie in the row's subject too. */
struct toll_counted {
    int32_t scope;         /* enum toll_scope of the pool */
    int32_t account, site; /* of the pool; a named pool: 0 */
    uint64_t number;       /* of a pool of scope number */
};
/* Appends what a row in force in [from, until) grants a pool to `grants` (struct toll_grant). */
int toll_grants_add(struct toll_pool_builder *pools, const struct toll_subscription *row, toll_ms from,
                    toll_ms until, const struct toll_counted *counted, struct toll_buffer *grants);
/* Puts a pool's grants in order and stores them; a finding where they are too much together. */
int toll_grants_store(struct toll_pool_builder *pools, struct toll_grant *grants, size_t count,
                      const struct toll_subscription *last, uint32_t *first);

#endif
