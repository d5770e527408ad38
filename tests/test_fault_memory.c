/*
 * Every allocation fails, each in turn: once, and from there on for ever. The program replaces malloc and its
 * family, so that those of libyaml, libcrypto and the C library count, too. After each: TOLL_ENOMEM and one
 * line, or a complete result where the memory was a hint; nothing published, no block and no descriptor left,
 * and the next run is as if nothing had been.
 *
 * TOLL_FAULT_STRIDE: only every so many-th allocation (by default so many that it takes a few seconds; 1:
 * all).
 */
#include "fault_world.h"

#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>

/* ---- the allocator ---- */

#if FAULT_SANITIZED /* the sanitizer's own, below whose names ours come in */
#define REAL(name) __interceptor_##name
#else
#define REAL(name) __libc_##name
#endif
void *REAL(malloc)(size_t bytes);
void *REAL(calloc)(size_t count, size_t bytes);
void *REAL(realloc)(void *block, size_t bytes);
void *REAL(memalign)(size_t alignment, size_t bytes);
void REAL(free)(void *block);

static _Atomic bool counting;
static _Atomic int allocations, blocks, refused;
static int fail_at;
static bool for_ever;

/* A sanitizer begins each thread with an allocation that must not fail: what is before our own function is
 * neither refused nor counted. */
static _Thread_local bool begun = !FAULT_SANITIZED;

#if FAULT_SANITIZED
struct beginning {
    void *(*function)(void *);
    void *argument;
};
int __interceptor_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                                 void *(*function)(void *), void *argument);

static void *begin(void *argument)
{
    const struct beginning beginning = *(struct beginning *)argument;
    REAL(free)(argument);
    begun = true;
    return beginning.function(beginning.argument);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                   void *argument)
{
    struct beginning *beginning = REAL(malloc)(sizeof *beginning);
    *beginning = (struct beginning){function, argument};
    const int rc = __interceptor_pthread_create(thread, attributes, begin, beginning);
    if (rc != 0)
        REAL(free)(beginning);
    return rc;
}
#endif

static bool counts(void)
{
    return begun && atomic_load(&counting);
}

/* A block more or less than at the beginning is a leak, or a free too many. */
static bool refuse(void)
{
    if (!counts())
        return false;
    const int number = atomic_fetch_add(&allocations, 1);
    const bool fails = fail_at >= 0 && (number == fail_at || (for_ever && number > fail_at));
    atomic_fetch_add(&refused, fails);
    if (fails)
        errno = ENOMEM;
    return fails;
}

static void *counted(void *block)
{
    if (block != NULL && counts())
        atomic_fetch_add(&blocks, 1);
    return block;
}

void *malloc(size_t bytes)
{
    return refuse() ? NULL : counted(REAL(malloc)(bytes));
}

void *calloc(size_t count, size_t bytes)
{
    return refuse() ? NULL : counted(REAL(calloc)(count, bytes));
}

void *realloc(void *block, size_t bytes)
{
    if (block == NULL)
        return malloc(bytes);
    if (refuse())
        return NULL;
    return REAL(realloc)(block, bytes);
}

