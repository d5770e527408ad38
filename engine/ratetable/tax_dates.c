/*
 * Overlaps and gaps of the series of a tax. Two series conflict when a line could have both: they share a
 * jurisdiction (or a level, with none named), a tax service, a class, a sale and a day. They are walked in
 * the order of their first days; for each tax, place, service and class the latest end so far is kept, so
 * that a hundred thousand rows cost no square.
 */
#include "ratetable/tax_rows.h"

#include <stdlib.h>

/* In place of a service or class in a key. */
#define FOR_ALL 0u        /* a series that is for all */
#define OF_ANY UINT32_MAX /* any series at all */

/* The latest end so far and its series, by sale: retail, resale. */
struct latest {
    int32_t until[2];
    uint32_t series[2];
};

struct sweep {
    struct toll_tax_rows *rows;
    const struct toll_tax_series *series;
    struct toll_strings keys;
    struct toll_buffer ends;              /* struct latest by id of keys - 1 */
    struct toll_buffer services, classes; /* of the series in hand */
};

static uint32_t line_of(const struct sweep *sweep, uint32_t series)
{
    const struct toll_tax_bracket *brackets = sweep->rows->build->sections[TOLL_SECTION_TAX_BRACKETS].data;

    return brackets[sweep->series[series].bracket_first].line;
}

/* A row of the series: that of its first bracket. */
static const struct toll_tax_row *row_of(const struct sweep *sweep, uint32_t series)
{
    const uint32_t *first = sweep->rows->series.data, *members = sweep->rows->members.data;

    return TOLL_BUFFER_AT(&sweep->rows->rows, struct toll_tax_row, members[first[series + 1]]);
}

static void key_of(const struct toll_tax_series *series, uint32_t service, uint32_t class_, uint32_t key[5])
{
    key[0] = (uint32_t)series->tax;
    key[1] = (uint32_t)series->jurisdiction;
    key[2] = series->jurisdiction > 0 ? 0 : (uint32_t)series->level;
    key[3] = service;
    key[4] = class_;
}

/* The elements of a series' list, and what stands for the rest: to look for, or to be found under. */
static bool elements(struct toll_buffer *out, const uint32_t *list, uint32_t count, bool look)
{
    uint32_t *at;

    out->count = 0;
    if (count == 0 && look) {
        at = toll_buffer_add(out, sizeof(*at), 1);
        if (at != NULL)
            at[0] = OF_ANY;
        return at != NULL;
    }
    at = toll_buffer_add(out, sizeof(*at), (size_t)count + 2);
    if (at == NULL)
        return false;
    if (count > 0)
        memcpy(at, list, count * sizeof(*at));
    out->count = count;
    if (look || count == 0)
        at[out->count++] = FOR_ALL;
    if (!look)
        at[out->count++] = OF_ANY;
    return true;
}

static void report_overlap(const struct sweep *sweep, uint32_t a, uint32_t b)
{
    const struct toll_tax_row *one = row_of(sweep, a), *other = row_of(sweep, b);
    const struct toll_tax_row *later = one->line > other->line ? one : other;

    toll_tax_row_finding(
        sweep->rows, later, -1,
        "overlap: line %u is of the same tax for the same jurisdiction, and some line could "
        "have both on the same day; give the one an end, or make them differ in tax services, "
        "classes or sale",
        later == one ? other->line : one->line);
}

/* False: out of memory. */
static bool visit(struct sweep *sweep, uint32_t index, bool look, bool *found)
{
    const struct toll_tax_series *own = &sweep->series[index];
    const struct toll_buffer *sections = sweep->rows->build->sections;
    const uint32_t *ids = sections[TOLL_SECTION_TAX_IDS].data, *texts = sections[TOLL_SECTION_TAX_TEXTS].data;
    const bool sales[2] = {own->sale != TOLL_TAX_RESALE, own->sale != TOLL_TAX_RETAIL};

    if (!elements(&sweep->services, own->service_count > 0 ? ids + own->service_first : NULL,
                  own->service_count, look) ||
        !elements(&sweep->classes, own->class_count > 0 ? texts + own->class_first : NULL, own->class_count,
                  look))
        return false;
    for (size_t s = 0; s < sweep->services.count; s++) {
        for (size_t c = 0; c < sweep->classes.count && !*found; c++) {
            uint32_t key[5], id;
            struct latest *end;
            key_of(own, *TOLL_BUFFER_AT(&sweep->services, uint32_t, s),
                   *TOLL_BUFFER_AT(&sweep->classes, uint32_t, c), key);
            if (look) {
                id = toll_strings_find(&sweep->keys, (const char *)key, sizeof(key));
                end = id > 0 ? TOLL_BUFFER_AT(&sweep->ends, struct latest, id - 1) : NULL;
                for (int sale = 0; sale < 2 && end != NULL && !*found; sale++) {
                    if (sales[sale] && end->until[sale] > own->from) {
                        report_overlap(sweep, end->series[sale], index);
                        *found = true;
                    }
                }
                continue;
            }
            id = toll_strings_add(&sweep->keys, (const char *)key, sizeof(key));
            if (id == 0)
                return false;
            if (id > sweep->ends.count) {
                end = TOLL_BUFFER_ADD(&sweep->ends, struct latest);
                if (end == NULL)
                    return false;
                end->until[0] = end->until[1] = TOLL_TAX_DAY_MIN;
            }
            end = TOLL_BUFFER_AT(&sweep->ends, struct latest, id - 1);
            for (int sale = 0; sale < 2; sale++) {
                if (sales[sale] && own->until > end->until[sale]) {
                    end->until[sale] = own->until;
                    end->series[sale] = index;
                }
            }
        }
    }
    return true;
}

