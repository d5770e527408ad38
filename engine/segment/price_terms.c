/*
 * Rows that say the same mostly point to the same texts: so they are known by their pointers and numbers, as
 * ten words, and only terms that are new so are compared as texts.
 */
#include "segment/price_terms.h"

#include <stdlib.h>
#include <string.h>

#define WORDS 10
#define SLOTS_LEAST 256
#define PLACES_MOST ((size_t)1 << 17) /* of terms that are known by their pointers, beside what is new */
#define MIX UINT64_C(0x9E3779B97F4A7C15)

struct toll_price_terms_slot {
    uint32_t hash, next; /* index + 1; 0: free */
};

static const char *text_of(const char *text)
{
    return text == NULL ? "" : text;
}

/* ---- by pointers ---- */

static uint64_t place_word(const char *text)
{
    return (uint64_t)(uintptr_t)text;
}

static void gather(const struct toll_price_row *row, uint64_t words[WORDS])
{
    words[0] = place_word(row->kind);
    words[1] = place_word(row->plan);
    words[2] = place_word(row->deck);
    words[3] = place_word(row->band);
    words[4] = place_word(row->unit);
    words[5] = place_word(row->file);
    words[6] = place_word(row->column);
    words[7] = (uint64_t)row->per_units;
    words[8] = (uint64_t)row->connect_fee;
    words[9] = (uint64_t)(uint32_t)row->step;
}

static uint32_t hash_words(const uint64_t words[WORDS])
{
    uint64_t hash = 0;
    for (unsigned i = 0; i < WORDS; i++) /* one beside the other: nothing waits for the word before */
        hash += (words[i] ^ words[i] >> 29) * (MIX + ((uint64_t)i << 33));
    return (uint32_t)((hash ^ hash >> 29) * MIX >> 32);
}

static bool same_words(const struct toll_price_row *row, const uint64_t words[WORDS])
{
    uint64_t own[WORDS], other = 0;
    gather(row, own);
    for (unsigned i = 0; i < WORDS; i++)
        other |= own[i] ^ words[i];
    return other == 0;
}

/* ---- by what they say ---- */

static int compare(const struct toll_price_row *a, const struct toll_price_row *b)
{
    const char *const texts[][2] = {{a->kind, b->kind},    {a->plan, b->plan}, {a->deck, b->deck},
                                    {a->band, b->band},    {a->unit, b->unit}, {a->file, b->file},
                                    {a->column, b->column}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const int texts_order = strcmp(text_of(texts[i][0]), text_of(texts[i][1]));
        if (texts_order != 0)
            return texts_order;
    }
    const int64_t numbers[][2] = {
        {a->per_units, b->per_units}, {a->connect_fee, b->connect_fee}, {a->step, b->step}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i][0] != numbers[i][1])
            return numbers[i][0] < numbers[i][1] ? -1 : 1;
    return 0;
}

static uint64_t add_text(uint64_t hash, const char *text)
{
    for (const char *at = text_of(text); *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3); /* FNV-1a */
    return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

static uint32_t hash_content(const struct toll_price_row *row)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    hash = add_text(hash, row->kind);
    hash = add_text(hash, row->plan);
    hash = add_text(hash, row->deck);
    hash = add_text(hash, row->band);
    hash = add_text(hash, row->unit);
    hash = add_text(hash, row->file);
    hash = add_text(hash, row->column);
    hash = (hash ^ (uint64_t)row->per_units) * MIX;
    hash = (hash ^ (uint64_t)row->connect_fee) * MIX;
    hash = (hash ^ (uint64_t)(uint32_t)row->step) * MIX;
    return (uint32_t)(hash >> 32 ^ hash);
}

/* ---- tables ---- */

static bool grow_slots(struct toll_price_terms_slot **slots, size_t *slot_count)
{
    const size_t count = *slot_count == 0 ? SLOTS_LEAST : 2 * *slot_count;
    struct toll_price_terms_slot *grown = calloc(count, sizeof *grown);
    if (grown == NULL)
        return false;
    for (size_t i = 0; i < *slot_count; i++) {
        size_t at = (*slots)[i].hash & (count - 1);
        while ((*slots)[i].next != 0 && grown[at].next != 0)
            at = (at + 1) & (count - 1);
        if ((*slots)[i].next != 0)
            grown[at] = (*slots)[i];
    }
    free(*slots);
    *slots = grown;
    *slot_count = count;
    return true;
}

/* Room for one more row in both lists, and free slots for them. */
static bool make_room(struct toll_price_terms *terms)
{
    if (2 * (terms->row_count + 1) > terms->place_slots && !grow_slots(&terms->by_place, &terms->place_slots))
        return false;
    if (2 * (terms->count + 1) > terms->content_slots &&
        !grow_slots(&terms->by_content, &terms->content_slots))
        return false;
    if (terms->row_count == terms->row_room) {
        const size_t room = terms->row_room == 0 ? 128 : 2 * terms->row_room;
        struct toll_price_row *rows = realloc(terms->rows, room * sizeof *rows);
        if (rows == NULL)
            return false;
        terms->rows = rows;
        uint32_t *numbers = realloc(terms->numbers, room * sizeof *numbers);
        if (numbers == NULL)
            return false;
        terms->numbers = numbers;
        terms->row_room = room;
    }
    if (terms->count == terms->room) {
        const size_t room = terms->room == 0 ? 128 : 2 * terms->room;
        struct toll_price_row *firsts = realloc(terms->firsts, room * sizeof *firsts);
        if (firsts == NULL)
            return false;
        terms->firsts = firsts;
        terms->room = room;
    }
    return true;
}

