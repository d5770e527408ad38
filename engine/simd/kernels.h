/*
 * Kernels on plain arrays. One file per kernel and instruction set; name_scalar.c is the specification and
 * every twin gives the same bits. The pipeline selects one table at the start and passes it along.
 *
 * All arrays have `rows` elements and do not overlap; any row count, no alignment beyond the element's.
 */
#ifndef TOLL_SIMD_KERNELS_H
#define TOLL_SIMD_KERNELS_H

#include "base/checksum.h"
#include "simd/csv_index.h"
#include "simd/draws.h"
#include "simd/fields.h"
#include "simd/layout_call.h"
#include "simd/layout_deck.h"
#include "simd/layout_lpm.h"
#include "simd/layout_sheet.h"
#include "simd/layout_voice.h"
#include "simd/lists.h"
#include "simd/moved.h"
#include "simd/narrow.h"
#include "simd/number_lines.h"
#include "simd/reprice.h"
#include "simd/sums.h"

#include <stdbool.h>
#include <stddef.h>

/* What the rules kernel writes; arrays of `rows` elements. */
struct toll_verdicts_out {
    int32_t *account, *price;
    uint32_t *bucket, *deck;
    uint8_t *status;
    uint32_t *odd;      /* rows that no verdict settles, ascending; behind odd_count anything */
    uint32_t *planless; /* rows whose verdict waits for a plan that depends on the record: not odd yet */
    size_t odd_count, planless_count;
};

/* What the tally kernel adds to or writes. */
struct toll_tally_out {
    struct toll_tally_bucket *buckets;
    uint64_t *voice_prices; /* a bit for each price that a voice line names */
    int64_t voice_units, rated, unanswered;
    uint32_t *rest; /* rows of any other status, ascending; behind rest_count anything */
    size_t rest_count;
};

/* What the tuple kernel reads. */
struct toll_tuple_in {
    const struct toll_tuple_bucket *buckets;
    const uint32_t *offsets; /* by product + toll_tuple_key(): of the call's kind */
    const uint32_t *product; /* added to the key of each row; NULL: 0 */
    const uint32_t *spans;   /* by calendar: of all rows */
    uint32_t calendars;      /* how many; of one its bucket is not asked */
    bool voice;              /* all rows are voice, and product is NULL */
    const uint32_t *planes;  /* by offset + span: first slot, 0 none yet */
};

/* Each kernel's contract is its type; toll_<kernel>_scalar is the specification, the others are its twins. */

/* owners[i] = the owner field of the number keys[i], 0 when it is not there or 0. At least one of the lines
 * has an empty place (line_count 0: nothing is there). */
typedef void toll_probe_kernel(const struct toll_number_line *lines, uint64_t line_count,
                               const uint64_t *keys, size_t rows, uint32_t *owners);

/* values[i] = what deck tables[decks[i]] has for the number keys[i] (E.164, packed BCD): never a NODE. Deck 0
 * means "not wanted" and gives 0. one: the table of all decks but 0; 0: each has its own. */
typedef void toll_lpm_kernel(const struct toll_lpm *tables, const uint32_t *words, uint32_t one,
                             const uint32_t *decks, const uint64_t *keys, size_t rows, uint32_t *values);

/* The columns that the classify kernel reads. from and to: whose places count; mostly caller and callee, and
 * read as E.164 numbers where the kind says so of these. ring_to: some toll-free call has a number to ring.
 */
struct toll_classify_in {
    const uint64_t *caller, *callee, *from, *to;
    const uint16_t *kind;
    bool ring_to;
};
/* What it writes; arrays of `rows` elements. */
struct toll_classify_out {
    uint64_t *near; /* the number that might pay, 0 none */
    uint16_t *shape;
    uint8_t *class_jurisdiction;
    uint32_t
        *again; /* rows whose jurisdiction the words do not settle, ascending; behind the count anything */
};

/* The number that might pay, the shape and the class byte of each CDR; the rows of whose jurisdiction only a
 * look at their places can say. Asks for the lines that the probe will look at. Returns how many are in
 * `again`. */
typedef size_t toll_classify_kernel(const struct toll_areas *areas, const struct toll_number_line *lines,
                                    uint64_t line_count, const struct toll_classify_in *in, size_t rows,
                                    const struct toll_classify_out *out);

/* Account, bucket, and the deck or price that the plan's verdict gives. owner: none is dated; owners[0] is
 * nobody. by_record: no plan is known by the owner alone. out->status is the line's as far as it is settled
 * here, else 0. */
typedef void toll_rules_kernel(const struct toll_hot_owner *owners, const uint32_t *verdicts,
                               const uint32_t *owner, const uint16_t *shape, bool by_record, size_t rows,
                               struct toll_verdicts_out *out);

/* The columns that the ask kernel reads. lrn_callee, lrn_caller: 0 where the record has none. */
struct toll_ask_in {
    const uint64_t *callee, *caller, *lrn_callee, *lrn_caller;
    const uint16_t *kind;
    const uint8_t *class_jurisdiction;
    const uint32_t *deck;
};
/* What it writes; arrays of `rows` elements. */
struct toll_ask_out {
    uint64_t *
        key; /* the number to look up; UINT64_MAX, only in the empty prefix, where there is no E.164 number */
    uint32_t *deck; /* the deck whose prefixes are asked, 0 where it is asked by call type */
    uint32_t
        *second; /* rows whose deck needs more than this one number, ascending; behind the count anything */
    uint8_t *column; /* of the deck's prices, by the call's jurisdiction */
};