void *reallocarray(void *block, size_t count, size_t bytes)
{
    size_t all;
    if (__builtin_mul_overflow(count, bytes, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, all);
}

void *memalign(size_t alignment, size_t bytes)
{
    return refuse() ? NULL : counted(REAL(memalign)(alignment, bytes));
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return memalign(alignment, bytes);
}

int posix_memalign(void **out, size_t alignment, size_t bytes)
{
    void *block = memalign(alignment, bytes);
    if (block == NULL)
        return ENOMEM;
    *out = block;
    return 0;
}

void free(void *block)
{
    if (block != NULL && counts())
        atomic_fetch_sub(&blocks, 1);
    REAL(free)(block);
}

/* A sanitizer has its own of these two, which would not come by here. */
char *strndup(const char *text, size_t most)
{
    const size_t bytes = strnlen(text, most);
    char *copy = malloc(bytes + 1);
    if (copy != NULL) {
        memcpy(copy, text, bytes);
        copy[bytes] = '\0';
    }
    return copy;
}

char *strdup(const char *text)
{
    return strndup(text, strlen(text));
}

#if FAULT_SANITIZED
char *__interceptor_realpath(const char *path, char *resolved);
char *realpath(const char *path, char *resolved)
{
    char *room = resolved != NULL ? resolved : malloc(PATH_MAX), *found = NULL;
    if (room != NULL)
        found = __interceptor_realpath(path, room);
    if (found == NULL && resolved == NULL)
        free(room);
    return found;
}
#endif

/* ---- the proof ---- */

static struct fault_world world;
static int failed, tolerated, wrong;

static void complain(enum fault_operation operation, int at, const struct fault_outcome *outcome,
                     const char *what)
{
    if (wrong++ < 10)
        print_error("%s, allocation %d%s, code %d, \"%s\": %s\n", fault_names[operation], at,
                    for_ever ? " and all after it" : "", outcome->code, outcome->error.text, what);
}

/* Runs with an allocation that fails; -1 none. How many blocks are there more than before. */
static int run_counted(enum fault_operation operation, int at, bool ever, unsigned threads,
                       struct faulty_io *quiet, struct fault_outcome *outcome)
{
    fault_quiet_io(quiet);
    fail_at = at;
    for_ever = ever;
    allocations = blocks = refused = 0;
    counting = true;
    fault_run(&world, operation, &quiet->io, threads, outcome);
    counting = false;
    return blocks;
}

static const char *fault_of(enum fault_operation operation, const struct faulty_io *quiet,
                            const struct fault_outcome *outcome, int left)
{
    int unfinished = 0;
    if (left != 0)
        return "a block of memory is left";
    if (quiet->open != 0 || quiet->maps != 0)
        return "a descriptor or map is left";
    if (fault_writes(operation))
        fault_look(&world, &unfinished);
    if (outcome->code == 0)
        return unfinished == 0 && fault_complete(&world, operation, outcome)
                   ? NULL
                   : "succeeded, but with other bytes";
    if (outcome->code != TOLL_ENOMEM)
        return "not the code for it";
    if (!fault_text_clear(&world, outcome, false))
        return "the text is not one line";
    if (!fault_unpublished(&world, operation))
        return "failed, but published";
    if (unfinished != 0 && !for_ever)
        return "something unfinished is left";
    return fault_writes(operation) ? fault_next_run(&world, operation) : NULL;
}

static void every_allocation(enum fault_operation operation)
{
    struct fault_outcome outcome;
    struct faulty_io quiet;
    fault_reset(&world, operation);
    run_counted(operation, -1, false, 1, &quiet, &outcome); /* what is kept for ever is there after this */
    fault_reset(&world, operation);
    const int left = run_counted(operation, -1, false, 1, &quiet, &outcome);
    const int total = allocations;
    const int most = FAULT_SANITIZED ? 100 : 400;
    const int stride = fault_number("TOLL_FAULT_STRIDE", 1 + total / most);
    fault_must(outcome.code, &outcome.error);
    assert_int_equal(left, 0);
    fault_reset(&world, operation);
    failed = tolerated = wrong = 0;
    for (int ever = 0; ever < 2; ever++)
        for (int at = ever == 0 ? 0 : stride / 2; at < total; at += ever == 0 ? stride : 3 * stride) {
            const int more = run_counted(operation, at, ever, 1, &quiet, &outcome);
            if (refused == 0)
                continue;
            const char *what = fault_of(operation, &quiet, &outcome, more);
            if (more > 0) { /* libcrypto keeps its thread's first error for ever: then not again */
                fault_reset(&world, operation);
                what = fault_of(operation, &quiet, &outcome,
                                run_counted(operation, at, ever, 1, &quiet, &outcome));
            }
            failed += outcome.code != 0;
            tolerated += outcome.code == 0;
            if (what != NULL)
                complain(operation, at, &outcome, what);
            fault_reset(&world, operation);
        }
    print_message("%s: %d allocations, every %d: %d failed, %d went well\n", fault_names[operation], total,
                  stride, failed, tolerated);
    assert_int_equal(wrong, 0);
    assert_true(failed > 0);
}

/* Which allocation has which number is chance now, and threads keep some for the next one: blocks are left to
 * the leak sanitizer. */
static void test_threads(void **state)
{
    static const enum fault_operation operations[] = {FAULT_IMPORT_SECOND, FAULT_RATE_FOLDER};
    struct fault_outcome outcome;
    struct faulty_io quiet;
    (void)state;
    failed = wrong = 0;
    for (unsigned i = 0; i < 2; i++)
        for (int at = 0; at < 1200; at += FAULT_SANITIZED ? 61 : 13) {
            fault_reset(&world, operations[i]);
            run_counted(operations[i], at, at % 2 == 0, 3, &quiet, &outcome);
            const char *what = fault_of(operations[i], &quiet, &outcome, 0);
            failed += outcome.code != 0;
            if (what != NULL)
                complain(operations[i], at, &outcome, what);
            fault_reset(&world, operations[i]);
        }
    assert_int_equal(wrong, 0);
    assert_true(failed > 10);
}

#define EVERY_ALLOCATION(name, operation) \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        every_allocation(operation);      \
    }
