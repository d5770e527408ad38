/*
 * A run's calls rated again (docs/RERATE.md section 1): with the days and the start balance that it had, into
 * a run that names it as its predecessor; then what moved between the two. Nothing is published before
 * the old run has been read whole, and nobody else re-rates it meanwhile.
 */
#include "pipeline/rerate.h"

#include "base/cpu.h"
#include "base/error.h"
#include "pipeline/adjust.h"
#include "pipeline/delta.h"
#include "segment/state.h"
#include "simd/kernels.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

struct rerate {
    const struct toll_rerate_options *options;
    const struct toll_io *io;
    struct toll_run_files old;
    bool old_open;
    struct toll_run_check *check;
    int lock; /* fd of the old run's manifest, -1 */
    struct toll_rerate_part part;
};

/* ---- the old run ---- */

static int lock_run(struct rerate *rerate, struct toll_error *error)
{
    const struct toll_io *io = rerate->io;
    const char *path = rerate->options->old_run_path;
    int result;
    rerate->lock =
        io->openat(io->context, rerate->old.directory, "run.json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (rerate->lock < 0)
        return toll_error_errno(error, TOLL_EIO, -rerate->lock, "%s/run.json: cannot be opened", path);
    do
        result = io->flock(io->context, rerate->lock, LOCK_EX | LOCK_NB);
    while (result == -EINTR);
    if (result == -EWOULDBLOCK)
        return toll_error_set(error, TOLL_ELOCKED, "%s: another rerate of it is at work; wait for its end",
                              path);
    return result < 0 ? toll_error_errno(error, TOLL_EIO, -result, "%s/run.json: cannot lock", path) : 0;
}

static int open_old(struct rerate *rerate, unsigned features, struct toll_error *error)
{
    const struct toll_rerate_options *options = rerate->options;
    /* Of a run that is rated again as a whole no table is needed before the delta. */
    const bool whole = !toll_rerate_is_part(options);
    int rc = whole ? toll_run_files_open_bare(&rerate->old, rerate->io, options->old_run_path, error)
                   : toll_run_files_open(&rerate->old, rerate->io, options->old_run_path, error);
    rerate->old_open = rc == 0;
    if (rc == 0)
        rc = lock_run(rerate, error);
    return rc != 0 ? rc
                   : toll_run_check_begin(&rerate->check, &rerate->old, whole,
                                          toll_kernels_select(features)->hash, error);
}

/* ---- before anything is made ---- */

static int refuse_existing(const struct rerate *rerate, const char *path, struct toll_error *error)
{
    const struct toll_io *io = rerate->io;
    struct stat status;
    const int result = io->fstatat(io->context, AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW);
    if (result == -ENOENT)
        return 0;
    if (result < 0)
        return toll_error_errno(error, TOLL_ECREATE, -result, "%s: cannot look at it", path);
    return toll_error_set(error, TOLL_ECREATE,
                          "%s: exists already and is never overwritten; choose another output or remove it",
                          path);
}

/* The folder in which the delta will lie. */
static int check_parent(const struct rerate *rerate, struct toll_error *error)
{
    const struct toll_io *io = rerate->io;
    const char *path = rerate->options->delta_path;
    size_t bytes = strlen(path);
    while (bytes > 1 && path[bytes - 1] == '/')
        bytes--; /* slashes behind its name */
    const char *slash = memrchr(path, '/', bytes);
    char *parent = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (parent == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    const int fd = toll_open_folder(io, AT_FDCWD, parent, 0);
    free(parent);
    if (fd < 0)
        return toll_error_errno(error, TOLL_ECREATE, -fd, "%s: the folder it would lie in cannot be opened%s",
                                path, fd == -ENOENT ? "; make it first" : "");
    io->close(io->context, fd);
    return 0;
}

/* Whether it closed rows of the CDRs as they are now. */
static int knows_cdrs(const struct rerate *rerate, const struct toll_state *state, bool *known,
                      struct toll_error *error)
{
    struct toll_dataset dataset;
    const int rc = toll_dataset_open(&dataset, rerate->io, rerate->options->rate.dataset_path, error);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < dataset.part_count; i++) {
        const struct toll_dataset_part *part = &dataset.parts[i];
        *known |= toll_state_has_part(state, part->day, part->part, part->rows, &part->seal);
    }
    toll_dataset_close(&dataset);
    return 0;
}

/* What would be found only when all is rated. */
static int check_closed(const struct rerate *rerate, struct toll_error *error)
{
    const char *path = rerate->options->closed_path;
    struct toll_state state;
    bool known = false;
    if (path == NULL)
        return 0;
    int rc = toll_state_open(&state, rerate->io, path, error);
    if (rc != 0)
        return rc;
    rc = knows_cdrs(rerate, &state, &known, error);
    if (rc == 0)
        rc = toll_adjust_check_state(&state, path, &rerate->old, known, error);
    toll_state_close(&state);
    return rc != 0 ? rc
                   : toll_adjust_check_policy(&rerate->options->policy,
                                              toll_run_files_have(&rerate->old, "tuples.arrow"), error);
}

static int check_options(const struct toll_rerate_options *options, struct toll_error *error)
{
    const struct toll_rate_options *rate = &options->rate;
    if (rate->only_suspense != NULL || rate->after != NULL || rate->reorder || rate->from_day != NULL ||
        rate->to_day != NULL || rate->cut_periods)
        return toll_error_set(error, TOLL_EUSAGE,
                              "a run is rated again with its own days and start; leave out the others");
    if (options->delta_path == NULL || strcmp(options->delta_path, rate->run_path) == 0)
        return toll_error_set(error, TOLL_EUSAGE, "say where the delta goes, besides the new run");
    return 0;
}

/* ---- rating ---- */

static int choose(struct rerate *rerate, struct toll_error *error)
{
    const struct toll_rerate_options *options = rerate->options;
    if (!toll_rerate_is_part(options))
        return 0;
    if (rerate->old.manifest.has_after)
        return toll_error_set(
            error, TOLL_EUSAGE,
            "%s goes on behind a closed run, and what its calls have drawn since is not known "
            "call by call: rate all of it again, without --accounts, --from, --to and "
            "--only-suspense",
            options->old_run_path);
    return toll_rerate_choose(&rerate->part, rerate->io, &rerate->old, options, error);
}

static const char *day_or_null(const char *day)
{
    return day[0] == 0 ? NULL : day;
}

static int old_is_whole(void *context, struct toll_error *error)
{
    return toll_run_check_end(context, error);
}

static int rate(const struct rerate *rerate, const struct toll_rate_tuning *tuning,
                struct toll_rate_result *result, struct toll_error *error)
{
    const struct toll_run_manifest *old = &rerate->old.manifest;
    struct toll_rate_options rate = rerate->options->rate;
    struct toll_rate_tuning with = *tuning;
    with.predecessor = &rerate->old.digest;
    with.before_publishing = old_is_whole;
    with.context = rerate->check;
    rate.from_day = day_or_null(old->from_day);
    rate.to_day = day_or_null(old->to_day);
    rate.cut_periods = old->cut_periods;
    rate.reorder = old->reorder;
    if (toll_rerate_is_part(rerate->options)) {
        rate.only_suspense = rerate->options->old_run_path;
        rate.from_day = rate.to_day = NULL; /* the old run's, in any case */
        with.choice = &rerate->part.choice;
    } else if (old->has_after) { /* the run holds a copy of all of the state */
        rate.after = rerate->options->old_run_path;
    }
    return toll_rate_tuned(&rate, &with, result, error);
}

/* The old run is its from here on. */
static int make_delta(struct rerate *rerate, struct toll_delta_result *result, struct toll_error *error)
{
    const struct toll_rerate_options *options = rerate->options;
    const struct toll_delta_options delta = {
        .old_run_path = options->old_run_path,
        .new_run_path = options->rate.run_path,
        .old_dataset_path =
            options->old_dataset_path == NULL ? options->rate.dataset_path : options->old_dataset_path,
        .new_dataset_path = options->rate.dataset_path,
        .delta_path = options->delta_path,
        .closed_path = options->closed_path,
        .policy = options->policy,
        .threads = options->rate.threads,
        .progress = options->rate.progress,
    };
    rerate->old_open = false;
    return toll_delta_make_of(&delta, &rerate->old, result, error);
}

int toll_rerate_tuned(const struct toll_rerate_options *options, const struct toll_rate_tuning *tuning,
                      struct toll_rerate_result *result, struct toll_error *error)
{
    struct rerate rerate = {.options = options, .io = tuning->io, .lock = -1};
    unsigned features = 0;
    memset(result, 0, sizeof *result);
    int rc = check_options(options, error);
    if (rc == 0)
        rc = refuse_existing(&rerate, options->rate.run_path, error);
    if (rc == 0)
        rc = refuse_existing(&rerate, options->delta_path, error);
    if (rc == 0)
        rc = check_parent(&rerate, error);
    if (rc == 0)
        rc = toll_simd_features(options->rate.simd, tuning->features, &features, error);
    if (rc == 0)
        rc = open_old(&rerate, features, error);
    if (rc == 0)
        rc = check_closed(&rerate, error);
    if (rc == 0)
        rc = choose(&rerate, error);
    if (rc == 0)
        rc = rate(&rerate, tuning, &result->rate, error);
    if (rc == 0)
        rc = make_delta(&rerate, &result->delta, error);
    toll_run_check_free(rerate.check);
    if (rerate.lock >= 0)
        rerate.io->close(rerate.io->context, rerate.lock);
    if (rerate.old_open)
        toll_run_files_close(&rerate.old);
    toll_rerate_part_free(&rerate.part);
    return rc;
}

int toll_rerate(const struct toll_rerate_options *options, struct toll_rerate_result *result,
                struct toll_error *error)
{
    const struct toll_rate_tuning tuning = {.io = toll_io_system(), .features = toll_cpu_features()};
    return toll_rerate_tuned(options, &tuning, result, error);
}
