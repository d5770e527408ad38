/*
 * From a deck's rows to what is looked up: rows of one key are brought together, cut to the time in which
 * their version is in force, checked against each other, and become one value: a price id where it is one row
 * for ever, else an entry. Keys go in by length, so that every entry knows the value of the next shorter
 * prefix; pairs have zones for that (deck_pairs.c).
 */
#include "base/check.h"
#include "base/digits.h"
#include "ratetable/decks.h"
#include "ratetable/lpm.h"
#include "ratetable/prefix_cell.h"
#include "ratetable/prices.h"
#include "ratetable/sort.h"

#include <stdlib.h>

#define AHEAD 12 /* groups; their rows lie as the file has them */

/* One key: pairs[first..first+count). */
struct group {
    uint64_t key;
    uint32_t first, count;
};

/* A span that was sought before, by its band. */
#define KNOWN_SPANS 8u
struct known_span {
    bool known;
    uint32_t place;
    struct toll_entry_span span;
};

struct maker {
    struct toll_build *build;
    struct toll_deck *deck;
    struct toll_deck_rows *rows;
    struct toll_sort_pair *pairs; /* rows by (key, version, line) */
    struct group *groups;         /* by digits count, then key */
    size_t group_count;
    struct toll_buffer cut;   /* struct toll_deck_row: the current group's rows that are ever in force */
    struct toll_buffer whole; /* the current group's rows as their files say */
    struct known_span spans[KNOWN_SPANS];
};

static int out_of_memory(struct maker *maker)
{
    return toll_build_memory(maker->build);
}

static const struct toll_deck_row *row_at(const struct maker *maker, size_t pair)
{
    return TOLL_BUFFER_AT(&maker->rows->rows, struct toll_deck_row, maker->pairs[pair].index);
}

static unsigned length_of(const struct maker *maker, uint64_t key)
{
    if (maker->deck->key == TOLL_KEY_NPANXX_PAIR)
        return 1;
    if (key == TOLL_PREFIX_EVERYTHING)
        return 0;
    return maker->deck->key == TOLL_KEY_CALLTYPE ? 1 : toll_digits_count(key);
}

/* Sorts the rows by key and finds the groups, shortest keys first. */
static bool make_groups(struct maker *maker)
{
    const size_t count = maker->rows->rows.count;
    size_t starts[TOLL_DIGITS_MAX + 2] = {0};
    struct group *groups;

    maker->pairs = malloc((count + 1) * sizeof(*maker->pairs));
    groups = malloc((count + 1) * sizeof(*groups));
    maker->groups = malloc((count + 1) * sizeof(*groups));
    if (maker->pairs == NULL || groups == NULL || maker->groups == NULL) {
        free(groups);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct toll_deck_row *row = TOLL_BUFFER_AT(&maker->rows->rows, struct toll_deck_row, i);
        maker->pairs[i] = (struct toll_sort_pair){.key = row->key, .index = (uint32_t)i};
    }
    if (!toll_sort_pairs(maker->pairs, count)) {
        free(groups);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || maker->pairs[i].key != maker->pairs[i - 1].key) {
            groups[maker->group_count++] = (struct group){maker->pairs[i].key, (uint32_t)i, 0};
            starts[length_of(maker, maker->pairs[i].key) + 1]++;
        }
        groups[maker->group_count - 1].count++;
    }
    for (size_t i = 1; i < sizeof(starts) / sizeof(starts[0]); i++)
        starts[i] += starts[i - 1];
    for (size_t i = 0; i < maker->group_count; i++)
        maker->groups[starts[length_of(maker, groups[i].key)]++] = groups[i];
    free(groups);
    return true;
}

/* Cuts a group's rows: a row lasts until the next full version, or the next version that has its key. */
static bool cut_rows(struct maker *maker, const struct group *group)
{
    toll_ms until = TOLL_MS_MAX;
    size_t end = group->first + group->count;

    maker->cut.count = 0;
    while (end > group->first) {
        const uint32_t version_index = row_at(maker, end - 1)->version;
        const struct toll_deck_version *version = &maker->rows->versions[version_index];
        const toll_ms limit = until < version->full_until ? until : version->full_until;
        size_t first = end;
        for (; first > group->first && row_at(maker, first - 1)->version == version_index; first--) {
            struct toll_deck_row row = *row_at(maker, first - 1), *place;
            row.from = row.from > version->effective ? row.from : version->effective;
            row.until = row.until < limit ? row.until : limit;
            if (row.from >= row.until)
                continue;
            place = TOLL_BUFFER_ADD(&maker->cut, struct toll_deck_row);
            if (place == NULL)
                return false;
            *place = row;
        }
        until = version->effective;
        end = first;
    }
    return true;
}

