/*
 * What the same lines owe with the charges of several books. Billable cents are asked for and nothing else:
 * they are the rounded sums of what is rounded together, so the sums of all books are made side by side,
 * without items and rows. Where a coefficient is a whole number of 1e-18 the tax is summed, where it is
 * another fraction the charges are, and multiplied once. Accounts with brackets, caps or thresholds, or with
 * what stands on such a tax, are evaluated book by book.
 */
#include "tax/account_memory.h"

#include <string.h>

struct beside {
    struct toll_tax_account *account;
    const struct toll_tax_tables *tables;
    const struct toll_tax_ledger *ledger;
    struct toll_tax_charge_line *lines;
    size_t line_count;
    uint32_t sites;
    const struct toll_tax_beside *moves;
    uint64_t moved; /* a bit for each book with another charge */
    int64_t *cents;
};

static const int64_t *move_of(const struct beside *of, size_t line)
{
    return of->moves->of_line == NULL ? NULL : of->moves->of_line[line];
}

static uint64_t moved_books(const struct beside *of)
{
    uint64_t moved = 0;
    for (size_t i = 0; i < of->line_count; i++) {
        const int64_t *move = move_of(of, i);
        for (unsigned k = 0; move != NULL && k < of->moves->books; k++)
            moved |= (uint64_t)(move[k] != 0) << k;
    }
    return moved;
}

/* ---- sums side by side ---- */

static bool all_whole(const struct beside *of, const struct toll_tax_numbers *numbers, const int64_t *move)
{
    bool fit = numbers->whole;
    for (unsigned k = 0; fit && move != NULL && k < of->moves->books; k++) {
        int64_t charge;
        fit = !__builtin_add_overflow(numbers->charge, move[k], &charge) && charge <= TOLL_TAX_CHARGE_MOST &&
              charge >= -TOLL_TAX_CHARGE_MOST;
    }
    return fit;
}

/* The sums of what a component is rounded with, one for each book behind that of the lines as they are. */
static toll_total *sums_of(struct beside *of, const struct toll_tax *tax, int32_t id, uint32_t pair)
{
    struct toll_tax_account_memory *memory = of->account->memory;
    const uint32_t before = memory->group_count;
    const size_t width = 1 + (size_t)of->moves->books;
    const uint32_t group = toll_tax_group_of(of->account, tax, id, pair);
    if (group == TOLL_TAX_NONE || !toll_tax_room(of->account, (void **)&memory->beside, &memory->beside_room,
                                                 memory->group_count * width, sizeof *memory->beside))
        return NULL;
    toll_total *sums = memory->beside + group * width;
    if (group == before)
        memset(sums, 0, width * sizeof *sums);
    return sums;
}

/* A unit of charge has `each`. */
static bool add_all(const struct beside *of, toll_total *sums, toll_total all, const int64_t *move,
                    toll_total each)
{
    if (__builtin_add_overflow(sums[0], all, &sums[0]))
        return false;
    for (unsigned k = 0; k < of->moves->books; k++)
        if (__builtin_add_overflow(sums[1 + k], move == NULL ? all : all + move[k] * each, &sums[1 + k]))
            return false;
    return true;
}

static bool same_fraction(const struct toll_rational *a, const struct toll_rational *b)
{
    return a == b || (a->p_count == b->p_count && a->q_count == b->q_count && a->negative == b->negative &&
                      memcmp(a->word, b->word, (a->p_count + (size_t)a->q_count) * sizeof *a->word) == 0);
}

/* NULL: out of memory. */
static struct toll_tax_linear *linear_of(struct beside *of, struct toll_tax_group *group,
                                         const struct toll_tax_component *component)
{
    struct toll_tax_account_memory *memory = of->account->memory;
    const size_t width = 1 + (size_t)of->moves->books;
    for (uint32_t at = group->linear; at != 0; at = memory->linears[at - 1].next) {
        struct toll_tax_linear *one = &memory->linears[at - 1];
        if (same_fraction(one->per_charge, component->per_charge) &&
            same_fraction(one->per_minute, component->per_minute))
            return one;
    }
    if (!toll_tax_room(of->account, (void **)&memory->linears, &memory->linear_room,
                       memory->linear_count + (size_t)1, sizeof *memory->linears) ||
        !toll_tax_room(of->account, (void **)&memory->linear_charges, &memory->charge_room,
                       (memory->linear_count + (size_t)1) * width, sizeof *memory->linear_charges))
        return NULL;
    struct toll_tax_linear *one = &memory->linears[memory->linear_count];
    memset(memory->linear_charges + memory->linear_count * width, 0, width * sizeof *memory->linear_charges);
    *one = (struct toll_tax_linear){
        .next = group->linear, .per_charge = component->per_charge, .per_minute = component->per_minute};
    group->linear = ++memory->linear_count;
    return one;
}

