/*
 * Kernels on plain arrays. One file per kernel and instruction set; name_scalar.c is the specification and
 * every twin gives the same bits. The pipeline selects one table at the start and passes it along.
 *
 * All arrays have `rows` elements and do not overlap; any row count, no alignment beyond the element's.
 */
#ifndef TOLL_SIMD_KERNELS_H
#define TOLL_SIMD_KERNELS_H

#include "simd/layout_call.h"
#include "simd/layout_lpm.h"
#include "simd/layout_voice.h"
#include "simd/number_lines.h"

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

struct toll_kernels {
    const char *name; /* "scalar", "avx2", "avx512" */

    /* owners[i] = the owner field of the number keys[i], 0 when it is not there or 0. At least one of the
     * lines has an empty place (line_count 0: nothing is there). */
    void (*probe)(const struct toll_number_line *lines, uint64_t line_count, const uint64_t *keys,
                  size_t rows, uint32_t *owners);

    /* values[i] = what deck tables[decks[i]] has for the number keys[i] (E.164, packed BCD): never a NODE.
     * Deck 0 means "not wanted" and gives 0. */
    void (*lpm)(const struct toll_lpm *tables, const uint32_t *words, const uint32_t *decks,
                const uint64_t *keys, size_t rows, uint32_t *values);

    /* The number that might pay (0 none), the shape and the class byte of each CDR. areas: TOLL_AREAS_BYTES.
     * Asks for the lines that the probe will look at. */
    void (*classify)(const uint8_t *areas, const struct toll_number_line *lines, uint64_t line_count,
                     const uint64_t *caller, const uint64_t *callee, const uint16_t *kind, size_t rows,
                     uint64_t *near, uint16_t *shape, uint8_t *class_jurisdiction);

    /* Account, bucket, and the deck or price that the plan's verdict gives. owner: none is dated; owners[0]
     * is nobody. by_record: no plan is known by the owner alone. out->status is the line's as far as it is
     * settled here, else 0. */
    void (*rules)(const struct toll_hot_owner *owners, const uint32_t *verdicts, const uint32_t *owner,
                  const uint16_t *shape, bool by_record, size_t rows, struct toll_verdicts_out *out);

    /* price[i] |= value[i], and terms[i] of it, 0 for an entry. Returns how many rows are in `rest`: those
     * with an entry, with far terms, and those with a deck that has nothing. price_terms: one element more
     * than there are prices is readable. */
    size_t (*price)(const uint16_t *price_terms, const uint32_t *value, const uint32_t *deck, size_t rows,
                    int32_t *price, uint32_t *terms, uint32_t *rest);

    /* Units and charge by terms[index[i]], and the bits of its status added to status[i]. Returns how many
     * rows are in `exact`: those whose terms say so, with 0 everywhere. */
    size_t (*voice)(const struct toll_voice_terms *terms, const uint32_t *index, const int32_t *duration_ms,
                    size_t rows, int32_t *billed, int64_t *charge, uint8_t *status, uint32_t *exact);

    /* Adds up finished lines; those in suspense count in bucket 0. */
    void (*tally)(const uint16_t *kind, const int32_t *price, const int32_t *billed, const int64_t *charge,
                  const uint8_t *status, const uint32_t *bucket, size_t rows, struct toll_tally_out *out);
};

/* features: a set of enum toll_cpu_feature (base/cpu.h) that the processor must have; 0 gives the portable
 * kernels. Nothing is detected here. */
const struct toll_kernels *toll_kernels_select(unsigned features);

void toll_probe_scalar(const struct toll_number_line *lines, uint64_t line_count, const uint64_t *keys,
                       size_t rows, uint32_t *owners);
void toll_lpm_scalar(const struct toll_lpm *tables, const uint32_t *words, const uint32_t *decks,
                     const uint64_t *keys, size_t rows, uint32_t *values);

void toll_classify_scalar(const uint8_t *areas, const struct toll_number_line *lines, uint64_t line_count,
                          const uint64_t *caller, const uint64_t *callee, const uint16_t *kind, size_t rows,
                          uint64_t *near, uint16_t *shape, uint8_t *class_jurisdiction);
