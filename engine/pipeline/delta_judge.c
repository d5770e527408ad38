/*
 * Whether and why two lines differ (docs/RERATE.md section 2, "Why"). Everything is compared by what it
 * stands for: ids through the maps of delta_sides.c.
 */
#include "pipeline/delta.h"
#include "pipeline/row.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define BIT(reason) (1u << (reason))

static int wrong_line(const struct toll_delta_spot *spot, const char *what, struct toll_error *error)
{
    const struct toll_delta_run *side = spot->part->side;
    char day[TOLL_TIME_TEXT_BYTES];
    toll_day_format(side->run.manifest.parts[spot->part->index].day, day);
    return toll_error_set(error, TOLL_EDATA, "%s: the line %s:%lld %s; the run is damaged: rate again",
                          side->run.path, day, (long long)(side->part_rows[spot->part->index] + spot->row),
                          what);
}

/* ---- who pays ---- */

static size_t book_of(const struct toll_delta_spot *spot)
{
    return spot->lines->book == NULL ? spot->part->side->books.count - 1 : spot->lines->book[spot->index];
}

static const struct toll_delta_book *owners_of(const struct toll_delta_spot *spot)
{
    return &spot->part->side->owners[book_of(spot)];
}

/* What decided who pays. */
struct number {
    enum toll_payer_kind kind; /* CHARGED and NEAR are alike */
    uint64_t digits;
    const char *text; /* of a trunk or hint */
};

static int find_payer(const struct toll_delta_spot *spot, const struct toll_delta_maker *maker,
                      uint32_t account, uint32_t *payer, struct number *number, struct toll_error *error)
{
    const struct toll_reader_book *reader = &spot->part->side->books.list[book_of(spot)];
    const struct toll_book *book = reader->book;
    struct toll_row row;
    struct toll_payer found = {0};
    toll_row_read(&reader->rater, &spot->part->maps[book_of(spot)], spot->cdrs, spot->index, &row);
    if ((row.kind & TOLL_KIND_CONFLICT) == 0 || spot->lines->status[spot->index] == TOLL_ZERO_CLOSED)
        toll_payer_find(&reader->rater, &row, &found);
    *number = (struct number){.text = ""};
    *payer = found.owner == 0 ? 0 : owners_of(spot)->payers[book->owners[found.owner].bucket];
    if (*payer == 0 || maker->payers[*payer].account != account)
        return wrong_line(spot, "has another account than its book gives", error);
    number->kind = found.site == TOLL_PAYER_CHARGED ? TOLL_PAYER_NEAR : found.site;
    if (found.site == TOLL_PAYER_TRUNK)
        number->text = toll_book_string(book, book->named[TOLL_NAMED_TRUNK][row.trunk - 1].text);
    else if (found.site == TOLL_PAYER_HINT)
        number->text = toll_book_string(book, book->named[TOLL_NAMED_HINT][row.hint - 1].text);
    else
        number->digits = found.site == TOLL_PAYER_CHARGED ? row.charged : toll_row_near_end(&row);
    return 0;
}

static int account_of(const struct toll_delta_spot *spot, uint32_t *account, struct toll_error *error)
{
    if (spot->lines->book != NULL && book_of(spot) >= spot->part->side->books.count)
        return wrong_line(spot, "names a book that the run does not have", error);
    *account = toll_delta_id(&spot->part->side->accounts, spot->lines->account[spot->index]);
    return *account != TOLL_DELTA_NO_ID
               ? 0
               : wrong_line(spot, "names an account that the run's tables do not have", error);
}

bool toll_delta_spot_only_payer(const struct toll_delta_spot *spot, uint32_t *payer)
{
    uint32_t account = 0;
    if (account_of(spot, &account, NULL) != 0)
        return false;
    *payer = account == 0 ? owners_of(spot)->nobody : owners_of(spot)->only[account];
    return *payer != 0;
}

int toll_delta_spot_payer(const struct toll_delta_spot *spot, const struct toll_delta_maker *maker,
                          uint32_t *payer, struct toll_error *error)
{
    uint32_t account = 0;
    struct number number;
    int rc = account_of(spot, &account, error);
    if (rc != 0)
        return rc;
    *payer = account == 0 ? owners_of(spot)->nobody : owners_of(spot)->only[account];
    return *payer != 0 ? 0 : find_payer(spot, maker, account, payer, &number, error);
}