static bool add_linear(struct beside *of, size_t index, uint32_t place,
                       const struct toll_tax_numbers *numbers)
{
    const struct toll_tax_recipe *recipe = of->lines[index].recipe;
    const struct toll_tax_component *component = &recipe->list.components[place];
    struct toll_tax_account_memory *memory = of->account->memory;
    const size_t width = 1 + (size_t)of->moves->books;
    const toll_total *sums =
        sums_of(of, &of->tables->taxes[component->tax], component->tax, recipe->parts[place].pair);
    if (sums == NULL)
        return false;
    struct toll_tax_group *group = &memory->groups[(size_t)(sums - memory->beside) / width];
    struct toll_tax_linear *one = linear_of(of, group, component);
    if (one == NULL)
        return false;
    one->seconds += numbers->seconds;
    return add_all(of, memory->linear_charges + (size_t)(one - memory->linears) * width, numbers->charge,
                   move_of(of, index), 1);
}

/* False: so it cannot be done. */
static bool add_component(struct beside *of, size_t index, uint32_t place,
                          const struct toll_tax_numbers *numbers)
{
    const struct toll_tax_charge_line *line = &of->lines[index];
    const struct toll_tax_component *component = &line->recipe->list.components[place];
    const struct toll_tax_part *part = &line->recipe->parts[place];
    const struct toll_tax *tax = &of->tables->taxes[component->tax];
    struct toll_tax_item item = {0};
    if (!tax->billable)
        return true;
    if (!part->fast)
        return !component->source && component->term_count == 0 && add_linear(of, index, place, numbers);
    const enum toll_tax_outcome outcome = toll_tax_fast_item(of->tables, line, place, numbers, &item);
    if (outcome != TOLL_TAX_FAST)
        return outcome == TOLL_TAX_ABSENT;
    toll_total *sums = sums_of(of, tax, component->tax, part->pair);
    return sums != NULL && add_all(of, sums, item.measure[TOLL_TAX_EXACT].fixed,
                                   tax->kind <= TOLL_TAX_PER_MINUTE ? move_of(of, index) : NULL,
                                   (toll_total)part->tax.charge * TOLL_TAX_SECONDS_A_MINUTE);
}

static bool add_line(struct beside *of, size_t index)
{
    const struct toll_tax_charge_line *line = &of->lines[index];
    struct toll_tax_numbers numbers;
    if (line->recipe == NULL)
        return true;
    toll_tax_numbers_of(line, &numbers);
    if (!all_whole(of, &numbers, move_of(of, index)))
        return false;
    for (uint32_t i = 0; i < line->recipe->list.count; i++)
        if (!add_component(of, index, i, &numbers))
            return false;
    return true;
}

/* A charge by a fraction of small numbers. False: not so. */
static bool round_simply(const struct toll_tax_linear *one, toll_total charge, enum toll_rounding rounding,
                         int64_t *cents)
{
    const struct toll_rational *of = one->per_charge;
    toll_total p, q;
    if (one->next != 0 || of->p_count > 1 || of->q_count > 1 || of->word[of->p_count] > INT64_MAX ||
        !toll_rational_is_zero(one->per_minute))
        return false;
    const toll_total n = of->p_count == 0 ? 0 : of->word[0];
    if (__builtin_mul_overflow(of->negative ? -n : n, charge, &p) ||
        __builtin_mul_overflow((toll_total)of->word[of->p_count], (toll_total)TOLL_MONEY_UNIT / 100, &q))
        return false;
    const toll_total whole = toll_round_ratio(p, q, rounding);
    *cents = (int64_t)whole;
    return *cents == whole;
}

static bool add_fractions(const struct beside *of, uint32_t first, size_t k, struct toll_rational *sum)
{
    const struct toll_tax_account_memory *memory = of->account->memory;
    const size_t width = 1 + (size_t)of->moves->books;
    struct toll_rational number, unit;
    toll_rational_zero(sum);
    for (uint32_t at = first; at != 0; at = memory->linears[at - 1].next) {
        const struct toll_tax_linear *one = &memory->linears[at - 1];
        toll_rational_of_total(&number, memory->linear_charges[(at - 1) * width + k], TOLL_MONEY_UNIT);
        toll_rational_of_total(&unit, one->seconds, TOLL_TAX_SECONDS_A_MINUTE);
        if (!toll_rational_multiply(&number, &number, one->per_charge) ||
            !toll_rational_multiply(&unit, &unit, one->per_minute) || !toll_rational_add(sum, sum, &number) ||
            !toll_rational_add(sum, sum, &unit))
            return false;
    }
    return true;
}

