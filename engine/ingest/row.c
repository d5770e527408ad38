/* Memory for rows, and the order among them. */
#include "ingest/row.h"

#include <stdlib.h>
#include <string.h>

/* Blocks grow from the first to the last size: a small file needs little. */
#define BLOCK_FIRST_BYTES ((size_t)1 << 16)
#define BLOCK_BYTES ((size_t)1 << 20)

const struct toll_row_extra toll_row_extra_none = {0};

struct toll_row_block {
    struct toll_row_block *next;
    char data[];
};

char *toll_row_store_text(struct toll_row_store *store, size_t bytes)
{
    char *out;

    if (bytes > store->left) {
        size_t next = store->block_bytes == 0 ? BLOCK_FIRST_BYTES : store->block_bytes;
        size_t room = bytes > next / 4 ? bytes : next - sizeof(struct toll_row_block);
        struct toll_row_block *block = malloc(sizeof *block + room);

        if (block == NULL)
            return NULL;
        block->next = store->blocks;
        store->bytes += sizeof *block + room;
        store->blocks = block;
        if (room == bytes)
            return block->data; /* a large one has its own block; the current one goes on */
        store->block_bytes = next < BLOCK_BYTES ? 2 * next : next;
        store->at = block->data;
        store->left = room;
    }
    out = store->at;
    store->at += bytes;
    store->left -= bytes;
    return out;
}

void *toll_row_store_alloc(struct toll_row_store *store, size_t bytes)
{
    size_t skip = (size_t)(-(uintptr_t)store->at & 7u);

    if (skip > store->left) {
        store->left = 0;
    } else if (skip > 0) {
        store->at += skip;
        store->left -= skip;
    }
    return toll_row_store_text(store, (bytes + 7) & ~(size_t)7);
}

void toll_row_store_free(struct toll_row_store *store)
{
    while (store->blocks != NULL) {
        struct toll_row_block *next = store->blocks->next;

        free(store->blocks);
        store->blocks = next;
    }
    memset(store, 0, sizeof *store);
}

/* -- names -- */

static int compare_texts(const void *a, const void *b, void *context)
{
    const struct toll_strings *strings = context;
    size_t an, bn;
    const char *at = toll_strings_text(strings, *(const uint32_t *)a, &an);
    const char *bt = toll_strings_text(strings, *(const uint32_t *)b, &bn);
    int order = memcmp(at, bt, an < bn ? an : bn);

    return order != 0 ? order : (an > bn) - (an < bn);
}

bool toll_row_names_rank(struct toll_row_names *names)
{
    for (int kind = 0; kind < TOLL_NAMES; kind++) {
        uint32_t count = names->strings[kind].count;
        uint32_t *by_rank = calloc((size_t)count + 1, sizeof *by_rank),
                 *rank = calloc((size_t)count + 1, sizeof *rank);

        free(names->rank[kind]);
        free(names->by_rank[kind]);
        names->rank[kind] = rank;
        names->by_rank[kind] = by_rank;
        if (rank == NULL || by_rank == NULL)
            return false;
        for (uint32_t id = 1; id <= count; id++)
            by_rank[id] = id;
        qsort_r(by_rank + 1, count, sizeof *by_rank, compare_texts, &names->strings[kind]);
        for (uint32_t place = 1; place <= count; place++)
            rank[by_rank[place]] = place;
    }
    return true;
}

void toll_row_names_free(struct toll_row_names *names)
{
    for (int kind = 0; kind < TOLL_NAMES; kind++) {
        toll_strings_free(&names->strings[kind]);
        free(names->rank[kind]);
        free(names->by_rank[kind]);
    }
    memset(names, 0, sizeof *names);
}

/* -- order -- */

#define COMPARE(x, y)                  \
    do {                               \
        if ((x) != (y))                \
            return (x) < (y) ? -1 : 1; \
    } while (0)

static int compare_extra(const struct toll_row_names *names, const struct toll_row_extra *a,
                         const struct toll_row_extra *b)
{
    COMPARE(a->charged, b->charged);
    COMPARE(a->lrn_caller, b->lrn_caller);
    COMPARE(a->lrn_callee, b->lrn_callee);
    COMPARE(a->ring_to, b->ring_to);
    COMPARE(names->rank[TOLL_NAME_TRUNK][a->trunk], names->rank[TOLL_NAME_TRUNK][b->trunk]);
    COMPARE(names->rank[TOLL_NAME_HINT][a->hint], names->rank[TOLL_NAME_HINT][b->hint]);
    COMPARE(names->rank[TOLL_NAME_CALLTYPE][a->calltype], names->rank[TOLL_NAME_CALLTYPE][b->calltype]);
    COMPARE(a->quantity, b->quantity);
    COMPARE(a->setup_ms, b->setup_ms);
    COMPARE(a->provider_charge, b->provider_charge);
    COMPARE(a->provider_tax, b->provider_tax);
    COMPARE(a->carrier_billed_ms, b->carrier_billed_ms);
    return 0;
}

static int compare_text(const char *a, size_t an, const char *b, size_t bn)
{
    int order = memcmp(a, b, an < bn ? an : bn);

    return order != 0 ? order : (an > bn) - (an < bn);
}

int toll_row_compare_content(const struct toll_row_names *names, const struct toll_row *a,
                             const struct toll_row *b, uint16_t kind_mask)
{
    int order;

    COMPARE(a->caller, b->caller);
    COMPARE(a->callee, b->callee);
    COMPARE(a->duration_ms, b->duration_ms);
    COMPARE(a->kind & kind_mask, b->kind & kind_mask);
    COMPARE(names->rank[TOLL_NAME_CARRIER][a->carrier], names->rank[TOLL_NAME_CARRIER][b->carrier]);
    if (a->extra != b->extra) {
        order = compare_extra(names, toll_row_extra(a), toll_row_extra(b));
        if (order != 0)
            return order;
    }
    order = compare_text(a->text, a->record_id_bytes, b->text, b->record_id_bytes);
    if (order == 0)
        order =
            compare_text(toll_row_caller_text(a), a->caller_bytes, toll_row_caller_text(b), b->caller_bytes);
    if (order == 0)
        order =
            compare_text(toll_row_callee_text(a), a->callee_bytes, toll_row_callee_text(b), b->callee_bytes);
    return order;
}

int toll_row_compare_source(const struct toll_row_names *names, const struct toll_row *a,
                            const struct toll_row *b)
{
    COMPARE(names->rank[TOLL_NAME_SOURCE][a->source], names->rank[TOLL_NAME_SOURCE][b->source]);
    COMPARE(a->source_row, b->source_row);
    return 0;
}
