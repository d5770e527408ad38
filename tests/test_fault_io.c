/*
 * Every call of the system fails, each in turn, with every errno that suits it: once, and from there on for
 * ever; then hundreds of seeds that mix failures, interruptions and short answers. After each: the right
 * code, one line that names a file, nothing published, nothing left open or unfinished, and the next run is
 * as if nothing had been.
 *
 * TOLL_FAULT_ALL: all errnos of a call, not a third of them. TOLL_FAULT_SEEDS: how many seeds (300).
 * TOLL_FAULT_STRIDE: only every so many-th call (1; more under a sanitizer).
 */
#include "fault_world.h"

static struct fault_world world;

static bool code_fits(int code, enum faulty_call call, int error)
{
    if (error == -ENOMEM)
        return code == TOLL_ENOMEM;
    switch (call) {
    case FAULTY_FLOCK:
        return code == TOLL_EIO || (code == TOLL_ELOCKED && error == -EWOULDBLOCK);
    case FAULTY_OPENAT:
    case FAULTY_CREATE:
    case FAULTY_FSTATAT:
    case FAULTY_MKDIRAT:
    case FAULTY_UNLINKAT:
    case FAULTY_RENAMEAT:
    case FAULTY_RENAMEAT2:
        return code == TOLL_EIO || code == TOLL_ECREATE;
    default:
        return code == TOLL_EIO;
    }
}

/* The last step is to bring a name to disk that everybody sees already: if only that fails, the call fails,
 * and what it published stays, complete. */
static bool is_last_step(const struct faulty_io *faulty)
{
    return faulty->first_call == FAULTY_FSYNC || faulty->first_call == FAULTY_OPENAT ||
           faulty->first_call == FAULTY_CLOSE;
}

static int late, tolerated, failed, wrong;

static void complain(enum fault_operation operation, const struct faulty_io *faulty,
                     const struct fault_outcome *outcome, const char *mode, int number, const char *what)
{
    if (wrong++ < 10)
        print_error("%s, %s %d (%s: %s), code %d, \"%s\": %s\n", fault_names[operation], mode, number,
                    faulty->first_call < 0 ? "no call" : faulty_kind(faulty->first_call)->name,
                    strerror(-faulty->first_error), outcome->code, outcome->error.text, what);
}

/* NULL, or what is wrong with a call that failed. */
static const char *fault_of(enum fault_operation operation, const struct faulty_io *faulty,
                            const struct fault_outcome *outcome, bool once)
{
    const int code = outcome->code;
    if (faulty->faults == 0)
        return "only harmless answers, but it failed";
    if (once ? !code_fits(code, faulty->first_call, faulty->first_error)
             : code != TOLL_EIO && code != TOLL_ECREATE && code != TOLL_ENOMEM && code != TOLL_ELOCKED)
        return "not the code for it";
    if (!fault_text_clear(&world, outcome, true))
        return "the text is not one line that names a file";
    if (fault_unpublished(&world, operation))
        return fault_writes(operation) ? fault_next_run(&world, operation) : NULL;
    late++;
    if (!fault_complete(&world, operation, outcome) || (once && !is_last_step(faulty)))
        return "failed, but published";
    /* An import that has nothing left to do succeeds; a run or image is there and complete. */
    return operation <= FAULT_IMPORT_SECOND ? fault_next_run(&world, operation) : NULL;
}

static void check(enum fault_operation operation, const struct faulty_io *faulty,
                  const struct fault_outcome *outcome, bool once, const char *mode, int number)
{
    const char *what = NULL;
    int unfinished = 0;
    if (fault_writes(operation))
        fault_look(&world, &unfinished);
    if (faulty->open != 0 || faulty->maps != 0)
        what = "a descriptor or map is left";
    else if (once && unfinished != 0 && outcome->code != TOLL_ELOCKED)
        what = "something unfinished is left";
    else if (outcome->code == 0 && faulty->needed > 0)
        what = "succeeded, although a call that is needed failed";
    else if (outcome->code == 0)
        what = fault_complete(&world, operation, outcome) ? NULL : "succeeded, but with other bytes";
    else
        what = fault_of(operation, faulty, outcome, once);
    tolerated += outcome->code == 0;
    failed += outcome->code != 0;
    if (what != NULL)
        complain(operation, faulty, outcome, mode, number, what);
    fault_reset(&world, operation);
}

static void faulty_choose(struct faulty_io *faulty, int fail_at, int choice, bool harmless, bool for_ever)
{
    faulty_io_init(faulty, fail_at, 0, for_ever);
    faulty->no_sync = true;
    faulty->chooses = true;
    faulty->choice = choice;
    faulty->harmless = harmless;
}

static int stride(void)
{
    return fault_number("TOLL_FAULT_STRIDE", FAULT_SANITIZED ? 7 : 1);
}

