/*
 * A small real world for fault tests: a book with decks, a calendar and a zone, two deliveries over three
 * days with rejects, duplicates and conflicts, and every operation of the engine on them with the system's
 * calls as an argument. What an operation leaves is told by fault_look: nothing, what was there before, or
 * all of it.
 */
#ifndef TOLL_TESTS_FAULT_WORLD_H
#define TOLL_TESTS_FAULT_WORLD_H

#include "faulty_io.h"
#include "ingest/import.h"
#include "io/publish.h"
#include "io/zonefile.h"
#include "pipeline/run_reader.h"
#include "pipeline/taxes.h"
#include "pipeline/waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAULT_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define FAULT_SANITIZED true
#endif
#endif
#ifndef FAULT_SANITIZED
#define FAULT_SANITIZED false
#endif

/* A number from the environment: how long a test takes. */
static inline int fault_number(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : atoi(text);
}

enum fault_operation {
    FAULT_IMPORT_FIRST,
    FAULT_IMPORT_SECOND, /* merges into what the first wrote */
    FAULT_COMPILE,
    FAULT_RATE_FOLDER,
    FAULT_RATE_IMAGE,
    FAULT_RATE_RING,  /* where the system has none: as pread */
    FAULT_RATE_AUTO,  /* by what the page cache holds */
    FAULT_RATE_MERGE, /* what the run has in suspense, by the ring */
    FAULT_VERIFY_DATASET,
    FAULT_VERIFY_RUN,
    FAULT_VERIFY_IMAGE,
    FAULT_READ_RUN,
    FAULT_EXPLAIN,
    FAULT_VERIFY_MERGED,
    FAULT_READ_MERGED,
    FAULT_SUSPENSE, /* of the merged run */
    FAULT_CHECK,
    FAULT_TAXES, /* of the merged run */
    FAULT_OPERATIONS
};
static const char *const fault_names[FAULT_OPERATIONS] = {
    "first import",     "second import",  "compile", "rate from a folder", "rate from an image",
    "rate by the ring", "rate by choice", "merge",   "verify cdrs",        "verify run",
    "verify image",     "read run",       "explain", "verify merged run",  "read merged run",
    "suspense",         "check",          "taxes"};

struct fault_world {
    char folder[128], out[160];
    struct toll_hash128 clean[FAULT_OPERATIONS]; /* of a run without faults */
    struct toll_hash128 before;                  /* of the dataset that the second import finds */
    int calls[FAULT_OPERATIONS], ring_answers;
};

struct fault_outcome {
    int code;
    struct toll_error error;
    struct toll_hash128 answer; /* of what a reader was told */
};

