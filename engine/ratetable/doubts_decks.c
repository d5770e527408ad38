/* The doubts of one deck: its rows' amounts, dates and bands, and prefixes that cost far more than what they
 * lie in. Its versions are in doubts_versions.c. */
#include "base/digits.h"
#include "ratetable/doubts.h"
#include "ratetable/prefix_cell.h"
#include "ratetable/prices.h"
#include "ratetable/sort.h"

#include <stdio.h>

#define TIMES_PARENT 10
#define SIX_DECIMALS 100 /* in 1e-8 */

struct checker {
    struct toll_build *build;
    const struct toll_deck_build *deck;
    const struct toll_deck_rows *rows;
    const struct toll_deck_row *in_force;
    size_t in_force_count;
    unsigned columns; /* rates of a row */
    struct toll_buffer bands, edges;
    struct toll_band_gaps *gaps;
};

/* The rows of one key that are ever in force. */
struct group {
    const struct toll_deck_row *rows;
    size_t count;
};

static const struct toll_terms *terms_of(const struct checker *checker, int32_t price)
{
    const struct toll_buffer *sections = checker->build->sections;

    return TOLL_BUFFER_AT(&sections[TOLL_SECTION_TERMS], struct toll_terms,
                          *TOLL_BUFFER_AT(&sections[TOLL_SECTION_PRICE_TERMS], uint32_t, price));
}

static const char *path_of(const struct checker *checker, const struct toll_deck_row *row)
{
    return checker->rows->versions[row->version].source->path;
}

static struct group next_group(const struct checker *checker, size_t *at)
{
    struct group group = {checker->in_force + *at, 0};

    do {
        group.count++;
        ++*at;
    } while (*at < checker->in_force_count && checker->in_force[*at].key == group.rows->key);
    return group;
}

/* -- amounts -- */

static int decimals_of(toll_money money)
{
    int decimals = TOLL_MONEY_DECIMALS;

    for (; decimals > 0 && money % 10 == 0; decimals--)
        money /= 10;
    return decimals;
}

static void check_amounts(const struct checker *checker, const struct toll_deck_row *row)
{
    static const char *const columns[] = {"rate", "rate_inter", "rate_intra", "rate_indeterminate"};
    const struct toll_terms *first = terms_of(checker, row->price);
    const struct {
        const char *name;
        toll_money amount;
    } amounts[] = {{"connect_fee", first->connect_fee},
                   {"minimum_charge", first->minimum_charge},
                   {"maximum_charge", first->maximum_charge == INT64_MAX ? 0 : first->maximum_charge}};

    for (int32_t c = 0; c < (int32_t)checker->columns; c++) {
        const struct toll_terms *terms = terms_of(checker, row->price + c);
        if (toll_build_origin_group(checker->build, row->price + c)->column != c)
            continue;
        if (terms->rate % terms->quantum != 0)
            toll_doubt(checker->build, "rate_decimals", path_of(checker, row), row->line, 0,
                       "%s: it has %d decimals, but the deck's charges keep %d; give the deck more decimals "
                       "in decks.csv, or correct the rate",
                       columns[c], decimals_of(terms->rate), terms->decimals);
        else if (terms->rate % SIX_DECIMALS != 0)
            toll_doubt(checker->build, "rate_decimals", path_of(checker, row), row->line, 0,
                       "%s: it has %d decimals, as quotients have; write the rate as it was agreed, and its "
                       "seconds into per_s",
                       columns[c], decimals_of(terms->rate));
    }
    for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
        if (amounts[i].amount % first->quantum != 0)
            toll_doubt(checker->build, "rate_decimals", path_of(checker, row), row->line, 0,
                       "%s: it has %d decimals, but the deck's charges keep %d: it is never charged as "
                       "written",
                       amounts[i].name, decimals_of(amounts[i].amount), first->decimals);
    }
}

/* Each row of the files once, however many keys it has. */
static void check_rows(const struct checker *checker)
{
    const struct toll_deck_row *rows = checker->rows->rows.data;

    for (size_t i = 0; i < checker->rows->rows.count; i++) {
        if (i == 0 || rows[i].line != rows[i - 1].line || rows[i].version != rows[i - 1].version)
            check_amounts(checker, &rows[i]);
    }
}

/* -- dates -- */

