"""SIGKILL at random moments of import, rate and close: never a manifest that does not verify, and the next run succeeds.

KILLS (default 20 here; the long run uses 200) moments are spread over the measured length of an undisturbed run, in
turn with one thread, with two, and with each way to read. What a killed run leaves is either nothing, an unpublished
temporary, or a complete result; each is checked after every kill, and so is that the next run gives the bytes of one
that nobody disturbed. Kills in every single call are the business of kill_calls.py.
"""
import os
import random
import signal
import subprocess
import sys
import time

import fault_tools as tools

SLOW = bool(os.environ.get("TOLL_SANITIZE"))
KILLS = int(os.environ.get("KILLS", "6" if SLOW else "20"))
CDRS = int(os.environ.get("KILL_CDRS", "20000" if SLOW else "60000"))


def killed(arguments, seconds):
    """Starts, waits, kills; True when the kill came before the end."""
    process = subprocess.Popen([tools.TOLLMILL, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return process.returncode == -signal.SIGKILL


def length(arguments):
    before = time.monotonic_ns()
    tools.ok(*arguments)
    return (time.monotonic_ns() - before) / 1e9


def kill_many(job, variants, rng):
    lengths = []
    for variant in variants:
        job.start()
        lengths.append(length(variant.arguments))
    hits = published = 0
    for i in range(KILLS):
        variant = variants[i % len(variants)]
        job.start()
        hits += killed(variant.arguments, rng.random() * lengths[i % len(variants)])
        published += variant.check_published((variant.name, i))
        variant.check_next((variant.name, i))
    print(f"{job.name}: {KILLS} runs of {CDRS} CDRs in {len(variants)} ways, {hits} killed, {published} had published, "
          "every one whole and every next run as if undisturbed", flush=True)
    assert hits > 0


def main():
    rng = random.Random(7)
    with tools.work_folder():
        tools.ok("gen", "-o", "world", "--cdrs", str(CDRS), "--numbers", "2000", "--accounts", "200", "--files", "2",
                 "--quiet")
        importing = ["import", "--spec", tools.SPEC, "-o", "cdrs"]
        first = tools.Job("import", [*importing, "world/cdrs-0001.csv"], "cdrs", "dataset.json")
        tools.ok(*first.arguments)
        os.rename("cdrs", "generation-1")
        second = tools.Job("second import", [*importing, "world/cdrs-0002.csv"], "cdrs", "dataset.json",
                           base="generation-1")
        tools.ok(*second.arguments)
        os.rename("cdrs", "both")
        rate = tools.Job("rate", ["rate", "--book", "world/book", "--cdrs", "both", "-o", "run"], "run", "run.json")
        merge = tools.merge_job(rate, book="world/book")
        for job in first, second:
            kill_many(job, [job.with_option("--threads", threads) for threads in ("1", "2")] +
                      [job.with_option("--memory", "1MiB")], rng)
        close, append, reorder = tools.cycle_jobs("world/book")
        for job in rate, merge, append, reorder:
            kill_many(job, [job.with_option("--threads", threads).with_option("--io", path)
                            for path in tools.rate_paths() for threads in ("1", "2")], rng)
        kill_many(close, [close.with_option("--threads", threads) for threads in ("1", "2")], rng)
    return 0


if __name__ == "__main__":
    sys.exit(main())
