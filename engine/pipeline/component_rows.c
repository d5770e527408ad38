/* Components as rows of texts: numbers as docs/TAX.md section 5 has them. */
#include "pipeline/component_rows.h"

#include "base/error.h"
#include "base/time.h"
#include "pipeline/row.h"
#include "tax/apply.h"

#include <stdlib.h>
#include <string.h>

enum toll_tax_reason toll_tuple_reason(const struct toll_tuple_facts *facts)
{
    return facts->profile.resolved == TOLL_PLACE_NONE ? TOLL_TAX_NO_SITE
           : facts->profile.area == 0                 ? TOLL_TAX_NO_AREA
           : facts->kind.split == 0                   ? TOLL_TAX_NO_TAX_SERVICE
           : facts->no_leg_place                      ? TOLL_TAX_NO_LEG_PLACE
                                                      : TOLL_TAX_TAXED;
}

void toll_tuple_tax_facts(const struct toll_book *book, const struct toll_tuple_facts *facts,
                          struct toll_tax_facts *out)
{
    const struct toll_tax_set place = toll_tax_area_set(&book->tax, (uint32_t)facts->profile.area);

    *out = (struct toll_tax_facts){
        .place = place,
        .origin = facts->origin,
        .two_of_three = facts->two_of_three,
        .split = facts->kind.split,
        .customer_class = toll_book_string(book, facts->profile.customer_class),
        .seller = toll_book_string(book, facts->profile.seller),
        .resale = facts->profile.resale,
        .call = true,
        .jurisdiction = facts->kind.jurisdiction,
        .exemptions = facts->exemptions,
        .exemption_count = facts->profile.exemption_count,
        .kinds = facts->kind.service == TOLL_VOICE ? TOLL_TAX_KINDS_VOICE : TOLL_TAX_KINDS_PLAIN,
    };
    out->day[TOLL_TAX_DATE_CALL] = facts->day; /* nothing changes within the span */
    out->day[TOLL_TAX_DATE_BILL] = facts->next_period;
    out->day[TOLL_TAX_DATE_PERIOD] = facts->period;
}

const char *toll_component_number(int64_t scaled, int decimals, char *text)
{
    size_t length = toll_total_format(scaled, decimals, text);

    while (decimals > 0 && text[length - 1] == '0')
        length--;
    text[length - (text[length - 1] == '.')] = 0;
    return text;
}

/* ---- rows ---- */

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the taxes of a run");
}

int toll_component_rows_init(struct toll_component_rows *rows, const struct toll_tax_index *index,
                             const struct toll_tax_tables *tables, struct toll_error *error)
{
    memset(rows, 0, sizeof *rows);
    rows->index = index;
    rows->tables = tables;
    rows->rates = calloc((size_t)tables->series_count + 1, sizeof *rows->rates);
    rows->as_of = calloc((size_t)tables->series_count + 1, sizeof *rows->as_of);
    if (rows->rates != NULL && rows->as_of != NULL)
        return 0;
    toll_component_rows_free(rows);
    return no_memory(error);
}

void toll_component_rows_free(struct toll_component_rows *rows)
{
    free(rows->rows);
    free(rows->rates);
    free(rows->as_of);
    toll_arena_free(&rows->arena);
    toll_arena_free(&rows->fractions);
    toll_strings_free(&rows->numbers);
    toll_strings_free(&rows->applied);
    free(rows->refs);
    free(rows->ranges);
    free(rows->key);
    memset(rows, 0, sizeof *rows);
}

static const char *copy(struct toll_component_rows *rows, const char *text)
{
    return toll_arena_copy(&rows->arena, text, strlen(text));
}

/* Of many rows that say the same one text. */
static const char *number_once(struct toll_component_rows *rows, const char *text)
{
    const uint32_t id = toll_strings_add(&rows->numbers, text, strlen(text));
    return id == 0 ? NULL : toll_strings_text(&rows->numbers, id, NULL);
}

/* NULL: out of memory; so below. */
static const char *rate_text(struct toll_component_rows *rows, uint32_t series)
{
    const struct toll_tax_series *of = &rows->tables->series[series];
    const bool rate = rows->tables->taxes[of->tax].kind == TOLL_TAX_RATE;
    char text[TOLL_TOTAL_TEXT_BYTES];

    if (of->bracket_count > 1)
        return "brackets";
    if (rows->rates[series] == NULL)
        rows->rates[series] = copy(rows, toll_component_number(rows->tables->brackets[of->bracket_first].rate,
                                                               rate ? 12 : TOLL_MONEY_DECIMALS, text));
    return rows->rates[series];
}

