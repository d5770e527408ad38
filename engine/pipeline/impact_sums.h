/*
 * Inside of pipeline/impact.h: how the sums lie in memory.
 *
 * A plane is an array of records, one for each key (an account, a price row, an hour ...). A record of an
 * ordinary side has the words of enum toll_impact_word. Behind the base's come the charges of the repriced
 * sides, side by side, so that a row adds all of them to one place; and behind those, in its plane of price
 * rows only, what the ordinary sides charge for the calls of that price row. A repriced side has no planes.
 *
 * A side whose accounts and plans have the base's ids is `alike`: on most rows it has the base's account,
 * class, status and so on, and only another charge. It is kept as a repriced side is; a row that it has
 * otherwise is taken away where the base has it and added where it belongs, in `counts` with its charge. Of
 * price rows it is taken away from the base's group (deck and destination) and added in a plane of its own.
 *
 * Words are 64 bits. `bound` is more than any word can be; before it passes them, all words are moved into
 * wide ones (toll_impact_settle), which happens when billions are charged, and for most runs never.
 */
#ifndef TOLL_PIPELINE_IMPACT_SUMS_H
#define TOLL_PIPELINE_IMPACT_SUMS_H

#include "base/money.h"
#include "pipeline/impact.h"

#define TOLL_IMPACT_KINDS 25  /* of lines: class * 5 + call jurisdiction */
#define TOLL_IMPACT_HOURS 168 /* of the week */
#define TOLL_IMPACT_CURRENCIES 64
#define TOLL_IMPACT_CELLS (TOLL_IMPACT_KINDS * TOLL_STATUS_COUNT)
_Static_assert(TOLL_IMPACT_KINDS == TOLL_CLASSES * TOLL_CALL_JURISDICTIONS, "all of them");

enum toll_impact_word {
    TOLL_WORD_ROWS,
    TOLL_WORD_RATED,
    TOLL_WORD_SUSPENSE,
    TOLL_WORD_BILLED_S,
    TOLL_WORD_CHARGE,
    TOLL_WORD_COST,
    TOLL_WORDS_OWN
};
#define TOLL_WORDS_AT_ONCE 8 /* records are multiples of a cache line */
/* A record has room for the charges of all sides. */
#define TOLL_WORDS_MOST (TOLL_WORDS_OWN + TOLL_IMPACT_BOOKS_MAX + 2)
/* Of the differences of a side that is alike. */
#define TOLL_WORDS_COUNTS TOLL_WORDS_OWN

/* Keys: but for accounts each times the currencies, the currency last. */
enum toll_impact_plane {
    TOLL_PLANE_ACCOUNTS,
    TOLL_PLANE_PRICES,
    TOLL_PLANE_PLANS,
    TOLL_PLANE_KINDS,
    TOLL_PLANE_STATUSES,
    TOLL_PLANE_HOURS,
    TOLL_PLANE_DAYS,  /* by slot of `days` */
    TOLL_PLANE_CELLS, /* of the hour that is open: kind * TOLL_STATUS_COUNT + status */
    TOLL_PLANES
};

struct toll_impact_side_shape {
    bool repriced, alike;
    uint16_t *groups; /* by price id, if alike or others are: the same for the same deck and destination */
    uint32_t word;    /* of its charge, in the base's records (ordinary: of price rows); base: its own */
    uint32_t words;   /* of a record; of price rows: */
    uint32_t price_words;
    uint32_t accounts, plans, prices; /* keys */
    uint8_t *account_currency;        /* by account id: index of currencies; NULL: there is one */
    /* By price id; NULL: the id is the key. Of a run 1 + index in its table, 0 it has no such row; of a book
     * without all details 1 + index of price_of_key. */
    uint32_t *price_keys;
    uint32_t
        *price_of_key; /* a price of the key, with the bit below if it has others, too; NULL: the key is it */
    uint32_t price_ids; /* entries of price_keys; of a book: as prices */
};
/* What it has is what the base has, but for charges and, of one that is alike, differences. */
static inline bool toll_impact_beside(const struct toll_impact_side_shape *side)
{
    return side->repriced || side->alike;
}
#define TOLL_KEY_GROUP UINT32_C(0x80000000)
/* What a key of the prices' plane stands for. */
static inline uint32_t toll_impact_price_of(const struct toll_impact_side_shape *side, size_t key)
{
    return side->price_of_key == NULL ? (uint32_t)key : side->price_of_key[key] & ~TOLL_KEY_GROUP;
}
static inline bool toll_impact_is_group(const struct toll_impact_side_shape *side, size_t key)
{
    return side->price_of_key != NULL && (side->price_of_key[key] & TOLL_KEY_GROUP) != 0;
}

