/* Slots lie in the order of their hash, nearly, and so do the lines: the sweep writes forward. */
#include "simd/number_lines.h"

void toll_number_lines_fill(struct toll_number_line *lines, uint64_t line_count,
                            const struct toll_number_slot *slots, uint64_t capacity)
{
    for (uint64_t slot = 0; slot < capacity; slot++) {
        if (slots[slot].key == 0)
            continue;
        uint64_t at = toll_number_line_of(slots[slot].key, line_count);
        while (lines[at].key[TOLL_NUMBER_LINE_KEYS - 1] != 0) {
            lines[at].more = ~0u;
            at = at + 1 == line_count ? 0 : at + 1;
        }
        unsigned place = 0;
        while (lines[at].key[place] != 0)
            place++;
        lines[at].key[place] = slots[slot].key;
        lines[at].owner[place] = slots[slot].owner;
    }
}