static int compare_for_overlap(const void *left, const void *right)
{
    const struct toll_deck_row *a = left, *b = right;

    if (a->band != b->band)
        return a->band < b->band ? -1 : 1;
    if (a->step != b->step)
        return a->step < b->step ? -1 : 1;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->version != b->version)
        return a->version < b->version ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static int compare_stored(const void *left, const void *right)
{
    const struct toll_deck_row *a = left, *b = right;

    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->band != b->band) /* band 0, none, comes last */
        return (uint32_t)a->band - 1 < (uint32_t)b->band - 1 ? -1 : 1;
    return a->step < b->step ? -1 : a->step > b->step;
}

/* Few rows, mostly two, which a call for each comparison would not pay for. Equal rows keep their order. */
static void sort_rows(struct toll_buffer *buffer, int (*compare)(const void *, const void *))
{
    struct toll_deck_row *rows = buffer->data;

    if (buffer->count > 8) {
        qsort(rows, buffer->count, sizeof(*rows), compare);
        return;
    }
    for (size_t i = 1; i < buffer->count; i++) {
        for (size_t k = i; k > 0 && compare(&rows[k - 1], &rows[k]) > 0; k--) {
            const struct toll_deck_row swap = rows[k];
            rows[k] = rows[k - 1];
            rows[k - 1] = swap;
        }
    }
}

const char *toll_deck_key_text(const struct toll_build *build, int32_t price)
{
    return (const char *)build->sections[TOLL_SECTION_STRINGS].data + toll_build_origin(build, price)->key;
}

static void report_overlap(const struct maker *maker, const struct toll_deck_row *a,
                           const struct toll_deck_row *b)
{
    const struct toll_deck_row *later = a->line > b->line ? a : b, *first = later == a ? b : a;
    const struct toll_source *source = maker->rows->versions[later->version].source;

    toll_finding(maker->build->findings, TOLL_ERROR, source->path, later->line, later->column,
                 "the key \"%.60s\" is here for the second time%s%s, in force at the same time; the first is "
                 "in line %u",
                 toll_deck_key_text(maker->build, later->price), later->band > 0 ? " with this band" : "",
                 later->step > 0 ? " with this step_from_s" : "", first->line);
}

static bool same_place(const struct toll_deck_row *a, const struct toll_deck_row *b)
{
    return a->band == b->band && a->step == b->step;
}

static void check_overlaps(struct maker *maker)
{
    struct toll_deck_row *rows = maker->cut.data;
    size_t longest = 0;

    sort_rows(&maker->cut, compare_for_overlap);
    for (size_t i = 1; i < maker->cut.count; i++) {
        const bool same = same_place(&rows[i], &rows[longest]);
        if (same && rows[i].from < rows[longest].until)
            report_overlap(maker, &rows[longest], &rows[i]);
        if (!same || rows[i].until > rows[longest].until)
            longest = i;
    }
}

/* Steps take from their first rows what their cells leave open. */
static int settle_steps(struct maker *maker, const struct group *group)
{
    maker->whole.count = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        struct toll_deck_row *row = TOLL_BUFFER_ADD(&maker->whole, struct toll_deck_row);
        if (row == NULL)
            return out_of_memory(maker);
        *row = *row_at(maker, group->first + i);
    }
    return toll_deck_steps_settle(maker->build, maker->rows, &maker->whole);
}

/* In order of version and line: cut_rows goes backwards. */
static bool keep_in_force(struct maker *maker)
{
    const size_t count = maker->cut.count;
    struct toll_deck_row *rows = toll_buffer_add(&maker->rows->in_force, sizeof(*rows), count);

    for (size_t i = 0; i < count && rows != NULL; i++)
        rows[i] = *TOLL_BUFFER_AT(&maker->cut, struct toll_deck_row, count - 1 - i);
    return rows != NULL;
}

