/*
 * Books that somebody compares mostly have the same customers: then who pays for a call, its class and its
 * jurisdiction are the same by all of them, and need be found once (pipeline/block.h). Whether they are is
 * seen by all that these stages read, byte by byte; ids must be the same, too.
 */
#include "pipeline/rater.h"
#include "ratetable/lpm.h"

#include <string.h>

/* All that tells who pays and where a call's ends are. */
#define COLUMNS                                                                    \
    (TOLL_CDR_COLUMN_BIT(TOLL_CDR_CHARGED) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_TRUNK) | \
     TOLL_CDR_COLUMN_BIT(TOLL_CDR_HINT) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_RING_TO) |  \
     TOLL_CDR_COLUMN_BIT(TOLL_CDR_LRN_CALLER) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_LRN_CALLEE))

static bool same_bytes(const void *a, const void *b, size_t bytes)
{
    return a == b || bytes == 0 || memcmp(a, b, bytes) == 0;
}

/* ---- who pays ---- */

static bool same_dates(const struct toll_book *a, const struct toll_book *b, uint32_t field)
{
    if ((field & TOLL_OWNER_DATED) == 0)
        return true;
    const struct toll_owner_date *x = &a->owner_dates[field & ~TOLL_OWNER_DATED];
    const struct toll_owner_date *y = &b->owner_dates[field & ~TOLL_OWNER_DATED];
    for (;; x++, y++) {
        if (x->from != y->from || x->until != y->until || x->owner != y->owner || x->last != y->last)
            return false;
        if (x->last != 0)
            return true;
    }
}

static bool same_numbers(const struct toll_rater *a, const struct toll_rater *b)
{
    if (a->number_lines != b->number_lines ||
        !same_bytes(a->numbers, b->numbers, a->number_lines * sizeof *a->numbers))
        return false;
    for (uint64_t i = 0; i < a->book->number_capacity; i++)
        if (!same_dates(a->book, b->book, a->book->numbers[i].owner))
            return false;
    return true;
}

static bool same_named(const struct toll_book *a, const struct toll_book *b, enum toll_named_kind kind)
{
    if (a->named_count[kind] != b->named_count[kind])
        return false;
    for (uint32_t i = 0; i < a->named_count[kind]; i++) {
        const struct toll_named *x = &a->named[kind][i], *y = &b->named[kind][i];
        if (x->owner != y->owner || !same_dates(a, b, x->owner) ||
            strcmp(toll_book_string(a, x->text), toll_book_string(b, y->text)) != 0)
            return false;
    }
    return true;
}

/* Plans may differ. */
static bool same_owners(const struct toll_rater *a, const struct toll_rater *b)
{
    if (a->book->owner_count != b->book->owner_count)
        return false;
    for (uint32_t i = 0; i < a->book->owner_count; i++)
        if (a->owners[i].account != b->owners[i].account || a->owners[i].state != b->owners[i].state)
            return false;
    return true;
}

/* ---- where ---- */

static bool same_piece(const struct toll_book *a, uint32_t from_a, const struct toll_book *b, uint32_t from_b,
                       size_t words)
{
    return same_bytes(a->lpm_words + from_a, b->lpm_words + from_b, words * sizeof *a->lpm_words);
}

static bool same_trie(const struct toll_book *a, const struct toll_lpm *x, const struct toll_book *b,
                      const struct toll_lpm *y)
{
    if (x == NULL || y == NULL)
        return x == y;
    return x->node_count == y->node_count && x->page_count == y->page_count &&
           same_piece(a, x->first3, b, y->first3, 4096) && same_piece(a, x->npa, b, y->npa, 4096) &&
           same_piece(a, x->nodes, b, y->nodes, (size_t)x->node_count * 16) &&
           same_piece(a, x->pages, b, y->pages, (size_t)x->page_count * TOLL_LPM_PAGE);
}

static bool same_places(const struct toll_rater *a, const struct toll_rater *b)
{
    const struct toll_book *x = a->book, *y = b->book;
    return x->nanp == y->nanp && x->basis == y->basis && x->on_net == y->on_net &&
           x->place_count == y->place_count && x->ratecenter_count == y->ratecenter_count &&
           x->local_pair_count == y->local_pair_count && same_trie(x, x->place_lpm, y, y->place_lpm) &&
           (x->place_lpm == NULL || same_bytes(a->call_areas.places, b->call_areas.places,
                                               x->place_count * sizeof *a->call_areas.places)) &&
           same_bytes(x->local_pairs, y->local_pairs, x->local_pair_count * sizeof *x->local_pairs) &&
           same_bytes(a->call_areas.areas.words, b->call_areas.areas.words,
                      TOLL_AREAS * sizeof *a->call_areas.areas.words);
}

bool toll_rater_same_ends(const struct toll_rater *a, const struct toll_rater *b)
{
    const bool words = a->book->calltype_word_count > 0 || b->book->calltype_word_count > 0;
    return !words && (a->columns & COLUMNS) == (b->columns & COLUMNS) && same_owners(a, b) &&
           same_named(a->book, b->book, TOLL_NAMED_TRUNK) && same_named(a->book, b->book, TOLL_NAMED_HINT) &&
           same_places(a, b) && same_numbers(a, b);
}

void toll_rater_share(struct toll_rater *rater, const struct toll_rater *other)
{
    const uint32_t decks = rater->book->deck_count, prices = rater->price_near;
    if (rater->number_lines == other->number_lines &&
        same_bytes(rater->numbers, other->numbers, rater->number_lines * sizeof *rater->numbers))
        rater->numbers = other->numbers;
    if (rater->book->owner_count == other->book->owner_count &&
        same_bytes(rater->owners, other->owners, rater->book->owner_count * sizeof *rater->owners))
        rater->owners = other->owners;
    if (prices == other->price_near &&
        same_bytes(rater->price_terms, other->price_terms, (prices + 2u) * sizeof *rater->price_terms))
        rater->price_terms = other->price_terms;
    if (decks == other->book->deck_count && rater->lpm_word_count > 0 &&
        rater->lpm_word_count == other->lpm_word_count &&
        same_bytes(rater->tables, other->tables, 2 * (decks + 1u) * sizeof *rater->tables) &&
        same_bytes(rater->lpm_words, other->lpm_words, rater->lpm_word_count * sizeof *rater->lpm_words)) {
        rater->tables = other->tables;
        rater->lpm_words = other->lpm_words;
    }
}
