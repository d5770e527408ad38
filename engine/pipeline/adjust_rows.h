/* Inside of pipeline/adjust.h: what its files share. */
#ifndef TOLL_PIPELINE_ADJUST_ROWS_H
#define TOLL_PIPELINE_ADJUST_ROWS_H

#include "base/cycle.h"
#include "base/money.h"
#include "base/strings.h"
#include "book/book.h"
#include "pipeline/adjust.h"
#include "segment/state.h"

enum toll_adjust_run { TOLL_ADJUST_OLD, TOLL_ADJUST_NEW };

/* An account as one of the runs' books has it. */
struct toll_adjust_account {
    bool known;
    const struct toll_zone *zone;
    int cycle_day;
    toll_ms closing;         /* calls that begin before it are billed */
    struct toll_cycle cycle; /* of the call before */
};

/* What lines are summed up by: ids of texts. Compared as bytes: without padding. */
struct toll_adjust_key {
    uint32_t account, site, currency, services;
    int32_t period;  /* first day */
    uint16_t reason; /* enum toll_delta_reason; TOLL_DELTA_REASONS: period charges */
    uint16_t too_old;
};
_Static_assert(sizeof(struct toll_adjust_key) == 24, "no padding");
struct toll_adjust_sum {
    struct toll_adjust_key key;
    int64_t calls;
    toll_total before, after;
};

struct toll_adjust {
    const struct toll_io *io;
    const struct toll_adjust_policy *policy;
    struct toll_adjust_runs runs;
    struct toll_state state;
    bool state_open;
    int64_t oldest_day; /* debits of calls before it are too old; INT64_MIN: none are */
    char report_period[16];
    struct toll_strings texts;
    struct toll_strings names[2]; /* by run: accounts of its book */
    struct toll_adjust_account *accounts[2];
    uint32_t account_room[2];
    uint32_t *account_names; /* by id of an account's text: id of its name */
    uint32_t name_room;
    struct toll_strings keys;
    struct toll_adjust_sum *sums; /* by id of the key */
    size_t sum_room;
    struct toll_arena arena; /* texts of rows */
    struct toll_adjusting_row *rows;
    int64_t row_count;
    struct toll_adjusting_tax_row *taxes;
    int64_t tax_count;
};

/* NULL: out of memory. */
const struct toll_adjust_account *toll_adjust_account_of(struct toll_adjust *adjust, enum toll_adjust_run run,
                                                         const char *account);
int toll_adjust_no_memory(struct toll_error *error);
/* Whether a billing period that begins on a day is billed; *until: the instant at which it ends. */
bool toll_adjust_period_closed(const struct toll_adjust_account *account, int64_t day, toll_ms *until);

/* ---- adjust_taxes.c: new less old register of closed periods, sorted, without statuses ---- */
int toll_adjust_list_taxes(struct toll_adjust *adjust, struct toll_error *error);

/* ---- adjust_policy.c: statuses of rows and taxes ---- */
int toll_adjust_decide(struct toll_adjust *adjust, struct toll_error *error);

#endif