struct toll_impact_shape {
    int count;           /* sides */
    int repriced, alike; /* how many of them are */
    struct toll_impact_side_shape sides[TOLL_IMPACT_BOOKS_MAX];
    const char *currencies[TOLL_IMPACT_CURRENCIES + 1]; /* ascending; the books' or runs' texts */
    uint32_t currency_count;
    uint32_t own_currency[TOLL_IMPACT_BOOKS_MAX]; /* by side: of lines without account */
    const struct toll_zone *zone;
    toll_sums_kernel *kernel;
    unsigned threads; /* for what is done once */
    /* Where some side is alike: the base's groups, of which 0 is none, and a price of each. */
    uint32_t group_count;
    uint32_t *group_price;
    int64_t rows; /* that are expected in one sum; 0: nobody knows */
};

struct toll_plane {
    int64_t *now;     /* keys * words; mapped */
    toll_total *wide; /* the same, or NULL */
    size_t keys, words, bytes;
};
struct toll_impact_side_sums {
    struct toll_plane
        planes[TOLL_PLANES]; /* of a side that is alike but price rows, which it has otherwise */
    struct toll_plane counts[TOLL_PLANES]; /* differences of a side that is alike; of others empty */
    struct toll_plane
        moves;         /* base status * TOLL_STATUS_COUNT + status; empty of the base and repriced sides */
    uint8_t *touched;  /* by cell */
    int64_t strangers; /* lines that name what the tables do not have */
    bool has_plans;
    bool without_calls; /* some rows came without their CDRs */
    bool differs;       /* a side that is alike has differences */
};
enum { TOLL_MOVE_ROWS, TOLL_MOVE_BASE_CHARGE, TOLL_MOVE_CHARGE, TOLL_MOVE_WORDS = 4 };

struct toll_impact_sums {
    const struct toll_impact_shape *shape;
    struct toll_impact_side_sums sides[TOLL_IMPACT_BOOKS_MAX];
    int64_t *days; /* local, since 1970, by slot */
    uint32_t day_count, day_room;
    uint64_t bound;  /* in units of 256 */
    int64_t settled; /* how often */
    /* the hour that is open */
    toll_ms from, until; /* UTC; empty at first */
    int hour;            /* of the week; -1: not known */
    uint32_t day_slot;
    bool no_memory;
    void *scratch; /* of toll_impact_add */
};
#define TOLL_IMPACT_BOUND (UINT64_C(1) << 54)
#define TOLL_IMPACT_SETTLED_MOST                                               \
    4096 /* some 10^14 charged: these are no calls, and it would take for ever \
          */

/* The currency of an account's lines; of 0 the side's own. */
static inline uint32_t toll_impact_currency(const struct toll_impact_shape *shape, int side, uint32_t account)
{
    const uint8_t *of = shape->sides[side].account_currency;
    return of == NULL ? 0 : of[account];
}

/* Price rows of a book that are one row of its tables: a deck's row is four, some of one column. They are
 * next to each other. */
#define TOLL_SAME_ROW_WITHIN TOLL_RATE_COLUMNS
bool toll_impact_same_row(const struct toll_book *book, size_t a, size_t b);

/* rows: how many it may be added, as far as it is known; 0: few. */
bool toll_plane_make(struct toll_plane *plane, size_t keys, size_t words, int64_t rows);
void toll_plane_free(struct toll_plane *plane);
static inline toll_total toll_plane_get(const struct toll_plane *plane, size_t key, size_t word)
{
    const size_t at = key * plane->words + word;
    return plane->now[at] + (plane->wide == NULL ? 0 : plane->wide[at]);
}
/* Moves all words into the wide ones; tells no_memory. */
void toll_impact_settle(struct toll_impact_sums *sums);
void *toll_impact_scratch_make(const struct toll_impact_shape *shape); /* free() */
/* Adds the cells of the open hour to what they are part of. */
void toll_impact_close_hour(struct toll_impact_sums *sums);
/* Opens the hour of an instant. */
void toll_impact_open_hour(struct toll_impact_sums *sums, toll_ms start);

/* What a side has under a key of a plane. */
struct toll_impact_words {
    toll_total words[TOLL_WORDS_OWN];
};
void toll_impact_read(const struct toll_impact_sums *sums, int side, enum toll_impact_plane plane, size_t key,
                      struct toll_impact_words *out);

#endif
