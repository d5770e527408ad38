/*
 * A run's directory: run.json (manifest, last), book.image + book/ sources are inside the image,
 * accounts.arrow, prices.arrow, buckets.arrow, tuples.arrow, components.arrow, period_charges.arrow,
 * pools.arrow, pool_draws.arrow, tier_counts.arrow, lines/<day>.<part>.arrow, suspense.csv, and stats.json
 * (outside every hash). docs/FORMATS.md has the columns.
 *
 * A merged run (rate --only-suspense) keeps the lines that an earlier run settled, value for value, and has
 * rated anew what that one had in suspense. Each line says by which book it was priced: `book` counts from
 * the oldest on, the last is the run's own. Ids of accounts and prices once given stay; new ones come behind.
 */
#ifndef TOLL_SEGMENT_RUN_H
#define TOLL_SEGMENT_RUN_H

#include "base/money.h"
#include "io/publish.h"
#include "segment/lines.h"
#include "tollmill_segment.h"

/* ---- the id tables ---- */

struct toll_account_row {
    int32_t id;
    const char *account, *name, *currency;
};
struct toll_price_row { /* only the price rows that some line uses, ascending id */
    int32_t id;
    const char *kind; /* deck | flat | free | markup | builtin */
    const char *plan; /* "" for deck rows */
    const char *deck, *prefix, *destination, *band;
    const char *unit; /* s | message | byte | event | call */
    int64_t rate;     /* money per per_units */
    int64_t per_units;
    int64_t connect_fee;
    const char *file; /* of the book's sources */
    int32_t line;
    int32_t step;       /* step_from_s of a deck's row */
    const char *column; /* of a deck's row: whose rate it is, "rate", "rate_inter", ...; else "" */
    int32_t terms;      /* between files only: id in price_terms.arrow */
};
struct toll_bucket_row { /* ascending (account, site, tuple) */
    int32_t account;
    const char *site;
    int32_t tuple;
    int64_t count, units;
    int64_t charge;
};

struct toll_period_row { /* ascending (period, name of the account, site, number, tiers, kind, line) */
    const char *period;  /* the billing period's first day: "2026-03-15" */
    int32_t account;
    const char *site;   /* of a surcharge on a site, of tiers by site; else "" */
    const char *number; /* of tiers by number; else "" */
    const char *tiers;  /* of a charge of tiers; else "" */
    const char *kind;   /* "short_calls" "attempts" "no_ani" "tier_fee" "minimum_spend" "maximum_spend"
                           "already_billed" */
    int64_t calls, counted,
        charged;    /* calls looked at, those of the kind, and how many of these are charged */
    int64_t amount; /* for each charged call */
    int64_t charge;
    const char *file; /* of the book's sources */
    int32_t line;
};

/* ---- taxes: docs/TAX.md; only of taxed books ---- */

/* What a line's taxes depend on: ascending id, from 1 on, only those that some line has. Names, not ids, so
 * that they last; lists are "a;b". */
struct toll_tuple_row {
    int32_t id;
    int32_t book;             /* of a merged run: as the lines' column; else 0 */
    const char *period;       /* the billing period's first day */
    const char *from;         /* first day of the span in it */
    const char *area;         /* "" none */
    const char *resolved;     /* "site" "tax_site" "only_site", "" not */
    const char *reason;       /* "" or why it is in tax suspense: "no_site" ... */
    const char *tax_services; /* of the split: "telecom", "data:0.4;voice:0.6" */
    int32_t split_line;       /* of tax_map.csv: the split's first row; 0 none */
    const char *service, *jurisdiction;
    const char *customer_class, *sale, *seller;
    const char *exemptions;            /* lines of exemptions.csv */
    const char *origin, *two_of_three; /* jurisdictions, where some tax is sourced so; else "" */
};
/* What a tuple's charge is taxed with: ascending (tuple, tax, tax_jurisdiction, line). Numbers are texts as
 * in docs/TAX.md section 5. */
