/* tuples.arrow: the tuples that lines have, in words that last. */
#include "pipeline/rate.h"
#include "pipeline/tuples.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writing {
    const struct toll_tuples *tuples;
    struct toll_arena arena;
    const char **split_texts; /* by split; NULL: not needed yet */
    const char **exemptions;  /* by profile */
    struct toll_tuple_row *rows;
    int64_t count, room;
    bool no_memory;
};

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the tuples of a run");
}

/* ---- texts ---- */

static const char *copy(struct writing *writing, const char *text, size_t bytes)
{
    const char *copied = toll_arena_copy(&writing->arena, text, bytes);
    writing->no_memory |= copied == NULL;
    return copied;
}

static const char *day_text(struct writing *writing, int32_t day)
{
    char text[TOLL_TIME_TEXT_BYTES];
    return copy(writing, text, toll_day_format(day, text));
}

static const char *split_text(struct writing *writing, uint32_t split)
{
    const struct toll_tax_tables *tax = &writing->tuples->book->tax;
    if (writing->split_texts[split] != NULL)
        return writing->split_texts[split];
    for (size_t room = 256;; room *= 4) {
        char *text = malloc(room);
        writing->no_memory |= text == NULL;
        if (text == NULL)
            return "";
        const bool fits = toll_tax_split_text(tax, split, text, room);
        if (fits)
            writing->split_texts[split] = copy(writing, text, strlen(text));
        free(text);
        if (fits)
            return writing->split_texts[split];
    }
}

/* Lines of exemptions.csv: "3;17". */
static const char *exemption_text(struct writing *writing, uint32_t profile)
{
    const struct toll_tuples *tuples = writing->tuples;
    const struct toll_tuple_profile *of = &tuples->profiles[profile];
    if (writing->exemptions[profile] != NULL)
        return writing->exemptions[profile];
    char *text = malloc((size_t)of->exemption_count * 12 + 1);
    size_t bytes = 0;
    writing->no_memory |= text == NULL;
    if (text == NULL)
        return "";
    for (uint32_t i = 0; i < of->exemption_count; i++) {
        const uint32_t row = tuples->exemptions[of->exemption_first + i];
        bytes +=
            (size_t)sprintf(text + bytes, "%s%u", i == 0 ? "" : ";", tuples->book->tax.exemptions[row].line);
    }
    writing->exemptions[profile] = copy(writing, text, bytes);
    free(text);
    return writing->exemptions[profile];
}

/* ---- rows ---- */

static enum toll_tax_reason reason_of(const struct toll_tuple_facts *facts)
{
    return facts->profile.resolved == TOLL_PLACE_NONE ? TOLL_TAX_NO_SITE
           : facts->profile.area == 0                 ? TOLL_TAX_NO_AREA
           : facts->kind.split == 0                   ? TOLL_TAX_NO_TAX_SERVICE
                                                      : TOLL_TAX_TAXED;
}

static void describe(struct writing *writing, int32_t id, struct toll_tuple_row *row)
{
    const struct toll_tuples *tuples = writing->tuples;
    const struct toll_book *book = tuples->book;
    const struct toll_tax_tables *tax = &book->tax;
    const uint32_t profile = ((uint32_t)id - 1) / (tuples->kind_count * tuples->span_most);
    struct toll_tuple_facts facts;
    toll_tuple_facts(tuples, id, &facts);
    *row = (struct toll_tuple_row){
        .id = id,
        .period = day_text(writing, facts.period),
        .from = day_text(writing, facts.day),
        .area = facts.profile.area == 0 ? "" : toll_tax_string(tax, tax->areas[facts.profile.area].area),
        .resolved = toll_tax_place_name(facts.profile.resolved),
        .reason = toll_tax_reason_name(reason_of(&facts)),
        .tax_services = split_text(writing, facts.kind.split),
        .split_line = (int32_t)tax->splits[facts.kind.split].line,
        .service = toll_service_name(facts.kind.service),
        .jurisdiction = toll_call_jurisdiction_name(facts.kind.jurisdiction),
        .customer_class = toll_book_string(book, facts.profile.customer_class),
        .sale = facts.profile.resale ? "resale" : "retail",
        .seller = toll_book_string(book, facts.profile.seller),
        .exemptions = exemption_text(writing, profile),
        .origin = "",
        .two_of_three = "",
    };
}

