/* The content of an image, continued: prices, and tries of whatever values. */
#include "book/check.h"
#include "ratetable/lpm.h"
#include "ratetable/prices.h"

#include <stdlib.h>
#include <string.h>

#define PLACES TOLL_LPM_PLACES
#define DEEPEST 14 /* a node decides one of the digits 0..14 */

struct trie {
    const struct toll_lpm *lpm;
    const uint32_t *words;
    struct toll_check_values values;
    uint8_t *depth; /* by node: the digit that it decides, as deep as any way leads to it */
};

static bool value_good(const struct trie *trie, uint32_t value)
{
    return toll_check_value(&trie->values, value);
}

/* Values of which each may lead to a node that decides digit `digit`, and to nodes after `after` only: no
 * loops. */
static bool values_good(struct trie *trie, uint64_t at, uint64_t count, unsigned digit, int64_t after)
{
    for (uint64_t i = 0; i < count; i++) {
        const uint32_t value = trie->words[at + i], node = value & ~TOLL_LPM_NODE;
        if ((value & TOLL_LPM_NODE) == 0) {
            if (!value_good(trie, value))
                return false;
            continue;
        }
        if (node >= trie->lpm->node_count || (int64_t)node <= after || digit > DEEPEST)
            return false;
        if (trie->depth[node] < digit)
            trie->depth[node] = (uint8_t)digit;
    }
    return true;
}

static bool trie_walk(struct trie *trie)
{
    const struct toll_lpm *lpm = trie->lpm;

    for (uint32_t i = 0; i < PLACES; i++) {
        const uint32_t value = trie->words[lpm->npa + i];
        if ((value & TOLL_LPM_NODE) != 0 ? (value & ~TOLL_LPM_NODE) >= lpm->page_count
                                         : !value_good(trie, value))
            return false;
    }
    if (!values_good(trie, lpm->first3, PLACES, 3, -1) ||
        !values_good(trie, lpm->pages, (uint64_t)lpm->page_count * TOLL_LPM_PAGE, 7, -1))
        return false;
    /* Behind the pages no way leads on. */
    for (uint32_t i = 0; i < TOLL_LPM_PAGE_SLACK; i++) {
        if (!value_good(trie, trie->words[lpm->pages + (uint64_t)lpm->page_count * TOLL_LPM_PAGE + i]))
            return false;
    }
    for (uint32_t node = 0; node < lpm->node_count; node++) {
        if (!values_good(trie, lpm->nodes + (uint64_t)node * 16, 16, trie->depth[node] + 1u, node))
            return false;
    }
    /* No number begins with F: what is no number is looked up there and lies in the empty prefix only. */
    return value_good(trie, lpm->everything) && trie->words[lpm->first3 + PLACES - 1] == lpm->everything;
}

const char *toll_check_trie_of(const struct toll_book *book, const struct toll_lpm *lpm,
                               const struct toll_check_values *values, const char *what)
{
    struct trie trie = {lpm, book->lpm_words, *values, NULL};
    const uint64_t words = book->lpm_word_count;
    bool good;

    if (!toll_check_range(lpm->first3, PLACES, words) || !toll_check_range(lpm->npa, PLACES, words) ||
        !toll_check_range(lpm->nodes, (uint64_t)lpm->node_count * 16, words) || lpm->spare != 0 ||
        !toll_check_range(lpm->pages, (uint64_t)lpm->page_count * TOLL_LPM_PAGE + TOLL_LPM_PAGE_SLACK, words))
        return what;
    trie.depth = calloc((size_t)lpm->node_count + 1, 1);
    if (trie.depth == NULL)
        return toll_check_no_memory;
    good = trie_walk(&trie);
    free(trie.depth);
    return good ? NULL : what;
}

const char *toll_check_trie(const struct toll_book *book, const struct toll_lpm *lpm, uint32_t least,
                            uint32_t ids, uint32_t entries, const char *what)
{
    const struct toll_check_values values = {
        .least = least, .ids = ids, .width = 1, .entries_from = 1, .entries = entries};

    return toll_check_trie_of(book, lpm, &values, what);
}

static bool terms_good(const struct toll_terms *terms)
{
    const bool markup = terms->action == TOLL_ACTION_MARKUP;

    return terms->per >= 1 && terms->initial >= 1 && terms->increment >= 1 && terms->minimum_units >= 0 &&
           terms->free_units >= 0 && terms->decimals <= TOLL_MONEY_DECIMALS &&
           terms->quantum == toll_quantum(terms->decimals) && terms->action <= TOLL_ACTION_TIERS &&
           terms->action != TOLL_ACTION_REJECT && terms->state <= TOLL_PRICE_NO_RATE &&
           terms->init_mode <= TOLL_INIT_ROUND_TOTAL && terms->duration_rounding <= TOLL_DURATION_MS &&
           terms->zero_s <= TOLL_ZERO_S_MINIMUM && terms->rounding <= TOLL_DOWN &&
           terms->minimum_charge >= 0 && terms->maximum_charge >= terms->minimum_charge &&
           (markup || (terms->rate >= 0 && terms->connect_fee >= 0)) &&
           terms->small == toll_terms_are_small(terms);
}

static bool group_good(const struct toll_book *book, const struct toll_origin_group *group)
{
    return group->kind >= 0 && group->kind <= TOLL_PRICE_TIERS && group->plan >= 0 &&
           (uint32_t)group->plan < book->plan_count && group->band >= 0 &&
           (uint32_t)group->band < book->band_count && toll_check_text(book, group->file) &&
           group->step >= 0 && group->column >= 0 && group->column < TOLL_RATE_COLUMNS;
}

/* What does not depend on whose they are. */
static const char *check_price_rows(const struct toll_book *book)
{
    uint32_t most = 0;

    if (book->price_count <= TOLL_PRICE_EMERGENCY || book->price_count > TOLL_LPM_INDEX)
        return "the count of prices";
    for (uint32_t i = 0; i < book->terms_count; i++) {
        if (!terms_good(&book->terms[i]))
            return "a price's terms";
    }
    for (uint32_t i = 0; i < book->price_count; i++)
        most = book->price_terms[i] > most ? book->price_terms[i] : most;
    if (most >= book->terms_count)
        return "a price";
    for (uint32_t i = 0; i < book->origin_group_count; i++) {
        if (!group_good(book, &book->origin_groups[i]))
            return "a price";
    }
    for (uint32_t i = 0; i < book->origin_count; i++) {
        const struct toll_origin *origin = &book->origins[i];
        if (!toll_check_text(book, origin->key) || !toll_check_text(book, origin->destination))
            return "a price";
    }
    return NULL;
}

static const char *check_destinations(const struct toll_book *book)
{
    if (book->destination_count == 0 || book->destination_names[0] != 0)
        return "the empty destination";
    for (uint32_t i = 1; i < book->destination_count; i++) {
        if (!toll_check_text(book, book->destination_names[i]))
            return "a destination's name";
    }
    return book->destinations == NULL ? NULL
                                      : toll_check_trie(book, book->destinations, 1, book->destination_count,
                                                        0, "the destinations' prefixes");
}

const char *toll_check_prices(const struct toll_book *book, const struct toll_image_view *view)
{
    const char *problem = check_price_rows(book);

    problem = problem != NULL ? problem : toll_check_decks(book, view);
    return problem != NULL ? problem : check_destinations(book);
}