struct toll_component_row {
    int32_t tuple;
    const char *tax, *tax_jurisdiction, *level, *category, *name, *kind;
    int32_t billable, surcharge, late; /* 0 or 1 */
    const char *rate;                  /* or amount, or "brackets" */
    const char *base;                  /* of a unit of charge: share x part */
    const char *exempt;                /* percent of it */
    const char *per_charge;            /* tax of a unit of charge; "" of late ones */
    const char *per_minute;            /* tax of a minute; likewise */
    const char *taxed; /* what is taxed of a unit of charge, taxes on which it stands included; "" where it
                          stands on late ones */
    const char *taxed_per_minute; /* and of a minute, by taxes per minute on which it stands; likewise */
    const char *certificate;
    const char *source, *as_of;
    int32_t line; /* of taxes.csv */
};

/* ---- pools and counts: docs/RATING.md sections 12 to 14; keys are the trade's names, so that they last from
 * run to run ---- */

/* A pool in a period: ascending (id, period). All that was drawn on in this run or in those before it, and,
 * of scopes site, account and pool, all that have a lot in a period of the run. */
struct toll_pool_period_row {
    int32_t id; /* by first draw of a line; those inherited first, with their ids; those of costs and those
                   without a draw last, in the book's order */
    const char *bundle, *scope;                 /* "number" "site" "account" "pool" */
    const char *account, *site, *number, *pool; /* "" where it is not of that kind */
    const char *unit;                           /* s | message | byte | event */
    const char *period;                         /* its first day */
    int64_t granted, rolled_in, used, rolled_out,
        expired;       /* granted + rolled_in = used + rolled_out + expired */
    int64_t over;      /* beyond: at_limit flag */
    int64_t exhausted; /* ms: start of the call that left nothing; 0: something is left, or never anything */
};
/* Which lots were drawn on: ascending (id, period, lot). Only where units > 0. */
struct toll_pool_draw_row {
    int32_t id;
    const char *period, *lot; /* first days: of the drawing calls' period, and of the lot's */
    int64_t units;
};
/* What tiers have counted: ascending (tiers, account, site, number, period). */
struct toll_tier_count_row {
    const char *tiers;
    const char *account, *site,
        *number; /* "" where the scope does not have it; scope pool: the parent's account */
    const char *period;
    int64_t units;                 /* counted */
    int64_t spend;                 /* of lines */
    int64_t fee, minimum, maximum; /* period charges so far */
};

#define TOLL_RUN_PART_NAME_BYTES 64
struct toll_run_part {
    int64_t day;
    int part;
    int64_t rows;
    struct toll_file_seal seal;
    struct toll_file_seal cdr_seal;      /* of the CDR part it answers */
    struct toll_file_seal cdr_text_seal; /* and of its sidecar; bytes 0: the run does not say */
};
/* The name for toll_lines_create and toll_lines_open: "2026-03-01.0". */
void toll_run_part_name(const struct toll_run_part *part, char name[TOLL_RUN_PART_NAME_BYTES]);

/* A book of a merged run. The lines' ids of prices and tuples are the book's own plus the shifts. */
struct toll_run_book {
    struct toll_hash128 book_hash, tzdata_hash;
    int32_t price_shift; /* 0 of the first; never less than a price id of an earlier book's lines */
    int32_t tuple_shift; /* likewise, of tuples */
};
#define TOLL_RUN_BOOKS 256 /* a line's book is one byte */
/* The name of book `index` of `count`'s image: "book.image" of the last, "book.0.image" of an older one. */
#define TOLL_RUN_BOOK_NAME_BYTES 32
void toll_run_book_name(size_t index, size_t count, char name[TOLL_RUN_BOOK_NAME_BYTES]);

