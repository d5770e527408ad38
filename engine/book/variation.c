/* A book with a change: in memory where only prices or only plans of accounts move, else compiled from the
 * base's tables as changed. */
#include "book/variation.h"

#include "base/check.h"
#include "base/checksum.h"
#include "base/error.h"
#include "book/change.h"
#include "book/compile.h"
#include "book/replan.h"
#include "book/reprice.h"
#include "book/sources.h"

#include <string.h>

/* What a variation owns: an image, or what was made in memory. */
struct owned {
    uint8_t *image;
    struct toll_repriced repriced;
    struct toll_replanned replanned;
};

/* What is doubtful in the base was said when it was opened; a change's book has it, too. */
static void report_error(void *context, const struct toll_diagnostic *diagnostic)
{
    const struct toll_reporter *reporter = context;

    if (diagnostic->severity == TOLL_ERROR)
        reporter->report(reporter->context, diagnostic);
}

static int compile(struct toll_variation *out, const struct toll_io *io, const struct toll_book *base,
                   const char *base_name, const struct toll_change *changes, int count,
                   const struct toll_reporter *reporter, struct toll_error *error)
{
    struct owned *owned = out->owned;
    const struct toll_reporter errors = {.report = report_error, .context = (void *)reporter};
    const bool reports = reporter != NULL && reporter->report != NULL;
    struct toll_sources sources;
    size_t bytes;
    int code = toll_sources_of(&sources, base, base_name, error);

    for (int i = 0; i < count && code == 0; i++)
        code = toll_change_sources(&sources, io, &changes[i], error);
    if (code == 0) {
        const struct toll_given_sources given = {sources.files, sources.count, sources.zones,
                                                 sources.zone_count};
        code = toll_book_compile_given(io, base_name, &given, reports ? &errors : NULL, &owned->image, &bytes,
                                       error);
        if (code == TOLL_EBOOK && error != NULL) {
            char text[sizeof(error->text)];
            memcpy(text, error->text, sizeof(text));
            toll_error_set(error, code, "with the change \"%.120s%s\": %s", changes[0].text,
                           count > 1 ? " ;; ..." : "", text);
        }
    }
    if (code == 0) {
        code = toll_book_open_made(owned->image, bytes, base_name, &out->book, error);
        TOLL_ASSERT(code != TOLL_EDATA);
    }
    out->not_moved = sources.not_moved;
    sources.not_moved = (struct toll_strings){0};
    toll_sources_free(&sources);
    return code;
}

/* The same whether it was made in memory or compiled. A file's text is not the change's: of a book that has
 * one only its own hash tells. */
static int find_hash(struct toll_variation *out, const struct toll_book *base, const char *change,
                     const struct toll_change *changes, int count, struct toll_error *error)
{
    static const char head[] = "tollmill change\n";
    char hash[TOLL_HASH_TEXT_BYTES];
    struct toll_hasher *hasher;

    for (int i = 0; i < count; i++) {
        if (changes[i].file != NULL) {
            out->hash = out->book->book_hash;
            return 0;
        }
    }
    hasher = toll_hasher_create();
    if (hasher == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory while a book is changed");
    toll_hash_text(base->book_hash, hash);
    toll_hasher_update(hasher, head, strlen(head));
    toll_hasher_update(hasher, hash, strlen(hash));
    toll_hasher_update(hasher, "\n", 1);
    toll_hasher_update(hasher, change, strlen(change));
    out->hash = toll_hasher_digest(hasher);
    toll_hasher_destroy(hasher);
    return 0;
}

static int make(struct toll_variation *out, const struct toll_io *io, const struct toll_book *base,
                const char *base_name, const char *change, bool whole, const struct toll_reporter *reporter,
                struct toll_error *error)
{
    struct owned *owned = out->owned;
    struct toll_arena arena = {0};
    struct toll_change *changes;
    int count, code = toll_change_parse(&arena, change, &changes, &count, error);

    if (code == 0 && !whole) {
        code = toll_reprice(&owned->repriced, base, changes, count, error);
        out->reprices = code == 0 && owned->repriced.book != NULL;
        out->book = owned->repriced.book;
        out->price_first = owned->repriced.price_first;
        out->price_end = owned->repriced.price_end;
    }
    if (code == 0 && !whole && out->book == NULL) {
        code = toll_replan(&owned->replanned, base, changes, count, error);
        out->book = owned->replanned.book;
    }
    if (code == 0 && out->book == NULL)
        code = compile(out, io, base, base_name, changes, count, reporter, error);
    if (code == 0)
        code = find_hash(out, base, change, changes, count, error);
    toll_arena_free(&arena);
    return code;
}

int toll_variation_make(struct toll_variation *out, const struct toll_io *io, const struct toll_book *base,
                        const char *base_name, const char *change, bool whole,
                        const struct toll_reporter *reporter, struct toll_error *error)
{
    int code;

    memset(out, 0, sizeof(*out));
    out->owned = calloc(1, sizeof(struct owned));
    if (out->owned == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", base_name);
    code = make(out, io, base, base_name, change, whole, reporter, error);
    if (code != 0)
        toll_variation_free(out);
    return code;
}

void toll_variation_free(struct toll_variation *variation)
{
    struct owned *owned = variation->owned;

    if (owned != NULL) {
        if (owned->image != NULL)
            toll_book_close(variation->book);
        toll_repriced_free(&owned->repriced);
        toll_replanned_free(&owned->replanned);
        free(owned->image);
        free(owned);
    }
    toll_strings_free(&variation->not_moved);
    memset(variation, 0, sizeof(*variation));
}
