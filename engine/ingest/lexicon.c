/* Tables of short names that grow, and what becomes of their ids. */
#include "ingest/lexicon.h"

#include <pthread.h>
#include <stdlib.h>

#define FIRST_BITS 6u
#define SPARE_BYTES_MAX ((size_t)16 << 20) /* of a file in one piece: not kept */
#define TOGETHER 64u /* names whose slots are asked for before any of them is looked at */

struct toll_lexicon *toll_lexicon_create(void)
{
    return calloc(1, sizeof(struct toll_lexicon));
}

void toll_lexicon_free(struct toll_lexicon *lexicon)
{
    if (lexicon == NULL)
        return;
    for (int i = 0; i < TOLL_NAMES; i++)
        toll_strings_free(&lexicon->strings[i]);
    for (int i = 0; i < TOLL_NAME_SOURCE; i++) {
        free(lexicon->shorts[i].slots);
        free(lexicon->ids[i]);
    }
    toll_columns_free(lexicon->spare);
    free(lexicon);
}

struct toll_columns *toll_lexicon_columns(struct toll_lexicon *lexicon)
{
    struct toll_columns *columns = lexicon->spare;

    lexicon->spare = NULL;
    if (columns == NULL)
        return toll_columns_create();
    toll_columns_clear(columns);
    return columns;
}

void toll_lexicon_give_back(struct toll_lexicon *lexicon, struct toll_columns *columns)
{
    if (lexicon->spare != NULL || toll_columns_bytes(columns) > SPARE_BYTES_MAX) {
        toll_columns_free(columns);
        return;
    }
    lexicon->spare = columns;
}

/* -- short names -- */

struct word {
    uint64_t head, tail;
    uint32_t bytes;
};

static inline struct toll_memo *first_slot(const struct toll_short_names *names, const struct word *word)
{
    const uint64_t mixed =
        ((word->head ^ (word->tail << 23 | word->tail >> 41)) + word->bytes) * UINT64_C(0x9e3779b97f4a7c15);

    return &names->slots[mixed >> (64 - names->bits)];
}

static inline bool is_word(const struct toll_memo *slot, const struct word *word)
{
    return slot->head == word->head && slot->tail == word->tail && slot->bytes == word->bytes;
}

/* Where it is, or is to be put. */
static inline struct toll_memo *find_slot(const struct toll_short_names *names, const struct word *word,
                                          struct toll_memo *at)
{
    const struct toll_memo *end = names->slots + ((size_t)1 << names->bits);

    while (at->bytes != 0 && !is_word(at, word))
        at = at + 1 == end ? names->slots : at + 1;
    return at;
}

static bool grow(struct toll_short_names *names)
{
    const size_t old_room = names->slots == NULL ? 0 : (size_t)1 << names->bits;
    struct toll_short_names larger = {.bits = old_room == 0 ? FIRST_BITS : names->bits + 1,
                                      .count = names->count};

    larger.slots = calloc((size_t)1 << larger.bits, sizeof *larger.slots);
    if (larger.slots == NULL)
        return false;
    for (size_t i = 0; i < old_room; i++) {
        const struct toll_memo *from = &names->slots[i];
        const struct word word = {from->head, from->tail, from->bytes};

        if (from->bytes != 0)
            *find_slot(&larger, &word, first_slot(&larger, &word)) = *from;
    }
    free(names->slots);
    *names = larger;
    return true;
}

/* The id of a new one; 0 when out of memory. */
static uint32_t add(struct toll_lexicon *lexicon, enum toll_name name, const char *text,
                    const struct word *word)
{
    struct toll_short_names *names = &lexicon->shorts[name];
    const uint32_t id = toll_strings_add(&lexicon->strings[name], text, word->bytes);

    if (id == 0 || (8 * ((size_t)names->count + 1) > (size_t)5 << names->bits && !grow(names)))
        return 0;
    *find_slot(names, word, first_slot(names, word)) =
        (struct toll_memo){word->head, word->tail, word->bytes, id};
    names->count++;
    return id;
}

bool toll_lexicon_read(struct toll_lexicon *lexicon, enum toll_name name, const char *text,
                       const uint32_t *begin, const uint32_t *bytes, size_t count, uint32_t none,
                       struct toll_sha256_walk *walk, uint32_t *ids)
{
    struct toll_short_names *names = &lexicon->shorts[name];
    struct word words[TOGETHER];
    size_t rows;