/* What run.json holds (no paths, no thread counts, no I/O options). */
struct toll_run_manifest {
    struct toll_hash128 cdr_hash, book_hash, tzdata_hash;
    int64_t rows, rated, zero_rated, suspense;
    int64_t conflict, other_party;          /* conflict is part of suspense, other_party of zero_rated */
    int64_t status_rows[TOLL_STATUS_COUNT]; /* rows of each status; sums to rows */
    int64_t billed_s;                       /* voice lines, rated and zero-rated */
    const char *currency;                   /* of all accounts; several currencies: see totals */
    struct {
        const char *currency;
        toll_total charge;
    } totals[64];
    int total_count;
    bool has_cost;                        /* the lines have columns of cost; else the following is 0 */
    int64_t cost_rows[TOLL_STATUS_COUNT]; /* rows of each cost status; sums to rows */
    struct {
        const char *currency;
        toll_total cost;
    } costs[64]; /* by currency of the lines; those that sum to 0 may be absent */
    int cost_count;
    struct toll_run_part *parts;
    size_t part_count;
    const char *from_day, *to_day; /* "" when the whole dataset */
    /* Of a taxed book: the starts of the first and last CDR, ms since 1970 UTC; else 0 */
    bool has_starts;
    int64_t first_start, last_start;
    /* Of a merged run only, else 0: */
    struct toll_run_book *books;   /* oldest first; the last is book_hash's */
    size_t book_count;             /* 0: not merged; else 2 or more */
    struct toll_hash128 kept_from; /* the digest of the earlier run's run.json */
    int64_t kept;                  /* lines that are the earlier run's */
    /* Of a run behind closed ones: the digest in the state's state.json, of which the run has a copy */
    bool has_after, reorder; /* reorder: --late reorder */
    struct toll_hash128 after;
    bool cut_periods; /* --cut-periods */
    /* Of one that rerate made: the digest of the run.json of the run whose calls it rates again */
    bool has_predecessor;
    struct toll_hash128 predecessor;
};

/* Writers into a publish directory; each file is fsynced and sealed into the manifest by the run writer.
 * Several threads may add files at once. */
struct toll_run_writer;
int toll_run_create(const struct toll_io *io, const char *path, struct toll_run_writer **out,
                    struct toll_error *error);
int toll_run_directory(const struct toll_run_writer *writer); /* fd, for toll_lines_create */
/* From here on files are brought to disk by other threads while the caller goes on; publishing waits.
 * direct: large files go past the page cache where the file system lets them. For runs that are large: a
 * small one has no use for the threads. */
int toll_run_sync_together(struct toll_run_writer *writer, bool direct, struct toll_error *error);
/* How many threads make tables; 1 where this is not said, and without toll_run_sync_together. */
void toll_run_make_by(struct toll_run_writer *writer, unsigned threads);
/* Twins of toll_hash and toll_hash_add, before files are added. */
void toll_run_hash_with(struct toll_run_writer *writer, toll_hash_kernel *hash,
                        toll_hash_add_kernel *hash_add);
struct toll_syncs *toll_run_syncs(const struct toll_run_writer *writer); /* NULL without that */
unsigned toll_run_threads(const struct toll_run_writer *writer);         /* 0 without that */
/* Waits for all that was handed over so far; nothing without that. */
int toll_run_wait(struct toll_run_writer *writer, struct toll_error *error);
/* As toll_run_add_file; the data must stay until the run is published or abandoned. */
int toll_run_add_lasting_file(struct toll_run_writer *writer, const char *name, const void *data,
                              size_t bytes, struct toll_error *error);
/* Adds a whole file (book.image, suspense.csv); its XXH3-128 goes into the manifest. */
int toll_run_add_file(struct toll_run_writer *writer, const char *name, const void *data, size_t bytes,
                      struct toll_error *error);
int toll_run_add_accounts(struct toll_run_writer *writer, const struct toll_account_row *rows, int64_t count,
                          struct toll_error *error);
/* Rows of a table: an array of them, or what makes some of them when they are wanted, in any order and by
 * several threads at once; their texts must last until the table is written. */
