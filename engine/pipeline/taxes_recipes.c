/* What each charge line is taxed with. Most lines depend on the same few things: each distinct set of them is
 * solved once (docs/TAX.md section 2). */
#include "pipeline/taxes.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the taxes of a run");
}

/* The first day of the period after the one that begins on `day`. */
static int64_t next_period(int64_t day)
{
    int year, month, of_month;
    toll_civil_from_days(day, &year, &month, &of_month);
    return toll_cycle_first_day(of_month, (int64_t)year * 12 + month);
}

/* A number for the rows of exemptions.csv that an account's site has; 0: out of memory. Lines one after the
 * other mostly are of the same site. */
static uint32_t exemptions_of(struct toll_taxes *taxes, const struct toll_taxes_place *place)
{
    uint32_t few[64];
    if (taxes->exempt.set != 0 && taxes->exempt.account == place->account &&
        taxes->exempt.site == place->site)
        return taxes->exempt.set;
    size_t found = toll_tax_exemptions_find(taxes->index, (int32_t)place->account, place->site, few, 64);
    const uint32_t *list = few;
    uint32_t *many = NULL;
    if (found > 64) {
        many = malloc(found * sizeof *many);
        if (many == NULL)
            return 0;
        found = toll_tax_exemptions_find(taxes->index, (int32_t)place->account, place->site, many, found);
        list = many;
    }
    const uint32_t set = toll_strings_add(&taxes->exemption_sets, (const char *)list, found * sizeof *list);
    free(many);
    taxes->exempt = (struct toll_taxes_exempt){place->account, place->site, set};
    return set;
}

/* Its rows, for what is solved with them: the table's own bytes lie where a character may. */
static bool exemption_rows(struct toll_taxes *taxes, uint32_t set, struct toll_tax_facts *facts)
{
    size_t bytes;
    const char *stored = toll_strings_text(&taxes->exemption_sets, set, &bytes);
    uint32_t *rows = toll_arena_alloc(&taxes->arena, bytes + sizeof *rows);
    if (rows == NULL)
        return false;
    memcpy(rows, stored, bytes);
    facts->exemptions = rows;
    facts->exemption_count = (uint32_t)(bytes / sizeof *rows);
    return true;
}

static int make(struct toll_taxes *taxes, const struct toll_tax_facts *facts, uint32_t recipe,
                struct toll_error *error)
{
    if (!toll_tax_grow((void **)&taxes->recipes, &taxes->recipe_room, recipe + (size_t)1,
                       sizeof *taxes->recipes))
        return no_memory(error);
    struct toll_taxes_recipe *made = &taxes->recipes[recipe];
    const int rc = toll_tax_recipe_make(taxes->tables, taxes->index, facts, &taxes->ledger, &taxes->arena,
                                        &made->recipe, error);
    made->reason = made->recipe.list.reason;
    if (rc == 0 && recipe >= taxes->recipe_count)
        taxes->recipe_count = recipe + 1;
    return rc;
}

static struct toll_tax_set place_of(const struct toll_taxes *taxes, int32_t area)
{
    return toll_tax_area_set(taxes->tables, (uint32_t)area);
}

/* ---- other lines than usage ---- */

int toll_taxes_solve(struct toll_taxes *taxes, const struct toll_taxes_place *place, uint32_t split,
                     unsigned kinds, int32_t day, uint32_t *recipe, struct toll_error *error)
{
    const struct toll_account *account = &taxes->book->accounts[place->account];
    const struct toll_taxes_task *task = &taxes->tasks[taxes->task];
    const uint32_t set = exemptions_of(taxes, place);
    if (set == 0)
        return no_memory(error);
    const int64_t key[] = {place->area,     split,           kinds,           day, task->day,
                           account->class_, account->seller, account->resale, set, taxes->cycle.next_day};
    const uint32_t known = taxes->recipe_keys.count;
    const uint32_t id = toll_strings_add(&taxes->recipe_keys, (const char *)key, sizeof key);
    if (id == 0)
        return no_memory(error);
    *recipe = taxes->tuple_recipes + id;
    if (id <= known)
        return 0;
    const struct toll_tax_set where = place_of(taxes, place->area);
    struct toll_tax_facts facts = {
        .place = where,
        .origin = where,
        .two_of_three = where,
        .split = split,
        .customer_class = toll_book_string(taxes->book, account->class_),
        .seller = toll_book_string(taxes->book, account->seller),
        .resale = account->resale != 0,
        .day = {[TOLL_TAX_DATE_CALL] = day,
                [TOLL_TAX_DATE_BILL] = (int32_t)taxes->cycle.next_day,
                [TOLL_TAX_DATE_PERIOD] = (int32_t)task->day},
        .kinds = kinds,
    };
    if (!exemption_rows(taxes, set, &facts))
        return no_memory(error);
    return make(taxes, &facts, *recipe, error);
}

/* ---- usage ---- */

static int by_id(const void *a, const void *b)
{
    return (*(const int32_t *)a > *(const int32_t *)b) - (*(const int32_t *)a < *(const int32_t *)b);
}

/* "NY;TX" -> their ids; those that the book does not have (any more) are none. */
static bool read_set(struct toll_taxes *taxes, const char *text, struct toll_tax_set *out)
{
    uint32_t most = 1;
    for (const char *at = text; *at != 0; at++)
        most += *at == ';';
    int32_t *ids = toll_arena_alloc(&taxes->arena, most * sizeof *ids);
    if (ids == NULL)
        return false;
    out->ids = ids;
    out->count = 0;
    for (const char *at = text; *at != 0;) {
        const size_t bytes = strcspn(at, ";");
        const int32_t id = toll_tax_jurisdiction_find(taxes->tables, at, bytes);
        if (id != 0)
            ids[out->count++] = id;
        at += bytes + (at[bytes] == ';');
    }
    if (out->count > 1)
        qsort(ids, out->count, sizeof *ids, by_id);
    return true;
}

int toll_taxes_solve_tuple(struct toll_taxes *taxes, const struct toll_taxes_place *place, uint32_t tuple,
                           uint32_t *recipe, struct toll_error *error)
{
    struct toll_taxes_tuple *known = &taxes->tuples[tuple];
    *recipe = tuple + 1;
    if (known->solved)
        return 0;
    const struct toll_tuple_row *row = &taxes->files.tables.tuples[tuple];
    const struct toll_tax_set where = place_of(taxes, known->area);
    const uint32_t set = exemptions_of(taxes, place);
    struct toll_tax_facts facts = {
        .place = where,
        .origin = where,
        .two_of_three = where,
        .split = known->split,
        .customer_class = row->customer_class,
        .seller = row->seller,
        .resale = strcmp(row->sale, "resale") == 0,
        .call = true,
        .jurisdiction = toll_taxes_jurisdiction(row),
        .day = {[TOLL_TAX_DATE_CALL] = known->from,
                [TOLL_TAX_DATE_BILL] = (int32_t)next_period(known->period),
                [TOLL_TAX_DATE_PERIOD] = (int32_t)known->period},
        .kinds = known->voice ? TOLL_TAX_KINDS_VOICE : TOLL_TAX_KINDS_PLAIN,
    };
    if (set == 0 || !exemption_rows(taxes, set, &facts) ||
        (taxes->tables->origin && !read_set(taxes, row->origin, &facts.origin)) ||
        (taxes->tables->two_of_three && !read_set(taxes, row->two_of_three, &facts.two_of_three)))
        return no_memory(error);
    known->solved = true;
    return make(taxes, &facts, *recipe, error);
}
