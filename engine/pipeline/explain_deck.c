/* A deck is asked: by which number, in which band, by which jurisdiction; then what it had. */
#include "pipeline/explain_entries.h"

#include <stdio.h>
#include <string.h>

/* ---- a deck ---- */

/* "+12125551234", or the routing number and whose it is. */
static void describe_end(const struct toll_explainer *explainer, const struct toll_deck *deck, bool caller,
                         char text[TOLL_EXPLAIN_TEXT_BYTES], char digits[TOLL_DIGITS_TEXT_BYTES])
{
    const struct toll_row *row = explainer->row;
    const uint64_t own = caller ? row->caller : row->callee;
    char shown[TOLL_EXPLAIN_NUMBER_BYTES], own_shown[TOLL_EXPLAIN_NUMBER_BYTES];
    unsigned type;
    const uint64_t number = toll_deck_end(deck, row, caller, &type);
    digits[0] = 0;
    if (type == TOLL_NUMBER_E164)
        toll_digits_text(number, digits);
    toll_explain_number(explainer, number, type, shown);
    if (number == 0)
        snprintf(text, TOLL_EXPLAIN_TEXT_BYTES, "(no number)");
    else if (number == own)
        snprintf(text, TOLL_EXPLAIN_TEXT_BYTES, "%s", shown);
    else
        snprintf(text, TOLL_EXPLAIN_TEXT_BYTES, "the routing number %s (number_basis lrn) in place of %s",
                 shown, toll_explain_number(explainer, own, type, own_shown));
}

static void explain_asked(struct toll_explainer *explainer, const struct toll_deck *deck,
                          struct toll_explain_asked *asked)
{
    const struct toll_book *book = explainer->book;
    const char *name = toll_book_string(book, deck->name), *file = toll_book_string(book, deck->file);
    char callee[TOLL_EXPLAIN_TEXT_BYTES], caller[TOLL_EXPLAIN_TEXT_BYTES];
    memset(asked, 0, sizeof *asked);
    describe_end(explainer, deck, false, callee, asked->callee);
    describe_end(explainer, deck, true, caller, asked->caller);
    switch (deck->key) {
    case TOLL_KEY_CALLTYPE:
        snprintf(asked->calltype, sizeof asked->calltype, "%s", explainer->line->calltype);
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "deck", file, deck->line,
                         "deck %s is asked for the record's call type %.100s", name,
                         asked->calltype[0] == 0 ? "(none)" : asked->calltype);
        break;
    case TOLL_KEY_NPANXX_PAIR:
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "deck", file, deck->line,
                         "deck %s is asked for the pair of the callee %s and the caller %s", name, callee,
                         caller);
        break;
    case TOLL_KEY_CALLER:
        memcpy(asked->callee, asked->caller, sizeof asked->callee);
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "deck", file, deck->line,
                         "deck %s is asked for the longest prefix of the caller %s", name, caller);
        break;
    default:
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "deck", file, deck->line,
                         "deck %s is asked for the longest prefix of %s", name, callee);
        break;
    }
}

struct holiday {
    const char *calendar;
    char day[TOLL_TIME_TEXT_BYTES];
    uint32_t line;
};

static bool holiday_row(void *context, uint32_t line, const struct toll_csv_field *cells)
{
    struct holiday *holiday = context;
    char calendar[TOLL_EXPLAIN_TEXT_BYTES];
    if (strcmp(toll_explain_cell(&cells[0], calendar, sizeof calendar), holiday->calendar) != 0 ||
        !toll_explain_cell_is(&cells[1], holiday->day))
        return true;
    holiday->line = line;
    return false;
}

static void explain_band(struct toll_explainer *explainer, int32_t deck)
{
    static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                           "Friday", "Saturday", "Sunday"};
    static const char *const columns[] = {"calendar", "date", NULL};
    const struct toll_book *book = explainer->book;
    const toll_ms start = explainer->row->start;
    const struct toll_zone *zone = book->zones[book->deck_zones[deck]];
    const struct toll_band_cause cause = toll_book_band_cause(book, (uint32_t)deck, start);
    const toll_ms local = start + INT64_C(1000) * toll_zone_offset(zone, start, NULL, NULL);
    struct holiday holiday = {.calendar =
                                  toll_book_string(book, book->calendars[book->decks[deck].calendar].name)};
    char clock[TOLL_TIME_TEXT_BYTES];
    toll_day_format(toll_day_of_ms(local), holiday.day);
    toll_ms_format(local, clock);
    if (cause.holiday != NULL)
        toll_explain_table(book, "holidays.csv", columns, holiday_row, &holiday);
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "band",
                     cause.row != NULL ? "calendars.csv" : "holidays.csv",
                     cause.row != NULL ? (uint32_t)cause.row->row : holiday.line,
                     "calendar %s: %s%s at the call's start, %s %s %.8s in %s%s", holiday.calendar,
                     cause.band == 0 ? "no band" : "band ",
                     cause.band == 0 ? "" : toll_book_string(book, book->band_names[cause.band]),
                     weekdays[toll_iso_weekday(toll_day_of_ms(local)) - 1], holiday.day, clock + 11,
                     toll_zone_name(zone), cause.holiday != NULL ? ", a holiday" : "");
}

void toll_explain_deck(struct toll_explainer *explainer, int32_t deck, unsigned status, uint32_t price)
{
    static const char *const keys[] = {"the callee is", "", "the caller is", "one of the two ends is"};
    const struct toll_book *book = explainer->book;
    const struct toll_deck *table = &book->decks[deck];
    const char *name = toll_book_string(book, table->name);
    const char *file = toll_book_string(book, table->file);
    struct toll_explain_asked asked;
    explain_asked(explainer, table, &asked);
    if (table->calendar != 0)
        explain_band(explainer, deck);
    if (table->by_jurisdiction && table->basis != book->basis)
        toll_explain_jurisdiction(explainer, table->basis);
    toll_explain_candidates(explainer, deck, &asked, status, price);
    switch (status) {
    case TOLL_SUSPENSE_NO_CALLTYPE:
        toll_explain_add(
            explainer, TOLL_EXPLAIN_MISS, "call type", file, table->line,
            "deck %s has no row for this call type in force at the call's start, and none without key", name);
        break;
    case TOLL_SUSPENSE_BAD_NUMBER:
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "number", file, table->line,
                         "%s no telephone number, and deck %s has no empty prefix for it", keys[table->key],
                         name);
        break;
    case TOLL_SUSPENSE_NO_BAND:
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "band", file, table->line,
                         "the prefix has rows in deck %s, but none of this band and none without band", name);
        break;
    default:
        break;
    }
}
