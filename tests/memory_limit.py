"""The command under a memory limit (RLIMIT_AS), swept in steps over what it needs: exit 0 with the same bytes as without
a limit, or exit 71 with one line on stderr and nothing published. Never a signal, never another code.

LIMIT_STEPS (default 16) values a verb, from what the program needs to start up to what it needs to finish.
"""
import filecmp
import os
import resource
import shutil
import subprocess
import sys
import tempfile

ROOT = os.environ["TOLL_SOURCE_DIR"]
TOLLMILL = os.environ["TOLLMILL"]
STEPS = int(os.environ.get("LIMIT_STEPS", "16"))
SPEC = os.path.join(ROOT, "data", "providers", "tollmill.yaml")
MIB = 1 << 20


def run(limit, *arguments):
    def limited():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    return subprocess.run([TOLLMILL, *arguments], capture_output=True, text=True, preexec_fn=limited, timeout=120)


def ok(*arguments):
    done = run(0, *arguments, "--quiet")
    assert done.returncode == 0, (arguments, done.stderr)


def smallest(low, high, fits):
    """The least limit from which on it fits, to 256 KiB; it does at high."""
    while high - low > 1 << 18:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def remove(path):
    shutil.rmtree(path, ignore_errors=True)
    if os.path.isfile(path):
        os.unlink(path)


def same(left, right):
    """Files, or trees of files but for stats.json, which holds times."""
    if os.path.isfile(left):
        return filecmp.cmp(left, right, shallow=False)
    names = [sorted(os.path.relpath(os.path.join(folder, name), top) for folder, _, files in os.walk(top)
                    for name in files if name != "stats.json") for top in (left, right)]
    return names[0] == names[1] and all(
        filecmp.cmp(os.path.join(left, name), os.path.join(right, name), shallow=False) for name in names[0])


def published(verb, output):
    return os.path.exists(os.path.join(output, "dataset.json") if verb == "import" else output)


def sweep(verb, arguments, output, reference, start):
    """output: what the verb writes, or None; then its stdout is what counts."""
    expected = None if output else run(0, verb, *arguments, "--quiet").stdout

    def attempt(limit):
        if output:
            remove(output)
        done = run(limit, verb, *arguments, "--quiet")
        where = f"{verb} with {limit / MIB:.2f} MiB: exit {done.returncode}, {done.stderr!r}"
        assert done.returncode in (0, 71), where
        if done.returncode == 0:
            assert same(output, reference) if output else done.stdout == expected, where + ": other bytes"
        else:
            assert done.stderr.count("\n") == 1 and done.stderr.startswith(f"tollmill {verb}: error: "), where
            assert not output or not published(verb, output), where + ": published"
            folder = os.path.dirname(reference)
            assert not [name for name in os.listdir(folder) if name.endswith(".tmp")], where + ": left something"
        return done.returncode == 0

    enough = smallest(start, 4096 * MIB, attempt)
    counts = {True: 0, False: 0}
    above = enough + 24 * MIB  # stacks of threads: what is enough without them may be too little with them
    for step in range(STEPS):
        counts[attempt(start + (above - start) * step // (STEPS - 1))] += 1
    print(f"{verb}: starts with {start / MIB:.1f} MiB, finishes with {enough / MIB:.1f}: "
          f"{counts[False]} times exit 71, {counts[True]} complete")
    assert counts[False] > 0 and counts[True] > 0
    if output:
        remove(output)


def main():
    if run(2048 * MIB, "--version").returncode != 0:
        print("this build does not start in 2 GiB of address space (a sanitizer): not tried")
        return 77
    with tempfile.TemporaryDirectory(prefix="tollmill-") as work:
        at = lambda *parts: os.path.join(work, *parts)
        ok("gen", "-o", at("world"), "--cdrs", "20000", "--numbers", "3000", "--accounts", "200")
        delivery = next(at("world", name) for name in sorted(os.listdir(at("world"))) if name.endswith(".csv"))
        for folder in ("made", "tried"):
            os.mkdir(at(folder))
        ok("import", "--spec", SPEC, "-o", at("made", "cdrs"), delivery)
        ok("compile", at("world", "book"), "-o", at("made", "book.image"))
        ok("rate", "--book", at("made", "book.image"), "--cdrs", at("made", "cdrs"), "-o", at("made", "run"))
        ok("export", at("made", "run"), "--cdrs", at("made", "cdrs"), "--format", "csv", "-o", at("made", "lines.csv"))
        start = smallest(MIB, 2048 * MIB, lambda limit: run(limit, "--version").returncode == 0)
        tried, made = (lambda name: at("tried", name)), (lambda name: at("made", name))
        sweep("import", ["--spec", SPEC, "-o", tried("cdrs"), delivery], tried("cdrs"), made("cdrs"), start)
        sweep("compile", [at("world", "book"), "-o", tried("book.image")], tried("book.image"), made("book.image"), start)
        for book, threads in ((at("world", "book"), "1"), (made("book.image"), "2")):
            sweep("rate", ["--book", book, "--cdrs", made("cdrs"), "-o", tried("run"), "--threads", threads],
                  tried("run"), made("run"), start)
        sweep("export", [made("run"), "--cdrs", made("cdrs"), "--format", "csv", "-o", tried("lines.csv")],
              tried("lines.csv"), made("lines.csv"), start)
        with open(at("world", "book", "bundles.csv"), "w", encoding="utf-8") as out:
            out.write("bundle,unit,quantity,scope\nb,s,900,account\nn,s,60,number\n")
        with open(at("world", "book", "subscriptions.csv"), "w", encoding="utf-8") as out:
            out.write("subject,bundle\ndefault,b\ndefault,n\n")
        ok("rate", "--book", at("world", "book"), "--cdrs", made("cdrs"), "-o", made("cycle"))
        closing = [made("cycle"), "--cdrs", made("cdrs"), "--until", "2099-01-01", "-o"]
        ok("close", *closing, made("state"))
        for threads in "1", "2":
            sweep("close", [*closing, tried("state"), "--threads", threads], tried("state"), made("state"), start)
        behind = ["--book", at("world", "book"), "--cdrs", made("cdrs"), "--after", made("state"), "-o"]
        ok("rate", *behind, made("behind"))
        sweep("rate", [*behind, tried("behind")], tried("behind"), made("behind"), start)
        for verb, arguments in (("verify", [made("cdrs")]), ("verify", [made("run")]), ("summary", [made("run")])):
            sweep(verb, arguments, None, made("run"), start)
    return 0


if __name__ == "__main__":
    sys.exit(main())