    if (names->slots == NULL && !grow(names))
        return false;
    for (size_t from = 0; from < count; from += rows) {
        rows = count - from < TOGETHER ? count - from : TOGETHER;
        for (size_t r = 0; r < rows; r++) {
            const uint32_t size = bytes[from + r];

            words[r] = (struct word){.bytes = size <= TOLL_MEMO_BYTES_MAX ? size : 0};
            toll_padded_words(text + begin[from + r], words[r].bytes, &words[r].head, &words[r].tail);
            __builtin_prefetch(first_slot(names, &words[r]));
        }
        for (size_t r = 0; r < rows; r++) {
            const struct toll_memo *slot = first_slot(names, &words[r]);

            toll_sha256_walk_step(walk); /* while the slot comes */
            ids[from + r] = none;
            if (words[r].bytes == 0)
                continue;
            if (__builtin_expect(!is_word(slot, &words[r]), 0))
                slot = find_slot(names, &words[r], first_slot(names, &words[r]));
            ids[from + r] =
                slot->bytes != 0 ? slot->value : add(lexicon, name, text + begin[from + r], &words[r]);
            if (__builtin_expect(ids[from + r] == 0, 0))
                return false;
        }
    }
    return true;
}

/* -- ids of the import -- */

static bool settle_one(struct toll_lexicon *lexicon, struct toll_row_names *names, int name)
{
    struct toll_strings *from = &lexicon->strings[name];
    const uint32_t known = lexicon->known[name] == 0 ? 1 : lexicon->known[name];
    uint32_t *ids;

    if (from->count < known)
        return true;
    ids = realloc(lexicon->ids[name], ((size_t)from->count + 1) * sizeof *ids);
    if (ids == NULL)
        return false;
    if (lexicon->maps[name] != NULL)
        lexicon->maps[name] = ids;
    lexicon->ids[name] = ids;
    ids[0] = 0;
    for (uint32_t id = known; id <= from->count; id++) {
        size_t bytes;
        const char *text = toll_strings_text(from, id, &bytes);

        ids[id] = toll_strings_add(&names->strings[name], text, bytes);
        if (ids[id] == 0)
            return false;
        if (ids[id] != id)
            lexicon->maps[name] = ids;
    }
    lexicon->known[name] = from->count + 1;
    return true;
}

bool toll_lexicon_settle(struct toll_lexicon *lexicon, struct toll_row_names *names)
{
    for (int i = 0; i < TOLL_NAME_SOURCE; i++)
        if (!settle_one(lexicon, names, i))
            return false;
    return true;
}

/* -- of all threads -- */

struct toll_lexicons {
    pthread_mutex_t lock;
    struct toll_lexicon **free; /* room for all */
    size_t free_count, count;
};

struct toll_lexicons *toll_lexicons_create(void)
{
    struct toll_lexicons *lexicons = calloc(1, sizeof *lexicons);

    if (lexicons != NULL)
        pthread_mutex_init(&lexicons->lock, NULL);
    return lexicons;
}

static struct toll_lexicon *make(struct toll_lexicons *lexicons)
{
    struct toll_lexicon **larger = realloc(lexicons->free, (lexicons->count + 1) * sizeof *larger);
    struct toll_lexicon *made;

    if (larger == NULL)
        return NULL;
    lexicons->free = larger;
    made = toll_lexicon_create();
    lexicons->count += made != NULL;
    return made;
}

struct toll_lexicon *toll_lexicons_take(struct toll_lexicons *lexicons)
{
    struct toll_lexicon *taken;

    if (lexicons == NULL)
        return NULL;
    pthread_mutex_lock(&lexicons->lock);
    taken = lexicons->free_count > 0 ? lexicons->free[--lexicons->free_count] : make(lexicons);
    pthread_mutex_unlock(&lexicons->lock);
    return taken;
}

void toll_lexicons_give_back(struct toll_lexicons *lexicons, struct toll_lexicon *lexicon)
{
    pthread_mutex_lock(&lexicons->lock);
    lexicons->free[lexicons->free_count++] = lexicon;
    pthread_mutex_unlock(&lexicons->lock);
}

void toll_lexicons_free(struct toll_lexicons *lexicons)
{
    if (lexicons == NULL)
        return;
    while (lexicons->free_count > 0)
        toll_lexicon_free(lexicons->free[--lexicons->free_count]);
    free(lexicons->free);
    pthread_mutex_destroy(&lexicons->lock);
    free(lexicons);
}
