/*
 * A change is words between blanks: KIND:NAME, then which rows (prefix:44*), then what happens to them
 * (rate=0.01 rate*1.05 *1.05 +0.001). A value may stand in quotes; the value of a word with a colon goes on
 * until a word that says what happens, so that names with blanks need none.
 */
#include "book/change.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int toll_change_error(const struct toll_change *change, struct toll_error *error, const char *format, ...)
{
    char text[700];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return toll_error_set(error, TOLL_EBOOK, "the change \"%.120s\": %s", change->text, text);
}

/* `at` is behind the quote that opens; behind the one that closes, or at the end. */
static const char *quoted_name(const char *at, char name[TOLL_CHANGE_NAME_BYTES])
{
    size_t bytes = 0;

    for (; *at != 0 && (at[0] != '"' || at[1] == '"'); at++) {
        at += *at == '"' ? 1 : 0;
        if (bytes + 1 < TOLL_CHANGE_NAME_BYTES)
            name[bytes++] = *at;
    }
    name[bytes] = 0;
    return *at != 0 ? at + 1 : at;
}

const char *toll_change_next_name(const char *list, char name[TOLL_CHANGE_NAME_BYTES])
{
    const char *stop = list;
    int bytes;

    if (*list == 0)
        return NULL;
    while (*list == ' ')
        list++;
    if (*list == '"') { /* with more behind the quote it is no quoted name, and taken as it stands */
        stop = quoted_name(list + 1, name);
        stop += strspn(stop, " ");
        if (*stop == 0 || *stop == ',')
            return *stop != 0 ? stop + 1 : stop;
    }
    stop = list + strcspn(list, ",");
    bytes = (int)(stop - list);
    while (bytes > 0 && list[bytes - 1] == ' ')
        bytes--;
    snprintf(name, TOLL_CHANGE_NAME_BYTES, "%.*s", bytes, list);
    return *stop != 0 ? stop + 1 : stop;
}

const char *toll_change_amount(const struct toll_change_cell *cell, int64_t old, int64_t *out)
{
    toll_total total = cell->how == TOLL_CHANGE_PLUS
                           ? (toll_total)old + cell->amount
                           : toll_round_ratio((toll_total)old * cell->amount, TOLL_MONEY_UNIT, TOLL_HALF_UP);

    if (total < 0)
        return "is below 0";
    return toll_money_narrow(total, out) ? NULL : "is too large an amount";
}

/* -- words -- */

struct word {
    char *key, *value; /* "deck" ':' "intl"; key "" of "*1.05" and "+0.001" */
    char how;          /* ':' '=' '*' '+' '-'; 0: neither */
    bool quoted;       /* the value, or part of it */
};

