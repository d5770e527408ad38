/*
 * The books of a what-if in the order of the command line: paths, changes of the base, what a sweep makes of
 * one, and a book for each plan of --best-plan.
 */
#include "names.h"
#include "whatif.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

bool cmd_whatif_asked_make(struct cmd_whatif_asked *asked, int argc)
{
    struct cmd_list *const lists[] = {&asked->books, &asked->sets, &asked->sweeps, &asked->names,
                                      &asked->best};
    const size_t room = (size_t)argc + 1;
    asked->texts = calloc(room * 5, sizeof *asked->texts);
    asked->places = calloc(room * 5, sizeof *asked->places);
    for (size_t i = 0; i < 5 && asked->texts != NULL && asked->places != NULL; i++)
        *lists[i] = (struct cmd_list){&asked->texts[i * room], &asked->places[i * room], 0};
    return asked->texts != NULL && asked->places != NULL;
}

void cmd_whatif_asked_free(struct cmd_whatif_asked *asked)
{
    free(asked->texts);
    free(asked->places);
}

void cmd_whatif_asked_operands(struct cmd_whatif_asked *asked, char **argv, const int *places, int count)
{
    struct cmd_list *books = &asked->books;
    for (int i = 0; i < count; i++) {
        int at = books->count++;
        for (; at > 0 && books->places[at - 1] > places[i]; at--) {
            books->places[at] = books->places[at - 1];
            books->texts[at] = books->texts[at - 1];
        }
        books->places[at] = places[i];
        books->texts[at] = argv[i + 1];
    }
}

void cmd_whatif_books_free(struct cmd_whatif_books *plan)
{
    for (int i = 0; i < plan->owned_count; i++)
        free(plan->owned[i]);
}

/* ---- from words to books ---- */

static int too_many(struct cmd *cmd)
{
    cmd_error(cmd, "these are more than %d books; take some out, or a larger step of the sweep",
              TOLL_IMPACT_BOOKS_MAX);
    return CMD_USAGE;
}

/* A name waits for the next BOOK or --set, and only one does. */
static int take_name(struct cmd *cmd, const char **waiting, const char *name)
{
    if (*waiting != NULL) {
        cmd_error(cmd,
                  "--name \"%s\" and --name \"%s\" stand before one BOOK or --set; write each before its own",
                  *waiting, name);
        return CMD_USAGE;
    }
    *waiting = name;
    return CMD_GO;
}

static int names_nothing(struct cmd *cmd, const char *name)
{
    cmd_error(cmd, "--name \"%s\" names nothing: it stands before its BOOK or --set", name);
    return CMD_USAGE;
}

static int add_book(struct cmd *cmd, struct cmd_whatif_books *plan, const struct toll_whatif_book *book)
{
    if (plan->count == TOLL_IMPACT_BOOKS_MAX)
        return too_many(cmd);
    plan->books[plan->count++] = *book;
    return CMD_GO;
}

/* Keeps a text until the end. */
static char *keep(struct cmd_whatif_books *plan, char *text)
{
    if (text != NULL)
        plan->owned[plan->owned_count++] = text;
    return text;
}

static int no_memory(struct cmd *cmd)
{
    return cmd_fail_text(cmd, 71, "out of memory for the books");
}

static int add_sweep(struct cmd *cmd, struct cmd_whatif_books *plan, const char *sweep)
{
    int64_t factors[TOLL_IMPACT_BOOKS_MAX];
    struct toll_error error = {0};
    char **changes;
    int count, code = CMD_GO;
    if (toll_sweep_changes(sweep, &changes, factors, &count, &error) < 0)
        return cmd_fail(cmd, &error);
    for (int i = 0; i < count; i++) {
        if (plan->count == TOLL_IMPACT_BOOKS_MAX) {
            free(changes[i]);
            code = too_many(cmd);
            continue;
        }
        keep(plan, changes[i]);
        plan->books[plan->count++] =
            (struct toll_whatif_book){.change = changes[i], .has_factor = true, .factor = factors[i]};
        /* its name is the factor, which stands at the end of the change */
        plan->books[plan->count - 1].name = strrchr(changes[i], '*') + 1;
    }
    free(changes);
    return code;
}

