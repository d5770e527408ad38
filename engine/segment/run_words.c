/*
 * Words are met by their place first: rows that say the same mostly point to the same bytes, and rows near
 * each other to bytes near each other; so that table is in the order of the places, without any mixing. What
 * is new there is sought by its text.
 */
#include "segment/run_words.h"

#include "ratetable/sort.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_LEAST 64
#define MET_MOST ((size_t)1 << 18)
#define MET_PLACE_BYTES 8 /* texts are about so long */

/* ---- numbers ---- */

static uint32_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return (uint32_t)(hash >> 32 ^ hash);
}

static struct toll_words_slot *find_slot(const struct toll_words *words, const char *text, uint32_t hash)
{
    const size_t mask = words->slot_count - 1;
    size_t at = hash & mask;
    while (words->slots[at].text != NULL &&
           (words->slots[at].hash != hash || strcmp(words->slots[at].text, text) != 0))
        at = (at + 1) & mask;
    return &words->slots[at];
}

/* Small columns have small tables. What was met is met again. */
static bool grow(struct toll_words *words)
{
    const size_t count = words->slot_count == 0 ? WORDS_LEAST : 2 * words->slot_count;
    const size_t met_count = count < MET_MOST ? count : MET_MOST;
    struct toll_words_slot *slots = calloc(count, sizeof *slots);
    struct toll_words_met *met = met_count > words->met_count ? calloc(met_count, sizeof *met) : words->met;
    if (slots == NULL || met == NULL) {
        free(slots);
        if (met != words->met)
            free(met);
        return false;
    }
    for (size_t i = 0; i < words->slot_count; i++) {
        size_t at = words->slots[i].hash & (count - 1);
        while (words->slots[i].text != NULL && slots[at].text != NULL)
            at = (at + 1) & (count - 1);
        if (words->slots[i].text != NULL)
            slots[at] = words->slots[i];
    }
    free(words->slots);
    if (met != words->met)
        free(words->met);
    words->slots = slots;
    words->slot_count = count;
    words->met = met;
    words->met_count = met_count;
    return true;
}

static struct toll_words_met *met_at(const struct toll_words *words, const char *text)
{
    return &words->met[(uintptr_t)text / MET_PLACE_BYTES & (words->met_count - 1)];
}

bool toll_words_number(struct toll_words *words, const char *text, uint32_t *word)
{
    if (words->met_count > 0 && met_at(words, text)->text == text) {
        *word = met_at(words, text)->word;
        return true;
    }
    if (2 * words->count >= words->slot_count && !grow(words))
        return false;
    const uint32_t hash = hash_text(text);
    struct toll_words_slot *slot = find_slot(words, text, hash);
    if (slot->text == NULL)
        *slot = (struct toll_words_slot){text, hash, (uint32_t)words->count++};
    *met_at(words, text) = (struct toll_words_met){text, slot->word};
    *word = slot->word;
    return true;
}

void toll_words_free(struct toll_words *words)
{
    free(words->slots);
    free(words->met);
    free(words->places);
    memset(words, 0, sizeof *words);
}

/* ---- the dictionary ---- */

/* The first eight bytes, so that their order is that of the texts. */
static uint64_t begin_of(const char *text)
{
    uint64_t begin = 0;
    for (unsigned i = 0; i < 8 && text[i] != '\0'; i++)
        begin |= (uint64_t)(unsigned char)text[i] << (56 - 8 * i);
    return begin;
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(((const struct toll_word *)a)->text, ((const struct toll_word *)b)->text);
}

/* Sorted by their beginnings, then those that begin alike by the rest. sorted: in that order. */
static bool sort_words(const struct toll_word *words, size_t count, struct toll_word *sorted)
{
    struct toll_sort_pair *pairs = malloc((count + 1) * sizeof *pairs);
    bool good = pairs != NULL;
    for (size_t i = 0; good && i < count; i++)
        pairs[i] = (struct toll_sort_pair){.key = begin_of(words[i].text), .index = (uint32_t)i};
    good = good && toll_sort_pairs(pairs, count);
    for (size_t i = 0, alike = 0; good && i < count; i++) {
        sorted[i] = words[pairs[i].index];
        if (i + 1 < count && pairs[i + 1].key == pairs[i].key)
            continue;
        if ((pairs[i].key & 0xff) != 0) /* they may be longer */
            qsort(&sorted[alike], i + 1 - alike, sizeof *sorted, compare_words);
        alike = i + 1;
    }
    free(pairs);
    return good;
}

bool toll_words_sort(const struct toll_word *words, size_t count, struct toll_run_words *dictionary)
{
    struct toll_word *sorted = malloc((count + 1) * sizeof *sorted);
    const char **entries = malloc((count + 1) * sizeof *entries);
    uint32_t entry = 0;
    *dictionary = (struct toll_run_words){0};
    const bool good = sorted != NULL && entries != NULL && sort_words(words, count, sorted);
    if (good)
        entries[0] = "";
    for (size_t i = 0; good && i < count; i++) {
        if (strcmp(sorted[i].text, entries[entry]) != 0)
            entries[++entry] = sorted[i].text;
        *sorted[i].place = entry;
    }
    free(sorted);
    if (good)
        *dictionary = (struct toll_run_words){entries, entry + 1};
    else
        free(entries);
    return good;
}

bool toll_run_words_make(const char *const *texts, size_t count, uint32_t *places,
                         struct toll_run_words *dictionary)
{
    struct toll_word *words = malloc((count + 1) * sizeof *words);
    *dictionary = (struct toll_run_words){0};
    for (size_t i = 0; words != NULL && i < count; i++)
        words[i] = (struct toll_word){texts[i], &places[i]};
    const bool good = words != NULL && toll_words_sort(words, count, dictionary);
    free(words);
    return good;
}