const struct toll_tax_bracket *toll_component_first_row(const struct toll_tax_tables *tables, uint32_t series)
{
    const struct toll_tax_bracket *brackets = &tables->brackets[tables->series[series].bracket_first];
    const struct toll_tax_bracket *first = brackets;
    for (uint32_t i = 1; i < tables->series[series].bracket_count; i++)
        first = brackets[i].line < first->line ? &brackets[i] : first;
    return first;
}

static const char *as_of_text(struct toll_component_rows *rows, uint32_t series)
{
    const int32_t day = toll_component_first_row(rows->tables, series)->as_of;
    char text[TOLL_TIME_TEXT_BYTES];

    if (day == TOLL_TAX_DAY_MIN)
        return "";
    if (rows->as_of[series] == NULL) {
        toll_day_format(day, text);
        rows->as_of[series] = copy(rows, text);
    }
    return rows->as_of[series];
}

static const char *number_text(struct toll_component_rows *rows, const struct toll_rational *value)
{
    char text[TOLL_RATIONAL_TEXT_BYTES];

    if (toll_rational_is_zero(value))
        return "0";
    toll_rational_text(value, text);
    return strcmp(text, "1") == 0 ? "1" : number_once(rows, text);
}

static const char *exempt_text(struct toll_component_rows *rows, const struct toll_tax_component *component)
{
    char text[TOLL_TOTAL_TEXT_BYTES];

    if (component->exempt == 0)
        return "0";
    if (component->exempt == TOLL_TAX_PERCENT_ONE)
        return "100";
    return number_once(rows, toll_component_number(component->exempt, 6, text));
}

static const char *taxed_text(struct toll_component_rows *rows, const struct toll_tax_component *component,
                              const struct toll_component_row *row)
{
    if (component->term_count > 0)
        return ""; /* late, by what it stands on */
    if (component->base->p_count == component->taxed_per_charge->p_count &&
        toll_rational_compare(component->base, component->taxed_per_charge) == 0)
        return row->base;
    return number_text(rows, component->taxed_per_charge);
}

static bool describe(struct toll_component_rows *rows, int32_t tuple,
                     const struct toll_tax_component *component, struct toll_component_row *row)
{
    const struct toll_tax_tables *tables = rows->tables;
    const struct toll_tax *tax = &tables->taxes[component->tax];
    const struct toll_tax_jurisdiction *jurisdiction = &tables->jurisdictions[component->jurisdiction];
    const struct toll_tax_bracket *bracket = toll_component_first_row(tables, component->series);

    *row = (struct toll_component_row){
        .tuple = tuple,
        .tax = toll_tax_string(tables, tax->tax),
        .tax_jurisdiction = toll_tax_string(tables, jurisdiction->id),
        .level = toll_tax_level_name(jurisdiction->level),
        .category = toll_tax_string(tables, tax->category),
        .name = toll_tax_string(tables, tax->name),
        .kind = toll_tax_kind_name(tax->kind),
        .billable = tax->billable,
        .surcharge = tax->surcharge,
        .late = component->late,
        .rate = rate_text(rows, component->series),
        .base = number_text(rows, component->base),
        .exempt = exempt_text(rows, component),
        .per_charge = component->late ? "" : number_text(rows, component->per_charge),
        .per_minute = component->late ? "" : number_text(rows, component->per_minute),
        .taxed_per_minute = component->term_count > 0 ? "" : number_text(rows, component->taxed_per_minute),
        .certificate = toll_tax_string(tables, tables->exemptions[component->exemption].certificate),
        .source = toll_tax_string(tables, bracket->source),
        .as_of = as_of_text(rows, component->series),
        .line = (int32_t)bracket->line,
    };
    row->taxed = row->base == NULL ? NULL : taxed_text(rows, component, row);
    return row->rate != NULL && row->exempt != NULL && row->per_charge != NULL && row->per_minute != NULL &&
           row->as_of != NULL && row->taxed != NULL && row->taxed_per_minute != NULL;
}

static bool make_room(struct toll_component_rows *rows, uint32_t more)
{
    if (rows->count + more <= rows->room)
        return true;
    int64_t room = rows->room == 0 ? 1024 : rows->room * 2;
    room = room < rows->count + more ? rows->count + more : room;
    struct toll_component_ref *refs = realloc(rows->refs, (size_t)room * sizeof *refs);
    if (refs == NULL)
        return false;
    rows->refs = refs;
    rows->room = room;
    return true;
}

static bool make_row_room(struct toll_component_rows *rows, uint32_t more)
{
    const uint64_t needed = (uint64_t)rows->row_count + more;
    if (needed <= rows->row_room)
        return true;
    uint64_t room = rows->row_room == 0 ? 256 : 2 * (uint64_t)rows->row_room;
    room = room < needed ? needed : room;
    struct toll_component_row *bigger =
        room > UINT32_MAX ? NULL : realloc(rows->rows, (size_t)room * sizeof *bigger);
    if (bigger == NULL)
        return false;
    rows->rows = bigger;
    rows->row_room = (uint32_t)room;
    return true;
}