struct toll_run_rows {
    const void *rows;
    void (*make)(const void *context, int64_t first, int64_t count, void *rows); /* NULL: an array */
    const void *context;
};
int toll_run_add_prices(struct toll_run_writer *writer, const struct toll_price_row *rows, int64_t count,
                        struct toll_error *error);
int toll_run_add_made_prices(struct toll_run_writer *writer, const struct toll_run_rows *rows, int64_t count,
                             struct toll_error *error);
/* The words of a column: "" first, then the others, sorted bytewise, each once. */
struct toll_run_words {
    const char **entries; /* free() */
    uint32_t count;
};
/* Of texts that may repeat, and that last; and the place of each of them. False: out of memory. */
bool toll_run_words_make(const char *const *texts, size_t count, uint32_t *places,
                         struct toll_run_words *words);
/* What price rows say beside id, prefix, destination, rate and line, of which the rest means nothing here;
 * they may repeat: each once, in the order of price_terms.arrow, free(); and the number of each of them, from
 * 1 on. NULL: out of memory. */
struct toll_price_row *toll_run_terms_make(const struct toll_price_row *rows, size_t count, int32_t *numbers,
                                           size_t *term_count);
/* Prices column by column, for whoever knows their words and terms beforehand: exactly those that some row
 * has. The bytes are those of rows that say the same. */
struct toll_price_values {
    int32_t *id, *terms;
    uint32_t *prefix, *destination; /* places of words */
    int64_t *rate;
    int32_t *line;
};
struct toll_price_columns {
    int64_t count;
    struct toll_run_words prefixes, destinations;
    const struct toll_price_row *terms;
    size_t term_count;
    bool wide_rates; /* some rate does not fit into 32 bits */
    /* Puts rows, about a thousand at most; any, by several threads at once. */
    void (*make)(const void *context, int64_t first, int64_t count, const struct toll_price_values *values);
    const void *context;
};
int toll_run_add_price_columns(struct toll_run_writer *writer, const struct toll_price_columns *columns,
                               struct toll_error *error);
int toll_run_add_buckets(struct toll_run_writer *writer, const struct toll_bucket_row *rows, int64_t count,
                         struct toll_error *error);
/* Only if there are any. */
int toll_run_add_periods(struct toll_run_writer *writer, const struct toll_period_row *rows, int64_t count,
                         struct toll_error *error);
/* Both only of a taxed book. */
int toll_run_add_tuples(struct toll_run_writer *writer, const struct toll_run_rows *rows, int64_t count,
                        struct toll_error *error);
int toll_run_add_components(struct toll_run_writer *writer, const struct toll_run_rows *rows, int64_t count,
                            struct toll_error *error);
/* Pools, their draws and the counts of tiers; each only if there are any, in their order. */
int toll_run_add_pools(struct toll_run_writer *writer, const struct toll_pool_period_row *rows, int64_t count,
                       struct toll_error *error);
int toll_run_add_pool_draws(struct toll_run_writer *writer, const struct toll_pool_draw_row *rows,
                            int64_t count, struct toll_error *error);
int toll_run_add_tier_counts(struct toll_run_writer *writer, const struct toll_tier_count_row *rows,
                             int64_t count, struct toll_error *error);
/* Checks conservation (asserts: a failure is our bug), writes stats.json (given text) and run.json,
 * publishes. */
int toll_run_publish(struct toll_run_writer *writer, const struct toll_run_manifest *manifest,
                     const char *stats_json, struct toll_error *error);
void toll_run_abandon(struct toll_run_writer *writer); /* or after publish: frees */

/* ---- reading ---- */