static bool round_one(const struct beside *of, const struct toll_tax_group *group, size_t k, toll_total fixed,
                      int64_t *cents)
{
    const struct toll_tax_account_memory *memory = of->account->memory;
    const enum toll_rounding rounding = (enum toll_rounding)of->tables->taxes[group->tax].rounding;
    const size_t width = 1 + (size_t)of->moves->books;
    struct toll_tax_sum sum = {.fixed = fixed};
    struct toll_rational rest;
    if (group->linear == 0)
        return toll_tax_sum_cents(&sum, rounding, cents);
    if (fixed == 0 && round_simply(&memory->linears[group->linear - 1],
                                   memory->linear_charges[(group->linear - 1) * width + k], rounding, cents))
        return true;
    sum.rest = &rest;
    return add_fractions(of, group->linear, k, &rest) && toll_tax_sum_cents(&sum, rounding, cents);
}

/* Is a group's sum of column k that of the one before? */
static bool same_as_before(const struct beside *of, uint32_t group, size_t k)
{
    const struct toll_tax_account_memory *memory = of->account->memory;
    const size_t width = 1 + (size_t)of->moves->books;
    const toll_total *sums = memory->beside + group * width, *charges;
    bool same = k > 0 && sums[k] == sums[k - 1];
    for (uint32_t at = memory->groups[group].linear; same && at != 0; at = memory->linears[at - 1].next) {
        charges = memory->linear_charges + (at - 1) * width;
        same = charges[k] == charges[k - 1];
    }
    return same;
}

/* Rounds what is rounded together; mostly few books move it. */
static bool round_all(struct beside *of)
{
    const struct toll_tax_account_memory *memory = of->account->memory;
    const size_t width = 1 + (size_t)of->moves->books;
    memset(of->cents, 0, width * sizeof *of->cents);
    for (uint32_t i = 0; i < memory->group_count; i++) {
        int64_t cents = 0;
        for (size_t k = 0; k < width; k++) {
            if (!same_as_before(of, i, k) &&
                !round_one(of, &memory->groups[i], k, memory->beside[i * width + k], &cents))
                return false;
            of->cents[k] += cents;
        }
    }
    return true;
}

static bool side_by_side(struct beside *of)
{
    struct toll_tax_account_memory *memory = of->account->memory;
    uint32_t site = TOLL_TAX_NONE;
    if (!toll_tax_account_begin(of->account, of->ledger, of->line_count, of->sites))
        return false;
    toll_tax_sort_by_site(memory, of->lines, of->line_count, of->sites);
    for (size_t i = 0; i < of->line_count; i++) {
        const uint32_t line = memory->by_site[i];
        toll_tax_next_line(memory, of->lines[line].site != site);
        site = of->lines[line].site;
        if (!add_line(of, line))
            return false;
    }
    return round_all(of);
}

/* ---- book by book ---- */

static void charge_lines(struct beside *of, unsigned book, int64_t times)
{
    for (size_t i = 0; i < of->line_count; i++) {
        const int64_t *move = move_of(of, i);
        if (move != NULL)
            of->lines[i].charge += (toll_total)move[book] * TOLL_TAX_PER_CHARGE * times;
    }
}

static int evaluate(struct beside *of, int64_t *cents, struct toll_error *error)
{
    struct toll_tax_account *account = of->account;
    const int rc = toll_tax_account_evaluate(account, of->tables, of->ledger, of->lines, of->line_count,
                                             of->sites, error);
    *cents = 0;
    for (uint32_t i = 0; rc == 0 && i < account->row_count; i++)
        if (of->tables->taxes[of->ledger->list[account->rows[i].tone].tax].billable)
            *cents += account->rows[i].cents;
    return rc;
}

static int book_by_book(struct beside *of, struct toll_error *error)
{
    int rc = evaluate(of, &of->cents[0], error);
    for (unsigned k = 0; rc == 0 && k < of->moves->books; k++) {
        of->cents[1 + k] = of->cents[0];
        if ((of->moved >> k & 1) == 0)
            continue;
        charge_lines(of, k, 1);
        rc = evaluate(of, &of->cents[1 + k], error);
        charge_lines(of, k, -1);
    }
    return rc;
}

int toll_tax_account_cents(struct toll_tax_account *account, const struct toll_tax_tables *tables,
                           const struct toll_tax_ledger *ledger, struct toll_tax_charge_line *lines,
                           size_t line_count, uint32_t sites, const struct toll_tax_beside *moves,
                           int64_t *cents, struct toll_error *error)
{
    struct beside of = {account, tables, ledger, lines, line_count, sites, moves, 0, cents};
    if (!toll_tax_account_ready(account))
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for taxes");
    of.moved = moved_books(&of);
    return side_by_side(&of) ? 0 : book_by_book(&of, error);
}