static const char *const fault_files[][2] = {
    {"book/book.yaml", "book: test\ncurrency: USD\ntimezone: America/New_York\n"},
    {"book/accounts.csv", "account,name,currency,class,sale,seller,tax_site\nacme,Acme,,biz,,s,s1\n"
                          "beta,Beta,,,,s,\n"},
    {"book/sites.csv", "site,account,state,area\ns1,acme,NY,nyc\n"},
    {"book/npanxx.csv", "prefix,state,ratecenter,county,area\n1212555,NY,New York,Kings,nyc\n"
                        "1202555;1203555-1203556,NJ,Newark,,\n"},
    {"book/tax_jurisdictions.csv", "id,level,state,parent\nUS,federal,,\nNY,state,NY,US\n"
                                   "kings,county,,NY\nNJ,state,NJ,US\n"},
    {"book/tax_areas.csv", "area,tax_jurisdiction\nnyc,kings\nnj,NJ\n"},
    {"book/sellers.csv",
     "seller,fusf_method,interstate_share,tax_services\ns,actual,0.5,\ns,safe_harbour,,data\n"},
    {"book/tax_map.csv", "tax_service,product,service,share\nvoice,,voice,0.4\ndata,,voice,0.6\n"
                         "telecom,,,\n"},
    {"book/products.csv", "product\nseat\n"},
    {"book/taxes.csv",
     "tax,tax_jurisdiction,level,kind,rate,amount,base,on_taxes,tax_services,customer_classes,bracket_from,"
     "bracket_to,from,to,line_basis,category,sourcing\n"
     "sales,NY,,,4%,,,levy,,,,,,2026-03-02,,sales,\nsales,NY,,,5%,,,levy,,,,,2026-03-02,,,,\n"
     "levy,kings,,,1%,,,levy;sales,,biz;home,,,,,,,\nfusf,US,,,30%,,interstate,,voice;data,,,,,,,,origin\n"
     "util,,state,,1%,,,,,,,10,,,,,\nutil,,state,,2%,,,,,,10,,,,,,\n"
     "e911,NY,,per_line,,0.5,,,,,,,,,seat;number:2,,\n"},
    {"book/exemptions.csv", "account,tax_jurisdiction,category,percent,to\nacme,NY,sales,50,2026-03-03\n"},
    {"book/charges.csv", "account,product,kind,amount,site\nacme,seat,recurring,10,s1\n"},
    {"book/local_areas.csv",
     "from_ratecenter,to_ratecenter,from_state\nNew York,Newark,\nNewark,New York,NJ\n"},
    {"book/calltypes.csv", "calltype,jurisdiction,carrier\nLD,interstate,\nLD,local,x\n"},
    {"book/numbers.csv", "number,account,site,from,to\n"
                         "12125550100,acme,s1,,\n"
                         "12125550200-12125550209,beta,,,\n"
                         "12125550300,acme,,,2026-03-03\n"
                         "hint:B,beta,,,\n"
                         "trunk:T1,acme,,,\n"},
    {"book/assignments.csv", "subject,plan\naccount:acme,p\naccount:beta,q\n"},
    {"book/surcharges.csv", "subject,measure,amount,short_s,threshold_percent\ndefault,short_calls,0.01,90,\n"
                            "account:acme,attempts,0.5,,10\nsite:s1,no_ani,1,,\n"},
    {"book/bundles.csv", "bundle,unit,quantity,scope,destinations\nnum,message,5,number,\nst,s,60,site,KEEP\n"
                         "acc,s,60,account,\nnamed,byte,100,pool,\n"},
    {"book/services.csv", "service,account,type,site,number\n1,acme,seat,s1,\n2,acme,seat,,12125550100\n"},
    {"book/subscriptions.csv", "subject,bundle,pool,times\ndefault,num,,count:seat\nsite:s1,st,,\n"
                               "plan:p,acc,,\nnumber:12125550100,acc,,2\naccount:acme,named,x,\n"},
    {"book/tiers.csv", "tiers,from_qty,rate,unit\nt,,0.05,event\nt,10,0.04,\n"},
    {"book/fx.csv", "from,to,date,rate\nEUR,USD,2026-01-01,1.1\n"},
    {"book/plans.csv", "plan\np\nq\n"},
    {"book/plan_rules.csv", "plan,action,service,class,destination,deck,amount,percent,priority\n"
                            "p,free,,toll_free,,,,,1\n"
                            "p,flat,,n11,,,1.25,,1\n"
                            "p,deck,sms,,,m,,,1\n"
                            "p,deck,,,,d,,,2\n"
                            "q,deck,mms,,,c,,,1\n"
                            "q,deck,,,KEEP,d,,,2\n"},
    {"book/destinations.csv", "prefix,destination\n1300,KEEP\n"},
    {"book/decks.csv", "deck,key,calendar\nd,callee,cal\nm,callee,\nc,calltype,\n"},
    {"book/calendars.csv", "calendar,band,days,from,to\ncal,night,,20:00,06:00\n"},
    {"book/decks/d.csv", "prefix,destination,rate,per_s,increment_s,band,status\n"
                         "1,United States,0.06,,6,,\n"
                         "1202,Night only,0.03,,,night,\n"
                         "44,United Kingdom,0.02,,,,\n"
                         "44900,UK premium,0.5,,,,blocked\n"},
    {"book/decks/m.csv", "prefix,rate,per_s\n,0.0075,1\n"},
    {"book/decks/c.csv", "key,rate,per_s\nLD;LD2,0.03,1\n"},
    {"first.csv", "record_id,start,duration_s,caller,callee,service,answered,trunk,account_hint,calltype\n"
                  "a1,2026-03-01T10:00:00Z,60,+12125550100,+12025550111,,,,,\n"
                  "a2,2026-03-01T11:00:00.250Z,61.5,+12125550100,911,,,,,\n"
                  "a3,2026-03-01T12:00:00Z,5,+12125550200,+13005550111,,,,,\n"
                  "a3,2026-03-01T12:00:00Z,5,+12125550200,+13005550111,,,,,\n"
                  "a4,2026-03-02T00:00:00Z,7,+12125550300,+442071838750,,,,,\n"
                  "a5,2026-03-02T03:00:00Z,9,+12125550100,+12025550112,,,T1,,\n"
                  "a6,2026-03-02T04:00:00Z,9,alice,+4490055555,,,T1,,\n"
                  "a7,2026-03-02T05:00:00Z,0,+12125550201,+12025550113,mms,,,B,LD\n"
                  "a8,2026-03-02T06:00:00Z,0,+12125550100,+12025550114,sms,,,,\n"
                  "bad,yesterday,1,+12125550100,+12025550114,,,,,\n"
                  "a9,2026-03-03T10:00:00Z,60,+13105550100,+12025550111,,no,,,\n"
                  "a10,2026-03-03T10:00:01Z,61,+12125550300,+18005550111,,,,,\n"},
    {"second.csv", "record_id,start,duration_s,caller,callee\n"
                   "b1,2026-03-01T09:00:00Z,60,+12125550100,+12025550111\n"
                   "a4,2026-03-02T00:00:00Z,8,+12125550300,+442071838750\n"
                   "a1,2026-03-01T10:00:00Z,60,+12125550100,+12025550111\n"
                   "b2,2026-03-04T09:00:00Z,61,+12125550100,411\n"
                   "a9,2026-03-04T10:00:00Z,60,+13105550100,+12025550111\n"
                   "bad,2026-02-30T09:00:00Z,61,+12125550100,411\n"},
};

