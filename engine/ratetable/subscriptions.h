/* Who has which bundle, and the services that some sizes count: the rows while a book is compiled. */
#ifndef TOLL_RATETABLE_SUBSCRIPTIONS_H
#define TOLL_RATETABLE_SUBSCRIPTIONS_H

#include "ratetable/owners.h"
#include "ratetable/subjects.h"

/* A row of services.csv. */
struct toll_service {
    toll_ms from, until; /* UTC */
    uint64_t number;     /* as toll_number_row.first, 0 none */
    int32_t account, site;
    uint32_t type; /* id of build->service_types */
    uint32_t line;
    int64_t quantity;
};

/* A row of subscriptions.csv. Sorted by (level, subject, line). */
struct toll_subscription {
    uint64_t subject; /* of its level: number as above, temporary trunk or carrier id, site, account, plan */
    toll_ms from, until;         /* UTC; local time for a number, whose owners may live in several zones */
    int64_t units;               /* quantity x times; for count:TYPE quantity */
    int32_t level;               /* enum toll_assignment_level or TOLL_LEVEL_PLAN */
    uint32_t bundle;             /* the image's id */
    uint32_t pool;               /* id of build->pool_names; 0 unless scope pool */
    uint32_t type;               /* count:TYPE: id of build->service_types; else 0 */
    uint32_t file, line, column; /* file: string offset; column of the subject */
};

/* The rows of one subject. */
const struct toll_subscription *toll_subscriptions_of(const struct toll_build *build, int32_t level,
                                                      uint64_t subject, size_t *count);

/* Is it for the cost of calls? */
static inline bool toll_subscription_costs(const struct toll_subscription *row)
{
    return row->level == TOLL_LEVEL_TRUNK || row->level == TOLL_LEVEL_CARRIER;
}

static inline const struct toll_bundle *toll_build_bundle(const struct toll_build *build, uint32_t id)
{
    return TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_BUNDLES], struct toll_bundle, id);
}

#endif
