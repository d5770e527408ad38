/*
 * tuples.arrow: the tuples that lines have, in words that last; with components.arrow, what each is taxed
 * with. Ids are shared out among threads in ranges; the rows of all, one range behind the other, are the
 * tables.
 */
#include "pipeline/component_rows.h"
#include "pipeline/rate.h"
#include "pipeline/tuples.h"

#include "base/error.h"
#include "base/large.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 16
#define RANGES_A_THREAD 3
#define TUPLES_A_THREAD 8 /* threads are only for large runs */
#define MANY_TUPLES 4096
#define DAYS 64 /* texts of days that are kept: a run has few */

struct day_text {
    int32_t day;
    const char *text; /* NULL: none yet */
};

/* What one thread makes. */
struct writing {
    const struct toll_tuples *tuples;
    const uint64_t *seen;        /* bits of ids */
    size_t first, last;          /* words of it that are this one's */
    struct toll_error own_error; /* of a thread */
    struct toll_arena arena;
    struct day_text days[DAYS];
    const char **split_texts; /* by split; NULL: not needed yet */
    const char **exemptions;  /* by profile */
    struct toll_tuple_row *rows;
    int64_t count, room;
    bool bare; /* nobody asks for components */
    struct toll_component_rows components;
    struct toll_component_row *whole; /* of a merged run: the earlier ones, then the own; else NULL */
    int64_t whole_count;
    struct toll_error *error;
    int rc; /* of them */
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
    struct day_text *kept = &writing->days[(uint32_t)day % DAYS];
    if (kept->text == NULL || kept->day != day) {
        char text[TOLL_TIME_TEXT_BYTES];
        *kept = (struct day_text){day, copy(writing, text, toll_day_format(day, text))};
    }
    return kept->text;
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

/* Names of jurisdictions, which are in the order of their ids: "NY;US". */
static const char *set_text(struct writing *writing, const struct toll_tax_set *set)
{
    const struct toll_tax_tables *tax = &writing->tuples->book->tax;
    size_t bytes = 0, at = 0;
    if (set->count == 0)
        return "";
    for (uint32_t i = 0; i < set->count; i++)
        bytes += strlen(toll_tax_string(tax, tax->jurisdictions[set->ids[i]].id)) + 1;
    char *text = malloc(bytes + 1);
    writing->no_memory |= text == NULL;
    if (text == NULL)
        return "";
    text[0] = 0;
    for (uint32_t i = 0; i < set->count; i++)
        at += (size_t)sprintf(text + at, "%s%s", i == 0 ? "" : ";",
                              toll_tax_string(tax, tax->jurisdictions[set->ids[i]].id));
    const char *copied = copy(writing, text, at);
    free(text);
    return copied;
}

/* ---- rows ---- */

/* Adds the components of a tuple with its id; the reason if it has none. */
static enum toll_tax_reason add_components(struct writing *writing, int32_t id,
                                           const struct toll_tuple_facts *facts)
{
    enum toll_tax_reason reason = toll_tuple_reason(facts);
    struct toll_tax_facts tax;
    if (reason != TOLL_TAX_TAXED || writing->bare)
        return reason;
    toll_tuple_tax_facts(writing->tuples->book, facts, &tax);
    writing->rc = toll_component_rows_add(&writing->components, id, &tax, &reason, writing->error);
    return reason;
}

static void describe(struct writing *writing, int32_t id, struct toll_tuple_row *row)
{
    const struct toll_tuples *tuples = writing->tuples;
    const struct toll_book *book = tuples->book;
    const struct toll_tax_tables *tax = &book->tax;
    struct toll_tuple_facts facts;
    toll_tuple_facts(tuples, id, &facts);
    *row = (struct toll_tuple_row){
        .id = id,
        .period = day_text(writing, facts.period),
        .from = day_text(writing, facts.day),
        .area = facts.profile.area == 0 ? "" : toll_tax_string(tax, tax->areas[facts.profile.area].area),
        .resolved = toll_tax_place_name(facts.profile.resolved),
        .reason = toll_tax_reason_name(add_components(writing, id, &facts)),
        .tax_services = split_text(writing, facts.kind.split),
        .split_line = (int32_t)tax->splits[facts.kind.split].line,
        .service = toll_service_name(facts.kind.service),
        .jurisdiction = toll_call_jurisdiction_name(facts.kind.jurisdiction),
        .customer_class = toll_book_string(book, facts.profile.customer_class),
        .sale = facts.profile.resale ? "resale" : "retail",
        .seller = toll_book_string(book, facts.profile.seller),
        .exemptions = exemption_text(writing, facts.index),
        .origin = set_text(writing, &facts.origin),
        .two_of_three = set_text(writing, &facts.two_of_three),
    };
}

/* A bit for each id that some line has; NULL: out of memory. */
static uint64_t *ids_seen(const struct toll_tuples *tuples, const struct toll_tally *tally)
{
    const struct toll_book *book = tuples->book;
    const size_t ids = (size_t)toll_tuples_most(tuples) + 1, slots = toll_tally_slots(tally, book);
    uint64_t *seen = calloc(ids / 64 + 1, sizeof *seen);
    for (size_t slot = book->bucket_count; seen != NULL && slot < slots; slot++) {
        if (tally->buckets[slot].rows == 0 || toll_tally_slot_bucket(tally, book, slot) == 0)
            continue;
        const uint32_t id = (uint32_t)toll_tally_slot_tuple(tally, book, slot);
        seen[id >> 6] |= UINT64_C(1) << (id & 63);
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
    return !writing->no_memory && writing->rc == 0;
}

/* In large pages where there are many. */
static bool make_room(struct writing *writing)
{
    int64_t tuples = 0;
    for (size_t word = writing->first; word < writing->last; word++)
        tuples += __builtin_popcountll(writing->seen[word]);
    if (tuples < MANY_TUPLES)
        return true;
    writing->rows = toll_large_array((size_t)tuples * sizeof *writing->rows);
    writing->room = writing->rows == NULL ? 0 : tuples;
    return writing->rows != NULL;
}

static int write_range(struct writing *writing)
{
    const struct toll_tuples *tuples = writing->tuples;
    const struct toll_tax_tables *tax = &tuples->book->tax;
    const int rc = writing->bare
                       ? 0
                       : toll_component_rows_init(&writing->components, tuples->index, tax, writing->error);
    writing->split_texts = calloc((size_t)tax->split_count + 1, sizeof *writing->split_texts);
    writing->exemptions = calloc((size_t)tuples->profile_count + 1, sizeof *writing->exemptions);
    bool good = rc == 0 && writing->split_texts != NULL && writing->exemptions != NULL && make_room(writing);
    for (size_t word = writing->first; good && word < writing->last; word++)
        for (uint64_t left = writing->seen[word]; good && left != 0; left &= left - 1)
            good = add_row(writing, (int32_t)(word * 64 + (unsigned)__builtin_ctzll(left)));
    if (rc == 0 && writing->rc == 0 && !good)
        writing->rc = no_memory(writing->error);
    return rc != 0 ? rc : writing->rc;
}

/* ---- with those of an earlier run ---- */

static bool put_components(struct writing *writing, const struct toll_run_tables *old, int32_t shift)
{
    const struct toll_component_rows *own = &writing->components;
    const int64_t before = old->component_count;
    writing->whole_count = before + own->count;
    writing->whole = malloc((size_t)(writing->whole_count + 1) * sizeof *writing->whole);
    if (writing->whole == NULL)
        return false;
    if (before > 0)
        memcpy(writing->whole, old->components, (size_t)before * sizeof *writing->whole);
    toll_component_rows_copy(own, 0, own->count, writing->whole + before);
    for (int64_t i = before; i < writing->whole_count; i++)
        writing->whole[i].tuple += shift;
    return true;
}

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
    return put_components(writing, old, merge->books[own].tuple_shift);
}

static void writing_free(struct writing *writing)
{
    free(writing->rows);
    free(writing->split_texts);
    free(writing->exemptions);
    free(writing->whole);
    toll_component_rows_free(&writing->components);
    toll_arena_free(&writing->arena);
}

/* ---- by several threads ---- */

/* More than there are threads, for some get less of the processor than others. */
struct ranges {
    struct writing list[THREADS_MAX * RANGES_A_THREAD];
    unsigned count;
    atomic_uint next; /* that nobody has begun */
};

/* The words of the bits, so that each range has about as many tuples. */
static void share_out(struct ranges *ranges, const struct toll_tuples *tuples, const uint64_t *seen,
                      bool bare, unsigned threads)
{
    const size_t words = ((size_t)toll_tuples_most(tuples) + 1) / 64 + 1;
    uint64_t all = 0, so_far = 0;
    for (size_t word = 0; word < words; word++)
        all += (unsigned)__builtin_popcountll(seen[word]);
    const uint64_t most = all / TUPLES_A_THREAD + 1;
    ranges->count = threads <= 1 ? 1 : RANGES_A_THREAD * (threads < THREADS_MAX ? threads : THREADS_MAX);
    ranges->count = ranges->count < most ? ranges->count : (unsigned)most;
    size_t word = 0;
    for (unsigned i = 0; i < ranges->count; i++) {
        struct writing *writing = &ranges->list[i];
        *writing = (struct writing){.tuples = tuples, .seen = seen, .first = word, .bare = bare};
        writing->error = &writing->own_error;
        for (; word < words && (i + 1 == ranges->count || so_far < all * (i + 1) / ranges->count); word++)
            so_far += (unsigned)__builtin_popcountll(seen[word]);
        writing->last = word;
    }
}

static void *write_next_ranges(void *argument)
{
    struct ranges *ranges = argument;
    unsigned i;
    while ((i = atomic_fetch_add(&ranges->next, 1)) < ranges->count)
        ranges->list[i].rc = write_range(&ranges->list[i]);
    return NULL;
}

/* Their errors are as if one had made all: the first by id. A thread that cannot be had is not missed. */
static int write_ranges(struct ranges *ranges, const struct toll_tuples *tuples,
                        const struct toll_tally *tally, bool bare, unsigned threads, struct toll_error *error)
{
    uint64_t *seen = ids_seen(tuples, tally);
    int rc = 0;
    if (seen == NULL)
        return no_memory(error);
    share_out(ranges, tuples, seen, bare, threads);
    pthread_t others[THREADS_MAX];
    unsigned other_count = 0;
    while (other_count + 1 < threads && other_count + 1 < ranges->count && other_count < THREADS_MAX &&
           pthread_create(&others[other_count], NULL, write_next_ranges, ranges) == 0)
        other_count++;
    write_next_ranges(ranges);
    for (unsigned i = 0; i < other_count; i++)
        pthread_join(others[i], NULL);
    for (unsigned i = 0; i < ranges->count; i++) {
        const struct writing *writing = &ranges->list[i];
        if (rc == 0 && writing->rc != 0) {
            rc = writing->rc;
            if (error != NULL)
                *error = writing->own_error;
        }
    }
    free(seen);
    return rc;
}

static void ranges_free(struct ranges *ranges)
{
    for (unsigned i = 0; i < ranges->count; i++)
        writing_free(&ranges->list[i]);
    free(ranges);
}

static void make_tuples(const void *context, int64_t first, int64_t count, void *out)
{
    const struct ranges *ranges = context;
    struct toll_tuple_row *rows = out;
    for (unsigned i = 0; i < ranges->count && count > 0; i++) {
        const struct writing *writing = &ranges->list[i];
        const int64_t left = writing->count - first, taken = left < count ? left : count;
        if (taken > 0) {
            memcpy(rows, writing->rows + first, (size_t)taken * sizeof *rows);
            rows += taken;
            first += taken;
            count -= taken;
        }
        first -= writing->count;
    }
}

static int64_t component_count(const struct writing *writing)
{
    return writing->whole != NULL ? writing->whole_count : writing->components.count;
}

static void make_components(const void *context, int64_t first, int64_t count, void *out)
{
    const struct ranges *ranges = context;
    struct toll_component_row *rows = out;
    for (unsigned i = 0; i < ranges->count && count > 0; i++) {
        const struct writing *writing = &ranges->list[i];
        const int64_t left = component_count(writing) - first, taken = left < count ? left : count;
        if (taken > 0) {
            if (writing->whole != NULL)
                memcpy(rows, writing->whole + first, (size_t)taken * sizeof *rows);
            else
                toll_component_rows_copy(&writing->components, first, taken, rows);
            rows += taken;
            first += taken;
            count -= taken;
        }
        first -= component_count(writing);
    }
}

static int add_tables(struct toll_run_writer *writer, const struct ranges *ranges, struct toll_error *error)
{
    const struct toll_run_rows tuples = {.make = make_tuples, .context = ranges},
                               components = {.make = make_components, .context = ranges};
    int64_t tuple_count = 0, components_count = 0;
    for (unsigned i = 0; i < ranges->count; i++) {
        tuple_count += ranges->list[i].count;
        components_count += component_count(&ranges->list[i]);
    }
    const int rc = toll_run_add_tuples(writer, &tuples, tuple_count, error);
    return rc != 0 ? rc : toll_run_add_components(writer, &components, components_count, error);
}

int toll_run_write_tuples(struct toll_run_writer *writer, const struct toll_tuples *tuples,
                          const struct toll_tally *tally, const struct toll_merge *merge,
                          struct toll_error *error)
{
    if (tuples == NULL && (merge == NULL || merge->old.tables.tuples == NULL))
        return 0;
    struct ranges *ranges = calloc(1, sizeof *ranges);
    if (ranges == NULL)
        return no_memory(error);
    const unsigned threads = merge == NULL ? toll_run_threads(writer) : 1; /* one, that old rows are before */
    ranges->count = 1;
    int rc = tuples == NULL ? 0 : write_ranges(ranges, tuples, tally, false, threads, error);
    if (rc == 0 && merge != NULL && !put_behind(&ranges->list[0], merge))
        rc = no_memory(error);
    if (rc == 0)
        rc = add_tables(writer, ranges, error);
    ranges_free(ranges);
    return rc;
}

int toll_tuple_rows_make(struct toll_tuple_rows *out, const struct toll_tuples *tuples,
                         const struct toll_tally *tally, struct toll_error *error)
{
    struct ranges *ranges = calloc(1, sizeof *ranges);
    memset(out, 0, sizeof *out);
    if (ranges == NULL)
        return no_memory(error);
    out->owned = ranges;
    const int rc = write_ranges(ranges, tuples, tally, true, 1, error);
    const struct writing *writing = &ranges->list[0];
    out->tuples = writing->rows;
    out->tuple_count = writing->count;
    if (rc != 0)
        toll_tuple_rows_free(out);
    return rc;
}

void toll_tuple_rows_free(struct toll_tuple_rows *rows)
{
    if (rows->owned != NULL)
        ranges_free(rows->owned);
    memset(rows, 0, sizeof *rows);
}