/* -- order -- */

struct ordered {
    struct toll_tax_series key;
    uint32_t index;
};

static int compare_time(const void *left, const void *right)
{
    const struct ordered *a = left, *b = right;

    if (a->key.from != b->key.from)
        return a->key.from < b->key.from ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Equal lists are stored once. */
static int compare_kind(const struct ordered *a, const struct ordered *b)
{
    const int64_t one[] = {a->key.tax,           a->key.jurisdiction,  a->key.level,
                           a->key.service_first, a->key.service_count, a->key.class_first,
                           a->key.class_count,   a->key.sale};
    const int64_t other[] = {b->key.tax,           b->key.jurisdiction,  b->key.level,
                             b->key.service_first, b->key.service_count, b->key.class_first,
                             b->key.class_count,   b->key.sale};

    for (size_t i = 0; i < sizeof(one) / sizeof(one[0]); i++) {
        if (one[i] != other[i])
            return one[i] < other[i] ? -1 : 1;
    }
    return 0;
}

static int compare_kind_time(const void *left, const void *right)
{
    const int order = compare_kind(left, right);

    return order != 0 ? order : compare_time(left, right);
}

static void check_gaps(const struct sweep *sweep, struct ordered *order, uint32_t count)
{
    struct toll_tax_series *series = sweep->rows->build->sections[TOLL_SECTION_TAX_SERIES].data;
    char until[TOLL_TIME_TEXT_BYTES], from[TOLL_TIME_TEXT_BYTES];

    qsort(order, count, sizeof(*order), compare_kind_time);
    for (uint32_t i = 1; i < count; i++) {
        if (compare_kind(&order[i - 1], &order[i]) != 0)
            continue;
        series[order[i - 1].index].followed = 1;
        if (order[i - 1].key.until >= order[i].key.from)
            continue;
        toll_day_format(order[i - 1].key.until, until);
        toll_day_format(order[i].key.from, from);
        toll_tax_row_finding(
            sweep->rows, row_of(sweep, order[i].index), -1,
            "gap: line %u ends with %s and this row begins with %s: nothing says what is due "
            "between; let them meet, or write a row with rate 0 for it",
            line_of(sweep, order[i - 1].index), until, from);
    }
}

int toll_tax_check_dates(struct toll_tax_rows *rows)
{
    const struct toll_buffer *series = &rows->build->sections[TOLL_SECTION_TAX_SERIES];
    struct sweep sweep = {.rows = rows, .series = series->data};
    const uint32_t count = (uint32_t)series->count;
    struct ordered *order = calloc((size_t)count + 1, sizeof(*order));
    bool good = order != NULL;

    for (uint32_t i = 0; i < count && good; i++)
        order[i] = (struct ordered){sweep.series[i], i};
    if (good)
        qsort(order, count, sizeof(*order), compare_time);
    for (uint32_t i = 0; i < count && good; i++) {
        bool found = false;
        good = visit(&sweep, order[i].index, true, &found);
        found = false;
        good = good && visit(&sweep, order[i].index, false, &found);
    }
    if (good)
        check_gaps(&sweep, order, count);
    free(order);
    toll_strings_free(&sweep.keys);
    toll_buffer_free(&sweep.ends);
    toll_buffer_free(&sweep.services);
    toll_buffer_free(&sweep.classes);
    return good ? 0 : toll_build_memory(rows->build);
}
