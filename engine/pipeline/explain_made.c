/*
 * toll_explain_call: a call that nobody made, as if it were the only one. It goes the way of a run's row
 * (pipeline/row.h, draws.h, cost.h) with pools of its own, of which nothing was drawn before.
 */
#include "base/arena.h"
#include "base/error.h"
#include "pipeline/component_rows.h"
#include "pipeline/draws.h"
#include "pipeline/explain_ask.h"
#include "pipeline/explain_entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct made {
    struct toll_ask ask;
    struct toll_book *book;
    struct toll_rater rater;
    struct toll_band_cursor *cursors;
    struct toll_row_answer answer;
    struct toll_drawn_line drawn;
    struct toll_explain_turns turns;
    struct toll_explain_stored_cost cost;
    struct toll_line line;
    /* its taxes, as a run of this line alone has them */
    struct toll_arena arena;
    struct toll_tuple_row tuple;
    struct toll_component_rows components;
    struct toll_run_tables tables;
    struct toll_explain_taxed taxed;
};

/* ---- what the book knows of it ---- */

static uint32_t place_of(const struct toll_book *book, enum toll_named_kind kind, const char *text)
{
    const struct toll_named *named = text[0] == 0 ? NULL : toll_book_named(book, kind, text, strlen(text));
    return named == NULL ? 0 : 1 + (uint32_t)(named - book->named[kind]);
}