/* Have both lines one payer and number? */
static int same_payer(const struct toll_delta_maker *maker, const struct toll_delta_spot *before,
                      const struct toll_delta_spot *after, bool same_ends, bool *same,
                      struct toll_error *error)
{
    uint32_t accounts[2] = {0}, payers[2];
    struct number numbers[2];
    int rc = account_of(before, &accounts[0], error);
    if (rc == 0)
        rc = account_of(after, &accounts[1], error);
    if (rc != 0)
        return rc;
    const struct toll_delta_book *old_book = owners_of(before), *new_book = owners_of(after);
    *same = accounts[0] == accounts[1];
    if (!*same)
        return 0;
    if (accounts[0] == 0) {
        *same = old_book->nobody == new_book->nobody;
        return 0;
    }
    if (same_ends && toll_hash_equal(old_book->ownership[accounts[0]], new_book->ownership[accounts[0]]))
        return 0;
    rc = find_payer(before, maker, accounts[0], &payers[0], &numbers[0], error);
    if (rc == 0)
        rc = find_payer(after, maker, accounts[1], &payers[1], &numbers[1], error);
    if (rc != 0)
        return rc;
    *same = payers[0] == payers[1] && numbers[0].kind == numbers[1].kind &&
            numbers[0].digits == numbers[1].digits && strcmp(numbers[0].text, numbers[1].text) == 0;
    return 0;
}

/* ---- the CDRs ---- */

static const char *word_of(const struct toll_delta_spot *spot, enum toll_cdr_column column, uint32_t id)
{
    const struct toll_cdr_dictionary words = toll_cdr_part_dictionary(spot->part->cdrs, column);
    return id < words.count ? words.entries[id] : "";
}

static uint32_t value_of(const int32_t *column, int64_t index)
{
    return column == NULL ? 0 : (uint32_t)column[index];
}

static bool same_words(const struct toll_delta_spot *a, const struct toll_delta_spot *b,
                       enum toll_cdr_column column, const int32_t *x, const int32_t *y)
{
    return strcmp(word_of(a, column, value_of(x, a->index)), word_of(b, column, value_of(y, b->index))) == 0;
}

static int64_t quantity_of(const struct toll_delta_spot *spot)
{
    return spot->cdrs->quantity == NULL ? 0 : spot->cdrs->quantity[spot->index];
}

static bool same_cdrs(const struct toll_delta_spot *a, const struct toll_delta_spot *b)
{
    const struct toll_cdr_batch *x = a->cdrs, *y = b->cdrs;
    const int64_t i = a->index, k = b->index;
    const uint16_t kinds = TOLL_KIND_SERVICE | TOLL_KIND_IN | TOLL_KIND_ANSWERED | TOLL_KIND_CREDIT |
                           TOLL_KIND_TYPE_MASK << TOLL_KIND_CALLER_TYPE_SHIFT |
                           TOLL_KIND_TYPE_MASK << TOLL_KIND_CALLEE_TYPE_SHIFT;
    return x->start[i] == y->start[k] && x->duration_ms[i] == y->duration_ms[k] &&
           x->caller[i] == y->caller[k] && x->callee[i] == y->callee[k] &&
           ((x->kind[i] ^ y->kind[k]) & kinds) == 0 && quantity_of(a) == quantity_of(b) &&
           strcmp(word_of(a, TOLL_CDR_CARRIER, x->carrier[i]), word_of(b, TOLL_CDR_CARRIER, y->carrier[k])) ==
               0 &&
           same_words(a, b, TOLL_CDR_TRUNK, x->trunk, y->trunk) &&
           same_words(a, b, TOLL_CDR_CALLTYPE, x->calltype, y->calltype);
}

/* Beyond that: all that says who pays. */
static bool same_ends(const struct toll_delta_spot *a, const struct toll_delta_spot *b)
{
    const struct toll_cdr_batch *x = a->cdrs, *y = b->cdrs;
    const uint64_t old_charged = x->charged == NULL ? 0 : x->charged[a->index],
                   new_charged = y->charged == NULL ? 0 : y->charged[b->index];
    return x->kind[a->index] == y->kind[b->index] && old_charged == new_charged &&
           same_words(a, b, TOLL_CDR_HINT, x->hint, y->hint);
}

/* ---- price, bundle, cost ---- */

/* What two prices are to each other. */
enum verdict { NOT_LOOKED_AT, SAME, OTHER_PLAN, OTHER_PREFIX, OTHER_BAND, OTHER_RATE, MISSING };

static enum verdict look_at_prices(const struct toll_delta_run *before, int32_t old_id,
                                   const struct toll_delta_run *after, int32_t new_id)
{
    if (toll_delta_same_price(before, old_id, after, new_id))
        return SAME;
    const struct toll_price_row *p = toll_delta_price(before, old_id), *q = toll_delta_price(after, new_id);
    if (p == NULL || q == NULL)
        return MISSING;
    if (strcmp(p->kind, q->kind) != 0 || strcmp(p->plan, q->plan) != 0 || strcmp(p->deck, q->deck) != 0)
        return OTHER_PLAN;
    if (strcmp(p->prefix, q->prefix) != 0)
        return OTHER_PREFIX;
    return strcmp(p->band, q->band) != 0 || p->step != q->step ? OTHER_BAND : OTHER_RATE;
}