/* A bit for each id that some line has; NULL: out of memory. */
static uint64_t *ids_seen(const struct toll_tuples *tuples, const struct toll_tally *tally)
{
    const struct toll_book *book = tuples->book;
    const size_t ids = (size_t)tuples->profile_count * tuples->kind_count * tuples->span_most + 1;
    uint64_t *seen = calloc(ids / 64 + 1, sizeof *seen);
    for (uint32_t plane = 1; seen != NULL && plane < tally->tuples.plane_count; plane++) {
        const struct toll_tally_bucket *buckets = tally->buckets + (size_t)plane * book->bucket_count;
        for (uint32_t i = 1; i < book->bucket_count; i++) {
            const uint32_t id = tuples->buckets[i].first + tally->tuples.keys[plane];
            if (buckets[i].rows != 0)
                seen[id >> 6] |= UINT64_C(1) << (id & 63);
        }
    }
    return seen;
}

static bool add_row(struct writing *writing, int32_t id)
{
    if (writing->count == writing->room) {
        const int64_t more = writing->room == 0 ? 1024 : writing->room * 2;
        struct toll_tuple_row *rows = realloc(writing->rows, (size_t)more * sizeof *rows);
        if (rows == NULL)
            return false;
        writing->rows = rows;
        writing->room = more;
    }
    describe(writing, id, &writing->rows[writing->count++]);
    return !writing->no_memory;
}

static bool list_rows(struct writing *writing, const struct toll_tally *tally)
{
    const struct toll_tuples *tuples = writing->tuples;
    const size_t ids = (size_t)tuples->profile_count * tuples->kind_count * tuples->span_most + 1;
    uint64_t *seen = ids_seen(tuples, tally);
    bool good = seen != NULL;
    for (size_t word = 0; good && word <= ids / 64; word++)
        for (uint64_t left = seen[word]; good && left != 0; left &= left - 1)
            good = add_row(writing, (int32_t)(word * 64 + (unsigned)__builtin_ctzll(left)));
    free(seen);
    return good;
}

/* ---- with those of an earlier run ---- */

static bool put_behind(struct writing *writing, const struct toll_merge *merge)
{
    const struct toll_run_tables *old = &merge->old.tables;
    const size_t own = merge->book_count - 1;
    struct toll_tuple_row *rows =
        realloc(writing->rows, (size_t)(old->tuple_count + writing->count + 1) * sizeof *rows);
    if (rows == NULL)
        return false;
    writing->rows = rows;
    memmove(rows + old->tuple_count, rows, (size_t)writing->count * sizeof *rows);
    if (old->tuple_count > 0)
        memcpy(rows, old->tuples, (size_t)old->tuple_count * sizeof *rows);
    writing->count += old->tuple_count;
    for (int64_t i = old->tuple_count; i < writing->count; i++) {
        rows[i].id += merge->books[own].tuple_shift;
        rows[i].book = (int32_t)own;
    }
    return true;
}

int toll_run_write_tuples(struct toll_run_writer *writer, const struct toll_tuples *tuples,
                          const struct toll_tally *tally, const struct toll_merge *merge,
                          struct toll_error *error)
{
    struct writing writing = {.tuples = tuples};
    if (tuples == NULL && (merge == NULL || merge->old.tables.tuples == NULL))
        return 0;
    bool good = true;
    if (tuples != NULL) {
        writing.split_texts = calloc((size_t)tuples->book->tax.split_count + 1, sizeof *writing.split_texts);
        writing.exemptions = calloc((size_t)tuples->profile_count + 1, sizeof *writing.exemptions);
        good = writing.split_texts != NULL && writing.exemptions != NULL && list_rows(&writing, tally);
    }
    if (good && merge != NULL)
        good = put_behind(&writing, merge);
    int rc = good ? toll_run_add_tuples(writer, writing.rows, writing.count, error) : no_memory(error);
    if (rc == 0)
        rc = toll_run_add_components(writer, merge == NULL ? NULL : merge->old.tables.components,
                                     merge == NULL ? 0 : merge->old.tables.component_count, error);
    free(writing.rows);
    free(writing.split_texts);
    free(writing.exemptions);
    toll_arena_free(&writing.arena);
    return rc;
}
