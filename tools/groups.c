/*
 * A small hash table of groups. See groups.h.
 */
#include "groups.h"
#include "print.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3); /* FNV-1a */
    return (hash ^ 0xFF) * UINT64_C(0x100000001b3);
}

static int grow_slots(struct cmd_groups *groups)
{
    size_t slot_count = groups->slot_count ? groups->slot_count * 2 : 1024;
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    if (!slots)
        return -1;
    for (size_t i = 0; i < groups->count; i++) {
        size_t at = groups->items[i].hash & (slot_count - 1);
        while (slots[at])
            at = (at + 1) & (slot_count - 1);
        slots[at] = (uint32_t)i + 1;
    }
    free(groups->slots);
    groups->slots = slots;
    groups->slot_count = slot_count;
    return 0;
}

static struct cmd_group *add(struct cmd_groups *groups, size_t slot, uint64_t hash, const char *name,
                             const char *label, const char *currency)
{
    if (groups->count == groups->room) {
        size_t room = groups->room ? groups->room * 2 : 256;
        struct cmd_group *items = realloc(groups->items, room * sizeof *items);
        if (!items)
            return NULL;
        groups->items = items;
        groups->room = room;
    }
    struct cmd_group *group = &groups->items[groups->count];
    *group = (struct cmd_group){
        .name = strdup(name), .label = strdup(label), .currency = strdup(currency), .hash = hash};
    groups->count++;
    groups->slots[slot] = (uint32_t)groups->count;
    return group->name && group->label && group->currency ? group : NULL;
}

struct cmd_group *cmd_group_find(struct cmd_groups *groups, const char *name, const char *label,
                                 const char *currency)
{
    if (groups->count * 2 >= groups->slot_count && grow_slots(groups) < 0)
        return NULL;
    uint64_t hash = hash_text(hash_text(UINT64_C(0xcbf29ce484222325), name), currency);
    hash ^= hash >> 29;
    size_t at = hash & (groups->slot_count - 1);
    while (groups->slots[at]) {
        struct cmd_group *group = &groups->items[groups->slots[at] - 1];
        if (group->hash == hash && strcmp(group->name, name) == 0 && strcmp(group->currency, currency) == 0)
            return group;
        at = (at + 1) & (groups->slot_count - 1);
    }
    return add(groups, at, hash, name, label, currency);
}

static int by_charge(const void *a, const void *b)
{
    const struct cmd_group *x = a, *y = b;
    int order = cmd_sum_compare(y->charge, x->charge);
    if (order == 0)
        order = (y->rows > x->rows) - (y->rows < x->rows);
    if (order == 0)
        order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->currency, y->currency);
}

void cmd_groups_sort(struct cmd_groups *groups)
{
    if (groups->count > 1)
        qsort(groups->items, groups->count, sizeof *groups->items, by_charge);
    free(groups->slots);
    groups->slots = NULL;
    groups->slot_count = 0;
}

void cmd_groups_end(struct cmd_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        free(groups->items[i].name);
        free(groups->items[i].label);
        free(groups->items[i].currency);
        free(groups->items[i].more);
    }
    free(groups->items);
    free(groups->slots);
    memset(groups, 0, sizeof *groups);
}
