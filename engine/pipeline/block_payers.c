/*
 * Who pays: docs/RATING.md section 4. The near end is looked up for all rows at once; those with another
 * candidate are listed, their charged numbers looked up together, and decided one after the other.
 */
#include "pipeline/stages.h"

#include <string.h>

/* Owners that change with time, as they are at the call's start. */
static void settle_dates(const struct toll_block_rows *rows, uint32_t *restrict owner)
{
    uint32_t any = 0;
    for (size_t i = 0; i < rows->rows; i++)
        any |= owner[i];
    if ((any & TOLL_OWNER_DATED) == 0)
        return;
    for (size_t i = 0; i < rows->rows; i++)
        if ((owner[i] & TOLL_OWNER_DATED) != 0)
            owner[i] = toll_book_owner_at(rows->rater->book, owner[i], rows->cdr.start[i]);
}

/* Rows that have a candidate besides the near end, in block->second; their charged numbers in number[0]. */
static size_t list_others(const struct toll_block_rows *rows)
{
    const struct toll_part_map *map = rows->context->map;
    const struct toll_cdr_batch *cdr = &rows->cdr;
    struct toll_block *block = rows->block;
    const struct toll_other_payers_in in = {cdr->charged, cdr->trunk, cdr->hint,
                                            map->trunks,  map->hints, cdr->kind};
    const size_t count = rows->rater->kernels->lists->other_payers(&in, rows->rows, block->second);
    for (size_t k = 0; k < count; k++)
        block->number[0][k] = cdr->charged == NULL ? 0 : cdr->charged[block->second[k]];
    return count;
}

static uint32_t named_owner(const struct toll_book *book, enum toll_named_kind kind, const uint32_t *places,
                            const int32_t *column, size_t i, toll_ms at)
{
    const uint32_t place = column == NULL ? 0 : places[column[i]];
    const uint32_t field = place == 0 ? 0 : book->named[kind][place - 1].owner;
    return field == 0 ? 0 : toll_book_owner_at(book, field, at);
}

static bool differ(const struct toll_hot_owner *owners, uint32_t a, uint32_t b)
{
    return a != 0 && b != 0 && owners[a].account != owners[b].account;
}

/* charged: the owner as in a number slot. */
static void decide(const struct toll_block_rows *rows, size_t i, uint32_t charged)
{
    const struct toll_book *book = rows->rater->book;
    const struct toll_hot_owner *owners = rows->rater->owners;
    const struct toll_part_map *map = rows->context->map;
    struct toll_block *block = rows->block;
    const toll_ms at = rows->cdr.start[i];
    const uint32_t near = block->owner[i];
    const uint32_t trunk = named_owner(book, TOLL_NAMED_TRUNK, map->trunks, rows->cdr.trunk, i, at),
                   hint = named_owner(book, TOLL_NAMED_HINT, map->hints, rows->cdr.hint, i, at);
    charged = charged == 0 ? 0 : toll_book_owner_at(book, charged, at);
    if (differ(owners, charged, trunk) || differ(owners, charged, hint) || differ(owners, trunk, hint) ||
        differ(owners, hint, near)) {
        block->owner[i] = 0;
        block->shape[i] &= TOLL_VERDICT_KEYS - 1;
    } else {
        block->owner[i] = charged != 0 ? charged : trunk != 0 ? trunk : near != 0 ? near : hint;
    }
}

static bool has_other_candidate(const struct toll_cdr_batch *cdr, size_t i)
{
    return (cdr->charged != NULL && cdr->charged[i] != 0) || (cdr->trunk != NULL && cdr->trunk[i] != 0) ||
           (cdr->hint != NULL && cdr->hint[i] != 0);
}

/* Plain legs of which nobody is known: is somebody known of the other leg? */
static void find_other_parties(const struct toll_block_rows *rows)
{
    const struct toll_rater *rater = rows->rater;
    const struct toll_cdr_batch *cdr = &rows->cdr;
    struct toll_block *block = rows->block;
    const size_t legs =
        rater->kernels->lists->other_kinds(cdr->kind, TOLL_KIND_LEG, 0, rows->rows, block->list_deck);
    size_t count = 0;
    for (size_t k = 0; k < legs; k++) {
        const size_t i = block->list_deck[k];
        const uint16_t kind = cdr->kind[i];
        const bool in = (kind & TOLL_KIND_IN) != 0, caller = toll_kind_caller_type(kind) == TOLL_NUMBER_E164;
        if (block->owner[i] != 0 || (block->shape[i] & TOLL_SHAPE_PLAIN) == 0)
            continue;
        if (in && has_other_candidate(cdr, i)) {
            block->shape[i] &= TOLL_VERDICT_KEYS - 1; /* odd */
            continue;
        }
        block->second[count] = (uint32_t)i;
        block->number[0][count++] = !in ? cdr->callee[i] : caller ? cdr->caller[i] : 0;
    }
    rater->kernels->probe(rater->numbers, rater->number_lines, block->number[0], count, block->list_value[0]);
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = block->second[k], owner = block->list_value[0][k];
        block->legs[block->leg_count] = i;
        block->leg_count += owner != 0 && toll_book_owner_at(rater->book, owner, cdr->start[i]) != 0;
    }
}

void toll_block_payers(const struct toll_block_rows *rows)
{
    const struct toll_rater *rater = rows->rater;
    const struct toll_cdr_batch *cdr = &rows->cdr;
    struct toll_block *block = rows->block;
    const bool others = cdr->charged != NULL || cdr->trunk != NULL || cdr->hint != NULL;
    rater->kernels->probe(rater->numbers, rater->number_lines, block->near, rows->rows, block->owner);
    settle_dates(rows, block->owner);
    block->near_owner = block->owner;
    if (others) {
        memcpy(block->near_owners, block->owner, rows->rows * sizeof *block->owner);
        block->near_owner = block->near_owners;
        const size_t count = list_others(rows);
        rater->kernels->probe(rater->numbers, rater->number_lines, block->number[0], count,
                              block->list_value[0]);
        for (size_t k = 0; k < count; k++)
            decide(rows, block->second[k], block->list_value[0][k]);
    }
    block->leg_count = 0;
    if ((rows->kinds & TOLL_KIND_LEG) != 0)
        find_other_parties(rows);
}
