/*
 * A block of rows from end to end in stages, each over all rows of the block: what the stages share stays in
 * the nearest cache, and within a stage the rows do not wait for each other. Rows that a stage does not know
 * how to do in bulk are left to toll_row_rate (pipeline/row.h), one by one; the answers are the same.
 */
#ifndef TOLL_PIPELINE_BLOCK_H
#define TOLL_PIPELINE_BLOCK_H

#include "pipeline/row.h"
#include "pipeline/tally.h"
#include "segment/lines.h"

/* 1,024 and 2,048 measure alike, 512 a little slower with AVX-512; the scratch leaves half of a 1 MiB L2. */
#define TOLL_BLOCK_ROWS 1024
#define TOLL_BLOCK_ROWS_MAX 2048

enum toll_stage {
    TOLL_STAGE_READ, /* columns and their checksums */
    TOLL_STAGE_CLASSIFY,
    TOLL_STAGE_PAYER,
    TOLL_STAGE_ENDS, /* both ends together: jurisdiction that area codes do not tell, on-net */
    TOLL_STAGE_RULES,
    TOLL_STAGE_PREFIX,
    TOLL_STAGE_PRICE,
    TOLL_STAGE_CHARGE,
    TOLL_STAGE_ODD,  /* rows done one by one */
    TOLL_STAGE_TAX,  /* tuples of taxed books */
    TOLL_STAGE_LIST, /* rows that may draw on bundles or are priced by tiers */
    TOLL_STAGE_TALLY,
    TOLL_STAGE_COST, /* all of the buy side */
    TOLL_STAGE_DRAW, /* what is done in the order of the calls, without waiting for the turn */
    TOLL_STAGE_REST, /* what remains of lines that have drawn */
    TOLL_STAGES
};
const char *toll_stage_name(enum toll_stage stage);

/* Columns that are narrow in the file (segment/lines.h); NULL: the column is wide, or is not there. */
struct toll_line_narrow {
    uint16_t *account, *price, *billed, *tuple, *included, *pool, *cost_price;
};
/* The columns of one batch of lines in memory, as toll_lines_batch_layout places them; written by the block.
 * A column that is narrow is NULL here, and in `narrow`. */
struct toll_line_columns {
    int32_t *account, *price, *billed, *tuple;
    int64_t *charge;
    uint8_t *status, *class_jurisdiction;
    /* NULL where the run does not have them: see toll_lines_batch_layout */
    int32_t *included, *pool;
    int64_t *cost;
    int32_t *cost_price;
    uint8_t *cost_status;
    uint8_t *book;
    struct toll_line_narrow narrow;
};
static inline bool toll_line_columns_pooled(const struct toll_line_columns *columns)
{
    return columns->pool != NULL || columns->narrow.pool != NULL;
}
/* One value of a column, of whichever width it is. *beyond |= value: see struct toll_block. */
static inline int32_t toll_line_get(const int32_t *wide, const uint16_t *narrow, size_t row)
{
    return wide != NULL ? wide[row] : narrow[row];
}
static inline void toll_line_put(int32_t *wide, uint16_t *narrow, size_t row, int32_t value, uint32_t *beyond)
{
    if (wide != NULL) {
        wide[row] = value;
        return;
    }
    narrow[row] = (uint16_t)value;
    *beyond |= (uint32_t)value;
}
/* block: memory of the size that toll_lines_batch_layout gives for `rows` and these optional columns. */
void toll_line_columns_place(struct toll_line_columns *columns, uint8_t *block, int64_t rows,
                             unsigned optional);

/* From row `first` on. */
struct toll_line_columns toll_line_columns_from(const struct toll_line_columns *columns, size_t first);
/* Rows of a batch; of its columns those that are wanted, bits as in toll_cdr_part_batch. */
struct toll_cdr_batch toll_cdr_batch_from(const struct toll_cdr_batch *batch, size_t first, size_t rows,
                                          uint32_t columns);

/* Scratch of one worker: values by row of the block, or by place in a list of such rows. */
struct toll_block {
    uint64_t
        near[TOLL_BLOCK_ROWS_MAX]; /* number that pays, 0 none; in the end what suspense says of the row */
    uint32_t owner[TOLL_BLOCK_ROWS_MAX];
    uint32_t bucket[TOLL_BLOCK_ROWS_MAX]; /* where the line counts; 0 nowhere */
    uint32_t deck[TOLL_BLOCK_ROWS_MAX];   /* that prices it in bulk; 0 none */
    uint32_t value[TOLL_BLOCK_ROWS_MAX];  /* what the deck has; of a row to be billed alone its entry, or 0 */
    uint32_t terms[TOLL_BLOCK_ROWS_MAX];  /* 1 + index of terms, 0 nothing to charge */
    uint32_t odd[TOLL_BLOCK_ROWS_MAX];    /* rows left to toll_row_rate */
    uint32_t odd_rule[TOLL_BLOCK_ROWS_MAX];        /* and the rule that it found, 0 none */
    uint32_t rest[TOLL_BLOCK_ROWS_MAX];            /* rows that need a second look */
    uint16_t shape[TOLL_BLOCK_ROWS_MAX];           /* verdict key and more: simd/layout_call.h */
    uint32_t others[TOLL_BLOCK_ROWS_MAX];          /* rows of services other than voice */
    struct toll_sheet_now sheets[TOLL_SHEETS_MAX]; /* by deck id, as the block's first call finds them */
    size_t odd_count, other_count;