static int complete_row(struct made *made, struct toll_error *error)
{
    const struct toll_book *book = made->book;
    const char *code = made->ask.calltype;
    struct toll_row *row = &made->ask.row;
    uint32_t *values =
        toll_arena_alloc(&made->arena, ((size_t)made->rater.calltype_decks + 1) * sizeof *values);
    if (values == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    for (uint32_t deck = 1; deck < book->deck_count; deck++)
        if (made->rater.calltype_places[deck] != 0)
            values[made->rater.calltype_places[deck] - 1] =
                toll_book_calltype(book, deck, code, strlen(code));
    row->calltype_values = values;
    row->word = code[0] == 0 ? -1 : toll_book_calltype_word(book, code, made->ask.carrier);
    row->trunk = place_of(book, TOLL_NAMED_TRUNK, made->ask.trunk);
    row->hint = place_of(book, TOLL_NAMED_HINT, made->ask.hint);
    row->carrier = place_of(book, TOLL_NAMED_CARRIER, made->ask.carrier);
    return 0;
}

/* ---- rating ---- */

/* Its draws, alone in its run; volume tiers count it first. */
static int draw(struct made *made, struct toll_explainer *explainer, struct toll_error *error)
{
    const struct toll_row *row = &made->ask.row;
    const struct toll_run_span span = {
        .first = row->start, .last = row->start, .rows = 1, .earlier_until = TOLL_MS_MIN};
    const bool draws = toll_explain_may_draw(explainer);
    struct toll_pools *pools;
    struct toll_cost_answer cost;
    int rc = toll_pools_make(made->book, &span, NULL, &pools, error);
    if (rc != 0)
        return rc;
    if (draws && made->rater.draws != NULL && made->rater.draws->volume) {
        toll_row_draw(&made->rater, made->cursors, pools, row, &made->answer, true, &made->drawn);
        toll_pools_second_pass(pools);
    }
    if (draws && !toll_explain_turns_make(explainer, pools, &made->turns, &made->drawn))
        rc = toll_pools_state(pools, error) != 0 ? toll_pools_state(pools, error)
                                                 : toll_error_set(error, TOLL_ENOMEM, "out of memory");
    if (rc == 0 && made->rater.cost != NULL) {
        toll_row_cost(&made->rater, made->cursors, row, &made->answer, -1, NULL, &cost);
        toll_row_draw_cost(&made->rater, made->cursors, pools, row, &made->answer, &cost);
        made->cost = (struct toll_explain_stored_cost){true, cost.status, cost.cost, cost.price};
        rc = toll_pools_state(pools, error);
    }
    toll_pools_free(pools);
    return rc;
}

/* ---- taxes ---- */

static const char *set_text(struct made *made, const struct toll_tax_set *set)
{
    const struct toll_tax_tables *tax = &made->book->tax;
    size_t bytes = 1, at = 0;
    for (uint32_t i = 0; i < set->count; i++)
        bytes += strlen(toll_tax_string(tax, tax->jurisdictions[set->ids[i]].id)) + 1;
    char *text = toll_arena_alloc(&made->arena, bytes);
    for (uint32_t i = 0; text != NULL && i < set->count; i++)
        at += (size_t)snprintf(text + at, bytes - at, "%s%s", i == 0 ? "" : ";",
                               toll_tax_string(tax, tax->jurisdictions[set->ids[i]].id));
    return text;
}

static const char *split_text(struct made *made, uint32_t split)
{
    for (size_t room = 256;; room *= 4) {
        char *text = toll_arena_alloc(&made->arena, room);
        if (text == NULL || toll_tax_split_text(&made->book->tax, split, text, room))
            return text;
    }
}

static bool describe_tuple(struct made *made, const struct toll_tuple_facts *facts,
                           enum toll_tax_reason reason)
{
    const struct toll_tax_tables *tax = &made->book->tax;
    char period[TOLL_TIME_TEXT_BYTES];
    const size_t bytes = toll_day_format(facts->period, period);
    made->tuple = (struct toll_tuple_row){
        .id = 1,
        .period = toll_arena_copy(&made->arena, period, bytes),
        .from = "",
        .area = facts->profile.area == 0 ? "" : toll_tax_string(tax, tax->areas[facts->profile.area].area),
        .resolved = toll_tax_place_name(facts->profile.resolved),
        .reason = toll_tax_reason_name(reason),
        .tax_services = split_text(made, facts->kind.split),
        .service = toll_service_name(facts->kind.service),
        .jurisdiction = toll_call_jurisdiction_name(facts->kind.jurisdiction),
        .customer_class = toll_book_string(made->book, facts->profile.customer_class),
        .sale = facts->profile.resale ? "resale" : "retail",
        .seller = toll_book_string(made->book, facts->profile.seller),
        .exemptions = "",
        .origin = set_text(made, &facts->origin),
        .two_of_three = set_text(made, &facts->two_of_three),
    };
    return made->tuple.period != NULL && made->tuple.tax_services != NULL && made->tuple.origin != NULL &&
           made->tuple.two_of_three != NULL;
}

static int tax(struct made *made, struct toll_error *error)
{
    const struct toll_tax_tables *tables = &made->book->tax;
    const struct toll_tax_index *index;
    struct toll_tuple_facts facts;
    struct toll_tax_facts of;
    if (!tables->taxed || !toll_status_is_rated(made->drawn.status))
        return 0;
    uint32_t *exemptions =
        toll_arena_alloc(&made->arena, ((size_t)tables->exemption_count + 1) * sizeof *exemptions);
    if (exemptions == NULL ||
        !toll_row_tuple(&made->rater, &made->ask.row, &made->answer, exemptions, &made->arena, &facts))
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    enum toll_tax_reason reason = toll_tuple_reason(&facts);
    int rc = toll_tax_index_build(tables, &made->arena, &index, error);
    if (rc == 0)
        rc = toll_component_rows_init(&made->components, index, tables, error);
    if (rc == 0 && reason == TOLL_TAX_TAXED) {
        toll_tuple_tax_facts(made->book, &facts, &of);
        rc = toll_component_rows_add(&made->components, 1, &of, &reason, error);
    }
    if (rc == 0 && !describe_tuple(made, &facts, reason))
        rc = toll_error_set(error, TOLL_ENOMEM, "out of memory");
    made->tables = (struct toll_run_tables){.tuples = &made->tuple,
                                            .tuple_count = 1,
                                            .components = made->components.rows,
                                            .component_count = made->components.count};
    made->taxed = (struct toll_explain_taxed){&made->tables, 1, made->drawn.charge, made->drawn.billed};
    return rc;
}

/* ---- telling ---- */

static void tell_alone(struct toll_explainer *explainer)
{
    char hash[33];
    toll_hash_text(explainer->book->book_hash, hash);
    toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "book", "", 0, "%s, %.16s...: the call is made up",
                     explainer->book->name, hash);
    if (explainer->book->has_bundles || explainer->book->tiers_count > 1)
        toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "before it", "", 0,
                         "no other call: bundles are full, tiers have counted nothing");
}