/* Most often a price has its id in both runs, and very many lines. */
static enum verdict verdict_of(const struct toll_delta_maker *maker, const struct toll_delta_run *before,
                               int32_t old_id, const struct toll_delta_run *after, int32_t new_id)
{
    if (old_id != new_id || old_id >= maker->price_verdict_limit)
        return look_at_prices(before, old_id, after, new_id);
    _Atomic uint8_t *known = &maker->price_verdicts[old_id];
    uint8_t verdict = atomic_load_explicit(known, memory_order_relaxed);
    if (verdict == NOT_LOOKED_AT) {
        verdict = (uint8_t)look_at_prices(before, old_id, after, new_id);
        atomic_store_explicit(known, verdict, memory_order_relaxed);
    }
    return verdict;
}

static int price_reasons(const struct toll_delta_maker *maker, const struct toll_delta_spot *before,
                         const struct toll_delta_spot *after, unsigned *reasons, bool *same,
                         struct toll_error *error)
{
    static const unsigned bits[] = {[OTHER_PLAN] = BIT(TOLL_DELTA_PLAN),
                                    [OTHER_PREFIX] = BIT(TOLL_DELTA_PREFIX),
                                    [OTHER_BAND] = BIT(TOLL_DELTA_BAND),
                                    [OTHER_RATE] = BIT(TOLL_DELTA_RATE)};
    const int32_t old_id = before->lines->price[before->index], new_id = after->lines->price[after->index];
    if (old_id <= 0 || new_id <= 0) {
        *same = old_id == new_id;
        return 0;
    }
    const enum verdict verdict = verdict_of(maker, before->part->side, old_id, after->part->side, new_id);
    *same = verdict == SAME;
    if (verdict == MISSING)
        return wrong_line(toll_delta_price(before->part->side, old_id) == NULL ? before : after,
                          "names a price that the run's tables do not have", error);
    *reasons |= *same ? 0 : bits[verdict];
    return 0;
}

static int32_t or_none(const int32_t *column, int64_t index)
{
    return column == NULL ? 0 : column[index];
}

static uint32_t pool_of(const struct toll_delta_spot *spot)
{
    return toll_delta_id(&spot->part->side->pools, or_none(spot->lines->pool, spot->index));
}

static bool same_bundles(const struct toll_delta_spot *a, const struct toll_delta_spot *b)
{
    const bool old_fair = a->lines->status[a->index] == TOLL_RATED_FAIR_USE,
               new_fair = b->lines->status[b->index] == TOLL_RATED_FAIR_USE;
    return or_none(a->lines->included, a->index) == or_none(b->lines->included, b->index) &&
           pool_of(a) == pool_of(b) && old_fair == new_fair;
}

static bool has_cost(const struct toll_delta_spot *spot)
{
    return spot->lines->cost != NULL && toll_cost_takes_part(spot->lines->cost_status[spot->index]);
}

static bool same_costs(const struct toll_delta_spot *a, const struct toll_delta_spot *b)
{
    if (!has_cost(a) || !has_cost(b))
        return has_cost(a) == has_cost(b);
    return a->lines->cost_status[a->index] == b->lines->cost_status[b->index] &&
           a->lines->cost[a->index] == b->lines->cost[b->index] &&
           toll_delta_same_price(a->part->side, a->lines->cost_price[a->index], b->part->side,
                                 b->lines->cost_price[b->index]);
}

/* ---- all of it ---- */

static void status_reasons(unsigned old_status, unsigned new_status, unsigned *reasons)
{
    const bool was = old_status >= TOLL_SUSPENSE_FIRST, is = new_status >= TOLL_SUSPENSE_FIRST;
    if (was && !is)
        *reasons |= BIT(TOLL_DELTA_WAS_SUSPENSE);
    if (is && old_status != new_status)
        *reasons |= BIT(TOLL_DELTA_NOW_SUSPENSE);
}

