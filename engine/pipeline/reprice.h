/*
 * Books that price a base's lines anew: those of which only the terms of deck rows differ. What a call
 * is, who pays, the price row and the units billed are the base's; only the charge is another. Everything is
 * made when a run is planned; the rows are a kernel's (simd/reprice.h).
 *
 * Not every such book can: where a charge is more than a rate by units (calls that are walked, terms that
 * only the rule knows), or where the changed rows price costs too, the book has to rate by itself.
 */
#ifndef TOLL_PIPELINE_REPRICE_H
#define TOLL_PIPELINE_REPRICE_H

#include "pipeline/block.h"
#include "pipeline/rater.h"

struct toll_repricing;

/* A book whose ids are all the base's; prices outside of [first, end) are the base's, too. */
struct toll_repricing_book {
    const struct toll_book *book;
    uint32_t price_first, price_end;
};

/* books: `count` of them. fits[k]: whether book k can be repriced; such books are in *out, in order, NULL if
 * there are none. All are borrowed. */
int toll_repricing_make(struct toll_repricing **out, const struct toll_book *base,
                        const struct toll_repricing_book *books, unsigned count, unsigned threads,
                        const struct toll_kernels *kernels, bool *fits, struct toll_error *error);
void toll_repricing_free(struct toll_repricing *repricing); /* NULL allowed */

/* How many books, rounded up to the words of whole cache lines. */
size_t toll_repricing_stride(const struct toll_repricing *repricing);

/* A bit for each price id: those that some book has otherwise; and how many those are. */
const uint64_t *toll_repricing_changed(const struct toll_repricing *repricing);
uint32_t toll_repricing_changed_count(const struct toll_repricing *repricing);

/* Of one worker. */
struct toll_reprice_scratch {
    uint32_t record[TOLL_BLOCK_ROWS_MAX], rest[TOLL_BLOCK_ROWS_MAX], odd[TOLL_BLOCK_ROWS_MAX];
    uint32_t moved[TOLL_BLOCK_ROWS_MAX]; /* the rows that some book may charge otherwise */
    size_t moved_count;
};

/* charges[i * stride + k]: what book k charges for finished line i; 64-byte aligned. rows: at most
 * TOLL_BLOCK_ROWS_MAX. False: some charge is beyond 64 bits in the base or a book, so that these books have
 * to rate by themselves; charges are worth nothing. */
bool toll_reprice_rows(const struct toll_repricing *repricing, const struct toll_line_columns *lines,
                       const uint16_t *kind, size_t rows, struct toll_reprice_scratch *scratch,
                       int64_t *charges);

#endif
