"""A file that is cut short while a run has it mapped: one line that names it, exit 74 or 65, nothing published.

The run is stopped in a system call of its own, the file is truncated, the run goes on. A SIGBUS that comes from no
mapped file ends the process as it always did: the guard takes nothing else upon itself.
"""
import os
import signal
import sys

import fault_tools as tools

def cut(job, files, bytes_left, fault, path=None, named=None):
    what = f"{job.name}, {', '.join(map(os.path.basename, files))} cut to {bytes_left} in {fault}"
    kept = {file: tools.read(file) for file in files}
    job.start()
    with tools.Stopped(job.arguments, fault, path) as stopped:
        for file in files:
            os.truncate(file, bytes_left)
        done = stopped.go_on()
    for file, data in kept.items():
        with open(file, "r+b") as out:
            out.write(data)
    assert done.returncode in (74, 65), (what, done.returncode, done.stderr)
    tools.one_line(done, what)
    assert any(os.path.basename(file) in done.stderr for file in named or files), (what, done.stderr)
    assert not job.check_published(what), (what, "published all the same")
    job.check_next(what)
    return done


def of_import(job):
    csv = os.path.abspath("one.csv")
    guarded = 0
    for left in (0, 4096, 20000):
        done = cut(job, [csv], left, "mmap:when=1", csv)
        assert done.returncode == 74, done.stderr
        assert str(left) in done.stderr and csv in done.stderr, done.stderr
        guarded += 1
    print(f"import: {guarded} truncations of the CSV, each one line and exit 74")


def of_rate(job):
    """Parts and the book's image, just mapped and again before the first batch is rated; one thread and two."""
    parts = sorted(os.path.abspath(os.path.join("both/parts", name)) for name in os.listdir("both/parts")
                   if not name.endswith(".text.arrow"))
    parts = [part for part in parts if ".g2." in part]
    assert len(parts) == 2, parts
    image = os.path.abspath("book.image")
    job.start()
    nth = next(call.nth for call in tools.trace(job.arguments, "umask,openat")
               if call.name == "openat" and "O_CREAT" in call.text and "2026-" in call.text)
    codes = []
    for variant in (job, job.with_option("--threads", "2")):
        for left in (0, 4096):
            codes.append(cut(variant, parts, left, f"openat:when={nth}").returncode)
            codes.append(cut(variant, parts[:1], left, "mmap:when=1", parts[0]).returncode)
            codes.append(cut(variant, [image], left, f"openat:when={nth}").returncode)  # the run has its texts yet to read
            codes.append(cut(variant, [image], left, "mmap:when=1", image).returncode)
    print(f"rate: {len(codes)} truncations of parts and image, exits: "
          f"74 (the guard, or a failed read) {codes.count(74)}, 65 (found to be bad data) {codes.count(65)}")
    assert codes.count(74) > 0


def of_readers():
    """Verbs that only read: a run's lines cut short under them."""
    tools.ok("rate", "--book", "book.image", "--cdrs", "both", "-o", "read", "--quiet")
    lines = sorted(os.path.join("read/lines", name) for name in os.listdir("read/lines"))
    kept = tools.read(lines[0])
    path = os.path.abspath(lines[0])
    for verb in (["export", "read", "--format", "csv", "--cdrs", "both", "--quiet"],
                 ["explain", "read", os.path.basename(lines[0])[:10] + ":7", "--cdrs", "both"]):
        with tools.Stopped(verb, "mmap:when=1", path) as stopped:
            os.truncate(path, 4096)
            done = stopped.go_on()
        with open(path, "r+b") as out:
            out.write(kept)
        assert done.returncode in (74, 65), (verb, done.returncode, done.stderr)
        tools.one_line(done, verb)
    tools.ok("verify", "read")
    print("export and explain: lines cut short, one line each")


def other_bus_errors(job):
    """Sent by somebody, from no file: no word of ours, and the signal's own end."""
    job.start()
    with tools.Stopped(job.arguments, "pwrite64:when=1") as stopped:
        os.kill(stopped.pid, signal.SIGBUS)
        done = stopped.go_on()
    assert done.returncode == -signal.SIGBUS and done.stderr == "", (done.returncode, done.stderr)
    job.check_next("killed by SIGBUS")
    print("a SIGBUS from no file: ended by the signal, without a word")


def main():
    tools.need_strace()
    with tools.work_folder():
        jobs = tools.small_jobs()
        of_import(jobs[0])
        tools.ok("compile", "book", "-o", "book.image", "--quiet")
        rating = ["rate", "--book", "book.image", "--cdrs", "both", "-o", "run", "--threads", "1", "--io", "mmap"]
        rate = tools.Job("rate", rating, "run", "run.json")
        of_rate(rate)
        of_readers()
        other_bus_errors(rate)
    return 0


if __name__ == "__main__":
    sys.exit(main())
