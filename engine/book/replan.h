/* Accounts on another plan, made in memory: a book that shares all with its base but who is on which plan. */
#ifndef TOLL_BOOK_REPLAN_H
#define TOLL_BOOK_REPLAN_H

#include "book/book.h"
#include "book/change.h"

struct toll_replanned {
    struct toll_book *book; /* NULL: it must be compiled */
    struct toll_owner *owners;
    struct toll_plan_span *spans;
};
/* 0 with book NULL where the changes are more than plans of accounts, may be an error, or move what depends
 * on plans elsewhere (bundles of plans, currencies). TOLL_ENOMEM. */
int toll_replan(struct toll_replanned *out, const struct toll_book *base, const struct toll_change *changes,
                int count, struct toll_error *error);
void toll_replanned_free(struct toll_replanned *replanned);

#endif