static inline void fault_path(const struct fault_world *world, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", world->folder, name);
}

static inline void fault_quiet_io(struct faulty_io *io)
{
    faulty_io_init(io, -1, 0, false);
    io->no_sync = true;
}

/* ---- the operations ---- */

static inline int fault_import(const struct toll_io *io, const struct fault_world *world, const char *file,
                               const char *dataset, unsigned threads, struct toll_error *error)
{
    char path[256];
    const char *files[] = {path};
    struct toll_import_result result;
    fault_path(world, file, path);
    const struct toll_import_options options = {.spec_path = TOLL_SOURCE_DIR "/data/providers/tollmill.yaml",
                                                .dataset_path = dataset,
                                                .files = files,
                                                .file_count = 1,
                                                .threads = threads,
                                                .max_rejects = 1};
    const int code = toll_import_with(io, &options, &result, error);
    toll_import_result_free(&result);
    return code;
}

static inline int fault_compile(const struct toll_io *io, const struct fault_world *world, const char *image,
                                struct toll_error *error)
{
    char book[256];
    struct toll_compile_result result;
    fault_path(world, "book", book);
    const struct toll_compile_options options = {.book_path = book, .image_path = image};
    return toll_compile_with(io, &options, &result, error);
}

/* The book has doubts; how many of which name is the answer. */
static inline int fault_check(const struct toll_io *io, const struct fault_world *world,
                              struct fault_outcome *outcome)
{
    char book[256];
    struct toll_check_result result;
    fault_path(world, "book", book);
    const struct toll_check_options options = {.book_path = book, .closed_until = "2026-03-01"};
    const int code = toll_check_with(io, &options, &result, &outcome->error);
    assert_true(code != 0);
    outcome->answer = toll_hash(result.doubts, sizeof result.doubts);
    return code == TOLL_EFINDINGS ? 0 : code;
}

static inline int fault_rate(const struct toll_io *io, const struct fault_world *world, const char *book,
                             const char *run, const char *kept, unsigned threads, enum toll_io_choice how,
                             struct toll_error *error)
{
    char book_path[256], dataset[256], kept_path[256];
    struct toll_rate_result result;
    const struct toll_rate_tuning tuning = {
        .io = io, .sync = how == TOLL_IO_URING ? TOLL_SYNC_TOGETHER : TOLL_SYNC_SINGLY};
    fault_path(world, book, book_path);
    fault_path(world, "cdrs2", dataset);
    fault_path(world, kept == NULL ? "" : kept, kept_path);
    const struct toll_rate_options options = {.book_path = book_path,
                                              .dataset_path = dataset,
                                              .run_path = run,
                                              .only_suspense = kept == NULL ? NULL : kept_path,
                                              .threads = threads,
                                              .io = how};
    return toll_rate_tuned(&options, &tuning, &result, error);
}

