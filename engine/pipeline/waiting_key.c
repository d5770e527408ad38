/*
 * What is missing for a row in suspense.
 *
 *     no_account      a: which candidate, what: the number, or the text's id ("trunk:T1", "hint:H1")
 *     no_prefix       a: deck, what: prefix; b 1: the number is none that has prefixes
 *     bad_number      a: deck
 *     no_calltype     a: deck, what: the code's id
 *     no_band         a: deck, what: string of the prefix (key)
 *     no_plan         account
 *     no_rule         a: plan, b: service and direction
 *     no_rate, blocked             a: price row
 *     rejected, no_provider_charge, overflow   a: rule
 *     party_conflict  a, b: the accounts that the record names
 */
#include "pipeline/draws.h"
#include "pipeline/waiting.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- prefixes that a deck has ---- */

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool make_prefixes(const struct toll_book *book, int32_t id, struct toll_waiting_deck *deck)
{
    size_t capacity = 0;
    deck->made = true;
    const struct toll_deck *table = &book->decks[id];
    for (uint32_t n = 0; n < table->price_count; n++) {
        const char *key = toll_book_string(book, book->origins[table->origin_first + n].key);
        const char *callee = strchr(key, '>'); /* of a pair the caller's prefix comes first */
        uint64_t prefix;
        key = callee == NULL ? key : callee + 1;
        if (!toll_digits_pack(key, strlen(key), &prefix))
            continue; /* the empty one */
        if (deck->count == capacity) {
            capacity = capacity * 2 + 1024;
            uint64_t *grown = realloc(deck->prefixes, capacity * sizeof *grown);
            if (grown == NULL)
                return false;
            deck->prefixes = grown;
        }
        deck->prefixes[deck->count++] = prefix;
    }
    if (deck->count > 0)
        qsort(deck->prefixes, deck->count, sizeof *deck->prefixes, by_value);
    return true;
}

/* Does the deck have a prefix that is longer than this one and begins with it? Digits end with nibbles F, so
 * the longer ones come right before it. */
