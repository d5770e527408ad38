/* The tables that have one plane of sums each: accounts, classes, jurisdictions, plans, hours, days,
 * statuses, and the totals, which are those of all accounts. */
#include "pipeline/impact_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the names of keys ---- */

struct key_text {
    char key[64];
    const char *text; /* NULL: key */
    const char *name;
};

static const struct toll_book *book_of(const struct toll_impact_maker *maker, int side)
{
    return maker->sides[side].book;
}

static void account_name(const struct toll_impact_maker *maker, int side, size_t id, struct key_text *out)
{
    const struct toll_book *book = book_of(maker, side);
    if (id == 0) {
        out->text = out->name = "";
    } else if (book != NULL) {
        out->text = toll_book_string(book, book->accounts[id].account);
        out->name = toll_book_string(book, book->accounts[id].name);
    } else {
        out->text = maker->sides[side].run->tables.accounts[id].account;
        out->name = maker->sides[side].run->tables.accounts[id].name;
    }
}

static void plan_name(const struct toll_impact_maker *maker, int side, size_t id, struct key_text *out)
{
    const struct toll_book *book = book_of(maker, side);
    out->text = id == 0 ? "" : toll_book_string(book, book->plans[id].plan);
}

static void class_name(const struct toll_impact_maker *maker, int side, size_t id, struct key_text *out)
{
    (void)maker;
    (void)side;
    out->text = toll_class_name((unsigned)id / TOLL_CALL_JURISDICTIONS);
}

static void jurisdiction_name(const struct toll_impact_maker *maker, int side, size_t id,
                              struct key_text *out)
{
    (void)maker;
    (void)side;
    out->text = toll_call_jurisdiction_name((unsigned)id % TOLL_CALL_JURISDICTIONS);
}

static void hour_name(const struct toll_impact_maker *maker, int side, size_t id, struct key_text *out)
{
    (void)maker;
    (void)side;
    snprintf(out->key, sizeof out->key, "%u %02u", (unsigned)id / 24 + 1, (unsigned)id % 24);
}

static void day_name(const struct toll_impact_maker *maker, int side, size_t id, struct key_text *out)
{
    (void)side;
    toll_day_format(maker->sums->days[id], out->key);
}

static void status_name(const struct toll_impact_maker *maker, int side, size_t id, struct key_text *out)
{
    (void)maker;
    (void)side;
    out->text = toll_status_name((unsigned)id);
    out->name = toll_status_reason((unsigned)id);
}

/* ---- one plane, one table ---- */

struct filling {
    enum toll_impact_plane plane;
    enum toll_dimension dimension;
    void (*name)(const struct toll_impact_maker *maker, int side, size_t id, struct key_text *out);
    bool name_is_key; /* rows differ by their names, too */
};

static bool has_lines(const struct toll_impact_maker *maker, int side, enum toll_impact_plane plane,
                      size_t key)
{
    const bool beside = toll_impact_beside(&maker->shape->sides[side]);
    const struct toll_impact_side_sums *own = &maker->sums->sides[side];
    if (toll_plane_get(&maker->sums->sides[beside ? 0 : side].planes[plane], key, TOLL_WORD_ROWS) != 0)
        return true;
    return maker->shape->sides[side].alike && toll_plane_get(&own->counts[plane], key, TOLL_WORD_ROWS) != 0;
}

static struct toll_measure *entry_of(struct toll_impact_maker *maker, const struct filling *filling, int side,
                                     size_t id, uint32_t currency)
{
    struct key_text text = {.name = ""};
    filling->name(maker, side, id, &text);
    const char *key = text.text == NULL ? text.key : text.text;
    const size_t bytes = strlen(key) + 1, name_bytes = strlen(text.name) + 1;
    const struct toll_impact_naming naming = {.name = toll_impact_text(maker->owned, text.name)};
    if (naming.name == NULL)
        return NULL;
    if (!filling->name_is_key)
        return toll_impact_entry(maker, filling->dimension, key, bytes, currency, &naming);
    char both[256];
    if (bytes + name_bytes > sizeof both)
        return NULL;
    memcpy(both, key, bytes);
    memcpy(both + bytes, text.name, name_bytes);
    return toll_impact_entry(maker, filling->dimension, both, bytes + name_bytes, currency, &naming);
}