/* ---- what tuples before this one had ---- */

/* What decides all that is worked out of a component: what toll_tax_apply finds. */
struct applied {
    uint32_t series, exemption;
    int32_t tax, jurisdiction, exempt, resale;
    int64_t share;
    uint32_t negative, p_count, q_count, unused; /* of the base; its words follow */
};
_Static_assert(sizeof(struct applied) == 48, "no padding");

static size_t base_bytes(const struct toll_tax_component *component)
{
    return ((size_t)component->base->p_count + component->base->q_count) * sizeof *component->base->word;
}

/* The id of the list: beyond all before if it is new; 0: out of memory. */
static uint32_t find_applied(struct toll_component_rows *rows, const struct toll_tax_list *list)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < list->count; i++)
        bytes += sizeof(struct applied) + base_bytes(&list->components[i]);
    if (bytes > rows->key_room) {
        char *key = realloc(rows->key, 2 * bytes);
        if (key == NULL)
            return 0;
        rows->key = key;
        rows->key_room = 2 * bytes;
    }
    char *at = rows->key;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct toll_tax_component *component = &list->components[i];
        const struct applied applied = {
            .series = component->series,
            .exemption = component->exemption,
            .tax = component->tax,
            .jurisdiction = component->jurisdiction,
            .exempt = component->exempt,
            .resale = component->resale,
            .share = component->share,
            .negative = component->base->negative,
            .p_count = component->base->p_count,
            .q_count = component->base->q_count,
        };
        memcpy(at, &applied, sizeof applied);
        memcpy(at + sizeof applied, component->base->word, base_bytes(component));
        at += sizeof applied + base_bytes(component);
    }
    return toll_strings_add(&rows->applied, rows->key, bytes);
}

static bool keep_range(struct toll_component_rows *rows, uint32_t id, struct toll_component_range range)
{
    if (id >= rows->range_room) {
        const size_t room = rows->range_room == 0 ? 256 : 2 * rows->range_room;
        struct toll_component_range *ranges = realloc(rows->ranges, room * sizeof *ranges);
        if (ranges == NULL)
            return false;
        rows->ranges = ranges;
        rows->range_room = room;
    }
    rows->ranges[id] = range;
    return true;
}

static int add_new(struct toll_component_rows *rows, int32_t tuple, uint32_t id, struct toll_tax_list *list,
                   struct toll_error *error)
{
    const struct toll_component_range range = {rows->row_count, list->count};
    int rc = toll_tax_solve(rows->index->tables, &rows->fractions, list, error);
    if (rc == 0 && (!make_row_room(rows, list->count) || !keep_range(rows, id, range)))
        rc = no_memory(error);
    for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
        if (describe(rows, tuple, &list->components[i], &rows->rows[rows->row_count]))
            rows->row_count++;
        else
            rc = no_memory(error);
    }
    return rc;
}

static void add_range(struct toll_component_rows *rows, int32_t tuple, struct toll_component_range range)
{
    struct toll_component_ref *ref = &rows->refs[rows->count];
    for (uint32_t i = 0; i < range.count; i++)
        ref[i] = (struct toll_component_ref){tuple, range.first + i};
    rows->count += range.count;
}

void toll_component_rows_copy(const struct toll_component_rows *rows, int64_t first, int64_t count,
                              struct toll_component_row *out)
{
    for (int64_t i = first; i < first + count; i++, out++) {
        *out = rows->rows[rows->refs[i].row];
        out->tuple = rows->refs[i].tuple;
    }
}

int toll_component_rows_add(struct toll_component_rows *rows, int32_t tuple,
                            const struct toll_tax_facts *facts, enum toll_tax_reason *reason,
                            struct toll_error *error)
{
    struct toll_tax_list list;

    toll_arena_clear(&rows->fractions); /* the rows have them as texts */
    const int rc = toll_tax_apply(rows->index, facts, &rows->fractions, &list, error);
    *reason = rc == 0 ? list.reason : TOLL_TAX_TAXED;
    if (rc != 0 || list.count == 0)
        return rc;
    const uint32_t known = rows->applied.count, id = find_applied(rows, &list);
    if (id == 0 || !make_room(rows, list.count))
        return no_memory(error);
    const int made = id > known ? add_new(rows, tuple, id, &list, error) : 0;
    if (made == 0)
        add_range(rows, tuple, rows->ranges[id]);
    return made;
}
