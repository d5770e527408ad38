/*
 * The names that one thread has met in the chunks it read (trunks, hints, call types, carriers): a file says
 * the same ones in all its chunks, so that each is taken in once, and becomes the import's own id once.
 * Beside them it keeps the memory that a chunk's rows were in, for the next one.
 *
 * Only one chunk is read into a lexicon at a time; its chunks need it as long as they are there.
 */
#ifndef TOLL_INGEST_LEXICON_H
#define TOLL_INGEST_LEXICON_H

#include "base/checksum.h"
#include "ingest/columns.h"
#include "ingest/memo.h"
#include "ingest/row.h"

/* Names of up to 16 bytes and their ids, by their bytes. */
struct toll_short_names {
    struct toll_memo *slots; /* 2^bits, at most 5/8 of them taken; NULL: none yet */
    unsigned bits;
    uint32_t count;
};

struct toll_lexicon {
    struct toll_strings strings[TOLL_NAMES]; /* SOURCE is not used */
    struct toll_short_names shorts[TOLL_NAME_SOURCE];
    /* Of the ids that the import knows, its own: NULL: they are the same. */
    uint32_t *maps[TOLL_NAMES];
    uint32_t *ids[TOLL_NAME_SOURCE]; /* what maps points at, and how many it has, 0 among them */
    uint32_t known[TOLL_NAME_SOURCE];
    struct toll_columns *spare; /* or NULL */
};

/* NULL when out of memory. */
struct toll_lexicon *toll_lexicon_create(void);
void toll_lexicon_free(struct toll_lexicon *lexicon);

/* Ids of names, 1 to TOLL_MEMO_BYTES_MAX bytes each with as many readable bytes behind its begin, or `none`
 * for those of 0 bytes and of more. walk: stepped on in between. False when out of memory. */
bool toll_lexicon_read(struct toll_lexicon *lexicon, enum toll_name name, const char *text,
                       const uint32_t *begin, const uint32_t *bytes, size_t count, uint32_t none,
                       struct toll_sha256_walk *walk, uint32_t *ids);

/* Columns without rows for a chunk; NULL when out of memory. They are freed, or given back while nobody else
 * has the lexicon. */
struct toll_columns *toll_lexicon_columns(struct toll_lexicon *lexicon);
void toll_lexicon_give_back(struct toll_lexicon *lexicon, struct toll_columns *columns);

/* Brings the names that are new into the import's. Not thread safe on `names`, and not while a chunk is read
 * into the lexicon. False when out of memory. */
bool toll_lexicon_settle(struct toll_lexicon *lexicon, struct toll_row_names *names);

/* Lexicons that threads take and give back. */
struct toll_lexicons;
struct toll_lexicons *toll_lexicons_create(void); /* NULL when out of memory */
/* One that nobody has; NULL when out of memory, also when the lexicons could not be made. Any thread. */
struct toll_lexicon *toll_lexicons_take(struct toll_lexicons *lexicons);
void toll_lexicons_give_back(struct toll_lexicons *lexicons, struct toll_lexicon *lexicon);
/* All that were made; NULL: nothing. */
void toll_lexicons_free(struct toll_lexicons *lexicons);

#endif