void toll_rules_scalar(const struct toll_hot_owner *owners, const uint32_t *verdicts, const uint32_t *owner,
                       const uint16_t *shape, bool by_record, size_t rows, struct toll_verdicts_out *out);
size_t toll_price_scalar(const uint16_t *price_terms, const uint32_t *value, const uint32_t *deck,
                         size_t rows, int32_t *price, uint32_t *terms, uint32_t *rest);
size_t toll_voice_scalar(const struct toll_voice_terms *terms, const uint32_t *index,
                         const int32_t *duration_ms, size_t rows, int32_t *billed, int64_t *charge,
                         uint8_t *status, uint32_t *exact);
void toll_tally_scalar(const uint16_t *kind, const int32_t *price, const int32_t *billed,
                       const int64_t *charge, const uint8_t *status, const uint32_t *bucket, size_t rows,
                       struct toll_tally_out *out);

#if defined(__x86_64__)
void toll_probe_avx2(const struct toll_number_line *lines, uint64_t line_count, const uint64_t *keys,
                     size_t rows, uint32_t *owners);
void toll_probe_avx512(const struct toll_number_line *lines, uint64_t line_count, const uint64_t *keys,
                       size_t rows, uint32_t *owners);
void toll_lpm_avx2(const struct toll_lpm *tables, const uint32_t *words, const uint32_t *decks,
                   const uint64_t *keys, size_t rows, uint32_t *values);
void toll_lpm_avx512(const struct toll_lpm *tables, const uint32_t *words, const uint32_t *decks,
                     const uint64_t *keys, size_t rows, uint32_t *values);
void toll_classify_avx2(const uint8_t *areas, const struct toll_number_line *lines, uint64_t line_count,
                        const uint64_t *caller, const uint64_t *callee, const uint16_t *kind, size_t rows,
                        uint64_t *near, uint16_t *shape, uint8_t *class_jurisdiction);
void toll_tally_avx2(const uint16_t *kind, const int32_t *price, const int32_t *billed, const int64_t *charge,
                     const uint8_t *status, const uint32_t *bucket, size_t rows, struct toll_tally_out *out);
void toll_rules_avx2(const struct toll_hot_owner *owners, const uint32_t *verdicts, const uint32_t *owner,
                     const uint16_t *shape, bool by_record, size_t rows, struct toll_verdicts_out *out);
size_t toll_price_avx2(const uint16_t *price_terms, const uint32_t *value, const uint32_t *deck, size_t rows,
                       int32_t *price, uint32_t *terms, uint32_t *rest);
size_t toll_voice_avx2(const struct toll_voice_terms *terms, const uint32_t *index,
                       const int32_t *duration_ms, size_t rows, int32_t *billed, int64_t *charge,
                       uint8_t *status, uint32_t *exact);

void toll_classify_avx512(const uint8_t *areas, const struct toll_number_line *lines, uint64_t line_count,
                          const uint64_t *caller, const uint64_t *callee, const uint16_t *kind, size_t rows,
                          uint64_t *near, uint16_t *shape, uint8_t *class_jurisdiction);
void toll_rules_avx512(const struct toll_hot_owner *owners, const uint32_t *verdicts, const uint32_t *owner,
                       const uint16_t *shape, bool by_record, size_t rows, struct toll_verdicts_out *out);
size_t toll_price_avx512(const uint16_t *price_terms, const uint32_t *value, const uint32_t *deck,
                         size_t rows, int32_t *price, uint32_t *terms, uint32_t *rest);
size_t toll_voice_avx512(const struct toll_voice_terms *terms, const uint32_t *index,
                         const int32_t *duration_ms, size_t rows, int32_t *billed, int64_t *charge,
                         uint8_t *status, uint32_t *exact);
void toll_tally_avx512(const uint16_t *kind, const int32_t *price, const int32_t *billed,
                       const int64_t *charge, const uint8_t *status, const uint32_t *bucket, size_t rows,
                       struct toll_tally_out *out);
#endif

/* One number, for whoever has only one. */
uint32_t toll_probe_one(const struct toll_number_line *lines, uint64_t line_count, uint64_t key);
uint32_t toll_lpm_one(const struct toll_lpm *table, const uint32_t *words, uint64_t key);

#endif