/* Keys of the plane are ids times currencies; of accounts ids, each of which has one currency. */
static bool fill(struct toll_impact_maker *maker, const struct filling *filling, int side, size_t ids)
{
    const bool accounts = filling->plane == TOLL_PLANE_ACCOUNTS;
    const uint32_t currencies = accounts ? 1 : maker->shape->currency_count;
    struct toll_impact_words words;
    for (size_t id = 0; id < ids; id++)
        for (uint32_t c = 0; c < currencies; c++) {
            const size_t key = id * currencies + c;
            if (!has_lines(maker, side, filling->plane, key))
                continue;
            const uint32_t currency = accounts ? toll_impact_currency(maker->shape, side, (uint32_t)id) : c;
            struct toll_measure *to = entry_of(maker, filling, side, id, currency);
            if (to == NULL)
                return false;
            toll_impact_read(maker->sums, side, filling->plane, key, &words);
            toll_impact_measure_add(&to[side], &words);
        }
    return true;
}

static size_t id_count(const struct toll_impact_maker *maker, int side, enum toll_impact_plane plane)
{
    switch (plane) {
    case TOLL_PLANE_ACCOUNTS:
        return maker->shape->sides[side].accounts;
    case TOLL_PLANE_PLANS:
        return maker->sums->sides[toll_impact_beside(&maker->shape->sides[side]) ? 0 : side].has_plans
                   ? maker->shape->sides[side].plans
                   : 0;
    case TOLL_PLANE_KINDS:
        return TOLL_IMPACT_KINDS;
    case TOLL_PLANE_STATUSES:
        return TOLL_STATUS_COUNT;
    case TOLL_PLANE_HOURS:
        return TOLL_IMPACT_HOURS;
    default:
        return maker->sums->day_count;
    }
}

/* ---- period charges and taxes, which are accounts' ---- */

static struct toll_measure *account_entry(struct toll_impact_maker *maker, const char *account,
                                          const char *name, uint32_t currency)
{
    const struct toll_impact_naming naming = {.name = toll_impact_text(maker->owned, name)};
    return naming.name == NULL
               ? NULL
               : toll_impact_entry(maker, TOLL_BY_ACCOUNT, account, strlen(account) + 1, currency, &naming);
}

static bool add_period(struct toll_impact_maker *maker, int side, const struct toll_period_row *row)
{
    struct key_text text = {.name = ""};
    account_name(maker, side, (size_t)row->account, &text);
    struct toll_measure *to = account_entry(maker, text.text, text.name,
                                            toll_impact_currency(maker->shape, side, (uint32_t)row->account));
    if (to != NULL)
        toll_sum_join(&to[side].periods, row->charge);
    return to != NULL;
}

static bool fill_periods(struct toll_impact_maker *maker, int side)
{
    const struct toll_impact_side *of = &maker->sides[side];
    bool good = true;
    for (size_t i = 0; good && of->periods != NULL && i < of->periods->count; i++)
        good = add_period(maker, side, &of->periods->entries[i].row);
    for (int64_t i = 0; good && of->run != NULL && i < of->run->tables.period_count; i++)
        good = add_period(maker, side, &of->run->tables.periods[i]);
    return good;
}

static bool fill_taxes(struct toll_impact_maker *maker, int side)
{
    const struct toll_impact_side *of = &maker->sides[side];
    for (size_t i = 0; i < of->tax_count; i++) {
        const struct toll_impact_tax *tax = &of->taxes[i];
        uint32_t currency = 0;
        while (currency < maker->shape->currency_count &&
               strcmp(maker->currencies[currency], tax->currency) != 0)
            currency++;
        if (currency == maker->shape->currency_count || tax->cents == 0)
            continue;
        struct toll_measure *to = account_entry(maker, tax->account, "", currency);
        if (to == NULL)
            return false;
        to[side].tax_cents += tax->cents;
    }
    return true;
}

/* ---- totals ---- */

