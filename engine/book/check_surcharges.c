/* The surcharges of an image: what counting and charging index with and divide by. */
#include "book/check.h"

static bool subject_good(const struct toll_book *book, const struct toll_surcharge *row)
{
    switch (row->level) {
    case TOLL_LEVEL_TRUNK:
        return row->subject >= 1 && row->subject <= book->named_count[TOLL_NAMED_TRUNK];
    case TOLL_LEVEL_SITE:
        return row->subject >= 1 && row->subject < book->site_count;
    case TOLL_LEVEL_ACCOUNT:
        return row->subject >= 1 && row->subject < book->account_count;
    case TOLL_LEVEL_CARRIER:
        return row->subject >= 1 && row->subject <= book->named_count[TOLL_NAMED_CARRIER];
    default:
        return row->level == TOLL_LEVEL_DEFAULT && row->subject == 0;
    }
}

static bool row_good(const struct toll_book *book, const struct toll_surcharge *row)
{
    return subject_good(book, row) && row->from < row->until && row->amount >= 0 && row->measure >= 0 &&
           row->measure < TOLL_SURCHARGE_MEASURES && (row->all == 0 || row->all == 1) &&
           row->threshold >= 0 && row->threshold <= TOLL_THRESHOLD_ALL && row->short_ms >= 0 &&
           (row->short_ms == 0 || row->measure == TOLL_SHORT_CALLS) && toll_check_text(book, row->file);
}

/* Behind the one before, and not in force together with it. */
static bool order_good(const struct toll_surcharge *before, const struct toll_surcharge *row)
{
    if (before->level != row->level)
        return before->level < row->level;
    if (before->subject != row->subject)
        return before->subject < row->subject;
    if (before->measure != row->measure)
        return before->measure < row->measure;
    return before->until <= row->from;
}

const char *toll_check_surcharges(const struct toll_book *book)
{
    if (book->surcharge_count == 0)
        return NULL;
    if (book->surcharge_count == 1 || !toll_check_zero(&book->surcharges[0], sizeof(book->surcharges[0])))
        return "the empty surcharge";
    for (uint32_t i = 1; i < book->surcharge_count; i++) {
        if (!row_good(book, &book->surcharges[i]))
            return "a surcharge";
        if (i > 1 && !order_good(&book->surcharges[i - 1], &book->surcharges[i]))
            return "the order of the surcharges";
    }
    return NULL;
}
