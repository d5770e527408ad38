/* Records of feeds that are not sold: docs/RATING.md section 15. */
#include "pipeline/cost.h"
#include "pipeline/stages.h"

static enum toll_feed_role role_of(const struct toll_block_rows *rows, size_t i)
{
    return toll_feed_role(rows->rater->book, rows->context->map->carriers[rows->cdr.carrier[i]]);
}

void toll_block_feeds(const struct toll_block_rows *rows)
{
    struct toll_block *block = rows->block;
    size_t count = 0;
    block->feed_count = 0;
    if (!rows->rater->book->has_feeds || rows->cdr.carrier == NULL)
        return;
    for (size_t i = 0; i < rows->rows; i++) {
        const uint16_t kind = rows->cdr.kind[i];
        if (role_of(rows, i) == TOLL_FEED_BILL || (kind & TOLL_KIND_CONFLICT) != 0)
            continue;
        if (toll_kind_callee_type(kind) == TOLL_NUMBER_SHORT) {
            const struct toll_row row = {.kind = kind, .callee = rows->cdr.callee[i]};
            rows->line.class_jurisdiction[i] |= (uint8_t)((unsigned)toll_class_of(rows->rater, &row) << 4);
        }
        block->feed[count] = (uint32_t)i;
        block->feed_shape[count++] = block->shape[i];
        block->shape[i] = (uint16_t)((block->shape[i] & ~TOLL_SHAPE_PLAIN) | TOLL_SHAPE_UNANSWERED);
    }
    block->feed_count = count;
}

void toll_block_feeds_end(const struct toll_block_rows *rows)
{
    struct toll_block *block = rows->block;
    for (size_t k = 0; k < block->feed_count; k++) {
        const uint32_t i = block->feed[k];
        block->shape[i] = block->feed_shape[k];
        rows->line.status[i] =
            role_of(rows, i) == TOLL_FEED_COST ? TOLL_ZERO_COST_FEED : TOLL_ZERO_COMPARE_FEED;
    }
}