static inline int fault_verify(const struct toll_io *io, const struct fault_world *world, const char *name,
                               struct fault_outcome *outcome)
{
    char path[256];
    struct toll_verify_result result;
    fault_path(world, name, path);
    const int code = toll_verify_with(io, path, &result, &outcome->error);
    outcome->answer = toll_hash(result.hash, sizeof result.hash);
    return code;
}

static inline int fault_read(const struct toll_io *io, const struct fault_world *world, const char *name,
                             struct fault_outcome *outcome)
{
    char run_path[256], dataset[256], text[2048];
    struct toll_run *run = NULL;
    struct toll_line line;
    fault_path(world, name, run_path);
    fault_path(world, "cdrs2", dataset);
    int code = toll_run_open_with(io, run_path, dataset, &run, &outcome->error);
    while (code == 0 && (code = toll_run_next(run, &line, &outcome->error)) > 0) {
        const int bytes = snprintf(text, sizeof text, "%s %lld %u %s %s %s %s %s %s %d %lld %s %s %d|",
                                   line.day, (long long)line.row, line.status, line.account, line.site,
                                   line.number, line.record_id, line.deck, line.destination, line.billed,
                                   (long long)line.charge, line.carrier, line.source_sha256, line.source_row);
        const struct toll_hash128 both[2] = {outcome->answer, toll_hash(text, (size_t)bytes)};
        outcome->answer = toll_hash(both, sizeof both);
        code = 0;
    }
    toll_run_close(run);
    return code;
}

static inline int fault_explain(const struct toll_io *io, const struct fault_world *world,
                                struct fault_outcome *outcome)
{
    char run[256], dataset[256];
    struct toll_explanation explanation;
    fault_path(world, "run", run);
    fault_path(world, "cdrs2", dataset);
    const int code =
        toll_explain_with(io, run, dataset, "2026-03-02", 1, false, &explanation, &outcome->error);
    outcome->answer =
        toll_hash(explanation.entries, code != 0 ? 0 : explanation.count * sizeof *explanation.entries);
    toll_explanation_free(&explanation);
    return code;
}

static inline int fault_suspense(const struct toll_io *io, const struct fault_world *world,
                                 struct fault_outcome *outcome)
{
    char run[256], dataset[256], text[1024];
    struct toll_suspense_report report;
    fault_path(world, "merged", run);
    fault_path(world, "cdrs2", dataset);
    const struct toll_suspense_options options = {.run_path = run, .dataset_path = dataset, .top = 100};
    const int code = toll_suspense_report_with(io, &options, &report, &outcome->error);
    for (size_t i = 0; code == 0 && i < report.count; i++) {
        const struct toll_suspense_group *group = &report.groups[i];
        const int bytes =
            snprintf(text, sizeof text, "%u %lld %s %lld %s %s %s %s", group->status, (long long)group->rows,
                     group->day, (long long)group->row, group->about, group->file, group->add, group->advice);
        const struct toll_hash128 both[2] = {outcome->answer, toll_hash(text, (size_t)bytes)};
        outcome->answer = toll_hash(both, sizeof both);
    }
    toll_suspense_report_free(&report);
    return code;
}

static inline int fault_taxes(const struct toll_io *io, const struct fault_world *world,
                              struct fault_outcome *outcome)
{
    char run[256], text[2048];
    struct toll_taxes *taxes = NULL;
    struct toll_tax_line line;
    struct toll_tax_register_row row;
    int bytes = 0;
    fault_path(world, "merged", run);
    int code = toll_taxes_open_with(io, run, NULL, &taxes, &outcome->error);
    for (int64_t i = 0; code == 0 && toll_taxes_register(taxes, i, &row); i++) {
        bytes = snprintf(text, sizeof text, "%s %s %s %s %s %lld", row.account, row.site,
                         row.tax_jurisdiction, row.tax, row.tax_exact, (long long)row.tax_cents);
        const struct toll_hash128 both[2] = {outcome->answer, toll_hash(text, (size_t)bytes)};
        outcome->answer = toll_hash(both, sizeof both);
    }
    while (code == 0 && (code = toll_taxes_next(taxes, &line, &outcome->error)) > 0) {
        bytes = snprintf(text, sizeof text, "%s %s %s %s %s", line.kind, line.reason, line.charge, line.tax,
                         line.tax_exact);
        const struct toll_hash128 both[2] = {outcome->answer, toll_hash(text, (size_t)bytes)};
        outcome->answer = toll_hash(both, sizeof both);
        code = 0;
    }
    toll_taxes_close(taxes);
    return code;
}

