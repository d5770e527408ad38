/* The words of dictionary columns: numbered as they come, and put in the order of the dictionary. */
#ifndef TOLL_SEGMENT_RUN_WORDS_H
#define TOLL_SEGMENT_RUN_WORDS_H

#include "segment/run.h"

struct toll_words_slot {
    const char *text; /* NULL: free */
    uint32_t hash, word;
};
struct toll_words_met {
    const char *text; /* NULL: nothing yet */
    uint32_t word;
};
/* The words of a column that one thread has met, in the order in which it met them; zeroed to begin with.
 * Their texts are borrowed. */
struct toll_words {
    struct toll_words_slot *slots; /* a power of two, at most half full */
    size_t slot_count, count;
    struct toll_words_met *met; /* by where they lie; at most as many as slots */
    size_t met_count;
    uint32_t *places; /* of each in the dictionary, when it is known */
};

/* The number of a word. False: out of memory. */
bool toll_words_number(struct toll_words *words, const char *text, uint32_t *word);
void toll_words_free(struct toll_words *words);

struct toll_word {
    const char *text;
    uint32_t *place;
};
/* The dictionary of words, which may repeat: "" first, then the others, sorted bytewise, each once; and the
 * place of each. free(dictionary->entries). False: out of memory. */
bool toll_words_sort(const struct toll_word *words, size_t count, struct toll_run_words *dictionary);

#endif