static bool has_longer(const struct toll_waiting_deck *deck, uint64_t prefix, unsigned digits)
{
    const uint64_t first = prefix & ~(UINT64_MAX >> 4 * digits);
    size_t low = 0, high = deck->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (deck->prefixes[middle] < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low < deck->count && deck->prefixes[low] < prefix;
}

/* Digits of the country code (ITU-T E.164 Annex D: zones 1 and 7 are one digit, these codes two, all others
 * three); of zone 1 with the area code, since that is what rates are by. */
unsigned toll_waiting_least_digits(uint64_t number)
{
    static const uint8_t two[] = {0x20, 0x27, 0x30, 0x31, 0x32, 0x33, 0x34, 0x36, 0x39, 0x40, 0x41,
                                  0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x51, 0x52, 0x53, 0x54,
                                  0x55, 0x56, 0x57, 0x58, 0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66,
                                  0x81, 0x82, 0x84, 0x86, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x98};
    if (number >> 60 == 1)
        return 4;
    return number >> 60 == 7 ? 1 : memchr(two, (int)(number >> 56), sizeof two) != NULL ? 2 : 3;
}

uint64_t toll_waiting_prefix(struct toll_waiting *waiting, int32_t id, uint64_t number)
{
    struct toll_waiting_deck *deck = &waiting->decks[id];
    const unsigned digits = toll_digits_count(number);
    if (!deck->made && !make_prefixes(waiting->rater->book, id, deck))
        return 0;
    for (unsigned count = toll_waiting_least_digits(number); count < digits; count++) {
        const uint64_t prefix = number | UINT64_MAX >> 4 * count;
        if (!has_longer(deck, prefix, count))
            return prefix;
    }
    return number;
}

/* ---- keys ---- */

static uint32_t text_of(struct toll_waiting *waiting, const char *kind, const struct toll_reader_row *at,
                        enum toll_cdr_column column, const int32_t *ids)
{
    const struct toll_cdr_dictionary dictionary = toll_cdr_part_dictionary(at->part, column);
    char text[512];
    const int bytes = snprintf(text, sizeof text, "%s%s", kind, dictionary.entries[ids[at->index]]);
    const size_t kept = (size_t)bytes < sizeof text ? (size_t)bytes : sizeof text - 1;
    return toll_strings_add(&waiting->texts, text, kept);
}

static bool payer_key(struct toll_waiting *waiting, const struct toll_reader_row *at,
                      struct toll_waiting_key *key)
{
    const struct toll_cdr_batch *batch = at->batch;
    const uint64_t near = toll_row_near_end(&at->row);
    key->a = near != 0 ? TOLL_WAITING_NEAR : at->row.charged != 0 ? TOLL_WAITING_CHARGED : TOLL_WAITING_NAMED;
    key->what = near != 0 ? near : at->row.charged;
    if (key->what != 0)
        return true;
    if (batch->trunk != NULL && batch->trunk[at->index] != 0)
        key->what = text_of(waiting, "trunk:", at, TOLL_CDR_TRUNK, batch->trunk);
    else if (batch->hint != NULL && batch->hint[at->index] != 0)
        key->what = text_of(waiting, "hint:", at, TOLL_CDR_HINT, batch->hint);
    else
        key->a = TOLL_WAITING_NOTHING;
    return key->a == TOLL_WAITING_NOTHING || key->what != 0;
}

/* The first two candidates that name different accounts. */
static void conflict_key(const struct toll_book *book, const struct toll_payer *payer,
                         struct toll_waiting_key *key)
{
    const uint32_t owners[] = {payer->charged, payer->trunk, payer->hint, payer->near};
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        const uint32_t account = (uint32_t)book->owners[owners[i]].account;
        if (owners[i] == 0 || account == key->a)
            continue;
        if (key->a != 0) {
            key->b = account;
            return;
        }
        key->a = account;
    }
}

/* The prefix whose rows are in force, but none of the band. */
static uint32_t banded_key(const struct toll_rater *rater, int32_t deck, const struct toll_row *row)
{
    const struct toll_book *book = rater->book;
    unsigned miss;
    if (book->decks[deck].key == TOLL_KEY_NPANXX_PAIR)
        return 0;
    uint32_t value = toll_price_value(rater, deck, row, &miss);
    const struct toll_deck *table = &book->decks[deck];
    while ((value & TOLL_LPM_ENTRY) != 0) {
        const struct toll_entry *entry = &book->entries[value & TOLL_LPM_INDEX];
        const struct toll_entry_row *rows = toll_entry_rows(book, table, entry);
        for (uint32_t i = 0; i < entry->count; i++) {
            const struct toll_entry_span *span = &book->entry_spans[rows[i].span];
            if (row->start >= span->from && row->start < span->until)
                return book->origins[table->origin_first + rows[i].price - 1].key;
        }
        value = toll_deck_value(table, entry->shorter);
    }
    return 0;
}

struct last_deck {
    const struct toll_book *book;
    int32_t deck; /* the last one that was asked in vain */
};

static void on_rule(void *context, uint32_t rule, enum toll_rule_verdict verdict, unsigned status)
{
    struct last_deck *last = context;
    (void)verdict;
    if (status != 0 && last->book->rules[rule].action == TOLL_ACTION_DECK)
        last->deck = last->book->rules[rule].deck;
}