/* A key's only row, of the only version, for ever: most are such. */
static bool is_price(const struct maker *maker, const struct toll_deck_row *row)
{
    const struct toll_deck_version *version = &maker->rows->versions[row->version];

    return row->band == 0 && row->step == 0 && row->from == TOLL_MS_MIN && row->until == TOLL_MS_MAX &&
           version->effective == TOLL_MS_MIN && version->full_until == TOLL_MS_MAX &&
           !maker->rows->keep_in_force;
}

/* How the deck counts its prices. */
static uint32_t price_within(const struct maker *maker, const struct toll_deck_row *row)
{
    return (uint32_t)row->price - maker->deck->price_first + 1;
}

/* The rows that are ever in force. False: out of memory. */
static bool add_entry_rows(struct maker *maker)
{
    const struct toll_deck_row *rows = maker->cut.data;
    struct toll_entry_row *at =
        toll_buffer_add(&maker->build->sections[TOLL_SECTION_ENTRY_ROWS], sizeof(*at), maker->cut.count);

    for (size_t i = 0; i < maker->cut.count && at != NULL; i++) {
        struct known_span *known = &maker->spans[(uint32_t)rows[i].band % KNOWN_SPANS];
        at[i].price = price_within(maker, &rows[i]);
        if (!known->known || known->span.from != rows[i].from || known->span.until != rows[i].until ||
            known->span.band != rows[i].band || known->span.step != rows[i].step) {
            known->span = (struct toll_entry_span){
                .from = rows[i].from, .until = rows[i].until, .band = rows[i].band, .step = rows[i].step};
            known->known =
                toll_distinct_find(&maker->build->spans, &maker->build->sections[TOLL_SECTION_ENTRY_SPANS], 0,
                                   &known->span, sizeof(known->span), &known->place);
            if (!known->known)
                return false;
        }
        at[i].span = known->place;
    }
    return at != NULL;
}

/* The group's value; *entry is its entry's index in the section, or 0. A value of 0: no row is ever in force.
 */
static bool make_value(struct maker *maker, const struct group *group, uint32_t *value, uint32_t *entry)
{
    struct toll_buffer *entries = &maker->build->sections[TOLL_SECTION_ENTRIES];
    const struct toll_buffer *stored = &maker->build->sections[TOLL_SECTION_ENTRY_ROWS];
    const struct toll_deck_row *rows;
    struct toll_entry *place;

    *value = *entry = 0;
    if (group->count == 1 && is_price(maker, row_at(maker, group->first))) {
        *value = price_within(maker, row_at(maker, group->first));
        return true;
    }
    if (maker->rows->steps.count > 0 && settle_steps(maker, group) != 0)
        return false;
    if (!cut_rows(maker, group))
        return false;
    rows = maker->cut.data;
    if (maker->cut.count == 0)
        return true;
    if (maker->rows->keep_in_force && !keep_in_force(maker))
        return false;
    if (maker->cut.count == 1 && rows->from == TOLL_MS_MIN && rows->until == TOLL_MS_MAX && rows->band == 0 &&
        rows->step == 0) {
        *value = price_within(maker, rows);
        return true;
    }
    if (maker->cut.count > 1) {
        check_overlaps(maker);
        sort_rows(&maker->cut, compare_stored);
    }
    place = TOLL_BUFFER_ADD(entries, struct toll_entry);
    if (place == NULL)
        return false;
    *entry = (uint32_t)entries->count - 1;
    place->first = (uint32_t)stored->count - maker->deck->row_first;
    place->count = (uint32_t)maker->cut.count;
    place->walk_per =
        toll_deck_walk_per(maker->build, maker->rows, maker->deck->split, rows, maker->cut.count);
    if (!add_entry_rows(maker))
        return false;
    *value = TOLL_LPM_ENTRY | (*entry - maker->deck->entry_first);
    return true;
}

static void set_shorter(struct maker *maker, uint32_t entry, uint32_t shorter)
{
    if (entry > 0)
        TOLL_BUFFER_AT(&maker->build->sections[TOLL_SECTION_ENTRIES], struct toll_entry, entry)->shorter =
            shorter;
}