static int find_reasons(const struct toll_delta_maker *maker, const struct toll_delta_spot *before,
                        const struct toll_delta_spot *after, bool same_cdr, unsigned *out,
                        struct toll_error *error)
{
    const struct toll_line_batch *x = before->lines, *y = after->lines;
    const int64_t i = before->index, k = after->index;
    const bool cdrs = same_cdr || same_cdrs(before, after);
    unsigned reasons = cdrs ? 0 : BIT(TOLL_DELTA_CDR);
    bool payers, prices = false;
    int rc = same_payer(maker, before, after, same_cdr || (cdrs && same_ends(before, after)), &payers, error);
    if (rc == 0)
        rc = price_reasons(maker, before, after, &reasons, &prices, error);
    if (rc != 0)
        return rc;
    status_reasons(x->status[i], y->status[k], &reasons);
    if (!payers)
        reasons |= BIT(TOLL_DELTA_PAYER);
    if (x->class_jurisdiction[i] != y->class_jurisdiction[k])
        reasons |= BIT(TOLL_DELTA_JURISDICTION);
    const bool billed = x->billed[i] == y->billed[k], charges = x->charge[i] == y->charge[k],
               bundles = same_bundles(before, after);
    if (prices && x->price[i] != 0 && (!billed || (!charges && bundles)))
        reasons |= BIT(TOLL_DELTA_RATE);
    if (billed && !bundles)
        reasons |= BIT(TOLL_DELTA_BUNDLE);
    if (reasons == 0 && (x->status[i] != y->status[k] || !prices || !billed || !charges || !bundles))
        reasons |= BIT(TOLL_DELTA_STATUS);
    if (!same_costs(before, after))
        reasons |= BIT(TOLL_DELTA_COST);
    if (toll_delta_id(&before->part->side->tuples, x->tuple[i]) !=
        toll_delta_id(&after->part->side->tuples, y->tuple[k]))
        reasons |= BIT(TOLL_DELTA_TAX);
    *out = reasons;
    return 0;
}

static int fill_side(const struct toll_delta_maker *maker, const struct toll_delta_spot *spot,
                     struct toll_delta_side_row *row, struct toll_error *error)
{
    const struct toll_delta_run *side = spot->part->side;
    const struct toll_line_batch *lines = spot->lines;
    const int64_t i = spot->index;
    uint32_t payer = 0;
    const int rc = toll_delta_spot_payer(spot, maker, &payer, error);
    if (rc != 0)
        return rc;
    *row = (struct toll_delta_side_row){
        .row = side->part_rows[spot->part->index] + spot->row,
        .day = (int32_t)side->run.manifest.parts[spot->part->index].day,
        .charge = lines->charge[i],
        .payer = (int32_t)payer,
        .price = lines->price[i],
        .pool = or_none(lines->pool, i),
        .tuple = lines->tuple[i],
        .billed = lines->billed[i],
        .included = or_none(lines->included, i),
        .status = lines->status[i],
        .class_jurisdiction = lines->class_jurisdiction[i],
    };
    if (lines->cost != NULL) {
        row->cost = lines->cost[i];
        row->cost_price = lines->cost_price[i];
        row->cost_status = lines->cost_status[i];
    }
    if ((row->price != 0 && toll_delta_price(side, row->price) == NULL) ||
        (row->cost_price != 0 && toll_delta_price(side, row->cost_price) == NULL) ||
        (row->tuple != 0 && toll_delta_tuple(side, row->tuple) == NULL) ||
        toll_delta_id(&side->pools, row->pool) == TOLL_DELTA_NO_ID)
        return wrong_line(spot, "names a price, a pool or a tuple that the run's tables do not have", error);
    return 0;
}

int toll_delta_judge(const struct toll_delta_maker *maker, const struct toll_delta_spot *before,
                     const struct toll_delta_spot *after, bool same_cdr, struct toll_delta_change *change,
                     struct toll_error *error)
{
    unsigned reasons = before == NULL ? BIT(TOLL_DELTA_APPEARED) : BIT(TOLL_DELTA_VANISHED);
    const struct toll_delta_spot *any = after == NULL ? before : after;
    int rc = 0;
    if (before != NULL && after != NULL) {
        rc = find_reasons(maker, before, after, same_cdr, &reasons, error);
        if (rc != 0 || reasons == 0)
            return rc;
    }
    *change = (struct toll_delta_change){
        .row = {.key_high = any->cdrs->record_key_high[any->index],
                .key_low = any->cdrs->record_key_low[any->index],
                .reasons = (uint16_t)reasons,
                .before = {.row = -1},
                .after = {.row = -1}},
        .old_start = before == NULL ? 0 : before->cdrs->start[before->index],
        .new_start = after == NULL ? 0 : after->cdrs->start[after->index],
    };
    if (before != NULL)
        rc = fill_side(maker, before, &change->row.before, error);
    if (rc == 0 && after != NULL)
        rc = fill_side(maker, after, &change->row.after, error);
    return rc != 0 ? rc : 1;
}