static inline void fault_run(const struct fault_world *world, enum fault_operation operation,
                             const struct toll_io *io, unsigned threads, struct fault_outcome *outcome)
{
    memset(outcome, 0, sizeof *outcome);
    switch (operation) {
    case FAULT_IMPORT_FIRST:
        outcome->code = fault_import(io, world, "first.csv", world->out, threads, &outcome->error);
        break;
    case FAULT_IMPORT_SECOND:
        outcome->code = fault_import(io, world, "second.csv", world->out, threads, &outcome->error);
        break;
    case FAULT_COMPILE:
        outcome->code = fault_compile(io, world, world->out, &outcome->error);
        break;
    case FAULT_RATE_FOLDER:
        outcome->code =
            fault_rate(io, world, "book", world->out, NULL, threads, TOLL_IO_MMAP, &outcome->error);
        break;
    case FAULT_RATE_IMAGE:
        outcome->code =
            fault_rate(io, world, "book.image", world->out, NULL, threads, TOLL_IO_PREAD, &outcome->error);
        break;
    case FAULT_RATE_RING:
        outcome->code =
            fault_rate(io, world, "book.image", world->out, NULL, threads, TOLL_IO_URING, &outcome->error);
        break;
    case FAULT_RATE_AUTO:
        outcome->code =
            fault_rate(io, world, "book.image", world->out, NULL, threads, TOLL_IO_AUTO, &outcome->error);
        break;
    case FAULT_RATE_MERGE:
        outcome->code =
            fault_rate(io, world, "book", world->out, "run", threads, TOLL_IO_URING, &outcome->error);
        break;
    case FAULT_VERIFY_DATASET:
        outcome->code = fault_verify(io, world, "cdrs2", outcome);
        break;
    case FAULT_VERIFY_RUN:
        outcome->code = fault_verify(io, world, "run", outcome);
        break;
    case FAULT_VERIFY_IMAGE:
        outcome->code = fault_verify(io, world, "book.image", outcome);
        break;
    case FAULT_READ_RUN:
        outcome->code = fault_read(io, world, "run", outcome);
        break;
    case FAULT_EXPLAIN:
        outcome->code = fault_explain(io, world, outcome);
        break;
    case FAULT_VERIFY_MERGED:
        outcome->code = fault_verify(io, world, "merged", outcome);
        break;
    case FAULT_READ_MERGED:
        outcome->code = fault_read(io, world, "merged", outcome);
        break;
    case FAULT_SUSPENSE:
        outcome->code = fault_suspense(io, world, outcome);
        break;
    case FAULT_CHECK:
        outcome->code = fault_check(io, world, outcome);
        break;
    case FAULT_TAXES:
        outcome->code = fault_taxes(io, world, outcome);
        break;
    case FAULT_OPERATIONS:
        break;
    }
}

static inline bool fault_writes(enum fault_operation operation)
{
    return operation <= FAULT_RATE_MERGE;
}

/* ---- what is on the disk ---- */

