/*
 * Open addressing with linear probing over ids, at most 3/4 full; a slot keeps its hash, so that growing
 * touches no text and what is not meant is seen without reading anything else.
 */
#include "base/strings.h"

#include "base/check.h"
#include "base/text_hash.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64u
#define STRINGS_MAX (UINT32_C(1) << 31)

struct toll_string_entry {
    const char *text;
    uint32_t bytes;
};

/* The slot that holds these bytes, or the empty one where they belong. */
static inline uint32_t slot_of(const struct toll_strings *strings, uint32_t hash, const char *text,
                               size_t bytes)
{
    uint32_t slot = hash & strings->slot_mask;

    for (; strings->slots[slot] != 0; slot = (slot + 1) & strings->slot_mask) {
        if (strings->slots[slot] >> 32 != hash)
            continue;
        const struct toll_string_entry *entry = &strings->entries[(uint32_t)strings->slots[slot] - 1];
        if (entry->bytes == bytes && (bytes == 0 || memcmp(entry->text, text, bytes) == 0))
            break;
    }
    return slot;
}

static bool grow_slots(struct toll_strings *strings)
{
    const size_t old_count = strings->slots == NULL ? 0 : (size_t)strings->slot_mask + 1;
    const size_t slot_count = old_count == 0 ? FIRST_SLOTS : 2 * old_count;
    const uint32_t mask = (uint32_t)(slot_count - 1);
    uint64_t *slots = calloc(slot_count, sizeof *slots);

    if (slots == NULL)
        return false;
    for (size_t i = 0; i < old_count; i++) {
        uint32_t slot = (uint32_t)(strings->slots[i] >> 32) & mask;

        if (strings->slots[i] == 0)
            continue;
        while (slots[slot] != 0)
            slot = (slot + 1) & mask;
        slots[slot] = strings->slots[i];
    }
    free(strings->slots);
    strings->slots = slots;
    strings->slot_mask = mask;
    return true;
}

static bool grow_entries(struct toll_strings *strings)
{
    uint32_t capacity = strings->entry_capacity == 0 ? FIRST_SLOTS / 2 : 2 * strings->entry_capacity;
    struct toll_string_entry *entries = realloc(strings->entries, (size_t)capacity * sizeof *entries);

    if (entries == NULL)
        return false;
    strings->entries = entries;
    strings->entry_capacity = capacity;
    return true;
}

uint32_t toll_strings_add(struct toll_strings *strings, const char *text, size_t bytes)
{
    uint32_t hash, slot;
    char *copy;

    if (bytes > UINT32_MAX || strings->count >= STRINGS_MAX - 1)
        return 0;
    if ((strings->slots == NULL || strings->count >= strings->slot_mask / 4 * 3) && !grow_slots(strings))
        return 0;
    if (strings->count == strings->entry_capacity && !grow_entries(strings))
        return 0;
    hash = toll_text_hash(text, bytes);
    slot = slot_of(strings, hash, text, bytes);
    if (strings->slots[slot] != 0)
        return (uint32_t)strings->slots[slot];
    copy = toll_arena_copy(&strings->arena, text, bytes);
    if (copy == NULL)
        return 0;
    strings->entries[strings->count] = (struct toll_string_entry){copy, (uint32_t)bytes};
    strings->slots[slot] = (uint64_t)hash << 32 | ++strings->count;
    return strings->count;
}

uint32_t toll_strings_find(const struct toll_strings *strings, const char *text, size_t bytes)
{
    if (strings->slots == NULL)
        return 0;
    return (uint32_t)strings->slots[slot_of(strings, toll_text_hash(text, bytes), text, bytes)];
}

const char *toll_strings_text(const struct toll_strings *strings, uint32_t id, size_t *bytes)
{
    TOLL_ASSERT(id >= 1 && id <= strings->count);
    if (bytes != NULL)
        *bytes = strings->entries[id - 1].bytes;
    return strings->entries[id - 1].text;
}

void toll_strings_free(struct toll_strings *strings)
{
    toll_arena_free(&strings->arena);
    free(strings->entries);
    free(strings->slots);
    memset(strings, 0, sizeof *strings);
}