/* The worst errno of each call always, of the others one in three; all with TOLL_FAULT_ALL. */
static bool left_out(int at, int choice)
{
    return choice > 0 && (at + choice) % 3 != 0 && getenv("TOLL_FAULT_ALL") == NULL;
}

/* One operation, all calls. */
static void every_call(enum fault_operation operation)
{
    struct fault_outcome outcome;
    struct faulty_io faulty;
    fault_reset(&world, operation);
    late = tolerated = failed = wrong = 0;
    for (int at = 0; at < world.calls[operation]; at += stride()) {
        for (int harmless = 0; harmless < 2; harmless++) {
            for (int choice = 0; choice < FAULTY_CHOICES; choice++) {
                if (!harmless && left_out(at, choice))
                    continue;
                faulty_choose(&faulty, at, choice, harmless, false);
                fault_run(&world, operation, &faulty.io, 1, &outcome);
                if (faulty.first_call < 0) {
                    fault_reset(&world, operation);
                    break;
                }
                check(operation, &faulty, &outcome, true, "call", at);
            }
        }
        for (int choice = 0; choice < 2; choice++) {
            if (left_out(at, choice))
                continue;
            faulty_choose(&faulty, at, choice, false, true);
            fault_run(&world, operation, &faulty.io, 1, &outcome);
            check(operation, &faulty, &outcome, false, "from call on", at);
        }
    }
    print_message("%s: %d calls, every %d: %d runs failed, %d went well, %d failed after publishing\n",
                  fault_names[operation], world.calls[operation], stride(), failed, tolerated, late);
    if (operation == FAULT_RATE_RING)
        print_message(world.ring_answers > 0 ? "%d answers of the ring in a run without faults\n"
                                             : "no ring here (%d answers): this was pread\n",
                      world.ring_answers);
    assert_int_equal(wrong, 0);
    assert_true(failed > 0);
}

#define EVERY_CALL(name, operation)       \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        every_call(operation);            \
    }
EVERY_CALL(import_first, FAULT_IMPORT_FIRST)
EVERY_CALL(import_second, FAULT_IMPORT_SECOND)
EVERY_CALL(compile, FAULT_COMPILE)
EVERY_CALL(rate_folder, FAULT_RATE_FOLDER)
EVERY_CALL(rate_image, FAULT_RATE_IMAGE)
EVERY_CALL(rate_ring, FAULT_RATE_RING)
EVERY_CALL(rate_auto, FAULT_RATE_AUTO)
EVERY_CALL(rate_merge, FAULT_RATE_MERGE)
EVERY_CALL(verify_dataset, FAULT_VERIFY_DATASET)
EVERY_CALL(verify_run, FAULT_VERIFY_RUN)
EVERY_CALL(verify_image, FAULT_VERIFY_IMAGE)
EVERY_CALL(read_run, FAULT_READ_RUN)
EVERY_CALL(explain, FAULT_EXPLAIN)
EVERY_CALL(verify_merged, FAULT_VERIFY_MERGED)
EVERY_CALL(read_merged, FAULT_READ_MERGED)
EVERY_CALL(suspense, FAULT_SUSPENSE)
EVERY_CALL(check, FAULT_CHECK)
EVERY_CALL(taxes, FAULT_TAXES)

/* Even seeds never fail for good: the outcome must be as without them. */
static void test_seeds(void **state)
{
    const int seeds = fault_number("TOLL_FAULT_SEEDS", FAULT_SANITIZED ? 60 : 300);
    (void)state;
    late = tolerated = failed = wrong = 0;
    for (int seed = 1; seed <= seeds; seed++) {
        const enum fault_operation operation = (enum fault_operation)(seed / 2 % FAULT_OPERATIONS);
        const uint64_t draw = faulty_random((uint64_t)seed, 0);
        struct fault_outcome outcome;
        struct faulty_io faulty;
        faulty_io_init(&faulty, -1, 0, false);
        faulty.no_sync = true;
        faulty.seed = (uint64_t)seed;
        faulty.fail_ppm =
            seed % 2 == 0 ? 0 : (unsigned)(1000000 / (1 + world.calls[operation]) * (draw % 4 + 1) / 2);
        faulty.interrupted_ppm = 100000;
        faulty.short_ppm = 400000;
        fault_reset(&world, operation);
        fault_run(&world, operation, &faulty.io, 1 + (unsigned)(draw >> 8) % 3, &outcome);
        check(operation, &faulty, &outcome, false, "seed", seed);
    }
    print_message("%d seeds: %d failed, %d went well, %d failed after publishing\n", seeds, failed, tolerated,
                  late);
    assert_int_equal(wrong, 0);
    assert_true(seeds < 60 || (failed > seeds / 10 && tolerated > seeds / 2));
}

static int set_up(void **state)
{
    (void)state;
    fault_world_make(&world, "fault-io");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fault_world_remove(&world);
    return 0;
}

int main(void)
{
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
        cmocka_unit_test(test_seeds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
