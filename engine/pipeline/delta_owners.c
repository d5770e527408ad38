/*
 * Who pays, as a book has it: of each account its payer if it has one only, and a digest of all that makes
 * a call its own. Where the digests of two books are equal, a call that is the account's in both is of the
 * same site and number in both, since among the rows of one account the same one decides; so nobody has to
 * look for the payer of the millions of lines that did not change.
 */
#include "pipeline/delta.h"

#include <stdlib.h>
#include <string.h>

#define MANY UINT32_MAX

struct owning { /* all of it counts: zeroed before it is filled */
    uint64_t what;
    toll_ms from, until;
    struct toll_hash128 text, site;
    uint32_t kind;
    uint32_t spare;
};

struct walk {
    const struct toll_book *book;
    struct toll_delta_book *out;
    const uint32_t *accounts; /* shared ones by those of the book */
    struct owning entry;
};

static void add_owner(struct walk *walk, uint32_t owner_id, toll_ms from, toll_ms until)
{
    const struct toll_owner *owner = &walk->book->owners[owner_id];
    const uint32_t account = walk->accounts[owner->account], payer = walk->out->payers[owner->bucket];
    const char *site =
        owner->site == 0 ? "" : toll_book_string(walk->book, walk->book->sites[owner->site].site);
    if (account == 0)
        return;
    walk->entry.from = from;
    walk->entry.until = until;
    walk->entry.site = toll_hash(site, strlen(site));
    const struct toll_hash128 hash = toll_hash(&walk->entry, sizeof walk->entry);
    walk->out->ownership[account].low += hash.low; /* in any order */
    walk->out->ownership[account].high += hash.high;
    uint32_t *only = &walk->out->only[account];
    *only = *only == 0 || *only == payer ? payer : MANY;
}

static void add_field(struct walk *walk, uint32_t field)
{
    if (field == 0)
        return;
    if ((field & TOLL_OWNER_DATED) == 0) {
        add_owner(walk, field, TOLL_MS_MIN, TOLL_MS_MAX);
        return;
    }
    for (const struct toll_owner_date *date = &walk->book->owner_dates[field & ~TOLL_OWNER_DATED];; date++) {
        add_owner(walk, date->owner, date->from, date->until);
        if (date->last != 0)
            return;
    }
}

static void add_all(struct walk *walk)
{
    const struct toll_book *book = walk->book;
    for (uint64_t i = 0; i < book->number_capacity; i++) {
        if (book->numbers[i].key == 0)
            continue;
        walk->entry = (struct owning){.what = book->numbers[i].key, .kind = TOLL_NAMED_KINDS};
        add_field(walk, book->numbers[i].owner);
    }
    for (unsigned kind = TOLL_NAMED_TRUNK; kind <= TOLL_NAMED_HINT; kind++)
        for (uint32_t i = 0; i < book->named_count[kind]; i++) {
            const char *text = toll_book_string(book, book->named[kind][i].text);
            walk->entry = (struct owning){.text = toll_hash(text, strlen(text)), .kind = kind};
            add_field(walk, book->named[kind][i].owner);
        }
}

int toll_delta_owners_make(struct toll_delta_maker *maker, struct toll_delta_run *side, size_t index,
                           struct toll_error *error)
{
    const struct toll_book *book = side->books.list[index].book;
    struct toll_delta_book *out = &side->owners[index];
    uint32_t *accounts = calloc(book->account_count + 1u, sizeof *accounts);
    const size_t shared = maker->account_keys.count + 1u;
    out->payers = calloc(book->bucket_count + 1u, sizeof *out->payers);
    out->only = calloc(shared, sizeof *out->only);
    out->ownership = calloc(shared, sizeof *out->ownership);
    out->nobody = toll_delta_payer_of(maker, "", "", book->currency);
    bool fits = accounts != NULL && out->payers != NULL && out->only != NULL && out->ownership != NULL &&
                out->nobody != 0;
    for (uint32_t i = 1; fits && i < book->account_count; i++) {
        accounts[i] = toll_delta_account(maker, toll_book_string(book, book->accounts[i].account),
                                         toll_book_string(book, book->accounts[i].currency));
        fits = accounts[i] != 0;
    }
    for (uint32_t i = 1; fits && i < book->bucket_count; i++) {
        const struct toll_account *account = &book->accounts[book->buckets[i].account];
        const int32_t site = book->buckets[i].site;
        out->payers[i] = toll_delta_payer_of(maker, toll_book_string(book, account->account),
                                             site == 0 ? "" : toll_book_string(book, book->sites[site].site),
                                             toll_book_string(book, account->currency));
        fits = out->payers[i] != 0;
    }
    struct walk walk = {.book = book, .out = out, .accounts = accounts};
    if (fits)
        add_all(&walk);
    for (size_t i = 0; fits && i < shared; i++)
        if (out->only[i] == MANY)
            out->only[i] = 0;
    free(accounts);
    return fits ? 0 : toll_delta_no_memory(error);
}

void toll_delta_owners_free(struct toll_delta_book *book)
{
    free(book->payers);
    free(book->only);
    free(book->ownership);
}