static uint32_t number_content(struct toll_price_terms *terms, const struct toll_price_row *row)
{
    const uint32_t hash = hash_content(row);
    const size_t mask = terms->content_slots - 1;
    size_t at = hash & mask;
    for (; terms->by_content[at].next != 0; at = (at + 1) & mask) {
        const uint32_t number = terms->by_content[at].next - 1;
        if (terms->by_content[at].hash == hash && compare(&terms->firsts[number], row) == 0)
            return number;
    }
    terms->by_content[at] = (struct toll_price_terms_slot){hash, (uint32_t)terms->count + 1};
    terms->firsts[terms->count] = *row;
    return (uint32_t)terms->count++;
}

bool toll_price_terms_number(struct toll_price_terms *terms, const struct toll_price_row *row,
                             uint32_t *number)
{
    uint64_t words[WORDS];
    gather(row, words);
    const uint32_t hash = hash_words(words);
    if (terms->place_slots > 0) {
        const size_t mask = terms->place_slots - 1;
        for (size_t at = hash & mask; terms->by_place[at].next != 0; at = (at + 1) & mask) {
            const uint32_t index = terms->by_place[at].next - 1;
            if (terms->by_place[at].hash == hash && same_words(&terms->rows[index], words)) {
                *number = terms->numbers[index];
                return true;
            }
        }
    }
    if (!make_room(terms))
        return false;
    *number = number_content(terms, row);
    if (terms->row_count > PLACES_MOST + terms->count)
        return true; /* texts of which there are ever more copies: compared each time */
    const size_t mask = terms->place_slots - 1;
    size_t at = hash & mask;
    while (terms->by_place[at].next != 0)
        at = (at + 1) & mask;
    terms->by_place[at] = (struct toll_price_terms_slot){hash, (uint32_t)terms->row_count + 1};
    terms->rows[terms->row_count] = *row;
    terms->numbers[terms->row_count++] = *number;
    return true;
}

void toll_price_terms_free(struct toll_price_terms *terms)
{
    free(terms->rows);
    free(terms->numbers);
    free(terms->firsts);
    free(terms->by_place);
    free(terms->by_content);
    free(terms->ids);
    memset(terms, 0, sizeof *terms);
}

/* ---- those of several threads ---- */

struct listed {
    const struct toll_price_row *row;
    uint32_t *id;
};

static int compare_listed(const void *a, const void *b)
{
    return compare(((const struct listed *)a)->row, ((const struct listed *)b)->row);
}

struct toll_price_row *toll_price_terms_join(struct toll_price_terms *const *lists, unsigned list_count,
                                             size_t *count)
{
    size_t all = 0, at = 0;
    *count = 0;
    for (unsigned i = 0; i < list_count; i++)
        all += lists[i]->count;
    struct listed *listed = malloc((all + 1) * sizeof *listed);
    struct toll_price_row *rows = malloc((all + 1) * sizeof *rows);
    bool good = listed != NULL && rows != NULL;
    for (unsigned i = 0; good && i < list_count; i++) {
        lists[i]->ids = malloc((lists[i]->count + 1) * sizeof *lists[i]->ids);
        good = lists[i]->ids != NULL;
        for (size_t k = 0; good && k < lists[i]->count; k++)
            listed[at++] = (struct listed){&lists[i]->firsts[k], &lists[i]->ids[k]};
    }
    if (good)
        qsort(listed, all, sizeof *listed, compare_listed);
    for (size_t i = 0; good && i < all; i++) {
        if (i == 0 || compare_listed(&listed[i - 1], &listed[i]) != 0) {
            rows[*count] = *listed[i].row;
            rows[*count].terms = (int32_t)(*count + 1);
            ++*count;
        }
        *listed[i].id = (uint32_t)*count;
    }
    free(listed);
    if (good)
        return rows;
    free(rows);
    return NULL;
}

struct toll_price_row *toll_run_terms_make(const struct toll_price_row *rows, size_t count, int32_t *numbers,
                                           size_t *term_count)
{
    struct toll_price_terms terms = {0}, *const list[] = {&terms};
    struct toll_price_row *made = NULL;
    uint32_t number;
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        good = toll_price_terms_number(&terms, &rows[i], &number);
        numbers[i] = (int32_t)number;
    }
    if (good)
        made = toll_price_terms_join(list, 1, term_count);
    for (size_t i = 0; made != NULL && i < count; i++)
        numbers[i] = (int32_t)terms.ids[numbers[i]];
    toll_price_terms_free(&terms);
    return made;
}
