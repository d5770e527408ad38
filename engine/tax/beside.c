/*
 * What the same lines owe with the charges of several books. Billable cents are asked for and nothing else,
 * and where all is whole numbers they are the rounded sums of what is rounded together: so the sums of all
 * books are made side by side, without items and rows. Accounts with fractions, brackets, caps or thresholds
 * are evaluated book by book.
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

/* ---- whole numbers ---- */

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

/* False: with whole numbers it cannot be done. */
static bool add_component(struct beside *of, size_t index, uint32_t place,
                          const struct toll_tax_numbers *numbers)
{
    const struct toll_tax_charge_line *line = &of->lines[index];
    const struct toll_tax_part *part = &line->recipe->parts[place];
    const int32_t id = line->recipe->list.components[place].tax;
    const struct toll_tax *tax = &of->tables->taxes[id];
    const int64_t *move = tax->kind <= TOLL_TAX_PER_MINUTE ? move_of(of, index) : NULL;
    struct toll_tax_item item = {0};
    if (!tax->billable)
        return true;
    if (!part->fast)
        return false;
    const enum toll_tax_outcome outcome = toll_tax_fast_item(of->tables, line, place, numbers, &item);
    if (outcome != TOLL_TAX_FAST)
        return outcome == TOLL_TAX_ABSENT;
    toll_total *sums = sums_of(of, tax, id, part->pair);
    const toll_total all = item.measure[TOLL_TAX_EXACT].fixed;
    const toll_total each = (toll_total)part->tax.charge * TOLL_TAX_SECONDS_A_MINUTE; /* a unit of charge */
    if (sums == NULL || __builtin_add_overflow(sums[0], all, &sums[0]))
        return false;
    for (unsigned k = 0; k < of->moves->books; k++)
        if (__builtin_add_overflow(sums[1 + k], move == NULL ? all : all + move[k] * each, &sums[1 + k]))
            return false;
    return true;
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

/* Rounds what is rounded together; most books have most sums of the lines as they are. */
static void round_all(struct beside *of)
{
    const struct toll_tax_account_memory *memory = of->account->memory;
    const size_t width = 1 + (size_t)of->moves->books;
    memset(of->cents, 0, width * sizeof *of->cents);
    for (uint32_t i = 0; i < memory->group_count; i++) {
        const toll_total *sums = memory->beside + i * width;
        const unsigned rounding = of->tables->taxes[memory->groups[i].tax].rounding;
        int64_t cents = 0;
        for (size_t k = 0; k < width; k++) {
            const struct toll_tax_sum sum = {.fixed = sums[k]};
            if (k == 0 || sums[k] != sums[k - 1])
                toll_tax_sum_cents(&sum, (enum toll_rounding)rounding, &cents); /* whole: it cannot fail */
            of->cents[k] += cents;
        }
    }
}

static bool with_whole_numbers(struct beside *of)
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
    round_all(of);
    return true;
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
    return with_whole_numbers(&of) ? 0 : book_by_book(&of, error);
}