static int make_trie(struct maker *maker)
{
    struct toll_lpm_builder builder;
    bool good = toll_lpm_begin(&builder);

    for (size_t i = 0; i < maker->group_count && good; i++) {
        const struct group *group = &maker->groups[i];
        uint32_t value, entry, shorter;
        if (i + AHEAD < maker->group_count)
            __builtin_prefetch(row_at(maker, maker->groups[i + AHEAD].first));
        good = make_value(maker, group, &value, &entry);
        if (!good || value == 0)
            continue;
        good = toll_lpm_insert(&builder, group->key, length_of(maker, group->key), value, &shorter);
        if (good)
            set_shorter(maker, entry, shorter);
    }
    good =
        good && toll_lpm_finish(&builder, &maker->build->sections[TOLL_SECTION_LPM_WORDS], &maker->deck->lpm);
    toll_lpm_end(&builder);
    return good ? 0 : out_of_memory(maker);
}

struct named_key {
    const char *text;
    struct toll_calltype_key key;
};

static int compare_keys(const void *left, const void *right)
{
    const struct named_key *a = left, *b = right;

    return strcmp(a->text, b->text);
}

static int make_calltypes(struct maker *maker)
{
    struct toll_buffer *keys = &maker->build->sections[TOLL_SECTION_CALLTYPE_KEYS];
    struct toll_buffer found = {0};
    int code = 0;

    maker->deck->calltype_first = (uint32_t)keys->count;
    for (size_t i = 0; i < maker->group_count && code == 0; i++) {
        const struct group *group = &maker->groups[i];
        struct named_key *place;
        uint32_t value, entry;
        if (!make_value(maker, group, &value, &entry))
            code = out_of_memory(maker);
        if (code != 0 || value == 0)
            continue;
        if (group->key == TOLL_PREFIX_EVERYTHING) { /* of length 0: the first group */
            maker->deck->calltype_everything = value;
            continue;
        }
        set_shorter(maker, entry, maker->deck->calltype_everything);
        place = TOLL_BUFFER_ADD(&found, struct named_key);
        if (place == NULL) {
            code = out_of_memory(maker);
            continue;
        }
        size_t bytes;
        place->text = toll_strings_text(&maker->rows->calltypes, (uint32_t)group->key, &bytes);
        place->key.value = value;
        if (!toll_build_text(maker->build, place->text, bytes, &place->key.text))
            code = out_of_memory(maker);
    }
    if (code == 0 && found.count > 0) {
        struct toll_calltype_key *at = toll_buffer_add(keys, sizeof(*at), found.count);
        qsort(found.data, found.count, sizeof(struct named_key), compare_keys);
        for (size_t i = 0; i < found.count && at != NULL; i++)
            at[i] = TOLL_BUFFER_AT(&found, struct named_key, i)->key;
        maker->deck->calltype_count = (uint32_t)found.count;
        code = at == NULL ? out_of_memory(maker) : 0;
    }
    toll_buffer_free(&found);
    return code;
}

/* The pairs' values; an entry of a pair has no shorter one. */
static int make_pairs(struct maker *maker)
{
    struct toll_deck_value *values = calloc(maker->group_count + 1, sizeof(*values));
    size_t count = 0;
    int code = values == NULL ? out_of_memory(maker) : 0;

    for (size_t i = 0; i < maker->group_count && code == 0; i++) {
        uint32_t value, entry;
        if (!make_value(maker, &maker->groups[i], &value, &entry))
            code = out_of_memory(maker);
        else if (value != 0)
            values[count++] = (struct toll_deck_value){.key = maker->groups[i].key, .value = value};
    }
    if (code == 0)
        code = toll_deck_pairs_make(maker->build, maker->deck, maker->rows, values, count);
    free(values);
    return code;
}

int toll_deck_entries_make(struct toll_build *build, struct toll_deck *deck, struct toll_deck_rows *rows)
{
    struct maker maker = {.build = build, .deck = deck, .rows = rows};
    int code;

    if (!make_groups(&maker))
        code = out_of_memory(&maker);
    else if (deck->key == TOLL_KEY_CALLTYPE)
        code = make_calltypes(&maker);
    else
        code = deck->key == TOLL_KEY_NPANXX_PAIR ? make_pairs(&maker) : make_trie(&maker);
    free(maker.pairs);
    free(maker.groups);
    toll_buffer_free(&maker.cut);
    toll_buffer_free(&maker.whole);
    return code;
}
