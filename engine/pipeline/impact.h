/*
 * The sums behind tollmill_impact.h: lines of several books (or runs) over the same calls are added row by
 * row, by one worker each into its own sums, merged afterwards, and given their names at the end. Sums are
 * exact integers: neither the number of workers nor their order shows.
 */
#ifndef TOLL_PIPELINE_IMPACT_H
#define TOLL_PIPELINE_IMPACT_H

#include "base/strings.h"
#include "base/zone.h"
#include "book/book.h"
#include "mmap_cdr/part.h"
#include "pipeline/tally.h"
#include "segment/run.h"
#include "simd/sums.h"
#include "tollmill_impact.h"

/* Which price rows of a book have sums of their own. All others are summed by deck and destination; then the
 * table `prices` cannot be made, and such rows of the base are not in `moved`. */
enum toll_impact_detail {
    TOLL_DETAIL_ALL,
    TOLL_DETAIL_CHANGED, /* those of `changed`: for a base beside which all sides are repriced */
    TOLL_DETAIL_NONE     /* for sides that are not the base, and where `moved` is not made */
};

/* What the ids of one book's lines mean: of an opened book, or of a run's tables. */
struct toll_impact_side {
    struct toll_impact_book about;
    const struct toll_book *book;     /* its ids; NULL: */
    const struct toll_run_files *run; /* those of this run, whose book has: */
    const char *own_currency;
    /* Not of the base: its ids are the base's, and so are its lines in everything but their charges, which
     * stand beside the base's lines. Its own batches are not read. */
    bool repriced;
    enum toll_impact_detail detail;
    const uint64_t *changed; /* a bit for each price id: those that some repriced side has otherwise */
    const struct toll_strings *not_moved; /* NULL: none (struct toll_impact_book) */
    /* At the end, for toll_impact_make: */
    const struct toll_period_charges *periods; /* of `book`; a run has its own */
    const struct toll_tally *tally;            /* of `book`: which services its prices met; NULL: not known */
    const struct toll_impact_tax *taxes;       /* by account; NULL: none */
    size_t tax_count;
};
struct toll_impact_tax { /* ascending (account, currency) */
    const char *account, *currency;
    int64_t cents; /* billable */
};

struct toll_taxes;
/* Billable cents by account of a register; free(). texts: theirs, to be kept as long. */
int toll_impact_taxes_of(struct toll_taxes *taxes, struct toll_strings *texts, struct toll_impact_tax **out,
                         size_t *count, struct toll_error *error);

struct toll_impact_shape; /* how large sums are, for each side */
int toll_impact_shape_make(struct toll_impact_shape **out, const struct toll_impact_side *sides, int count,
                           const struct toll_zone *zone, struct toll_error *error);
/* The same by several threads, which are there for merging, too. */
int toll_impact_shape_make_by(struct toll_impact_shape **out, const struct toll_impact_side *sides, int count,
                              const struct toll_zone *zone, unsigned threads, struct toll_error *error);
/* Which twin of the kernel adds, the portable one unless it is said; and how many rows will be added to one
 * sum, of which only speed depends. */
void toll_impact_add_with(struct toll_impact_shape *shape, toll_sums_kernel *kernel, int64_t rows);
void toll_impact_shape_free(struct toll_impact_shape *shape);
size_t toll_impact_sums_bytes(const struct toll_impact_shape *shape);

struct toll_impact_sums;
int toll_impact_sums_make(struct toll_impact_sums **out, const struct toll_impact_shape *shape,
                          struct toll_error *error);
void toll_impact_sums_free(struct toll_impact_sums *sums);
/* from: what it holds stays, but may lie elsewhere. */
int toll_impact_sums_merge(struct toll_impact_sums *sums, struct toll_impact_sums *from,
                           struct toll_error *error);

/* Rows of one batch as a side has them. */
struct toll_impact_lines {
    struct toll_line_batch lines; /* rows: the same for all sides */
    const uint32_t *plans;        /* by row: plan id of the side's book, 0 none; NULL: not known */
    /* Of the base: the charges of all repriced sides by row, side by side and in their order, as many as they
     * are rounded up to 8, those beyond without meaning. NULL: there are no such sides. */
    const int64_t *repriced_charges;
};
/* cdrs: rows, kind and start are read; kind and start may be NULL: then lines have no hour, day and billed_s.
 * sides: as many as the shape has. The first is the base. Lines in suspense have the charge 0. What goes
 * wrong (no memory, a run's line that names what its tables do not have) is told by toll_impact_make. */
void toll_impact_add(struct toll_impact_sums *sums, const struct toll_cdr_batch *cdrs,
                     const struct toll_impact_lines *sides);
/* One side alone, whose calls are not those of the others: of runs over different calls. */
void toll_impact_add_alone(struct toll_impact_sums *sums, int side, const struct toll_cdr_batch *cdrs,
                           const struct toll_impact_lines *lines);

struct toll_impact_wishes { /* see struct toll_whatif_options */
    bool same_calls;        /* sums came by toll_impact_add */
    int64_t moved_by_bp;
    size_t moved_most;
    bool prices;
};
/* All of the report; texts are copied. The sums may be freed afterwards, and nothing else can be made of
 * them. TOLL_EDATA, TOLL_ENOMEM. */
int toll_impact_make(struct toll_impact *out, struct toll_impact_sums *sums,
                     const struct toll_impact_side *sides, const struct toll_impact_wishes *wishes,
                     struct toll_error *error);

#endif