static bool is_key(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_number(char c)
{
    return (c >= '0' && c <= '9') || c == '.';
}

/* The word at `at`, which is no blank, to *room; both move on behind it. *open: its quote is not closed. No
 * word is longer there than with the blank behind it here. */
static const char *next_word(char **room, const char *at, const char *end, struct word *word, bool *open)
{
    char *const text = *room, *out;
    const char *from = at;
    bool inside = false;

    *word = (struct word){.key = text, .value = text};
    while (at < end && is_key(*at))
        at++;
    if (at < end && (*at == ':' || *at == '=' || *at == '*') && (at > from || *at == '*'))
        word->how = *at;
    else if (at == from && end - at > 1 && (*at == '+' || *at == '-') && is_number(at[1]))
        word->how = *at;
    if (word->how == 0)
        at = from; /* all of it is the value */
    memcpy(text, from, (size_t)(at - from));
    text[at - from] = 0;
    out = text + (at - from) + (word->how != 0 ? 1 : 0);
    at += word->how != 0 ? 1 : 0;
    word->value = out;
    for (; at < end && (inside || (*at != ' ' && *at != '\t')); at++) {
        if (*at == '"' && inside && at + 1 < end && at[1] == '"') {
            *out++ = *at++;
        } else if (*at == '"') {
            inside = !inside;
            word->quoted = true;
        } else {
            *out++ = *at;
        }
    }
    *out = 0;
    *room = out + 1;
    *open = inside;
    return at;
}

/* -- meaning -- */

static int wrong(const struct toll_change *change, struct toll_error *error, const char *word,
                 const char *problem)
{
    return toll_change_error(change, error, "\"%.60s\" %s", word, problem);
}

static int set_text(const struct toll_change *change, const char **place, const struct word *word,
                    struct toll_error *error)
{
    if (*place != NULL)
        return wrong(change, error, word->key, "is there twice");
    if (word->value[0] == 0 && !word->quoted)
        return wrong(change, error, word->key, "has nothing behind it");
    *place = word->value;
    return 0;
}

/* "deck:intl" */
static int read_head(struct toll_change *change, const struct word *word, struct toll_error *error)
{
    static const char *const kinds[] = {"deck", "plan", "bundle", "tiers", "book"};

    for (int i = 0; i < 5 && word->how == ':'; i++) {
        if (strcmp(word->key, kinds[i]) == 0) {
            change->kind = (enum toll_change_kind)i;
            return set_text(change, &change->name, word, error);
        }
    }
    return toll_change_error(
        change, error, "it must begin with deck:NAME, plan:NAME, bundle:NAME, tiers:NAME or book:TABLE");
}

static int read_selector(struct toll_change *change, const struct word *word, struct toll_error *error)
{
    const bool deck = change->kind == TOLL_CHANGE_DECK;

    if (deck && strcmp(word->key, "prefix") == 0)
        return set_text(change, &change->prefix, word, error);
    if (deck && strcmp(word->key, "caller_prefix") == 0)
        return set_text(change, &change->caller_prefix, word, error);
    if (deck && strcmp(word->key, "destination") == 0)
        return set_text(change, &change->destination, word, error);
    if (change->kind == TOLL_CHANGE_TIERS && strcmp(word->key, "from_qty") == 0)
        return set_text(change, &change->from_qty, word, error);
    if (change->kind == TOLL_CHANGE_PLAN && strcmp(word->key, "accounts") == 0)
        return set_text(change, &change->accounts, word, error);
    return wrong(change, error, word->key,
                 deck ? "chooses no rows; write prefix:, caller_prefix: or destination:"
                 : change->kind == TOLL_CHANGE_TIERS ? "chooses no rows; write from_qty:"
                 : change->kind == TOLL_CHANGE_PLAN  ? "is unknown here; write accounts:A,B or accounts:*"
                                                     : "chooses no rows; there is nothing to choose here");
}

static int read_number(const struct toll_change *change, const struct word *word, int64_t *out,
                       struct toll_error *error)
{
    const int result = toll_decimal_parse(word->value, strlen(word->value), 8, out);

    if (result == 0)
        return 0;
    return wrong(change, error, word->value,
                 result == -2   ? "has more than 8 decimals"
                 : result == -3 ? "is too large a number"
                                : "is no number; write digits and a point, like 1.05");
}

static int read_cell(struct toll_change *change, const struct word *word, struct toll_error *error)
{
    struct toll_change_cell *cell = &change->cells[change->cell_count];
    const bool deck = change->kind == TOLL_CHANGE_DECK;
    int code;

    if (deck && word->how == '=' && strcmp(word->key, "file") == 0)
        return set_text(change, &change->file, word, error);
    if (change->kind == TOLL_CHANGE_BOOK && word->how == '=' && strcmp(word->key, "file") == 0)
        return set_text(change, &change->file, word, error);
    if (deck && change->file != NULL && word->how == '=' && strcmp(word->key, "from") == 0)
        return set_text(change, &change->from, word, error);
    if (change->kind == TOLL_CHANGE_PLAN || change->kind == TOLL_CHANGE_BOOK)
        return wrong(change, error, word->key[0] != 0 ? word->key : word->value,
                     change->kind == TOLL_CHANGE_BOOK ? "is unknown here; write book:TABLE file=PATH"
                                                      : "is unknown here; write plan:NAME accounts:A,B");
    if (change->cell_count == TOLL_CHANGE_CELLS_MAX)
        return toll_change_error(change, error, "it changes too many columns; make several with ;;");
    if (word->key[0] == 0 && !deck)
        return wrong(change, error, word->value,
                     "needs its column, like quantity*1.5: only a deck has rates that belong together");
    for (int i = 0; i < change->cell_count; i++) {
        if (change->cells[i].column != NULL && strcmp(change->cells[i].column, word->key) == 0)
            return wrong(change, error, word->key, "is there twice");
    }
    *cell = (struct toll_change_cell){.column = word->key[0] != 0 ? word->key : NULL, .text = word->value};
    if (word->how != '=') {
        cell->how = word->how == '*' ? TOLL_CHANGE_TIMES : TOLL_CHANGE_PLUS;
        code = read_number(change, word, &cell->amount, error);
        if (code == 0 && cell->amount < 0)
            code = wrong(change, error, word->value, "is below 0");
        if (code != 0)
            return code;
        cell->amount = word->how == '-' ? -cell->amount : cell->amount;
    } else if (strpbrk(word->value, "\r\n") != NULL) {
        return wrong(change, error, word->key, "holds a line break");
    }
    change->cell_count++;
    return 0;
}

static int check_whole(const struct toll_change *change, struct toll_error *error)
{
    const bool selects =
        change->prefix != NULL || change->caller_prefix != NULL || change->destination != NULL;

    switch (change->kind) {
    case TOLL_CHANGE_PLAN:
        if (change->accounts == NULL)
            return toll_change_error(change, error, "whose? write accounts:A,B, or accounts:* for all");
        if (change->accounts[strspn(change->accounts, " \t,")] == 0)
            return toll_change_error(change, error,
                                     "accounts: names none; write accounts:A,B, or accounts:* for all");
        return 0;
    case TOLL_CHANGE_BOOK:
        return change->file != NULL ? 0
                                    : toll_change_error(change, error, "write file=PATH behind the table");
    case TOLL_CHANGE_DECK:
        if (change->file != NULL && (selects || change->cell_count > 0))
            return toll_change_error(change, error,
                                     "a new file takes the place of all rows; make other changes of it "
                                     "behind ;;");
        if (change->file != NULL || change->cell_count > 0)
            return 0;
        return toll_change_error(
            change, error,
            "what shall happen to the rows? write *1.05, +0.001, rate=0.01 or file=SHEET "
            "behind the name and a blank");
    default:
        return change->cell_count > 0
                   ? 0
                   : toll_change_error(change, error,
                                       "what shall happen? write column=value or column*factor");
    }
}

/* A word without a meaning of its own belongs to the value before it, which ends where the word begins. */
static int join(struct toll_change *change, struct word *last, char *more, struct toll_error *error)
{
    if ((last->how == '*' || last->how == '+' || last->how == '-') && last->value[0] == 0)
        return wrong(change, error, more, "stands behind a blank; write *1.05 or +0.001 as one word");
    if (last->how != ':' || last->quoted)
        return wrong(change, error, more,
                     "is not understood; a value with blanks stands in double quotes: column=\"a b\"");
    more[-1] = ' ';
    return 0;
}

static int read_word(struct toll_change *change, const struct word *word, struct toll_error *error)
{
    if (change->name == NULL)
        return read_head(change, word, error);
    return word->how == ':' ? read_selector(change, word, error) : read_cell(change, word, error);
}

static int parse_part(struct toll_arena *arena, struct toll_change *change, const char *at, const char *end,
                      struct toll_error *error)
{
    struct word last = {0}, word;
    char *room = toll_arena_alloc(arena, (size_t)(end - at) + 1);
    bool open;
    int code = 0;

    if (room == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    while (code == 0) {
        while (at < end && (*at == ' ' || *at == '\t'))
            at++;
        if (at == end)
            break;
        at = next_word(&room, at, end, &word, &open);
        if (open)
            return toll_change_error(change, error, "a quote is not closed");
        if (word.how == 0 && last.key != NULL) {
            code = join(change, &last, word.value, error);
            continue;
        }
        if (last.key != NULL)
            code = read_word(change, &last, error);
        last = word;
    }
    if (code == 0 && last.key != NULL)
        code = read_word(change, &last, error);
    if (code == 0 && change->name == NULL)
        code = toll_change_error(change, error, "there is nothing in it; write deck:NAME *1.05, for example");
    return code == 0 ? check_whole(change, error) : code;
}

int toll_change_parse(struct toll_arena *arena, const char *text, struct toll_change **out, int *count,
                      struct toll_error *error)
{
    int most = 1, code = 0;

    for (const char *at = text; (at = strstr(at, ";;")) != NULL; at += 2)
        most++;
    *count = 0;
    *out = toll_arena_alloc(arena, (size_t)most * sizeof(**out));
    if (*out == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    while (code == 0) {
        struct toll_change *change = &(*out)[(*count)++];
        const char *end = text;
        bool inside = false;
        for (; *end != 0 && (inside || end[0] != ';' || end[1] != ';'); end++)
            inside = inside != (*end == '"');
        while (text < end && *text == ' ')
            text++;
        const char *stop = end;
        while (stop > text && stop[-1] == ' ')
            stop--;
        change->text = toll_arena_copy(arena, text, (size_t)(stop - text));
        if (change->text == NULL)
            return toll_error_set(error, TOLL_ENOMEM, "out of memory");
        code = parse_part(arena, change, text, stop, error);
        if (*end == 0)
            break;
        text = end + 2;
    }
    return code;
}
