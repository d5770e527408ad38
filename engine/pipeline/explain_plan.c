/* The plan (docs/RATING.md section 5): the assignments of whoever pays, most specific first, the one that
 * decides and those that it beats. */
#include "pipeline/explain_entries.h"

#include <stdio.h>
#include <string.h>

static const char *const levels[] = {"number", "trunk", "site", "account", "carrier", "default"};
enum { LEVELS = TOLL_LEVEL_NONE, SHOWN_MAX = 20 };

/* What assignments.csv calls each level of this call; "" it has none. */
struct subjects {
    char text[LEVELS][TOLL_EXPLAIN_TEXT_BYTES];
    const struct toll_zone *zone[LEVELS]; /* in which its dates are read */
};

struct row {
    uint32_t line;
    int level;
    enum toll_explain_time time;
    char plan[128];
};

struct search {
    const struct subjects *subjects;
    toll_ms at;
    const char *side;
    struct row rows[SHOWN_MAX];
    int count;
};

static void make_subjects(const struct toll_explainer *explainer, bool sell, struct subjects *subjects)
{
    const struct toll_book *book = explainer->book;
    const struct toll_row *row = explainer->row;
    const struct toll_payer *payer = &explainer->answer->payer;
    const struct toll_owner *owner = &book->owners[payer->owner];
    const uint32_t own = sell ? 0 : toll_trunk_carrier(book, row->trunk);
    const uint32_t carrier = own != 0 ? own : row->carrier;
    const uint64_t number = payer->site == TOLL_PAYER_CHARGED ? row->charged
                            : payer->site == TOLL_PAYER_NEAR  ? toll_row_near_end(row)
                                                              : 0;
    char digits[TOLL_DIGITS_TEXT_BYTES];
    memset(subjects, 0, sizeof *subjects);
    for (int i = 0; i < LEVELS; i++)
        subjects->zone[i] = i == TOLL_LEVEL_NUMBER || i == TOLL_LEVEL_SITE || i == TOLL_LEVEL_ACCOUNT
                                ? book->zones[book->accounts[owner->account].zone]
                                : book->zones[0];
    snprintf(subjects->text[TOLL_LEVEL_DEFAULT], TOLL_EXPLAIN_TEXT_BYTES, "default");
    if (row->trunk != 0)
        snprintf(subjects->text[TOLL_LEVEL_TRUNK], TOLL_EXPLAIN_TEXT_BYTES, "trunk:%s",
                 toll_book_string(book, book->named[TOLL_NAMED_TRUNK][row->trunk - 1].text));
    if (carrier != 0)
        snprintf(subjects->text[TOLL_LEVEL_CARRIER], TOLL_EXPLAIN_TEXT_BYTES, "carrier:%s",
                 toll_book_string(book, book->named[TOLL_NAMED_CARRIER][carrier - 1].text));
    if (!sell || payer->owner == 0)
        return;
    toll_digits_text(number, digits);
    if (number != 0)
        snprintf(subjects->text[TOLL_LEVEL_NUMBER], TOLL_EXPLAIN_TEXT_BYTES, "number:%s", digits);
    snprintf(subjects->text[TOLL_LEVEL_ACCOUNT], TOLL_EXPLAIN_TEXT_BYTES, "account:%s",
             toll_book_string(book, book->accounts[owner->account].account));
    if (owner->site != 0)
        snprintf(subjects->text[TOLL_LEVEL_SITE], TOLL_EXPLAIN_TEXT_BYTES, "site:%s",
                 toll_book_string(book, book->sites[owner->site].site));
}

static bool assignment_row(void *context, uint32_t line, const struct toll_csv_field *cells)
{
    struct search *search = context;
    char subject[TOLL_EXPLAIN_TEXT_BYTES];
    toll_explain_cell(&cells[0], subject, sizeof subject);
    if (strncmp(subject, "number:+", 8) == 0)
        memmove(subject + 7, subject + 8, strlen(subject + 7));
    if (!toll_explain_cell_is(&cells[2], search->side) && !(cells[2].bytes == 0 && search->side[0] == 's'))
        return true;
    for (int level = 0; level < LEVELS; level++) {
        if (search->subjects->text[level][0] == 0 || strcmp(search->subjects->text[level], subject) != 0)
            continue;
        struct row *row = &search->rows[search->count++];
        *row = (struct row){.line = line, .level = level};
        row->time = toll_explain_in_force(search->subjects->zone[level], &cells[3], &cells[4], search->at);
        toll_explain_cell(&cells[1], row->plan, sizeof row->plan);
    }
    return search->count < SHOWN_MAX;
}

/* A cost goes by the trunk's carrier, where it has one. */
static const char *whose_carrier(const struct toll_explainer *explainer, bool sell, int level)
{
    if (sell || level != TOLL_LEVEL_CARRIER)
        return "";
    return toll_trunk_carrier(explainer->book, explainer->row->trunk) != 0 ? "trunk's " : "feed's ";
}

static void tell(struct toll_explainer *explainer, bool sell, const struct subjects *subjects,
                 const struct row *row, bool *decided)
{
    static const char *const times[] = {
        [TOLL_EXPLAIN_NOT_YET] = "is not yet in force at the call's start",
        [TOLL_EXPLAIN_ENDED] = "has ended by the call's start",
    };
    char by[TOLL_EXPLAIN_TEXT_BYTES + 64], shown[TOLL_EXPLAIN_TEXT_BYTES];
    const char *name = sell ? "plan" : "buy plan";
    if (row->level == TOLL_LEVEL_DEFAULT)
        snprintf(by, sizeof by, "the default assignment");
    else if (row->level == TOLL_LEVEL_NUMBER)
        snprintf(by, sizeof by, "the assignment to the number");
    else
        snprintf(by, sizeof by, "the assignment to the %s%s %s", whose_carrier(explainer, sell, row->level),
                 levels[row->level],
                 toll_explain_prefix(explainer, strchr(subjects->text[row->level], ':') + 1, shown));
    if (row->time != TOLL_EXPLAIN_IN_FORCE)
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, name, "assignments.csv", row->line, "%s (plan %s) %s",
                         by, row->plan, times[row->time]);
    else if (*decided)
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, name, "assignments.csv", row->line,
                         "%s (plan %s) is less specific", by, row->plan);
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, name, "assignments.csv", row->line, "plan %s, by %s",
                         row->plan, by);
    *decided |= row->time == TOLL_EXPLAIN_IN_FORCE;
}

void toll_explain_assignments(struct toll_explainer *explainer, bool sell)
{
    static const char *const columns[] = {"subject", "plan", "side", "from", "to", NULL};
    struct subjects subjects;
    struct search search = {
        .subjects = &subjects, .at = explainer->row->start, .side = sell ? "sell" : "buy"};
    bool decided = false;
    make_subjects(explainer, sell, &subjects);
    toll_explain_table(explainer->book, "assignments.csv", columns, assignment_row, &search);
    for (int level = 0; level < LEVELS; level++)
        for (int i = 0; i < search.count; i++)
            if (search.rows[i].level == level)
                tell(explainer, sell, &subjects, &search.rows[i], &decided);
}

void toll_explain_plan(struct toll_explainer *explainer)
{
    toll_explain_assignments(explainer, true);
    if (explainer->answer->plan == 0)
        toll_explain_add(
            explainer, TOLL_EXPLAIN_STEP, "plan", "", 0,
            "no plan is assigned at the call's start, neither to the number, trunk, site, account or "
            "carrier nor as the default: add a row to assignments.csv");
}