struct toll_run_tables {
    struct toll_account_row *accounts; /* index = id; [0] is empty */
    int64_t account_count;             /* highest id + 1 */
    struct toll_price_row *prices;     /* sorted by id */
    int64_t price_count;
    struct toll_bucket_row *buckets;
    int64_t bucket_count;
    struct toll_period_row *periods;
    int64_t period_count;
    struct toll_pool_period_row *pools;
    int64_t pool_count;
    struct toll_pool_draw_row *draws;
    int64_t draw_count;
    struct toll_tier_count_row *counts;
    int64_t count_count;
    struct toll_tuple_row *tuples; /* NULL: no taxed book */
    int64_t tuple_count;
    struct toll_component_row *components;
    int64_t component_count;
};
struct toll_run_files { /* an opened run */
    const struct toll_io *io;
    char *path;
    int directory;
    struct toll_run_manifest manifest;
    struct toll_run_tables tables;
    struct toll_hash128 digest; /* of run.json */
    void *owned;
};
/* Reads a file of the run whole and compares it with the manifest; toll_blob_free. */
int toll_run_files_read(const struct toll_run_files *run, const char *name, struct toll_blob *blob,
                        struct toll_error *error);
/* Compares only, mapped; by which twin of toll_hash. */
int toll_run_files_check(const struct toll_run_files *run, const char *name, toll_hash_kernel *hash,
                         struct toll_error *error);
int toll_run_files_open(
    struct toll_run_files *run, const struct toll_io *io, const char *path,
    struct toll_error *error); /* checks the manifest's digest and the small files' hashes */
void toll_run_files_close(struct toll_run_files *run);
/* Without prices, tuples and components, which may be far more than the rest, until they are read; what is
 * there already is not read again. After an error of those that read the run is still to be closed. */
int toll_run_files_open_lean(struct toll_run_files *run, const struct toll_io *io, const char *path,
                             struct toll_error *error);
/* The manifest alone; and all that open_lean reads besides. */
int toll_run_files_open_bare(struct toll_run_files *run, const struct toll_io *io, const char *path,
                             struct toll_error *error);
int toll_run_files_read_tables(struct toll_run_files *run, struct toll_error *error);
/* As open_lean, but tables whose files are the same by both manifests are those of `like`, if it has read
 * them, and not looked at: for a run that was just written. `like` must stay open longer. */
int toll_run_files_open_like(struct toll_run_files *run, const struct toll_io *io, const char *path,
                             const struct toll_run_files *like, struct toll_error *error);
int toll_run_files_read_prices(struct toll_run_files *run, struct toll_error *error);
/* Whether both have the same bytes of all that says what prices are. */
bool toll_run_files_same_prices(const struct toll_run_files *a, const struct toll_run_files *b);
int toll_run_files_read_taxes(struct toll_run_files *run, struct toll_error *error);
/* As the manifests say: is a file there; is it the same in both, or in neither; are all of them. */
bool toll_run_files_have(const struct toll_run_files *run, const char *name);
bool toll_run_files_same(const struct toll_run_files *a, const struct toll_run_files *b, const char *name);
bool toll_run_files_all_same(const struct toll_run_files *a, const struct toll_run_files *b);
/* How many whole files the manifest names. */
size_t toll_run_file_count(const struct toll_run_files *run);
int toll_run_lines_open(const struct toll_run_files *run, size_t part_index, enum toll_read_path how,
                        struct toll_lines **out, struct toll_error *error);
/* TOLL_EDATA: "<run>/<name>: is not what the manifest says ...". */
int toll_run_differs(const struct toll_run_files *run, const char *name, struct toll_error *error);
/* The row of a tuple, or NULL. */
const struct toll_tuple_row *toll_run_tuple_find(const struct toll_run_tables *tables, int32_t id);
/* What the period charges of one currency add up to. */
toll_total toll_run_period_total(const struct toll_run_tables *tables, const char *currency);
/* Re-reads everything: every file the manifest names, every buffer, conservation, money and unit totals, ids
 * within their tables, buckets against lines. */
int toll_run_verify(const struct toll_run_files *run, struct toll_error *error);

#endif
