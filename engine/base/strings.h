/* A string table: text <-> dense id, in order of first appearance. Ids start at 1; 0 means none. Not thread
 * safe. */
#ifndef TOLL_BASE_STRINGS_H
#define TOLL_BASE_STRINGS_H

#include "base/arena.h"

#include <stdint.h>

struct toll_strings {
    struct toll_arena arena; /* zero-initialise the struct to start */
    struct toll_string_entry *entries;
    uint64_t *slots; /* hash << 32 | id */
    uint32_t count, entry_capacity, slot_mask;
};

/* The id of these bytes, added if new. 0 when out of memory (or 2^31 strings). The empty string is a string.
 */
uint32_t toll_strings_add(struct toll_strings *strings, const char *text, size_t bytes);
/* The id, or 0 if it is not there. */
uint32_t toll_strings_find(const struct toll_strings *strings, const char *text, size_t bytes);
/* Terminated; valid until the table is freed. id must exist. */
const char *toll_strings_text(const struct toll_strings *strings, uint32_t id,
                              size_t *bytes /* may be NULL */);
void toll_strings_free(struct toll_strings *strings);

#endif
