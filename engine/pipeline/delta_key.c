/* What a row says, as bytes: rows that say the same have one id. */
#include "pipeline/delta.h"

#include <stdlib.h>
#include <string.h>

void toll_delta_key_put(struct toll_delta_key *key, const void *data, size_t bytes)
{
    if (bytes == 0)
        return;
    if (key->count + bytes > key->room) {
        const size_t room = 2 * (key->count + bytes) + 256;
        char *grown = realloc(key->bytes, room);
        key->failed |= grown == NULL;
        if (grown == NULL)
            return;
        key->bytes = grown;
        key->room = room;
    }
    memcpy(key->bytes + key->count, data, bytes);
    key->count += bytes;
}

void toll_delta_key_text(struct toll_delta_key *key, const char *text)
{
    toll_delta_key_put(key, text, strlen(text) + 1);
}

uint32_t toll_delta_key_id(struct toll_delta_key *key, struct toll_strings *strings)
{
    const uint32_t id = key->failed ? 0 : toll_strings_add(strings, key->bytes, key->count);
    key->count = 0;
    return id;
}
