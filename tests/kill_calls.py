"""SIGKILL in every system call of a small import, a second one on top of it, a rating, the closing of a cycle, ratings behind
it, a compile and an export.

After each kill: the manifest is the old or the new one, it verifies, and the next run succeeds and leaves the very
bytes of a run that nobody disturbed, nothing else. KILL_CALLS=all takes every call, also with two threads and each
--io; by default every call that changes the file system is taken, and a sample of the others.
"""
import collections
import os
import random
import signal
import sys

import fault_tools as tools

ALL = os.environ.get("KILL_CALLS") == "all"
SAMPLE = 6


def is_changing(call):
    return call.name in tools.CHANGING or (call.name == "openat" and "O_CREAT" in call.text)


def chosen(calls, rng):
    """(name, nth) of the calls to kill in."""
    every = sorted({(call.name, call.nth) for call in calls})
    if ALL:
        return every
    changing = sorted({(call.name, call.nth) for call in calls if is_changing(call)})
    if os.environ.get("TOLL_SANITIZE"):
        changing = rng.sample(changing, len(changing) // 3)  # the other tree takes them all
    others = [one for one in every if one not in set(changing)]
    return changing + rng.sample(others, min(SAMPLE, len(others)))


def kill(job, name, nth):
    """True when the call was reached: threads share the calls out among themselves as they like."""
    what = f"{job.name}, killed in {name} {nth}"
    job.start()
    done = tools.injected(job.arguments, f"{name}:signal=KILL:when={nth}")
    assert done.returncode in (0, -signal.SIGKILL), (what, done.returncode, done.stderr)
    published = job.check_published(what)
    assert published or done.returncode != 0, (what, "ended well, but published nothing")
    job.check_next(what)
    return done.returncode != 0, published


def kill_all(job, places):
    killed = published = 0
    for name, nth in places:
        was_killed, was_published = kill(job, name, nth)
        killed += was_killed
        published += was_published
    print(f"{job.name}: {len(places)} calls, killed in {killed}, {published} had published", flush=True)
    return killed


def main():
    tools.need_strace()
    rng = random.Random(3)
    with tools.work_folder():
        jobs = tools.small_jobs()
        jobs = (*jobs, tools.merge_job(jobs[2]), *tools.cycle_jobs())
        for job in (*jobs, *tools.file_jobs(jobs[2])):
            job.start()
            calls = tools.trace(job.arguments)
            assert len({call.thread for call in calls}) == 1, "one thread was asked for"
            counts = collections.Counter(call.name for call in calls)
            assert counts["fsync"] > (3 if job in jobs else 1), counts
            places = chosen(calls, rng)
            assert kill_all(job, places) == len(places), "every call of one thread is reached"
        variants = [job.with_option("--threads", "2") for job in jobs]
        variants += [jobs[2].with_option("--io", path) for path in (*tools.rate_paths()[1:], "auto")]
        for job in variants:
            job.start()
            places = sorted({(call.name, call.nth) for call in tools.trace(job.arguments)})
            assert kill_all(job, places if ALL else rng.sample(places, SAMPLE)) > 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