static void check_dates(const struct checker *checker, const struct group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct toll_deck_row *row = &group->rows[i], *before = NULL;
        for (size_t k = 0; k < group->count; k++) { /* the last one that ends before it begins */
            const struct toll_deck_row *other = &group->rows[k];
            if (other->band == row->band && other->step == row->step && other->until <= row->from &&
                (before == NULL || other->until > before->until))
                before = other;
        }
        if (before != NULL && toll_is_day_gap(before->until, row->from))
            toll_doubt(checker->build, "one_day_gap", path_of(checker, row), row->line, row->column,
                       "line %u of %s ends a day before this row begins: \"to\" is the first day that no "
                       "longer counts, so the prefix has no row on that day",
                       before->line, checker->rows->versions[before->version].source->name);
    }
}

/* -- bands -- */

static int compare_ms(const void *left, const void *right)
{
    const toll_ms a = *(const toll_ms *)left, b = *(const toll_ms *)right;

    return a < b ? -1 : a > b;
}

static int compare_bands(const void *left, const void *right)
{
    const int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;

    return a < b ? -1 : a > b;
}

/* The bands of a group's rows at an instant, sorted, in checker->bands; *first: the first of the rows, NULL
 * if there is none or one without band, so that there can be no gap. */
static bool bands_at(struct checker *checker, const struct group *group, toll_ms at,
                     const struct toll_deck_row **first)
{
    bool any = false;

    checker->bands.count = 0;
    *first = NULL;
    for (size_t i = 0; i < group->count; i++) {
        const struct toll_deck_row *row = &group->rows[i];
        int32_t *band;
        if (row->step > 0 || row->from > at || row->until <= at)
            continue;
        any = any || row->band == 0;
        *first = *first != NULL ? *first : row;
        band = TOLL_BUFFER_ADD(&checker->bands, int32_t);
        if (band == NULL)
            return false;
        *band = row->band;
    }
    if (checker->bands.count > 1)
        qsort(checker->bands.data, checker->bands.count, sizeof(int32_t), compare_bands);
    *first = any ? NULL : *first;
    return true;
}

static int check_bands(struct checker *checker, const struct group *group)
{
    toll_ms *edges;
    int code = 0;

    if (group->count == 1 && group->rows->band == 0)
        return 0;
    checker->edges.count = 0;
    edges = toll_buffer_add(&checker->edges, sizeof(*edges), 2 * group->count);
    if (edges == NULL)
        return toll_build_memory(checker->build);
    for (size_t i = 0; i < group->count; i++) {
        edges[2 * i] = group->rows[i].from;
        edges[2 * i + 1] = group->rows[i].until;
    }
    qsort(edges, checker->edges.count, sizeof(*edges), compare_ms);
    for (size_t e = 0; e + 1 < checker->edges.count; e++) {
        const bool open = edges[e] == TOLL_MS_MIN || edges[e + 1] == TOLL_MS_MAX;
        const struct toll_deck_row *row;
        const char *gap;
        if (edges[e] == edges[e + 1] || (!open && edges[e + 1] - edges[e] < 7 * TOLL_DAY_MS))
            continue;
        if (!bands_at(checker, group, edges[e], &row))
            return toll_build_memory(checker->build);
        if (row == NULL)
            continue;
        gap = toll_band_gap(checker->gaps, checker->bands.data, checker->bands.count, &code);
        if (code != 0)
            return code;
        if (gap == NULL)
            continue;
        toll_doubt(checker->build, "band_gap", path_of(checker, row), row->line, row->column,
                   "the key \"%.60s\" has no row for %s, and none without band: such calls go to suspense as "
                   "no_band",
                   toll_deck_key_text(checker->build, row->price), gap);
        return 0;
    }
    return 0;
}

/* -- prefixes within prefixes -- */

/* Does a row cost ten times another one of its band, in force with it? */
static bool costs_more(const struct checker *checker, const struct toll_deck_row *row,
                       const struct toll_deck_row *parent, unsigned column)
{
    const struct toll_terms *own = terms_of(checker, row->price + (int32_t)column);
    const struct toll_terms *other = terms_of(checker, parent->price + (int32_t)column);

    return row->band == parent->band && row->step == 0 && parent->step == 0 && row->from < parent->until &&
           parent->from < row->until && own->state == TOLL_PRICE_OK && other->state == TOLL_PRICE_OK &&
           other->rate > 0 &&
           (__int128)own->rate * other->per >= (__int128)other->rate * own->per * TIMES_PARENT;
}

