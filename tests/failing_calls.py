"""Every system call that small runs of import, rate, close, compile and export make fails once, and each write gets lost once.

A run with a failed call either ends well and leaves the bytes of an undisturbed one, or it ends with the right exit
code and one line, and publishes nothing; either way the next run ends well. A write that is reported but never made
must fail the run or, later, `verify`. FAILING_CALLS=all takes every call; by default it is every few of a long row of
the same one. A ring that is refused or that fails for ever must end the run as well, or be done without.
"""
import collections
import os
import re
import sys

import fault_tools as tools

ALL = os.environ.get("FAILING_CALLS") == "all"
MOST = 3 if os.environ.get("TOLL_SANITIZE") else 8  # of one call and error, spread evenly, without ALL
CREATE, IO, LOCKED, MEMORY, NOINPUT = 73, 74, 75, 71, 66
ERRORS = {
    "fsync": {"EIO": (IO,)},
    "pwrite64": {"ENOSPC": (IO,)},
    "write": {"ENOSPC": (IO,)},
    "rename": {"EIO": (IO,)},
    "renameat": {"EIO": (IO,)},
    "renameat2": {"EIO": (IO,)},
    "close": {"EIO": (IO,)},
    "openat": {"EMFILE": (IO, CREATE, NOINPUT), "EACCES": (IO, CREATE, NOINPUT)},
    "mkdirat": {"ENOSPC": (CREATE,)},
    "unlinkat": {"EIO": (IO, CREATE)},
    "ftruncate": {"ENOSPC": (IO,)},
    "fallocate": {"ENOSPC": (IO,)},
    "flock": {"EAGAIN": (LOCKED, IO), "EIO": (IO,)},  # a compile waits for its lock, so that for it this is a fault
    "getdents64": {"EIO": (IO,)},
    "newfstatat": {"EIO": (IO, CREATE, NOINPUT)},
    "pread64": {"EIO": (IO,)},
    "mmap": {"ENOMEM": (MEMORY, IO)},
}
if os.environ.get("TOLL_SANITIZE"):
    del ERRORS["mmap"]  # a sanitizer's own allocator gives up at that
# Not even a run that would get away with it goes on after one of these.
FATAL = ("fsync", "pwrite64", "renameat", "renameat2", "ftruncate", "fallocate", "mkdirat")
# What an ending run takes its temporary away with: when that fails, the next run does it.
CLEANING = ("flock", "unlinkat", "openat", "getdents64", "newfstatat")


def spread(items):
    if ALL or len(items) <= MOST:
        return items
    return [items[i * (len(items) - 1) // (MOST - 1)] for i in range(MOST)]


def check(job, done, codes, what, cleans=True):
    """After a run with a fault: what it said, what it left, and that the next run is none the worse."""
    published = job.check_published(what)
    assert not (cleans and os.path.exists(job.output + ".tollmill.tmp")), (what, "a temporary is left")
    if done.returncode == 0:
        assert published and done.stderr == "", (what, done.stderr)
        if job.name == "rate --io io_uring" and "setup" in what:
            assert '"refused": null' not in tools.read("run/stats.json").decode(), (what, "and nobody noticed")
    else:
        assert done.returncode in codes, (what, done.returncode, codes, done.stderr)
        tools.one_line(done, what)
    job.check_next(what)


def fail_calls(job, calls):
    by_name = collections.defaultdict(list)
    for call in calls:
        by_name[call.name].append(call.nth)
    tried = failed = 0
    for name, errors in ERRORS.items():
        for error, codes in errors.items():
            for nth in spread(by_name[name]):
                what = f"{job.name}, {name} {nth} fails with {error}"
                job.start()
                done = tools.injected(job.arguments, f"{name}:error={error}:when={nth}")
                assert done.returncode != 0 or name not in FATAL, (what, "and nobody cares")
                check(job, done, codes, what, cleans=name not in CLEANING)
                tried += 1
                failed += done.returncode != 0
    print(f"{job.name}: {tried} calls failed, {failed} runs ended in an error", flush=True)
    assert failed > 0


def lose_writes(job, calls):
    writes = [call for call in calls if call.name == "pwrite64"]
    found = {"run": 0, "verify": 0, "nothing lost": 0}
    for call in spread(writes):
        what = f"{job.name}, pwrite64 {call.nth} is lost"
        count = int(re.search(r"= (\d+)$", call.text).group(1))
        job.start()
        done = tools.injected(job.arguments, f"pwrite64:retval={count}:when={call.nth}")
        if done.returncode != 0:
            tools.one_line(done, what)
            found["run"] += 1
        elif tools.tree(job.output) == job.expected:  # zeros that would have made a hole, or stats.json
            found["nothing lost"] += 1
        else:
            verified = tools.run("verify", job.verified)
            assert verified.returncode == 65, (what, verified.returncode, verified.stdout, verified.stderr)
            found["verify"] += 1
    print(f"{job.name}: writes lost, found by: {found}", flush=True)
    assert found["run"] + found["verify"] > found["nothing lost"]


def ring(job):
    """A rating whose ring is refused, or breaks and stays broken."""
    if "io_uring" not in tools.rate_paths():
        print("no --io io_uring in this version: the ring's faults are skipped")
        return
    job = job.with_option("--io", "io_uring")
    job.start()
    if not any(call.name == "io_uring_enter" for call in tools.trace(job.arguments)):
        print("no ring is used here (forbidden, or none in this kernel): its faults are skipped")
        return
    for error in ("ENOSYS", "EPERM", "ENOMEM"):
        job.start()
        what = f"io_uring_setup fails with {error}"
        check(job, tools.injected(job.arguments, f"io_uring_setup:error={error}"), (IO,), what)
    for fault in ("error=EIO", "error=EIO:when=2+", "error=EINTR:when=1", "error=EAGAIN:when=1"):
        job.start()
        what = f"io_uring_enter: {fault}"
        check(job, tools.injected(job.arguments, f"io_uring_enter:{fault}"), (IO,), what)
    print("the ring refused and broken: no run hung, none lost anything")


def main():
    tools.need_strace()
    with tools.work_folder():
        jobs = tools.small_jobs()
        jobs = (*jobs, tools.merge_job(jobs[2]), *tools.cycle_jobs())
        for job in (*jobs, *tools.file_jobs(jobs[2])):
            job.start()
            calls = tools.trace(job.arguments)
            fail_calls(job, calls)
            if job in jobs or job.name == "compile":
                lose_writes(job, calls)
        ring(jobs[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())
