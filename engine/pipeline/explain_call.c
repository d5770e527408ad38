/* What kind of call it is: class, where both ends are, jurisdiction, each with what says so. */
#include "pipeline/explain_entries.h"

#include <stdio.h>
#include <string.h>

static const char *state_of(const struct toll_book *book, uint32_t state)
{
    return toll_book_string(book, book->state_names[state]);
}

/* ---- class ---- */

static void explain_on_net(struct toll_explainer *explainer)
{
    const struct toll_book *book = explainer->book;
    const struct toll_row *row = explainer->row;
    const uint64_t numbers[2] = {row->caller, row->callee};
    const unsigned types[2] = {toll_kind_caller_type(row->kind), toll_kind_callee_type(row->kind)};
    static const char *const names[2] = {"caller", "callee"};
    for (int i = 0; i < 2; i++) {
        const uint32_t owner =
            types[i] == TOLL_NUMBER_E164 ? toll_number_owner(explainer->rater, numbers[i], row->start) : 0;
        char wanted[TOLL_DIGITS_TEXT_BYTES], shown[TOLL_EXPLAIN_NUMBER_BYTES];
        toll_explain_number(explainer, numbers[i], types[i], shown);
        if (types[i] != TOLL_NUMBER_E164) {
            toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "on_net", "", 0,
                             "not on_net: the %s is no E.164 number", names[i]);
            return;
        }
        if (owner == 0) {
            toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "on_net", "", 0,
                             "not on_net: the %s %s is no number of numbers.csv in force at the call's start",
                             names[i], shown);
            return;
        }
        toll_digits_text(numbers[i], wanted);
        const char *account = toll_book_string(book, book->accounts[book->owners[owner].account].account);
        struct toll_explain_number_row found = {0};
        toll_explain_number_find(book, wanted, row->start, &found);
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "on_net", "numbers.csv", found.line,
                         "the %s %s belongs to account %s", names[i], shown, account);
    }
    if (explainer->answer->class_ != TOLL_ON_NET)
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "on_net", "", 0,
                         "not on_net: the book's on_net is account, and these are two");
}

/* ---- places ---- */

static void describe_end(const struct toll_explainer *explainer, const struct toll_end *end, char *text,
                         size_t room)
{
    const struct toll_book *book = explainer->book;
    const struct toll_place *place = &book->places[end->place];
    const char *country =
        end->source == TOLL_END_SITE ? book->country : toll_book_string(book, place->country);
    if (end->abroad && end->place == 0) {
        snprintf(text, room, "abroad, because it does not begin with 1");
        return;
    }
    if (end->place == 0 && end->state == 0) {
        snprintf(text, room, "nowhere that is known");
        return;
    }
    snprintf(text, room, "%s%s%s%s%s%s", end->state == 0 ? "" : state_of(book, end->state),
             end->state == 0 ? "" : ", ", country[0] == 0 ? "in a country that is not known" : country,
             end->ratecenter == 0 ? "" : ", ratecenter ",
             end->ratecenter == 0 ? "" : toll_book_string(book, book->ratecenter_names[end->ratecenter]),
             end->abroad ? ": abroad" : "");
}

static void explain_end(struct toll_explainer *explainer, const struct toll_end *end, const char *which,
                        const char *number_name, int32_t site)
{
    static const char *const sources[] = {
        [TOLL_END_LRN] = "routing number", [TOLL_END_RING_TO] = "ring_to number"};
    const struct toll_book *book = explainer->book;
    char where[TOLL_EXPLAIN_TEXT_BYTES], shown[TOLL_EXPLAIN_NUMBER_BYTES], prefix[TOLL_DIGITS_TEXT_BYTES];
    describe_end(explainer, end, where, sizeof where);
    if (end->source == TOLL_END_SITE) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "place", "sites.csv", book->sites[site].line,
                         "the %s end is at the payer's site %s: %s", which,
                         toll_book_string(book, book->sites[site].site), where);
        return;
    }
    if (end->number == 0) {
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "place", "", 0, "the %s end has no place: %s", which,
                         strcmp(number_name, "ring_to") == 0
                             ? "the record does not say where the toll-free call rang"
                             : "it is no E.164 number");
        return;
    }
    const char *name = end->source == TOLL_END_NUMBER ? number_name : sources[end->source];
    toll_explain_number(explainer, end->number, TOLL_NUMBER_E164, shown);
    unsigned digits = 0;
    const uint32_t line = end->number >> 60 == 1 ? toll_explain_place_line(book, end->number, &digits) : 0;
    toll_digits_text(end->number, prefix);
    prefix[line != 0 && digits <= TOLL_DIGITS_MAX ? digits : 4] = 0; /* 4: 1 and an area code */
    char masked[TOLL_EXPLAIN_TEXT_BYTES];
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "place", "npanxx.csv", line,
                     end->place == 0 ? "the %s end, the %s %s, is %s"
                     : line != 0     ? "the %s end, the %s %s, is %s (prefix %s)"
                                     : "the %s end, the %s %s, is %s (prefix %s of the built-in area codes)",
                     which, name, shown, where, toll_explain_prefix(explainer, prefix, masked));
}