static void check_parent(const struct checker *checker, const struct group *group, const struct group *parent)
{
    for (size_t i = 0; i < group->count; i++) {
        for (size_t k = 0; k < parent->count; k++) {
            const struct toll_deck_row *row = &group->rows[i], *other = &parent->rows[k];
            for (unsigned c = 0; c < checker->columns; c++) {
                char rate[TOLL_TOTAL_TEXT_BYTES], other_rate[TOLL_TOTAL_TEXT_BYTES];
                if (!costs_more(checker, row, other, c))
                    continue;
                toll_money_format(terms_of(checker, row->price + (int32_t)c)->rate, rate);
                toll_money_format(terms_of(checker, other->price + (int32_t)c)->rate, other_rate);
                toll_doubt(checker->build, "ten_times_parent", path_of(checker, row), row->line, row->column,
                           "the prefix \"%s\" costs %s per %d s, ten times what \"%s\" costs, in which it "
                           "lies (%s per %d s, line %u)",
                           toll_deck_key_text(checker->build, row->price), rate,
                           terms_of(checker, row->price + (int32_t)c)->per,
                           toll_deck_key_text(checker->build, other->price), other_rate,
                           terms_of(checker, other->price + (int32_t)c)->per, other->line);
                return;
            }
        }
    }
}

/* Prefixes in the order of a walk: each before those that lie in it. */
static int check_parents(const struct checker *checker)
{
    struct toll_sort_pair *pairs = malloc((checker->in_force_count + 1) * sizeof(*pairs));
    struct group open[TOLL_DIGITS_MAX + 1];
    unsigned depth = 0;
    size_t count = 0;

    if (pairs == NULL)
        return toll_build_memory(checker->build);
    for (size_t at = 0; at < checker->in_force_count;) {
        const size_t first = at;
        const struct group group = next_group(checker, &at);
        const unsigned digits = toll_digits_count(group.rows->key);
        if (group.rows->key != TOLL_PREFIX_EVERYTHING)
            pairs[count++] = (struct toll_sort_pair){
                .key = (group.rows->key & ~(UINT64_MAX >> (4 * digits))) | digits, .index = (uint32_t)first};
    }
    if (!toll_sort_pairs(pairs, count)) {
        free(pairs);
        return toll_build_memory(checker->build);
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = pairs[i].index;
        const struct group group = next_group(checker, &at);
        while (depth > 0 && !toll_digits_has_prefix(group.rows->key, open[depth - 1].rows->key,
                                                    toll_digits_count(open[depth - 1].rows->key)))
            depth--;
        if (depth > 0 && group.count <= TOLL_DOUBT_ROWS_MAX && open[depth - 1].count <= TOLL_DOUBT_ROWS_MAX)
            check_parent(checker, &group, &open[depth - 1]);
        open[depth++] = group;
    }
    free(pairs);
    return 0;
}

int toll_doubts_deck(struct toll_build *build, int32_t deck_id, const struct toll_deck_rows *rows)
{
    struct checker checker = {.build = build,
                              .deck =
                                  TOLL_BUFFER_AT(&build->deck_builds, struct toll_deck_build, deck_id - 1),
                              .rows = rows,
                              .in_force = rows->in_force.data,
                              .in_force_count = rows->in_force.count};
    int code = toll_doubts_versions(build, deck_id, rows);

    checker.columns = checker.deck->by_jurisdiction ? TOLL_RATE_COLUMNS : 1;
    if (code == 0)
        check_rows(&checker);
    if (code == 0 && checker.deck->calendar > 0)
        code = toll_band_gaps_begin(build, checker.deck->calendar, &checker.gaps);
    for (size_t at = 0; at < checker.in_force_count && code == 0;) {
        const struct group group = next_group(&checker, &at);
        if (group.count > TOLL_DOUBT_ROWS_MAX)
            continue;
        if (group.count > 1)
            check_dates(&checker, &group);
        if (checker.gaps != NULL)
            code = check_bands(&checker, &group);
    }
    if (code == 0 && (checker.deck->key == TOLL_KEY_CALLEE || checker.deck->key == TOLL_KEY_CALLER))
        code = check_parents(&checker);
    toll_band_gaps_end(checker.gaps);
    toll_buffer_free(&checker.bands);
    toll_buffer_free(&checker.edges);
    return code;
}
