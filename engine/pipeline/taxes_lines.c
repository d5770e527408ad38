/* The charge lines of an account's billing period, in the order of docs/TAX.md section 5, and what they owe.
 */
#include "pipeline/taxes.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PER_MONEY INT64_C(1000000) /* 1e-14 in 1e-8 */

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the taxes of a run");
}

static bool add_line(struct toll_taxes *taxes, const struct toll_taxes_source *source,
                     struct toll_tax_charge_line **line)
{
    if (!toll_tax_grow((void **)&taxes->lines, &taxes->line_room, taxes->line_count + 1,
                       sizeof *taxes->lines) ||
        !toll_tax_grow((void **)&taxes->sources, &taxes->source_room, taxes->line_count + 1,
                       sizeof *taxes->sources))
        return false;
    taxes->sources[taxes->line_count] = *source;
    *line = &taxes->lines[taxes->line_count++];
    **line = (struct toll_tax_charge_line){0};
    return true;
}

/* ---- place and taxes of a line that is no usage ---- */

static enum toll_tax_reason find_place(const struct toll_taxes *taxes, uint32_t account, int32_t site,
                                       struct toll_taxes_place *place)
{
    const struct toll_book *book = taxes->book;
    const int32_t where = site != 0 ? site : book->accounts[account].tax_site;
    *place = (struct toll_taxes_place){.account = account, .site = site};
    if (where == 0)
        return TOLL_TAX_NO_SITE;
    place->area = book->sites[where].area;
    return place->area == 0 ? TOLL_TAX_NO_AREA : TOLL_TAX_TAXED;
}

static bool has_kind(const struct toll_taxes *taxes, const struct toll_tax_list *list, unsigned kind)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (taxes->tables->taxes[list->components[i].tax].kind == kind)
            return true;
    return false;
}

/* mapped: the line has a product, so that tax_map.csv must know it. */
static int solve(struct toll_taxes *taxes, struct toll_taxes_source *source, int32_t site, bool mapped,
                 unsigned kinds, struct toll_error *error)
{
    const uint32_t account = taxes->tasks[taxes->task].account;
    struct toll_taxes_place place;
    source->reason = find_place(taxes, account, site, &place);
    source->area = place.area;
    if (mapped)
        source->split = toll_tax_split_find(taxes->index, source->product, -1, -1, -1);
    if (source->reason == TOLL_TAX_TAXED && mapped && source->split == 0)
        source->reason = TOLL_TAX_NO_TAX_SERVICE;
    if (source->reason != TOLL_TAX_TAXED)
        return 0;
    const int rc = toll_taxes_solve(taxes, &place, source->split, kinds, source->day, &source->recipe, error);
    if (rc == 0)
        source->reason = taxes->recipes[source->recipe].reason;
    return rc;
}

/* ---- charges ---- */

static bool charge_due(const struct toll_taxes *taxes, const struct toll_charge *charge, int32_t *day)
{
    const int64_t first = taxes->cycle.day, next = taxes->cycle.next_day;
    *day = charge->from > first ? charge->from : (int32_t)first;
    if (charge->kind == TOLL_CHARGE_RECURRING)
        return charge->from < next && charge->until > first;
    return charge->from >= first && charge->from < next;
}

/* The charge of a price that includes its taxes. */
static int take_tax_out(struct toll_taxes *taxes, const struct toll_charge *charge, uint32_t recipe,
                        struct toll_tax_charge_line *line, struct toll_error *error)
{
    struct toll_rational amount, unit, *net = toll_arena_alloc(&taxes->task_arena, sizeof *net);
    const struct toll_tax_recipe *solved = &taxes->recipes[recipe].recipe;
    uint32_t late = 0;
    if (net == NULL)
        return no_memory(error);
    toll_rational_of_total(&amount, line->charge, TOLL_MONEY_UNIT);
    toll_rational_of(&unit, 1, PER_MONEY);
    if (!toll_rational_multiply(&amount, &amount, &unit) ||
        !toll_tax_net_of(taxes->tables, solved, &amount, net, &late))
        return toll_error_set(error, TOLL_EDATA,
                              "charges.csv:%u: the price without its taxes has more digits "
                              "than can be kept",
                              charge->line);
    if (late < solved->list.count) {
        const struct toll_tax *tax = &taxes->tables->taxes[solved->list.components[late].tax];
        return toll_error_set(
            error, TOLL_EBOOK,
            "charges.csv:%u: a price that includes its taxes cannot have tax %s in it, which "
            "runs over brackets, a threshold or a cap; give the price without taxes",
            charge->line, toll_tax_string(taxes->tables, tax->tax));
    }
    line->net = net;
    return 0;
}