EVERY_ALLOCATION(import_first, FAULT_IMPORT_FIRST)
EVERY_ALLOCATION(import_second, FAULT_IMPORT_SECOND)
EVERY_ALLOCATION(compile, FAULT_COMPILE)
EVERY_ALLOCATION(rate_folder, FAULT_RATE_FOLDER)
EVERY_ALLOCATION(rate_image, FAULT_RATE_IMAGE)
EVERY_ALLOCATION(rate_ring, FAULT_RATE_RING)
EVERY_ALLOCATION(rate_auto, FAULT_RATE_AUTO)
EVERY_ALLOCATION(rate_merge, FAULT_RATE_MERGE)
EVERY_ALLOCATION(verify_dataset, FAULT_VERIFY_DATASET)
EVERY_ALLOCATION(verify_run, FAULT_VERIFY_RUN)
EVERY_ALLOCATION(verify_image, FAULT_VERIFY_IMAGE)
EVERY_ALLOCATION(read_run, FAULT_READ_RUN)
EVERY_ALLOCATION(explain, FAULT_EXPLAIN)
EVERY_ALLOCATION(verify_merged, FAULT_VERIFY_MERGED)
EVERY_ALLOCATION(read_merged, FAULT_READ_MERGED)
EVERY_ALLOCATION(suspense, FAULT_SUSPENSE)
EVERY_ALLOCATION(check, FAULT_CHECK)
EVERY_ALLOCATION(taxes, FAULT_TAXES)

/*
 * A process whose first import it is: libraries set themselves up then, and may fail to. The child's exit
 * code is the command's.
 */
static int cold_import(const char *folder, int at, bool ever)
{
    struct fault_outcome outcome;
    struct faulty_io quiet;
    snprintf(world.folder, sizeof world.folder, "%s", folder);
    snprintf(world.out, sizeof world.out, "%s/out", folder);
    run_counted(FAULT_IMPORT_FIRST, at, ever, 1, &quiet, &outcome);
    if (at < 0)
        printf("%d\n", allocations);
    return outcome.code != 0 && outcome.error.text[0] == '\0' ? 1 : toll_exit_code(outcome.code);
}

static void test_cold_import(void **state)
{
    const int most = FAULT_SANITIZED ? 20 : 150;
    char command[600], self[256] = "";
    int total = 0, no_memory = 0, went_well = 0;
    (void)state;
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    fault_reset(&world, FAULT_IMPORT_FIRST);
    snprintf(command, sizeof command, "'%s' '%s' -1 0", self, world.folder);
    FILE *child = popen(command, "r");
    assert_non_null(child);
    assert_int_equal(fscanf(child, "%d", &total), 1);
    assert_int_equal(pclose(child), 0);
    const int stride = fault_number("TOLL_FAULT_STRIDE", 1 + total / most);
    for (int at = 0; at < total; at += stride) {
        fault_reset(&world, FAULT_IMPORT_FIRST);
        snprintf(command, sizeof command, "'%s' '%s' %d %d", self, world.folder, at, at / stride % 2);
        const int status = system(command);
        if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 71))
            fail_msg("allocation %d of a first import: status %x", at, (unsigned)status);
        if (WEXITSTATUS(status) != 0 && !fault_unpublished(&world, FAULT_IMPORT_FIRST))
            fail_msg("allocation %d of a first import: failed, but published", at);
        went_well += WEXITSTATUS(status) == 0;
        no_memory += WEXITSTATUS(status) == 71;
    }
    fault_reset(&world, FAULT_IMPORT_FIRST);
    print_message("first import of a process: %d allocations, every %d: %d failed, %d went well\n", total,
                  stride, no_memory, went_well);
    assert_true(no_memory > 0);
}

static int set_up(void **state)
{
    (void)state;
    fault_world_make(&world, "fault-memory");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fault_world_remove(&world);
    return 0;
}

int main(int argc, char **argv)
{
    begun = true;
    if (argc == 4)
        return cold_import(argv[1], atoi(argv[2]), atoi(argv[3]) != 0);

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import_first), cmocka_unit_test(test_import_second),
        cmocka_unit_test(test_compile),      cmocka_unit_test(test_rate_folder),
        cmocka_unit_test(test_rate_image),   cmocka_unit_test(test_rate_ring),
        cmocka_unit_test(test_rate_auto),    cmocka_unit_test(test_verify_dataset),
        cmocka_unit_test(test_verify_run),   cmocka_unit_test(test_verify_image),
        cmocka_unit_test(test_read_run),     cmocka_unit_test(test_explain),
        cmocka_unit_test(test_rate_merge),   cmocka_unit_test(test_verify_merged),
        cmocka_unit_test(test_read_merged),  cmocka_unit_test(test_suspense),
        cmocka_unit_test(test_check),        cmocka_unit_test(test_taxes),
        cmocka_unit_test(test_threads),      cmocka_unit_test(test_cold_import),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