/* What each row's deck is to be asked. ways: by deck id. Returns how many rows are in `second`. */
typedef size_t toll_ask_kernel(const uint32_t *ways, const struct toll_ask_in *in, size_t rows,
                               const struct toll_ask_out *out);

/* What the price kernel reads. */
struct toll_price_in {
    const uint16_t *price_terms; /* two elements more than there are near prices are readable */
    const uint8_t *column;       /* added to each value that is a price row; NULL: nothing */
    const uint32_t *deck;
    /* Decks that are sheets, by deck id: sheet_count elements, a multiple of 32. NULL: there are none. */
    const struct toll_sheet_now *sheets;
    uint32_t sheet_count;
    struct toll_family_shape shape;
    /* Sheets are as `sheets` says for calls that begin in [from, until). NULL: always. */
    const int64_t *start;
    int64_t from, until;
};

/* From what the decks have, value[i], to price rows: price[i] |= it, after a row's column is added to it, or
 * the row that a sheet's value means. terms[i] of it, 0 for an entry. Returns how many rows are in `rest`:
 * those with an entry, with far terms, and those with a deck that has nothing; of sheets those that are to be
 * asked, whose price is left alone. */
typedef size_t toll_price_kernel(const struct toll_price_in *in, size_t rows, uint32_t *value, int32_t *price,
                                 uint32_t *terms, uint32_t *rest);

/* Columns of the CDRs behind those at hand, which whoever computes long asks for meanwhile, but never
 * reads: there may be fewer. NULL: none. */
struct toll_next_rows {
    const uint64_t *caller, *callee;
    const int64_t *start;
    const int32_t *duration_ms;
    const uint16_t *kind;
};

/* Units and charge by terms[index[i]], and the bits of its status added to status[i]. Returns how many rows
 * are in `exact`: those whose terms say so, with 0 everywhere. */
typedef size_t toll_voice_kernel(const struct toll_voice_terms *terms, const uint32_t *index,
                                 const int32_t *duration_ms, const struct toll_next_rows *next, size_t rows,
                                 int32_t *billed, int64_t *charge, uint8_t *status, uint32_t *exact);

/* Tuple and slot of each line: of a rated one first + offset + span of its bucket, kind and calendar, and the
 * bucket's place in the plane of offset + span; of any other 0 and the bucket. Returns how many rows are in
 * `rest`: those whose plane is not there yet. rest: arrays of `rows`; behind the count anything. */
typedef size_t toll_tuple_kernel(const struct toll_tuple_in *in, const uint16_t *kind,
                                 const uint8_t *class_jurisdiction, const uint8_t *status,
                                 const uint32_t *bucket, size_t rows, int32_t *tuple, uint32_t *slot,
                                 uint32_t *rest);

/* Adds up finished lines; those in suspense count in bucket 0. */
typedef void toll_tally_kernel(const uint16_t *kind, const int32_t *price, const int32_t *billed,
                               const int64_t *charge, const uint8_t *status, const uint32_t *bucket,
                               size_t rows, struct toll_tally_out *out);

struct toll_kernels {
    const char *name; /* "scalar", "avx2", "avx512" */
    toll_probe_kernel *probe;
    toll_lpm_kernel *lpm;
    toll_classify_kernel *classify;
    toll_rules_kernel *rules;
    toll_ask_kernel *ask;
    toll_price_kernel *price;
    toll_voice_kernel *voice;
    toll_tally_kernel *tally;
    toll_tuple_kernel *tuple;
    toll_hash_kernel *hash;
    toll_hash_add_kernel *hash_add;
    toll_ask_pools_kernel *ask_pools;
    toll_csv_index_kernel *csv_index;
    toll_reprice_kernel *reprice;
    toll_sums_kernel *sums;
    toll_moved_kernel *moved;
    toll_narrow_kernel *narrow;
    const struct toll_list_kernels *lists;
    const struct toll_field_kernels *fields;
};

/* features: a set of enum toll_cpu_feature (base/cpu.h) that the processor must have; 0 gives the portable
 * kernels. Nothing is detected here. */
const struct toll_kernels *toll_kernels_select(unsigned features);

/* The twins are there on x86-64 only. */
toll_probe_kernel toll_probe_scalar, toll_probe_avx2, toll_probe_avx512;
toll_lpm_kernel toll_lpm_scalar, toll_lpm_avx2, toll_lpm_avx512;
toll_classify_kernel toll_classify_scalar, toll_classify_avx2, toll_classify_avx512;
toll_rules_kernel toll_rules_scalar, toll_rules_avx2, toll_rules_avx512;
toll_ask_kernel toll_ask_scalar, toll_ask_avx2, toll_ask_avx512;
toll_price_kernel toll_price_scalar, toll_price_avx2, toll_price_avx512;
toll_voice_kernel toll_voice_scalar, toll_voice_avx2, toll_voice_avx512;
toll_tally_kernel toll_tally_scalar, toll_tally_avx2, toll_tally_avx512;
toll_tuple_kernel toll_tuple_scalar, toll_tuple_avx2, toll_tuple_avx512;

/* One number, for whoever has only one. */
uint32_t toll_probe_one(const struct toll_number_line *lines, uint64_t line_count, uint64_t key);
uint32_t toll_lpm_one(const struct toll_lpm *table, const uint32_t *words, uint64_t key);

#endif