static int add_charges(struct toll_taxes *taxes, struct toll_error *error)
{
    const uint32_t account = taxes->tasks[taxes->task].account;
    for (uint32_t i = taxes->charge_first[account]; i < taxes->charge_first[account + 1]; i++) {
        const struct toll_charge *charge = &taxes->tables->charges[taxes->charges[i]];
        struct toll_taxes_source source = {.kind = TOLL_FROM_CHARGE,
                                           .index = taxes->charges[i],
                                           .product = charge->product,
                                           .site = taxes->site_of_book[charge->site]};
        struct toll_tax_charge_line *line;
        if (!charge_due(taxes, charge, &source.day))
            continue;
        const bool credit = charge->kind == TOLL_CHARGE_CREDIT;
        int rc = solve(taxes, &source, charge->site, true,
                       credit ? TOLL_TAX_KINDS_PLAIN : TOLL_TAX_KINDS_CHARGE, error);
        if (rc != 0)
            return rc;
        if (!add_line(taxes, &source, &line))
            return no_memory(error);
        line->charge = (toll_total)charge->amount * charge->quantity * (credit ? -1 : 1);
        if (charge->included != 0 && source.reason == TOLL_TAX_TAXED)
            rc = take_tax_out(taxes, charge, source.recipe, line, error);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* ---- the inventory ---- */

static int add_services(struct toll_taxes *taxes, struct toll_error *error)
{
    const uint32_t account = taxes->tasks[taxes->task].account;
    const int32_t first = (int32_t)taxes->cycle.day, next = (int32_t)taxes->cycle.next_day;
    const uint32_t begin = taxes->inventory_first[account], end = taxes->inventory_first[account + 1];
    if (!toll_tax_grow((void **)&taxes->counted, &taxes->counted_room, end - begin + (size_t)1,
                       sizeof *taxes->counted))
        return no_memory(error);
    for (uint32_t i = begin; i < end; i++) {
        const struct toll_inventory_row *row = &taxes->tables->inventory[taxes->inventory[i]];
        if (row->from >= next || row->until <= first)
            continue;
        const int32_t from = row->from > first ? row->from : first;
        const uint32_t site = taxes->site_of_book[row->site];
        struct toll_taxes_source source = {.kind = TOLL_FROM_SERVICE,
                                           .index = taxes->inventory[i],
                                           .product = row->product,
                                           .site = site,
                                           .day = from};
        struct toll_tax_inventory *counted = &taxes->counted[i - begin];
        struct toll_tax_charge_line *line;
        const int rc = solve(taxes, &source, row->site, row->product != 0, TOLL_TAX_KINDS_SERVICE, error);
        if (rc != 0)
            return rc;
        if (!add_line(taxes, &source, &line))
            return no_memory(error);
        *counted = (struct toll_tax_inventory){
            .type = toll_tax_string(taxes->tables, row->type),
            .quantity = row->quantity,
            .days = (row->until < next ? row->until : next) - from,
            .period_days = next - first,
            .first_of_site = row->site != 0 && taxes->first_stamp[site] != taxes->stamp,
        };
        taxes->first_stamp[site] = taxes->stamp;
        line->inventory = counted;
    }
    return 0;
}

/* ---- the account itself ---- */

/* Does some per_account tax apply? Where it is not known what else does, it is asked alone. */
static int account_pays(struct toll_taxes *taxes, struct toll_taxes_source *source, bool *pays,
                        struct toll_error *error)
{
    int rc = 0;
    *pays = source->reason != TOLL_TAX_TAXED && source->reason != TOLL_TAX_NO_SELLER; /* nobody knows */
    if (source->reason == TOLL_TAX_TAXED)
        *pays = has_kind(taxes, &taxes->recipes[source->recipe].recipe.list, TOLL_TAX_PER_ACCOUNT);
    if (source->reason == TOLL_TAX_NO_SELLER) {
        struct toll_taxes_source alone = *source;
        rc = solve(taxes, &alone, 0, false, 1u << TOLL_TAX_PER_ACCOUNT, error);
        *pays = rc == 0 && taxes->recipes[alone.recipe].recipe.list.count > 0;
    }
    return rc;
}

static int add_account(struct toll_taxes *taxes, struct toll_error *error)
{
    struct toll_taxes_source source = {
        .kind = TOLL_FROM_ACCOUNT, .site = 1, .day = (int32_t)taxes->cycle.day};
    struct toll_tax_charge_line *line;
    bool pays = false;
    if (!taxes->per_account)
        return 0;
    int rc = solve(taxes, &source, 0, false, TOLL_TAX_KINDS_ACCOUNT, error);
    if (rc == 0)
        rc = account_pays(taxes, &source, &pays, error);
    if (rc != 0 || !pays)
        return rc;
    return add_line(taxes, &source, &line) ? 0 : no_memory(error);
}

/* ---- period charges ---- */

/* That of the tiers, else `period:` and the kind. */
static int32_t product_of(const struct toll_taxes *taxes, const struct toll_period_row *row)
{
    char name[128];
    if (row->tiers[0] != 0) {
        const uint32_t tiers = toll_strings_find(&taxes->tier_names, row->tiers, strlen(row->tiers));
        if (tiers != 0 && taxes->book->tiers[tiers].product != 0)
            return taxes->book->tiers[tiers].product;
    }
    snprintf(name, sizeof name, "period:%s", row->kind);
    return toll_tax_product_find(taxes->tables, name);
}

static int add_periods(struct toll_taxes *taxes, struct toll_error *error)
{
    const struct toll_taxes_task *task = &taxes->tasks[taxes->task];
    for (uint32_t i = taxes->period_first[task->account]; i < taxes->period_first[task->account + 1]; i++) {
        const int64_t index = taxes->periods[i];
        if (toll_taxes_period_day(taxes, index) != task->day)
            continue;
        const struct toll_period_row *row = &taxes->files.tables.periods[index];
        struct toll_taxes_source source = {
            .kind = TOLL_FROM_PERIOD, .index = index, .day = (int32_t)task->day};
        struct toll_tax_charge_line *line;
        source.product = product_of(taxes, row);
        source.site = toll_strings_find(&taxes->site_names, row->site, strlen(row->site));
        const int rc =
            solve(taxes, &source, taxes->book_site[source.site], true, TOLL_TAX_KINDS_PLAIN, error);
        if (rc != 0)
            return rc;
        if (!add_line(taxes, &source, &line))
            return no_memory(error);
        line->charge = (toll_total)row->charge * PER_MONEY;
    }
    return 0;
}

/* ---- usage ---- */

struct usage {
    uint64_t key; /* rank of the site above, of the tuple below */
    int64_t bucket;
};

static int by_key(const void *a, const void *b)
{
    const struct usage *x = a, *y = b;
    const int order = (x->key > y->key) - (x->key < y->key);
    return order != 0 ? order : (x->bucket > y->bucket) - (x->bucket < y->bucket);
}

static int add_bucket(struct toll_taxes *taxes, int64_t index, struct toll_error *error)
{
    const struct toll_bucket_row *bucket = &taxes->files.tables.buckets[index];
    const uint32_t tuple = taxes->bucket_tuples[index];
    const struct toll_taxes_tuple *known = &taxes->tuples[tuple];
    struct toll_taxes_source source = {
        .kind = TOLL_FROM_USAGE,
        .index = index,
        .reason = known->reason,
        .site = taxes->bucket_sites[index],
        .area = known->area,
        .split = known->split,
        .day = known->from,
    };
    struct toll_tax_charge_line *line;
    if (source.reason == TOLL_TAX_TAXED) {
        const struct toll_taxes_place place = {.account = taxes->tasks[taxes->task].account,
                                               .site = taxes->book_site[source.site],
                                               .area = known->area};
        const int rc = toll_taxes_solve_tuple(taxes, &place, tuple, &source.recipe, error);
        if (rc != 0)
            return rc;
        source.reason = taxes->recipes[source.recipe].reason;
    }
    if (!add_line(taxes, &source, &line))
        return no_memory(error);
    line->charge = (toll_total)bucket->charge * PER_MONEY;
    line->seconds = known->voice ? bucket->units : 0;
    return 0;
}

static int add_usage(struct toll_taxes *taxes, struct toll_error *error)
{
    const struct toll_taxes_task *task = &taxes->tasks[taxes->task];
    const struct toll_run_tables *run = &taxes->files.tables;
    struct usage *list = taxes->usage;
    size_t count = 0;
    bool sorted = true;
    for (uint32_t at = taxes->run_account[task->account]; at != 0; at = taxes->bucket_spans[at].next) {
        const struct toll_bucket_span *span = &taxes->bucket_spans[at];
        if (!toll_tax_grow(&taxes->usage, &taxes->usage_room, count + (size_t)span->count, sizeof *list))
            return no_memory(error);
        list = taxes->usage;
        for (int64_t i = span->first; i < span->first + span->count; i++) {
            if (run->buckets[i].tuple == 0)
                continue;
            const struct toll_taxes_tuple *tuple = &taxes->tuples[taxes->bucket_tuples[i]];
            if (tuple->period != task->day)
                continue;
            list[count] =
                (struct usage){(uint64_t)taxes->site_rank[taxes->bucket_sites[i]] << 32 | tuple->rank, i};
            sorted = sorted && (count == 0 || list[count - 1].key <= list[count].key);
            count++;
        }
    }
    if (!sorted)
        qsort(list, count, sizeof *list, by_key);
    for (size_t i = 0; i < count; i++) {
        const int rc = add_bucket(taxes, list[i].bucket, error);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* ---- all ---- */

static int by_rank(const void *a, const void *b, void *context)
{
    const uint32_t *rank = context, x = rank[*(const uint32_t *)a], y = rank[*(const uint32_t *)b];
    return (x > y) - (x < y);
}

/* The task's sites in bytewise order become 0, 1, ... */
static bool number_sites(struct toll_taxes *taxes)
{
    taxes->site_count = 0;
    for (size_t i = 0; i < taxes->line_count; i++) {
        const uint32_t site = taxes->sources[i].site;
        if (taxes->site_stamp[site] == taxes->stamp)
            continue;
        taxes->site_stamp[site] = taxes->stamp;
        if (!toll_tax_grow((void **)&taxes->sites, &taxes->site_room, taxes->site_count + (size_t)1,
                           sizeof *taxes->sites))
            return false;
        taxes->sites[taxes->site_count++] = site;
    }
    if (taxes->site_count > 1)
        qsort_r(taxes->sites, taxes->site_count, sizeof *taxes->sites, by_rank, taxes->site_rank);
    for (uint32_t i = 0; i < taxes->site_count; i++)
        taxes->site_dense[taxes->sites[i]] = i;
    for (size_t i = 0; i < taxes->line_count; i++) {
        struct toll_tax_charge_line *line = &taxes->lines[i];
        line->site = taxes->site_dense[taxes->sources[i].site];
        line->recipe = taxes->sources[i].reason == TOLL_TAX_TAXED
                           ? &taxes->recipes[taxes->sources[i].recipe].recipe
                           : NULL;
    }
    return true;
}

/* Whose amounts they are that do not fit. */
static int tell(const struct toll_taxes *taxes, int rc, const struct toll_error *why,
                struct toll_error *error)
{
    const struct toll_taxes_task *now = &taxes->tasks[taxes->task];
    char period[TOLL_TIME_TEXT_BYTES];
    toll_day_format(now->day, period);
    return toll_error_set(error, rc, "account %.60s, period %s: %s",
                          toll_book_string(taxes->book, taxes->book->accounts[now->account].account), period,
                          why->text);
}

static int evaluate_lines(struct toll_taxes *taxes, struct toll_error *error)
{
    struct toll_error why = {0};
    const int rc = toll_tax_account_evaluate(&taxes->account, taxes->tables, &taxes->ledger, taxes->lines,
                                             taxes->line_count, taxes->site_count, &why);
    return rc == 0 ? 0 : tell(taxes, rc, &why, error);
}

/* All but what they owe. */
static int list_lines(struct toll_taxes *taxes, size_t task, struct toll_error *error)
{
    const struct toll_taxes_task *now = &taxes->tasks[task];
    const struct toll_account *account = &taxes->book->accounts[now->account];
    taxes->task = task;
    taxes->line_count = 0;
    taxes->stamp++;
    if (taxes->task_arena.last != NULL)
        toll_arena_free(&taxes->task_arena);
    taxes->cycle = toll_cycle_of_month(taxes->book->zones[account->zone], account->cycle_day,
                                       toll_cycle_month_of_day(account->cycle_day, now->day));
    int rc = 0;
    bool of_account = false;
    if (!now->closed) {
        rc = add_charges(taxes, error);
        rc = rc != 0 ? rc : add_services(taxes, error);
        const size_t before = taxes->line_count;
        rc = rc != 0 ? rc : add_account(taxes, error);
        of_account = taxes->line_count > before;
    }
    rc = rc != 0 ? rc : add_periods(taxes, error);
    rc = rc != 0 ? rc : add_usage(taxes, error);
    if (rc == 0 && of_account && taxes->line_count == 1)
        taxes->line_count = 0; /* nothing but the account itself */
    if (rc == 0 && !number_sites(taxes))
        rc = no_memory(error);
    return rc;
}

int toll_taxes_evaluate(struct toll_taxes *taxes, size_t task, struct toll_error *error)
{
    if (taxes->task == task)
        return 0;
    int rc = list_lines(taxes, task, error);
    if (rc == 0)
        rc = evaluate_lines(taxes, error);
    if (rc != 0)
        taxes->task = taxes->task_count;
    return rc;
}

/* ---- with other charges, too ---- */

static const int64_t **find_moves(struct toll_taxes *taxes, const int64_t *const *of_bucket)
{
    if (!toll_tax_grow((void **)&taxes->moves, &taxes->move_room, taxes->line_count + 1,
                       sizeof *taxes->moves))
        return NULL;
    for (size_t i = 0; i < taxes->line_count; i++)
        taxes->moves[i] =
            taxes->sources[i].kind == TOLL_FROM_USAGE ? of_bucket[taxes->sources[i].index] : NULL;
    return taxes->moves;
}

int toll_taxes_cents_of(struct toll_taxes *taxes, size_t task, const int64_t *const *of_bucket,
                        unsigned books, int64_t *cents, struct toll_error *error)
{
    struct toll_tax_beside moves = {.books = books};
    struct toll_error why = {0};
    int rc = list_lines(taxes, task, error);
    if (rc == 0 && books > 0) {
        moves.of_line = find_moves(taxes, of_bucket);
        rc = moves.of_line == NULL ? no_memory(error) : 0;
    }
    if (rc != 0)
        return rc;
    rc = toll_tax_account_cents(&taxes->account, taxes->tables, &taxes->ledger, taxes->lines,
                                taxes->line_count, taxes->site_count, &moves, cents, &why);
    return rc == 0 ? 0 : tell(taxes, rc, &why, error);
}
