/*
 * Everything that is constant while a book rates: the book and what is derived from it once, so that the
 * passes over the rows look little up and divide nothing. Read by any number of threads.
 */
#ifndef TOLL_PIPELINE_RATER_H
#define TOLL_PIPELINE_RATER_H

#include "base/arena.h"
#include "base/strings.h"
#include "book/book.h"
#include "mmap_cdr/part.h"
#include "pipeline/areas.h"
#include "pipeline/draw_rules.h"
#include "pipeline/hot.h"
#include "pipeline/sheets.h"
#include "pipeline/verdicts.h"
#include "rating/voice.h"
#include "simd/kernels.h"

/* What digits 2-4 of an E.164 number that begins with 1 say (docs/RATING.md section 6); bits. */
enum toll_area_kind { TOLL_AREA_TOLL_FREE = 1, TOLL_AREA_PREMIUM = 2 };

struct toll_rater {
    const struct toll_book *book;
    const struct toll_kernels *kernels;
    /* By deck id, and others below: what the LPM kernel walks. The values of a deck that is a sheet are those
     * of its family. */
    const struct toll_lpm *tables;
    uint32_t caller_tables; /* [this + deck]: the callers' prefixes of a deck of key npanxx_pair */
    uint32_t place_table, destination_table; /* 0: the book has none */
    const uint32_t *verdicts;                /* [plan * TOLL_VERDICT_KEYS + key]; plan 0: all 0 */
    /* By price id: 1 + terms index; [0] is 0; TOLL_TERMS_FAR: in the book, as from price_near on. */
    const uint16_t *price_terms;
    uint32_t price_near;                 /* prices above those of rules and of decks that are no sheets */
    struct toll_voice_terms voice_terms; /* by 1 + terms index; 0 is none */
    const struct toll_number_line *numbers;
    uint64_t number_lines;
    const struct toll_hot_owner *owners;
    const uint32_t *lpm_words; /* of `tables`, in large pages; values are the book's own */
    size_t lpm_word_count;     /* 0: they are the book's */
    uint32_t one_table;        /* all decks that have prefixes have this table; 0: not all the same */
    struct toll_sheets sheets;
    const uint32_t *calltype_places; /* by deck id: 1 + place among the decks of key calltype, or 0 */
    uint32_t calltype_decks;         /* how many those are */
    uint32_t columns;                /* CDR columns that rating with this book reads */
    uint8_t areas[4096];             /* enum toll_area_kind bits by three raw nibbles; all 0 unless nanp */
    struct toll_call_areas call_areas;
    const uint32_t *deck_ways;     /* by deck id: simd/layout_deck.h */
    bool has_ways;                 /* the decks have to be looked at for what they are asked and give */
    bool by_jurisdiction;          /* some deck has rates by jurisdiction */
    uint8_t own_bases;             /* bits 1 << basis of TOLL_WAY_BASIS_BITS that occur */
    bool has_next;                 /* some rule goes on where its deck has nothing */
    const uint64_t *own_exchanges; /* a bit by toll_exchange_bit; NULL: nobody asks */
    struct toll_surcharge_rules *surcharges; /* pipeline/surcharges.h; NULL: the book has none */
    struct toll_draw_rules *draws;           /* NULL: the book has neither bundles nor tiers */
    struct toll_cost_rules *cost;            /* pipeline/cost.h; NULL: the book has no buy plan */
    const struct toll_tuples *tuples;        /* pipeline/tuples.h, of a run: borrowed; NULL: it has none */
    struct toll_verdicts rules;
    struct toll_hot hot;
};

static inline bool toll_rater_is_sheet(const struct toll_rater *rater, uint32_t deck)
{
    return deck < rater->sheets.count && rater->sheets.decks[deck].family != 0;
}

/* The book is borrowed and must outlive the rater. features: see toll_kernels_select. */
int toll_rater_init(struct toll_rater *rater, const struct toll_book *book, unsigned features,
                    struct toll_error *error);
void toll_rater_free(struct toll_rater *rater); /* safe on a zeroed struct */

/* Do two books say the same of every call's payer (its owner id), class and jurisdiction? Mostly they do if
 * they have the same customers and places; false where that is not easily seen. */
bool toll_rater_same_ends(const struct toll_rater *a, const struct toll_rater *b);
/* Where a table of the other rater, which must live as long, has the same bytes, it is looked up there: then
 * it is near for both. */
void toll_rater_share(struct toll_rater *rater, const struct toll_rater *other);

/*
 * What the dictionaries of one CDR part mean in the book. Arrays by dictionary id; trunks, hints, carriers
 * hold 1 + index into book->named[kind], 0 where the book does not know the value.
 */
struct toll_part_map {
    const uint32_t *trunks, *hints, *carriers;
    const uint32_t *calltypes;      /* [id * calltype_decks + place]: value as an LPM value */
    const uint32_t *calltype_texts; /* id in `texts` of the run; NULL when nobody asked */
    /* [calltype id * carrier_count + carrier id]: the carrier's word of the jurisdiction, -1 none; NULL: the
     * book has no calltypes.csv */
    const int8_t *words;
    uint32_t carrier_count; /* entries of the carriers' dictionary, at least 1 */
};
/* Memory comes from the arena. texts: NULL, or where the part's call-type codes are entered. */
int toll_part_map_make(struct toll_part_map *map, const struct toll_rater *rater,
                       const struct toll_cdr_part *part, struct toll_arena *arena, struct toll_strings *texts,
                       struct toll_error *error);

#endif