/* Every account on this plan; NULL: out of memory. A quote within quotes is written twice. */
static char *change_to(const char *plan)
{
    static const char head[] = "plan:\"", tail[] = "\" accounts:*";
    char *change = malloc(sizeof head + 2 * strlen(plan) + sizeof tail), *at = change;
    if (change == NULL)
        return NULL;
    at = stpcpy(at, head);
    for (; *plan != '\0'; plan++) {
        if (*plan == '"')
            *at++ = '"';
        *at++ = *plan;
    }
    strcpy(at, tail);
    return change;
}

/* "P,Q,R": a book for each, with every account on it. */
static int add_best_plans(struct cmd *cmd, struct cmd_whatif_books *plan, const char *list)
{
    struct cmd_names names = {0};
    struct toll_error error = {0};
    int code = cmd_names_split(&names, list, "best-plan", &error) < 0 ? cmd_fail(cmd, &error) : CMD_GO;
    if (plan->plan_count == 0)
        plan->plan_first = plan->count;
    for (size_t i = 0; i < names.count && code == CMD_GO; i++) {
        if (plan->count == TOLL_IMPACT_BOOKS_MAX) {
            code = too_many(cmd);
            break;
        }
        char *name = strdup(names.names[i]), *change = change_to(names.names[i]);
        if (name == NULL || change == NULL) {
            free(name);
            free(change);
            code = no_memory(cmd);
            break;
        }
        plan->plans[plan->plan_count++] = keep(plan, name);
        plan->books[plan->count++] = (struct toll_whatif_book){.name = name, .change = keep(plan, change)};
    }
    cmd_names_free(&names);
    return code;
}

/* The list's next word, if it is the next of all: the one with the lowest place. */
static bool is_next(const struct cmd_list *list, int at, int place)
{
    return at < list->count && list->places[at] == place;
}

int cmd_whatif_books_make(struct cmd *cmd, const struct cmd_whatif_asked *asked, int argc,
                          struct cmd_whatif_books *plan)
{
    int name = 0, book = 0, set = 0, sweep = 0, code = CMD_GO;
    const char *waiting = NULL;
    if (asked->books.count == 0) {
        cmd_error(cmd, "BOOK is missing: a book's folder or image, the base of all changes");
        return CMD_USAGE;
    }
    plan->count = 1;
    for (int place = 1; place < argc && code == CMD_GO; place++) {
        struct toll_whatif_book next = {.name = waiting};
        if (is_next(&asked->names, name, place)) {
            code = take_name(cmd, &waiting, asked->names.texts[name++]);
        } else if (is_next(&asked->books, book, place)) {
            next.path = asked->books.texts[book];
            waiting = NULL;
            if (book++ > 0)
                code = add_book(cmd, plan, &next);
            else
                plan->books[0] = next;
        } else if (is_next(&asked->sets, set, place)) {
            next.change = asked->sets.texts[set++];
            waiting = NULL;
            code = add_book(cmd, plan, &next);
        } else if (is_next(&asked->sweeps, sweep, place)) { /* its books have names of their own */
            code = waiting != NULL ? names_nothing(cmd, waiting)
                                   : add_sweep(cmd, plan, asked->sweeps.texts[sweep++]);
        }
    }
    if (code == CMD_GO && waiting != NULL)
        code = names_nothing(cmd, waiting);
    for (int i = 0; i < asked->best.count && code == CMD_GO; i++)
        code = add_best_plans(cmd, plan, asked->best.texts[i]);
    if (code == CMD_GO && plan->count == 1) {
        cmd_error(cmd, "there is nothing to compare the book with: name another one, or --set, --sweep, "
                       "--best-plan");
        code = CMD_USAGE;
    }
    return code;
}