    /* of books and records beyond the plain ones */
    const uint32_t *near_owner; /* of the number `near`; none is dated */
    uint32_t near_owners[TOLL_BLOCK_ROWS_MAX];
    uint32_t chain[TOLL_BLOCK_ROWS_MAX];   /* whose rules are walked; 0 as long as the verdict is enough */
    uint32_t rule_at[TOLL_BLOCK_ROWS_MAX]; /* the rule of the chain that decides, if `chain` */
    uint32_t bill[TOLL_BLOCK_ROWS_MAX];    /* rows with a price that are billed one by one */
    uint8_t jurisdiction[TOLL_BLOCK_ROWS_MAX];
    uint8_t column[TOLL_BLOCK_ROWS_MAX]; /* enum toll_rate_column, if some deck has several */
    int32_t amount_ms[TOLL_BLOCK_ROWS_MAX];
    size_t bill_count;
    uint64_t number[2][TOLL_BLOCK_ROWS_MAX];
    uint32_t list_deck[TOLL_BLOCK_ROWS_MAX], list_value[2][TOLL_BLOCK_ROWS_MAX];
    uint32_t second[TOLL_BLOCK_ROWS_MAX];
    uint32_t legs[TOLL_BLOCK_ROWS_MAX]; /* of which nobody is known, while somebody is of the other one */
    size_t leg_count;
    uint32_t feed[TOLL_BLOCK_ROWS_MAX]; /* rows of feeds that are not sold, and their shapes */
    uint16_t feed_shape[TOLL_BLOCK_ROWS_MAX];
    size_t feed_count;
    uint8_t draw_key[TOLL_BLOCK_ROWS_MAX]; /* of rows that may draw, by place in their list */

    /* Lines' columns that are narrow in the batch: as wide as all kernels have them. beyond: the OR of all
     * that were put into narrow ones, above 65,535 where one did not fit. */
    struct toll_block_wide {
        int32_t account[TOLL_BLOCK_ROWS_MAX], price[TOLL_BLOCK_ROWS_MAX], billed[TOLL_BLOCK_ROWS_MAX],
            tuple[TOLL_BLOCK_ROWS_MAX], cost_price[TOLL_BLOCK_ROWS_MAX];
    } wide;
    uint32_t beyond;

    /* of taxed books */
    uint32_t slot[TOLL_BLOCK_ROWS_MAX]; /* where the line counts by tuple, too */
    uint32_t product[TOLL_BLOCK_ROWS_MAX];

    /* the buy side */
    uint32_t buy_plan[TOLL_BLOCK_ROWS_MAX];
    uint16_t buy_shape[TOLL_BLOCK_ROWS_MAX];
    int32_t buy_account[TOLL_BLOCK_ROWS_MAX], buy_billed[TOLL_BLOCK_ROWS_MAX];
    uint32_t buy_bucket[TOLL_BLOCK_ROWS_MAX];
};

/* What the stages before the rules have found of some rows, for books that find the same: see
 * toll_rater_same_ends. By row. */
struct toll_block_found {
    uint64_t *near;
    uint32_t *owner, *legs;
    uint32_t *leg_count; /* of the block that begins with this row */
    uint16_t *shape;
    uint8_t *class_jurisdiction;
};

struct toll_block_context {
    const struct toll_rater *rater;
    const struct toll_part_map *map;
    uint32_t part; /* ordinal in the run, for the suspense summary */
    /* NULL, or of a batch whose rows were gathered and are one block: where they lay behind its first_row */
    const uint32_t *places;
    struct toll_block *block;
    struct toll_band_cursor *cursors; /* by deck id */
    struct toll_tally *tally;
    struct toll_draws *draws;      /* pipeline/draws.h; NULL: the book has neither bundles nor tiers */
    struct toll_draws *cost_draws; /* NULL: no cost draws on anything */
    uint32_t *plans; /* by row of the batch: the payer's plan at the call, 0 none; NULL: nobody asks */
    uint32_t *slots; /* by row of the batch: where in the tally it counts, 0 nowhere; NULL: nobody asks */
    /* NULL, or from the block's first row on: where that is kept, or with `was_found` taken from */
    const struct toll_block_found *found;
    bool was_found;
    bool no_suspense;  /* nobody asks for the summary of what is in suspense */
    bool no_sums;      /* nor for any sum but what is charged by period, and services but voice */
    int64_t *stage_ns; /* TOLL_STAGES sums of the thread's CPU time, or NULL: nobody measures */
};

/* Rates rows [first, first + rows) of the batch into the same rows of `lines`; rows <= TOLL_BLOCK_ROWS_MAX.
 */
void toll_block_rate(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                     size_t first, size_t rows, const struct toll_line_columns *lines);

#endif
