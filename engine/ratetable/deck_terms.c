/*
 * The arithmetic of a deck's row: its cells to terms. Rates by jurisdiction become four terms that differ in
 * nothing but the rate, empty cells and the policy for indeterminate calls settled here, so that rating only
 * adds the column to the price's id.
 */
#include "ratetable/deck_reader.h"
#include "ratetable/prices.h"

/* An amount that must not be negative. */
static bool cell_amount(const struct toll_table *table, int column, toll_money otherwise, toll_money *out)
{
    const struct toll_cell *cell = toll_table_cell(table, column);

    if (!toll_cell_money(table, column, otherwise, out))
        return false;
    if (*out >= 0)
        return true;
    toll_cell_finding(table, cell, TOLL_ERROR, "\"%.40s\" is negative", cell->text);
    return false;
}

static bool cell_units(const struct toll_table *table, int column, int32_t low, int32_t otherwise,
                       int32_t *out)
{
    int64_t value;

    if (!toll_cell_int(table, column, low, INT32_MAX, otherwise, &value))
        return false;
    *out = (int32_t)value;
    return true;
}

/* What the first row of the call decides. */
static bool read_first_only(const struct toll_table *table, struct toll_terms *terms)
{
    bool good = cell_amount(table, TOLL_COLUMN_CONNECT_FEE, 0, &terms->connect_fee);

    good = cell_units(table, TOLL_COLUMN_INITIAL_S, 0, 0, &terms->initial) && good;
    good = cell_units(table, TOLL_COLUMN_MINIMUM_S, 0, 0, &terms->minimum_units) && good;
    good = cell_units(table, TOLL_COLUMN_FREE_S, 0, 0, &terms->free_units) && good;
    good = cell_amount(table, TOLL_COLUMN_MINIMUM_CHARGE, 0, &terms->minimum_charge) && good;
    good = cell_amount(table, TOLL_COLUMN_MAXIMUM_CHARGE, INT64_MAX, &terms->maximum_charge) && good;
    /* An initial step of 0 and one as long as the increment bill the same for every duration above 0. */
    if (terms->initial == 0)
        terms->initial = terms->increment;
    if (good && terms->minimum_charge > terms->maximum_charge) {
        const struct toll_cell *cell = toll_table_cell(table, TOLL_COLUMN_MINIMUM_CHARGE);
        toll_cell_finding(table, cell, TOLL_ERROR, "\"%.40s\" is above the maximum_charge \"%.40s\"",
                          cell->text, toll_table_cell(table, TOLL_COLUMN_MAXIMUM_CHARGE)->text);
        good = false;
    }
    return good;
}

/* A step's row has none of these. */
static bool refuse_first_only(const struct toll_table *table)
{
    static const int columns[] = {TOLL_COLUMN_CONNECT_FEE,    TOLL_COLUMN_INITIAL_S,
                                  TOLL_COLUMN_MINIMUM_S,      TOLL_COLUMN_FREE_S,
                                  TOLL_COLUMN_MINIMUM_CHARGE, TOLL_COLUMN_MAXIMUM_CHARGE};
    bool good = true;

    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        const struct toll_cell *cell = toll_table_cell(table, columns[i]);
        if (cell->bytes == 0)
            continue;
        toll_cell_finding(table, cell, TOLL_ERROR,
                          "\"%.40s\": the row with step_from_s 0 decides this for the whole call; leave the "
                          "cell of a later step empty",
                          cell->text);
        good = false;
    }
    return good;
}

/* Which column's rate each kind of call has: an empty cell is the row's `rate`, which may be empty itself. */
static void choose_columns(const struct toll_deck_reader *reader, const toll_money *rates, const bool *given,
                           int32_t *source)
{
    int32_t *const indeterminate = &source[TOLL_RATE_INDETERMINATE];

    for (int32_t c = 0; c < TOLL_RATE_COLUMNS; c++)
        source[c] = given[c] ? c : TOLL_RATE_OTHER;
    const int32_t inter = source[TOLL_RATE_INTER], intra = source[TOLL_RATE_INTRA];
    switch (reader->deck->indeterminate) {
    case TOLL_INDETERMINATE_INTRA:
        *indeterminate = intra;
        break;
    case TOLL_INDETERMINATE_INTER:
        *indeterminate = inter;
        break;
    case TOLL_INDETERMINATE_HIGHER: /* all columns of a row share its per_s */
        *indeterminate = !given[inter] || (given[intra] && rates[intra] > rates[inter]) ? intra : inter;
        break;
    default:
        break;
    }
}

static void warn_no_rate(struct toll_deck_reader *reader)
{
    /* Whoever checks a book counts all of them. */
    if (reader->no_rate++ < TOLL_NO_RATE_SHOWN || reader->build->doubts != NULL)
        toll_cell_warning(reader->table, toll_table_cell(reader->table, TOLL_COLUMN_RATE), "no_rate",
                          "the rate is empty: calls to it go to suspense as no_rate; write 0 if it is free");
}

/* terms[0], complete but for rate and state, to the row's price rows. */
static bool read_rates(struct toll_deck_reader *reader, bool blocked)
{
    toll_money rates[TOLL_RATE_COLUMNS] = {0};
    bool given[TOLL_RATE_COLUMNS] = {false}, any = false, good = true;

    for (unsigned c = 0; c < reader->price_count; c++) {
        const int column = TOLL_COLUMN_RATE + (int)c;
        given[c] = toll_table_cell(reader->table, column)->bytes > 0;
        good = cell_amount(reader->table, column, 0, &rates[c]) && good;
    }
    choose_columns(reader, rates, given, reader->source);
    for (unsigned c = 0; c < reader->price_count; c++) {
        const int32_t source = reader->source[c];
        struct toll_terms *terms = &reader->terms[c];
        *terms = reader->terms[0];
        terms->rate = rates[source];
        terms->state = blocked ? TOLL_PRICE_BLOCKED : given[source] ? TOLL_PRICE_OK : TOLL_PRICE_NO_RATE;
        any = any || given[source];
    }
    if (!any)
        warn_no_rate(reader);
    return good;
}

bool toll_deck_terms_read(struct toll_deck_reader *reader)
{
    static const char *const states[] = {"active", "current", "blocked"};
    const struct toll_table *table = reader->table;
    struct toll_terms *terms = &reader->terms[0];
    int state = 0;
    bool good = cell_units(table, TOLL_COLUMN_STEP_FROM_S, 0, 0, &reader->row.step);
    const bool step = reader->row.step > 0;

    *terms = TOLL_TERMS_NEUTRAL;
    terms->action = TOLL_ACTION_DECK;
    terms->decimals = (uint8_t)reader->deck->decimals;
    terms->quantum = toll_quantum(reader->deck->decimals);
    terms->rounding = (uint8_t)reader->deck->rounding;
    terms->init_mode = (uint8_t)reader->deck->init_mode;
    terms->duration_rounding = (uint8_t)reader->deck->duration_rounding;
    terms->zero_s = (uint8_t)reader->deck->zero_s;
    good = cell_units(table, TOLL_COLUMN_PER_S, 1, step ? 0 : 60, &terms->per) && good;
    good = cell_units(table, TOLL_COLUMN_INCREMENT_S, 1, step ? 0 : 1, &terms->increment) && good;
    good = (step ? refuse_first_only(table) : read_first_only(table, terms)) && good;
    good = toll_cell_choice(table, TOLL_COLUMN_STATUS, states, 3, 0, &state) && good;
    return read_rates(reader, state == 2) && good;
}