static int explain(struct made *made, struct toll_explainer *explainer, struct toll_error *error)
{
    toll_row_rate(&made->rater, made->cursors, &made->ask.row, NULL, &made->answer);
    made->drawn = (struct toll_drawn_line){.status = made->answer.status,
                                           .price = made->answer.price,
                                           .billed = made->answer.billed,
                                           .charge = made->answer.charge};
    const struct toll_book *book = made->book;
    made->line = (struct toll_line){
        .account = toll_book_string(book, book->accounts[made->answer.account].account),
        .currency = toll_book_string(book, book->accounts[made->answer.account].currency),
        .calltype = made->ask.calltype,
        .carrier = made->ask.carrier,
        .record_id = "",
        .pool_bundle = "",
        .pool_name = "",
    };
    int rc = draw(made, explainer, error);
    if (rc == 0)
        rc = tax(made, error);
    if (rc != 0)
        return rc;
    explainer->turns = made->turns.turns == NULL ? NULL : &made->turns;
    explainer->included = made->drawn.included;
    toll_explain_fill(explainer, &made->drawn);
    toll_explain_facts(explainer);
    tell_alone(explainer);
    toll_explain_decisions(explainer);
    if (toll_explain_may_draw(explainer))
        toll_explain_draws(explainer, &made->drawn);
    rc = toll_explain_taxes(explainer, &made->taxed, error);
    if (rc != 0)
        return rc;
    toll_explain_cost(explainer, &made->cost);
    toll_explain_result(explainer, &made->drawn);
    toll_explain_taxes_result(explainer, &made->taxed);
    toll_explain_cost_result(explainer, &made->cost);
    return explainer->failed ? toll_error_set(error, TOLL_ENOMEM, "out of memory") : 0;
}

static int explain_by_book(struct made *made, bool unmask, struct toll_explanation *out,
                           struct toll_error *error)
{
    int rc = toll_rater_init(&made->rater, made->book, 0, error);
    if (rc != 0)
        return rc;
    made->cursors = calloc((size_t)made->book->deck_count + 1, sizeof *made->cursors);
    rc = made->cursors == NULL ? toll_error_set(error, TOLL_ENOMEM, "out of memory")
                               : complete_row(made, error);
    struct toll_explainer explainer = {
        .rater = &made->rater,
        .book = made->book,
        .row = &made->ask.row,
        .line = &made->line,
        .trunk = made->ask.trunk,
        .hint = made->ask.hint,
        .cursors = made->cursors,
        .answer = &made->answer,
        .unmask = unmask,
        .out = out,
    };
    if (rc == 0)
        rc = explain(made, &explainer, error);
    toll_explain_turns_free(&made->turns);
    toll_component_rows_free(&made->components);
    toll_arena_free(&made->arena);
    free(made->cursors);
    toll_rater_free(&made->rater);
    return rc;
}

int toll_explain_call(const char *book_path, const char *call, bool unmask,
                      const struct toll_reporter *reporter, struct toll_explanation *out,
                      struct toll_error *error)
{
    struct made *made = calloc(1, sizeof *made);
    memset(out, 0, sizeof *out);
    if (made == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    int rc = toll_ask_read(call, &made->ask, error);
    if (rc == 0)
        rc = toll_book_open(toll_io_system(), book_path, reporter, &made->book, error);
    if (rc == 0) {
        rc = explain_by_book(made, unmask, out, error);
        toll_book_close(made->book);
    }
    free(made);
    if (rc != 0)
        toll_explanation_free(out);
    return rc;
}
