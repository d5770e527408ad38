/* The tuple of each rated line of a block, and where it counts: docs/TAX.md section 2. */
#include "pipeline/stages.h"
#include "pipeline/tuple_ends.h"

/* Of each row what its product adds to the key of its kind. */
static const uint32_t *products_of(const struct toll_block_rows *rows)
{
    const struct toll_rater *rater = rows->rater;
    const struct toll_tuples *tuples = rater->tuples;
    const struct toll_book *book = rater->book;
    struct toll_block *block = rows->block;
    if (tuples->products == NULL)
        return NULL;
    for (size_t i = 0; i < rows->rows; i++) {
        const uint32_t chain = block->chain[i], at = block->rule_at[i];
        if (chain != 0 && at < book->chains[chain].count) {
            const struct toll_rule *rule = &book->rules[book->chain_rules[book->chains[chain].first + at]];
            block->product[i] = tuples->products[rule->product];
        } else {
            const int32_t plan = rater->owners[block->owner[i]].plan;
            const uint32_t key = block->shape[i] & (TOLL_VERDICT_KEYS - 1);
            block->product[i] =
                tuples->verdict_products[(uint32_t)(plan > 0 ? plan : 0) * TOLL_VERDICT_KEYS + key];
        }
    }
    for (size_t k = 0; k < block->odd_count; k++)
        block->product[block->odd[k]] = tuples->products[book->rules[block->odd_rule[k]].product];
    return block->product;
}

/* Of the listed rows, whose planes are new. */
static void make_planes(const struct toll_block_rows *rows, size_t first, const uint32_t *list, size_t count)
{
    struct toll_tally *tally = rows->context->tally;
    struct toll_block *block = rows->block;
    for (size_t k = 0; k < count; k++) {
        const size_t i = first + list[k];
        const uint32_t bucket = block->bucket[i];
        const uint32_t key = (uint32_t)rows->line.tuple[i] - rows->rater->tuples->buckets[bucket].first;
        block->slot[i] = toll_tally_plane(tally, rows->rater->book, key) + bucket;
    }
}

/* The listed rows, which are all that are rated: their tuple by the ends, too, or what is there to be
 * numbered. */
static void look_at_ends(const struct toll_block_rows *rows, size_t first, const uint32_t *list, size_t count)
{
    const struct toll_tuples *tuples = rows->rater->tuples;
    struct toll_tuple_ends *ends = tuples->ends;
    struct toll_tuple_sums *sums = &rows->context->tally->tuples;
    struct toll_block *block = rows->block;
    for (size_t k = 0; k < count; k++) {
        const size_t i = first + list[k];
        const uint32_t bucket = block->bucket[i];
        const uint32_t key = (uint32_t)rows->line.tuple[i] - tuples->buckets[bucket].first;
        struct toll_row row;
        toll_block_read_row(rows, i, &row);
        const uint32_t where =
            toll_tuple_ends_of(ends, rows->rater, &row, rows->rater->book->buckets[bucket].site);
        const struct toll_tuple_seen *seen = ends->given
                                                 ? toll_tuple_set_find(&ends->all, bucket, key, where)
                                                 : toll_tuple_set_add(&sums->seen, bucket, key, where);
        sums->full |= seen == NULL;
        rows->line.tuple[i] = seen == NULL ? 0 : seen->tuple;
        block->slot[i] = seen == NULL || !ends->given ? bucket : seen->slot;
    }
}

/* Rows from `first` on that begin within the spans of today; how many. */
static size_t rows_within(const struct toll_block_rows *rows, const struct toll_tuple_sums *sums,
                          size_t first)
{
    const int64_t *start = rows->cdr.start;
    size_t end = rows->rows;
    if (start[first] >= sums->from && start[end - 1] < sums->until) /* they are in order */
        return end - first;
    for (end = first; end < rows->rows && start[end] >= sums->from && start[end] < sums->until; end++)
        ;
    return end - first;
}

void toll_block_tuples(const struct toll_block_rows *rows)
{
    const struct toll_tuples *tuples = rows->rater->tuples;
    struct toll_tuple_sums *sums = &rows->context->tally->tuples;
    struct toll_block *block = rows->block;
    struct toll_tuple_in in = {
        .buckets = tuples->buckets,
        .offsets = tuples->offsets,
        .spans = sums->spans,
        .calendars = tuples->calendar_count,
        .voice = (rows->kinds & TOLL_CALL_SERVICE) == TOLL_CALL_VOICE && tuples->products == NULL,
        .planes = sums->planes,
    };
    const uint32_t *product = products_of(rows);
    for (size_t first = 0; first < rows->rows;) {
        size_t count = rows_within(rows, sums, first);
        if (count == 0) {
            toll_tuple_sums_at(sums, rows->cdr.start[first]);
            count = rows_within(rows, sums, first);
        }
        in.product = product == NULL ? NULL : product + first;
        const size_t rest = rows->rater->kernels->tuple(
            &in, rows->cdr.kind + first, rows->line.class_jurisdiction + first, rows->line.status + first,
            block->bucket + first, count, rows->line.tuple + first, block->slot + first, block->rest);
        if (tuples->ends == NULL)
            make_planes(rows, first, block->rest, rest);
        else
            look_at_ends(rows, first, block->rest, rest);
        first += count;
    }
}