static bool deck_key(struct toll_waiting *waiting, const struct toll_reader_row *at, int32_t deck,
                     struct toll_waiting_key *key)
{
    const struct toll_book *book = waiting->rater->book;
    unsigned type;
    key->a = (uint32_t)deck;
    switch (key->status) {
    case TOLL_SUSPENSE_NO_PREFIX: {
        const uint64_t number = toll_deck_number(&book->decks[deck], &at->row, &type);
        key->b = type != TOLL_NUMBER_E164;
        key->what = key->b ? 0 : toll_waiting_prefix(waiting, deck, number);
        return key->b || key->what != 0;
    }
    case TOLL_SUSPENSE_NO_CALLTYPE:
        if (at->batch->calltype != NULL && at->batch->calltype[at->index] != 0) {
            key->what = text_of(waiting, "", at, TOLL_CDR_CALLTYPE, at->batch->calltype);
            return key->what != 0;
        }
        return true;
    case TOLL_SUSPENSE_NO_BAND:
        key->what = banded_key(waiting->rater, deck, &at->row);
        return true;
    default:
        return true;
    }
}

/* False: out of memory. */
static bool find_key(struct toll_waiting *waiting, const struct toll_reader_row *at,
                     const struct toll_row_answer *answer, int32_t deck, struct toll_waiting_key *key)
{
    switch (key->status) {
    case TOLL_SUSPENSE_NO_ACCOUNT:
        return payer_key(waiting, at, key);
    case TOLL_SUSPENSE_PARTY_CONFLICT:
        conflict_key(waiting->rater->book, &answer->payer, key);
        return true;
    case TOLL_SUSPENSE_NO_PLAN:
        key->account = answer->account;
        return true;
    case TOLL_SUSPENSE_NO_RULE:
        key->a = (uint32_t)answer->plan;
        key->b = toll_kind_service(at->row.kind) << 1 | ((at->row.kind & TOLL_KIND_IN) != 0);
        return true;
    case TOLL_SUSPENSE_NO_PREFIX:
    case TOLL_SUSPENSE_NO_CALLTYPE:
    case TOLL_SUSPENSE_BAD_NUMBER:
    case TOLL_SUSPENSE_NO_BAND:
        return deck_key(waiting, at, deck, key);
    case TOLL_SUSPENSE_NO_RATE:
    case TOLL_SUSPENSE_BLOCKED:
        key->a = (uint32_t)answer->price;
        return true;
    case TOLL_SUSPENSE_REJECTED:
    case TOLL_SUSPENSE_NO_PROVIDER_CHARGE:
    case TOLL_SUSPENSE_OVERFLOW:
        key->a = (uint32_t)answer->rule;
        return true;
    case TOLL_SUSPENSE_POOL_LIMIT:
        key->account = answer->account;
        key->a = toll_row_rejecter(waiting->rater, &at->row, answer);
        return true;
    default:
        return true;
    }
}

int toll_waiting_key_of(struct toll_waiting *waiting, const struct toll_reader_row *at,
                        struct toll_waiting_key *key, struct toll_error *error)
{
    struct last_deck last = {.book = waiting->rater->book};
    const struct toll_row_trace trace = {.rule = on_rule, .context = &last};
    struct toll_row_answer answer = {0};
    *key = (struct toll_waiting_key){.status = at->lines->status[at->index]};
    if (at->rater == waiting->rater)
        toll_row_rate(waiting->rater, waiting->cursors, &at->row, &trace, &answer);
    if (at->kept && answer.status != key->status) { /* as an older book left it */
        if (answer.status < TOLL_SUSPENSE_FIRST) {
            key->b = TOLL_WAITING_CLEARED;
            return 0;
        }
        key->status = answer.status;
    }
    const bool drew = answer.status == TOLL_RATED && /* bundles made it wait */
                      (key->status == TOLL_SUSPENSE_POOL_LIMIT || key->status == TOLL_SUSPENSE_OVERFLOW);
    if (at->rater != waiting->rater || (answer.status != key->status && !drew))
        return toll_error_set(error, TOLL_EDATA,
                              "%s:%lld was rated otherwise, by another version; rate again with this one",
                              at->day, (long long)at->day_row);
    if (!find_key(waiting, at, &answer, last.deck, key))
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for what is in suspense");
    return 0;
}