/* ---- jurisdiction ---- */

static const char *basis_name(unsigned basis)
{
    static const char *const names[] = {"ani", "ani_lrn", "site",
                                        "ani, since the carrier has no word for it"};
    return names[basis];
}

/* The row of calltypes.csv that gave the word: the carrier's own, else the one for all. */
static uint32_t word_line(const struct toll_explainer *explainer)
{
    const struct toll_book *book = explainer->book;
    uint32_t line = 0;
    for (uint32_t i = 0; i < book->calltype_word_count; i++) {
        const struct toll_calltype_word *word = &book->calltype_words[i];
        const char *carrier = toll_book_string(book, word->carrier);
        if (strcmp(toll_book_string(book, word->calltype), explainer->line->calltype) != 0)
            continue;
        if (strcmp(carrier, explainer->line->carrier) == 0)
            return word->line;
        line = carrier[0] == 0 ? word->line : line;
    }
    return line;
}

static void explain_ends(struct toll_explainer *explainer, unsigned basis, int32_t site)
{
    const struct toll_book *book = explainer->book;
    struct toll_ends ends;
    toll_ends_find(explainer->rater, explainer->row, (enum toll_jurisdiction_basis)basis, site, &ends);
    const struct toll_end *from = &ends.originating, *to = &ends.terminating;
    const bool toll_free = toll_callee_is_toll_free(explainer->rater, explainer->row);
    explain_end(explainer, from, "originating", "caller", site);
    explain_end(explainer, to, "terminating", toll_free ? "ring_to" : "callee", site);
    const enum toll_call_jurisdiction jurisdiction =
        toll_jurisdiction_of(explainer->rater, explainer->row, (enum toll_jurisdiction_basis)basis, site);
    const char *name = toll_call_jurisdiction_name(jurisdiction);
    switch (jurisdiction) {
    case TOLL_INTERNATIONAL:
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "jurisdiction", "", 0, "%s by %s: an end is abroad",
                         name, basis_name(basis));
        break;
    case TOLL_LOCAL:
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "jurisdiction", "local_areas.csv",
                         from->ratecenter == to->ratecenter ? 0 : toll_explain_local_line(book, from, to),
                         "%s by %s: %s", name, basis_name(basis),
                         from->ratecenter == to->ratecenter ? "both ends are in one ratecenter"
                                                            : "local_areas.csv has the two ratecenters");
        break;
    case TOLL_INTRASTATE:
    case TOLL_INTERSTATE:
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "jurisdiction", "", 0, "%s by %s: from %s to %s", name,
                         basis_name(basis), state_of(book, from->state), state_of(book, to->state));
        break;
    default:
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "jurisdiction", "", 0,
                         "%s by %s: the state of %s is not known", name, basis_name(basis),
                         from->state == 0 && to->state == 0 ? "both ends"
                         : from->state == 0                 ? "the originating end"
                                                            : "the terminating end");
        break;
    }
}

void toll_explain_jurisdiction(struct toll_explainer *explainer, unsigned basis)
{
    const int32_t site = explainer->book->owners[explainer->answer->payer.owner].site;
    if (!explainer->book->nanp)
        return;
    if (basis == TOLL_BASIS_CARRIER && explainer->row->word >= 0)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "jurisdiction", "calltypes.csv", word_line(explainer),
                         "%s by the carrier's call type %s",
                         toll_call_jurisdiction_name((unsigned)explainer->row->word),
                         explainer->line->calltype);
    else
        explain_ends(explainer, basis, site);
}

void toll_explain_class(struct toll_explainer *explainer)
{
    const struct toll_row_answer *answer = explainer->answer;
    if (explainer->book->on_net != TOLL_ON_NET_NONE &&
        (answer->class_ == TOLL_ORDINARY || answer->class_ == TOLL_ON_NET))
        explain_on_net(explainer);
    toll_explain_jurisdiction(explainer, explainer->book->basis);
    static const char *const whys[] = {
        [TOLL_ORDINARY] = "",
        [TOLL_TOLL_FREE] = ", for the callee's area code is toll-free",
        [TOLL_PREMIUM] = ", for the callee's area code is 900",
        [TOLL_N11] = ", for the callee is a short code",
        [TOLL_ON_NET] = ", for both ends are numbers of the book",
    };
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "class", "", 0, "class %s%s; jurisdiction %s",
                     toll_class_name(answer->class_), whys[answer->class_],
                     toll_call_jurisdiction_name(answer->jurisdiction));
}