/* Folds all files below a path into the hash; counts names that look unfinished. stats.json is wall time. */
static inline void fault_tree(int directory, const char *name, struct toll_hash128 *hash, int *unfinished)
{
    const struct toll_io *io = toll_io_system();
    const size_t bytes = strlen(name);
    struct stat status;
    if (bytes > 4 && strcmp(name + bytes - 4, ".tmp") == 0)
        ++*unfinished;
    assert_int_equal(io->fstatat(io->context, directory, name, &status, AT_SYMLINK_NOFOLLOW), 0);
    if (!S_ISDIR(status.st_mode)) {
        struct toll_blob blob;
        if (strcmp(name, "stats.json") == 0)
            return;
        assert_int_equal(toll_blob_read(&blob, io, directory, name, TOLL_READ_PREAD, NULL), 0);
        const struct toll_hash128 all[3] = {*hash, toll_hash(name, bytes), toll_hash(blob.data, blob.size)};
        *hash = toll_hash(all, sizeof all);
        toll_blob_free(&blob);
        return;
    }
    char **names;
    size_t count;
    const int fd = io->openat(io->context, directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(toll_list_directory(io, fd, ".", &names, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        fault_tree(fd, names[i], hash, unfinished);
    toll_names_free(names, count);
    io->close(io->context, fd);
}

/* Of what lies under the output's name, zero when there is nothing; *unfinished counts temporaries in and
 * beside it. */
static inline struct toll_hash128 fault_look(const struct fault_world *world, int *unfinished)
{
    struct toll_hash128 hash = {0, 0};
    char **names;
    size_t count;
    *unfinished = 0;
    if (access(world->out, F_OK) == 0)
        fault_tree(AT_FDCWD, world->out, &hash, unfinished);
    assert_int_equal(toll_list_directory(toll_io_system(), AT_FDCWD, world->folder, &names, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        *unfinished += strstr(names[i], ".tmp") != NULL;
    toll_names_free(names, count);
    return hash;
}

static inline void fault_copy(const char *from, const char *to)
{
    const struct toll_io *io = toll_io_system();
    char **names;
    size_t count;
    assert_int_equal(mkdir(to, 0750), 0);
    assert_int_equal(toll_list_directory(io, AT_FDCWD, from, &names, &count, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        char source[512], target[512];
        struct stat status;
        struct toll_blob blob;
        assert_true(snprintf(source, sizeof source, "%s/%s", from, names[i]) < (int)sizeof source);
        assert_true(snprintf(target, sizeof target, "%s/%s", to, names[i]) < (int)sizeof target);
        assert_int_equal(stat(source, &status), 0);
        if (S_ISDIR(status.st_mode)) {
            fault_copy(source, target);
            continue;
        }
        assert_int_equal(toll_blob_read(&blob, io, AT_FDCWD, source, TOLL_READ_PREAD, NULL), 0);
        FILE *file = fopen(target, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(blob.data, 1, blob.size, file), blob.size);
        assert_int_equal(fclose(file), 0);
        toll_blob_free(&blob);
    }
    toll_names_free(names, count);
}

/* As an operation finds it: no output, or the dataset of the first import. */
static inline void fault_reset(const struct fault_world *world, enum fault_operation operation)
{
    char path[256];
    if (!fault_writes(operation))
        return;
    assert_int_equal(toll_remove_tree(toll_io_system(), AT_FDCWD, world->out, NULL), 0);
    snprintf(path, sizeof path, "%s.tollmill.tmp", world->out);
    assert_int_equal(toll_remove_tree(toll_io_system(), AT_FDCWD, path, NULL), 0);
    snprintf(path, sizeof path, "%s.tmp", world->out);
    assert_int_equal(toll_remove_tree(toll_io_system(), AT_FDCWD, path, NULL), 0);
    if (operation != FAULT_IMPORT_SECOND)
        return;
    fault_path(world, "cdrs1", path);
    fault_copy(path, world->out);
}

/* ---- the world ---- */

static inline void fault_must(int code, const struct toll_error *error)
{
    if (code != 0)
        fail_msg("%s", error->text);
}

static inline void fault_world_make(struct fault_world *world, const char *test)
{
    char path[256], image[256];
    struct toll_error error;
    struct faulty_io quiet;
    int unfinished;
    memset(world, 0, sizeof *world);
    const char *base = getenv("TMPDIR") != NULL        ? getenv("TMPDIR")
                       : access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                                       : "/tmp";
    snprintf(world->folder, sizeof world->folder, "%s/tollmill-%s-XXXXXX", base, test);
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->out, sizeof world->out, "%s/out", world->folder);
    fault_path(world, "book", path);
    assert_int_equal(mkdir(path, 0700), 0);
    fault_path(world, "book/decks", path);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < sizeof fault_files / sizeof *fault_files; i++) {
        fault_path(world, fault_files[i][0], path);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(fault_files[i][1], file) >= 0);
        assert_int_equal(fclose(file), 0);
    }
    fault_quiet_io(&quiet);
    fault_path(world, "cdrs1", path);
    fault_must(fault_import(&quiet.io, world, "first.csv", path, 1, &error), &error);
    fault_path(world, "cdrs2", path);
    fault_must(fault_import(&quiet.io, world, "first.csv", path, 1, &error), &error);
    fault_must(fault_import(&quiet.io, world, "second.csv", path, 1, &error), &error);
    fault_path(world, "book.image", image);
    fault_must(fault_compile(&quiet.io, world, image, &error), &error);
    fault_path(world, "run", path);
    fault_must(fault_rate(&quiet.io, world, "book.image", path, NULL, 1, TOLL_IO_MMAP, &error), &error);
    fault_path(world, "merged", path);
    fault_must(fault_rate(&quiet.io, world, "book", path, "run", 1, TOLL_IO_MMAP, &error), &error);
    for (enum fault_operation i = 0; i < FAULT_OPERATIONS; i++) {
        struct fault_outcome outcome;
        fault_reset(world, i);
        if (i == FAULT_IMPORT_SECOND)
            world->before = fault_look(world, &unfinished);
        fault_quiet_io(&quiet);
        fault_run(world, i, &quiet.io, 1, &outcome);
        fault_must(outcome.code, &outcome.error);
        assert_int_equal(quiet.open, 0);
        assert_int_equal(quiet.maps, 0);
        world->calls[i] = quiet.calls;
        world->ring_answers += (int)quiet.by_call[FAULTY_RING_ANSWER];
        world->clean[i] = fault_writes(i) ? fault_look(world, &unfinished) : outcome.answer;
        fault_reset(world, i);
    }
}

static inline void fault_world_remove(const struct fault_world *world)
{
    assert_int_equal(toll_remove_tree(toll_io_system(), AT_FDCWD, world->folder, NULL), 0);
}

/* ---- what must hold ---- */

/* Complete, and the same as without faults. */
static inline bool fault_complete(const struct fault_world *world, enum fault_operation operation,
                                  const struct fault_outcome *outcome)
{
    int unfinished;
    const struct toll_hash128 now =
        fault_writes(operation) ? fault_look(world, &unfinished) : outcome->answer;
    return toll_hash_equal(now, world->clean[operation]);
}

/* No output; of the second import, the first one's dataset, whole. Files that no manifest names may lie in a
 * dataset. */
static inline bool fault_unpublished(const struct fault_world *world, enum fault_operation operation)
{
    char path[256];
    struct toll_dataset dataset;
    struct toll_error error;
    if (!fault_writes(operation))
        return true;
    if (operation == FAULT_IMPORT_FIRST) {
        snprintf(path, sizeof path, "%s/dataset.json", world->out);
        return access(path, F_OK) != 0;
    }
    if (operation != FAULT_IMPORT_SECOND)
        return access(world->out, F_OK) != 0;
    if (toll_dataset_open(&dataset, toll_io_system(), world->out, &error) != 0)
        return false;
    const bool old = dataset.generation == 1 && toll_dataset_verify(&dataset, &error) == 0;
    toll_dataset_close(&dataset);
    return old;
}

/* One line that is not empty and says which file; its code is the one returned. */
static inline bool fault_text_clear(const struct fault_world *world, const struct fault_outcome *outcome,
                                    bool names_file)
{
    const char *text = outcome->error.text;
    const bool named = !names_file || strstr(text, world->folder) != NULL ||
                       strstr(text, TOLL_ZONE_FOLDER) != NULL || strstr(text, TOLL_SOURCE_DIR) != NULL ||
                       strncmp(text, "lines/", 6) == 0;
    return outcome->error.code == outcome->code && *text != '\0' && strchr(text, '\n') == NULL && named;
}

/* The next run without faults succeeds and gives the same bytes: NULL, or what is wrong. */
static inline const char *fault_next_run(const struct fault_world *world, enum fault_operation operation)
{
    struct faulty_io quiet;
    struct fault_outcome outcome;
    fault_quiet_io(&quiet);
    fault_run(world, operation, &quiet.io, 1, &outcome);
    if (outcome.code != 0)
        return "the next run fails";
    return fault_complete(world, operation, &outcome) ? NULL : "the next run gives other bytes";
}

#endif