static void add_measure(struct toll_measure *to, const struct toll_measure *from)
{
    to->rows += from->rows;
    to->rated += from->rated;
    to->suspense += from->suspense;
    to->billed_s += from->billed_s;
    toll_sum_join(&to->charge, toll_sum_total(from->charge));
    toll_sum_join(&to->periods, toll_sum_total(from->periods));
    toll_sum_join(&to->cost, toll_sum_total(from->cost));
    to->tax_cents += from->tax_cents;
}

static bool fill_totals(struct toll_impact_maker *maker)
{
    const struct toll_impact_entries *accounts = &maker->owned->tables[TOLL_BY_ACCOUNT];
    const uint32_t currencies = maker->shape->currency_count;
    const struct toll_impact_naming naming = {.name = ""};
    for (uint32_t id = 1; id <= accounts->keys.count; id++)
        for (uint32_t c = 0; c < currencies; c++) {
            const size_t row = (size_t)id * currencies + c;
            if (!accounts->present[row])
                continue;
            const char *currency = maker->currencies[c];
            struct toll_measure *to =
                toll_impact_entry(maker, TOLL_BY_TOTAL, currency, strlen(currency) + 1, c, &naming);
            if (to == NULL)
                return false;
            for (int s = 0; s < maker->shape->count; s++) {
                const struct toll_measure *from =
                    &accounts->measures[row * (size_t)maker->shape->count + (size_t)s];
                add_measure(&to[s], from);
                to[s].accounts += from->rows > 0 && *toll_strings_text(&accounts->keys, id, NULL) != 0;
            }
        }
    return true;
}

bool toll_impact_fill_small(struct toll_impact_maker *maker)
{
    static const struct filling fillings[] = {
        {TOLL_PLANE_ACCOUNTS, TOLL_BY_ACCOUNT, account_name, false},
        {TOLL_PLANE_PLANS, TOLL_BY_PLAN, plan_name, false},
        {TOLL_PLANE_KINDS, TOLL_BY_CLASS, class_name, false},
        {TOLL_PLANE_KINDS, TOLL_BY_JURISDICTION, jurisdiction_name, false},
        {TOLL_PLANE_HOURS, TOLL_BY_HOUR, hour_name, false},
        {TOLL_PLANE_DAYS, TOLL_BY_DAY, day_name, false},
        {TOLL_PLANE_STATUSES, TOLL_BY_STATUS, status_name, true},
    };
    bool good = true;
    for (int s = 0; good && s < maker->shape->count; s++) {
        for (size_t i = 0; good && i < sizeof fillings / sizeof *fillings; i++)
            good = fill(maker, &fillings[i], s, id_count(maker, s, fillings[i].plane));
        good = good && fill_periods(maker, s) && fill_taxes(maker, s);
    }
    return good && fill_totals(maker);
}

/* ---- in and out of suspense ---- */

bool toll_impact_fill_status_moves(struct toll_impact_maker *maker)
{
    size_t count = 0, room = 0;
    struct toll_impact_status_move *list = NULL;
    const size_t currencies = maker->shape->currency_count;
    for (int s = 1; maker->wishes->same_calls && s < maker->shape->count; s++) {
        const struct toll_plane *moves = &maker->sums->sides[s].moves;
        for (size_t key = 0; key < moves->keys; key++) {
            if (toll_plane_get(moves, key, TOLL_MOVE_ROWS) == 0)
                continue;
            if (count == room) {
                room = 2 * room + 64;
                struct toll_impact_status_move *grown = realloc(list, room * sizeof *list);
                if (grown == NULL) {
                    free(list);
                    return false;
                }
                list = grown;
            }
            list[count++] = (struct toll_impact_status_move){
                .book = s,
                .base_status = (unsigned)(key / currencies / TOLL_STATUS_COUNT),
                .status = (unsigned)(key / currencies % TOLL_STATUS_COUNT),
                .rows = (int64_t)toll_plane_get(moves, key, TOLL_MOVE_ROWS),
                .base_charge = toll_sum_of(toll_plane_get(moves, key, TOLL_MOVE_BASE_CHARGE)),
                .charge = toll_sum_of(toll_plane_get(moves, key, TOLL_MOVE_CHARGE)),
                .currency = maker->currencies[key % currencies],
            };
        }
    }
    maker->owned->status_moves = list;
    maker->out->status_moves = list;
    maker->out->status_move_count = count;
    return true;
}
